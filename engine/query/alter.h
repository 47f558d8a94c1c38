/* query/alter.h - what the files of ALTER share. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_ALTER_H
#define FIRN_QUERY_ALTER_H
#include "query/definition.h"

typedef struct alter_run {
    query *query;
    table *table;              /* one reference */
    fn_str database, name;
    ast_statement *statement;  /* the definition being changed */
    uint32_t *ids;             /* column numbers, beside statement->create->columns */
    uint32_t next_column_id;
    bool columns_changed;      /* columns came, went, or changed name or type */
} alter_run;

/* One command on a->statement and a->ids. */
fn_status alter_definition(alter_run *a, const ast_alter_command *c) FN_MUST_USE;
/* Partition commands act at once. */
fn_status alter_partition(alter_run *a, const ast_alter_command *c) FN_MUST_USE;
/* The table that holds t's detached partitions, one reference, and where it is; *out NULL: nothing was ever detached. Texts in ctx->arena. */
fn_status alter_detached(query *q, const table *t, table **out, fn_str *database, fn_str *name) FN_MUST_USE;
/* The id of a PARTITION clause; all: data NULL. */
fn_status alter_partition_id(query *q, const table *t, const ast_partition *p, fn_str *out) FN_MUST_USE;

/* ---- mutations (run_mutation.c) ---- */
fn_status mutate_delete(query *q, table *t, const ast_expr *where, const ast_partition *partition) FN_MUST_USE;
fn_status mutate_update(query *q, table *t, const ast_list *assignments, const ast_expr *where, const ast_partition *partition) FN_MUST_USE;
fn_status mutate_column(query *q, table *t, const ast_alter_command *c) FN_MUST_USE; /* CLEAR COLUMN, MATERIALIZE COLUMN */
#endif
