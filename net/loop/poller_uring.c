/* poller_uring.c - readiness by io_uring poll requests; submissions of a whole round go in one system call.
 * watch() comes from the loop thread and from request threads, so the submission side is under a lock.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/poller.h"
#include <errno.h>
#include <firn/arena.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>

enum { RING_ENTRIES = 1024 };

typedef struct uring_poller {
    poller base;
    struct io_uring ring;
    pthread_mutex_t lock; /* submission queue */
} uring_poller;

static fn_status uring_watch(poller *self, fn_ctx *ctx, int fd, void *data)
{
    uring_poller *p = (uring_poller *)self;
    FN_ASSERT(pthread_mutex_lock(&p->lock) == 0);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&p->ring);
    if (!sqe) { /* full: hand over what is there */
        (void)io_uring_submit(&p->ring);
        sqe = io_uring_get_sqe(&p->ring);
    }
    int n = -EBUSY;
    if (sqe) {
        io_uring_prep_poll_add(sqe, fd, (unsigned)(POLLRDHUP | POLLIN));
        io_uring_sqe_set_data(sqe, data);
        n = io_uring_submit(&p->ring);
    }
    FN_ASSERT(pthread_mutex_unlock(&p->lock) == 0);
    return n < 0 ? fn_fail_errno(ctx, FN_NETWORK_ERROR, -n, "Cannot watch a socket") : FN_OK;
}

static fn_status uring_wait(poller *self, fn_ctx *ctx, int timeout_ms, poll_event *events, unsigned capacity, unsigned *count)
{
    uring_poller *p = (uring_poller *)self;
    struct __kernel_timespec limit = {timeout_ms / 1000, (long long)(timeout_ms % 1000) * 1000000};
    struct io_uring_cqe *cqe;
    *count = 0;
    const int rc = io_uring_wait_cqe_timeout(&p->ring, &cqe, &limit);
    if (rc == -ETIME || rc == -EINTR) return FN_OK;
    if (rc < 0) return fn_fail_errno(ctx, FN_NETWORK_ERROR, -rc, "Cannot wait for sockets");
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&p->ring, head, cqe)
    {
        if (*count == capacity) break;
        seen++;
        void *data = io_uring_cqe_get_data(cqe);
        const unsigned mask = cqe->res < 0 ? (unsigned)POLLERR : (unsigned)cqe->res;
        const unsigned closed = mask & (POLLRDHUP | POLLHUP | POLLERR) ? POLL_CLOSED : 0;
        events[(*count)++] = (poll_event){data, closed | (mask & POLLIN ? POLL_READABLE : 0)};
    }
    io_uring_cq_advance(&p->ring, seen);
    return FN_OK;
}

static void uring_close(poller *self)
{
    uring_poller *p = (uring_poller *)self;
    io_uring_queue_exit(&p->ring);
    (void)pthread_mutex_destroy(&p->lock);
    fn_free(p);
}

fn_status poller_uring_open(fn_ctx *ctx, poller **out)
{
    uring_poller *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    const int rc = io_uring_queue_init(RING_ENTRIES, &p->ring, 0);
    /* wait_cqe_timeout may only be called beside submitters when the kernel takes the timeout as an argument. */
    if (rc == 0 && !(p->ring.features & IORING_FEAT_EXT_ARG)) {
        io_uring_queue_exit(&p->ring);
        fn_free(p);
        return fn_fail(ctx, FN_SUPPORT_IS_DISABLED, "This kernel's io_uring is too old");
    }
    if (rc < 0) {
        fn_free(p);
        return fn_fail_errno(ctx, FN_SUPPORT_IS_DISABLED, -rc, "io_uring is not available");
    }
    FN_ASSERT(pthread_mutex_init(&p->lock, NULL) == 0);
    p->base = (poller){"io_uring", uring_watch, uring_wait, uring_close};
    *out = &p->base;
    return FN_OK;
}
