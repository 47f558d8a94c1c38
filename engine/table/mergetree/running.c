/* running.c - the merges that run at this moment, for system.merges. An entry lies in the frame of the merge; the store's lock is over the
 * list and is held only to link, unlink and copy. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <firn/time.h>

void mt_running_begin(mt_store *store, mt_running *r)
{
    r->started_ns = fn_clock_monotonic_ns();
    for (uint32_t i = 0; i < r->count; i++) {
        r->rows += r->parts[i]->row.rows;
        r->bytes += r->parts[i]->row.bytes;
        r->raw_bytes += r->parts[i]->row.raw_bytes;
    }
    pthread_mutex_lock(&store->lock);
    r->next = store->running;
    r->previous = &store->running;
    if (r->next) r->next->previous = &r->next;
    store->running = r;
    pthread_mutex_unlock(&store->lock);
}

void mt_running_end(mt_store *store, mt_running *r)
{
    pthread_mutex_lock(&store->lock);
    *r->previous = r->next;
    if (r->next) r->next->previous = r->previous;
    pthread_mutex_unlock(&store->lock);
}

static fn_status copy_row(fn_ctx *ctx, const mt_running *r, mt_merge_row *out)
{
    const mt_part_row *first = &r->parts[0]->row;
    *out = (mt_merge_row){.source_count = r->count, .rows = r->rows, .bytes = r->bytes, .raw_bytes = r->raw_bytes,
                          .rows_written = atomic_load_explicit(&r->rows_written, memory_order_relaxed),
                          .vertical = atomic_load_explicit(&r->vertical, memory_order_relaxed),
                          .elapsed_s = (double)(fn_clock_monotonic_ns() - r->started_ns) / 1e9};
    out->sources = FN_NEW_ARRAY(ctx, fn_str, r->count + 1);
    FN_TRY_PTR(ctx, out->sources);
    for (uint32_t i = 0; i < r->count; i++) FN_TRY(fn_arena_str(ctx, ctx->arena, r->parts[i]->row.name, &out->sources[i]));
    FN_TRY(table_name(ctx, &r->table->base, &out->database, &out->table));
    FN_TRY(fn_arena_str(ctx, ctx->arena, first->partition_id, &out->partition_id));
    FN_TRY(fn_arena_str(ctx, ctx->arena, first->partition, &out->partition));
    return mt_part_name(ctx, first->partition_id, r->spec->min_block, r->spec->max_block, r->spec->level, 0, &out->result);
}

fn_status mt_merges(fn_ctx *ctx, mt_store *store, mt_each_merge *each, void *self)
{
    enum { ROWS_MAX = 64 }; /* the background pool is far smaller */
    mt_merge_row *rows = FN_NEW_ARRAY(ctx, mt_merge_row, ROWS_MAX);
    FN_TRY_PTR(ctx, rows);
    uint32_t count = 0;
    fn_status status = FN_OK;
    pthread_mutex_lock(&store->lock);
    for (const mt_running *r = store->running; r && count < ROWS_MAX && status == FN_OK; r = r->next) status = copy_row(ctx, r, &rows[count++]);
    pthread_mutex_unlock(&store->lock);
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = each(self, ctx, &rows[i]);
    return status;
}
