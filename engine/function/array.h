/* function/array.h - what the families over arrays and maps share: arguments opened as items with bounds, results made of
 * bounds and items, items picked by number. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_ARRAY_H
#define FIRN_FUNCTION_ARRAY_H
#include "function/family.h"

/* An array (or map) argument opened: items hold exactly the items of all rows, in order. */
typedef struct array_in {
    fn_column *items;        /* FLAT, referenced */
    fn_buffer *bounds;       /* rows + 1 x u32: row i has items bounds[i] .. bounds[i + 1]; bounds[0] is 0 */
    const uint32_t *offsets; /* the bounds */
    uint32_t rows, total;
} array_in;
fn_status array_open(fn_ctx *ctx, const fn_column *c, array_in *out) FN_MUST_USE; /* CONST is spread to its rows */
void array_close(array_in *a);
/* total x u32: the row each item belongs to; free with fn_free. */
uint32_t *array_row_numbers(fn_ctx *ctx, const array_in *a) FN_MUST_USE;
/* Same lengths as `a`, other items (`total` of them, any shape). */
fn_status array_with_items(fn_ctx *ctx, const fn_type *type, const array_in *a, fn_column *items_take, fn_column **out) FN_MUST_USE;
/* SIZES_OF_ARRAYS_DONT_MATCH unless all have the lengths of the first. */
fn_status array_same_sizes(fn_ctx *ctx, const func_call *call, const array_in *a, uint32_t count, uint32_t first_index) FN_MUST_USE;

/* A result put together row by row from numbers of items. */
typedef struct array_pick {
    uint32_t *index;    /* item numbers so far */
    size_t count, room;
    fn_buffer *bounds;
    uint32_t rows;      /* closed so far */
} array_pick;
fn_status array_pick_open(fn_ctx *ctx, array_pick *p, uint32_t rows, size_t room) FN_MUST_USE;
fn_status array_pick_reserve(fn_ctx *ctx, array_pick *p, size_t more) FN_MUST_USE; /* TOO_LARGE_ARRAY_SIZE past 4 Gi items */
static inline void array_pick_put(array_pick *p, uint32_t item)
{
    p->index[p->count++] = item; /* reserved before */
}
void array_pick_close_row(array_pick *p);
/* The array column of the picked items; releases the pick. `items` keeps its form (NULLs, dictionary). */
fn_status array_pick_finish(fn_ctx *ctx, array_pick *p, const fn_type *type, const fn_column *items, fn_column **out) FN_MUST_USE;
void array_pick_release(array_pick *p);

/* An array type's element, NULL for other types. An empty Array(Nothing) has Nothing. */
static inline const fn_type *array_element(const fn_type *t)
{
    return t->id == FN_T_ARRAY ? t->args[0] : NULL;
}
/* "Argument N of function F must be Array. Found T instead." */
fn_status array_need(fn_ctx *ctx, const func_call *call, uint32_t i) FN_MUST_USE;
/* Items converted to `type` (a no-op when equal), FLAT. */
fn_status array_convert_items(fn_ctx *ctx, array_in *a, const fn_type *type) FN_MUST_USE;
#endif
