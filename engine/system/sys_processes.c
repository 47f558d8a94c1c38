/* sys_processes.c - system.processes: statements that run now. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status each(void *self, fn_ctx *ctx, const system_process *p)
{
    system_rows *r = self;
    (void)ctx;
    system_put_u64(r, "is_initial_query", 1);
    system_put_str(r, "user", p->user);
    system_put_str(r, "initial_user", p->user);
    system_put_str(r, "query_id", p->query_id);
    system_put_str(r, "initial_query_id", p->query_id);
    system_put_u64(r, "interface", fn_str_eq(p->interface, FN_STR("HTTP")) ? 2 : 6);
    system_put_str(r, "http_user_agent", p->user_agent);
    system_put_f64(r, "elapsed", p->elapsed_s);
    system_put_u64(r, "is_cancelled", p->cancelled);
    system_put_u64(r, "read_rows", p->read_rows);
    system_put_u64(r, "read_bytes", p->read_bytes);
    system_put_u64(r, "total_rows_approx", p->total_rows);
    system_put_u64(r, "written_rows", p->written_rows);
    system_put_u64(r, "written_bytes", p->written_bytes);
    system_put_i64(r, "memory_usage", p->memory);
    system_put_i64(r, "peak_memory_usage", p->peak_memory);
    system_put_str(r, "query", p->query);
    system_put_str(r, "query_kind", p->kind);
    system_put_str(r, "current_database", p->database);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->processes(r->world, r->ctx, each, r);
}

const system_def system_processes = {"processes", fill, "Statements that run now."};
