/* world.c - what the binder asks: tables by name, table functions, views, parameters (plan_world).
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"
#include "query/definition.h"
#include "query/facade.h"
#include "query/information_schema.h"
#include "query/materialized.h"
#include "query/table_function.h"

/* Databases whose tables engine/system makes. */
static bool is_virtual(fn_str database)
{
    return fn_str_eq(database, FN_STR("system")) || information_schema_is(database);
}

fn_status world_check_database(query *q, fn_str database)
{
    if (is_virtual(database)) return FN_OK;
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const bool found = catalog_names_database(names, database) != NULL;
    catalog_names_drop(names);
    return found ? FN_OK : fn_fail(q->ctx, FN_UNKNOWN_DATABASE, "Database " FN_STR_FMT " does not exist", FN_STR_ARG(database));
}

/* system.numbers and its like are the table functions without arguments. */
static fn_status generator_table(query *q, fn_str name, table **out)
{
    static const char *const names[] = {"numbers", "numbers_mt", "zeros", "zeros_mt"};
    for (size_t i = 0; i < FN_COUNT(names); i++) {
        if (!fn_str_eq(name, fn_cstr(names[i]))) continue;
        const ast_expr call = {.kind = AST_FUNCTION, .text = fn_cstr(names[i])};
        return table_function_make(q, &call, out);
    }
    return FN_OK;
}

fn_status world_stored_table(query *q, fn_str database, fn_str name, table **out)
{
    if (!database.size) database = q->database;
    if (fn_str_eq(database, FN_STR("system"))) {
        FN_TRY(system_table_find(q->ctx, &q->system.base, name, out));
        if (!*out) FN_TRY(generator_table(q, name, out));
        if (*out) return FN_OK;
    }
    if (information_schema_is(database)) {
        FN_TRY(information_schema_table(q, database, name, out));
        if (*out) return FN_OK;
    }
    catalog_names *now = q->insert_names ? NULL : catalog_names_get(q->engine->catalog);
    const catalog_entry *e = catalog_names_table(now ? now : q->insert_names, database, name);
    *out = e ? table_ref(e->table) : NULL;
    catalog_names_drop(now);
    if (*out) return FN_OK;
    FN_TRY(world_check_database(q, database));
    return fn_fail(q->ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT "." FN_STR_FMT " does not exist", FN_STR_ARG(database), FN_STR_ARG(name));
}

fn_status world_table(query *q, fn_str database, fn_str name, table **out)
{
    table *t = database.size ? NULL : session_table_find(q->session, name);
    for (const session_table *e = database.size ? NULL : q->externals; e; e = e->next)
        if (fn_str_eq(e->table->name, name)) t = e->table;
    if (!t) return world_stored_table(q, database, name, out);
    *out = table_ref(t);
    return FN_OK;
}

fn_status query_claim(query *q, fn_str database, fn_str name, const table *t, table_claim **out)
{
    if (out) *out = NULL;
    if (t->is_temporary) return FN_OK;
    table_claim *c = FN_NEW(q->ctx, table_claim);
    FN_TRY_PTR(q->ctx, c);
    *c = (table_claim){.table = t, .next = q->ctx->claims};
    FN_TRY(fn_arena_str(q->ctx, q->ctx->arena, database.size ? database : q->database, &c->database));
    FN_TRY(fn_arena_str(q->ctx, q->ctx->arena, name, &c->name));
    q->ctx->claims = c;
    if (out) *out = c;
    return FN_OK;
}

fn_status query_claim_table(query *q, fn_str database, fn_str name, table **out, table_claim **claim)
{
    FN_TRY(world_table(q, database, name, out));
    const fn_status status = query_claim(q, database, name, *out, claim);
    if (status != FN_OK) table_drop(*out);
    return status;
}

bool query_begins_again(query *q, fn_status status)
{
    q->ctx->claims = NULL;
    if (status != FN_TABLE_UUID_MISMATCH) return false;
    fn_error_clear(q->ctx);
    return true;
}

fn_status world_parameter(query *q, fn_str name, fn_str *out)
{
    const fn_pair *const lists[] = {q->request->params, q->session->params};
    const size_t counts[] = {q->request->param_count, q->session->param_count};
    for (size_t l = 0; l < FN_COUNT(lists); l++) {
        for (size_t i = 0; i < counts[l]; i++) {
            if (!fn_str_eq(lists[l][i].name, name)) continue;
            *out = lists[l][i].value;
            return FN_OK;
        }
    }
    return fn_fail(q->ctx, FN_UNKNOWN_QUERY_PARAMETER, "Substitution `" FN_STR_FMT "` is not set", FN_STR_ARG(name));
}

/* A name that is a parameter, or the name written. */
static fn_status resolve_name(query *q, const ast_expr *param, fn_str written, fn_str *out)
{
    if (!param) {
        *out = written;
        return FN_OK;
    }
    fn_str value;
    FN_TRY(world_parameter(q, param->text, &value));
    *out = value;
    return FN_OK;
}

fn_status query_name(query *q, const ast_name *name, fn_str *database, fn_str *table_name)
{
    FN_TRY(resolve_name(q, name->database_param, name->database, database));
    return resolve_name(q, name->table_param, name->table, table_name);
}

fn_status query_name_matches(fn_ctx *ctx, fn_str name, fn_str pattern, bool *out)
{
    expr *args[2], *found;
    args[0] = expr_const(ctx, fn_column_const_str(ctx, fn_type_simple(FN_T_STRING), name, 1));
    args[1] = expr_const(ctx, fn_column_const_str(ctx, fn_type_simple(FN_T_STRING), pattern, 1));
    if (!args[0] || !args[1]) return ctx->error.code;
    FN_TRY(expr_call(ctx, "match", args, 2, &found));
    *out = found->kind == EXPR_CONST && fn_column_u64_at(found->constant, 0) != 0;
    return FN_OK;
}

static query *query_of(plan_world *w)
{
    return ((query_world *)w)->query;
}

static fn_status find_table(plan_world *w, fn_ctx *ctx, fn_str database, fn_str name, table **out)
{
    query *q = query_of(w);
    const fn_str where = database.size ? database : q->database;
    (void)ctx;
    if (q->inserted_rows && fn_str_eq(where, q->source_database) && fn_str_eq(name, q->source_name)) {
        *out = table_ref(q->inserted_rows);
        return FN_OK;
    }
    FN_TRY(world_table(q, database, name, out));
    FN_TRY(materialized_resolve(q, out));
    return facade_source(q, out);
}

static uint64_t moment(plan_world *w)
{
    const query *q = query_of(w);
    return q->insert_names ? 0 : catalog_moment(q->engine->catalog);
}

static fn_status make_table(plan_world *w, fn_ctx *ctx, const ast_expr *call, table **out)
{
    (void)ctx;
    return table_function_make(query_of(w), call, out);
}

static fn_status view_query(plan_world *w, fn_ctx *ctx, table *t, ast_query **out)
{
    *out = NULL;
    if (!t->is_view) return FN_OK;
    if (!t->is_temporary && atomic_load(&t->schema)->count == 0) /* a view with parameters, named without them */
        return fn_fail(ctx, FN_EMPTY_LIST_OF_COLUMNS_QUERIED, "Empty list of columns in projection: view " FN_STR_FMT " has parameters", FN_STR_ARG(t->name));
    ast_statement *s;
    fn_str sql;
    FN_TRY(definition_text(ctx, query_of(w)->engine, t, &sql));
    FN_TRY(sql_parse(ctx, sql, &s));
    *out = s->create->as_select;
    return FN_OK;
}

static fn_status parameter(plan_world *w, fn_ctx *ctx, fn_str name, fn_str *out)
{
    (void)ctx;
    return world_parameter(query_of(w), name, out);
}

fn_status world_init(query *q)
{
    const char *database = fn_arena_copy(q->ctx, q->ctx->arena, q->database.data, q->database.size);
    FN_TRY_PTR(q->ctx, database);
    q->world = (query_world){.base = {find_table, make_table, view_query, parameter, database, moment}, .query = q};
    return FN_OK;
}
