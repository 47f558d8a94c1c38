/* format_tsv.c - TabSeparated, with names and types, Raw, and TSKV. SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"
#include "text/row_pieces.h"
#include "text/text_writer.h"

enum { WITH_NAMES = 1, WITH_TYPES = 2, RAW = 4 };

/* ---- output ---- */
static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    const fn_text_style style = w->flavour & RAW ? FN_TEXT_PLAIN : FN_TEXT_ESCAPED;
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, '\t'));
        if (style == FN_TEXT_PLAIN && fn_column_is_null(b->columns[c], row)) FN_TRY(text_put_value(w, ctx, b, row, c, FN_TEXT_ESCAPED));
        else FN_TRY(text_put_value(w, ctx, b, row, c, style));
    }
    return fn_buf_cstr(ctx, &w->buf, w->settings.tsv_crlf ? "\r\n" : "\n");
}

static fn_status put_header(text_writer *w, fn_ctx *ctx, bool types)
{
    for (uint32_t c = 0; c < w->schema.count; c++) {
        const fn_str text = types ? fn_cstr(w->schema.fields[c].type->name) : w->schema.fields[c].name;
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, '\t'));
        FN_TRY(w->flavour & RAW ? fn_buf_str(ctx, &w->buf, text) : text_put_escaped(ctx, text, &w->buf));
    }
    return fn_buf_byte(ctx, &w->buf, '\n');
}

/* Totals and extremes follow after an empty line. */
static fn_status put_extra(text_writer *w, fn_ctx *ctx, const fn_block *b)
{
    if (!b) return FN_OK;
    fn_block *flat;
    FN_TRY(text_flat_block(ctx, b, &flat));
    fn_status status = fn_buf_byte(ctx, &w->buf, '\n');
    for (uint32_t i = 0; i < flat->rows && status == FN_OK; i++) status = w->row(w, ctx, flat, i);
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

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, text_row_fn *row,
                             fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, row, &w));
    w->flavour = flavour;
    w->base.finish = finish;
    *writer = &w->base;
    fn_status status = flavour & WITH_NAMES ? put_header(w, ctx, false) : FN_OK;
    if (status == FN_OK && flavour & WITH_TYPES) status = put_header(w, ctx, true);
    return status;
}

/* key=value\tkey=value */
static fn_status put_tskv(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, '\t'));
        FN_TRY(text_put_escaped(ctx, w->schema.fields[c].name, &w->buf));
        FN_TRY(fn_buf_byte(ctx, &w->buf, '='));
        FN_TRY(text_put_value(w, ctx, b, row, c, FN_TEXT_ESCAPED));
    }
    return fn_buf_byte(ctx, &w->buf, '\n');
}

/* ---- input ---- */
static fn_status end_of_line(fn_ctx *ctx, fn_text_in *in)
{
    if (in->at < in->end && *in->at == '\r') in->at++;
    if (in->at >= in->end) return FN_OK;
    if (*in->at == '\n') {
        in->at++;
        return FN_OK;
    }
    return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected '\\t' or '\\n' before: '%.*s'",
                   (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at);
}

/* A raw field is all bytes up to the tab or newline. */
static fn_status read_raw_token(fn_text_in *in, text_token *t)
{
    const char *stop = in->at;
    while (stop < in->end && *stop != '\t' && *stop != '\n') stop++;
    *t = (text_token){.value = {in->at, (size_t)(stop - in->at)}, .begin = in->at};
    if (t->value.size && stop[-1] == '\r' && stop < in->end && *stop == '\n') t->value.size--;
    in->at = stop;
    return FN_OK;
}

static fn_status read_raw(row_reader *r, fn_ctx *ctx, fn_text_in *in, uint32_t c)
{
    text_token t;
    FN_TRY(read_raw_token(in, &t));
    fn_text_in field = {t.value.data, t.value.data + t.value.size, t.value.data};
    const bool null = field.end - field.at == 2 && field.at[0] == '\\' && field.at[1] == 'N' && fn_type_is_nullable(r->schema.fields[c].type);
    return null ? fn_builder_null(ctx, &r->builders[c]) : fn_text_read(ctx, &field, r->schema.fields[c].type, FN_TEXT_PLAIN, &r->settings.text, &r->builders[c]);
}

static fn_status read_field(row_reader *r, fn_ctx *ctx, fn_text_in *in, uint32_t c)
{
    if (r->flavour & RAW) return read_raw(r, ctx, in, c);
    const fn_type *t = r->schema.fields[c].type;
    /* An empty field of a type whose text cannot be empty takes the default. */
    if (r->settings.text.null_as_default && !fn_type_is_string(fn_type_base(t)) && (in->at >= in->end || *in->at == '\t' || *in->at == '\n'))
        return fn_builder_default(ctx, &r->builders[c]);
    const fn_status status = fn_text_read(ctx, in, t, FN_TEXT_ESCAPED, &r->settings.text, &r->builders[c]);
    if (status != FN_OK) (void)fn_error_prefix(ctx, "Column " FN_STR_FMT ": ", FN_STR_ARG(r->schema.fields[c].name));
    return status;
}

static void skip_field(fn_text_in *in)
{
    while (in->at < in->end && *in->at != '\t' && *in->at != '\n') in->at++;
}

static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    if (in->at >= in->end) {
        *end = true;
        return FN_OK;
    }
    const uint32_t count = r->columns ? r->column_count : r->schema.count;
    for (uint32_t i = quick_row(r->quick, in, 0); i < count; i = quick_row(r->quick, in, i)) {
        const int c = r->columns ? r->columns[i] : (int)i;
        if (c < 0) skip_field(in);
        else FN_TRY(read_field(r, ctx, in, (uint32_t)c));
        if (++i == count) break;
        if (in->at >= in->end || *in->at != '\t')
            return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected '\\t' before: '%.*s'. The row has %u of %u columns",
                           (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at, i, count);
        in->at++;
    }
    if (r->columns) FN_TRY(row_reader_fill(r, ctx));
    return end_of_line(ctx, in);
}

/* One line of fields, with the types they look like. */
static fn_status infer_line(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool raw, bool *end)
{
    *end = in->at >= in->end;
    if (*end) return FN_OK;
    for (;;) {
        text_token t;
        const infer_type *type;
        FN_TRY(raw ? read_raw_token(in, &t) : text_token_read(ctx, in, FN_TEXT_ESCAPED, &s->text, &t));
        const bool null = in->at - t.begin == 2 && t.begin[0] == '\\' && t.begin[1] == 'N';
        fn_status status = null ? FN_OK : infer_tsv_field(ctx, &s->infer, t.value, &type);
        if (status == FN_OK) status = infer_push(ctx, fields, t.value, null ? &infer_scalars[INFER_NOTHING] : type);
        text_token_release(&t);
        FN_TRY(status);
        if (in->at >= in->end || *in->at != '\t') return end_of_line(ctx, in);
        in->at++;
    }
}

static fn_status infer_row(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end)
{
    return infer_line(ctx, s, in, fields, false, end);
}

static fn_status infer_raw_row(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end)
{
    return infer_line(ctx, s, in, fields, true, end);
}

static fn_status infer_schema(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, unsigned flavour, fn_schema *out)
{
    const infer_rows rows = {INFER_TEXT, flavour & WITH_NAMES, flavour & WITH_TYPES, s->infer.tsv_detect_header, flavour & RAW ? infer_raw_row : infer_row};
    fn_text_in in = {head.data, head.data + head.size, head.data};
    row_skip_lines(&in, s->tsv_skip_lines);
    return infer_from_rows(ctx, &rows, &in, complete, s, out);
}

static fn_status take_header(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const row_header h = {r->flavour & RAW ? infer_raw_row : infer_row, r->settings.tsv_skip_lines, r->flavour & WITH_NAMES, r->flavour & WITH_TYPES,
                          r->settings.infer.tsv_detect_header};
    return row_reader_header(r, ctx, in, &h, end);
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, unsigned flavour,
                             fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_row, &r));
    r->flavour = flavour;
    r->skip = row_skip_line;
    r->head = take_header;
    r->boundary = row_end_escaped;
    r->style = flavour & RAW ? QUICK_OFF : QUICK_TSV;
    *reader = &r->base;
    return FN_OK;
}

static fn_status take_tskv(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    *end = in->at >= in->end;
    while (in->at < in->end && *in->at != '\n') {
        const char *key = in->at;
        while (in->at < in->end && *in->at != '=' && *in->at != '\t' && *in->at != '\n') in->at++;
        const int c = fn_schema_find(&r->schema, (fn_str){key, (size_t)(in->at - key)});
        if (in->at < in->end && *in->at == '=') {
            in->at++;
            if (c < 0) skip_field(in);
            else FN_TRY(read_field(r, ctx, in, (uint32_t)c));
            if (c >= 0) r->seen[c] = true;
        }
        if (in->at < in->end && *in->at == '\t') in->at++;
    }
    if (*end) return FN_OK;
    FN_TRY(row_reader_fill(r, ctx));
    return end_of_line(ctx, in);
}

/* key=value pairs of one line; the word tskv before them is dropped. */
static fn_status infer_pairs(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_columns *columns)
{
    while (in->at < in->end) {
        text_token t;
        const infer_type *type;
        const char *key = in->at;
        while (in->at < in->end && *in->at != '=' && *in->at != '\t') in->at++;
        const fn_str name = {key, (size_t)(in->at - key)};
        if (in->at < in->end && *in->at == '=') {
            in->at++;
            FN_TRY(text_token_read(ctx, in, FN_TEXT_ESCAPED, &s->text, &t));
            fn_status status = infer_tsv_field(ctx, &s->infer, t.value, &type);
            if (status == FN_OK) status = infer_add_named(ctx, columns, name, type);
            text_token_release(&t);
            FN_TRY(status);
        } else if (!fn_str_eq(name, FN_STR("tskv"))) {
            return fn_fail(ctx, FN_INCORRECT_DATA, "Found field without value while parsing TSKV format: " FN_STR_FMT, FN_STR_ARG(name));
        }
        if (in->at < in->end) in->at++;
    }
    return FN_OK;
}

/* ---- rows ---- */
#define FLAVOUR(name, flavour)                                                                                                                     \
    static fn_status name##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **w)                 \
    {                                                                                                                                              \
        return open_writer(ctx, schema, out, s, flavour, put_row, w);                                                                              \
    }                                                                                                                                              \
    static fn_status name##_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **r) \
    {                                                                                                                                              \
        return open_reader(ctx, schema, in, s, missing, flavour, r);                                                                               \
    }                                                                                                                                              \
    static fn_status name##_infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)                            \
    {                                                                                                                                              \
        return infer_schema(ctx, head, complete, s, flavour, out);                                                                                 \
    }
FLAVOUR(plain, 0)
FLAVOUR(names, WITH_NAMES)
FLAVOUR(types, WITH_NAMES | WITH_TYPES)
FLAVOUR(raw, RAW)
FLAVOUR(raw_names, RAW | WITH_NAMES)
FLAVOUR(raw_types, RAW | WITH_NAMES | WITH_TYPES)

static fn_status tskv_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **w)
{
    return open_writer(ctx, schema, out, s, 0, put_tskv, w);
}

static fn_status tskv_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_tskv, &r));
    r->keyed = true;
    r->skip = row_skip_line;
    *reader = &r->base;
    return FN_OK;
}

static fn_status tskv_infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    infer_columns columns = {.options = &s->infer, .family = INFER_TEXT};
    fn_text_in in = {head.data, head.data + head.size, head.data};
    while (in.at < in.end && columns.rows < s->infer.rows_max) {
        const char *line = in.at, *stop = memchr(in.at, '\n', (size_t)(in.end - in.at));
        if (!stop && !complete && columns.rows) break;
        fn_text_in one = {line, stop ? stop : in.end, line};
        FN_TRY(infer_pairs(ctx, s, &one, &columns));
        in.at = stop ? stop + 1 : in.end;
        columns.rows++;
    }
    return infer_finish(ctx, &columns, out);
}

#define TSV_TYPE "text/tab-separated-values; charset=UTF-8"
static const char *const tsv[] = {"TSV", NULL}, *const tsv_names[] = {"TSVWithNames", NULL}, *const tsv_types[] = {"TSVWithNamesAndTypes", NULL};
static const char *const tsv_raw_types[] = {"TSVRawWithNamesAndTypes", "RawWithNamesAndTypes", NULL};
static const char *const tsv_raw[] = {"TSVRaw", "Raw", NULL}, *const tsv_raw_names[] = {"TSVRawWithNames", "RawWithNames", NULL};
const fn_format format_tsv = {.name = "TabSeparated", .aliases = tsv, .content_type = TSV_TYPE, .open_writer = plain_writer, .open_reader = plain_reader, .infer = plain_infer, .about = "Values between tabs, escaped."};
const fn_format format_tsv_names = {.name = "TabSeparatedWithNames", .aliases = tsv_names, .content_type = TSV_TYPE, .open_writer = names_writer, .open_reader = names_reader, .infer = names_infer, .about = "TabSeparated with a line of column names."};
const fn_format format_tsv_types = {.name = "TabSeparatedWithNamesAndTypes", .aliases = tsv_types, .content_type = TSV_TYPE, .open_writer = types_writer, .open_reader = types_reader, .infer = types_infer, .about = "TabSeparated with lines of column names and types."};
const fn_format format_tsv_raw = {.name = "TabSeparatedRaw", .aliases = tsv_raw, .content_type = TSV_TYPE, .open_writer = raw_writer, .open_reader = raw_reader, .infer = raw_infer, .about = "Values between tabs, not escaped."};
const fn_format format_tsv_raw_names = {.name = "TabSeparatedRawWithNames", .aliases = tsv_raw_names, .content_type = TSV_TYPE, .open_writer = raw_names_writer, .open_reader = raw_names_reader, .infer = raw_names_infer, .about = "TabSeparatedRaw with a line of column names."};
const fn_format format_tsv_raw_types = {.name = "TabSeparatedRawWithNamesAndTypes", .aliases = tsv_raw_types, .content_type = TSV_TYPE, .open_writer = raw_types_writer, .open_reader = raw_types_reader, .infer = raw_types_infer, .about = "TabSeparatedRaw with lines of column names and types."};
const fn_format format_tskv = {.name = "TSKV", .content_type = TSV_TYPE, .open_writer = tskv_writer, .open_reader = tskv_reader, .infer = tskv_infer, .about = "name=value pairs between tabs."};
