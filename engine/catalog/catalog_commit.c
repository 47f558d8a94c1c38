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
    c->broken = why->error.code != FN_NOT_ENOUGH_SPACE;
    fn_log(FN_LOG_ERROR, "catalog", "%s%s", why->error.text, c->broken ? "; the catalog is read-only until the next start" : "");
}

static void roll_back(catalog *c)
{
    catalog_names_drop(c->next_names);
    c->next_names = NULL;
    catalog_log_back(c, 0);
    (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL); /* may have been rolled back already */
}

static fn_status run_transaction(fn_ctx *ctx, catalog *c, catalog_work *list)
{
    FN_TRY(command(ctx, c, SQL_BEGIN));
    catalog_seal_begin(c);
    for (catalog_work *w = list; w; w = w->next) {
        w->status = FN_OK;
        if (run_one(c, w)) continue;
        return fn_fail(ctx, w->status == FN_NOT_ENOUGH_SPACE ? FN_NOT_ENOUGH_SPACE : FN_CANNOT_WRITE_TO_FILE, "%s: the transaction was lost: %s", c->file,
                       sqlite3_errmsg(c->db));
    }
    FN_TRY(catalog_seal_store(ctx, c));
    FN_TRY(command(ctx, c, SQL_COMMIT));
    catalog_seal_committed(c);
    return FN_OK;
}

static void lead(catalog *c, catalog_work *list)
{
    fn_ctx own = {.arena = NULL};
    if (c->broken) {
        c->base_names = c->names;
        for (catalog_work *w = list; w; w = w->next) {
            w->status = w->writes ? fn_fail(w->ctx, FN_TABLE_IS_READ_ONLY, "%s is read-only: an earlier commit failed; restart the server", c->file)
                                  : w->run(c, w);
        }
        return;
    }
    fn_status status = run_transaction(&own, c, list);
    if (status != FN_OK) roll_back(c);
    if (status == FN_NOT_ENOUGH_SPACE && catalog_reserve_give(c)) { /* nothing of it is in the file: once more, with more room */
        fn_error_clear(&own);
        for (catalog_work *w = list; w; w = w->next) fn_error_clear(w->ctx);
        status = run_transaction(&own, c, list);
        if (status != FN_OK) roll_back(c);
    }
    if (status != FN_OK) {
        fail_all(c, list, &own);
        return;
    }
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
