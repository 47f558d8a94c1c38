/* projection_read.c - the projections of a table's parts as parts, and a snapshot as two: of the parts that have a projection, and of the
 * others. See projection.h. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/condition.h"
#include "table/mergetree/projection.h"
#include "table/mergetree/skip_index.h"

bool mt_projection_has(const fn_part *data, uint64_t id, uint64_t *bytes)
{
    for (uint32_t i = 0; i < fn_part_inner_count(data); i++)
        if (fn_part_inner_at(data, i, bytes) == id) return true;
    return false;
}

fn_status mt_projection_part(fn_ctx *ctx, mt_part *part, uint64_t id, mt_part **out)
{
    const fn_part *data, *inner;
    uint64_t bytes;
    *out = NULL;
    FN_TRY(mt_file_open(ctx, part->file, &data));
    if (!mt_projection_has(data, id, &bytes)) return FN_OK;
    FN_TRY(fn_part_inner(ctx, data, id, &inner));
    mt_part_row row = part->row;
    row.rows = fn_part_rows(inner);
    row.bytes = bytes;
    return mt_part_within(ctx, part, &row, inner, out);
}

/* ---- a table of a projection's parts, for the time of a statement ---- */
void mt_projection_table_destroy(table *t)
{
    mt_table *m = (mt_table *)t;
    pthread_mutex_destroy(&m->change);
    pthread_mutex_destroy(&m->lock);
    fn_arena_free(m->arena);
    fn_free(m);
}

static fn_status make_table(fn_ctx *ctx, const mt_snapshot *s, const mt_projection *p, mt_shape *shape, table **out)
{
    mt_table *m = fn_alloc_zero(ctx, sizeof *m);
    FN_TRY_PTR(ctx, m);
    m->arena = fn_arena_new(&(fn_ctx){0});
    fn_ctx own = {.arena = m->arena};
    if (!m->arena || fn_arena_str(&own, m->arena, p->name, &m->base.name) != FN_OK) {
        fn_arena_free(m->arena);
        fn_free(m);
        return fn_fail_memory(ctx, sizeof *m);
    }
    m->store = s->table->store;
    m->base.ops = &mt_projection_ops;
    atomic_store(&m->base.refs, 1);
    atomic_store(&m->base.schema, table_schema_ref(shape->schema));
    pthread_mutex_init(&m->change, NULL);
    pthread_mutex_init(&m->lock, NULL);
    *out = &m->base;
    return FN_OK;
}

static fn_status snapshot_of(fn_ctx *ctx, mt_table *t, mt_shape *shape, mt_part *const *parts, uint32_t count, table_snapshot **out)
{
    mt_list *list;
    FN_TRY(mt_list_new(ctx, parts, count, &list));
    const fn_status status = mt_snapshot_new(ctx, t, list, shape, out);
    mt_list_drop(list);
    return status;
}

/* parts: of the projection; rest: those that lack it. */
static fn_status split(fn_ctx *ctx, const mt_snapshot *s, uint64_t id, mt_part **parts, uint32_t *count, mt_part **rest, uint32_t *rest_count)
{
    for (uint32_t i = 0; i < s->list->count; i++) {
        FN_TRY(mt_projection_part(ctx, s->list->parts[i], id, &parts[*count]));
        if (parts[*count]) (*count)++;
        else rest[(*rest_count)++] = s->list->parts[i];
    }
    return FN_OK;
}

fn_status mt_project(fn_ctx *ctx, table_snapshot *snapshot, uint32_t index, table **projected, table_snapshot **with, table_snapshot **without)
{
    const mt_snapshot *s = (const mt_snapshot *)snapshot;
    const mt_projection *p = &s->shape->definition->projections[index];
    mt_shape *shape = s->shape->projections[index];
    mt_part **parts = FN_NEW_ARRAY(ctx, mt_part *, s->list->count + 1), **rest = FN_NEW_ARRAY(ctx, mt_part *, s->list->count + 1);
    uint32_t count = 0, rest_count = 0;
    *projected = NULL;
    *with = *without = NULL;
    if (!parts || !rest) return ctx->error.code;
    fn_status status = split(ctx, s, p->id, parts, &count, rest, &rest_count);
    if (status == FN_OK && count) status = make_table(ctx, s, p, shape, projected);
    if (status == FN_OK && count) status = snapshot_of(ctx, (mt_table *)*projected, shape, parts, count, with);
    if (status == FN_OK && count && rest_count) status = snapshot_of(ctx, s->table, s->shape, rest, rest_count, without);
    for (uint32_t i = 0; i < count; i++) mt_part_drop(parts[i]);
    if (status == FN_OK) return FN_OK;
    if (*with) (*projected)->ops->snapshot_drop(*with);
    table_drop(*projected);
    *projected = NULL;
    *with = NULL;
    return status;
}

const mt_definition *mt_snapshot_definition(const table_snapshot *snapshot)
{
    return ((const mt_snapshot *)snapshot)->shape->definition;
}

void mt_snapshot_give_back(table_snapshot *s)
{
    mt_projection_ops.snapshot_drop(s);
}

bool mt_is_projection(const table *t)
{
    return t->ops == &mt_projection_ops;
}

/* ---- what a scan would read ---- */
static fn_status rows_of_part(fn_ctx *ctx, const mt_shape *shape, mt_part *part, mt_conditions *conditions, mt_skip *skip, uint64_t *rows)
{
    mt_reader reader;
    mt_pruner *pruner;
    mt_skip_part *data = NULL;
    uint32_t first, end;
    FN_TRY(mt_reader_init(ctx, shape, part, &reader));
    FN_TRY(mt_pruner_make(ctx, conditions, &reader, &pruner));
    fn_status status = skip ? mt_skip_part_make(ctx, skip, reader.data, &data) : FN_OK;
    if (status == FN_OK) {
        mt_prune_index(pruner, &first, &end);
        for (uint32_t g = first; g < end && status == FN_OK; g++) {
            uint64_t need;
            bool may = mt_prune_granule(pruner, g, &need) != MT_NEVER;
            if (may && skip) status = mt_skip_granule(ctx, data, g, &may);
            if (may) *rows += FN_MIN((uint64_t)FN_GRANULE_ROWS, fn_part_rows(reader.data) - (uint64_t)g * FN_GRANULE_ROWS);
        }
        if (skip) mt_skip_part_release(data);
    }
    mt_pruner_release(pruner);
    return status;
}

fn_status mt_rows_to_read(fn_ctx *ctx, table_snapshot *snapshot, expr *const *conjuncts, uint32_t count, uint64_t *out)
{
    const mt_snapshot *s = (const mt_snapshot *)snapshot;
    mt_conditions *conditions;
    mt_skip *skip = NULL;
    *out = 0;
    FN_TRY(mt_conditions_make(ctx, s->shape, conjuncts, count, &conditions));
    fn_status status = s->shape->definition->index_count ? mt_skip_make(ctx, s->shape, conjuncts, count, false, &skip) : FN_OK;
    for (uint32_t i = 0; i < s->list->count && status == FN_OK; i++) status = rows_of_part(ctx, s->shape, s->list->parts[i], conditions, skip, out);
    mt_skip_release(skip);
    mt_conditions_release(conditions);
    return status;
}

/* ---- looking ---- */
static fn_status each_of_part(fn_ctx *ctx, const mt_shape *shape, mt_part *part, mt_each_projection *each, void *self)
{
    const mt_definition *d = shape->definition;
    const fn_part *data;
    FN_TRY(mt_file_open(ctx, part->file, &data));
    for (uint32_t i = 0; i < d->projection_count; i++) {
        mt_projection_row row = {.part = &part->row, .projection = &d->projections[i], .schema = shape->projections[i]->schema};
        if (!mt_projection_has(data, d->projections[i].id, &row.bytes)) continue;
        FN_TRY(fn_part_inner(ctx, data, d->projections[i].id, &row.data));
        FN_TRY(each(self, ctx, &row));
    }
    return FN_OK;
}

fn_status mt_projections(fn_ctx *ctx, table *t, mt_each_projection *each, void *self)
{
    mt_shape *shape = mt_table_shape((mt_table *)t);
    mt_list *list = mt_table_list((mt_table *)t);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < list->count && shape->definition->projection_count && status == FN_OK; i++)
        status = each_of_part(ctx, shape, list->parts[i], each, self);
    mt_list_drop(list);
    mt_shape_drop(shape);
    return status;
}
