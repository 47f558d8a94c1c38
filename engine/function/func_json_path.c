/* func_json_path.c - JSON_EXISTS, JSON_QUERY, JSON_VALUE: SQL/JSON paths over JSON in strings; prettyPrintJSON.
 * A path is $ followed by .name, ."name", ["name"], [n], [n, m to k] (to: without the last) and [*]; it is a constant, read once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/json.h"

typedef struct range {
    uint64_t from, to; /* items from .. to - 1 */
} range;
typedef struct step {
    fn_str name;       /* key, if ranges is NULL */
    range *ranges;
    uint32_t count;
} step;
typedef struct path {
    step *steps;
    uint32_t count;
} path;

enum { STEPS_MAX = 100, RANGES_MAX = 100 };

/* ---- reading paths ---- */
static fn_status bad_path(fn_ctx *ctx)
{
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Unable to parse JSONPath");
}
static void skip_blank(fn_str s, size_t *at)
{
    while (*at < s.size && s.data[*at] == ' ') ++*at;
}
static bool quoted_name(fn_str s, size_t *at, fn_str *name)
{
    const char quote = s.data[*at];
    const size_t from = ++*at;
    while (*at < s.size && s.data[*at] != quote) ++*at;
    if (*at == s.size) return false;
    *name = (fn_str){s.data + from, *at - from};
    ++*at;
    return true;
}
static bool plain_name(fn_str s, size_t *at, fn_str *name)
{
    const size_t from = *at;
    while (*at < s.size && !strchr(".[] ", s.data[*at])) ++*at;
    *name = (fn_str){s.data + from, *at - from};
    return name->size > 0;
}
static bool read_number(fn_str s, size_t *at, uint64_t *n)
{
    skip_blank(s, at);
    *n = 0;
    const size_t digits = *at;
    for (; *at < s.size && text_is_digit((uint8_t)s.data[*at]); ++*at) *n = FN_MIN(*n * 10 + (uint64_t)(s.data[*at] - '0'), UINT32_MAX);
    return *at > digits;
}
/* Behind '[': numbers and ranges up to ']'. */
static fn_status read_ranges(fn_ctx *ctx, fn_str s, size_t *at, step *st)
{
    st->ranges = FN_NEW_ARRAY(ctx, range, RANGES_MAX);
    FN_TRY_PTR(ctx, st->ranges);
    skip_blank(s, at);
    if (*at < s.size && s.data[*at] == '*') {
        ++*at;
        st->ranges[st->count++] = (range){0, UINT64_MAX};
        return FN_OK;
    }
    for (;;) {
        range r;
        if (st->count == RANGES_MAX || !read_number(s, at, &r.from)) return bad_path(ctx);
        r.to = r.from + 1;
        skip_blank(s, at);
        if (fn_str_starts(text_from(s, *at), FN_STR("to "))) {
            *at += 3;
            if (!read_number(s, at, &r.to) || r.to <= r.from) return bad_path(ctx);
            skip_blank(s, at);
        }
        st->ranges[st->count++] = r;
        if (*at >= s.size || s.data[*at] != ',') return FN_OK;
        ++*at;
    }
}
static fn_status read_path(fn_ctx *ctx, fn_str s, path *p)
{
    size_t at = 0;
    p->steps = FN_NEW_ARRAY(ctx, step, STEPS_MAX);
    FN_TRY_PTR(ctx, p->steps);
    skip_blank(s, &at);
    if (at >= s.size || s.data[at++] != '$') return bad_path(ctx);
    while (skip_blank(s, &at), at < s.size) {
        if (p->count == STEPS_MAX) return bad_path(ctx);
        step *st = &p->steps[p->count++];
        const char b = s.data[at++];
        const bool quote = at < s.size && (s.data[at] == '"' || s.data[at] == '\'');
        if (b == '.') {
            if (at >= s.size || !(quote ? quoted_name(s, &at, &st->name) : plain_name(s, &at, &st->name))) return bad_path(ctx);
        } else if (b == '[') {
            if (quote && !quoted_name(s, &at, &st->name)) return bad_path(ctx);
            if (!quote) FN_TRY(read_ranges(ctx, s, &at, st));
            skip_blank(s, &at);
            if (at >= s.size || s.data[at++] != ']') return bad_path(ctx);
        } else {
            return bad_path(ctx);
        }
    }
    return FN_OK;
}

/* ---- walking ---- */
typedef fn_status found_fn(void *self, fn_ctx *ctx, json_doc *doc, const json_node *n, bool *stop);
static fn_status walk(fn_ctx *ctx, json_doc *doc, const path *p, uint32_t at, const json_node *n, found_fn *found, void *self, bool *stop)
{
    if (at == p->count) return found(self, ctx, doc, n, stop);
    const step *st = &p->steps[at];
    if (!st->ranges) {
        const json_node *value;
        FN_TRY(json_find(ctx, doc, n, st->name, false, &value));
        return value ? walk(ctx, doc, p, at + 1, value, found, self, stop) : FN_OK;
    }
    if (n->kind != JSON_ARRAY) return FN_OK;
    for (uint32_t k = 0; k < st->count && !*stop; k++) {
        const json_node *item = json_first(n);
        for (uint64_t i = 0; i < n->count && i < st->ranges[k].to && !*stop; i++, item = json_next(doc, item))
            if (i >= st->ranges[k].from) FN_TRY(walk(ctx, doc, p, at + 1, item, found, self, stop));
    }
    return FN_OK;
}

typedef struct gathered {
    fn_buf *to;
    uint32_t count;
} gathered;
static fn_status found_any(void *self, fn_ctx *ctx, json_doc *doc, const json_node *n, bool *stop)
{
    (void)ctx;
    (void)doc;
    (void)n;
    ((gathered *)self)->count++;
    *stop = true;
    return FN_OK;
}
/* The first scalar. */
static fn_status found_value(void *self, fn_ctx *ctx, json_doc *doc, const json_node *n, bool *stop)
{
    gathered *g = self;
    if (n->kind == JSON_ARRAY || n->kind == JSON_OBJECT) return FN_OK;
    g->count++;
    *stop = true;
    return n->kind == JSON_STRING ? json_string(ctx, n, g->to) : n->kind == JSON_BIG ? fn_buf_str(ctx, g->to, n->text) : json_write(ctx, doc, n, g->to);
}
static fn_status found_query(void *self, fn_ctx *ctx, json_doc *doc, const json_node *n, bool *stop)
{
    (void)stop;
    gathered *g = self;
    FN_TRY(fn_buf_cstr(ctx, g->to, g->count++ ? ", " : "["));
    return json_write(ctx, doc, n, g->to);
}

static fn_status bind_path(fn_ctx *ctx, func_call *call)
{
    fn_str text;
    path *p = FN_NEW(ctx, path);
    FN_TRY_PTR(ctx, p);
    FN_TRY(text_need(ctx, call, "sc"));
    FN_TRY(func_const_str(ctx, call, 1, &text));
    FN_TRY(read_path(ctx, text, p));
    call->data = p;
    return strcmp(call->def->name, "JSON_EXISTS") == 0 ? func_bind_u8(ctx, call) : func_bind_string(ctx, call);
}
static fn_status path_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, found_fn *found, fn_column **out)
{
    json_doc doc = {0};
    fn_builder b;
    fn_buf text = FN_BUF_INIT;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = FN_OK;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        bool valid = false, stop = false;
        gathered g = {&text, 0};
        text.size = 0;
        status = json_parse(ctx, &doc, text_at(args[0], i), &valid);
        if (status == FN_OK && valid) status = walk(ctx, &doc, call->data, 0, doc.nodes, found, &g, &stop);
        const uint8_t any = g.count > 0;
        if (status == FN_OK && any && found == found_query) status = fn_buf_byte(ctx, &text, ']');
        if (status == FN_OK) status = found == found_any ? fn_builder_fixed(ctx, &b, &any) : fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    json_release(&doc);
    return status;
}
static fn_status eval_exists(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return path_rows(ctx, call, args, rows, found_any, out);
}
static fn_status eval_value(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return path_rows(ctx, call, args, rows, found_value, out);
}
static fn_status eval_query(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return path_rows(ctx, call, args, rows, found_query, out);
}

/* ---- prettyPrintJSON ---- */
static fn_status new_line(fn_ctx *ctx, unsigned depth, fn_buf *to)
{
    FN_TRY(fn_buf_byte(ctx, to, '\n'));
    for (unsigned i = 0; i < depth; i++) FN_TRY(fn_buf_cstr(ctx, to, "    "));
    return FN_OK;
}
static fn_status pretty(fn_ctx *ctx, json_doc *doc, const json_node *n, unsigned depth, fn_buf *to)
{
    if ((n->kind != JSON_ARRAY && n->kind != JSON_OBJECT) || n->count == 0) return json_write(ctx, doc, n, to);
    const bool object = n->kind == JSON_OBJECT;
    const json_node *kid = json_first(n);
    FN_TRY(fn_buf_byte(ctx, to, object ? '{' : '['));
    for (uint32_t i = 0; i < n->count; i++) {
        if (i) FN_TRY(fn_buf_byte(ctx, to, ','));
        FN_TRY(new_line(ctx, depth + 1, to));
        if (object) {
            FN_TRY(json_write(ctx, doc, kid, to));
            FN_TRY(fn_buf_cstr(ctx, to, ": "));
            kid = json_next(doc, kid);
        }
        FN_TRY(pretty(ctx, doc, kid, depth + 1, to));
        kid = json_next(doc, kid);
    }
    FN_TRY(new_line(ctx, depth, to));
    return fn_buf_byte(ctx, to, object ? '}' : ']');
}
TEXT_BIND(bind_text, "s", func_bind_string)
static fn_status row_pretty(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    json_doc doc = {0};
    bool valid;
    fn_status status = json_parse(ctx, &doc, text_at(args[0], row), &valid);
    if (status == FN_OK && !valid) status = fn_fail(ctx, FN_BAD_ARGUMENTS, "The argument of function prettyPrintJSON is not valid JSON");
    if (status == FN_OK) status = pretty(ctx, &doc, doc.nodes, 0, to);
    json_release(&doc);
    return status;
}
TEXT_EVAL(eval_pretty, text_rows, row_pretty)

static const func_def rows_[] = {
    {.name = "JSON_EXISTS", .args_min = 2, .args_max = 2, .bind = bind_path, .eval = eval_exists,
     .about = "1 if the path leads to a value.", .example = "JSON_EXISTS('{\"a\":[1]}', '$.a[0]')", .gives = "1"},
    {.name = "JSON_QUERY", .args_min = 2, .args_max = 2, .bind = bind_path, .eval = eval_query,
     .about = "All values at the path as JSON array.", .example = "JSON_QUERY('{\"a\":[1,2]}', '$.a[*]')", .gives = "[1, 2]"},
    {.name = "JSON_VALUE", .args_min = 2, .args_max = 2, .bind = bind_path, .eval = eval_value,
     .about = "The first scalar at the path as text.", .example = "JSON_VALUE('{\"a\":\"x\"}', '$.a')", .gives = "x"},
    {.name = "prettyPrintJSON", .args_min = 1, .args_max = 1, .bind = bind_text, .eval = eval_pretty,
     .about = "JSON with line breaks and indentation.", .example = "prettyPrintJSON('[]')", .gives = "[]"},
};
const func_family func_family_json_path = FUNC_FAMILY("JSON", rows_);
