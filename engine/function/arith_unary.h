/* function/arith_unary.h - operators of one number. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_ARITH_UNARY_H
#define FIRN_FUNCTION_ARITH_UNARY_H
#include "function/family.h"
typedef enum unary_op { UNARY_NEGATE, UNARY_ABS, UNARY_SIGN, UNARY_BIT_NOT, UNARY_BIT_COUNT, UNARY_BYTE_SWAP } unary_op;
fn_status unary_bind(fn_ctx *ctx, func_call *call, unary_op op) FN_MUST_USE;
fn_status unary_eval(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, unary_op op, fn_column **out) FN_MUST_USE;
#endif
