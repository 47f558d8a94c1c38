/* expr/bitmap.h - sets of integers, the states of groupBitmap: what the aggregates and the functions over their states share.
 *
 * Up to BITMAP_SMALL numbers stand in the order they came in, more of them in ascending order. As bytes, and as ClickHouse has them: 0, a
 * varint count and the numbers in the width of their type; or 1, a varint size and a Roaring bitmap in its portable format (of 64-bit
 * numbers a map of those by their upper halves). Numbers are held sign-extended to 64 bits, and ordered as unsigned ones.
 * Source: github.com/RoaringBitmap/RoaringFormatSpec. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXPR_BITMAP_H
#define FIRN_EXPR_BITMAP_H
#include <firn/type.h>

enum { BITMAP_SMALL = 32 };
typedef struct bitmap {
    uint64_t *values; /* on the heap */
    uint32_t count, room;
    bool large, loose; /* loose: large, and values behind the first may be out of order or there twice: bitmap_settle */
} bitmap;

void bitmap_release(bitmap *b);
fn_status bitmap_add(fn_ctx *ctx, bitmap *b, uint64_t value) FN_MUST_USE;
void bitmap_settle(bitmap *b);                        /* every number once; large ones in order */
bool bitmap_has(const bitmap *b, uint64_t value);     /* settled */
/* Into an empty `b`. INCORRECT_DATA naming what is wrong; *at is moved behind what was read. */
fn_status bitmap_read(fn_ctx *ctx, const fn_type *item, const uint8_t **at, const uint8_t *end, bitmap *b) FN_MUST_USE;
fn_status bitmap_write(fn_ctx *ctx, const fn_type *item, const bitmap *b, fn_buf *out) FN_MUST_USE; /* settled */
/* The four operations; `b` stands in the role of the right side and is not changed. Both settled, as the result. */
typedef enum bitmap_op { BITMAP_AND, BITMAP_OR, BITMAP_XOR, BITMAP_ANDNOT } bitmap_op;
fn_status bitmap_combine(fn_ctx *ctx, bitmap *a, const bitmap *b, bitmap_op op) FN_MUST_USE;
#endif
