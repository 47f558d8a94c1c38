/* stream_encode.c - a full segment: each stream's values as blocks of 8,192, a chunk of them per stream; the outer codec.
 * Where no CODEC asks for one, LZ4 is tried on the first block of a chunk and taken for the chunk if it saves 40 % (numbers: 60 %) against the
 * best encoding (a core unpacks 3 GB/s of LZ4 against 15-25 billion packed numbers). Dictionaries of merged parts are packed by ZSTD:
 * they are unpacked once and kept.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/stream_write.h"

/* Names accepted in CODEC(...). What only prepares values for a general codec is a hint here: the encodings find the same. */
static const struct {
    const char *name;
    fn_codec codec; /* FN_CODEC_NONE: a hint */
    int level;
} codec_names[] = {
    {"NONE", FN_CODEC_NONE, 0},    {"Default", FN_CODEC_NONE, 0},     {"LZ4", FN_CODEC_LZ4_RAW, 0}, {"LZ4HC", FN_CODEC_LZ4_RAW, 9},
    {"ZSTD", FN_CODEC_ZSTD, 1},    {"Delta", FN_CODEC_NONE, 0},       {"DoubleDelta", FN_CODEC_NONE, 0}, {"Gorilla", FN_CODEC_NONE, 0},
    {"T64", FN_CODEC_NONE, 0},     {"FPC", FN_CODEC_NONE, 0},         {"GCD", FN_CODEC_NONE, 0},    {"ALP", FN_CODEC_NONE, 0},
};

static fn_status parse_element(fn_ctx *ctx, fn_str text, enc_outer *out)
{
    text = fn_str_trim(text);
    const char *open = text.size ? memchr(text.data, '(', text.size) : NULL;
    const fn_str name = fn_str_trim((fn_str){text.data, open ? (size_t)(open - text.data) : text.size});
    for (size_t i = 0; i < FN_COUNT(codec_names); i++) {
        if (!fn_str_eq_nocase(name, fn_cstr(codec_names[i].name))) continue;
        if (codec_names[i].codec == FN_CODEC_NONE) {
            if (i == 0) *out = (enc_outer){.codec = FN_CODEC_NONE, .chosen = true};
            return FN_OK;
        }
        *out = (enc_outer){.codec = codec_names[i].codec, .level = codec_names[i].level, .chosen = true};
        for (const char *p = open ? open + 1 : text.data + text.size, *digits = p; p < text.data + text.size && *p >= '0' && *p <= '9'; p++)
            out->level = p == digits ? *p - '0' : FN_MIN(out->level * 10 + (*p - '0'), 99);
        if (out->codec == FN_CODEC_ZSTD && (out->level < 1 || out->level > 22))
            return fn_fail(ctx, FN_ILLEGAL_CODEC_PARAMETER, "ZSTD codec can't have level more than 22 and less than 1, given %d", out->level);
        return FN_OK;
    }
    if (fn_str_starts(name, FN_STR("AES_"))) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Empty params in CompressionCodecEncrypted configuration"); /* there are no keys */
    return fn_fail(ctx, FN_UNKNOWN_CODEC, "Unknown codec family code: " FN_STR_FMT, FN_STR_ARG(name));
}

fn_status part_codec_parse(fn_ctx *ctx, fn_str codec, enc_outer *out)
{
    *out = (enc_outer){0};
    codec = fn_str_trim(codec);
    if (codec.size >= 7 && fn_str_eq_nocase((fn_str){codec.data, 6}, FN_STR("CODEC(")) && codec.data[codec.size - 1] == ')')
        codec = (fn_str){codec.data + 6, codec.size - 7};
    unsigned depth = 0;
    for (size_t i = 0, from = 0; i <= codec.size && codec.size; i++) {
        if (i < codec.size && codec.data[i] == '(') depth++;
        if (i < codec.size && codec.data[i] == ')' && depth) depth--;
        if (i < codec.size && (codec.data[i] != ',' || depth)) continue;
        FN_TRY(parse_element(ctx, (fn_str){codec.data + from, i - from}, out));
        from = i + 1;
    }
    return FN_OK;
}

/* What one chunk is made from. */
typedef struct chunk_source {
    const stream *s;
    chunk_form form;
    uint32_t count;
    const uint8_t *values;
    const uint32_t *lengths; /* CHUNK_TEXT: `values` end to end; or */
    const fn_str *strings;   /* those of a dictionary */
    const enc_look *looks;   /* one per block, or NULL */
    bool thorough;
} chunk_source;

/* Appends values [first, first + n) as an inner block; *bytes: the position in values of the next string. */
static fn_status encode_inner(fn_ctx *ctx, const chunk_source *c, const enc_outer *outer, uint32_t first, uint32_t n, uint64_t *bytes, fn_buf *inner)
{
    if (c->strings) return enc_text_encode_strings(ctx, c->strings + first, n, inner);
    if (c->form == CHUNK_TEXT) {
        const uint8_t *from = c->values + *bytes;
        for (uint32_t i = 0; i < n; i++) *bytes += c->lengths[first + i];
        return enc_text_encode(ctx, c->lengths + first, from, n, inner);
    }
    const unsigned width = c->form == CHUNK_CODES ? sizeof(uint32_t) : c->s->width;
    const enc_kind kind = c->form == CHUNK_CODES ? ENC_UNSIGNED : c->s->kind;
    const uint8_t *from = c->values + (size_t)first * width;
    if (!outer->raw) return enc_values_encode(ctx, from, n, width, kind, c->thorough, c->looks ? &c->looks[first / BLOCK_ROWS] : NULL, inner);
    FN_TRY(fn_buf_byte(ctx, inner, ENC_RAW));
    return fn_buf_append(ctx, inner, from, (size_t)n * width);
}

/* Is LZ4 worth it for this chunk? Judged by its first block. */
static fn_status try_codec(fn_ctx *ctx, const chunk_source *c, enc_outer *outer)
{
    enum { QUICK = -4, TRY_BYTES = 512, PERCENT_LEFT = 60, PERCENT_LEFT_NUMBERS = 40 };
    const unsigned width = c->form == CHUNK_CODES ? 4 : c->s->width;
    if (outer->chosen || (c->form != CHUNK_TEXT && (width < 4 || c->form == CHUNK_CODES || c->form == CHUNK_LENGTHS))) return FN_OK;
    fn_buf inner = FN_BUF_INIT, packed = FN_BUF_INIT;
    uint64_t bytes = 0;
    const uint32_t n = FN_MIN(c->count, chunk_block_rows(c->form));
    fn_status status = encode_inner(ctx, c, outer, 0, n, &bytes, &inner);
    if (status == FN_OK && inner.size >= TRY_BYTES) {
        const fn_str plain = c->form == CHUNK_TEXT ? fn_buf_view(&inner) : (fn_str){(const char *)c->values, (size_t)n * width};
        status = fn_codec_compress(ctx, FN_CODEC_LZ4_RAW, c->thorough ? 0 : QUICK, plain, &packed);
        if (status == FN_OK && packed.size * 100 < inner.size * (c->form == CHUNK_TEXT ? PERCENT_LEFT : PERCENT_LEFT_NUMBERS)) *outer = (enc_outer){.codec = FN_CODEC_LZ4_RAW, .level = c->thorough ? 0 : QUICK, .raw = c->form != CHUNK_TEXT};
    }
    fn_buf_release(&inner);
    fn_buf_release(&packed);
    return status;
}

static fn_status encode_blocks(fn_ctx *ctx, const chunk_source *c, const enc_outer *outer, size_t ends_at, fn_buf *inner, fn_buf *out)
{
    const size_t payload = out->size;
    const uint32_t step = chunk_block_rows(c->form);
    uint64_t bytes = 0;
    for (uint32_t first = 0, block = 0; first < c->count; first += step, block++) {
        const bool packed = outer->codec != FN_CODEC_NONE;
        inner->size = 0;
        if (!packed) FN_TRY(fn_buf_byte(ctx, out, 0)); /* it goes where it stays */
        FN_TRY(encode_inner(ctx, c, outer, first, FN_MIN(c->count - first, step), &bytes, packed ? inner : out));
        if (packed) FN_TRY(enc_block_finish(ctx, outer, inner, out));
        if (out->size - payload > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "A chunk of %zu bytes is too large to be stored", out->size - payload);
        fn_store_u32(out->data + ends_at + block * sizeof(uint32_t), (uint32_t)(out->size - payload));
    }
    return FN_OK;
}

static fn_status encode_chunk(fn_ctx *ctx, const chunk_source *c, enc_outer outer, fn_buf *out)
{
    const uint32_t step = chunk_block_rows(c->form), blocks = (c->count + step - 1) / step;
    FN_TRY(fn_buf_append(ctx, out, &c->count, sizeof c->count));
    FN_TRY(fn_buf_append(ctx, out, &blocks, sizeof blocks));
    FN_TRY(fn_buf_byte(ctx, out, (char)c->form));
    const size_t ends_at = out->size, directory = (size_t)blocks * sizeof(uint32_t) * (c->form == CHUNK_LENGTHS ? 2 : 1);
    FN_TRY(fn_buf_reserve(ctx, out, directory));
    memset(out->data + out->size, 0, directory);
    out->size += directory;
    if (c->form == CHUNK_LENGTHS) {
        uint64_t items = 0;
        for (uint32_t i = 0; i < c->count; i++) {
            if (i % BLOCK_ROWS == 0) fn_store_u32(out->data + ends_at + (blocks + i / BLOCK_ROWS) * sizeof(uint32_t), (uint32_t)items);
            items += fn_load_u32(c->values + i * sizeof(uint32_t));
        }
        if (items > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "%llu array items in one segment are too many", (unsigned long long)items);
    }
    if (c->count) FN_TRY(try_codec(ctx, c, &outer));
    fn_buf inner = FN_BUF_INIT;
    const fn_status status = encode_blocks(ctx, c, &outer, ends_at, &inner, out);
    fn_buf_release(&inner);
    return status;
}

static fn_status encode_stream(fn_ctx *ctx, const column_streams *c, stream *s, fn_buf *out)
{
    chunk_source source = {.s = s, .form = s->form, .count = s->count, .values = (const uint8_t *)s->values.data, .thorough = c->thorough};
    if (s->form == CHUNK_TEXT && s->dict_alive) {
        if (s->count) FN_TRY(stream_ensure_entry(ctx, s));
        source.form = CHUNK_CODES;
        source.values = (const uint8_t *)s->codes.data;
        if (s->count) s->dict_used = true;
    } else if (s->form == CHUNK_TEXT) {
        source.lengths = (const uint32_t *)(const void *)s->lengths.data;
        if (s->count) s->dict_partial = true;
    }
    const uint32_t looks = (uint32_t)(s->looks.size / sizeof(enc_look));
    if (looks && looks == (s->count + BLOCK_ROWS - 1) / BLOCK_ROWS) source.looks = (const enc_look *)(const void *)s->looks.data;
    FN_TRY(encode_chunk(ctx, &source, c->outer, out));
    s->count = 0;
    s->values.size = s->lengths.size = s->codes.size = s->looks.size = 0;
    return FN_OK;
}

fn_status streams_encode(fn_ctx *ctx, column_streams *c, uint32_t rows, fn_buf *out)
{
    const size_t start = out->size;
    FN_TRY(fn_buf_append(ctx, out, &rows, sizeof rows));
    FN_TRY(fn_buf_append(ctx, out, &c->count, sizeof c->count));
    const size_t directory = c->count * sizeof(uint32_t);
    FN_TRY(fn_buf_reserve(ctx, out, directory));
    out->size += directory;
    for (uint32_t i = 0; i < c->count; i++) {
        const size_t chunk = out->size;
        FN_TRY(encode_stream(ctx, c, &c->streams[i], out));
        if (out->size - chunk > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "A chunk of %zu bytes is too large to be stored", out->size - chunk);
        fn_store_u32(out->data + start + 8 + i * sizeof(uint32_t), (uint32_t)(out->size - chunk));
    }
    return FN_OK;
}

fn_status streams_dictionary(fn_ctx *ctx, const column_streams *c, const stream *s, fn_buf *out)
{
    const chunk_source source = {.s = s, .form = CHUNK_TEXT, .count = s->dict->entries, .strings = text_dict_strings(s->dict)};
    const enc_outer dense = {.codec = FN_CODEC_ZSTD, .level = 3, .chosen = true};
    return encode_chunk(ctx, &source, c->thorough && !c->outer.chosen ? dense : c->outer, out);
}
