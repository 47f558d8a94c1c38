/* func_map.c - maps: map, mapFromArrays, mapKeys, mapValues, mapFilter, mapApply, mapExists, mapAll, mapUpdate, mapConcat, mapAdd,
 * mapSubtract. A map is an array of (key, value), so most of these are array functions over its items.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_number.h"
#include "function/higher.h"
#include <firn/wide.h>

/* ---- map(k, v, ...) ---- */

static fn_status bind_map(fn_ctx *ctx, func_call *call)
{
    const uint32_t n = call->arg_count;
    const fn_type **sides = FN_NEW_ARRAY(ctx, const fn_type *, n + 2), *key = fn_type_simple(FN_T_NOTHING), *value = key;
    FN_TRY_PTR(ctx, sides);
    if (n % 2) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s requires even number of arguments, but %u given", call->def->name, n);
    for (uint32_t i = 0; i < n; i += 2) {
        sides[i / 2] = call->arg_types[i];
        sides[n / 2 + i / 2] = call->arg_types[i + 1];
    }
    if (n) FN_TRY(fn_type_common_or_variant(ctx, sides, n / 2, &key));
    if (n) FN_TRY(fn_type_common_or_variant(ctx, sides + n / 2, n / 2, &value));
    if (fn_type_is_nullable(key)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Map cannot have a key of type %s", key->name);
    call->type = fn_type_map(key, value);
    return FN_OK;
}

/* Column i * pairs + k of row i: part k, converted to the type. */
static fn_status side_of(fn_ctx *ctx, fn_column *const *args, uint32_t pairs, uint32_t which, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_column **parts = fn_alloc_zero(ctx, (pairs + 1) * sizeof *parts), *all = NULL;
    uint32_t *index = fn_alloc(ctx, ((size_t)rows * pairs + 16) * sizeof *index);
    fn_status status = parts && index ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < pairs && status == FN_OK; k++) {
        fn_column *same = NULL;
        status = expr_convert(ctx, args[2 * k + which], type, CONVERT_CAST, &same);
        if (status == FN_OK && !(parts[k] = fn_column_flatten(ctx, same))) status = ctx->error.code;
        fn_column_drop(same);
    }
    if (status == FN_OK && !(all = fn_column_concat(ctx, parts, pairs))) status = ctx->error.code;
    for (size_t i = 0, at = 0; status == FN_OK && i < rows; i++)
        for (uint32_t k = 0; k < pairs; k++) index[at++] = k * rows + (uint32_t)i;
    if (status == FN_OK && !(*out = fn_column_take(ctx, all, index, rows * pairs))) status = ctx->error.code;
    for (uint32_t k = 0; parts && k < pairs; k++) fn_column_drop(parts[k]);
    fn_column_drop(all);
    fn_free(parts);
    fn_free(index);
    return status;
}

static fn_status eval_map(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t pairs = call->arg_count / 2;
    if (!pairs) {
        *out = fn_column_default(ctx, call->type, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    if ((uint64_t)rows * pairs > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Maps of a block would hold more than 4294967295 items");
    fn_column *kids[2] = {0};
    fn_buffer *bounds = fn_buffer_new(ctx, ((size_t)rows + 1) * 4);
    fn_status status = bounds ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; bounds && i <= rows; i++) fn_store_u32(bounds->data + (size_t)i * 4, i * pairs);
    for (uint32_t k = 0; k < 2 && status == FN_OK; k++) status = side_of(ctx, args, pairs, k, call->type->args[k], rows, &kids[k]);
    const array_in shape = {.bounds = bounds, .rows = rows};
    if (status == FN_OK) status = array_with_items(ctx, call->type, &shape, fn_column_tuple(ctx, call->type->items, rows * pairs, kids), out);
    fn_column_drop(kids[0]);
    fn_column_drop(kids[1]);
    fn_buffer_drop(bounds);
    return status;
}

/* ---- mapFromArrays(keys, values) ---- */

static fn_status bind_from_arrays(fn_ctx *ctx, func_call *call)
{
    const fn_type *sides[2];
    for (uint32_t i = 0; i < 2; i++) {
        const fn_type *t = call->arg_types[i];
        if (t->id != FN_T_ARRAY && t->id != FN_T_MAP) FN_TRY(array_need(ctx, call, i));
        sides[i] = t->id == FN_T_MAP ? t->items : t->args[0];
    }
    if (fn_type_is_nullable(sides[0])) sides[0] = fn_type_strip_nullable(sides[0]);
    call->type = fn_type_map(sides[0], sides[1]);
    return FN_OK;
}

static fn_status eval_from_arrays(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a[2] = {0};
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < 2 && status == FN_OK; k++) {
        status = array_open(ctx, args[k], &a[k]);
        if (status == FN_OK) status = array_convert_items(ctx, &a[k], call->type->args[k]);
    }
    if (status == FN_OK && memcmp(a[0].offsets, a[1].offsets, ((size_t)rows + 1) * 4) != 0)
        status = fn_fail(ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "Two arguments of function %s must have equal sizes", call->def->name);
    if (status == FN_OK)
        status = array_with_items(ctx, call->type, &a[0], fn_column_tuple(ctx, call->type->items, a[0].total, (fn_column *const[]){a[0].items, a[1].items}), out);
    array_close(&a[0]);
    array_close(&a[1]);
    return status;
}

/* ---- mapKeys, mapValues ---- */

static fn_status need_map(fn_ctx *ctx, const func_call *call, uint32_t i)
{
    if (call->arg_types[i]->id == FN_T_MAP) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument %u of function %s must be Map. Found %s instead", i + 1, call->def->name, call->arg_types[i]->name);
}

static fn_status bind_side(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_map(ctx, call, 0));
    call->type = fn_type_array(fn_type_strip_low_cardinality(call->arg_types[0]->args[strcmp(call->def->name, "mapValues") == 0]));
    return FN_OK;
}

static fn_status eval_side(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    array_in a;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_column *side = fn_column_retype(ctx, a.items->kids[strcmp(call->def->name, "mapValues") == 0], call->type->args[0]);
    const fn_status status = side ? array_with_items(ctx, call->type, &a, side, out) : ctx->error.code;
    array_close(&a);
    return status;
}

/* ---- with a lambda of key and value ---- */

static fn_status bind_lambda(fn_ctx *ctx, func_call *call)
{
    const char *name = call->def->name;
    if (!higher_first(call)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument of function %s must be a function. Found %s instead", name, call->arg_types[0]->name);
    FN_TRY(need_map(ctx, call, 1));
    const fn_type *gives = higher_result(call);
    call->type = call->arg_types[1];
    if (strcmp(name, "mapApply") == 0) {
        if (gives->id != FN_T_TUPLE || gives->arg_count != 2)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Expression for function %s must return a tuple of key and value, found %s", name, gives->name);
        call->type = fn_type_map(gives->args[0], gives->args[1]);
        return FN_OK;
    }
    const fn_type *t = fn_type_base(gives);
    if (t->id != FN_T_UINT8 && t->id != FN_T_BOOL && t->id != FN_T_NOTHING)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Expression for function %s must return UInt8 or Nullable(UInt8), found %s", name, gives->name);
    if (strcmp(name, "mapFilter") != 0) call->type = fn_type_simple(FN_T_UINT8);
    return FN_OK;
}

static fn_status mask_to_row(fn_ctx *ctx, const func_call *call, const array_in *a, const uint8_t *mask, fn_column **out)
{
    const bool all = strcmp(call->def->name, "mapAll") == 0;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, a->rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < a->rows; i++) {
        uint32_t ones = 0;
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) ones += mask[k];
        values[i] = all ? ones == a->offsets[i + 1] - a->offsets[i] : ones > 0;
    }
    return FN_OK;
}

static fn_status filter_items(fn_ctx *ctx, const func_call *call, const array_in *a, const uint8_t *mask, fn_column **out)
{
    array_pick p;
    FN_TRY(array_pick_open(ctx, &p, a->rows, a->total));
    for (uint32_t i = 0; i < a->rows; i++) {
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++)
            if (mask[k]) array_pick_put(&p, k);
        array_pick_close_row(&p);
    }
    return array_pick_finish(ctx, &p, call->type, a->items, out);
}

static fn_status eval_lambda(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    higher_in h;
    FN_TRY(higher_open(ctx, call, args, 1, &h));
    fn_status status;
    if (strcmp(call->def->name, "mapApply") == 0) {
        fn_column *pairs = fn_column_tuple(ctx, call->type->items, h.result->rows, h.result->kids);
        status = array_with_items(ctx, call->type, &h.arrays[0], pairs, out);
    } else {
        uint8_t *mask = higher_mask(ctx, h.result);
        status = !mask ? ctx->error.code : call->type->id == FN_T_MAP ? filter_items(ctx, call, &h.arrays[0], mask, out) : mask_to_row(ctx, call, &h.arrays[0], mask, out);
        fn_free(mask);
    }
    higher_close(&h);
    return status;
}

/* ---- mapUpdate, mapConcat ---- */

static fn_status bind_joined(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) FN_TRY(need_map(ctx, call, i));
    if (strcmp(call->def->name, "mapUpdate") == 0 && call->arg_types[0] != call->arg_types[1])
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The Key And Value type of Map for function %s must be the same", call->def->name);
    return fn_type_common(ctx, call->arg_types, call->arg_count, &call->type);
}

static bool key_within(const array_in *a, uint32_t row, const fn_column *keys, uint32_t key)
{
    for (uint32_t k = a->offsets[row]; k < a->offsets[row + 1]; k++)
        if (fn_column_equal_at(a->items->kids[0], k, keys, key)) return true;
    return false;
}

static void join_row(const array_in *a, uint32_t count, uint32_t row, bool update, array_pick *p)
{
    uint32_t base = 0;
    if (!update) {
        for (uint32_t k = 0; k < count; k++) {
            for (uint32_t i = a[k].offsets[row]; i < a[k].offsets[row + 1]; i++) array_pick_put(p, base + i);
            base += a[k].total;
        }
        return;
    }
    for (uint32_t i = a[0].offsets[row]; i < a[0].offsets[row + 1]; i++) /* what the second map does not replace */
        if (!key_within(&a[1], row, a[0].items->kids[0], i)) array_pick_put(p, i);
    for (uint32_t i = a[1].offsets[row]; i < a[1].offsets[row + 1]; i++) array_pick_put(p, a[0].total + i);
}

static fn_status eval_joined(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->arg_count;
    array_in *a = fn_alloc_zero(ctx, (n + 1) * sizeof *a);
    fn_column **items = fn_alloc_zero(ctx, (n + 1) * sizeof *items), *all = NULL, *same = NULL;
    array_pick p = {0};
    size_t total = 0;
    fn_status status = a && items ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < n && status == FN_OK; k++) {
        status = expr_convert(ctx, args[k], call->type, CONVERT_CAST, &same);
        if (status == FN_OK) status = array_open(ctx, same, &a[k]);
        fn_column_drop(same);
        same = NULL;
        items[k] = a[k].items;
        total += a[k].total;
    }
    if (status == FN_OK && !(all = fn_column_concat(ctx, items, n))) status = ctx->error.code;
    if (status == FN_OK) status = array_pick_open(ctx, &p, rows, total);
    const bool update = strcmp(call->def->name, "mapUpdate") == 0;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        join_row(a, n, i, update, &p);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, all, out);
    for (uint32_t k = 0; a && k < n; k++) array_close(&a[k]);
    fn_column_drop(all);
    fn_free(items);
    fn_free(a);
    return status;
}

/* ---- mapAdd, mapSubtract: values of equal keys added; keys come out sorted ---- */

static fn_status need_summed(fn_ctx *ctx, const func_call *call, const fn_type *v)
{
    if (fn_type_is_nullable(v)) return fn_fail(ctx, FN_DATA_TYPE_CANNOT_BE_PROMOTED, "Data type %s can't be promoted", v->name);
    if (!fn_type_is_number(v)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Values to be summed are expected to be Numeric, Float or Decimal");
    if (!fn_type_is_integer(v) && !fn_type_is_float(v)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s over values of type %s is not supported", call->def->name, v->name);
    return FN_OK;
}

static fn_status bind_add(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (call->arg_types[i]->id == FN_T_TUPLE) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s over tuples of arrays is not supported; use maps", call->def->name);
        if (call->arg_types[0]->id != FN_T_MAP) FN_TRY(need_map(ctx, call, 0));
        if (call->arg_types[i]->id != FN_T_MAP) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "%s accepts at least two maps", call->def->name);
        FN_TRY(need_summed(ctx, call, call->arg_types[i]->args[1]));
    }
    const fn_type *common;
    FN_TRY(fn_type_common(ctx, call->arg_types, call->arg_count, &common));
    const fn_type *v = common->args[1];
    const fn_type *sum = fn_type_is_float(v) ? fn_type_simple(FN_T_FLOAT64) : arith_integer(!fn_type_is_unsigned(v), FN_MAX(v->width, 8u));
    call->type = fn_type_map(common->args[0], sum);
    return FN_OK;
}

static void add_value(const fn_type *t, uint8_t *to, const uint8_t *x, bool minus)
{
    if (t->phys == FN_PHYS_F64) {
        fn_store_f64(to, fn_load_f64(to) + (minus ? -fn_load_f64(x) : fn_load_f64(x)));
        return;
    }
    const fn_i256 a = arith_wide_at(t, to), b = arith_wide_at(t, x);
    arith_wide_put(minus ? fn_i256_sub(a, b) : fn_i256_add(a, b), t->width, to);
}

/* The row's items in `all` (count arrays, bases of their items): keys and sums appended to the builder. */
static fn_status add_row(fn_ctx *ctx, const func_call *call, const array_in *a, const fn_column *all, uint32_t row, fn_builder *b)
{
    const fn_type *t = call->type->args[1];
    const fn_column *keys = all->kids[0], *values = all->kids[1];
    const bool subtract = strcmp(call->def->name, "mapSubtract") == 0;
    uint32_t n = 0, base = 0, room = 1;
    for (uint32_t k = 0; k < call->arg_count; k++) room += a[k].offsets[row + 1] - a[k].offsets[row];
    uint32_t *item = fn_alloc(ctx, room * sizeof *item);
    uint8_t *sums = fn_alloc_zero(ctx, (size_t)room * t->width);
    fn_status status = item && sums ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < call->arg_count && status == FN_OK; k++) {
        for (uint32_t i = a[k].offsets[row]; i < a[k].offsets[row + 1]; i++) {
            uint32_t low = 0, high = n; /* keys so far are sorted */
            while (low < high) {
                const uint32_t middle = (low + high) / 2;
                if (fn_column_compare(keys, item[middle], keys, base + i, true) < 0) low = middle + 1;
                else high = middle;
            }
            if (low == n || !fn_column_equal_at(keys, item[low], keys, base + i)) {
                memmove(item + low + 1, item + low, (n - low) * sizeof *item);
                memmove(sums + ((size_t)low + 1) * t->width, sums + (size_t)low * t->width, (size_t)(n - low) * t->width);
                item[low] = base + i;
                memset(sums + (size_t)low * t->width, 0, t->width);
                n++;
            }
            add_value(t, sums + (size_t)low * t->width, values->values + (size_t)(base + i) * t->width, subtract && k > 0);
        }
        base += a[k].total;
    }
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        status = fn_builder_copy(ctx, &b->kids[0].kids[0], keys, item[i]);
        if (status == FN_OK) status = fn_builder_fixed(ctx, &b->kids[0].kids[1], sums + (size_t)i * t->width);
        if (status == FN_OK) status = fn_builder_close_tuple(ctx, &b->kids[0]);
    }
    fn_free(item);
    fn_free(sums);
    return status == FN_OK ? fn_builder_close_array(ctx, b) : status;
}

static fn_status eval_add(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->arg_count;
    array_in *a = fn_alloc_zero(ctx, (n + 1) * sizeof *a);
    fn_column **items = fn_alloc_zero(ctx, (n + 1) * sizeof *items), *all = NULL, *same = NULL;
    fn_builder b;
    fn_status status = a && items ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < n && status == FN_OK; k++) {
        status = expr_convert(ctx, args[k], call->type, CONVERT_CAST, &same);
        if (status == FN_OK) status = array_open(ctx, same, &a[k]);
        fn_column_drop(same);
        same = NULL;
        items[k] = a[k].items;
    }
    if (status == FN_OK && !(all = fn_column_concat(ctx, items, n))) status = ctx->error.code;
    if (status == FN_OK) {
        status = fn_builder_init(ctx, &b, call->type);
        for (uint32_t i = 0; i < rows && status == FN_OK; i++) status = add_row(ctx, call, a, all, i, &b);
        if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
        fn_builder_release(&b);
    }
    for (uint32_t k = 0; a && k < n; k++) array_close(&a[k]);
    fn_column_drop(all);
    fn_free(items);
    fn_free(a);
    return status;
}

#define LAMBDA(title, text, ex, res)                                                               \
    {.name = title, .args_min = 2, .args_max = 2, .lambda = higher_lambda_map, .bind = bind_lambda, .eval = eval_lambda, .about = text, .example = ex, .gives = res}
#define ROW(title, lo, hi, more, binder, evaluator, text, ex, res)                                 \
    {.name = title, .args_min = lo, .args_max = hi, .flags = more, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("map", 0, -1, FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, bind_map, eval_map, "A map of keys and values that follow each other.", "map('a', 1)", "{'a':1}"),
    {.name = "mapFromArrays", .aliases = (const char *const[]){"MAP_FROM_ARRAYS", NULL}, .args_min = 2, .args_max = 2, .bind = bind_from_arrays, .eval = eval_from_arrays,
     .about = "A map of an array of keys and an array of values.", .example = "mapFromArrays(['a'], [1])", .gives = "{'a':1}"},
    ROW("mapKeys", 1, 1, 0, bind_side, eval_side, "The keys as an array.", "mapKeys(map('a', 1))", "['a']"),
    ROW("mapValues", 1, 1, 0, bind_side, eval_side, "The values as an array.", "mapValues(map('a', 1))", "[1]"),
    LAMBDA("mapFilter", "The pairs for which the lambda is true.", "mapFilter((k, v) -> v > 1, map('a', 1, 'b', 2))", "{'b':2}"),
    LAMBDA("mapApply", "The pairs that the lambda gives.", "mapApply((k, v) -> (k, v + 1), map('a', 1))", "{'a':2}"),
    LAMBDA("mapExists", "1 if the lambda is true for some pair.", "mapExists((k, v) -> v > 1, map('a', 1))", "0"),
    LAMBDA("mapAll", "1 if the lambda is true for all pairs.", "mapAll((k, v) -> v > 0, map('a', 1))", "1"),
    ROW("mapUpdate", 2, 2, 0, bind_joined, eval_joined, "The pairs of the first map whose keys the second lacks, then those of the second.", "mapUpdate(map('a', 1), map('a', 2))", "{'a':2}"),
    ROW("mapConcat", 1, -1, 0, bind_joined, eval_joined, "The pairs of all maps.", "mapConcat(map('a', 1), map('b', 2))", "{'a':1,'b':2}"),
    ROW("mapAdd", 2, -1, 0, bind_add, eval_add, "Values of equal keys added; keys in ascending order.", "mapAdd(map('a', 1), map('a', 2))", "{'a':3}"),
    ROW("mapSubtract", 2, -1, 0, bind_add, eval_add, "Values of the later maps taken from those of the first; keys in ascending order.", "mapSubtract(map('a', 3), map('a', 1))", "{'a':2}"),
};
const func_family func_family_map = FUNC_FAMILY("maps", rows_);
