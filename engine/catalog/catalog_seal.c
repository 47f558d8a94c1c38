/* catalog_seal.c - how the catalog knows that it is whole and that it is the newest: SQLite trusts the bytes of its pages.
 *
 * Seal. The sum, modulo 2^64 in both halves, of a 128-bit hash of every row of every table. Triggers of the connection call seal() for
 * each row that comes, goes or changes, so no statement can forget it; the transaction that changes rows stores the new sum and the next
 * generation. At start the sum over all rows must be the stored one: a lost, doubled or changed row is an error, not a shorter answer.
 *
 * Mark. After a commit its generation is also written to catalog.mark, unsynced: it survives whatever the process does, and after a
 * power cut it is at most behind. A catalog of an earlier generation than the mark is an old copy, or has lost the end of its WAL:
 * acknowledged statements are missing from it, and the sweep at start would remove their files. Such a catalog is refused.
 * A mark that is absent, short or empty says nothing: a power cut may leave it so. It is made anew then, and synced once: from there on
 * what is there before and behind a write are both whole, and lie in one sector. One of other bytes is damaged, and with it perhaps the
 * catalog: that is refused, too. It is a file of SQLite's VFS, so that it lies where the catalog does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"

#define MARK_MAGIC 0x314b52414d4e5246u /* "FRNMARK1" */

typedef struct seal_mark { /* the bytes of the file, little endian */
    uint64_t magic, generation;
    fn_hash128 checksum;   /* of the two before */
} seal_mark;

/* Every table and column there is, so that a step of the schema need not think of it. */
static const char columns_sql[] =
    "SELECT name, group_concat('OLD.' || col, ', '), group_concat('NEW.' || col, ', '), group_concat(col, ', ') FROM ("
    " SELECT m.name AS name, i.name AS col FROM main.sqlite_master m, pragma_table_info(m.name) i"
    " WHERE m.type = 'table' AND m.name <> 'seal' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, i.cid) GROUP BY name ORDER BY name";

typedef struct sealed_table {
    const char *name, *old, *fresh, *plain; /* the columns as OLD.x, NEW.x, x */
} sealed_table;

/* ---- the sum ---- */
static fn_hash128 hash_value(fn_hash128 before, sqlite3_value *value)
{
    const int type = sqlite3_value_type(value);
    const int64_t number = type == SQLITE_INTEGER ? sqlite3_value_int64(value) : 0;
    const void *bytes = type == SQLITE_INTEGER ? &number : sqlite3_value_blob(value);
    const size_t size = type == SQLITE_INTEGER ? sizeof number : bytes ? (size_t)sqlite3_value_bytes(value) : 0;
    const fn_hash128 own = fn_hash_bytes128(size ? bytes : "", size);
    const uint64_t words[] = {before.low, before.high, own.low, own.high, (uint64_t)type};
    return fn_hash_bytes128(words, sizeof words);
}

/* seal(sign, table, values...): adds or takes away a row. */
static void seal_row(sqlite3_context *s, int count, sqlite3_value **values)
{
    catalog *c = sqlite3_user_data(s);
    fn_hash128 row = {0};
    for (int i = 1; i < count; i++) row = hash_value(row, values[i]);
    const bool add = sqlite3_value_int(values[0]) > 0;
    c->seal.low += add ? row.low : 0 - row.low;
    c->seal.high += add ? row.high : 0 - row.high;
    sqlite3_result_int(s, 0);
}

static fn_status run_text(fn_ctx *ctx, catalog *c, const char *sql)
{
    FN_TRY_PTR(ctx, sql);
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? FN_OK : catalog_sql_fail(ctx, c, "seal");
}

static fn_status copy_text(fn_ctx *ctx, sqlite3_stmt *s, int column, const char **out)
{
    *out = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT, FN_STR_ARG(catalog_sql_text(s, column)));
    return *out ? FN_OK : ctx->error.code;
}

static fn_status read_tables(fn_ctx *ctx, catalog *c, sqlite3_stmt *s, sealed_table *out, size_t room, size_t *count)
{
    bool row;
    for (*count = 0;; ++*count) {
        FN_TRY(catalog_sql_step(ctx, c, s, &row));
        if (!row) return FN_OK;
        if (*count == room) return fn_fail(ctx, FN_CORRUPTED_DATA, "%s is damaged: it has tables that are not known", c->file);
        sealed_table *t = &out[*count];
        FN_TRY(copy_text(ctx, s, 0, &t->name));
        FN_TRY(copy_text(ctx, s, 1, &t->old));
        FN_TRY(copy_text(ctx, s, 2, &t->fresh));
        FN_TRY(copy_text(ctx, s, 3, &t->plain));
    }
}

typedef fn_status each_sealed(fn_ctx *ctx, catalog *c, const sealed_table *t);

static fn_status for_tables(fn_ctx *ctx, catalog *c, each_sealed *each)
{
    sealed_table tables[64];
    sqlite3_stmt *s = NULL;
    size_t count = 0;
    if (sqlite3_prepare_v2(c->db, columns_sql, -1, &s, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, "seal");
    fn_status status = read_tables(ctx, c, s, tables, FN_COUNT(tables), &count);
    (void)sqlite3_finalize(s);
    for (size_t i = 0; i < count && status == FN_OK; i++) status = each(ctx, c, &tables[i]);
    return status;
}

static fn_status add_rows(fn_ctx *ctx, catalog *c, const sealed_table *t)
{
    return run_text(ctx, c, fn_arena_printf(ctx, ctx->arena, "SELECT sum(seal(1, '%s', %s)) FROM main.%s", t->name, t->plain, t->name));
}

/* Rows that go are taken away, rows that come are added; a change is both. */
static fn_status watch(fn_ctx *ctx, catalog *c, const sealed_table *t)
{
    const char *n = t->name;
    FN_TRY(run_text(ctx, c, fn_arena_printf(ctx, ctx->arena, "CREATE TEMP TRIGGER seal_%s_add AFTER INSERT ON main.%s BEGIN SELECT seal(1, '%s', %s); END", n, n, n, t->fresh)));
    FN_TRY(run_text(ctx, c, fn_arena_printf(ctx, ctx->arena, "CREATE TEMP TRIGGER seal_%s_remove AFTER DELETE ON main.%s BEGIN SELECT seal(-1, '%s', %s); END", n, n, n, t->old)));
    return run_text(ctx, c, fn_arena_printf(ctx, ctx->arena, "CREATE TEMP TRIGGER seal_%s_change AFTER UPDATE ON main.%s BEGIN SELECT seal(-1, '%s', %s), seal(1, '%s', %s); END",
                                            n, n, n, t->old, n, t->fresh));
}

/* ---- the mark ---- */
static fn_hash128 mark_checksum(const seal_mark *m)
{
    return fn_hash_bytes128(m, offsetof(seal_mark, checksum));
}

fn_status catalog_mark_open(fn_ctx *ctx, catalog *c)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    const char *name = fn_arena_printf(ctx, c->arena, "%.*s.mark", (int)(strlen(c->file) - strlen(".sqlite")), c->file);
    sqlite3_file *f = fn_alloc_zero(ctx, (size_t)vfs->szOsFile);
    seal_mark m;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL, there = 0;
    if (!name || !f) {
        fn_free(f);
        return ctx->error.code;
    }
    if (vfs->xOpen(vfs, name, f, flags, &flags) != SQLITE_OK) {
        if (f->pMethods) f->pMethods->xClose(f);
        fn_free(f);
        return fn_fail(ctx, FN_CANNOT_OPEN_FILE, "Cannot open file %s", name);
    }
    c->mark = f;
    const int result = f->pMethods->xRead(f, &m, sizeof m, 0);
    if (result == SQLITE_IOERR_SHORT_READ) return FN_OK;
    if (result != SQLITE_OK) return fn_fail(ctx, FN_CANNOT_READ_FROM_FILE_DESCRIPTOR, "Cannot read file %s", name);
    if (memcmp(&m, &(seal_mark){0}, sizeof m) == 0) return FN_OK;
    const fn_hash128 found = mark_checksum(&m);
    if (m.magic != MARK_MAGIC || found.low != m.checksum.low || found.high != m.checksum.high)
        return fn_fail(ctx, FN_CORRUPTED_DATA, "%s is damaged: nobody knows whether the catalog beside it is the newest. To go on with it all the same remove the mark", name);
    c->mark_whole = true;
    c->marked = m.generation;
    if (c->marked && vfs->xAccess(vfs, c->file, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && !there)
        return fn_fail(ctx, FN_CORRUPTED_DATA, "%s is missing: %s says that there was one. Without it nobody knows which part files belong to which table. 'firn recover' makes it again", c->file, name);
    return FN_OK;
}

static bool write_mark(catalog *c)
{
    seal_mark m = {.magic = MARK_MAGIC, .generation = c->generation};
    m.checksum = mark_checksum(&m);
    return c->mark->pMethods->xWrite(c->mark, &m, sizeof m, 0) == SQLITE_OK;
}

void catalog_mark_begin(catalog *c)
{
    if (!c->mark || c->mark_whole) return;
    const sqlite3_io_methods *f = c->mark->pMethods;
    c->mark_whole = f->xTruncate(c->mark, 0) == SQLITE_OK && f->xSync(c->mark, SQLITE_SYNC_NORMAL) == SQLITE_OK && write_mark(c) &&
                    f->xSync(c->mark, SQLITE_SYNC_NORMAL) == SQLITE_OK;
    if (c->mark_whole) return;
    fn_log(FN_LOG_WARN, "catalog", "%s goes without its mark: an old copy would not be noticed", c->file);
    catalog_mark_close(c);
}

void catalog_mark_close(catalog *c)
{
    if (c->mark) c->mark->pMethods->xClose(c->mark);
    fn_free(c->mark);
    c->mark = NULL;
}

/* ---- transactions ---- */
static fn_status read_seal(fn_ctx *ctx, catalog *c)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->db, "SELECT generation, low, high FROM seal WHERE id = 1", -1, &s, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, "seal");
    const bool row = sqlite3_step(s) == SQLITE_ROW;
    if (row) {
        c->generation = (uint64_t)sqlite3_column_int64(s, 0);
        c->sealed = (fn_hash128){.low = (uint64_t)sqlite3_column_int64(s, 1), .high = (uint64_t)sqlite3_column_int64(s, 2)};
    }
    (void)sqlite3_finalize(s);
    return row ? FN_OK : fn_fail(ctx, FN_CORRUPTED_DATA, "%s is damaged: it has no seal", c->file);
}

fn_status catalog_seal_check(fn_ctx *ctx, catalog *c, bool sealed)
{
    if (sqlite3_create_function(c->db, "seal", -1, SQLITE_UTF8, c, seal_row, NULL, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, "seal");
    if (sealed) FN_TRY(read_seal(ctx, c));
    if (c->generation < c->marked)
        return fn_fail(ctx, FN_CORRUPTED_DATA,
                       "%s is an old copy, or its end was lost: it knows %llu of the %llu changes that were made. With it, acknowledged rows would be missing and their files be "
                       "removed. To go on with it all the same remove catalog.mark", c->file, (unsigned long long)c->generation, (unsigned long long)c->marked);
    if (!sealed) return FN_OK;
    FN_TRY(for_tables(ctx, c, add_rows));
    if (c->seal.low == c->sealed.low && c->seal.high == c->sealed.high) return FN_OK;
    return fn_fail(ctx, FN_CORRUPTED_DATA, "%s is damaged: its rows are not those that were written", c->file);
}

fn_status catalog_seal_open(fn_ctx *ctx, catalog *c, bool changed)
{
    if (changed) {
        c->seal = (fn_hash128){0};
        FN_TRY(for_tables(ctx, c, add_rows));
        c->sealed = c->seal;
        FN_TRY(run_text(ctx, c, fn_arena_printf(ctx, ctx->arena, "INSERT OR REPLACE INTO seal (id, generation, low, high) VALUES (1, %lld, %lld, %lld)",
                                                (long long)c->generation, (long long)c->seal.low, (long long)c->seal.high)));
    }
    return for_tables(ctx, c, watch);
}

void catalog_seal_begin(catalog *c)
{
    c->seal = c->sealed;
}

fn_status catalog_seal_store(fn_ctx *ctx, catalog *c)
{
    if (c->seal.low == c->sealed.low && c->seal.high == c->sealed.high) return FN_OK;
    return catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_SEAL, "uuu", c->generation + 1, c->seal.low, c->seal.high));
}

void catalog_seal_committed(catalog *c)
{
    if (c->seal.low == c->sealed.low && c->seal.high == c->sealed.high) return;
    c->sealed = c->seal;
    c->generation++;
    if (!c->mark) return;
    (void)write_mark(c); /* without it the catalog is as good, an old copy is not noticed */
}
