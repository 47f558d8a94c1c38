/* dictionary.c - the dictionary form of a column: distinct values once, codes per row.
 * An open-addressing table of entry numbers over fn_column_hash; gives up beyond max_distinct.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column/column_make.h"
#include <string.h>

typedef struct encode {
    const fn_column *in; /* FLAT */
    const uint64_t *hashes;
    uint32_t *slots; /* entry + 1; 0 = free */
    uint32_t mask;
    uint32_t *entry_rows; /* first row of each entry */
    uint32_t *codes;
    uint32_t entries;
} encode;

/* false: more than max_distinct. NULL rows get code 0 (any valid code will do). */
static bool assign_codes(encode *e, uint32_t max_distinct)
{
    for (uint32_t row = 0; row < e->in->rows; row++) {
        e->codes[row] = 0;
        if (e->in->nulls && e->in->nulls[row]) continue;
        uint32_t at = (uint32_t)e->hashes[row] & e->mask;
        for (;; at = (at + 1) & e->mask) {
            const uint32_t entry = e->slots[at];
            if (!entry) break;
            const uint32_t first = e->entry_rows[entry - 1];
            if (e->hashes[first] == e->hashes[row] && fn_column_equal_at(e->in, first, e->in, row)) break;
        }
        if (!e->slots[at]) {
            if (e->entries == max_distinct) return false;
            e->entry_rows[e->entries++] = row;
            e->slots[at] = e->entries;
        }
        e->codes[row] = e->slots[at] - 1;
    }
    return true;
}

static fn_buffer *pack_codes(fn_ctx *ctx, const uint32_t *codes, uint32_t rows, unsigned width)
{
    fn_buffer *b = fn_buffer_new(ctx, (size_t)rows * width);
    if (!b) return NULL;
    for (uint32_t i = 0; i < rows; i++) {
        if (width == 1) b->data[i] = (uint8_t)codes[i];
        else if (width == 2) fn_store_u16(b->data + 2 * (size_t)i, (uint16_t)codes[i]);
        else fn_store_u32(b->data + 4 * (size_t)i, codes[i]);
    }
    return b;
}

static fn_column *build(fn_ctx *ctx, const encode *e)
{
    const fn_column *in = e->in;
    fn_column *plain = fn_column_with_nulls(ctx, in, fn_type_strip_nullable(in->type), NULL);
    if (!plain) return NULL;
    fn_column *entries;
    if (e->entries) {
        entries = fn_column_take(ctx, plain, e->entry_rows, e->entries);
    } else { /* all rows NULL: one entry so that codes are valid */
        fn_column *one = fn_column_default(ctx, plain->type, 1);
        entries = one ? fn_column_flatten(ctx, one) : NULL;
        fn_column_drop(one);
    }
    fn_column_drop(plain);
    if (!entries) return NULL;
    const unsigned width = entries->rows <= 256 ? 1 : entries->rows <= 65536 ? 2 : 4;
    fn_buffer *codes = pack_codes(ctx, e->codes, in->rows, width);
    fn_buffer *nulls = NULL;
    if (codes && in->nulls) {
        nulls = fn_buffer_new(ctx, in->rows);
        if (nulls) memcpy(nulls->data, in->nulls, in->rows);
    }
    fn_column *out = NULL;
    if (codes && (nulls || !in->nulls)) out = fn_column_dict(ctx, in->type, in->rows, width, codes, entries, nulls);
    else fn_buffer_drop(codes);
    fn_column_drop(entries);
    return out;
}

fn_column *fn_column_encode_dict(fn_ctx *ctx, const fn_column *c, uint32_t max_distinct)
{
    if (c->shape == FN_DICT || c->rows == 0 || max_distinct == 0) return fn_column_ref(c);
    fn_column *flat = fn_column_flatten(ctx, c);
    if (!flat) return NULL;
    const uint32_t limit = FN_MIN(max_distinct, flat->rows);
    const uint32_t size = (uint32_t)fn_next_pow2(2 * (uint64_t)limit + 2);
    encode e = {.in = flat, .mask = size - 1};
    uint64_t *hashes = fn_alloc(ctx, flat->rows * sizeof *hashes);
    e.hashes = hashes;
    e.slots = fn_alloc_zero(ctx, size * sizeof *e.slots);
    e.entry_rows = fn_alloc(ctx, limit * sizeof *e.entry_rows);
    e.codes = fn_alloc(ctx, flat->rows * sizeof *e.codes);
    fn_column *out = NULL;
    if (hashes && e.slots && e.entry_rows && e.codes && fn_column_hash(ctx, flat, hashes, true) == FN_OK)
        out = assign_codes(&e, limit) ? build(ctx, &e) : fn_column_ref(c);
    fn_free(hashes);
    fn_free(e.slots);
    fn_free(e.entry_rows);
    fn_free(e.codes);
    fn_column_drop(flat);
    return out;
}
