/* query/materialized.h - materialized views: each INSERT into the source also runs the view's SELECT over the inserted rows and
 * writes what it gives into the view's target, a table named with TO or one of the view's own (".inner_id.<uuid of the view>").
 * Reading the view reads the target. Source and targets are committed in one transaction where all of them have parts: no crash can
 * leave rows of one without the other. Other engines (Memory, Null) follow behind it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_MATERIALIZED_H
#define FIRN_QUERY_MATERIALIZED_H
#include "query/definition.h"

/* The table of a view's definition; head's schema reference is taken on success. */
fn_status materialized_new(fn_ctx *ctx, const table *head, const ast_create *create, table **out) FN_MUST_USE;
bool materialized_is(const table *t);
/* The table behind the view, one reference. */
fn_status materialized_target(query *q, const table *view, table **out) FN_MUST_USE;
/* The name of the view's own table, data NULL if it writes TO another. */
fn_str materialized_inner(const table *view);
/* If t is a view: its target instead (t's reference is given back). */
fn_status materialized_resolve(query *q, table **t) FN_MUST_USE;
/* What the view calls the table it reads; borrowed from the view. */
/* Has the query, with qualified names, the view's source? */
bool materialized_reads_same(const table *view, const ast_query *select);
void materialized_source(const table *view, fn_str *database, fn_str *name);
/* The name of what it writes to. */
void materialized_target_name(const table *view, fn_str *database, fn_str *name);
/* materialized_resolve for statements that write: they rely on all the names on the way. name: what `t` was found under. *claim: of the
 * last name. */
fn_status materialized_claim(query *q, fn_str database, fn_str name, table **t, table_claim **claim) FN_MUST_USE;
/* The views that read `source`, which its claim says the name of (NULL: it is looked for), one reference each. If there are any, this and all later names of the statement are those of one moment
 * (query.insert_names, until the insert is closed): source, views and targets are looked up before or after an EXCHANGE, never astride. */
fn_status materialized_of(query *q, const table *source, const table_claim *claim, table ***out, uint32_t *count) FN_MUST_USE;
/* Statement of the inner table of a complete view definition. */
fn_status materialized_inner_sql(fn_ctx *ctx, const ast_statement *view, fn_str name, fn_str *out) FN_MUST_USE;
#endif
