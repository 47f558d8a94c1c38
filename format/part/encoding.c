/* encoding.c - the table of encodings, the choice for a block, the outer codec. See encoding.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

static const enc_class *const classes[ENC_COUNT] = {
    [ENC_CONSTANT] = &enc_constant, [ENC_RAW] = &enc_raw,       [ENC_PACKED] = &enc_packed,   [ENC_DELTA] = &enc_delta,
    [ENC_RUNS] = &enc_runs,         [ENC_SPARSE] = &enc_sparse, [ENC_DECIMAL] = &enc_decimal, [ENC_NARROW] = &enc_narrow,
    [ENC_REPEATS] = &enc_repeats,   [ENC_PATCHED] = &enc_patched, [ENC_DISTINCT] = &enc_distinct,
};

const enc_class *enc_class_at(unsigned id)
{
    return id < ENC_COUNT ? classes[id] : NULL;
}

void enc_look_at(const uint8_t *values, uint32_t count, unsigned width, bool is_signed, enc_look *out)
{
    const pack_kernels *k = pack_kernels_get();
    out->sum = 0;
    out->changes = out->zeros = 0;
    for (uint32_t i = 0; i * PACK_ROWS < count; i++) {
        const uint8_t *v = values + (size_t)i * PACK_ROWS * width;
        pack_look one;
        k->look(v, FN_MIN(count - i * PACK_ROWS, (uint32_t)PACK_ROWS), width, is_signed, &one);
        out->min[i] = one.min;
        out->max[i] = one.max;
        out->sum = (int64_t)((uint64_t)out->sum + (uint64_t)one.sum);
        out->changes += one.changes + (i && memcmp(v - width, v, width) != 0);
        out->zeros += one.zeros;
    }
}

static void analyse(enc_ints *b)
{
    enc_look own;
    if (!b->known) enc_look_at((const uint8_t *)b->v, b->count, sizeof *b->v, true, &own);
    const enc_look *look = b->known ? b->known : &own;
    b->vectors = (b->count + PACK_ROWS - 1) / PACK_ROWS;
    memcpy(b->min, look->min, b->vectors * sizeof *b->min);
    memcpy(b->max, look->max, b->vectors * sizeof *b->max);
    b->changes = look->changes;
    b->zeros = look->zeros;
    b->has_deltas = false;
}

bool enc_is_allowed(enc_place place, unsigned id)
{
    const bool plain = id == ENC_CONSTANT || id == ENC_RAW || id == ENC_PACKED || id == ENC_DELTA;
    switch (place) {
    case ENC_OF_BLOCK: return true;
    case ENC_OF_OTHER: return id != ENC_DISTINCT;
    case ENC_OF_RUNS: return plain || id == ENC_PATCHED;
    case ENC_PLAIN: break;
    }
    return plain;
}

void enc_ints_consider(enc_ints *b, unsigned id)
{
    const uint64_t cost = classes[id]->cost(b);
    if (cost >= b->best_cost) return;
    b->best = id;
    b->best_cost = cost;
}

void enc_ints_judge(enc_ints *b)
{
    analyse(b);
    b->best_cost = UINT64_MAX;
    b->patches = b->count;
    if (b->thorough && enc_is_allowed(b->place, ENC_PATCHED)) enc_patched_find(b);
    for (unsigned id = 0; id < ENC_COUNT; id++)
        if (classes[id] && classes[id]->cost && enc_is_allowed(b->place, id)) enc_ints_consider(b, id);
    enc_delta_find(b);
}

fn_status enc_ints_write(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    FN_TRY(fn_buf_byte(ctx, out, (char)b->best));
    return classes[b->best]->encode(ctx, b, out);
}

static fn_status write_thorough(fn_ctx *ctx, enc_ints *b, fn_buf *out)
{
    enc_distinct_work work;
    enc_distinct_find(b, &work);
    return enc_ints_write(ctx, b, out);
}

static fn_status encode_ints(fn_ctx *ctx, enc_ints *b, fn_buf *out)
{
    enc_ints_judge(b);
    if (b->place == ENC_PLAIN) return enc_ints_write(ctx, b, out);
    enc_repeats_work work;
    if (enc_is_allowed(b->place, ENC_REPEATS)) enc_repeats_find(b, &work);
    return b->thorough && enc_is_allowed(b->place, ENC_DISTINCT) ? write_thorough(ctx, b, out) : enc_ints_write(ctx, b, out);
}

fn_status enc_ints_encode(fn_ctx *ctx, const int64_t *v, uint32_t count, unsigned width, enc_place place, bool thorough, fn_buf *out)
{
    enc_ints b = {.v = v, .count = count, .width = width, .place = place, .thorough = thorough};
    return count ? encode_ints(ctx, &b, out) : fn_buf_byte(ctx, out, ENC_RAW);
}

bool enc_decode(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint8_t *out)
{
    if (size == 0 || depth > NEST_MAX || count > BLOCK_ROWS) return false;
    const enc_class *c = enc_class_at(in[0]);
    if (!c || count == 0) return c != NULL;
    return c->decode ? c->decode(in + 1, size - 1, count, width, depth, out) : c->decode_rows(in + 1, size - 1, count, width, depth, 0, count, out);
}

bool enc_decode_some(const uint8_t *in, size_t size, uint32_t count, unsigned width, uint32_t from, uint32_t take, uint8_t *out)
{
    if (size == 0 || count > BLOCK_ROWS || from >= count || take == 0 || take > count - from) return false;
    const enc_class *c = enc_class_at(in[0]);
    if (!c || !c->decode_rows) return enc_decode(in, size, count, width, 0, out);
    const uint32_t first = from / PACK_ROWS * PACK_ROWS, end = FN_MIN((uint32_t)fn_round_up(from + take, PACK_ROWS), count);
    return c->decode_rows(in + 1, size - 1, count, width, 0, first, end - first, out + (size_t)first * width);
}

bool enc_decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    if (size == 0 || depth > NEST_MAX || count > BLOCK_ROWS || from > count || take > count - from) return false;
    const enc_class *c = enc_class_at(in[0]);
    if (!c || take == 0) return c != NULL;
    if (c->decode_rows) return c->decode_rows(in + 1, size - 1, count, width, depth, from, take, out);
    if (from == 0 && take == count) return c->decode(in + 1, size - 1, count, width, depth, out);
    uint8_t all[BLOCK_ROWS * sizeof(int64_t)];
    if (width > sizeof(int64_t) || !c->decode(in + 1, size - 1, count, width, depth, all)) return false;
    memcpy(out, all + (size_t)from * width, (size_t)take * width);
    return true;
}

static bool is_constant(const uint8_t *values, uint32_t count, unsigned width)
{
    return count <= 1 || memcmp(values, values + width, (size_t)(count - 1) * width) == 0;
}

/* Integers of 1, 2, 4 or 8 bytes; count is not 0. */
static fn_status encode_integers(fn_ctx *ctx, const uint8_t *values, uint32_t count, unsigned width, bool is_signed, bool thorough, const enc_look *known, fn_buf *out)
{
    enc_look own;
    if (!known) enc_look_at(values, count, width, is_signed, &own);
    const enc_look *look = known ? known : &own;
    if (look->changes == 0) {
        FN_TRY(fn_buf_byte(ctx, out, ENC_CONSTANT));
        return fn_buf_append(ctx, out, values, width);
    }
    int64_t v[BLOCK_ROWS];
    pack_kernels_get()->widen(values, count, width, is_signed, v);
    enc_ints b = {.v = v, .count = count, .width = width, .place = ENC_OF_BLOCK, .thorough = thorough, .known = look};
    return encode_ints(ctx, &b, out);
}

fn_status enc_values_encode(fn_ctx *ctx, const uint8_t *values, uint32_t count, unsigned width, enc_kind kind, bool thorough, const enc_look *known, fn_buf *out)
{
    const bool whole = kind != ENC_FLOAT && (width == 1 || width == 2 || width == 4 || width == 8);
    if (whole && count) return encode_integers(ctx, values, count, width, kind == ENC_SIGNED, thorough, known, out);
    if (count && is_constant(values, count, width)) {
        FN_TRY(fn_buf_byte(ctx, out, ENC_CONSTANT));
        return fn_buf_append(ctx, out, values, width);
    }
    bool done = false;
    if (kind == ENC_FLOAT) FN_TRY(enc_decimal_encode(ctx, values, count, width, thorough, out, &done));
    if (!done && kind == ENC_SIGNED && (width == 16 || width == 32)) FN_TRY(enc_narrow_encode(ctx, values, count, width, thorough, out, &done));
    if (done) return FN_OK;
    if (count && (width == 4 || width == 8)) return encode_integers(ctx, values, count, width, false, thorough, NULL, out);
    FN_TRY(fn_buf_byte(ctx, out, ENC_RAW));
    return fn_buf_append(ctx, out, values, (size_t)count * width);
}

/* ---- outer codec ---- */

fn_status enc_block_finish(fn_ctx *ctx, const enc_outer *outer, const fn_buf *inner, fn_buf *out)
{
    enum { WORTH_BYTES = 64 };
    const size_t start = out->size;
    if (outer->codec != FN_CODEC_NONE && inner->size >= WORTH_BYTES && inner->size <= UINT32_MAX) {
        const uint32_t size = (uint32_t)inner->size;
        FN_TRY(fn_buf_byte(ctx, out, outer->codec == FN_CODEC_ZSTD ? 2 : 1));
        FN_TRY(fn_buf_append(ctx, out, &size, sizeof size));
        FN_TRY(fn_codec_compress(ctx, outer->codec, outer->level, fn_buf_view(inner), out));
        const size_t used = out->size - start;
        if (used < (outer->chosen ? inner->size : inner->size / 8 * 7)) return FN_OK;
        out->size = start;
    }
    FN_TRY(fn_buf_byte(ctx, out, 0));
    return fn_buf_append(ctx, out, inner->data, inner->size);
}

fn_status enc_block_open(fn_ctx *ctx, const uint8_t *in, size_t size, fn_buf *scratch, fn_str *inner)
{
    enum { HEAD = 1 + sizeof(uint32_t), INNER_MAX = 1 << 30 };
    if (size && in[0] == 0) {
        *inner = (fn_str){(const char *)in + 1, size - 1};
        return FN_OK;
    }
    if (size < HEAD || in[0] > 2) return fn_fail(ctx, FN_CORRUPTED_DATA, "Damaged block: no codec %u", size ? in[0] : 0);
    const uint32_t unpacked = fn_load_u32(in + 1);
    if (unpacked > INNER_MAX || unpacked / 16384 > size) /* neither codec packs that well */
        return fn_fail(ctx, FN_CORRUPTED_DATA, "Damaged block: %zu bytes cannot unpack to %u", size, unpacked);
    scratch->size = 0;
    FN_TRY(fn_buf_reserve(ctx, scratch, unpacked));
    FN_TRY(fn_codec_decompress(ctx, in[0] == 2 ? FN_CODEC_ZSTD : FN_CODEC_LZ4_RAW, (fn_str){(const char *)in + HEAD, size - HEAD}, scratch->data, unpacked));
    *inner = (fn_str){scratch->data, unpacked};
    return FN_OK;
}
