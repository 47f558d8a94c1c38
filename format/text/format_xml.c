/* format_xml.c - XML: a document with meta, data, totals, extremes and figures; output only. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"

static fn_status put_text(fn_ctx *ctx, fn_str s, fn_buf *out)
{
    for (size_t i = 0; i < s.size; i++) {
        const char c = s.data[i];
        const bool control = (unsigned char)c < 32 && c != '\t' && c != '\n' && c != '\r';
        if (c == '<') FN_TRY(fn_buf_cstr(ctx, out, "&lt;"));
        else if (c == '&') FN_TRY(fn_buf_cstr(ctx, out, "&amp;"));
        else if (control) FN_TRY(fn_buf_cstr(ctx, out, "\xef\xbf\xbd")); /* not a character of XML */
        else FN_TRY(fn_buf_byte(ctx, out, c));
    }
    return FN_OK;
}

static fn_status put_value(text_writer *w, fn_ctx *ctx, const fn_column *c, size_t row);

static fn_status put_element(text_writer *w, fn_ctx *ctx, const char *tag, const fn_column *c, size_t row)
{
    FN_TRY(fn_buf_printf(ctx, &w->buf, "<%s>", tag));
    FN_TRY(put_value(w, ctx, c, row));
    return fn_buf_printf(ctx, &w->buf, "</%s>", tag);
}

static fn_status put_items(text_writer *w, fn_ctx *ctx, const fn_column *c, size_t row)
{
    uint32_t first, count;
    const fn_column *items = fn_column_items_at(c, row, &first, &count);
    const bool map = fn_type_base(c->type)->id == FN_T_MAP;
    fn_column *flat = map ? fn_column_flatten(ctx, items) : fn_column_ref(items);
    FN_TRY_PTR(ctx, flat);
    fn_status status = fn_buf_cstr(ctx, &w->buf, map ? "<map>" : "<array>");
    for (uint32_t i = first; i < first + count && status == FN_OK; i++) {
        if (!map) {
            status = put_element(w, ctx, "elem", flat, i);
            continue;
        }
        status = fn_buf_cstr(ctx, &w->buf, "<elem>");
        if (status == FN_OK) status = put_element(w, ctx, "key", flat->kids[0], i);
        if (status == FN_OK) status = put_element(w, ctx, "value", flat->kids[1], i);
        if (status == FN_OK) status = fn_buf_cstr(ctx, &w->buf, "</elem>");
    }
    fn_column_drop(flat);
    return status == FN_OK ? fn_buf_cstr(ctx, &w->buf, map ? "</map>" : "</array>") : status;
}

static fn_status put_value(text_writer *w, fn_ctx *ctx, const fn_column *c, size_t row)
{
    const fn_type *t = fn_type_base(c->type);
    if (fn_column_is_null(c, row)) return fn_buf_cstr(ctx, &w->buf, "\\N");
    if (t->phys == FN_PHYS_ARRAY) return put_items(w, ctx, c, row);
    if (t->phys == FN_PHYS_TUPLE) {
        const fn_column *flat = fn_column_at(c, &row);
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "<tuple>"));
        for (uint32_t i = 0; i < t->arg_count; i++) FN_TRY(put_element(w, ctx, "elem", flat->kids[i], row));
        return fn_buf_cstr(ctx, &w->buf, "</tuple>");
    }
    w->kept.size = 0;
    FN_TRY(fn_text_write(ctx, c, row, FN_TEXT_PLAIN, &w->settings.text, &w->kept));
    return put_text(ctx, fn_buf_view(&w->kept), &w->buf);
}

/* A name that is no XML name becomes <field>. */
static bool is_tag(fn_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        const char c = name.data[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.'))) return false;
    }
    return name.size > 0;
}

static fn_status put_fields(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, const char *indent)
{
    for (uint32_t c = 0; c < b->count; c++) {
        const fn_str tag = is_tag(w->schema.fields[c].name) ? w->schema.fields[c].name : FN_STR("field");
        FN_TRY(fn_buf_printf(ctx, &w->buf, "%s<" FN_STR_FMT ">", indent, FN_STR_ARG(tag)));
        FN_TRY(put_value(w, ctx, b->columns[c], row));
        FN_TRY(fn_buf_printf(ctx, &w->buf, "</" FN_STR_FMT ">\n", FN_STR_ARG(tag)));
    }
    return FN_OK;
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\t\t<row>\n"));
    FN_TRY(put_fields(w, ctx, b, row, "\t\t\t"));
    return fn_buf_cstr(ctx, &w->buf, "\t\t</row>\n");
}

static fn_status put_named(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, const char *tag, const char *indent)
{
    fn_block *flat;
    const char *inner = fn_arena_printf(ctx, ctx->arena, "%s\t", indent);
    FN_TRY_PTR(ctx, inner);
    FN_TRY(text_flat_block(ctx, b, &flat));
    fn_status status = fn_buf_printf(ctx, &w->buf, "%s<%s>\n", indent, tag);
    if (status == FN_OK) status = put_fields(w, ctx, flat, row, inner);
    if (status == FN_OK) status = fn_buf_printf(ctx, &w->buf, "%s</%s>\n", indent, tag);
    fn_block_drop(flat);
    return status;
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    text_writer *w = (text_writer *)base;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\t</data>\n"));
    if (stats->totals && stats->totals->rows) FN_TRY(put_named(w, ctx, stats->totals, 0, "totals", "\t"));
    if (stats->extremes && stats->extremes->rows == 2) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\t<extremes>\n"));
        FN_TRY(put_named(w, ctx, stats->extremes, 0, "min", "\t\t"));
        FN_TRY(put_named(w, ctx, stats->extremes, 1, "max", "\t\t"));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\t</extremes>\n"));
    }
    FN_TRY(fn_buf_printf(ctx, &w->buf, "\t<rows>%llu</rows>\n", (unsigned long long)w->rows));
    if (stats->has_rows_before_limit)
        FN_TRY(fn_buf_printf(ctx, &w->buf, "\t<rows_before_limit_at_least>%llu</rows_before_limit_at_least>\n", (unsigned long long)stats->rows_before_limit));
    if (w->settings.write_statistics)
        FN_TRY(fn_buf_printf(ctx, &w->buf, "\t<statistics>\n\t\t<elapsed>%.9f</elapsed>\n\t\t<rows_read>%llu</rows_read>\n\t\t<bytes_read>%llu</bytes_read>\n\t</statistics>\n",
                             (double)stats->elapsed_ns / 1e9, (unsigned long long)stats->rows_read, (unsigned long long)stats->bytes_read));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "</result>\n"));
    return text_writer_flush(w, ctx, 0);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    w->base.finish = finish;
    *writer = &w->base;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "<?xml version='1.0' encoding='UTF-8' ?>\n<result>\n\t<meta>\n\t\t<columns>\n"));
    for (uint32_t c = 0; c < schema->count; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\t\t\t<column>\n\t\t\t\t<name>"));
        FN_TRY(put_text(ctx, schema->fields[c].name, &w->buf));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "</name>\n\t\t\t\t<type>"));
        FN_TRY(put_text(ctx, fn_cstr(schema->fields[c].type->name), &w->buf));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "</type>\n\t\t\t</column>\n"));
    }
    return fn_buf_cstr(ctx, &w->buf, "\t\t</columns>\n\t</meta>\n\t<data>\n");
}

const fn_format format_xml = {.name = "XML", .content_type = "application/xml; charset=UTF-8", .open_writer = open_writer, .about = "An XML document with meta, data and figures."};
