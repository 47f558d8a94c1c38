/* http/conn.h - one client connection: its socket, the bytes read ahead, blocking reads and writes for handlers.
 * While it is watched nobody owns it; the thread that takes its event owns it until it is watched again. Only `fd`, `address`
 * and the atomics are looked at by others (the server's tick).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_HTTP_CONN_H
#define FIRN_HTTP_CONN_H
#include <firn/arena.h>
#include <firn/bits.h>
#include <sys/uio.h>

typedef struct http_conn {
    struct http_conn *next, **prev; /* the server's list of connections */
    struct fn_server *server;
    int fd;
    char address[64];    /* of the peer, with the port */
    fn_buf in;           /* received bytes; those before in_at are consumed */
    size_t in_at;
    _Atomic int64_t deadline_ns; /* watched: when it has been idle, or its head coming in, for too long; 0: owned; -1: shut down */
    unsigned keep_alive_s;       /* what answers announce */
    bool began;                  /* a part of a head is there: the deadline stays */
    fn_cancel running;   /* stops the running statement */
    _Atomic bool watched; /* the server shall cancel the statement when the peer hangs up */
    uint64_t requests;   /* answered so far */
} http_conn;

/* A blocking read of the socket returns after so long, whatever there is: then the statement's end is looked at. */
enum { HTTP_CONN_READ_MS = 100 };
/* Up to capacity bytes: read-ahead first, then the socket (blocking). *got = 0: the peer has closed. SOCKET_TIMEOUT (209) when nothing comes for
 * ctx->cancel->idle_ns (without one: 300 s); what ends the statement ends the wait. */
fn_status http_conn_read(http_conn *c, fn_ctx *ctx, void *out, size_t capacity, size_t *got) FN_MUST_USE;
/* How many bytes the socket has before a read, or whoever watches it, is woken; 1 as long as nobody says otherwise. Fewer are
 * there at the end of the stream, or when no more have come within the time limit of a read. */
void http_conn_wake_at(http_conn *c, int bytes);
/* A line up to CRLF (without it) into out (0-terminated), at most capacity-1 bytes. */
fn_status http_conn_line(http_conn *c, fn_ctx *ctx, char *out, size_t capacity) FN_MUST_USE;
/* All of the pieces; NETWORK_ERROR when the peer is gone. iov is changed. */
fn_status http_conn_write(http_conn *c, fn_ctx *ctx, struct iovec *iov, int count) FN_MUST_USE;
/* What is there without blocking, into `in`. *open = false at the end of the stream or on a broken socket. */
fn_status http_conn_fill(http_conn *c, fn_ctx *ctx, bool *open) FN_MUST_USE;
fn_str http_conn_pending(const http_conn *c); /* bytes read ahead */
void http_conn_consume(http_conn *c, size_t bytes);
#endif
