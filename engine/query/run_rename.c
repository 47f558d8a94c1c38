/* run_rename.c - RENAME and EXCHANGE: names change places in one transaction; no reader sees half of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/result.h"

static fn_status follow_locked(query *q, fn_str database, fn_str name)
{
    table *t;
    fn_str sql;
    ast_statement *s;
    FN_TRY(world_stored_table(q, database, name, &t));
    fn_status status = definition_name(q->ctx, q->engine, t, database, name);
    if (status == FN_OK) status = definition_text(q->ctx, q->engine, t, &sql);
    if (status == FN_OK) status = sql_parse(q->ctx, sql, &s);
    if (status == FN_OK) {
        s->create->name = (ast_name){.database = database, .table = name};
        status = definition_print(q->ctx, s, &sql);
        if (status == FN_OK) status = definition_set_sql(q->ctx, q->engine, t, sql);
    }
    table_drop(t);
    return status;
}

/* After the commit: the tables' own names and texts follow. An ALTER reads the text and writes it anew: not at the same time. */
static fn_status follow(query *q, fn_str database, fn_str name)
{
    FN_ASSERT(pthread_mutex_lock(&q->engine->ddl_lock) == 0);
    const fn_status status = follow_locked(q, database, name);
    FN_ASSERT(pthread_mutex_unlock(&q->engine->ddl_lock) == 0);
    return status;
}

static fn_status fill_names(query *q, const ast_name *from, const ast_name *to, catalog_action *out)
{
    FN_TRY(query_name(q, from, &out->database, &out->name));
    FN_TRY(query_name(q, to, &out->to_database, &out->to_name));
    if (!out->database.size) out->database = q->database;
    if (!out->to_database.size) out->to_database = q->database;
    return FN_OK;
}

static fn_status rename_databases(query *q, const ast_statement *s, catalog_action *actions)
{
    for (uint32_t i = 0; i < s->rename_count; i++) {
        fn_str from, to, ignored;
        FN_TRY(query_name(q, &s->renames[i].from, &from, &ignored));
        FN_TRY(query_name(q, &s->renames[i].to, &to, &ignored));
        actions[i] = (catalog_action){.kind = CATALOG_RENAME_DATABASE, .name = from, .to_name = to};
    }
    FN_TRY(catalog_apply(q->ctx, q->engine->catalog, actions, s->rename_count));
    catalog_names *names = catalog_names_get(q->engine->catalog);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < s->rename_count && status == FN_OK; i++) {
        const catalog_database *d = catalog_names_database(names, actions[i].to_name);
        for (uint32_t k = 0; d && k < d->count && status == FN_OK; k++) status = follow(q, d->name, d->entries[k].name);
    }
    catalog_names_drop(names);
    return status;
}

static fn_status change(query *q, const ast_statement *s, catalog_action_kind kind)
{
    catalog_action *actions = FN_NEW_ARRAY(q->ctx, catalog_action, FN_MAX(s->rename_count, 1u));
    FN_TRY_PTR(q->ctx, actions);
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    if (s->what == 'D') return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Dictionaries are not supported");
    if (s->rename_database) return rename_databases(q, s, actions);
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->rename_count; i++) {
        catalog_action *a = &actions[count];
        *a = (catalog_action){.kind = kind};
        FN_TRY(fill_names(q, &s->renames[i].from, &s->renames[i].to, a));
        if (s->if_exists) {
            table *t;
            if (world_stored_table(q, a->database, a->name, &t) != FN_OK) {
                fn_error_clear(q->ctx);
                continue;
            }
            table_drop(t);
        }
        count++;
    }
    if (count) FN_TRY(catalog_apply(q->ctx, q->engine->catalog, actions, count));
    for (uint32_t i = 0; i < count; i++) {
        const catalog_action *a = &actions[i];
        const fn_str places[][2] = {{a->to_database, a->to_name}, {a->database, a->name}};
        for (size_t k = 0; k < FN_COUNT(places); k++) { /* a place may have been left by a later pair of the statement */
            if (follow(q, places[k][0], places[k][1]) != FN_OK) fn_error_clear(q->ctx);
        }
    }
    return FN_OK;
}

fn_status run_rename(query *q, const ast_statement *s)
{
    FN_TRY(change(q, s, CATALOG_RENAME_TABLE));
    return result_none(q);
}

fn_status run_exchange(query *q, const ast_statement *s)
{
    FN_TRY(change(q, s, CATALOG_EXCHANGE_TABLES));
    return result_none(q);
}
