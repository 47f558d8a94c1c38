/* format_csv.c - CSV, with names and types (RFC 4180, fields of containers as one quoted text). SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"
#include "text/row_pieces.h"
#include "text/text_writer.h"

enum { WITH_NAMES = 1, WITH_TYPES = 2 };

/* ---- output ---- */
static fn_status end_line(text_writer *w, fn_ctx *ctx)
{
    return fn_buf_cstr(ctx, &w->buf, w->settings.csv_crlf ? "\r\n" : "\n");
}

/* Tuples become as many fields as they have elements. */
static fn_status put_field(text_writer *w, fn_ctx *ctx, const fn_column *c, size_t row)
{
    const fn_type *t = c->type;
    if (t->id != FN_T_TUPLE || !w->settings.csv_tuples_apart) return fn_text_write(ctx, c, row, FN_TEXT_CSV, &w->settings.text, &w->buf);
    const fn_column *flat = fn_column_at(c, &row);
    for (uint32_t i = 0; i < t->arg_count; i++) {
        if (i) FN_TRY(fn_buf_byte(ctx, &w->buf, w->settings.text.csv_delimiter));
        FN_TRY(put_field(w, ctx, flat->kids[i], row));
    }
    return FN_OK;
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, w->settings.text.csv_delimiter));
        FN_TRY(put_field(w, ctx, b->columns[c], row));
    }
    return end_line(w, ctx);
}

/* The fields of a tuple are named "t.x", or "t.1" when they have no names. */
static fn_status put_head_field(text_writer *w, fn_ctx *ctx, fn_str name, const fn_type *t, bool types)
{
    if (t->id != FN_T_TUPLE || !w->settings.csv_tuples_apart) return text_put_csv(ctx, types ? fn_cstr(t->name) : name, &w->buf);
    for (uint32_t i = 0; i < t->arg_count; i++) {
        const char *inner = t->arg_names ? fn_arena_printf(ctx, ctx->arena, FN_STR_FMT ".%s", FN_STR_ARG(name), t->arg_names[i])
                                         : fn_arena_printf(ctx, ctx->arena, FN_STR_FMT ".%u", FN_STR_ARG(name), i + 1);
        FN_TRY_PTR(ctx, inner);
        if (i) FN_TRY(fn_buf_byte(ctx, &w->buf, w->settings.text.csv_delimiter));
        FN_TRY(put_head_field(w, ctx, fn_cstr(inner), t->args[i], types));
    }
    return FN_OK;
}

static fn_status put_header(text_writer *w, fn_ctx *ctx, bool types)
{
    for (uint32_t c = 0; c < w->schema.count; c++) {
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, w->settings.text.csv_delimiter));
        FN_TRY(put_head_field(w, ctx, w->schema.fields[c].name, w->schema.fields[c].type, types));
    }
    return end_line(w, ctx);
}

static fn_status put_extra(text_writer *w, fn_ctx *ctx, const fn_block *b)
{
    if (!b) return FN_OK;
    fn_block *flat;
    FN_TRY(text_flat_block(ctx, b, &flat));
    fn_status status = fn_buf_byte(ctx, &w->buf, '\n');
    for (uint32_t i = 0; i < flat->rows && status == FN_OK; i++) status = put_row(w, ctx, flat, i);
    fn_block_drop(flat);
    return status;
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    text_writer *w = (text_writer *)base;
    FN_TRY(put_extra(w, ctx, stats->totals));
    FN_TRY(put_extra(w, ctx, stats->extremes));
    return text_writer_flush(w, ctx, 0);
}

/* ---- input ---- */
static void skip_blanks(fn_text_in *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t')) in->at++;
}

static fn_status end_of_line(fn_ctx *ctx, fn_text_in *in, char delimiter)
{
    skip_blanks(in);
    if (in->at < in->end && *in->at == delimiter) { /* a trailing delimiter is fine, more fields are not */
        fn_text_in ahead = {in->at + 1, in->end, in->at};
        skip_blanks(&ahead);
        if (ahead.at < ahead.end && *ahead.at != '\n' && *ahead.at != '\r') return fn_fail(ctx, FN_INCORRECT_DATA, "Expected end of line: too many columns");
        in->at = ahead.at;
    }
    if (in->at < in->end && *in->at == '\r') in->at++;
    if (in->at < in->end && *in->at == '\n') {
        in->at++;
        return FN_OK;
    }
    if (in->at >= in->end) return FN_OK;
    return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected '%c' or end of line before: '%.*s'", delimiter,
                   (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at);
}

static bool field_empty(const fn_text_in *in, char delimiter)
{
    return in->at >= in->end || *in->at == delimiter || *in->at == '\n' || *in->at == '\r';
}

static fn_status take_value(row_reader *r, fn_ctx *ctx, fn_text_in *in, const fn_type *t, fn_builder *out)
{
    const char delimiter = r->settings.text.csv_delimiter;
    if (t->id == FN_T_TUPLE && !field_empty(in, delimiter) && *in->at != '"' && *in->at != '(') {
        for (uint32_t i = 0; i < t->arg_count; i++) {
            if (i && in->at < in->end && *in->at == delimiter) in->at++;
            FN_TRY(take_value(r, ctx, in, t->args[i], &out->kids[i]));
        }
        return fn_builder_close_tuple(ctx, out);
    }
    if (field_empty(in, delimiter) && (!fn_type_is_string(fn_type_base(t)) || fn_type_is_nullable(t))) return fn_builder_default(ctx, out);
    return fn_text_read(ctx, in, t, FN_TEXT_CSV, &r->settings.text, out);
}

static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const char delimiter = r->settings.text.csv_delimiter;
    while (in->at < in->end && (*in->at == '\n' || *in->at == '\r')) in->at++; /* empty lines */
    *end = in->at >= in->end;
    if (*end) return FN_OK;
    const uint32_t count = r->columns ? r->column_count : r->schema.count;
    for (uint32_t i = quick_row(r->quick, in, 0); i < count; i = quick_row(r->quick, in, i)) {
        const int c = r->columns ? r->columns[i] : (int)i;
        skip_blanks(in);
        if (c >= 0) {
            FN_TRY(take_value(r, ctx, in, r->schema.fields[c].type, &r->builders[c]));
        } else {
            text_token t;
            FN_TRY(text_token_read(ctx, in, FN_TEXT_CSV, &r->settings.text, &t));
            text_token_release(&t);
        }
        if (++i == count) break;
        skip_blanks(in);
        if (in->at >= in->end || *in->at != delimiter)
            return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected '%c' before: '%.*s'. The row has %u of %u columns", delimiter,
                           (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at, i, count);
        in->at++;
    }
    if (r->columns) FN_TRY(row_reader_fill(r, ctx));
    return end_of_line(ctx, in, delimiter);
}

/* One line of fields, with the types they look like. */
static fn_status infer_row(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end)
{
    const char delimiter = s->text.csv_delimiter;
    while (in->at < in->end && (*in->at == '\n' || *in->at == '\r')) in->at++;
    *end = in->at >= in->end;
    if (*end) return FN_OK;
    for (;;) {
        text_token t;
        const infer_type *type;
        skip_blanks(in);
        FN_TRY(text_token_read(ctx, in, FN_TEXT_CSV, &s->text, &t));
        fn_status status = infer_csv_field(ctx, &s->infer, t.value, t.quoted, &type);
        if (status == FN_OK) status = infer_push(ctx, fields, t.value, type);
        text_token_release(&t);
        FN_TRY(status);
        skip_blanks(in);
        if (in->at >= in->end || *in->at != delimiter) break;
        in->at++;
    }
    if (in->at < in->end && *in->at != '\n' && *in->at != '\r') return fn_fail(ctx, FN_INCORRECT_DATA, "Expected end of line");
    return end_of_line(ctx, in, delimiter);
}

static fn_status infer_schema(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, unsigned flags, fn_schema *out)
{
    const infer_rows rows = {INFER_TEXT, flags & WITH_NAMES, flags & WITH_TYPES, s->infer.csv_detect_header, infer_row};
    fn_text_in in = {head.data, head.data + head.size, head.data};
    row_skip_lines(&in, s->csv_skip_lines);
    return infer_from_rows(ctx, &rows, &in, complete, s, out);
}

static fn_status take_header(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    return row_reader_header(r, ctx, in, &(row_header){infer_row, r->settings.csv_skip_lines, r->flavour & WITH_NAMES, r->flavour & WITH_TYPES,
                                                       r->settings.infer.csv_detect_header}, end);
}

static void allow_pieces(row_reader *r)
{
    if (!r->settings.text.csv_single_quotes) r->boundary = row_end_quoted;
}

#define FLAVOUR(symbol, text, alias, header, flags, words)                                                                                            \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)             \
    {                                                                                                                                                 \
        text_writer *w;                                                                                                                               \
        FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));                                                                         \
        w->base.finish = finish;                                                                                                                      \
        *writer = &w->base;                                                                                                                           \
        if ((flags) & WITH_NAMES) FN_TRY(put_header(w, ctx, false));                                                                                  \
        return (flags) & WITH_TYPES ? put_header(w, ctx, true) : FN_OK;                                                                               \
    }                                                                                                                                                 \
    static fn_status symbol##_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing,                 \
                                     fn_reader **reader)                                                                                              \
    {                                                                                                                                                 \
        row_reader *r;                                                                                                                                \
        FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_row, &r));                                                                            \
        r->flavour = (flags);                                                                                                                         \
        r->skip = row_skip_line;                                                                                                                      \
        r->head = take_header;                                                                                                                        \
        r->style = QUICK_CSV;                                                                                                                         \
        allow_pieces(r);                                                                                                                              \
        *reader = &r->base;                                                                                                                           \
        return FN_OK;                                                                                                                                 \
    }                                                                                                                                                 \
    static fn_status symbol##_infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)                             \
    {                                                                                                                                                 \
        return infer_schema(ctx, head, complete, s, flags, out);                                                                                      \
    }                                                                                                                                                 \
    const fn_format format_##symbol = {.name = text, .aliases = alias, .content_type = "text/csv; charset=UTF-8; header=" header,                     \
                                       .open_writer = symbol##_writer, .open_reader = symbol##_reader, .infer = symbol##_infer, .about = words};
FLAVOUR(csv, "CSV", NULL, "absent", 0, "Values between commas, strings in double quotes.")
FLAVOUR(csv_names, "CSVWithNames", NULL, "present", WITH_NAMES, "CSV with a line of column names.")
FLAVOUR(csv_types, "CSVWithNamesAndTypes", NULL, "present", WITH_NAMES | WITH_TYPES, "CSV with lines of column names and types.")
