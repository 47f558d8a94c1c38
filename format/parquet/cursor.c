/* cursor.c - walks the pages of one leaf's chunk: so many rows read, so many rows skipped. See cursor.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/cursor.h"

fn_status pq_cursor_init(fn_ctx *ctx, pq_cursor *c, const fn_parquet *p, uint32_t leaf, const fn_type *target)
{
    *c = (pq_cursor){.file = p, .leaf_index = leaf, .leaf = &p->leaves[leaf], .target = target, .base = fn_type_base(target)};
    c->values.file = p;
    c->values.leaf = c->leaf;
    if (!pq_convert_find(c->leaf, c->base, &c->convert))
        return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Cannot read column '" FN_STR_FMT "' of Parquet file '%s' of type %s as %s",
                       FN_STR_ARG(c->leaf->element->name), p->blob->name, c->leaf->type->name, target->name);
    return FN_OK;
}

static void end_chunk(pq_cursor *c)
{
    fn_column_drop(c->dictionary);
    fn_buffer_drop(c->dict);
    c->dict = NULL;
    c->dictionary = NULL;
    c->dict_rows = 0;
    c->page = (pq_page){.opened = false};
    c->batch.def.size = c->batch.rep.size = 0;
    pq_batch_clear(&c->batch);
}

void pq_cursor_release(pq_cursor *c)
{
    end_chunk(c);
    fn_buffer_drop(c->bytes);
    fn_buffer_drop(c->raw);
    fn_buffer_drop(c->scratch);
    fn_buffer_drop(c->codes);
    fn_buf_release(&c->def);
    fn_buf_release(&c->rep);
    fn_buf_release(&c->batch.def);
    fn_buf_release(&c->batch.rep);
    pq_values_release(&c->values);
}

void pq_cursor_begin(pq_cursor *c, const pq_chunk *chunk)
{
    end_chunk(c);
    c->chunk = chunk;
    c->at = 0;
    c->entries_left = chunk->values;
}

static bool page_left(const pq_cursor *c)
{
    return c->page.at < c->page.entries;
}

static fn_status read_flat(fn_ctx *ctx, pq_cursor *c, uint64_t rows)
{
    while (rows) {
        if (!page_left(c)) FN_TRY(pq_page_next(ctx, c));
        if (!c->page.opened) FN_TRY(pq_page_open(ctx, c));
        const size_t n = (size_t)FN_MIN(rows, (uint64_t)(c->page.entries - c->page.at));
        FN_TRY(pq_batch_add(ctx, c, n));
        rows -= n;
    }
    return FN_OK;
}

/* Rows begin at repetition level 0; the last one may go on in the next page. */
static fn_status read_nested(fn_ctx *ctx, pq_cursor *c, uint64_t rows)
{
    uint64_t begun = 0;
    for (;;) {
        if (!page_left(c)) {
            if (c->entries_left == 0) break;
            FN_TRY(pq_page_next(ctx, c));
        }
        if (!c->page.opened) FN_TRY(pq_page_open(ctx, c));
        const uint8_t *rep = (const uint8_t *)c->rep.data;
        uint32_t at = c->page.at;
        for (; at < c->page.entries; at++) {
            if (rep[at] == 0 && begun++ == rows) break;
        }
        const bool full = at < c->page.entries;
        if (at > c->page.at) {
            if (c->batch.def.size == 0 && rep[c->page.at] != 0) return pq_bad(ctx, c->file, c->page.offset, "a row begins inside a list");
            FN_TRY(pq_batch_add(ctx, c, at - c->page.at));
        }
        if (full) return FN_OK;
    }
    if (begun != rows) return pq_bad(ctx, c->file, c->page.offset, "a column chunk ends before its rows");
    return FN_OK;
}

fn_status pq_cursor_read(fn_ctx *ctx, pq_cursor *c, uint64_t rows)
{
    pq_batch_clear(&c->batch);
    c->batch.def.size = c->batch.rep.size = 0;
    c->rows_wanted = rows;
    return c->leaf->max_rep ? read_nested(ctx, c, rows) : read_flat(ctx, c, rows);
}

/* Rows of an opened or wanted page of a flat column: its values go by undecoded. */
static fn_status skip_inside(fn_ctx *ctx, pq_cursor *c, size_t n)
{
    if (!c->page.opened) FN_TRY(pq_page_open(ctx, c));
    size_t present = n;
    const uint8_t *def = c->page.no_nulls ? NULL : (const uint8_t *)c->def.data + c->page.at;
    for (size_t i = 0; def && i < n; i++) present -= def[i] != c->leaf->max_def;
    FN_TRY(pq_values_skip(ctx, &c->values, present));
    c->page.at += (uint32_t)n;
    return FN_OK;
}

fn_status pq_cursor_skip(fn_ctx *ctx, pq_cursor *c, uint64_t rows)
{
    while (rows) {
        if (!page_left(c)) FN_TRY(pq_page_next(ctx, c));
        /* Whole pages go by unopened; version 2 pages begin and end with a row. */
        const uint64_t whole = c->page.at ? 0 : c->leaf->max_rep == 0 ? c->page.entries : c->page.kind == 3 ? c->page.rows : 0;
        if (whole && whole <= rows && !c->page.opened) {
            c->page.at = c->page.entries;
            rows -= whole;
            continue;
        }
        const uint64_t left = c->page.entries - c->page.at, step = FN_MIN(rows, c->leaf->max_rep ? (uint64_t)FN_BLOCK_ROWS_MAX : left);
        if (c->leaf->max_rep) FN_TRY(pq_cursor_read(ctx, c, step));
        else FN_TRY(skip_inside(ctx, c, (size_t)step));
        rows -= step;
    }
    return FN_OK;
}
