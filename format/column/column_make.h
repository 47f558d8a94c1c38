/* column/column_make.h - shared inside format/column: raw construction of columns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_COLUMN_MAKE_H
#define FIRN_COLUMN_MAKE_H
#include <firn/column.h>

/* An empty head with one reference: all pointers NULL, kids NULL, to be filled by the maker. */
fn_column *column_new(fn_ctx *ctx, const fn_type *type, fn_shape shape, uint32_t rows, unsigned kid_count);
/* Puts buffers in (references taken) and points at their beginnings. */
void column_own(fn_column *c, fn_buffer *values, fn_buffer *offsets, fn_buffer *nulls);
/* The same shape and data (references added) under another type and row count. */
fn_column *column_shallow(fn_ctx *ctx, const fn_column *c, const fn_type *type, uint32_t rows);
/* Rows of a FLAT (or 1-row CONST) column by index, FLAT out, type kept. */
fn_column *column_take_flat(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count);
/* out[i] = in[rows[i]], values of `width` bytes. Also for format/part, which gathers into its streams. */
void column_gather(uint8_t *out, const uint8_t *in, size_t width, const uint32_t *rows, uint32_t count);
/* Turns a byte run into a buffer without copying; empty run afterwards. */
fn_buffer *column_adopt(fn_ctx *ctx, fn_buf *bytes);
#endif
