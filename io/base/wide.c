/* wide.c - 256-bit integers in four 64-bit words, little end first; two's complement, wrapping.
 * Division is bit-normalised schoolbook division on 64-bit digits (Knuth's algorithm D) with 128-bit steps.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/wide.h>
#include <math.h>

fn_i256 fn_i256_from_i64(int64_t v)
{
    const uint64_t sign = v < 0 ? UINT64_MAX : 0;
    return (fn_i256){{(uint64_t)v, sign, sign, sign}};
}

fn_i256 fn_i256_from_u64(uint64_t v)
{
    return (fn_i256){{v, 0, 0, 0}};
}

fn_i256 fn_i256_from_i128(fn_i128 v)
{
    const uint64_t sign = v < 0 ? UINT64_MAX : 0;
    return (fn_i256){{(uint64_t)v, (uint64_t)((fn_u128)v >> 64), sign, sign}};
}

fn_i256 fn_i256_from_u128(fn_u128 v)
{
    return (fn_i256){{(uint64_t)v, (uint64_t)(v >> 64), 0, 0}};
}

fn_i256 fn_i256_from_f64(double v, bool is_signed)
{
    if (!(fabs(v) >= 1.0)) return fn_i256_from_i64(0); /* NaN too */
    const bool minus = v < 0;
    double rest = minus ? -v : v;
    if (rest >= (is_signed ? 0x1p255 : 0x1p256)) { /* out of range: the nearest end */
        fn_i256 max = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, is_signed ? UINT64_MAX >> 1 : UINT64_MAX}};
        if (!minus) return max;
        return is_signed ? (fn_i256){{0, 0, 0, (uint64_t)1 << 63}} : fn_i256_from_i64(0);
    }
    fn_i256 out;
    for (int i = 3; i >= 0; i--) {
        const double unit = ldexp(1.0, 64 * i);
        out.w[i] = (uint64_t)(rest / unit);
        rest -= (double)out.w[i] * unit;
    }
    return minus ? fn_i256_neg(out) : out;
}

double fn_i256_to_f64(fn_i256 v, bool is_signed)
{
    const bool minus = is_signed && fn_i256_is_negative(v);
    if (minus) v = fn_i256_neg(v);
    int top = 3;
    while (top > 0 && v.w[top] == 0) top--;
    double out;
    if (top == 0) {
        out = (double)v.w[0];
    } else { /* 128 significant bits with what is lost folded into the last one: rounds once */
        fn_u128 head = (fn_u128)v.w[top] << 64 | v.w[top - 1];
        for (int i = 0; i < top - 1; i++) head |= v.w[i] != 0;
        out = ldexp((double)head, 64 * (top - 1));
    }
    return minus ? -out : out;
}

fn_i256 fn_i256_add(fn_i256 a, fn_i256 b)
{
    fn_i256 out;
    fn_u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (fn_u128)a.w[i] + b.w[i];
        out.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return out;
}

fn_i256 fn_i256_neg(fn_i256 a)
{
    for (int i = 0; i < 4; i++) a.w[i] = ~a.w[i];
    return fn_i256_add(a, fn_i256_from_u64(1));
}

fn_i256 fn_i256_sub(fn_i256 a, fn_i256 b)
{
    return fn_i256_add(a, fn_i256_neg(b));
}

fn_i256 fn_i256_mul(fn_i256 a, fn_i256 b)
{
    fn_i256 out = {{0, 0, 0, 0}};
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; i + j < 4; j++) {
            const fn_u128 t = (fn_u128)a.w[i] * b.w[j] + out.w[i + j] + carry;
            out.w[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
    }
    return out;
}

bool fn_i256_mul_overflow(fn_i256 a, fn_i256 b, fn_i256 *out)
{
    const bool minus = fn_i256_is_negative(a) != fn_i256_is_negative(b);
    if (fn_i256_is_negative(a)) a = fn_i256_neg(a);
    if (fn_i256_is_negative(b)) b = fn_i256_neg(b);
    uint64_t wide[8] = {0};
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            const fn_u128 t = (fn_u128)a.w[i] * b.w[j] + wide[i + j] + carry;
            wide[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        wide[i + 4] = carry;
    }
    const fn_i256 low = {{wide[0], wide[1], wide[2], wide[3]}};
    const bool high = wide[4] || wide[5] || wide[6] || wide[7];
    *out = minus ? fn_i256_neg(low) : low;
    if (high) return true;
    const bool smallest = low.w[3] == (uint64_t)1 << 63 && !low.w[2] && !low.w[1] && !low.w[0];
    return fn_i256_is_negative(low) && !(minus && smallest);
}

fn_i256 fn_i256_shl(fn_i256 a, unsigned bits)
{
    fn_i256 out = {{0, 0, 0, 0}};
    if (bits >= 256) return out;
    const unsigned words = bits / 64, rest = bits % 64;
    for (unsigned i = words; i < 4; i++) {
        out.w[i] = a.w[i - words] << rest;
        if (rest && i > words) out.w[i] |= a.w[i - words - 1] >> (64 - rest);
    }
    return out;
}

fn_i256 fn_i256_shr(fn_i256 a, unsigned bits, bool is_signed)
{
    const uint64_t fill = is_signed && fn_i256_is_negative(a) ? UINT64_MAX : 0;
    fn_i256 out = {{fill, fill, fill, fill}};
    if (bits >= 256) return out;
    const unsigned words = bits / 64, rest = bits % 64;
    for (unsigned i = 0; i + words < 4; i++) {
        const uint64_t above = i + words + 1 < 4 ? a.w[i + words + 1] : fill;
        out.w[i] = rest ? a.w[i + words] >> rest | above << (64 - rest) : a.w[i + words];
    }
    return out;
}

bool fn_i256_is_negative(fn_i256 a)
{
    return a.w[3] >> 63 != 0;
}

int fn_i256_compare(fn_i256 a, fn_i256 b, bool is_signed)
{
    if (is_signed && fn_i256_is_negative(a) != fn_i256_is_negative(b)) return fn_i256_is_negative(a) ? -1 : 1;
    for (int i = 3; i >= 0; i--)
        if (a.w[i] != b.w[i]) return a.w[i] < b.w[i] ? -1 : 1;
    return 0;
}

static int word_count(const fn_i256 *v)
{
    int n = 4;
    while (n > 0 && v->w[n - 1] == 0) n--;
    return n;
}

/* One digit of the quotient: estimates u[j+n..j] / v, subtracts, corrects. */
static uint64_t divide_step(uint64_t *u, const uint64_t *v, int n)
{
    const fn_u128 head = (fn_u128)u[n] << 64 | u[n - 1];
    fn_u128 q = u[n] >= v[n - 1] ? UINT64_MAX : head / v[n - 1];
    fn_u128 r = head - q * v[n - 1];
    while (r >> 64 == 0 && q * v[n - 2] > (r << 64 | u[n - 2])) {
        q--;
        r += v[n - 1];
    }
    uint64_t borrow = 0, carry = 0;
    for (int i = 0; i < n; i++) {
        const fn_u128 p = q * v[i] + carry;
        carry = (uint64_t)(p >> 64);
        const fn_u128 d = (fn_u128)u[i] - (uint64_t)p - borrow;
        u[i] = (uint64_t)d;
        borrow = d >> 64 != 0;
    }
    const fn_u128 d = (fn_u128)u[n] - carry - borrow;
    u[n] = (uint64_t)d;
    if (d >> 64 == 0) return (uint64_t)q;
    fn_u128 back = 0; /* the estimate was one too large */
    for (int i = 0; i < n; i++) {
        back += (fn_u128)u[i] + v[i];
        u[i] = (uint64_t)back;
        back >>= 64;
    }
    u[n] += (uint64_t)back;
    return (uint64_t)q - 1;
}

static fn_i256 divide_unsigned(fn_i256 a, fn_i256 b, fn_i256 *remainder)
{
    const int n = word_count(&b), m = word_count(&a);
    fn_i256 q = {{0, 0, 0, 0}}, rest = {{0, 0, 0, 0}};
    if (n == 1) {
        fn_u128 r = 0;
        for (int i = m - 1; i >= 0; i--) {
            const fn_u128 t = r << 64 | a.w[i];
            q.w[i] = (uint64_t)(t / b.w[0]);
            r = t % b.w[0];
        }
        rest.w[0] = (uint64_t)r;
    } else if (m < n) {
        rest = a;
    } else {
        const unsigned shift = (unsigned)__builtin_clzll(b.w[n - 1]);
        const fn_i256 v = fn_i256_shl(b, shift), low = fn_i256_shl(a, shift);
        uint64_t u[5] = {low.w[0], low.w[1], low.w[2], low.w[3], shift ? a.w[3] >> (64 - shift) : 0};
        for (int j = 4 - n; j >= 0; j--) q.w[j] = divide_step(u + j, v.w, n);
        for (int i = 0; i < n; i++) rest.w[i] = u[i];
        rest = fn_i256_shr(rest, shift, false);
    }
    if (remainder) *remainder = rest;
    return q;
}

fn_i256 fn_i256_div(fn_i256 a, fn_i256 b, bool is_signed, fn_i256 *remainder)
{
    FN_ASSERT(word_count(&b) > 0);
    if (!is_signed) return divide_unsigned(a, b, remainder);
    const bool minus_a = fn_i256_is_negative(a), minus_b = fn_i256_is_negative(b);
    const fn_i256 q = divide_unsigned(minus_a ? fn_i256_neg(a) : a, minus_b ? fn_i256_neg(b) : b, remainder);
    if (remainder && minus_a) *remainder = fn_i256_neg(*remainder);
    return minus_a != minus_b ? fn_i256_neg(q) : q;
}

fn_i256 fn_i256_pow10(unsigned exponent)
{
    FN_ASSERT(exponent <= 76);
    const unsigned high = exponent > 38 ? exponent - 38 : 0;
    const fn_i256 low = fn_i256_from_i128(fn_i128_pow10(exponent - high));
    return high ? fn_i256_mul(low, fn_i256_from_i128(fn_i128_pow10(high))) : low;
}

fn_i128 fn_i128_pow10(unsigned exponent)
{
    FN_ASSERT(exponent <= 38);
    fn_i128 out = 1, base = 10;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) out *= base;
        if (exponent > 1) base *= base;
    }
    return out;
}
