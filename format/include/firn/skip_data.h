/* firn/skip_data.h - what a part keeps for a skip index: one entry per index granule (so many granules of the part), in one of three
 * forms. Bounds: minimum and maximum of each value. Sets: the different values, unless they are too many. Filters: Bloom filters over
 * 64-bit hashes. Which values, which hashes: the engine's. The bytes are attached to the part (fn_part_writer_attach); a damaged or
 * hostile one is CORRUPTED_DATA. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SKIP_DATA_H
#define FIRN_SKIP_DATA_H
#include <firn/column.h>

typedef enum fn_skip_form { FN_SKIP_BOUNDS = 1, FN_SKIP_SETS, FN_SKIP_FILTERS } fn_skip_form;
enum { FN_SKIP_VALUES_MAX = 64, FN_SKIP_HASHES_MAX = 64 };

typedef struct fn_skip_shape {
    fn_skip_form form;
    const fn_type *const *types; /* BOUNDS, SETS: of the values */
    uint32_t value_count;
    uint64_t rows_max;           /* SETS: a granule with more different rows keeps none; 0: any number */
    double bits_per_hash;        /* FILTERS: size by the number of different hashes ... */
    uint64_t bytes;              /* ... or, if not 0, this size */
    uint32_t hashes;             /* bits set per hash */
} fn_skip_shape;

/* ---- writing: one granule after another ---- */
typedef struct fn_skip_writer fn_skip_writer;
fn_status fn_skip_writer_new(fn_ctx *ctx, const fn_skip_shape *shape, fn_skip_writer **out) FN_MUST_USE; /* copied; types are borrowed */
/* BOUNDS, SETS: the values of one granule's rows, any shape. NULL and NaN have no part in bounds. */
fn_status fn_skip_writer_values(fn_ctx *ctx, fn_skip_writer *w, fn_column *const *values, uint32_t rows) FN_MUST_USE;
/* FILTERS: the hashes of one granule, repetitions allowed; reordered. */
fn_status fn_skip_writer_hashes(fn_ctx *ctx, fn_skip_writer *w, uint64_t *hashes, size_t count) FN_MUST_USE;
fn_status fn_skip_writer_finish(fn_ctx *ctx, fn_skip_writer *w, fn_buf *out) FN_MUST_USE; /* appends the bytes */
void fn_skip_writer_free(fn_skip_writer *w);

/* ---- reading ---- */
typedef struct fn_skip_bounds {
    fn_column *min, *max;  /* per granule */
    const uint8_t *valid;  /* 1: they hold */
    const uint8_t *nulls;  /* u32 per granule, unaligned: rows that are NULL */
} fn_skip_bounds;
typedef struct fn_skip_data {
    uint32_t granules;
    fn_skip_bounds *bounds;    /* BOUNDS: per value */
    fn_column **values;        /* SETS: per value; the granules' rows one after another */
    uint32_t *first;           /* SETS: granules + 1 row numbers; FILTERS: numbers of 64-bit words */
    const uint8_t *known;      /* SETS: 0: too many to be kept */
    const uint8_t *words;      /* FILTERS */
    fn_buffer *bytes;          /* referenced */
    uint32_t value_count;
} fn_skip_data;
/* Arrays in ctx->arena; columns and bytes are given back by fn_skip_data_release, also after a failure. */
fn_status fn_skip_data_load(fn_ctx *ctx, const fn_skip_shape *shape, fn_buffer *bytes, fn_skip_data *out) FN_MUST_USE;
void fn_skip_data_release(fn_skip_data *d);
/* May the granule's filter hold all of these? */
bool fn_skip_filter_has(const fn_skip_data *d, const fn_skip_shape *shape, uint32_t granule, const uint64_t *hashes, size_t count);
#endif
