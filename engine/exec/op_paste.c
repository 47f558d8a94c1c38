/* op_paste.c - PASTE JOIN: row i of the left side beside row i of the right one, as many as the shorter has. Both sides are read by
 * one worker, in their order; the right one is kept. SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_join.h"

typedef struct op_paste {
    op head;
    op_join_build *build; /* without keys: only its store is used */
    join_output *outputs;
    uint32_t at;
} op_paste;

static fn_status paste_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_paste *o = (op_paste *)self;
    const row_store *store = &o->build->store;
    const uint32_t rows = FN_MIN(in->rows, store->rows - o->at), columns = self->node->column_count;
    uint32_t *ids = fn_arena_alloc(ctx, ctx->arena, ((size_t)rows + 1) * sizeof *ids);
    FN_TRY_PTR(ctx, ids);
    for (uint32_t i = 0; i < rows; i++) ids[i] = o->at + i;
    o->at += rows;
    if (o->at == store->rows) op_enough(self);
    if (!rows) return FN_OK;
    fn_block *out = fn_block_new(ctx, columns, rows);
    FN_TRY_PTR(ctx, out);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < columns && status == FN_OK; i++) {
        const join_output *from = &o->outputs[i];
        fn_column *c = from->side == JOIN_PROBE ? fn_column_slice(ctx, in->columns[from->index], 0, rows) : row_store_take(ctx, store, from->index, ids, rows);
        out->columns[i] = join_retype(ctx, c, from->type);
        if (!out->columns[i]) status = ctx->error.code;
    }
    if (status == FN_OK) status = op_emit(self, ctx, worker, out);
    fn_block_drop(out);
    return status;
}

static const op_class class_paste = {.name = "PasteJoin", .size = sizeof(op_paste), .push = paste_push};

fn_status op_build_paste(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    op_join_build *build;
    FN_TRY(op_join_build_new(ctx, e, node, 1, (join_role){.pairs = true}, &build));
    build->head.pipeline->serial = true;
    FN_TRY(exec_build(ctx, e, node->inputs[0], p));
    p->serial = true;
    FN_TRY(op_new(ctx, e, &class_paste, node, &made));
    op_paste *o = (op_paste *)made;
    o->build = build;
    FN_TRY(join_outputs(ctx, node, 1, &o->outputs));
    pipeline_append(p, made);
    return FN_OK;
}
