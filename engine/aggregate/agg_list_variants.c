/* agg_list_variants.c - groupArrayMovingSum, groupArrayMovingAvg, largestTriangleThreeBuckets: lists of
 * values with a rule. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_sort.h"
#include <math.h>

/* ---- groupArrayMovingSum, groupArrayMovingAvg: sums are kept as they grow ---- */
typedef struct moving_bound {
    uint64_t window; /* 0: all rows so far */
    bool average, real, is_signed;
} moving_bound;
static fn_status moving_bind(fn_ctx *ctx, agg_call *call)
{
    moving_bound *b = FN_NEW(ctx, moving_bound);
    const fn_type *t = call->arg_types[0];
    FN_TRY_PTR(ctx, b);
    FN_TRY(agg_need_numbers(ctx, call, 0, true));
    if (t->id == FN_T_DECIMAL || t->width > 8) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s of %s is not supported", call->def->name, t->name);
    if (call->param_count) {
        const fn_column *p = call->params[0];
        if (!fn_type_is_integer(p->type) || fn_column_i64_at(p, 0) <= 0)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameter for aggregate function %s should be positive integer", call->def->name);
        b->window = fn_column_u64_at(p, 0);
    }
    b->average = strcmp(call->def->name, "groupArrayMovingAvg") == 0;
    b->real = fn_type_is_float(t) || b->average;
    b->is_signed = t->phys >= FN_PHYS_I8;
    call->data = b;
    call->type = fn_type_array(fn_type_simple(b->real ? FN_T_FLOAT64 : b->is_signed ? FN_T_INT64 : FN_T_UINT64));
    call->state_size = sizeof(agg_items);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status moving_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    const moving_bound *b = call->data;
    agg_items *s = state;
    const uint8_t *last = s->count ? s->data + 8 * ((size_t)s->count - 1) : NULL;
    if (b->real) {
        const double sum = agg_f64(args[0], row) + (last ? fn_load_f64(last) : 0);
        return agg_items_push(ctx, arena, s, &sum, 8);
    }
    const uint64_t sum = agg_u64(args[0], row) + (last ? fn_load_u64(last) : 0);
    return agg_items_push(ctx, arena, s, &sum, 8);
}
#define OP moving
#include "aggregate/agg_by_row.inc"
static fn_status moving_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const moving_bound *b = call->data;
    agg_items *a = into;
    const uint32_t mine = a->count;
    FN_TRY(agg_items_append(ctx, arena, a, from, 8));
    if (mine == 0) return FN_OK;
    for (uint32_t i = mine; i < a->count; i++) {
        uint8_t *p = a->data + 8 * (size_t)i, *base = a->data + 8 * ((size_t)mine - 1);
        if (b->real) fn_store_f64(p, fn_load_f64(p) + fn_load_f64(base));
        else fn_store_u64(p, fn_load_u64(p) + fn_load_u64(base));
    }
    return FN_OK;
}
static fn_status moving_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const moving_bound *b = call->data;
    const agg_items *s = state;
    for (uint32_t i = 0; i < s->count; i++) {
        const uint8_t *p = s->data + 8 * (size_t)i, *before = b->window && i >= b->window ? p - 8 * b->window : NULL;
        if (b->real) {
            const double sum = fn_load_f64(p) - (before ? fn_load_f64(before) : 0);
            FN_TRY(agg_put_f64(ctx, &out->kids[0], b->average ? sum / (double)(b->window ? b->window : s->count) : sum));
        } else {
            const uint64_t sum = fn_load_u64(p) - (before ? fn_load_u64(before) : 0);
            FN_TRY(fn_builder_fixed(ctx, &out->kids[0], &sum));
        }
    }
    return fn_builder_close_array(ctx, out);
}
static fn_status words_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    return agg_items_write(ctx, state, 8, out);
}
static fn_status words_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    return agg_items_read(ctx, arena, state, 8, at, end);
}

/* ---- largestTriangleThreeBuckets(n)(x, y): S. Steinarsson, "Downsampling time series for visual representation" (2013) ---- */
typedef struct point {
    double x;
    double y;
} point;
static fn_status points_bind(fn_ctx *ctx, agg_call *call)
{
    uint64_t *n = FN_NEW(ctx, uint64_t);
    FN_TRY_PTR(ctx, n);
    for (uint32_t i = 0; i < 2; i++) {
        const fn_type *t = call->arg_types[i];
        if (!fn_type_is_number(t) && !fn_type_is_date_or_time(t)) return agg_illegal(ctx, call);
        if (!fn_type_is_number(t) || t->id == FN_T_DECIMAL) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s of %s is not supported", call->def->name, t->name);
    }
    FN_TRY(agg_param_u64(ctx, call, 0, n));
    const fn_type *const parts[] = {fn_type_simple(FN_T_FLOAT64), fn_type_simple(FN_T_FLOAT64)};
    call->data = n;
    call->type = fn_type_array(fn_type_tuple(parts, NULL, 2));
    call->state_size = sizeof(agg_items);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status points_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    const point p = {agg_f64(args[0], row), agg_f64(args[1], row)};
    return isnan(p.x) || isnan(p.y) ? FN_OK : agg_items_push(ctx, arena, state, &p, sizeof p);
}
#define OP points
#include "aggregate/agg_by_row.inc"
static fn_status points_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    return agg_items_append(ctx, arena, into, from, sizeof(point));
}
static fn_status put_point(fn_ctx *ctx, const point *p, fn_builder *out)
{
    FN_TRY(agg_put_f64(ctx, &out->kids[0].kids[0], p->x));
    FN_TRY(agg_put_f64(ctx, &out->kids[0].kids[1], p->y));
    return fn_builder_close_tuple(ctx, &out->kids[0]);
}
static fn_status points_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const agg_items *s = state;
    const uint64_t wanted = *(const uint64_t *)call->data, n = s->count;
    const point *v = (const point *)(const void *)s->data;
    agg_sort_pairs(FN_PHYS_F64, s->data, s->count); /* a point is a pair of a double and a word */
    if (wanted >= n || wanted <= 2) {
        for (uint64_t i = 0; i < n && wanted; i++) FN_TRY(wanted >= n || i == 0 || (wanted == 2 && i + 1 == n) ? put_point(ctx, &v[i], out) : FN_OK);
        return fn_builder_close_array(ctx, out);
    }
    const double every = (double)(n - 2) / (double)(wanted - 2);
    uint64_t last = 0;
    FN_TRY(put_point(ctx, &v[0], out));
    for (uint64_t i = 0; i < wanted - 2; i++) {
        const uint64_t first = (uint64_t)floor((double)i * every) + 1, end = (uint64_t)floor((double)(i + 1) * every) + 1, stop = FN_MIN((uint64_t)floor((double)(i + 2) * every) + 1, n);
        double x = 0, y = 0, largest = -1;
        for (uint64_t k = end; k < stop; k++) {
            x += v[k].x;
            y += v[k].y;
        }
        x /= (double)(stop - end);
        y /= (double)(stop - end);
        uint64_t best = first;
        for (uint64_t k = first; k < end; k++) {
            const double area = fabs(0.5 * ((v[last].x - x) * (v[k].y - v[last].y) - (v[last].x - v[k].x) * (y - v[last].y)));
            if (area > largest) {
                largest = area;
                best = k;
            }
        }
        last = best;
        FN_TRY(put_point(ctx, &v[last], out));
    }
    FN_TRY(put_point(ctx, &v[n - 1], out));
    return fn_builder_close_array(ctx, out);
}
static fn_status points_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    return agg_items_write(ctx, state, sizeof(point), out);
}
static fn_status points_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    return agg_items_read(ctx, arena, state, sizeof(point), at, end);
}

#define MOVING_ROW .args_min = 1, .args_max = 1, .params_max = 1, .flags = AGG_NO_NULL_RESULT | AGG_ORDER_DEPENDENT, .bind = moving_bind, .init = agg_zero_init, \
    .add = moving_add, .add_one = moving_add_one, .merge = moving_merge, .finish = moving_finish, .write = words_write, .read = words_read
static const char *const triangle_names[] = {"lttb", NULL};
static const agg_def rows_[] = {
    {.name = "groupArrayMovingSum", MOVING_ROW, .about = "Sums of the last n values at every row; without n of all so far.", .example = "groupArrayMovingSum(2)(number)",
     .gives = "[0,1,3,5,7,9,11,13,15,17]"},
    {.name = "groupArrayMovingAvg", MOVING_ROW, .about = "groupArrayMovingSum divided by the size of the window.", .example = "groupArrayMovingAvg(2)(number)",
     .gives = "[0,0.5,1.5,2.5,3.5,4.5,5.5,6.5,7.5,8.5]"},
    {.name = "largestTriangleThreeBuckets", .aliases = triangle_names, .args_min = 2, .args_max = 2, .params_min = 1, .params_max = 1, .flags = AGG_NO_NULL_RESULT,
     .bind = points_bind, .init = agg_zero_init, .add = points_add, .add_one = points_add_one, .merge = points_merge, .finish = points_finish, .write = points_write,
     .read = points_read, .about = "n points that keep the shape of a curve.", .example = "largestTriangleThreeBuckets(3)(number, number % 4)", .gives = "[(0,0),(3,3),(9,1)]"},
};
const agg_family agg_family_list_variants = AGG_FAMILY("list_variants", rows_);
