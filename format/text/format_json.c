/* format_json.c - JSON, JSONCompact, JSONStrings: one document with meta, data, totals, extremes and figures.
 * The layout (tabs, empty lines) is ClickHouse's. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"

enum { COMPACT = 1, STRINGS = 2 };

static fn_status put_json_value(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, uint32_t c)
{
    if (!(w->flavour & STRINGS)) return text_put_value(w, ctx, b, row, c, FN_TEXT_JSON);
    w->kept.size = 0;
    if (fn_column_is_null(b->columns[c], row)) FN_TRY(fn_buf_cstr(ctx, &w->kept, "\xe1\xb4\xba\xe1\xb5\x81\xe1\xb4\xb8\xe1\xb4\xb8"));
    else FN_TRY(fn_text_write(ctx, b->columns[c], row, FN_TEXT_PLAIN, &w->settings.text, &w->kept));
    return text_put_json(ctx, fn_buf_view(&w->kept), w->settings.text.json_escape_slashes, &w->buf);
}

/* A row at an indentation: an object, or a list when compact. */
static fn_status put_record(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, const char *indent)
{
    const bool compact = w->flavour & COMPACT;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, compact ? "[" : "{"));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_cstr(ctx, &w->buf, compact ? ", " : ","));
        if (!compact) {
            FN_TRY(fn_buf_printf(ctx, &w->buf, "\n%s\t", indent));
            FN_TRY(text_put_json(ctx, w->schema.fields[c].name, w->settings.text.json_escape_slashes, &w->buf));
            FN_TRY(fn_buf_cstr(ctx, &w->buf, ": "));
        }
        FN_TRY(put_json_value(w, ctx, b, row, c));
    }
    if (compact) return fn_buf_byte(ctx, &w->buf, ']');
    return fn_buf_printf(ctx, &w->buf, "\n%s}", indent);
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, w->rows ? ",\n\t\t" : "\t\t"));
    return put_record(w, ctx, b, row, "\t\t");
}

static fn_status put_meta(text_writer *w, fn_ctx *ctx)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "{\n\t\"meta\":\n\t[\n"));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\t\t{\n\t\t\t\"name\": "));
        FN_TRY(text_put_json(ctx, w->schema.fields[c].name, w->settings.text.json_escape_slashes, &w->buf));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, ",\n\t\t\t\"type\": "));
        FN_TRY(text_put_json(ctx, fn_cstr(w->schema.fields[c].type->name), w->settings.text.json_escape_slashes, &w->buf));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c + 1 < w->schema.count ? "\n\t\t},\n" : "\n\t\t}\n"));
    }
    return fn_buf_cstr(ctx, &w->buf, "\t],\n\n\t\"data\":\n\t[\n");
}

static fn_status put_named_row(text_writer *w, fn_ctx *ctx, const char *name, const fn_block *b, uint32_t row, const char *indent)
{
    FN_TRY(fn_buf_printf(ctx, &w->buf, "%s\"%s\":%s", indent, name, w->flavour & COMPACT ? " " : "\n"));
    if (!(w->flavour & COMPACT)) FN_TRY(fn_buf_cstr(ctx, &w->buf, indent));
    return put_record(w, ctx, b, row, indent);
}

static fn_status put_totals(text_writer *w, fn_ctx *ctx, const fn_format_stats *stats)
{
    fn_block *flat;
    fn_status status = FN_OK;
    if (stats->totals && stats->totals->rows) {
        FN_TRY(text_flat_block(ctx, stats->totals, &flat));
        status = fn_buf_cstr(ctx, &w->buf, ",\n\n");
        if (status == FN_OK) status = put_named_row(w, ctx, "totals", flat, 0, "\t");
        fn_block_drop(flat);
    }
    if (status == FN_OK && stats->extremes && stats->extremes->rows == 2) {
        FN_TRY(text_flat_block(ctx, stats->extremes, &flat));
        status = fn_buf_cstr(ctx, &w->buf, ",\n\n\t\"extremes\":\n\t{\n");
        if (status == FN_OK) status = put_named_row(w, ctx, "min", flat, 0, "\t\t");
        if (status == FN_OK) status = fn_buf_cstr(ctx, &w->buf, ",\n");
        if (status == FN_OK) status = put_named_row(w, ctx, "max", flat, 1, "\t\t");
        if (status == FN_OK) status = fn_buf_cstr(ctx, &w->buf, "\n\t}");
        fn_block_drop(flat);
    }
    return status;
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    text_writer *w = (text_writer *)base;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n\t]"));
    FN_TRY(put_totals(w, ctx, stats));
    FN_TRY(fn_buf_printf(ctx, &w->buf, ",\n\n\t\"rows\": %llu", (unsigned long long)w->rows));
    if (stats->has_rows_before_limit)
        FN_TRY(fn_buf_printf(ctx, &w->buf, ",\n\n\t\"rows_before_limit_at_least\": %llu", (unsigned long long)stats->rows_before_limit));
    if (w->settings.write_statistics)
        FN_TRY(fn_buf_printf(ctx, &w->buf, ",\n\n\t\"statistics\":\n\t{\n\t\t\"elapsed\": %.9f,\n\t\t\"rows_read\": %llu,\n\t\t\"bytes_read\": %llu\n\t}",
                             (double)stats->elapsed_ns / 1e9, (unsigned long long)stats->rows_read, (unsigned long long)stats->bytes_read));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n}\n"));
    return text_writer_flush(w, ctx, 0);
}

/* Closes the data and says what went wrong (http_write_exception_in_output_format). */
static fn_status exception(fn_writer *base, fn_ctx *ctx, fn_str message)
{
    text_writer *w = (text_writer *)base;
    FN_TRY(fn_buf_printf(ctx, &w->buf, "\n\t],\n\n\t\"rows\": %llu,\n\n\t\"exception\": ", (unsigned long long)w->rows));
    FN_TRY(text_put_json(ctx, message, w->settings.text.json_escape_slashes, &w->buf));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n}\n"));
    return text_writer_flush(w, ctx, 0);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    w->flavour = flavour;
    w->base.finish = finish;
    w->base.exception = exception;
    *writer = &w->base;
    return put_meta(w, ctx);
}

#define FLAVOUR(symbol, text, flavour, words)                                                                                      \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **w) \
    {                                                                                                                              \
        return open_writer(ctx, schema, out, s, flavour, w);                                                                       \
    }                                                                                                                              \
    const fn_format format_##symbol = {.name = text, .content_type = "application/json; charset=UTF-8", .open_writer = symbol##_writer, .about = words};
FLAVOUR(json, "JSON", 0, "A JSON document with meta, data and figures.")
FLAVOUR(json_compact, "JSONCompact", COMPACT, "JSON with rows as lists.")
FLAVOUR(json_strings, "JSONStrings", STRINGS, "JSON with all values as strings.")
