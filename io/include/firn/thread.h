/* firn/thread.h - threads, a fixed pool of workers, a task group. Wraps pthreads; failures to create
 * a thread are errors, misuse of locks is an assertion.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_THREAD_H
#define FIRN_THREAD_H
#include <firn/base.h>
#include <pthread.h>

typedef struct fn_pool fn_pool;
typedef void fn_task_fn(void *arg, unsigned worker); /* worker: 0 .. workers-1 */

fn_pool *fn_pool_new(fn_ctx *ctx, const char *name, unsigned workers) FN_MUST_USE;
void fn_pool_free(fn_pool *pool); /* waits for queued tasks */
unsigned fn_pool_workers(const fn_pool *pool);
/* Runs fn(arg, worker) once, some time. The queue is unbounded but each entry is small. */
fn_status fn_pool_submit(fn_ctx *ctx, fn_pool *pool, fn_task_fn *fn, void *arg) FN_MUST_USE;
/* Runs fn(arg, i) for i in 0..count-1 on the pool's workers and the calling thread; returns when all are done.
 * The calling thread always works itself, so it cannot deadlock when the pool is busy or called from a worker. */
fn_status fn_pool_run(fn_ctx *ctx, fn_pool *pool, fn_task_fn *fn, void *arg, unsigned count) FN_MUST_USE;

/* A task that a worker begins when it has time, unless it is taken back before. One thread offers and takes back. */
typedef struct fn_offer fn_offer;
fn_offer *fn_pool_offer(fn_ctx *ctx, fn_pool *pool, fn_task_fn *fn, void *arg) FN_MUST_USE; /* runs fn(arg, 0) */
/* Frees the offer; true: no worker began with it and none will, false: it has run, to its end. */
bool fn_offer_take_back(fn_offer *offer);

/* The calling thread is about to wait for the disk or for other threads: whoever counts on its time may put another in its place. */
void fn_thread_waits(void);
/* What fn_thread_waits does on this thread from now on; NULL: nothing. */
void fn_thread_on_wait(void (*hook)(void *arg), void *arg);
#endif
