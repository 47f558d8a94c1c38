/* sys_asynchronous_inserts.c - system.asynchronous_inserts: inserts that were acknowledged and wait to be written, a row for those of one statement.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status each(void *self, fn_ctx *ctx, const system_waiting_insert *i)
{
    system_rows *r = self;
    (void)ctx;
    system_put_str(r, "query", i->query);
    system_put_str(r, "database", i->database);
    system_put_str(r, "table", i->table);
    system_put_str(r, "format", i->format);
    system_put_i64(r, "first_update", i->first_us);
    system_put_u64(r, "total_bytes", i->bytes);
    system_put_strs(r, "entries.query_id", i->query_ids, i->entries);
    system_put_i64s(r, "entries.bytes", i->entry_bytes, i->entries);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->waiting_inserts(r->world, r->ctx, each, r);
}

const system_def system_asynchronous_inserts = {"asynchronous_inserts", fill, "Inserts that wait to be written (wait_for_async_insert = 0)."};
