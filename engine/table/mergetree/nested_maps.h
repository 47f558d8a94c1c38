/* mergetree/nested_maps.h - Summing: arrays that together are a map, summed by key.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_NESTED_MAPS_H
#define FIRN_MT_NESTED_MAPS_H
#include "table/mergetree/mt.h"

/* Fills those columns of `out` (as many as sorted's, NULL at first) that belong to nested maps; *any: there are such. columns, starts and
 * groups as of mt_aggregate_rows. */
fn_status mt_sum_maps(fn_ctx *ctx, const mt_shape *shape, const uint32_t *columns, const uint32_t *starts, uint32_t groups, const fn_block *sorted,
                      fn_block *out, bool *any) FN_MUST_USE;
#endif
