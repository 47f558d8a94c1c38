/* query/backup.h - what BACKUP and RESTORE share.
 *
 * A backup is a folder (File, Disk, Memory) or a prefix of keys (S3) of immutable objects: "parts/<file id>.part" for the first
 * PIECE bytes of a part file, "parts/<file id>.part.1" ... for the rest, and ".backup", the manifest, which is written last: without it
 * there is no backup. The manifest (backup_manifest.c) is text: tables with their definitions, parts as the catalog lists them, files
 * with size and checksum, each own or in the base backup; its last line is a checksum of the lines before. Rows of tables that keep none
 * in parts (Memory) are an object in Native format, "rows/<uuid>.native".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_BACKUP_H
#define FIRN_QUERY_BACKUP_H
#include "catalog/catalog.h"
#include "query/query.h"

/* ---- places (backup_place.c) ---- */
enum { BACKUP_PIECE = 16 << 20, BACKUP_MANIFEST_MAX = 1 << 28 };
#define BACKUP_MANIFEST ".backup"
typedef struct backup_place {
    fn_str text;               /* File('x'), without secrets */
    fn_str path;               /* what messages call it */
    bool nowhere;              /* Null: takes everything, keeps nothing */
    fn_fs *fs;                 /* File, Disk, Memory: folder `dir` of it */
    const char *dir;
    fn_object_store *objects;  /* S3: keys below url.key */
    fn_object_url url;
    fn_object_auth auth;
} backup_place;
/* BACKUP_ENGINE_NOT_FOUND (627), INVALID_CONFIG_PARAMETER (318) for paths that are not allowed, NUMBER_OF_ARGUMENTS_DOESNT_MATCH (42). */
fn_status backup_place_open(query *q, const ast_expr *place, backup_place *out) FN_MUST_USE;
fn_status backup_exists(fn_ctx *ctx, const backup_place *p, bool *out) FN_MUST_USE;
fn_status backup_put(fn_ctx *ctx, const backup_place *p, const char *name, fn_str bytes) FN_MUST_USE; /* durable, but for its name */
fn_status backup_sync(fn_ctx *ctx, const backup_place *p) FN_MUST_USE;                                /* ... which this makes durable */
fn_status backup_is_fresh(fn_ctx *ctx, const backup_place *p, bool *out) FN_MUST_USE; /* is there no such folder yet? */
/* What a BACKUP that failed has put there: the manifest goes first and for good, so that not even a crash leaves one without its parts; then,
 * of a fresh place, the folder. Objects stay, without a manifest to name them. */
void backup_undo(const backup_place *p, bool fresh);
fn_status backup_get(fn_ctx *ctx, const backup_place *p, const char *name, size_t limit, fn_buf *out) FN_MUST_USE; /* appended */
/* The name of a piece of a part file. */
fn_status backup_piece_name(fn_ctx *ctx, fn_part_id file, uint64_t piece, const char **out) FN_MUST_USE;

/* ---- manifest (backup_manifest.c); everything in ctx->arena ---- */
typedef struct backup_file {
    fn_part_id id;
    fn_hash128 footer;         /* as the catalog has it */
    fn_hash128 bytes;          /* XXH3-128 of the file */
    uint64_t size;
    bool in_base;
    struct mt_file *held;      /* while a backup is made; NULL otherwise */
} backup_file;

typedef struct backup_table {
    char uuid[37];
    fn_str database, name, create_sql, column_ids;
    uint32_t next_column_id;
    mt_part_row *parts;
    uint32_t part_count;
    bool has_rows;             /* in an object of their own */
    uint64_t rows_size;
    fn_hash128 rows_bytes;     /* XXH3-128 of them */
} backup_table;

typedef struct backup_database {
    fn_str name, engine, comment;
} backup_database;

typedef struct backup_manifest {
    fn_str id, base;           /* base: the place of the base backup as text, empty: none */
    int64_t time_us;
    backup_database *databases;
    uint32_t database_count, database_capacity;
    backup_table *tables;
    uint32_t table_count, table_capacity;
    backup_file *files;        /* sorted by id once complete */
    uint32_t file_count, file_capacity;
} backup_manifest;
backup_database *backup_add_database(fn_ctx *ctx, backup_manifest *m) FN_MUST_USE; /* NULL: no memory */
backup_table *backup_add_table(fn_ctx *ctx, backup_manifest *m) FN_MUST_USE;
backup_file *backup_add_file(fn_ctx *ctx, backup_manifest *m) FN_MUST_USE;
void backup_sort_files(backup_manifest *m);
backup_file *backup_find_file(const backup_manifest *m, fn_part_id id); /* NULL if absent */
fn_status backup_manifest_write(fn_ctx *ctx, const backup_manifest *m, fn_buf *out) FN_MUST_USE;
fn_status backup_manifest_parse(fn_ctx *ctx, fn_str text, backup_manifest *out) FN_MUST_USE; /* BACKUP_DAMAGED (601), BACKUP_VERSION_NOT_SUPPORTED (600) */
/* Reads the manifest at a place. BACKUP_NOT_FOUND (599). */
fn_status backup_manifest_load(fn_ctx *ctx, const backup_place *p, backup_manifest *out) FN_MUST_USE;

/* ---- rows of tables without parts (backup_rows.c) ---- */
fn_status backup_rows_put(query *q, const backup_place *p, table *t, table_snapshot *snapshot, backup_table *out) FN_MUST_USE;
fn_status backup_rows_get(query *q, const backup_place *p, const backup_table *from, table *t) FN_MUST_USE; /* inserted; CHECKSUM_DOESNT_MATCH */

/* ---- settings of the statement, answer, system.backups (backup_log.c) ---- */
typedef struct backup_options {
    fn_str id;
    const ast_expr *base;      /* NULL: none */
    bool structure_only, async, check_parts, allow_non_empty, create_table, create_database;
} backup_options;
fn_status backup_options_read(query *q, const ast_statement *s, backup_options *out) FN_MUST_USE; /* UNKNOWN_SETTING, NOT_IMPLEMENTED */

typedef enum backup_status { BACKUP_CREATING, BACKUP_CREATED, BACKUP_FAILED, BACKUP_RESTORING, BACKUP_RESTORED, BACKUP_RESTORE_FAILED } backup_status;
typedef struct backup_numbers {
    uint64_t files, total_size, entries, size; /* entries and size: written by this backup itself */
    uint64_t files_read, bytes_read;
} backup_numbers;
typedef struct backup_entry backup_entry; /* lives as long as the engine */
fn_status backup_log_open(fn_ctx *ctx, fn_engine *engine) FN_MUST_USE;
void backup_log_close(fn_engine *engine); /* waits for what runs on its own; NULL log is fine */
/* BAD_ARGUMENTS if another one of that id runs or ran. */
fn_status backup_begin(query *q, const backup_options *o, fn_str place, fn_str base, bool restore, backup_entry **out) FN_MUST_USE;
void backup_end(fn_engine *engine, backup_entry *e, fn_ctx *ctx, fn_status status, const backup_numbers *numbers);
fn_status backup_log_each(fn_ctx *ctx, fn_engine *engine, system_each_backup *each, void *self) FN_MUST_USE;
/* Does a BACKUP to that place run besides e? */
bool backup_is_written(fn_engine *engine, const backup_entry *e, fn_str place);
fn_status backup_answer(query *q, const ast_statement *s, fn_str id, backup_status status) FN_MUST_USE; /* the row (id, status) */
/* ASYNC: the statement runs again on a thread of its own, with the id of e. */
fn_status backup_run_apart(query *q, const ast_statement *s, const backup_options *o, backup_entry *e) FN_MUST_USE;

/* ---- what the elements of a statement mean ---- */
/* Does an element name this table (by the names that it has there: on BACKUP the server's, on RESTORE the backup's)? */
const ast_backup_element *backup_element_of(query *q, const ast_backup *b, fn_str database, fn_str name);
/* How it is called on the other side. */
fn_status backup_renamed(query *q, const ast_backup_element *e, fn_str database, fn_str name, fn_str *to_database, fn_str *to_name) FN_MUST_USE;
fn_status backup_check_elements(query *q, const ast_backup *b) FN_MUST_USE; /* NOT_IMPLEMENTED, UNKNOWN_TABLE for temporary ones */
/* Does the element's PARTITIONS clause take that partition of the table? The table must be of the MergeTree family if there is one. */
fn_status backup_takes_partition(query *q, const ast_backup_element *e, const table *t, fn_str partition_id, bool *out) FN_MUST_USE;
#endif
