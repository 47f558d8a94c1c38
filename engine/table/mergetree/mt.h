/* mergetree/mt.h - what the files of this folder and engine/merge share: files, parts, part lists, shapes, the table.
 *
 * mt_file   a part file, shared by the tables that list it; opened at first use; removed from disk when nobody lists or reads it
 * mt_part   a file as one table's part (name, partition, block numbers); immutable
 * mt_list   the live parts of a table in partition and block order; immutable, swapped after each commit
 * mt_shape  schema, definition and their compiled programs; immutable, swapped by ALTER
 * A reader holds a list and a shape; nothing it needs can change under it.
 *
 * Locks, in the order they may be taken: table.change (held over a catalog commit that removes parts), table.adding (held shared over
 * one that only adds parts without `change`, and exclusively from the last look at the parts to the commit by statements that replace
 * all rows of a partition or all that match: no insert comes between), table.lock (pointers and flags; never over I/O), store.lock
 * (the map of files).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_H
#define FIRN_MT_H
#include "table/mergetree/mergetree.h"

enum { MT_FILE_SLOTS = 16384 };

struct mt_file {
    mt_store *store;
    struct mt_file *next;       /* in the map; store.lock */
    fn_part_id id;
    fn_hash128 checksum;
    uint32_t refs, listed;      /* store.lock. listed: rows of tables that name the file */
    fn_part *_Atomic part;      /* NULL until opened */
    struct mt_file *outer;      /* of a part within another: the file that has it; `part` is borrowed from there, nothing else is used */
    pthread_mutex_t open_lock;
    bool going;                 /* nobody wants it any more, it is being removed; store.lock */
};

typedef struct mt_part {
    _Atomic uint32_t refs;
    mt_file *file;              /* referenced */
    mt_part_row row;            /* texts behind the struct */
    bool busy;                  /* a merge has chosen it; table.lock */
    struct mt_ttl_infos *_Atomic ttl; /* what its file says of TTL; NULL until asked for */
    uint64_t looked_for;        /* TTLs that its file says nothing of were looked at in its rows: a hash of their numbers, ... */
    int64_t looked_due;         /* ... and when the first of them comes; table.lock */
    bool damaged;               /* a merge failed for its sake: the others go on without it; table.lock */
    bool keeps_keys;            /* made by a merge that lost no key of its sources */
    fn_hash128 bytes;           /* of a scratch file: its XXH3-128 */
} mt_part;

struct mt_masks;
typedef struct mt_list {
    _Atomic uint32_t refs;
    uint32_t count;
    uint32_t most;                         /* parts of the partition that has most of them */
    uint64_t rows, bytes;
    pthread_mutex_t mask_lock;             /* one thread computes, others wait */
    struct mt_masks *_Atomic masks[2];     /* rows FINAL shows; [1]: partitions looked at apart. NULL until asked for */
    mt_part *parts[];                      /* referenced */
} mt_list;

typedef struct mt_shape {
    _Atomic uint32_t refs;
    table_schema *schema;       /* one reference */
    const mt_definition *definition;
    uint32_t stored_count;
    uint32_t *stored;           /* schema indexes of the columns in parts and in written blocks, in order */
    int *stored_at;             /* per schema index: place in stored, -1 */
    expr_program *sort_program; /* sort items over a block of stored columns; NULL: no sort key */
    expr_program *partition_program;
    uint32_t group_count;       /* leading sort items that make rows "equal": all, without VersionedCollapsing's version */
    int *sort_columns;          /* per sort item: schema index of a plain column, -1 */
    uint32_t key_count;         /* leading sort items that are plain columns, ascending: what part files index */
    uint32_t *part_keys;        /* their places in stored */
    fn_part_column *part_columns; /* of stored */
    expr_program **index_programs; /* per index: its values over a block of stored columns */
    struct mt_ttl_programs *ttls;  /* per TTL (part_ttl.h) */
    struct mt_shape **projections; /* per projection: of its own columns, numbered from 1 */
    expr_program **projection_programs; /* per projection: its values, then the arguments of its states, over a block of stored columns */
    struct mt_shape *older;     /* kept until the table goes: others may look at the schema without a reference */
} mt_shape;

/* Small inserts at their end, waiting to share parts (commit_writers.c). */
typedef struct mt_waiting mt_waiting;
typedef struct mt_group {
    pthread_mutex_t lock;       /* taken alone */
    pthread_cond_t done;
    mt_waiting *first, **last;
    bool leading;               /* one of them commits; the others gather */
} mt_group;
void mt_group_init(mt_group *g);
void mt_group_release(mt_group *g);

typedef struct mt_ttl_visit mt_ttl_visit;
typedef struct mt_table {
    table base;
    fn_arena *arena;
    mt_store *store;
    pthread_mutex_t change, lock;
    pthread_rwlock_t adding;
    mt_list *list;              /* lock */
    mt_list *detached;          /* parts set aside; lock. NULL: none ever */
    mt_shape *shape;            /* lock */
    struct mt_masks *latest_masks[2]; /* the last ones computed for a current list; lock */
    _Atomic bool masks_wanted[2];     /* somebody has asked FINAL */
    mt_group group;
    _Atomic bool merge_pending; /* a background task for it is queued or runs */
    _Atomic bool forgotten;     /* dropped */
    _Atomic bool merges_stopped; /* SYSTEM STOP MERGES */
    _Atomic bool ttl_stopped;   /* SYSTEM STOP TTL MERGES */
    _Atomic bool ttl_wanted;    /* the next background task looks at what is due */
    mt_ttl_visit *visits;       /* per partition, when TTL was applied last (merge/merge_expired.c); lock */
    uint32_t visit_count;
} mt_table;

typedef struct mt_running mt_running;
struct mt_store {
    mt_store_options options;
    char *root;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    pthread_cond_t gone;        /* a file has been removed, or a folder made */
    mt_file *files[MT_FILE_SLOTS];
    uint32_t tasks;             /* background tasks queued or running; lock */
    mt_running *running;        /* merges; lock */
    _Atomic bool closing;
    _Atomic bool keeps_files;   /* a commit broke off: the catalog on disk may name files that nobody lists; the next start sweeps */
    _Atomic bool merges_stopped; /* SYSTEM STOP MERGES, of all tables */
    _Atomic bool ttl_stopped;
    _Atomic uint64_t dirs_made[4]; /* bit per store/xx folder that is there for good */
    uint64_t dirs_begun[4];     /* those, and the ones being made; lock */
    _Atomic bool dirs_durable;  /* what was there at start is, too */
};

/* ---- running.c ---- */
/* A merge under way; lies in its frame. */
struct mt_running {
    struct mt_running *next, **previous;
    mt_table *table;
    mt_part *const *parts;
    uint32_t count;
    const struct mt_part_spec *spec; /* of the result */
    _Atomic uint64_t rows_written;
    _Atomic bool vertical;      /* column by column */
    uint64_t rows, bytes, raw_bytes; /* of the sources */
    int64_t started_ns;
};
void mt_running_begin(mt_store *store, mt_running *r); /* table, parts, count and spec are set */
void mt_running_end(mt_store *store, mt_running *r);

/* ---- store.c ---- */
fn_part_id mt_new_id(void);
void mt_file_list(mt_file *f, int by); /* +1: one more table lists it, -1: one less */
fn_status mt_file_open(fn_ctx *ctx, mt_file *f, const fn_part **out) FN_MUST_USE; /* borrowed from f */
fn_status mt_store_make_dir(fn_ctx *ctx, mt_store *store, fn_part_id id) FN_MUST_USE;
fn_status mt_store_sync_dir(fn_ctx *ctx, mt_store *store, fn_part_id id) FN_MUST_USE;

/* ---- mutate.c: parts written anew, exchanged in one commit, while nothing but inserts changes the table ---- */
typedef struct mt_rewrite { /* first member of what `choose` needs besides */
    mt_table *table;
    mt_shape *shape;
    uint64_t version;           /* number of the change, part of the new names; 0: none taken yet */
    mt_part **added, **removed; /* room for as many as the list has */
    uint32_t added_count, removed_count;
    const mt_list *earlier;     /* NULL at the first call of `choose`; at the second, which inserts wait for, the parts of it are done */
} mt_rewrite;
typedef fn_status mt_rewrite_fn(fn_ctx *ctx, mt_rewrite *r, const mt_list *list); /* writes parts; what it has added is dropped if it fails */
bool mt_rewrite_is_done(const mt_rewrite *r, const mt_part *part);
fn_status mt_rewrite_parts(fn_ctx *ctx, mt_table *t, mt_rewrite *r, mt_rewrite_fn *choose) FN_MUST_USE;
struct mt_reader;
fn_status mt_rewrite_read(fn_ctx *ctx, const mt_rewrite *r, mt_part *part, struct mt_reader *out) FN_MUST_USE; /* a reader of the old part */
fn_status mt_rewrite_number(fn_ctx *ctx, mt_rewrite *r) FN_MUST_USE; /* takes a version */
struct mt_part_out;
/* Behind the last row (`written`: how that went): the part that takes `part`'s place is finished and added, if any row is in it; closes `out`. */
fn_status mt_rewrite_finish(fn_ctx *ctx, mt_rewrite *r, const mt_part *part, struct mt_part_out *out, fn_status written) FN_MUST_USE;

/* ---- look.c ---- */
fn_status mt_part_check(fn_ctx *ctx, mt_part *p) FN_MUST_USE; /* reads all of it from the disk; errors: damage, or memory, time, cancelled */

/* ---- part_list.c ---- */
/* NOT_ENOUGH_SPACE unless the disk has `bytes` and the reserve that is kept for the catalog. */
fn_status mt_check_room(fn_ctx *ctx, mt_store *store, uint64_t bytes) FN_MUST_USE;
fn_status mt_part_new(fn_ctx *ctx, mt_store *store, const mt_part_row *row, mt_part **out) FN_MUST_USE;
/* A part within `outer`, which it keeps: data is borrowed from there. */
fn_status mt_part_within(fn_ctx *ctx, mt_part *outer, const mt_part_row *row, const fn_part *data, mt_part **out) FN_MUST_USE;
mt_part *mt_part_ref(mt_part *p);
void mt_part_drop(mt_part *p);
mt_list *mt_list_ref(mt_list *l);
void mt_list_drop(mt_list *l);
fn_status mt_list_new(fn_ctx *ctx, mt_part *const *parts, uint32_t count, mt_list **out) FN_MUST_USE; /* references the parts, sorts them */
/* The parts of catalog rows, each counted as listed; one reference. */
fn_status mt_list_load(fn_ctx *ctx, mt_store *store, const mt_part_row *rows, size_t count, mt_list **out) FN_MUST_USE;
void mt_list_forget(mt_list *l); /* a dropped table lists its parts no longer; NULL is fine */
mt_list *mt_table_list(mt_table *t);   /* one reference */
mt_list *mt_table_detached(mt_table *t); /* one reference; NULL: no part was ever detached */
mt_shape *mt_table_shape(mt_table *t); /* one reference */

typedef struct mt_edit {
    mt_table *table;
    mt_part *const *add;
    uint32_t add_count;
    mt_part *const *remove;
    uint32_t remove_count;
    mt_part *const *detach;     /* join the detached parts ... */
    uint32_t detach_count;
    mt_part *const *take_back;  /* ... and leave them */
    uint32_t take_back_count;
    bool forget;                /* inserts that made the removed parts may be made again, */
    const fn_str *forget_partition; /* and those into this partition; data NULL: into any. NULL: none */
    const mt_insert_id *ids;    /* of the added parts */
    uint32_t id_count;
    const mt_definition *definition; /* says how many ids are remembered; NULL: no ids */
    bool *skipped;              /* out, per added part: its id was known, it is not added; NULL: INSERT_WAS_DEDUPLICATED then */
    bool alone;                 /* the caller holds `adding` exclusively */
} mt_edit;
/* One catalog transaction, in which ctx->claims must hold, then every table's lists are swapped. Whoever removes parts (also detached ones) holds the `change` lock
 * of those tables and has taken them from their current lists. On failure nothing has changed. */
fn_status mt_apply(fn_ctx *ctx, mt_store *store, const mt_edit *edits, uint32_t count) FN_MUST_USE;
void mt_lock_change(mt_table *a, mt_table *b); /* b may be NULL or a; in one order for all */
void mt_unlock_change(mt_table *a, mt_table *b);
void mt_lock_adding(mt_table *a, mt_table *b); /* exclusively; b may be NULL or a */
void mt_unlock_adding(mt_table *a, mt_table *b);
/* ALTER has given the table another shape: TABLE_UUID_MISMATCH (741), the statement begins again. */
fn_status mt_check_shape(fn_ctx *ctx, mt_table *t, const mt_shape *shape) FN_MUST_USE;

/* Parts of a list by partition (data NULL: all) and name (data NULL: any). */
typedef struct mt_selection {
    mt_list *list;              /* keeps the parts; drop it */
    mt_part **parts;            /* in ctx->arena */
    uint32_t count;
} mt_selection;
/* Takes the reference, also on failure. */
fn_status mt_select(fn_ctx *ctx, mt_list *list_take, fn_str partition_id, fn_str name, mt_selection *out) FN_MUST_USE;

/* ---- partition_change.c ---- */
/* Parts written for one table that nobody lists yet become another's: as they are where both number their columns alike, else written
 * anew. INCOMPATIBLE_COLUMNS, BAD_ARGUMENTS as for REPLACE PARTITION. On failure they are still all parts of the first. */
fn_status mt_parts_convert(fn_ctx *ctx, mt_table *from, mt_shape *from_shape, mt_table *to, mt_shape *to_shape, mt_part **parts, uint32_t count) FN_MUST_USE;

/* ---- shape.c ---- */
fn_status mt_shape_new(fn_ctx *ctx, table_schema *schema_take, const mt_definition *definition, mt_shape **out) FN_MUST_USE;
mt_shape *mt_shape_ref(mt_shape *s);
void mt_shape_drop(mt_shape *s);

/* ---- partition.c ---- */
/* ClickHouse's partition id and SQL text of row `row` of evaluated key values; texts in ctx->arena. No values: "all", "tuple()". */
fn_status mt_partition_name(fn_ctx *ctx, fn_column *const *values, uint32_t count, size_t row, fn_str *id, fn_str *text) FN_MUST_USE;
bool mt_part_name_is(fn_str name); /* <partition id>_<min>_<max>_<level>[_<mutation>] */
fn_status mt_part_name_check(fn_ctx *ctx, fn_str name) FN_MUST_USE; /* BAD_DATA_PART_NAME (233): not a part's name */

/* ---- sort_rows.c ---- */
typedef struct mt_key { /* sort key values of the rows of one block */
    fn_column **columns;
    uint32_t count;
    const bool *descending; /* NULL: none */
} mt_key;
int mt_key_compare(const mt_key *a, size_t row_a, const mt_key *b, size_t row_b);
/* The first 16 bytes of a key in an order-preserving form: a < b by prefix implies a < b by key. *exact: the whole key is in it. */
typedef struct mt_prefix {
    uint64_t high, low;
} mt_prefix;
fn_status mt_key_prefixes(fn_ctx *ctx, const mt_key *key, uint32_t rows, mt_prefix *out, bool *exact) FN_MUST_USE;
static inline int mt_prefix_compare(mt_prefix a, mt_prefix b)
{
    return a.high != b.high ? (a.high < b.high ? -1 : 1) : (a.low > b.low) - (a.low < b.low);
}
/* The permutation that sorts `rows` rows stably; *sorted: they are in order already (order is not filled then). */
fn_status mt_sort_rows(fn_ctx *ctx, const mt_key *key, uint32_t rows, uint32_t *order, bool *sorted) FN_MUST_USE;
/* Sort key of a block of stored columns; columns in ctx->arena, each referenced: release with mt_key_release. */
fn_status mt_key_of(fn_ctx *ctx, const mt_shape *shape, const fn_block *stored, mt_key *out) FN_MUST_USE;
void mt_key_release(mt_key *key);

/* ---- collapse.c ---- */
/* What the table's mode makes of rows in key order where equal keys stand together in insertion order: block in, block out
 * (one new reference). `cleanup`: Replacing drops deleted rows, as OPTIMIZE CLEANUP and FINAL do. */
fn_status mt_collapse(fn_ctx *ctx, const mt_shape *shape, const mt_key *key, const fn_block *sorted, bool cleanup, fn_block **out) FN_MUST_USE;
typedef struct mt_batch mt_batch;
/* The same of a merge's batch. Its origins are looked at if it has them: merges of Collapsing tables must ask for them (mt_wants_origins). */
fn_status mt_collapse_batch(fn_ctx *ctx, const mt_shape *shape, const mt_batch *batch, mt_part *const *parts, bool cleanup, fn_block **out) FN_MUST_USE;
bool mt_wants_origins(mt_mode mode);
/* The same of some columns (schema indexes) of a mode that computes rows. */
fn_status mt_collapse_columns(fn_ctx *ctx, const mt_shape *shape, const uint32_t *columns, const mt_key *key, const fn_block *sorted, fn_block **out) FN_MUST_USE;
/* For modes that only choose rows: keep[i] = 1 for the rows of [from, to) that stay. key rows are equal in that range. */
typedef struct mt_choice {
    const mt_shape *shape;
    const fn_column *version, *is_deleted, *sign; /* over the same rows; NULL where the mode has none */
    bool cleanup;
    const uint64_t *origins;  /* per row: where it comes from, as in mt_batch; NULL: all rows of one part that nothing has collapsed */
    mt_part *const *parts;    /* what the origins count */
} mt_choice;
bool mt_chooses_rows(mt_mode mode);
void mt_choose(const mt_choice *choice, size_t from, size_t to, uint8_t *keep);

/* ---- write_part.c ---- */
/* Writes sorted rows as a new part file; its row gets name, numbers and sizes. The folder is synced by the caller at the end. */
typedef struct mt_part_spec {
    fn_str partition_id, partition;
    uint64_t min_block, max_block, mutation;
    uint32_t level;
} mt_part_spec;
struct mt_row_order;
typedef struct mt_part_out {
    mt_store *store;
    const mt_shape *shape;
    fn_part_id id;
    fn_part_writer *writer;
    struct mt_index_out **indexes; /* per index of the shape; NULL: not built */
    struct mt_projection_out **projections; /* per projection of the shape; likewise */
    struct mt_ttl_info *ttls;   /* per TTL of the shape, of the rows written so far; NULL: it has none */
    int64_t ttl_applied_s;      /* TTL up to this moment has been applied to the rows; 0: not */
    fn_str codec;               /* of columns without one; empty: firn's choice. Set before it is opened */
    bool scratch;               /* a file for this process alone: nothing is synced, no indexes, no projections */
    struct mt_row_order *order; /* what is written is only noted here, columns are gathered afterwards (row_order.c); NULL: it is written */
    uint64_t rows;
} mt_part_out;
/* sources: the parts it is made of (merge, mutation); their dictionaries are taken over. Close in any case. */
fn_status mt_part_out_open(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part *const *sources, uint32_t source_count, mt_part_out *out) FN_MUST_USE;
/* With a codec for columns that have none (RECOMPRESS). */
fn_status mt_part_out_open_packed(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part *const *sources, uint32_t source_count, fn_str codec, mt_part_out *out) FN_MUST_USE;
/* For rows that are noted: blocks have one column more, of their origins (row_order.c), and need only the columns that indexes, projections
 * and TTLs are over. Then the writer gets all columns, one by one. */
fn_status mt_part_out_open_ordered(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part *const *sources, uint32_t source_count, fn_str codec,
                                   struct mt_row_order *order, mt_part_out *out) FN_MUST_USE;
fn_status mt_part_out_open_scratch(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part_out *out) FN_MUST_USE;
void mt_part_out_without(mt_part_out *out, uint32_t index); /* do not build this index */
/* Build this projection (every insert does, a merge or mutation where a source has it), or not. */
fn_status mt_part_out_project(fn_ctx *ctx, mt_part_out *out, uint32_t projection, bool build) FN_MUST_USE;
/* The rows are those of the sources, all of them: projections that all of these have are merged instead of built. */
fn_status mt_part_out_merge_projections(fn_ctx *ctx, mt_part_out *out, mt_part *const *sources, uint32_t count) FN_MUST_USE;
fn_status mt_part_out_write(fn_ctx *ctx, mt_part_out *out, const fn_block *sorted) FN_MUST_USE;
fn_status mt_part_out_write_rows(fn_ctx *ctx, mt_part_out *out, const fn_part_pieces *rows) FN_MUST_USE; /* all of the part's; no indexes, no projections */
/* Data and folder are on disk afterwards; the part is not listed yet: dropping it removes the file. */
fn_status mt_part_out_finish(fn_ctx *ctx, mt_part_out *out, const mt_part_spec *spec, mt_part **part) FN_MUST_USE;
void mt_part_out_close(mt_part_out *out);
/* The dictionaries that a stored column of the sources has; list in ctx->arena. Drop in any case. */
fn_status mt_take_dictionaries(fn_ctx *ctx, const mt_shape *shape, uint32_t stored, const fn_part *const *sources, uint32_t count,
                               fn_part_dictionaries *out) FN_MUST_USE;
void mt_drop_dictionaries(const fn_part_dictionaries *d);

/* ---- sort_runs.c: rows in any order ---- */
typedef struct mt_runs { /* begin with store, shape and collapses set, the rest 0 */
    mt_store *store;
    const mt_shape *shape;
    bool collapses;             /* rows of several blocks with equal keys are collapsed as the mode says */
    fn_block **blocks;          /* collected */
    uint32_t block_count, block_capacity;
    uint64_t rows, bytes;
    mt_part **parts;            /* sorted, unlisted; they go with the struct */
    uint32_t count, capacity;
} mt_runs;
fn_status mt_runs_add(fn_ctx *ctx, mt_runs *x, fn_block *block_take) FN_MUST_USE; /* columns as stored */
fn_status mt_runs_flush(fn_ctx *ctx, mt_runs *x) FN_MUST_USE; /* what is collected becomes a run */
void mt_runs_release(mt_runs *x);

/* ---- part_read.c: columns of the table out of a part, whatever the part has of them ---- */
typedef struct mt_reader {
    const mt_shape *shape;
    mt_part *part;              /* borrowed */
    const fn_part *data;        /* borrowed from the part's file */
    uint32_t part_index;        /* for _part_index */
    uint64_t starting_offset;   /* rows of the parts before */
    fn_str table_name, database;
    int *places;                /* per schema index: column of the part, -1 */
    expr_program **casts;       /* per schema index, of columns whose type has changed; NULL: none has */
} mt_reader;
fn_status mt_reader_init(fn_ctx *ctx, const mt_shape *shape, mt_part *part, mt_reader *out) FN_MUST_USE; /* in ctx->arena */
/* `granules` granules from `first` on of the given schema columns (virtual ones too). */
fn_status mt_read(fn_ctx *ctx, const mt_reader *r, const uint32_t *columns, uint32_t count, uint32_t first, uint32_t granules, fn_block **out) FN_MUST_USE;
/* Of those, some rows: ascending, counted from the first row of `first`. */
fn_status mt_read_rows(fn_ctx *ctx, const mt_reader *r, const uint32_t *columns, uint32_t count, uint32_t first, uint32_t granules, const uint32_t *rows,
                       uint32_t row_count, fn_block **out) FN_MUST_USE;

/* ---- merge_rows.c: the rows of several parts in key order ---- */
typedef struct mt_merge mt_merge;
typedef struct mt_merge_options {
    const mt_shape *shape;
    mt_part *const *parts;      /* in the order that decides between equal keys: older first */
    uint32_t part_count;
    const uint32_t *columns;    /* schema indexes to deliver */
    uint32_t column_count;
    bool whole_groups;          /* rows with equal keys come in one batch */
    bool origins;               /* say where each row came from */
    const uint8_t *const *granules; /* per part: granules[p][g] = 0 leaves granule g out; NULL (also per part): all */
    const mt_key *only;         /* ascending keys: of parts with only_for[p], just the rows with one of these; NULL: all rows */
    uint32_t only_rows;
    const bool *only_for;
    expr *const *filter;        /* conditions over schema indexes: rows that fail one are left out. Not together with origins */
    uint32_t filter_count;
    const mt_reader *readers;   /* per part, must outlive the merge; NULL: it makes its own, which know no names */
} mt_merge_options;
struct mt_batch {
    fn_block *block;            /* columns as asked; NULL at the end */
    mt_key key;                 /* of its rows */
    uint64_t *origins;          /* per row: part << 40 | row in the part; NULL unless asked for */
};
/* Lives on its own; close in any case. Batches belong to the caller: mt_batch_release. */
fn_status mt_merge_open(fn_ctx *ctx, const mt_merge_options *options, mt_merge **out) FN_MUST_USE;
fn_status mt_merge_next(fn_ctx *ctx, mt_merge *m, mt_batch *out) FN_MUST_USE;
uint64_t mt_merge_rows_read(const mt_merge *m); /* so far, with those that the filter left out */
void mt_merge_close(mt_merge *m);
void mt_batch_release(mt_batch *b);
/* All of it: `each` gets every batch, with an arena that is emptied behind it. ABORTED (236) when the store closes. */
typedef fn_status mt_each_batch(void *self, fn_ctx *ctx, const mt_batch *b);
fn_status mt_merge_each(fn_ctx *ctx, mt_store *store, const mt_merge_options *options, mt_each_batch *each, void *self) FN_MUST_USE;

/* ---- row_order.c: where each row of a merged part comes from ---- */
typedef struct mt_row_run {
    uint32_t part, rows;
    uint64_t row;               /* the first one, in the part */
} mt_row_run;
/* Runs of consecutive rows of a part, in the order of the new part; a part's rows ascend. A byte for a row, or for a run of few parts' rows. */
typedef struct mt_row_order {
    fn_buf codes;
    uint64_t rows;
    uint64_t *next;             /* per part: behind its last row so far */
    mt_row_run open;            /* not in codes yet; rows 0: none */
} mt_row_order;
fn_status mt_row_order_init(fn_ctx *ctx, mt_row_order *o, uint32_t part_count) FN_MUST_USE;
void mt_row_order_release(mt_row_order *o); /* an empty struct is fine */
/* Origins as mt_batch has them, UInt64. */
fn_status mt_row_order_add(fn_ctx *ctx, mt_row_order *o, const fn_column *origins) FN_MUST_USE;
fn_status mt_row_order_end(fn_ctx *ctx, mt_row_order *o) FN_MUST_USE;
typedef struct mt_row_cursor {
    const mt_row_order *order;
    size_t at;
    uint64_t *next;
} mt_row_cursor;
/* From the beginning; next: room for a number per part. */
void mt_row_cursor_init(mt_row_cursor *c, const mt_row_order *order, uint64_t *next, uint32_t part_count);
bool mt_row_cursor_next(mt_row_cursor *c, mt_row_run *out); /* false: there are no more */

/* ---- gather.c: a column of the parts in such an order ---- */
typedef struct mt_gather mt_gather;
typedef struct mt_gather_options {
    const mt_shape *shape;
    const mt_reader *readers;   /* per part; this thread's alone */
    uint32_t part_count;
    const mt_row_order *order;
    uint32_t column;            /* schema index */
} mt_gather_options;
fn_status mt_gather_new(fn_ctx *ctx, const mt_gather_options *options, mt_gather **out) FN_MUST_USE;
/* The next rows, as fn_part_feed has them. */
fn_status mt_gather_next(fn_ctx *ctx, mt_gather *g, fn_part_pieces *out) FN_MUST_USE;
void mt_gather_free(mt_gather *g); /* NULL is fine */

/* What a merge of parts makes of the rows. */
typedef struct mt_merge_how {
    bool cleanup;               /* Replacing: deleted rows go */
    bool deduplicate;           /* rows equal in these columns (schema indexes; count 0: all stored ones) are kept once */
    const uint32_t *columns;
    uint32_t count;
    const table_schema *schema; /* whose columns these are; TABLE_UUID_MISMATCH if it is the table's no longer. NULL: there are none */
} mt_merge_how;

/* ---- final.c ---- */
typedef struct mt_visible mt_visible; /* final_stats.c: what is known of the rows that are not hidden */
typedef struct mt_part_mask { /* shared by the masks of successive lists */
    _Atomic uint32_t refs;
    uint64_t rows;              /* hidden ones */
    uint64_t *bits;             /* bit i = row i is hidden */
    uint32_t *counts;           /* hidden rows per granule */
    mt_visible *visible;
} mt_part_mask;
typedef struct mt_mask_source {
    fn_part_id file;
    uint64_t min_block, max_block, partition; /* partition: hash of its id */
} mt_mask_source;
typedef struct mt_masks {
    _Atomic uint32_t refs;
    uint32_t count;
    uint64_t visible;           /* rows of all parts */
    const mt_shape *shape;      /* which they were made for; only compared */
    mt_mask_source *sources;    /* per part of the list */
    mt_part_mask **parts;       /* per part of the list; NULL: all its rows are visible */
} mt_masks;
/* For modes that choose rows. Borrowed from the list; computed once per list, beginning with the last list's. */
fn_status mt_final_masks(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_list *list, bool apart, const mt_masks **out) FN_MUST_USE;
/* Those that have been computed; NULL: none yet. */
const mt_masks *mt_final_known(const mt_list *list, bool apart);
bool mt_final_is_far(mt_table *t, const mt_list *list, bool apart); /* would computing them take long? */
/* Granules [first, end) of a part. */
typedef struct mt_granules {
    uint32_t first, end;
} mt_granules;
/* Masks that are right for rows in these granules (one range per part of the list) whose equals all lie in them, too; the caller's. Those of the
 * whole list are asked for in the background. */
fn_status mt_final_masks_within(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_list *list, bool apart, const mt_granules *within, mt_masks **out) FN_MUST_USE;
/* Computes those of the table's list if they have been asked for before and there is much to do. For the background. */
void mt_final_prepare(fn_ctx *ctx, mt_table *t);
void mt_masks_drop(mt_masks *m);
/* Do equal keys always lie in one partition (the partition key is made of sort key columns)? */
bool mt_partitions_apart(const mt_shape *shape);

/* ---- scan.c, scan_rows.c ---- */
typedef struct mt_snapshot {
    mt_table *table;
    mt_list *list;
    mt_shape *shape;
    fn_arena *arena;            /* of stats' columns */
    pthread_mutex_t lock;       /* of the arena */
} mt_snapshot;
fn_status mt_snapshot_new(fn_ctx *ctx, mt_table *t, mt_list *list, mt_shape *shape, table_snapshot **out) FN_MUST_USE; /* references all of them */
/* What a table of a projection's parts does: it is read through snapshots that mt_project makes. */
extern const table_ops mt_projection_ops;
void mt_projection_table_destroy(table *t);
fn_status mt_check_partitions(fn_ctx *ctx, uint64_t partitions) FN_MUST_USE; /* max_partitions_to_read: TOO_MANY_PARTITIONS (565) */
fn_status mt_scan_open(fn_ctx *ctx, mt_snapshot *s, const table_scan_request *request, table_scan **out) FN_MUST_USE;
bool mt_stats(mt_snapshot *s, uint32_t column, table_column_stats *out);
fn_status mt_snapshot_keep(fn_ctx *ctx, mt_snapshot *s, fn_column *c) FN_MUST_USE; /* a column that lives as long as the snapshot; NULL is fine */
/* The same with FINAL, whose masks these are. sum: modulo 2^64. False: not known without a scan. final_stats.c */
bool mt_final_stats(mt_snapshot *s, const mt_masks *masks, uint32_t column, table_column_stats *out);
void mt_visible_free(mt_visible *v);
fn_status mt_writer_open(table *t, fn_ctx *ctx, table_writer **out) FN_MUST_USE;

/* ---- engine/merge: called from here, linked from there ---- */
void mt_merge_schedule(mt_table *t);      /* after parts were added */
/* Before an insert: NOT_ENOUGH_SPACE (243) when the disk is nearly full; delays it when merges do not keep up, TOO_MANY_PARTS (252)
 * far beyond, as the settings of the table and the statement say. */
fn_status mt_merge_pressure(fn_ctx *ctx, mt_table *t) FN_MUST_USE;
bool mt_merges_stopped(const mt_table *t);
bool mt_ttl_stopped(const mt_table *t);
fn_status mt_optimize(fn_ctx *ctx, mt_table *t, fn_str partition_id, bool final, const mt_merge_how *how) FN_MUST_USE;
#endif
