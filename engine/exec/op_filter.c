/* op_filter.c - WHERE and HAVING: keeps the rows whose condition is true. Streaming; keeps the order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

typedef struct op_filter {
    op head;
    expr_program *condition;
} op_filter;

static fn_status filter_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)in->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    uint32_t kept = 0;
    FN_TRY(expr_run_mask(ctx, ((op_filter *)self)->condition, in, mask, &kept));
    if (kept == 0) return FN_OK;
    if (kept == in->rows) return op_emit(self, ctx, worker, in);
    fn_block *out = fn_block_filter(ctx, in, mask, kept);
    FN_TRY_PTR(ctx, out);
    const fn_status status = op_emit(self, ctx, worker, out);
    fn_block_drop(out);
    return status;
}

static const op_class class_filter = {.name = "Filter", .size = sizeof(op_filter), .push = filter_push};

fn_status op_build_filter(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *o;
    expr *condition = node->filter.condition;
    FN_TRY(exec_build(ctx, e, node->inputs[0], p));
    if (e->totals && e->totals->node == node->inputs[0]) FN_TRY(op_aggregate_having(e->totals, ctx, condition));
    FN_TRY(op_new(ctx, e, &class_filter, node, &o));
    FN_TRY(exec_compile(ctx, node->inputs[0], &condition, 1, &((op_filter *)o)->condition));
    pipeline_append(p, o);
    return FN_OK;
}
