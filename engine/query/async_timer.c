/* async_timer.c - see async_timer.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/async_timer.h"

enum { LONGEST_MS = 3600000, NS_PER_MS = 1000000 };

fn_status async_timer_check(fn_ctx *ctx, const fn_settings *s)
{
    if (s->async_insert_busy_timeout_max_ms == 0) return fn_fail(ctx, FN_INVALID_SETTING_VALUE, "Setting 'async_insert_busy_timeout_max_ms' can't be zero");
    if (!s->async_insert_use_adaptive_busy_timeout) return FN_OK;
    if (!(s->async_insert_busy_timeout_increase_rate > 0))
        return fn_fail(ctx, FN_INVALID_SETTING_VALUE, "Setting 'async_insert_busy_timeout_increase_rate' must be greater than zero");
    if (!(s->async_insert_busy_timeout_decrease_rate > 0))
        return fn_fail(ctx, FN_INVALID_SETTING_VALUE, "Setting 'async_insert_busy_timeout_decrease_rate' must be greater than zero");
    return FN_OK;
}

/* The new time, before it is kept within its bounds. */
static int64_t adapted(const async_timer *t, const fn_settings *s, int64_t min_ms, int64_t now_ns)
{
    const int64_t timeout = t->timeout_ms;
    if (!t->inserted_ns || !t->flushed_ns[0]) return timeout;
    if (t->inserted_ns + min_ms * NS_PER_MS > now_ns) {
        const double longer = (double)timeout * (1 + s->async_insert_busy_timeout_increase_rate);
        return longer < LONGEST_MS ? FN_MAX((int64_t)longer, timeout + 1) : LONGEST_MS;
    }
    const int64_t shorter = FN_MIN((int64_t)((double)timeout / (1 + s->async_insert_busy_timeout_decrease_rate)), timeout - 1);
    const bool seldom = t->inserted_ns + shorter * NS_PER_MS < now_ns && t->flushed_ns[0] + shorter * NS_PER_MS < t->flushed_ns[1];
    return seldom ? shorter : timeout;
}

int64_t async_timer_insert(async_timer *t, const fn_settings *s, int64_t now_ns, bool *at_once)
{
    const int64_t max_ms = (int64_t)FN_MIN(s->async_insert_busy_timeout_max_ms, (uint64_t)LONGEST_MS);
    int64_t wait_ms = max_ms;
    *at_once = false;
    if (s->async_insert_use_adaptive_busy_timeout) {
        const int64_t min_ms = (int64_t)FN_MIN(FN_MAX(s->async_insert_busy_timeout_min_ms, (uint64_t)1), (uint64_t)max_ms);
        if (!t->timeout_ms) t->timeout_ms = min_ms;
        wait_ms = FN_MIN(FN_MAX(adapted(t, s, min_ms, now_ns), min_ms), max_ms);
        *at_once = t->inserted_ns && t->flushed_ns[0] && t->inserted_ns + max_ms * NS_PER_MS < now_ns && t->flushed_ns[0] + max_ms * NS_PER_MS < t->flushed_ns[1];
    }
    t->inserted_ns = now_ns;
    t->timeout_ms = wait_ms;
    return wait_ms;
}

void async_timer_flushed(async_timer *t, int64_t now_ns)
{
    t->flushed_ns[0] = t->flushed_ns[1];
    t->flushed_ns[1] = now_ns;
}
