/* query/alter.h - what the files of ALTER share. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_ALTER_H
#define FIRN_QUERY_ALTER_H
#include "query/definition.h"

/* A row of the answer with alter_partition_verbose_result. */
typedef struct alter_touched alter_touched;
struct alter_touched {
    const char *command;
    fn_str partition_id, part, old_part, backup, backup_path, part_path;
    alter_touched *next;
};

typedef struct alter_run {
    query *query;
    table *table;              /* one reference */
    fn_str database, name;
    ast_statement *statement;  /* the definition being changed */
    uint32_t *ids;             /* column numbers, beside statement->create->columns */
    uint32_t next_column_id;
    bool begun;                /* a command has been carried out */
    bool columns_changed;      /* columns came, went, or changed name or type */
    alter_touched *touched, **touched_last;
} alter_run;

/* One command on a->statement and a->ids. */
fn_status alter_definition(alter_run *a, const ast_alter_command *c) FN_MUST_USE;
/* The column's name in a canonical TTL text, which becomes another one in ctx->arena. Names of functions stay. */
fn_status alter_rename_text(fn_ctx *ctx, fn_str *text, fn_str from, fn_str to) FN_MUST_USE;
/* Columns of a->statement that have another type than the table's now: UNFINISHED (341) if a value does not take it, and what CAST says of the
 * types. Reads the table. */
fn_status alter_check_values(alter_run *a) FN_MUST_USE;
/* ADD, MODIFY, DROP STATISTICS on a->statement; CLEAR and MATERIALIZE only check. */
fn_status alter_statistics(alter_run *a, const ast_alter_command *c) FN_MUST_USE;
/* Partition commands act at once. */
fn_status alter_partition(alter_run *a, const ast_alter_command *c) FN_MUST_USE;
bool alter_is_partition_command(ast_alter_kind kind);
/* Notes a touched part; texts are copied. Nothing without alter_partition_verbose_result. */
fn_status alter_report(alter_run *a, const alter_touched *row) FN_MUST_USE;
fn_status alter_send_report(alter_run *a, const ast_statement *s) FN_MUST_USE;
/* The id of a PARTITION clause; all: data NULL. */
fn_status alter_partition_id(query *q, const table *t, const ast_partition *p, fn_str *out) FN_MUST_USE;

/* ---- mutations (run_mutation.c) ---- */
/* c: the command of ALTER; NULL: DELETE FROM, UPDATE. */
fn_status mutate_delete(query *q, table *t, const ast_alter_command *c, const ast_expr *where, const ast_partition *partition) FN_MUST_USE;
fn_status mutate_update(query *q, table *t, const ast_alter_command *c, const ast_list *assignments, const ast_expr *where, const ast_partition *partition) FN_MUST_USE;
fn_status mutate_column(query *q, table *t, const ast_alter_command *c) FN_MUST_USE; /* CLEAR COLUMN, MATERIALIZE COLUMN */
fn_status mutate_index(query *q, table *t, const ast_alter_command *c) FN_MUST_USE;  /* CLEAR and MATERIALIZE of an INDEX or PROJECTION */

/* ---- lightweight.c: DELETE FROM, UPDATE and ALTER TABLE UPDATE where they are not allowed ---- */
fn_status lightweight_check_delete(query *q, const table *t, const ast_statement *s) FN_MUST_USE; /* t: of the MergeTree family */
fn_status lightweight_check_update(query *q, const table *t) FN_MUST_USE;
fn_status lightweight_check_alter(query *q, const table *t, const ast_statement *s) FN_MUST_USE;
#endif
