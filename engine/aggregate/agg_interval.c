/* agg_interval.c - intervalLengthSum, maxIntersections, maxIntersectionsPosition over pairs (begin, end) of numbers.
 * The state is the list of the pairs as doubles. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_sort.h"
#include <math.h>

typedef struct segment {
    double begin, end;
} segment;
typedef struct edge {
    double at;
    uint64_t weight; /* +1 where an interval begins, -1 (all ones) where it ends */
} edge;

static fn_status interval_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    const bool length = call->def->name[0] == 'i';
    const bool plain = fn_type_is_number(t) && t->id != FN_T_DECIMAL && t->width <= 8, day = length && (t->id == FN_T_DATE || t->id == FN_T_DATETIME);
    if ((!plain && !day) || (length && call->arg_types[1] != t)) return agg_illegal(ctx, call);
    if (call->arg_types[1] != t) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "%s: arguments must have the same type.", call->def->name);
    call->type = strcmp(call->def->name, "maxIntersectionsPosition") == 0 ? t
                 : length ? fn_type_simple(fn_type_is_float(t) ? FN_T_FLOAT64 : FN_T_UINT64)
                          : fn_type_simple(FN_T_UINT64);
    call->state_size = sizeof(agg_items);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status interval_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    segment s = {agg_f64(args[0], row), agg_f64(args[1], row)};
    if (isnan(s.begin) || isnan(s.end)) return FN_OK;
    if (call->def->name[0] == 'i' && s.end < s.begin) s = (segment){s.end, s.begin};
    return agg_items_push(ctx, arena, state, &s, sizeof s);
}
#define OP interval
#include "aggregate/agg_by_row.inc"
static fn_status interval_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    return agg_items_append(ctx, arena, into, from, sizeof(segment));
}
static fn_status put_number(fn_ctx *ctx, double v, fn_builder *out)
{
    const float narrow = (float)v;
    const uint64_t whole = v < 0 ? (uint64_t)(int64_t)v : (uint64_t)v;
    if (out->type->phys == FN_PHYS_F64) return agg_put_f64(ctx, out, v);
    return out->type->phys == FN_PHYS_F32 ? fn_builder_fixed(ctx, out, &narrow) : fn_builder_fixed(ctx, out, &whole);
}
static fn_status length_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    agg_items *s = state;
    const segment *v = (const segment *)(const void *)s->data;
    double sum = 0, reached = -(double)INFINITY;
    agg_sort_pairs(FN_PHYS_F64, s->data, s->count); /* by begin: a segment is a double and a word */
    for (uint32_t i = 0; i < s->count; i++) {
        if (v[i].end > reached) {
            sum += v[i].end - FN_MAX(v[i].begin, reached);
            reached = v[i].end;
        }
    }
    return put_number(ctx, sum, out);
}
static fn_status most_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    const agg_items *s = state;
    agg_items edges = {0};
    for (uint32_t i = 0; i < s->count; i++) {
        const segment *v = (const segment *)(const void *)s->data + i;
        const edge begin = {v->begin, 1}, end = {v->end, UINT64_MAX};
        if (v->end < v->begin) continue;
        FN_TRY(agg_items_push(ctx, arena, &edges, &begin, sizeof begin));
        FN_TRY(agg_items_push(ctx, arena, &edges, &end, sizeof end));
    }
    agg_sort_pairs(FN_PHYS_F64, edges.data, edges.count);
    const edge *e = (const edge *)(const void *)edges.data;
    int64_t open = 0, most = 0;
    double at = 0;
    for (uint32_t i = 0; i < edges.count;) { /* all edges of one place together: intervals that touch do not intersect */
        const double here = e[i].at;
        for (; i < edges.count && e[i].at <= here; i++) open += (int64_t)e[i].weight;
        if (open > most) {
            most = open;
            at = here;
        }
    }
    return strcmp(call->def->name, "maxIntersections") == 0 ? fn_builder_fixed(ctx, out, &most) : put_number(ctx, at, out);
}
static fn_status interval_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    return agg_items_write(ctx, state, sizeof(segment), out);
}
static fn_status interval_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    return agg_items_read(ctx, arena, state, sizeof(segment), at, end);
}

#define INTERVAL_ROW(op) .args_min = 2, .args_max = 2, .bind = interval_bind, .init = agg_zero_init, .add = interval_add, .add_one = interval_add_one, .merge = interval_merge, \
    .finish = op##_finish, .write = interval_write, .read = interval_read
static const agg_def rows_[] = {
    {.name = "intervalLengthSum", INTERVAL_ROW(length), .about = "Length of the union of the intervals.", .example = "intervalLengthSum(number, number)", .gives = "0"},
    {.name = "maxIntersections", INTERVAL_ROW(most), .about = "Most intervals that overlap in one place.", .example = "maxIntersections(number, number + 2)", .gives = "2"},
    {.name = "maxIntersectionsPosition", INTERVAL_ROW(most), .about = "The first place where most intervals overlap.",
     .example = "maxIntersectionsPosition(number, number + 2)", .gives = "1"},
};
const agg_family agg_family_interval = AGG_FAMILY("interval", rows_);
