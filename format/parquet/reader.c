/* reader.c - blocks out of a row group: wanted columns resolved once, leaves read, nested values assembled.
 *
 * A wanted column becomes a tree of targets beside the file's logical tree; every leaf under it has a cursor. Lists are
 * assembled from the levels of one leaf below them: an entry begins a slot of the list when it begins a slot of what
 * encloses it, and is an item when its definition level reaches the item's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/cursor.h"

typedef struct target target;
struct target {
    const pq_field *field; /* NULL: absent in the file */
    const fn_type *type;
    bool row_number;
    uint32_t cursor;       /* LEAF: its cursor; containers: a cursor below, for the levels */
    uint32_t kid_count;
    target *kids;
};

struct fn_parquet_reader {
    fn_arena *arena;
    const fn_parquet *file;
    uint32_t count, cursor_count;
    target *targets;
    pq_cursor *cursors;
    uint32_t group;
    bool begun;
    uint64_t row;              /* of the group; where the cursors stand */
    fn_parquet_range *ranges;  /* in the arena */
    uint32_t range_count, range;
};

static const fn_parquet_path *path_kid(const fn_parquet_path *path, uint32_t i)
{
    return path && path->kids ? &path->kids[i] : NULL;
}

static const pq_field *kid_by_name(const pq_field *f, fn_str name)
{
    for (uint32_t k = 0; k < f->kid_count; k++) {
        if (fn_str_eq(f->kids[k]->name, name)) return f->kids[k];
    }
    return NULL;
}

/* The field of struct `f` that the wanted tuple's field i means: by id, by name, or by place when the type has no names. */
static const pq_field *tuple_kid(const pq_field *f, const fn_type *type, uint32_t i, const fn_parquet_path *path)
{
    const fn_parquet_path *kid = path_kid(path, i);
    bool has_ids = false;
    for (uint32_t k = 0; kid && kid->field_id >= 0 && k < f->kid_count; k++) {
        if (f->kids[k]->field_id == kid->field_id) return f->kids[k];
        has_ids |= f->kids[k]->field_id >= 0;
    }
    if (has_ids) return NULL;
    for (uint32_t n = 0; kid && n < kid->name_count; n++) {
        const pq_field *found = kid_by_name(f, kid->names[n]);
        if (found) return found;
    }
    if (kid && kid->name_count) return NULL;
    if (!type->arg_names) return i < f->kid_count ? f->kids[i] : NULL;
    return kid_by_name(f, fn_cstr(type->arg_names[i]));
}

/* Does a struct of the file have none of the wanted fields? Then the whole column counts as absent. */
static bool has_nothing(const pq_field *f, const fn_type *type, const fn_parquet_path *path)
{
    if (!path || f->kind != PQ_TUPLE || type->id != FN_T_TUPLE) return false;
    for (uint32_t i = 0; i < type->arg_count; i++) {
        const pq_field *kid = tuple_kid(f, type, i, path);
        if (kid && !has_nothing(kid, type->args[i], path_kid(path, i))) return false;
    }
    return true;
}

static bool converts(const fn_parquet *p, const pq_field *f, const fn_type *type, const fn_parquet_path *path)
{
    pq_convert c;
    switch (f->kind) {
    case PQ_LEAF: return pq_convert_find(&p->leaves[f->first_leaf], fn_type_base(type), &c);
    case PQ_ARRAY_: return type->id == FN_T_ARRAY && converts(p, f->kids[0], type->items, path_kid(path, 0));
    case PQ_MAP_:
        return type->id == FN_T_MAP && converts(p, f->kids[0]->kids[0], type->args[0], path_kid(path, 0)) &&
               converts(p, f->kids[0]->kids[1], type->args[1], path_kid(path, 1));
    case PQ_TUPLE: break;
    }
    if (type->id != FN_T_TUPLE) return false;
    bool any = false;
    for (uint32_t i = 0; i < type->arg_count; i++) {
        const pq_field *kid = tuple_kid(f, type, i, path);
        if (kid && has_nothing(kid, type->args[i], path_kid(path, i))) continue;
        if (kid && !converts(p, kid, type->args[i], path_kid(path, i))) return false;
        any |= kid != NULL;
    }
    return any;
}

bool fn_parquet_converts(const fn_parquet *p, uint32_t column, const fn_type *type)
{
    return converts(p, p->fields[column], type, NULL);
}

static fn_status make_target(fn_ctx *ctx, fn_parquet_reader *r, const pq_field *f, const fn_type *type, const fn_parquet_path *path, target *t)
{
    if (f && has_nothing(f, type, path)) f = NULL;
    t->field = f;
    t->type = type;
    if (!f) return FN_OK;
    if (f->kind == PQ_LEAF) {
        t->cursor = r->cursor_count;
        return pq_cursor_init(ctx, &r->cursors[r->cursor_count++], r->file, f->first_leaf, type);
    }
    const fn_type *tuple = f->kind == PQ_MAP_ ? type->items : type;
    const pq_field *owner = f->kind == PQ_MAP_ ? f->kids[0] : f;
    t->kid_count = f->kind == PQ_ARRAY_ ? 1 : tuple->arg_count;
    t->kids = fn_arena_alloc_zero(ctx, r->arena, sizeof *t->kids * t->kid_count);
    FN_TRY_PTR(ctx, t->kids);
    bool found = false;
    for (uint32_t i = 0; i < t->kid_count; i++) {
        const pq_field *kid = f->kind == PQ_TUPLE ? tuple_kid(f, tuple, i, path) : owner->kids[i];
        FN_TRY(make_target(ctx, r, kid, f->kind == PQ_ARRAY_ ? type->items : tuple->args[i], path_kid(path, i), &t->kids[i]));
        if (t->kids[i].field && !found) {
            t->cursor = t->kids[i].cursor;
            found = true;
        }
    }
    return FN_OK;
}

static fn_status resolve_want(fn_ctx *ctx, fn_parquet_reader *r, const fn_parquet_want *w, target *t)
{
    const fn_parquet *p = r->file;
    if (w->row_number) {
        *t = (target){.row_number = true, .type = w->type ? w->type : fn_type_simple(FN_T_UINT64)};
        return FN_OK;
    }
    const int column = w->field_id >= 0 ? fn_parquet_column_by_id(p, w->field_id) : fn_schema_find(&p->schema, w->name);
    if (column < 0) {
        if (!w->type) return fn_fail(ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "There is no column '" FN_STR_FMT "' in Parquet file '%s'", FN_STR_ARG(w->name), p->blob->name);
        return make_target(ctx, r, NULL, w->type, NULL, t);
    }
    const pq_field *f = p->fields[column];
    if (w->type && !has_nothing(f, w->type, w->path) && !converts(p, f, w->type, w->path))
        return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Cannot read column '" FN_STR_FMT "' of Parquet file '%s' of type %s as %s", FN_STR_ARG(f->name),
                       p->blob->name, f->type->name, w->type->name);
    FN_TRY(make_target(ctx, r, f, w->type ? w->type : f->type, w->path, t));
    if (t->field && f->kind == PQ_LEAF) r->cursors[t->cursor].keeps_codes = w->codes && r->cursors[t->cursor].convert.width && !r->cursors[t->cursor].convert.from_text;
    return FN_OK;
}

fn_status fn_parquet_reader_open(fn_ctx *ctx, const fn_parquet *p, const fn_parquet_want *wants, uint32_t count, fn_parquet_reader **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    fn_parquet_reader *r = fn_arena_alloc_zero(ctx, arena, sizeof *r);
    if (!r) goto failed;
    r->arena = arena;
    r->file = p;
    r->count = count;
    r->targets = fn_arena_alloc_zero(ctx, arena, sizeof *r->targets * FN_MAX(count, 1));
    size_t leaves = 1; /* a wanted column may be named twice */
    for (uint32_t i = 0; i < count; i++) {
        const int column = wants[i].row_number ? -1 : wants[i].field_id >= 0 ? fn_parquet_column_by_id(p, wants[i].field_id) : fn_schema_find(&p->schema, wants[i].name);
        if (column >= 0) leaves += p->fields[column]->leaf_count + (wants[i].type ? wants[i].type->arg_count : 0);
    }
    r->cursors = fn_arena_alloc_zero(ctx, arena, sizeof *r->cursors * leaves);
    if (!r->targets || !r->cursors) goto failed;
    for (uint32_t i = 0; i < count; i++) {
        if (resolve_want(ctx, r, &wants[i], &r->targets[i]) != FN_OK) goto failed;
    }
    *out = r;
    return FN_OK;
failed:
    fn_arena_free(arena);
    return ctx->error.code;
}

void fn_parquet_reader_close(fn_parquet_reader *r)
{
    if (!r) return;
    for (uint32_t i = 0; i < r->cursor_count; i++) pq_cursor_release(&r->cursors[i]);
    fn_arena_free(r->arena);
}

static fn_status fetch(fn_ctx *ctx, fn_parquet_reader *r)
{
    const pq_chunk *chunks = r->file->groups[r->group].chunks;
    fn_range *ranges = FN_NEW_ARRAY(ctx, fn_range, FN_MAX(r->cursor_count, 1));
    FN_TRY_PTR(ctx, ranges);
    for (uint32_t i = 0; i < r->cursor_count; i++) {
        pq_cursor *c = &r->cursors[i];
        const pq_chunk *chunk = &chunks[c->leaf_index];
        FN_TRY(pq_grow(ctx, &c->bytes, 0, (size_t)chunk->data.size));
        ranges[i] = (fn_range){chunk->data.offset, chunk->data.size, c->bytes->data};
    }
    if (r->cursor_count) FN_TRY(r->file->blob->read(r->file->blob, ctx, ranges, r->cursor_count));
    for (uint32_t i = 0; i < r->cursor_count; i++) pq_cursor_begin(&r->cursors[i], &chunks[r->cursors[i].leaf_index]);
    return FN_OK;
}

fn_status fn_parquet_reader_begin(fn_ctx *ctx, fn_parquet_reader *r, uint32_t group, const fn_parquet_range *ranges, uint32_t range_count)
{
    r->group = group;
    r->row = 0;
    r->range = 0;
    r->range_count = ranges ? range_count : 1;
    r->ranges = fn_arena_alloc(ctx, r->arena, sizeof *r->ranges * FN_MAX(r->range_count, 1));
    FN_TRY_PTR(ctx, r->ranges);
    if (ranges) memcpy(r->ranges, ranges, sizeof *ranges * range_count);
    else r->ranges[0] = (fn_parquet_range){0, r->file->groups[group].rows};
    r->begun = false;
    FN_TRY(fetch(ctx, r));
    r->begun = true;
    return FN_OK;
}

/* Offsets of `rows` lists from the levels of a leaf below; *items: how many items they have. */
static fn_status list_offsets(fn_ctx *ctx, const pq_cursor *c, const pq_field *f, fn_buffer **out, uint32_t *rows, uint32_t *items)
{
    const size_t n = c->batch.def.size;
    const uint8_t *def = (const uint8_t *)c->batch.def.data, *rep = (const uint8_t *)c->batch.rep.data;
    if (n >= UINT32_MAX) return pq_bad(ctx, c->file, c->page.offset, "too many values in a block");
    fn_buffer *b = fn_buffer_new(ctx, (n + 2) * 4);
    FN_TRY_PTR(ctx, b);
    uint32_t *offsets = (uint32_t *)(void *)b->data, slots = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        offsets[slots] = count;
        slots += rep[i] <= f->slot_rep && def[i] >= f->slot_def;
        count += rep[i] <= f->item_rep && def[i] >= f->item_def;
    }
    offsets[slots] = count;
    *out = b;
    *rows = slots;
    *items = count;
    return FN_OK;
}

static fn_status assemble(fn_ctx *ctx, fn_parquet_reader *r, const target *t, uint32_t rows, fn_column **out);

static fn_status assemble_kids(fn_ctx *ctx, fn_parquet_reader *r, const target *t, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_column **kids = FN_NEW_ARRAY(ctx, fn_column *, t->kid_count);
    FN_TRY_PTR(ctx, kids);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < t->kid_count && status == FN_OK; i++) status = assemble(ctx, r, &t->kids[i], rows, &kids[i]);
    if (status == FN_OK) {
        *out = fn_column_tuple(ctx, type, rows, kids);
        if (!*out) status = ctx->error.code;
    }
    for (uint32_t i = 0; i < t->kid_count; i++) fn_column_drop(kids[i]);
    return status;
}

static fn_status assemble_list(fn_ctx *ctx, fn_parquet_reader *r, const target *t, uint32_t rows, fn_column **out)
{
    fn_buffer *offsets = NULL;
    uint32_t have = 0, items = 0;
    const pq_cursor *c = &r->cursors[t->cursor];
    FN_TRY(list_offsets(ctx, c, t->field, &offsets, &have, &items));
    fn_column *kid = NULL;
    fn_status status = have == rows ? FN_OK : pq_bad(ctx, r->file, c->page.offset, "columns of one struct differ in their lists");
    if (status == FN_OK) {
        status = t->field->kind == PQ_MAP_ ? assemble_kids(ctx, r, t, t->type->items, items, &kid) : assemble(ctx, r, &t->kids[0], items, &kid);
    }
    if (status != FN_OK) {
        fn_buffer_drop(offsets);
        return status;
    }
    *out = fn_column_array(ctx, t->type, rows, offsets, kid);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status default_column(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_column *one = fn_column_default(ctx, type, rows);
    FN_TRY_PTR(ctx, one);
    *out = rows ? fn_column_ref(one) : fn_column_flatten(ctx, one);
    fn_column_drop(one);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status flat_default(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_column *one;
    FN_TRY(default_column(ctx, type, rows, &one));
    *out = fn_column_flatten(ctx, one); /* kids of containers are not constants */
    fn_column_drop(one);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status assemble(fn_ctx *ctx, fn_parquet_reader *r, const target *t, uint32_t rows, fn_column **out)
{
    if (!t->field) return flat_default(ctx, t->type, rows, out);
    switch (t->field->kind) {
    case PQ_TUPLE: return assemble_kids(ctx, r, t, t->type, rows, out);
    case PQ_ARRAY_:
    case PQ_MAP_: return assemble_list(ctx, r, t, rows, out);
    case PQ_LEAF: break;
    }
    pq_cursor *c = &r->cursors[t->cursor];
    FN_TRY(pq_cursor_column(ctx, c, out));
    if ((*out)->rows == rows) return FN_OK;
    fn_column_drop(*out);
    *out = NULL;
    return pq_bad(ctx, r->file, c->page.offset, "columns of one struct differ in their lists");
}

static fn_status row_numbers(fn_ctx *ctx, const fn_type *type, uint64_t first, uint32_t rows, fn_column **out)
{
    fn_buffer *b = fn_buffer_new(ctx, (size_t)rows * 8);
    FN_TRY_PTR(ctx, b);
    uint64_t *v = (uint64_t *)(void *)b->data;
    for (uint32_t i = 0; i < rows; i++) v[i] = first + i;
    *out = fn_column_fixed(ctx, type, rows, b, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status fill_block(fn_ctx *ctx, fn_parquet_reader *r, fn_block *b)
{
    for (uint32_t i = 0; i < r->cursor_count; i++) FN_TRY(pq_cursor_read(ctx, &r->cursors[i], b->rows));
    for (uint32_t i = 0; i < r->count; i++) {
        const target *t = &r->targets[i];
        if (t->row_number) FN_TRY(row_numbers(ctx, t->type, r->file->groups[r->group].first_row + r->row, b->rows, &b->columns[i]));
        else if (!t->field) FN_TRY(default_column(ctx, t->type, b->rows, &b->columns[i]));
        else FN_TRY(assemble(ctx, r, t, b->rows, &b->columns[i]));
    }
    r->row += b->rows;
    return FN_OK;
}

fn_status fn_parquet_reader_next(fn_ctx *ctx, fn_parquet_reader *r, uint32_t max_rows, fn_block **out)
{
    *out = NULL;
    if (!r->begun) return FN_OK;
    const uint64_t total = r->file->groups[r->group].rows;
    while (r->range < r->range_count && r->row >= FN_MIN(r->ranges[r->range].first + r->ranges[r->range].count, total)) r->range++;
    if (r->range == r->range_count) {
        r->begun = false;
        return FN_OK;
    }
    const fn_parquet_range *range = &r->ranges[r->range];
    const uint64_t from = FN_MAX(range->first, r->row), left = FN_MIN(range->first + range->count, total) - from;
    return fn_parquet_reader_read(ctx, r, from, (uint32_t)FN_MIN(left, (uint64_t)FN_MIN(max_rows ? max_rows : 1, FN_BLOCK_ROWS_MAX)), out);
}

static fn_status skip_to(fn_ctx *ctx, fn_parquet_reader *r, uint64_t row)
{
    for (uint32_t i = 0; i < r->cursor_count && row > r->row; i++) FN_TRY(pq_cursor_skip(ctx, &r->cursors[i], row - r->row));
    r->row = row;
    return FN_OK;
}

fn_status fn_parquet_reader_read(fn_ctx *ctx, fn_parquet_reader *r, uint64_t from, uint32_t rows, fn_block **out)
{
    *out = NULL;
    FN_ASSERT(r->begun && from >= r->row && from + rows <= r->file->groups[r->group].rows);
    FN_TRY(skip_to(ctx, r, from));
    fn_block *b = fn_block_new(ctx, r->count, rows);
    FN_TRY_PTR(ctx, b);
    const fn_status status = fill_block(ctx, r, b);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

/* The cursor of a column whose slots are the rows; NULL: it is none. */
static pq_cursor *flat_cursor(fn_parquet_reader *r, uint32_t index)
{
    const target *t = &r->targets[index];
    const bool flat = t->field && t->field->kind == PQ_LEAF && !r->cursors[t->cursor].leaf->max_rep;
    return flat && r->cursors[t->cursor].chunk->values ? &r->cursors[t->cursor] : NULL;
}

fn_status fn_parquet_reader_dictionary(fn_ctx *ctx, fn_parquet_reader *r, uint32_t index, const fn_column **out, bool *all)
{
    *out = NULL;
    *all = false;
    FN_ASSERT(r->begun && r->row == 0);
    pq_cursor *c = flat_cursor(r, index);
    if (!c) return FN_OK;
    if (c->page.entries == 0) FN_TRY(pq_page_next(ctx, c));
    *out = c->dictionary;
    *all = c->chunk->only_codes;
    return FN_OK;
}

fn_status fn_parquet_reader_coded(fn_ctx *ctx, fn_parquet_reader *r, uint32_t index, uint64_t from, uint64_t *rows)
{
    *rows = 0;
    FN_ASSERT(r->begun && from >= r->row && from < r->file->groups[r->group].rows);
    pq_cursor *c = flat_cursor(r, index);
    if (!c || !c->dictionary) return FN_OK;
    FN_TRY(skip_to(ctx, r, from));
    if (c->page.at == c->page.entries) FN_TRY(pq_page_next(ctx, c));
    if (pq_page_has_codes(c)) *rows = c->page.entries - c->page.at;
    return FN_OK;
}
