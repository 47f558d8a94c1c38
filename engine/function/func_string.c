/* func_string.c - length, empty, notEmpty, lower, upper, startsWith, endsWith.
 * Strings, arrays and maps share their offsets, so length, empty and notEmpty read those alone. lower and upper change ASCII
 * letters over the bytes of the whole column at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"

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
static fn_status eval_length(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
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
static fn_status bind_ends(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_string(call->arg_types[0]) || !fn_type_is_string(call->arg_types[1])) return func_illegal(ctx, call);
    return func_bind_u8(ctx, call);
}
static fn_status ends_run(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, bool front, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        const fn_str s = fn_column_str_at(args[0], i), part = fn_column_str_at(args[1], i);
        values[i] = front ? fn_str_starts(s, part) : fn_str_ends(s, part);
    }
    return FN_OK;
}
static fn_status eval_starts(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return ends_run(ctx, call, args, rows, true, out);
}
static fn_status eval_ends(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return ends_run(ctx, call, args, rows, false, out);
}

static const char *const length_names[] = {"OCTET_LENGTH", NULL};
static const char *const lower_names[] = {"lcase", NULL};
static const char *const upper_names[] = {"ucase", NULL};
static const func_def rows_[] = {
    {.name = "length", .aliases = length_names, .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_length, .eval = eval_length,
     .about = "Bytes of a string, or items of an array or map.", .example = "length('abc')", .gives = "3"},
    {.name = "empty", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_empty, .eval = eval_empty,
     .about = "1 for an empty string, array or map.", .example = "empty('')", .gives = "1"},
    {.name = "notEmpty", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_empty, .eval = eval_not_empty,
     .about = "1 unless the string, array or map is empty.", .example = "notEmpty('a')", .gives = "1"},
    {.name = "lower", .aliases = lower_names, .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_case, .eval = eval_lower,
     .about = "ASCII letters in lower case.", .example = "lower('ABc')", .gives = "abc"},
    {.name = "upper", .aliases = upper_names, .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_case, .eval = eval_upper,
     .about = "ASCII letters in upper case.", .example = "upper('abC')", .gives = "ABC"},
    {.name = "startsWith", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_ends, .eval = eval_starts,
     .about = "1 if the string begins with the other.", .example = "startsWith('abc', 'ab')", .gives = "1"},
    {.name = "endsWith", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_ends, .eval = eval_ends,
     .about = "1 if the string ends with the other.", .example = "endsWith('abc', 'bc')", .gives = "1"},
};
const func_family func_family_string = FUNC_FAMILY("string", rows_);
