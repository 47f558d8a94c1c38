/* format_custom.c - CustomSeparated, with names and types: fields in the style of format_custom_escaping_rule between delimiters of
 * the settings. SPDX-License-Identifier: Apache-2.0 */
#include "text/flavour.h"
#include "text/infer.h"
#include "text/row_reader.h"
#include "text/text_writer.h"

enum { WITH_NAMES = 1, WITH_TYPES = 2 };

/* ---- output ---- */
static fn_status put_before(text_writer *w, fn_ctx *ctx, bool first)
{
    if (!first) FN_TRY(fn_buf_str(ctx, &w->buf, w->settings.custom.row_between));
    return fn_buf_str(ctx, &w->buf, w->settings.custom.row_before);
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    const fn_custom_options *o = &w->settings.custom;
    FN_TRY(put_before(w, ctx, w->rows == 0 && w->flavour == 0));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_str(ctx, &w->buf, o->field_delimiter));
        const bool raw_null = o->style == FN_TEXT_PLAIN && fn_column_is_null(b->columns[c], row);
        FN_TRY(text_put_value(w, ctx, b, row, c, raw_null ? FN_TEXT_ESCAPED : o->style));
    }
    return fn_buf_str(ctx, &w->buf, o->row_after);
}

static fn_status put_header(text_writer *w, fn_ctx *ctx, bool types)
{
    const fn_custom_options *o = &w->settings.custom;
    FN_TRY(put_before(w, ctx, !types));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        if (c) FN_TRY(fn_buf_str(ctx, &w->buf, o->field_delimiter));
        FN_TRY(text_put_string(ctx, types ? fn_cstr(w->schema.fields[c].type->name) : w->schema.fields[c].name, o->style, &w->settings.text, &w->buf));
    }
    return fn_buf_str(ctx, &w->buf, o->row_after);
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    (void)stats;
    text_writer *w = (text_writer *)base;
    FN_TRY(fn_buf_str(ctx, &w->buf, w->settings.custom.result_after));
    return text_writer_flush(w, ctx, 0);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    w->flavour = flavour;
    w->base.finish = finish;
    *writer = &w->base;
    FN_TRY(fn_buf_str(ctx, &w->buf, s->custom.result_before));
    if (flavour & WITH_NAMES) FN_TRY(put_header(w, ctx, false));
    return flavour & WITH_TYPES ? put_header(w, ctx, true) : FN_OK;
}

/* ---- input ---- */
static bool take(fn_text_in *in, fn_str text)
{
    if ((size_t)(in->end - in->at) < text.size || (text.size && memcmp(in->at, text.data, text.size) != 0)) return false;
    in->at += text.size;
    return true;
}

static fn_status expected(fn_ctx *ctx, const fn_text_in *in, fn_str what)
{
    return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected '" FN_STR_FMT "' before: '%.*s'", FN_STR_ARG(what),
                   (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at);
}

/* The bytes of a field that ends at `stop`, escapes not looked into: ESCAPED and PLAIN fields. */
static fn_text_in field_until(fn_text_in *in, fn_str stop, fn_text_style style)
{
    const char *at = in->at;
    for (; at < in->end; at++) {
        if (style == FN_TEXT_ESCAPED && *at == '\\' && at + 1 < in->end) at++;
        else if (stop.size && (size_t)(in->end - at) >= stop.size && memcmp(at, stop.data, stop.size) == 0) break;
    }
    const fn_text_in field = {in->at, at, in->at};
    in->at = at;
    return field;
}

static bool is_bounded(fn_text_style style)
{
    return style == FN_TEXT_QUOTED || style == FN_TEXT_JSON;
}

static fn_str stop_of(const fn_custom_options *o, bool last)
{
    return !last ? o->field_delimiter : o->row_after.size ? o->row_after : o->row_between.size ? o->row_between : o->result_after;
}

/* One value; CSV fields in quotes end where their quotes do. */
static fn_status take_value(row_reader *r, fn_ctx *ctx, fn_text_in *in, uint32_t c, bool last)
{
    const fn_custom_options *o = &r->settings.custom;
    const fn_type *t = r->schema.fields[c].type;
    const bool quoted = o->style == FN_TEXT_CSV && in->at < in->end && *in->at == '"';
    if (is_bounded(o->style) || quoted) return fn_text_read(ctx, in, t, o->style, &r->settings.text, &r->builders[c]);
    fn_text_in field = field_until(in, stop_of(o, last), o->style);
    fn_text_options options = r->settings.text;
    options.csv_delimiter = '\n'; /* the field is bounded already */
    return fn_text_read(ctx, &field, t, o->style, &options, &r->builders[c]);
}

static fn_status row_begin(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const fn_custom_options *o = &r->settings.custom;
    fn_text_in ahead = *in;
    *end = in->at >= in->end || (o->result_after.size && take(&ahead, o->result_after) && ahead.at >= ahead.end);
    if (*end) return FN_OK;
    if (r->rows && !take(in, o->row_between)) return expected(ctx, in, o->row_between);
    return take(in, o->row_before) ? FN_OK : expected(ctx, in, o->row_before);
}

static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const fn_custom_options *o = &r->settings.custom;
    FN_TRY(row_begin(r, ctx, in, end));
    if (*end) return FN_OK;
    const uint32_t count = r->columns ? r->column_count : r->schema.count;
    for (uint32_t i = 0; i < count; i++) {
        const int c = r->columns ? r->columns[i] : (int)i;
        if (i && !take(in, o->field_delimiter)) return expected(ctx, in, o->field_delimiter);
        if (c >= 0) FN_TRY(take_value(r, ctx, in, (uint32_t)c, i + 1 == count));
        else (void)field_until(in, stop_of(o, i + 1 == count), o->style);
    }
    if (r->columns) FN_TRY(row_reader_fill(r, ctx));
    if (take(in, o->row_after)) return FN_OK;
    return in->at >= in->end && fn_str_eq(o->row_after, FN_STR("\n")) ? FN_OK : expected(ctx, in, o->row_after);
}

/* A line of fields for names, types and inference. */
static fn_status infer_row(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end)
{
    const fn_custom_options *o = &s->custom;
    if (in->at == in->start && !take(in, o->result_before)) return expected(ctx, in, o->result_before);
    fn_text_in ahead = *in;
    *end = in->at >= in->end || (o->result_after.size && take(&ahead, o->result_after) && ahead.at >= ahead.end);
    if (*end) return FN_OK;
    (void)take(in, o->row_between);
    if (!take(in, o->row_before)) return expected(ctx, in, o->row_before);
    for (bool more = true; more;) {
        text_token t;
        const infer_type *type;
        fn_text_in field = *in;
        const bool bounded = is_bounded(o->style) || (o->style == FN_TEXT_CSV && in->at < in->end && *in->at == '"');
        if (!bounded) {
            fn_text_in line = field_until(&field, stop_of(o, true), o->style);
            field = field_until(&line, o->field_delimiter, o->style);
            in->at = line.at;
        }
        FN_TRY(text_token_read(ctx, bounded ? in : &field, o->style, &s->text, &t));
        fn_status status = o->style == FN_TEXT_ESCAPED || o->style == FN_TEXT_PLAIN ? infer_tsv_field(ctx, &s->infer, t.value, &type)
                                                                                    : infer_csv_field(ctx, &s->infer, t.value, t.quoted, &type);
        if (status == FN_OK) status = infer_push(ctx, fields, t.value, type);
        text_token_release(&t);
        FN_TRY(status);
        more = take(in, o->field_delimiter);
    }
    return take(in, o->row_after) || in->at >= in->end ? FN_OK : expected(ctx, in, o->row_after);
}

static fn_status take_head(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const row_header h = {infer_row, 0, r->flavour & WITH_NAMES, r->flavour & WITH_TYPES, r->settings.infer.custom_detect_header};
    FN_TRY(row_reader_header(r, ctx, in, &h, end));
    if (in->at == in->start && !take(in, r->settings.custom.result_before)) return expected(ctx, in, r->settings.custom.result_before);
    return FN_OK;
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, unsigned flavour,
                             fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_row, &r));
    r->flavour = flavour;
    r->head = take_head;
    *reader = &r->base;
    return FN_OK;
}

static fn_status infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, unsigned flavour, fn_schema *out)
{
    const infer_rows rows = {INFER_TEXT, flavour & WITH_NAMES, flavour & WITH_TYPES, s->infer.custom_detect_header, infer_row};
    fn_text_in in = {head.data, head.data + head.size, head.data};
    return infer_from_rows(ctx, &rows, &in, complete, s, out);
}

TEXT_FLAVOUR(custom, "CustomSeparated", "text/plain; charset=UTF-8", 0, "Values between delimiters of one's own.")
TEXT_FLAVOUR(custom_names, "CustomSeparatedWithNames", "text/plain; charset=UTF-8", WITH_NAMES, "CustomSeparated with a row of names.")
TEXT_FLAVOUR(custom_types, "CustomSeparatedWithNamesAndTypes", "text/plain; charset=UTF-8", WITH_NAMES | WITH_TYPES, "CustomSeparated with rows of names and types.")
