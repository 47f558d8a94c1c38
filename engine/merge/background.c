/* background.c - merges without being asked: after each insert a task looks for ranges worth merging until there are none; inserts
 * into a partition with far too many parts are slowed down, then refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"
#include <time.h>

enum { DELAY_FROM = 1000, REFUSE_FROM = 3000, DELAY_MS_MAX = 1000 }; /* parts_to_delay_insert, parts_to_throw_insert, max_delay_to_insert */

static void merge_while_useful(fn_ctx *ctx, mt_table *t)
{
    const mt_merge_how how = {0};
    merge_choice choice;
    while (!atomic_load(&t->store->closing) && !atomic_load(&t->forgotten) && merge_choose(t, false, &choice)) {
        merge_outcome outcome;
        const fn_status status = merge_run(ctx, t, choice.list->parts + choice.from, choice.count, &how, false, &outcome);
        merge_choice_release(t, &choice);
        fn_arena_reset(ctx->arena);
        if (status == FN_OK) continue;
        if (status != FN_ABORTED && status != FN_TABLE_IS_DROPPED)
            fn_log(FN_LOG_ERROR, "merge", "merging parts of " FN_STR_FMT "." FN_STR_FMT " failed: %s", FN_STR_ARG(t->base.database), FN_STR_ARG(t->base.name),
                   ctx->error.text);
        return; /* the next insert tries again */
    }
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
    if (ctx.arena) merge_while_useful(&ctx, t);
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

/* The most parts any partition has. */
static uint32_t most_parts(mt_table *t)
{
    uint32_t most = 0;
    mt_list *list = mt_table_list(t);
    for (uint32_t from = 0, end; from < list->count; from = end) {
        for (end = from + 1; end < list->count && fn_str_eq(list->parts[end]->row.partition_id, list->parts[from]->row.partition_id);) end++;
        most = FN_MAX(most, end - from);
    }
    mt_list_drop(list);
    return most;
}

fn_status mt_merge_pressure(fn_ctx *ctx, mt_table *t)
{
    const uint32_t parts = most_parts(t);
    if (parts < DELAY_FROM || !t->store->options.background) return FN_OK;
    mt_merge_schedule(t);
    if (parts >= REFUSE_FROM)
        return fn_fail(ctx, FN_TOO_MANY_PARTS, "Too many parts (%u) in table '" FN_STR_FMT "." FN_STR_FMT "'. Merges are processing significantly slower than inserts",
                       parts, FN_STR_ARG(t->base.database), FN_STR_ARG(t->base.name));
    const uint64_t delay_ms = (uint64_t)DELAY_MS_MAX * (parts - DELAY_FROM + 1) / (REFUSE_FROM - DELAY_FROM);
    const struct timespec pause = {0, (long)FN_MIN(delay_ms, (uint64_t)999) * 1000000};
    (void)nanosleep(&pause, NULL);
    return fn_ctx_check(ctx);
}
