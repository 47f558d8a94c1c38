/* scan_merged.c - FINAL where rows are computed (Summing, Aggregating): the parts merged by key, groups made one row, one worker.
 * Conditions are left to the reader: they may look at sums.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/scan.h"
#include <stdlib.h>
#include <firn/counts.h>

typedef struct merged_scan {
    table_scan base;
    fn_arena *arena;
    mt_table *table;
    mt_list *list;
    mt_shape *shape;
    uint32_t column_count;
    uint32_t *places;       /* in the stored columns */
    mt_part **parts;        /* partition by partition where they are merged apart, oldest first */
    uint32_t part_count, next_part;
    bool apart;
    mt_merge *merge;        /* of the group at hand */
    pthread_mutex_t lock;   /* workers take turns */
} merged_scan;

static uint32_t group_end(const merged_scan *s, uint32_t from)
{
    uint32_t to = from + 1;
    while (to < s->part_count && !(s->apart && !fn_str_eq(s->parts[from]->row.partition_id, s->parts[to]->row.partition_id))) to++;
    return to;
}

static fn_status next_rows(fn_ctx *ctx, merged_scan *s, fn_block **out)
{
    for (;;) {
        mt_batch b;
        if (!s->merge) {
            if (s->next_part == s->part_count) return FN_OK;
            const uint32_t end = group_end(s, s->next_part);
            const mt_merge_options options = {.shape = s->shape, .parts = s->parts + s->next_part, .part_count = end - s->next_part, .columns = s->shape->stored,
                                              .column_count = s->shape->stored_count, .whole_groups = true};
            s->next_part = end;
            FN_TRY(mt_merge_open(ctx, &options, &s->merge));
        }
        FN_TRY(mt_merge_next(ctx, s->merge, &b));
        if (!b.block) {
            mt_merge_close(s->merge);
            s->merge = NULL;
            continue;
        }
        atomic_fetch_add_explicit(&s->base.rows_read, b.block->rows, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->base.bytes_read, fn_block_bytes(b.block), memory_order_relaxed);
        const fn_status status = mt_collapse(ctx, s->shape, &b.key, b.block, true, out);
        mt_batch_release(&b);
        if (status != FN_OK || (*out)->rows) return status;
        fn_block_drop(*out);
        *out = NULL;
    }
}

static fn_status merged_next(table_scan *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    merged_scan *s = (merged_scan *)self;
    fn_block *stored = NULL;
    (void)worker;
    *out = NULL;
    pthread_mutex_lock(&s->lock);
    const fn_status status = next_rows(ctx, s, &stored);
    pthread_mutex_unlock(&s->lock);
    if (status != FN_OK || !stored) return status;
    fn_block *b = fn_block_new(ctx, s->column_count, stored->rows);
    for (uint32_t i = 0; b && i < s->column_count; i++) b->columns[i] = fn_column_ref(stored->columns[s->places[i]]);
    fn_block_drop(stored);
    *out = b;
    return b ? FN_OK : ctx->error.code;
}

static void merged_close(table_scan *self)
{
    merged_scan *s = (merged_scan *)self;
    mt_merge_close(s->merge);
    mt_list_drop(s->list);
    mt_shape_drop(s->shape);
    table_drop(&s->table->base);
    pthread_mutex_destroy(&s->lock);
    fn_arena_free(s->arena);
}

typedef struct part_order {
    bool apart;
} part_order;

static int compare_parts(const void *a, const void *b, void *self)
{
    const mt_part *const *x = a, *const *y = b;
    const part_order *o = self;
    const int order = o->apart ? fn_str_compare((*x)->row.partition_id, (*y)->row.partition_id) : 0;
    return order ? order : ((*x)->row.min_block > (*y)->row.min_block) - ((*x)->row.min_block < (*y)->row.min_block);
}

static fn_status fill(fn_ctx *ctx, merged_scan *s, const table_scan_request *request)
{
    s->places = FN_NEW_ARRAY(ctx, uint32_t, request->column_count + 1);
    s->parts = FN_NEW_ARRAY(ctx, mt_part *, s->list->count + 1);
    if (!s->places || !s->parts) return ctx->error.code;
    if (request->sample != 0) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "SAMPLE together with FINAL of a %s table is not supported", s->table->base.ops->engine);
    for (uint32_t i = 0; i < request->column_count; i++) {
        const int place = s->shape->stored_at[request->columns[i]];
        if (place < 0)
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Column " FN_STR_FMT " together with FINAL of a %s table is not supported",
                           FN_STR_ARG(s->shape->schema->columns[request->columns[i]].name), s->table->base.ops->engine);
        s->places[s->column_count++] = (uint32_t)place;
    }
    part_order order = {settings_of(ctx)->do_not_merge_across_partitions_select_final || mt_partitions_apart(s->shape)};
    s->apart = order.apart;
    for (uint32_t i = 0; i < s->list->count; i++) s->parts[s->part_count++] = s->list->parts[i];
    if (s->part_count > 1) qsort_r(s->parts, s->part_count, sizeof *s->parts, compare_parts, &order);
    s->base.total_rows = s->list->rows;
    fn_count(FN_COUNT_SELECTED_PARTS, s->list->count); /* all of it */
    fn_count(FN_COUNT_SELECTED_RANGES, s->list->count);
    for (uint32_t i = 0; i < s->list->count; i++) fn_count(FN_COUNT_SELECTED_MARKS, (s->list->parts[i]->row.rows + FN_GRANULE_ROWS - 1) / FN_GRANULE_ROWS);
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = false;
    return FN_OK;
}

fn_status mt_scan_merged_open(fn_ctx *ctx, mt_snapshot *snapshot, const table_scan_request *request, table_scan **out)
{
    fn_arena *const query = ctx->arena, *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    merged_scan *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    if (!s) {
        fn_arena_free(arena);
        return ctx->error.code;
    }
    s->arena = arena;
    s->base = (table_scan){.next = merged_next, .close = merged_close};
    s->table = (mt_table *)table_ref(&snapshot->table->base);
    s->list = mt_list_ref(snapshot->list);
    s->shape = mt_shape_ref(snapshot->shape);
    pthread_mutex_init(&s->lock, NULL);
    ctx->arena = arena;
    const fn_status status = fill(ctx, s, request);
    ctx->arena = query;
    if (status == FN_OK) *out = &s->base;
    else merged_close(&s->base);
    return status;
}
