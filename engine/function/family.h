/* function/family.h - small things that families of functions share. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_FAMILY_H
#define FIRN_FUNCTION_FAMILY_H
#include "expr/convert.h"
#include "expr/expr.h"
#include "settings/settings.h"

/* "Illegal type(s) ... of argument(s) of function NAME": ILLEGAL_TYPE_OF_ARGUMENT, all argument types named. */
fn_status func_illegal(fn_ctx *ctx, const func_call *call) FN_MUST_USE;
/* The constant value of argument i; ILLEGAL_COLUMN naming the argument when it is not a constant. */
fn_status func_need_const(fn_ctx *ctx, const func_call *call, uint32_t i, fn_column **out) FN_MUST_USE;
fn_status func_const_str(fn_ctx *ctx, const func_call *call, uint32_t i, fn_str *out) FN_MUST_USE; /* a constant String */
/* A new buffer of rows x type->width bytes as a column under construction: write to *values, then the column is valid. */
fn_column *func_new_fixed(fn_ctx *ctx, const fn_type *type, uint32_t rows, uint8_t **values) FN_MUST_USE;
/* Likewise with a null map (zeroed). */
fn_column *func_new_nullable(fn_ctx *ctx, const fn_type *type, uint32_t rows, uint8_t **values, uint8_t **nulls) FN_MUST_USE;
/* Stored rows of an argument that is FLAT or CONST: use values[i * step]. */
static inline size_t func_step(const fn_column *c)
{
    return c->shape == FN_CONST ? 0 : 1;
}
/* Bind helpers for rows whose result type never changes. */
fn_status func_bind_u8(fn_ctx *ctx, func_call *call) FN_MUST_USE;
fn_status func_bind_u64(fn_ctx *ctx, func_call *call) FN_MUST_USE;
fn_status func_bind_f64(fn_ctx *ctx, func_call *call) FN_MUST_USE;
fn_status func_bind_string(fn_ctx *ctx, func_call *call) FN_MUST_USE;

/* The function of `call` once more, over elements of these types and under the default rules for NULL and LowCardinality: *kid is NULL where
 * a NULL literal is among them, and *type then Nullable(Nothing). */
fn_status func_over_elements(fn_ctx *ctx, const func_call *call, const fn_type *const *types, uint32_t count, const func_call **kid, const fn_type **type) FN_MUST_USE;
fn_status func_run_elements(fn_ctx *ctx, const func_call *kid, const fn_type *type, fn_column *const *args, uint32_t rows, fn_column **out) FN_MUST_USE;

/* ---- dates and intervals, for + and - (func_interval.c) ---- */
/* Type of `date + interval`; ILLEGAL_TYPE_OF_ARGUMENT where there is none. */
fn_status interval_result(fn_ctx *ctx, const func_call *call, const fn_type *date, const fn_type *interval, const fn_type **out) FN_MUST_USE;
/* date (any date type) shifted by sign * count units, as column of `type`. */
fn_status interval_shift(fn_ctx *ctx, const fn_column *date, const fn_column *count, fn_interval_unit unit, int sign, const fn_type *type,
                         uint32_t rows, fn_column **out) FN_MUST_USE;
#endif
