/* function/formula.h - functions that are formulas over other functions: bind builds an expression over numbered columns and
 * compiles it, eval runs it. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_FORMULA_H
#define FIRN_FUNCTION_FORMULA_H
#include "function/family.h"

/* Column n of the formula, n < 1000: the n-th of those handed to formula_run. */
expr *formula_column(fn_ctx *ctx, uint32_t n, const fn_type *type) FN_MUST_USE;
/* name(a[, b]) where status so far is FN_OK; keeps the first failure: formulas are written as nested calls. */
expr *formula_call(fn_ctx *ctx, const char *name, expr *a, expr *b) FN_MUST_USE; /* b may be NULL; NULL + error on failure */
/* Compiles `root` into call->data and sets call->type. */
fn_status formula_bind(fn_ctx *ctx, func_call *call, expr *root, uint32_t columns) FN_MUST_USE;
fn_status formula_run(fn_ctx *ctx, const func_call *call, fn_column *const *columns, uint32_t count, uint32_t rows, fn_column **out) FN_MUST_USE;
#endif
