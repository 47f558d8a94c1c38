/* query/async_insert.h - inserts under wait_for_async_insert = 0: acknowledged when they are read, checked and converted, written a
 * moment later together with others. Until then their rows are in memory alone: a crash loses them, SYSTEM FLUSH ASYNC INSERT QUEUE
 * and the end of the server write them. (Under wait_for_async_insert = 1 a statement ends when its rows are durable; small ones share
 * parts without waiting for a clock: table/mergetree/commit_writers.c.)
 *
 * The queue is written async_insert_busy_timeout_max_ms after the first insert in it, or when it holds async_insert_max_data_size
 * bytes or async_insert_max_query_number inserts. It holds QUEUE_BYTES_MAX at most: what comes then is written by its own statement.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_ASYNC_INSERT_H
#define FIRN_QUERY_ASYNC_INSERT_H
#include "query/query.h"

typedef struct async_queue async_queue;
fn_status async_queue_open(fn_ctx *ctx, async_queue **out) FN_MUST_USE;
void async_queue_close(async_queue *queue); /* writes what waits; NULL is fine */
/* Waits until all that is in the queue now is written. */
void async_queue_flush(async_queue *queue);
/* Takes the rows of the writers, which are closed as ever. *queued false: commit them, they were not taken. */
fn_status async_insert_add(query *q, table_writer *const *writers, uint32_t count, const char *format, bool *queued) FN_MUST_USE;

/* For system.asynchronous_inserts; texts in ctx->arena. */
typedef struct async_row {
    fn_str query, query_id, format, database, table;
    int64_t first_us;
    uint64_t bytes;
} async_row;
fn_status async_queue_rows(fn_ctx *ctx, async_queue *queue, async_row **out, size_t *count) FN_MUST_USE;
#endif
