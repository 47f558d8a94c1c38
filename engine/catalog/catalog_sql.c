/* catalog_sql.c - the SQLite side of the catalog: schema, prepared statements, errors.
 *
 * Durability: WAL with synchronous=FULL; the file is locked for this process (locking_mode=EXCLUSIVE), which also keeps a second
 * server off the directory. user_version is the version of the schema; a newer one than ours is refused, an older one is brought up by
 * `schema`, one step per version, in the transaction that opens the file. Damage is refused there, too, with everything left as it is:
 * SQLite's own check of the structure, catalog_seal.c for the rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"
#include <stdarg.h>
#include <stdio.h>

#define PART_FIELDS                                                                                                                        \
    "table_id INTEGER NOT NULL, name TEXT NOT NULL, partition_id TEXT NOT NULL, partition TEXT NOT NULL,"                                   \
    " file BLOB NOT NULL, checksum BLOB NOT NULL, min_block INTEGER NOT NULL, max_block INTEGER NOT NULL, level INTEGER NOT NULL,"          \
    " rows INTEGER NOT NULL, bytes INTEGER NOT NULL, raw_bytes INTEGER NOT NULL, created_s INTEGER NOT NULL, deleted_rows INTEGER NOT NULL," \
    " delete_mask BLOB NOT NULL,"
#define PART_COLUMNS                                                                                                                       \
    "name, partition_id, partition, file, checksum, min_block, max_block, level, rows, bytes, raw_bytes, created_s, deleted_rows, delete_mask"
#define OF_PART_COLUMNS                                                                                                                    \
    "p.name, p.partition_id, p.partition, p.file, p.checksum, p.min_block, p.max_block, p.level, p.rows, p.bytes, p.raw_bytes, p.created_s,"   \
    " p.deleted_rows, p.delete_mask"

/* schema[v] makes version v + 1 of version v. Never changed once released: a step is added. */
static const char *const schema[] = {
    /* 1 */
    "CREATE TABLE databases (name TEXT PRIMARY KEY, engine TEXT NOT NULL, comment TEXT NOT NULL, uuid TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE tables (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, database TEXT NOT NULL, name TEXT NOT NULL,"
    " create_sql TEXT NOT NULL, column_ids TEXT NOT NULL, next_column_id INTEGER NOT NULL, next_block INTEGER NOT NULL,"
    " created_s INTEGER NOT NULL, detached INTEGER NOT NULL);"
    "CREATE TABLE parts (" PART_FIELDS " PRIMARY KEY (table_id, name)) WITHOUT ROWID;",
    /* 2: detached parts are rows of their table; before, they were parts of a hidden table ".detached.<uuid>". Dropped tables wait
     * for their end, or for UNDROP: dropped_s is when they were dropped. */
    "CREATE TABLE detached_parts (" PART_FIELDS " reason TEXT NOT NULL, PRIMARY KEY (table_id, name)) WITHOUT ROWID;"
    "INSERT INTO detached_parts (table_id, " PART_COLUMNS ", reason) SELECT t.id, " OF_PART_COLUMNS ", ''"
    " FROM parts p JOIN tables h ON h.id = p.table_id JOIN tables t ON h.name = '.detached.' || t.uuid;"
    "DELETE FROM parts WHERE table_id IN (SELECT id FROM tables WHERE name LIKE '.detached.%');"
    "DELETE FROM tables WHERE name LIKE '.detached.%';"
    "ALTER TABLE tables ADD COLUMN dropped_s INTEGER NOT NULL DEFAULT 0;",
    /* 3: inserts that were made */
    "CREATE TABLE IF NOT EXISTS insert_ids (table_id INTEGER NOT NULL, id BLOB NOT NULL, partition_id TEXT NOT NULL, number INTEGER NOT NULL,"
    " block INTEGER NOT NULL, created_s INTEGER NOT NULL, PRIMARY KEY (table_id, id, partition_id)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS insert_numbers ON insert_ids (table_id, number);",
    /* 4: the sum over all rows, see catalog_seal.c */
    "CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL);",
};
enum { SEALED_VERSION = 4 };

#define TABLE_COLUMNS "id, uuid, database, name, create_sql, column_ids, next_column_id, next_block, created_s, detached, dropped_s"

static const char *const texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVEPOINT] = "SAVEPOINT work",
    [SQL_RELEASE] = "RELEASE work",
    [SQL_ROLLBACK_TO] = "ROLLBACK TO work",
    [SQL_DATABASES] = "SELECT name, engine, comment, uuid FROM databases ORDER BY name",
    [SQL_DATABASE_ADD] = "INSERT INTO databases (name, engine, comment, uuid) VALUES (?, ?, ?, ?)",
    [SQL_DATABASE_REMOVE] = "DELETE FROM databases WHERE name = ?",
    [SQL_DATABASE_RENAME] = "UPDATE databases SET name = ? WHERE name = ?",
    [SQL_DATABASE_TABLES_RENAME] = "UPDATE tables SET database = ? WHERE database = ?",
    [SQL_TABLES] = "SELECT " TABLE_COLUMNS " FROM tables ORDER BY id",
    [SQL_TABLE_BY_UUID] = "SELECT " TABLE_COLUMNS " FROM tables WHERE uuid = ?",
    [SQL_TABLE_ADD] = "INSERT INTO tables (uuid, database, name, create_sql, column_ids, next_column_id, next_block, created_s, detached)"
                      " VALUES (?, ?, ?, ?, ?, ?, 1, ?, 0)",
    [SQL_TABLE_REMOVE] = "DELETE FROM tables WHERE id = ?",
    [SQL_TABLE_NAME] = "UPDATE tables SET database = ?, name = ? WHERE id = ?",
    [SQL_TABLE_ALTER] = "UPDATE tables SET create_sql = ?, column_ids = ?, next_column_id = ? WHERE id = ?",
    [SQL_TABLE_DETACH] = "UPDATE tables SET detached = ? WHERE id = ?",
    [SQL_TABLE_DROPPED] = "UPDATE tables SET dropped_s = ? WHERE id = ?",
    [SQL_TABLE_BY_ID] = "SELECT 1 FROM tables WHERE id = ?",
    [SQL_TABLE_BLOCK] = "UPDATE tables SET next_block = max(next_block, ?) WHERE id = ? AND dropped_s = 0",
    [SQL_PARTS] = "SELECT table_id, " PART_COLUMNS " FROM parts ORDER BY table_id, name",
    [SQL_PARTS_OF] = "SELECT table_id, " PART_COLUMNS " FROM parts WHERE table_id = ? ORDER BY name",
    [SQL_PART_FILES] = "SELECT file FROM parts UNION ALL SELECT file FROM detached_parts",
    [SQL_PART_ADD] = "INSERT INTO parts (table_id, " PART_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_PART_REMOVE] = "DELETE FROM parts WHERE table_id = ? AND name = ?",
    [SQL_PARTS_REMOVE] = "DELETE FROM parts WHERE table_id = ?",
    [SQL_INSERT_ID] = "SELECT created_s, number FROM insert_ids WHERE table_id = ? AND id = ? AND partition_id = ?",
    [SQL_INSERT_ID_ADD] = "INSERT OR IGNORE INTO insert_ids (table_id, id, partition_id, number, block, created_s) VALUES (?, ?, ?, ?, ?, ?)",
    [SQL_INSERT_ID_REMOVE] = "DELETE FROM insert_ids WHERE table_id = ? AND id = ? AND partition_id = ?",
    [SQL_INSERT_ID_LAST] = "SELECT coalesce(max(number), 0) FROM insert_ids WHERE table_id = ?",
    [SQL_INSERT_IDS_TRIM] = "DELETE FROM insert_ids WHERE table_id = ? AND number <= ?",
    [SQL_INSERT_IDS_FORGET] = "DELETE FROM insert_ids WHERE table_id = ? AND partition_id = ? AND block BETWEEN ? AND ?",
    [SQL_SEAL] = "UPDATE seal SET generation = ?, low = ?, high = ?",
    [SQL_INSERT_IDS_REMOVE] = "DELETE FROM insert_ids WHERE table_id = ?",
    [SQL_DETACHED_PARTS] = "SELECT table_id, " PART_COLUMNS ", reason FROM detached_parts ORDER BY table_id, name",
    [SQL_DETACHED_PART_ADD] = "INSERT INTO detached_parts (table_id, " PART_COLUMNS ", reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_DETACHED_PART_REMOVE] = "DELETE FROM detached_parts WHERE table_id = ? AND name = ?",
    [SQL_DETACHED_PARTS_REMOVE] = "DELETE FROM detached_parts WHERE table_id = ?",
};

/* What SQLite says, as one of our codes. */
static fn_status code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return FN_NOT_ENOUGH_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FN_CORRUPTED_DATA;
    case SQLITE_NOMEM:
        return FN_CANNOT_ALLOCATE_MEMORY;
    case SQLITE_READONLY:
        return FN_TABLE_IS_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return FN_CANNOT_OPEN_FILE;
    }
    return FN_CANNOT_WRITE_TO_FILE;
}

fn_status catalog_sql_fail(fn_ctx *ctx, catalog *c, const char *what)
{
    const int result = c->db ? sqlite3_extended_errcode(c->db) : SQLITE_NOMEM;
    const bool busy = (result & 0xff) == SQLITE_BUSY;
    return fn_fail(ctx, code_of(result), "%s: %s: %s%s", c->file, what, c->db ? sqlite3_errmsg(c->db) : "out of memory",
                   busy ? " (another process uses this data directory)" : "");
}

static fn_status exec_text(fn_ctx *ctx, catalog *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? FN_OK : catalog_sql_fail(ctx, c, "cannot be opened");
}

static fn_status read_version(fn_ctx *ctx, catalog *c, int *out)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, "user_version");
    const bool row = sqlite3_step(s) == SQLITE_ROW;
    if (row) *out = sqlite3_column_int(s, 0);
    (void)sqlite3_finalize(s);
    return row ? FN_OK : catalog_sql_fail(ctx, c, "user_version");
}

/* Trees and free pages: what is damaged there would damage more with the next change. */
static fn_status check_structure(fn_ctx *ctx, catalog *c)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->db, "PRAGMA integrity_check(1)", -1, &s, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, "integrity_check");
    fn_status status = FN_OK;
    if (sqlite3_step(s) != SQLITE_ROW) status = catalog_sql_fail(ctx, c, "integrity_check");
    else if (!fn_str_eq(catalog_sql_text(s, 0), FN_STR("ok")))
        status = fn_fail(ctx, FN_CORRUPTED_DATA, "%s is damaged: " FN_STR_FMT, c->file, FN_STR_ARG(catalog_sql_text(s, 0)));
    (void)sqlite3_finalize(s);
    return status;
}

/* The schema of this version, in one transaction, of a catalog that is as it was written. */
static fn_status bring_up(fn_ctx *ctx, catalog *c, catalog_check_new *check, void *self)
{
    const int newest = (int)FN_COUNT(schema);
    int version = 0;
    FN_TRY(exec_text(ctx, c, "BEGIN IMMEDIATE"));
    FN_TRY(read_version(ctx, c, &version));
    if (version < 0 || version > newest)
        return fn_fail(ctx, FN_FORMAT_VERSION_TOO_OLD, "%s was written by a newer firn (schema %d, this one knows %d)", c->file, version, newest);
    FN_TRY(check_structure(ctx, c));
    FN_TRY(catalog_seal_check(ctx, c, version >= SEALED_VERSION));
    c->is_new = version == 0;
    if (c->is_new && check) FN_TRY(check(self, ctx)); /* nothing is committed yet */
    if (version < newest) {
        char set[64];
        for (int v = version; v < newest; v++) FN_TRY(exec_text(ctx, c, schema[v]));
        (void)snprintf(set, sizeof set, "PRAGMA user_version = %d", newest);
        FN_TRY(exec_text(ctx, c, set));
    }
    FN_TRY(catalog_seal_open(ctx, c, version < newest));
    return exec_text(ctx, c, "COMMIT");
}

fn_status catalog_sql_open(fn_ctx *ctx, catalog *c, const char *path, catalog_check_new *check, void *self)
{
    const char *file = path ? fn_arena_printf(ctx, c->arena, "%s/catalog.sqlite", path) : ":memory:";
    FN_TRY_PTR(ctx, file);
    c->file = file;
    if (path) FN_TRY(catalog_mark_open(ctx, c));
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX; /* one thread at a time: the leader */
    if (sqlite3_open_v2(file, &c->db, flags, NULL) != SQLITE_OK) return catalog_sql_fail(ctx, c, "open");
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* a damaged catalog is left as it is */
    FN_TRY(exec_text(ctx, c, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;"
                             "PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY;")); /* so that REPLACE fires the seal's triggers, too */
    FN_TRY(bring_up(ctx, c, check, self));
    for (int i = 0; i < SQL_COUNT; i++) {
        if (sqlite3_prepare_v3(c->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i], NULL) != SQLITE_OK)
            return catalog_sql_fail(ctx, c, texts[i]);
    }
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    catalog_mark_begin(c);
    return FN_OK;
}

void catalog_sql_close(catalog *c)
{
    for (int i = 0; i < SQL_COUNT; i++) (void)sqlite3_finalize(c->statements[i]);
    (void)sqlite3_close(c->db);
    c->db = NULL;
    catalog_mark_close(c);
}

sqlite3_stmt *catalog_sql_bind(catalog *c, catalog_sql which, const char *types, ...)
{
    sqlite3_stmt *s = c->statements[which];
    va_list args;
    (void)sqlite3_reset(s);
    va_start(args, types);
    for (int i = 1; types[i - 1]; i++) {
        int result = SQLITE_OK;
        if (types[i - 1] == 't') {
            const fn_str text = va_arg(args, fn_str);
            FN_ASSERT(text.size < (1u << 30));
            result = sqlite3_bind_text(s, i, text.data ? text.data : "", (int)text.size, SQLITE_TRANSIENT);
        } else if (types[i - 1] == 'i') {
            result = sqlite3_bind_int64(s, i, va_arg(args, int64_t));
        } else if (types[i - 1] == 'u') {
            result = sqlite3_bind_int64(s, i, (int64_t)va_arg(args, uint64_t));
        } else {
            uint64_t words[2];
            words[0] = va_arg(args, uint64_t);
            words[1] = va_arg(args, uint64_t);
            result = sqlite3_bind_blob(s, i, words, sizeof words, SQLITE_TRANSIENT);
        }
        FN_ASSERT(result == SQLITE_OK || result == SQLITE_NOMEM || result == SQLITE_TOOBIG); /* a lost value fails NOT NULL at the step */
    }
    va_end(args);
    return s;
}

fn_status catalog_sql_run(fn_ctx *ctx, catalog *c, sqlite3_stmt *s)
{
    const int result = sqlite3_step(s);
    fn_status status = FN_OK;
    if (result != SQLITE_DONE && result != SQLITE_ROW) status = catalog_sql_fail(ctx, c, sqlite3_sql(s));
    else catalog_log_note(c, s);
    (void)sqlite3_reset(s);
    return status;
}

fn_status catalog_sql_step(fn_ctx *ctx, catalog *c, sqlite3_stmt *s, bool *row)
{
    const int result = sqlite3_step(s);
    *row = result == SQLITE_ROW;
    if (*row) return FN_OK;
    const fn_status status = result == SQLITE_DONE ? FN_OK : catalog_sql_fail(ctx, c, sqlite3_sql(s));
    (void)sqlite3_reset(s);
    return status;
}

fn_str catalog_sql_text(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return (fn_str){text, text ? (size_t)sqlite3_column_bytes(s, column) : 0};
}
