/* test_frames.c - CityHash 1.0.2 and native frames against bytes that ClickHouse wrote.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/codec.h>
#include <stdio.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

/* Forty strings "abcdefghij<n>" of a String column with CODEC(LZ4), as on disk. */
static const char lz4_frame[] =
    "7fbd037bcf76d3eef3364b92c9288a0382b7000000fe010000c70b6162636465666768696a300c0017310c0017320c0017330c0017340c"
    "0017350c0017360c0017370c0017380c0026390c78002831300d0018310d0018320d0018330d0018340d0018350d0018360d0018370d00"
    "18380d00088200183282001832820018328200183282001832820018328200183282001832820018328200183282001833820018338200"
    "183382001833820018338200183382001833820018338200153382005068696a3339";
static const char tiny_frame[] = "4840e42814b7f92c49b85235d19aaaef020a0000000100000005";

static size_t from_hex(const char *hex, char *out)
{
    size_t n = 0;
    for (; hex[2 * n]; n++) {
        unsigned v;
        if (sscanf(hex + 2 * n, "%2x", &v) != 1) break;
        out[n] = (char)v;
    }
    return n;
}

static fn_status unframe(fn_ctx *ctx, fn_str bytes, fn_buf *out)
{
    fn_memory_source in;
    fn_source *frames;
    fn_memory_source_init(&in, bytes);
    FN_TRY(fn_frames_decoder(ctx, &in.base, &frames));
    fn_status status;
    size_t got;
    do {
        status = fn_buf_reserve(ctx, out, 1000);
        if (status == FN_OK) status = frames->read(frames, ctx, out->data + out->size, 1000, &got);
        if (status == FN_OK) out->size += got;
    } while (status == FN_OK && got);
    frames->close(frames);
    return status;
}

static void check_read(fn_ctx *ctx)
{
    char bytes[1024];
    fn_buf out = FN_BUF_INIT;
    size_t n = from_hex(lz4_frame, bytes);
    n += from_hex(tiny_frame, bytes + n);
    CHECK(unframe(ctx, (fn_str){bytes, n}, &out) == FN_OK);
    CHECK(out.size == 511 && memcmp(out.data, "\x0b" "abcdefghij0", 12) == 0 && out.data[510] == 5);
    out.size = 0;
    bytes[60] ^= 1;
    CHECK(unframe(ctx, (fn_str){bytes, n}, &out) == FN_CHECKSUM_DOESNT_MATCH);
    fn_error_clear(ctx);
    bytes[60] ^= 1;
    CHECK(unframe(ctx, (fn_str){bytes, n - 1}, &out) == FN_CANNOT_READ_ALL_DATA);
    fn_error_clear(ctx);
    CHECK(unframe(ctx, (fn_str){bytes, 0}, &out) == FN_OK);
    fn_buf_release(&out);
}

static void check_round_trip(fn_ctx *ctx, fn_codec codec, size_t size, size_t step)
{
    fn_memory_sink sink;
    fn_encoder *e = NULL;
    fn_buf raw = FN_BUF_INIT, back = FN_BUF_INIT;
    for (size_t i = 0; i < size; i++) CHECK(fn_buf_byte(ctx, &raw, (char)(i * i / 7)) == FN_OK);
    fn_memory_sink_init(&sink);
    CHECK(fn_frames_encoder_open(ctx, codec, &sink.base, &e) == FN_OK);
    fn_sink *in = fn_encoder_sink(e);
    for (size_t at = 0; at < size; at += step) {
        CHECK(in->write(in, ctx, raw.data + at, FN_MIN(step, size - at)) == FN_OK);
        if (at % 3 == 1) CHECK(in->flush(in, ctx) == FN_OK);
    }
    CHECK(fn_encoder_finish(ctx, e) == FN_OK);
    fn_encoder_free(e);
    CHECK(unframe(ctx, fn_buf_view(&sink.bytes), &back) == FN_OK);
    CHECK(fn_str_eq(fn_buf_view(&raw), fn_buf_view(&back)));
    fn_buf_release(&sink.bytes);
    fn_buf_release(&raw);
    fn_buf_release(&back);
}

int main(void)
{
    char text[300];
    fn_ctx ctx = {0};
    for (size_t i = 0; i < sizeof text; i++) text[i] = "xyz"[i % 3];
    CHECK(fn_city_hash64("", 0) == 11160318154034397263u);
    CHECK(fn_city_hash64("a", 1) == 2603192927274642682u);
    CHECK(fn_city_hash64("abcdefgh", 8) == 4864636163090995991u);
    CHECK(fn_city_hash64("abcdefghijklmnopqrst", 20) == 6597918609636401574u);
    CHECK(fn_city_hash64(text, 300) == 16551964635795680972u);
    memset(text, 'a', 50);
    CHECK(fn_city_hash64(text, 50) == 15609754792903232394u);
    memset(text, 'c', 65);
    CHECK(fn_city_hash64(text, 65) == 5859969514157063689u);
    check_read(&ctx);
    check_round_trip(&ctx, FN_CODEC_LZ4_RAW, 3 << 20, 100001);
    check_round_trip(&ctx, FN_CODEC_ZSTD, 3 << 20, 1 << 21);
    check_round_trip(&ctx, FN_CODEC_NONE, 70000, 7);
    printf("%d failures\n", failures);
    return failures != 0;
}
