/* crew.c - see crew.h. `quick` counts the threads that wait or are at something short; the tending thread looks once per
 * millisecond, but only while nobody waits for events: an idle server sleeps. SPDX-License-Identifier: Apache-2.0 */
#include "loop/crew.h"
#include <errno.h>
#include <firn/thread.h>
#include <firn/time.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TICK_MS = 1, AWAKE_TICKS = 20, QUICK_MIN = 2 };

typedef struct member {
    crew *crew;
    pthread_t thread;
    _Atomic uint32_t turn;  /* odd: at a request */
    _Atomic bool slow;      /* not counted in `quick` */
    uint32_t turn_seen;     /* by the tending thread */
} member;

struct crew {
    poller *poller;
    crew_handle_fn *handle;
    void *arg;
    unsigned most, wanted;
    int wake;
    _Atomic unsigned waiting; /* for events */
    _Atomic bool dozing;      /* the tending thread sleeps long */
    _Atomic bool interrupted; /* the tending thread shall return */
    _Atomic bool stop;
    pthread_mutex_t lock;     /* the rest */
    pthread_cond_t call;      /* a resting thread is wanted, or the end */
    unsigned started, quick, resting, called;
    member *members;
};

static void lock(crew *c)
{
    FN_ASSERT(pthread_mutex_lock(&c->lock) == 0);
}

static void unlock(crew *c)
{
    FN_ASSERT(pthread_mutex_unlock(&c->lock) == 0);
}

static void poke(crew *c)
{
    const uint64_t one = 1;
    if (write(c->wake, &one, sizeof one) < 0) return; /* full: it is awake */
}

void crew_wake(crew *c)
{
    atomic_store(&c->interrupted, true);
    poke(c);
}

/* A thread that was slow counts again; with enough others it rests until it is called. */
static void come_back(crew *c)
{
    lock(c);
    if (++c->quick > c->wanted) {
        c->quick--;
        c->resting++;
        while (!c->called && !atomic_load(&c->stop)) FN_ASSERT(pthread_cond_wait(&c->call, &c->lock) == 0);
        c->resting--;
        if (c->called) c->called--; /* whoever called has counted it */
    }
    unlock(c);
}

static void take_turns(member *m, fn_ctx *ctx)
{
    crew *c = m->crew;
    while (!atomic_load_explicit(&c->stop, memory_order_relaxed)) {
        poll_event event;
        unsigned count;
        atomic_fetch_add(&c->waiting, 1);
        const fn_status status = c->poller->wait(c->poller, ctx, -1, &event, 1, &count);
        const bool last = atomic_fetch_sub(&c->waiting, 1) == 1;
        if (status != FN_OK) {
            fn_log(FN_LOG_ERROR, "net", "%s", ctx->error.text);
            fn_error_clear(ctx);
            continue;
        }
        if (!count) continue;
        atomic_fetch_add_explicit(&m->turn, 1, memory_order_relaxed);
        if (last && atomic_load(&c->dozing)) poke(c);
        c->handle(c->arg, ctx, event.data);
        atomic_fetch_add_explicit(&m->turn, 1, memory_order_relaxed);
        fn_arena_reset(ctx->arena);
        fn_error_clear(ctx);
        if (atomic_load_explicit(&m->slow, memory_order_relaxed) && atomic_exchange(&m->slow, false)) come_back(c);
    }
}

static void about_to_wait(void *arg);

static void *member_main(void *arg)
{
    fn_ctx ctx = {.arena = NULL};
    fn_thread_on_wait(about_to_wait, arg);
    ctx.arena = fn_arena_new(&ctx);
    if (ctx.arena) take_turns(arg, &ctx);
    fn_arena_free(ctx.arena);
    return NULL;
}

/* With the lock held. */
static bool start_member(crew *c)
{
    member *m = &c->members[c->started];
    m->crew = c;
    if (pthread_create(&m->thread, NULL, member_main, m) != 0) return false;
    (void)pthread_setname_np(m->thread, "http");
    c->started++;
    c->quick++;
    return true;
}

/* With the lock held. */
static void fill_up(crew *c)
{
    for (bool can = true; can && c->quick < c->wanted;) {
        if (c->resting > c->called) {
            c->called++;
            c->quick++;
            FN_ASSERT(pthread_cond_signal(&c->call) == 0);
        } else {
            can = c->started < c->most && start_member(c);
        }
    }
}

/* Marks the member as slow without waiting for the tick. */
static void about_to_wait(void *arg)
{
    member *m = arg;
    if (atomic_load_explicit(&m->slow, memory_order_relaxed)) return;
    lock(m->crew);
    if (!atomic_exchange(&m->slow, true)) {
        m->crew->quick--;
        fill_up(m->crew);
    }
    unlock(m->crew);
}

static void replace_slow(crew *c)
{
    lock(c);
    for (unsigned i = 0; i < c->started; i++) {
        member *m = &c->members[i];
        const uint32_t turn = atomic_load_explicit(&m->turn, memory_order_relaxed);
        if ((turn & 1) && turn == m->turn_seen && !atomic_load(&m->slow)) {
            atomic_store(&m->slow, true);
            c->quick--;
        }
        m->turn_seen = turn;
    }
    fill_up(c);
    unlock(c);
}

void crew_tend(crew *c, int timeout_ms)
{
    struct pollfd p = {c->wake, POLLIN, 0};
    unsigned ticks = 0;
    const int64_t until = fn_clock_monotonic_ns() + (int64_t)timeout_ms * 1000000; /* ticks are no clock: a loaded machine stretches them */
    for (int64_t left = timeout_ms; left > 0; left = (until - fn_clock_monotonic_ns()) / 1000000) {
        if (atomic_load(&c->waiting) == 0) ticks = AWAKE_TICKS;
        else if (ticks) ticks--;
        const bool doze = ticks == 0;
        /* A thread that leaves nobody waiting looks at `dozing` behind its own mark: one of the two sees the other. */
        atomic_store(&c->dozing, doze);
        if (doze && atomic_load(&c->waiting) == 0) continue;
        const int n = poll(&p, 1, doze ? (int)left : TICK_MS);
        atomic_store(&c->dozing, false);
        if (n == 0 && doze) return;
        uint64_t count;
        if (n > 0 && read(c->wake, &count, sizeof count) < 0 && errno != EAGAIN) return;
        if (n > 0 && atomic_exchange(&c->interrupted, false)) return;
        replace_slow(c);
    }
}

fn_status crew_open(fn_ctx *ctx, poller *from, crew_handle_fn *handle, void *arg, unsigned most, crew **out)
{
    crew *c = fn_alloc_zero(ctx, sizeof *c);
    FN_TRY_PTR(ctx, c);
    c->poller = from;
    c->handle = handle;
    c->arg = arg;
    c->most = FN_MAX(most, 1u);
    c->wanted = FN_MIN(c->most, FN_MAX(fn_cpu_count(), (unsigned)QUICK_MIN));
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->members = fn_alloc_zero(ctx, c->most * sizeof *c->members);
    FN_ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&c->call, NULL) == 0);
    *out = c;
    if (c->wake < 0) return fn_fail_errno(ctx, FN_NETWORK_ERROR, errno, "eventfd");
    FN_TRY_PTR(ctx, c->members);
    lock(c);
    bool good = true;
    while (good && c->started < c->wanted) good = start_member(c);
    unlock(c);
    return good ? FN_OK : fn_fail(ctx, FN_CANNOT_SCHEDULE_TASK, "Cannot create the threads of the HTTP server");
}

void crew_close(crew *c)
{
    if (!c) return;
    lock(c);
    atomic_store(&c->stop, true);
    FN_ASSERT(pthread_cond_broadcast(&c->call) == 0);
    const unsigned started = c->started;
    unlock(c);
    c->poller->wake(c->poller);
    for (unsigned i = 0; i < started; i++) FN_ASSERT(pthread_join(c->members[i].thread, NULL) == 0);
    if (c->wake >= 0) (void)close(c->wake);
    (void)pthread_cond_destroy(&c->call);
    (void)pthread_mutex_destroy(&c->lock);
    fn_free(c->members);
    fn_free(c);
}
