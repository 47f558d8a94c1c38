/* agg_stable.c - varPopStable .. corrStable: means and co-moments kept up row by row (Welford; merged after Chan et al.), which
 * loses less than sums of squares. One column is taken as two equal ones. The state is written as ClickHouse's: a varint count,
 * then the doubles. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"
#include <math.h>

typedef struct stable_state {
    uint64_t count;
    double mean[2], spread[2], together; /* spread, together: sums of products of the distances from the means */
} stable_state;

static fn_status stable_bind(fn_ctx *ctx, agg_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const fn_type *t = call->arg_types[i];
        if (!fn_type_is_number(t) && !fn_type_is_date_or_time(t)) return agg_illegal(ctx, call);
    }
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_size = sizeof(stable_state);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status stable_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    stable_state *s = state;
    double from_old[2], from_new[2];
    s->count++;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const double v = agg_f64(args[i], row);
        from_old[i] = v - s->mean[i];
        s->mean[i] += from_old[i] / (double)s->count;
        from_new[i] = v - s->mean[i];
        s->spread[i] += from_old[i] * from_new[i];
    }
    if (call->arg_count == 2) s->together += from_new[0] * from_old[1];
    return FN_OK;
}
#define OP stable
#include "aggregate/agg_by_row.inc"

/* Both large and about equal: the mean of means is better weighted than stepped. */
static bool is_balanced(uint64_t a, uint64_t b)
{
    const uint64_t least = FN_MIN(a, b), most = FN_MAX(a, b);
    return least > 10000 && 1 - (double)least / (double)most < 0.001;
}
static fn_status stable_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    stable_state *a = into;
    const stable_state *b = from;
    const uint64_t count = a->count + b->count;
    if (count == 0) return FN_OK;
    const double total = (double)count, factor = (double)a->count * (double)b->count / total;
    double apart[2] = {0, 0};
    for (uint32_t i = 0; i < call->arg_count; i++) {
        apart[i] = a->mean[i] - b->mean[i];
        if (is_balanced(a->count, b->count)) a->mean[i] = ((double)b->count * b->mean[i] + (double)a->count * a->mean[i]) / total;
        else a->mean[i] = b->mean[i] + apart[i] * ((double)a->count / total);
        a->spread[i] += b->spread[i] + apart[i] * apart[i] * factor;
    }
    a->together += b->together + apart[0] * apart[1] * factor;
    a->count = count;
    return FN_OK;
}

static double variance(const stable_state *s, double moment, bool sample)
{
    if (s->count < (sample ? 2 : 1)) return (double)INFINITY;
    return s->count == 1 ? 0 : moment / (double)(s->count - sample);
}
#define VALUE(name, expression)                                                                                             \
    static fn_status name##_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)        \
    {                                                                                                                       \
        (void)call, (void)arena;                                                                                            \
        const stable_state *s = state;                                                                                      \
        return agg_put_f64(ctx, out, expression);                                                                           \
    }
VALUE(var_pop, variance(s, s->spread[0], false))
VALUE(var_samp, variance(s, s->spread[0], true))
VALUE(std_pop, sqrt(variance(s, s->spread[0], false)))
VALUE(std_samp, sqrt(variance(s, s->spread[0], true)))
VALUE(covar_pop, variance(s, s->together, false))
VALUE(covar_samp, variance(s, s->together, true))
VALUE(corr, s->count < 2 ? (double)INFINITY : s->together / sqrt(s->spread[0] * s->spread[1]))

static bool writes_spread(const agg_call *call)
{
    return call->arg_count == 1 || strcmp(call->def->name, "corrStable") == 0;
}
static fn_status stable_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const stable_state *s = state;
    const uint32_t n = call->arg_count;
    FN_TRY(fn_buf_leb(ctx, out, s->count));
    FN_TRY(fn_buf_append(ctx, out, s->mean, n * sizeof(double)));
    if (n == 2) FN_TRY(fn_buf_append(ctx, out, &s->together, sizeof(double)));
    return writes_spread(call) ? fn_buf_append(ctx, out, s->spread, n * sizeof(double)) : FN_OK;
}
static fn_status stable_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    stable_state *s = state;
    const uint32_t n = call->arg_count;
    FN_TRY(agg_take_leb(ctx, &s->count, at, end));
    FN_TRY(agg_take(ctx, s->mean, n * sizeof(double), at, end));
    if (n == 2) FN_TRY(agg_take(ctx, &s->together, sizeof(double), at, end));
    return writes_spread(call) ? agg_take(ctx, s->spread, n * sizeof(double), at, end) : FN_OK;
}

#define STABLE_ROW(args, op) .args_min = (args), .args_max = (args), .bind = stable_bind, .init = agg_zero_init, .add = stable_add, .add_one = stable_add_one, \
    .merge = stable_merge, .finish = op##_finish, .write = stable_write, .read = stable_read
static const agg_def rows_[] = {
    {.name = "varPopStable", STABLE_ROW(1, var_pop), .about = "varPop by a numerically stable method.", .example = "varPopStable(number)", .gives = "8.25"},
    {.name = "varSampStable", STABLE_ROW(1, var_samp), .about = "varSamp by a numerically stable method.", .example = "varSampStable(number)", .gives = "9.166666666666666"},
    {.name = "stddevPopStable", STABLE_ROW(1, std_pop), .about = "stddevPop by a numerically stable method.", .example = "stddevPopStable(number)",
     .gives = "2.8722813232690143"},
    {.name = "stddevSampStable", STABLE_ROW(1, std_samp), .about = "stddevSamp by a numerically stable method.", .example = "stddevSampStable(number)",
     .gives = "3.0276503540974917"},
    {.name = "covarPopStable", STABLE_ROW(2, covar_pop), .about = "covarPop by a numerically stable method.", .example = "covarPopStable(number, number * 2)", .gives = "16.5"},
    {.name = "covarSampStable", STABLE_ROW(2, covar_samp), .about = "covarSamp by a numerically stable method.", .example = "covarSampStable(number, number * 2)",
     .gives = "18.333333333333332"},
    {.name = "corrStable", STABLE_ROW(2, corr), .about = "corr by a numerically stable method.", .example = "corrStable(number, number * 2)", .gives = "1"},
};
const agg_family agg_family_stable = AGG_FAMILY("stable", rows_);
