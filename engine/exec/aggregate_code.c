/* aggregate_code.c - GROUP BY one String that comes as dictionary codes: the id of its numbering (group_dict.h) is the place of the
 * group in an array of each worker. No hashing, no string is looked at; in the end the workers' arrays are added up range by range.
 * For count() alone it is an array of numbers. An array pays once enough rows were seen: few rows of a large dictionary are
 * grouped in the hash table, by id as well, and so begins every query. Place 0 is NULL's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"
#include "settings/settings.h"

enum { ALWAYS = 65536 /* places */, ROWS_SHARE = 4 /* pays once a quarter as many rows as places were seen */, BATCH = 256 };
#define ARRAY_BYTES ((uint64_t)256 << 20)

static uint64_t place_of(uint64_t key)
{
    return key >> 32 ? 0 : key;
}

static uint64_t key_of(uint64_t place)
{
    return place ? place : (uint64_t)1 << 32; /* the packed key's null bit */
}

/* ---- the arrays ---- */

static fn_status reserve(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    const uint64_t places = (uint64_t)group_dict_count(o->keys.keys[0].dict);
    if (places <= w->places) return FN_OK;
    const uint64_t room = w->places ? FN_MAX(places, w->places + w->places / 2) : places;
    if (!o->counts) {
        FN_TRY(group_table_grow_numbers(ctx, &w->codes, room));
    } else {
        fn_buffer *larger = fn_buffer_new_zero(ctx, room * sizeof *w->tally);
        FN_TRY_PTR(ctx, larger);
        if (w->places) memcpy(larger->data, w->tally, w->places * sizeof *w->tally);
        fn_buffer_drop(w->tally_memory);
        w->tally_memory = larger;
        w->tally = (uint32_t *)(void *)larger->data;
    }
    w->places = room;
    return FN_OK;
}

/* A counter has gone through 2^32: noted in a list. */
static fn_status wrapped(fn_ctx *ctx, group_worker *w, uint64_t place, uint64_t times)
{
    for (; times; times--) FN_TRY(fn_buf_append(ctx, &w->wraps, &place, sizeof place));
    return FN_OK;
}

static uint64_t tally_at(const group_worker *w, uint64_t place)
{
    uint64_t n = w->tally[place];
    for (size_t i = 0; i < w->wraps.size; i += sizeof place) n += (uint64_t)(fn_load_u64(w->wraps.data + i) == place) << 32;
    return n;
}

static uint8_t *slot_at(const group_worker *w, uint64_t place)
{
    return w->codes.slots + (place ? place : w->codes.capacity) * w->codes.stride;
}

static bool is_taken(const group_worker *w, uint64_t place)
{
    return place < w->places && (place ? fn_load_u64(slot_at(w, place)) != 0 : w->codes.has_zero);
}

/* A group from elsewhere; its slot is used up, also on failure. */
static fn_status take_group(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t *row)
{
    const uint64_t place = place_of(fn_load_u64(row));
    if (o->counts) {
        const uint64_t sum = w->tally[place] + fn_load_u64(row + o->state_at);
        w->tally[place] = (uint32_t)sum;
        return wrapped(ctx, w, place, sum >> 32);
    }
    uint8_t *slot = slot_at(w, place);
    fn_status status = FN_OK;
    if (is_taken(w, place)) {
        status = group_states_merge(ctx, &o->states, w->arena, aggregate_state(o, slot), aggregate_state(o, row));
    } else {
        memcpy(slot, row, o->stride);
        fn_store_u64(slot, place);
        w->codes.has_zero |= place == 0;
        w->codes.count++;
    }
    memset(row, 0, o->stride);
    return status;
}

/* ---- from the hash table to the arrays ---- */

static fn_status take_table(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    uint8_t *slots[BATCH];
    uint64_t cursor = 0;
    for (uint32_t n; (n = group_table_walk(&w->table, &cursor, group_table_end(&w->table), slots, BATCH)) != 0;)
        for (uint32_t i = 0; i < n; i++) FN_TRY(take_group(o, ctx, w, slots[i]));
    group_table_release(&w->table);
    return FN_OK;
}

static fn_status take_partition(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t number)
{
    fn_status status = FN_OK;
    for (group_page *page = group_pages_take(w->pages, number), *next; page; page = next) {
        next = page->next;
        for (; page->from < page->rows && status == FN_OK; page->from++) status = take_group(o, ctx, w, group_page_row(page, page->from, o->stride));
        aggregate_drop_rows(o, page);
        group_page_drop(w->pages, page);
    }
    return status;
}

fn_status aggregate_codes_begin(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    if (w->by_code) return FN_OK;
    w->by_code = true;
    FN_TRY(reserve(o, ctx, w));
    FN_TRY(take_table(o, ctx, w));
    for (uint32_t p = 0; w->pages && p < GROUP_PARTITIONS; p++) FN_TRY(take_partition(o, ctx, w, p));
    w->pages = NULL;
    w->pass_rows = 0;
    return FN_OK;
}

/* A group of the array into its partition; the slot is used up. */
static fn_status give_group(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint64_t place, uint8_t *slot)
{
    const uint64_t key = key_of(place);
    uint8_t number;
    group_partitions(o->keys.form, &key, sizeof key, 1, &number);
    uint8_t *row = group_pages_row(ctx, w->pages, number);
    FN_TRY_PTR(ctx, row);
    memcpy(row, slot, o->stride);
    fn_store_u64(row, key);
    memset(slot, 0, o->stride);
    return FN_OK;
}

fn_status aggregate_codes_end(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    uint8_t *counted = fn_arena_alloc_zero(ctx, ctx->arena, o->stride);
    FN_TRY_PTR(ctx, counted);
    FN_TRY(aggregate_ready_pages(o, ctx, w));
    for (uint64_t place = 0; place < w->places; place++) {
        if (!o->counts && is_taken(w, place)) FN_TRY(give_group(o, ctx, w, place, slot_at(w, place)));
        if (!o->counts || !(w->tally[place] || w->wraps.size)) continue;
        const uint64_t n = tally_at(w, place);
        fn_store_u64(counted + o->state_at, n);
        if (n) FN_TRY(give_group(o, ctx, w, place, counted));
    }
    group_table_release(&w->codes);
    fn_buffer_drop(w->tally_memory);
    w->tally_memory = NULL;
    w->tally = NULL;
    w->wraps.size = 0;
    w->places = 0;
    w->by_code = false;
    return FN_OK;
}

bool aggregate_codes_pay(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t rows)
{
    if (w->by_code) return true;
    if (o->on_disk) return false;
    const uint64_t places = (uint64_t)group_dict_count(o->keys.keys[0].dict);
    w->code_rows += rows;
    if (places * (o->counts ? sizeof *w->tally : o->stride) > ARRAY_BYTES || settings_of(ctx)->max_rows_to_group_by) return false;
    return places <= ALWAYS || w->code_rows * ROWS_SHARE >= places;
}

/* ---- rows in ---- */

static void mark_nulls(const fn_column *key, uint32_t from, uint32_t rows, uint64_t *places)
{
    const uint8_t *nulls = key->shape == FN_CONST ? key->nulls : key->nulls + from;
    for (uint32_t i = 0; i < rows; i++)
        if (nulls[key->shape == FN_CONST ? 0 : i]) places[i] = 0;
}

static fn_status count_rows(fn_ctx *ctx, group_worker *w, const fn_column *key, uint32_t from, uint32_t rows, const uint32_t *ids)
{
    if (key->nulls) {
        uint64_t *places = (uint64_t *)(void *)w->packer.packed;
        for (uint32_t i = 0; i < rows; i++) places[i] = ids[i];
        mark_nulls(key, from, rows, places);
        for (uint32_t i = 0; i < rows; i++)
            if (FN_UNLIKELY(++w->tally[places[i]] == 0)) FN_TRY(wrapped(ctx, w, places[i], 1));
        return FN_OK;
    }
    for (uint32_t i = 0; i < rows; i++)
        if (FN_UNLIKELY(++w->tally[ids[i]] == 0)) FN_TRY(wrapped(ctx, w, ids[i], 1));
    return FN_OK;
}

fn_status aggregate_codes(op_aggregate *o, fn_ctx *ctx, group_worker *w, const fn_column *key, fn_column *const *args, uint32_t rows)
{
    FN_TRY(aggregate_codes_begin(o, ctx, w));
    for (uint32_t from = 0; from < rows; from += GROUP_CHUNK) {
        const uint32_t n = FN_MIN(rows - from, (uint32_t)GROUP_CHUNK);
        const uint32_t *ids;
        FN_TRY(group_keys_ids(ctx, &o->keys, &w->packer, key, from, n, &ids));
        FN_TRY(reserve(o, ctx, w));
        if (o->counts) {
            FN_TRY(count_rows(ctx, w, key, from, n, ids));
            continue;
        }
        uint64_t *places = (uint64_t *)(void *)w->packer.packed;
        for (uint32_t i = 0; i < n; i++) places[i] = ids[i];
        if (key->nulls) mark_nulls(key, from, n, places);
        const uint32_t made = group_table_find(&w->codes, places, sizeof *places, n, w->slots, w->fresh);
        FN_TRY(aggregate_start(o, ctx, w, w->fresh, made));
        if (!o->inlined)
            for (uint32_t i = 0; i < n; i++) w->slots[i] = aggregate_state(o, w->slots[i]);
        FN_TRY(group_states_add(ctx, &o->states, w->arena, w->slots, o->inlined ? o->state_at : 0, args, from, n));
    }
    return FN_OK;
}

/* ---- groups out ---- */

static fn_status begin_task(void *arg, fn_ctx *ctx, unsigned worker)
{
    op_aggregate *o = arg;
    group_worker *w = aggregate_worker(o, worker);
    return w->ready ? aggregate_codes_begin(o, ctx, w) : FN_OK;
}

fn_status aggregate_codes_finish(op_aggregate *o, fn_ctx *ctx)
{
    for (unsigned i = 0; i < o->head.exec->workers; i++) o->by_code |= aggregate_worker(o, i)->by_code;
    if (!o->by_code) return FN_OK;
    FN_TRY(exec_parallel(ctx, o->head.exec, begin_task, o));
    for (unsigned i = 0; i < o->head.exec->workers; i++) o->places = FN_MAX(o->places, aggregate_worker(o, i)->places);
    return FN_OK;
}

/* The group's slot of the first worker that has it, the others' merged into it; NULL: nobody has it. */
static fn_status merge_place(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint64_t place, uint8_t **out)
{
    *out = NULL;
    for (unsigned i = 0; i < o->head.exec->workers; i++) {
        const group_worker *from = aggregate_worker(o, i);
        if (!is_taken(from, place)) continue;
        uint8_t *slot = slot_at(from, place);
        if (!*out) {
            *out = slot;
            continue;
        }
        uint8_t *state = aggregate_state(o, slot);
        const fn_status status = group_states_merge(ctx, &o->states, w->merge_arena, aggregate_state(o, *out), state);
        memset(slot, 0, o->stride);
        FN_TRY(status);
    }
    if (*out) fn_store_u64(*out, key_of(place));
    return FN_OK;
}

static uint32_t count_range(op_aggregate *o, uint8_t *rows, uint64_t from, uint64_t to, uint8_t **slots)
{
    uint32_t made = 0;
    for (uint64_t place = from; place < to; place++) {
        uint64_t n = 0;
        for (unsigned i = 0; i < o->head.exec->workers; i++) {
            const group_worker *w = aggregate_worker(o, i);
            if (place < w->places) n += FN_LIKELY(w->wraps.size == 0) ? w->tally[place] : tally_at(w, place);
        }
        if (!n) continue;
        uint8_t *row = rows + (size_t)made * o->stride;
        fn_store_u64(row, key_of(place));
        fn_store_u64(row + o->state_at, n);
        slots[made++] = row;
    }
    return made;
}

fn_status aggregate_codes_groups(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t **slots, uint32_t room, uint32_t *count)
{
    uint8_t *rows = o->counts ? fn_arena_alloc(ctx, ctx->arena, (size_t)room * o->stride) : NULL;
    if (o->counts) FN_TRY_PTR(ctx, rows);
    if (!w->merge_arena) w->merge_arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, w->merge_arena);
    while (*count == 0) {
        const uint64_t from = atomic_fetch_add_explicit(&o->next_slot, room, memory_order_relaxed);
        if (from >= o->places) return FN_OK;
        const uint64_t to = FN_MIN(from + room, o->places);
        FN_TRY(fn_ctx_check(ctx));
        if (o->counts) {
            *count = count_range(o, rows, from, to, slots);
            continue;
        }
        for (uint64_t place = from; place < to; place++) {
            uint8_t *slot;
            FN_TRY(merge_place(o, ctx, w, place, &slot));
            if (slot) slots[(*count)++] = slot;
        }
    }
    return FN_OK;
}
