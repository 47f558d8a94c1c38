/* query/async_log.h - system.asynchronous_insert_log: what became of asynchronous inserts, a row for each. The last LOG_ROWS of them since the server
 * began, in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_ASYNC_LOG_H
#define FIRN_QUERY_ASYNC_LOG_H
#include "system/system.h"

typedef struct async_log async_log;
fn_status async_log_open(fn_ctx *ctx, async_log **out) FN_MUST_USE;
void async_log_close(async_log *log); /* NULL is fine */
/* Copies the row; without memory it is lost. Any thread. */
void async_log_add(async_log *log, const system_insert_log_row *row);
/* Oldest first. */
fn_status async_log_each(fn_ctx *ctx, async_log *log, system_each_insert_log_row *each, void *self) FN_MUST_USE;
#endif
