/* lex.c - cuts SQL text into tokens.
 *
 * Follows ClickHouse's lexer: comments are --, #!, "# ", // and nested block comments; a '.' starts a number only where no value
 * stands before it; digits behind a '.' that followed a value are a tuple index; words may begin with digits ("1a").
 * The functions look only at text[at..limit), so hostile bytes cannot lead outside.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/lex.h"

typedef struct lexer {
    const char *text;
    size_t limit, at;
} lexer;

bool sql_is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char peek(const lexer *l, size_t ahead)
{
    return l->limit - l->at > ahead ? l->text[l->at + ahead] : '\0';
}

/* Skips one block comment; false if it is never closed. */
static bool skip_block_comment(lexer *l)
{
    size_t depth = 1;
    for (l->at += 2; l->at < l->limit; l->at++) {
        if (peek(l, 0) == '/' && peek(l, 1) == '*') {
            depth++;
            l->at++;
        } else if (peek(l, 0) == '*' && peek(l, 1) == '/') {
            l->at++;
            if (--depth == 0) {
                l->at++;
                return true;
            }
        }
    }
    return false;
}

static void skip_line(lexer *l)
{
    while (l->at < l->limit && l->text[l->at] != '\n') l->at++;
}

/* To the first byte of a token; false: an open comment starts at l->at. */
static bool skip_blank(lexer *l)
{
    while (l->at < l->limit) {
        const char c = peek(l, 0), d = peek(l, 1);
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            l->at++;
        } else if (c == '\xc2' && d == '\xa0') { /* no-break space */
            l->at += 2;
        } else if ((c == '-' && d == '-') || (c == '/' && d == '/') || (c == '#' && (d == '!' || d == ' '))) {
            skip_line(l);
        } else if (c == '/' && d == '*') {
            const size_t begin = l->at;
            if (!skip_block_comment(l)) {
                l->at = begin;
                return false;
            }
        } else {
            break;
        }
    }
    return true;
}

/* A quoted run from l->at; doubled quotes and backslashes are part of it. */
static bool skip_quoted(lexer *l, char quote)
{
    l->at++;
    while (l->at < l->limit) {
        const char *hit = memchr(l->text + l->at, quote, l->limit - l->at);
        const char *slash = memchr(l->text + l->at, '\\', hit ? (size_t)(hit - (l->text + l->at)) : l->limit - l->at);
        if (slash) {
            l->at = (size_t)(slash - l->text) + 2;
            continue;
        }
        if (!hit) return false;
        l->at = (size_t)(hit - l->text) + 1;
        if (peek(l, 0) != quote) return true;
        l->at++;
    }
    l->at = l->limit;
    return false;
}

static void skip_digits(lexer *l, bool (*accept)(char))
{
    while (l->at < l->limit) {
        if (accept(l->text[l->at])) l->at++;
        else if (l->text[l->at] == '_' && accept(peek(l, 1))) l->at += 2;
        else break;
    }
}

static void skip_exponent(lexer *l, char lower, char upper)
{
    const char c = peek(l, 0);
    if (c != lower && c != upper) return;
    const bool sign = peek(l, 1) == '+' || peek(l, 1) == '-';
    if (!is_digit(peek(l, sign ? 2 : 1))) return;
    l->at += sign ? 2 : 1;
    skip_digits(l, is_digit);
}

static bool is_bin_digit(char c)
{
    return c == '0' || c == '1';
}

/* A number from l->at. behind_dot: only digits, because "t.1.2" is not t . 1.2 . */
static void lex_number(lexer *l, bool behind_dot, sql_token *t)
{
    t->kind = TOKEN_NUMBER;
    const char x = peek(l, 1);
    if (behind_dot) {
        while (is_digit(peek(l, 0))) l->at++;
    } else if (peek(l, 0) == '0' && (x == 'x' || x == 'X') && is_hex_digit(peek(l, 2))) {
        l->at += 2;
        skip_digits(l, is_hex_digit);
        if (peek(l, 0) == '.') {
            l->at++;
            skip_digits(l, is_hex_digit);
        }
        skip_exponent(l, 'p', 'P');
    } else if (peek(l, 0) == '0' && (x == 'b' || x == 'B') && is_bin_digit(peek(l, 2))) {
        l->at += 2;
        skip_digits(l, is_bin_digit);
    } else {
        skip_digits(l, is_digit);
        if (peek(l, 0) == '.') {
            l->at++;
            skip_digits(l, is_digit);
        }
        skip_exponent(l, 'e', 'E');
    }
    if (l->at >= l->limit || !(sql_is_word_byte(l->text[l->at]) || l->text[l->at] == '$')) return;
    while (l->at < l->limit && (sql_is_word_byte(l->text[l->at]) || l->text[l->at] == '$')) l->at++;
    t->kind = TOKEN_WORD;
    for (size_t i = t->begin; i < l->at; i++) {
        if (!sql_is_word_byte(l->text[i]) && l->text[i] != '$') {
            t->kind = TOKEN_BAD;
            t->why = "Wrong number";
        }
    }
}

/* $tag$ ... $tag$; false if this is no heredoc. */
static bool lex_heredoc(lexer *l, sql_token *t)
{
    size_t tag = l->at + 1;
    while (tag < l->limit && sql_is_word_byte(l->text[tag])) tag++;
    if (tag >= l->limit || l->text[tag] != '$') return false;
    const size_t size = tag + 1 - l->at;
    const char *close = memmem(l->text + tag + 1, l->limit - tag - 1, l->text + l->at, size);
    if (!close) return false;
    l->at = (size_t)(close - l->text) + size;
    t->kind = TOKEN_HEREDOC;
    return true;
}

static void lex_string(lexer *l, sql_token *t, sql_token_kind kind, const char *why)
{
    t->kind = kind;
    if (!skip_quoted(l, l->text[l->at])) {
        l->at = l->limit;
        t->kind = TOKEN_BAD;
        t->why = why;
    }
}

static const char *const long_symbols[] = {"<=>", "->", "::", "||", "==", "!=", "<>", "<=", ">=", "@@"};

static void lex_symbol(lexer *l, sql_token *t)
{
    for (size_t i = 0; i < FN_COUNT(long_symbols); i++) {
        const char *s = long_symbols[i];
        const size_t size = strlen(s);
        if (l->limit - l->at < size || memcmp(l->text + l->at, s, size) != 0) continue;
        t->kind = TOKEN_SYMBOL;
        t->symbol = SQL_SYMBOL(s[0], s[1], size > 2 ? s[2] : 0);
        l->at += size;
        return;
    }
    const char c = l->text[l->at];
    if (c != '\0' && strchr("()[]{},;.*?:+-/%=<>@^|&!", c)) {
        t->kind = TOKEN_SYMBOL;
        t->symbol = SQL_SYMBOL1(c);
        l->at++;
        return;
    }
    static const char minus[] = "\xe2\x88\x92"; /* U+2212 */
    if (l->limit - l->at >= 3 && memcmp(l->text + l->at, minus, 3) == 0) {
        t->kind = TOKEN_SYMBOL;
        t->symbol = SQL_SYMBOL1('-');
        l->at += 3;
        return;
    }
    t->kind = TOKEN_BAD;
    t->why = "Unrecognized token";
    /* The whole run of bytes outside ASCII, so that the message does not cut a character. */
    do l->at++;
    while (l->at < l->limit && (unsigned char)l->text[l->at] >= 0x80);
}

static bool is_value_end(const sql_token *t)
{
    if (!t) return false;
    if (t->kind == TOKEN_SYMBOL) return t->symbol == SQL_SYMBOL1(')') || t->symbol == SQL_SYMBOL1(']');
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED || t->kind == TOKEN_NUMBER;
}

sql_token sql_lex(fn_str text, size_t limit, size_t at, const sql_token *previous)
{
    lexer l = {text.data, FN_MIN(limit, text.size), at};
    const bool clean = skip_blank(&l);
    sql_token t = {.kind = TOKEN_END, .begin = l.at, .end = l.at};
    if (!clean) {
        t.kind = TOKEN_BAD;
        t.why = "Multiline comment is not closed";
        t.end = l.limit;
        return t;
    }
    if (l.at >= l.limit) {
        if (l.limit < text.size) {
            t.kind = TOKEN_BAD;
            t.why = "Max query size exceeded (can be increased with the `max_query_size` setting)";
        }
        return t;
    }
    const char c = l.text[l.at];
    const bool behind_dot = previous && previous->kind == TOKEN_SYMBOL && previous->symbol == SQL_SYMBOL1('.');
    if (is_digit(c) || (c == '.' && is_digit(peek(&l, 1)) && !is_value_end(previous))) {
        lex_number(&l, behind_dot, &t);
    } else if ((c == 'x' || c == 'X') && peek(&l, 1) == '\'') {
        l.at++;
        lex_string(&l, &t, TOKEN_HEX, "Single quoted string is not closed");
    } else if ((c == 'b' || c == 'B') && peek(&l, 1) == '\'') {
        l.at++;
        lex_string(&l, &t, TOKEN_BIN, "Single quoted string is not closed");
    } else if (sql_is_word_byte(c)) {
        t.kind = TOKEN_WORD;
        while (l.at < l.limit && (sql_is_word_byte(l.text[l.at]) || l.text[l.at] == '$')) l.at++;
    } else if (c == '\'') {
        lex_string(&l, &t, TOKEN_STRING, "Single quoted string is not closed");
    } else if (c == '"') {
        lex_string(&l, &t, TOKEN_QUOTED, "Double quoted string is not closed");
    } else if (c == '`') {
        lex_string(&l, &t, TOKEN_QUOTED, "Back quoted string is not closed");
    } else if (c != '$' || !lex_heredoc(&l, &t)) {
        lex_symbol(&l, &t);
    }
    t.end = FN_MIN(l.at, l.limit);
    return t;
}
