/* object/transfer.h - HTTP transfers on the store's thread: any number in parallel, with retries.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_OBJECT_TRANSFER_H
#define FIRN_OBJECT_TRANSFER_H
#include <curl/curl.h>
#include <firn/object.h>

typedef struct transfer {
    struct transfer *next;
    /* request; owned by the caller until the transfer is done */
    const char *method;     /* GET, HEAD, PUT */
    const char *url;
    struct curl_slist *headers;
    fn_str upload;          /* PUT */
    uint8_t *out;           /* body of an expected size ... */
    size_t out_size;
    fn_buf *text;           /* ... or a growing one, up to text_limit */
    size_t text_limit;
    /* answer */
    long status;            /* HTTP status; 0: none */
    CURLcode code;
    size_t got;             /* bytes of the body */
    fn_buf error_body;      /* body of a status >= 400, cut */
    char etag[128];
    uint64_t length;        /* Content-Length */
    uint64_t total;         /* of Content-Range; UINT64_MAX: not given */
    /* the thread's */
    CURL *easy;
    unsigned attempts;
    int64_t retry_at_ns;
    bool abort, done, too_large;
} transfer;

/* Runs all to their end (parallel); statuses are in the transfers. Fails only for cancellation and memory. */
fn_status transfer_run(fn_ctx *ctx, fn_object_store *s, transfer *list, size_t count) FN_MUST_USE;
void transfer_release(transfer *t); /* headers and error body */
#endif
