/* table.c - what all tables share: reference counts, schemas, the head. See table.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/table.h"
#include <pthread.h>

table *table_ref(table *t)
{
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void table_drop(table *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    table_schema_drop(atomic_load(&t->schema));
    t->ops->destroy(t);
}

table_schema *table_schema_ref(const table_schema *s)
{
    table_schema *shared = (table_schema *)(uintptr_t)s; /* the count is the one mutable part */
    if (shared) atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void table_schema_drop(table_schema *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    fn_arena_free(s->arena);
}

int table_schema_find(const table_schema *s, fn_str name)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (fn_str_eq(s->columns[i].name, name)) return (int)i;
    return -1;
}

static pthread_mutex_t name_lock = PTHREAD_MUTEX_INITIALIZER; /* held for a copy of two short texts */

fn_status table_name(fn_ctx *ctx, const table *t, fn_str *database, fn_str *name)
{
    FN_ASSERT(pthread_mutex_lock(&name_lock) == 0);
    const fn_str d = t->database, n = t->name;
    FN_ASSERT(pthread_mutex_unlock(&name_lock) == 0);
    FN_TRY(fn_arena_str(ctx, ctx->arena, d, database)); /* old texts stay where they are */
    return fn_arena_str(ctx, ctx->arena, n, name);
}

void table_rename(table *t, fn_str database, fn_str name)
{
    FN_ASSERT(pthread_mutex_lock(&name_lock) == 0);
    t->database = database;
    t->name = name;
    FN_ASSERT(pthread_mutex_unlock(&name_lock) == 0);
}

static fn_status fill_schema(fn_ctx *ctx, fn_arena *arena, const fn_schema *columns, table_schema **out)
{
    table_schema *s = fn_arena_alloc_zero(ctx, arena, sizeof *s);
    FN_TRY_PTR(ctx, s);
    s->columns = fn_arena_alloc_zero(ctx, arena, sizeof *s->columns * FN_MAX(columns->count, 1));
    FN_TRY_PTR(ctx, s->columns);
    s->arena = arena;
    s->count = columns->count;
    atomic_store(&s->refs, 1);
    for (uint32_t i = 0; i < columns->count; i++) {
        s->columns[i].id = i + 1;
        s->columns[i].type = columns->fields[i].type;
        FN_TRY(fn_arena_str(ctx, arena, columns->fields[i].name, &s->columns[i].name));
    }
    *out = s;
    return FN_OK;
}

fn_status table_schema_make(fn_ctx *ctx, const fn_schema *columns, table_schema **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(&(fn_ctx){0}); /* outlives the query: not charged to it */
    if (!arena) return fn_fail_memory(ctx, sizeof(table_schema));
    const fn_status status = fill_schema(ctx, arena, columns, out);
    if (status != FN_OK) fn_arena_free(arena);
    return status;
}

fn_status table_head_copy(fn_ctx *ctx, fn_arena *arena, const table *head, table *out)
{
    const struct {
        fn_str from, *to;
    } texts[] = {
        {head->database, &out->database},
        {head->name, &out->name},
        {head->create_sql, &out->create_sql},
        {head->engine_full, &out->engine_full},
        {head->comment, &out->comment},
        {head->partition_key_sql, &out->partition_key_sql},
        {head->sorting_key_sql, &out->sorting_key_sql},
        {head->primary_key_sql, &out->primary_key_sql},
        {head->sampling_key_sql, &out->sampling_key_sql},
    };
    for (size_t i = 0; i < FN_COUNT(texts); i++) FN_TRY(fn_arena_str(ctx, arena, texts[i].from, texts[i].to));
    memcpy(out->uuid, head->uuid, sizeof out->uuid);
    if (head->sort_key_count) {
        uint32_t *key = fn_arena_alloc(ctx, arena, sizeof *key * head->sort_key_count);
        FN_TRY_PTR(ctx, key);
        memcpy(key, head->sort_key, sizeof *key * head->sort_key_count);
        out->sort_key = key;
    }
    out->sort_key_count = head->sort_key_count;
    out->is_temporary = head->is_temporary;
    out->is_view = head->is_view;
    out->created_s = head->created_s;
    atomic_store(&out->schema, atomic_load(&head->schema));
    atomic_store(&out->refs, 1);
    return FN_OK;
}

static pthread_mutex_t adopt_lock = PTHREAD_MUTEX_INITIALIZER; /* a buffer may be in two blocks adopted at once */

static void adopt_column(const fn_column *c)
{
    for (size_t i = 0; i < FN_COUNT(c->own); i++) {
        fn_buffer *b = c->own[i];
        if (!b || !b->memory) continue;
        fn_tracker_release(b->memory, b->charged);
        b->memory = NULL;
    }
    for (uint16_t i = 0; i < c->kid_count; i++) adopt_column(c->kids[i]);
}

void table_block_adopt(const fn_block *block)
{
    pthread_mutex_lock(&adopt_lock);
    for (uint32_t i = 0; i < block->count; i++) adopt_column(block->columns[i]);
    pthread_mutex_unlock(&adopt_lock);
}
