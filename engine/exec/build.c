/* build.c - from plan nodes to pipelines: the table of builders, and how operators are strung together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"

/* One row per plan_kind. Without a builder the node cannot be run yet and its name is in the error. */
static const struct {
    const char *name;
    op_builder *build;
} builders[] = {
    [PLAN_SCAN] = {"Scan", op_build_scan},
    [PLAN_VALUES] = {"Values", op_build_values},
    [PLAN_NUMBERS] = {"Numbers", op_build_numbers},
    [PLAN_FILTER] = {"Filter", op_build_filter},
    [PLAN_PROJECT] = {"Project", op_build_project},
    [PLAN_AGGREGATE] = {"GROUP BY", op_build_aggregate},
    [PLAN_JOIN] = {"JOIN", op_build_join},
    [PLAN_SORT] = {"ORDER BY", op_build_sort},
    [PLAN_LIMIT] = {"LIMIT", op_build_limit},
    [PLAN_LIMIT_BY] = {"LIMIT BY", op_build_limit_by},
    [PLAN_DISTINCT] = {"DISTINCT", op_build_distinct},
    [PLAN_UNION] = {"UNION ALL", op_build_union},
    [PLAN_SET_OP] = {"INTERSECT and EXCEPT", op_build_set_op},
    [PLAN_WINDOW] = {"Window functions", op_build_window},
    [PLAN_ARRAY_JOIN] = {"ARRAY JOIN", op_build_array_join},
    [PLAN_FILL] = {"WITH FILL", op_build_fill},
    [PLAN_SHARED] = {"Shared subquery", op_build_shared},
};

fn_status exec_build(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    FN_ASSERT((size_t)node->kind < FN_COUNT(builders));
    if (!builders[node->kind].build) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "%s is not supported", builders[node->kind].name);
    return builders[node->kind].build(ctx, e, node, p);
}

fn_status op_new(fn_ctx *ctx, exec *e, const op_class *class, const plan *node, op **out)
{
    op *o = fn_arena_alloc_zero(ctx, e->arena, class->size);
    FN_TRY_PTR(ctx, o);
    o->class = class;
    o->exec = e;
    o->node = node;
    o->next_made = e->all;
    e->all = o;
    *out = o;
    return FN_OK;
}

fn_status op_emit(op *self, fn_ctx *ctx, unsigned worker, fn_block *block)
{
    if (block->rows == 0) return FN_OK;
    return self->next->class->push(self->next, ctx, worker, block);
}

fn_status pipeline_new(fn_ctx *ctx, exec *e, pipeline **out)
{
    pipeline *p = fn_arena_alloc_zero(ctx, e->arena, sizeof *p);
    FN_TRY_PTR(ctx, p);
    p->exec = e;
    *out = p;
    return FN_OK;
}

void pipeline_source(pipeline *p, op *source, bool serial)
{
    FN_ASSERT(!p->source);
    p->source = p->tail = source;
    p->serial = serial;
}

void pipeline_append(pipeline *p, op *o)
{
    p->tail->next = o;
    p->tail = o;
    o->pipeline = p;
    o->place = ++p->length;
}

void pipeline_end(pipeline *p, op *sink)
{
    exec *e = p->exec;
    pipeline_append(p, sink);
    if (e->last) e->last->next = p;
    else e->first = p;
    e->last = p;
}

/* An operator at `place` or behind it has enough. Where `p` hands on into another pipeline, all of that stands behind. */
static bool done_from(const pipeline *p, uint32_t place)
{
    const exec *e = p->exec;
    if (atomic_load_explicit(&e->failed, memory_order_relaxed) || atomic_load_explicit(&e->enough, memory_order_relaxed)) return true;
    for (; p; p = p->into, place = 1)
        if (atomic_load_explicit(&p->done, memory_order_relaxed) >= place) return true;
    return false;
}

bool pipeline_is_done(const pipeline *p)
{
    return done_from(p, 1);
}

bool op_is_done(const op *self)
{
    return done_from(self->pipeline, self->place);
}

void op_enough(op *self)
{
    uint32_t at = atomic_load_explicit(&self->pipeline->done, memory_order_relaxed);
    while (at < self->place && !atomic_compare_exchange_weak_explicit(&self->pipeline->done, &at, self->place, memory_order_relaxed, memory_order_relaxed)) continue;
}

fn_status exec_compile(fn_ctx *ctx, const plan *input, expr *const *exprs, uint32_t count, expr_program **out)
{
    column_id *layout = FN_NEW_ARRAY(ctx, column_id, input->column_count + 1);
    FN_TRY_PTR(ctx, layout);
    for (uint32_t i = 0; i < input->column_count; i++) layout[i] = input->columns[i].id;
    return expr_compile(ctx, exprs, count, layout, input->column_count, out);
}
