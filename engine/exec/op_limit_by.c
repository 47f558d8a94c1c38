/* op_limit_by.c - LIMIT n OFFSET m BY keys: the rows numbered m .. m+n-1 of each key, in the order they come. Streams; keeps one
 * count per key. SPDX-License-Identifier: Apache-2.0 */
#include "exec/key_counter.h"
#include "exec/key_set.h"

typedef struct op_limit_by {
    op head;
    key_set keys;
    key_counter counter;
} op_limit_by;

static fn_status keep_rows(op_limit_by *o, fn_ctx *ctx, unsigned worker, fn_block *in, const uint64_t *numbers)
{
    const uint64_t offset = o->head.node->limit_by.offset, limit = o->head.node->limit_by.limit;
    uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)in->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < in->rows; i++) {
        mask[i] = numbers[i] >= offset && numbers[i] - offset < limit;
        kept += mask[i];
    }
    if (!kept) return FN_OK;
    fn_block *out = fn_block_filter(ctx, in, mask, kept);
    FN_TRY_PTR(ctx, out);
    const fn_status status = op_emit(&o->head, ctx, worker, out);
    fn_block_drop(out);
    return status;
}

static fn_status limit_by_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_limit_by *o = (op_limit_by *)self;
    fn_block *wide;
    fn_column **keys = fn_arena_alloc(ctx, ctx->arena, (o->keys.key_count + 1) * sizeof *keys);
    uint64_t *numbers = fn_arena_alloc(ctx, ctx->arena, ((size_t)in->rows + 1) * sizeof *numbers);
    if (!keys || !numbers) return ctx->error.code;
    FN_TRY(key_set_widen(ctx, &o->keys, in, &wide));
    for (uint32_t i = 0; i < o->keys.key_count; i++) keys[i] = wide->columns[o->keys.places[i]];
    fn_status status = key_counter_count(ctx, &o->counter, keys, in->rows, COUNT_NUMBER, numbers);
    fn_block_drop(wide);
    if (status == FN_OK) status = keep_rows(o, ctx, worker, in, numbers);
    return status;
}

static void limit_by_close(op *self)
{
    key_counter_release(&((op_limit_by *)self)->counter);
}

static const op_class class_limit_by = {.name = "LimitBy", .size = sizeof(op_limit_by), .push = limit_by_push, .close = limit_by_close};

fn_status op_build_limit_by(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    const uint32_t count = node->limit_by.key_count;
    FN_TRY(exec_build(ctx, e, node->inputs[0], p));
    FN_TRY(op_new(ctx, e, &class_limit_by, node, &made));
    op_limit_by *o = (op_limit_by *)made;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, count + 1);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < count; i++) types[i] = node->limit_by.keys[i]->type;
    FN_TRY(key_set_init(ctx, &o->keys, node->inputs[0], node->limit_by.keys, count));
    FN_TRY(key_counter_init(ctx, &o->counter, types, count));
    pipeline_append(p, made);
    return FN_OK;
}
