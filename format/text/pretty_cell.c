/* pretty_cell.c - see pretty_cell.h. SPDX-License-Identifier: Apache-2.0 */
#include "text/pretty_cell.h"
#include "text/json_text.h"
#include "text/text_width.h"
#include <math.h>

enum { TIP_TEXT_MAX = 18 }; /* longer numbers get no tip */

static bool has_named_tuple(const fn_type *t)
{
    if (t->id == FN_T_TUPLE && t->arg_names) return true;
    for (uint32_t i = 0; i < t->arg_count; i++)
        if (has_named_tuple(t->args[i])) return true;
    return false;
}

static fn_status put_inner(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, fn_buf *out);

static fn_status put_items(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, fn_buf *out)
{
    uint32_t first, count;
    const fn_column *items = fn_column_items_at(c, row, &first, &count);
    const bool map = fn_type_base(c->type)->id == FN_T_MAP;
    fn_column *flat = map ? fn_column_flatten(ctx, items) : fn_column_ref(items);
    FN_TRY_PTR(ctx, flat);
    fn_status status = fn_buf_byte(ctx, out, map ? '{' : '[');
    for (uint32_t i = first; i < first + count && status == FN_OK; i++) {
        if (i > first) status = fn_buf_byte(ctx, out, ',');
        if (status == FN_OK && map) status = put_inner(ctx, flat->kids[0], i, o, out);
        if (status == FN_OK && map) status = fn_buf_byte(ctx, out, ':');
        if (status == FN_OK) status = put_inner(ctx, map ? flat->kids[1] : flat, i, o, out);
    }
    fn_column_drop(flat);
    return status == FN_OK ? fn_buf_byte(ctx, out, map ? '}' : ']') : status;
}

static fn_status put_inner(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, fn_buf *out)
{
    const fn_type *t = fn_type_base(c->type);
    if (!has_named_tuple(t)) return fn_text_write(ctx, c, row, FN_TEXT_QUOTED, o, out);
    if (t->phys == FN_PHYS_ARRAY) return put_items(ctx, c, row, o, out);
    if (t->arg_names) return json_put_pretty(ctx, c, row, o, "  ", 0, out);
    const fn_column *flat = fn_column_at(c, &row);
    for (uint32_t i = 0; i < t->arg_count; i++) {
        FN_TRY(fn_buf_byte(ctx, out, i ? ',' : '('));
        FN_TRY(put_inner(ctx, flat->kids[i], row, o, out));
    }
    return fn_buf_byte(ctx, out, ')');
}

fn_status pretty_put_cell(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, bool objects, fn_buf *out)
{
    if (fn_column_is_null(c, row)) return fn_buf_cstr(ctx, out, "ᴺᵁᴸᴸ");
    return objects && has_named_tuple(c->type) ? put_inner(ctx, c, row, o, out) : fn_text_write(ctx, c, row, FN_TEXT_PLAIN, o, out);
}

fn_status pretty_put_tip(fn_ctx *ctx, const fn_column *c, size_t row, fn_str text, uint64_t threshold, fn_buf *out)
{
    static const char *const units[] = {"", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion", " sextillion", " septillion", " octillion", " nonillion", " decillion"};
    const fn_type *t = fn_type_base(c->type);
    double v;
    if (!threshold || !fn_type_is_number(t) || t->id == FN_T_BOOL || fn_column_is_null(c, row) || text.size > TIP_TEXT_MAX) return FN_OK;
    if (!text_parse_f64(text, &v) || !isfinite(v) || fabs(v) <= (double)threshold) return FN_OK;
    size_t unit = 0;
    for (; unit + 1 < FN_COUNT(units) && fabs(v) >= 1000; unit++) v /= 1000;
    return fn_buf_printf(ctx, out, " -- %.2f%s", v, units[unit]);
}

fn_status pretty_put_title(fn_ctx *ctx, const char *title, fn_buf *out)
{
    FN_TRY(fn_buf_printf(ctx, out, "%s\n", title));
    for (size_t i = 0; i < strlen(title); i++) FN_TRY(fn_buf_cstr(ctx, out, "─"));
    return fn_buf_byte(ctx, out, '\n');
}

fn_status pretty_put_vertical(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, bool objects)
{
    uint32_t widest = 0;
    for (uint32_t c = 0; c < b->count; c++) widest = FN_MAX(widest, text_width(w->schema.fields[c].name, 0));
    for (uint32_t c = 0; c < b->count; c++) {
        const fn_str name = w->schema.fields[c].name;
        FN_TRY(fn_buf_str(ctx, &w->buf, name));
        FN_TRY(fn_buf_byte(ctx, &w->buf, ':'));
        for (uint32_t i = text_width(name, 0); i < widest + 1; i++) FN_TRY(fn_buf_byte(ctx, &w->buf, ' '));
        w->kept.size = 0;
        FN_TRY(pretty_put_cell(ctx, b->columns[c], row, &w->settings.text, objects, &w->kept));
        FN_TRY(fn_buf_str(ctx, &w->buf, fn_buf_view(&w->kept)));
        FN_TRY(pretty_put_tip(ctx, b->columns[c], row, fn_buf_view(&w->kept), w->settings.pretty.tip_threshold, &w->buf));
        FN_TRY(fn_buf_byte(ctx, &w->buf, '\n'));
    }
    return FN_OK;
}
