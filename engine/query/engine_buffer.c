/* engine_buffer.c - ENGINE = Buffer(database, table, ...): what is inserted goes to the destination at once, in the statement that inserts it,
 * and is as durable as there; the limits for flushing are kept in the definition and have nothing to flush. Reading is reading the
 * destination: columns that it lacks have their defaults, other types are converted. SPDX-License-Identifier: Apache-2.0 */
#include "query/engine_columns.h"
#include "query/facade.h"

static fn_str argument(const ast_engine *e, uint32_t i)
{
    const ast_expr *a = e->args.items[i];
    return a->kind == AST_LITERAL && a->literal_kind == LITERAL_STRING ? a->text : (fn_str){NULL, 0};
}

static fn_status check(query *q, const ast_engine *e)
{
    for (uint32_t i = 2; i < e->args.count; i++) {
        const ast_expr *a = e->args.items[i];
        if (a->kind != AST_LITERAL || a->literal_kind != LITERAL_UINT) return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Argument %u of storage Buffer must be a number", i + 1);
    }
    if (argument(e, 1).size) return FN_OK;
    return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "A Buffer without a destination is not supported: rows go to the destination at once");
}

static fn_status destination(const facade_use *use, table **out)
{
    const ast_engine *e = &use->create->engine;
    const fn_str database = argument(e, 0), name = argument(e, 1);
    if (fn_str_eq(database, use->table->database) && fn_str_eq(name, use->table->name))
        return fn_fail(use->ctx, FN_INFINITE_LOOP, "Destination table is myself. Will write data to itself and read from itself");
    return world_stored_table(use->query, database.size ? database : use->table->database, name, out);
}

static fn_status source(const facade_use *use, table **out)
{
    const ast_engine *e = &use->create->engine;
    table *to;
    fn_buf text = FN_BUF_INIT;
    fn_str sql;
    table_schema *columns = NULL, *theirs;
    FN_TRY(destination(use, &to));
    theirs = table_schema_ref(atomic_load(&to->schema));
    const bool own = use->create->column_count > 0;
    fn_status status = own ? engine_columns_of(use->ctx, use->create, &columns) : FN_OK;
    if (status == FN_OK && !own) columns = table_schema_ref(theirs);
    if (status == FN_OK) status = fn_buf_cstr(use->ctx, &text, "CREATE VIEW buffer AS SELECT ");
    if (status == FN_OK) status = engine_columns_select(use->ctx, columns, theirs, &text);
    if (status == FN_OK) status = engine_columns_from(use->ctx, argument(e, 0).size ? argument(e, 0) : use->table->database, argument(e, 1), &text);
    if (status == FN_OK) status = fn_arena_str(use->ctx, use->ctx->arena, fn_buf_view(&text), &sql);
    fn_buf_release(&text);
    table_schema_drop(theirs);
    table_drop(to);
    if (status == FN_OK) return facade_view(use->query, use->table->database, "Buffer", sql, columns, out);
    table_schema_drop(columns);
    return status;
}

/* The Buffer's columns that the destination has. */
static fn_status shared_columns(const facade_use *use, const table *to, const ast_list **columns)
{
    const table_schema *s = atomic_load(&to->schema);
    const ast_create *c = use->create;
    ast_list *list = FN_NEW(use->ctx, ast_list);
    ast_expr *nodes = FN_NEW_ARRAY(use->ctx, ast_expr, FN_MAX(c->column_count, 1u));
    FN_TRY_PTR(use->ctx, list);
    FN_TRY_PTR(use->ctx, nodes);
    *list = (ast_list){FN_NEW_ARRAY(use->ctx, ast_expr *, FN_MAX(c->column_count, 1u)), 0};
    FN_TRY_PTR(use->ctx, list->items);
    for (uint32_t i = 0; i < c->column_count; i++) {
        const int at = table_schema_find(s, c->columns[i].name);
        if (at < 0 || !table_column_is_stored(&s->columns[at])) {
            return fn_fail(use->ctx, FN_NOT_IMPLEMENTED, "Column " FN_STR_FMT " of Buffer table " FN_STR_FMT " is not in its destination: inserting into it is not supported",
                           FN_STR_ARG(c->columns[i].name), FN_STR_ARG(use->table->name));
        }
        nodes[i] = (ast_expr){.kind = AST_IDENTIFIER, .parts = &c->columns[i].name, .part_count = 1};
        list->items[list->count++] = &nodes[i];
    }
    *columns = list;
    return FN_OK;
}

static fn_status target(const facade_use *use, const ast_list **columns, table **out)
{
    FN_TRY(destination(use, out));
    if (*columns && (*columns)->count) return FN_OK;
    const fn_status status = shared_columns(use, *out, columns);
    if (status != FN_OK) table_drop(*out);
    return status;
}

const facade_engine facade_buffer = {
    .name = "Buffer", .args_min = 9, .args_max = 12, .check = check, .source = source, .target = target, .alters = true, .optimizes = true,
    .arguments = "requires from 9 to 12 parameters: destination_database, destination_table, num_buckets, min_time, max_time, min_rows, max_rows, "
                 "min_bytes, max_bytes[, flush_time, flush_rows, flush_bytes]",
};
