/* function/text_rows.h - loops that families over strings share: one call of a row function per row, bytes appended to the
 * result column's own buffer, no allocation per row.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_TEXT_ROWS_H
#define FIRN_FUNCTION_TEXT_ROWS_H
#include "function/family.h"

/* Appends the bytes of one row of a String result. */
typedef fn_status text_row_fn(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to);
/* Writes call->type->width bytes of one row. */
typedef fn_status fixed_row_fn(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to);
/* Appends exactly one value to the builder of call->type. */
typedef fn_status value_row_fn(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to);

fn_status text_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, text_row_fn *row, fn_column **out) FN_MUST_USE;
fn_status fixed_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fixed_row_fn *row, fn_column **out) FN_MUST_USE;
fn_status value_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, value_row_fn *row, fn_column **out) FN_MUST_USE;

/* An eval function out of a row function. */
#define TEXT_EVAL(name, how, row)                                                                                                      \
    static fn_status name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)                  \
    {                                                                                                                                  \
        return how(ctx, call, args, rows, row, out);                                                                                   \
    }

/* Checks argument types, one letter each, the last one standing for all that follow: s String or FixedString, i integer,
 * n integer or float, c constant string, a Array(String), * anything. ILLEGAL_TYPE_OF_ARGUMENT, ILLEGAL_COLUMN. */
fn_status text_need(fn_ctx *ctx, const func_call *call, const char *kinds) FN_MUST_USE;
/* A bind function out of such letters and one that sets the result's type. */
#define TEXT_BIND(name, kinds, result)                                                                                                 \
    static fn_status name(fn_ctx *ctx, func_call *call)                                                                                \
    {                                                                                                                                  \
        FN_TRY(text_need(ctx, call, kinds));                                                                                           \
        return result(ctx, call);                                                                                                      \
    }
fn_status text_bind_strings(fn_ctx *ctx, func_call *call) FN_MUST_USE; /* Array(String) */

/* The string at `row` of a FLAT or CONST column of String or FixedString. */
static inline fn_str text_at(const fn_column *c, size_t row)
{
    if (c->shape == FN_CONST) row = 0;
    if (c->offsets) return (fn_str){(const char *)c->values + c->offsets[row], c->offsets[row + 1] - c->offsets[row]};
    return (fn_str){(const char *)c->values + row * c->type->width, c->type->width};
}
/* First place of `what` in s behind `from`, or -1; what may be empty. */
ptrdiff_t text_find(fn_str s, size_t from, fn_str what);
static inline fn_str text_from(fn_str s, size_t from)
{
    return (fn_str){s.data + from, s.size - from};
}
static inline uint8_t text_lower(uint8_t b)
{
    return (uint8_t)(b ^ ((uint8_t)(b - 'A') < 26 ? 32 : 0));
}
static inline uint8_t text_upper(uint8_t b)
{
    return (uint8_t)(b ^ ((uint8_t)(b - 'a') < 26 ? 32 : 0));
}
static inline bool text_is_digit(uint8_t b)
{
    return (uint8_t)(b - '0') < 10;
}
static inline bool text_is_alpha(uint8_t b)
{
    return (uint8_t)((b | 32) - 'a') < 26;
}
/* Value of a hexadecimal digit, -1 for anything else. */
static inline int text_hex(uint8_t b)
{
    return text_is_digit(b) ? b - '0' : (uint8_t)((b | 32) - 'a') < 6 ? (b | 32) - 'a' + 10 : -1;
}
#endif
