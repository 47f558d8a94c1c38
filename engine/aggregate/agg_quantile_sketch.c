/* agg_quantile_sketch.c - quantileDD: a DDSketch with logarithmic bins of a relative accuracy (C. Masson et al., "DDSketch", 2019):
 * bin i holds (gamma^i, gamma^(i+1)], gamma = (1 + a) / (1 - a). Bins lie dense from the lowest to the highest key met.
 * State: flag 2, gamma, offset; flags 1 and 3 with the positive and negative bins; flag 4 with the count of zeros.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_quantile.h"
#include <float.h>
#include <math.h>

typedef struct bins {
    double *counts; /* in the arena */
    int32_t first, length, capacity;
    double total;
} bins;
typedef struct sketch {
    bins above, below;
    double zeros;
} sketch;

static double gamma_of(const agg_call *call)
{
    const double a = QUANTILE(call)->accuracy;
    return (1 + a) / (1 - a);
}
static fn_status sketch_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    double accuracy;
    if (!agg_sortable(t) || t->width > 8 || t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64 || t->id == FN_T_DATE32) return agg_illegal(ctx, call);
    if (call->param_count == 0) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Aggregate function %s requires relative accuracy parameter", call->def->name);
    if (!fn_type_is_float(call->params[0]->type))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Aggregate function %s requires relative accuracy parameter with Float64 type", call->def->name);
    FN_TRY(agg_param_f64(ctx, call, 0, &accuracy));
    if (!(accuracy > 0 && accuracy < 1))
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Aggregate function %s requires relative accuracy parameter with value between 0 and 1 but is %g", call->def->name, accuracy);
    FN_TRY(quantile_bind(ctx, call, 1, fn_type_is_number(t) ? fn_type_simple(FN_T_FLOAT64) : t, sizeof(sketch)));
    ((quantile_bound *)call->data)->accuracy = accuracy;
    return FN_OK;
}
static fn_status add_bin(fn_ctx *ctx, fn_arena *arena, bins *b, int32_t key, double weight)
{
    if (b->length == 0) b->first = key;
    const int64_t low = FN_MIN(b->first, key), high = FN_MAX((int64_t)b->first + b->length, (int64_t)key + 1), need = high - low;
    if (need > INT32_MAX / 16) return fn_fail(ctx, FN_INCORRECT_DATA, "Too many bins in the state of aggregate function quantileDD");
    if (need > b->capacity || low < b->first) {
        const int32_t capacity = (int32_t)fn_next_pow2((uint64_t)need + 16);
        double *counts = fn_arena_alloc_zero(ctx, arena, (size_t)capacity * sizeof *counts);
        FN_TRY_PTR(ctx, counts);
        if (b->length) memcpy(counts + (b->first - low), b->counts, (size_t)b->length * sizeof *counts);
        b->counts = counts;
        b->capacity = capacity;
        b->first = (int32_t)low;
    }
    b->length = (int32_t)need;
    b->counts[key - b->first] += weight;
    b->total += weight;
    return FN_OK;
}
static int32_t key_of(const agg_call *call, double v)
{
    const double at = log(v) / log(gamma_of(call));
    return (int32_t)FN_MAX(FN_MIN(floor(at), 1e9), -1e9);
}
static inline fn_status sketch_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    sketch *s = state;
    const double v = agg_f64(args[0], row), least = DBL_MIN * gamma_of(call);
    if (isnan(v) || isinf(v)) return FN_OK;
    if (v > least) return add_bin(ctx, arena, &s->above, key_of(call, v), 1);
    if (v < -least) return add_bin(ctx, arena, &s->below, key_of(call, -v), 1);
    s->zeros += 1;
    return FN_OK;
}
#define OP sketch
#include "aggregate/agg_by_row.inc"
static fn_status merge_bins(fn_ctx *ctx, fn_arena *arena, bins *into, const bins *from)
{
    for (int32_t i = 0; i < from->length; i++)
        if (from->counts[i] > 0) FN_TRY(add_bin(ctx, arena, into, from->first + i, from->counts[i]));
    return FN_OK;
}
static fn_status sketch_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    sketch *a = into;
    const sketch *b = from;
    a->zeros += b->zeros;
    FN_TRY(merge_bins(ctx, arena, &a->above, &b->above));
    return merge_bins(ctx, arena, &a->below, &b->below);
}
static double value_at(const agg_call *call, const bins *b, double rank, bool from_below)
{
    double sum = 0;
    int32_t i = 0;
    for (; i + 1 < b->length; i++) {
        sum += b->counts[i];
        if (from_below ? sum > rank : sum >= rank + 1) break;
    }
    return exp((double)(b->first + i) / (1 / log(gamma_of(call)))) * (1 + QUANTILE(call)->accuracy);
}
static fn_status sketch_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    const sketch *s = state;
    const double count = s->above.total + s->below.total + s->zeros;
    if (!(count > 0)) return quantile_put_empty(ctx, out);
    const double rank = level * (count - 1);
    if (rank < s->below.total) return quantile_put(ctx, -value_at(call, &s->below, s->below.total - rank - 1, false), out);
    if (rank < s->below.total + s->zeros) return quantile_put(ctx, 0, out);
    return quantile_put(ctx, value_at(call, &s->above, rank - s->zeros - s->below.total, true), out);
}
static fn_status sketch_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return quantile_finish(ctx, call, state, out, sketch_level);
}

/* ---- the state; keys are zig-zag varints ---- */
enum { SPARSE = 4, DENSE = 12 };
static uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static fn_status write_bins(fn_ctx *ctx, const bins *b, fn_buf *out)
{
    uint64_t used = 0;
    int64_t last = 0;
    for (int32_t i = 0; i < b->length; i++) used += b->counts[i] > 0;
    if (used == 0) { /* a dense run of no bins, from the key that stands for "none" */
        FN_TRY(fn_buf_byte(ctx, out, DENSE));
        FN_TRY(fn_buf_leb(ctx, out, 0));
        FN_TRY(fn_buf_leb(ctx, out, zigzag(INT32_MAX)));
        return fn_buf_leb(ctx, out, zigzag(1));
    }
    FN_TRY(fn_buf_byte(ctx, out, SPARSE));
    FN_TRY(fn_buf_leb(ctx, out, used));
    for (int32_t i = 0; i < b->length; i++) {
        if (!(b->counts[i] > 0)) continue;
        const int64_t key = (int64_t)b->first + i;
        FN_TRY(fn_buf_leb(ctx, out, zigzag(key - last)));
        FN_TRY(fn_buf_append(ctx, out, &b->counts[i], 8));
        last = key;
    }
    return FN_OK;
}
static fn_status take_key(fn_ctx *ctx, int64_t *out, const uint8_t **at, const uint8_t *end)
{
    uint64_t v = 0;
    FN_TRY(agg_take_leb(ctx, &v, at, end));
    *out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    return *out > INT32_MAX || *out < -(int64_t)INT32_MAX ? fn_fail(ctx, FN_INCORRECT_DATA, "Invalid bin in the state of aggregate function quantileDD") : FN_OK;
}
static fn_status read_bins(fn_ctx *ctx, fn_arena *arena, bins *b, const uint8_t **at, const uint8_t *end)
{
    uint8_t form = 0;
    uint64_t n = 0;
    int64_t key = 0, step = 0;
    FN_TRY(agg_take(ctx, &form, 1, at, end));
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    if (form != SPARSE && form != DENSE) return fn_fail(ctx, FN_INCORRECT_DATA, "Invalid flag for store in the state of aggregate function quantileDD");
    if (form == DENSE) {
        FN_TRY(take_key(ctx, &key, at, end));
        FN_TRY(take_key(ctx, &step, at, end));
    }
    for (; n; n--) {
        int64_t delta = 0;
        double weight = 0;
        if (form == SPARSE) FN_TRY(take_key(ctx, &delta, at, end));
        FN_TRY(agg_take(ctx, &weight, 8, at, end));
        key += delta;
        if (key > 1000000000 || key < -1000000000 || !(weight >= 0) || isinf(weight))
            return fn_fail(ctx, FN_INCORRECT_DATA, "Invalid bin in the state of aggregate function quantileDD");
        if (weight > 0) FN_TRY(add_bin(ctx, arena, b, (int32_t)key, weight));
        if (form == DENSE) key += step;
    }
    return FN_OK;
}
static fn_status sketch_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const sketch *s = state;
    const double head[] = {gamma_of(call), 0};
    FN_TRY(fn_buf_byte(ctx, out, 2));
    FN_TRY(fn_buf_append(ctx, out, head, sizeof head));
    FN_TRY(fn_buf_byte(ctx, out, 1));
    FN_TRY(write_bins(ctx, &s->above, out));
    FN_TRY(fn_buf_byte(ctx, out, 3));
    FN_TRY(write_bins(ctx, &s->below, out));
    FN_TRY(fn_buf_byte(ctx, out, 4));
    return fn_buf_append(ctx, out, &s->zeros, 8);
}
static fn_status take_flag(fn_ctx *ctx, uint8_t wanted, const uint8_t **at, const uint8_t *end)
{
    uint8_t flag = 0;
    FN_TRY(agg_take(ctx, &flag, 1, at, end));
    return flag == wanted ? FN_OK : fn_fail(ctx, FN_INCORRECT_DATA, "Invalid flag in the state of aggregate function quantileDD");
}
static fn_status sketch_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    sketch *s = state;
    double head[2] = {0, 0};
    FN_TRY(take_flag(ctx, 2, at, end));
    FN_TRY(agg_take(ctx, head, sizeof head, at, end));
    if (!(fabs(head[0] - gamma_of(call)) < 1e-9) || !(fabs(head[1]) < 1e-9))
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function quantileDD of another accuracy are not supported");
    FN_TRY(take_flag(ctx, 1, at, end));
    FN_TRY(read_bins(ctx, arena, &s->above, at, end));
    FN_TRY(take_flag(ctx, 3, at, end));
    FN_TRY(read_bins(ctx, arena, &s->below, at, end));
    FN_TRY(take_flag(ctx, 4, at, end));
    return agg_take(ctx, &s->zeros, 8, at, end);
}

#define SKETCH_ROW .args_min = 1, .args_max = 1, .params_max = -1, .bind = sketch_bind, .init = agg_zero_init, .add = sketch_add, .add_one = sketch_add_one, \
    .merge = sketch_merge, .finish = sketch_finish, .write = sketch_write, .read = sketch_read
static const char *const median[] = {"medianDD", NULL};
static const agg_def rows_[] = {
    {.name = "quantileDD", .aliases = median, SKETCH_ROW, .about = "Quantile of a relative accuracy, by a DDSketch.", .example = "quantileDD(0.01, 0.5)(number + 1)",
     .gives = "5.002829575110705"},
    {.name = "quantilesDD", SKETCH_ROW, .flags = AGG_NO_NULL_RESULT, .about = "quantileDD of several levels.", .example = "quantilesDD(0.01, 0.5)(number + 1)",
     .gives = "[5.002829575110705]"},
};
const agg_family agg_family_quantile_sketch = AGG_FAMILY("quantile_sketch", rows_);
