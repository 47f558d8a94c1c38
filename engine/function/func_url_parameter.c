/* func_url_parameter.c - parameters of URLs, hierarchies, percent encoding.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"

TEXT_BIND(bind_text, "s", func_bind_string)
TEXT_BIND(bind_list, "s", text_bind_strings)
TEXT_BIND(bind_two, "ss", func_bind_string)

static bool is_mark(char b)
{
    return b == '?' || b == '#' || b == '&';
}
static size_t find_mark(fn_str s, size_t from)
{
    while (from < s.size && !is_mark(s.data[from])) from++;
    return from;
}
static size_t parameters_start(fn_str url)
{
    size_t at = 0;
    while (at < url.size && url.data[at] != '?' && url.data[at] != '#') at++;
    return at;
}
/* Byte of "name=" behind a mark, from `at` on; -1: none. */
static ptrdiff_t find_parameter(fn_str url, size_t at, fn_str name)
{
    for (ptrdiff_t hit; name.size && (hit = text_find(url, at, name)) >= 0; at = (size_t)hit + 1) {
        const size_t behind = (size_t)hit + name.size;
        if (hit > 0 && is_mark(url.data[hit - 1]) && behind < url.size && url.data[behind] == '=') return hit;
    }
    return -1;
}

/* ---- extractURLParameter* ---- */
static fn_status row_extract(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str url = text_at(args[0], row), name = text_at(args[1], row);
    const ptrdiff_t hit = find_parameter(url, parameters_start(url), name);
    if (hit < 0) return FN_OK;
    const size_t from = (size_t)hit + name.size + 1;
    return fn_buf_append(ctx, to, url.data + from, find_mark(url, from) - from);
}
static fn_status list_parameters(fn_ctx *ctx, fn_str url, bool names, fn_builder *to)
{
    for (size_t at = parameters_start(url); at < url.size;) {
        const size_t from = at + 1;
        at = find_mark(url, from);
        const fn_str one = {url.data + from, at - from};
        const char *equals = one.size ? memchr(one.data, '=', one.size) : NULL;
        if (names && !equals && one.size && at < url.size) FN_TRY(fn_builder_str(ctx, &to->kids[0], one));
        if (names && equals) FN_TRY(fn_builder_str(ctx, &to->kids[0], (fn_str){one.data, (size_t)(equals - one.data)}));
        if (!names && one.size) FN_TRY(fn_builder_str(ctx, &to->kids[0], one));
    }
    return fn_builder_close_array(ctx, to);
}
static fn_status value_parameters(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    (void)call;
    return list_parameters(ctx, text_at(args[0], row), false, to);
}
static fn_status value_names(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    (void)call;
    return list_parameters(ctx, text_at(args[0], row), true, to);
}
TEXT_EVAL(eval_extract, text_rows, row_extract)
TEXT_EVAL(eval_parameters, value_rows, value_parameters)
TEXT_EVAL(eval_names, value_rows, value_names)

/* ---- cutURLParameter: one name or an array of them ---- */
static fn_status bind_cut(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[1]->id == FN_T_ARRAY) FN_TRY(text_need(ctx, call, "sa"));
    else FN_TRY(text_need(ctx, call, "ss"));
    return func_bind_string(ctx, call);
}
/* The text behind `start` in `to`, shortened in place. */
static void cut_one(fn_buf *to, size_t start, fn_str name)
{
    const fn_str url = {to->data + start, to->size - start};
    const ptrdiff_t hit = url.size ? find_parameter(url, parameters_start(url), name) : -1;
    if (hit < 0) return;
    size_t from = (size_t)hit, behind = find_mark(url, from);
    if (behind < url.size && url.data[behind] == '&') behind++;
    else if (url.data[from - 1] == '&') from--;
    memmove(to->data + start + from, url.data + behind, url.size - behind);
    to->size -= behind - from;
}
static fn_status row_cut(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const size_t start = to->size;
    FN_TRY(fn_buf_str(ctx, to, text_at(args[0], row)));
    if (call->arg_types[1]->id != FN_T_ARRAY) {
        cut_one(to, start, text_at(args[1], row));
        return FN_OK;
    }
    uint32_t first, count;
    const fn_column *names = fn_column_items_at(args[1], row, &first, &count);
    for (uint32_t i = 0; i < count; i++) cut_one(to, start, fn_column_str_at(names, first + i));
    return FN_OK;
}
TEXT_EVAL(eval_cut, text_rows, row_cut)

/* ---- hierarchies ---- */
static bool is_border(char b)
{
    return b == '/' || b == '?' || b == '#';
}
/* Byte behind the host's slash, or s.size without a scheme or a path. */
static size_t behind_host(fn_str url)
{
    const ptrdiff_t at = text_find(url, 0, FN_STR("://"));
    if (at <= 0) return url.size;
    for (size_t i = 0; i < (size_t)at; i++)
        if (!text_is_alpha((uint8_t)url.data[i]) && !text_is_digit((uint8_t)url.data[i]) && !strchr("+-._", url.data[i])) return url.size;
    size_t i = (size_t)at + 3;
    while (i < url.size && !is_border(url.data[i])) i++;
    return i < url.size ? i + 1 : url.size;
}
static fn_status hierarchy(fn_ctx *ctx, fn_str url, bool path_only, fn_builder *to)
{
    size_t at = behind_host(url);
    const size_t from = path_only ? at - (at > 0 && at < url.size) : 0;
    if (!path_only && url.size) FN_TRY(fn_builder_str(ctx, &to->kids[0], (fn_str){url.data, at}));
    while (at < url.size) {
        at++; /* a border right behind a border belongs to the next step */
        while (at < url.size && !is_border(url.data[at])) at++;
        if (at < url.size) at++;
        FN_TRY(fn_builder_str(ctx, &to->kids[0], (fn_str){url.data + from, at - from}));
    }
    return fn_builder_close_array(ctx, to);
}
static fn_status value_hierarchy(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    (void)call;
    return hierarchy(ctx, text_at(args[0], row), false, to);
}
static fn_status value_path_hierarchy(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    (void)call;
    return hierarchy(ctx, text_at(args[0], row), true, to);
}
TEXT_EVAL(eval_hierarchy, value_rows, value_hierarchy)
TEXT_EVAL(eval_path_hierarchy, value_rows, value_path_hierarchy)

/* ---- percent encoding ---- */
static fn_status percent_encode(fn_ctx *ctx, fn_str s, bool form, fn_buf *to)
{
    FN_TRY(fn_buf_reserve(ctx, to, s.size * 3));
    for (size_t i = 0; i < s.size; i++) {
        const uint8_t b = (uint8_t)s.data[i];
        if (text_is_alpha(b) || text_is_digit(b) || (b && strchr("-_.~", b))) {
            to->data[to->size++] = (char)b;
        } else if (form && b == ' ') {
            to->data[to->size++] = '+';
        } else {
            to->data[to->size++] = '%';
            to->data[to->size++] = "0123456789ABCDEF"[b >> 4];
            to->data[to->size++] = "0123456789ABCDEF"[b & 15];
        }
    }
    return FN_OK;
}
static fn_status percent_decode(fn_ctx *ctx, fn_str s, bool form, fn_buf *to)
{
    FN_TRY(fn_buf_reserve(ctx, to, s.size));
    for (size_t i = 0; i < s.size; i++) {
        char b = s.data[i];
        const int high = b == '%' && i + 2 < s.size ? text_hex((uint8_t)s.data[i + 1]) : -1, low = high < 0 ? -1 : text_hex((uint8_t)s.data[i + 2]);
        if (low >= 0) {
            b = (char)(high * 16 + low);
            i += 2;
        } else if (form && b == '+') {
            b = ' ';
        }
        to->data[to->size++] = b;
    }
    return FN_OK;
}
#define PERCENT(name, how, form)                                                                                                         \
    static fn_status name(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)                            \
    {                                                                                                                                    \
        (void)call;                                                                                                                      \
        return how(ctx, text_at(args[0], row), form, to);                                                                                \
    }
PERCENT(row_encode, percent_encode, false)
PERCENT(row_encode_form, percent_encode, true)
PERCENT(row_decode, percent_decode, false)
PERCENT(row_decode_form, percent_decode, true)
TEXT_EVAL(eval_encode, text_rows, row_encode)
TEXT_EVAL(eval_encode_form, text_rows, row_encode_form)
TEXT_EVAL(eval_decode, text_rows, row_decode)
TEXT_EVAL(eval_decode_form, text_rows, row_decode_form)

#define ROW(fn, n, b, e, what, ex, res) {.name = fn, .args_min = n, .args_max = n, .flags = FUNC_PER_ENTRY, .bind = b, .eval = e, .about = what, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("extractURLParameter", 2, bind_two, eval_extract, "The value of a parameter in query or fragment.", "extractURLParameter('http://a.com/?x=1', 'x')", "1"),
    ROW("extractURLParameters", 1, bind_list, eval_parameters, "All parameters as name=value.", "extractURLParameters('http://a.com/?x=1&y=2')", "['x=1','y=2']"),
    ROW("extractURLParameterNames", 1, bind_list, eval_names, "The names of all parameters.", "extractURLParameterNames('http://a.com/?x=1&y=2')", "['x','y']"),
    ROW("cutURLParameter", 2, bind_cut, eval_cut, "The URL without a parameter (or an array of them).", "cutURLParameter('http://a.com/?x=1&y=2', 'x')", "http://a.com/?y=2"),
    ROW("URLHierarchy", 1, bind_list, eval_hierarchy, "The URL cut at each /, ? and #, growing.", "URLHierarchy('http://a.com/b/c')", "['http://a.com/','http://a.com/b/','http://a.com/b/c']"),
    ROW("URLPathHierarchy", 1, bind_list, eval_path_hierarchy, "The path cut at each /, ? and #, growing.", "URLPathHierarchy('http://a.com/b/c')", "['/b/','/b/c']"),
    ROW("encodeURLComponent", 1, bind_text, eval_encode, "Percent encoding of all but letters, digits and -_.~", "encodeURLComponent('a b')", "a%20b"),
    ROW("decodeURLComponent", 1, bind_text, eval_decode, "Percent encoding undone.", "decodeURLComponent('a%20b')", "a b"),
    ROW("encodeURLFormComponent", 1, bind_text, eval_encode_form, "Percent encoding with + for a space.", "encodeURLFormComponent('a b')", "a+b"),
    ROW("decodeURLFormComponent", 1, bind_text, eval_decode_form, "Percent encoding with + for a space undone.", "decodeURLFormComponent('a+b')", "a b"),
};
const func_family func_family_url_parameter = FUNC_FAMILY("URL", rows_);
