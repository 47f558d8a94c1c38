/* scan_rows.c - running a scan: a range of granules through the conjuncts' stages to blocks of rows that pass. See scan.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel.h"
#include "table/mergetree/scan.h"

/* The range at hand: granules [low, high) of it may still have rows. Row numbers count from the range's first row. */
typedef struct work {
    mt_scan *scan;
    scan_worker *worker;
    const scan_range *range;
    const scan_part *part;
    uint32_t rows;       /* of the range */
    uint32_t low, high;
    uint32_t ones;       /* rows left */
    bool masked;         /* worker->mask holds; otherwise all rows are left */
} work;

static uint32_t row_of(const work *w, uint32_t granule)
{
    return FN_MIN(granule * (uint32_t)FN_GRANULE_ROWS, w->rows);
}

static void drop_columns(work *w)
{
    for (uint32_t i = 0; i < w->scan->slot_count; i++) {
        fn_column_drop(w->worker->columns[i]);
        w->worker->columns[i] = NULL;
    }
}

/* Which of the slots are not there yet: places[] their numbers, columns[] what they hold. */
static fn_status missing_slots(fn_ctx *ctx, const work *w, const uint32_t *slots, uint32_t count, uint32_t **columns, uint32_t **places, uint32_t *missing)
{
    uint32_t n = 0;
    *columns = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(count, 1));
    *places = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(count, 1));
    if (!*columns || !*places) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        bool listed = w->worker->columns[slots[i]] != NULL;
        for (uint32_t k = 0; k < n && !listed; k++) listed = (*places)[k] == slots[i];
        if (listed) continue;
        (*places)[n] = slots[i];
        (*columns)[n++] = w->scan->slots[slots[i]];
    }
    *missing = n;
    return FN_OK;
}

static void count_bytes(work *w, const fn_block *b)
{
    atomic_fetch_add_explicit(&w->scan->base.bytes_read, fn_block_bytes(b), memory_order_relaxed);
}

/* Reads the slots that are not there yet, for the live granules. */
static fn_status load_slots(fn_ctx *ctx, work *w, const uint32_t *slots, uint32_t count)
{
    uint32_t *columns, *places, n;
    FN_TRY(missing_slots(ctx, w, slots, count, &columns, &places, &n));
    if (n == 0) return FN_OK;
    fn_block *b;
    FN_TRY(mt_read(ctx, &w->part->reader, columns, n, w->range->first + w->low, w->high - w->low, &b));
    for (uint32_t i = 0; i < n; i++) {
        w->worker->columns[places[i]] = fn_column_ref(b->columns[i]);
        w->worker->starts[places[i]] = w->low;
    }
    count_bytes(w, b);
    fn_block_drop(b);
    return FN_OK;
}

/* Rows of granules [from, to) of a loaded slot; a new reference. */
static fn_column *slot_rows(fn_ctx *ctx, const work *w, uint32_t slot, uint32_t from, uint32_t to)
{
    const fn_column *c = w->worker->columns[slot];
    const uint32_t skip = row_of(w, from) - row_of(w, w->worker->starts[slot]), rows = row_of(w, to) - row_of(w, from);
    return skip == 0 && rows == c->rows ? fn_column_ref(c) : fn_column_slice(ctx, c, skip, rows);
}

static fn_status slots_block(fn_ctx *ctx, const work *w, const uint32_t *slots, uint32_t count, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, count, row_of(w, w->high) - row_of(w, w->low));
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0; i < count; i++) {
        b->columns[i] = slot_rows(ctx, w, slots[i], w->low, w->high);
        if (!b->columns[i]) {
            fn_block_drop(b);
            return ctx->error.code;
        }
    }
    *out = b;
    return FN_OK;
}

static uint32_t count_ones(const uint8_t *mask, uint32_t rows)
{
    return (uint32_t)kern.mask_count(mask, rows);
}

/* Moves low and high in to the granules that still have rows. */
static void tighten(work *w)
{
    const uint8_t *mask = w->worker->mask;
    while (w->low < w->high && !memchr(mask + row_of(w, w->low), 1, row_of(w, w->low + 1) - row_of(w, w->low))) w->low++;
    while (w->low < w->high && !memchr(mask + row_of(w, w->high - 1), 1, row_of(w, w->high) - row_of(w, w->high - 1))) w->high--;
}

/* Eight bits, the lowest first, as eight bytes 1 where a bit is 0. */
static uint64_t spread_zeros(uint64_t bits)
{
    const uint64_t each = bits * 0x0101010101010101u & 0x8040201008040201u; /* byte i: bit i in its place */
    return ((each + 0x7f7f7f7f7f7f7f7fu) >> 7 & 0x0101010101010101u) ^ 0x0101010101010101u;
}

static void hide_rows(work *w)
{
    const scan_part *p = w->part;
    uint32_t hidden = 0;
    for (uint32_t g = 0; p->hidden && g < w->range->granules; g++) hidden += p->hidden_count[w->range->first + g];
    if (hidden == 0) return;
    const uint64_t *words = p->hidden + (uint64_t)w->range->first * (FN_GRANULE_ROWS / 64);
    uint8_t *mask = w->worker->mask; /* padded: the last word's bits may reach beyond the rows */
    for (uint32_t i = 0; i < w->rows; i += 64)
        for (uint32_t k = 0; k < 8; k++) fn_store_u64(mask + i + 8 * k, spread_zeros(words[i / 64] >> 8 * k & 0xff));
    w->ones = w->rows - hidden;
    w->masked = true;
    tighten(w);
}

/* Rows left of granules [from, to), counted from the first of them; in ctx->arena. */
static fn_status list_rows(fn_ctx *ctx, const work *w, uint32_t from, uint32_t to, uint32_t **out, uint32_t *count)
{
    const uint8_t *mask = w->worker->mask + row_of(w, from);
    const uint32_t rows = row_of(w, to) - row_of(w, from);
    *out = fn_arena_alloc(ctx, ctx->arena, ((size_t)FN_MIN(w->ones, rows) + 8) * sizeof **out);
    FN_TRY_PTR(ctx, *out);
    *count = (uint32_t)fn_mask_positions(mask, rows, *out);
    return FN_OK;
}

/* Few enough that columns are read by vectors of rows, not by granules. */
static bool are_few(uint32_t rows, uint32_t among)
{
    enum { VECTOR_ROWS = 1024 };
    return rows < among / VECTOR_ROWS / 2;
}

/* The listed rows of some slots: those that are loaded are taken from, the others read just for these rows. Granules [from, to). */
static fn_status pick_slots(fn_ctx *ctx, work *w, const uint32_t *slots, uint32_t count, uint32_t from, uint32_t to, const uint32_t *rows, uint32_t row_count,
                            fn_block **out)
{
    uint32_t *columns, *places, n;
    fn_block *read = NULL;
    FN_TRY(missing_slots(ctx, w, slots, count, &columns, &places, &n));
    fn_block *b = fn_block_new(ctx, count, row_count);
    FN_TRY_PTR(ctx, b);
    fn_status status = n ? mt_read_rows(ctx, &w->part->reader, columns, n, w->range->first + from, to - from, rows, row_count, &read) : FN_OK;
    if (read) count_bytes(w, read);
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        if (w->worker->columns[slots[i]]) {
            fn_column *c = slot_rows(ctx, w, slots[i], from, to);
            b->columns[i] = c ? fn_column_take(ctx, c, rows, row_count) : NULL;
            fn_column_drop(c);
        } else {
            uint32_t at = 0;
            while (places[at] != slots[i]) at++;
            b->columns[i] = fn_column_ref(read->columns[at]);
        }
        if (!b->columns[i]) status = ctx->error.code;
    }
    fn_block_drop(read);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

static fn_status evaluate(fn_ctx *ctx, const scan_stage *stage, const fn_block *in, uint8_t *mask, uint32_t *ones)
{
    return stage->filter ? stage->filter->test(stage->filter, ctx, in->columns[0], mask, ones) : expr_run_mask(ctx, stage->program, in, mask, ones);
}

/* A conjunct on few rows out of many: only those are evaluated, and where they are very few, read. */
static fn_status run_on_some(fn_ctx *ctx, work *w, const scan_stage *stage)
{
    uint8_t *mask = w->worker->mask + row_of(w, w->low);
    uint32_t *rows, n, ones;
    fn_block *some;
    FN_TRY(list_rows(ctx, w, w->low, w->high, &rows, &n));
    if (!are_few(n, row_of(w, w->high) - row_of(w, w->low))) FN_TRY(load_slots(ctx, w, stage->slots, stage->column_count));
    FN_TRY(pick_slots(ctx, w, stage->slots, stage->column_count, w->low, w->high, rows, n, &some));
    const fn_status status = evaluate(ctx, stage, some, w->worker->piece, &ones);
    fn_block_drop(some);
    FN_TRY(status);
    for (uint32_t i = 0; i < n; i++) mask[rows[i]] = w->worker->piece[i];
    w->ones = ones;
    return FN_OK;
}

static fn_status run_on_all(fn_ctx *ctx, work *w, const scan_stage *stage, const scan_verdict *verdict, const fn_block *in)
{
    uint8_t *mask = w->worker->mask + row_of(w, w->low);
    uint32_t ones;
    if (!w->masked) {
        if (!verdict || !scan_verdict_mask(verdict, in->columns[0], mask, &w->ones)) FN_TRY(evaluate(ctx, stage, in, mask, &w->ones));
        w->masked = true;
        return FN_OK;
    }
    uint8_t *piece = w->worker->piece;
    if (!verdict || !scan_verdict_mask(verdict, in->columns[0], piece, &ones)) FN_TRY(evaluate(ctx, stage, in, piece, &ones));
    kern.mask_and(mask, piece, in->rows);
    w->ones = count_ones(mask, in->rows);
    return FN_OK;
}

static fn_status run_stage(fn_ctx *ctx, work *w, const scan_stage *stage, scan_verdict *verdict)
{
    fn_block *in;
    bool usable = false;
    if (verdict) FN_TRY(scan_verdict_ready(ctx, w->scan, stage, verdict, &usable));
    if (!usable) verdict = NULL;
    if (verdict && scan_verdict_none(verdict)) {
        w->ones = 0;
        return FN_OK;
    }
    const uint32_t live = row_of(w, w->high) - row_of(w, w->low);
    if (!verdict && w->masked && (w->ones < live / 8 || (!stage->total && w->ones < live))) {
        FN_TRY(run_on_some(ctx, w, stage));
        if (w->ones) tighten(w);
        return FN_OK;
    }
    FN_TRY(load_slots(ctx, w, stage->slots, stage->column_count));
    FN_TRY(slots_block(ctx, w, stage->slots, stage->column_count, &in));
    const fn_status status = run_on_all(ctx, w, stage, verdict, in);
    fn_block_drop(in);
    if (status == FN_OK && w->ones) tighten(w);
    return status;
}

static fn_status run_stages(fn_ctx *ctx, work *w)
{
    scan_order_now(w->scan, w->worker);
    for (uint32_t i = 0; i < w->scan->stage_count && w->ones; i++) {
        const uint32_t at = w->worker->order[i];
        scan_stage *stage = &w->scan->stages[at];
        if (stage->conjunct < 64 && !(w->range->need >> stage->conjunct & 1)) continue;
        if (stage->filter && !stage->filter->pays(stage->filter)) continue;
        const uint32_t before = w->masked ? w->ones : row_of(w, w->high) - row_of(w, w->low);
        FN_TRY(run_stage(ctx, w, stage, w->part->verdicts ? w->part->verdicts[at] : NULL));
        atomic_fetch_add_explicit(&stage->tested, before, memory_order_relaxed);
        atomic_fetch_add_explicit(&stage->passed, w->ones, memory_order_relaxed);
    }
    return FN_OK;
}

/* Before other columns are read: rows that a top-N has no use for any more go. */
static fn_status drop_beyond_bound(fn_ctx *ctx, work *w)
{
    const mt_scan *s = w->scan;
    const fn_column *bound = s->threshold ? atomic_load_explicit(&s->threshold->bound, memory_order_acquire) : NULL;
    if (!bound || s->threshold_slot == UINT32_MAX || fn_column_is_null(bound, 0)) return FN_OK;
    if (!w->part->bound_dictionary && !scan_bound_compares(bound->type)) return FN_OK;
    fn_block *in;
    uint8_t *mask = w->worker->mask + row_of(w, w->low), *piece = w->worker->piece;
    FN_TRY(load_slots(ctx, w, &s->threshold_slot, 1));
    FN_TRY(slots_block(ctx, w, &s->threshold_slot, 1, &in));
    uint8_t *to = w->masked ? piece : mask;
    const fn_column *c = in->columns[0], *dictionary = w->part->bound_dictionary;
    const bool descending = s->threshold->descending;
    if (dictionary ? scan_bound_mask_codes(c, dictionary, bound, descending, to) : scan_bound_mask(c, bound, descending, to)) {
        if (w->masked) kern.mask_and(mask, piece, in->rows);
        w->masked = true;
        w->ones = count_ones(mask, in->rows);
        if (w->ones) tighten(w);
    }
    fn_block_drop(in);
    return FN_OK;
}

/* Rows left of granules [from, to) as a block of the wanted columns. */
static fn_status emit(fn_ctx *ctx, work *w, uint32_t from, uint32_t to)
{
    const mt_scan *s = w->scan;
    const uint32_t rows = row_of(w, to) - row_of(w, from);
    const uint8_t *mask = w->worker->mask + row_of(w, from);
    const uint32_t kept = w->masked ? count_ones(mask, rows) : rows;
    fn_block *all = fn_block_new(ctx, s->output_count, rows);
    FN_TRY_PTR(ctx, all);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < s->output_count && status == FN_OK; i++) {
        all->columns[i] = slot_rows(ctx, w, s->outputs[i], from, to);
        if (!all->columns[i]) status = ctx->error.code;
    }
    fn_block *b = status == FN_OK ? fn_block_filter(ctx, all, mask, kept) : NULL;
    fn_block_drop(all);
    FN_TRY_PTR(ctx, b);
    w->worker->ready[w->worker->ready_count++] = b;
    return FN_OK;
}

/* The same for few rows: columns that are not there yet are read for these rows alone. */
static fn_status emit_some(fn_ctx *ctx, work *w)
{
    uint32_t *rows, n;
    fn_block *b;
    FN_TRY(list_rows(ctx, w, w->low, w->high, &rows, &n));
    if (!are_few(n, row_of(w, w->high) - row_of(w, w->low))) FN_TRY(load_slots(ctx, w, w->scan->outputs, w->scan->output_count));
    FN_TRY(pick_slots(ctx, w, w->scan->outputs, w->scan->output_count, w->low, w->high, rows, n, &b));
    w->worker->ready[w->worker->ready_count++] = b;
    return FN_OK;
}

static bool has_rows(const work *w, uint32_t granule)
{
    return !w->masked || memchr(w->worker->mask + row_of(w, granule), 1, row_of(w, granule + 1) - row_of(w, granule)) != NULL;
}

static bool all_loaded(const work *w)
{
    for (uint32_t i = 0; i < w->scan->output_count; i++)
        if (!w->worker->columns[w->scan->outputs[i]]) return false;
    return true;
}

/* Reads the remaining columns and makes the blocks: one for the whole range, or one per run of granules with rows when columns
 * have still to be read and some granules need none. */
static fn_status emit_runs(fn_ctx *ctx, work *w)
{
    const uint32_t low = w->low, high = w->high, live = row_of(w, high) - row_of(w, low);
    bool holes = false;
    if (w->masked && w->ones < live / 8 && (all_loaded(w) || are_few(w->ones, live))) return emit_some(ctx, w);
    for (uint32_t g = low; g < high && !holes; g++) holes = !has_rows(w, g);
    if (!holes || all_loaded(w)) {
        FN_TRY(load_slots(ctx, w, w->scan->outputs, w->scan->output_count));
        return emit(ctx, w, low, high);
    }
    bool *early = FN_NEW_ARRAY(ctx, bool, FN_MAX(w->scan->slot_count, 1)); /* read by the stages for all live granules */
    FN_TRY_PTR(ctx, early);
    for (uint32_t i = 0; i < w->scan->slot_count; i++) early[i] = w->worker->columns[i] != NULL;
    for (uint32_t from = low, to; from < high; from = to) {
        to = from + 1;
        if (!has_rows(w, from)) continue;
        while (to < high && has_rows(w, to)) to++;
        w->low = from;
        w->high = to;
        FN_TRY(load_slots(ctx, w, w->scan->outputs, w->scan->output_count));
        FN_TRY(emit(ctx, w, from, to));
        for (uint32_t i = 0; i < w->scan->slot_count; i++) {
            if (early[i]) continue;
            fn_column_drop(w->worker->columns[i]);
            w->worker->columns[i] = NULL;
        }
    }
    return FN_OK;
}

/* Can no row of the range be among the first N any more? */
static bool beyond_threshold(const mt_scan *s, const scan_range *r)
{
    const fn_part_zones *z = s->parts[r->part].bound_zones;
    const fn_column *bound = z ? atomic_load_explicit(&s->threshold->bound, memory_order_acquire) : NULL;
    if (!bound || fn_column_is_null(bound, 0)) return false;
    for (uint32_t g = r->first; g < r->first + r->granules; g++) {
        if (!z->valid[g] || (z->nulls[g] && s->threshold->nulls_first)) return false;
        const int order = s->threshold->descending ? fn_column_compare(bound, 0, z->max, g, true) : fn_column_compare(z->min, g, bound, 0, true);
        if (order <= 0) return false;
    }
    return true;
}

static fn_status run_range(fn_ctx *ctx, mt_scan *s, scan_worker *worker, const scan_range *range)
{
    work w = {.scan = s, .worker = worker, .range = range, .part = &s->parts[range->part], .high = range->granules};
    const uint64_t from = (uint64_t)range->first * FN_GRANULE_ROWS;
    w.rows = (uint32_t)FN_MIN((uint64_t)range->granules * FN_GRANULE_ROWS, fn_part_rows(w.part->reader.data) - from);
    w.ones = w.rows;
    worker->ready_first = worker->ready_count = 0;
    hide_rows(&w);
    fn_status status = drop_beyond_bound(ctx, &w);
    if (status == FN_OK) status = run_stages(ctx, &w);
    if (status == FN_OK && w.ones) status = emit_runs(ctx, &w);
    drop_columns(&w);
    atomic_fetch_add_explicit(&s->base.rows_read, w.rows, memory_order_relaxed);
    return status;
}

fn_status mt_scan_next(table_scan *self, fn_ctx *ctx, unsigned index, fn_block **out)
{
    mt_scan *s = (mt_scan *)self;
    scan_worker *worker = &s->workers[index];
    *out = NULL;
    for (;;) {
        if (worker->ready_first < worker->ready_count) {
            *out = worker->ready[worker->ready_first];
            worker->ready[worker->ready_first++] = NULL;
            atomic_fetch_add_explicit(&s->given, (*out)->rows, memory_order_relaxed);
            return FN_OK;
        }
        if (s->limit && atomic_load_explicit(&s->given, memory_order_relaxed) >= s->limit) return FN_OK;
        const uint32_t at = atomic_fetch_add_explicit(&s->next_range, 1, memory_order_relaxed);
        if (at >= s->range_count) return FN_OK;
        if (s->threshold && beyond_threshold(s, &s->ranges[at])) continue;
        FN_TRY(run_range(ctx, s, worker, &s->ranges[at]));
        FN_TRY(fn_ctx_check(ctx));
    }
}
