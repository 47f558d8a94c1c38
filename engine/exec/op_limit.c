/* op_limit.c - LIMIT and OFFSET, from the front, from the back (negative), as fractions, WITH TIES.
 *
 * The plain form streams: an atomic position says which rows of a block are inside, and the pipeline is told when no more
 * are needed. WITH TIES also streams, in the one worker of an ordered pipeline. Negative counts and fractions need the
 * number of rows, so they keep all blocks and cut afterwards. Keeps the order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"
#include <math.h>

typedef struct op_limit {
    op head;
    uint64_t from, to;        /* rows [from, to) of the input are given */
    _Atomic uint64_t position;
    bool counts;              /* is the one that knows rows_before_limit */
    expr_program *ties;
    uint32_t tie_count;
    fn_column **last;         /* streaming: keys of the last row inside, 1 row each; NULL before it */
    /* the form that keeps everything */
    block_list list;
    bool keeps;
    uint32_t next_block;
    uint64_t next_row;        /* of the first row of next_block */
} op_limit;

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static fn_status emit_range(op *self, fn_ctx *ctx, unsigned worker, fn_block *in, uint64_t from, uint64_t to)
{
    if (from >= to) return FN_OK;
    if (from == 0 && to == in->rows) return op_emit(self, ctx, worker, in);
    fn_block *cut = fn_block_slice(ctx, in, from, (uint32_t)(to - from));
    FN_TRY_PTR(ctx, cut);
    const fn_status status = op_emit(self, ctx, worker, cut);
    fn_block_drop(cut);
    return status;
}

static fn_status plain_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_limit *o = (op_limit *)self;
    const uint64_t at = atomic_fetch_add_explicit(&o->position, in->rows, memory_order_relaxed);
    if (o->counts) exec_rows_before_limit(self->exec, in->rows);
    if (add_capped(at, in->rows) >= o->to) op_enough(self);
    if (at >= o->to) return FN_OK;
    return emit_range(self, ctx, worker, in, o->from > at ? FN_MIN(o->from - at, (uint64_t)in->rows) : 0, FN_MIN(o->to - at, (uint64_t)in->rows));
}

static fn_status tie_keys(op_limit *o, fn_ctx *ctx, const fn_block *in, fn_column ***out)
{
    *out = fn_arena_alloc_zero(ctx, ctx->arena, (o->tie_count + 1) * sizeof **out);
    FN_TRY_PTR(ctx, *out);
    return expr_run(ctx, o->ties, in, *out);
}

static void drop_keys(op_limit *o, fn_column **keys)
{
    for (uint32_t k = 0; k < o->tie_count; k++) fn_column_drop(keys[k]);
}

static bool same_keys(const op_limit *o, fn_column *const *a, size_t row_a, fn_column *const *b, size_t row_b)
{
    for (uint32_t k = 0; k < o->tie_count; k++)
        if (!fn_column_equal_at(a[k], row_a, b[k], row_b)) return false;
    return true;
}

/* Rows of this block that are inside, the ties of row to-1 included. */
static fn_status ties_end(op_limit *o, fn_ctx *ctx, const fn_block *in, uint64_t at, uint32_t *end)
{
    fn_column **keys;
    *end = (uint32_t)FN_MIN(o->to > at ? o->to - at : 0, (uint64_t)in->rows);
    if (*end == in->rows && at + in->rows < o->to) return FN_OK;
    FN_TRY(tie_keys(o, ctx, in, &keys));
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < o->tie_count && *end && !o->last[k] && status == FN_OK; k++) {
        o->last[k] = fn_column_repeat(ctx, keys[k], *end - 1, 1);
        if (!o->last[k]) status = ctx->error.code;
    }
    while (status == FN_OK && *end < in->rows && same_keys(o, o->last, 0, keys, *end)) ++*end;
    drop_keys(o, keys);
    return status;
}

static fn_status ties_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_limit *o = (op_limit *)self;
    const uint64_t at = atomic_fetch_add_explicit(&o->position, in->rows, memory_order_relaxed);
    uint32_t end = 0;
    if (o->counts) exec_rows_before_limit(self->exec, in->rows);
    if (o->to > o->from) FN_TRY(ties_end(o, ctx, in, at, &end));
    if (end < in->rows) op_enough(self);
    return emit_range(self, ctx, worker, in, o->from > at ? FN_MIN(o->from - at, (uint64_t)end) : 0, end);
}

/* ---- the form that keeps everything ---- */

static fn_status keep_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_limit *o = (op_limit *)self;
    (void)worker;
    if (o->counts) exec_rows_before_limit(self->exec, in->rows);
    return block_list_add(ctx, &o->list, in);
}

/* Moves an edge of the range over rows that tie with the row at `edge` (inside the range): forwards or backwards. */
static fn_status move_edge(op_limit *o, fn_ctx *ctx, uint64_t edge, bool forwards, uint64_t bound, uint64_t *out)
{
    fn_column ***keys = fn_arena_alloc_zero(ctx, ctx->arena, (o->list.count + 1) * sizeof *keys);
    FN_TRY_PTR(ctx, keys);
    fn_status status = FN_OK;
    uint32_t made = 0;
    for (; made < o->list.count && status == FN_OK; made++) status = tie_keys(o, ctx, o->list.blocks[made], &keys[made]);
    if (status == FN_OK) {
        uint32_t block = 0, edge_block, edge_row;
        uint64_t row = edge;
        while (row >= o->list.blocks[block]->rows) row -= o->list.blocks[block++]->rows;
        edge_block = block;
        edge_row = (uint32_t)row;
        for (;;) {
            *out = forwards ? edge + 1 : edge;
            if (*out == bound) break;
            if (forwards && ++row == o->list.blocks[block]->rows) {
                block++;
                row = 0;
            } else if (!forwards && row-- == 0) {
                row = o->list.blocks[--block]->rows - 1;
            }
            if (!same_keys(o, keys[edge_block], edge_row, keys[block], row)) break;
            edge += forwards ? 1 : (uint64_t)-1;
        }
    } else if (made) {
        made--;
    }
    for (uint32_t i = 0; i < made; i++) drop_keys(o, keys[i]);
    return status;
}

static uint64_t share_of(double fraction, uint64_t rows)
{
    return (uint64_t)ceil(fraction * (double)rows);
}

static fn_status keep_finish(op *self, fn_ctx *ctx)
{
    op_limit *o = (op_limit *)self;
    const plan *n = self->node;
    const uint64_t rows = o->list.rows;
    const uint64_t offset = FN_MIN(n->limit.offset_fraction > 0 ? share_of(n->limit.offset_fraction, rows) : n->limit.offset, rows);
    const uint64_t limit = n->limit.limit_fraction > 0 ? share_of(n->limit.limit_fraction, rows) : n->limit.limit;
    uint64_t from = 0, to = rows;
    if (n->limit.negative_offset) to -= offset;
    else from = offset;
    const uint64_t first = from, end = to;
    if (n->limit.negative_limit) from = to - from > limit ? to - limit : from;
    else to = to - from > limit ? from + limit : to;
    self->width = 1;
    o->from = from;
    o->to = to;
    if (!n->limit.with_ties || from >= to) return FN_OK;
    return n->limit.negative_limit ? move_edge(o, ctx, from, false, first, &o->from) : move_edge(o, ctx, to - 1, true, end, &o->to);
}

static fn_status keep_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    op_limit *o = (op_limit *)self;
    (void)worker;
    *out = NULL;
    while (o->next_block < o->list.count && o->next_row < o->to) {
        const fn_block *b = o->list.blocks[o->next_block++];
        const uint64_t at = o->next_row;
        o->next_row += b->rows;
        if (o->next_row <= o->from) continue;
        const uint64_t from = o->from > at ? o->from - at : 0, to = FN_MIN(o->to - at, (uint64_t)b->rows);
        if (from >= to) continue;
        *out = fn_block_slice(ctx, b, from, (uint32_t)(to - from));
        FN_TRY_PTR(ctx, *out);
        return FN_OK;
    }
    return FN_OK;
}

static void limit_close(op *self)
{
    op_limit *o = (op_limit *)self;
    if (o->keeps) block_list_release(&o->list);
    for (uint32_t k = 0; o->last && k < o->tie_count; k++) fn_column_drop(o->last[k]);
}

static const op_class class_limit = {.name = "Limit", .size = sizeof(op_limit), .push = plain_push};
static const op_class class_ties = {.name = "LimitTies", .size = sizeof(op_limit), .push = ties_push, .close = limit_close};
static const op_class class_keep = {
    .name = "LimitKeep", .size = sizeof(op_limit), .push = keep_push, .finish = keep_finish, .next = keep_next, .close = limit_close};

/* A top-N sort below (behind projections) counts the rows itself. */
static bool input_counts(const plan *n)
{
    while (n->kind == PLAN_PROJECT) n = n->inputs[0];
    return n->kind == PLAN_SORT && n->sort.limit > 0;
}

static fn_status make(fn_ctx *ctx, exec *e, const plan *node, const op_class *class, op **out)
{
    FN_TRY(op_new(ctx, e, class, node, out));
    op_limit *o = (op_limit *)*out;
    o->from = node->limit.offset;
    o->to = add_capped(node->limit.offset, node->limit.limit);
    o->counts = !input_counts(node->inputs[0]);
    o->keeps = class == &class_keep;
    if (o->keeps) block_list_init(&o->list);
    o->tie_count = node->limit.with_ties ? node->limit.tie_count : 0;
    if (!o->tie_count) return FN_OK;
    expr **keys = FN_NEW_ARRAY(ctx, expr *, o->tie_count);
    o->last = FN_NEW_ARRAY(ctx, fn_column *, o->tie_count);
    if (!keys || !o->last) return ctx->error.code;
    for (uint32_t k = 0; k < o->tie_count; k++) keys[k] = node->limit.ties[k].value;
    return exec_compile(ctx, node->inputs[0], keys, o->tie_count, &o->ties);
}

fn_status op_build_limit(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *o;
    const bool simple = !node->limit.negative_limit && !node->limit.negative_offset && node->limit.limit_fraction <= 0 && node->limit.offset_fraction <= 0;
    if (simple) {
        FN_TRY(exec_build(ctx, e, node->inputs[0], p));
        if (node->limit.with_ties) p->serial = true;
        FN_TRY(make(ctx, e, node, node->limit.with_ties ? &class_ties : &class_limit, &o));
        pipeline_append(p, o);
        return FN_OK;
    }
    pipeline *input;
    FN_TRY(pipeline_new(ctx, e, &input));
    FN_TRY(exec_build(ctx, e, node->inputs[0], input));
    input->serial = true; /* "the last rows" means something only in the source's order */
    FN_TRY(make(ctx, e, node, &class_keep, &o));
    pipeline_end(input, o);
    pipeline_source(p, o, true);
    return FN_OK;
}
