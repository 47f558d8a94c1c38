/* pages.c - large blocks of memory, kept for reuse by size class instead of being given back to the system.
 *
 * In a virtual machine a fresh page costs about 2 microseconds per 4 KiB: more than decoding or hashing what is written to it.
 * Blocks up to 1 MiB are cut from 32 MiB regions backed by huge pages where the system has them; larger ones are mapped one by
 * one. Eight classes per doubling keep the waste below 1/8.
 *
 * Blocks that lie unused are warm (their pages are there) or cold (addresses alone). When the warm ones pass kept_max, classes are
 * gone through and give up what they did not need since the last time, until a quarter is free again: what a running query gives
 * back and takes anew stays warm, what an earlier one left behind goes. What nobody needs for a minute goes by itself. SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"
#include <firn/bits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

enum { REGION = 32 << 20, CUT_TO = 1 << 20, HUGE_PAGE = 2 << 20, PAGE = 4096, STEPS = 8, CLASSES = 12 * STEPS };
static const size_t KEPT_MOST = (size_t)1024 << 20;

typedef struct free_block {
    struct free_block *next;
} free_block;
typedef struct size_class {
    _Alignas(64) pthread_mutex_t lock;
    free_block *warm, *cold;
    size_t warm_count, warm_least; /* least: since the last trim; so many were not needed */
} size_class;

static size_class classes[CLASSES];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t region_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *region, *region_end;
static _Atomic size_t kept;                /* bytes of warm blocks */
static pthread_mutex_t trim_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t kept_max; /* 1/8 of the memory, KEPT_MOST at most */

static void begin(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    kept_max = pages > 0 && page > 0 ? FN_MIN((size_t)pages / 8 * (size_t)page, KEPT_MOST) : KEPT_MOST;
    for (size_t i = 0; i < CLASSES; i++) FN_ASSERT(pthread_mutex_init(&classes[i].lock, NULL) == 0);
}

/* Class of a size and the size of its blocks: PAGES_FROM x 2^(class / 8) x (1 + class % 8 / 8). */
static size_t class_of(size_t bytes, size_t *size)
{
    const unsigned doubling = bytes <= PAGES_FROM ? 0 : 63u - (unsigned)__builtin_clzll((bytes - 1) / PAGES_FROM);
    const size_t base = (size_t)PAGES_FROM << doubling, step = base / STEPS;
    const size_t above = bytes > base ? (bytes - base + step - 1) / step : 0;
    *size = base + above * step;
    return above == STEPS ? (doubling + 1) * STEPS : doubling * STEPS + above;
}

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    if (bytes >= HUGE_PAGE) (void)madvise(p, bytes, MADV_HUGEPAGE); /* a wish */
    return p;
}

static void *cut(size_t size)
{
    FN_ASSERT(pthread_mutex_lock(&region_lock) == 0);
    if ((size_t)(region_end - region) < size) { /* the rest of the old one is given up */
        region = map(REGION);
        region_end = region ? region + REGION : NULL;
    }
    uint8_t *block = region;
    if (region) region += size;
    FN_ASSERT(pthread_mutex_unlock(&region_lock) == 0);
    return block;
}

static size_t size_of_class(unsigned index)
{
    const size_t base = (size_t)PAGES_FROM << (index / STEPS);
    return base + index % STEPS * (base / STEPS);
}

void *pages_get(size_t bytes)
{
    size_t size;
    FN_ASSERT(pthread_once(&once, begin) == 0);
    size_class *c = &classes[class_of(bytes, &size)];
    FN_ASSERT(pthread_mutex_lock(&c->lock) == 0);
    free_block *const warm = c->warm, *const cold = warm ? NULL : c->cold;
    if (warm) {
        c->warm = warm->next;
        c->warm_count--;
        c->warm_least = FN_MIN(c->warm_least, c->warm_count);
    } else if (cold) {
        c->cold = cold->next;
    }
    FN_ASSERT(pthread_mutex_unlock(&c->lock) == 0);
    if (warm) {
        atomic_fetch_sub_explicit(&kept, size, memory_order_relaxed);
        return warm;
    }
    if (cold) return cold;
    return size <= CUT_TO ? cut(size) : map(size);
}

/* Takes up to `count` of the warm blocks that have lain longest (the end of the list) out of a class. */
static free_block *take_warm(size_class *c, size_t count)
{
    free_block **at = &c->warm;
    for (size_t stay = c->warm_count - count; stay; stay--) at = &(*at)->next;
    free_block *taken = *at;
    *at = NULL;
    c->warm_count -= count;
    return taken;
}

/* Gives pages back: of each class what was not needed since the last time, or (`half`) half of what is there. */
static void trim_class(size_class *c, size_t size, bool half)
{
    FN_ASSERT(pthread_mutex_lock(&c->lock) == 0);
    const size_t count = half ? (c->warm_count + 1) / 2 : c->warm_least;
    free_block *taken = take_warm(c, count), *last = NULL;
    c->warm_least = c->warm_count;
    FN_ASSERT(pthread_mutex_unlock(&c->lock) == 0);
    if (!taken) return;
    for (free_block *b = taken, *next; b; b = next) {
        next = b->next;
        last = b;
        if (size > CUT_TO) (void)munmap(b, size);
        else (void)madvise((uint8_t *)b + PAGE, size - PAGE, MADV_DONTNEED); /* the first page holds the link */
    }
    atomic_fetch_sub_explicit(&kept, count * size, memory_order_relaxed);
    if (size > CUT_TO) return;
    FN_ASSERT(pthread_mutex_lock(&c->lock) == 0);
    last->next = c->cold;
    c->cold = taken;
    FN_ASSERT(pthread_mutex_unlock(&c->lock) == 0);
}

static void trim(void)
{
    if (pthread_mutex_trylock(&trim_lock) != 0) return; /* somebody is at it */
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = CLASSES; i-- > 0 && atomic_load_explicit(&kept, memory_order_relaxed) > kept_max / 4 * 3;)
            trim_class(&classes[i], size_of_class(i), round == 1);
    FN_ASSERT(pthread_mutex_unlock(&trim_lock) == 0);
}

void pages_age(void)
{
    FN_ASSERT(pthread_once(&once, begin) == 0);
    FN_ASSERT(pthread_mutex_lock(&trim_lock) == 0);
    for (unsigned i = 0; i < CLASSES; i++) trim_class(&classes[i], size_of_class(i), false);
    FN_ASSERT(pthread_mutex_unlock(&trim_lock) == 0);
}

void pages_put(void *p, size_t bytes)
{
    size_t size;
    free_block *block = p;
    size_class *c = &classes[class_of(bytes, &size)];
    FN_ASSERT(pthread_mutex_lock(&c->lock) == 0);
    block->next = c->warm;
    c->warm = block;
    c->warm_count++;
    FN_ASSERT(pthread_mutex_unlock(&c->lock) == 0);
    if (atomic_fetch_add_explicit(&kept, size, memory_order_relaxed) + size > kept_max) trim();
}
