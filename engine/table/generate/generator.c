/* generator.c - snapshot and scan of computed tables. See generator.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/generate/generator.h"

typedef struct generator_scan {
    table_scan base;
    generator *table;
    uint64_t rows; /* after the reader's limit */
    uint32_t column_count;
    uint32_t *columns;
    _Atomic uint64_t next_row;
} generator_scan;

static fn_status generator_snapshot(table *t, fn_ctx *ctx, table_snapshot **out)
{
    (void)ctx;
    *out = (table_snapshot *)table_ref(t);
    return FN_OK;
}

static void generator_snapshot_drop(table_snapshot *s)
{
    table_drop((table *)s);
}

static fn_status generator_next(table_scan *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    generator_scan *s = (generator_scan *)self;
    const generator *g = s->table;
    (void)worker;
    *out = NULL;
    const uint64_t first = atomic_fetch_add_explicit(&s->next_row, g->block_rows, memory_order_relaxed);
    if (first >= s->rows) return FN_OK;
    const uint32_t rows = (uint32_t)FN_MIN((uint64_t)g->block_rows, s->rows - first);
    fn_block *b = fn_block_new(ctx, s->column_count, rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0; i < s->column_count; i++) {
        const fn_status status = g->column(g, ctx, s->columns[i], first, rows, &b->columns[i]);
        if (status != FN_OK) {
            fn_block_drop(b);
            return status;
        }
    }
    atomic_fetch_add_explicit(&self->rows_read, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&self->bytes_read, fn_block_bytes(b), memory_order_relaxed);
    *out = b;
    return FN_OK;
}

static void generator_scan_close(table_scan *self)
{
    generator_scan *s = (generator_scan *)self;
    table_drop(&s->table->base);
    fn_free(s);
}

static fn_status generator_scan_begin(table_snapshot *snapshot, fn_ctx *ctx, const table_scan_request *request, table_scan **out)
{
    generator *g = (generator *)snapshot;
    generator_scan *s = fn_alloc_zero(ctx, sizeof *s + request->column_count * sizeof *s->columns);
    FN_TRY_PTR(ctx, s);
    s->columns = (uint32_t *)(s + 1);
    s->column_count = request->column_count;
    for (uint32_t i = 0; i < request->column_count; i++) s->columns[i] = request->columns[i];
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = false;
    s->rows = g->rows;
    if (request->limit && !request->conjunct_count) s->rows = FN_MIN(s->rows, request->limit);
    s->table = (generator *)table_ref(&g->base);
    s->base = (table_scan){.next = generator_next, .close = generator_scan_close, .total_rows = s->rows == UINT64_MAX ? 0 : s->rows};
    *out = &s->base;
    return FN_OK;
}

static bool generator_rows(table_snapshot *snapshot, bool final, uint64_t *out)
{
    const generator *g = (const generator *)snapshot;
    (void)final;
    *out = g->rows;
    return g->rows != UINT64_MAX;
}

static void generator_destroy(table *t)
{
    fn_free((generator *)t);
}

static const table_ops generator_ops = {
    .engine = "SystemNumbers", .snapshot = generator_snapshot, .snapshot_drop = generator_snapshot_drop, .scan = generator_scan_begin,
    .rows = generator_rows, .destroy = generator_destroy,
};
static const table_ops random_ops = {
    .engine = "GenerateRandom", .snapshot = generator_snapshot, .snapshot_drop = generator_snapshot_drop, .scan = generator_scan_begin,
    .rows = generator_rows, .destroy = generator_destroy,
};

fn_status generator_new(fn_ctx *ctx, const char *engine, const fn_schema *columns, const generator *model, table **out)
{
    generator *g = fn_alloc_zero(ctx, sizeof *g);
    FN_TRY_PTR(ctx, g);
    *g = *model;
    table_schema *schema;
    if (table_schema_make(ctx, columns, &schema) != FN_OK) {
        fn_free(g);
        return ctx->error.code;
    }
    g->base.ops = strcmp(engine, random_ops.engine) == 0 ? &random_ops : &generator_ops;
    g->base.name = g->base.engine_full = fn_cstr(engine);
    g->base.in_order = true;
    atomic_store(&g->base.schema, schema);
    atomic_store(&g->base.refs, 1);
    *out = &g->base;
    return FN_OK;
}
