/* firn/wide.h - 128- and 256-bit integers: arithmetic, decimal text, conversions.
 * 256-bit values are two's complement and wrap like ClickHouse's Int256/UInt256.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_WIDE_H
#define FIRN_WIDE_H
#include <firn/bits.h>

fn_i256 fn_i256_from_i64(int64_t v);
fn_i256 fn_i256_from_u64(uint64_t v);
fn_i256 fn_i256_from_i128(fn_i128 v);
fn_i256 fn_i256_from_u128(fn_u128 v);
fn_i256 fn_i256_from_f64(double v, bool is_signed);
double fn_i256_to_f64(fn_i256 v, bool is_signed);
fn_i256 fn_i256_add(fn_i256 a, fn_i256 b);
fn_i256 fn_i256_sub(fn_i256 a, fn_i256 b);
fn_i256 fn_i256_neg(fn_i256 a);
fn_i256 fn_i256_mul(fn_i256 a, fn_i256 b);
bool fn_i256_mul_overflow(fn_i256 a, fn_i256 b, fn_i256 *out); /* signed; true = overflow */
/* Truncating division; divisor must not be 0 (asserted). remainder may be NULL. */
fn_i256 fn_i256_div(fn_i256 a, fn_i256 b, bool is_signed, fn_i256 *remainder);
fn_i256 fn_i256_shl(fn_i256 a, unsigned bits);
fn_i256 fn_i256_shr(fn_i256 a, unsigned bits, bool is_signed);
int fn_i256_compare(fn_i256 a, fn_i256 b, bool is_signed);
bool fn_i256_is_negative(fn_i256 a);
fn_i256 fn_i256_pow10(unsigned exponent); /* exponent <= 76 */

enum { FN_WIDE_TEXT_MAX = 80 };
/* Decimal digits of v into out; returns the length (<= FN_WIDE_TEXT_MAX, no 0 byte). */
size_t fn_u128_text(fn_u128 v, char *out);
size_t fn_i128_text(fn_i128 v, char *out);
size_t fn_i256_text(fn_i256 v, bool is_signed, char *out);
/* Value with `scale` digits behind the point, as ClickHouse prints Decimal: trailing zeros cut unless `keep_zeros`. */
size_t fn_decimal_text(fn_i256 v, unsigned scale, bool keep_zeros, char *out);
fn_i128 fn_i128_pow10(unsigned exponent); /* exponent <= 38 */
#endif
