/* sys_databases.c - system.databases. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status each(void *self, fn_ctx *ctx, const system_database *d)
{
    system_rows *r = self;
    (void)ctx;
    system_put_str(r, "name", d->name);
    system_put_str(r, "database", d->name);
    system_put_str(r, "engine", d->engine);
    system_put_str(r, "engine_full", d->engine);
    if (d->uuid.size) system_put_str(r, "uuid", d->uuid);
    system_put_str(r, "comment", d->comment);
    system_put_text(r, "data_path", r->world->data_path);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->databases(r->world, r->ctx, each, r);
}

const system_def system_databases = {"databases", fill, "All databases."};
