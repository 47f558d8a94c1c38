/* rule_top_n.c - a SORT right below a LIMIT (projections between may stand) keeps only as many rows as the LIMIT can show.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

static bool is_plain(const plan *p)
{
    return p->limit.limit != UINT64_MAX && !p->limit.negative_limit && !p->limit.negative_offset && p->limit.limit_fraction == 0 && p->limit.offset_fraction == 0 &&
           p->limit.limit <= UINT64_MAX - p->limit.offset;
}

fn_status rule_top_n(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    if (n->kind == PLAN_LIMIT && is_plain(n)) {
        plan *below = n->inputs[0];
        while (below->kind == PLAN_PROJECT) below = below->inputs[0];
        const uint64_t rows = n->limit.limit + n->limit.offset;
        if (below->kind == PLAN_SORT && rows && (!below->sort.limit || rows < below->sort.limit)) {
            below->sort.limit = rows;
            below->sort.with_ties = n->limit.with_ties;
        }
    }
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_top_n(ctx, q, &n->inputs[i]));
    return FN_OK;
}
