/* bind_expr.c - one syntax node to one bound expression; conditions; constants that clauses need (LIMIT, frames, FILL).
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

static fn_status dispatch(binder *b, scope *s, const ast_expr *e, expr **out)
{
    switch (e->kind) {
    case AST_LITERAL: return bind_literal(b, e, out);
    case AST_IDENTIFIER: return bind_identifier(b, s, e, out);
    case AST_FUNCTION: return bind_function(b, s, e, out);
    case AST_SUBQUERY: return bind_scalar_subquery(b, s, e->subquery, out);
    case AST_PARAMETER:
        if (fn_str_eq(e->type_text, FN_STR("Identifier"))) {
            fn_str name;
            FN_TRY(bind_parameter_name(b, e, &name));
            const ast_expr identifier = {.kind = AST_IDENTIFIER, .parts = &name, .part_count = 1};
            return bind_identifier(b, s, &identifier, out);
        }
        return bind_parameter(b, e, out);
    case AST_ASTERISK: return fn_fail(b->ctx, FN_UNSUPPORTED_METHOD, "An asterisk is only allowed in the list of columns and as an argument");
    case AST_LAMBDA: return fn_fail(b->ctx, FN_UNSUPPORTED_METHOD, "Unsupported lambda expression: it is only allowed as an argument of a function");
    case AST_INTERVAL_UNIT:
    case AST_TRANSFORMER: break;
    }
    return fn_fail(b->ctx, FN_LOGICAL_ERROR, "Unexpected syntax node in an expression");
}

fn_status bind_count(binder *b, uint32_t nodes)
{
    enum { EXPANDED_MAX = 500000 };
    b->expanded = nodes > EXPANDED_MAX ? UINT32_MAX : b->expanded + nodes;
    if (b->expanded > EXPANDED_MAX) return fn_fail(b->ctx, FN_TOO_BIG_AST, "AST is too big after expansion of aliases. Maximum: %d", EXPANDED_MAX);
    return FN_OK;
}

fn_status bind_expr(binder *b, scope *s, const ast_expr *e, expr **out)
{
    if (b->depth >= BIND_DEPTH_MAX)
        return fn_fail(b->ctx, FN_TOO_DEEP_RECURSION, "Too deep recursion in the expressions of the query: more than %d levels", BIND_DEPTH_MAX);
    const uint64_t deepest = settings_of(b->ctx)->max_ast_depth; /* a call and its list of arguments are two levels, a query is four */
    if (deepest && 2 * (uint64_t)b->depth + 5 > deepest && deepest < 1000) return fn_fail(b->ctx, FN_TOO_DEEP_AST, "AST is too deep. Maximum: %llu", (unsigned long long)deepest);
    bool done = false;
    FN_TRY(bind_count(b, 1));
    b->depth++;
    fn_status status = e->alias.size ? bind_aliased(b, s, e, &done, out) : FN_OK;
    if (status == FN_OK && !done) status = dispatch(b, s, e, out);
    b->depth--;
    return status;
}

static bool is_condition_type(const fn_type *t)
{
    t = fn_type_base(t);
    return t->id == FN_T_NOTHING || fn_type_is_integer(t) || t->id == FN_T_BOOL || fn_type_is_float(t);
}

fn_status bind_condition(binder *b, scope *s, const ast_expr *e, const char *clause, expr **out)
{
    FN_TRY(bind_expr(b, s, e, out));
    if (is_condition_type((*out)->type)) return FN_OK;
    return fn_fail(b->ctx, FN_ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, "Invalid type for filter in %s: %s", clause, (*out)->type->name);
}

fn_status bind_constant(binder *b, scope *s, const ast_expr *e, const char *what, fn_column **out)
{
    expr *value;
    FN_TRY(bind_expr(b, s, e, &value));
    if (value->kind != EXPR_CONST) return fn_fail(b->ctx, FN_INVALID_LIMIT_EXPRESSION, "The %s expression must be a constant", what);
    *out = value->constant;
    return FN_OK;
}
