/* arith_unary.c - negate, abs, sign, bitNot, bitCount, byteSwap: bind and eval; the rows stand in func_arithmetic.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_unary.h"
#include "function/arith_number.h"
#include "kernel/kernel.h"
#include <firn/wide.h>
#include <math.h>

static bool is_signed(const fn_type *t)
{
    return fn_type_is_integer(t) && !fn_type_is_unsigned(t);
}

/* -(a, b): one call per field, in call->data. */
static fn_status bind_fields(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const func_call **kids = FN_NEW_ARRAY(ctx, const func_call *, t->arg_count + 1u);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, t->arg_count + 1u);
    if (!kids || !types) return ctx->error.code;
    for (uint32_t i = 0; i < t->arg_count; i++) FN_TRY(func_over_elements(ctx, call, &t->args[i], 1, &kids[i], &types[i]));
    call->data = kids;
    call->type = fn_type_tuple(types, NULL, t->arg_count);
    return FN_OK;
}

static fn_status eval_fields(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const func_call *const *kids = call->data;
    const uint32_t n = call->type->arg_count;
    fn_column *flat = fn_column_flatten(ctx, args[0]), **fields = fn_alloc_zero(ctx, (n + 1u) * sizeof *fields);
    fn_status status = flat && fields ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        fn_column *one[2] = {flat->kids[i], NULL}, *field = NULL;
        status = func_run_elements(ctx, kids[i], call->type->args[i], one, rows, &field);
        if (status == FN_OK && !(fields[i] = fn_column_flatten(ctx, field))) status = ctx->error.code;
        fn_column_drop(field);
    }
    if (status == FN_OK && !(*out = fn_column_tuple(ctx, call->type, rows, fields))) status = ctx->error.code;
    for (uint32_t i = 0; fields && i < n; i++) fn_column_drop(fields[i]);
    fn_free(fields);
    fn_column_drop(flat);
    return status;
}

fn_status unary_bind(fn_ctx *ctx, func_call *call, unary_op op)
{
    const fn_type *t = call->arg_types[0];
    if (t->id == FN_T_TUPLE && op == UNARY_NEGATE) return bind_fields(ctx, call);
    if (t->id == FN_T_BOOL) t = fn_type_simple(FN_T_UINT8);
    const bool integer = fn_type_is_integer(t), floating = fn_type_is_float(t), decimal = t->id == FN_T_DECIMAL;
    if (t->id == FN_T_INTERVAL && op == UNARY_NEGATE) {
        call->type = t;
        return FN_OK;
    }
    if (!integer && !((floating || decimal) && op <= UNARY_SIGN) && !(op == UNARY_BIT_COUNT && floating)) return func_illegal(ctx, call);
    switch (op) {
    case UNARY_NEGATE: call->type = integer ? arith_integer(true, is_signed(t) ? t->width : t->width < 8 ? t->width * 2 : t->width) : t; break;
    case UNARY_ABS: call->type = integer ? arith_integer(false, t->width) : t; break;
    case UNARY_SIGN: call->type = fn_type_simple(FN_T_INT8); break;
    case UNARY_BIT_NOT:
    case UNARY_BYTE_SWAP: call->type = t; break;
    case UNARY_BIT_COUNT: call->type = t->width > 16 ? fn_type_simple(FN_T_UINT16) : fn_type_simple(FN_T_UINT8); break;
    }
    return FN_OK;
}

static uint64_t one_64(unary_op op, uint64_t v, bool negative, unsigned bits)
{
    switch (op) {
    case UNARY_NEGATE: return 0 - v;
    case UNARY_ABS: return negative ? 0 - v : v;
    case UNARY_SIGN: return negative ? (uint64_t)-1 : v != 0;
    case UNARY_BIT_NOT: return ~v;
    case UNARY_BIT_COUNT: return (uint64_t)__builtin_popcountll(bits == 64 ? v : v & (((uint64_t)1 << bits) - 1));
    case UNARY_BYTE_SWAP: return __builtin_bswap64(v) >> (64 - bits);
    }
    return v;
}

static fn_i256 one_wide(unary_op op, fn_i256 v, bool sign, unsigned width)
{
    const bool negative = sign && fn_i256_is_negative(v);
    unsigned ones = 0;
    fn_i256 r = v;
    switch (op) {
    case UNARY_NEGATE: return fn_i256_neg(v);
    case UNARY_ABS: return negative ? fn_i256_neg(v) : v;
    case UNARY_SIGN: return fn_i256_from_i64(negative ? -1 : (v.w[0] | v.w[1] | v.w[2] | v.w[3]) != 0);
    case UNARY_BIT_NOT:
        for (int i = 0; i < 4; i++) r.w[i] = ~v.w[i];
        return r;
    case UNARY_BIT_COUNT:
        for (unsigned i = 0; i < width / 8; i++) ones += (unsigned)__builtin_popcountll(v.w[i]);
        return fn_i256_from_u64(ones);
    case UNARY_BYTE_SWAP:
        for (unsigned i = 0; i < width; i++) ((uint8_t *)&r)[i] = ((const uint8_t *)&v)[width - 1 - i];
        return r;
    }
    return v;
}

static double one_f64(unary_op op, double v)
{
    return op == UNARY_NEGATE ? -v : op == UNARY_ABS ? fabs(v) : v > 0 ? 1 : v < 0 ? -1 : 0;
}

fn_status unary_eval(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, unary_op op, fn_column **out)
{
    const fn_column *a = args[0];
    const fn_type *t = a->type, *to = call->type;
    uint8_t *values;
    if (to->id == FN_T_TUPLE) return eval_fields(ctx, call, args, rows, out);
    *out = func_new_fixed(ctx, to, rows, &values);
    FN_TRY_PTR(ctx, *out);
    const size_t step = func_step(a) * t->width;
    const bool floating = fn_type_is_float(t) && op != UNARY_BIT_COUNT, sign = is_signed(t) || t->id == FN_T_DECIMAL;
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *p = a->values + i * step;
        uint8_t *q = values + i * to->width;
        if (floating) {
            const double v = one_f64(op, t->width == 4 ? (double)fn_load_f32(p) : fn_load_f64(p));
            if (op == UNARY_SIGN) *q = (uint8_t)(int8_t)v;
            else if (to->width == 4) fn_store_f32(q, (float)v);
            else fn_store_f64(q, v);
        } else if (t->width > 8) {
            arith_wide_put(one_wide(op, arith_wide_at(t, p), sign, t->width), to->width, q);
        } else {
            uint64_t raw = 0;
            memcpy(&raw, p, t->width);
            if (sign && t->width < 8 && (raw >> (8 * t->width - 1)) & 1) raw |= ~(uint64_t)0 << (8 * t->width);
            const uint64_t v = one_64(op, raw, sign && (int64_t)raw < 0, 8 * t->width);
            memcpy(q, &v, to->width);
        }
    }
    return FN_OK;
}
