/* async_insert.c - see async_insert.h. One thread writes the queue; it is started by the first insert that waits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/async_insert.h"
#include "catalog/catalog.h"
#include "query/async_log.h"
#include "query/async_timer.h"
#include "query/insert_identity.h"
#include "table/mergetree/mergetree.h"
#include <firn/time.h>
#include <stdio.h>

static const uint64_t QUEUE_BYTES_MAX = (uint64_t)64 << 20;
enum { TEXT_MAX = 200, WRITER_BYTES = 1024, GROUPS_BACK = 64 };

typedef struct entry {
    struct entry *next;
    mt_parked *rows;
    int64_t first_us; /* realtime */
    uint64_t data_bytes, row_count, number;
    int64_t timeout_ms;
    bool wanted;      /* a flush waits for it */
    char *exception;  /* NULL: it is written */
    char format[32], query_id[128], text[TEXT_MAX];
    char database[256], table[256];
} entry;

struct async_queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* for the thread */
    pthread_cond_t written; /* a batch is done */
    entry *first, **last, *writing;
    uint32_t count;
    uint64_t data_bytes;    /* sent with what waits */
    uint64_t memory;        /* of waiting and of those being written */
    int64_t due_ns;         /* monotonic; when `first` must be written */
    bool now, some, stop, running; /* some: wanted ones are among them */
    uint64_t added;         /* numbers of inserts */
    async_timer timer;
    async_log *log;
    pthread_t thread;
};

static void lock(async_queue *q)
{
    FN_ASSERT(pthread_mutex_lock(&q->lock) == 0);
}

static void unlock(async_queue *q)
{
    FN_ASSERT(pthread_mutex_unlock(&q->lock) == 0);
}

/* What an insert takes while it waits. */
static uint64_t entry_memory(const entry *e)
{
    return mt_parked_bytes(e->rows) + sizeof *e + WRITER_BYTES;
}

/* ---- writing ---- */
/* NULL without memory. */
static char *exception_text(const fn_error *error)
{
    const size_t room = strlen(error->text) + 100;
    char *text = fn_alloc(&(fn_ctx){.arena = NULL}, room);
    if (text) (void)snprintf(text, room, "Code: %d. DB::Exception: %s. (%s)", (int)error->code, error->text, fn_error_name(error->code));
    return text;
}

static void lost(void *self, const mt_parked *p, const fn_error *why)
{
    fn_log(FN_LOG_ERROR, "async insert", "rows for table %s are lost: %s", mt_parked_table(p)->uuid, why->text);
    for (entry *e = self; e; e = e->next)
        if (e->rows == p) e->exception = exception_text(why);
}

static void log_entry(async_log *log, const entry *e, const char *flush_id)
{
    const system_insert_log_row row = {.query = fn_str_trim(fn_cstr(e->text)), .database = fn_cstr(e->database), .table = fn_cstr(e->table),
                                       .format = fn_cstr(e->format), .query_id = fn_cstr(e->query_id), .bytes = e->data_bytes, .rows = e->row_count,
                                       .exception = fn_cstr(e->exception ? e->exception : ""), .outcome = e->exception ? ASYNC_FLUSH_ERROR : ASYNC_OK,
                                       .event_us = e->first_us, .flush_us = fn_clock_realtime_ns() / 1000, .flush_query_id = fn_cstr(flush_id),
                                       .timeout_ms = (uint64_t)e->timeout_ms};
    async_log_add(log, &row);
}

static void write_batch(async_log *log, entry *list, uint32_t count)
{
    char flush_id[37];
    mt_parked **parked = fn_alloc(&(fn_ctx){.arena = NULL}, sizeof *parked * (count + 1));
    uint32_t n = 0;
    catalog_make_uuid(flush_id);
    for (entry *e = list; e; e = e->next) {
        if (parked) parked[n++] = e->rows;
        else mt_parked_commit(&e->rows, 1, lost, list);
    }
    if (parked) mt_parked_commit(parked, n, lost, list);
    fn_free(parked);
    for (const entry *e = list; e; e = e->next) log_entry(log, e, flush_id);
}

static void free_batch(entry *list)
{
    for (entry *e = list, *next; e; e = next) {
        next = e->next;
        mt_parked_free(e->rows);
        fn_free(e->exception);
        fn_free(e);
    }
}

/* Under the lock: takes the wanted ones, or all, off the queue. */
static uint32_t take(async_queue *q, bool all, uint64_t *memory)
{
    uint32_t taken = 0;
    entry **to = &q->writing;
    *memory = 0;
    q->last = &q->first;
    while (*q->last) {
        entry *e = *q->last;
        if (!all && !e->wanted) {
            q->last = &e->next;
            continue;
        }
        *q->last = e->next;
        e->next = NULL;
        *to = e;
        to = &e->next;
        taken++;
        q->data_bytes -= e->data_bytes;
        *memory += entry_memory(e);
    }
    q->count -= taken;
    return taken;
}

/* Under the lock, which is given up meanwhile. */
static void write_some(async_queue *q, bool all)
{
    uint64_t memory;
    const uint32_t count = take(q, all, &memory);
    entry *const list = q->writing;
    q->some = false;
    if (all) q->now = false;
    unlock(q);
    write_batch(q->log, list, count);
    lock(q);
    async_timer_flushed(&q->timer, fn_clock_monotonic_ns());
    q->writing = NULL;
    q->memory -= memory;
    FN_ASSERT(pthread_cond_broadcast(&q->written) == 0);
    unlock(q);
    free_batch(list);
    lock(q);
}

static void *work(void *self)
{
    async_queue *q = self;
    lock(q);
    while (!q->stop || q->first) {
        if (!q->first) {
            q->now = q->some = false;
            FN_ASSERT(pthread_cond_wait(&q->wake, &q->lock) == 0);
        } else if (q->now || q->stop || fn_clock_monotonic_ns() >= q->due_ns) {
            write_some(q, true);
        } else if (q->some) {
            write_some(q, false);
        } else {
            const struct timespec until = {q->due_ns / 1000000000, q->due_ns % 1000000000};
            (void)pthread_cond_timedwait(&q->wake, &q->lock, &until);
        }
    }
    unlock(q);
    return NULL;
}

/* ---- the queue ---- */
fn_status async_queue_open(fn_ctx *ctx, async_queue **out)
{
    async_queue *q = fn_alloc_zero(ctx, sizeof *q);
    pthread_condattr_t clock;
    FN_TRY_PTR(ctx, q);
    const fn_status status = async_log_open(ctx, &q->log);
    if (status != FN_OK) {
        fn_free(q);
        return status;
    }
    q->last = &q->first;
    FN_ASSERT(pthread_condattr_init(&clock) == 0 && pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0);
    FN_ASSERT(pthread_mutex_init(&q->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&q->wake, &clock) == 0);
    FN_ASSERT(pthread_cond_init(&q->written, NULL) == 0);
    (void)pthread_condattr_destroy(&clock);
    *out = q;
    return FN_OK;
}

void async_queue_close(async_queue *q)
{
    if (!q) return;
    lock(q);
    q->stop = true;
    FN_ASSERT(pthread_cond_broadcast(&q->wake) == 0);
    unlock(q);
    if (q->running) FN_ASSERT(pthread_join(q->thread, NULL) == 0);
    (void)pthread_cond_destroy(&q->written);
    (void)pthread_cond_destroy(&q->wake);
    (void)pthread_mutex_destroy(&q->lock);
    async_log_close(q->log);
    fn_free(q);
}

static bool is_of(const entry *e, const async_table *tables, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (fn_str_eq(fn_cstr(e->table), tables[i].name) && fn_str_eq(fn_cstr(e->database), tables[i].database)) return true;
    return count == 0;
}

/* Under the lock: is one up to that number still to be written? Those that wait become wanted. */
static bool want(async_queue *q, const async_table *tables, uint32_t count, uint64_t last)
{
    bool any = false;
    for (entry *e = q->first; e; e = e->next) {
        if (e->number > last || !is_of(e, tables, count)) continue;
        e->wanted = any = q->some = true;
    }
    for (const entry *e = q->writing; e; e = e->next) any |= e->number <= last && is_of(e, tables, count);
    return any;
}

void async_queue_flush(async_queue *q, const async_table *tables, uint32_t count)
{
    lock(q);
    const uint64_t last = q->added;
    while (want(q, tables, count, last)) {
        FN_ASSERT(pthread_cond_signal(&q->wake) == 0);
        FN_ASSERT(pthread_cond_wait(&q->written, &q->lock) == 0);
    }
    unlock(q);
}

static void keep_text(char *to, size_t room, fn_str from)
{
    const size_t n = FN_MIN(from.size, room - 1);
    if (n) memcpy(to, from.data, n);
    to[n] = '\0';
}

static fn_str statement_text(const query *q)
{
    return (fn_str){q->request->sql.data, FN_MIN(q->statement->data_offset, q->request->sql.size)};
}

static fn_status describe(entry *e, const query *q, const async_data *data)
{
    fn_str database, name, text;
    FN_TRY(table_name(q->ctx, mt_parked_table(e->rows), &database, &name));
    FN_TRY(sql_hide_secrets(q->ctx, statement_text(q), &text));
    e->first_us = fn_clock_realtime_ns() / 1000;
    e->data_bytes = data->bytes;
    e->row_count = data->rows;
    keep_text(e->format, sizeof e->format, fn_cstr(data->format));
    keep_text(e->query_id, sizeof e->query_id, fn_cstr(q->process->id));
    keep_text(e->text, sizeof e->text, text);
    keep_text(e->database, sizeof e->database, database);
    keep_text(e->table, sizeof e->table, name);
    return FN_OK;
}

/* False: there is no room. Under the lock. */
static bool append(async_queue *q, entry *e, const fn_settings *s)
{
    const uint64_t memory = entry_memory(e);
    bool at_once;
    if (q->stop || q->memory + memory > QUEUE_BYTES_MAX) return false;
    if (!q->running) q->running = pthread_create(&q->thread, NULL, work, q) == 0;
    if (!q->running) return false;
    const int64_t now_ns = fn_clock_monotonic_ns(), timeout_ms = async_timer_insert(&q->timer, s, now_ns, &at_once), due_ns = now_ns + timeout_ms * 1000000;
    if (!q->first || due_ns < q->due_ns) q->due_ns = due_ns;
    e->timeout_ms = timeout_ms;
    e->number = ++q->added;
    *q->last = e;
    q->last = &e->next;
    q->count++;
    q->data_bytes += e->data_bytes;
    q->memory += memory;
    q->now |= at_once || q->data_bytes >= s->async_insert_max_data_size || (insert_identity_enabled(s, true) && q->count >= s->async_insert_max_query_number);
    FN_ASSERT(pthread_cond_signal(&q->wake) == 0);
    return true;
}

fn_status async_insert_add(query *q, table_writer *const *writers, uint32_t count, const async_data *data, bool *queued)
{
    mt_parked *rows;
    *queued = false;
    if (data->bytes > q->settings.async_insert_max_data_size) return FN_OK;
    FN_TRY(mt_park(writers, count, q->ctx, &rows));
    if (!rows) return FN_OK;
    entry *e = fn_alloc_zero(&(fn_ctx){.arena = NULL}, sizeof *e);
    fn_status status = FN_OK;
    if (e) {
        e->rows = rows;
        status = describe(e, q, data);
    }
    if (e && status == FN_OK) {
        lock(q->engine->inserts);
        *queued = append(q->engine->inserts, e, &q->settings);
        unlock(q->engine->inserts);
    }
    if (*queued) return FN_OK;
    mt_parked_free(rows);
    fn_free(e);
    return status;
}

void async_insert_note(query *q, const table *t, const async_data *data, async_outcome outcome)
{
    fn_ctx own = {.arena = q->ctx->arena};
    fn_str database, name, text;
    if (data->bytes > q->settings.async_insert_max_data_size) return; /* an insert as any other */
    if (table_name(&own, t, &database, &name) != FN_OK || sql_hide_secrets(&own, statement_text(q), &text) != FN_OK) return;
    char *exception = outcome == ASYNC_OK ? NULL : exception_text(&q->ctx->error);
    const int64_t now_us = fn_clock_realtime_ns() / 1000;
    const system_insert_log_row row = {.query = fn_str_trim((fn_str){text.data, FN_MIN(text.size, (size_t)TEXT_MAX - 1)}), .database = database, .table = name,
                                       .format = fn_cstr(data->format), .query_id = fn_cstr(q->process->id), .bytes = data->bytes, .rows = data->rows,
                                       .exception = fn_cstr(exception ? exception : ""), .outcome = outcome, .event_us = q->process->started_real_ns / 1000,
                                       .flush_us = now_us, .flush_query_id = fn_cstr(q->process->id)};
    async_log_add(q->engine->inserts->log, &row);
    fn_free(exception);
}

/* ---- looking ---- */
typedef struct waiting_group {
    system_waiting_insert row;
    const entry *first; /* while the lock is held */
} waiting_group;

static bool is_alike(const entry *a, const entry *b)
{
    return strcmp(a->text, b->text) == 0 && strcmp(a->table, b->table) == 0 && strcmp(a->database, b->database) == 0 && strcmp(a->format, b->format) == 0;
}

/* Those with the same statement are one row; looked for among the last groups only, so that many statements cost no square. Under the lock. */
static uint32_t group_entries(const async_queue *q, waiting_group *groups, uint32_t *group_of)
{
    uint32_t count = 0, i = 0;
    for (const entry *e = q->first; e; e = e->next) {
        const uint32_t oldest = count > GROUPS_BACK ? count - GROUPS_BACK : 0;
        uint32_t g = count;
        while (g > oldest && !is_alike(groups[g - 1].first, e)) g--;
        if (g == oldest) {
            groups[count] = (waiting_group){.first = e};
            g = ++count;
        }
        groups[g - 1].row.entries++;
        group_of[i++] = g - 1;
    }
    return count;
}

static fn_status describe_group(fn_ctx *ctx, waiting_group *g)
{
    const entry *e = g->first;
    const char *const from[] = {e->text, e->format, e->database, e->table};
    fn_str *const to[] = {&g->row.query, &g->row.format, &g->row.database, &g->row.table};
    for (size_t i = 0; i < FN_COUNT(from); i++) FN_TRY(fn_arena_str(ctx, ctx->arena, fn_str_trim(fn_cstr(from[i])), to[i]));
    g->row.first_us = e->first_us;
    g->row.query_ids = FN_NEW_ARRAY(ctx, fn_str, g->row.entries);
    g->row.entry_bytes = FN_NEW_ARRAY(ctx, int64_t, g->row.entries);
    g->row.entries = 0;
    return g->row.query_ids && g->row.entry_bytes ? FN_OK : ctx->error.code;
}

/* Under the lock. */
static fn_status gather(fn_ctx *ctx, const async_queue *q, waiting_group **out, uint32_t *count)
{
    const uint32_t room = FN_MAX(q->count, 1u);
    uint32_t *group_of = FN_NEW_ARRAY(ctx, uint32_t, room), i = 0;
    *out = FN_NEW_ARRAY(ctx, waiting_group, room);
    if (!group_of || !*out) return ctx->error.code;
    *count = group_entries(q, *out, group_of);
    for (uint32_t g = 0; g < *count; g++) FN_TRY(describe_group(ctx, &(*out)[g]));
    for (const entry *e = q->first; e; e = e->next) {
        system_waiting_insert *row = &(*out)[group_of[i++]].row;
        FN_TRY(fn_arena_str(ctx, ctx->arena, fn_cstr(e->query_id), &row->query_ids[row->entries]));
        row->entry_bytes[row->entries++] = (int64_t)e->data_bytes;
        row->bytes += e->data_bytes;
    }
    return FN_OK;
}

fn_status async_queue_each(fn_ctx *ctx, async_queue *q, system_each_waiting_insert *each, void *self)
{
    waiting_group *groups;
    uint32_t count = 0;
    lock(q);
    fn_status status = gather(ctx, q, &groups, &count);
    unlock(q);
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = each(self, ctx, &groups[i].row);
    return status;
}

fn_status async_queue_log_each(fn_ctx *ctx, async_queue *q, system_each_insert_log_row *each, void *self)
{
    return async_log_each(ctx, q->log, each, self);
}
