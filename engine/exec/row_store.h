/* exec/row_store.h - rows kept by a sink: blocks collected by workers, then joined into few long segments and gathered from by
 * row number. What sort, join, window and their like stand on. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_ROW_STORE_H
#define FIRN_EXEC_ROW_STORE_H
#include "exec/parallel.h"
#include <firn/block.h>

typedef struct row_list { /* one worker's blocks */
    fn_block **blocks;
    uint32_t count, room;
    uint64_t rows;
} row_list;

typedef struct row_segment {
    uint32_t first, rows;
    fn_column **columns; /* referenced */
} row_segment;

typedef struct row_store {
    uint32_t column_count, list_count;
    row_list *lists;
    row_segment *segments; /* sealed; at least one */
    uint32_t segment_count;
    uint32_t rows;         /* sealed */
} row_store;

/* References the block. */
fn_status row_list_add(fn_ctx *ctx, row_list *l, const fn_block *block) FN_MUST_USE;
void row_list_release(row_list *l); /* zeroed ones are fine */
/* Room for `workers` lists of blocks with `column_count` columns each. */
fn_status row_store_init(fn_ctx *ctx, row_store *s, unsigned workers, uint32_t column_count) FN_MUST_USE;
void row_store_release(row_store *s); /* zeroed and released ones are fine */
/* References the block. Only the worker itself. */
fn_status row_store_add(fn_ctx *ctx, row_store *s, unsigned worker, const fn_block *block) FN_MUST_USE;
uint64_t row_store_count(const row_store *s); /* rows collected so far */
/* Joins the blocks, worker by worker, into segments; types are for the case of no rows. NOT_IMPLEMENTED beyond 2^32-1 rows. */
fn_status row_store_seal(fn_ctx *ctx, row_store *s, fn_pool *pool, const fn_type *const *types) FN_MUST_USE;
/* The whole column in one piece (a reference); TOO_LARGE_STRING_SIZE when it does not fit one. */
fn_column *row_store_column(fn_ctx *ctx, const row_store *s, uint32_t column) FN_MUST_USE;
/* Rows ids[0..count) of a column. Any thread. */
fn_column *row_store_take(fn_ctx *ctx, const row_store *s, uint32_t column, const uint32_t *ids, uint32_t count) FN_MUST_USE;
#endif
