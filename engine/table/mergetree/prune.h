/* mergetree/prune.h - what zone maps and the sparse index say about conditions.
 *
 * Each conjunct becomes a tree over leaves "operand in interval", "operand in set", "operand is NULL"; an operand is a column or a
 * chain of monotonic functions of one column (toYYYYMM(d), toStartOfHour(ts), intDiv(x, 10)). Whatever else is in a condition
 * is a leaf that may be anything. Asked for a granule, a tree answers whether none, some or all of its rows pass.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_PRUNE_H
#define FIRN_MT_PRUNE_H
#include "table/mergetree/mt.h"

typedef enum mt_truth { MT_NEVER, MT_MAYBE, MT_ALWAYS } mt_truth;

typedef struct mt_conditions mt_conditions; /* read-only after making; any number of threads */
/* At most 64 conjuncts are looked at; in ctx->arena. Its constants are dropped with mt_conditions_release. */
fn_status mt_conditions_make(fn_ctx *ctx, const mt_shape *shape, expr *const *conjuncts, uint32_t count, mt_conditions **out) FN_MUST_USE;
/* The same over the values of a minmax index. */
fn_status mt_conditions_make_index(fn_ctx *ctx, const mt_index *index, expr *const *conjuncts, uint32_t count, mt_conditions **out) FN_MUST_USE;
bool mt_conditions_tell(const mt_conditions *c); /* false: they may be anything everywhere */
void mt_conditions_release(mt_conditions *c);

/* One part's view of the conditions: zones of the operands. Valid while the part is. */
typedef struct mt_pruner mt_pruner;
fn_status mt_pruner_make(fn_ctx *ctx, const mt_conditions *c, const mt_reader *reader, mt_pruner **out) FN_MUST_USE;
/* Of an index's conditions; its granules are the entries of `skip`. */
fn_status mt_pruner_make_index(fn_ctx *ctx, const mt_conditions *c, const fn_part *data, const fn_skip_data *skip, mt_pruner **out) FN_MUST_USE;
void mt_pruner_release(mt_pruner *p);
/* The granules [*first, *end) that the sparse index leaves. */
void mt_prune_index(const mt_pruner *p, uint32_t *first, uint32_t *end);
/* need: bit i = conjunct i has to be evaluated on the granule's rows. */
mt_truth mt_prune_granule(const mt_pruner *p, uint32_t granule, uint64_t *need);
#endif
