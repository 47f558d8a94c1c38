/* part/pack_vector.h - bit-packed vectors of up to 1,024 numbers: a short one stores only the rows of words it needs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PACK_VECTOR_H
#define FIRN_PACK_VECTOR_H
#include "part/encoding.h"

/* Bytes of n (1..1,024) numbers of `width` (0..64) bits. */
static inline size_t pack_vector_bytes(size_t n, unsigned width)
{
    const size_t lanes = width <= 32 ? 32 : 16, word_bits = width <= 32 ? 32 : 64;
    const size_t rows = (n + lanes - 1) / lanes;
    return (rows * width + word_bits - 1) / word_bits * PACK_BYTES_PER_BIT;
}
fn_status pack_vector_append(fn_ctx *ctx, const int64_t *v, size_t n, int64_t base, unsigned width, fn_buf *out) FN_MUST_USE;
/* in: pack_vector_bytes(n, width) bytes. */
void pack_vector_read(const uint8_t *in, size_t n, unsigned width, int64_t base, unsigned out_width, uint8_t *out);
#endif
