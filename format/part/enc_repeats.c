/* enc_repeats.c - neighbours that are often equal, in runs too short for ENC_RUNS: what belongs to a user in a table sorted by users.
 * Payload: u32 runs, bit per row (1: another value than the row before; the first row has 0), values of the runs (nested).
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

enum { REPEAT_PS = 130, REPEAT_WIDE_PS = 240 };

/* of_values: what the values of the runs cost. */
static uint64_t cost_with(const enc_ints *b, uint64_t of_values)
{
    return enc_cost(sizeof(uint32_t) + (b->count + 7) / 8, b->count, b->width == 8 ? REPEAT_WIDE_PS : REPEAT_PS, of_values);
}

void enc_repeats_find(enc_ints *b, enc_repeats_work *w)
{
    enum { VALUE_PS = 20 }; /* no encoding of the values takes less */
    const uint32_t runs = b->changes + 1;
    if (b->changes == 0 || (uint64_t)runs * 8 > (uint64_t)b->count * 7 || cost_with(b, (uint64_t)runs * VALUE_PS) >= b->best_cost) return;
    uint32_t n = 0;
    w->values[0] = b->v[0];
    for (uint32_t i = 1; i < b->count; i++) {
        n += b->v[i] != b->v[i - 1];
        w->values[n] = b->v[i];
    }
    w->runs = (enc_ints){.v = w->values, .count = runs, .width = b->width, .place = ENC_OF_RUNS, .thorough = b->thorough};
    enc_ints_judge(&w->runs);
    b->runs = &w->runs;
    enc_ints_consider(b, ENC_REPEATS);
}

static uint64_t cost(const enc_ints *b)
{
    return b->runs ? cost_with(b, b->runs->best_cost) : ENC_NEVER;
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    const size_t bytes = (b->count + 7) / 8;
    FN_TRY(fn_buf_append(ctx, out, &b->runs->count, sizeof b->runs->count));
    FN_TRY(fn_buf_reserve(ctx, out, bytes));
    uint8_t *bits = (uint8_t *)out->data + out->size;
    for (uint32_t i = 0; i < b->count; i += 8) {
        const uint32_t end = FN_MIN(b->count - i, 8u);
        unsigned byte = 0;
        for (uint32_t k = i == 0; k < end; k++) byte |= (unsigned)(b->v[i + k] != b->v[i + k - 1]) << k;
        bits[i / 8] = (uint8_t)byte;
    }
    out->size += bytes;
    return enc_ints_write(ctx, b->runs, out);
}

static uint32_t count_ones(const uint8_t *bits, uint32_t bytes)
{
    const uint64_t twos = 0x3333333333333333, bytes_of_ones = 0x0101010101010101;
    uint64_t ones = 0;
    uint32_t i = 0;
    for (; i + 8 <= bytes; i += 8) { /* sums of two bits, of four, of eight, then of all eight bytes */
        uint64_t v = fn_load_u64(bits + i);
        v -= v >> 1 & 0x5555555555555555;
        v = (v & twos) + (v >> 2 & twos);
        ones += ((v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f) * bytes_of_ones >> 56;
    }
    for (; i < bytes; i++) ones += (uint32_t)__builtin_popcount(bits[i]);
    return (uint32_t)ones;
}

/* The bits say as many runs as there are values, and none begins behind the last row. */
static bool is_sound(const uint8_t *bits, uint32_t count, uint32_t runs)
{
    return count_ones(bits, (count + 7) / 8) + 1 == runs && !(bits[0] & 1) && (count % 8 == 0 || bits[count / 8] >> count % 8 == 0);
}

static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    enc_in at = {in, in + size};
    uint32_t runs;
    if (!enc_take_u32(&at, &runs) || width > 8 || runs > count) return false;
    const uint8_t *bits = enc_take(&at, (count + 7) / 8);
    uint8_t values[BLOCK_ROWS * sizeof(int64_t) + REPEAT_PAD];
    if (!bits || !is_sound(bits, count, runs)) return false;
    const uint32_t before = count_ones(bits, from / 8); /* runs that begin before `from`, but for the first: the place of the last of them */
    const uint32_t first = before / PACK_ROWS * PACK_ROWS, wanted = before - first + 1 + count_ones(bits + from / 8, (take + 7) / 8);
    if (!enc_decode_rows(at.at, (size_t)(at.end - at.at), runs, width, depth + 1, first, wanted, values)) return false;
    pack_kernels_get()->repeat(bits + from / 8, take, values + (size_t)(before - first) * width, width, out);
    return true;
}

const enc_class enc_repeats = {"repeats", cost, encode, NULL, decode_rows};
