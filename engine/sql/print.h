/* sql/print.h - what the printers share: where to write, how lines are broken.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SQL_PRINT_H
#define FIRN_SQL_PRINT_H
#include "sql/ast.h"

typedef struct sql_printer {
    fn_ctx *ctx;
    fn_buf *out;
    bool multi_line;
    unsigned indent, depth;
} sql_printer;

fn_status sql_put(sql_printer *w, const char *text) FN_MUST_USE;
fn_status sql_put_name(sql_printer *w, fn_str name) FN_MUST_USE;          /* quoted if needed */
fn_status sql_put_table(sql_printer *w, const ast_name *name) FN_MUST_USE;
fn_status sql_put_line(sql_printer *w, unsigned extra) FN_MUST_USE;       /* line break and indent, or a space */
fn_status sql_put_expr(sql_printer *w, const ast_expr *e, bool operand) FN_MUST_USE; /* operand: in parentheses if it is an operator */
fn_status sql_put_exprs(sql_printer *w, const ast_list *list) FN_MUST_USE; /* a, b */
fn_status sql_put_assignments(sql_printer *w, const ast_list *list) FN_MUST_USE; /* a = 1, b = c + 1: items are equals(column, value) */
fn_status sql_put_lines(sql_printer *w, const ast_list *list) FN_MUST_USE; /* one a line when there are several */
fn_status sql_put_literal(sql_printer *w, const ast_expr *e) FN_MUST_USE;
fn_status sql_put_window(sql_printer *w, const ast_window *window) FN_MUST_USE; /* (PARTITION BY ...) or the name */
fn_status sql_put_order_item(sql_printer *w, const ast_order_item *item) FN_MUST_USE;
fn_status sql_put_settings(sql_printer *w, const ast_setting *items, uint32_t count) FN_MUST_USE;
fn_status sql_put_query(sql_printer *w, const ast_query *q) FN_MUST_USE;
fn_status sql_put_subquery(sql_printer *w, const ast_query *q) FN_MUST_USE; /* in parentheses */
fn_status sql_put_statement(sql_printer *w, const ast_statement *s) FN_MUST_USE;
fn_status sql_put_create(sql_printer *w, const ast_statement *s) FN_MUST_USE;
fn_status sql_put_column_def(sql_printer *w, const ast_column_def *c) FN_MUST_USE;
fn_status sql_put_item(sql_printer *w, const ast_table_item *item) FN_MUST_USE;
fn_status sql_put_alter_command(sql_printer *w, const ast_alter_command *c) FN_MUST_USE;
fn_status sql_put_backup(sql_printer *w, const ast_statement *s) FN_MUST_USE;
fn_status sql_put_partition(sql_printer *w, const ast_partition *part) FN_MUST_USE;
#endif
