/* stream_rows.c - a column all of whose rows are there, in pieces and not in the part's order, on its way into streams.
 *
 * Strings become numbers of their dictionary where they lie, and only the numbers are put in order: the strings are neither joined
 * nor copied before they are encoded, and dictionaries that pieces bring along are looked at once per entry. Numbers of fixed width are joined and gathered
 * straight into the stream. Everything else is joined and taken, a segment at a time. See stream_write.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column/column_make.h"
#include "part/stream_write.h"

static fn_column *join(fn_ctx *ctx, const fn_part_pieces *rows, uint32_t index)
{
    fn_column **pieces = fn_alloc(ctx, rows->piece_count * sizeof *pieces);
    if (!pieces) return NULL;
    for (uint32_t i = 0; i < rows->piece_count; i++) pieces[i] = rows->pieces[i]->columns[index];
    fn_column *whole = fn_column_concat(ctx, pieces, rows->piece_count);
    fn_free(pieces);
    return whole;
}

/* *alive: false where a dictionary does not pay. */
static fn_status find_codes(fn_ctx *ctx, column_streams *c, stream *s, const fn_part_pieces *rows, uint32_t index, fn_buffer *codes, bool *alive)
{
    uint32_t *to = (uint32_t *)(void *)codes->data;
    s->dict->borrows = true; /* the pieces stay until the part is written */
    *alive = true;
    for (uint32_t i = 0; i < rows->piece_count && *alive; i++) {
        const fn_column *piece = rows->pieces[i]->columns[index];
        FN_TRY(stream_codes(ctx, c, s, piece, to, alive));
        to += piece->rows;
    }
    *alive = *alive && stream_paid(s);
    return FN_OK;
}

fn_status column_rows_open(fn_ctx *ctx, column_streams *c, const fn_part_pieces *rows, uint32_t index, column_rows *out)
{
    *out = (column_rows){.rows = rows};
    stream *s = c->root.kind == NODE_TEXT && !c->root.nullable ? &c->streams[c->root.value_stream] : NULL;
    if (s && s->dict_alive) {
        bool alive;
        out->codes = fn_buffer_new(ctx, rows->rows * sizeof(uint32_t));
        FN_TRY_PTR(ctx, out->codes);
        FN_TRY(find_codes(ctx, c, s, rows, index, out->codes, &alive));
        if (alive) return FN_OK;
        column_rows_close(out);
        FN_TRY(stream_without_dictionary(ctx, c, s));
    }
    out->column = join(ctx, rows, index);
    return out->column ? FN_OK : ctx->error.code;
}

fn_status column_rows_next(fn_ctx *ctx, column_streams *c, const fn_part_pieces *rows, column_rows *out)
{
    *out = (column_rows){.rows = rows};
    stream *s = c->root.kind == NODE_TEXT && !c->root.nullable ? &c->streams[c->root.value_stream] : NULL;
    if (s && s->dict_alive) {
        bool alive;
        out->codes = fn_buffer_new(ctx, rows->rows * sizeof(uint32_t));
        FN_TRY_PTR(ctx, out->codes);
        FN_TRY(stream_append_codes(ctx, c, s, rows, 0, (uint32_t *)(void *)out->codes->data, &alive));
        if (alive) return FN_OK;
        column_rows_close(out);
    }
    out->column = join(ctx, rows, 0);
    return out->column ? FN_OK : ctx->error.code;
}

void column_rows_close(column_rows *r)
{
    fn_column_drop(r->column);
    fn_buffer_drop(r->codes);
    r->column = NULL;
    r->codes = NULL;
}

static fn_status append_gathered(fn_ctx *ctx, fn_buf *to, stream *s, const uint8_t *in, unsigned width, const uint32_t *rows, uint32_t from, uint32_t count)
{
    FN_TRY(fn_buf_reserve(ctx, to, (size_t)count * width));
    uint8_t *out = (uint8_t *)to->data + to->size;
    if (rows) column_gather(out, in, width, rows + from, count);
    else memcpy(out, in + (size_t)from * width, (size_t)count * width);
    to->size += (size_t)count * width;
    s->count += count;
    return FN_OK;
}

static bool is_plain(const column_streams *c, const fn_column *column)
{
    return c->root.kind == NODE_FIXED && !c->root.nullable && column->shape == FN_FLAT && !column->nulls;
}

fn_status column_rows_append(fn_ctx *ctx, column_streams *c, const column_rows *r, uint32_t from, uint32_t count)
{
    stream *s = &c->streams[c->root.value_stream];
    const uint32_t *order = r->rows->order;
    if (r->codes) return append_gathered(ctx, &s->codes, s, r->codes->data, sizeof(uint32_t), order, from, count);
    if (is_plain(c, r->column)) {
        c->raw_bytes += (uint64_t)count * s->width;
        return append_gathered(ctx, &s->values, s, r->column->values, s->width, order, from, count);
    }
    if (!order) return streams_append(ctx, c, r->column, from, count);
    fn_column *taken = fn_column_take(ctx, r->column, order + from, count);
    FN_TRY_PTR(ctx, taken);
    const fn_status status = streams_append(ctx, c, taken, 0, count);
    fn_column_drop(taken);
    return status;
}
