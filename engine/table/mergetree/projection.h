/* mergetree/projection.h - projections: the rows of a part in another form, as a part within it; private to this folder.
 *
 * A projection has a shape of its own: a schema of its columns, MT_PLAIN or (of an aggregate) MT_AGGREGATING, sorted by its key. So it
 * is written, merged, pruned and read by what does it for tables. Its data is a part file within the part file (firn/part.h): whatever
 * happens to the part (commit, check, backup, link, removal) happens to it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_PROJECTION_H
#define FIRN_MT_PROJECTION_H
#include "table/mergetree/mt.h"

/* ---- projection_shape.c ---- */
fn_status mt_projection_shapes(fn_ctx *ctx, mt_shape *s) FN_MUST_USE; /* fills s->projections; ctx->arena is the definition's */
void mt_projection_shapes_drop(mt_shape *s);

/* ---- projection_write.c: rows of a part on their way into a projection of it ---- */
typedef struct mt_projection_out mt_projection_out;
fn_status mt_projection_out_new(fn_ctx *ctx, mt_store *store, const mt_shape *shape, uint32_t index, mt_projection_out **out) FN_MUST_USE;
fn_status mt_projection_out_write(fn_ctx *ctx, mt_projection_out *x, const fn_block *stored) FN_MUST_USE; /* in any order */
/* The projections of the sources are merged; rows are not given then. They have the data and live at least as long as x. */
fn_status mt_projection_out_merge(fn_ctx *ctx, mt_projection_out *x, mt_part *const *sources, uint32_t count) FN_MUST_USE;
fn_status mt_projection_out_finish(fn_ctx *ctx, mt_projection_out *x, fn_part_writer *writer) FN_MUST_USE; /* into the part */
void mt_projection_out_free(mt_projection_out *x); /* NULL is fine */

/* ---- projection_group.c: the groups of a block ---- */
/* values: the keys, then the arguments of the states, `rows` rows each. *out: keys and states, a row per group, in any order. */
fn_status mt_projection_group(fn_ctx *ctx, const mt_projection *p, const table_schema *schema, fn_column *const *values, uint32_t rows, fn_block **out) FN_MUST_USE;

/* ---- projection_read.c ---- */
bool mt_projection_has(const fn_part *data, uint64_t id, uint64_t *bytes); /* bytes: on disk; may be NULL */
/* The projection of a part as a part: its row counts are the projection's, the rest is the part's. *out NULL: the part lacks it. */
fn_status mt_projection_part(fn_ctx *ctx, mt_part *part, uint64_t id, mt_part **out) FN_MUST_USE;
#endif
