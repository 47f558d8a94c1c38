/* query_log.c - see query_log.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/query_log.h"
#include <pthread.h>
#include <time.h>

enum { MAGIC = 0x314c5146, HEAD_BYTES = 16, PAYLOAD_MAX = 16 << 20, FILE_MAX = 128 << 20, MEMORY_MAX = 32 << 20, FLUSH_MS = 500, CHUNK_BYTES = 1 << 20 };
enum { TEXTS = 11, TEXTS_OLDEST = 9 }; /* earlier versions wrote fewer: no projections, no counts */

struct query_log {
    fn_fs *fs;
    const char *path;        /* NULL: in memory */
    const char *name, *old_name;
    fn_arena *arena;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stop;
    fn_buf pending;          /* records not yet in the file */
    uint64_t file_bytes;     /* of the current file; readers see no more */
};

/* The numbers of a row as they lie in a record. */
typedef struct log_numbers {
    uint8_t type, interface, http_method, unused;
    int32_t exception_code;
    int64_t event_us, start_us;
    uint64_t duration_ms, read_rows, read_bytes, written_rows, written_bytes, result_rows, result_bytes, memory;
} log_numbers;

/* ---- records ---- */
static void texts_of(system_log_row *row, fn_str *texts[TEXTS])
{
    fn_str *const all[TEXTS] = {&row->query_id, &row->query, &row->kind, &row->database, &row->exception, &row->user, &row->address, &row->user_agent, &row->log_comment,
                                 &row->projections, &row->counts};
    memcpy(texts, all, sizeof all);
}

static fn_status append_record(fn_ctx *ctx, const system_log_row *row, fn_buf *out)
{
    system_log_row copy = *row;
    fn_str *texts[TEXTS];
    texts_of(&copy, texts);
    const log_numbers n = {row->type, row->interface, row->http_method, 0, row->exception_code, row->event_us, row->start_us, row->duration_ms, row->read_rows,
                           row->read_bytes, row->written_rows, row->written_bytes, row->result_rows, row->result_bytes, row->memory};
    size_t payload = sizeof n;
    for (size_t i = 0; i < TEXTS; i++) payload += 4 + texts[i]->size;
    if (payload > PAYLOAD_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "A row of the query log has %zu bytes", payload);
    FN_TRY(fn_buf_reserve(ctx, out, HEAD_BYTES + payload));
    char *head = out->data + out->size, *at = head + HEAD_BYTES;
    memcpy(at, &n, sizeof n);
    at += sizeof n;
    for (size_t i = 0; i < TEXTS; i++) {
        fn_store_u32(at, (uint32_t)texts[i]->size);
        if (texts[i]->size) memcpy(at + 4, texts[i]->data, texts[i]->size);
        at += 4 + texts[i]->size;
    }
    fn_store_u32(head, MAGIC);
    fn_store_u32(head + 4, (uint32_t)payload);
    fn_store_u64(head + 8, fn_hash_bytes(head + HEAD_BYTES, payload, 0));
    out->size += HEAD_BYTES + payload;
    return FN_OK;
}

/* Decodes a payload; the texts point into it. False: not a row. */
static bool decode(fn_str payload, system_log_row *row)
{
    log_numbers n;
    fn_str *texts[TEXTS];
    if (payload.size < sizeof n) return false;
    memcpy(&n, payload.data, sizeof n);
    *row = (system_log_row){.type = n.type, .interface = n.interface, .http_method = n.http_method, .exception_code = n.exception_code, .event_us = n.event_us,
                            .start_us = n.start_us, .duration_ms = n.duration_ms, .read_rows = n.read_rows, .read_bytes = n.read_bytes,
                            .written_rows = n.written_rows, .written_bytes = n.written_bytes, .result_rows = n.result_rows, .result_bytes = n.result_bytes,
                            .memory = n.memory};
    texts_of(row, texts);
    const char *at = payload.data + sizeof n, *const end = payload.data + payload.size;
    for (size_t i = 0; i < TEXTS; i++) {
        if (i >= TEXTS_OLDEST && at == end) break;
        if (end - at < 4) return false;
        const uint32_t size = fn_load_u32(at);
        if ((size_t)(end - at) - 4 < size) return false;
        *texts[i] = (fn_str){at + 4, size};
        at += 4 + size;
    }
    return at == end;
}

/* Gives the whole records at the front of `bytes`; *used: bytes done with. Damaged stretches are skipped. */
static fn_status walk(fn_ctx *ctx, fn_str bytes, fn_str query_id, system_each_log_row *each, void *self, size_t *used)
{
    size_t at = 0;
    while (bytes.size - at >= HEAD_BYTES) {
        const char *head = bytes.data + at;
        const uint32_t size = fn_load_u32(head + 4);
        if (fn_load_u32(head) != MAGIC || size > PAYLOAD_MAX) {
            at++;
            continue;
        }
        if (bytes.size - at - HEAD_BYTES < size) break;
        system_log_row row;
        const fn_str payload = {head + HEAD_BYTES, size};
        if (fn_hash_bytes(payload.data, size, 0) != fn_load_u64(head + 8) || !decode(payload, &row)) {
            at++;
            continue;
        }
        at += HEAD_BYTES + size;
        if (!query_id.size || fn_str_eq(query_id, row.query_id)) FN_TRY(each(self, ctx, &row));
    }
    *used = at;
    return FN_OK;
}

/* ---- reading ---- */
static fn_status walk_blob(fn_ctx *ctx, fn_blob *blob, uint64_t limit, fn_str query_id, system_each_log_row *each, void *self)
{
    fn_buf buf = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint64_t at = 0; at < FN_MIN(blob->size, limit) && status == FN_OK;) {
        const size_t size = (size_t)FN_MIN((uint64_t)CHUNK_BYTES, FN_MIN(blob->size, limit) - at);
        size_t used = 0;
        status = fn_ctx_check(ctx);
        if (status == FN_OK) status = fn_buf_reserve(ctx, &buf, size);
        const fn_range range = {at, size, buf.data + buf.size};
        if (status == FN_OK) status = blob->read(blob, ctx, &range, 1);
        if (status != FN_OK) break;
        buf.size += size;
        at += size;
        status = walk(ctx, fn_buf_view(&buf), query_id, each, self, &used);
        memmove(buf.data, buf.data + used, buf.size - used);
        buf.size -= used;
    }
    fn_buf_release(&buf);
    return status;
}

static fn_status walk_file(fn_ctx *ctx, const query_log *log, const char *name, uint64_t limit, fn_str query_id, system_each_log_row *each, void *self)
{
    fn_file_info info;
    fn_blob *blob;
    FN_TRY(log->fs->stat(log->fs, ctx, name, &info));
    if (!info.exists) return FN_OK;
    FN_TRY(fn_fs_blob(log->fs, ctx, name, &blob));
    const fn_status status = walk_blob(ctx, blob, limit, query_id, each, self);
    blob->close(blob);
    return status;
}

fn_status query_log_each(fn_ctx *ctx, query_log *log, fn_str query_id, system_each_log_row *each, void *self)
{
    fn_buf copy = FN_BUF_INIT;
    size_t used;
    pthread_mutex_lock(&log->lock);
    fn_status status = fn_buf_append(ctx, &copy, log->pending.data, log->pending.size);
    const uint64_t limit = log->file_bytes;
    pthread_mutex_unlock(&log->lock);
    if (status == FN_OK && log->path) status = walk_file(ctx, log, log->old_name, UINT64_MAX, query_id, each, self);
    if (status == FN_OK && log->path) status = walk_file(ctx, log, log->name, limit, query_id, each, self);
    if (status == FN_OK) status = walk(ctx, fn_buf_view(&copy), query_id, each, self, &used);
    fn_buf_release(&copy);
    return status;
}

/* ---- writing ---- */
/* In memory the older half goes when there is too much; the walk finds the next whole record. */
static void forget_oldest(query_log *log)
{
    if (log->pending.size <= MEMORY_MAX) return;
    const size_t keep = MEMORY_MAX / 2;
    memmove(log->pending.data, log->pending.data + log->pending.size - keep, keep);
    log->pending.size = keep;
}

void query_log_add(query_log *log, const system_log_row *row)
{
    fn_ctx ctx = {.arena = NULL};
    if (!log) return;
    pthread_mutex_lock(&log->lock);
    const fn_status status = append_record(&ctx, row, &log->pending);
    forget_oldest(log);
    pthread_mutex_unlock(&log->lock);
    if (status != FN_OK) fn_log(FN_LOG_WARN, "query_log", "a row is lost: %s", ctx.error.text);
}

static fn_status write_bytes(fn_ctx *ctx, query_log *log, const fn_buf *bytes, uint64_t at)
{
    fn_file *file;
    FN_TRY(log->fs->open(log->fs, ctx, log->name, FN_OPEN_WRITE | FN_OPEN_CREATE, &file));
    const fn_status status = log->fs->write(log->fs, ctx, file, at, bytes->data, bytes->size);
    log->fs->close(log->fs, file);
    return status;
}

/* Moves the pending records into the file. The lock is held, but not during I/O; only one thread flushes at a time. */
static void flush(query_log *log)
{
    if (!log->pending.size) return;
    fn_ctx ctx = {.arena = NULL};
    fn_buf bytes = log->pending;
    uint64_t at = log->file_bytes;
    log->pending = FN_BUF_INIT;
    pthread_mutex_unlock(&log->lock);
    fn_status status = FN_OK;
    const bool turn = at > FILE_MAX;
    if (turn) status = log->fs->rename(log->fs, &ctx, log->name, log->old_name);
    if (status == FN_OK && turn) at = 0;
    if (status == FN_OK) status = write_bytes(&ctx, log, &bytes, at);
    if (status != FN_OK) fn_log(FN_LOG_WARN, "query_log", "rows are lost: %s", ctx.error.text);
    pthread_mutex_lock(&log->lock);
    log->file_bytes = at + (status == FN_OK ? bytes.size : 0);
    fn_buf_release(&bytes);
}

static void *flusher(void *arg)
{
    query_log *log = arg;
    pthread_mutex_lock(&log->lock);
    while (!log->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += FLUSH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&log->wake, &log->lock, &until);
        flush(log);
    }
    flush(log);
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

/* ---- life ---- */
static fn_status start(fn_ctx *ctx, query_log *log, const char *path)
{
    fn_file_info info;
    log->path = fn_arena_copy(ctx, log->arena, path, strlen(path));
    log->name = fn_arena_printf(ctx, log->arena, "%s/query_log.bin", path);
    log->old_name = fn_arena_printf(ctx, log->arena, "%s/query_log.old", path);
    if (!log->path || !log->name || !log->old_name) return ctx->error.code;
    FN_TRY(log->fs->stat(log->fs, ctx, log->name, &info));
    log->file_bytes = info.exists ? info.size : 0;
    if (pthread_create(&log->thread, NULL, flusher, log) != 0) return fn_fail(ctx, FN_CANNOT_SCHEDULE_TASK, "The query log's thread cannot be started");
    log->running = true;
    return FN_OK;
}

fn_status query_log_open(fn_ctx *ctx, fn_fs *fs, const char *path, query_log **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    query_log *log = fn_arena_alloc_zero(ctx, arena, sizeof *log);
    if (!log) {
        fn_arena_free(arena);
        return ctx->error.code;
    }
    log->arena = arena;
    log->fs = fs;
    FN_ASSERT(pthread_mutex_init(&log->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&log->wake, NULL) == 0);
    const fn_status status = path ? start(ctx, log, path) : FN_OK;
    if (status == FN_OK) *out = log;
    else query_log_close(log);
    return status;
}

void query_log_close(query_log *log)
{
    if (!log) return;
    if (log->running) {
        pthread_mutex_lock(&log->lock);
        log->stop = true;
        pthread_cond_signal(&log->wake);
        pthread_mutex_unlock(&log->lock);
        (void)pthread_join(log->thread, NULL);
    }
    fn_buf_release(&log->pending);
    (void)pthread_cond_destroy(&log->wake);
    (void)pthread_mutex_destroy(&log->lock);
    fn_arena_free(log->arena);
}
