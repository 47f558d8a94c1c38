/* op_array_join.c - ARRAY JOIN: one row per element, the other columns repeated; several arrays go in step. LEFT: an empty array
 * counts as one default element. Maps give (key, value) tuples. Streams; results are cut so that no block passes
 * FN_BLOCK_ROWS_MAX rows. SPDX-License-Identifier: Apache-2.0 */
#include "exec/op.h"

typedef struct op_array_join {
    op head;
    expr_program *program; /* the arrays */
} op_array_join;

/* A block on its way: the arrays FLAT, sizes per row. */
typedef struct unroll {
    op_array_join *o;
    fn_ctx *ctx;
    unsigned worker;
    const fn_block *in;
    fn_column **arrays;
    uint32_t *sizes;
    bool any_empty;      /* LEFT: some row of some array has no elements */
} unroll;

static uint32_t length_of(const fn_column *c, uint32_t row)
{
    return c->offsets[row + 1] - c->offsets[row];
}

/* Sizes of the rows; all arrays must agree. */
static fn_status measure(unroll *u)
{
    const plan *n = u->o->head.node;
    for (uint32_t k = 0; k < n->array_join.array_count; k++)
        for (uint32_t i = 0; i < u->in->rows; i++) {
            uint32_t size = length_of(u->arrays[k], i);
            if (n->array_join.left && !size) {
                size = 1;
                u->any_empty = true;
            }
            if (k && size != u->sizes[i]) return fn_fail(u->ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "Sizes of ARRAY-JOIN-ed arrays do not match");
            u->sizes[i] = size;
        }
    return FN_OK;
}

/* Elements of rows [from, to). With empty arrays a default stands in, taken from behind the items. */
static fn_column *elements(const unroll *u, uint32_t k, uint32_t from, uint32_t to, uint32_t count)
{
    const fn_column *array = u->arrays[k], *items = array->kids[0];
    if (!u->any_empty) return fn_column_slice(u->ctx, items, array->offsets[from], count);
    uint32_t *ids = fn_arena_alloc(u->ctx, u->ctx->arena, ((size_t)count + 1) * sizeof *ids), n = 0;
    if (!ids) return NULL;
    fn_column *parts[2], *joined = NULL, *out = NULL;
    const uint32_t first = array->offsets[from], used = array->offsets[to] - first;
    for (uint32_t row = from; row < to; row++) {
        if (!length_of(array, row)) ids[n++] = used;
        for (uint32_t at = array->offsets[row]; at < array->offsets[row + 1]; at++) ids[n++] = at - first;
    }
    parts[0] = fn_column_slice(u->ctx, items, first, used);
    parts[1] = fn_column_default(u->ctx, items->type, 1);
    if (parts[0] && parts[1]) joined = fn_column_concat(u->ctx, parts, 2);
    if (joined) out = fn_column_take(u->ctx, joined, ids, n);
    fn_column_drop(parts[0]);
    fn_column_drop(parts[1]);
    fn_column_drop(joined);
    return out;
}

/* Rows [from, to) unrolled, all of them. */
static fn_status emit_rows(const unroll *u, uint32_t from, uint32_t to, uint32_t count)
{
    const op_array_join *o = u->o;
    const plan *n = o->head.node;
    fn_ctx *ctx = u->ctx;
    uint32_t *rows = fn_arena_alloc(ctx, ctx->arena, ((size_t)count + 1) * sizeof *rows);
    FN_TRY_PTR(ctx, rows);
    for (uint32_t row = from, at = 0; row < to; row++)
        for (uint32_t j = 0; j < u->sizes[row]; j++) rows[at++] = row;
    fn_block *out = fn_block_new(ctx, u->in->count + n->array_join.array_count, count);
    FN_TRY_PTR(ctx, out);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < out->count && status == FN_OK; i++) {
        out->columns[i] = i < u->in->count ? fn_column_take(ctx, u->in->columns[i], rows, count) : elements(u, i - u->in->count, from, to, count);
        if (!out->columns[i]) status = ctx->error.code;
    }
    for (uint32_t at = 0; status == FN_OK && at < count; at += FN_BLOCK_ROWS_MAX) { /* one row may have more elements than a block */
        fn_block *part = fn_block_slice(ctx, out, at, FN_MIN(count - at, (uint32_t)FN_BLOCK_ROWS_MAX));
        status = part ? op_emit((op *)(uintptr_t)&o->head, ctx, u->worker, part) : ctx->error.code;
        fn_block_drop(part);
    }
    fn_block_drop(out);
    return status;
}

static fn_status unroll_block(unroll *u)
{
    FN_TRY(measure(u));
    uint32_t from = 0;
    uint64_t count = 0;
    for (uint32_t row = 0; row < u->in->rows; row++) {
        if (count && count + u->sizes[row] > FN_BLOCK_ROWS_MAX) {
            FN_TRY(fn_ctx_check(u->ctx));
            FN_TRY(emit_rows(u, from, row, (uint32_t)count));
            from = row;
            count = 0;
        }
        count += u->sizes[row];
    }
    return count ? emit_rows(u, from, u->in->rows, (uint32_t)count) : FN_OK;
}

static fn_status array_join_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_array_join *o = (op_array_join *)self;
    const uint32_t count = self->node->array_join.array_count;
    unroll u = {.o = o, .ctx = ctx, .worker = worker, .in = in};
    u.arrays = fn_arena_alloc_zero(ctx, ctx->arena, (count + 1) * sizeof *u.arrays);
    u.sizes = fn_arena_alloc(ctx, ctx->arena, ((size_t)in->rows + 1) * sizeof *u.sizes);
    if (!u.arrays || !u.sizes) return ctx->error.code;
    FN_TRY(expr_run(ctx, o->program, in, u.arrays));
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < count; k++) {
        fn_column *flat = status == FN_OK ? fn_column_flatten(ctx, u.arrays[k]) : NULL;
        fn_column_drop(u.arrays[k]);
        u.arrays[k] = flat;
        if (!flat) status = ctx->error.code;
    }
    if (status == FN_OK) status = unroll_block(&u);
    for (uint32_t k = 0; k < count; k++) fn_column_drop(u.arrays[k]);
    return status;
}

static const op_class class_array_join = {.name = "ArrayJoin", .size = sizeof(op_array_join), .push = array_join_push};

fn_status op_build_array_join(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    const uint32_t count = node->array_join.array_count;
    expr **arrays = FN_NEW_ARRAY(ctx, expr *, count + 1);
    FN_TRY_PTR(ctx, arrays);
    for (uint32_t k = 0; k < count; k++) {
        arrays[k] = node->array_join.arrays[k].value;
        if (arrays[k]->type->phys != FN_PHYS_ARRAY)
            return fn_fail(ctx, FN_TYPE_MISMATCH, "ARRAY JOIN requires array argument, got %s", arrays[k]->type->name);
    }
    FN_TRY(exec_build(ctx, e, node->inputs[0], p));
    FN_TRY(op_new(ctx, e, &class_array_join, node, &made));
    FN_TRY(exec_compile(ctx, node->inputs[0], arrays, count, &((op_array_join *)made)->program));
    pipeline_append(p, made);
    return FN_OK;
}
