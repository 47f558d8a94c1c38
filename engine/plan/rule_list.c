/* rule_list.c - the rules in their order. Cells' plans (subqueries that run first) and shared plans are optimised like
 * the statement's own, each by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/projection_source.h"
#include "plan/rule.h"

static const struct {
    const char *name;
    rule_fn *run;
} rules[] = {
    {"fold filter", rule_fold_filter},     /* constants first: a false filter empties its input before work is done on it */
    {"or factor", rule_or_factor},         /* before pushing: what it takes out of ORs can be pushed */
    {"or in", rule_or_in},                 /* behind factoring, which compares the branches as written */
    {"push filter", rule_push_filter},     /* conjuncts down to scans and join sides; equalities over CROSS joins become keys on the way */
    {"join order", rule_join_order},       /* needs the filters at the scans to estimate */
    {"top n", rule_top_n},                 /* SORT below LIMIT knows how many rows are wanted */
    {"push limit", rule_push_limit},
    {"projection aggregate", rule_projection_aggregate}, /* needs the filters at the scan; before aggregates are taken apart */
    {"sum constant", rule_sum_constant},
    {"weighted groups", rule_weighted_groups}, /* needs the filters at the scan to estimate */
    {"prune columns", rule_prune_columns}, /* behind what changes which columns are read */
    {"projection", rule_projection},       /* needs to know which columns are used; before scans are told of bounds */
    {"threshold", rule_threshold},         /* a top-N shares its bound with the scan below */
    {"key codes", rule_key_codes},         /* counting by a column tells the scan so; behind what changes a scan's columns */
    {"top groups", rule_top_groups},       /* a top-N by an aggregate tells it so */
    {"metadata", rule_metadata},           /* an aggregate over a bare scan may need no scan */
};

typedef struct shared_list {
    plan_shared **items;
    uint32_t count;
} shared_list;

static fn_status find_shared(fn_ctx *ctx, const plan *p, shared_list *list)
{
    if (p->kind == PLAN_SHARED) {
        for (uint32_t i = 0; i < list->count; i++)
            if (list->items[i] == p->shared.shared) return FN_OK;
        const plan_shared *s = p->shared.shared;
        if (s->plan) FN_TRY(find_shared(ctx, s->plan, list)); /* inner ones first */
        if (s->step) FN_TRY(find_shared(ctx, s->step, list));
        plan_shared **slot = plan_grow(ctx, &list->items, &list->count, sizeof *slot);
        FN_TRY_PTR(ctx, slot);
        *slot = p->shared.shared;
    }
    for (uint32_t i = 0; i < p->input_count; i++) FN_TRY(find_shared(ctx, p->inputs[i], list));
    return FN_OK;
}

static fn_status run_rules(fn_ctx *ctx, plan_query *q, plan **p)
{
    for (size_t i = 0; i < FN_COUNT(rules); i++) FN_TRY(rules[i].run(ctx, q, p));
    return FN_OK;
}

fn_status plan_optimize(fn_ctx *ctx, plan_query *q)
{
    shared_list shared = {0};
    for (uint32_t i = 0; i < q->cell_count; i++)
        if (q->cells[i]->plan) FN_TRY(find_shared(ctx, q->cells[i]->plan, &shared));
    FN_TRY(find_shared(ctx, q->root, &shared));
    for (uint32_t i = 0; i < shared.count; i++) {
        if (shared.items[i]->plan) FN_TRY(run_rules(ctx, q, &shared.items[i]->plan));
        if (shared.items[i]->step) FN_TRY(run_rules(ctx, q, &shared.items[i]->step));
    }
    for (uint32_t i = 0; i < q->cell_count; i++)
        if (q->cells[i]->plan) FN_TRY(run_rules(ctx, q, &q->cells[i]->plan));
    FN_TRY(run_rules(ctx, q, &q->root));
    return projection_check(ctx, q);
}
