/* test_pages.c - pooled blocks: alignment, room, reuse, and several threads at once. SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

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
        uint8_t *b = pages_get(bytes); /* the same class: the same block */
        CHECK(b == a);
        pages_put(b, bytes);
    }
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
    for (uintptr_t i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, worker, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    return failures != 0;
}
