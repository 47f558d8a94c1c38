/* server.c - the listening socket, the list of connections, what a thread of the crew does with an event, idle connections.
 * A thread takes the event of a connection, reads what is there without waiting, answers every complete request and gives the
 * connection back to the poller; a head that comes in bit by bit costs a thread only while there are bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "handler/handler.h"
#include "loop/crew.h"
#include <arpa/inet.h>
#include <errno.h>
#include <firn/net.h>
#include <firn/thread.h>
#include <firn/time.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TICK_MS = 500, IO_TIMEOUT_S = 300, STOP_GRACE_S = 5, CONNECTIONS = 4096, REQUESTS = 64, KEEP_ALIVE = 30, HEAD_LIMIT_S = 30 };
enum { OWNED = 0, SHUT = -1 }; /* http_conn.deadline_ns */

struct fn_server {
    fn_engine *engine;
    fn_server_options options;
    poller *poller;
    crew *crew;
    int listener;
    unsigned port;
    pthread_mutex_t lock; /* the list of connections */
    http_conn *connections;
    _Atomic unsigned connection_count;
    _Atomic bool stop;
};

static void lock(fn_server *s)
{
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
}
static void unlock(fn_server *s)
{
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
}

/* ---- connections ---- */
static void conn_free(http_conn *c)
{
    fn_server *s = c->server;
    lock(s);
    *c->prev = c->next;
    if (c->next) c->next->prev = c->prev;
    unlock(s);
    atomic_fetch_sub(&s->connection_count, 1);
    (void)close(c->fd);
    fn_buf_release(&c->in);
    fn_free(c);
}

static void name_peer(http_conn *c, const struct sockaddr_storage *peer)
{
    char host[48] = "";
    if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)peer;
        (void)inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof host);
        (void)snprintf(c->address, sizeof c->address, "[%s]:%u", host, ntohs(a->sin6_port));
    } else {
        const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)peer;
        (void)inet_ntop(AF_INET, &a->sin_addr, host, sizeof host);
        (void)snprintf(c->address, sizeof c->address, "%s:%u", host, ntohs(a->sin_port));
    }
}

static fn_status conn_new(fn_server *s, fn_ctx *ctx, int fd, const struct sockaddr_storage *peer, http_conn **out)
{
    http_conn *c = fn_alloc_zero(ctx, sizeof *c);
    FN_TRY_PTR(ctx, c);
    c->fd = fd;
    c->server = s;
    c->keep_alive_s = s->options.keep_alive_s;
    name_peer(c, peer);
    const int on = 1;
    const struct timeval limit = {IO_TIMEOUT_S, 0}, look = {0, HTTP_CONN_READ_MS * 1000};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    lock(s);
    c->next = s->connections;
    c->prev = &s->connections;
    if (c->next) c->next->prev = &c->next;
    s->connections = c;
    unlock(s);
    atomic_fetch_add(&s->connection_count, 1);
    *out = c;
    return FN_OK;
}

/* Back to the poller: from here on the connection belongs to whoever takes its next event. */
static void conn_wait(http_conn *c, fn_ctx *ctx, int64_t deadline_ns)
{
    fn_server *s = c->server;
    atomic_store(&c->deadline_ns, deadline_ns);
    if (s->poller->watch(s->poller, ctx, c->fd, c) == FN_OK) return;
    fn_log(FN_LOG_ERROR, "net", "%s", ctx->error.text);
    fn_error_clear(ctx);
    conn_free(c);
}

static int64_t from_now(unsigned seconds)
{
    return fn_clock_monotonic_ns() + (int64_t)seconds * 1000000000;
}

/* ---- requests ---- */
typedef enum next_step { STEP_HANDLE, STEP_WAIT, STEP_CLOSE } next_step;

static void refuse(http_conn *c, fn_ctx *ctx)
{
    char text[2400];
    const int n = snprintf(text, sizeof text, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=UTF-8\r\nConnection: Close\r\n\r\n%s\n",
                           ctx->error.text);
    struct iovec iov = {text, (size_t)FN_MIN(n, (int)sizeof text - 1)};
    fn_error_clear(ctx);
    if (http_conn_write(c, ctx, &iov, 1) != FN_OK) fn_error_clear(ctx);
}

/* Answers the complete head that lies in front of c->in. */
static next_step answer(http_conn *c, fn_ctx *ctx, size_t head_size)
{
    http_head *head = FN_NEW(ctx, http_head);
    const fn_str ahead = http_conn_pending(c);
    char *copy = fn_arena_copy(ctx, ctx->arena, ahead.data, head_size); /* `in` is reused for the body */
    if (!head || !copy) return STEP_CLOSE;
    http_conn_consume(c, head_size);
    if (http_head_parse(ctx, (fn_str){copy, head_size}, head) != FN_OK) {
        refuse(c, ctx);
        return STEP_CLOSE;
    }
    c->requests++;
    return handle_request(ctx, c->server->engine, c, head) && !atomic_load(&c->server->stop) ? STEP_WAIT : STEP_CLOSE;
}

/* What is next on an open connection: a complete head, more bytes, the end. */
static next_step look_ahead(http_conn *c, fn_ctx *ctx, size_t *head_size)
{
    bool open = true;
    *head_size = http_head_size(http_conn_pending(c), 0);
    if (*head_size) return STEP_HANDLE;
    const size_t searched = http_conn_pending(c).size;
    if (http_conn_fill(c, ctx, &open) != FN_OK) return STEP_CLOSE;
    *head_size = http_head_size(http_conn_pending(c), searched);
    if (*head_size) return STEP_HANDLE;
    return !open || http_conn_pending(c).size > HTTP_HEAD_MAX ? STEP_CLOSE : STEP_WAIT;
}

static void on_connection(fn_server *s, fn_ctx *ctx, http_conn *c)
{
    size_t head_size;
    int64_t deadline = atomic_exchange(&c->deadline_ns, OWNED);
    next_step step = deadline == SHUT ? STEP_CLOSE : look_ahead(c, ctx, &head_size);
    for (bool first = true; step == STEP_HANDLE; first = false) {
        if (!first) fn_arena_reset(ctx->arena);
        fn_error_clear(ctx);
        step = answer(c, ctx, head_size);
        deadline = from_now(s->options.keep_alive_s);
        c->began = false;
        head_size = step == STEP_WAIT ? http_head_size(http_conn_pending(c), 0) : 0;
        if (head_size) step = STEP_HANDLE;
    }
    fn_error_clear(ctx);
    if (step == STEP_CLOSE) {
        conn_free(c);
        return;
    }
    if (!c->began && http_conn_pending(c).size) { /* from its first byte on, a head may take so long and no longer */
        c->began = true;
        deadline = from_now(FN_MIN((unsigned)HEAD_LIMIT_S, s->options.keep_alive_s));
    }
    conn_wait(c, ctx, deadline);
}

/* ---- new connections ---- */
static void turn_away(int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=UTF-8\r\nX-ClickHouse-Exception-Code: 202\r\n"
                               "Connection: Close\r\n\r\nCode: 202. DB::Exception: Too many simultaneous connections. (TOO_MANY_SIMULTANEOUS_QUERIES)\n";
    if (send(fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) (void)shutdown(fd, SHUT_WR);
    (void)close(fd);
}

static void on_accept(fn_server *s, fn_ctx *ctx)
{
    while (!atomic_load(&s->stop)) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        const int fd = accept4(s->listener, (struct sockaddr *)(void *)&peer, &size, SOCK_CLOEXEC);
        if (fd < 0) break;
        http_conn *c = NULL;
        if (atomic_load(&s->connection_count) >= s->options.connections_max || conn_new(s, ctx, fd, &peer, &c) != FN_OK) {
            fn_error_clear(ctx);
            turn_away(fd);
            continue;
        }
        conn_wait(c, ctx, from_now(s->options.keep_alive_s));
    }
    if (s->poller->watch(s->poller, ctx, s->listener, &s->listener) != FN_OK) fn_log(FN_LOG_ERROR, "net", "%s", ctx->error.text);
}

static void on_event(void *arg, fn_ctx *ctx, void *data)
{
    fn_server *s = arg;
    if (data == &s->listener) on_accept(s, ctx);
    else on_connection(s, ctx, data);
}

/* Whether the peer has hung up; bytes it sent ahead are left where they are. */
static bool peer_gone(const http_conn *c)
{
    char byte;
    const ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Shuts idle connections whose time is over and cancels statements whose client has hung up. */
static void tick(fn_server *s)
{
    const int64_t now = fn_clock_monotonic_ns();
    const bool stop = atomic_load(&s->stop);
    lock(s);
    for (http_conn *c = s->connections; c; c = c->next) {
        int64_t deadline = atomic_load(&c->deadline_ns);
        if (deadline > 0 && (stop || now > deadline)) { /* unless its event has just been taken */
            if (atomic_compare_exchange_strong(&c->deadline_ns, &deadline, SHUT)) (void)shutdown(c->fd, SHUT_RDWR);
        }
        if (deadline == OWNED && atomic_load(&c->watched) && peer_gone(c)) atomic_store(&c->running.reason, FN_QUERY_WAS_CANCELLED);
    }
    unlock(s);
}

fn_status fn_server_run(fn_ctx *ctx, fn_server *s)
{
    int64_t stop_at = 0;
    FN_TRY(s->poller->watch(s->poller, ctx, s->listener, &s->listener));
    for (;;) {
        crew_tend(s->crew, stop_at ? 20 : TICK_MS);
        tick(s);
        if (!atomic_load(&s->stop)) continue;
        const int64_t now = fn_clock_monotonic_ns();
        if (!stop_at) stop_at = now + (int64_t)STOP_GRACE_S * 1000000000;
        if (atomic_load(&s->connection_count) == 0 || now > stop_at) return FN_OK;
    }
}

/* ---- open and close ---- */
static fn_status bind_address(fn_ctx *ctx, fn_server *s)
{
    char port[16];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    (void)snprintf(port, sizeof port, "%u", s->options.port);
    const int rc = getaddrinfo(s->options.host, port, &hints, &found);
    if (rc != 0) return fn_fail(ctx, FN_DNS_ERROR, "Cannot resolve listen_host (%s): %s", s->options.host, gai_strerror(rc));
    const int on = 1;
    int err = 0;
    s->listener = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(s->listener, found->ai_addr, found->ai_addrlen) != 0 || listen(s->listener, 1024) != 0)
        err = errno;
    freeaddrinfo(found);
    if (err) return fn_fail_errno(ctx, FN_NETWORK_ERROR, err, "Listen [%s]:%u failed", s->options.host, s->options.port);
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    if (getsockname(s->listener, (struct sockaddr *)(void *)&own, &size) != 0) return fn_fail_errno(ctx, FN_NETWORK_ERROR, errno, "getsockname");
    s->port = own.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)(void *)&own)->sin6_port) : ntohs(((struct sockaddr_in *)(void *)&own)->sin_port);
    return FN_OK;
}

static fn_status open_parts(fn_ctx *ctx, fn_server *s)
{
    FN_TRY(bind_address(ctx, s));
    FN_TRY(poller_epoll_open(ctx, &s->poller));
    return crew_open(ctx, s->poller, on_event, s, s->options.requests_max, &s->crew);
}

fn_status fn_server_open(fn_ctx *ctx, fn_engine *engine, const fn_server_options *options, fn_server **out)
{
    fn_server *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    s->engine = engine;
    s->options = *options;
    s->listener = -1;
    if (!s->options.connections_max) s->options.connections_max = CONNECTIONS;
    if (!s->options.requests_max) s->options.requests_max = REQUESTS;
    if (!s->options.keep_alive_s) s->options.keep_alive_s = KEEP_ALIVE;
    FN_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
    const fn_status status = open_parts(ctx, s);
    if (status != FN_OK) fn_server_close(s);
    else *out = s;
    return status;
}

unsigned fn_server_port(const fn_server *s)
{
    return s->port;
}

void fn_server_stop(fn_server *s)
{
    atomic_store(&s->stop, true);
    crew_wake(s->crew);
}

void fn_server_close(fn_server *s)
{
    if (!s) return;
    lock(s); /* statements that outlived the grace time */
    for (http_conn *c = s->connections; c; c = c->next) {
        atomic_store(&c->running.reason, FN_QUERY_WAS_CANCELLED);
        (void)shutdown(c->fd, SHUT_RDWR);
    }
    unlock(s);
    crew_close(s->crew);
    while (s->connections) conn_free(s->connections);
    if (s->poller) s->poller->close(s->poller);
    if (s->listener >= 0) (void)close(s->listener);
    (void)pthread_mutex_destroy(&s->lock);
    fn_free(s);
}
