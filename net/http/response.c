/* response.c - see response.h. SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"
#include <firn/time.h>
#include <stdio.h>
#include <time.h>

enum { PENDING_MAX = 256 << 10, EXCEPTION_MAX = 16000 };

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},           {204, "No Content"},      {400, "Bad Request"},  {401, "Unauthorized"},        {403, "Forbidden"},
    {404, "Not Found"},    {408, "Request Timeout"}, {405, "Method Not Allowed"}, {411, "Length Required"}, {413, "Request Entity Too Large"},
    {415, "Unsupported Media Type"}, {500, "Internal Server Error"}, {501, "Not Implemented"}, {503, "Service Unavailable"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < FN_COUNT(reasons); i++)
        if (reasons[i].status == status) return reasons[i].reason;
    return "Unknown";
}

/* In the order we like them: cheapest to decode for the ratio first. */
static const struct {
    const char *name;
    fn_codec codec;
} codings[] = {
    {"lz4", FN_CODEC_LZ4_FRAME}, {"zstd", FN_CODEC_ZSTD}, {"gzip", FN_CODEC_GZIP}, {"deflate", FN_CODEC_ZLIB},
};

void http_response_accept(http_response *r, int level)
{
    const fn_str accepted = http_header(r->head, "Accept-Encoding");
    for (size_t i = 0; i < FN_COUNT(codings); i++) {
        if (!http_list_has(accepted, codings[i].name)) continue;
        r->coding = codings[i].codec;
        r->coding_level = r->coding == FN_CODEC_LZ4_FRAME ? 0 : level;
        return;
    }
}

static const char *coding_name(fn_codec codec)
{
    for (size_t i = 0; i < FN_COUNT(codings); i++)
        if (codings[i].codec == codec) return codings[i].name;
    return "identity";
}

static fn_status write_date(fn_ctx *ctx, fn_buf *out)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const time_t now = (time_t)(fn_clock_realtime_ns() / 1000000000);
    struct tm t;
    if (!gmtime_r(&now, &t)) return FN_OK;
    return fn_buf_printf(ctx, out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * t.tm_wday, t.tm_mday,
                         months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static fn_status write_query_headers(http_response *r, fn_ctx *ctx, fn_buf *out)
{
    if (r->exception_code) FN_TRY(fn_buf_printf(ctx, out, "X-ClickHouse-Exception-Code: %d\r\n", r->exception_code));
    if (!r->query_id[0]) return FN_OK;
    if (r->summary[0]) FN_TRY(fn_buf_printf(ctx, out, "X-ClickHouse-Summary: %s\r\n", r->summary));
    FN_TRY(fn_buf_printf(ctx, out, "X-ClickHouse-Query-Id: %s\r\nX-ClickHouse-Exception-Tag: %s\r\nX-ClickHouse-Server-Display-Name: %s\r\n",
                         r->query_id, r->tag, fn_engine_display_name(r->engine)));
    if (r->timezone[0]) FN_TRY(fn_buf_printf(ctx, out, "X-ClickHouse-Timezone: %s\r\n", r->timezone));
    if (r->format) FN_TRY(fn_buf_printf(ctx, out, "X-ClickHouse-Format: %s\r\n", r->format));
    return fn_buf_cstr(ctx, out, "Access-Control-Expose-Headers: X-ClickHouse-Query-Id,X-ClickHouse-Summary,X-ClickHouse-Server-Display-Name,"
                                 "X-ClickHouse-Format,X-ClickHouse-Timezone,X-ClickHouse-Exception-Code,X-ClickHouse-Exception-Tag\r\n");
}

static fn_status write_status_line(const http_response *r, fn_ctx *ctx, fn_buf *out)
{
    return fn_buf_printf(ctx, out, "HTTP/1.%u %d %s\r\n", r->head->minor, r->status, reason_of(r->status));
}

/* length < 0: chunked, or up to the end of the connection for HTTP/1.0. */
static fn_status write_head(http_response *r, fn_ctx *ctx, int64_t length, fn_buf *out)
{
    const bool chunked = length < 0 && r->head->minor == 1;
    if (length < 0 && !chunked) r->keep_alive = false;
    if (!r->status_sent) FN_TRY(write_status_line(r, ctx, out));
    FN_TRY(write_query_headers(r, ctx, out));
    FN_TRY(write_date(ctx, out));
    FN_TRY(fn_buf_printf(ctx, out, "Content-Type: %s\r\n", r->content_type));
    if (r->coding != FN_CODEC_NONE && length != 0) FN_TRY(fn_buf_printf(ctx, out, "Content-Encoding: %s\r\nVary: Accept-Encoding\r\n", coding_name(r->coding)));
    if (r->cors) FN_TRY(fn_buf_cstr(ctx, out, "Access-Control-Allow-Origin: *\r\n"));
    if (r->extra.size) FN_TRY(fn_buf_append(ctx, out, r->extra.data, r->extra.size));
    if (r->keep_alive) FN_TRY(fn_buf_printf(ctx, out, "Connection: Keep-Alive\r\nKeep-Alive: timeout=%u\r\n", r->conn->keep_alive_s));
    else FN_TRY(fn_buf_cstr(ctx, out, "Connection: Close\r\n"));
    if (chunked) FN_TRY(fn_buf_cstr(ctx, out, "Transfer-Encoding: chunked\r\n"));
    else if (length >= 0) FN_TRY(fn_buf_printf(ctx, out, "Content-Length: %lld\r\n", (long long)length));
    return fn_buf_cstr(ctx, out, "\r\n");
}

/* Sends head (if not yet), the pending bytes (as a chunk, unless `whole`), and the last chunk if `last`. */
static fn_status send_locked(http_response *r, fn_ctx *ctx, bool whole, bool last)
{
    fn_buf head = FN_BUF_INIT;
    char size[32] = "";
    const bool first = !r->head_sent;
    fn_status status = FN_OK;
    if (r->broken) return fn_fail(ctx, FN_NETWORK_ERROR, "The client has gone (%s)", r->conn->address);
    if (first) status = write_head(r, ctx, whole ? (int64_t)r->pending.size : -1, &head);
    const bool chunked = r->head->minor == 1 && !whole;
    const bool body = r->pending.size && !r->no_body;
    if (status == FN_OK) {
        if (chunked && body) (void)snprintf(size, sizeof size, "%zx\r\n", r->pending.size);
        struct iovec iov[5];
        int n = 0;
        if (head.size) iov[n++] = (struct iovec){head.data, head.size};
        if (chunked && body) iov[n++] = (struct iovec){size, strlen(size)};
        if (body) iov[n++] = (struct iovec){r->pending.data, r->pending.size};
        static char newline[] = "\r\n", end[] = "0\r\n\r\n";
        if (chunked && body) iov[n++] = (struct iovec){newline, 2};
        if (chunked && last && !r->no_body) iov[n++] = (struct iovec){end, 5};
        r->head_sent = true;
        if (n) status = http_conn_write(r->conn, ctx, iov, n);
        if (status != FN_OK) {
            r->broken = true;
            r->keep_alive = false;
        }
        r->pending.size = 0;
    }
    fn_buf_release(&head);
    return status;
}

static fn_status send_pending(http_response *r, fn_ctx *ctx, bool whole, bool last)
{
    FN_ASSERT(pthread_mutex_lock(&r->lock) == 0);
    const fn_status status = send_locked(r, ctx, whole, last);
    FN_ASSERT(pthread_mutex_unlock(&r->lock) == 0);
    return status;
}

/* ---- progress ---- */
/* ClickHouse's form: texts, and nothing for zeros. */
static fn_status write_progress(fn_ctx *ctx, const fn_progress *p, fn_buf *out)
{
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {{"read_rows", p->read_rows}, {"read_bytes", p->read_bytes}, {"written_rows", p->written_rows}, {"written_bytes", p->written_bytes},
                  {"total_rows_to_read", p->total_rows_to_read}, {"result_rows", p->result_rows}, {"result_bytes", p->result_bytes},
                  {"elapsed_ns", p->elapsed_ns}, {"memory_usage", p->memory_usage > 0 ? (uint64_t)p->memory_usage : 0}};
    const char *separator = "{";
    FN_TRY(fn_buf_cstr(ctx, out, "X-ClickHouse-Progress: "));
    for (size_t i = 0; i < FN_COUNT(fields); i++) {
        if (!fields[i].value) continue;
        FN_TRY(fn_buf_printf(ctx, out, "%s\"%s\":\"%llu\"", separator, fields[i].name, (unsigned long long)fields[i].value));
        separator = ",";
    }
    return fn_buf_cstr(ctx, out, "}\r\n");
}

static fn_status send_progress(http_response *r, fn_ctx *ctx, const fn_progress *p, fn_buf *out)
{
    if (!r->status_sent) FN_TRY(write_status_line(r, ctx, out));
    FN_TRY(write_progress(ctx, p, out));
    struct iovec iov = {out->data, out->size};
    r->status_sent = true;
    return http_conn_write(r->conn, ctx, &iov, 1);
}

static void on_progress(fn_response *self, const fn_progress *p)
{
    http_response *r = (http_response *)self;
    fn_ctx ctx = {.arena = NULL};
    fn_buf out = FN_BUF_INIT;
    FN_ASSERT(pthread_mutex_lock(&r->lock) == 0);
    if (!r->head_sent && !r->broken && send_progress(r, &ctx, p, &out) != FN_OK) r->broken = true;
    FN_ASSERT(pthread_mutex_unlock(&r->lock) == 0);
    fn_buf_release(&out);
}

void http_response_progress(http_response *r, unsigned interval_ms)
{
    r->base.progress = on_progress;
    r->base.progress_interval_ns = (int64_t)FN_MAX(interval_ms, 1u) * 1000000;
}

static http_response *of_tail(fn_sink *s)
{
    return (http_response *)(void *)((char *)s - offsetof(http_response, tail));
}

static fn_status tail_write(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    http_response *r = of_tail(self);
    FN_TRY(fn_buf_append(ctx, &r->pending, bytes, size));
    return !r->buffered && r->pending.size >= PENDING_MAX ? send_pending(r, ctx, false, false) : FN_OK;
}

static http_response *of_body(fn_sink *s)
{
    return (http_response *)(void *)((char *)s - offsetof(http_response, body));
}

static fn_status open_encoders(http_response *r, fn_ctx *ctx)
{
    if (r->coding != FN_CODEC_NONE && !r->encoder) FN_TRY(fn_encoder_open(ctx, r->coding, r->coding_level, &r->tail, &r->encoder));
    if (r->frames && !r->frames_encoder)
        FN_TRY(fn_frames_encoder_open(ctx, r->frames_codec, r->encoder ? fn_encoder_sink(r->encoder) : &r->tail, &r->frames_encoder));
    return FN_OK;
}

static fn_sink *entrance(http_response *r)
{
    return r->frames_encoder ? fn_encoder_sink(r->frames_encoder) : r->encoder ? fn_encoder_sink(r->encoder) : &r->tail;
}

static fn_status body_write(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    http_response *r = of_body(self);
    if (size == 0) return FN_OK;
    FN_TRY(open_encoders(r, ctx));
    fn_sink *in = entrance(r);
    return in->write(in, ctx, bytes, size);
}

static fn_status flush_encoder(fn_ctx *ctx, fn_encoder *e)
{
    fn_sink *s = e ? fn_encoder_sink(e) : NULL;
    return s && s->flush ? s->flush(s, ctx) : FN_OK;
}

/* Called behind each block. The first is held back: most answers have one block and leave in one piece with its length. */
static fn_status body_flush(fn_sink *self, fn_ctx *ctx)
{
    http_response *r = of_body(self);
    if (r->buffered || r->flushes++ == 0) return FN_OK;
    FN_TRY(flush_encoder(ctx, r->frames_encoder));
    FN_TRY(flush_encoder(ctx, r->encoder));
    return r->pending.size ? send_pending(r, ctx, false, false) : FN_OK;
}

static fn_status on_begin(fn_response *self, fn_ctx *ctx, const fn_result_head *head)
{
    http_response *r = (http_response *)self;
    (void)ctx;
    (void)snprintf(r->query_id, sizeof r->query_id, "%s", head->query_id);
    (void)snprintf(r->timezone, sizeof r->timezone, "%s", head->timezone);
    r->format = head->has_result ? head->format : NULL;
    r->content_type = head->has_result ? head->content_type : "text/plain; charset=UTF-8";
    return FN_OK;
}

void http_response_init(http_response *r, http_conn *conn, const http_head *head, fn_engine *engine)
{
    *r = (http_response){.base = {.begin = on_begin}, .body = {body_write, body_flush}, .tail = {tail_write, NULL}, .conn = conn,
                         .head = head, .engine = engine, .status = 200, .keep_alive = head->keep_alive,
                         .content_type = "text/plain; charset=UTF-8", .frames_codec = FN_CODEC_LZ4_RAW};
    r->base.body = &r->body;
    FN_ASSERT(pthread_mutex_init(&r->lock, NULL) == 0);
    r->no_body = fn_str_eq(head->method, FN_STR("HEAD"));
    uint64_t random = 0;
    for (int i = 0; i < HTTP_TAG_SIZE; i++) {
        if (i % 8 == 0) random = fn_random_u64();
        r->tag[i] = (char)('a' + (random & 0xff) % 26);
        random >>= 8;
    }
}

void http_response_summary(http_response *r, const fn_progress *p)
{
    (void)snprintf(r->summary, sizeof r->summary,
                   "{\"read_rows\":\"%llu\",\"read_bytes\":\"%llu\",\"written_rows\":\"%llu\",\"written_bytes\":\"%llu\",\"total_rows_to_read\":"
                   "\"%llu\",\"result_rows\":\"%llu\",\"result_bytes\":\"%llu\",\"elapsed_ns\":\"%llu\",\"memory_usage\":\"%lld\"}",
                   (unsigned long long)p->read_rows, (unsigned long long)p->read_bytes, (unsigned long long)p->written_rows,
                   (unsigned long long)p->written_bytes, (unsigned long long)p->total_rows_to_read, (unsigned long long)p->result_rows,
                   (unsigned long long)p->result_bytes, (unsigned long long)p->elapsed_ns, (long long)p->memory_usage);
}

static void drop_encoders(http_response *r)
{
    fn_encoder_free(r->frames_encoder);
    fn_encoder_free(r->encoder);
    r->frames_encoder = r->encoder = NULL;
}

static fn_status finish_encoders(http_response *r, fn_ctx *ctx)
{
    if (r->frames_encoder) FN_TRY(fn_encoder_finish(ctx, r->frames_encoder));
    if (r->encoder) FN_TRY(fn_encoder_finish(ctx, r->encoder));
    return FN_OK;
}

fn_status http_response_finish(http_response *r, fn_ctx *ctx)
{
    FN_TRY(finish_encoders(r, ctx));
    return send_pending(r, ctx, !r->head_sent, true);
}

fn_status http_response_text(http_response *r, fn_ctx *ctx, int status, const char *content_type, fn_str body)
{
    r->status = status;
    r->content_type = content_type;
    FN_TRY(fn_buf_append(ctx, &r->pending, body.data, body.size));
    return send_pending(r, ctx, true, true);
}

static void fail_before_head(http_response *r, fn_ctx *ctx, int code, const char *text)
{
    drop_encoders(r);
    r->pending.size = 0;
    r->buffered = false;
    r->format = NULL;
    r->content_type = "text/plain; charset=UTF-8";
    r->status = fn_error_http_status(code);
    r->exception_code = code;
    if (r->body.write(&r->body, ctx, text, strlen(text)) != FN_OK || http_response_finish(r, ctx) != FN_OK) {
        r->keep_alive = false;
        r->broken = true;
    }
}

/* ClickHouse 25.11 and later: a block that names itself by the tag of the response's header; then the connection
 * is cut without the final chunk, so that no client can take the body for complete. */
static void fail_inside_body(http_response *r, fn_ctx *ctx, const char *text)
{
    if (r->base.exception_in_body && http_response_finish(r, ctx) == FN_OK) return;
    r->keep_alive = false;
    if (r->broken) return;
    const size_t size = FN_MIN(strlen(text), (size_t)EXCEPTION_MAX);
    fn_buf block = FN_BUF_INIT;
    fn_status status = fn_buf_printf(ctx, &block, "\r\n__exception__\r\n%s\r\n%.*s%zu %s\r\n__exception__\r\n", r->tag, (int)size, text,
                                     size, r->tag);
    if (status == FN_OK) status = r->body.write(&r->body, ctx, block.data, block.size);
    if (status == FN_OK) status = finish_encoders(r, ctx);
    if (status == FN_OK) status = send_pending(r, ctx, false, false);
    if (status != FN_OK) r->broken = true;
    fn_buf_release(&block);
}

void http_response_fail(http_response *r, fn_ctx *ctx, int code, const char *text)
{
    fn_error_clear(ctx);
    if (r->head_sent) fail_inside_body(r, ctx, text);
    else fail_before_head(r, ctx, code, text);
    fn_error_clear(ctx);
}

void http_response_release(http_response *r)
{
    drop_encoders(r);
    (void)pthread_mutex_destroy(&r->lock);
    fn_buf_release(&r->pending);
    fn_buf_release(&r->extra);
}
