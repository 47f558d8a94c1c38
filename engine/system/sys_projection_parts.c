/* sys_projection_parts.c - system.projection_parts and projection_parts_columns: the projections that live parts of MergeTree tables have.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

typedef struct projections_of {
    system_rows *rows;
    table *table;
} projections_of;

static uint64_t raw_bytes(const fn_part *data)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < fn_part_column_count(data); i++) {
        uint64_t raw;
        (void)fn_part_column_bytes(data, i, &raw);
        all += raw;
    }
    return all;
}

static void put_parent(system_rows *r, const mt_part_row *p)
{
    system_put_str(r, "partition", p->partition);
    system_put_str(r, "partition_id", p->partition_id);
    system_put_str(r, "parent_name", p->name);
    system_put_text(r, "parent_part_type", "Compact");
    system_put_u64(r, "parent_marks", p->rows / FN_GRANULE_ROWS + 1);
    system_put_u64(r, "parent_rows", p->rows);
    system_put_u64(r, "parent_bytes_on_disk", p->bytes);
    system_put_u64(r, "parent_data_compressed_bytes", p->bytes);
    system_put_u64(r, "parent_data_uncompressed_bytes", p->raw_bytes);
    system_put_i64(r, "modification_time", p->created_s);
    system_put_u64(r, "min_block_number", p->min_block);
    system_put_u64(r, "max_block_number", p->max_block);
    system_put_u64(r, "level", p->level);
    system_put_u64(r, "data_version", p->min_block);
    system_put_part_path(r, p->file);
}

static void put(const projections_of *of, const mt_projection_row *row)
{
    system_rows *r = of->rows;
    const uint64_t rows = fn_part_rows(row->data);
    put_parent(r, row->part);
    system_put_str(r, "database", of->table->database);
    system_put_str(r, "table", of->table->name);
    system_put_text(r, "engine", of->table->ops->engine);
    system_put_str(r, "name", row->projection->name);
    system_put_str(r, "part_name", row->projection->name);
    system_put_text(r, "part_type", "Compact");
    system_put_u64(r, "active", 1);
    system_put_u64(r, "refcount", 1);
    system_put_u64(r, "marks", rows / FN_GRANULE_ROWS + 1);
    system_put_u64(r, "rows", rows);
    system_put_u64(r, "files", 1);
    system_put_u64(r, "bytes_on_disk", row->bytes);
    system_put_u64(r, "bytes", row->bytes);
    system_put_u64(r, "data_compressed_bytes", row->bytes);
    system_put_u64(r, "data_uncompressed_bytes", raw_bytes(row->data));
    system_put_text(r, "disk_name", "default");
}

static fn_status each_projection(void *self, fn_ctx *ctx, const mt_projection_row *row)
{
    const projections_of *of = self;
    (void)ctx;
    put(of, row);
    return system_row(of->rows);
}

static fn_status each_columns(void *self, fn_ctx *ctx, const mt_projection_row *row)
{
    const projections_of *of = self;
    system_rows *r = of->rows;
    (void)ctx;
    for (uint32_t i = 0; i < row->schema->count; i++) {
        const table_column *c = &row->schema->columns[i];
        const int at = fn_part_find(row->data, c->id);
        uint64_t raw = 0;
        const uint64_t bytes = at < 0 ? 0 : fn_part_column_bytes(row->data, (uint32_t)at, &raw);
        put(of, row);
        system_put_str(r, "column", c->name);
        system_put_text(r, "type", c->type->name);
        system_put_u64(r, "column_position", i + 1);
        system_put_u64(r, "column_bytes_on_disk", bytes);
        system_put_u64(r, "column_data_compressed_bytes", bytes);
        system_put_u64(r, "column_data_uncompressed_bytes", raw);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

static fn_status of_table(system_rows *r, fn_ctx *ctx, table *t, mt_each_projection *each)
{
    const fn_str name = system_hint(r, "table");
    if (!mt_is(t) || (name.data && !fn_str_eq(name, t->name))) return FN_OK;
    projections_of of = {r, t};
    return mt_projections(ctx, t, each, &of);
}

static fn_status parts_of_table(void *self, fn_ctx *ctx, table *t)
{
    return of_table(self, ctx, t, each_projection);
}

static fn_status columns_of_table(void *self, fn_ctx *ctx, table *t)
{
    return of_table(self, ctx, t, each_columns);
}

static fn_status fill_parts(system_rows *r)
{
    return r->world->tables(r->world, r->ctx, system_hint(r, "database"), parts_of_table, r);
}

static fn_status fill_columns(system_rows *r)
{
    return r->world->tables(r->world, r->ctx, system_hint(r, "database"), columns_of_table, r);
}

const system_def system_projection_parts = {"projection_parts", fill_parts, "Projections that the parts of MergeTree tables have."};
const system_def system_projection_parts_columns = {"projection_parts_columns", fill_columns, "Their columns."};
