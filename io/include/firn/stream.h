/* firn/stream.h - where bytes come from and where they go. A table of functions, passed downwards by
 * the layer that knows the other end (HTTP body, file, S3 object, memory).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_STREAM_H
#define FIRN_STREAM_H
#include <firn/arena.h>

typedef struct fn_source fn_source;
struct fn_source {
    /* Up to `capacity` bytes (> 0) into out; *got = 0 only at the end. May block. */
    fn_status (*read)(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got);
    void (*close)(fn_source *self); /* may be NULL */
};

typedef struct fn_sink fn_sink;
struct fn_sink {
    fn_status (*write)(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size); /* all of it, or an error */
    fn_status (*flush)(fn_sink *self, fn_ctx *ctx);                                 /* may be NULL */
};

/* A source over bytes in memory (borrowed). */
typedef struct fn_memory_source {
    fn_source base;
    const char *at, *end;
} fn_memory_source;
void fn_memory_source_init(fn_memory_source *s, fn_str bytes);
/* A sink that collects into a buffer. */
typedef struct fn_memory_sink {
    fn_sink base;
    fn_buf bytes;
} fn_memory_sink;
void fn_memory_sink_init(fn_memory_sink *s); /* release with fn_buf_release(&s->bytes) */

/* Random access to an immutable object (file, S3 object, memory). Thread safe. */
typedef struct fn_blob fn_blob;
typedef struct fn_range {
    uint64_t offset, size;
    void *out; /* size bytes */
} fn_range;
struct fn_blob {
    const char *name; /* for messages: path or URL without credentials */
    uint64_t size;
    /* Reads all ranges (in parallel where that helps); short reads are errors. */
    fn_status (*read)(fn_blob *self, fn_ctx *ctx, const fn_range *ranges, size_t count);
    void (*close)(fn_blob *self);
    /* Under one name, the same text means the same bytes; NULL: not known. A file that was changed within the last two seconds has none: its clock may
     * not show another change. */
    const char *version;
};
#endif
