/* key_counter.c - counts in the slots of a group table, behind one lock: what it serves follows a sort or a deduplication and is
 * seldom worth sharing out. SPDX-License-Identifier: Apache-2.0 */
#include "exec/key_counter.h"

fn_status key_counter_init(fn_ctx *ctx, key_counter *k, const fn_type **types, uint32_t key_count)
{
    *k = (key_counter){.types = types, .key_count = key_count};
    FN_ASSERT(pthread_mutex_init(&k->lock, NULL) == 0);
    k->arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, k->arena);
    k->slots = fn_arena_alloc(ctx, k->arena, GROUP_CHUNK * sizeof *k->slots);
    k->fresh = fn_arena_alloc(ctx, k->arena, GROUP_CHUNK * sizeof *k->fresh);
    return k->slots && k->fresh ? FN_OK : ctx->error.code;
}

void key_counter_release(key_counter *k)
{
    if (!k->types) return;
    if (k->ready) {
        group_table_release(&k->table);
        group_packer_release(&k->packer);
    }
    group_keys_release(&k->keys);
    fn_arena_free(k->arena);
    (void)pthread_mutex_destroy(&k->lock);
    *k = (key_counter){0};
}

static fn_status get_ready(fn_ctx *ctx, key_counter *k, fn_column *const *columns)
{
    if (k->ready) return FN_OK;
    fn_arena *outer = ctx->arena;
    ctx->arena = k->arena;
    group_keys_release(&k->keys); /* of an attempt that failed */
    fn_status status = group_keys_plan(ctx, k->types, columns, k->key_count, &k->keys);
    if (status == FN_OK) status = group_packer_init(ctx, &k->keys, &k->packer);
    ctx->arena = outer;
    FN_TRY(status);
    group_table_init(&k->table, k->keys.form, group_key_size(k->keys.form) + (uint32_t)sizeof(uint64_t));
    k->ready = true;
    return FN_OK;
}

static uint64_t count_row(uint64_t *count, key_counting how)
{
    switch (how) {
    case COUNT_NUMBER: return (*count)++;
    case COUNT_TAKE:
        if (!*count) return 0;
        --*count;
        return 1;
    case COUNT_LOOK: return *count != 0;
    }
    return 0;
}

static fn_status count_chunk(fn_ctx *ctx, key_counter *k, fn_column *const *columns, uint32_t from, uint32_t rows, key_counting how, uint64_t *told)
{
    const void *keys;
    size_t stride;
    FN_TRY(fn_ctx_check(ctx));
    FN_TRY(group_keys_pack(ctx, &k->keys, &k->packer, columns, from, rows, &keys, &stride));
    if (how == COUNT_NUMBER) {
        FN_TRY(group_table_reserve(ctx, &k->table, rows));
        const uint32_t made = group_table_find(&k->table, keys, stride, rows, k->slots, k->fresh);
        FN_TRY(group_keys_settle(ctx, &k->keys, k->arena, k->fresh, made));
    } else if (k->table.memory) {
        group_table_look(&k->table, keys, stride, rows, k->slots);
    } else {
        memset(k->slots, 0, rows * sizeof *k->slots);
    }
    const uint32_t size = group_key_size(k->keys.form);
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t number = k->slots[i] ? count_row((uint64_t *)(void *)(k->slots[i] + size), how) : 0;
        if (told) told[i] = number;
    }
    return FN_OK;
}

fn_status key_counter_count(fn_ctx *ctx, key_counter *k, fn_column *const *columns, uint32_t rows, key_counting how, uint64_t *told)
{
    FN_ASSERT(pthread_mutex_lock(&k->lock) == 0);
    fn_status status = get_ready(ctx, k, columns);
    for (uint32_t from = 0; from < rows && status == FN_OK; from += GROUP_CHUNK)
        status = count_chunk(ctx, k, columns, from, FN_MIN(rows - from, (uint32_t)GROUP_CHUNK), how, told ? told + from : NULL);
    FN_ASSERT(pthread_mutex_unlock(&k->lock) == 0);
    return status;
}
