/* enc_runs.c - runs of equal values. Payload: u32 runs, u32 size of the values, run values (nested), run lengths (nested).
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

enum { RUN_ROWS_MIN = 3, RUN_PS = 2500 }; /* shorter runs than this on average never win */

static uint64_t cost(const enc_ints *b)
{
    const uint64_t runs = b->changes + 1u;
    if (runs * RUN_ROWS_MIN > b->count) return ENC_NEVER;
    int64_t min = b->min[0], max = b->max[0];
    for (unsigned i = 1; i < b->vectors; i++) {
        min = FN_MIN(min, b->min[i]);
        max = FN_MAX(max, b->max[i]);
    }
    enum { LENGTH_BITS = 8, HEADS = 40 };
    return enc_cost(HEADS + runs * (enc_bits((uint64_t)max - (uint64_t)min) + LENGTH_BITS) / 8, b->count, 100, runs * RUN_PS);
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    int64_t values[BLOCK_ROWS / RUN_ROWS_MIN + 1], lengths[BLOCK_ROWS / RUN_ROWS_MIN + 1];
    uint32_t runs = 0;
    for (uint32_t i = 0, from = 0; i < b->count; i++) {
        if (i + 1 < b->count && b->v[i + 1] == b->v[i]) continue;
        values[runs] = b->v[i];
        lengths[runs++] = i + 1 - from;
        from = i + 1;
    }
    const size_t head = out->size;
    const uint32_t zero = 0;
    FN_TRY(fn_buf_append(ctx, out, &runs, sizeof runs));
    FN_TRY(fn_buf_append(ctx, out, &zero, sizeof zero));
    FN_TRY(enc_ints_encode(ctx, values, runs, sizeof(int64_t), ENC_PLAIN, false, out));
    fn_store_u32(out->data + head + 4, (uint32_t)(out->size - head - 8));
    return enc_ints_encode(ctx, lengths, runs, sizeof(uint16_t), ENC_PLAIN, false, out);
}

/* Runs are short as a rule, and a loop that ends after 2 to 8 rounds is mispredicted each time: values are written SPREAD_ROWS at a
 * time, beyond the run's end where the output has room. */
enum { SPREAD_ROWS = 8 };
#define SPREAD(T)                                                                                  \
    for (uint32_t r = 0, left = count; r < runs; left -= lengths[r], out += lengths[r++] * sizeof(T)) { \
        const T value = (T)values[r];                                                              \
        T some[SPREAD_ROWS];                                                                       \
        for (unsigned i = 0; i < SPREAD_ROWS; i++) some[i] = value;                                \
        const uint32_t length = lengths[r], whole = left >= length + SPREAD_ROWS ? length : length / SPREAD_ROWS * SPREAD_ROWS; \
        for (uint32_t i = 0; i < whole; i += SPREAD_ROWS) memcpy(out + i * sizeof value, some, sizeof some); \
        for (uint32_t i = whole; i < length; i++) memcpy(out + i * sizeof value, &value, sizeof value); \
    }
/* The lengths add up to count. */
static void spread(const int64_t *values, const uint16_t *lengths, uint32_t runs, uint32_t count, unsigned width, uint8_t *out)
{
    if (width == 8) { SPREAD(uint64_t) }
    else if (width == 4) { SPREAD(uint32_t) }
    else if (width == 2) { SPREAD(uint16_t) }
    else { SPREAD(uint8_t) }
}
#undef SPREAD

static bool decode(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint8_t *out)
{
    enc_in at = {in, in + size};
    uint32_t runs, value_size;
    if (!enc_take_u32(&at, &runs) || !enc_take_u32(&at, &value_size) || width > 8 || runs > count) return false;
    const uint8_t *packed = enc_take(&at, value_size);
    int64_t values[BLOCK_ROWS];
    uint16_t lengths[BLOCK_ROWS];
    if (!packed || !enc_decode(packed, value_size, runs, sizeof *values, depth + 1, (uint8_t *)values)) return false;
    if (!enc_decode(at.at, (size_t)(at.end - at.at), runs, sizeof *lengths, depth + 1, (uint8_t *)lengths)) return false;
    uint64_t total = 0;
    for (uint32_t r = 0; r < runs; r++) total += lengths[r];
    if (total != count) return false;
    spread(values, lengths, runs, count, width, out);
    return true;
}

const enc_class enc_runs = {"runs", cost, encode, decode, NULL};
