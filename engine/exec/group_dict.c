/* group_dict.c - see group_dict.h. SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_dict.h"

enum { FIRST_SLOTS = 256 };

fn_status group_dict_init(fn_ctx *ctx, group_dict *d, const fn_type *type)
{
    memset(d, 0, sizeof *d);
    FN_ASSERT(pthread_mutex_init(&d->lock, NULL) == 0);
    return fn_builder_init(ctx, &d->values, type);
}

void group_dict_release(group_dict *d)
{
    fn_buffer_drop(d->slot_memory);
    fn_buffer_drop(d->hash_memory);
    fn_builder_release(&d->values);
    fn_column_drop(d->finished);
    (void)pthread_mutex_destroy(&d->lock);
    memset(d, 0, sizeof *d);
}

void group_dict_map_release(group_dict_map *m)
{
    for (uint32_t i = 0; i < GROUP_DICT_KNOWN; i++) {
        fn_column_drop(m->known[i].dictionary);
        fn_buffer_drop(m->known[i].ids);
    }
    memset(m, 0, sizeof *m);
}

static fn_status grow(fn_ctx *ctx, group_dict *d)
{
    const uint64_t slots = d->slots ? (d->slot_mask + 1) * 2 : FIRST_SLOTS;
    fn_buffer *slot_memory = fn_buffer_new_zero(ctx, slots * sizeof *d->slots);
    fn_buffer *hash_memory = fn_buffer_new(ctx, slots / 2 * sizeof *d->hashes);
    if (!slot_memory || !hash_memory) {
        fn_buffer_drop(slot_memory);
        fn_buffer_drop(hash_memory);
        return ctx->error.code;
    }
    uint32_t *to = (uint32_t *)(void *)slot_memory->data;
    if (d->count) memcpy(hash_memory->data, d->hashes, d->count * sizeof *d->hashes);
    for (uint32_t id = 0; id < d->count; id++) {
        uint64_t i = d->hashes[id] & (slots - 1);
        while (to[i]) i = (i + 1) & (slots - 1);
        to[i] = id + 1;
    }
    fn_buffer_drop(d->slot_memory);
    fn_buffer_drop(d->hash_memory);
    d->slot_memory = slot_memory;
    d->hash_memory = hash_memory;
    d->slots = to;
    d->slot_mask = slots - 1;
    d->hashes = (uint64_t *)(void *)hash_memory->data;
    d->room = (uint32_t)(slots / 2);
    return FN_OK;
}

static fn_str value_of(const group_dict *d, uint32_t id)
{
    const uint32_t *offsets = (const uint32_t *)(const void *)d->values.offsets.data;
    return (fn_str){d->values.values.data + offsets[id], offsets[id + 1] - offsets[id]};
}

/* Under the lock. */
static fn_status number(fn_ctx *ctx, group_dict *d, fn_str text, uint32_t *id)
{
    const uint64_t hash = fn_hash_bytes(text.data, text.size, 0);
    if (d->count == d->room) FN_TRY(grow(ctx, d));
    uint64_t i = hash & d->slot_mask;
    for (; d->slots[i]; i = (i + 1) & d->slot_mask) {
        *id = d->slots[i] - 1;
        if (d->hashes[*id] == hash && fn_str_eq(value_of(d, *id), text)) return FN_OK;
    }
    FN_TRY(fn_builder_str(ctx, &d->values, text));
    *id = d->count++;
    d->hashes[*id] = hash;
    d->slots[i] = *id + 1;
    return FN_OK;
}

static fn_status find_map(fn_ctx *ctx, group_dict_map *m, const fn_column *dictionary, uint32_t **out)
{
    for (uint32_t i = 0; i < GROUP_DICT_KNOWN; i++)
        if (m->known[i].dictionary == dictionary) {
            *out = (uint32_t *)(void *)m->known[i].ids->data;
            return FN_OK;
        }
    fn_buffer *ids = fn_buffer_new(ctx, (size_t)dictionary->rows * sizeof **out);
    FN_TRY_PTR(ctx, ids);
    memset(ids->data, 0xff, (size_t)dictionary->rows * sizeof **out);
    const uint32_t at = m->next;
    m->next = (at + 1) % GROUP_DICT_KNOWN;
    fn_column_drop(m->known[at].dictionary);
    fn_buffer_drop(m->known[at].ids);
    m->known[at].dictionary = fn_column_ref(dictionary);
    m->known[at].ids = ids;
    *out = (uint32_t *)(void *)ids->data;
    return FN_OK;
}

#define GATHER(T)                                                                                                          \
    for (uint32_t i = 0; i < rows; i++) {                                                                                  \
        ids[i] = map[((const T *)codes)[i]];                                                                               \
        unknown |= ids[i] == UINT32_MAX;                                                                                   \
    }
static bool gather(const fn_column *c, uint32_t from, uint32_t rows, const uint32_t *map, uint32_t *ids)
{
    const void *codes = c->values + (size_t)from * c->code_width;
    bool unknown = false;
    if (c->code_width == 1) GATHER(uint8_t)
    else if (c->code_width == 2) GATHER(uint16_t)
    else GATHER(uint32_t)
    return unknown;
}

static fn_status number_entries(fn_ctx *ctx, group_dict *d, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *map)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&d->lock) == 0);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t code = fn_column_code(c, from + i);
        if (map[code] == UINT32_MAX) status = number(ctx, d, fn_column_str_at(c->kids[0], code), &map[code]);
    }
    FN_ASSERT(pthread_mutex_unlock(&d->lock) == 0);
    return status;
}

static fn_status number_rows(fn_ctx *ctx, group_dict *d, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&d->lock) == 0);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        if (i && c->shape == FN_CONST) ids[i] = ids[0];
        else status = number(ctx, d, fn_column_str_at(c, from + i), &ids[i]);
    }
    FN_ASSERT(pthread_mutex_unlock(&d->lock) == 0);
    return status;
}

fn_status group_dict_ids(fn_ctx *ctx, group_dict *d, group_dict_map *m, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids)
{
    if (c->shape != FN_DICT) return number_rows(ctx, d, c, from, rows, ids);
    uint32_t *map;
    FN_TRY(find_map(ctx, m, c->kids[0], &map));
    if (!gather(c, from, rows, map, ids)) return FN_OK;
    FN_TRY(number_entries(ctx, d, c, from, rows, map));
    (void)gather(c, from, rows, map, ids);
    return FN_OK;
}

uint32_t group_dict_count(group_dict *d)
{
    FN_ASSERT(pthread_mutex_lock(&d->lock) == 0);
    const uint32_t count = d->count;
    FN_ASSERT(pthread_mutex_unlock(&d->lock) == 0);
    return count;
}

fn_status group_dict_values(fn_ctx *ctx, group_dict *d, const fn_column **out)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&d->lock) == 0);
    if (!d->finished) status = fn_builder_finish(ctx, &d->values, &d->finished);
    FN_ASSERT(pthread_mutex_unlock(&d->lock) == 0);
    *out = d->finished;
    return status;
}
