/* loop/poller.h - readiness of sockets, waited for by several threads at once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_NET_POLLER_H
#define FIRN_NET_POLLER_H
#include <firn/base.h>

typedef struct poller poller;

typedef struct poll_event {
    void *data; /* as given to watch */
} poll_event;

struct poller {
    const char *name;
    /* One event when fd is readable or its peer has hung up, then the watch is over. Any thread. The fd stays open until the
     * event has come: to end a watch, shut the socket down and take the event. */
    fn_status (*watch)(poller *self, fn_ctx *ctx, int fd, void *data);
    /* Any thread. timeout_ms < 0: none. *count = 0 after the timeout, a signal, or wake. */
    fn_status (*wait)(poller *self, fn_ctx *ctx, int timeout_ms, poll_event *events, unsigned capacity, unsigned *count);
    void (*wake)(poller *self); /* from now on nobody waits any more */
    void (*close)(poller *self);
};
fn_status poller_epoll_open(fn_ctx *ctx, poller **out) FN_MUST_USE;
#endif
