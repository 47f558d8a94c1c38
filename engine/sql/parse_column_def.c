/* parse_column_def.c - the parts of a table definition: columns, indices, projections, constraints.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static const uint32_t round_open = SQL_SYMBOL1('('), round_close = SQL_SYMBOL1(')'), comma = SQL_SYMBOL1(',');

fn_status sql_text_of_expr(sql_parser *p, const ast_expr *e, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_print_expr(p->ctx, e, &text);
    if (status == FN_OK) status = fn_arena_str(p->ctx, p->ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

/* Words that end the type of a column, or stand where none is written. */
static bool is_column_clause(sql_parser *p)
{
    static const char *const words[] = {"DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL", "COMMENT", "CODEC", "TTL", "REMOVE", "FIRST", "AFTER",
                                        "SETTINGS", "RESET", "MODIFY", "ADD", "STATISTICS"};
    for (size_t i = 0; i < FN_COUNT(words); i++) {
        if (sql_word_is(p, 0, words[i])) return true;
    }
    const sql_token *t = sql_token_at(p, 0);
    return t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED;
}

static fn_status parse_default(sql_parser *p, ast_column_def *c, bool *found)
{
    static const char *const words[] = {"DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL"}; /* table_default_kind 1..4 */
    *found = false;
    for (uint8_t i = 0; i < FN_COUNT(words) && !*found; i++) {
        *found = sql_words(p, words[i]);
        if (*found) c->default_kind = (uint8_t)(i + 1);
    }
    if (!*found) return FN_OK;
    const bool bare_ephemeral = c->default_kind == 4 && (is_column_clause(p) && !sql_is_symbol(p, round_open)) &&
                                sql_token_at(p, 0)->kind != TOKEN_NUMBER && sql_token_at(p, 0)->kind != TOKEN_STRING;
    if (bare_ephemeral) return FN_OK;
    FN_TRY(sql_expr(p, &c->default_expr));
    return sql_text_of_expr(p, c->default_expr, &c->default_text);
}

/* CODEC(ZSTD(1), LZ4): kept as that text. */
static fn_status parse_codec(sql_parser *p, fn_str *out)
{
    ast_expr *e;
    FN_TRY(sql_node(p, AST_FUNCTION, &e));
    e->text = FN_STR("CODEC");
    FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
    FN_TRY(sql_expr_list(p, false, false, &e->args));
    FN_TRY(sql_need_symbol(p, round_close, "ClosingRoundBracket"));
    return sql_text_of_expr(p, e, out);
}

fn_status sql_statistics_types(sql_parser *p, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    do {
        fn_str name;
        status = sql_name(p, &name);
        if (status == FN_OK && text.size) status = fn_buf_cstr(p->ctx, &text, ", ");
        if (status == FN_OK) status = fn_buf_str(p->ctx, &text, name);
    } while (status == FN_OK && sql_symbol(p, SQL_SYMBOL1(',')));
    if (status == FN_OK) status = fn_arena_str(p->ctx, p->ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

static fn_status parse_modifier(sql_parser *p, ast_column_def *c, bool *found)
{
    *found = true;
    if (sql_words(p, "NOT NULL")) {
        c->null_set = true;
        return FN_OK;
    }
    if (sql_words(p, "NULL")) {
        c->null_set = c->null = true;
        return FN_OK;
    }
    if (sql_words(p, "COMMENT")) return sql_string(p, &c->comment);
    if (sql_words(p, "CODEC")) return parse_codec(p, &c->codec);
    if (sql_words(p, "TTL")) {
        ast_expr *e;
        FN_TRY(sql_expr(p, &e));
        return sql_text_of_expr(p, e, &c->ttl);
    }
    if (sql_words(p, "PRIMARY KEY")) {
        c->primary_key = true;
        return FN_OK;
    }
    if (sql_word_is(p, 0, "SETTINGS") && sql_token_at(p, 1)->symbol == round_open && sql_words(p, "SETTINGS")) {
        p->at++;
        FN_TRY(sql_settings(p, &c->settings, &c->setting_count));
        return sql_need_symbol(p, round_close, "ClosingRoundBracket");
    }
    if (sql_words(p, "STATISTICS")) {
        FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
        FN_TRY(sql_statistics_types(p, &c->statistics));
        return sql_need_symbol(p, round_close, "ClosingRoundBracket");
    }
    if (sql_words(p, "AUTO_INCREMENT")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "AUTO_INCREMENT is not supported");
    if (sql_words(p, "COLLATE")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "COLLATE of columns is not supported");
    return parse_default(p, c, found);
}

fn_status sql_column_def(sql_parser *p, bool need_type, ast_column_def *out)
{
    FN_TRY(sql_compound_name(p, &out->name));
    if (!is_column_clause(p)) FN_TRY(sql_type(p, &out->type));
    bool found;
    do FN_TRY(parse_modifier(p, out, &found));
    while (found);
    if (need_type && out->type.size == 0 && out->default_kind == 0) return sql_expected(p, "data type");
    return FN_OK;
}

fn_status sql_index_def(sql_parser *p, ast_table_item *out)
{
    out->kind = 'i';
    FN_TRY(sql_name(p, &out->name));
    out->index.name = out->name;
    FN_TRY(sql_expr(p, &out->index.expr));
    FN_TRY(sql_text_of_expr(p, out->index.expr, &out->index.expr_text));
    FN_TRY(sql_need_words(p, "TYPE"));
    FN_TRY(sql_expr(p, &out->index.type));
    if (out->index.type->kind == AST_IDENTIFIER) {
        out->index.type->kind = AST_FUNCTION;
        out->index.type->text = out->index.type->parts[0];
        out->index.type->is_operator = false;
    }
    const bool bare = out->index.type->args.count == 0;
    if (bare) out->index.type_text = out->index.type->text;
    else FN_TRY(sql_text_of_expr(p, out->index.type, &out->index.type_text));
    out->index.granularity = 1;
    if (sql_words(p, "GRANULARITY")) FN_TRY(sql_unsigned(p, &out->index.granularity));
    char *text = fn_arena_printf(p->ctx, p->ctx->arena, "%.*s TYPE %.*s GRANULARITY %llu", (int)out->index.expr_text.size,
                                 out->index.expr_text.data, (int)out->index.type_text.size, out->index.type_text.data,
                                 (unsigned long long)out->index.granularity);
    FN_TRY_PTR(p->ctx, text);
    out->text = fn_cstr(text);
    return FN_OK;
}

/* ORDER BY of a projection: a tuple is a list, and nothing has a direction. */
static fn_status take_order(sql_parser *p, ast_order *o)
{
    ast_order_item *items = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < o->count; i++) {
        ast_expr *e = o->items[i].expr;
        const bool tuple = e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("tuple"));
        for (uint32_t k = 0; k < (tuple ? e->args.count : 1); k++) {
            ast_order_item *slot = sql_grow(p, &items, &count, sizeof *slot);
            FN_TRY_PTR(p->ctx, slot);
            *slot = o->items[i];
            slot->bare = !slot->descending;
            if (tuple) slot->expr = e->args.items[k];
        }
    }
    o->items = items;
    o->count = count;
    return FN_OK;
}

/* PROJECTION name INDEX expr TYPE kind */
static fn_status parse_projection_index(sql_parser *p)
{
    ast_expr *e;
    fn_str kind;
    FN_TRY(sql_expr(p, &e));
    FN_TRY(sql_need_words(p, "TYPE"));
    FN_TRY(sql_name(p, &kind));
    if (fn_str_eq(kind, FN_STR("basic")) || fn_str_eq(kind, FN_STR("commit_order"))) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "PROJECTION ... INDEX is not supported");
    return fn_fail(p->ctx, FN_INCORRECT_QUERY, "Unknown projection index type '" FN_STR_FMT "'. Available projection index types: commit_order, basic", FN_STR_ARG(kind));
}

fn_status sql_projection_def(sql_parser *p, ast_table_item *out)
{
    out->kind = 'p';
    FN_TRY(sql_name(p, &out->name));
    if (sql_words(p, "INDEX")) return parse_projection_index(p);
    FN_TRY(sql_subquery(p, &out->projection));
    if (out->projection->select) FN_TRY(take_order(p, &out->projection->select->order_by));
    if (sql_words(p, "WITH SETTINGS")) return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "Settings of projections are not supported");
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_print_query(p->ctx, out->projection, false, &text);
    if (status == FN_OK) status = fn_arena_str(p->ctx, p->ctx->arena, fn_buf_view(&text), &out->text);
    fn_buf_release(&text);
    return status;
}

fn_status sql_constraint_def(sql_parser *p, ast_table_item *out)
{
    FN_TRY(sql_name(p, &out->name));
    if (sql_words(p, "CHECK")) out->kind = 'c';
    else if (sql_words(p, "ASSUME")) out->kind = 'a';
    else return FN_SYNTAX_ERROR;
    FN_TRY(sql_expr(p, &out->constraint));
    return sql_text_of_expr(p, out->constraint, &out->text);
}

/* PRIMARY KEY (a, b) among the columns. */
static fn_status parse_inner_key(sql_parser *p, ast_create *c)
{
    if (c->engine.primary_key) return fn_fail(p->ctx, FN_BAD_ARGUMENTS, "Multiple primary keys are not allowed");
    FN_TRY(sql_expr(p, &c->engine.primary_key));
    return sql_text_of_expr(p, c->engine.primary_key, &c->engine.primary_key_text);
}

static fn_status parse_item(sql_parser *p, ast_create *c)
{
    const sql_token_kind next = sql_token_at(p, 2)->kind;
    const bool named = next == TOKEN_WORD || next == TOKEN_QUOTED || next == TOKEN_SYMBOL;
    if (sql_words(p, "PRIMARY KEY")) return parse_inner_key(p, c);
    const uint32_t before = p->at;
    const bool index = named && sql_words(p, "INDEX"), projection = !index && named && sql_words(p, "PROJECTION");
    const bool constraint = !index && !projection && named && sql_words(p, "CONSTRAINT");
    if (index || projection || constraint) {
        ast_table_item item = {0};
        const fn_status status = index ? sql_index_def(p, &item) : projection ? sql_projection_def(p, &item) : sql_constraint_def(p, &item);
        if (status == FN_OK) {
            ast_table_item *slot = sql_grow(p, &c->items, &c->item_count, sizeof *slot);
            FN_TRY_PTR(p->ctx, slot);
            *slot = item;
            return FN_OK;
        }
        if (!sql_soft(p, status)) return status;
        p->at = before; /* a column called index */
    }
    ast_column_def *column = sql_grow(p, &c->columns, &c->column_count, sizeof *column);
    FN_TRY_PTR(p->ctx, column);
    return sql_column_def(p, false, column);
}

fn_status sql_columns_and_items(sql_parser *p, ast_create *c)
{
    c->has_columns = true;
    do {
        if (sql_is_symbol(p, round_close)) break;
        FN_TRY(parse_item(p, c));
    } while (sql_symbol(p, comma));
    return sql_need_symbol(p, round_close, "ClosingRoundBracket");
}
