/* lake/file_table.h - file(), url(), s3(): a read-only table over files found by a pattern.
 *
 * A file_set is a list of files and a way to open them as blobs; where they lie is behind it. Patterns have *, ?, **,
 * {a,b} and {1..9}. The table has the columns of the structure given or inferred from the first file, then _path, _file,
 * _size, _time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_LAKE_FILE_TABLE_H
#define FIRN_LAKE_FILE_TABLE_H
#include "table/table.h"
#include <firn/file.h>
#include <firn/format.h>
#include <firn/object.h>
#include <firn/parquet.h>

typedef struct file_entry {
    fn_str path;        /* as _path shows it */
    uint64_t size;      /* UINT64_MAX: unknown */
    int64_t modified_s; /* INT64_MIN: unknown */
} file_entry;

typedef struct file_set file_set;
struct file_set {
    fn_arena *arena;    /* owns the set and its entries */
    uint32_t count, capacity;
    file_entry *entries; /* in path order */
    fn_fs *fs;          /* local files, or */
    fn_object_store *store; /* objects: */
    fn_object_url url;
    fn_object_auth auth;
};

/* Files below `root` (user_files; "/" allows all). DATABASE_ACCESS_DENIED (291) for a path outside. No match is an empty set. */
fn_status file_set_local(fn_ctx *ctx, fn_fs *fs, fn_str root, fn_str pattern, file_set **out) FN_MUST_USE;
/* Objects: s3() with globs in the key; url() is one object. The store is borrowed and outlives the set. */
fn_status file_set_object(fn_ctx *ctx, fn_object_store *store, const fn_object_url *url, const fn_object_auth *auth, file_set **out) FN_MUST_USE;
/* DATABASE_ACCESS_DENIED unless `path` begins with `root` (which ends with a slash) and has no component "..". */
fn_status file_check_inside(fn_ctx *ctx, fn_str root, fn_str path) FN_MUST_USE;
void file_set_free(file_set *set);
fn_status file_set_open(fn_ctx *ctx, const file_set *set, uint32_t index, fn_blob **out) FN_MUST_USE;
/* Its footer, from the cache unless use_parquet_metadata_cache is off. The blob is borrowed. */
fn_status file_open_parquet(fn_ctx *ctx, fn_blob *blob, fn_parquet **out) FN_MUST_USE;
/* The whole of a blob front to back, decompressed when `path` ends in .gz, .zst, .lz4 or .br. Takes the blob. */
fn_status file_source(fn_ctx *ctx, fn_blob *blob_take, fn_str path, fn_source **out) FN_MUST_USE;
/* Patterns: does `path` match (without braces)? Expands braces into ctx->arena. */
bool glob_match(fn_str pattern, fn_str path);
bool glob_has(fn_str pattern);
fn_status glob_expand(fn_ctx *ctx, fn_str pattern, fn_str **out, uint32_t *count) FN_MUST_USE;

/* format empty or "auto": by the first file's name; structure NULL: inferred. The set is taken, also on failure. `function`:
 * "File", "URL", "S3" as engine name. Errors: UNKNOWN_FORMAT (73), CANNOT_EXTRACT_TABLE_STRUCTURE (636), FILE_DOESNT_EXIST. */
fn_status file_table_new(fn_ctx *ctx, file_set *set_take, fn_str format, const fn_schema *structure, const fn_format_settings *settings,
                         const char *function, table **out) FN_MUST_USE;
#endif
