/* enc_narrow.c - 128- and 256-bit integers whose values all fit into 64 bits (most Decimals, UUID parts never).
 * Payload: the low words as 64-bit integers (nested); the rest is their sign. SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

fn_status enc_narrow_encode(fn_ctx *ctx, const uint8_t *values, uint32_t count, unsigned width, bool thorough, fn_buf *out, bool *done)
{
    int64_t v[BLOCK_ROWS];
    *done = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = values + (size_t)i * width;
        v[i] = fn_load_i64(p);
        const int64_t sign = v[i] < 0 ? -1 : 0;
        for (unsigned k = 8; k < width; k += 8)
            if (fn_load_i64(p + k) != sign) return FN_OK;
    }
    *done = true;
    FN_TRY(fn_buf_byte(ctx, out, ENC_NARROW));
    return enc_ints_encode(ctx, v, count, sizeof(int64_t), ENC_OF_OTHER, thorough, out);
}

static bool decode(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint8_t *out)
{
    int64_t v[BLOCK_ROWS];
    if ((width != 16 && width != 32) || !enc_decode(in, size, count, sizeof *v, depth + 1, (uint8_t *)v)) return false;
    for (uint32_t i = 0; i < count; i++, out += width) {
        fn_store_i64(out, v[i]);
        memset(out + 8, v[i] < 0 ? 0xff : 0, width - 8);
    }
    return true;
}

const enc_class enc_narrow = {"narrow", NULL, NULL, decode, NULL};
