/* func_string.c - length, empty, notEmpty, lower, upper, startsWith* and endsWith*.
 * Strings, arrays and maps share their offsets, so length, empty and notEmpty read those alone. lower and upper change ASCII
 * letters over the bytes of the whole column at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/utf8_case.h"

/* ---- length, empty, notEmpty ---- */
static bool has_size(const fn_type *t)
{
    return t->phys == FN_PHYS_STRING || t->phys == FN_PHYS_ARRAY || t->id == FN_T_FIXED_STRING;
}
static fn_status bind_length(fn_ctx *ctx, func_call *call)
{
    return has_size(call->arg_types[0]) ? func_bind_u64(ctx, call) : func_illegal(ctx, call);
}
static fn_status bind_empty(fn_ctx *ctx, func_call *call)
{
    return has_size(call->arg_types[0]) ? func_bind_u8(ctx, call) : func_illegal(ctx, call);
}
/* By way of the codes: the entries' offsets are read, never their bytes. */
static void entry_lengths(const fn_column *c, uint32_t rows, uint8_t *values)
{
    const uint32_t *o = c->kids[0]->offsets;
    if (c->code_width == 4) {
        for (size_t i = 0; i < rows; i++) {
            const uint32_t code = fn_load_u32(c->values + 4 * i);
            fn_store_u64(values + i * 8, o[code + 1] - o[code]);
        }
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        const uint32_t code = fn_column_code(c, i);
        fn_store_u64(values + i * 8, o[code + 1] - o[code]);
    }
}
static fn_status eval_length(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    if (args[0]->shape == FN_DICT && args[0]->type->phys != FN_PHYS_FIXED) {
        entry_lengths(args[0], rows, values);
        return FN_OK;
    }
    const size_t step = func_step(args[0]);
    const uint32_t *o = args[0]->offsets;
    for (size_t i = 0; i < rows; i++)
        fn_store_u64(values + i * 8, args[0]->type->phys == FN_PHYS_FIXED ? args[0]->type->width : o[i * step + 1] - o[i * step]);
    return FN_OK;
}
static bool all_zero(const uint8_t *p, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) any |= p[i];
    return any == 0;
}
static fn_status empty_run(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, bool wanted, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    const fn_column *c = args[0];
    const size_t step = func_step(c), width = c->type->width;
    for (size_t i = 0; i < rows; i++) {
        const bool empty = c->type->phys == FN_PHYS_FIXED ? all_zero(c->values + i * step * width, width) : c->offsets[i * step + 1] == c->offsets[i * step];
        values[i] = empty == wanted;
    }
    return FN_OK;
}
static fn_status eval_empty(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return empty_run(ctx, call, args, rows, true, out);
}
static fn_status eval_not_empty(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return empty_run(ctx, call, args, rows, false, out);
}

/* ---- building strings: the rows' bytes by a builder ---- */
static fn_status bind_case(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_string(call->arg_types[0])) return func_illegal(ctx, call);
    call->type = call->arg_types[0];
    return FN_OK;
}
/* Bytes first..last (letters of one case) get bit 32 flipped. */
static fn_status case_run(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, uint8_t first, fn_column **out)
{
    const fn_column *c = args[0];
    const size_t stored = c->shape == FN_CONST ? 1 : rows, width = c->type->width;
    const size_t from = width ? 0 : c->offsets[0], size = width ? stored * width : c->offsets[stored] - c->offsets[0];
    fn_buffer *bytes = fn_buffer_new(ctx, size), *offsets = width ? NULL : fn_buffer_new(ctx, (stored + 1) * 4);
    if (!bytes || (!width && !offsets)) {
        fn_buffer_drop(bytes);
        fn_buffer_drop(offsets);
        return ctx->error.code;
    }
    for (size_t i = 0; i < size; i++) {
        const uint8_t b = c->values[from + i];
        bytes->data[i] = (uint8_t)(b ^ ((uint8_t)(b - first) < 26 ? 32 : 0));
    }
    for (size_t i = 0; offsets && i <= stored; i++) fn_store_u32(offsets->data + 4 * i, c->offsets[i] - c->offsets[0]);
    fn_column *made = width ? fn_column_fixed(ctx, call->type, (uint32_t)stored, bytes, NULL)
                            : fn_column_string(ctx, call->type, (uint32_t)stored, bytes, offsets, NULL);
    FN_TRY_PTR(ctx, made);
    *out = c->shape == FN_CONST ? fn_column_repeat(ctx, made, 0, rows) : fn_column_ref(made);
    fn_column_drop(made);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status eval_lower(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return case_run(ctx, call, args, rows, 'A', out);
}
static fn_status eval_upper(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return case_run(ctx, call, args, rows, 'a', out);
}

/* ---- startsWith, endsWith ---- */
typedef struct ends_kind {
    bool back, fold, utf8;
} ends_kind;
static fn_status bind_ends(fn_ctx *ctx, func_call *call)
{
    const fn_type *a = call->arg_types[0], *b = call->arg_types[1];
    const bool strings = fn_type_is_string(a) && fn_type_is_string(b);
    ends_kind *k = FN_NEW(ctx, ends_kind);
    FN_TRY_PTR(ctx, k);
    const char *name = call->def->name;
    *k = (ends_kind){name[0] == 'e', strstr(name, "CaseInsensitive") != NULL, strstr(name, "UTF8") != NULL};
    if (!strings && (k->fold || k->utf8 || a->id != FN_T_ARRAY || b->id != FN_T_ARRAY)) return func_illegal(ctx, call);
    call->data = k;
    return func_bind_u8(ctx, call);
}
static bool string_ends(const ends_kind *k, fn_str s, fn_str part)
{
    if (!(k->back ? fn_str_ends(s, part) : fn_str_starts(s, part))) return false;
    if (!k->utf8 || part.size == 0 || part.size == s.size) return true;
    const size_t border = k->back ? s.size - part.size : part.size; /* not inside of a code point */
    return !utf8_is_continuation((uint8_t)s.data[border]);
}
static bool array_ends(const ends_kind *k, const fn_column *a, const fn_column *b, size_t row)
{
    uint32_t first_a, first_b, count_a, count_b;
    const fn_column *items_a = fn_column_items_at(a, row, &first_a, &count_a), *items_b = fn_column_items_at(b, row, &first_b, &count_b);
    if (count_b > count_a) return false;
    if (k->back) first_a += count_a - count_b;
    for (uint32_t i = 0; i < count_b; i++)
        if (!fn_column_equal_at(items_a, first_a + i, items_b, first_b + i)) return false;
    return true;
}
static fn_status ends_rows(fn_ctx *ctx, const func_call *call, const fn_column *a, const fn_column *b, uint32_t rows, fn_column **out)
{
    const ends_kind *k = call->data;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) values[i] = a->type->id == FN_T_ARRAY ? array_ends(k, a, b, i) : string_ends(k, text_at(a, i), text_at(b, i));
    return FN_OK;
}
static fn_status eval_ends(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const ends_kind *k = call->data;
    const bool arrays = args[0]->type->id == FN_T_ARRAY;
    fn_column *a = NULL, *b = NULL;
    fn_status status = FN_OK;
    if (k->fold) {
        status = text_fold(ctx, args[0], k->utf8, &a);
        if (status == FN_OK) status = text_fold(ctx, args[1], k->utf8, &b);
    } else if (arrays && args[0]->type != args[1]->type) {
        const fn_type *both[2] = {args[0]->type, args[1]->type}, *common;
        status = fn_type_common(ctx, both, 2, &common);
        if (status == FN_OK) status = expr_convert(ctx, args[0], common, CONVERT_CAST, &a);
        if (status == FN_OK) status = expr_convert(ctx, args[1], common, CONVERT_CAST, &b);
    } else {
        a = fn_column_ref(args[0]);
        b = fn_column_ref(args[1]);
    }
    if (status == FN_OK) status = ends_rows(ctx, call, a, b, rows, out);
    fn_column_drop(a);
    fn_column_drop(b);
    return status;
}

static const char *const length_names[] = {"OCTET_LENGTH", NULL};
static const char *const lower_names[] = {"lcase", NULL};
static const char *const upper_names[] = {"ucase", NULL};
#define ENDS(fn, what, ex)                                                                                                               \
    {.name = fn, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_ends, .eval = eval_ends, .about = what, .example = fn ex, .gives = "1"}
static const func_def rows_[] = {
    {.name = "length",
     .aliases = length_names,
     .args_min = 1,
     .args_max = 1,
     .flags = FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY | FUNC_OWN_DICT,
     .bind = bind_length,
     .eval = eval_length,
     .about = "Bytes of a string, or items of an array or map.", .example = "length('abc')", .gives = "3"},
    {.name = "empty", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_empty, .eval = eval_empty,
     .about = "1 for an empty string, array or map.", .example = "empty('')", .gives = "1"},
    {.name = "notEmpty", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_empty, .eval = eval_not_empty,
     .about = "1 unless the string, array or map is empty.", .example = "notEmpty('a')", .gives = "1"},
    {.name = "lower", .aliases = lower_names, .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_case, .eval = eval_lower,
     .about = "ASCII letters in lower case.", .example = "lower('ABc')", .gives = "abc"},
    {.name = "upper", .aliases = upper_names, .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_case, .eval = eval_upper,
     .about = "ASCII letters in upper case.", .example = "upper('abC')", .gives = "ABC"},
    ENDS("startsWith", "1 if the string or array begins with the other.", "('abc', 'ab')"),
    ENDS("endsWith", "1 if the string or array ends with the other.", "('abc', 'bc')"),
    ENDS("startsWithUTF8", "startsWith that does not end inside of a code point.", "('abc', 'ab')"),
    ENDS("endsWithUTF8", "endsWith that does not begin inside of a code point.", "('abc', 'bc')"),
    ENDS("startsWithCaseInsensitive", "startsWith ignoring ASCII case.", "('ABC', 'ab')"),
    ENDS("endsWithCaseInsensitive", "endsWith ignoring ASCII case.", "('ABC', 'bc')"),
    ENDS("startsWithCaseInsensitiveUTF8", "startsWith ignoring case.", "('ABC', 'ab')"),
    ENDS("endsWithCaseInsensitiveUTF8", "endsWith ignoring case.", "('ABC', 'bc')"),
};
const func_family func_family_string = FUNC_FAMILY("string", rows_);
