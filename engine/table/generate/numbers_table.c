/* numbers_table.c - numbers(), zeros(), generate_series(). ClickHouse: generate_series(1, 10, 4) gives 1, 5, 9.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/generate/generator.h"

static fn_status number_column(const generator *g, fn_ctx *ctx, uint32_t column, uint64_t first, uint32_t rows, fn_column **out)
{
    (void)column;
    fn_buffer *values = fn_buffer_new(ctx, (size_t)rows * sizeof(uint64_t));
    FN_TRY_PTR(ctx, values);
    uint64_t *to = (uint64_t *)(void *)values->data;
    const uint64_t from = g->start + first * g->step, step = g->step;
    for (uint32_t i = 0; i < rows; i++) to[i] = from + i * step;
    *out = fn_column_fixed(ctx, fn_type_simple(FN_T_UINT64), rows, values, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status zero_column(const generator *g, fn_ctx *ctx, uint32_t column, uint64_t first, uint32_t rows, fn_column **out)
{
    (void)g, (void)column, (void)first;
    *out = fn_column_default(ctx, fn_type_simple(FN_T_UINT8), rows);
    return *out ? FN_OK : ctx->error.code;
}

fn_status numbers_table_new(fn_ctx *ctx, const char *engine, const char *column, uint64_t start, uint64_t count, uint64_t step, table **out)
{
    fn_field field = {fn_cstr(column), fn_type_simple(FN_T_UINT64)};
    const generator model = {.rows = count, .block_rows = FN_BLOCK_ROWS_MAX, .column = number_column, .start = start, .step = step};
    return generator_new(ctx, engine, &(fn_schema){&field, 1}, &model, out);
}

fn_status zeros_table_new(fn_ctx *ctx, const char *engine, uint64_t count, table **out)
{
    fn_field field = {FN_STR("zero"), fn_type_simple(FN_T_UINT8)};
    const generator model = {.rows = count, .block_rows = FN_BLOCK_ROWS_MAX, .column = zero_column};
    return generator_new(ctx, engine, &(fn_schema){&field, 1}, &model, out);
}

fn_status series_count(fn_ctx *ctx, uint64_t start, uint64_t stop, uint64_t step, uint64_t *out)
{
    if (step == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Table function 'generate_series' requires step to be a non-zero number");
    *out = 0;
    if (start > stop) return FN_OK;
    const uint64_t steps = (stop - start) / step;
    *out = steps == UINT64_MAX ? UINT64_MAX : steps + 1;
    return FN_OK;
}
