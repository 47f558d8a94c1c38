/* table/scan_bound.h - rows against the moving bound of a top-N.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TABLE_SCAN_BOUND_H
#define FIRN_TABLE_SCAN_BOUND_H
#include "table/table.h"

/* mask[i] = 1 where row i may still be among the first N. False: the type is not compared here. */
bool scan_bound_mask(const fn_column *c, const fn_column *bound, bool descending, uint8_t *mask);
bool scan_bound_compares(const fn_type *type);
/* The same of strings, by their codes in a sorted dictionary; false: c is not over that dictionary. */
bool scan_bound_mask_codes(const fn_column *c, const fn_column *dictionary, const fn_column *bound, bool descending, uint8_t *mask);
#endif
