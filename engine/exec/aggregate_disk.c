/* aggregate_disk.c - GROUP BY with more groups than memory holds. When memory is short a worker writes all its groups to a file of its
 * own, partition by partition, and begins anew; at the end of input, if anybody did, all do. The partitions are then read back, merged
 * and given out one by one, as those in memory are. One that would not fit is read several times; each pass takes the groups whose
 * keys hash to it.
 *
 * A frame holds rows of one partition: size of the row (u32), the key (8 or 16 bytes as in a slot; for texts {hash, length} and the
 * bytes), the states (group_states_write). Aggregates whose states cannot be written keep everything in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

enum { FRAME_BYTES = 128 << 10, PASSES_MAX = 1024, SLOTS_PER_GROUP = 4 /* of a hash table that has just grown */, BATCH = 256,
       OUTSIDE_BYTES = 16 /* a guess, per row, at what states hold outside the arena */ };

typedef struct partition_frames {
    spill_frame *frames;
    uint32_t count, room;
    uint64_t rows, bytes;
} partition_frames;

typedef struct group_disk {
    spill_file *file;
    fn_buf raw;
    partition_frames parts[GROUP_PARTITIONS];
} group_disk;

void aggregate_disk_close(group_worker *w)
{
    group_disk *d = w->disk;
    if (!d) return;
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++) fn_free(d->parts[p].frames);
    fn_buf_release(&d->raw);
    spill_file_close(d->file);
    fn_free(d);
    w->disk = NULL;
}

static fn_status ready_disk(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    if (w->disk) return FN_OK;
    w->disk = fn_alloc_zero(ctx, sizeof *w->disk);
    FN_TRY_PTR(ctx, w->disk);
    atomic_store_explicit(&o->on_disk, true, memory_order_relaxed);
    return spill_file_open(ctx, o->head.exec->env->spill, SPILL_GROUP, &w->disk->file);
}

/* ---- out ---- */

static fn_status close_frame(fn_ctx *ctx, group_disk *d, partition_frames *f)
{
    if (!d->raw.size) return FN_OK;
    if (f->count == f->room) {
        const uint32_t room = f->room ? f->room * 2 : 4;
        spill_frame *more = fn_realloc(ctx, f->frames, room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        f->frames = more;
        f->room = room;
    }
    if (d->raw.size > SPILL_FRAME_MAX) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A state of %zu bytes in a temporary file is not supported", d->raw.size);
    FN_TRY(spill_file_append(ctx, d->file, d->raw.data, d->raw.size, &f->frames[f->count]));
    f->count++;
    f->bytes += d->raw.size;
    d->raw.size = 0;
    return FN_OK;
}

static fn_status put_row(op_aggregate *o, fn_ctx *ctx, group_disk *d, uint8_t *row)
{
    const size_t from = d->raw.size;
    FN_TRY(fn_buf_append(ctx, &d->raw, &(uint32_t){0}, 4));
    if (o->keys.form == GROUP_KEY_BYTES) {
        FN_TRY(fn_buf_append(ctx, &d->raw, row, 8));
        const fn_str text = group_text_view(row);
        if (!group_text_is_null(row)) FN_TRY(fn_buf_append(ctx, &d->raw, text.data, text.size));
    } else {
        FN_TRY(fn_buf_append(ctx, &d->raw, row, group_key_size(o->keys.form)));
    }
    FN_TRY(group_states_write(ctx, &o->states, aggregate_state(o, row), &d->raw));
    fn_store_u32(d->raw.data + from, (uint32_t)FN_MIN(d->raw.size - from - 4, (size_t)UINT32_MAX));
    return FN_OK;
}

static fn_status put_page(op_aggregate *o, fn_ctx *ctx, group_disk *d, partition_frames *f, group_page *page)
{
    for (; page->from < page->rows; page->from++) {
        uint8_t *row = group_page_row(page, page->from, o->stride);
        FN_TRY(put_row(o, ctx, d, row));
        f->rows++;
        if (o->states.destroys) aggregate_drop(o, row);
        if (d->raw.size >= FRAME_BYTES) FN_TRY(close_frame(ctx, d, f));
    }
    return FN_OK;
}

static fn_status put_partition(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t number)
{
    partition_frames *f = &w->disk->parts[number];
    fn_status status = FN_OK;
    w->disk->raw.size = 0;
    for (group_page *page = group_pages_take(w->pages, number), *next; page; page = next) {
        next = page->next;
        if (status == FN_OK) status = put_page(o, ctx, w->disk, f, page);
        aggregate_drop_rows(o, page);
        group_page_drop(w->pages, page);
    }
    return status == FN_OK ? close_frame(ctx, w->disk, f) : status;
}

/* All of the worker's groups; what they took is given back. */
static fn_status write_groups(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    FN_TRY(ready_disk(o, ctx, w));
    if (w->by_code) FN_TRY(aggregate_codes_end(o, ctx, w));
    FN_TRY(aggregate_flush(o, ctx, w));
    group_table_release(&w->table);
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++) FN_TRY(put_partition(o, ctx, w, p));
    fn_arena_reset(w->arena);
    if (o->keys.form == GROUP_KEY_NUMBER) FN_TRY(group_table_reserve_numbers(ctx, &w->table, 256));
    w->table_rows = w->rows_since = 0;
    atomic_fetch_add_explicit(&spill_file_events(w->disk->file)->parts, 1, memory_order_relaxed);
    return FN_OK;
}

/* ---- when ---- */

static fn_status try_write(op_aggregate *o, fn_ctx *ctx)
{
    fn_buf bytes = FN_BUF_INIT;
    uint8_t *state = fn_arena_alloc_zero(ctx, ctx->arena, (size_t)o->states.size + 16);
    FN_TRY_PTR(ctx, state);
    group_states_init(&o->states, state);
    const fn_status status = group_states_write(ctx, &o->states, state, &bytes);
    group_states_destroy(&o->states, state);
    fn_buf_release(&bytes);
    return status;
}

static fn_status can_write(op_aggregate *o, fn_ctx *ctx, bool *yes)
{
    int known = atomic_load_explicit(&o->writable, memory_order_relaxed);
    if (!known) {
        const fn_status status = try_write(o, ctx);
        if (status != FN_OK && status != FN_NOT_IMPLEMENTED) return status;
        if (status != FN_OK) fn_error_clear(ctx);
        known = status == FN_OK ? 1 : -1;
        atomic_store_explicit(&o->writable, known, memory_order_relaxed);
    }
    *yes = known > 0;
    return FN_OK;
}

static uint64_t table_bytes(const group_table *t)
{
    return t->memory ? t->memory->size : 0;
}

static uint64_t worker_bytes(const op_aggregate *o, const group_worker *w)
{
    if (!w->ready) return 0;
    const uint64_t outside = o->states.destroys ? w->rows_since * OUTSIDE_BYTES : 0;
    return outside + table_bytes(&w->table) + table_bytes(&w->codes) + (w->tally_memory ? w->tally_memory->size : 0) + fn_arena_held(w->arena) +
           (w->pages ? atomic_load_explicit(&w->pages->bytes, memory_order_relaxed) : 0);
}

fn_status aggregate_watch(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    bool yes;
    const uint64_t bytes = table_bytes(&w->table); /* it may double, or move into pages */
    if (!spill_watch_due(&o->watch, worker_bytes(o, w), 2 * bytes)) return FN_OK;
    FN_TRY(can_write(o, ctx, &yes));
    return yes ? write_groups(o, ctx, w) : FN_OK;
}

static fn_status write_rest(void *arg, fn_ctx *ctx, unsigned worker)
{
    op_aggregate *o = arg;
    group_worker *w = aggregate_worker(o, worker);
    if (!w->ready) return FN_OK;
    FN_TRY(write_groups(o, ctx, w));
    return spill_file_flush(ctx, w->disk->file);
}

fn_status aggregate_disk_finish(op_aggregate *o, fn_ctx *ctx)
{
    bool on_disk = o->on_disk;
    if (!on_disk && o->watch.threshold) { /* merging small tables takes up to as much again */
        uint64_t bytes = 0, tables = 0;
        for (unsigned i = 0; i < o->head.exec->workers; i++) {
            bytes += worker_bytes(o, aggregate_worker(o, i));
            tables += table_bytes(&aggregate_worker(o, i)->table);
        }
        on_disk = spill_watch_due(&o->watch, bytes, 2 * tables);
        if (on_disk) FN_TRY(can_write(o, ctx, &on_disk));
    }
    if (!on_disk) return FN_OK;
    FN_TRY(exec_parallel(ctx, o->head.exec, write_rest, o));
    for (unsigned i = 0; i < o->head.exec->workers; i++) {
        const group_worker *w = aggregate_worker(o, i);
        if (!w->disk) continue;
        atomic_fetch_add_explicit(&spill_file_events(w->disk->file)->merges, 1, memory_order_relaxed);
        break;
    }
    return FN_OK;
}

/* ---- in ---- */

typedef struct row_reader {
    op_aggregate *o;
    group_worker *w;
    uint8_t *rows;            /* BATCH of them, as slots */
    uint32_t count;
    uint32_t pass, pass_mask; /* groups of other passes are left out */
} row_reader;

static fn_status merge_rows(row_reader *r, fn_ctx *ctx)
{
    const uint32_t count = r->count;
    r->count = 0;
    return count ? aggregate_merge(r->o, ctx, r->w, &r->w->merged, r->w->merge_arena, r->rows, count, r->w->merge_arena) : FN_OK;
}

/* One row, at the end of which `end` lies. Texts stay in the frame until they are settled. */
static fn_status take_row(row_reader *r, fn_ctx *ctx, const uint8_t *at, const uint8_t *end)
{
    const op_aggregate *o = r->o;
    uint8_t *row = r->rows + (size_t)r->count * o->stride, *state = row + o->state_at;
    const uint32_t key_size = o->keys.form == GROUP_KEY_BYTES ? 8 : group_key_size(o->keys.form);
    if (key_size > (size_t)(end - at)) return fn_fail(ctx, FN_INCORRECT_DATA, "Temporary file: a row of groups is cut");
    uint32_t text = 0;
    memset(row, 0, o->stride);
    memcpy(row, at, key_size);
    if (o->keys.form == GROUP_KEY_BYTES && !group_text_is_null(row)) {
        text = fn_load_u32(row);
        if (text > (size_t)(end - at) - 8) return fn_fail(ctx, FN_INCORRECT_DATA, "Temporary file: a row of groups is cut");
        if (text <= 8) memcpy(row + 8, at + 8, text);
        else fn_store_u64(row + 8, (uint64_t)(uintptr_t)(at + 8));
    }
    if (r->pass_mask && (fn_hash_bytes(at, key_size + text, 1) >> 16 & r->pass_mask) != r->pass) return FN_OK;
    at += key_size + text;
    if (!o->inlined) {
        state = fn_arena_alloc_zero(ctx, r->w->merge_arena, o->states.size);
        FN_TRY_PTR(ctx, state);
        fn_store_u64(row + o->state_at, (uint64_t)(uintptr_t)state);
    }
    group_states_init(&o->states, state);
    const fn_status status = group_states_read(ctx, &o->states, r->w->merge_arena, state, &at, end);
    if (status != FN_OK) {
        group_states_destroy(&o->states, state);
        return status;
    }
    r->count++;
    return FN_OK;
}

static fn_status merge_frame(row_reader *r, fn_ctx *ctx, const spill_file *file, const spill_frame *frame)
{
    fn_buffer *bytes;
    FN_TRY(spill_file_read(ctx, file, frame, &bytes));
    const uint8_t *at = bytes->data, *const end = at + bytes->size;
    fn_status status = FN_OK;
    while (at < end && status == FN_OK) {
        const uint32_t size = end - at >= 4 ? fn_load_u32(at) : UINT32_MAX;
        if (size > (size_t)(end - at) - 4) {
            status = fn_fail(ctx, FN_INCORRECT_DATA, "Temporary file: a row of groups is cut");
            break;
        }
        status = take_row(r, ctx, at + 4, at + 4 + size);
        at += 4 + (size_t)size;
        if (status == FN_OK && r->count == BATCH) status = merge_rows(r, ctx);
    }
    if (status == FN_OK) status = merge_rows(r, ctx);
    for (uint32_t i = 0; i < r->count; i++) group_states_destroy(&r->o->states, aggregate_state(r->o, r->rows + (size_t)i * r->o->stride));
    r->count = 0;
    fn_buffer_drop(bytes);
    return status;
}

/* Passes over a partition such that the groups of one fit into a worker's share of what is left. */
static uint32_t passes_of(const op_aggregate *o, uint32_t number)
{
    uint64_t rows = 0, bytes = 0;
    uint32_t passes = 1;
    for (unsigned i = 0; i < o->head.exec->workers; i++) {
        const group_disk *d = aggregate_worker((op_aggregate *)(uintptr_t)o, i)->disk;
        if (!d) continue;
        rows += d->parts[number].rows;
        bytes += d->parts[number].bytes;
    }
    const uint64_t need = rows * o->stride * SLOTS_PER_GROUP + (o->inlined && o->keys.form != GROUP_KEY_BYTES ? 0 : 2 * bytes + rows * o->states.size);
    const uint64_t share = spill_watch_room(&o->watch) / (2 * (uint64_t)o->head.exec->workers);
    while (passes < PASSES_MAX && need / passes > FN_MAX(share, (uint64_t)1 << 16)) passes *= 2;
    return passes;
}

fn_status aggregate_disk_merge(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t number)
{
    if (w->pass == w->passes) { /* a new partition */
        w->partition = number;
        w->pass = 0;
        w->passes = passes_of(o, number);
    }
    group_table_release(&w->merged);
    row_reader r = {.o = o, .w = w, .pass = w->pass++, .pass_mask = w->passes - 1};
    r.rows = fn_alloc(ctx, (size_t)BATCH * o->stride);
    FN_TRY_PTR(ctx, r.rows);
    fn_status status = FN_OK;
    for (unsigned i = 0; i < o->head.exec->workers && status == FN_OK; i++) {
        const group_disk *d = aggregate_worker(o, i)->disk;
        for (uint32_t f = 0; d && f < d->parts[number].count && status == FN_OK; f++) status = merge_frame(&r, ctx, d->file, &d->parts[number].frames[f]);
    }
    fn_free(r.rows);
    return status;
}
