/* skip_index_hash.c - values, tokens and n-grams as hashes. Tokens are runs of letters, digits and bytes above 127, as hasToken has
 * them; n-grams are runs of bytes, so that what is found inside of a text never depends on where its code points begin.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/skip_index.h"

/* Values of a composite index share one filter: each has hashes of its own. */
static uint64_t of_value(uint64_t hash, uint32_t value)
{
    return value ? fn_hash_mix(hash, value) : hash;
}

static fn_status put(fn_ctx *ctx, fn_buf *hashes, uint64_t hash, uint32_t value)
{
    const uint64_t h = of_value(hash, value);
    return fn_buf_append(ctx, hashes, &h, sizeof h);
}

static bool in_token(uint8_t b)
{
    return b >= 0x80 || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
}

static fn_status hash_tokens(fn_ctx *ctx, uint32_t value, fn_str text, skip_ends ends, fn_buf *hashes)
{
    for (size_t at = 0; at < text.size;) {
        while (at < text.size && !in_token((uint8_t)text.data[at])) at++;
        const size_t from = at;
        while (at < text.size && in_token((uint8_t)text.data[at])) at++;
        const bool whole = (from > 0 || !(ends & SKIP_OPEN_LEFT)) && (at < text.size || !(ends & SKIP_OPEN_RIGHT));
        if (at > from && whole) FN_TRY(put(ctx, hashes, fn_hash_bytes(text.data + from, at - from, 0), value));
    }
    return FN_OK;
}

static fn_status hash_ngrams(fn_ctx *ctx, const mt_index *ix, uint32_t value, fn_str text, fn_buf *hashes)
{
    for (size_t at = 0; at + ix->ngram <= text.size; at++) FN_TRY(put(ctx, hashes, fn_hash_bytes(text.data + at, ix->ngram, 0), value));
    return FN_OK;
}

fn_status skip_hash_text(fn_ctx *ctx, const mt_index *ix, uint32_t value, fn_str text, skip_ends ends, fn_buf *hashes)
{
    return ix->kind == MT_INDEX_TOKENS ? hash_tokens(ctx, value, text, ends, hashes) : hash_ngrams(ctx, ix, value, text, hashes);
}

static fn_status hash_texts(fn_ctx *ctx, const mt_index *ix, uint32_t value, const fn_column *c, fn_buf *hashes)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        if (i && c->shape == FN_CONST) return FN_OK;
        if (i && c->shape == FN_DICT && fn_column_code(c, i) == fn_column_code(c, i - 1)) continue;
        if (!fn_column_is_null(c, i)) FN_TRY(skip_hash_text(ctx, ix, value, fn_column_str_at(c, i), SKIP_WHOLE, hashes));
    }
    return FN_OK;
}

static fn_status hash_values(fn_ctx *ctx, uint32_t value, const fn_column *c, fn_buf *hashes)
{
    if (c->rows == 0) return FN_OK;
    FN_TRY(fn_buf_reserve(ctx, hashes, (size_t)c->rows * sizeof(uint64_t)));
    uint64_t *out = fn_alloc(ctx, (size_t)c->rows * sizeof *out);
    FN_TRY_PTR(ctx, out);
    const fn_status status = fn_column_hash(ctx, c, out, true);
    for (uint32_t i = 0; i < c->rows && status == FN_OK; i++) {
        if (fn_column_is_null(c, i)) continue;
        fn_store_u64(hashes->data + hashes->size, of_value(out[i], value));
        hashes->size += sizeof *out;
    }
    fn_free(out);
    return status;
}

fn_status skip_hash_column(fn_ctx *ctx, const mt_index *ix, uint32_t value, const fn_column *c, fn_buf *hashes)
{
    const bool array = fn_type_base(c->type)->phys == FN_PHYS_ARRAY;
    if (!array) return skip_is_text(ix) ? hash_texts(ctx, ix, value, c, hashes) : hash_values(ctx, value, c, hashes);
    fn_column *flat = fn_column_flatten(ctx, c);
    FN_TRY_PTR(ctx, flat);
    const uint32_t first = flat->rows ? flat->offsets[0] : 0, count = flat->rows ? flat->offsets[flat->rows] - first : 0;
    fn_column *items = fn_column_slice(ctx, flat->kids[0], first, count);
    fn_status status = items ? FN_OK : ctx->error.code;
    if (status == FN_OK) status = skip_is_text(ix) ? hash_texts(ctx, ix, value, items, hashes) : hash_values(ctx, value, items, hashes);
    fn_column_drop(items);
    fn_column_drop(flat);
    return status;
}
