/* view_function.c - table functions that are views made for one statement: v(a = 1) with the parameters of a view filled in, and
 * merge(database, 'pattern') as UNION ALL over the tables whose names match. SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/table_function.h"
#include "sql/lex.h"
#include <firn/type.h>

static fn_status make_view(query *q, fn_str database, fn_str name, fn_str sql, table_schema *schema_take, table **out)
{
    table head = {.database = database, .name = name, .uuid = "00000000-0000-0000-0000-000000000000", .create_sql = sql, .engine_full = FN_STR("View"), .is_view = true, .is_temporary = true};
    atomic_store(&head.schema, schema_take);
    const fn_status status = view_table_new(q->ctx, &head, out);
    if (status != FN_OK) table_schema_drop(schema_take);
    return status;
}

static fn_status empty_schema(fn_ctx *ctx, table_schema **out)
{
    const fn_schema none = {NULL, 0};
    return table_schema_make(ctx, &none, out);
}

/* ---- v(a = 1) ---- */
/* The value given for a parameter, as SQL: CAST('1' AS UInt8). */
static fn_status put_value(query *q, const ast_expr *call, fn_str name, fn_str type, fn_buf *out)
{
    for (uint32_t i = 0; i < call->args.count; i++) {
        const ast_expr *a = call->args.items[i];
        if (a->kind != AST_FUNCTION || !fn_str_eq(a->text, FN_STR("equals")) || a->args.count != 2 || a->args.items[0]->kind != AST_IDENTIFIER ||
            !fn_str_eq(a->args.items[0]->parts[0], name))
            continue;
        expr *value;
        fn_buf text = FN_BUF_INIT;
        fn_text_options options;
        fn_text_options_default(&options);
        FN_TRY(plan_bind_expr(q->ctx, &q->world.base, a->args.items[1], NULL, &value));
        if (value->kind != EXPR_CONST) return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "The value of parameter " FN_STR_FMT " is not a constant", FN_STR_ARG(name));
        if (fn_column_is_null(value->constant, 0)) return fn_buf_printf(q->ctx, out, "CAST(NULL AS " FN_STR_FMT ")", FN_STR_ARG(type));
        fn_status status = fn_text_write(q->ctx, value->constant, 0, FN_TEXT_PLAIN, &options, &text);
        const bool identifier = fn_str_eq(type, FN_STR("Identifier"));
        if (status == FN_OK && !identifier) status = fn_buf_cstr(q->ctx, out, "CAST(");
        if (status == FN_OK) status = identifier ? sql_quote_identifier(q->ctx, fn_buf_view(&text), out) : sql_quote_string(q->ctx, fn_buf_view(&text), out);
        if (status == FN_OK && !identifier) status = fn_buf_printf(q->ctx, out, " AS " FN_STR_FMT ")", FN_STR_ARG(type));
        fn_buf_release(&text);
        return status;
    }
    if (fn_str_starts(type, FN_STR("Nullable("))) return fn_buf_printf(q->ctx, out, "CAST(NULL AS " FN_STR_FMT ")", FN_STR_ARG(type));
    return fn_fail(q->ctx, FN_UNKNOWN_QUERY_PARAMETER, "Substitution `" FN_STR_FMT "` is not set", FN_STR_ARG(name));
}

/* Every {name:Type} of the text becomes its value. */
static fn_status substitute(query *q, const ast_expr *call, fn_str sql, fn_buf *out)
{
    sql_token token = {.kind = TOKEN_END};
    size_t copied = 0;
    for (size_t at = 0; at < sql.size; at = token.end) {
        const sql_token before = token;
        token = sql_lex(sql, sql.size, at, &before);
        if (token.kind == TOKEN_END || token.kind == TOKEN_BAD) break;
        if (token.kind != TOKEN_SYMBOL || token.symbol != SQL_SYMBOL1('{')) continue;
        const char *open = sql.data + token.end, *close = memchr(open, '}', sql.size - token.end), *colon = close ? memchr(open, ':', (size_t)(close - open)) : NULL;
        if (!colon) continue;
        FN_TRY(fn_buf_append(q->ctx, out, sql.data + copied, token.begin - copied));
        FN_TRY(put_value(q, call, fn_str_trim((fn_str){open, (size_t)(colon - open)}), fn_str_trim((fn_str){colon + 1, (size_t)(close - colon - 1)}), out));
        token.end = copied = (size_t)(close + 1 - sql.data);
    }
    return fn_buf_append(q->ctx, out, sql.data + copied, sql.size - copied);
}

fn_status view_function_make(query *q, const ast_expr *call, table **out)
{
    table *view;
    fn_str sql;
    fn_buf text = FN_BUF_INIT;
    *out = NULL;
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_entry *e = catalog_names_table(names, q->database, call->text);
    view = e && e->table->is_view ? table_ref(e->table) : NULL;
    catalog_names_drop(names);
    if (!view) return FN_OK;
    table_schema *schema;
    fn_status status = definition_text(q->ctx, q->engine, view, &sql);
    if (status == FN_OK) status = substitute(q, call, sql, &text);
    if (status == FN_OK) status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&text), &sql);
    fn_buf_release(&text);
    table_drop(view);
    FN_TRY(status);
    FN_TRY(empty_schema(q->ctx, &schema));
    return make_view(q, q->database, call->text, sql, schema, out);
}

/* ---- merge(database, 'pattern') ---- */
/* Of both tables: the same columns with the same types. */
static bool same_columns(const table_schema *a, const table_schema *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->count; i++) n += !b->columns[i].is_virtual;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->columns[i].is_virtual) continue;
        const int at = table_schema_find(b, a->columns[i].name);
        if (at < 0 || b->columns[at].type != a->columns[i].type) return false;
        n--;
    }
    return n == 0;
}

static fn_status put_select(fn_ctx *ctx, const table_schema *columns, fn_str database, fn_str name, fn_buf *out)
{
    FN_TRY(fn_buf_cstr(ctx, out, "SELECT "));
    for (uint32_t i = 0; i < columns->count; i++) {
        if (columns->columns[i].is_virtual || columns->columns[i].default_kind == DEFAULT_EPHEMERAL) continue;
        FN_TRY(sql_quote_identifier(ctx, columns->columns[i].name, out));
        FN_TRY(fn_buf_cstr(ctx, out, ", "));
    }
    FN_TRY(sql_quote_string(ctx, database, out));
    FN_TRY(fn_buf_cstr(ctx, out, " AS _database, "));
    FN_TRY(sql_quote_string(ctx, name, out));
    FN_TRY(fn_buf_cstr(ctx, out, " AS _table FROM "));
    FN_TRY(sql_quote_identifier(ctx, database, out));
    FN_TRY(fn_buf_cstr(ctx, out, "."));
    return sql_quote_identifier(ctx, name, out);
}

static fn_status union_of(query *q, const catalog_database *d, fn_str pattern, fn_buf *out, table_schema **columns)
{
    for (uint32_t i = 0; i < d->count; i++) {
        const catalog_entry *e = &d->entries[i];
        bool match;
        if (fn_str_starts(e->name, FN_STR("."))) continue;
        FN_TRY(query_name_matches(q->ctx, e->name, pattern, &match));
        if (!match) continue;
        table_schema *own = table_schema_ref(atomic_load(&e->table->schema));
        fn_status status = *columns ? fn_buf_cstr(q->ctx, out, " UNION ALL ") : FN_OK;
        if (status == FN_OK && *columns && !same_columns(*columns, own))
            status = fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Table function merge over tables with different columns is not supported (" FN_STR_FMT ")", FN_STR_ARG(e->name));
        if (!*columns) *columns = table_schema_ref(own);
        if (status == FN_OK) status = put_select(q->ctx, *columns, d->name, e->name, out);
        table_schema_drop(own);
        FN_TRY(status);
    }
    return FN_OK;
}

fn_status table_function_merge(const table_call *call, table **out)
{
    query *q = call->query;
    fn_str database = q->database, pattern, sql;
    table_schema *columns = NULL;
    fn_buf text = FN_BUF_INIT;
    const ast_expr *first = call->ast->args.items[0];
    if (first->kind == AST_FUNCTION && fn_str_eq_nocase(first->text, FN_STR("REGEXP"))) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Table function merge over databases by pattern is not supported");
    if (call_count(call) > 1) FN_TRY(call_text(call, 0, &database));
    FN_TRY(call_text(call, call_count(call) - 1, &pattern));
    FN_TRY(world_check_database(q, database));
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_database *d = catalog_names_database(names, database);
    fn_status status = fn_buf_cstr(q->ctx, &text, "CREATE VIEW merge AS ");
    if (status == FN_OK && d) status = union_of(q, d, pattern, &text, &columns);
    catalog_names_drop(names);
    if (status == FN_OK && !columns)
        status = fn_fail(q->ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "There are no tables satisfied provided regexp, you must specify table structure");
    if (status == FN_OK) status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&text), &sql);
    fn_buf_release(&text);
    if (status == FN_OK) return make_view(q, database, FN_STR("merge"), sql, columns, out);
    if (columns) table_schema_drop(columns);
    return status;
}
