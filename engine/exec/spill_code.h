/* exec/spill_code.h - a 64-bit code of a sort key that compares across blocks.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SPILL_CODE_H
#define FIRN_EXEC_SPILL_CODE_H
#include "exec/sort.h"

/* codes[i] < codes[j] only if value i comes before value j; equal codes say nothing. Any two columns of one type and direction. */
fn_status spill_codes(fn_ctx *ctx, const sort_column *key, uint32_t rows, uint64_t *codes) FN_MUST_USE;
#endif
