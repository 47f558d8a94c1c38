/* stream_encoder.c - sinks that encode what is written: one gzip member, zlib stream, zstd frame or LZ4 frame.
 * SPDX-License-Identifier: Apache-2.0 */
#include "codec/encoder.h"
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

enum { OUTPUT = 64 << 10, LZ4_PIECE = 256 << 10 };

/* ---- gzip, zlib ---- */
typedef struct zlib_encoder {
    fn_encoder base;
    z_stream z;
    uint8_t output[OUTPUT];
} zlib_encoder;

static fn_status run_zlib(zlib_encoder *e, fn_ctx *ctx, const void *bytes, size_t size, int flush)
{
    e->z.next_in = (Bytef *)(uintptr_t)bytes;
    e->z.avail_in = (uInt)size;
    do {
        e->z.next_out = e->output;
        e->z.avail_out = OUTPUT;
        const int rc = deflate(&e->z, flush);
        if (rc == Z_STREAM_ERROR) return fn_fail(ctx, FN_CANNOT_COMPRESS, "zlib cannot compress");
        const size_t n = OUTPUT - e->z.avail_out;
        if (n) FN_TRY(e->base.out->write(e->base.out, ctx, e->output, n));
    } while (e->z.avail_out == 0);
    return FN_OK;
}

static fn_status write_zlib(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (; size > 1u << 30; at += 1u << 30, size -= 1u << 30) FN_TRY(run_zlib((zlib_encoder *)self, ctx, at, 1u << 30, Z_NO_FLUSH));
    return run_zlib((zlib_encoder *)self, ctx, at, size, Z_NO_FLUSH);
}

static fn_status flush_zlib(fn_sink *self, fn_ctx *ctx)
{
    return run_zlib((zlib_encoder *)self, ctx, NULL, 0, Z_SYNC_FLUSH);
}

static fn_status finish_zlib(fn_encoder *e, fn_ctx *ctx)
{
    return run_zlib((zlib_encoder *)e, ctx, NULL, 0, Z_FINISH);
}

static void free_zlib(fn_encoder *e)
{
    (void)deflateEnd(&((zlib_encoder *)e)->z);
}

/* ---- zstd ---- */
typedef struct zstd_encoder {
    fn_encoder base;
    ZSTD_CStream *z;
    uint8_t output[OUTPUT];
} zstd_encoder;

static fn_status run_zstd(zstd_encoder *e, fn_ctx *ctx, const void *bytes, size_t size, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {bytes, size, 0};
    for (;;) {
        ZSTD_outBuffer out = {e->output, OUTPUT, 0};
        const size_t left = ZSTD_compressStream2(e->z, &out, &in, end);
        if (ZSTD_isError(left)) return fn_fail(ctx, FN_CANNOT_COMPRESS, "ZSTD: %s", ZSTD_getErrorName(left));
        if (out.pos) FN_TRY(e->base.out->write(e->base.out, ctx, e->output, out.pos));
        if (end == ZSTD_e_continue ? in.pos == in.size : left == 0) return FN_OK;
    }
}

static fn_status write_zstd(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    return run_zstd((zstd_encoder *)self, ctx, bytes, size, ZSTD_e_continue);
}

static fn_status flush_zstd(fn_sink *self, fn_ctx *ctx)
{
    return run_zstd((zstd_encoder *)self, ctx, NULL, 0, ZSTD_e_flush);
}

static fn_status finish_zstd(fn_encoder *e, fn_ctx *ctx)
{
    return run_zstd((zstd_encoder *)e, ctx, NULL, 0, ZSTD_e_end);
}

static void free_zstd(fn_encoder *e)
{
    (void)ZSTD_freeCStream(((zstd_encoder *)e)->z);
}

/* ---- LZ4 frame ---- */
typedef struct lz4_encoder {
    fn_encoder base;
    LZ4F_cctx *z;
    bool begun;
    fn_buf output;
} lz4_encoder;

static fn_status send_lz4(lz4_encoder *e, fn_ctx *ctx, size_t n)
{
    if (LZ4F_isError(n)) return fn_fail(ctx, FN_CANNOT_COMPRESS, "LZ4: %s", LZ4F_getErrorName(n));
    return n ? e->base.out->write(e->base.out, ctx, e->output.data, n) : FN_OK;
}

static fn_status begin_lz4(lz4_encoder *e, fn_ctx *ctx)
{
    if (e->begun) return FN_OK;
    e->begun = true;
    FN_TRY(fn_buf_reserve(ctx, &e->output, LZ4F_compressBound(LZ4_PIECE, NULL) + LZ4F_HEADER_SIZE_MAX));
    return send_lz4(e, ctx, LZ4F_compressBegin(e->z, e->output.data, e->output.capacity, NULL));
}

static fn_status write_lz4(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    lz4_encoder *e = (lz4_encoder *)self;
    FN_TRY(begin_lz4(e, ctx));
    for (const uint8_t *at = bytes; size;) {
        const size_t n = FN_MIN(size, (size_t)LZ4_PIECE);
        FN_TRY(send_lz4(e, ctx, LZ4F_compressUpdate(e->z, e->output.data, e->output.capacity, at, n, NULL)));
        at += n;
        size -= n;
    }
    return FN_OK;
}

static fn_status flush_lz4(fn_sink *self, fn_ctx *ctx)
{
    lz4_encoder *e = (lz4_encoder *)self;
    FN_TRY(begin_lz4(e, ctx));
    return send_lz4(e, ctx, LZ4F_flush(e->z, e->output.data, e->output.capacity, NULL));
}

static fn_status finish_lz4(fn_encoder *base, fn_ctx *ctx)
{
    lz4_encoder *e = (lz4_encoder *)base;
    FN_TRY(begin_lz4(e, ctx));
    return send_lz4(e, ctx, LZ4F_compressEnd(e->z, e->output.data, e->output.capacity, NULL));
}

static void free_lz4(fn_encoder *base)
{
    lz4_encoder *e = (lz4_encoder *)base;
    (void)LZ4F_freeCompressionContext(e->z);
    fn_buf_release(&e->output);
}

/* ---- opening ---- */
static fn_encoder *open_zlib(fn_ctx *ctx, bool gzip, int level)
{
    zlib_encoder *e = fn_alloc_zero(ctx, sizeof *e);
    if (!e) return NULL;
    e->base = (fn_encoder){.sink = {write_zlib, flush_zlib}, .finish = finish_zlib, .free = free_zlib};
    if (deflateInit2(&e->z, level ? level : 3, Z_DEFLATED, gzip ? 15 + 16 : 15, 8, Z_DEFAULT_STRATEGY) == Z_OK) return &e->base;
    fn_free(e);
    return NULL;
}

static fn_encoder *open_zstd(fn_ctx *ctx, int level)
{
    zstd_encoder *e = fn_alloc_zero(ctx, sizeof *e);
    if (!e) return NULL;
    e->base = (fn_encoder){.sink = {write_zstd, flush_zstd}, .finish = finish_zstd, .free = free_zstd};
    e->z = ZSTD_createCStream();
    if (e->z && !ZSTD_isError(ZSTD_CCtx_setParameter(e->z, ZSTD_c_compressionLevel, level ? level : 1))) return &e->base;
    fn_free(e);
    return NULL;
}

static fn_encoder *open_lz4(fn_ctx *ctx)
{
    lz4_encoder *e = fn_alloc_zero(ctx, sizeof *e);
    if (!e) return NULL;
    e->base = (fn_encoder){.sink = {write_lz4, flush_lz4}, .finish = finish_lz4, .free = free_lz4};
    if (!LZ4F_isError(LZ4F_createCompressionContext(&e->z, LZ4F_VERSION))) return &e->base;
    fn_free(e);
    return NULL;
}

fn_status fn_encoder_open(fn_ctx *ctx, fn_codec codec, int level, fn_sink *out, fn_encoder **encoder)
{
    *encoder = codec == FN_CODEC_GZIP || codec == FN_CODEC_ZLIB ? open_zlib(ctx, codec == FN_CODEC_GZIP, level)
               : codec == FN_CODEC_ZSTD                         ? open_zstd(ctx, level)
               : codec == FN_CODEC_LZ4_FRAME                    ? open_lz4(ctx)
                                                                : NULL;
    if (!*encoder) return fn_fail(ctx, FN_UNKNOWN_COMPRESSION_METHOD, "Streams cannot be encoded with this codec");
    (*encoder)->out = out;
    return FN_OK;
}

fn_sink *fn_encoder_sink(fn_encoder *e)
{
    return &e->sink;
}

fn_status fn_encoder_finish(fn_ctx *ctx, fn_encoder *e)
{
    if (e->finished) return FN_OK;
    e->finished = true;
    return e->finish(e, ctx);
}

void fn_encoder_free(fn_encoder *e)
{
    if (!e) return;
    e->free(e);
    fn_free(e);
}
