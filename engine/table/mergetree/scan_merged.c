/* scan_merged.c - FINAL where rows are computed (Summing, Aggregating), and of all modes where PREWHERE hides rows from the others: the parts
 * merged by key, groups made one row, one worker. PREWHERE, SAMPLE and conditions over the key are asked of the rows as they are read; the other
 * conditions are left to the reader: they may look at sums.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/scan.h"
#include <firn/counts.h>

typedef struct merged_scan {
    table_scan base;
    fn_arena *arena;
    mt_table *table;
    mt_list *list;
    mt_shape *shape;
    uint32_t column_count;
    uint32_t *places;       /* in the merge's columns */
    uint32_t *columns;      /* that are merged, as schema indexes */
    uint32_t merged_count;
    mt_part **parts;        /* partition by partition, oldest first; those that may have rows */
    mt_reader *readers;     /* per part */
    uint8_t **wanted;       /* per part: granules to read */
    uint32_t part_count, group, next_part; /* group: first part of the group at hand */
    expr **conditions;      /* on the rows that are merged */
    uint32_t condition_count;
    bool apart;
    bool as_is;             /* the group at hand is one part whose keys differ: there is nothing to merge */
    mt_merge *merge;        /* of the group at hand */
    uint64_t counted;       /* rows it has read that base.rows_read has */
    pthread_mutex_t lock;   /* workers take turns */
} merged_scan;

static uint32_t group_end(const merged_scan *s, uint32_t from)
{
    uint32_t to = from + 1;
    while (to < s->part_count && !(s->apart && !fn_str_eq(s->parts[from]->row.partition_id, s->parts[to]->row.partition_id))) to++;
    return to;
}

static fn_status collapse(fn_ctx *ctx, const merged_scan *s, const mt_batch *b, fn_block **out)
{
    if (mt_chooses_rows(s->shape->definition->mode)) return mt_collapse_batch(ctx, s->shape, b, s->parts + s->group, true, out);
    if (!s->as_is) return mt_collapse_columns(ctx, s->shape, s->columns, &b->key, b->block, out);
    *out = fn_block_ref(b->block);
    return FN_OK;
}

static fn_status next_rows(fn_ctx *ctx, merged_scan *s, fn_block **out)
{
    for (;;) {
        mt_batch b;
        if (!s->merge) {
            if (s->next_part == s->part_count) return FN_OK;
            const uint32_t end = group_end(s, s->next_part);
            const mt_merge_options options = {.shape = s->shape, .parts = s->parts + s->next_part, .part_count = end - s->next_part, .columns = s->columns,
                                              .column_count = s->merged_count, .whole_groups = true, .filter = s->conditions, .filter_count = s->condition_count,
                                              .readers = s->readers + s->next_part, .origins = mt_wants_origins(s->shape->definition->mode), .granules = (const uint8_t *const *)s->wanted + s->next_part};
            s->as_is = end - s->next_part == 1 && s->parts[s->next_part]->row.level > 0;
            s->group = s->next_part;
            s->next_part = end;
            FN_TRY(mt_merge_open(ctx, &options, &s->merge));
        }
        FN_TRY(mt_merge_next(ctx, s->merge, &b));
        const uint64_t read = mt_merge_rows_read(s->merge);
        atomic_fetch_add_explicit(&s->base.rows_read, read - s->counted, memory_order_relaxed);
        s->counted = read;
        if (!b.block) {
            mt_merge_close(s->merge);
            s->merge = NULL;
            s->counted = 0;
            continue;
        }
        atomic_fetch_add_explicit(&s->base.bytes_read, fn_block_bytes(b.block), memory_order_relaxed);
        const fn_status status = collapse(ctx, s, &b, out);
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

static uint32_t place_of(merged_scan *s, uint32_t column)
{
    uint32_t at = 0;
    while (at < s->merged_count && s->columns[at] != column) at++;
    if (at == s->merged_count) s->columns[s->merged_count++] = column;
    return at;
}

/* States and last values are made column by column: only those wanted are merged. Where rows are chosen any stored column may be looked at, and
 * a row of zeros (Summing) is one in all sums, also those that the query does not read. */
static fn_status fill_columns(fn_ctx *ctx, merged_scan *s, const table_scan_request *request)
{
    const mt_shape *shape = s->shape;
    const bool chooses = mt_chooses_rows(shape->definition->mode);
    s->places = FN_NEW_ARRAY(ctx, uint32_t, request->column_count + 1);
    s->columns = FN_NEW_ARRAY(ctx, uint32_t, shape->stored_count + request->column_count + 1);
    if (!s->places || !s->columns) return ctx->error.code;
    for (uint32_t i = 0; (chooses || shape->definition->mode == MT_SUMMING) && i < shape->stored_count; i++) s->columns[s->merged_count++] = shape->stored[i];
    for (uint32_t i = 0; i < request->column_count; i++) {
        const uint32_t column = request->columns[i];
        const table_column *c = &shape->schema->columns[column];
        if (shape->stored_at[column] < 0 && !chooses && c->type->id != FN_T_LOW_CARDINALITY) /* a number of one of the rows means nothing */
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Column " FN_STR_FMT " together with FINAL of a %s table is not supported", FN_STR_ARG(c->name), s->table->base.ops->engine);
        s->places[s->column_count++] = place_of(s, column);
    }
    return FN_OK;
}

static fn_status fill_readers(fn_ctx *ctx, merged_scan *s)
{
    fn_str database, name;
    uint64_t offset = 0;
    FN_TRY(table_name(ctx, &s->table->base, &database, &name));
    for (uint32_t i = 0; i < s->list->count; i++) {
        mt_reader *r = &s->readers[i];
        FN_TRY(mt_reader_init(ctx, s->shape, s->list->parts[i], r));
        r->part_index = i;
        r->starting_offset = offset;
        r->table_name = name;
        r->database = database;
        s->part_count++;
        offset += s->list->parts[i]->row.rows;
    }
    return FN_OK;
}

/* Which granules of which parts are read; counted as a scan's are. */
static fn_status fill_granules(fn_ctx *ctx, merged_scan *s)
{
    uint32_t *left = FN_NEW_ARRAY(ctx, uint32_t, s->part_count + 1), kept = 0;
    FN_TRY_PTR(ctx, left);
    FN_TRY(mt_early_granules(ctx, s->shape, s->conditions, s->condition_count, s->readers, s->part_count, s->wanted, left));
    for (uint32_t i = 0; i < s->part_count; i++) {
        const fn_part *data = s->readers[i].data;
        const uint32_t granules = fn_part_granules(data);
        if (!left[i]) continue;
        fn_count(FN_COUNT_SELECTED_PARTS, 1);
        fn_count(FN_COUNT_SELECTED_MARKS, left[i]);
        for (uint32_t g = 0; g < granules; g++) {
            if (!s->wanted[i][g]) continue;
            fn_count(FN_COUNT_SELECTED_RANGES, g == 0 || !s->wanted[i][g - 1]);
            s->base.total_rows += FN_MIN((uint64_t)FN_GRANULE_ROWS, fn_part_rows(data) - (uint64_t)g * FN_GRANULE_ROWS);
        }
        s->readers[kept] = s->readers[i];
        s->wanted[kept] = s->wanted[i];
        s->parts[kept++] = s->readers[i].part;
    }
    s->part_count = kept;
    uint64_t partitions = 0;
    for (uint32_t i = 0; i < kept; i++) partitions += i == 0 || !fn_str_eq(s->parts[i - 1]->row.partition_id, s->parts[i]->row.partition_id);
    return mt_check_partitions(ctx, partitions);
}

static fn_status fill(fn_ctx *ctx, merged_scan *s, const table_scan_request *request)
{
    s->parts = FN_NEW_ARRAY(ctx, mt_part *, s->list->count + 1);
    s->readers = FN_NEW_ARRAY(ctx, mt_reader, s->list->count + 1);
    s->wanted = FN_NEW_ARRAY(ctx, uint8_t *, s->list->count + 1);
    if (!s->parts || !s->readers || !s->wanted) return ctx->error.code;
    FN_TRY(fill_columns(ctx, s, request));
    FN_TRY(mt_early_conditions(ctx, s->table, s->shape, s->list->rows, request, &s->conditions, &s->condition_count));
    FN_TRY(fill_readers(ctx, s));
    s->apart = settings_of(ctx)->do_not_merge_across_partitions_select_final || mt_partitions_apart(s->shape);
    return fill_granules(ctx, s);
}

fn_status mt_scan_merged_open(fn_ctx *ctx, mt_snapshot *snapshot, mt_list *list, const table_scan_request *request, table_scan **out)
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
    s->list = mt_list_ref(list);
    s->shape = mt_shape_ref(snapshot->shape);
    pthread_mutex_init(&s->lock, NULL);
    ctx->arena = arena;
    const fn_status status = fill(ctx, s, request);
    ctx->arena = query;
    if (status == FN_OK) *out = &s->base;
    else merged_close(&s->base);
    return status;
}
