/* file_rows.c - the rows of a Parquet file's row group that pass the scan's stages. See file_scan.h.
 *
 * A condition over one column whose values are dictionary codes is decided once per entry of the row group's dictionary; when all
 * of the column are codes and no entry passes, the row group is left without decoding any.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel.h"
#include "table/lake/file_scan.h"
#include "table/scan_bound.h"

/* The rows at hand: [low, high) of the group; ones of them are left. */
typedef struct piece_of_rows {
    const file_scan *scan;
    file_worker *worker;
    uint64_t first, low, high; /* first: where the mask begins */
    uint32_t ones;
    bool masked;              /* worker->mask holds; otherwise all rows are left */
    uint64_t bytes;           /* read */
} piece_of_rows;

static uint32_t rows_of(const piece_of_rows *p)
{
    return (uint32_t)(p->high - p->low);
}

static uint8_t *mask_of(const piece_of_rows *p)
{
    return p->worker->mask + (p->low - p->first);
}

fn_status file_rows_prepare(fn_ctx *ctx, const file_scan *s, file_worker *w)
{
    fn_arena *a = s->arena;
    w->file = UINT32_MAX;
    w->readers = fn_arena_alloc_zero(ctx, a, sizeof(fn_parquet_reader *) * FN_MAX(s->lane_count, 1));
    w->begun = fn_arena_alloc_zero(ctx, a, sizeof *w->begun * FN_MAX(s->lane_count, 1));
    w->casts = fn_arena_alloc_zero(ctx, a, sizeof(expr_program *) * FN_MAX(s->slot_count, 1));
    w->columns = fn_arena_alloc_zero(ctx, a, sizeof(fn_column *) * FN_MAX(s->slot_count, 1));
    w->starts = fn_arena_alloc_zero(ctx, a, sizeof *w->starts * FN_MAX(s->slot_count, 1));
    w->verdicts = fn_arena_alloc_zero(ctx, a, sizeof *w->verdicts * FN_MAX(s->stage_count, 1));
    if (!w->readers || !w->begun || !w->casts || !w->columns || !w->starts || !w->verdicts) return ctx->error.code;
    if (!s->stage_count && s->threshold_slot == UINT32_MAX) return FN_OK;
    w->mask = fn_arena_alloc(ctx, a, FN_BLOCK_ROWS_MAX + FN_BUFFER_PAD);
    w->piece = fn_arena_alloc(ctx, a, FN_BLOCK_ROWS_MAX + FN_BUFFER_PAD);
    return w->mask && w->piece ? FN_OK : ctx->error.code;
}

static void drop_columns(const file_scan *s, file_worker *w)
{
    for (uint32_t i = 0; i < s->slot_count; i++) {
        fn_column_drop(w->columns[i]);
        w->columns[i] = NULL;
    }
}

static void close_readers(const file_scan *s, file_worker *w)
{
    for (uint32_t i = 0; i < s->lane_count; i++) {
        fn_parquet_reader_close(w->readers[i]);
        w->readers[i] = NULL;
    }
}

void file_rows_release(const file_scan *s, file_worker *w)
{
    if (w->columns) drop_columns(s, w);
    if (w->readers) close_readers(s, w);
    for (uint32_t i = 0; i < s->stage_count && w->verdicts; i++) fn_free(w->verdicts[i].of_entry);
}

/* ---- reading ---- */

static fn_status compile_cast(fn_ctx *ctx, const fn_type *have, const fn_type *want, expr_program **out)
{
    const column_id id = 0;
    expr *from = expr_column(ctx, id, have), *cast;
    FN_TRY_PTR(ctx, from);
    FN_TRY(expr_cast(ctx, from, want, &cast));
    return expr_compile(ctx, &cast, 1, &id, 1, out);
}

/* How a slot's column is asked of the file, and the cast of what comes. */
static fn_status plan_want(fn_ctx *ctx, const file_scan *s, file_worker *w, uint32_t slot, fn_parquet_want *want)
{
    const fn_parquet *p = s->files[w->file].parquet;
    const table_column *c = &s->schema->columns[s->slots[slot]];
    const int column = fn_schema_find(fn_parquet_schema(p), c->name);
    *want = (fn_parquet_want){.field_id = -1, .name = c->name, .type = c->type, .codes = s->codes[slot]};
    w->casts[slot] = NULL;
    if (column < 0 || fn_parquet_converts(p, (uint32_t)column, c->type)) return FN_OK;
    fn_arena *const outer = ctx->arena;
    ctx->arena = w->arena;
    const fn_status status = compile_cast(ctx, fn_parquet_schema(p)->fields[column].type, c->type, &w->casts[slot]);
    ctx->arena = outer;
    want->type = NULL;
    want->codes = false;
    return status;
}

static fn_status open_reader(fn_ctx *ctx, const file_scan *s, file_worker *w, uint32_t lane)
{
    const file_lane *l = &s->lanes[lane];
    fn_parquet_want *wants = FN_NEW_ARRAY(ctx, fn_parquet_want, l->count);
    FN_TRY_PTR(ctx, wants);
    for (uint32_t i = 0; i < l->count; i++) FN_TRY(plan_want(ctx, s, w, l->first + i, &wants[i]));
    return fn_parquet_reader_open(ctx, s->files[w->file].parquet, wants, l->count, &w->readers[lane]);
}

static uint64_t rows_wanted(const scan_unit *u)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < u->range_count; i++) rows += u->ranges[i].count;
    return rows;
}

static fn_status decide_entries(fn_ctx *ctx, const file_stage *stage, const fn_type *type, file_verdict *v, const fn_column *dictionary, uint32_t *passed)
{
    enum { AT_ONCE = 16384 };
    for (uint32_t from = 0; from < dictionary->rows; from += AT_ONCE) {
        const uint32_t rows = FN_MIN((uint32_t)AT_ONCE, dictionary->rows - from);
        uint32_t ones = 0;
        fn_column *some = fn_column_slice(ctx, dictionary, from, rows);
        fn_column *typed = some ? fn_column_retype(ctx, some, type) : NULL;
        fn_column_drop(some);
        FN_TRY(expr_run_mask_one(ctx, stage->program, typed, v->of_entry + from, &ones));
        *passed += ones;
    }
    return FN_OK;
}

/* Decides the stage for a row group's dictionary, unless that is larger than the rows asked for. */
static fn_status decide(fn_ctx *ctx, const file_scan *s, file_worker *w, uint32_t stage, const fn_column *dictionary)
{
    file_verdict *v = &w->verdicts[stage];
    const fn_type *type = s->schema->columns[s->slots[s->stages[stage].slots[0]]].type;
    if (v->dictionary == dictionary || dictionary->rows > rows_wanted(w->unit)) return FN_OK;
    v->dictionary = NULL;
    v->alone_code = 0;
    if (v->room < dictionary->rows + FN_BUFFER_PAD) {
        fn_free(v->of_entry);
        v->room = dictionary->rows + dictionary->rows / 2 + FN_BUFFER_PAD;
        v->of_entry = fn_alloc(ctx, v->room);
        if (!v->of_entry) v->room = 0;
        FN_TRY_PTR(ctx, v->of_entry);
    }
    uint32_t passed = 0, null_passed = 0;
    uint8_t mask[1 + FN_BUFFER_PAD];
    FN_TRY(decide_entries(ctx, &s->stages[stage], type, v, dictionary, &passed));
    if (fn_type_is_nullable(type)) FN_TRY(expr_run_mask_one(ctx, s->stages[stage].program, fn_column_null(ctx, type, 1), mask, &null_passed));
    v->alone = dictionary->rows > 1 && (passed == 1 || passed == dictionary->rows - 1);
    if (v->alone) v->alone_code = (uint32_t)((const uint8_t *)memchr(v->of_entry, passed == 1, dictionary->rows) - v->of_entry);
    v->of_null = null_passed != 0;
    v->none = !passed && !null_passed;
    v->dictionary = dictionary;
    return FN_OK;
}

static fn_status begin_lane(fn_ctx *ctx, const file_scan *s, file_worker *w, uint32_t lane)
{
    const file_lane *l = &s->lanes[lane];
    if (!w->readers[lane]) FN_TRY(open_reader(ctx, s, w, lane));
    FN_TRY(fn_parquet_reader_begin(ctx, w->readers[lane], w->unit->group, NULL, 0));
    w->begun[lane] = true;
    for (uint32_t i = 0; i < s->stage_count; i++) {
        const uint32_t slot = s->stages[i].slots[0];
        const fn_column *dictionary;
        bool all;
        if (!s->stages[i].by_entry || slot < l->first || slot >= l->first + l->count || w->casts[slot]) continue;
        FN_TRY(fn_parquet_reader_dictionary(ctx, w->readers[lane], slot - l->first, &dictionary, &all));
        if (!dictionary) continue;
        FN_TRY(decide(ctx, s, w, i, dictionary));
        w->dead |= all && w->verdicts[i].dictionary == dictionary && w->verdicts[i].none;
    }
    return FN_OK;
}

static fn_status cast_column(fn_ctx *ctx, const expr_program *program, fn_column *in, fn_column **out)
{
    fn_block *one = fn_block_new(ctx, 1, in->rows);
    FN_TRY_PTR(ctx, one);
    one->columns[0] = fn_column_ref(in);
    const fn_status status = expr_run(ctx, program, one, out);
    fn_block_drop(one);
    return status;
}

static fn_status load_lane(fn_ctx *ctx, piece_of_rows *p, uint32_t lane)
{
    file_worker *w = p->worker;
    const file_lane *l = &p->scan->lanes[lane];
    fn_block *b;
    if (w->columns[l->first]) return FN_OK;
    if (!w->begun[lane]) FN_TRY(begin_lane(ctx, p->scan, w, lane));
    if (w->dead) return FN_OK;
    FN_TRY(fn_parquet_reader_read(ctx, w->readers[lane], p->low, rows_of(p), &b));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < l->count && status == FN_OK; i++) {
        const uint32_t slot = l->first + i;
        if (w->casts[slot]) status = cast_column(ctx, w->casts[slot], b->columns[i], &w->columns[slot]);
        else w->columns[slot] = fn_column_ref(b->columns[i]);
        w->starts[slot] = p->low;
    }
    p->bytes += fn_block_bytes(b);
    fn_block_drop(b);
    return status;
}

static uint32_t lane_of(const file_scan *s, uint32_t slot)
{
    uint32_t lane = 0;
    while (slot >= s->lanes[lane].first + s->lanes[lane].count) lane++;
    return lane;
}

/* The rows at hand of a loaded slot; a new reference. */
static fn_column *slot_rows(fn_ctx *ctx, const piece_of_rows *p, uint32_t slot)
{
    const fn_column *c = p->worker->columns[slot];
    const uint64_t skip = p->low - p->worker->starts[slot];
    return skip == 0 && rows_of(p) == c->rows ? fn_column_ref(c) : fn_column_slice(ctx, c, (size_t)skip, rows_of(p));
}

/* ---- the stages ---- */

/* `mask`, made for the rows at hand, joins the one there is. */
static void take_mask(piece_of_rows *p, uint8_t *mask)
{
    uint8_t *all = mask_of(p);
    if (p->masked) kern.mask_and(all, mask, rows_of(p));
    p->masked = true;
    p->ones = (uint32_t)kern.mask_count(all, rows_of(p));
    if (!p->ones || p->ones == rows_of(p)) return;
    const uint8_t *first = memchr(all, 1, rows_of(p)), *last = memrchr(all, 1, rows_of(p));
    p->high = p->low + (uint64_t)(last - all) + 1;
    p->low += (uint64_t)(first - all);
}

#define LOOK_UP(load)                                                                              \
    for (uint32_t i = 0; i < c->rows; i++) mask[i] = v->of_entry[load]

static void mask_by_code(const file_verdict *v, const fn_column *c, uint8_t *mask)
{
    const unsigned type = c->code_width == 1 ? KERN_U8 : c->code_width == 2 ? KERN_U16 : KERN_U32;
    if (v->alone) kern.compare[v->of_entry[v->alone_code] ? KERN_EQ : KERN_NE][type][KERN_VC](c->values, &v->alone_code, mask, c->rows); /* little endian */
    else if (type == KERN_U8) LOOK_UP(c->values[i]);
    else if (type == KERN_U16) LOOK_UP(fn_load_u16(c->values + 2 * (size_t)i));
    else LOOK_UP(fn_load_u32(c->values + 4 * (size_t)i));
    for (uint32_t i = 0; c->nulls && i < c->rows; i++) mask[i] = c->nulls[i] ? v->of_null : mask[i];
}

static fn_status evaluate(fn_ctx *ctx, const piece_of_rows *p, uint32_t index, const fn_block *in, uint8_t *mask)
{
    const file_stage *stage = &p->scan->stages[index];
    const fn_column *c = in->columns[0];
    uint32_t ones;
    if (stage->by_entry && c->shape == FN_DICT) {
        FN_TRY(decide(ctx, p->scan, p->worker, index, c->kids[0]));
        if (p->worker->verdicts[index].dictionary == c->kids[0]) {
            mask_by_code(&p->worker->verdicts[index], c, mask);
            return FN_OK;
        }
    }
    return expr_run_mask(ctx, stage->program, in, mask, &ones);
}

static fn_status run_stage(fn_ctx *ctx, piece_of_rows *p, uint32_t index)
{
    const file_stage *stage = &p->scan->stages[index];
    for (uint32_t i = 0; i < stage->column_count && !p->worker->dead; i++) FN_TRY(load_lane(ctx, p, lane_of(p->scan, stage->slots[i])));
    if (p->worker->dead) {
        p->ones = 0;
        return FN_OK;
    }
    fn_block *in = fn_block_new(ctx, stage->column_count, rows_of(p));
    FN_TRY_PTR(ctx, in);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < stage->column_count && status == FN_OK; i++) {
        in->columns[i] = slot_rows(ctx, p, stage->slots[i]);
        if (!in->columns[i]) status = ctx->error.code;
    }
    uint8_t *mask = p->masked ? p->worker->piece : mask_of(p);
    if (status == FN_OK) status = evaluate(ctx, p, index, in, mask);
    fn_block_drop(in);
    if (status == FN_OK) take_mask(p, mask);
    return status;
}

static const fn_column *bound_now(const file_scan *s)
{
    const fn_column *bound = s->threshold_slot != UINT32_MAX ? atomic_load_explicit(&s->threshold->bound, memory_order_acquire) : NULL;
    return bound && !fn_column_is_null(bound, 0) ? bound : NULL;
}

/* Rows that a top-N has no use for any more go first. */
static fn_status drop_beyond_bound(fn_ctx *ctx, piece_of_rows *p)
{
    const file_scan *s = p->scan;
    const fn_column *bound = bound_now(s);
    if (!bound) return FN_OK;
    FN_TRY(load_lane(ctx, p, lane_of(s, s->threshold_slot)));
    if (scan_bound_mask(p->worker->columns[s->threshold_slot], bound, s->threshold->descending, p->worker->mask)) take_mask(p, p->worker->mask);
    return FN_OK;
}

/* ---- blocks ---- */

static fn_status output_column(fn_ctx *ctx, const piece_of_rows *p, uint32_t i, fn_column **out)
{
    const file_scan *s = p->scan;
    if (file_scan_is_virtual(s, s->columns[i])) return file_virtual_column(ctx, s, p->worker, s->columns[i], p->ones, out);
    fn_column *rows = slot_rows(ctx, p, s->outputs[i]);
    FN_TRY_PTR(ctx, rows);
    fn_column *kept = p->ones == rows->rows ? fn_column_ref(rows) : fn_column_filter(ctx, rows, mask_of(p), p->ones);
    fn_column_drop(rows);
    FN_TRY_PTR(ctx, kept);
    const bool flat = kept->shape != FN_DICT || fn_type_base(kept->type)->phys == FN_PHYS_STRING || (s->codes_wanted && s->codes_wanted[i]);
    *out = flat ? kept : fn_column_flatten(ctx, kept); /* other codes of numbers are for the stages */
    if (!flat) fn_column_drop(kept);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status make_block(fn_ctx *ctx, piece_of_rows *p, fn_block **out)
{
    for (uint32_t i = 0; i < p->scan->lane_count; i++) FN_TRY(load_lane(ctx, p, i));
    fn_block *b = fn_block_new(ctx, p->scan->column_count, p->ones);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < p->scan->column_count && status == FN_OK; i++) status = output_column(ctx, p, i, &b->columns[i]);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

/* Can no row of the group be among the first N any more? */
static fn_status beyond_threshold(fn_ctx *ctx, const file_scan *s, const file_worker *w, bool *beyond)
{
    const fn_column *bound = bound_now(s);
    *beyond = false;
    if (!bound) return FN_OK;
    const fn_parquet *p = s->files[w->unit->file].parquet;
    const table_column *c = &s->schema->columns[s->threshold->column];
    const int column = fn_schema_find(fn_parquet_schema(p), c->name);
    fn_parquet_stats stats;
    if (column < 0 || !fn_parquet_converts(p, (uint32_t)column, c->type) || fn_type_is_float(fn_type_base(c->type))) return FN_OK;
    FN_TRY(fn_parquet_column_stats(ctx, p, w->unit->group, (uint32_t)column, c->type, &stats));
    if (stats.has_range && stats.has_nulls && stats.nulls == 0 && stats.min->type == fn_type_base(bound->type))
        *beyond = (s->threshold->descending ? fn_column_compare(bound, 0, stats.max, 0, true) : fn_column_compare(stats.min, 0, bound, 0, true)) > 0;
    fn_parquet_stats_release(&stats);
    return FN_OK;
}

fn_status file_rows_begin(fn_ctx *ctx, const file_scan *s, file_worker *w)
{
    if (w->file != w->unit->file) close_readers(s, w);
    w->file = w->unit->file;
    memset(w->begun, 0, sizeof *w->begun * s->lane_count);
    for (uint32_t i = 0; i < s->stage_count; i++) w->verdicts[i].dictionary = NULL;
    w->range = 0;
    w->row = 0;
    return beyond_threshold(ctx, s, w, &w->dead);
}

/* Moves *from over rows whose codes the first stage passes none of: their pages are not even decompressed. */
static fn_status skip_coded(fn_ctx *ctx, const file_scan *s, file_worker *w, uint64_t *from, uint64_t end)
{
    if (!s->stage_count || !s->stages[0].by_entry || s->threshold_slot != UINT32_MAX) return FN_OK;
    const uint32_t slot = s->stages[0].slots[0], lane = lane_of(s, slot);
    const file_verdict *v = &w->verdicts[0];
    if (!w->begun[lane]) FN_TRY(begin_lane(ctx, s, w, lane));
    for (uint64_t rows = 1; rows && *from < end && !w->dead && v->dictionary && v->none && !w->casts[slot]; *from = FN_MIN(end, *from + rows))
        FN_TRY(fn_parquet_reader_coded(ctx, w->readers[lane], slot - s->lanes[lane].first, *from, &rows));
    return FN_OK;
}

fn_status file_rows_next(fn_ctx *ctx, file_scan *s, file_worker *w, fn_block **out)
{
    *out = NULL;
    while (w->range < w->unit->range_count && !w->dead) {
        const fn_parquet_range *range = &w->unit->ranges[w->range];
        const uint64_t begin = FN_MAX(range->first, w->row), end = range->first + range->count;
        uint64_t from = begin;
        if (from < end) FN_TRY(skip_coded(ctx, s, w, &from, end));
        atomic_fetch_add(&s->base.rows_read, from - begin);
        if (from >= end || w->dead) {
            w->range++;
            continue;
        }
        w->row = FN_MIN(end, from + FN_BLOCK_ROWS_MAX);
        piece_of_rows p = {.scan = s, .worker = w, .first = from, .low = from, .high = w->row, .ones = (uint32_t)(w->row - from)};
        fn_status status = drop_beyond_bound(ctx, &p);
        for (uint32_t i = 0; i < s->stage_count && p.ones && status == FN_OK; i++) status = run_stage(ctx, &p, i);
        if (status == FN_OK && p.ones) status = make_block(ctx, &p, out);
        drop_columns(s, w);
        FN_TRY(status);
        atomic_fetch_add(&s->base.rows_read, w->row - from);
        atomic_fetch_add(&s->base.bytes_read, p.bytes);
        if (*out) return FN_OK;
        FN_TRY(fn_ctx_check(ctx));
    }
    return FN_OK;
}
