/* http/head.h - the head of an HTTP/1.1 request (RFC 9112): request line, headers, query parameters.
 * The parser works on bytes in memory and copies nothing but decoded parameters. Limits are ClickHouse's:
 * 1 MiB of URI, 128 KiB per header field, 1000 fields.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_HTTP_HEAD_H
#define FIRN_HTTP_HEAD_H
#include <firn/engine.h>

enum { HTTP_HEADERS_MAX = 256, HTTP_URI_MAX = 1 << 20, HTTP_FIELD_MAX = 128 << 10, HTTP_PARAMS_MAX = 4096,
       HTTP_HEAD_MAX = HTTP_URI_MAX + 4 * HTTP_FIELD_MAX };

typedef struct http_head {
    fn_str method, target, path; /* path: still encoded */
    unsigned minor;              /* HTTP/1.minor */
    fn_pair headers[HTTP_HEADERS_MAX];
    size_t header_count;
    fn_pair *params;             /* decoded, in order; arena */
    size_t param_count;
    bool chunked, has_length, keep_alive, expect_continue;
    uint64_t length;
} http_head;

/* How many bytes the head takes if it is complete (with the empty line), 0 if more are needed. */
size_t http_head_size(fn_str bytes, size_t searched);
/* Parses a complete head. Errors: BAD_REQUEST_PARAMETER / INCORRECT_DATA with the reason; the connection must be closed then. */
fn_status http_head_parse(fn_ctx *ctx, fn_str bytes, http_head *out) FN_MUST_USE;
fn_str http_header(const http_head *h, const char *name); /* empty if absent; case-insensitive name */
bool http_has_header(const http_head *h, const char *name);
fn_str http_param(const http_head *h, const char *name);  /* first occurrence; empty if absent */
bool http_has_param(const http_head *h, const char *name);
/* %XX and + decoding into the arena. */
fn_status http_decode(fn_ctx *ctx, fn_str in, fn_str *out) FN_MUST_USE;
/* True if the comma-separated list has the token (parameters behind ; ignored). */
bool http_list_has(fn_str list, const char *token);
#endif
