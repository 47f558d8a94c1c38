/* codec_frames.c - ClickHouse's native compressed frames, both directions.
 *
 * A frame: 16 bytes CityHash128 1.0.2 of all that follows, 1 byte method (0x82 LZ4, 0x90 ZSTD, 0x02 none), u32 size of
 * the payload and these 9 header bytes, u32 size of the raw data, payload. Frames have at most 1 MiB raw when we write
 * and at most 1 GiB when we read. The checksum is verified before anything else is believed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "codec/encoder.h"

enum { SUM_SIZE = 16, HEAD_SIZE = 9, FRAME_RAW = 1 << 20, FRAME_MAX = 1 << 30 };
enum { METHOD_NONE = 0x02, METHOD_LZ4 = 0x82, METHOD_ZSTD = 0x90 };

typedef struct frames_decoder {
    fn_source base;
    fn_source *in;
    fn_buf packed, raw;
    size_t at;
} frames_decoder;

/* Fills exactly `size` bytes; *none = the source ended before the first one. */
static fn_status read_exact(fn_source *in, fn_ctx *ctx, char *out, size_t size, bool *none)
{
    size_t done = 0;
    while (done < size) {
        size_t got;
        FN_TRY(in->read(in, ctx, out + done, size - done, &got));
        if (got == 0) break;
        done += got;
    }
    if (none && done == 0 && size) {
        *none = true;
        return FN_OK;
    }
    if (done < size) {
        return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "Cannot read all data. Bytes read: %zu. Bytes expected: %zu.", done, size);
    }
    return FN_OK;
}

static fn_status unpack_frame(frames_decoder *d, fn_ctx *ctx, uint8_t method, size_t packed_size, size_t raw_size)
{
    fn_codec codec;
    switch (method) {
    case METHOD_NONE: codec = FN_CODEC_NONE; break;
    case METHOD_LZ4: codec = FN_CODEC_LZ4_RAW; break;
    case METHOD_ZSTD: codec = FN_CODEC_ZSTD; break;
    default: return fn_fail(ctx, FN_UNKNOWN_COMPRESSION_METHOD, "Unknown compression method of a frame: 0x%02x", method);
    }
    d->raw.size = 0;
    d->at = 0;
    FN_TRY(fn_buf_reserve(ctx, &d->raw, raw_size));
    const fn_str payload = {d->packed.data + HEAD_SIZE, packed_size - HEAD_SIZE};
    FN_TRY(fn_codec_decompress(ctx, codec, payload, d->raw.data, raw_size));
    d->raw.size = raw_size;
    return FN_OK;
}

static fn_status next_frame(frames_decoder *d, fn_ctx *ctx, bool *none)
{
    char head[SUM_SIZE + HEAD_SIZE];
    FN_TRY(read_exact(d->in, ctx, head, sizeof head, none));
    if (*none) return FN_OK;
    const size_t packed_size = fn_load_u32(head + 17), raw_size = fn_load_u32(head + 21);
    if (packed_size > FRAME_MAX || packed_size < HEAD_SIZE || raw_size > FRAME_MAX) {
        return fn_fail(ctx, FN_TOO_LARGE_SIZE_COMPRESSED, "Bad sizes of a compressed frame: %zu bytes packed, %zu raw. Most "
                       "likely corrupted data.", packed_size, raw_size);
    }
    d->packed.size = 0;
    FN_TRY(fn_buf_append(ctx, &d->packed, head + SUM_SIZE, HEAD_SIZE));
    FN_TRY(fn_buf_reserve(ctx, &d->packed, packed_size - HEAD_SIZE));
    FN_TRY(read_exact(d->in, ctx, d->packed.data + HEAD_SIZE, packed_size - HEAD_SIZE, NULL));
    const fn_hash128 sum = fn_city_hash128(d->packed.data, packed_size);
    if (sum.low != fn_load_u64(head) || sum.high != fn_load_u64(head + 8)) {
        return fn_fail(ctx, FN_CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data. Reference: %016llx%016llx. "
                       "Actual: %016llx%016llx. Size of compressed block: %zu", (unsigned long long)fn_load_u64(head),
                       (unsigned long long)fn_load_u64(head + 8), (unsigned long long)sum.low, (unsigned long long)sum.high,
                       packed_size);
    }
    return unpack_frame(d, ctx, (uint8_t)head[SUM_SIZE], packed_size, raw_size);
}

static fn_status frames_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    frames_decoder *d = (frames_decoder *)self;
    bool none = false;
    *got = 0;
    while (d->at == d->raw.size) {
        FN_TRY(next_frame(d, ctx, &none));
        if (none) return FN_OK;
    }
    *got = FN_MIN(capacity, d->raw.size - d->at);
    memcpy(out, d->raw.data + d->at, *got);
    d->at += *got;
    return FN_OK;
}

static void frames_close(fn_source *self)
{
    frames_decoder *d = (frames_decoder *)self;
    fn_buf_release(&d->packed);
    fn_buf_release(&d->raw);
    if (d->in->close) d->in->close(d->in);
    fn_free(d);
}

fn_status fn_frames_decoder(fn_ctx *ctx, fn_source *in_take, fn_source **out)
{
    frames_decoder *d = fn_alloc_zero(ctx, sizeof *d);
    *out = NULL;
    if (!d) {
        if (in_take->close) in_take->close(in_take);
        return ctx->error.code;
    }
    d->base = (fn_source){frames_read, frames_close};
    d->in = in_take;
    *out = &d->base;
    return FN_OK;
}

typedef struct frames_encoder {
    fn_encoder base;
    fn_codec codec;
    uint8_t method;
    fn_buf raw, packed;
} frames_encoder;

static fn_status emit_frame(frames_encoder *f, fn_ctx *ctx, fn_str raw)
{
    f->packed.size = 0;
    FN_TRY(fn_buf_reserve(ctx, &f->packed, SUM_SIZE + HEAD_SIZE));
    f->packed.size = SUM_SIZE + HEAD_SIZE;
    FN_TRY(fn_codec_compress(ctx, f->codec, 0, raw, &f->packed));
    char *frame = f->packed.data;
    const size_t size = f->packed.size - SUM_SIZE;
    frame[SUM_SIZE] = (char)f->method;
    fn_store_u32(frame + SUM_SIZE + 1, (uint32_t)size);
    fn_store_u32(frame + SUM_SIZE + 5, (uint32_t)raw.size);
    const fn_hash128 sum = fn_city_hash128(frame + SUM_SIZE, size);
    fn_store_u64(frame, sum.low);
    fn_store_u64(frame + 8, sum.high);
    return f->base.out->write(f->base.out, ctx, frame, f->packed.size);
}

static fn_status frames_run(fn_encoder *e, fn_ctx *ctx, encoder_op op, const void *bytes, size_t size)
{
    frames_encoder *f = (frames_encoder *)e;
    for (const char *at = bytes; size;) {
        const size_t piece = FN_MIN(size, FRAME_RAW - f->raw.size);
        if (piece == FRAME_RAW) {
            FN_TRY(emit_frame(f, ctx, (fn_str){at, piece}));
        } else {
            FN_TRY(fn_buf_append(ctx, &f->raw, at, piece));
            if (f->raw.size == FRAME_RAW) {
                FN_TRY(emit_frame(f, ctx, fn_buf_view(&f->raw)));
                f->raw.size = 0;
            }
        }
        at += piece;
        size -= piece;
    }
    if (op == ENCODER_WRITE || f->raw.size == 0) return FN_OK;
    FN_TRY(emit_frame(f, ctx, fn_buf_view(&f->raw)));
    f->raw.size = 0;
    return FN_OK;
}

static void frames_free(fn_encoder *e)
{
    frames_encoder *f = (frames_encoder *)e;
    fn_buf_release(&f->raw);
    fn_buf_release(&f->packed);
    fn_free(f);
}

fn_status fn_frames_encoder_open(fn_ctx *ctx, fn_codec codec, fn_sink *out, fn_encoder **encoder)
{
    *encoder = NULL;
    const bool zstd = codec == FN_CODEC_ZSTD;
    if (!zstd && codec != FN_CODEC_LZ4_RAW && codec != FN_CODEC_NONE)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Native frames have no compression method number %d", (int)codec);
    frames_encoder *f = fn_alloc_zero(ctx, sizeof *f);
    FN_TRY_PTR(ctx, f);
    encoder_head(&f->base, out);
    f->base.run = frames_run;
    f->base.free = frames_free;
    f->codec = codec;
    f->method = zstd ? METHOD_ZSTD : codec == FN_CODEC_NONE ? METHOD_NONE : METHOD_LZ4;
    *encoder = &f->base;
    return FN_OK;
}
