/* agg_quantile_timing.c - quantileTiming(Weighted): times in milliseconds up to 30 seconds. Up to 8193 values are kept as UInt16; from
 * there on they are counted, one counter per millisecond below 1024 and per 16 above. States as ClickHouse writes them: a kind byte
 * (1: up to 31 values, 2: more, 3: counters). SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_quantile.h"
#include <math.h>

enum { TINY = 31, LIST_MAX = 8192, LONGEST = 30000, FINE = 1024, STEP = 16, COARSE = (LONGEST - FINE) / STEP, COUNTERS = FINE + COARSE };

typedef struct timing {
    agg_items list;     /* of uint16_t */
    uint64_t *counters; /* COUNTERS of them, in the arena; NULL while the list is used */
    uint64_t count;     /* with counters: all values, also those too long for a counter */
    bool sorted;
} timing;

static fn_status timing_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!agg_sortable(t) || t->width > 8 || t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64 || t->id == FN_T_DATE32) return agg_illegal(ctx, call);
    if (call->arg_count == 2) FN_TRY(quantile_need_weight(ctx, call));
    return quantile_bind(ctx, call, 0, fn_type_simple(FN_T_FLOAT32), sizeof(timing));
}
static void count_value(timing *s, uint64_t v, uint64_t weight)
{
    s->count += weight;
    if (v < FINE) s->counters[v] += weight;
    else if (v < LONGEST) s->counters[FINE + (v - FINE) / STEP] += weight;
}
static fn_status use_counters(fn_ctx *ctx, fn_arena *arena, timing *s)
{
    if (s->counters) return FN_OK;
    s->counters = fn_arena_alloc_zero(ctx, arena, COUNTERS * sizeof *s->counters);
    FN_TRY_PTR(ctx, s->counters);
    for (uint32_t i = 0; i < s->list.count; i++) count_value(s, ((const uint16_t *)(const void *)s->list.data)[i], 1);
    s->list = (agg_items){0};
    return FN_OK;
}
static fn_status insert(fn_ctx *ctx, fn_arena *arena, timing *s, uint64_t v)
{
    const uint16_t kept = (uint16_t)FN_MIN(v, (uint64_t)LONGEST);
    if (s->list.count > LIST_MAX) FN_TRY(use_counters(ctx, arena, s));
    s->sorted = false;
    if (!s->counters) return agg_items_push(ctx, arena, &s->list, &kept, sizeof kept);
    count_value(s, v, 1);
    return FN_OK;
}
/* Negative times are left out. */
static bool time_at(const fn_column *c, size_t row, uint64_t *out)
{
    const double v = agg_f64(c, row);
    *out = v < LONGEST ? (uint64_t)(v > 0 ? v : 0) : LONGEST;
    return v >= 0;
}
static inline fn_status timing_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    timing *s = state;
    uint64_t v;
    if (!time_at(args[0], row, &v)) return FN_OK;
    if (call->arg_count == 1) return insert(ctx, arena, s, v);
    const uint64_t weight = agg_u64(args[1], row);
    if (!s->counters && weight < TINY && s->list.count + weight <= TINY) {
        for (uint64_t i = 0; i < weight; i++) FN_TRY(insert(ctx, arena, s, v));
        return FN_OK;
    }
    FN_TRY(use_counters(ctx, arena, s));
    count_value(s, v, weight);
    return FN_OK;
}
#define OP timing
#include "aggregate/agg_by_row.inc"
static fn_status timing_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    timing *a = into;
    const timing *b = from;
    if (b->counters) {
        FN_TRY(use_counters(ctx, arena, a));
        a->count += b->count;
        for (uint32_t i = 0; i < COUNTERS; i++) a->counters[i] += b->counters[i];
        return FN_OK;
    }
    for (uint32_t i = 0; i < b->list.count; i++) FN_TRY(insert(ctx, arena, a, ((const uint16_t *)(const void *)b->list.data)[i]));
    return FN_OK;
}

/* Jenkins' 32-bit mix of 64 bits, by which ClickHouse hides that coarse counters are even. */
static uint32_t mix(uint64_t key)
{
    key = ~key + (key << 18);
    key ^= key >> 31 | key << 33;
    key *= 21;
    key ^= key >> 11 | key << 53;
    key += key << 6;
    key ^= key >> 22 | key << 42;
    return (uint32_t)key;
}
static uint32_t counter_value(uint32_t index)
{
    if (index < FINE) return index;
    const uint32_t i = index - FINE;
    return i * STEP + FINE + mix(i) % STEP - STEP / 2;
}
static fn_status timing_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    (void)call;
    timing *s = state;
    float v = LONGEST;
    if (s->counters) {
        if (!s->count) return quantile_put_empty(ctx, out);
        const double wanted = ceil((double)s->count * level);
        double sum = 0;
        for (uint32_t i = 0; i < COUNTERS; i++) {
            sum += (double)s->counters[i];
            if (!s->counters[i] || sum < wanted) continue;
            v = (float)counter_value(i);
            break;
        }
        return fn_builder_fixed(ctx, out, &v);
    }
    if (!s->list.count) return quantile_put_empty(ctx, out);
    if (!s->sorted) agg_sort(FN_PHYS_U16, s->list.data, s->list.count);
    s->sorted = true;
    v = fn_load_u16(s->list.data + 2 * (level < 1 ? (size_t)((double)s->list.count * level) : s->list.count - 1));
    return fn_builder_fixed(ctx, out, &v);
}
static fn_status timing_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return quantile_finish(ctx, call, state, out, timing_level);
}

static fn_status write_counters(fn_ctx *ctx, const timing *s, fn_buf *out)
{
    static const uint16_t last = LONGEST;
    FN_TRY(fn_buf_append(ctx, out, &s->count, 8));
    if (s->count * 2 > COUNTERS) return fn_buf_append(ctx, out, s->counters, COUNTERS * sizeof *s->counters);
    for (uint32_t i = 0; i < COUNTERS; i++) {
        const uint16_t index = (uint16_t)i;
        if (!s->counters[i]) continue;
        FN_TRY(fn_buf_append(ctx, out, &index, 2));
        FN_TRY(fn_buf_append(ctx, out, &s->counters[i], 8));
    }
    return fn_buf_append(ctx, out, &last, 2);
}
static fn_status timing_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    const timing *s = state;
    const uint64_t count = s->list.count;
    FN_TRY(fn_buf_byte(ctx, out, s->counters ? 3 : count <= TINY ? 1 : 2));
    if (s->counters) return write_counters(ctx, s, out);
    FN_TRY(fn_buf_append(ctx, out, &count, count <= TINY ? 2 : 8));
    return count ? fn_buf_append(ctx, out, s->list.data, count * 2) : FN_OK;
}
static fn_status read_counters(fn_ctx *ctx, fn_arena *arena, timing *s, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(use_counters(ctx, arena, s));
    FN_TRY(agg_take(ctx, &s->count, 8, at, end));
    if (s->count > COUNTERS / 2) return agg_take(ctx, s->counters, COUNTERS * sizeof *s->counters, at, end);
    for (;;) {
        uint16_t index = 0;
        FN_TRY(agg_take(ctx, &index, 2, at, end));
        if (index == LONGEST) return FN_OK;
        if (index >= COUNTERS) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function quantileTiming is broken");
        FN_TRY(agg_take(ctx, &s->counters[index], 8, at, end));
    }
}
static fn_status timing_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    timing *s = state;
    uint8_t kind = 0;
    uint64_t count = 0;
    FN_TRY(agg_take(ctx, &kind, 1, at, end));
    if (kind == 3) return read_counters(ctx, arena, s, at, end);
    if (kind != 1 && kind != 2) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function quantileTiming is broken");
    FN_TRY(agg_take(ctx, &count, kind == 1 ? 2 : 8, at, end));
    if (count > (uint64_t)(end - *at) / 2) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
    for (; count; count--) {
        uint16_t v = 0;
        FN_TRY(agg_take(ctx, &v, 2, at, end));
        FN_TRY(insert(ctx, arena, s, v));
    }
    return FN_OK;
}

#define TIMING_ROW(args) .args_min = (args), .args_max = (args), .params_max = -1, .bind = timing_bind, .init = agg_zero_init, .add = timing_add, \
    .add_one = timing_add_one, .merge = timing_merge, .finish = timing_finish, .write = timing_write, .read = timing_read
static const char *const median[] = {"medianTiming", NULL};
static const char *const median_weighted[] = {"medianTimingWeighted", NULL};
static const agg_def rows_[] = {
    {.name = "quantileTiming", .aliases = median, TIMING_ROW(1), .about = "Quantile of times in milliseconds up to 30 s, exact below 1024.",
     .example = "quantileTiming(0.5)(number)", .gives = "5"},
    {.name = "quantilesTiming", TIMING_ROW(1), .flags = AGG_NO_NULL_RESULT, .about = "quantileTiming of several levels.", .example = "quantilesTiming(0.1, 0.9)(number)",
     .gives = "[1,9]"},
    {.name = "quantileTimingWeighted", .aliases = median_weighted, TIMING_ROW(2), .about = "quantileTiming of values with weights.",
     .example = "quantileTimingWeighted(0.5)(number, 1)", .gives = "5"},
    {.name = "quantilesTimingWeighted", TIMING_ROW(2), .flags = AGG_NO_NULL_RESULT, .about = "quantileTimingWeighted of several levels.",
     .example = "quantilesTimingWeighted(0.1, 0.9)(number, 1)", .gives = "[1,9]"},
};
const agg_family agg_family_quantile_timing = AGG_FAMILY("quantile_timing", rows_);
