/* func_extreme.c - greatest, least and clamp over values of any type with an order, converted to their common type.
 * NULLs are passed over; only NULLs give NULL. SPDX-License-Identifier: Apache-2.0 */
#include "function/choose.h"

static const fn_type *larger_signed(const fn_type *u, const fn_type *s)
{
    if (u->width == 8 && s->width == 8) return s; /* as ClickHouse, though it cannot hold both */
    if (u->width < s->width) return s;
    return u->width > 16 ? NULL : fn_type_simple(u->width == 16 ? FN_T_INT256 : u->width == 8 ? FN_T_INT128 : u->width == 4 ? FN_T_INT64 : u->width == 2 ? FN_T_INT32 : FN_T_INT16);
}

/* Two numbers have ClickHouse's rules of arithmetic, which the least supertype does not know; NULL: no common type. */
static const fn_type *of_two_numbers(const fn_type *a, const fn_type *b)
{
    if (fn_type_is_float(a) && fn_type_is_float(b)) return a->width >= b->width ? a : b;
    if (a->id == FN_T_DECIMAL || b->id == FN_T_DECIMAL) return fn_type_simple(FN_T_FLOAT64);
    if (fn_type_is_float(a) || fn_type_is_float(b)) {
        const unsigned whole = fn_type_is_float(a) ? b->width : a->width;
        return whole > 4 ? NULL : whole > 2 || a->width + b->width > 4 + whole ? fn_type_simple(FN_T_FLOAT64) : fn_type_simple(FN_T_FLOAT32);
    }
    if (fn_type_is_unsigned(a) == fn_type_is_unsigned(b)) return a->width >= b->width ? a : b;
    return fn_type_is_unsigned(a) ? larger_signed(a, b) : larger_signed(b, a);
}

static fn_status common_number(fn_ctx *ctx, func_call *call)
{
    FN_TRY(fn_type_common(ctx, call->arg_types, call->arg_count, &call->type));
    if (call->arg_count > 1 && fn_type_is_number(call->type)) call->type = fn_type_value(call->type);
    if (fn_type_base(call->type)->id == FN_T_BOOL) call->type = fn_type_is_nullable(call->type) ? fn_type_nullable(fn_type_simple(FN_T_UINT8)) : fn_type_simple(FN_T_UINT8);
    return FN_OK;
}

static fn_status bind_extreme(fn_ctx *ctx, func_call *call)
{
    const fn_type *a = fn_type_value(call->arg_types[0]), *b = fn_type_value(call->arg_types[call->arg_count - 1]);
    if (call->arg_count != 2 || a == b || !fn_type_is_number(a) || !fn_type_is_number(b)) return common_number(ctx, call);
    if ((a->id == FN_T_DECIMAL || b->id == FN_T_DECIMAL) && !fn_type_is_float(a) && !fn_type_is_float(b)) return fn_type_common(ctx, call->arg_types, 2, &call->type);
    if (a->id == FN_T_BOOL) a = fn_type_simple(FN_T_UINT8);
    if (b->id == FN_T_BOOL) b = fn_type_simple(FN_T_UINT8);
    call->type = of_two_numbers(a, b);
    return call->type ? FN_OK : fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal types %s and %s of arguments of function %s", a->name, b->name, call->def->name);
}

static fn_status convert_all(fn_ctx *ctx, const func_call *call, fn_column *const *args, fn_column **same)
{
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < call->arg_count && status == FN_OK; k++) status = expr_convert(ctx, args[k], call->type, CONVERT_CAST, &same[k]);
    return status;
}

/* Row i of `c` beats that of `best`. NaN compares false with everything, so the later argument stands, as in ClickHouse. */
static bool wins(const fn_column *c, const fn_column *best, size_t i, int wanted)
{
    if (!fn_type_is_float(fn_type_base(c->type))) return fn_column_compare(c, i, best, i, true) * wanted > 0;
    const double a = fn_column_f64_at(c, i), b = fn_column_f64_at(best, i);
    return wanted > 0 ? !(b > a) : !(b < a);
}

static fn_status eval_extreme(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const int wanted = call->def->name[0] == 'g' ? 1 : -1;
    fn_column *same[255] = {0};
    if (call->arg_count > FN_COUNT(same)) return fn_fail(ctx, FN_TOO_MANY_ARGUMENTS_FOR_FUNCTION, "Function %s takes at most 255 arguments", call->def->name);
    uint8_t *which = fn_alloc_zero(ctx, (size_t)rows + 64);
    fn_status status = which ? convert_all(ctx, call, args, same) : ctx->error.code;
    for (uint32_t k = 1; k < call->arg_count && status == FN_OK; k++)
        for (size_t i = 0; i < rows; i++) {
            const fn_column *best = same[which[i]];
            if (fn_column_is_null(same[k], i)) continue;
            if (fn_column_is_null(best, i) || wins(same[k], best, i, wanted)) which[i] = (uint8_t)k;
        }
    if (status == FN_OK) status = choose_rows(ctx, same, call->arg_count, which, call->type, rows, out);
    for (uint32_t k = 0; k < call->arg_count; k++) fn_column_drop(same[k]);
    fn_free(which);
    return status;
}

static fn_status eval_clamp(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *same[3] = {0};
    uint8_t *which = fn_alloc_zero(ctx, (size_t)rows + 64);
    fn_status status = which ? convert_all(ctx, call, args, same) : ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        if (fn_column_compare(same[1], i, same[2], i, true) > 0) status = fn_fail(ctx, FN_BAD_ARGUMENTS, "The minimum value cannot be greater than the maximum value for function %s", call->def->name);
        which[i] = fn_column_compare(same[0], i, same[1], i, true) < 0 ? 1 : fn_column_compare(same[0], i, same[2], i, true) > 0 ? 2 : 0;
    }
    if (status == FN_OK) status = choose_rows(ctx, same, 3, which, call->type, rows, out);
    for (uint32_t k = 0; k < 3; k++) fn_column_drop(same[k]);
    fn_free(which);
    return status;
}

static const func_def rows_[] = {
    {.name = "greatest", .args_min = 1, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_CASE_INSENSITIVE, .bind = bind_extreme, .eval = eval_extreme,
     .about = "The largest argument that is not NULL.", .example = "greatest(1, 3, 2)", .gives = "3"},
    {.name = "least", .args_min = 1, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_CASE_INSENSITIVE, .bind = bind_extreme, .eval = eval_extreme,
     .about = "The smallest argument that is not NULL.", .example = "least(2, 1, 3)", .gives = "1"},
    {.name = "clamp", .args_min = 3, .args_max = 3, .bind = bind_extreme, .eval = eval_clamp,
     .about = "The value, but not below the second and not above the third argument.", .example = "clamp(5, 1, 3)", .gives = "3"},
};
const func_family func_family_extreme = FUNC_FAMILY("conditional", rows_);
