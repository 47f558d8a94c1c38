/* merge_columns.c - merges by columns, ClickHouse's "vertical" ones. First the columns that decide about rows are merged: those of the key, of the
 * table's mode, and those that TTLs, skip indexes and projections look at. Nothing of them is written, only where each row of the new part
 * comes from is noted (row_order.c). Then every column is gathered in that order and written to its last byte (gather.c), so that no more
 * than its dictionaries and blocks are in memory: one large column at a time, and small ones beside it on other workers.
 *
 * The sources are read through handles of the merge's own, which leave nothing in the cache; what a column has loaded goes before the next.
 * Modes that compute rows, OPTIMIZE DEDUPLICATE, and TTLs that change rows are merged by rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"
#include "table/mergetree/projection.h"
#include <stdlib.h>

enum { GATHERERS_MAX = 8, ENTRY_BYTES = 64 /* of a dictionary, beside its string: numbers, slots, sorting */ };
static const uint64_t GATHER_BYTES = 512ULL << 20; /* beyond that a column waits for the others to end */

/* ---- which columns decide ---- */

typedef struct wanted {
    const mt_shape *shape;
    bool *columns; /* per schema index */
    fn_buf ids;
} wanted;

static fn_status want(fn_ctx *ctx, wanted *w, const expr *e)
{
    if (!e) return FN_OK;
    w->ids.size = 0;
    FN_TRY(expr_columns(ctx, e, &w->ids));
    for (size_t i = 0; i < w->ids.size / sizeof(column_id); i++) w->columns[fn_load_u32(w->ids.data + i * sizeof(column_id))] = true;
    return FN_OK;
}

/* Do projections have to be built from the rows? Where no row goes and all sources have one, these are merged. */
static fn_status builds_projections(fn_ctx *ctx, const merge_job *m, bool *out)
{
    const mt_definition *d = m->shape->definition;
    *out = d->projection_count && (d->mode != MT_PLAIN || m->apply_ttl || d->settings.materialize_projections_on_merge);
    for (uint32_t i = 0; i < d->projection_count && !*out; i++) {
        uint32_t having = 0;
        for (uint32_t k = 0; k < m->running->count; k++) {
            const fn_part *data;
            FN_TRY(mt_file_open(ctx, m->running->parts[k]->file, &data));
            having += mt_projection_has(data, d->projections[i].id, NULL);
        }
        *out = having != 0 && having != m->running->count;
    }
    return FN_OK;
}

static fn_status want_projection(fn_ctx *ctx, wanted *w, const mt_projection *p)
{
    for (uint32_t i = 0; i < p->value_count; i++) FN_TRY(want(ctx, w, p->values[i]));
    for (uint32_t i = 0; i < p->state_count; i++)
        for (uint32_t a = 0; a < p->states[i].arg_count; a++) FN_TRY(want(ctx, w, p->states[i].args[a]));
    return FN_OK;
}

static fn_status want_all(fn_ctx *ctx, const merge_job *m, wanted *w)
{
    const mt_definition *d = m->shape->definition;
    const int mode[] = {d->version_column, d->is_deleted_column, d->sign_column};
    bool projections;
    for (size_t i = 0; i < FN_COUNT(mode); i++)
        if (mode[i] >= 0) w->columns[mode[i]] = true;
    for (uint32_t i = 0; i < d->sort_count; i++) FN_TRY(want(ctx, w, d->sort_key[i]));
    for (uint32_t i = 0; i < d->ttl_count; i++) {
        FN_TRY(want(ctx, w, d->ttls[i].when));
        FN_TRY(want(ctx, w, d->ttls[i].where));
    }
    for (uint32_t i = 0; i < d->index_count; i++)
        for (uint32_t k = 0; k < d->indexes[i].value_count; k++) FN_TRY(want(ctx, w, d->indexes[i].values[k]));
    FN_TRY(builds_projections(ctx, m, &projections));
    for (uint32_t i = 0; i < d->projection_count && projections; i++) FN_TRY(want_projection(ctx, w, &d->projections[i]));
    return FN_OK;
}

/* TTLs that only let rows go leave the others as they are. */
static bool ttl_allows(const merge_job *m)
{
    const mt_definition *d = m->shape->definition;
    if (!m->apply_ttl) return true;
    for (uint32_t i = 0; i < d->ttl_count; i++)
        if (d->ttls[i].kind == MT_TTL_GROUP_BY || d->ttls[i].kind == MT_TTL_COLUMN) return false;
    return d->settings.vertical_merge_optimize_ttl_delete;
}

static bool may_go_by_columns(const merge_job *m)
{
    enum { PARTS_MAX = 1 << 20 }; /* an origin has room for more */
    const mt_definition *d = m->shape->definition;
    const table_settings *s = &d->settings;
    return s->enable_vertical_merge_algorithm && (d->mode == MT_PLAIN || mt_chooses_rows(d->mode)) && !m->how->deduplicate && ttl_allows(m) &&
           m->running->count < PARTS_MAX && m->running->rows >= s->vertical_merge_algorithm_min_rows_to_activate &&
           m->running->raw_bytes >= s->vertical_merge_algorithm_min_bytes_to_activate;
}

fn_status merge_columns_choose(fn_ctx *ctx, const merge_job *m, merge_columns *out)
{
    const mt_shape *shape = m->shape;
    wanted w = {.shape = shape};
    *out = (merge_columns){0};
    if (!may_go_by_columns(m)) return FN_OK;
    w.columns = FN_NEW_ARRAY(ctx, bool, shape->schema->count + 1);
    out->columns = FN_NEW_ARRAY(ctx, uint32_t, shape->stored_count + 1);
    if (!w.columns || !out->columns) return ctx->error.code;
    const fn_status status = want_all(ctx, m, &w);
    fn_buf_release(&w.ids);
    FN_TRY(status);
    for (uint32_t i = 0; i < shape->stored_count; i++)
        if (w.columns[shape->stored[i]]) out->columns[out->count++] = shape->stored[i];
    out->chosen = shape->stored_count - out->count >= FN_MAX(shape->definition->settings.vertical_merge_algorithm_min_columns_to_activate, (uint64_t)1);
    return FN_OK;
}

/* ---- the sources, once more ---- */

typedef struct handles {
    fn_part **data;
    mt_reader *readers;
    uint32_t count;
} handles;

static fn_status open_handles(fn_ctx *ctx, const merge_job *m, handles *h)
{
    *h = (handles){.data = FN_NEW_ARRAY(ctx, fn_part *, m->running->count), .readers = FN_NEW_ARRAY(ctx, mt_reader, m->running->count)};
    if (!h->data || !h->readers) return ctx->error.code;
    for (; h->count < m->running->count; h->count++) {
        mt_reader *r = &h->readers[h->count];
        FN_TRY(mt_reader_init(ctx, m->shape, m->running->parts[h->count], r));
        FN_TRY(fn_part_open_again(ctx, r->data, &h->data[h->count]));
        r->data = h->data[h->count];
    }
    return FN_OK;
}

static void close_handles(handles *h)
{
    for (uint32_t i = 0; i < h->count; i++) fn_part_drop(h->data[i]);
}

/* ---- the order of the rows ---- */

typedef struct ordering {
    merge_job *job;
    const merge_columns *by;
} ordering;

/* All stored columns, those that were not read with their default, and behind them the origins. */
static fn_status widen(fn_ctx *ctx, const ordering *o, const mt_batch *b, fn_block *wide)
{
    const mt_shape *shape = o->job->shape;
    for (uint32_t i = 0, next = 0; i < shape->stored_count; i++) {
        const bool read = next < o->by->count && o->by->columns[next] == shape->stored[i];
        wide->columns[i] = read ? fn_column_ref(b->block->columns[next++]) : fn_column_default(ctx, shape->part_columns[i].type, b->block->rows);
        FN_TRY_PTR(ctx, wide->columns[i]);
    }
    fn_buffer *origins = fn_buffer_new(ctx, b->block->rows * sizeof *b->origins);
    FN_TRY_PTR(ctx, origins);
    memcpy(origins->data, b->origins, b->block->rows * sizeof *b->origins);
    wide->columns[shape->stored_count] = fn_column_fixed(ctx, fn_type_simple(FN_T_UINT64), b->block->rows, origins, NULL);
    return wide->columns[shape->stored_count] ? FN_OK : ctx->error.code;
}

static fn_status note_batch(void *self, fn_ctx *ctx, const mt_batch *b)
{
    const ordering *o = self;
    fn_block *wide = fn_block_new(ctx, o->job->shape->stored_count + 1, b->block->rows);
    FN_TRY_PTR(ctx, wide);
    fn_status status = widen(ctx, o, b, wide);
    const mt_batch whole = {.block = wide, .key = b->key, .origins = b->origins};
    if (status == FN_OK) status = merge_write_rows(ctx, o->job, &whole);
    fn_block_drop(wide);
    return status;
}

fn_status merge_columns_order(fn_ctx *ctx, merge_job *m, const merge_columns *c)
{
    handles h;
    ordering o = {m, c};
    fn_status status = open_handles(ctx, m, &h);
    const mt_merge_options options = {.shape = m->shape, .parts = m->running->parts, .part_count = m->running->count, .columns = c->columns,
                                      .column_count = c->count, .whole_groups = m->shape->definition->mode != MT_PLAIN, .origins = true,
                                      .readers = h.readers};
    if (status == FN_OK) status = mt_merge_each(ctx, m->table->store, &options, note_batch, &o);
    close_handles(&h);
    return status;
}

/* ---- the columns ---- */

typedef struct column_need {
    uint32_t stored;  /* its place */
    uint64_t bytes;   /* of memory, estimated */
} column_need;

typedef struct gathering {
    const merge_job *job;
    column_need *columns; /* those that need most first; [first, end) are to be done */
    uint32_t first, end, done;
    uint64_t in_use;      /* of those under way */
    uint64_t rows_noted;
    bool fits;
    fn_status status;
    fn_error error;
    _Atomic bool ended;   /* one has failed, or does not fit */
    pthread_mutex_t lock;
} gathering;

static int by_need(const void *a, const void *b)
{
    const column_need *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : (x->stored > y->stored) - (x->stored < y->stored);
}

/* Dictionaries: those of the sources and what becomes of them. */
static uint64_t need_of(const fn_part *data, uint32_t place)
{
    const fn_phys phys = fn_type_base(fn_part_column_at(data, place)->type)->phys;
    uint64_t raw_bytes;
    (void)fn_part_column_bytes(data, place, &raw_bytes);
    if (phys == FN_PHYS_ARRAY || phys == FN_PHYS_TUPLE) return raw_bytes / 4;
    if (phys != FN_PHYS_STRING) return 0;
    const uint64_t rows = FN_MAX(fn_part_rows(data), (uint64_t)1), distinct = FN_MIN(fn_part_distinct(data, place), rows);
    return distinct * (raw_bytes / rows + ENTRY_BYTES);
}

static fn_status list_columns(fn_ctx *ctx, gathering *g)
{
    const merge_job *m = g->job;
    g->end = m->shape->stored_count;
    g->columns = FN_NEW_ARRAY(ctx, column_need, g->end);
    FN_TRY_PTR(ctx, g->columns);
    for (uint32_t i = 0; i < g->end; i++) {
        g->columns[i].stored = i;
        for (uint32_t k = 0; k < m->running->count; k++) {
            const fn_part *data;
            FN_TRY(mt_file_open(ctx, m->running->parts[k]->file, &data));
            const int place = fn_part_find(data, m->shape->part_columns[i].id);
            if (place >= 0) g->columns[i].bytes += need_of(data, (uint32_t)place);
        }
    }
    qsort(g->columns, g->end, sizeof *g->columns, by_need);
    return FN_OK;
}

/* Large ones are for one worker, the others take the small ones. False: there are none, or none that memory is left for. */
static bool take_column(gathering *g, bool large, column_need *out)
{
    FN_ASSERT(pthread_mutex_lock(&g->lock) == 0);
    bool found = g->first < g->end && !atomic_load(&g->ended);
    if (found) {
        *out = large ? g->columns[g->first] : g->columns[g->end - 1];
        found = g->in_use == 0 || g->in_use + out->bytes <= GATHER_BYTES || large;
    }
    if (found) {
        g->in_use += out->bytes;
        if (large) g->first++;
        else g->end--;
    }
    FN_ASSERT(pthread_mutex_unlock(&g->lock) == 0);
    return found;
}

static void end_column(gathering *g, const fn_ctx *ctx, const column_need *c, fn_status status, bool fits)
{
    FN_ASSERT(pthread_mutex_lock(&g->lock) == 0);
    g->in_use -= c->bytes;
    g->done++;
    if ((status != FN_OK || !fits) && !atomic_load(&g->ended)) {
        g->status = status;
        g->error = ctx->error;
        g->fits = fits;
        atomic_store(&g->ended, true);
    }
    atomic_store_explicit(&g->job->running->rows_written, g->rows_noted * g->done / g->job->shape->stored_count, memory_order_relaxed);
    FN_ASSERT(pthread_mutex_unlock(&g->lock) == 0);
}

typedef struct feeding {
    gathering *g;
    mt_gather *rows;
} feeding;

static fn_status feed_next(void *self, fn_ctx *ctx, fn_part_pieces *out)
{
    const feeding *f = self;
    const mt_table *t = f->g->job->table;
    if (mt_merges_stopped(t) || atomic_load(&t->store->closing) || atomic_load(&f->g->ended)) return fn_fail(ctx, FN_ABORTED, "Cancelled merging parts");
    return mt_gather_next(ctx, f->rows, out);
}

static fn_status write_column(fn_ctx *ctx, gathering *g, const handles *h, uint32_t stored, bool *fits)
{
    const merge_job *m = g->job;
    const mt_gather_options options = {.shape = m->shape, .readers = h->readers, .part_count = h->count, .order = m->out->order,
                                       .column = m->shape->stored[stored]};
    feeding f = {.g = g};
    fn_part_feed feed = {.next = feed_next, .self = &f};
    fn_status status = mt_gather_new(ctx, &options, &f.rows);
    *fits = true;
    if (status == FN_OK) status = mt_take_dictionaries(ctx, m->shape, stored, (const fn_part *const *)h->data, h->count, &feed.dictionaries);
    if (status == FN_OK) status = fn_part_writer_column(ctx, m->out->writer, stored, &feed, fits);
    mt_drop_dictionaries(&feed.dictionaries);
    mt_gather_free(f.rows);
    return status;
}

static fn_status gather_columns(fn_ctx *ctx, gathering *g, bool large)
{
    handles h;
    column_need c = {0};
    fn_arena *const outer = ctx->arena, *arena = fn_arena_new(ctx);
    fn_status status = arena ? open_handles(ctx, g->job, &h) : ctx->error.code;
    ctx->arena = arena;
    while (status == FN_OK && take_column(g, large, &c)) {
        bool fits;
        status = write_column(ctx, g, &h, c.stored, &fits);
        end_column(g, ctx, &c, status, fits);
        for (uint32_t i = 0; i < h.count; i++) fn_part_unload(h.data[i]);
        fn_arena_reset(arena);
    }
    ctx->arena = outer;
    if (arena) close_handles(&h);
    fn_arena_free(arena);
    return status;
}

typedef struct gather_tasks {
    gathering *g;
    const fn_ctx *ctx;
} gather_tasks;

static void gather_task(void *arg, unsigned index)
{
    const gather_tasks *t = arg;
    const column_need none = {0};
    fn_ctx ctx = {.memory = t->ctx->memory, .cancel = t->ctx->cancel, .settings = t->ctx->settings};
    ctx.arena = fn_arena_new(&ctx);
    const fn_status status = ctx.arena ? gather_columns(&ctx, t->g, index == 0) : ctx.error.code;
    if (status != FN_OK) end_column(t->g, &ctx, &none, status, true); /* of the handles; a column's own was first */
    fn_arena_free(ctx.arena);
}

fn_status merge_columns_gather(fn_ctx *ctx, const merge_job *m, bool *fits)
{
    fn_pool *workers = m->table->store->options.workers;
    gathering g = {.job = m, .fits = true, .rows_noted = m->out->rows};
    gather_tasks tasks = {&g, ctx};
    FN_TRY(mt_row_order_end(ctx, m->out->order));
    FN_TRY(fn_part_writer_by_column(ctx, m->out->writer, m->out->order->rows));
    FN_TRY(list_columns(ctx, &g));
    FN_ASSERT(pthread_mutex_init(&g.lock, NULL) == 0);
    fn_status status = fn_pool_run(ctx, workers, gather_task, &tasks, FN_MIN(workers ? fn_pool_workers(workers) : 1, (unsigned)GATHERERS_MAX));
    (void)pthread_mutex_destroy(&g.lock);
    if (status == FN_OK && g.status != FN_OK) status = fn_fail(ctx, g.status, "%s", g.error.text);
    *fits = g.fits;
    return status;
}
