/* query/async_timer.h - how long an asynchronous insert waits for company. ClickHouse's rule: the time begins at
 * async_insert_busy_timeout_min_ms, grows by async_insert_busy_timeout_increase_rate while inserts come more often than that, up to
 * async_insert_busy_timeout_max_ms, and shrinks by async_insert_busy_timeout_decrease_rate while they come seldom; an insert behind a pause
 * longer than the maximum waits for nothing. Without async_insert_use_adaptive_busy_timeout it is the maximum, always.
 * Source: AsynchronousInsertQueue::getBusyWaitTimeoutMs of ClickHouse 26.9. Times are monotonic nanoseconds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_ASYNC_TIMER_H
#define FIRN_QUERY_ASYNC_TIMER_H
#include "settings/settings.h"

typedef struct async_timer {
    int64_t timeout_ms;      /* 0: no insert yet */
    int64_t inserted_ns;     /* the last insert; 0: none */
    int64_t flushed_ns[2];   /* the last two writes, older first; 0: none */
} async_timer;

/* INVALID_SETTING_VALUE (471) for times and rates that mean nothing. */
fn_status async_timer_check(fn_ctx *ctx, const fn_settings *s) FN_MUST_USE;
/* An insert comes: the milliseconds it waits if it is the first; *at_once: it, and what waits, is to be written now. */
int64_t async_timer_insert(async_timer *t, const fn_settings *s, int64_t now_ns, bool *at_once);
void async_timer_flushed(async_timer *t, int64_t now_ns);
#endif
