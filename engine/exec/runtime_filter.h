/* exec/runtime_filter.h - what a hash join has built, used by the scan of its other side to drop rows early.
 *
 * Found while building: each key of the join is followed down the probe side to the scan it comes from unchanged. Filled when the
 * build side is finished: the smallest and largest key (to the table, for skipping granules), and a test per row: a bitmap over the
 * span of integer keys, else a Bloom filter. The table asks it before it reads other columns, if it can. A test that lets most rows
 * through is switched off.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_RUNTIME_FILTER_H
#define FIRN_EXEC_RUNTIME_FILTER_H
#include "exec/join_table.h"
#include "exec/op.h"

typedef struct runtime_filter runtime_filter;
struct runtime_filter {
    scan_filter head;             /* what the scan sees of it */
    runtime_filter *next;         /* in exec->filters */
    const plan *scan;
    uint32_t column;              /* of the scan's outputs */
    join_keys keys;
    bool ready, has_range, is_bitmap;
    uint64_t min, max;            /* has_range */
    fn_buffer *bits;              /* bitmap over [min, max], or words of the Bloom filter; NULL: only the range */
    uint64_t word_mask;           /* Bloom: words - 1 */
    _Atomic uint64_t tested, passed;
};

/* A filter for key `value` of `probe`, the other side's plan; *out NULL when no scan can use it. */
fn_status runtime_filter_plan(fn_ctx *ctx, exec *e, const plan *probe, const expr *value, runtime_filter **out) FN_MUST_USE;
fn_status runtime_filter_fill(fn_ctx *ctx, runtime_filter *f, const join_table *t) FN_MUST_USE;
/* The same for one integer key of several: column is the build side's, left and right the key's types. */
fn_status runtime_filter_fill_column(fn_ctx *ctx, runtime_filter *f, fn_column *column, const fn_type *left, const fn_type *right) FN_MUST_USE;
void runtime_filter_release(runtime_filter *f);
/* For the scan: conditions over the node's outputs that hold for every row a join can use; room for two per filter.
 * only_prunes[i]: a test of the rows comes with it. */
fn_status runtime_filter_conditions(fn_ctx *ctx, const exec *e, const plan *scan, expr **out, bool *only_prunes, uint32_t *count) FN_MUST_USE;
uint32_t runtime_filter_count(const exec *e, const plan *scan);
/* The tests of rows that are ready; room for runtime_filter_count. Returns how many. */
uint32_t runtime_filter_tests(const exec *e, const plan *scan, scan_filter **out);
/* Where the table does not apply them: replaces *block by the rows the scan's filters let through; NULL when there are none. */
fn_status runtime_filter_apply(fn_ctx *ctx, const exec *e, const plan *scan, fn_block **block) FN_MUST_USE;
#endif
