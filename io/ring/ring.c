/* ring.c - see ring.h. The ring is used synchronously: one call fills the queue, keeps it full and leaves it empty.
 * Sources: io_uring(7), io_uring_setup(2). SPDX-License-Identifier: Apache-2.0 */
#include "ring/ring.h"
#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    QUEUE_DEPTH = 64,
    PIECE_BYTES = 512 << 10, /* the device is saturated by 16 requests of this size (measured: 1 MiB at depth 16, 2.4 GB/s) */
};

typedef struct thread_ring {
    enum { RING_UNTRIED, RING_READY, RING_REFUSED } state;
    struct io_uring ring;
} thread_ring;

static _Thread_local thread_ring mine;
static pthread_key_t closer;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic bool refused; /* for the whole process: no thread tries again */

static void close_ring(void *self)
{
    thread_ring *r = self;
    if (r->state == RING_READY) io_uring_queue_exit(&r->ring);
    r->state = RING_REFUSED;
}

static void begin(void)
{
    const char *wish = getenv("FIRN_IO");
    if ((wish && strcmp(wish, "pread") == 0) || pthread_key_create(&closer, close_ring) != 0) atomic_store(&refused, true);
}

bool ring_available(void)
{
    thread_ring *r = &mine;
    if (FN_LIKELY(r->state == RING_READY)) return true;
    if (r->state == RING_REFUSED) return false;
    (void)pthread_once(&once, begin);
    r->state = RING_REFUSED;
    if (atomic_load(&refused)) return false;
    int err = io_uring_queue_init(QUEUE_DEPTH, &r->ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN);
    if (err == -EINVAL) err = io_uring_queue_init(QUEUE_DEPTH, &r->ring, 0); /* before Linux 6.1 */
    if (err == -ENOSYS || err == -EPERM || err == -EACCES) atomic_store(&refused, true);
    if (err != 0) return false;
    r->state = RING_READY;
    if (pthread_setspecific(closer, r) != 0) close_ring(r);
    return r->state == RING_READY;
}

/* ---- plain system calls ---- */

/* One operation; errno or RING_DONE, 0 at the end of the file. op is advanced. */
static int run_plain(ring_op *op)
{
    if (op->kind == RING_SYNC) return fdatasync(op->fd) == 0 ? RING_DONE : errno;
    while (op->size) {
        const ssize_t n = op->kind == RING_READ ? pread(op->fd, op->bytes, op->size, (off_t)op->offset)
                                                : pwrite(op->fd, op->bytes, op->size, (off_t)op->offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return 0;
        op->bytes += n;
        op->offset += (uint64_t)n;
        op->size -= (size_t)n;
    }
    return RING_DONE;
}

static int run_plain_all(ring_op *ops, size_t count, size_t *failed)
{
    for (size_t i = 0; i < count; i++) {
        const int err = run_plain(&ops[i]);
        if (err == RING_DONE) continue;
        *failed = i;
        return err;
    }
    return RING_DONE;
}

/* ---- ring ---- */

/* A piece in flight: bytes of ops[op]. */
typedef struct piece {
    ring_op part;
    size_t op;
    bool busy;
} piece;

typedef struct batch {
    struct io_uring *ring;
    ring_op *ops;
    size_t count, next_op; /* ops before next_op are handed out; ops[next_op] is advanced as its pieces are */
    piece pieces[QUEUE_DEPTH];
    unsigned in_flight;
    int error; /* first failure, RING_DONE so far */
    size_t failed;
} batch;

static void fail(batch *b, size_t op, int err)
{
    if (b->error != RING_DONE) return;
    b->error = err;
    b->failed = op;
}

static void submit_piece(batch *b, piece *p)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(b->ring);
    FN_ASSERT(sqe); /* never more than QUEUE_DEPTH pieces */
    switch (p->part.kind) {
    case RING_READ: io_uring_prep_read(sqe, p->part.fd, p->part.bytes, (unsigned)p->part.size, p->part.offset); break;
    case RING_WRITE: io_uring_prep_write(sqe, p->part.fd, p->part.bytes, (unsigned)p->part.size, p->part.offset); break;
    case RING_SYNC:
        io_uring_prep_fsync(sqe, p->part.fd, IORING_FSYNC_DATASYNC);
        sqe->flags |= IOSQE_IO_DRAIN; /* begins when everything before it is done */
        break;
    }
    io_uring_sqe_set_data(sqe, p);
    p->busy = true;
    b->in_flight++;
}

/* The next piece of the batch, false when all are handed out. */
static bool next_piece(batch *b, piece *p)
{
    while (b->next_op < b->count && b->ops[b->next_op].kind != RING_SYNC && b->ops[b->next_op].size == 0) b->next_op++;
    if (b->next_op == b->count) return false;
    ring_op *op = &b->ops[b->next_op];
    p->part = *op;
    p->op = b->next_op;
    p->part.size = FN_MIN(op->size, (size_t)PIECE_BYTES);
    if (p->part.size) op->bytes += p->part.size; /* a sync has none */
    op->offset += p->part.size;
    op->size -= p->part.size;
    if (op->kind == RING_SYNC) b->next_op++;
    return true;
}

static void fill(batch *b)
{
    for (unsigned i = 0; i < QUEUE_DEPTH && b->error == RING_DONE; i++) {
        if (b->pieces[i].busy) continue;
        if (!next_piece(b, &b->pieces[i])) return;
        submit_piece(b, &b->pieces[i]);
    }
}

/* A piece that ended short is finished by plain calls: it is rare, and a sync behind it is repeated by the caller. */
static bool complete(batch *b, piece *p, int result)
{
    p->busy = false;
    b->in_flight--;
    if (p->part.kind == RING_SYNC) {
        if (result < 0) fail(b, p->op, -result);
        return false;
    }
    if (result < 0 && result != -EINTR && result != -EAGAIN) {
        fail(b, p->op, -result);
        return false;
    }
    const size_t done = result > 0 ? (size_t)result : 0;
    if (done == p->part.size) return false;
    p->part.bytes += done;
    p->part.offset += done;
    p->part.size -= done;
    const int err = run_plain(&p->part);
    if (err != RING_DONE) fail(b, p->op, err);
    return true;
}

int ring_run(ring_op *ops, size_t count, bool deep, size_t *failed)
{
    if (!deep || count == 0 || !ring_available()) return run_plain_all(ops, count, failed);
    batch b = {.ring = &mine.ring, .ops = ops, .count = count, .error = RING_DONE};
    bool continued = false;
    fill(&b);
    while (b.in_flight) {
        const int submitted = io_uring_submit_and_wait(b.ring, 1);
        if (submitted < 0 && submitted != -EINTR && submitted != -EAGAIN && submitted != -EBUSY) FN_IMPOSSIBLE("io_uring lost its requests");
        struct io_uring_cqe *cqe;
        while (io_uring_peek_cqe(b.ring, &cqe) == 0) {
            continued |= complete(&b, io_uring_cqe_get_data(cqe), cqe->res);
            io_uring_cqe_seen(b.ring, cqe);
        }
        fill(&b);
    }
    if (b.error == RING_DONE && continued && ops[count - 1].kind == RING_SYNC) {
        const int err = run_plain(&ops[count - 1]);
        if (err != RING_DONE) fail(&b, count - 1, err);
    }
    if (b.error != RING_DONE) *failed = b.failed;
    return b.error;
}
