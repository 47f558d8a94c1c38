/* join_build.c - the build side of a hash join: keeps the side's rows, then makes the table over their keys.
 * For ASOF the rows of each key are put in order of the compared value, so that the probe can search them. Memory: the side twice while
 * it is joined, then once, and the table; when that is too much both sides go to files (join_disk.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_join.h"
#include "exec/run.h"
#include "exec/sort.h"
#include "settings/settings.h"

expr **join_side_keys(fn_ctx *ctx, const plan *node, unsigned side)
{
    expr **given = side ? node->join.right_keys : node->join.left_keys;
    expr **keys = FN_NEW_ARRAY(ctx, expr *, node->join.key_count + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; keys && i < node->join.key_count; i++)
        if ((int)i != node->join.asof) keys[n++] = given[i];
    if (keys && node->join.asof >= 0) keys[n] = given[node->join.asof];
    return keys;
}

/* The algorithm asked for first is one that goes to disk at max_rows_in_join and max_bytes_in_join instead of failing. */
static bool has_soft_limits(const fn_settings *s)
{
    static const char *const names[] = {"grace_hash", "auto", "partial_merge", "prefer_partial_merge", "full_sorting_merge", "parallel_full_sorting_merge"};
    fn_str first = s->join_algorithm;
    for (size_t i = 0; i < first.size; i++)
        if (first.data[i] == ',') first.size = i;
    first = fn_str_trim(first);
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (fn_str_eq_nocase(first, fn_cstr(names[i]))) return true;
    return false;
}

static fn_status check_limits(op_join_build *b, fn_ctx *ctx, const fn_block *in)
{
    const fn_settings *s = settings_of(ctx);
    if (FN_LIKELY(!s->max_rows_in_join && !s->max_bytes_in_join) || b->soft_limits) return FN_OK;
    const uint64_t bytes = fn_block_bytes(in), all = atomic_fetch_add(&b->bytes_seen, bytes) + bytes, rows = atomic_fetch_add(&b->rows_seen, in->rows) + in->rows;
    return run_check_size(ctx, FN_SET_SIZE_LIMIT_EXCEEDED, "JOIN", rows, s->max_rows_in_join, all, s->max_bytes_in_join);
}

enum { ROW_BYTES = 48 /* of the table, per row */ };

static fn_status init_watch(op_join_build *b, fn_ctx *ctx)
{
    const fn_settings *s = settings_of(ctx);
    FN_TRY(spill_watch_init(ctx, b->head.exec, SPILL_JOIN, &b->watch));
    b->soft_limits = b->head.exec->env->spill && has_soft_limits(s);
    b->rows_max = b->soft_limits && b->watch.threshold ? s->max_rows_in_join : 0;
    if (!b->soft_limits || !s->max_bytes_in_join || (b->watch.threshold && b->watch.threshold <= s->max_bytes_in_join)) return FN_OK;
    b->watch.threshold = s->max_bytes_in_join;
    b->watch.least = 0;
    return FN_OK;
}

static bool must_spill(const op_join_build *b)
{
    const uint64_t bytes = atomic_load_explicit(&b->held, memory_order_relaxed);
    if (b->rows_max && row_store_count(&b->store) > b->rows_max) return true;
    return spill_watch_due(&b->watch, bytes, bytes + row_store_count(&b->store) * ROW_BYTES);
}

/* Once one worker has written its rows, the others do from time to time. */
static fn_status watch_memory(op_join_build *b, fn_ctx *ctx, unsigned worker, const fn_block *added)
{
    join_build_worker *w = op_worker(&b->head, worker);
    if (!b->watch.threshold) return FN_OK;
    const uint64_t bytes = spill_block_bytes(added);
    w->held += bytes;
    atomic_fetch_add_explicit(&b->held, bytes, memory_order_relaxed);
    const bool due = atomic_load_explicit(&b->on_disk, memory_order_relaxed) && b->store.lists[worker].rows >= SPILL_PARTS_ROWS;
    return due || (w->held >= b->watch.least && must_spill(b)) ? join_disk_build(b, ctx, worker) : FN_OK;
}

static fn_status build_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_join_build *b = (op_join_build *)self;
    fn_block *wide;
    FN_TRY(check_limits(b, ctx, in));
    FN_TRY(key_set_widen(ctx, &b->keys, in, &wide));
    fn_status status = row_store_add(ctx, &b->store, worker, wide);
    if (status == FN_OK) status = watch_memory(b, ctx, worker, wide);
    fn_block_drop(wide);
    return status;
}

static fn_status init_coding(op_join_build *b, fn_ctx *ctx, const plan *n)
{
    const uint32_t count = n->join.key_count - (n->join.asof >= 0);
    const fn_type **left = FN_NEW_ARRAY(ctx, const fn_type *, count + 1), **right = FN_NEW_ARRAY(ctx, const fn_type *, count + 1);
    bool *null_safe = FN_NEW_ARRAY(ctx, bool, count + 1);
    if (!left || !right || !null_safe) return ctx->error.code;
    for (uint32_t i = 0, at = 0; i < n->join.key_count; i++) {
        if ((int)i == n->join.asof) continue;
        left[at] = n->join.left_keys[i]->type;
        right[at] = n->join.right_keys[i]->type;
        null_safe[at++] = n->join.null_safe && n->join.null_safe[i];
    }
    return join_keys_init(ctx, &b->coding, left, right, null_safe, count);
}

static fn_status table_of(op_join_build *b, fn_ctx *ctx, fn_pool *pool, fn_column *const *columns)
{
    const unsigned workers = pool ? b->head.exec->workers : 1;
    if (b->head.node->join.asof < 0) return join_table_build(ctx, &b->table, &b->coding, columns, b->store.rows, NULL, NULL, pool, workers);
    b->asof = fn_column_flatten(ctx, columns[b->coding.count]);
    FN_TRY_PTR(ctx, b->asof);
    const sort_column key = {b->asof, false, false};
    fn_buffer *order = NULL;
    FN_TRY(sort_rows(ctx, pool, workers, &key, 1, b->store.rows, &order));
    const fn_status status =
        join_table_build(ctx, &b->table, &b->coding, columns, b->store.rows, (const uint32_t *)(const void *)order->data, b->asof->nulls, pool, workers);
    fn_buffer_drop(order);
    return status;
}

static fn_status fill_filter(op_join_build *b, fn_ctx *ctx, uint32_t index, fn_column *const *columns)
{
    const plan *n = b->head.node;
    if (n->join.key_count == 1) return runtime_filter_fill(ctx, b->filters[index], &b->table);
    const uint32_t key = b->filter_keys[index];
    return runtime_filter_fill_column(ctx, b->filters[index], columns[key], n->join.left_keys[key]->type, n->join.right_keys[key]->type);
}

fn_status join_build_table(op_join_build *b, fn_ctx *ctx, fn_pool *pool)
{
    if (b->role.keep_build || b->role.first_build) {
        b->matched_bytes = fn_buffer_new_zero(ctx, b->store.rows);
        FN_TRY_PTR(ctx, b->matched_bytes);
        b->matched = (_Atomic uint8_t *)b->matched_bytes->data;
    }
    fn_column **columns = FN_NEW_ARRAY(ctx, fn_column *, b->keys.key_count + 1);
    FN_TRY_PTR(ctx, columns);
    uint32_t made = 0;
    while (made < b->keys.key_count && (columns[made] = row_store_column(ctx, &b->store, b->keys.places[made])) != NULL) made++;
    fn_status status = made == b->keys.key_count ? table_of(b, ctx, pool, columns) : ctx->error.code;
    for (uint32_t i = 0; i < b->filter_count && status == FN_OK; i++) status = fill_filter(b, ctx, i, columns);
    while (made) fn_column_drop(columns[--made]);
    return status;
}

static fn_status build_finish(op *self, fn_ctx *ctx)
{
    op_join_build *b = (op_join_build *)self;
    fn_pool *pool = self->exec->workers > 1 ? self->exec->env->pool : NULL;
    if (b->on_disk || must_spill(b)) return join_disk_finish(b, ctx);
    FN_TRY(row_store_seal(ctx, &b->store, pool, b->keys.types));
    return join_build_table(b, ctx, pool);
}

static void build_close(op *self)
{
    op_join_build *b = (op_join_build *)self;
    for (unsigned i = 0; self->worker_state && i < self->exec->workers; i++) spill_parts_close(((join_build_worker *)op_worker(self, i))->parts);
    join_table_release(&b->table);
    row_store_release(&b->store);
    fn_buffer_drop(b->matched_bytes);
    fn_column_drop(b->asof);
    for (uint32_t i = 0; i < b->filter_count; i++) runtime_filter_release(b->filters[i]);
}

static const op_class class_build = {.name = "JoinBuild", .size = sizeof(op_join_build), .worker_size = sizeof(join_build_worker), .push = build_push, .finish = build_finish, .close = build_close};

fn_status op_join_build_new(fn_ctx *ctx, exec *e, const plan *node, unsigned side, join_role role, op_join_build **out)
{
    op *made;
    pipeline *input;
    FN_TRY(pipeline_new(ctx, e, &input));
    FN_TRY(exec_build(ctx, e, node->inputs[side], input));
    FN_TRY(op_new(ctx, e, &class_build, node, &made));
    op_join_build *b = (op_join_build *)made;
    b->side = side;
    b->role = role;
    b->asof_op = node->join.asof_op;
    expr **keys = join_side_keys(ctx, node, side);
    FN_TRY_PTR(ctx, keys);
    FN_TRY(key_set_init(ctx, &b->keys, node->inputs[side], keys, node->join.key_count));
    FN_TRY(row_store_init(ctx, &b->store, e->workers, b->keys.column_count));
    FN_TRY(init_coding(b, ctx, node));
    FN_TRY(init_watch(b, ctx));
    if (node->join.asof >= 0 && !b->coding.count) b->watch.threshold = 0; /* nothing to part the rows by */
    pipeline_end(input, made);
    *out = b;
    return FN_OK;
}
