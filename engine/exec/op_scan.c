/* op_scan.c - reads a table: opens its scan with everything known (columns, conditions, bounds from above), and drops what
 * the scan itself has not dropped. A source; in the table's order only where the scan says so.
 *
 * Conditions come over output ids of the node and go to the table over schema indexes. Those the table does not apply by
 * itself are applied here, block by block.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op.h"
#include "exec/runtime_filter.h"
#include "plan/plan_node.h"
#include "settings/settings.h"

typedef struct op_scan {
    op head;
    pipeline *pipeline;   /* that it feeds */
    table_scan *scan;
    expr_program *rest;   /* conditions left to us; NULL: none */
    bool filters_taken;   /* the table applies what joins have told */
    _Atomic uint64_t rows_told, bytes_told; /* what progress knows of scan->rows_read */
} op_scan;

static fn_status compile_rest(op_scan *o, fn_ctx *ctx, const bool *applied)
{
    const plan *n = o->head.node;
    expr *all = NULL;
    for (uint32_t i = 0; i < n->scan.conjunct_count; i++)
        if (!applied[i]) FN_TRY(expr_and(ctx, all, n->scan.conjuncts[i], &all));
    return all ? exec_compile(ctx, n, &all, 1, &o->rest) : FN_OK;
}

static fn_status scan_open(op *self, fn_ctx *ctx)
{
    op_scan *o = (op_scan *)self;
    const plan *n = self->node;
    uint32_t count = n->scan.conjunct_count, more;
    const uint32_t tests = runtime_filter_count(self->exec, n), room = count + 2 * tests + 1;
    expr **conjuncts = FN_NEW_ARRAY(ctx, expr *, room), **all = FN_NEW_ARRAY(ctx, expr *, room), **prewhere = FN_NEW_ARRAY(ctx, expr *, n->scan.prewhere_count + 1);
    bool *applied = FN_NEW_ARRAY(ctx, bool, room), *only_prunes = FN_NEW_ARRAY(ctx, bool, room);
    scan_filter **filters = FN_NEW_ARRAY(ctx, scan_filter *, tests + 1);
    if (!conjuncts || !applied || !only_prunes || !all || !prewhere || !filters) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) all[i] = n->scan.conjuncts[i];
    FN_TRY(runtime_filter_conditions(ctx, self->exec, n, all + count, only_prunes + count, &more));
    count += more;
    for (uint32_t i = 0; i < count; i++) FN_TRY(plan_scan_to_schema(ctx, n, all[i], &conjuncts[i]));
    for (uint32_t i = 0; i < n->scan.prewhere_count; i++) FN_TRY(plan_scan_to_schema(ctx, n, n->scan.prewhere[i], &prewhere[i]));
    const table_scan_request request = {.columns = n->scan.indexes,
                                        .column_count = n->column_count,
                                        .conjuncts = conjuncts,
                                        .conjunct_count = count,
                                        .only_prunes = only_prunes,
                                        .filters = filters,
                                        .filter_count = runtime_filter_tests(self->exec, n, filters),
                                        .filters_taken = &o->filters_taken,
                                        .applied = applied,
                                        .final = n->scan.final,
                                        .prewhere = prewhere,
                                        .prewhere_count = n->scan.prewhere_count,
                                        .codes = n->scan.codes,
                                        .sample = n->scan.sample,
                                        .sample_offset = n->scan.sample_offset,
                                        .limit = n->scan.limit,
                                        .threshold = n->scan.top_n ? &n->scan.top_n->threshold : NULL,
                                        .workers = self->exec->workers};
    FN_TRY(n->scan.table->ops->scan(n->scan.snapshot, ctx, &request, &o->scan));
    const uint64_t rows = o->scan->total_rows, limit = settings_of(ctx)->max_rows_to_read;
    if (rows && rows <= FN_BLOCK_ROWS_MAX) self->width = 1;
    atomic_fetch_add_explicit(&self->exec->env->progress->total_rows, rows, memory_order_relaxed);
    if (limit && rows > limit) FN_TRY(exec_count_read(ctx, self->exec, rows, 0));
    return compile_rest(o, ctx, applied);
}

static fn_status tell_progress(op_scan *o, fn_ctx *ctx)
{
    const uint64_t rows = atomic_load_explicit(&o->scan->rows_read, memory_order_relaxed);
    const uint64_t bytes = atomic_load_explicit(&o->scan->bytes_read, memory_order_relaxed);
    const uint64_t old_rows = atomic_exchange_explicit(&o->rows_told, rows, memory_order_relaxed);
    const uint64_t old_bytes = atomic_exchange_explicit(&o->bytes_told, bytes, memory_order_relaxed);
    FN_TRY(exec_count_read(ctx, o->head.exec, rows - old_rows, bytes - old_bytes)); /* differences may be "negative": they add up */
    exec_progress_tell(o->head.exec->env->progress);
    return FN_OK;
}

/* Replaces *block by its rows that pass the conditions left; NULL when there are none. */
static fn_status filter_rest(op_scan *o, fn_ctx *ctx, fn_block **block)
{
    fn_block *in = *block;
    uint32_t kept = 0;
    uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)in->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    FN_TRY(expr_run_mask(ctx, o->rest, in, mask, &kept));
    if (kept == in->rows) return FN_OK;
    *block = NULL;
    fn_block *out = kept ? fn_block_filter(ctx, in, mask, kept) : NULL;
    fn_block_drop(in);
    if (kept) FN_TRY_PTR(ctx, out);
    *block = out;
    return FN_OK;
}

static fn_status scan_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    op_scan *o = (op_scan *)self;
    for (;;) {
        fn_block *b = NULL;
        *out = NULL;
        if (pipeline_is_done(o->pipeline)) return FN_OK;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(o->scan->next(o->scan, ctx, worker, &b));
        fn_status status = tell_progress(o, ctx);
        if (!b || status != FN_OK) {
            fn_block_drop(b);
            return status;
        }
        if (b->rows && o->rest) status = filter_rest(o, ctx, &b);
        if (status == FN_OK && b && self->exec->filters && !o->filters_taken) status = runtime_filter_apply(ctx, self->exec, self->node, &b);
        if (status == FN_OK && b && b->rows) {
            *out = b;
            return FN_OK;
        }
        fn_block_drop(b);
        FN_TRY(status);
    }
}

static void scan_close(op *self)
{
    op_scan *o = (op_scan *)self;
    if (o->scan) o->scan->close(o->scan);
}

static const op_class class_scan = {.name = "Scan", .size = sizeof(op_scan), .open = scan_open, .next = scan_next, .close = scan_close};

fn_status op_build_scan(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *o;
    FN_TRY(op_new(ctx, e, &class_scan, node, &o));
    ((op_scan *)o)->pipeline = p;
    pipeline_source(p, o, false);
    return FN_OK;
}
