/* firn/arena.h - memory by lifetime: arenas, the tracker, reference-counted buffers, byte builders.
 *
 * Small things that live as long as a query or a plan come from an arena and are freed all at once.
 * Column data lives in fn_buffer: reference counted, padded, charged to a tracker.
 * All allocation failures (limit or system) set ctx->error and return NULL or a status.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ARENA_H
#define FIRN_ARENA_H
#include <firn/base.h>

/* ---- tracker: bytes in use against a limit; trackers form a tree (query -> user -> server) ---- */
struct fn_tracker {
    fn_tracker *parent;         /* charged as well; NULL at the root */
    const char *what;           /* "Query", "User", "(total)": for the message */
    _Atomic int64_t used;
    _Atomic int64_t peak;
    _Atomic int64_t limit;      /* 0 = none */
};
void fn_tracker_init(fn_tracker *t, const char *what, fn_tracker *parent, int64_t limit);
/* Charges `bytes`; over the limit: MEMORY_LIMIT_EXCEEDED (241) and nothing is charged. t may be NULL. */
fn_status fn_tracker_charge(fn_ctx *ctx, fn_tracker *t, size_t bytes) FN_MUST_USE;
void fn_tracker_release(fn_tracker *t, size_t bytes);

/* ---- plain heap, counted: for long-lived things with their own free. Free with fn_free(ptr). ---- */
void *fn_alloc(fn_ctx *ctx, size_t bytes) FN_MUST_USE;        /* NULL + error; 16-byte aligned; not zeroed */
void *fn_alloc_zero(fn_ctx *ctx, size_t bytes) FN_MUST_USE;
void *fn_realloc(fn_ctx *ctx, void *old, size_t bytes) FN_MUST_USE; /* old stays valid on failure */
void fn_free(void *ptr);
void fn_memory_begin(void); /* of the process, before its threads: how the heap is divided among them */
void fn_memory_trim(void);  /* once in a while, one thread: what lies free in the heap goes back to the system if the process has grown since the last time; every sixth time, what nobody needed of the page pool */

/* ---- arena ---- */
fn_arena *fn_arena_new(fn_ctx *ctx) FN_MUST_USE; /* charges ctx->memory; NULL + error */
fn_arena *fn_arena_new_small(fn_ctx *ctx) FN_MUST_USE; /* for what is kept in thousands and holds little: the first block is 1 KiB, not 8 */
void fn_arena_free(fn_arena *arena);             /* NULL is fine */
void fn_arena_reset(fn_arena *arena);            /* everything from it is gone; keeps one block */
size_t fn_arena_held(const fn_arena *arena);     /* bytes of its blocks */
void fn_arena_leave(fn_arena *arena);            /* charged to nobody from now on: what is kept beyond the statement that made it */
void *fn_arena_alloc(fn_ctx *ctx, fn_arena *arena, size_t bytes) FN_MUST_USE;      /* 16-byte aligned, not zeroed */
void *fn_arena_alloc_zero(fn_ctx *ctx, fn_arena *arena, size_t bytes) FN_MUST_USE;
char *fn_arena_copy(fn_ctx *ctx, fn_arena *arena, const void *bytes, size_t size) FN_MUST_USE; /* 0-terminated copy */
fn_status fn_arena_str(fn_ctx *ctx, fn_arena *arena, fn_str in, fn_str *out) FN_MUST_USE;
char *fn_arena_printf(fn_ctx *ctx, fn_arena *arena, const char *fmt, ...) FN_PRINTF(3, 4) FN_MUST_USE;
/* release(object) is called when the arena is freed or reset, newest first: for what arena objects hold elsewhere (columns,
 * compiled patterns). On failure release(object) has been called. */
fn_status fn_arena_defer(fn_ctx *ctx, fn_arena *arena, void (*release)(void *object), void *object) FN_MUST_USE;
#define FN_NEW(ctx, T)           ((T *)fn_arena_alloc_zero((ctx), (ctx)->arena, sizeof(T)))
#define FN_NEW_ARRAY(ctx, T, n)  ((T *)fn_arena_alloc_zero((ctx), (ctx)->arena, sizeof(T) * (n)))

/* ---- buffers: the storage of columns. 64-byte aligned, FN_BUFFER_PAD readable bytes behind `size`. ---- */
enum { FN_BUFFER_PAD = 64 };
typedef struct fn_buffer {
    uint8_t *data;
    size_t size;         /* usable bytes, without the pad */
    _Atomic uint32_t refs;
    fn_tracker *memory;  /* charged; NULL = not */
    size_t charged;
    void (*release)(struct fn_buffer *); /* foreign memory (mapped file, cache): called instead of freeing data */
    void *owner;         /* for release */
} fn_buffer;
fn_buffer *fn_buffer_new(fn_ctx *ctx, size_t size) FN_MUST_USE;      /* one reference; contents undefined, pad zeroed */
fn_buffer *fn_buffer_new_zero(fn_ctx *ctx, size_t size) FN_MUST_USE;
fn_buffer *fn_buffer_ref(fn_buffer *b);                              /* adds one; NULL gives NULL */
void fn_buffer_drop(fn_buffer *b);                                   /* gives one back; NULL is fine */

/* ---- fn_buf: a growing run of bytes (text, wire, builders) ----
 * `data` goes back by fn_buf_release alone, with the capacity it had: a large one is no block of the heap. */
typedef struct fn_buf {
    char *data;
    size_t size, capacity;
} fn_buf;
#define FN_BUF_INIT              ((fn_buf){NULL, 0, 0})
void fn_buf_release(fn_buf *b); /* frees; leaves it empty and usable */
fn_status fn_buf_reserve(fn_ctx *ctx, fn_buf *b, size_t more) FN_MUST_USE; /* room for `more` bytes behind size (+64 pad) */
fn_status fn_buf_append(fn_ctx *ctx, fn_buf *b, const void *bytes, size_t size) FN_MUST_USE;
fn_status fn_buf_byte(fn_ctx *ctx, fn_buf *b, char byte) FN_MUST_USE;
fn_status fn_buf_cstr(fn_ctx *ctx, fn_buf *b, const char *text) FN_MUST_USE;
fn_status fn_buf_str(fn_ctx *ctx, fn_buf *b, fn_str s) FN_MUST_USE;
fn_status fn_buf_printf(fn_ctx *ctx, fn_buf *b, const char *fmt, ...) FN_PRINTF(3, 4) FN_MUST_USE;
fn_status fn_buf_leb(fn_ctx *ctx, fn_buf *b, uint64_t value) FN_MUST_USE; /* unsigned LEB128 */
fn_status fn_buf_u64(fn_ctx *ctx, fn_buf *b, uint64_t value) FN_MUST_USE; /* decimal digits */
fn_status fn_buf_i64(fn_ctx *ctx, fn_buf *b, int64_t value) FN_MUST_USE;
static inline fn_str fn_buf_view(const fn_buf *b)
{
    return (fn_str){b->data, b->size};
}
#endif
