/* test_thread.c - the worker pool: every index runs once, runs nest, submitted tasks finish before free, offers run or are taken back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/arena.h>
#include <firn/thread.h>
#include <sched.h>
#include <stdio.h>

enum { WIDE = 500, DEEP = 8 };

typedef struct state {
    fn_pool *pool;
    fn_ctx *ctx;
    _Atomic int hits[WIDE];
    _Atomic int inner, submitted, holding;
    _Atomic bool go;
} state;

static void count_inner(void *arg, unsigned i)
{
    state *s = arg;
    (void)i;
    atomic_fetch_add(&s->inner, 1);
}

static void hit(void *arg, unsigned i)
{
    state *s = arg;
    atomic_fetch_add(&s->hits[i], 1);
    fn_ctx ctx = {0};
    FN_ASSERT(fn_pool_run(&ctx, s->pool, count_inner, s, DEEP) == FN_OK);
}

static void submitted(void *arg, unsigned worker)
{
    state *s = arg;
    FN_ASSERT(worker < 3);
    atomic_fetch_add(&s->submitted, 1);
}

static void hold(void *arg, unsigned index)
{
    state *s = arg;
    (void)index;
    atomic_fetch_add(&s->holding, 1);
    while (!atomic_load(&s->go)) (void)sched_yield();
}

static void offered(void *arg, unsigned index)
{
    state *s = arg;
    FN_ASSERT(index == 0);
    atomic_fetch_add(&s->inner, 1);
}

/* An offer is run once or taken back, never both; one that a worker began with is waited for. */
static void offers(state *s, fn_ctx *ctx)
{
    fn_offer *held[3];
    s->inner = 0;
    for (int i = 0; i < 3; i++) FN_ASSERT((held[i] = fn_pool_offer(ctx, s->pool, hold, s)) != NULL);
    while (atomic_load(&s->holding) < 3) (void)sched_yield();
    fn_offer *late = fn_pool_offer(ctx, s->pool, offered, s); /* every worker is busy */
    FN_ASSERT(late && fn_offer_take_back(late) && s->inner == 0);
    atomic_store(&s->go, true);
    for (int i = 0; i < 3; i++) FN_ASSERT(!fn_offer_take_back(held[i]));
    unsigned taken = 0;
    for (int i = 0; i < 2000; i++) {
        fn_offer *o = fn_pool_offer(ctx, s->pool, offered, s);
        FN_ASSERT(o);
        for (int k = i % 7 * 20; k > 0; k--) (void)atomic_load(&s->go);
        taken += fn_offer_take_back(o) ? 1u : 0u;
    }
    FN_ASSERT(taken + (unsigned)s->inner == 2000);
}

int main(void)
{
    static state s;
    fn_ctx ctx = {0};
    s.pool = fn_pool_new(&ctx, "test", 3);
    FN_ASSERT(s.pool && fn_pool_workers(s.pool) == 3);
    for (int i = 0; i < 100; i++) FN_ASSERT(fn_pool_submit(&ctx, s.pool, submitted, &s) == FN_OK);
    FN_ASSERT(fn_pool_run(&ctx, s.pool, hit, &s, WIDE) == FN_OK);
    for (int i = 0; i < WIDE; i++) FN_ASSERT(s.hits[i] == 1);
    FN_ASSERT(s.inner == WIDE * DEEP);
    FN_ASSERT(fn_pool_run(&ctx, NULL, count_inner, &s, DEEP) == FN_OK); /* without a pool: the caller alone */
    FN_ASSERT(s.inner == WIDE * DEEP + DEEP);
    offers(&s, &ctx);
    fn_pool_free(s.pool);
    FN_ASSERT(s.submitted == 100);
    return 0;
}
