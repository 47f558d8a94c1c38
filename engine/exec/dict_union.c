/* dict_union.c - see dict_union.h. The union holds each string once; each dictionary's entries are looked up in it once, a row costs one
 * translation of its code. Pays where the dictionaries have far fewer entries than the column has rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/dict_union.h"

enum { DICTIONARIES_MAX = 256, ROWS_PER_ENTRY_MIN = 4, SEED = 0 };

typedef struct coded {
    const fn_column *dictionary;
    uint32_t first; /* of its entries among all dictionaries' */
} coded;

typedef struct joiner {
    coded sources[DICTIONARIES_MAX];
    uint32_t source_count, entries;
    uint32_t *ids;      /* per entry of all dictionaries: in the union */
    fn_str *texts;      /* of the union, room for all entries */
    uint32_t text_count;
    uint32_t *slots, mask; /* id + 1; 0: free */
} joiner;

static coded *source_of(joiner *j, const fn_column *dictionary)
{
    for (uint32_t i = 0; i < j->source_count; i++)
        if (j->sources[i].dictionary == dictionary) return &j->sources[i];
    return NULL;
}

/* All are DICT over few enough entries of strings. */
static bool list_sources(joiner *j, fn_column *const *parts, uint32_t count)
{
    uint64_t rows = 0, entries = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i]->shape != FN_DICT || parts[i]->kids[0]->type->phys != FN_PHYS_STRING) return false;
        rows += parts[i]->rows;
        if (source_of(j, parts[i]->kids[0])) continue;
        if (j->source_count == DICTIONARIES_MAX) return false;
        j->sources[j->source_count++] = (coded){parts[i]->kids[0], (uint32_t)entries};
        entries += parts[i]->kids[0]->rows;
        if (entries > UINT32_MAX / ROWS_PER_ENTRY_MIN) return false;
    }
    j->entries = (uint32_t)entries;
    return rows <= UINT32_MAX && entries * ROWS_PER_ENTRY_MIN <= rows;
}

static uint32_t id_of(joiner *j, fn_str text)
{
    uint32_t at = (uint32_t)fn_hash_bytes(text.data, text.size, SEED) & j->mask;
    for (; j->slots[at]; at = (at + 1) & j->mask)
        if (fn_str_eq(j->texts[j->slots[at] - 1], text)) return j->slots[at] - 1;
    j->texts[j->text_count] = text;
    j->slots[at] = ++j->text_count;
    return j->text_count - 1;
}

static fn_status build_dictionary(fn_ctx *ctx, joiner *j, const fn_type *type, fn_column **out)
{
    const uint64_t slots = fn_next_pow2((uint64_t)j->entries * 2 + 1);
    j->mask = (uint32_t)(slots - 1);
    j->slots = fn_alloc_zero(ctx, slots * sizeof *j->slots);
    j->ids = fn_alloc(ctx, ((size_t)j->entries + 1) * sizeof *j->ids);
    j->texts = fn_alloc(ctx, ((size_t)j->entries + 1) * sizeof *j->texts);
    if (!j->slots || !j->ids || !j->texts) return ctx->error.code;
    for (uint32_t s = 0; s < j->source_count; s++)
        for (uint32_t i = 0; i < j->sources[s].dictionary->rows; i++) j->ids[j->sources[s].first + i] = id_of(j, fn_column_str_at(j->sources[s].dictionary, i));
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, type));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < j->text_count && status == FN_OK; i++) status = fn_builder_str(ctx, &b, j->texts[i]);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

static void store_codes(const fn_column *c, const uint32_t *ids, unsigned width, uint8_t *to)
{
    for (size_t i = 0; i < c->rows; i++) {
        const uint32_t id = ids[fn_column_code(c, i)];
        if (width == 1) to[i] = (uint8_t)id;
        else if (width == 2) fn_store_u16(to + 2 * i, (uint16_t)id);
        else fn_store_u32(to + 4 * i, id);
    }
}

static fn_status translate(fn_ctx *ctx, joiner *j, fn_column *const *parts, uint32_t count, fn_column *dictionary, fn_column **out)
{
    const unsigned width = dictionary->rows <= UINT8_MAX + 1 ? 1 : dictionary->rows <= UINT16_MAX + 1 ? 2 : 4;
    uint32_t rows = 0, at = 0;
    bool any_null = false;
    for (uint32_t i = 0; i < count; i++) {
        rows += parts[i]->rows;
        any_null |= parts[i]->nulls != NULL;
    }
    fn_buffer *codes = fn_buffer_new(ctx, (size_t)rows * width), *nulls = codes && any_null ? fn_buffer_new_zero(ctx, rows) : NULL;
    if (!codes || (any_null && !nulls)) {
        fn_buffer_drop(codes);
        return ctx->error.code;
    }
    for (uint32_t i = 0; i < count; i++) {
        const fn_column *c = parts[i];
        store_codes(c, j->ids + source_of(j, c->kids[0])->first, width, codes->data + (size_t)at * width);
        if (c->nulls) memcpy(nulls->data + at, c->nulls, c->rows);
        at += c->rows;
    }
    *out = fn_column_dict(ctx, parts[0]->type, rows, width, codes, dictionary, nulls);
    return *out ? FN_OK : ctx->error.code;
}

fn_status dict_union(fn_ctx *ctx, fn_column *const *parts, uint32_t count, fn_column **out)
{
    *out = NULL;
    joiner *j = fn_alloc_zero(ctx, sizeof *j);
    FN_TRY_PTR(ctx, j);
    fn_column *dictionary = NULL;
    fn_status status = FN_OK;
    if (list_sources(j, parts, count) && j->source_count > 1) {
        status = build_dictionary(ctx, j, parts[0]->kids[0]->type, &dictionary);
        if (status == FN_OK) status = translate(ctx, j, parts, count, dictionary, out);
    }
    fn_column_drop(dictionary);
    fn_free(j->slots);
    fn_free(j->ids);
    fn_free(j->texts);
    fn_free(j);
    return status;
}
