/* query/engine_columns.h - SELECT lists that show a table's columns as those of another one: what Merge and Buffer read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_ENGINE_COLUMNS_H
#define FIRN_QUERY_ENGINE_COLUMNS_H
#include "query/definition.h"

/* The columns of a definition as a schema, one reference. */
fn_status engine_columns_of(fn_ctx *ctx, const ast_create *c, table_schema **out) FN_MUST_USE;
/* "`a`, CAST(__source.`b`, 'UInt16') AS `b`, defaultValueOfTypeName('String') AS `c`": the columns of `wanted` from a table of `given`. */
fn_status engine_columns_select(fn_ctx *ctx, const table_schema *wanted, const table_schema *given, fn_buf *out) FN_MUST_USE;
fn_status engine_columns_from(fn_ctx *ctx, fn_str database, fn_str name, fn_buf *out) FN_MUST_USE; /* " FROM `db`.`t` AS __source" */
/* Is it a column of the table's rows, to be read by its name? */
bool engine_column_is_real(const table_column *c);
#endif
