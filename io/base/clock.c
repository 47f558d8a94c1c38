/* clock.c - the two clocks and the process's random numbers. Tests may replace the clocks before threads start;
 * random numbers come from the kernel once and go on as a counter behind a strong mix (not for secrets).
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/bits.h>
#include <firn/time.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now) != 0) return 0; /* cannot fail for the two ids used here */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t real_time(void)
{
    return read_clock(CLOCK_REALTIME);
}

static int64_t monotonic_time(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t (*realtime_source)(void) = real_time;
static int64_t (*monotonic_source)(void) = monotonic_time;

int64_t fn_clock_realtime_ns(void)
{
    return realtime_source();
}

int64_t fn_clock_monotonic_ns(void)
{
    return monotonic_source();
}

void fn_clock_set(int64_t (*realtime_ns)(void), int64_t (*monotonic_ns)(void))
{
    realtime_source = realtime_ns ? realtime_ns : real_time;
    monotonic_source = monotonic_ns ? monotonic_ns : monotonic_time;
}

static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t random_counter;
static uint64_t random_key;

static void seed(void)
{
    uint64_t words[2];
    const char *fixed = getenv("FIRN_SEED");
    if (fixed) {
        words[0] = strtoull(fixed, NULL, 10);
        words[1] = ~words[0];
    } else if (getrandom(words, sizeof words, 0) != (ssize_t)sizeof words) {
        words[0] = (uint64_t)real_time();
        words[1] = (uint64_t)monotonic_time();
    }
    random_key = words[1];
    atomic_store(&random_counter, words[0]);
}

uint64_t fn_random_u64(void)
{
    (void)pthread_once(&seed_once, seed);
    uint64_t x = atomic_fetch_add_explicit(&random_counter, 0x9e3779b97f4a7c15u, memory_order_relaxed);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return fn_hash_mix(x ^ (x >> 31), random_key);
}
