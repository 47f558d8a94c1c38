/* op_project.c - computes the outputs of a node from its input, block by block. Streaming; keeps the order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op.h"

typedef struct op_project {
    op head;
    expr_program *program;
} op_project;

static fn_status project_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    fn_block *out = fn_block_new(ctx, self->node->column_count, in->rows);
    FN_TRY_PTR(ctx, out);
    fn_status status = expr_run(ctx, ((op_project *)self)->program, in, out->columns);
    if (status == FN_OK) status = op_emit(self, ctx, worker, out);
    fn_block_drop(out);
    return status;
}

static const op_class class_project = {.name = "Project", .size = sizeof(op_project), .push = project_push};

fn_status op_build_project(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *o;
    expr **values = FN_NEW_ARRAY(ctx, expr *, node->column_count + 1);
    FN_TRY_PTR(ctx, values);
    for (uint32_t i = 0; i < node->column_count; i++) values[i] = node->project.items[i].value;
    FN_TRY(exec_build(ctx, e, node->inputs[0], p));
    FN_TRY(op_new(ctx, e, &class_project, node, &o));
    FN_TRY(exec_compile(ctx, node->inputs[0], values, node->column_count, &((op_project *)o)->program));
    pipeline_append(p, o);
    return FN_OK;
}
