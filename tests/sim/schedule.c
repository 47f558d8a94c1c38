/* schedule.c - see schedule.h. A fiber that waits names what for: a lock (its address), a condition, the end of a fiber.
 * SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

enum { FIBERS_MAX = 64, STACK_BYTES = 4 << 20, SWITCH_PERCENT = 20 };

typedef enum fiber_state { FIBER_FREE, FIBER_READY, FIBER_WAITS, FIBER_ENDED } fiber_state;

typedef struct fiber {
    fiber_state state;
    const void *waits_for;  /* NULL: only for the moment */
    int64_t until_ns;       /* INT64_MAX: no moment */
    bool timed_out;
    ucontext_t context;
    void *(*run)(void *);
    void *arg, *result;
    void *stack, *fake_stack;
    const void *stack_bottom;
    size_t stack_size;
} fiber;

static struct {
    bool active, mix;
    unsigned count;         /* fibers ever used */
    fiber *current;
    int64_t now_ns;
    sim_random order, numbers;
    fiber fibers[FIBERS_MAX];
} sim;

uint64_t sim_draw(sim_random *r, uint64_t below)
{
    r->state += 0x9e3779b97f4a7c15u;
    uint64_t x = r->state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (x ^ (x >> 31)) % below;
}

/* ---- switching ---- */
static void before_switch(fiber *to, bool ends)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(ends ? NULL : &sim.current->fake_stack, to->stack_bottom, to->stack_size);
#else
    (void)to, (void)ends;
#endif
}

static void after_switch(fiber *self, fiber *from)
{
#if defined(__SANITIZE_ADDRESS__)
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &size);
    if (from && !from->stack_bottom) { /* the first fiber's stack is the thread's: learnt when it is left */
        from->stack_bottom = bottom;
        from->stack_size = size;
    }
#else
    (void)self, (void)from;
#endif
}

static fiber *switched_from;

static void switch_to(fiber *to)
{
    fiber *self = sim.current;
    if (to == self) return;
    before_switch(to, self->state == FIBER_ENDED);
    switched_from = self;
    sim.current = to;
    FN_ASSERT(swapcontext(&self->context, &to->context) == 0);
    after_switch(self, switched_from);
}

static void wake_timed(void)
{
    for (unsigned i = 0; i < sim.count; i++) {
        fiber *f = &sim.fibers[i];
        if (f->state != FIBER_WAITS || f->until_ns > sim.now_ns) continue;
        f->state = FIBER_READY;
        f->timed_out = true;
    }
}

static fiber *choose(void)
{
    for (;;) {
        unsigned ready = 0;
        int64_t next = INT64_MAX;
        wake_timed();
        for (unsigned i = 0; i < sim.count; i++) {
            ready += sim.fibers[i].state == FIBER_READY;
            if (sim.fibers[i].state == FIBER_WAITS) next = FN_MIN(next, sim.fibers[i].until_ns);
        }
        if (ready) {
            uint64_t pick = sim_draw(&sim.order, ready);
            for (unsigned i = 0; i < sim.count; i++)
                if (sim.fibers[i].state == FIBER_READY && pick-- == 0) return &sim.fibers[i];
        }
        FN_ASSERT(next != INT64_MAX); /* a deadlock: everybody waits for somebody */
        sim.now_ns = next;
    }
}

void sim_yield(void)
{
    if (!sim.active || !sim.mix || !sim_chance(&sim.order, SWITCH_PERCENT)) return;
    switch_to(choose());
}

static bool wait_for(const void *what, int64_t until_ns)
{
    fiber *self = sim.current;
    self->state = FIBER_WAITS;
    self->waits_for = what;
    self->until_ns = until_ns;
    self->timed_out = false;
    switch_to(choose());
    return !self->timed_out;
}

static void wake(const void *what, bool all)
{
    unsigned waiting = 0;
    for (unsigned i = 0; i < sim.count; i++) waiting += sim.fibers[i].state == FIBER_WAITS && sim.fibers[i].waits_for == what;
    uint64_t pick = waiting && !all ? sim_draw(&sim.order, waiting) : 0;
    for (unsigned i = 0; i < sim.count && waiting; i++) {
        fiber *f = &sim.fibers[i];
        if (f->state == FIBER_WAITS && f->waits_for == what && (all || pick-- == 0)) f->state = FIBER_READY;
    }
}

void sim_sleep(int64_t ns)
{
    (void)wait_for(NULL, sim.now_ns + ns);
}

void sim_schedule_mix(bool mix)
{
    sim.mix = mix;
}

void sim_schedule_begin(uint64_t seed)
{
    FN_ASSERT(!sim.active);
    for (unsigned i = 0; i < sim.count; i++) FN_ASSERT(sim.fibers[i].state == FIBER_FREE);
    sim.order.state = seed;
    sim.numbers.state = ~seed;
    sim.now_ns = (int64_t)1700000000 * 1000000000;
    sim.count = FN_MAX(sim.count, 1u);
    sim.current = &sim.fibers[0];
    sim.current->state = FIBER_READY;
    sim.mix = true;
    sim.active = true;
}

void sim_schedule_end(void)
{
    FN_ASSERT(sim.current == &sim.fibers[0]);
    for (unsigned i = 1; i < sim.count; i++) FN_ASSERT(sim.fibers[i].state == FIBER_FREE); /* somebody was not joined */
    sim.fibers[0].state = FIBER_FREE;
    sim.active = false;
}

/* ---- what firn calls ---- */
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_broadcast(pthread_cond_t *cond);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_nanosleep(const struct timespec *wish, struct timespec *left);
int __wrap_sched_yield(void);
uint64_t __wrap_fn_random_u64(void);
int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __real_clock_gettime(clockid_t id, struct timespec *out);
uint64_t __real_fn_random_u64(void);

static void run_fiber(void)
{
    fiber *self = sim.current;
    after_switch(self, switched_from);
    self->result = self->run(self->arg);
    self->state = FIBER_ENDED;
    wake(self, true);
    switch_to(choose());
    abort(); /* nobody comes back */
}

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    (void)attr;
    FN_ASSERT(sim.active);
    unsigned i = 1;
    while (i < sim.count && sim.fibers[i].state != FIBER_FREE) i++;
    if (i == FIBERS_MAX) return EAGAIN;
    sim.count = FN_MAX(sim.count, i + 1);
    fiber *f = &sim.fibers[i];
    if (!f->stack) {
        f->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        FN_ASSERT(f->stack != MAP_FAILED);
        f->stack_bottom = f->stack;
        f->stack_size = STACK_BYTES;
#if defined(__SANITIZE_ADDRESS__)
        __lsan_register_root_region(f->stack, STACK_BYTES); /* what only a waiting fiber knows is not lost */
#endif
    }
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(f->stack, STACK_BYTES); /* frames of the last fiber never returned */
#endif
    f->run = run;
    f->arg = arg;
    f->fake_stack = NULL;
    FN_ASSERT(getcontext(&f->context) == 0);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_BYTES;
    f->context.uc_link = NULL;
    makecontext(&f->context, run_fiber, 0);
    f->state = FIBER_READY;
    *out = (pthread_t)i;
    sim_yield();
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    fiber *f = &sim.fibers[thread];
    FN_ASSERT(thread < sim.count && f->state != FIBER_FREE);
    while (f->state != FIBER_ENDED) (void)wait_for(f, INT64_MAX);
    if (result) *result = f->result;
    f->state = FIBER_FREE;
    return 0;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name)
{
    (void)thread, (void)name;
    return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
    if (!sim.active) return __real_pthread_mutex_lock(lock);
    sim_yield();
    while (pthread_mutex_trylock(lock) != 0) (void)wait_for(lock, INT64_MAX);
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
    const int err = __real_pthread_mutex_unlock(lock);
    if (sim.active) wake(lock, true);
    return err;
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    sim_yield();
    while (pthread_rwlock_tryrdlock(lock) != 0) (void)wait_for(lock, INT64_MAX);
    return 0;
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    sim_yield();
    while (pthread_rwlock_trywrlock(lock) != 0) (void)wait_for(lock, INT64_MAX);
    return 0;
}

int __real_pthread_rwlock_unlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    const int err = __real_pthread_rwlock_unlock(lock);
    if (sim.active) wake(lock, true);
    return err;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock)
{
    (void)__wrap_pthread_mutex_unlock(lock);
    (void)wait_for(cond, INT64_MAX);
    return __wrap_pthread_mutex_lock(lock);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until)
{
    (void)__wrap_pthread_mutex_unlock(lock);
    const bool woken = wait_for(cond, (int64_t)until->tv_sec * 1000000000 + until->tv_nsec);
    (void)__wrap_pthread_mutex_lock(lock);
    return woken ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
    wake(cond, false);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond)
{
    wake(cond, true);
    return 0;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    if (!sim.active) return __real_clock_gettime(id, out);
    sim.now_ns += 1000;
    *out = (struct timespec){.tv_sec = (time_t)(sim.now_ns / 1000000000), .tv_nsec = (long)(sim.now_ns % 1000000000)};
    return 0;
}

int __wrap_nanosleep(const struct timespec *wish, struct timespec *left)
{
    if (left) *left = (struct timespec){0};
    sim_sleep((int64_t)wish->tv_sec * 1000000000 + wish->tv_nsec);
    return 0;
}

int __wrap_sched_yield(void)
{
    sim_yield();
    return 0;
}

uint64_t __wrap_fn_random_u64(void)
{
    return sim.active ? sim_draw(&sim.numbers, UINT64_MAX) : __real_fn_random_u64();
}
