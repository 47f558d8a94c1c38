/* op_shared.c - a subquery used more than once (WITH): it is run once, into blocks, by the first plan that has it; all
 * its places read these. The blocks live to the end of the statement.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"

typedef struct op_shared {
    op head;
    _Atomic uint32_t cursor;
} op_shared;

typedef struct op_share { /* the sink that fills it */
    op head;
    block_list list;
} op_share;

static fn_status shared_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    (void)ctx;
    (void)worker;
    const plan_shared *s = self->node->shared.shared;
    const uint32_t i = atomic_fetch_add_explicit(&((op_shared *)self)->cursor, 1, memory_order_relaxed);
    *out = i < s->block_count ? fn_block_ref(s->blocks[i]) : NULL;
    return FN_OK;
}

static fn_status share_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    (void)worker;
    return block_list_add(ctx, &((op_share *)self)->list, in);
}

static fn_status share_finish(op *self, fn_ctx *ctx)
{
    (void)ctx;
    block_list *l = &((op_share *)self)->list;
    plan_shared *s = self->node->shared.shared;
    s->blocks = l->blocks;
    s->block_count = l->count;
    l->blocks = NULL;
    l->count = l->room = 0;
    return FN_OK;
}

static void share_close(op *self)
{
    block_list_release(&((op_share *)self)->list);
}

static const op_class class_shared = {.name = "Shared", .size = sizeof(op_shared), .next = shared_next};
static const op_class class_share = {.name = "Share", .size = sizeof(op_share), .push = share_push, .finish = share_finish, .close = share_close};

fn_status op_build_shared(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    plan_shared *s = node->shared.shared;
    op *o;
    if (!s->done && s->step) {
        FN_TRY(run_keep_shared(ctx, e->state, s));
        FN_TRY(run_recursive(ctx, e->state, s));
    } else if (!s->done) {
        pipeline *input;
        FN_TRY(run_keep_shared(ctx, e->state, s));
        FN_TRY(pipeline_new(ctx, e, &input));
        FN_TRY(exec_build(ctx, e, s->plan, input));
        FN_TRY(op_new(ctx, e, &class_share, node, &o));
        block_list_init(&((op_share *)o)->list);
        pipeline_end(input, o);
        s->done = true;
    }
    FN_TRY(op_new(ctx, e, &class_shared, node, &o));
    pipeline_source(p, o, false);
    return FN_OK;
}
