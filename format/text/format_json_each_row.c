/* format_json_each_row.c - one JSON object per row: JSONEachRow, JSONStringsEachRow, PrettyJSONEachRow, JSONObjectEachRow and
 * those with progress lines. Input also takes a JSON array of rows. SPDX-License-Identifier: Apache-2.0 */
#include "text/flavour.h"
#include "text/json_text.h"
#include "text/row_pieces.h"

enum { OBJECT = 256 }; /* JSONObjectEachRow: the rows are members of one object */

/* ---- output ---- */
static fn_status put_fields(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_byte(ctx, &w->buf, '{'));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, ','));
        FN_TRY(json_put_name(w, ctx, w->schema.fields[c].name));
        FN_TRY(fn_buf_byte(ctx, &w->buf, ':'));
        FN_TRY(json_put_value(w, ctx, b, row, c));
    }
    return fn_buf_byte(ctx, &w->buf, '}');
}

static fn_status put_pretty(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_byte(ctx, &w->buf, '{'));
    for (uint32_t c = 0; c < b->count; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c ? ",\n    " : "\n    "));
        FN_TRY(json_put_name(w, ctx, w->schema.fields[c].name));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, ": "));
        FN_TRY(json_put_pretty(ctx, b->columns[c], row, &w->settings.text, "    ", 1, &w->buf));
    }
    return fn_buf_cstr(ctx, &w->buf, "\n}");
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    const bool list = w->settings.json_array_of_rows;
    if (w->flavour & OBJECT) FN_TRY(fn_buf_printf(ctx, &w->buf, "%s\t\"row_%llu\": ", w->rows ? ",\n" : "", (unsigned long long)w->rows + 1));
    else if (list && w->rows) FN_TRY(fn_buf_cstr(ctx, &w->buf, ",\n"));
    if (w->flavour & JSON_PROGRESS) FN_TRY(fn_buf_cstr(ctx, &w->buf, "{\"row\":"));
    FN_TRY(w->flavour & JSON_PRETTY ? put_pretty(w, ctx, b, row) : put_fields(w, ctx, b, row));
    if (w->flavour & JSON_PROGRESS) return fn_buf_cstr(ctx, &w->buf, "}\n");
    return list || w->flavour & OBJECT ? FN_OK : fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status put_meta_line(text_writer *w, fn_ctx *ctx)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "{\"meta\":["));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c ? ",{\"name\":" : "{\"name\":"));
        FN_TRY(json_put_name(w, ctx, w->schema.fields[c].name));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, ",\"type\":"));
        FN_TRY(json_put_name(w, ctx, fn_cstr(w->schema.fields[c].type->name)));
        FN_TRY(fn_buf_byte(ctx, &w->buf, '}'));
    }
    return fn_buf_cstr(ctx, &w->buf, "]}\n");
}

static fn_status finish(fn_writer *base, fn_ctx *ctx, const fn_format_stats *stats)
{
    text_writer *w = (text_writer *)base;
    if (w->flavour & OBJECT) FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n}\n"));
    else if (w->flavour & JSON_PROGRESS)
        FN_TRY(fn_buf_printf(ctx, &w->buf, "{\"progress\":{\"read_rows\":\"%llu\",\"read_bytes\":\"%llu\",\"elapsed_ns\":\"%llu\"}}\n",
                             (unsigned long long)stats->rows_read, (unsigned long long)stats->bytes_read, (unsigned long long)stats->elapsed_ns));
    else if (w->settings.json_array_of_rows) FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n]\n"));
    return text_writer_flush(w, ctx, 0);
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, unsigned flavour, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    w->flavour = flavour;
    w->base.finish = finish;
    if (flavour & (OBJECT | JSON_PROGRESS)) w->settings.json_array_of_rows = false;
    *writer = &w->base;
    if (flavour & OBJECT) return fn_buf_cstr(ctx, &w->buf, "{\n");
    if (flavour & JSON_PROGRESS) return put_meta_line(w, ctx);
    return w->settings.json_array_of_rows ? fn_buf_cstr(ctx, &w->buf, "[\n") : FN_OK;
}

/* ---- input ---- */
static fn_status end_of_row(fn_text_in *in)
{
    if (in->at < in->end && (*in->at == '\n' || *in->at == '\r')) in->at++;
    return FN_OK;
}

/* The bracket that closes the rows must be the last of the data. */
static fn_status close_rows(fn_ctx *ctx, fn_text_in *in, bool *end)
{
    in->at++;
    *end = json_between_rows(in);
    return *end ? FN_OK : json_expected(ctx, in, "the end of the data");
}

static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    const bool all = json_between_rows(in);
    if (!all && r->rows == 0 && *in->at == '[') { /* an array of objects */
        in->at++;
        r->in_array = true;
    }
    if (all || json_between_rows(in)) {
        *end = true;
        return r->in_array ? fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected ']' at end of stream") : FN_OK;
    }
    if (*in->at == ']' && !r->is_piece) return close_rows(ctx, in, end);
    FN_TRY(json_take_object(r, ctx, in));
    return end_of_row(in);
}

static fn_status open_object(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    (void)r;
    text_skip_space(in);
    *end = in->at >= in->end;
    return *end || json_take(in, '{') ? FN_OK : json_expected(ctx, in, "'{'");
}

/* "row_1": {...} */
static fn_status take_member(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    text_token key;
    if (json_between_rows(in)) return json_expected(ctx, in, "a row or '}'");
    if (*in->at == '}') return close_rows(ctx, in, end);
    const fn_status status = json_take_key(ctx, in, &r->settings.text, &key);
    text_token_release(&key);
    FN_TRY(status);
    return json_take_object(r, ctx, in);
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, unsigned flavour,
                             fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, flavour & OBJECT ? take_member : take_row, &r));
    r->flavour = flavour;
    r->keyed = true;
    r->style = flavour & JSON_STRINGS ? QUICK_OFF : QUICK_JSON;
    if (flavour & OBJECT) {
        r->head = open_object;
    } else {
        r->skip = json_skip_row;
        r->boundary = row_end_object;
    }
    *reader = &r->base;
    return FN_OK;
}

static fn_status infer_members(fn_ctx *ctx, fn_text_in *in, bool complete, const fn_format_settings *s, fn_schema *out)
{
    infer_columns columns = {.options = &s->infer, .family = INFER_JSON};
    if (!json_take(in, '{')) return json_expected(ctx, in, "'{'");
    while (columns.rows < s->infer.rows_max && !json_between_rows(in) && *in->at != '}') {
        text_token key;
        fn_status status = json_take_key(ctx, in, &s->text, &key);
        text_token_release(&key);
        if (status == FN_OK) status = json_infer_object(ctx, s, in, false, &columns);
        if (status == FN_OK) continue;
        if (complete || in->at < in->end || columns.rows == 0) return status;
        fn_error_clear(ctx);
        break;
    }
    return infer_finish(ctx, &columns, out);
}

static fn_status infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, unsigned flavour, fn_schema *out)
{
    fn_text_in in = {head.data, head.data + head.size, head.data};
    return flavour & OBJECT ? infer_members(ctx, &in, complete, s, out) : json_infer_objects(ctx, &in, complete, s, flavour & JSON_STRINGS, out);
}

TEXT_WRITER(plain, 0)
TEXT_READER(plain, 0)
TEXT_WRITER(strings, JSON_STRINGS)
TEXT_READER(strings, JSON_STRINGS)
TEXT_WRITER(pretty, JSON_PRETTY)
TEXT_WRITER(object, OBJECT)
TEXT_READER(object, OBJECT)
TEXT_WRITER(progress, JSON_PROGRESS)
TEXT_WRITER(strings_progress, JSON_PROGRESS | JSON_STRINGS)

#define LINES "application/x-ndjson; charset=UTF-8"
static const char *const lines[] = {"JSONLines", "NDJSON", "JSONL", NULL}, *const pretty_lines[] = {"PrettyJSONLines", "PrettyNDJSON", NULL};
const fn_format format_json_each_row = {.name = "JSONEachRow", .aliases = lines, .content_type = LINES, .open_writer = plain_writer, .open_reader = plain_reader, .infer = plain_infer, .about = "One JSON object per row."};
const fn_format format_json_strings_each_row = {.name = "JSONStringsEachRow", .content_type = LINES, .open_writer = strings_writer, .open_reader = strings_reader, .infer = strings_infer, .about = "One JSON object per row, values as strings."};
const fn_format format_pretty_json_each_row = {.name = "PrettyJSONEachRow", .aliases = pretty_lines, .content_type = LINES, .open_writer = pretty_writer, .about = "One JSON object per row, over several lines."};
const fn_format format_json_object_each_row = {.name = "JSONObjectEachRow", .content_type = "application/json; charset=UTF-8", .open_writer = object_writer, .open_reader = object_reader, .infer = object_infer, .about = "One JSON object whose members are the rows."};
const fn_format format_json_each_row_progress = {.name = "JSONEachRowWithProgress", .content_type = LINES, .open_writer = progress_writer, .about = "JSONEachRow with lines of meta and progress."};
const fn_format format_json_strings_each_row_progress = {.name = "JSONStringsEachRowWithProgress", .content_type = LINES, .open_writer = strings_progress_writer, .about = "JSONStringsEachRow with lines of meta and progress."};
