/* frames.c - ClickHouse's native frames: CityHash128 (version 1.0.2) of the rest, method byte, packed size with the 9-byte
 * header, plain size, data. SPDX-License-Identifier: Apache-2.0 */
#include "codec/encoder.h"

enum { HASH = 16, HEADER = 9, PLAIN_MAX = 1 << 30, PIECE = 1 << 20, METHOD_NONE = 0x02, METHOD_LZ4 = 0x82, METHOD_ZSTD = 0x90 };

typedef struct frames_decoder {
    fn_source base;
    fn_source *in;
    fn_buf packed, plain;
    size_t at; /* in plain */
} frames_decoder;

/* All of `size` bytes; *ended if there was none at all. */
static fn_status read_full(frames_decoder *d, fn_ctx *ctx, size_t size, bool *ended)
{
    FN_TRY(fn_buf_reserve(ctx, &d->packed, size));
    size_t done = 0;
    while (done < size) {
        size_t got;
        FN_TRY(d->in->read(d->in, ctx, d->packed.data + d->packed.size + done, size - done, &got));
        if (got == 0) {
            if (done == 0 && ended) {
                *ended = true;
                return FN_OK;
            }
            return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "A compressed frame is cut off: %zu of %zu bytes", done, size);
        }
        done += got;
    }
    d->packed.size += size;
    return FN_OK;
}

static fn_status next_frame(frames_decoder *d, fn_ctx *ctx, bool *ended)
{
    d->packed.size = d->plain.size = d->at = 0;
    FN_TRY(read_full(d, ctx, HASH + HEADER, ended));
    if (*ended) return FN_OK;
    const char *h = d->packed.data + HASH;
    const uint8_t method = (uint8_t)h[0];
    const uint32_t packed = fn_load_u32(h + 1), plain = fn_load_u32(h + 5);
    if (packed < HEADER || packed > PLAIN_MAX || plain > PLAIN_MAX)
        return fn_fail(ctx, FN_TOO_LARGE_SIZE_COMPRESSED, "Too large size_compressed_without_checksum: %u. Most likely corrupted data.", packed);
    FN_TRY(read_full(d, ctx, packed - HEADER, NULL));
    const fn_hash128 sum = fn_city_hash128(d->packed.data + HASH, packed);
    if (sum.low != fn_load_u64(d->packed.data) || sum.high != fn_load_u64(d->packed.data + 8))
        return fn_fail(ctx, FN_CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data in a compressed frame of %u bytes", packed);
    const fn_codec codec = method == METHOD_LZ4 ? FN_CODEC_LZ4_RAW : method == METHOD_ZSTD ? FN_CODEC_ZSTD : FN_CODEC_NONE;
    if (codec == FN_CODEC_NONE && method != METHOD_NONE) return fn_fail(ctx, FN_UNKNOWN_COMPRESSION_METHOD, "Unknown codec family code: %u", method);
    FN_TRY(fn_buf_reserve(ctx, &d->plain, plain));
    FN_TRY(fn_codec_decompress(ctx, codec, (fn_str){d->packed.data + HASH + HEADER, packed - HEADER}, d->plain.data, plain));
    d->plain.size = plain;
    return FN_OK;
}

static fn_status frames_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    frames_decoder *d = (frames_decoder *)self;
    bool ended = false;
    *got = 0;
    while (d->at == d->plain.size) {
        FN_TRY(next_frame(d, ctx, &ended));
        if (ended) return FN_OK;
    }
    *got = FN_MIN(capacity, d->plain.size - d->at);
    memcpy(out, d->plain.data + d->at, *got);
    d->at += *got;
    return FN_OK;
}

static void frames_close(fn_source *self)
{
    frames_decoder *d = (frames_decoder *)self;
    if (d->in->close) d->in->close(d->in);
    fn_buf_release(&d->packed);
    fn_buf_release(&d->plain);
    fn_free(d);
}

fn_status fn_frames_decoder(fn_ctx *ctx, fn_source *in_take, fn_source **out)
{
    frames_decoder *d = fn_alloc_zero(ctx, sizeof *d);
    if (!d) {
        if (in_take->close) in_take->close(in_take);
        return ctx->error.code;
    }
    d->base = (fn_source){frames_read, frames_close};
    d->in = in_take;
    *out = &d->base;
    return FN_OK;
}

/* ---- encoder ---- */
typedef struct frames_encoder {
    fn_encoder base;
    fn_codec codec;
    fn_buf plain, packed;
} frames_encoder;

static fn_status send_frame(frames_encoder *e, fn_ctx *ctx)
{
    if (e->plain.size == 0) return FN_OK;
    e->packed.size = 0;
    FN_TRY(fn_buf_reserve(ctx, &e->packed, HASH + HEADER));
    e->packed.size = HASH + HEADER;
    FN_TRY(fn_codec_compress(ctx, e->codec, 0, fn_buf_view(&e->plain), &e->packed));
    char *h = e->packed.data + HASH;
    const uint32_t packed = (uint32_t)(e->packed.size - HASH);
    h[0] = (char)(e->codec == FN_CODEC_ZSTD ? METHOD_ZSTD : METHOD_LZ4);
    fn_store_u32(h + 1, packed);
    fn_store_u32(h + 5, (uint32_t)e->plain.size);
    const fn_hash128 sum = fn_city_hash128(h, packed);
    fn_store_u64(e->packed.data, sum.low);
    fn_store_u64(e->packed.data + 8, sum.high);
    e->plain.size = 0;
    return e->base.out->write(e->base.out, ctx, e->packed.data, e->packed.size);
}

static fn_status frames_write(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    frames_encoder *e = (frames_encoder *)self;
    for (const char *at = bytes; size;) {
        const size_t n = FN_MIN(size, (size_t)PIECE - e->plain.size);
        FN_TRY(fn_buf_append(ctx, &e->plain, at, n));
        if (e->plain.size == PIECE) FN_TRY(send_frame(e, ctx));
        at += n;
        size -= n;
    }
    return FN_OK;
}

static fn_status frames_flush(fn_sink *self, fn_ctx *ctx)
{
    frames_encoder *e = (frames_encoder *)self;
    FN_TRY(send_frame(e, ctx));
    return e->base.out->flush ? e->base.out->flush(e->base.out, ctx) : FN_OK;
}

static fn_status frames_finish(fn_encoder *e, fn_ctx *ctx)
{
    return send_frame((frames_encoder *)e, ctx);
}

static void frames_free(fn_encoder *base)
{
    frames_encoder *e = (frames_encoder *)base;
    fn_buf_release(&e->plain);
    fn_buf_release(&e->packed);
}

fn_status fn_frames_encoder_open(fn_ctx *ctx, fn_codec codec, fn_sink *out, fn_encoder **encoder)
{
    frames_encoder *e = fn_alloc_zero(ctx, sizeof *e);
    FN_TRY_PTR(ctx, e);
    e->base = (fn_encoder){.sink = {frames_write, frames_flush}, .out = out, .finish = frames_finish, .free = frames_free};
    e->codec = codec == FN_CODEC_ZSTD ? FN_CODEC_ZSTD : FN_CODEC_LZ4_RAW;
    *encoder = &e->base;
    return FN_OK;
}
