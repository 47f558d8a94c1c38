/* operator.c - the table of operators. Rows whose words begin alike stand longest first.
 * Precedences are ClickHouse's (25.x): lambda 1, ?: 2, OR 3, AND 4, NOT 5, IS 6, BETWEEN 7, comparisons 9, || 10, + 11, * 12,
 * unary minus 13, element access and :: 14.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/operator.h"

static const sql_operator symbols[] = {
    {"->", "lambda", NULL, SQL_PRECEDENCE_LAMBDA, OPERATOR_LAMBDA},
    {"?", "if", NULL, SQL_PRECEDENCE_TERNARY, OPERATOR_TERNARY},
    {"<=>", "isNotDistinctFrom", "<=>", 9, OPERATOR_BINARY},
    {"=", "equals", "=", 9, OPERATOR_BINARY},
    {"==", "equals", NULL, 9, OPERATOR_BINARY},
    {"!=", "notEquals", "!=", 9, OPERATOR_BINARY},
    {"<>", "notEquals", NULL, 9, OPERATOR_BINARY},
    {"<=", "lessOrEquals", "<=", 9, OPERATOR_BINARY},
    {">=", "greaterOrEquals", ">=", 9, OPERATOR_BINARY},
    {"<", "less", "<", 9, OPERATOR_BINARY},
    {">", "greater", ">", 9, OPERATOR_BINARY},
    {"||", "concat", NULL, 10, OPERATOR_MERGED},
    {"+", "plus", "+", 11, OPERATOR_BINARY},
    {"-", "minus", "-", 11, OPERATOR_BINARY},
    {"*", "multiply", "*", 12, OPERATOR_BINARY},
    {"/", "divide", "/", 12, OPERATOR_BINARY},
    {"%", "modulo", "%", 12, OPERATOR_BINARY},
    {"[", "arrayElement", NULL, 14, OPERATOR_ELEMENT},
    {".", "tupleElement", NULL, 14, OPERATOR_FIELD},
    {"::", "CAST", NULL, 14, OPERATOR_CAST},
};
static const sql_operator words[] = {
    {"OR", "or", "OR", 3, OPERATOR_MERGED},
    {"AND", "and", "AND", 4, OPERATOR_MERGED},
    {"IS NOT DISTINCT FROM", "isNotDistinctFrom", NULL, 6, OPERATOR_BINARY},
    {"IS DISTINCT FROM", "isDistinctFrom", "IS DISTINCT FROM", 6, OPERATOR_BINARY},
    {"IS NOT NULL", "isNotNull", "IS NOT NULL", 6, OPERATOR_POSTFIX},
    {"IS NULL", "isNull", "IS NULL", 6, OPERATOR_POSTFIX},
    {"IS NOT UNKNOWN", "isNotNull", NULL, 6, OPERATOR_POSTFIX},
    {"IS UNKNOWN", "isNull", NULL, 6, OPERATOR_POSTFIX},
    {"IS NOT TRUE", "isNotTrue", NULL, 6, OPERATOR_POSTFIX},
    {"IS TRUE", "isTrue", NULL, 6, OPERATOR_POSTFIX},
    {"IS NOT FALSE", "isNotFalse", NULL, 6, OPERATOR_POSTFIX},
    {"IS FALSE", "isFalse", NULL, 6, OPERATOR_POSTFIX},
    {"NOT BETWEEN", "1", NULL, SQL_PRECEDENCE_BETWEEN, OPERATOR_BETWEEN},
    {"BETWEEN", "", NULL, SQL_PRECEDENCE_BETWEEN, OPERATOR_BETWEEN},
    {"NOT LIKE", "notLike", "NOT LIKE", 9, OPERATOR_BINARY},
    {"LIKE", "like", "LIKE", 9, OPERATOR_BINARY},
    {"NOT ILIKE", "notILike", "NOT ILIKE", 9, OPERATOR_BINARY},
    {"ILIKE", "ilike", "ILIKE", 9, OPERATOR_BINARY},
    {"REGEXP", "match", NULL, 9, OPERATOR_BINARY},
    {"NOT IN", "notIn", "NOT IN", 9, OPERATOR_BINARY},
    {"IN", "in", "IN", 9, OPERATOR_BINARY},
    {"GLOBAL NOT IN", "globalNotIn", "GLOBAL NOT IN", 9, OPERATOR_BINARY},
    {"GLOBAL IN", "globalIn", "GLOBAL IN", 9, OPERATOR_BINARY},
    {"MOD", "modulo", NULL, 12, OPERATOR_BINARY},
    {"DIV", "intDiv", NULL, 12, OPERATOR_BINARY},
    {"AT TIME ZONE", "toTimeZone", NULL, 14, OPERATOR_BINARY},
};

const sql_operator *sql_operator_at(sql_parser *p, uint32_t *tokens)
{
    const sql_token *t = sql_token_at(p, 0);
    *tokens = 1;
    if (t->kind == TOKEN_SYMBOL) {
        for (size_t i = 0; i < FN_COUNT(symbols); i++) {
            const char *s = symbols[i].written;
            if (t->symbol == SQL_SYMBOL(s[0], s[1], s[1] ? s[2] : 0)) return &symbols[i];
        }
        if (t->symbol != SQL_SYMBOL1(';')) return NULL;
    }
    const uint32_t before = p->at;
    for (size_t i = 0; i < FN_COUNT(words); i++) {
        if (!sql_words(p, words[i].written)) continue;
        *tokens = p->at - before;
        /* UPDATE a = 1 IN PARTITION 2: no operator, unless a column has that name and is all there is. */
        const bool partition = words[i].function && strcmp(words[i].function, "in") == 0 && sql_word_is(p, 0, "PARTITION") &&
                               (sql_token_at(p, 1)->kind == TOKEN_NUMBER || sql_token_at(p, 1)->kind == TOKEN_STRING || sql_token_at(p, 1)->kind == TOKEN_WORD ||
                                (sql_token_at(p, 1)->kind == TOKEN_SYMBOL && sql_token_at(p, 1)->symbol == SQL_SYMBOL1('(')));
        p->at = before;
        return partition ? NULL : &words[i];
    }
    return NULL;
}

const sql_operator *sql_operator_of(fn_str function)
{
    for (size_t i = 0; i < FN_COUNT(symbols); i++) {
        if (symbols[i].printed && fn_str_eq(fn_cstr(symbols[i].function), function)) return &symbols[i];
    }
    for (size_t i = 0; i < FN_COUNT(words); i++) {
        if (words[i].printed && fn_str_eq(fn_cstr(words[i].function), function)) return &words[i];
    }
    return NULL;
}
