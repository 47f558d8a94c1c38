/* table/table.h - what a storage is to the rest of the engine: a vtable for reading, writing and looking.
 * Planner and executor know tables only through this file; each engine is a folder beside it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TABLE_TABLE_H
#define FIRN_TABLE_TABLE_H
#include "expr/expr.h"

typedef struct table table;
typedef struct table_snapshot table_snapshot;
typedef struct table_scan table_scan;
typedef struct table_writer table_writer;

/* What a statement takes a name to mean. A commit with claims (ctx->claims) is refused with TABLE_UUID_MISMATCH (741), and nothing has
 * changed, when one of the names means another table by then, or none: the statement looks again. Compared only. */
typedef struct table_claim {
    fn_str database, name;
    const table *table;
    const struct table_claim *next;
} table_claim;

typedef enum table_default_kind { DEFAULT_NONE, DEFAULT_DEFAULT, DEFAULT_MATERIALIZED, DEFAULT_ALIAS, DEFAULT_EPHEMERAL } table_default_kind;

typedef struct table_column {
    fn_str name;
    uint32_t id;        /* stable number within the table, never used again after DROP COLUMN: what part files know columns by */
    const fn_type *type;
    table_default_kind default_kind;
    fn_str default_sql; /* expression text; empty: none */
    fn_str comment, codec, ttl;
    bool is_virtual;    /* _path, _file, _part ...: readable by name, not part of `*`, not stored; always behind the real columns */
} table_column;

/* Immutable description of a table's shape; replaced as a whole by ALTER. */
typedef struct table_schema {
    uint32_t count;
    table_column *columns;
    _Atomic uint32_t refs;
    fn_arena *arena; /* owns all of it */
} table_schema;
table_schema *table_schema_ref(const table_schema *s);
void table_schema_drop(table_schema *s);
int table_schema_find(const table_schema *s, fn_str name); /* -1 if absent */
/* A schema of plain columns, numbered from 1; names are copied, one reference to the caller. Table functions use it. */
fn_status table_schema_make(fn_ctx *ctx, const fn_schema *columns, table_schema **out) FN_MUST_USE;
/* Is the column kept by the engine (and part of what a writer gets)? */
static inline bool table_column_is_stored(const table_column *c)
{
    return !c->is_virtual && c->default_kind != DEFAULT_ALIAS && c->default_kind != DEFAULT_EPHEMERAL;
}

/* A reader's test of one column: rows that fail it are of no use to it. Asked by all workers at once. */
typedef struct scan_filter scan_filter;
struct scan_filter {
    uint32_t column;         /* schema index */
    double cost;             /* of asking a row, in bytes read from disk instead */
    /* mask: a byte per row of c, 1 = passes; *ones: how many. */
    fn_status (*test)(scan_filter *self, fn_ctx *ctx, fn_column *c, uint8_t *mask, uint32_t *ones);
    bool (*pays)(const scan_filter *self); /* false: nearly all rows pass, do without */
};

/* What a scan is asked for. Column ids in `conjuncts` are indexes into the schema (column_id = column index). */
typedef struct table_scan_request {
    const uint32_t *columns; /* schema indexes to deliver, in order (virtual columns are in the schema too) */
    uint32_t column_count;
    expr *const *conjuncts;  /* all must hold; for pruning and for filtering inside the scan */
    uint32_t conjunct_count;
    const bool *only_prunes; /* conjunct i is for pruning alone, a filter tests the rows; NULL: none is */
    scan_filter *const *filters;
    uint32_t filter_count;
    bool *filters_taken;     /* out: the scan applies the filters, as far as they pay; stays as it is otherwise */
    bool *applied;           /* out: applied[i] = the scan itself drops every row failing conjunct i */
    bool final;
    expr *const *prewhere;   /* final: conditions on the rows before those with equal keys meet; the scan applies them */
    uint32_t prewhere_count;
    const bool *codes;       /* per column: numbers that lie in a dictionary may come as DICT, as strings do; NULL: of none */
    double sample;           /* SAMPLE 0.1; 0 = all */
    double sample_offset;
    uint64_t limit;          /* rows the reader needs at most, before any other operator; 0 = all */
    const uint32_t *order_columns; /* wanted order (prefix of the sort key), for reading in order; may be ignored */
    uint32_t order_count;
    bool order_descending;
    struct scan_threshold *threshold; /* dynamic top-N bound; may be NULL or ignored */
    unsigned workers;
} table_scan_request;

/* Top-N's moving bound on one column: granules that cannot beat it may be skipped. Writers lock, readers copy. */
typedef struct scan_threshold {
    uint32_t column;           /* schema index */
    bool descending, nulls_first;
    fn_column *_Atomic bound;  /* 1-row value; NULL until N rows are known */
} scan_threshold;

/* A morsel-wise reader. next() may be called by `workers` threads at once, each with its own index. */
struct table_scan {
    /* The next block (columns as requested), at most FN_BLOCK_ROWS_MAX rows; *out = NULL when this worker has no more. */
    fn_status (*next)(table_scan *self, fn_ctx *ctx, unsigned worker, fn_block **out);
    void (*close)(table_scan *self);
    uint64_t total_rows;      /* to read after pruning; for progress and limits */
    bool ordered;             /* blocks arrive in order_columns order (single worker) */
    _Atomic uint64_t rows_read, bytes_read; /* updated by next() */
};

typedef struct table_column_stats {
    bool has_range;
    fn_column *min, *max; /* 1 row each, borrowed from the snapshot */
    uint64_t distinct;    /* estimate; 0 = unknown */
    bool has_counts;      /* nulls and defaults hold */
    uint64_t nulls, defaults; /* rows with NULL; rows with 0, '' or an empty array */
    bool exact;           /* min, max, nulls hold exactly for the visible rows */
    bool has_sum;
    fn_i128 sum;          /* integers and decimals, exact */
} table_column_stats;

/* Writing: blocks in, then commit or abort. One thread at a time per writer. */
struct table_writer {
    const table_schema *schema; /* what the blocks are of, whatever ALTER makes of the table meanwhile; NULL: the table's. Borrowed */
    fn_status (*write)(table_writer *self, fn_ctx *ctx, const fn_block *block); /* all stored columns, in schema order */
    fn_status (*commit)(table_writer *self, fn_ctx *ctx);                       /* durable and visible when it returns OK */
    void (*close)(table_writer *self);                                          /* without commit: everything is undone */
    /* What the rows up to those of the next write are known by, so that a second insert of them changes nothing; NULL: the table remembers none. */
    void (*identify)(table_writer *self, fn_hash128 id);
    /* commit for several writers that have this very function: all of them or none, also after a crash. NULL: only one by one. */
    fn_status (*commit_together)(table_writer *const *writers, uint32_t count, fn_ctx *ctx);
    bool is_shared; /* write may be called by several threads at once, except behind identify */
    bool overlaps;  /* set by the one thread that writes: workers may make parts of what it wrote while it brings more */
};

typedef struct table_ops {
    const char *engine; /* "MergeTree" */
    /* A consistent, immutable view; no lock is held afterwards. Drop with snapshot_drop. */
    fn_status (*snapshot)(table *t, fn_ctx *ctx, table_snapshot **out);
    void (*snapshot_drop)(table_snapshot *s);
    fn_status (*scan)(table_snapshot *s, fn_ctx *ctx, const table_scan_request *request, table_scan **out);
    /* Exact visible rows if known without reading; false otherwise. */
    bool (*rows)(table_snapshot *s, bool final, uint64_t *out);
    bool (*stats)(table_snapshot *s, bool final, uint32_t column, table_column_stats *out);
    fn_status (*write)(table *t, fn_ctx *ctx, table_writer **out); /* NULL: read-only engine */
    fn_status (*truncate)(table *t, fn_ctx *ctx);
    fn_status (*optimize)(table *t, fn_ctx *ctx, fn_str partition_id, bool final, bool deduplicate, bool cleanup);
    void (*destroy)(table *t);  /* memory; the catalog has removed its rows and files before, when dropped */
} table_ops;

/* ENGINE = Join: what a JOIN with the table must be. */
typedef enum table_join_kind { TABLE_JOIN_LEFT, TABLE_JOIN_INNER, TABLE_JOIN_RIGHT, TABLE_JOIN_FULL } table_join_kind;
typedef enum table_join_strictness { TABLE_JOIN_ANY, TABLE_JOIN_ALL, TABLE_JOIN_SEMI, TABLE_JOIN_ANTI } table_join_strictness;
typedef struct table_join {
    table_join_kind kind;
    table_join_strictness strictness;
    bool use_nulls;            /* SETTINGS join_use_nulls */
    const uint32_t *keys;      /* schema indexes; such tables have no ALTER of columns */
    uint32_t key_count;
} table_join;
/* Of rows with equal keys only the first inserted one is there. */
static inline bool table_join_is_unique(const table_join *j)
{
    return j->strictness != TABLE_JOIN_ALL && (j->kind == TABLE_JOIN_LEFT || j->kind == TABLE_JOIN_INNER);
}

/* Common head of every engine's table struct. */
struct table {
    const table_ops *ops;
    fn_str database, name;     /* changed by RENAME under the catalog's lock; copy under table_name() */
    char uuid[37];
    table_schema *_Atomic schema;
    fn_str create_sql;         /* full CREATE statement, canonical */
    fn_str engine_full;        /* "MergeTree PARTITION BY ... ORDER BY ... SETTINGS ..." */
    fn_str comment;
    const uint32_t *sort_key;  /* schema indexes when the sort key is plain columns; prefix of it otherwise */
    uint32_t sort_key_count;
    fn_str partition_key_sql, sorting_key_sql, primary_key_sql, sampling_key_sql;
    bool is_temporary, is_view;
    const table_join *join;    /* NULL: another engine */
    bool in_order;             /* numbers(): readers count on the rows' order although they ask for none */
    _Atomic uint32_t refs;
    int64_t created_s;         /* metadata_modification_time */
};
table *table_ref(table *t);
void table_drop(table *t); /* gives a reference back; the last one drops the schema, then calls ops->destroy */
/* RENAME changes the names while others look: whoever is not sure that nobody renames copies them with table_name. The texts given
 * to table_rename must live as long as the table may be read. */
fn_status table_name(fn_ctx *ctx, const table *t, fn_str *database, fn_str *name) FN_MUST_USE; /* into ctx->arena */
void table_rename(table *t, fn_str database, fn_str name);
/* Copies a head with its texts into `arena` (engines' constructors); the schema's reference moves along. */
fn_status table_head_copy(fn_ctx *ctx, fn_arena *arena, const table *head, table *out) FN_MUST_USE;
/* The charge of a block that outlives its query goes from the query's tracker to nobody. Call when a table keeps the block. */
void table_block_adopt(const fn_block *block);
#endif
