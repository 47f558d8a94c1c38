/* buf.c - fn_buf, the growing run of bytes; and memory streams. SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"
#include <firn/bits.h>
#include <firn/stream.h>
#include <stdarg.h>
#include <stdio.h>

enum { PAD = 64 }; /* readable and writable bytes behind capacity */

static size_t room_of(const fn_buf *b)
{
    return b->data ? b->capacity + PAD : 0;
}

void fn_buf_release(fn_buf *b)
{
    room_free(b->data, room_of(b));
    *b = FN_BUF_INIT;
}

fn_status fn_buf_reserve(fn_ctx *ctx, fn_buf *b, size_t more)
{
    if (FN_LIKELY(b->capacity - b->size >= more && b->data)) return FN_OK;
    if (more > SIZE_MAX / 4) return fn_fail_memory(ctx, more);
    const size_t need = b->size + more;
    const size_t capacity = FN_MAX(b->capacity + b->capacity / 2 + 64, need);
    FN_TRY(memory_check(ctx, capacity));
    char *data = room_grow(ctx, b->data, room_of(b), b->size, capacity + PAD);
    FN_TRY_PTR(ctx, data);
    memset(data + capacity, 0, PAD);
    b->data = data;
    b->capacity = capacity;
    return FN_OK;
}

fn_status fn_buf_append(fn_ctx *ctx, fn_buf *b, const void *bytes, size_t size)
{
    FN_TRY(fn_buf_reserve(ctx, b, size));
    if (size) memcpy(b->data + b->size, bytes, size);
    b->size += size;
    return FN_OK;
}

fn_status fn_buf_byte(fn_ctx *ctx, fn_buf *b, char byte)
{
    FN_TRY(fn_buf_reserve(ctx, b, 1));
    b->data[b->size++] = byte;
    return FN_OK;
}

fn_status fn_buf_cstr(fn_ctx *ctx, fn_buf *b, const char *text)
{
    return fn_buf_append(ctx, b, text, strlen(text));
}

fn_status fn_buf_str(fn_ctx *ctx, fn_buf *b, fn_str s)
{
    return fn_buf_append(ctx, b, s.data, s.size);
}

fn_status fn_buf_printf(fn_ctx *ctx, fn_buf *b, const char *fmt, ...)
{
    enum { USUAL = 128 }; /* most are shorter, and formatted once */
    FN_TRY(fn_buf_reserve(ctx, b, USUAL));
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(b->data + b->size, USUAL, fmt, args);
    va_end(args);
    fn_status status = n < 0 ? fn_fail(ctx, FN_LOGICAL_ERROR, "Bad format string") : FN_OK;
    if (n >= USUAL) status = fn_buf_reserve(ctx, b, (size_t)n + 1);
    if (n >= USUAL && status == FN_OK) (void)vsnprintf(b->data + b->size, (size_t)n + 1, fmt, again);
    if (status == FN_OK) b->size += (size_t)n;
    va_end(again);
    return status;
}

fn_status fn_buf_leb(fn_ctx *ctx, fn_buf *b, uint64_t value)
{
    FN_TRY(fn_buf_reserve(ctx, b, 10));
    while (value >= 0x80) {
        b->data[b->size++] = (char)(value | 0x80);
        value >>= 7;
    }
    b->data[b->size++] = (char)value;
    return FN_OK;
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                  "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

fn_status fn_buf_u64(fn_ctx *ctx, fn_buf *b, uint64_t value)
{
    char digits[20];
    char *at = digits + sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(at, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, digit_pairs + 2 * value, 2);
    } else {
        *--at = (char)('0' + value);
    }
    return fn_buf_append(ctx, b, at, (size_t)(digits + sizeof digits - at));
}

fn_status fn_buf_i64(fn_ctx *ctx, fn_buf *b, int64_t value)
{
    if (value >= 0) return fn_buf_u64(ctx, b, (uint64_t)value);
    FN_TRY(fn_buf_byte(ctx, b, '-'));
    return fn_buf_u64(ctx, b, 0 - (uint64_t)value);
}

static fn_status memory_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    (void)ctx;
    fn_memory_source *s = (fn_memory_source *)self;
    const size_t n = FN_MIN(capacity, (size_t)(s->end - s->at));
    if (n) memcpy(out, s->at, n);
    s->at += n;
    *got = n;
    return FN_OK;
}

void fn_memory_source_init(fn_memory_source *s, fn_str bytes)
{
    *s = (fn_memory_source){.base = {memory_read, NULL}, .at = bytes.data, .end = bytes.data + bytes.size};
}

static fn_status memory_write(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    return fn_buf_append(ctx, &((fn_memory_sink *)self)->bytes, bytes, size);
}

void fn_memory_sink_init(fn_memory_sink *s)
{
    *s = (fn_memory_sink){.base = {memory_write, NULL}, .bytes = FN_BUF_INIT};
}
