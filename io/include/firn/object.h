/* firn/object.h - objects behind HTTP: S3 and plain web servers. One store per process owns the transfer thread.
 *
 * An object is opened once: its size and ETag are pinned, and every later read asks for that ETag, so a reader never
 * mixes two versions of an object. Reads are ranged, split and parallel; 5xx, SlowDown, resets and time-outs are
 * retried with jitter. Messages name the object, never credentials.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_OBJECT_H
#define FIRN_OBJECT_H
#include <firn/bits.h>
#include <firn/stream.h>

typedef struct fn_object_store fn_object_store;
fn_status fn_object_store_open(fn_ctx *ctx, fn_object_store **out) FN_MUST_USE;
void fn_object_store_close(fn_object_store *s); /* waits for running transfers; NULL is fine */

/* Credentials of a request. Empty key: unsigned. */
typedef struct fn_object_auth {
    fn_str key, secret, token;
    fn_str region;  /* empty: from the host name, or us-east-1 */
    bool unsigned_; /* NOSIGN: never sign, whatever the environment says */
} fn_object_auth;
/* Fills what is empty from AWS_ACCESS_KEY_ID / AWS_SECRET_ACCESS_KEY / AWS_SESSION_TOKEN / AWS_REGION, then from the profile
 * AWS_PROFILE (default) of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). Texts in ctx->arena. */
fn_status fn_object_auth_default(fn_ctx *ctx, fn_object_auth *auth) FN_MUST_USE;

/* Where an object is. `base` is scheme://host[:port][/bucket], `key` the decoded rest without leading slash. */
typedef struct fn_object_url {
    fn_str scheme, host;  /* host with port, as for the Host header */
    fn_str bucket, key;
    bool path_style;      /* bucket in the path; otherwise in the host name */
    bool is_s3;           /* speak S3 (sign, list); false: a plain web server, key = path and query */
    const struct fn_object_header *headers; /* sent with each request */
    size_t header_count;
} fn_object_url;
/* s3://bucket/key (endpoint from AWS_ENDPOINT_URL_S3 / AWS_ENDPOINT_URL, else AWS), https://bucket.s3.region.amazonaws.com/key,
 * http://host:port/bucket/key. Globs stay in the key. BAD_ARGUMENTS naming the URL without its query. */
fn_status fn_object_url_parse(fn_ctx *ctx, fn_str url, bool is_s3, fn_object_url *out) FN_MUST_USE;
fn_status fn_object_url_text(fn_ctx *ctx, const fn_object_url *u, fn_str *out) FN_MUST_USE; /* for messages and _path */

/* For random access; close with blob->close. Errors: S3_ERROR (499) with status and S3's code, or RECEIVED_ERROR_FROM_REMOTE_IO_SERVER
 * (86) for plain servers. size_hint: known size (from a listing), UINT64_MAX if not. */
fn_status fn_object_open(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, fn_blob **out) FN_MUST_USE;
/* A whole small object. */
fn_status fn_object_get(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, size_t limit, fn_buf *out) FN_MUST_USE;
/* Replaces an object by bytes. */
fn_status fn_object_put(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, fn_str bytes) FN_MUST_USE;

/* A request's header. */
typedef struct fn_object_header {
    fn_str name, value;
} fn_object_header;
/* BAD_ARGUMENTS: no token, a line's end in it, or one that says how the body is sent. */
fn_status fn_object_header_check(fn_ctx *ctx, const fn_object_header *header) FN_MUST_USE;

/* A body sent by POST while it is made (post.c), in chunks, once. One thread at a time. RECEIVED_ERROR_FROM_REMOTE_IO_SERVER (86) with the server's status and
 * words, POCO_EXCEPTION (1000) for what went wrong on the way. */
typedef struct fn_post_limits {
    double connect_s, send_s, receive_s; /* to connect; without a byte taken; until the answer behind the last byte */
} fn_post_limits;
typedef struct fn_object_post fn_object_post;
/* url: of a plain server. Texts are in ctx->arena, which must outlive the post. */
fn_status fn_object_post_open(fn_ctx *ctx, const fn_object_url *url, const fn_object_header *headers, size_t count, const fn_post_limits *limits, fn_object_post **out) FN_MUST_USE;
fn_status fn_object_post_write(fn_ctx *ctx, fn_object_post *p, const void *bytes, size_t size) FN_MUST_USE;
fn_status fn_object_post_finish(fn_ctx *ctx, fn_object_post *p) FN_MUST_USE; /* the end, and the server's answer */
void fn_object_post_close(fn_object_post *p); /* without finish: the server sees a body that is cut. NULL is fine */

typedef struct fn_object_entry {
    fn_str key;
    uint64_t size;
    int64_t modified_s;
} fn_object_entry;
typedef fn_status fn_object_each(void *self, fn_ctx *ctx, const fn_object_entry *entry);
/* Every object whose key begins with url->key (ListObjectsV2, all pages), in key order. */
fn_status fn_object_list(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, fn_object_each *each,
                         void *self) FN_MUST_USE;
#endif
