/* op_distinct.c - DISTINCT: the first row of each key goes on, at once and in order; so LIMIT can stop it early.
 *
 * The keys seen lie in 16 tables shared by the workers, picked by hash, each behind a lock that is taken once per chunk of
 * rows. In front of them every worker has a small table of keys that it has met, which is all that few distinct values need;
 * when it is full it only answers, and when it answers rarely it is left out. Memory: the keys; when they are too many they go to files
 * with all rows that follow (distinct_disk.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_distinct.h"
#include "exec/run.h"
#include "settings/settings.h"

enum { LOCAL_KEYS = 8192, TRIAL_ROWS = 1 << 17 };

static fn_status plan_keys(op_distinct *o, fn_ctx *ctx, fn_column *const *columns)
{
    fn_arena *outer = ctx->arena;
    ctx->arena = o->arena;
    fn_status status = group_keys_plan(ctx, o->types, columns, o->key_count, &o->keys);
    ctx->arena = outer;
    for (uint32_t i = 0; i < DISTINCT_SHARDS; i++) group_table_init(&o->shards[i].table, o->keys.form, group_key_size(o->keys.form));
    return status;
}

static fn_status plan_once(op_distinct *o, fn_ctx *ctx, fn_column *const *columns)
{
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&o->lock) == 0);
    if (!o->ready) {
        status = plan_keys(o, ctx, columns);
        o->ready = status == FN_OK;
    }
    FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
    return status;
}

fn_status distinct_ready(op_distinct *o, fn_ctx *ctx, distinct_worker *w)
{
    if (w->ready) return FN_OK;
    FN_TRY(group_packer_init(ctx, &o->keys, &w->packer));
    w->ready = true;
    group_table_init(&w->local, o->keys.form, group_key_size(o->keys.form));
    w->arena = fn_arena_new(ctx);
    w->left = fn_alloc(ctx, GROUP_CHUNK * sizeof *w->left);
    w->picked = fn_alloc(ctx, (size_t)GROUP_CHUNK * 16);
    w->rows = fn_alloc(ctx, GROUP_CHUNK * sizeof *w->rows);
    w->numbers = fn_alloc(ctx, GROUP_CHUNK);
    w->slots = fn_alloc(ctx, GROUP_CHUNK * sizeof *w->slots);
    w->fresh = fn_alloc(ctx, GROUP_CHUNK * sizeof *w->fresh);
    return w->arena && w->left && w->picked && w->rows && w->numbers && w->slots && w->fresh ? FN_OK : ctx->error.code;
}

/* Looks up `count` keys of one shard; marks the rows of new ones, or all if the shard's keys are on disk. */
static fn_status look_up(op_distinct *o, fn_ctx *ctx, distinct_worker *w, distinct_shard *s, uint32_t count, uint8_t *mask)
{
    const uint32_t size = group_key_size(o->keys.form);
    FN_ASSERT(pthread_mutex_lock(&s->lock) == 0);
    fn_status status = FN_OK;
    const bool later = s->on_disk;
    for (uint32_t i = 0; later && i < count; i++) mask[w->rows[i]] = DISTINCT_LATER;
    if (!later && !s->arena) s->arena = fn_arena_new(ctx);
    if (!later && !s->arena) status = ctx->error.code;
    if (status == FN_OK && !later) status = group_table_reserve(ctx, &s->table, count);
    if (status == FN_OK && !later) {
        const uint32_t made = group_table_find(&s->table, w->picked, size, count, w->slots, w->fresh);
        for (uint32_t i = 0, next = 0; i < count && next < made; i++)
            if (w->slots[i] == w->fresh[next]) {
                mask[w->rows[i]] = DISTINCT_NEW;
                next++;
            }
        status = group_keys_settle(ctx, &o->keys, s->arena, w->fresh, made);
    }
    FN_ASSERT(pthread_mutex_unlock(&s->lock) == 0);
    return status;
}

/* Rows whose keys the worker has not met, in w->left. */
static fn_status leave_unknown(op_distinct *o, fn_ctx *ctx, distinct_worker *w, const uint8_t *keys, size_t stride, uint32_t rows, uint32_t *count)
{
    *count = 0;
    if (w->asked >= TRIAL_ROWS && w->answered * 4 < w->asked) {
        for (*count = 0; *count < rows; ++*count) w->left[*count] = *count;
        return FN_OK;
    }
    if (w->local.count < LOCAL_KEYS) {
        FN_TRY(group_table_reserve(ctx, &w->local, rows));
        const uint32_t made = group_table_find(&w->local, keys, stride, rows, w->slots, w->fresh);
        for (uint32_t i = 0; i < rows && *count < made; i++)
            if (w->slots[i] == w->fresh[*count]) w->left[(*count)++] = i;
        FN_TRY(group_keys_settle(ctx, &o->keys, w->arena, w->fresh, made));
    } else {
        group_table_look(&w->local, keys, stride, rows, w->slots);
        for (uint32_t i = 0; i < rows; i++) {
            w->left[*count] = i;
            *count += w->slots[i] == NULL;
        }
    }
    w->asked += rows;
    w->answered += rows - *count;
    return FN_OK;
}

static fn_status chunk(op_distinct *o, fn_ctx *ctx, distinct_worker *w, const uint8_t *keys, size_t stride, uint32_t rows, uint8_t *mask)
{
    const uint32_t size = group_key_size(o->keys.form);
    uint32_t unknown = 0;
    uint64_t shards = 0;
    memset(mask, 0, rows);
    FN_TRY(leave_unknown(o, ctx, w, keys, stride, rows, &unknown));
    if (unknown == 0) return FN_OK;
    group_partitions(o->keys.form, keys, stride, rows, w->numbers);
    for (uint32_t i = 0; i < unknown; i++) shards |= (uint64_t)1 << (w->numbers[w->left[i]] % DISTINCT_SHARDS);
    for (uint32_t s = 0; s < DISTINCT_SHARDS; s++) {
        uint32_t count = 0;
        if (!(shards >> s & 1)) continue;
        for (uint32_t i = 0; i < unknown; i++) {
            if (w->numbers[w->left[i]] % DISTINCT_SHARDS != s) continue;
            memcpy(w->picked + (size_t)count * size, keys + w->left[i] * stride, size);
            w->rows[count++] = w->left[i];
        }
        FN_TRY(look_up(o, ctx, w, &o->shards[s], count, mask));
    }
    return FN_OK;
}

static fn_status mark_new(op_distinct *o, fn_ctx *ctx, distinct_worker *w, fn_column *const *columns, uint32_t rows, uint8_t *mask)
{
    if (!w->ready) FN_TRY(plan_once(o, ctx, columns));
    FN_TRY(distinct_ready(o, ctx, w));
    for (uint32_t from = 0; from < rows; from += GROUP_CHUNK) {
        const uint32_t n = FN_MIN(rows - from, (uint32_t)GROUP_CHUNK);
        const void *keys;
        size_t stride;
        FN_TRY(group_keys_pack(ctx, &o->keys, &w->packer, columns, from, n, &keys, &stride));
        FN_TRY(chunk(o, ctx, w, keys, stride, n, mask + from));
    }
    return FN_OK;
}

/* The bytes are those of the keys. */
fn_status distinct_check(op_distinct *o, fn_ctx *ctx, uint64_t rows)
{
    const fn_settings *s = settings_of(ctx);
    const uint64_t bytes = rows * group_key_size(o->keys.form) * 2;
    const bool many = s->max_rows_in_distinct && rows > s->max_rows_in_distinct;
    char max[48], now[48];
    if (!many && !(s->max_bytes_in_distinct && bytes > s->max_bytes_in_distinct)) return FN_OK;
    if (fn_str_eq(s->distinct_overflow_mode, FN_STR("break"))) {
        op_enough(&o->head);
        return FN_OK;
    }
    if (many) {
        run_rows_text(max, sizeof max, s->max_rows_in_distinct);
        run_rows_text(now, sizeof now, rows);
    } else {
        run_bytes_text(max, sizeof max, s->max_bytes_in_distinct);
        run_bytes_text(now, sizeof now, bytes);
    }
    const char *const what = many ? "rows" : "bytes";
    return fn_fail(ctx, FN_SET_SIZE_LIMIT_EXCEEDED, "Limit for DISTINCT exceeded, max %s: %s, current %s: %s", what, max, what, now);
}

/* Hands the marked rows on; those marked LATER are set aside. */
static fn_status give_rows(op_distinct *o, fn_ctx *ctx, unsigned worker, fn_block *in, fn_column *const *keys, uint8_t *marks)
{
    op *self = &o->head;
    uint32_t kept = 0, later = 0;
    if (o->on_disk)
        for (uint32_t i = 0; i < in->rows; i++) later += marks[i] == DISTINCT_LATER;
    if (later) FN_TRY(distinct_set_aside(o, ctx, op_worker(self, worker), in, keys, marks, later));
    for (uint32_t i = 0; later && i < in->rows; i++) marks[i] = marks[i] == DISTINCT_NEW;
    for (uint32_t i = 0; i < in->rows; i++) kept += marks[i];
    const uint64_t rows = atomic_fetch_add_explicit(&o->rows, kept, memory_order_relaxed) + kept, limit = self->node->distinct.limit;
    FN_TRY(distinct_check(o, ctx, rows));
    if (limit && rows >= limit) op_enough(self);
    if (kept == in->rows) return op_emit(self, ctx, worker, in);
    fn_block *out = kept ? fn_block_filter(ctx, in, marks, kept) : NULL;
    if (!kept) return FN_OK;
    FN_TRY_PTR(ctx, out);
    const fn_status status = op_emit(self, ctx, worker, out);
    fn_block_drop(out);
    return status;
}

static fn_status distinct_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_distinct *o = (op_distinct *)self;
    distinct_worker *w = op_worker(self, worker);
    uint8_t *marks = fn_arena_alloc(ctx, ctx->arena, (size_t)in->rows + FN_BUFFER_PAD);
    fn_column **columns = in->columns;
    if (!marks) return ctx->error.code;
    if (o->program) {
        columns = fn_arena_alloc_zero(ctx, ctx->arena, (o->key_count + 1) * sizeof *columns);
        FN_TRY_PTR(ctx, columns);
        FN_TRY(expr_run(ctx, o->program, in, columns));
    }
    fn_status status = mark_new(o, ctx, w, columns, in->rows, marks);
    if (status == FN_OK) status = give_rows(o, ctx, worker, in, columns, marks);
    for (uint32_t i = 0; o->program && i < o->key_count; i++) fn_column_drop(columns[i]);
    return status == FN_OK && o->watch.threshold ? distinct_watch(o, ctx, w) : status;
}

static fn_status distinct_drain(op *self, fn_ctx *ctx, unsigned worker)
{
    op_distinct *o = (op_distinct *)self;
    return o->on_disk ? distinct_disk_drain(o, ctx, worker) : FN_OK;
}

static void distinct_close(op *self)
{
    op_distinct *o = (op_distinct *)self;
    for (unsigned i = 0; self->worker_state && i < self->exec->workers; i++) {
        distinct_worker *w = op_worker(self, i);
        group_packer_release(&w->packer);
        group_table_release(&w->local);
        fn_arena_free(w->arena);
        fn_free(w->left);
        fn_free(w->picked);
        fn_free(w->rows);
        fn_free(w->numbers);
        fn_free(w->slots);
        fn_free(w->fresh);
        spill_parts_close(w->given);
        spill_parts_close(w->later);
        row_list_release(&w->list);
    }
    for (uint32_t i = 0; o->shards && i < DISTINCT_SHARDS; i++) {
        group_table_release(&o->shards[i].table);
        fn_arena_free(o->shards[i].arena);
        (void)pthread_mutex_destroy(&o->shards[i].lock);
    }
    group_keys_release(&o->keys);
    fn_arena_free(o->arena);
    (void)pthread_mutex_destroy(&o->lock);
}

static const op_class class_distinct = {
    .name = "Distinct", .size = sizeof(op_distinct), .worker_size = sizeof(distinct_worker), .push = distinct_push,
                                        .drain = distinct_drain, .close = distinct_close};

fn_status op_build_distinct(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    const plan *input = node->inputs[0];
    FN_TRY(exec_build(ctx, e, input, p));
    FN_TRY(op_new(ctx, e, &class_distinct, node, &made));
    op_distinct *o = (op_distinct *)made;
    FN_ASSERT(pthread_mutex_init(&o->lock, NULL) == 0);
    o->arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, o->arena);
    o->key_count = node->distinct.keys ? node->distinct.key_count : input->column_count;
    o->types = FN_NEW_ARRAY(ctx, const fn_type *, o->key_count + 1);
    FN_TRY_PTR(ctx, o->types);
    for (uint32_t i = 0; i < o->key_count; i++) o->types[i] = node->distinct.keys ? node->distinct.keys[i]->type : input->columns[i].type;
    if (node->distinct.keys) FN_TRY(exec_compile(ctx, input, node->distinct.keys, o->key_count, &o->program));
    FN_TRY(spill_watch_init(ctx, e, SPILL_DISTINCT, &o->watch));
    o->row_types = FN_NEW_ARRAY(ctx, const fn_type *, input->column_count + o->key_count + 1);
    FN_TRY_PTR(ctx, o->row_types);
    for (uint32_t i = 0; i < input->column_count; i++) o->row_types[i] = input->columns[i].type;
    for (uint32_t i = 0; i < o->key_count; i++) o->row_types[input->column_count + i] = o->types[i];
    o->shards = fn_arena_alloc_zero(ctx, e->arena, DISTINCT_SHARDS * sizeof *o->shards + 64);
    FN_TRY_PTR(ctx, o->shards);
    for (uint32_t i = 0; i < DISTINCT_SHARDS; i++) FN_ASSERT(pthread_mutex_init(&o->shards[i].lock, NULL) == 0);
    pipeline_append(p, made);
    return FN_OK;
}
