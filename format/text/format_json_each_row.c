/* format_json_each_row.c - JSONEachRow and JSONCompactEachRow (with names, with types): one JSON value per row.
 * Input also takes a JSON array of rows. SPDX-License-Identifier: Apache-2.0 */
#include "text/row_reader.h"
#include "text/text_writer.h"

enum { WITH_NAMES = 1, WITH_TYPES = 2, STRINGS = 4, FIELDS_MAX = 65536, DEPTH_MAX = 500 };

/* ---- output ---- */
static fn_status put_object(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_byte(ctx, &w->buf, '{'));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, ','));
        FN_TRY(text_put_json(ctx, w->schema.fields[c].name, w->settings.text.json_escape_slashes, &w->buf));
        FN_TRY(fn_buf_byte(ctx, &w->buf, ':'));
        if (w->flavour & STRINGS && !fn_column_is_null(b->columns[c], row)) {
            w->kept.size = 0;
            FN_TRY(fn_text_write(ctx, b->columns[c], row, FN_TEXT_PLAIN, &w->settings.text, &w->kept));
            FN_TRY(text_put_json(ctx, fn_buf_view(&w->kept), w->settings.text.json_escape_slashes, &w->buf));
        } else {
            FN_TRY(text_put_value(w, ctx, b, row, c, FN_TEXT_JSON));
        }
    }
    return fn_buf_append(ctx, &w->buf, "}\n", 2);
}

static fn_status put_list(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_byte(ctx, &w->buf, '['));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_append(ctx, &w->buf, ", ", 2));
        FN_TRY(text_put_value(w, ctx, b, row, c, FN_TEXT_JSON));
    }
    return fn_buf_append(ctx, &w->buf, "]\n", 2);
}

static fn_status put_header(text_writer *w, fn_ctx *ctx, bool types)
{
    FN_TRY(fn_buf_byte(ctx, &w->buf, '['));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        if (c) FN_TRY(fn_buf_append(ctx, &w->buf, ", ", 2));
        FN_TRY(text_put_json(ctx, types ? fn_cstr(w->schema.fields[c].type->name) : w->schema.fields[c].name, w->settings.text.json_escape_slashes, &w->buf));
    }
    return fn_buf_append(ctx, &w->buf, "]\n", 2);
}

/* ---- input ---- */
static fn_status expected(fn_ctx *ctx, const fn_text_in *in, const char *what)
{
    return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse JSON: expected %s before: '%.*s'", what,
                   (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at);
}

static bool take(fn_text_in *in, char c)
{
    text_skip_space(in);
    if (in->at >= in->end || *in->at != c) return false;
    in->at++;
    return true;
}

/* Moves behind any JSON value. */
static bool skip_value(fn_text_in *in)
{
    int depth = 0;
    do {
        text_skip_space(in);
        if (in->at >= in->end) return false;
        const char c = *in->at;
        if (c == '"') {
            for (in->at++; in->at < in->end && *in->at != '"'; in->at++)
                if (*in->at == '\\') in->at++;
            if (in->at >= in->end) return false;
            in->at++;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MAX) return false;
            in->at++;
        } else if (c == '}' || c == ']') {
            depth--;
            in->at++;
        } else if (c == ',' || c == ':') {
            in->at++;
        } else {
            while (in->at < in->end && !strchr(",:]}[{\" \t\r\n", *in->at)) in->at++;
        }
    } while (depth > 0);
    return depth == 0;
}

/* Between rows: space, commas, the brackets of an array of rows. True at the end of the data. */
static bool between_rows(fn_text_in *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t' || *in->at == ',' || *in->at == ';')) in->at++;
    return in->at >= in->end;
}

static fn_status take_value(row_reader *r, fn_ctx *ctx, fn_text_in *in, int c)
{
    const fn_type *t = r->schema.fields[c].type;
    text_skip_space(in);
    if (fn_type_base(t)->id == FN_T_STRING && in->at < in->end && *in->at != '"' && *in->at != 'n') { /* numbers, objects: their text */
        const char *from = in->at;
        if (!skip_value(in)) return expected(ctx, in, "a JSON value");
        return fn_builder_str(ctx, &r->builders[c], (fn_str){from, (size_t)(in->at - from)});
    }
    fn_status status = fn_text_read(ctx, in, t, FN_TEXT_JSON, &r->settings.text, &r->builders[c]);
    if (status != FN_OK) (void)fn_error_prefix(ctx, "(while reading the value of key " FN_STR_FMT "): ", FN_STR_ARG(r->schema.fields[c].name));
    return status;
}

static fn_status take_object(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    if (between_rows(in)) {
        *end = true;
        return FN_OK;
    }
    if (r->rows == 0 && *in->at == '[') { /* an array of objects */
        in->at++;
        if (between_rows(in)) return FN_OK;
    }
    if (*in->at == ']') {
        in->at++;
        *end = between_rows(in);
        return *end ? FN_OK : expected(ctx, in, "the end of the data");
    }
    const uint32_t row = r->schema.count ? r->builders[0].rows : 0;
    uint32_t guess = 0;
    if (!take(in, '{')) return expected(ctx, in, "'{'");
    for (bool first = true; !take(in, '}'); first = false) {
        text_token key;
        if (!first && !take(in, ',')) return expected(ctx, in, "',' or '}'");
        text_skip_space(in);
        if (in->at >= in->end || *in->at != '"') return expected(ctx, in, "a key");
        FN_TRY(text_token_read(ctx, in, FN_TEXT_JSON, &r->settings.text, &key));
        /* Keys usually come in the order of the columns. */
        int c = guess < r->schema.count && fn_str_eq(r->schema.fields[guess].name, key.value) ? (int)guess : fn_schema_find(&r->schema, key.value);
        fn_status status = FN_OK;
        if (c < 0 && !r->settings.text.skip_unknown_fields)
            status = fn_fail(ctx, FN_INCORRECT_DATA, "Unknown field found while parsing JSONEachRow format: " FN_STR_FMT, FN_STR_ARG(key.value));
        else if (c >= 0 && r->builders[c].rows > row)
            status = fn_fail(ctx, FN_INCORRECT_DATA, "Duplicate field found while parsing JSONEachRow format: " FN_STR_FMT, FN_STR_ARG(key.value));
        text_token_release(&key);
        FN_TRY(status);
        if (!take(in, ':')) return expected(ctx, in, "':'");
        if (c < 0) {
            if (!skip_value(in)) return expected(ctx, in, "a JSON value");
            continue;
        }
        FN_TRY(take_value(r, ctx, in, c));
        r->seen[c] = true;
        guess = (uint32_t)c + 1;
    }
    for (uint32_t c = 0; c < r->schema.count; c++)
        if (r->builders[c].rows == row) FN_TRY(fn_builder_default(ctx, &r->builders[c]));
    if (in->at < in->end && (*in->at == '\n' || *in->at == '\r')) in->at++;
    return FN_OK;
}

static fn_status take_list(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    *end = between_rows(in);
    if (*end) return FN_OK;
    if (!take(in, '[')) return expected(ctx, in, "'['");
    const uint32_t count = r->columns ? r->column_count : r->schema.count;
    for (uint32_t i = 0; i < count; i++) {
        const int c = r->columns ? r->columns[i] : (int)i;
        if (i && !take(in, ',')) return expected(ctx, in, "','");
        if (c >= 0) FN_TRY(take_value(r, ctx, in, c));
        else if (!skip_value(in)) return expected(ctx, in, "a JSON value");
    }
    if (!take(in, ']')) return expected(ctx, in, "']'");
    if (r->columns) FN_TRY(row_reader_fill(r, ctx));
    if (in->at < in->end && (*in->at == '\n' || *in->at == '\r')) in->at++;
    return FN_OK;
}

static fn_status take_names(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, FIELDS_MAX);
    FN_TRY_PTR(ctx, names);
    uint32_t n = 0;
    *end = between_rows(in);
    if (*end) return FN_OK;
    if (!take(in, '[')) return expected(ctx, in, "'['");
    for (bool first = true; !take(in, ']'); first = false) {
        text_token t;
        if ((!first && !take(in, ',')) || n == FIELDS_MAX) return expected(ctx, in, "','");
        FN_TRY(text_token_read(ctx, in, FN_TEXT_JSON, &r->settings.text, &t));
        const fn_status status = fn_arena_str(ctx, ctx->arena, t.value, &names[n++]);
        text_token_release(&t);
        FN_TRY(status);
    }
    if (r->settings.with_names_use_header) FN_TRY(row_reader_bind(r, ctx, names, n));
    text_skip_space(in);
    if (r->flavour & WITH_TYPES && !skip_value(in)) return expected(ctx, in, "a list of types");
    return FN_OK;
}

#define FLAVOUR(symbol, text, alias, type, flags, put, row_function, words)                                                                             \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)               \
    {                                                                                                                                                   \
        text_writer *w;                                                                                                                                 \
        FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put, &w));                                                                               \
        w->flavour = (flags);                                                                                                                           \
        *writer = &w->base;                                                                                                                             \
        if ((flags) & WITH_NAMES) FN_TRY(put_header(w, ctx, false));                                                                                    \
        return (flags) & WITH_TYPES ? put_header(w, ctx, true) : FN_OK;                                                                                 \
    }                                                                                                                                                   \
    static fn_status symbol##_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing,                   \
                                     fn_reader **reader)                                                                                                \
    {                                                                                                                                                   \
        row_reader *r;                                                                                                                                  \
        FN_TRY(row_reader_new(ctx, schema, in, s, missing, row_function, &r));                                                                          \
        r->flavour = (flags);                                                                                                                           \
        r->keyed = row_function == take_object;                                                                                                         \
        r->skip = row_skip_line;                                                                                                                        \
        if ((flags) & WITH_NAMES) r->head = take_names;                                                                                                 \
        *reader = &r->base;                                                                                                                             \
        return FN_OK;                                                                                                                                   \
    }                                                                                                                                                   \
    const fn_format format_##symbol = {.name = text, .aliases = alias, .content_type = type, .open_writer = symbol##_writer, .open_reader = symbol##_reader, \
                                       .about = words};
static const char *const lines[] = {"JSONLines", "NDJSON", "JSONL", NULL};
FLAVOUR(json_each_row, "JSONEachRow", lines, "application/x-ndjson; charset=UTF-8", 0, put_object, take_object, "One JSON object per row.")
FLAVOUR(json_strings_each_row, "JSONStringsEachRow", NULL, "application/x-ndjson; charset=UTF-8", STRINGS, put_object, take_object, "One JSON object per row, values as strings.")
FLAVOUR(json_compact_each_row, "JSONCompactEachRow", NULL, "text/plain; charset=UTF-8", 0, put_list, take_list, "One JSON list per row.")
FLAVOUR(json_compact_each_row_names, "JSONCompactEachRowWithNames", NULL, "text/plain; charset=UTF-8", WITH_NAMES, put_list, take_list, "JSONCompactEachRow with a list of names.")
FLAVOUR(json_compact_each_row_types, "JSONCompactEachRowWithNamesAndTypes", NULL, "text/plain; charset=UTF-8", WITH_NAMES | WITH_TYPES, put_list, take_list, "JSONCompactEachRow with lists of names and types.")
