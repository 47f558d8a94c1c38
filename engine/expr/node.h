/* expr/node.h - what the files of this folder share: evaluation of one call under the default rules, lazy calls.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXPR_NODE_H
#define FIRN_EXPR_NODE_H
#include "expr/expr.h"

/* One call over evaluated arguments (args[i] NULL for lambdas, args[arg_count] the closures). Applies the null, dictionary
 * and constant rules. types[i]: the arguments' own types; type: the result's. */
fn_status call_run(fn_ctx *ctx, const func_call *call, const fn_type *type, fn_column *const *args, uint32_t rows,
                   fn_column **out) FN_MUST_USE;
/* Copies of a call's node with other arguments, bound again. */
/* Ties the reference of `c` to the life of ctx->arena (dropped at once on failure). */
fn_status expr_hold(fn_ctx *ctx, fn_column *c_take) FN_MUST_USE;
expr *expr_new(fn_ctx *ctx, expr_kind kind, const fn_type *type) FN_MUST_USE;
/* Finishes a lambda made by the binder: captures and program. */
fn_status expr_lambda_finish(fn_ctx *ctx, expr_lambda *lambda) FN_MUST_USE;

typedef enum lazy_kind { LAZY_NONE, LAZY_IF, LAZY_MULTI_IF, LAZY_AND, LAZY_OR } lazy_kind;
lazy_kind expr_lazy_kind(const func_def *def);

/* Mask bytes of a condition column: 1 where true (NULL is 0); gives the number of ones. Any number type. */
fn_status expr_mask_of(fn_ctx *ctx, const fn_column *c, uint32_t rows, uint8_t *mask, uint32_t *ones) FN_MUST_USE;
#endif
