/* func_higher.c - functions of a lambda and arrays: arrayMap, arrayFilter, arrayCount, arrayExists, arrayAll, arrayFirst and
 * arrayLast with their kin, arrayFill, arraySplit, arrayFold. The lambda runs once over the items of all rows of the block.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/higher.h"

/* ---- arrayMap ---- */

static fn_status need_lambda(fn_ctx *ctx, const func_call *call)
{
    if (higher_first(call)) return FN_OK;
    if (call->arg_count < 2) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s needs at least 2 arguments, passed %u", call->def->name, call->arg_count);
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument of function %s must be a function. Found %s instead", call->def->name, call->arg_types[0]->name);
}

static fn_status bind_map(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_lambda(ctx, call));
    FN_TRY(higher_bind(ctx, call));
    call->type = fn_type_array(higher_result(call));
    return FN_OK;
}

static fn_status eval_map(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    higher_in h;
    FN_TRY(higher_open(ctx, call, args, 1, &h));
    const fn_status status = array_with_items(ctx, call->type, &h.arrays[0], fn_column_ref(h.result), out);
    higher_close(&h);
    return status;
}

/* ---- conditions ---- */

static fn_status bind_filter(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_lambda(ctx, call));
    FN_TRY(higher_bind_condition(ctx, call));
    call->type = call->arg_types[1];
    return FN_OK;
}

static fn_status bind_test(fn_ctx *ctx, func_call *call)
{
    FN_TRY(higher_bind_condition(ctx, call));
    return func_bind_u8(ctx, call);
}

static fn_status bind_place(fn_ctx *ctx, func_call *call)
{
    FN_TRY(higher_bind_condition(ctx, call));
    call->type = fn_type_simple(FN_T_UINT32);
    return FN_OK;
}

static fn_status bind_first(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_lambda(ctx, call));
    FN_TRY(higher_bind_condition(ctx, call));
    call->type = call->arg_types[1]->args[0];
    return FN_OK;
}

static fn_status bind_first_or_null(fn_ctx *ctx, func_call *call)
{
    FN_TRY(bind_first(ctx, call));
    if (fn_type_can_be_nullable(call->type)) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

static fn_status bind_split(fn_ctx *ctx, func_call *call)
{
    FN_TRY(bind_filter(ctx, call));
    call->type = fn_type_array(call->type);
    return FN_OK;
}

/* The arrays, the condition's mask; on success to be closed by the caller. */
static fn_status open_condition(fn_ctx *ctx, const func_call *call, fn_column *const *args, higher_in *h, uint8_t **mask)
{
    FN_TRY(higher_open(ctx, call, args, higher_first(call), h));
    *mask = higher_mask(ctx, h->result);
    if (*mask) return FN_OK;
    higher_close(h);
    return ctx->error.code;
}

static fn_status eval_filter(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    higher_in h;
    uint8_t *mask;
    array_pick p = {0};
    FN_TRY(open_condition(ctx, call, args, &h, &mask));
    const array_in *a = &h.arrays[0];
    fn_status status = array_pick_open(ctx, &p, rows, a->total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) {
            p.index[p.count] = k; /* room for one more than all items */
            p.count += mask[k];
        }
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, a->items, out);
    fn_free(mask);
    higher_close(&h);
    return status;
}

typedef enum test_kind { TEST_COUNT, TEST_EXISTS, TEST_ALL, TEST_FIRST, TEST_LAST } test_kind;

static uint32_t test_row(test_kind kind, const uint8_t *mask, uint32_t from, uint32_t to)
{
    uint32_t ones = 0;
    if (kind == TEST_FIRST) {
        for (uint32_t k = from; k < to; k++)
            if (mask[k]) return k - from + 1;
        return 0;
    }
    if (kind == TEST_LAST) {
        for (uint32_t k = to; k-- > from;)
            if (mask[k]) return k - from + 1;
        return 0;
    }
    for (uint32_t k = from; k < to; k++) ones += mask[k];
    return kind == TEST_COUNT ? ones : kind == TEST_EXISTS ? ones > 0 : ones == to - from;
}

static fn_status run_test(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, test_kind kind, fn_column **out)
{
    higher_in h;
    uint8_t *mask, *values;
    FN_TRY(open_condition(ctx, call, args, &h, &mask));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (uint32_t i = 0; *out && i < rows; i++) {
        const uint32_t v = test_row(kind, mask, h.arrays[0].offsets[i], h.arrays[0].offsets[i + 1]);
        memcpy(values + (size_t)i * call->type->width, &v, call->type->width);
    }
    fn_free(mask);
    higher_close(&h);
    return *out ? FN_OK : ctx->error.code;
}

#define TEST(name, kind)                                                                           \
    static fn_status eval_##name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out) \
    {                                                                                              \
        return run_test(ctx, call, args, rows, kind, out);                                         \
    }
TEST(count, TEST_COUNT)
TEST(exists, TEST_EXISTS)
TEST(all, TEST_ALL)
TEST(first_index, TEST_FIRST)
TEST(last_index, TEST_LAST)

static fn_status run_first(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, test_kind kind, fn_column **out)
{
    higher_in h;
    uint8_t *mask;
    fn_column *named = NULL, *one = NULL, *all = NULL;
    FN_TRY(open_condition(ctx, call, args, &h, &mask));
    const array_in *a = &h.arrays[0];
    uint32_t *index = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *index);
    for (uint32_t i = 0; index && i < rows; i++) {
        const uint32_t at = test_row(kind, mask, a->offsets[i], a->offsets[i + 1]);
        index[i] = at ? a->offsets[i] + at - 1 : a->total;
    }
    *out = NULL;
    named = fn_column_retype(ctx, a->items, call->type);
    one = fn_column_default(ctx, call->type, 1);
    if (named && one && index) all = fn_column_concat(ctx, (fn_column *const[]){named, one}, 2);
    if (all) *out = fn_column_take(ctx, all, index, rows);
    fn_column_drop(named);
    fn_column_drop(one);
    fn_column_drop(all);
    fn_free(index);
    fn_free(mask);
    higher_close(&h);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status eval_first(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return run_first(ctx, call, args, rows, TEST_FIRST, out);
}

static fn_status eval_last(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return run_first(ctx, call, args, rows, TEST_LAST, out);
}

/* ---- arrayFill: an item that fails the condition is replaced by its neighbour's result ---- */

static fn_status run_fill(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, bool reverse, fn_column **out)
{
    higher_in h;
    uint8_t *mask;
    array_pick p = {0};
    FN_TRY(open_condition(ctx, call, args, &h, &mask));
    const array_in *a = &h.arrays[0];
    fn_status status = array_pick_open(ctx, &p, rows, a->total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t from = a->offsets[i], n = a->offsets[i + 1] - from;
        uint32_t last = 0;
        for (uint32_t k = 0; k < n; k++) {
            const uint32_t at = reverse ? from + n - 1 - k : from + k;
            if (k == 0 || mask[at]) last = at;
            p.index[at] = last;
        }
        p.count += n;
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, a->items, out);
    fn_free(mask);
    higher_close(&h);
    return status;
}

static fn_status eval_fill(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return run_fill(ctx, call, args, rows, false, out);
}

static fn_status eval_reverse_fill(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return run_fill(ctx, call, args, rows, true, out);
}

/* ---- arraySplit: a new array starts at (reverse: ends with) an item that meets the condition ---- */

static fn_status run_split(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, bool reverse, fn_column **out)
{
    higher_in h;
    uint8_t *mask;
    fn_column *inner = NULL;
    FN_TRY(open_condition(ctx, call, args, &h, &mask));
    const array_in *a = &h.arrays[0];
    fn_buffer *outer_bounds = fn_buffer_new(ctx, ((size_t)rows + 1) * 4), *inner_bounds = fn_buffer_new(ctx, ((size_t)a->total + 1) * 4);
    fn_status status = outer_bounds && inner_bounds ? FN_OK : ctx->error.code;
    if (status == FN_OK) {
        uint32_t *outer = (uint32_t *)(void *)outer_bounds->data, *in = (uint32_t *)(void *)inner_bounds->data, n = 0;
        outer[0] = in[0] = 0;
        for (uint32_t i = 0; i < rows; i++) {
            for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) {
                const bool last = k + 1 == a->offsets[i + 1];
                if (last || (reverse ? mask[k] : mask[k + 1])) in[++n] = k + 1;
            }
            outer[i + 1] = n;
        }
        const array_in shape = {.bounds = inner_bounds, .rows = n}, whole = {.bounds = outer_bounds, .rows = rows};
        status = array_with_items(ctx, call->type->args[0], &shape, fn_column_ref(a->items), &inner);
        if (status == FN_OK) status = array_with_items(ctx, call->type, &whole, inner, out);
    }
    fn_buffer_drop(outer_bounds);
    fn_buffer_drop(inner_bounds);
    fn_free(mask);
    higher_close(&h);
    return status;
}

static fn_status eval_split(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return run_split(ctx, call, args, rows, false, out);
}

static fn_status eval_reverse_split(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return run_split(ctx, call, args, rows, true, out);
}

/* ---- arrayFold((acc, x, ...) -> ..., arrays, start) ---- */

static fn_status lambda_fold(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_type **params, uint32_t param_count)
{
    const uint32_t n = call->arg_count;
    if (index != 0 || n < 3) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s requires as arguments a lambda function, at least one array and an accumulator", call->def->name);
    if (param_count != n - 1) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument for this overload of %s must be a function with %u arguments", call->def->name, n - 1);
    params[0] = call->arg_types[n - 1];
    for (uint32_t i = 1; i + 1 < n; i++) {
        FN_TRY(array_need(ctx, call, i));
        params[i] = call->arg_types[i]->args[0];
    }
    return FN_OK;
}

static fn_status bind_fold(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_lambda(ctx, call));
    const fn_type *acc = call->arg_types[call->arg_count - 1], *gives = higher_result(call);
    if (call->arg_count > 17) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s takes at most 15 arrays", call->def->name);
    if (gives != acc)
        return fn_fail(ctx, FN_TYPE_MISMATCH, "Return type of lambda function must be the same as the accumulator type, inferred return type of lambda: %s, inferred type of accumulator: %s", gives->name, acc->name);
    call->type = acc;
    return FN_OK;
}

/* Step `step` for the rows that still have items: the accumulators of those rows are replaced. */
static fn_status fold_step(fn_ctx *ctx, const func_call *call, fn_column *const *args, const array_in *arrays, uint32_t step, const uint32_t *live,
                           uint32_t live_count, uint32_t *item, fn_column **acc)
{
    fn_column *params[17] = {0}, *made = NULL;
    const uint32_t n = call->arg_count - 1, rows = (*acc)->rows;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < live_count; i++) item[i] = arrays[0].offsets[live[i]] + step;
    params[0] = fn_column_take(ctx, *acc, live, live_count);
    if (!params[0]) status = ctx->error.code;
    for (uint32_t k = 1; k < n && status == FN_OK; k++) {
        params[k] = fn_column_take(ctx, arrays[k - 1].items, item, live_count);
        if (!params[k]) status = ctx->error.code;
    }
    if (status == FN_OK) status = higher_run(ctx, call, args, params, n, live, live_count, &made);
    for (uint32_t k = 0; k < n; k++) fn_column_drop(params[k]);
    if (status != FN_OK) return status;
    fn_column *all = live_count == rows ? fn_column_ref(made) : fn_column_concat(ctx, (fn_column *const[]){*acc, made}, 2), *next = all;
    if (all && live_count != rows) {
        uint32_t *index = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *index);
        for (uint32_t i = 0; index && i < rows; i++) index[i] = i;
        for (uint32_t i = 0; index && i < live_count; i++) index[live[i]] = rows + i;
        next = index ? fn_column_take(ctx, all, index, rows) : NULL;
        fn_column_drop(all);
        fn_free(index);
    }
    fn_column_drop(made);
    if (!next) return ctx->error.code;
    fn_column_drop(*acc);
    *acc = next;
    return FN_OK;
}

static fn_status eval_fold(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->arg_count - 2;
    array_in arrays[16] = {0};
    uint32_t *live = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *live), *item = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *item), live_count = rows;
    fn_column *acc = fn_column_flatten(ctx, args[call->arg_count - 1]);
    fn_status status = live && item && acc ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < n && status == FN_OK; k++) status = array_open(ctx, args[k + 1], &arrays[k]);
    if (status == FN_OK) status = array_same_sizes(ctx, call, arrays, n, 1);
    for (uint32_t i = 0; status == FN_OK && i < rows; i++) live[i] = i;
    for (uint32_t step = 0; status == FN_OK; step++) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < live_count; i++)
            if (arrays[0].offsets[live[i] + 1] - arrays[0].offsets[live[i]] > step) live[kept++] = live[i];
        live_count = kept;
        if (!live_count) break;
        if ((step & 255) == 255) status = fn_ctx_check(ctx);
        if (status == FN_OK) status = fold_step(ctx, call, args, arrays, step, live, live_count, item, &acc);
    }
    if (status == FN_OK) *out = fn_column_ref(acc);
    fn_column_drop(acc);
    for (uint32_t k = 0; k < n; k++) array_close(&arrays[k]);
    fn_free(live);
    fn_free(item);
    return status;
}

#define ROW(title, hi, binder, evaluator, text, ex, res)                                           \
    {.name = title, .args_min = 1, .args_max = hi, .lambda = higher_lambda, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("arrayMap", -1, bind_map, eval_map, "What the lambda gives for each item.", "arrayMap(x -> x + 1, [1, 2])", "[2,3]"),
    ROW("arrayFilter", -1, bind_filter, eval_filter, "The items for which the lambda is true.", "arrayFilter(x -> x > 1, [1, 2])", "[2]"),
    ROW("arrayCount", -1, bind_place, eval_count, "How many items are true, or make the lambda true.", "arrayCount([1, 0, 2])", "2"),
    ROW("arrayExists", -1, bind_test, eval_exists, "1 if the lambda is true for some item.", "arrayExists(x -> x = 1, [1, 2])", "1"),
    ROW("arrayAll", -1, bind_test, eval_all, "1 if the lambda is true for all items.", "arrayAll(x -> x = 1, [1, 2])", "0"),
    ROW("arrayFirst", -1, bind_first, eval_first, "The first item for which the lambda is true; the default if there is none.", "arrayFirst(x -> x > 1, [1, 2, 3])", "2"),
    ROW("arrayLast", -1, bind_first, eval_last, "The last item for which the lambda is true; the default if there is none.", "arrayLast(x -> x > 1, [1, 2, 3])", "3"),
    ROW("arrayFirstOrNull", -1, bind_first_or_null, eval_first, "As arrayFirst, NULL if there is none.", "arrayFirstOrNull(x -> x > 5, [1])", "NULL"),
    ROW("arrayLastOrNull", -1, bind_first_or_null, eval_last, "As arrayLast, NULL if there is none.", "arrayLastOrNull(x -> x > 5, [1])", "NULL"),
    ROW("arrayFirstIndex", -1, bind_place, eval_first_index, "The place of the first item for which the lambda is true; 0 if there is none.", "arrayFirstIndex(x -> x > 1, [1, 2])", "2"),
    ROW("arrayLastIndex", -1, bind_place, eval_last_index, "The place of the last item for which the lambda is true; 0 if there is none.", "arrayLastIndex(x -> x > 1, [1, 2])", "2"),
    ROW("arrayFill", -1, bind_filter, eval_fill, "Items that fail the condition are replaced by the one before.", "arrayFill(x -> x > 2, [3, 1, 5])", "[3,3,5]"),
    ROW("arrayReverseFill", -1, bind_filter, eval_reverse_fill, "Items that fail the condition are replaced by the one behind.", "arrayReverseFill(x -> x > 2, [3, 1, 5])", "[3,5,5]"),
    ROW("arraySplit", -1, bind_split, eval_split, "Arrays that start at the items for which the lambda is true.", "arraySplit(x -> x > 2, [1, 3, 1])", "[[1],[3,1]]"),
    ROW("arrayReverseSplit", -1, bind_split, eval_reverse_split, "Arrays that end with the items for which the lambda is true.", "arrayReverseSplit(x -> x > 2, [1, 3, 1])", "[[1,3],[1]]"),
    {.name = "arrayFold", .args_min = 3, .args_max = -1, .flags = FUNC_OWN_NULLS, .lambda = lambda_fold, .bind = bind_fold, .eval = eval_fold,
     .about = "The accumulator after the lambda has taken in every item.", .example = "arrayFold((acc, x) -> acc + x, [1, 2], toInt64(0))", .gives = "3"},
};
const func_family func_family_higher = FUNC_FAMILY("arrays", rows_);
