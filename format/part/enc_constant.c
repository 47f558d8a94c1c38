/* enc_constant.c - one value for the whole block. Payload: the value, `width` bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

static uint64_t cost(const enc_ints *b)
{
    return b->changes ? UINT64_MAX : b->width;
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    return fn_buf_append(ctx, out, b->v, b->width);
}

static bool decode(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint8_t *out)
{
    (void)depth;
    if (size < width) return false; /* more is fine: codes are written with 4 bytes and read with as few as the dictionary needs */
    if (width == 1) memset(out, in[0], count);
    else
        for (uint32_t i = 0; i < count; i++) memcpy(out + (size_t)i * width, in, width);
    return true;
}

const enc_class enc_constant = {"constant", cost, 16, encode, decode};
