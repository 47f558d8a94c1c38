/* rule_list.c - the rules in their order. Cells' plans (subqueries that run first) are optimised like the statement's own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/rule.h"

static const struct {
    const char *name;
    rule_fn *run;
} rules[] = {
    {"fold filter", rule_fold_filter},     /* constants first: a false filter empties its input before work is done on it */
    {"push filter", rule_push_filter},     /* conjuncts down to scans and join sides; equalities over CROSS joins become keys on the way */
    {"top n", rule_top_n},                 /* SORT below LIMIT knows how many rows are wanted */
    {"push limit", rule_push_limit},
    {"prune columns", rule_prune_columns}, /* last: other rules change what is read */
};

static fn_status run_rules(fn_ctx *ctx, plan_query *q, plan **p)
{
    for (size_t i = 0; i < FN_COUNT(rules); i++) FN_TRY(rules[i].run(ctx, q, p));
    return FN_OK;
}

fn_status plan_optimize(fn_ctx *ctx, plan_query *q)
{
    for (uint32_t i = 0; i < q->cell_count; i++)
        if (q->cells[i]->plan) FN_TRY(run_rules(ctx, q, &q->cells[i]->plan));
    return run_rules(ctx, q, &q->root);
}
