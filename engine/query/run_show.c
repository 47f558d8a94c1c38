/* run_show.c - SHOW ...: most of it is a SELECT from a system table, written here as text; SHOW CREATE prints a definition.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/materialized.h"
#include "query/result.h"

typedef struct show_row {
    const char *text;       /* ast_statement.text */
    const char *select;     /* up to WHERE */
    const char *full;       /* instead of it with FULL; NULL: no difference */
    const char *database;   /* column compared with FROM's database or the current one; NULL: none */
    const char *table;      /* column compared with FROM's table; NULL: none */
    const char *name;       /* what LIKE looks at; NULL: no LIKE */
    const char *order;
} show_row;

#define COLUMNS_HEAD                                                                                                                       \
    "SELECT name AS field, type, if(startsWith(type, 'Nullable'), 'YES', 'NO') AS `null`, trim(concat(if(is_in_primary_key, 'PRI', ''), "   \
    "if(is_in_sorting_key, ' SOR', ''))) AS key, if(default_kind IN ('ALIAS', 'DEFAULT', 'MATERIALIZED'), default_expression, NULL) AS "      \
    "`default`, '' AS extra"

static const show_row rows[] = {
    {"TABLES", "SELECT name FROM system.tables", "SELECT name, engine FROM system.tables", "database", NULL, "name", "name"},
    {"DATABASES", "SELECT name FROM system.databases", NULL, NULL, NULL, "name", "name"},
    {"COLUMNS", COLUMNS_HEAD " FROM system.columns", COLUMNS_HEAD ", CAST(NULL, 'Nullable(String)') AS collation, comment, '' AS privileges FROM system.columns",
     "database", "table", "name", "field, type, `null`, key, `default`, extra"},
    {"DICTIONARIES", "SELECT name FROM system.dictionaries", NULL, "database", NULL, "name", "name"},
    {"FUNCTIONS", "SELECT * FROM system.functions", NULL, NULL, NULL, "name", "name"},
    {"SETTINGS", "SELECT name, type, value FROM system.settings", NULL, NULL, NULL, "name", "name"},
    {"ENGINES", "SELECT * FROM system.table_engines", NULL, NULL, NULL, NULL, "name"},
    {"PROCESSLIST", "SELECT * FROM system.processes", NULL, NULL, NULL, NULL, "elapsed DESC"},
    {"CLUSTERS", "SELECT DISTINCT cluster FROM system.clusters", NULL, NULL, NULL, "cluster", "cluster"},
    {"MERGES", "SELECT table, database FROM system.merges", NULL, NULL, NULL, "table", "table"},
    {"USERS", "SELECT name FROM system.users", NULL, NULL, NULL, NULL, "name"},
    {"ROLES", "SELECT name FROM system.roles", NULL, NULL, NULL, NULL, "name"},
    {"CURRENT ROLES", "SELECT role_name, with_admin_option, is_default FROM system.current_roles", NULL, NULL, NULL, NULL, "role_name"},
    {"ENABLED ROLES", "SELECT role_name, with_admin_option, is_current, is_default FROM system.enabled_roles", NULL, NULL, NULL, NULL, "role_name"},
    {"PROFILES", "SELECT name FROM system.settings_profiles", NULL, NULL, NULL, NULL, "name"},
    {"QUOTAS", "SELECT name FROM system.quotas", NULL, NULL, NULL, NULL, "name"},
    {"POLICIES", "SELECT name FROM system.row_policies", NULL, NULL, NULL, NULL, "name"},
};

static fn_status add_condition(fn_ctx *ctx, fn_buf *sql, bool *first, const char *column, const char *compare, fn_str value)
{
    FN_TRY(fn_buf_printf(ctx, sql, "%s%s %s ", *first ? " WHERE " : " AND ", column, compare));
    *first = false;
    return sql_quote_string(ctx, value, sql);
}

static fn_status write_select(query *q, const ast_statement *s, const show_row *row, fn_buf *sql)
{
    fn_ctx *ctx = q->ctx;
    fn_str database, name;
    bool first = true;
    FN_TRY(query_name(q, &s->name, &database, &name));
    if (!database.size) database = q->database;
    if (row->database && !row->table) FN_TRY(world_check_database(q, database));
    FN_TRY(fn_buf_cstr(ctx, sql, s->full && row->full ? row->full : row->select));
    if (row->database) FN_TRY(add_condition(ctx, sql, &first, row->database, "=", database));
    if (row->table) FN_TRY(add_condition(ctx, sql, &first, row->table, "=", name));
    if (s->temporary && strcmp(row->text, "SETTINGS") == 0) FN_TRY(add_condition(ctx, sql, &first, "toString(changed)", "=", FN_STR("1")));
    else if (s->temporary) FN_TRY(add_condition(ctx, sql, &first, "toString(is_temporary)", "=", FN_STR("1")));
    if (s->like.data && row->name)
        FN_TRY(add_condition(ctx, sql, &first, row->name, s->not_like ? (s->ilike ? "NOT ILIKE" : "NOT LIKE") : s->ilike ? "ILIKE" : "LIKE", s->like));
    if (s->where) {
        FN_TRY(fn_buf_cstr(ctx, sql, first ? " WHERE (" : " AND ("));
        FN_TRY(sql_print_expr(ctx, s->where, sql));
        FN_TRY(fn_buf_cstr(ctx, sql, ")"));
    }
    FN_TRY(fn_buf_printf(ctx, sql, " ORDER BY %s", row->order));
    if (!s->limit) return FN_OK;
    FN_TRY(fn_buf_cstr(ctx, sql, " LIMIT "));
    return sql_print_expr(ctx, s->limit, sql);
}

static fn_status run_as_select(query *q, const ast_statement *s, const show_row *row)
{
    fn_buf sql = FN_BUF_INIT;
    fn_str text = {NULL, 0};
    fn_status status = write_select(q, s, row, &sql);
    if (status == FN_OK) status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&sql), &text);
    fn_buf_release(&sql);
    return status == FN_OK ? query_run_text(q, s, text) : status;
}

/* ---- SHOW CREATE ---- */
static fn_status send_printed(query *q, const ast_statement *s, const ast_statement *full)
{
    fn_buf text = FN_BUF_INIT;
    fn_str shown;
    fn_status status = sql_print_statement(q->ctx, full, true, &text);
    if (status == FN_OK) status = sql_hide_secrets(q->ctx, fn_buf_view(&text), &shown);
    if (status == FN_OK) status = result_one_text(q, s, "statement", shown);
    fn_buf_release(&text);
    return status;
}

/* Tables without a statement (system tables): made up from their columns. */
static fn_status send_schema(query *q, const ast_statement *s, fn_str database, fn_str name, table *t)
{
    fn_ctx *ctx = q->ctx;
    const table_schema *schema = atomic_load(&t->schema);
    fn_buf text = FN_BUF_INIT;
    fn_status status = fn_buf_printf(ctx, &text, "CREATE TABLE %.*s.%.*s\n(", (int)database.size, database.data, (int)name.size, name.data);
    for (uint32_t i = 0; i < schema->count && status == FN_OK; i++) {
        if (schema->columns[i].is_virtual) continue;
        status = fn_buf_printf(ctx, &text, "%s\n    `" FN_STR_FMT "` %s", i ? "," : "", FN_STR_ARG(schema->columns[i].name), schema->columns[i].type->name);
    }
    if (status == FN_OK) status = fn_buf_printf(ctx, &text, "\n)\nENGINE = %s", t->ops->engine);
    if (status == FN_OK) status = result_one_text(q, s, "statement", fn_buf_view(&text));
    fn_buf_release(&text);
    return status;
}

static fn_status show_create_table(query *q, const ast_statement *s)
{
    fn_str database, name, sql;
    table *t;
    ast_statement *full;
    FN_TRY(query_name(q, &s->name, &database, &name));
    fn_status status = world_table(q, database, name, &t);
    if (!database.size) database = q->database;
    if (status == FN_UNKNOWN_TABLE) {
        fn_error_clear(q->ctx);
        return fn_fail(q->ctx, FN_CANNOT_GET_CREATE_TABLE_QUERY, "There is no metadata of table `" FN_STR_FMT "` in database `" FN_STR_FMT "`", FN_STR_ARG(name),
                       FN_STR_ARG(database));
    }
    FN_TRY(status);
    if (s->what == 'v' && !t->is_view && !materialized_is(t)) {
        status = fn_fail(q->ctx, FN_BAD_ARGUMENTS, "`" FN_STR_FMT "`.`" FN_STR_FMT "` is not a VIEW", FN_STR_ARG(database), FN_STR_ARG(name));
    } else if (s->what == 'D') {
        status = fn_fail(q->ctx, FN_BAD_ARGUMENTS, "`" FN_STR_FMT "`.`" FN_STR_FMT "` is not a DICTIONARY", FN_STR_ARG(database), FN_STR_ARG(name));
    }
    if (status == FN_OK) status = definition_text(q->ctx, q->engine, t, &sql);
    if (status == FN_OK && sql.size) {
        status = sql_parse(q->ctx, sql, &full);
        if (status == FN_OK) status = send_printed(q, s, full);
    } else if (status == FN_OK) {
        status = send_schema(q, s, database, name, t);
    }
    table_drop(t);
    return status;
}

static fn_status show_create_database(query *q, const ast_statement *s)
{
    fn_str name, ignored;
    FN_TRY(query_name(q, &s->name, &name, &ignored));
    FN_TRY(world_check_database(q, name));
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_database *d = catalog_names_database(names, name);
    fn_buf text = FN_BUF_INIT;
    fn_status status = fn_buf_cstr(q->ctx, &text, "CREATE DATABASE ");
    if (status == FN_OK) status = sql_quote_identifier(q->ctx, name, &text);
    if (status == FN_OK) status = fn_buf_printf(q->ctx, &text, "\nENGINE = %.*s", d ? (int)d->engine.size : 6, d ? d->engine.data : "Atomic");
    if (status == FN_OK && d && d->comment.size) {
        status = fn_buf_cstr(q->ctx, &text, "\nCOMMENT ");
        if (status == FN_OK) status = sql_quote_string(q->ctx, d->comment, &text);
    }
    catalog_names_drop(names);
    if (status == FN_OK) status = result_one_text(q, s, "statement", fn_buf_view(&text));
    fn_buf_release(&text);
    return status;
}

static fn_status show_setting(query *q, const ast_statement *s)
{
    fn_str value;
    FN_TRY(settings_get(q->ctx, &q->settings, s->like, &value));
    return result_one_text(q, s, "value", value);
}

/* There is one user, who may do everything. */
static fn_status show_grants(query *q, const ast_statement *s)
{
    if (s->like.size && !fn_str_eq(s->like, q->session->user))
        return fn_fail(q->ctx, FN_UNKNOWN_USER, "There is no user `" FN_STR_FMT "` in user directories", FN_STR_ARG(s->like));
    const char *text = fn_arena_printf(q->ctx, q->ctx->arena, "GRANT ALL ON *.* TO %.*s WITH GRANT OPTION", (int)q->session->user.size, q->session->user.data);
    FN_TRY_PTR(q->ctx, text);
    return result_one_text(q, s, "GRANTS", fn_cstr(text));
}

fn_status run_show(query *q, const ast_statement *s)
{
    static const struct {
        const char *text;
        run_fn *run;
    } others[] = {
        {"CREATE TABLE", show_create_table}, {"CREATE VIEW", show_create_table}, {"CREATE DICTIONARY", show_create_table},
        {"CREATE DATABASE", show_create_database}, {"SETTING", show_setting}, {"GRANTS", show_grants},
    };
    for (size_t i = 0; i < FN_COUNT(others); i++)
        if (fn_str_eq(s->text, fn_cstr(others[i].text))) return others[i].run(q, s);
    for (size_t i = 0; i < FN_COUNT(rows); i++)
        if (fn_str_eq(s->text, fn_cstr(rows[i].text))) return run_as_select(q, s, &rows[i]);
    return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "SHOW " FN_STR_FMT " is not supported", FN_STR_ARG(s->text));
}
