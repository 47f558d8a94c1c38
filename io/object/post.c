/* post.c - a body sent by POST while it is made. The writer's thread drives a curl handle of its own: whoever writes waits until curl has taken
 * the bytes, and nothing is sent while nobody writes. So any number of them can be open side by side, and a body is never in memory as a whole.
 * It is sent in chunks, as its size is not known, and once: what has been sent cannot be sent again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "object/request.h"
#include <firn/time.h>

enum { ANSWER_MAX = 4096, IGNORED_MAX = 1 << 20, POLL_MS = 100, SHOWN_MAX = 512 };

struct fn_object_post {
    CURLM *multi;
    transfer t;              /* url, headers, easy, status, code; its error_body */
    fn_str name;             /* of the address, for messages; in the arena of open */
    const char *at;          /* bytes that curl has not taken */
    size_t left, ignored;
    bool closed, ended;      /* no more bytes come; curl has seen so */
    bool paused, enough;
    int64_t moved_ns;        /* when curl took bytes last */
    fn_post_limits limits;
    char reason[64];
};

static size_t take(char *out, size_t size, size_t count, void *self)
{
    fn_object_post *p = self;
    const size_t n = FN_MIN(size * count, p->left);
    p->moved_ns = fn_clock_monotonic_ns();
    if (!n && !p->closed) {
        p->paused = true;
        return CURL_READFUNC_PAUSE;
    }
    if (n) memcpy(out, p->at, n);
    p->ended |= n == 0;
    p->at += n;
    p->left -= n;
    return n;
}

/* The answer's body tells why something failed; otherwise nobody reads it, and it need not end. */
static size_t on_answer(char *bytes, size_t size, size_t count, void *self)
{
    fn_object_post *p = self;
    const size_t n = size * count, room = ANSWER_MAX - p->t.error_body.size;
    long status = 0;
    if (curl_easy_getinfo(p->t.easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK) return 0;
    p->ignored += n;
    if (status >= 300) {
        if (fn_buf_append(&(fn_ctx){.arena = NULL}, &p->t.error_body, bytes, FN_MIN(n, room)) != FN_OK) return 0;
        p->enough = n >= room;
    } else {
        p->enough = p->ended;
    }
    return p->enough || p->ignored > IGNORED_MAX ? 0 : n;
}

/* "HTTP/1.1 404 Not Found" */
static size_t on_header(char *bytes, size_t size, size_t count, void *self)
{
    fn_object_post *p = self;
    const fn_str line = fn_str_trim((fn_str){bytes, size * count});
    if (!fn_str_starts(line, FN_STR("HTTP/"))) return size * count;
    const char *first = memchr(line.data, ' ', line.size);
    const char *second = first ? memchr(first + 1, ' ', (size_t)(line.data + line.size - first - 1)) : NULL;
    const size_t n = second ? FN_MIN((size_t)(line.data + line.size - second - 1), sizeof p->reason - 1) : 0;
    if (n) memcpy(p->reason, second + 1, n);
    p->reason[n] = '\0';
    return size * count;
}

static bool set_up(fn_object_post *p)
{
    CURL *c = p->t.easy;
    return curl_easy_setopt(c, CURLOPT_URL, p->t.url) == CURLE_OK && curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->t.headers) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK && curl_easy_setopt(c, CURLOPT_READFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_READDATA, p) == CURLE_OK && curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, p) == CURLE_OK && curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, p) == CURLE_OK && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(p->limits.connect_s * 1000)) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024) == CURLE_OK && curl_easy_setopt(c, CURLOPT_USERAGENT, "firn") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK && curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
}

static fn_status prepare(fn_ctx *ctx, fn_object_post *p, const fn_object_url *url, const fn_object_header *headers, size_t count)
{
    const object_request request = {.method = "POST", .url = url};
    const fn_object_auth nobody = {.unsigned_ = true};
    FN_TRY(fn_object_url_text(ctx, url, &p->name));
    FN_TRY(object_request_prepare(ctx, &request, &nobody, &p->t));
    for (size_t i = 0; i < count; i++) FN_TRY(object_request_header(ctx, &p->t, headers[i].name, headers[i].value));
    FN_TRY(object_request_header(ctx, &p->t, FN_STR("Transfer-Encoding"), FN_STR("chunked")));
    p->multi = curl_multi_init();
    p->t.easy = curl_easy_init();
    if (!p->multi || !p->t.easy || !set_up(p) || curl_multi_add_handle(p->multi, p->t.easy) != CURLM_OK) return fn_fail_memory(ctx, sizeof *p);
    return FN_OK;
}

fn_status fn_object_post_open(fn_ctx *ctx, const fn_object_url *url, const fn_object_header *headers, size_t count, const fn_post_limits *limits, fn_object_post **out)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return fn_fail(ctx, FN_NETWORK_ERROR, "libcurl cannot start");
    fn_object_post *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    p->limits = *limits;
    p->moved_ns = fn_clock_monotonic_ns();
    const fn_status status = prepare(ctx, p, url, headers, count);
    if (status == FN_OK) *out = p;
    else fn_object_post_close(p);
    return status;
}

static fn_status refused(fn_ctx *ctx, const fn_object_post *p)
{
    char shown[SHOWN_MAX + 1];
    const size_t n = FN_MIN(p->t.error_body.size, (size_t)SHOWN_MAX);
    for (size_t i = 0; i < n; i++) shown[i] = (unsigned char)p->t.error_body.data[i] < ' ' || p->t.error_body.data[i] == 127 ? ' ' : p->t.error_body.data[i];
    shown[n] = '\0';
    return fn_fail(ctx, FN_RECEIVED_ERROR_FROM_REMOTE_IO_SERVER, "Received error from remote server " FN_STR_FMT ". HTTP status code: %ld '%s', body length: %s%zu bytes, body: '%s'",
                   FN_STR_ARG(p->name), p->t.status, p->reason, p->enough ? "at least " : "", p->t.error_body.size, shown);
}

/* What the transfer has come to. */
static fn_status outcome(fn_ctx *ctx, const fn_object_post *p)
{
    if (p->t.status >= 300) return refused(ctx, p);
    const bool answered = p->t.code == CURLE_OK || p->enough;
    if (answered && p->t.status >= 200 && p->ended) return FN_OK;
    return fn_fail(ctx, FN_POCO_EXCEPTION, "Cannot write to " FN_STR_FMT ": %s", FN_STR_ARG(p->name),
                   answered ? "the server answered before it had everything" : curl_easy_strerror(p->t.code));
}

/* Is it over? */
static bool step(fn_object_post *p)
{
    int active, waiting;
    if (p->paused && (p->left || p->closed)) {
        p->paused = false;
        p->moved_ns = fn_clock_monotonic_ns();
        (void)curl_easy_pause(p->t.easy, CURLPAUSE_CONT);
    }
    if (curl_multi_perform(p->multi, &active) != CURLM_OK) {
        p->t.code = CURLE_OUT_OF_MEMORY;
        p->t.done = true;
    }
    for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &waiting)) != NULL;) {
        if (m->msg != CURLMSG_DONE) continue;
        p->t.code = m->data.result;
        p->t.done = true;
        if (curl_easy_getinfo(p->t.easy, CURLINFO_RESPONSE_CODE, &p->t.status) != CURLE_OK) p->t.status = 0;
    }
    return p->t.done;
}

/* Until curl has taken what there is, or until it is over. */
static fn_status drive(fn_ctx *ctx, fn_object_post *p)
{
    while (!step(p) && (p->left || p->closed)) {
        const double limit_s = p->ended ? p->limits.receive_s : p->limits.send_s;
        if ((double)(fn_clock_monotonic_ns() - p->moved_ns) > limit_s * 1e9)
            return fn_fail(ctx, FN_POCO_EXCEPTION, "Timeout: %s " FN_STR_FMT " for %.3g seconds", p->ended ? "no answer from" : "nothing could be sent to", FN_STR_ARG(p->name), limit_s);
        FN_TRY(fn_ctx_check(ctx));
        (void)curl_multi_poll(p->multi, NULL, 0, POLL_MS, NULL);
    }
    return FN_OK;
}

fn_status fn_object_post_write(fn_ctx *ctx, fn_object_post *p, const void *bytes, size_t size)
{
    if (!p->t.done) {
        p->moved_ns = fn_clock_monotonic_ns();
        p->at = bytes;
        p->left = size;
        FN_TRY(drive(ctx, p));
    }
    return p->t.done ? outcome(ctx, p) : FN_OK;
}

fn_status fn_object_post_finish(fn_ctx *ctx, fn_object_post *p)
{
    p->closed = true;
    p->moved_ns = fn_clock_monotonic_ns();
    if (!p->t.done) FN_TRY(drive(ctx, p));
    return outcome(ctx, p);
}

void fn_object_post_close(fn_object_post *p)
{
    if (!p) return;
    if (p->t.easy && p->multi) (void)curl_multi_remove_handle(p->multi, p->t.easy);
    if (p->t.easy) curl_easy_cleanup(p->t.easy);
    if (p->multi) (void)curl_multi_cleanup(p->multi);
    transfer_release(&p->t);
    fn_free(p);
}
