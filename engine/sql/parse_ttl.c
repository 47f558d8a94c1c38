/* parse_ttl.c - TTL of tables: its canonical text, and the elements of such a text.
 * expr [[DELETE] [WHERE cond] | TO DISK|VOLUME 'x' | RECOMPRESS CODEC(...) | GROUP BY ... [SET ...]], ...
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/parser.h"

static fn_status put_list(sql_parser *p, const ast_list *list, fn_buf *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i) FN_TRY(fn_buf_cstr(p->ctx, out, ", "));
        FN_TRY(sql_print_expr(p->ctx, list->items[i], out));
    }
    return FN_OK;
}

static fn_status put_set(sql_parser *p, const ast_list *set, fn_buf *out)
{
    for (uint32_t i = 0; i < set->count; i++) { /* equals(column, value) */
        FN_TRY(fn_buf_cstr(p->ctx, out, i ? ", " : " SET "));
        FN_TRY(sql_print_expr(p->ctx, set->items[i]->args.items[0], out));
        FN_TRY(fn_buf_cstr(p->ctx, out, " = "));
        FN_TRY(sql_print_expr(p->ctx, set->items[i]->args.items[1], out));
    }
    return FN_OK;
}

/* Behind a comma comes another assignment, or the next element. */
static fn_status parse_set(sql_parser *p, ast_list *set)
{
    FN_TRY(sql_assignment(p, set));
    for (;;) {
        const uint32_t before = p->at;
        if (!sql_symbol(p, SQL_SYMBOL1(','))) return FN_OK;
        const fn_status status = sql_assignment(p, set);
        if (status == FN_OK) continue;
        if (!sql_soft(p, status)) return status;
        p->at = before;
        return FN_OK;
    }
}

static fn_status group_by(sql_parser *p, ast_ttl *ttl, fn_buf *out)
{
    FN_TRY(sql_expr_list(p, false, false, &ttl->keys));
    FN_TRY(fn_buf_cstr(p->ctx, out, " GROUP BY "));
    FN_TRY(put_list(p, &ttl->keys, out));
    if (!sql_words(p, "SET")) return FN_OK;
    FN_TRY(parse_set(p, &ttl->set));
    return put_set(p, &ttl->set, out);
}

static fn_status parse_element(sql_parser *p, ast_ttl *ttl, fn_buf *out)
{
    fn_ctx *ctx = p->ctx;
    *ttl = (ast_ttl){.action = TTL_DELETE};
    FN_TRY(sql_expr(p, &ttl->when));
    FN_TRY(sql_print_expr(ctx, ttl->when, out));
    const bool disk = sql_words(p, "TO DISK");
    if (disk || sql_words(p, "TO VOLUME")) {
        ttl->action = TTL_MOVE;
        ttl->is_volume = !disk;
        ttl->if_exists = sql_words(p, "IF EXISTS");
        FN_TRY(sql_string(p, &ttl->place));
        FN_TRY(fn_buf_printf(ctx, out, " TO %s %s", disk ? "DISK" : "VOLUME", ttl->if_exists ? "IF EXISTS " : ""));
        return sql_quote_string(ctx, ttl->place, out);
    }
    if (sql_words(p, "RECOMPRESS")) {
        ttl->action = TTL_RECOMPRESS;
        FN_TRY(sql_expr(p, &ttl->codec));
        if (ttl->codec->kind != AST_FUNCTION || !fn_str_eq_nocase(ttl->codec->text, FN_STR("CODEC"))) return fn_fail(ctx, FN_SYNTAX_ERROR, "Syntax error: expected CODEC behind RECOMPRESS");
        FN_TRY(fn_buf_cstr(ctx, out, " RECOMPRESS "));
        return sql_print_expr(ctx, ttl->codec, out);
    }
    if (sql_words(p, "GROUP BY")) {
        ttl->action = TTL_GROUP_BY;
        return group_by(p, ttl, out);
    }
    (void)sql_words(p, "DELETE");
    if (!sql_words(p, "WHERE")) return FN_OK;
    FN_TRY(sql_expr(p, &ttl->where));
    FN_TRY(fn_buf_cstr(ctx, out, " WHERE "));
    return sql_print_expr(ctx, ttl->where, out);
}

fn_status sql_ttl(sql_parser *p, ast_ttl **elements, uint32_t *count, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    *elements = NULL;
    *count = 0;
    do {
        ast_ttl *ttl = sql_grow(p, elements, count, sizeof *ttl);
        if (!ttl) status = p->ctx->error.code;
        if (status == FN_OK && text.size) status = fn_buf_cstr(p->ctx, &text, ", ");
        if (status == FN_OK) status = parse_element(p, ttl, &text);
    } while (status == FN_OK && sql_symbol(p, SQL_SYMBOL1(',')));
    if (status == FN_OK) status = fn_arena_str(p->ctx, p->ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}
