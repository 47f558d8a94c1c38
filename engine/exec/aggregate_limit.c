/* aggregate_limit.c - GROUP BY under a LIMIT without ORDER BY: the first groups met are chosen, by all workers together; from then
 * on rows of other groups are dropped as soon as their key is looked up. Without aggregates nothing is left to be read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

static fn_status choose(op_aggregate *o, fn_ctx *ctx, group_worker *w, const uint8_t *keys, size_t key_stride, uint32_t rows)
{
    if (!o->chosen.stride) group_table_init(&o->chosen, o->keys.form, group_key_size(o->keys.form));
    FN_TRY(group_table_reserve(ctx, &o->chosen, rows));
    const uint32_t made = group_table_find(&o->chosen, keys, key_stride, rows, w->slots, w->fresh);
    FN_TRY(group_keys_settle(ctx, &o->keys, o->arena, w->fresh, made));
    if (o->chosen.count < o->enough) return FN_OK;
    atomic_store_explicit(&o->is_chosen, true, memory_order_release);
    if (o->states.count == 0) op_enough(&o->head);
    return FN_OK;
}

fn_status aggregate_pick(op_aggregate *o, fn_ctx *ctx, group_worker *w, const uint8_t *keys, size_t key_stride, uint32_t rows, uint32_t *count)
{
    fn_status status = FN_OK;
    *count = rows;
    if (!atomic_load_explicit(&o->is_chosen, memory_order_acquire)) {
        FN_ASSERT(pthread_mutex_lock(&o->lock) == 0);
        const bool choosing = !atomic_load_explicit(&o->is_chosen, memory_order_relaxed);
        if (choosing) status = choose(o, ctx, w, keys, key_stride, rows);
        FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
        if (choosing || status != FN_OK) return status;
    }
    group_table_look(&o->chosen, keys, key_stride, rows, w->slots);
    *count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        w->picked[*count] = i;
        *count += w->slots[i] != NULL;
    }
    return FN_OK;
}
