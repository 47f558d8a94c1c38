/* iceberg/metadata.h - the table metadata file (Iceberg specification, "Table Metadata"). SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ICEBERG_METADATA_H
#define FIRN_ICEBERG_METADATA_H
#include <firn/iceberg.h>
#include <jansson.h>

/* Name of the newest metadata file in metadata/, and its text (inflated). */
fn_status iceberg_find_metadata(fn_ctx *ctx, fn_iceberg_files *files, fn_str *path, fn_buf *text) FN_MUST_USE;
/* A schema object's fields, with the names of the name mapping (may be NULL). */
fn_status iceberg_schema_parse(fn_ctx *ctx, json_t *schema, json_t *name_mapping, fn_iceberg_field **fields, uint32_t *count) FN_MUST_USE;

typedef struct iceberg_snapshot {
    int64_t id;
    fn_str manifest_list;
    const fn_str *manifests; /* format 1 may list them directly */
    uint32_t manifest_count;
} iceberg_snapshot;

/* The opened table with what planning needs besides. */
typedef struct iceberg_open_table {
    fn_iceberg_table base; /* first: the door's pointer */
    iceberg_snapshot snapshot;
} iceberg_open_table;

fn_status iceberg_bad(fn_ctx *ctx, const char *fmt, ...) FN_PRINTF(2, 3); /* ICEBERG_SPECIFICATION_VIOLATION */
fn_status iceberg_copy_text(fn_ctx *ctx, json_t *value, fn_str *out) FN_MUST_USE; /* a JSON string; absent: empty */
#endif
