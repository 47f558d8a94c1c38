/* stream_decoder.c - sources that decode a stream as it is read: gzip, zlib, zstd, LZ4 frames, brotli.
 * SPDX-License-Identifier: Apache-2.0 */
#include <brotli/decode.h>
#include <firn/codec.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

enum { INPUT = 64 << 10 };

/* One step: takes input from [at, end), gives up to `capacity` bytes. Returns false for damaged data. */
typedef struct stream_decoder stream_decoder;
typedef bool step_fn(stream_decoder *d, uint8_t *out, size_t capacity, size_t *got);

struct stream_decoder {
    fn_source base;
    fn_source *in;
    step_fn *step;
    void (*end)(stream_decoder *d);
    const char *name;
    const uint8_t *at, *limit;
    bool input_ended, frame_ended; /* frame_ended: between members; more may follow */
    union {
        z_stream z;
        ZSTD_DStream *zstd;
        LZ4F_dctx *lz4;
        BrotliDecoderState *brotli;
    };
    uint8_t input[INPUT];
};

static bool step_zlib(stream_decoder *d, uint8_t *out, size_t capacity, size_t *got)
{
    if (d->frame_ended && inflateReset(&d->z) != Z_OK) return false;
    d->z.next_in = (Bytef *)(uintptr_t)d->at;
    d->z.avail_in = (uInt)(d->limit - d->at);
    d->z.next_out = out;
    d->z.avail_out = (uInt)FN_MIN(capacity, (size_t)1 << 30);
    const int rc = inflate(&d->z, Z_NO_FLUSH);
    *got = (size_t)(d->z.next_out - out);
    d->at = d->z.next_in;
    d->frame_ended = rc == Z_STREAM_END;
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}

static void end_zlib(stream_decoder *d)
{
    (void)inflateEnd(&d->z);
}

static bool step_zstd(stream_decoder *d, uint8_t *out, size_t capacity, size_t *got)
{
    ZSTD_inBuffer in = {d->at, (size_t)(d->limit - d->at), 0};
    ZSTD_outBuffer o = {out, capacity, 0};
    const size_t rc = ZSTD_decompressStream(d->zstd, &o, &in);
    d->at += in.pos;
    *got = o.pos;
    d->frame_ended = rc == 0;
    return !ZSTD_isError(rc);
}

static void end_zstd(stream_decoder *d)
{
    (void)ZSTD_freeDStream(d->zstd);
}

static bool step_lz4(stream_decoder *d, uint8_t *out, size_t capacity, size_t *got)
{
    size_t taken = (size_t)(d->limit - d->at);
    *got = capacity;
    const size_t rc = LZ4F_decompress(d->lz4, out, got, d->at, &taken, NULL);
    d->at += taken;
    d->frame_ended = rc == 0;
    return !LZ4F_isError(rc);
}

static void end_lz4(stream_decoder *d)
{
    (void)LZ4F_freeDecompressionContext(d->lz4);
}

static bool step_brotli(stream_decoder *d, uint8_t *out, size_t capacity, size_t *got)
{
    size_t left = (size_t)(d->limit - d->at), room = capacity;
    const BrotliDecoderResult rc = BrotliDecoderDecompressStream(d->brotli, &left, &d->at, &room, &out, NULL);
    *got = capacity - room;
    d->frame_ended = rc == BROTLI_DECODER_RESULT_SUCCESS;
    return rc != BROTLI_DECODER_RESULT_ERROR && !(d->frame_ended && d->at != d->limit);
}

static void end_brotli(stream_decoder *d)
{
    BrotliDecoderDestroyInstance(d->brotli);
}

static fn_status decoder_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    stream_decoder *d = (stream_decoder *)self;
    *got = 0;
    while (*got == 0) {
        if (d->at == d->limit && !d->input_ended) {
            size_t n;
            FN_TRY(d->in->read(d->in, ctx, d->input, INPUT, &n));
            d->at = d->input;
            d->limit = d->input + n;
            d->input_ended = n == 0;
        }
        if (d->input_ended && d->at == d->limit && d->frame_ended) return FN_OK;
        const uint8_t *before = d->at;
        if (!d->step(d, out, capacity, got)) return fn_fail(ctx, FN_CANNOT_DECOMPRESS, "The %s-compressed data is damaged", d->name);
        if (*got == 0 && d->input_ended && d->at == before && !d->frame_ended)
            return fn_fail(ctx, FN_CANNOT_DECOMPRESS, "The %s-compressed data is cut off", d->name);
    }
    return FN_OK;
}

static void decoder_close(fn_source *self)
{
    stream_decoder *d = (stream_decoder *)self;
    d->end(d);
    if (d->in->close) d->in->close(d->in);
    fn_free(d);
}

static bool set_up(stream_decoder *d, fn_codec codec)
{
    d->frame_ended = true; /* an empty stream is fine */
    if (codec == FN_CODEC_GZIP || codec == FN_CODEC_ZLIB) {
        d->step = step_zlib;
        d->end = end_zlib;
        d->name = codec == FN_CODEC_GZIP ? "gzip" : "zlib";
        return inflateInit2(&d->z, 15 + 32) == Z_OK;
    }
    if (codec == FN_CODEC_ZSTD) {
        d->step = step_zstd;
        d->end = end_zstd;
        d->name = "zstd";
        return (d->zstd = ZSTD_createDStream()) != NULL;
    }
    if (codec == FN_CODEC_LZ4_FRAME) {
        d->step = step_lz4;
        d->end = end_lz4;
        d->name = "lz4";
        return !LZ4F_isError(LZ4F_createDecompressionContext(&d->lz4, LZ4F_VERSION));
    }
    if (codec == FN_CODEC_BROTLI) {
        d->step = step_brotli;
        d->end = end_brotli;
        d->name = "brotli";
        return (d->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL)) != NULL;
    }
    return false;
}

fn_status fn_codec_decoder(fn_ctx *ctx, fn_codec codec, fn_source *in_take, fn_source **out)
{
    stream_decoder *d = fn_alloc_zero(ctx, sizeof *d);
    if (d && !set_up(d, codec)) {
        fn_free(d);
        d = NULL;
        (void)fn_fail(ctx, FN_UNKNOWN_COMPRESSION_METHOD, "This codec cannot decode streams");
    }
    if (!d) {
        if (in_take->close) in_take->close(in_take);
        return ctx->error.code;
    }
    d->base = (fn_source){decoder_read, decoder_close};
    d->in = in_take;
    *out = &d->base;
    return FN_OK;
}
