/* object/sigv4.h - AWS Signature Version 4 for one request (AWS General Reference, "Signing AWS API requests").
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_OBJECT_SIGV4_H
#define FIRN_OBJECT_SIGV4_H
#include <firn/object.h>

typedef struct sigv4_header {
    const char *name; /* lower case */
    fn_str value;
} sigv4_header;

typedef struct sigv4_request {
    const char *method;
    fn_str path;               /* encoded as it is sent, with the leading slash */
    fn_str query;              /* canonical: encoded, sorted by name; without '?' */
    const sigv4_header *headers; /* those to be signed, sorted by name; host and x-amz-date among them */
    size_t header_count;
    fn_str payload_hash;       /* hex SHA-256 of the body, or UNSIGNED-PAYLOAD */
    const char *service;       /* "s3" */
    const char *date;          /* 20130524T000000Z */
} sigv4_request;

/* The value of the Authorization header. */
fn_status sigv4_authorization(fn_ctx *ctx, const sigv4_request *r, const fn_object_auth *auth, fn_str region, fn_buf *out) FN_MUST_USE;
void sigv4_hash_hex(fn_str bytes, char out[65]); /* SHA-256, lower-case hex, 0-terminated */
/* RFC 3986 unreserved characters stay; '/' too if keep_slash. */
fn_status sigv4_encode(fn_ctx *ctx, fn_str in, bool keep_slash, fn_buf *out) FN_MUST_USE;
#endif
