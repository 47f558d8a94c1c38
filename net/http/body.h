/* http/body.h - the body of a request as a source of bytes: Content-Length or chunked (RFC 9112 section 7.1), decoded
 * from its Content-Encoding and from ClickHouse's native frames.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_HTTP_BODY_H
#define FIRN_HTTP_BODY_H
#include "http/conn.h"
#include "http/head.h"
#include <firn/codec.h>

typedef struct http_body {
    fn_source base;        /* raw bytes of the body */
    http_conn *conn;
    uint64_t left;         /* of the body or of the current chunk */
    bool chunked, ended, started;
    uint64_t stretch, waited_ns; /* of the reads since the pace was looked at last: bytes, time in them */
    bool brisk;            /* the client sends fast: reads wait for more at once */
    bool expect_continue;  /* 100 Continue is owed before the first read */
    fn_source *decoded;    /* what the statement reads: base, or decoders around it */
} http_body;

/* HTTP_LENGTH_REQUIRED (381) for a POST without a length. */
fn_status http_body_open(fn_ctx *ctx, http_conn *conn, const http_head *head, http_body *out) FN_MUST_USE;
/* Puts decoders in front: Content-Encoding (BAD_REQUEST_PARAMETER for an unknown one), then native frames. */
fn_status http_body_decode(fn_ctx *ctx, http_body *b, fn_str encoding, bool frames) FN_MUST_USE;
/* Reads and forgets the rest, up to a bound. False: the connection cannot be used again. */
bool http_body_drain(fn_ctx *ctx, http_body *b);
void http_body_close(http_body *b); /* decoders; the connection is as it was */
#endif
