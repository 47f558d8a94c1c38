/* memory_table.c - ENGINE = Memory: blocks in an append-only array that readers share.
 *
 * A list is an array of blocks with room at its end. Appending fills slots behind what any reader looks at, so a snapshot is a
 * reference to the array and the number of blocks it may see; only a full array is copied (twice as large). TRUNCATE puts an
 * empty list in place. The lock covers the swap, never a read of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/memory/memory_table.h"
#include <pthread.h>

typedef struct block_list {
    _Atomic uint32_t refs;
    uint32_t capacity;
    uint32_t used; /* slots filled; under the table's lock */
    fn_block *blocks[];
} block_list;

typedef struct memory_table {
    table base;
    fn_arena *arena;
    pthread_mutex_t lock;
    block_list *list;
    uint64_t rows, bytes;
} memory_table;

typedef struct memory_snapshot { /* what table_snapshot is here */
    memory_table *table;
    block_list *list;
    uint32_t count;
    uint64_t rows;
} memory_snapshot;

typedef struct memory_scan {
    table_scan base;
    memory_snapshot view;    /* references of its own */
    uint32_t column_count;
    uint32_t *positions;     /* in the stored blocks */
    uint64_t limit;
    _Atomic uint32_t next_block;
    _Atomic uint64_t given;
} memory_scan;

typedef struct memory_writer {
    table_writer base;
    memory_table *table;
    fn_block **blocks;
    uint32_t count, capacity;
} memory_writer;

static void list_drop(block_list *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < l->used; i++) fn_block_drop(l->blocks[i]);
    fn_free(l);
}

static block_list *list_ref(block_list *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

static fn_status list_new(fn_ctx *ctx, uint32_t capacity, block_list **out)
{
    block_list *l = fn_alloc_zero(ctx, sizeof *l + capacity * sizeof *l->blocks);
    FN_TRY_PTR(ctx, l);
    atomic_store(&l->refs, 1);
    l->capacity = capacity;
    *out = l;
    return FN_OK;
}

/* ---- reading ---- */

static fn_status memory_snapshot_take(table *t, fn_ctx *ctx, table_snapshot **out)
{
    memory_table *m = (memory_table *)t;
    memory_snapshot *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    pthread_mutex_lock(&m->lock);
    *s = (memory_snapshot){m, list_ref(m->list), m->list->used, m->rows};
    pthread_mutex_unlock(&m->lock);
    (void)table_ref(t);
    *out = (table_snapshot *)s;
    return FN_OK;
}

static void memory_snapshot_drop(table_snapshot *snapshot)
{
    memory_snapshot *s = (memory_snapshot *)snapshot;
    list_drop(s->list);
    table_drop(&s->table->base);
    fn_free(s);
}

static fn_status memory_scan_next(table_scan *self, fn_ctx *ctx, unsigned worker, fn_block **out)
{
    memory_scan *s = (memory_scan *)self;
    (void)worker;
    *out = NULL;
    const uint32_t index = atomic_fetch_add_explicit(&s->next_block, 1, memory_order_relaxed);
    if (index >= s->view.count) return FN_OK;
    if (s->limit && atomic_load_explicit(&s->given, memory_order_relaxed) >= s->limit) return FN_OK;
    const fn_block *stored = s->view.list->blocks[index];
    fn_block *b = fn_block_new(ctx, s->column_count, stored->rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0; i < s->column_count; i++) b->columns[i] = fn_column_ref(stored->columns[s->positions[i]]);
    atomic_fetch_add_explicit(&s->given, b->rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&self->rows_read, b->rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&self->bytes_read, fn_block_bytes(b), memory_order_relaxed);
    *out = b;
    return FN_OK;
}

static void memory_scan_close(table_scan *self)
{
    memory_scan *s = (memory_scan *)self;
    list_drop(s->view.list);
    table_drop(&s->view.table->base);
    fn_free(s);
}

static fn_status memory_scan_begin(table_snapshot *snapshot, fn_ctx *ctx, const table_scan_request *request, table_scan **out)
{
    const memory_snapshot *v = (const memory_snapshot *)snapshot;
    const table_schema *schema = atomic_load(&v->table->base.schema);
    memory_scan *s = fn_alloc_zero(ctx, sizeof *s + request->column_count * sizeof *s->positions);
    FN_TRY_PTR(ctx, s);
    s->positions = (uint32_t *)(s + 1);
    s->column_count = request->column_count;
    for (uint32_t i = 0; i < request->column_count; i++) {
        FN_ASSERT(request->columns[i] < schema->count);
        for (uint32_t c = 0; c < request->columns[i]; c++) s->positions[i] += table_column_is_stored(&schema->columns[c]);
    }
    for (uint32_t i = 0; i < request->conjunct_count && request->applied; i++) request->applied[i] = false;
    s->view = *v;
    (void)list_ref(v->list);
    (void)table_ref(&v->table->base);
    s->limit = request->conjunct_count ? 0 : request->limit;
    s->base = (table_scan){.next = memory_scan_next, .close = memory_scan_close, .total_rows = v->rows};
    *out = &s->base;
    return FN_OK;
}

static bool memory_rows(table_snapshot *snapshot, bool final, uint64_t *out)
{
    (void)final; /* every row is visible */
    *out = ((const memory_snapshot *)snapshot)->rows;
    return true;
}

/* ---- writing ---- */

static fn_status keep_block(fn_ctx *ctx, memory_writer *w, const fn_block *block)
{
    if (w->count == w->capacity) {
        const uint32_t capacity = w->capacity ? 2 * w->capacity : 16;
        fn_block **more = fn_realloc(ctx, w->blocks, capacity * sizeof *more);
        FN_TRY_PTR(ctx, more);
        w->blocks = more;
        w->capacity = capacity;
    }
    table_block_adopt(block);
    w->blocks[w->count++] = fn_block_ref(block);
    return FN_OK;
}

static fn_status memory_write(table_writer *self, fn_ctx *ctx, const fn_block *block)
{
    memory_writer *w = (memory_writer *)self;
    for (uint32_t from = 0; from < block->rows; from += FN_BLOCK_ROWS_MAX) {
        fn_block *piece = fn_block_slice(ctx, block, from, FN_MIN(block->rows - from, (uint32_t)FN_BLOCK_ROWS_MAX));
        FN_TRY_PTR(ctx, piece);
        const fn_status status = keep_block(ctx, w, piece);
        fn_block_drop(piece);
        FN_TRY(status);
    }
    return FN_OK;
}

/* The table's list with room for `more`; under the lock. */
static fn_status reserve(fn_ctx *ctx, memory_table *m, uint32_t more)
{
    if (m->list->capacity - m->list->used >= more) return FN_OK;
    block_list *bigger = NULL;
    FN_TRY(list_new(ctx, FN_MAX(2 * m->list->capacity, m->list->used + more), &bigger));
    for (uint32_t i = 0; i < m->list->used; i++) bigger->blocks[i] = fn_block_ref(m->list->blocks[i]);
    bigger->used = m->list->used;
    list_drop(m->list);
    m->list = bigger;
    return FN_OK;
}

static fn_status memory_commit(table_writer *self, fn_ctx *ctx)
{
    memory_writer *w = (memory_writer *)self;
    memory_table *m = w->table;
    pthread_mutex_lock(&m->lock);
    const fn_status status = reserve(ctx, m, w->count);
    for (uint32_t i = 0; i < w->count && status == FN_OK; i++) {
        m->list->blocks[m->list->used++] = w->blocks[i];
        m->rows += w->blocks[i]->rows;
        m->bytes += fn_block_bytes(w->blocks[i]);
    }
    pthread_mutex_unlock(&m->lock);
    if (status == FN_OK) w->count = 0;
    return status;
}

static void memory_writer_close(table_writer *self)
{
    memory_writer *w = (memory_writer *)self;
    for (uint32_t i = 0; i < w->count; i++) fn_block_drop(w->blocks[i]);
    fn_free(w->blocks);
    table_drop(&w->table->base);
    fn_free(w);
}

static fn_status memory_writer_open(table *t, fn_ctx *ctx, table_writer **out)
{
    memory_writer *w = fn_alloc_zero(ctx, sizeof *w);
    FN_TRY_PTR(ctx, w);
    w->table = (memory_table *)table_ref(t);
    w->base = (table_writer){.write = memory_write, .commit = memory_commit, .close = memory_writer_close};
    *out = &w->base;
    return FN_OK;
}

static fn_status memory_truncate(table *t, fn_ctx *ctx)
{
    memory_table *m = (memory_table *)t;
    block_list *empty = NULL;
    FN_TRY(list_new(ctx, 16, &empty));
    pthread_mutex_lock(&m->lock);
    block_list *old = m->list;
    m->list = empty;
    m->rows = 0;
    m->bytes = 0;
    pthread_mutex_unlock(&m->lock);
    list_drop(old);
    return FN_OK;
}

static void memory_destroy(table *t)
{
    memory_table *m = (memory_table *)t;
    list_drop(m->list);
    pthread_mutex_destroy(&m->lock);
    fn_arena_free(m->arena);
    fn_free(m);
}

static const table_ops memory_ops = {
    .engine = "Memory", .snapshot = memory_snapshot_take, .snapshot_drop = memory_snapshot_drop, .scan = memory_scan_begin,
    .rows = memory_rows, .write = memory_writer_open, .truncate = memory_truncate, .destroy = memory_destroy,
};
static const table_ops values_ops = {
    .engine = "Values", .snapshot = memory_snapshot_take, .snapshot_drop = memory_snapshot_drop, .scan = memory_scan_begin,
    .rows = memory_rows, .destroy = memory_destroy,
};

static fn_status make(fn_ctx *ctx, const table_ops *ops, const table *head, table **out)
{
    fn_arena *arena = fn_arena_new(&(fn_ctx){0});
    memory_table *m = fn_alloc_zero(ctx, sizeof *m);
    if (!arena || !m) {
        fn_arena_free(arena);
        fn_free(m);
        return fn_fail_memory(ctx, sizeof *m);
    }
    m->arena = arena;
    m->base.ops = ops;
    fn_status status = table_head_copy(ctx, arena, head, &m->base);
    if (status == FN_OK) status = list_new(ctx, 16, &m->list);
    if (status != FN_OK) {
        fn_arena_free(arena);
        fn_free(m);
        return status;
    }
    pthread_mutex_init(&m->lock, NULL);
    *out = &m->base;
    return FN_OK;
}

fn_status memory_table_new(fn_ctx *ctx, const table *head, table **out)
{
    return make(ctx, &memory_ops, head, out);
}

fn_status memory_table_of(fn_ctx *ctx, const char *engine, const fn_schema *structure, fn_block *const *blocks, uint32_t count, table **out)
{
    table head = {.name = fn_cstr(engine), .engine_full = fn_cstr(engine)};
    table_schema *schema;
    table *t;
    FN_TRY(table_schema_make(ctx, structure, &schema));
    atomic_store(&head.schema, schema);
    if (make(ctx, &values_ops, &head, &t) != FN_OK) {
        table_schema_drop(schema);
        return ctx->error.code;
    }
    table_writer *w = NULL;
    fn_status status = memory_writer_open(t, ctx, &w);
    if (status == FN_OK) {
        for (uint32_t i = 0; i < count && status == FN_OK; i++) status = w->write(w, ctx, blocks[i]);
        if (status == FN_OK) status = w->commit(w, ctx);
        w->close(w);
    }
    if (status == FN_OK) *out = t;
    else table_drop(t);
    return status;
}
