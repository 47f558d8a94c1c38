/* firn/codec.h - general-purpose compression by name, for files and for HTTP.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_CODEC_H
#define FIRN_CODEC_H
#include <firn/bits.h>
#include <firn/stream.h>

typedef enum fn_codec {
    FN_CODEC_NONE, FN_CODEC_LZ4_RAW, FN_CODEC_LZ4_FRAME, FN_CODEC_LZ4_HADOOP, FN_CODEC_ZSTD, FN_CODEC_GZIP, FN_CODEC_ZLIB,
    FN_CODEC_SNAPPY, FN_CODEC_BROTLI
} fn_codec;

/* Whole blocks. `out_size` is the exact size expected (Parquet and part headers have it).
 * Errors: CANNOT_DECOMPRESS (271) naming the codec and the reason. Never writes beyond out_size. */
fn_status fn_codec_decompress(fn_ctx *ctx, fn_codec codec, fn_str in, void *out, size_t out_size) FN_MUST_USE;
fn_status fn_codec_compress(fn_ctx *ctx, fn_codec codec, int level, fn_str in, fn_buf *out) FN_MUST_USE; /* appends; level 0 = default, LZ4: -n = n times as quick, and packs less */

/* Streams: GZIP, ZLIB, ZSTD, LZ4_FRAME, BROTLI (decode). One member/frame per stream when encoding; several when decoding. */
fn_status fn_codec_decoder(fn_ctx *ctx, fn_codec codec, fn_source *in_take, fn_source **out) FN_MUST_USE;
/* The sink writes compressed bytes to `out` (borrowed); flush ends a block so that the reader sees all so far;
 * finish writes the trailer. */
typedef struct fn_encoder fn_encoder;
fn_status fn_encoder_open(fn_ctx *ctx, fn_codec codec, int level, fn_sink *out, fn_encoder **encoder) FN_MUST_USE;
fn_sink *fn_encoder_sink(fn_encoder *e);
fn_status fn_encoder_finish(fn_ctx *ctx, fn_encoder *e) FN_MUST_USE;
void fn_encoder_free(fn_encoder *e);

/* ClickHouse's native frames (CityHash128 v1.0.2 + header + LZ4 or ZSTD): `compress=1`, `decompress=1`. */
fn_status fn_frames_decoder(fn_ctx *ctx, fn_source *in_take, fn_source **out) FN_MUST_USE;
fn_status fn_frames_encoder_open(fn_ctx *ctx, fn_codec codec, fn_sink *out, fn_encoder **encoder) FN_MUST_USE;
fn_hash128 fn_city_hash128(const void *data, size_t size); /* CityHash 1.0.2, as ClickHouse has it */
uint64_t fn_city_hash64(const void *data, size_t size);
#endif
