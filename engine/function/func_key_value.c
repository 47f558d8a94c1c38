/* func_key_value.c - pairs out of free text: extractKeyValuePairs('a:1, b:2') with its delimiters and quotes, and
 * extractKeyValuePairsWithEscaping, which reads C escapes in values. At a stray quote a key or a value begins anew.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"
#include "function/text_rows.h"

typedef struct pair_rules {
    char equals, quote;
    fn_str ends; /* bytes that end a pair */
    bool escapes;
} pair_rules;

static fn_status one_byte(fn_ctx *ctx, const func_call *call, uint32_t i, char *out)
{
    fn_str s;
    if (i >= call->arg_count) return FN_OK;
    FN_TRY(func_const_str(ctx, call, i, &s));
    if (s.size > 1) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Control character argument must either be empty or contain exactly 1 character");
    if (s.size) *out = s.data[0];
    return FN_OK;
}

static fn_status bind_pairs(fn_ctx *ctx, func_call *call)
{
    pair_rules *r = FN_NEW(ctx, pair_rules);
    fn_str strategy = FN_STR("INVALID");
    FN_TRY_PTR(ctx, r);
    *r = (pair_rules){.equals = ':', .quote = '"', .ends = FN_STR(" ,;"), .escapes = strstr(call->def->name, "Escaping") != NULL};
    FN_TRY(text_need(ctx, call, "sc"));
    FN_TRY(one_byte(ctx, call, 1, &r->equals));
    if (call->arg_count > 2) FN_TRY(func_const_str(ctx, call, 2, &r->ends));
    FN_TRY(one_byte(ctx, call, 3, &r->quote));
    if (call->arg_count > 4) FN_TRY(func_const_str(ctx, call, 4, &strategy));
    if (!fn_str_eq_nocase(strategy, FN_STR("INVALID")))
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s with unexpected_quoting_character_strategy " FN_STR_FMT " is not supported", call->def->name, FN_STR_ARG(strategy));
    if (r->ends.size && memchr(r->ends.data, r->equals, r->ends.size)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Invalid arguments, key_value_delimiter conflicts with pair delimiters");
    call->data = r;
    call->type = fn_type_map(fn_type_simple(FN_T_STRING), fn_type_simple(FN_T_STRING));
    return FN_OK;
}

static bool ends_pair(const pair_rules *r, char b)
{
    return r->ends.size && memchr(r->ends.data, b, r->ends.size);
}

/* A key at *at, up to the byte that stands between key and value; false where the text is no key, *at behind it. Quoted keys may hold
 * any byte. */
static bool take_key(const pair_rules *r, fn_str s, size_t *at, fn_str *key)
{
    size_t i = *at;
    if (s.data[i] == r->quote) {
        const char *close = memchr(s.data + i + 1, r->quote, s.size - i - 1);
        if (!close) {
            *at = s.size;
            return false;
        }
        *key = (fn_str){s.data + i + 1, (size_t)(close - s.data) - i - 1};
        i = (size_t)(close - s.data) + 1;
        *at = i + (i < s.size && s.data[i] == r->equals);
        return i < s.size && s.data[i] == r->equals && key->size;
    }
    for (; i < s.size && s.data[i] != r->equals && !ends_pair(r, s.data[i]) && s.data[i] != r->quote; i++)
        if (r->escapes && s.data[i] == '\\' && i + 1 < s.size) i++; /* an escaped delimiter belongs to the key */
    const bool good = i < s.size && s.data[i] == r->equals && i > *at;
    *key = (fn_str){s.data + *at, i - *at};
    *at = i + (i < s.size && s.data[i] != r->quote); /* a stray quote begins another key */
    return good;
}

/* One escape sequence behind a backslash at s.data[*at]; false: not a known one. */
static fn_status put_escape(fn_ctx *ctx, fn_str s, size_t *at, fn_buf *to, bool *known)
{
    static const char letters[] = "abefnrtv0\\\"'`/=", bytes[] = "\a\b\033\f\n\r\t\v\0\\\"'`/=";
    const char *found = *at + 1 < s.size && s.data[*at + 1] ? strchr(letters, s.data[*at + 1]) : NULL;
    *known = found != NULL;
    if (found) {
        *at += 2;
        return fn_buf_byte(ctx, to, bytes[found - letters]);
    }
    if (*at + 1 < s.size && s.data[*at + 1] == 'x') return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Hexadecimal escapes in extractKeyValuePairsWithEscaping are not supported");
    return FN_OK;
}

/* A value at *at; *good is false where it is dropped. Leaves *at at the byte that ended it. */
static fn_status take_value(fn_ctx *ctx, const pair_rules *r, fn_str s, size_t *at, fn_buf *value, bool *good)
{
    bool quoted = *at < s.size && s.data[*at] == r->quote;
    value->size = 0;
    *good = true;
    *at += quoted;
    while (*at < s.size && (quoted ? s.data[*at] != r->quote : !ends_pair(r, s.data[*at]))) {
        if (s.data[*at] == r->quote) { /* a stray quote begins the value anew */
            quoted = true;
            value->size = 0;
            ++*at;
            continue;
        }
        if (r->escapes && s.data[*at] == '\\') {
            bool known;
            FN_TRY(put_escape(ctx, s, at, value, &known));
            if (known) continue;
            if (*at + 1 == s.size) { /* a lone backslash at the end */
                ++*at;
                continue;
            }
        }
        FN_TRY(fn_buf_byte(ctx, value, s.data[*at]));
        ++*at;
    }
    if (!quoted) return FN_OK;
    *good = *at < s.size;
    *at += *good;
    while (*good && *at < s.size && !ends_pair(r, s.data[*at])) ++*at; /* what follows the quote is passed over */
    return FN_OK;
}

static fn_status value_pairs(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    const pair_rules *r = call->data;
    const fn_str s = text_at(args[0], row);
    fn_builder *pair = &to->kids[0];
    fn_buf value = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (size_t at = 0; at < s.size && status == FN_OK;) {
        fn_str key;
        bool good;
        if (!take_key(r, s, &at, &key)) continue;
        status = take_value(ctx, r, s, &at, &value, &good);
        if (status != FN_OK || !good) continue;
        status = fn_builder_str(ctx, &pair->kids[0], key);
        if (status == FN_OK) status = fn_builder_str(ctx, &pair->kids[1], fn_buf_view(&value));
        if (status == FN_OK) status = fn_builder_close_tuple(ctx, pair);
    }
    if (status == FN_OK) status = fn_builder_close_array(ctx, to);
    fn_buf_release(&value);
    return status;
}
TEXT_EVAL(eval_pairs, value_rows, value_pairs)

static const func_def rows_[] = {
    {.name = "extractKeyValuePairs", .aliases = (const char *const[]){"str_to_map", "mapFromString", NULL}, .args_min = 1, .args_max = 5, .bind = bind_pairs, .eval = eval_pairs,
     .about = "A map of the pairs in a text: delimiter of key and value, delimiters of pairs and the quote can be given.", .example = "extractKeyValuePairs('a:1, b:2')", .gives = "{'a':'1','b':'2'}"},
    {.name = "extractKeyValuePairsWithEscaping", .args_min = 1, .args_max = 5, .bind = bind_pairs, .eval = eval_pairs,
     .about = "As extractKeyValuePairs, with C escapes in values.", .example = "extractKeyValuePairsWithEscaping('a:x\\\\ty')['a'] = 'x\\ty'", .gives = "1"},
};
const func_family func_family_key_value = FUNC_FAMILY("maps", rows_);
