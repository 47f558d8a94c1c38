/* pages.c - large blocks of memory, kept for reuse instead of being given back to the system.
 *
 * In a virtual machine a fresh page costs about 2 microseconds per 4 KiB: more than decoding or hashing what is written to it. So
 * blocks of all sizes share regions backed by huge pages where the system has them, and whoever needs memory gets the first gap that
 * is wide enough: what is in use stays together at the front, in memory that is there already, and huge pages behind become free as
 * a whole. A region counts its pages in bits; its own description is in its first ones.
 *
 * Free pages that were touched are `kept` as they are. When they pass kept_max, those furthest behind go back to the system until
 * three quarters are left; and so do, within a minute or two, those of a huge page of which nobody took a block for that long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"
#include <firn/bits.h>
#include <pthread.h>
#include <sys/mman.h>

enum { PAGE = 4096, HUGE_PAGE = 2 << 20, IN_HUGE = HUGE_PAGE / PAGE, REGION = 512 << 20, PAGES = REGION / PAGE, HUGES = REGION / HUGE_PAGE };
static const uint64_t KEPT_MOST = (uint64_t)4096 << 20;
_Static_assert((size_t)REGION >= 2 * (size_t)PAGES_TO, "a block fits beside the description");

typedef struct huge_page {
    uint16_t used;    /* pages of blocks in use */
    uint16_t longest; /* no gap of more pages begins and ends here; where the last search was, exactly */
    bool touched;     /* free pages of it may be backed by memory: counted in `kept` */
    bool wanted;      /* a block was taken from it since pages_age was here */
} huge_page;

typedef struct region region;
struct region {
    region *before, *after; /* in the order of their making */
    unsigned free; /* pages */
    huge_page huge[HUGES];
    uint64_t used[PAGES / 64]; /* a bit for each page */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static region *first, *last;
static size_t kept, kept_max; /* pages; the most: 1/8 of the memory, KEPT_MOST at most */

static void mark(region *r, unsigned at, unsigned count, bool used)
{
    for (unsigned end = at + count; at < end;) {
        const unsigned bit = at % 64, here = FN_MIN(64 - bit, end - at);
        const uint64_t bits = (~(uint64_t)0 >> (64 - here)) << bit;
        if (used) r->used[at / 64] |= bits;
        else r->used[at / 64] &= ~bits;
        at += here;
    }
}

/* The first page from `at` on that is in use (or is not), `end` if there is none before it. */
static unsigned next(const region *r, unsigned at, unsigned end, bool used)
{
    while (at < end) {
        const uint64_t bits = (used ? r->used[at / 64] : ~r->used[at / 64]) >> at % 64;
        if (bits) return FN_MIN(at + (unsigned)__builtin_ctzll(bits), end);
        at = (at / 64 + 1) * 64;
    }
    return end;
}

/* The first gap of `count` pages between two pages; `end` if there is none, the longest one's length then in *longest. */
static unsigned find_gap(const region *r, unsigned at, unsigned end, unsigned count, unsigned *longest)
{
    for (*longest = 0; at < end;) {
        const unsigned begin = next(r, at, end, false);
        at = next(r, begin, end, true);
        if (at - begin >= count) return begin;
        *longest = FN_MAX(*longest, at - begin);
    }
    return end;
}

/* Small blocks lie within one huge page, large ones where there is room. PAGES if there is none. */
static unsigned find(region *r, unsigned count)
{
    unsigned longest, at;
    if (r->free < count) return PAGES;
    if (count > IN_HUGE / 2) return find_gap(r, 0, PAGES, count, &longest);
    for (unsigned i = 0; i < HUGES; i++) {
        if (r->huge[i].longest < count) continue;
        at = find_gap(r, i * IN_HUGE, (i + 1) * IN_HUGE, count, &longest);
        if (at < (i + 1) * IN_HUGE) return at;
        r->huge[i].longest = (uint16_t)longest;
    }
    return PAGES;
}

/* What changes about one huge page: pages in use, and whether its free pages are there. */
static void change(region *r, huge_page *h, unsigned used, bool touched)
{
    if (h->touched) kept -= IN_HUGE - h->used;
    r->free += h->used;
    r->free -= used;
    h->used = (uint16_t)used;
    h->touched = touched;
    if (touched) kept += IN_HUGE - used;
}

static void take(region *r, unsigned at, unsigned count)
{
    mark(r, at, count, true);
    for (unsigned end = at + count, here; at < end; at += here) {
        huge_page *h = &r->huge[at / IN_HUGE];
        here = FN_MIN(IN_HUGE - at % IN_HUGE, end - at);
        change(r, h, h->used + here, true);
        h->wanted = true;
    }
}

static void give(region *r, unsigned at, unsigned count)
{
    mark(r, at, count, false);
    for (unsigned end = at + count, here; at < end; at += here) {
        huge_page *h = &r->huge[at / IN_HUGE];
        here = FN_MIN(IN_HUGE - at % IN_HUGE, end - at);
        change(r, h, h->used - here, true);
        h->longest = IN_HUGE;
    }
}

/* Twice the room is asked for and what surrounds the aligned half is returned: a block's region is found from its address. */
static region *make(void)
{
    uint8_t *p = mmap(NULL, 2 * (size_t)REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return NULL;
    const size_t head = (size_t)(-(uintptr_t)p % REGION);
    if (head) (void)munmap(p, head);
    (void)munmap(p + head + REGION, REGION - head);
    region *r = (region *)(void *)(p + head);
    (void)madvise(r, REGION, MADV_HUGEPAGE); /* a wish */
    for (unsigned i = 0; i < HUGES; i++) r->huge[i].longest = IN_HUGE;
    r->free = PAGES;
    take(r, 0, (sizeof *r + PAGE - 1) / PAGE);
    r->before = last;
    if (last) last->after = r;
    else first = r;
    last = r;
    return r;
}

void *pages_get(size_t bytes)
{
    const unsigned count = (unsigned)((bytes + PAGE - 1) / PAGE);
    unsigned at = PAGES;
    FN_ASSERT(pthread_mutex_lock(&lock) == 0);
    region *r = first;
    while (r && (at = find(r, count)) == PAGES) r = r->after;
    if (!r && (r = make())) at = find(r, count);
    if (r) take(r, at, count);
    FN_ASSERT(pthread_mutex_unlock(&lock) == 0);
    return r ? (uint8_t *)r + (size_t)at * PAGE : NULL;
}

/* The free pages of one huge page go back to the system; meanwhile they are nobody's, and the lock is open. What others put back in
 * that time stays for the next time. */
static void give_back(region *r, unsigned i)
{
    const unsigned begin = i * IN_HUGE, end = begin + IN_HUGE;
    huge_page *h = &r->huge[i];
    unsigned given = 0;
    for (unsigned at = next(r, begin, end, false), gap_end; at < end; at = next(r, gap_end, end, false)) {
        gap_end = next(r, at, end, true);
        take(r, at, gap_end - at);
        FN_ASSERT(pthread_mutex_unlock(&lock) == 0);
        (void)madvise((uint8_t *)r + (size_t)at * PAGE, (size_t)(gap_end - at) * PAGE, MADV_DONTNEED);
        FN_ASSERT(pthread_mutex_lock(&lock) == 0);
        give(r, at, gap_end - at);
        given += gap_end - at;
    }
    if (given + h->used == IN_HUGE) change(r, h, h->used, false);
    h->wanted = false;
}

/* From behind: whole huge pages first, then what is free beside blocks in use. */
static void trim(void)
{
    for (unsigned round = 0; round < 2; round++)
        for (region *r = last; r; r = r->before)
            for (unsigned i = HUGES; i-- > 0 && kept > kept_max / 4 * 3;)
                if (r->huge[i].touched && (round == 1 || r->huge[i].used == 0)) give_back(r, i);
}

void pages_age(void)
{
    FN_ASSERT(pthread_mutex_lock(&lock) == 0);
    for (region *r = first; r; r = r->after)
        for (unsigned i = 0; i < HUGES; i++) {
            huge_page *h = &r->huge[i];
            if (h->touched && !h->wanted && h->used < IN_HUGE) give_back(r, i);
            h->wanted = false;
        }
    FN_ASSERT(pthread_mutex_unlock(&lock) == 0);
}

void pages_put(void *block, size_t bytes)
{
    region *r = (region *)((uintptr_t)block & ~(uintptr_t)(REGION - 1));
    const unsigned at = (unsigned)((size_t)((uint8_t *)block - (uint8_t *)r) / PAGE);
    FN_ASSERT(pthread_mutex_lock(&lock) == 0);
    if (!kept_max) kept_max = (size_t)FN_MIN(fn_memory_size() / 8, KEPT_MOST) / PAGE;
    give(r, at, (unsigned)((bytes + PAGE - 1) / PAGE));
    if (kept > kept_max) trim();
    FN_ASSERT(pthread_mutex_unlock(&lock) == 0);
}
