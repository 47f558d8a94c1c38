/* func_rounding.c - round, roundBankers, floor, ceil, trunc to decimal digits; roundToExp2, roundAge, roundDuration, roundDown.
 * Floats round half to even at the last place, integers and decimals half away from zero (roundBankers: half to even), as
 * ClickHouse does. Integers wrap where the rounded value does not fit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_number.h"
#include "function/array.h"
#include <firn/wide.h>
#include <math.h>

typedef enum round_kind { ROUND_HALF, ROUND_BANKERS, ROUND_FLOOR, ROUND_CEIL, ROUND_TRUNC } round_kind;

static round_kind kind_of(const func_call *call)
{
    const char *name = call->def->name;
    if (strcmp(name, "roundBankers") == 0) return ROUND_BANKERS;
    return name[0] == 'f' ? ROUND_FLOOR : name[0] == 'c' ? ROUND_CEIL : name[0] == 't' ? ROUND_TRUNC : ROUND_HALF;
}

static fn_status bind_round(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!fn_type_is_number(t))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as 1st argument 'x' to function '%s'. Expected: A number to round, got: %s", call->def->name, t->name);
    if (call->arg_count > 1 && !fn_type_is_integer(call->arg_types[1]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as 2nd argument 'N' to function '%s'. Expected: The number of decimal places to round to, got: %s", call->def->name, call->arg_types[1]->name);
    call->type = t->id == FN_T_BOOL ? fn_type_simple(FN_T_UINT8) : t;
    return FN_OK;
}

static double whole(round_kind kind, double x)
{
    switch (kind) {
    case ROUND_HALF:
    case ROUND_BANKERS: return rint(x);
    case ROUND_FLOOR: return floor(x);
    case ROUND_CEIL: return ceil(x);
    case ROUND_TRUNC: return trunc(x);
    }
    return x;
}

static double round_f64(round_kind kind, double x, int64_t digits)
{
    if (digits == 0 || !isfinite(x)) return isfinite(x) ? whole(kind, x) : x;
    const double power = pow(10, (double)(digits < 0 ? -digits : digits));
    if (!isfinite(power)) return digits > 0 ? x : 0;
    if (digits < 0) return whole(kind, x / power) * power; /* -0 stays -0 */
    const double up = x * power;
    return isfinite(up) ? whole(kind, up) / power : x;
}

static float round_f32(round_kind kind, float x, int64_t digits)
{
    if (digits == 0 || !isfinite(x)) return isfinite(x) ? (float)whole(kind, (double)x) : x;
    const float power = powf(10, (float)(digits < 0 ? -digits : digits));
    if (!isfinite(power)) return digits > 0 ? x : 0;
    if (digits < 0) return (float)whole(kind, (double)(x / power)) * power;
    const float up = x * power;
    return isfinite(up) ? (float)whole(kind, (double)up) / power : x;
}

/* To a multiple of step (> 0). */
static fn_i128 round_step(round_kind kind, fn_i128 x, fn_i128 step)
{
    const fn_i128 q = x / step, rest = x - q * step, half = rest < 0 ? -rest * 2 : rest * 2, away = x < 0 ? -1 : 1;
    switch (kind) {
    case ROUND_HALF: return (half >= step ? q + away : q) * step;
    case ROUND_BANKERS: return (half > step || (half == step && q % 2) ? q + away : q) * step;
    case ROUND_FLOOR:
    case ROUND_CEIL:
    case ROUND_TRUNC: return q * step;
    }
    return x;
}

/* As ClickHouse: floor and ceil move the value within its own type first, which may wrap. */
static fn_i128 round_narrow(round_kind kind, fn_i128 x, fn_i128 step, const fn_type *t)
{
    const unsigned unused = 128 - 8 * t->width;
    if (kind == ROUND_FLOOR && x < 0) x -= step - 1;
    else if (kind == ROUND_CEIL && x > 0) x += step - 1;
    else return kind == ROUND_FLOOR || kind == ROUND_CEIL ? x / step * step : round_step(kind, x, step);
    const fn_u128 high = (fn_u128)x << unused;
    x = fn_type_is_unsigned(t) ? (fn_i128)(high >> unused) : (fn_i128)high >> unused;
    return x / step * step;
}

static fn_i256 round_wide(round_kind kind, fn_i256 x, fn_i256 step, bool is_signed)
{
    fn_i256 rest, q = fn_i256_div(x, step, is_signed, &rest);
    const bool negative = is_signed && fn_i256_is_negative(x);
    const fn_i256 size = negative ? fn_i256_neg(rest) : rest, zero = {0}, one = fn_i256_from_i64(negative ? -1 : 1);
    const int half = fn_i256_compare(fn_i256_add(size, size), step, false), any = fn_i256_compare(size, zero, false);
    const bool up = kind == ROUND_HALF ? half >= 0 : kind == ROUND_BANKERS ? half > 0 || (half == 0 && (q.w[0] & 1)) : kind == ROUND_FLOOR ? any && negative : kind == ROUND_CEIL && any && !negative;
    if (up) q = fn_i256_add(q, one);
    return fn_i256_mul(q, step);
}

/* Digits of the step: 0 leaves the value alone. */
static int64_t step_digits(const fn_type *t, int64_t digits)
{
    const int64_t scale = t->id == FN_T_DECIMAL ? t->scale : 0;
    return digits >= scale ? 0 : scale - digits;
}

static void round_whole_numbers(round_kind kind, const fn_column *c, const fn_column *digits, uint32_t rows, uint8_t *values)
{
    const fn_type *t = c->type;
    const size_t width = t->width;
    const bool is_signed = !fn_type_is_unsigned(t);
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *p = c->values + i * func_step(c) * width;
        const int64_t n = step_digits(t, digits ? fn_column_i64_at(digits, i) : 0);
        if (n == 0) {
            memcpy(values + i * width, p, width);
        } else if (width > 8) {
            const fn_i256 zero = {0};
            arith_wide_put(n > 76 ? zero : round_wide(kind, arith_wide_at(t, p), fn_i256_pow10((unsigned)n), is_signed), (unsigned)width, values + i * width);
        } else {
            const fn_i256 wide = arith_wide_at(t, p);
            fn_i128 x, step = n > 37 ? 0 : fn_i128_pow10((unsigned)n);
            memcpy(&x, &wide, sizeof x);
            x = step && step <= (fn_i128)1 << (8 * width - is_signed) ? round_narrow(kind, x, step, t) : 0;
            memcpy(values + i * width, &x, width);
        }
    }
}

static fn_status eval_round(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_column *c = args[0], *digits = call->arg_count > 1 ? args[1] : NULL;
    const round_kind kind = kind_of(call);
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    const size_t step = func_step(c);
    if (c->type->phys == FN_PHYS_F64) {
        const double *x = (const double *)(const void *)c->values;
        double *to = (double *)(void *)values;
        for (size_t i = 0; i < rows; i++) to[i] = round_f64(kind, x[i * step], digits ? fn_column_i64_at(digits, i) : 0);
    } else if (c->type->phys == FN_PHYS_F32) {
        const float *x = (const float *)(const void *)c->values;
        float *to = (float *)(void *)values;
        for (size_t i = 0; i < rows; i++) to[i] = round_f32(kind, x[i * step], digits ? fn_column_i64_at(digits, i) : 0);
    } else {
        round_whole_numbers(kind, c, digits, rows, values);
    }
    return FN_OK;
}

/* ---- down to fixed steps ---- */

static fn_status bind_steps(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!fn_type_is_number(t) || t->width > 8) return func_illegal(ctx, call);
    call->type = strcmp(call->def->name, "roundAge") == 0 ? fn_type_simple(FN_T_UINT8) : fn_type_simple(FN_T_UINT16);
    return FN_OK;
}

static fn_status eval_steps(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    static const uint16_t durations[] = {36000, 18000, 7200, 3600, 1800, 1200, 600, 300, 240, 180, 120, 60, 30, 10, 1}, ages[] = {55, 45, 35, 25, 18};
    const bool age = call->type->width == 1;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const double x = args[0]->type->id == FN_T_DECIMAL ? (double)fn_column_i64_at(args[0], i) / pow(10, args[0]->type->scale) : fn_column_f64_at(args[0], i);
        uint16_t v = age && x >= 1 ? 17 : 0;
        const uint16_t *steps = age ? ages : durations;
        const size_t n = age ? FN_COUNT(ages) : FN_COUNT(durations);
        for (size_t k = 0; k < n; k++)
            if (x >= steps[k]) {
                v = steps[k];
                break;
            }
        if (age) values[i] = (uint8_t)v;
        else fn_store_u16(values + i * 2, v);
    }
    return FN_OK;
}

static fn_status bind_exp2(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!fn_type_is_integer(t) && !fn_type_is_float(t)) return func_illegal(ctx, call);
    if (t->width > 8) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "roundToExp2() for big integers is not implemented");
    call->type = t;
    return FN_OK;
}

static fn_status eval_exp2(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_type *t = args[0]->type;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        if (fn_type_is_float(t)) {
            int exponent;
            const double x = fn_column_f64_at(args[0], i), part = frexp(x, &exponent), v = x == 0 || !isfinite(x) ? x : ldexp(part < 0 ? -0.5 : 0.5, exponent);
            if (t->width == 4) fn_store_f32(values + i * 4, (float)v);
            else fn_store_f64(values + i * 8, v);
        } else {
            const uint64_t x = fn_column_u64_at(args[0], i);
            const bool positive = fn_type_is_unsigned(t) ? x != 0 : (int64_t)x > 0;
            const uint64_t v = positive ? (uint64_t)1 << (63 - __builtin_clzll(x)) : 0;
            memcpy(values + i * t->width, &v, t->width);
        }
    }
    return FN_OK;
}

/* roundDown(x, [steps]): the largest step not above x; the smallest if there is none. */
static fn_status bind_down(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[1], *sides[2] = {call->arg_types[0], t->id == FN_T_ARRAY ? t->args[0] : NULL};
    fn_column *c;
    if (t->id != FN_T_ARRAY || (!fn_type_is_number(sides[0]) && !fn_type_is_date_or_time(sides[0]))) return func_illegal(ctx, call);
    FN_TRY(func_need_const(ctx, call, 1, &c));
    if (c->offsets[1] == c->offsets[0]) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Empty array is illegal for boundaries in %s function", call->def->name);
    return fn_type_common(ctx, sides, 2, &call->type);
}

static fn_status eval_down(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in steps;
    fn_column *one = fn_column_slice(ctx, args[1], 0, FN_MIN(rows, 1u)), *x = NULL;
    uint32_t *index = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *index);
    fn_status status = one && index ? array_open(ctx, one, &steps) : ctx->error.code;
    if (status == FN_OK) {
        status = array_convert_items(ctx, &steps, call->type);
        if (status == FN_OK) status = expr_convert(ctx, args[0], call->type, CONVERT_CAST, &x);
        for (uint32_t i = 0; status == FN_OK && i < rows; i++) {
            uint32_t best = UINT32_MAX, least = 0;
            for (uint32_t k = 0; k < steps.total; k++) {
                if (fn_column_compare(steps.items, k, steps.items, least, true) < 0) least = k;
                if (fn_column_compare(steps.items, k, x, i, true) <= 0 && (best == UINT32_MAX || fn_column_compare(steps.items, k, steps.items, best, true) > 0)) best = k;
            }
            index[i] = best == UINT32_MAX ? least : best;
        }
        if (status == FN_OK && !(*out = fn_column_take(ctx, steps.items, index, rows))) status = ctx->error.code;
        array_close(&steps);
    }
    fn_column_drop(one);
    fn_column_drop(x);
    fn_free(index);
    return status;
}

#define ROUND(title, alias, text, ex, res)                                                         \
    {.name = title, .aliases = (const char *const[]){alias, NULL}, .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, \
     .bind = bind_round, .eval = eval_round, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROUND("round", NULL, "Rounded to so many digits behind the point (0); floats half to even, others half away from zero.", "round(3.14159, 2)", "3.14"),
    ROUND("roundBankers", NULL, "Rounded to so many digits, halves to the even neighbour.", "roundBankers(2.5)", "2"),
    ROUND("floor", NULL, "The largest number with so many digits that is not above.", "floor(-1.5)", "-2"),
    ROUND("ceil", "ceiling", "The smallest number with so many digits that is not below.", "ceil(1.2)", "2"),
    ROUND("trunc", "truncate", "Digits behind the place cut off.", "trunc(-1.5)", "-1"),
    {.name = "roundToExp2", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_exp2, .eval = eval_exp2,
     .about = "Down to a power of two.", .example = "roundToExp2(100)", .gives = "64"},
    {.name = "roundDuration", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_steps, .eval = eval_steps,
     .about = "Seconds down to a customary duration.", .example = "roundDuration(100)", .gives = "60"},
    {.name = "roundAge", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_steps, .eval = eval_steps,
     .about = "Years down to a customary age group.", .example = "roundAge(20)", .gives = "18"},
    {.name = "roundDown", .args_min = 2, .args_max = 2, .bind = bind_down, .eval = eval_down,
     .about = "Down to one of the given steps.", .example = "roundDown(5, [1, 3, 6])", .gives = "3"},
};
const func_family func_family_rounding = FUNC_FAMILY("rounding", rows_);
