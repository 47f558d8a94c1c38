/* sql/parser.h - what the statement parsers share: the cursor over tokens, lists, names, clauses.
 *
 * A parser function returns FN_OK, or FN_SYNTAX_ERROR while ctx->error is still empty ("soft": the caller may go back and try
 * another reading), or a failure already recorded in ctx ("hard": memory, depth, size). The text of a syntax error is made once,
 * in sql_parse, from the furthest token at which something else was expected.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SQL_PARSER_H
#define FIRN_SQL_PARSER_H
#include "sql/ast.h"
#include "sql/lex.h"

enum { SQL_EXPECTED_MAX = 40 };

typedef struct sql_parser {
    fn_ctx *ctx;
    fn_str text;
    size_t limit;           /* max_query_size */
    sql_token *tokens;      /* cut so far */
    uint32_t token_count, token_capacity;
    uint32_t at;            /* index of the next token */
    uint32_t depth;         /* open parse functions */
    uint64_t elements, elements_max, depth_max;
    uint64_t repeated;      /* of the elements: those that stand in the tree once more */
    uint64_t steps;         /* going back again and again is bounded */
    bool noting;            /* the text is known to fail: what was expected where? */
    uint32_t furthest;      /* noting: token of the furthest disappointment */
    const char *expected[SQL_EXPECTED_MAX];
    uint32_t expected_count;
    ast_statement *statement; /* FORMAT, SETTINGS, INTO OUTFILE end up here */
} sql_parser;

/* ---- tokens (parser.c) ---- */
const sql_token *sql_token_at(sql_parser *p, uint32_t ahead); /* ahead of the cursor; never NULL; TOKEN_END behind the end */
fn_str sql_token_text(const sql_parser *p, const sql_token *t);
fn_status sql_expected(sql_parser *p, const char *what) FN_MUST_USE; /* notes it at the cursor; soft failure */
bool sql_soft(const sql_parser *p, fn_status status);                /* a failure one may recover from */
bool sql_is_symbol(sql_parser *p, uint32_t symbol);
bool sql_symbol(sql_parser *p, uint32_t symbol);                     /* takes it if there */
fn_status sql_need_symbol(sql_parser *p, uint32_t symbol, const char *name) FN_MUST_USE;
/* Keywords: one or more words, upper case, separated by one space. */
bool sql_is_words(sql_parser *p, const char *words);
bool sql_words(sql_parser *p, const char *words);
fn_status sql_need_words(sql_parser *p, const char *words) FN_MUST_USE;
bool sql_word_is(sql_parser *p, uint32_t ahead, const char *word);
/* Deeper by one level: TOO_DEEP_RECURSION. Pair with sql_leave. */
fn_status sql_enter(sql_parser *p) FN_MUST_USE;
void sql_leave(sql_parser *p);

/* ---- nodes and lists (parser_node.c) ---- */
fn_status sql_node(sql_parser *p, ast_kind kind, ast_expr **out) FN_MUST_USE;
/* So many elements of a subtree get a second parent: who walks the tree meets them twice. TOO_BIG_AST. */
fn_status sql_count_again(sql_parser *p, uint64_t elements) FN_MUST_USE;
fn_status sql_push(sql_parser *p, ast_list *list, ast_expr *e) FN_MUST_USE;
/* Makes room for one more element in an array whose capacity follows from its count; returns the zeroed new element. */
void *sql_grow(sql_parser *p, void *items_pointer, uint32_t *count, size_t size) FN_MUST_USE;
fn_status sql_call1(sql_parser *p, const char *name, ast_expr *a, ast_expr **out) FN_MUST_USE;
fn_status sql_call2(sql_parser *p, const char *name, ast_expr *a, ast_expr *b, ast_expr **out) FN_MUST_USE;
fn_status sql_call3(sql_parser *p, const char *name, ast_expr *a, ast_expr *b, ast_expr *c, ast_expr **out) FN_MUST_USE;
fn_status sql_string_node(sql_parser *p, fn_str text, ast_expr **out) FN_MUST_USE;
fn_status sql_uint_node(sql_parser *p, uint64_t value, ast_expr **out) FN_MUST_USE;
fn_status sql_identifier_node(sql_parser *p, fn_str name, ast_expr **out) FN_MUST_USE;

/* ---- words and literals (parse_literal.c) ---- */
fn_status sql_name(sql_parser *p, fn_str *out) FN_MUST_USE;               /* identifier, bare or quoted */
fn_status sql_name_or_string(sql_parser *p, fn_str *out) FN_MUST_USE;
fn_status sql_string(sql_parser *p, fn_str *out) FN_MUST_USE;             /* string literal's bytes */
fn_status sql_unsigned(sql_parser *p, uint64_t *out) FN_MUST_USE;
fn_status sql_number(sql_parser *p, bool negative, ast_expr **out) FN_MUST_USE;
fn_status sql_literal(sql_parser *p, ast_expr **out) FN_MUST_USE;         /* number with sign, string, NULL, TRUE, FALSE */
fn_status sql_parameter(sql_parser *p, ast_expr **out) FN_MUST_USE;       /* {name:Type} at the cursor */
fn_status sql_table_name(sql_parser *p, ast_name *out) FN_MUST_USE;       /* [db.]t, each may be a parameter */
fn_status sql_database_name(sql_parser *p, ast_name *out) FN_MUST_USE;
fn_status sql_table_list(sql_parser *p, ast_statement *s) FN_MUST_USE;    /* a, b: the first is s->name, others are renames without a second name (parse_drop.c) */
fn_status sql_compound_name(sql_parser *p, fn_str *out) FN_MUST_USE;      /* a.b as one text "a.b" (nested columns) */

/* ---- expressions (parse_expr.c, parse_operand.c, parse_call.c, parse_syntax.c) ---- */
fn_status sql_expr(sql_parser *p, ast_expr **out) FN_MUST_USE;            /* without alias */
fn_status sql_expr_alias(sql_parser *p, bool bare_alias, ast_expr **out) FN_MUST_USE;
fn_status sql_expr_above(sql_parser *p, int precedence, ast_expr **out) FN_MUST_USE;
fn_status sql_operand(sql_parser *p, ast_expr **out) FN_MUST_USE;
fn_status sql_call(sql_parser *p, ast_expr **out) FN_MUST_USE;            /* name(...) at the cursor */
fn_status sql_special_call(sql_parser *p, ast_expr **out, bool *done) FN_MUST_USE; /* CAST(x AS T), EXTRACT, TRIM ... */
fn_status sql_case(sql_parser *p, ast_expr **out) FN_MUST_USE;
fn_status sql_interval(sql_parser *p, ast_expr **out, bool *done) FN_MUST_USE;
const char *sql_interval_unit(sql_parser *p);                             /* "Day"; takes the word; NULL: none */
fn_status sql_asterisk(sql_parser *p, ast_expr *e) FN_MUST_USE;           /* the transformers behind *, t.*, COLUMNS() */
/* a, b, c: with a trailing comma when allowed. */
fn_status sql_expr_list(sql_parser *p, bool bare_alias, bool trailing_comma, ast_list *out) FN_MUST_USE;
bool sql_alias_allowed(fn_str word);                                      /* may be an alias without AS */
fn_status sql_type(sql_parser *p, fn_str *out) FN_MUST_USE;               /* canonical text of a data type */
fn_status sql_assignment(sql_parser *p, ast_list *out) FN_MUST_USE;         /* a = expr: one more */
fn_status sql_assignments(sql_parser *p, ast_list *out) FN_MUST_USE;      /* a = 1, b = 2 */

/* ---- clauses and queries ---- */
fn_status sql_order(sql_parser *p, ast_order *out) FN_MUST_USE;           /* behind ORDER BY */
fn_status sql_window_body(sql_parser *p, ast_window *w) FN_MUST_USE;      /* behind '(' up to and with ')' */
fn_status sql_over(sql_parser *p, ast_expr *e) FN_MUST_USE;               /* behind OVER */
fn_status sql_from(sql_parser *p, ast_from **out) FN_MUST_USE;            /* behind FROM */
fn_status sql_settings(sql_parser *p, ast_setting **items, uint32_t *count) FN_MUST_USE; /* a = 1, b */
fn_status sql_query(sql_parser *p, ast_query **out) FN_MUST_USE;          /* SELECT ... [UNION ...] */
bool sql_query_ahead(sql_parser *p, uint32_t ahead);                      /* SELECT, WITH, FROM or '(' of one */
fn_status sql_subquery(sql_parser *p, ast_query **out) FN_MUST_USE;       /* ( query ) */
fn_status sql_output_options(sql_parser *p, ast_statement *s) FN_MUST_USE; /* INTO OUTFILE, FORMAT, SETTINGS */
fn_status sql_on_cluster(sql_parser *p, fn_str *out) FN_MUST_USE;         /* optional */
fn_status sql_partition(sql_parser *p, ast_partition *out) FN_MUST_USE;   /* behind PARTITION or PART (is_part set) */

/* ---- parts of tables ---- */
fn_status sql_column_def(sql_parser *p, bool need_type, ast_column_def *out) FN_MUST_USE;
fn_status sql_columns_and_items(sql_parser *p, ast_create *c) FN_MUST_USE; /* up to and with ')' */
fn_status sql_statistics_types(sql_parser *p, fn_str *out) FN_MUST_USE; /* "tdigest, uniq" */
fn_status sql_statistics_types(sql_parser *p, fn_str *out) FN_MUST_USE;  /* "tdigest, uniq" */
fn_status sql_index_def(sql_parser *p, ast_table_item *out) FN_MUST_USE;      /* behind INDEX */
fn_status sql_projection_def(sql_parser *p, ast_table_item *out) FN_MUST_USE; /* behind PROJECTION */
fn_status sql_constraint_def(sql_parser *p, ast_table_item *out) FN_MUST_USE; /* behind CONSTRAINT */
fn_status sql_engine(sql_parser *p, ast_engine *out, fn_str *comment) FN_MUST_USE; /* ENGINE, ORDER BY ... in any order */
/* Behind TTL: the elements and their canonical text. */
fn_status sql_ttl(sql_parser *p, ast_ttl **elements, uint32_t *count, fn_str *out) FN_MUST_USE;
fn_status sql_text_of_expr(sql_parser *p, const ast_expr *e, fn_str *out) FN_MUST_USE;

/* ---- statements: each begins behind its first keyword(s) ---- */
typedef fn_status sql_statement_parser(sql_parser *p, ast_statement *s);
sql_statement_parser sql_parse_select_statement, sql_parse_insert, sql_parse_set, sql_parse_use, sql_parse_create, sql_parse_attach,
    sql_parse_replace, sql_parse_drop, sql_parse_detach, sql_parse_undrop, sql_parse_backup, sql_parse_restore, sql_parse_truncate, sql_parse_rename, sql_parse_exchange,
    sql_parse_alter, sql_parse_optimize, sql_parse_show, sql_parse_describe, sql_parse_exists, sql_parse_explain, sql_parse_kill,
    sql_parse_system, sql_parse_delete, sql_parse_update, sql_parse_check, sql_parse_with;
fn_status sql_statement(sql_parser *p, ast_statement *s) FN_MUST_USE;     /* by the first words */
/* ALTER's commands, in parse_alter_table.c and parse_alter_partition.c: *done is false if the words are not theirs. */
fn_status sql_alter_item(sql_parser *p, ast_alter_command *c, bool *done) FN_MUST_USE;
fn_status sql_alter_partition(sql_parser *p, ast_alter_command *c, bool *done) FN_MUST_USE;
#endif
