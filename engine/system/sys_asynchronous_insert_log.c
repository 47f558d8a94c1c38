/* sys_asynchronous_insert_log.c - system.asynchronous_insert_log: what became of asynchronous inserts, a row for each.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status each(void *self, fn_ctx *ctx, const system_insert_log_row *l)
{
    system_rows *r = self;
    (void)ctx;
    system_put_i64(r, "event_date", l->event_us / 1000000 / 86400);
    system_put_i64(r, "event_time", l->event_us / 1000000);
    system_put_i64(r, "event_time_microseconds", l->event_us);
    system_put_str(r, "query", l->query);
    system_put_str(r, "database", l->database);
    system_put_str(r, "table", l->table);
    system_put_str(r, "format", l->format);
    system_put_str(r, "query_id", l->query_id);
    system_put_u64(r, "bytes", l->bytes);
    system_put_u64(r, "rows", l->rows);
    system_put_str(r, "exception", l->exception);
    system_put_u64(r, "status", (uint64_t)l->outcome);
    system_put_i64(r, "flush_time", l->flush_us / 1000000);
    system_put_i64(r, "flush_time_microseconds", l->flush_us);
    system_put_str(r, "flush_query_id", l->flush_query_id);
    system_put_u64(r, "timeout_milliseconds", l->timeout_ms);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->insert_log(r->world, r->ctx, each, r);
}

const system_def system_asynchronous_insert_log = {"asynchronous_insert_log", fill, "What became of asynchronous inserts, a row for each: the last 10,000 since the server began."};
