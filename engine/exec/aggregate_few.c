/* aggregate_few.c - GROUP BY dictionary-coded keys of few values: a block's groups are known from the codes alone.
 *
 * The codes of all keys together are the row's place, a byte. Only one row per place is looked up in the table; aggregates that can
 * then add the whole block by place into small arrays, the others get a state per row as usual. SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

enum { ROWS_MIN = 1024 };

static bool is_coded(const fn_column *c)
{
    return c->shape == FN_DICT && !c->nulls;
}

bool aggregate_few_fits(const op_aggregate *o, const group_worker *w, fn_column *const *keys, uint32_t rows)
{
    uint64_t places = 1;
    if (rows < ROWS_MIN || !o->group_keys || o->enough || w->pages || w->pass_rows || w->by_code) return false;
    for (uint32_t i = 0; i < o->group_keys; i++) {
        if (!is_coded(keys[i])) return false;
        places *= keys[i]->kids[0]->rows;
        if (places > AGG_FEW_MAX) return false;
    }
    return true;
}

/* Places stay below 256, so that eight bytes can be multiplied and added as one number. */
static void add_codes(uint8_t *places, const fn_column *c, uint32_t factor)
{
    uint32_t i = 0;
    if (c->code_width == 1)
        for (; i + 8 <= c->rows; i += 8) fn_store_u64(places + i, fn_load_u64(places + i) + fn_load_u64(c->values + i) * factor);
    for (; i < c->rows; i++) places[i] = (uint8_t)(places[i] + fn_column_code(c, i) * factor);
}

/* Four counters per place, so that a run of one place does not wait for itself. */
static void count_places(const uint8_t *places, uint32_t rows, uint32_t *counts)
{
    uint32_t four[4][AGG_FEW_MAX];
    uint32_t i = 0;
    memset(four, 0, sizeof four);
    for (; i + 4 <= rows; i += 4) {
        four[0][places[i]]++;
        four[1][places[i + 1]]++;
        four[2][places[i + 2]]++;
        four[3][places[i + 3]]++;
    }
    for (; i < rows; i++) four[0][places[i]]++;
    for (uint32_t p = 0; p < AGG_FEW_MAX; p++) counts[p] = four[0][p] + four[1][p] + four[2][p] + four[3][p];
}

/* A row of each place there is, in the order of places. */
static uint32_t list_rows(const agg_few *few, uint32_t rows, uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < few->place_count; p++)
        if (few->counts[p]) out[n++] = (uint32_t)((const uint8_t *)memchr(few->places, (int)p, rows) - few->places);
    return n;
}

/* The slots of some rows' groups: w->slots. */
static fn_status find_groups(op_aggregate *o, fn_ctx *ctx, group_worker *w, fn_column *const *keys, const uint32_t *rows, uint32_t count)
{
    fn_column **some = fn_arena_alloc_zero(ctx, ctx->arena, (o->group_keys + 1) * sizeof *some);
    FN_TRY_PTR(ctx, some);
    uint32_t taken = 0;
    const void *packed;
    size_t stride;
    while (taken < o->group_keys && (some[taken] = fn_column_take(ctx, keys[taken], rows, count)) != NULL) taken++;
    fn_status status = taken == o->group_keys ? group_keys_pack(ctx, &o->keys, &w->packer, some, 0, count, &packed, &stride) : ctx->error.code;
    if (status == FN_OK) status = group_table_reserve(ctx, &w->table, count);
    if (status == FN_OK) {
        const uint32_t made = group_table_find(&w->table, packed, stride, count, w->slots, w->fresh);
        status = group_keys_settle(ctx, &o->keys, w->arena, w->fresh, made);
        if (status == FN_OK) status = aggregate_start(o, ctx, w, w->fresh, made);
    }
    while (taken) fn_column_drop(some[--taken]);
    return status;
}

fn_status aggregate_few(op_aggregate *o, fn_ctx *ctx, group_worker *w, fn_column *const *keys, fn_column *const *args, uint32_t rows)
{
    uint8_t *places = fn_arena_alloc_zero(ctx, ctx->arena, rows), *states[AGG_FEW_MAX];
    uint32_t counts[AGG_FEW_MAX], found[AGG_FEW_MAX], factor = 1, at = 0;
    FN_TRY_PTR(ctx, places);
    for (uint32_t i = 0; i < o->group_keys; i++) {
        add_codes(places, keys[i], factor);
        factor *= keys[i]->kids[0]->rows;
    }
    count_places(places, rows, counts);
    const agg_few few = {places, counts, factor};
    const uint32_t groups = list_rows(&few, rows, found);
    FN_TRY(find_groups(o, ctx, w, keys, found, groups));
    w->table_rows += rows;
    for (uint32_t p = 0; p < factor; p++) states[p] = counts[p] ? aggregate_state(o, w->slots[at++]) : NULL;
    return group_states_add_few(ctx, &o->states, w->arena, states, &few, args, rows, w->slots);
}
