/* lake/file_scan.h - shared between file_table.c, file_snapshot.c, file_bound.c, file_scan.c, file_stage.c and file_rows.c.
 *
 * A row group is read in stages, at most FN_BLOCK_ROWS_MAX rows at a time: the columns of one condition, its evaluation, then those of the next on the
 * rows between the first and the last one left; the other columns come last. Columns that are not needed are not fetched, their
 * pages not decompressed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_LAKE_FILE_SCAN_H
#define FIRN_LAKE_FILE_SCAN_H
#include "table/lake/file_table.h"
#include <firn/parquet.h>

typedef struct file_table {
    table base;
    file_set *set;
    const fn_format *format;   /* random_access: Parquet */
    fn_format_settings settings;
    uint32_t real_columns;     /* the virtual ones follow: _path, _file, _size, _time */
} file_table;
enum { FILE_VIRTUAL_PATH, FILE_VIRTUAL_FILE, FILE_VIRTUAL_SIZE, FILE_VIRTUAL_TIME, FILE_VIRTUALS };

typedef struct scan_file {
    fn_blob *blob;
    fn_parquet *parquet; /* NULL: a text file */
} scan_file;

typedef struct file_snapshot {
    fn_arena *arena;
    file_table *table;   /* referenced */
    scan_file *files;    /* one per entry of the set */
} file_snapshot;
/* One thread at a time until scans have begun. The rows and stats are those of table_ops. */
fn_status file_snapshot_open(fn_ctx *ctx, file_table *t, file_snapshot **out) FN_MUST_USE;
void file_snapshot_free(file_snapshot *s);
bool file_snapshot_rows(const file_snapshot *s, uint64_t *out);
bool file_snapshot_stats(file_snapshot *s, uint32_t column, table_column_stats *out);

/* A condition `column op constant` as an interval of the column's type; columns of 1 row, owned by file_bounds. */
typedef struct file_bound {
    uint32_t schema_column;
    fn_column *min, *max;
} file_bound;
/* Those conjuncts that are such conditions; ends are inclusive (a strict one keeps its end: rows are filtered later). */
fn_status file_bounds_find(fn_ctx *ctx, const table_schema *schema, expr *const *conjuncts, uint32_t count, file_bound **out,
                           uint32_t *found) FN_MUST_USE;
void file_bounds_drop(file_bound *bounds, uint32_t count);
typedef struct scan_unit {
    uint32_t file, group;
    fn_parquet_range *ranges; /* Parquet: rows to read, in the scan's arena */
    uint32_t range_count;
    uint64_t bytes;           /* of the last units: of their columns */
} scan_unit;

/* A condition that is applied inside the scan, over real columns; it cannot fail, whatever the values. */
typedef struct file_stage {
    expr_program *program;
    uint32_t column_count;
    uint32_t *slots;          /* where its columns are, in the program's order */
    uint64_t cost;            /* bytes of its columns */
    bool by_entry;            /* depends on one column alone: decided once per dictionary entry */
} file_stage;

/* Slots that are read together: those of the threshold, those a stage adds, the rest. */
typedef struct file_lane {
    uint32_t first, count;
} file_lane;

/* A stage decided for the entries of a row group's dictionary. */
typedef struct file_verdict {
    const fn_column *dictionary; /* borrowed from the lane's reader; NULL: none */
    uint8_t *of_entry;
    uint32_t room;            /* bytes of of_entry */
    uint8_t of_null;
    bool none;                /* no row can pass */
    bool alone;               /* one entry is decided otherwise than all others: */
    uint32_t alone_code;
} file_verdict;

typedef struct file_worker {
    bool active;
    const scan_unit *unit;
    /* a text file */
    fn_reader *text;
    fn_source *in;            /* what the text reader reads from */
    fn_arena *arena;          /* of readers and casts: lives as long as the scan */
    /* a row group of a Parquet file */
    uint32_t file;            /* which the readers are of */
    fn_parquet_reader **readers; /* per lane; NULL: not opened */
    bool *begun;              /* per lane: the reader has begun this row group */
    expr_program **casts;     /* per slot: NULL or the cast of the file's type */
    fn_column **columns;      /* per slot: read for the rows at hand */
    uint64_t *starts;         /* per slot: the row of the group that its column begins at */
    file_verdict *verdicts;   /* per stage */
    uint8_t *mask, *piece;    /* FN_BLOCK_ROWS_MAX + pad each */
    uint32_t range;           /* of the unit */
    uint64_t row;             /* next one of that range */
    bool dead;                /* no further row of the unit can pass */
} file_worker;

typedef struct file_scan {
    table_scan base;
    fn_arena *arena;
    const file_table *table;
    table_schema *schema;
    uint32_t column_count;
    uint32_t *columns;        /* asked for: schema indexes */
    uint32_t *outputs;        /* per column its slot; of virtual columns unused */
    const bool *codes_wanted; /* per column; NULL: of none */
    const scan_file *files;   /* the snapshot's */
    uint32_t slot_count;
    uint32_t *slots;          /* distinct real columns needed: schema indexes, lane by lane */
    bool *codes;              /* per slot: read as dictionary codes, for a stage or for the reader */
    file_lane *lanes;
    uint32_t lane_count;
    file_stage *stages;       /* cheapest first */
    uint32_t stage_count;
    scan_threshold *threshold;
    uint32_t threshold_slot;  /* UINT32_MAX: not used */
    scan_unit *units;
    uint32_t unit_count, unit_capacity;
    _Atomic uint32_t next_unit;
    unsigned worker_count;
    file_worker *workers;
} file_scan;

static inline bool file_scan_is_virtual(const file_scan *s, uint32_t column)
{
    return column >= s->table->real_columns;
}
/* file_stage.c: slots, lanes and stages of a Parquet scan. column_bytes: adds what a column (schema index) takes in a row group. */
fn_status file_column_bytes(fn_ctx *ctx, const file_scan *s, uint32_t file, uint32_t group, uint32_t column, uint64_t *bytes) FN_MUST_USE;
fn_status file_stages_plan(fn_ctx *ctx, file_scan *s, const table_scan_request *request) FN_MUST_USE;
/* file_rows.c: the rows of row groups. begin: of w->unit; next: *out NULL behind its last row. */
fn_status file_rows_prepare(fn_ctx *ctx, const file_scan *s, file_worker *w) FN_MUST_USE;
fn_status file_rows_begin(fn_ctx *ctx, const file_scan *s, file_worker *w) FN_MUST_USE;
fn_status file_rows_next(fn_ctx *ctx, file_scan *s, file_worker *w, fn_block **out) FN_MUST_USE;
void file_rows_release(const file_scan *s, file_worker *w);
/* A virtual column of the unit's file. */
fn_status file_virtual_column(fn_ctx *ctx, const file_scan *s, const file_worker *w, uint32_t column, uint32_t rows, fn_column **out) FN_MUST_USE;

/* The snapshot is borrowed. */
fn_status file_scan_open(fn_ctx *ctx, const file_snapshot *snapshot, const table_scan_request *request, table_scan **out) FN_MUST_USE;
#endif
