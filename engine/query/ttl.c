/* ttl.c - what the engine does by itself every now and then: dropped tables go, the catalog's log is synced, memory goes back to the system,
 * and tables with a TTL are asked to merge what is due. SPDX-License-Identifier: Apache-2.0 */
#include "query/ttl.h"
#include "query/dropped.h"

enum { TICK_S = 1, TRIM_TICKS = 10, TTL_TICKS = 60 };

struct ttl_worker {
    fn_engine *engine;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, running;
};

void ttl_look_at_all(fn_engine *engine)
{
    catalog_names *names = catalog_names_get(engine->catalog);
    for (uint32_t d = 0; d < names->count; d++)
        for (uint32_t i = 0; i < names->databases[d].count; i++) mt_ttl_schedule(names->databases[d].entries[i].table);
    catalog_names_drop(names);
}

static void *work(void *self)
{
    ttl_worker *w = self;
    unsigned ticks = 0;
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    while (!w->stop) {
        struct timespec until;
        FN_ASSERT(clock_gettime(CLOCK_REALTIME, &until) == 0);
        until.tv_sec += TICK_S;
        (void)pthread_cond_timedwait(&w->wake, &w->lock, &until);
        if (w->stop) break;
        FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
        dropped_purge(w->engine);
        catalog_log_sync(w->engine->catalog);
        if (++ticks % TRIM_TICKS == 0) fn_memory_trim();
        if (ticks % TTL_TICKS == 0) ttl_look_at_all(w->engine);
        FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    }
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
    return NULL;
}

fn_status ttl_worker_start(fn_ctx *ctx, fn_engine *engine, ttl_worker **out)
{
    ttl_worker *w = fn_alloc_zero(ctx, sizeof *w);
    FN_TRY_PTR(ctx, w);
    w->engine = engine;
    FN_ASSERT(pthread_mutex_init(&w->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&w->wake, NULL) == 0);
    w->running = pthread_create(&w->thread, NULL, work, w) == 0;
    *out = w;
    return w->running ? FN_OK : fn_fail(ctx, FN_CANNOT_SCHEDULE_TASK, "The thread of TTL cannot be started");
}

void ttl_worker_stop(ttl_worker *w)
{
    if (!w) return;
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    w->stop = true;
    FN_ASSERT(pthread_cond_broadcast(&w->wake) == 0);
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
    if (w->running) FN_ASSERT(pthread_join(w->thread, NULL) == 0);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->lock);
    fn_free(w);
}
