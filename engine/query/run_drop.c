/* run_drop.c - DROP, TRUNCATE and DETACH of tables and databases. SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/dropped.h"
#include "query/materialized.h"
#include "query/result.h"

typedef struct drop_target {
    fn_str database, name;
    table *table; /* one reference; NULL: IF EXISTS of what is not there */
    bool keep;    /* it can be undropped for a while */
} drop_target;

static fn_status refuse_cluster(query *q, const ast_statement *s)
{
    if (!s->on_cluster.size) return FN_OK;
    return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
}

static fn_status check_empty(query *q, const drop_target *t)
{
    uint64_t rows = 0;
    table_snapshot *snapshot;
    if (t->table->is_view || !t->table->ops->rows) return FN_OK;
    FN_TRY(t->table->ops->snapshot(t->table, q->ctx, &snapshot));
    const bool known = t->table->ops->rows(snapshot, false, &rows);
    t->table->ops->snapshot_drop(snapshot);
    if (known && rows == 0) return FN_OK;
    return fn_fail(q->ctx, FN_TABLE_NOT_EMPTY, "Table " FN_STR_FMT "." FN_STR_FMT " is not empty", FN_STR_ARG(t->database), FN_STR_ARG(t->name));
}

static fn_status find(query *q, const ast_statement *s, const ast_name *name, drop_target *out)
{
    FN_TRY(query_name(q, name, &out->database, &out->name));
    if (!out->database.size) out->database = q->database;
    const fn_status status = world_stored_table(q, out->database, out->name, &out->table);
    if (status == FN_OK) return FN_OK;
    out->table = NULL;
    if (!s->if_exists || (status != FN_UNKNOWN_TABLE && status != FN_UNKNOWN_DATABASE)) return status;
    fn_error_clear(q->ctx);
    return FN_OK;
}

/* A temporary table of that name goes before a stored one. True: done. */
static bool drop_temporary(query *q, const ast_name *name)
{
    return !name->database.size && !name->database_param && session_table_remove(q->session, name->table);
}

static fn_status check_kind(query *q, const ast_statement *s, const drop_target *t)
{
    if (s->what == 'v' && !t->table->is_view && !materialized_is(t->table))
        return fn_fail(q->ctx, FN_SYNTAX_ERROR, "" FN_STR_FMT "." FN_STR_FMT " is not a view", FN_STR_ARG(t->database), FN_STR_ARG(t->name));
    if (s->what == 'D') return fn_fail(q->ctx, FN_INCORRECT_QUERY, FN_STR_FMT "." FN_STR_FMT " is not a dictionary", FN_STR_ARG(t->database), FN_STR_ARG(t->name));
    return s->if_empty ? check_empty(q, t) : FN_OK;
}

/* What goes with a table: the inner table of a materialized view. *out's table NULL: nothing. */
static fn_status find_companion(query *q, const drop_target *t, drop_target *out)
{
    *out = (drop_target){.database = t->database};
    if (!materialized_is(t->table) || !materialized_inner(t->table).size) return FN_OK;
    out->name = materialized_inner(t->table);
    return world_stored_table(q, out->database, out->name, &out->table);
}

/* All tables of the statement leave in one transaction. TABLE_UUID_MISMATCH: a name meant another table when it came to it. */
static fn_status try_drop_tables(query *q, const ast_statement *s, catalog_action_kind kind)
{
    const uint32_t count = 1 + s->rename_count;
    drop_target *targets = FN_NEW_ARRAY(q->ctx, drop_target, 2 * count);
    catalog_action *actions = FN_NEW_ARRAY(q->ctx, catalog_action, 2 * count);
    if (!targets || !actions) return q->ctx->error.code;
    uint32_t found = 0, asked = 0;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        const ast_name *name = i ? &s->renames[i - 1].from : &s->name;
        drop_target *t = &targets[asked];
        if (kind == CATALOG_DROP_TABLE && drop_temporary(q, name)) continue;
        if (s->temporary) {
            if (!s->if_exists) status = fn_fail(q->ctx, FN_UNKNOWN_TABLE, "Temporary table " FN_STR_FMT " doesn't exist", FN_STR_ARG(name->table));
            continue;
        }
        status = find(q, s, name, t);
        asked++;
        if (status != FN_OK || !t->table) continue;
        status = check_kind(q, s, t);
        t->keep = kind == CATALOG_DROP_TABLE && dropped_keeps(q, s->sync, t->database);
        actions[found++] = (catalog_action){.kind = kind, .database = t->database, .name = t->name, .expected = t->table, .permanently = s->permanently, .keep = t->keep};
        if (status != FN_OK || kind != CATALOG_DROP_TABLE) continue;
        drop_target *companion = &targets[asked];
        status = find_companion(q, t, companion);
        if (status != FN_OK || !companion->table) continue;
        asked++;
        companion->keep = t->keep;
        actions[found++] = (catalog_action){.kind = kind, .database = companion->database, .name = companion->name, .expected = companion->table, .keep = t->keep};
    }
    if (status == FN_OK && found) status = catalog_apply(q->ctx, q->engine->catalog, actions, found);
    for (uint32_t i = 0; i < asked; i++) {
        if (status == FN_OK && kind == CATALOG_DROP_TABLE && !targets[i].keep && targets[i].table && mt_has_parts(targets[i].table))
            mt_table_forget(targets[i].table);
        table_drop(targets[i].table);
    }
    return status;
}

static fn_status drop_tables(query *q, const ast_statement *s, catalog_action_kind kind)
{
    for (;;) {
        const fn_status status = try_drop_tables(q, s, kind);
        if (status != FN_TABLE_UUID_MISMATCH) return status;
        fn_error_clear(q->ctx);
    }
}

/* Has another database taken the table in meanwhile? */
static bool has_moved(const catalog_names *now, const table *t)
{
    for (uint32_t d = 0; d < now->count; d++) {
        for (uint32_t i = 0; i < now->databases[d].count; i++)
            if (now->databases[d].entries[i].table == t) return true;
    }
    return false;
}

static void forget_tables(query *q, const catalog_database *d)
{
    catalog_names *now = catalog_names_get(q->engine->catalog);
    for (uint32_t i = 0; i < d->count; i++) {
        table *t = d->entries[i].table;
        if (mt_has_parts(t) && !has_moved(now, t)) mt_table_forget(t);
    }
    catalog_names_drop(now);
}

static fn_status drop_database(query *q, const ast_statement *s)
{
    fn_str name, ignored;
    FN_TRY(query_name(q, &s->name, &name, &ignored));
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_database *d = catalog_names_database(names, name);
    fn_status status = FN_OK;
    if (!d && !s->if_exists) {
        status = world_check_database(q, name);
        if (status == FN_OK) status = fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Database " FN_STR_FMT " cannot be dropped", FN_STR_ARG(name));
    }
    if (d && s->if_empty && d->count) status = fn_fail(q->ctx, FN_DATABASE_NOT_EMPTY, "Database " FN_STR_FMT " is not empty", FN_STR_ARG(name));
    if (d && status == FN_OK) {
        const catalog_action action = {.kind = CATALOG_DROP_DATABASE, .name = name, .keep = dropped_keeps(q, s->sync, name)};
        status = catalog_apply(q->ctx, q->engine->catalog, &action, 1);
        if (status == FN_OK && !action.keep) forget_tables(q, d);
    }
    catalog_names_drop(names);
    return status;
}

fn_status run_drop(query *q, const ast_statement *s)
{
    FN_TRY(refuse_cluster(q, s));
    FN_TRY(s->what == 'd' ? drop_database(q, s) : drop_tables(q, s, CATALOG_DROP_TABLE));
    return result_none(q);
}

fn_status run_detach(query *q, const ast_statement *s)
{
    FN_TRY(refuse_cluster(q, s));
    if (s->what == 'd') return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "DETACH DATABASE is not supported");
    FN_TRY(drop_tables(q, s, CATALOG_DETACH_TABLE));
    return result_none(q);
}

/* ATTACH TABLE t brings a detached table back; with a definition it is CREATE. */
fn_status run_attach(query *q, const ast_statement *s)
{
    const ast_create *c = s->create;
    fn_str database, name;
    if (c->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(c->on_cluster));
    if (s->what == 'd') return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "ATTACH DATABASE is not supported");
    if (s->what == 't' && c->has_columns) return run_create_table(q, s);
    FN_TRY(query_name(q, &c->name, &database, &name));
    if (!database.size) database = q->database;
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const bool exists = catalog_names_table(names, database, name) != NULL;
    catalog_names_drop(names);
    if (exists && c->if_not_exists) return result_none(q);
    if (exists) return fn_fail(q->ctx, FN_TABLE_ALREADY_EXISTS, "Table " FN_STR_FMT "." FN_STR_FMT " already exists", FN_STR_ARG(database), FN_STR_ARG(name));
    const catalog_action action = {.kind = CATALOG_ATTACH_TABLE, .database = database, .name = name};
    FN_TRY(catalog_apply(q->ctx, q->engine->catalog, &action, 1));
    return result_none(q);
}

/* ---- TRUNCATE ---- */
static fn_status truncate_table(query *q, table *t)
{
    if (materialized_is(t)) { /* a table of its own; rows behind TO are not the view's */
        table *inner;
        if (!materialized_inner(t).size) return FN_OK;
        FN_TRY(materialized_target(q, t, &inner));
        const fn_status status = truncate_table(q, inner);
        table_drop(inner);
        return status;
    }
    if (!t->ops->truncate) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Truncate is not supported by storage %s", t->ops->engine);
    return t->ops->truncate(t, q->ctx);
}

/* SQL's LIKE over names: % and _. */
static bool like(fn_str pattern, fn_str text)
{
    while (pattern.size) {
        const char p = *pattern.data;
        pattern = (fn_str){pattern.data + 1, pattern.size - 1};
        if (p == '%') {
            for (size_t i = 0; i <= text.size; i++)
                if (like(pattern, (fn_str){text.data + i, text.size - i})) return true;
            return false;
        }
        if (!text.size || (p != '_' && p != *text.data)) return false;
        text = (fn_str){text.data + 1, text.size - 1};
    }
    return text.size == 0;
}

static fn_status truncate_all(query *q, const ast_statement *s, fn_str database)
{
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_database *d = catalog_names_database(names, database);
    fn_status status = d || s->if_exists ? FN_OK : world_check_database(q, database);
    for (uint32_t i = 0; d && i < d->count && status == FN_OK; i++) {
        if (d->entries[i].table->is_view || (s->like.data && !like(s->like, d->entries[i].name))) continue;
        status = truncate_table(q, d->entries[i].table);
    }
    catalog_names_drop(names);
    return status;
}

static fn_status try_truncate(query *q, const ast_statement *s, fn_str database, fn_str name)
{
    table *t;
    fn_status status = query_claim_table(q, database, name, &t, NULL);
    if (status != FN_OK && s->if_exists && (status == FN_UNKNOWN_TABLE || status == FN_UNKNOWN_DATABASE)) {
        fn_error_clear(q->ctx);
        return FN_OK;
    }
    FN_TRY(status);
    status = truncate_table(q, t);
    table_drop(t);
    return status;
}

fn_status run_truncate(query *q, const ast_statement *s)
{
    fn_str database, name;
    fn_status status;
    FN_TRY(refuse_cluster(q, s));
    FN_TRY(query_name(q, &s->name, &database, &name));
    if (s->what == 'a' || s->what == 'd') {
        FN_TRY(truncate_all(q, s, database.size ? database : q->database));
        return result_none(q);
    }
    do {
        status = try_truncate(q, s, database, name);
    } while (query_begins_again(q, status));
    FN_TRY(status);
    return result_none(q);
}
