/* format_json.c - JSON, JSONCompact, JSONStrings, JSONCompactStrings: one document with meta, data, totals, extremes and figures.
 * Input takes the rows of "data"; "meta" must come before it and agree with the columns' types.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/json_text.h"

/* ---- output ---- */
static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, w->rows ? ",\n\t\t" : "\t\t"));
    return json_put_record(w, ctx, b, row, "\t\t");
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    text_writer *w = (text_writer *)base;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n\t]"));
    return json_put_tail(w, ctx, stats);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    w->flavour = flavour;
    w->base.finish = finish;
    w->base.exception = json_exception;
    *writer = &w->base;
    return json_put_meta(w, ctx, "[");
}

/* ---- input ---- */
/* Stands behind "meta": when the document begins with it, else at its begin. */
static bool take_meta_key(fn_ctx *ctx, fn_text_in *in, const fn_text_options *o)
{
    const char *from = in->at;
    text_token key;
    if (json_take(in, '{')) {
        const fn_status status = json_take_key(ctx, in, o, &key);
        const bool meta = status == FN_OK && fn_str_eq(key.value, FN_STR("meta"));
        text_token_release(&key);
        if (meta) return true;
        if (status != FN_OK) fn_error_clear(ctx);
    }
    in->at = from;
    return false;
}

static fn_status check_meta(row_reader *r, fn_ctx *ctx, const fn_schema *meta)
{
    for (uint32_t i = 0; i < meta->count; i++) {
        const int c = fn_schema_find(&r->schema, meta->fields[i].name);
        if (c >= 0 && r->schema.fields[c].type != meta->fields[i].type)
            return fn_fail(ctx, FN_INCORRECT_DATA, "Type of '" FN_STR_FMT "' must be %s, not %s", FN_STR_ARG(meta->fields[i].name), r->schema.fields[c].type->name,
                           meta->fields[i].type->name);
    }
    return FN_OK;
}

static fn_status bind_meta(row_reader *r, fn_ctx *ctx, const fn_schema *meta)
{
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, FN_MAX(meta->count, 1u));
    FN_TRY_PTR(ctx, names);
    for (uint32_t i = 0; i < meta->count; i++) names[i] = meta->fields[i].name;
    return row_reader_bind(r, ctx, names, meta->count);
}

/* Up to the first row of "data". */
static fn_status take_head(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    fn_schema meta;
    text_skip_space(in);
    *end = in->at >= in->end;
    if (*end) return FN_OK;
    if (!take_meta_key(ctx, in, &r->settings.text)) {
        if (r->flavour & JSON_COMPACT) return json_expected(ctx, in, "\"meta\"");
        if (*in->at != '{') return json_expected(ctx, in, "'{'");
        r->flavour &= ~(unsigned)JSON_DOCUMENT; /* rows of objects, one behind another */
        return FN_OK;
    }
    FN_TRY(json_take_meta(ctx, in, &r->settings.text, &meta));
    FN_TRY(check_meta(r, ctx, &meta));
    if (r->flavour & JSON_COMPACT) FN_TRY(bind_meta(r, ctx, &meta));
    for (;;) {
        text_token key;
        if (!json_take(in, ',')) return json_expected(ctx, in, "\"data\"");
        const fn_status status = json_take_key(ctx, in, &r->settings.text, &key);
        const bool data = status == FN_OK && fn_str_eq(key.value, FN_STR("data"));
        text_token_release(&key);
        FN_TRY(status);
        if (data) return json_take(in, '[') ? FN_OK : json_expected(ctx, in, "'['");
        if (!json_skip_value(in)) return json_expected(ctx, in, "a JSON value");
    }
}

static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const bool document = r->flavour & JSON_DOCUMENT;
    const bool over = json_between_rows(in);
    *end = over && !document;
    if (*end) return FN_OK;
    if (over) return json_expected(ctx, in, "a row or ']'");
    if (document && *in->at == ']') {
        *end = true; /* what follows is not data */
        return FN_OK;
    }
    return r->flavour & JSON_COMPACT ? json_take_list(r, ctx, in) : json_take_object(r, ctx, in);
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, unsigned flavour,
                             fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_row, &r));
    r->flavour = flavour | JSON_DOCUMENT;
    r->keyed = !(flavour & JSON_COMPACT);
    r->head = take_head;
    *reader = &r->base;
    return FN_OK;
}

static fn_status infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, unsigned flavour, fn_schema *out)
{
    fn_text_in in = {head.data, head.data + head.size, head.data};
    if (take_meta_key(ctx, &in, &s->text)) return json_take_meta(ctx, &in, &s->text, out);
    if (flavour & JSON_COMPACT) return fn_fail(ctx, FN_INCORRECT_DATA, "Expected field \"meta\" with columns names and types");
    return json_infer_objects(ctx, &in, complete, s, false, out);
}

#define FLAVOUR(symbol, text, flavour, words)                                                                                         \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **w)    \
    {                                                                                                                                 \
        return open_writer(ctx, schema, out, s, flavour, w);                                                                          \
    }                                                                                                                                 \
    static fn_status symbol##_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing,   \
                                     fn_reader **r)                                                                                   \
    {                                                                                                                                 \
        return open_reader(ctx, schema, in, s, missing, flavour, r);                                                                  \
    }                                                                                                                                 \
    static fn_status symbol##_infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)               \
    {                                                                                                                                 \
        return infer(ctx, head, complete, s, flavour, out);                                                                           \
    }                                                                                                                                 \
    const fn_format format_##symbol = {.name = text, .content_type = "application/json; charset=UTF-8", .open_writer = symbol##_writer, \
                                       .open_reader = symbol##_reader, .infer = symbol##_infer, .about = words};
FLAVOUR(json, "JSON", 0, "A JSON document with meta, data and figures.")
FLAVOUR(json_compact, "JSONCompact", JSON_COMPACT, "JSON with rows as lists.")
FLAVOUR(json_strings, "JSONStrings", JSON_STRINGS, "JSON with all values as strings.")
FLAVOUR(json_compact_strings, "JSONCompactStrings", JSON_COMPACT | JSON_STRINGS, "JSONCompact with all values as strings.")
