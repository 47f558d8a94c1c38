/* parse_expr.c - expressions by precedence: prefix, operand, then operators that bind at least as tightly as asked.
 *
 * Operators become functions at once ("a + b" is plus(a, b) with is_operator set). BETWEEN shares its left side between the two
 * comparisons. Aliases may stand wherever a whole expression ends: select items, arguments, brackets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/operator.h"

static const char *const not_aliases[] = {
    "ALL", "AND", "ANTI", "ANY", "ARRAY", "AS", "ASOF", "AT", "BETWEEN", "COLLATE", "CROSS", "DIV", "EXCEPT", "FETCH", "FINAL", "FORMAT",
    "FROM", "FULL", "GLOBAL", "GROUP", "HAVING", "ILIKE", "IN", "INNER", "INTERSECT", "INTO", "IS", "JOIN", "LEFT", "LIKE", "LIMIT",
    "MOD", "NATURAL", "NOT", "OFFSET", "ON", "OR", "ORDER", "PARALLEL", "PASTE", "PREWHERE", "QUALIFY", "REGEXP", "RIGHT", "SAMPLE",
    "SEMI", "SETTINGS", "UNION", "USING", "WHERE", "WINDOW", "WITH"};

bool sql_alias_allowed(fn_str word)
{
    for (size_t i = 0; i < FN_COUNT(not_aliases); i++) {
        if (fn_str_eq_nocase(word, fn_cstr(not_aliases[i]))) return false;
    }
    return true;
}

fn_status sql_expr(sql_parser *p, ast_expr **out)
{
    return sql_expr_above(p, 0, out);
}

static fn_status parse_alias(sql_parser *p, bool bare_alias, ast_expr *e)
{
    if (sql_words(p, "AS")) return sql_name(p, &e->alias);
    const sql_token *t = sql_token_at(p, 0);
    if (!bare_alias || (t->kind != TOKEN_QUOTED && t->kind != TOKEN_WORD)) return FN_OK;
    if (t->kind == TOKEN_WORD && !sql_alias_allowed(sql_token_text(p, t))) return FN_OK;
    return sql_name(p, &e->alias);
}

fn_status sql_expr_alias(sql_parser *p, bool bare_alias, ast_expr **out)
{
    FN_TRY(sql_expr(p, out));
    return parse_alias(p, bare_alias, *out);
}

fn_status sql_expr_list(sql_parser *p, bool bare_alias, bool trailing_comma, ast_list *out)
{
    do {
        ast_expr *e;
        if (trailing_comma && out->count) {
            const sql_token *t = sql_token_at(p, 0);
            if (t->kind == TOKEN_END || (t->kind == TOKEN_SYMBOL && (t->symbol == SQL_SYMBOL1(')') || t->symbol == SQL_SYMBOL1(';')))) break;
            if (sql_word_is(p, 0, "FROM")) break;
        }
        FN_TRY(sql_expr_alias(p, bare_alias, &e));
        FN_TRY(sql_push(p, out, e));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    return FN_OK;
}

static fn_status operator_call(sql_parser *p, const char *name, ast_expr *a, ast_expr *b, ast_expr **out)
{
    FN_TRY(sql_call2(p, name, a, b, out));
    (*out)->is_operator = true;
    return FN_OK;
}

static fn_status parse_between(sql_parser *p, bool negated, ast_expr *subject, ast_expr **out)
{
    ast_expr *low, *high, *a, *b;
    FN_TRY(sql_expr_above(p, SQL_PRECEDENCE_BETWEEN + 1, &low));
    FN_TRY(sql_need_words(p, "AND"));
    FN_TRY(sql_expr_above(p, SQL_PRECEDENCE_BETWEEN + 1, &high));
    FN_TRY(operator_call(p, negated ? "less" : "greaterOrEquals", subject, low, &a));
    FN_TRY(operator_call(p, negated ? "greater" : "lessOrEquals", subject, high, &b));
    return operator_call(p, negated ? "or" : "and", a, b, out);
}

/* The names in front of "->": x or (x, y). */
static fn_status parse_lambda(sql_parser *p, ast_expr *head, ast_expr **out)
{
    ast_expr *e, *body;
    FN_TRY(sql_node(p, AST_LAMBDA, &e));
    e->position = head->position;
    const bool tuple = head->kind == AST_FUNCTION && fn_str_eq(head->text, FN_STR("tuple"));
    if (tuple) e->args = head->args;
    else FN_TRY(sql_push(p, &e->args, head));
    for (uint32_t i = 0; i < e->args.count; i++) {
        if (e->args.items[i]->kind != AST_IDENTIFIER || e->args.items[i]->part_count != 1) return sql_expected(p, "lambda arguments");
    }
    FN_TRY(sql_expr_above(p, SQL_PRECEDENCE_LAMBDA, &body));
    FN_TRY(sql_push(p, &e->args2, body));
    *out = e;
    return FN_OK;
}

static fn_status parse_ternary(sql_parser *p, ast_expr *condition, ast_expr **out)
{
    ast_expr *yes, *no;
    FN_TRY(sql_expr_alias(p, false, &yes));
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(':'), ":"));
    FN_TRY(sql_expr_above(p, SQL_PRECEDENCE_TERNARY, &no));
    return sql_call3(p, "if", condition, yes, no, out);
}

/* a.1, a.name behind something that is no plain identifier. */
static fn_status parse_field(sql_parser *p, ast_expr *tuple, ast_expr **out)
{
    ast_expr *field;
    if (sql_token_at(p, 0)->kind == TOKEN_NUMBER) {
        uint64_t index;
        FN_TRY(sql_unsigned(p, &index));
        FN_TRY(sql_uint_node(p, index, &field));
    } else if (sql_symbol(p, SQL_SYMBOL1('-'))) {
        FN_TRY(sql_number(p, true, &field));
    } else {
        fn_str name;
        FN_TRY(sql_name(p, &name));
        FN_TRY(sql_string_node(p, name, &field));
    }
    return operator_call(p, "tupleElement", tuple, field, out);
}

/* (SELECT min(*) FROM (query)) */
static fn_status extreme_of(sql_parser *p, const char *function, ast_query *query, ast_expr **out)
{
    ast_expr *star, *call;
    ast_select *select = FN_NEW(p->ctx, ast_select);
    ast_from *from = FN_NEW(p->ctx, ast_from);
    ast_query *q = FN_NEW(p->ctx, ast_query);
    if (!select || !from || !q) return p->ctx->error.code;
    FN_TRY(sql_node(p, AST_ASTERISK, &star));
    FN_TRY(sql_call1(p, function, star, &call));
    FN_TRY(sql_push(p, &select->columns, call));
    from->kind = FROM_SUBQUERY;
    from->subquery = query;
    select->from = from;
    q->select = select;
    FN_TRY(sql_node(p, AST_SUBQUERY, out));
    (*out)->subquery = q;
    return FN_OK;
}

/* x = ANY (SELECT ...), x != ALL (SELECT ...): membership. An order is compared with the least or greatest value. */
static fn_status parse_quantified(sql_parser *p, const char *comparison, ast_expr *left, ast_expr **out, bool *done)
{
    const bool all = sql_word_is(p, 0, "ALL");
    *done = (all || sql_word_is(p, 0, "ANY") || sql_word_is(p, 0, "SOME")) && sql_token_at(p, 1)->kind == TOKEN_SYMBOL &&
            sql_token_at(p, 1)->symbol == SQL_SYMBOL1('(') && sql_query_ahead(p, 2);
    if (!*done) return FN_OK;
    p->at++;
    ast_expr *set;
    FN_TRY(sql_node(p, AST_SUBQUERY, &set));
    FN_TRY(sql_subquery(p, &set->subquery));
    if (!all && strcmp(comparison, "equals") == 0) return operator_call(p, "in", left, set, out);
    if (all && strcmp(comparison, "notEquals") == 0) return operator_call(p, "notIn", left, set, out);
    const bool less = strncmp(comparison, "less", 4) == 0;
    if (less || strncmp(comparison, "greater", 7) == 0) {
        FN_TRY(extreme_of(p, less == all ? "min" : "max", set->subquery, &set));
        return operator_call(p, comparison, left, set, out);
    }
    return fn_fail(p->ctx, FN_NOT_IMPLEMENTED, "Comparison %s with %s (subquery) is not supported", comparison, all ? "ALL" : "ANY");
}

/* Made of BETWEEN: both sides are about the same expression. "x BETWEEN 1 AND 2 AND y" keeps it as one argument. */
static bool is_between(const ast_expr *e)
{
    const ast_expr *a = e->args.items[0], *b = e->args.items[1];
    return e->args.count == 2 && a->args.count && b->args.count && a->args.items[0] == b->args.items[0];
}

static fn_status parse_binary(sql_parser *p, const sql_operator *op, ast_expr *left, ast_expr **out)
{
    ast_expr *right;
    if (op->precedence == SQL_PRECEDENCE_COMPARE) {
        bool done;
        FN_TRY(parse_quantified(p, op->function, left, out, &done));
        if (done) return FN_OK;
    }
    FN_TRY(sql_expr_above(p, op->precedence + 1, &right));
    if (op->kind == OPERATOR_MERGED && left->kind == AST_FUNCTION && left->is_operator && !left->parenthesized &&
        left->alias.size == 0 && fn_str_eq(left->text, fn_cstr(op->function)) && !is_between(left)) {
        *out = left;
        return sql_push(p, &left->args, right);
    }
    return operator_call(p, op->function, left, right, out);
}

/* x IS [NOT] TRUE / FALSE is a comparison that does not know NULL. */
static fn_status parse_postfix(sql_parser *p, const sql_operator *op, ast_expr *left, ast_expr **out)
{
    const bool null_test = strcmp(op->function, "isNull") == 0 || strcmp(op->function, "isNotNull") == 0;
    if (null_test) {
        FN_TRY(sql_call1(p, op->function, left, out));
    } else {
        ast_expr *truth;
        FN_TRY(sql_node(p, AST_LITERAL, &truth));
        truth->literal_kind = LITERAL_BOOL;
        truth->u64 = strstr(op->function, "True") != NULL;
        const bool negated = strstr(op->function, "Not") != NULL;
        FN_TRY(sql_call2(p, negated ? "isDistinctFrom" : "isNotDistinctFrom", left, truth, out));
    }
    (*out)->is_operator = true;
    return FN_OK;
}

static fn_status parse_operator(sql_parser *p, const sql_operator *op, ast_expr *left, ast_expr **out)
{
    ast_expr *right;
    fn_str type;
    switch (op->kind) {
    case OPERATOR_BINARY:
    case OPERATOR_MERGED:
        return parse_binary(p, op, left, out);
    case OPERATOR_POSTFIX:
        return parse_postfix(p, op, left, out);
    case OPERATOR_BETWEEN:
        return parse_between(p, op->function[0] == '1', left, out);
    case OPERATOR_LAMBDA:
        return parse_lambda(p, left, out);
    case OPERATOR_TERNARY:
        return parse_ternary(p, left, out);
    case OPERATOR_ELEMENT:
        FN_TRY(sql_expr_alias(p, false, &right));
        FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(']'), "ClosingSquareBracket"));
        return operator_call(p, "arrayElement", left, right, out);
    case OPERATOR_FIELD:
        return parse_field(p, left, out);
    case OPERATOR_CAST:
        FN_TRY(sql_type(p, &type));
        FN_TRY(sql_string_node(p, type, &right));
        return sql_call2(p, "CAST", left, right, out);
    }
    FN_IMPOSSIBLE("operator kind");
}

static fn_status parse_prefix(sql_parser *p, ast_expr **out)
{
    ast_expr *operand;
    if (sql_word_is(p, 0, "NOT")) {
        const uint32_t before = p->at++;
        const fn_status status = sql_expr_above(p, SQL_PRECEDENCE_NOT, &operand);
        if (sql_soft(p, status)) { /* a column called `not` */
            const fn_status failed = status;
            p->at = before;
            return failed;
        }
        FN_TRY(status);
        FN_TRY(sql_call1(p, "not", operand, out));
        (*out)->is_operator = true;
        return FN_OK;
    }
    const sql_token *next = sql_token_at(p, 1);
    const bool number = next->kind == TOKEN_NUMBER || sql_word_is(p, 1, "inf");
    if (sql_is_symbol(p, SQL_SYMBOL1('-')) && !number) {
        p->at++;
        FN_TRY(sql_expr_above(p, SQL_PRECEDENCE_NEGATE, &operand));
        FN_TRY(sql_call1(p, "negate", operand, out));
        (*out)->is_operator = true;
        return FN_OK;
    }
    return sql_operand(p, out);
}

static fn_status parse_above(sql_parser *p, int precedence, ast_expr **out)
{
    ast_expr *left;
    const uint64_t before = p->elements;
    FN_TRY(parse_prefix(p, &left));
    for (;;) {
        uint32_t tokens;
        const sql_operator *op = sql_operator_at(p, &tokens);
        if (!op || op->precedence < precedence) break;
        p->at += tokens;
        if (op->kind == OPERATOR_BETWEEN) FN_TRY(sql_count_again(p, p->elements - before));
        FN_TRY(parse_operator(p, op, left, &left));
    }
    *out = left;
    return FN_OK;
}

fn_status sql_expr_above(sql_parser *p, int precedence, ast_expr **out)
{
    fn_status status = sql_enter(p);
    if (status == FN_OK) status = parse_above(p, precedence, out);
    sql_leave(p);
    return status;
}

fn_status sql_assignment(sql_parser *p, ast_list *out)
{
    fn_str name;
    ast_expr *column, *value, *e;
    FN_TRY(sql_compound_name(p, &name));
    FN_TRY(sql_identifier_node(p, name, &column));
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1('='), "equals"));
    FN_TRY(sql_expr(p, &value));
    FN_TRY(sql_call2(p, "equals", column, value, &e));
    e->is_operator = true;
    return sql_push(p, out, e);
}

fn_status sql_assignments(sql_parser *p, ast_list *out)
{
    do FN_TRY(sql_assignment(p, out));
    while (sql_symbol(p, SQL_SYMBOL1(',')));
    return FN_OK;
}
