/* rule_prune_columns.c - every node keeps only the outputs that are used above it; scans read only those. The root's stay.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

typedef struct prune {
    fn_ctx *ctx;
} prune;

static fn_status visit(prune *u, plan *p, const plan_ids *needed);

static fn_status note(void *self, fn_ctx *ctx, expr **e)
{
    return plan_ids_of(ctx, self, *e);
}

static bool is_needed(const plan_ids *needed, column_id id)
{
    return plan_ids_has(needed, id);
}

static void keep_columns(plan *p, const plan_ids *needed)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->column_count; i++)
        if (is_needed(needed, p->columns[i].id)) p->columns[kept++] = p->columns[i];
    p->column_count = kept;
}

static fn_status copy_ids(prune *u, const plan_ids *from, plan_ids *to)
{
    *to = (plan_ids){0};
    if (!from->words) return FN_OK;
    to->bits = FN_NEW_ARRAY(u->ctx, uint64_t, from->words);
    FN_TRY_PTR(u->ctx, to->bits);
    memcpy(to->bits, from->bits, from->words * sizeof *to->bits);
    to->words = from->words;
    return FN_OK;
}

static fn_status all_columns(prune *u, const plan *p, plan_ids *ids)
{
    for (uint32_t i = 0; i < p->column_count; i++) FN_TRY(plan_ids_add(u->ctx, ids, p->columns[i].id));
    return FN_OK;
}

static fn_status prune_scan(prune *u, plan *p, const plan_ids *needed)
{
    plan_ids own;
    FN_TRY(copy_ids(u, needed, &own));
    FN_TRY(plan_each_expr(u->ctx, p, note, &own));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->column_count; i++) {
        if (!is_needed(&own, p->columns[i].id)) continue;
        p->columns[kept] = p->columns[i];
        p->scan.indexes[kept++] = p->scan.indexes[i];
    }
    p->column_count = kept;
    return FN_OK;
}

static fn_status prune_values(prune *u, plan *p, const plan_ids *needed)
{
    for (uint32_t b = 0; b < p->values.block_count; b++) {
        const fn_block *old = p->values.blocks[b];
        uint32_t kept = 0, at = 0;
        for (uint32_t i = 0; i < p->column_count; i++) kept += is_needed(needed, p->columns[i].id);
        if (kept == p->column_count) continue;
        fn_block *n = fn_block_new(u->ctx, kept, old->rows);
        FN_TRY_PTR(u->ctx, n);
        for (uint32_t i = 0; i < p->column_count; i++)
            if (is_needed(needed, p->columns[i].id)) n->columns[at++] = fn_column_ref(old->columns[i]);
        p->values.blocks[b] = n;
        const plan one = {.values = {&p->values.blocks[b], 1}};
        FN_TRY(plan_values_own(u->ctx, (plan *)(uintptr_t)&one));
    }
    keep_columns(p, needed);
    return FN_OK;
}

static fn_status prune_project(prune *u, plan *p, const plan_ids *needed)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->column_count; i++) {
        if (!is_needed(needed, p->columns[i].id)) continue;
        p->columns[kept] = p->columns[i];
        p->project.items[kept++] = p->project.items[i];
    }
    p->column_count = kept;
    plan_ids below = {0};
    FN_TRY(plan_each_expr(u->ctx, p, note, &below));
    return visit(u, p->inputs[0], &below);
}

static fn_status prune_aggregate(prune *u, plan *p, const plan_ids *needed)
{
    uint32_t kept = 0, at = p->aggregate.key_count;
    for (uint32_t i = 0; i < p->aggregate.item_count; i++) {
        if (!is_needed(needed, p->aggregate.items[i].id)) continue;
        p->columns[at + kept] = p->columns[at + i];
        p->aggregate.items[kept++] = p->aggregate.items[i];
    }
    if (p->aggregate.grouping_set_count) p->columns[at + kept] = p->columns[p->column_count - 1];
    p->aggregate.item_count = kept;
    p->column_count = at + kept + (p->aggregate.grouping_set_count != 0);
    plan_ids below = {0};
    FN_TRY(plan_each_expr(u->ctx, p, note, &below));
    return visit(u, p->inputs[0], &below);
}

static fn_status prune_window(prune *u, plan *p, const plan_ids *needed)
{
    plan_ids below;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->window.item_count; i++)
        if (is_needed(needed, p->window.items[i].id)) p->window.items[kept++] = p->window.items[i];
    p->window.item_count = kept;
    FN_TRY(copy_ids(u, needed, &below));
    FN_TRY(plan_each_expr(u->ctx, p, note, &below));
    FN_TRY(visit(u, p->inputs[0], &below));
    /* outputs: all of the input's, then the functions */
    plan_column *columns = FN_NEW_ARRAY(u->ctx, plan_column, p->inputs[0]->column_count + kept + 1);
    FN_TRY_PTR(u->ctx, columns);
    uint32_t n = p->inputs[0]->column_count;
    if (n) memcpy(columns, p->inputs[0]->columns, n * sizeof *columns);
    for (uint32_t i = 0; i < kept; i++) columns[n + i] = *plan_find_column(p, p->window.items[i].id);
    p->columns = columns;
    p->column_count = n + kept;
    return FN_OK;
}

static fn_status prune_array_join(prune *u, plan *p, const plan_ids *needed)
{
    plan_ids below;
    const uint32_t arrays = p->array_join.array_count;
    const plan_column *own = p->columns + (p->column_count - arrays);
    FN_TRY(copy_ids(u, needed, &below));
    FN_TRY(plan_each_expr(u->ctx, p, note, &below));
    FN_TRY(visit(u, p->inputs[0], &below));
    const uint32_t n = p->inputs[0]->column_count;
    plan_column *columns = FN_NEW_ARRAY(u->ctx, plan_column, n + arrays + 1);
    FN_TRY_PTR(u->ctx, columns);
    if (n) memcpy(columns, p->inputs[0]->columns, n * sizeof *columns);
    memcpy(columns + n, own, arrays * sizeof *columns);
    p->columns = columns;
    p->column_count = n + arrays;
    return FN_OK;
}

static fn_status prune_join(prune *u, plan *p, const plan_ids *needed)
{
    plan_ids below;
    FN_TRY(copy_ids(u, needed, &below));
    FN_TRY(plan_each_expr(u->ctx, p, note, &below));
    keep_columns(p, needed);
    FN_TRY(visit(u, p->inputs[0], &below));
    return visit(u, p->inputs[1], &below);
}

/* Inputs are matched by position: the same positions stay in all of them. */
static fn_status prune_union(prune *u, plan *p, const plan_ids *needed)
{
    for (uint32_t k = 0; k < p->input_count; k++) {
        plan_ids below = {0};
        for (uint32_t i = 0; i < p->column_count; i++)
            if (is_needed(needed, p->columns[i].id)) FN_TRY(plan_ids_add(u->ctx, &below, p->inputs[k]->columns[i].id));
        plan *input = p->inputs[k];
        const uint32_t wanted = input->column_count;
        plan_item *items = FN_NEW_ARRAY(u->ctx, plan_item, wanted + 1);
        fn_str *names = FN_NEW_ARRAY(u->ctx, fn_str, wanted + 1);
        if (!items || !names) return u->ctx->error.code;
        uint32_t n = 0;
        for (uint32_t i = 0; i < wanted; i++) {
            if (!is_needed(needed, p->columns[i].id)) continue;
            items[n] = (plan_item){input->columns[i].id, expr_column(u->ctx, input->columns[i].id, input->columns[i].type)};
            FN_TRY_PTR(u->ctx, items[n].value);
            names[n++] = input->columns[i].name;
        }
        FN_TRY(visit(u, input, &below));
        bool exact = input->column_count == n;
        for (uint32_t i = 0; exact && i < n; i++) exact = input->columns[i].id == items[i].id;
        if (!exact) FN_TRY(plan_project_over(u->ctx, input, items, names, n, &p->inputs[k]));
    }
    keep_columns(p, needed);
    return FN_OK;
}

/* Every column takes part: DISTINCT over all, EXCEPT and INTERSECT. */
static fn_status keep_all(prune *u, plan *p)
{
    for (uint32_t k = 0; k < p->input_count; k++) {
        plan_ids below = {0};
        FN_TRY(all_columns(u, p->inputs[k], &below));
        FN_TRY(visit(u, p->inputs[k], &below));
    }
    return FN_OK;
}

/* The node hands its input through: its outputs are the input's after pruning. */
static fn_status prune_through(prune *u, plan *p, const plan_ids *needed)
{
    plan_ids below;
    FN_TRY(copy_ids(u, needed, &below));
    FN_TRY(plan_each_expr(u->ctx, p, note, &below));
    if (p->kind == PLAN_FILL)
        for (uint32_t i = 0; i < p->fill.interpolate_count; i++) FN_TRY(plan_ids_add(u->ctx, &below, p->fill.interpolate[i].id));
    FN_TRY(visit(u, p->inputs[0], &below));
    const plan *in = p->inputs[0];
    p->columns = FN_NEW_ARRAY(u->ctx, plan_column, in->column_count + 1);
    FN_TRY_PTR(u->ctx, p->columns);
    p->column_count = in->column_count;
    if (in->column_count) memcpy(p->columns, in->columns, in->column_count * sizeof *p->columns);
    return FN_OK;
}

static fn_status visit(prune *u, plan *p, const plan_ids *needed)
{
    switch (p->kind) {
    case PLAN_SCAN: return prune_scan(u, p, needed);
    case PLAN_VALUES: return prune_values(u, p, needed);
    case PLAN_NUMBERS: return FN_OK;
    case PLAN_PROJECT: return prune_project(u, p, needed);
    case PLAN_AGGREGATE: return prune_aggregate(u, p, needed);
    case PLAN_JOIN: return prune_join(u, p, needed);
    case PLAN_UNION: return prune_union(u, p, needed);
    case PLAN_SET_OP: return keep_all(u, p);
    case PLAN_WINDOW: return prune_window(u, p, needed);
    case PLAN_ARRAY_JOIN: return prune_array_join(u, p, needed);
    case PLAN_SHARED: return FN_OK; /* shared plans are optimised by themselves and keep all columns */
    case PLAN_DISTINCT:
        if (p->distinct.keys == NULL) return keep_all(u, p);
        return prune_through(u, p, needed);
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_LIMIT_BY:
    case PLAN_FILL: return prune_through(u, p, needed);
    }
    FN_IMPOSSIBLE("plan kind");
}

fn_status rule_prune_columns(fn_ctx *ctx, plan_query *q, plan **p)
{
    prune u = {.ctx = ctx};
    (void)q;
    plan_ids needed = {0};
    FN_TRY(all_columns(&u, *p, &needed));
    const uint32_t count = (*p)->column_count;
    plan_item *items = FN_NEW_ARRAY(ctx, plan_item, count + 1);
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, count + 1);
    if (!items || !names) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (plan_item){(*p)->columns[i].id, expr_column(ctx, (*p)->columns[i].id, (*p)->columns[i].type)};
        FN_TRY_PTR(ctx, items[i].value);
        names[i] = (*p)->columns[i].name;
    }
    FN_TRY(visit(&u, *p, &needed));
    return (*p)->column_count == count ? FN_OK : plan_project_over(ctx, *p, items, names, count, p);
}
