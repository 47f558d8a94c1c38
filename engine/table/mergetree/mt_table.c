/* mt_table.c - a MergeTree table towards the engine: construction, ALTER of the shape, snapshots, row counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/mt.h"

/* ---- snapshots ---- */

static fn_status mt_snapshot_take(table *t, fn_ctx *ctx, table_snapshot **out)
{
    mt_table *m = (mt_table *)t;
    pthread_mutex_lock(&m->lock);
    mt_list *list = mt_list_ref(m->list);
    mt_shape *shape = mt_shape_ref(m->shape);
    pthread_mutex_unlock(&m->lock);
    const fn_status status = mt_snapshot_new(ctx, m, list, shape, out);
    mt_list_drop(list);
    mt_shape_drop(shape);
    return status;
}

fn_status mt_snapshot_new(fn_ctx *ctx, mt_table *t, mt_list *list, mt_shape *shape, table_snapshot **out)
{
    mt_snapshot *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    s->table = (mt_table *)table_ref(&t->base);
    pthread_mutex_init(&s->lock, NULL);
    s->list = mt_list_ref(list);
    s->shape = mt_shape_ref(shape);
    *out = (table_snapshot *)s;
    return FN_OK;
}

static void mt_snapshot_drop(table_snapshot *snapshot)
{
    mt_snapshot *s = (mt_snapshot *)snapshot;
    fn_arena_free(s->arena);
    mt_list_drop(s->list);
    mt_shape_drop(s->shape);
    table_drop(&s->table->base);
    pthread_mutex_destroy(&s->lock);
    fn_free(s);
}

static fn_status mt_scan_begin(table_snapshot *s, fn_ctx *ctx, const table_scan_request *request, table_scan **out)
{
    return mt_scan_open(ctx, (mt_snapshot *)s, request, out);
}

/* What FINAL hides, if that has been computed already; NULL: nobody knows without reading. */
static const mt_masks *known_masks(const mt_snapshot *s)
{
    if (s->list->rows == 0 || !mt_chooses_rows(s->shape->definition->mode)) return NULL;
    const bool apart = mt_partitions_apart(s->shape);
    const mt_part *first = s->list->parts[0], *last = s->list->parts[s->list->count - 1];
    if (!apart && !fn_str_eq(first->row.partition_id, last->row.partition_id)) return NULL; /* a setting decides, which is not known here */
    return atomic_load(&s->list->masks[apart]);
}

static bool mt_rows(table_snapshot *snapshot, bool final, uint64_t *out)
{
    mt_snapshot *s = (mt_snapshot *)snapshot;
    *out = s->list->rows;
    if (final && s->shape->definition->mode == MT_PLAIN) return false; /* the scan says that it cannot */
    if (!final || s->list->rows == 0) return true;
    const mt_masks *masks = known_masks(s);
    if (masks) *out = masks->visible;
    return masks != NULL;
}

static bool mt_stats_of(table_snapshot *snapshot, bool final, uint32_t column, table_column_stats *out)
{
    mt_snapshot *s = (mt_snapshot *)snapshot;
    if (!final) return mt_stats(s, column, out);
    const mt_masks *masks = known_masks(s);
    *out = (table_column_stats){0};
    return masks && column < s->shape->schema->count && mt_final_stats(s, masks, column, out);
}

/* ---- changes ---- */

static fn_status mt_truncate(table *t, fn_ctx *ctx)
{
    return mt_drop_partition(ctx, t, (fn_str){NULL, 0});
}

static fn_status mt_optimize_table(table *t, fn_ctx *ctx, fn_str partition_id, bool final, bool deduplicate, bool cleanup)
{
    const mt_merge_how how = {.cleanup = cleanup, .deduplicate = deduplicate};
    return mt_optimize(ctx, (mt_table *)t, partition_id, final || deduplicate || cleanup, &how);
}

fn_status mt_deduplicate(fn_ctx *ctx, table *t, fn_str partition_id, const table_schema *schema, const uint32_t *columns, uint32_t count)
{
    const mt_merge_how how = {.deduplicate = true, .columns = columns, .count = count, .schema = schema};
    return mt_optimize(ctx, (mt_table *)t, partition_id, true, &how);
}

static void mt_destroy(table *t)
{
    mt_table *m = (mt_table *)t;
    if (atomic_load(&m->forgotten)) {
        mt_list_forget(m->list);
        mt_list_forget(m->detached);
    }
    mt_list_drop(m->list);
    mt_list_drop(m->detached);
    for (size_t i = 0; i < FN_COUNT(m->latest_masks); i++) mt_masks_drop(m->latest_masks[i]);
    for (mt_shape *s = m->shape, *older; s; s = older) {
        older = s->older;
        mt_shape_drop(s);
    }
    mt_group_release(&m->group);
    fn_free(m->visits);
    pthread_rwlock_destroy(&m->adding);
    pthread_mutex_destroy(&m->change);
    pthread_mutex_destroy(&m->lock);
    fn_arena_free(m->arena);
    fn_free(m);
}

void mt_table_forget(table *t)
{
    atomic_store(&((mt_table *)t)->forgotten, true);
}

#define OPS(title)                                                                                                                          \
    {.engine = title, .snapshot = mt_snapshot_take, .snapshot_drop = mt_snapshot_drop, .scan = mt_scan_begin, .rows = mt_rows, .stats = mt_stats_of, \
     .write = mt_writer_open, .truncate = mt_truncate, .optimize = mt_optimize_table, .destroy = mt_destroy}
static const table_ops mode_ops[] = {
    [MT_PLAIN] = OPS("MergeTree"), [MT_REPLACING] = OPS("ReplacingMergeTree"), [MT_SUMMING] = OPS("SummingMergeTree"),
    [MT_AGGREGATING] = OPS("AggregatingMergeTree"), [MT_COLLAPSING] = OPS("CollapsingMergeTree"),
    [MT_VERSIONED_COLLAPSING] = OPS("VersionedCollapsingMergeTree"), [MT_COALESCING] = OPS("CoalescingMergeTree"),
};

#define LOG_OPS(title)                                                                                                                      \
    {.engine = title, .snapshot = mt_snapshot_take, .snapshot_drop = mt_snapshot_drop, .scan = mt_scan_begin, .rows = mt_rows, .stats = mt_stats_of, \
     .write = mt_writer_open, .truncate = mt_truncate, .destroy = mt_destroy}
static const table_ops log_ops[] = {LOG_OPS("Log"), LOG_OPS("TinyLog"), LOG_OPS("StripeLog"), LOG_OPS("Set"), LOG_OPS("Join"), LOG_OPS("File")};

const table_ops mt_projection_ops = {.engine = "MergeTree", .snapshot_drop = mt_snapshot_drop, .scan = mt_scan_begin, .rows = mt_rows, .stats = mt_stats_of,
                                     .destroy = mt_projection_table_destroy};

static const table_ops *ops_of(const mt_definition *d)
{
    for (size_t i = 0; i < FN_COUNT(log_ops) && d->log_name; i++)
        if (strcmp(log_ops[i].engine, d->log_name) == 0) return &log_ops[i];
    return &mode_ops[d->mode];
}

bool mt_has_parts(const table *t)
{
    return t->ops->snapshot == mt_snapshot_take;
}

bool mt_is(const table *t)
{
    return mt_has_parts(t) && t->ops->optimize;
}

const mt_definition *mt_table_definition(const table *t)
{
    mt_table *m = (mt_table *)(uintptr_t)t;
    pthread_mutex_lock(&m->lock);
    const mt_definition *d = m->shape->definition; /* lives as long as the table */
    pthread_mutex_unlock(&m->lock);
    return d;
}

/* ---- construction ---- */

/* Inserts without a gap must not keep a DROP PARTITION waiting. */
static void init_adding(mt_table *m)
{
    pthread_rwlockattr_t how;
    pthread_rwlockattr_init(&how);
    pthread_rwlockattr_setkind_np(&how, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&m->adding, &how);
    pthread_rwlockattr_destroy(&how);
}

fn_status mt_table_new(fn_ctx *ctx, mt_store *store, const table *head, mt_definition *definition, const mt_part_row *rows, size_t row_count, table **out)
{
    table_schema *schema = atomic_load(&head->schema);
    FN_ASSERT(definition->version_column < (int)schema->count && definition->is_deleted_column < (int)schema->count && definition->sign_column < (int)schema->count);
    fn_arena *arena = fn_arena_new_small(&(fn_ctx){0});
    mt_table *m = fn_alloc_zero(ctx, sizeof *m);
    if (!arena || !m) {
        fn_arena_free(arena);
        fn_free(m);
        return fn_fail_memory(ctx, sizeof *m);
    }
    m->arena = arena;
    m->store = store;
    m->base.ops = ops_of(definition);
    fn_status status = table_head_copy(ctx, arena, head, &m->base);
    if (status == FN_OK) status = mt_list_load(ctx, store, rows, row_count, &m->list);
    if (status == FN_OK) status = mt_shape_new(ctx, schema, definition, &m->shape);
    if (status != FN_OK) {
        mt_list_drop(m->list);
        fn_arena_free(arena);
        fn_free(m);
        return status;
    }
    m->base.join = definition->join; /* lives as long as the shapes do */
    m->base.in_order = m->base.join && table_join_is_unique(m->base.join);
    (void)table_schema_ref(schema); /* the shape's; the head's own is dropped with the table */
    mt_group_init(&m->group);
    pthread_mutex_init(&m->change, NULL);
    init_adding(m);
    pthread_mutex_init(&m->lock, NULL);
    *out = &m->base;
    return FN_OK;
}

fn_status mt_table_alter(fn_ctx *ctx, table *t, table_schema *schema_take, mt_definition *definition)
{
    mt_table *m = (mt_table *)t;
    mt_shape *fresh;
    FN_TRY(mt_shape_new(ctx, schema_take, definition, &fresh));
    (void)table_schema_ref(schema_take);
    pthread_mutex_lock(&m->lock);
    fresh->older = m->shape;
    m->shape = fresh;
    table_schema *old = atomic_exchange(&t->schema, schema_take);
    pthread_mutex_unlock(&m->lock);
    table_schema_drop(old); /* the older shape keeps it for those who still look at it */
    return FN_OK;
}
