/* group_table.c - see group_table.h. The loops are made per key form by group_table_form.inc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_table.h"

enum { FIRST_CAPACITY = 64, PREFETCH_FROM = 256 << 10 /* bytes of slots: about a quarter of an L2 cache */, PREFETCH_AHEAD = 12 };

static inline uint64_t mix(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15u;
    return key ^ key >> 32;
}

#define NAME       key8
#define KEY        uint64_t
#define LOAD(p)    fn_load_u64(p)
#define STORE(p, k) fn_store_u64((p), (k))
#define EQUAL(a, b) ((a) == (b))
#define IS_EMPTY(k) ((k) == 0)
#define HASH(k)    mix((k) * 0xd6e8feb86659fd93u ^ (k) >> 32)
#define INDEX(h)   (h)
#define PARTITION(h) ((uint8_t)((h) >> 56))
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
#define HASH(k)    mix(mix((k).a * 0xd6e8feb86659fd93u ^ (k).a >> 32) ^ (k).b * 0xa0761d6478bd642fu ^ (k).b >> 29)
#define INDEX(h)   (h)
#define PARTITION(h) ((uint8_t)((h) >> 56))
#include "exec/group_table_form.inc"

static inline bool same_text(key_pair x, key_pair y)
{
    if (x.a != y.a) return false;
    const uint32_t size = (uint32_t)x.a;
    return size <= 8 ? x.b == y.b : x.b == y.b || memcmp((const void *)(uintptr_t)x.b, (const void *)(uintptr_t)y.b, size) == 0;
}
/* 32 bits of hash: bit 0 is always set, 8 name the partition, 23 the slot. */
#define NAME       text
#define KEY        key_pair
#define LOAD(p)    load_pair(p)
#define STORE(p, k) memcpy((p), &(k), sizeof(k))
#define EQUAL(x, y) same_text((x), (y))
#define IS_EMPTY(k) ((k).a == 0)
#define HASH(k)    ((k).a >> 32)
#define INDEX(h)   ((h) >> 9)
#define PARTITION(h) ((uint8_t)((h) >> 1))
#define NO_ZERO_KEY
#include "exec/group_table_form.inc"

typedef struct form_ops {
    uint32_t (*find)(group_table *t, const uint8_t *keys, size_t key_stride, uint32_t rows, uint8_t **slots, uint8_t **fresh);
    void (*look)(const group_table *t, const uint8_t *keys, size_t key_stride, uint32_t rows, uint8_t **slots);
    void (*move)(group_table *to, const group_table *from);
    void (*partitions)(const uint8_t *keys, size_t key_stride, uint32_t rows, uint8_t *out);
} form_ops;
static const form_ops forms[] = {
    [GROUP_KEY_8] = {find_key8, look_key8, move_key8, partitions_key8},
    [GROUP_KEY_16] = {find_key16, look_key16, move_key16, partitions_key16},
    [GROUP_KEY_BYTES] = {find_text, look_text, move_text, partitions_text},
};

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
    const uint64_t wanted = (t->count + more) * 2;
    if (t->memory && wanted <= t->capacity) return FN_OK;
    group_table larger = *t;
    larger.capacity = FN_MAX(fn_next_pow2(wanted), (uint64_t)FIRST_CAPACITY);
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

uint32_t group_table_find(group_table *t, const void *keys, size_t key_stride, uint32_t rows, uint8_t **slots, uint8_t **fresh)
{
    FN_DEBUG_ASSERT(rows <= GROUP_CHUNK && (t->count + rows) * 2 <= t->capacity);
    return forms[t->form].find(t, keys, key_stride, rows, slots, fresh);
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
