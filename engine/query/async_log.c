/* async_log.c - see async_log.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/async_log.h"
#include <pthread.h>

enum { LOG_ROWS = 10000, TEXTS = 7 };

struct async_log {
    pthread_mutex_t lock;
    uint64_t added;
    struct kept {
        system_insert_log_row row; /* its texts lie behind it */
    } *rows[LOG_ROWS];             /* row n is at n % LOG_ROWS */
};

static void texts_of(system_insert_log_row *row, fn_str *texts[TEXTS])
{
    fn_str *const all[TEXTS] = {&row->query, &row->database, &row->table, &row->format, &row->query_id, &row->exception, &row->flush_query_id};
    memcpy(texts, all, sizeof all);
}

fn_status async_log_open(fn_ctx *ctx, async_log **out)
{
    async_log *l = fn_alloc_zero(ctx, sizeof *l);
    FN_TRY_PTR(ctx, l);
    FN_ASSERT(pthread_mutex_init(&l->lock, NULL) == 0);
    *out = l;
    return FN_OK;
}

void async_log_close(async_log *l)
{
    if (!l) return;
    for (size_t i = 0; i < LOG_ROWS; i++) fn_free(l->rows[i]);
    (void)pthread_mutex_destroy(&l->lock);
    fn_free(l);
}

static struct kept *copy_of(const system_insert_log_row *row)
{
    system_insert_log_row from = *row;
    fn_str *texts[TEXTS];
    size_t size = 0;
    texts_of(&from, texts);
    for (size_t i = 0; i < TEXTS; i++) size += texts[i]->size;
    struct kept *k = fn_alloc(&(fn_ctx){.arena = NULL}, sizeof *k + size);
    if (!k) return NULL;
    char *at = (char *)(k + 1);
    for (size_t i = 0; i < TEXTS; i++) {
        if (texts[i]->size) memcpy(at, texts[i]->data, texts[i]->size);
        texts[i]->data = at;
        at += texts[i]->size;
    }
    k->row = from;
    return k;
}

void async_log_add(async_log *l, const system_insert_log_row *row)
{
    struct kept *k = copy_of(row);
    if (!k) return;
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    struct kept **place = &l->rows[l->added++ % LOG_ROWS], *const old = *place;
    *place = k;
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    fn_free(old);
}

/* Under the lock. */
static fn_status copy_rows(fn_ctx *ctx, const async_log *l, system_insert_log_row *rows, uint64_t from)
{
    for (uint64_t n = from; n < l->added; n++) {
        system_insert_log_row *row = &rows[n - from];
        fn_str *texts[TEXTS];
        *row = l->rows[n % LOG_ROWS]->row;
        texts_of(row, texts);
        for (size_t i = 0; i < TEXTS; i++) FN_TRY(fn_arena_str(ctx, ctx->arena, *texts[i], texts[i]));
    }
    return FN_OK;
}

fn_status async_log_each(fn_ctx *ctx, async_log *l, system_each_insert_log_row *each, void *self)
{
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    const uint64_t count = FN_MIN(l->added, (uint64_t)LOG_ROWS);
    system_insert_log_row *rows = FN_NEW_ARRAY(ctx, system_insert_log_row, FN_MAX(count, (uint64_t)1));
    fn_status status = rows ? copy_rows(ctx, l, rows, l->added - count) : ctx->error.code;
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    for (uint64_t i = 0; i < count && status == FN_OK; i++) status = each(self, ctx, &rows[i]);
    return status;
}
