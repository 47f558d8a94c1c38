/* sys_tables.c - system.tables: the tables of all databases, the system tables among them. SPDX-License-Identifier: Apache-2.0 */
#include "sql/ast.h"
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

typedef struct part_totals {
    uint64_t rows, bytes, raw_bytes, marks, all, active;
} part_totals;

static fn_status add_part(void *self, fn_ctx *ctx, const mt_part_row *row, bool active)
{
    part_totals *t = self;
    (void)ctx;
    t->all++;
    if (!active) return FN_OK;
    t->active++;
    t->rows += row->rows - row->deleted_rows;
    t->bytes += row->bytes;
    t->raw_bytes += row->raw_bytes;
    t->marks += (row->rows + FN_GRANULE_ROWS - 1) / FN_GRANULE_ROWS;
    return FN_OK;
}

/* Set and some tables of engine Join show equal keys once: how many there are is known by reading only. */
static bool shows_fewer_rows(const table *t)
{
    return strcmp(t->ops->engine, "Set") == 0 || (t->join && table_join_is_unique(t->join));
}

static fn_status put_totals(system_rows *r, fn_ctx *ctx, table *t)
{
    part_totals totals = {0};
    uint64_t rows;
    if (mt_has_parts(t)) {
        FN_TRY(mt_parts(ctx, t, add_part, &totals));
        if (!shows_fewer_rows(t)) system_put_u64(r, "total_rows", totals.rows);
        system_put_u64(r, "total_bytes", totals.bytes);
        if (!mt_is(t)) return FN_OK;
        system_put_u64(r, "total_bytes_uncompressed", totals.raw_bytes);
        system_put_u64(r, "parts", totals.all);
        system_put_u64(r, "active_parts", totals.active);
        system_put_u64(r, "total_marks", totals.marks);
        return FN_OK;
    }
    if (!t->ops->rows || !system_wants(r, "total_rows")) return FN_OK;
    table_snapshot *snapshot;
    FN_TRY(t->ops->snapshot(t, ctx, &snapshot));
    if (t->ops->rows(snapshot, false, &rows)) system_put_u64(r, "total_rows", rows);
    t->ops->snapshot_drop(snapshot);
    return FN_OK;
}

/* The SELECT behind a view: what follows the first " AS " of its statement. */
static fn_str view_select(fn_str sql)
{
    const char *as = sql.size ? memmem(sql.data, sql.size, " AS SELECT", 10) : NULL;
    return as ? (fn_str){as + 4, sql.size - (size_t)(as + 4 - sql.data)} : FN_STR("");
}

static fn_status each(void *self, fn_ctx *ctx, table *t)
{
    system_rows *r = self;
    if (t->is_temporary && system_hint(r, "database").size) return FN_OK;
    system_put_str(r, "database", t->is_temporary ? FN_STR("") : t->database);
    system_put_str(r, "name", t->name);
    system_put_str(r, "table", t->name);
    if (t->uuid[0]) system_put_text(r, "uuid", t->uuid);
    system_put_text(r, "engine", t->is_view ? "View" : t->ops->engine);
    fn_str engine_full, create_sql;
    FN_TRY(sql_hide_secrets(ctx, t->engine_full, &engine_full));
    FN_TRY(sql_hide_secrets(ctx, t->create_sql, &create_sql));
    system_put_str(r, "engine_full", engine_full);
    system_put_u64(r, "is_temporary", t->is_temporary);
    system_put_i64(r, "metadata_modification_time", t->created_s);
    system_put_str(r, "create_table_query", create_sql);
    const bool is_materialized = strcmp(t->ops->engine, "MaterializedView") == 0;
    if (t->is_view || is_materialized) system_put_str(r, "as_select", view_select(create_sql));
    system_put_str(r, "partition_key", t->partition_key_sql);
    system_put_str(r, "sorting_key", t->sorting_key_sql);
    system_put_str(r, "primary_key", t->primary_key_sql);
    system_put_str(r, "sampling_key", t->sampling_key_sql);
    system_put_text(r, "storage_policy", mt_is(t) ? "default" : "");
    system_put_str(r, "comment", t->comment);
    system_put_u64(r, "has_own_data", t->ops->scan || is_materialized);
    const fn_str path = fn_cstr(r->world->data_path);
    if (mt_has_parts(t)) system_put_strs(r, "data_paths", &path, 1);
    FN_TRY(put_totals(r, ctx, t));
    return system_row(r);
}

static fn_status system_tables_too(system_rows *r)
{
    const system_def *def;
    for (size_t i = 0; (def = system_def_at(i)); i++) {
        system_put_text(r, "database", "system");
        system_put_text(r, "name", def->name);
        system_put_text(r, "table", def->name);
        system_put_text(r, "engine", "SystemTable");
        system_put_text(r, "comment", def->about);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

static fn_status fill(system_rows *r)
{
    const fn_str database = system_hint(r, "database");
    if (!fn_str_eq(database, FN_STR("system"))) FN_TRY(r->world->tables(r->world, r->ctx, database, each, r));
    return !database.data || fn_str_eq(database, FN_STR("system")) ? system_tables_too(r) : FN_OK;
}

const system_def system_tables = {"tables", fill, "All tables, those of database system included."};
