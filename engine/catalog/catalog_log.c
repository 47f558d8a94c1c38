/* catalog_log.c - the catalog's second life: store/catalog.log, beside the part files, from which `firn recover` makes the catalog again.
 *
 * The log is SQL: the statements that make the rows of one day, and behind every commit what the commit did, with its values in
 * it. Part files alone would not do: they do not know what their table is called, which columns it has, which tables share them
 * (REPLACE PARTITION FROM) or whether they were dropped.
 *
 * A frame is "#<bytes> <XXH3-128 of them>\n", the bytes, "\n"; the first frame is of the whole catalog. The bytes end with a comment, the
 * generation and the seal (catalog_seal.c) of the catalog behind the frame. Appends are not synced before the answer: the catalog itself is
 * what makes a commit durable. The log is synced once a second and so lacks at most what a power cut and the loss of the catalog in
 * the same second take together.
 *
 * At a start a log whose frames are whole and whose last one has the catalog's generation and seal is gone on with. Any other one is
 * written anew, and so is one that has grown far beyond the catalog: by the leader behind a commit, never within a transaction, whose
 * rows may yet go back. After a start that is behind the first change, or a second later, so that it keeps nobody from an answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"
#include <firn/file.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANEW_FROM = 64 << 20, ANEW_FACTOR = 8, FRAME_MAX = 1 << 30, REUSE_MAX = 16 << 20, STAMP_ROOM = 96 };

struct catalog_log {
    fn_fs *fs;
    fn_file *file;          /* NULL: the last attempt to write it failed */
    const char *path, *beside, *dir;
    uint64_t size, base_size;
    fn_buf pending;         /* statements of the transaction under way */
    bool dirty;             /* appended to since the last sync */
    bool owed;              /* not written since the start: with the first change at the latest */
    bool anew;              /* to be written anew behind this commit */
};

/* ---- frames ---- */
static fn_status frame_head(fn_ctx *ctx, fn_str body, fn_buf *out)
{
    const fn_hash128 h = fn_hash_bytes128(body.data, body.size);
    return fn_buf_printf(ctx, out, "#%zu %016" PRIx64 "%016" PRIx64 "\n", body.size, h.high, h.low);
}

/* What the last line of a frame says: which catalog it leads to. */
static void stamp(const catalog *c, char out[STAMP_ROOM])
{
    (void)snprintf(out, STAMP_ROOM, "-- seal %" PRIu64 " %016" PRIx64 "%016" PRIx64 "\n", c->generation, c->sealed.high, c->sealed.low);
}

static fn_status put_stamp(fn_ctx *ctx, const catalog *c, fn_buf *body)
{
    char text[STAMP_ROOM];
    stamp(c, text);
    return fn_buf_cstr(ctx, body, text);
}

static fn_status append_frame(fn_ctx *ctx, struct catalog_log *l, fn_file *file, uint64_t *at, fn_str body)
{
    fn_buf frame = FN_BUF_INIT;
    fn_status status = frame_head(ctx, body, &frame);
    if (status == FN_OK) status = fn_buf_append(ctx, &frame, body.data, body.size);
    if (status == FN_OK) status = fn_buf_byte(ctx, &frame, '\n');
    if (status == FN_OK) status = l->fs->write(l->fs, ctx, file, *at, frame.data, frame.size);
    *at += frame.size;
    fn_buf_release(&frame);
    return status;
}

/* ---- the whole catalog as statements ---- */
static fn_status put_bytes(fn_ctx *ctx, sqlite3_stmt *s, int column, fn_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = sqlite3_column_blob(s, column);
    const size_t size = (size_t)sqlite3_column_bytes(s, column);
    FN_TRY(fn_buf_cstr(ctx, out, "x'"));
    FN_TRY(fn_buf_reserve(ctx, out, 2 * size));
    char *to = out->data + out->size;
    for (size_t i = 0; i < size; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    out->size += 2 * size;
    return fn_buf_byte(ctx, out, '\'');
}

static fn_status put_value(fn_ctx *ctx, sqlite3_stmt *s, int column, fn_buf *out)
{
    switch (sqlite3_column_type(s, column)) {
    case SQLITE_INTEGER: return fn_buf_i64(ctx, out, sqlite3_column_int64(s, column));
    case SQLITE_NULL: return fn_buf_cstr(ctx, out, "NULL");
    case SQLITE_BLOB: return put_bytes(ctx, s, column, out);
    }
    const fn_str text = catalog_sql_text(s, column);
    if (text.size && memchr(text.data, 0, text.size)) { /* would end the statement */
        FN_TRY(fn_buf_cstr(ctx, out, "CAST("));
        FN_TRY(put_bytes(ctx, s, column, out));
        return fn_buf_cstr(ctx, out, " AS TEXT)");
    }
    FN_TRY(fn_buf_byte(ctx, out, '\''));
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'') FN_TRY(fn_buf_byte(ctx, out, '\''));
        FN_TRY(fn_buf_byte(ctx, out, text.data[i]));
    }
    return fn_buf_byte(ctx, out, '\'');
}

/* With the names of the columns: a later schema has more of them. */
static fn_status put_columns(fn_ctx *ctx, sqlite3_stmt *s, const char *name, fn_buf *out)
{
    FN_TRY(fn_buf_printf(ctx, out, "INSERT INTO %s (", name));
    for (int i = 0; i < sqlite3_column_count(s); i++) FN_TRY(fn_buf_printf(ctx, out, "%s%s", i ? ", " : "", sqlite3_column_name(s, i)));
    return fn_buf_cstr(ctx, out, ") VALUES (");
}

static fn_status put_row(fn_ctx *ctx, sqlite3_stmt *s, fn_str columns, fn_buf *out)
{
    FN_TRY(fn_buf_append(ctx, out, columns.data, columns.size));
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(put_value(ctx, s, i, out));
    }
    return fn_buf_cstr(ctx, out, ");\n");
}

static fn_status put_rows(fn_ctx *ctx, catalog *c, const char *name, fn_buf *out)
{
    sqlite3_stmt *s = NULL;
    fn_buf columns = FN_BUF_INIT;
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", name);
    if (sqlite3_prepare_v2(c->db, sql, -1, &s, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, sql);
    fn_status status = put_columns(ctx, s, name, &columns);
    int result = status == FN_OK ? sqlite3_step(s) : SQLITE_DONE;
    for (; result == SQLITE_ROW && status == FN_OK; result = sqlite3_step(s)) status = put_row(ctx, s, fn_buf_view(&columns), out);
    if (status == FN_OK && result != SQLITE_DONE) status = catalog_sql_fail(ctx, c, sql);
    (void)sqlite3_finalize(s);
    fn_buf_release(&columns);
    return status;
}

static fn_status dump(fn_ctx *ctx, catalog *c, fn_buf *out)
{
    /* sqlite_sequence: tables get the numbers they would have got here. */
    static const char *const tables[] = {"databases", "tables", "parts", "detached_parts", "insert_ids", "sqlite_sequence"};
    FN_TRY(fn_buf_cstr(ctx, out, "DELETE FROM databases;\n"));
    for (size_t i = 0; i < FN_COUNT(tables); i++) {
        if (i + 1 == FN_COUNT(tables)) FN_TRY(fn_buf_cstr(ctx, out, "DELETE FROM sqlite_sequence;\n"));
        FN_TRY(put_rows(ctx, c, tables[i], out));
    }
    return FN_OK;
}

static void give_up(struct catalog_log *l, const fn_ctx *why)
{
    fn_log(FN_LOG_WARN, "catalog", "%s lags behind until it can be written anew: %s", l->path, why->error.text);
    if (l->file) l->fs->close(l->fs, l->file);
    l->file = NULL;
}

/* Beside, synced, then renamed: there is always a whole one. */
static fn_status write_anew(fn_ctx *ctx, catalog *c)
{
    struct catalog_log *l = c->log;
    fn_buf all = FN_BUF_INIT;
    fn_file *file;
    uint64_t size = 0;
    FN_TRY(l->fs->remove(l->fs, ctx, l->beside));
    FN_TRY(l->fs->open(l->fs, ctx, l->beside, FN_OPEN_READ | FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE, &file));
    fn_status status = dump(ctx, c, &all);
    if (status == FN_OK) status = put_stamp(ctx, c, &all);
    if (status == FN_OK) status = append_frame(ctx, l, file, &size, fn_buf_view(&all));
    if (status == FN_OK) status = l->fs->sync(l->fs, ctx, file);
    if (status == FN_OK) status = l->fs->rename(l->fs, ctx, l->beside, l->path);
    if (status == FN_OK) status = l->fs->sync_dir(l->fs, ctx, l->dir);
    fn_buf_release(&all);
    if (status != FN_OK) {
        l->fs->close(l->fs, file);
        return status;
    }
    if (l->file) l->fs->close(l->fs, l->file);
    l->file = file;
    l->size = l->base_size = size;
    l->dirty = false;
    return FN_OK;
}

/* ---- by the leader ---- */
void catalog_log_note(catalog *c, sqlite3_stmt *s)
{
    fn_ctx own = {.arena = NULL};
    const char first = *sqlite3_sql(s);
    if (!c->log || (first != 'I' && first != 'U' && first != 'D') || s == c->statements[SQL_SEAL]) return; /* INSERT, UPDATE, DELETE of rows */
    c->log->anew |= c->log->owed;
    if (!c->log->file) return;
    char *sql = sqlite3_expanded_sql(s);
    fn_status status = sql ? fn_buf_cstr(&own, &c->log->pending, sql) : fn_fail_memory(&own, 0);
    if (status == FN_OK) status = fn_buf_cstr(&own, &c->log->pending, ";\n");
    sqlite3_free(sql);
    if (status != FN_OK) give_up(c->log, &own);
}

size_t catalog_log_mark(const catalog *c)
{
    return c->log ? c->log->pending.size : 0;
}

void catalog_log_back(catalog *c, size_t mark)
{
    if (c->log) c->log->pending.size = FN_MIN(mark, c->log->pending.size);
}

void catalog_log_commit(catalog *c)
{
    struct catalog_log *l = c->log;
    fn_ctx own = {.arena = NULL};
    if (!l || (!l->pending.size && !l->anew)) return;
    fn_status status = FN_OK;
    if (l->file && l->pending.size) {
        status = put_stamp(&own, c, &l->pending);
        if (status == FN_OK) status = append_frame(&own, l, l->file, &l->size, fn_buf_view(&l->pending));
        l->dirty = true;
        l->anew |= l->size > FN_MAX((uint64_t)ANEW_FROM, ANEW_FACTOR * l->base_size);
    }
    l->pending.size = 0;
    if (status == FN_OK && l->anew) status = write_anew(&own, c);
    l->anew = l->owed = false;
    if (status != FN_OK) give_up(l, &own);
}

/* ---- opening, syncing, closing ---- */
typedef struct log_work {
    catalog_work base;
} log_work;

/* The frame at *at. False: there is no whole one. */
static bool next_frame(fn_str log, size_t *at, fn_str *body);

/* Does the log lead to this catalog? *base: bytes of its first frame. */
static bool leads_here(const catalog *c, fn_str log, uint64_t *base)
{
    char wanted[STAMP_ROOM];
    size_t at = 0;
    fn_str body = {NULL, 0};
    *base = 0;
    while (next_frame(log, &at, &body))
        if (!*base) *base = at;
    stamp(c, wanted);
    const size_t size = strlen(wanted);
    return at == log.size && body.size >= size && memcmp(body.data + body.size - size, wanted, size) == 0;
}

/* Goes on with the log that is there, if it is the catalog's. What cannot be read is written anew, not an error. */
static void reuse(catalog *c)
{
    struct catalog_log *l = c->log;
    fn_ctx own = {.arena = NULL};
    fn_file *file;
    fn_buf bytes = FN_BUF_INIT;
    uint64_t base = 0;
    if (l->fs->open(l->fs, &own, l->path, FN_OPEN_READ | FN_OPEN_WRITE, &file) != FN_OK) return;
    const uint64_t size = fn_fs_file_size(file);
    bool good = size && size <= REUSE_MAX && fn_buf_reserve(&own, &bytes, (size_t)size) == FN_OK &&
                l->fs->read(l->fs, &own, file, &(fn_range){.offset = 0, .size = (size_t)size, .out = (uint8_t *)bytes.data}, 1) == FN_OK;
    good = good && leads_here(c, (fn_str){bytes.data, (size_t)size}, &base);
    fn_buf_release(&bytes);
    if (!good) {
        l->fs->close(l->fs, file);
        return;
    }
    l->file = file;
    l->size = size;
    l->base_size = base;
    l->dirty = true; /* whoever wrote its end may not have lived to sync it */
}

static fn_status run_open(catalog *c, catalog_work *work)
{
    (void)work;
    reuse(c);
    c->log->owed = !c->log->file;
    return FN_OK;
}

static fn_status run_sync(catalog *c, catalog_work *work)
{
    struct catalog_log *l = c->log;
    l->anew |= !l->file;
    if (!l->file || !l->dirty) return FN_OK;
    l->dirty = false;
    return l->fs->sync(l->fs, work->ctx, l->file);
}

fn_status catalog_log_open(fn_ctx *ctx, catalog *c, fn_fs *fs, const char *root)
{
    log_work work = {.base = {.run = run_open}};
    struct catalog_log *l = fn_arena_alloc_zero(ctx, c->arena, sizeof *l);
    FN_TRY_PTR(ctx, l);
    l->fs = fs;
    l->dir = fn_arena_printf(ctx, c->arena, "%s/store", root);
    l->path = fn_arena_printf(ctx, c->arena, "%s/store/" CATALOG_LOG, root);
    l->beside = fn_arena_printf(ctx, c->arena, "%s/store/" CATALOG_LOG ".tmp", root);
    if (!l->dir || !l->path || !l->beside) return ctx->error.code;
    FN_TRY(fs->make_dir(fs, ctx, l->dir));
    FN_TRY(fs->sync_dir(fs, ctx, root));
    c->log = l;
    return catalog_do(ctx, c, &work.base);
}

void catalog_log_sync(catalog *c)
{
    fn_ctx own = {.arena = NULL};
    log_work work = {.base = {.run = run_sync}};
    if (c->log && catalog_do(&own, c, &work.base) != FN_OK) give_up(c->log, &own);
}

void catalog_log_close(catalog *c)
{
    if (!c->log) return;
    if (c->log->file) c->log->fs->close(c->log->fs, c->log->file);
    fn_buf_release(&c->log->pending);
    c->log = NULL;
}

/* ---- replay ---- */
static bool next_frame(fn_str log, size_t *at, fn_str *body)
{
    char text[96];
    const char *end = *at < log.size ? memchr(log.data + *at, '\n', log.size - *at) : NULL;
    const size_t head = end ? (size_t)(end - log.data) - *at : 0;
    if (!end || head >= sizeof text || log.data[*at] != '#') return false;
    memcpy(text, log.data + *at, head);
    text[head] = 0;
    char *rest;
    const unsigned long long size = strtoull(text + 1, &rest, 10);
    const size_t from = *at + head + 1;
    if (*rest != ' ' || strlen(rest + 1) != 32 || size > FRAME_MAX || size >= log.size - from || log.data[from + size] != '\n') return false;
    *body = (fn_str){log.data + from, (size_t)size};
    char wanted[40];
    const fn_hash128 h = fn_hash_bytes128(body->data, body->size);
    (void)snprintf(wanted, sizeof wanted, "%016" PRIx64 "%016" PRIx64, h.high, h.low);
    if (strcmp(wanted, rest + 1) != 0) return false;
    *at = from + (size_t)size + 1;
    return true;
}

typedef struct replay_work {
    catalog_work base;
    fn_str log;
    catalog_replayed *out;
} replay_work;

/* In the one transaction of the work: the seal counts what comes. */
static fn_status run_replay(catalog *c, catalog_work *work)
{
    const replay_work *w = (const replay_work *)work;
    fn_ctx *ctx = work->ctx;
    size_t at = 0;
    fn_str body;
    while (next_frame(w->log, &at, &body)) {
        const char *sql = fn_arena_copy(ctx, ctx->arena, body.data, body.size);
        FN_TRY_PTR(ctx, sql);
        if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, "a commit of the log cannot be repeated");
        w->out->frames++;
    }
    w->out->bytes_left = w->log.size - at;
    return w->out->frames ? FN_OK : fn_fail(ctx, FN_CORRUPTED_DATA, "The log of the catalog is damaged at its beginning");
}

fn_status catalog_log_replay(fn_ctx *ctx, catalog *c, fn_str log, catalog_replayed *out)
{
    *out = (catalog_replayed){.frames = 0};
    replay_work work = {.base = {.run = run_replay, .writes = true}, .log = log, .out = out};
    return catalog_do(ctx, c, &work.base);
}

/* ---- looking ---- */
typedef struct part_list_work {
    catalog_work base;
    catalog_each_part *each;
    void *self;
} part_list_work;

static fn_status run_each_part(catalog *c, catalog_work *work)
{
    const part_list_work *w = (const part_list_work *)work;
    fn_ctx *ctx = work->ctx;
    static const catalog_sql lists[] = {SQL_PARTS, SQL_DETACHED_PARTS};
    for (size_t i = 0; i < FN_COUNT(lists); i++) {
        sqlite3_stmt *s = catalog_sql_bind(c, lists[i], "");
        for (bool row = true;;) {
            mt_part_row part;
            FN_TRY(catalog_sql_step(ctx, c, s, &row));
            if (!row) break;
            FN_TRY(catalog_part_row(ctx, s, 1, &part));
            FN_TRY(w->each(w->self, ctx, sqlite3_column_int64(s, 0), &part));
        }
    }
    return FN_OK;
}

fn_status catalog_parts_each(fn_ctx *ctx, catalog *c, catalog_each_part *each, void *self)
{
    part_list_work work = {.base = {.run = run_each_part}, .each = each, .self = self};
    return catalog_do(ctx, c, &work.base);
}

typedef struct table_list_work {
    catalog_work base;
    catalog_each_table *each;
    void *self;
} table_list_work;

static fn_status run_each_table(catalog *c, catalog_work *work)
{
    const table_list_work *w = (const table_list_work *)work;
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_TABLES, "");
    for (bool row = true;;) {
        FN_TRY(catalog_sql_step(work->ctx, c, s, &row));
        if (!row) return FN_OK;
        FN_TRY(w->each(w->self, work->ctx, sqlite3_column_int64(s, 0), catalog_sql_text(s, 2), catalog_sql_text(s, 3)));
    }
}

fn_status catalog_tables_each(fn_ctx *ctx, catalog *c, catalog_each_table *each, void *self)
{
    table_list_work work = {.base = {.run = run_each_table}, .each = each, .self = self};
    return catalog_do(ctx, c, &work.base);
}
