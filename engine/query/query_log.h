/* query/query_log.h - what system.query_log shows: a row for each end of a statement, visible at once, kept across restarts.
 *
 * Adding a row only copies it behind a lock; a thread of the log's own writes the copies to <path>/query_log.bin, twice a second
 * and when it is closed. At FILE_MAX the file becomes query_log.old and a new one begins, so the log is bounded. A statement never
 * fails because of its log row. A kill loses at most the rows of the last half second.
 *
 * File: records of magic, payload size (u32 each), XXH3-64 of the payload, payload: the numbers of log_numbers, then the texts,
 * each with its size (u32). A torn record is skipped: reading goes on at the next magic whose payload fits its hash.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_LOG_H
#define FIRN_QUERY_LOG_H
#include "system/system.h"
#include <firn/file.h>

typedef struct query_log query_log;
/* path NULL: in memory only, the newest rows of it. */
fn_status query_log_open(fn_ctx *ctx, fn_fs *fs, const char *path, query_log **out) FN_MUST_USE;
void query_log_close(query_log *log); /* NULL is fine */
void query_log_add(query_log *log, const system_log_row *row); /* any thread */
/* The rows, oldest first; query_id not empty: only its own. */
fn_status query_log_each(fn_ctx *ctx, query_log *log, fn_str query_id, system_each_log_row *each, void *self) FN_MUST_USE;
#endif
