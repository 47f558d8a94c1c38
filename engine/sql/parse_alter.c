/* parse_alter.c - ALTER TABLE: the list of commands, each found by its words.
 *
 * One row of `commands` per beginning, longest first where beginnings are alike; a row says the kind and how the rest is parsed.
 * A command may stand in parentheses, as ClickHouse prints several of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

typedef fn_status command_parser(sql_parser *p, ast_alter_command *c);

static fn_status parse_position(sql_parser *p, ast_alter_command *c)
{
    c->first = sql_words(p, "FIRST");
    return !c->first && sql_words(p, "AFTER") ? sql_compound_name(p, &c->after) : FN_OK;
}

static fn_status parse_add_column(sql_parser *p, ast_alter_command *c)
{
    c->if_not_exists = sql_words(p, "IF NOT EXISTS");
    FN_TRY(sql_column_def(p, true, &c->column));
    c->name = c->column.name;
    return parse_position(p, c);
}

static fn_status parse_modify_column(sql_parser *p, ast_alter_command *c)
{
    static const struct {
        const char *words;
        char remove;
    } removes[] = {{"REMOVE DEFAULT", 'd'}, {"REMOVE MATERIALIZED", 'm'}, {"REMOVE ALIAS", 'a'}, {"REMOVE COMMENT", 'c'}, {"REMOVE CODEC", 'o'},
                   {"REMOVE TTL", 't'}};
    c->if_exists = sql_words(p, "IF EXISTS");
    const uint32_t before = p->at;
    FN_TRY(sql_compound_name(p, &c->name));
    c->column.name = c->name;
    for (size_t i = 0; i < FN_COUNT(removes); i++) {
        if (!sql_words(p, removes[i].words)) continue;
        c->remove = removes[i].remove;
        return FN_OK;
    }
    if (sql_words(p, "MODIFY SETTING")) return sql_settings(p, &c->settings, &c->setting_count);
    if (sql_is_words(p, "RESET SETTING") || sql_is_words(p, "REMOVE SETTINGS") || sql_is_words(p, "REMOVE EPHEMERAL")) {
        return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "This change of a column is not supported");
    }
    (void)sql_words(p, "TYPE");
    if (sql_token_at(p, 0)->kind != TOKEN_END && p->at == before + 1) p->at = before;
    if (p->at == before) {
        FN_TRY(sql_column_def(p, false, &c->column));
    } else { /* ALTER COLUMN a TYPE T, or a compound name: parse the definition behind the name by hand */
        const bool typed = fn_str_eq_nocase(sql_token_text(p, &p->tokens[p->at - 1]), FN_STR("TYPE"));
        if (typed) FN_TRY(sql_type(p, &c->column.type));
        else {
            p->at = before;
            FN_TRY(sql_column_def(p, false, &c->column));
        }
    }
    return parse_position(p, c);
}

static fn_status parse_rename_column(sql_parser *p, ast_alter_command *c)
{
    c->if_exists = sql_words(p, "IF EXISTS");
    FN_TRY(sql_compound_name(p, &c->name));
    FN_TRY(sql_need_words(p, "TO"));
    return sql_compound_name(p, &c->new_name);
}

static fn_status parse_comment_column(sql_parser *p, ast_alter_command *c)
{
    c->if_exists = sql_words(p, "IF EXISTS");
    FN_TRY(sql_compound_name(p, &c->name));
    return sql_string(p, &c->text);
}

/* DROP/CLEAR/MATERIALIZE of a named thing: [IF EXISTS] name [IN PARTITION x] */
static fn_status parse_named(sql_parser *p, ast_alter_command *c)
{
    c->if_exists = sql_words(p, "IF EXISTS");
    FN_TRY(sql_compound_name(p, &c->name));
    return sql_words(p, "IN PARTITION") ? sql_partition(p, &c->partition) : FN_OK;
}

static fn_status parse_add_index(sql_parser *p, ast_alter_command *c)
{
    c->if_not_exists = sql_words(p, "IF NOT EXISTS");
    FN_TRY(sql_index_def(p, &c->item));
    c->name = c->item.name;
    return parse_position(p, c);
}

static fn_status parse_add_projection(sql_parser *p, ast_alter_command *c)
{
    c->if_not_exists = sql_words(p, "IF NOT EXISTS");
    FN_TRY(sql_projection_def(p, &c->item));
    c->name = c->item.name;
    return parse_position(p, c);
}

static fn_status parse_add_constraint(sql_parser *p, ast_alter_command *c)
{
    c->if_not_exists = sql_words(p, "IF NOT EXISTS");
    FN_TRY(sql_constraint_def(p, &c->item));
    c->name = c->item.name;
    return FN_OK;
}

static fn_status parse_delete(sql_parser *p, ast_alter_command *c)
{
    if (sql_words(p, "IN PARTITION")) FN_TRY(sql_partition(p, &c->partition));
    FN_TRY(sql_need_words(p, "WHERE"));
    return sql_expr(p, &c->where);
}

static fn_status parse_update(sql_parser *p, ast_alter_command *c)
{
    FN_TRY(sql_assignments(p, &c->assignments));
    if (sql_words(p, "IN PARTITION")) FN_TRY(sql_partition(p, &c->partition));
    FN_TRY(sql_need_words(p, "WHERE"));
    return sql_expr(p, &c->where);
}

static fn_status parse_expr(sql_parser *p, ast_alter_command *c)
{
    FN_TRY(sql_expr(p, &c->expr));
    return sql_text_of_expr(p, c->expr, &c->text);
}

static fn_status parse_ttl(sql_parser *p, ast_alter_command *c)
{
    return sql_ttl(p, &c->ttl, &c->ttl_count, &c->text);
}

static fn_status parse_nothing(sql_parser *p, ast_alter_command *c)
{
    (void)p;
    (void)c;
    return FN_OK;
}

static fn_status parse_settings(sql_parser *p, ast_alter_command *c)
{
    return sql_settings(p, &c->settings, &c->setting_count);
}

static fn_status parse_reset_settings(sql_parser *p, ast_alter_command *c)
{
    do {
        ast_setting *s = sql_grow(p, &c->settings, &c->setting_count, sizeof *s);
        FN_TRY_PTR(p->ctx, s);
        FN_TRY(sql_name(p, &s->name));
        s->is_default = true;
        if (!sql_is_symbol(p, SQL_SYMBOL1(',')) || sql_token_at(p, 2)->kind == TOKEN_WORD) break;
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return FN_OK;
}

static fn_status parse_comment(sql_parser *p, ast_alter_command *c)
{
    return sql_string(p, &c->text);
}

static fn_status parse_query(sql_parser *p, ast_alter_command *c)
{
    return sql_query(p, &c->query);
}

/* [IF (NOT) EXISTS] a, b [TYPE t, u] [IN PARTITION p] */
static fn_status parse_statistics(sql_parser *p, ast_alter_command *c, char verb)
{
    c->verb = verb;
    c->if_not_exists = sql_words(p, "IF NOT EXISTS");
    c->if_exists = !c->if_not_exists && sql_words(p, "IF EXISTS");
    if (!((verb == 'c' || verb == 'b') && sql_words(p, "ALL"))) {
        do {
            fn_str *name = sql_grow(p, &c->names, &c->name_count, sizeof *name);
            FN_TRY_PTR(p->ctx, name);
            FN_TRY(sql_compound_name(p, name));
        } while (sql_symbol(p, SQL_SYMBOL1(',')));
    }
    if (verb == 'a' || verb == 'm') {
        FN_TRY(sql_need_words(p, "TYPE"));
        return sql_statistics_types(p, &c->statistics);
    }
    return sql_words(p, "IN PARTITION") ? sql_partition(p, &c->partition) : FN_OK;
}

static fn_status parse_statistics_add(sql_parser *p, ast_alter_command *c)
{
    return parse_statistics(p, c, 'a');
}

static fn_status parse_statistics_modify(sql_parser *p, ast_alter_command *c)
{
    return parse_statistics(p, c, 'm');
}

static fn_status parse_statistics_drop(sql_parser *p, ast_alter_command *c)
{
    return parse_statistics(p, c, 'd');
}

static fn_status parse_statistics_clear(sql_parser *p, ast_alter_command *c)
{
    return parse_statistics(p, c, 'c');
}

static fn_status parse_statistics_materialize(sql_parser *p, ast_alter_command *c)
{
    return parse_statistics(p, c, 'b');
}

/* Commands firn does not have: the words name them, the rest of the statement is skipped. */
static fn_status parse_other(sql_parser *p, ast_alter_command *c)
{
    (void)c;
    int depth = 0;
    for (;; p->at++) {
        const sql_token *t = sql_token_at(p, 0);
        if (t->kind == TOKEN_END || t->kind == TOKEN_BAD) return FN_OK;
        if (t->kind != TOKEN_SYMBOL) continue;
        if (t->symbol == SQL_SYMBOL1('(')) depth++;
        if (t->symbol == SQL_SYMBOL1(')') && --depth < 0) return FN_OK;
        if (t->symbol == SQL_SYMBOL1(';') || (t->symbol == SQL_SYMBOL1(',') && depth == 0)) return FN_OK;
    }
}

static const struct {
    const char *words;
    ast_alter_kind kind;
    command_parser *parse;
} commands[] = {
    {"ADD COLUMN", ALTER_ADD_COLUMN, parse_add_column},
    {"ADD INDEX", ALTER_ADD_INDEX, parse_add_index},
    {"ADD PROJECTION", ALTER_ADD_PROJECTION, parse_add_projection},
    {"ADD CONSTRAINT", ALTER_ADD_CONSTRAINT, parse_add_constraint},
    {"ADD STATISTICS", ALTER_STATISTICS, parse_statistics_add},
    {"DROP COLUMN", ALTER_DROP_COLUMN, parse_named},
    {"DROP INDEX", ALTER_DROP_INDEX, parse_named},
    {"DROP PROJECTION", ALTER_DROP_PROJECTION, parse_named},
    {"DROP CONSTRAINT", ALTER_DROP_CONSTRAINT, parse_named},
    {"DROP STATISTICS", ALTER_STATISTICS, parse_statistics_drop},
    {"CLEAR COLUMN", ALTER_CLEAR_COLUMN, parse_named},
    {"CLEAR INDEX", ALTER_CLEAR_INDEX, parse_named},
    {"CLEAR PROJECTION", ALTER_CLEAR_PROJECTION, parse_named},
    {"CLEAR STATISTICS", ALTER_STATISTICS_DATA, parse_statistics_clear},
    {"MATERIALIZE COLUMN", ALTER_MATERIALIZE_COLUMN, parse_named},
    {"MATERIALIZE INDEX", ALTER_MATERIALIZE_INDEX, parse_named},
    {"MATERIALIZE PROJECTION", ALTER_MATERIALIZE_PROJECTION, parse_named},
    {"MATERIALIZE STATISTICS", ALTER_STATISTICS_DATA, parse_statistics_materialize},
    {"MATERIALIZE TTL", ALTER_OTHER, parse_other},
    {"REWRITE PARTS", ALTER_OTHER, parse_other},
    {"MODIFY COLUMN", ALTER_MODIFY_COLUMN, parse_modify_column},
    {"ALTER COLUMN", ALTER_MODIFY_COLUMN, parse_modify_column},
    {"RENAME COLUMN", ALTER_RENAME_COLUMN, parse_rename_column},
    {"COMMENT COLUMN", ALTER_COMMENT_COLUMN, parse_comment_column},
    {"MODIFY ORDER BY", ALTER_MODIFY_ORDER_BY, parse_expr},
    {"MODIFY SAMPLE BY", ALTER_OTHER, parse_other},
    {"REMOVE SAMPLE BY", ALTER_OTHER, parse_other},
    {"MODIFY TTL", ALTER_MODIFY_TTL, parse_ttl},
    {"REMOVE TTL", ALTER_REMOVE_TTL, parse_nothing},
    {"MODIFY SETTING", ALTER_MODIFY_SETTING, parse_settings},
    {"RESET SETTING", ALTER_RESET_SETTING, parse_reset_settings},
    {"MODIFY COMMENT", ALTER_MODIFY_COMMENT, parse_comment},
    {"MODIFY QUERY", ALTER_MODIFY_QUERY, parse_query},
    {"MODIFY REFRESH", ALTER_OTHER, parse_other},
    {"MODIFY STATISTICS", ALTER_STATISTICS, parse_statistics_modify},
    {"MODIFY DEFINER", ALTER_OTHER, parse_other},
    {"MODIFY SQL SECURITY", ALTER_OTHER, parse_other},
    {"DELETE", ALTER_DELETE, parse_delete},
    {"UPDATE", ALTER_UPDATE, parse_update},
    {"APPLY DELETED MASK", ALTER_OTHER, parse_other},
    {"APPLY PATCHES", ALTER_OTHER, parse_other},
    {"FETCH PARTITION", ALTER_OTHER, parse_other},
    {"FETCH PART", ALTER_OTHER, parse_other},
    {"FORGET PARTITION", ALTER_OTHER, parse_other},
};

static fn_status parse_command(sql_parser *p, ast_alter_command *c)
{
    bool done = false;
    FN_TRY(sql_alter_partition(p, c, &done));
    if (done) return FN_OK;
    for (size_t i = 0; i < FN_COUNT(commands); i++) {
        if (!sql_words(p, commands[i].words)) continue;
        c->kind = commands[i].kind;
        if (c->kind == ALTER_OTHER) c->text = fn_cstr(commands[i].words);
        return commands[i].parse(p, c);
    }
    return FN_SYNTAX_ERROR;
}

fn_status sql_parse_alter(sql_parser *p, ast_statement *s)
{
    s->kind = STATEMENT_ALTER;
    s->temporary = sql_words(p, "TEMPORARY");
    FN_TRY(sql_need_words(p, "TABLE"));
    FN_TRY(sql_table_name(p, &s->name));
    FN_TRY(sql_on_cluster(p, &s->on_cluster));
    do {
        ast_alter_command *c = sql_grow(p, &s->commands, &s->command_count, sizeof *c);
        FN_TRY_PTR(p->ctx, c);
        const bool round = sql_symbol(p, SQL_SYMBOL1('('));
        FN_TRY(parse_command(p, c));
        if (round) FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket"));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return sql_output_options(p, s);
}
