/* native_in.c - exact reads over a source. SPDX-License-Identifier: Apache-2.0 */
#include "wire/native_column.h"

enum { WINDOW = 256 << 10, PIECE = 1 << 20, WHOLE = 4 << 20, SHORT = 2 };

void native_in_release(native_in *in)
{
    fn_buf_release(&in->window);
    fn_buf_release(&in->text);
}

static fn_status refill(native_in *in, fn_ctx *ctx, bool *end)
{
    FN_TRY(fn_buf_reserve(ctx, &in->window, WINDOW - FN_MIN(in->window.capacity, (size_t)WINDOW)));
    in->at = in->window.size = 0;
    size_t got;
    FN_TRY(in->source->read(in->source, ctx, in->window.data, WINDOW, &got));
    in->window.size = got;
    *end = got == 0;
    return FN_OK;
}

fn_status native_at_end(native_in *in, fn_ctx *ctx, bool *end)
{
    *end = false;
    return in->at < in->window.size ? FN_OK : refill(in, ctx, end);
}

static fn_status cut(native_in *in, fn_ctx *ctx)
{
    return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "Cannot read all data: the input ends at offset %llu", (unsigned long long)in->offset);
}

fn_status native_read_bytes(native_in *in, fn_ctx *ctx, void *out, size_t size)
{
    uint8_t *to = out;
    while (size) {
        bool end;
        if (in->at == in->window.size && size >= WINDOW) { /* past the window: one copy less */
            size_t got;
            FN_TRY(in->source->read(in->source, ctx, to, size, &got));
            if (got == 0) return cut(in, ctx);
            in->offset += got;
            to += got;
            size -= got;
            continue;
        }
        FN_TRY(native_at_end(in, ctx, &end));
        if (end) return cut(in, ctx);
        const size_t n = FN_MIN(size, in->window.size - in->at);
        memcpy(to, in->window.data + in->at, n);
        in->at += n;
        in->offset += n;
        to += n;
        size -= n;
    }
    return FN_OK;
}

fn_status native_read_leb(native_in *in, fn_ctx *ctx, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (in->at < in->window.size) {
            byte = (uint8_t)in->window.data[in->at++];
            in->offset++;
        } else {
            FN_TRY(native_read_bytes(in, ctx, &byte, 1));
        }
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return FN_OK;
    }
    return fn_fail(ctx, FN_INCORRECT_DATA, "A number at offset %llu is longer than 10 bytes", (unsigned long long)in->offset);
}

fn_status native_read_into(native_in *in, fn_ctx *ctx, uint64_t size, fn_buf *out)
{
    while (size) {
        const size_t n = (size_t)FN_MIN(size, (uint64_t)PIECE);
        FN_TRY(fn_buf_reserve(ctx, out, n));
        FN_TRY(native_read_bytes(in, ctx, out->data + out->size, n));
        out->size += n;
        size -= n;
    }
    return FN_OK;
}

fn_status native_read_buffer(native_in *in, fn_ctx *ctx, uint64_t size, fn_buffer **out)
{
    fn_buf bytes = FN_BUF_INIT;
    const bool whole = size <= WHOLE;
    fn_status status = whole ? FN_OK : native_read_into(in, ctx, size, &bytes);
    *out = status == FN_OK ? fn_buffer_new(ctx, (size_t)size) : NULL;
    if (status == FN_OK && !*out) status = ctx->error.code;
    if (status == FN_OK && whole) status = native_read_bytes(in, ctx, (*out)->data, (size_t)size);
    if (status == FN_OK && !whole) memcpy((*out)->data, bytes.data, bytes.size);
    fn_buf_release(&bytes);
    if (status == FN_OK) return FN_OK;
    fn_buffer_drop(*out);
    *out = NULL;
    return status;
}

/* Empty strings come in runs: eight at a time. Their number; at most `most`. */
static uint32_t take_empty(const char *at, const char *end, uint32_t most, fn_buf *offsets, uint32_t offset)
{
    const uint64_t pair = (uint64_t)offset << 32 | offset;
    uint32_t n = 0;
    for (; most - n >= 8 && end - at >= 8 && fn_load_u64(at) == 0; n += 8, at += 8) {
        char *to = offsets->data + offsets->size;
        for (unsigned i = 0; i < 32; i += 8) fn_store_u64(to + i, pair);
        offsets->size += 32;
    }
    return n;
}

uint32_t native_take_strings(native_in *in, uint32_t rows, fn_builder *b)
{
    uint32_t done = 0;
    if (in->at == in->window.size || !b->values.data || !b->offsets.size) return 0;
    const char *at = in->window.data + in->at, *const end = in->window.data + in->window.size;
    const size_t offsets_room = (b->offsets.capacity - b->offsets.size) / 4;
    char *to = b->values.data + b->values.size, *const to_end = b->values.data + FN_MIN(b->values.capacity, (size_t)UINT32_MAX);
    for (rows = (uint32_t)FN_MIN((size_t)rows, offsets_room); done < rows && end - at >= SHORT; done++) {
        if (at[0] == 0) {
            const uint32_t empty = take_empty(at, end, rows - done, &b->offsets, (uint32_t)(to - b->values.data));
            at += empty;
            done += empty;
            if (done == rows || end - at < SHORT) break;
        }
        size_t size = (unsigned char)at[0], head = 1;
        if (size >= 128) {
            size = (size & 127) | (size_t)(unsigned char)at[1] << 7; /* a third byte: 128 is left in it, which is too much */
            head = 2;
            if (size >= 1 << 14) break;
        }
        if ((size_t)(end - at) < head + size + 16 || to_end - to < (ptrdiff_t)(size + 16)) break;
        for (size_t i = 0; i < size; i += 16) memcpy(to + i, at + head + i, 16);
        at += head + size;
        to += size;
        fn_store_u32(b->offsets.data + b->offsets.size, (uint32_t)(to - b->values.data));
        b->offsets.size += 4;
    }
    b->rows += done;
    b->values.size = (size_t)(to - b->values.data);
    in->offset += (size_t)(at - (in->window.data + in->at));
    in->at = (size_t)(at - in->window.data);
    return done;
}

fn_status native_read_string(native_in *in, fn_ctx *ctx, size_t limit, fn_str *out)
{
    uint64_t size;
    FN_TRY(native_read_leb(in, ctx, &size));
    if (size > limit) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "A string of %llu bytes at offset %llu is too long", (unsigned long long)size, (unsigned long long)in->offset);
    in->text.size = 0;
    FN_TRY(native_read_into(in, ctx, size, &in->text));
    return fn_arena_str(ctx, ctx->arena, fn_buf_view(&in->text), out);
}
