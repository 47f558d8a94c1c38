/* parse_type.c - data types as text in canonical form: "Array(Nullable(Decimal(10, 2)))", "Enum8('a' = 1)", "Tuple(a UInt8)".
 *
 * Only the form is checked here; what the names mean is the type layer's business.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static fn_status put_type(sql_parser *p, fn_buf *out);

static const char *const long_names[] = {
    "DOUBLE PRECISION", "CHAR LARGE OBJECT", "CHAR VARYING", "CHARACTER LARGE OBJECT", "CHARACTER VARYING", "NATIONAL CHAR VARYING",
    "NATIONAL CHARACTER LARGE OBJECT", "NATIONAL CHARACTER VARYING", "NATIONAL CHARACTER", "NATIONAL CHAR", "NCHAR LARGE OBJECT",
    "NCHAR VARYING", "BINARY LARGE OBJECT", "BINARY VARYING", "INT UNSIGNED", "INT SIGNED", "INTEGER UNSIGNED", "INTEGER SIGNED",
    "BIGINT UNSIGNED", "BIGINT SIGNED", "SMALLINT UNSIGNED", "SMALLINT SIGNED", "TINYINT UNSIGNED", "TINYINT SIGNED",
    "MEDIUMINT UNSIGNED", "MEDIUMINT SIGNED", "INT1 UNSIGNED", "INT1 SIGNED"};

static bool is_symbol_at(sql_parser *p, uint32_t ahead, char c)
{
    const sql_token *t = sql_token_at(p, ahead);
    return t->kind == TOKEN_SYMBOL && t->symbol == SQL_SYMBOL1(c);
}

/* Whether a name with a type follows: "a UInt8", "a.b String" (Tuple, Nested, JSON paths). */
static bool named_element(sql_parser *p)
{
    uint32_t n = 0;
    if (sql_token_at(p, 0)->kind != TOKEN_WORD && sql_token_at(p, 0)->kind != TOKEN_QUOTED) return false;
    while (is_symbol_at(p, n + 1, '.')) n += 2;
    const sql_token *next = sql_token_at(p, n + 1);
    return next->kind == TOKEN_WORD || next->kind == TOKEN_QUOTED;
}

static fn_status put_name(sql_parser *p, fn_buf *out)
{
    do {
        fn_str name;
        FN_TRY(sql_name(p, &name));
        FN_TRY(sql_quote_identifier(p->ctx, name, out));
        if (!is_symbol_at(p, 0, '.')) return FN_OK;
        p->at++;
        FN_TRY(fn_buf_byte(p->ctx, out, '.'));
    } while (true);
}

/* One argument: type, "name type", literal, 'a' = 1, max_types = 3, SKIP path, SKIP REGEXP 're', aggregate function with parameters. */
static fn_status put_argument(sql_parser *p, fn_buf *out)
{
    fn_ctx *ctx = p->ctx;
    const sql_token_kind kind = sql_token_at(p, 0)->kind;
    if (kind == TOKEN_NUMBER || kind == TOKEN_STRING || is_symbol_at(p, 0, '-') || sql_word_is(p, 0, "NULL")) {
        ast_expr *e;
        FN_TRY(sql_literal(p, &e));
        FN_TRY(sql_print_expr(ctx, e, out));
        if (!sql_symbol(p, SQL_SYMBOL1('='))) return FN_OK;
        FN_TRY(sql_literal(p, &e));
        FN_TRY(fn_buf_cstr(ctx, out, " = "));
        return sql_print_expr(ctx, e, out);
    }
    if (sql_word_is(p, 0, "SKIP") && !is_symbol_at(p, 1, ',')) {
        p->at++;
        FN_TRY(fn_buf_cstr(ctx, out, "SKIP "));
        if (!sql_words(p, "REGEXP")) return put_name(p, out);
        fn_str re;
        FN_TRY(sql_string(p, &re));
        FN_TRY(fn_buf_cstr(ctx, out, "REGEXP "));
        return sql_quote_string(ctx, re, out);
    }
    if (is_symbol_at(p, 1, '=') && kind == TOKEN_WORD) {
        ast_expr *e;
        FN_TRY(put_name(p, out));
        p->at++;
        FN_TRY(sql_literal(p, &e));
        FN_TRY(fn_buf_cstr(ctx, out, " = "));
        return sql_print_expr(ctx, e, out);
    }
    bool long_name = false;
    const uint32_t before = p->at;
    for (size_t i = 0; i < FN_COUNT(long_names) && !long_name; i++) long_name = sql_words(p, long_names[i]);
    p->at = before;
    if (named_element(p) && !long_name) {
        FN_TRY(put_name(p, out));
        FN_TRY(fn_buf_byte(ctx, out, ' '));
    }
    return put_type(p, out);
}

static fn_status put_type_body(sql_parser *p, fn_buf *out)
{
    fn_ctx *ctx = p->ctx;
    bool found = false;
    if (sql_token_at(p, 0)->kind != TOKEN_WORD && sql_token_at(p, 0)->kind != TOKEN_QUOTED) return sql_expected(p, "data type");
    for (size_t i = 0; i < FN_COUNT(long_names) && !found; i++) {
        found = sql_words(p, long_names[i]);
        if (found) FN_TRY(fn_buf_cstr(ctx, out, long_names[i]));
    }
    if (!found) {
        fn_str name;
        FN_TRY(sql_name(p, &name));
        FN_TRY(sql_quote_identifier(ctx, name, out));
    }
    if (!sql_symbol(p, SQL_SYMBOL1('('))) return FN_OK;
    if (sql_symbol(p, SQL_SYMBOL1(')'))) return found ? FN_OK : fn_buf_cstr(ctx, out, "()");
    FN_TRY(fn_buf_byte(ctx, out, '('));
    for (bool first = true;; first = false) {
        if (!first && is_symbol_at(p, 0, ')')) break;
        if (!first) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(put_argument(p, out));
        if (!sql_symbol(p, SQL_SYMBOL1(','))) break;
    }
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket"));
    return fn_buf_byte(ctx, out, ')');
}

static fn_status put_type(sql_parser *p, fn_buf *out)
{
    fn_status status = sql_enter(p);
    if (status == FN_OK) status = put_type_body(p, out);
    sql_leave(p);
    return status;
}

fn_status sql_type(sql_parser *p, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = put_type(p, &text);
    if (status == FN_OK) status = fn_arena_str(p->ctx, p->ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}
