/* func_array_sum.c - sums over the items of arrays: arraySum, arrayAvg, arrayMin, arrayMax, arrayProduct, arrayCumSum,
 * arrayCumSumNonNegative, arrayDifference, each over the items or over what a lambda gives for them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_number.h"
#include "function/higher.h"
#include <firn/wide.h>

typedef enum sum_kind { SUM_SUM, SUM_AVG, SUM_PRODUCT, SUM_CUMULATIVE, SUM_NON_NEGATIVE } sum_kind;

static sum_kind kind_of(const func_call *call)
{
    static const struct {
        const char *name;
        sum_kind kind;
    } names[] = {{"arraySum", SUM_SUM}, {"arrayAvg", SUM_AVG}, {"arrayProduct", SUM_PRODUCT}, {"arrayCumSum", SUM_CUMULATIVE}, {"arrayCumSumNonNegative", SUM_NON_NEGATIVE}};
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (strcmp(names[i].name, call->def->name) == 0) return names[i].kind;
    return SUM_SUM;
}

/* What a sum of values of the type is kept in. */
static const fn_type *sum_type(const fn_type *t)
{
    if (fn_type_is_float(t)) return fn_type_simple(FN_T_FLOAT64);
    if (t->id == FN_T_DECIMAL) return fn_type_decimal(t->precision > 38 ? 76 : 38, t->scale);
    return arith_integer(fn_type_is_integer(t) && !fn_type_is_unsigned(t), FN_MAX(t->width, 8u));
}

static fn_status bind_sum(fn_ctx *ctx, func_call *call)
{
    FN_TRY(higher_bind(ctx, call));
    const sum_kind kind = kind_of(call);
    const fn_type *t = fn_type_strip_low_cardinality(higher_result(call));
    if (!fn_type_is_number(t))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, kind >= SUM_CUMULATIVE ? "%s cannot add values of type %s" : "array aggregation function %s cannot be performed on type %s", call->def->name, t->name);
    call->type = kind == SUM_AVG || kind == SUM_PRODUCT ? fn_type_simple(FN_T_FLOAT64) : sum_type(t);
    call->data = (void *)(uintptr_t)call->type; /* what items are converted to */
    if (kind >= SUM_CUMULATIVE) call->type = fn_type_array(call->type);
    return FN_OK;
}

/* Items in the sum's type, FLAT. */
static fn_status sum_items(fn_ctx *ctx, const func_call *call, const fn_column *items, fn_column **out)
{
    fn_column *same;
    FN_TRY(expr_convert(ctx, items, call->data, CONVERT_CAST, &same));
    *out = fn_column_flatten(ctx, same);
    fn_column_drop(same);
    return *out ? FN_OK : ctx->error.code;
}

static void fold_f64(sum_kind kind, const array_in *a, const double *x, double *to)
{
    for (uint32_t i = 0; i < a->rows; i++) {
        double v = kind == SUM_PRODUCT;
        const uint32_t from = a->offsets[i], end = a->offsets[i + 1];
        for (uint32_t k = from; k < end; k++) {
            if (kind == SUM_PRODUCT) v *= x[k];
            else v += x[k];
        }
        to[i] = end == from ? 0 : kind == SUM_AVG ? v / (end - from) : v; /* nothing gives 0, also as a product */
    }
}

static void fold_u64(const array_in *a, const uint64_t *x, uint64_t *to)
{
    for (uint32_t i = 0; i < a->rows; i++) {
        uint64_t v = 0;
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) v += x[k];
        to[i] = v;
    }
}

static void fold_wide(const array_in *a, const fn_type *t, const uint8_t *x, uint8_t *to)
{
    for (uint32_t i = 0; i < a->rows; i++) {
        fn_i256 v = {0};
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) v = fn_i256_add(v, arith_wide_at(t, x + (size_t)k * t->width));
        arith_wide_put(v, t->width, to + (size_t)i * t->width);
    }
}

static fn_status eval_sum(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    higher_in h;
    fn_column *items = NULL;
    uint8_t *values = NULL;
    FN_TRY(higher_open(ctx, call, args, higher_first(call), &h));
    fn_status status = sum_items(ctx, call, h.result, &items);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    if (status == FN_OK) {
        if (call->type->phys == FN_PHYS_F64) fold_f64(kind_of(call), &h.arrays[0], (const double *)(const void *)items->values, (double *)(void *)values);
        else if (call->type->width == 8) fold_u64(&h.arrays[0], (const uint64_t *)(const void *)items->values, (uint64_t *)(void *)values);
        else fold_wide(&h.arrays[0], call->type, items->values, values);
    }
    fn_column_drop(items);
    higher_close(&h);
    return status;
}

/* Running sums; non-negative: back to 0 when they fall below. */
static void run_sums(const array_in *a, const fn_type *t, bool non_negative, const uint8_t *x, uint8_t *to)
{
    for (uint32_t i = 0; i < a->rows; i++) {
        fn_i256 wide = {0};
        double f = 0;
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) {
            const size_t at = (size_t)k * t->width;
            if (t->phys == FN_PHYS_F64) {
                f += fn_load_f64(x + at);
                if (non_negative && f < 0) f = 0;
                fn_store_f64(to + at, f);
            } else {
                wide = fn_i256_add(wide, arith_wide_at(t, x + at));
                if (non_negative && !fn_type_is_unsigned(t) && fn_i256_is_negative(wide)) wide = (fn_i256){0};
                arith_wide_put(wide, t->width, to + at);
            }
        }
    }
}

static fn_status eval_cumulative(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    higher_in h;
    fn_column *items = NULL, *sums = NULL;
    uint8_t *values = NULL;
    FN_TRY(higher_open(ctx, call, args, higher_first(call), &h));
    fn_status status = sum_items(ctx, call, h.result, &items);
    if (status == FN_OK && !(sums = func_new_fixed(ctx, call->data, h.arrays[0].total, &values))) status = ctx->error.code;
    if (status == FN_OK) {
        run_sums(&h.arrays[0], call->data, kind_of(call) == SUM_NON_NEGATIVE, items->values, values);
        status = array_with_items(ctx, call->type, &h.arrays[0], sums, out);
    }
    fn_column_drop(items);
    higher_close(&h);
    return status;
}

/* ---- arrayDifference: each item less the one before ---- */

static fn_status bind_difference(fn_ctx *ctx, func_call *call)
{
    FN_TRY(higher_bind(ctx, call));
    const fn_type *t = fn_type_strip_low_cardinality(higher_result(call)), *gives = t;
    if (t->id == FN_T_DATE) gives = fn_type_simple(FN_T_INT32);
    else if (t->id == FN_T_DATETIME) gives = fn_type_simple(FN_T_INT64);
    else if (t->id == FN_T_BOOL) gives = fn_type_simple(FN_T_INT16);
    else if (fn_type_is_float(t)) gives = fn_type_simple(FN_T_FLOAT64);
    else if (fn_type_is_integer(t)) gives = arith_integer(true, t->width < 8 ? t->width * 2 : t->width);
    else if (t->id != FN_T_DECIMAL)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "arrayDifference cannot process values of type %s", t->name);
    call->data = (void *)(uintptr_t)gives;
    call->type = fn_type_array(gives);
    return FN_OK;
}

static fn_status eval_difference(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    higher_in h;
    fn_column *items = NULL, *made = NULL;
    uint8_t *to = NULL;
    const fn_type *t = call->data;
    FN_TRY(higher_open(ctx, call, args, higher_first(call), &h));
    fn_status status = sum_items(ctx, call, h.result, &items);
    if (status == FN_OK && !(made = func_new_fixed(ctx, t, h.arrays[0].total, &to))) status = ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++)
        for (uint32_t k = h.arrays[0].offsets[i]; k < h.arrays[0].offsets[i + 1]; k++) {
            const uint8_t *x = items->values + (size_t)k * t->width;
            uint8_t *p = to + (size_t)k * t->width;
            if (k == h.arrays[0].offsets[i]) memset(p, 0, t->width);
            else if (t->phys == FN_PHYS_F64) fn_store_f64(p, fn_load_f64(x) - fn_load_f64(x - 8));
            else arith_wide_put(fn_i256_sub(arith_wide_at(t, x), arith_wide_at(t, x - t->width)), t->width, p);
        }
    if (status == FN_OK) status = array_with_items(ctx, call->type, &h.arrays[0], made, out);
    fn_column_drop(items);
    higher_close(&h);
    return status;
}

/* ---- arrayMin, arrayMax ---- */

static fn_status bind_extreme(fn_ctx *ctx, func_call *call)
{
    FN_TRY(higher_bind(ctx, call));
    call->type = higher_result(call);
    return FN_OK;
}

static fn_status eval_extreme(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const int wanted = strcmp(call->def->name, "arrayMax") == 0 ? 1 : -1;
    higher_in h;
    FN_TRY(higher_open(ctx, call, args, higher_first(call), &h));
    const array_in *a = &h.arrays[0];
    const fn_column *items = h.result;
    uint32_t *index = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *index);
    for (uint32_t i = 0; index && i < rows; i++) {
        uint32_t best = a->total; /* NULLs are passed over */
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) {
            if (fn_column_is_null(items, k)) continue;
            if (best == a->total || fn_column_compare(items, k, items, best, wanted < 0) * wanted > 0) best = k;
        }
        index[i] = best == a->total && a->offsets[i] < a->offsets[i + 1] ? a->offsets[i] : best;
    }
    fn_column *one = fn_column_default(ctx, call->type, 1), *all = NULL;
    if (one && index) all = fn_column_concat(ctx, (fn_column *const[]){h.result, one}, 2);
    *out = all ? fn_column_take(ctx, all, index, rows) : NULL;
    fn_column_drop(one);
    fn_column_drop(all);
    fn_free(index);
    higher_close(&h);
    return *out ? FN_OK : ctx->error.code;
}

#define ROW(title, binder, evaluator, text, ex, res)                                               \
    {.name = title, .args_min = 1, .args_max = -1, .lambda = higher_lambda, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("arraySum", bind_sum, eval_sum, "The sum of the items.", "arraySum([1, 2])", "3"),
    ROW("arrayAvg", bind_sum, eval_sum, "The mean of the items.", "arrayAvg([1, 2])", "1.5"),
    ROW("arrayProduct", bind_sum, eval_sum, "The product of the items as Float64.", "arrayProduct([2, 3])", "6"),
    ROW("arrayMin", bind_extreme, eval_extreme, "The smallest item.", "arrayMin([2, 1])", "1"),
    ROW("arrayMax", bind_extreme, eval_extreme, "The largest item.", "arrayMax([2, 1])", "2"),
    ROW("arrayCumSum", bind_sum, eval_cumulative, "Running sums of the items.", "arrayCumSum([1, 2])", "[1,3]"),
    ROW("arrayCumSumNonNegative", bind_sum, eval_cumulative, "Running sums that start again at 0 when they fall below.", "arrayCumSumNonNegative([1, -3, 2])", "[1,0,2]"),
    ROW("arrayDifference", bind_difference, eval_difference, "Each item less the one before; the first gives 0.", "arrayDifference([1, 3])", "[0,2]"),
};
const func_family func_family_array_sum = FUNC_FAMILY("arrays", rows_);
