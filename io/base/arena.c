/* arena.c - bump allocation in blocks of growing size; everything is given back at once.
 * Blocks double from 8 KiB (1 KiB in a small one) to 1 MiB; a request larger than that gets a block of its own. Large ones come from
 * the pool of pages: as much as a GROUP BY of strings takes would be new pages at each statement.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"
#include <firn/arena.h>
#include <firn/bits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { BLOCK_SMALL = 1024, BLOCK_MIN = 8192, BLOCK_MAX = 1 << 20, ALIGN = 16 };

typedef struct block {
    struct block *next;
    size_t size; /* of data */
    _Alignas(16) uint8_t data[];
} block;

typedef struct deferred {
    struct deferred *next; /* older */
    void (*release)(void *object);
    void *object;
} deferred;

struct fn_arena {
    deferred *deferred; /* newest first; in the arena's own blocks */
    block *blocks; /* newest first */
    size_t used;   /* in the newest block */
    size_t next_size, held;
    fn_tracker *memory;
};

static fn_arena *arena_of(fn_ctx *ctx, size_t first_block)
{
    fn_arena *a = fn_alloc_zero(ctx, sizeof *a);
    if (!a) return NULL;
    a->next_size = first_block;
    a->memory = ctx->memory;
    return a;
}

fn_arena *fn_arena_new(fn_ctx *ctx)
{
    return arena_of(ctx, BLOCK_MIN);
}

fn_arena *fn_arena_new_small(fn_ctx *ctx)
{
    return arena_of(ctx, BLOCK_SMALL);
}

static void free_blocks(fn_arena *a, block *b)
{
    while (b) {
        block *next = b->next;
        fn_tracker_release(a->memory, b->size);
        a->held -= b->size;
        ASAN_UNPOISON_MEMORY_REGION(b->data, b->size);
        room_free(b, sizeof *b + b->size);
        b = next;
    }
}

static void run_deferred(fn_arena *a)
{
    while (a->deferred) {
        const deferred *d = a->deferred;
        a->deferred = d->next;
        d->release(d->object);
    }
}

fn_status fn_arena_defer(fn_ctx *ctx, fn_arena *a, void (*release)(void *object), void *object)
{
    deferred *d = fn_arena_alloc(ctx, a, sizeof *d);
    if (!d) {
        release(object);
        return ctx->error.code;
    }
    *d = (deferred){a->deferred, release, object};
    a->deferred = d;
    return FN_OK;
}

void fn_arena_free(fn_arena *a)
{
    if (!a) return;
    run_deferred(a);
    free_blocks(a, a->blocks);
    fn_free(a);
}

void fn_arena_reset(fn_arena *a)
{
    if (!a->blocks) return;
    run_deferred(a);
    free_blocks(a, a->blocks->next);
    a->blocks->next = NULL;
    a->used = 0;
    ASAN_POISON_MEMORY_REGION(a->blocks->data, a->blocks->size);
}

size_t fn_arena_held(const fn_arena *a)
{
    return a->held;
}

void fn_arena_leave(fn_arena *a)
{
    fn_tracker_release(a->memory, a->held);
    a->memory = NULL;
}

static fn_status add_block(fn_ctx *ctx, fn_arena *a, size_t bytes)
{
    size_t size = a->next_size - sizeof(block);
    if (bytes > size) size = fn_round_up(bytes, ALIGN);
    else if (a->next_size < BLOCK_MAX) a->next_size *= 2;
    FN_TRY(fn_tracker_charge(ctx, a->memory, size));
    block *b = room_grow(ctx, NULL, 0, 0, sizeof *b + size);
    if (!b) {
        fn_tracker_release(a->memory, size);
        return ctx->error.code;
    }
    b->size = size;
    a->held += size;
    b->next = a->blocks;
    a->blocks = b;
    a->used = 0;
    ASAN_POISON_MEMORY_REGION(b->data, b->size);
    return FN_OK;
}

void *fn_arena_alloc(fn_ctx *ctx, fn_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 4) {
        (void)fn_fail_memory(ctx, bytes);
        return NULL;
    }
    const size_t size = fn_round_up(bytes ? bytes : 1, ALIGN);
    if (!a->blocks || a->blocks->size - a->used < size)
        if (add_block(ctx, a, size) != FN_OK) return NULL;
    void *p = a->blocks->data + a->used;
    a->used += size;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    return p;
}

void *fn_arena_alloc_zero(fn_ctx *ctx, fn_arena *a, size_t bytes)
{
    void *p = fn_arena_alloc(ctx, a, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

char *fn_arena_copy(fn_ctx *ctx, fn_arena *a, const void *bytes, size_t size)
{
    char *p = fn_arena_alloc(ctx, a, size + 1);
    if (!p) return NULL;
    if (size) memcpy(p, bytes, size);
    p[size] = 0;
    return p;
}

fn_status fn_arena_str(fn_ctx *ctx, fn_arena *a, fn_str in, fn_str *out)
{
    char *p = fn_arena_copy(ctx, a, in.data, in.size);
    FN_TRY_PTR(ctx, p);
    *out = (fn_str){p, in.size};
    return FN_OK;
}

char *fn_arena_printf(fn_ctx *ctx, fn_arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = n < 0 ? NULL : fn_arena_alloc(ctx, a, (size_t)n + 1);
    if (p) (void)vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}
