/* query/result.h - from result blocks to the caller's bytes: head, format writer, limits of the result; and small results made of
 * values in memory (SHOW CREATE, DESCRIBE, EXISTS ...).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_RESULT_H
#define FIRN_QUERY_RESULT_H
#include "query/query.h"
#include <firn/format.h>

typedef struct result {
    exec_output base;
    query *query;
    const fn_format *format;
    fn_schema schema;
    fn_format_settings settings;
    fn_writer *writer;
    fn_arena *arena;      /* the statement's: while the plan runs, ctx->arena is another */
    uint64_t rows, bytes;
    bool open, full;      /* full: result_overflow_mode = 'break' has been reached */
    fn_column **extremes; /* per column: 2 rows (min, max), with extremes = 1 */
} result;

/* Finds the format (FORMAT of `s`, the request's default, TabSeparated) and checks that it can write: UNKNOWN_FORMAT (73),
 * FORMAT_IS_NOT_SUITABLE_FOR_OUTPUT. Nothing is sent yet. */
fn_status result_open(query *q, const ast_statement *s, const fn_schema *schema, result *r) FN_MUST_USE;
/* Head and, if not yet sent, everything up to the first block. Called by the first block and by finish. */
fn_status result_finish(result *r, const fn_block *totals, bool has_rows_before_limit, uint64_t rows_before_limit) FN_MUST_USE;
void result_close(result *r);
/* For statements without rows. */
fn_status result_none(query *q) FN_MUST_USE;

/* Rows built by hand. */
typedef struct result_rows {
    query *query;
    fn_schema schema;
    fn_builder *builders;
} result_rows;
typedef struct result_field {
    const char *name, *type;
} result_field;
fn_status result_rows_init(query *q, const result_field *fields, uint32_t count, result_rows *out) FN_MUST_USE;
fn_status result_rows_text(result_rows *r, uint32_t column, fn_str value) FN_MUST_USE; /* String column */
/* Sends them and gives the memory back, also on failure. */
fn_status result_rows_send(result_rows *r, const ast_statement *s) FN_MUST_USE;
void result_rows_release(result_rows *r);
/* One row of one String / UInt8 column. */
fn_status result_one_text(query *q, const ast_statement *s, const char *name, fn_str value) FN_MUST_USE;
fn_status result_one_flag(query *q, const ast_statement *s, const char *name, bool value) FN_MUST_USE;
#endif
