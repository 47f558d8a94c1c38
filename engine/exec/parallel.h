/* exec/parallel.h - the inside of one operator split over the engine's workers. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_PARALLEL_H
#define FIRN_EXEC_PARALLEL_H
#include <firn/arena.h>
#include <firn/thread.h>

/* One piece of work. ctx is the task's own (memory, cancel and settings of the caller's; no arena). */
typedef fn_status parallel_fn(void *arg, fn_ctx *ctx, uint32_t index);
/* Runs fn for index 0..count-1 and waits for all. pool NULL: on the calling thread, in order. The first failure is put into
 * ctx and stops tasks that have not begun. */
fn_status parallel_run(fn_ctx *ctx, fn_pool *pool, parallel_fn *fn, void *arg, uint32_t count) FN_MUST_USE;
#endif
