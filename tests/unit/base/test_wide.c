/* test_wide.c - 256-bit arithmetic against identities, decimal text against known values.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/wide.h>
#include <firn/time.h>
#include <stdio.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

static bool text_is(fn_i256 v, bool is_signed, const char *expected)
{
    char out[FN_WIDE_TEXT_MAX];
    return fn_str_eq((fn_str){out, fn_i256_text(v, is_signed, out)}, fn_cstr(expected));
}

static bool decimal_is(int64_t v, unsigned scale, bool zeros, const char *expected)
{
    char out[FN_WIDE_TEXT_MAX];
    return fn_str_eq((fn_str){out, fn_decimal_text(fn_i256_from_i64(v), scale, zeros, out)}, fn_cstr(expected));
}

static fn_i256 random_wide(unsigned words)
{
    fn_i256 v = {{0, 0, 0, 0}};
    for (unsigned i = 0; i < words; i++) {
        v.w[i] = fn_random_u64();
        if (fn_random_u64() % 4 == 0) v.w[i] = fn_random_u64() % 2 ? UINT64_MAX : 0;
    }
    return v;
}

static void check_division(void)
{
    for (int i = 0; i < 20000; i++) {
        const fn_i256 a = random_wide(1 + (unsigned)(fn_random_u64() % 4));
        fn_i256 b = random_wide(1 + (unsigned)(fn_random_u64() % 4)), r;
        b.w[0] |= 1;
        const bool is_signed = i % 2;
        const fn_i256 q = fn_i256_div(a, b, is_signed, &r);
        CHECK(fn_i256_compare(fn_i256_add(fn_i256_mul(q, b), r), a, false) == 0);
        if (!is_signed) CHECK(fn_i256_compare(r, b, false) < 0);
        const unsigned s = (unsigned)(fn_random_u64() % 256);
        CHECK(fn_i256_compare(fn_i256_shr(fn_i256_shl(a, s), s, false),
                              fn_i256_shl(fn_i256_shr(fn_i256_shl(a, s), s, false), 0), false) == 0);
        CHECK(fn_i256_compare(fn_i256_sub(fn_i256_add(a, b), b), a, false) == 0);
    }
}

int main(void)
{
    CHECK(text_is(fn_i256_from_i64(INT64_MIN), true, "-9223372036854775808"));
    CHECK(text_is((fn_i256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, false,
                  "115792089237316195423570985008687907853269984665640564039457584007913129639935"));
    CHECK(text_is((fn_i256){{0, 0, 0, (uint64_t)1 << 63}}, true,
                  "-57896044618658097711785492504343953926634992332820282019728792003956564819968"));
    CHECK(text_is(fn_i256_pow10(20), true, "100000000000000000000"));
    check_division();
    fn_i256 out;
    CHECK(!fn_i256_mul_overflow(fn_i256_pow10(38), fn_i256_pow10(38), &out) && fn_i256_compare(out, fn_i256_pow10(76), true) == 0);
    CHECK(fn_i256_mul_overflow(fn_i256_pow10(76), fn_i256_from_i64(10), &out));
    CHECK(fn_i256_to_f64(fn_i256_pow10(76), true) == 1e76);
    CHECK(fn_i256_to_f64(fn_i256_neg(fn_i256_pow10(30)), true) == -1e30);
    CHECK(fn_i256_compare(fn_i256_from_f64(-0x1p200, true), fn_i256_neg(fn_i256_shl(fn_i256_from_u64(1), 200)), true) == 0);
    CHECK(decimal_is(12300, 3, false, "12.3") && decimal_is(12300, 3, true, "12.300") && decimal_is(-5, 2, false, "-0.05"));
    CHECK(decimal_is(0, 4, false, "0") && decimal_is(12000, 3, false, "12") && decimal_is(7, 0, false, "7"));
    char text[FN_WIDE_TEXT_MAX];
    const fn_i128 smallest = (fn_i128)((fn_u128)1 << 127);
    CHECK(fn_str_eq((fn_str){text, fn_i128_text(smallest, text)}, FN_STR("-170141183460469231731687303715884105728")));
    return failures != 0;
}
