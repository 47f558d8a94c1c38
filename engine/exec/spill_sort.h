/* exec/spill_sort.h - sorting of more rows than fit into memory: sorted runs in files, and their merge. Ties keep the order they
 * have in memory: by worker, then as they came. Used by ORDER BY and window functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SPILL_SORT_H
#define FIRN_EXEC_SPILL_SORT_H
#include "exec/row_store.h"
#include "exec/sort.h"
#include "exec/spill.h"

typedef struct spill_run {
    spill_file *file;        /* NULL once merged away */
    spill_frame *frames;
    uint32_t frame_count, frame_room;
    uint64_t rows;
} spill_run;

struct spill_cursor;
typedef struct spill_sort {
    exec *e;
    const spill_watch *watch;
    const fn_type *const *types;  /* of all columns */
    uint32_t column_count;
    const uint32_t *places;       /* of the keys */
    const sort_column *directions;
    uint32_t key_count;
    uint64_t limit;               /* 0: all rows */
    bool with_ties;
    struct spill_runs { spill_run *runs; uint32_t count, room; spill_file *file; } *lists; /* per worker */
    spill_file *merged;           /* of runs made from runs */
    spill_run *runs;              /* all, in order, once merging has begun */
    uint32_t run_count;
    struct spill_cursor *cursors;
    uint32_t *heap;               /* cursors that have rows; the first has the next row */
    uint32_t heap_count, cursor_count;
    uint64_t given;
    fn_block *last;               /* 1 row: the last one within the limit, for ties */
} spill_sort;

/* The pointers must live as long as the sort. Release in any case. */
fn_status spill_sort_init(fn_ctx *ctx, spill_sort *s, exec *e, const spill_watch *watch, const fn_type *const *types, uint32_t column_count,
                          const uint32_t *places, const sort_column *directions, uint32_t key_count) FN_MUST_USE;
/* Writes the worker's blocks as runs and empties the list. */
fn_status spill_sort_add(fn_ctx *ctx, spill_sort *s, unsigned worker, row_list *list) FN_MUST_USE;
bool spill_sort_has_runs(const spill_sort *s);
/* No more rows: merges runs until the rest can be merged at once. */
fn_status spill_sort_finish(fn_ctx *ctx, spill_sort *s) FN_MUST_USE;
/* The next rows in order; *out NULL at the end. One thread at a time. */
fn_status spill_sort_next(fn_ctx *ctx, spill_sort *s, fn_block **out) FN_MUST_USE;
void spill_sort_release(spill_sort *s);
#endif
