/* head.c - parsing request heads. Everything here is hostile input: every length is bounded, bare control bytes and
 * folded lines are refused, Content-Length together with chunked is refused (request smuggling, RFC 9112 6.3).
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"
#include <string.h>

size_t http_head_size(fn_str bytes, size_t searched)
{
    const size_t from = searched > 3 ? searched - 3 : 0;
    const char *at = bytes.size > from ? memmem(bytes.data + from, bytes.size - from, "\r\n\r\n", 4) : NULL;
    return at ? (size_t)(at - bytes.data) + 4 : 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

fn_status http_decode(fn_ctx *ctx, fn_str in, fn_str *out)
{
    char *to = fn_arena_alloc(ctx, ctx->arena, in.size + 1);
    FN_TRY_PTR(ctx, to);
    size_t n = 0;
    for (size_t i = 0; i < in.size; i++) {
        if (in.data[i] == '+') {
            to[n++] = ' ';
        } else if (in.data[i] == '%' && i + 2 < in.size && hex_value(in.data[i + 1]) >= 0 && hex_value(in.data[i + 2]) >= 0) {
            to[n++] = (char)(hex_value(in.data[i + 1]) * 16 + hex_value(in.data[i + 2]));
            i += 2;
        } else {
            to[n++] = in.data[i];
        }
    }
    to[n] = 0;
    *out = (fn_str){to, n};
    return FN_OK;
}

/* Cuts s at the first `sep`; returns the part before and leaves the rest (without sep) in *s. */
static fn_str cut(fn_str *s, char sep)
{
    const char *at = s->size ? memchr(s->data, sep, s->size) : NULL;
    const size_t n = at ? (size_t)(at - s->data) : s->size;
    const fn_str first = {s->data, n};
    const size_t skip = at ? n + 1 : n;
    *s = (fn_str){s->data + skip, s->size - skip};
    return first;
}

static fn_status parse_params(fn_ctx *ctx, fn_str query, http_head *out)
{
    size_t count = query.size ? 1 : 0;
    for (size_t i = 0; i < query.size; i++) count += query.data[i] == '&';
    if (count > HTTP_PARAMS_MAX) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Too many URL parameters: %zu", count);
    out->params = FN_NEW_ARRAY(ctx, fn_pair, count + 1);
    FN_TRY_PTR(ctx, out->params);
    while (query.size) {
        fn_str value = cut(&query, '&');
        const fn_str name = cut(&value, '=');
        if (!name.size) continue;
        fn_pair *p = &out->params[out->param_count++];
        FN_TRY(http_decode(ctx, name, &p->name));
        FN_TRY(http_decode(ctx, value, &p->value));
    }
    return FN_OK;
}

static fn_status parse_request_line(fn_ctx *ctx, fn_str line, http_head *out)
{
    out->method = cut(&line, ' ');
    out->target = cut(&line, ' ');
    if (!out->method.size || out->method.size > 16 || !out->target.size)
        return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad HTTP request line");
    if (out->target.size > HTTP_URI_MAX)
        return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "URI is too long: %zu bytes, maximum is %d", out->target.size, HTTP_URI_MAX);
    if (fn_str_eq(line, FN_STR("HTTP/1.1"))) out->minor = 1;
    else if (fn_str_eq(line, FN_STR("HTTP/1.0"))) out->minor = 0;
    else return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Unsupported HTTP version");
    fn_str query = out->target;
    if (fn_str_starts(query, FN_STR("http://"))) { /* absolute form, as proxies send it */
        query = (fn_str){query.data + 7, query.size - 7};
        const char *slash = memchr(query.data, '/', query.size);
        const size_t skip = slash ? (size_t)(slash - query.data) : query.size;
        query = (fn_str){query.data + skip, query.size - skip};
    }
    out->path = cut(&query, '?');
    return parse_params(ctx, query, out);
}

static fn_status parse_field(fn_ctx *ctx, fn_str line, http_head *out)
{
    if (line.size > HTTP_FIELD_MAX || out->header_count == HTTP_HEADERS_MAX)
        return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "HTTP header is too large");
    fn_str value = line;
    const fn_str name = cut(&value, ':');
    if (!name.size || name.size == line.size || line.data[0] == ' ' || line.data[0] == '\t' || name.data[name.size - 1] == ' ')
        return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad HTTP header field");
    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)line.data[i] < 32 && line.data[i] != '\t')
            return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Control byte in an HTTP header field");
    out->headers[out->header_count++] = (fn_pair){name, fn_str_trim(value)};
    return FN_OK;
}

static fn_status parse_length(fn_ctx *ctx, fn_str text, uint64_t *out)
{
    *out = 0;
    if (!text.size || text.size > 18) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad Content-Length");
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad Content-Length");
        *out = *out * 10 + (uint64_t)(text.data[i] - '0');
    }
    return FN_OK;
}

static fn_status interpret_framing(fn_ctx *ctx, http_head *h)
{
    for (size_t i = 0; i < h->header_count; i++) {
        const fn_pair *f = &h->headers[i];
        if (fn_str_eq_nocase(f->name, FN_STR("Content-Length"))) {
            uint64_t length;
            FN_TRY(parse_length(ctx, f->value, &length));
            if (h->has_length && length != h->length) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Two Content-Length fields");
            h->has_length = true;
            h->length = length;
        } else if (fn_str_eq_nocase(f->name, FN_STR("Transfer-Encoding"))) {
            if (!fn_str_eq_nocase(f->value, FN_STR("chunked")))
                return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Unsupported Transfer-Encoding");
            h->chunked = true;
        }
    }
    if (h->chunked && h->has_length) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Content-Length together with chunked encoding");
    const fn_str connection = http_header(h, "Connection");
    h->keep_alive = h->minor == 1 ? !http_list_has(connection, "close") : http_list_has(connection, "keep-alive");
    h->expect_continue = h->minor == 1 && fn_str_eq_nocase(http_header(h, "Expect"), FN_STR("100-continue"));
    return FN_OK;
}

fn_status http_head_parse(fn_ctx *ctx, fn_str bytes, http_head *out)
{
    memset(out, 0, offsetof(http_head, headers));
    out->header_count = out->param_count = 0;
    out->params = NULL;
    out->chunked = out->has_length = out->keep_alive = out->expect_continue = false;
    out->length = 0;
    bool first = true;
    while (bytes.size) {
        const char *newline = memmem(bytes.data, bytes.size, "\r\n", 2);
        if (!newline) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad HTTP head");
        const fn_str line = {bytes.data, (size_t)(newline - bytes.data)};
        bytes = (fn_str){newline + 2, bytes.size - line.size - 2};
        if (first) FN_TRY(parse_request_line(ctx, line, out));
        else if (line.size) FN_TRY(parse_field(ctx, line, out));
        first = false;
    }
    return interpret_framing(ctx, out);
}

fn_str http_header(const http_head *h, const char *name)
{
    for (size_t i = 0; i < h->header_count; i++)
        if (fn_str_eq_nocase(h->headers[i].name, fn_cstr(name))) return h->headers[i].value;
    return (fn_str){NULL, 0};
}

bool http_has_header(const http_head *h, const char *name)
{
    for (size_t i = 0; i < h->header_count; i++)
        if (fn_str_eq_nocase(h->headers[i].name, fn_cstr(name))) return true;
    return false;
}

fn_str http_param(const http_head *h, const char *name)
{
    for (size_t i = 0; i < h->param_count; i++)
        if (fn_str_eq(h->params[i].name, fn_cstr(name))) return h->params[i].value;
    return (fn_str){NULL, 0};
}

bool http_has_param(const http_head *h, const char *name)
{
    for (size_t i = 0; i < h->param_count; i++)
        if (fn_str_eq(h->params[i].name, fn_cstr(name))) return true;
    return false;
}

bool http_list_has(fn_str list, const char *token)
{
    while (list.size) {
        fn_str item = cut(&list, ',');
        item = fn_str_trim(cut(&item, ';'));
        if (fn_str_eq_nocase(item, fn_cstr(token))) return true;
    }
    return false;
}
