/* conn.c - socket reads and writes of one connection. SPDX-License-Identifier: Apache-2.0 */
#include "http/conn.h"
#include <firn/counts.h>
#include <firn/time.h>
#include <errno.h>
#include <sys/socket.h>

enum { READ_AHEAD = 16384, IDLE_S = 300 };

fn_str http_conn_pending(const http_conn *c)
{
    return (fn_str){c->in.data ? c->in.data + c->in_at : NULL, c->in.size - c->in_at};
}

void http_conn_consume(http_conn *c, size_t bytes)
{
    c->in_at += bytes;
    if (c->in_at == c->in.size) c->in.size = c->in_at = 0;
}

/* Nothing came for a while: is there to be another one? */
static fn_status still_waits(const http_conn *c, fn_ctx *ctx, int64_t since_ns)
{
    const int64_t given = ctx->cancel ? atomic_load_explicit(&ctx->cancel->idle_ns, memory_order_relaxed) : 0, most = given ? given : (int64_t)IDLE_S * 1000000000;
    FN_TRY(fn_ctx_check(ctx));
    if (fn_clock_monotonic_ns() - since_ns < most) return FN_OK;
    return fn_fail(ctx, FN_SOCKET_TIMEOUT, "Timeout exceeded while reading from socket (%s, %lld ms)", c->address, (long long)(most / 1000000));
}

fn_status http_conn_read(http_conn *c, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    const fn_str ahead = http_conn_pending(c);
    if (ahead.size) {
        *got = FN_MIN(capacity, ahead.size);
        memcpy(out, ahead.data, *got);
        http_conn_consume(c, *got);
        return FN_OK;
    }
    for (int64_t since_ns = 0;;) {
        const ssize_t n = recv(c->fd, out, capacity, 0);
        if (n >= 0) {
            fn_count(FN_COUNT_NETWORK_RECEIVE_BYTES, (uint64_t)n);
            *got = (size_t)n;
            return FN_OK;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return fn_fail_errno(ctx, FN_NETWORK_ERROR, errno, "Cannot read from socket (%s)", c->address);
        if (!since_ns) since_ns = fn_clock_monotonic_ns() - (int64_t)HTTP_CONN_READ_MS * 1000000;
        FN_TRY(still_waits(c, ctx, since_ns));
    }
}

void http_conn_wake_at(http_conn *c, int bytes)
{
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes); /* without it reads are shorter */
}

fn_status http_conn_fill(http_conn *c, fn_ctx *ctx, bool *open)
{
    if (c->in_at && c->in_at < c->in.size) { /* keep the unread rest at the front */
        memmove(c->in.data, c->in.data + c->in_at, c->in.size - c->in_at);
        c->in.size -= c->in_at;
        c->in_at = 0;
    }
    *open = true;
    for (;;) {
        FN_TRY(fn_buf_reserve(ctx, &c->in, READ_AHEAD));
        const ssize_t n = recv(c->fd, c->in.data + c->in.size, READ_AHEAD, MSG_DONTWAIT);
        if (n > 0) c->in.size += (size_t)n;
        if (n == READ_AHEAD) continue;
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) *open = false;
        return FN_OK;
    }
}

fn_status http_conn_line(http_conn *c, fn_ctx *ctx, char *out, size_t capacity)
{
    size_t n = 0;
    for (;;) {
        char byte;
        size_t got;
        if (http_conn_pending(c).size == 0) {
            FN_TRY(fn_buf_reserve(ctx, &c->in, READ_AHEAD));
            char *into = c->in.data;
            FN_TRY(http_conn_read(c, ctx, into, READ_AHEAD, &got));
            if (got == 0) return fn_fail(ctx, FN_NETWORK_ERROR, "Connection closed inside a chunked body (%s)", c->address);
            c->in.size = got;
            c->in_at = 0;
        }
        byte = c->in.data[c->in_at];
        http_conn_consume(c, 1);
        if (byte == '\n') {
            if (n && out[n - 1] == '\r') n--;
            out[n] = 0;
            return FN_OK;
        }
        if (n + 1 >= capacity) return fn_fail(ctx, FN_BAD_REQUEST_PARAMETER, "A line of a chunked body is too long");
        out[n++] = byte;
    }
}

fn_status http_conn_write(http_conn *c, fn_ctx *ctx, struct iovec *iov, int count)
{
    while (count) {
        const struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
        ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        fn_count(FN_COUNT_NETWORK_SEND_BYTES, n < 0 ? 0 : (uint64_t)n);
        if (n < 0) return fn_fail_errno(ctx, FN_NETWORK_ERROR, errno, "I/O error: cannot write to socket (%s)", c->address);
        while (count && (size_t)n >= iov->iov_len) {
            n -= (ssize_t)iov->iov_len;
            iov++;
            count--;
        }
        if (count) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= (size_t)n;
        }
    }
    return FN_OK;
}
