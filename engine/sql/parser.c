/* parser.c - the cursor over tokens, what was expected where, and the text of syntax errors.
 *
 * Tokens are cut when first looked at. A text that fails is parsed once more, noting: each failed sql_symbol/sql_words/... notes
 * what it wanted; only the notes of the furthest token are kept, and they become "Expected one of". Going back is allowed
 * everywhere but the number of token looks is bounded by `steps`, so that no text takes more than linear time in the limit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"
#include "settings/settings.h"

enum { STEPS_MAX = 200000000, SHOWN_MAX = 160, PARSER_DEPTH_MAX = 1000 };

static const sql_token end_token = {.kind = TOKEN_END};

static bool more_tokens(sql_parser *p)
{
    if (p->token_count == p->token_capacity) {
        const uint32_t capacity = p->token_capacity ? p->token_capacity * 2 : 64;
        sql_token *grown = FN_NEW_ARRAY(p->ctx, sql_token, capacity);
        if (!grown) return false;
        if (p->token_count) memcpy(grown, p->tokens, sizeof *grown * p->token_count);
        p->tokens = grown;
        p->token_capacity = capacity;
    }
    const sql_token *previous = p->token_count ? &p->tokens[p->token_count - 1] : NULL;
    p->tokens[p->token_count] = sql_lex(p->text, p->limit, previous ? previous->end : 0, previous);
    p->token_count++;
    return true;
}

const sql_token *sql_token_at(sql_parser *p, uint32_t ahead)
{
    p->steps++;
    while (p->token_count <= p->at + ahead) {
        const sql_token_kind last = p->token_count ? p->tokens[p->token_count - 1].kind : TOKEN_WORD;
        if (last == TOKEN_END || last == TOKEN_BAD) return &p->tokens[p->token_count - 1];
        if (!more_tokens(p)) return &end_token;
    }
    return &p->tokens[p->at + ahead];
}

fn_str sql_token_text(const sql_parser *p, const sql_token *t)
{
    return (fn_str){p->text.data + t->begin, t->end - t->begin};
}

static void note(sql_parser *p, const char *what)
{
    if (!p->noting || p->at < p->furthest) return;
    if (p->at > p->furthest) {
        p->furthest = p->at;
        p->expected_count = 0;
    }
    for (uint32_t i = 0; i < p->expected_count; i++) {
        if (p->expected[i] == what || (p->expected[i][0] == what[0] && strcmp(p->expected[i], what) == 0)) return;
    }
    if (p->expected_count < SQL_EXPECTED_MAX) p->expected[p->expected_count++] = what;
}

fn_status sql_expected(sql_parser *p, const char *what)
{
    note(p, what);
    return FN_SYNTAX_ERROR;
}

bool sql_soft(const sql_parser *p, fn_status status)
{
    return status == FN_SYNTAX_ERROR && p->ctx->error.code == FN_OK && p->steps < STEPS_MAX;
}

bool sql_is_symbol(sql_parser *p, uint32_t symbol)
{
    const sql_token *t = sql_token_at(p, 0);
    return t->kind == TOKEN_SYMBOL && t->symbol == symbol;
}

bool sql_symbol(sql_parser *p, uint32_t symbol)
{
    if (!sql_is_symbol(p, symbol)) return false;
    p->at++;
    return true;
}

fn_status sql_need_symbol(sql_parser *p, uint32_t symbol, const char *name)
{
    return sql_symbol(p, symbol) ? FN_OK : sql_expected(p, name);
}

bool sql_word_is(sql_parser *p, uint32_t ahead, const char *word)
{
    const sql_token *t = sql_token_at(p, ahead);
    return t->kind == TOKEN_WORD && fn_str_eq_nocase(sql_token_text(p, t), fn_cstr(word));
}

/* How many tokens `words` takes at the cursor; 0: they are not there. */
static uint32_t match_words(sql_parser *p, const char *words)
{
    uint32_t n = 0;
    while (*words) {
        const sql_token *t = sql_token_at(p, n);
        if (t->kind != TOKEN_WORD || ((p->text.data[t->begin] ^ *words) & ~('a' ^ 'A'))) return 0; /* most looks end here */
        const char *space = strchr(words, ' ');
        const size_t size = space ? (size_t)(space - words) : strlen(words);
        if (t->end - t->begin != size || !fn_str_eq_nocase(sql_token_text(p, t), (fn_str){words, size})) return 0;
        n++;
        words += size + (space ? 1 : 0);
    }
    return n;
}

bool sql_is_words(sql_parser *p, const char *words)
{
    if (match_words(p, words)) return true;
    note(p, words);
    return false;
}

bool sql_words(sql_parser *p, const char *words)
{
    const uint32_t n = match_words(p, words);
    if (!n) note(p, words);
    p->at += n;
    return n > 0;
}

fn_status sql_need_words(sql_parser *p, const char *words)
{
    return sql_words(p, words) ? FN_OK : FN_SYNTAX_ERROR;
}

fn_status sql_enter(sql_parser *p)
{
    if (++p->depth > p->depth_max) {
        return fn_fail(p->ctx, FN_TOO_DEEP_RECURSION,
                       "Maximum parse depth (%llu) exceeded. Consider raising max_parser_depth parameter.",
                       (unsigned long long)p->depth_max);
    }
    if (p->steps >= STEPS_MAX) return fn_fail(p->ctx, FN_TOO_SLOW, "The statement takes too long to parse");
    return FN_OK;
}

void sql_leave(sql_parser *p)
{
    p->depth--;
}

/* ---- the message ---- */

static fn_status put_position(sql_parser *p, const sql_token *t, fn_buf *out)
{
    fn_ctx *ctx = p->ctx;
    FN_TRY(fn_buf_printf(ctx, out, "Syntax error: failed at position %zu", t->begin + 1));
    const bool at_end = t->kind == TOKEN_END || (t->kind == TOKEN_SYMBOL && t->symbol == SQL_SYMBOL1(';'));
    const fn_str shown = {p->text.data + t->begin, FN_MIN(t->end - t->begin, (size_t)SHOWN_MAX)};
    if (at_end) FN_TRY(fn_buf_cstr(ctx, out, " (end of query)"));
    else FN_TRY(fn_buf_printf(ctx, out, " (%.*s)", (int)shown.size, shown.data));
    const char *newline = p->text.size ? memchr(p->text.data, '\n', p->text.size) : NULL;
    if (newline && newline + 1 < p->text.data + p->text.size) {
        size_t line = 1, column = 1;
        for (size_t i = 0; i < t->begin; i++) {
            column++;
            if (p->text.data[i] == '\n') {
                line++;
                column = 1;
            }
        }
        FN_TRY(fn_buf_printf(ctx, out, " (line %zu, col %zu)", line, column));
    }
    return FN_OK;
}

static fn_status put_around(sql_parser *p, size_t begin, fn_buf *out)
{
    size_t size = p->text.size - begin;
    const bool cut = size > SHOWN_MAX;
    if (cut) size = SHOWN_MAX;
    FN_TRY(fn_buf_cstr(p->ctx, out, ": "));
    FN_TRY(fn_buf_append(p->ctx, out, p->text.data + begin, size));
    return fn_buf_cstr(p->ctx, out, cut ? "... " : ". ");
}

/* The first bracket that does not match; *open: its opening partner or, at the end, the first one never closed. */
static fn_status put_unmatched(sql_parser *p, fn_buf *out, bool *found)
{
    fn_ctx *ctx = p->ctx;
    uint32_t open[64], depth = 0;
    const uint32_t last = FN_MIN(p->furthest + 1, p->token_count);
    *found = false;
    for (uint32_t i = 0; i < last; i++) {
        const sql_token *t = &p->tokens[i];
        const char c = t->kind == TOKEN_SYMBOL ? (char)t->symbol : '\0';
        if (c == '(' || c == '[' || c == '{') {
            if (depth == FN_COUNT(open)) return FN_OK;
            open[depth++] = i;
        } else if (c == ')' || c == ']' || c == '}') {
            const char want = c == ')' ? '(' : (char)(c == ']' ? '[' : '{');
            const sql_token *partner = depth ? &p->tokens[open[--depth]] : NULL;
            if (partner && (char)partner->symbol == want) continue;
            *found = true;
            FN_TRY(put_position(p, t, out));
            FN_TRY(put_around(p, t->begin, out));
            if (!partner) return fn_buf_printf(ctx, out, "Unmatched parentheses: '%c' at position %zu has no opening bracket", c, t->begin + 1);
            return fn_buf_printf(ctx, out, "Unmatched parentheses: '%c' at position %zu does not match '%c' at position %zu", c,
                                 t->begin + 1, (char)partner->symbol, partner->begin + 1);
        }
    }
    const sql_token *end = &p->tokens[last - 1];
    if (!depth || end->kind != TOKEN_END) return FN_OK;
    *found = true;
    FN_TRY(put_position(p, end, out));
    FN_TRY(put_around(p, p->tokens[open[depth - 1]].begin, out));
    FN_TRY(fn_buf_cstr(ctx, out, "Unmatched parentheses: "));
    for (uint32_t i = 0; i < depth; i++) {
        const sql_token *t = &p->tokens[open[i]];
        FN_TRY(fn_buf_printf(ctx, out, "%s'%c' at position %zu", i ? ", " : "", (char)t->symbol, t->begin + 1));
    }
    return fn_buf_cstr(ctx, out, depth > 1 ? " are never closed" : " is never closed");
}

static fn_status put_syntax_error(sql_parser *p, fn_buf *out)
{
    fn_ctx *ctx = p->ctx;
    p->at = p->furthest;
    const sql_token *t = sql_token_at(p, 0);
    bool unmatched = false;
    if (t->kind == TOKEN_BAD) {
        FN_TRY(fn_buf_printf(ctx, out, "%s: ", t->why));
        FN_TRY(put_position(p, t, out));
        return put_around(p, t->begin, out);
    }
    FN_TRY(put_unmatched(p, out, &unmatched));
    if (unmatched) return FN_OK;
    FN_TRY(put_position(p, t, out));
    FN_TRY(put_around(p, t->begin, out));
    if (!p->expected_count) return FN_OK;
    FN_TRY(fn_buf_cstr(ctx, out, p->expected_count > 1 ? "Expected one of: " : "Expected "));
    for (uint32_t i = 0; i < p->expected_count; i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(fn_buf_cstr(ctx, out, p->expected[i]));
    }
    return FN_OK;
}

/* Records the syntax error of a failed parse, unless something else is recorded. */
static fn_status report(sql_parser *p, fn_status status)
{
    if (status != FN_SYNTAX_ERROR || p->ctx->error.code != FN_OK) return status;
    fn_buf text = FN_BUF_INIT;
    if (p->token_count == 0 || p->furthest >= p->token_count) p->furthest = p->token_count ? p->token_count - 1 : 0;
    status = put_syntax_error(p, &text);
    if (status == FN_OK) {
        while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '.')) text.size--;
        status = fn_fail(p->ctx, FN_SYNTAX_ERROR, "%.*s", (int)FN_MIN(text.size, (size_t)2000), text.data ? text.data : "");
    }
    fn_buf_release(&text);
    return status;
}

static void parser_init(sql_parser *p, fn_ctx *ctx, fn_str text)
{
    const fn_settings *s = settings_of(ctx);
    *p = (sql_parser){.ctx = ctx, .text = text, .limit = text.size, .depth_max = PARSER_DEPTH_MAX};
    if (s->max_query_size && s->max_query_size < p->limit) p->limit = (size_t)s->max_query_size;
    p->elements_max = s->max_ast_elements;
}

/* Nothing but ';' may follow. */
static fn_status parse_end(sql_parser *p)
{
    bool semicolon = false;
    while (sql_symbol(p, SQL_SYMBOL1(';'))) semicolon = true;
    if (sql_token_at(p, 0)->kind == TOKEN_END) return FN_OK;
    if (!semicolon || sql_token_at(p, 0)->kind == TOKEN_BAD) return sql_expected(p, "end of query");
    FN_TRY(sql_expected(p, "end of query") == FN_SYNTAX_ERROR ? FN_OK : FN_LOGICAL_ERROR);
    fn_buf text = FN_BUF_INIT;
    fn_status status = put_position(p, sql_token_at(p, 0), &text);
    if (status == FN_OK) status = put_around(p, sql_token_at(p, 0)->begin, &text);
    if (status == FN_OK) {
        status = fn_fail(p->ctx, FN_SYNTAX_ERROR, "%.*s (Multi-statements are not allowed)",
                         (int)FN_MIN(text.size, (size_t)1900), text.data);
    }
    fn_buf_release(&text);
    return status;
}

typedef fn_status parse_fn(sql_parser *p, void *out);

/* All of `text` by `parse`; when that finds a syntax error, once more for its message. */
static fn_status parse_all(fn_ctx *ctx, fn_str text, parse_fn *parse, void *out)
{
    sql_parser p;
    parser_init(&p, ctx, text);
    fn_status status = parse(&p, out);
    if (!sql_soft(&p, status)) return status == FN_OK ? FN_OK : report(&p, status);
    parser_init(&p, ctx, text);
    p.noting = true;
    status = parse(&p, out);
    return status == FN_OK ? FN_OK : report(&p, status);
}

static fn_status parse_statement(sql_parser *p, void *out)
{
    const sql_token *first = sql_token_at(p, 0);
    if (first->kind == TOKEN_END || sql_is_symbol(p, SQL_SYMBOL1(';'))) return fn_fail(p->ctx, FN_SYNTAX_ERROR, "Empty query");
    ast_statement *s = FN_NEW(p->ctx, ast_statement);
    FN_TRY_PTR(p->ctx, s);
    p->statement = s;
    FN_TRY(sql_statement(p, s));
    if (!s->has_data_offset) FN_TRY(parse_end(p));
    *(ast_statement **)out = s;
    return FN_OK;
}

fn_status sql_parse(fn_ctx *ctx, fn_str text, ast_statement **out)
{
    return parse_all(ctx, text, parse_statement, out);
}

static fn_status parse_expr(sql_parser *p, void *out)
{
    ast_expr **e = out;
    ast_list list = {0};
    FN_TRY(sql_expr_list(p, false, false, &list));
    if (list.count == 0) return sql_expected(p, "expression");
    FN_TRY(parse_end(p));
    if (list.count == 1) {
        *e = list.items[0];
        return FN_OK;
    }
    FN_TRY(sql_node(p, AST_FUNCTION, e));
    (*e)->text = FN_STR("tuple");
    (*e)->is_operator = true;
    (*e)->args = list;
    return FN_OK;
}

fn_status sql_parse_expr(fn_ctx *ctx, fn_str text, ast_expr **out)
{
    return parse_all(ctx, text, parse_expr, out);
}

typedef struct column_list {
    ast_column_def *columns;
    uint32_t count;
} column_list;

static fn_status parse_columns(sql_parser *p, void *out)
{
    column_list list = {0};
    do {
        if (list.count && sql_token_at(p, 0)->kind == TOKEN_END) break;
        ast_column_def *column = sql_grow(p, &list.columns, &list.count, sizeof *list.columns);
        FN_TRY_PTR(p->ctx, column);
        FN_TRY(sql_column_def(p, true, column));
    } while (sql_symbol(p, SQL_SYMBOL1(',')));
    FN_TRY(parse_end(p));
    *(column_list *)out = list;
    return FN_OK;
}

fn_status sql_parse_columns(fn_ctx *ctx, fn_str text, ast_column_def **out, uint32_t *count)
{
    column_list list = {0};
    FN_TRY(parse_all(ctx, text, parse_columns, &list));
    *out = list.columns;
    *count = list.count;
    return FN_OK;
}
