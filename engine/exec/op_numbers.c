/* op_numbers.c - numbers(): an arithmetic sequence of UInt64, cut into morsels by an atomic cursor. A source.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op.h"
#include "settings/settings.h"

typedef struct op_numbers {
    op head;
    _Atomic uint64_t cursor; /* rows handed out */
    uint32_t block_rows;
} op_numbers;

static fn_status numbers_open(op *self, fn_ctx *ctx)
{
    op_numbers *o = (op_numbers *)self;
    const uint64_t limit = settings_of(ctx)->max_block_size;
    o->block_rows = (uint32_t)FN_MIN(limit ? limit : FN_BLOCK_ROWS_MAX, (uint64_t)FN_BLOCK_ROWS_MAX);
    const uint64_t count = self->node->numbers.count;
    if (count <= o->block_rows) self->width = 1;
    if (count != UINT64_MAX) {
        atomic_fetch_add(&self->exec->env->progress->total_rows, count);
        const uint64_t limit_rows = settings_of(ctx)->max_rows_to_read;
        if (limit_rows && count > limit_rows) return exec_count_read(ctx, self->exec, count, 0);
    }
    return FN_OK;
}

static fn_status numbers_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    op_numbers *o = (op_numbers *)self;
    (void)worker;
    *out = NULL;
    const uint64_t count = self->node->numbers.count, step = self->node->numbers.step;
    uint64_t from = atomic_load_explicit(&o->cursor, memory_order_relaxed), rows;
    do {
        if (from >= count) return FN_OK;
        rows = FN_MIN(count - from, (uint64_t)o->block_rows);
    } while (!atomic_compare_exchange_weak_explicit(&o->cursor, &from, from + rows, memory_order_relaxed, memory_order_relaxed));
    FN_TRY(exec_count_read(ctx, self->exec, rows, rows * sizeof(uint64_t)));
    exec_progress_tell(self->exec->env->progress);
    fn_block *b = fn_block_new(ctx, self->node->column_count, (uint32_t)rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t c = 0; c < b->count; c++) {
        fn_buffer *values = fn_buffer_new(ctx, rows * sizeof(uint64_t));
        if (values) {
            uint64_t *to = (uint64_t *)(void *)values->data;
            const uint64_t first = self->node->numbers.start + from * step;
            for (uint64_t i = 0; i < rows; i++) to[i] = first + i * step;
            b->columns[c] = fn_column_fixed(ctx, self->node->columns[c].type, (uint32_t)rows, values, NULL);
        }
        if (!b->columns[c]) {
            fn_block_drop(b);
            return ctx->error.code;
        }
    }
    *out = b;
    return FN_OK;
}

static const op_class class_numbers = {.name = "Numbers", .size = sizeof(op_numbers), .open = numbers_open, .next = numbers_next};

fn_status op_build_numbers(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *o;
    FN_TRY(op_new(ctx, e, &class_numbers, node, &o));
    pipeline_source(p, o, false);
    return FN_OK;
}
