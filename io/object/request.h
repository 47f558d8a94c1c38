/* object/request.h - one signed request of an object. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_OBJECT_REQUEST_H
#define FIRN_OBJECT_REQUEST_H
#include "object/transfer.h"

typedef struct object_request {
    const char *method;
    const fn_object_url *url;
    fn_str query;             /* canonical: sorted and encoded; S3 only */
    bool whole_bucket;        /* list: no key in the path */
    const char *range;        /* "bytes=0-99" or NULL */
    const char *if_match;     /* ETag or NULL */
    fn_str upload;
} object_request;

/* Fills t's method, url, headers (signed for S3). Texts in ctx->arena. */
fn_status object_request_prepare(fn_ctx *ctx, const object_request *r, const fn_object_auth *auth, transfer *t) FN_MUST_USE;
fn_status object_request_header(fn_ctx *ctx, transfer *t, fn_str name, fn_str value) FN_MUST_USE;
/* FN_OK for a success; else the error that tells what happened to which object. */
fn_status object_request_check(fn_ctx *ctx, const fn_object_url *url, const transfer *t) FN_MUST_USE;
#endif
