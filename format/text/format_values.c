/* format_values.c - Values: (1, 'a'), (2, 'b'). What is no plain literal is handed upwards as an SQL expression.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"
#include "text/row_pieces.h"
#include "text/text_writer.h"

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, w->rows ? ",(" : "("));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_byte(ctx, &w->buf, ','));
        FN_TRY(text_put_value(w, ctx, b, row, c, FN_TEXT_QUOTED));
    }
    return fn_buf_byte(ctx, &w->buf, ')');
}

static fn_status expected(fn_ctx *ctx, const fn_text_in *in, const char *what)
{
    return fn_fail(ctx, FN_SYNTAX_ERROR, "Cannot parse input: expected %s before: '%.*s'", what,
                   (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at);
}

/* Space and comments. */
static void skip_blank(fn_text_in *in)
{
    for (;;) {
        text_skip_space(in);
        if (in->end - in->at >= 2 && in->at[0] == '-' && in->at[1] == '-') {
            (void)row_skip_line(in);
        } else {
            return;
        }
    }
}

static bool at_separator(const fn_text_in *in)
{
    return in->at < in->end && (*in->at == ',' || *in->at == ')');
}

static fn_status take_value(row_reader *r, fn_ctx *ctx, fn_text_in *in, uint32_t c)
{
    const fn_type *t = r->schema.fields[c].type;
    const char *from = in->at;
    const uint32_t rows = r->builders[c].rows;
    if (in->end - in->at >= 7 && fn_str_eq_nocase((fn_str){in->at, 7}, FN_STR("DEFAULT"))) {
        in->at += 7;
        return fn_builder_default(ctx, &r->builders[c]);
    }
    const fn_status status = fn_text_read(ctx, in, t, FN_TEXT_QUOTED, &r->settings.text, &r->builders[c]);
    if (status == FN_OK) {
        skip_blank(in);
        if (at_separator(in)) return FN_OK;
    }
    if (row_is_hopeless(status)) return status;
    if (!r->settings.eval) return status == FN_OK ? expected(ctx, in, "',' or ')'") : status;
    fn_error saved = ctx->error;
    fn_error_clear(ctx);
    fn_builder_truncate(&r->builders[c], rows);
    in->at = from;
    const fn_status evaluated = r->settings.eval->eval(r->settings.eval, ctx, in, t, &r->builders[c]);
    /* A literal that is wrong for its type is told as such, not as a failed expression. */
    if (evaluated == FN_SYNTAX_ERROR && status != FN_OK) {
        ctx->error = saved;
        return status;
    }
    return evaluated;
}

static fn_status take_row(row_reader *r, fn_ctx *ctx, fn_text_in *in, bool *end)
{
    skip_blank(in);
    if (r->rows && in->at < in->end && *in->at == ',') {
        in->at++;
        skip_blank(in);
    }
    if (in->at < in->end && *in->at == ';') {
        in->at++;
        skip_blank(in);
        if (in->at < in->end) return expected(ctx, in, "the end of the data");
    }
    *end = in->at >= in->end;
    if (*end) return FN_OK;
    if (*in->at != '(') return expected(ctx, in, "'('");
    in->at++;
    const uint32_t count = r->schema.count;
    for (uint32_t c = quick_row(r->quick, in, 0); c < count; c = quick_row(r->quick, in, c)) {
        skip_blank(in);
        FN_TRY(take_value(r, ctx, in, c));
        skip_blank(in);
        if (++c == count) break;
        if (in->at >= in->end || *in->at != ',') return expected(ctx, in, "','");
        in->at++;
    }
    if (count && in->at < in->end && *in->at == ',') { /* (1, 2,) */
        in->at++;
        skip_blank(in);
    }
    if (count && (in->at >= in->end || *in->at != ')')) return expected(ctx, in, "')'");
    in->at += count != 0;
    return FN_OK;
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    *writer = &w->base;
    return FN_OK;
}

static fn_status open_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing, fn_reader **reader)
{
    row_reader *r;
    FN_TRY(row_reader_new(ctx, schema, in, s, missing, take_row, &r));
    r->style = QUICK_VALUES;
    r->boundary = row_end_values;
    *reader = &r->base;
    return FN_OK;
}

static fn_status infer_row(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end)
{
    skip_blank(in);
    if (in->at < in->end && *in->at == ',') in->at++;
    skip_blank(in);
    *end = in->at >= in->end || *in->at == ';';
    if (*end) return FN_OK;
    if (*in->at != '(') return expected(ctx, in, "'('");
    in->at++;
    for (;;) {
        const infer_type *type;
        skip_blank(in);
        FN_TRY(infer_literal(ctx, &s->infer, INFER_VALUES, in, &type));
        if (!type) return expected(ctx, in, "a literal");
        FN_TRY(infer_push(ctx, fields, (fn_str){NULL, 0}, type));
        skip_blank(in);
        if (!at_separator(in)) return expected(ctx, in, "',' or ')'");
        if (*in->at++ == ')') return FN_OK;
    }
}

static fn_status infer_schema(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    const infer_rows rows = {INFER_VALUES, false, false, false, infer_row};
    fn_text_in in = {head.data, head.data + head.size, head.data};
    return infer_from_rows(ctx, &rows, &in, complete, s, out);
}

const fn_format format_values = {.name = "Values", .content_type = "text/plain; charset=UTF-8", .open_writer = open_writer, .open_reader = open_reader, .infer = infer_schema,
                                 .about = "Rows in parentheses, as in INSERT ... VALUES."};
