/* exec/sorted_output.h - rows of a store handed out block by block in a given order, columns gathered in parallel.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SORTED_OUTPUT_H
#define FIRN_EXEC_SORTED_OUTPUT_H
#include "exec/row_store.h"

enum { SORTED_OUTPUT_AHEAD = 8 };
typedef struct sorted_output {
    const row_store *store;
    const uint32_t *order;        /* rows of the store, in the order wanted */
    uint32_t rows, at;
    uint32_t column_count;        /* the first ones of the store's */
    fn_block *ready[SORTED_OUTPUT_AHEAD];
    unsigned ready_count, ready_at;
    bool begun;
} sorted_output;

/* The next block of at most FN_BLOCK_ROWS_MAX rows; *out NULL at the end. One thread at a time. */
fn_status sorted_output_next(fn_ctx *ctx, sorted_output *o, fn_pool *pool, unsigned workers, fn_block **out) FN_MUST_USE;
void sorted_output_release(sorted_output *o);
#endif
