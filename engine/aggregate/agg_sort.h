/* agg_sort.h - sorting of plain numbers, and of numbers with a weight, by the number. Values must not be NaN.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_AGGREGATE_AGG_SORT_H
#define FIRN_AGGREGATE_AGG_SORT_H
#include "aggregate/agg_rows.h"

bool agg_sortable(const fn_type *t); /* numbers, dates, times: what agg_sort orders by the physical value */
void agg_sort(fn_phys phys, void *data, size_t count);
/* Pairs {value, uint64_t weight}: the weight lies at agg_pair_weight(phys), a pair takes agg_pair_size(phys) bytes. */
uint32_t agg_pair_size(fn_phys phys);
uint32_t agg_pair_weight(fn_phys phys);
void agg_sort_pairs(fn_phys phys, void *data, size_t count);
#endif
