/* iceberg_scan.c - reads the data files of a snapshot in parallel. A worker takes a row group of a file that is open and has
 * some left, else it opens the next file; so one large file is shared and many small ones are opened side by side.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/iceberg_scan.h"

typedef struct lake_slot {
    lake_file file;
    uint32_t next_group, group_count;
    uint32_t busy;           /* workers in it; the last one closes it when no group is left */
} lake_slot;

typedef struct lake_worker {
    fn_arena *arena;         /* of the files it opened */
    lake_slot *slot;         /* NULL: none */
    fn_parquet_reader *reader;
    bool in_group;
} lake_worker;

typedef struct iceberg_scan {
    table_scan base;
    fn_arena *arena;
    iceberg_table *table;
    table_schema *schema;
    uint32_t *columns;       /* requested schema indexes */
    uint32_t column_count;
    lake_column *read;       /* what is read: the requested real columns, then keys of equality deletes */
    uint32_t read_count;
    file_bound *bounds;
    uint32_t bound_count;
    lake_deletes *deletes;
    lake_slot *slots;
    uint32_t slot_count, next_slot;
    lake_worker *workers;
    unsigned worker_count;
    pthread_mutex_t mutex;   /* over next_slot and the slots' counters */
} iceberg_scan;

static bool is_virtual(const iceberg_scan *s, uint32_t column)
{
    return column >= s->table->lake->field_count;
}

/* ---- taking work ---- */
static void leave(iceberg_scan *s, lake_worker *w)
{
    fn_parquet_reader_close(w->reader);
    w->reader = NULL;
    w->in_group = false;
    if (!w->slot) return;
    lake_slot *slot = w->slot;
    w->slot = NULL;
    pthread_mutex_lock(&s->mutex);
    const bool last = --slot->busy == 0 && slot->next_group >= slot->group_count;
    pthread_mutex_unlock(&s->mutex);
    if (last) lake_file_close(&slot->file);
}

/* A group of an open file, or a file to be opened. */
static bool take(iceberg_scan *s, lake_worker *w, lake_slot **slot, uint32_t *group, bool *fresh)
{
    bool found = false;
    *fresh = false;
    pthread_mutex_lock(&s->mutex);
    if (w->slot && w->slot->next_group < w->slot->group_count) { /* stay with the file whose reader is open */
        *slot = w->slot;
        found = true;
    }
    for (uint32_t i = 0; i < s->next_slot && !found; i++) {
        if (s->slots[i].next_group >= s->slots[i].group_count) continue;
        *slot = &s->slots[i];
        found = true;
    }
    if (found) {
        *group = (*slot)->next_group++;
        if (*slot != w->slot) (*slot)->busy++;
    } else if (s->next_slot < s->slot_count) {
        *slot = &s->slots[s->next_slot++];
        (*slot)->busy++;
        found = *fresh = true;
    }
    pthread_mutex_unlock(&s->mutex);
    return found;
}

static fn_status open_slot(fn_ctx *ctx, iceberg_scan *s, lake_worker *w, lake_slot *slot, uint32_t *group)
{
    FN_TRY(lake_file_open(ctx, w->arena, s->table, s->deletes, s->read, s->read_count, &slot->file));
    pthread_mutex_lock(&s->mutex);
    slot->group_count = fn_parquet_group_count(slot->file.parquet);
    *group = slot->next_group++;
    pthread_mutex_unlock(&s->mutex);
    return FN_OK;
}

/* Bounds of the file's columns that its own statistics can be asked for. */
static fn_status group_ranges(fn_ctx *ctx, const iceberg_scan *s, const lake_file *f, uint32_t group, fn_parquet_range **ranges, uint32_t *count)
{
    fn_parquet_bound *usable = FN_NEW_ARRAY(ctx, fn_parquet_bound, s->bound_count + 1);
    FN_TRY_PTR(ctx, usable);
    uint32_t n = 0;
    const bool ids = fn_parquet_has_field_ids(f->parquet);
    for (uint32_t i = 0; i < s->bound_count && ids; i++) {
        if (is_virtual(s, s->bounds[i].schema_column)) continue;
        const fn_iceberg_field *field = &s->table->lake->fields[s->bounds[i].schema_column];
        const int column = fn_parquet_column_by_id(f->parquet, field->id);
        if (column >= 0 && fn_parquet_converts(f->parquet, (uint32_t)column, field->type))
            usable[n++] = (fn_parquet_bound){(uint32_t)column, s->bounds[i].min, s->bounds[i].max};
    }
    return fn_parquet_prune(ctx, f->parquet, group, usable, n, ranges, count);
}

/* Begins the next row group that may match; *none: no work is left. */
static fn_status begin_group(fn_ctx *ctx, iceberg_scan *s, lake_worker *w, bool *none)
{
    for (;;) {
        lake_slot *slot = NULL;
        uint32_t group = 0, range_count;
        bool fresh;
        fn_parquet_range *ranges;
        *none = !take(s, w, &slot, &group, &fresh);
        if (*none || slot != w->slot) leave(s, w);
        if (*none) return FN_OK;
        w->slot = slot;
        if (fresh) FN_TRY(open_slot(ctx, s, w, slot, &group));
        if (group >= slot->group_count) continue; /* a file without rows */
        if (!w->reader) FN_TRY(fn_parquet_reader_open(ctx, slot->file.parquet, slot->file.wants, slot->file.want_count, &w->reader));
        FN_TRY(group_ranges(ctx, s, &slot->file, group, &ranges, &range_count));
        if (!range_count) continue;
        w->in_group = true;
        return fn_parquet_reader_begin(ctx, w->reader, group, ranges, range_count);
    }
}

/* ---- blocks ---- */
static fn_status virtual_column(fn_ctx *ctx, const iceberg_scan *s, const lake_file *f, uint32_t column, uint32_t rows, fn_column **out)
{
    fn_str text = f->entry->path;
    if (column - s->table->lake->field_count == ICEBERG_VIRTUAL_FILE) {
        for (size_t i = text.size; i > 0; i--) {
            if (text.data[i - 1] != '/') continue;
            text = (fn_str){text.data + i, text.size - i};
            break;
        }
    }
    *out = fn_column_const_str(ctx, s->schema->columns[column].type, text, rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status arrange(fn_ctx *ctx, const iceberg_scan *s, const lake_file *f, const fn_block *in, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, s->column_count, in->rows);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0, real = 0; i < s->column_count && status == FN_OK; i++) {
        if (is_virtual(s, s->columns[i])) status = virtual_column(ctx, s, f, s->columns[i], in->rows, &b->columns[i]);
        else b->columns[i] = fn_column_ref(in->columns[real++]);
    }
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

static fn_status scan_next(table_scan *self, fn_ctx *ctx, unsigned index, fn_block **out)
{
    iceberg_scan *s = (iceberg_scan *)self;
    lake_worker *w = &s->workers[index];
    *out = NULL;
    for (;;) {
        bool none = false;
        fn_block *raw, *kept;
        FN_TRY(fn_ctx_check(ctx));
        if (!w->in_group) FN_TRY(begin_group(ctx, s, w, &none));
        if (none) return FN_OK;
        FN_TRY(fn_parquet_reader_next(ctx, w->reader, FN_BLOCK_ROWS_MAX, &raw));
        if (!raw) {
            w->in_group = false;
            continue;
        }
        atomic_fetch_add(&self->rows_read, raw->rows);
        atomic_fetch_add(&self->bytes_read, fn_block_bytes(raw));
        fn_status status = lake_file_block(ctx, &w->slot->file, raw, &kept);
        fn_block_drop(raw);
        if (status == FN_OK && !kept) continue;
        if (status == FN_OK) status = arrange(ctx, s, &w->slot->file, kept, out);
        fn_block_drop(kept);
        return status;
    }
}

static void scan_close(table_scan *self)
{
    iceberg_scan *s = (iceberg_scan *)self;
    for (unsigned i = 0; i < s->worker_count && s->workers; i++) fn_parquet_reader_close(s->workers[i].reader);
    for (uint32_t i = 0; i < s->slot_count && s->slots; i++) lake_file_close(&s->slots[i].file);
    for (unsigned i = 0; i < s->worker_count && s->workers; i++) fn_arena_free(s->workers[i].arena);
    if (s->bounds) file_bounds_drop(s->bounds, s->bound_count);
    lake_deletes_free(s->deletes);
    table_schema_drop(s->schema);
    pthread_mutex_destroy(&s->mutex);
    fn_arena_free(s->arena);
}

/* ---- opening ---- */
/* A column for the key of an equality delete, unless one of that type is read already. */
static fn_status add_key_column(fn_ctx *ctx, iceberg_scan *s, const lake_keys *k, uint32_t index, uint32_t *capacity)
{
    const int32_t id = k->field_ids[index];
    for (uint32_t i = 0; i < s->read_count; i++)
        if (s->read[i].field_id == id && s->read[i].type == k->types[index]) return FN_OK;
    if (s->read_count == *capacity) {
        lake_column *more = fn_arena_alloc(ctx, s->arena, 2 * *capacity * sizeof *more);
        FN_TRY_PTR(ctx, more);
        memcpy(more, s->read, s->read_count * sizeof *more);
        s->read = more;
        *capacity *= 2;
    }
    s->read[s->read_count++] = (lake_column){.field_id = id, .field = fn_iceberg_field_by_id(s->table->lake, id), .type = k->types[index]};
    return FN_OK;
}

static fn_status add_key_columns(fn_ctx *ctx, iceberg_scan *s, const fn_iceberg_file *file, uint32_t *capacity)
{
    for (uint32_t d = 0; d < file->delete_count; d++) {
        const lake_positions *positions;
        const lake_keys *keys;
        if (file->deletes[d]->content != FN_ICEBERG_EQUALITY_DELETES) continue;
        FN_TRY(lake_deletes_get(ctx, s->deletes, file->deletes[d], &positions, &keys));
        for (uint32_t i = 0; i < keys->column_count; i++) FN_TRY(add_key_column(ctx, s, keys, i, capacity));
    }
    return FN_OK;
}

static fn_status choose_columns(fn_ctx *ctx, iceberg_scan *s, const table_scan_request *request, uint32_t *capacity)
{
    *capacity = request->column_count + 8;
    s->columns = fn_arena_alloc(ctx, s->arena, sizeof *s->columns * *capacity);
    s->read = fn_arena_alloc(ctx, s->arena, sizeof *s->read * *capacity);
    if (!s->columns || !s->read) return ctx->error.code;
    for (uint32_t i = 0; i < request->column_count; i++) {
        const uint32_t column = request->columns[i];
        s->columns[s->column_count++] = column;
        if (is_virtual(s, column)) continue;
        const fn_iceberg_field *field = &s->table->lake->fields[column];
        s->read[s->read_count++] = (lake_column){field->id, field, s->table->paths[column], field->type};
    }
    return FN_OK;
}

static fn_status choose_files(fn_ctx *ctx, iceberg_scan *s, uint32_t capacity)
{
    const fn_iceberg_table *lake = s->table->lake;
    s->slots = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->slots * (lake->file_count + 1));
    FN_TRY_PTR(ctx, s->slots);
    for (uint32_t i = 0; i < lake->file_count; i++) {
        bool keep;
        FN_TRY(lake_may_match(ctx, s->table, &lake->files[i], s->bounds, s->bound_count, &keep));
        if (!keep) continue;
        s->slots[s->slot_count++].file.entry = &lake->files[i];
        s->base.total_rows += lake->files[i].rows;
        FN_TRY(add_key_columns(ctx, s, &lake->files[i], &capacity));
    }
    return FN_OK;
}

static fn_status fill_scan(fn_ctx *ctx, iceberg_scan *s, const table_scan_request *request)
{
    uint32_t capacity;
    FN_TRY(choose_columns(ctx, s, request, &capacity));
    s->worker_count = FN_MAX(request->workers, 1);
    s->workers = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->workers * s->worker_count);
    FN_TRY_PTR(ctx, s->workers);
    for (unsigned i = 0; i < s->worker_count; i++) {
        s->workers[i].arena = fn_arena_new(ctx);
        FN_TRY_PTR(ctx, s->workers[i].arena);
    }
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = false;
    FN_TRY(lake_deletes_new(ctx, s->table->files, s->table->lake, &s->deletes));
    FN_TRY(file_bounds_find(ctx, s->schema, request->conjuncts, request->conjunct_count, &s->bounds, &s->bound_count));
    return choose_files(ctx, s, capacity);
}

fn_status iceberg_scan_open(fn_ctx *ctx, iceberg_table *t, const table_scan_request *request, table_scan **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    iceberg_scan *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    if (!s) {
        fn_arena_free(arena);
        return ctx->error.code;
    }
    s->arena = arena;
    s->table = t;
    s->schema = table_schema_ref(atomic_load(&t->base.schema));
    s->base.next = scan_next;
    s->base.close = scan_close;
    pthread_mutex_init(&s->mutex, NULL);
    const fn_status status = fill_scan(ctx, s, request);
    if (status == FN_OK) *out = &s->base;
    else scan_close(&s->base);
    return status;
}
