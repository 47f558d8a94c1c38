/* type_float.c - Float32, Float64, Bool. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"
#include <math.h>

static fn_status make(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type_id id = class == &type_float32 ? FN_T_FLOAT32 : class == &type_float64 ? FN_T_FLOAT64 : FN_T_BOOL;
    bool widths = args->count >= 1 && args->count <= 2 && id != FN_T_BOOL; /* FLOAT(10, 2) */
    for (uint32_t i = 0; i < args->count; i++) widths &= args->items[i].kind == TYPE_ARG_NUMBER;
    return type_make_simple(ctx, id, widths ? NULL : args, out);
}

static fn_status write_float(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    const bool single = fn_type_base(c->type)->id == FN_T_FLOAT32;
    const double v = single ? (double)fn_load_f32(c->values + 4 * row) : fn_load_f64(c->values + 8 * row);
    FN_TRY(fn_buf_reserve(ctx, out, 40));
    if (style == FN_TEXT_JSON && !isfinite(v)) {
        if (!o->json_quote_denormals) return fn_buf_cstr(ctx, out, "null");
        return fn_buf_cstr(ctx, out, isnan(v) ? "\"nan\"" : v < 0 ? "\"-inf\"" : "\"inf\"");
    }
    out->size += single ? text_f32((float)v, out->data + out->size) : text_f64(v, out->data + out->size);
    return FN_OK;
}

static fn_status read_float(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const fn_type *t = fn_type_base(type);
    text_token token;
    double v;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    fn_status status;
    if (text_parse_f64(token.value, &v)) {
        const float single = (float)v;
        status = fn_builder_fixed(ctx, out, t->id == FN_T_FLOAT32 ? (const void *)&single : (const void *)&v);
    } else {
        status = text_token_bad(ctx, in, &token, style == FN_TEXT_PLAIN ? FN_CANNOT_PARSE_TEXT : FN_CANNOT_PARSE_NUMBER, t->name);
    }
    text_token_release(&token);
    return status;
}

static fn_status write_bool(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    const fn_str own = c->values[row] ? o->true_text : o->false_text;
    if (o->bool_as_number) return fn_buf_byte(ctx, out, c->values[row] ? '1' : '0');
    if (own.size && style != FN_TEXT_JSON && style != FN_TEXT_QUOTED) return fn_buf_str(ctx, out, own);
    return fn_buf_cstr(ctx, out, c->values[row] ? "true" : "false");
}

static fn_status read_bool(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    static const char *const yes[] = {"true", "1", "t", "y", "yes", "on", "enable", "enabled"};
    static const char *const no[] = {"false", "0", "f", "n", "no", "off", "disable", "disabled"};
    (void)type;
    text_token token;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    int value = fn_str_eq(token.value, FN_STR("true")) ? 1 : fn_str_eq(token.value, FN_STR("false")) ? 0 : -1; /* nearly always */
    for (size_t i = 0; i < FN_COUNT(yes) && value < 0; i++) {
        if (fn_str_eq_nocase(token.value, fn_cstr(yes[i]))) value = 1;
        if (fn_str_eq_nocase(token.value, fn_cstr(no[i]))) value = 0;
    }
    if (o->true_text.size && fn_str_eq(token.value, o->true_text)) value = 1;
    if (o->false_text.size && fn_str_eq(token.value, o->false_text)) value = 0;
    const uint8_t byte = (uint8_t)value;
    const fn_status status = value >= 0 ? fn_builder_fixed(ctx, out, &byte) : text_token_bad(ctx, in, &token, FN_CANNOT_PARSE_BOOL, "Bool");
    text_token_release(&token);
    return status;
}

static const char *const aliases32[] = {"FLOAT", "REAL", "SINGLE", NULL};
static const char *const aliases64[] = {"DOUBLE", "DOUBLE PRECISION", NULL};
static const char *const aliases_bool[] = {"bool", "boolean", NULL};
const fn_type_class type_float32 = {.name = "Float32", .aliases = aliases32, .alias_nocase = true, .make = make, .write = write_float, .read = read_float,
                                    .about = "IEEE 754 single precision number."};
const fn_type_class type_float64 = {.name = "Float64", .aliases = aliases64, .alias_nocase = true, .make = make, .write = write_float, .read = read_float,
                                    .about = "IEEE 754 double precision number."};
const fn_type_class type_bool = {.name = "Bool", .aliases = aliases_bool, .alias_nocase = true, .make = make, .write = write_bool, .read = read_bool,
                                 .about = "true or false, stored as one byte."};
