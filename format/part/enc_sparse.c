/* enc_sparse.c - nearly all values are 0. Payload: u32 others, u32 size of the positions, positions (nested), values (nested).
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

enum { OTHERS_MAX = BLOCK_ROWS / 8, OTHER_PS = 2500 };

static uint64_t cost(const enc_ints *b)
{
    const uint64_t others = b->count - b->zeros;
    if (others > OTHERS_MAX || others * 8 > b->count) return ENC_NEVER;
    int64_t min = b->min[0], max = b->max[0];
    for (unsigned i = 1; i < b->vectors; i++) {
        min = FN_MIN(min, b->min[i]);
        max = FN_MAX(max, b->max[i]);
    }
    enum { POSITION_BITS = 13, HEADS = 40 };
    return enc_cost(HEADS + others * (enc_bits((uint64_t)max - (uint64_t)min) + POSITION_BITS) / 8, b->count, 20, others * OTHER_PS);
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    int64_t positions[OTHERS_MAX], values[OTHERS_MAX];
    uint32_t others = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->v[i] == 0) continue;
        positions[others] = i;
        values[others++] = b->v[i];
    }
    const size_t head = out->size;
    const uint32_t zero = 0;
    FN_TRY(fn_buf_append(ctx, out, &others, sizeof others));
    FN_TRY(fn_buf_append(ctx, out, &zero, sizeof zero));
    FN_TRY(enc_ints_encode(ctx, positions, others, sizeof(uint16_t), ENC_PLAIN, false, out));
    fn_store_u32(out->data + head + 4, (uint32_t)(out->size - head - 8));
    return enc_ints_encode(ctx, values, others, sizeof(int64_t), ENC_PLAIN, false, out);
}

#define PUT(T)                                                                                     \
    for (uint32_t i = 0; i < others; i++) {                                                        \
        const T value = (T)values[i];                                                              \
        memcpy(out + positions[i] * sizeof value, &value, sizeof value);                           \
    }
static bool decode(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint8_t *out)
{
    enc_in at = {in, in + size};
    uint32_t others, position_size;
    if (!enc_take_u32(&at, &others) || !enc_take_u32(&at, &position_size) || width > 8 || others > OTHERS_MAX) return false;
    const uint8_t *packed = enc_take(&at, position_size);
    uint16_t positions[OTHERS_MAX];
    int64_t values[OTHERS_MAX];
    if (!packed || !enc_decode(packed, position_size, others, sizeof *positions, depth + 1, (uint8_t *)positions)) return false;
    if (!enc_decode(at.at, (size_t)(at.end - at.at), others, sizeof *values, depth + 1, (uint8_t *)values)) return false;
    memset(out, 0, (size_t)count * width);
    for (uint32_t i = 0; i < others; i++)
        if (positions[i] >= count) return false;
    if (width == 8) { PUT(uint64_t) }
    else if (width == 4) { PUT(uint32_t) }
    else if (width == 2) { PUT(uint16_t) }
    else { PUT(uint8_t) }
    return true;
}

#undef PUT

const enc_class enc_sparse = {"sparse", cost, encode, decode, NULL};
