/* catalog_parts.c - the live parts of every table: mt_catalog over SQLite, block numbers, states of tables.
 *
 * Block numbers are counted in memory; next_block in SQLite is raised by the commit that adds parts with them. A number that
 * was given but never committed has left no trace, so it may be given again after a restart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"

/* ---- states ---- */
static uint32_t bucket_of(const char *uuid)
{
    return (uint32_t)(fn_hash_bytes(uuid, strlen(uuid), 0) % STATE_BUCKETS);
}

table_state *state_find(catalog *c, const char *uuid)
{
    FN_ASSERT(pthread_mutex_lock(&c->states_lock) == 0);
    table_state *s = c->states[bucket_of(uuid)];
    while (s && strcmp(s->uuid, uuid) != 0) s = s->next;
    FN_ASSERT(pthread_mutex_unlock(&c->states_lock) == 0);
    return s;
}

fn_status state_add(fn_ctx *ctx, catalog *c, const char *uuid, int64_t id, uint64_t next_block, table_state **out)
{
    FN_ASSERT(pthread_mutex_lock(&c->states_lock) == 0);
    table_state *s = fn_arena_alloc_zero(ctx, c->arena, sizeof *s);
    if (s) {
        memcpy(s->uuid, uuid, sizeof s->uuid);
        s->id = id;
        atomic_store(&s->next_block, FN_MAX(next_block, 1u));
        s->next = c->states[bucket_of(uuid)];
        c->states[bucket_of(uuid)] = s;
    }
    FN_ASSERT(pthread_mutex_unlock(&c->states_lock) == 0);
    *out = s;
    return s ? FN_OK : ctx->error.code;
}

/* ---- rows ---- */
static bool read_words(sqlite3_stmt *s, int column, uint64_t out[2])
{
    const void *bytes = sqlite3_column_blob(s, column);
    if (!bytes || sqlite3_column_bytes(s, column) != 16) return false;
    memcpy(out, bytes, 16);
    return true;
}

fn_status catalog_part_row(fn_ctx *ctx, sqlite3_stmt *s, int first, mt_part_row *out)
{
    uint64_t file[2], sum[2], mask[2];
    if (!read_words(s, first + 3, file) || !read_words(s, first + 4, sum) || !read_words(s, first + 13, mask))
        return fn_fail(ctx, FN_CORRUPTED_DATA, "A part's row in the catalog is damaged");
    *out = (mt_part_row){.file = {file[0], file[1]},
                         .checksum = {sum[0], sum[1]},
                         .min_block = (uint64_t)sqlite3_column_int64(s, first + 5),
                         .max_block = (uint64_t)sqlite3_column_int64(s, first + 6),
                         .level = (uint32_t)sqlite3_column_int64(s, first + 7),
                         .rows = (uint64_t)sqlite3_column_int64(s, first + 8),
                         .bytes = (uint64_t)sqlite3_column_int64(s, first + 9),
                         .raw_bytes = (uint64_t)sqlite3_column_int64(s, first + 10),
                         .created_s = sqlite3_column_int64(s, first + 11),
                         .deleted_rows = (uint64_t)sqlite3_column_int64(s, first + 12),
                         .delete_mask = {mask[0], mask[1]}};
    FN_TRY(fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, first), &out->name));
    FN_TRY(fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, first + 1), &out->partition_id));
    FN_TRY(fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, first + 2), &out->partition));
    return sqlite3_column_count(s) > first + 14 ? fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, first + 14), &out->reason) : FN_OK;
}

fn_status catalog_read_parts(fn_ctx *ctx, catalog *c, catalog_sql which, int64_t table_id, mt_part_row **out, size_t *count)
{
    sqlite3_stmt *s = catalog_sql_bind(c, which, "i", table_id);
    size_t capacity = 0;
    *out = NULL;
    *count = 0;
    for (bool row = true;;) {
        FN_TRY(catalog_sql_step(ctx, c, s, &row));
        if (!row) return FN_OK;
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 32;
            mt_part_row *grown = FN_NEW_ARRAY(ctx, mt_part_row, capacity);
            FN_TRY_PTR(ctx, grown);
            if (*count) memcpy(grown, *out, sizeof *grown * *count);
            *out = grown;
        }
        FN_TRY(catalog_part_row(ctx, s, 1, &(*out)[(*count)++]));
    }
}

/* ---- changes ---- */
typedef struct part_work {
    catalog_work base;
    const mt_change *changes;
    size_t count;
    mt_committed *done;
    void *done_self;
} part_work;

static fn_status add_part(fn_ctx *ctx, catalog *c, catalog_sql which, int64_t table_id, const mt_part_row *p)
{
    sqlite3_stmt *s = catalog_sql_bind(c, which, which == SQL_PART_ADD ? "itttbbuuuuuuiub" : "itttbbuuuuuuiubt", table_id, p->name, p->partition_id,
                                       p->partition, p->file.high, p->file.low, p->checksum.low, p->checksum.high, p->min_block, p->max_block,
                                       (uint64_t)p->level, p->rows, p->bytes, p->raw_bytes, p->created_s, p->deleted_rows, p->delete_mask.high,
                                       p->delete_mask.low, p->reason);
    return catalog_sql_run(ctx, c, s);
}

static fn_status remove_part(fn_ctx *ctx, catalog *c, catalog_sql which, int64_t table_id, fn_str name)
{
    FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, which, "it", table_id, name)));
    if (sqlite3_changes(c->db) == 1) return FN_OK;
    return fn_fail(ctx, FN_NO_SUCH_DATA_PART, "The part " FN_STR_FMT " is not in the catalog any more", FN_STR_ARG(name));
}

static fn_status has_row(fn_ctx *ctx, catalog *c, const table_state *state, bool *out)
{
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_TABLE_BY_ID, "i", state->id);
    FN_TRY(catalog_sql_step(ctx, c, s, out));
    (void)sqlite3_reset(s);
    return FN_OK;
}

static fn_status change_table(fn_ctx *ctx, catalog *c, const mt_change *change)
{
    table_state *state = state_find(c, change->table_uuid);
    uint64_t next = 0;
    for (size_t i = 0; i < change->add_count; i++) next = FN_MAX(next, change->add[i].max_block + 1);
    if (state) FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_TABLE_BLOCK, "ui", next, state->id)));
    if (!state || sqlite3_changes(c->db) == 0) {
        /* A table that is gone gives its parts back: their rows are gone already. One that is dropped and may come back is left alone. */
        bool waits = false;
        if (state) FN_TRY(has_row(ctx, c, state, &waits));
        return change->add_count + change->detach_count == 0 && !waits ? FN_OK : fn_fail(ctx, FN_TABLE_IS_DROPPED, "The table was dropped while it was changed");
    }
    for (size_t i = 0; i < change->remove_count; i++) FN_TRY(remove_part(ctx, c, SQL_PART_REMOVE, state->id, change->remove[i]));
    for (size_t i = 0; i < change->take_back_count; i++) FN_TRY(remove_part(ctx, c, SQL_DETACHED_PART_REMOVE, state->id, change->take_back[i]));
    if (change->forget_count || change->forget_partition) FN_TRY(catalog_inserts_forget(ctx, c, state, change));
    if (change->id_count) FN_TRY(catalog_inserts_check(ctx, c, state, change));
    for (size_t i = 0; i < change->add_count; i++)
        if (!change->skipped || !change->skipped[i]) FN_TRY(add_part(ctx, c, SQL_PART_ADD, state->id, &change->add[i]));
    for (size_t i = 0; i < change->detach_count; i++) FN_TRY(add_part(ctx, c, SQL_DETACHED_PART_ADD, state->id, &change->detach[i]));
    return FN_OK;
}

/* A statement that found its tables before an EXCHANGE, RENAME or DROP that is committed by now has to look again. */
static fn_status check_claims(fn_ctx *ctx, const catalog_names *names)
{
    for (const table_claim *claim = ctx->claims; claim; claim = claim->next) {
        const catalog_entry *e = catalog_names_table(names, claim->database, claim->name);
        if (e && e->table == claim->table) continue;
        return fn_fail(ctx, FN_TABLE_UUID_MISMATCH, "Table " FN_STR_FMT "." FN_STR_FMT " is another one meanwhile", FN_STR_ARG(claim->database), FN_STR_ARG(claim->name));
    }
    return FN_OK;
}

static fn_status run_changes(catalog *c, catalog_work *work)
{
    const part_work *w = (const part_work *)work;
    FN_TRY(check_claims(work->ctx, c->base_names));
    for (size_t i = 0; i < w->count; i++) FN_TRY(change_table(work->ctx, c, &w->changes[i]));
    return FN_OK;
}

static void changes_committed(catalog_work *work)
{
    const part_work *w = (const part_work *)work;
    if (w->done) w->done(w->done_self);
}

/* Nothing is to be written: the statement has happened if its names still mean what they did when it looked. */
static fn_status commit_nothing(fn_ctx *ctx, catalog *c)
{
    if (!ctx->claims) return FN_OK;
    catalog_names *names = catalog_names_get(c);
    const fn_status status = check_claims(ctx, names);
    catalog_names_drop(names);
    return status;
}

static fn_status commit(mt_catalog *self, fn_ctx *ctx, const mt_change *changes, size_t count, mt_committed *done, void *done_self)
{
    if (count == 0) return commit_nothing(ctx, (catalog *)self);
    part_work work = {.base = {.run = run_changes, .committed = changes_committed, .writes = true},
                      .changes = changes, .count = count, .done = done, .done_self = done_self};
    return catalog_do(ctx, (catalog *)self, &work.base);
}

static fn_status block_numbers(mt_catalog *self, fn_ctx *ctx, const char *uuid, uint64_t count, uint64_t *first)
{
    table_state *state = state_find((catalog *)self, uuid);
    if (!state) return fn_fail(ctx, FN_TABLE_IS_DROPPED, "The table was dropped while it was written");
    *first = atomic_fetch_add(&state->next_block, count);
    return FN_OK;
}

typedef struct file_work {
    catalog_work base;
    fn_part_id *files;
    size_t count, capacity;
} file_work;

static fn_status run_files(catalog *c, catalog_work *work)
{
    file_work *w = (file_work *)work;
    fn_ctx *ctx = work->ctx;
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_PART_FILES, "");
    for (bool row = true;;) {
        uint64_t words[2];
        FN_TRY(catalog_sql_step(ctx, c, s, &row));
        if (!row) return FN_OK;
        if (!read_words(s, 0, words)) return fn_fail(ctx, FN_CORRUPTED_DATA, "A part's row in the catalog is damaged");
        if (w->count == w->capacity) {
            w->capacity = w->capacity ? w->capacity * 2 : 256;
            fn_part_id *grown = FN_NEW_ARRAY(ctx, fn_part_id, w->capacity);
            FN_TRY_PTR(ctx, grown);
            if (w->count) memcpy(grown, w->files, sizeof *grown * w->count);
            w->files = grown;
        }
        w->files[w->count++] = (fn_part_id){words[0], words[1]};
    }
}

static fn_status files(mt_catalog *self, fn_ctx *ctx, fn_part_id **out, size_t *count)
{
    file_work work = {.base = {.run = run_files}};
    work.files = FN_NEW_ARRAY(ctx, fn_part_id, 1); /* never NULL */
    FN_TRY_PTR(ctx, work.files);
    FN_TRY(catalog_do(ctx, (catalog *)self, &work.base));
    *out = work.files;
    *count = work.count;
    return FN_OK;
}

const mt_catalog catalog_part_functions = {.commit = commit, .block_numbers = block_numbers, .files = files};
