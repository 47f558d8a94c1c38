/* run_undrop.c - UNDROP TABLE, and the end of dropped tables.
 *
 * A dropped table with parts keeps its rows in the catalog, marked with the time, and stays an object among catalog_names.dropped; so
 * it does over a restart. UNDROP gives it its name back. When database_atomic_delay_before_drop_table_sec have passed its rows go,
 * and its files with the last reader. SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"
#include "query/definition.h"
#include "query/dropped.h"
#include "query/result.h"
#include <firn/time.h>

bool dropped_keeps(query *q, bool sync, fn_str database)
{
    fn_str at_once;
    if (sync || !q->engine->drop_delay_s) return false;
    if (settings_get(q->ctx, &q->settings, FN_STR("database_atomic_wait_for_drop_and_detach_synchronously"), &at_once) != FN_OK) {
        fn_error_clear(q->ctx);
    } else if (fn_str_eq(at_once, FN_STR("1"))) {
        return false;
    }
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_database *d = catalog_names_database(names, database);
    const bool atomic = d && fn_str_eq(d->engine, FN_STR("Atomic"));
    catalog_names_drop(names);
    return atomic;
}

static void purge(fn_engine *engine, table *t)
{
    fn_ctx ctx = {.arena = NULL};
    bool done = false;
    const catalog_action action = {.kind = CATALOG_PURGE_TABLE, .table = t, .done = &done};
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return; /* the next look tries again */
    if (catalog_apply(&ctx, engine->catalog, &action, 1) != FN_OK) fn_log(FN_LOG_WARN, "dropped", "table %s cannot be removed yet: %s", t->uuid, ctx.error.text);
    else if (done) mt_table_forget(t);
    fn_arena_free(ctx.arena);
}

void dropped_purge(fn_engine *engine)
{
    const int64_t until_s = fn_clock_realtime_ns() / 1000000000 - (int64_t)engine->drop_delay_s;
    catalog_names *names = catalog_names_get(engine->catalog);
    for (uint32_t i = 0; i < names->dropped_count; i++)
        if (names->dropped[i].dropped_s <= until_s) purge(engine, names->dropped[i].table);
    catalog_names_drop(names);
}

fn_status run_undrop(query *q, const ast_statement *s)
{
    catalog_action action = {.kind = CATALOG_UNDROP_TABLE};
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    FN_TRY(query_name(q, &s->name, &action.database, &action.name));
    if (!action.database.size) action.database = q->database;
    if (s->text.size) {
        action.uuid = fn_arena_copy(q->ctx, q->ctx->arena, s->text.data, s->text.size);
        FN_TRY_PTR(q->ctx, action.uuid);
    }
    FN_TRY(catalog_apply(q->ctx, q->engine->catalog, &action, 1));
    return result_none(q);
}
