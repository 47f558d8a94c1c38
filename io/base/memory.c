/* memory.c - the heap behind everything: allocation with errors, trackers, reference-counted buffers.
 * The only file that calls malloc; large buffers come from pages.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"
#include <firn/arena.h>
#include <firn/bits.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { IS_POOLED = 0 }; /* every buffer by itself, so that the sanitizer sees its bounds and its end */
#else
enum { IS_POOLED = 1 };
#endif

enum { SMALL = 1024 }; /* bytes of the largest of the blocks that each thread has at hand in glibc */

void fn_tracker_init(fn_tracker *t, const char *what, fn_tracker *parent, int64_t limit)
{
    *t = (fn_tracker){.parent = parent, .what = what};
    atomic_store(&t->limit, limit);
}

static void raise_peak(fn_tracker *t, int64_t used)
{
    int64_t peak = atomic_load_explicit(&t->peak, memory_order_relaxed);
    while (used > peak && !atomic_compare_exchange_weak_explicit(&t->peak, &peak, used, memory_order_relaxed,
                                                                memory_order_relaxed)) {
    }
}

fn_status fn_tracker_charge(fn_ctx *ctx, fn_tracker *t, size_t bytes)
{
    for (fn_tracker *at = t; at; at = at->parent) {
        const int64_t used = atomic_fetch_add_explicit(&at->used, (int64_t)bytes, memory_order_relaxed) + (int64_t)bytes;
        const int64_t limit = atomic_load_explicit(&at->limit, memory_order_relaxed);
        if (limit > 0 && used > limit) {
            for (fn_tracker *back = t;; back = back->parent) {
                atomic_fetch_sub_explicit(&back->used, (int64_t)bytes, memory_order_relaxed);
                if (back == at) break;
            }
            return fn_fail(ctx, FN_MEMORY_LIMIT_EXCEEDED,
                           "%s memory limit exceeded: would use %.2f MiB (attempt to allocate chunk of %.2f MiB), maximum: %.2f MiB",
                           at->what, (double)used / 1048576.0, (double)bytes / 1048576.0, (double)limit / 1048576.0);
        }
        raise_peak(at, used);
    }
    return FN_OK;
}

void fn_tracker_release(fn_tracker *t, size_t bytes)
{
    for (; t; t = t->parent) atomic_fetch_sub_explicit(&t->used, (int64_t)bytes, memory_order_relaxed);
}

fn_status memory_check(fn_ctx *ctx, size_t bytes)
{
    enum { CHECKED_FROM = 1 << 20 }; /* smaller pieces come and go within what limits leave anyway */
    if (FN_LIKELY(bytes < CHECKED_FROM)) return FN_OK;
    FN_TRY(fn_tracker_charge(ctx, ctx->memory, bytes));
    fn_tracker_release(ctx->memory, bytes);
    return FN_OK;
}

void *fn_alloc(fn_ctx *ctx, size_t bytes)
{
    if (memory_check(ctx, bytes) != FN_OK) return NULL;
    void *p = malloc(bytes ? bytes : 1);
    if (!p) (void)fn_fail_memory(ctx, bytes);
    return p;
}

/* calloc of glibc goes past the blocks that each thread has at hand. */
void *fn_alloc_zero(fn_ctx *ctx, size_t bytes)
{
    if (memory_check(ctx, bytes) != FN_OK) return NULL;
    void *p = bytes > SMALL ? calloc(1, bytes) : malloc(bytes ? bytes : 1);
    if (p && bytes <= SMALL) memset(p, 0, bytes);
    if (!p) (void)fn_fail_memory(ctx, bytes);
    return p;
}

void *fn_realloc(fn_ctx *ctx, void *old, size_t bytes)
{
    if (memory_check(ctx, bytes) != FN_OK) return NULL;
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p) (void)fn_fail_memory(ctx, bytes);
    return p;
}

void fn_free(void *p)
{
    free(p);
}

/* glibc divides the heap into eight arenas per core, and each keeps what its threads once needed. Half the memory of a server that is at
 * everything at once lay free in them; as many as there are cores cost no time (soak_test: 91 MiB in place of 123, as many statements). */
void fn_memory_begin(void)
{
#if defined(__GLIBC__)
    (void)mallopt(M_ARENA_MAX, (int)FN_MAX(fn_cpu_count(), 2u));
#endif
}

#if defined(__GLIBC__)
static size_t resident_bytes(void)
{
    char text[128] = "";
    const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) (void)close(fd);
    const char *second = size > 0 ? strchr(text, ' ') : NULL;
    return second ? (size_t)strtoull(second + 1, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}
#endif

void fn_memory_trim(void)
{
#if defined(__GLIBC__)
    enum { GROWN = 16 << 20, AGE = 6 }; /* what is given back has to be paged in again */
    static _Atomic size_t after;
    static _Atomic unsigned calls;
    if (atomic_fetch_add(&calls, 1) % AGE == AGE - 1) pages_age();
    const size_t now = resident_bytes(), before = atomic_load(&after);
    if (now >= before + GROWN) {
        (void)malloc_trim(0);
        atomic_store(&after, resident_bytes());
    } else if (now < before) {
        atomic_store(&after, now);
    }
#endif
}

static bool is_pooled(size_t bytes)
{
    return IS_POOLED && bytes >= PAGES_FROM && bytes <= PAGES_TO;
}

/* Below this size the heap serves as well: it does not map and clear pages anew for every block. ROOM_FROM is where glibc begins to
 * map (M_MMAP_THRESHOLD as it is at first), not a measurement. */
static bool is_block(size_t bytes)
{
    enum { ROOM_FROM = 128 << 10 };
    return bytes >= ROOM_FROM && bytes <= PAGES_TO;
}

/* The sanitizer's blocks begin behind what it gave, so that it sees one that is given to the heap. */
enum { SET_OFF = 64 };

static void *block_get(size_t bytes)
{
    if (IS_POOLED) return pages_get(bytes);
    char *p = malloc(SET_OFF + bytes);
    return p ? p + SET_OFF : NULL;
}

static void block_put(void *block, size_t bytes)
{
    if (IS_POOLED) pages_put(block, bytes);
    else free((char *)block - SET_OFF);
}

void *room_grow(fn_ctx *ctx, void *old, size_t old_bytes, size_t used, size_t bytes)
{
    if (!is_block(bytes) && !is_block(old_bytes)) return fn_realloc(ctx, old, bytes);
    void *room = is_block(bytes) ? block_get(bytes) : malloc(bytes);
    if (!room) {
        (void)fn_fail_memory(ctx, bytes);
        return NULL;
    }
    if (used) memcpy(room, old, used);
    room_free(old, old_bytes);
    return room;
}

void room_free(void *room, size_t bytes)
{
    if (is_block(bytes)) block_put(room, bytes);
    else free(room);
}

/* aligned_alloc never gives what a thread has at hand: small blocks are aligned within. */
static bool is_small(size_t bytes)
{
    return IS_POOLED && bytes <= SMALL;
}

/* Memory of a buffer. The largest come from the system each time: at least in huge pages, where it has them. */
static void *buffer_memory(size_t bytes)
{
    enum { HUGE_PAGE = 2 << 20 };
    if (is_pooled(bytes)) return pages_get(bytes);
    if (is_small(bytes)) return malloc(bytes);
    if (bytes <= PAGES_TO) return aligned_alloc(64, bytes);
    char *p = aligned_alloc(HUGE_PAGE, fn_round_up(bytes, HUGE_PAGE));
    if (p) (void)madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

fn_buffer *fn_buffer_new(fn_ctx *ctx, size_t size)
{
    enum { HEAD = 128 }; /* the struct, padded so that data is 64-byte aligned */
    _Static_assert(sizeof(fn_buffer) <= HEAD, "buffer head");
    if (size > ((size_t)1 << 46)) {
        (void)fn_fail_memory(ctx, size);
        return NULL;
    }
    const size_t bytes = HEAD + fn_round_up(size + FN_BUFFER_PAD, 64);
    if (fn_tracker_charge(ctx, ctx->memory, bytes) != FN_OK) return NULL;
    fn_buffer *b = buffer_memory(bytes);
    if (!b) {
        fn_tracker_release(ctx->memory, bytes);
        (void)fn_fail_memory(ctx, bytes);
        return NULL;
    }
    uint8_t *data = (uint8_t *)b + HEAD;
    if (is_small(bytes)) data -= (uintptr_t)data % 64;
    *b = (fn_buffer){.data = data, .size = size, .memory = ctx->memory, .charged = bytes};
    atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
    memset(b->data + size, 0, FN_BUFFER_PAD);
    return b;
}

fn_buffer *fn_buffer_new_zero(fn_ctx *ctx, size_t size)
{
    fn_buffer *b = fn_buffer_new(ctx, size);
    if (b) memset(b->data, 0, size);
    return b;
}

fn_buffer *fn_buffer_ref(fn_buffer *b)
{
    if (b) atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void fn_buffer_drop(fn_buffer *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
    fn_tracker_release(b->memory, b->charged);
    if (b->release) b->release(b);
    else if (is_pooled(b->charged)) pages_put(b, b->charged);
    else free(b);
}
