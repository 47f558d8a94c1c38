/* explain.h - a plan as text, with choices. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PLAN_EXPLAIN_H
#define FIRN_PLAN_EXPLAIN_H
#include "plan/plan.h"

typedef struct plan_explain_options {
    bool indexes; /* below each scan of a MergeTree table: what its indexes leave of the granules */
} plan_explain_options;
fn_status plan_explain_with(fn_ctx *ctx, const plan_query *q, const plan_explain_options *options, fn_buf *out) FN_MUST_USE;
#endif
