/* enc_delta.c - differences of neighbours against the smallest one, bit-packed: sorted numbers, times.
 * Payload: u8 width[vectors], i64 first[vectors], i64 base[vectors], packed vectors. The first number of a vector packs as 0 and
 * counts as `base`. Read at about a fifth of the speed of enc_packed. SPDX-License-Identifier: Apache-2.0 */
#include "part/pack_vector.h"

static size_t rows_of(const enc_ints *b, unsigned vector)
{
    return FN_MIN(b->count - vector * PACK_ROWS, (uint32_t)PACK_ROWS);
}

static unsigned width_of(const enc_ints *b, unsigned vector)
{
    return enc_bits((uint64_t)b->delta_max[vector] - (uint64_t)b->delta_min[vector]);
}

static uint64_t cost_of(const enc_ints *b)
{
    uint64_t bytes = b->vectors * (1 + 2 * sizeof(int64_t));
    for (unsigned i = 0; i < b->vectors; i++) bytes += pack_vector_bytes(rows_of(b, i), width_of(b, i));
    return enc_cost(bytes, b->count, 350, 0);
}

static uint64_t cost(const enc_ints *b)
{
    return b->has_deltas ? cost_of(b) : ENC_NEVER;
}

/* The range of the first `rows` differences of a vector at most. */
static void look_at_deltas(enc_ints *b, unsigned vector, size_t rows)
{
    const pack_kernels *k = pack_kernels_get();
    int64_t deltas[PACK_ROWS];
    const size_t n = FN_MIN(rows_of(b, vector), rows + 1);
    b->delta_min[vector] = b->delta_max[vector] = 0;
    if (n < 2 || b->min[vector] == b->max[vector]) return;
    k->deltas(b->v + (size_t)vector * PACK_ROWS, n, deltas);
    k->range(deltas + 1, n - 1, &b->delta_min[vector], &b->delta_max[vector]);
}

/* All differences have at least the range of some, so that most blocks are known to have something better from a few. */
void enc_delta_find(enc_ints *b)
{
    enum { SOME = 64 };
    memset(b->delta_min, 0, b->vectors * sizeof *b->delta_min);
    memset(b->delta_max, 0, b->vectors * sizeof *b->delta_max);
    if (cost_of(b) >= b->best_cost) return;
    for (unsigned i = 0; i < b->vectors; i++) look_at_deltas(b, i, SOME);
    for (unsigned i = 0; i < b->vectors; i++) {
        if (cost_of(b) >= b->best_cost) return;
        look_at_deltas(b, i, PACK_ROWS);
    }
    b->has_deltas = true;
    enc_ints_consider(b, ENC_DELTA);
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    int64_t first[BLOCK_VECTORS], deltas[PACK_ROWS];
    for (unsigned i = 0; i < b->vectors; i++) {
        FN_TRY(fn_buf_byte(ctx, out, (char)width_of(b, i)));
        first[i] = b->v[i * PACK_ROWS];
    }
    FN_TRY(fn_buf_append(ctx, out, first, b->vectors * sizeof *first));
    FN_TRY(fn_buf_append(ctx, out, b->delta_min, b->vectors * sizeof *b->delta_min));
    for (unsigned i = 0; i < b->vectors; i++) {
        pack_kernels_get()->deltas(b->v + i * PACK_ROWS, rows_of(b, i), deltas);
        deltas[0] = b->delta_min[i];
        FN_TRY(pack_vector_append(ctx, deltas, rows_of(b, i), b->delta_min[i], width_of(b, i), out));
    }
    return FN_OK;
}

static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    (void)depth;
    enc_in at = {in, in + size};
    const unsigned vectors = (count + PACK_ROWS - 1) / PACK_ROWS;
    const uint8_t *widths = enc_take(&at, vectors), *firsts = enc_take(&at, vectors * sizeof(int64_t)),
                  *bases = enc_take(&at, vectors * sizeof(int64_t));
    if (!widths || !firsts || !bases || width > 8) return false;
    for (unsigned i = 0; i * PACK_ROWS < from + take; i++) {
        const size_t n = FN_MIN(count - i * PACK_ROWS, (uint32_t)PACK_ROWS);
        const uint8_t *packed = widths[i] <= 64 ? enc_take(&at, pack_vector_bytes(n, widths[i])) : NULL;
        if (!packed) return false;
        if (i * PACK_ROWS < from) continue;
        int64_t deltas[PACK_ROWS];
        const int64_t base = fn_load_i64(bases + i * sizeof(int64_t));
        pack_vector_read(packed, n, widths[i], base, sizeof(int64_t), (uint8_t *)deltas);
        pack_kernels_get()->prefix(deltas, n, (int64_t)(fn_load_u64(firsts + i * sizeof(int64_t)) - (uint64_t)base), width, out);
        out += n * width;
    }
    return true;
}

const enc_class enc_delta = {"delta", cost, encode, NULL, decode_rows};
