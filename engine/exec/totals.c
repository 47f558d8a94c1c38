/* totals.c - the WITH TOTALS row on its way up: projections compute on it, everything that only picks or orders rows lets
 * it pass.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"

static fn_status project_totals(fn_ctx *ctx, const plan *node, fn_block **row)
{
    expr_program *program;
    expr **values = FN_NEW_ARRAY(ctx, expr *, node->column_count + 1);
    FN_TRY_PTR(ctx, values);
    for (uint32_t i = 0; i < node->column_count; i++) values[i] = node->project.items[i].value;
    FN_TRY(exec_compile(ctx, node->inputs[0], values, node->column_count, &program));
    fn_block *out = fn_block_new(ctx, node->column_count, 1);
    FN_TRY_PTR(ctx, out);
    const fn_status status = expr_run(ctx, program, *row, out->columns);
    if (status != FN_OK) {
        fn_block_drop(out);
        return status;
    }
    fn_block_drop(*row);
    *row = out;
    return FN_OK;
}

fn_status run_totals(fn_ctx *ctx, exec *e, const plan *node, fn_block **out)
{
    *out = NULL;
    switch (node->kind) {
    case PLAN_AGGREGATE: return e->totals && e->totals->node == node ? op_aggregate_totals(e->totals, ctx, out) : FN_OK;
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_LIMIT_BY:
    case PLAN_DISTINCT:
    case PLAN_FILL: return run_totals(ctx, e, node->inputs[0], out);
    case PLAN_PROJECT: {
        FN_TRY(run_totals(ctx, e, node->inputs[0], out));
        if (!*out) return FN_OK;
        const fn_status status = project_totals(ctx, node, out);
        if (status == FN_OK) return FN_OK;
        fn_block_drop(*out);
        *out = NULL;
        return status;
    }
    case PLAN_SCAN:
    case PLAN_VALUES:
    case PLAN_NUMBERS:
    case PLAN_JOIN:
    case PLAN_UNION:
    case PLAN_SET_OP:
    case PLAN_WINDOW:
    case PLAN_ARRAY_JOIN:
    case PLAN_SHARED: return FN_OK;
    }
    FN_IMPOSSIBLE("plan kind");
}
