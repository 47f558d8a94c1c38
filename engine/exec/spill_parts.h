/* exec/spill_parts.h - rows set aside on disk by partition: one file of a worker, whose frames each hold rows of one partition.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SPILL_PARTS_H
#define FIRN_EXEC_SPILL_PARTS_H
#include "exec/row_store.h"
#include "exec/spill.h"

enum { SPILL_PARTS = 128, SPILL_PART_NONE = 255 /* the row is not needed */, SPILL_PARTS_ROWS = 65536 /* gathered before they are written */ };

typedef struct spill_part {
    spill_frame *frames;
    uint32_t count, room;
    uint64_t rows, bytes; /* bytes in memory */
} spill_part;

typedef struct spill_parts {
    spill_file *file;
    fn_buf scratch;
    uint8_t *numbers;     /* scratch for blocks of up to `room` rows */
    uint32_t *order, room;
    spill_part parts[SPILL_PARTS];
} spill_parts;

/* The partition of every row of a block. */
typedef fn_status spill_number_fn(void *arg, fn_ctx *ctx, const fn_block *block, uint8_t *numbers);

fn_status spill_parts_open(fn_ctx *ctx, spill_share *share, spill_use use, spill_parts **out) FN_MUST_USE;
void spill_parts_close(spill_parts *p); /* NULL is fine */
/* Writes the list's blocks, joined to long ones, and empties it. */
fn_status spill_parts_add(fn_ctx *ctx, spill_parts *p, row_list *list, spill_number_fn *number, void *arg) FN_MUST_USE;
#endif
