/* exec/spill_block.h - blocks in frames of a spill file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SPILL_BLOCK_H
#define FIRN_EXEC_SPILL_BLOCK_H
#include "exec/spill_file.h"
#include <firn/block.h>

/* Bytes that rows [0, rows) of the block take when they are written or joined with others: what they share with other rows (buffers
 * they are a slice of, dictionaries) does not count; a value from a dictionary counts as the average of its entries. Cheap. */
uint64_t spill_block_bytes(const fn_block *b);
/* Appends the rows as one frame; columns lose DICT. scratch is emptied. */
fn_status spill_block_write(fn_ctx *ctx, spill_file *f, const fn_block *b, fn_buf *scratch, spill_frame *out) FN_MUST_USE;
/* Columns of the given types over the frame's bytes. One reference. */
fn_status spill_block_read(fn_ctx *ctx, const spill_file *f, const spill_frame *frame, const fn_type *const *types, uint32_t count, fn_block **out) FN_MUST_USE;
#endif
