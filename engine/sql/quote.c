/* quote.c - identifiers and strings as ClickHouse writes them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/lex.h"
#include "sql/ast.h"

static fn_status put_escaped(fn_ctx *ctx, fn_str text, char quote, fn_buf *out)
{
    static const char from[] = "\b\f\n\r\t\0\\", to[] = "bfnrt0\\";
    FN_TRY(fn_buf_reserve(ctx, out, text.size + 2));
    FN_TRY(fn_buf_byte(ctx, out, quote));
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        const char *hit = memchr(from, c, sizeof from - 1);
        if (hit || c == quote) {
            FN_TRY(fn_buf_byte(ctx, out, '\\'));
            FN_TRY(fn_buf_byte(ctx, out, hit ? to[hit - from] : c));
        } else {
            FN_TRY(fn_buf_byte(ctx, out, c));
        }
    }
    return fn_buf_byte(ctx, out, quote);
}

fn_status sql_quote_string(fn_ctx *ctx, fn_str text, fn_buf *out)
{
    return put_escaped(ctx, text, '\'', out);
}

static bool is_plain(fn_str name)
{
    static const char *const reserved[] = {"null", "true", "false", "all", "distinct", "table", "cast", "from", "interval", "select"};
    if (name.size == 0 || (name.data[0] >= '0' && name.data[0] <= '9')) return false;
    for (size_t i = 0; i < name.size; i++) {
        if (!sql_is_word_byte(name.data[i])) return false;
    }
    for (size_t i = 0; i < FN_COUNT(reserved); i++) {
        if (fn_str_eq_nocase(name, fn_cstr(reserved[i]))) return false;
    }
    return true;
}

fn_status sql_quote_identifier(fn_ctx *ctx, fn_str name, fn_buf *out)
{
    return is_plain(name) ? fn_buf_str(ctx, out, name) : put_escaped(ctx, name, '`', out);
}
