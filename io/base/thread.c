/* thread.c - a fixed pool of workers over one queue, and fn_pool_run: a loop spread over the pool in which the
 * calling thread takes part.
 *
 * Queue entries are linked; those of fn_pool_submit live on the heap, those of fn_pool_run lie in the caller's
 * frame: before it returns the caller unlinks the ones no worker has taken and waits for the others. The caller
 * alone can do all the work, therefore a run started from inside a task, or on a busy pool, always ends.
 * Short loops join the queue's front (someone is waiting for them), submitted and offered tasks its back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <firn/arena.h>
#include <firn/counts.h>
#include <firn/thread.h>
#include <stdio.h>
#include <string.h>

typedef struct loop loop;
typedef struct entry entry;
struct entry {
    entry *next, *previous; /* in the queue */
    fn_task_fn *fn;
    void *arg;
    loop *loop; /* NULL: a submitted task, freed by the worker */
};

struct loop {
    fn_task_fn *fn;
    void *arg;
    unsigned count;
    _Atomic unsigned next; /* index to be run */
    unsigned helpers;      /* workers inside; under the pool's lock */
    fn_counts counts;      /* of helpers that are done; likewise */
};

struct fn_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;     /* queue not empty, or closing */
    pthread_cond_t finished; /* a helper left its loop */
    entry head;              /* ring */
    unsigned workers;
    unsigned started;
    bool closing;
    char name[16];
    pthread_t *threads;
};

typedef struct thread_start {
    fn_pool *pool;
    unsigned worker;
} thread_start;

static void take_lock(fn_pool *p)
{
    FN_ASSERT(pthread_mutex_lock(&p->lock) == 0);
}

static void give_lock(fn_pool *p)
{
    FN_ASSERT(pthread_mutex_unlock(&p->lock) == 0);
}

static void link_between(entry *e, entry *previous, entry *next)
{
    e->previous = previous;
    e->next = next;
    previous->next = e;
    next->previous = e;
}

static void unlink_entry(entry *e)
{
    e->previous->next = e->next;
    e->next->previous = e->previous;
    e->next = e->previous = NULL;
}

static void run_indexes(loop *l)
{
    for (;;) {
        const unsigned i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);
        if (i >= l->count) return;
        l->fn(l->arg, i);
    }
}

/* Called and left with the lock held. */
static void run_entry(fn_pool *p, entry *e, unsigned worker)
{
    loop *l = e->loop;
    fn_counts before, done;
    unlink_entry(e);
    if (l) l->helpers++;
    give_lock(p);
    if (l) {
        fn_counts_now(&before);
        run_indexes(l); /* e is not touched any more: the caller may be gone once helpers is 0 */
        fn_counts_since(&before, &done);
    } else {
        e->fn(e->arg, worker);
        fn_free(e);
    }
    take_lock(p);
    if (l) fn_counts_add(&l->counts, &done);
    if (l && --l->helpers == 0) FN_ASSERT(pthread_cond_broadcast(&p->finished) == 0);
}

static void *work(void *arg)
{
    thread_start start = *(thread_start *)arg;
    fn_free(arg);
    fn_pool *p = start.pool;
    take_lock(p);
    for (;;) {
        while (p->head.next == &p->head && !p->closing) FN_ASSERT(pthread_cond_wait(&p->work, &p->lock) == 0);
        if (p->head.next == &p->head) break; /* closing and nothing left */
        run_entry(p, p->head.next, start.worker);
    }
    give_lock(p);
    return NULL;
}

static fn_status start_thread(fn_ctx *ctx, fn_pool *p, unsigned worker)
{
    thread_start *start = fn_alloc(ctx, sizeof *start);
    FN_TRY_PTR(ctx, start);
    *start = (thread_start){p, worker};
    const int err = pthread_create(&p->threads[worker], NULL, work, start);
    if (err) {
        fn_free(start);
        return fn_fail_errno(ctx, FN_CANNOT_SCHEDULE_TASK, err, "Cannot create thread %u of pool %s", worker, p->name);
    }
    (void)pthread_setname_np(p->threads[worker], p->name); /* for top and gdb only */
    return FN_OK;
}

fn_pool *fn_pool_new(fn_ctx *ctx, const char *name, unsigned workers)
{
    FN_ASSERT(workers > 0);
    fn_pool *p = fn_alloc_zero(ctx, sizeof *p);
    if (!p) return NULL;
    p->threads = fn_alloc_zero(ctx, workers * sizeof *p->threads);
    if (!p->threads) {
        fn_free(p);
        return NULL;
    }
    FN_ASSERT(pthread_mutex_init(&p->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&p->work, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&p->finished, NULL) == 0);
    p->head.next = p->head.previous = &p->head;
    p->workers = workers;
    (void)snprintf(p->name, sizeof p->name, "%s", name);
    for (unsigned i = 0; i < workers; i++) {
        if (start_thread(ctx, p, i) != FN_OK) {
            fn_pool_free(p);
            return NULL;
        }
        p->started++;
    }
    return p;
}

void fn_pool_free(fn_pool *p)
{
    if (!p) return;
    take_lock(p);
    p->closing = true;
    FN_ASSERT(pthread_cond_broadcast(&p->work) == 0);
    give_lock(p);
    for (unsigned i = 0; i < p->started; i++) FN_ASSERT(pthread_join(p->threads[i], NULL) == 0);
    (void)pthread_cond_destroy(&p->finished);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    fn_free(p->threads);
    fn_free(p);
}

unsigned fn_pool_workers(const fn_pool *p)
{
    return p->workers;
}

fn_status fn_pool_submit(fn_ctx *ctx, fn_pool *p, fn_task_fn *fn, void *arg)
{
    entry *e = fn_alloc_zero(ctx, sizeof *e);
    FN_TRY_PTR(ctx, e);
    e->fn = fn;
    e->arg = arg;
    take_lock(p);
    FN_ASSERT(!p->closing);
    link_between(e, p->head.previous, &p->head);
    FN_ASSERT(pthread_cond_signal(&p->work) == 0);
    give_lock(p);
    return FN_OK;
}

fn_status fn_pool_run(fn_ctx *ctx, fn_pool *p, fn_task_fn *fn, void *arg, unsigned count)
{
    enum { HELPERS_MAX = 64 };
    (void)ctx;
    entry entries[HELPERS_MAX];
    loop l = {.fn = fn, .arg = arg, .count = count};
    unsigned wanted = count > 1 && p ? FN_MIN(count - 1, p->workers) : 0;
    wanted = FN_MIN(wanted, (unsigned)HELPERS_MAX);
    if (wanted) {
        take_lock(p);
        for (unsigned i = 0; i < wanted; i++) {
            entries[i] = (entry){.loop = &l};
            link_between(&entries[i], &p->head, p->head.next);
            FN_ASSERT(pthread_cond_signal(&p->work) == 0);
        }
        give_lock(p);
    }
    run_indexes(&l);
    if (wanted) {
        take_lock(p);
        for (unsigned i = 0; i < wanted; i++)
            if (entries[i].next) unlink_entry(&entries[i]);
        while (l.helpers) FN_ASSERT(pthread_cond_wait(&p->finished, &p->lock) == 0);
        give_lock(p);
        fn_counts_add(&fn_thread_counts, &l.counts);
    }
    return FN_OK;
}

/* A loop of one round, in which the offering thread takes no part. */
struct fn_offer {
    loop loop;
    entry entry;
    fn_pool *pool;
};

fn_offer *fn_pool_offer(fn_ctx *ctx, fn_pool *p, fn_task_fn *fn, void *arg)
{
    fn_offer *o = fn_alloc_zero(ctx, sizeof *o);
    if (!o) return NULL;
    o->pool = p;
    o->loop = (loop){.fn = fn, .arg = arg, .count = 1};
    o->entry.loop = &o->loop;
    take_lock(p);
    FN_ASSERT(!p->closing);
    link_between(&o->entry, p->head.previous, &p->head);
    FN_ASSERT(pthread_cond_signal(&p->work) == 0);
    give_lock(p);
    return o;
}

bool fn_offer_take_back(fn_offer *o)
{
    fn_pool *p = o->pool;
    take_lock(p);
    const bool waiting = o->entry.next != NULL;
    if (waiting) unlink_entry(&o->entry);
    while (o->loop.helpers) FN_ASSERT(pthread_cond_wait(&p->finished, &p->lock) == 0);
    give_lock(p);
    fn_counts_add(&fn_thread_counts, &o->loop.counts);
    fn_free(o);
    return waiting;
}

static _Thread_local void (*wait_hook)(void *arg);
static _Thread_local void *wait_arg;

void fn_thread_on_wait(void (*hook)(void *arg), void *arg)
{
    wait_hook = hook;
    wait_arg = arg;
}

void fn_thread_waits(void)
{
    if (wait_hook) wait_hook(wait_arg);
}
