/* plan/projection_source.h - reading a table's projections instead of the table: what rule_projection.c (rows in another order) and
 * rule_projection_aggregate.c (groups) share.
 *
 * A projection is a table of its columns with a snapshot of the parts that have it; parts that lack it are read from the table, and both
 * come together in a UNION. A projection answers only if every expression over the table that is needed can be put over its columns:
 * FINAL and SAMPLE never can.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PLAN_PROJECTION_SOURCE_H
#define FIRN_PLAN_PROJECTION_SOURCE_H
#include "plan/plan_node.h"
#include "table/mergetree/mergetree.h"

/* May the projections of what this node scans be looked at at all? */
bool projection_allowed(fn_ctx *ctx, const plan *scan);
/* e, over the schema, over the projection's columns: column i is PROJECTION_ID + i. *out NULL: it needs more than the projection has. */
#define PROJECTION_ID 0x40000000u
fn_status projection_match(fn_ctx *ctx, const mt_projection *p, expr *e, expr **out) FN_MUST_USE;
/* All conjuncts of a scan; *out NULL: some does not match. */
fn_status projection_match_conjuncts(fn_ctx *ctx, const mt_projection *p, const plan *scan, expr ***out) FN_MUST_USE;

/* A projection of a scan's table, opened. */
typedef struct projection_source {
    const mt_projection *projection;
    table *table;                    /* NULL: no part has it */
    table_snapshot *with, *without;
    uint64_t rows;                   /* to read, of both */
} projection_source;
/* matched: the scan's conjuncts over PROJECTION_ID + i. */
fn_status projection_open(fn_ctx *ctx, const plan *scan, uint32_t index, expr *const *matched, projection_source *out) FN_MUST_USE;
void projection_close(projection_source *s); /* of one that is not used */
fn_status projection_rows_without(fn_ctx *ctx, const plan *scan, uint64_t *out) FN_MUST_USE; /* to read from the table itself */

/* Gives ids[i] an id, if it has none, for each PROJECTION_ID + i in the expressions. */
fn_status projection_ids(fn_ctx *ctx, plan_query *q, const mt_projection *p, expr *const *exprs, uint32_t count, column_id *ids) FN_MUST_USE;
/* A SCAN of the projection: columns for all i with ids[i] != 0, conjuncts matched. The query takes table and snapshot; *out 's columns
 * are in the projection's order. */
fn_status projection_scan(fn_ctx *ctx, plan_query *q, const plan *scan, projection_source *source_take, expr *const *matched, const column_id *ids, plan **out) FN_MUST_USE;
/* The query notes that it reads the projection; the scan's snapshot goes to the parts without it. */
fn_status projection_note(fn_ctx *ctx, plan_query *q, const plan *scan, const mt_projection *p) FN_MUST_USE;
void projection_narrow(plan *scan, projection_source *s);
/* PROJECTION_NOT_USED (584), INCORRECT_DATA (117): what force_optimize_projection and force_optimize_projection_name ask. */
fn_status projection_check(fn_ctx *ctx, const plan_query *q) FN_MUST_USE;
#endif
