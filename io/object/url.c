/* url.c - addresses of objects: s3://, AWS host names in both styles, and any other host with the bucket in the path.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/object.h>
#include <stdlib.h>

static fn_str before(fn_str s, char stop, fn_str *rest)
{
    const char *at = s.size ? memchr(s.data, stop, s.size) : NULL;
    const size_t n = at ? (size_t)(at - s.data) : s.size;
    *rest = at ? (fn_str){at + 1, s.size - n - 1} : (fn_str){NULL, 0};
    return (fn_str){s.data, n};
}

/* bucket.s3.amazonaws.com, bucket.s3.region.amazonaws.com, bucket.s3-region.amazonaws.com; false for s3.region... */
static bool bucket_in_host(fn_str host, fn_str *bucket)
{
    if (!fn_str_ends(host, FN_STR(".amazonaws.com"))) return false;
    for (size_t i = 1; i + 4 <= host.size; i++) {
        if (memcmp(host.data + i, ".s3.", 4) != 0 && memcmp(host.data + i, ".s3-", 4) != 0) continue;
        *bucket = (fn_str){host.data, i};
        return true;
    }
    return false;
}

static fn_status parse_s3_scheme(fn_ctx *ctx, fn_str rest, fn_object_url *out)
{
    out->bucket = before(rest, '/', &out->key);
    const char *endpoint = getenv("AWS_ENDPOINT_URL_S3");
    if (!endpoint || !*endpoint) endpoint = getenv("AWS_ENDPOINT_URL");
    if (endpoint && *endpoint) {
        fn_object_url server;
        FN_TRY(fn_object_url_parse(ctx, fn_cstr(endpoint), false, &server));
        out->scheme = server.scheme;
        out->host = server.host;
        out->path_style = true;
        return FN_OK;
    }
    const char *region = getenv("AWS_REGION");
    out->scheme = FN_STR("https");
    out->path_style = memchr(out->bucket.data, '.', out->bucket.size) != NULL; /* the certificate covers one label only */
    const char *host = out->path_style
                           ? fn_arena_printf(ctx, ctx->arena, "s3.%s.amazonaws.com", region && *region ? region : "us-east-1")
                           : fn_arena_printf(ctx, ctx->arena, FN_STR_FMT ".s3.%s.amazonaws.com", FN_STR_ARG(out->bucket), region && *region ? region : "us-east-1");
    FN_TRY_PTR(ctx, host);
    out->host = fn_cstr(host);
    return FN_OK;
}

fn_status fn_object_url_parse(fn_ctx *ctx, fn_str url, bool is_s3, fn_object_url *out)
{
    *out = (fn_object_url){.is_s3 = is_s3, .path_style = true};
    const char *mark = url.size > 3 ? memmem(url.data, url.size, "://", 3) : NULL;
    if (!mark) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad URI: " FN_STR_FMT " has no scheme", FN_STR_ARG(url));
    FN_TRY(fn_arena_str(ctx, ctx->arena, url, &url));
    out->scheme = (fn_str){url.data, (size_t)((const char *)memmem(url.data, url.size, "://", 3) - url.data)};
    fn_str rest = {url.data + out->scheme.size + 3, url.size - out->scheme.size - 3};
    const bool s3_scheme = fn_str_eq(out->scheme, FN_STR("s3")) || fn_str_eq(out->scheme, FN_STR("s3a")) || fn_str_eq(out->scheme, FN_STR("s3n"));
    if (s3_scheme) {
        out->is_s3 = true;
        FN_TRY(parse_s3_scheme(ctx, rest, out));
    } else if (fn_str_eq(out->scheme, FN_STR("http")) || fn_str_eq(out->scheme, FN_STR("https"))) {
        out->host = before(rest, '/', &rest);
        if (memchr(out->host.data, '@', out->host.size)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad URI: credentials do not belong into a URL");
        out->key = rest;
        if (is_s3 && bucket_in_host(out->host, &out->bucket)) out->path_style = false;
        else if (is_s3) out->bucket = before(rest, '/', &out->key);
    } else {
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad URI: the scheme of " FN_STR_FMT " is not supported", FN_STR_ARG(url));
    }
    for (size_t i = 0; i < out->host.size; i++)
        if ((unsigned char)out->host.data[i] <= 32) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad URI: space in the host name");
    if (!out->host.size || (out->is_s3 && !out->bucket.size))
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad URI: " FN_STR_FMT " names no %s", FN_STR_ARG(url), out->host.size ? "bucket" : "host");
    return FN_OK;
}

fn_status fn_object_url_text(fn_ctx *ctx, const fn_object_url *u, fn_str *out)
{
    fn_str query; /* may hold secrets: left out */
    const fn_str key = u->is_s3 ? u->key : before(u->key, '?', &query);
    const bool bucket = u->is_s3 && u->path_style;
    const fn_str in_path = bucket ? u->bucket : FN_STR("");
    const char *text = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "://" FN_STR_FMT "/" FN_STR_FMT "%s" FN_STR_FMT, FN_STR_ARG(u->scheme), FN_STR_ARG(u->host),
                                       FN_STR_ARG(in_path), bucket ? "/" : "", FN_STR_ARG(key));
    FN_TRY_PTR(ctx, text);
    *out = fn_cstr(text);
    return FN_OK;
}
