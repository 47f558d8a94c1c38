/* format_form.c - Form: one row as the body of an HTML form, name=value&name=value with percent escapes; input only.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"
#include "text/row_reader.h"
#include "text/text_writer.h"

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The unescaped text up to `stop` or '&'; '+' is a space. */
static fn_status take_part(fn_ctx *ctx, fn_text_in *in, char stop, fn_buf *out)
{
    out->size = 0;
    for (; in->at < in->end && *in->at != '&' && *in->at != stop; in->at++) {
        char c = *in->at;
        if (c == '+') c = ' ';
        if (c == '%' && in->end - in->at > 2 && hex(in->at[1]) >= 0 && hex(in->at[2]) >= 0) {
            c = (char)(hex(in->at[1]) * 16 + hex(in->at[2]));
            in->at += 2;
        }
        FN_TRY(fn_buf_byte(ctx, out, c));
    }
    if (in->at < in->end && *in->at == stop) in->at++;
    return FN_OK;
}

static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    *end = in->at >= in->end;
    if (*end) return FN_OK;
    while (in->at < in->end) {
        FN_TRY(take_part(ctx, in, '=', &r->scratch));
        const int c = fn_schema_find(&r->schema, fn_buf_view(&r->scratch));
        if (c < 0 && !r->settings.text.skip_unknown_fields)
            return fn_fail(ctx, FN_INCORRECT_DATA, "Unknown field found while parsing Form format: " FN_STR_FMT, FN_STR_ARG(fn_buf_view(&r->scratch)));
        if (c >= 0 && r->seen[c])
            return fn_fail(ctx, FN_INCORRECT_DATA, "Duplicate field found while parsing Form format: " FN_STR_FMT, FN_STR_ARG(fn_buf_view(&r->scratch)));
        FN_TRY(take_part(ctx, in, '\0', &r->scratch));
        if (in->at < in->end && *in->at == '&') in->at++;
        if (c < 0) continue;
        fn_text_in text = {r->scratch.data, r->scratch.data + r->scratch.size, r->scratch.data};
        if (r->scratch.size && text.end[-1] == '\n' && in->at >= in->end) text.end--;
        FN_TRY(fn_text_read(ctx, &text, r->schema.fields[c].type, FN_TEXT_ESCAPED, &r->settings.text, &r->builders[c]));
        r->seen[c] = true;
    }
    return row_reader_fill(r, ctx);
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_row, &r));
    r->keyed = true;
    *reader = &r->base;
    return FN_OK;
}

static fn_status infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    (void)complete;
    infer_columns columns = {.options = &s->infer, .family = INFER_TEXT};
    fn_text_in in = {head.data, head.data + head.size, head.data};
    fn_buf name = FN_BUF_INIT, value = FN_BUF_INIT;
    fn_status status = FN_OK;
    while (in.at < in.end && status == FN_OK) {
        const infer_type *type;
        status = take_part(ctx, &in, '=', &name);
        if (status == FN_OK) status = take_part(ctx, &in, '\0', &value);
        if (in.at < in.end && *in.at == '&') in.at++;
        if (status == FN_OK) status = infer_tsv_field(ctx, &s->infer, fn_str_trim(fn_buf_view(&value)), &type);
        if (status == FN_OK) status = infer_add_named(ctx, &columns, fn_buf_view(&name), type);
    }
    fn_buf_release(&name);
    fn_buf_release(&value);
    return status == FN_OK ? infer_finish(ctx, &columns, out) : status;
}

const fn_format format_form = {.name = "Form", .content_type = "text/plain; charset=UTF-8", .open_reader = open_reader, .infer = infer, .about = "One row as name=value pairs of an HTML form."};
