/* func_array_sort.c - arraySort, arrayReverseSort, their partial forms, and mapSort with its kin.
 * NULL and NaN come last in both directions, as in ClickHouse. Equal keys keep their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/higher.h"
#include <stdlib.h>

/* Where the parts of a call lie: [lambda] [limit] arrays or map. */
typedef struct sort_shape {
    uint32_t first; /* array or map */
    bool lambda, partial, reverse, map;
} sort_shape;

static sort_shape shape_of(const func_call *call)
{
    const fn_str name = fn_cstr(call->def->name);
    sort_shape s = {.lambda = higher_first(call) != 0};
    s.partial = strstr(call->def->name, "Partial") != NULL;
    s.reverse = strstr(call->def->name, "Reverse") != NULL;
    s.map = fn_str_starts(name, FN_STR("map"));
    s.first = (s.lambda ? 1u : 0u) + (s.partial ? 1u : 0u);
    return s;
}

static fn_status lambda_sort(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_type **params, uint32_t param_count)
{
    const bool partial = strstr(call->def->name, "Partial") != NULL;
    const fn_type *elements[16];
    uint32_t count = 0;
    if (fn_str_starts(fn_cstr(call->def->name), FN_STR("map"))) return higher_lambda_map(ctx, call, index, params, param_count);
    if (index != 0) return func_illegal(ctx, call);
    for (uint32_t i = partial ? 2 : 1; i < call->arg_count; i++) {
        FN_TRY(array_need(ctx, call, i));
        if (count == FN_COUNT(elements)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s takes at most 16 arrays", call->def->name);
        elements[count++] = call->arg_types[i]->args[0];
    }
    if (!count) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s needs at least 1 argument with data", call->def->name);
    return higher_params(ctx, call, elements, count, params, param_count);
}

static fn_status bind_sort(fn_ctx *ctx, func_call *call)
{
    const sort_shape s = shape_of(call);
    if (call->arg_count <= s.first) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s needs at least 1 argument with data", call->def->name);
    if (s.partial && !fn_type_is_integer(call->arg_types[s.first - 1]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of limit argument of function %s (must be UInt)", call->arg_types[s.first - 1]->name, call->def->name);
    if (!s.lambda && call->arg_count > s.first + 1) return func_illegal(ctx, call);
    if (s.map && call->arg_types[s.first]->id != FN_T_MAP) return func_illegal(ctx, call);
    for (uint32_t i = s.first; !s.map && i < call->arg_count; i++) FN_TRY(array_need(ctx, call, i));
    call->type = call->arg_types[s.first];
    return FN_OK;
}

typedef struct sort_job {
    const fn_column *keys;
    int direction;
    bool fixed_i64, fixed_u64, fixed_f64; /* keys without NULL, compared directly */
} sort_job;

static int last_or_zero(bool a, bool b)
{
    return a == b ? 0 : a ? 1 : -1;
}

static int compare_items(const void *pa, const void *pb, void *arg)
{
    const sort_job *j = arg;
    const uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
    int c;
    if (j->fixed_i64 || j->fixed_u64) {
        const uint64_t x = fn_column_u64_at(j->keys, a), y = fn_column_u64_at(j->keys, b);
        c = j->fixed_i64 ? ((int64_t)x > (int64_t)y) - ((int64_t)x < (int64_t)y) : (x > y) - (x < y);
    } else if (j->fixed_f64) {
        const double x = fn_column_f64_at(j->keys, a), y = fn_column_f64_at(j->keys, b);
        const bool nan_x = x != x, nan_y = y != y;
        if (nan_x || nan_y) {
            c = last_or_zero(nan_x, nan_y);
            return c ? c : (a > b) - (a < b);
        }
        c = (x > y) - (x < y);
    } else {
        const bool null_a = fn_column_is_null(j->keys, a), null_b = fn_column_is_null(j->keys, b);
        if (null_a || null_b) {
            c = last_or_zero(null_a, null_b);
            return c ? c : (a > b) - (a < b);
        }
        if (fn_type_is_float(fn_type_base(j->keys->type))) {
            const double x = fn_column_f64_at(j->keys, a), y = fn_column_f64_at(j->keys, b);
            if (x != x || y != y) {
                c = last_or_zero(x != x, y != y);
                return c ? c : (a > b) - (a < b);
            }
        }
        c = fn_column_compare(j->keys, a, j->keys, b, true);
    }
    return c ? c * j->direction : (a > b) - (a < b);
}

static sort_job job_of(const fn_column *keys, bool reverse)
{
    const fn_type *t = fn_type_base(keys->type);
    sort_job j = {.keys = keys, .direction = reverse ? -1 : 1};
    if (keys->nulls) return j;
    if (fn_type_is_float(t)) j.fixed_f64 = true;
    else if (t->phys <= FN_PHYS_U64 || t->id == FN_T_UINT64) j.fixed_u64 = true;
    else if (t->phys >= FN_PHYS_I8 && t->phys <= FN_PHYS_I64) j.fixed_i64 = true;
    return j;
}

static fn_status sort_keys(fn_ctx *ctx, const func_call *call, fn_column *const *args, const sort_shape *s, array_in *arrays, uint32_t count, fn_column **keys)
{
    fn_column *items[16];
    if (!s->lambda) {
        *keys = fn_column_ref(s->map ? arrays[0].items->kids[0] : arrays[0].items);
        return FN_OK;
    }
    uint32_t *row = array_row_numbers(ctx, &arrays[0]);
    FN_TRY_PTR(ctx, row);
    for (uint32_t k = 0; k < count; k++) items[k] = arrays[k].items;
    const fn_status status = higher_run(ctx, call, args, items, count, row, arrays[0].total, keys);
    fn_free(row);
    return status;
}

static fn_status eval_sort(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const sort_shape s = shape_of(call);
    const uint32_t count = call->arg_count - s.first;
    array_in arrays[16] = {0};
    array_pick p = {0};
    fn_column *keys = NULL;
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < count && status == FN_OK; k++) status = array_open(ctx, args[s.first + k], &arrays[k]);
    if (status == FN_OK) status = array_same_sizes(ctx, call, arrays, count, s.first);
    if (status == FN_OK) status = sort_keys(ctx, call, args, &s, arrays, count, &keys);
    if (status == FN_OK) status = array_pick_open(ctx, &p, rows, arrays[0].total);
    if (status == FN_OK) {
        sort_job job = job_of(keys, s.reverse);
        for (uint32_t k = 0; k < arrays[0].total; k++) array_pick_put(&p, k);
        for (uint32_t i = 0; i < rows; i++) {
            const uint32_t from = arrays[0].offsets[i], n = arrays[0].offsets[i + 1] - from;
            if (n > 1) qsort_r(p.index + from, n, sizeof *p.index, compare_items, &job);
            fn_store_u32(p.bounds->data + ((size_t)i + 1) * 4, from + n);
        }
        p.rows = rows;
        status = array_pick_finish(ctx, &p, call->type, arrays[0].items, out);
    }
    fn_column_drop(keys);
    for (uint32_t k = 0; k < count; k++) array_close(&arrays[k]);
    return status;
}

#define ROW(title, text, ex, res)                                                                  \
    {.name = title, .args_min = 1, .args_max = 17, .lambda = lambda_sort, .bind = bind_sort, .eval = eval_sort, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("arraySort", "The items in ascending order, or by what a lambda gives for them.", "arraySort([3, 1, 2])", "[1,2,3]"),
    ROW("arrayReverseSort", "The items in descending order, or by what a lambda gives for them.", "arrayReverseSort([3, 1, 2])", "[3,2,1]"),
    ROW("arrayPartialSort", "As arraySort; only the first so many places are promised.", "arrayPartialSort(1, [3, 1, 2])", "[1,2,3]"),
    ROW("arrayPartialReverseSort", "As arrayReverseSort; only the first so many places are promised.", "arrayPartialReverseSort(1, [3, 1, 2])", "[3,2,1]"),
    ROW("mapSort", "The map by ascending keys, or by what a lambda gives for key and value.", "mapSort(map('b', 1, 'a', 2))", "{'a':2,'b':1}"),
    ROW("mapReverseSort", "The map by descending keys, or by what a lambda gives for key and value.", "mapReverseSort(map('a', 2, 'b', 1))", "{'b':1,'a':2}"),
    ROW("mapPartialSort", "As mapSort; only the first so many places are promised.", "mapPartialSort((k, v) -> v, 1, map('b', 3, 'a', 2))", "{'a':2,'b':3}"),
    ROW("mapPartialReverseSort", "As mapReverseSort; only the first so many places are promised.", "mapPartialReverseSort((k, v) -> v, 1, map('a', 2, 'b', 3))", "{'b':3,'a':2}"),
};
const func_family func_family_array_sort = FUNC_FAMILY("arrays", rows_);
