/* mergetree/skip_index.h - skip indexes: their data while a part is written, and what it says about a scan's conditions.
 *
 * A scan asks in this order: sparse index, zone maps of the columns, then the indexes whose conditions can tell anything, cheap kinds
 * first; an index's data is read when the first granule gets to it. A part without the data (written before ADD INDEX) is not pruned.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_SKIP_INDEX_H
#define FIRN_MT_SKIP_INDEX_H
#include "table/mergetree/prune.h"

/* Is `name` in a list of names as settings have it: commas, blanks, backquotes? */
bool mt_skip_names(fn_str list, fn_str name);

/* ---- skip_index_write.c ---- */
typedef struct mt_index_out mt_index_out;
fn_status mt_index_out_new(fn_ctx *ctx, const mt_shape *shape, uint32_t index, mt_index_out **out) FN_MUST_USE;
fn_status mt_index_out_write(fn_ctx *ctx, mt_index_out *x, const fn_block *stored) FN_MUST_USE;
fn_status mt_index_out_finish(fn_ctx *ctx, mt_index_out *x, fn_part_writer *writer) FN_MUST_USE;
void mt_index_out_free(mt_index_out *x);

/* ---- skip_index_hash.c: what goes into a filter, and what is looked for in it ---- */
typedef enum skip_ends { SKIP_WHOLE = 0, SKIP_OPEN_LEFT = 1, SKIP_OPEN_RIGHT = 2, SKIP_OPEN = 3 } skip_ends;
/* Hashes of the not-NULL values of all rows (of the items, for arrays), appended as uint64_t. */
fn_status skip_hash_column(fn_ctx *ctx, const mt_index *ix, uint32_t value, const fn_column *c, fn_buf *hashes) FN_MUST_USE;
/* Tokens or n-grams of a text; an open end means that the text goes on there, so that a token at it is not known to be whole. */
fn_status skip_hash_text(fn_ctx *ctx, const mt_index *ix, uint32_t value, fn_str text, skip_ends ends, fn_buf *hashes) FN_MUST_USE;
static inline bool skip_is_text(const mt_index *ix)
{
    return ix->kind == MT_INDEX_TOKENS || ix->kind == MT_INDEX_NGRAMS;
}

/* ---- skip_index_match.c: conditions over filters ---- */
typedef struct skip_match skip_match;
/* In ctx->arena; *out NULL: no condition is of a kind that the index knows. */
fn_status skip_match_make(fn_ctx *ctx, const mt_index *ix, expr *const *conjuncts, uint32_t count, skip_match **out) FN_MUST_USE;
bool skip_match_may(const skip_match *m, const fn_skip_data *data, uint32_t granule);

/* ---- skip_index_set.c: conditions over sets of values ---- */
typedef struct skip_set skip_set;
fn_status skip_set_make(fn_ctx *ctx, const mt_index *ix, expr *const *conjuncts, uint32_t count, skip_set **out) FN_MUST_USE;
/* may[g] for every granule of the index. */
fn_status skip_set_run(fn_ctx *ctx, const skip_set *s, const fn_skip_data *data, uint8_t *may) FN_MUST_USE;

/* ---- skip_index_prune.c: all of it for a scan ---- */
typedef struct mt_skip mt_skip;           /* of one scan */
typedef struct mt_skip_part mt_skip_part; /* of one of its parts */
/* The indexes that can tell something about the conjuncts and that the settings allow. INDEX_NOT_USED (277) for
 * force_data_skipping_indices. In ctx->arena; release in any case. */
fn_status mt_skip_make(fn_ctx *ctx, const mt_shape *shape, expr *const *conjuncts, uint32_t count, bool final, mt_skip **out) FN_MUST_USE;
void mt_skip_release(mt_skip *s);
fn_status mt_skip_part_make(fn_ctx *ctx, const mt_skip *s, const fn_part *data, mt_skip_part **out) FN_MUST_USE;
void mt_skip_part_release(mt_skip_part *p);
/* May the granule hold rows that pass? Reads data at its first need. */
fn_status mt_skip_granule(fn_ctx *ctx, mt_skip_part *p, uint32_t granule, bool *may) FN_MUST_USE;
/* For EXPLAIN: the indexes in the order they are asked, and one of them alone. */
uint32_t mt_skip_count(const mt_skip *s);
const mt_index *mt_skip_index(const mt_skip *s, uint32_t at);
fn_status mt_skip_granule_of(fn_ctx *ctx, mt_skip_part *p, uint32_t at, uint32_t granule, bool *may) FN_MUST_USE;
#endif
