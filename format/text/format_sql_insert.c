/* format_sql_insert.c - SQLInsert: INSERT INTO table (names) VALUES ..., a statement per batch of rows; output only.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"

static fn_status put_head(text_writer *w, fn_ctx *ctx)
{
    const fn_sql_insert_options *o = &w->settings.sql_insert;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, o->replace ? "REPLACE INTO " : "INSERT INTO "));
    FN_TRY(fn_buf_str(ctx, &w->buf, o->table));
    for (uint32_t c = 0; c < w->schema.count && o->names; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c ? ", " : " ("));
        FN_TRY(o->quote ? text_put_backquoted(ctx, w->schema.fields[c].name, &w->buf) : fn_buf_str(ctx, &w->buf, w->schema.fields[c].name));
    }
    return fn_buf_cstr(ctx, &w->buf, o->names ? ") VALUES " : " VALUES ");
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    const uint64_t batch = FN_MAX(w->settings.sql_insert.batch_rows, (uint64_t)1);
    if (w->rows % batch == 0) {
        if (w->rows) FN_TRY(fn_buf_cstr(ctx, &w->buf, ";\n"));
        FN_TRY(put_head(w, ctx));
    } else {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, ", "));
    }
    for (uint32_t c = 0; c < b->count; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c ? ", " : "("));
        FN_TRY(text_put_value(w, ctx, b, row, c, FN_TEXT_QUOTED));
    }
    return fn_buf_byte(ctx, &w->buf, ')');
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    (void)stats;
    text_writer *w = (text_writer *)base;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, ";\n"));
    return text_writer_flush(w, ctx, 0);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    w->base.finish = finish;
    *writer = &w->base;
    return FN_OK;
}

const fn_format format_sql_insert = {.name = "SQLInsert", .content_type = "text/plain; charset=UTF-8", .open_writer = open_writer, .about = "INSERT statements with the rows as values."};
