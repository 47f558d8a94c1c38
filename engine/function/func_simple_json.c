/* func_simple_json.c - simpleJSON* (visitParam*): fields by searching for "name": in the text, as ClickHouse does: no spaces around the
 * colon, the first place counts on whatever level it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/json.h"
#include "function/utf8.h"
#include <stdlib.h>

/* The text behind "name": or false. */
static bool find_field(fn_str json, fn_str name, fn_str *rest)
{
    for (size_t at = 0;;) {
        const ptrdiff_t hit = text_find(json, at, name);
        if (hit < 0) return false;
        const size_t behind = (size_t)hit + name.size;
        if (hit > 0 && json.data[hit - 1] == '"' && behind + 1 < json.size && json.data[behind] == '"' && json.data[behind + 1] == ':') {
            *rest = text_from(json, behind + 2);
            return true;
        }
        at = (size_t)hit + 1;
        if (at > json.size) return false;
    }
}
static fn_status bind_simple(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "sc"));
    const fn_str name = fn_cstr(call->def->name);
    const fn_type_id id = fn_str_ends(name, FN_STR("UInt")) ? FN_T_UINT64 : fn_str_ends(name, FN_STR("Int")) ? FN_T_INT64 : fn_str_ends(name, FN_STR("Float")) ? FN_T_FLOAT64
                          : fn_str_ends(name, FN_STR("Has")) || fn_str_ends(name, FN_STR("Bool")) ? FN_T_UINT8 : FN_T_STRING;
    call->type = fn_type_simple(id);
    return FN_OK;
}

static fn_status row_has(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_str rest;
    *to = find_field(text_at(args[0], row), text_at(args[1], 0), &rest);
    return FN_OK;
}
static fn_status row_bool(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_str rest;
    *to = find_field(text_at(args[0], row), text_at(args[1], 0), &rest) && fn_str_starts(rest, FN_STR("true"));
    return FN_OK;
}
/* A number, also in quotes; what cannot be read is 0. */
static fn_status row_number(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    fn_str rest;
    char text[64];
    size_t n = 0;
    memset(to, 0, 8);
    if (!find_field(text_at(args[0], row), text_at(args[1], 0), &rest)) return FN_OK;
    if (rest.size && rest.data[0] == '"') rest = text_from(rest, 1);
    const bool real = fn_type_is_float(call->type);
    while (n < rest.size && n + 1 < sizeof text && (text_is_digit((uint8_t)rest.data[n]) || strchr(real ? "+-.eE" : "+-", rest.data[n]))) {
        if (!rest.data[n]) break;
        text[n] = rest.data[n];
        n++;
    }
    text[n] = 0;
    if (real) fn_store_f64(to, strtod(text, NULL));
    else if (fn_type_is_unsigned(call->type)) fn_store_u64(to, text[0] == '-' ? 0 : strtoull(text, NULL, 10));
    else fn_store_i64(to, strtoll(text, NULL, 10));
    return FN_OK;
}
TEXT_EVAL(eval_has, fixed_rows, row_has)
TEXT_EVAL(eval_bool, fixed_rows, row_bool)
TEXT_EVAL(eval_number, fixed_rows, row_number)

/* Size of the quoted string at s.data[0] = '"' with its quotes; 0 if it does not end. */
static size_t quoted_size(fn_str s)
{
    for (size_t i = 1; i < s.size; i++) {
        if (s.data[i] == '\\') i++;
        else if (s.data[i] == '"') return i + 1;
    }
    return 0;
}
static fn_status row_raw(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    fn_str rest;
    if (!find_field(text_at(args[0], row), text_at(args[1], 0), &rest)) return FN_OK;
    size_t depth = 0, i = 0;
    while (i < rest.size) {
        const char b = rest.data[i];
        if (b == '"') {
            const size_t n = quoted_size(text_from(rest, i));
            if (!n) return FN_OK;
            i += n;
            continue;
        }
        if (depth == 0 && (b == ',' || b == '}' || b == ']')) break;
        if (b == '{' || b == '[') depth++;
        if (b == '}' || b == ']') depth--;
        i++;
    }
    return fn_buf_append(ctx, to, rest.data, i);
}
static fn_status row_string(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    fn_str rest;
    if (!find_field(text_at(args[0], row), text_at(args[1], 0), &rest) || !rest.size || rest.data[0] != '"') return FN_OK;
    const size_t size = quoted_size(rest);
    if (!size) return FN_OK;
    json_doc doc = {0};
    bool valid = false;
    fn_status status = json_parse(ctx, &doc, (fn_str){rest.data, size}, &valid);
    if (status == FN_OK && valid) status = json_string(ctx, doc.nodes, to);
    json_release(&doc);
    return status;
}
TEXT_EVAL(eval_raw, text_rows, row_raw)
TEXT_EVAL(eval_string, text_rows, row_string)

#define SIMPLE(fn, names, e, what, json, res)                                                                                            \
    {.name = fn, .aliases = names, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_simple, .eval = e, .about = what, .example = fn "('" json "', 'a')", .gives = res}
static const char *const has_names[] = {"visitParamHas", NULL};
static const char *const int_names[] = {"visitParamExtractInt", NULL};
static const char *const uint_names[] = {"visitParamExtractUInt", NULL};
static const char *const float_names[] = {"visitParamExtractFloat", NULL};
static const char *const bool_names[] = {"visitParamExtractBool", NULL};
static const char *const string_names[] = {"visitParamExtractString", NULL};
static const char *const raw_names[] = {"visitParamExtractRaw", NULL};
static const func_def rows_[] = {
    SIMPLE("simpleJSONHas", has_names, eval_has, "1 if the text holds the field.", "{\"a\":1}", "1"),
    SIMPLE("simpleJSONExtractInt", int_names, eval_number, "The field as Int64.", "{\"a\":-1}", "-1"),
    SIMPLE("simpleJSONExtractUInt", uint_names, eval_number, "The field as UInt64.", "{\"a\":1}", "1"),
    SIMPLE("simpleJSONExtractFloat", float_names, eval_number, "The field as Float64.", "{\"a\":1.5}", "1.5"),
    SIMPLE("simpleJSONExtractBool", bool_names, eval_bool, "1 if the field is true.", "{\"a\":true}", "1"),
    SIMPLE("simpleJSONExtractString", string_names, eval_string, "The field's string.", "{\"a\":\"x\"}", "x"),
    SIMPLE("simpleJSONExtractRaw", raw_names, eval_raw, "The field as it stands in the text.", "{\"a\":[1]}", "[1]"),
};
const func_family func_family_simple_json = FUNC_FAMILY("JSON", rows_);
