/* type_enum.c - Enum8, Enum16 and Enum, which is the narrower of both that fits. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"
#include <stdlib.h>

static fn_status make(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    if (!args->count) return fn_fail(ctx, FN_EMPTY_DATA_PASSED, "Data type %s cannot be empty", class->name);
    fn_enum_value *values = FN_NEW_ARRAY(ctx, fn_enum_value, args->count);
    FN_TRY_PTR(ctx, values);
    int64_t next = 1;
    bool wide = class == &type_enum16;
    for (uint32_t i = 0; i < args->count; i++) {
        const type_arg *a = &args->items[i];
        if (a->kind != TYPE_ARG_STRING) return fn_fail(ctx, FN_UNEXPECTED_AST_STRUCTURE, "Elements of Enum data type must be of form: 'name' = number or 'name'");
        const int64_t v = a->has_value ? a->number : next;
        if (v < INT16_MIN || v > INT16_MAX || (class == &type_enum8 && (v < INT8_MIN || v > INT8_MAX)))
            return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Value %lld for element '" FN_STR_FMT "' exceeds range of %s", (long long)v, FN_STR_ARG(a->text), class->name);
        wide |= v < INT8_MIN || v > INT8_MAX;
        values[i] = (fn_enum_value){a->text, (int16_t)v};
        next = v + 1;
        for (uint32_t k = 0; k < i && args->count < 5000; k++)
            if (fn_str_eq(values[k].name, a->text) || values[k].value == v)
                return fn_fail(ctx, FN_SYNTAX_ERROR, "Duplicate names or values in enum: '" FN_STR_FMT "' = %lld", FN_STR_ARG(a->text), (long long)v);
    }
    const fn_type *t = fn_type_enum(values, args->count, wide);
    if (!t) return fn_fail_memory(ctx, args->count * sizeof *values);
    *out = *t;
    return FN_OK;
}

static int value_at(const fn_column *c, size_t row)
{
    return fn_type_base(c->type)->width == 1 ? (int8_t)c->values[row] : fn_load_i16(c->values + 2 * row);
}

static fn_status write(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    const fn_enum_value *v = fn_enum_by_value(fn_type_base(c->type), value_at(c, row));
    if (v) return text_put_string(ctx, v->name, style, o, out);
    return fn_buf_printf(ctx, out, "%d", value_at(c, row)); /* a value outside the list: hand-made data */
}

static fn_status read(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const fn_type *t = fn_type_base(type);
    text_token token;
    char copy[16];
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    const fn_enum_value *v = fn_enum_by_name(t, token.value);
    if (!v && token.value.size && token.value.size < sizeof copy && !token.quoted) { /* by number */
        char *end;
        memcpy(copy, token.value.data, token.value.size);
        copy[token.value.size] = 0;
        const long number = strtol(copy, &end, 10);
        if (!*end && number >= INT16_MIN && number <= INT16_MAX) v = fn_enum_by_value(t, (int)number);
    }
    fn_status status;
    if (v) status = fn_builder_fixed(ctx, out, &v->value);
    else {
        in->at = token.begin;
        status = fn_fail(ctx, FN_UNKNOWN_ELEMENT_OF_ENUM, "Unknown element '" FN_STR_FMT "' for enum", (int)FN_MIN(token.value.size, (size_t)200), token.value.data);
    }
    text_token_release(&token);
    return status;
}

static const char *const nocase[] = {"ENUM", NULL};
static const char about[] = "A string from a fixed list, stored as a number.";
const fn_type_class type_enum8 = {.name = "Enum8", .make = make, .write = write, .read = read, .about = about};
const fn_type_class type_enum16 = {.name = "Enum16", .make = make, .write = write, .read = read, .about = about};
const fn_type_class type_enum = {.name = "Enum", .aliases = nocase, .alias_nocase = true, .make = make, .write = write, .read = read, .about = about};
