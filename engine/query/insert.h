/* query/insert.h - rows on their way into a table: defaults, conversion, constraints.
 *
 * A block of given columns becomes a block of all stored columns of the table by one expression program: given columns are cast to
 * their type, the others are their DEFAULT or MATERIALIZED expression (which may name others, also defaulted ones).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_INSERT_H
#define FIRN_QUERY_INSERT_H
#include "query/insert_identity.h"

struct async_data;

typedef struct insert_constraint {
    fn_str name, text;
} insert_constraint;

typedef struct insert_target {
    query *query;
    table *table;              /* borrowed */
    table_claim *claim;        /* the name it was found under; NULL: temporary, or no other statement can name it */
    table_schema *schema;      /* one reference */
    table_writer *writer;
    uint32_t given_count;
    uint32_t *given;           /* schema indexes in the order of the source's columns */
    const fn_type **given_types; /* types the source delivers */
    expr_program *program;     /* stored columns, then constraint conditions */
    uint32_t stored_count, constraint_count;
    insert_constraint *constraints;
    uint64_t rows;             /* so far; counted where there are constraints */
    insert_identity identity;  /* set between insert_open and the first block */
    table *owned;              /* the table, when this target holds it */
    table **views;             /* materialized views of the table, referenced */
    uint32_t view_count;
    const struct insert_target *above; /* whose rows the view behind this one sees; NULL: the statement's own */
    struct insert_target *view_targets; /* where they write; one each once they have run */
    fn_block **kept;           /* blocks written, for the views */
    uint32_t kept_count, kept_capacity;
} insert_target;

/* columns NULL or empty: all a writer may name. types NULL: the columns' own types. `missing` (may be NULL): given columns that the
 * source turned out not to have; they get their defaults. Errors: NO_SUCH_COLUMN_IN_TABLE (16), DUPLICATE_COLUMN (15),
 * ILLEGAL_COLUMN (44), NUMBER_OF_COLUMNS_DOESNT_MATCH (20), NOT_IMPLEMENTED (48) for tables that cannot be written. */
fn_status insert_open(query *q, table *t, table_claim *claim, const ast_list *columns, const fn_type *const *types, uint32_t type_count, insert_target *out) FN_MUST_USE;
/* Is it a column that may be given without being asked for? */
bool insert_takes(const table_schema *schema, fn_str column);
fn_status insert_compile(insert_target *in, const bool *missing) FN_MUST_USE; /* before the first block, and when `missing` changes */
/* One thread, or several where the writer is shared and there are no constraints, no views and no identity. */
fn_status insert_block(insert_target *in, fn_ctx *ctx, const fn_block *block) FN_MUST_USE;
fn_status insert_commit(insert_target *in) FN_MUST_USE;
/* The same a moment later, together with others: see async_insert.h. *queued false: it is done. */
fn_status insert_commit_later(insert_target *in, const struct async_data *data, bool *queued) FN_MUST_USE;
void insert_close(insert_target *in);
/* After a commit was refused with TABLE_UUID_MISMATCH: the rows go to the tables that the names mean by now, if those are defined as the
 * first ones were. Otherwise that error. UNKNOWN_TABLE if a name means none. (insert_follow.c) */
fn_status insert_follow(insert_target *in) FN_MUST_USE;
/* The whole of INSERT INTO t [(columns)] SELECT ... */
fn_status insert_from_query(query *q, table *t, table_claim *claim, const ast_list *columns, const ast_query *select) FN_MUST_USE;
fn_status insert_select(query *q, table *t, const ast_query *select) FN_MUST_USE;
#endif
