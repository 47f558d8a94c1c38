/* enc_distinct.c - values that come again within the block, wherever: hashes of pages, sizes of screens. Slow to find, so for merges.
 * Payload: u32 distinct, u32 size of the values, values ascending (nested), which of them each row has (nested).
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"
#include <stdlib.h>

enum { DISTINCT_PS = 300, SLOTS = 2 * BLOCK_ROWS, WIDTH_MIN = 3, COUNT_MIN = 256 };

typedef struct entry {
    int64_t value;
    uint32_t number; /* of appearance */
} entry;

static int by_value(const void *a, const void *b)
{
    const int64_t x = ((const entry *)a)->value, y = ((const entry *)b)->value;
    return (x > y) - (x < y);
}

/* Numbers of appearance into codes, the entries in order of appearance; their count, 0: too many to be worth it. */
static uint32_t collect(const enc_ints *b, entry *entries, int64_t *codes)
{
    uint16_t slots[SLOTS] = {0}; /* entry + 1 */
    const uint32_t most = b->count / 4 * 3;
    uint32_t found = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        if (i && b->v[i] == b->v[i - 1]) {
            codes[i] = codes[i - 1];
            continue;
        }
        uint32_t at = (uint32_t)(fn_hash_u64((uint64_t)b->v[i]) % SLOTS);
        while (slots[at] && entries[slots[at] - 1].value != b->v[i]) at = (at + 1) % SLOTS;
        if (!slots[at]) {
            if (found == most) return 0;
            entries[found] = (entry){b->v[i], found};
            slots[at] = (uint16_t)++found;
        }
        codes[i] = slots[at] - 1;
    }
    return found;
}

/* Into `scratch` by the leading bits of what is above the smallest, then within these. */
static void sort_entries(entry *entries, uint32_t count, entry *scratch)
{
    enum { BUCKET_BITS = 11, BUCKETS = 1 << BUCKET_BITS };
    uint32_t ends[BUCKETS] = {0};
    int64_t min = entries[0].value, max = min;
    for (uint32_t i = 1; i < count; i++) {
        min = FN_MIN(min, entries[i].value);
        max = FN_MAX(max, entries[i].value);
    }
    const unsigned bits = enc_bits((uint64_t)max - (uint64_t)min), shift = bits > BUCKET_BITS ? bits - BUCKET_BITS : 0;
    for (uint32_t i = 0; i < count; i++) ends[((uint64_t)entries[i].value - (uint64_t)min) >> shift]++;
    for (uint32_t k = 1; k < BUCKETS; k++) ends[k] += ends[k - 1];
    for (uint32_t i = count; i-- > 0;) scratch[--ends[((uint64_t)entries[i].value - (uint64_t)min) >> shift]] = entries[i];
    for (uint32_t k = 0; k < BUCKETS && shift; k++) { /* ends are beginnings now */
        const uint32_t n = (k + 1 < BUCKETS ? ends[k + 1] : count) - ends[k];
        if (n > 1) qsort(scratch + ends[k], n, sizeof *scratch, by_value);
    }
}

void enc_distinct_find(enc_ints *b, enc_distinct_work *w)
{
    entry entries[BLOCK_ROWS], sorted[BLOCK_ROWS];
    uint16_t rank[BLOCK_ROWS];
    unsigned widest = 0;
    for (unsigned i = 0; i < b->vectors; i++) widest = FN_MAX(widest, enc_bits((uint64_t)b->max[i] - (uint64_t)b->min[i]));
    if (b->count < COUNT_MIN || widest < WIDTH_MIN || b->changes == 0) return;
    const uint32_t count = collect(b, entries, w->codes);
    if (count == 0) return;
    sort_entries(entries, count, sorted);
    for (uint32_t i = 0; i < count; i++) {
        w->values[i] = sorted[i].value;
        rank[sorted[i].number] = (uint16_t)i;
    }
    for (uint32_t i = 0; i < b->count; i++) w->codes[i] = rank[w->codes[i]];
    w->distinct = (enc_ints){.v = w->values, .count = count, .width = b->width, .place = ENC_PLAIN, .thorough = true};
    w->coded = (enc_ints){.v = w->codes, .count = b->count, .width = sizeof(uint16_t), .place = ENC_OF_OTHER, .thorough = true};
    enc_ints_judge(&w->distinct);
    enc_ints_judge(&w->coded);
    enc_repeats_find(&w->coded, &w->repeats);
    b->distinct = &w->distinct;
    b->codes = &w->coded;
    enc_ints_consider(b, ENC_DISTINCT);
}

static uint64_t cost(const enc_ints *b)
{
    return b->distinct ? enc_cost(2 * sizeof(uint32_t), b->count, DISTINCT_PS, b->distinct->best_cost + b->codes->best_cost) : ENC_NEVER;
}

static fn_status encode(fn_ctx *ctx, const enc_ints *b, fn_buf *out)
{
    const size_t head = out->size;
    const uint32_t sizes[2] = {b->distinct->count, 0};
    FN_TRY(fn_buf_append(ctx, out, sizes, sizeof sizes));
    FN_TRY(enc_ints_write(ctx, b->distinct, out));
    fn_store_u32(out->data + head + 4, (uint32_t)(out->size - head - 8));
    return enc_ints_write(ctx, b->codes, out);
}

#define PICK(T)                                                                                    \
    for (uint32_t i = 0; i < take; i++) memcpy(out + i * sizeof(T), values + codes[i] * sizeof(T), sizeof(T));
static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    enc_in at = {in, in + size};
    uint32_t distinct, value_size;
    if (!enc_take_u32(&at, &distinct) || !enc_take_u32(&at, &value_size) || width > 8 || distinct > count) return false;
    const uint8_t *packed = enc_take(&at, value_size);
    uint8_t values[BLOCK_ROWS * sizeof(int64_t)];
    uint16_t codes[BLOCK_ROWS];
    if (!packed || !enc_decode(packed, value_size, distinct, width, depth + 1, values)) return false;
    if (!enc_decode_rows(at.at, (size_t)(at.end - at.at), count, sizeof *codes, depth + 1, from, take, (uint8_t *)codes)) return false;
    if (pack_kernels_get()->max_code((const uint8_t *)codes, take, sizeof *codes) >= distinct) return false;
    if (width == 8) { PICK(uint64_t) }
    else if (width == 4) { PICK(uint32_t) }
    else if (width == 2) { PICK(uint16_t) }
    else { PICK(uint8_t) }
    return true;
}
#undef PICK

const enc_class enc_distinct = {"distinct", cost, encode, NULL, decode_rows};
