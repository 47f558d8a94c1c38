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

/* ---- TTL ---- */
static const struct {
    mt_ttl_kind kind;
    const char *expression, *min, *max;
} ttl_columns[] = {
    {MT_TTL_MOVE, "move_ttl_info.expression", "move_ttl_info.min", "move_ttl_info.max"},
    {MT_TTL_RECOMPRESS, "recompression_ttl_info.expression", "recompression_ttl_info.min", "recompression_ttl_info.max"},
    {MT_TTL_GROUP_BY, "group_by_ttl_info.expression", "group_by_ttl_info.min", "group_by_ttl_info.max"},
    {MT_TTL_WHERE, "rows_where_ttl_info.expression", "rows_where_ttl_info.min", "rows_where_ttl_info.max"},
};

static bool wants_ttl(const system_rows *r)
{
    bool any = system_wants(r, "delete_ttl_info_min") || system_wants(r, "delete_ttl_info_max") || system_wants(r, "default_compression_codec");
    for (size_t i = 0; i < FN_COUNT(ttl_columns); i++)
        any |= system_wants(r, ttl_columns[i].expression) || system_wants(r, ttl_columns[i].min) || system_wants(r, ttl_columns[i].max);
    return any;
}

static fn_status put_ttl_columns(system_rows *r, fn_ctx *ctx, const mt_ttl_row *rows, uint32_t count, size_t which)
{
    fn_str *texts = FN_NEW_ARRAY(ctx, fn_str, count + 1);
    int64_t *min = FN_NEW_ARRAY(ctx, int64_t, count + 1), *max = FN_NEW_ARRAY(ctx, int64_t, count + 1);
    uint32_t n = 0;
    if (!texts || !min || !max) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].kind != ttl_columns[which].kind) continue;
        texts[n] = rows[i].text;
        min[n] = rows[i].min;
        max[n++] = rows[i].max;
    }
    if (n == 0) return FN_OK;
    system_put_strs(r, ttl_columns[which].expression, texts, n);
    system_put_i64s(r, ttl_columns[which].min, min, n);
    system_put_i64s(r, ttl_columns[which].max, max, n);
    return FN_OK;
}

static fn_status put_ttl(const parts_of *of, fn_ctx *ctx, const mt_part_row *p)
{
    system_rows *r = of->rows;
    mt_ttl_row *rows = NULL;
    uint32_t count = 0;
    fn_str codec = {NULL, 0};
    if (!wants_ttl(r)) return FN_OK;
    if (mt_part_ttls(ctx, of->table, p->file, p->checksum, &rows, &count, &codec) != FN_OK) { /* a damaged part is shown, too */
        if (ctx->error.code == FN_MEMORY_LIMIT_EXCEEDED) return ctx->error.code;
        fn_error_clear(ctx);
        count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].kind != MT_TTL_DELETE) continue;
        system_put_i64(r, "delete_ttl_info_min", rows[i].min);
        system_put_i64(r, "delete_ttl_info_max", rows[i].max);
    }
    for (size_t i = 0; i < FN_COUNT(ttl_columns); i++) FN_TRY(put_ttl_columns(r, ctx, rows, count, i));
    system_put_str(r, "default_compression_codec", codec.size ? codec : FN_STR("LZ4"));
    return FN_OK;
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
    FN_TRY(put_ttl(of, ctx, p));
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
