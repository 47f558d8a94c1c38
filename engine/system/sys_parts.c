/* sys_parts.c - system.parts: the parts of MergeTree tables; parts that a merge or a change has replaced stay as inactive while a
 * reader holds them. SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_node.h"
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct part_projection {
    fn_str part, name;
} part_projection;

typedef struct parts_of {
    system_rows *rows;
    table *table;
    part_projection *projections;
    uint32_t projection_count;
} parts_of;

/* ---- projections ---- */
static fn_status note_projection(void *self, fn_ctx *ctx, const mt_projection_row *row)
{
    parts_of *of = self;
    part_projection *slot = plan_grow(ctx, &of->projections, &of->projection_count, sizeof *slot);
    FN_TRY_PTR(ctx, slot);
    slot->name = row->projection->name;
    return fn_arena_str(ctx, ctx->arena, row->part->name, &slot->part);
}

static int compare_names(const void *a, const void *b)
{
    return fn_str_compare(*(const fn_str *)a, *(const fn_str *)b);
}

static fn_status put_projections(const parts_of *of, fn_ctx *ctx, const mt_part_row *p)
{
    uint32_t count = 0;
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, of->projection_count + 1);
    FN_TRY_PTR(ctx, names);
    for (uint32_t i = 0; i < of->projection_count; i++)
        if (fn_str_eq(of->projections[i].part, p->name)) names[count++] = of->projections[i].name;
    if (count > 1) qsort(names, count, sizeof *names, compare_names);
    if (count) system_put_strs(of->rows, "projections", names, count);
    return FN_OK;
}

static void put_hash(system_rows *r, const mt_part_row *p)
{
    char hex[33];
    (void)snprintf(hex, sizeof hex, "%016" PRIx64 "%016" PRIx64, p->checksum.high, p->checksum.low);
    system_put_text(r, "hash_of_all_files", hex);
}

static fn_status each_part(void *self, fn_ctx *ctx, const mt_part_row *p, bool active)
{
    const parts_of *of = self;
    system_rows *r = of->rows;
    FN_TRY(put_projections(of, ctx, p));
    system_put_str(r, "database", of->table->database);
    system_put_str(r, "table", of->table->name);
    system_put_text(r, "engine", of->table->ops->engine);
    system_put_str(r, "partition", p->partition);
    system_put_str(r, "partition_id", p->partition_id);
    system_put_str(r, "name", p->name);
    system_put_str(r, "part_name", p->name);
    system_put_text(r, "part_type", "Compact");
    system_put_text(r, "part_storage_type", "Full");
    system_put_u64(r, "active", active);
    system_put_u64(r, "visible", active);
    system_put_u64(r, "marks", p->rows / FN_MAX(mt_table_definition(of->table)->index_granularity, 1) + 1); /* as the table says: granules have 8,192 rows */
    system_put_u64(r, "rows", p->rows - p->deleted_rows);
    system_put_u64(r, "files", 1);
    system_put_u64(r, "bytes_on_disk", p->bytes);
    system_put_u64(r, "bytes", p->bytes);
    system_put_u64(r, "data_compressed_bytes", p->bytes);
    system_put_u64(r, "data_uncompressed_bytes", p->raw_bytes);
    system_put_i64(r, "modification_time", p->created_s);
    system_put_u64(r, "min_block_number", p->min_block);
    system_put_u64(r, "max_block_number", p->max_block);
    system_put_u64(r, "level", p->level);
    system_put_u64(r, "data_version", p->min_block);
    system_put_u64(r, "has_lightweight_delete", p->deleted_rows != 0);
    system_put_text(r, "disk_name", "default");
    system_put_part_path(r, p->file);
    put_hash(r, p);
    return system_row(r);
}

static fn_status each_table(void *self, fn_ctx *ctx, table *t)
{
    const fn_str name = system_hint(self, "table");
    if (!mt_is(t) || (name.data && !fn_str_eq(name, t->name))) return FN_OK;
    parts_of of = {.rows = self, .table = t};
    if (system_wants(self, "projections")) FN_TRY(mt_projections(ctx, t, note_projection, &of));
    return mt_parts(ctx, t, each_part, &of);
}

static fn_status fill(system_rows *r)
{
    return r->world->tables(r->world, r->ctx, system_hint(r, "database"), each_table, r);
}

const system_def system_parts = {"parts", fill, "Parts of MergeTree tables."};
