/* op_window.c - window functions: rows are kept, put in the order of the window, cut into partitions; parts of whole partitions are
 * evaluated by tasks; the rows leave with the results behind their own columns, in the window's order (more than one block: block
 * by block to all workers). Memory: the input and its arguments twice, the results. When that is too much the rows are sorted in files
 * (spill_sort.c) and evaluated some whole partitions at a time; the largest partition must fit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill_sort.h"
#include "exec/window.h"

enum { PART_ROWS = 65536, ROW_BYTES = 64 /* of order, borders and places, per row */ };

typedef struct op_window {
    op head;
    key_set keys;               /* partition keys, order keys, then the arguments of all items */
    sort_column *directions;    /* of partition and order keys */
    uint32_t sort_count;
    row_store store;
    fn_buffer *order, *starts;
    window w;
    fn_column *order_value;
    window_part *parts;
    uint32_t part_count;
    _Atomic uint32_t next_block;
    uint32_t *block_from;       /* first row of each block to give, and the end */
    uint32_t *block_part;
    uint32_t block_count;
    /* on disk */
    spill_watch watch;
    spill_sort runs;
    bool external;
    _Atomic uint64_t held;      /* bytes of the store's blocks */
    fn_arena *arena;            /* of the rows being evaluated */
    fn_block *carry;            /* rows of the next partitions */
} op_window;

typedef struct window_worker {
    uint64_t held;
} window_worker;

/* Rows, their arguments in order, and what sorting takes. */
static bool must_spill(const op_window *o)
{
    const uint64_t bytes = atomic_load_explicit(&o->held, memory_order_relaxed);
    return spill_watch_due(&o->watch, bytes, 2 * bytes + row_store_count(&o->store) * ROW_BYTES);
}

static fn_status spill(op_window *o, fn_ctx *ctx, unsigned worker)
{
    window_worker *w = op_worker(&o->head, worker);
    FN_TRY(spill_sort_add(ctx, &o->runs, worker, &o->store.lists[worker]));
    atomic_fetch_sub_explicit(&o->held, w->held, memory_order_relaxed);
    w->held = 0;
    return FN_OK;
}

static fn_status watch_memory(op_window *o, fn_ctx *ctx, unsigned worker, const fn_block *added)
{
    window_worker *w = op_worker(&o->head, worker);
    if (!o->watch.threshold) return FN_OK;
    const uint64_t bytes = spill_block_bytes(added);
    w->held += bytes;
    atomic_fetch_add_explicit(&o->held, bytes, memory_order_relaxed);
    return w->held >= o->watch.least && must_spill(o) ? spill(o, ctx, worker) : FN_OK;
}

static fn_status window_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_window *o = (op_window *)self;
    fn_block *wide;
    FN_TRY(key_set_widen(ctx, &o->keys, in, &wide));
    fn_status status = row_store_add(ctx, &o->store, worker, wide);
    if (status == FN_OK) status = watch_memory(o, ctx, worker, wide);
    fn_block_drop(wide);
    return status;
}

/* ---- order and borders ---- */

static fn_column *mutable_column(const fn_column *c)
{
    return (fn_column *)(uintptr_t)c;
}

typedef struct border_job {
    const op_window *o;
    const sort_column *keys;
    uint32_t pieces;
} border_job;

static fn_status mark_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    const border_job *j = arg;
    const op_window *o = j->o;
    const uint32_t partition_count = o->head.node->window.partition_count;
    const uint32_t *order = (const uint32_t *)(const void *)o->order->data;
    const size_t from = (size_t)o->store.rows * index / j->pieces, to = (size_t)o->store.rows * (index + 1) / j->pieces;
    FN_TRY(fn_ctx_check(ctx));
    for (size_t i = from; i < to; i++) {
        uint8_t mark = 0;
        if (!i || sort_compare(j->keys, order[i - 1], j->keys, order[i], partition_count)) mark = 1;
        else if (sort_compare(j->keys + partition_count, order[i - 1], j->keys + partition_count, order[i], o->sort_count - partition_count)) mark = 2;
        o->starts->data[i] = mark;
    }
    return FN_OK;
}

static fn_status order_rows(op_window *o, fn_ctx *ctx, fn_pool *pool)
{
    const uint32_t rows = o->store.rows, workers = o->head.exec->workers;
    sort_column *keys = FN_NEW_ARRAY(ctx, sort_column, o->sort_count + 1);
    FN_TRY_PTR(ctx, keys);
    fn_status status = FN_OK;
    uint32_t made = 0;
    for (; made < o->sort_count; made++) {
        keys[made] = o->directions[made];
        keys[made].column = row_store_column(ctx, &o->store, o->keys.places[made]);
        if (!keys[made].column) break;
    }
    if (made < o->sort_count) status = ctx->error.code;
    if (status == FN_OK) status = sort_rows(ctx, pool, workers, keys, o->sort_count, rows, &o->order);
    if (status == FN_OK) {
        o->starts = fn_buffer_new(ctx, rows);
        border_job job = {o, keys, pool && rows > PART_ROWS ? workers : 1};
        status = o->starts ? parallel_run(ctx, pool, mark_piece, &job, job.pieces) : ctx->error.code;
    }
    for (uint32_t i = 0; i < made; i++) fn_column_drop(mutable_column(keys[i].column));
    return status;
}

/* ---- arguments in window order ---- */

static fn_column *ordered_column(const op_window *o, fn_ctx *ctx, uint32_t place)
{
    fn_column *taken = row_store_take(ctx, &o->store, place, (const uint32_t *)(const void *)o->order->data, o->store.rows);
    fn_column *flat = taken ? fn_column_flatten(ctx, taken) : NULL;
    fn_column_drop(taken);
    return flat;
}

/* args[0], then the default: of each row, or one for all. */
static fn_status make_choices(window_item *item, fn_ctx *ctx)
{
    fn_column *parts[2] = {item->args[0], item->plan->arg_count > 2 ? item->args[2] : item->default_value};
    item->choices = fn_column_concat(ctx, parts, 2);
    return item->choices ? FN_OK : ctx->error.code;
}

static fn_status prepare_item(void *arg, fn_ctx *ctx, uint32_t index)
{
    op_window *o = arg;
    window_item *item = &o->w.items[index];
    for (uint32_t i = 0; i < item->plan->arg_count; i++) {
        item->args[i] = ordered_column(o, ctx, item->arg_places[i]);
        FN_TRY_PTR(ctx, item->args[i]);
    }
    if (!item->function || !item->function->picks) return FN_OK;
    item->default_value = fn_column_default(ctx, item->args[0]->type, 1);
    FN_TRY_PTR(ctx, item->default_value);
    return make_choices(item, ctx);
}

/* ---- evaluation ---- */

typedef struct part_scratch { /* arrays as long as the part */
    uint32_t *peer_from, *peer_to, *frame_from, *frame_to, *places;
    fn_arena *arena;
} part_scratch;

static void find_peers(const op_window *o, uint32_t from, uint32_t to, uint32_t *peer_from, uint32_t *peer_to)
{
    for (uint32_t row = from; row < to;) {
        uint32_t behind = row + 1;
        while (behind < to && !o->starts->data[behind]) behind++;
        for (uint32_t i = row; i < behind; i++) {
            peer_from[i - from] = row;
            peer_to[i - from] = behind;
        }
        row = behind;
    }
}

/* One item over one partition: a value per row into `values`, or the row's place among values or choices into `places`. */
static fn_status eval_partition(const op_window *o, fn_ctx *ctx, const window_item *item, uint32_t from, uint32_t to, part_scratch *s, fn_builder *values,
                                uint32_t *places)
{
    window_partition p = {.w = &o->w, .item = item, .from = from, .to = to, .peer_from = s->peer_from, .peer_to = s->peer_to,
                          .frame_from = s->frame_from, .frame_to = s->frame_to};
    find_peers(o, from, to, s->peer_from, s->peer_to);
    if (!item->function || item->function->needs_frame) FN_TRY(window_frame_fill(ctx, &p));
    if (!item->function) return window_aggregate(ctx, &p, s->arena, values, places);
    return item->function->picks ? item->function->pick(ctx, &p, places) : item->function->eval(ctx, &p, values);
}

static fn_status eval_item(const op_window *o, fn_ctx *ctx, const window_item *item, const window_part *part, part_scratch *s, fn_column **out)
{
    fn_builder values;
    fn_column *column = NULL;
    FN_TRY(fn_builder_init(ctx, &values, item->type));
    fn_status status = FN_OK;
    for (uint32_t from = part->from, to; from < part->to && status == FN_OK; from = to) {
        for (to = from + 1; to < part->to && o->starts->data[to] != 1;) to++;
        status = eval_partition(o, ctx, item, from, to, s, &values, s->places + (from - part->from));
    }
    if (status == FN_OK && item->function && item->function->picks) {
        *out = fn_column_take(ctx, item->choices, s->places, part->to - part->from);
        status = *out ? FN_OK : ctx->error.code;
    } else if (status == FN_OK) {
        status = fn_builder_finish(ctx, &values, &column);
        if (status == FN_OK) {
            *out = item->function ? fn_column_ref(column) : fn_column_take(ctx, column, s->places, part->to - part->from);
            status = *out ? FN_OK : ctx->error.code;
        }
    }
    fn_column_drop(column);
    fn_builder_release(&values);
    return status;
}

static fn_status eval_part(void *arg, fn_ctx *ctx, uint32_t index)
{
    op_window *o = arg;
    window_part *part = &o->parts[index];
    const size_t rows = part->to - part->from;
    fn_buffer *memory = fn_buffer_new(ctx, (rows + 1) * 5 * sizeof(uint32_t));
    FN_TRY_PTR(ctx, memory);
    part_scratch s = {.arena = fn_arena_new(ctx)};
    s.peer_from = (uint32_t *)(void *)memory->data;
    s.peer_to = s.peer_from + rows;
    s.frame_from = s.peer_to + rows;
    s.frame_to = s.frame_from + rows;
    s.places = s.frame_to + rows;
    ctx->arena = s.arena ? fn_arena_new(ctx) : NULL; /* scratch of aggregates */
    fn_status status = ctx->arena ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < o->w.item_count && status == FN_OK; i++) status = eval_item(o, ctx, &o->w.items[i], part, &s, &part->results[i]);
    fn_arena_free(ctx->arena);
    ctx->arena = NULL;
    fn_arena_free(s.arena);
    fn_buffer_drop(memory);
    return status;
}

/* Parts end where partitions do, behind PART_ROWS rows or more; blocks are pieces of parts. */
static fn_status cut_parts(op_window *o, fn_ctx *ctx)
{
    const uint32_t rows = o->store.rows;
    const size_t most = rows / PART_ROWS + 1;
    o->parts = FN_NEW_ARRAY(ctx, window_part, most);
    o->block_from = FN_NEW_ARRAY(ctx, uint32_t, 2 * most + 2);
    o->block_part = FN_NEW_ARRAY(ctx, uint32_t, 2 * most + 2);
    if (!o->parts || !o->block_from || !o->block_part) return ctx->error.code;
    for (uint32_t from = 0, to; from < rows; from = to) {
        to = rows - from > PART_ROWS ? from + PART_ROWS : rows;
        while (to < rows && o->starts->data[to] != 1) to++;
        window_part *part = &o->parts[o->part_count];
        *part = (window_part){from, to, FN_NEW_ARRAY(ctx, fn_column *, o->w.item_count + 1)};
        FN_TRY_PTR(ctx, part->results);
        for (uint32_t at = from; at < to; at += FN_MIN(to - at, (uint32_t)FN_BLOCK_ROWS_MAX)) {
            o->block_from[o->block_count] = at;
            o->block_part[o->block_count++] = o->part_count;
        }
        o->part_count++;
    }
    o->block_from[o->block_count] = rows;
    return FN_OK;
}

static fn_status evaluate(op_window *o, fn_ctx *ctx)
{
    fn_pool *pool = o->head.exec->workers > 1 ? o->head.exec->env->pool : NULL;
    FN_TRY(row_store_seal(ctx, &o->store, pool, o->keys.types));
    FN_TRY(order_rows(o, ctx, pool));
    o->w.rows = o->store.rows;
    o->w.starts = o->starts->data;
    if (o->head.node->window.order_count == 1) {
        o->order_value = ordered_column(o, ctx, o->keys.places[o->sort_count - 1]);
        FN_TRY_PTR(ctx, o->order_value);
        o->w.order_value = o->order_value;
        o->w.descending = o->directions[o->sort_count - 1].descending;
    }
    FN_TRY(parallel_run(ctx, pool, prepare_item, o, o->w.item_count));
    FN_TRY(cut_parts(o, ctx));
    return parallel_run(ctx, pool, eval_part, o, o->part_count);
}

/* Forgets the rows that have been evaluated. */
static void release_rows(op_window *o)
{
    for (uint32_t i = 0; i < o->w.item_count; i++) {
        window_item *item = &o->w.items[i];
        for (uint32_t k = 0; item->args && k < item->plan->arg_count; k++) {
            fn_column_drop(item->args[k]);
            item->args[k] = NULL;
        }
        fn_column_drop(item->choices);
        fn_column_drop(item->default_value);
        item->choices = item->default_value = NULL;
        for (uint32_t p = 0; p < o->part_count; p++) fn_column_drop(o->parts[p].results[i]);
    }
    fn_column_drop(o->order_value);
    fn_buffer_drop(o->order);
    fn_buffer_drop(o->starts);
    o->order_value = NULL;
    o->order = o->starts = NULL;
    o->part_count = o->block_count = 0;
    atomic_store_explicit(&o->next_block, 0, memory_order_relaxed);
    row_store_release(&o->store);
}

/* ---- partitions from the files ---- */

/* The first row of the last partition that begins in the block; rows: none does. */
static uint32_t last_border(const op_window *o, const fn_block *b)
{
    for (uint32_t row = b->rows; row-- > 1;)
        for (uint32_t i = 0; i < o->head.node->window.partition_count; i++) {
            sort_column key = o->directions[i];
            key.column = b->columns[o->keys.places[i]];
            if (sort_compare(&key, row - 1, &key, row, 1) != 0) return row;
        }
    return b->rows;
}

/* Does the block begin a partition of its own? */
static bool begins_partition(const op_window *o, const fn_block *b)
{
    const row_list *list = &o->store.lists[0];
    if (!list->count) return false;
    const fn_block *before = list->blocks[list->count - 1];
    for (uint32_t i = 0; i < o->head.node->window.partition_count; i++) {
        sort_column x = o->directions[i], y = x;
        x.column = before->columns[o->keys.places[i]];
        y.column = b->columns[o->keys.places[i]];
        if (sort_compare(&x, before->rows - 1, &y, 0, 1) != 0) return true;
    }
    return false;
}

/* Adds a block's rows; with enough of them, those of the last partition that begins in it are kept for the next time. */
static fn_status take_block(op_window *o, fn_ctx *ctx, const fn_block *b, uint64_t *bytes, bool *enough)
{
    *bytes += spill_block_bytes(b);
    const bool many = row_store_count(&o->store) + b->rows >= PART_ROWS || *bytes >= o->watch.threshold / 8;
    uint32_t border = many ? last_border(o, b) : b->rows;
    if (many && border == b->rows && begins_partition(o, b)) border = 0;
    *enough = border < b->rows;
    if (!*enough) return row_store_add(ctx, &o->store, 0, b);
    if (!border) {
        o->carry = fn_block_ref(b);
        return FN_OK;
    }
    o->carry = fn_block_slice(ctx, b, border, b->rows - border);
    fn_block *own = o->carry ? fn_block_slice(ctx, b, 0, border) : NULL;
    FN_TRY_PTR(ctx, own);
    const fn_status status = row_store_add(ctx, &o->store, 0, own);
    fn_block_drop(own);
    return status;
}

/* Whole partitions, evaluated; none at the end. */
static fn_status next_partitions(op_window *o, fn_ctx *ctx)
{
    uint64_t bytes = 0;
    bool enough = false;
    release_rows(o);
    fn_arena_reset(o->arena);
    FN_TRY(row_store_init(ctx, &o->store, 1, o->keys.column_count));
    while (!enough) {
        fn_block *b = o->carry;
        o->carry = NULL;
        if (!b) FN_TRY(spill_sort_next(ctx, &o->runs, &b));
        if (!b) break;
        const fn_status status = take_block(o, ctx, b, &bytes, &enough);
        fn_block_drop(b);
        FN_TRY(status);
    }
    return row_store_count(&o->store) ? evaluate(o, ctx) : FN_OK;
}

static fn_status spill_rest(void *arg, fn_ctx *ctx, unsigned worker)
{
    return spill(arg, ctx, worker);
}

static fn_status window_finish(op *self, fn_ctx *ctx)
{
    op_window *o = (op_window *)self;
    o->external = spill_sort_has_runs(&o->runs) || must_spill(o);
    if (!o->external) {
        FN_TRY(evaluate(o, ctx));
        if (o->block_count <= 1) self->width = 1;
        return FN_OK;
    }
    self->width = 1;
    o->arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, o->arena);
    FN_TRY(exec_parallel(ctx, self->exec, spill_rest, o));
    return spill_sort_finish(ctx, &o->runs);
}

static fn_status give_block(const op_window *o, fn_ctx *ctx, uint32_t index, fn_block **out)
{
    const uint32_t own = o->keys.input_count;
    const window_part *part = &o->parts[o->block_part[index]];
    const uint32_t from = o->block_from[index], rows = o->block_from[index + 1] - from;
    const uint32_t *ids = (const uint32_t *)(const void *)o->order->data + from;
    fn_block *b = fn_block_new(ctx, own + o->w.item_count, rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0; i < b->count; i++) {
        b->columns[i] = i < own ? row_store_take(ctx, &o->store, i, ids, rows) : fn_column_slice(ctx, part->results[i - own], from - part->from, rows);
        if (b->columns[i]) continue;
        fn_block_drop(b);
        return ctx->error.code;
    }
    *out = b;
    return FN_OK;
}

static fn_status window_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    op_window *o = (op_window *)self;
    (void)worker;
    *out = NULL;
    const uint32_t index = atomic_fetch_add_explicit(&o->next_block, 1, memory_order_relaxed);
    if (index < o->block_count) return give_block(o, ctx, index, out);
    if (!o->external) return FN_OK;
    fn_arena *outer = ctx->arena;
    ctx->arena = o->arena;
    fn_status status = next_partitions(o, ctx);
    ctx->arena = outer;
    if (status == FN_OK && o->block_count) status = give_block(o, ctx, atomic_fetch_add_explicit(&o->next_block, 1, memory_order_relaxed), out);
    return status;
}

static void window_close(op *self)
{
    op_window *o = (op_window *)self;
    release_rows(o);
    spill_sort_release(&o->runs);
    fn_block_drop(o->carry);
    fn_arena_free(o->arena);
}

static const op_class class_window = {
    .name = "Window", .size = sizeof(op_window), .worker_size = sizeof(window_worker), .push = window_push, .finish = window_finish, .next = window_next, .close = window_close};

/* ---- building ---- */

/* Arguments as the function takes them: lag's value and default in the type of its result. */
static fn_status item_arg(fn_ctx *ctx, const window_item *item, uint32_t index, expr **out)
{
    *out = item->plan->args[index];
    if (!item->function || !item->function->picks || index == 1) return FN_OK;
    return expr_cast(ctx, *out, item->type, out);
}

static fn_status init_item(fn_ctx *ctx, const plan *node, const plan_window_item *wanted, window_item *item, expr **keys, uint32_t *key_count)
{
    const agg_def *def = wanted->call->def;
    *item = (window_item){.plan = wanted, .type = wanted->call->type};
    if (def->flags & AGG_WINDOW_ONLY) {
        item->function = window_function_find(def->name);
        if (!item->function) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Window function '%s' is not supported", def->name);
        if (item->function->check) FN_TRY(item->function->check(ctx, wanted, node->window.order_count > 0));
    }
    FN_TRY(window_frame_check(ctx, node, item));
    item->args = FN_NEW_ARRAY(ctx, fn_column *, wanted->arg_count + 1);
    item->arg_places = FN_NEW_ARRAY(ctx, uint32_t, wanted->arg_count + 1);
    if (!item->args || !item->arg_places) return ctx->error.code;
    for (uint32_t i = 0; i < wanted->arg_count; i++) {
        item->arg_places[i] = *key_count; /* of the key; the column's place later */
        FN_TRY(item_arg(ctx, item, i, &keys[(*key_count)++]));
    }
    return FN_OK;
}

static fn_status init_keys(op_window *o, fn_ctx *ctx, const plan *node)
{
    const uint32_t sorted = node->window.partition_count + node->window.order_count;
    uint32_t count = sorted;
    for (uint32_t i = 0; i < node->window.item_count; i++) count += node->window.items[i].arg_count;
    expr **keys = FN_NEW_ARRAY(ctx, expr *, count + 1);
    o->directions = FN_NEW_ARRAY(ctx, sort_column, sorted + 1);
    o->w.items = FN_NEW_ARRAY(ctx, window_item, node->window.item_count + 1);
    if (!keys || !o->directions || !o->w.items) return ctx->error.code;
    count = 0;
    for (uint32_t i = 0; i < node->window.partition_count; i++) keys[count++] = node->window.partition_by[i];
    for (uint32_t i = 0; i < node->window.order_count; i++) {
        const plan_sort_key *key = &node->window.order_by[i];
        if (key->collate.size) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "COLLATE '" FN_STR_FMT "' is not supported", FN_STR_ARG(key->collate));
        o->directions[count] = (sort_column){NULL, key->descending, key->nulls_first};
        keys[count++] = key->value;
    }
    o->sort_count = count;
    o->w.ordered = node->window.order_count > 0;
    for (uint32_t i = 0; i < node->window.item_count; i++) {
        FN_TRY(init_item(ctx, node, &node->window.items[i], &o->w.items[i], keys, &count));
        o->w.item_count = i + 1;
    }
    FN_TRY(key_set_init(ctx, &o->keys, node->inputs[0], keys, count));
    for (uint32_t i = 0; i < o->w.item_count; i++)
        for (uint32_t k = 0; k < o->w.items[i].plan->arg_count; k++) o->w.items[i].arg_places[k] = o->keys.places[o->w.items[i].arg_places[k]];
    return FN_OK;
}

fn_status op_build_window(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    pipeline *input;
    FN_TRY(pipeline_new(ctx, e, &input));
    FN_TRY(exec_build(ctx, e, node->inputs[0], input));
    FN_TRY(op_new(ctx, e, &class_window, node, &made));
    op_window *o = (op_window *)made;
    FN_TRY(init_keys(o, ctx, node));
    FN_TRY(row_store_init(ctx, &o->store, e->workers, o->keys.column_count));
    FN_TRY(spill_watch_init(ctx, e, SPILL_SORT, &o->watch));
    FN_TRY(spill_sort_init(ctx, &o->runs, e, &o->watch, o->keys.types, o->keys.column_count, o->keys.places, o->directions, o->sort_count));
    pipeline_end(input, made);
    pipeline_source(p, made, false);
    return FN_OK;
}
