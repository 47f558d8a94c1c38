/* run_alter.c - ALTER TABLE: each command changes the definition (alter_column.c), partitions (alter_partition.c) or rows
 * (run_mutation.c). The changes of the definition become one new definition, one row of the catalog and one swap of the table's
 * shape; the parts stay as they are and are read through the new shape.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/facade.h"
#include "query/result.h"
#include "query/ttl.h"

static bool is_definition_change(ast_alter_kind kind)
{
    switch (kind) {
    case ALTER_ADD_COLUMN:
    case ALTER_DROP_COLUMN:
    case ALTER_MODIFY_COLUMN:
    case ALTER_RENAME_COLUMN:
    case ALTER_COMMENT_COLUMN:
    case ALTER_MODIFY_ORDER_BY:
    case ALTER_MODIFY_TTL:
    case ALTER_REMOVE_TTL:
    case ALTER_MODIFY_SETTING:
    case ALTER_RESET_SETTING:
    case ALTER_MODIFY_COMMENT:
    case ALTER_ADD_INDEX:
    case ALTER_DROP_INDEX:
    case ALTER_ADD_PROJECTION:
    case ALTER_DROP_PROJECTION:
    case ALTER_ADD_CONSTRAINT:
    case ALTER_DROP_CONSTRAINT:
    case ALTER_MODIFY_QUERY:
    case ALTER_STATISTICS:
        return true;
    case ALTER_CLEAR_COLUMN:
    case ALTER_MATERIALIZE_COLUMN:
    case ALTER_DROP_PARTITION:
    case ALTER_DROP_PART:
    case ALTER_DETACH_PARTITION:
    case ALTER_ATTACH_PARTITION:
    case ALTER_ATTACH_PARTITION_FROM:
    case ALTER_REPLACE_PARTITION:
    case ALTER_MOVE_PARTITION:
    case ALTER_FREEZE:
    case ALTER_UNFREEZE:
    case ALTER_DELETE:
    case ALTER_UPDATE:
    case ALTER_MATERIALIZE_INDEX:
    case ALTER_CLEAR_INDEX:
    case ALTER_MATERIALIZE_PROJECTION:
    case ALTER_CLEAR_PROJECTION:
    case ALTER_STATISTICS_DATA:
    case ALTER_OTHER:
        return false;
    }
    FN_IMPOSSIBLE("kind of ALTER");
}

/* The new definition takes effect: durable first, then seen. */
static fn_status apply(alter_run *a)
{
    query *q = a->query;
    catalog_table_row row = {.uuid = a->table->uuid, .database = a->database, .name = a->name, .created_s = a->table->created_s,
                             .next_column_id = a->next_column_id};
    table_schema *schema;
    mt_definition mt = {.arena = NULL};
    table head;
    FN_TRY(definition_print(q->ctx, a->statement, &row.create_sql));
    FN_TRY(definition_ids_text(q->ctx, a->ids, a->statement->create->column_count, &row.column_ids));
    FN_TRY(definition_shape(q->engine, q->ctx, &row, &schema, &mt, &head)); /* also the checks of keys */
    const catalog_action action = {.kind = CATALOG_ALTER_TABLE, .database = a->database, .name = a->name, .expected = a->table, .create_sql = row.create_sql,
                                   .column_ids = row.column_ids, .next_column_id = a->next_column_id};
    fn_status status = alter_check_values(a);
    if (status == FN_OK && !a->table->is_temporary) status = catalog_apply(q->ctx, q->engine->catalog, &action, 1);
    if (status == FN_OK && mt.arena) {
        status = mt_table_alter(q->ctx, a->table, schema, &mt);
        if (status == FN_OK) {
            mt.arena = NULL;
            schema = NULL;
        }
    } else if (status == FN_OK && (!a->columns_changed || facade_alters(a->table))) { /* comments and constraints; tables without rows of their own */
        table_schema *old = atomic_exchange(&a->table->schema, schema);
        schema = NULL;
        status = engine_retire_schema(q->ctx, q->engine, old);
    }
    if (schema) table_schema_drop(schema);
    fn_arena_free(mt.arena);
    return status == FN_OK ? definition_retext(q->ctx, q->engine, a->table, &head) : status;
}

static fn_status open_definition(alter_run *a)
{
    query *q = a->query;
    fn_str sql, ids;
    FN_TRY(definition_text(q->ctx, q->engine, a->table, &sql));
    if (!sql.size) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Alter is not supported by storage %s", a->table->ops->engine);
    FN_TRY(sql_parse(q->ctx, sql, &a->statement));
    ast_create *c = a->statement->create;
    a->ids = FN_NEW_ARRAY(q->ctx, uint32_t, FN_MAX(c->column_count, 1u));
    FN_TRY_PTR(q->ctx, a->ids);
    if (a->table->is_temporary) {
        for (uint32_t i = 0; i < c->column_count; i++) a->ids[i] = i + 1;
        a->next_column_id = c->column_count + 1;
        return FN_OK;
    }
    FN_TRY(catalog_column_ids(q->ctx, q->engine->catalog, a->table->uuid, &ids, &a->next_column_id));
    return definition_ids(q->ctx, ids, a->ids, c->column_count);
}

/* Adding, dropping or changing columns of tables whose blocks do not know column numbers is not done. */
static fn_status check_engine(const alter_run *a)
{
    if (mt_is(a->table) || facade_alters(a->table) || !a->columns_changed) return FN_OK;
    return fn_fail(a->query->ctx, FN_NOT_IMPLEMENTED, "Alter of columns is not supported by storage %s", a->table->ops->engine);
}

static bool changes_ttl(const ast_statement *s)
{
    for (uint32_t i = 0; i < s->command_count; i++)
        if (s->commands[i].kind == ALTER_MODIFY_TTL || s->commands[i].column.ttl.size) return true;
    return false;
}

/* What definition_check_projections wants to know of the statement. */
static const ast_table_item *added_projection(const ast_statement *s)
{
    static const ast_table_item none = {0};
    for (uint32_t i = 0; i < s->command_count; i++)
        if (s->commands[i].kind == ALTER_ADD_PROJECTION) return &s->commands[i].item;
    return &none;
}

/* RENAME a TO b, RENAME b TO c. */
static fn_status check_renames(fn_ctx *ctx, const ast_statement *s)
{
    for (uint32_t i = 0; i < s->command_count; i++)
        for (uint32_t k = 0; k < i && s->commands[i].kind == ALTER_RENAME_COLUMN; k++)
            if (s->commands[k].kind == ALTER_RENAME_COLUMN && fn_str_eq(s->commands[k].new_name, s->commands[i].name))
                return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Transitive renames in a single ALTER query are not allowed (don't make sense)");
    return FN_OK;
}

static fn_status change_definition(alter_run *a, const ast_statement *s)
{
    FN_TRY(check_renames(a->query->ctx, s));
    FN_TRY(open_definition(a));
    for (uint32_t i = 0; i < s->command_count; i++) {
        if (!is_definition_change(s->commands[i].kind))
            return fn_fail(a->query->ctx, FN_NOT_IMPLEMENTED, "Mixing changes of columns with changes of data in one ALTER is not supported");
        FN_TRY(alter_definition(a, &s->commands[i]));
    }
    FN_TRY(check_engine(a));
    FN_TRY(definition_check_columns(a->query, a->statement->create));
    if (mt_is(a->table)) FN_TRY(definition_check_projections(a->query->ctx, a->statement->create, added_projection(s)));
    FN_TRY(definition_check_settings(a->query->ctx, &a->statement->create->engine));
    FN_TRY(ttl_check(a->query, a->statement->create));
    FN_TRY(apply(a));
    a->begun = true;
    return changes_ttl(s) && a->query->settings.materialize_ttl_after_modify ? mt_ttl_materialize(a->query->ctx, a->table) : FN_OK;
}

static fn_status materialize_ttl(alter_run *a)
{
    const table *t = a->table;
    if (mt_is(t) && mt_table_definition(t)->ttl_count) return mt_ttl_materialize(a->query->ctx, a->table);
    return fn_fail(a->query->ctx, FN_INCORRECT_QUERY, "Cannot MATERIALIZE TTL as there is no TTL set for table " FN_STR_FMT "." FN_STR_FMT " (%s)", FN_STR_ARG(a->database),
                   FN_STR_ARG(a->name), t->uuid);
}

static fn_status run_command(alter_run *a, const ast_alter_command *c)
{
    if (c->kind == ALTER_DELETE) return mutate_delete(a->query, a->table, c, c->where, &c->partition);
    if (c->kind == ALTER_UPDATE) return mutate_update(a->query, a->table, c, &c->assignments, c->where, &c->partition);
    if (c->kind == ALTER_CLEAR_COLUMN || c->kind == ALTER_MATERIALIZE_COLUMN) return mutate_column(a->query, a->table, c);
    if (c->kind == ALTER_STATISTICS_DATA) {
        FN_TRY(open_definition(a));
        return alter_statistics(a, c);
    }
    if (c->kind == ALTER_CLEAR_INDEX || c->kind == ALTER_MATERIALIZE_INDEX || c->kind == ALTER_CLEAR_PROJECTION || c->kind == ALTER_MATERIALIZE_PROJECTION)
        return mutate_index(a->query, a->table, c);
    if (c->kind == ALTER_OTHER && fn_str_eq(c->text, FN_STR("MATERIALIZE TTL"))) return materialize_ttl(a);
    return alter_partition(a, c);
}

static fn_status run(alter_run *a, const ast_statement *s)
{
    query *q = a->query;
    if (is_definition_change(s->commands[0].kind)) {
        FN_ASSERT(pthread_mutex_lock(&q->engine->ddl_lock) == 0);
        const fn_status status = change_definition(a, s);
        FN_ASSERT(pthread_mutex_unlock(&q->engine->ddl_lock) == 0);
        return status;
    }
    FN_TRY(lightweight_check_alter(q, a->table, s));
    for (uint32_t i = 0; i < s->command_count; i++) {
        FN_TRY(run_command(a, &s->commands[i]));
        a->begun = true;
    }
    return FN_OK;
}

/* Does its name mean another table by now? */
static bool is_overtaken(const alter_run *a)
{
    catalog_names *names = catalog_names_get(a->query->engine->catalog);
    const catalog_entry *e = catalog_names_table(names, a->database, a->name);
    const bool other = e && e->table != a->table;
    catalog_names_drop(names);
    return other && !a->table->is_temporary;
}

/* *again: the name meant another table when it came to it, and nothing has changed. */
static fn_status try_alter(query *q, const ast_statement *s, bool *again)
{
    alter_run a = {.query = q};
    *again = false;
    FN_TRY(query_name(q, &s->name, &a.database, &a.name));
    q->ctx->claims = NULL;
    fn_status status = query_claim_table(q, a.database, a.name, &a.table, NULL);
    if (status == FN_UNKNOWN_TABLE) {
        fn_error_clear(q->ctx);
        return fn_fail(q->ctx, FN_UNKNOWN_TABLE, "Could not find table: " FN_STR_FMT, FN_STR_ARG(a.name));
    }
    FN_TRY(status);
    if (!a.database.size) a.database = q->database;
    status = run(&a, s);
    *again = !a.begun && (status == FN_TABLE_UUID_MISMATCH || (status == FN_UNKNOWN_TABLE && is_overtaken(&a)));
    table_drop(a.table);
    FN_TRY(status);
    return alter_is_partition_command(s->commands[0].kind) && q->settings.alter_partition_verbose_result ? alter_send_report(&a, s) : result_none(q);
}

fn_status run_alter(query *q, const ast_statement *s)
{
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    for (bool again;;) {
        const fn_status status = try_alter(q, s, &again);
        if (!again) return status;
        fn_error_clear(q->ctx);
    }
}
