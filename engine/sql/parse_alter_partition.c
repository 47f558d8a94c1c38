/* parse_alter_partition.c - ALTER TABLE's commands about partitions and parts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

/* ALL | ID 'x' | {param} | expression; with is_part set: the name of a part. */
fn_status sql_partition(sql_parser *p, ast_partition *out)
{
    out->present = true;
    if (out->is_part) return sql_string(p, &out->id);
    if (sql_words(p, "ALL")) {
        out->all = true;
        return FN_OK;
    }
    if (sql_word_is(p, 0, "ID") && sql_token_at(p, 1)->kind == TOKEN_STRING && sql_words(p, "ID")) {
        out->has_id = true;
        return sql_string(p, &out->id);
    }
    return sql_expr(p, &out->value);
}

/* MOVE PARTITION ... TO DISK | VOLUME 'x' (in c->text, the name in c->name) | TABLE t; a part goes to disks and volumes only. */
static fn_status parse_move(sql_parser *p, ast_alter_command *c)
{
    static const char *const places[] = {"DISK", "VOLUME"};
    FN_TRY(sql_need_words(p, "TO"));
    for (size_t i = 0; i < FN_COUNT(places); i++) {
        if (!sql_words(p, places[i])) continue;
        c->text = fn_cstr(places[i]);
        return sql_string(p, &c->name);
    }
    if (c->partition.is_part) {
        if (sql_words(p, "SHARD")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "Moving parts to shards is not supported");
        return sql_expected(p, "DISK");
    }
    FN_TRY(sql_need_words(p, "TABLE"));
    return sql_table_name(p, &c->from);
}

static const struct {
    const char *words;
    ast_alter_kind kind;
    bool part, detached;
} partitions[] = {
    {"DROP DETACHED PARTITION", ALTER_DROP_PARTITION, false, true},
    {"DROP DETACHED PART", ALTER_DROP_PART, true, true},
    {"DROP PARTITION", ALTER_DROP_PARTITION, false, false},
    {"DROP PART", ALTER_DROP_PART, true, false},
    {"DETACH PARTITION", ALTER_DETACH_PARTITION, false, false},
    {"DETACH PART", ALTER_DETACH_PARTITION, true, false},
    {"ATTACH PARTITION", ALTER_ATTACH_PARTITION, false, false},
    {"ATTACH PART", ALTER_ATTACH_PARTITION, true, false},
    {"REPLACE PARTITION", ALTER_REPLACE_PARTITION, false, false},
    {"MOVE PARTITION", ALTER_MOVE_PARTITION, false, false},
    {"MOVE PART", ALTER_MOVE_PARTITION, true, false},
    {"FREEZE PARTITION", ALTER_FREEZE, false, false},
    {"UNFREEZE PARTITION", ALTER_UNFREEZE, false, false},
};

/* WITH NAME 'x': FREEZE without it counts. */
static fn_status parse_with_name(sql_parser *p, ast_alter_command *c)
{
    if (c->kind == ALTER_FREEZE && !sql_is_words(p, "WITH NAME")) return FN_OK;
    FN_TRY(sql_need_words(p, "WITH NAME"));
    return sql_string(p, &c->name);
}

static fn_status parse_rest(sql_parser *p, ast_alter_command *c)
{
    FN_TRY(sql_partition(p, &c->partition));
    if (c->kind == ALTER_REPLACE_PARTITION) {
        FN_TRY(sql_need_words(p, "FROM"));
        return sql_table_name(p, &c->from);
    }
    if (c->kind == ALTER_MOVE_PARTITION) return parse_move(p, c);
    if (c->kind == ALTER_ATTACH_PARTITION && !c->partition.is_part && sql_words(p, "FROM")) {
        c->kind = ALTER_ATTACH_PARTITION_FROM;
        return sql_table_name(p, &c->from);
    }
    return c->kind == ALTER_FREEZE || c->kind == ALTER_UNFREEZE ? parse_with_name(p, c) : FN_OK;
}

fn_status sql_alter_partition(sql_parser *p, ast_alter_command *c, bool *done)
{
    *done = true;
    for (size_t i = 0; i < FN_COUNT(partitions); i++) {
        if (!sql_words(p, partitions[i].words)) continue;
        c->kind = partitions[i].kind;
        c->partition.is_part = partitions[i].part;
        c->detached = partitions[i].detached;
        return parse_rest(p, c);
    }
    const bool freeze = sql_words(p, "FREEZE");
    if (freeze || sql_words(p, "UNFREEZE")) {
        c->kind = freeze ? ALTER_FREEZE : ALTER_UNFREEZE;
        c->partition.all = true;
        return parse_with_name(p, c);
    }
    *done = false;
    return FN_OK;
}
