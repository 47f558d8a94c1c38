/* rule_key_codes.c - an aggregate that counts the rows of each value of one column, or lists the values, would rather have the column's numbers as
 * dictionary codes (exec/aggregate_coded.c): it tells the scan. Only filters and projections that hand the column on may stand between.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

/* The value whose rows are counted, or whose different values are; NULL: something else is asked for. */
static const expr *counted(const plan *n)
{
    const plan_aggregate_item *item = n->aggregate.item_count ? &n->aggregate.items[0] : NULL;
    if (n->aggregate.grouping_sets || n->aggregate.item_count > 1 || (item && (item->distinct || item->call->nested))) return NULL;
    if (n->aggregate.key_count == 0) return item && strcmp(item->call->def->name, "uniqExact") == 0 && item->arg_count == 1 ? item->args[0] : NULL;
    if (n->aggregate.key_count != 1 || (item && (strcmp(item->call->def->name, "count") != 0 || item->arg_count))) return NULL;
    return n->aggregate.keys[0].value;
}

fn_status rule_key_codes(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_key_codes(ctx, q, &n->inputs[i]));
    const expr *key = n->kind == PLAN_AGGREGATE ? counted(n) : NULL;
    uint32_t place;
    plan *scan = key && key->type->phys != FN_PHYS_STRING ? plan_scan_of(n->inputs[0], key, &place) : NULL;
    if (!scan) return FN_OK;
    if (!scan->scan.codes) scan->scan.codes = FN_NEW_ARRAY(ctx, bool, scan->column_count);
    FN_TRY_PTR(ctx, scan->scan.codes);
    scan->scan.codes[place] = true;
    return FN_OK;
}
