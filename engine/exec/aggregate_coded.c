/* aggregate_coded.c - count() by one number, or its different values, where the number comes as codes into a dictionary (Parquet files: one per row group;
 * the scan is asked for codes by rule_key_codes.c). A worker counts the rows of each entry in an array while blocks share the dictionary;
 * when another comes, each entry is added to its group once, with its count. Not where the dictionary is large beside the rows of a block.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"
#include "settings/settings.h"

enum { ENTRIES_MAX = 1 << 20, ENTRIES_PER_ROW = 4, ROWS_MAX = 1 << 30 /* of a count */, LANES = 4, LANES_ENTRIES = 16384 /* while they fit a cache */ };

/* Arrays of counts: rows take turns, for equal codes often follow each other, and the second would wait for the first. */
static uint32_t lanes_of(size_t entries)
{
    return entries <= LANES_ENTRIES ? LANES : 1;
}

bool aggregate_coded_fits(const op_aggregate *o, fn_ctx *ctx, const fn_column *key)
{
    if (o->group_keys != 1 || o->enough || o->keys.form == GROUP_KEY_BYTES || (o->states.count && !o->counts)) return false;
    if (key->shape != FN_DICT || key->nulls || key->kids[0]->shape != FN_FLAT || key->kids[0]->nulls || key->kids[0]->type->phys == FN_PHYS_STRING) return false;
    const uint64_t entries = key->kids[0]->rows;
    return entries <= ENTRIES_MAX && entries <= (uint64_t)key->rows * ENTRIES_PER_ROW && !settings_of(ctx)->max_rows_to_group_by;
}

static void join_lanes(group_worker *w)
{
    const size_t entries = w->coded->rows;
    uint32_t *counts = (uint32_t *)(void *)w->coded_counts->data;
    for (size_t k = 1; k < lanes_of(entries); k++)
        for (size_t i = 0; i < entries; i++) counts[i] += counts[k * entries + i];
}

/* Keys of entries that rows have move to the front; returns how many. */
static uint32_t drop_unused(uint8_t *keys, size_t stride, const uint32_t *counts, uint32_t entries, uint32_t *weights)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < entries; i++) {
        if (!counts[i]) continue;
        if (n != i) memcpy(keys + n * stride, keys + i * stride, stride);
        weights[n++] = counts[i];
    }
    return n;
}

static fn_status add_entries(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t from, uint32_t entries)
{
    uint32_t weights[GROUP_CHUNK];
    const void *packed;
    size_t stride;
    fn_column *dictionary = w->coded;
    FN_TRY(group_keys_pack(ctx, &o->keys, &w->packer, &dictionary, from, entries, &packed, &stride));
    if (packed != w->packer.packed) { /* the dictionary's own values */
        memcpy(w->packer.packed, packed, entries * stride);
        packed = w->packer.packed;
    }
    const uint32_t used = drop_unused(w->packer.packed, stride, (const uint32_t *)(const void *)w->coded_counts->data + from, entries, weights);
    if (!used) return FN_OK;
    FN_TRY(aggregate_find(o, ctx, w, packed, stride, used, false));
    for (uint32_t i = 0; i < used && o->counts; i++) {
        uint8_t *count = w->slots[i] + o->state_at;
        fn_store_u64(count, fn_load_u64(count) + weights[i]);
    }
    return FN_OK;
}

static fn_status add_counted(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    join_lanes(w);
    for (uint32_t from = 0; w->coded_rows && from < w->coded->rows; from += GROUP_CHUNK)
        FN_TRY(add_entries(o, ctx, w, from, FN_MIN(w->coded->rows - from, (uint32_t)GROUP_CHUNK)));
    aggregate_coded_close(w);
    return FN_OK;
}

void aggregate_coded_close(group_worker *w)
{
    fn_column_drop(w->coded);
    fn_buffer_drop(w->coded_counts);
    w->coded = NULL;
    w->coded_counts = NULL;
    w->coded_rows = 0;
}

#define COUNT(T, lanes)                                                                                                    \
    do {                                                                                                                   \
        const T *codes = (const T *)(const void *)key->values;                                                             \
        uint32_t i = 0;                                                                                                    \
        for (; i + (lanes) <= key->rows; i += (lanes))                                                                     \
            for (uint32_t k = 0; k < (lanes); k++) counts[k * entries + codes[i + k]]++;                                   \
        for (; i < key->rows; i++) counts[codes[i]]++;                                                                     \
    } while (0)
static void count_codes(const fn_column *key, uint32_t *counts)
{
    const size_t entries = key->kids[0]->rows;
    if (lanes_of(entries) == 1) {
        if (key->code_width == 1) COUNT(uint8_t, 1);
        else if (key->code_width == 2) COUNT(uint16_t, 1);
        else COUNT(uint32_t, 1);
    } else if (key->code_width == 1) {
        COUNT(uint8_t, LANES);
    } else if (key->code_width == 2) {
        COUNT(uint16_t, LANES);
    } else {
        COUNT(uint32_t, LANES);
    }
}

fn_status aggregate_coded(op_aggregate *o, fn_ctx *ctx, group_worker *w, const fn_column *key)
{
    fn_column *dictionary = key->kids[0];
    if (w->coded && (w->coded != dictionary || w->coded_rows + key->rows > ROWS_MAX)) FN_TRY(add_counted(o, ctx, w));
    if (!w->coded) {
        w->coded_counts = fn_buffer_new_zero(ctx, (size_t)dictionary->rows * lanes_of(dictionary->rows) * sizeof(uint32_t));
        FN_TRY_PTR(ctx, w->coded_counts);
        w->coded = fn_column_ref(dictionary);
    }
    count_codes(key, (uint32_t *)(void *)w->coded_counts->data);
    w->coded_rows += key->rows;
    return FN_OK;
}

static fn_status finish_task(void *arg, fn_ctx *ctx, unsigned worker)
{
    op_aggregate *o = arg;
    group_worker *w = aggregate_worker(o, worker);
    return w->coded ? add_counted(o, ctx, w) : FN_OK;
}

fn_status aggregate_coded_finish(op_aggregate *o, fn_ctx *ctx)
{
    bool any = false;
    for (unsigned i = 0; i < o->head.exec->workers; i++) any |= aggregate_worker(o, i)->coded != NULL;
    return any ? exec_parallel(ctx, o->head.exec, finish_task, o) : FN_OK;
}
