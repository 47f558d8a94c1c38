/* spill.c - see spill.h. SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill.h"
#include "settings/settings.h"
#include <stdio.h>

typedef struct spill_bound {
    uint64_t bytes;
    double ratio;
    const char *name; /* of the ratio: what follows max_bytes_ratio_before_external_ */
    bool short_text;  /* how ClickHouse shows a wrong one */
} spill_bound;

static spill_bound bound_of(const fn_settings *s, spill_use use)
{
    switch (use) {
    case SPILL_SORT: return (spill_bound){s->max_bytes_before_external_sort, s->max_bytes_ratio_before_external_sort, "sort", false};
    case SPILL_GROUP: return (spill_bound){s->max_bytes_before_external_group_by, s->max_bytes_ratio_before_external_group_by, "group_by", false};
    case SPILL_JOIN: return (spill_bound){s->max_bytes_before_external_join, s->max_bytes_ratio_before_external_join, "join", false};
    case SPILL_DISTINCT: return (spill_bound){s->max_bytes_before_external_distinct, s->max_bytes_ratio_before_external_distinct, "distinct", true};
    }
    FN_IMPOSSIBLE("use of spilling");
}

uint64_t spill_watch_room(const spill_watch *w)
{
    uint64_t room = (uint64_t)1 << 62;
    for (const fn_tracker *t = w->memory; t; t = t->parent) {
        const int64_t limit = atomic_load_explicit(&t->limit, memory_order_relaxed), used = atomic_load_explicit(&t->used, memory_order_relaxed);
        if (limit > 0) room = FN_MIN(room, used < limit ? (uint64_t)(limit - used) : 0);
    }
    return room;
}

static uint64_t held(const spill_watch *w)
{
    const int64_t used = w->memory ? atomic_load_explicit(&w->memory->used, memory_order_relaxed) : 0;
    return used > 0 ? (uint64_t)used : 0;
}

fn_status spill_watch_init(fn_ctx *ctx, const exec *e, spill_use use, spill_watch *out)
{
    const spill_bound b = bound_of(settings_of(ctx), use);
    *out = (spill_watch){.memory = ctx->memory};
    if (!(b.ratio >= 0 && b.ratio < 1)) {
        char wrong[64];
        (void)snprintf(wrong, sizeof wrong, b.short_text ? "%g" : "%.3f", b.ratio);
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Setting max_bytes_ratio_before_external_%s should be >= 0 and < 1 (%s)", b.name, wrong);
    }
    if (!e->env->spill) return FN_OK;
    out->threshold = b.bytes;
    if (b.ratio > 0) {
        const uint64_t all = held(out) + spill_watch_room(out), share = (uint64_t)((double)all * b.ratio);
        if (!out->threshold || share < out->threshold) out->threshold = FN_MAX(share, (uint64_t)1);
    }
    out->least = out->threshold / (8 * (uint64_t)e->workers);
    return FN_OK;
}

bool spill_watch_exceeded(const spill_watch *w, uint64_t own, uint64_t extra)
{
    const uint64_t now = held(w), all = now + spill_watch_room(w);
    return own > w->threshold || now > w->threshold || now + extra > all - all / 8;
}
