/* func_split.c - strings to arrays of parts and back: splitBy*, alphaTokens, tokens, arrayStringConcat.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include "function/utf8.h"

/* Number of parts at most; 0 and below: all. The limit is a constant. */
static fn_status part_limit(fn_ctx *ctx, func_call *call, uint32_t index)
{
    int64_t *limit = FN_NEW(ctx, int64_t);
    FN_TRY_PTR(ctx, limit);
    *limit = INT64_MAX;
    call->data = limit;
    if (call->arg_count <= index) return FN_OK;
    fn_column *c;
    FN_TRY(func_need_const(ctx, call, index, &c));
    if (fn_column_i64_at(c, 0) > 0) *limit = fn_column_i64_at(c, 0);
    return FN_OK;
}
static int64_t limit_of(const func_call *call)
{
    return *(const int64_t *)call->data;
}

/* ---- by a separator ---- */
static fn_status bind_by(fn_ctx *ctx, func_call *call)
{
    fn_str separator;
    FN_TRY(text_need(ctx, call, "csi"));
    FN_TRY(func_const_str(ctx, call, 0, &separator));
    if (strcmp(call->def->name, "splitByChar") == 0 && separator.size != 1)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Illegal separator for function splitByChar. Must be exactly one byte");
    FN_TRY(part_limit(ctx, call, 2));
    return text_bind_strings(ctx, call);
}
static fn_status value_by(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str separator = text_at(args[0], 0), s = text_at(args[1], row);
    fn_builder *parts = &to->kids[0];
    int64_t left = limit_of(call);
    size_t at = 0;
    if (separator.size == 0) { /* every byte */
        for (; at < s.size && left > 0; at++, left--) FN_TRY(fn_builder_str(ctx, parts, (fn_str){s.data + at, 1}));
        return fn_builder_close_array(ctx, to);
    }
    for (; left > 0; left--) {
        const ptrdiff_t hit = text_find(s, at, separator);
        FN_TRY(fn_builder_str(ctx, parts, hit < 0 ? text_from(s, at) : (fn_str){s.data + at, (size_t)hit - at}));
        if (hit < 0) break;
        at = (size_t)hit + separator.size;
    }
    return fn_builder_close_array(ctx, to);
}
TEXT_EVAL(eval_by, value_rows, value_by)

/* ---- runs of bytes of a class ---- */
typedef bool byte_class(uint8_t b);
static bool is_not_space(uint8_t b)
{
    return !(b == ' ' || (b >= 9 && b <= 13));
}
static bool is_letter(uint8_t b)
{
    return text_is_alpha(b);
}
static bool is_token(uint8_t b)
{
    return b >= 0x80 || text_is_alpha(b) || text_is_digit(b);
}
static fn_status runs(fn_ctx *ctx, fn_str s, byte_class *in, int64_t left, fn_builder *to)
{
    for (size_t at = 0; left > 0; left--) {
        while (at < s.size && !in((uint8_t)s.data[at])) at++;
        if (at == s.size) break;
        const size_t from = at;
        while (at < s.size && in((uint8_t)s.data[at])) at++;
        FN_TRY(fn_builder_str(ctx, &to->kids[0], (fn_str){s.data + from, at - from}));
    }
    return fn_builder_close_array(ctx, to);
}
static fn_status bind_runs(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "si"));
    FN_TRY(part_limit(ctx, call, 1));
    return text_bind_strings(ctx, call);
}
static fn_status value_space(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    return runs(ctx, text_at(args[0], row), is_not_space, limit_of(call), to);
}
static fn_status value_letters(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    return runs(ctx, text_at(args[0], row), is_letter, limit_of(call), to);
}
static fn_status value_tokens(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    return runs(ctx, text_at(args[0], row), is_token, limit_of(call), to);
}
TEXT_EVAL(eval_space, value_rows, value_space)
TEXT_EVAL(eval_letters, value_rows, value_letters)
TEXT_EVAL(eval_tokens, value_rows, value_tokens)

/* tokens(s[, tokenizer]): splitByNonAlpha is the only tokenizer. */
static fn_status bind_tokens(fn_ctx *ctx, func_call *call)
{
    fn_str name = FN_STR("splitByNonAlpha");
    FN_TRY(text_need(ctx, call, "s"));
    if (call->arg_count > 1) FN_TRY(func_const_str(ctx, call, 1, &name));
    if (!fn_str_eq(name, FN_STR("splitByNonAlpha"))) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Tokenizer " FN_STR_FMT " is not supported", FN_STR_ARG(name));
    FN_TRY(part_limit(ctx, call, 2));
    return text_bind_strings(ctx, call);
}

/* ---- arrayStringConcat ---- */
static fn_status bind_join(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id != FN_T_ARRAY)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as 1st argument 'arr' to function 'arrayStringConcat'. Expected: Array, got: %s", t->name);
    if (call->arg_count > 1) {
        fn_str separator;
        FN_TRY(func_const_str(ctx, call, 1, &separator));
    }
    return func_bind_string(ctx, call);
}
static fn_status row_join(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str separator = call->arg_count > 1 ? text_at(args[1], 0) : (fn_str){NULL, 0};
    uint32_t first, count;
    bool some = false;
    fn_text_options options;
    const fn_column *items = fn_column_items_at(args[0], row, &first, &count);
    const bool text = fn_type_base(items->type)->id == FN_T_STRING;
    if (!text) expr_text_options(ctx, &options);
    for (uint32_t i = 0; i < count; i++) {
        if (fn_column_is_null(items, first + i)) continue;
        if (some) FN_TRY(fn_buf_str(ctx, to, separator));
        some = true;
        FN_TRY(text ? fn_buf_str(ctx, to, fn_column_str_at(items, first + i)) : fn_text_write(ctx, items, first + i, FN_TEXT_PLAIN, &options, to));
    }
    return FN_OK;
}
TEXT_EVAL(eval_join, text_rows, row_join)

static const char *const letters_names[] = {"splitByAlpha", NULL};
static const char *const join_names[] = {"array_to_string", NULL};
static const func_def rows_[] = {
    {.name = "splitByChar", .args_min = 2, .args_max = 3, .flags = FUNC_PER_ENTRY, .bind = bind_by, .eval = eval_by,
     .about = "The parts between a byte, at most as many as said.", .example = "splitByChar(',', 'a,b')", .gives = "['a','b']"},
    {.name = "splitByString", .args_min = 2, .args_max = 3, .flags = FUNC_PER_ENTRY, .bind = bind_by, .eval = eval_by,
     .about = "The parts between a string; single bytes for an empty one.", .example = "splitByString(', ', 'a, b')", .gives = "['a','b']"},
    {.name = "splitByWhitespace", .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_runs, .eval = eval_space,
     .about = "The parts between white space.", .example = "splitByWhitespace(' a  b ')", .gives = "['a','b']"},
    {.name = "splitByNonAlpha", .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_runs, .eval = eval_tokens,
     .about = "The parts between white space and punctuation.", .example = "splitByNonAlpha('a1,b')", .gives = "['a1','b']"},
    {.name = "alphaTokens", .aliases = letters_names, .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_runs, .eval = eval_letters,
     .about = "The runs of ASCII letters.", .example = "alphaTokens('ab1c')", .gives = "['ab','c']"},
    {.name = "tokens", .args_min = 1, .args_max = 3, .flags = FUNC_PER_ENTRY, .bind = bind_tokens, .eval = eval_tokens,
     .about = "The runs of letters, digits and bytes above 127.", .example = "tokens('a b!')", .gives = "['a','b']"},
    {.name = "arrayStringConcat", .aliases = join_names, .args_min = 1, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_join, .eval = eval_join,
     .about = "The items' texts joined with a separator; NULL items are left out.", .example = "arrayStringConcat(['a', 'b'], ',')", .gives = "a,b"},
};
const func_family func_family_split = FUNC_FAMILY("string splitting", rows_);
