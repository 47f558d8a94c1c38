/* codec_decode.c - decompressing streams: a source that reads compressed bytes from another source.
 *
 * One `inflater` row per family turns what lies in the input window into output; the common loop refills the window,
 * goes on with the next member or frame behind the end of one, and knows that input ending inside a member is an error.
 * An empty input is an empty result.
 * SPDX-License-Identifier: Apache-2.0 */
#include <brotli/decode.h>
#include <firn/codec.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

enum { WINDOW = 128 * 1024 };

typedef struct decoder decoder;

/* One step: consumes from in[0..*in_size), produces into out[0..*out_size); both become what was taken and made.
 * *ended: a member is complete. Returns NULL or the reason of failure. */
typedef struct inflater {
    const char *name;
    bool (*open)(decoder *d);
    const char *(*step)(decoder *d, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size, bool *ended);
    bool (*again)(decoder *d); /* prepares for a further member; NULL: there is none */
    void (*close)(decoder *d);
} inflater;

struct decoder {
    fn_source base;
    fn_source *in;
    const inflater *ops;
    union {
        z_stream z;
        ZSTD_DStream *zstd;
        LZ4F_dctx *lz4;
        BrotliDecoderState *brotli;
    } u;
    bool opened, input_ended, member_ended, fresh; /* fresh: no byte of the present member was taken */
    size_t at, size;
    uint8_t window[WINDOW];
};

static bool zlib_open(decoder *d)
{
    return inflateInit2(&d->u.z, 15 + 32) == Z_OK;
}
static const char *zlib_step(decoder *d, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size, bool *ended)
{
    z_stream *z = &d->u.z;
    const uInt given = (uInt)*in_size, room = (uInt)FN_MIN(*out_size, (size_t)1 << 30);
    z->next_in = (z_const Bytef *)(uintptr_t)in;
    z->avail_in = given;
    z->next_out = out;
    z->avail_out = room;
    const int rc = inflate(z, Z_NO_FLUSH);
    *in_size = given - z->avail_in;
    *out_size = room - z->avail_out;
    *ended = rc == Z_STREAM_END;
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ? NULL : z->msg ? z->msg : "malformed stream";
}
static bool zlib_again(decoder *d)
{
    return inflateReset(&d->u.z) == Z_OK;
}
static void zlib_close(decoder *d)
{
    (void)inflateEnd(&d->u.z);
}

static bool zstd_open(decoder *d)
{
    d->u.zstd = ZSTD_createDStream();
    return d->u.zstd != NULL;
}
static const char *zstd_step(decoder *d, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size, bool *ended)
{
    ZSTD_inBuffer i = {in, *in_size, 0};
    ZSTD_outBuffer o = {out, *out_size, 0};
    const size_t rc = ZSTD_decompressStream(d->u.zstd, &o, &i);
    *in_size = i.pos;
    *out_size = o.pos;
    *ended = rc == 0;
    return ZSTD_isError(rc) ? ZSTD_getErrorName(rc) : NULL;
}
static bool frames_again(decoder *d)
{
    (void)d;
    return true; /* these libraries begin a new frame by themselves */
}
static void zstd_close(decoder *d)
{
    (void)ZSTD_freeDStream(d->u.zstd);
}

static bool lz4_open(decoder *d)
{
    return !LZ4F_isError(LZ4F_createDecompressionContext(&d->u.lz4, LZ4F_VERSION));
}
static const char *lz4_step(decoder *d, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size, bool *ended)
{
    const size_t rc = LZ4F_decompress(d->u.lz4, out, out_size, in, in_size, NULL);
    *ended = rc == 0;
    return LZ4F_isError(rc) ? LZ4F_getErrorName(rc) : NULL;
}
static void lz4_close(decoder *d)
{
    (void)LZ4F_freeDecompressionContext(d->u.lz4);
}

static bool brotli_open(decoder *d)
{
    d->u.brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    return d->u.brotli != NULL;
}
static const char *brotli_step(decoder *d, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size, bool *ended)
{
    size_t left = *in_size, room = *out_size;
    const BrotliDecoderResult rc = BrotliDecoderDecompressStream(d->u.brotli, &left, &in, &room, &out, NULL);
    *in_size -= left;
    *out_size -= room;
    *ended = rc == BROTLI_DECODER_RESULT_SUCCESS;
    return rc == BROTLI_DECODER_RESULT_ERROR ? BrotliDecoderErrorString(BrotliDecoderGetErrorCode(d->u.brotli)) : NULL;
}
static void brotli_close(decoder *d)
{
    BrotliDecoderDestroyInstance(d->u.brotli);
}

static const inflater zlib_family = {"gzip/zlib", zlib_open, zlib_step, zlib_again, zlib_close};
static const inflater zstd_family = {"ZSTD", zstd_open, zstd_step, frames_again, zstd_close};
static const inflater lz4_family = {"LZ4", lz4_open, lz4_step, frames_again, lz4_close};
static const inflater brotli_family = {"Brotli", brotli_open, brotli_step, NULL, brotli_close};
static const inflater *const families[] = {
    [FN_CODEC_LZ4_FRAME] = &lz4_family, [FN_CODEC_ZSTD] = &zstd_family,     [FN_CODEC_GZIP] = &zlib_family,
    [FN_CODEC_ZLIB] = &zlib_family,     [FN_CODEC_BROTLI] = &brotli_family,
};

static fn_status failed(fn_ctx *ctx, const decoder *d, const char *why)
{
    return fn_fail(ctx, FN_CANNOT_DECOMPRESS, "Cannot decompress %s stream: %s", d->ops->name, why);
}

static fn_status refill(decoder *d, fn_ctx *ctx)
{
    if (d->at < d->size || d->input_ended) return FN_OK;
    d->at = 0;
    d->size = 0;
    FN_TRY(d->in->read(d->in, ctx, d->window, WINDOW, &d->size));
    d->input_ended = d->size == 0;
    return FN_OK;
}

static fn_status decoder_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    decoder *d = (decoder *)self;
    *got = 0;
    for (;;) {
        FN_TRY(refill(d, ctx));
        if (d->member_ended && d->at < d->size) {
            if (!d->ops->again || !d->ops->again(d)) return failed(ctx, d, "bytes behind the end of the stream");
            d->member_ended = false;
            d->fresh = true;
        }
        if (d->at == d->size && (d->member_ended || d->fresh)) return FN_OK;
        size_t taken = d->size - d->at, made = capacity;
        const char *why = d->ops->step(d, d->window + d->at, &taken, out, &made, &d->member_ended);
        if (why) return failed(ctx, d, why);
        d->at += taken;
        if (taken) d->fresh = false;
        if (made) {
            *got = made;
            return FN_OK;
        }
        if (!taken && !d->member_ended && d->at == d->size && d->input_ended) return failed(ctx, d, "unexpected end of data");
        if (!taken && !d->member_ended && d->at < d->size) return failed(ctx, d, "no progress");
    }
}

static void decoder_close(fn_source *self)
{
    decoder *d = (decoder *)self;
    if (d->opened) d->ops->close(d);
    if (d->in->close) d->in->close(d->in);
    fn_free(d);
}

fn_status fn_codec_decoder(fn_ctx *ctx, fn_codec codec, fn_source *in_take, fn_source **out)
{
    *out = NULL;
    const inflater *ops = codec < FN_COUNT(families) ? families[codec] : NULL;
    decoder *d = ops ? fn_alloc(ctx, sizeof *d) : NULL;
    if (!d) {
        if (in_take->close) in_take->close(in_take);
        if (ops) return ctx->error.code;
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "There is no stream form of compression method number %d", (int)codec);
    }
    memset(d, 0, offsetof(decoder, window));
    d->base = (fn_source){decoder_read, decoder_close};
    d->in = in_take;
    d->ops = ops;
    d->fresh = true;
    d->opened = ops->open(d);
    if (!d->opened) {
        decoder_close(&d->base);
        return fn_fail_memory(ctx, WINDOW);
    }
    *out = &d->base;
    return FN_OK;
}
