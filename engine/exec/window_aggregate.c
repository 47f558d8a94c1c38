/* window_aggregate.c - aggregates over frames.
 *
 * Frames that begin at the partition's first row only grow: rows are added to one state and its value taken whenever the end has
 * moved. Other frames are added up anew for each row while they are narrow; wide ones go through a tree of states over runs of
 * LEAF rows, FANOUT children per node, so that a frame is two ragged edges and a few merged nodes. Merging goes from left to right:
 * order-dependent aggregates come out right. Rows with the same frame share one value. SPDX-License-Identifier: Apache-2.0 */
#include "exec/window.h"

enum { LEAF = 64, FANOUT = 16, LEVELS_MAX = 8, WIDE = 4 * LEAF };

typedef struct state_tree {
    uint8_t *levels[LEVELS_MAX]; /* states, in the arena */
    uint32_t counts[LEVELS_MAX];
    uint32_t level_count;
} state_tree;

typedef struct frame_job {
    fn_ctx *ctx;
    const window_partition *p;
    const agg_call *call;
    const agg_def *def;
    fn_column *const *args;
    fn_arena *arena;   /* of the state at hand, emptied with it */
    fn_arena *tree_arena;
    uint8_t *state;
    bool open;         /* state is initialised */
    state_tree tree;
} frame_job;

static void begin_state(frame_job *j)
{
    j->def->init(j->call, j->state);
    j->open = true;
}
static void end_state(frame_job *j)
{
    if (j->open && j->def->destroy) j->def->destroy(j->call, j->state);
    j->open = false;
    fn_arena_reset(j->arena);
    fn_arena_reset(j->ctx->arena);
}
static fn_status add_rows(frame_job *j, uint32_t from, uint32_t to)
{
    return from < to ? j->def->add_one(j->ctx, j->call, j->arena, j->state, j->args, from, to - from) : FN_OK;
}
static size_t stride_of(const frame_job *j)
{
    return ((size_t)j->call->state_size + 15) & ~(size_t)15;
}

/* ---- frames that grow ---- */

static fn_status grow(frame_job *j, fn_builder *values, uint32_t *places)
{
    const window_partition *p = j->p;
    uint32_t added = p->from, place = 0;
    begin_state(j);
    for (uint32_t i = 0; i < p->to - p->from; i++) {
        const uint32_t end = FN_MAX(p->frame_to[i], p->from);
        if (i && end == added) {
            places[i] = place;
            continue;
        }
        if ((i & 1023) == 0) FN_TRY(fn_ctx_check(j->ctx));
        FN_TRY(add_rows(j, added, end));
        added = end;
        place = values->rows;
        places[i] = place;
        FN_TRY(j->def->finish(j->ctx, j->call, j->arena, j->state, values));
    }
    return FN_OK;
}

/* ---- the tree ---- */

static void drop_tree(frame_job *j)
{
    for (uint32_t l = 0; l < j->tree.level_count; l++)
        for (uint32_t i = 0; j->def->destroy && i < j->tree.counts[l]; i++) j->def->destroy(j->call, j->tree.levels[l] + i * stride_of(j));
    j->tree = (state_tree){0};
}

/* Adds a node that is destroyed with the tree. */
static uint8_t *new_node(frame_job *j, uint32_t level)
{
    uint8_t *state = j->tree.levels[level] + j->tree.counts[level]++ * stride_of(j);
    j->def->init(j->call, state);
    return state;
}

static fn_status build_tree(frame_job *j)
{
    const window_partition *p = j->p;
    uint32_t below = (p->to - p->from) / LEAF; /* whole leaves only */
    for (uint32_t level = 0; below && level < LEVELS_MAX; level++, below /= FANOUT) {
        j->tree.levels[level] = fn_arena_alloc(j->ctx, j->tree_arena, below * stride_of(j));
        FN_TRY_PTR(j->ctx, j->tree.levels[level]);
        j->tree.level_count = level + 1;
        for (uint32_t i = 0; i < below; i++) {
            uint8_t *node = new_node(j, level);
            if ((i & 255) == 0) FN_TRY(fn_ctx_check(j->ctx));
            if (level == 0) {
                FN_TRY(j->def->add_one(j->ctx, j->call, j->tree_arena, node, j->args, p->from + i * LEAF, LEAF));
                continue;
            }
            for (uint32_t k = 0; k < FANOUT; k++)
                FN_TRY(j->def->merge(j->ctx, j->call, j->tree_arena, node, j->tree.levels[level - 1] + ((size_t)i * FANOUT + k) * stride_of(j)));
        }
    }
    return FN_OK;
}

/* Merges leaves [from, to) into the state, in order, by the largest nodes that fit. */
static fn_status merge_leaves(frame_job *j, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint32_t level = 0, size = 1;
        while (level + 1 < j->tree.level_count && from % (size * FANOUT) == 0 && from + size * FANOUT <= to && from / (size * FANOUT) < j->tree.counts[level + 1]) {
            size *= FANOUT;
            level++;
        }
        FN_TRY(j->def->merge(j->ctx, j->call, j->arena, j->state, j->tree.levels[level] + (from / size) * stride_of(j)));
        from += size;
    }
    return FN_OK;
}

static fn_status add_frame(frame_job *j, uint32_t from, uint32_t to)
{
    const uint32_t base = j->p->from, first = (from - base + LEAF - 1) / LEAF, last = (to - base) / LEAF;
    if (!j->tree.level_count || first >= last) return add_rows(j, from, to);
    FN_TRY(add_rows(j, from, base + first * LEAF));
    FN_TRY(merge_leaves(j, first, last));
    return add_rows(j, base + last * LEAF, to);
}

static fn_status slide(frame_job *j, fn_builder *values, uint32_t *places)
{
    const window_partition *p = j->p;
    uint32_t place = 0;
    for (uint32_t i = 0; i < p->to - p->from; i++) {
        const uint32_t from = p->frame_from[i], to = p->frame_to[i];
        if (i && from == p->frame_from[i - 1] && to == p->frame_to[i - 1]) {
            places[i] = place;
            continue;
        }
        if ((i & 255) == 0) FN_TRY(fn_ctx_check(j->ctx));
        begin_state(j);
        if (from < to) FN_TRY(add_frame(j, from, to));
        place = values->rows;
        places[i] = place;
        FN_TRY(j->def->finish(j->ctx, j->call, j->arena, j->state, values));
        end_state(j);
    }
    return FN_OK;
}

static bool all_from_start(const window_partition *p)
{
    return p->item->plan->start == FRAME_UNBOUNDED_PRECEDING;
}

static bool any_wide(const window_partition *p)
{
    for (uint32_t i = 0; i < p->to - p->from; i++)
        if (p->frame_to[i] > p->frame_from[i] && p->frame_to[i] - p->frame_from[i] > WIDE) return true;
    return false;
}

fn_status window_aggregate(fn_ctx *ctx, const window_partition *p, fn_arena *arena, fn_builder *values, uint32_t *places)
{
    frame_job j = {.ctx = ctx, .p = p, .call = p->item->plan->call, .args = p->item->args, .arena = arena};
    j.def = j.call->def;
    j.state = fn_alloc(ctx, stride_of(&j) + 16);
    FN_TRY_PTR(ctx, j.state);
    fn_status status = FN_OK;
    if (all_from_start(p)) {
        status = grow(&j, values, places);
    } else {
        const bool wide = any_wide(p);
        if (wide) {
            j.tree_arena = fn_arena_new(ctx);
            status = j.tree_arena ? build_tree(&j) : ctx->error.code;
        }
        if (status == FN_OK) status = slide(&j, values, places);
    }
    end_state(&j);
    drop_tree(&j);
    fn_arena_free(j.tree_arena);
    fn_free(j.state);
    return status;
}
