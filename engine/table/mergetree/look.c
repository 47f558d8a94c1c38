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

fn_status mt_check(fn_ctx *ctx, table *t, mt_each_part *broken, void *self)
{
    mt_list *list = mt_table_list((mt_table *)t);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < list->count && status == FN_OK; i++) {
        const fn_part *data;
        fn_status checked = mt_file_open(ctx, list->parts[i]->file, &data);
        if (checked == FN_OK) checked = fn_part_check(ctx, data);
        if (checked != FN_OK) {
            fn_log(FN_LOG_ERROR, "mergetree", "part " FN_STR_FMT " is damaged: %s", FN_STR_ARG(list->parts[i]->row.name), ctx->error.text);
            fn_error_clear(ctx);
            status = broken(self, ctx, &list->parts[i]->row, true);
        }
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    mt_list_drop(list);
    return status;
}
