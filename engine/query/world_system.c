/* world_system.c - what the system tables look at (system_world): names of the catalog, sessions' temporary tables, running
 * statements, the query log, lists of this layer. SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"
#include "exec/group_dict.h"
#include "query/async_insert.h"
#include "query/backup.h"
#include "query/counters.h"
#include "query/definition.h"
#include "query/mutation_log.h"
#include "query/query.h"
#include "query/query_log.h"
#include "query/table_function.h"
#include <firn/parquet.h>
#include <firn/time.h>
#include <sys/resource.h>

static query *query_of(system_world *w)
{
    return ((query_system_world *)w)->query;
}

static fn_status databases(system_world *w, fn_ctx *ctx, system_each_database *each, void *self)
{
    catalog_names *names = catalog_names_get(query_of(w)->engine->catalog);
    const system_database own = {.name = FN_STR("system"), .engine = FN_STR("Atomic"), .comment = FN_STR("What the server knows of itself")};
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < names->count && status == FN_OK; i++) {
        const catalog_database *d = &names->databases[i];
        const system_database row = {d->name, d->engine, fn_cstr(d->uuid), d->comment};
        status = each(self, ctx, &row);
    }
    catalog_names_drop(names);
    static const char *const standard[] = {"INFORMATION_SCHEMA", "information_schema"};
    for (size_t i = 0; i < FN_COUNT(standard) && status == FN_OK; i++) {
        const system_database row = {.name = fn_cstr(standard[i]), .engine = FN_STR("Memory")};
        status = each(self, ctx, &row);
    }
    return status == FN_OK ? each(self, ctx, &own) : status;
}

static fn_status tables(system_world *w, fn_ctx *ctx, fn_str database, system_each_table *each, void *self)
{
    query *q = query_of(w);
    catalog_names *names = catalog_names_get(q->engine->catalog);
    fn_status status = FN_OK;
    FN_ASSERT(pthread_rwlock_rdlock(&q->engine->texts_lock) == 0); /* `each` makes rows of what is in memory */
    for (uint32_t d = 0; d < names->count; d++) {
        if (database.size && !fn_str_eq(database, names->databases[d].name)) continue;
        for (uint32_t i = 0; i < names->databases[d].count && status == FN_OK; i++) {
            const fn_str name = names->databases[d].entries[i].name; /* being filled by CREATE ... AS SELECT */
            if (fn_str_starts(name, FN_STR(".tmp."))) continue;
            status = each(self, ctx, names->databases[d].entries[i].table);
        }
    }
    FN_ASSERT(pthread_rwlock_unlock(&q->engine->texts_lock) == 0);
    catalog_names_drop(names);
    for (const session_table *t = q->session->tables; t && !database.size && status == FN_OK; t = t->next) status = each(self, ctx, t->table);
    return status;
}

static fn_status backups(system_world *w, fn_ctx *ctx, system_each_backup *each, void *self)
{
    return backup_log_each(ctx, query_of(w)->engine, each, self);
}

static fn_status mutations(system_world *w, fn_ctx *ctx, system_each_mutation *each, void *self)
{
    return mutation_log_each(ctx, query_of(w)->engine, each, self);
}

static fn_status dropped(system_world *w, fn_ctx *ctx, system_each_dropped *each, void *self)
{
    const fn_engine *engine = query_of(w)->engine;
    catalog_names *names = catalog_names_get(engine->catalog);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < names->dropped_count && status == FN_OK; i++) {
        const catalog_dropped *d = &names->dropped[i];
        const system_dropped row = {.database = d->database, .name = d->name, .table = d->table, .ends_s = d->dropped_s + engine->drop_delay_s};
        status = each(self, ctx, &row);
    }
    catalog_names_drop(names);
    return status;
}

static fn_status processes(system_world *w, fn_ctx *ctx, system_each_process *each, void *self)
{
    process_row *rows;
    size_t count;
    FN_TRY(process_rows(ctx, &query_of(w)->engine->processes, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        const process_row *p = &rows[i];
        const system_process row = {.query_id = p->id, .query = p->sql, .user = p->user, .database = p->database, .address = p->address,
                                    .user_agent = p->user_agent, .interface = p->interface, .kind = fn_cstr(p->kind), .elapsed_s = p->elapsed_s,
                                    .read_rows = p->rows_read, .read_bytes = p->bytes_read, .total_rows = p->total_rows, .written_rows = p->written_rows,
                                    .written_bytes = p->written_bytes, .memory = p->memory, .peak_memory = p->peak_memory, .cancelled = p->cancelled};
        FN_TRY(each(self, ctx, &row));
    }
    return FN_OK;
}

static fn_status log_rows(system_world *w, fn_ctx *ctx, fn_str query_id, system_each_log_row *each, void *self)
{
    return query_log_each(ctx, query_of(w)->engine->log, query_id, each, self);
}

static bool table_function_row(system_world *w, size_t index, system_table_function *out)
{
    (void)w;
    const table_function *f = table_function_at(index);
    if (f) *out = (system_table_function){f->name, f->about};
    return f != NULL;
}

/* The engine's own counters, then those of temporary files. */
static bool event(const query *q, size_t index, system_counter *out)
{
    spill_counter c;
    if (counters_event(q->engine->counters, index, out)) return true;
    if (!spill_event_at(&q->engine->spill, index - counters_event_count(), &c)) return false;
    *out = (system_counter){.name = c.name, .about = c.about, .value = c.value};
    return true;
}

static bool metric(const query *q, size_t index, system_counter *out)
{
    fn_engine *e = q->engine;
    spill_counter files;
    uint64_t most;
    const uint64_t numberings = group_dict_kept_bytes(&most);
    uint32_t footers;
    const uint64_t footer_bytes = fn_parquet_cache_used(&footers);
    const system_counter own[] = {
        {.name = "Query", .about = "Statements that run.", .value = process_list_count(&e->processes)},
        {.name = "MemoryTracking", .about = "Bytes held by statements, and by what is kept for later ones.", .value = atomic_load(&e->memory.used)},
        {.name = "GroupNumberingBytes", .about = "Bytes of the numberings of dictionaries that GROUP BY keeps for later statements; part of MemoryTracking.", .value = (int64_t)numberings},
        {.name = "GroupNumberingBytesMax", .about = "What they may take at most.", .value = (int64_t)most},
        {.name = "ParquetMetadataCacheBytes", .about = "Bytes of the footers of Parquet files kept for later statements; part of MemoryTracking.", .value = (int64_t)footer_bytes},
        {.name = "ParquetMetadataCacheFiles", .about = "Parquet files whose footers are kept.", .value = footers},
    };
    if (index < FN_COUNT(own)) {
        *out = own[index];
        return true;
    }
    if (!spill_metric_at(&e->spill, index - FN_COUNT(own), &files)) return false;
    *out = (system_counter){.name = files.name, .about = files.about, .value = files.value};
    return true;
}

/* Of the process as the system sees it. */
static bool process_fact(const query *q, size_t index, system_counter *out)
{
    if (index > 1) return false;
    if (index == 0) {
        *out = (system_counter){.name = "Uptime", .about = "Seconds since the server began.",
                                .value = (fn_clock_monotonic_ns() - q->engine->started_monotonic_ns) / 1000000000};
        return true;
    }
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) != 0) return false;
    *out = (system_counter){.name = "MemoryResidentMax", .about = "Most bytes the process has had in memory.", .value = (int64_t)use.ru_maxrss * 1024};
    return true;
}

static bool counter(system_world *w, system_counter_kind kind, size_t index, system_counter *out)
{
    const query *q = query_of(w);
    switch (kind) {
    case SYSTEM_EVENT: return event(q, index, out);
    case SYSTEM_METRIC: return metric(q, index, out);
    case SYSTEM_ERROR: return counters_error(q->engine->counters, index, out);
    case SYSTEM_PROCESS: return process_fact(q, index, out);
    }
    FN_IMPOSSIBLE("kind of counter");
}

static bool table_engine_row(system_world *w, size_t index, const char **name)
{
    (void)w;
    *name = definition_engine_at(index);
    return *name != NULL;
}

static fn_status waiting_inserts(system_world *w, fn_ctx *ctx, system_each_waiting_insert *each, void *self)
{
    return async_queue_each(ctx, query_of(w)->engine->inserts, each, self);
}

static fn_status insert_log(system_world *w, fn_ctx *ctx, system_each_insert_log_row *each, void *self)
{
    return async_queue_log_each(ctx, query_of(w)->engine->inserts, each, self);
}

void query_system_world_init(query *q)
{
    fn_engine *e = q->engine;
    q->system = (query_system_world){.base = {.databases = databases, .tables = tables, .backups = backups, .mutations = mutations, .dropped = dropped, .processes = processes, .query_log = log_rows,
                                              .waiting_inserts = waiting_inserts, .insert_log = insert_log,
                                              .table_function = table_function_row, .table_engine = table_engine_row, .counter = counter,
                                              .store = e->store, .data_path = e->path ? e->path : "", .user = e->user},
                                     .query = q};
}
