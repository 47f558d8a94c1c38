/* exec/sort.h - the order of rows by key columns: normalised keys and their sort. Used by ORDER BY, windows, ASOF joins and
 * dictionary ranks. Order as ClickHouse has it: NULL and NaN where nulls_first says (NULL outside NaN) whatever the direction,
 * strings by bytes, arrays and tuples by elements; equal keys stay in row order.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SORT_H
#define FIRN_EXEC_SORT_H
#include "exec/parallel.h"
#include <firn/block.h>

typedef struct sort_column {
    const fn_column *column; /* any shape and type; borrowed */
    bool descending, nulls_first;
} sort_column;

/* order: rows x u32, the row at each place. pool may be NULL. Errors: MEMORY_LIMIT_EXCEEDED, QUERY_WAS_CANCELLED. */
fn_status sort_rows(fn_ctx *ctx, fn_pool *pool, unsigned workers, const sort_column *keys, uint32_t key_count, uint32_t rows, fn_buffer **order) FN_MUST_USE;
/* <0, 0, >0: row a of one set of key columns against row b of another (same types and directions). */
int sort_compare(const sort_column *a, size_t row_a, const sort_column *b, size_t row_b, uint32_t key_count);
#endif
