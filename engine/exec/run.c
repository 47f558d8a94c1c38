/* run.c - runs a statement: fills its cells, builds pipelines, and drives each with the engine's workers.
 *
 * Every worker has a context of its own (arena, error) over the statement's tracker and cancellation. The first failure
 * wins: it is kept, the other workers see `failed` at their next morsel and stop. Between morsels the worker's arena is
 * emptied and cancellation, time and read limits are checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"
#include "settings/settings.h"
#include <stdio.h>

/* ---- workers ---- */

typedef struct parallel {
    exec *e;
    exec_task_fn *fn;
    void *arg;
    fn_ctx *failure;          /* context of the first that failed */
    pthread_mutex_t lock;
} parallel;

static void run_task(void *arg, unsigned index)
{
    parallel *p = arg;
    fn_ctx *ctx = &p->e->worker[index].ctx;
    fn_arena_reset(ctx->arena);
    if (p->fn(p->arg, ctx, index) == FN_OK) return;
    FN_ASSERT(pthread_mutex_lock(&p->lock) == 0);
    if (!p->failure) p->failure = ctx;
    FN_ASSERT(pthread_mutex_unlock(&p->lock) == 0);
    atomic_store_explicit(&p->e->failed, true, memory_order_relaxed);
}

static fn_status run_parallel(fn_ctx *ctx, exec *e, exec_task_fn *fn, void *arg, unsigned width)
{
    parallel p = {.e = e, .fn = fn, .arg = arg};
    FN_ASSERT(pthread_mutex_init(&p.lock, NULL) == 0);
    const fn_status status = fn_pool_run(ctx, e->env->pool, run_task, &p, width);
    (void)pthread_mutex_destroy(&p.lock);
    FN_TRY(status);
    if (!p.failure) return FN_OK;
    ctx->error = p.failure->error;
    return ctx->error.code;
}

fn_status exec_parallel(fn_ctx *ctx, exec *e, exec_task_fn *fn, void *arg)
{
    return run_parallel(ctx, e, fn, arg, e->workers);
}

static fn_status workers_new(fn_ctx *ctx, exec *e)
{
    e->worker = fn_alloc_zero(ctx, e->workers * sizeof *e->worker);
    FN_TRY_PTR(ctx, e->worker);
    for (unsigned i = 0; i < e->workers; i++) {
        fn_ctx *w = &e->worker[i].ctx;
        w->memory = ctx->memory;
        w->cancel = ctx->cancel;
        w->settings = ctx->settings;
        w->arena = fn_arena_new(ctx);
        FN_TRY_PTR(ctx, w->arena);
    }
    return FN_OK;
}

static void workers_free(exec *e)
{
    for (unsigned i = 0; e->worker && i < e->workers; i++) fn_arena_free(e->worker[i].ctx.arena);
    fn_free(e->worker);
}

/* ---- limits ---- */

void run_rows_text(char *out, size_t size, uint64_t n)
{
    static const char *const units[] = {"", " thousand", " million", " billion", " trillion"};
    double v = (double)n;
    size_t u = 0;
    for (; v >= 1000 && u + 1 < FN_COUNT(units); u++) v /= 1000;
    (void)snprintf(out, size, "%.2f%s", v, units[u]);
}

void run_bytes_text(char *out, size_t size, uint64_t n)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    double v = (double)n;
    size_t u = 0;
    for (; v >= 1024 && u + 1 < FN_COUNT(units); u++) v /= 1024;
    (void)snprintf(out, size, "%.2f%s", v, units[u]);
}

fn_status run_check_size(fn_ctx *ctx, fn_status code, const char *what, uint64_t rows, uint64_t rows_max, uint64_t bytes, uint64_t bytes_max)
{
    char max[48], now[48];
    const bool many = rows_max && rows > rows_max;
    if (!many && !(bytes_max && bytes > bytes_max)) return FN_OK;
    if (many) {
        run_rows_text(max, sizeof max, rows_max);
        run_rows_text(now, sizeof now, rows);
    } else {
        run_bytes_text(max, sizeof max, bytes_max);
        run_bytes_text(now, sizeof now, bytes);
    }
    const char *const unit = many ? "rows" : "bytes";
    return fn_fail(ctx, code, "Limit for %s exceeded, max %s: %s, current %s: %s", what, unit, max, unit, now);
}

static bool breaks(fn_str mode)
{
    return fn_str_eq(mode, FN_STR("break"));
}

fn_status exec_count_read(fn_ctx *ctx, exec *e, uint64_t rows, uint64_t bytes)
{
    const fn_settings *s = settings_of(ctx);
    exec_progress *p = e->env->progress;
    const uint64_t all_rows = atomic_fetch_add_explicit(&p->rows_read, rows, memory_order_relaxed) + rows;
    const uint64_t all_bytes = atomic_fetch_add_explicit(&p->bytes_read, bytes, memory_order_relaxed) + bytes;
    const bool too_many = s->max_rows_to_read && all_rows > s->max_rows_to_read;
    if (!too_many && !(s->max_bytes_to_read && all_bytes > s->max_bytes_to_read)) return FN_OK;
    if (breaks(s->read_overflow_mode)) {
        atomic_store_explicit(&e->enough, true, memory_order_relaxed);
        return FN_OK;
    }
    char max[48], now[48];
    if (too_many) {
        run_rows_text(max, sizeof max, s->max_rows_to_read);
        run_rows_text(now, sizeof now, all_rows);
        return fn_fail(ctx, FN_TOO_MANY_ROWS, "Limit for rows (controlled by 'max_rows_to_read' setting) exceeded, max rows: %s, current rows: %s", max, now);
    }
    run_bytes_text(max, sizeof max, s->max_bytes_to_read);
    run_bytes_text(now, sizeof now, all_bytes);
    return fn_fail(ctx, FN_TOO_MANY_BYTES, "Limit for rows or bytes to read exceeded, max bytes: %s, current bytes: %s", max, now);
}

void exec_rows_before_limit(exec *e, uint64_t rows)
{
    atomic_fetch_add_explicit(&e->state->rows_before_limit, rows, memory_order_relaxed);
}

/* Cancellation and time; past max_execution_time in mode `break` the sources dry up instead. */
static fn_status check_morsel(fn_ctx *ctx, exec *e)
{
    const fn_status status = fn_ctx_check(ctx);
    if (status != FN_TIMEOUT_EXCEEDED || !breaks(settings_of(ctx)->timeout_overflow_mode)) return status;
    fn_error_clear(ctx);
    atomic_store_explicit(&e->enough, true, memory_order_relaxed);
    return FN_OK;
}

/* ---- one pipeline ---- */

static fn_status open_op(fn_ctx *ctx, exec *e, op *o)
{
    if (!o->opened) {
        o->opened = true;
        o->worker_stride = fn_round_up(o->class->worker_size, 64);
        if (o->worker_stride && !o->worker_state) {
            o->worker_state = fn_arena_alloc_zero(ctx, e->arena, o->worker_stride * e->workers);
            FN_TRY_PTR(ctx, o->worker_state);
        }
        if (o->class->open) FN_TRY(o->class->open(o, ctx));
    }
    return FN_OK;
}

/* The consumers first, so that a source's scan knows everything; for UNION ALL also those behind the junction. */
static fn_status open_chain(fn_ctx *ctx, pipeline *p)
{
    if (p->into) FN_TRY(open_chain(ctx, p->into));
    for (op *o = p->source; o != p->tail; o = o->next) FN_TRY(open_op(ctx, p->exec, o->next)); /* a sink's next is of the pipeline it feeds */
    return open_op(ctx, p->exec, p->source);
}

static fn_status push_morsels(void *arg, fn_ctx *ctx, unsigned worker)
{
    pipeline *p = arg;
    op *source = p->source;
    while (!pipeline_is_done(p)) {
        fn_block *block = NULL;
        fn_status status = check_morsel(ctx, p->exec);
        if (status == FN_OK) status = source->class->next(source, ctx, worker, &block);
        if (status == FN_OK && !block) return FN_OK;
        if (status == FN_OK) status = op_emit(source, ctx, worker, block);
        fn_block_drop(block);
        FN_TRY(status);
        fn_arena_reset(ctx->arena);
    }
    return FN_OK;
}

static fn_status drain_one(void *arg, fn_ctx *ctx, unsigned worker)
{
    op *o = arg;
    return o->class->drain(o, ctx, worker);
}

static fn_status run_pipeline(fn_ctx *ctx, pipeline *p)
{
    exec *e = p->exec;
    FN_TRY(open_chain(ctx, p));
    const unsigned width = p->serial ? 1 : p->source->width ? FN_MIN(p->source->width, e->workers) : e->workers;
    FN_TRY(run_parallel(ctx, e, push_morsels, p, width));
    for (op *o = p->source; o != p->tail; o = o->next)
        if (o->next->class->drain) FN_TRY(run_parallel(ctx, e, drain_one, o->next, e->workers));
    op *sink = p->tail;
    return sink->class->finish ? sink->class->finish(sink, ctx) : FN_OK;
}

/* ---- a plan ---- */

static fn_status exec_new(fn_ctx *ctx, exec_run_state *s, exec *e)
{
    *e = (exec){.env = s->env, .state = s, .workers = FN_MAX(s->env->workers, 1u)};
    e->arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, e->arena);
    return workers_new(ctx, e);
}

static void exec_close(exec *e)
{
    for (op *o = e->all; o; o = o->next_made)
        if (o->class->close) o->class->close(o);
    workers_free(e);
    fn_arena_free(e->arena);
}

static fn_status run_pipelines(fn_ctx *ctx, exec *e)
{
    for (pipeline *p = e->first; p; p = p->next) FN_TRY(run_pipeline(ctx, p));
    return FN_OK;
}

fn_status run_collect(fn_ctx *ctx, exec_run_state *s, plan *root, uint64_t rows_enough, block_list *out)
{
    exec e;
    pipeline *p;
    op *sink = NULL;
    fn_arena *outer = ctx->arena;
    fn_status status = exec_new(ctx, s, &e);
    if (status == FN_OK) {
        ctx->arena = e.arena;
        status = pipeline_new(ctx, &e, &p);
        if (status == FN_OK) status = exec_build(ctx, &e, root, p);
        if (status == FN_OK) status = op_collect_new(ctx, &e, root, rows_enough, &sink);
        if (status == FN_OK) {
            pipeline_end(p, sink);
            status = run_pipelines(ctx, &e);
        }
        for (fn_block *b; status == FN_OK && (b = block_list_next(op_collect_list(sink))) != NULL; fn_block_drop(b)) status = block_list_add(ctx, out, b);
        ctx->arena = outer;
    }
    exec_close(&e);
    return status;
}

fn_status run_keep_shared(fn_ctx *ctx, exec_run_state *s, plan_shared *shared)
{
    if (s->shared_count == s->shared_room) {
        const uint32_t room = s->shared_room ? s->shared_room * 2 : 8;
        plan_shared **more = fn_realloc(ctx, s->shared, room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        s->shared = more;
        s->shared_room = room;
    }
    s->shared[s->shared_count++] = shared;
    return FN_OK;
}

static void release_shared(exec_run_state *s)
{
    for (uint32_t i = 0; i < s->shared_count; i++) {
        plan_shared *p = s->shared[i];
        for (uint32_t k = 0; k < p->block_count; k++) fn_block_drop(p->blocks[k]);
        fn_free(p->blocks);
        p->blocks = NULL;
        p->block_count = 0;
        p->done = false;
    }
    fn_free(s->shared);
}

/* ---- the result ---- */

typedef struct op_output {
    op head;
    exec_output *out;
    pthread_mutex_t lock;
    uint64_t rows, bytes;
    bool full;               /* result_overflow_mode = 'break' */
} op_output;

static fn_status check_result(op_output *o, fn_ctx *ctx)
{
    const fn_settings *s = settings_of(ctx);
    const bool rows = s->max_result_rows && o->rows > s->max_result_rows;
    if (!rows && !(s->max_result_bytes && o->bytes > s->max_result_bytes)) return FN_OK;
    if (breaks(s->result_overflow_mode)) {
        o->full = true;
        op_enough(&o->head);
        return FN_OK;
    }
    char max[48], now[48];
    if (rows) {
        run_rows_text(max, sizeof max, s->max_result_rows);
        run_rows_text(now, sizeof now, o->rows);
    } else {
        run_bytes_text(max, sizeof max, s->max_result_bytes);
        run_bytes_text(now, sizeof now, o->bytes);
    }
    return fn_fail(ctx, FN_TOO_MANY_ROWS_OR_BYTES, "Limit for result exceeded, max %s: %s, current %s: %s", rows ? "rows" : "bytes", max,
                   rows ? "rows" : "bytes", now);
}

static fn_status output_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_output *o = (op_output *)self;
    (void)worker;
    FN_ASSERT(pthread_mutex_lock(&o->lock) == 0);
    fn_status status = FN_OK;
    const bool takes = !o->full;
    if (takes) {
        exec_progress *p = self->exec->env->progress;
        const size_t bytes = fn_block_bytes(in);
        o->rows += in->rows;
        o->bytes += bytes;
        atomic_store_explicit(&p->result_rows, o->rows, memory_order_relaxed);
        atomic_store_explicit(&p->result_bytes, o->bytes, memory_order_relaxed);
        status = check_result(o, ctx);
        if (status == FN_OK && !o->out->is_shared) status = o->out->block(o->out, ctx, in);
    }
    FN_ASSERT(pthread_mutex_unlock(&o->lock) == 0);
    return takes && status == FN_OK && o->out->is_shared ? o->out->block(o->out, ctx, in) : status;
}

static void output_close(op *self)
{
    (void)pthread_mutex_destroy(&((op_output *)self)->lock);
}

static const op_class class_output = {.name = "Output", .size = sizeof(op_output), .push = output_push, .close = output_close};

static fn_status run_root(fn_ctx *ctx, exec *e, plan_query *query, exec_output *out)
{
    pipeline *p;
    op *sink;
    FN_TRY(pipeline_new(ctx, e, &p));
    FN_TRY(exec_build(ctx, e, query->root, p));
    const plan *source = p->source->node;
    if (source && source->kind == PLAN_SCAN && source->scan.table->in_order) p->serial = true;
    FN_TRY(op_new(ctx, e, &class_output, query->root, &sink));
    op_output *o = (op_output *)sink;
    FN_ASSERT(pthread_mutex_init(&o->lock, NULL) == 0);
    o->out = out;
    pipeline_end(p, sink);
    FN_TRY(run_pipelines(ctx, e));
    return query->has_totals ? run_totals(ctx, e, query->root, &e->env->totals) : FN_OK;
}

fn_status exec_run(fn_ctx *ctx, plan_query *query, exec_env *env, exec_output *out)
{
    exec_run_state state = {.env = env};
    fn_arena *outer = ctx->arena;
    exec e = {0};
    fn_status status = run_fill_cells(ctx, &state, query);
    if (status == FN_OK) status = exec_new(ctx, &state, &e);
    if (status == FN_OK) {
        ctx->arena = e.arena;
        atomic_store_explicit(&state.rows_before_limit, 0, memory_order_relaxed);
        status = run_root(ctx, &e, query, out);
        ctx->arena = outer;
        env->rows_before_limit = atomic_load_explicit(&state.rows_before_limit, memory_order_relaxed);
    }
    exec_close(&e);
    release_shared(&state);
    run_empty_cells(query);
    return status;
}

fn_status exec_cells(fn_ctx *ctx, plan_query *query, exec_env *env)
{
    exec_run_state state = {.env = env};
    const fn_status status = run_fill_cells(ctx, &state, query);
    release_shared(&state);
    return status;
}
