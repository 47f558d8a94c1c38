/* rule_threshold.c - a top-N whose leading key is a column of a table shares its moving bound with the scan: granules (and rows) that
 * cannot be among the first N any more are not read. Only filters and projections that hand the column on may stand between.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

plan *plan_scan_of(plan *n, const expr *key, uint32_t *place)
{
    while (key->kind == EXPR_COLUMN) {
        const column_id id = key->column;
        if (n->kind == PLAN_SCAN) {
            for (uint32_t i = 0; i < n->column_count; i++) {
                if (n->columns[i].id != id) continue;
                *place = i;
                return n;
            }
            return NULL;
        }
        if (n->kind != PLAN_FILTER && n->kind != PLAN_PROJECT) return NULL;
        for (uint32_t i = 0; n->kind == PLAN_PROJECT && i < n->column_count; i++)
            if (n->project.items[i].id == id) key = n->project.items[i].value;
        n = n->inputs[0];
    }
    return NULL;
}

fn_status rule_threshold(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_threshold(ctx, q, &n->inputs[i]));
    if (n->kind != PLAN_SORT || n->sort.limit == 0 || n->sort.key_count == 0 || n->sort.keys[0].collate.size) return FN_OK;
    uint32_t place;
    plan *scan = plan_scan_of(n->inputs[0], n->sort.keys[0].value, &place);
    if (!scan || scan->scan.top_n) return FN_OK;
    scan->scan.top_n = FN_NEW(ctx, plan_top_n);
    FN_TRY_PTR(ctx, scan->scan.top_n);
    scan->scan.top_n->threshold = (scan_threshold){.column = scan->scan.indexes[place], .descending = n->sort.keys[0].descending, .nulls_first = n->sort.keys[0].nulls_first};
    return FN_OK;
}
