/* file_stage.c - which conditions a scan of Parquet files applies itself, and in which order columns are read for them.
 *
 * Taken are conditions over real columns that cannot fail, whatever the values: they may then be decided on rows that another
 * condition drops, and on entries of a dictionary that no row has. The rest stays with the reader above.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_scan.h"
#include "table/scan_bound.h"

static fn_status visit_call(void *self, fn_ctx *ctx, expr *e)
{
    bool *total = self;
    (void)ctx;
    if (e->kind == EXPR_LAMBDA || (e->kind == EXPR_CALL && !(e->call->def->flags & FUNC_PER_ENTRY))) *total = false;
    return FN_OK;
}

fn_status file_column_bytes(fn_ctx *ctx, const file_scan *s, uint32_t file, uint32_t group, uint32_t column, uint64_t *bytes)
{
    const fn_parquet *p = s->files[file].parquet;
    const int at = fn_schema_find(fn_parquet_schema(p), s->schema->columns[column].name);
    fn_parquet_stats stats;
    if (at < 0) return FN_OK;
    FN_TRY(fn_parquet_column_stats(ctx, p, group, (uint32_t)at, NULL, &stats));
    *bytes += stats.bytes;
    fn_parquet_stats_release(&stats);
    return FN_OK;
}

/* A stage with schema indexes in place of slots; not made when the condition cannot be one. */
static fn_status make_stage(fn_ctx *ctx, file_scan *s, expr *conjunct, bool *made)
{
    file_stage stage = {.cost = 0};
    bool total = true;
    *made = false;
    FN_TRY(expr_walk(ctx, conjunct, visit_call, &total));
    if (!total) return FN_OK;
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(ctx, conjunct, &ids);
    const column_id *columns = (const column_id *)(const void *)ids.data;
    stage.column_count = (uint32_t)(ids.size / sizeof *columns);
    bool real = stage.column_count > 0;
    const bool has_rows = s->table->set->count && fn_parquet_group_count(s->files[0].parquet); /* the first row group decides the order of the stages */
    for (uint32_t i = 0; i < stage.column_count; i++) real &= !file_scan_is_virtual(s, columns[i]);
    stage.slots = real ? fn_arena_alloc(ctx, s->arena, sizeof *stage.slots * stage.column_count) : NULL;
    if (real && !stage.slots) status = ctx->error.code;
    for (uint32_t i = 0; i < stage.column_count && real && status == FN_OK; i++) {
        stage.slots[i] = columns[i];
        if (has_rows) status = file_column_bytes(ctx, s, 0, 0, columns[i], &stage.cost);
    }
    if (status == FN_OK && real) status = expr_compile(ctx, &conjunct, 1, columns, stage.column_count, &stage.program);
    fn_buf_release(&ids);
    if (status != FN_OK || !real) return status;
    stage.by_entry = stage.column_count == 1 && expr_is_deterministic(conjunct);
    uint32_t at = s->stage_count++;
    for (; at > 0 && s->stages[at - 1].cost > stage.cost; at--) s->stages[at] = s->stages[at - 1];
    s->stages[at] = stage;
    *made = true;
    return FN_OK;
}

static uint32_t find_slot(file_scan *s, uint32_t column)
{
    for (uint32_t i = 0; i < s->slot_count; i++)
        if (s->slots[i] == column) return i;
    s->slots[s->slot_count] = column;
    return s->slot_count++;
}

/* The slots added since the last lane become one. */
static void end_lane(file_scan *s)
{
    const file_lane *last = s->lane_count ? &s->lanes[s->lane_count - 1] : NULL;
    const uint32_t first = last ? last->first + last->count : 0;
    if (s->slot_count > first) s->lanes[s->lane_count++] = (file_lane){first, s->slot_count - first};
}

static void lay_slots(file_scan *s)
{
    s->threshold_slot = UINT32_MAX;
    if (s->threshold && !file_scan_is_virtual(s, s->threshold->column) && scan_bound_compares(fn_type_base(s->schema->columns[s->threshold->column].type)))
        s->threshold_slot = find_slot(s, s->threshold->column);
    end_lane(s);
    for (uint32_t i = 0; i < s->stage_count; i++) {
        file_stage *stage = &s->stages[i];
        for (uint32_t k = 0; k < stage->column_count; k++) stage->slots[k] = find_slot(s, stage->slots[k]);
        if (stage->by_entry && stage->slots[0] != s->threshold_slot) s->codes[stage->slots[0]] = true;
        end_lane(s);
    }
    for (uint32_t i = 0; i < s->column_count; i++) {
        if (file_scan_is_virtual(s, s->columns[i])) continue;
        s->outputs[i] = find_slot(s, s->columns[i]);
        if (s->codes_wanted && s->codes_wanted[i] && s->outputs[i] != s->threshold_slot) s->codes[s->outputs[i]] = true;
    }
    end_lane(s);
}

fn_status file_stages_plan(fn_ctx *ctx, file_scan *s, const table_scan_request *request)
{
    const uint32_t real = FN_MAX(s->table->real_columns, 1);
    s->threshold = request->threshold;
    s->codes_wanted = request->codes;
    s->slots = fn_arena_alloc(ctx, s->arena, sizeof *s->slots * real);
    s->codes = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->codes * real);
    s->outputs = fn_arena_alloc_zero(ctx, s->arena, sizeof *s->outputs * FN_MAX(s->column_count, 1));
    s->stages = fn_arena_alloc(ctx, s->arena, sizeof *s->stages * FN_MAX(request->conjunct_count, 1));
    s->lanes = fn_arena_alloc(ctx, s->arena, sizeof *s->lanes * (request->conjunct_count + 2));
    if (!s->slots || !s->codes || !s->outputs || !s->stages || !s->lanes) return ctx->error.code;
    for (uint32_t i = 0; i < request->conjunct_count; i++) {
        bool made;
        if (!request->applied || (request->only_prunes && request->only_prunes[i])) continue;
        FN_TRY(make_stage(ctx, s, request->conjuncts[i], &made));
        request->applied[i] = made;
    }
    lay_slots(s);
    return FN_OK;
}
