/* request.c - URLs, headers and signatures of object requests; their failures as errors. SPDX-License-Identifier: Apache-2.0 */
#include "object/request.h"
#include "object/sigv4.h"
#include <firn/time.h>
#include <stdio.h>

/* The path as sent: /bucket/key with both encoded, or what the user wrote for a plain server. */
static fn_status write_path(fn_ctx *ctx, const object_request *r, fn_buf *out)
{
    const fn_object_url *u = r->url;
    FN_TRY(fn_buf_byte(ctx, out, '/'));
    if (!u->is_s3) {
        for (size_t i = 0; i < u->key.size; i++) {
            const unsigned char c = (unsigned char)u->key.data[i];
            if (c <= 32 || c >= 127) FN_TRY(fn_buf_printf(ctx, out, "%%%02X", c));
            else FN_TRY(fn_buf_byte(ctx, out, (char)c));
        }
        return FN_OK;
    }
    if (u->path_style) {
        FN_TRY(sigv4_encode(ctx, u->bucket, false, out));
        if (r->whole_bucket) return FN_OK;
        FN_TRY(fn_buf_byte(ctx, out, '/'));
    }
    return r->whole_bucket ? FN_OK : sigv4_encode(ctx, u->key, true, out);
}

static fn_status add_line(fn_ctx *ctx, transfer *t, const char *line)
{
    FN_TRY_PTR(ctx, line);
    struct curl_slist *list = curl_slist_append(t->headers, line);
    if (!list) return fn_fail_memory(ctx, 64);
    t->headers = list;
    return FN_OK;
}

static fn_status add_header(fn_ctx *ctx, transfer *t, const char *name, fn_str value)
{
    return add_line(ctx, t, fn_arena_printf(ctx, ctx->arena, "%s: %.*s", name, (int)FN_MIN(value.size, (size_t)8000), value.data));
}

fn_status object_request_header(fn_ctx *ctx, transfer *t, fn_str name, fn_str value)
{
    if (!value.size) return add_line(ctx, t, fn_arena_printf(ctx, ctx->arena, FN_STR_FMT ";", FN_STR_ARG(name))); /* curl's way to say so */
    return add_line(ctx, t, fn_arena_printf(ctx, ctx->arena, FN_STR_FMT ": " FN_STR_FMT, FN_STR_ARG(name), FN_STR_ARG(value)));
}

fn_status fn_object_header_check(fn_ctx *ctx, const fn_object_header *header)
{
    static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Expect", "Range"};
    const fn_str name = header->name;
    bool good = name.size && name.size <= 1000 && header->value.size <= 8000;
    for (size_t i = 0; i < name.size; i++) good &= (unsigned char)name.data[i] > ' ' && (unsigned char)name.data[i] < 127 && !strchr(":;,\"()<>@[]{}\\/?=", name.data[i]);
    for (size_t i = 0; i < header->value.size; i++) good &= (unsigned char)header->value.data[i] >= ' ' || header->value.data[i] == '\t';
    for (size_t i = 0; i < FN_COUNT(ours); i++) good &= !fn_str_eq_nocase(name, fn_cstr(ours[i]));
    return good ? FN_OK : fn_fail(ctx, FN_BAD_ARGUMENTS, "HTTP header '" FN_STR_FMT "' is not allowed", (int)FN_MIN(name.size, (size_t)100), name.data);
}

static fn_str region_of(const fn_object_url *u, const fn_object_auth *auth)
{
    static const fn_str aws = {".amazonaws.com", 14};
    if (auth->region.size) return auth->region;
    if (!fn_str_ends(u->host, aws)) return FN_STR("us-east-1");
    const fn_str rest = {u->host.data, u->host.size - aws.size};
    size_t i = rest.size;
    while (i > 0 && rest.data[i - 1] != '.') i--;
    const fn_str last = {rest.data + i, rest.size - i};
    return fn_str_eq(last, FN_STR("s3")) ? FN_STR("us-east-1") : last;
}

static fn_status sign(fn_ctx *ctx, const object_request *r, const fn_object_auth *auth, fn_str path, transfer *t)
{
    char hash[65], date[32];
    const int64_t now = fn_clock_realtime_ns() / 1000000000;
    fn_civil c;
    fn_tz_civil(fn_tz_utc(), now, &c);
    (void)snprintf(date, sizeof date, "%04d%02u%02uT%02u%02u%02uZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
    sigv4_hash_hex(r->upload, hash);
    sigv4_header headers[8];
    size_t n = 0;
    headers[n++] = (sigv4_header){"host", r->url->host};
    if (r->if_match) headers[n++] = (sigv4_header){"if-match", fn_cstr(r->if_match)};
    if (r->range) headers[n++] = (sigv4_header){"range", fn_cstr(r->range)};
    headers[n++] = (sigv4_header){"x-amz-content-sha256", fn_cstr(hash)};
    headers[n++] = (sigv4_header){"x-amz-date", fn_cstr(date)};
    if (auth->token.size) headers[n++] = (sigv4_header){"x-amz-security-token", auth->token};
    const sigv4_request request = {.method = r->method, .path = path, .query = r->query, .headers = headers, .header_count = n,
                                   .payload_hash = fn_cstr(hash), .service = "s3", .date = date};
    fn_buf authorization = FN_BUF_INIT;
    fn_status status = sigv4_authorization(ctx, &request, auth, region_of(r->url, auth), &authorization);
    if (status == FN_OK) status = add_header(ctx, t, "Authorization", fn_buf_view(&authorization));
    for (size_t i = 1; i < n && status == FN_OK; i++)
        if (headers[i].name[0] == 'x') status = add_header(ctx, t, headers[i].name, headers[i].value);
    fn_buf_release(&authorization);
    return status;
}

static fn_status prepare(fn_ctx *ctx, const object_request *r, const fn_object_auth *auth, fn_buf *path, transfer *t)
{
    FN_TRY(write_path(ctx, r, path));
    t->method = r->method;
    t->upload = r->upload;
    t->url = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "://" FN_STR_FMT "%.*s%s%.*s", FN_STR_ARG(r->url->scheme), FN_STR_ARG(r->url->host),
                             (int)path->size, path->data, r->query.size ? "?" : "", (int)r->query.size, r->query.data ? r->query.data : "");
    FN_TRY_PTR(ctx, t->url);
    if (r->range) FN_TRY(add_header(ctx, t, "Range", fn_cstr(r->range)));
    if (r->if_match) FN_TRY(add_header(ctx, t, "If-Match", fn_cstr(r->if_match)));
    for (size_t i = 0; i < r->url->header_count; i++) FN_TRY(object_request_header(ctx, t, r->url->headers[i].name, r->url->headers[i].value));
    if (r->upload.size || (r->method[0] == 'P')) FN_TRY(add_header(ctx, t, "Expect", (fn_str){"", 0}));
    return r->url->is_s3 && auth->key.size && !auth->unsigned_ ? sign(ctx, r, auth, fn_buf_view(path), t) : FN_OK;
}

fn_status object_request_prepare(fn_ctx *ctx, const object_request *r, const fn_object_auth *auth, transfer *t)
{
    fn_buf path = FN_BUF_INIT;
    const fn_status status = prepare(ctx, r, auth, &path, t);
    fn_buf_release(&path);
    return status;
}

/* <Code>NoSuchKey</Code> of S3's error document. */
static fn_str xml_code(fn_str body)
{
    const char *open = body.size ? memmem(body.data, body.size, "<Code>", 6) : NULL;
    const size_t left = open ? body.size - (size_t)(open + 6 - body.data) : 0;
    const char *close = left ? memmem(open + 6, left, "</Code>", 7) : NULL;
    return close && close - open < 100 ? (fn_str){open + 6, (size_t)(close - open - 6)} : (fn_str){"", 0};
}

fn_status object_request_check(fn_ctx *ctx, const fn_object_url *url, const transfer *t)
{
    if (t->code == CURLE_OK && t->status >= 200 && t->status < 300) return FN_OK;
    fn_str name;
    FN_TRY(fn_object_url_text(ctx, url, &name));
    const int code = url->is_s3 ? FN_S3_ERROR : FN_RECEIVED_ERROR_FROM_REMOTE_IO_SERVER;
    if (t->too_large) return fn_fail(ctx, FN_TOO_LARGE_SIZE_COMPRESSED, "Object " FN_STR_FMT " is larger than %zu bytes", FN_STR_ARG(name), t->text_limit);
    if (t->status == 412)
        return fn_fail(ctx, code, "Object " FN_STR_FMT " was changed while it was being read (HTTP status 412)", FN_STR_ARG(name));
    if (t->status >= 300) {
        const fn_str s3 = xml_code(fn_buf_view(&t->error_body));
        return fn_fail(ctx, code, "Cannot %s object " FN_STR_FMT ": HTTP status %ld%s" FN_STR_FMT "%s", t->method[0] == 'P' ? "write" : "read", FN_STR_ARG(name),
                       t->status, s3.size ? " (" : "", FN_STR_ARG(s3), s3.size ? ")" : "");
    }
    return fn_fail(ctx, code, "Cannot %s object " FN_STR_FMT ": %s, after %u attempts", t->method[0] == 'P' ? "write" : "read", FN_STR_ARG(name),
                   curl_easy_strerror(t->code), t->attempts);
}
