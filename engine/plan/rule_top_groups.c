/* rule_top_groups.c - GROUP BY ... ORDER BY <aggregate> LIMIT n: the aggregate is told, so that only groups that may be among the
 * first n are given out, their keys made into values and sorted. Only projections that hand the column on may stand between.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

static void tell(const plan *sort)
{
    const expr *key = sort->sort.keys[0].value;
    plan *n = sort->inputs[0];
    for (; n->kind == PLAN_PROJECT && key->kind == EXPR_COLUMN; n = n->inputs[0]) {
        uint32_t i = 0;
        while (i < n->column_count && n->project.items[i].id != key->column) i++;
        if (i == n->column_count) return;
        key = n->project.items[i].value;
    }
    if (n->kind != PLAN_AGGREGATE || key->kind != EXPR_COLUMN || n->aggregate.totals || n->aggregate.grouping_sets || n->aggregate.limit) return;
    n->aggregate.top = (plan_top_groups){
        .rows = sort->sort.limit, .id = key->column, .descending = sort->sort.keys[0].descending, .only_key = sort->sort.key_count == 1 && !sort->sort.with_ties};
}

fn_status rule_top_groups(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_top_groups(ctx, q, &n->inputs[i]));
    if (n->kind == PLAN_SORT && n->sort.limit && n->sort.key_count) tell(n);
    return FN_OK;
}
