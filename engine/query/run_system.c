/* run_system.c - SYSTEM commands. Only those that mean something here: each row says why doing nothing is the truth where it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/async_insert.h"
#include "query/result.h"
#include "query/ttl.h"
#include "table/mergetree/mergetree.h"
#include <firn/parquet.h>
#include <firn/part.h>

static fn_status nothing(query *q, const ast_statement *s)
{
    (void)s;
    return result_none(q);
}

/* What scans keep of part files. */
static fn_status drop_segments(query *q, const ast_statement *s)
{
    (void)s;
    fn_part_cache_clear();
    return result_none(q);
}

static fn_status drop_footers(query *q, const ast_statement *s)
{
    (void)s;
    fn_parquet_cache_clear(&q->engine->memory);
    return result_none(q);
}

/* About a table that must exist. */
static fn_status nothing_on_table(query *q, const ast_statement *s)
{
    fn_str database, name;
    table *t;
    if (!s->name.table.size) return result_none(q);
    FN_TRY(query_name(q, &s->name, &database, &name));
    FN_TRY(world_table(q, database, name, &t));
    table_drop(t);
    return result_none(q);
}

/* Of the tables named, or all; a name that means none has none, as in ClickHouse. */
static fn_status flush_inserts(query *q, const ast_statement *s)
{
    const uint32_t count = s->name.table.size ? 1 + s->rename_count : 0;
    async_table *tables = FN_NEW_ARRAY(q->ctx, async_table, FN_MAX(count, 1u));
    FN_TRY_PTR(q->ctx, tables);
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(query_name(q, i ? &s->renames[i - 1].from : &s->name, &tables[i].database, &tables[i].name));
        if (!tables[i].database.size) tables[i].database = q->database;
    }
    async_queue_flush(q->engine->inserts, tables, count);
    return result_none(q);
}

/* Of one table, or of all. The command's text says what. */
static fn_status switch_merges(query *q, const ast_statement *s)
{
    fn_str database, name;
    table *t;
    const bool stop = fn_str_starts(s->text, FN_STR("STOP")), ttl = fn_str_ends(s->text, FN_STR("TTL MERGES"));
    if (!s->name.table.size) {
        (ttl ? mt_store_stop_ttl : mt_store_stop_merges)(q->engine->store, stop);
        if (ttl && !stop) ttl_look_at_all(q->engine);
        return result_none(q);
    }
    FN_TRY(query_name(q, &s->name, &database, &name));
    FN_TRY(world_table(q, database, name, &t));
    if (mt_is(t)) (ttl ? mt_stop_ttl : mt_stop_merges)(t, stop);
    table_drop(t);
    return result_none(q);
}

static const struct {
    const char *text;
    run_fn *run;
} commands[] = {
    {"STOP MERGES", switch_merges}, {"START MERGES", switch_merges}, {"STOP TTL MERGES", switch_merges}, {"START TTL MERGES", switch_merges},
    /* Rows of the query log are visible at once. */
    {"FLUSH LOGS", nothing},
    {"FLUSH ASYNC INSERT QUEUE", flush_inserts},
    {"FLUSH DISTRIBUTED", nothing_on_table},
    {"DROP UNCOMPRESSED CACHE", drop_segments}, {"DROP PARQUET METADATA CACHE", drop_footers}, {"CLEAR PARQUET METADATA CACHE", drop_footers},
    /* There are no such caches. */
    {"DROP MARK CACHE", nothing}, {"DROP INDEX MARK CACHE", nothing},
    {"DROP INDEX UNCOMPRESSED CACHE", nothing}, {"DROP QUERY CACHE", nothing}, {"DROP DNS CACHE", nothing},
    {"DROP COMPILED EXPRESSION CACHE", nothing}, {"DROP FILESYSTEM CACHE", nothing}, {"DROP MMAP CACHE", nothing},
    {"DROP PAGE CACHE", nothing}, {"DROP SCHEMA CACHE", nothing}, {"DROP FORMAT SCHEMA CACHE", nothing},
    {"DROP QUERY CONDITION CACHE", nothing}, {"DROP S3 CLIENT CACHE", nothing}, {"DROP ICEBERG METADATA CACHE", nothing},
    {"CLEAR MARK CACHE", nothing}, {"CLEAR QUERY CACHE", nothing},
    /* Dictionaries, models and functions of users do not exist. */
    {"RELOAD DICTIONARIES", nothing}, {"RELOAD MODELS", nothing}, {"RELOAD FUNCTIONS", nothing}, {"RELOAD EMBEDDED DICTIONARIES", nothing},
    /* Replicated tables run as local ones: there is nothing to wait for. */
    {"SYNC REPLICA", nothing_on_table}, {"RESTART REPLICA", nothing_on_table}, {"RESTART REPLICAS", nothing},
    {"STOP FETCHES", nothing_on_table}, {"START FETCHES", nothing_on_table}, {"STOP REPLICATED SENDS", nothing_on_table},
    {"START REPLICATED SENDS", nothing_on_table}, {"STOP REPLICATION QUEUES", nothing_on_table}, {"START REPLICATION QUEUES", nothing_on_table},
    /* Metrics are computed when they are read. */
    {"RELOAD ASYNCHRONOUS METRICS", nothing},
};

fn_status run_system(query *q, const ast_statement *s)
{
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    for (size_t i = 0; i < FN_COUNT(commands); i++)
        if (fn_str_eq(s->text, fn_cstr(commands[i].text))) return commands[i].run(q, s);
    return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "SYSTEM " FN_STR_FMT " is not supported", FN_STR_ARG(s->text));
}
