/* query/ttl.h - TTL of tables and columns: the checks of CREATE and ALTER, and the thread that asks for merges of what is due.
 *
 * Rows past their time stay readable until a merge, OPTIMIZE or MATERIALIZE TTL takes them away, as they do in ClickHouse
 * (table/mergetree/part_ttl.h). SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_TTL_H
#define FIRN_QUERY_TTL_H
#include "query/definition.h"

/* The TTL clauses of a definition that is being made or changed (definition_ttl.c). BAD_TTL_EXPRESSION (450), BAD_ARGUMENTS (36),
 * ILLEGAL_COLUMN (44), NO_SUCH_COLUMN_IN_TABLE (16), the errors of codecs and expressions. TO DISK and TO VOLUME know "default", where everything lies. */
fn_status ttl_check(query *q, const ast_create *c) FN_MUST_USE;

void ttl_look_at_all(fn_engine *engine); /* all tables are asked to merge what is due */
typedef struct ttl_worker ttl_worker;
fn_status ttl_worker_start(fn_ctx *ctx, fn_engine *engine, ttl_worker **out) FN_MUST_USE;
void ttl_worker_stop(ttl_worker *w); /* NULL is fine; waits for what is running */
#endif
