/* query/insert_identity.h - what an insert is known by: deduplication as ClickHouse 26.9 has it.
 *
 * insert_deduplication_token, or a hash over the values given, in their order. Defaults are left out, so that now() does not make a
 * second try another insert; the numbers of the given columns are in. Blocks of one insert differ by their number, partitions are
 * kept apart by the table, and what a materialized view makes of a block is known by the block and the view.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_INSERT_IDENTITY_H
#define FIRN_QUERY_INSERT_IDENTITY_H
#include "query/query.h"

struct insert_target;

typedef struct insert_identity {
    bool wanted;      /* the settings ask for deduplication */
    bool named;       /* `state` does not depend on the rows */
    bool begun;       /* rows are in `state` */
    fn_hash128 state;
} insert_identity;

/* Do the settings ask for it, for an insert of data? asynchronous: under async_insert. */
bool insert_identity_enabled(const fn_settings *s, bool asynchronous);
/* select NULL: rows come as data. DEDUPLICATION_IS_NOT_POSSIBLE (764) under force_enable. */
fn_status insert_identity_begin(query *q, const ast_query *select, insert_identity *out) FN_MUST_USE;
/* Rows in stored columns join; afterwards the table's writer is told. */
fn_status insert_identity_add(struct insert_target *in, fn_ctx *ctx, const fn_block *stored) FN_MUST_USE;
/* For a view's target. Before its rows come, behind all of `from`. */
fn_status insert_identity_of_view(struct insert_target *from, const table *view, insert_identity *out) FN_MUST_USE;
#endif
