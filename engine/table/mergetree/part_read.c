/* part_read.c - columns of the table out of a part: stored ones by their number, columns the part lacks by their default, columns
 * whose type has changed by a cast, virtual ones from the part itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

enum { DEFAULT_DEPTH_MAX = 32 }; /* defaults over columns with defaults */

/* ---- virtual columns ---- */

typedef struct place { /* which rows */
    const mt_reader *reader;
    const fn_type *type;
    uint64_t first_row;
    uint32_t rows;
} place;

typedef fn_status virtual_fill(fn_ctx *ctx, const place *p, fn_column **out);

static fn_status constant_text(fn_ctx *ctx, const place *p, fn_str text, fn_column **out)
{
    *out = fn_column_const_str(ctx, p->type, text, p->rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status constant_number(fn_ctx *ctx, const place *p, uint64_t value, fn_column **out)
{
    *out = fn_column_const_u64(ctx, p->type, value, p->rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status fill_part(fn_ctx *ctx, const place *p, fn_column **out)
{
    return constant_text(ctx, p, p->reader->part->row.name, out);
}

static fn_status fill_partition_id(fn_ctx *ctx, const place *p, fn_column **out)
{
    return constant_text(ctx, p, p->reader->part->row.partition_id, out);
}

static fn_status fill_table(fn_ctx *ctx, const place *p, fn_column **out)
{
    return constant_text(ctx, p, p->reader->table_name, out);
}

static fn_status fill_database(fn_ctx *ctx, const place *p, fn_column **out)
{
    return constant_text(ctx, p, p->reader->database, out);
}

static fn_status fill_part_index(fn_ctx *ctx, const place *p, fn_column **out)
{
    return constant_number(ctx, p, p->reader->part_index, out);
}

static fn_status fill_starting_offset(fn_ctx *ctx, const place *p, fn_column **out)
{
    return constant_number(ctx, p, p->reader->starting_offset, out);
}

static fn_status fill_row_exists(fn_ctx *ctx, const place *p, fn_column **out)
{
    return constant_number(ctx, p, 1, out);
}

static fn_status fill_offsets(fn_ctx *ctx, const place *p, fn_column **out)
{
    fn_buffer *values = fn_buffer_new(ctx, (size_t)p->rows * sizeof(uint64_t));
    FN_TRY_PTR(ctx, values);
    for (uint32_t i = 0; i < p->rows; i++) fn_store_u64(values->data + 8 * (size_t)i, p->first_row + i);
    *out = fn_column_fixed(ctx, p->type, p->rows, values, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status fill_granule_offsets(fn_ctx *ctx, const place *p, fn_column **out)
{
    fn_buffer *values = fn_buffer_new(ctx, (size_t)p->rows * sizeof(uint64_t));
    FN_TRY_PTR(ctx, values);
    for (uint32_t i = 0; i < p->rows; i++) fn_store_u64(values->data + 8 * (size_t)i, (p->first_row + i) / FN_GRANULE_ROWS);
    *out = fn_column_fixed(ctx, p->type, p->rows, values, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static const struct {
    const char *name;
    bool is_text, is_flag;
    virtual_fill *fill;
} virtuals[] = {
    {"_part", true, false, fill_part},
    {"_part_index", false, false, fill_part_index},
    {"_part_starting_offset", false, false, fill_starting_offset},
    {"_partition_id", true, false, fill_partition_id},
    {"_part_offset", false, false, fill_offsets},
    {"_part_granule_offset", false, false, fill_granule_offsets},
    {"_row_exists", false, true, fill_row_exists},
    {"_table", true, false, fill_table},
    {"_database", true, false, fill_database},
};

const fn_field *mt_virtual_columns(uint32_t *count)
{
    static fn_field fields[FN_COUNT(virtuals)];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < FN_COUNT(virtuals) && !fields[i].type; i++) {
        fields[i].name = fn_cstr(virtuals[i].name);
        fields[i].type = virtuals[i].is_text ? fn_type_low_cardinality(fn_type_simple(FN_T_STRING))
                                             : fn_type_simple(virtuals[i].is_flag ? FN_T_UINT8 : FN_T_UINT64);
    }
    pthread_mutex_unlock(&lock);
    *count = FN_COUNT(virtuals);
    return fields;
}

static fn_status read_virtual(fn_ctx *ctx, const mt_reader *r, uint32_t column, uint64_t first_row, uint32_t rows, fn_column **out)
{
    const table_column *c = &r->shape->schema->columns[column];
    const place p = {r, c->type, first_row, rows};
    for (size_t i = 0; i < FN_COUNT(virtuals); i++)
        if (fn_str_eq(fn_cstr(virtuals[i].name), c->name)) return virtuals[i].fill(ctx, &p, out);
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "MergeTree has no virtual column " FN_STR_FMT, FN_STR_ARG(c->name));
}

/* ---- stored columns ---- */

static fn_status run_on(fn_ctx *ctx, const expr_program *program, fn_column *in, fn_column **out)
{
    fn_block *b = fn_block_new(ctx, 1, in->rows);
    FN_TRY_PTR(ctx, b);
    b->columns[0] = fn_column_ref(in);
    const fn_status status = expr_run(ctx, program, b, out);
    fn_block_drop(b);
    return status;
}

/* A column whose type was changed after the part was written; NULL where the new type has none is its default. */
static fn_status compile_cast(fn_ctx *ctx, const fn_type *from, const fn_type *to, expr_program **out)
{
    const column_id id = 0;
    expr *in = expr_column(ctx, id, from), *cast;
    FN_TRY_PTR(ctx, in);
    if (fn_type_is_nullable(from) && !fn_type_is_nullable(to) && fn_type_can_be_nullable(to)) {
        expr *args[2] = {NULL, expr_const(ctx, fn_column_default(ctx, to, 1))};
        FN_TRY_PTR(ctx, args[1]);
        FN_TRY(expr_cast(ctx, in, fn_type_nullable(to), &args[0]));
        FN_TRY(expr_call(ctx, "ifNull", args, 2, &in));
    }
    FN_TRY(expr_cast(ctx, in, to, &cast));
    return expr_compile(ctx, &cast, 1, &id, 1, out);
}

/* Usually the part was written under this very schema: its columns stand where the shape's do. */
static int find_place(const mt_shape *shape, const fn_part *data, uint32_t column)
{
    const int at = shape->stored_at[column];
    const uint32_t id = shape->schema->columns[column].id;
    if (at < 0) return -1;
    if ((uint32_t)at < fn_part_column_count(data) && fn_part_column_at(data, (uint32_t)at)->id == id) return at;
    return fn_part_find(data, id);
}

fn_status mt_reader_init(fn_ctx *ctx, const mt_shape *shape, mt_part *part, mt_reader *out)
{
    const table_schema *schema = shape->schema;
    *out = (mt_reader){.shape = shape, .part = part};
    FN_TRY(mt_file_open(ctx, part->file, &out->data));
    out->places = FN_NEW_ARRAY(ctx, int, FN_MAX(schema->count, 1));
    FN_TRY_PTR(ctx, out->places);
    for (uint32_t i = 0; i < schema->count; i++) {
        out->places[i] = find_place(shape, out->data, i);
        if (out->places[i] < 0) continue;
        const fn_type *have = fn_part_column_at(out->data, (uint32_t)out->places[i])->type;
        if (have == schema->columns[i].type) continue;
        if (!out->casts) out->casts = FN_NEW_ARRAY(ctx, expr_program *, schema->count);
        FN_TRY_PTR(ctx, out->casts);
        FN_TRY(compile_cast(ctx, have, schema->columns[i].type, &out->casts[i]));
    }
    return FN_OK;
}

static fn_status read_columns(fn_ctx *ctx, const mt_reader *r, const uint32_t *columns, uint32_t count, uint32_t first, uint32_t granules,
                              unsigned depth, fn_block **out);

/* The value of a column the part does not have. */
static fn_status read_default(fn_ctx *ctx, const mt_reader *r, uint32_t column, uint32_t first, uint32_t granules, uint32_t rows, unsigned depth,
                              fn_column **out)
{
    const fn_type *type = r->shape->schema->columns[column].type;
    expr *e = r->shape->definition->defaults ? r->shape->definition->defaults[column] : NULL;
    if (!e) {
        *out = fn_column_default(ctx, type, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    if (depth == DEFAULT_DEPTH_MAX) return fn_fail(ctx, FN_CYCLIC_ALIASES, "Defaults of columns refer to each other");
    fn_buf ids = FN_BUF_INIT;
    expr_program *program;
    expr *cast;
    fn_block *inputs = NULL;
    fn_status status = expr_cast(ctx, e, type, &cast);
    if (status == FN_OK) status = expr_columns(ctx, cast, &ids);
    const uint32_t *needed = (const uint32_t *)(const void *)ids.data, needed_count = (uint32_t)(ids.size / sizeof *needed);
    if (status == FN_OK) status = expr_compile(ctx, &cast, 1, needed, needed_count, &program);
    if (status == FN_OK) status = read_columns(ctx, r, needed, needed_count, first, granules, depth + 1, &inputs);
    if (status == FN_OK) status = expr_run(ctx, program, inputs, out);
    fn_block_drop(inputs);
    fn_buf_release(&ids);
    return status;
}

static uint32_t rows_of(const fn_part *p, uint32_t first, uint32_t granules)
{
    const uint64_t from = (uint64_t)first * FN_GRANULE_ROWS, to = FN_MIN(from + (uint64_t)granules * FN_GRANULE_ROWS, fn_part_rows(p));
    return (uint32_t)(to - from);
}

static fn_status read_column(fn_ctx *ctx, const mt_reader *r, uint32_t column, const fn_block *stored, uint32_t *next_stored, uint32_t first,
                             uint32_t granules, uint32_t rows, unsigned depth, fn_column **out)
{
    if (r->shape->schema->columns[column].is_virtual) return read_virtual(ctx, r, column, (uint64_t)first * FN_GRANULE_ROWS, rows, out);
    if (r->places[column] < 0) return read_default(ctx, r, column, first, granules, rows, depth, out);
    fn_column *c = stored->columns[(*next_stored)++];
    if (r->casts && r->casts[column]) return run_on(ctx, r->casts[column], c, out);
    *out = fn_column_ref(c);
    return FN_OK;
}

static fn_status read_columns(fn_ctx *ctx, const mt_reader *r, const uint32_t *columns, uint32_t count, uint32_t first, uint32_t granules,
                              unsigned depth, fn_block **out)
{
    const uint32_t rows = rows_of(r->data, first, granules);
    uint32_t *places = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(count, 1)), place_count = 0, next_stored = 0;
    FN_TRY_PTR(ctx, places);
    for (uint32_t i = 0; i < count; i++)
        if (r->places[columns[i]] >= 0) places[place_count++] = (uint32_t)r->places[columns[i]];
    fn_block *stored = NULL;
    if (place_count) FN_TRY(fn_part_read(ctx, r->data, places, place_count, first, granules, &stored));
    if (place_count == count && !r->casts) {
        *out = stored ? stored : fn_block_new(ctx, 0, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    fn_block *b = fn_block_new(ctx, count, rows);
    fn_status status = b ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < count && status == FN_OK; i++)
        status = read_column(ctx, r, columns[i], stored, &next_stored, first, granules, rows, depth, &b->columns[i]);
    fn_block_drop(stored);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

fn_status mt_read(fn_ctx *ctx, const mt_reader *r, const uint32_t *columns, uint32_t count, uint32_t first, uint32_t granules, fn_block **out)
{
    return read_columns(ctx, r, columns, count, first, granules, 0, out);
}

fn_status mt_read_rows(fn_ctx *ctx, const mt_reader *r, const uint32_t *columns, uint32_t count, uint32_t first, uint32_t granules, const uint32_t *rows,
                       uint32_t row_count, fn_block **out)
{
    uint32_t *places = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(count, 1));
    FN_TRY_PTR(ctx, places);
    bool stored = !r->casts;
    for (uint32_t i = 0; i < count && stored; i++) {
        stored = r->places[columns[i]] >= 0;
        places[i] = (uint32_t)r->places[columns[i]];
    }
    if (stored) return fn_part_read_rows(ctx, r->data, places, count, first, granules, rows, row_count, out);
    fn_block *all;
    FN_TRY(mt_read(ctx, r, columns, count, first, granules, &all));
    *out = fn_block_take(ctx, all, rows, row_count);
    fn_block_drop(all);
    return *out ? FN_OK : ctx->error.code;
}
