/* batch.c - entries of a page become slots of the block's column: nulls from levels, values spread between them.
 *
 * Values are decoded densely to the end of their place and then moved forward over the NULL slots, so that a page without
 * NULLs is decoded straight into the column. A column that changes between dictionary codes and plain strings inside a
 * block is cut into pieces, which are put together at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/cursor.h"

static bool is_text(const pq_cursor *c)
{
    return c->leaf->width == 0 && !c->convert.from_text;
}

void pq_batch_clear(pq_batch *b)
{
    fn_buffer_drop(b->values);
    fn_buffer_drop(b->offsets);
    fn_buffer_drop(b->nulls);
    fn_buffer_drop(b->text.bytes);
    for (unsigned i = 0; i < b->piece_count; i++) fn_column_drop(b->pieces[i]);
    const fn_buf def = b->def, rep = b->rep;
    *b = (pq_batch){.def = def, .rep = rep};
}

/* Slots to make room for when `more` come to the piece: all rows of the read at once, so that nothing is moved page by page. */
static size_t room_for(const pq_cursor *c, size_t more)
{
    return FN_MAX(c->batch.slots + more, c->leaf->max_rep ? 0 : (size_t)c->rows_wanted);
}

/* Makes room for `more` slots in the nulls, and zeroes what was there without. */
static fn_status begin_nulls(fn_ctx *ctx, pq_cursor *c, size_t more)
{
    pq_batch *b = &c->batch;
    const bool first = !b->any_null;
    FN_TRY(pq_grow(ctx, &b->nulls, first ? 0 : b->slots, room_for(c, more) + 64));
    if (first && b->slots) memset(b->nulls->data, 0, b->slots);
    b->any_null = true;
    return FN_OK;
}

/* nulls of the slots among n entries; returns the slots, *present = those with a value. */
static size_t slot_nulls(const uint8_t *def, size_t n, const pq_leaf *leaf, uint8_t *nulls, size_t *present)
{
    if (leaf->slot_def == 0) {
        *present = n - pq_kernels_get()->nulls(def, n, leaf->max_def, nulls);
        return n;
    }
    size_t slots = 0, ones = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t null = def[i] != leaf->max_def, slot = def[i] >= leaf->slot_def;
        nulls[slots] = null;
        slots += slot;
        ones += (size_t)(slot & null);
    }
    *present = slots - ones;
    return slots;
}

/* Moves `present` dense values that lie at the end of `slots` places forward, leaving gaps at NULLs. */
#define SPREAD(T)                                                                                                                  \
    do {                                                                                                                           \
        T *to = (T *)(void *)at;                                                                                                   \
        const T *from = to + (slots - present);                                                                                    \
        for (size_t i = 0; i < slots; i++) {                                                                                       \
            to[i] = *from;                                                                                                         \
            from += !nulls[i];                                                                                                     \
        }                                                                                                                          \
    } while (0)

static void spread(uint8_t *at, size_t width, size_t slots, size_t present, const uint8_t *nulls)
{
    switch (width) {
    case 1: SPREAD(uint8_t); return;
    case 2: SPREAD(uint16_t); return;
    case 4: SPREAD(uint32_t); return;
    case 8: SPREAD(uint64_t); return;
    default: break;
    }
    const uint8_t *from = at + (slots - present) * width;
    for (size_t i = 0; i < slots; i++) {
        if (nulls[i]) memset(at + i * width, 0, width);
        else memmove(at + i * width, from, width), from += width;
    }
}

/* The widths without a kernel; typed, so that no value costs a call. */
static void gather(const uint8_t *dict, const uint32_t *codes, size_t n, size_t width, uint8_t *to)
{
    switch (width) {
    case 1:
        for (size_t i = 0; i < n; i++) to[i] = dict[codes[i]];
        return;
    case 2:
        for (size_t i = 0; i < n; i++) memcpy(to + 2 * i, dict + 2 * (size_t)codes[i], 2);
        return;
    case 4: pq_kernels_get()->gather32((const uint32_t *)(const void *)dict, codes, n, (uint32_t *)(void *)to); return;
    case 8: pq_kernels_get()->gather64((const uint64_t *)(const void *)dict, codes, n, (uint64_t *)(void *)to); return;
    case 16:
        for (size_t i = 0; i < n; i++) memcpy(to + 16 * i, dict + 16 * (size_t)codes[i], 16);
        return;
    default:
        for (size_t i = 0; i < n; i++) memcpy(to + i * width, dict + codes[i] * width, width);
    }
}

static void fill(const uint8_t *value, size_t n, size_t width, uint8_t *to)
{
    switch (width) {
    case 1: memset(to, *value, n); return;
    case 2:
        for (size_t i = 0; i < n; i++) memcpy(to + 2 * i, value, 2);
        return;
    case 4:
        for (size_t i = 0; i < n; i++) memcpy(to + 4 * i, value, 4);
        return;
    case 8:
        for (size_t i = 0; i < n; i++) memcpy(to + 8 * i, value, 8);
        return;
    default:
        for (size_t i = 0; i < n; i++) memcpy(to + i * width, value, width);
    }
}

/* n dictionary codes as the values they mean, or (values NULL) as numbers of `width` bytes. */
static fn_status decode_codes(fn_ctx *ctx, pq_cursor *c, size_t n, const uint8_t *values, size_t width, uint8_t *to)
{
    uint32_t codes[PQ_CODES_MAX + 16];
    for (size_t got; n; n -= got, to += got * width) {
        bool run;
        FN_TRY(pq_values_codes(ctx, &c->values, n, c->dict_rows, codes, &got, &run));
        if (run) fill(values ? values + codes[0] * width : (const uint8_t *)codes, got, width, to); /* little endian */
        else if (values) gather(values, codes, got, width, to);
        else if (width == 1) pq_kernels_get()->narrow8(codes, got, to);
        else if (width == 2) pq_kernels_get()->narrow16(codes, got, (uint16_t *)(void *)to);
        else memcpy(to, codes, got * 4);
    }
    return FN_OK;
}

/* n dense values of a fixed-width column into `to`. */
static fn_status decode_fixed(fn_ctx *ctx, pq_cursor *c, size_t n, uint8_t *to)
{
    const size_t width = c->convert.width ? c->convert.width : c->leaf->width;
    if (n == 0) return FN_OK;
    if (pq_page_has_codes(c)) return decode_codes(ctx, c, n, c->dict->data, width, to);
    if (!c->convert.run) return pq_values_fixed(ctx, &c->values, n, to);
    FN_TRY(pq_grow(ctx, &c->scratch, 0, n * c->leaf->width));
    FN_TRY(pq_values_fixed(ctx, &c->values, n, c->scratch->data));
    c->convert.run(&c->convert, c->scratch->data, n, to);
    return FN_OK;
}

/* BYTE_ARRAY decimals: strings of big-endian bytes. */
static fn_status decode_text_decimals(fn_ctx *ctx, pq_cursor *c, size_t n, uint8_t *to)
{
    pq_text text = {NULL, 0};
    if (n == 0) return FN_OK;
    FN_TRY(pq_grow(ctx, &c->codes, 0, n * 4));
    uint32_t *ends = (uint32_t *)(void *)c->codes->data, start = 0;
    fn_status status = pq_values_text(ctx, &c->values, n, &text, ends);
    for (size_t i = 0; status == FN_OK && i < n; i++) {
        const fn_str one = {(const char *)text.bytes->data + start, ends[i] - start};
        if (!pq_decimal_bytes(one, c->convert.width, to + i * c->convert.width))
            status = pq_bad(ctx, c->file, c->page.offset, "a decimal is larger than its type");
        start = ends[i];
    }
    fn_buffer_drop(text.bytes);
    return status;
}

static fn_status add_fixed(fn_ctx *ctx, pq_cursor *c, size_t slots, size_t present, const uint8_t *nulls)
{
    pq_batch *b = &c->batch;
    const size_t width = b->is_dict ? c->code_width : c->convert.width ? c->convert.width : c->leaf->width;
    FN_TRY(pq_grow(ctx, &b->values, b->slots * width, (room_for(c, slots) + 1) * width));
    uint8_t *at = b->values->data + b->slots * width, *dense = at + (slots - present) * width;
    if (b->is_dict) {
        FN_TRY(decode_codes(ctx, c, present, NULL, width, dense));
        memset(dense + present * width, 0, width); /* a NULL behind the last value repeats this one: must be a valid code */
    } else if (c->convert.from_text) {
        FN_TRY(decode_text_decimals(ctx, c, present, dense));
    } else {
        FN_TRY(decode_fixed(ctx, c, present, dense));
    }
    if (present < slots) spread(at, width, slots, present, nulls);
    return FN_OK;
}

/* Room for the strings of all rows at once: as many bytes per row as the last read had or as this page has, and a quarter more. */
static fn_status text_room(fn_ctx *ctx, pq_cursor *c, size_t slots)
{
    enum { ROOM_MAX = 32 << 20, MORE = 4 };
    const uint64_t here = (uint64_t)(c->values.end - c->values.at) * c->rows_wanted / FN_MAX(slots, 1);
    const uint64_t before = c->text_rows ? c->text_bytes * c->rows_wanted / c->text_rows : 0, all = FN_MAX(here, before);
    return all <= ROOM_MAX ? pq_grow(ctx, &c->batch.text.bytes, 0, (size_t)(all + all / MORE)) : FN_OK;
}

static fn_status add_text(fn_ctx *ctx, pq_cursor *c, size_t slots, size_t present, const uint8_t *nulls)
{
    pq_batch *b = &c->batch;
    FN_TRY(pq_grow(ctx, &b->offsets, b->slots ? (b->slots + 1) * 4 : 0, (room_for(c, slots) + 1) * 4));
    uint32_t *ends = (uint32_t *)(void *)b->offsets->data + b->slots + 1;
    if (b->slots == 0) ends[-1] = 0;
    uint32_t *dense = ends + (slots - present), last = ends[-1];
    if (!b->text.bytes && slots < c->rows_wanted) FN_TRY(text_room(ctx, c, slots));
    FN_TRY(pq_values_text(ctx, &c->values, present, &b->text, dense));
    if (present == slots) return FN_OK;
    for (size_t i = 0; i < slots; i++) {
        if (!nulls[i]) last = *dense++;
        ends[i] = last;
    }
    return FN_OK;
}

/* The slots so far as a column of the leaf's base type, Nullable if there are NULLs. */
static fn_status finish_piece(fn_ctx *ctx, pq_cursor *c)
{
    pq_batch *b = &c->batch;
    if (b->slots > UINT32_MAX || b->piece_count == FN_COUNT(b->pieces)) return pq_bad(ctx, c->file, c->page.offset, "too many values in a block");
    const uint32_t rows = (uint32_t)b->slots;
    const fn_type *type = b->any_null ? fn_type_nullable(c->base) : c->base;
    fn_buffer *nulls = b->any_null ? b->nulls : NULL, *values = b->values;
    if (!b->any_null) fn_buffer_drop(b->nulls);
    b->nulls = b->values = NULL;
    fn_column *made;
    if (b->is_dict) {
        made = fn_column_dict(ctx, type, rows, c->code_width, values, c->dictionary, nulls);
    } else if (is_text(c)) {
        fn_buffer *bytes = b->text.bytes, *offsets = b->offsets;
        c->text_rows = rows;
        c->text_bytes = b->text.used;
        if (bytes) bytes->size = b->text.used; /* what is behind was a guess, and must not count as data */
        b->text = (pq_text){NULL, 0};
        b->offsets = NULL;
        fn_buffer_drop(values);
        if (!bytes) bytes = fn_buffer_new(ctx, 1);
        if (!bytes) {
            fn_buffer_drop(offsets);
            fn_buffer_drop(nulls);
            return ctx->error.code;
        }
        made = fn_column_string(ctx, type, rows, bytes, offsets, nulls);
    } else if (c->convert.width == 0) { /* fixed bytes as String */
        fn_buffer *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * 4);
        if (!offsets || (uint64_t)rows * c->leaf->width > UINT32_MAX) {
            fn_buffer_drop(offsets);
            fn_buffer_drop(values);
            fn_buffer_drop(nulls);
            return pq_bad(ctx, c->file, c->page.offset, "too many bytes in a block");
        }
        for (uint32_t i = 0; i <= rows; i++) fn_store_u32(offsets->data + 4 * (size_t)i, i * c->leaf->width);
        made = fn_column_string(ctx, type, rows, values, offsets, nulls);
    } else {
        made = fn_column_fixed(ctx, type, rows, values, nulls);
    }
    FN_TRY_PTR(ctx, made);
    b->pieces[b->piece_count++] = made;
    c->rows_wanted -= FN_MIN(c->rows_wanted, (uint64_t)rows);
    b->slots = 0;
    b->any_null = false;
    return FN_OK;
}

fn_status pq_batch_add(fn_ctx *ctx, pq_cursor *c, size_t entries)
{
    pq_batch *b = &c->batch;
    pq_page *g = &c->page;
    const bool dict = pq_page_has_codes(c) && (is_text(c) || c->keeps_codes) && c->dictionary && c->dict_rows;
    if (dict != b->is_dict && b->slots) FN_TRY(finish_piece(ctx, c));
    b->is_dict = dict;
    size_t slots = entries, present = entries;
    const uint8_t *nulls = NULL;
    if (!g->no_nulls) {
        FN_TRY(begin_nulls(ctx, c, entries));
        nulls = b->nulls->data + b->slots;
        slots = slot_nulls((const uint8_t *)c->def.data + g->at, entries, c->leaf, b->nulls->data + b->slots, &present);
    } else if (b->any_null) {
        FN_TRY(begin_nulls(ctx, c, entries));
        memset(b->nulls->data + b->slots, 0, entries);
    }
    if (c->leaf->max_rep) {
        FN_TRY(fn_buf_append(ctx, &b->def, c->def.data + g->at, entries));
        FN_TRY(fn_buf_append(ctx, &b->rep, c->rep.data + g->at, entries));
    }
    if (present && pq_page_has_codes(c) && !c->dict_rows) return pq_bad(ctx, c->file, g->offset, "a dictionary code without dictionary");
    if (is_text(c) && !dict) FN_TRY(add_text(ctx, c, slots, present, nulls));
    else FN_TRY(add_fixed(ctx, c, slots, present, nulls));
    b->slots += slots;
    g->at += (uint32_t)entries;
    return FN_OK;
}

/* NULLs become the default where the target has no place for them. */
static fn_status drop_nulls(fn_ctx *ctx, const fn_type *base, fn_column **column)
{
    fn_builder out;
    const fn_column *in = *column;
    FN_TRY(fn_builder_init(ctx, &out, base));
    fn_status status = FN_OK;
    for (uint32_t i = 0; status == FN_OK && i < in->rows; i++) {
        if (fn_column_is_null(in, i)) {
            status = fn_builder_default(ctx, &out);
        } else if (base->phys == FN_PHYS_STRING) {
            status = fn_builder_str(ctx, &out, fn_column_str_at(in, i));
        } else {
            status = fn_builder_fixed(ctx, &out, fn_column_fixed_at(in, i));
        }
    }
    fn_column *made = NULL;
    if (status == FN_OK) status = fn_builder_finish(ctx, &out, &made);
    fn_builder_release(&out);
    if (status != FN_OK) return status;
    fn_column_drop(*column);
    *column = made;
    return FN_OK;
}

static fn_status join_pieces(fn_ctx *ctx, pq_cursor *c, fn_column **out)
{
    pq_batch *b = &c->batch;
    bool nullable = false;
    for (unsigned i = 0; i < b->piece_count; i++) nullable |= fn_type_is_nullable(b->pieces[i]->type);
    const fn_type *type = nullable ? fn_type_nullable(c->base) : c->base;
    for (unsigned i = 0; i < b->piece_count; i++) {
        if (b->pieces[i]->type == type) continue;
        fn_column *same = fn_column_retype(ctx, b->pieces[i], type);
        FN_TRY_PTR(ctx, same);
        fn_column_drop(b->pieces[i]);
        b->pieces[i] = same;
    }
    *out = b->piece_count == 1 ? fn_column_ref(b->pieces[0]) : fn_column_concat(ctx, b->pieces, b->piece_count);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

fn_status pq_cursor_column(fn_ctx *ctx, pq_cursor *c, fn_column **out)
{
    *out = NULL;
    if (c->batch.slots == 0 && c->batch.piece_count == 0) { /* no slot at all: empty lists only */
        fn_builder none;
        FN_TRY(fn_builder_init(ctx, &none, c->target));
        const fn_status status = fn_builder_finish(ctx, &none, out);
        fn_builder_release(&none);
        return status;
    }
    if (c->batch.slots) FN_TRY(finish_piece(ctx, c));
    fn_column *column = NULL;
    FN_TRY(join_pieces(ctx, c, &column));
    fn_status status = FN_OK;
    if (fn_type_is_nullable(column->type) && !fn_type_is_nullable(c->target)) status = drop_nulls(ctx, c->base, &column);
    if (status == FN_OK && column->type != c->target) {
        fn_column *same = fn_column_retype(ctx, column, c->target);
        if (!same) status = ctx->error.code;
        fn_column_drop(column);
        column = same;
    }
    if (status == FN_OK) *out = column;
    else fn_column_drop(column);
    pq_batch_clear(&c->batch);
    return status;
}
