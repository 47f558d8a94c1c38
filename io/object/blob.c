/* blob.c - an object as random-access bytes: ranges are joined when close, split when large, read in parallel, and
 * bound to the ETag seen at the opening. SPDX-License-Identifier: Apache-2.0 */
#include "object/request.h"
#include <stdio.h>
#include <stdlib.h>

enum { JOIN_GAP = 256 << 10, PIECE = 8 << 20 };

typedef struct object_blob {
    fn_blob base;
    fn_object_store *store;
    fn_arena *arena; /* texts below */
    fn_object_url url;
    fn_object_auth auth;
    char etag[128];
    fn_buf whole;    /* the object itself when the server does not do ranges */
    bool have_whole;
} object_blob;

/* One GET: bytes [from, from + size) that serve the ranges first..last of the sorted list. */
typedef struct piece {
    uint64_t from, size;
    uint8_t *bytes;
    bool direct; /* bytes is the caller's memory */
} piece;

static int by_offset(const void *a, const void *b)
{
    const fn_range *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Spans of close ranges, cut at PIECE. */
static size_t plan_pieces(const fn_range *ranges, size_t count, piece *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < count;) {
        uint64_t end = ranges[i].offset + ranges[i].size;
        size_t last = i + 1;
        while (last < count && ranges[last].offset <= end + JOIN_GAP) {
            end = FN_MAX(end, ranges[last].offset + ranges[last].size);
            last++;
        }
        const bool direct = last == i + 1;
        for (uint64_t at = ranges[i].offset; at < end && n < room; at += PIECE) {
            const uint64_t size = FN_MIN((uint64_t)PIECE, end - at);
            out[n++] = (piece){at, size, direct ? (uint8_t *)ranges[i].out + (at - ranges[i].offset) : NULL, direct};
        }
        i = last;
    }
    return n;
}

static fn_status fetch_pieces(object_blob *b, fn_ctx *ctx, piece *pieces, size_t count)
{
    transfer *list = FN_NEW_ARRAY(ctx, transfer, count);
    FN_TRY_PTR(ctx, list);
    fn_status status = FN_OK;
    for (size_t i = 0; i < count && status == FN_OK; i++) {
        const char *range = fn_arena_printf(ctx, ctx->arena, "bytes=%llu-%llu", (unsigned long long)pieces[i].from,
                                            (unsigned long long)(pieces[i].from + pieces[i].size - 1));
        const object_request request = {.method = "GET", .url = &b->url, .range = range, .if_match = b->etag[0] ? b->etag : NULL};
        list[i].out = pieces[i].bytes;
        list[i].out_size = pieces[i].size;
        status = range ? object_request_prepare(ctx, &request, &b->auth, &list[i]) : ctx->error.code;
    }
    if (status == FN_OK) status = transfer_run(ctx, b->store, list, count);
    for (size_t i = 0; i < count; i++) {
        if (status == FN_OK) status = object_request_check(ctx, &b->url, &list[i]);
        transfer_release(&list[i]);
    }
    return status;
}

/* Copies what lies in pieces with memory of their own to the ranges. */
static void distribute(const fn_range *ranges, size_t range_count, const piece *pieces, size_t count)
{
    for (size_t r = 0; r < range_count; r++)
        for (size_t p = 0; p < count; p++) {
            if (pieces[p].direct) continue;
            const uint64_t from = FN_MAX(ranges[r].offset, pieces[p].from);
            const uint64_t to = FN_MIN(ranges[r].offset + ranges[r].size, pieces[p].from + pieces[p].size);
            if (from < to) memcpy((uint8_t *)ranges[r].out + (from - ranges[r].offset), pieces[p].bytes + (from - pieces[p].from), to - from);
        }
}

static fn_status read_ranges(object_blob *b, fn_ctx *ctx, const fn_range *sorted, size_t count)
{
    size_t room = count;
    for (size_t i = 0; i < count; i++) room += (size_t)((sorted[i].size + JOIN_GAP) / PIECE) + 1;
    piece *pieces = FN_NEW_ARRAY(ctx, piece, room);
    FN_TRY_PTR(ctx, pieces);
    const size_t n = plan_pieces(sorted, count, pieces, room);
    fn_status status = FN_OK;
    for (size_t i = 0; i < n && status == FN_OK; i++)
        if (!pieces[i].direct) {
            pieces[i].bytes = fn_alloc(ctx, pieces[i].size);
            if (!pieces[i].bytes) status = ctx->error.code;
        }
    if (status == FN_OK) status = fetch_pieces(b, ctx, pieces, n);
    if (status == FN_OK) distribute(sorted, count, pieces, n);
    for (size_t i = 0; i < n; i++)
        if (!pieces[i].direct) fn_free(pieces[i].bytes);
    return status;
}

static fn_status blob_read(fn_blob *self, fn_ctx *ctx, const fn_range *ranges, size_t count)
{
    object_blob *b = (object_blob *)self;
    for (size_t i = 0; i < count; i++)
        if (ranges[i].offset > b->base.size || ranges[i].size > b->base.size - ranges[i].offset)
            return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "Cannot read %llu bytes at offset %llu of %s: it has %llu bytes", (unsigned long long)ranges[i].size,
                           (unsigned long long)ranges[i].offset, b->base.name, (unsigned long long)b->base.size);
    if (b->have_whole) {
        for (size_t i = 0; i < count; i++)
            if (ranges[i].size) memcpy(ranges[i].out, b->whole.data + ranges[i].offset, ranges[i].size);
        return FN_OK;
    }
    fn_ctx scratch = {.memory = ctx->memory, .cancel = ctx->cancel};
    scratch.arena = fn_arena_new(&scratch);
    if (!scratch.arena) return fn_fail(ctx, scratch.error.code, "%s", scratch.error.text);
    fn_range *sorted = FN_NEW_ARRAY(&scratch, fn_range, count + 1);
    fn_status status = sorted ? FN_OK : scratch.error.code;
    if (status == FN_OK) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            if (ranges[i].size) sorted[n++] = ranges[i];
        qsort(sorted, n, sizeof *sorted, by_offset);
        if (n) status = read_ranges(b, &scratch, sorted, n);
    }
    if (status != FN_OK) (void)fn_fail(ctx, status, "%s", scratch.error.text);
    fn_arena_free(scratch.arena);
    return status;
}

static void blob_close(fn_blob *self)
{
    object_blob *b = (object_blob *)self;
    fn_buf_release(&b->whole);
    fn_arena_free(b->arena);
    fn_free(b);
}

static fn_status copy_address(fn_ctx *own, object_blob *b, const fn_object_url *url, const fn_object_auth *auth)
{
    b->url = *url;
    b->auth = *auth;
    fn_str *texts[] = {&b->url.scheme, &b->url.host, &b->url.bucket, &b->url.key, &b->auth.key, &b->auth.secret, &b->auth.token, &b->auth.region};
    for (size_t i = 0; i < FN_COUNT(texts); i++) FN_TRY(fn_arena_str(own, own->arena, *texts[i], texts[i]));
    fn_object_header *headers = fn_arena_alloc(own, own->arena, sizeof *headers * (url->header_count + 1));
    FN_TRY_PTR(own, headers);
    for (size_t i = 0; i < url->header_count; i++) {
        FN_TRY(fn_arena_str(own, own->arena, url->headers[i].name, &headers[i].name));
        FN_TRY(fn_arena_str(own, own->arena, url->headers[i].value, &headers[i].value));
    }
    b->url.headers = headers;
    fn_str name;
    FN_TRY(fn_object_url_text(own, &b->url, &name));
    b->base.name = name.data;
    return FN_OK;
}

/* Size and ETag by HEAD; plain servers that refuse HEAD or do not know their size are read whole. */
static fn_status learn(fn_ctx *ctx, object_blob *b)
{
    const object_request request = {.method = "HEAD", .url = &b->url};
    transfer t = {0};
    fn_status status = object_request_prepare(ctx, &request, &b->auth, &t);
    if (status == FN_OK) status = transfer_run(ctx, b->store, &t, 1);
    const bool plain_unknown = !b->url.is_s3 && (t.status == 405 || t.status == 403 || t.status == 501 || (t.status == 200 && t.length == 0));
    if (status == FN_OK && !plain_unknown) status = object_request_check(ctx, &b->url, &t);
    b->base.size = t.length;
    memcpy(b->etag, t.etag, sizeof b->etag);
    transfer_release(&t);
    /* A weak tag means like bytes, not the same; messages and so names are without the query, and without headers. */
    if (status == FN_OK && !plain_unknown && !b->url.header_count && b->etag[0] == '"' && (b->url.is_s3 || !memchr(b->url.key.data, '?', b->url.key.size))) b->base.version = b->etag;
    if (status != FN_OK || !plain_unknown) return status;
    FN_TRY(fn_object_get(ctx, b->store, &b->url, &b->auth, (size_t)1 << 32, &b->whole));
    b->have_whole = true;
    b->base.size = b->whole.size;
    return FN_OK;
}

fn_status fn_object_open(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, fn_blob **out)
{
    object_blob *b = fn_alloc_zero(ctx, sizeof *b);
    FN_TRY_PTR(ctx, b);
    b->base.read = blob_read;
    b->base.close = blob_close;
    b->store = s;
    fn_ctx own = {0};
    own.arena = b->arena = fn_arena_new(&own);
    fn_status status = b->arena ? copy_address(&own, b, url, auth) : own.error.code;
    if (status != FN_OK) (void)fn_fail(ctx, status, "%s", own.error.text);
    if (status == FN_OK) status = learn(ctx, b);
    if (status != FN_OK) blob_close(&b->base);
    else *out = &b->base;
    return status;
}

fn_status fn_object_get(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, size_t limit, fn_buf *out)
{
    const object_request request = {.method = "GET", .url = url};
    transfer t = {.text = out, .text_limit = limit};
    fn_status status = object_request_prepare(ctx, &request, auth, &t);
    if (status == FN_OK) status = transfer_run(ctx, s, &t, 1);
    if (status == FN_OK) status = object_request_check(ctx, url, &t);
    transfer_release(&t);
    return status;
}

fn_status fn_object_put(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, fn_str bytes)
{
    const object_request request = {.method = "PUT", .url = url, .upload = bytes};
    fn_buf answer = FN_BUF_INIT;
    transfer t = {.text = &answer, .text_limit = 1 << 20};
    fn_status status = object_request_prepare(ctx, &request, auth, &t);
    if (status == FN_OK) status = transfer_run(ctx, s, &t, 1);
    if (status == FN_OK) status = object_request_check(ctx, url, &t);
    transfer_release(&t);
    fn_buf_release(&answer);
    return status;
}
