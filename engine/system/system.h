/* system/system.h - the tables of database `system`: rows made when they are asked for, from what the engine knows.
 *
 * One file per table, sys_<name>.c, with its system_def at the foot; the list is in system_list.c, the columns (ClickHouse 26.9's
 * names, types and order) in system_columns.def. A fill function makes rows through system_rows; columns that it does not name
 * hold their type's default. What lies above (sessions, the query log) is reached through system_world, handed down by query/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SYSTEM_H
#define FIRN_SYSTEM_H
#include "table/table.h"
#include <firn/part.h>

/* ---- what the tables look at ---- */
typedef struct system_database {
    fn_str name, engine, uuid, comment;
} system_database;
typedef fn_status system_each_database(void *self, fn_ctx *ctx, const system_database *database);
typedef fn_status system_each_table(void *self, fn_ctx *ctx, table *t); /* t is borrowed */

typedef struct system_backup {
    fn_str id, name, base, query_id, error;
    uint8_t status;
    int64_t start_us, end_us; /* since 1970; end 0: it runs */
    uint64_t files, total_size, entries, size, files_read, bytes_read;
} system_backup;
typedef fn_status system_each_backup(void *self, fn_ctx *ctx, const system_backup *backup);

typedef struct system_dropped {
    fn_str database, name;
    const table *table;
    int64_t ends_s; /* since 1970 */
} system_dropped;
typedef fn_status system_each_dropped(void *self, fn_ctx *ctx, const system_dropped *dropped);

typedef struct system_process {
    fn_str query_id, query, user, database, address, user_agent, interface, kind;
    double elapsed_s;
    uint64_t read_rows, read_bytes, total_rows, written_rows, written_bytes;
    int64_t memory, peak_memory;
    bool cancelled;
} system_process;
typedef fn_status system_each_process(void *self, fn_ctx *ctx, const system_process *process);

typedef struct system_waiting_insert { /* of system.asynchronous_inserts: all inserts of one statement */
    fn_str query, format, database, table;
    int64_t first_us;           /* since 1970 */
    uint64_t bytes;
    fn_str *query_ids;          /* of each, and the bytes of its data */
    int64_t *entry_bytes;
    uint32_t entries;
} system_waiting_insert;
typedef fn_status system_each_waiting_insert(void *self, fn_ctx *ctx, const system_waiting_insert *insert);

/* ClickHouse's numbers. */
typedef enum async_outcome { ASYNC_OK = 0, ASYNC_PARSING_ERROR = 1, ASYNC_FLUSH_ERROR = 2 } async_outcome;
typedef struct system_insert_log_row { /* of system.asynchronous_insert_log */
    fn_str query, database, table, format, query_id, exception, flush_query_id;
    uint64_t bytes, rows, timeout_ms;
    int64_t event_us, flush_us; /* since 1970 */
    async_outcome outcome;
} system_insert_log_row;
typedef fn_status system_each_insert_log_row(void *self, fn_ctx *ctx, const system_insert_log_row *row);

typedef struct system_mutation {
    fn_str database, table, id, command, reason; /* reason: why it failed */
    uint64_t number;
    int64_t created_s, ended_s; /* since 1970; ended_s 0: under way */
    fn_status code;
    bool killed;
} system_mutation;
typedef fn_status system_each_mutation(void *self, fn_ctx *ctx, const system_mutation *mutation);

typedef struct system_log_row { /* of system.query_log */
    uint8_t type;               /* 1 QueryStart, 2 QueryFinish, 3 ExceptionBeforeStart, 4 ExceptionWhileProcessing */
    uint8_t interface;          /* 2 HTTP, 6 Local */
    uint8_t http_method;        /* 1 GET, 2 POST */
    int64_t event_us, start_us; /* since 1970 */
    uint64_t duration_ms, read_rows, read_bytes, written_rows, written_bytes, result_rows, result_bytes, memory;
    int32_t exception_code;
    fn_str query_id, query, kind, database, exception, user, address, user_agent, log_comment;
    fn_str projections;         /* database.table.name of each one read, each with a line's end behind it */
    fn_str counts;              /* fn_counts as UInt64 each; empty: not known */
} system_log_row;
typedef fn_status system_each_log_row(void *self, fn_ctx *ctx, const system_log_row *row);

typedef struct system_table_function {
    const char *name, *about;
} system_table_function;

/* A number with a name; code and last_s: errors. */
typedef struct system_counter {
    const char *name, *about;
    int64_t value, last_s;
    int32_t code;
} system_counter;
typedef enum system_counter_kind { SYSTEM_EVENT, SYSTEM_METRIC, SYSTEM_ERROR, SYSTEM_PROCESS } system_counter_kind;

typedef struct system_world system_world;
struct system_world {
    fn_status (*databases)(system_world *w, fn_ctx *ctx, system_each_database *each, void *self);
    /* Tables of one database, or of all with temporary ones when it is empty; system tables are not among them. */
    fn_status (*tables)(system_world *w, fn_ctx *ctx, fn_str database, system_each_table *each, void *self);
    fn_status (*backups)(system_world *w, fn_ctx *ctx, system_each_backup *each, void *self); /* of this run, oldest first */
    fn_status (*dropped)(system_world *w, fn_ctx *ctx, system_each_dropped *each, void *self); /* dropped tables, oldest first */
    fn_status (*mutations)(system_world *w, fn_ctx *ctx, system_each_mutation *each, void *self); /* of this run, oldest first */
    fn_status (*processes)(system_world *w, fn_ctx *ctx, system_each_process *each, void *self);
    fn_status (*waiting_inserts)(system_world *w, fn_ctx *ctx, system_each_waiting_insert *each, void *self); /* in the order of the queue */
    fn_status (*insert_log)(system_world *w, fn_ctx *ctx, system_each_insert_log_row *each, void *self); /* the last ones of this run, oldest first */
    /* query_id: only its rows; empty: all. */
    fn_status (*query_log)(system_world *w, fn_ctx *ctx, fn_str query_id, system_each_log_row *each, void *self);
    bool (*table_function)(system_world *w, size_t index, system_table_function *out); /* false behind the last */
    bool (*counter)(system_world *w, system_counter_kind kind, size_t index, system_counter *out); /* false behind the last */
    bool (*table_engine)(system_world *w, size_t index, const char **name);
    struct mt_store *store; /* of the MergeTree tables; may be NULL */
    const char *data_path; /* of the data directory; "" in memory */
    const char *user;      /* the server's user */
};

/* ---- making rows ---- */
typedef struct system_rows {
    fn_ctx *ctx;
    system_world *world;
    const fn_str *names;      /* the columns asked for */
    fn_builder *builders;
    uint32_t count, rows;
    expr *const *conjuncts;   /* for hints; columns are indexes into the table's schema */
    uint32_t conjunct_count;
    const table_schema *schema;
} system_rows;
/* Values of the row being made, by column name; those not asked for are skipped. Failures are kept in ctx and given by system_row. */
void system_put_u64(system_rows *r, const char *column, uint64_t value);  /* any integer, Bool, Enum, Date and DateTime type; Nullable of it */
void system_put_i64(system_rows *r, const char *column, int64_t value);
void system_put_f64(system_rows *r, const char *column, double value);
void system_put_str(system_rows *r, const char *column, fn_str value);    /* strings; other types: read as their text */
void system_put_text(system_rows *r, const char *column, const char *value);
void system_put_strs(system_rows *r, const char *column, const fn_str *values, size_t count); /* Array(String) */
void system_put_i64s(system_rows *r, const char *column, const int64_t *values, size_t count); /* Array of integers or times up to 64 bits */
void system_put_part_path(system_rows *r, fn_part_id file);        /* column `path`: where a part's file is */
bool system_wants(const system_rows *r, const char *column);
fn_status system_row(system_rows *r) FN_MUST_USE; /* ends the row */
/* The constant that `column = '...'` in the conditions compares with; data NULL: none. Only a hint: rows are filtered later. */
fn_str system_hint(const system_rows *r, const char *column);

/* ---- one per table ---- */
typedef struct system_def {
    const char *name;
    fn_status (*fill)(system_rows *r);
    const char *about;
} system_def;
const system_def *system_def_at(size_t index); /* NULL behind the last */

/* The table system.<name>, one reference; *out = NULL if there is none. The world outlives it. */
fn_status system_table_find(fn_ctx *ctx, system_world *world, fn_str name, table **out) FN_MUST_USE;
#endif
