/* alter_report.c - the answer of ALTER with alter_partition_verbose_result: a row for each part that was attached, frozen or
 * unfrozen. As ClickHouse has it, a column is there when some row has something in it. SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/result.h"

bool alter_is_partition_command(ast_alter_kind kind)
{
    static const ast_alter_kind kinds[] = {ALTER_DROP_PARTITION, ALTER_DROP_PART, ALTER_DETACH_PARTITION, ALTER_ATTACH_PARTITION, ALTER_ATTACH_PARTITION_FROM,
                                           ALTER_REPLACE_PARTITION, ALTER_MOVE_PARTITION, ALTER_FREEZE, ALTER_UNFREEZE};
    for (size_t i = 0; i < FN_COUNT(kinds); i++)
        if (kinds[i] == kind) return true;
    return false;
}

fn_status alter_report(alter_run *a, const alter_touched *row)
{
    fn_ctx *ctx = a->query->ctx;
    if (!a->query->settings.alter_partition_verbose_result) return FN_OK;
    alter_touched *kept = FN_NEW(ctx, alter_touched);
    FN_TRY_PTR(ctx, kept);
    const fn_str from[] = {row->partition_id, row->part, row->old_part, row->backup, row->backup_path, row->part_path};
    fn_str *const to[] = {&kept->partition_id, &kept->part, &kept->old_part, &kept->backup, &kept->backup_path, &kept->part_path};
    kept->command = row->command;
    for (size_t i = 0; i < FN_COUNT(from); i++) FN_TRY(fn_arena_str(ctx, ctx->arena, from[i], to[i]));
    if (!a->touched_last) a->touched_last = &a->touched;
    *a->touched_last = kept;
    a->touched_last = &kept->next;
    return FN_OK;
}

fn_status alter_send_report(alter_run *a, const ast_statement *s)
{
    enum { ALWAYS = 3, OLD = 3, ALL = 7 };
    static const result_field fields[ALL] = {{"command_type", "String"}, {"partition_id", "String"}, {"part_name", "String"}, {"old_part_name", "String"},
                                             {"backup_name", "String"}, {"backup_path", "String"}, {"part_backup_path", "String"}};
    result_field shown[ALL];
    uint32_t places[ALL], count = 0;
    bool old = false, backup = false;
    result_rows rows;
    for (const alter_touched *t = a->touched; t; t = t->next) {
        old = old || t->old_part.size;
        backup = backup || t->backup.size;
    }
    for (uint32_t i = 0; i < ALL; i++) {
        if (i >= ALWAYS && !(i == OLD ? old : backup)) continue;
        places[count] = i;
        shown[count++] = fields[i];
    }
    FN_TRY(result_rows_init(a->query, shown, count, &rows));
    fn_status status = FN_OK;
    for (const alter_touched *t = a->touched; t && status == FN_OK; t = t->next) {
        const fn_str values[ALL] = {fn_cstr(t->command), t->partition_id, t->part, t->old_part, t->backup, t->backup_path, t->part_path};
        for (uint32_t c = 0; c < count && status == FN_OK; c++) status = result_rows_text(&rows, c, values[places[c]]);
    }
    if (status == FN_OK) return result_rows_send(&rows, s);
    result_rows_release(&rows);
    return status;
}
