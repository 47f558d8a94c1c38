/* async_insert.c - see async_insert.h. One thread writes the queue; it is started by the first insert that waits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/async_insert.h"
#include "table/mergetree/mergetree.h"
#include <firn/time.h>

static const uint64_t QUEUE_BYTES_MAX = (uint64_t)64 << 20;
enum { TEXT_MAX = 200 };

typedef struct entry {
    struct entry *next;
    mt_parked *rows;
    int64_t first_us; /* realtime */
    char format[32], query_id[128], text[TEXT_MAX];
    char database[256], table[256];
} entry;

struct async_queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* for the thread */
    pthread_cond_t written; /* a batch is done */
    entry *first, **last;
    uint32_t count;
    uint64_t bytes;         /* of waiting and of those being written */
    int64_t due_ns;         /* monotonic; when `first` must be written */
    bool now, stop, running;
    uint64_t added, done;   /* numbers of inserts */
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

/* ---- writing ---- */
static void lost(void *self, const mt_parked *p, const char *why)
{
    (void)self;
    fn_log(FN_LOG_ERROR, "async insert", "rows for table %s are lost: %s", mt_parked_table(p)->uuid, why);
}

static void write_batch(entry *list, uint32_t count)
{
    mt_parked **parked = fn_alloc(&(fn_ctx){.arena = NULL}, sizeof *parked * (count + 1));
    uint32_t n = 0;
    for (entry *e = list; e; e = e->next) {
        if (parked) parked[n++] = e->rows;
        else mt_parked_commit(&e->rows, 1, lost, NULL);
    }
    if (parked) mt_parked_commit(parked, n, lost, NULL);
    fn_free(parked);
    for (entry *e = list, *next; e; e = next) {
        next = e->next;
        mt_parked_free(e->rows);
        fn_free(e);
    }
}

/* Under the lock, which is given up meanwhile. */
static void write_all(async_queue *q)
{
    entry *list = q->first;
    const uint32_t count = q->count;
    const uint64_t bytes = q->bytes;
    q->first = NULL;
    q->last = &q->first;
    q->count = 0;
    q->now = false;
    unlock(q);
    write_batch(list, count);
    lock(q);
    q->bytes -= bytes;
    q->done += count;
    FN_ASSERT(pthread_cond_broadcast(&q->written) == 0);
}

static void *work(void *self)
{
    async_queue *q = self;
    lock(q);
    while (!q->stop || q->first) {
        if (!q->first) {
            q->now = false;
            FN_ASSERT(pthread_cond_wait(&q->wake, &q->lock) == 0);
        } else if (!q->now && !q->stop && fn_clock_monotonic_ns() < q->due_ns) {
            const struct timespec until = {q->due_ns / 1000000000, q->due_ns % 1000000000};
            (void)pthread_cond_timedwait(&q->wake, &q->lock, &until);
        } else {
            write_all(q);
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
    fn_free(q);
}

void async_queue_flush(async_queue *q)
{
    lock(q);
    const uint64_t wanted = q->added;
    while (q->done < wanted) {
        q->now = true;
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

static fn_status describe(entry *e, const query *q, const char *format)
{
    fn_str database, name;
    FN_TRY(table_name(q->ctx, mt_parked_table(e->rows), &database, &name));
    e->first_us = fn_clock_realtime_ns() / 1000;
    keep_text(e->format, sizeof e->format, fn_cstr(format));
    keep_text(e->query_id, sizeof e->query_id, fn_cstr(q->process->id));
    keep_text(e->text, sizeof e->text, (fn_str){q->request->sql.data, FN_MIN(q->statement->data_offset, q->request->sql.size)});
    keep_text(e->database, sizeof e->database, database);
    keep_text(e->table, sizeof e->table, name);
    return FN_OK;
}

/* False: there is no room. Under the lock. */
static bool append(async_queue *q, entry *e, const fn_settings *s)
{
    const uint64_t bytes = mt_parked_bytes(e->rows);
    if (q->stop || q->bytes + bytes > QUEUE_BYTES_MAX) return false;
    if (!q->running) q->running = pthread_create(&q->thread, NULL, work, q) == 0;
    if (!q->running) return false;
    if (!q->first) q->due_ns = fn_clock_monotonic_ns() + (int64_t)FN_MIN(s->async_insert_busy_timeout_max_ms, (uint64_t)3600000) * 1000000;
    *q->last = e;
    q->last = &e->next;
    q->count++;
    q->added++;
    q->bytes += bytes;
    q->now |= q->bytes >= s->async_insert_max_data_size || q->count >= s->async_insert_max_query_number;
    FN_ASSERT(pthread_cond_signal(&q->wake) == 0);
    return true;
}

fn_status async_insert_add(query *q, table_writer *const *writers, uint32_t count, const char *format, bool *queued)
{
    mt_parked *rows;
    *queued = false;
    FN_TRY(mt_park(writers, count, q->ctx, &rows));
    if (!rows) return FN_OK;
    entry *e = fn_alloc_zero(&(fn_ctx){.arena = NULL}, sizeof *e);
    fn_status status = FN_OK;
    if (e) {
        e->rows = rows;
        status = describe(e, q, format);
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

/* ---- looking ---- */
static fn_status copy_row(fn_ctx *ctx, const entry *e, async_row *row)
{
    const char *const from[] = {e->text, e->query_id, e->format, e->database, e->table};
    fn_str *const to[] = {&row->query, &row->query_id, &row->format, &row->database, &row->table};
    for (size_t i = 0; i < FN_COUNT(from); i++) FN_TRY(fn_arena_str(ctx, ctx->arena, fn_str_trim(fn_cstr(from[i])), to[i]));
    row->first_us = e->first_us;
    row->bytes = mt_parked_bytes(e->rows);
    return FN_OK;
}

fn_status async_queue_rows(fn_ctx *ctx, async_queue *q, async_row **out, size_t *count)
{
    fn_status status = FN_OK;
    *count = 0;
    lock(q);
    *out = FN_NEW_ARRAY(ctx, async_row, FN_MAX(q->count, 1u));
    if (!*out) status = ctx->error.code;
    for (const entry *e = q->first; e && status == FN_OK; e = e->next) status = copy_row(ctx, e, &(*out)[(*count)++]);
    unlock(q);
    return status;
}
