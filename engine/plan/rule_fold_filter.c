/* rule_fold_filter.c - filters by constants: true ones go, a false one leaves its output without rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

static bool is_true(const expr *e)
{
    return e->kind == EXPR_CONST && !fn_column_is_null(e->constant, 0) && fn_type_base(e->type)->id != FN_T_NOTHING && fn_type_base(e->type)->width <= 8 &&
           fn_column_u64_at(e->constant, 0) != 0;
}

static fn_status no_rows(fn_ctx *ctx, const plan *like, plan **out)
{
    plan *p = plan_new(ctx, PLAN_VALUES, 0);
    FN_TRY_PTR(ctx, p);
    p->columns = like->columns;
    p->column_count = like->column_count;
    p->values.blocks = FN_NEW_ARRAY(ctx, fn_block *, 1);
    FN_TRY_PTR(ctx, p->values.blocks);
    *out = p;
    return FN_OK;
}

fn_status rule_fold_filter(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_fold_filter(ctx, q, &n->inputs[i]));
    if (n->kind != PLAN_FILTER) return FN_OK;
    expr **parts = NULL, **kept = NULL;
    uint32_t count = 0, kept_count = 0;
    FN_TRY(plan_split_and(ctx, n->filter.condition, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (is_true(parts[i])) continue;
        if (parts[i]->kind == EXPR_CONST) return no_rows(ctx, n, p);
        expr **slot = plan_grow(ctx, &kept, &kept_count, sizeof *slot);
        FN_TRY_PTR(ctx, slot);
        *slot = parts[i];
    }
    if (kept_count == count) return FN_OK;
    if (!kept_count) {
        *p = n->inputs[0];
        return FN_OK;
    }
    return plan_join_and(ctx, kept, kept_count, &n->filter.condition);
}
