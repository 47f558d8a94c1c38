/* window_frame.c - frames: from which row to which row a function looks, for every row of a partition.
 * ROWS count rows, GROUPS count peers, RANGE compares the order key with the current row's plus or minus an offset (a row whose key
 * is NULL or NaN has its peers). Bounds only grow with the row, so offsets are found by moving on. SPDX-License-Identifier: Apache-2.0 */
#include "exec/window.h"

static fn_status bad_offset(fn_ctx *ctx, const plan_window_item *item, const char *which, const expr *e)
{
    fn_buf text = FN_BUF_INIT;
    fn_text_options options;
    fn_text_options_default(&options);
    fn_status status = fn_text_write(ctx, e->constant, 0, FN_TEXT_PLAIN, &options, &text);
    if (status == FN_OK)
        status = fn_fail(ctx, FN_BAD_ARGUMENTS, "Frame %s offset for '%s' frame must be a nonnegative 32-bit integer, '" FN_STR_FMT "' of type '%s' given.", which,
                         item->rows ? "ROWS" : item->groups ? "GROUPS" : "RANGE", FN_STR_ARG(fn_buf_view(&text)), e->type->name);
    fn_buf_release(&text);
    return status;
}

static fn_status read_offset(fn_ctx *ctx, const plan_window_item *item, const char *which, const expr *e, uint64_t *out)
{
    *out = 0;
    if (!e) return FN_OK;
    if (e->kind != EXPR_CONST) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Window frame %s offset must be constant", which);
    const fn_type *base = fn_type_base(e->type);
    if (!fn_type_is_integer(base) || base->width > 8 || fn_column_is_null(e->constant, 0)) return bad_offset(ctx, item, which, e);
    *out = fn_column_u64_at(e->constant, 0);
    return *out > INT32_MAX ? bad_offset(ctx, item, which, e) : FN_OK;
}

static bool has_offset(plan_frame_bound b)
{
    return b == FRAME_PRECEDING || b == FRAME_FOLLOWING;
}

/* What ClickHouse makes RANGE offsets of: numbers and dates of up to 64 bits, no decimals. */
static fn_status check_range_key(fn_ctx *ctx, const plan *node, const window_item *item)
{
    if (node->window.order_count != 1)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The RANGE OFFSET frame requires exactly one column in ORDER BY, %u given", node->window.order_count);
    const fn_type *type = fn_type_base(node->window.order_by[0].value->type);
    const bool number = fn_type_is_integer(type) || fn_type_is_float(type) || fn_type_is_date_or_time(type);
    if (!number || type->width > 8) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The RANGE OFFSET frame for '%s' ORDER BY column is not implemented", type->name);
    const uint64_t largest = FN_MAX(item->start_offset, item->end_offset);
    if (type->width < 4 && largest >> (8 * type->width - (fn_type_is_integer(type) && !fn_type_is_unsigned(type))))
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Cannot convert value '%llu': it cannot be represented as %s", (unsigned long long)largest, type->name);
    return FN_OK;
}

fn_status window_frame_check(fn_ctx *ctx, const plan *node, window_item *item)
{
    const plan_window_item *p = item->plan;
    FN_TRY(read_offset(ctx, p, "start", has_offset(p->start) ? p->start_offset : NULL, &item->start_offset));
    FN_TRY(read_offset(ctx, p, "end", has_offset(p->end) ? p->end_offset : NULL, &item->end_offset));
    if (p->start == p->end && has_offset(p->start)) {
        const bool backwards = p->start == FRAME_PRECEDING ? item->start_offset < item->end_offset : item->start_offset > item->end_offset;
        if (backwards)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Frame start offset %llu %s does not precede the frame end offset %llu %s", (unsigned long long)item->start_offset,
                           p->start == FRAME_PRECEDING ? "PRECEDING" : "FOLLOWING", (unsigned long long)item->end_offset, p->end == FRAME_PRECEDING ? "PRECEDING" : "FOLLOWING");
    }
    if (p->rows || p->groups || (!has_offset(p->start) && !has_offset(p->end))) return FN_OK;
    return check_range_key(ctx, node, item);
}

/* ---- ROWS ---- */

static uint32_t row_bound(const window_partition *p, plan_frame_bound bound, uint64_t offset, uint32_t row, bool end)
{
    int64_t at = row;
    switch (bound) {
    case FRAME_UNBOUNDED_PRECEDING: return p->from;
    case FRAME_UNBOUNDED_FOLLOWING: return p->to;
    case FRAME_PRECEDING: at -= (int64_t)offset; break;
    case FRAME_FOLLOWING: at += (int64_t)offset; break;
    case FRAME_CURRENT: break;
    }
    at += end;
    return at < (int64_t)p->from ? p->from : at > (int64_t)p->to ? p->to : (uint32_t)at;
}

static void fill_rows(const window_partition *p)
{
    const plan_window_item *f = p->item->plan;
    for (uint32_t row = p->from; row < p->to; row++) {
        p->frame_from[row - p->from] = row_bound(p, f->start, p->item->start_offset, row, false);
        p->frame_to[row - p->from] = row_bound(p, f->end, p->item->end_offset, row, true);
    }
}

/* ---- GROUPS ---- */

/* The peers `offset` groups away: their first row (end false) or the row behind them. */
static void fill_group_bound(const window_partition *p, plan_frame_bound bound, uint64_t offset, bool end, uint32_t *out)
{
    for (uint32_t row = p->from; row < p->to;) {
        const uint32_t first = p->peer_from[row - p->from], behind = p->peer_to[row - p->from];
        uint32_t at = first; /* first row of the group reached */
        bool outside = false;
        for (uint64_t step = 0; step < offset && bound == FRAME_PRECEDING && !outside; step++) {
            outside = at == p->from;
            if (!outside) at = p->peer_from[at - 1 - p->from];
        }
        for (uint64_t step = 0; step < offset && bound == FRAME_FOLLOWING && !outside; step++) {
            at = p->peer_to[at - p->from];
            outside = at == p->to;
        }
        uint32_t place = outside ? (bound == FRAME_PRECEDING ? p->from : p->to) : end ? p->peer_to[at - p->from] : at;
        if (bound == FRAME_UNBOUNDED_PRECEDING) place = p->from;
        if (bound == FRAME_UNBOUNDED_FOLLOWING) place = p->to;
        for (; row < behind; row++) out[row - p->from] = place;
    }
}

/* ---- RANGE ---- */

/* An order key as a number that differences can be taken of; false: NULL or NaN. */
static bool key_at(const fn_column *c, uint32_t row, bool descending, fn_i128 *integer, double *real)
{
    if (fn_column_is_null(c, row)) return false;
    const fn_type *base = fn_type_base(c->type);
    if (fn_type_is_float(base)) {
        *real = fn_column_f64_at(c, row);
        if (*real != *real) return false;
        if (descending) *real = -*real;
        return true;
    }
    const bool is_unsigned = base->phys <= FN_PHYS_U64;
    *integer = is_unsigned ? (fn_i128)fn_column_u64_at(c, row) : (fn_i128)fn_column_i64_at(c, row);
    if (descending) *integer = -*integer;
    return true;
}

/* First row whose key is not below (end: is above) the current row's key moved by the offset. */
static void fill_range_bound(const window_partition *p, plan_frame_bound bound, uint64_t offset, bool end, uint32_t *out)
{
    const fn_column *c = p->w->order_value;
    const bool is_float = fn_type_is_float(fn_type_base(c->type)), descending = p->w->descending;
    const double sign = bound == FRAME_PRECEDING ? -1 : 1;
    uint32_t first = p->from, behind = p->to; /* rows with keys */
    fn_i128 key = 0, other = 0;
    double real = 0, other_real = 0;
    while (first < behind && !key_at(c, first, descending, &key, &real)) first++;
    while (behind > first && !key_at(c, behind - 1, descending, &key, &real)) behind--;
    uint32_t at = first;
    for (uint32_t row = p->from; row < p->to; row++) {
        if (row < first || row >= behind) {
            out[row - p->from] = end ? p->peer_to[row - p->from] : p->peer_from[row - p->from];
            continue;
        }
        (void)key_at(c, row, descending, &key, &real);
        const fn_i128 wanted = bound == FRAME_PRECEDING ? key - (fn_i128)offset : key + (fn_i128)offset;
        const double wanted_real = real + sign * (double)offset;
        while (at < behind) {
            (void)key_at(c, at, descending, &other, &other_real);
            const bool before = is_float ? (end ? other_real <= wanted_real : other_real < wanted_real) : end ? other <= wanted : other < wanted;
            if (!before) break;
            at++;
        }
        out[row - p->from] = at;
    }
}

static void fill_peer_bound(const window_partition *p, plan_frame_bound bound, bool end, uint32_t *out)
{
    for (uint32_t i = 0; i < p->to - p->from; i++)
        out[i] = bound == FRAME_UNBOUNDED_PRECEDING ? p->from : bound == FRAME_UNBOUNDED_FOLLOWING ? p->to : end ? p->peer_to[i] : p->peer_from[i];
}

fn_status window_frame_fill(fn_ctx *ctx, const window_partition *p)
{
    const plan_window_item *f = p->item->plan;
    FN_TRY(fn_ctx_check(ctx));
    if (f->rows) {
        fill_rows(p);
    } else if (f->groups) {
        fill_group_bound(p, f->start, p->item->start_offset, false, p->frame_from);
        fill_group_bound(p, f->end, p->item->end_offset, true, p->frame_to);
    } else {
        if (has_offset(f->start)) fill_range_bound(p, f->start, p->item->start_offset, false, p->frame_from);
        else fill_peer_bound(p, f->start, false, p->frame_from);
        if (has_offset(f->end)) fill_range_bound(p, f->end, p->item->end_offset, true, p->frame_to);
        else fill_peer_bound(p, f->end, true, p->frame_to);
    }
    return FN_OK;
}
