/* http_credentials.c - see http_credentials.h; base64 by OpenSSL (RFC 7617 for Basic). SPDX-License-Identifier: Apache-2.0 */
#include "http/http_credentials.h"
#include <openssl/evp.h>
#include <string.h>

enum { BASIC_MAX = 4096 };

static fn_status read_basic(fn_ctx *ctx, fn_str text, http_credentials *out)
{
    text = fn_str_trim(text);
    char *plain = fn_arena_alloc(ctx, ctx->arena, BASIC_MAX);
    FN_TRY_PTR(ctx, plain);
    int n = -1;
    if (text.size && text.size % 4 == 0 && text.size <= BASIC_MAX)
        n = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)text.data, (int)text.size);
    for (size_t i = text.size; n > 0 && i > 0 && i + 2 > text.size && text.data[i - 1] == '='; i--) n--;
    const char *colon = n > 0 ? memchr(plain, ':', (size_t)n) : NULL;
    if (!colon) return fn_fail(ctx, FN_AUTHENTICATION_FAILED, "Invalid authentication: the Basic credentials cannot be decoded");
    out->user = (fn_str){plain, (size_t)(colon - plain)};
    out->password = (fn_str){colon + 1, (size_t)(plain + n - colon - 1)};
    return FN_OK;
}

fn_status http_credentials_read(fn_ctx *ctx, const http_head *head, http_credentials *out)
{
    const bool pair = http_has_header(head, "X-ClickHouse-User") || http_header(head, "X-ClickHouse-Key").size; /* an empty key says nothing */
    const fn_str authorization = http_header(head, "Authorization");
    const bool scheme = authorization.size && !fn_str_eq(authorization, FN_STR("never"));
    const bool params = http_has_param(head, "user") || http_has_param(head, "password");
    *out = (http_credentials){FN_STR("default"), {NULL, 0}};
    if (pair && (scheme || params))
        return fn_fail(ctx, FN_AUTHENTICATION_FAILED, "Invalid authentication: it is not allowed to use X-ClickHouse HTTP headers and %s "
                       "simultaneously", scheme ? "Authorization HTTP header" : "authentication via parameters");
    if (pair) {
        out->user = http_header(head, "X-ClickHouse-User");
        out->password = http_header(head, "X-ClickHouse-Key");
    } else if (params) { /* they win over Authorization */
        out->user = http_has_param(head, "user") ? http_param(head, "user") : FN_STR("default");
        out->password = http_param(head, "password");
    } else if (scheme) {
        static const fn_str basic = {"Basic ", 6};
        const fn_str head6 = {authorization.data, FN_MIN(authorization.size, basic.size)};
        if (!fn_str_eq_nocase(head6, basic)) {
            const char *space = memchr(authorization.data, ' ', authorization.size);
            const fn_str name = {authorization.data, space ? (size_t)(space - authorization.data) : authorization.size};
            return fn_fail(ctx, FN_AUTHENTICATION_FAILED, "Invalid authentication: '" FN_STR_FMT "' HTTP Authorization scheme is not supported",
                           FN_STR_ARG(name));
        }
        FN_TRY(read_basic(ctx, (fn_str){authorization.data + basic.size, authorization.size - basic.size}, out));
    }
    if (out->user.size == 0) return fn_fail(ctx, FN_AUTHENTICATION_FAILED, "Invalid authentication: user name is empty");
    return FN_OK;
}
