/* lake/iceberg_delete.h - delete files of an Iceberg snapshot (specification, "Delete Formats"), each read once per scan.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_LAKE_ICEBERG_DELETE_H
#define FIRN_LAKE_ICEBERG_DELETE_H
#include "table/lake/iceberg_table.h"

/* Position deletes: for each data file the rows that are gone. */
typedef struct lake_positions lake_positions;
/* Rows (numbers within the data file, ascending, duplicates possible) of the data file `path`; *count = 0 if it is not named. */
const uint64_t *lake_positions_of(const lake_positions *p, fn_str path, size_t *count);

void lake_rows_sort(uint64_t *rows, size_t count); /* ascending */

/* Equality deletes: a set of keys. */
typedef struct lake_keys {
    uint32_t column_count;
    const int32_t *field_ids;        /* of the key columns */
    const fn_type *const *types;     /* Nullable where possible; the data file's columns must be read as these */
    fn_block *rows;
    uint64_t *hashes;
    uint32_t *slots;                 /* row + 1, 0 = free; open addressing */
    uint32_t slot_mask;
} lake_keys;
/* mask[i] = 0 where row i of the columns (in the order of field_ids) is deleted; other bytes stay. NULL equals NULL. */
fn_status lake_keys_drop(fn_ctx *ctx, const lake_keys *k, fn_column *const *columns, uint32_t rows, uint8_t *mask) FN_MUST_USE;

/* All delete files of a scan, loaded at first use. Thread safe. */
typedef struct lake_deletes lake_deletes;
fn_status lake_deletes_new(fn_ctx *ctx, fn_iceberg_files *files, const fn_iceberg_table *lake, lake_deletes **out) FN_MUST_USE;
void lake_deletes_free(lake_deletes *d); /* NULL is fine */
/* One of *positions and *keys is set. Borrowed from d. INCORRECT_DATA for a file that is not what the manifest says,
 * NOT_IMPLEMENTED for delete files that are neither Parquet nor Avro. */
fn_status lake_deletes_get(fn_ctx *ctx, lake_deletes *d, const fn_iceberg_file *file, const lake_positions **positions,
                           const lake_keys **keys) FN_MUST_USE;
#endif
