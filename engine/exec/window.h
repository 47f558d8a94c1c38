/* exec/window.h - what the files of the window operator share. All rows lie in one order: partitions one after another, inside them
 * the window's order; every row number below is a place in it. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_WINDOW_H
#define FIRN_EXEC_WINDOW_H
#include "exec/key_set.h"
#include "exec/row_store.h"

/* One function of the window. */
typedef struct window_item {
    const plan_window_item *plan;
    const struct window_function *function; /* NULL: an aggregate */
    uint32_t *arg_places;        /* columns of the store */
    fn_column **args;            /* in window order, FLAT */
    fn_column *choices;          /* for functions that pick a row: args[0], then what stands for "no row" */
    const fn_type *type;
    fn_column *default_value;    /* 1 row; used when there is no third argument */
    uint64_t start_offset, end_offset;
} window_item;

/* The rows of consecutive partitions, evaluated by one task. */
typedef struct window_part {
    uint32_t from, to;
    fn_column **results; /* one per item */
} window_part;

typedef struct window {
    uint32_t rows;
    bool ordered;               /* the window has ORDER BY */
    const uint8_t *starts;      /* per row: 1 first of a partition, 2 first of its peers only, 0 else */
    window_item *items;
    uint32_t item_count;
    const fn_column *order_value; /* RANGE offsets: the one order key, in window order; NULL: not needed */
    bool descending;
} window;

/* A partition being evaluated: rows [from, to). */
typedef struct window_partition {
    const window *w;
    const window_item *item;
    uint32_t from, to;
    const uint32_t *peer_from, *peer_to; /* per row of the partition, minus `from` to index: first of its peers, behind the last */
    uint32_t *frame_from, *frame_to;     /* likewise: the frame; empty when frame_from >= frame_to */
} window_partition;

typedef struct window_function {
    const char *name;
    bool needs_frame, picks;
    /* Checks the frame when the query starts. */
    fn_status (*check)(fn_ctx *ctx, const plan_window_item *item, bool ordered);
    /* picks: one row of `choices` per row of the partition */
    fn_status (*pick)(fn_ctx *ctx, const window_partition *p, uint32_t *rows);
    /* else: appends one value per row */
    fn_status (*eval)(fn_ctx *ctx, const window_partition *p, fn_builder *out);
} window_function;
const window_function *window_function_find(const char *name); /* NULL: none of that name */

/* Offsets of frames, as ClickHouse accepts them. */
fn_status window_frame_check(fn_ctx *ctx, const plan *node, window_item *item) FN_MUST_USE;
/* Fills frame_from and frame_to. */
fn_status window_frame_fill(fn_ctx *ctx, const window_partition *p) FN_MUST_USE;
/* An aggregate over the frames of a partition: places[i] is the place of row i's value in `values`. arena: for states; it and
 * ctx->arena are emptied by the callee. */
fn_status window_aggregate(fn_ctx *ctx, const window_partition *p, fn_arena *arena, fn_builder *values, uint32_t *places) FN_MUST_USE;
#endif
