/* aggregate_emit.c - GROUP BY: groups out. Small tables are merged into one whose slots are handed out in ranges; partitions
 * are taken one by one by the workers of the next pipeline, merged in a table of their own, given out and forgotten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

enum {
    EMIT_ROWS = 8192,
    PARALLEL_GROUPS = 100000, /* of all workers: from here on partition by partition */
    SERIAL_GROUPS = 65536     /* below, one worker gives them all */
};

fn_status aggregate_merge(op_aggregate *o, fn_ctx *ctx, group_worker *w, group_table *t, fn_arena *arena, uint8_t *rows, uint32_t count, fn_arena *settle)
{
    const uint32_t key_size = group_key_size(o->keys.form);
    uint32_t made, next = 0;
    fn_status status = group_table_reserve(ctx, t, count);
    if (status != FN_OK) {
        for (uint32_t i = 0; i < count; i++) group_states_destroy(&o->states, aggregate_state(o, rows + (size_t)i * o->stride));
        return status;
    }
    if (o->counters && !settle) {
        group_table_add(t, rows, count);
        return FN_OK;
    }
    made = group_table_find(t, rows, o->stride, count, w->slots, w->fresh);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *row = rows + (size_t)i * o->stride;
        if (next < made && w->slots[i] == w->fresh[next]) { /* the first of its group: moves, with its long text */
            memcpy(w->slots[i] + key_size, row + key_size, o->stride - key_size);
            next++;
        } else if (status == FN_OK) {
            status = group_states_merge(ctx, &o->states, arena, aggregate_state(o, w->slots[i]), aggregate_state(o, row));
        } else {
            group_states_destroy(&o->states, aggregate_state(o, row));
        }
    }
    if (status == FN_OK && settle) status = group_keys_settle(ctx, &o->keys, settle, w->fresh, made);
    return status;
}

static fn_status merge_page(op_aggregate *o, fn_ctx *ctx, group_worker *w, fn_arena *arena, group_page *page)
{
    while (page->from < page->rows) {
        const uint32_t n = FN_MIN(page->rows - page->from, (uint32_t)GROUP_CHUNK);
        uint8_t *rows = group_page_row(page, page->from, o->stride);
        page->from += n;
        FN_TRY(aggregate_merge(o, ctx, w, &w->merged, arena, rows, n, NULL));
    }
    return FN_OK;
}

/* All pages of a partition into the worker's table. On failure too they are used up. */
static fn_status merge_pages(op_aggregate *o, fn_ctx *ctx, group_worker *w, fn_arena *arena, group_pages *s, uint32_t number)
{
    fn_status status = FN_OK;
    for (group_page *page = group_pages_take(s, number), *next; page; page = next) {
        next = page->next;
        if (status == FN_OK) status = merge_page(o, ctx, w, arena, page);
        aggregate_drop_rows(o, page);
        group_page_drop(s, page);
    }
    return status;
}

static fn_status merge_partition(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t number)
{
    w->cursor = 0;
    if (!w->merge_arena) w->merge_arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, w->merge_arena);
    fn_arena_reset(w->merge_arena);
    if (w->merged.memory) group_table_clear(&w->merged);
    else group_table_init(&w->merged, o->keys.form, o->stride);
    for (unsigned i = 0; i < o->head.exec->workers; i++) {
        group_worker *from = aggregate_worker(o, i);
        if (from->pages) FN_TRY(merge_pages(o, ctx, w, w->merge_arena, from->pages, number));
    }
    if (o->on_disk) FN_TRY(aggregate_disk_merge(o, ctx, w, number));
    return aggregate_check(o, ctx, atomic_fetch_add_explicit(&o->merged, w->merged.count, memory_order_relaxed) + w->merged.count);
}

fn_status aggregate_compact(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    uint8_t *slots[256];
    group_table_init(&w->merged, o->keys.form, o->stride);
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++) {
        uint64_t cursor = 0;
        group_table_clear(&w->merged);
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(merge_pages(o, ctx, w, w->arena, w->pages, p));
        for (uint32_t n; (n = group_table_walk(&w->merged, &cursor, group_table_end(&w->merged), slots, 256)) != 0;)
            for (uint32_t i = 0; i < n; i++) {
                uint8_t *row = group_pages_row(ctx, w->pages, p);
                FN_TRY_PTR(ctx, row);
                memcpy(row, slots[i], o->stride);
            }
    }
    group_table_release(&w->merged);
    w->pages_limit = FN_MAX(w->pages_limit, w->pages->bytes * 2);
    return FN_OK;
}

/* ---- the end of input ---- */

static fn_status merge_singles(op_aggregate *o, fn_ctx *ctx)
{
    group_worker *all = aggregate_worker(o, 0);
    if (!all->arena) all->arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, all->arena);
    if (!all->single) {
        all->single = fn_arena_alloc_zero(ctx, all->arena, o->states.size + 16);
        FN_TRY_PTR(ctx, all->single);
        group_states_init(&o->states, all->single);
    }
    for (unsigned i = 1; i < o->head.exec->workers; i++) {
        group_worker *w = aggregate_worker(o, i);
        uint8_t *from = w->single;
        w->single = NULL;
        if (from) FN_TRY(group_states_merge(ctx, &o->states, all->arena, all->single, from));
    }
    o->head.width = 1;
    return FN_OK;
}

static fn_status flush_task(void *arg, fn_ctx *ctx, unsigned worker)
{
    op_aggregate *o = arg;
    group_worker *w = aggregate_worker(o, worker);
    return w->ready && w->table.count ? aggregate_flush(o, ctx, w) : FN_OK;
}

/* All other tables into that of worker 0. */
static fn_status merge_tables(op_aggregate *o, fn_ctx *ctx)
{
    group_worker *all = aggregate_worker(o, 0);
    for (unsigned i = 1; i < o->head.exec->workers; i++) {
        group_worker *w = aggregate_worker(o, i);
        uint8_t *rows = NULL;
        if (!w->ready || !w->table.count) continue;
        if (!all->ready) { /* nothing there yet: take this one */
            const group_worker empty = *all;
            *all = *w;
            *w = empty;
            continue;
        }
        rows = fn_arena_alloc(ctx, ctx->arena, (size_t)256 * o->stride);
        FN_TRY_PTR(ctx, rows);
        uint64_t cursor = 0;
        for (uint32_t n; (n = group_table_walk(&w->table, &cursor, group_table_end(&w->table), w->slots, 256)) != 0;) {
            for (uint32_t k = 0; k < n; k++) {
                memcpy(rows + (size_t)k * o->stride, w->slots[k], o->stride);
                memset(w->slots[k], 0, o->stride);
            }
            FN_TRY(aggregate_merge(o, ctx, all, &all->table, all->arena, rows, n, NULL));
        }
        group_table_release(&w->table);
    }
    if (all->table.count < SERIAL_GROUPS) o->head.width = 1;
    return aggregate_check(o, ctx, all->table.count);
}

fn_status aggregate_finish(op *self, fn_ctx *ctx)
{
    op_aggregate *o = (op_aggregate *)self;
    uint64_t groups = 0;
    bool paged = false;
    if (o->group_keys == 0) {
        FN_TRY(merge_singles(o, ctx));
    } else {
        if (!o->keys_ready) FN_TRY(aggregate_empty_sets(o, ctx));
        FN_TRY(aggregate_coded_finish(o, ctx));
        for (unsigned i = 0; i < self->exec->workers; i++) {
            const group_worker *w = aggregate_worker(o, i);
            groups += w->table.count;
            paged |= w->pages != NULL;
        }
        FN_TRY(aggregate_disk_finish(o, ctx));
        if (o->keys.by_code && !o->on_disk) FN_TRY(aggregate_codes_finish(o, ctx));
        if (o->by_code) self->width = o->places < SERIAL_GROUPS ? 1 : 0;
        o->partitioned = paged || o->on_disk || (groups > PARALLEL_GROUPS && self->exec->workers > 1 && o->keys.form != GROUP_KEY_NUMBER);
        if (!o->by_code) FN_TRY(o->partitioned ? exec_parallel(ctx, self->exec, flush_task, o) : merge_tables(o, ctx));
    }
    return o->keeps ? aggregate_totals_finish(o, ctx) : FN_OK;
}

/* ---- groups out ---- */

fn_status aggregate_groups(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t **slots, uint32_t room, uint32_t *count)
{
    *count = 0;
    if (o->by_code) return aggregate_codes_groups(o, ctx, w, slots, room, count);
    if (!o->partitioned) {
        group_table *t = &aggregate_worker(o, 0)->table;
        const uint64_t end = group_table_end(t);
        while (*count == 0) {
            uint64_t cursor = atomic_fetch_add_explicit(&o->next_slot, room, memory_order_relaxed);
            if (cursor >= end) return FN_OK;
            *count = group_table_walk(t, &cursor, FN_MIN(cursor + room, end), slots, room);
        }
        return FN_OK;
    }
    for (;;) {
        if (w->merged.memory) *count = group_table_walk(&w->merged, &w->cursor, group_table_end(&w->merged), slots, room);
        if (*count) return FN_OK;
        const bool again = w->pass < w->passes;
        const uint32_t number = again ? w->partition : atomic_fetch_add_explicit(&o->next_partition, 1, memory_order_relaxed);
        if (number >= GROUP_PARTITIONS) return FN_OK;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(merge_partition(o, ctx, w, number));
    }
}

fn_status aggregate_block(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t *const *slots, uint32_t count, fn_block **out)
{
    const uint32_t keys = o->group_keys, aggs = o->states.count, all = o->head.node->column_count;
    if (all == 0 && keys) { /* nobody looks at the keys: rows alone */
        *out = fn_block_new(ctx, 0, count);
        FN_TRY_PTR(ctx, *out);
        return FN_OK;
    }
    fn_column **columns = fn_arena_alloc_zero(ctx, ctx->arena, (keys + aggs + 1) * sizeof *columns);
    uint8_t **states = fn_arena_alloc(ctx, ctx->arena, (count + 1) * sizeof *states);
    if (!columns || !states) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) states[i] = keys ? aggregate_state(o, slots[i]) : slots[i];
    FN_ASSERT(keys + aggs == all);
    fn_arena *arena = o->partitioned || o->by_code ? w->merge_arena : aggregate_worker(o, 0)->arena;
    fn_status status = keys ? group_keys_unpack(ctx, &o->keys, slots, count, columns) : FN_OK;
    if (status == FN_OK && !o->partitioned && !o->by_code && o->states.count) FN_ASSERT(pthread_mutex_lock(&o->lock) == 0); /* one arena for all */
    if (status == FN_OK) {
        status = group_states_finish(ctx, &o->states, arena, states, count, columns + keys);
        if (!o->partitioned && !o->by_code && o->states.count) FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
    }
    *out = status == FN_OK ? fn_block_new(ctx, all, count) : NULL;
    for (uint32_t i = 0; *out && i < keys + aggs; i++) { /* the number of the grouping set goes last */
        const uint32_t at = i < o->key_count ? i : i < keys ? all - 1 : i - (keys - o->key_count);
        (*out)->columns[at] = fn_column_ref(columns[i]);
    }
    for (uint32_t i = 0; i < keys + aggs; i++) fn_column_drop(columns[i]);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status next_single(op_aggregate *o, fn_ctx *ctx, fn_block **out)
{
    if (atomic_exchange(&o->single_given, true)) return FN_OK;
    group_worker *w = aggregate_worker(o, 0);
    return aggregate_block(o, ctx, w, &w->single, 1, out);
}

fn_status aggregate_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    op_aggregate *o = (op_aggregate *)self;
    *out = NULL;
    if (o->keeps) {
        *out = block_list_next(&o->given);
        return FN_OK;
    }
    if (o->group_keys == 0) return next_single(o, ctx, out);
    uint8_t **slots = fn_arena_alloc(ctx, ctx->arena, EMIT_ROWS * sizeof *slots);
    FN_TRY_PTR(ctx, slots);
    uint32_t count;
    group_worker *w = aggregate_worker(o, worker);
    if (!w->arena || (!w->ready && o->partitioned)) { /* a worker that had no rows still needs scratch to merge */
        if (!w->arena) w->arena = fn_arena_new(ctx);
        if (!w->scratch) w->scratch = fn_arena_new(ctx);
        if (!w->arena || !w->scratch) return ctx->error.code;
        w->slots = fn_arena_alloc(ctx, w->scratch, GROUP_CHUNK * sizeof *w->slots);
        w->fresh = fn_arena_alloc(ctx, w->scratch, GROUP_CHUNK * sizeof *w->fresh);
        if (!w->slots || !w->fresh) return ctx->error.code;
        w->ready = true;
    }
    FN_TRY(aggregate_top_ready(o, ctx, w));
    for (uint32_t kept = 0; kept == 0; count = kept) {
        FN_TRY(aggregate_groups(o, ctx, w, slots, EMIT_ROWS, &count));
        if (count == 0) return FN_OK;
        kept = o->top.rows ? aggregate_top_pick(o, w, slots, count) : count;
    }
    const fn_status status = aggregate_block(o, ctx, w, slots, count, out);
    if (o->states.destroys)
        for (uint32_t i = 0; i < count; i++) aggregate_drop(o, slots[i]);
    return status;
}
