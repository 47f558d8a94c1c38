/* agg_weighted.c - avgWeighted, sumKahan, sumCount. States as ClickHouse writes them: avgWeighted two sums, sumKahan the sum and its correction, sumCount the sum and a varint count. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"
#include <math.h>

/* ---- avgWeighted: both sums in the weight's kind, UInt64, Int64 or Float64 (wide integers too), as ClickHouse has it ---- */
typedef union weight_sum {
    uint64_t whole;
    double real;
} weight_sum;
typedef struct weighted {
    weight_sum sum, weight;
} weighted;
static bool is_whole(const fn_type *t)
{
    return t->width <= 8 && !fn_type_is_float(t);
}
static fn_status weighted_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(agg_need_numbers(ctx, call, 0, false));
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_size = sizeof(weighted);
    call->state_align = 8;
    return FN_OK;
}
/* A value of another kind is cut to whole numbers first. */
static uint64_t whole_value(const fn_column *c, size_t row)
{
    if (is_whole(c->type)) return agg_u64(c, row);
    const double v = agg_f64(c, row);
    return v >= 9223372036854775808.0 ? (uint64_t)(v < 18446744073709551616.0 ? v : 0) : (uint64_t)(int64_t)(v > -9223372036854775808.0 ? v : 0);
}
static inline fn_status weighted_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    weighted *s = state;
    if (is_whole(call->arg_types[1])) {
        const uint64_t w = agg_u64(args[1], row);
        s->sum.whole += whole_value(args[0], row) * w;
        s->weight.whole += w;
    } else {
        const double w = agg_f64(args[1], row);
        s->sum.real += agg_f64(args[0], row) * w;
        s->weight.real += w;
    }
    return FN_OK;
}
#define OP weighted
#include "aggregate/agg_by_row.inc"
static fn_status weighted_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    weighted *a = into;
    const weighted *b = from;
    if (is_whole(call->arg_types[1])) {
        a->sum.whole += b->sum.whole;
        a->weight.whole += b->weight.whole;
    } else {
        a->sum.real += b->sum.real;
        a->weight.real += b->weight.real;
    }
    return FN_OK;
}
static fn_status weighted_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const weighted *s = state;
    const fn_type *t = call->arg_types[1];
    if (!is_whole(t)) return agg_put_f64(ctx, out, s->sum.real / s->weight.real);
    if (t->phys >= FN_PHYS_I8) return agg_put_f64(ctx, out, (double)(int64_t)s->sum.whole / (double)(int64_t)s->weight.whole);
    return agg_put_f64(ctx, out, (double)s->sum.whole / (double)s->weight.whole);
}

/* ---- sumKahan ---- */
typedef struct kahan {
    double sum, lost;
} kahan;
static fn_status kahan_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(agg_need_numbers(ctx, call, 0, true));
    if (call->arg_types[0]->id == FN_T_DECIMAL) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function sumKahan of %s is not supported", call->arg_types[0]->name);
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_size = sizeof(kahan);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status kahan_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)call;
    (void)arena;
    kahan *s = state;
    const double corrected = agg_f64(args[0], row) - s->lost, sum = s->sum + corrected;
    s->lost = (sum - s->sum) - corrected;
    s->sum = sum;
    return FN_OK;
}
#define OP kahan
#include "aggregate/agg_by_row.inc"
static fn_status kahan_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)call;
    (void)arena;
    kahan *a = into;
    const kahan *b = from;
    const double raw = a->sum + b->sum, rhs = raw - a->sum, error = (b->sum - rhs) + (a->sum - (raw - rhs)) - (a->lost + b->lost);
    a->sum = raw + error;
    a->lost = (a->sum - raw) - error;
    return FN_OK;
}
static fn_status kahan_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    return agg_put_f64(ctx, out, ((const kahan *)state)->sum);
}

/* ---- sumCount: the sum's own aggregate and a count behind it ---- */
static fn_status count_bind(fn_ctx *ctx, agg_call *call)
{
    const agg_def *sum = agg_find(FN_STR("sum"));
    agg_call *inner = FN_NEW(ctx, agg_call);
    FN_TRY_PTR(ctx, inner);
    FN_TRY(agg_need_numbers(ctx, call, 0, true));
    *inner = *call;
    inner->def = sum;
    FN_TRY(sum->bind(ctx, inner));
    const fn_type *const parts[] = {inner->type, fn_type_simple(FN_T_UINT64)};
    call->data = inner;
    call->type = fn_type_tuple(parts, NULL, 2);
    call->state_size = agg_align(inner->state_size + 8, 16);
    return FN_OK;
}
static uint64_t *count_at(const agg_call *call, void *state)
{
    return (uint64_t *)(void *)((uint8_t *)state + ((const agg_call *)call->data)->state_size);
}
static fn_status count_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    const agg_call *sum = call->data;
    for (uint32_t i = 0; i < rows; i++) ++*count_at(call, states[i] + offset);
    return sum->def->add(ctx, sum, arena, states, offset, args, rows);
}
static fn_status count_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    const agg_call *sum = call->data;
    *count_at(call, state) += rows;
    return sum->def->add_one(ctx, sum, arena, state, args, from, rows);
}
static uint64_t count_of(const agg_call *call, const void *state)
{
    return fn_load_u64((const uint8_t *)state + ((const agg_call *)call->data)->state_size);
}
static fn_status count_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const agg_call *sum = call->data;
    *count_at(call, into) += count_of(call, from);
    return sum->def->merge(ctx, sum, arena, into, from);
}
static fn_status count_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    const agg_call *sum = call->data;
    FN_TRY(sum->def->finish(ctx, sum, arena, state, &out->kids[0]));
    FN_TRY(fn_builder_fixed(ctx, &out->kids[1], count_at(call, state)));
    return fn_builder_close_tuple(ctx, out);
}
static fn_status count_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const agg_call *sum = call->data;
    FN_TRY(sum->def->write(ctx, sum, state, out));
    return fn_buf_leb(ctx, out, count_of(call, state));
}
static fn_status count_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    const agg_call *sum = call->data;
    FN_TRY(sum->def->read(ctx, sum, arena, state, at, end));
    return agg_take_leb(ctx, count_at(call, state), at, end);
}

#define PLAIN_ROW(op) .bind = op##_bind, .init = agg_zero_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, .finish = op##_finish
static const agg_def rows_[] = {
    {.name = "avgWeighted", .args_min = 2, .args_max = 2, PLAIN_ROW(weighted), .write = agg_plain_write, .read = agg_plain_read,
     .about = "Mean of the first argument weighted by the second.", .example = "avgWeighted(number, number)", .gives = "6.333333333333333"},
    {.name = "sumKahan", .args_min = 1, .args_max = 1, PLAIN_ROW(kahan), .write = agg_plain_write, .read = agg_plain_read,
     .about = "Sum in Float64 with Kahan's correction of rounding errors.", .example = "sumKahan(number)", .gives = "45"},
    {.name = "sumCount", .args_min = 1, .args_max = 1, PLAIN_ROW(count), .write = count_write, .read = count_read, .about = "Sum and number of the values as a tuple.",
     .example = "sumCount(number)", .gives = "(45,10)"},
};
const agg_family agg_family_weighted = AGG_FAMILY("weighted", rows_);
