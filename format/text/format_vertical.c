/* format_vertical.c - Vertical (a line per value), Null, LineAsString, RawBLOB. SPDX-License-Identifier: Apache-2.0 */
#include "text/pretty_cell.h"
#include "text/row_reader.h"
#include "text/text_writer.h"

static fn_status put_vertical(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    const char *title = fn_arena_printf(ctx, ctx->arena, "Row %llu:", (unsigned long long)(w->rows + 1));
    FN_TRY_PTR(ctx, title);
    if (w->rows) FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
    FN_TRY(pretty_put_title(ctx, title, &w->buf));
    return pretty_put_vertical(w, ctx, b, row, false);
}

static fn_status put_titled(text_writer *w, fn_ctx *ctx, const char *title, const fn_block *b, uint32_t row)
{
    fn_block *flat;
    FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
    FN_TRY(pretty_put_title(ctx, title, &w->buf));
    FN_TRY(text_flat_block(ctx, b, &flat));
    const fn_status status = pretty_put_vertical(w, ctx, flat, row, false);
    fn_block_drop(flat);
    return status;
}

static fn_status finish_vertical(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    text_writer *w = (text_writer *)base;
    const bool totals = stats->totals && stats->totals->rows, extremes = stats->extremes && stats->extremes->rows == 2;
    if (totals || extremes) FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
    if (totals) FN_TRY(put_titled(w, ctx, "Totals:", stats->totals, 0));
    if (extremes) FN_TRY(put_titled(w, ctx, "Min:", stats->extremes, 0));
    if (extremes) FN_TRY(put_titled(w, ctx, "Max:", stats->extremes, 1));
    return text_writer_flush(w, ctx, 0);
}

static fn_status open_vertical(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_vertical, &w));
    w->base.finish = finish_vertical;
    *writer = &w->base;
    return FN_OK;
}

static fn_status drop_block(fn_writer *w, fn_ctx *ctx, const fn_block *block)
{
    (void)w, (void)ctx, (void)block;
    return FN_OK;
}

static fn_status open_null(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, NULL, &w));
    w->base.block = drop_block;
    *writer = &w->base;
    return FN_OK;
}

static fn_status put_blob(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    for (uint32_t c = 0; c < b->count; c++) FN_TRY(text_put_value(w, ctx, b, row, c, FN_TEXT_PLAIN));
    return w->flavour ? fn_buf_byte(ctx, &w->buf, '\n') : FN_OK;
}

static fn_status open_blob(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_blob, &w));
    *writer = &w->base;
    return FN_OK;
}

static fn_status open_lines(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    FN_TRY(open_blob(ctx, schema, out, s, writer));
    ((text_writer *)*writer)->flavour = 1;
    return FN_OK;
}

static fn_status check_one_string(fn_ctx *ctx, const fn_schema *schema, const char *format)
{
    if (schema->count == 1 && fn_type_base(schema->fields[0].type)->id == FN_T_STRING) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Format %s is only suitable for tables with a single column of type String", format);
}

static fn_status take_line(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const char *from = in->at;
    *end = in->at >= in->end;
    if (*end) return FN_OK;
    while (in->at < in->end && *in->at != '\n') in->at++;
    const fn_str line = {from, (size_t)(in->at - from)};
    if (in->at < in->end) in->at++;
    return fn_builder_str(ctx, &r->builders[0], line);
}

static fn_status read_lines(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **reader)
{
    row_reader *r;
    FN_TRY(check_one_string(ctx, schema, "LineAsString"));
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_line, &r));
    *reader = &r->base;
    return FN_OK;
}

static fn_status take_all(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    *end = r->rows > 0;
    if (*end) return FN_OK;
    const fn_str all = {in->at, (size_t)(in->end - in->at)};
    in->at = in->end;
    return fn_builder_str(ctx, &r->builders[0], all);
}

static fn_status read_blob(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **reader)
{
    row_reader *r;
    FN_TRY(check_one_string(ctx, schema, "RawBLOB"));
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_all, &r));
    *reader = &r->base;
    return FN_OK;
}

static fn_status one_string(fn_ctx *ctx, fn_str name, fn_schema *out)
{
    *out = (fn_schema){FN_NEW(ctx, fn_field), 1};
    FN_TRY_PTR(ctx, out->fields);
    out->fields[0] = (fn_field){name, fn_type_simple(FN_T_STRING)};
    return FN_OK;
}

static fn_status infer_line(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    (void)head, (void)complete, (void)s;
    return one_string(ctx, FN_STR("line"), out);
}

static fn_status infer_blob(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    (void)head, (void)complete, (void)s;
    return one_string(ctx, FN_STR("raw_blob"), out);
}

const fn_format format_vertical = {.name = "Vertical", .content_type = "text/plain; charset=UTF-8", .open_writer = open_vertical, .about = "Each value on a line of its own."};
const fn_format format_null = {.name = "Null", .content_type = "text/plain; charset=UTF-8", .open_writer = open_null, .about = "No output at all."};
const fn_format format_line_as_string = {.name = "LineAsString", .content_type = "text/plain; charset=UTF-8", .open_writer = open_lines, .open_reader = read_lines, .infer = infer_line, .about = "Each line is one string."};
const fn_format format_raw_blob = {.name = "RawBLOB", .content_type = "text/plain; charset=UTF-8", .open_writer = open_blob, .open_reader = read_blob, .infer = infer_blob, .about = "Values without anything between them; input is one value."};
