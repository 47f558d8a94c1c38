/* wide_text.c - decimal text of 128- and 256-bit integers and of scaled decimals.
 * Digits are taken in chunks of 19 (the most a 64-bit word holds).
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/wide.h>

enum { CHUNK_DIGITS = 19 };
static const uint64_t chunk = 10000000000000000000u; /* 10^19 */

/* Digits of v, at least `width` of them. */
static size_t u64_digits(uint64_t v, unsigned width, char *out)
{
    char digits[20];
    unsigned n = 0;
    do digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n < width) digits[n++] = '0';
    for (unsigned i = 0; i < n; i++) out[i] = digits[n - 1 - i];
    return n;
}

size_t fn_u128_text(fn_u128 v, char *out)
{
    if (v >> 64 == 0) return u64_digits((uint64_t)v, 1, out);
    const size_t head = fn_u128_text(v / chunk, out);
    return head + u64_digits((uint64_t)(v % chunk), CHUNK_DIGITS, out + head);
}

size_t fn_i128_text(fn_i128 v, char *out)
{
    if (v >= 0) return fn_u128_text((fn_u128)v, out);
    *out = '-';
    return 1 + fn_u128_text(-(fn_u128)v, out + 1);
}

size_t fn_i256_text(fn_i256 v, bool is_signed, char *out)
{
    char *at = out;
    if (is_signed && fn_i256_is_negative(v)) {
        *at++ = '-';
        v = fn_i256_neg(v);
    }
    uint64_t chunks[5];
    unsigned n = 0;
    while (v.w[3] || v.w[2] || v.w[1]) {
        fn_i256 rest;
        v = fn_i256_div(v, fn_i256_from_u64(chunk), false, &rest);
        chunks[n++] = rest.w[0];
    }
    at += u64_digits(v.w[0], 1, at);
    while (n) at += u64_digits(chunks[--n], CHUNK_DIGITS, at);
    return (size_t)(at - out);
}

size_t fn_decimal_text(fn_i256 v, unsigned scale, bool keep_zeros, char *out)
{
    char digits[FN_WIDE_TEXT_MAX];
    char *at = out;
    if (fn_i256_is_negative(v)) {
        *at++ = '-';
        v = fn_i256_neg(v);
    }
    const size_t n = fn_i256_text(v, false, digits);
    const size_t whole = n > scale ? n - scale : 0;
    if (!whole) *at++ = '0';
    memcpy(at, digits, whole);
    at += whole;
    if (!scale) return (size_t)(at - out);
    char *point = at;
    *at++ = '.';
    for (size_t i = n; i < scale; i++) *at++ = '0';
    memcpy(at, digits + whole, n - whole);
    at += n - whole;
    if (!keep_zeros) {
        while (at[-1] == '0') at--;
        if (at - 1 == point) at = point;
    }
    return (size_t)(at - out);
}
