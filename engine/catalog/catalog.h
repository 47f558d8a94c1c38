/* catalog/catalog.h - what exists: databases, tables, live parts; kept in <path>/catalog.sqlite, looked up in memory.
 *
 * Truth and view. Every change is one SQLite transaction (WAL, synchronous=FULL) and is visible when it is durable: names live in
 * an immutable snapshot that is swapped after the commit, so a lookup takes no lock that is held across I/O and never sees half of
 * an EXCHANGE.
 *
 * Order. What is seen changes in the order of the commits: the leader of a transaction swaps the part lists of its changes, then the
 * names, before the next transaction begins. A change of parts is refused in the transaction when a name its statement used no longer
 * means the table (ctx->claims). So every statement has happened at one moment, its commit, under the names of that moment; a reader
 * that finds the names unchanged (catalog_moment) around taking a part list has read at that moment.
 *
 * Commits. Threads that want to change something queue a piece of work; the first one leads: it runs all queued pieces in one
 * transaction, each under a savepoint of its own, and commits once for all of them. While it does, the next ones gather. A failed
 * commit leaves everything as it was. If nobody can know what is on disk (an fsync failed, a write broke off) the catalog is read-only
 * until the next start. A full disk is no such failure (the write was refused, nothing was synced), nor is a lack of memory: the
 * pieces of work fail, the next ones may succeed. A reserve file is given up on a full disk, so that DROP TABLE works; it comes back
 * with the room.
 *
 * Floors: knows tables as `table *`, not how they are made. Who opens the catalog passes a builder that turns rows into tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_CATALOG_H
#define FIRN_CATALOG_H
#include "table/mergetree/mergetree.h"
#include "table/table.h"

typedef struct catalog catalog;

/* ---- names: an immutable snapshot ---- */
typedef struct catalog_entry {
    fn_str name;
    table *table;              /* referenced by the snapshot */
} catalog_entry;

typedef struct catalog_database {
    fn_str name, engine, comment; /* engine: "Atomic", "Memory" */
    char uuid[37];
    uint32_t count, capacity;
    catalog_entry *entries;    /* sorted by name */
} catalog_database;

typedef struct catalog_dropped {
    fn_str database, name;     /* as they were */
    table *table;              /* referenced by the snapshot */
    int64_t dropped_s;         /* since 1970 */
} catalog_dropped;

typedef struct catalog_names {
    fn_arena *arena;           /* owns all of it */
    uint32_t count, capacity;
    catalog_database *databases; /* sorted by name */
    uint32_t dropped_count, dropped_capacity;
    struct catalog_dropped *dropped; /* tables that wait for their end or for UNDROP, in the order they were dropped */
    uint32_t detached_count, detached_capacity;
    struct catalog_dropped *detached; /* by DETACH TABLE: they keep their names, and their parts stay listed */
    _Atomic uint32_t refs;
} catalog_names;
catalog_names *catalog_names_get(catalog *c); /* the current one, one reference */
uint64_t catalog_moment(catalog *c); /* a number that changes with every change of names */
void catalog_names_drop(catalog_names *names);
const catalog_database *catalog_names_database(const catalog_names *names, fn_str database); /* NULL if absent */
const catalog_entry *catalog_names_table(const catalog_names *names, fn_str database, fn_str name);

/* ---- opening ---- */
/* A stored table. Texts are borrowed for the call. */
typedef struct catalog_table_row {
    const char *uuid;
    fn_str database, name, create_sql;
    fn_str column_ids;         /* "1,2,5": stable numbers of the columns in the order of create_sql */
    uint32_t next_column_id;
    int64_t created_s;
    const mt_part_row *parts, *detached; /* live parts; detached ones */
    size_t part_count, detached_count;
} catalog_table_row;
/* Makes the table of a row: one reference for the catalog. */
typedef fn_status catalog_build_fn(void *self, fn_ctx *ctx, const catalog_table_row *row, table **out);

/* path NULL: in memory. Creates what is absent; `database` always exists. Errors: CANNOT_OPEN_FILE naming the file and why,
 * CORRUPTED_DATA, NOT_ENOUGH_SPACE. Tables come with catalog_load. */
fn_status catalog_open(fn_ctx *ctx, const char *path, const char *database, catalog **out) FN_MUST_USE;
/* Keeps store/catalog.log below `root` from now on: gone on with if it is this catalog's, else written anew with the first change or sync. */
#define CATALOG_LOG "catalog.log"
fn_status catalog_log_open(fn_ctx *ctx, catalog *c, struct fn_fs *fs, const char *root) FN_MUST_USE;
void catalog_log_sync(catalog *c); /* once in a while */
/* A log's commits again, into a catalog that was just made. CORRUPTED_DATA if not even the first frame is whole. */
typedef struct catalog_replayed {
    uint64_t frames;
    size_t bytes_left;         /* behind the last whole frame */
} catalog_replayed;
fn_status catalog_log_replay(fn_ctx *ctx, catalog *c, fn_str log, catalog_replayed *out) FN_MUST_USE;
/* All rows as they are stored, live and detached ones; tables are known by number. */
typedef fn_status catalog_each_part(void *self, fn_ctx *ctx, int64_t table, const mt_part_row *part);
fn_status catalog_parts_each(fn_ctx *ctx, catalog *c, catalog_each_part *each, void *self) FN_MUST_USE;
typedef fn_status catalog_each_table(void *self, fn_ctx *ctx, int64_t table, fn_str database, fn_str name);
fn_status catalog_tables_each(fn_ctx *ctx, catalog *c, catalog_each_table *each, void *self) FN_MUST_USE;
bool catalog_is_new(const catalog *c); /* there was none before catalog_open */
/* Like catalog_open; `check` is asked before a new catalog is made, and its failure leaves none. */
typedef fn_status catalog_check_new(void *self, fn_ctx *ctx);
fn_status catalog_open_checked(fn_ctx *ctx, const char *path, const char *database, catalog_check_new *check, void *self, catalog **out) FN_MUST_USE;
/* Builds every table. One that cannot be built is logged and left out: its rows and files stay. */
fn_status catalog_load(fn_ctx *ctx, catalog *c, catalog_build_fn *build, void *self) FN_MUST_USE;
/* Lets go of every table, so that the store can close; commits still work (background work may be at its end). */
void catalog_drop_tables(catalog *c);
void catalog_close(catalog *c); /* NULL is fine */
mt_catalog *catalog_parts(catalog *c); /* for mt_store_open */

/* ---- changing ---- */
typedef enum catalog_action_kind {
    CATALOG_CREATE_DATABASE, CATALOG_DROP_DATABASE, CATALOG_RENAME_DATABASE, CATALOG_CREATE_TABLE, CATALOG_REPLACE_TABLE, CATALOG_DROP_TABLE,
    CATALOG_RENAME_TABLE, CATALOG_EXCHANGE_TABLES, CATALOG_ALTER_TABLE, CATALOG_DETACH_TABLE, CATALOG_ATTACH_TABLE,
    CATALOG_UNDROP_TABLE, CATALOG_PURGE_TABLE
} catalog_action_kind;

typedef struct catalog_action {
    catalog_action_kind kind;
    fn_str database, name;     /* what it is about */
    fn_str to_database, to_name; /* RENAME: new name; EXCHANGE: the other one */
    const table *expected;     /* DROP_TABLE, REPLACE, ALTER, DETACH: what `name` must mean still; NULL: whatever it means */
    bool may_exist;            /* CREATE: nothing happens if it exists; *done tells */
    bool permanently;          /* DETACH: also after a restart */
    bool keep;                 /* DROP_TABLE, DROP_DATABASE: tables with parts stay among the dropped ones until PURGE */
    const char *uuid;          /* UNDROP: the one to take; NULL: the last that was dropped */
    table *table;              /* CREATE, REPLACE: referenced by the catalog on success. PURGE: the dropped one; *done tells
                                  whether it still was (it may have been undropped) */
    fn_str engine, comment;    /* CREATE_DATABASE */
    fn_str create_sql, column_ids; /* CREATE_TABLE, REPLACE_TABLE, ALTER_TABLE */
    uint32_t next_column_id;
    bool *done;                /* may be NULL */
} catalog_action;
/* All of them in one transaction, in order. Errors: UNKNOWN_DATABASE (81), UNKNOWN_TABLE (60), TABLE_ALREADY_EXISTS (57),
 * DATABASE_ALREADY_EXISTS (82), TABLE_UUID_MISMATCH (741) if a name no longer means the expected table, TABLE_IS_DROPPED (218) for changes
 * of parts of a dropped table, CANNOT_GET_CREATE_TABLE_QUERY (390) to attach what is not detached, TABLE_IS_READ_ONLY (242) after a failed commit. */
fn_status catalog_apply(fn_ctx *ctx, catalog *c, const catalog_action *actions, size_t count) FN_MUST_USE;
/* The column numbers of a table as stored. */
fn_status catalog_column_ids(fn_ctx *ctx, catalog *c, const char *uuid, fn_str *ids, uint32_t *next) FN_MUST_USE;
/* One moment of the catalog: databases, and tables with their live parts, of those that are wanted. The callbacks run while no commit
 * can: what they reference (mt_file_get) is still there. They must not wait for the catalog. Texts in ctx->arena. */
typedef struct catalog_reader {
    void (*begin)(void *self);  /* first, and again if the transaction has to be repeated: what was read before is void */
    fn_status (*database)(void *self, fn_ctx *ctx, const catalog_database *d);
    bool (*wants)(void *self, const catalog_names *names, const catalog_database *d, const catalog_entry *e);
    fn_status (*table)(void *self, fn_ctx *ctx, const catalog_table_row *row, table *t);
    void *self;
} catalog_reader;
fn_status catalog_snapshot(fn_ctx *ctx, catalog *c, const catalog_reader *reader) FN_MUST_USE;
void catalog_make_uuid(char out[37]);
#endif
