/* json_insert.c - JSON values into columns of any type: what JSONExtract stands on. A value that does not fit is left out and the
 * caller puts the type's default. Numbers are range-checked; strings are read as numbers, dates, UUIDs ... where the type asks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/json.h"
#include <math.h>

/* The text form of the type: strings without quotes, everything else as written. */
static fn_status from_text(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok)
{
    fn_text_options options;
    const uint32_t before = to->rows;
    fn_str text = n->text;
    if (n->kind == JSON_STRING && n->escaped) {
        doc->scratch.size = 0;
        FN_TRY(json_string(ctx, n, &doc->scratch));
        text = fn_buf_view(&doc->scratch);
    }
    expr_text_options(ctx, &options);
    fn_text_in in = {text.data, text.data + text.size, text.data};
    const fn_status status = text.size ? fn_text_read(ctx, &in, type, FN_TEXT_PLAIN, &options, to) : FN_OK;
    *ok = status == FN_OK && text.size && in.at == in.end && to->rows == before + 1;
    if (status == FN_MEMORY_LIMIT_EXCEEDED || status == FN_CANNOT_ALLOCATE_MEMORY) return status;
    if (status != FN_OK) fn_error_clear(ctx);
    if (!*ok) fn_builder_truncate(to, before);
    return FN_OK;
}

static fn_status put_integer(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok)
{
    const bool is_signed = !fn_type_is_unsigned(type);
    const unsigned bits = type->width * 8;
    if (n->kind == JSON_STRING || n->kind == JSON_BIG || (bits > 64 && n->kind != JSON_DOUBLE)) return from_text(ctx, doc, n, type, to, ok);
    int64_t v = n->i64;
    if (n->kind == JSON_DOUBLE) {
        const double top = ldexp(1.0, (int)FN_MIN(bits, 64u) - is_signed), low = is_signed ? -top : 0, d = trunc(n->f64);
        *ok = bits <= 64 && d >= low && d < top;
        if (*ok) v = d < 9.2e18 ? (int64_t)d : (int64_t)(uint64_t)d;
    } else if (n->kind == JSON_INT) {
        *ok = is_signed ? bits == 64 || (v >= -(1LL << (bits - 1)) && v < 1LL << (bits - 1)) : v >= 0 && (bits == 64 || v < 1LL << bits);
    } else {
        *ok = n->kind == JSON_UINT && !is_signed && bits == 64;
    }
    return *ok ? fn_builder_fixed(ctx, to, &v) : FN_OK;
}

static fn_status put_float(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok)
{
    if (n->kind == JSON_STRING || n->kind == JSON_BIG) return from_text(ctx, doc, n, type, to, ok);
    *ok = n->kind == JSON_DOUBLE || n->kind == JSON_INT || n->kind == JSON_UINT;
    if (!*ok) return FN_OK;
    const double d = n->kind == JSON_DOUBLE ? n->f64 : n->kind == JSON_INT ? (double)n->i64 : (double)n->u64;
    const float f = (float)d;
    return fn_builder_fixed(ctx, to, type->width == 4 ? (const void *)&f : (const void *)&d);
}

static fn_status put_string(fn_ctx *ctx, json_doc *doc, const json_node *n, fn_builder *to, bool *ok)
{
    *ok = n->kind != JSON_NULL;
    if (!*ok) return FN_OK;
    doc->scratch.size = 0;
    FN_TRY(n->kind == JSON_STRING ? json_string(ctx, n, &doc->scratch) : json_write(ctx, doc, n, &doc->scratch));
    return fn_builder_str(ctx, to, fn_buf_view(&doc->scratch));
}

static fn_status put_or_default(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *any)
{
    bool ok = false;
    if (n) FN_TRY(json_insert(ctx, doc, n, type, to, &ok));
    *any |= ok;
    return ok ? FN_OK : fn_builder_default(ctx, to);
}

static fn_status put_array(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok)
{
    *ok = n->kind == JSON_ARRAY;
    if (!*ok) return FN_OK;
    const uint32_t before = to->kids[0].rows;
    bool any = n->count == 0;
    const json_node *kid = json_first(n);
    for (uint32_t i = 0; i < n->count; i++, kid = json_next(doc, kid)) FN_TRY(put_or_default(ctx, doc, kid, type->args[0], &to->kids[0], &any));
    *ok = any;
    if (any) return fn_builder_close_array(ctx, to);
    fn_builder_truncate(&to->kids[0], before);
    return FN_OK;
}

static fn_status put_map(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok)
{
    *ok = n->kind == JSON_OBJECT;
    if (!*ok) return FN_OK;
    fn_builder *pair = &to->kids[0];
    bool any = false;
    const json_node *kid = json_first(n);
    for (uint32_t i = 0; i < n->count; i++) {
        FN_TRY(put_or_default(ctx, doc, kid, type->args[0], &pair->kids[0], &any));
        kid = json_next(doc, kid);
        FN_TRY(put_or_default(ctx, doc, kid, type->args[1], &pair->kids[1], &any));
        FN_TRY(fn_builder_close_tuple(ctx, pair));
        kid = json_next(doc, kid);
    }
    return fn_builder_close_array(ctx, to);
}

static fn_status put_tuple(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok)
{
    *ok = n->kind == JSON_ARRAY || n->kind == JSON_OBJECT;
    if (!*ok) return FN_OK;
    bool any = type->arg_count == 0;
    for (unsigned i = 0; i < type->arg_count; i++) {
        const json_node *key, *value = NULL;
        if (n->kind == JSON_OBJECT && type->arg_names) FN_TRY(json_find(ctx, doc, n, fn_cstr(type->arg_names[i]), false, &value));
        else value = json_at(doc, n, (int64_t)i + 1, &key);
        FN_TRY(put_or_default(ctx, doc, value, type->args[i], &to->kids[i], &any));
    }
    *ok = any;
    if (any) return fn_builder_close_tuple(ctx, to);
    for (unsigned i = 0; i < type->arg_count; i++) fn_builder_truncate(&to->kids[i], to->rows);
    return FN_OK;
}

static fn_status put_bool(fn_ctx *ctx, const json_node *n, fn_builder *to, bool *ok)
{
    if (n->kind == JSON_STRING) { /* digits */
        uint8_t any = 0;
        *ok = n->text.size > 0;
        for (size_t i = 0; i < n->text.size; i++) {
            *ok &= text_is_digit((uint8_t)n->text.data[i]);
            any |= n->text.data[i] != '0';
        }
        return *ok ? fn_builder_fixed(ctx, to, &any) : FN_OK;
    }
    *ok = n->kind == JSON_BOOL || n->kind == JSON_INT || n->kind == JSON_UINT || n->kind == JSON_DOUBLE;
    const uint8_t b = n->kind == JSON_DOUBLE ? n->f64 != 0 : n->u64 != 0;
    return *ok ? fn_builder_fixed(ctx, to, &b) : FN_OK;
}

fn_status json_insert(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok)
{
    *ok = false;
    if (fn_type_is_nullable(type) && n->kind == JSON_NULL) {
        *ok = true;
        return fn_builder_null(ctx, to);
    }
    type = fn_type_base(type);
    if (fn_type_is_integer(type)) return put_integer(ctx, doc, n, type, to, ok);
    if (fn_type_is_float(type)) return put_float(ctx, doc, n, type, to, ok);
    switch (type->id) {
    case FN_T_BOOL: return put_bool(ctx, n, to, ok);
    case FN_T_STRING: return put_string(ctx, doc, n, to, ok);
    case FN_T_ARRAY: return put_array(ctx, doc, n, type, to, ok);
    case FN_T_MAP: return put_map(ctx, doc, n, type, to, ok);
    case FN_T_TUPLE: return put_tuple(ctx, doc, n, type, to, ok);
    case FN_T_DECIMAL: return n->kind == JSON_NULL || n->kind == JSON_BOOL || n->kind >= JSON_ARRAY ? FN_OK : from_text(ctx, doc, n, type, to, ok);
    default: return n->kind == JSON_STRING || n->kind == JSON_INT ? from_text(ctx, doc, n, type, to, ok) : FN_OK; /* dates, UUID, Enum ...: their text */
    }
}
