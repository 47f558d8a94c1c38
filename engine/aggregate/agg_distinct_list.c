/* agg_distinct_list.c - groupUniqArray, topK, topKWeighted, approx_top_k, approx_top_sum, entropy, anyHeavy: values by dictionary.
 *
 * topK is the filtered space-saving of Homem and Carvalho, "Finding top-k elements in data streams" (2010): a list of counters in
 * descending order, and a small table of counts for values that are not in it. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_binary.h"
#include <math.h>

/* ---- groupUniqArray ---- */
typedef struct uniq_bound {
    uint64_t limit;
} uniq_bound;

static fn_status uniq_bind(fn_ctx *ctx, agg_call *call)
{
    uniq_bound *b = FN_NEW(ctx, uniq_bound);
    FN_TRY_PTR(ctx, b);
    b->limit = UINT64_MAX;
    if (call->param_count) {
        const fn_column *p = call->params[0];
        if (!fn_type_is_integer(p->type) || fn_column_u64_at(p, 0) == 0 || (!fn_type_is_unsigned(p->type) && fn_column_i64_at(p, 0) < 0))
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameter for aggregate function %s should be positive number", call->def->name);
        b->limit = fn_column_u64_at(p, 0);
    }
    call->data = b;
    call->type = fn_type_array(call->arg_types[0]);
    call->state_size = sizeof(agg_keys);
    call->state_align = 8;
    return FN_OK;
}
static fn_status uniq_insert(fn_ctx *ctx, const agg_call *call, fn_arena *arena, agg_keys *keys, fn_str key)
{
    uint32_t number;
    bool is_new;
    if (keys->list.count >= ((const uniq_bound *)call->data)->limit) return FN_OK;
    return agg_keys_insert(ctx, arena, keys, key, &number, &is_new);
}
static fn_status uniq_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    fn_buf scratch = FN_BUF_INIT;
    fn_str key;
    fn_status status = agg_key_bytes(ctx, args[0], row, &scratch, &key);
    if (status == FN_OK) status = uniq_insert(ctx, call, arena, state, key);
    fn_buf_release(&scratch);
    return status;
}
#define OP uniq
#include "aggregate/agg_by_row.inc"
static fn_status uniq_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const agg_keys *b = from;
    for (uint32_t i = 0; i < b->list.count; i++) FN_TRY(uniq_insert(ctx, call, arena, into, agg_keys_at(b, i)));
    return FN_OK;
}
static fn_status uniq_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const agg_keys *keys = state;
    for (uint32_t i = 0; i < keys->list.count; i++) FN_TRY(agg_key_put(ctx, call->arg_types[0], agg_keys_at(keys, i), &out->kids[0]));
    return fn_builder_close_array(ctx, out);
}
static fn_status uniq_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const agg_keys *keys = state;
    FN_TRY(fn_buf_leb(ctx, out, keys->list.count));
    for (uint32_t i = 0; i < keys->list.count; i++) FN_TRY(agg_key_write(ctx, call->arg_types[0], agg_keys_at(keys, i), out));
    return FN_OK;
}
static fn_status uniq_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    uint64_t n = 0;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    for (; n; n--) {
        fn_str key;
        FN_TRY(agg_key_take(ctx, call->arg_types[0], &key, at, end));
        FN_TRY(uniq_insert(ctx, call, arena, state, key));
    }
    return FN_OK;
}

/* ---- topK ---- */
typedef struct counter {
    uint64_t count, error;
    uint32_t key; /* number in the dictionary */
} counter;
typedef struct top_state {
    agg_keys keys;      /* all values that ever had a counter */
    agg_items counters; /* in descending order */
    agg_items places;   /* uint32_t per key: position of its counter + 1, or 0 */
    uint64_t *alpha;    /* counts of values without a counter, by hash */
} top_state;
typedef struct top_bound {
    uint32_t limit, capacity, alphas;
    bool weighted, counts;
} top_bound;
enum { TOP_MAX = 0xFFFFFF, TOP_DEFAULT = 10, LOAD_DEFAULT = 3 };

static fn_status top_param(fn_ctx *ctx, const agg_call *call, uint32_t index, uint64_t *out)
{
    const fn_column *p = call->params[index];
    if (!fn_type_is_number(p->type)) return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Cannot convert %s to unsigned long", p->type->name);
    const double v = agg_f64(p, 0);
    *out = v >= 0 && v <= TOP_MAX ? (uint64_t)v : TOP_MAX + 1;
    return FN_OK;
}
static fn_status top_counts_param(fn_ctx *ctx, const agg_call *call, top_bound *b)
{
    if (call->param_count < 3) return FN_OK;
    if (!fn_type_is_string(call->params[2]->type) || !fn_str_eq(fn_column_str_at(call->params[2], 0), FN_STR("counts")))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Aggregate function %s expects third parameter to be 'counts'", call->def->name);
    b->counts = true;
    return FN_OK;
}
static fn_status top_bind(fn_ctx *ctx, agg_call *call)
{
    top_bound *b = FN_NEW(ctx, top_bound);
    uint64_t limit = TOP_DEFAULT, load = LOAD_DEFAULT;
    FN_TRY_PTR(ctx, b);
    const bool approx = call->def->name[0] == 'a';
    b->weighted = call->arg_count == 2;
    b->counts = approx;
    if (b->weighted && (!fn_type_is_integer(call->arg_types[1]) || call->arg_types[1]->width > 8))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The second argument for aggregate function '%s' must have integer type", call->def->name);
    if (call->param_count > 0) FN_TRY(top_param(ctx, call, 0, &limit));
    if (call->param_count > 1) FN_TRY(top_param(ctx, call, 1, &load));
    FN_TRY(top_counts_param(ctx, call, b));
    const uint64_t capacity = approx ? (call->param_count > 1 ? load : limit * LOAD_DEFAULT) : limit * load;
    if (limit == 0 || limit > TOP_MAX || load == 0)
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Parameter %llu is illegal for aggregate function '%s'", (unsigned long long)(limit == 0 ? limit : load), call->def->name);
    if (capacity > TOP_MAX || capacity < limit)
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Too large parameter(s) for aggregate function '%s' (it is %llu, maximum is %d)", call->def->name, (unsigned long long)capacity,
                       TOP_MAX);
    b->limit = (uint32_t)limit;
    b->capacity = (uint32_t)capacity;
    b->alphas = (uint32_t)1 << (64 - __builtin_clzll(capacity * 6));
    const fn_type *const parts[] = {call->arg_types[0], fn_type_simple(FN_T_UINT64), fn_type_simple(FN_T_UINT64)};
    static const char *const names[] = {"item", "count", "error"};
    call->type = fn_type_array(b->counts ? fn_type_tuple(parts, names, 3) : parts[0]);
    call->data = b;
    call->state_size = sizeof(top_state);
    call->state_align = 8;
    return FN_OK;
}
static counter *counter_at(const top_state *s, uint32_t index)
{
    return (counter *)(void *)s->counters.data + index;
}
static uint32_t *place_of(const top_state *s, uint32_t key)
{
    return (uint32_t *)(void *)s->places.data + key;
}
/* Moves the counter at `index` up to where it belongs. */
static void raise_counter(top_state *s, uint32_t index)
{
    const counter moved = *counter_at(s, index);
    for (; index > 0; index--) {
        const counter *above = counter_at(s, index - 1);
        if (!(moved.count > above->count || (moved.count == above->count && moved.error < above->error))) break;
        *counter_at(s, index) = *above;
        *place_of(s, above->key) = index + 1;
    }
    *counter_at(s, index) = moved;
    *place_of(s, moved.key) = index + 1;
}
static fn_status push_counter(fn_ctx *ctx, fn_arena *arena, top_state *s, fn_str bytes, uint64_t count, uint64_t error)
{
    uint32_t number;
    bool is_new;
    static const uint32_t none = 0;
    FN_TRY(agg_keys_insert(ctx, arena, &s->keys, bytes, &number, &is_new));
    if (is_new) FN_TRY(agg_items_push(ctx, arena, &s->places, &none, sizeof none));
    const counter c = {count, error, number};
    FN_TRY(agg_items_push(ctx, arena, &s->counters, &c, sizeof c));
    raise_counter(s, s->counters.count - 1);
    return FN_OK;
}
static uint64_t *alpha_of(const top_bound *b, const top_state *s, fn_str bytes)
{
    return &s->alpha[fn_hash_bytes(bytes.data, bytes.size, 0) & (b->alphas - 1)];
}
static fn_status top_insert(fn_ctx *ctx, const agg_call *call, fn_arena *arena, top_state *s, fn_str bytes, uint64_t weight)
{
    const top_bound *b = call->data;
    uint32_t number;
    if (agg_keys_find(&s->keys, bytes, &number) && *place_of(s, number)) {
        const uint32_t index = *place_of(s, number) - 1;
        counter_at(s, index)->count += weight;
        raise_counter(s, index);
        return FN_OK;
    }
    if (s->counters.count < b->capacity) return push_counter(ctx, arena, s, bytes, weight, 0);
    if (!s->alpha) {
        s->alpha = fn_arena_alloc_zero(ctx, arena, (size_t)b->alphas * sizeof *s->alpha);
        FN_TRY_PTR(ctx, s->alpha);
    }
    const counter least = *counter_at(s, s->counters.count - 1);
    uint64_t count = weight, error = 0, *alpha = alpha_of(b, s, bytes);
    if (weight <= least.count) {
        if (*alpha + weight < least.count) {
            *alpha += weight;
            return FN_OK;
        }
        count = *alpha + weight;
        error = *alpha;
        *alpha_of(b, s, agg_keys_at(&s->keys, least.key)) = least.count;
    }
    *place_of(s, least.key) = 0;
    s->counters.count--;
    return push_counter(ctx, arena, s, bytes, count, error);
}
static fn_status top_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    fn_buf scratch = FN_BUF_INIT;
    fn_str key;
    fn_status status = agg_key_bytes(ctx, args[0], row, &scratch, &key);
    if (status == FN_OK) status = top_insert(ctx, call, arena, state, key, call->arg_count == 2 ? agg_u64(args[1], row) : 1);
    fn_buf_release(&scratch);
    return status;
}
#define OP top
#include "aggregate/agg_by_row.inc"
/* Counters of both sides added up; a side that is full owes its least count to values it does not hold. */
static fn_status top_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const top_bound *b = call->data;
    top_state *a = into;
    const top_state *other = from;
    if (other->counters.count == 0) return FN_OK;
    const uint64_t mine = a->counters.count == b->capacity ? counter_at(a, a->counters.count - 1)->count : 0;
    const uint64_t theirs = other->counters.count == b->capacity ? counter_at(other, other->counters.count - 1)->count : 0;
    for (uint32_t i = 0; i < a->counters.count && theirs; i++) {
        counter_at(a, i)->count += theirs;
        counter_at(a, i)->error += theirs;
    }
    for (uint32_t i = other->counters.count; i-- > 0;) {
        const counter *c = counter_at(other, i);
        const fn_str bytes = agg_keys_at(&other->keys, c->key);
        uint32_t number;
        if (agg_keys_find(&a->keys, bytes, &number) && *place_of(a, number)) {
            const uint32_t index = *place_of(a, number) - 1;
            counter_at(a, index)->count += c->count - theirs;
            counter_at(a, index)->error += c->error - theirs;
            raise_counter(a, index);
        } else {
            FN_TRY(push_counter(ctx, arena, a, bytes, c->count + mine, c->error + mine));
        }
    }
    for (uint32_t i = 1; i < a->counters.count; i++) raise_counter(a, i);
    while (a->counters.count > b->capacity) *place_of(a, counter_at(a, --a->counters.count)->key) = 0;
    return FN_OK;
}
static fn_status top_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const top_bound *b = call->data;
    const top_state *s = state;
    fn_builder *item = &out->kids[0];
    for (uint32_t i = 0; i < s->counters.count && i < b->limit; i++) {
        const counter *c = counter_at(s, i);
        FN_TRY(agg_key_put(ctx, call->arg_types[0], agg_keys_at(&s->keys, c->key), b->counts ? &item->kids[0] : item));
        if (!b->counts) continue;
        FN_TRY(fn_builder_fixed(ctx, &item->kids[1], &c->count));
        FN_TRY(fn_builder_fixed(ctx, &item->kids[2], &c->error));
        FN_TRY(fn_builder_close_tuple(ctx, item));
    }
    return fn_builder_close_array(ctx, out);
}
static fn_status top_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const top_bound *b = call->data;
    const top_state *s = state;
    FN_TRY(fn_buf_leb(ctx, out, s->counters.count));
    for (uint32_t i = 0; i < s->counters.count; i++) {
        const counter *c = counter_at(s, i);
        FN_TRY(agg_key_write(ctx, call->arg_types[0], agg_keys_at(&s->keys, c->key), out));
        FN_TRY(fn_buf_leb(ctx, out, c->count));
        FN_TRY(fn_buf_leb(ctx, out, c->error));
    }
    FN_TRY(fn_buf_leb(ctx, out, b->alphas));
    for (uint32_t i = 0; i < b->alphas; i++) FN_TRY(fn_buf_leb(ctx, out, s->alpha ? s->alpha[i] : 0));
    return FN_OK;
}
static fn_status top_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    const top_bound *b = call->data;
    top_state *s = state;
    uint64_t n = 0, alphas = 0, value = 0;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    if (n > b->capacity) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function %s is too large", call->def->name);
    for (; n; n--) {
        fn_str key;
        uint64_t count = 0, error = 0;
        FN_TRY(agg_key_take(ctx, call->arg_types[0], &key, at, end));
        FN_TRY(agg_take_leb(ctx, &count, at, end));
        FN_TRY(agg_take_leb(ctx, &error, at, end));
        FN_TRY(push_counter(ctx, arena, s, key, count, error));
    }
    FN_TRY(agg_take_leb(ctx, &alphas, at, end));
    if (alphas > (uint64_t)(end - *at)) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
    for (uint64_t i = 0; i < alphas; i++) {
        FN_TRY(agg_take_leb(ctx, &value, at, end));
        if (value == 0 || i >= b->alphas) continue;
        if (!s->alpha) s->alpha = fn_arena_alloc_zero(ctx, arena, (size_t)b->alphas * sizeof *s->alpha);
        FN_TRY_PTR(ctx, s->alpha);
        s->alpha[i] = value;
    }
    return FN_OK;
}

/* ---- entropy ---- */
typedef struct entropy_state {
    agg_keys keys;
    agg_items counts; /* uint64_t per key */
} entropy_state;
static fn_status entropy_bind(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_size = sizeof(entropy_state);
    call->state_align = 8;
    return FN_OK;
}
static fn_status entropy_count(fn_ctx *ctx, fn_arena *arena, entropy_state *s, fn_str key, uint64_t weight)
{
    uint32_t number;
    bool is_new;
    FN_TRY(agg_keys_insert(ctx, arena, &s->keys, key, &number, &is_new));
    if (is_new) return agg_items_push(ctx, arena, &s->counts, &weight, sizeof weight);
    ((uint64_t *)(void *)s->counts.data)[number] += weight;
    return FN_OK;
}
static fn_status entropy_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    fn_buf scratch = FN_BUF_INIT;
    fn_str key;
    fn_status status = FN_OK;
    if (call->arg_count == 1) {
        status = agg_key_bytes(ctx, args[0], row, &scratch, &key);
    } else {
        for (uint32_t i = 0; i < call->arg_count && status == FN_OK; i++) status = agg_binary_write(ctx, args[i], row, &scratch);
        key = fn_buf_view(&scratch);
    }
    if (status == FN_OK) status = entropy_count(ctx, arena, state, key, 1);
    fn_buf_release(&scratch);
    return status;
}
#define OP entropy
#include "aggregate/agg_by_row.inc"
static fn_status entropy_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    const entropy_state *b = from;
    for (uint32_t i = 0; i < b->keys.list.count; i++) FN_TRY(entropy_count(ctx, arena, into, agg_keys_at(&b->keys, i), ((const uint64_t *)(const void *)b->counts.data)[i]));
    return FN_OK;
}
static fn_status entropy_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const entropy_state *s = state;
    const uint64_t *counts = (const uint64_t *)(const void *)s->counts.data;
    uint64_t total = 0;
    double sum = 0;
    for (uint32_t i = 0; i < s->counts.count; i++) total += counts[i];
    for (uint32_t i = 0; i < s->counts.count; i++) {
        const double share = (double)counts[i] / (double)total;
        sum -= share * log2(share);
    }
    return agg_put_f64(ctx, out, s->counts.count == 1 ? 0 : sum);
}
static fn_status entropy_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const entropy_state *s = state;
    if (call->arg_count != 1 || call->arg_types[0]->width == 0)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function entropy over values without fixed width are not supported");
    FN_TRY(fn_buf_leb(ctx, out, s->keys.list.count));
    for (uint32_t i = 0; i < s->keys.list.count; i++) {
        FN_TRY(agg_key_write(ctx, call->arg_types[0], agg_keys_at(&s->keys, i), out));
        FN_TRY(fn_buf_append(ctx, out, s->counts.data + 8 * (size_t)i, 8));
    }
    return FN_OK;
}
static fn_status entropy_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    uint64_t n = 0;
    if (call->arg_count != 1 || call->arg_types[0]->width == 0)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function entropy over values without fixed width are not supported");
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    for (; n; n--) {
        fn_str key;
        uint64_t count = 0;
        FN_TRY(agg_key_take(ctx, call->arg_types[0], &key, at, end));
        FN_TRY(agg_take(ctx, &count, 8, at, end));
        FN_TRY(entropy_count(ctx, arena, state, key, count));
    }
    return FN_OK;
}

#define OPS(op) .bind = op##_bind, .init = agg_zero_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, .finish = op##_finish, .write = op##_write, .read = op##_read
#define TOP_ROW(args, params) .args_min = (args), .args_max = (args), .params_max = (params), .flags = AGG_NO_NULL_RESULT, OPS(top)
static const char *const count_names[] = {"approx_top_count", NULL};
static const agg_def rows_[] = {
    {.name = "groupUniqArray", .args_min = 1, .args_max = 1, .params_max = 1, .flags = AGG_NO_NULL_RESULT, OPS(uniq),
     .about = "The distinct values as an array; the parameter limits its size.", .example = "groupUniqArray(number % 2)", .gives = "[0,1]"},
    {.name = "topK", TOP_ROW(1, 3), .about = "The most frequent values, by approximate counters.", .example = "topK(1)(number % 2)", .gives = "[0]"},
    {.name = "topKWeighted", TOP_ROW(2, 3), .about = "The values of the greatest sum of weights, by approximate counters.", .example = "topKWeighted(1)(number, number)",
     .gives = "[9]"},
    {.name = "approx_top_k", .aliases = count_names, TOP_ROW(1, 2), .about = "topK with the counts and their possible errors.", .example = "approx_top_k(1)(number % 2)",
     .gives = "[(0,5,0)]"},
    {.name = "approx_top_sum", TOP_ROW(2, 2), .about = "topKWeighted with the sums and their possible errors.", .example = "approx_top_sum(1)(number, number)",
     .gives = "[(9,9,0)]"},
    {.name = "entropy", .args_min = 1, .args_max = -1, OPS(entropy), .about = "Shannon's entropy of the values in bits.", .example = "entropy(number % 2)", .gives = "1"},
};
const agg_family agg_family_distinct_list = AGG_FAMILY("distinct_list", rows_);
