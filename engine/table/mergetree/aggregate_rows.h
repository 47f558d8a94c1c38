/* mergetree/aggregate_rows.h - Summing and Aggregating: one row per group of equal keys.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_AGGREGATE_ROWS_H
#define FIRN_MT_AGGREGATE_ROWS_H
#include "table/mergetree/mt.h"

/* columns: schema indexes of the block's. starts: first rows of the groups, groups + 1 entries. */
fn_status mt_aggregate_rows(fn_ctx *ctx, const mt_shape *shape, const uint32_t *columns, const uint32_t *starts, uint32_t groups, const fn_block *sorted,
                            fn_block **out) FN_MUST_USE;
bool mt_is_in_keys(fn_ctx *ctx, const mt_shape *shape, uint32_t column); /* an item of the sorting or partition key looks at it */
bool mt_is_simple_aggregate(const fn_type *t);
#endif
