/* stats.c - what the footers of a snapshot's parts say about a column: exact minimum, maximum, sum, NULLs and default values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

typedef struct gather {
    bool range, sum, counts; /* hold for all parts so far */
    fn_column *min, *max; /* 1 row each; referenced */
    fn_i128 total;
    uint64_t nulls, defaults, distinct;
} gather;

static fn_status widen(fn_ctx *ctx, fn_column **best, const fn_column *values, uint32_t row, bool want_max)
{
    if (*best) {
        const int order = fn_column_compare(values, row, *best, 0, true);
        if (want_max ? order <= 0 : order >= 0) return FN_OK;
    }
    fn_column *one = fn_column_take(ctx, values, &row, 1);
    FN_TRY_PTR(ctx, one);
    fn_column_drop(*best);
    *best = one;
    return FN_OK;
}

static fn_status add_part(fn_ctx *ctx, const mt_shape *shape, mt_part *part, uint32_t column, gather *g)
{
    const fn_part *data;
    const fn_part_zones *z;
    const table_column *c = &shape->schema->columns[column];
    FN_TRY(mt_file_open(ctx, part->file, &data));
    const int place = fn_part_find(data, c->id);
    if (place < 0 || fn_part_column_at(data, (uint32_t)place)->type != c->type) {
        g->range = g->sum = g->counts = false;
        return FN_OK;
    }
    FN_TRY(fn_part_zones_of(ctx, data, (uint32_t)place, &z));
    const uint32_t granules = fn_part_granules(data);
    g->distinct = FN_MAX(g->distinct, fn_part_distinct(data, (uint32_t)place));
    g->sum = g->sum && z->has_sum && z->sums;
    g->range = g->range && z->has_range && z->exact && z->nulls && z->valid && !fn_type_is_float(fn_type_base(c->type));
    g->counts = g->counts && z->nulls && z->defaults;
    for (uint32_t i = 0; i < granules; i++) {
        if (g->sum) g->total += z->sums[i];
        if (g->counts) {
            g->nulls += z->nulls[i];
            g->defaults += z->defaults[i];
        }
        if (!g->range || !z->valid[i]) continue;
        FN_TRY(widen(ctx, &g->min, z->min, i, false));
        FN_TRY(widen(ctx, &g->max, z->max, i, true));
    }
    return FN_OK;
}

static fn_status all_parts(fn_ctx *ctx, mt_snapshot *s, uint32_t column, gather *g)
{
    for (uint32_t i = 0; i < s->list->count; i++) FN_TRY(add_part(ctx, s->shape, s->list->parts[i], column, g));
    return FN_OK;
}

static void release_column(void *c)
{
    fn_column_drop(c);
}

fn_status mt_snapshot_keep(fn_ctx *ctx, mt_snapshot *s, fn_column *c)
{
    if (!c) return FN_OK;
    pthread_mutex_lock(&s->lock);
    if (!s->arena) s->arena = fn_arena_new(ctx);
    const fn_status status = s->arena ? fn_arena_defer(ctx, s->arena, release_column, fn_column_ref(c)) : ctx->error.code;
    pthread_mutex_unlock(&s->lock);
    return status;
}

bool mt_stats(mt_snapshot *s, uint32_t column, table_column_stats *out)
{
    fn_ctx ctx = {0};
    gather g = {.range = true, .sum = true, .counts = true};
    *out = (table_column_stats){0};
    if (column >= s->shape->schema->count || s->shape->stored_at[column] < 0) return false;
    ctx.arena = fn_arena_new(&ctx);
    fn_status status = ctx.arena ? all_parts(&ctx, s, column, &g) : ctx.error.code;
    if (status == FN_OK && g.range) status = mt_snapshot_keep(&ctx, s, g.min);
    if (status == FN_OK && g.range) status = mt_snapshot_keep(&ctx, s, g.max);
    if (status == FN_OK) {
        *out = (table_column_stats){.has_range = g.range && g.min, .exact = g.range, .has_sum = g.sum, .sum = g.sum ? g.total : 0,
                                    .has_counts = g.counts, .nulls = g.counts ? g.nulls : 0, .defaults = g.counts ? g.defaults : 0,
                                    .distinct = FN_MIN(g.distinct, s->list->rows)};
        if (out->has_range) {
            out->min = g.min;
            out->max = g.max;
        }
    }
    fn_column_drop(g.min);
    fn_column_drop(g.max);
    fn_arena_free(ctx.arena);
    return status == FN_OK; /* a part that cannot be read is reported by the scan */
}
