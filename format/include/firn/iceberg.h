/* firn/iceberg.h - Apache Iceberg tables, formats 1 and 2 (Iceberg table specification): from metadata to the list of
 * files of one snapshot. Reading the files is the business of the layer above.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ICEBERG_H
#define FIRN_ICEBERG_H
#include <firn/column.h>
#include <firn/stream.h>

/* How the table's files are reached (local directory, S3 bucket): a table of functions handed down. Paths are as the
 * metadata has them (s3://bucket/..., file:/..., absolute) or relative to the table's folder ("metadata/x"). */
typedef struct fn_iceberg_files fn_iceberg_files;
typedef fn_status fn_iceberg_each(void *self, fn_ctx *ctx, fn_str name);
struct fn_iceberg_files {
    fn_str location; /* set by fn_iceberg_open: the table's location by its own metadata */
    /* Names of the files in a folder of the table (""; the table's own); deep: also those one folder down, as "sub/name". */
    fn_status (*list)(fn_iceberg_files *f, fn_ctx *ctx, const char *folder, bool deep, fn_iceberg_each *each, void *self);
    fn_status (*read)(fn_iceberg_files *f, fn_ctx *ctx, fn_str path, size_t limit, fn_buf *out);
    fn_status (*open)(fn_iceberg_files *f, fn_ctx *ctx, fn_str path, fn_blob **out);
};

typedef enum fn_iceberg_kind {
    FN_ICEBERG_BOOLEAN, FN_ICEBERG_INT, FN_ICEBERG_LONG, FN_ICEBERG_FLOAT, FN_ICEBERG_DOUBLE, FN_ICEBERG_DECIMAL, FN_ICEBERG_DATE,
    FN_ICEBERG_TIME, FN_ICEBERG_TIMESTAMP, FN_ICEBERG_TIMESTAMPTZ, FN_ICEBERG_TIMESTAMP_NS, FN_ICEBERG_TIMESTAMPTZ_NS, FN_ICEBERG_STRING,
    FN_ICEBERG_UUID, FN_ICEBERG_FIXED, FN_ICEBERG_BINARY, FN_ICEBERG_STRUCT, FN_ICEBERG_LIST, FN_ICEBERG_MAP
} fn_iceberg_kind;

/* A field of the schema; nested: struct fields, list element, map key and value. */
typedef struct fn_iceberg_field fn_iceberg_field;
struct fn_iceberg_field {
    int32_t id;
    fn_str name;
    bool required;
    fn_iceberg_kind kind;
    const fn_type *type;        /* firn's type, Nullable where optional and possible */
    fn_iceberg_field *kids;
    uint32_t kid_count;
    const fn_str *file_names;   /* names in files without field ids (schema.name-mapping.default) */
    uint32_t file_name_count;
    fn_str initial_default;     /* JSON text of initial-default (format 3); empty: none */
};

typedef struct fn_iceberg_bounds { /* of one column of one file */
    int32_t field_id;
    fn_str lower, upper;        /* single-value serialization; data NULL: unknown */
    int64_t null_count, value_count; /* -1: unknown */
} fn_iceberg_bounds;

typedef struct fn_iceberg_partition_field {
    int32_t source_id, field_id;
    fn_str name, transform;     /* "identity", "bucket[16]", "days" ... */
} fn_iceberg_partition_field;

typedef struct fn_iceberg_spec {
    int32_t id;
    fn_iceberg_partition_field *fields;
    uint32_t count;
} fn_iceberg_spec;

typedef enum fn_iceberg_content { FN_ICEBERG_DATA = 0, FN_ICEBERG_POSITION_DELETES = 1, FN_ICEBERG_EQUALITY_DELETES = 2 } fn_iceberg_content;

typedef struct fn_iceberg_file {
    fn_iceberg_content content;
    fn_str path, format;        /* "PARQUET" */
    uint64_t size, rows;
    int64_t sequence;
    const fn_iceberg_spec *spec;
    const struct fn_avro_value *partition; /* record; NULL if unpartitioned */
    fn_iceberg_bounds *bounds;
    uint32_t bound_count;
    int32_t *equality_ids;
    uint32_t equality_count;
    fn_str referenced;          /* position deletes of one data file; empty: any */
    const struct fn_iceberg_file **deletes; /* data files: the delete files that apply to it */
    uint32_t delete_count;
} fn_iceberg_file;

typedef struct fn_iceberg_options {
    int64_t snapshot_id;        /* 0: none given */
    int64_t timestamp_ms;       /* 0: none given */
    fn_str ref;                 /* branch or tag; empty: none */
} fn_iceberg_options;

/* One snapshot of a table; everything in ctx->arena. */
typedef struct fn_iceberg_table {
    fn_str uuid, location, metadata_path;
    int format_version;
    int64_t snapshot_id;        /* 0: the table has no snapshot */
    fn_iceberg_field *fields;
    uint32_t field_count;
    fn_iceberg_spec *specs;
    uint32_t spec_count;
    fn_iceberg_file *files;     /* data files */
    uint32_t file_count;
    uint64_t total_rows;        /* of the data files, before deletes */
    bool has_deletes;
} fn_iceberg_table;

/* Finds the newest metadata file, chooses the snapshot and reads the schema.
 * Errors: FILE_DOESNT_EXIST (107) without metadata, BAD_ARGUMENTS (36) for an unknown snapshot, time, ref or both given,
 * ICEBERG_SPECIFICATION_VIOLATION (743) for bad metadata, NOT_IMPLEMENTED (48) for later format versions. */
fn_status fn_iceberg_open(fn_ctx *ctx, fn_iceberg_files *files, const fn_iceberg_options *options, fn_iceberg_table **out) FN_MUST_USE;
/* Reads the manifests: fills files, which the caller prunes by their bounds and partition values. */
fn_status fn_iceberg_plan(fn_ctx *ctx, fn_iceberg_files *files, fn_iceberg_table *t) FN_MUST_USE;
/* The field with that id, at any depth; NULL if absent. */
const fn_iceberg_field *fn_iceberg_field_by_id(const fn_iceberg_table *t, int32_t id);
/* A bound or partition value (single-value serialization, appendix D of the specification) as one row of field->type. */
fn_status fn_iceberg_value(fn_ctx *ctx, const fn_iceberg_field *field, fn_str bytes, fn_builder *out) FN_MUST_USE;
/* The same for a value that Avro holds in a type of its own (partition values, rows of Avro delete files). */
fn_status fn_iceberg_avro_value(fn_ctx *ctx, const fn_iceberg_field *field, const struct fn_avro_value *value, fn_builder *out) FN_MUST_USE;
/* An identity-partitioned column's value in a data file, as one row of field->type; *found = false if the spec has none. */
fn_status fn_iceberg_identity(fn_ctx *ctx, const fn_iceberg_file *file, const fn_iceberg_field *field, fn_builder *out, bool *found) FN_MUST_USE;
/* A path without "s3://", "s3a://", "file:" ...: s3a and s3n are the same place as s3. */
fn_str fn_iceberg_without_scheme(fn_str path);
/* The part of `path` behind the table's location, without slash; false if it lies elsewhere. */
bool fn_iceberg_relative(fn_str location, fn_str path, fn_str *out);
#endif
