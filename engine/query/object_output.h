/* query/object_output.h - inserted rows into an object: INSERT INTO FUNCTION s3(...) and tables of engine S3.
 *
 * The whole object is made in memory, charged to the statement, and put at the commit: it is there whole or not at all. A name ending in .gz, .zst
 * or .lz4 is compressed. An object that is there already is an error, replaced under s3_truncate_on_insert, left alone under
 * s3_create_new_file_on_insert: the next free of name.1.csv, name.2.csv is taken then.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_OBJECT_OUTPUT_H
#define FIRN_QUERY_OBJECT_OUTPUT_H
#include "query/query.h"

/* The table INSERT INTO FUNCTION s3(...) writes to. otherwise: columns if no structure is given; NULL: that is an error. */
fn_status object_output_table(query *q, const ast_expr *call, const fn_schema *otherwise, table **out) FN_MUST_USE;
#endif
