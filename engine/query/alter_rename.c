/* alter_rename.c - RENAME COLUMN in what a definition keeps as text: TTL clauses. SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "sql/lex.h"

static bool is_name(fn_str text, const sql_token *t, fn_str name)
{
    const fn_str word = {text.data + t->begin, t->end - t->begin};
    if (t->kind == TOKEN_WORD) return fn_str_eq(word, name);
    return t->kind == TOKEN_QUOTED && word.size == name.size + 2 && memcmp(word.data + 1, name.data, name.size) == 0;
}

static fn_status put_renamed(fn_ctx *ctx, fn_str text, fn_str from, fn_str to, fn_buf *out)
{
    sql_token token = sql_lex(text, text.size, 0, NULL), next;
    size_t done = 0;
    for (; token.kind != TOKEN_END && token.kind != TOKEN_BAD; token = next) {
        next = sql_lex(text, text.size, token.end, &token);
        const bool called = next.kind == TOKEN_SYMBOL && next.symbol == SQL_SYMBOL1('('); /* a function of that name */
        if (called || !is_name(text, &token, from)) continue;
        FN_TRY(fn_buf_str(ctx, out, (fn_str){text.data + done, token.begin - done}));
        FN_TRY(sql_quote_identifier(ctx, to, out));
        done = token.end;
    }
    return fn_buf_str(ctx, out, (fn_str){text.data + done, text.size - done});
}

fn_status alter_rename_text(fn_ctx *ctx, fn_str *text, fn_str from, fn_str to)
{
    fn_buf out = FN_BUF_INIT;
    if (!text->size) return FN_OK;
    fn_status status = put_renamed(ctx, *text, from, to, &out);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&out), text);
    fn_buf_release(&out);
    return status;
}
