/* file_scan.c - reads files in parallel: a unit is a row group of a Parquet file or a whole text file.
 *
 * Row groups that the conditions rule out are dropped when the scan opens; workers take
 * units from a counter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_scan.h"

static void end_unit(file_worker *w)
{
    if (w->text) w->text->close(w->text);
    w->text = NULL;
    if (w->in && w->in->close) w->in->close(w->in);
    w->in = NULL;
    w->active = false;
}

static void scan_close(table_scan *self)
{
    file_scan *s = (file_scan *)self;
    for (unsigned i = 0; i < s->worker_count && s->workers; i++) {
        end_unit(&s->workers[i]);
        file_rows_release(s, &s->workers[i]);
        if (s->workers[i].arena) fn_arena_free(s->workers[i].arena);
    }
    table_schema_drop(s->schema);
    fn_arena_free(s->arena);
}

static fn_status add_unit(fn_ctx *ctx, file_scan *s, scan_unit unit)
{
    if (s->unit_count == s->unit_capacity) {
        const uint32_t capacity = s->unit_capacity ? 2 * s->unit_capacity : 64;
        scan_unit *more = fn_arena_alloc(ctx, s->arena, sizeof *more * capacity);
        FN_TRY_PTR(ctx, more);
        if (s->unit_count) memcpy(more, s->units, sizeof *more * s->unit_count);
        s->units = more;
        s->unit_capacity = capacity;
    }
    s->units[s->unit_count++] = unit;
    return FN_OK;
}

static fn_status add_groups(fn_ctx *ctx, file_scan *s, uint32_t file, const file_bound *bounds, uint32_t bound_count)
{
    const scan_file *f = &s->files[file];
    fn_parquet_bound *usable = FN_NEW_ARRAY(ctx, fn_parquet_bound, FN_MAX(bound_count, 1));
    FN_TRY_PTR(ctx, usable);
    uint32_t n = 0;
    for (uint32_t i = 0; i < bound_count; i++) {
        if (file_scan_is_virtual(s, bounds[i].schema_column)) continue;
        const table_column *c = &s->schema->columns[bounds[i].schema_column];
        const int column = fn_schema_find(fn_parquet_schema(f->parquet), c->name);
        if (column >= 0 && fn_parquet_converts(f->parquet, (uint32_t)column, c->type))
            usable[n++] = (fn_parquet_bound){(uint32_t)column, bounds[i].min, bounds[i].max};
    }
    for (uint32_t g = 0; g < fn_parquet_group_count(f->parquet); g++) {
        scan_unit unit = {.file = file, .group = g};
        fn_parquet_range *ranges;
        FN_TRY(fn_parquet_prune(ctx, f->parquet, g, usable, n, &ranges, &unit.range_count));
        if (unit.range_count == 0) continue;
        unit.ranges = fn_arena_alloc(ctx, s->arena, sizeof *ranges * unit.range_count);
        FN_TRY_PTR(ctx, unit.ranges);
        memcpy(unit.ranges, ranges, sizeof *ranges * unit.range_count);
        for (uint32_t i = 0; i < unit.range_count; i++) s->base.total_rows += ranges[i].count;
        FN_TRY(add_unit(ctx, s, unit));
    }
    return FN_OK;
}

static fn_status open_text(fn_ctx *ctx, file_scan *s, file_worker *w)
{
    const file_table *t = s->table;
    fn_blob *blob;
    fn_schema schema = {fn_arena_alloc(ctx, w->arena, sizeof(fn_field) * FN_MAX(t->real_columns, 1)), t->real_columns}; /* lives as long as the reader */
    FN_TRY_PTR(ctx, schema.fields);
    for (uint32_t i = 0; i < t->real_columns; i++) schema.fields[i] = (fn_field){s->schema->columns[i].name, s->schema->columns[i].type};
    FN_TRY(file_set_open(ctx, t->set, w->unit->file, &blob));
    FN_TRY(file_source(ctx, blob, t->set->entries[w->unit->file].path, &w->in));
    return t->format->open_reader(ctx, &schema, w->in, &t->settings, NULL, &w->text);
}

static fn_status begin_unit(fn_ctx *ctx, file_scan *s, file_worker *w, bool *none)
{
    const uint32_t index = atomic_fetch_add(&s->next_unit, 1);
    *none = index >= s->unit_count;
    if (*none) return FN_OK;
    w->unit = &s->units[index];
    w->active = true;
    return s->table->format->random_access ? file_rows_begin(ctx, s, w) : open_text(ctx, s, w);
}

fn_status file_virtual_column(fn_ctx *ctx, const file_scan *s, const file_worker *w, uint32_t column, uint32_t rows, fn_column **out)
{
    const file_entry *e = &s->table->set->entries[w->unit->file];
    const fn_type *type = s->schema->columns[column].type;
    const uint64_t size = e->size != UINT64_MAX ? e->size : s->files[w->unit->file].blob ? s->files[w->unit->file].blob->size : 0;
    fn_str file = e->path;
    switch (column - s->table->real_columns) {
    case FILE_VIRTUAL_PATH: *out = fn_column_const_str(ctx, type, e->path, rows); break;
    case FILE_VIRTUAL_FILE:
        for (size_t i = 0; i < e->path.size; i++) {
            if (e->path.data[i] == '/') file = (fn_str){e->path.data + i + 1, e->path.size - i - 1};
        }
        *out = fn_column_const_str(ctx, type, file, rows);
        break;
    case FILE_VIRTUAL_SIZE: *out = size ? fn_column_const_u64(ctx, type, size, rows) : fn_column_null(ctx, type, rows); break;
    case FILE_VIRTUAL_TIME:
        *out = e->modified_s == INT64_MIN ? fn_column_null(ctx, type, rows) : fn_column_const_u64(ctx, type, (uint64_t)e->modified_s, rows);
        break;
    }
    return *out ? FN_OK : ctx->error.code;
}

/* The wanted columns in order out of a block of all real columns. */
static fn_status arrange(fn_ctx *ctx, const file_scan *s, const file_worker *w, const fn_block *in, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, s->column_count, in->rows);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < s->column_count && status == FN_OK; i++) {
        if (file_scan_is_virtual(s, s->columns[i])) status = file_virtual_column(ctx, s, w, s->columns[i], in->rows, &b->columns[i]);
        else b->columns[i] = fn_column_ref(in->columns[s->columns[i]]);
    }
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

static fn_status text_next(fn_ctx *ctx, file_scan *s, const file_worker *w, fn_block **out)
{
    fn_block *in;
    FN_TRY(w->text->next(w->text, ctx, &in));
    if (!in) return FN_OK;
    const fn_status status = arrange(ctx, s, w, in, out);
    if (status == FN_OK) {
        atomic_fetch_add(&s->base.rows_read, in->rows);
        atomic_fetch_add(&s->base.bytes_read, fn_block_bytes(in));
    }
    fn_block_drop(in);
    return status;
}

static fn_status scan_next(table_scan *self, fn_ctx *ctx, unsigned index, fn_block **out)
{
    file_scan *s = (file_scan *)self;
    file_worker *w = &s->workers[index];
    *out = NULL;
    for (;;) {
        bool none = false;
        if (!w->active) FN_TRY(begin_unit(ctx, s, w, &none));
        if (none) return FN_OK;
        FN_TRY(w->text ? text_next(ctx, s, w, out) : file_rows_next(ctx, s, w, out));
        if (*out) return FN_OK;
        end_unit(w);
    }
}

/* The last units by falling size: one that is begun last and takes long would leave the other workers idle. */
static fn_status order_tail(fn_ctx *ctx, file_scan *s)
{
    enum { PER_WORKER = 4 };
    const uint32_t count = FN_MIN(s->unit_count, s->worker_count * PER_WORKER);
    scan_unit *tail = s->units + (s->unit_count - count);
    for (uint32_t i = 0; i < count; i++) {
        scan_unit unit = tail[i];
        for (uint32_t k = 0; k < s->slot_count; k++) FN_TRY(file_column_bytes(ctx, s, unit.file, unit.group, s->slots[k], &unit.bytes));
        uint32_t at = i;
        for (; at > 0 && tail[at - 1].bytes < unit.bytes; at--) tail[at] = tail[at - 1];
        tail[at] = unit;
    }
    return FN_OK;
}

static fn_status fill_units(fn_ctx *ctx, file_scan *s, const table_scan_request *request)
{
    file_bound *bounds;
    uint32_t bound_count;
    fn_status status = file_bounds_find(ctx, s->schema, request->conjuncts, request->conjunct_count, &bounds, &bound_count);
    for (uint32_t f = 0; status == FN_OK && f < s->table->set->count; f++) {
        if (s->table->format->random_access) status = add_groups(ctx, s, f, bounds, bound_count);
        else status = add_unit(ctx, s, (scan_unit){.file = f});
    }
    if (status == FN_OK) file_bounds_drop(bounds, bound_count);
    const bool apart = s->worker_count > 1 && s->base.total_rows > FN_BLOCK_ROWS_MAX && !request->limit; /* otherwise rows come in the order of the files */
    if (status == FN_OK && apart) status = order_tail(ctx, s);
    return status;
}

static fn_status fill_scan(fn_ctx *ctx, file_scan *s, const table_scan_request *request)
{
    s->columns = fn_arena_alloc(ctx, s->arena, sizeof *s->columns * FN_MAX(request->column_count, 1));
    s->worker_count = FN_MAX(request->workers, 1);
    s->workers = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->workers * s->worker_count);
    if (!s->columns || !s->workers) return ctx->error.code;
    for (uint32_t i = 0; i < request->column_count; i++) s->columns[s->column_count++] = request->columns[i];
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = false;
    if (s->table->format->random_access) FN_TRY(file_stages_plan(ctx, s, request));
    for (unsigned i = 0; i < s->worker_count; i++) {
        s->workers[i].arena = fn_arena_new(ctx);
        FN_TRY_PTR(ctx, s->workers[i].arena);
        if (s->table->format->random_access) FN_TRY(file_rows_prepare(ctx, s, &s->workers[i]));
    }
    return fill_units(ctx, s, request);
}

fn_status file_scan_open(fn_ctx *ctx, const file_snapshot *snapshot, const table_scan_request *request, table_scan **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    file_scan *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    if (!s) {
        fn_arena_free(arena);
        return ctx->error.code;
    }
    s->arena = arena;
    s->table = snapshot->table;
    s->files = snapshot->files;
    s->schema = table_schema_ref(atomic_load(&s->table->base.schema));
    s->base.next = scan_next;
    s->base.close = scan_close;
    const fn_status status = fill_scan(ctx, s, request);
    if (status == FN_OK) *out = &s->base;
    else scan_close(&s->base);
    return status;
}
