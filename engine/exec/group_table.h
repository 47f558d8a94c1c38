/* exec/group_table.h - hash tables of GROUP BY and DISTINCT: open addressing, power of two, about half full; a slot is the
 * key followed by the aggregates' states (or one pointer to them), so that a row costs one memory access.
 *
 * Keys come in three forms:
 *   GROUP_KEY_NUMBER            a small number in 8 bytes: the slot's own (one-byte keys, codes of a dictionary)
 *   GROUP_KEY_8, GROUP_KEY_16   8 or 16 bytes that are the key; the all-zero key has a slot of its own behind the others
 *   GROUP_KEY_BYTES             {hash, length} in 8 bytes, then up to 8 bytes of text or a pointer to more; never all zero
 * Slots are moved with memcpy. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_GROUP_TABLE_H
#define FIRN_EXEC_GROUP_TABLE_H
#include <firn/arena.h>
#include <firn/bits.h>

typedef enum group_form { GROUP_KEY_NUMBER, GROUP_KEY_8, GROUP_KEY_16, GROUP_KEY_BYTES } group_form;

enum { GROUP_CHUNK = 1024, GROUP_PARTITION_BITS = 8, GROUP_PARTITIONS = 1 << GROUP_PARTITION_BITS };

typedef struct group_table {
    fn_buffer *memory;  /* capacity + 1 slots, zeroed where empty; NULL before the first reserve */
    uint8_t *slots;
    uint64_t capacity;  /* slots without the zero key's */
    uint64_t count;     /* groups, the zero key's included */
    uint32_t stride;
    uint8_t form, shift; /* hash >> shift: the slot */
    bool has_zero;
} group_table;

static inline uint32_t group_key_size(group_form form)
{
    return form == GROUP_KEY_NUMBER || form == GROUP_KEY_8 ? 8 : 16;
}
/* A key of the BYTES form over text that stays where it is. */
typedef struct group_text {
    uint64_t meta, body;
} group_text;
#define GROUP_TEXT_NULL UINT32_MAX /* length of the key that stands for NULL */
static inline group_text group_text_of(const uint8_t *data, uint32_t size)
{
    const uint64_t hash = fn_hash_bytes(data, size, 0) >> 32 | 1;
    group_text t = {hash << 32 | size, 0};
    if (size <= 8) memcpy(&t.body, data, size);
    else t.body = (uint64_t)(uintptr_t)data;
    return t;
}
static inline group_text group_text_null(void)
{
    return (group_text){(uint64_t)1 << 32 | GROUP_TEXT_NULL, 0};
}
static inline bool group_text_is_null(const void *slot)
{
    return fn_load_u32(slot) == GROUP_TEXT_NULL;
}
static inline fn_str group_text_view(const void *slot)
{
    const uint32_t size = fn_load_u32(slot);
    const uint8_t *body = (const uint8_t *)slot + 8;
    return (fn_str){size <= 8 ? (const char *)body : (const char *)(uintptr_t)fn_load_u64(body), size};
}

void group_table_init(group_table *t, group_form form, uint32_t stride);
void group_table_release(group_table *t);
void group_table_clear(group_table *t); /* keeps the memory */
/* Room for `more` new groups. Errors: MEMORY_LIMIT_EXCEEDED; slots move. */
fn_status group_table_reserve(fn_ctx *ctx, group_table *t, uint64_t more) FN_MUST_USE;
/* NUMBER form: slots for keys below `domain`, of an empty table; 256 without this. */
fn_status group_table_reserve_numbers(fn_ctx *ctx, group_table *t, uint64_t domain) FN_MUST_USE;
/* The same of a table that may hold groups. */
fn_status group_table_grow_numbers(fn_ctx *ctx, group_table *t, uint64_t domain) FN_MUST_USE;
/* Finds or makes the slot of each of `rows` <= GROUP_CHUNK keys, key_stride bytes apart. New slots hold the key and zeroed
 * states and are listed in fresh; returns their number. Room for `rows` new groups must be there. */
uint32_t group_table_find(group_table *t, const void *keys, size_t key_stride, uint32_t rows, uint8_t **slots, uint8_t **fresh);
/* The same for COUNT(*) alone, whose 64-bit count at state_at goes up by one per row. */
uint32_t group_table_count(group_table *t, const void *keys, size_t key_stride, uint32_t rows, size_t state_at, uint8_t **fresh);
/* The same for the NUMBER form over any number of one-byte values. */
void group_table_count_bytes(group_table *t, const uint8_t *values, uint32_t rows, size_t state_at);
/* Adds rows that look like the table's slots and whose states are all 64-bit counters. Room for `rows` groups must be there. */
void group_table_add(group_table *t, const void *from, uint32_t rows);
/* Every key becomes a row of its partition in the pages, its states zero or, at count_at > 0, a count (then slots
 * is left alone); else slots[i] is its row. fresh lists the rows made. */
struct group_pages;
fn_status group_table_scatter(fn_ctx *ctx, group_form form, struct group_pages *pages, const void *keys, size_t key_stride, uint32_t rows, size_t count_at,
                              uint8_t **slots, uint8_t **fresh, uint32_t *made) FN_MUST_USE;
/* The same without making any: slots[i] = NULL for unknown keys. */
void group_table_look(const group_table *t, const void *keys, size_t key_stride, uint32_t rows, uint8_t **slots);
/* Partition number of each key. */
void group_partitions(group_form form, const void *keys, size_t key_stride, uint32_t rows, uint8_t *out);
/* Up to `room` occupied slots from *cursor on (start with 0); returns how many, 0 behind the last. */
uint32_t group_table_walk(const group_table *t, uint64_t *cursor, uint64_t end, uint8_t **slots, uint32_t room);
static inline uint64_t group_table_end(const group_table *t)
{
    return t->memory ? t->capacity + 1 : 0;
}
#endif
