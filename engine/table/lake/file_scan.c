/* file_scan.c - reads files in parallel: a unit is a row group of a Parquet file or a whole text file.
 *
 * Parquet footers are read when the scan opens, row groups that the conditions rule out are dropped there; workers take
 * units from a counter. A column whose wanted type the Parquet reader cannot deliver is read as the file has it and cast.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_scan.h"

typedef struct scan_file {
    fn_blob *blob;
    fn_parquet *parquet;
} scan_file;

typedef struct scan_unit {
    uint32_t file, group;
    fn_parquet_range *ranges; /* Parquet: rows to read, in the scan's arena */
    uint32_t range_count;
} scan_unit;

typedef struct worker {
    bool active;
    scan_unit *unit;
    fn_parquet_reader *parquet;
    uint32_t parquet_file;  /* which file the reader is of */
    fn_reader *text;
    fn_source *in;          /* what the text reader reads from */
    fn_arena *arena;        /* of the casts: lives as long as the scan */
    expr_program **casts;   /* per real column: NULL or the cast of the file's type */
} worker;

typedef struct file_scan {
    table_scan base;
    fn_arena *arena;
    const file_table *table;
    table_schema *schema;
    uint32_t column_count, real_count; /* asked for; of these the file's own */
    uint32_t *columns, *real;          /* schema indexes */
    scan_file *files;
    scan_unit *units;
    uint32_t unit_count, unit_capacity;
    _Atomic uint32_t next_unit;
    unsigned worker_count;
    worker *workers;
} file_scan;

static bool is_virtual(const file_scan *s, uint32_t column)
{
    return column >= s->table->real_columns;
}

static void end_unit(worker *w, bool keep_reader)
{
    if (w->text) w->text->close(w->text);
    w->text = NULL;
    if (w->in && w->in->close) w->in->close(w->in);
    w->in = NULL;
    if (!keep_reader) {
        fn_parquet_reader_close(w->parquet);
        w->parquet = NULL;
    }
    w->active = false;
}

static void scan_close(table_scan *self)
{
    file_scan *s = (file_scan *)self;
    for (unsigned i = 0; i < s->worker_count && s->workers; i++) {
        end_unit(&s->workers[i], false);
        if (s->workers[i].arena) fn_arena_free(s->workers[i].arena);
    }
    for (uint32_t i = 0; i < s->table->set->count && s->files; i++) {
        fn_parquet_close(s->files[i].parquet);
        if (s->files[i].blob) s->files[i].blob->close(s->files[i].blob);
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
    scan_file *f = &s->files[file];
    FN_TRY(file_set_open(ctx, s->table->set, file, &f->blob));
    FN_TRY(fn_parquet_open(ctx, f->blob, &f->parquet));
    fn_parquet_bound *usable = FN_NEW_ARRAY(ctx, fn_parquet_bound, FN_MAX(bound_count, 1));
    FN_TRY_PTR(ctx, usable);
    uint32_t n = 0;
    for (uint32_t i = 0; i < bound_count; i++) {
        if (is_virtual(s, bounds[i].schema_column)) continue;
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

static fn_status compile_cast(fn_ctx *ctx, const fn_type *have, const fn_type *want, expr_program **out)
{
    const column_id id = 0;
    expr *from = expr_column(ctx, id, have), *cast;
    FN_TRY_PTR(ctx, from);
    FN_TRY(expr_cast(ctx, from, want, &cast));
    return expr_compile(ctx, &cast, 1, &id, 1, out);
}

/* The Parquet reader of the unit's file, kept over its row groups. */
static fn_status open_parquet(fn_ctx *ctx, file_scan *s, worker *w)
{
    const fn_parquet *p = s->files[w->unit->file].parquet;
    if (w->parquet && w->parquet_file == w->unit->file) return FN_OK;
    fn_parquet_reader_close(w->parquet);
    w->parquet = NULL;
    fn_parquet_want *wants = FN_NEW_ARRAY(ctx, fn_parquet_want, FN_MAX(s->real_count, 1));
    FN_TRY_PTR(ctx, wants);
    for (uint32_t i = 0; i < s->real_count; i++) {
        const table_column *c = &s->schema->columns[s->real[i]];
        const int column = fn_schema_find(fn_parquet_schema(p), c->name);
        wants[i] = (fn_parquet_want){.field_id = -1, .name = c->name, .type = c->type};
        w->casts[i] = NULL;
        if (column < 0 || fn_parquet_converts(p, (uint32_t)column, c->type)) continue;
        const fn_type *have = fn_parquet_schema(p)->fields[column].type;
        fn_arena *const outer = ctx->arena;
        ctx->arena = w->arena;
        const fn_status status = compile_cast(ctx, have, c->type, &w->casts[i]);
        ctx->arena = outer;
        if (status != FN_OK) return status;
        wants[i].type = NULL;
    }
    FN_TRY(fn_parquet_reader_open(ctx, p, wants, s->real_count, &w->parquet));
    w->parquet_file = w->unit->file;
    return FN_OK;
}

static fn_status open_text(fn_ctx *ctx, file_scan *s, worker *w)
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

static fn_status begin_unit(fn_ctx *ctx, file_scan *s, worker *w, bool *none)
{
    const uint32_t index = atomic_fetch_add(&s->next_unit, 1);
    *none = index >= s->unit_count;
    if (*none) return FN_OK;
    w->unit = &s->units[index];
    w->active = true;
    if (!s->table->format->random_access) return open_text(ctx, s, w);
    FN_TRY(open_parquet(ctx, s, w));
    return fn_parquet_reader_begin(ctx, w->parquet, w->unit->group, w->unit->ranges, w->unit->range_count);
}

static fn_status virtual_column(fn_ctx *ctx, const file_scan *s, const worker *w, uint32_t column, uint32_t rows, fn_column **out)
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

static fn_status cast_column(fn_ctx *ctx, const expr_program *program, fn_column *in, fn_column **out)
{
    fn_block *one = fn_block_new(ctx, 1, in->rows);
    FN_TRY_PTR(ctx, one);
    one->columns[0] = fn_column_ref(in);
    const fn_status status = expr_run(ctx, program, one, out);
    fn_block_drop(one);
    return status;
}

/* The wanted columns in order out of a block of the file's columns (Parquet: s->real; text: all real columns). */
static fn_status arrange(fn_ctx *ctx, const file_scan *s, const worker *w, const fn_block *in, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, s->column_count, in->rows);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0, real = 0; i < s->column_count && status == FN_OK; i++) {
        if (is_virtual(s, s->columns[i])) {
            status = virtual_column(ctx, s, w, s->columns[i], in->rows, &b->columns[i]);
        } else if (w->text) {
            b->columns[i] = fn_column_ref(in->columns[s->columns[i]]);
        } else {
            fn_column *c = in->columns[real];
            if (w->casts[real]) status = cast_column(ctx, w->casts[real], c, &b->columns[i]);
            else b->columns[i] = fn_column_ref(c);
            real++;
        }
    }
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

static fn_status scan_next(table_scan *self, fn_ctx *ctx, unsigned index, fn_block **out)
{
    file_scan *s = (file_scan *)self;
    worker *w = &s->workers[index];
    *out = NULL;
    for (;;) {
        bool none = false;
        fn_block *in;
        if (!w->active) FN_TRY(begin_unit(ctx, s, w, &none));
        if (none) return FN_OK;
        if (w->text) FN_TRY(w->text->next(w->text, ctx, &in));
        else FN_TRY(fn_parquet_reader_next(ctx, w->parquet, FN_BLOCK_ROWS_MAX, &in));
        if (!in) {
            end_unit(w, true);
            continue;
        }
        const fn_status status = arrange(ctx, s, w, in, out);
        if (status == FN_OK) {
            atomic_fetch_add(&self->rows_read, in->rows);
            atomic_fetch_add(&self->bytes_read, fn_block_bytes(in));
        }
        fn_block_drop(in);
        return status;
    }
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
    return status;
}

static fn_status fill_scan(fn_ctx *ctx, file_scan *s, const table_scan_request *request)
{
    s->columns = fn_arena_alloc(ctx, s->arena, sizeof *s->columns * FN_MAX(request->column_count, 1));
    s->real = fn_arena_alloc(ctx, s->arena, sizeof *s->real * FN_MAX(request->column_count, 1));
    s->worker_count = FN_MAX(request->workers, 1);
    s->workers = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->workers * s->worker_count);
    s->files = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->files * FN_MAX(s->table->set->count, 1));
    if (!s->columns || !s->real || !s->workers || !s->files) return ctx->error.code;
    for (uint32_t i = 0; i < request->column_count; i++) {
        s->columns[s->column_count++] = request->columns[i];
        if (!is_virtual(s, request->columns[i])) s->real[s->real_count++] = request->columns[i];
    }
    for (unsigned i = 0; i < s->worker_count; i++) {
        s->workers[i].casts = fn_arena_alloc_zero(ctx, s->arena, sizeof(expr_program *) * FN_MAX(s->real_count, 1));
        s->workers[i].arena = fn_arena_new(ctx);
        if (!s->workers[i].casts || !s->workers[i].arena) return ctx->error.code;
    }
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = false;
    return fill_units(ctx, s, request);
}

fn_status file_scan_open(fn_ctx *ctx, const file_table *t, const table_scan_request *request, table_scan **out)
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
    s->table = t;
    s->schema = table_schema_ref(atomic_load(&t->base.schema));
    s->base.next = scan_next;
    s->base.close = scan_close;
    const fn_status status = fill_scan(ctx, s, request);
    if (status == FN_OK) *out = &s->base;
    else scan_close(&s->base);
    return status;
}
