/* arith_decimal.c - operators over decimals: scales are made equal (+ - compare), added (*) or kept (/); the result has the
 * larger storage. Values up to 128 bits are computed in 128-bit integers, Decimal256 in 256; passing the storage is
 * DECIMAL_OVERFLOW. Integers are decimals of scale 0; with floats the binder converts both to Float64.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_number.h"
#include "kernel/kernel.h"
#include <firn/wide.h>

static unsigned digits_of(unsigned width)
{
    return width <= 4 ? 9 : width <= 8 ? 18 : width <= 16 ? 38 : 76;
}

fn_status arith_decimal_type(fn_ctx *ctx, arith_op op, const fn_type *a, const fn_type *b, const fn_type **out)
{
    unsigned scale = FN_MAX(a->scale, b->scale);
    unsigned precision;
    if (a->id == FN_T_DECIMAL && b->id == FN_T_DECIMAL) precision = digits_of(FN_MAX(a->width, b->width));
    else precision = a->id == FN_T_DECIMAL ? a->precision : b->precision; /* with an integer: the decimal's own */
    if (op == ARITH_MULTIPLY) scale = (unsigned)a->scale + b->scale;
    if (op == ARITH_DIVIDE || op == ARITH_MODULO || op == ARITH_POSITIVE_MODULO || op == ARITH_MODULO_LEGACY) {
        scale = a->id == FN_T_DECIMAL ? a->scale : b->scale;
        if (b->id == FN_T_DECIMAL && scale < b->scale) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Decimal result's scale is less than argument's one");
    }
    if (op == ARITH_INT_DIV) {
        *out = arith_integer(true, FN_MAX(a->id == FN_T_DECIMAL ? a->width : 0u, b->id == FN_T_DECIMAL ? b->width : 0u));
        return FN_OK;
    }
    if (scale > precision) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Scale %u is out of bound of Decimal(%u)", scale, precision);
    *out = fn_type_decimal(precision, scale);
    return FN_OK;
}

static fn_status overflow(fn_ctx *ctx)
{
    return fn_fail(ctx, FN_DECIMAL_OVERFLOW, "Decimal math overflow");
}

static fn_i128 at_128(const fn_type *t, const uint8_t *p)
{
    switch (t->phys) {
    case FN_PHYS_U8: return *p;
    case FN_PHYS_U16: return fn_load_u16(p);
    case FN_PHYS_U32: return fn_load_u32(p);
    case FN_PHYS_U64: return fn_load_u64(p);
    case FN_PHYS_U128:
    case FN_PHYS_I128:
    case FN_PHYS_U256:
    case FN_PHYS_I256: return fn_load_i128(p);
    case FN_PHYS_I8: return (int8_t)*p;
    case FN_PHYS_I16: return fn_load_i16(p);
    case FN_PHYS_I32: return fn_load_i32(p);
    case FN_PHYS_I64: return fn_load_i64(p);
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return 0;
}

/* How the operands are brought together. */
typedef struct decimal_plan {
    arith_op op;
    unsigned up_a, up_b; /* digits to multiply each side by */
    unsigned width;
} decimal_plan;

static decimal_plan plan_of(arith_op op, const fn_type *type, const fn_type *a, const fn_type *b)
{
    decimal_plan p = {.op = op, .width = type->width};
    const unsigned scale = FN_MAX(a->scale, b->scale);
    /* Remainders are those of the stored numbers, whatever their scales: 7 % 3.00 is 0.07 in ClickHouse. */
    if (op == ARITH_MULTIPLY || op == ARITH_MODULO || op == ARITH_POSITIVE_MODULO || op == ARITH_MODULO_LEGACY) return p;
    if (op == ARITH_DIVIDE) { /* a / b at the result's scale */
        p.up_a = (unsigned)type->scale + b->scale - a->scale;
        return p;
    }
    p.up_a = scale - a->scale;
    p.up_b = scale - b->scale;
    return p;
}

static bool fits(fn_i128 v, unsigned width)
{
    return width >= 16 || (width == 8 ? v == (int64_t)v : width == 4 ? v == (int32_t)v : width == 2 ? v == (int16_t)v : v == (int8_t)v);
}

/* 0 done, 1 overflow, 2 division by zero */
static int step_128(const decimal_plan *p, fn_i128 a, fn_i128 b, fn_i128 mul_a, fn_i128 mul_b, fn_i128 *out)
{
    if (p->up_a && __builtin_mul_overflow(a, mul_a, &a)) return 1;
    if (p->up_b && __builtin_mul_overflow(b, mul_b, &b)) return 1;
    bool over = false;
    if (p->op == ARITH_PLUS) over = __builtin_add_overflow(a, b, out);
    else if (p->op == ARITH_MINUS) over = __builtin_sub_overflow(a, b, out);
    else if (p->op == ARITH_MULTIPLY) over = __builtin_mul_overflow(a, b, out);
    else {
        if (b == 0) return 2;
        const fn_i128 q = b == -1 ? -a : a / b, r = b == -1 ? 0 : a % b;
        *out = p->op == ARITH_DIVIDE || p->op == ARITH_INT_DIV ? q : p->op == ARITH_POSITIVE_MODULO && r < 0 ? r + (b < 0 ? -b : b) : r;
    }
    return over || !fits(*out, p->width);
}

static int step_256(const decimal_plan *p, fn_i256 a, fn_i256 b, fn_i256 *out)
{
    if (p->up_a && fn_i256_mul_overflow(a, fn_i256_pow10(p->up_a), &a)) return 1;
    if (p->up_b && fn_i256_mul_overflow(b, fn_i256_pow10(p->up_b), &b)) return 1;
    if (p->op == ARITH_MULTIPLY) return fn_i256_mul_overflow(a, b, out);
    if (p->op == ARITH_PLUS || p->op == ARITH_MINUS) {
        *out = p->op == ARITH_PLUS ? fn_i256_add(a, b) : fn_i256_sub(a, b);
        const bool na = fn_i256_is_negative(a), nb = fn_i256_is_negative(b) != (p->op == ARITH_MINUS);
        return na == nb && fn_i256_is_negative(*out) != na;
    }
    if (!(b.w[0] | b.w[1] | b.w[2] | b.w[3])) return 2;
    fn_i256 r;
    const fn_i256 q = fn_i256_div(a, b, true, &r);
    *out = p->op == ARITH_DIVIDE || p->op == ARITH_INT_DIV ? q : r;
    return 0;
}

/* ---- 64 bits: prices and quantities ---- */

/* An operand brought to the common scale, with its range. */
typedef struct side_64 {
    const int64_t *values; /* NULL: `min` stands for all rows */
    int64_t min, max;
} side_64;

/* False: it may not fit 64 bits. Columns made on the way lie in ctx->arena. */
static bool side_64_of(fn_ctx *ctx, const fn_column *c, unsigned up, uint32_t rows, side_64 *out)
{
    const int type = kern_type(c->type->phys);
    const size_t n = func_step(c) ? rows : 1;
    int64_t factor = 1;
    if (type < 0 || type == KERN_U64 || type == KERN_F32 || type == KERN_F64 || up > 18) return false;
    for (unsigned i = 0; i < up; i++) factor *= 10;
    const int64_t *values = (const int64_t *)(const void *)c->values;
    int64_t *made = type != KERN_I64 || up ? fn_arena_alloc(ctx, ctx->arena, n * sizeof *made + FN_BUFFER_PAD) : NULL;
    if (!made && (type != KERN_I64 || up)) {
        fn_error_clear(ctx);
        return false;
    }
    if (type != KERN_I64) {
        kern.convert[type][KERN_I64](c->values, made, n);
        values = made;
    }
    kern.min_max[KERN_I64](values, n, &out->min, &out->max);
    if (__builtin_mul_overflow(out->min, factor, &out->min) || __builtin_mul_overflow(out->max, factor, &out->max)) return false;
    if (up && n > 1) kern.arith[KERN_MUL][KERN_I64][KERN_VC](values, &factor, made, n);
    out->values = n == 1 ? NULL : up ? made : values;
    return true;
}

static bool range_fits(arith_op op, const side_64 *a, const side_64 *b)
{
    fn_i128 low, high;
    if (op == ARITH_PLUS) {
        low = (fn_i128)a->min + b->min;
        high = (fn_i128)a->max + b->max;
    } else if (op == ARITH_MINUS) {
        low = (fn_i128)a->min - b->max;
        high = (fn_i128)a->max - b->min;
    } else {
        const fn_i128 ends[4] = {(fn_i128)a->min * b->min, (fn_i128)a->min * b->max, (fn_i128)a->max * b->min, (fn_i128)a->max * b->max};
        low = high = ends[0];
        for (unsigned i = 1; i < 4; i++) {
            low = FN_MIN(low, ends[i]);
            high = FN_MAX(high, ends[i]);
        }
    }
    return low >= INT64_MIN && high <= INT64_MAX;
}

/* Where the operands' ranges prove that no result passes 64 bits: loops without a check per row. */
static bool proven_64(fn_ctx *ctx, const decimal_plan *p, const fn_column *a, const fn_column *b, uint32_t rows, uint8_t *values)
{
    side_64 x, y;
    if (!rows || !side_64_of(ctx, a, p->up_a, rows, &x) || !side_64_of(ctx, b, p->up_b, rows, &y) || !range_fits(p->op, &x, &y)) return false;
    const unsigned op = p->op == ARITH_PLUS ? KERN_ADD : p->op == ARITH_MINUS ? KERN_SUB : KERN_MUL;
    if (x.values && y.values) kern.arith[op][KERN_I64][KERN_VV](x.values, y.values, values, rows);
    else if (x.values) kern.arith[op][KERN_I64][KERN_VC](x.values, &y.min, values, rows);
    else if (!y.values) return false;
    else if (op == KERN_SUB) kern.sub_cv[KERN_I64](y.values, &x.min, values, rows);
    else kern.arith[op][KERN_I64][KERN_VC](y.values, &x.min, values, rows);
    return true;
}

/* The same with a check per row. */
static bool fast_64(const decimal_plan *p, const fn_column *a, const fn_column *b, uint32_t rows, uint8_t *values)
{
    const int64_t *x = (const int64_t *)(const void *)a->values, *y = (const int64_t *)(const void *)b->values;
    int64_t *to = (int64_t *)(void *)values;
    const size_t sa = func_step(a), sb = func_step(b);
    int64_t up_a = 1, up_b = 1;
    bool bad = false;
    if (p->up_a > 18 || p->up_b > 18) return false;
    for (unsigned i = 0; i < p->up_a; i++) up_a *= 10;
    for (unsigned i = 0; i < p->up_b; i++) up_b *= 10;
    for (size_t i = 0; i < rows; i++) {
        int64_t u = x[i * sa], v = y[i * sb];
        bad |= __builtin_mul_overflow(u, up_a, &u);
        bad |= __builtin_mul_overflow(v, up_b, &v);
        if (p->op == ARITH_PLUS) bad |= __builtin_add_overflow(u, v, &to[i]);
        else if (p->op == ARITH_MINUS) bad |= __builtin_sub_overflow(u, v, &to[i]);
        else bad |= __builtin_mul_overflow(u, v, &to[i]);
    }
    return !bad;
}

fn_status arith_decimal_run(fn_ctx *ctx, arith_op op, arith_zero zero, const fn_type *type, const fn_column *a, const fn_column *b, uint32_t rows,
                            fn_column **out)
{
    const fn_type *base = fn_type_strip_nullable(type);
    const decimal_plan plan = plan_of(op, base, a->type, b->type);
    uint8_t *values, *nulls = NULL;
    fn_column *c = fn_type_is_nullable(type) ? func_new_nullable(ctx, type, rows, &values, &nulls) : func_new_fixed(ctx, type, rows, &values);
    FN_TRY_PTR(ctx, c);
    *out = c;
    if (op <= ARITH_MULTIPLY && base->phys == FN_PHYS_I64 && proven_64(ctx, &plan, a, b, rows, values)) return FN_OK;
    if (op <= ARITH_MULTIPLY && base->phys == FN_PHYS_I64 && a->type->phys == FN_PHYS_I64 && b->type->phys == FN_PHYS_I64 && fast_64(&plan, a, b, rows, values))
        return FN_OK;
    const bool wide = base->width > 16 || a->type->width > 16 || b->type->width > 16 || plan.up_a > 38 || plan.up_b > 38;
    const fn_i128 up_a = wide ? 1 : fn_i128_pow10(plan.up_a), up_b = wide ? 1 : fn_i128_pow10(plan.up_b);
    const size_t sa = func_step(a) * a->type->width, sb = func_step(b) * b->type->width;
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *p = a->values + i * sa, *q = b->values + i * sb;
        fn_i256 result = {0};
        int bad;
        if (wide) {
            bad = step_256(&plan, arith_wide_at(a->type, p), arith_wide_at(b->type, q), &result);
        } else {
            fn_i128 v = 0;
            bad = step_128(&plan, at_128(a->type, p), at_128(b->type, q), up_a, up_b, &v);
            memcpy(&result, &v, sizeof v);
        }
        if (bad == 2 && nulls) nulls[i] = 1;
        else if (bad && !(bad == 2 && zero == ARITH_ZERO_GIVES_ZERO)) {
            fn_column_drop(c);
            *out = NULL;
            return bad == 2 ? fn_fail(ctx, FN_ILLEGAL_DIVISION, "Division by zero") : overflow(ctx);
        }
        arith_wide_put(result, base->width, values + i * base->width);
    }
    return FN_OK;
}
