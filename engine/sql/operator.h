/* sql/operator.h - the operators of expressions: how they are written, what function they are, how tightly they bind.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SQL_OPERATOR_H
#define FIRN_SQL_OPERATOR_H
#include "sql/parser.h"

typedef enum sql_operator_kind {
    OPERATOR_BINARY,
    OPERATOR_MERGED,  /* a OR b OR c is one or(a, b, c) */
    OPERATOR_POSTFIX, /* IS NULL */
    OPERATOR_BETWEEN,
    OPERATOR_LAMBDA,
    OPERATOR_TERNARY,
    OPERATOR_ELEMENT, /* a[1] */
    OPERATOR_FIELD,   /* a.1 */
    OPERATOR_CAST     /* a::T */
} sql_operator_kind;

typedef struct sql_operator {
    const char *written;  /* words, or symbol */
    const char *function; /* BETWEEN: "1" when negated */
    const char *printed;  /* NULL: not printed as an operator */
    int precedence;       /* higher binds tighter */
    sql_operator_kind kind;
} sql_operator;

enum { SQL_PRECEDENCE_LAMBDA = 1, SQL_PRECEDENCE_TERNARY = 2, SQL_PRECEDENCE_NOT = 5, SQL_PRECEDENCE_BETWEEN = 7,
       SQL_PRECEDENCE_COMPARE = 9, SQL_PRECEDENCE_NEGATE = 13 };

/* The operator at the cursor and the tokens it takes; NULL: none. */
const sql_operator *sql_operator_at(sql_parser *p, uint32_t *tokens);
/* The operator a function is printed as; NULL: none. */
const sql_operator *sql_operator_of(fn_str function);
#endif
