/* ring/ring.h - batches of file operations on the calling thread's own io_uring, or by plain system calls where the kernel
 * refuses rings (old, seccomp) or FIRN_IO=pread asks for it. Shared inside io.
 *
 * One ring per thread (single issuer), made at first use and closed with the thread. Operations larger than a piece are split so
 * that the queue stays deep. Buffers are not registered: that saves page pinning for O_DIRECT alone, and these go through the
 * page cache. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_RING_H
#define FIRN_RING_H
#include <firn/base.h>

typedef enum ring_kind { RING_READ, RING_WRITE, RING_SYNC } ring_kind;

typedef struct ring_op {
    ring_kind kind; /* RING_SYNC: fdatasync, begins when all operations before it are done; last of its batch */
    int fd;
    uint64_t offset;
    uint8_t *bytes; /* written from for RING_WRITE, never changed */
    size_t size;
    const void *owner; /* the caller's, for messages */
} ring_op;

enum { RING_DONE = -1 };
/* Runs all operations to their end; short transfers are continued. On failure the errno, 0 for the end of the file, and the
 * operation's index in *failed; nothing is in flight any more. deep: worth a ring. */
int ring_run(ring_op *ops, size_t count, bool deep, size_t *failed) FN_MUST_USE;
bool ring_available(void); /* this thread has, or can have, a ring */
#endif
