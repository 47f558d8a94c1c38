/* loop/poller.h - readiness of sockets: io_uring where the kernel allows it, epoll where it does not
 * (containers often forbid io_uring). One thread waits; any thread may wake it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_NET_POLLER_H
#define FIRN_NET_POLLER_H
#include <firn/base.h>

typedef struct poller poller;
enum { POLL_READABLE = 1, POLL_CLOSED = 2 };

typedef struct poll_event {
    void *data;     /* as given to watch; NULL: woken */
    unsigned what;  /* POLL_READABLE, POLL_CLOSED */
} poll_event;

struct poller {
    const char *name;
    /* One event when fd is readable or its peer has hung up, then the watch is over. Any thread. The fd stays open until the
     * event has come: to end a watch, shut the socket down and take the event. */
    fn_status (*watch)(poller *self, fn_ctx *ctx, int fd, void *data);
    /* Loop thread only; *count = 0 after the timeout. */
    fn_status (*wait)(poller *self, fn_ctx *ctx, int timeout_ms, poll_event *events, unsigned capacity, unsigned *count);
    void (*close)(poller *self);
};
fn_status poller_uring_open(fn_ctx *ctx, poller **out) FN_MUST_USE; /* SUPPORT_IS_DISABLED when the kernel refuses */
fn_status poller_epoll_open(fn_ctx *ctx, poller **out) FN_MUST_USE;
#endif
