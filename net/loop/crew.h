/* loop/crew.h - the threads that answer requests. Each waits for readiness itself and handles what it gets to the end: between
 * the socket and the answer no thread is handed anything.
 *
 * Only as many threads as there are cores (at least two) wait or handle short requests, so that a crowd of connections does not
 * become a crowd of threads. A thread that has been at one request for longer than a tick, or that says that it will wait
 * (fn_thread_waits), counts as slow and another one takes its place, up to `most`; when it comes back, one of them rests.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_NET_CREW_H
#define FIRN_NET_CREW_H
#include "loop/poller.h"
#include <firn/arena.h>

typedef struct crew crew;
/* One event of the poller, on a thread of the crew. ctx: an arena that is emptied behind each event. */
typedef void crew_handle_fn(void *arg, fn_ctx *ctx, void *data);

fn_status crew_open(fn_ctx *ctx, poller *from, crew_handle_fn *handle, void *arg, unsigned most, crew **out) FN_MUST_USE;
/* Sleeps up to timeout_ms, or until crew_wake; meanwhile replaces slow threads. One thread calls it, over and over. */
void crew_tend(crew *c, int timeout_ms);
void crew_wake(crew *c); /* from any thread or a signal handler */
void crew_close(crew *c); /* waits for what runs */
#endif
