/* agg_test.c - statistical tests over two samples: studentTTest, welchTTest, meanZTest; and analysisOfVariance over several.
 * The second argument is the sample's number: 0 the first, anything else the second (analysisOfVariance: any number). Sums of values
 * and squares per sample are the state. Probabilities come from the incomplete beta function by Lentz's continued fraction.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"
#include <math.h>

/* Regularised incomplete beta function I_x(a, b). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int i = 1; i < 10000; i++) {
        const double m = i, even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16) break;
    }
    return h;
}
static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}
static double two_sided_t(double t, double freedom)
{
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

/* ---- two samples ---- */
typedef struct sample {
    double n, sum, squares;
} sample;
typedef struct two {
    sample of[2];
} two;

static fn_status tuple_type(fn_ctx *ctx, agg_call *call, const char *first, uint32_t count)
{
    static const char *const more[] = {"p_value", "confidence_interval_low", "confidence_interval_high"};
    const fn_type *parts[4];
    const char *names[4] = {first, more[0], more[1], more[2]};
    for (uint32_t i = 0; i < count; i++) parts[i] = fn_type_simple(FN_T_FLOAT64);
    (void)ctx;
    call->type = fn_type_tuple(parts, names, count);
    return FN_OK;
}
static fn_status two_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(agg_need_numbers(ctx, call, 0, false));
    const bool is_z = strcmp(call->def->name, "meanZTest") == 0;
    if (call->param_count && !is_z) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Confidence intervals of aggregate function %s are not supported", call->def->name);
    if (is_z && call->param_count != 3)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Aggregate function %s requires three parameter.", call->def->name);
    FN_TRY(tuple_type(ctx, call, is_z ? "z_statistic" : "t_statistic", is_z ? 4 : 2));
    call->state_size = sizeof(two);
    call->state_align = 8;
    return FN_OK;
}
static inline fn_status two_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)call;
    (void)arena;
    const double x = agg_f64(args[0], row), group = agg_f64(args[1], row);
    sample *s = &((two *)state)->of[group < 0 || group > 0];
    s->n += 1;
    s->sum += x;
    s->squares += x * x;
    return FN_OK;
}
#define OP two
#include "aggregate/agg_by_row.inc"
static fn_status two_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)call;
    (void)arena;
    for (int i = 0; i < 2; i++) {
        sample *a = &((two *)into)->of[i];
        const sample *b = &((const two *)from)->of[i];
        a->n += b->n;
        a->sum += b->sum;
        a->squares += b->squares;
    }
    return FN_OK;
}
static fn_status put_pair(fn_ctx *ctx, double a, double b, fn_builder *out)
{
    FN_TRY(agg_put_f64(ctx, &out->kids[0], a));
    FN_TRY(agg_put_f64(ctx, &out->kids[1], b));
    return fn_builder_close_tuple(ctx, out);
}
static double mean_of(const sample *s)
{
    return s->sum / s->n;
}
/* Sum of squares around the mean. */
static double spread_of(const sample *s)
{
    return s->squares + mean_of(s) * (s->n * mean_of(s) - 2 * s->sum);
}
static fn_status put_t(fn_ctx *ctx, double t, double freedom, fn_builder *out)
{
    if (!isfinite(t)) return put_pair(ctx, (double)NAN, (double)NAN, out);
    return put_pair(ctx, t, FN_MAX(FN_MIN(two_sided_t(t, freedom), 1), 0), out);
}
static fn_status student_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const sample *a = &((two *)state)->of[0], *b = &((two *)state)->of[1];
    if (!(a->n > 0) || !(b->n > 0) || a->n + b->n <= 2) return put_pair(ctx, (double)NAN, (double)NAN, out);
    const double freedom = a->n + b->n - 2, pooled = (spread_of(a) + spread_of(b)) / freedom, error = sqrt(pooled * (1 / a->n + 1 / b->n));
    return put_t(ctx, (mean_of(a) - mean_of(b)) / error, freedom, out);
}
static fn_status welch_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const sample *a = &((two *)state)->of[0], *b = &((two *)state)->of[1];
    if (a->n < 2 || b->n < 2) return put_pair(ctx, (double)NAN, (double)NAN, out);
    const double va = spread_of(a) / (a->n - 1), vb = spread_of(b) / (b->n - 1), ea = va / a->n, eb = vb / b->n;
    const double freedom = (ea + eb) * (ea + eb) / (ea * ea / (a->n - 1) + eb * eb / (b->n - 1));
    return put_t(ctx, (mean_of(a) - mean_of(b)) / sqrt(ea + eb), freedom, out);
}
/* The normal quantile by bisection on erfc: exact to the last bits of the probability. */
static double normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 200; i++) {
        const double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < p) low = middle;
        else high = middle;
    }
    return (low + high) / 2;
}
static fn_status z_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const sample *a = &((two *)state)->of[0], *b = &((two *)state)->of[1];
    double var_a, var_b, level;
    FN_TRY(agg_param_f64(ctx, call, 0, &var_a));
    FN_TRY(agg_param_f64(ctx, call, 1, &var_b));
    FN_TRY(agg_param_f64(ctx, call, 2, &level));
    const double error = sqrt(var_a / a->n + var_b / b->n), apart = mean_of(a) - mean_of(b), z = apart / error;
    const bool bad = !(a->n > 0) || !(b->n > 0) || !(var_a > 0) || !(var_b > 0) || !isfinite(z);
    const double around = normal_quantile((1 + level) / 2) * error;
    FN_TRY(agg_put_f64(ctx, &out->kids[2], bad ? (double)NAN : apart - around));
    FN_TRY(agg_put_f64(ctx, &out->kids[3], bad ? (double)NAN : apart + around));
    return put_pair(ctx, bad ? (double)NAN : z, bad ? (double)NAN : erfc(fabs(z) / sqrt(2)), out);
}
static fn_status two_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    const two *s = state;
    const double in_order[] = {s->of[0].n, s->of[1].n, s->of[0].sum, s->of[1].sum, s->of[0].squares, s->of[1].squares};
    return fn_buf_append(ctx, out, in_order, sizeof in_order);
}
static fn_status two_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    (void)arena;
    double v[6] = {0};
    FN_TRY(agg_take(ctx, v, sizeof v, at, end));
    *(two *)state = (two){{{v[0], v[2], v[4]}, {v[1], v[3], v[5]}}};
    return FN_OK;
}

/* ---- analysisOfVariance ---- */
enum { GROUPS_MAX = 1 << 16 };
static fn_status variance_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(agg_need_numbers(ctx, call, 0, false));
    if (!fn_type_is_integer(call->arg_types[1]) || !fn_type_is_unsigned(call->arg_types[1]) || call->arg_types[1]->width > 8)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second argument of aggregate function %s should be unsigned integer, but got type %s", call->def->name, call->arg_types[1]->name);
    static const char *const names[] = {"f_statistic", "p_value"};
    const fn_type *const parts[] = {fn_type_simple(FN_T_FLOAT64), fn_type_simple(FN_T_FLOAT64)};
    call->type = fn_type_tuple(parts, names, 2);
    call->state_size = sizeof(agg_items);
    call->state_align = 8;
    return FN_OK;
}
static fn_status sample_at(fn_ctx *ctx, fn_arena *arena, agg_items *s, uint64_t index, sample **out)
{
    if (index >= GROUPS_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Too many groups for analysis of variance (should be no more than %d, got %llu)", GROUPS_MAX, (unsigned long long)index);
    if (index >= s->count) {
        const uint32_t more = (uint32_t)index + 1 - s->count;
        void *to = agg_items_room(ctx, arena, s, more, sizeof(sample));
        FN_TRY_PTR(ctx, to);
        memset(to, 0, more * sizeof(sample));
        s->count += more;
    }
    *out = (sample *)(void *)s->data + index;
    return FN_OK;
}
static fn_status variance_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    sample *s = NULL;
    const double x = agg_f64(args[0], row);
    FN_TRY(sample_at(ctx, arena, state, agg_u64(args[1], row), &s));
    s->n += 1;
    s->sum += x;
    s->squares += x * x;
    return FN_OK;
}
#define OP variance
#include "aggregate/agg_by_row.inc"
static fn_status variance_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    const agg_items *b = from;
    for (uint32_t i = 0; i < b->count; i++) {
        const sample *theirs = (const sample *)(const void *)b->data + i;
        sample *mine = NULL;
        FN_TRY(sample_at(ctx, arena, into, i, &mine));
        mine->n += theirs->n;
        mine->sum += theirs->sum;
        mine->squares += theirs->squares;
    }
    return FN_OK;
}
static fn_status variance_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const agg_items *s = state;
    const sample *v = (const sample *)(const void *)s->data;
    double n = 0, sum = 0, between = 0, within = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        n += v[i].n;
        sum += v[i].sum;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        if (!(v[i].n > 0)) continue;
        const double mean = mean_of(&v[i]), apart = mean - sum / n;
        between += apart * apart * v[i].n;
        within += v[i].squares + mean * (v[i].n * mean - 2 * v[i].sum);
    }
    const double free_between = (double)s->count - 1, free_within = n - (double)s->count;
    const double f = between * free_within / (within * free_between);
    if (!isfinite(f) || f < 0) return put_pair(ctx, (double)NAN, (double)NAN, out);
    return put_pair(ctx, f, 1 - incomplete_beta(free_between / 2, free_within / 2, free_between * f / (free_between * f + free_within)), out);
}
static fn_status variance_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    return agg_items_write(ctx, state, sizeof(sample), out);
}
static fn_status variance_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    return agg_items_read(ctx, arena, state, sizeof(sample), at, end);
}

#define TWO_ROW(params, op) .args_min = 2, .args_max = 2, .params_max = (params), .bind = two_bind, .init = agg_zero_init, .add = two_add, .add_one = two_add_one, \
    .merge = two_merge, .finish = op##_finish, .write = two_write, .read = two_read
static const char *const anova_names[] = {"anova", NULL};
static const agg_def rows_[] = {
    {.name = "studentTTest", TWO_ROW(1, student), .about = "Student's t-test of two samples: statistic and two-sided probability.",
     .example = "studentTTest(number, number > 4) .1 < 0", .gives = "1"},
    {.name = "welchTTest", TWO_ROW(1, welch), .about = "Welch's t-test of two samples of unequal variances.", .example = "welchTTest(number, number > 4) .1 < 0", .gives = "1"},
    {.name = "meanZTest", TWO_ROW(3, z), .about = "Z-test of two means with known variances: statistic, probability, confidence interval.",
     .example = "meanZTest(1., 1., 0.95)(number, number > 4) .1 < 0", .gives = "1"},
    {.name = "analysisOfVariance", .aliases = anova_names, .args_min = 2, .args_max = 2, .bind = variance_bind, .init = agg_zero_init, .add = variance_add,
     .add_one = variance_add_one, .merge = variance_merge, .finish = variance_finish, .write = variance_write, .read = variance_read,
     .about = "One-way analysis of variance: F statistic and its probability.", .example = "analysisOfVariance(number, number % 2) .1 > 0", .gives = "1"},
};
const agg_family agg_family_test = AGG_FAMILY("test", rows_);
