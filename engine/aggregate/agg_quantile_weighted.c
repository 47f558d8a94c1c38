/* agg_quantile_weighted.c - quantiles over values with weights: ExactWeighted, ExactWeightedInterpolated, InterpolatedWeighted, and the
 * histograms of BFloat16 values. The state is a list of {value, weight}; equal values are joined whenever the list has doubled.
 * Written as a varint count and the pairs, in the order of the values. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_quantile.h"
#include <math.h>

typedef struct weighted_state {
    agg_items pairs;
    uint32_t joined; /* the first so many pairs are sorted and distinct */
} weighted_state;

enum { JOIN_AT = 4096 };

/* BFloat16 histograms keep the upper half of a float as its key. */
static bool is_histogram(const agg_call *call)
{
    return strstr(call->def->name, "BFloat16") != NULL;
}
static fn_phys phys_of(const agg_call *call)
{
    return is_histogram(call) ? FN_PHYS_U16 : call->arg_types[0]->phys;
}

static uint64_t pair_weight(const agg_call *call, const uint8_t *pair)
{
    return fn_load_u64(pair + agg_pair_weight(phys_of(call)));
}
static void join(const agg_call *call, weighted_state *s)
{
    const fn_phys phys = phys_of(call);
    const uint32_t size = agg_pair_size(phys), at = agg_pair_weight(phys), width = fn_phys_width(phys);
    uint32_t kept = 0;
    if (s->joined == s->pairs.count) return;
    agg_sort_pairs(phys, s->pairs.data, s->pairs.count);
    for (uint32_t i = 0; i < s->pairs.count; i++) {
        const uint8_t *p = s->pairs.data + (size_t)i * size;
        uint8_t *last = kept ? s->pairs.data + (size_t)(kept - 1) * size : NULL;
        if (last && memcmp(last, p, width) == 0) fn_store_u64(last + at, fn_load_u64(last + at) + fn_load_u64(p + at));
        else memmove(s->pairs.data + (size_t)kept++ * size, p, size);
    }
    s->pairs.count = s->joined = kept;
}
static fn_status insert(fn_ctx *ctx, const agg_call *call, fn_arena *arena, weighted_state *s, const void *value, uint64_t weight)
{
    uint8_t pair[64] = {0};
    const fn_phys phys = phys_of(call);
    if (s->pairs.count >= JOIN_AT && s->pairs.count == s->pairs.capacity) join(call, s);
    memcpy(pair, value, fn_phys_width(phys));
    fn_store_u64(pair + agg_pair_weight(phys), weight);
    if (s->pairs.count >= JOIN_AT && 2 * s->pairs.count > s->pairs.capacity && s->joined == s->pairs.count)
        FN_TRY_PTR(ctx, agg_items_room(ctx, arena, &s->pairs, s->pairs.count, agg_pair_size(phys)));
    return agg_items_push(ctx, arena, &s->pairs, pair, agg_pair_size(phys));
}

static fn_status weighted_bind(fn_ctx *ctx, agg_call *call)
{
    if (!agg_sortable(call->arg_types[0])) return agg_illegal(ctx, call);
    FN_TRY(quantile_need_weight(ctx, call));
    return quantile_bind(ctx, call, 0, call->arg_types[0], sizeof(weighted_state));
}
/* Interpolated between neighbours: numbers become Float64. */
static fn_status between_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    FN_TRY(weighted_bind(ctx, call));
    return quantile_bind(ctx, call, 0, fn_type_is_number(t) && t->id != FN_T_DECIMAL ? fn_type_simple(FN_T_FLOAT64) : t, sizeof(weighted_state));
}
static fn_status histogram_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!agg_sortable(t) || t->width > 8 || t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64 || t->id == FN_T_DATE32) return agg_illegal(ctx, call);
    if (call->arg_count == 2) FN_TRY(quantile_need_weight(ctx, call));
    return quantile_bind(ctx, call, 0, fn_type_is_number(t) ? fn_type_simple(FN_T_FLOAT64) : t, sizeof(weighted_state));
}
static inline fn_status weighted_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    if (quantile_is_nan(args[0], row)) return FN_OK;
    return insert(ctx, call, arena, state, args[0]->values + fn_column_stored(args[0], row) * args[0]->type->width, agg_u64(args[1], row));
}
static inline fn_status histogram_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    const float v = (float)agg_f64(args[0], row);
    uint32_t bits;
    if (isnan(v)) return FN_OK;
    memcpy(&bits, &v, sizeof bits);
    const uint16_t key = (uint16_t)(bits >> 16);
    return insert(ctx, call, arena, state, &key, call->arg_count == 2 ? agg_u64(args[1], row) : 1);
}
#define OP weighted
#include "aggregate/agg_by_row.inc"
#define OP histogram
#include "aggregate/agg_by_row.inc"
static fn_status weighted_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const weighted_state *b = from;
    const uint32_t size = agg_pair_size(phys_of(call));
    for (uint32_t i = 0; i < b->pairs.count; i++) {
        const uint8_t *p = b->pairs.data + (size_t)i * size;
        FN_TRY(insert(ctx, call, arena, into, p, pair_weight(call, p)));
    }
    return FN_OK;
}

static double total_weight(const agg_call *call, const weighted_state *s)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->pairs.count; i++) sum += (double)pair_weight(call, s->pairs.data + (size_t)i * agg_pair_size(phys_of(call)));
    return sum;
}
static const uint8_t *pair_at(const agg_call *call, const weighted_state *s, uint32_t index)
{
    return s->pairs.data + (size_t)index * agg_pair_size(phys_of(call));
}
static double value_at(const agg_call *call, const weighted_state *s, uint32_t index)
{
    const fn_column view = {.type = call->arg_types[0], .shape = FN_CONST, .rows = 1, .values = pair_at(call, s, index)};
    const double v = agg_f64_wide(&view, 0);
    return call->arg_types[0]->id == FN_T_DECIMAL || call->arg_types[0]->id == FN_T_DATETIME64 ? round(v * pow(10, call->arg_types[0]->scale)) : v;
}
/* A physical value (decimals in their units) as the result's type. */
static fn_status put_value(fn_ctx *ctx, double v, fn_builder *out)
{
    if (out->type->width <= 8) return quantile_put(ctx, v, out);
    const fn_i256 wide = fn_i256_from_f64(v, out->type->phys == FN_PHYS_I128 || out->type->phys == FN_PHYS_I256);
    return fn_builder_fixed(ctx, out, &wide);
}

/* The first value whose cumulated weight reaches the level's share. */
static fn_status weighted_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    weighted_state *s = state;
    if (!s->pairs.count) return quantile_put_empty(ctx, out);
    join(call, s);
    const double threshold = ceil(total_weight(call, s) * level);
    double sum = 0;
    uint32_t i = 0;
    for (; i + 1 < s->pairs.count; i++) {
        sum += (double)pair_weight(call, pair_at(call, s, i));
        if (sum >= threshold) break;
    }
    return fn_builder_fixed(ctx, out, pair_at(call, s, i));
}
static fn_status histogram_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    weighted_state *s = state;
    if (!s->pairs.count) return quantile_put_empty(ctx, out);
    join(call, s);
    const double threshold = ceil(total_weight(call, s) * level);
    double sum = 0;
    float v = 0;
    /* Negative floats sort the other way round by their bits: from the greatest key down to the sign bit, then up. */
    uint32_t first_negative = s->pairs.count;
    while (first_negative > 0 && fn_load_u16(pair_at(call, s, first_negative - 1)) >= 0x8000) first_negative--;
    for (uint32_t k = 0; k < s->pairs.count; k++) {
        const uint32_t negatives = s->pairs.count - first_negative, i = k < negatives ? s->pairs.count - 1 - k : k - negatives;
        const uint8_t *p = pair_at(call, s, i);
        const uint32_t bits = (uint32_t)fn_load_u16(p) << 16;
        memcpy(&v, &bits, sizeof v);
        sum += (double)pair_weight(call, p);
        if (sum >= threshold) break;
    }
    return quantile_put(ctx, (double)v, out);
}
/* Position among the weights as if each value were there as often as its weight says. */
static uint32_t find_position(const agg_call *call, const weighted_state *s, double position)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->pairs.count; i++) {
        sum += pair_weight(call, pair_at(call, s, i));
        if (sum >= (uint64_t)position + 1) return i;
    }
    return s->pairs.count - 1;
}
static fn_status between_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    weighted_state *s = state;
    if (!s->pairs.count) return quantile_put_empty(ctx, out);
    join(call, s);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->pairs.count; i++) sum += pair_weight(call, pair_at(call, s, i));
    const double position = (double)(sum - 1) * level, below = floor(position), above = ceil(position);
    const double low = value_at(call, s, find_position(call, s, below)), high = value_at(call, s, find_position(call, s, above));
    if (below >= above || (low <= high && high <= low)) return put_value(ctx, low, out);
    return put_value(ctx, (above - position) * low + (position - below) * high, out);
}
/* Each value stands at the middle of its weight; between two of them linearly. */
static fn_status middle_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    weighted_state *s = state;
    if (!s->pairs.count) return quantile_put_empty(ctx, out);
    join(call, s);
    const double total = total_weight(call, s);
    double sum = 0, left = 0, right = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->pairs.count; i++) {
        const double weight = (double)pair_weight(call, pair_at(call, s, i)), middle = sum + 0.5 * weight, share = total > 0 ? middle / total : middle;
        sum += weight;
        if (i == 0 || (share <= level && i + 1 < s->pairs.count)) {
            at = i;
            left = right = share;
        } else {
            right = share;
            break;
        }
    }
    const uint32_t next = at + 1 < s->pairs.count ? at + 1 : at;
    double low = value_at(call, s, at), high = value_at(call, s, next);
    if (level < left) high = low;
    if (level > right) low = high;
    const double apart = right - left;
    return put_value(ctx, low + (high - low) / (apart > 0 ? apart : 1) * (level - left), out);
}

static fn_status weighted_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const weighted_state *s = state;
    const fn_phys phys = phys_of(call);
    weighted_state sorted = *s;
    fn_status status = FN_OK;
    uint8_t *copy = fn_alloc(ctx, (size_t)s->pairs.count * agg_pair_size(phys) + 16);
    FN_TRY_PTR(ctx, copy);
    if (s->pairs.count) memcpy(copy, s->pairs.data, (size_t)s->pairs.count * agg_pair_size(phys));
    sorted.pairs.data = copy;
    join(call, &sorted);
    status = fn_buf_leb(ctx, out, sorted.pairs.count);
    for (uint32_t i = 0; i < sorted.pairs.count && status == FN_OK; i++) {
        const uint8_t *p = pair_at(call, &sorted, i);
        status = fn_buf_append(ctx, out, p, fn_phys_width(phys));
        if (status == FN_OK) status = fn_buf_append(ctx, out, p + agg_pair_weight(phys), 8);
    }
    fn_free(copy);
    return status;
}
static fn_status weighted_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    uint64_t n = 0;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    for (; n; n--) {
        uint8_t value[32];
        uint64_t weight = 0;
        FN_TRY(agg_take(ctx, value, fn_phys_width(phys_of(call)), at, end));
        FN_TRY(agg_take(ctx, &weight, 8, at, end));
        FN_TRY(insert(ctx, call, arena, state, value, weight));
    }
    return FN_OK;
}

#define FINISH(name)                                                                                                                        \
    static fn_status name##_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)                        \
    {                                                                                                                                       \
        (void)arena;                                                                                                                        \
        return quantile_finish(ctx, call, state, out, name##_level);                                                                        \
    }
FINISH(weighted)
FINISH(between)
FINISH(middle)
FINISH(histogram)
#define STATE .params_max = -1, .init = agg_zero_init, .merge = weighted_merge, .write = weighted_write, .read = weighted_read
#define WEIGHTED_ROW(op, binder) STATE, .args_min = 2, .args_max = 2, .bind = binder, .add = weighted_add, .add_one = weighted_add_one, .finish = op##_finish
#define HISTOGRAM_ROW(args) STATE, .args_min = (args), .args_max = (args), .bind = histogram_bind, .add = histogram_add, .add_one = histogram_add_one, \
    .finish = histogram_finish
static const char *const exact[] = {"medianExactWeighted", NULL};
static const char *const interpolated[] = {"medianExactWeightedInterpolated", NULL};
static const char *const middle[] = {"medianInterpolatedWeighted", NULL};
static const char *const brain[] = {"medianBFloat16", NULL};
static const char *const brain_weighted[] = {"medianBFloat16Weighted", NULL};
static const agg_def rows_[] = {
    {.name = "quantileExactWeighted", .aliases = exact, WEIGHTED_ROW(weighted, weighted_bind), .about = "Exact quantile where each value counts as often as its weight says.",
     .example = "quantileExactWeighted(0.5)(number, 1)", .gives = "4"},
    {.name = "quantilesExactWeighted", WEIGHTED_ROW(weighted, weighted_bind), .flags = AGG_NO_NULL_RESULT, .about = "quantileExactWeighted of several levels.",
     .example = "quantilesExactWeighted(0.1, 0.9)(number, 1)", .gives = "[0,8]"},
    {.name = "quantileExactWeightedInterpolated", .aliases = interpolated, WEIGHTED_ROW(between, between_bind), .about = "quantileExactWeighted, interpolated between neighbours.",
     .example = "quantileExactWeightedInterpolated(0.5)(number / 1, 1)", .gives = "4.5"},
    {.name = "quantilesExactWeightedInterpolated", WEIGHTED_ROW(between, between_bind), .flags = AGG_NO_NULL_RESULT, .about = "quantileExactWeightedInterpolated of several levels.",
     .example = "quantilesExactWeightedInterpolated(0.5)(number / 1, 1)", .gives = "[4.5]"},
    {.name = "quantileInterpolatedWeighted", .aliases = middle, WEIGHTED_ROW(middle, weighted_bind), .about = "Quantile with each value at the middle of its weight, interpolated.",
     .example = "quantileInterpolatedWeighted(0.5)(number / 1, 1)", .gives = "4.5"},
    {.name = "quantilesInterpolatedWeighted", WEIGHTED_ROW(middle, weighted_bind), .flags = AGG_NO_NULL_RESULT, .about = "quantileInterpolatedWeighted of several levels.",
     .example = "quantilesInterpolatedWeighted(0.5)(number / 1, 1)", .gives = "[4.5]"},
    {.name = "quantileBFloat16", .aliases = brain, HISTOGRAM_ROW(1), .about = "Quantile of the values rounded to 16-bit floats.", .example = "quantileBFloat16(0.5)(number)",
     .gives = "4"},
    {.name = "quantilesBFloat16", HISTOGRAM_ROW(1), .flags = AGG_NO_NULL_RESULT, .about = "quantileBFloat16 of several levels.", .example = "quantilesBFloat16(0.5)(number)",
     .gives = "[4]"},
    {.name = "quantileBFloat16Weighted", .aliases = brain_weighted, HISTOGRAM_ROW(2), .about = "quantileBFloat16 of values with weights.",
     .example = "quantileBFloat16Weighted(0.5)(number, 1)", .gives = "4"},
    {.name = "quantilesBFloat16Weighted", HISTOGRAM_ROW(2), .flags = AGG_NO_NULL_RESULT, .about = "quantileBFloat16Weighted of several levels.",
     .example = "quantilesBFloat16Weighted(0.5)(number, 1)", .gives = "[4]"},
};
const agg_family agg_family_quantile_weighted = AGG_FAMILY("quantile_weighted", rows_);
