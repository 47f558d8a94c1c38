/* type_string.c - String and FixedString. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"

static fn_status make_string(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const bool width = args->count == 1 && args->items[0].kind == TYPE_ARG_NUMBER && !fn_str_eq(args->written, fn_cstr(class->name)); /* VARCHAR(255) */
    return type_make_simple(ctx, FN_T_STRING, width ? NULL : args, out);
}

static fn_status make_fixed(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    if (args->count != 1 || args->items[0].kind != TYPE_ARG_NUMBER)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "%s data type family must have exactly one argument - size in bytes", class->name);
    const int64_t n = args->items[0].number;
    if (n < 1) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "FixedString size must be positive");
    if (n > 0xffffff) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "FixedString size is too large");
    *out = *fn_type_fixed_string((uint32_t)n);
    return FN_OK;
}

static fn_str value_at(const fn_column *c, size_t row)
{
    if (c->offsets) return (fn_str){(const char *)c->values + c->offsets[row], c->offsets[row + 1] - c->offsets[row]};
    const uint32_t width = fn_type_base(c->type)->width;
    return (fn_str){(const char *)c->values + row * width, width};
}

static fn_status write(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    return text_put_string(ctx, value_at(c, row), style, o, out);
}

static fn_status read(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    (void)type;
    text_token token;
    fn_status status = text_token_read(ctx, in, style, o, &token);
    if (status == FN_OK && style == FN_TEXT_QUOTED && !token.quoted)
        status = text_token_bad(ctx, in, &token, FN_CANNOT_PARSE_QUOTED_STRING, "String: expected opening quote");
    if (status == FN_OK && (status = fn_builder_str(ctx, out, token.value)) != FN_OK) in->at = token.begin;
    text_token_release(&token);
    return status;
}

static const char *const string_aliases[] = {"VARCHAR", "TEXT", "CHAR", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB",
                                             "BYTEA", "CLOB", "NCHAR", "NVARCHAR", "VARCHAR2", "CHARACTER", "VARBINARY", "CHARACTER VARYING",
                                             "CHARACTER LARGE OBJECT", "CHAR VARYING", "CHAR LARGE OBJECT", "BINARY LARGE OBJECT", "BINARY VARYING",
                                             "NATIONAL CHAR", "NATIONAL CHARACTER", "GEOMETRY", NULL};
static const char *const fixed_aliases[] = {"BINARY", NULL};
const fn_type_class type_string = {.name = "String", .aliases = string_aliases, .alias_nocase = true, .make = make_string, .write = write, .read = read,
                                   .about = "Bytes of any length."};
const fn_type_class type_fixed_string = {.name = "FixedString", .aliases = fixed_aliases, .alias_nocase = true, .make = make_fixed, .write = write,
                                         .read = read, .about = "Exactly N bytes; shorter values are filled with zero bytes."};
