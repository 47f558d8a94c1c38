/* merge/merge.h - background merges of MergeTree parts: choosing, running, scheduling.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MERGE_H
#define FIRN_MERGE_H
#include "table/mergetree/part_ttl.h"

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
/* A merge under way: what becomes of the rows, and the part they go to. */
typedef struct merge_job {
    mt_table *table;
    const mt_shape *shape;
    const mt_merge_how *how;
    mt_running *running;        /* the sources */
    bool apply_ttl;
    mt_part_out *out;
    mt_ttl_rows *ttl;           /* NULL: nothing is due */
} merge_job;
/* Rows in key order: all stored columns, and others behind them, which go along. */
fn_status merge_write_rows(fn_ctx *ctx, const merge_job *m, const mt_batch *b) FN_MUST_USE;

/* ---- merge_columns.c: merges by columns ---- */
typedef struct merge_columns {
    bool chosen;                /* false: by rows */
    uint32_t *columns, count;   /* schema indexes: what decides about rows, and what has to be seen together */
} merge_columns;
fn_status merge_columns_choose(fn_ctx *ctx, const merge_job *m, merge_columns *out) FN_MUST_USE; /* in ctx->arena */
/* Goes through the rows by those columns; m->out notes their order. Then every column is written. *fits false: only by rows can it be written. */
fn_status merge_columns_order(fn_ctx *ctx, merge_job *m, const merge_columns *c) FN_MUST_USE;
fn_status merge_columns_gather(fn_ctx *ctx, const merge_job *m, bool *fits) FN_MUST_USE;

/* Merges parts with something due, one by one (merge_expired.c). */
fn_status merge_expired(fn_ctx *ctx, mt_table *t) FN_MUST_USE;
#endif
