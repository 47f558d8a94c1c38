/* sys_query_log.c - system.query_log: what ran, kept across restarts. A condition query_id = '...' is answered by the log's index.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include <firn/counts.h>

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

static fn_status put_event(system_rows *r, fn_buf *out, const char *name, uint64_t value)
{
    return value ? fn_buf_printf(r->ctx, out, "%s'%s':%llu", out->size > 1 ? "," : "{", name, (unsigned long long)value) : FN_OK;
}

/* Those of the statement's row, then what its threads have counted; as ClickHouse, without those that are 0. */
static fn_status put_events(system_rows *r, const system_log_row *l)
{
    static const char *const names[] = {
#define X(kind, name, about) name,
        FN_COUNTS(X)
#undef X
    };
    const struct {
        const char *name;
        uint64_t value;
    } own[] = {
        {"Query", 1},
        {"SelectQuery", fn_str_eq(l->kind, FN_STR("Select"))},
        {"InsertQuery", fn_str_eq(l->kind, FN_STR("Insert"))},
        {"QueryTimeMicroseconds", (uint64_t)(l->event_us - l->start_us)},
        {"SelectedRows", l->read_rows},
        {"SelectedBytes", l->read_bytes},
        {"InsertedRows", l->written_rows},
        {"InsertedBytes", l->written_bytes},
    };
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (size_t i = 0; i < FN_COUNT(own) && status == FN_OK; i++) status = put_event(r, &text, own[i].name, own[i].value);
    for (size_t i = 0; i < FN_COUNT(names) && 8 * (i + 1) <= l->counts.size && status == FN_OK; i++)
        status = put_event(r, &text, names[i], fn_load_u64(l->counts.data + 8 * i));
    if (status == FN_OK) status = fn_buf_byte(r->ctx, &text, '}');
    if (status == FN_OK) system_put_str(r, "ProfileEvents", fn_buf_view(&text));
    fn_buf_release(&text);
    return status;
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
    if (l->type != 1 && system_wants(r, "ProfileEvents")) FN_TRY(put_events(r, l));
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    const fn_str id = system_hint(r, "query_id");
    return r->world->query_log(r->world, r->ctx, id.data ? id : FN_STR(""), each, r);
}

const system_def system_query_log = {"query_log", fill, "Statements that have run, with their counters and errors."};
