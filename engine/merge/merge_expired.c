/* merge_expired.c - merges for TTL's sake: of single parts with something due, those of a partition again after merge_with_ttl_timeout (or
 * merge_with_recompression_ttl_timeout) seconds at the earliest. With ttl_only_drop_parts only parts of which nothing is left. A part
 * whose file does not say when its rows are due (it is older than the clause) is looked through once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"
#include "table/mergetree/part_ttl.h"

struct mt_ttl_visit {
    uint64_t partition; /* hash of its id */
    int64_t next_s[2];  /* by due_kind; monotonic clock */
};

typedef enum due_kind { DUE_ROWS, DUE_CODEC, DUE_NOT } due_kind;

/* ---- what is due ---- */
/* Of a part that has not been written under this clause: read through. *due: 0: nothing. */
static fn_status look_through(fn_ctx *ctx, const mt_shape *shape, mt_part *part, uint32_t ttl, int64_t *due)
{
    mt_reader r;
    FN_TRY(mt_reader_init(ctx, shape, part, &r));
    enum { STEP = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS };
    fn_arena *const outer = ctx->arena, *arena = fn_arena_new(ctx);
    fn_status status = arena ? FN_OK : ctx->error.code;
    ctx->arena = arena;
    for (uint32_t g = 0, all = fn_part_granules(r.data); g < all && status == FN_OK; g += STEP) {
        fn_block *b = NULL;
        int64_t *times = NULL;
        status = mt_read(ctx, &r, shape->stored, shape->stored_count, g, FN_MIN((uint32_t)STEP, all - g), &b);
        if (status == FN_OK) status = mt_ttl_times(ctx, &shape->ttls[ttl], b, &times);
        for (uint32_t i = 0; status == FN_OK && i < b->rows; i++)
            if (times[i] != 0 && (*due == 0 || times[i] < *due)) *due = times[i];
        fn_free(times);
        fn_block_drop(b);
        if (status == FN_OK) status = fn_ctx_check(ctx);
        if (status == FN_OK && atomic_load(&part->file->store->closing)) status = fn_fail(ctx, FN_ABORTED, "The server stops");
        fn_arena_reset(arena);
    }
    ctx->arena = outer;
    fn_arena_free(arena);
    return status;
}

static bool about_rows(const mt_ttl *t)
{
    return t->kind <= MT_TTL_COLUMN;
}

/* When the first row of the part is due that the file says nothing of. Remembered. */
static fn_status unknown_due(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_part *part, const mt_ttl_infos *infos, int64_t *due)
{
    const mt_definition *d = shape->definition;
    uint64_t wanted = 0;
    *due = 0;
    for (uint32_t i = 0; i < d->ttl_count; i++)
        if (about_rows(&d->ttls[i]) && !mt_ttl_find(infos, &d->ttls[i])) wanted = fn_hash_bytes(&d->ttls[i].id, sizeof d->ttls[i].id, wanted) | 1;
    if (!wanted) return FN_OK;
    pthread_mutex_lock(&t->lock);
    const bool known = part->looked_for == wanted;
    if (known) *due = part->looked_due;
    pthread_mutex_unlock(&t->lock);
    if (known) return FN_OK;
    for (uint32_t i = 0; i < d->ttl_count; i++)
        if (about_rows(&d->ttls[i]) && !mt_ttl_find(infos, &d->ttls[i])) FN_TRY(look_through(ctx, shape, part, i, due));
    pthread_mutex_lock(&t->lock);
    part->looked_for = wanted;
    part->looked_due = *due;
    pthread_mutex_unlock(&t->lock);
    return FN_OK;
}

static fn_status rows_due(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_part *part, int64_t now_s, bool *out)
{
    const mt_definition *d = shape->definition;
    const mt_ttl_infos *infos;
    mt_ttl_plan plan;
    int64_t due;
    *out = false;
    if (d->settings.ttl_only_drop_parts) {
        FN_TRY(mt_ttl_plan_of(ctx, shape, &part, 1, now_s, &plan));
        *out = plan.all_gone;
        return FN_OK;
    }
    FN_TRY(mt_part_ttl(ctx, part, &infos));
    for (uint32_t i = 0; i < d->ttl_count && !*out; i++) {
        const mt_ttl_info *info = about_rows(&d->ttls[i]) ? mt_ttl_find(infos, &d->ttls[i]) : NULL;
        *out = info && info->due != 0 && info->due <= now_s;
    }
    if (*out) return FN_OK;
    FN_TRY(unknown_due(ctx, t, shape, part, infos, &due));
    *out = due != 0 && due <= now_s;
    return FN_OK;
}

static fn_status due_of(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_part *part, int64_t now_s, due_kind *out)
{
    const mt_ttl_infos *infos;
    mt_ttl_plan plan;
    bool rows;
    FN_TRY(rows_due(ctx, t, shape, part, now_s, &rows));
    *out = rows ? DUE_ROWS : DUE_NOT;
    if (rows) return FN_OK;
    FN_TRY(mt_part_ttl(ctx, part, &infos));
    FN_TRY(mt_ttl_plan_of(ctx, shape, &part, 1, now_s, &plan));
    if (plan.codec.size && !fn_str_eq(plan.codec, infos->codec)) *out = DUE_CODEC;
    return FN_OK;
}

/* ---- visits ---- */
/* Under the table's lock. NULL: no memory. */
static mt_ttl_visit *visit_of(mt_table *t, fn_str partition_id)
{
    const uint64_t hash = fn_hash_bytes(partition_id.data, partition_id.size, 0);
    for (uint32_t i = 0; i < t->visit_count; i++)
        if (t->visits[i].partition == hash) return &t->visits[i];
    mt_ttl_visit *more = fn_realloc(&(fn_ctx){0}, t->visits, (t->visit_count + 1) * sizeof *more);
    if (!more) return NULL;
    t->visits = more;
    more[t->visit_count] = (mt_ttl_visit){.partition = hash, .next_s = {INT64_MIN, INT64_MIN}};
    return &more[t->visit_count++];
}

static bool may_visit(mt_table *t, fn_str partition_id, due_kind kind, int64_t clock_s)
{
    pthread_mutex_lock(&t->lock);
    const mt_ttl_visit *v = visit_of(t, partition_id);
    const bool may = v && v->next_s[kind] <= clock_s;
    pthread_mutex_unlock(&t->lock);
    return may;
}

static void set_next(mt_table *t, fn_str partition_id, due_kind kind, int64_t next_s)
{
    pthread_mutex_lock(&t->lock);
    mt_ttl_visit *v = visit_of(t, partition_id);
    if (v) v->next_s[kind] = next_s;
    pthread_mutex_unlock(&t->lock);
}

/* ---- merging ---- */
static bool take_part(mt_table *t, mt_part *part)
{
    bool free = false;
    pthread_mutex_lock(&t->lock);
    for (uint32_t i = 0; i < t->list->count && !free; i++) free = t->list->parts[i] == part && !part->busy && !part->damaged;
    if (free) part->busy = true;
    pthread_mutex_unlock(&t->lock);
    return free;
}

static fn_status merge_part(fn_ctx *ctx, mt_table *t, mt_part *part)
{
    const mt_merge_how how = {0};
    merge_outcome outcome;
    if (!take_part(t, part)) return FN_OK;
    const fn_status status = merge_run(ctx, t, &part, 1, &how, false, &outcome);
    pthread_mutex_lock(&t->lock);
    part->busy = false;
    pthread_mutex_unlock(&t->lock);
    return status;
}

/* The parts [from, to) of a partition. */
static fn_status merge_partition(fn_ctx *ctx, mt_table *t, const mt_shape *shape, const mt_list *list, uint32_t from, uint32_t to, int64_t now_s)
{
    const table_settings *s = &shape->definition->settings;
    const int64_t clock_s = fn_clock_monotonic_ns() / 1000000000;
    const uint64_t pause_s[] = {s->merge_with_ttl_timeout, s->merge_with_recompression_ttl_timeout};
    const fn_str id = list->parts[from]->row.partition_id;
    const bool may[] = {may_visit(t, id, DUE_ROWS, clock_s), may_visit(t, id, DUE_CODEC, clock_s)};
    for (uint32_t i = from; i < to && (may[DUE_ROWS] || may[DUE_CODEC]); i++) {
        due_kind kind;
        FN_TRY(due_of(ctx, t, shape, list->parts[i], now_s, &kind));
        if (kind == DUE_NOT || !may[kind]) continue;
        FN_TRY(merge_part(ctx, t, list->parts[i]));
        set_next(t, id, kind, clock_s + (int64_t)FN_MIN(pause_s[kind], (uint64_t)INT32_MAX));
    }
    return FN_OK;
}

fn_status merge_expired(fn_ctx *ctx, mt_table *t)
{
    mt_list *list = mt_table_list(t);
    mt_shape *shape = mt_table_shape(t);
    const int64_t now_s = fn_clock_realtime_ns() / 1000000000;
    fn_status status = FN_OK;
    for (uint32_t from = 0, to; from < list->count && status == FN_OK && shape->definition->ttl_count && !mt_ttl_stopped(t); from = to) {
        for (to = from + 1; to < list->count && fn_str_eq(list->parts[to]->row.partition_id, list->parts[from]->row.partition_id);) to++;
        status = merge_partition(ctx, t, shape, list, from, to, now_s);
    }
    mt_shape_drop(shape);
    mt_list_drop(list);
    return status;
}

/* ---- asking, stopping ---- */
void mt_ttl_schedule(table *t)
{
    mt_table *m = (mt_table *)t;
    if (mt_is(t)) {
        mt_shape *shape = mt_table_shape(m);
        const bool any = shape->definition->ttl_count != 0;
        mt_shape_drop(shape);
        if (!any) return;
        atomic_store(&m->ttl_wanted, true);
        mt_merge_schedule(m);
    }
}

bool mt_ttl_stopped(const mt_table *t)
{
    return atomic_load_explicit(&t->ttl_stopped, memory_order_relaxed) || atomic_load_explicit(&t->store->ttl_stopped, memory_order_relaxed);
}

void mt_stop_ttl(table *t, bool stop)
{
    atomic_store(&((mt_table *)t)->ttl_stopped, stop);
}

void mt_store_stop_ttl(mt_store *store, bool stop)
{
    atomic_store(&store->ttl_stopped, stop);
}
