/* plan/rule.h - rewrite rules: one per file rule_<name>.c, run in the order of rule_list.c over the whole tree.
 * A rule may change nodes in place. It must keep the node's outputs (ids and types) as they are for whoever reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PLAN_RULE_H
#define FIRN_PLAN_RULE_H
#include "plan/plan_node.h"

/* Settings that forbid some scans (check_scan.c). TOO_MANY_COLUMNS (161), INDEX_NOT_USED (277). */
fn_status plan_check_scans(fn_ctx *ctx, const plan_query *q) FN_MUST_USE;
typedef fn_status rule_fn(fn_ctx *ctx, plan_query *q, plan **p);
rule_fn rule_fold_filter, rule_push_filter, rule_prune_columns, rule_top_n, rule_push_limit, rule_or_factor, rule_or_in, rule_sum_constant, rule_metadata, rule_join_order, rule_threshold, rule_top_groups, rule_weighted_groups, rule_projection, rule_projection_aggregate, rule_key_codes;
/* The scan below n, through filters and projections, whose column columns[*place] `key` is; NULL: it is none. */
plan *plan_scan_of(plan *n, const expr *key, uint32_t *place);
#endif
