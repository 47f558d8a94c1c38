/* merge/merge.h - background merges of MergeTree parts: choosing, running, scheduling.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MERGE_H
#define FIRN_MERGE_H
#include "table/mergetree/mt.h"

/* Consecutive parts of one partition, in block order; a reference to the list keeps them. */
typedef struct merge_choice {
    mt_list *list;
    uint32_t from, count; /* in list->parts */
} merge_choice;

/* The range most worth merging, neither busy nor damaged; *found. aggressive: any two parts will do (OPTIMIZE). Marks its parts busy. */
bool merge_choose(mt_table *t, bool aggressive, merge_choice *out);
void merge_choice_release(mt_table *t, merge_choice *c); /* no longer busy */

typedef enum merge_outcome { MERGE_DONE, MERGE_OVERTAKEN } merge_outcome; /* overtaken: a part was dropped or replaced meanwhile; nothing has changed */
/* Merges the parts (of one partition, in block order) into one and exchanges them in one commit. locked: the caller holds the change lock. */
fn_status merge_run(fn_ctx *ctx, mt_table *t, mt_part *const *parts, uint32_t count, const mt_merge_how *how, bool locked, merge_outcome *out) FN_MUST_USE;
/* Merges parts with something due, one by one (merge_expired.c). */
fn_status merge_expired(fn_ctx *ctx, mt_table *t) FN_MUST_USE;
#endif
