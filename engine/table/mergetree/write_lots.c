/* write_lots.c - full lots of an insert become parts while the next rows come.
 *
 * Threads that share a writer: who fills a lot makes its parts, LOTS at a time, while the others bring the next rows. A single thread that
 * says so (table_writer.overlaps) offers a full lot to the workers and goes on; when the next lot is full, or at the end, it makes the
 * parts itself if nobody has begun. One lot is ahead at most, and none if the memory limit might not hold two. Parts and their ids stand
 * in the order of the rows then: the last of equal rows is the one that counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/writer.h"
#include <firn/thread.h>

enum { LOTS = 2 }; /* written at a time by the threads that share a writer: besides them one waits to be full */

struct mt_lot {
    mt_writer rows;
    fn_ctx ctx; /* of the worker */
    fn_status status;
    fn_offer *offer; /* NULL: done */
};

static bool is_full(const fn_ctx *ctx, const mt_writer *w)
{
    return w->rows >= settings_of(ctx)->max_insert_block_size || w->bytes >= MT_LOT_BYTES;
}

/* The waiting rows, as those of a writer of their own. */
static fn_status cut(fn_ctx *ctx, mt_writer *w, mt_writer *lot)
{
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    *lot = (mt_writer){.table = w->table, .shape = w->shape, .blocks = w->blocks, .block_count = w->block_count, .rows = w->rows, .bytes = w->bytes,
                       .collapses = w->collapses, .identified = w->identified, .id = w->id, .flushes = w->flushes++, .unlimited = w->unlimited,
                       .members = w->members, .member_count = w->member_count, .arena = arena};
    w->blocks = NULL;
    w->block_count = w->block_capacity = 0;
    w->rows = w->bytes = 0;
    return FN_OK;
}

static void release(mt_writer *lot)
{
    mt_writer_forget(lot);
    fn_free(lot->parts);
    fn_free(lot->ids);
    fn_free(lot->blocks);
    fn_arena_free(lot->arena);
}

/* The parts of a lot join those of the writer. */
static fn_status take_parts(fn_ctx *ctx, mt_writer *w, mt_writer *lot)
{
    const uint32_t before = w->part_count;
    for (uint32_t i = 0; i < lot->id_count; i++) {
        FN_TRY(mt_writer_add_id(ctx, w, lot->ids[i].id));
        w->ids[w->id_count - 1].part = before + lot->ids[i].part;
    }
    while (lot->part_count) { /* from the front: their order is that of the ids */
        mt_part *part = lot->parts[0];
        lot->part_count--;
        memmove(lot->parts, lot->parts + 1, lot->part_count * sizeof *lot->parts);
        FN_TRY(mt_writer_keep_part(ctx, w, part));
    }
    return FN_OK;
}

/* ---- several threads ---- */

static fn_status write_shared(fn_ctx *ctx, mt_writer *w)
{
    mt_writer lot;
    while (w->lots == LOTS && is_full(ctx, w)) FN_ASSERT(pthread_cond_wait(&w->flushed, &w->lock) == 0);
    if (!is_full(ctx, w)) return FN_OK; /* somebody else took the rows */
    FN_TRY(cut(ctx, w, &lot));
    w->lots++;
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
    fn_status status = mt_writer_write_rows(ctx, &lot);
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    if (status == FN_OK) status = take_parts(ctx, w, &lot);
    w->lots--;
    FN_ASSERT(pthread_cond_broadcast(&w->flushed) == 0);
    release(&lot);
    return status;
}

/* ---- one thread, and a worker ---- */

static void run_lot(void *arg, unsigned index)
{
    (void)index;
    mt_lot *lot = arg;
    lot->status = mt_writer_write_rows(&lot->ctx, &lot->rows);
}

static void drop(mt_lot *lot)
{
    if (!lot) return;
    release(&lot->rows);
    fn_free(lot);
}

/* The lot that is ahead is written, its parts are the writer's. */
static fn_status settle(fn_ctx *ctx, mt_writer *w)
{
    mt_lot *lot = w->ahead;
    if (!lot) return FN_OK;
    w->ahead = NULL;
    if (lot->offer && fn_offer_take_back(lot->offer)) run_lot(lot, 0);
    fn_status status = lot->status == FN_OK ? take_parts(ctx, w, &lot->rows) : fn_fail(ctx, lot->status, "%s", lot->ctx.error.text);
    drop(lot);
    return status;
}

/* Whether the limits leave room for another lot and what it takes to write this one. */
static bool has_room(const fn_ctx *ctx, const mt_writer *w)
{
    for (const fn_tracker *t = ctx->memory; t; t = t->parent) {
        const int64_t limit = atomic_load_explicit(&t->limit, memory_order_relaxed), used = atomic_load_explicit(&t->used, memory_order_relaxed);
        if (limit && limit - used < 2 * (int64_t)w->bytes) return false;
    }
    return true;
}

static fn_status offer(fn_ctx *ctx, mt_writer *w)
{
    mt_lot *lot = fn_alloc_zero(ctx, sizeof *lot);
    FN_TRY_PTR(ctx, lot);
    fn_status status = cut(ctx, w, &lot->rows);
    if (status != FN_OK) {
        fn_free(lot);
        return status;
    }
    lot->ctx = (fn_ctx){.memory = ctx->memory, .cancel = ctx->cancel, .settings = ctx->settings};
    w->ahead = lot;
    lot->offer = fn_pool_offer(ctx, w->table->store->options.workers, run_lot, lot);
    return lot->offer ? FN_OK : ctx->error.code;
}

static fn_status write_ahead(fn_ctx *ctx, mt_writer *w)
{
    FN_TRY(settle(ctx, w));
    return has_room(ctx, w) ? offer(ctx, w) : mt_writer_write_rows(ctx, w);
}

fn_status mt_lots_write(fn_ctx *ctx, mt_writer *w)
{
    if (!is_full(ctx, w)) return FN_OK;
    if (!w->base.overlaps || !w->table->store->options.workers) return write_shared(ctx, w);
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0); /* nobody else takes it */
    const fn_status status = write_ahead(ctx, w);
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    return status;
}

void mt_lots_drop(mt_writer *w)
{
    if (w->ahead && w->ahead->offer) (void)fn_offer_take_back(w->ahead->offer);
    drop(w->ahead);
    w->ahead = NULL;
}

fn_status mt_writer_flush(fn_ctx *ctx, mt_writer *w)
{
    mt_writer rest;
    if (!w->ahead) return mt_writer_write_rows(ctx, w);
    FN_TRY(cut(ctx, w, &rest));
    fn_status status = mt_writer_write_rows(ctx, &rest);
    if (status == FN_OK) status = settle(ctx, w);
    if (status == FN_OK) status = take_parts(ctx, w, &rest);
    release(&rest);
    return status;
}
