/* lake/iceberg_scan.h - shared between iceberg_table.c, iceberg_scan.c, iceberg_file.c and iceberg_prune.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_LAKE_ICEBERG_SCAN_H
#define FIRN_LAKE_ICEBERG_SCAN_H
#include "table/lake/file_scan.h"
#include "table/lake/iceberg_delete.h"
#include <pthread.h>

enum { ICEBERG_VIRTUAL_PATH, ICEBERG_VIRTUAL_FILE, ICEBERG_VIRTUALS };

typedef struct iceberg_table {
    table base;
    fn_arena *arena;                /* of everything below */
    fn_iceberg_files *files;
    fn_iceberg_table *lake;
    const fn_parquet_path **paths;  /* per real column: how its nested fields are found; NULL: not nested */
    pthread_mutex_t mutex;          /* over planning */
    bool planned;
} iceberg_table;

/* A column to be read from the data files: requested, or the key of an equality delete. */
typedef struct lake_column {
    int32_t field_id;
    const fn_iceberg_field *field;  /* NULL: dropped from the schema, read for a delete only */
    const fn_parquet_path *path;
    const fn_type *type;
} lake_column;

/* An opened data file: shared by the workers that read its row groups. */
typedef struct lake_file {
    const fn_iceberg_file *entry;
    fn_blob *blob;
    fn_parquet *parquet;
    fn_parquet_want *wants;         /* one per column, then the row number if positions or ranges need it */
    uint32_t want_count, column_count;
    fn_column **constants;          /* per column: its 1-row value where the file lacks the column, else NULL */
    uint64_t *positions;            /* deleted rows, ascending */
    size_t position_count;
    const lake_keys **keys;         /* equality deletes */
    uint32_t **key_columns;         /* per key set: index of each of its columns */
    uint32_t key_count;
    bool ready;
} lake_file;

/* Opens the file, its deletes and decides how each column is read. Memory from `arena`. */
fn_status lake_file_open(fn_ctx *ctx, fn_arena *arena, iceberg_table *t, lake_deletes *deletes, const lake_column *columns,
                         uint32_t column_count, lake_file *f) FN_MUST_USE;
void lake_file_close(lake_file *f);
/* A block of the reader as the columns, without the deleted rows. One reference; *out = NULL if nothing is left. */
fn_status lake_file_block(fn_ctx *ctx, const lake_file *f, const fn_block *in, fn_block **out) FN_MUST_USE;

/* Can the data file hold rows within all bounds, by its column bounds and partition values? */
fn_status lake_may_match(fn_ctx *ctx, const iceberg_table *t, const fn_iceberg_file *file, const file_bound *bounds, uint32_t count,
                         bool *out) FN_MUST_USE;

fn_status iceberg_scan_open(fn_ctx *ctx, iceberg_table *t, const table_scan_request *request, table_scan **out) FN_MUST_USE;
#endif
