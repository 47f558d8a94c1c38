/* agg_series.c - deltaSum, deltaSumTimestamp, boundingRatio, gini, simpleLinearRegression and the regr_ family: figures over series of
 * numbers. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_sort.h"
#include <math.h>

static fn_status finish_f64(fn_ctx *ctx, agg_call *call, uint32_t size)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_size = size;
    call->state_align = 8;
    return FN_OK;
}

/* ---- deltaSum: the sum of the rises. Numbers up to 64 bits; whole ones in 64 bits, floats as doubles ---- */
typedef union number {
    uint64_t whole;
    double real;
} number;
typedef struct delta {
    number sum, first, last;
    uint64_t first_time, last_time, seen;
} delta;

static bool is_real(const agg_call *call)
{
    return fn_type_is_float(call->arg_types[0]);
}
static fn_status delta_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(agg_need_numbers(ctx, call, 0, false));
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (call->arg_types[i]->width > 8) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s of %s is not supported", call->def->name, call->arg_types[i]->name);
    call->type = call->arg_types[0]->id == FN_T_BOOL ? fn_type_simple(FN_T_UINT8) : call->arg_types[0];
    call->state_size = sizeof(delta);
    call->state_align = 8;
    return FN_OK;
}
static fn_status timed_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[1];
    if (!fn_type_is_number(call->arg_types[0]) || call->arg_types[0]->id == FN_T_DECIMAL) return agg_illegal(ctx, call);
    if (!fn_type_is_integer(t) && !fn_type_is_float(t) && !fn_type_is_date_or_time(t)) return agg_illegal(ctx, call);
    if (fn_type_is_float(t) || t->width > 8 || call->arg_types[0]->width > 8)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s of %s, %s is not supported", call->def->name, call->arg_types[0]->name, t->name);
    call->type = call->arg_types[0]->id == FN_T_BOOL ? fn_type_simple(FN_T_UINT8) : call->arg_types[0];
    call->state_size = sizeof(delta);
    call->state_align = 8;
    return FN_OK;
}
static bool is_less(const agg_call *call, number a, number b)
{
    if (is_real(call)) return a.real < b.real;
    return call->arg_types[0]->phys >= FN_PHYS_I8 ? (int64_t)a.whole < (int64_t)b.whole : a.whole < b.whole;
}
static void rise(const agg_call *call, delta *s, number from, number to)
{
    if (!is_less(call, from, to)) return;
    if (is_real(call)) s->sum.real += to.real - from.real;
    else s->sum.whole += to.whole - from.whole;
}
static void join(const agg_call *call, delta *s, const delta *b)
{
    if (is_real(call)) s->sum.real += b->sum.real;
    else s->sum.whole += b->sum.whole;
}
static inline fn_status delta_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    delta *s = state;
    number v;
    if (is_real(call)) v.real = agg_f64(args[0], row);
    else v.whole = agg_u64(args[0], row);
    if (s->seen) rise(call, s, s->last, v);
    else s->first = v;
    s->last = v;
    if (call->arg_count == 2) {
        s->last_time = agg_u64(args[1], row);
        if (!s->seen) s->first_time = s->last_time;
    }
    s->seen = 1;
    return FN_OK;
}
#define OP delta
#include "aggregate/agg_by_row.inc"
static bool is_before(const agg_call *call, uint64_t a, uint64_t b)
{
    return call->arg_types[1]->phys >= FN_PHYS_I8 ? (int64_t)a < (int64_t)b : a < b;
}
static fn_status delta_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    delta *a = into;
    const delta *b = from;
    if (!b->seen) return FN_OK;
    if (!a->seen) {
        *a = *b;
        return FN_OK;
    }
    const bool swapped = call->arg_count == 2 && (is_before(call, b->last_time, a->first_time) ||
                                                  (b->last_time == a->first_time && is_before(call, b->first_time, a->first_time)));
    join(call, a, b);
    if (swapped) {
        rise(call, a, b->last, a->first);
        a->first = b->first;
        a->first_time = b->first_time;
        return FN_OK;
    }
    rise(call, a, a->last, b->first);
    a->last = b->last;
    a->last_time = b->last_time;
    return FN_OK;
}
static fn_status put_number(fn_ctx *ctx, const agg_call *call, number v, fn_builder *out)
{
    const float narrow = (float)v.real;
    return call->type->phys == FN_PHYS_F32 ? fn_builder_fixed(ctx, out, &narrow) : fn_builder_fixed(ctx, out, &v);
}
static fn_status delta_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return put_number(ctx, call, ((const delta *)state)->sum, out);
}
static fn_status write_number(fn_ctx *ctx, const fn_type *t, number v, fn_buf *out)
{
    const float narrow = (float)v.real;
    return t->phys == FN_PHYS_F32 ? fn_buf_append(ctx, out, &narrow, 4) : fn_buf_append(ctx, out, &v, t->width);
}
static fn_status take_number(fn_ctx *ctx, const fn_type *t, number *v, const uint8_t **at, const uint8_t *end)
{
    uint8_t bytes[8];
    FN_TRY(agg_take(ctx, bytes, t->width, at, end));
    const fn_column view = {.type = t, .shape = FN_CONST, .rows = 1, .values = bytes};
    if (fn_type_is_float(t)) v->real = agg_f64(&view, 0);
    else v->whole = agg_u64(&view, 0);
    return FN_OK;
}
static fn_status delta_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const delta *s = state;
    const fn_type *t = call->arg_types[0];
    FN_TRY(write_number(ctx, t, s->sum, out));
    FN_TRY(write_number(ctx, t, s->first, out));
    FN_TRY(write_number(ctx, t, s->last, out));
    if (call->arg_count == 2) {
        FN_TRY(fn_buf_append(ctx, out, &s->first_time, call->arg_types[1]->width));
        FN_TRY(fn_buf_append(ctx, out, &s->last_time, call->arg_types[1]->width));
    }
    return fn_buf_byte(ctx, out, (char)s->seen);
}
static fn_status delta_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    delta *s = state;
    number time = {0};
    const fn_type *t = call->arg_types[0];
    FN_TRY(take_number(ctx, t, &s->sum, at, end));
    FN_TRY(take_number(ctx, t, &s->first, at, end));
    FN_TRY(take_number(ctx, t, &s->last, at, end));
    if (call->arg_count == 2) {
        FN_TRY(take_number(ctx, call->arg_types[1], &time, at, end));
        s->first_time = time.whole;
        FN_TRY(take_number(ctx, call->arg_types[1], &time, at, end));
        s->last_time = time.whole;
    }
    return agg_take(ctx, &s->seen, 1, at, end);
}

/* ---- boundingRatio: the slope between the leftmost and the rightmost point ---- */
typedef struct ends {
    double left_x, left_y, right_x, right_y;
    uint64_t seen;
} ends;
static fn_status ends_bind(fn_ctx *ctx, agg_call *call)
{
    for (uint32_t i = 0; i < 2; i++)
        if (!agg_sortable(call->arg_types[i])) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Illegal types of arguments of aggregate function %s, must have number representation.", call->def->name);
    return finish_f64(ctx, call, sizeof(ends));
}
static void take_in(ends *s, double x, double y)
{
    if (!s->seen || x < s->left_x) {
        s->left_x = x;
        s->left_y = y;
    }
    if (!s->seen || x > s->right_x) {
        s->right_x = x;
        s->right_y = y;
    }
    s->seen = 1;
}
static inline fn_status ends_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)call;
    (void)arena;
    take_in(state, agg_f64(args[0], row), agg_f64(args[1], row));
    return FN_OK;
}
#define OP ends
#include "aggregate/agg_by_row.inc"
static fn_status ends_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)call;
    (void)arena;
    const ends *b = from;
    if (!b->seen) return FN_OK;
    take_in(into, b->left_x, b->left_y);
    take_in(into, b->right_x, b->right_y);
    return FN_OK;
}
static fn_status ends_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const ends *s = state;
    return agg_put_f64(ctx, out, s->seen ? (s->right_y - s->left_y) / (s->right_x - s->left_x) : (double)NAN);
}
static fn_status ends_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    const ends *s = state;
    FN_TRY(fn_buf_byte(ctx, out, (char)s->seen));
    return s->seen ? fn_buf_append(ctx, out, s, 4 * sizeof(double)) : FN_OK;
}
static fn_status ends_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    (void)arena;
    ends *s = state;
    FN_TRY(agg_take(ctx, &s->seen, 1, at, end));
    return s->seen ? agg_take(ctx, s, 4 * sizeof(double), at, end) : FN_OK;
}

/* ---- regressions. simpleLinearRegression: plain sums. regr_: sums of distances from the first row ---- */
typedef struct line {
    uint64_t count;
    double x, y, xx, xy, yy;
    double first_x, first_y; /* regr_: what x and y are counted from */
} line;
typedef enum line_what { LINE_FIT, AVG_X, AVG_Y, COUNT, INTERCEPT, R2, SLOPE, SXX, SXY, SYY } line_what;
static const struct {
    const char *name;
    line_what what;
} line_kinds[] = {{"simpleLinearRegression", LINE_FIT}, {"regr_avgx", AVG_X}, {"regr_avgy", AVG_Y}, {"regr_count", COUNT}, {"regr_intercept", INTERCEPT},
                  {"regr_r2", R2},                      {"regr_slope", SLOPE}, {"regr_sxx", SXX},   {"regr_sxy", SXY},     {"regr_syy", SYY}};
static line_what what_of(const agg_call *call)
{
    size_t i = 0;
    while (strcmp(line_kinds[i].name, call->def->name) != 0) i++;
    return line_kinds[i].what;
}
static fn_status line_bind(fn_ctx *ctx, agg_call *call)
{
    static const char *const names[] = {"k", "b"};
    const fn_type *const parts[] = {fn_type_simple(FN_T_FLOAT64), fn_type_simple(FN_T_FLOAT64)};
    FN_TRY(agg_need_numbers(ctx, call, 0, true));
    FN_TRY(finish_f64(ctx, call, sizeof(line)));
    if (what_of(call) == LINE_FIT) call->type = fn_type_tuple(parts, names, 2);
    if (what_of(call) == COUNT) call->type = fn_type_simple(FN_T_UINT64);
    return FN_OK;
}
/* regr_f(y, x), but simpleLinearRegression(x, y). */
static inline fn_status line_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    line *s = state;
    const bool plain = call->def->name[0] == 's';
    const double x = agg_f64(args[plain ? 0 : 1], row), y = agg_f64(args[plain ? 1 : 0], row);
    s->count++;
    if (!plain && s->count == 1) {
        s->first_x = x;
        s->first_y = y;
    }
    const double dx = x - s->first_x, dy = y - s->first_y;
    s->x += dx;
    s->y += dy;
    s->xx += dx * dx;
    s->xy += dx * dy;
    s->yy += dy * dy;
    return FN_OK;
}
#define OP line
#include "aggregate/agg_by_row.inc"
static fn_status line_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)call;
    (void)arena;
    line *a = into, moved = *(const line *)from;
    if (!moved.count) return FN_OK;
    if (!a->count) {
        *a = moved;
        return FN_OK;
    }
    const double n = (double)moved.count, dx = moved.first_x - a->first_x, dy = moved.first_y - a->first_y;
    moved.xx += dx * (2 * moved.x + n * dx);
    moved.yy += dy * (2 * moved.y + n * dy);
    moved.xy += dx * moved.y + dy * moved.x + n * dx * dy;
    a->count += moved.count;
    a->x += moved.x + n * dx;
    a->y += moved.y + n * dy;
    a->xx += moved.xx;
    a->xy += moved.xy;
    a->yy += moved.yy;
    return FN_OK;
}
static double line_value(const line *s, line_what what)
{
    const double n = (double)s->count, sxx = s->xx - s->x * s->x / n, syy = s->yy - s->y * s->y / n, sxy = s->xy - s->x * s->y / n;
    const double divisor = s->xx * n - s->x * s->x, mean_x = s->first_x + s->x / n, mean_y = s->first_y + s->y / n;
    switch (what) {
    case LINE_FIT: return divisor < 0 || divisor > 0 ? (s->xy * n - s->x * s->y) / divisor : (double)NAN;
    case AVG_X: return mean_x;
    case AVG_Y: return mean_y;
    case SLOPE: return sxx > 0 ? sxy / sxx : (double)NAN;
    case INTERCEPT: return sxx > 0 ? mean_y - sxy / sxx * mean_x : (double)NAN;
    case R2: return !(sxx > 0) ? (double)NAN : syy > 0 ? sxy * sxy / (sxx * syy) : 1;
    case SXX: return sxx;
    case SXY: return sxy;
    case SYY: return syy;
    case COUNT: break;
    }
    return n;
}
static fn_status line_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const line *s = state;
    const line_what what = what_of(call);
    if (what == COUNT) return fn_builder_fixed(ctx, out, &s->count);
    if (what != LINE_FIT) return agg_put_f64(ctx, out, line_value(s, what));
    const double slope = line_value(s, LINE_FIT);
    FN_TRY(agg_put_f64(ctx, &out->kids[0], slope));
    FN_TRY(agg_put_f64(ctx, &out->kids[1], (s->y - slope * s->x) / (double)s->count));
    return fn_builder_close_tuple(ctx, out);
}
static fn_status line_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    if (what_of(call) != LINE_FIT) return agg_plain_write(ctx, call, state, out);
    return fn_buf_append(ctx, out, state, offsetof(line, yy));
}
static fn_status line_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    if (what_of(call) != LINE_FIT) return agg_plain_read(ctx, call, arena, state, at, end);
    return agg_take(ctx, state, offsetof(line, yy), at, end);
}

/* ---- gini ---- */
static fn_status gini_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(agg_need_numbers(ctx, call, 0, true));
    return finish_f64(ctx, call, sizeof(agg_items));
}
static fn_status gini_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    const double v = agg_f64(args[0], row);
    return isnan(v) ? FN_OK : agg_items_push(ctx, arena, state, &v, sizeof v);
}
#define OP gini
#include "aggregate/agg_by_row.inc"
static fn_status gini_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    return agg_items_append(ctx, arena, into, from, sizeof(double));
}
static fn_status gini_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    agg_items *s = state;
    const double *v = (const double *)(const void *)s->data, n = s->count;
    double sum = 0, weighted = 0;
    agg_sort(FN_PHYS_F64, s->data, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        sum += v[i];
        weighted += (double)(i + 1) * v[i];
    }
    return agg_put_f64(ctx, out, s->count ? (2 * weighted - (n + 1) * sum) / (n * sum) : (double)NAN);
}
static fn_status gini_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    return agg_items_write(ctx, state, sizeof(double), out);
}
static fn_status gini_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    return agg_items_read(ctx, arena, state, sizeof(double), at, end);
}

#define OPS(op) .init = agg_zero_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, .finish = op##_finish, .write = op##_write, .read = op##_read
#define LINE_ROW .args_min = 2, .args_max = 2, .bind = line_bind, OPS(line)
static const agg_def rows_[] = {
    {.name = "deltaSum", .args_min = 1, .args_max = 1, .flags = AGG_ORDER_DEPENDENT, .bind = delta_bind, OPS(delta), .about = "Sum of the rises from row to row.",
     .example = "deltaSum(number % 3)", .gives = "6"},
    {.name = "deltaSumTimestamp", .args_min = 2, .args_max = 2, .flags = AGG_ORDER_DEPENDENT, .bind = timed_bind, OPS(delta),
     .about = "deltaSum whose parts are put together in the order of a time.", .example = "deltaSumTimestamp(number % 3, number)", .gives = "6"},
    {.name = "boundingRatio", .args_min = 2, .args_max = 2, .bind = ends_bind, OPS(ends), .about = "Slope between the points of the smallest and the greatest x.",
     .example = "boundingRatio(number, number * 2)", .gives = "2"},
    {.name = "simpleLinearRegression", LINE_ROW, .about = "Slope and offset of the line of least squares.", .example = "simpleLinearRegression(number, number * 2 + 1)",
     .gives = "(2,1)"},
    {.name = "regr_avgx", LINE_ROW, .about = "Mean of the second argument.", .example = "regr_avgx(number * 2, number)", .gives = "4.5"},
    {.name = "regr_avgy", LINE_ROW, .about = "Mean of the first argument.", .example = "regr_avgy(number * 2, number)", .gives = "9"},
    {.name = "regr_count", LINE_ROW, .about = "Number of pairs.", .example = "regr_count(number * 2, number)", .gives = "10"},
    {.name = "regr_intercept", LINE_ROW, .about = "Offset of the line of least squares of y by x.", .example = "regr_intercept(number * 2 + 1, number)", .gives = "1"},
    {.name = "regr_r2", LINE_ROW, .about = "Share of the variance the line explains.", .example = "regr_r2(number * 2 + 1, number)", .gives = "1"},
    {.name = "regr_slope", LINE_ROW, .about = "Slope of the line of least squares of y by x.", .example = "regr_slope(number * 2 + 1, number)", .gives = "2"},
    {.name = "regr_sxx", LINE_ROW, .about = "Sum of squares of x around its mean.", .example = "regr_sxx(number * 2, number)", .gives = "82.5"},
    {.name = "regr_sxy", LINE_ROW, .about = "Sum of products of x and y around their means.", .example = "regr_sxy(number * 2, number)", .gives = "165"},
    {.name = "regr_syy", LINE_ROW, .about = "Sum of squares of y around its mean.", .example = "regr_syy(number * 2, number)", .gives = "330"},
    {.name = "gini", .args_min = 1, .args_max = 1, .bind = gini_bind, OPS(gini), .about = "Gini's coefficient of inequality.", .example = "gini(number)",
     .gives = "0.36666666666666664"},
};
const agg_family agg_family_series = AGG_FAMILY("series", rows_);
