/* mergetree/mergetree.h - the MergeTree family as tables: sorted immutable parts, listed by the catalog.
 *
 * The truth about which parts are live is the catalog's, not the folder's: every change of a part list goes through
 * mt_catalog.commit, one durable transaction that may span tables, and becomes visible as a whole by swapping the table's
 * immutable part list afterwards. Readers hold a reference-counted list and are never blocked.
 *
 * Files: <root>/store/<first two hex digits>/<part id>.part, named by part id alone. A file may be listed by several tables
 * (REPLACE PARTITION FROM shares it); it is removed when no row of any table lists it and no reader holds it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MERGETREE_H
#define FIRN_MERGETREE_H
#include "settings/table_settings.h"
#include "table/table.h"
#include <firn/part.h>
#include <firn/skip_data.h>
#include <firn/thread.h>

typedef enum mt_mode { MT_PLAIN, MT_REPLACING, MT_SUMMING, MT_AGGREGATING, MT_COLLAPSING, MT_VERSIONED_COLLAPSING,
    MT_COALESCING /* the last value that is not NULL, per column; sum_columns as for Summing */ } mt_mode;

/* A live part as the catalog lists it. Part names are ClickHouse's: <partition id>_<min block>_<max block>_<level>. */
typedef struct mt_part_row {
    fn_str name;
    fn_str partition_id;     /* "all", "202401", or a hash in hex, as ClickHouse makes it */
    fn_str partition;        /* the partition value as SQL text, for system.parts: "202401", "('a',1)", "tuple()" */
    fn_part_id file;
    fn_hash128 checksum;     /* of the file's footer */
    uint64_t min_block, max_block;
    uint32_t level;
    uint64_t rows, bytes, raw_bytes;
    int64_t created_s;
    uint64_t deleted_rows;   /* rows hidden by a lightweight delete */
    fn_part_id delete_mask;  /* file of the mask, 0 = none */
    fn_str reason;           /* of a detached part: why it was set aside; empty: by DETACH */
} mt_part_row;

/* What an inserted block is known by: together with a partition it is remembered in the catalog, so that the same insert sent again
 * changes nothing. */
typedef struct mt_insert_id {
    fn_hash128 id;
    uint32_t part;           /* in mt_change.add: whose partition it is about, and what is left out when it is known */
} mt_insert_id;

/* What one table's part lists lose and gain. */
typedef struct mt_change {
    const char *table_uuid;
    const mt_part_row *add;
    size_t add_count;
    const fn_str *remove;    /* part names */
    size_t remove_count;
    const mt_part_row *detach;  /* join the detached parts */
    size_t detach_count;
    const fn_str *take_back; /* names of detached parts that leave them */
    size_t take_back_count;
    const mt_part_row *forget; /* the inserts that made these parts may be made again: DROP PART */
    size_t forget_count;
    const fn_str *forget_partition; /* ... and all into this partition: DROP PARTITION; data NULL: into any. NULL: none */
    const mt_insert_id *ids;
    size_t id_count;
    uint64_t window, window_s; /* how many ids are remembered, and for how long; window_s 0: for ever */
    bool *skipped;           /* out, per added part: it was there already and is not added. NULL: INSERT_WAS_DEDUPLICATED (389) instead */
} mt_change;

/* Handed down by the engine (catalog/): makes changes durable. Returns only when they are; on failure nothing has changed.
 * Commits of several threads are grouped. ctx->claims must hold when it comes to it: TABLE_UUID_MISMATCH (741). `detail` rows for
 * system.part_log are made by the caller of commit. */
typedef struct mt_catalog mt_catalog;
/* Makes the change seen: called once, by whatever thread leads, when it is durable and before any later commit is seen. Cannot fail,
 * does no I/O. */
typedef void mt_committed(void *self);
struct mt_catalog {
    fn_status (*commit)(mt_catalog *self, fn_ctx *ctx, const mt_change *changes, size_t count, mt_committed *done, void *done_self);
    /* Numbers for new parts of a table: `count` consecutive block numbers, never given again (also after a restart). */
    fn_status (*block_numbers)(mt_catalog *self, fn_ctx *ctx, const char *table_uuid, uint64_t count, uint64_t *first);
    /* The files of all rows, also of tables that are detached or could not be loaded; in ctx->arena, any order. */
    fn_status (*files)(mt_catalog *self, fn_ctx *ctx, fn_part_id **out, size_t *count);
};

/* What all MergeTree tables of an engine share. Lives as long as the engine. */
typedef struct mt_store mt_store;
typedef struct mt_store_options {
    fn_fs *fs;
    const char *root;        /* data directory */
    mt_catalog *catalog;
    fn_pool *workers;        /* for sorting and encoding of large inserts; may be NULL */
    fn_pool *background;     /* merges and removal of files */
} mt_store_options;
fn_status mt_store_open(fn_ctx *ctx, const mt_store_options *options, mt_store **out) FN_MUST_USE;
/* Removes the files that no row of the catalog names; call once after all tables are loaded. */
fn_status mt_store_sweep(fn_ctx *ctx, mt_store *store) FN_MUST_USE;
void mt_store_stop(mt_store *store);  /* background work ends; the catalog is still there for it */
void mt_store_close(mt_store *store);

/* An INDEX clause. Its data is attached to every part written from then on, one entry per `granularity` granules. */
typedef enum mt_index_kind { MT_INDEX_MINMAX, MT_INDEX_SET, MT_INDEX_BLOOM, MT_INDEX_TOKENS, MT_INDEX_NGRAMS } mt_index_kind;
typedef struct mt_index {
    fn_str name;
    mt_index_kind kind;
    expr **values;            /* over the schema; a tuple is taken apart */
    uint32_t value_count;
    uint32_t granularity;
    fn_skip_shape shape;      /* of the data */
    uint32_t ngram;           /* MT_INDEX_NGRAMS: bytes of one */
    uint64_t id;              /* its number in part files: a hash of what it is over, by column ids, so that the data of another
                                 index of the same name, or of another column of the same name, is never taken for its own */
} mt_index;

/* A PROJECTION clause: another form of a part's rows, kept as a part within it. Normal: some columns and expressions of each row, in
 * another order. Aggregate: one row per group, keys and the states of aggregates. */
typedef struct mt_projection_state {
    const agg_call *call;     /* f: what is kept is its state */
    const agg_call *state;    /* f-State, whose type is the column's */
    expr **args;              /* over the schema */
    uint32_t arg_count;
} mt_projection_state;
typedef struct mt_projection {
    fn_str name;
    bool aggregate;
    uint32_t value_count;     /* columns: values first (of an aggregate: its keys), then states */
    expr **values;            /* over the schema */
    fn_str *names;            /* of all columns */
    uint32_t state_count;
    mt_projection_state *states;
    uint32_t *sort, sort_count; /* which values it is ordered by */
    uint64_t id;              /* its number in part files: a hash of what it is made of, by column ids and types */
} mt_projection;

/* A TTL clause of the table or of a column. What happens to a row whose `when` has passed, in the order of this list: it goes; it goes if
 * `where` holds, too; consecutive ones of equal group keys become one row; its column takes its default. The last two are about whole parts. */
typedef enum mt_ttl_kind { MT_TTL_DELETE, MT_TTL_WHERE, MT_TTL_GROUP_BY, MT_TTL_COLUMN, MT_TTL_RECOMPRESS, MT_TTL_MOVE } mt_ttl_kind;
/* GROUP BY ... SET: per schema column the new value, over the group's first row and, from the schema's count on, the results of the
 * aggregates (as plan_group has it). NULL: that of the first row, of a Nullable column the first that is not NULL. */
typedef struct mt_ttl_group {
    uint32_t key_count;       /* leading items of the sort key: rows are together that are equal in them */
    uint32_t call_count;
    const agg_call **calls;
    expr ***args;             /* per call, over the schema */
    uint32_t *arg_counts;
    expr **values;            /* per schema column */
    bool reorders;            /* a sort key may change: rows are sorted again */
} mt_ttl_group;
typedef struct mt_ttl {
    mt_ttl_kind kind;
    fn_str text;              /* of the expression, for system.parts */
    expr *when;               /* over the schema, DateTime64(0); 1970-01-01 00:00:00 never comes */
    expr *where;              /* MT_TTL_WHERE: UInt8 */
    uint32_t column;          /* MT_TTL_COLUMN: schema index */
    fn_str codec;             /* MT_TTL_RECOMPRESS: ZSTD(3) */
    mt_ttl_group *group;      /* MT_TTL_GROUP_BY */
    uint64_t id;              /* its number in part files: a hash of what it is, by column ids */
} mt_ttl;

/* <partition id>_<min block>_<max block>_<level>, and _<mutation> unless that is 0; in ctx->arena. */
fn_status mt_part_name(fn_ctx *ctx, fn_str partition_id, uint64_t min_block, uint64_t max_block, uint32_t level, uint64_t mutation, fn_str *out) FN_MUST_USE;

/* ---- files, for backups ---- */
typedef struct mt_file mt_file;
/* The file of an id, made if the store does not know it; one reference keeps it on disk, whatever becomes of the tables. */
fn_status mt_file_get(fn_ctx *ctx, mt_store *store, fn_part_id id, fn_hash128 checksum, mt_file **out) FN_MUST_USE;
void mt_file_drop(mt_file *f); /* NULL is fine */
fn_status mt_file_path(fn_ctx *ctx, const mt_store *store, fn_part_id id, const char **out) FN_MUST_USE; /* in ctx->arena */
bool mt_file_name(const char *name, fn_part_id *out);  /* of a part file: 32 hex digits and ".part"; false: another file */
int mt_file_compare(const void *a, const void *b);     /* of fn_part_id, for qsort and bsearch */
fn_status mt_file_check(fn_ctx *ctx, mt_file *f) FN_MUST_USE; /* reads all of it: the errors of a damaged part */

/* A file that comes from outside: bytes for the part of `row`, `size` of them. One reference; without a table that lists it the file
 * goes with it. A file that a table of this store has already is shared, if it is whole. Damaged or other bytes: the errors of a
 * damaged part; INCORRECT_DATA if the row does not fit. */
typedef struct mt_import_source {
    fn_status (*read)(void *self, fn_ctx *ctx, uint64_t offset, void *out, size_t size);
    void *self;
    uint64_t size;
} mt_import_source;
fn_status mt_import_file(fn_ctx *ctx, mt_store *store, const mt_part_row *row, const mt_import_source *source, mt_file **out) FN_MUST_USE;
/* Parts of imported files join tables, under new block numbers, all in one transaction. */
typedef struct mt_import {
    table *table;
    const mt_part_row *rows; /* in the order that decides between equal keys */
    uint32_t count;
} mt_import;
fn_status mt_import_parts(fn_ctx *ctx, mt_store *store, const mt_import *items, uint32_t count) FN_MUST_USE;

/* The shape of a table; expressions are bound over the schema (column_id = schema index) and live in `arena`. */
typedef struct mt_definition {
    mt_mode mode;
    expr **sort_key;          /* ORDER BY items */
    bool *sort_descending;    /* NULL: none is */
    uint32_t sort_count, primary_count; /* PRIMARY KEY is a prefix */
    expr **partition_key;     /* PARTITION BY items; a tuple is taken apart */
    uint32_t partition_count;
    expr *sampling;
    int version_column;       /* schema indexes or -1: Replacing, VersionedCollapsing */
    int is_deleted_column, sign_column;
    uint32_t *sum_columns;    /* Summing; NULL: all numeric ones outside the key */
    uint32_t sum_count;
    expr **defaults;          /* per schema column: value where a part lacks the column, over the schema; NULL: the type's default */
    mt_index *indexes;
    uint32_t index_count;
    mt_projection *projections;
    uint32_t projection_count;
    mt_ttl *ttls;             /* by kind */
    uint32_t ttl_count;
    uint64_t index_granularity; /* kept for SHOW CREATE; granules are FN_GRANULE_ROWS */
    table_settings settings;
    uint64_t window, window_s;  /* of deduplication, by the kind of engine; window 0: none, window_s 0: for ever */
    fn_str settings_text;
    const char *log_name;     /* NULL: MergeTree; "Log", "Set", "File" ...: a table of that engine, kept as parts without a key */
    table_join *join;         /* of a "Join" */
    fn_arena *arena;          /* owns all of the above; taken by mt_table_new on success */
} mt_definition;

/* head: the common part, filled by the caller (names, uuid, texts, schema with one reference); copied. rows: the live parts.
 * Opening is lazy: part files are opened at their first use, so that a start with 10,000 parts is fast. */
fn_status mt_table_new(fn_ctx *ctx, mt_store *store, const table *head, mt_definition *definition, const mt_part_row *rows,
                       size_t row_count, table **out) FN_MUST_USE;
/* The detached parts of its rows; once, after mt_table_new. */
fn_status mt_table_set_detached(fn_ctx *ctx, table *t, const mt_part_row *rows, size_t count) FN_MUST_USE;
/* ALTER of the shape (ADD / DROP / RENAME COLUMN, defaults, settings): swaps schema and definition; the parts stay. */
fn_status mt_table_alter(fn_ctx *ctx, table *t, table_schema *schema_take, mt_definition *definition) FN_MUST_USE;
/* DROP TABLE: the catalog has deleted the table's rows. Its files go when no other table lists them and the last reader ends. */
void mt_table_forget(table *t);
bool mt_is(const table *t);        /* of the MergeTree family */
bool mt_has_parts(const table *t); /* also the Log family, which has parts but none of MergeTree's statements */
/* The virtual columns the engine answers (_part, _partition_id, _part_index, _part_offset ...): whoever makes the schema appends
 * them behind the real columns with is_virtual set. */
const fn_field *mt_virtual_columns(uint32_t *count);
const mt_definition *mt_table_definition(const table *t);
/* What a writer holds goes to another table of the same definition when it is committed: the name it was given means that one now.
 * NOT_IMPLEMENTED if one of them has no parts. */
fn_status mt_writer_move(fn_ctx *ctx, table_writer *w, table *to) FN_MUST_USE;

/* ---- inserts that are committed later (wait_for_async_insert = 0) ---- */
typedef struct mt_parked mt_parked;
typedef void mt_parked_failed(void *self, const mt_parked *p, const fn_error *why);
/* Takes the rows of a statement's writers; close the writers as ever. *out NULL: they are not to be kept waiting (large, or tables of
 * other engines), commit them. The rows are charged to nobody. */
fn_status mt_park(table_writer *const *writers, uint32_t count, fn_ctx *ctx, mt_parked **out) FN_MUST_USE;
uint64_t mt_parked_bytes(const mt_parked *p);
const table *mt_parked_table(const mt_parked *p); /* of the first writer */
/* In one transaction; if that fails each in its own. `failed` hears of those whose rows are lost. */
void mt_parked_commit(mt_parked *const *parked, uint32_t count, mt_parked_failed *failed, void *self);
void mt_parked_free(mt_parked *p);

/* ---- partitions (ALTER TABLE ... PARTITION) ---- */
/* The partition id of a value given as evaluated columns (1 row each, cast to the key's types): ClickHouse's rules. */
fn_status mt_partition_id(fn_ctx *ctx, const table *t, fn_column *const *values, uint32_t count, fn_str *out) FN_MUST_USE;
fn_status mt_drop_partition(fn_ctx *ctx, table *t, fn_str partition_id) FN_MUST_USE; /* data NULL: ALL */
fn_status mt_drop_part(fn_ctx *ctx, table *t, fn_str name) FN_MUST_USE;              /* NO_SUCH_DATA_PART (232), BAD_DATA_PART_NAME (233) */
fn_status mt_has_part(fn_ctx *ctx, table *t, fn_str name) FN_MUST_USE; /* NO_SUCH_DATA_PART, BAD_DATA_PART_NAME */
/* Detached parts (detached.c): of a partition (data NULL: of all), or the one of that name. */
fn_status mt_detach(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name) FN_MUST_USE; /* NO_SUCH_DATA_PART, BAD_DATA_PART_NAME */
typedef fn_status mt_each_attached(void *self, fn_ctx *ctx, const mt_part_row *was, const mt_part_row *is);
fn_status mt_attach(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name, mt_each_attached *each, void *self) FN_MUST_USE; /* BAD_DATA_PART_NAME */
fn_status mt_drop_detached(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name) FN_MUST_USE; /* BAD_DATA_PART_NAME */
/* REPLACE PARTITION FROM (replace) and ATTACH PARTITION FROM (!replace): the files are shared, nothing is copied. Structure
 * and keys must be equal: INCOMPATIBLE_COLUMNS (122), BAD_ARGUMENTS (36). */
fn_status mt_copy_partition(fn_ctx *ctx, table *from, table *to, fn_str partition_id, bool replace) FN_MUST_USE;
fn_status mt_move_partition(fn_ctx *ctx, table *from, table *to, fn_str partition_id) FN_MUST_USE;

/* FREEZE: hard links of the partition's files (data NULL: of all) under <root>/shadow/<name>/store/<3 digits>/<uuid>/<part>/.
 * DIRECTORY_ALREADY_EXISTS (84). UNFREEZE removes them. Both tell each part: name, and the folder of the table's parts. */
typedef fn_status mt_each_frozen(void *self, fn_ctx *ctx, fn_str part_name, const char *folder);
fn_status mt_freeze(fn_ctx *ctx, table *t, fn_str partition_id, const char *name, mt_each_frozen *each, void *self) FN_MUST_USE;
fn_status mt_unfreeze(fn_ctx *ctx, table *t, fn_str partition_id, const char *name, mt_each_frozen *each, void *self) FN_MUST_USE;
/* The next number of <root>/shadow/increment.txt: the name of a FREEZE that has none. One caller at a time. */
fn_status mt_freeze_number(fn_ctx *ctx, table *t, uint64_t *out) FN_MUST_USE;

/* OPTIMIZE ... DEDUPLICATE BY: like ops->optimize, rows are equal when these columns (indexes of `schema`) are. TABLE_UUID_MISMATCH if
 * ALTER has replaced the schema. */
fn_status mt_deduplicate(fn_ctx *ctx, table *t, fn_str partition_id, const table_schema *schema, const uint32_t *columns, uint32_t count) FN_MUST_USE;

/* ---- mutations: rewrite every part that has matching rows; all parts change in one commit, also those inserted meanwhile ---- */
typedef struct mt_mutation {
    const table_schema *schema; /* what the expressions are over; TABLE_UUID_MISMATCH if ALTER has replaced it */
    expr *where;              /* rows it applies to; NULL: all */
    bool is_delete;
    bool lightweight;         /* DELETE FROM: lightweight_mutation_projection_mode says what becomes of projections */
    const uint32_t *columns;  /* UPDATE: schema indexes ... */
    expr *const *values;      /* ... and their new values over the schema, cast to the column's type */
    uint32_t count;
    uint64_t number;          /* of the change, by mt_mutation_number */
} mt_mutation;
fn_status mt_mutation_number(fn_ctx *ctx, table *t, uint64_t *out) FN_MUST_USE;
fn_status mt_mutate(fn_ctx *ctx, table *t, const mt_mutation *mutation) FN_MUST_USE;

/* ---- projections ---- */
const mt_definition *mt_snapshot_definition(const table_snapshot *s); /* of a table of the family */
/* The snapshot's rows in the form of projection `index`: a table of its columns with a snapshot of the parts that have it, and a snapshot of
 * the table's other parts (NULL: there are none). *projected NULL: no part has it. One reference each; *with must be dropped before
 * *projected. */
fn_status mt_project(fn_ctx *ctx, table_snapshot *s, uint32_t index, table **projected, table_snapshot **with, table_snapshot **without) FN_MUST_USE;
void mt_snapshot_give_back(table_snapshot *s);
bool mt_is_projection(const table *t); /* a table that mt_project made */
/* How many rows a scan would read behind all indexes. conjuncts: over the schema; those that wait for a subquery say nothing. */
fn_status mt_rows_to_read(fn_ctx *ctx, table_snapshot *s, expr *const *conjuncts, uint32_t count, uint64_t *out) FN_MUST_USE;
/* The projections that a live part has; texts live as long as the table. */
typedef struct mt_projection_row {
    const mt_part_row *part;
    const mt_projection *projection;
    const fn_part *data;        /* of the projection */
    const table_schema *schema; /* likewise */
    uint64_t bytes;             /* on disk */
} mt_projection_row;
typedef fn_status mt_each_projection(void *self, fn_ctx *ctx, const mt_projection_row *row);
fn_status mt_projections(fn_ctx *ctx, table *t, mt_each_projection *each, void *self) FN_MUST_USE;

/* MATERIALIZE INDEX and PROJECTION (clear false): parts that lack the data of one of these names are written anew with it. CLEAR: those
 * that have it, without it. partition_id.data NULL: all partitions. One commit. */
typedef struct mt_rebuild {
    const fn_str *names;
    uint32_t count;
    bool projections; /* the names are of projections, not of indexes */
    bool clear;
    fn_str partition_id;
} mt_rebuild;
fn_status mt_rebuild_parts(fn_ctx *ctx, table *t, const mt_rebuild *rebuild) FN_MUST_USE;
/* SYSTEM STOP / START MERGES: background merges and OPTIMIZE; those under way end with ABORTED (236). */
void mt_stop_merges(table *t, bool stop);
void mt_store_stop_merges(mt_store *store, bool stop);
/* ---- TTL: applied by merges (see mergetree/part_ttl.h) ---- */
/* SYSTEM STOP / START TTL MERGES: merges leave the rows alone, nothing is merged for TTL's sake. */
void mt_stop_ttl(table *t, bool stop);
void mt_store_stop_ttl(mt_store *store, bool stop);
/* Asks for a background task that merges the parts with something due, those of a partition at most every merge_with_ttl_timeout. */
void mt_ttl_schedule(table *t);
/* MATERIALIZE TTL: parts with something due, and those that do not know, are written anew. One commit. */
fn_status mt_ttl_materialize(fn_ctx *ctx, table *t) FN_MUST_USE;

/* ---- looking (system.parts) ---- */
/* Bytes of an index in all live parts; 0 where no part has it. */
fn_status mt_index_bytes(fn_ctx *ctx, table *t, fn_str name, uint64_t *disk) FN_MUST_USE;
typedef fn_status mt_each_part(void *self, fn_ctx *ctx, const mt_part_row *row, bool active);
fn_status mt_parts(fn_ctx *ctx, table *t, mt_each_part *each, void *self) FN_MUST_USE;
fn_status mt_detached_parts(fn_ctx *ctx, table *t, mt_each_part *each, void *self) FN_MUST_USE; /* active is false */
/* A merge that runs now; texts in the caller's arena. */
typedef struct mt_merge_row {
    fn_str database, table, partition_id, partition, result, *sources;
    uint32_t source_count;
    uint64_t rows, rows_written, bytes, raw_bytes;
    double elapsed_s;
    bool vertical;            /* by columns */
} mt_merge_row;
typedef fn_status mt_each_merge(void *self, fn_ctx *ctx, const mt_merge_row *row);
fn_status mt_merges(fn_ctx *ctx, mt_store *store, mt_each_merge *each, void *self) FN_MUST_USE;
/* What a part's file says of TTL: clauses of the same kind and expression as one. Times: seconds since 1970, 0: no row has one. */
typedef struct mt_ttl_row {
    mt_ttl_kind kind;
    fn_str text;
    int64_t min, max;
} mt_ttl_row;
/* In ctx->arena, by kind and text. codec: of columns without one of their own; empty: firn's choice. */
fn_status mt_part_ttls(fn_ctx *ctx, table *t, fn_part_id file, fn_hash128 checksum, mt_ttl_row **out, uint32_t *count, fn_str *codec) FN_MUST_USE;
/* Per column bytes of all live parts; arrays of the schema's count. */
fn_status mt_column_bytes(fn_ctx *ctx, table *t, uint64_t *disk, uint64_t *raw) FN_MUST_USE;
/* CHECK TABLE: reads the parts of a partition, with a name, or all (data NULL), from the disk past all caches. error NULL: sound. */
typedef fn_status mt_each_checked(void *self, fn_ctx *ctx, const mt_part_row *row, const fn_error *error);
fn_status mt_check(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name, mt_each_checked *each, void *self) FN_MUST_USE;
#endif
