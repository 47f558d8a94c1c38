/* join_probe.c - streams one side of a join past the table of the other.
 *
 * Per block: find each row's run of matches, then list pairs (probe row, build row) in chunks of at most FN_BLOCK_ROWS_MAX, drop
 * those that fail the residual condition or come second where only one is wanted, gather both sides' columns and hand on. A probe
 * row without match is a pair with NO_ROW: the build side's columns get NULL or the default there. With a residual it is known
 * only behind the row's last pair, so such rows follow their block. Build rows that nobody matched are given in drain, ranges
 * taken by the workers from a common cursor. SPDX-License-Identifier: Apache-2.0 */
#include "exec/join_probe.h"

#define NO_ROW UINT32_MAX

enum { PAIRS_MAX = FN_BLOCK_ROWS_MAX };

/* One block on its way through. */
typedef struct probe_pass {
    op_join_probe *o;
    const op_join_build *build;
    fn_ctx *ctx;
    unsigned worker;
    const fn_block *in;  /* widened */
    uint32_t *first, *count;
    uint8_t *hit;        /* the row has given a pair, or matches; NULL: not needed */
    uint32_t *probe_rows, *build_rows;
    uint32_t pair_count;
    bool missing;        /* a pair with NO_ROW is among them */
    uint8_t *hits;       /* where hit is kept for the next build side; NULL: this is the only one */
    bool last;           /* build side: what has no match has none */
} probe_pass;

/* ---- columns of pairs ---- */

static fn_column *nullable_with(fn_ctx *ctx, fn_column *take, const fn_type *type, const uint32_t *rows, uint32_t count)
{
    if (!take) return NULL;
    fn_buffer *nulls = fn_buffer_new(ctx, count);
    fn_column *flat = NULL, *out = NULL;
    if (nulls) flat = take->shape == FN_CONST ? fn_column_flatten(ctx, take) : fn_column_ref(take);
    fn_column_drop(take);
    if (flat) {
        for (uint32_t i = 0; i < count; i++) nulls->data[i] = rows[i] == NO_ROW || (flat->nulls && flat->nulls[i]);
        out = fn_column_with_nulls(ctx, flat, type, nulls);
    } else {
        fn_buffer_drop(nulls);
    }
    fn_column_drop(flat);
    return out;
}

/* Build rows, some of them NO_ROW, for a type that cannot be NULL: the default goes behind the rows taken. */
static fn_column *take_with_default(fn_ctx *ctx, const row_store *s, const join_output *out, const uint32_t *rows, uint32_t count, uint32_t *ids,
                                    uint32_t *places)
{
    fn_column *parts[2] = {NULL, NULL}, *joined = NULL, *result = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        places[i] = n;
        if (rows[i] != NO_ROW) ids[n++] = rows[i];
    }
    for (uint32_t i = 0; i < count; i++)
        if (rows[i] == NO_ROW) places[i] = n;
    parts[0] = row_store_take(ctx, s, out->index, ids, n);
    parts[1] = parts[0] ? fn_column_default(ctx, parts[0]->type, 1) : NULL;
    if (parts[1]) joined = fn_column_concat(ctx, parts, 2);
    if (joined) result = fn_column_take(ctx, joined, places, count);
    fn_column_drop(parts[0]);
    fn_column_drop(parts[1]);
    fn_column_drop(joined);
    return result;
}

static fn_column *take_missing(fn_ctx *ctx, const row_store *s, const join_output *out, const uint32_t *rows, uint32_t count)
{
    uint32_t *ids = fn_arena_alloc(ctx, ctx->arena, ((size_t)count + 1) * 2 * sizeof *ids);
    if (!ids) return NULL;
    if (!fn_type_is_nullable(out->type)) return join_retype(ctx, take_with_default(ctx, s, out, rows, count, ids, ids + count), out->type);
    if (!s->rows) return fn_column_null(ctx, out->type, count);
    for (uint32_t i = 0; i < count; i++) ids[i] = rows[i] == NO_ROW ? 0 : rows[i];
    return nullable_with(ctx, row_store_take(ctx, s, out->index, ids, count), out->type, rows, count);
}

/* All rows of the block in order: its columns can be handed on as they are. */
static bool is_whole(const probe_pass *p)
{
    if (p->pair_count != p->in->rows) return false;
    for (uint32_t i = 0; i < p->pair_count; i++)
        if (p->probe_rows[i] != i) return false;
    return true;
}

static fn_column *output_of(const probe_pass *p, const join_output *out, bool whole)
{
    fn_ctx *ctx = p->ctx;
    const row_store *store = &p->build->store;
    if (out->side == JOIN_PROBE) {
        fn_column *c = p->in->columns[out->index];
        return join_retype(ctx, whole ? fn_column_ref(c) : fn_column_take(ctx, c, p->probe_rows, p->pair_count), out->type);
    }
    if (p->missing) return take_missing(ctx, store, out, p->build_rows, p->pair_count);
    return join_retype(ctx, row_store_take(ctx, store, out->index, p->build_rows, p->pair_count), out->type);
}

static fn_status emit_pairs(probe_pass *p)
{
    op_join_probe *o = p->o;
    const uint32_t columns = o->head.node->column_count, rows = p->pair_count;
    if (!rows) return FN_OK;
    const bool whole = is_whole(p);
    fn_block *out = fn_block_new(p->ctx, columns, rows);
    FN_TRY_PTR(p->ctx, out);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < columns && status == FN_OK; i++) {
        out->columns[i] = output_of(p, &o->outputs[i], whole);
        if (!out->columns[i]) status = p->ctx->error.code;
    }
    if (status == FN_OK) status = op_emit(&o->head, p->ctx, p->worker, out);
    fn_block_drop(out);
    p->pair_count = 0;
    p->missing = false;
    return status;
}

/* ---- pairs ---- */

/* Drops the pairs that fail the residual. */
static fn_status apply_residual(probe_pass *p)
{
    op_join_probe *o = p->o;
    fn_ctx *ctx = p->ctx;
    uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)p->pair_count + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    fn_block *b = fn_block_new(ctx, o->residual_count, p->pair_count);
    FN_TRY_PTR(ctx, b);
    const bool whole = is_whole(p);
    fn_status status = FN_OK;
    uint32_t ones, n = 0;
    for (uint32_t i = 0; i < o->residual_count && status == FN_OK; i++) {
        b->columns[i] = output_of(p, &o->residual_inputs[i], whole);
        if (!b->columns[i]) status = ctx->error.code;
    }
    if (status == FN_OK) status = expr_run_mask(ctx, o->residual, b, mask, &ones);
    fn_block_drop(b);
    FN_TRY(status);
    for (uint32_t i = 0; i < p->pair_count; i++) {
        p->probe_rows[n] = p->probe_rows[i];
        p->build_rows[n] = p->build_rows[i];
        n += mask[i];
    }
    p->pair_count = n;
    return FN_OK;
}

/* Notes the matches on both sides and keeps one pair per row where only one is wanted. */
static void note_matches(probe_pass *p)
{
    const join_role *r = &p->o->role;
    _Atomic uint8_t *matched = p->build->matched;
    uint32_t n = 0;
    if (!p->hit && !matched) return;
    for (uint32_t i = 0; i < p->pair_count; i++) {
        const uint32_t probe = p->probe_rows[i], build = p->build_rows[i];
        bool wanted = true;
        if (build != NO_ROW) {
            if (p->hit) {
                if (r->first_probe && p->hit[probe]) continue;
                p->hit[probe] = 1;
            }
            if (matched && r->first_build) wanted = !atomic_exchange_explicit(&matched[build], 1, memory_order_relaxed);
            else if (matched && !atomic_load_explicit(&matched[build], memory_order_relaxed)) atomic_store_explicit(&matched[build], 1, memory_order_relaxed);
        }
        p->probe_rows[n] = probe;
        p->build_rows[n] = build;
        n += wanted;
    }
    p->pair_count = n;
}

static fn_status flush_pairs(probe_pass *p)
{
    FN_TRY(fn_ctx_check(p->ctx));
    if (p->o->residual && p->pair_count) FN_TRY(apply_residual(p));
    note_matches(p);
    if (p->o->role.pairs) return emit_pairs(p);
    p->pair_count = 0;
    return FN_OK;
}

/* The matches of one row, all or the first. */
static fn_status list_row(probe_pass *p, uint32_t row, uint32_t count)
{
    const join_table *t = &p->build->table;
    for (uint32_t j = 0; j < count;) {
        const uint32_t n = FN_MIN(count - j, (uint32_t)PAIRS_MAX - p->pair_count);
        for (uint32_t k = 0; k < n; k++) {
            p->probe_rows[p->pair_count + k] = row;
            p->build_rows[p->pair_count + k] = join_table_row(t, p->first[row], p->count[row], j + k);
        }
        p->pair_count += n;
        j += n;
        if (p->pair_count == PAIRS_MAX) FN_TRY(flush_pairs(p));
    }
    return FN_OK;
}

static fn_status list_pairs(probe_pass *p)
{
    const op_join_probe *o = p->o;
    const bool one = o->role.first_probe && !o->residual; /* the first match decides */
    const bool inline_missing = o->role.keep_probe && !o->residual && o->role.pairs && !p->hits;
    for (uint32_t row = 0; row < p->in->rows; row++) {
        const uint32_t count = p->count[row];
        if (count) {
            FN_TRY(list_row(p, row, one ? 1 : count));
            continue;
        }
        if (!inline_missing) continue;
        p->probe_rows[p->pair_count] = row;
        p->build_rows[p->pair_count] = NO_ROW;
        p->missing = true;
        if (++p->pair_count == PAIRS_MAX) FN_TRY(flush_pairs(p));
    }
    return flush_pairs(p);
}

/* ---- ASOF ---- */

/* The row among a key's rows (ordered by value) that is nearest to the probe's value: >=, >, <=, <. NO_ROW: none. */
static uint32_t nearest(const op_join_build *b, uint32_t first, uint32_t count, const fn_column *value, uint32_t row)
{
    const uint8_t kind = b->asof_op;
    const bool from_below = kind < 2; /* value >= or > ours: the last one below */
    const int counts_as_below = kind == 0 || kind == 3; /* equal ones lie on the lower side */
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = fn_column_compare(b->asof, join_table_row(&b->table, first, count, middle), value, row, true);
        if (order < 0 || (order == 0 && counts_as_below)) low = middle + 1;
        else high = middle;
    }
    if (!from_below) return low < count ? join_table_row(&b->table, first, count, low) : NO_ROW;
    if (!low) return NO_ROW;
    uint32_t at = low - 1; /* the first of equal ones, as ClickHouse takes it */
    const uint32_t best = join_table_row(&b->table, first, count, at);
    while (at && fn_column_equal_at(b->asof, join_table_row(&b->table, first, count, at - 1), b->asof, best)) at--;
    return join_table_row(&b->table, first, count, at);
}

static void find_nearest(probe_pass *p, const fn_column *value)
{
    for (uint32_t i = 0; i < p->in->rows; i++) {
        if (!p->count[i]) continue;
        const uint32_t row = fn_column_is_null(value, i) ? NO_ROW : nearest(p->build, p->first[i], p->count[i], value, i);
        p->count[i] = row != NO_ROW;
        p->first[i] = row;
    }
}

/* ---- what is left over ---- */

/* Probe rows with hit[i] == 0, build side missing. */
static fn_status emit_unmatched(probe_pass *p)
{
    for (uint32_t row = 0; row < p->in->rows; row++) {
        if (p->hit[row]) continue;
        p->probe_rows[p->pair_count] = row;
        p->build_rows[p->pair_count] = NO_ROW;
        p->missing = true;
        if (++p->pair_count == PAIRS_MAX) FN_TRY(emit_pairs(p));
    }
    return emit_pairs(p);
}

static fn_status emit_marked(probe_pass *p)
{
    op_join_probe *o = p->o;
    const uint32_t columns = o->head.node->column_count;
    fn_block *out = fn_block_new(p->ctx, columns, p->in->rows);
    FN_TRY_PTR(p->ctx, out);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < columns && status == FN_OK; i++) {
        if (o->outputs[i].side == JOIN_PROBE) {
            out->columns[i] = join_retype(p->ctx, fn_column_ref(p->in->columns[o->outputs[i].index]), o->outputs[i].type);
        } else {
            FN_ASSERT(o->outputs[i].side == JOIN_MARKED);
            fn_buffer *bytes = fn_buffer_new(p->ctx, p->in->rows);
            if (bytes) {
                memcpy(bytes->data, p->hit, p->in->rows);
                out->columns[i] = fn_column_fixed(p->ctx, o->outputs[i].type, p->in->rows, bytes, NULL);
            }
        }
        if (!out->columns[i]) status = p->ctx->error.code;
    }
    if (status == FN_OK) status = op_emit(&o->head, p->ctx, p->worker, out);
    fn_block_drop(out);
    return status;
}

static fn_status probe_block(probe_pass *p, fn_column *const *keys)
{
    op_join_probe *o = p->o;
    const join_role *r = &o->role;
    const uint32_t rows = p->in->rows;
    const size_t bytes = ((size_t)rows + 1) * sizeof(uint32_t);
    p->first = fn_arena_alloc(p->ctx, p->ctx->arena, bytes);
    p->count = fn_arena_alloc(p->ctx, p->ctx->arena, bytes);
    if (!p->first || !p->count) return p->ctx->error.code;
    FN_TRY(join_table_find(p->ctx, &p->build->table, keys, rows, p->first, p->count));
    if (o->head.node->join.asof >= 0) find_nearest(p, keys[o->keys.key_count - 1]);
    const bool late = r->mark || (r->keep_probe && (o->residual || !r->pairs || p->hits)); /* unmatched rows are known at the end */
    if (late || r->first_probe) {
        p->hit = p->hits ? p->hits : fn_arena_alloc_zero(p->ctx, p->ctx->arena, (size_t)rows + 1);
        FN_TRY_PTR(p->ctx, p->hit);
    }
    if (late && !r->pairs && !o->residual && !p->build->matched)
        for (uint32_t i = 0; i < rows; i++) p->hit[i] |= p->count[i] != 0;
    else FN_TRY(list_pairs(p));
    if (!p->last) return FN_OK;
    if (r->mark) return emit_marked(p);
    return late ? emit_unmatched(p) : FN_OK;
}

fn_status join_probe_rows(op_join_probe *o, fn_ctx *ctx, unsigned worker, const op_join_build *build, const fn_block *wide, uint8_t *hits, bool last)
{
    join_probe_worker *w = op_worker(&o->head, worker);
    fn_column **keys = fn_arena_alloc(ctx, ctx->arena, (o->keys.key_count + 1) * sizeof *keys);
    FN_TRY_PTR(ctx, keys);
    if (!w->pairs) {
        w->pairs = fn_buffer_new(ctx, 2 * PAIRS_MAX * sizeof(uint32_t));
        FN_TRY_PTR(ctx, w->pairs);
    }
    for (uint32_t i = 0; i < o->keys.key_count; i++) keys[i] = wide->columns[o->keys.places[i]];
    probe_pass p = {.o = o, .build = build, .ctx = ctx, .worker = worker, .in = wide, .probe_rows = (uint32_t *)(void *)w->pairs->data, .hits = hits, .last = last};
    p.build_rows = p.probe_rows + PAIRS_MAX;
    return probe_block(&p, keys);
}

static fn_status probe_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_join_probe *o = (op_join_probe *)self;
    fn_block *wide;
    FN_TRY(key_set_widen(ctx, &o->keys, in, &wide));
    const fn_status status = o->build->on_disk ? join_disk_probe(o, ctx, worker, wide) : join_probe_rows(o, ctx, worker, o->build, wide, NULL, true);
    fn_block_drop(wide);
    return status;
}

static fn_status emit_leftover(op_join_probe *o, fn_ctx *ctx, unsigned worker, const op_join_build *build, const uint32_t *rows, uint32_t count)
{
    const uint32_t columns = o->head.node->column_count;
    fn_block *out = fn_block_new(ctx, columns, count);
    FN_TRY_PTR(ctx, out);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < columns && status == FN_OK; i++) {
        const join_output *from = &o->outputs[i];
        if (from->side == JOIN_PROBE) out->columns[i] = fn_column_default(ctx, from->type, count);
        else out->columns[i] = join_retype(ctx, row_store_take(ctx, &build->store, from->index, rows, count), from->type);
        if (!out->columns[i]) status = ctx->error.code;
    }
    if (status == FN_OK) status = op_emit(&o->head, ctx, worker, out);
    fn_block_drop(out);
    return status;
}

fn_status join_probe_leftover(op_join_probe *o, fn_ctx *ctx, unsigned worker, const op_join_build *build, _Atomic uint32_t *cursor)
{
    const uint32_t all = build->store.rows;
    uint32_t *rows = fn_arena_alloc(ctx, ctx->arena, FN_BLOCK_ROWS_MAX * sizeof *rows);
    FN_TRY_PTR(ctx, rows);
    for (;;) {
        const uint32_t from = atomic_fetch_add_explicit(cursor, FN_BLOCK_ROWS_MAX, memory_order_relaxed);
        if (from >= all || op_is_done(&o->head)) return FN_OK;
        const uint32_t to = (uint32_t)FN_MIN((uint64_t)from + FN_BLOCK_ROWS_MAX, (uint64_t)all);
        uint32_t n = 0;
        for (uint32_t i = from; i < to; i++) {
            rows[n] = i;
            n += !atomic_load_explicit(&build->matched[i], memory_order_relaxed);
        }
        FN_TRY(fn_ctx_check(ctx));
        if (n) FN_TRY(emit_leftover(o, ctx, worker, build, rows, n));
    }
}

static fn_status probe_drain(op *self, fn_ctx *ctx, unsigned worker)
{
    op_join_probe *o = (op_join_probe *)self;
    if (o->build->on_disk) return join_disk_drain(o, ctx, worker);
    return o->role.keep_build ? join_probe_leftover(o, ctx, worker, o->build, &o->cursor) : FN_OK;
}

/* Nothing built and nothing of the probe side kept: no need to read it. */
static fn_status probe_open(op *self, fn_ctx *ctx)
{
    op_join_probe *o = (op_join_probe *)self;
    (void)ctx;
    if (!o->build->on_disk && !o->build->store.rows && !o->role.keep_probe && !o->role.mark) op_enough(self);
    return FN_OK;
}

static void probe_close(op *self)
{
    for (unsigned i = 0; self->worker_state && i < self->exec->workers; i++) {
        join_probe_worker *w = op_worker(self, i);
        fn_buffer_drop(w->pairs);
        row_list_release(&w->list);
        spill_parts_close(w->parts);
    }
    (void)pthread_mutex_destroy(&((op_join_probe *)self)->lock);
}

static const op_class class_probe = {.name = "Join", .size = sizeof(op_join_probe), .worker_size = sizeof(join_probe_worker), .open = probe_open,
                                     .push = probe_push, .drain = probe_drain, .close = probe_close};

/* The columns the residual uses, and its program over them. */
static fn_status compile_residual(op_join_probe *o, fn_ctx *ctx, const plan *node)
{
    const unsigned build_side = o->build->side;
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(ctx, node->join.residual, &ids);
    o->residual_count = (uint32_t)(ids.size / sizeof(column_id));
    column_id *layout = status == FN_OK ? FN_NEW_ARRAY(ctx, column_id, o->residual_count + 1) : NULL;
    if (layout && ids.size) memcpy(layout, ids.data, ids.size);
    fn_buf_release(&ids);
    FN_TRY_PTR(ctx, layout);
    o->residual_inputs = FN_NEW_ARRAY(ctx, join_output, o->residual_count + 1);
    FN_TRY_PTR(ctx, o->residual_inputs);
    for (uint32_t i = 0; i < o->residual_count; i++) {
        for (unsigned side = 0; side < 2; side++) {
            const plan *input = node->inputs[side];
            for (uint32_t c = 0; c < input->column_count; c++)
                if (input->columns[c].id == layout[i])
                    o->residual_inputs[i] = (join_output){side == build_side ? JOIN_BUILD : JOIN_PROBE, c, input->columns[c].type};
        }
        FN_ASSERT(o->residual_inputs[i].type);
    }
    return expr_compile(ctx, &(expr *){node->join.residual}, 1, layout, o->residual_count, &o->residual);
}

fn_status op_join_probe_append(fn_ctx *ctx, exec *e, const plan *node, op_join_build *build, pipeline *p)
{
    op *made;
    const unsigned side = 1 - build->side;
    FN_TRY(op_new(ctx, e, &class_probe, node, &made));
    op_join_probe *o = (op_join_probe *)made;
    FN_ASSERT(pthread_mutex_init(&o->lock, NULL) == 0);
    o->build = build;
    o->role = build->role;
    expr **keys = join_side_keys(ctx, node, side);
    FN_TRY_PTR(ctx, keys);
    FN_TRY(key_set_init(ctx, &o->keys, node->inputs[side], keys, node->join.key_count));
    FN_TRY(join_outputs(ctx, node, build->side, &o->outputs));
    if (node->join.residual) FN_TRY(compile_residual(o, ctx, node));
    pipeline_append(p, made);
    return FN_OK;
}
