/* firn/parquet.h - Parquet files: metadata, schema as firn types, statistics, reading by row group.
 *
 * fn_parquet is an opened file: immutable, any number of threads. A fn_parquet_reader belongs to one thread: it is told
 * which columns in which types, takes one row group after another and gives blocks. The bytes come from a fn_blob, so a
 * local file and an object in S3 are the same here. Whatever the file says is checked: a damaged file is INCORRECT_DATA
 * naming the file and the byte offset, never a crash.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_H
#define FIRN_PARQUET_H
#include <firn/block.h>
#include <firn/stream.h>

typedef struct fn_parquet fn_parquet;
typedef struct fn_parquet_reader fn_parquet_reader;

/* Reads and checks the footer. The blob is borrowed and must live longer. Errors: INCORRECT_DATA (117), NOT_IMPLEMENTED
 * (encrypted files). Free with fn_parquet_close. */
fn_status fn_parquet_open(fn_ctx *ctx, fn_blob *blob, fn_parquet **out) FN_MUST_USE;
/* The same with a footer kept from an earlier opening, if the blob has a version; else it is kept then. Kept footers are bounded in bytes and charged to
 * the root of ctx->memory; without a tracker above the statement's none is kept. */
fn_status fn_parquet_open_cached(fn_ctx *ctx, fn_blob *blob, fn_parquet **out) FN_MUST_USE;
void fn_parquet_cache_clear(const fn_tracker *root);  /* those charged to it; before it ends */
uint64_t fn_parquet_cache_used(uint32_t *files);      /* bytes, of the process */
void fn_parquet_close(fn_parquet *p); /* NULL is fine */

uint64_t fn_parquet_rows(const fn_parquet *p);
uint32_t fn_parquet_group_count(const fn_parquet *p);
/* The top-level columns with the types ClickHouse infers: Nullable where the file allows NULL, DateTime64 with 'UTC'. */
const fn_schema *fn_parquet_schema(const fn_parquet *p);
int fn_parquet_column_by_id(const fn_parquet *p, int32_t field_id);   /* -1: absent */
bool fn_parquet_has_field_ids(const fn_parquet *p);

/* ---- statistics and pruning ---- */
typedef struct fn_parquet_stats {
    bool has_range;
    fn_column *min, *max; /* 1 row each, of the type asked for without Nullable; the caller drops them */
    bool min_exact, max_exact;
    bool has_nulls;
    uint64_t nulls, values;  /* values: entries with NULLs */
    uint64_t bytes;          /* compressed size of the chunk */
} fn_parquet_stats;
/* Of one plain top-level column in one row group. `type` NULL: the column's own. Nested columns have none (has_range false). */
fn_status fn_parquet_column_stats(fn_ctx *ctx, const fn_parquet *p, uint32_t group, uint32_t column, const fn_type *type,
                                  fn_parquet_stats *out) FN_MUST_USE;
void fn_parquet_stats_release(fn_parquet_stats *s);

/* A condition on one column: min <= value <= max; an end may be open (NULL); NULL values never match. Both ends are 1-row
 * columns of one type, which the column can be read as. */
typedef struct fn_parquet_bound {
    uint32_t column;
    const fn_column *min, *max;
} fn_parquet_bound;
typedef struct fn_parquet_range {
    uint64_t first, count; /* rows within the group */
} fn_parquet_range;
/* Which rows of the group can match all bounds: by chunk statistics, Bloom filters (min equal to max), page index.
 * *count = 0: none. Ranges in ctx->arena, ascending. */
fn_status fn_parquet_prune(fn_ctx *ctx, const fn_parquet *p, uint32_t group, const fn_parquet_bound *bounds, uint32_t bound_count,
                           fn_parquet_range **out, uint32_t *count) FN_MUST_USE;

/* ---- reading ---- */
/* How the parts of a nested column are found in the file: a tree beside the wanted type (Tuple: one kid per field, Array: the
 * element, Map: key and value). */
typedef struct fn_parquet_path fn_parquet_path;
struct fn_parquet_path {
    int32_t field_id;     /* >= 0: by id where the file's struct has ids */
    const fn_str *names;  /* without ids: by any of these names; none given: by the name in the type */
    uint32_t name_count;
    const fn_parquet_path *kids; /* NULL: by the names of the type */
};

typedef struct fn_parquet_want {
    int32_t field_id;     /* >= 0: found by id; -1: by name */
    fn_str name;
    const fn_parquet_path *path; /* of the column itself; NULL: nested fields are found by the names of `type` */
    const fn_type *type;  /* NULL: the file's type */
    bool codes;           /* numbers that lie in a dictionary page come as DICT columns, as strings do */
    bool row_number;      /* a UInt64/Int64 column (type) of row numbers in the file, for position deletes; name and id unused */
} fn_parquet_want;

/* Can the reader deliver `column` as `type` itself: integers and floats widened, decimals of larger precision, dates and
 * timestamps of another unit, Nullable added or dropped (NULL becomes the default), String for FixedString, and these inside
 * containers. Everything else is the caller's CAST. */
bool fn_parquet_converts(const fn_parquet *p, uint32_t column, const fn_type *type);
/* Columns the file lacks are delivered as the default of the wanted type (NULL for Nullable). CANNOT_CONVERT_TYPE (70) when
 * the reader cannot deliver a wanted type. */
fn_status fn_parquet_reader_open(fn_ctx *ctx, const fn_parquet *p, const fn_parquet_want *wants, uint32_t count,
                                 fn_parquet_reader **out) FN_MUST_USE;
void fn_parquet_reader_close(fn_parquet_reader *r);
/* Fetches the wanted chunks of the group in one read and begins it; ranges NULL: all rows. */
fn_status fn_parquet_reader_begin(fn_ctx *ctx, fn_parquet_reader *r, uint32_t group, const fn_parquet_range *ranges,
                                  uint32_t range_count) FN_MUST_USE;
/* The next block, at most max_rows; *out = NULL behind the last row of the group. Strings that lie in a dictionary page come
 * as DICT columns. */
fn_status fn_parquet_reader_next(fn_ctx *ctx, fn_parquet_reader *r, uint32_t max_rows, fn_block **out) FN_MUST_USE;
/* Without regard to the ranges: exactly rows [from, from + rows) of the group, which must be behind those read so far. Pages that
 * lie between are not decompressed. */
fn_status fn_parquet_reader_read(fn_ctx *ctx, fn_parquet_reader *r, uint64_t from, uint32_t rows, fn_block **out) FN_MUST_USE;
/* Of a begun group, before its first row: the dictionary of wanted column `index`, borrowed; NULL: there is none. *all: all values are codes into it, no
 * row has another one. For top-level strings, and numbers wanted as codes. */
fn_status fn_parquet_reader_dictionary(fn_ctx *ctx, fn_parquet_reader *r, uint32_t index, const fn_column **out, bool *all) FN_MUST_USE;
/* Of such a column: how many rows from `from` on (not before those read so far) are known to hold codes into the dictionary, by their page's head alone. */
fn_status fn_parquet_reader_coded(fn_ctx *ctx, fn_parquet_reader *r, uint32_t index, uint64_t from, uint64_t *rows) FN_MUST_USE;
#endif
