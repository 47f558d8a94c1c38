/* catalog/catalog_store.h - inside the catalog: the SQLite database, pieces of work, the state of tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_CATALOG_STORE_H
#define FIRN_CATALOG_STORE_H
#include "catalog/catalog.h"
#include <pthread.h>
#include <sqlite3.h>

/* Prepared once; texts in catalog_sql.c in this order. */
typedef enum catalog_sql {
    SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK, SQL_SAVEPOINT, SQL_RELEASE, SQL_ROLLBACK_TO,
    SQL_DATABASES, SQL_DATABASE_ADD, SQL_DATABASE_REMOVE, SQL_DATABASE_RENAME, SQL_DATABASE_TABLES_RENAME,
    SQL_TABLES, SQL_TABLE_BY_UUID, SQL_TABLE_ADD, SQL_TABLE_REMOVE, SQL_TABLE_NAME, SQL_TABLE_ALTER, SQL_TABLE_DETACH,
    SQL_TABLE_DROPPED, SQL_TABLE_BY_ID, SQL_TABLE_BLOCK, SQL_PARTS, SQL_PARTS_OF, SQL_PART_FILES, SQL_PART_ADD, SQL_PART_REMOVE, SQL_PARTS_REMOVE,
    SQL_INSERT_ID, SQL_INSERT_ID_ADD, SQL_INSERT_ID_REMOVE, SQL_INSERT_ID_LAST, SQL_INSERT_IDS_TRIM, SQL_INSERT_IDS_FORGET, SQL_INSERT_IDS_REMOVE,
    SQL_DETACHED_PARTS, SQL_DETACHED_PART_ADD, SQL_DETACHED_PART_REMOVE, SQL_DETACHED_PARTS_REMOVE, SQL_SEAL, SQL_COUNT
} catalog_sql;

/* A table known to the store, by uuid; also detached ones. Lives until the catalog closes. */
typedef struct table_state table_state;
struct table_state {
    table_state *next;
    char uuid[37];
    int64_t id;
    _Atomic uint64_t next_block;
    uint64_t next_insert;      /* number of the next id in insert_ids; 0: not looked up yet. By the leader */
};

typedef struct catalog_work catalog_work;
struct catalog_work {
    fn_status (*run)(catalog *c, catalog_work *work); /* by the leader, inside the transaction; errors into work->ctx */
    void (*committed)(catalog_work *work);            /* by the leader, after it, in the order of the transaction; may be NULL */
    fn_ctx *ctx;
    catalog_work *next;
    fn_status status;
    bool finished, writes;
};

enum { STATE_BUCKETS = 4096 };
struct catalog {
    mt_catalog parts;          /* first member: what mt_store sees */
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
    const char *file;          /* for messages */
    fn_arena *arena;           /* states and texts that live as long as the catalog; by the leader or at start */
    pthread_mutex_t lock;      /* queue */
    pthread_cond_t finished;
    catalog_work *first, **last;
    bool leading;
    bool broken;               /* a commit failed */
    const char *reserve;       /* path of the reserve file; NULL: in memory */
    bool reserve_there;        /* leader */
    int64_t reserve_tried_ns;
    fn_hash128 sealed, seal;   /* leader: sum over all rows as committed, and as the transaction has it; catalog_seal.c */
    uint64_t generation, marked; /* of the last commit; what the mark said at start */
    sqlite3_file *mark;        /* NULL: in memory */
    bool mark_whole;           /* there is a mark on the disk: it only changes from now on */
    pthread_mutex_t names_lock; /* held for the time of a pointer copy */
    catalog_names *names;
    uint64_t moment;           /* how often names were published; names_lock */
    catalog_names *next_names; /* leader: what will be published if the commit succeeds; NULL: no change */
    const catalog_names *base_names; /* leader: what the piece of work at hand starts from */
    pthread_mutex_t states_lock;
    table_state *states[STATE_BUCKETS];
    struct catalog_log *log;   /* NULL: none is kept */
    bool is_new;               /* the file was made by this opening */
};

/* Queues the work and returns its end. */
fn_status catalog_do(fn_ctx *ctx, catalog *c, catalog_work *work) FN_MUST_USE;

/* ---- room for the catalog on a full disk (catalog_reserve.c); by the leader ---- */
fn_status catalog_reserve_open(fn_ctx *ctx, catalog *c, const char *path) FN_MUST_USE;
void catalog_reserve_keep(catalog *c); /* makes the reserve if it is gone and there is room */
bool catalog_reserve_give(catalog *c); /* gives it up; false: there was none */

/* ---- SQLite (catalog_sql.c) ---- */
fn_status catalog_sql_open(fn_ctx *ctx, catalog *c, const char *path, catalog_check_new *check, void *self) FN_MUST_USE;
void catalog_sql_close(catalog *c);
/* A statement, reset, with its parameters bound in order: 't' fn_str, 'i' int64_t, 'u' uint64_t, 'b' 16 bytes (two uint64_t). */
sqlite3_stmt *catalog_sql_bind(catalog *c, catalog_sql which, const char *types, ...);
/* Runs a statement without rows. */
fn_status catalog_sql_run(fn_ctx *ctx, catalog *c, sqlite3_stmt *s) FN_MUST_USE;
/* *row false at the end; the statement is reset then and on failure. */
fn_status catalog_sql_step(fn_ctx *ctx, catalog *c, sqlite3_stmt *s, bool *row) FN_MUST_USE;
fn_str catalog_sql_text(sqlite3_stmt *s, int column); /* borrowed until the next step */
fn_status catalog_sql_fail(fn_ctx *ctx, catalog *c, const char *what);

/* ---- the sum over all rows, and the mark (catalog_seal.c) ---- */
fn_status catalog_mark_open(fn_ctx *ctx, catalog *c) FN_MUST_USE; /* before the database, which SQLite would make anew if it were gone */
void catalog_mark_begin(catalog *c); /* once the catalog is open */
void catalog_mark_close(catalog *c);
/* Inside the transaction that opens the catalog: what is there, before a step of the schema changes it. sealed: this version has a seal.
 * CORRUPTED_DATA: rows are damaged or missing. */
fn_status catalog_seal_check(fn_ctx *ctx, catalog *c, bool sealed) FN_MUST_USE;
/* Later in it; changed: the schema is not what it was. From here on every change is counted. */
fn_status catalog_seal_open(fn_ctx *ctx, catalog *c, bool changed) FN_MUST_USE;
void catalog_seal_begin(catalog *c);
fn_status catalog_seal_store(fn_ctx *ctx, catalog *c) FN_MUST_USE; /* right before COMMIT */
void catalog_seal_committed(catalog *c);
/* ---- the log (catalog_log.c); by the leader ---- */
void catalog_log_note(catalog *c, sqlite3_stmt *s); /* a statement that has run, its values bound */
size_t catalog_log_mark(const catalog *c);
void catalog_log_back(catalog *c, size_t mark);     /* what was noted since then did not happen */
void catalog_log_commit(catalog *c);
void catalog_log_close(catalog *c);

/* ---- names (catalog_names.c): a copy that may be changed until it is published ---- */
catalog_names *names_new(fn_ctx *ctx) FN_MUST_USE;
fn_status names_copy(fn_ctx *ctx, const catalog_names *from, catalog_names **out) FN_MUST_USE;
catalog_database *names_database(const catalog_names *n, fn_str database);
fn_status names_add_database(fn_ctx *ctx, catalog_names *n, fn_str name, fn_str engine, fn_str comment, const char *uuid) FN_MUST_USE;
void names_remove_database(catalog_names *n, fn_str name); /* and its tables */
catalog_entry *names_table(const catalog_database *d, fn_str name);
fn_status names_add_table(fn_ctx *ctx, catalog_names *n, catalog_database *d, fn_str name, table *t) FN_MUST_USE;
void names_remove_table(catalog_database *d, fn_str name);
fn_status names_add_dropped(fn_ctx *ctx, catalog_names *n, fn_str database, fn_str name, table *t, int64_t dropped_s) FN_MUST_USE;
void names_remove_dropped(catalog_names *n, const table *t);
fn_status names_add_detached(fn_ctx *ctx, catalog_names *n, fn_str database, fn_str name, table *t) FN_MUST_USE;
void names_remove_detached(catalog_names *n, const table *t);
const catalog_dropped *names_detached(const catalog_names *n, fn_str database, fn_str name); /* NULL: none of that name */
void catalog_publish(catalog *c, catalog_names *names_take);

/* ---- inserts that were made (catalog_inserts.c) ---- */
/* Says in change->skipped which of the added parts hold an insert that was made before; the ids of the others are remembered. */
fn_status catalog_inserts_check(fn_ctx *ctx, catalog *c, table_state *state, const mt_change *change) FN_MUST_USE;
/* change->forget and forget_partition. */
fn_status catalog_inserts_forget(fn_ctx *ctx, catalog *c, const table_state *state, const mt_change *change) FN_MUST_USE;

/* ---- states (catalog_parts.c) ---- */
table_state *state_find(catalog *c, const char *uuid);
fn_status state_add(fn_ctx *ctx, catalog *c, const char *uuid, int64_t id, uint64_t next_block, table_state **out) FN_MUST_USE;
/* which: SQL_PARTS_OF. */
fn_status catalog_read_parts(fn_ctx *ctx, catalog *c, catalog_sql which, int64_t table_id, mt_part_row **out, size_t *count) FN_MUST_USE;
/* The row under the cursor of the statements over parts; texts in ctx->arena. */
fn_status catalog_part_row(fn_ctx *ctx, sqlite3_stmt *s, int first_column, mt_part_row *out) FN_MUST_USE;
extern const mt_catalog catalog_part_functions;
#endif
