/* window_function.c - functions that exist only in windows: ranks, shares, rows before and behind. One row per function at the foot;
 * their names, arguments and documentation are in aggregate/agg_window.c. SPDX-License-Identifier: Apache-2.0 */
#include "exec/window.h"

static fn_status put_u64(fn_ctx *ctx, fn_builder *out, uint64_t v)
{
    return fn_builder_fixed(ctx, out, &v);
}
static fn_status put_f64(fn_ctx *ctx, fn_builder *out, double v)
{
    return fn_builder_fixed(ctx, out, &v);
}

static fn_status eval_row_number(fn_ctx *ctx, const window_partition *p, fn_builder *out)
{
    for (uint32_t row = p->from; row < p->to; row++) FN_TRY(put_u64(ctx, out, row - p->from + 1));
    return FN_OK;
}
static fn_status eval_rank(fn_ctx *ctx, const window_partition *p, fn_builder *out)
{
    for (uint32_t i = 0; i < p->to - p->from; i++) FN_TRY(put_u64(ctx, out, p->peer_from[i] - p->from + 1));
    return FN_OK;
}
static fn_status eval_dense_rank(fn_ctx *ctx, const window_partition *p, fn_builder *out)
{
    uint64_t rank = 0;
    for (uint32_t i = 0; i < p->to - p->from; i++) {
        rank += p->peer_from[i] == p->from + i;
        FN_TRY(put_u64(ctx, out, rank));
    }
    return FN_OK;
}
static fn_status eval_percent_rank(fn_ctx *ctx, const window_partition *p, fn_builder *out)
{
    const uint32_t rows = p->to - p->from;
    for (uint32_t i = 0; i < rows; i++) FN_TRY(put_f64(ctx, out, rows > 1 ? (double)(p->peer_from[i] - p->from) / (double)(rows - 1) : 0));
    return FN_OK;
}
static fn_status eval_cume_dist(fn_ctx *ctx, const window_partition *p, fn_builder *out)
{
    const uint32_t rows = p->to - p->from;
    for (uint32_t i = 0; i < rows; i++) FN_TRY(put_f64(ctx, out, (double)(p->peer_to[i] - p->from) / (double)rows));
    return FN_OK;
}

/* The first rows % buckets buckets have one row more. */
static fn_status eval_ntile(fn_ctx *ctx, const window_partition *p, fn_builder *out)
{
    const uint64_t rows = p->to - p->from, buckets = fn_column_u64_at(p->item->args[0], p->from);
    if (!buckets) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Argument of 'ntile' function must be greater than zero.");
    const uint64_t size = rows / buckets, larger = rows % buckets;
    for (uint64_t i = 0; i < rows; i++) {
        const uint64_t in_larger = larger * (size + 1);
        FN_TRY(put_u64(ctx, out, 1 + (i < in_larger ? i / (size + 1) : larger + (i - in_larger) / (size ? size : 1))));
    }
    return FN_OK;
}

/* ---- rows before and behind ---- */

static fn_status offset_at(fn_ctx *ctx, const window_partition *p, uint32_t row, int64_t least, int64_t *out)
{
    *out = 1;
    if (p->item->plan->arg_count < 2) return FN_OK;
    const fn_column *c = p->item->args[1];
    *out = fn_column_is_null(c, row) ? -1 : fn_column_i64_at(c, row);
    if (*out >= least) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "The offset for function %s must be in (%lld, 9223372036854775807], %lld given", p->item->plan->call->def->name, (long long)least,
                   (long long)*out);
}

/* `at` if it lies in [from, to), else what stands for "no row": the default of this row. */
static uint32_t choose(const window_partition *p, uint32_t row, int64_t at, uint32_t from, uint32_t to)
{
    if (at >= (int64_t)from && at < (int64_t)to) return (uint32_t)at;
    return p->item->plan->arg_count > 2 ? p->w->rows + row : p->w->rows;
}

static fn_status pick_at(fn_ctx *ctx, const window_partition *p, bool in_frame, bool back, uint32_t *rows)
{
    for (uint32_t row = p->from; row < p->to; row++) {
        const uint32_t i = row - p->from;
        int64_t offset;
        FN_TRY(offset_at(ctx, p, row, 0, &offset));
        const int64_t far = FN_MIN(offset, (int64_t)UINT32_MAX), at = back ? (int64_t)row - far : (int64_t)row + far;
        rows[i] = choose(p, row, at, in_frame ? p->frame_from[i] : p->from, in_frame ? p->frame_to[i] : p->to);
    }
    return FN_OK;
}
static fn_status pick_lag(fn_ctx *ctx, const window_partition *p, uint32_t *rows)
{
    return pick_at(ctx, p, false, true, rows);
}
static fn_status pick_lead(fn_ctx *ctx, const window_partition *p, uint32_t *rows)
{
    return pick_at(ctx, p, false, false, rows);
}
static fn_status pick_lag_in_frame(fn_ctx *ctx, const window_partition *p, uint32_t *rows)
{
    return pick_at(ctx, p, true, true, rows);
}
static fn_status pick_lead_in_frame(fn_ctx *ctx, const window_partition *p, uint32_t *rows)
{
    return pick_at(ctx, p, true, false, rows);
}
static fn_status pick_nth(fn_ctx *ctx, const window_partition *p, uint32_t *rows)
{
    for (uint32_t row = p->from; row < p->to; row++) {
        const uint32_t i = row - p->from;
        int64_t nth;
        FN_TRY(offset_at(ctx, p, row, 1, &nth));
        rows[i] = choose(p, row, (int64_t)p->frame_from[i] + FN_MIN(nth, (int64_t)UINT32_MAX) - 1, p->frame_from[i], p->frame_to[i]);
    }
    return FN_OK;
}

/* ---- frames these functions accept ---- */

static fn_status check_whole(fn_ctx *ctx, const plan_window_item *item, bool ordered)
{
    (void)ordered;
    if (item->start == FRAME_UNBOUNDED_PRECEDING && item->end == FRAME_UNBOUNDED_FOLLOWING) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Window function '%s' does not expect window frame to be explicitly specified", item->call->def->name);
}
static fn_status check_shares(fn_ctx *ctx, const plan_window_item *item, bool ordered)
{
    const bool range_to_current = !item->rows && !item->groups && item->end == FRAME_CURRENT;
    (void)ordered;
    if (item->start == FRAME_UNBOUNDED_PRECEDING && (item->end == FRAME_UNBOUNDED_FOLLOWING || range_to_current)) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Unsupported window frame type for function '%s'.", item->call->def->name);
}
static fn_status check_ntile(fn_ctx *ctx, const plan_window_item *item, bool ordered)
{
    const bool whole = item->start == FRAME_UNBOUNDED_PRECEDING && item->end == FRAME_UNBOUNDED_FOLLOWING;
    if (!ordered || !whole) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Unsupported window frame type for function 'ntile'.");
    if (item->args[0]->kind != EXPR_CONST) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Argument of 'ntile' function must be a constant.");
    return FN_OK;
}

static const window_function functions[] = {
    {.name = "row_number", .eval = eval_row_number},
    {.name = "rank", .eval = eval_rank},
    {.name = "dense_rank", .eval = eval_dense_rank},
    {.name = "percent_rank", .eval = eval_percent_rank, .check = check_shares},
    {.name = "cume_dist", .eval = eval_cume_dist, .check = check_shares},
    {.name = "ntile", .eval = eval_ntile, .check = check_ntile},
    {.name = "lag", .picks = true, .pick = pick_lag, .check = check_whole},
    {.name = "lead", .picks = true, .pick = pick_lead, .check = check_whole},
    {.name = "lagInFrame", .picks = true, .needs_frame = true, .pick = pick_lag_in_frame},
    {.name = "leadInFrame", .picks = true, .needs_frame = true, .pick = pick_lead_in_frame},
    {.name = "nth_value", .picks = true, .needs_frame = true, .pick = pick_nth},
};

const window_function *window_function_find(const char *name)
{
    for (size_t i = 0; i < FN_COUNT(functions); i++)
        if (strcmp(functions[i].name, name) == 0) return &functions[i];
    return NULL;
}
