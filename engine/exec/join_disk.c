/* join_disk.c - a hash join whose kept side does not fit into memory (grace hash join). When memory is short the build side's rows go
 * to files by a hash of their keys, SPILL_PARTS partitions; the probe side's rows then follow, and at its end the workers take the
 * partitions one by one: build rows are loaded into a table of their own and the partition's probe rows streamed past it.
 *
 * A partition that is too large (many rows, or one key that has most of them) is loaded in chunks, and the probe rows streamed past each:
 * which of them have matched is kept between chunks, so that what every kind of join says about unmatched rows is known at the last.
 * Without keys there is one partition, always treated so. ASOF joins need all rows of a key at once: their partitions must fit.
 * The order of the probe rows is lost. SPDX-License-Identifier: Apache-2.0 */
#include "exec/join_probe.h"

enum { ROW_BYTES = 64 /* of tables and lists, per build row */, NUMBER_ROWS = 4096 };

/* ---- rows to partitions ---- */

typedef struct numbering {
    const join_keys *keys;
    const key_set *set;
    bool needed;            /* rows that cannot match are, too */
    const uint64_t *others; /* rows the other side has in each partition; NULL: not known, or it does not matter */
} numbering;

static fn_status number_rows(void *arg, fn_ctx *ctx, const fn_block *block, uint8_t *numbers)
{
    const numbering *n = arg;
    uint64_t tags[NUMBER_ROWS], words[2 * NUMBER_ROWS];
    uint8_t skip[NUMBER_ROWS + 1];
    memset(numbers, 0, block->rows);
    if (!n->keys->count) return FN_OK;
    fn_column **columns = fn_arena_alloc(ctx, ctx->arena, (n->keys->count + 1) * sizeof *columns);
    FN_TRY_PTR(ctx, columns);
    for (uint32_t i = 0; i < n->keys->count; i++) columns[i] = block->columns[n->set->places[i]];
    for (uint32_t from = 0; from < block->rows; from += NUMBER_ROWS) {
        const uint32_t rows = FN_MIN(block->rows - from, (uint32_t)NUMBER_ROWS);
        bool any_skip;
        FN_TRY(join_keys_encode(ctx, n->keys, columns, from, rows, tags, words, skip, &any_skip));
        for (uint32_t i = 0; i < rows; i++) {
            const bool skipped = any_skip && skip[i]; /* any partition will do */
            const uint8_t p = (uint8_t)(skipped ? i % SPILL_PARTS : fn_hash_u64(tags[i] ^ 0x7f4a7c159e3779b9u) >> 32 & (SPILL_PARTS - 1));
            const bool wanted = n->needed || (!skipped && !(n->others && !n->others[p]));
            numbers[from + i] = wanted ? p : SPILL_PART_NONE;
        }
    }
    return FN_OK;
}

static fn_status write_list(op_join_build *b, fn_ctx *ctx, spill_parts **parts, row_list *list, numbering *n)
{
    if (!*parts) FN_TRY(spill_parts_open(ctx, b->head.exec->env->spill, SPILL_JOIN, parts));
    return spill_parts_add(ctx, *parts, list, number_rows, n);
}

fn_status join_disk_build(op_join_build *b, fn_ctx *ctx, unsigned worker)
{
    join_build_worker *w = op_worker(&b->head, worker);
    numbering n = {.keys = &b->coding, .set = &b->keys, .needed = b->role.keep_build};
    atomic_fetch_sub_explicit(&b->held, w->held, memory_order_relaxed);
    w->held = 0;
    atomic_store_explicit(&b->on_disk, true, memory_order_relaxed);
    return write_list(b, ctx, &w->parts, &b->store.lists[worker], &n);
}

static fn_status build_rest(void *arg, fn_ctx *ctx, unsigned worker)
{
    op_join_build *b = arg;
    join_build_worker *w = op_worker(&b->head, worker);
    FN_TRY(join_disk_build(b, ctx, worker));
    return spill_file_flush(ctx, w->parts->file);
}

fn_status join_disk_finish(op_join_build *b, fn_ctx *ctx)
{
    FN_TRY(exec_parallel(ctx, b->head.exec, build_rest, b));
    for (unsigned i = 0; i < b->head.exec->workers; i++) {
        const join_build_worker *w = op_worker(&b->head, i);
        for (uint32_t p = 0; p < SPILL_PARTS; p++) {
            b->part_rows[p] += w->parts->parts[p].rows;
            b->part_bytes[p] += w->parts->parts[p].bytes;
        }
    }
    return FN_OK;
}

fn_status join_disk_probe(op_join_probe *o, fn_ctx *ctx, unsigned worker, const fn_block *wide)
{
    join_probe_worker *w = op_worker(&o->head, worker);
    FN_TRY(row_list_add(ctx, &w->list, wide));
    return w->list.rows < SPILL_PARTS_ROWS ? FN_OK : join_disk_probe_rest(o, ctx, worker);
}

fn_status join_disk_probe_rest(op_join_probe *o, fn_ctx *ctx, unsigned worker)
{
    join_probe_worker *w = op_worker(&o->head, worker);
    op_join_build *b = o->build;
    numbering n = {.keys = &b->coding, .set = &o->keys, .needed = o->role.keep_probe || o->role.mark, .others = b->part_rows};
    return write_list(b, ctx, &w->parts, &w->list, &n);
}

/* ---- one partition ---- */

/* Where loading has come to: frames of all workers, one after another. */
typedef struct part_cursor {
    unsigned worker;
    uint32_t frame;
} part_cursor;

typedef struct part_job {
    op_join_probe *o;
    unsigned worker;
    uint32_t number;
    op_join_build part;     /* the build side of this partition, or a chunk of it */
    part_cursor build;
    uint8_t *hits;          /* of the partition's probe rows; NULL: one chunk is all */
    fn_buffer *hit_bytes;
    bool last;              /* chunk */
} part_job;

static const spill_parts *build_parts(const op_join_build *b, unsigned worker)
{
    return ((const join_build_worker *)op_worker(&b->head, worker))->parts;
}

static const spill_parts *probe_parts(const op_join_probe *o, unsigned worker)
{
    return ((const join_probe_worker *)op_worker(&o->head, worker))->parts;
}

static uint64_t memory_of(uint64_t rows, uint64_t bytes)
{
    return 2 * bytes + rows * ROW_BYTES;
}

/* Build rows up to `most` bytes of memory. */
static fn_status load_rows(part_job *j, fn_ctx *ctx, uint64_t most)
{
    const op_join_build *b = j->o->build;
    uint64_t rows = 0, bytes = 0;
    for (; j->build.worker < b->head.exec->workers; j->build.worker++, j->build.frame = 0) {
        const spill_parts *parts = build_parts(b, j->build.worker);
        const spill_part *part = &parts->parts[j->number];
        while (j->build.frame < part->count) {
            fn_block *block;
            if (rows && memory_of(rows, bytes) >= most) return FN_OK;
            FN_TRY(spill_block_read(ctx, parts->file, &part->frames[j->build.frame++], b->keys.types, b->keys.column_count, &block));
            rows += block->rows;
            bytes += spill_block_bytes(block);
            const fn_status status = row_store_add(ctx, &j->part.store, 0, block);
            fn_block_drop(block);
            FN_TRY(status);
        }
    }
    j->last = true;
    return FN_OK;
}

static void release_chunk(op_join_build *part)
{
    join_table_release(&part->table);
    row_store_release(&part->store);
    fn_buffer_drop(part->matched_bytes);
    fn_column_drop(part->asof);
    part->matched_bytes = NULL;
    part->matched = NULL;
    part->asof = NULL;
}

static fn_status stream_probe(part_job *j, fn_ctx *ctx)
{
    op_join_probe *o = j->o;
    uint64_t at = 0;
    for (unsigned i = 0; i < o->head.exec->workers; i++) {
        const spill_parts *parts = probe_parts(o, i);
        for (uint32_t f = 0; parts && f < parts->parts[j->number].count; f++) {
            fn_block *block;
            if (op_is_done(&o->head)) return FN_OK;
            fn_arena_reset(ctx->arena);
            FN_TRY(spill_block_read(ctx, parts->file, &parts->parts[j->number].frames[f], o->keys.types, o->keys.column_count, &block));
            const fn_status status = join_probe_rows(o, ctx, j->worker, &j->part, block, j->hits ? j->hits + at : NULL, j->last);
            at += block->rows;
            fn_block_drop(block);
            FN_TRY(status);
        }
    }
    return FN_OK;
}

static fn_status run_chunk(part_job *j, fn_ctx *ctx, uint64_t most)
{
    FN_TRY(row_store_init(ctx, &j->part.store, 1, j->o->build->keys.column_count));
    FN_TRY(load_rows(j, ctx, most));
    FN_TRY(row_store_seal(ctx, &j->part.store, NULL, j->part.keys.types));
    fn_arena_reset(ctx->arena);
    FN_TRY(join_build_table(&j->part, ctx, NULL));
    FN_TRY(stream_probe(j, ctx));
    _Atomic uint32_t next = 0;
    return j->o->role.keep_build ? join_probe_leftover(j->o, ctx, j->worker, &j->part, &next) : FN_OK;
}

/* More than one chunk, and what a row has matched so far matters. */
static fn_status make_hits(part_job *j, fn_ctx *ctx)
{
    const op_join_probe *o = j->o;
    uint64_t rows = 0;
    if (!o->role.keep_probe && !o->role.mark && !o->role.first_probe) return FN_OK;
    for (unsigned i = 0; i < o->head.exec->workers; i++)
        if (probe_parts(o, i)) rows += probe_parts(o, i)->parts[j->number].rows;
    j->hit_bytes = fn_buffer_new_zero(ctx, rows + 1);
    FN_TRY_PTR(ctx, j->hit_bytes);
    j->hits = j->hit_bytes->data;
    return FN_OK;
}

static fn_status run_part(op_join_probe *o, fn_ctx *ctx, unsigned worker, uint32_t number)
{
    op_join_build *b = o->build;
    part_job j = {.o = o, .worker = worker, .number = number, .part = {.head = b->head, .side = b->side, .keys = b->keys, .role = b->role, .coding = b->coding,
                                                                      .asof_op = b->asof_op}};
    if (!b->part_rows[number] && !o->role.keep_probe && !o->role.mark) return FN_OK;
    const uint64_t need = memory_of(b->part_rows[number], b->part_bytes[number]), share = spill_watch_room(&b->watch) / (2 * (uint64_t)b->head.exec->workers);
    const bool cut = need > share && o->head.node->join.asof < 0;
    fn_status status = cut ? make_hits(&j, ctx) : FN_OK;
    while (status == FN_OK && !j.last) {
        status = run_chunk(&j, ctx, cut ? share : UINT64_MAX);
        release_chunk(&j.part);
    }
    release_chunk(&j.part);
    fn_buffer_drop(j.hit_bytes);
    return status;
}

/* Rows that are still in memory go to the files: once, by the first worker that comes. */
static fn_status finish_probe(op_join_probe *o, fn_ctx *ctx)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&o->lock) == 0);
    for (unsigned i = 0; !o->written && i < o->head.exec->workers && status == FN_OK; i++) {
        const join_probe_worker *w = op_worker(&o->head, i);
        if (w->list.count) status = join_disk_probe_rest(o, ctx, i);
        fn_arena_reset(ctx->arena);
        if (status == FN_OK && w->parts) status = spill_file_flush(ctx, w->parts->file);
    }
    if (status == FN_OK && !o->written) atomic_fetch_add_explicit(&spill_file_events(build_parts(o->build, 0)->file)->merges, 1, memory_order_relaxed);
    if (status == FN_OK) o->written = true;
    FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
    return status;
}

fn_status join_disk_drain(op_join_probe *o, fn_ctx *ctx, unsigned worker)
{
    FN_TRY(finish_probe(o, ctx));
    for (;;) {
        const uint32_t number = atomic_fetch_add_explicit(&o->cursor, 1, memory_order_relaxed);
        if (number >= SPILL_PARTS || op_is_done(&o->head)) return FN_OK;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(run_part(o, ctx, worker, number));
    }
}
