/* enc_patched.c - small numbers but for some: those that need more bits are patches, and their places hold what packs well.
 * Payload: u32 patches, u32 size of the numbers, numbers (nested), u32 size of the positions, positions (nested), values of the patches
 * (nested). SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

enum { PATCH_PS = 1500, POSITION_BITS = 13, HEADS = 60, COUNT_MIN = 128 };

/* Do half of some values need at least three bits less than the largest? */
static bool promises(const enc_ints *b, int64_t min, unsigned all_bits)
{
    enum { SAMPLE = 64, GAIN_BITS = 3 };
    const uint32_t step = b->count / SAMPLE;
    unsigned small = 0;
    for (uint32_t i = 0; i < SAMPLE; i++) small += enc_bits((uint64_t)b->v[i * step] - (uint64_t)min) + GAIN_BITS <= all_bits;
    return small * 2 >= SAMPLE;
}

void enc_patched_find(enc_ints *b)
{
    int64_t min = b->min[0], max = b->max[0];
    for (unsigned i = 1; i < b->vectors; i++) {
        min = FN_MIN(min, b->min[i]);
        max = FN_MAX(max, b->max[i]);
    }
    const unsigned all_bits = enc_bits((uint64_t)max - (uint64_t)min);
    if (b->count < COUNT_MIN || !promises(b, min, all_bits)) return;
    uint32_t of_bits[65] = {0};
    for (uint32_t i = 0; i < b->count; i++) of_bits[enc_bits((uint64_t)b->v[i] - (uint64_t)min)]++;
    uint64_t least = UINT64_MAX;
    for (unsigned bits = all_bits, patches = 0; bits-- > 0;) {
        patches += of_bits[bits + 1];
        if ((uint64_t)patches * 2 > b->count) break;
        const uint64_t size = ((uint64_t)b->count * bits + (uint64_t)patches * (all_bits + POSITION_BITS)) / 8;
        const uint64_t found = size * ENC_BYTE_PS + (uint64_t)patches * PATCH_PS;
        if (found >= least) continue;
        least = found;
        b->patch_bits = bits;
        b->patches = patches;
        b->patch_bytes = size;
    }
}

static uint64_t cost(const enc_ints *b)
{
    if (b->patches == b->count) return ENC_NEVER;
    return enc_cost(HEADS + b->vectors * 9 + b->patch_bytes, b->count, 60, (uint64_t)b->patches * PATCH_PS);
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    int64_t numbers[BLOCK_ROWS], positions[BLOCK_ROWS / 2], values[BLOCK_ROWS / 2], min = b->min[0];
    uint32_t patches = 0;
    for (unsigned i = 1; i < b->vectors; i++) min = FN_MIN(min, b->min[i]);
    for (uint32_t i = 0; i < b->count; i++) {
        numbers[i] = b->v[i];
        if (enc_bits((uint64_t)b->v[i] - (uint64_t)min) <= b->patch_bits) continue;
        numbers[i] = i ? numbers[i - 1] : min;
        positions[patches] = i;
        values[patches++] = b->v[i];
    }
    const size_t head = out->size;
    const uint32_t sizes[2] = {patches, 0}, zero = 0;
    FN_TRY(fn_buf_append(ctx, out, sizes, sizeof sizes));
    FN_TRY(enc_ints_encode(ctx, numbers, b->count, b->width, ENC_PLAIN, false, out));
    fn_store_u32(out->data + head + 4, (uint32_t)(out->size - head - 8));
    const size_t second = out->size;
    FN_TRY(fn_buf_append(ctx, out, &zero, sizeof zero));
    FN_TRY(enc_ints_encode(ctx, positions, patches, sizeof(uint16_t), ENC_PLAIN, false, out));
    fn_store_u32(out->data + second, (uint32_t)(out->size - second - 4));
    return enc_ints_encode(ctx, values, patches, b->width, ENC_PLAIN, false, out);
}

#define PUT(T)                                                                                     \
    for (uint32_t i = 0; i < patches; i++)                                                         \
        if (positions[i] - from < take) memcpy(out + (positions[i] - from) * sizeof(T), values + i * sizeof(T), sizeof(T));
static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    enc_in at = {in, in + size};
    uint32_t patches, number_size, position_size;
    if (!enc_take_u32(&at, &patches) || !enc_take_u32(&at, &number_size) || width > 8 || patches > BLOCK_ROWS / 2) return false;
    const uint8_t *numbers = enc_take(&at, number_size);
    if (!numbers || !enc_take_u32(&at, &position_size) || !enc_decode_rows(numbers, number_size, count, width, depth + 1, from, take, out)) return false;
    const uint8_t *packed = enc_take(&at, position_size);
    uint16_t positions[BLOCK_ROWS / 2];
    uint8_t values[BLOCK_ROWS / 2 * sizeof(int64_t)];
    if (!packed || !enc_decode(packed, position_size, patches, sizeof *positions, depth + 1, (uint8_t *)positions)) return false;
    if (!enc_decode(at.at, (size_t)(at.end - at.at), patches, width, depth + 1, values)) return false;
    for (uint32_t i = 0; i < patches; i++)
        if (positions[i] >= count) return false;
    if (width == 8) { PUT(uint64_t) }
    else if (width == 4) { PUT(uint32_t) }
    else if (width == 2) { PUT(uint16_t) }
    else { PUT(uint8_t) }
    return true;
}
#undef PUT

const enc_class enc_patched = {"patched", cost, encode, NULL, decode_rows};
