/* parse_engine.c - ENGINE and the clauses of storages: keys, TTL, SETTINGS, COMMENT, in any order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static const uint32_t round_open = SQL_SYMBOL1('('), round_close = SQL_SYMBOL1(')'), comma = SQL_SYMBOL1(',');

static bool parse_direction(sql_parser *p, bool *descending)
{
    *descending = sql_words(p, "DESC") || sql_words(p, "DESCENDING");
    return *descending || sql_words(p, "ASC") || sql_words(p, "ASCENDING");
}

/* (a DESC, b DESC): all in one direction. */
static fn_status parse_directed_key(sql_parser *p, ast_engine *e)
{
    FN_TRY(sql_need_symbol(p, round_open, "OpeningRoundBracket"));
    FN_TRY(sql_node(p, AST_FUNCTION, &e->order_by));
    e->order_by->text = FN_STR("tuple");
    e->order_by->is_operator = true;
    uint32_t descending = 0;
    do {
        ast_expr *item;
        bool down;
        FN_TRY(sql_expr(p, &item));
        (void)parse_direction(p, &down);
        descending += down;
        FN_TRY(sql_push(p, &e->order_by->args, item));
    } while (sql_symbol(p, comma));
    FN_TRY(sql_need_symbol(p, round_close, "ClosingRoundBracket"));
    if (descending && descending != e->order_by->args.count) {
        return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "A sorting key with mixed directions is not supported");
    }
    e->order_descending = descending > 0;
    if (e->order_by->args.count == 1) e->order_by = e->order_by->args.items[0];
    return FN_OK;
}

static fn_status parse_order(sql_parser *p, ast_engine *e)
{
    const uint32_t before = p->at;
    const fn_status status = sql_expr(p, &e->order_by);
    if (status == FN_OK) {
        (void)parse_direction(p, &e->order_descending);
    } else {
        if (!sql_soft(p, status)) return status;
        p->at = before;
        FN_TRY(parse_directed_key(p, e));
    }
    return sql_text_of_expr(p, e->order_by, &e->order_by_text);
}

static fn_status parse_name(sql_parser *p, ast_engine *e)
{
    (void)sql_symbol(p, SQL_SYMBOL1('='));
    FN_TRY(sql_name(p, &e->name));
    if (!sql_symbol(p, round_open)) return FN_OK;
    e->has_args = true;
    if (!sql_is_symbol(p, round_close)) FN_TRY(sql_expr_list(p, false, false, &e->args));
    return sql_need_symbol(p, round_close, "ClosingRoundBracket");
}

static fn_status parse_key(sql_parser *p, ast_expr **expr, fn_str *text)
{
    FN_TRY(sql_expr(p, expr));
    return sql_text_of_expr(p, *expr, text);
}

fn_status sql_engine(sql_parser *p, ast_engine *e, fn_str *comment)
{
    for (;;) {
        if (!e->name.size && sql_words(p, "ENGINE")) {
            FN_TRY(parse_name(p, e));
        } else if (!e->partition_by && sql_words(p, "PARTITION BY")) {
            FN_TRY(parse_key(p, &e->partition_by, &e->partition_by_text));
        } else if (sql_is_words(p, "PRIMARY KEY")) {
            if (e->primary_key) return fn_fail(p->ctx, FN_BAD_ARGUMENTS, "Multiple primary keys are not allowed");
            p->at += 2;
            FN_TRY(parse_key(p, &e->primary_key, &e->primary_key_text));
        } else if (!e->order_by && sql_words(p, "ORDER BY")) {
            FN_TRY(parse_order(p, e));
        } else if (!e->sample_by && sql_words(p, "SAMPLE BY")) {
            FN_TRY(parse_key(p, &e->sample_by, &e->sample_by_text));
        } else if (!e->ttl_text.size && sql_words(p, "TTL")) {
            FN_TRY(sql_ttl(p, &e->ttl, &e->ttl_count, &e->ttl_text));
        } else if (!e->setting_count && sql_words(p, "SETTINGS")) {
            FN_TRY(sql_settings(p, &e->settings, &e->setting_count));
        } else if (!comment->data && sql_words(p, "COMMENT")) {
            FN_TRY(sql_string(p, comment));
        } else {
            return FN_OK;
        }
    }
}
