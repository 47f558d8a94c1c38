/* catalog_commit.c - many threads, one transaction: see "Commits" in catalog.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"

static fn_status command(fn_ctx *ctx, catalog *c, catalog_sql which)
{
    return catalog_sql_run(ctx, c, c->statements[which]);
}

/* One piece of work under its savepoint. False: the transaction itself is no longer good. */
static bool run_one(catalog *c, catalog_work *w)
{
    catalog_names *before = c->next_names;
    const fn_hash128 seal = c->seal;
    const size_t mark = catalog_log_mark(c);
    w->status = command(w->ctx, c, SQL_SAVEPOINT);
    if (w->status != FN_OK) return false;
    c->next_names = NULL;
    c->base_names = before ? before : c->names;
    w->status = w->run(c, w);
    fn_ctx own = {.arena = NULL};
    if (w->status == FN_OK) {
        if (c->next_names) catalog_names_drop(before);
        else c->next_names = before;
        return command(&own, c, SQL_RELEASE) == FN_OK;
    }
    catalog_names_drop(c->next_names);
    c->next_names = before;
    c->seal = seal;
    catalog_log_back(c, mark);
    return command(&own, c, SQL_ROLLBACK_TO) == FN_OK && command(&own, c, SQL_RELEASE) == FN_OK;
}

static void fail_all(catalog *c, catalog_work *list, const fn_ctx *why)
{
    for (catalog_work *w = list; w; w = w->next) {
        if (w->status != FN_OK) continue;
        w->status = fn_fail(w->ctx, why->error.code, "%s", why->error.text);
    }
    fn_log(FN_LOG_ERROR, "catalog", "%s%s", why->error.text, c->broken ? "; the catalog is read-only until the next start" : "");
}

/* Out of memory while SQLite committed: the frames may lie in the WAL already. Writing others over them settles it. */
static bool write_over(catalog *c)
{
    return sqlite3_exec(c->db, "BEGIN IMMEDIATE; UPDATE databases SET comment = comment; COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

/* Rolls back; false: nobody knows what is on disk. Nothing that failed before COMMIT is there. Of a failed COMMIT nothing can be on
 * disk when there was no room to write it: the last frame, which makes the others count, is not whole. */
static bool undo(catalog *c, int result, bool committing)
{
    catalog_names_drop(c->next_names);
    c->next_names = NULL;
    catalog_log_back(c, 0);
    (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL); /* may have been rolled back already */
    if (!sqlite3_get_autocommit(c->db)) return false;
    if (!committing || (result & 0xff) == SQLITE_FULL) return true;
    return ((result & 0xff) == SQLITE_NOMEM || result == SQLITE_IOERR_NOMEM) && write_over(c);
}

static fn_status run_works(fn_ctx *ctx, catalog *c, catalog_work *list, bool *committing)
{
    *committing = false;
    FN_TRY(command(ctx, c, SQL_BEGIN));
    catalog_seal_begin(c);
    for (catalog_work *w = list; w; w = w->next) {
        w->status = FN_OK;
        if (run_one(c, w)) continue;
        return fn_fail(ctx, w->status == FN_NOT_ENOUGH_SPACE ? FN_NOT_ENOUGH_SPACE : FN_CANNOT_WRITE_TO_FILE, "%s: the transaction was lost: %s", c->file,
                       sqlite3_errmsg(c->db));
    }
    FN_TRY(catalog_seal_store(ctx, c));
    *committing = true;
    FN_TRY(command(ctx, c, SQL_COMMIT));
    catalog_seal_committed(c);
    return FN_OK;
}

static fn_status run_transaction(fn_ctx *ctx, catalog *c, catalog_work *list)
{
    bool committing;
    const fn_status status = run_works(ctx, c, list, &committing);
    if (status != FN_OK) c->broken = !undo(c, sqlite3_extended_errcode(c->db), committing);
    return status;
}

static void refuse(catalog *c, catalog_work *list)
{
    c->base_names = c->names;
    for (catalog_work *w = list; w; w = w->next) {
        w->status = w->writes ? fn_fail(w->ctx, FN_TABLE_IS_READ_ONLY, "%s is read-only: an earlier commit failed; restart the server", c->file)
                              : w->run(c, w);
    }
}

static void lead(catalog *c, catalog_work *list)
{
    fn_ctx own = {.arena = NULL};
    if (c->broken) {
        refuse(c, list);
        return;
    }
    fn_status status = run_transaction(&own, c, list);
    if (status == FN_NOT_ENOUGH_SPACE && !c->broken && catalog_reserve_give(c)) { /* nothing of it is in the file: once more, with more room */
        fn_error_clear(&own);
        for (catalog_work *w = list; w; w = w->next) fn_error_clear(w->ctx);
        status = run_transaction(&own, c, list);
    }
    if (status != FN_OK) {
        fail_all(c, list, &own);
        return;
    }
    for (catalog_work *w = list; w; w = w->next)
        if (w->status == FN_OK && w->committed) w->committed(w);
    if (c->next_names) catalog_publish(c, c->next_names);
    c->next_names = NULL;
    catalog_log_commit(c);
    catalog_reserve_keep(c);
}

fn_status catalog_do(fn_ctx *ctx, catalog *c, catalog_work *work)
{
    work->ctx = ctx;
    work->next = NULL;
    work->finished = false;
    FN_ASSERT(pthread_mutex_lock(&c->lock) == 0);
    *c->last = work;
    c->last = &work->next;
    while (!work->finished && c->leading) FN_ASSERT(pthread_cond_wait(&c->finished, &c->lock) == 0);
    if (!work->finished) {
        catalog_work *list = c->first;
        c->first = NULL;
        c->last = &c->first;
        c->leading = true;
        FN_ASSERT(pthread_mutex_unlock(&c->lock) == 0);
        lead(c, list);
        FN_ASSERT(pthread_mutex_lock(&c->lock) == 0);
        c->leading = false;
        for (catalog_work *w = list, *next; w; w = next) {
            next = w->next; /* w may be gone once it is finished and the lock is free */
            w->finished = true;
        }
        FN_ASSERT(pthread_cond_broadcast(&c->finished) == 0);
    }
    FN_ASSERT(pthread_mutex_unlock(&c->lock) == 0);
    return work->status;
}
