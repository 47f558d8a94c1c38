/* format_json_compact.c - one JSON list per row: JSONCompactEachRow and JSONCompactStringsEachRow, with names, with types.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/flavour.h"
#include "text/json_text.h"
#include "text/row_pieces.h"

/* ---- output ---- */
static fn_status put_list(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_byte(ctx, &w->buf, '['));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_append(ctx, &w->buf, ", ", 2));
        FN_TRY(json_put_value(w, ctx, b, row, c));
    }
    return fn_buf_append(ctx, &w->buf, "]\n", 2);
}

static fn_status put_header(text_writer *w, fn_ctx *ctx, bool types)
{
    FN_TRY(fn_buf_byte(ctx, &w->buf, '['));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        if (c) FN_TRY(fn_buf_append(ctx, &w->buf, ", ", 2));
        FN_TRY(json_put_name(w, ctx, types ? fn_cstr(w->schema.fields[c].type->name) : w->schema.fields[c].name));
    }
    return fn_buf_append(ctx, &w->buf, "]\n", 2);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_list, &w));
    w->flavour = flavour;
    *writer = &w->base;
    if (flavour & JSON_WITH_NAMES) FN_TRY(put_header(w, ctx, false));
    return flavour & JSON_WITH_TYPES ? put_header(w, ctx, true) : FN_OK;
}

/* ---- input ---- */
static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    *end = json_between_rows(in);
    if (*end) return FN_OK;
    FN_TRY(json_take_list(r, ctx, in));
    if (in->at < in->end && (*in->at == '\n' || *in->at == '\r')) in->at++;
    return FN_OK;
}

static fn_status infer_row(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end)
{
    *end = json_between_rows(in);
    if (*end) return FN_OK;
    if (!json_take(in, '[')) return json_expected(ctx, in, "'['");
    for (bool first = true; !json_take(in, ']'); first = false) {
        text_token t = {.begin = in->at};
        const infer_type *type;
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "','");
        text_skip_space(in);
        fn_text_in ahead = *in;
        FN_TRY(infer_json(ctx, &s->infer, &s->text, in, &type));
        fn_status status = FN_OK;
        if (fields->keep_texts && ahead.at < ahead.end && *ahead.at == '"') status = text_token_read(ctx, &ahead, FN_TEXT_JSON, &s->text, &t);
        if (status == FN_OK) status = infer_push(ctx, fields, t.value, type);
        text_token_release(&t);
        FN_TRY(status);
    }
    return FN_OK;
}

static fn_status infer_texts(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end)
{
    FN_TRY(infer_row(ctx, s, in, fields, end));
    for (uint32_t i = 0; i < fields->count; i++) fields->types[i] = &infer_scalars[INFER_STRING];
    return FN_OK;
}

static fn_status take_head(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const row_header h = {infer_row, 0, r->flavour & JSON_WITH_NAMES, r->flavour & JSON_WITH_TYPES, false};
    return row_reader_header(r, ctx, in, &h, end);
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, unsigned flavour,
                             fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_row, &r));
    r->flavour = flavour;
    r->style = flavour & JSON_STRINGS ? QUICK_OFF : QUICK_JSON;
    r->skip = json_skip_row;
    r->boundary = row_end_list;
    if (flavour & JSON_WITH_NAMES) r->head = take_head;
    *reader = &r->base;
    return FN_OK;
}

static fn_status infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, unsigned flavour, fn_schema *out)
{
    const infer_rows rows = {INFER_JSON, flavour & JSON_WITH_NAMES, flavour & JSON_WITH_TYPES, false, flavour & JSON_STRINGS ? infer_texts : infer_row};
    fn_text_in in = {head.data, head.data + head.size, head.data};
    return infer_from_rows(ctx, &rows, &in, complete, s, out);
}

TEXT_FLAVOUR(json_compact_each_row, "JSONCompactEachRow", "text/plain; charset=UTF-8", 0, "One JSON list per row.")
TEXT_FLAVOUR(json_compact_each_row_names, "JSONCompactEachRowWithNames", "text/plain; charset=UTF-8", JSON_WITH_NAMES, "JSONCompactEachRow with a list of names.")
TEXT_FLAVOUR(json_compact_each_row_types, "JSONCompactEachRowWithNamesAndTypes", "text/plain; charset=UTF-8", JSON_WITH_NAMES | JSON_WITH_TYPES, "JSONCompactEachRow with lists of names and types.")
TEXT_FLAVOUR(json_compact_strings_each_row, "JSONCompactStringsEachRow", "text/plain; charset=UTF-8", JSON_STRINGS, "One JSON list per row, values as strings.")
TEXT_FLAVOUR(json_compact_strings_each_row_names, "JSONCompactStringsEachRowWithNames", "text/plain; charset=UTF-8", JSON_STRINGS | JSON_WITH_NAMES, "JSONCompactStringsEachRow with a list of names.")
TEXT_FLAVOUR(json_compact_strings_each_row_types, "JSONCompactStringsEachRowWithNamesAndTypes", "text/plain; charset=UTF-8", JSON_STRINGS | JSON_WITH_NAMES | JSON_WITH_TYPES, "JSONCompactStringsEachRow with lists of names and types.")
