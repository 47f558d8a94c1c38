/* optimize.c - OPTIMIZE TABLE: FINAL (and DEDUPLICATE, CLEANUP) makes every partition one part; without it one merge is run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"

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

static fn_status merge_partition(fn_ctx *ctx, mt_table *t, fn_str partition_id, uint32_t least, const mt_merge_how *how)
{
    for (int attempt = 0;; attempt++) {
        const bool locked = attempt >= FREE_TRIES;
        merge_outcome outcome = MERGE_DONE;
        mt_list *list;
        mt_part **parts;
        uint32_t count;
        if (locked) mt_lock_change(t, NULL);
        fn_status status = collect(ctx, t, partition_id, &list, &parts, &count);
        if (status == FN_OK) {
            if (count >= least) status = merge_run(ctx, t, parts, count, how, locked, &outcome);
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
