/* type_decimal.c - Decimal(P, S) and its fixed-width names. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"
#include <firn/wide.h>

static fn_status make(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const unsigned fixed = class == &type_decimal32 ? 9 : class == &type_decimal64 ? 18 : class == &type_decimal128 ? 38 : class == &type_decimal256 ? 76 : 0;
    int64_t precision = fixed ? fixed : 10, scale = 0;
    for (uint32_t i = 0; i < args->count; i++)
        if (args->items[i].kind != TYPE_ARG_NUMBER) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Decimal argument is not a number");
    FN_TRY(type_arg_count(ctx, args, class->name, fixed ? 1 : 0, fixed ? 1 : 2));
    if (fixed) {
        scale = args->items[0].number;
    } else {
        if (args->count > 0) precision = args->items[0].number;
        if (args->count > 1) scale = args->items[1].number;
    }
    if (precision < 1 || precision > 76) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Wrong precision: it must be between 1 and 76, got %lld", (long long)precision);
    if (scale < 0 || scale > precision)
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Negative scales and scales larger than precision are not supported");
    *out = *fn_type_decimal((unsigned)precision, (unsigned)scale);
    return FN_OK;
}

static fn_i256 load(const fn_type *t, const uint8_t *v)
{
    switch (t->width) {
    case 4: return fn_i256_from_i64(fn_load_i32(v));
    case 8: return fn_i256_from_i64(fn_load_i64(v));
    case 16: return fn_i256_from_i128(fn_load_i128(v));
    default: return fn_load_i256(v);
    }
}

static fn_status write(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    const fn_type *t = fn_type_base(c->type);
    FN_TRY(fn_buf_reserve(ctx, out, FN_WIDE_TEXT_MAX + 4));
    const bool quote = style == FN_TEXT_JSON && o->json_quote_decimals;
    if (quote) out->data[out->size++] = '"';
    out->size += fn_decimal_text(load(t, c->values + row * t->width), t->scale, o->decimal_trailing_zeros, out->data + out->size);
    if (quote) out->data[out->size++] = '"';
    return FN_OK;
}

static fn_status read(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const fn_type *t = fn_type_base(type);
    text_token token;
    fn_i256 v;
    bool overflow;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    fn_status status;
    if (!text_parse_decimal(token.value, t->scale, &v, &overflow)) {
        status = text_token_bad(ctx, in, &token, FN_CANNOT_PARSE_TEXT, t->name);
    } else {
        const fn_i256 limit = fn_i256_pow10(t->precision);
        const fn_i256 size = fn_i256_is_negative(v) ? fn_i256_neg(v) : v;
        if (overflow || fn_i256_compare(size, limit, true) >= 0) {
            in->at = token.begin;
            status = fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Decimal value is too big: it does not fit into %s", t->name);
        } else {
            status = fn_builder_fixed(ctx, out, &v);
        }
    }
    text_token_release(&token);
    return status;
}

static const char *const aliases[] = {"DEC", "NUMERIC", "FIXED", "DECIMAL", NULL};
static const char about[] = "Fixed-point number of P digits, S of them behind the point.";
const fn_type_class type_decimal = {.name = "Decimal", .aliases = aliases, .alias_nocase = true, .make = make, .write = write, .read = read, .about = about};
const fn_type_class type_decimal32 = {.name = "Decimal32", .make = make, .write = write, .read = read, .about = about};
const fn_type_class type_decimal64 = {.name = "Decimal64", .make = make, .write = write, .read = read, .about = about};
const fn_type_class type_decimal128 = {.name = "Decimal128", .make = make, .write = write, .read = read, .about = about};
const fn_type_class type_decimal256 = {.name = "Decimal256", .make = make, .write = write, .read = read, .about = about};
