/* codec_block.c - whole blocks through the general-purpose compressors.
 *
 * One row per codec; used by Parquet pages, Avro blocks, part files. The caller knows the exact size of the result;
 * a result of any other size is CANNOT_DECOMPRESS. Input is hostile: every library is called with both sizes.
 * LZ4_HADOOP is Parquet's deprecated "LZ4": blocks with two big-endian sizes in front, but some writers put a bare
 * block or a frame there, so those are tried as well.
 * SPDX-License-Identifier: Apache-2.0 */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <firn/codec.h>
#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <pthread.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

enum { PACK_KEPT_BYTES = 4 << 20 }; /* a thread's context for packing; those of high levels are larger */

/* NULL: done; otherwise the reason. */
typedef const char *unpack_fn(fn_str in, uint8_t *out, size_t out_size);
typedef fn_status pack_fn(fn_ctx *ctx, int level, fn_str in, fn_buf *out);

static const char *unpack_none(fn_str in, uint8_t *out, size_t out_size)
{
    if (in.size != out_size) return "sizes differ";
    if (out_size) memcpy(out, in.data, out_size);
    return NULL;
}

static const char *unpack_lz4(fn_str in, uint8_t *out, size_t out_size)
{
    if (in.size > INT_MAX || out_size > INT_MAX) return "block too large";
    const int got = LZ4_decompress_safe(in.data, (char *)out, (int)in.size, (int)out_size);
    if (got < 0) return "malformed block";
    return (size_t)got == out_size ? NULL : "result is shorter than expected";
}

static const char *unpack_lz4_frame(fn_str in, uint8_t *out, size_t out_size)
{
    LZ4F_dctx *d;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&d, LZ4F_VERSION))) return "out of memory";
    size_t at = 0, done = 0, hint = 1;
    const char *why = NULL;
    while (at < in.size) {
        size_t taken = in.size - at, made = out_size - done;
        hint = LZ4F_decompress(d, out + done, &made, in.data + at, &taken, NULL);
        if (LZ4F_isError(hint)) {
            why = LZ4F_getErrorName(hint);
            break;
        }
        at += taken;
        done += made;
        if (taken == 0 && made == 0) break;
    }
    LZ4F_freeDecompressionContext(d);
    if (why) return why;
    if (at < in.size) return "result is longer than expected";
    return hint == 0 && done == out_size ? NULL : "result is shorter than expected";
}

static uint32_t load_be32(const char *p)
{
    return __builtin_bswap32(fn_load_u32(p));
}

static const char *unpack_lz4_hadoop(fn_str in, uint8_t *out, size_t out_size)
{
    size_t at = 0, done = 0;
    while (in.size - at >= 8) {
        const size_t raw = load_be32(in.data + at), packed = load_be32(in.data + at + 4);
        if (packed > in.size - at - 8 || raw > out_size - done) break;
        if (unpack_lz4((fn_str){in.data + at + 8, packed}, out + done, raw)) break;
        at += 8 + packed;
        done += raw;
    }
    if (at == in.size && done == out_size) return NULL;
    if (in.size >= 4 && fn_load_u32(in.data) == 0x184D2204u) return unpack_lz4_frame(in, out, out_size);
    return unpack_lz4(in, out, out_size);
}

/* A thread's contexts. Making one asks the CPU what it can, and in a virtual machine each CPUID is an exit to the host: 50 us, more than a small
 * page of Parquet takes. */
static _Thread_local struct zstd_contexts {
    bool registered;
    ZSTD_DCtx *unpack;
    ZSTD_CCtx *pack;
} zstd;
static pthread_key_t zstd_closer;
static pthread_once_t zstd_once = PTHREAD_ONCE_INIT;
static bool zstd_keeps;

static void zstd_close(void *self)
{
    struct zstd_contexts *z = self;
    (void)ZSTD_freeDCtx(z->unpack);
    (void)ZSTD_freeCCtx(z->pack);
    *z = (struct zstd_contexts){.registered = false};
}

static void zstd_begin(void)
{
    zstd_keeps = pthread_key_create(&zstd_closer, zstd_close) == 0;
}

/* Will what this thread keeps be freed at its end? */
static bool zstd_kept(void)
{
    if (FN_LIKELY(zstd.registered)) return true;
    (void)pthread_once(&zstd_once, zstd_begin);
    zstd.registered = zstd_keeps && pthread_setspecific(zstd_closer, &zstd) == 0;
    return zstd.registered;
}

static const char *unpack_zstd(fn_str in, uint8_t *out, size_t out_size)
{
    if (!zstd.unpack && zstd_kept()) zstd.unpack = ZSTD_createDCtx();
    const size_t got = zstd.unpack ? ZSTD_decompressDCtx(zstd.unpack, out, out_size, in.data, in.size) : ZSTD_decompress(out, out_size, in.data, in.size);
    if (ZSTD_isError(got)) return ZSTD_getErrorName(got);
    return got == out_size ? NULL : "result is shorter than expected";
}

/* gzip and zlib are told apart by their headers; several members may follow each other. */
static const char *unpack_zlib(fn_str in, uint8_t *out, size_t out_size)
{
    if (in.size > UINT_MAX || out_size > UINT_MAX) return "block too large";
    z_stream z = {.avail_in = (uInt)in.size, .next_out = out, .avail_out = (uInt)out_size};
    z.next_in = (z_const Bytef *)(uintptr_t)in.data;
    if (inflateInit2(&z, 15 + 32) != Z_OK) return "out of memory";
    int rc;
    for (;;) {
        rc = inflate(&z, Z_FINISH);
        if (rc != Z_STREAM_END || z.avail_in == 0) break;
        if (inflateReset(&z) != Z_OK) break;
    }
    const size_t left = z.avail_out;
    const bool unread = z.avail_in > 0;
    (void)inflateEnd(&z);
    if (rc == Z_BUF_ERROR) return unread ? "result is longer than expected" : "cut input";
    if (rc != Z_STREAM_END) return "malformed stream";
    return left == 0 ? NULL : "result is shorter than expected";
}

static const char *unpack_snappy(fn_str in, uint8_t *out, size_t out_size)
{
    size_t size;
    if (snappy_uncompressed_length(in.data, in.size, &size) != SNAPPY_OK) return "malformed block";
    if (size != out_size) return "unexpected size of the result";
    return snappy_uncompress(in.data, in.size, (char *)out, &size) == SNAPPY_OK ? NULL : "malformed block";
}

static const char *unpack_brotli(fn_str in, uint8_t *out, size_t out_size)
{
    size_t size = out_size;
    if (BrotliDecoderDecompress(in.size, (const uint8_t *)in.data, &size, out) != BROTLI_DECODER_RESULT_SUCCESS)
        return "malformed stream or unexpected size of the result";
    return size == out_size ? NULL : "result is shorter than expected";
}

static fn_status pack_failed(fn_ctx *ctx, const char *codec, const char *why)
{
    return fn_fail(ctx, FN_CANNOT_COMPRESS, "Cannot compress with %s: %s", codec, why);
}

static fn_status pack_none(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    (void)level;
    return fn_buf_str(ctx, out, in);
}

static fn_status pack_lz4(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    if (in.size > LZ4_MAX_INPUT_SIZE) return pack_failed(ctx, "LZ4", "block too large");
    const int bound = LZ4_compressBound((int)in.size);
    FN_TRY(fn_buf_reserve(ctx, out, (size_t)bound));
    char *to = out->data + out->size;
    const int made = level > 1 ? LZ4_compress_HC(in.data, to, (int)in.size, bound, level)
                               : LZ4_compress_fast(in.data, to, (int)in.size, bound, level < 0 ? -level : 1);
    if (made <= 0) return pack_failed(ctx, "LZ4", "the library refused");
    out->size += (size_t)made;
    return FN_OK;
}

static fn_status pack_lz4_frame(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    LZ4F_preferences_t p = {.compressionLevel = level};
    const size_t bound = LZ4F_compressFrameBound(in.size, &p);
    FN_TRY(fn_buf_reserve(ctx, out, bound));
    const size_t made = LZ4F_compressFrame(out->data + out->size, bound, in.data, in.size, &p);
    if (LZ4F_isError(made)) return pack_failed(ctx, "LZ4 frame", LZ4F_getErrorName(made));
    out->size += made;
    return FN_OK;
}

static fn_status pack_lz4_hadoop(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    const size_t head = out->size;
    FN_TRY(fn_buf_append(ctx, out, "\0\0\0\0\0\0\0", 8));
    FN_TRY(pack_lz4(ctx, level, in, out));
    fn_store_u32(out->data + head, __builtin_bswap32((uint32_t)in.size));
    fn_store_u32(out->data + head + 4, __builtin_bswap32((uint32_t)(out->size - head - 8)));
    return FN_OK;
}

static fn_status pack_zstd(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    const size_t bound = ZSTD_compressBound(in.size);
    FN_TRY(fn_buf_reserve(ctx, out, bound));
    char *to = out->data + out->size;
    if (!level) level = 1;
    if (!zstd.pack && zstd_kept()) zstd.pack = ZSTD_createCCtx();
    const size_t made = zstd.pack ? ZSTD_compressCCtx(zstd.pack, to, bound, in.data, in.size, level) : ZSTD_compress(to, bound, in.data, in.size, level);
    if (zstd.pack && ZSTD_sizeof_CCtx(zstd.pack) > PACK_KEPT_BYTES) {
        (void)ZSTD_freeCCtx(zstd.pack);
        zstd.pack = NULL;
    }
    if (ZSTD_isError(made)) return pack_failed(ctx, "ZSTD", ZSTD_getErrorName(made));
    out->size += made;
    return FN_OK;
}

static fn_status pack_deflate(fn_ctx *ctx, int level, int window, fn_str in, fn_buf *out)
{
    if (in.size > UINT_MAX / 2) return pack_failed(ctx, "zlib", "block too large");
    z_stream z = {.avail_in = (uInt)in.size};
    z.next_in = (z_const Bytef *)(uintptr_t)in.data;
    if (deflateInit2(&z, level ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return pack_failed(ctx, "zlib", "bad level or out of memory");
    const size_t bound = deflateBound(&z, (uLong)in.size);
    fn_status status = fn_buf_reserve(ctx, out, bound);
    if (status == FN_OK) {
        z.next_out = (Bytef *)out->data + out->size;
        z.avail_out = (uInt)bound;
        if (deflate(&z, Z_FINISH) == Z_STREAM_END) out->size += bound - z.avail_out;
        else status = pack_failed(ctx, "zlib", "the library refused");
    }
    (void)deflateEnd(&z);
    return status;
}

static fn_status pack_gzip(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    return pack_deflate(ctx, level, 15 + 16, in, out);
}

static fn_status pack_zlib(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    return pack_deflate(ctx, level, 15, in, out);
}

static fn_status pack_snappy(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    (void)level;
    size_t made = snappy_max_compressed_length(in.size);
    FN_TRY(fn_buf_reserve(ctx, out, made));
    if (snappy_compress(in.data, in.size, out->data + out->size, &made) != SNAPPY_OK)
        return pack_failed(ctx, "Snappy", "the library refused");
    out->size += made;
    return FN_OK;
}

static fn_status pack_brotli(fn_ctx *ctx, int level, fn_str in, fn_buf *out)
{
    size_t made = BrotliEncoderMaxCompressedSize(in.size);
    if (made == 0) return pack_failed(ctx, "Brotli", "block too large");
    FN_TRY(fn_buf_reserve(ctx, out, made));
    if (!BrotliEncoderCompress(level ? level : 1, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, in.size, (const uint8_t *)in.data,
                               &made, (uint8_t *)out->data + out->size))
        return pack_failed(ctx, "Brotli", "the library refused");
    out->size += made;
    return FN_OK;
}

static const struct {
    const char *name;
    unpack_fn *unpack;
    pack_fn *pack;
} codecs[] = {
    [FN_CODEC_NONE] = {"NONE", unpack_none, pack_none},
    [FN_CODEC_LZ4_RAW] = {"LZ4", unpack_lz4, pack_lz4},
    [FN_CODEC_LZ4_FRAME] = {"LZ4 frame", unpack_lz4_frame, pack_lz4_frame},
    [FN_CODEC_LZ4_HADOOP] = {"LZ4 (Hadoop)", unpack_lz4_hadoop, pack_lz4_hadoop},
    [FN_CODEC_ZSTD] = {"ZSTD", unpack_zstd, pack_zstd},
    [FN_CODEC_GZIP] = {"GZIP", unpack_zlib, pack_gzip},
    [FN_CODEC_ZLIB] = {"ZLIB", unpack_zlib, pack_zlib},
    [FN_CODEC_SNAPPY] = {"Snappy", unpack_snappy, pack_snappy},
    [FN_CODEC_BROTLI] = {"Brotli", unpack_brotli, pack_brotli},
};

fn_status fn_codec_decompress(fn_ctx *ctx, fn_codec codec, fn_str in, void *out, size_t out_size)
{
    const char *why = codecs[codec].unpack(in, out, out_size);
    if (!why) return FN_OK;
    return fn_fail(ctx, FN_CANNOT_DECOMPRESS, "Cannot decompress %s data (%zu bytes to %zu): %s", codecs[codec].name, in.size,
                   out_size, why);
}

fn_status fn_codec_compress(fn_ctx *ctx, fn_codec codec, int level, fn_str in, fn_buf *out)
{
    return codecs[codec].pack(ctx, level, in, out);
}
