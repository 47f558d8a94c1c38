/* group_table.c - see group_table.h. The loops are made per key form by group_table_form.inc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_pages.h"

#define FN_INLINE inline __attribute__((always_inline))
enum { FIRST_CAPACITY = 64, PREFETCH_FROM = 256 << 10 /* bytes of slots: about a quarter of an L2 cache */, PREFETCH_AHEAD = 12 };

/* One multiplication, whose upper bits are the slot. The shift before it brings in keys that differ in their upper bits only, such
 * as floats. The partition comes from another round: its keys must not be regular, or they would cluster in the slots. */
static inline uint64_t mix(uint64_t key)
{
    return (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
}
static inline uint8_t partition_of(uint64_t hash)
{
    return (uint8_t)((hash ^ hash >> 32) * 0xd6e8feb86659fd93u >> 56);
}

#define NAME       number
#define KEY        uint64_t
#define LOAD(p)    fn_load_u64(p)
#define STORE(p, k) fn_store_u64((p), (k))
#define EQUAL(a, b) ((a) == (b))
#define IS_EMPTY(k) ((k) == 0)
#define HASH(k)    (k)
#include "exec/group_table_form.inc"

#define NAME       key8
#define KEY        uint64_t
#define LOAD(p)    fn_load_u64(p)
#define STORE(p, k) fn_store_u64((p), (k))
#define EQUAL(a, b) ((a) == (b))
#define IS_EMPTY(k) ((k) == 0)
#define HASH(k)    mix(k)
#include "exec/group_table_form.inc"

typedef struct key_pair {
    uint64_t a, b;
} key_pair;
static inline key_pair load_pair(const void *p)
{
    key_pair k;
    memcpy(&k, p, sizeof k);
    return k;
}
#define NAME       key16
#define KEY        key_pair
#define LOAD(p)    load_pair(p)
#define STORE(p, k) memcpy((p), &(k), sizeof(k))
#define EQUAL(x, y) ((x).a == (y).a && (x).b == (y).b)
#define IS_EMPTY(k) (((k).a | (k).b) == 0)
#define HASH(k)    mix((k).a * 0xd6e8feb86659fd93u + ((k).b ^ (k).b >> 31) * 0xa0761d6478bd642fu)
#include "exec/group_table_form.inc"

static inline bool same_text(key_pair x, key_pair y)
{
    if (x.a != y.a) return false;
    const uint32_t size = (uint32_t)x.a;
    return size <= 8 ? x.b == y.b : x.b == y.b || memcmp((const void *)(uintptr_t)x.b, (const void *)(uintptr_t)y.b, size) == 0;
}
static inline void touch_text(const uint8_t *slot)
{
    if (fn_load_u32(slot) > 8) __builtin_prefetch((const void *)(uintptr_t)fn_load_u64(slot + 8));
}
#define TOUCH(slot) touch_text(slot)
#define NAME       text
#define KEY        key_pair
#define LOAD(p)    load_pair(p)
#define STORE(p, k) memcpy((p), &(k), sizeof(k))
#define EQUAL(x, y) same_text((x), (y))
#define IS_EMPTY(k) ((k).a == 0)
#define HASH(k)    mix((k).a & 0xffffffff00000000u)
#define NO_ZERO_KEY
#include "exec/group_table_form.inc"

typedef struct form_ops {
    uint32_t (*find)(group_table *t, const uint8_t *keys, size_t key_stride, uint32_t rows, uint8_t **slots, uint8_t **fresh);
    uint32_t (*count)(group_table *t, const uint8_t *keys, size_t key_stride, uint32_t rows, size_t state_at, uint8_t **fresh);
    void (*add)(group_table *t, const uint8_t *from, uint32_t rows);
    uint32_t (*scatter)(fn_ctx *ctx, group_pages *pages, const uint8_t *keys, size_t key_stride, uint32_t rows, size_t count_at, uint8_t **slots,
                        uint8_t **fresh, uint32_t *made);
    void (*look)(const group_table *t, const uint8_t *keys, size_t key_stride, uint32_t rows, uint8_t **slots);
    void (*move)(group_table *to, const group_table *from);
    void (*partitions)(const uint8_t *keys, size_t key_stride, uint32_t rows, uint8_t *out);
} form_ops;
#define FORM(name) {find_##name, count_##name, add_##name, scatter_##name, look_##name, move_##name, partitions_##name}
static const form_ops forms[] = {[GROUP_KEY_NUMBER] = FORM(number), [GROUP_KEY_8] = FORM(key8), [GROUP_KEY_16] = FORM(key16), [GROUP_KEY_BYTES] = FORM(text)};

void group_table_init(group_table *t, group_form form, uint32_t stride)
{
    *t = (group_table){.form = (uint8_t)form, .stride = stride};
}

void group_table_release(group_table *t)
{
    fn_buffer_drop(t->memory);
    t->memory = NULL;
    t->slots = NULL;
    t->capacity = t->count = 0;
    t->has_zero = false;
}

void group_table_clear(group_table *t)
{
    if (t->count) memset(t->slots, 0, (t->capacity + 1) * t->stride);
    t->count = 0;
    t->has_zero = false;
}

fn_status group_table_reserve(fn_ctx *ctx, group_table *t, uint64_t more)
{
    const uint64_t wanted = FN_MAX(t->count * 2, t->count + more + more / 8); /* half full; this chunk may fill it further */
    group_table larger = *t;
    if (t->form == GROUP_KEY_NUMBER) return group_table_reserve_numbers(ctx, t, 256);
    if (t->memory && wanted < t->capacity) return FN_OK;
    larger.capacity = FN_MAX(fn_next_pow2(wanted + 1), (uint64_t)FIRST_CAPACITY);
    larger.shift = (uint8_t)(64 - __builtin_ctzll(larger.capacity));
    larger.memory = fn_buffer_new_zero(ctx, (larger.capacity + 1) * t->stride);
    FN_TRY_PTR(ctx, larger.memory);
    larger.slots = larger.memory->data;
    if (t->count) {
        forms[t->form].move(&larger, t);
        if (t->has_zero) memcpy(larger.slots + larger.capacity * t->stride, t->slots + t->capacity * t->stride, t->stride);
    }
    fn_buffer_drop(t->memory);
    *t = larger;
    return FN_OK;
}

fn_status group_table_reserve_numbers(fn_ctx *ctx, group_table *t, uint64_t domain)
{
    FN_DEBUG_ASSERT(t->form == GROUP_KEY_NUMBER);
    if (t->memory && t->capacity >= domain) return FN_OK;
    FN_ASSERT(t->count == 0);
    group_table_release(t);
    t->memory = fn_buffer_new_zero(ctx, (domain + 1) * t->stride);
    FN_TRY_PTR(ctx, t->memory);
    t->slots = t->memory->data;
    t->capacity = domain;
    t->shift = 0;
    return FN_OK;
}

fn_status group_table_grow_numbers(fn_ctx *ctx, group_table *t, uint64_t domain)
{
    const group_table old = *t;
    if (t->memory && t->capacity >= domain) return FN_OK;
    *t = (group_table){.form = old.form, .stride = old.stride};
    const fn_status status = group_table_reserve_numbers(ctx, t, domain);
    if (status != FN_OK) {
        *t = old;
        return status;
    }
    t->count = old.count;
    t->has_zero = old.has_zero;
    if (old.memory) memcpy(t->slots, old.slots, old.capacity * old.stride);
    if (old.has_zero) memcpy(t->slots + t->capacity * t->stride, old.slots + old.capacity * old.stride, old.stride);
    fn_buffer_drop(old.memory);
    return FN_OK;
}

uint32_t group_table_find(group_table *t, const void *keys, size_t key_stride, uint32_t rows, uint8_t **slots, uint8_t **fresh)
{
    FN_DEBUG_ASSERT(rows <= GROUP_CHUNK && (t->form == GROUP_KEY_NUMBER || t->count + rows < t->capacity));
    return forms[t->form].find(t, keys, key_stride, rows, slots, fresh);
}

void group_table_count_bytes(group_table *t, const uint8_t *values, uint32_t rows, size_t state_at)
{
    enum { WAYS = 4 }; /* equal values in a row do not wait for each other */
    uint32_t counts[WAYS][256] = {{0}};
    uint32_t i = 0;
    for (; i + WAYS <= rows; i += WAYS)
        for (uint32_t w = 0; w < WAYS; w++) counts[w][values[i + w]]++;
    for (; i < rows; i++) counts[0][values[i]]++;
    for (uint64_t key = 0; key < 256; key++) {
        const uint32_t n = counts[0][key] + counts[1][key] + counts[2][key] + counts[3][key];
        uint8_t *slot = t->slots + (key ? key : t->capacity) * t->stride;
        if (!n) continue;
        if (key == 0) {
            t->count += !t->has_zero;
            t->has_zero = true;
        } else if (fn_load_u64(slot) == 0) {
            t->count++;
            fn_store_u64(slot, key);
        }
        fn_store_u64(slot + state_at, fn_load_u64(slot + state_at) + n);
    }
}

uint32_t group_table_count(group_table *t, const void *keys, size_t key_stride, uint32_t rows, size_t state_at, uint8_t **fresh)
{
    FN_DEBUG_ASSERT(rows <= GROUP_CHUNK && (t->form == GROUP_KEY_NUMBER || t->count + rows < t->capacity));
    return forms[t->form].count(t, keys, key_stride, rows, state_at, fresh);
}

void group_table_add(group_table *t, const void *from, uint32_t rows)
{
    FN_DEBUG_ASSERT(t->form == GROUP_KEY_NUMBER || t->count + rows < t->capacity);
    forms[t->form].add(t, from, rows);
}

fn_status group_table_scatter(fn_ctx *ctx, group_form form, group_pages *pages, const void *keys, size_t key_stride, uint32_t rows, size_t count_at,
                              uint8_t **slots, uint8_t **fresh, uint32_t *made)
{
    return forms[form].scatter(ctx, pages, keys, key_stride, rows, count_at, slots, fresh, made) == rows ? FN_OK : ctx->error.code;
}

void group_table_look(const group_table *t, const void *keys, size_t key_stride, uint32_t rows, uint8_t **slots)
{
    forms[t->form].look(t, keys, key_stride, rows, slots);
}

void group_partitions(group_form form, const void *keys, size_t key_stride, uint32_t rows, uint8_t *out)
{
    forms[form].partitions(keys, key_stride, rows, out);
}

uint32_t group_table_walk(const group_table *t, uint64_t *cursor, uint64_t end, uint8_t **slots, uint32_t room)
{
    uint32_t n = 0;
    const uint64_t regular = FN_MIN(end, t->capacity);
    for (; *cursor < regular && n < room; ++*cursor) {
        uint8_t *s = t->slots + *cursor * t->stride;
        slots[n] = s;
        n += t->form == GROUP_KEY_16 ? (fn_load_u64(s) | fn_load_u64(s + 8)) != 0 : fn_load_u64(s) != 0;
    }
    if (*cursor == t->capacity && *cursor < end && n < room) {
        if (t->has_zero) slots[n++] = t->slots + t->capacity * t->stride;
        ++*cursor;
    }
    return n;
}
