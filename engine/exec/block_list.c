/* block_list.c - lists of blocks that several workers append to, and the sink that fills one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"

void block_list_init(block_list *l)
{
    memset(l, 0, sizeof *l);
    FN_ASSERT(pthread_mutex_init(&l->lock, NULL) == 0);
}

void block_list_release(block_list *l)
{
    for (uint32_t i = 0; i < l->count; i++) fn_block_drop(l->blocks[i]);
    fn_free(l->blocks);
    l->blocks = NULL;
    l->count = l->room = 0;
    (void)pthread_mutex_destroy(&l->lock);
}

fn_status block_list_add(fn_ctx *ctx, block_list *l, const fn_block *block)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    if (l->count == l->room) {
        const uint32_t room = l->room ? l->room * 2 : 16;
        fn_block **more = fn_realloc(ctx, l->blocks, room * sizeof *more);
        if (more) {
            l->blocks = more;
            l->room = room;
        } else {
            status = ctx->error.code;
        }
    }
    if (status == FN_OK) {
        l->blocks[l->count++] = fn_block_ref(block);
        l->rows += block->rows;
    }
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    return status;
}

fn_block *block_list_next(block_list *l)
{
    const uint32_t i = atomic_fetch_add_explicit(&l->cursor, 1, memory_order_relaxed);
    return i < l->count ? fn_block_ref(l->blocks[i]) : NULL;
}

typedef struct op_collect {
    op head;
    block_list list;
    uint64_t rows_enough;
    _Atomic uint64_t rows;
} op_collect;

static fn_status collect_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_collect *o = (op_collect *)self;
    (void)worker;
    FN_TRY(block_list_add(ctx, &o->list, in));
    const uint64_t rows = atomic_fetch_add_explicit(&o->rows, in->rows, memory_order_relaxed) + in->rows;
    if (o->rows_enough && rows >= o->rows_enough) op_enough(self);
    return FN_OK;
}

static fn_status collect_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    (void)ctx;
    (void)worker;
    *out = block_list_next(&((op_collect *)self)->list);
    return FN_OK;
}

static void collect_close(op *self)
{
    block_list_release(&((op_collect *)self)->list);
}

static const op_class class_collect = {
    .name = "Collect", .size = sizeof(op_collect), .push = collect_push, .next = collect_next, .close = collect_close};

fn_status op_collect_new(fn_ctx *ctx, exec *e, const plan *node, uint64_t rows_enough, op **out)
{
    FN_TRY(op_new(ctx, e, &class_collect, node, out));
    op_collect *o = (op_collect *)*out;
    block_list_init(&o->list);
    o->rows_enough = rows_enough;
    return FN_OK;
}

block_list *op_collect_list(op *collect)
{
    FN_ASSERT(collect->class == &class_collect);
    return &((op_collect *)collect)->list;
}
