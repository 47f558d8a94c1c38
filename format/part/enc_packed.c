/* enc_packed.c - frame of reference: per vector of 1,024 the smallest value and the differences from it, bit-packed.
 * Payload: u8 width[vectors], i64 base[vectors], packed vectors. SPDX-License-Identifier: Apache-2.0 */
#include "part/pack_vector.h"

fn_status pack_vector_append(fn_ctx *ctx, const int64_t *v, size_t n, int64_t base, unsigned width, fn_buf *out)
{
    const size_t bytes = pack_vector_bytes(n, width);
    FN_TRY(fn_buf_reserve(ctx, out, bytes));
    uint8_t *to = (uint8_t *)out->data + out->size;
    out->size += bytes;
    if (n == PACK_ROWS) {
        pack_kernels_get()->pack(v, base, width, to);
        return FN_OK;
    }
    int64_t padded[PACK_ROWS];
    uint8_t packed[PACK_ROWS * sizeof(int64_t)];
    memcpy(padded, v, n * sizeof *v);
    for (size_t i = n; i < PACK_ROWS; i++) padded[i] = base;
    pack_kernels_get()->pack(padded, base, width, packed);
    memcpy(to, packed, bytes);
    return FN_OK;
}

void pack_vector_read(const uint8_t *in, size_t n, unsigned width, int64_t base, unsigned out_width, uint8_t *out)
{
    if (n == PACK_ROWS) {
        pack_kernels_get()->unpack(in, width, base, out_width, out);
        return;
    }
    uint8_t padded[PACK_ROWS * sizeof(int64_t)], values[PACK_ROWS * sizeof(int64_t)];
    const size_t bytes = pack_vector_bytes(n, width);
    memcpy(padded, in, bytes);
    memset(padded + bytes, 0, width * PACK_BYTES_PER_BIT - bytes);
    pack_kernels_get()->unpack(padded, width, base, out_width, values);
    memcpy(out, values, n * out_width);
}

static size_t rows_of(const enc_ints *b, unsigned vector)
{
    return FN_MIN(b->count - vector * PACK_ROWS, (uint32_t)PACK_ROWS);
}

static unsigned width_of(const enc_ints *b, unsigned vector)
{
    return enc_bits((uint64_t)b->max[vector] - (uint64_t)b->min[vector]);
}

static uint64_t cost(const enc_ints *b)
{
    uint64_t bytes = b->vectors * (1 + sizeof(int64_t));
    for (unsigned i = 0; i < b->vectors; i++) bytes += pack_vector_bytes(rows_of(b, i), width_of(b, i));
    return enc_cost(bytes, b->count, 60, 0);
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    for (unsigned i = 0; i < b->vectors; i++) FN_TRY(fn_buf_byte(ctx, out, (char)width_of(b, i)));
    FN_TRY(fn_buf_append(ctx, out, b->min, b->vectors * sizeof *b->min));
    for (unsigned i = 0; i < b->vectors; i++)
        FN_TRY(pack_vector_append(ctx, b->v + i * PACK_ROWS, rows_of(b, i), b->min[i], width_of(b, i), out));
    return FN_OK;
}

static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    (void)depth;
    enc_in at = {in, in + size};
    const unsigned vectors = (count + PACK_ROWS - 1) / PACK_ROWS;
    const uint8_t *widths = enc_take(&at, vectors), *bases = enc_take(&at, vectors * sizeof(int64_t));
    if (!widths || !bases || width > 8) return false;
    for (unsigned i = 0; i * PACK_ROWS < from + take; i++) {
        const size_t n = FN_MIN(count - i * PACK_ROWS, (uint32_t)PACK_ROWS);
        const uint8_t *packed = widths[i] <= 64 ? enc_take(&at, pack_vector_bytes(n, widths[i])) : NULL;
        if (!packed) return false;
        if (i * PACK_ROWS < from) continue;
        pack_vector_read(packed, n, widths[i], fn_load_i64(bases + i * sizeof(int64_t)), width, out);
        out += n * width;
    }
    return true;
}

const enc_class enc_packed = {"packed", cost, encode, NULL, decode_rows};
