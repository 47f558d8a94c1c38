/* type_value.c - text of single values: shapes and NULL here, the rest by the type's class. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"

void fn_text_options_default(fn_text_options *o)
{
    *o = (fn_text_options){.timezone = fn_tz_utc(), .best_effort_datetime = true, .json_escape_slashes = true, .json_named_tuples_as_objects = true,
                           .null_as_default = true, .skip_unknown_fields = true, .csv_delimiter = ','};
}

fn_status fn_text_write(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    if (fn_column_is_null(c, row)) {
        const bool mark = style == FN_TEXT_ESCAPED || style == FN_TEXT_CSV;
        const fn_str own = style == FN_TEXT_ESCAPED ? o->tsv_null : o->csv_null;
        if (mark && own.size) return fn_buf_str(ctx, out, own);
        return fn_buf_cstr(ctx, out, mark ? "\\N" : style == FN_TEXT_JSON ? "null" : "NULL");
    }
    const fn_column *flat = fn_column_at(c, &row);
    return fn_type_base(flat->type)->class->write(ctx, flat, row, style, o, out);
}

static bool ends_field(char c, fn_text_style style, const fn_text_options *o)
{
    return c == '\t' || c == '\n' || c == '\r' || (style == FN_TEXT_CSV && c == o->csv_delimiter);
}

/* True and behind it if the input has a NULL in this style. */
static bool take_null(fn_text_in *in, fn_text_style style, const fn_text_options *o)
{
    const size_t left = (size_t)(in->end - in->at);
    if (style == FN_TEXT_ESCAPED || style == FN_TEXT_CSV) {
        const fn_str own = style == FN_TEXT_ESCAPED ? o->tsv_null : o->csv_null;
        if (own.size) {
            const bool yes = left >= own.size && memcmp(in->at, own.data, own.size) == 0 && (left == own.size || ends_field(in->at[own.size], style, o));
            if (yes) in->at += own.size;
            return yes;
        }
        if (left >= 2 && in->at[0] == '\\' && in->at[1] == 'N' &&
            (left == 2 || ends_field(in->at[2], style, o))) {
            in->at += 2;
            return true;
        }
        return false;
    }
    if (style == FN_TEXT_PLAIN) {
        const bool yes = left == 4 && memcmp(in->at, "NULL", 4) == 0;
        if (yes) in->at = in->end;
        return yes;
    }
    fn_text_in ahead = *in;
    text_skip_space(&ahead);
    const fn_str word = style == FN_TEXT_JSON ? FN_STR("null") : FN_STR("NULL");
    if ((size_t)(ahead.end - ahead.at) < word.size || !fn_str_eq_nocase((fn_str){ahead.at, word.size}, word)) return false;
    in->at = ahead.at + word.size;
    return true;
}

fn_status fn_text_read(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const bool nullable = fn_type_is_nullable(type);
    if ((nullable || (o->null_as_default && style != FN_TEXT_PLAIN)) && (nullable || !fn_type_is_string(fn_type_base(type)) || style != FN_TEXT_PLAIN) &&
        take_null(in, style, o))
        return nullable ? fn_builder_null(ctx, out) : fn_builder_default(ctx, out);
    return fn_type_base(type)->class->read(ctx, in, type, style, o, out);
}
