/* null_table.c - ENGINE = Null: rows go nowhere. Useful behind materialized views and for measuring reads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/memory/memory_table.h"

typedef struct null_table {
    table base;
    fn_arena *arena;
} null_table;

static fn_status null_snapshot(table *t, fn_ctx *ctx, table_snapshot **out)
{
    (void)ctx;
    *out = (table_snapshot *)table_ref(t);
    return FN_OK;
}

static void null_snapshot_drop(table_snapshot *s)
{
    table_drop((table *)s);
}

static fn_status null_next(table_scan *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    (void)self, (void)ctx, (void)worker;
    *out = NULL;
    return FN_OK;
}

static void null_scan_close(table_scan *self)
{
    fn_free(self);
}

static fn_status null_scan(table_snapshot *s, fn_ctx *ctx, const table_scan_request *request, table_scan **out)
{
    (void)s;
    table_scan *scan = fn_alloc_zero(ctx, sizeof *scan);
    FN_TRY_PTR(ctx, scan);
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = true;
    scan->next = null_next;
    scan->close = null_scan_close;
    *out = scan;
    return FN_OK;
}

static bool null_rows(table_snapshot *s, bool final, uint64_t *out)
{
    (void)s, (void)final;
    *out = 0;
    return true;
}

static fn_status null_write(table_writer *self, fn_ctx *ctx, const fn_block *block)
{
    (void)self, (void)ctx, (void)block;
    return FN_OK;
}

static fn_status null_commit(table_writer *self, fn_ctx *ctx)
{
    (void)self, (void)ctx;
    return FN_OK;
}

static void null_writer_close(table_writer *self)
{
    fn_free(self);
}

static fn_status null_writer(table *t, fn_ctx *ctx, table_writer **out)
{
    (void)t;
    table_writer *w = fn_alloc_zero(ctx, sizeof *w);
    FN_TRY_PTR(ctx, w);
    *w = (table_writer){.write = null_write, .commit = null_commit, .close = null_writer_close};
    *out = w;
    return FN_OK;
}

static fn_status null_truncate(table *t, fn_ctx *ctx)
{
    (void)t, (void)ctx;
    return FN_OK;
}

static void null_destroy(table *t)
{
    null_table *n = (null_table *)t;
    fn_arena_free(n->arena);
    fn_free(n);
}

static const table_ops null_ops = {
    .engine = "Null", .snapshot = null_snapshot, .snapshot_drop = null_snapshot_drop, .scan = null_scan, .rows = null_rows,
    .write = null_writer, .truncate = null_truncate, .destroy = null_destroy,
};

fn_status null_table_new(fn_ctx *ctx, const table *head, table **out)
{
    fn_arena *arena = fn_arena_new(&(fn_ctx){0});
    null_table *n = fn_alloc_zero(ctx, sizeof *n);
    if (!arena || !n || table_head_copy(ctx, arena, head, &n->base) != FN_OK) {
        fn_arena_free(arena);
        fn_free(n);
        return ctx->error.code ? ctx->error.code : fn_fail_memory(ctx, sizeof *n);
    }
    n->arena = arena;
    n->base.ops = &null_ops;
    *out = &n->base;
    return FN_OK;
}
