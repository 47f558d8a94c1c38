/* mergetree/part_ttl.h - TTL: what parts know of it, and what it makes of their rows; private to this folder and engine/merge.
 *
 * A part's file carries, as an attachment, for each TTL clause the first and the last moment of its rows (ttl_info.c). Whoever writes a part
 * (insert, merge, mutation) computes them from the rows, so they are never older than the part. A merge applies TTL when one of its
 * sources has something due, or does not know (ttl_rows.c): to rows in key order, behind what the table's mode makes of them, in one pass
 * and one commit with the merge. Nothing else removes rows, so a row stays readable until a merge comes by, as in ClickHouse; the
 * background merges single parts for that (merge/merge_expired.c).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PART_TTL_H
#define FIRN_PART_TTL_H
#include "table/mergetree/mt.h"

typedef struct mt_ttl_programs { /* over a block of stored columns */
    expr_program *when, *where, *value; /* where, value (MT_TTL_COLUMN): NULL where there is none */
    expr_program *args;         /* MT_TTL_GROUP_BY: arguments of all calls, one after the other; NULL: they have none */
    uint32_t arg_count;
    expr_program *values;       /* of those stored columns that get a new value; over first rows, then results. NULL: none does */
    uint32_t *targets, target_count; /* which stored columns these are */
} mt_ttl_programs;
fn_status mt_ttl_compile(fn_ctx *ctx, mt_shape *s) FN_MUST_USE; /* fills s->ttls; ctx->arena is the definition's */

/* ---- ttl_info.c ---- */
typedef struct mt_ttl_info {
    mt_ttl_kind kind;
    bool never;                 /* some row has no time that comes */
    uint64_t id;                /* of the clause */
    int64_t min, max;           /* over the rows that it may do something to; 0: there are none */
    int64_t due;                /* the first moment that has not been applied; 0: none */
    fn_str text;
} mt_ttl_info;
typedef struct mt_ttl_infos { /* texts behind the list */
    uint32_t count;
    fn_str codec;               /* of columns without one */
    mt_ttl_info list[];
} mt_ttl_infos;
fn_status mt_ttl_begin(fn_ctx *ctx, mt_part_out *out) FN_MUST_USE;
fn_status mt_ttl_note(fn_ctx *ctx, mt_part_out *out, const fn_block *stored) FN_MUST_USE;
fn_status mt_ttl_attach(fn_ctx *ctx, mt_part_out *out) FN_MUST_USE;
/* What the part's file says; read once. Borrowed from the part. */
fn_status mt_part_ttl(fn_ctx *ctx, mt_part *part, const mt_ttl_infos **out) FN_MUST_USE;
/* Of a clause; NULL: the file says nothing of it. */
const mt_ttl_info *mt_ttl_find(const mt_ttl_infos *infos, const mt_ttl *ttl);
/* Times of a block's rows: seconds since 1970. Under the server's time zone, whoever asks. Free with fn_free. */
fn_status mt_ttl_times(fn_ctx *ctx, const mt_ttl_programs *p, const fn_block *stored, int64_t **out) FN_MUST_USE;
/* mask[i] = 1 where the row's time has come (0 < time <= now_s) and the condition holds. mask has room for the rows and FN_BUFFER_PAD. */
fn_status mt_ttl_mask(fn_ctx *ctx, const mt_ttl_programs *p, const fn_block *stored, int64_t now_s, uint8_t *mask, uint32_t *ones) FN_MUST_USE;

/* What TTL has to do with a merge of parts at a moment. */
typedef struct mt_ttl_plan {
    bool apply;                 /* some row may be due */
    bool all_gone;              /* every row is */
    fn_str codec;               /* of columns without one of their own: what RECOMPRESS says. Borrowed from the definition */
} mt_ttl_plan;
fn_status mt_ttl_plan_of(fn_ctx *ctx, const mt_shape *shape, mt_part *const *parts, uint32_t count, int64_t now_s, mt_ttl_plan *out) FN_MUST_USE;

/* ---- ttl_rows.c ---- */
typedef struct mt_ttl_rows mt_ttl_rows;
/* Rows go in in key order and come out into `out`, the last ones at the end. */
fn_status mt_ttl_rows_open(fn_ctx *ctx, mt_part_out *out, int64_t now_s, mt_ttl_rows **rows) FN_MUST_USE;
fn_status mt_ttl_rows_write(fn_ctx *ctx, mt_ttl_rows *x, const fn_block *stored) FN_MUST_USE;
fn_status mt_ttl_rows_finish(fn_ctx *ctx, mt_ttl_rows *x) FN_MUST_USE;
void mt_ttl_rows_close(mt_ttl_rows *x); /* NULL is fine */

/* ---- ttl_group.c: GROUP BY of one clause ---- */
typedef struct mt_ttl_grouping mt_ttl_grouping;
fn_status mt_ttl_grouping_new(fn_ctx *ctx, const mt_shape *shape, uint32_t ttl, mt_ttl_grouping **out) FN_MUST_USE;
/* expired: per row. *out: rows that are not, and one for each group that has ended, in their order; NULL: none yet. */
fn_status mt_ttl_grouping_add(fn_ctx *ctx, mt_ttl_grouping *g, const fn_block *in, const uint8_t *expired, fn_block **out) FN_MUST_USE;
fn_status mt_ttl_grouping_end(fn_ctx *ctx, mt_ttl_grouping *g, fn_block **out) FN_MUST_USE; /* the group that is open; NULL: none is */
void mt_ttl_grouping_free(mt_ttl_grouping *g); /* NULL is fine */
#endif
