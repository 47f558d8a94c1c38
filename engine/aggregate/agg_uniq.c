/* agg_uniq.c - uniqExact.
 * The state is an open hash set of 64-bit keys (values up to 8 bytes) or 128-bit hashes (everything else) in the arena.
 * uniqExact's state is written as ClickHouse's: a varint count and the keys; hashes are this engine's own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

typedef struct uniq_set {
    uint64_t *slots;   /* 1 or 2 words each; an all-zero slot is empty */
    uint64_t count;    /* without the zero key */
    uint32_t capacity; /* slots; a power of two, or 0 */
    uint32_t has_zero;
} uniq_set;

enum { FIRST_CAPACITY = 16, LARGEST_CAPACITY = 1 << 30 };

static bool is_narrow(const agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    return call->arg_count == 1 && t->width > 0 && t->width <= 8 && t->phys < FN_PHYS_FIXED;
}

static inline uint32_t slot_1(const uniq_set *s, uint64_t key)
{
    uint32_t i = (uint32_t)fn_hash_u64(key) & (s->capacity - 1);
    while (s->slots[i] && s->slots[i] != key) i = (i + 1) & (s->capacity - 1);
    return i;
}
static inline uint32_t slot_2(const uniq_set *s, fn_hash128 key)
{
    uint32_t i = (uint32_t)key.low & (s->capacity - 1);
    for (const uint64_t *p; p = s->slots + 2 * (size_t)i, (p[0] | p[1]) && (p[0] != key.low || p[1] != key.high);) i = (i + 1) & (s->capacity - 1);
    return i;
}

static fn_status grow(fn_ctx *ctx, fn_arena *arena, uniq_set *s, unsigned words)
{
    if (s->capacity >= LARGEST_CAPACITY) return fn_fail(ctx, FN_TOO_MANY_ROWS, "Too many distinct values in the state of an aggregate function");
    uniq_set larger = *s;
    larger.capacity = s->capacity ? s->capacity * 2 : FIRST_CAPACITY;
    larger.slots = fn_arena_alloc_zero(ctx, arena, (size_t)larger.capacity * words * sizeof(uint64_t));
    FN_TRY_PTR(ctx, larger.slots);
    for (uint32_t i = 0; i < s->capacity; i++) {
        const uint64_t *p = s->slots + (size_t)i * words;
        if (words == 1 && p[0]) larger.slots[slot_1(&larger, p[0])] = p[0];
        if (words == 2 && (p[0] | p[1])) memcpy(larger.slots + 2 * (size_t)slot_2(&larger, (fn_hash128){p[0], p[1]}), p, 16);
    }
    *s = larger;
    return FN_OK;
}

static inline fn_status insert_1(fn_ctx *ctx, fn_arena *arena, uniq_set *s, uint64_t key)
{
    if (key == 0) {
        s->has_zero = 1;
        return FN_OK;
    }
    if (FN_UNLIKELY(2 * (s->count + 1) > s->capacity)) FN_TRY(grow(ctx, arena, s, 1));
    const uint32_t i = slot_1(s, key);
    s->count += s->slots[i] == 0;
    s->slots[i] = key;
    return FN_OK;
}
static inline fn_status insert_2(fn_ctx *ctx, fn_arena *arena, uniq_set *s, fn_hash128 key)
{
    if ((key.low | key.high) == 0) {
        s->has_zero = 1;
        return FN_OK;
    }
    if (FN_UNLIKELY(2 * (s->count + 1) > s->capacity)) FN_TRY(grow(ctx, arena, s, 2));
    uint64_t *p = s->slots + 2 * (size_t)slot_2(s, key);
    s->count += (p[0] | p[1]) == 0;
    p[0] = key.low;
    p[1] = key.high;
    return FN_OK;
}

static fn_status uniq_bind(fn_ctx *ctx, agg_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const fn_phys p = call->arg_types[i]->phys;
        if (p > FN_PHYS_STRING) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s of %s is not supported", call->def->name, call->arg_types[i]->name);
    }
    call->type = fn_type_simple(FN_T_UINT64);
    call->state_size = sizeof(uniq_set);
    call->state_align = 8;
    return FN_OK;
}
static void uniq_init(const agg_call *call, void *state)
{
    memset(state, 0, call->state_size);
}

/* All arguments of a row as one hash; a float's two zeros stay apart, as their bits do. */
static fn_hash128 hash_row(const agg_call *call, fn_column *const *args, size_t row)
{
    fn_hash128 all = {0, 0};
    for (uint32_t a = 0; a < call->arg_count; a++) {
        const fn_column *c = args[a];
        const fn_str bytes = c->type->phys == FN_PHYS_STRING || c->type->phys == FN_PHYS_FIXED
                                 ? fn_column_str_at(c, row)
                                 : (fn_str){(const char *)fn_column_fixed_at(c, row), c->type->width};
        const fn_hash128 h = fn_hash_bytes128(bytes.data, bytes.size);
        all.low = a ? fn_hash_mix(h.low, all.low) : h.low;
        all.high = a ? fn_hash_mix(h.high, all.high) : h.high;
    }
    return all;
}

static inline __attribute__((always_inline)) uint64_t key_at(const fn_column *c, uint32_t width, size_t row)
{
    uint64_t key = 0;
    memcpy(&key, c->values + row * agg_step(c) * width, width);
    return key;
}

/* Many groups: the sets of rows to come are on their way, first their heads, then the slots. */
static inline __attribute__((always_inline)) void prefetch_row(uint8_t *const *states, size_t offset, const fn_column *c, uint32_t width, uint32_t row, uint32_t rows)
{
    enum { HEAD_AHEAD = 16, SLOT_AHEAD = 8 };
    if (row + HEAD_AHEAD >= rows) return;
    __builtin_prefetch(states[row + HEAD_AHEAD] + offset);
    const uint64_t key = key_at(c, width, row + SLOT_AHEAD);
    if (key == key_at(c, width, row + SLOT_AHEAD - 1)) return;
    const uniq_set *s = (const uniq_set *)(const void *)(states[row + SLOT_AHEAD] + offset);
    if (s->capacity) __builtin_prefetch(s->slots + ((uint32_t)fn_hash_u64(key) & (s->capacity - 1)), 1);
}

/* A row that repeats the key and the group of the row before changes nothing: sorted tables have many. */
static inline __attribute__((always_inline)) fn_status add_keys(fn_ctx *ctx, fn_arena *arena, uint8_t *const *states, size_t offset, const fn_column *c, uint32_t width, uint32_t rows)
{
    const uint8_t *last = NULL;
    uint64_t previous = 0;
    for (uint32_t i = 0; i < rows; i++) {
        prefetch_row(states, offset, c, width, i, rows);
        const uint64_t key = key_at(c, width, i);
        if (key == previous && states[i] == last) continue;
        FN_TRY(insert_1(ctx, arena, (uniq_set *)(void *)(states[i] + offset), key));
        previous = key;
        last = states[i];
    }
    return FN_OK;
}
static inline __attribute__((always_inline)) fn_status add_keys_one(fn_ctx *ctx, fn_arena *arena, void *state, const fn_column *c, uint32_t width, size_t from, uint32_t rows)
{
    uint64_t previous = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t key = key_at(c, width, from + i);
        if (i && key == previous) continue;
        FN_TRY(insert_1(ctx, arena, state, key));
        previous = key;
    }
    return FN_OK;
}

static fn_status uniq_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    switch (is_narrow(call) ? call->arg_types[0]->width : 0) {
    case 1: return add_keys(ctx, arena, states, offset, args[0], 1, rows);
    case 2: return add_keys(ctx, arena, states, offset, args[0], 2, rows);
    case 4: return add_keys(ctx, arena, states, offset, args[0], 4, rows);
    case 8: return add_keys(ctx, arena, states, offset, args[0], 8, rows);
    default: break;
    }
    for (uint32_t i = 0; i < rows; i++) FN_TRY(insert_2(ctx, arena, (uniq_set *)(void *)(states[i] + offset), hash_row(call, args, i)));
    return FN_OK;
}
static fn_status uniq_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    switch (is_narrow(call) ? call->arg_types[0]->width : 0) {
    case 1: return add_keys_one(ctx, arena, state, args[0], 1, from, rows);
    case 2: return add_keys_one(ctx, arena, state, args[0], 2, from, rows);
    case 4: return add_keys_one(ctx, arena, state, args[0], 4, from, rows);
    case 8: return add_keys_one(ctx, arena, state, args[0], 8, from, rows);
    default: break;
    }
    for (uint32_t i = 0; i < rows; i++) FN_TRY(insert_2(ctx, arena, state, hash_row(call, args, from + i)));
    return FN_OK;
}
static fn_status uniq_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const uniq_set *b = from;
    uniq_set *a = into;
    const bool narrow = is_narrow(call);
    a->has_zero |= b->has_zero;
    for (uint32_t i = 0; i < b->capacity; i++) {
        if (narrow) {
            if (b->slots[i]) FN_TRY(insert_1(ctx, arena, a, b->slots[i]));
        } else {
            const uint64_t *p = b->slots + 2 * (size_t)i;
            if (p[0] | p[1]) FN_TRY(insert_2(ctx, arena, a, (fn_hash128){p[0], p[1]}));
        }
    }
    return FN_OK;
}
static fn_status uniq_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const uniq_set *s = state;
    const uint64_t n = s->count + s->has_zero;
    return fn_builder_fixed(ctx, out, &n);
}
static fn_status uniq_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const uniq_set *s = state;
    const uint32_t words = is_narrow(call) ? 1 : 2, width = words == 1 ? call->arg_types[0]->width : 16;
    static const uint64_t zero[2] = {0, 0};
    FN_TRY(fn_buf_leb(ctx, out, s->count + s->has_zero));
    if (s->has_zero) FN_TRY(fn_buf_append(ctx, out, zero, width));
    for (uint32_t i = 0; i < s->capacity; i++) {
        const uint64_t *p = s->slots + (size_t)i * words;
        if (words == 1 ? p[0] != 0 : (p[0] | p[1]) != 0) FN_TRY(fn_buf_append(ctx, out, p, width));
    }
    return FN_OK;
}
static fn_status uniq_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    const bool narrow = is_narrow(call);
    const uint32_t width = narrow ? call->arg_types[0]->width : 16;
    uint64_t n = 0;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    for (; n; n--) {
        uint64_t key[2] = {0, 0};
        FN_TRY(agg_take(ctx, key, width, at, end));
        FN_TRY(narrow ? insert_1(ctx, arena, state, key[0]) : insert_2(ctx, arena, state, (fn_hash128){key[0], key[1]}));
    }
    return FN_OK;
}
#define UNIQ_ROW .args_min = 1, .args_max = -1, .flags = AGG_NO_NULL_RESULT, .bind = uniq_bind, .init = uniq_init, .add = uniq_add, .add_one = uniq_add_one, \
    .merge = uniq_merge, .finish = uniq_finish, .write = uniq_write, .read = uniq_read
static const agg_def rows_[] = {
    {.name = "uniqExact", UNIQ_ROW, .about = "Number of distinct values or tuples of values.", .example = "uniqExact(number % 3)", .gives = "3"},
};
const agg_family agg_family_uniq = AGG_FAMILY("uniq", rows_);
