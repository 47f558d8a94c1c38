/* sys_mutations.c - system.mutations: changes of rows under way, and the last ones since the server began. A mutation happens in one
 * commit, so parts are never half done: there are none to do when it is over. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include <firn/base.h>

static fn_status each_mutation(void *self, fn_ctx *ctx, const system_mutation *m)
{
    system_rows *r = self;
    const fn_str everywhere = {NULL, 0};
    const int64_t number = (int64_t)m->number;
    const bool failed = m->code != FN_OK;
    (void)ctx;
    system_put_str(r, "database", m->database);
    system_put_str(r, "table", m->table);
    system_put_str(r, "mutation_id", m->id);
    system_put_str(r, "command", m->command);
    system_put_i64(r, "create_time", m->created_s);
    system_put_i64(r, "finish_time", failed ? 0 : m->ended_s);
    system_put_strs(r, "block_numbers.partition_id", &everywhere, 1);
    system_put_i64s(r, "block_numbers.number", &number, 1);
    system_put_u64(r, "is_done", m->ended_s != 0);
    system_put_u64(r, "is_killed", m->killed || failed);
    system_put_i64(r, "latest_fail_time", failed ? m->ended_s : 0);
    system_put_str(r, "latest_fail_reason", m->reason);
    system_put_text(r, "latest_fail_error_code_name", failed ? fn_error_name(m->code) : "");
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->mutations(r->world, r->ctx, each_mutation, r);
}

const system_def system_mutations = {"mutations", fill, "Changes of rows under way, and the last ones of each table since the server began. One that failed has changed nothing."};
