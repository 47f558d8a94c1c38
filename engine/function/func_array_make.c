/* func_array_make.c - arrays from values: array, range, arrayWithConstant, emptyArray*, emptyArrayToSingle. SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

/* ---- array(a, b, ...) ---- */

/* Texts among other constants: what is written as one literal is never a Variant. */
static bool is_mixed_literal(const func_call *call)
{
    uint32_t texts = 0;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (!call->consts[i]) return false;
        texts += fn_type_is_string(call->arg_types[i]);
    }
    return texts && texts < call->arg_count;
}

static fn_status bind_array(fn_ctx *ctx, func_call *call)
{
    const fn_type *element = fn_type_simple(FN_T_NOTHING);
    if (is_mixed_literal(call)) FN_TRY(fn_type_common(ctx, call->arg_types, call->arg_count, &element));
    else if (call->arg_count) FN_TRY(fn_type_common_or_variant(ctx, call->arg_types, call->arg_count, &element));
    call->type = fn_type_array(element);
    return FN_OK;
}

/* Rows i of all parts one behind the other: item i * count + k is part k's row i. */
static fn_status interleave(fn_ctx *ctx, fn_column *const *parts, uint32_t count, uint32_t rows, fn_column **out)
{
    fn_column *all = fn_column_concat(ctx, parts, count);
    uint32_t *index = all ? fn_alloc(ctx, ((size_t)rows * count + 16) * sizeof *index) : NULL;
    if (index) {
        size_t at = 0;
        for (uint32_t i = 0; i < rows; i++)
            for (uint32_t k = 0; k < count; k++) index[at++] = k * rows + i;
        *out = fn_column_take(ctx, all, index, (uint32_t)at);
    }
    fn_column_drop(all);
    fn_free(index);
    return index && *out ? FN_OK : ctx->error.code;
}

static fn_status even_bounds(fn_ctx *ctx, uint32_t rows, uint32_t each, fn_buffer **out)
{
    if ((uint64_t)rows * each > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Arrays of a block would hold more than 4294967295 items");
    *out = fn_buffer_new(ctx, ((size_t)rows + 1) * 4);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i <= rows; i++) fn_store_u32((*out)->data + (size_t)i * 4, i * each);
    return FN_OK;
}

static fn_status eval_array(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_type *element = call->type->args[0];
    const uint32_t n = call->arg_count;
    if (!n) {
        *out = fn_column_default(ctx, call->type, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    fn_column **parts = fn_alloc_zero(ctx, (n + 1) * sizeof *parts), *items = NULL;
    fn_buffer *bounds = NULL;
    fn_status status = parts ? even_bounds(ctx, rows, n, &bounds) : ctx->error.code;
    for (uint32_t k = 0; k < n && status == FN_OK; k++) {
        fn_column *same = NULL;
        status = expr_convert(ctx, args[k], element, CONVERT_CAST, &same);
        if (status == FN_OK) parts[k] = fn_column_flatten(ctx, same);
        if (status == FN_OK && !parts[k]) status = ctx->error.code;
        fn_column_drop(same);
    }
    if (status == FN_OK) status = interleave(ctx, parts, n, rows, &items);
    const array_in shape = {.bounds = bounds, .rows = rows};
    if (status == FN_OK) status = array_with_items(ctx, call->type, &shape, items, out);
    for (uint32_t k = 0; parts && k < n; k++) fn_column_drop(parts[k]);
    fn_free(parts);
    fn_buffer_drop(bounds);
    return status;
}

/* ---- emptyArray<Type>() ---- */

static fn_status bind_empty(fn_ctx *ctx, func_call *call)
{
    const fn_type *element;
    FN_TRY(fn_type_parse(ctx, fn_cstr(call->def->name + strlen("emptyArray")), &element));
    call->type = fn_type_array(element);
    return FN_OK;
}

static fn_status eval_empty_array(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    *out = fn_column_default(ctx, call->type, rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status bind_to_single(fn_ctx *ctx, func_call *call)
{
    FN_TRY(array_need(ctx, call, 0));
    call->type = call->arg_types[0];
    return FN_OK;
}

static fn_status eval_to_single(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a;
    array_pick p = {0};
    fn_column *all = NULL;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_column *one = fn_column_default(ctx, a.items->type, 1), *parts[2] = {a.items, one};
    if (one) all = fn_column_concat(ctx, parts, 2);
    fn_status status = all ? array_pick_open(ctx, &p, rows, (size_t)a.total + rows) : ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t k = a.offsets[i]; k < a.offsets[i + 1]; k++) array_pick_put(&p, k);
        if (a.offsets[i] == a.offsets[i + 1]) array_pick_put(&p, a.total);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, all, out);
    fn_column_drop(one);
    fn_column_drop(all);
    array_close(&a);
    return status;
}

/* ---- arrayWithConstant(n, x) ---- */

static fn_status bind_with_constant(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_integer(call->arg_types[0])) return func_illegal(ctx, call);
    call->type = fn_type_array(call->arg_types[1]);
    return FN_OK;
}

static fn_status eval_with_constant(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    enum { LARGEST = 1 << 30 };
    array_pick p;
    fn_column *flat = fn_column_flatten(ctx, args[1]);
    FN_TRY_PTR(ctx, flat);
    fn_status status = array_pick_open(ctx, &p, rows, rows);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const int64_t n = fn_column_i64_at(args[0], i);
        if (n < 0 || n > LARGEST) status = fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Array size %lld must be non-negative and at most %d", (long long)n, LARGEST);
        if (status == FN_OK) status = array_pick_reserve(ctx, &p, (size_t)n);
        for (int64_t k = 0; k < n && status == FN_OK; k++) array_pick_put(&p, i);
        if (status == FN_OK) array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, flat, out);
    else array_pick_release(&p);
    fn_column_drop(flat);
    return status;
}

/* ---- range([start,] end [, step]) ---- */

static fn_status bind_range(fn_ctx *ctx, func_call *call)
{
    const fn_type *types[3];
    for (uint32_t i = 0; i < call->arg_count; i++) {
        types[i] = fn_type_strip_nullable(call->arg_types[i]);
        if (!fn_type_is_integer(types[i])) return func_illegal(ctx, call);
    }
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (types[i]->width > 8) return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Illegal columns of arguments of function %s, the function only implemented for unsigned/signed integers up to 64 bit", call->def->name);
    const fn_type *element;
    FN_TRY(fn_type_common(ctx, types, call->arg_count, &element));
    call->type = fn_type_array(element);
    return FN_OK;
}

typedef struct range_row {
    fn_i128 start, step;
    uint64_t count;
} range_row;

static fn_i128 whole_at(const fn_column *c, size_t row)
{
    return fn_type_is_unsigned(fn_type_base(c->type)) ? (fn_i128)fn_column_u64_at(c, row) : (fn_i128)fn_column_i64_at(c, row);
}

static fn_status range_of(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t i, range_row *out)
{
    const bool end_only = call->arg_count == 1;
    const fn_i128 end = whole_at(args[end_only ? 0 : 1], i);
    *out = (range_row){.start = end_only ? 0 : whole_at(args[0], i), .step = call->arg_count > 2 ? whole_at(args[2], i) : 1};
    if (end_only && end < 0) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "A call to function range overflows, only support positive values when only end is provided");
    if (out->step == 0) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "A call to function range underflows, the 3rd argument step can't be less or equal to zero");
    if (out->step > 0) out->count = end > out->start ? (uint64_t)((end - out->start - 1) / out->step + 1) : 0;
    else out->count = out->start > end ? (uint64_t)((out->start - end - 1) / -out->step + 1) : 0;
    return FN_OK;
}

static fn_status eval_range(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint64_t most = settings_of(ctx)->function_range_max_elements_in_block;
    const fn_type *element = call->type->args[0];
    fn_buffer *bounds = fn_buffer_new(ctx, ((size_t)rows + 1) * 4), *values = NULL;
    range_row r;
    uint64_t total = 0;
    FN_TRY_PTR(ctx, bounds);
    fn_store_u32(bounds->data, 0);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        status = range_of(ctx, call, args, i, &r);
        total += status == FN_OK ? r.count : 0;
        if (status == FN_OK && (total > most || total > UINT32_MAX))
            status = fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "A call to function range would produce %llu array elements, which is greater than the allowed maximum of %llu",
                             (unsigned long long)total, (unsigned long long)most);
        if (status == FN_OK) fn_store_u32(bounds->data + ((size_t)i + 1) * 4, (uint32_t)total);
    }
    if (status == FN_OK && !(values = fn_buffer_new(ctx, (size_t)total * element->width))) status = ctx->error.code;
    for (size_t i = 0, at = 0; i < rows && status == FN_OK; i++) {
        status = range_of(ctx, call, args, i, &r);
        uint64_t v = (uint64_t)r.start;
        for (uint64_t k = 0; k < r.count; k++, at++, v += (uint64_t)r.step) memcpy(values->data + at * element->width, &v, element->width);
    }
    const array_in shape = {.bounds = bounds, .rows = rows};
    if (status == FN_OK) status = array_with_items(ctx, call->type, &shape, fn_column_fixed(ctx, element, (uint32_t)total, values, NULL), out);
    else fn_buffer_drop(values);
    fn_buffer_drop(bounds);
    return status;
}

#define EMPTY(element)                                                                             \
    {.name = "emptyArray" #element, .args_min = 0, .args_max = 0, .bind = bind_empty, .eval = eval_empty_array, .about = "An empty Array(" #element ").", .example = "emptyArray" #element "()", .gives = "[]"}

static const func_def rows_[] = {
    {.name = "array", .args_min = 0, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_NO_LOW_CARDINALITY, .bind = bind_array, .eval = eval_array,
     .about = "An array of the arguments, converted to their common type.", .example = "array(1, 2)", .gives = "[1,2]"},
    {.name = "range", .args_min = 1, .args_max = 3, .bind = bind_range, .eval = eval_range,
     .about = "The integers from start (0) up to but without end, by step (1).", .example = "range(2, 5)", .gives = "[2,3,4]"},
    {.name = "arrayWithConstant", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS, .bind = bind_with_constant, .eval = eval_with_constant,
     .about = "An array of n times the same value.", .example = "arrayWithConstant(2, 'a')", .gives = "['a','a']"},
    {.name = "emptyArrayToSingle", .args_min = 1, .args_max = 1, .bind = bind_to_single, .eval = eval_to_single,
     .about = "The array, or one of a single default value if it is empty.", .example = "emptyArrayToSingle(emptyArrayUInt8())", .gives = "[0]"},
    EMPTY(UInt8), EMPTY(UInt16), EMPTY(UInt32), EMPTY(UInt64), EMPTY(Int8), EMPTY(Int16), EMPTY(Int32), EMPTY(Int64),
    EMPTY(Float32), EMPTY(Float64), EMPTY(Date), EMPTY(DateTime), EMPTY(String),
};
const func_family func_family_array_make = FUNC_FAMILY("arrays", rows_);
