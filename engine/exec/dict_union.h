/* exec/dict_union.h - columns coded by several dictionaries, one for each part of a table, become one column under one dictionary.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_DICT_UNION_H
#define FIRN_EXEC_DICT_UNION_H
#include <firn/column.h>

/* The parts joined (count >= 1, one type), as DICT. *out NULL: not worth it or not possible; fn_column_concat does it then. */
fn_status dict_union(fn_ctx *ctx, fn_column *const *parts, uint32_t count, fn_column **out) FN_MUST_USE;
#endif
