/* enc_raw.c - the values as they are. Payload: count x width bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

static uint64_t cost(const enc_ints *b)
{
    return enc_cost((uint64_t)b->count * b->width, b->count, 20 * b->width, 0);
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    FN_TRY(fn_buf_reserve(ctx, out, (size_t)b->count * b->width));
    pack_kernels_get()->narrow(b->v, b->count, b->width, (uint8_t *)out->data + out->size);
    out->size += (size_t)b->count * b->width;
    return FN_OK;
}

/* Codes are written with 4 bytes and read with fewer: the stored width is size / count. */
static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    (void)depth;
    const size_t stored = size / count;
    if (size % count) return false;
    in += from * stored;
    if (stored == width) {
        memcpy(out, in, take * stored);
        return true;
    }
    if ((stored != 1 && stored != 2 && stored != 4 && stored != 8) || width > 8) return false;
    int64_t v[PACK_ROWS];
    for (uint32_t i = 0; i < take; i += PACK_ROWS) {
        const size_t n = FN_MIN(take - i, (uint32_t)PACK_ROWS);
        pack_kernels_get()->widen(in + i * stored, n, (unsigned)stored, false, v);
        pack_kernels_get()->narrow(v, n, width, out + (size_t)i * width);
    }
    return true;
}

const enc_class enc_raw = {"raw", cost, encode, NULL, decode_rows};
