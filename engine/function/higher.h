/* function/higher.h - what functions with a lambda share: the types of its parameters, its run over the items of arrays.
 * A lambda of n parameters over one array of tuples of n fields gets the fields. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_HIGHER_H
#define FIRN_FUNCTION_HIGHER_H
#include "function/array.h"

/* Parameter types from the element types of the arrays. */
fn_status higher_params(fn_ctx *ctx, const func_call *call, const fn_type *const *elements, uint32_t count, const fn_type **params,
                        uint32_t param_count) FN_MUST_USE;
/* func_def.lambda of functions called as f(lambda, array, ...). */
fn_status higher_lambda(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_type **params, uint32_t param_count) FN_MUST_USE;
/* The same where maps take the place of arrays: elements are (key, value). */
fn_status higher_lambda_map(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_type **params, uint32_t param_count) FN_MUST_USE;
/* 1 if argument 0 is a lambda, so that arrays start behind it. */
static inline uint32_t higher_first(const func_call *call)
{
    return call->arg_count && call->lambdas && call->lambdas[0] ? 1u : 0u;
}
const fn_type *higher_result(const func_call *call); /* the lambda's type; the first array's element without a lambda */
/* Arguments first.. are arrays; a lambda or one array alone is there. */
fn_status higher_bind(fn_ctx *ctx, const func_call *call) FN_MUST_USE;
/* higher_bind, and what decides is UInt8 or Nullable(UInt8). */
fn_status higher_bind_condition(fn_ctx *ctx, const func_call *call) FN_MUST_USE;

/* The arrays of a call opened, and what its lambda gives for their items (the first array's items without a lambda). */
typedef struct higher_in {
    array_in *arrays; /* count of them, sizes equal */
    uint32_t count;
    fn_column *result; /* FLAT, arrays[0].total rows */
} higher_in;
fn_status higher_open(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t first, higher_in *out) FN_MUST_USE;
void higher_close(higher_in *h);
/* The lambda at argument 0 over columns of `total` items; row[i]: the row of item i. Gives a FLAT column. */
fn_status higher_run(fn_ctx *ctx, const func_call *call, fn_column *const *args, fn_column *const *items, uint32_t count, const uint32_t *row,
                     uint32_t total, fn_column **out) FN_MUST_USE;
/* 0/1 per item (+64 pad) of a condition; free with fn_free. */
uint8_t *higher_mask(fn_ctx *ctx, const fn_column *condition) FN_MUST_USE;
#endif
