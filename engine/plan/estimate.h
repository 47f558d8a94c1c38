/* plan/estimate.h - how many rows a plan may give: from the tables' own numbers and rules of thumb. Used to order joins; never for results.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PLAN_ESTIMATE_H
#define FIRN_PLAN_ESTIMATE_H
#include "plan/plan_node.h"

double plan_estimate(plan *p);                       /* rows; sets rows_estimate of the node and of those below */
double plan_distinct(const plan *p, const expr *key); /* distinct values of an expression over p's outputs; <= rows */
#endif
