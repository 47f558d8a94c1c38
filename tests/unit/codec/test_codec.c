/* test_codec.c - every codec there and back, whole blocks and streams; cut and damaged input is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/codec.h>
#include <stdio.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

static const fn_codec block_codecs[] = {FN_CODEC_NONE, FN_CODEC_LZ4_RAW, FN_CODEC_LZ4_FRAME, FN_CODEC_LZ4_HADOOP, FN_CODEC_ZSTD,
                                        FN_CODEC_GZIP, FN_CODEC_ZLIB, FN_CODEC_SNAPPY, FN_CODEC_BROTLI};
static const fn_codec stream_codecs[] = {FN_CODEC_GZIP, FN_CODEC_ZLIB, FN_CODEC_ZSTD, FN_CODEC_LZ4_FRAME, FN_CODEC_BROTLI};

static void fill(fn_ctx *ctx, fn_buf *b, size_t size)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        CHECK(fn_buf_byte(ctx, b, (char)(x % 11)) == FN_OK);
    }
}

static void check_block(fn_ctx *ctx, fn_codec codec, size_t size)
{
    fn_buf raw = FN_BUF_INIT, packed = FN_BUF_INIT, back = FN_BUF_INIT;
    fill(ctx, &raw, size);
    CHECK(fn_codec_compress(ctx, codec, 0, fn_buf_view(&raw), &packed) == FN_OK);
    CHECK(fn_buf_reserve(ctx, &back, size + 1) == FN_OK);
    CHECK(fn_codec_decompress(ctx, codec, fn_buf_view(&packed), back.data, size) == FN_OK);
    CHECK(size == 0 || memcmp(back.data, raw.data, size) == 0);
    if (size) {
        CHECK(fn_codec_decompress(ctx, codec, (fn_str){packed.data, packed.size - 1}, back.data, size) == FN_CANNOT_DECOMPRESS);
        fn_error_clear(ctx);
        CHECK(fn_codec_decompress(ctx, codec, fn_buf_view(&packed), back.data, size - 1) == FN_CANNOT_DECOMPRESS);
        fn_error_clear(ctx);
        CHECK(fn_codec_decompress(ctx, codec, fn_buf_view(&packed), back.data, size + 1) == FN_CANNOT_DECOMPRESS);
        fn_error_clear(ctx);
    }
    fn_buf_release(&raw);
    fn_buf_release(&packed);
    fn_buf_release(&back);
}

static fn_status unstream(fn_ctx *ctx, fn_codec codec, fn_str bytes, fn_buf *out)
{
    fn_memory_source in;
    fn_source *d;
    fn_memory_source_init(&in, bytes);
    FN_TRY(fn_codec_decoder(ctx, codec, &in.base, &d));
    fn_status status;
    size_t got;
    do {
        status = fn_buf_reserve(ctx, out, 1777);
        if (status == FN_OK) status = d->read(d, ctx, out->data + out->size, 1777, &got);
        if (status == FN_OK) out->size += got;
    } while (status == FN_OK && got);
    d->close(d);
    return status;
}

static void check_stream(fn_ctx *ctx, fn_codec codec, size_t size, size_t step)
{
    fn_memory_sink sink;
    fn_encoder *e = NULL;
    fn_buf raw = FN_BUF_INIT, back = FN_BUF_INIT;
    fill(ctx, &raw, size);
    fn_memory_sink_init(&sink);
    CHECK(fn_encoder_open(ctx, codec, 0, &sink.base, &e) == FN_OK);
    fn_sink *in = fn_encoder_sink(e);
    for (size_t at = 0; at < size; at += step) CHECK(in->write(in, ctx, raw.data + at, FN_MIN(step, size - at)) == FN_OK);
    CHECK(in->flush(in, ctx) == FN_OK);
    const size_t flushed = sink.bytes.size;
    CHECK(unstream(ctx, codec, (fn_str){sink.bytes.data, flushed}, &back) == FN_CANNOT_DECOMPRESS || size == 0);
    fn_error_clear(ctx);
    CHECK(fn_str_eq(fn_buf_view(&raw), fn_buf_view(&back))); /* all was there before the end was noticed */
    back.size = 0;
    CHECK(fn_encoder_finish(ctx, e) == FN_OK);
    fn_encoder_free(e);
    CHECK(unstream(ctx, codec, fn_buf_view(&sink.bytes), &back) == FN_OK);
    CHECK(fn_str_eq(fn_buf_view(&raw), fn_buf_view(&back)));
    if (codec != FN_CODEC_BROTLI && size) { /* two members one behind the other */
        const size_t one = sink.bytes.size;
        CHECK(fn_buf_reserve(ctx, &sink.bytes, one) == FN_OK);
        memcpy(sink.bytes.data + one, sink.bytes.data, one);
        sink.bytes.size = 2 * one;
        back.size = 0;
        CHECK(unstream(ctx, codec, fn_buf_view(&sink.bytes), &back) == FN_OK);
        CHECK(back.size == 2 * size);
    }
    fn_buf_release(&sink.bytes);
    fn_buf_release(&raw);
    fn_buf_release(&back);
}

int main(void)
{
    fn_ctx ctx = {0};
    for (size_t i = 0; i < FN_COUNT(block_codecs); i++) {
        check_block(&ctx, block_codecs[i], 0);
        check_block(&ctx, block_codecs[i], 1);
        check_block(&ctx, block_codecs[i], 300000);
    }
    for (size_t i = 0; i < FN_COUNT(stream_codecs); i++) {
        check_stream(&ctx, stream_codecs[i], 0, 1);
        check_stream(&ctx, stream_codecs[i], 10, 1);
        check_stream(&ctx, stream_codecs[i], 400000, 100003);
    }
    printf("%d failures\n", failures);
    return failures != 0;
}
