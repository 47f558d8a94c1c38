/* arith_number.c - binary operators over integers and floats: ClickHouse's result types, and the loops.
 *
 * Three ways: SIMD kernels at the result's type (+ - * and bit operators; inputs of another type are widened block by
 * block in the L1 cache), loops over 64-bit operands (division and the like), 256-bit values row by row (wide integers).
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_number.h"
#include "kernel/kernel.h"
#include <firn/wide.h>
#include <math.h>

enum { ARITH_BLOCK = 1024 };

/* ---- result types ---- */

const fn_type *arith_integer(bool is_signed, unsigned width)
{
    static const fn_type_id u[] = {FN_T_UINT8, FN_T_UINT16, FN_T_UINT32, FN_T_UINT64, FN_T_UINT128, FN_T_UINT256};
    static const fn_type_id s[] = {FN_T_INT8, FN_T_INT16, FN_T_INT32, FN_T_INT64, FN_T_INT128, FN_T_INT256};
    unsigned i = 0;
    while (i < 5 && (1u << i) < width) i++;
    return fn_type_simple(is_signed ? s[i] : u[i]);
}

static bool is_signed(const fn_type *t)
{
    return fn_type_is_integer(t) && !fn_type_is_unsigned(t);
}

static unsigned next_width(unsigned width)
{
    return width < 8 ? width * 2 : width;
}

static bool is_bit_op(arith_op op)
{
    return op >= ARITH_BIT_AND;
}

const fn_type *arith_number_type(arith_op op, const fn_type *a, const fn_type *b)
{
    const bool floating = fn_type_is_float(a) || fn_type_is_float(b), any_signed = is_signed(a) || is_signed(b);
    const unsigned widest = FN_MAX(a->width, b->width);
    const bool wide = a->width > 8 || b->width > 8;
    switch (op) {
    case ARITH_PLUS:
    case ARITH_MULTIPLY:
    case ARITH_MINUS:
        if (floating) return wide ? NULL : fn_type_simple(FN_T_FLOAT64);
        return arith_integer(any_signed || op == ARITH_MINUS, next_width(widest));
    case ARITH_DIVIDE: return fn_type_simple(FN_T_FLOAT64);
    case ARITH_INT_DIV: return arith_integer(any_signed || floating, a->width);
    case ARITH_MODULO:
    case ARITH_MODULO_LEGACY:
        if (floating) return fn_type_simple(FN_T_FLOAT64);
        return is_signed(a) && op == ARITH_MODULO ? arith_integer(true, next_width(b->width)) : arith_integer(is_signed(a), b->width);
    case ARITH_POSITIVE_MODULO: return floating ? fn_type_simple(FN_T_FLOAT64) : arith_integer(false, b->width);
    case ARITH_GCD:
    case ARITH_LCM: return floating ? NULL : arith_integer(any_signed, next_width(widest));
    case ARITH_SHIFT_LEFT:
    case ARITH_SHIFT_RIGHT:
    case ARITH_ROTATE_LEFT:
    case ARITH_ROTATE_RIGHT:
        if (b->width > 8) return NULL;
        return floating ? NULL : arith_integer(any_signed, widest);
    case ARITH_BIT_AND:
    case ARITH_BIT_OR:
    case ARITH_BIT_XOR: return floating ? NULL : arith_integer(any_signed, widest);
    case ARITH_BIT_TEST:
    case ARITH_HAMMING: return floating ? NULL : fn_type_simple(FN_T_UINT8);
    }
    return NULL;
}

/* ---- operands, block by block ---- */

typedef struct operand {
    const fn_column *column;
    int from, to; /* kernel types */
    bool constant;
    uint64_t block[ARITH_BLOCK]; /* converted values; a constant is converted once */
} operand;

static void operand_init(operand *o, const fn_column *c, int to)
{
    o->column = c;
    o->from = kern_type(c->type->phys);
    o->to = to;
    o->constant = c->shape == FN_CONST;
    if (o->constant) kern.convert[o->from][to](c->values, o->block, 1);
}

static const unsigned kern_width[KERN_TYPES] = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8};

/* Values [at, at+n) as o->to: the column's own memory, or converted. A constant is one value. */
static const void *operand_at(operand *o, size_t at, size_t n)
{
    if (o->constant) return o->block;
    const uint8_t *values = o->column->values + at * kern_width[o->from];
    if (o->from == o->to) return values;
    kern.convert[o->from][o->to](values, o->block, n);
    return o->block;
}

static fn_status run_kernel(fn_ctx *ctx, arith_op op, const fn_type *type, const fn_column *a, const fn_column *b, uint32_t rows, fn_column **out)
{
    static const int slots[] = {[ARITH_PLUS] = KERN_ADD, [ARITH_MINUS] = KERN_SUB, [ARITH_MULTIPLY] = KERN_MUL, [ARITH_BIT_AND] = KERN_AND,
                                [ARITH_BIT_OR] = KERN_OR, [ARITH_BIT_XOR] = KERN_XOR};
    const int k = kern_type(type->phys), slot = slots[op];
    uint8_t *to;
    operand x, y;
    *out = func_new_fixed(ctx, type, rows, &to);
    FN_TRY_PTR(ctx, *out);
    operand_init(&x, a, k);
    operand_init(&y, b, k);
    const bool whole = !x.constant && x.from == k && (y.constant || y.from == k); /* nothing to convert: one call */
    const size_t step = whole ? FN_MAX(rows, 1u) : ARITH_BLOCK;
    for (size_t at = 0; at < rows; at += step) {
        const size_t n = FN_MIN(step, rows - at);
        const void *p = operand_at(&x, at, n), *q = operand_at(&y, at, n);
        uint8_t *o = to + at * type->width;
        if (y.constant && !x.constant) kern.arith[slot][k][KERN_VC](p, q, o, n);
        else if (x.constant && slot == KERN_SUB) kern.sub_cv[k](q, p, o, n);
        else if (x.constant) kern.arith[slot][k][KERN_VC](q, p, o, n);
        else kern.arith[slot][k][KERN_VV](p, q, o, n);
    }
    return FN_OK;
}

/* ---- 64-bit classes ---- */
#define T int64_t
#define N i64
#define SIGNED 1
#include "function/arith_class.inc"
#define T uint64_t
#define N u64
#define SIGNED 0
#include "function/arith_class.inc"

/* Remainders where one side is UInt64 and the other signed: neither class holds both. Of the magnitudes, with the sign of the dividend. */
static bool modulo_mixed(arith_op op, const int64_t *a, bool a_signed, const int64_t *b, int64_t *out, uint8_t *zero, size_t n)
{
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        const bool a_below = a_signed && a[i] < 0, b_below = !a_signed && b[i] < 0;
        const uint64_t x = a_below ? 0 - (uint64_t)a[i] : (uint64_t)a[i], y = b_below ? 0 - (uint64_t)b[i] : (uint64_t)b[i];
        zero[i] = y == 0;
        bad |= zero[i];
        const uint64_t r = x % (y ? y : 1);
        out[i] = (int64_t)(!a_below || !r ? r : op == ARITH_POSITIVE_MODULO ? y - r : 0 - r);
    }
    return bad;
}

static bool class_f64(arith_op op, const double *a, const double *b, double *out, uint8_t *zero, size_t n)
{
    bool bad = false;
    for (size_t i = 0; op == ARITH_INT_DIV && i < n; i++) {
        zero[i] = b[i] == 0;
        bad |= zero[i];
        out[i] = zero[i] ? 0 : trunc(a[i] / b[i]);
    }
    if (op == ARITH_INT_DIV) return bad;
    if (op == ARITH_DIVIDE)
        for (size_t i = 0; i < n; i++) out[i] = a[i] / b[i];
    else
        for (size_t i = 0; i < n; i++) {
            out[i] = fmod(a[i], b[i]);
            if (op == ARITH_POSITIVE_MODULO && out[i] < 0) out[i] += fabs(b[i]);
        }
    return false;
}

static fn_status zero_divisor(fn_ctx *ctx)
{
    return fn_fail(ctx, FN_ILLEGAL_DIVISION, "Division by zero");
}

static void spread(operand *o, size_t n)
{
    for (size_t i = 1; o->constant && i < n; i++) o->block[i] = o->block[0];
}

static fn_status run_class(fn_ctx *ctx, arith_op op, arith_zero zero, const fn_type *type, const fn_column *a, const fn_column *b, uint32_t rows,
                           fn_column **out)
{
    const fn_type *base = fn_type_strip_nullable(type);
    const bool floating = fn_type_is_float(base), any_signed = is_signed(a->type) || is_signed(b->type) || fn_type_is_float(a->type) || fn_type_is_float(b->type);
    const bool real_quotient = op == ARITH_INT_DIV && (fn_type_is_float(a->type) || fn_type_is_float(b->type));
    const int k = floating || real_quotient ? KERN_F64 : any_signed ? KERN_I64 : KERN_U64, to = kern_type(base->phys);
    const bool mixed = k == KERN_I64 && (a->type->phys == FN_PHYS_U64 || b->type->phys == FN_PHYS_U64) &&
                       (op == ARITH_MODULO || op == ARITH_MODULO_LEGACY || op == ARITH_POSITIVE_MODULO);
    const unsigned bits = 8 * (op == ARITH_BIT_TEST ? a->type->width : op == ARITH_HAMMING ? 8u : is_bit_op(op) || op == ARITH_INT_DIV ? base->width : 8u);
    uint64_t result[ARITH_BLOCK];
    uint8_t zeros[ARITH_BLOCK], *values, *nulls = NULL;
    operand x, y;
    *out = zero == ARITH_ZERO_GIVES_NULL ? func_new_nullable(ctx, type, rows, &values, &nulls) : func_new_fixed(ctx, type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    operand_init(&x, a, k);
    operand_init(&y, b, k);
    spread(&x, FN_MIN(rows, (uint32_t)ARITH_BLOCK));
    spread(&y, FN_MIN(rows, (uint32_t)ARITH_BLOCK));
    for (size_t at = 0; at < rows; at += ARITH_BLOCK) {
        const size_t n = FN_MIN((size_t)ARITH_BLOCK, rows - at);
        const void *p = operand_at(&x, at, n), *q = operand_at(&y, at, n);
        bool bad = false;
        if (k == KERN_F64) bad = class_f64(op, p, q, (double *)(void *)result, zeros, n);
        else if (mixed) bad = modulo_mixed(op, p, is_signed(a->type), q, (int64_t *)(void *)result, zeros, n);
        else if (k == KERN_I64) bad = class_i64(op, p, q, (int64_t *)(void *)result, zeros, bits, n);
        else bad = class_u64(op, p, q, result, zeros, bits, n);
        if (k == KERN_F64 && nulls)
            for (size_t i = 0; i < n; i++) nulls[at + i] = ((const double *)q)[i] == 0;
        if (bad && zero == ARITH_ZERO_FAILS) {
            fn_column_drop(*out);
            *out = NULL;
            if (op == ARITH_BIT_TEST) return fn_fail(ctx, FN_PARAMETER_OUT_OF_BOUND, "The bit position argument needs to a positive value and less or equal to %u", bits - 1);
            return zero_divisor(ctx);
        }
        for (size_t i = 0; bad && i < n; i++) {
            if (zeros[i]) result[i] = 0;
            if (nulls) nulls[at + i] = zeros[i];
        }
        kern.convert[k][to](result, values + at * base->width, n);
    }
    return FN_OK;
}

/* ---- wide integers ---- */

fn_i256 arith_wide_at(const fn_type *t, const uint8_t *p)
{
    switch (t->phys) {
    case FN_PHYS_U8: return fn_i256_from_u64(*p);
    case FN_PHYS_U16: return fn_i256_from_u64(fn_load_u16(p));
    case FN_PHYS_U32: return fn_i256_from_u64(fn_load_u32(p));
    case FN_PHYS_U64: return fn_i256_from_u64(fn_load_u64(p));
    case FN_PHYS_U128: return fn_i256_from_u128(fn_load_u128(p));
    case FN_PHYS_I8: return fn_i256_from_i64((int8_t)*p);
    case FN_PHYS_I16: return fn_i256_from_i64(fn_load_i16(p));
    case FN_PHYS_I32: return fn_i256_from_i64(fn_load_i32(p));
    case FN_PHYS_I64: return fn_i256_from_i64(fn_load_i64(p));
    case FN_PHYS_I128: return fn_i256_from_i128(fn_load_i128(p));
    case FN_PHYS_U256:
    case FN_PHYS_I256: return fn_load_i256(p);
    case FN_PHYS_F32: return fn_i256_from_f64((double)fn_load_f32(p), true);
    case FN_PHYS_F64: return fn_i256_from_f64(fn_load_f64(p), true);
    case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return fn_i256_from_u64(0);
}

void arith_wide_put(fn_i256 v, unsigned width, uint8_t *p)
{
    memcpy(p, &v, width);
}

static double wide_f64(const fn_type *t, const uint8_t *p)
{
    if (t->phys == FN_PHYS_F32) return (double)fn_load_f32(p);
    if (t->phys == FN_PHYS_F64) return fn_load_f64(p);
    return fn_i256_to_f64(arith_wide_at(t, p), t->phys != FN_PHYS_U256);
}

static bool wide_is_zero(fn_i256 v)
{
    return !(v.w[0] | v.w[1] | v.w[2] | v.w[3]);
}

static fn_i256 wide_abs(fn_i256 v, bool sign)
{
    return sign && fn_i256_is_negative(v) ? fn_i256_neg(v) : v;
}

static fn_i256 wide_gcd(fn_i256 a, fn_i256 b, bool sign)
{
    a = wide_abs(a, sign);
    b = wide_abs(b, sign);
    while (!wide_is_zero(b)) {
        fn_i256 r;
        (void)fn_i256_div(a, b, false, &r);
        a = b;
        b = r;
    }
    return a;
}

/* One value; *bad for a zero divisor. bits: width of the result for shifts. */
static fn_i256 wide_op(arith_op op, fn_i256 a, fn_i256 b, bool sign, unsigned bits, bool *bad)
{
    fn_i256 r = a;
    switch (op) {
    case ARITH_PLUS: return fn_i256_add(a, b);
    case ARITH_MINUS: return fn_i256_sub(a, b);
    case ARITH_MULTIPLY: return fn_i256_mul(a, b);
    case ARITH_INT_DIV:
    case ARITH_MODULO:
    case ARITH_MODULO_LEGACY:
    case ARITH_POSITIVE_MODULO:
        if (wide_is_zero(b)) {
            *bad = true;
            return b;
        }
        a = fn_i256_div(a, b, sign, &r);
        if (op == ARITH_INT_DIV) return a;
        return op == ARITH_POSITIVE_MODULO && sign && fn_i256_is_negative(r) ? fn_i256_add(r, wide_abs(b, sign)) : r;
    case ARITH_GCD: return wide_gcd(a, b, sign);
    case ARITH_LCM: {
        const fn_i256 g = wide_gcd(a, b, sign);
        if (wide_is_zero(g)) return g;
        return fn_i256_mul(fn_i256_div(wide_abs(a, sign), g, false, NULL), wide_abs(b, sign));
    }
    case ARITH_BIT_AND:
    case ARITH_BIT_OR:
    case ARITH_BIT_XOR:
        for (int i = 0; i < 4; i++) r.w[i] = op == ARITH_BIT_AND ? a.w[i] & b.w[i] : op == ARITH_BIT_OR ? a.w[i] | b.w[i] : a.w[i] ^ b.w[i];
        return r;
    case ARITH_SHIFT_LEFT: return b.w[0] >= bits ? fn_i256_from_u64(0) : fn_i256_shl(a, (unsigned)b.w[0]);
    case ARITH_SHIFT_RIGHT: return b.w[0] >= bits ? fn_i256_from_u64(0) : fn_i256_shr(a, (unsigned)b.w[0], sign);
    case ARITH_ROTATE_LEFT:
    case ARITH_ROTATE_RIGHT: {
        const unsigned by = (unsigned)b.w[0] % bits, left = op == ARITH_ROTATE_LEFT ? by : (bits - by) % bits;
        if (bits < 256) a = fn_i256_shr(fn_i256_shl(a, 256 - bits), 256 - bits, false);
        const fn_i256 high = fn_i256_shl(a, left), low = left ? fn_i256_shr(a, bits - left, false) : fn_i256_from_u64(0);
        for (int i = 0; i < 4; i++) r.w[i] = high.w[i] | low.w[i];
        return r;
    }
    case ARITH_BIT_TEST: return fn_i256_from_u64(fn_i256_shr(a, (unsigned)b.w[0] & 255, false).w[0] & 1);
    case ARITH_HAMMING: {
        unsigned ones = 0;
        for (unsigned i = 0; i < bits / 64; i++) ones += (unsigned)__builtin_popcountll(a.w[i] ^ b.w[i]);
        return fn_i256_from_u64(ones);
    }
    case ARITH_DIVIDE: break;
    }
    return a;
}

static fn_status run_wide(fn_ctx *ctx, arith_op op, arith_zero zero, const fn_type *type, const fn_column *a, const fn_column *b, uint32_t rows,
                          fn_column **out)
{
    const fn_type *base = fn_type_strip_nullable(type);
    uint8_t *values, *nulls = NULL;
    *out = zero == ARITH_ZERO_GIVES_NULL ? func_new_nullable(ctx, type, rows, &values, &nulls) : func_new_fixed(ctx, type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    const bool sign = is_signed(a->type) || is_signed(b->type) || fn_type_is_float(a->type) || fn_type_is_float(b->type);
    const unsigned bits = 8 * (op == ARITH_BIT_TEST || op == ARITH_HAMMING ? FN_MAX(a->type->width, b->type->width) : base->width);
    const size_t sa = func_step(a) * a->type->width, sb = func_step(b) * b->type->width;
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *p = a->values + i * sa, *q = b->values + i * sb;
        bool bad = false;
        if (fn_type_is_float(base)) {
            double x = wide_f64(a->type, p), y = wide_f64(b->type, q);
            x = op == ARITH_DIVIDE ? x / y : fmod(x, y);
            if (op == ARITH_POSITIVE_MODULO && x < 0) x += fabs(y);
            fn_store_f64(values + i * 8, x);
            bad = y == 0 && nulls;
        } else {
            arith_wide_put(wide_op(op, arith_wide_at(a->type, p), arith_wide_at(b->type, q), sign, bits, &bad), base->width, values + i * base->width);
        }
        if (bad && zero == ARITH_ZERO_FAILS) {
            fn_column_drop(*out);
            *out = NULL;
            return zero_divisor(ctx);
        }
        if (nulls) nulls[i] = bad;
    }
    return FN_OK;
}

fn_status arith_number_run(fn_ctx *ctx, arith_op op, arith_zero zero, const fn_type *type, const fn_column *a, const fn_column *b, uint32_t rows,
                           fn_column **out)
{
    const bool wide = a->type->width > 8 || b->type->width > 8 || fn_type_base(type)->width > 8;
    if (wide) return run_wide(ctx, op, zero, type, a, b, rows, out);
    if ((op <= ARITH_MULTIPLY || (op >= ARITH_BIT_AND && op <= ARITH_BIT_XOR)) && !fn_type_is_nullable(type)) return run_kernel(ctx, op, type, a, b, rows, out);
    return run_class(ctx, op, zero, type, a, b, rows, out);
}
