/* rule_push_limit.c - nodes below a LIMIT without ORDER BY get to know how many rows are enough: scans, DISTINCT, aggregations by keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

static uint64_t rows_of(const plan *p)
{
    const bool plain = p->limit.limit != UINT64_MAX && !p->limit.negative_limit && !p->limit.negative_offset && p->limit.limit_fraction == 0 &&
                       p->limit.offset_fraction == 0 && !p->limit.with_ties && p->limit.limit <= UINT64_MAX - p->limit.offset;
    return plain ? p->limit.limit + p->limit.offset : 0;
}

static void tell(plan *p, uint64_t rows)
{
    switch (p->kind) {
    case PLAN_PROJECT: tell(p->inputs[0], rows); return;
    case PLAN_UNION:
        for (uint32_t i = 0; i < p->input_count; i++) tell(p->inputs[i], rows);
        return;
    case PLAN_SCAN:
        if (!p->scan.conjunct_count && (!p->scan.limit || rows < p->scan.limit)) p->scan.limit = rows;
        return;
    case PLAN_DISTINCT: p->distinct.limit = rows; return;
    case PLAN_AGGREGATE:
        if (p->aggregate.key_count && !p->aggregate.grouping_set_count && !p->aggregate.totals) p->aggregate.limit = rows;
        return;
    case PLAN_VALUES:
    case PLAN_NUMBERS:
    case PLAN_FILTER:
    case PLAN_JOIN:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_LIMIT_BY:
    case PLAN_SET_OP:
    case PLAN_WINDOW:
    case PLAN_ARRAY_JOIN:
    case PLAN_FILL:
    case PLAN_SHARED: return;
    }
}

fn_status rule_push_limit(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    const uint64_t rows = n->kind == PLAN_LIMIT ? rows_of(n) : 0;
    if (rows) tell(n->inputs[0], rows);
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_push_limit(ctx, q, &n->inputs[i]));
    return FN_OK;
}
