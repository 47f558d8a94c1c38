/* agg_moment.c - varPop, varSamp, stddevPop, stddevSamp, skew*, kurt*, covarPop, covarSamp, corr: by sums of powers.
 * Float32 columns are summed and answered in Float32, everything else in Float64. The state is the bare sums, as ClickHouse's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"
#include <math.h>

typedef enum moment_what { VAR_POP, VAR_SAMP, STD_POP, STD_SAMP, SKEW_POP, SKEW_SAMP, KURT_POP, KURT_SAMP, COVAR_POP, COVAR_SAMP, CORR } moment_what;
#define NAME  f32
#define T     float
#define ROOT  sqrtf
#define POWER powf
#include "aggregate/agg_moment_width.inc"
#define NAME  f64
#define T     double
#define ROOT  sqrt
#define POWER pow
#include "aggregate/agg_moment_width.inc"

typedef struct moment_kind {
    const char *name;
    moment_what what;
    unsigned order; /* index of the last sum */
} moment_kind;
static const moment_kind kinds[] = {
    {"varPop", VAR_POP, 2},      {"varSamp", VAR_SAMP, 2},   {"stddevPop", STD_POP, 2}, {"stddevSamp", STD_SAMP, 2},   {"skewPop", SKEW_POP, 3},   {"skewSamp", SKEW_SAMP, 3},
    {"kurtPop", KURT_POP, 4}, {"kurtSamp", KURT_SAMP, 4}, {"covarPop", COVAR_POP, 3}, {"covarSamp", COVAR_SAMP, 3}, {"corr", CORR, 5},
};
typedef struct moment_bound {
    const moment_kind *kind;
    bool narrow; /* Float32 */
} moment_bound;

static fn_status moment_bind(fn_ctx *ctx, agg_call *call)
{
    moment_bound *b = FN_NEW(ctx, moment_bound);
    FN_TRY_PTR(ctx, b);
    FN_TRY(agg_need_numbers(ctx, call, 0, call->arg_count == 1));
    for (size_t i = 0; i < FN_COUNT(kinds); i++)
        if (strcmp(kinds[i].name, call->def->name) == 0) b->kind = &kinds[i];
    FN_ASSERT(b->kind);
    b->narrow = true;
    for (uint32_t i = 0; i < call->arg_count; i++) b->narrow &= call->arg_types[i]->id == FN_T_FLOAT32;
    call->data = b;
    call->type = fn_type_simple(b->narrow ? FN_T_FLOAT32 : FN_T_FLOAT64);
    call->state_size = (b->kind->order + 1) * (b->narrow ? 4 : 8);
    call->state_align = 8;
    return FN_OK;
}
static fn_status moment_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    (void)ctx;
    (void)arena;
    const moment_bound *b = call->data;
    const unsigned order = b->kind->order;
    const bool pairs = call->arg_count == 2;
    for (uint32_t i = 0; i < rows; i++) {
        const double x = agg_f64(args[0], i), y = pairs ? agg_f64(args[1], i) : 0;
        if (pairs && b->narrow) pair_row_f32(states[i] + offset, order, x, y);
        else if (pairs) pair_row_f64(states[i] + offset, order, x, y);
        else if (b->narrow) moment_row_f32(states[i] + offset, order, x);
        else moment_row_f64(states[i] + offset, order, x);
    }
    return FN_OK;
}
static fn_status moment_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    (void)ctx;
    (void)arena;
    const moment_bound *b = call->data;
    if (b->narrow) moment_rows_f32(state, b->kind->order, args, call->arg_count, from, rows);
    else moment_rows_f64(state, b->kind->order, args, call->arg_count, from, rows);
    return FN_OK;
}
static fn_status moment_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    const moment_bound *b = call->data;
    if (b->narrow) moment_merge_f32(into, from, b->kind->order);
    else moment_merge_f64(into, from, b->kind->order);
    return FN_OK;
}
static fn_status moment_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const moment_bound *b = call->data;
    double v;
    if (call->arg_count == 2) v = b->narrow ? pair_value_f32(state, b->kind->what) : pair_value_f64(state, b->kind->what);
    else v = b->narrow ? moment_value_f32(state, b->kind->what) : moment_value_f64(state, b->kind->what);
    const float narrow = (float)v;
    return b->narrow ? fn_builder_fixed(ctx, out, &narrow) : fn_builder_fixed(ctx, out, &v);
}

#define MOMENT_ROW(args) .args_min = (args), .args_max = (args), .bind = moment_bind, .init = agg_zero_init, .add = moment_add, .add_one = moment_add_one, \
    .merge = moment_merge, .finish = moment_finish, .write = agg_plain_write, .read = agg_plain_read
static const char *const var_pop_names[] = {"VAR_POP", NULL};
static const char *const var_samp_names[] = {"VAR_SAMP", NULL};
static const char *const std_pop_names[] = {"STD", "STDDEV", "STDDEV_POP", NULL};
static const char *const std_samp_names[] = {"STDDEV_SAMP", NULL};
static const char *const covar_pop_names[] = {"COVAR_POP", NULL};
static const char *const covar_samp_names[] = {"COVAR_SAMP", NULL};
static const agg_def rows_[] = {
    {.name = "varPop", .aliases = var_pop_names, .flags = AGG_CASE_INSENSITIVE, MOMENT_ROW(1), .about = "Variance of the values as the whole population.", .example = "varPop(number)", .gives = "8.25"},
    {.name = "varSamp", .aliases = var_samp_names, .flags = AGG_CASE_INSENSITIVE, MOMENT_ROW(1), .about = "Variance of the values as a sample: divided by n - 1.", .example = "varSamp(number)",
     .gives = "9.166666666666666"},
    {.name = "stddevPop", .aliases = std_pop_names, .flags = AGG_CASE_INSENSITIVE, MOMENT_ROW(1), .about = "Square root of varPop.", .example = "stddevPop(number)", .gives = "2.8722813232690143"},
    {.name = "stddevSamp", .aliases = std_samp_names, .flags = AGG_CASE_INSENSITIVE, MOMENT_ROW(1), .about = "Square root of varSamp.", .example = "stddevSamp(number)", .gives = "3.0276503540974917"},
    {.name = "skewPop", MOMENT_ROW(1), .about = "Skewness of the values as the whole population.", .example = "skewPop(number)", .gives = "0"},
    {.name = "skewSamp", MOMENT_ROW(1), .about = "Skewness of the values as a sample.", .example = "skewSamp(number)", .gives = "0"},
    {.name = "kurtPop", MOMENT_ROW(1), .about = "Kurtosis of the values as the whole population.", .example = "kurtPop(number)", .gives = "1.7757575757575756"},
    {.name = "kurtSamp", MOMENT_ROW(1), .about = "Kurtosis of the values as a sample.", .example = "kurtSamp(number)", .gives = "1.4383636363636365"},
    {.name = "covarPop", .aliases = covar_pop_names, .flags = AGG_CASE_INSENSITIVE, MOMENT_ROW(2), .about = "Covariance of two columns as the whole population.", .example = "covarPop(number, number * 2)",
     .gives = "16.5"},
    {.name = "covarSamp", .aliases = covar_samp_names, .flags = AGG_CASE_INSENSITIVE, MOMENT_ROW(2), .about = "Covariance of two columns as a sample.", .example = "covarSamp(number, number * 2)",
     .gives = "18.333333333333332"},
    {.name = "corr", .flags = AGG_CASE_INSENSITIVE, MOMENT_ROW(2), .about = "Pearson's correlation of two columns.", .example = "corr(number, number * 2)", .gives = "1"},
};
const agg_family agg_family_moment = AGG_FAMILY("moment", rows_);
