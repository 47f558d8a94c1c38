/* agg_quantile_rank.c - quantileDeterministic: a sample picked by the hash of a second argument; and quantileGK after Greenwald and
 * Khanna, "Space-efficient online computation of quantile summaries" (2001), in the batched form Spark and ClickHouse use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_quantile.h"
#include <math.h>

/* ---- deterministic ---- */
typedef struct picked {
    double value;
    uint64_t hash;
} picked;
typedef struct picked_state {
    agg_items items; /* of picked */
    uint64_t seen;
    uint32_t mask;
    bool sorted;
} picked_state;
enum { PICKED_MAX = 8192 };

static fn_status picked_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!agg_sortable(t) || t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64 || t->id == FN_T_DATE32) return agg_illegal(ctx, call);
    FN_TRY(quantile_need_weight(ctx, call));
    return quantile_bind(ctx, call, 0, fn_type_is_number(t) ? fn_type_simple(FN_T_FLOAT64) : t, sizeof(picked_state));
}
/* The finalizer of MurmurHash3, 64 bits. */
static uint64_t hash_of(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ (x >> 33);
}
static void thin(picked_state *s)
{
    picked *v = (picked *)(void *)s->items.data;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->items.count; i++)
        if (!(v[i].hash & s->mask)) v[kept++] = v[i];
    s->items.count = kept;
}
static fn_status pick(fn_ctx *ctx, fn_arena *arena, picked_state *s, picked p)
{
    if (p.hash & s->mask) return FN_OK;
    while (s->items.count >= PICKED_MAX) {
        if (s->mask == UINT32_MAX) return fn_fail(ctx, FN_MEMORY_LIMIT_EXCEEDED, "skip_degree exceeds maximum value");
        s->mask = s->mask * 2 + 1;
        thin(s);
        if (p.hash & s->mask) return FN_OK;
    }
    s->sorted = false;
    return agg_items_push(ctx, arena, &s->items, &p, sizeof p);
}
static inline fn_status picked_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    picked_state *s = state;
    if (quantile_is_nan(args[0], row)) return FN_OK;
    s->seen++;
    return pick(ctx, arena, s, (picked){agg_f64(args[0], row), (uint32_t)hash_of(agg_u64(args[1], row))});
}
#define OP picked
#include "aggregate/agg_by_row.inc"
static fn_status picked_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    picked_state *a = into;
    const picked_state *b = from;
    if (b->mask > a->mask) {
        a->mask = b->mask;
        thin(a);
    }
    for (uint32_t i = 0; i < b->items.count; i++) FN_TRY(pick(ctx, arena, a, ((const picked *)(const void *)b->items.data)[i]));
    a->seen += b->seen;
    return FN_OK;
}
static fn_status picked_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    (void)call;
    picked_state *s = state;
    const uint32_t n = s->items.count;
    if (!n) return quantile_put_empty(ctx, out);
    if (!s->sorted) agg_sort_pairs(FN_PHYS_F64, s->items.data, n); /* a picked is a pair of a double and a word */
    s->sorted = true;
    const picked *v = (const picked *)(const void *)s->items.data;
    const double at = FN_MIN(level * (double)(n - 1), (double)(n - 1));
    const uint32_t left = (uint32_t)at;
    if (left + 1 == n) return quantile_put(ctx, v[left].value, out);
    return quantile_put(ctx, v[left].value * ((double)(left + 1) - at) + v[left + 1].value * (at - (double)left), out);
}
static fn_status picked_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return quantile_finish(ctx, call, state, out, picked_level);
}
/* A value in the state has the argument's own width and is followed by its hash, padded to the value's alignment. */
static uint32_t element_size(const fn_type *t)
{
    const uint32_t align = FN_MAX(t->width, 4u);
    return t->width > 8 ? 0 : (FN_MAX(t->width, 4u) + 4 + align - 1) / align * align;
}
static fn_status picked_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const picked_state *s = state;
    const fn_type *t = call->arg_types[0];
    const uint64_t n = s->items.count;
    const uint32_t size = element_size(t);
    if (!size) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function %s of %s are not supported", call->def->name, t->name);
    FN_TRY(fn_buf_append(ctx, out, &n, 8));
    FN_TRY(fn_buf_append(ctx, out, &s->seen, 8));
    for (uint32_t i = 0; i < n; i++) {
        const picked *p = (const picked *)(const void *)s->items.data + i;
        uint8_t element[16] = {0};
        const float narrow = (float)p->value;
        const int64_t whole = fn_type_is_float(t) ? 0 : p->value >= 9223372036854775808.0 ? (int64_t)(uint64_t)p->value : (int64_t)p->value;
        const uint32_t hash = (uint32_t)p->hash;
        memcpy(element, t->phys == FN_PHYS_F64 ? (const void *)&p->value : t->phys == FN_PHYS_F32 ? (const void *)&narrow : (const void *)&whole, t->width);
        memcpy(element + FN_MAX(t->width, 4u), &hash, 4);
        FN_TRY(fn_buf_append(ctx, out, element, size));
    }
    return fn_buf_byte(ctx, out, (char)__builtin_popcount(s->mask));
}
static fn_status picked_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    picked_state *s = state;
    const fn_type *t = call->arg_types[0];
    uint64_t n = 0;
    uint8_t degree = 0;
    const uint32_t size = element_size(t);
    if (!size) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function %s of %s are not supported", call->def->name, t->name);
    FN_TRY(agg_take(ctx, &n, 8, at, end));
    FN_TRY(agg_take(ctx, &s->seen, 8, at, end));
    for (; n; n--) {
        uint8_t element[16];
        FN_TRY(agg_take(ctx, element, size, at, end));
        const fn_column view = {.type = t, .shape = FN_CONST, .rows = 1, .values = element};
        FN_TRY(pick(ctx, arena, s, (picked){agg_f64(&view, 0), fn_load_u32(element + FN_MAX(t->width, 4u))}));
    }
    FN_TRY(agg_take(ctx, &degree, 1, at, end));
    s->mask |= degree >= 32 ? UINT32_MAX : ((uint32_t)1 << degree) - 1;
    return FN_OK;
}

/* ---- Greenwald-Khanna ---- */
typedef struct summary {
    agg_items head, ranks; /* values not yet taken in; ranks[i]: gap and spread of values[i] */
    agg_items values;
    uint64_t count;
    double error;
    bool compressed;
} summary;
typedef struct rank_of {
    int64_t gap, spread;
} rank_of;
enum { HEAD_MAX = 50000, COMPRESS_AT = 10000 };

static fn_status gk_bind(fn_ctx *ctx, agg_call *call)
{
    if (!agg_sortable(call->arg_types[0])) return agg_illegal(ctx, call);
    if (call->param_count == 0) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Aggregate function %s requires accuracy parameter", call->def->name);
    const fn_type *t = call->params[0]->type;
    if (!fn_type_is_integer(t)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Aggregate function %s requires accuracy parameter with integer type", call->def->name);
    if (!fn_type_is_unsigned(t) && fn_column_i64_at(call->params[0], 0) <= 0)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Aggregate function %s requires accuracy parameter with positive value but is %lld", call->def->name,
                       (long long)fn_column_i64_at(call->params[0], 0));
    const uint64_t accuracy = fn_column_u64_at(call->params[0], 0);
    if (accuracy == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Aggregate function %s requires accuracy parameter with positive value but is 0", call->def->name);
    FN_TRY(quantile_bind(ctx, call, 1, call->arg_types[0], sizeof(summary)));
    ((quantile_bound *)call->data)->accuracy = 1.0 / (double)accuracy;
    return FN_OK;
}
static void gk_init(const agg_call *call, void *state)
{
    agg_zero_init(call, state);
    ((summary *)state)->error = QUANTILE(call)->accuracy;
}
static int order(const agg_call *call, const void *a, const void *b)
{
    const fn_column x = {.type = call->arg_types[0], .shape = FN_CONST, .rows = 1, .values = a}, y = {.type = call->arg_types[0], .shape = FN_CONST, .rows = 1, .values = b};
    return fn_column_compare(&x, 0, &y, 0, true);
}
static fn_status put_ranked(fn_ctx *ctx, const agg_call *call, fn_arena *arena, summary *s, const void *value, rank_of r)
{
    FN_TRY(agg_items_push(ctx, arena, &s->values, value, call->arg_types[0]->width));
    return agg_items_push(ctx, arena, &s->ranks, &r, sizeof r);
}
static const uint8_t *value_of(const agg_call *call, const agg_items *values, uint32_t index)
{
    return values->data + (size_t)index * call->arg_types[0]->width;
}
static rank_of rank_at(const agg_items *ranks, uint32_t index)
{
    return ((const rank_of *)(const void *)ranks->data)[index];
}
static fn_status take_head(fn_ctx *ctx, const agg_call *call, fn_arena *arena, summary *s)
{
    if (!s->head.count) return FN_OK;
    const agg_items values = s->values, ranks = s->ranks;
    agg_sort(call->arg_types[0]->phys, s->head.data, s->head.count);
    s->values = s->ranks = (agg_items){0};
    uint32_t old = 0;
    for (uint32_t i = 0; i < s->head.count; i++) {
        const uint8_t *v = value_of(call, &s->head, i);
        for (; old < values.count && order(call, value_of(call, &values, old), v) <= 0; old++)
            FN_TRY(put_ranked(ctx, call, arena, s, value_of(call, &values, old), rank_at(&ranks, old)));
        s->count++;
        const bool at_edge = s->values.count == 0 || (old == values.count && i + 1 == s->head.count);
        FN_TRY(put_ranked(ctx, call, arena, s, v, (rank_of){1, at_edge ? 0 : (int64_t)floor(2 * s->error * (double)s->count)}));
    }
    for (; old < values.count; old++) FN_TRY(put_ranked(ctx, call, arena, s, value_of(call, &values, old), rank_at(&ranks, old)));
    s->head.count = 0;
    return FN_OK;
}
/* Joins neighbours from the end while their ranks stay within the threshold; works in place, right to left. */
static void shrink(const agg_call *call, summary *s, double threshold)
{
    const uint32_t width = call->arg_types[0]->width, n = s->values.count;
    rank_of *ranks = (rank_of *)(void *)s->ranks.data, head;
    uint32_t to = n, head_at = n - 1;
    if (n < 2) return;
    head = ranks[n - 1];
    for (uint32_t i = n - 1; i-- > 1;) {
        if ((double)(ranks[i].gap + head.gap + head.spread) < threshold) {
            head.gap += ranks[i].gap;
            continue;
        }
        to--;
        if (to != head_at) memcpy(s->values.data + (size_t)to * width, s->values.data + (size_t)head_at * width, width);
        ranks[to] = head;
        head = ranks[i];
        head_at = i;
    }
    to--;
    if (to != head_at) memcpy(s->values.data + (size_t)to * width, s->values.data + (size_t)head_at * width, width);
    ranks[to] = head;
    if (order(call, s->values.data, value_of(call, &s->values, to)) <= 0) {
        to--;
        if (to != 0) memcpy(s->values.data + (size_t)to * width, s->values.data, width);
        ranks[to] = ranks[0];
    }
    memmove(s->values.data, s->values.data + (size_t)to * width, (size_t)(n - to) * width);
    memmove(ranks, ranks + to, (n - to) * sizeof *ranks);
    s->values.count = s->ranks.count = n - to;
}
static fn_status compress(fn_ctx *ctx, const agg_call *call, fn_arena *arena, summary *s)
{
    if (s->compressed) return FN_OK;
    FN_TRY(take_head(ctx, call, arena, s));
    shrink(call, s, 2 * s->error * (double)s->count);
    s->compressed = true;
    return FN_OK;
}
static inline fn_status gk_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    summary *s = state;
    const uint32_t width = call->arg_types[0]->width;
    if (quantile_is_nan(args[0], row)) return FN_OK;
    FN_TRY(agg_items_push(ctx, arena, &s->head, args[0]->values + fn_column_stored(args[0], row) * width, width));
    s->compressed = false;
    if (s->head.count < HEAD_MAX) return FN_OK;
    FN_TRY(take_head(ctx, call, arena, s));
    return s->values.count >= COMPRESS_AT ? compress(ctx, call, arena, s) : FN_OK;
}
#define OP gk
#include "aggregate/agg_by_row.inc"
static fn_status gk_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    summary *a = into, b = *(const summary *)from;
    const uint32_t width = call->arg_types[0]->width;
    b.head = (agg_items){0}; /* compressing must not touch what belongs to `from` */
    b.values = b.ranks = (agg_items){0};
    FN_TRY(agg_items_append(ctx, arena, &b.head, &((const summary *)from)->head, width));
    FN_TRY(agg_items_append(ctx, arena, &b.values, &((const summary *)from)->values, width));
    FN_TRY(agg_items_append(ctx, arena, &b.ranks, &((const summary *)from)->ranks, sizeof(rank_of)));
    FN_TRY(compress(ctx, call, arena, &b));
    FN_TRY(compress(ctx, call, arena, a));
    if (b.count == 0) return FN_OK;
    if (a->count == 0) {
        *a = b;
        return FN_OK;
    }
    const int64_t more_a = (int64_t)floor(2 * b.error * (double)b.count), more_b = (int64_t)floor(2 * a->error * (double)a->count);
    const agg_items values = a->values, ranks = a->ranks;
    a->values = a->ranks = (agg_items){0};
    uint32_t i = 0, k = 0;
    while (i < values.count || k < b.values.count) {
        const bool both = i < values.count && k < b.values.count;
        const bool mine = i < values.count && (k >= b.values.count || order(call, value_of(call, &values, i), value_of(call, &b.values, k)) < 0);
        rank_of r = mine ? rank_at(&ranks, i) : rank_at(&b.ranks, k);
        if (both && mine && k > 0) r.spread += more_a;
        if (both && !mine && i > 0) r.spread += more_b;
        FN_TRY(put_ranked(ctx, call, arena, a, mine ? value_of(call, &values, i) : value_of(call, &b.values, k), r));
        i += mine;
        k += !mine;
    }
    a->error = FN_MAX(a->error, b.error);
    a->count += b.count;
    shrink(call, a, 2 * a->error * (double)a->count);
    a->compressed = true;
    return FN_OK;
}
static fn_status gk_level(fn_ctx *ctx, const agg_call *call, void *state, double level, fn_builder *out)
{
    const summary *s = state;
    const uint32_t n = s->values.count;
    if (n == 0) return quantile_put_empty(ctx, out);
    if (level <= s->error) return fn_builder_fixed(ctx, out, s->values.data);
    if (level >= 1 - s->error) return fn_builder_fixed(ctx, out, value_of(call, &s->values, n - 1));
    int64_t widest = INT64_MIN, low = rank_at(&s->ranks, 0).gap;
    for (uint32_t i = 0; i < n; i++) widest = FN_MAX(widest, rank_at(&s->ranks, i).spread + rank_at(&s->ranks, i).gap);
    const double target = (double)(widest / 2), rank = ceil(level * (double)s->count);
    uint32_t i = 0;
    for (; i + 1 < n; low += rank_at(&s->ranks, ++i).gap)
        if ((double)(low + rank_at(&s->ranks, i).spread) - target <= rank && rank <= (double)low + target) break;
    return fn_builder_fixed(ctx, out, value_of(call, &s->values, i));
}
static fn_status gk_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    FN_TRY(compress(ctx, call, arena, state));
    return quantile_finish(ctx, call, state, out, gk_level);
}
static fn_status gk_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    summary copy = {.error = QUANTILE(call)->accuracy};
    static const uint64_t threshold = COMPRESS_AT;
    fn_arena *scratch = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, scratch);
    fn_status status = gk_merge(ctx, call, scratch, &copy, state);
    const uint64_t n = copy.values.count;
    if (status == FN_OK) status = fn_buf_append(ctx, out, &threshold, 8);
    if (status == FN_OK) status = fn_buf_append(ctx, out, &copy.error, 8);
    if (status == FN_OK) status = fn_buf_append(ctx, out, &copy.count, 8);
    if (status == FN_OK) status = fn_buf_append(ctx, out, &n, 8);
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        const rank_of r = rank_at(&copy.ranks, i);
        status = fn_buf_append(ctx, out, value_of(call, &copy.values, i), call->arg_types[0]->width);
        if (status == FN_OK) status = fn_buf_append(ctx, out, &r, sizeof r);
    }
    fn_arena_free(scratch);
    return status;
}
static fn_status gk_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    summary *s = state;
    uint64_t threshold = 0, n = 0;
    FN_TRY(agg_take(ctx, &threshold, 8, at, end));
    if (threshold != COMPRESS_AT) return fn_fail(ctx, FN_INCORRECT_DATA, "The compress threshold %llu isn't the expected one 10000", (unsigned long long)threshold);
    FN_TRY(agg_take(ctx, &s->error, 8, at, end));
    FN_TRY(agg_take(ctx, &s->count, 8, at, end));
    FN_TRY(agg_take(ctx, &n, 8, at, end));
    for (; n; n--) {
        uint8_t value[32];
        rank_of r;
        FN_TRY(agg_take(ctx, value, call->arg_types[0]->width, at, end));
        FN_TRY(agg_take(ctx, &r, sizeof r, at, end));
        FN_TRY(put_ranked(ctx, call, arena, s, value, r));
    }
    s->compressed = true;
    return FN_OK;
}

#define PICKED_ROW .args_min = 2, .args_max = 2, .params_max = -1, .bind = picked_bind, .init = agg_zero_init, .add = picked_add, .add_one = picked_add_one, \
    .merge = picked_merge, .finish = picked_finish, .write = picked_write, .read = picked_read
#define GK_ROW .args_min = 1, .args_max = 1, .params_max = -1, .bind = gk_bind, .init = gk_init, .add = gk_add, .add_one = gk_add_one, .merge = gk_merge, \
    .finish = gk_finish, .write = gk_write, .read = gk_read
static const char *const median[] = {"medianDeterministic", NULL};
static const char *const median_gk[] = {"medianGK", NULL};
static const agg_def rows_[] = {
    {.name = "quantileDeterministic", .aliases = median, PICKED_ROW, .about = "Quantile of a sample that the hash of the second argument picks.",
     .example = "quantileDeterministic(0.5)(number, number)", .gives = "4.5"},
    {.name = "quantilesDeterministic", PICKED_ROW, .flags = AGG_NO_NULL_RESULT, .about = "quantileDeterministic of several levels.",
     .example = "quantilesDeterministic(0.1, 0.9)(number, number)", .gives = "[0.9,8.1]"},
    {.name = "quantileGK", .aliases = median_gk, GK_ROW, .about = "Quantile of a given accuracy after Greenwald and Khanna.", .example = "quantileGK(100, 0.5)(number)", .gives = "4"},
    {.name = "quantilesGK", GK_ROW, .flags = AGG_NO_NULL_RESULT, .about = "quantileGK of several levels.", .example = "quantilesGK(100, 0.25, 0.75)(number)", .gives = "[2,7]"},
};
const agg_family agg_family_quantile_rank = AGG_FAMILY("quantile_rank", rows_);
