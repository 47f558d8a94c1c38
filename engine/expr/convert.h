/* expr/convert.h - conversion of whole columns from type to type: what CAST, IN, if() and array literals stand on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXPR_CONVERT_H
#define FIRN_EXPR_CONVERT_H
#include <firn/block.h>

typedef enum convert_mode {
    CONVERT_CAST,     /* CAST: integers wrap, bad text fails */
    CONVERT_ACCURATE, /* accurateCast: a value that changes fails */
    CONVERT_OR_NULL,  /* accurateCastOrNull and IN: a value that changes or bad text gives NULL; `to` must be Nullable */
    CONVERT_OR_ZERO,  /* toXOrZero: bad text gives the type's default */
    CONVERT_TEXT_OR_NULL /* toXOrNull: bad text gives NULL; integers wrap */
} convert_mode;

/* Gives a column of type `to`, one new reference, in->rows rows, any shape. Errors: CANNOT_CONVERT_TYPE (70),
 * CANNOT_PARSE_*, CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN (349), DECIMAL_OVERFLOW (407). */
fn_status expr_convert(fn_ctx *ctx, const fn_column *in, const fn_type *to, convert_mode mode, fn_column **out) FN_MUST_USE;
/* CANNOT_CONVERT_TYPE or ILLEGAL_TYPE_OF_ARGUMENT if no value could be converted. */
fn_status expr_convertible(fn_ctx *ctx, const fn_type *from, const fn_type *to) FN_MUST_USE;
/* The session's zone, UTC without settings; a type's own zone if it has one. */
const fn_tz *expr_zone(const fn_ctx *ctx, const fn_type *type);
void expr_text_options(const fn_ctx *ctx, fn_text_options *out);
#endif
