/* rule_or_factor.c - conditions that every branch of an OR has are taken out of it: (a AND b) OR (a AND c) is a AND (b OR c). What was
 * hidden in the branches can then become the key of a join or go down to a scan (TPC-H Q19).
 *
 * Of what remains, each branch's conditions about one input of a join give a weaker condition on that input alone: (x1 AND y1) OR
 * (x2 AND y2) implies x1 OR x2. It is added once and goes down; the whole OR stays.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

typedef struct branch {
    expr **items;
    uint32_t count;
} branch;

static bool contains(const branch *b, const expr *e)
{
    for (uint32_t i = 0; i < b->count; i++)
        if (expr_equal(b->items[i], e)) return true;
    return false;
}

static bool in_all(const branch *branches, uint32_t count, const expr *e)
{
    for (uint32_t i = 0; i < count; i++)
        if (!contains(&branches[i], e)) return false;
    return true;
}

static fn_status push_back(fn_ctx *ctx, branch *b, expr *e)
{
    expr **slot = plan_grow(ctx, &b->items, &b->count, sizeof *slot);
    FN_TRY_PTR(ctx, slot);
    *slot = e;
    return FN_OK;
}

/* The common conditions go to `out`; *rest: the OR without them, NULL if a branch had nothing else. */
static fn_status factor(fn_ctx *ctx, expr *e, branch *out, expr **rest)
{
    const uint32_t n = e->arg_count;
    branch *branches = FN_NEW_ARRAY(ctx, branch, n + 1), common = {0};
    expr **remains = FN_NEW_ARRAY(ctx, expr *, n + 1);
    if (!branches || !remains) return ctx->error.code;
    for (uint32_t i = 0; i < n; i++) FN_TRY(plan_split_and(ctx, e->args[i], &branches[i].items, &branches[i].count));
    for (uint32_t i = 0; i < branches[0].count; i++)
        if (in_all(branches, n, branches[0].items[i]) && !contains(&common, branches[0].items[i])) FN_TRY(push_back(ctx, &common, branches[0].items[i]));
    *rest = e;
    if (!common.count) return FN_OK;
    *rest = NULL;
    for (uint32_t i = 0; i < common.count; i++) FN_TRY(push_back(ctx, out, common.items[i]));
    for (uint32_t i = 0; i < n; i++) {
        branch left = {0};
        for (uint32_t k = 0; k < branches[i].count; k++)
            if (!contains(&common, branches[i].items[k])) FN_TRY(push_back(ctx, &left, branches[i].items[k]));
        if (!left.count) return FN_OK;
        FN_TRY(plan_join_and(ctx, left.items, left.count, &remains[i]));
    }
    return expr_call(ctx, "or", remains, n, rest);
}

/* What the OR says about the columns of `side` alone; NULL if some branch says nothing. */
static fn_status implied(fn_ctx *ctx, const expr *e, const plan *side, expr **out)
{
    expr **parts = FN_NEW_ARRAY(ctx, expr *, e->arg_count + 1);
    FN_TRY_PTR(ctx, parts);
    *out = NULL;
    for (uint32_t i = 0; i < e->arg_count; i++) {
        branch all = {0}, own = {0};
        FN_TRY(plan_split_and(ctx, e->args[i], &all.items, &all.count));
        for (uint32_t k = 0; k < all.count; k++)
            if (plan_uses_any(side, all.items[k]) && plan_uses_only(side, all.items[k])) FN_TRY(push_back(ctx, &own, all.items[k]));
        if (!own.count) return FN_OK;
        FN_TRY(plan_join_and(ctx, own.items, own.count, &parts[i]));
    }
    return expr_call(ctx, "or", parts, e->arg_count, out);
}

/* The inputs below INNER and CROSS joins. */
static fn_status add_implied(fn_ctx *ctx, const plan *p, const expr *e, branch *out)
{
    const bool inner = p->kind == PLAN_JOIN && (p->join.kind == PLAN_JOIN_INNER || p->join.kind == PLAN_JOIN_CROSS);
    if (inner) {
        FN_TRY(add_implied(ctx, p->inputs[0], e, out));
        return add_implied(ctx, p->inputs[1], e, out);
    }
    expr *own;
    if (plan_uses_only(p, e)) return FN_OK;
    FN_TRY(implied(ctx, e, p, &own));
    return own && !contains(out, own) ? push_back(ctx, out, own) : FN_OK;
}

fn_status rule_or_factor(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_or_factor(ctx, q, &n->inputs[i]));
    if (n->kind != PLAN_FILTER) return FN_OK;
    branch parts = {0}, out = {0};
    FN_TRY(plan_split_and(ctx, n->filter.condition, &parts.items, &parts.count));
    for (uint32_t i = 0; i < parts.count; i++) {
        expr *e = parts.items[i], *rest = e;
        if (plan_is_call(e, "or") && expr_is_deterministic(e)) FN_TRY(factor(ctx, e, &out, &rest));
        if (!rest) continue;
        FN_TRY(push_back(ctx, &out, rest));
        if (plan_is_call(rest, "or") && expr_is_deterministic(rest) && n->inputs[0]->kind == PLAN_JOIN) FN_TRY(add_implied(ctx, n->inputs[0], rest, &out));
    }
    return plan_join_and(ctx, out.items, out.count, &n->filter.condition);
}
