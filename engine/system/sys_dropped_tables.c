/* sys_dropped_tables.c - system.dropped_tables: tables that UNDROP can bring back, and until when. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status each_dropped(void *self, fn_ctx *ctx, const system_dropped *d)
{
    system_rows *r = self;
    (void)ctx;
    system_put_u64(r, "index", r->rows);
    system_put_str(r, "database", d->database);
    system_put_str(r, "table", d->name);
    system_put_text(r, "uuid", d->table->uuid);
    system_put_text(r, "engine", d->table->ops->engine);
    system_put_i64(r, "table_dropped_time", d->ends_s);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->dropped(r->world, r->ctx, each_dropped, r);
}

const system_def system_dropped_tables = {"dropped_tables", fill, "Dropped tables that UNDROP TABLE can bring back; table_dropped_time is when they end."};
