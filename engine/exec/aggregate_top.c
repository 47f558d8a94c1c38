/* aggregate_top.c - GROUP BY below ORDER BY <a counter> LIMIT n: a worker gives out no group whose counter cannot be among its best
 * n; keys of the others are never made into values. SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

enum { TOP_MAX = 16384 /* a larger heap costs more than it saves */ };

void aggregate_top_plan(op_aggregate *o)
{
    const plan *n = o->head.node;
    const plan_top_groups *top = &n->aggregate.top;
    if (!top->rows || top->rows > TOP_MAX) return;
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        const group_agg *a = &o->states.aggs[i];
        if (n->aggregate.items[i].id != top->id || a->kind != GROUP_ADD_U64) continue;
        o->top = (aggregate_top){.rows = (uint32_t)top->rows, .offset = a->offset, .only_key = top->only_key};
        o->top.flip = (top->descending ? 0 : UINT64_MAX) ^ (a->call->type->phys == FN_PHYS_I64 ? (uint64_t)1 << 63 : 0);
    }
}

static void sift_down(uint64_t *heap, uint32_t count, uint64_t value)
{
    uint32_t at = 0;
    for (uint32_t kid; (kid = 2 * at + 1) < count; at = kid) {
        kid += kid + 1 < count && heap[kid + 1] < heap[kid];
        if (heap[kid] >= value) break;
        heap[at] = heap[kid];
    }
    heap[at] = value;
}

static void sift_up(uint64_t *heap, uint32_t at, uint64_t value)
{
    for (; at && heap[(at - 1) / 2] > value; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = value;
}

bool aggregate_top_takes(const op_aggregate *o, group_worker *w, uint64_t counter)
{
    const uint64_t value = counter ^ o->top.flip;
    if (w->best_count < o->top.rows) {
        sift_up(w->best, w->best_count++, value);
        return true;
    }
    if (value > w->best[0]) sift_down(w->best, o->top.rows, value);
    else return value == w->best[0] && !o->top.only_key;
    return true;
}

fn_status aggregate_top_ready(const op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    if (w->best || !o->top.rows) return FN_OK;
    w->best = fn_arena_alloc(ctx, w->scratch, o->top.rows * sizeof *w->best);
    FN_TRY_PTR(ctx, w->best);
    return FN_OK;
}

uint32_t aggregate_top_pick(op_aggregate *o, group_worker *w, uint8_t **slots, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *slot = slots[i];
        if (aggregate_top_takes(o, w, fn_load_u64(aggregate_state(o, slot) + o->top.offset))) slots[kept++] = slot;
        else if (o->states.destroys) aggregate_drop(o, slot);
    }
    if (kept < count) exec_rows_before_limit(o->head.exec, count - kept);
    return kept;
}
