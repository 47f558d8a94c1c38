/* query/async_insert.h - inserts under wait_for_async_insert = 0: acknowledged when they are read, checked and converted, written a
 * moment later together with others. Until then their rows are in memory alone: a crash loses them, SYSTEM FLUSH ASYNC INSERT QUEUE
 * and the end of the server write them. (Under wait_for_async_insert = 1 a statement ends when its rows are durable; small ones share
 * parts without waiting for a clock: table/mergetree/commit_writers.c.)
 *
 * The queue is written when its time is over (async_timer.h), or when it holds async_insert_max_data_size bytes of data or
 * async_insert_max_query_number inserts, the latter only of inserts that are deduplicated, as in ClickHouse. It takes QUEUE_BYTES_MAX of memory at
 * most: what comes then, and data larger than async_insert_max_data_size, is written by its own statement.
 *
 * What became of each insert is in system.asynchronous_insert_log (async_log.h), also of those that were waited for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_ASYNC_INSERT_H
#define FIRN_QUERY_ASYNC_INSERT_H
#include "query/query.h"

typedef struct async_queue async_queue;
fn_status async_queue_open(fn_ctx *ctx, async_queue **out) FN_MUST_USE;
void async_queue_close(async_queue *queue); /* writes what waits; NULL is fine */

/* A table as the statements of the queue named it. */
typedef struct async_table {
    fn_str database, name;
} async_table;
/* Waits until all that is in the queue now, or all of these tables if there are some, is written. */
void async_queue_flush(async_queue *queue, const async_table *tables, uint32_t count);

/* What came with an insert. */
typedef struct async_data {
    const char *format;
    uint64_t bytes, rows; /* bytes: as they were sent */
} async_data;
/* Takes the rows of the writers, which are closed as ever. *queued false: commit them, they were not taken. */
fn_status async_insert_add(query *q, table_writer *const *writers, uint32_t count, const async_data *data, bool *queued) FN_MUST_USE;
/* For the log: an insert that its own statement wrote, or one that failed with ctx's error. */
void async_insert_note(query *q, const table *t, const async_data *data, async_outcome outcome);

/* For system.asynchronous_inserts and system.asynchronous_insert_log. */
fn_status async_queue_each(fn_ctx *ctx, async_queue *queue, system_each_waiting_insert *each, void *self) FN_MUST_USE;
fn_status async_queue_log_each(fn_ctx *ctx, async_queue *queue, system_each_insert_log_row *each, void *self) FN_MUST_USE;
#endif
