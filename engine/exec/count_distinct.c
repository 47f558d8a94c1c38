/* count_distinct.c - uniqExact(x) without GROUP BY, run as the number of groups of GROUP BY x: that is parallel to the end and
 * keeps each value once, where a single state would be one large set. NULLs are dropped before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

bool aggregate_is_count_distinct(const plan *node)
{
    if (node->aggregate.key_count || node->aggregate.item_count != 1 || node->aggregate.totals || node->aggregate.grouping_sets) return false;
    const plan_aggregate_item *item = &node->aggregate.items[0];
    const agg_call *base = item->call;
    if (base->nested) { /* only the null rule may stand around it */
        if (strcmp(base->def->name, "Null") != 0 || base->nested->nested) return false;
        base = base->nested;
    }
    return strcmp(base->def->name, "uniqExact") == 0 && item->arg_count == 1 && !item->distinct;
}

static plan *node_over(fn_ctx *ctx, plan_kind kind, plan *input)
{
    plan *p = FN_NEW(ctx, plan);
    plan **inputs = FN_NEW_ARRAY(ctx, plan *, 1);
    if (!p || !inputs) return NULL;
    *p = (plan){.kind = kind, .columns = input->columns, .column_count = input->column_count, .inputs = inputs, .input_count = 1};
    inputs[0] = input;
    return p;
}

fn_status op_build_count_distinct(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    plan *input = node->inputs[0];
    expr *value = node->aggregate.items[0].args[0];
    if (fn_type_is_nullable(value->type)) {
        plan *filter = node_over(ctx, PLAN_FILTER, input);
        FN_TRY_PTR(ctx, filter);
        FN_TRY(expr_call(ctx, "isNotNull", &value, 1, &filter->filter.condition));
        input = filter;
    }
    plan *groups = node_over(ctx, PLAN_AGGREGATE, input), *count = node_over(ctx, PLAN_AGGREGATE, input);
    plan_item *key = FN_NEW(ctx, plan_item);
    plan_column *column = FN_NEW(ctx, plan_column);
    plan_aggregate_item *item = FN_NEW(ctx, plan_aggregate_item);
    agg_call *call;
    if (!groups || !count || !key || !column || !item) return ctx->error.code;
    *key = (plan_item){.value = value};
    column->type = value->type;
    groups->columns = column;
    groups->column_count = 0; /* their number is all that is asked for */
    groups->aggregate.keys = key;
    groups->aggregate.key_count = 1;
    FN_TRY(agg_bind(ctx, FN_STR("count"), NULL, 0, NULL, 0, &call));
    *item = (plan_aggregate_item){.id = node->columns[0].id, .call = call};
    count->inputs[0] = groups;
    count->columns = node->columns;
    count->column_count = node->column_count;
    count->aggregate.items = item;
    count->aggregate.item_count = 1;
    return exec_build(ctx, e, count, p);
}
