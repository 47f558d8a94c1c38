/* catalog_apply.c - changes of names: what each action checks, writes and does to the next snapshot.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"
#include <firn/time.h>
#include <stdio.h>

typedef struct apply_work {
    catalog_work base;
    const catalog_action *actions;
    size_t count;
} apply_work;

typedef fn_status action_fn(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a);

void catalog_make_uuid(char out[37])
{
    const uint64_t a = (fn_random_u64() & ~0xf000ull) | 0x4000, b = (fn_random_u64() & ~(3ull << 62)) | 2ull << 62;
    (void)snprintf(out, 37, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff),
                   (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffffull));
}

static fn_status need_database(fn_ctx *ctx, const catalog_names *n, fn_str name, catalog_database **out)
{
    *out = names_database(n, name);
    return *out ? FN_OK : fn_fail(ctx, FN_UNKNOWN_DATABASE, "Database " FN_STR_FMT " does not exist", FN_STR_ARG(name));
}

static fn_status need_table(fn_ctx *ctx, const catalog_names *n, fn_str database, fn_str name, catalog_database **d, catalog_entry **out)
{
    FN_TRY(need_database(ctx, n, database, d));
    *out = names_table(*d, name);
    if (*out) return FN_OK;
    return fn_fail(ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT "." FN_STR_FMT " does not exist", FN_STR_ARG(database), FN_STR_ARG(name));
}

/* The table that the action is about: the one its caller has looked at. Between the two an EXCHANGE may have given the name to another. */
static fn_status need_expected(fn_ctx *ctx, const catalog_names *n, const catalog_action *a, catalog_database **d, catalog_entry **out)
{
    FN_TRY(need_table(ctx, n, a->database, a->name, d, out));
    if (!a->expected || a->expected == (*out)->table) return FN_OK;
    return fn_fail(ctx, FN_TABLE_UUID_MISMATCH, "Table " FN_STR_FMT "." FN_STR_FMT " is another one meanwhile", FN_STR_ARG(a->database), FN_STR_ARG(a->name));
}

static fn_status need_free(fn_ctx *ctx, const catalog_names *n, const catalog_database *d, fn_str name)
{
    if (names_table(d, name))
        return fn_fail(ctx, FN_TABLE_ALREADY_EXISTS, "Table " FN_STR_FMT "." FN_STR_FMT " already exists", FN_STR_ARG(d->name), FN_STR_ARG(name));
    if (names_detached(n, d->name, name))
        return fn_fail(ctx, FN_TABLE_ALREADY_EXISTS, "Table " FN_STR_FMT "." FN_STR_FMT " already exists (detached)", FN_STR_ARG(d->name), FN_STR_ARG(name));
    return FN_OK;
}

static fn_status need_state(fn_ctx *ctx, catalog *c, const table *t, table_state **out)
{
    *out = state_find(c, t->uuid);
    return *out ? FN_OK : fn_fail(ctx, FN_LOGICAL_ERROR, "Table %s is not in the catalog", t->uuid);
}

/* ---- databases ---- */
static fn_status create_database(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    char uuid[37];
    if (names_database(n, a->name)) {
        if (a->may_exist) {
            if (a->done) *a->done = false;
            return FN_OK;
        }
        return fn_fail(ctx, FN_DATABASE_ALREADY_EXISTS, "Database " FN_STR_FMT " already exists", FN_STR_ARG(a->name));
    }
    catalog_make_uuid(uuid);
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_DATABASE_ADD, "tttt", a->name, a->engine, a->comment, fn_cstr(uuid))));
    return names_add_database(ctx, n, a->name, a->engine, a->comment, uuid);
}

static fn_status forget(fn_ctx *ctx, catalog *c, const table *t)
{
    table_state *state;
    FN_TRY(need_state(ctx, c, t, &state));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_PARTS_REMOVE, "i", state->id)));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_INSERT_IDS_REMOVE, "i", state->id)));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_DETACHED_PARTS_REMOVE, "i", state->id)));
    return catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_REMOVE, "i", state->id));
}

/* A table leaves its name: for good, or until UNDROP or PURGE. */
static fn_status leave(fn_ctx *ctx, catalog *c, catalog_names *n, fn_str database, const catalog_entry *e, bool keep)
{
    table_state *state;
    if (!keep || !mt_has_parts(e->table)) return forget(ctx, c, e->table);
    const int64_t now_s = fn_clock_realtime_ns() / 1000000000;
    FN_TRY(need_state(ctx, c, e->table, &state));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_DROPPED, "ii", now_s, state->id)));
    return names_add_dropped(ctx, n, database, e->name, e->table, now_s);
}

static fn_status drop_database(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    FN_TRY(need_database(ctx, n, a->name, &d));
    for (uint32_t i = 0; i < d->count; i++) FN_TRY(leave(ctx, c, n, a->name, &d->entries[i], a->keep));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_DATABASE_REMOVE, "t", a->name)));
    names_remove_database(n, a->name);
    return FN_OK;
}

static fn_status rename_database(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    FN_TRY(need_database(ctx, n, a->name, &d));
    if (names_database(n, a->to_name)) return fn_fail(ctx, FN_DATABASE_ALREADY_EXISTS, "Database " FN_STR_FMT " already exists", FN_STR_ARG(a->to_name));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_DATABASE_RENAME, "tt", a->to_name, a->name)));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_DATABASE_TABLES_RENAME, "tt", a->to_name, a->name)));
    for (uint32_t i = 0; i < n->dropped_count; i++) /* UNDROP finds them under the new name */
        if (fn_str_eq(n->dropped[i].database, a->name)) FN_TRY(fn_arena_str(ctx, n->arena, a->to_name, &n->dropped[i].database));
    for (uint32_t i = 0; i < n->detached_count; i++)
        if (fn_str_eq(n->detached[i].database, a->name)) FN_TRY(fn_arena_str(ctx, n->arena, a->to_name, &n->detached[i].database));
    const catalog_database old = *d;
    FN_TRY(names_add_database(ctx, n, a->to_name, old.engine, old.comment, old.uuid));
    catalog_database *made = names_database(n, a->to_name);
    for (uint32_t i = 0; i < old.count; i++) FN_TRY(names_add_table(ctx, n, made, old.entries[i].name, old.entries[i].table));
    names_remove_database(n, a->name);
    return FN_OK;
}

/* ---- tables ---- */
static fn_status insert_table(fn_ctx *ctx, catalog *c, const catalog_action *a)
{
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_TABLE_ADD, "tttttii", fn_cstr(a->table->uuid), a->database, a->name, a->create_sql, a->column_ids,
                                       (int64_t)a->next_column_id, a->table->created_s);
    FN_TRY(catalog_sql_run(ctx, c, s));
    table_state *state;
    return state_add(ctx, c, a->table->uuid, sqlite3_last_insert_rowid(c->db), 1, &state);
}

static fn_status create_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    FN_TRY(need_database(ctx, n, a->database, &d));
    if (a->may_exist && names_table(d, a->name)) {
        if (a->done) *a->done = false;
        return FN_OK;
    }
    FN_TRY(need_free(ctx, n, d, a->name));
    FN_TRY(insert_table(ctx, c, a));
    return names_add_table(ctx, n, d, a->name, a->table);
}

static fn_status drop_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    catalog_entry *e;
    FN_TRY(need_expected(ctx, n, a, &d, &e));
    FN_TRY(leave(ctx, c, n, a->database, e, a->keep));
    names_remove_table(d, a->name);
    return FN_OK;
}

/* The last one of that name that was dropped. */
static fn_status undrop_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    table_state *state;
    const catalog_dropped *found = NULL;
    FN_TRY(need_database(ctx, n, a->database, &d));
    if (names_table(d, a->name))
        return fn_fail(ctx, FN_TABLE_ALREADY_EXISTS, "Cannot undrop table, " FN_STR_FMT "." FN_STR_FMT " already exists", FN_STR_ARG(a->database), FN_STR_ARG(a->name));
    for (uint32_t i = 0; i < n->dropped_count; i++) {
        const catalog_dropped *e = &n->dropped[i];
        if (!fn_str_eq(e->database, a->database) || !fn_str_eq(e->name, a->name)) continue;
        if (!a->uuid || strcmp(a->uuid, e->table->uuid) == 0) found = e;
    }
    if (!found) {
        return fn_fail(ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT "." FN_STR_FMT "%s%s%s is being dropped, has been dropped, or the database engine does not support UNDROP",
                       FN_STR_ARG(a->database), FN_STR_ARG(a->name), a->uuid ? " (" : "", a->uuid ? a->uuid : "", a->uuid ? ")" : "");
    }
    FN_TRY(need_free(ctx, n, d, a->name));
    table *const t = found->table;
    FN_TRY(need_state(ctx, c, t, &state));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_DROPPED, "ii", (int64_t)0, state->id)));
    FN_TRY(names_add_table(ctx, n, d, a->name, t));
    names_remove_dropped(n, t);
    return FN_OK;
}

static fn_status purge_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    bool waits = false;
    for (uint32_t i = 0; i < n->dropped_count; i++) waits = waits || n->dropped[i].table == a->table;
    if (a->done) *a->done = waits;
    if (!waits) return FN_OK;
    FN_TRY(forget(ctx, c, a->table));
    names_remove_dropped(n, a->table);
    return FN_OK;
}

static fn_status replace_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    catalog_entry *e;
    FN_TRY(need_expected(ctx, n, a, &d, &e));
    FN_TRY(forget(ctx, c, e->table));
    FN_TRY(insert_table(ctx, c, a));
    names_remove_table(d, a->name);
    return names_add_table(ctx, n, d, a->name, a->table);
}

static fn_status store_name(fn_ctx *ctx, catalog *c, const table *t, fn_str database, fn_str name)
{
    table_state *state;
    FN_TRY(need_state(ctx, c, t, &state));
    return catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_NAME, "tti", database, name, state->id));
}

static fn_status rename_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *from, *to;
    catalog_entry *e;
    FN_TRY(need_table(ctx, n, a->database, a->name, &from, &e));
    FN_TRY(need_database(ctx, n, a->to_database, &to));
    FN_TRY(need_free(ctx, n, to, a->to_name));
    FN_TRY(store_name(ctx, c, e->table, a->to_database, a->to_name));
    FN_TRY(names_add_table(ctx, n, to, a->to_name, e->table)); /* e may move: only the pointer to the table is used */
    names_remove_table(from, a->name);
    return FN_OK;
}

static fn_status exchange_tables(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d1, *d2;
    catalog_entry *e1, *e2;
    FN_TRY(need_table(ctx, n, a->database, a->name, &d1, &e1));
    FN_TRY(need_table(ctx, n, a->to_database, a->to_name, &d2, &e2));
    FN_TRY(store_name(ctx, c, e1->table, a->to_database, a->to_name));
    FN_TRY(store_name(ctx, c, e2->table, a->database, a->name));
    table *t = e1->table;
    e1->table = e2->table;
    e2->table = t;
    return FN_OK;
}

static fn_status alter_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    catalog_entry *e;
    table_state *state;
    FN_TRY(need_expected(ctx, n, a, &d, &e));
    FN_TRY(need_state(ctx, c, e->table, &state));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_ALTER, "ttii", a->create_sql, a->column_ids, (int64_t)a->next_column_id, state->id)));
    if (!a->table || a->table == e->table) return FN_OK;
    table_drop(e->table);
    e->table = table_ref(a->table);
    return FN_OK;
}

static fn_status detach_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    catalog_entry *e;
    table_state *state;
    FN_TRY(need_expected(ctx, n, a, &d, &e));
    FN_TRY(need_state(ctx, c, e->table, &state));
    if (a->permanently) FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_DETACH, "ii", (int64_t)1, state->id)));
    FN_TRY(names_add_detached(ctx, n, a->database, a->name, e->table));
    names_remove_table(d, a->name);
    return FN_OK;
}

/* The table itself comes back, with whatever merges have made of its parts meanwhile. */
static fn_status attach_table(fn_ctx *ctx, catalog *c, catalog_names *n, const catalog_action *a)
{
    catalog_database *d;
    table_state *state;
    FN_TRY(need_database(ctx, n, a->database, &d));
    const catalog_dropped *e = names_detached(n, a->database, a->name);
    if (!e) {
        if (names_table(d, a->name)) return need_free(ctx, n, d, a->name);
        return fn_fail(ctx, FN_CANNOT_GET_CREATE_TABLE_QUERY, "Table `" FN_STR_FMT "` doesn't exist", FN_STR_ARG(a->name));
    }
    table *const t = e->table;
    FN_TRY(need_state(ctx, c, t, &state));
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_DETACH, "ii", (int64_t)0, state->id)));
    FN_TRY(names_add_table(ctx, n, d, a->name, t));
    names_remove_detached(n, t);
    return FN_OK;
}

static action_fn *const actions[] = {
    [CATALOG_CREATE_DATABASE] = create_database, [CATALOG_DROP_DATABASE] = drop_database,   [CATALOG_RENAME_DATABASE] = rename_database,
    [CATALOG_CREATE_TABLE] = create_table,       [CATALOG_REPLACE_TABLE] = replace_table,   [CATALOG_DROP_TABLE] = drop_table,
    [CATALOG_RENAME_TABLE] = rename_table,       [CATALOG_EXCHANGE_TABLES] = exchange_tables, [CATALOG_ALTER_TABLE] = alter_table,
    [CATALOG_DETACH_TABLE] = detach_table,       [CATALOG_ATTACH_TABLE] = attach_table,     [CATALOG_UNDROP_TABLE] = undrop_table,
    [CATALOG_PURGE_TABLE] = purge_table,
};

static fn_status run_actions(catalog *c, catalog_work *work)
{
    apply_work *w = (apply_work *)work;
    catalog_names *n;
    FN_TRY(names_copy(work->ctx, c->base_names, &n));
    c->next_names = n; /* dropped by run_one if anything fails */
    for (size_t i = 0; i < w->count; i++) {
        const catalog_action *a = &w->actions[i];
        if (a->done) *a->done = true;
        FN_TRY(actions[a->kind](work->ctx, c, n, a));
    }
    return FN_OK;
}

fn_status catalog_apply(fn_ctx *ctx, catalog *c, const catalog_action *list, size_t count)
{
    apply_work work = {.base = {.run = run_actions, .writes = true}, .actions = list, .count = count};
    return catalog_do(ctx, c, &work.base);
}
