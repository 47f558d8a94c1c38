/* glob.c - file name patterns: * and ? within a path component, ** across them, {a,b} and {1..9} expanded beforehand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_table.h"
#include <string.h>

enum { EXPANSIONS_MAX = 1000 }; /* as ClickHouse's table_function_remote_max_addresses and globs_expansion bounds */

bool glob_has(fn_str p)
{
    for (size_t i = 0; i < p.size; i++) {
        if (p.data[i] == '*' || p.data[i] == '?' || p.data[i] == '{') return true;
    }
    return false;
}

bool glob_match(fn_str p, fn_str s)
{
    size_t i = 0, k = 0, star = SIZE_MAX, resume = 0;
    bool deep = false;
    while (k < s.size || i < p.size) {
        if (i < p.size && p.data[i] == '*') {
            deep = i + 1 < p.size && p.data[i + 1] == '*';
            star = i;
            resume = k;
            i += deep ? 2 : 1;
            if (deep && i < p.size && p.data[i] == '/' && (k == 0 || s.data[k - 1] == '/') &&
                glob_match((fn_str){p.data + i + 1, p.size - i - 1}, (fn_str){s.data + k, s.size - k}))
                return true; /* no directory at all */
            continue;
        }
        if (i < p.size && k < s.size && (p.data[i] == s.data[k] || (p.data[i] == '?' && s.data[k] != '/'))) {
            i++;
            k++;
            continue;
        }
        if (star == SIZE_MAX || resume >= s.size || (!deep && s.data[resume] == '/')) return false;
        k = ++resume;
        i = star + (deep ? 2 : 1);
    }
    return true;
}

typedef struct expansion {
    fn_str *items;
    uint32_t count;
} expansion;

static fn_status expand(fn_ctx *ctx, fn_str p, expansion *out);

static fn_status expand_with(fn_ctx *ctx, fn_str head, fn_str middle, fn_str tail, expansion *out)
{
    fn_buf b = FN_BUF_INIT;
    fn_str whole;
    fn_status status = fn_buf_str(ctx, &b, head);
    if (status == FN_OK) status = fn_buf_str(ctx, &b, middle);
    if (status == FN_OK) status = fn_buf_str(ctx, &b, tail);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&b), &whole);
    fn_buf_release(&b);
    return status == FN_OK ? expand(ctx, whole, out) : status;
}

static bool parse_number(fn_str s, int64_t *out)
{
    int64_t v = 0;
    if (s.size == 0 || s.size > 15) return false;
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') return false;
        v = v * 10 + (s.data[i] - '0');
    }
    *out = v;
    return true;
}

/* {1..9}, {01..12}: false when the text is not a range. */
static fn_status expand_range(fn_ctx *ctx, fn_str head, fn_str body, fn_str tail, expansion *out, bool *done)
{
    const char *dots = body.size ? memmem(body.data, body.size, "..", 2) : NULL;
    int64_t from, to;
    *done = false;
    if (!dots) return FN_OK;
    const fn_str a = {body.data, (size_t)(dots - body.data)}, b = {dots + 2, body.size - a.size - 2};
    if (!parse_number(a, &from) || !parse_number(b, &to)) return FN_OK;
    *done = true;
    const int digits = a.size > 1 && a.data[0] == '0' ? (int)a.size : 1;
    for (int64_t i = from;; i += from <= to ? 1 : -1) {
        const char *text = fn_arena_printf(ctx, ctx->arena, "%0*lld", digits, (long long)i);
        FN_TRY_PTR(ctx, text);
        FN_TRY(expand_with(ctx, head, fn_cstr(text), tail, out));
        if (i == to) return FN_OK;
    }
}

static fn_status expand(fn_ctx *ctx, fn_str p, expansion *out)
{
    const char *open = p.size ? memchr(p.data, '{', p.size) : NULL;
    const char *close = open ? memchr(open, '}', p.size - (size_t)(open - p.data)) : NULL;
    if (!close) {
        if (out->count == EXPANSIONS_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The pattern in braces gives more than %d names", EXPANSIONS_MAX);
        out->items[out->count++] = p;
        return FN_OK;
    }
    const fn_str head = {p.data, (size_t)(open - p.data)}, body = {open + 1, (size_t)(close - open - 1)};
    const fn_str tail = {close + 1, p.size - head.size - body.size - 2};
    bool done;
    FN_TRY(expand_range(ctx, head, body, tail, out, &done));
    for (size_t from = 0; !done; ) {
        const char *comma = from < body.size ? memchr(body.data + from, ',', body.size - from) : NULL;
        const size_t end = comma ? (size_t)(comma - body.data) : body.size;
        FN_TRY(expand_with(ctx, head, (fn_str){body.data + from, end - from}, tail, out));
        done = !comma;
        from = end + 1;
    }
    return FN_OK;
}

fn_status glob_expand(fn_ctx *ctx, fn_str pattern, fn_str **out, uint32_t *count)
{
    expansion e = {FN_NEW_ARRAY(ctx, fn_str, EXPANSIONS_MAX), 0};
    FN_TRY_PTR(ctx, e.items);
    FN_TRY(expand(ctx, pattern, &e));
    *out = e.items;
    *count = e.count;
    return FN_OK;
}
