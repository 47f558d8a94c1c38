/* query/ttl.h - TTL of tables and columns: rows past their time go, columns past theirs take their default.
 *
 * It is done as a mutation: by OPTIMIZE, by ALTER TABLE ... MODIFY TTL and MATERIALIZE TTL, and by a thread that looks at every
 * table with a TTL each `merge_with_ttl_timeout` seconds (a setting of the table, 14400). Rows stay readable until then, as they do
 * in ClickHouse. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_TTL_H
#define FIRN_QUERY_TTL_H
#include "query/definition.h"

/* The TTL clauses of a definition that is being made or changed. BAD_TTL_EXPRESSION (450), BAD_ARGUMENTS (36), ILLEGAL_COLUMN (44);
 * NOT_IMPLEMENTED for RECOMPRESS and GROUP BY.
 * TO DISK and TO VOLUME know "default", where everything lies. */
fn_status ttl_check(query *q, const ast_create *c) FN_MUST_USE;
/* What is due at this moment. Tables without TTL: nothing. */
fn_status ttl_apply(fn_ctx *ctx, fn_engine *engine, table *t) FN_MUST_USE;

typedef struct ttl_worker ttl_worker;
fn_status ttl_worker_start(fn_ctx *ctx, fn_engine *engine, ttl_worker **out) FN_MUST_USE;
void ttl_worker_stop(ttl_worker *w); /* NULL is fine; waits for what is running */
#endif
