/* op_aggregate.c - GROUP BY: rows into groups. A sink; in no order.
 *
 * Every worker has a table of its own. While it is small it simply takes rows. When it outgrows the cache its groups are
 * moved, by hash, into 256 partitions; if grouping does not reduce the rows much, rows then go straight there, each as a
 * group of its own. In the end either the few tables are merged, or the partitions one by one, by all workers at once and
 * while the consumer already takes groups (aggregate_emit.c): nothing is shared on the way and there is no merge step.
 * Memory: all groups once, plus repeats of groups between flushes; when
 * that is too much they go to files, partition by partition (aggregate_disk.c). SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"
#include "settings/settings.h"

enum {
    STATES_INLINE_MAX = 48,           /* bytes; larger ones would make the half-empty table too sparse */
    TABLE_BYTES_FIRST = 1 << 20,      /* an L2 cache: is the table worth growing beyond it? */
    TABLE_BYTES_SMALL = 4 << 20,      /* flush from here on */
    TABLE_BYTES_OTHER = 64 << 20,     /* states that hold memory are dear to have twice */
    POOR_REDUCTION = 3,               /* rows per group below which a table does not pay */
    PAGES_BYTES = 256 << 20,          /* of one worker, until repeats are merged */
    ENOUGH_MAX = 65536,               /* a larger LIMIT hardly ends early */
    PASS_FACTOR = 16                  /* rows let through before the table is tried again, in tables */
};

/* ---- open ---- */

static fn_status plan_slot(op_aggregate *o, fn_ctx *ctx, fn_column *const *columns)
{
    fn_arena *outer = ctx->arena;
    ctx->arena = o->arena;
    const fn_status status = group_keys_plan(ctx, o->key_types, columns, o->group_keys, &o->keys);
    ctx->arena = outer;
    FN_TRY(status);
    const uint32_t key = group_key_size(o->keys.form);
    o->inlined = o->states.size <= STATES_INLINE_MAX;
    o->state_at = o->inlined ? (uint32_t)fn_round_up(key, o->states.align) : key;
    o->counters = o->inlined;
    for (uint32_t i = 0; i < o->states.count; i++) o->counters &= o->states.aggs[i].kind == GROUP_ADD_U64;
    o->counts = o->counters && o->states.count == 1 && o->states.arg_count == 0;
    o->runs = !o->counts && o->keys.form != GROUP_KEY_BYTES && group_states_in_any_order(&o->states);
    o->stride = o->inlined ? (uint32_t)fn_round_up(o->state_at + o->states.size, FN_MAX(o->states.align, 8u)) : key + 8;
    return FN_OK;
}

static fn_status ready_keys(op_aggregate *o, fn_ctx *ctx, fn_column *const *columns)
{
    if (atomic_load_explicit(&o->keys_ready, memory_order_acquire)) return FN_OK;
    FN_ASSERT(pthread_mutex_lock(&o->lock) == 0);
    fn_status status = FN_OK;
    if (!atomic_load_explicit(&o->keys_ready, memory_order_relaxed)) {
        status = plan_slot(o, ctx, columns);
        if (status == FN_OK) atomic_store_explicit(&o->keys_ready, true, memory_order_release);
    }
    FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
    return status;
}

static fn_status ready_worker(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    if (w->ready) return FN_OK;
    if (!w->arena) w->arena = fn_arena_new(ctx);
    if (!w->scratch) w->scratch = fn_arena_new(ctx);
    if (!w->arena || !w->scratch) return ctx->error.code;
    if (o->group_keys == 0) {
        w->single = fn_arena_alloc_zero(ctx, w->arena, o->states.size + 16);
        FN_TRY_PTR(ctx, w->single);
        group_states_init(&o->states, w->single);
        w->ready = true;
        return FN_OK;
    }
    FN_TRY(group_packer_init(ctx, &o->keys, &w->packer));
    w->slots = fn_arena_alloc(ctx, w->scratch, GROUP_CHUNK * sizeof *w->slots);
    w->fresh = fn_arena_alloc(ctx, w->scratch, GROUP_CHUNK * sizeof *w->fresh);
    w->numbers = fn_arena_alloc(ctx, w->scratch, GROUP_CHUNK);
    if (!w->slots || !w->fresh || !w->numbers) return ctx->error.code;
    group_table_init(&w->table, o->keys.form, o->stride);
    group_table_init(&w->codes, GROUP_KEY_NUMBER, o->stride);
    w->pages_limit = PAGES_BYTES;
    if (o->enough) {
        w->picked = fn_arena_alloc(ctx, w->scratch, GROUP_CHUNK * sizeof *w->picked);
        w->picked_keys = fn_arena_alloc(ctx, w->scratch, (size_t)GROUP_CHUNK * 16);
        if (!w->picked || !w->picked_keys) return ctx->error.code;
    }
    if (o->keys.form == GROUP_KEY_NUMBER) FN_TRY(group_table_reserve_numbers(ctx, &w->table, 256));
    w->ready = true;
    return FN_OK;
}

/* ---- rows in ---- */

fn_status aggregate_start(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t *const *slots, uint32_t count)
{
    if (!o->inlined) {
        for (uint32_t i = 0; i < count; i++) {
            uint8_t *state = fn_arena_alloc_zero(ctx, w->arena, o->states.size);
            FN_TRY_PTR(ctx, state);
            fn_store_u64(slots[i] + o->state_at, (uint64_t)(uintptr_t)state);
        }
    }
    if (!o->states.zero_init)
        for (uint32_t i = 0; i < count; i++) group_states_init(&o->states, aggregate_state(o, slots[i]));
    return FN_OK;
}

fn_status aggregate_ready_pages(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    if (w->pages) return FN_OK;
    w->pages = fn_arena_alloc(ctx, w->scratch, sizeof *w->pages);
    FN_TRY_PTR(ctx, w->pages);
    group_pages_init(w->pages, o->stride);
    return FN_OK;
}

fn_status aggregate_flush(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    uint8_t keys[256 * 16];
    const uint32_t key_size = group_key_size(o->keys.form);
    uint64_t cursor = 0;
    FN_TRY(aggregate_ready_pages(o, ctx, w));
    for (uint32_t n; (n = group_table_walk(&w->table, &cursor, group_table_end(&w->table), w->slots, 256)) != 0;) {
        for (uint32_t i = 0; i < n; i++) memcpy(keys + i * key_size, w->slots[i], key_size);
        group_partitions(o->keys.form, keys, key_size, n, w->numbers);
        for (uint32_t i = 0; i < n; i++) {
            uint8_t *row = group_pages_row(ctx, w->pages, w->numbers[i]);
            FN_TRY_PTR(ctx, row);
            memcpy(row, w->slots[i], o->stride);
            if (o->states.destroys) memset(w->slots[i], 0, o->stride); /* moved: not to be destroyed twice on failure */
        }
    }
    group_table_clear(&w->table);
    return FN_OK;
}

/* Rows become groups of their own in their partitions; repeats in a row share one. */
static fn_status pass_rows(op_aggregate *o, fn_ctx *ctx, group_worker *w, const void *keys, size_t key_stride, uint32_t rows, bool counted)
{
    uint32_t made;
    FN_TRY(group_table_scatter(ctx, o->keys.form, w->pages, keys, key_stride, rows, counted ? o->state_at : 0, w->slots, w->fresh, &made));
    w->pass_rows -= FN_MIN(w->pass_rows, (uint64_t)rows);
    if (w->pages->bytes > w->pages_limit) w->pass_rows = 0; /* after this chunk: states of its rows are still to come */
    FN_TRY(group_keys_settle(ctx, &o->keys, w->arena, w->fresh, made));
    return aggregate_start(o, ctx, w, w->fresh, made);
}

fn_status aggregate_relieve(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t rows)
{
    const uint64_t bytes = (w->table.count + rows) * 2 * o->stride, groups = w->table.count;
    const bool cheap = o->states.small && o->keys.form != GROUP_KEY_BYTES;
    if (o->keys.form == GROUP_KEY_NUMBER || bytes <= TABLE_BYTES_FIRST || groups <= rows) return FN_OK;
    const bool hopeless = cheap && w->table_rows * 8 < groups * 9; /* hardly a key came twice */
    if (!hopeless && bytes <= (cheap ? TABLE_BYTES_SMALL : TABLE_BYTES_OTHER)) return FN_OK;
    FN_TRY(aggregate_flush(o, ctx, w));
    if (cheap && w->table_rows < groups * POOR_REDUCTION) w->pass_rows = groups * PASS_FACTOR;
    w->table_rows = 0;
    return FN_OK;
}

static fn_status table_rows(op_aggregate *o, fn_ctx *ctx, group_worker *w, const void *keys, size_t key_stride, uint32_t rows, bool counted)
{
    FN_TRY(group_table_reserve(ctx, &w->table, rows));
    const uint32_t made = counted ? group_table_count(&w->table, keys, key_stride, rows, o->state_at, w->fresh)
                                    : group_table_find(&w->table, keys, key_stride, rows, w->slots, w->fresh);
    w->table_rows += rows;
    FN_TRY(group_keys_settle(ctx, &o->keys, w->arena, w->fresh, made));
    return aggregate_start(o, ctx, w, w->fresh, made);
}

/* All keys are one: tables sorted by them have long runs. */
static bool is_run(const uint8_t *keys, size_t stride, uint32_t rows)
{
    enum { RUN_MIN = 64 };
    return rows >= RUN_MIN && memcmp(keys, keys + (rows - 1) * stride, stride) == 0 && memcmp(keys, keys + stride, (rows - 1) * stride) == 0;
}

static fn_status take_run(op_aggregate *o, fn_ctx *ctx, group_worker *w, const void *keys, size_t key_stride, fn_column *const *args, uint32_t from, uint32_t rows)
{
    FN_TRY(table_rows(o, ctx, w, keys, key_stride, 1, o->counts));
    w->table_rows += rows - 1;
    return group_states_add_one(ctx, &o->states, w->arena, aggregate_state(o, w->slots[0]), args, from, rows);
}

/* What the groups so far need before more rows come. */
static fn_status settle_groups(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t rows)
{
    if (w->pages && w->pages->bytes > w->pages_limit && o->states.small) FN_TRY(aggregate_compact(o, ctx, w));
    if (o->watch.threshold) FN_TRY(aggregate_watch(o, ctx, w));
    return w->pass_rows ? FN_OK : aggregate_relieve(o, ctx, w, rows);
}

static fn_status take_rows(op_aggregate *o, fn_ctx *ctx, group_worker *w, const void *keys, size_t key_stride, uint32_t rows, bool counted)
{
    return w->pass_rows ? pass_rows(o, ctx, w, keys, key_stride, rows, counted) : table_rows(o, ctx, w, keys, key_stride, rows, counted);
}

fn_status aggregate_find(op_aggregate *o, fn_ctx *ctx, group_worker *w, const void *keys, size_t key_stride, uint32_t rows, bool counted)
{
    FN_TRY(settle_groups(o, ctx, w, rows));
    return take_rows(o, ctx, w, keys, key_stride, rows, counted);
}

static fn_status take_chunk(op_aggregate *o, fn_ctx *ctx, group_worker *w, const void *keys, size_t key_stride, fn_column *const *args, uint32_t from, uint32_t rows)
{
    FN_TRY(settle_groups(o, ctx, w, rows));
    if (o->runs && !w->pass_rows && is_run(keys, key_stride, rows)) return take_run(o, ctx, w, keys, key_stride, args, from, rows);
    FN_TRY(take_rows(o, ctx, w, keys, key_stride, rows, o->counts));
    if (o->counts) return FN_OK;
    if (!o->inlined)
        for (uint32_t i = 0; i < rows; i++) w->slots[i] = aggregate_state(o, w->slots[i]);
    return group_states_add(ctx, &o->states, w->arena, w->slots, o->inlined ? o->state_at : 0, args, from, rows);
}

/* The rows of chosen groups alone. */
static fn_status take_some(op_aggregate *o, fn_ctx *ctx, group_worker *w, const uint8_t *keys, size_t key_stride, fn_column *const *args, uint32_t from,
                           uint32_t rows)
{
    uint32_t count, made = 0;
    const uint32_t size = group_key_size(o->keys.form);
    FN_TRY(aggregate_pick(o, ctx, w, keys, key_stride, rows, &count));
    if (count == rows) return take_chunk(o, ctx, w, keys, key_stride, args, from, rows);
    if (count == 0) return FN_OK;
    fn_column **some = fn_arena_alloc_zero(ctx, ctx->arena, (o->states.arg_count + 1) * sizeof *some);
    FN_TRY_PTR(ctx, some);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(w->picked_keys + (size_t)i * size, keys + w->picked[i] * key_stride, size);
        w->picked[i] += from;
    }
    for (; made < o->states.arg_count; made++) {
        some[made] = fn_column_take(ctx, args[made], w->picked, count);
        if (!some[made]) break;
    }
    const fn_status status = made == o->states.arg_count ? take_chunk(o, ctx, w, w->picked_keys, size, some, 0, count) : ctx->error.code;
    while (made) fn_column_drop(some[--made]);
    return status;
}

static fn_status push_rows(op_aggregate *o, fn_ctx *ctx, group_worker *w, fn_column *const *keys, fn_column *const *args, uint32_t rows)
{
    if (o->group_keys) FN_TRY(ready_keys(o, ctx, keys));
    FN_TRY(ready_worker(o, ctx, w));
    w->rows_since += rows;
    if (o->group_keys == 0) return group_states_add_one(ctx, &o->states, w->arena, w->single, args, 0, rows);
    if (o->counts && !o->enough && o->keys.form == GROUP_KEY_NUMBER && keys[0]->shape == FN_FLAT) {
        group_table_count_bytes(&w->table, keys[0]->values, rows, o->state_at);
        return FN_OK;
    }
    const bool few = aggregate_few_fits(o, w, keys, rows);
    if ((w->by_code || few) && o->watch.threshold) FN_TRY(aggregate_watch(o, ctx, w));
    if (few && !w->pages) {
        FN_TRY(aggregate_few(o, ctx, w, keys, args, rows));
        return aggregate_check(o, ctx, w->table.count);
    }
    if (aggregate_coded_fits(o, ctx, keys[0])) return aggregate_coded(o, ctx, w, keys[0]);
    if (o->keys.by_code && !o->enough && aggregate_codes_pay(o, ctx, w, rows)) return aggregate_codes(o, ctx, w, keys[0], args, rows);
    for (uint32_t from = 0; from < rows; from += GROUP_CHUNK) {
        const uint32_t n = FN_MIN(rows - from, (uint32_t)GROUP_CHUNK);
        const void *packed;
        size_t stride;
        FN_TRY(group_keys_pack(ctx, &o->keys, &w->packer, keys, from, n, &packed, &stride));
        FN_TRY(o->enough ? take_some(o, ctx, w, packed, stride, args, from, n) : take_chunk(o, ctx, w, packed, stride, args, from, n));
    }
    return w->pages ? FN_OK : aggregate_check(o, ctx, w->table.count);
}

fn_status aggregate_check(op_aggregate *o, fn_ctx *ctx, uint64_t groups)
{
    const fn_settings *s = settings_of(ctx);
    if (FN_LIKELY(!s->max_rows_to_group_by || groups <= s->max_rows_to_group_by)) return FN_OK;
    if (fn_str_eq(s->group_by_overflow_mode, FN_STR("throw")))
        return fn_fail(ctx, FN_TOO_MANY_ROWS, "Limit for rows to GROUP BY exceeded: has %llu rows, maximum: %llu", (unsigned long long)groups,
                       (unsigned long long)s->max_rows_to_group_by);
    if (fn_str_eq(s->group_by_overflow_mode, FN_STR("break"))) op_enough(&o->head);
    return FN_OK; /* any: see op_build_aggregate */
}

/* One pass per grouping set: keys outside it are constants. */
static fn_status push_sets(op_aggregate *o, fn_ctx *ctx, group_worker *w, fn_column *const *columns, uint32_t rows)
{
    const plan *n = o->head.node;
    fn_column **keys = fn_arena_alloc_zero(ctx, ctx->arena, (o->group_keys + 1) * sizeof *keys);
    FN_TRY_PTR(ctx, keys);
    fn_status status = FN_OK;
    for (uint32_t s = 0; s < n->aggregate.grouping_set_count && status == FN_OK; s++) {
        for (uint32_t k = 0; k < o->key_count; k++) {
            const bool inside = n->aggregate.grouping_sets[s] >> k & 1;
            keys[k] = inside ? fn_column_ref(columns[k]) : fn_column_default(ctx, o->key_types[k], rows);
            if (!keys[k]) status = ctx->error.code;
        }
        keys[o->key_count] = fn_column_const_u64(ctx, o->key_types[o->key_count], s, rows);
        if (!keys[o->key_count]) status = ctx->error.code;
        if (status == FN_OK) status = push_rows(o, ctx, w, keys, columns + o->key_count, rows);
        for (uint32_t k = 0; k < o->group_keys; k++) fn_column_drop(keys[k]);
    }
    return status;
}

/* The groups of GROUPING SETS without rows: one for each set that has constants at most among its keys, as GROUP BY nothing gives one. Where all
 * keys of all sets are constants there is none, as for GROUP BY of constants. */
fn_status aggregate_empty_sets(op_aggregate *o, fn_ctx *ctx)
{
    const plan *n = o->head.node;
    uint64_t varying = 0;
    for (uint32_t k = 0; k < o->key_count; k++) varying |= (uint64_t)(n->aggregate.keys[k].value->kind != EXPR_CONST) << (k & 63);
    if (!n->aggregate.sets_as_written || (o->key_count && !varying)) return FN_OK;
    group_worker *w = aggregate_worker(o, 0);
    fn_column **keys = fn_arena_alloc_zero(ctx, ctx->arena, (o->group_keys + 1) * sizeof *keys);
    fn_status status = keys ? FN_OK : ctx->error.code;
    for (uint32_t s = 0; s < n->aggregate.grouping_set_count && status == FN_OK; s++) {
        const void *packed;
        size_t stride;
        if (n->aggregate.grouping_sets[s] & varying) continue;
        for (uint32_t k = 0; k < o->group_keys && status == FN_OK; k++) {
            keys[k] = k < o->key_count ? fn_column_default(ctx, o->key_types[k], 1) : fn_column_const_u64(ctx, o->key_types[k], s, 1);
            if (!keys[k]) status = ctx->error.code;
        }
        if (status == FN_OK) status = ready_keys(o, ctx, keys);
        if (status == FN_OK) status = ready_worker(o, ctx, w);
        if (status == FN_OK) status = group_keys_pack(ctx, &o->keys, &w->packer, keys, 0, 1, &packed, &stride);
        if (status == FN_OK) status = aggregate_find(o, ctx, w, packed, stride, 1, false);
        for (uint32_t k = 0; k < o->group_keys; k++) {
            fn_column_drop(keys[k]);
            keys[k] = NULL;
        }
    }
    return status;
}

static fn_status aggregate_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_aggregate *o = (op_aggregate *)self;
    const uint32_t count = o->key_count + o->states.arg_count;
    fn_column **columns = fn_arena_alloc_zero(ctx, ctx->arena, (count + 1) * sizeof *columns);
    FN_TRY_PTR(ctx, columns);
    fn_status status = expr_run(ctx, o->program, in, columns);
    for (uint32_t i = o->key_count; i < count && status == FN_OK; i++) {
        if (columns[i]->shape != FN_DICT) continue;
        fn_column *flat = fn_column_flatten(ctx, columns[i]);
        fn_column_drop(columns[i]);
        columns[i] = flat;
        if (!flat) status = ctx->error.code;
    }
    group_worker *w = aggregate_worker(o, worker);
    if (status == FN_OK && self->node->aggregate.grouping_sets) status = push_sets(o, ctx, w, columns, in->rows);
    else if (status == FN_OK) status = push_rows(o, ctx, w, columns, columns + o->key_count, in->rows);
    for (uint32_t i = 0; i < count; i++) fn_column_drop(columns[i]);
    return status;
}

/* ---- close ---- */

static void destroy_table(op_aggregate *o, group_table *t)
{
    uint8_t *slots[64];
    uint64_t cursor = 0;
    if (o->states.destroys)
        for (uint32_t n; (n = group_table_walk(t, &cursor, group_table_end(t), slots, 64)) != 0;)
            for (uint32_t i = 0; i < n; i++) {
                uint8_t *state = aggregate_state(o, slots[i]);
                if (state) group_states_destroy(&o->states, state);
            }
    group_table_release(t);
}

void aggregate_drop_rows(op_aggregate *o, group_page *page)
{
    for (; o->states.destroys && page->from < page->rows; page->from++) aggregate_drop(o, group_page_row(page, page->from, o->stride));
}

static void destroy_pages(op_aggregate *o, group_pages *s)
{
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
        for (group_page *page = group_pages_take(s, p), *next; page; page = next) {
            next = page->next;
            aggregate_drop_rows(o, page);
            group_page_drop(s, page);
        }
}

static void aggregate_close(op *self)
{
    op_aggregate *o = (op_aggregate *)self;
    for (unsigned i = 0; self->worker_state && i < self->exec->workers; i++) {
        group_worker *w = aggregate_worker(o, i);
        if (w->single) group_states_destroy(&o->states, w->single);
        destroy_table(o, &w->table);
        destroy_table(o, &w->merged);
        destroy_table(o, &w->codes);
        fn_buffer_drop(w->tally_memory);
        fn_buf_release(&w->wraps);
        aggregate_coded_close(w);
        if (w->pages) destroy_pages(o, w->pages);
        group_packer_release(&w->packer);
        aggregate_disk_close(w);
        fn_arena_free(w->merge_arena);
        fn_arena_free(w->arena);
        fn_arena_free(w->scratch);
    }
    if (o->totals) group_states_destroy(&o->states, o->totals);
    group_table_release(&o->chosen);
    fn_arena_free(o->totals_arena);
    if (o->keeps) block_list_release(&o->given);
    group_keys_release(&o->keys);
    fn_arena_free(o->arena);
    (void)pthread_mutex_destroy(&o->lock);
}

static const op_class class_aggregate = {.name = "Aggregate", .size = sizeof(op_aggregate), .worker_size = sizeof(group_worker), .push = aggregate_push,
                                         .finish = aggregate_finish, .next = aggregate_next, .close = aggregate_close};

/* ---- build ---- */

static fn_status compile(op_aggregate *o, fn_ctx *ctx, const plan *node)
{
    expr **all = FN_NEW_ARRAY(ctx, expr *, o->key_count + o->states.arg_count + 1);
    o->key_types = FN_NEW_ARRAY(ctx, const fn_type *, o->group_keys + 1);
    if (!all || !o->key_types) return ctx->error.code;
    uint32_t n = 0;
    for (; n < o->key_count; n++) {
        all[n] = node->aggregate.keys[n].value;
        o->key_types[n] = node->columns[n].type;
    }
    if (o->group_keys > o->key_count) o->key_types[n] = fn_type_simple(FN_T_UINT64);
    for (uint32_t i = 0; i < node->aggregate.item_count; i++)
        for (uint32_t a = 0; a < node->aggregate.items[i].arg_count; a++) all[n++] = node->aggregate.items[i].args[a];
    return exec_compile(ctx, node->inputs[0], all, n, &o->program);
}

fn_status op_build_aggregate(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    pipeline *input;
    op *made;
    bool rewritten;
    FN_TRY(aggregate_rewrite(ctx, e, node, p, &rewritten));
    if (rewritten) return FN_OK;
    if (node->aggregate.overflow_row) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The overflow row of GROUP BY is not supported");
    FN_TRY(pipeline_new(ctx, e, &input));
    FN_TRY(exec_build(ctx, e, node->inputs[0], input));
    FN_TRY(op_new(ctx, e, &class_aggregate, node, &made));
    op_aggregate *o = (op_aggregate *)made;
    FN_ASSERT(pthread_mutex_init(&o->lock, NULL) == 0);
    o->arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, o->arena);
    o->key_count = node->aggregate.key_count;
    o->group_keys = o->key_count + (node->aggregate.grouping_sets != NULL);
    FN_TRY(group_states_plan(ctx, node->aggregate.items, node->aggregate.item_count, &o->states));
    FN_TRY(spill_watch_init(ctx, e, SPILL_GROUP, &o->watch));
    FN_TRY(compile(o, ctx, node));
    if (o->group_keys) aggregate_top_plan(o);
    if (o->group_keys && !node->aggregate.totals && !node->aggregate.grouping_sets && node->aggregate.limit <= ENOUGH_MAX) o->enough = node->aggregate.limit;
    const fn_settings *settings = settings_of(ctx);
    if (o->group_keys && settings->max_rows_to_group_by && fn_str_eq(settings->group_by_overflow_mode, FN_STR("any")))
        o->enough = o->enough ? FN_MIN(o->enough, settings->max_rows_to_group_by) : settings->max_rows_to_group_by; /* no new groups beyond it */
    if (node->aggregate.totals) {
        block_list_init(&o->given);
        o->keeps = true;
        e->totals = made;
    }
    pipeline_end(input, made);
    pipeline_source(p, made, false);
    return FN_OK;
}
