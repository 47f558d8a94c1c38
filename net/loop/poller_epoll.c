/* poller_epoll.c - readiness by epoll with one-shot watches. SPDX-License-Identifier: Apache-2.0 */
#include "loop/poller.h"
#include <errno.h>
#include <firn/arena.h>
#include <sys/epoll.h>
#include <unistd.h>

typedef struct epoll_poller {
    poller base;
    int fd;
} epoll_poller;

static fn_status epoll_watch(poller *self, fn_ctx *ctx, int fd, void *data)
{
    epoll_poller *p = (epoll_poller *)self;
    struct epoll_event e = {.events = EPOLLONESHOT | EPOLLRDHUP | EPOLLIN, .data = {.ptr = data}};
    if (epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &e) == 0) return FN_OK;
    if (errno == ENOENT && epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) == 0) return FN_OK;
    return fn_fail_errno(ctx, FN_NETWORK_ERROR, errno, "Cannot watch a socket");
}

static fn_status epoll_wait_events(poller *self, fn_ctx *ctx, int timeout_ms, poll_event *events, unsigned capacity, unsigned *count)
{
    epoll_poller *p = (epoll_poller *)self;
    struct epoll_event raw[64];
    *count = 0;
    const int n = epoll_wait(p->fd, raw, (int)FN_MIN(capacity, (unsigned)FN_COUNT(raw)), timeout_ms);
    if (n < 0) return errno == EINTR ? FN_OK : fn_fail_errno(ctx, FN_NETWORK_ERROR, errno, "Cannot wait for sockets");
    for (int i = 0; i < n; i++) {
        const unsigned closed = raw[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? POLL_CLOSED : 0;
        events[i] = (poll_event){raw[i].data.ptr, closed | (raw[i].events & EPOLLIN ? POLL_READABLE : 0)};
    }
    *count = (unsigned)n;
    return FN_OK;
}

static void epoll_close(poller *self)
{
    epoll_poller *p = (epoll_poller *)self;
    (void)close(p->fd);
    fn_free(p);
}

fn_status poller_epoll_open(fn_ctx *ctx, poller **out)
{
    epoll_poller *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    p->base = (poller){"epoll", epoll_watch, epoll_wait_events, epoll_close};
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->fd < 0) {
        const int err = errno;
        fn_free(p);
        return fn_fail_errno(ctx, FN_NETWORK_ERROR, err, "Cannot make an epoll");
    }
    *out = &p->base;
    return FN_OK;
}
