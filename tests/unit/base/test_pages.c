/* test_pages.c - pooled blocks: alignment, room, reuse, and several threads at once. SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int failures;
#define CHECK(cond)                                                                                                        \
    do {                                                                                                                   \
        if (!(cond)) {                                                                                                     \
            printf("%s:%d: %s failed\n", __FILE__, __LINE__, #cond);                                                       \
            failures++;                                                                                                    \
        }                                                                                                                  \
    } while (0)

static void test_sizes(void)
{
    for (size_t bytes = PAGES_FROM; bytes <= PAGES_TO; bytes += bytes / 3) {
        uint8_t *a = pages_get(bytes);
        CHECK(a && (uintptr_t)a % 64 == 0);
        if (!a) return;
        a[0] = 1;
        a[bytes - 1] = 2;
        pages_put(a, bytes);
        uint8_t *b = pages_get(bytes); /* the first gap that is wide enough */
        CHECK(b == a);
        pages_put(b, bytes);
    }
}

/* Gaps beside each other are one gap: what many small blocks leave holds large ones, and sizes do not add up. */
static void test_gaps(void)
{
    enum { SMALL = 40 << 10, COUNT = 1000 };
    static uint8_t *held[COUNT];
    for (unsigned i = 0; i < COUNT; i++) CHECK((held[i] = pages_get(SMALL)));
    for (unsigned i = 0; i < COUNT; i += 2) pages_put(held[i], SMALL);
    uint8_t *wide = pages_get(2 * SMALL); /* no two of the gaps are beside each other */
    CHECK(wide > held[COUNT - 1] || wide < held[0]);
    pages_put(wide, 2 * SMALL);
    for (unsigned i = 1; i < COUNT; i += 2) pages_put(held[i], SMALL);
    for (size_t bytes = SMALL; bytes < (size_t)COUNT * SMALL / 2; bytes *= 2) {
        uint8_t *one = pages_get(bytes);
        CHECK(one >= held[0] && one < held[COUNT - 1]);
        pages_put(one, bytes);
    }
}

static size_t resident(uint8_t *block, size_t bytes)
{
    static unsigned char in[PAGES_TO / 4096];
    uint8_t *const begin = block - (uintptr_t)block % 4096;
    CHECK(mincore(begin, bytes, in) == 0);
    size_t sum = 0;
    for (size_t i = 0; i < bytes / 4096; i++) sum += in[i] & 1;
    return sum * 4096;
}

/* What nobody needed between two calls of pages_age goes, also beside a block in use; what was needed stays. */
static void test_age(void)
{
    enum { BLOCK = 8 << 20, SMALL = 64 << 10 };
    uint8_t *keep = pages_get(SMALL), *a = pages_get(BLOCK);
    CHECK(keep && a);
    memset(keep, 7, SMALL);
    memset(a, 1, BLOCK);
    pages_put(a, BLOCK);
    pages_age();
    CHECK(resident(a, BLOCK) == BLOCK);
    a = pages_get(BLOCK);
    pages_put(a, BLOCK);
    pages_age();
    CHECK(resident(a, BLOCK) == BLOCK);
    pages_age();
    CHECK(resident(a, BLOCK) < BLOCK / 4);
    CHECK(keep[0] == 7 && keep[SMALL - 1] == 7);
    pages_put(keep, SMALL);
}

/* Blocks held at the same time do not overlap: each is filled with its own byte and checked before it goes back. */
static void *worker(void *arg)
{
    enum { HELD = 8, ROUNDS = 300 };
    uint8_t *held[HELD] = {NULL};
    size_t sizes[HELD] = {0};
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const unsigned at = round % HELD;
        const uint8_t mark = (uint8_t)((uintptr_t)arg * 16 + at);
        if (held[at]) {
            CHECK(held[at][0] == mark && held[at][sizes[at] / 2] == mark && held[at][sizes[at] - 1] == mark);
            pages_put(held[at], sizes[at]);
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        sizes[at] = PAGES_FROM + (size_t)(seed >> 33) % (512 << 10);
        held[at] = pages_get(sizes[at]);
        CHECK(held[at]);
        if (!held[at]) return NULL;
        memset(held[at], mark, sizes[at]);
    }
    for (unsigned at = 0; at < HELD; at++) pages_put(held[at], sizes[at]);
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    test_sizes();
    test_gaps();
    test_age();
    for (uintptr_t i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, worker, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    return failures != 0;
}
