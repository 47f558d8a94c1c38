/* page.c - page headers, decompression, levels, dictionary pages.
 * A page's header is read alone first, so that a page with unwanted rows only is never decompressed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/cursor.h"
#include "parquet/thrift.h"

static fn_status bad(fn_ctx *ctx, const pq_cursor *c, const char *why)
{
    return pq_bad(ctx, c->file, c->page.offset, why);
}

static uint32_t count_of(pq_thrift *t, int type)
{
    const int64_t v = pq_thrift_int(t, type);
    if (v < 0 || v > INT32_MAX) t->bad = true;
    return t->bad ? 0 : (uint32_t)v;
}

static pq_encoding encoding_of(pq_thrift *t, int type)
{
    const uint32_t e = count_of(t, type);
    if (e > PQ_STREAM_SPLIT || e == 1) t->bad = true;
    return t->bad ? PQ_PLAIN : (pq_encoding)e;
}

/* DataPageHeader, DictionaryPageHeader and DataPageHeaderV2 differ in numbering only. */
static void parse_kind(pq_thrift *t, int type, int which, pq_page *g)
{
    if (!pq_thrift_enter(t, type)) return;
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        if (f.id == 1) g->entries = count_of(t, f.type);
        else if (which != 8 && f.id == 2) g->encoding = encoding_of(t, f.type);
        else if (which == 5 && f.id == 3) g->def_encoding = encoding_of(t, f.type);
        else if (which == 5 && f.id == 4) g->rep_encoding = encoding_of(t, f.type);
        else if (which == 8 && f.id == 2) g->no_nulls = count_of(t, f.type) == 0;
        else if (which == 8 && f.id == 3) g->rows = count_of(t, f.type);
        else if (which == 8 && f.id == 4) g->encoding = encoding_of(t, f.type);
        else if (which == 8 && f.id == 5) g->def_size = count_of(t, f.type);
        else if (which == 8 && f.id == 6) g->rep_size = count_of(t, f.type);
        else if (which == 8 && f.id == 7) g->is_compressed = pq_thrift_bool(t, f.type);
        else pq_thrift_skip(t, f.type);
    }
}

static fn_status parse_header(fn_ctx *ctx, pq_cursor *c)
{
    pq_page *g = &c->page;
    const uint8_t *start = c->bytes->data + c->at;
    pq_thrift t = {start, start, c->bytes->data + c->chunk->data.size, false};
    *g = (pq_page){.kind = -1, .offset = c->chunk->data.offset + c->at, .is_compressed = true, .def_encoding = PQ_RLE, .rep_encoding = PQ_RLE};
    for (pq_field_head f = {0, 0}; pq_thrift_field(&t, &f);) {
        if (f.id == 1) g->kind = (int)count_of(&t, f.type);
        else if (f.id == 2) g->raw = count_of(&t, f.type);
        else if (f.id == 3) g->packed = count_of(&t, f.type);
        else if (f.id == 5 || f.id == 7 || f.id == 8) parse_kind(&t, f.type, f.id, g);
        else pq_thrift_skip(&t, f.type);
    }
    if (t.bad || g->kind < 0) return bad(ctx, c, "malformed page header");
    if (g->packed > (size_t)(t.end - t.at)) return bad(ctx, c, "a page is longer than its column chunk");
    if (g->raw > PQ_PAGE_MAX) return bad(ctx, c, "a page is larger than 1 GiB");
    g->body = t.at;
    c->at = (size_t)(t.at - c->bytes->data) + g->packed;
    return FN_OK;
}

/* The page's bytes from `skip` on, decompressed, with 64 readable bytes behind. */
static fn_status unpack(fn_ctx *ctx, pq_cursor *c, size_t skip, const uint8_t **at, const uint8_t **end)
{
    const pq_page *g = &c->page;
    if (skip > g->packed || skip > g->raw) return bad(ctx, c, "levels are longer than their page");
    if (c->chunk->codec == FN_CODEC_NONE || !g->is_compressed) {
        *at = g->body + skip;
        *end = g->body + g->packed;
        return FN_OK;
    }
    FN_TRY(pq_grow(ctx, &c->raw, 0, g->raw - skip));
    *at = c->raw->data;
    *end = c->raw->data + (g->raw - skip);
    if (g->raw == skip) return FN_OK;
    const fn_str in = {(const char *)g->body + skip, g->packed - skip};
    if (fn_codec_decompress(ctx, c->chunk->codec, in, c->raw->data, g->raw - skip) == FN_OK) return FN_OK;
    const char *why = fn_arena_printf(ctx, ctx->arena, "%s", ctx->error.text);
    if (ctx->error.code != FN_CANNOT_DECOMPRESS) return ctx->error.code;
    fn_error_clear(ctx);
    return bad(ctx, c, why ? why : "cannot decompress a page");
}

static fn_status dictionary_text(fn_ctx *ctx, pq_cursor *c)
{
    const uint32_t n = c->page.entries;
    pq_text text = {NULL, 0};
    fn_buffer *offsets = fn_buffer_new(ctx, ((size_t)n + 1) * 4);
    FN_TRY_PTR(ctx, offsets);
    fn_store_u32(offsets->data, 0);
    fn_status status = pq_values_text(ctx, &c->values, n, &text, (uint32_t *)(void *)(offsets->data + 4));
    if (status == FN_OK) status = pq_grow(ctx, &text.bytes, text.used, FN_MAX(text.used, 1));
    if (status != FN_OK) {
        fn_buffer_drop(offsets);
        fn_buffer_drop(text.bytes);
        return status;
    }
    c->dictionary = fn_column_string(ctx, fn_type_simple(FN_T_STRING), n, text.bytes, offsets, NULL);
    FN_TRY_PTR(ctx, c->dictionary);
    return FN_OK;
}

static fn_status load_dictionary(fn_ctx *ctx, pq_cursor *c)
{
    const uint8_t *at, *end;
    const uint32_t n = c->page.entries;
    if (c->dict_rows || c->dictionary || c->dict) return bad(ctx, c, "a second dictionary page");
    FN_TRY(unpack(ctx, c, 0, &at, &end));
    if (n > (size_t)(end - at)) return bad(ctx, c, "the dictionary has fewer values than it says");
    c->values.offset = c->page.offset;
    FN_TRY(pq_values_open(ctx, &c->values, PQ_PLAIN, at, end, n));
    c->dict_rows = n;
    c->code_width = n <= 256 ? 1 : n <= 65536 ? 2 : 4;
    if (c->leaf->width == 0 && !c->convert.from_text) return dictionary_text(ctx, c);
    if (c->convert.from_text) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Dictionary pages of decimals of variable length");
    const size_t width = c->convert.width ? c->convert.width : c->leaf->width;
    FN_TRY(pq_grow(ctx, &c->dict, 0, (size_t)n * width));
    if (c->convert.run) {
        FN_TRY(pq_grow(ctx, &c->scratch, 0, (size_t)n * c->leaf->width));
        FN_TRY(pq_values_fixed(ctx, &c->values, n, c->scratch->data));
        c->convert.run(&c->convert, c->scratch->data, n, c->dict->data);
    } else {
        FN_TRY(pq_values_fixed(ctx, &c->values, n, c->dict->data));
    }
    if (!c->keeps_codes) return FN_OK;
    c->dictionary = fn_column_fixed(ctx, c->base, n, fn_buffer_ref(c->dict), NULL);
    return c->dictionary ? FN_OK : ctx->error.code;
}

fn_status pq_page_next(fn_ctx *ctx, pq_cursor *c)
{
    for (;;) {
        if (c->at >= c->chunk->data.size) {
            c->page.offset = c->chunk->data.offset + c->at;
            return bad(ctx, c, "a column chunk ends before its rows");
        }
        FN_TRY(parse_header(ctx, c));
        if (c->page.kind == 2) FN_TRY(load_dictionary(ctx, c));
        if (c->page.kind != 0 && c->page.kind != 3) continue; /* index pages are not used */
        if (c->page.entries == 0) continue;
        if (c->page.entries > c->entries_left) return bad(ctx, c, "pages have more values than their column chunk");
        c->entries_left -= c->page.entries;
        return FN_OK;
    }
}

static unsigned bits_for(unsigned max)
{
    return max ? 32u - (unsigned)__builtin_clz(max) : 0;
}

/* Levels into bytes. *uniform: all of them are `max` (only told for a single run). */
static fn_status decode_levels(fn_ctx *ctx, pq_cursor *c, fn_str in, unsigned max, fn_buf *out, bool *uniform)
{
    const size_t n = c->page.entries;
    const unsigned width = bits_for(max);
    const pq_kernels *k = pq_kernels_get();
    pq_rle r;
    pq_rle_init(&r, (const uint8_t *)in.data, (const uint8_t *)in.data + in.size, width);
    out->size = 0;
    uint32_t part[1024];
    size_t done = 0;
    *uniform = false;
    if (!pq_rle_read(k, &r, 1, part)) return bad(ctx, c, "cut levels");
    if (part[0] == max && r.run >= n - 1) {
        *uniform = true;
        return FN_OK;
    }
    FN_TRY(fn_buf_reserve(ctx, out, n + 64));
    out->size = n;
    uint8_t *to = (uint8_t *)out->data;
    to[done++] = (uint8_t)part[0];
    while (done < n) {
        if (r.run) { /* runs need no detour */
            const size_t m = FN_MIN(n - done, r.run);
            memset(to + done, (int)r.value, m);
            r.run -= (uint32_t)m;
            done += m;
        } else {
            const size_t left = r.packed_count - r.next, m = FN_MIN(FN_MIN(n - done, FN_COUNT(part)), left ? left : 1);
            if (!pq_rle_read(k, &r, m, part)) return bad(ctx, c, "cut levels");
            k->narrow8(part, m, to + done);
            done += m;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (to[i] > max) return bad(ctx, c, "a level is too large");
    }
    return FN_OK;
}

/* The deprecated BIT_PACKED levels: most significant bit first, no header. */
static fn_status decode_packed_levels(fn_ctx *ctx, pq_cursor *c, const uint8_t **at, const uint8_t *end, unsigned max, fn_buf *out)
{
    const unsigned width = bits_for(max);
    const size_t n = c->page.entries, size = (n * width + 7) / 8;
    if (size > (size_t)(end - *at)) return bad(ctx, c, "cut levels");
    out->size = 0;
    FN_TRY(fn_buf_reserve(ctx, out, n + 64));
    out->size = n;
    for (size_t i = 0; i < n; i++) {
        unsigned v = 0;
        for (unsigned b = 0; b < width; b++) {
            const size_t bit = i * width + b;
            v = v << 1 | ((*at)[bit / 8] >> (7 - bit % 8) & 1u);
        }
        if (v > max) return bad(ctx, c, "a level is too large");
        out->data[i] = (char)v;
    }
    *at += size;
    return FN_OK;
}

static fn_status v1_levels(fn_ctx *ctx, pq_cursor *c, pq_encoding e, unsigned max, const uint8_t **at, const uint8_t *end, fn_buf *out, bool *uniform)
{
    *uniform = false;
    if (e == PQ_BIT_PACKED) return decode_packed_levels(ctx, c, at, end, max, out);
    if (e != PQ_RLE) return bad(ctx, c, "unknown encoding of levels");
    if (end - *at < 4 || fn_load_u32(*at) > (size_t)(end - *at) - 4) return bad(ctx, c, "cut levels");
    const size_t size = fn_load_u32(*at);
    FN_TRY(decode_levels(ctx, c, (fn_str){(const char *)*at + 4, size}, max, out, uniform));
    *at += 4 + size;
    return FN_OK;
}

fn_status pq_page_open(fn_ctx *ctx, pq_cursor *c)
{
    pq_page *g = &c->page;
    const pq_leaf *leaf = c->leaf;
    const uint8_t *at, *end;
    bool all_rep = false, all_def = leaf->max_def == 0;
    if (g->kind == 3) {
        if (g->rep_size + g->def_size > g->packed) return bad(ctx, c, "levels are longer than their page");
        const char *levels = (const char *)g->body;
        if (leaf->max_rep) FN_TRY(decode_levels(ctx, c, (fn_str){levels, g->rep_size}, leaf->max_rep, &c->rep, &all_rep));
        if (leaf->max_def && !(g->no_nulls && !leaf->max_rep))
            FN_TRY(decode_levels(ctx, c, (fn_str){levels + g->rep_size, g->def_size}, leaf->max_def, &c->def, &all_def));
        else all_def = true;
        FN_TRY(unpack(ctx, c, g->rep_size + g->def_size, &at, &end));
    } else {
        FN_TRY(unpack(ctx, c, 0, &at, &end));
        if (leaf->max_rep) FN_TRY(v1_levels(ctx, c, g->rep_encoding, leaf->max_rep, &at, end, &c->rep, &all_rep));
        if (leaf->max_def) FN_TRY(v1_levels(ctx, c, g->def_encoding, leaf->max_def, &at, end, &c->def, &all_def));
    }
    if (leaf->max_rep && all_rep) { /* the assembly wants bytes */
        FN_TRY(fn_buf_reserve(ctx, &c->rep, g->entries));
        memset(c->rep.data, leaf->max_rep, g->entries);
    }
    g->no_nulls = all_def;
    if (leaf->max_rep && all_def) {
        FN_TRY(fn_buf_reserve(ctx, &c->def, g->entries));
        memset(c->def.data, leaf->max_def, g->entries);
    }
    g->opened = true;
    c->values.offset = g->offset;
    if ((g->encoding == PQ_PLAIN_DICTIONARY || g->encoding == PQ_RLE_DICTIONARY) && !c->dictionary && !c->dict && at != end)
        return bad(ctx, c, "dictionary codes without a dictionary page");
    return pq_values_open(ctx, &c->values, g->encoding, at, end, g->entries);
}
