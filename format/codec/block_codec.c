/* block_codec.c - whole blocks by codec: rows of a table over the libraries. Sizes come from the caller, who has them from
 * a header; a block that does not give exactly that many bytes is damaged. SPDX-License-Identifier: Apache-2.0 */
#include <brotli/decode.h>
#include <firn/codec.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

typedef bool decompress_fn(fn_str in, void *out, size_t size);

static bool none(fn_str in, void *out, size_t size)
{
    if (in.size != size) return false;
    if (size) memcpy(out, in.data, size);
    return true;
}

static bool lz4_raw(fn_str in, void *out, size_t size)
{
    if (in.size > INT32_MAX || size > INT32_MAX) return false;
    return LZ4_decompress_safe(in.data, out, (int)in.size, (int)size) == (int)size;
}

static uint32_t big_endian(const char *p)
{
    return __builtin_bswap32(fn_load_u32(p));
}

/* Hadoop's framing: big-endian plain size, then pieces of big-endian packed size and LZ4 block; some writers leave it out. */
static bool lz4_hadoop(fn_str in, void *out, size_t size)
{
    uint8_t *to = out;
    size_t done = 0;
    fn_str rest = in;
    while (rest.size >= 8) {
        const size_t plain = big_endian(rest.data), packed = big_endian(rest.data + 4);
        if (packed > rest.size - 8 || plain > size - done) break;
        if (!lz4_raw((fn_str){rest.data + 8, packed}, to + done, plain)) break;
        done += plain;
        rest = (fn_str){rest.data + 8 + packed, rest.size - 8 - packed};
    }
    return (done == size && rest.size == 0) || lz4_raw(in, out, size);
}

static bool zstd(fn_str in, void *out, size_t size)
{
    return ZSTD_decompress(out, size, in.data, in.size) == size;
}

/* gzip and zlib headers are told apart by zlib itself (window bits + 32). */
static bool gzip(fn_str in, void *out, size_t size)
{
    z_stream z = {0};
    if (inflateInit2(&z, 15 + 32) != Z_OK) return false;
    z.next_in = (Bytef *)(uintptr_t)in.data;
    z.avail_in = (uInt)in.size;
    z.next_out = out;
    z.avail_out = (uInt)size;
    int rc;
    for (;;) { /* several members may follow each other */
        rc = inflate(&z, Z_FINISH);
        if (rc != Z_STREAM_END || z.avail_in == 0 || z.avail_out == 0) break;
        if (inflateReset(&z) != Z_OK) break;
    }
    const bool ok = rc == Z_STREAM_END && z.avail_out == 0;
    (void)inflateEnd(&z);
    return ok;
}

static bool snappy(fn_str in, void *out, size_t size)
{
    size_t n = 0;
    if (snappy_uncompressed_length(in.data, in.size, &n) != SNAPPY_OK || n != size) return false;
    return snappy_uncompress(in.data, in.size, out, &n) == SNAPPY_OK && n == size;
}

static bool brotli(fn_str in, void *out, size_t size)
{
    size_t n = size;
    return BrotliDecoderDecompress(in.size, (const uint8_t *)in.data, &n, out) == BROTLI_DECODER_RESULT_SUCCESS && n == size;
}

static const struct {
    const char *name;
    decompress_fn *run;
} decompressors[] = {
    [FN_CODEC_NONE] = {"none", none},           [FN_CODEC_LZ4_RAW] = {"LZ4", lz4_raw},  [FN_CODEC_LZ4_FRAME] = {"LZ4 frame", NULL},
    [FN_CODEC_LZ4_HADOOP] = {"LZ4", lz4_hadoop}, [FN_CODEC_ZSTD] = {"ZSTD", zstd},       [FN_CODEC_GZIP] = {"gzip", gzip},
    [FN_CODEC_ZLIB] = {"zlib", gzip},           [FN_CODEC_SNAPPY] = {"snappy", snappy}, [FN_CODEC_BROTLI] = {"brotli", brotli},
};

fn_status fn_codec_decompress(fn_ctx *ctx, fn_codec codec, fn_str in, void *out, size_t out_size)
{
    if (!decompressors[codec].run) return fn_fail(ctx, FN_UNKNOWN_COMPRESSION_METHOD, "Codec %s has no block form", decompressors[codec].name);
    if (in.size > UINT32_MAX || out_size > UINT32_MAX || !decompressors[codec].run(in, out, out_size))
        return fn_fail(ctx, FN_CANNOT_DECOMPRESS, "Cannot decompress %s-encoded data: %zu bytes should give %zu", decompressors[codec].name, in.size, out_size);
    return FN_OK;
}

fn_status fn_codec_compress(fn_ctx *ctx, fn_codec codec, int level, fn_str in, fn_buf *out)
{
    if (in.size > LZ4_MAX_INPUT_SIZE) return fn_fail(ctx, FN_CANNOT_COMPRESS, "A block of %zu bytes is too large to compress", in.size);
    if (codec == FN_CODEC_NONE) return fn_buf_str(ctx, out, in);
    if (codec == FN_CODEC_LZ4_RAW) {
        const int bound = LZ4_compressBound((int)in.size);
        FN_TRY(fn_buf_reserve(ctx, out, (size_t)bound));
        const int n = LZ4_compress_default(in.data, out->data + out->size, (int)in.size, bound);
        if (n <= 0) return fn_fail(ctx, FN_CANNOT_COMPRESS, "LZ4 cannot compress %zu bytes", in.size);
        out->size += (size_t)n;
        return FN_OK;
    }
    if (codec == FN_CODEC_ZSTD) {
        const size_t bound = ZSTD_compressBound(in.size);
        FN_TRY(fn_buf_reserve(ctx, out, bound));
        const size_t n = ZSTD_compress(out->data + out->size, bound, in.data, in.size, level ? level : 1);
        if (ZSTD_isError(n)) return fn_fail(ctx, FN_CANNOT_COMPRESS, "ZSTD: %s", ZSTD_getErrorName(n));
        out->size += n;
        return FN_OK;
    }
    return fn_fail(ctx, FN_UNKNOWN_COMPRESSION_METHOD, "Blocks cannot be compressed with %s", decompressors[codec].name);
}
