/* codec_encode.c - compressing streams: a sink that writes compressed bytes to another sink.
 *
 * Each family has a `run` that feeds its library and hands full output windows on. flush makes the library end a block,
 * so that the reader sees everything written so far, and passes the flush on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "codec/encoder.h"
#include <brotli/encode.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

/* LZ4 is fed in pieces of at most PIECE bytes, whose compressed bound fits the window. */
enum { PIECE = 64 * 1024, WINDOW = 192 * 1024 };

typedef struct stream_encoder {
    fn_encoder base;
    union {
        z_stream z;
        ZSTD_CStream *zstd;
        LZ4F_cctx *lz4;
        BrotliEncoderState *brotli;
    } u;
    LZ4F_preferences_t lz4_preferences;
    bool lz4_begun;
    uint8_t window[WINDOW];
} stream_encoder;

static fn_status sink_write(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    fn_encoder *e = (fn_encoder *)self;
    return size ? e->run(e, ctx, ENCODER_WRITE, bytes, size) : FN_OK;
}

static fn_status sink_flush(fn_sink *self, fn_ctx *ctx)
{
    fn_encoder *e = (fn_encoder *)self;
    FN_TRY(e->run(e, ctx, ENCODER_FLUSH, NULL, 0));
    return e->out->flush ? e->out->flush(e->out, ctx) : FN_OK;
}

void encoder_head(fn_encoder *e, fn_sink *out)
{
    e->sink = (fn_sink){sink_write, sink_flush};
    e->out = out;
}

static fn_status failed(fn_ctx *ctx, const char *codec, const char *why)
{
    return fn_fail(ctx, FN_CANNOT_COMPRESS, "Cannot compress %s stream: %s", codec, why);
}

static fn_status hand_on(stream_encoder *s, fn_ctx *ctx, size_t made)
{
    return made ? s->base.out->write(s->base.out, ctx, s->window, made) : FN_OK;
}

static fn_status zlib_run(fn_encoder *e, fn_ctx *ctx, encoder_op op, const void *bytes, size_t size)
{
    static const int flushes[] = {[ENCODER_WRITE] = Z_NO_FLUSH, [ENCODER_FLUSH] = Z_SYNC_FLUSH, [ENCODER_FINISH] = Z_FINISH};
    stream_encoder *s = (stream_encoder *)e;
    const uint8_t *at = bytes;
    do {
        const uInt piece = (uInt)FN_MIN(size, (size_t)1 << 30);
        s->u.z.next_in = (z_const Bytef *)(uintptr_t)at;
        s->u.z.avail_in = piece;
        do {
            s->u.z.next_out = s->window;
            s->u.z.avail_out = WINDOW;
            const int rc = deflate(&s->u.z, flushes[op]);
            if (rc == Z_STREAM_ERROR) return failed(ctx, "zlib", "the library refused");
            FN_TRY(hand_on(s, ctx, WINDOW - s->u.z.avail_out));
        } while (s->u.z.avail_out == 0);
        if (piece) at += piece;
        size -= piece;
    } while (size);
    return FN_OK;
}

static void zlib_free(fn_encoder *e)
{
    (void)deflateEnd(&((stream_encoder *)e)->u.z);
    fn_free(e);
}

static fn_status zstd_run(fn_encoder *e, fn_ctx *ctx, encoder_op op, const void *bytes, size_t size)
{
    static const ZSTD_EndDirective ends[] = {
        [ENCODER_WRITE] = ZSTD_e_continue, [ENCODER_FLUSH] = ZSTD_e_flush, [ENCODER_FINISH] = ZSTD_e_end};
    stream_encoder *s = (stream_encoder *)e;
    ZSTD_inBuffer in = {bytes, size, 0};
    for (;;) {
        ZSTD_outBuffer out = {s->window, WINDOW, 0};
        const size_t left = ZSTD_compressStream2(s->u.zstd, &out, &in, ends[op]);
        if (ZSTD_isError(left)) return failed(ctx, "ZSTD", ZSTD_getErrorName(left));
        FN_TRY(hand_on(s, ctx, out.pos));
        if (op == ENCODER_WRITE ? in.pos == in.size : left == 0) return FN_OK;
    }
}

static void zstd_free(fn_encoder *e)
{
    (void)ZSTD_freeCStream(((stream_encoder *)e)->u.zstd);
    fn_free(e);
}

static fn_status lz4_made(stream_encoder *s, fn_ctx *ctx, size_t made)
{
    if (LZ4F_isError(made)) return failed(ctx, "LZ4", LZ4F_getErrorName(made));
    return hand_on(s, ctx, made);
}

static fn_status lz4_run(fn_encoder *e, fn_ctx *ctx, encoder_op op, const void *bytes, size_t size)
{
    stream_encoder *s = (stream_encoder *)e;
    if (!s->lz4_begun) {
        s->lz4_begun = true;
        FN_TRY(lz4_made(s, ctx, LZ4F_compressBegin(s->u.lz4, s->window, WINDOW, &s->lz4_preferences)));
    }
    for (const uint8_t *at = bytes; size;) {
        const size_t piece = FN_MIN(size, (size_t)PIECE);
        FN_TRY(lz4_made(s, ctx, LZ4F_compressUpdate(s->u.lz4, s->window, WINDOW, at, piece, NULL)));
        at += piece;
        size -= piece;
    }
    if (op == ENCODER_FLUSH) return lz4_made(s, ctx, LZ4F_flush(s->u.lz4, s->window, WINDOW, NULL));
    if (op == ENCODER_FINISH) return lz4_made(s, ctx, LZ4F_compressEnd(s->u.lz4, s->window, WINDOW, NULL));
    return FN_OK;
}

static void lz4_free(fn_encoder *e)
{
    (void)LZ4F_freeCompressionContext(((stream_encoder *)e)->u.lz4);
    fn_free(e);
}

static fn_status brotli_run(fn_encoder *e, fn_ctx *ctx, encoder_op op, const void *bytes, size_t size)
{
    static const BrotliEncoderOperation ops[] = {[ENCODER_WRITE] = BROTLI_OPERATION_PROCESS,
                                                 [ENCODER_FLUSH] = BROTLI_OPERATION_FLUSH,
                                                 [ENCODER_FINISH] = BROTLI_OPERATION_FINISH};
    stream_encoder *s = (stream_encoder *)e;
    const uint8_t *in = bytes;
    do {
        uint8_t *out = s->window;
        size_t room = WINDOW;
        if (!BrotliEncoderCompressStream(s->u.brotli, ops[op], &size, &in, &room, &out, NULL))
            return failed(ctx, "Brotli", "the library refused");
        FN_TRY(hand_on(s, ctx, WINDOW - room));
    } while (size || BrotliEncoderHasMoreOutput(s->u.brotli));
    return FN_OK;
}

static void brotli_free(fn_encoder *e)
{
    BrotliEncoderDestroyInstance(((stream_encoder *)e)->u.brotli);
    fn_free(e);
}

static bool zlib_open(stream_encoder *s, int level, int window)
{
    s->base.run = zlib_run;
    s->base.free = zlib_free;
    return deflateInit2(&s->u.z, level ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool zstd_open(stream_encoder *s, int level)
{
    s->base.run = zstd_run;
    s->base.free = zstd_free;
    s->u.zstd = ZSTD_createCStream();
    return s->u.zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(s->u.zstd, ZSTD_c_compressionLevel, level ? level : 1));
}

static bool lz4_open(stream_encoder *s, int level)
{
    s->base.run = lz4_run;
    s->base.free = lz4_free;
    s->lz4_preferences.compressionLevel = level;
    s->lz4_preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    return !LZ4F_isError(LZ4F_createCompressionContext(&s->u.lz4, LZ4F_VERSION));
}

static bool brotli_open(stream_encoder *s, int level)
{
    s->base.run = brotli_run;
    s->base.free = brotli_free;
    s->u.brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    return s->u.brotli && BrotliEncoderSetParameter(s->u.brotli, BROTLI_PARAM_QUALITY, (uint32_t)(level > 0 ? level : 1));
}

static bool open_by_codec(stream_encoder *s, fn_codec codec, int level, bool *known)
{
    switch (codec) {
    case FN_CODEC_GZIP: return zlib_open(s, level, 15 + 16);
    case FN_CODEC_ZLIB: return zlib_open(s, level, 15);
    case FN_CODEC_ZSTD: return zstd_open(s, level);
    case FN_CODEC_LZ4_FRAME: return lz4_open(s, level);
    case FN_CODEC_BROTLI: return brotli_open(s, level);
    case FN_CODEC_NONE:
    case FN_CODEC_LZ4_RAW:
    case FN_CODEC_LZ4_HADOOP:
    case FN_CODEC_SNAPPY: break;
    }
    *known = false;
    return false;
}

fn_status fn_encoder_open(fn_ctx *ctx, fn_codec codec, int level, fn_sink *out, fn_encoder **encoder)
{
    *encoder = NULL;
    stream_encoder *s = fn_alloc(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    memset(s, 0, offsetof(stream_encoder, window));
    encoder_head(&s->base, out);
    bool known = true;
    if (open_by_codec(s, codec, level, &known)) {
        *encoder = &s->base;
        return FN_OK;
    }
    fn_free(s);
    if (!known) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "There is no stream form of compression method number %d", (int)codec);
    return fn_fail(ctx, FN_CANNOT_COMPRESS, "Cannot begin a compressed stream (level %d)", level);
}

fn_sink *fn_encoder_sink(fn_encoder *e)
{
    return &e->sink;
}

fn_status fn_encoder_finish(fn_ctx *ctx, fn_encoder *e)
{
    return e->run(e, ctx, ENCODER_FINISH, NULL, 0);
}

void fn_encoder_free(fn_encoder *e)
{
    if (e) e->free(e);
}
