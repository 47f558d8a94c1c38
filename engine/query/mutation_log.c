/* mutation_log.c - see mutation_log.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/mutation_log.h"
#include "catalog/catalog.h"
#include <firn/time.h>
#include <stdio.h>

enum { KEPT = 100 }; /* finished ones of a table: ClickHouse's finished_mutations_to_keep */

struct mutation_entry {
    mutation_entry *next;
    char uuid[37], id[40], query_id[128];
    char *database, *table, *command, *reason; /* reason: NULL unless it failed */
    uint64_t number;
    int64_t created_s, ended_s; /* ended_s 0: under way */
    fn_status code;
    bool killed;
};

struct mutation_log {
    pthread_mutex_t lock;
    mutation_entry *first, **last; /* oldest first */
};

fn_status mutation_log_open(fn_ctx *ctx, fn_engine *engine)
{
    struct mutation_log *l = fn_alloc_zero(ctx, sizeof *l);
    FN_TRY_PTR(ctx, l);
    l->last = &l->first;
    FN_ASSERT(pthread_mutex_init(&l->lock, NULL) == 0);
    engine->mutations = l;
    return FN_OK;
}

static void free_entry(mutation_entry *e)
{
    fn_free(e->database);
    fn_free(e->table);
    fn_free(e->command);
    fn_free(e->reason);
    fn_free(e);
}

void mutation_log_close(fn_engine *engine)
{
    struct mutation_log *l = engine->mutations;
    if (!l) return;
    for (mutation_entry *e = l->first, *next; e; e = next) {
        next = e->next;
        free_entry(e);
    }
    (void)pthread_mutex_destroy(&l->lock);
    fn_free(l);
    engine->mutations = NULL;
}

static void lock(struct mutation_log *l)
{
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
}

static void unlock(struct mutation_log *l)
{
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
}

/* Under the lock. */
static void take_off(struct mutation_log *l, mutation_entry *gone)
{
    mutation_entry **at = &l->first;
    while (*at != gone) at = &(*at)->next;
    *at = gone->next;
    if (l->last == &gone->next) l->last = at;
    free_entry(gone);
}

static void drop_oldest(struct mutation_log *l, const char *uuid)
{
    unsigned count = 0;
    mutation_entry *oldest = NULL;
    for (mutation_entry *e = l->first; e; e = e->next) {
        if (!e->ended_s || strcmp(e->uuid, uuid) != 0) continue;
        if (!oldest) oldest = e;
        count++;
    }
    if (count > KEPT) take_off(l, oldest);
}

static char *copy_text(fn_str s)
{
    char *copy = fn_alloc(&(fn_ctx){.arena = NULL}, s.size + 1);
    if (!copy) return NULL;
    if (s.size) memcpy(copy, s.data, s.size);
    copy[s.size] = '\0';
    return copy;
}

fn_status mutation_log_begin(query *q, const table *t, uint64_t number, fn_str command, mutation_entry **out)
{
    struct mutation_log *l = q->engine->mutations;
    fn_str database, name;
    FN_TRY(table_name(q->ctx, t, &database, &name));
    mutation_entry *e = fn_alloc_zero(&(fn_ctx){.arena = NULL}, sizeof *e);
    if (!e) return fn_fail_memory(q->ctx, sizeof *e);
    *e = (mutation_entry){.database = copy_text(database), .table = copy_text(name), .command = copy_text(command), .number = number,
                          .created_s = fn_clock_realtime_ns() / 1000000000};
    if (!e->database || !e->table || !e->command) {
        free_entry(e);
        return fn_fail_memory(q->ctx, command.size);
    }
    memcpy(e->uuid, t->uuid, sizeof e->uuid);
    (void)snprintf(e->id, sizeof e->id, "mutation_%llu.txt", (unsigned long long)number);
    (void)snprintf(e->query_id, sizeof e->query_id, "%s", q->process->id);
    lock(l);
    *l->last = e;
    l->last = &e->next;
    unlock(l);
    *out = e;
    return FN_OK;
}

/* The entry is still there: only those that are over are taken off by others. */
fn_status mutation_log_end(query *q, mutation_entry *e, fn_status status)
{
    struct mutation_log *l = q->engine->mutations;
    fn_ctx *ctx = q->ctx;
    char id[sizeof e->id], uuid[sizeof e->uuid];
    char *reason = status == FN_OK ? NULL : fn_arena_printf(ctx, ctx->arena, "Code: %d. DB::Exception: %s. (%s)", (int)status, ctx->error.text, fn_error_name(status));
    char *kept = reason ? copy_text(fn_cstr(reason)) : NULL;
    memcpy(id, e->id, sizeof id);
    memcpy(uuid, e->uuid, sizeof uuid);
    lock(l);
    const bool killed = e->killed;
    e->ended_s = fn_clock_realtime_ns() / 1000000000;
    e->code = status;
    e->reason = kept;
    if (status == FN_TABLE_UUID_MISMATCH || killed) take_off(l, e);
    else drop_oldest(l, uuid);
    unlock(l);
    if (status == FN_OK || status == FN_TABLE_UUID_MISMATCH) return status;
    if (!killed && (status == FN_QUERY_WAS_CANCELLED || status == FN_TIMEOUT_EXCEEDED || status == FN_MEMORY_LIMIT_EXCEEDED || status == FN_UNKNOWN_TABLE)) return status;
    fn_error_clear(ctx);
    if (killed) return fn_fail(ctx, FN_UNFINISHED, "Mutation %s was killed", id);
    return fn_fail(ctx, FN_UNFINISHED, "Exception happened during execution of mutation '%s' reason: '%s'. Nothing has changed, and the mutation is over", id, reason ? reason : "");
}

/* ---- looking ---- */

/* Does the name still mean the table? */
static bool is_there(const catalog_names *names, const mutation_entry *e)
{
    const catalog_entry *found = catalog_names_table(names, fn_cstr(e->database), fn_cstr(e->table));
    return found && strcmp(found->table->uuid, e->uuid) == 0;
}

static fn_status copy_row(fn_ctx *ctx, const mutation_entry *e, system_mutation *row)
{
    const char *const from[] = {e->database, e->table, e->id, e->command, e->reason ? e->reason : ""};
    fn_str *const to[] = {&row->database, &row->table, &row->id, &row->command, &row->reason};
    for (size_t i = 0; i < FN_COUNT(from); i++) FN_TRY(fn_arena_str(ctx, ctx->arena, fn_cstr(from[i]), to[i]));
    row->number = e->number;
    row->created_s = e->created_s;
    row->ended_s = e->ended_s;
    row->code = e->code;
    row->killed = e->killed;
    return FN_OK;
}

fn_status mutation_log_each(fn_ctx *ctx, fn_engine *engine, system_each_mutation *each, void *self)
{
    struct mutation_log *l = engine->mutations;
    catalog_names *names = catalog_names_get(engine->catalog);
    fn_status status = FN_OK;
    uint32_t count = 0, room = 0;
    lock(l);
    for (const mutation_entry *e = l->first; e; e = e->next) room++;
    system_mutation *rows = FN_NEW_ARRAY(ctx, system_mutation, room + 1);
    if (!rows) status = ctx->error.code;
    for (const mutation_entry *e = l->first; e && status == FN_OK; e = e->next)
        if (is_there(names, e)) status = copy_row(ctx, e, &rows[count++]);
    unlock(l);
    catalog_names_drop(names);
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = each(self, ctx, &rows[i]);
    return status;
}

bool mutation_log_kill(fn_engine *engine, fn_str database, fn_str name, fn_str id)
{
    struct mutation_log *l = engine->mutations;
    char query_id[sizeof l->first->query_id] = "";
    bool found = false;
    lock(l);
    for (mutation_entry *e = l->first, *next; e; e = next) {
        next = e->next;
        if (!fn_str_eq(fn_cstr(e->id), id) || !fn_str_eq(fn_cstr(e->table), name) || !fn_str_eq(fn_cstr(e->database), database)) continue;
        found = true;
        e->killed = !e->ended_s;
        if (e->killed) memcpy(query_id, e->query_id, sizeof query_id);
        else take_off(l, e);
    }
    unlock(l);
    if (query_id[0]) (void)process_kill(&engine->processes, fn_cstr(query_id), false);
    return found;
}
