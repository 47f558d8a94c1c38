/* parse_literal.c - identifiers, strings, numbers, parameters.
 *
 * Strings: backslash escapes as ClickHouse's (\xHH, \N is nothing, an unknown \c keeps its backslash) and doubled quotes.
 * Numbers: what does not fit 64 bits is a Float64, as in ClickHouse; its digits stay in text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decodes the escape at in[i] ('\\'); appends to out; returns the index behind it. */
static size_t decode_escape(fn_str in, size_t i, char *out, size_t *n)
{
    static const char from[] = "abefnrtv0", to[] = "\a\b\x1b\f\n\r\t\v\0";
    const char c = in.data[i + 1];
    const char *hit = c ? strchr(from, c) : NULL;
    if (hit) {
        out[(*n)++] = to[hit - from];
    } else if (c == 'x' && i + 3 < in.size && hex_value(in.data[i + 2]) >= 0 && hex_value(in.data[i + 3]) >= 0) {
        out[(*n)++] = (char)(hex_value(in.data[i + 2]) * 16 + hex_value(in.data[i + 3]));
        return i + 4;
    } else if (c == 'N') {
        return i + 2;
    } else {
        if (!c || !strchr("\\'\"`/=", c)) out[(*n)++] = '\\';
        out[(*n)++] = c;
    }
    return i + 2;
}

/* The bytes of a quoted token. */
static fn_status unquote(sql_parser *p, fn_str quoted, fn_str *out)
{
    const char quote = quoted.data[0];
    const fn_str in = {quoted.data + 1, quoted.size - 2};
    char *bytes = fn_arena_alloc(p->ctx, p->ctx->arena, in.size + 1);
    FN_TRY_PTR(p->ctx, bytes);
    size_t n = 0;
    for (size_t i = 0; i < in.size;) {
        if (in.data[i] == '\\' && i + 1 < in.size) {
            i = decode_escape(in, i, bytes, &n);
        } else {
            bytes[n++] = in.data[i];
            i += in.data[i] == quote ? 2 : 1;
        }
    }
    bytes[n] = '\0';
    *out = (fn_str){bytes, n};
    return FN_OK;
}

static fn_status decode_hex(sql_parser *p, fn_str digits, fn_str *out)
{
    char *bytes = fn_arena_alloc(p->ctx, p->ctx->arena, digits.size / 2 + 2);
    FN_TRY_PTR(p->ctx, bytes);
    size_t n = 0;
    for (size_t i = 0; i < digits.size; i++) {
        const int v = hex_value(digits.data[i]);
        if (v < 0) return sql_expected(p, "string literal");
        const bool low = ((digits.size - i) & 1) != 0;
        if (low) bytes[n] = (char)((i ? bytes[n] : 0) | v), n++;
        else bytes[n] = (char)(v << 4);
    }
    *out = (fn_str){bytes, n};
    return FN_OK;
}

static fn_status decode_bin(sql_parser *p, fn_str digits, fn_str *out)
{
    const size_t size = (digits.size + 7) / 8;
    char *bytes = fn_arena_alloc_zero(p->ctx, p->ctx->arena, size + 1);
    FN_TRY_PTR(p->ctx, bytes);
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] != '0' && digits.data[i] != '1') return sql_expected(p, "string literal");
        const size_t bit = digits.size - 1 - i;
        if (digits.data[i] == '1') bytes[size - 1 - bit / 8] = (char)(bytes[size - 1 - bit / 8] | 1 << bit % 8);
    }
    *out = (fn_str){bytes, size};
    return FN_OK;
}

fn_status sql_string(sql_parser *p, fn_str *out)
{
    const sql_token *t = sql_token_at(p, 0);
    const fn_str text = sql_token_text(p, t);
    if (t->kind == TOKEN_STRING) {
        FN_TRY(unquote(p, text, out));
    } else if (t->kind == TOKEN_HEREDOC) {
        const size_t tag = (size_t)((const char *)memchr(text.data + 1, '$', text.size - 1) - text.data) + 1;
        FN_TRY(fn_arena_str(p->ctx, p->ctx->arena, (fn_str){text.data + tag, text.size - 2 * tag}, out));
    } else if (t->kind == TOKEN_HEX) {
        FN_TRY(decode_hex(p, (fn_str){text.data + 2, text.size - 3}, out));
    } else if (t->kind == TOKEN_BIN) {
        FN_TRY(decode_bin(p, (fn_str){text.data + 2, text.size - 3}, out));
    } else {
        return sql_expected(p, "string literal");
    }
    p->at++;
    return FN_OK;
}

fn_status sql_name(sql_parser *p, fn_str *out)
{
    const sql_token *t = sql_token_at(p, 0);
    if (t->kind == TOKEN_WORD) {
        FN_TRY(fn_arena_str(p->ctx, p->ctx->arena, sql_token_text(p, t), out));
    } else if (t->kind == TOKEN_QUOTED) {
        FN_TRY(unquote(p, sql_token_text(p, t), out));
        if (out->size == 0) return sql_expected(p, "identifier");
    } else {
        return sql_expected(p, "identifier");
    }
    p->at++;
    return FN_OK;
}

fn_status sql_name_or_string(sql_parser *p, fn_str *out)
{
    const sql_token_kind kind = sql_token_at(p, 0)->kind;
    return kind == TOKEN_STRING || kind == TOKEN_HEREDOC ? sql_string(p, out) : sql_name(p, out);
}

fn_status sql_compound_name(sql_parser *p, fn_str *out)
{
    FN_TRY(sql_name(p, out));
    while (sql_symbol(p, SQL_SYMBOL1('.'))) {
        fn_str part;
        FN_TRY(sql_name(p, &part));
        char *joined = fn_arena_alloc(p->ctx, p->ctx->arena, out->size + part.size + 1);
        FN_TRY_PTR(p->ctx, joined);
        memcpy(joined, out->data, out->size);
        joined[out->size] = '.';
        memcpy(joined + out->size + 1, part.data, part.size);
        *out = (fn_str){joined, out->size + part.size + 1};
    }
    return FN_OK;
}

/* The digits of a number token without '_', 0-terminated in the arena. */
static fn_status plain_digits(sql_parser *p, fn_str text, char **out)
{
    char *digits = fn_arena_alloc(p->ctx, p->ctx->arena, text.size + 1);
    FN_TRY_PTR(p->ctx, digits);
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '_') digits[n++] = text.data[i];
    }
    digits[n] = '\0';
    *out = digits;
    return FN_OK;
}

static void set_float(ast_expr *e, const char *digits, bool negative)
{
    const double v = strtod(digits, NULL);
    e->literal_kind = LITERAL_FLOAT;
    e->f64 = negative ? -v : v;
}

/* Base 2, 10 or 16 without point; false: does not fit 64 bits. */
static bool whole_number(const char *digits, int base, uint64_t *out)
{
    uint64_t v = 0;
    for (; *digits; digits++) {
        if (__builtin_mul_overflow(v, (uint64_t)base, &v) || __builtin_add_overflow(v, (uint64_t)hex_value(*digits), &v)) return false;
    }
    *out = v;
    return true;
}

fn_status sql_number(sql_parser *p, bool negative, ast_expr **out)
{
    const sql_token *t = sql_token_at(p, 0);
    const bool word = t->kind == TOKEN_WORD && (sql_word_is(p, 0, "inf") || sql_word_is(p, 0, "nan"));
    if (t->kind != TOKEN_NUMBER && !word) return sql_expected(p, "number");
    ast_expr *e;
    FN_TRY(sql_node(p, AST_LITERAL, &e));
    if (word) {
        e->literal_kind = LITERAL_FLOAT;
        e->f64 = sql_word_is(p, 0, "nan") ? (double)NAN : negative ? -(double)INFINITY : (double)INFINITY;
        p->at++;
        *out = e;
        return FN_OK;
    }
    char *digits = NULL;
    FN_TRY(plain_digits(p, sql_token_text(p, t), &digits));
    const char x = digits[0] == '0' ? (char)(digits[1] | 0x20) : '\0';
    const int base = x == 'x' ? 16 : x == 'b' ? 2 : 10;
    const bool is_float = strpbrk(digits, base == 16 ? ".pP" : ".eE") != NULL && base != 2;
    uint64_t v = 0;
    if (is_float || !whole_number(base == 10 ? digits : digits + 2, base, &v)) {
        set_float(e, digits, negative);
        e->text = fn_cstr(digits);
    } else if (!negative) {
        e->literal_kind = LITERAL_UINT;
        e->u64 = v;
    } else if (v <= (uint64_t)INT64_MAX + 1) {
        e->literal_kind = v ? LITERAL_INT : LITERAL_UINT;
        e->u64 = 0 - v;
    } else {
        set_float(e, digits, true);
        e->text = fn_cstr(digits);
    }
    p->at++;
    *out = e;
    return FN_OK;
}

fn_status sql_unsigned(sql_parser *p, uint64_t *out)
{
    ast_expr *e;
    if (sql_token_at(p, 0)->kind != TOKEN_NUMBER) return sql_expected(p, "number");
    FN_TRY(sql_number(p, false, &e));
    if (e->literal_kind != LITERAL_UINT) return sql_expected(p, "number");
    *out = e->u64;
    return FN_OK;
}

fn_status sql_literal(sql_parser *p, ast_expr **out)
{
    const bool negative = sql_is_symbol(p, SQL_SYMBOL1('-'));
    const sql_token *t = sql_token_at(p, negative ? 1 : 0);
    if (negative || t->kind == TOKEN_NUMBER) {
        p->at += negative ? 1 : 0;
        return sql_number(p, negative, out);
    }
    if (sql_word_is(p, 0, "NULL") || sql_word_is(p, 0, "TRUE") || sql_word_is(p, 0, "FALSE")) {
        FN_TRY(sql_node(p, AST_LITERAL, out));
        (*out)->literal_kind = sql_word_is(p, 0, "NULL") ? LITERAL_NULL : LITERAL_BOOL;
        (*out)->u64 = sql_word_is(p, 0, "TRUE");
        p->at++;
        return FN_OK;
    }
    if (sql_word_is(p, 0, "inf") || sql_word_is(p, 0, "nan")) return sql_number(p, false, out);
    fn_str text;
    const fn_status status = sql_string(p, &text);
    if (sql_soft(p, status)) return sql_expected(p, "literal");
    FN_TRY(status);
    return sql_string_node(p, text, out);
}

fn_status sql_parameter(sql_parser *p, ast_expr **out)
{
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1('{'), "substitution"));
    FN_TRY(sql_node(p, AST_PARAMETER, out));
    if (sql_token_at(p, 0)->kind != TOKEN_WORD) return sql_expected(p, "substitution name (identifier)");
    FN_TRY(sql_name(p, &(*out)->text));
    FN_TRY(sql_need_symbol(p, SQL_SYMBOL1(':'), "colon between name and type"));
    FN_TRY(sql_type(p, &(*out)->type_text));
    return sql_need_symbol(p, SQL_SYMBOL1('}'), "closing curly brace");
}

static fn_status name_or_parameter(sql_parser *p, fn_str *name, ast_expr **param)
{
    if (sql_is_symbol(p, SQL_SYMBOL1('{'))) return sql_parameter(p, param);
    return sql_name_or_string(p, name);
}

fn_status sql_table_name(sql_parser *p, ast_name *out)
{
    FN_TRY(name_or_parameter(p, &out->table, &out->table_param));
    if (!sql_symbol(p, SQL_SYMBOL1('.'))) return FN_OK;
    out->database = out->table;
    out->database_param = out->table_param;
    out->table = (fn_str){0};
    out->table_param = NULL;
    return name_or_parameter(p, &out->table, &out->table_param);
}

fn_status sql_database_name(sql_parser *p, ast_name *out)
{
    return name_or_parameter(p, &out->database, &out->database_param);
}
