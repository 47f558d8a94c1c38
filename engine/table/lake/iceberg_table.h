/* lake/iceberg_table.h - iceberg(), icebergS3(), icebergLocal(): one snapshot of an Iceberg table, read-only.
 *
 * The metadata is read when the table is made; the manifests at the first scan. Data files are Parquet; position and equality
 * deletes are applied while reading. Columns: those of the schema, then _path, _file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_LAKE_ICEBERG_TABLE_H
#define FIRN_LAKE_ICEBERG_TABLE_H
#include "table/table.h"
#include <firn/file.h>
#include <firn/iceberg.h>
#include <firn/object.h>

/* The table's files in a local folder below `root` ("/" allows all), or in an S3 bucket. Paths in the metadata that lie outside
 * the table's location are found by what the location and the folder have in common at their ends, so that a copied lake works. */
fn_status iceberg_files_local(fn_ctx *ctx, fn_fs *fs, fn_str root, fn_str folder, fn_iceberg_files **out) FN_MUST_USE;
fn_status iceberg_files_object(fn_ctx *ctx, fn_object_store *store, const fn_object_url *url, const fn_object_auth *auth,
                               fn_iceberg_files **out) FN_MUST_USE; /* the store outlives the table */
void iceberg_files_free(fn_iceberg_files *files);

/* files_take: also on failure. Errors: those of fn_iceberg_open. */
fn_status iceberg_table_new(fn_ctx *ctx, fn_iceberg_files *files_take, const fn_iceberg_options *options, table **out) FN_MUST_USE;
#endif
