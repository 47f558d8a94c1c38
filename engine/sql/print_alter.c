/* print_alter.c - the commands of ALTER TABLE.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/print.h"

fn_status sql_put_assignments(sql_printer *w, const ast_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_expr(w, list->items[i]->args.items[0], false));
        FN_TRY(sql_put(w, " = "));
        FN_TRY(sql_put_expr(w, list->items[i]->args.items[1], false));
    }
    return FN_OK;
}

static const char *const words[] = {
    [ALTER_ADD_COLUMN] = "ADD COLUMN ", [ALTER_DROP_COLUMN] = "DROP COLUMN ", [ALTER_MODIFY_COLUMN] = "MODIFY COLUMN ",
    [ALTER_RENAME_COLUMN] = "RENAME COLUMN ", [ALTER_COMMENT_COLUMN] = "COMMENT COLUMN ", [ALTER_CLEAR_COLUMN] = "CLEAR COLUMN ",
    [ALTER_MATERIALIZE_COLUMN] = "MATERIALIZE COLUMN ", [ALTER_DROP_PARTITION] = "DROP ", [ALTER_DROP_PART] = "DROP ",
    [ALTER_DETACH_PARTITION] = "DETACH ", [ALTER_ATTACH_PARTITION] = "ATTACH ", [ALTER_ATTACH_PARTITION_FROM] = "ATTACH ",
    [ALTER_REPLACE_PARTITION] = "REPLACE ", [ALTER_MOVE_PARTITION] = "MOVE ", [ALTER_FREEZE] = "FREEZE ", [ALTER_UNFREEZE] = "UNFREEZE ",
    [ALTER_DELETE] = "DELETE", [ALTER_UPDATE] = "UPDATE ", [ALTER_MODIFY_ORDER_BY] = "MODIFY ORDER BY ", [ALTER_MODIFY_TTL] = "MODIFY TTL ",
    [ALTER_REMOVE_TTL] = "REMOVE TTL", [ALTER_MODIFY_SETTING] = "MODIFY SETTING ", [ALTER_RESET_SETTING] = "RESET SETTING ",
    [ALTER_MODIFY_COMMENT] = "MODIFY COMMENT ", [ALTER_ADD_INDEX] = "ADD ", [ALTER_DROP_INDEX] = "DROP INDEX ",
    [ALTER_MATERIALIZE_INDEX] = "MATERIALIZE INDEX ", [ALTER_CLEAR_INDEX] = "CLEAR INDEX ", [ALTER_ADD_PROJECTION] = "ADD ",
    [ALTER_DROP_PROJECTION] = "DROP PROJECTION ", [ALTER_MATERIALIZE_PROJECTION] = "MATERIALIZE PROJECTION ",
    [ALTER_CLEAR_PROJECTION] = "CLEAR PROJECTION ", [ALTER_ADD_CONSTRAINT] = "ADD ", [ALTER_DROP_CONSTRAINT] = "DROP CONSTRAINT ",
    [ALTER_MODIFY_QUERY] = "MODIFY QUERY ", [ALTER_STATISTICS] = "", [ALTER_STATISTICS_DATA] = "", [ALTER_OTHER] = ""};

static fn_status put_settings(sql_printer *w, const ast_alter_command *c)
{
    if (c->kind != ALTER_RESET_SETTING) return sql_put_settings(w, c->settings, c->setting_count);
    for (uint32_t i = 0; i < c->setting_count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_name(w, c->settings[i].name));
    }
    return FN_OK;
}

static fn_status put_column(sql_printer *w, const ast_alter_command *c)
{
    static const char codes[] = "dmacot", *const removes[] = {"DEFAULT", "MATERIALIZED", "ALIAS", "COMMENT", "CODEC", "TTL"};
    FN_TRY(sql_put_column_def(w, &c->column));
    if (c->remove) return fn_buf_printf(w->ctx, w->out, " REMOVE %s", removes[strchr(codes, c->remove) - codes]);
    if (!c->setting_count) return FN_OK;
    FN_TRY(sql_put(w, " MODIFY SETTING "));
    return put_settings(w, c);
}

static fn_status put_from(sql_printer *w, const char *word, const ast_alter_command *c)
{
    FN_TRY(sql_put(w, word));
    return sql_put_table(w, &c->from);
}

static fn_status put_statistics(sql_printer *w, const ast_alter_command *c)
{
    static const char verbs[] = "amdcb", *const words_of[] = {"ADD", "MODIFY", "DROP", "CLEAR", "MATERIALIZE"};
    FN_TRY(fn_buf_printf(w->ctx, w->out, "%s STATISTICS ", words_of[strchr(verbs, c->verb) - verbs]));
    if (c->name_count == 0) FN_TRY(sql_put(w, "ALL"));
    for (uint32_t i = 0; i < c->name_count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_name(w, c->names[i]));
    }
    return c->statistics.size ? fn_buf_printf(w->ctx, w->out, " TYPE " FN_STR_FMT, FN_STR_ARG(c->statistics)) : FN_OK;
}

/* What stands between the words and the clauses at the end. */
static fn_status put_subject(sql_printer *w, const ast_alter_command *c)
{
    if (c->verb) return put_statistics(w, c);
    if (c->detached) FN_TRY(sql_put(w, "DETACHED "));
    if (c->item.kind) return sql_put_item(w, &c->item);
    if (c->column.name.size) return put_column(w, c);
    if (c->setting_count) return put_settings(w, c);
    if (c->query) return sql_put_query(w, c->query);
    if (c->kind == ALTER_MODIFY_COMMENT) return sql_quote_string(w->ctx, c->text, w->out);
    if (c->kind == ALTER_UPDATE) return sql_put_assignments(w, &c->assignments);
    const bool is_label = c->kind == ALTER_FREEZE || c->kind == ALTER_UNFREEZE || c->kind == ALTER_MOVE_PARTITION; /* c->name stands behind */
    if (c->name.size && !is_label) return sql_put_name(w, c->name);
    if (c->text.size && !is_label) return fn_buf_str(w->ctx, w->out, c->text);
    return c->partition.present ? sql_put_partition(w, &c->partition) : FN_OK;
}

static fn_status put_tail(sql_printer *w, const ast_alter_command *c)
{
    if (c->kind == ALTER_RENAME_COLUMN) {
        FN_TRY(sql_put(w, " TO "));
        return sql_put_name(w, c->new_name);
    }
    if (c->kind == ALTER_COMMENT_COLUMN) {
        FN_TRY(sql_put(w, " "));
        return sql_quote_string(w->ctx, c->text, w->out);
    }
    if (c->kind == ALTER_REPLACE_PARTITION || c->kind == ALTER_ATTACH_PARTITION_FROM) return put_from(w, " FROM ", c);
    if (c->kind == ALTER_MOVE_PARTITION && c->text.size) {
        FN_TRY(sql_put(w, " TO "));
        FN_TRY(fn_buf_str(w->ctx, w->out, c->text));
        FN_TRY(sql_put(w, " "));
        return sql_quote_string(w->ctx, c->name, w->out);
    }
    if (c->kind == ALTER_MOVE_PARTITION) return put_from(w, " TO TABLE ", c);
    if ((c->kind == ALTER_FREEZE || c->kind == ALTER_UNFREEZE) && c->name.size) {
        FN_TRY(sql_put(w, " WITH NAME "));
        return sql_quote_string(w->ctx, c->name, w->out);
    }
    if (c->partition.present && (c->name.size || c->where)) {
        FN_TRY(sql_put(w, " IN "));
        FN_TRY(sql_put_partition(w, &c->partition));
    }
    if (c->where) {
        FN_TRY(sql_put(w, " WHERE "));
        return sql_put_expr(w, c->where, false);
    }
    if (c->first) return sql_put(w, " FIRST");
    if (!c->after.size) return FN_OK;
    FN_TRY(sql_put(w, " AFTER "));
    return sql_put_name(w, c->after);
}

fn_status sql_put_alter_command(sql_printer *w, const ast_alter_command *c)
{
    FN_TRY(sql_put(w, words[c->kind]));
    if (c->item.kind && c->if_not_exists) { /* ADD INDEX IF NOT EXISTS i ...: the words stand inside the item's text */
        FN_TRY(sql_put(w, c->item.kind == 'i' ? "INDEX IF NOT EXISTS " : c->item.kind == 'p' ? "PROJECTION IF NOT EXISTS " : "CONSTRAINT IF NOT EXISTS "));
        const size_t start = w->out->size;
        FN_TRY(sql_put_item(w, &c->item));
        const char *space = memchr(w->out->data + start, ' ', w->out->size - start);
        const size_t skip = (size_t)(space - (w->out->data + start)) + 1;
        memmove(w->out->data + start, w->out->data + start + skip, w->out->size - start - skip);
        w->out->size -= skip;
        return put_tail(w, c);
    }
    if (c->if_exists) FN_TRY(sql_put(w, "IF EXISTS "));
    if (c->if_not_exists) FN_TRY(sql_put(w, "IF NOT EXISTS "));
    FN_TRY(put_subject(w, c));
    return put_tail(w, c);
}
