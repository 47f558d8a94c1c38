/* native_in.c - exact reads over a source. SPDX-License-Identifier: Apache-2.0 */
#include "wire/native_column.h"

enum { WINDOW = 256 << 10, PIECE = 1 << 20 };

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

fn_status native_read_string(native_in *in, fn_ctx *ctx, size_t limit, fn_str *out)
{
    uint64_t size;
    FN_TRY(native_read_leb(in, ctx, &size));
    if (size > limit) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "A string of %llu bytes at offset %llu is too long", (unsigned long long)size, (unsigned long long)in->offset);
    in->text.size = 0;
    FN_TRY(native_read_into(in, ctx, size, &in->text));
    return fn_arena_str(ctx, ctx->arena, fn_buf_view(&in->text), out);
}
