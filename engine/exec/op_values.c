/* op_values.c - constant rows: SELECT without FROM, values(), external tables. A source; keeps the order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op.h"

typedef struct op_values {
    op head;
    _Atomic uint32_t cursor;
} op_values;

static fn_status values_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    (void)ctx;
    (void)worker;
    const uint32_t i = atomic_fetch_add_explicit(&((op_values *)self)->cursor, 1, memory_order_relaxed);
    *out = i < self->node->values.block_count ? fn_block_ref(self->node->values.blocks[i]) : NULL;
    return FN_OK;
}

static const op_class class_values = {.name = "Values", .size = sizeof(op_values), .next = values_next};

fn_status op_build_values(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    enum { PARALLEL_FROM = 8 }; /* blocks; below that one worker is as fast */
    op *o;
    FN_TRY(op_new(ctx, e, &class_values, node, &o));
    pipeline_source(p, o, node->values.block_count < PARALLEL_FROM);
    return FN_OK;
}
