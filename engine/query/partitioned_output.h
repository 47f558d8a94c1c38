/* query/partitioned_output.h - INSERT INTO FUNCTION file | s3 (...) PARTITION BY expr: {_partition_id} in the first argument stands for the text of the
 * expression's value, and each value has an output of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_PARTITIONED_OUTPUT_H
#define FIRN_QUERY_PARTITIONED_OUTPUT_H
#include "query/query.h"

/* Makes the table of one output: file_output_table, object_output_table. */
typedef fn_status output_maker(query *q, const ast_expr *call, const fn_schema *otherwise, table **out);

/* Without {_partition_id} all goes to one output. `columns` are those of what is inserted; their names are for the expression. Files become there one after the other at the commit. */
fn_status partitioned_output_table(query *q, const ast_expr *call, const ast_expr *partition_by, const fn_schema *columns, output_maker *make, table **out) FN_MUST_USE;
#endif
