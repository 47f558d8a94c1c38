/* recursive.c - WITH RECURSIVE: the rows of the first part, then the other part over the rows it gave last, until it gives none.
 * All rows are kept, as a shared subquery's are; the step reads the last level through a shared store of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"

static fn_status append_level(fn_ctx *ctx, block_list *all, const block_list *level)
{
    for (uint32_t i = 0; i < level->count; i++) FN_TRY(block_list_add(ctx, all, level->blocks[i]));
    return FN_OK;
}

/* One level from the last one. */
static fn_status step(fn_ctx *ctx, exec_run_state *state, plan_shared *s, const block_list *level, block_list *next)
{
    s->working->blocks = level->blocks;
    s->working->block_count = level->count;
    const fn_status status = run_collect(ctx, state, s->step, 0, next);
    s->working->blocks = NULL;
    s->working->block_count = 0;
    return status;
}

static fn_status run_levels(fn_ctx *ctx, exec_run_state *state, plan_shared *s, block_list *all)
{
    uint64_t depth = 0;
    block_list level, next;
    block_list_init(&level);
    fn_status status = run_collect(ctx, state, s->plan, 0, &level);
    while (status == FN_OK && level.rows) {
        status = append_level(ctx, all, &level);
        if (status == FN_OK && ++depth > s->depth_max)
            status = fn_fail(ctx, FN_TOO_DEEP_RECURSION,
                             "Maximum recursive CTE evaluation depth (%llu) exceeded, during evaluation of a recursive CTE. Consider raising "
                             "max_recursive_cte_evaluation_depth setting.", (unsigned long long)s->depth_max);
        if (status == FN_OK) status = fn_ctx_check(ctx);
        if (status != FN_OK) break;
        block_list_init(&next);
        status = step(ctx, state, s, &level, &next);
        block_list_release(&level);
        level = next;
    }
    block_list_release(&level);
    return status;
}

fn_status run_recursive(fn_ctx *ctx, exec_run_state *state, plan_shared *s)
{
    block_list all;
    block_list_init(&all);
    const fn_status status = run_levels(ctx, state, s, &all);
    if (status == FN_OK) {
        s->blocks = all.blocks;
        s->block_count = all.count;
        all.blocks = NULL;
        all.count = all.room = 0;
        s->done = true;
    }
    block_list_release(&all);
    return status;
}
