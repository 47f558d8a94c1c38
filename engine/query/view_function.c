/* view_function.c - v(a = 1): a view called with its parameters filled in, as a view made for one statement.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
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
/* BAD_QUERY_PARAMETER unless the text is a value of the type. */
static fn_status check_value(fn_ctx *ctx, fn_str text, fn_str name, fn_str type_name)
{
    const fn_type *type;
    fn_column *value = NULL;
    FN_TRY(fn_type_parse(ctx, type_name, &type));
    if (fn_type_is_nullable(type) || !fn_type_can_be_nullable(type)) return FN_OK; /* the conversion itself will tell */
    fn_column *given = fn_column_const_str(ctx, fn_type_simple(FN_T_STRING), text, 1);
    FN_TRY_PTR(ctx, given);
    fn_status status = expr_convert(ctx, given, fn_type_nullable(type), CONVERT_OR_NULL, &value);
    if (status == FN_OK && fn_column_is_null(value, 0))
        status = fn_fail(ctx, FN_BAD_QUERY_PARAMETER, "Value " FN_STR_FMT " cannot be parsed as %s for query parameter '" FN_STR_FMT "' because it isn't parsed completely",
                         FN_STR_ARG(text), type->name, FN_STR_ARG(name));
    fn_column_drop(value);
    fn_column_drop(given);
    return status;
}

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
        if (status == FN_OK && !identifier) status = check_value(q->ctx, fn_buf_view(&text), name, type);
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
