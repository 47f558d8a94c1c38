/* transfer.c - the store's thread drives curl's multi interface; callers queue transfers and wait.
 * A transfer is retried up to ATTEMPTS times on 5xx, 429, resets and time-outs, each time later by an exponential
 * pause with jitter, so that many readers do not come back at the same moment. SPDX-License-Identifier: Apache-2.0 */
#include "object/transfer.h"
#include <errno.h>
#include <firn/time.h>
#include <pthread.h>
#include <time.h>

enum { ATTEMPTS = 6, FIRST_PAUSE_MS = 100, CONNECT_TIMEOUT_S = 10, STALL_S = 30, HOST_CONNECTIONS = 32, ERROR_BODY_MAX = 4096, IDLE_MS = 1000 };

struct fn_object_store {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t done;
    transfer *queued;  /* new or waiting for their retry time */
    transfer *running; /* thread only */
    bool stop;
};

static size_t on_body(char *bytes, size_t size, size_t count, void *self)
{
    transfer *t = self;
    const size_t n = size * count;
    long status = 0;
    fn_ctx ctx = {0};
    if (curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status >= 400) {
        if (t->error_body.size + n <= ERROR_BODY_MAX && fn_buf_append(&ctx, &t->error_body, bytes, n) != FN_OK) return 0;
        return n;
    }
    if (t->text) {
        t->too_large = t->text->size + n > t->text_limit;
        if (t->too_large || fn_buf_append(&ctx, t->text, bytes, n) != FN_OK) return 0;
    } else {
        if (n > t->out_size - t->got) return 0; /* more than asked for: the server ignored the range */
        memcpy(t->out + t->got, bytes, n);
    }
    t->got += n;
    return n;
}

static bool header_value(fn_str line, const char *name, fn_str *out)
{
    const size_t n = strlen(name);
    if (line.size <= n || line.data[n] != ':' || !fn_str_eq_nocase((fn_str){line.data, n}, (fn_str){name, n})) return false;
    *out = fn_str_trim((fn_str){line.data + n + 1, line.size - n - 1});
    return true;
}

static uint64_t number(fn_str s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.size && i < 19 && s.data[i] >= '0' && s.data[i] <= '9'; i++) v = v * 10 + (uint64_t)(s.data[i] - '0');
    return v;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *self)
{
    transfer *t = self;
    const fn_str line = {bytes, size * count};
    fn_str value;
    if (header_value(line, "ETag", &value) && value.size < sizeof t->etag) {
        memcpy(t->etag, value.data, value.size);
        t->etag[value.size] = 0;
    } else if (header_value(line, "Content-Length", &value)) {
        t->length = number(value);
    } else if (header_value(line, "Content-Range", &value)) {
        const char *slash = memchr(value.data, '/', value.size);
        if (slash && slash[1] != '*') t->total = number((fn_str){slash + 1, (size_t)(value.data + value.size - slash - 1)});
    }
    return line.size;
}

static size_t on_upload(char *out, size_t size, size_t count, void *self)
{
    transfer *t = self;
    const size_t n = FN_MIN(size * count, t->upload.size - t->got);
    if (n) memcpy(out, t->upload.data + t->got, n);
    t->got += n;
    return n;
}

static bool set_up(transfer *t)
{
    CURL *c = t->easy;
    bool ok = curl_easy_setopt(c, CURLOPT_URL, t->url) == CURLE_OK && curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK && curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK && curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_PRIVATE, t) == CURLE_OK && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK && curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_S) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 512L * 1024) == CURLE_OK && curl_easy_setopt(c, CURLOPT_USERAGENT, "firn") == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK && curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    if (ok && strcmp(t->method, "HEAD") == 0) ok = curl_easy_setopt(c, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (ok && strcmp(t->method, "PUT") == 0)
        ok = curl_easy_setopt(c, CURLOPT_UPLOAD, 1L) == CURLE_OK && curl_easy_setopt(c, CURLOPT_READFUNCTION, on_upload) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_READDATA, t) == CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->upload.size) == CURLE_OK;
    return ok;
}

static void finish(fn_object_store *s, transfer *t)
{
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
    t->done = true;
    FN_ASSERT(pthread_cond_broadcast(&s->done) == 0);
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
}

/* Thread: starts one attempt. */
static void start(fn_object_store *s, transfer *t)
{
    t->attempts++;
    t->status = 0;
    t->got = 0;
    t->etag[0] = 0;
    t->length = 0;
    t->total = UINT64_MAX;
    t->error_body.size = 0;
    if (t->text) t->text->size = 0;
    t->easy = curl_easy_init();
    if (!t->easy || !set_up(t) || curl_multi_add_handle(s->multi, t->easy) != CURLM_OK) {
        if (t->easy) curl_easy_cleanup(t->easy);
        t->easy = NULL;
        t->code = CURLE_OUT_OF_MEMORY;
        finish(s, t);
        return;
    }
    t->next = s->running;
    s->running = t;
}

static bool worth_another_try(const transfer *t)
{
    if (t->attempts >= ATTEMPTS || t->abort || t->too_large) return false;
    if (t->status >= 500 || t->status == 429) return t->status != 501;
    switch (t->code) { /* curl's enumeration, not ours */
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return true;
    default: return false;
    }
}

static void unlink_running(fn_object_store *s, transfer *t)
{
    for (transfer **at = &s->running; *at; at = &(*at)->next) {
        if (*at != t) continue;
        *at = t->next;
        break;
    }
}

/* Thread: an attempt has ended. */
static void ended(fn_object_store *s, transfer *t, CURLcode code)
{
    t->code = code;
    if (curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status) != CURLE_OK) t->status = 0;
    (void)curl_multi_remove_handle(s->multi, t->easy);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    unlink_running(s, t);
    if (code == CURLE_OK && !t->text && t->out && t->got < t->out_size && t->status < 400) t->code = CURLE_PARTIAL_FILE;
    if (!worth_another_try(t)) {
        finish(s, t);
        return;
    }
    const int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << (t->attempts - 1);
    const int64_t jitter = (int64_t)(fn_random_u64() % (uint64_t)pause_ms);
    t->retry_at_ns = fn_clock_monotonic_ns() + (pause_ms / 2 + jitter) * 1000000;
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
    t->next = s->queued;
    s->queued = t;
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
}

/* Thread: takes what is due off the queue; returns the milliseconds until the next retry. */
static int take_due(fn_object_store *s, transfer **due, bool *stop)
{
    const int64_t now = fn_clock_monotonic_ns();
    int64_t wait_ns = (int64_t)IDLE_MS * 1000000;
    *due = NULL;
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
    for (transfer **at = &s->queued; *at;) {
        transfer *t = *at;
        if (t->retry_at_ns > now && !t->abort && !s->stop) {
            wait_ns = FN_MIN(wait_ns, t->retry_at_ns - now);
            at = &t->next;
            continue;
        }
        *at = t->next;
        t->next = *due;
        *due = t;
    }
    *stop = s->stop && !s->queued;
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
    return (int)(wait_ns / 1000000) + 1;
}

static void abort_marked(fn_object_store *s)
{
    for (transfer *t = s->running, *next; t; t = next) {
        next = t->next;
        FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
        const bool marked = t->abort;
        FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
        if (marked) ended(s, t, CURLE_ABORTED_BY_CALLBACK);
    }
}

static void *store_main(void *arg)
{
    fn_object_store *s = arg;
    for (;;) {
        transfer *due;
        bool stop;
        const int wait_ms = take_due(s, &due, &stop);
        for (transfer *t = due, *next; t; t = next) {
            next = t->next;
            if (t->abort) {
                t->code = CURLE_ABORTED_BY_CALLBACK;
                finish(s, t);
            } else {
                start(s, t);
            }
        }
        abort_marked(s);
        if (stop && !s->running) return NULL;
        int active, left;
        if (curl_multi_perform(s->multi, &active) != CURLM_OK) fn_log(FN_LOG_ERROR, "object", "curl_multi_perform failed");
        for (CURLMsg *m; (m = curl_multi_info_read(s->multi, &left)) != NULL;) {
            transfer *t = NULL;
            if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)(void *)&t) == CURLE_OK && t)
                ended(s, t, m->data.result);
        }
        if (curl_multi_poll(s->multi, NULL, 0, s->running ? FN_MIN(wait_ms, 100) : wait_ms, NULL) != CURLM_OK)
            fn_log(FN_LOG_ERROR, "object", "curl_multi_poll failed");
    }
}

static void wait_some(fn_object_store *s)
{
    struct timespec until;
    FN_ASSERT(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_nsec += 100000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&s->done, &s->lock, &until);
}

fn_status transfer_run(fn_ctx *ctx, fn_object_store *s, transfer *list, size_t count)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
    for (size_t i = count; i-- > 0;) {
        list[i].next = s->queued;
        s->queued = &list[i];
    }
    (void)curl_multi_wakeup(s->multi);
    for (size_t left = count; left;) {
        left = 0;
        for (size_t i = 0; i < count; i++) left += !list[i].done;
        if (!left) break;
        wait_some(s);
        if (status != FN_OK || (status = fn_ctx_check(ctx)) == FN_OK) continue;
        for (size_t i = 0; i < count; i++) list[i].abort = true;
        (void)curl_multi_wakeup(s->multi);
    }
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
    return status;
}

void transfer_release(transfer *t)
{
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    fn_buf_release(&t->error_body);
}

fn_status fn_object_store_open(fn_ctx *ctx, fn_object_store **out)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return fn_fail(ctx, FN_NETWORK_ERROR, "libcurl cannot start");
    fn_object_store *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    s->multi = curl_multi_init();
    FN_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0 && pthread_cond_init(&s->done, NULL) == 0);
    if (!s->multi || curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS) != CURLM_OK ||
        pthread_create(&s->thread, NULL, store_main, s) != 0) {
        if (s->multi) (void)curl_multi_cleanup(s->multi);
        fn_free(s);
        return fn_fail(ctx, FN_NETWORK_ERROR, "Cannot start the transfer thread");
    }
    *out = s;
    return FN_OK;
}

void fn_object_store_close(fn_object_store *s)
{
    if (!s) return;
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
    s->stop = true;
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
    (void)curl_multi_wakeup(s->multi);
    FN_ASSERT(pthread_join(s->thread, NULL) == 0);
    (void)curl_multi_cleanup(s->multi);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->done);
    fn_free(s);
}
