/* op_union.c - UNION ALL: the inputs one after another.
 *
 * Each input is a pipeline of its own that ends in a junction; the junction hands blocks on to what follows it in the
 * consumer's pipeline, so nothing is kept. The consumer's pipeline runs last, with an empty source, and drains.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op.h"

typedef struct op_junction {
    op head;
    op *out; /* the source of the consumer's pipeline */
} op_junction;

static fn_status junction_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    return op_emit(((op_junction *)self)->out, ctx, worker, in);
}

static fn_status union_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    (void)self;
    (void)ctx;
    (void)worker;
    *out = NULL;
    return FN_OK;
}

static const op_class class_junction = {.name = "Union", .size = sizeof(op_junction), .push = junction_push};
static const op_class class_union = {.name = "Union", .size = sizeof(op), .next = union_next};

fn_status op_build_union(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *source;
    FN_TRY(op_new(ctx, e, &class_union, node, &source));
    for (uint32_t i = 0; i < node->input_count; i++) {
        pipeline *input;
        op *junction;
        FN_TRY(pipeline_new(ctx, e, &input));
        FN_TRY(exec_build(ctx, e, node->inputs[i], input));
        FN_TRY(op_new(ctx, e, &class_junction, node, &junction));
        ((op_junction *)junction)->out = source;
        input->into = p;
        pipeline_end(input, junction);
    }
    pipeline_source(p, source, false);
    return FN_OK;
}
