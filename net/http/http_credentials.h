/* http/http_credentials.h - who asks: exactly one of the header pair, Authorization, or URL parameters.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_HTTP_CREDENTIALS_H
#define FIRN_HTTP_CREDENTIALS_H
#include "http/head.h"

typedef struct http_credentials {
    fn_str user, password; /* arena */
} http_credentials;

/* Errors: AUTHENTICATION_FAILED (516) for mixed ways, unknown schemes, bad base64. None given: user `default`. */
fn_status http_credentials_read(fn_ctx *ctx, const http_head *head, http_credentials *out) FN_MUST_USE;
#endif
