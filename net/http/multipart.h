/* http/multipart.h - multipart/form-data bodies (RFC 7578): parameters and external tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_HTTP_MULTIPART_H
#define FIRN_HTTP_MULTIPART_H
#include "http/head.h"

enum { MULTIPART_PARTS_MAX = 1000, MULTIPART_BYTES_MAX = 1 << 30 };

typedef struct http_part {
    fn_str name;
    bool is_file; /* has a filename: an external table */
    fn_str data;  /* points into the body */
} http_part;

/* The boundary of a multipart/form-data Content-Type; empty if it is something else. */
fn_str multipart_boundary(fn_str content_type);
/* Cuts a whole body into parts (arena). Errors: INCORRECT_DATA naming what is wrong and where. */
fn_status multipart_parse(fn_ctx *ctx, fn_str body, fn_str boundary, http_part **parts, size_t *count) FN_MUST_USE;
#endif
