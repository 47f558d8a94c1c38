/* test_thread.c - the worker pool: every index runs once, runs nest, submitted tasks finish before free.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/arena.h>
#include <firn/thread.h>
#include <stdio.h>

enum { WIDE = 500, DEEP = 8 };

typedef struct state {
    fn_pool *pool;
    fn_ctx *ctx;
    _Atomic int hits[WIDE];
    _Atomic int inner, submitted;
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
    fn_pool_free(s.pool);
    FN_ASSERT(s.submitted == 100);
    return 0;
}
