/* agg_rows.h - what aggregates that take their rows one by one share: numbers of any type, growing lists in the arena, states
 * that are plain bytes. agg_by_row.inc makes add and add_one out of a row function.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_AGGREGATE_AGG_ROWS_H
#define FIRN_AGGREGATE_AGG_ROWS_H
#include "aggregate/agg_state.h"

/* The number at `row` of a FLAT or CONST column of numbers, dates or times; decimals with their scale. */
double agg_f64_wide(const fn_column *c, size_t stored);
static inline double agg_f64(const fn_column *c, size_t row)
{
    const size_t i = fn_column_stored(c, row);
    if (c->type->id == FN_T_FLOAT64) return fn_load_f64(c->values + 8 * i);
    if (c->type->id == FN_T_INT64) return (double)fn_load_i64(c->values + 8 * i);
    if (c->type->id == FN_T_UINT64) return (double)fn_load_u64(c->values + 8 * i);
    if (c->type->id == FN_T_INT32) return (double)fn_load_i32(c->values + 4 * i);
    return agg_f64_wide(c, i);
}
/* Integers up to 64 bits, dates, enums: sign-extended. */
static inline uint64_t agg_u64(const fn_column *c, size_t row)
{
    return fn_column_u64_at(c, row);
}

/* ---- a list of `width`-byte items in the arena; zeroed memory is an empty one ---- */
typedef struct agg_items {
    uint8_t *data;
    uint32_t count, capacity;
} agg_items;
/* Room for `more` items behind the last; the pointer to them, count unchanged. NULL + error. */
void *agg_items_room(fn_ctx *ctx, fn_arena *arena, agg_items *v, uint32_t more, uint32_t width) FN_MUST_USE;
static inline fn_status agg_items_push(fn_ctx *ctx, fn_arena *arena, agg_items *v, const void *item, uint32_t width)
{
    if (v->count == v->capacity) FN_TRY_PTR(ctx, agg_items_room(ctx, arena, v, 1, width));
    memcpy(v->data + (size_t)v->count++ * width, item, width);
    return FN_OK;
}
fn_status agg_items_append(fn_ctx *ctx, fn_arena *arena, agg_items *v, const agg_items *from, uint32_t width) FN_MUST_USE;
fn_status agg_items_write(fn_ctx *ctx, const agg_items *v, uint32_t width, fn_buf *out) FN_MUST_USE; /* varint count, the bytes */
fn_status agg_items_read(fn_ctx *ctx, fn_arena *arena, agg_items *v, uint32_t width, const uint8_t **at, const uint8_t *end) FN_MUST_USE;

/* ---- whole states ---- */
void agg_zero_init(const agg_call *call, void *state); /* state_size zero bytes */
fn_status agg_plain_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out) FN_MUST_USE; /* state_size bytes */
fn_status agg_plain_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end) FN_MUST_USE;
static inline fn_status agg_put_f64(fn_ctx *ctx, fn_builder *out, double v)
{
    return fn_builder_fixed(ctx, out, &v);
}

/* ---- parameters ---- */
fn_status agg_param_u64(fn_ctx *ctx, const agg_call *call, uint32_t index, uint64_t *out) FN_MUST_USE; /* a non-negative integer */
fn_status agg_param_f64(fn_ctx *ctx, const agg_call *call, uint32_t index, double *out) FN_MUST_USE;   /* any number */
/* The arguments `from`.. are numbers (Bool too); else ILLEGAL_TYPE_OF_ARGUMENT. */
fn_status agg_need_numbers(fn_ctx *ctx, const agg_call *call, uint32_t from, bool decimals_too) FN_MUST_USE;
#endif
