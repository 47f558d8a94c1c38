/* optimize.c - OPTIMIZE TABLE: FINAL (and DEDUPLICATE, CLEANUP) makes every partition one part; without it one merge is run. Merges of the
 * partition that are under way are waited for first: two of the same rows would hold memory twice, and one would be for nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"
#include <time.h>

enum { FREE_TRIES = 2 }; /* merges without the change lock before it is taken for the whole merge */

/* Parts of the partition in the current list; the list is referenced. */
static fn_status collect(fn_ctx *ctx, mt_table *t, fn_str partition_id, mt_list **list, mt_part ***parts, uint32_t *count)
{
    *list = mt_table_list(t);
    *count = 0;
    *parts = FN_NEW_ARRAY(ctx, mt_part *, (*list)->count + 1);
    if (!*parts) {
        mt_list_drop(*list);
        return ctx->error.code;
    }
    for (uint32_t i = 0; i < (*list)->count; i++)
        if (fn_str_eq((*list)->parts[i]->row.partition_id, partition_id)) (*parts)[(*count)++] = (*list)->parts[i];
    return FN_OK;
}

static bool any_busy(mt_table *t, mt_part *const *parts, uint32_t count)
{
    bool busy = false;
    pthread_mutex_lock(&t->lock);
    for (uint32_t i = 0; i < count && !busy; i++) busy = parts[i]->busy;
    pthread_mutex_unlock(&t->lock);
    return busy;
}

/* Until none of the parts there are now is being merged. *waited: some of several were. */
static fn_status wait_for_merges(fn_ctx *ctx, mt_table *t, fn_str partition_id, bool *waited)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    mt_list *list;
    mt_part **parts;
    uint32_t count;
    FN_TRY(collect(ctx, t, partition_id, &list, &parts, &count));
    fn_status status = FN_OK;
    *waited = false;
    while (status == FN_OK && any_busy(t, parts, count)) {
        if (!*waited) fn_thread_waits();
        *waited = true;
        (void)nanosleep(&pause, NULL);
        status = fn_ctx_check(ctx);
    }
    *waited = *waited && count > 1;
    mt_list_drop(list);
    return status;
}

/* Nobody else is to merge them meanwhile. mine: which of them were free. */
static void set_busy(mt_table *t, mt_part *const *parts, uint32_t count, bool *mine, bool busy)
{
    pthread_mutex_lock(&t->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (busy) mine[i] = !parts[i]->busy;
        if (mine[i]) parts[i]->busy = busy;
    }
    pthread_mutex_unlock(&t->lock);
}

static fn_status merge_collected(fn_ctx *ctx, mt_table *t, mt_part *const *parts, uint32_t count, const mt_merge_how *how, bool locked, merge_outcome *outcome)
{
    bool *mine = FN_NEW_ARRAY(ctx, bool, count + 1);
    FN_TRY_PTR(ctx, mine);
    set_busy(t, parts, count, mine, true);
    const fn_status status = merge_run(ctx, t, parts, count, how, locked, outcome);
    set_busy(t, parts, count, mine, false);
    return status;
}

/* The merge that was waited for has made one part of all, as it is asked for. */
static bool is_done(mt_part *const *parts, uint32_t count, const mt_merge_how *how)
{
    return count == 1 && parts[0]->row.level > 0 && !how->cleanup && !how->deduplicate;
}

static fn_status merge_partition(fn_ctx *ctx, mt_table *t, fn_str partition_id, uint32_t least, const mt_merge_how *how)
{
    bool waited;
    FN_TRY(wait_for_merges(ctx, t, partition_id, &waited));
    for (int attempt = 0;; attempt++) {
        const bool locked = attempt >= FREE_TRIES;
        merge_outcome outcome = MERGE_DONE;
        mt_list *list;
        mt_part **parts;
        uint32_t count;
        if (locked) mt_lock_change(t, NULL);
        fn_status status = collect(ctx, t, partition_id, &list, &parts, &count);
        if (status == FN_OK) {
            if (count >= least && !(waited && is_done(parts, count, how))) status = merge_collected(ctx, t, parts, count, how, locked, &outcome);
            mt_list_drop(list);
        }
        if (locked) mt_unlock_change(t, NULL);
        if (status != FN_OK || outcome == MERGE_DONE) return status;
        if (atomic_load(&t->forgotten)) return fn_fail(ctx, FN_TABLE_IS_DROPPED, "The table was dropped while it was merged");
    }
}

static fn_status merge_all(fn_ctx *ctx, mt_table *t, const mt_merge_how *how)
{
    mt_list *list = mt_table_list(t);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < list->count && status == FN_OK; i++) {
        const fn_str id = list->parts[i]->row.partition_id;
        if (i && fn_str_eq(id, list->parts[i - 1]->row.partition_id)) continue;
        status = merge_partition(ctx, t, id, 1, how);
    }
    mt_list_drop(list);
    return status;
}

fn_status mt_optimize(fn_ctx *ctx, mt_table *t, fn_str partition_id, bool final, const mt_merge_how *how)
{
    merge_choice choice;
    merge_outcome outcome;
    if (partition_id.data) return merge_partition(ctx, t, partition_id, final ? 1 : 2, how);
    if (final) return merge_all(ctx, t, how);
    if (!merge_choose(t, true, &choice)) return FN_OK;
    const fn_status status = merge_run(ctx, t, choice.list->parts + choice.from, choice.count, how, false, &outcome);
    merge_choice_release(t, &choice);
    return status;
}
