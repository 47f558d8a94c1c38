/* exec/exec.h - running a plan: pipelines of operators over morsels, on the engine's workers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_EXEC_H
#define FIRN_EXEC_EXEC_H
#include "plan/plan.h"
#include <firn/thread.h>

/* Counters of one statement, read by progress reports while it runs. */
typedef struct exec_progress exec_progress;
struct exec_progress {
    _Atomic uint64_t rows_read, bytes_read, total_rows;
    _Atomic uint64_t result_rows, result_bytes;
    _Atomic uint64_t written_rows, written_bytes;
    void (*report)(exec_progress *self); /* NULL: nobody wants to know. From any worker, one at a time, once per interval */
    int64_t interval_ns;
    _Atomic int64_t report_at_ns; /* the next one */
};
/* To be called wherever a counter has grown; reports when it is time. */
void exec_progress_tell(exec_progress *p);

/* Where result blocks go: called by one thread at a time, in the result's order. */
typedef struct exec_output exec_output;
struct exec_output {
    fn_status (*block)(exec_output *self, fn_ctx *ctx, const fn_block *block);
    bool is_shared; /* block may be called by several workers at once; otherwise one waits for the other */
};

typedef struct exec_env {
    fn_pool *pool;            /* workers */
    unsigned workers;         /* max_threads */
    exec_progress *progress;
    struct spill_share *spill; /* files for what does not fit into memory; NULL: none */
    fn_block *totals;         /* out: WITH TOTALS row */
    uint64_t rows_before_limit; /* out */
} exec_env;

/* Fills the cells of a query without a root (plan_bind_condition); plan_query_release empties them. */
fn_status exec_cells(fn_ctx *ctx, plan_query *query, exec_env *env) FN_MUST_USE;
fn_status exec_run(fn_ctx *ctx, plan_query *query, exec_env *env, exec_output *out) FN_MUST_USE;
#endif
