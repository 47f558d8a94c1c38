/* query/query.h - the engine's own state and what one running statement carries; private to query/.
 *
 * A statement runs on the caller's thread: fn_engine_query makes a `query`, gathers its settings (defaults, session, URL,
 * SETTINGS clause), parses, looks up the statement's row in run_list.c and calls it. Interpreters are one file per statement,
 * run_<statement>.c; they answer through result.h, or tell result_none that there are no rows.
 *
 * Lifetimes: everything of a statement lies in ctx->arena; what outlives it belongs to the session (its own arena, touched only
 * by the request that holds the session) or to the engine.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_QUERY_H
#define FIRN_QUERY_QUERY_H
#include "exec/exec.h"
#include "exec/spill_file.h"
#include "query/process.h"
#include "settings/settings.h"
#include "sql/ast.h"
#include "system/system.h"
#include <firn/engine.h>
#include <firn/file.h>
#include <firn/object.h>

struct catalog;
struct mt_store;
struct query_log;

typedef struct session_list {
    pthread_mutex_t lock;
    fn_session *first;
} session_list;

typedef struct kept_text {
    struct kept_text *next;
    fn_str text;
    size_t room;
} kept_text;
enum { ENGINE_TEXT_SLOTS = 1024 };

struct fn_engine {
    fn_tracker memory;          /* all queries */
    fn_arena *arena;            /* texts below; filled by fn_engine_open only */
    fn_fs *fs;                  /* the machine's files, or a test's */
    fn_fs *parts_fs;            /* where parts lie: fs, or memory */
    const char *path;           /* NULL: in memory */
    spill_area spill;           /* files of statements whose state does not fit into memory */
    const char *user_files, *display_name, *user, *password, *database;
    unsigned threads;
    fn_engine_limits limits;
    unsigned drop_delay_s;      /* dropped tables wait that long for UNDROP; 0: they do not */
    fn_pool *workers, *background;
    session_list sessions;
    process_list processes;
    pthread_mutex_t ddl_lock;   /* ALTER reads a definition and writes it back: one at a time */
    pthread_rwlock_t texts_lock; /* table.create_sql, engine_full, comment, keys: written by ALTER and RENAME */
    kept_text *texts[ENGINE_TEXT_SLOTS]; /* likewise: every text such a one has had, once */
    struct retired_schema *retired; /* under texts_lock */
    pthread_mutex_t objects_lock;
    fn_object_store *objects;   /* opened at first use */
    struct catalog *catalog;
    struct mt_store *store;
    struct query_log *log;      /* system.query_log */
    struct engine_counters *counters; /* of statements and failures */
    struct async_queue *inserts; /* those that are written a moment later */
    struct backup_log *backups; /* system.backups */
    struct mutation_log *mutations; /* system.mutations */
    fn_fs *backups_memory;      /* Memory('name'); opened at first use, under objects_lock */
    const char *backups_path;   /* File(...) and Disk(...) write below it; NULL: not allowed */
    const char *backups_disk;   /* the disk that Disk(...) may name; NULL: none */
    struct ttl_worker *ttl;     /* applies the TTL of tables */
    int64_t started_ns, started_monotonic_ns; /* realtime, and the other clock */
};
/* Readers without a reference may still look at a replaced schema: it is kept until the engine closes. Takes the reference. */
fn_status engine_retire_schema(fn_ctx *ctx, fn_engine *engine, table_schema *schema_take) FN_MUST_USE;
/* The store of remote objects, opened by the first who needs it. */
fn_status engine_objects(fn_ctx *ctx, fn_engine *engine, fn_object_store **out) FN_MUST_USE;

/* Values set with SET param_x = ..., and temporary tables. */
typedef struct session_table {
    table *table;               /* one reference */
    struct session_table *next;
} session_table;

struct fn_session {
    fn_engine *engine;
    fn_session *next;
    fn_arena *arena;            /* settings, names; grows with SET, freed with the session */
    fn_str user, id;            /* id empty: lives for one request */
    fn_str database;
    fn_settings settings;
    fn_pair *params;
    size_t param_count;
    session_table *tables;
    bool busy;                  /* a request holds it; under the list's lock */
    unsigned timeout_s;
    int64_t released_ns;        /* monotonic; when the last request ended */
};
/* A session for one request; ends with session_end. */
fn_status session_begin(fn_ctx *ctx, fn_engine *engine, fn_str user, fn_session *out) FN_MUST_USE;
void session_end(fn_session *session);
void session_list_init(session_list *list);
void session_list_release(session_list *list);
table *session_table_find(const fn_session *session, fn_str name); /* borrowed; NULL if absent */
fn_status session_table_add(fn_ctx *ctx, fn_session *session, table *t_ref) FN_MUST_USE;
bool session_table_remove(fn_session *session, fn_str name);
/* Settings of the session changed for good; texts go to its arena. */
fn_status session_set(fn_ctx *ctx, fn_session *session, fn_str name, fn_str value, bool reset) FN_MUST_USE;
fn_status session_use(fn_ctx *ctx, fn_session *session, fn_str database) FN_MUST_USE;
fn_status session_set_param(fn_ctx *ctx, fn_session *session, fn_str name, fn_str value) FN_MUST_USE;

typedef struct query query;

typedef struct query_world {
    plan_world base;
    query *query;
} query_world;

typedef struct query_system_world {
    system_world base;
    query *query;
} query_system_world;

struct query {
    fn_ctx *ctx;
    fn_engine *engine;
    fn_session *session;         /* never NULL while a statement runs */
    const fn_request *request;
    fn_response *response;
    fn_settings settings;        /* ctx->settings points here */
    settings_session facts;      /* what currentDatabase(), queryID() ... give */
    fn_str database;             /* current database of this statement */
    ast_statement *statement;
    process *process;
    query_world world;
    query_system_world system;   /* what system tables of this statement look at */
    fn_str source_database, source_name; /* while a materialized view runs: what it calls its source, and the rows that stand for that */
    table *inserted_rows;        /* NULL: no view runs */
    struct catalog_names *insert_names; /* an insert with views behind it sees the names of one moment; NULL: those of now */
    unsigned insert_depth;       /* views of views */
    session_table *externals;    /* tables sent along; in ctx->arena */
    fn_str projections;          /* for the query log: each one read, with a line's end behind it */
    exec_progress progress;
    spill_share spill;
};

/* An interpreter. It has called response->begin when it returns FN_OK. */
typedef fn_status run_fn(query *q, const ast_statement *s);
run_fn run_select, run_set, run_use, run_show, run_describe, run_exists, run_explain, run_kill, run_system, run_insert, run_create_table,
    run_create_view, run_create_database, run_drop, run_rename, run_exchange, run_alter, run_truncate, run_optimize, run_delete,
    run_update, run_check, run_attach, run_detach, run_undrop, run_backup, run_restore;

typedef struct run_row {
    const char *kind;  /* query_kind of system.query_log */
    run_fn *run;
    bool writes;       /* READONLY (164) under readonly */
} run_row;
const run_row *run_row_of(ast_statement_kind kind);

/* ---- shared by interpreters ---- */
/* Text of a setting's value as settings_set takes it. */
fn_status query_setting_text(fn_ctx *ctx, const ast_setting *setting, fn_str *out) FN_MUST_USE;
/* A SETTINGS clause on top of q->settings. */
fn_status query_apply_settings(query *q, const ast_setting *settings, uint32_t count) FN_MUST_USE;
/* Runs a SELECT given as text, with the outer statement's FORMAT: what SHOW turns into. */
fn_status query_run_text(query *q, const ast_statement *outer, fn_str sql) FN_MUST_USE;
/* Replaces {x:Identifier} in a name. */
fn_status query_name(query *q, const ast_name *name, fn_str *database, fn_str *table_name) FN_MUST_USE;
/* Binds and optimises. Release with plan_query_release. */
fn_status query_plan(query *q, const ast_query *ast, plan_query **out) FN_MUST_USE;
/* totals: the WITH TOTALS row, a reference for the caller, or NULL if not wanted; likewise rows_before_limit. */
fn_status query_exec(query *q, plan_query *bound, exec_output *out, fn_block **totals, uint64_t *rows_before_limit) FN_MUST_USE;

/* ---- names (world.c, world_system.c) ---- */
/* Does the name match the regular expression, as function match has it? */
fn_status query_name_matches(fn_ctx *ctx, fn_str name, fn_str pattern, bool *out) FN_MUST_USE;
void query_system_world_init(query *q);
fn_status world_init(query *q) FN_MUST_USE;
/* Tables sent along with the request (external.c). */
fn_status external_open(query *q) FN_MUST_USE;
void external_close(query *q);
fn_status world_check_database(query *q, fn_str database) FN_MUST_USE; /* UNKNOWN_DATABASE (81) */
/* The table of that name, one reference; temporary ones first when `database` is empty. UNKNOWN_TABLE, UNKNOWN_DATABASE. */
fn_status world_table(query *q, fn_str database, fn_str name, table **out) FN_MUST_USE;
/* Like it, but with a database always: temporary tables are not looked at. */
fn_status world_stored_table(query *q, fn_str database, fn_str name, table **out) FN_MUST_USE;
fn_status world_parameter(query *q, fn_str name, fn_str *out) FN_MUST_USE;
/* What this statement commits from now on relies on the name meaning t (table_claim). *out (may be NULL): the claim, to be changed by its
 * owner only; NULL for temporary tables, which nobody else names. */
fn_status query_claim(query *q, fn_str database, fn_str name, const table *t, table_claim **out) FN_MUST_USE;
/* world_table for statements that change it. */
fn_status query_claim_table(query *q, fn_str database, fn_str name, table **out, table_claim **claim) FN_MUST_USE;
/* Was the statement overtaken by an EXCHANGE, RENAME, DROP or ALTER, so that nothing has changed and it is to be done again? */
bool query_begins_again(query *q, fn_status status);
#endif
