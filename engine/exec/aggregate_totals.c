/* aggregate_totals.c - WITH TOTALS: one row over all groups that pass HAVING. All groups are made at once, since the row needs
 * every one of them even when the consumer stops early. SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

fn_status op_aggregate_having(op *self, fn_ctx *ctx, expr *condition)
{
    return exec_compile(ctx, self->node, &condition, 1, &((op_aggregate *)self)->having);
}

/* ROLLUP and CUBE: only the groups by all keys count, every row is in one of them. */
static void keep_full_set(const op_aggregate *o, const fn_block *block, uint8_t *mask)
{
    const plan *n = o->head.node;
    const uint64_t all = o->key_count < 64 ? ((uint64_t)1 << o->key_count) - 1 : UINT64_MAX;
    for (uint32_t i = 0; n->aggregate.grouping_sets && i < block->rows; i++)
        mask[i] &= n->aggregate.grouping_sets[fn_column_u64_at(block->columns[block->count - 1], i)] == all;
}

static fn_status add_groups(op_aggregate *o, fn_ctx *ctx, uint8_t *const *slots, uint32_t count, const fn_block *block)
{
    uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)count + FN_BUFFER_PAD);
    uint32_t kept = count;
    FN_TRY_PTR(ctx, mask);
    memset(mask, 1, count);
    if (o->having) FN_TRY(expr_run_mask(ctx, o->having, block, mask, &kept));
    keep_full_set(o, block, mask);
    for (uint32_t i = 0; i < count; i++)
        if (mask[i]) FN_TRY(group_states_merge_kept(ctx, &o->states, o->totals_arena, o->totals, o->group_keys ? aggregate_state(o, slots[i]) : slots[i]));
    return FN_OK;
}

/* Runs on worker 0's context: its arena is emptied between blocks. */
static fn_status make_groups(void *arg, fn_ctx *ctx, unsigned worker)
{
    enum { ROWS = 8192 };
    op_aggregate *o = arg;
    group_worker *w = aggregate_worker(o, 0);
    if (worker != 0) return FN_OK;
    for (;;) {
        fn_block *block = NULL;
        uint32_t count;
        fn_arena_reset(ctx->arena);
        uint8_t **slots = fn_arena_alloc(ctx, ctx->arena, ROWS * sizeof *slots);
        FN_TRY_PTR(ctx, slots);
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(aggregate_groups(o, ctx, w, slots, ROWS, &count));
        if (count == 0) return FN_OK;
        fn_status status = aggregate_block(o, ctx, w, slots, count, &block);
        if (status == FN_OK) status = add_groups(o, ctx, slots, count, block);
        if (status == FN_OK) status = block_list_add(ctx, &o->given, block);
        fn_block_drop(block);
        if (o->states.destroys)
            for (uint32_t i = 0; i < count; i++) aggregate_drop(o, slots[i]);
        FN_TRY(status);
    }
}

fn_status aggregate_totals_finish(op_aggregate *o, fn_ctx *ctx)
{
    o->totals_arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, o->totals_arena);
    o->totals = fn_arena_alloc_zero(ctx, o->totals_arena, o->states.size + 16);
    FN_TRY_PTR(ctx, o->totals);
    group_states_init(&o->states, o->totals);
    if (o->group_keys == 0) {
        fn_block *block = NULL;
        group_worker *w = aggregate_worker(o, 0);
        FN_TRY(aggregate_block(o, ctx, w, &w->single, 1, &block));
        fn_status status = add_groups(o, ctx, &w->single, 1, block);
        if (status == FN_OK) status = block_list_add(ctx, &o->given, block);
        fn_block_drop(block);
        return status;
    }
    return exec_parallel(ctx, o->head.exec, make_groups, o);
}

fn_status op_aggregate_totals(op *self, fn_ctx *ctx, fn_block **out)
{
    op_aggregate *o = (op_aggregate *)self;
    const plan *n = self->node;
    *out = NULL;
    if (!o->totals) return FN_OK;
    fn_block *row = fn_block_new(ctx, n->column_count, 1);
    FN_TRY_PTR(ctx, row);
    fn_status status = group_states_finish(ctx, &o->states, o->totals_arena, &o->totals, 1, row->columns + o->key_count);
    for (uint32_t i = 0; i < n->column_count && status == FN_OK; i++) {
        if (row->columns[i]) continue;
        row->columns[i] = fn_column_default(ctx, n->columns[i].type, 1);
        if (!row->columns[i]) status = ctx->error.code;
    }
    if (status == FN_OK) *out = row;
    else fn_block_drop(row);
    return status;
}
