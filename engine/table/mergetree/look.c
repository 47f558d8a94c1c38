/* look.c - parts as system.parts shows them, bytes per column, CHECK TABLE.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

fn_status mt_parts(fn_ctx *ctx, table *t, mt_each_part *each, void *self)
{
    mt_list *list = mt_table_list((mt_table *)t);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < list->count && status == FN_OK; i++) status = each(self, ctx, &list->parts[i]->row, true);
    mt_list_drop(list);
    return status;
}

fn_status mt_column_bytes(fn_ctx *ctx, table *t, uint64_t *disk, uint64_t *raw)
{
    mt_list *list = mt_table_list((mt_table *)t);
    mt_shape *shape = mt_table_shape((mt_table *)t);
    const table_schema *schema = shape->schema;
    fn_status status = FN_OK;
    memset(disk, 0, sizeof *disk * schema->count);
    memset(raw, 0, sizeof *raw * schema->count);
    for (uint32_t i = 0; i < list->count && status == FN_OK; i++) {
        const fn_part *data;
        status = mt_file_open(ctx, list->parts[i]->file, &data);
        for (uint32_t c = 0; c < schema->count && status == FN_OK; c++) {
            const int place = schema->columns[c].is_virtual ? -1 : fn_part_find(data, schema->columns[c].id);
            uint64_t bytes = 0;
            if (place < 0) continue;
            disk[c] += fn_part_column_bytes(data, (uint32_t)place, &bytes);
            raw[c] += bytes;
        }
    }
    mt_shape_drop(shape);
    mt_list_drop(list);
    return status;
}

/* Also what an opened part has read before: footer, zones and dictionaries may have changed on the disk since. */
fn_status mt_part_check(fn_ctx *ctx, mt_part *p)
{
    fn_part *fresh;
    const char *path;
    FN_TRY(mt_file_path(ctx, p->file->store, p->file->id, &path));
    FN_TRY(fn_part_open(ctx, p->file->store->options.fs, path, p->file->id, &p->row.checksum, &fresh));
    fn_status status = fn_part_check(ctx, fresh);
    if (status == FN_OK && fn_part_rows(fresh) != p->row.rows) status = fn_fail(ctx, FN_CORRUPTED_DATA, "Part file %s has other rows than the catalog says", path);
    fn_part_drop(fresh);
    return status;
}

/* Is it the statement that cannot go on, not the part that is damaged? */
static bool ends_statement(fn_status status)
{
    return status == FN_MEMORY_LIMIT_EXCEEDED || status == FN_CANNOT_ALLOCATE_MEMORY || status == FN_QUERY_WAS_CANCELLED || status == FN_TIMEOUT_EXCEEDED;
}

static fn_status check_list(fn_ctx *ctx, const mt_list *list, fn_str partition_id, fn_str name, mt_each_checked *each, void *self)
{
    for (uint32_t i = 0; i < list->count; i++) {
        mt_part *p = list->parts[i];
        if (partition_id.data && !fn_str_eq(p->row.partition_id, partition_id)) continue;
        if (name.data && !fn_str_eq(p->row.name, name)) continue;
        FN_TRY(fn_ctx_check(ctx));
        const fn_status checked = mt_part_check(ctx, p);
        if (ends_statement(checked)) return checked;
        const fn_error error = ctx->error;
        fn_error_clear(ctx);
        if (checked != FN_OK) fn_log(FN_LOG_ERROR, "mergetree", "part " FN_STR_FMT " is damaged: %s", FN_STR_ARG(p->row.name), error.text);
        FN_TRY(each(self, ctx, &p->row, checked == FN_OK ? NULL : &error));
    }
    return FN_OK;
}

fn_status mt_check(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name, mt_each_checked *each, void *self)
{
    mt_list *list = mt_table_list((mt_table *)t);
    const fn_status status = check_list(ctx, list, partition_id, name, each, self);
    mt_list_drop(list);
    return status;
}
