/* func_token.c - tokens: runs of letters, digits and bytes above 127. hasToken*, hasAllTokens, hasAnyTokens, tokens,
 * alphaTokens, splitByNonAlpha, ngrams.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/utf8_case.h"

static bool in_token(uint8_t b)
{
    return b >= 0x80 || text_is_alpha(b) || text_is_digit(b);
}
/* The next token at or behind *at; false behind the last. Advances *at behind it. */
static bool next_token(fn_str s, size_t *at, fn_str *token)
{
    while (*at < s.size && !in_token((uint8_t)s.data[*at])) ++*at;
    const size_t from = *at;
    while (*at < s.size && in_token((uint8_t)s.data[*at])) ++*at;
    *token = (fn_str){s.data + from, *at - from};
    return token->size > 0;
}
static bool is_token(fn_str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!in_token((uint8_t)s.data[i])) return false;
    return true;
}
static bool has_token(fn_str s, fn_str needle)
{
    if (needle.size == 0) return false;
    size_t at = 0;
    for (ptrdiff_t hit; (hit = text_find(s, at, needle)) >= 0; at = (size_t)hit + 1) {
        const size_t end = (size_t)hit + needle.size;
        if ((hit == 0 || !in_token((uint8_t)s.data[hit - 1])) && (end == s.size || !in_token((uint8_t)s.data[end]))) return true;
    }
    return false;
}

/* ---- hasToken ---- */
typedef struct token_kind {
    bool fold, or_null, bad; /* bad: the needle holds separators */
} token_kind;
static fn_status bind_has_token(fn_ctx *ctx, func_call *call)
{
    fn_str needle;
    token_kind *k = FN_NEW(ctx, token_kind);
    FN_TRY_PTR(ctx, k);
    FN_TRY(text_need(ctx, call, "sc"));
    FN_TRY(func_const_str(ctx, call, 1, &needle));
    k->fold = strstr(call->def->name, "CaseInsensitive") != NULL;
    k->or_null = fn_str_ends(fn_cstr(call->def->name), FN_STR("OrNull"));
    k->bad = !is_token(needle);
    if (k->bad && !k->or_null) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Needle must not contain whitespace or separator characters");
    call->data = k;
    call->type = fn_type_simple(FN_T_UINT8);
    if (k->or_null) call->type = fn_type_nullable(call->type);
    return FN_OK;
}
static fn_status eval_has_token(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const token_kind *k = call->data;
    fn_column *hay = NULL, *needle = NULL;
    uint8_t *values;
    if (k->bad) {
        *out = fn_column_null(ctx, call->type, rows);
        FN_TRY_PTR(ctx, *out);
        return FN_OK;
    }
    if (k->fold) {
        FN_TRY(text_fold(ctx, args[0], false, &hay));
        if (text_fold(ctx, args[1], false, &needle) != FN_OK) {
            fn_column_drop(hay);
            return ctx->error.code;
        }
    } else {
        hay = fn_column_ref(args[0]);
        needle = fn_column_ref(args[1]);
    }
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (size_t i = 0; *out && i < rows; i++) values[i] = has_token(text_at(hay, i), text_at(needle, 0));
    fn_column_drop(hay);
    fn_column_drop(needle);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- hasAnyTokens, hasAllTokens: needles as an array, or as one text that is cut into tokens ---- */
static fn_status bind_tokens_of(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_string(call->arg_types[0])) return func_illegal(ctx, call);
    if (!fn_type_is_string(call->arg_types[1])) FN_TRY(text_need(ctx, call, "sa"));
    return func_bind_u8(ctx, call);
}
static bool tokens_match(fn_str s, const fn_column *needles, size_t row, bool all)
{
    size_t seen = 0, found = 0;
    if (fn_type_is_string(needles->type)) {
        size_t at = 0;
        for (fn_str token; next_token(text_at(needles, row), &at, &token); seen++) found += has_token(s, token);
    } else {
        uint32_t first, count;
        const fn_column *items = fn_column_items_at(needles, row, &first, &count);
        for (; seen < count; seen++) found += has_token(s, fn_column_str_at(items, first + seen));
    }
    return all ? seen > 0 && found == seen : found > 0;
}
static fn_status row_any_tokens(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    *to = tokens_match(text_at(args[0], row), args[1], row, false);
    return FN_OK;
}
static fn_status row_all_tokens(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    *to = tokens_match(text_at(args[0], row), args[1], row, true);
    return FN_OK;
}
TEXT_EVAL(eval_any_tokens, fixed_rows, row_any_tokens)
TEXT_EVAL(eval_all_tokens, fixed_rows, row_all_tokens)

/* ---- ngrams ---- */
static fn_status bind_ngrams(fn_ctx *ctx, func_call *call)
{
    fn_column *n;
    FN_TRY(text_need(ctx, call, "si"));
    FN_TRY(func_need_const(ctx, call, 1, &n));
    if (fn_column_i64_at(n, 0) < 1) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second argument of function %s must be a positive constant", call->def->name);
    return text_bind_strings(ctx, call);
}
static fn_status value_ngrams(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row);
    const size_t n = (size_t)fn_column_i64_at(call->consts[1], 0);
    size_t end = 0, count = 0;
    while (end < s.size && count < n) {
        end = utf8_next(s, end);
        count++;
    }
    for (size_t from = 0; count == n;) {
        FN_TRY(fn_builder_str(ctx, &to->kids[0], (fn_str){s.data + from, end - from}));
        if (end == s.size) break;
        from = utf8_next(s, from);
        end = utf8_next(s, end);
    }
    return fn_builder_close_array(ctx, to);
}
TEXT_EVAL(eval_ngrams, value_rows, value_ngrams)

#define HAS_TOKEN(fn, more, what, ex)                                                                                                    \
    {.name = fn, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY | (more), .bind = bind_has_token, .eval = eval_has_token, .about = what, .example = ex, .gives = "1"}
static const char *const any_names[] = {"hasAnyToken", NULL};
static const char *const all_names[] = {"hasAllToken", NULL};
static const func_def rows_[] = {
    HAS_TOKEN("hasToken", 0, "1 if the string holds the second one between separators (anything but letters, digits and bytes above 127).", "hasToken('a.b', 'a')"),
    HAS_TOKEN("hasTokenOrNull", 0, "hasToken, NULL if the token itself holds separators.", "hasTokenOrNull('a.b', 'a')"),
    HAS_TOKEN("hasTokenCaseInsensitive", FUNC_CASE_INSENSITIVE, "hasToken ignoring ASCII case.", "hasTokenCaseInsensitive('A.b', 'a')"),
    HAS_TOKEN("hasTokenCaseInsensitiveOrNull", FUNC_CASE_INSENSITIVE, "hasTokenCaseInsensitive, NULL if the token itself holds separators.", "hasTokenCaseInsensitiveOrNull('A.b', 'a')"),
    {.name = "hasAnyTokens", .aliases = any_names, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_tokens_of, .eval = eval_any_tokens,
     .about = "1 if the text holds one of the tokens.", .example = "hasAnyTokens('a b c', ['x', 'c'])", .gives = "1"},
    {.name = "hasAllTokens", .aliases = all_names, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_tokens_of, .eval = eval_all_tokens,
     .about = "1 if the text holds all of the tokens.", .example = "hasAllTokens('a b c', ['a', 'c'])", .gives = "1"},
    {.name = "ngrams", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_ngrams, .eval = eval_ngrams,
     .about = "All runs of n code points.", .example = "ngrams('abcd', 2)", .gives = "['ab','bc','cd']"},
};
const func_family func_family_token = FUNC_FAMILY("string search", rows_);
