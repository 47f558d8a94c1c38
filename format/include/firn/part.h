/* firn/part.h - part files: the immutable unit of a MergeTree table's storage. One packed file holds everything of a part.
 *
 * Sizes. Vector = 1,024 rows (unit of an encoding), granule = 8,192 rows (unit of pruning; the last one may be short),
 * segment = up to 32 granules of one column (unit of reading and of checksums).
 * File = magic, segments, footer, trailer (footer size, footer checksum, magic). The exact bytes are in part/part_layout.h.
 * Columns are known by number (fn_part_column.id), not by name: a renamed or re-added column cannot meet old bytes.
 * Every segment's checksum binds its bytes to part id, column id and segment number and is verified on every read from disk.
 * A damaged file is an error (CHECKSUM_DOESNT_MATCH 40, CORRUPTED_DATA 246, INCORRECT_DATA 117) naming file and offset.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PART_H
#define FIRN_PART_H
#include <firn/block.h>
#include <firn/file.h>

enum { FN_GRANULE_ROWS = 8192, FN_SEGMENT_GRANULES = 32 };

typedef struct fn_part fn_part;               /* an opened part: immutable, any number of threads, reference counted */
typedef struct fn_part_writer fn_part_writer; /* one thread */

typedef struct fn_part_id { /* 128 random bits; the file's name is their hex text */
    uint64_t high, low;
} fn_part_id;

typedef struct fn_part_column {
    uint32_t id;          /* the table's stable number of the column */
    const fn_type *type;
    fn_str codec;         /* CODEC(...) as the table has it, "" = firn's choice: "NONE", "LZ4", "ZSTD(3)", "Delta, ZSTD" ... */
} fn_part_column;

/* ---- writing ---- */
typedef struct fn_part_dictionaries {
    fn_column *const *list; /* as fn_part_dictionary gives them */
    uint32_t count;
    bool mostly_unused; /* no good beginning: most entries have no row */
} fn_part_dictionaries;
typedef struct fn_part_writer_options {
    fn_fs *fs;
    const char *path;                 /* created; must not exist */
    fn_part_id id;
    const fn_part_column *columns;
    uint32_t column_count;
    const uint32_t *key_columns;      /* indexes into columns: prefix of the sort key made of plain columns; for the sparse index */
    uint32_t key_count;
    bool merged;                      /* worth more effort */
    const fn_part_dictionaries *dictionaries; /* per column (column_count), or NULL: of the parts being merged. A column's dictionary
                                         begins as their sorted union, and is sorted if no string comes that is not in it.
                                         Borrowed until the writer is open. */
    bool scratch;                     /* not to outlive this process: nothing is synced */
    struct fn_pool *workers;          /* columns are taken apart and encoded on them; NULL: by the caller alone */
} fn_part_writer_options;
typedef struct fn_part_summary {
    uint64_t rows, file_bytes, raw_bytes; /* raw: uncompressed as ClickHouse counts them */
    fn_hash128 checksum;              /* of the footer, which holds the checksums of all segments */
    fn_hash128 bytes;                 /* XXH3-128 of the whole file, if it is scratch: what a copy of it must be */
} fn_part_summary;
fn_status fn_part_writer_open(fn_ctx *ctx, const fn_part_writer_options *options, fn_part_writer **out) FN_MUST_USE;
/* Rows in sort order; any shapes; columns as in options. DICT columns are taken over without materialising strings. */
fn_status fn_part_writer_write(fn_ctx *ctx, fn_part_writer *w, const fn_block *block) FN_MUST_USE;
/* All rows of the part at once, out of blocks that are not in order: nothing else is written before or after. A worker makes a
 * column from its pieces to its last byte before it takes the next, so that no more than a column per worker is held twice. */
typedef struct fn_part_pieces {
    const fn_block *const *pieces;    /* columns as in options */
    uint32_t piece_count, rows;       /* rows of all pieces; not 0 */
    const uint32_t *order;            /* row numbers, counted through the pieces, as the part has them; NULL: as the pieces have them */
} fn_part_pieces;
fn_status fn_part_writer_write_rows(fn_ctx *ctx, fn_part_writer *w, const fn_part_pieces *rows) FN_MUST_USE;
/* All rows of the part, column by column: of so many rows (not 0), before anything else is written. */
fn_status fn_part_writer_by_column(fn_ctx *ctx, fn_part_writer *w, uint64_t rows) FN_MUST_USE;
/* One column's rows, in the part's order. */
typedef struct fn_part_feed {
    fn_part_dictionaries dictionaries; /* as in the options, where there are none then */
    fn_status (*next)(void *self, fn_ctx *ctx, fn_part_pieces *out); /* the next ones, out of blocks of this column alone; theirs until the next call */
    void *self;
} fn_part_feed;
/* Each column once, in any order; several threads may write different ones. The memory of a column goes before this returns. *fits false: its strings are
 * too long for segments of as many rows as these have, the part can only be written by rows: close the writer. */
fn_status fn_part_writer_column(fn_ctx *ctx, fn_part_writer *w, uint32_t column, const fn_part_feed *feed, bool *fits) FN_MUST_USE;
/* Bytes that belong to the part beside its columns (the data of a skip index), known by a number of the caller's making; written at
 * once, checked like everything else. At most one per number, before finish. */
fn_status fn_part_writer_attach(fn_ctx *ctx, fn_part_writer *w, uint64_t id, const void *bytes, size_t size) FN_MUST_USE;
/* The finished scratch file at `path`, copied into this one under a number of the caller's making: a part within the part (the data of a
 * projection). At most one per number, before finish; inner parts have none of their own. CHECKSUM_DOESNT_MATCH (40): it is not what
 * was written. */
fn_status fn_part_writer_embed(fn_ctx *ctx, fn_part_writer *w, uint64_t number, const char *path, fn_part_id id, const fn_part_summary *summary) FN_MUST_USE;
/* Footer, fdatasync. The caller syncs the directory and commits the catalog row. */
fn_status fn_part_writer_finish(fn_ctx *ctx, fn_part_writer *w, fn_part_summary *out) FN_MUST_USE;
void fn_part_writer_close(fn_part_writer *w); /* without finish: removes the file */

/* ---- reading ---- */
/* Reads and checks footer; `expected` (may be NULL): the catalog's checksum of it. One reference to the caller. */
fn_status fn_part_open(fn_ctx *ctx, fn_fs *fs, const char *path, fn_part_id id, const fn_hash128 *expected, fn_part **out) FN_MUST_USE;
/* The same file once more, for one thread to go through: nothing is left in the cache, and what has been loaded goes with fn_part_unload. */
fn_status fn_part_open_again(fn_ctx *ctx, const fn_part *p, fn_part **out) FN_MUST_USE;
void fn_part_unload(fn_part *again); /* dictionaries and encoded segments */
void fn_part_drop(fn_part *p);
uint64_t fn_part_rows(const fn_part *p);
uint32_t fn_part_granules(const fn_part *p);
uint32_t fn_part_column_count(const fn_part *p);
const fn_part_column *fn_part_column_at(const fn_part *p, uint32_t index);
int fn_part_find(const fn_part *p, uint32_t column_id); /* index, -1 if the part lacks the column */
uint64_t fn_part_column_bytes(const fn_part *p, uint32_t index, uint64_t *raw_bytes); /* on disk; raw_bytes may be NULL */

/* Zone maps of a column: one row per granule. Min and max are over the non-NULL values; NaN is left out. Strings are cut at 32
 * bytes (max rounded up), then exact is false. has_range false: containers and types without order. */
typedef struct fn_part_zones {
    bool has_range, exact, has_sum;
    const fn_column *min, *max;   /* granule_count rows, type without Nullable and LowCardinality; a granule of NULLs alone (or of NaN) has valid[g] = 0 */
    const uint8_t *valid;         /* 1: min and max hold */
    const uint32_t *nulls;        /* NULL rows of each granule */
    const uint32_t *defaults;     /* rows that are not NULL and hold 0, '' or an empty array */
    const fn_i128 *sums;          /* integers and decimals up to 64 bits; has_sum */
} fn_part_zones;
fn_status fn_part_zones_of(fn_ctx *ctx, const fn_part *p, uint32_t index, const fn_part_zones **out) FN_MUST_USE; /* borrowed from p */
/* Values of the key columns at the first row of each granule (+ the last row of the part): granule_count + 1 rows. Borrowed. */
const fn_block *fn_part_index(const fn_part *p);
/* Estimated number of distinct values in the column, 0 = unknown (HyperLogLog at write). */
uint64_t fn_part_distinct(const fn_part *p, uint32_t index);
/* The part-wide dictionary of a column that has one (every DICT column read from the part shares this very column object);
 * NULL if the column has none. sorted: ascending by value. After a merge it may hold values that no row has: strings of the
 * writer's making, in place of those of rows that are gone. One new reference. */
fn_status fn_part_dictionary(fn_ctx *ctx, const fn_part *p, uint32_t index, fn_column **out, bool *sorted) FN_MUST_USE;

/* The bytes attached under a number; *out NULL: there are none. One new reference. */
fn_status fn_part_attachment(fn_ctx *ctx, const fn_part *p, uint64_t id, fn_buffer **out) FN_MUST_USE;
uint32_t fn_part_attachment_count(const fn_part *p);
uint64_t fn_part_attachment_at(const fn_part *p, uint32_t index, uint64_t *bytes); /* its number, and its size on disk (may be NULL) */

/* The part within the part under a number; *out NULL: there is none. Opened at its first use, borrowed from p. */
fn_status fn_part_inner(fn_ctx *ctx, const fn_part *p, uint64_t number, const fn_part **out) FN_MUST_USE;
uint32_t fn_part_inner_count(const fn_part *p);
uint64_t fn_part_inner_at(const fn_part *p, uint32_t index, uint64_t *bytes); /* its number, and its size on disk (may be NULL) */

/* Reads `granules` granules from `first` on of the given columns (indexes into the part's) as one block, at most
 * FN_BLOCK_ROWS_MAX rows. Strings with a dictionary come as DICT, constant stretches as CONST. Encoded segments are kept in a
 * process-wide cache; what is missing is read in one go (deep queue). */
fn_status fn_part_read(fn_ctx *ctx, const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first,
                       uint32_t granules, fn_block **out) FN_MUST_USE;
/* Some rows of those granules, ascending, counted from the first row of `first`: a block of `count` rows. Only the vectors that
 * hold them are decoded: for point lookups and for columns that a filter on others leaves few rows of. */
fn_status fn_part_read_rows(fn_ctx *ctx, const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first,
                            uint32_t granules, const uint32_t *rows, uint32_t count, fn_block **out) FN_MUST_USE;
/* Hints that these will be read soon (starts reads, does not wait). */
void fn_part_prefetch(const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first, uint32_t granules);
/* Reads the whole file and verifies every checksum and invariant (CHECK TABLE). */
fn_status fn_part_check(fn_ctx *ctx, const fn_part *p) FN_MUST_USE;

/* The part's file goes: what the cache holds of it goes, too. */
void fn_part_forget(const fn_part *p);
/* The cache of encoded segments, shared by all parts. limit in bytes; default 1/4 of RAM. */
void fn_part_cache_limit(uint64_t bytes);
uint64_t fn_part_cache_used(void);
void fn_part_cache_clear(void);
#endif
