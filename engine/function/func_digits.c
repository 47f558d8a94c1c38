/* func_digits.c - digits and bits of single numbers: bitTestAll, bitTestAny, countDigits, isDecimalOverflow, isPrime.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_number.h"
#include <firn/wide.h>

/* ---- bitTestAll(x, places...), bitTestAny ---- */

static fn_status bind_test_many(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (!fn_type_is_integer(call->arg_types[i])) return func_illegal(ctx, call);
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (call->arg_types[i]->width > 8) return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Illegal column %s of argument of function %s", call->arg_types[i]->name, call->def->name);
    return func_bind_u8(ctx, call);
}

static fn_status eval_test_many(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool all = strcmp(call->def->name, "bitTestAll") == 0;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const uint64_t x = fn_column_u64_at(args[0], i);
        uint64_t mask = 0;
        for (uint32_t k = 1; k < call->arg_count; k++) {
            const uint64_t place = fn_column_u64_at(args[k], i);
            if (place < 64) mask |= (uint64_t)1 << place;
        }
        values[i] = all ? (x & mask) == mask : (x & mask) != 0;
    }
    return FN_OK;
}

/* ---- digits ---- */

static unsigned digits_of(const fn_type *t, const uint8_t *p)
{
    char text[FN_WIDE_TEXT_MAX];
    const bool is_signed = !fn_type_is_unsigned(t);
    fn_i256 v = arith_wide_at(t, p);
    if (is_signed && fn_i256_is_negative(v)) v = fn_i256_neg(v);
    return (unsigned)fn_i256_text(v, false, text);
}

static fn_status bind_digits(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const bool overflow = strcmp(call->def->name, "isDecimalOverflow") == 0;
    if (t->id != FN_T_DECIMAL && (overflow || !fn_type_is_integer(t))) return func_illegal(ctx, call);
    unsigned *limit = FN_NEW(ctx, unsigned);
    FN_TRY_PTR(ctx, limit);
    *limit = t->precision;
    if (overflow && call->arg_count > 1) {
        fn_column *c;
        FN_TRY(func_need_const(ctx, call, 1, &c));
        *limit = fn_type_is_integer(c->type) ? (unsigned)fn_column_u64_at(c, 0) & 255 : t->precision;
    }
    call->data = limit;
    return func_bind_u8(ctx, call);
}

static fn_status eval_digits(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const unsigned limit = *(const unsigned *)call->data;
    const bool overflow = strcmp(call->def->name, "isDecimalOverflow") == 0;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const unsigned n = digits_of(args[0]->type, args[0]->values + i * func_step(args[0]) * args[0]->type->width);
        values[i] = (uint8_t)(overflow ? n > limit : n);
    }
    return FN_OK;
}

/* ---- isPrime: Miller-Rabin with bases that decide every 64-bit number ---- */

static uint64_t power_mod(uint64_t base, uint64_t exponent, uint64_t n)
{
    fn_u128 r = 1, b = base % n;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) r = r * b % n;
        b = b * b % n;
    }
    return (uint64_t)r;
}

static bool is_prime(uint64_t n)
{
    static const uint8_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2) return false;
    for (size_t i = 0; i < FN_COUNT(bases); i++)
        if (n % bases[i] == 0) return n == bases[i];
    uint64_t odd = n - 1;
    unsigned twos = 0;
    for (; !(odd & 1); odd >>= 1) twos++;
    for (size_t i = 0; i < FN_COUNT(bases); i++) {
        uint64_t x = power_mod(bases[i], odd, n);
        bool witness = x != 1 && x != n - 1;
        for (unsigned k = 1; k < twos && witness; k++) {
            x = (uint64_t)((fn_u128)x * x % n);
            witness = x != n - 1;
        }
        if (witness) return false;
    }
    return true;
}

static fn_status bind_prime(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_integer(call->arg_types[0]) || !fn_type_is_unsigned(call->arg_types[0]) || call->arg_types[0]->width > 8) return func_illegal(ctx, call);
    return func_bind_u8(ctx, call);
}

static fn_status eval_prime(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) values[i] = is_prime(fn_column_u64_at(args[0], i));
    return FN_OK;
}

#define ROW(title, lo, hi, binder, evaluator, text, ex, res)                                       \
    {.name = title, .args_min = lo, .args_max = hi, .flags = FUNC_PER_ENTRY, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("bitTestAll", 2, -1, bind_test_many, eval_test_many, "1 if all bits at the places are set.", "bitTestAll(5, 0, 2)", "1"),
    ROW("bitTestAny", 2, -1, bind_test_many, eval_test_many, "1 if some bit at the places is set.", "bitTestAny(5, 1, 2)", "1"),
    ROW("countDigits", 1, 1, bind_digits, eval_digits, "How many decimal digits the number needs; decimals without their point.", "countDigits(12345)", "5"),
    ROW("isDecimalOverflow", 1, 2, bind_digits, eval_digits, "1 if the decimal has more digits than the precision.", "isDecimalOverflow(toDecimal32(123456, 2), 5)", "1"),
    ROW("isPrime", 1, 1, bind_prime, eval_prime, "1 for prime numbers.", "isPrime(7)", "1"),
};
const func_family func_family_digits = FUNC_FAMILY("math", rows_);
