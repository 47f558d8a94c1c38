/* format_markdown.c - Markdown tables; output only. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"

static bool right_aligned(const fn_type *t)
{
    const fn_type *base = fn_type_base(t);
    return (fn_type_is_number(base) && base->id != FN_T_BOOL) || fn_type_is_date_or_time(base) || base->id == FN_T_INTERVAL || base->id == FN_T_TIME || base->id == FN_T_TIME64;
}

static fn_status put_special(text_writer *w, fn_ctx *ctx, fn_str s)
{
    static const char special[] = "\\`*_{}[]<>()#+-.!|~";
    for (size_t i = 0; i < s.size; i++) {
        if (memchr(special, s.data[i], sizeof special - 1)) FN_TRY(fn_buf_byte(ctx, &w->buf, '\\'));
        FN_TRY(fn_buf_byte(ctx, &w->buf, s.data[i]));
    }
    return FN_OK;
}

static fn_status put_row(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "|"));
    for (uint32_t c = 0; c < b->count; c++) {
        const bool escape = w->settings.markdown_escape && fn_type_is_string(fn_type_base(b->columns[c]->type)) && !fn_column_is_null(b->columns[c], row);
        FN_TRY(fn_buf_byte(ctx, &w->buf, ' '));
        FN_TRY(escape ? put_special(w, ctx, fn_column_str_at(b->columns[c], row)) : text_put_value(w, ctx, b, row, c, FN_TEXT_ESCAPED));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, " |"));
    }
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static fn_status open_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)
{
    text_writer *w;
    FN_TRY(text_writer_new(ctx, sizeof *w, schema, out, s, put_row, &w));
    *writer = &w->base;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "|"));
    for (uint32_t c = 0; c < schema->count; c++) FN_TRY(fn_buf_printf(ctx, &w->buf, " " FN_STR_FMT " |", FN_STR_ARG(schema->fields[c].name)));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n|"));
    for (uint32_t c = 0; c < schema->count; c++) FN_TRY(fn_buf_cstr(ctx, &w->buf, right_aligned(schema->fields[c].type) ? "-:|" : ":-|"));
    return fn_buf_byte(ctx, &w->buf, '\n');
}

static const char *const md[] = {"MD", NULL};
const fn_format format_markdown = {.name = "Markdown", .aliases = md, .content_type = "text/markdown; charset=UTF-8", .open_writer = open_writer, .about = "A Markdown table."};
