/* distinct_disk.c - DISTINCT with more keys than memory holds. When memory is short the keys met so far are written to a file, as
 * columns, by a hash of the key; from then on rows whose key is not known to have been given are set aside in the same partitions. At the
 * end of input the workers take the partitions one by one: the keys given go into a table, then the rows set aside are looked up in it and
 * the first of each key goes on. A partition that would not fit is gone through several times; each pass takes the keys that
 * hash to it. The order of the rows is lost. SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_distinct.h"

enum { PASSES_MAX = 1024, SLOTS_PER_KEY = 4 };

/* ---- out ---- */

typedef struct numbering {
    op_distinct *o;
    distinct_worker *w;
    uint32_t first; /* column of the first key */
} numbering;

static fn_status number_rows(void *arg, fn_ctx *ctx, const fn_block *block, uint8_t *numbers)
{
    const numbering *n = arg;
    for (uint32_t from = 0; from < block->rows; from += GROUP_CHUNK) {
        const uint32_t rows = FN_MIN(block->rows - from, (uint32_t)GROUP_CHUNK);
        const void *keys;
        size_t stride;
        FN_TRY(group_keys_pack(ctx, &n->o->keys, &n->w->packer, block->columns + n->first, from, rows, &keys, &stride));
        group_partitions(n->o->keys.form, keys, stride, rows, numbers + from);
    }
    for (uint32_t i = 0; i < block->rows; i++) numbers[i] %= SPILL_PARTS;
    return FN_OK;
}

static uint32_t first_key(const op_distinct *o)
{
    return o->program ? o->head.node->inputs[0]->column_count : 0;
}

static uint32_t row_columns(const op_distinct *o)
{
    return o->head.node->inputs[0]->column_count + (o->program ? o->key_count : 0);
}

static fn_status write_list(op_distinct *o, fn_ctx *ctx, distinct_worker *w, spill_parts **parts, row_list *list, uint32_t first)
{
    numbering n = {.o = o, .w = w, .first = first};
    if (!*parts) FN_TRY(spill_parts_open(ctx, o->head.exec->env->spill, SPILL_DISTINCT, parts));
    return spill_parts_add(ctx, *parts, list, number_rows, &n);
}

fn_status distinct_set_aside(op_distinct *o, fn_ctx *ctx, distinct_worker *w, const fn_block *in, fn_column *const *keys, const uint8_t *marks, uint32_t count)
{
    uint32_t *rows = fn_arena_alloc(ctx, ctx->arena, ((size_t)count + 1) * sizeof *rows), n = 0;
    FN_TRY_PTR(ctx, rows);
    for (uint32_t i = 0; i < in->rows; i++)
        if (marks[i] == DISTINCT_LATER) rows[n++] = i;
    fn_block *b = fn_block_new(ctx, row_columns(o), count);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < b->count && status == FN_OK; i++) {
        b->columns[i] = fn_column_take(ctx, i < in->count ? in->columns[i] : keys[i - in->count], rows, count);
        if (!b->columns[i]) status = ctx->error.code;
    }
    if (status == FN_OK) status = row_list_add(ctx, &w->list, b);
    fn_block_drop(b);
    FN_TRY(status);
    return w->list.rows < SPILL_PARTS_ROWS ? FN_OK : write_list(o, ctx, w, &w->later, &w->list, first_key(o));
}

/* The keys of a shard, some at a time. */
static fn_status write_keys(op_distinct *o, fn_ctx *ctx, distinct_worker *w, const group_table *t)
{
    row_list list = {0};
    uint8_t *slots[GROUP_CHUNK];
    uint64_t cursor = 0;
    fn_status status = FN_OK;
    for (uint32_t n; status == FN_OK && (n = group_table_walk(t, &cursor, group_table_end(t), slots, GROUP_CHUNK)) != 0;) {
        fn_block *b = fn_block_new(ctx, o->key_count, n);
        status = b ? group_keys_unpack(ctx, &o->keys, slots, n, b->columns) : ctx->error.code;
        if (status == FN_OK) status = row_list_add(ctx, &list, b);
        fn_block_drop(b);
        if (status == FN_OK && list.rows >= SPILL_PARTS_ROWS / 4) status = write_list(o, ctx, w, &w->given, &list, 0);
    }
    if (status == FN_OK && list.count) status = write_list(o, ctx, w, &w->given, &list, 0);
    row_list_release(&list);
    return status;
}

static fn_status write_shard(op_distinct *o, fn_ctx *ctx, distinct_worker *w, distinct_shard *s)
{
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
    group_table known = s->table; /* nobody else looks at it from here on */
    fn_arena *arena = s->arena;
    const bool before = s->on_disk;
    s->on_disk = true;
    if (!before) {
        group_table_init(&s->table, o->keys.form, group_key_size(o->keys.form));
        s->arena = NULL;
    }
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
    if (before) return FN_OK;
    const fn_status status = write_keys(o, ctx, w, &known);
    group_table_release(&known);
    fn_arena_free(arena);
    return status;
}

/* Looked at without the locks: an estimate is enough. */
static uint64_t keys_bytes(const op_distinct *o)
{
    const uint64_t rows = atomic_load_explicit(&o->rows, memory_order_relaxed);
    return rows * group_key_size(o->keys.form) * 2;
}

fn_status distinct_watch(op_distinct *o, fn_ctx *ctx, distinct_worker *w)
{
    const uint64_t bytes = keys_bytes(o);
    if (atomic_load_explicit(&o->on_disk, memory_order_relaxed)) return FN_OK;
    if (!w->ready || !spill_watch_due(&o->watch, bytes, 2 * bytes / DISTINCT_SHARDS + bytes / 4)) return FN_OK;
    atomic_store_explicit(&o->on_disk, true, memory_order_relaxed);
    for (uint32_t i = 0; i < DISTINCT_SHARDS; i++) FN_TRY(write_shard(o, ctx, w, &o->shards[i]));
    return FN_OK;
}

/* ---- in ---- */

typedef struct part_job {
    op_distinct *o;
    distinct_worker *w;
    unsigned worker;
    uint32_t number, pass, pass_mask;
    group_table table;
    fn_arena *arena;     /* long texts of keys */
    uint8_t *keys;       /* of the pass, GROUP_CHUNK x 16 */
} part_job;

/* marks[i] = 1 for the rows [from, from + rows) that are the first of their key. */
static fn_status look_up(part_job *j, fn_ctx *ctx, fn_column *const *columns, uint32_t from, uint32_t rows, uint8_t *marks)
{
    const op_distinct *o = j->o;
    distinct_worker *w = j->w;
    const uint32_t size = group_key_size(o->keys.form);
    const void *packed;
    size_t stride;
    uint32_t count = 0;
    FN_TRY(group_keys_pack(ctx, &o->keys, &w->packer, columns, from, rows, &packed, &stride));
    memset(marks, 0, rows);
    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *key = (const uint8_t *)packed + i * stride;
        const uint32_t hashed = o->keys.form == GROUP_KEY_BYTES ? 8 : size; /* {hash, length} stands for a text */
        if (j->pass_mask && (fn_hash_bytes(key, hashed, 1) >> 16 & j->pass_mask) != j->pass) continue;
        memcpy(j->keys + (size_t)count * size, key, size);
        w->rows[count++] = i;
    }
    FN_TRY(group_table_reserve(ctx, &j->table, count));
    const uint32_t made = group_table_find(&j->table, j->keys, size, count, w->slots, w->fresh);
    for (uint32_t i = 0, next = 0; i < count && next < made; i++)
        if (w->slots[i] == w->fresh[next]) {
            marks[w->rows[i]] = 1;
            next++;
        }
    return group_keys_settle(ctx, &o->keys, j->arena, w->fresh, made);
}

static fn_status give(part_job *j, fn_ctx *ctx, const fn_block *rows, const uint8_t *marks)
{
    op_distinct *o = j->o;
    const uint32_t columns = o->head.node->inputs[0]->column_count;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rows->rows; i++) kept += marks[i];
    if (!kept) return FN_OK;
    const uint64_t all = atomic_fetch_add_explicit(&o->rows, kept, memory_order_relaxed) + kept, limit = o->head.node->distinct.limit;
    FN_TRY(distinct_check(o, ctx, all));
    if (limit && all >= limit) op_enough(&o->head);
    fn_block *out = fn_block_new(ctx, columns, kept);
    FN_TRY_PTR(ctx, out);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < columns && status == FN_OK; i++) {
        out->columns[i] = fn_column_filter(ctx, rows->columns[i], marks, kept);
        if (!out->columns[i]) status = ctx->error.code;
    }
    if (status == FN_OK) status = op_emit(&o->head, ctx, j->worker, out);
    fn_block_drop(out);
    return status;
}

/* Looks a frame's rows up; give_new: the first of each key go on. */
static fn_status run_frame(part_job *j, fn_ctx *ctx, const spill_parts *parts, const spill_frame *frame, bool give_new)
{
    op_distinct *o = j->o;
    fn_block *b;
    fn_arena_reset(ctx->arena);
    FN_TRY(spill_block_read(ctx, parts->file, frame, give_new ? o->row_types : o->types, give_new ? row_columns(o) : o->key_count, &b));
    uint8_t *marks = fn_arena_alloc(ctx, ctx->arena, (size_t)b->rows + FN_BUFFER_PAD);
    fn_status status = marks ? FN_OK : ctx->error.code;
    for (uint32_t from = 0; from < b->rows && status == FN_OK; from += GROUP_CHUNK)
        status = look_up(j, ctx, b->columns + (give_new ? first_key(o) : 0), from, FN_MIN(b->rows - from, (uint32_t)GROUP_CHUNK), marks + from);
    if (status == FN_OK && give_new) status = give(j, ctx, b, marks);
    fn_block_drop(b);
    return status;
}

static const distinct_worker *worker_at(const op_distinct *o, unsigned i)
{
    return op_worker(&o->head, i);
}

static fn_status run_pass(part_job *j, fn_ctx *ctx)
{
    const op_distinct *o = j->o;
    group_table_init(&j->table, o->keys.form, group_key_size(o->keys.form));
    j->arena = fn_arena_new(ctx);
    fn_status status = j->arena ? FN_OK : ctx->error.code;
    for (unsigned k = 0; k < 2 * o->head.exec->workers && status == FN_OK; k++) {
        const bool give_new = k >= o->head.exec->workers;
        const distinct_worker *w = worker_at(o, k % o->head.exec->workers);
        const spill_parts *parts = give_new ? w->later : w->given;
        for (uint32_t f = 0; parts && f < parts->parts[j->number].count && status == FN_OK; f++) {
            if (op_is_done(&o->head)) break;
            status = run_frame(j, ctx, parts, &parts->parts[j->number].frames[f], give_new);
        }
    }
    group_table_release(&j->table);
    fn_arena_free(j->arena);
    j->arena = NULL;
    return status;
}

static fn_status run_part(op_distinct *o, fn_ctx *ctx, unsigned worker, uint32_t number)
{
    part_job j = {.o = o, .w = op_worker(&o->head, worker), .worker = worker, .number = number};
    uint64_t rows = 0, bytes = 0, later = 0;
    uint32_t passes = 1;
    for (unsigned i = 0; i < o->head.exec->workers; i++) {
        const distinct_worker *w = worker_at(o, i);
        if (w->given) rows += w->given->parts[number].rows, bytes += w->given->parts[number].bytes;
        if (w->later) later += w->later->parts[number].rows, bytes += w->later->parts[number].bytes;
    }
    if (!later) return FN_OK;
    const uint64_t need = (rows + later) * group_key_size(o->keys.form) * SLOTS_PER_KEY + (o->keys.form == GROUP_KEY_BYTES ? bytes : 0);
    const uint64_t share = spill_watch_room(&o->watch) / (2 * (uint64_t)o->head.exec->workers);
    while (passes < PASSES_MAX && need / passes > FN_MAX(share, (uint64_t)1 << 16)) passes *= 2;
    j.pass_mask = passes - 1;
    j.keys = fn_alloc(ctx, (size_t)GROUP_CHUNK * 16);
    fn_status status = j.keys ? FN_OK : ctx->error.code;
    for (; j.pass < passes && status == FN_OK; j.pass++) status = run_pass(&j, ctx);
    fn_free(j.keys);
    return status;
}

/* What is still in memory goes to the files: once, by the first worker that comes. */
static fn_status finish_files(op_distinct *o, fn_ctx *ctx)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&o->lock) == 0);
    for (unsigned i = 0; !o->written && i < o->head.exec->workers && status == FN_OK; i++) {
        distinct_worker *w = op_worker(&o->head, i);
        fn_arena_reset(ctx->arena);
        if (w->list.count) status = write_list(o, ctx, w, &w->later, &w->list, first_key(o));
        if (status == FN_OK && w->later) status = spill_file_flush(ctx, w->later->file);
        if (status == FN_OK && w->given) status = spill_file_flush(ctx, w->given->file);
        if (status == FN_OK && w->given) atomic_fetch_add_explicit(&spill_file_events(w->given->file)->merges, 1, memory_order_relaxed);
    }
    if (status == FN_OK) o->written = true;
    FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
    return status;
}

fn_status distinct_disk_drain(op_distinct *o, fn_ctx *ctx, unsigned worker)
{
    FN_TRY(finish_files(o, ctx));
    FN_TRY(distinct_ready(o, ctx, op_worker(&o->head, worker)));
    for (;;) {
        const uint32_t number = atomic_fetch_add_explicit(&o->next_part, 1, memory_order_relaxed);
        if (number >= SPILL_PARTS || op_is_done(&o->head)) return FN_OK;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(run_part(o, ctx, worker, number));
    }
}
