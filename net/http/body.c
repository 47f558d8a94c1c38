/* body.c - request bodies. A handler that fails early drains what is left, so that the rest of a body is never
 * taken for the next request; a body too long for that closes the connection.
 *
 * A client that sends fast in small pieces would wake the reader for each of them, and the reader would find little: while a large body
 * comes fast, reads wait until there is more (a fifth of the CPU of an insert in Native, whose sender wrote 8 KiB at a time).
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/body.h"
#include <firn/time.h>
#include <string.h>

enum { DRAIN_MAX = 16 << 20, DRAIN_S = 5, DRAIN_IDLE_MS = 300,
       STRETCH = 1 << 20, BRISK_NS = 50000000, /* a body is brisk whose last MiB took no longer */
       BRISK_BYTES = 256 << 10 };              /* then waited for */

static fn_status begin_reading(http_body *b, fn_ctx *ctx)
{
    if (b->started) return FN_OK;
    b->started = true;
    if (!b->expect_continue) return FN_OK;
    char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {text, sizeof text - 1};
    return http_conn_write(b->conn, ctx, &iov, 1);
}

static fn_status parse_chunk_size(fn_ctx *ctx, const char *line, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t v = 0;
    int n = 0;
    for (; *line && *line != ';' && *line != ' '; line++, n++) {
        const char lower = *line >= 'A' && *line <= 'F' ? (char)(*line + 32) : *line;
        const char *at = memchr(digits, lower, 16);
        if (!at || n == 15) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad chunk size in the request body");
        v = v * 16 + (uint64_t)(at - digits);
    }
    if (n == 0) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad chunk size in the request body");
    *out = v;
    return FN_OK;
}

/* Moves to the next chunk; at the last one reads the trailer and ends the body. */
static fn_status next_chunk(http_body *b, fn_ctx *ctx, bool first)
{
    char line[512];
    if (!first) {
        FN_TRY(http_conn_line(b->conn, ctx, line, sizeof line));
        if (line[0]) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Bad end of a chunk in the request body");
    }
    FN_TRY(http_conn_line(b->conn, ctx, line, sizeof line));
    FN_TRY(parse_chunk_size(ctx, line, &b->left));
    if (b->left) return FN_OK;
    b->ended = true;
    for (int fields = 0; fields < 100; fields++) {
        FN_TRY(http_conn_line(b->conn, ctx, line, sizeof line));
        if (!line[0]) return FN_OK;
    }
    return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Too many trailer fields in the request body");
}

static void set_brisk(http_body *b, bool brisk)
{
    if (b->brisk != brisk) http_conn_wake_at(b->conn, brisk ? BRISK_BYTES : 1);
    b->brisk = brisk;
}

/* Behind a read. Not for chunks, between which lines are read; near its end a body is as any other. A client that stops in between keeps
 * one read waiting, no longer than without this. */
static void keep_pace(http_body *b, size_t got, int64_t took_ns)
{
    b->stretch += got;
    b->waited_ns += (uint64_t)FN_MAX(took_ns, 0);
    if (b->chunked || (b->stretch < STRETCH && b->waited_ns < BRISK_NS && b->left >= STRETCH)) return;
    set_brisk(b, b->waited_ns < BRISK_NS && b->left >= STRETCH);
    b->stretch = b->waited_ns = 0;
}

static fn_status body_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    http_body *b = (http_body *)self;
    const bool first = !b->started;
    *got = 0;
    if (b->ended) return FN_OK;
    FN_TRY(begin_reading(b, ctx));
    if (b->chunked && b->left == 0) FN_TRY(next_chunk(b, ctx, first));
    if (b->left == 0) {
        b->ended = true;
        return FN_OK;
    }
    const int64_t began = fn_clock_monotonic_ns();
    FN_TRY(http_conn_read(b->conn, ctx, out, (size_t)FN_MIN((uint64_t)capacity, b->left), got));
    if (*got == 0)
        return fn_fail(ctx, FN_NETWORK_ERROR, "Connection closed inside a request body, %llu bytes are missing (%s)",
                       (unsigned long long)b->left, b->conn->address);
    b->left -= *got;
    keep_pace(b, *got, fn_clock_monotonic_ns() - began);
    if (!b->chunked && b->left == 0) b->ended = true;
    return FN_OK;
}

fn_status http_body_open(fn_ctx *ctx, http_conn *conn, const http_head *head, http_body *out)
{
    *out = (http_body){.base = {body_read, NULL}, .conn = conn, .left = head->length, .chunked = head->chunked,
                       .expect_continue = head->expect_continue};
    out->decoded = &out->base;
    const bool bodyless = fn_str_eq(head->method, FN_STR("GET")) || fn_str_eq(head->method, FN_STR("HEAD")) ||
                          fn_str_eq(head->method, FN_STR("OPTIONS"));
    if (!head->chunked && !head->length) out->ended = true;
    if (!bodyless && !head->chunked && !head->has_length)
        return fn_fail(ctx, FN_HTTP_LENGTH_REQUIRED, "The Transfer-Encoding is not chunked and there is no Content-Length header for POST request");
    return FN_OK;
}

static const struct {
    const char *name;
    fn_codec codec;
} encodings[] = {
    {"gzip", FN_CODEC_GZIP}, {"x-gzip", FN_CODEC_GZIP}, {"deflate", FN_CODEC_ZLIB}, {"zstd", FN_CODEC_ZSTD},
    {"lz4", FN_CODEC_LZ4_FRAME}, {"br", FN_CODEC_BROTLI},
};

fn_status http_body_decode(fn_ctx *ctx, http_body *b, fn_str encoding, bool frames)
{
    if (encoding.size && !fn_str_eq_nocase(encoding, FN_STR("identity"))) {
        size_t i = 0;
        while (i < FN_COUNT(encodings) && !fn_str_eq_nocase(encoding, fn_cstr(encodings[i].name))) i++;
        if (i == FN_COUNT(encodings))
            return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "Unknown compression method: " FN_STR_FMT, FN_STR_ARG(encoding));
        FN_TRY(fn_codec_decoder(ctx, encodings[i].codec, b->decoded, &b->decoded));
    }
    return frames ? fn_frames_decoder(ctx, b->decoded, &b->decoded) : FN_OK;
}

static bool drain(fn_ctx *ctx, http_body *b)
{
    char waste[16384];
    uint64_t total = 0;
    if (!b->started && b->expect_continue && !b->ended) return false; /* the client waits for our word: it gets the answer */
    while (!b->ended && total < DRAIN_MAX) {
        size_t got;
        if (body_read(&b->base, ctx, waste, sizeof waste, &got) != FN_OK) {
            fn_error_clear(ctx);
            return false;
        }
        total += got;
    }
    return b->ended;
}

bool http_body_drain(fn_ctx *ctx, http_body *b)
{
    fn_cancel soon = {.deadline_ns = fn_clock_monotonic_ns() + (int64_t)DRAIN_S * 1000000000, .idle_ns = (int64_t)DRAIN_IDLE_MS * 1000000};
    fn_cancel *const cancel = ctx->cancel;
    ctx->cancel = &soon; /* the answer waits for it */
    const bool ended = drain(ctx, b);
    ctx->cancel = cancel;
    return ended;
}

void http_body_close(http_body *b)
{
    set_brisk(b, false);
    if (b->decoded != &b->base && b->decoded->close) b->decoded->close(b->decoded);
    b->decoded = &b->base;
}
