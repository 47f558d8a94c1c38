/* text_writer.c - see text_writer.h. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"

enum { FLUSH_BYTES = 64 << 10 };

fn_status text_flat_block(fn_ctx *ctx, const fn_block *in, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, in->count, in->rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t c = 0; c < in->count; c++) {
        b->columns[c] = in->columns[c]->shape == FN_DICT || in->columns[c]->kid_count ? fn_column_flatten(ctx, in->columns[c]) : fn_column_ref(in->columns[c]);
        if (b->columns[c]) continue;
        fn_block_drop(b);
        return ctx->error.code;
    }
    *out = b;
    return FN_OK;
}

fn_status text_writer_flush(text_writer *w, fn_ctx *ctx, size_t least)
{
    if (w->buf.size < least || w->buf.size == 0) return FN_OK;
    FN_TRY(w->out->write(w->out, ctx, w->buf.data, w->buf.size));
    w->buf.size = 0;
    return FN_OK;
}

fn_status text_writer_block(fn_writer *base, fn_ctx *ctx, const fn_block *block)
{
    text_writer *w = (text_writer *)base;
    fn_block *flat;
    FN_TRY(text_flat_block(ctx, block, &flat));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < flat->rows && status == FN_OK; i++) {
        status = w->row(w, ctx, flat, i);
        w->rows++;
        if (status == FN_OK) status = text_writer_flush(w, ctx, FLUSH_BYTES);
    }
    fn_block_drop(flat);
    return status == FN_OK ? text_writer_flush(w, ctx, 0) : status;
}

fn_status text_writer_end(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    (void)stats;
    return text_writer_flush((text_writer *)base, ctx, 0);
}

void text_writer_close(fn_writer *base)
{
    text_writer *w = (text_writer *)base;
    fn_buf_release(&w->buf);
    fn_buf_release(&w->kept);
    fn_arena_free(w->arena);
    fn_free(w);
}

fn_status text_writer_new(fn_ctx *ctx, size_t size, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, text_row_fn *row,
                          text_writer **writer)
{
    text_writer *w = fn_alloc_zero(ctx, size);
    FN_TRY_PTR(ctx, w);
    w->base = (fn_writer){.block = text_writer_block, .finish = text_writer_end, .close = text_writer_close};
    w->out = out;
    w->schema = *schema;
    w->settings = *s;
    w->row = row;
    *writer = w;
    return FN_OK;
}
