/* print_expr.c - expressions as ClickHouse formats them: operators as operators, nested ones in parentheses, the rest as calls.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/operator.h"
#include "sql/print.h"

enum { PRINT_DEPTH_MAX = 4000 };

fn_status sql_put(sql_printer *w, const char *text)
{
    return fn_buf_cstr(w->ctx, w->out, text);
}

fn_status sql_put_name(sql_printer *w, fn_str name)
{
    return sql_quote_identifier(w->ctx, name, w->out);
}

fn_status sql_put_line(sql_printer *w, unsigned extra)
{
    if (!w->multi_line) return sql_put(w, " ");
    FN_TRY(sql_put(w, "\n"));
    for (unsigned i = 0; i < w->indent + extra; i++) FN_TRY(sql_put(w, "    "));
    return FN_OK;
}

fn_status sql_put_exprs(sql_printer *w, const ast_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i) FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_expr(w, list->items[i], false));
    }
    return FN_OK;
}

fn_status sql_put_lines(sql_printer *w, const ast_list *list)
{
    const bool lines = w->multi_line && list->count > 1;
    w->indent++;
    for (uint32_t i = 0; i < list->count; i++) {
        if (i) FN_TRY(sql_put(w, ","));
        FN_TRY(lines ? sql_put_line(w, 0) : sql_put(w, " "));
        FN_TRY(sql_put_expr(w, list->items[i], false));
    }
    w->indent--;
    return FN_OK;
}

fn_status sql_put_subquery(sql_printer *w, const ast_query *q)
{
    FN_TRY(sql_put(w, "("));
    if (w->multi_line) FN_TRY(sql_put_line(w, 1));
    w->indent++;
    FN_TRY(sql_put_query(w, q));
    w->indent--;
    if (w->multi_line) FN_TRY(sql_put_line(w, 0));
    return sql_put(w, ")");
}

static fn_status put_bracketed(sql_printer *w, const char *open, const ast_list *list, const char *close)
{
    FN_TRY(sql_put(w, open));
    FN_TRY(sql_put_exprs(w, list));
    return sql_put(w, close);
}

static fn_status put_transformer(sql_printer *w, const ast_expr *t)
{
    FN_TRY(sql_put(w, " "));
    FN_TRY(fn_buf_str(w->ctx, w->out, t->text));
    FN_TRY(sql_put(w, t->distinct ? " STRICT " : " "));
    if (fn_str_eq(t->text, FN_STR("APPLY"))) {
        const ast_expr *f = t->args.items[0];
        if (f->kind == AST_LAMBDA || t->type_text.data) {
            FN_TRY(sql_put(w, "("));
            FN_TRY(sql_put_expr(w, f, false));
            if (t->type_text.data) {
                FN_TRY(sql_put(w, ", "));
                FN_TRY(sql_quote_string(w->ctx, t->type_text, w->out));
            }
            return sql_put(w, ")");
        }
        FN_TRY(sql_put_name(w, f->text));
        return f->params.count ? put_bracketed(w, "(", &f->params, ")") : FN_OK;
    }
    if (t->type_text.data) return sql_quote_string(w->ctx, t->type_text, w->out);
    const bool replace = fn_str_eq(t->text, FN_STR("REPLACE"));
    return put_bracketed(w, t->args.count > 1 || replace ? "(" : "", &t->args, t->args.count > 1 || replace ? ")" : "");
}

static fn_status put_parts(sql_printer *w, const ast_expr *e)
{
    for (uint32_t i = 0; i < e->part_count; i++) {
        if (i) FN_TRY(sql_put(w, "."));
        const fn_str part = e->parts[i];
        const bool json = part.size > 1 && (part.data[0] == '^' || (part.data[0] == ':' && part.data[1] == '`'));
        FN_TRY(json && i ? fn_buf_str(w->ctx, w->out, part) : sql_put_name(w, part));
    }
    return FN_OK;
}

static fn_status put_asterisk(sql_printer *w, const ast_expr *e)
{
    FN_TRY(put_parts(w, e));
    if (e->part_count) FN_TRY(sql_put(w, "."));
    if (e->text.data) {
        FN_TRY(sql_put(w, "COLUMNS("));
        FN_TRY(sql_quote_string(w->ctx, e->text, w->out));
        FN_TRY(sql_put(w, ")"));
    } else {
        FN_TRY(e->args.count ? put_bracketed(w, "COLUMNS(", &e->args, ")") : sql_put(w, "*"));
    }
    for (uint32_t i = 0; i < e->args2.count; i++) FN_TRY(put_transformer(w, e->args2.items[i]));
    return FN_OK;
}

static fn_status put_lambda(sql_printer *w, const ast_expr *e)
{
    FN_TRY(sql_put(w, "("));
    FN_TRY(put_bracketed(w, e->args.count == 1 ? "" : "(", &e->args, e->args.count == 1 ? "" : ")"));
    FN_TRY(sql_put(w, " -> "));
    FN_TRY(sql_put_expr(w, e->args2.items[0], true));
    return sql_put(w, ")");
}

static bool ends_with_set(const ast_expr *e)
{
    return fn_str_eq(e->text, FN_STR("in")) || fn_str_eq(e->text, FN_STR("notIn")) || fn_str_eq(e->text, FN_STR("globalIn")) ||
           fn_str_eq(e->text, FN_STR("globalNotIn"));
}

/* The right side of IN stands in parentheses, whatever it is. */
static fn_status put_set(sql_printer *w, const ast_expr *e)
{
    const bool has_own = e->kind == AST_SUBQUERY || e->parenthesized ||
                         (e->kind == AST_FUNCTION && e->is_operator && fn_str_eq(e->text, FN_STR("tuple")) && e->args.count != 1);
    if (has_own) return sql_put_expr(w, e, true);
    FN_TRY(sql_put(w, "("));
    FN_TRY(sql_put_expr(w, e, false));
    return sql_put(w, ")");
}

static fn_status put_operator(sql_printer *w, const ast_expr *e, const sql_operator *op)
{
    if (e->args.count == 1) {
        FN_TRY(sql_put_expr(w, e->args.items[0], true));
        FN_TRY(sql_put(w, " "));
        return sql_put(w, op->printed);
    }
    for (uint32_t i = 0; i < e->args.count; i++) {
        if (i) {
            FN_TRY(sql_put(w, " "));
            FN_TRY(sql_put(w, op->printed));
            FN_TRY(sql_put(w, " "));
        }
        FN_TRY(i && ends_with_set(e) ? put_set(w, e->args.items[i]) : sql_put_expr(w, e->args.items[i], true));
    }
    return FN_OK;
}

static fn_status put_element(sql_printer *w, const ast_expr *e, bool *done)
{
    const ast_expr *a = e->args.items[0], *b = e->args.items[1];
    *done = true;
    if (fn_str_eq(e->text, FN_STR("arrayElement"))) {
        FN_TRY(sql_put_expr(w, a, true));
        FN_TRY(sql_put(w, "["));
        FN_TRY(sql_put_expr(w, b, false));
        return sql_put(w, "]");
    }
    *done = fn_str_eq(e->text, FN_STR("tupleElement")) && b->kind == AST_LITERAL;
    if (!*done) return FN_OK;
    FN_TRY(sql_put_expr(w, a, true));
    FN_TRY(sql_put(w, "."));
    return b->literal_kind == LITERAL_STRING ? sql_put_name(w, b->text) : sql_put_literal(w, b);
}

static fn_status put_call(sql_printer *w, const ast_expr *e)
{
    FN_TRY(sql_put_name(w, e->text));
    if (e->distinct) FN_TRY(sql_put(w, "Distinct"));
    if (e->filter) FN_TRY(sql_put(w, "If"));
    if (e->params.count) FN_TRY(put_bracketed(w, "(", &e->params, ")"));
    FN_TRY(sql_put(w, "("));
    FN_TRY(sql_put_exprs(w, &e->args));
    if (e->filter) {
        if (e->args.count) FN_TRY(sql_put(w, ", "));
        FN_TRY(sql_put_expr(w, e->filter, false));
    }
    FN_TRY(sql_put(w, ")"));
    if (e->nulls_ignore) FN_TRY(sql_put(w, " IGNORE NULLS"));
    if (e->nulls_respect) FN_TRY(sql_put(w, " RESPECT NULLS"));
    if (!e->over) return FN_OK;
    FN_TRY(sql_put(w, " OVER "));
    return sql_put_window(w, e->over);
}

/* *parens: it is an operator, and wants parentheses as an operand. */
static bool is_operator(const ast_expr *e)
{
    if (e->kind != AST_FUNCTION || !e->is_operator) return false;
    if (fn_str_eq(e->text, FN_STR("arrayElement"))) return true;
    if (fn_str_eq(e->text, FN_STR("tupleElement"))) return true;
    return fn_str_eq(e->text, FN_STR("not")) || fn_str_eq(e->text, FN_STR("negate")) || sql_operator_of(e->text) != NULL;
}

static fn_status put_function(sql_printer *w, const ast_expr *e)
{
    if (e->is_operator && fn_str_eq(e->text, FN_STR("tuple")) && e->args.count > 1) return put_bracketed(w, "(", &e->args, ")");
    if (e->is_operator && fn_str_eq(e->text, FN_STR("array")) && e->args.count) return put_bracketed(w, "[", &e->args, "]");
    if (!is_operator(e)) return put_call(w, e);
    if (fn_str_eq(e->text, FN_STR("not")) || fn_str_eq(e->text, FN_STR("negate"))) {
        FN_TRY(sql_put(w, e->text.data[1] == 'o' ? "NOT " : "-"));
        const bool literal = e->text.data[1] == 'e' && e->args.items[0]->kind == AST_LITERAL && !e->args.items[0]->parenthesized;
        if (literal) FN_TRY(sql_put(w, "("));
        FN_TRY(sql_put_expr(w, e->args.items[0], true));
        return literal ? sql_put(w, ")") : FN_OK;
    }
    bool done = false;
    if (e->args.count == 2) FN_TRY(put_element(w, e, &done));
    return done ? FN_OK : put_operator(w, e, sql_operator_of(e->text));
}

static fn_status put_body(sql_printer *w, const ast_expr *e)
{
    switch (e->kind) {
    case AST_LITERAL:
        return sql_put_literal(w, e);
    case AST_IDENTIFIER:
        return put_parts(w, e);
    case AST_ASTERISK:
        return put_asterisk(w, e);
    case AST_FUNCTION:
        return put_function(w, e);
    case AST_LAMBDA:
        return put_lambda(w, e);
    case AST_SUBQUERY:
        return sql_put_subquery(w, e->subquery);
    case AST_PARAMETER:
        FN_TRY(sql_put(w, "{"));
        FN_TRY(fn_buf_str(w->ctx, w->out, e->text));
        FN_TRY(sql_put(w, ":"));
        FN_TRY(fn_buf_str(w->ctx, w->out, e->type_text));
        return sql_put(w, "}");
    case AST_TRANSFORMER:
        return put_transformer(w, e);
    case AST_INTERVAL_UNIT:
        break;
    }
    FN_IMPOSSIBLE("expression kind");
}

fn_status sql_put_expr(sql_printer *w, const ast_expr *e, bool operand)
{
    if (++w->depth > PRINT_DEPTH_MAX) return fn_fail(w->ctx, FN_TOO_DEEP_RECURSION, "Expression is nested too deeply to be printed");
    const bool own = e->kind == AST_SUBQUERY || e->kind == AST_LAMBDA || e->kind == AST_ASTERISK ||
                     (e->kind == AST_FUNCTION && e->is_operator && fn_str_eq(e->text, FN_STR("tuple")) && e->args.count > 1);
    const bool parens = (operand && (is_operator(e) || (e->alias.size && !own))) || (e->parenthesized && !own) || (operand && e->alias.size);
    if (parens) FN_TRY(sql_put(w, "("));
    FN_TRY(put_body(w, e));
    if (e->alias.size) {
        FN_TRY(sql_put(w, " AS "));
        FN_TRY(sql_put_name(w, e->alias));
    }
    w->depth--;
    return parens ? sql_put(w, ")") : FN_OK;
}

fn_status sql_print_expr(fn_ctx *ctx, const ast_expr *e, fn_buf *out)
{
    sql_printer w = {.ctx = ctx, .out = out};
    return sql_put_expr(&w, e, false);
}

fn_status sql_expr_text(fn_ctx *ctx, const ast_expr *e, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_print_expr(ctx, e, &text);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}
