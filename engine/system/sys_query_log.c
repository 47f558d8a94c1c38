/* sys_query_log.c - system.query_log: what ran, kept across restarts. A condition query_id = '...' is answered by the log's index.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static void put_times(system_rows *r, const system_log_row *l)
{
    const int64_t event_s = l->event_us / 1000000, start_s = l->start_us / 1000000;
    system_put_i64(r, "event_date", event_s / 86400);
    system_put_i64(r, "event_time", event_s);
    system_put_i64(r, "event_time_microseconds", l->event_us);
    system_put_i64(r, "query_start_time", start_s);
    system_put_i64(r, "query_start_time_microseconds", l->start_us);
    system_put_i64(r, "initial_query_start_time", start_s);
    system_put_i64(r, "initial_query_start_time_microseconds", l->start_us);
    system_put_u64(r, "query_duration_ms", l->duration_ms);
}

static fn_status put_projections(system_rows *r, fn_ctx *ctx, fn_str lines)
{
    size_t count = 0, from = 0;
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, lines.size + 1);
    FN_TRY_PTR(ctx, names);
    for (size_t i = 0; i < lines.size; i++) {
        if (lines.data[i] != '\n') continue;
        names[count++] = (fn_str){lines.data + from, i - from};
        from = i + 1;
    }
    if (count) system_put_strs(r, "projections", names, count);
    return FN_OK;
}

static fn_status each(void *self, fn_ctx *ctx, const system_log_row *l)
{
    system_rows *r = self;
    put_times(r, l);
    if (l->projections.size) FN_TRY(put_projections(r, ctx, l->projections));
    system_put_u64(r, "type", l->type);
    system_put_u64(r, "read_rows", l->read_rows);
    system_put_u64(r, "read_bytes", l->read_bytes);
    system_put_u64(r, "written_rows", l->written_rows);
    system_put_u64(r, "written_bytes", l->written_bytes);
    system_put_u64(r, "result_rows", l->result_rows);
    system_put_u64(r, "result_bytes", l->result_bytes);
    system_put_u64(r, "memory_usage", l->memory);
    system_put_str(r, "current_database", l->database);
    system_put_str(r, "query", l->query);
    system_put_str(r, "query_kind", l->kind);
    system_put_i64(r, "exception_code", l->exception_code);
    system_put_str(r, "exception", l->exception);
    system_put_u64(r, "is_initial_query", 1);
    system_put_str(r, "user", l->user);
    system_put_str(r, "initial_user", l->user);
    system_put_str(r, "query_id", l->query_id);
    system_put_str(r, "initial_query_id", l->query_id);
    system_put_u64(r, "interface", l->interface);
    system_put_u64(r, "http_method", l->http_method);
    system_put_str(r, "http_user_agent", l->user_agent);
    system_put_str(r, "log_comment", l->log_comment);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    const fn_str id = system_hint(r, "query_id");
    return r->world->query_log(r->world, r->ctx, id.data ? id : FN_STR(""), each, r);
}

const system_def system_query_log = {"query_log", fill, "Statements that have run, with their counters and errors."};
