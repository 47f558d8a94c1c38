/* query/process.h - the statements that run right now: their ids, ends and counters.
 *
 * A process lies in the frame of fn_engine_query; the list links it while it runs. Whoever looks at the list holds its lock
 * and copies what it wants; the lock is never held across I/O.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_PROCESS_H
#define FIRN_QUERY_PROCESS_H
#include "exec/exec.h"
#include <firn/engine.h>

typedef struct process process;
struct process {
    process *next, **previous;
    char id[128];              /* query id, 0-terminated */
    fn_str sql, user, database, address, user_agent, interface;
    const char *kind;          /* "Select" */
    fn_cancel *cancel, own_cancel;
    fn_tracker memory;
    exec_progress *progress;
    fn_response *response;     /* for progress reports; NULL: none wanted */
    int64_t started_ns;        /* monotonic */
    int64_t started_real_ns;
    _Atomic bool killed;
    bool admitted;             /* counts for the limits; the list's lock */
    struct process_user *of;   /* whose it is; set by process_begin */
};

/* What the statements of one user hold together; between theirs and the server's. */
typedef struct process_user {
    struct process_user *next;
    char *name;
    fn_tracker memory;         /* its limit: the largest that a statement has asked for since none was running */
    unsigned running;          /* the list's lock */
} process_user;

typedef struct process_list {
    pthread_mutex_t lock;
    pthread_cond_t left;       /* signalled when a process ends */
    process *first;
    process_user *users;       /* those seen so far */
    unsigned count;
} process_list;

void process_list_init(process_list *list);
void process_list_release(process_list *list); /* waits for the last */
/* Links p, whose id is set. QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING (216), unless `replace`: then the other one is ended first. */
fn_status process_begin(fn_ctx *ctx, process_list *list, process *p, bool replace) FN_MUST_USE;
/* How many statements may run at once; 0: any number. */
typedef struct process_limits {
    uint64_t all, user;        /* settings of the statement */
    uint64_t queries, inserts, selects; /* of the server */
    uint64_t wait_ms;          /* queue_max_wait_ms: so long it waits for the others to end before it is refused */
} process_limits;
/* The tracker of a user's statements; lives as long as the list. */
fn_status process_user_memory(fn_ctx *ctx, process_list *list, fn_str user, fn_tracker *server, process_user **out) FN_MUST_USE;
/* max_memory_usage_for_user of one of its statements, which is running; 0: none. */
void process_user_limit(process_user *user, uint64_t bytes);
/* Once the statement is described; it counts from here on. TOO_MANY_SIMULTANEOUS_QUERIES (202). */
fn_status process_check(fn_ctx *ctx, process_list *list, process *p, const process_limits *limits) FN_MUST_USE;
/* What the statement turned out to be; others may be looking. */
void process_describe(process_list *list, process *p, const char *kind, fn_str sql);
void process_end(process_list *list, process *p);
/* Asks the statement to end; false: no such. wait: until it has ended. */
bool process_kill(process_list *list, fn_str id, bool wait);

unsigned process_list_count(process_list *list);

/* A copy of one row for system.processes; texts in ctx->arena. */
typedef struct process_row {
    fn_str id, sql, user, database, address, user_agent, interface;
    const char *kind;
    double elapsed_s;
    uint64_t rows_read, bytes_read, total_rows, written_rows, written_bytes;
    int64_t memory, peak_memory;
    bool cancelled;
} process_row;
fn_status process_rows(fn_ctx *ctx, process_list *list, process_row **out, size_t *count) FN_MUST_USE;
#endif
