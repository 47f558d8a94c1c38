/* op_set_op.c - INTERSECT and EXCEPT. The right side's rows are counted per value; the left side streams past: each row takes one
 * from its value's count, INTERSECT gives the rows that found some, EXCEPT the others (so ALL keeps multiplicities). Of the
 * DISTINCT forms only EXCEPT needs more: a value the right side has at all is never given; DISTINCT itself is the node above.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/key_counter.h"

typedef struct op_count_rows {
    op head;
    key_counter counter;
} op_count_rows;

static fn_status count_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    (void)worker;
    return key_counter_count(ctx, &((op_count_rows *)self)->counter, in->columns, in->rows, COUNT_NUMBER, NULL);
}

static void count_close(op *self)
{
    key_counter_release(&((op_count_rows *)self)->counter);
}

static const op_class class_count = {.name = "SetOpRight", .size = sizeof(op_count_rows), .push = count_push, .close = count_close};

typedef struct op_set_op {
    op head;
    op_count_rows *right;
} op_set_op;

static fn_status set_op_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_set_op *o = (op_set_op *)self;
    const bool except = self->node->set_op.except;
    uint64_t *found = fn_arena_alloc(ctx, ctx->arena, ((size_t)in->rows + 1) * sizeof *found);
    uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)in->rows + FN_BUFFER_PAD);
    if (!found || !mask) return ctx->error.code;
    FN_TRY(key_counter_count(ctx, &o->right->counter, in->columns, in->rows, except && self->node->set_op.distinct ? COUNT_LOOK : COUNT_TAKE, found));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < in->rows; i++) {
        mask[i] = (found[i] != 0) != except;
        kept += mask[i];
    }
    if (!kept) return FN_OK;
    fn_block *out = fn_block_filter(ctx, in, mask, kept);
    FN_TRY_PTR(ctx, out);
    const fn_status status = op_emit(self, ctx, worker, out);
    fn_block_drop(out);
    return status;
}

static const op_class class_set_op = {.name = "SetOp", .size = sizeof(op_set_op), .push = set_op_push};

fn_status op_build_set_op(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    pipeline *right;
    const plan *counted = node->inputs[1];
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, counted->column_count + 1);
    FN_TRY_PTR(ctx, types);
    FN_ASSERT(node->input_count == 2);
    for (uint32_t i = 0; i < counted->column_count; i++) types[i] = counted->columns[i].type;
    FN_TRY(pipeline_new(ctx, e, &right));
    FN_TRY(exec_build(ctx, e, counted, right));
    FN_TRY(op_new(ctx, e, &class_count, node, &made));
    op_count_rows *sink = (op_count_rows *)made;
    FN_TRY(key_counter_init(ctx, &sink->counter, types, counted->column_count));
    pipeline_end(right, made);
    FN_TRY(exec_build(ctx, e, node->inputs[0], p));
    FN_TRY(op_new(ctx, e, &class_set_op, node, &made));
    ((op_set_op *)made)->right = sink;
    pipeline_append(p, made);
    return FN_OK;
}
