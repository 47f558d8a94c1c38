/* run_create.c - CREATE TABLE, VIEW and DATABASE, also OR REPLACE, AS SELECT and TEMPORARY.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/facade.h"
#include "query/insert.h"
#include "query/materialized.h"
#include "query/result.h"
#include <firn/time.h>

static fn_status refuse(query *q, const ast_create *c)
{
    if (c->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(c->on_cluster));
    if (c->clone) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "CREATE TABLE ... CLONE AS is not supported");
    return FN_OK;
}

static fn_status table_exists(query *q, fn_str database, fn_str name, bool *out)
{
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_database *d = catalog_names_database(names, database);
    *out = d && catalog_names_table(names, database, name);
    catalog_names_drop(names);
    return d ? FN_OK : world_check_database(q, database);
}

/* Gives a table its name: by `anew`, or where another one has the name and may be replaced by the actions `over`, the first of which
 * takes that one away. Who has it may change until the catalog is asked. */
static fn_status take_name(query *q, catalog_action *over, size_t over_count, const catalog_action *anew, bool may_replace)
{
    for (bool again = true; again;) {
        table *old = NULL;
        FN_TRY(table_exists(q, over->database, over->name, &again));
        const fn_status found = again && may_replace ? world_stored_table(q, over->database, over->name, &old) : FN_OK;
        if (found != FN_OK && found != FN_UNKNOWN_TABLE) return found;
        fn_error_clear(q->ctx); /* it went meanwhile */
        over->expected = old;
        const fn_status status = catalog_apply(q->ctx, q->engine->catalog, old ? over : anew, old ? over_count : 1);
        if (status == FN_OK && old && mt_has_parts(old)) mt_table_forget(old);
        again = status == FN_TABLE_UUID_MISMATCH || (old && status == FN_UNKNOWN_TABLE);
        if (!old && may_replace && status == FN_TABLE_ALREADY_EXISTS) FN_TRY(table_exists(q, over->database, over->name, &again)); /* it came meanwhile */
        table_drop(old);
        if (!again) return status;
        fn_error_clear(q->ctx);
    }
    return FN_OK;
}

static fn_status build(query *q, const definition *d, fn_str database, fn_str name, table **out)
{
    char uuid[37];
    catalog_make_uuid(uuid);
    const catalog_table_row row = {.uuid = uuid, .database = database, .name = name, .create_sql = d->sql, .column_ids = d->column_ids,
                                   .next_column_id = d->next_column_id, .created_s = fn_clock_realtime_ns() / 1000000000};
    return definition_build(q->engine, q->ctx, &row, out);
}

static fn_status create_temporary(query *q, const ast_statement *s, fn_str name)
{
    definition d;
    table *t;
    if (session_table_find(q->session, name)) {
        if (s->create->if_not_exists) return FN_OK;
        if (!s->create->or_replace)
            return fn_fail(q->ctx, FN_TABLE_ALREADY_EXISTS, "Temporary table " FN_STR_FMT " already exists", FN_STR_ARG(name));
    }
    FN_TRY(definition_complete(q, s, (fn_str){NULL, 0}, name, &d));
    const fn_str engine = d.statement->create->engine.name;
    if (fn_str_ends(engine, FN_STR("MergeTree")) || fn_str_ends(engine, FN_STR("Log")))
        return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Temporary tables of engine " FN_STR_FMT " are not supported", FN_STR_ARG(d.statement->create->engine.name));
    FN_TRY(build(q, &d, (fn_str){NULL, 0}, name, &t));
    fn_status status = FN_OK;
    if (s->create->as_select && !s->create->empty) status = insert_select(q, t, s->create->as_select);
    if (status == FN_OK) {
        (void)session_table_remove(q->session, name);
        status = session_table_add(q->ctx, q->session, t);
    }
    table_drop(t);
    return status;
}

/* CREATE ... AS SELECT: the table is filled while it has a name nobody knows, then takes the wanted one: others see it whole. */
static fn_status create_filled(query *q, const ast_statement *s, const definition *d, table *t, const catalog_action *wanted, bool may_replace)
{
    const char *hidden = fn_arena_printf(q->ctx, q->ctx->arena, ".tmp.%s", t->uuid);
    FN_TRY_PTR(q->ctx, hidden);
    const catalog_action create = {.kind = CATALOG_CREATE_TABLE, .database = wanted->database, .name = fn_cstr(hidden), .table = t, .create_sql = d->sql,
                                   .column_ids = d->column_ids, .next_column_id = d->next_column_id};
    FN_TRY(catalog_apply(q->ctx, q->engine->catalog, &create, 1));
    fn_status status = insert_select(q, t, s->create->as_select);
    catalog_action publish[] = {
        {.kind = CATALOG_DROP_TABLE, .database = wanted->database, .name = wanted->name},
        {.kind = CATALOG_RENAME_TABLE, .database = wanted->database, .name = fn_cstr(hidden), .to_database = wanted->database, .to_name = wanted->name},
    };
    if (status == FN_OK) status = take_name(q, publish, 2, publish + 1, may_replace);
    if (status == FN_OK) return FN_OK;
    fn_ctx own = {.arena = q->ctx->arena};
    const catalog_action undo = {.kind = CATALOG_DROP_TABLE, .database = wanted->database, .name = fn_cstr(hidden)};
    if (catalog_apply(&own, q->engine->catalog, &undo, 1) == FN_OK && mt_has_parts(t)) mt_table_forget(t);
    return status;
}

/* As ClickHouse: each column of the query must have one to go to. */
static fn_status check_columns(query *q, const ast_query *select, const table *target)
{
    plan_query *bound;
    if (q->settings.allow_materialized_view_with_bad_select) return FN_OK;
    FN_TRY(query_plan(q, select, &bound));
    const table_schema *schema = atomic_load(&target->schema);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < bound->schema.count && status == FN_OK; i++) {
        const fn_str name = bound->schema.fields[i].name;
        if (insert_takes(schema, name)) continue;
        status = fn_fail(q->ctx, FN_THERE_IS_NO_COLUMN, "SELECT query outputs column with name '" FN_STR_FMT "', which is not found in the target table. Use 'AS' to assign alias that "
                         "matches a column name.", FN_STR_ARG(name));
    }
    plan_query_release(bound);
    return status;
}

/* The view and, without TO, its own table come in one transaction. POPULATE runs the query once. */
static fn_status create_materialized(query *q, const definition *d, table *view, const catalog_action *wanted)
{
    const fn_str inner = materialized_inner(view);
    catalog_action actions[2] = {*wanted};
    table *own = NULL;
    if (wanted->kind == CATALOG_REPLACE_TABLE) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "CREATE OR REPLACE MATERIALIZED VIEW is not supported");
    if (inner.size) {
        definition of_inner = *d;
        FN_TRY(materialized_inner_sql(q->ctx, d->statement, inner, &of_inner.sql));
        FN_TRY(build(q, &of_inner, wanted->database, inner, &own));
        const fn_status status = check_columns(q, d->statement->create->as_select, own);
        if (status != FN_OK) {
            table_drop(own);
            return status;
        }
        actions[1] = actions[0];
        actions[0] = (catalog_action){.kind = CATALOG_CREATE_TABLE, .database = wanted->database, .name = inner, .table = own, .create_sql = of_inner.sql,
                                      .column_ids = of_inner.column_ids, .next_column_id = of_inner.next_column_id};
    } else {
        table *target;
        FN_TRY(materialized_target(q, view, &target));
        const fn_status status = materialized_is(target) ? FN_OK : check_columns(q, d->statement->create->as_select, target);
        table_drop(target);
        FN_TRY(status);
    }
    fn_status status = catalog_apply(q->ctx, q->engine->catalog, actions, own ? 2 : 1);
    table_drop(own);
    return status;
}

/* Columns go by name, as they do later. */
static fn_status populate(query *q, fn_str database, fn_str name)
{
    table *t;
    fn_str sql;
    ast_statement *s;
    plan_query *bound;
    FN_TRY(world_stored_table(q, database, name, &t));
    fn_status status = definition_text(q->ctx, q->engine, t, &sql);
    if (status == FN_OK) status = sql_parse(q->ctx, sql, &s);
    if (status == FN_OK) status = materialized_resolve(q, &t);
    else table_drop(t);
    if (status != FN_OK) return status;
    status = query_plan(q, s->create->as_select, &bound);
    if (status == FN_OK) {
        const fn_schema *from = &bound->schema;
        ast_list names = {FN_NEW_ARRAY(q->ctx, ast_expr *, FN_MAX(from->count, 1u)), from->count};
        ast_expr *nodes = FN_NEW_ARRAY(q->ctx, ast_expr, FN_MAX(from->count, 1u));
        if (!names.items || !nodes) status = q->ctx->error.code;
        for (uint32_t i = 0; i < from->count && status == FN_OK; i++) {
            nodes[i] = (ast_expr){.kind = AST_IDENTIFIER, .parts = &from->fields[i].name, .part_count = 1};
            names.items[i] = &nodes[i];
        }
        const ast_list *columns = &names;
        if (status == FN_OK) status = facade_target(q, &t, &columns);
        if (status == FN_OK) status = insert_from_query(q, t, NULL, columns, s->create->as_select);
        plan_query_release(bound);
    }
    table_drop(t);
    return status;
}

static fn_status too_many(fn_ctx *ctx, fn_status code, const char *what, const char *setting, unsigned most, unsigned now)
{
    return fn_fail(ctx, code, "Too many %s. The limit (server configuration parameter `%s`) is set to %u, the current number is %u", what, setting, most, now);
}

/* max_table_num_to_throw, max_view_num_to_throw; a materialized view with a table of its own counts for both. */
static fn_status check_number(query *q, const ast_create *c, char what)
{
    const fn_engine_limits *limits = &q->engine->limits;
    unsigned tables = 0, views = 0;
    const bool makes_view = what == 'v', makes_table = !makes_view || (c->materialized && !c->to_table.table.size);
    if (!limits->tables && !limits->views) return FN_OK;
    catalog_names *names = catalog_names_get(q->engine->catalog);
    for (uint32_t d = 0; d < names->count; d++) {
        for (uint32_t i = 0; i < names->databases[d].count; i++) {
            const struct table *t = names->databases[d].entries[i].table;
            const bool is_view = t->is_view || materialized_is(t);
            views += is_view;
            tables += !is_view;
        }
    }
    catalog_names_drop(names);
    if (makes_table && limits->tables && tables >= limits->tables) return too_many(q->ctx, FN_TOO_MANY_TABLES, "tables", "max_table_num_to_throw", limits->tables, tables);
    if (makes_view && limits->views && views >= limits->views) return too_many(q->ctx, FN_TOO_MANY_TABLES, "views", "max_view_num_to_throw", limits->views, views);
    return FN_OK;
}

static fn_status create_stored(query *q, const ast_statement *s, fn_str database, fn_str name)
{
    const ast_create *c = s->create;
    bool exists;
    definition d;
    table *t;
    FN_TRY(table_exists(q, database, name, &exists));
    if (exists && c->if_not_exists) return FN_OK;
    if (exists && !c->or_replace && !c->replace)
        return fn_fail(q->ctx, FN_TABLE_ALREADY_EXISTS, "Table " FN_STR_FMT "." FN_STR_FMT " already exists", FN_STR_ARG(database), FN_STR_ARG(name));
    if (!exists && c->replace)
        return fn_fail(q->ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT "." FN_STR_FMT " does not exist", FN_STR_ARG(database), FN_STR_ARG(name));
    if (!exists) FN_TRY(check_number(q, c, s->what));
    FN_TRY(definition_complete(q, s, database, name, &d));
    fn_status status = build(q, &d, database, name, &t);
    if (status == FN_OK) {
        const bool fill = s->what == 't' && c->as_select && !c->empty, may_replace = c->or_replace || c->replace;
        catalog_action over = {.kind = CATALOG_REPLACE_TABLE, .database = database, .name = name, .table = t, .create_sql = d.sql,
                               .column_ids = d.column_ids, .next_column_id = d.next_column_id, .may_exist = c->if_not_exists};
        catalog_action anew = over;
        anew.kind = CATALOG_CREATE_TABLE;
        if (c->materialized) status = create_materialized(q, &d, t, exists ? &over : &anew);
        else status = fill ? create_filled(q, s, &d, t, &over, may_replace) : take_name(q, &over, 1, &anew, may_replace);
        table_drop(t);
    }
    return status == FN_OK && c->materialized && c->populate ? populate(q, database, name) : status;
}

static fn_status create(query *q, const ast_statement *s)
{
    fn_str database, name;
    FN_TRY(refuse(q, s->create));
    FN_TRY(query_name(q, &s->create->name, &database, &name));
    if (s->create->temporary) {
        FN_TRY(create_temporary(q, s, name));
    } else {
        FN_TRY(create_stored(q, s, database.size ? database : q->database, name));
    }
    return result_none(q);
}

fn_status run_create_table(query *q, const ast_statement *s)
{
    return create(q, s);
}

fn_status run_create_view(query *q, const ast_statement *s)
{
    return create(q, s);
}

fn_status run_create_database(query *q, const ast_statement *s)
{
    const ast_create *c = s->create;
    static const char *const engines[] = {"Atomic", "Memory", "Ordinary", "Lazy", "Replicated", "Shared"};
    fn_str name, ignored;
    FN_TRY(refuse(q, c));
    FN_TRY(query_name(q, &c->name, &name, &ignored));
    const fn_str engine = c->engine.name.size ? c->engine.name : FN_STR("Atomic");
    bool known = false;
    for (size_t i = 0; i < FN_COUNT(engines); i++) known |= fn_str_eq(engine, fn_cstr(engines[i]));
    if (!known) {
        static const char *const others[] = {"MySQL", "PostgreSQL", "MaterializedPostgreSQL", "SQLite", "S3", "Filesystem", "HDFS", "DataLakeCatalog", "Backup", "Overlay"};
        for (size_t i = 0; i < FN_COUNT(others); i++)
            if (fn_str_eq(engine, fn_cstr(others[i]))) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Database engine %s is not supported", others[i]);
        return fn_fail(q->ctx, FN_UNKNOWN_DATABASE_ENGINE, "Unknown database engine: " FN_STR_FMT, FN_STR_ARG(engine));
    }
    if (fn_str_eq(name, FN_STR("system")) || fn_str_eq_nocase(name, FN_STR("information_schema"))) {
        if (c->if_not_exists) return result_none(q);
        return fn_fail(q->ctx, FN_DATABASE_ALREADY_EXISTS, "Database " FN_STR_FMT " already exists", FN_STR_ARG(name));
    }
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const unsigned now = names->count, most = q->engine->limits.databases;
    const bool there = catalog_names_database(names, name) != NULL;
    catalog_names_drop(names);
    if (most && now >= most && !there) return too_many(q->ctx, FN_TOO_MANY_DATABASES, "databases", "max_database_num_to_throw", most, now);
    /* Every database is atomic; Memory keeps its name because it is shown. */
    const catalog_action action = {.kind = CATALOG_CREATE_DATABASE, .name = name, .comment = c->comment, .may_exist = c->if_not_exists,
                                   .engine = fn_str_eq(engine, FN_STR("Memory")) ? engine : FN_STR("Atomic")};
    FN_TRY(catalog_apply(q->ctx, q->engine->catalog, &action, 1));
    return result_none(q);
}
