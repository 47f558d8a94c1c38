/* parallel.c - runs the pieces of one operator's work on the pool, each with a context of its own, and brings the first
 * failure back. SPDX-License-Identifier: Apache-2.0 */
#include "exec/parallel.h"

typedef struct parallel_job {
    parallel_fn *fn;
    void *arg;
    fn_ctx *ctx;           /* the caller's: only its error is written, under the lock */
    _Atomic bool failed;
    pthread_mutex_t lock;
} parallel_job;

static void run_piece(void *arg, unsigned index)
{
    parallel_job *job = arg;
    if (atomic_load_explicit(&job->failed, memory_order_relaxed)) return;
    fn_ctx own = {.memory = job->ctx->memory, .cancel = job->ctx->cancel, .settings = job->ctx->settings};
    fn_status status = fn_ctx_check(&own);
    if (status == FN_OK) status = job->fn(job->arg, &own, index);
    if (status == FN_OK) return;
    (void)pthread_mutex_lock(&job->lock);
    if (!atomic_load(&job->failed)) {
        job->ctx->error = own.error;
        if (!own.error.code) job->ctx->error.code = status;
        atomic_store(&job->failed, true);
    }
    (void)pthread_mutex_unlock(&job->lock);
}

fn_status parallel_run(fn_ctx *ctx, fn_pool *pool, parallel_fn *fn, void *arg, uint32_t count)
{
    parallel_job job = {.fn = fn, .arg = arg, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER};
    fn_status status = FN_OK;
    if (!pool || count < 2)
        for (uint32_t i = 0; i < count; i++) run_piece(&job, i);
    else status = fn_pool_run(ctx, pool, run_piece, &job, count);
    (void)pthread_mutex_destroy(&job.lock);
    return atomic_load(&job.failed) ? ctx->error.code : status;
}
