/* test_set.c - membership of integers: every way to look for them (few values, narrow ones, bits, table) against a plain search, with values
 * of all widths, dense, sparse, at the ends of the type, with NULLs on the left. SPDX-License-Identifier: Apache-2.0 */
#include "expr/expr.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 3000, VALUES_MAX = 2000 };
static const char *const types[] = {"UInt8", "Int8", "UInt16", "Date", "Int32", "UInt32", "DateTime", "Int64", "UInt64", "DateTime64(3)", "Decimal(18, 2)"};
static const uint32_t counts[] = {1, 2, 16, 17, 33, 100, VALUES_MAX};
static uint64_t state = 88172645463325252u;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* spread: 0 dense, 1 within some millions, 2 anything, with the ends of the type */
static uint64_t some_value(unsigned spread)
{
    const uint64_t v = draw();
    if (spread == 0) return v % 5000 - 100;
    if (spread == 1) return v % 5000000;
    return v % 50 == 0 ? 0 : v % 50 == 1 ? UINT64_MAX : v % 50 == 2 ? UINT64_MAX / 2 : v % 50 == 3 ? UINT64_MAX / 2 + 1 : draw();
}

static fn_column *column_of(fn_ctx *ctx, const fn_type *type, const uint64_t *values, uint32_t rows, bool nulls)
{
    const unsigned width = fn_type_base(type)->width;
    fn_buffer *data = fn_buffer_new(ctx, (size_t)rows * width), *marks = nulls ? fn_buffer_new_zero(ctx, rows) : NULL;
    if (!data || (nulls && !marks)) return NULL;
    for (uint32_t i = 0; i < rows; i++) memcpy(data->data + (size_t)i * width, &values[i], width);
    for (uint32_t i = 0; nulls && i < rows; i++) marks->data[i] = i % 7 == 3;
    return fn_column_fixed(ctx, nulls ? fn_type_nullable(type) : type, rows, data, marks);
}

static unsigned check(fn_ctx *ctx, const fn_type *type, uint32_t count, unsigned spread, bool nulls)
{
    static uint64_t in_set[VALUES_MAX], asked[ROWS];
    static uint8_t mask[ROWS + 64];
    const uint64_t bits = type->width == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * type->width) - 1;
    unsigned failures = 0;
    for (uint32_t i = 0; i < count; i++) in_set[i] = some_value(spread) & bits;
    for (uint32_t i = 0; i < ROWS; i++) asked[i] = (i % 3 ? some_value(spread) : in_set[draw() % count]) & bits;
    fn_column *values = column_of(ctx, type, in_set, count, false), *left = column_of(ctx, type, asked, ROWS, nulls);
    expr_set *set = NULL;
    fn_status status = values && left ? expr_set_new(ctx, &type, 1, &set) : ctx->error.code;
    if (status == FN_OK) status = expr_set_add(ctx, set, &values, count);
    if (status == FN_OK) status = expr_set_seal(ctx, set);
    if (status == FN_OK) status = expr_set_match(ctx, set, &left, ROWS, mask);
    for (uint32_t i = 0; i < ROWS && status == FN_OK; i++) {
        bool found = false;
        for (uint32_t k = 0; k < count && !found; k++) found = in_set[k] == asked[i];
        if (nulls && i % 7 == 3) found = false;
        failures += mask[i] != found;
    }
    if (status != FN_OK || failures) printf("%s: %u values, spread %u: %u wrong, status %d %s\n", type->name, count, spread, failures, (int)status, ctx->error.text);
    fn_column_drop(values);
    fn_column_drop(left);
    expr_set_free(set);
    return failures + (status != FN_OK);
}

int main(void)
{
    fn_ctx ctx = {0};
    unsigned failures = 0;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 1;
    for (size_t t = 0; t < FN_COUNT(types); t++) {
        const fn_type *type;
        if (fn_type_parse(&ctx, fn_cstr(types[t]), &type) != FN_OK) return 1;
        for (size_t c = 0; c < FN_COUNT(counts); c++)
            for (unsigned spread = 0; spread < 3; spread++) failures += check(&ctx, type, counts[c], spread, (c + spread) % 2 == 0);
    }
    fn_arena_free(ctx.arena);
    printf("%u failures\n", failures);
    return failures != 0;
}
