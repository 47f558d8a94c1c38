/* firn/engine.h - the engine's door: open a data directory, run statements of sessions, stream results.
 * The layer above (net, the command-line programs) sees text in and bytes out, never columns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ENGINE_H
#define FIRN_ENGINE_H
#include <firn/arena.h>
#include <firn/bits.h>
#include <firn/stream.h>

typedef struct fn_engine fn_engine;
typedef struct fn_session fn_session;

/* Of the server; 0: no limit. Beyond: TOO_MANY_SIMULTANEOUS_QUERIES (202), TOO_MANY_TABLES (724), TOO_MANY_DATABASES (725). */
typedef struct fn_engine_limits {
    unsigned queries, inserts, selects; /* at once */
    unsigned tables, views, databases; /* that may be made */
} fn_engine_limits;

typedef struct fn_engine_options {
    const char *path;            /* data directory; created if absent; NULL: everything in memory */
    unsigned threads;            /* workers; 0 = cores */
    int64_t memory_limit;        /* bytes for all queries; 0 = 80 % of RAM */
    const char *user_files;      /* file() reads below this directory; NULL: <path>/user_files; "/" allows all (firn local) */
    const char *display_name;    /* X-ClickHouse-Server-Display-Name; NULL: host name */
    const char *user, *password, *database; /* CLICKHOUSE_USER/PASSWORD/DB; NULL: default, no password, default */
    struct fn_fs *files;         /* where `path` and user files lie; NULL: the machine's. SQLite's own file goes by its default VFS */
    fn_engine_limits limits;
    const char *backups_path;    /* BACKUP ... TO File('name') writes below this directory; NULL: <path>/backups */
    const char *backups_disk;    /* a disk that Disk('name', ...) may name, with the same directory; NULL: none */
    unsigned drop_delay_s;       /* DROP TABLE can be undone for that many seconds; 0: it cannot */
} fn_engine_options;

fn_status fn_engine_open(fn_ctx *ctx, const fn_engine_options *options, fn_engine **out) FN_MUST_USE;
void fn_engine_close(fn_engine *engine); /* waits for running statements; background work stops */
/* Makes a lost or damaged catalog of a data directory again, from store/catalog.log and the part files; no server may run on it. Nothing is
 * removed. FILE_ALREADY_EXISTS if there is a catalog that can be opened, FILE_DOESNT_EXIST, CORRUPTED_DATA. */
typedef struct fn_engine_recovered {
    uint64_t tables, parts, rows;
    uint64_t commits;            /* read from the log ... */
    uint64_t bytes_left;         /* ... and bytes of it behind the last whole one */
    uint64_t broken;             /* parts whose file is missing or damaged: queries of their tables will say so */
    uint64_t unlisted;           /* part files that no table names, moved to <path>/unlisted */
    uint64_t set_aside;          /* files of the damaged catalog, renamed */
} fn_engine_recovered;
fn_status fn_engine_recover(fn_ctx *ctx, const char *path, fn_engine_recovered *out) FN_MUST_USE;
const char *fn_engine_version(void);      /* "26.9.2.1": what clients see; firn's own is fn_version() */
const char *fn_engine_display_name(const fn_engine *engine);

/* AUTHENTICATION_FAILED (516) with ClickHouse's text. Empty user means default. */
fn_status fn_engine_authenticate(fn_ctx *ctx, fn_engine *engine, fn_str user, fn_str password, fn_str address) FN_MUST_USE;

/* Named sessions (HTTP session_id): settings, temporary tables, current database live between requests.
 * check_exists: SESSION_NOT_FOUND (372) instead of creating. Busy: SESSION_IS_LOCKED (373). Release after the request. */
fn_status fn_session_acquire(fn_ctx *ctx, fn_engine *engine, fn_str user, fn_str id, unsigned timeout_s, bool check_exists,
                             fn_session **out) FN_MUST_USE;
void fn_session_release(fn_session *session, bool close);

typedef struct fn_pair {
    fn_str name, value;
} fn_pair;

/* A table sent along with the statement (multipart external data). */
typedef struct fn_external_table {
    fn_str name, format, structure, types;
    fn_source *data;
} fn_external_table;

typedef struct fn_progress {
    uint64_t read_rows, read_bytes, total_rows_to_read;
    uint64_t written_rows, written_bytes;
    uint64_t result_rows, result_bytes;
    uint64_t elapsed_ns;
    int64_t memory_usage;
} fn_progress;

typedef struct fn_request {
    fn_str user;
    fn_session *session;     /* NULL: none */
    fn_str database;         /* empty: the session's or "default" */
    fn_str query_id;         /* empty: the engine makes a UUID */
    fn_str default_format;   /* empty: TabSeparated */
    fn_str sql;              /* statement text; an INSERT's inline data may follow it */
    bool cut;                /* the text may go on in `body`: read as far as max_query_size allows, if the statement has no data */
    fn_source *body;         /* bytes behind `sql` (INSERT data); NULL: none. Read only when the statement wants data, or is cut */
    const fn_pair *settings; /* URL settings, in order */
    size_t setting_count;
    const fn_pair *params;   /* {name:Type} values, still TSV-escaped */
    size_t param_count;
    const fn_external_table *externals;
    size_t external_count;
    bool readonly;           /* GET: any write is READONLY (164) */
    uint32_t native_revision;
    const char *interface;   /* "HTTP", "LOCAL": for system.query_log */
    fn_str user_agent, address, http_method;
    fn_cancel *cancel;       /* set by the caller when the client is gone */
} fn_request;

/* Known before the first result byte. */
typedef struct fn_result_head {
    const char *query_id;
    const char *timezone;
    bool has_result;          /* false: DDL, INSERT, SET: no format, empty body */
    const char *format;       /* canonical name */
    const char *content_type;
} fn_result_head;

/* What the caller hands down for the answer. `begin` is called exactly once before the first byte and, for
 * statements without result, before fn_engine_query returns OK; not at all when the statement fails before it. */
typedef struct fn_response fn_response;
struct fn_response {
    fn_status (*begin)(fn_response *self, fn_ctx *ctx, const fn_result_head *head);
    fn_sink *body;            /* result bytes; back-pressure by blocking in write */
    void (*progress)(fn_response *self, const fn_progress *progress); /* may be NULL; from any thread, one at a time */
    int64_t progress_interval_ns; /* at most so often; 0: 100 ms */
    bool exception_in_body; /* out, on failure: the format itself tells of the exception, the body is complete */
};

/* Runs one statement to the end on the calling thread (plus workers). ctx: arena and error; tracker and cancel are set
 * up inside. On failure the result may have begun: the caller reports in-stream (fn_response.begin was called). */
fn_status fn_engine_query(fn_ctx *ctx, fn_engine *engine, const fn_request *request, fn_response *response,
                          fn_progress *summary) FN_MUST_USE;
/* Where the first statement of several ends: the bytes up to and with its ';', or all of them. Strings and comments are looked
 * through; the data of an INSERT ... FORMAT is not. */
size_t fn_engine_statement_end(fn_str text);
/* Is the text an INSERT as far as its data, with some of that? Then the rest may come as the request's body. */
bool fn_engine_data_begins(const fn_ctx *ctx, fn_str text);
/* A setting's value for a request (URL settings over session over defaults): for what the HTTP layer itself obeys. */
fn_status fn_engine_setting(fn_ctx *ctx, fn_engine *engine, const fn_request *request, const char *name, fn_str *out) FN_MUST_USE;
#endif
