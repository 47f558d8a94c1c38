/* op_sort.c - ORDER BY, whole or the first N rows.
 *
 * Whole: blocks are kept by the workers, joined, sorted by normalised keys on the pool (sort.c), and the payload is gathered
 * block by block as it leaves. Stable in the order the blocks came. Memory: the input once more, and 16 to 48 bytes per row. When
 * that becomes too much a worker writes what it keeps as sorted runs (spill_sort.c), which are merged in the end.
 *
 * First N (limit + offset known): every worker keeps candidates only. When it has twice as many as it needs it sorts them,
 * forgets the rest and publishes the N-th row as the bound; blocks are compared with the best bound of all workers first, by a
 * kernel on the leading key where that is a plain number, and only survivors are copied. The bound of the leading key also goes
 * down to the scan (plan_top_n), which skips granules with it. Bounds live until close, so readers need no lock.
 *
 * Output is ordered: the next pipeline is serial. SPDX-License-Identifier: Apache-2.0 */
#include "exec/key_set.h"
#include "exec/run.h"
#include "exec/sort.h"
#include "exec/sorted_output.h"
#include "exec/spill_sort.h"
#include "kernel/kernel.h"
#include "settings/settings.h"

/* Keys of a row with N rows at or before it. */
typedef struct sort_bound sort_bound;
struct sort_bound {
    sort_bound *next;
    sort_column keys[]; /* 1 row each, referenced */
};

typedef struct op_sort {
    op head;
    key_set keys;
    sort_column *directions;      /* column NULL: what a key asks for */
    uint64_t limit;               /* 0: all rows */
    bool narrows;                 /* N is small enough to keep candidates */
    scan_threshold *threshold;    /* of the scan below; NULL: none */
    row_store store;
    fn_buffer *order;
    sorted_output output;
    _Atomic uint64_t rows_seen, bytes_seen; /* for max_rows_to_sort, max_bytes_to_sort */
    spill_watch watch;
    spill_sort runs;
    bool external;                /* the output comes from the runs */
    _Atomic uint64_t held;        /* bytes of the store's blocks */
    pthread_mutex_t lock;         /* over publishing */
    sort_bound *_Atomic bound;    /* the best; the list of all through next */
} op_sort;

typedef struct sort_worker {
    uint64_t held; /* bytes of its blocks; kept only where state may go to disk */
} sort_worker;

enum { CANDIDATES_EXTRA = 16384, CANDIDATES_EXTRA_MIN = 32, NARROW_MAX = 1 << 20, ROW_BYTES = 40 /* what sorting a row in memory takes besides its values */ };

/* Rows a worker keeps beyond what it needs before it forgets the rest: the wider they are, the sooner a bound pays, which spares
 * the scan below their reading. */
static uint64_t candidates_max(const op_sort *o)
{
    const uint64_t extra = o->keys.column_count <= 4 ? CANDIDATES_EXTRA : FN_MAX(CANDIDATES_EXTRA / (4 * o->keys.column_count), (uint32_t)CANDIDATES_EXTRA_MIN);
    return 2 * o->limit + extra;
}

static fn_column *mutable_column(const fn_column *c)
{
    return (fn_column *)(uintptr_t)c;
}

static void free_bound(sort_bound *b, uint32_t key_count)
{
    for (uint32_t i = 0; i < key_count; i++) fn_column_drop(mutable_column(b->keys[i].column));
    fn_free(b);
}

/* ---- candidates against the bound ---- */

/* The leading key is a number that kernels compare, the bound is a value: mask[i] = row i may be inside. */
static bool mask_by_kernel(const op_sort *o, const fn_column *c, const sort_bound *bound, uint8_t *mask)
{
    const int type = kern_type(c->type->phys);
    const bool is_float = c->type->phys == FN_PHYS_F32 || c->type->phys == FN_PHYS_F64;
    const fn_column *limit = bound->keys[0].column;
    if (type < 0 || c->shape != FN_FLAT || c->nulls || limit->nulls || (is_float && bound->keys[0].nulls_first)) return false;
    if (is_float && fn_column_f64_at(limit, 0) != fn_column_f64_at(limit, 0)) return false;
    const bool strict = o->keys.key_count == 1 && !o->head.node->sort.with_ties;
    const int comparison = bound->keys[0].descending ? (strict ? KERN_GT : KERN_GE) : strict ? KERN_LT : KERN_LE;
    kern.compare[comparison][type][KERN_VC](c->values, limit->values, mask, c->rows);
    return true;
}

/* Over a dictionary the entries are compared once. */
static fn_status mask_by_compare(fn_ctx *ctx, const fn_column *c, const sort_bound *bound, uint8_t *mask)
{
    const bool dict = c->shape == FN_DICT && c->kids[0]->rows <= c->rows && !c->nulls;
    const sort_column key = {dict ? c->kids[0] : c, bound->keys[0].descending, bound->keys[0].nulls_first};
    uint8_t *entries = mask;
    if (dict) {
        entries = fn_arena_alloc(ctx, ctx->arena, (size_t)key.column->rows + FN_BUFFER_PAD);
        FN_TRY_PTR(ctx, entries);
    }
    for (uint32_t i = 0; i < key.column->rows; i++) entries[i] = sort_compare(&key, i, bound->keys, 0, 1) <= 0;
    for (uint32_t i = 0; dict && i < c->rows; i++) mask[i] = entries[fn_column_code(c, i)];
    return FN_OK;
}

/* Replaces *block by its rows that can still be among the first N. */
static fn_status drop_hopeless(const op_sort *o, fn_ctx *ctx, const sort_bound *bound, fn_block **block)
{
    fn_block *in = *block;
    sort_column *keys = fn_arena_alloc(ctx, ctx->arena, (o->keys.key_count + 1) * sizeof *keys);
    uint8_t *mask = fn_arena_alloc(ctx, ctx->arena, (size_t)in->rows + FN_BUFFER_PAD);
    if (!keys || !mask) return ctx->error.code;
    for (uint32_t i = 0; i < o->keys.key_count; i++) {
        keys[i] = o->directions[i];
        keys[i].column = in->columns[o->keys.places[i]];
    }
    const int worst = o->head.node->sort.with_ties ? 0 : -1; /* rows equal to the bound are not needed */
    const bool by_kernel = mask_by_kernel(o, keys[0].column, bound, mask);
    if (!by_kernel) FN_TRY(mask_by_compare(ctx, keys[0].column, bound, mask));
    for (uint32_t i = 0; i < in->rows && !(by_kernel && o->keys.key_count == 1); i++)
        if (mask[i]) mask[i] = sort_compare(keys, i, bound->keys, 0, o->keys.key_count) <= worst;
    const uint32_t kept = (uint32_t)kern.mask_count(mask, in->rows);
    if (kept == in->rows) return FN_OK;
    *block = kept ? fn_block_filter(ctx, in, mask, kept) : NULL;
    fn_block_drop(in);
    return kept && !*block ? ctx->error.code : FN_OK;
}

/* Makes it the shared bound if it is better than the one there. Takes it. */
static void publish(op_sort *o, sort_bound *bound)
{
    FN_ASSERT(pthread_mutex_lock(&o->lock) == 0);
    sort_bound *best = atomic_load_explicit(&o->bound, memory_order_relaxed);
    if (best && sort_compare(bound->keys, 0, best->keys, 0, o->keys.key_count) >= 0) {
        free_bound(bound, o->keys.key_count);
    } else {
        bound->next = best;
        atomic_store_explicit(&o->bound, bound, memory_order_release);
        if (o->threshold) atomic_store_explicit(&o->threshold->bound, mutable_column(bound->keys[0].column), memory_order_release);
    }
    FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
}

/* The rows of a store in order, of which `rows` are wanted (ties with the last included if asked). */
static fn_status order_store(const op_sort *o, fn_ctx *ctx, fn_pool *pool, const row_store *s, fn_buffer **order, uint32_t *rows)
{
    const uint32_t count = o->keys.key_count, workers = pool ? o->head.exec->workers : 1;
    sort_column *keys = fn_alloc_zero(ctx, (count + 1) * sizeof *keys);
    FN_TRY_PTR(ctx, keys);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        keys[i] = o->directions[i];
        keys[i].column = row_store_column(ctx, s, o->keys.places[i]);
        if (!keys[i].column) status = ctx->error.code;
    }
    if (status == FN_OK) status = sort_rows(ctx, pool, workers, keys, count, s->rows, order);
    *rows = s->rows;
    if (status == FN_OK && o->limit && o->limit < s->rows) {
        const uint32_t *at = (const uint32_t *)(const void *)(*order)->data;
        *rows = (uint32_t)o->limit;
        while (o->head.node->sort.with_ties && *rows < s->rows && sort_compare(keys, at[*rows - 1], keys, at[*rows], count) == 0) ++*rows;
    }
    for (uint32_t i = 0; i < count; i++) fn_column_drop(mutable_column(keys[i].column));
    fn_free(keys);
    return status;
}

/* Puts the first rows of the sorted store into list `worker` and the last of them up as bound. */
static fn_status keep_first(op_sort *o, fn_ctx *ctx, unsigned worker, const row_store *sorted, const uint32_t *order, uint32_t rows)
{
    sorted_output out = {.store = sorted, .order = order, .rows = rows, .column_count = o->keys.column_count};
    fn_block *block = NULL;
    fn_status status = FN_OK;
    for (;;) {
        status = sorted_output_next(ctx, &out, NULL, 1, &block);
        if (status != FN_OK || !block) break;
        status = row_store_add(ctx, &o->store, worker, block);
        fn_block_drop(block);
        if (status != FN_OK) break;
    }
    sorted_output_release(&out);
    FN_TRY(status);
    if (rows < o->limit) return FN_OK;
    sort_bound *bound = fn_alloc_zero(ctx, sizeof *bound + o->keys.key_count * sizeof *bound->keys);
    FN_TRY_PTR(ctx, bound);
    for (uint32_t i = 0; i < o->keys.key_count; i++) {
        fn_column *one = row_store_take(ctx, sorted, o->keys.places[i], order + rows - 1, 1);
        bound->keys[i] = o->directions[i];
        bound->keys[i].column = one ? fn_column_flatten(ctx, one) : NULL;
        fn_column_drop(one);
        if (bound->keys[i].column) continue;
        free_bound(bound, o->keys.key_count);
        return ctx->error.code;
    }
    publish(o, bound);
    return FN_OK;
}

/* Forgets all but the first N of a worker's candidates. */
static fn_status narrow(op_sort *o, fn_ctx *ctx, unsigned worker)
{
    row_store own = {.column_count = o->keys.column_count, .list_count = 1};
    fn_buffer *order = NULL;
    uint32_t rows;
    own.lists = fn_alloc_zero(ctx, sizeof *own.lists);
    FN_TRY_PTR(ctx, own.lists);
    own.lists[0] = o->store.lists[worker];
    o->store.lists[worker] = (row_list){0};
    fn_status status = row_store_seal(ctx, &own, NULL, o->keys.types);
    if (status == FN_OK) status = order_store(o, ctx, NULL, &own, &order, &rows);
    if (status == FN_OK) status = keep_first(o, ctx, worker, &own, (const uint32_t *)(const void *)order->data, rows);
    fn_buffer_drop(order);
    row_store_release(&own);
    return status;
}

static fn_status check_limits(op_sort *o, fn_ctx *ctx, const fn_block *in)
{
    const fn_settings *s = settings_of(ctx);
    if (FN_LIKELY(!s->max_rows_to_sort && !s->max_bytes_to_sort)) return FN_OK;
    const uint64_t bytes = fn_block_bytes(in), all = atomic_fetch_add(&o->bytes_seen, bytes) + bytes, rows = atomic_fetch_add(&o->rows_seen, in->rows) + in->rows;
    return run_check_size(ctx, FN_TOO_MANY_ROWS_OR_BYTES, "result", rows, s->max_rows_to_sort, all, s->max_bytes_to_sort);
}

/* ---- to disk ---- */

static void hold(op_sort *o, sort_worker *w, uint64_t bytes)
{
    atomic_fetch_add_explicit(&o->held, bytes - w->held, memory_order_relaxed);
    w->held = bytes;
}

static fn_status spill(op_sort *o, fn_ctx *ctx, unsigned worker)
{
    FN_TRY(spill_sort_add(ctx, &o->runs, worker, &o->store.lists[worker]));
    hold(o, op_worker(&o->head, worker), 0);
    return FN_OK;
}

/* The blocks will be joined and sorted: that needs their size once more. */
static bool must_spill(const op_sort *o)
{
    const uint64_t bytes = atomic_load_explicit(&o->held, memory_order_relaxed);
    return spill_watch_due(&o->watch, bytes, bytes + row_store_count(&o->store) * ROW_BYTES);
}

static fn_status watch_memory(op_sort *o, fn_ctx *ctx, unsigned worker)
{
    const row_list *list = &o->store.lists[worker];
    sort_worker *w = op_worker(&o->head, worker);
    if (!o->watch.threshold || !list->count) return FN_OK;
    hold(o, w, w->held + spill_block_bytes(list->blocks[list->count - 1]));
    return w->held >= o->watch.least && must_spill(o) ? spill(o, ctx, worker) : FN_OK;
}

static fn_status spill_rest(void *arg, fn_ctx *ctx, unsigned worker)
{
    return spill(arg, ctx, worker);
}

static fn_status sort_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_sort *o = (op_sort *)self;
    fn_block *wide;
    if (o->limit) exec_rows_before_limit(self->exec, in->rows);
    FN_TRY(check_limits(o, ctx, in));
    FN_TRY(key_set_widen(ctx, &o->keys, in, &wide));
    const sort_bound *bound = o->narrows ? atomic_load_explicit(&o->bound, memory_order_acquire) : NULL;
    fn_status status = bound ? drop_hopeless(o, ctx, bound, &wide) : FN_OK;
    if (status == FN_OK && wide) status = row_store_add(ctx, &o->store, worker, wide);
    if (status == FN_OK && wide) status = watch_memory(o, ctx, worker);
    fn_block_drop(wide);
    FN_TRY(status);
    if (!o->narrows || o->store.lists[worker].rows < candidates_max(o)) return FN_OK;
    FN_TRY(narrow(o, ctx, worker));
    if (!o->watch.threshold) return FN_OK;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < o->store.lists[worker].count; i++) bytes += spill_block_bytes(o->store.lists[worker].blocks[i]);
    hold(o, op_worker(self, worker), bytes);
    return FN_OK;
}

static fn_status sort_finish(op *self, fn_ctx *ctx)
{
    op_sort *o = (op_sort *)self;
    uint32_t rows;
    fn_pool *pool = self->exec->workers > 1 ? self->exec->env->pool : NULL;
    o->external = spill_sort_has_runs(&o->runs) || must_spill(o);
    if (o->external) {
        FN_TRY(exec_parallel(ctx, self->exec, spill_rest, o));
        return spill_sort_finish(ctx, &o->runs);
    }
    FN_TRY(row_store_seal(ctx, &o->store, pool, o->keys.types));
    FN_TRY(order_store(o, ctx, pool, &o->store, &o->order, &rows));
    o->output = (sorted_output){
        .store = &o->store, .order = (const uint32_t *)(const void *)o->order->data, .rows = rows, .column_count = o->keys.input_count};
    return FN_OK;
}

/* Without the columns computed for keys. */
static fn_status next_merged(op_sort *o, fn_ctx *ctx, fn_block **out)
{
    fn_block *wide;
    *out = NULL;
    FN_TRY(spill_sort_next(ctx, &o->runs, &wide));
    if (!wide || o->keys.input_count == o->keys.column_count) {
        *out = wide;
        return FN_OK;
    }
    *out = fn_block_new(ctx, o->keys.input_count, wide->rows);
    for (uint32_t i = 0; *out && i < o->keys.input_count; i++) (*out)->columns[i] = fn_column_ref(wide->columns[i]);
    fn_block_drop(wide);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status sort_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    op_sort *o = (op_sort *)self;
    (void)worker;
    return o->external ? next_merged(o, ctx, out) : sorted_output_next(ctx, &o->output, self->exec->env->pool, self->exec->workers, out);
}

static void sort_close(op *self)
{
    op_sort *o = (op_sort *)self;
    sorted_output_release(&o->output);
    spill_sort_release(&o->runs);
    row_store_release(&o->store);
    fn_buffer_drop(o->order);
    if (o->threshold) atomic_store(&o->threshold->bound, NULL);
    for (sort_bound *b = atomic_load(&o->bound), *next; b; b = next) {
        next = b->next;
        free_bound(b, o->keys.key_count);
    }
    (void)pthread_mutex_destroy(&o->lock);
}

static const op_class class_sort = {
    .name = "Sort", .size = sizeof(op_sort), .worker_size = sizeof(sort_worker), .push = sort_push, .finish = sort_finish, .next = sort_next, .close = sort_close};

/* The threshold of the scan the leading key comes from unchanged; NULL if there is none. */
static scan_threshold *find_threshold(const plan *node, const expr *key)
{
    while (key->kind == EXPR_COLUMN) {
        const column_id id = key->column;
        if (node->kind == PLAN_SCAN) {
            for (uint32_t i = 0; node->scan.top_n && i < node->column_count; i++)
                if (node->columns[i].id == id && node->scan.indexes[i] == node->scan.top_n->threshold.column) return &node->scan.top_n->threshold;
            return NULL;
        }
        if (node->kind == PLAN_PROJECT) {
            for (uint32_t i = 0; i < node->column_count; i++)
                if (node->project.items[i].id == id) key = node->project.items[i].value;
        } else if (node->kind != PLAN_FILTER) {
            return NULL;
        }
        node = node->inputs[0];
    }
    return NULL;
}

static fn_status refuse_collation(fn_ctx *ctx, const plan_sort_key *key)
{
    const fn_phys phys = key->value->type->phys;
    if (phys != FN_PHYS_STRING && phys != FN_PHYS_ARRAY && phys != FN_PHYS_TUPLE)
        return fn_fail(ctx, FN_BAD_COLLATION,
                       "Collations could be specified only for String, LowCardinality(String), Nullable(String) or for Array or Tuple, containing them.");
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "COLLATE '" FN_STR_FMT "' is not supported", FN_STR_ARG(key->collate));
}

fn_status op_build_sort(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    pipeline *input;
    const uint32_t count = node->sort.key_count;
    FN_TRY(pipeline_new(ctx, e, &input));
    FN_TRY(exec_build(ctx, e, node->inputs[0], input));
    FN_TRY(op_new(ctx, e, &class_sort, node, &made));
    op_sort *o = (op_sort *)made;
    FN_ASSERT(pthread_mutex_init(&o->lock, NULL) == 0);
    expr **keys = FN_NEW_ARRAY(ctx, expr *, count + 1);
    o->directions = FN_NEW_ARRAY(ctx, sort_column, count + 1);
    if (!keys || !o->directions) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        const plan_sort_key *key = &node->sort.keys[i];
        if (key->collate.size) FN_TRY(refuse_collation(ctx, key));
        keys[i] = key->value;
        o->directions[i] = (sort_column){NULL, key->descending, key->nulls_first};
    }
    FN_TRY(key_set_init(ctx, &o->keys, node->inputs[0], keys, count));
    FN_TRY(row_store_init(ctx, &o->store, e->workers, o->keys.column_count));
    o->limit = node->sort.limit;
    FN_TRY(spill_watch_init(ctx, e, SPILL_SORT, &o->watch));
    FN_TRY(spill_sort_init(ctx, &o->runs, e, &o->watch, o->keys.types, o->keys.column_count, o->keys.places, o->directions, count));
    o->runs.limit = o->limit;
    o->runs.with_ties = node->sort.with_ties;
    o->narrows = count && o->limit && o->limit <= NARROW_MAX;
    if (o->narrows) o->threshold = find_threshold(node->inputs[0], keys[0]);
    if (o->threshold) {
        o->threshold->descending = o->directions[0].descending;
        o->threshold->nulls_first = o->directions[0].nulls_first;
    }
    pipeline_end(input, made);
    pipeline_source(p, made, true);
    return FN_OK;
}
