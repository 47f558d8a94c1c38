/* iceberg_file.c - one data file of a snapshot: how each column is found in it, which of its rows are deleted.
 *
 * A column is found by field id; in files without ids by the names of the table's name mapping. A column that the file lacks
 * is its identity partition value (files added from Hive tables), else its initial default, else NULL or the type's default
 * (specification, "Column Projection"). SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/iceberg_scan.h"

/* The name under which a file without ids has the column; the schema's name if the mapping says nothing. */
static fn_str mapped_name(const fn_parquet *p, const fn_iceberg_field *field)
{
    for (uint32_t i = 0; i < field->file_name_count; i++)
        if (fn_schema_find(fn_parquet_schema(p), field->file_names[i]) >= 0) return field->file_names[i];
    return field->name;
}

/* How the column is asked for; false: the file lacks it. */
static bool find_column(const lake_file *f, const lake_column *c, bool ids, fn_parquet_want *want)
{
    *want = (fn_parquet_want){.field_id = ids ? c->field_id : -1, .path = c->path, .type = c->type};
    if (!ids && c->field) want->name = mapped_name(f->parquet, c->field);
    return (ids ? fn_parquet_column_by_id(f->parquet, c->field_id) : fn_schema_find(fn_parquet_schema(f->parquet), want->name)) >= 0;
}

static fn_status read_default(fn_ctx *ctx, const lake_column *c, fn_builder *b)
{
    const fn_str text = c->field->initial_default;
    fn_text_in in = {text.data, text.data + text.size, text.data};
    fn_text_options options;
    fn_text_options_default(&options);
    return fn_text_read(ctx, &in, c->type, FN_TEXT_JSON, &options, b);
}

/* The value of a column that the file lacks, as one row. */
static fn_status absent_value(fn_ctx *ctx, const lake_file *f, const lake_column *c, fn_column **out)
{
    fn_builder b;
    bool found = false;
    FN_TRY(fn_builder_init(ctx, &b, c->type));
    fn_status status = FN_OK;
    if (c->field && f->entry->partition) status = fn_iceberg_identity(ctx, f->entry, c->field, &b, &found);
    if (status == FN_OK && !found && c->field && c->field->initial_default.size) {
        status = read_default(ctx, c, &b);
        found = true;
    }
    if (status == FN_OK && !found) status = fn_builder_default(ctx, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

static fn_status plan_columns(fn_ctx *ctx, fn_arena *arena, const lake_column *columns, lake_file *f)
{
    const bool ids = fn_parquet_has_field_ids(f->parquet);
    f->wants = fn_arena_alloc_zero(ctx, arena, sizeof *f->wants * (f->column_count + 1));
    f->constants = fn_arena_alloc_zero(ctx, arena, sizeof(fn_column *) * (f->column_count + 1));
    if (!f->wants || !f->constants) return ctx->error.code;
    for (uint32_t i = 0; i < f->column_count; i++) {
        fn_parquet_want want;
        if (find_column(f, &columns[i], ids, &want)) f->wants[f->want_count++] = want;
        else FN_TRY(absent_value(ctx, f, &columns[i], &f->constants[i]));
    }
    if (f->position_count) f->wants[f->want_count++] = (fn_parquet_want){.field_id = -1, .row_number = true, .type = fn_type_simple(FN_T_UINT64)};
    return FN_OK;
}

static fn_status add_positions(fn_ctx *ctx, fn_arena *arena, lake_file *f, const lake_positions *p)
{
    size_t count;
    const uint64_t *rows = lake_positions_of(p, f->entry->path, &count);
    if (!count) return FN_OK;
    uint64_t *all = fn_arena_alloc(ctx, arena, (f->position_count + count) * sizeof *all);
    FN_TRY_PTR(ctx, all);
    if (f->position_count) memcpy(all, f->positions, f->position_count * sizeof *all);
    memcpy(all + f->position_count, rows, count * sizeof *all);
    f->positions = all;
    f->position_count += count;
    return FN_OK;
}

static fn_status add_keys(fn_ctx *ctx, fn_arena *arena, const lake_column *columns, lake_file *f, const lake_keys *k)
{
    uint32_t *index = fn_arena_alloc(ctx, arena, k->column_count * sizeof *index);
    FN_TRY_PTR(ctx, index);
    for (uint32_t i = 0; i < k->column_count; i++) {
        uint32_t at = 0;
        while (at < f->column_count && (columns[at].field_id != k->field_ids[i] || columns[at].type != k->types[i])) at++;
        FN_ASSERT(at < f->column_count); /* the scan added a column for each key */
        index[i] = at;
    }
    f->keys[f->key_count] = k;
    f->key_columns[f->key_count++] = index;
    return FN_OK;
}

static fn_status load_deletes(fn_ctx *ctx, fn_arena *arena, lake_deletes *deletes, const lake_column *columns, lake_file *f)
{
    f->keys = fn_arena_alloc_zero(ctx, arena, sizeof *f->keys * (f->entry->delete_count + 1));
    f->key_columns = fn_arena_alloc_zero(ctx, arena, sizeof *f->key_columns * (f->entry->delete_count + 1));
    if (!f->keys || !f->key_columns) return ctx->error.code;
    for (uint32_t i = 0; i < f->entry->delete_count; i++) {
        const lake_positions *positions;
        const lake_keys *keys;
        FN_TRY(lake_deletes_get(ctx, deletes, f->entry->deletes[i], &positions, &keys));
        FN_TRY(positions ? add_positions(ctx, arena, f, positions) : add_keys(ctx, arena, columns, f, keys));
    }
    lake_rows_sort(f->positions, f->position_count);
    return FN_OK;
}

fn_status lake_file_open(fn_ctx *ctx, fn_arena *arena, iceberg_table *t, lake_deletes *deletes, const lake_column *columns, uint32_t column_count,
                         lake_file *f)
{
    if (!fn_str_eq_nocase(f->entry->format, FN_STR("PARQUET")))
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Iceberg data files of format " FN_STR_FMT " are not supported: " FN_STR_FMT, FN_STR_ARG(f->entry->format), FN_STR_ARG(f->entry->path));
    f->column_count = column_count;
    FN_TRY(t->files->open(t->files, ctx, f->entry->path, &f->blob));
    FN_TRY(file_open_parquet(ctx, f->blob, &f->parquet));
    FN_TRY(load_deletes(ctx, arena, deletes, columns, f));
    FN_TRY(plan_columns(ctx, arena, columns, f));
    f->ready = true;
    return FN_OK;
}

void lake_file_close(lake_file *f)
{
    for (uint32_t i = 0; i < f->column_count && f->constants; i++) fn_column_drop(f->constants[i]);
    fn_parquet_close(f->parquet);
    if (f->blob) f->blob->close(f->blob);
    *f = (lake_file){0};
}

/* mask[i] = 0 for rows whose number is among the deleted positions. */
static void drop_positions(const lake_file *f, const fn_column *numbers, uint8_t *mask)
{
    const uint64_t *rows = (const uint64_t *)(const void *)numbers->values;
    size_t low = 0, high = f->position_count;
    while (low < high) { /* the first position at or behind the block's first row */
        const size_t middle = (low + high) / 2;
        if (f->positions[middle] < rows[0]) low = middle + 1;
        else high = middle;
    }
    for (uint32_t i = 0; i < numbers->rows && low < f->position_count;) {
        if (f->positions[low] < rows[i]) low++;
        else if (f->positions[low] > rows[i]) i++;
        else mask[i++] = 0;
    }
}

static fn_status all_columns(fn_ctx *ctx, const lake_file *f, const fn_block *in, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, f->column_count, in->rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0, have = 0; i < f->column_count; i++) {
        b->columns[i] = f->constants[i] ? fn_column_repeat(ctx, f->constants[i], 0, in->rows) : fn_column_ref(in->columns[have++]);
        if (b->columns[i]) continue;
        fn_block_drop(b);
        return ctx->error.code;
    }
    *out = b;
    return FN_OK;
}

static fn_status drop_keys(fn_ctx *ctx, const lake_file *f, const fn_block *b, uint8_t *mask)
{
    for (uint32_t k = 0; k < f->key_count; k++) {
        fn_column **columns = FN_NEW_ARRAY(ctx, fn_column *, f->keys[k]->column_count);
        FN_TRY_PTR(ctx, columns);
        for (uint32_t c = 0; c < f->keys[k]->column_count; c++) columns[c] = b->columns[f->key_columns[k][c]];
        FN_TRY(lake_keys_drop(ctx, f->keys[k], columns, b->rows, mask));
    }
    return FN_OK;
}

fn_status lake_file_block(fn_ctx *ctx, const lake_file *f, const fn_block *in, fn_block **out)
{
    fn_block *all = NULL;
    *out = NULL;
    FN_TRY(all_columns(ctx, f, in, &all));
    if (!f->position_count && !f->key_count) {
        *out = all;
        return FN_OK;
    }
    uint8_t *mask = fn_alloc(ctx, (size_t)in->rows + FN_BUFFER_PAD);
    fn_status status = mask ? FN_OK : ctx->error.code;
    if (mask) memset(mask, 1, in->rows);
    if (mask && f->position_count) drop_positions(f, in->columns[f->want_count - 1], mask);
    if (mask) status = drop_keys(ctx, f, all, mask);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < in->rows && status == FN_OK; i++) kept += mask[i];
    if (status == FN_OK && kept) {
        *out = fn_block_filter(ctx, all, mask, kept);
        status = *out ? FN_OK : ctx->error.code;
    }
    fn_free(mask);
    fn_block_drop(all);
    return status;
}
