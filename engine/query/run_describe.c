/* run_describe.c - DESCRIBE of tables, table functions and queries; EXISTS. SPDX-License-Identifier: Apache-2.0 */
#include "query/materialized.h"
#include "query/result.h"
#include "query/table_function.h"

static const result_field fields[] = {
    {"name", "String"},    {"type", "String"},  {"default_type", "String"}, {"default_expression", "String"}, {"comment", "String"},
    {"codec_expression", "String"}, {"ttl_expression", "String"},
};

static bool is_on(const query *q, const char *setting)
{
    fn_str value;
    fn_ctx own = {.arena = q->ctx->arena};
    return settings_get(&own, &q->settings, fn_cstr(setting), &value) == FN_OK && fn_str_eq(value, FN_STR("1"));
}

static uint32_t field_count(const query *q)
{
    return is_on(q, "describe_compact_output") ? 2 : (uint32_t)FN_COUNT(fields);
}

static fn_status add_column(result_rows *r, const table_column *c)
{
    static const char *const kinds[] = {"", "DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL"}; /* table_default_kind */
    const fn_str values[] = {c->name, fn_cstr(c->type->name), fn_cstr(kinds[c->default_kind]), c->default_sql, c->comment, c->codec, c->ttl};
    for (uint32_t i = 0; i < r->schema.count; i++) FN_TRY(result_rows_text(r, i, values[i]));
    return FN_OK;
}

static fn_status describe_table(query *q, const ast_statement *s, table *t)
{
    result_rows r;
    table_schema *schema = table_schema_ref(atomic_load(&t->schema));
    const bool virtuals = is_on(q, "describe_include_virtual_columns");
    fn_status status = result_rows_init(q, fields, field_count(q), &r);
    for (uint32_t i = 0; i < schema->count && status == FN_OK; i++)
        if (!schema->columns[i].is_virtual || virtuals) status = add_column(&r, &schema->columns[i]);
    table_schema_drop(schema);
    if (status == FN_OK) return result_rows_send(&r, s);
    result_rows_release(&r);
    return status;
}

static fn_status describe_query(query *q, const ast_statement *s)
{
    plan_query *bound;
    result_rows r;
    FN_TRY(plan_bind(q->ctx, &q->world.base, s->query, &bound));
    fn_status status = result_rows_init(q, fields, field_count(q), &r);
    for (uint32_t i = 0; i < bound->schema.count && status == FN_OK; i++) {
        const table_column c = {.name = bound->schema.fields[i].name, .type = bound->schema.fields[i].type};
        status = add_column(&r, &c);
    }
    plan_query_release(bound);
    if (status == FN_OK) return result_rows_send(&r, s);
    result_rows_release(&r);
    return status;
}

/* view(SELECT ...) is the query itself. */
static bool is_view_call(const ast_expr *call)
{
    return fn_str_eq(call->text, FN_STR("view")) && call->args.count == 1 && call->args.items[0]->kind == AST_SUBQUERY;
}

fn_status run_describe(query *q, const ast_statement *s)
{
    table *t;
    if (is_on(q, "describe_include_subcolumns")) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "describe_include_subcolumns is not supported");
    if (s->query) return describe_query(q, s);
    if (s->function && is_view_call(s->function)) {
        ast_statement inner = *s;
        inner.query = s->function->args.items[0]->subquery;
        return describe_query(q, &inner);
    }
    if (s->function) {
        FN_TRY(table_function_make(q, s->function, &t));
    } else {
        fn_str database, name;
        FN_TRY(query_name(q, &s->name, &database, &name));
        FN_TRY(world_table(q, database, name, &t));
    }
    const fn_status status = describe_table(q, s, t);
    table_drop(t);
    return status;
}

fn_status run_exists(query *q, const ast_statement *s)
{
    fn_str database, name;
    table *t = NULL;
    FN_TRY(query_name(q, &s->name, &database, &name));
    if (s->what == 'd') {
        const bool found = world_check_database(q, database) == FN_OK;
        fn_error_clear(q->ctx);
        return result_one_flag(q, s, "result", found);
    }
    if (s->temporary) return result_one_flag(q, s, "result", session_table_find(q->session, name) != NULL);
    if (world_table(q, database, name, &t) != FN_OK) fn_error_clear(q->ctx);
    const bool found = t && (s->what == 't' || (s->what == 'v' && (t->is_view || materialized_is(t))));
    table_drop(t);
    return result_one_flag(q, s, "result", found);
}
