/* func_array_compare.c - arrays against each other: arrayJaccardIndex, arrayLevenshteinDistance, arraySimilarity's plain kin, and
 * arrayRemove. Items are brought to their common type and compared as values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

typedef struct pair_in {
    array_in a, b;
} pair_in;

static fn_status bind_pair(fn_ctx *ctx, func_call *call)
{
    const fn_type *common;
    for (uint32_t i = 0; i < 2; i++) FN_TRY(array_need(ctx, call, i));
    FN_TRY(fn_type_common(ctx, call->arg_types, 2, &common));
    call->data = (void *)(uintptr_t)common->args[0];
    call->type = fn_type_simple(strcmp(call->def->name, "arrayJaccardIndex") == 0 ? FN_T_FLOAT64 : FN_T_UINT32);
    return FN_OK;
}

static void pair_close(pair_in *p)
{
    array_close(&p->a);
    array_close(&p->b);
}

static fn_status pair_open(fn_ctx *ctx, const func_call *call, fn_column *const *args, pair_in *p)
{
    *p = (pair_in){0};
    fn_status status = array_open(ctx, args[0], &p->a);
    if (status == FN_OK) status = array_open(ctx, args[1], &p->b);
    if (status == FN_OK) status = array_convert_items(ctx, &p->a, call->data);
    if (status == FN_OK) status = array_convert_items(ctx, &p->b, call->data);
    if (status != FN_OK) pair_close(p);
    return status;
}

static bool seen_before(const array_in *a, uint32_t row, uint32_t item)
{
    for (uint32_t k = a->offsets[row]; k < item; k++)
        if (fn_column_equal_at(a->items, k, a->items, item)) return true;
    return false;
}

static bool within(const array_in *a, uint32_t row, const fn_column *items, uint32_t item)
{
    for (uint32_t k = a->offsets[row]; k < a->offsets[row + 1]; k++)
        if (fn_column_equal_at(a->items, k, items, item)) return true;
    return false;
}

/* Different items in both over different items in either; two empty arrays give NaN as 0 / 0 does. */
static double jaccard(const pair_in *p, uint32_t row)
{
    uint32_t both = 0, first = 0, second = 0;
    for (uint32_t k = p->a.offsets[row]; k < p->a.offsets[row + 1]; k++) {
        if (seen_before(&p->a, row, k)) continue;
        first++;
        both += within(&p->b, row, p->a.items, k);
    }
    for (uint32_t k = p->b.offsets[row]; k < p->b.offsets[row + 1]; k++) second += !seen_before(&p->b, row, k);
    return (double)both / (double)(first + second - both);
}

static fn_status eval_jaccard(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    pair_in p;
    uint8_t *values;
    FN_TRY(pair_open(ctx, call, args, &p));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (uint32_t i = 0; *out && i < rows; i++) fn_store_f64(values + (size_t)i * 8, jaccard(&p, i));
    pair_close(&p);
    return *out ? FN_OK : ctx->error.code;
}

/* line: room for the second array's items + 1. */
static uint32_t levenshtein(const pair_in *p, uint32_t row, uint32_t *line)
{
    const uint32_t from_a = p->a.offsets[row], n = p->a.offsets[row + 1] - from_a, from_b = p->b.offsets[row], m = p->b.offsets[row + 1] - from_b;
    for (uint32_t j = 0; j <= m; j++) line[j] = j;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t diagonal = line[0];
        line[0] = i + 1;
        for (uint32_t j = 0; j < m; j++) {
            const uint32_t above = line[j + 1], change = diagonal + !fn_column_equal_at(p->a.items, from_a + i, p->b.items, from_b + j);
            line[j + 1] = FN_MIN(change, FN_MIN(above, line[j]) + 1);
            diagonal = above;
        }
    }
    return line[m];
}

static fn_status eval_levenshtein(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    pair_in p;
    uint8_t *values;
    FN_TRY(pair_open(ctx, call, args, &p));
    uint32_t *line = fn_alloc(ctx, ((size_t)p.b.total + 1) * sizeof *line);
    *out = line ? func_new_fixed(ctx, call->type, rows, &values) : NULL;
    for (uint32_t i = 0; *out && i < rows; i++) fn_store_u32(values + (size_t)i * 4, levenshtein(&p, i, line));
    fn_free(line);
    pair_close(&p);
    return *out ? FN_OK : ctx->error.code;
}

/* arrayRemove(array, value) */
static fn_status bind_remove(fn_ctx *ctx, func_call *call)
{
    FN_TRY(array_need(ctx, call, 0));
    const fn_type *sides[2] = {fn_type_strip_low_cardinality(call->arg_types[0]->args[0]), call->arg_types[1]}, *common;
    FN_TRY(fn_type_common(ctx, sides, 2, &common));
    call->data = (void *)(uintptr_t)common;
    call->type = call->arg_types[0];
    return FN_OK;
}

static fn_status eval_remove(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a, same = {0};
    array_pick p = {0};
    fn_column *value = NULL;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = array_open(ctx, args[0], &same);
    if (status == FN_OK) status = array_convert_items(ctx, &same, call->data);
    if (status == FN_OK) status = expr_convert(ctx, args[1], call->data, CONVERT_CAST, &value);
    if (status == FN_OK) status = array_pick_open(ctx, &p, rows, a.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t k = a.offsets[i]; k < a.offsets[i + 1]; k++)
            if (!fn_column_equal_at(same.items, k, value, i)) array_pick_put(&p, k);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, a.items, out);
    fn_column_drop(value);
    array_close(&a);
    array_close(&same);
    return status;
}

static const func_def rows_[] = {
    {.name = "arrayJaccardIndex", .args_min = 2, .args_max = 2, .bind = bind_pair, .eval = eval_jaccard,
     .about = "The share of different items that both arrays have.", .example = "arrayJaccardIndex([1, 2], [2, 3])", .gives = "0.3333333333333333"},
    {.name = "arrayLevenshteinDistance", .args_min = 2, .args_max = 2, .bind = bind_pair, .eval = eval_levenshtein,
     .about = "How many items must be inserted, removed or changed to get from one array to the other.", .example = "arrayLevenshteinDistance([1, 2, 3], [1, 3])", .gives = "1"},
    {.name = "arrayRemove", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS, .bind = bind_remove, .eval = eval_remove,
     .about = "The array without the items equal to a value.", .example = "arrayRemove([1, 2, 1], 1)", .gives = "[2]"},
};
const func_family func_family_array_compare = FUNC_FAMILY("arrays", rows_);
