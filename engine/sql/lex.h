/* sql/lex.h - tokens of the SQL text. The text is cut on demand, so that data behind VALUES or FORMAT is never looked at.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SQL_LEX_H
#define FIRN_SQL_LEX_H
#include <firn/bits.h>

typedef enum sql_token_kind {
    TOKEN_END,     /* end of the text */
    TOKEN_WORD,    /* bare word: keyword or identifier */
    TOKEN_QUOTED,  /* `x` or "x" */
    TOKEN_NUMBER,
    TOKEN_STRING,  /* '...' */
    TOKEN_HEREDOC, /* $tag$...$tag$ */
    TOKEN_HEX,     /* x'..' */
    TOKEN_BIN,     /* b'..' */
    TOKEN_SYMBOL,  /* operators and punctuation: symbol holds their bytes */
    TOKEN_BAD      /* why says what is wrong */
} sql_token_kind;

typedef struct sql_token {
    sql_token_kind kind;
    uint32_t symbol; /* up to three bytes, first lowest: SQL_SYMBOL('-', '>', 0) */
    size_t begin, end;
    const char *why; /* TOKEN_BAD */
} sql_token;

#define SQL_SYMBOL(a, b, c) ((uint32_t)(unsigned char)(a) | (uint32_t)(unsigned char)(b) << 8 | (uint32_t)(unsigned char)(c) << 16)
#define SQL_SYMBOL1(a)      SQL_SYMBOL(a, 0, 0)

/* The token at or behind `at`, after white space and comments. `previous` is the token before it (decides what '.' means).
 * `limit`: the text ends here with TOKEN_BAD if it is shorter than text.size (max_query_size). */
sql_token sql_lex(fn_str text, size_t limit, size_t at, const sql_token *previous);
/* A byte that may stand in a bare word. */
bool sql_is_word_byte(char c);
#endif
