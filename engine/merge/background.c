/* background.c - merges without being asked: after each insert a task looks for ranges worth merging until there are none.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"

static bool is_damage(fn_status status)
{
    return status == FN_CHECKSUM_DOESNT_MATCH || status == FN_CORRUPTED_DATA || status == FN_INCORRECT_DATA || status == FN_FILE_DOESNT_EXIST ||
           status == FN_CANNOT_READ_ALL_DATA || status == FN_UNKNOWN_FORMAT_VERSION;
}

/* One damaged part must not keep its partition from being merged for ever: it is found and left out from now on. */
static bool leave_out_damaged(fn_ctx *ctx, mt_table *t, const merge_choice *choice)
{
    bool found = false;
    for (uint32_t i = 0; i < choice->count; i++) {
        mt_part *p = choice->list->parts[choice->from + i];
        fn_error_clear(ctx);
        if (!is_damage(mt_part_check(ctx, p))) continue;
        fn_log(FN_LOG_ERROR, "merge", "part " FN_STR_FMT " is left out of merges until the next start: %s", FN_STR_ARG(p->row.name), ctx->error.text);
        pthread_mutex_lock(&t->lock);
        p->damaged = found = true;
        pthread_mutex_unlock(&t->lock);
    }
    fn_error_clear(ctx);
    return found;
}

static void merge_while_useful(fn_ctx *ctx, mt_table *t)
{
    const mt_merge_how how = {0};
    merge_choice choice;
    while (!atomic_load(&t->store->closing) && !mt_merges_stopped(t) && !atomic_load(&t->forgotten) && merge_choose(t, false, &choice)) {
        merge_outcome outcome;
        const fn_status status = merge_run(ctx, t, choice.list->parts + choice.from, choice.count, &how, false, &outcome);
        if (status != FN_OK && status != FN_ABORTED && status != FN_TABLE_IS_DROPPED)
            fn_log(FN_LOG_ERROR, "merge", "merging parts of " FN_STR_FMT "." FN_STR_FMT " failed: %s", FN_STR_ARG(t->base.database), FN_STR_ARG(t->base.name),
                   ctx->error.text);
        const bool again = status == FN_OK || (is_damage(status) && leave_out_damaged(ctx, t, &choice));
        merge_choice_release(t, &choice);
        fn_arena_reset(ctx->arena);
        if (status == FN_OK) mt_final_prepare(ctx, t);
        if (again) continue;
        return; /* the next insert tries again */
    }
}

static void merge_what_is_due(fn_ctx *ctx, mt_table *t)
{
    if (!atomic_exchange(&t->ttl_wanted, false) || atomic_load(&t->store->closing) || mt_merges_stopped(t) || atomic_load(&t->forgotten)) return;
    const fn_status status = merge_expired(ctx, t);
    if (status != FN_OK && status != FN_ABORTED && status != FN_TABLE_IS_DROPPED)
        fn_log(FN_LOG_ERROR, "ttl", "TTL of " FN_STR_FMT "." FN_STR_FMT ": %s", FN_STR_ARG(t->base.database), FN_STR_ARG(t->base.name), ctx->error.text);
    fn_error_clear(ctx);
    fn_arena_reset(ctx->arena);
}

static void end_task(mt_store *store)
{
    pthread_mutex_lock(&store->lock);
    if (--store->tasks == 0) pthread_cond_broadcast(&store->idle);
    pthread_mutex_unlock(&store->lock);
}

static void merge_task(void *arg, unsigned worker)
{
    mt_table *t = arg;
    mt_store *store = t->store;
    fn_ctx ctx = {0};
    (void)worker;
    atomic_store(&t->merge_pending, false); /* parts that come from here on start a task of their own */
    ctx.arena = fn_arena_new(&ctx);
    if (ctx.arena) {
        mt_final_prepare(&ctx, t);
        merge_what_is_due(&ctx, t);
        merge_while_useful(&ctx, t);
    }
    fn_arena_free(ctx.arena);
    table_drop(&t->base);
    end_task(store);
}

void mt_merge_schedule(mt_table *t)
{
    mt_store *store = t->store;
    fn_ctx ctx = {0};
    if (!store->options.background || atomic_load(&store->closing) || atomic_exchange(&t->merge_pending, true)) return;
    pthread_mutex_lock(&store->lock);
    store->tasks++;
    pthread_mutex_unlock(&store->lock);
    (void)table_ref(&t->base);
    if (fn_pool_submit(&ctx, store->options.background, merge_task, t) == FN_OK) return;
    atomic_store(&t->merge_pending, false); /* no memory for the queue: the next insert asks again */
    table_drop(&t->base);
    end_task(store);
}

/* ---- SYSTEM STOP MERGES ---- */

bool mt_merges_stopped(const mt_table *t)
{
    return atomic_load_explicit(&t->merges_stopped, memory_order_relaxed) || atomic_load_explicit(&t->store->merges_stopped, memory_order_relaxed);
}

void mt_stop_merges(table *t, bool stop)
{
    mt_table *m = (mt_table *)t;
    atomic_store(&m->merges_stopped, stop);
    if (!stop) mt_merge_schedule(m);
}

void mt_store_stop_merges(mt_store *store, bool stop)
{
    atomic_store(&store->merges_stopped, stop);
}
