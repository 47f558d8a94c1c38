/* agg_quantile.h - what the quantile functions share: levels from the parameters, and quantile / quantiles as two rows of one kind.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_AGGREGATE_AGG_QUANTILE_H
#define FIRN_AGGREGATE_AGG_QUANTILE_H
#include "aggregate/agg_sort.h"

/* Appends the value at `level` to a builder of the value's type. */
typedef fn_status quantile_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out);
typedef struct quantile_bound {
    const double *levels;
    uint32_t count;
    bool many;               /* quantiles(...): an array */
    const fn_type *value;    /* type of one result */
    double accuracy;         /* DD: relative accuracy; GK: 1 / accuracy */
} quantile_bound;

/* Levels are the parameters from `first` on; none means 0.5 for the single form. Sets call->data, call->type. Errors: 36, 42, 70. */
fn_status quantile_bind(fn_ctx *ctx, agg_call *call, uint32_t first, const fn_type *value, uint32_t state_size) FN_MUST_USE;
fn_status quantile_finish(fn_ctx *ctx, const agg_call *call, void *state, fn_builder *out, quantile_level *level) FN_MUST_USE;
/* A double as the result's type: floats as they are, dates and times cut to whole. */
fn_status quantile_put(fn_ctx *ctx, double v, fn_builder *out) FN_MUST_USE;
fn_status quantile_put_empty(fn_ctx *ctx, fn_builder *out) FN_MUST_USE; /* NaN or 0 */
bool quantile_is_nan(const fn_column *c, size_t row);
#define QUANTILE(call) ((const quantile_bound *)(call)->data)

/* The second argument is an unsigned integer of up to 64 bits, or Bool. */
fn_status quantile_need_weight(fn_ctx *ctx, const agg_call *call) FN_MUST_USE;
#endif
