/* view_table.c - a view seen as a table: it has columns and a text; the binder puts its query in its place.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"

typedef struct view_table {
    table base;
    fn_arena *arena;
} view_table;

static fn_status no_rows(table *t, fn_ctx *ctx, table_snapshot **out)
{
    *out = NULL;
    return fn_fail(ctx, FN_LOGICAL_ERROR, "View " FN_STR_FMT " was read as a table", FN_STR_ARG(t->name));
}

static void destroy(table *t)
{
    view_table *v = (view_table *)t;
    fn_arena_free(v->arena);
    fn_free(v);
}

static const table_ops view_ops = {.engine = "View", .snapshot = no_rows, .destroy = destroy};

fn_status view_table_new(fn_ctx *ctx, const table *head, table **out)
{
    fn_arena *arena = fn_arena_new_small(&(fn_ctx){.arena = NULL});
    view_table *v = arena ? fn_alloc_zero(ctx, sizeof *v) : NULL;
    fn_status status = v ? table_head_copy(ctx, arena, head, &v->base) : fn_fail_memory(ctx, sizeof *v);
    if (status != FN_OK) {
        fn_free(v);
        fn_arena_free(arena);
        return status;
    }
    v->arena = arena;
    v->base.ops = &view_ops;
    v->base.is_view = true;
    *out = &v->base;
    return FN_OK;
}
