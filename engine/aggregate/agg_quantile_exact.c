/* agg_quantile_exact.c - quantileExact, Low, High, Exclusive, Inclusive and quantile by a reservoir of 8192 values.
 *
 * All keep the values themselves; the reservoir replaces them at random from the 8193rd on (PCG 64/32, seed 123456, as ClickHouse
 * has it, so that small states agree byte for byte). States: exact ones a varint count and the values; the reservoir its capacity,
 * the number of values seen, the generator as text, the values. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_quantile.h"
#include <math.h>

typedef struct exact_state {
    agg_items items;
    uint64_t seen, random; /* reservoir only */
    bool sorted;
} exact_state;

enum { RESERVOIR = 8192 };
static const uint64_t random_step = 6364136223846793005u, random_seed = 123456 | 3;

/* ---- exact ---- */
static fn_status exact_bind(fn_ctx *ctx, agg_call *call)
{
    if (!agg_sortable(call->arg_types[0])) return agg_illegal(ctx, call);
    return quantile_bind(ctx, call, 0, call->arg_types[0], sizeof(exact_state));
}
static fn_status fraction_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!agg_sortable(t) || t->width > 8 || t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64 || t->id == FN_T_DATE32) return agg_illegal(ctx, call);
    return quantile_bind(ctx, call, 0, fn_type_simple(FN_T_FLOAT64), sizeof(exact_state));
}
static inline fn_status exact_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    exact_state *s = state;
    const uint32_t width = call->arg_types[0]->width;
    s->sorted = false;
    if (quantile_is_nan(args[0], row)) return FN_OK;
    return agg_items_push(ctx, arena, &s->items, args[0]->values + fn_column_stored(args[0], row) * width, width);
}
#define OP exact
#include "aggregate/agg_by_row.inc"
static fn_status exact_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    ((exact_state *)into)->sorted = false;
    return agg_items_append(ctx, arena, &((exact_state *)into)->items, &((const exact_state *)from)->items, call->arg_types[0]->width);
}
static void sort_items(const agg_call *call, exact_state *s)
{
    if (!s->sorted) agg_sort(call->arg_types[0]->phys, s->items.data, s->items.count);
    s->sorted = true;
}
static fn_status put_item(fn_ctx *ctx, const agg_call *call, exact_state *s, size_t index, fn_builder *out)
{
    return fn_builder_fixed(ctx, out, s->items.data + index * call->arg_types[0]->width);
}
static size_t rank(double level, size_t count)
{
    return level < 1 ? (size_t)(level * (double)count) : count - 1;
}
static fn_status exact_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    exact_state *s = state;
    if (!s->items.count) return quantile_put_empty(ctx, out);
    sort_items(call, s);
    return put_item(ctx, call, s, rank(level, s->items.count), out);
}
static fn_status low_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    exact_state *s = state;
    const size_t n = s->items.count;
    if (!n) return quantile_put_empty(ctx, out);
    sort_items(call, s);
    const bool middle = level >= 0.5 && level <= 0.5;
    return put_item(ctx, call, s, middle ? (n - 1) / 2 : rank(level, n), out);
}
static fn_status high_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    exact_state *s = state;
    const size_t n = s->items.count;
    if (!n) return quantile_put_empty(ctx, out);
    sort_items(call, s);
    const bool middle = level >= 0.5 && level <= 0.5;
    return put_item(ctx, call, s, middle ? n / 2 : rank(level, n), out);
}
static double item_f64(const agg_call *call, const exact_state *s, size_t index)
{
    const fn_column view = {.type = call->arg_types[0], .shape = FN_FLAT, .rows = s->items.count, .values = s->items.data};
    return agg_f64_wide(&view, index);
}
/* The value at position `at`, from 1, between its neighbours. */
static fn_status put_between(fn_ctx *ctx, const agg_call *call, exact_state *s, double at, fn_builder *out)
{
    const size_t n = (size_t)at, count = s->items.count;
    sort_items(call, s);
    if (n < 1) return agg_put_f64(ctx, out, item_f64(call, s, 0));
    if (n >= count) return agg_put_f64(ctx, out, item_f64(call, s, count - 1));
    const double low = item_f64(call, s, n - 1), high = item_f64(call, s, n);
    return agg_put_f64(ctx, out, low + (at - (double)n) * (high - low));
}
static fn_status exclusive_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    exact_state *s = state;
    if (!s->items.count) return quantile_put_empty(ctx, out);
    if (level <= 0 || level >= 1) return fn_fail(ctx, FN_BAD_ARGUMENTS, "QuantileExactExclusive cannot interpolate for the percentiles 1 and 0");
    return put_between(ctx, call, s, level * ((double)s->items.count + 1), out);
}
static fn_status inclusive_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    exact_state *s = state;
    if (!s->items.count) return quantile_put_empty(ctx, out);
    return put_between(ctx, call, s, level * ((double)s->items.count - 1) + 1, out);
}
static fn_status exact_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    return agg_items_write(ctx, &((const exact_state *)state)->items, call->arg_types[0]->width, out);
}
static fn_status exact_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    return agg_items_read(ctx, arena, &((exact_state *)state)->items, call->arg_types[0]->width, at, end);
}

/* ---- the reservoir ---- */
static fn_status sample_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!agg_sortable(t)) return agg_illegal(ctx, call);
    return quantile_bind(ctx, call, 0, fn_type_is_number(t) && t->id != FN_T_DECIMAL ? fn_type_simple(FN_T_FLOAT64) : t, sizeof(exact_state));
}
static void sample_init(const agg_call *call, void *state)
{
    agg_zero_init(call, state);
    ((exact_state *)state)->random = random_seed;
}
static uint32_t next_random(exact_state *s)
{
    uint64_t x = s->random;
    s->random *= random_step;
    const unsigned shift = (unsigned)(x >> 61);
    x ^= x >> 22;
    return (uint32_t)(x >> (22 + shift));
}
static uint64_t random_below(exact_state *s, uint64_t limit)
{
    const uint64_t first = next_random(s);
    if (limit <= UINT32_MAX) return first % limit;
    return ((first << 32) + next_random(s)) % limit;
}
static fn_status sample_insert(fn_ctx *ctx, fn_arena *arena, exact_state *s, const uint8_t *value, uint32_t width)
{
    s->sorted = false;
    s->seen++;
    if (s->items.count < RESERVOIR) return agg_items_push(ctx, arena, &s->items, value, width);
    const uint64_t slot = random_below(s, s->seen);
    if (slot < RESERVOIR) memcpy(s->items.data + slot * width, value, width);
    return FN_OK;
}
static inline fn_status sample_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    const uint32_t width = call->arg_types[0]->width;
    if (quantile_is_nan(args[0], row)) return FN_OK;
    return sample_insert(ctx, arena, state, args[0]->values + fn_column_stored(args[0], row) * width, width);
}
#define OP sample
#include "aggregate/agg_by_row.inc"
static fn_status sample_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const uint32_t width = call->arg_types[0]->width;
    exact_state *a = into;
    const exact_state *b = from;
    a->sorted = false;
    if (b->seen <= RESERVOIR) {
        for (uint32_t i = 0; i < b->items.count; i++) FN_TRY(sample_insert(ctx, arena, a, b->items.data + (size_t)i * width, width));
    } else if (a->seen <= RESERVOIR) {
        const agg_items mine = a->items;
        a->items = (agg_items){0};
        FN_TRY(agg_items_append(ctx, arena, &a->items, &b->items, width));
        a->seen = b->seen;
        for (uint32_t i = 0; i < mine.count; i++) FN_TRY(sample_insert(ctx, arena, a, mine.data + (size_t)i * width, width));
    } else {
        a->seen += b->seen;
        const double every = (double)a->seen / (double)b->seen;
        if (every * 2 >= RESERVOIR) {
            const uint64_t slot = random_below(a, (uint64_t)every);
            if (slot < RESERVOIR) memcpy(a->items.data + slot * width, b->items.data + slot * width, width);
        } else {
            for (double i = 0; i < RESERVOIR; i += every) memcpy(a->items.data + (size_t)i * width, b->items.data + (size_t)i * width, width);
        }
    }
    return FN_OK;
}
/* Decimals stay whole numbers: weights in units of 2^-52. */
static fn_status put_decimal(fn_ctx *ctx, const agg_call *call, exact_state *s, size_t left, double share, fn_builder *out)
{
    const uint32_t width = call->arg_types[0]->width;
    const uint8_t *a = s->items.data + left * width, *b = a + width;
    if (!(share > 0)) return fn_builder_fixed(ctx, out, a);
    const fn_i128 unit = (fn_i128)1 << 52, weight = (fn_i128)(uint64_t)ldexp(share, 52);
    if (width > 8) {
        const fn_i256 low = width == 16 ? fn_i256_from_i128(fn_load_i128(a)) : fn_load_i256(a), high = width == 16 ? fn_i256_from_i128(fn_load_i128(b)) : fn_load_i256(b);
        const fn_i256 step = fn_i256_div(fn_i256_mul(fn_i256_sub(high, low), fn_i256_from_i128(weight)), fn_i256_from_i128(unit), true, NULL);
        const fn_i256 sum = fn_i256_add(low, step);
        return fn_builder_fixed(ctx, out, &sum);
    }
    const fn_i128 low = width == 4 ? fn_load_i32(a) : fn_load_i64(a), high = width == 4 ? fn_load_i32(b) : fn_load_i64(b);
    const int64_t v = (int64_t)((low * (unit - weight) + high * weight) / unit);
    return fn_builder_fixed(ctx, out, &v);
}
static fn_status sample_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    exact_state *s = state;
    const fn_type *t = call->arg_types[0];
    if (!s->items.count) return quantile_put_empty(ctx, out);
    sort_items(call, s);
    const double at = FN_MIN(level * (double)(s->items.count - 1), (double)(s->items.count - 1));
    const size_t left = (size_t)at;
    const bool is_last = left + 1 == s->items.count;
    if (t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64) return put_decimal(ctx, call, s, left, is_last ? 0 : at - (double)left, out);
    const double low = item_f64(call, s, left);
    return quantile_put(ctx, is_last ? low : low * ((double)(left + 1) - at) + item_f64(call, s, left + 1) * (at - (double)left), out);
}
static fn_status sample_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const exact_state *s = state;
    static const uint64_t capacity = RESERVOIR;
    fn_buf text = FN_BUF_INIT;
    FN_TRY(fn_buf_append(ctx, out, &capacity, 8));
    FN_TRY(fn_buf_append(ctx, out, &s->seen, 8));
    fn_status status = fn_buf_printf(ctx, &text, "%llu 0 %llu", (unsigned long long)random_step, (unsigned long long)s->random);
    if (status == FN_OK) status = fn_buf_leb(ctx, out, text.size);
    if (status == FN_OK) status = fn_buf_str(ctx, out, fn_buf_view(&text));
    fn_buf_release(&text);
    FN_TRY(status);
    return s->items.count ? fn_buf_append(ctx, out, s->items.data, (size_t)s->items.count * call->arg_types[0]->width) : FN_OK;
}
static bool parse_random(fn_str text, uint64_t *out)
{
    size_t i = text.size;
    while (i && text.data[i - 1] >= '0' && text.data[i - 1] <= '9') i--;
    *out = 0;
    if (i == text.size) return false;
    for (; i < text.size; i++) *out = *out * 10 + (uint64_t)(text.data[i] - '0');
    return true;
}
static fn_status sample_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    exact_state *s = state;
    const uint32_t width = call->arg_types[0]->width;
    uint64_t capacity = 0, size = 0;
    FN_TRY(agg_take(ctx, &capacity, 8, at, end));
    FN_TRY(agg_take(ctx, &s->seen, 8, at, end));
    FN_TRY(agg_take_leb(ctx, &size, at, end));
    if (capacity != RESERVOIR || size > (uint64_t)(end - *at) || !parse_random((fn_str){(const char *)*at, size}, &s->random))
        return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function %s is broken", call->def->name);
    *at += size;
    const uint32_t count = (uint32_t)FN_MIN(s->seen, (uint64_t)RESERVOIR);
    if (count == 0) return FN_OK;
    void *to = agg_items_room(ctx, arena, &s->items, count, width);
    FN_TRY_PTR(ctx, to);
    s->items.count = count;
    return agg_take(ctx, to, (size_t)count * width, at, end);
}

#define FINISH(name)                                                                                                                        \
    static fn_status name##_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)                        \
    {                                                                                                                                       \
        (void)arena;                                                                                                                        \
        return quantile_finish(ctx, call, state, out, name##_level);                                                                        \
    }
FINISH(exact)
FINISH(low)
FINISH(high)
FINISH(exclusive)
FINISH(inclusive)
FINISH(sample)
#define ROW .args_min = 1, .args_max = 1, .params_max = -1
#define EXACT_ROW(op) ROW, .bind = exact_bind, .init = agg_zero_init, .add = exact_add, .add_one = exact_add_one, .merge = exact_merge, .finish = op##_finish, \
    .write = exact_write, .read = exact_read
#define FRACTION_ROW(op) ROW, .bind = fraction_bind, .init = agg_zero_init, .add = exact_add, .add_one = exact_add_one, .merge = exact_merge, .finish = op##_finish, \
    .write = exact_write, .read = exact_read
#define SAMPLE_ROW ROW, .bind = sample_bind, .init = sample_init, .add = sample_add, .add_one = sample_add_one, .merge = sample_merge, .finish = sample_finish, \
    .write = sample_write, .read = sample_read
static const char *const median[] = {"median", NULL};
static const char *const exact[] = {"medianExact", NULL};
static const char *const low[] = {"medianExactLow", NULL};
static const char *const high[] = {"medianExactHigh", NULL};
static const agg_def rows_[] = {
    {.name = "quantile", .aliases = median, SAMPLE_ROW, .about = "Quantile of a random sample of 8192 values, interpolated; the level is 0.5 when not given.",
     .example = "quantile(0.9)(number)", .gives = "8.1"},
    {.name = "quantiles", SAMPLE_ROW, .flags = AGG_NO_NULL_RESULT, .about = "Quantiles of several levels from one sample of 8192 values.", .example = "quantiles(0.5, 0.9)(number)",
     .gives = "[4.5,8.1]"},
    {.name = "quantileExact", .aliases = exact, EXACT_ROW(exact), .about = "Quantile of all values, without interpolation.", .example = "quantileExact(0.5)(number)",
     .gives = "5"},
    {.name = "quantilesExact", EXACT_ROW(exact), .flags = AGG_NO_NULL_RESULT, .about = "Exact quantiles of several levels.", .example = "quantilesExact(0.1, 0.9)(number)", .gives = "[1,9]"},
    {.name = "quantileExactLow", .aliases = low, EXACT_ROW(low), .about = "quantileExact, but of two middle values the lower one at level 0.5.",
     .example = "quantileExactLow(0.5)(number)", .gives = "4"},
    {.name = "quantilesExactLow", EXACT_ROW(low), .flags = AGG_NO_NULL_RESULT, .about = "quantileExactLow of several levels.", .example = "quantilesExactLow(0.5, 0.9)(number)",
     .gives = "[4,9]"},
    {.name = "quantileExactHigh", .aliases = high, EXACT_ROW(high), .about = "quantileExact, but of two middle values the higher one at level 0.5.",
     .example = "quantileExactHigh(0.5)(number)", .gives = "5"},
    {.name = "quantilesExactHigh", EXACT_ROW(high), .flags = AGG_NO_NULL_RESULT, .about = "quantileExactHigh of several levels.", .example = "quantilesExactHigh(0.5, 0.9)(number)",
     .gives = "[5,9]"},
    {.name = "quantileExactExclusive", FRACTION_ROW(exclusive), .about = "Interpolated exact quantile as PERCENTILE.EXC: level in (0, 1).",
     .example = "quantileExactExclusive(0.25)(number)", .gives = "1.75"},
    {.name = "quantilesExactExclusive", FRACTION_ROW(exclusive), .flags = AGG_NO_NULL_RESULT, .about = "quantileExactExclusive of several levels.",
     .example = "quantilesExactExclusive(0.25, 0.75)(number)", .gives = "[1.75,7.25]"},
    {.name = "quantileExactInclusive", FRACTION_ROW(inclusive), .about = "Interpolated exact quantile as PERCENTILE.INC.", .example = "quantileExactInclusive(0.25)(number)",
     .gives = "2.25"},
    {.name = "quantilesExactInclusive", FRACTION_ROW(inclusive), .flags = AGG_NO_NULL_RESULT, .about = "quantileExactInclusive of several levels.",
     .example = "quantilesExactInclusive(0.25, 0.75)(number)", .gives = "[2.25,6.75]"},
};
const agg_family agg_family_quantile_exact = AGG_FAMILY("quantile_exact", rows_);
