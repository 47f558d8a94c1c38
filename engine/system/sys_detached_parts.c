/* sys_detached_parts.c - system.detached_parts: parts that DETACH has set aside, or that were found broken (reason).
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

typedef struct parts_of {
    system_rows *rows;
    table *table;
} parts_of;

static fn_status each_part(void *self, fn_ctx *ctx, const mt_part_row *p, bool active)
{
    const parts_of *of = self;
    system_rows *r = of->rows;
    (void)ctx;
    (void)active;
    system_put_str(r, "database", of->table->database);
    system_put_str(r, "table", of->table->name);
    system_put_str(r, "partition_id", p->partition_id);
    system_put_str(r, "name", p->name);
    system_put_u64(r, "bytes_on_disk", p->bytes);
    system_put_i64(r, "modification_time", p->created_s);
    system_put_text(r, "disk", "default");
    system_put_part_path(r, p->file);
    system_put_str(r, "reason", p->reason);
    system_put_u64(r, "min_block_number", p->min_block);
    system_put_u64(r, "max_block_number", p->max_block);
    system_put_u64(r, "level", p->level);
    return system_row(r);
}

static fn_status each_table(void *self, fn_ctx *ctx, table *t)
{
    const fn_str name = system_hint(self, "table");
    if (!mt_is(t) || (name.data && !fn_str_eq(name, t->name))) return FN_OK;
    parts_of of = {self, t};
    return mt_detached_parts(ctx, t, each_part, &of);
}

static fn_status fill(system_rows *r)
{
    return r->world->tables(r->world, r->ctx, system_hint(r, "database"), each_table, r);
}

const system_def system_detached_parts = {"detached_parts", fill, "Parts that were set aside: by DETACH, or because they are broken."};
