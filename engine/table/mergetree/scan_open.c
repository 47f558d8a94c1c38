/* scan_open.c - planning a scan: which columns in which stage, which granules of which parts. See scan.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/scan.h"
#include "table/mergetree/skip_index.h"
#include <firn/counts.h>
#include <stdlib.h>

enum { VERDICT_ROWS_MIN = 4 * FN_GRANULE_ROWS }; /* fewer rows are looked at one by one */

typedef struct planner {
    fn_ctx *ctx;
    mt_scan *scan;
    const table_scan_request *request;
    expr **conjuncts;        /* the request's and SAMPLE's */
    uint32_t conjunct_count;
    mt_conditions *conditions;
    mt_skip *skip;
    const mt_masks *masks;
    uint32_t granules_max;   /* of a range */
    fn_str database, name;   /* copies: RENAME may come */
} planner;

static fn_status find_slot(fn_ctx *ctx, mt_scan *s, uint32_t column, uint32_t *out)
{
    for (uint32_t i = 0; i < s->slot_count; i++) {
        if (s->slots[i] == column) {
            *out = i;
            return FN_OK;
        }
    }
    if (column >= s->shape->schema->count) return fn_fail(ctx, FN_LOGICAL_ERROR, "Column %u is not in the table", column);
    s->slots[s->slot_count] = column;
    *out = s->slot_count++;
    return FN_OK;
}

/* A dictionary may hold values that no row has: functions that fail on some values must not see them. */
static fn_status visit_call(void *self, fn_ctx *ctx, expr *e)
{
    bool *total = self;
    (void)ctx;
    if (e->kind == EXPR_LAMBDA || (e->kind == EXPR_CALL && !(e->call->def->flags & FUNC_PER_ENTRY))) *total = false;
    return FN_OK;
}

static fn_status plan_stage(planner *p, uint32_t index)
{
    mt_scan *s = p->scan;
    scan_stage *stage = &s->stages[s->stage_count];
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(p->ctx, p->conjuncts[index], &ids);
    const uint32_t count = (uint32_t)(ids.size / sizeof(column_id));
    const column_id *columns = (const column_id *)(const void *)ids.data;
    *stage = (scan_stage){.conjunct = index, .column_count = count};
    stage->slots = FN_NEW_ARRAY(p->ctx, uint32_t, FN_MAX(count, 1));
    if (status == FN_OK && !stage->slots) status = p->ctx->error.code;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = find_slot(p->ctx, s, columns[i], &stage->slots[i]);
    if (status == FN_OK) status = expr_compile(p->ctx, &p->conjuncts[index], 1, columns, count, &stage->program);
    fn_buf_release(&ids);
    stage->total = true;
    if (status == FN_OK) status = expr_walk(p->ctx, p->conjuncts[index], visit_call, &stage->total);
    stage->by_entry = count == 1 && stage->total && expr_is_deterministic(p->conjuncts[index]);
    s->stage_count++;
    return status;
}

static fn_status plan_filter(planner *p, scan_filter *filter)
{
    mt_scan *s = p->scan;
    scan_stage *stage = &s->stages[s->stage_count];
    *stage = (scan_stage){.conjunct = SCAN_FILTER, .filter = filter, .column_count = 1, .total = true};
    stage->slots = FN_NEW_ARRAY(p->ctx, uint32_t, 1);
    FN_TRY_PTR(p->ctx, stage->slots);
    FN_TRY(find_slot(p->ctx, s, filter->column, &stage->slots[0]));
    s->stage_count++;
    return FN_OK;
}

/* Conjuncts over dictionary-encoded columns, for the rows of each part that are left. */
static fn_status plan_verdicts(planner *p)
{
    mt_scan *s = p->scan;
    uint64_t *rows = FN_NEW_ARRAY(p->ctx, uint64_t, s->part_count + 1);
    FN_TRY_PTR(p->ctx, rows);
    for (uint32_t i = 0; i < s->range_count; i++) rows[s->ranges[i].part] += (uint64_t)s->ranges[i].granules * FN_GRANULE_ROWS;
    for (uint32_t i = 0; i < s->part_count; i++) {
        for (uint32_t k = 0; k < s->stage_count; k++) {
            scan_verdict *v;
            if (rows[i] < VERDICT_ROWS_MIN) continue;
            FN_TRY(scan_verdict_plan(p->ctx, s, &s->stages[k], &s->parts[i].reader, rows[i], &v));
            if (v && !s->parts[i].verdicts) s->parts[i].verdicts = FN_NEW_ARRAY(p->ctx, scan_verdict *, s->stage_count);
            if (v && !s->parts[i].verdicts) {
                scan_verdict_free(v);
                return p->ctx->error.code;
            }
            if (v) s->parts[i].verdicts[k] = v;
        }
    }
    return FN_OK;
}

/* ---- granules ---- */

static fn_status add_range(planner *p, scan_range range)
{
    mt_scan *s = p->scan;
    scan_range *last = s->range_count ? &s->ranges[s->range_count - 1] : NULL;
    s->base.total_rows += FN_MIN((uint64_t)range.granules * FN_GRANULE_ROWS,
                                 fn_part_rows(s->parts[range.part].reader.data) - (uint64_t)range.first * FN_GRANULE_ROWS);
    if (last && last->part == range.part && last->first + last->granules == range.first && last->need == range.need && last->granules < p->granules_max) {
        last->granules++;
        return FN_OK;
    }
    if (s->range_count == s->range_capacity) {
        const uint32_t capacity = s->range_capacity ? 2 * s->range_capacity : 16;
        scan_range *more = fn_realloc(p->ctx, s->ranges, capacity * sizeof *more);
        FN_TRY_PTR(p->ctx, more);
        s->ranges = more;
        s->range_capacity = capacity;
    }
    s->ranges[s->range_count++] = range;
    return FN_OK;
}

static fn_status add_granules(planner *p, uint32_t part, const mt_pruner *pruner, mt_skip_part *skip, bool *any)
{
    const scan_part *sp = &p->scan->parts[part];
    const fn_part *data = sp->reader.data;
    uint32_t first, end;
    mt_prune_index(pruner, &first, &end);
    for (uint32_t g = first; g < end; g++) {
        scan_range range = {.part = part, .first = g, .granules = 1};
        if (mt_prune_granule(pruner, g, &range.need) == MT_NEVER) continue;
        const uint64_t rows = FN_MIN((uint64_t)FN_GRANULE_ROWS, fn_part_rows(data) - (uint64_t)g * FN_GRANULE_ROWS);
        bool may;
        if (sp->hidden && sp->hidden_count[g] == rows) continue;
        FN_TRY(mt_skip_granule(p->ctx, skip, g, &may));
        if (!may) continue;
        FN_TRY(add_range(p, range));
        *any = true;
    }
    return FN_OK;
}

/* The sorted dictionary of the threshold's column, if the part has one. */
static fn_status find_bound_dictionary(fn_ctx *ctx, const mt_scan *s, scan_part *part)
{
    const uint32_t column = s->threshold->column;
    const int place = part->reader.places[column];
    bool sorted;
    if (s->shape->schema->columns[column].type->phys != FN_PHYS_STRING || place < 0 || (part->reader.casts && part->reader.casts[column])) return FN_OK;
    FN_TRY(fn_part_dictionary(ctx, part->reader.data, (uint32_t)place, &part->bound_dictionary, &sorted));
    if (sorted) return FN_OK;
    fn_column_drop(part->bound_dictionary);
    part->bound_dictionary = NULL;
    return FN_OK;
}

static fn_status find_bound_zones(fn_ctx *ctx, const scan_threshold *t, const mt_shape *shape, scan_part *part)
{
    const int place = t->column < shape->schema->count ? part->reader.places[t->column] : -1;
    const fn_part_zones *z;
    if (place < 0 || (part->reader.casts && part->reader.casts[t->column])) return FN_OK;
    FN_TRY(fn_part_zones_of(ctx, part->reader.data, (uint32_t)place, &z));
    if (z->has_range && z->valid && z->nulls && !fn_type_is_float(fn_type_base(shape->schema->columns[t->column].type))) part->bound_zones = z;
    return FN_OK;
}

static fn_status plan_part(planner *p, uint32_t list_index, uint64_t starting_offset)
{
    mt_scan *s = p->scan;
    mt_part *part = s->list->parts[list_index];
    scan_part *sp = &s->parts[s->part_count];
    mt_pruner *pruner;
    mt_skip_part *skip;
    bool any = false;
    *sp = (scan_part){0};
    FN_TRY(mt_reader_init(p->ctx, s->shape, part, &sp->reader));
    sp->reader.part_index = list_index;
    sp->reader.starting_offset = starting_offset;
    sp->reader.table_name = p->name;
    sp->reader.database = p->database;
    if (p->masks && p->masks->parts[list_index]) {
        sp->hidden = p->masks->parts[list_index]->bits;
        sp->hidden_count = p->masks->parts[list_index]->counts;
    }
    if (s->threshold) FN_TRY(find_bound_zones(p->ctx, s->threshold, s->shape, sp));
    FN_TRY(mt_pruner_make(p->ctx, p->conditions, &sp->reader, &pruner));
    fn_status status = mt_skip_part_make(p->ctx, p->skip, sp->reader.data, &skip);
    if (status == FN_OK) {
        status = add_granules(p, s->part_count, pruner, skip, &any);
        mt_skip_part_release(skip);
    }
    mt_pruner_release(pruner);
    FN_TRY(status);
    if (any && s->threshold_slot != UINT32_MAX) FN_TRY(find_bound_dictionary(p->ctx, s, sp));
    s->part_count += any; /* a part without granules gives its place to the next one */
    return FN_OK;
}

/* Where little is left of the table, the ranges made for all of it are too few for the workers: each is cut into pieces, so that every
 * worker finds four. What fits one block is one worker's. */
static fn_status split_ranges(planner *p)
{
    mt_scan *s = p->scan;
    uint64_t granules = 0;
    for (uint32_t i = 0; i < s->range_count; i++) granules += s->ranges[i].granules;
    const uint32_t step = (uint32_t)FN_MAX(1, FN_MIN(granules / (4 * (uint64_t)FN_MAX(p->request->workers, 1)), (uint64_t)SCAN_GRANULES_MAX));
    if (granules <= SCAN_GRANULES_MAX || step >= p->granules_max || p->request->workers < 2) return FN_OK;
    scan_range *pieces = fn_alloc(p->ctx, granules * sizeof *pieces);
    FN_TRY_PTR(p->ctx, pieces);
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->range_count; i++) {
        for (uint32_t at = 0; at < s->ranges[i].granules; at += step) {
            pieces[count] = s->ranges[i];
            pieces[count].first += at;
            pieces[count++].granules = FN_MIN(step, s->ranges[i].granules - at);
        }
    }
    fn_free(s->ranges);
    s->ranges = pieces;
    s->range_count = count;
    s->range_capacity = (uint32_t)granules;
    return FN_OK;
}

/* ---- top-N: granules that promise the best values come first ---- */

static int compare_promise(const void *a, const void *b, void *scan)
{
    const scan_range *x = a, *y = b;
    const mt_scan *s = scan;
    const fn_part_zones *zx = s->parts[x->part].bound_zones, *zy = s->parts[y->part].bound_zones;
    const bool known_x = zx && zx->valid[x->first], known_y = zy && zy->valid[y->first];
    if (!known_x || !known_y) {
        if (known_x != known_y) return known_x ? 1 : -1;
        return (x->first > y->first) - (x->first < y->first);
    }
    const int order = s->threshold->descending ? fn_column_compare(zy->max, y->first, zx->max, x->first, true)
                                               : fn_column_compare(zx->min, x->first, zy->min, y->first, true);
    if (order) return order;
    return x->part != y->part ? (x->part < y->part ? -1 : 1) : (x->first > y->first) - (x->first < y->first);
}

static uint32_t range_size(const planner *p)
{
    const table_scan_request *r = p->request;
    if (r->threshold) return 1;
    if (r->limit && r->limit <= FN_GRANULE_ROWS) return 1;
    uint64_t granules = 0;
    for (uint32_t i = 0; i < p->scan->list->count; i++) granules += p->scan->list->parts[i]->row.rows / FN_GRANULE_ROWS + 1;
    const uint64_t share = granules / (4 * (uint64_t)FN_MAX(r->workers, 1));
    return (uint32_t)FN_MAX(1, FN_MIN(share, (uint64_t)SCAN_GRANULES_MAX));
}

static fn_status plan_outputs(planner *p)
{
    mt_scan *s = p->scan;
    const table_scan_request *r = p->request;
    const uint32_t room = s->shape->schema->count + 1;
    s->slots = FN_NEW_ARRAY(p->ctx, uint32_t, room);
    s->outputs = FN_NEW_ARRAY(p->ctx, uint32_t, r->column_count + 1);
    s->stages = FN_NEW_ARRAY(p->ctx, scan_stage, p->conjunct_count + r->filter_count + 1);
    if (!s->slots || !s->outputs || !s->stages) return p->ctx->error.code;
    for (uint32_t i = 0; i < p->conjunct_count; i++)
        if (i >= r->conjunct_count || !r->only_prunes || !r->only_prunes[i]) FN_TRY(plan_stage(p, i));
    for (uint32_t i = 0; i < r->filter_count; i++) FN_TRY(plan_filter(p, r->filters[i]));
    if (r->filters_taken) *r->filters_taken = true;
    for (uint32_t i = 0; i < r->column_count; i++) FN_TRY(find_slot(p->ctx, s, r->columns[i], &s->outputs[i]));
    s->output_count = r->column_count;
    s->threshold = r->threshold;
    s->threshold_slot = UINT32_MAX;
    const fn_type *bound = s->threshold && s->threshold->column < s->shape->schema->count ? s->shape->schema->columns[s->threshold->column].type : NULL;
    if (bound && !s->shape->schema->columns[s->threshold->column].is_virtual && (scan_bound_compares(bound) || bound->phys == FN_PHYS_STRING)) FN_TRY(find_slot(p->ctx, s, s->threshold->column, &s->threshold_slot));
    return FN_OK;
}

static fn_status plan_workers(planner *p)
{
    mt_scan *s = p->scan;
    s->worker_count = FN_MAX(p->request->workers, 1);
    s->workers = FN_NEW_ARRAY(p->ctx, scan_worker, s->worker_count);
    FN_TRY_PTR(p->ctx, s->workers);
    const bool masks = s->stage_count || p->masks || s->threshold;
    for (unsigned i = 0; i < s->worker_count; i++) {
        scan_worker *w = &s->workers[i];
        const size_t bytes = masks ? FN_BLOCK_ROWS_MAX + FN_BUFFER_PAD : 1;
        w->mask = fn_arena_alloc(p->ctx, s->arena, bytes);
        w->piece = fn_arena_alloc(p->ctx, s->arena, bytes);
        w->columns = FN_NEW_ARRAY(p->ctx, fn_column *, FN_MAX(s->slot_count, 1));
        w->starts = FN_NEW_ARRAY(p->ctx, uint32_t, FN_MAX(s->slot_count, 1));
        w->order = FN_NEW_ARRAY(p->ctx, uint32_t, FN_MAX(s->stage_count, 1));
        if (!w->mask || !w->piece || !w->columns || !w->starts || !w->order) return p->ctx->error.code;
    }
    return FN_OK;
}

/* Granules whose keys may meet the conditions, part by part; *few: they are a small share of a large table. Rows with equal keys are all in
 * them or all outside, as far as the index covers only what makes rows equal. */
static fn_status find_within(planner *p, mt_granules *within, bool *few)
{
    enum { FEW = 64, SHARE = 8 };
    const mt_scan *s = p->scan;
    uint64_t chosen = 0, all = 0;
    *few = false;
    if (s->shape->key_count > s->shape->group_count) return FN_OK;
    for (uint32_t i = 0; i < s->list->count; i++) {
        mt_reader reader;
        mt_pruner *pruner;
        FN_TRY(mt_reader_init(p->ctx, s->shape, s->list->parts[i], &reader));
        FN_TRY(mt_pruner_make(p->ctx, p->conditions, &reader, &pruner));
        mt_prune_index(pruner, &within[i].first, &within[i].end);
        mt_pruner_release(pruner);
        within[i].first = FN_MIN(within[i].first, within[i].end);
        chosen += within[i].end - within[i].first;
        all += fn_part_granules(reader.data);
    }
    *few = chosen <= FEW && chosen * SHARE <= all;
    return FN_OK;
}

static fn_status plan_masks(planner *p)
{
    mt_scan *s = p->scan;
    const mt_definition *d = s->shape->definition;
    if (!p->request->final) return FN_OK;
    const table *t = &s->table->base;
    if (d->mode == MT_PLAIN) return fn_fail(p->ctx, FN_ILLEGAL_FINAL, "Storage %s doesn't support FINAL", t->ops->engine);
    const bool apart = settings_of(p->ctx)->do_not_merge_across_partitions_select_final || mt_partitions_apart(s->shape);
    p->masks = mt_final_known(s->list, apart);
    if (p->masks) return FN_OK;
    mt_granules *within = FN_NEW_ARRAY(p->ctx, mt_granules, s->list->count + 1);
    bool few;
    FN_TRY_PTR(p->ctx, within);
    FN_TRY(find_within(p, within, &few));
    if (!few || !mt_final_is_far(s->table, s->list, apart)) return mt_final_masks(p->ctx, s->table, s->shape, s->list, apart, &p->masks);
    FN_TRY(mt_final_masks_within(p->ctx, s->table, s->shape, s->list, apart, within, &s->masks));
    p->masks = s->masks;
    return FN_OK;
}

/* Ranges are still in the order of parts and granules, pieces of one stretch behind each other. */
static void count_selected(const mt_scan *s)
{
    for (uint32_t i = 0; i < s->range_count; i++) {
        const scan_range *r = &s->ranges[i], *before = i ? r - 1 : NULL;
        const bool same_part = before && before->part == r->part;
        fn_count(FN_COUNT_SELECTED_PARTS, !same_part);
        fn_count(FN_COUNT_SELECTED_RANGES, !(same_part && before->first + before->granules == r->first));
        fn_count(FN_COUNT_SELECTED_MARKS, r->granules);
    }
}

fn_status mt_check_partitions(fn_ctx *ctx, uint64_t partitions)
{
    const int64_t most = settings_of(ctx)->max_partitions_to_read;
    if (most <= 0 || partitions <= (uint64_t)most) return FN_OK;
    return fn_fail(ctx, FN_TOO_MANY_PARTITIONS, "Too many partitions to read. Current %llu, max %lld", (unsigned long long)partitions, (long long)most);
}

/* Ranges are in the order of the list's parts, which is that of their partitions. */
static fn_status check_partitions(fn_ctx *ctx, const mt_scan *s)
{
    uint64_t partitions = 0;
    for (uint32_t i = 0; i < s->range_count; i++)
        partitions += i == 0 || !fn_str_eq(s->parts[s->ranges[i - 1].part].reader.part->row.partition_id, s->parts[s->ranges[i].part].reader.part->row.partition_id);
    return mt_check_partitions(ctx, partitions);
}

static fn_status plan(planner *p)
{
    mt_scan *s = p->scan;
    const table_scan_request *r = p->request;
    uint32_t sample_count;
    p->conjuncts = FN_NEW_ARRAY(p->ctx, expr *, r->conjunct_count + SCAN_SAMPLE_CONDITIONS);
    FN_TRY_PTR(p->ctx, p->conjuncts);
    for (uint32_t i = 0; i < r->conjunct_count; i++) p->conjuncts[p->conjunct_count++] = r->conjuncts[i];
    FN_TRY(table_name(p->ctx, &s->table->base, &p->database, &p->name));
    FN_TRY(mt_sample_conditions(p->ctx, s->table, s->shape, s->list->rows, r, p->conjuncts + p->conjunct_count, &sample_count));
    p->conjunct_count += sample_count;
    FN_TRY(plan_outputs(p));
    s->parts = FN_NEW_ARRAY(p->ctx, scan_part, s->list->count + 1);
    FN_TRY_PTR(p->ctx, s->parts);
    FN_TRY(mt_conditions_make(p->ctx, s->shape, p->conjuncts, p->conjunct_count, &p->conditions));
    p->granules_max = range_size(p);
    fn_status status = plan_masks(p);
    if (status == FN_OK) status = mt_skip_make(p->ctx, s->shape, p->conjuncts, p->conjunct_count, r->final, &p->skip);
    uint64_t offset = 0;
    for (uint32_t i = 0; i < s->list->count && status == FN_OK; i++) {
        status = plan_part(p, i, offset);
        offset += s->list->parts[i]->row.rows;
    }
    mt_conditions_release(p->conditions);
    mt_skip_release(p->skip);
    FN_TRY(status);
    FN_TRY(check_partitions(p->ctx, s));
    count_selected(s);
    FN_TRY(split_ranges(p));
    scan_order_plan(s);
    FN_TRY(plan_verdicts(p));
    if (s->threshold && s->range_count > 1) qsort_r(s->ranges, s->range_count, sizeof *s->ranges, compare_promise, s);
    for (uint32_t i = 0; i < r->conjunct_count && r->applied; i++) r->applied[i] = true;
    s->limit = r->limit;
    return plan_workers(p);
}

static void scan_close(table_scan *self)
{
    mt_scan *s = (mt_scan *)self;
    for (unsigned i = 0; i < s->worker_count && s->workers; i++) {
        scan_worker *w = &s->workers[i];
        for (uint32_t k = w->ready_first; k < w->ready_count; k++) fn_block_drop(w->ready[k]);
        for (uint32_t k = 0; k < s->slot_count && w->columns; k++) fn_column_drop(w->columns[k]);
    }
    for (uint32_t i = 0; i < s->part_count; i++) {
        for (uint32_t k = 0; s->parts[i].verdicts && k < s->stage_count; k++) scan_verdict_free(s->parts[i].verdicts[k]);
        fn_column_drop(s->parts[i].bound_dictionary);
    }
    fn_free(s->ranges);
    mt_masks_drop(s->masks);
    mt_list_drop(s->list);
    mt_shape_drop(s->shape);
    table_drop(&s->table->base);
    fn_arena_free(s->arena);
}

static fn_status open_list(fn_ctx *ctx, mt_snapshot *snapshot, mt_list *list, const table_scan_request *request, table_scan **out)
{
    fn_arena *const query = ctx->arena, *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    ctx->arena = arena;
    mt_scan *s = FN_NEW(ctx, mt_scan);
    if (!s) {
        ctx->arena = query;
        fn_arena_free(arena);
        return ctx->error.code;
    }
    s->arena = arena;
    s->base = (table_scan){.next = mt_scan_next, .close = scan_close};
    s->table = (mt_table *)table_ref(&snapshot->table->base);
    s->list = mt_list_ref(list);
    s->shape = mt_shape_ref(snapshot->shape);
    planner p = {.ctx = ctx, .scan = s, .request = request};
    const fn_status status = plan(&p);
    ctx->arena = query;
    if (status == FN_OK) *out = &s->base;
    else scan_close(&s->base);
    return status;
}

fn_status mt_scan_open(fn_ctx *ctx, mt_snapshot *snapshot, const table_scan_request *request, table_scan **out)
{
    const mt_mode mode = snapshot->shape->definition->mode;
    mt_list *list;
    *out = NULL;
    if (!request->final || mode == MT_PLAIN) return open_list(ctx, snapshot, snapshot->list, request, out);
    FN_TRY(mt_early_parts(ctx, snapshot->shape, request, snapshot->list, &list));
    const fn_status status = mt_chooses_rows(mode) && !request->prewhere_count ? open_list(ctx, snapshot, list, request, out)
                                                                               : mt_scan_merged_open(ctx, snapshot, list, request, out);
    mt_list_drop(list);
    return status;
}
