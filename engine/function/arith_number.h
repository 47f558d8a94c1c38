/* function/arith_number.h - the binary operators over numbers: result types and the loops' classes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_ARITH_NUMBER_H
#define FIRN_FUNCTION_ARITH_NUMBER_H
#include "function/family.h"

typedef enum arith_op {
    ARITH_PLUS, ARITH_MINUS, ARITH_MULTIPLY, ARITH_DIVIDE, ARITH_INT_DIV, ARITH_MODULO, ARITH_POSITIVE_MODULO, ARITH_MODULO_LEGACY,
    ARITH_GCD, ARITH_LCM, ARITH_BIT_AND, ARITH_BIT_OR, ARITH_BIT_XOR, ARITH_SHIFT_LEFT, ARITH_SHIFT_RIGHT, ARITH_ROTATE_LEFT,
    ARITH_ROTATE_RIGHT, ARITH_BIT_TEST, ARITH_HAMMING
} arith_op;
typedef enum arith_zero { ARITH_ZERO_FAILS, ARITH_ZERO_GIVES_ZERO, ARITH_ZERO_GIVES_NULL } arith_zero;

const fn_type *arith_integer(bool is_signed, unsigned width); /* (true, 4) -> Int32; widths 1 .. 32 */
/* Result type of op over two plain numbers (no decimals); NULL where the operator has none. */
const fn_type *arith_number_type(arith_op op, const fn_type *a, const fn_type *b);
fn_status arith_number_run(fn_ctx *ctx, arith_op op, arith_zero zero, const fn_type *type, const fn_column *a, const fn_column *b,
                           uint32_t rows, fn_column **out) FN_MUST_USE;
/* Decimal with decimal or integer. */
fn_status arith_decimal_type(fn_ctx *ctx, arith_op op, const fn_type *a, const fn_type *b, const fn_type **out) FN_MUST_USE;
fn_status arith_decimal_run(fn_ctx *ctx, arith_op op, arith_zero zero, const fn_type *type, const fn_column *a, const fn_column *b,
                            uint32_t rows, fn_column **out) FN_MUST_USE;
/* Any integer or decimal value as 256 bits. */
fn_i256 arith_wide_at(const fn_type *t, const uint8_t *p);
void arith_wide_put(fn_i256 v, unsigned width, uint8_t *p);
#endif
