/* enc_constant.c - one value for the whole block. Payload: the value, `width` bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

static uint64_t cost(const enc_ints *b)
{
    return b->changes ? ENC_NEVER : enc_cost(b->width, b->count, 20, 0);
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    return fn_buf_append(ctx, out, b->v, b->width);
}

static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    (void)depth, (void)count, (void)from;
    if (size < width) return false; /* more is fine: codes are written with 4 bytes and read with as few as the dictionary needs */
    const size_t total = (size_t)take * width;
    size_t done = width;
    if (width == 0) return true;
    memcpy(out, in, width);
    for (; done < total; done *= 2) memcpy(out + done, out, FN_MIN(done, total - done)); /* doubling: any width at memory speed */
    return true;
}

const enc_class enc_constant = {"constant", cost, encode, NULL, decode_rows};
