/* bind_call.c - calls: special forms (a table), lambda aliases, aggregates and window functions, plain and higher-order functions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/absent.h"
#include "plan/bind.h"

/* ---- plain functions ---- */

static fn_status unknown_function(binder *b, const scope *s, fn_str name)
{
    fn_str text;
    FN_TRY(bind_scope_text(b, s, &text));
    if (func_is_absent(name)) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Function " FN_STR_FMT " is not supported", FN_STR_ARG(name));
    const char *near = func_suggest(name);
    char *maybe = near ? fn_arena_printf(b->ctx, b->ctx->arena, ". Maybe you meant: ['%s']", near) : NULL;
    return fn_fail(b->ctx, FN_UNKNOWN_FUNCTION, "Function with name `" FN_STR_FMT "` does not exist%s%s" FN_STR_FMT, FN_STR_ARG(name), maybe ? maybe : "",
                   text.size ? ". In scope " : "", FN_STR_ARG(text));
}

/* untuple(t) stands for the elements of t. */
static fn_status append_untuple(binder *b, scope *s, const ast_expr *e, expr ***out, uint32_t *count)
{
    expr *tuple;
    if (e->args.count != 1) return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function untuple must have 1 argument");
    FN_TRY(bind_expr(b, s, e->args.items[0], &tuple));
    if (tuple->type->id != FN_T_TUPLE) return fn_fail(b->ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Function untuple expect tuple as argument, got %s", tuple->type->name);
    for (uint32_t i = 0; i < tuple->type->arg_count; i++) {
        expr *args[2] = {tuple, expr_const_u64(b->ctx, i + 1)};
        FN_TRY_PTR(b->ctx, args[1]);
        expr **slot = plan_grow(b->ctx, out, count, sizeof *slot);
        FN_TRY_PTR(b->ctx, slot);
        FN_TRY(expr_call(b->ctx, "tupleElement", args, 2, slot));
    }
    return FN_OK;
}

fn_status bind_arguments(binder *b, scope *s, const ast_list *list, expr ***out, uint32_t *count)
{
    *out = NULL;
    *count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const ast_expr *e = list->items[i];
        if (e->kind == AST_ASTERISK) {
            select_item *items = NULL;
            uint32_t n = 0;
            FN_TRY(bind_star(b, s, e, &items, &n));
            for (uint32_t k = 0; k < n; k++) {
                expr **slot = plan_grow(b->ctx, out, count, sizeof *slot);
                FN_TRY_PTR(b->ctx, slot);
                *slot = items[k].value;
            }
            continue;
        }
        if (e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("untuple"))) {
            FN_TRY(append_untuple(b, s, e, out, count));
            continue;
        }
        expr *value;
        FN_TRY(bind_expr(b, s, e, &value));
        expr **slot = plan_grow(b->ctx, out, count, sizeof *slot);
        FN_TRY_PTR(b->ctx, slot);
        *slot = value;
    }
    return FN_OK;
}

/* ---- lambdas ---- */

/* Ids of parameters follow from the depth of nesting, so that lambdas written alike are equal expressions. */
static fn_status bind_lambda(binder *b, scope *s, const ast_expr *e, const fn_type *const *types, uint32_t count, expr **out)
{
    enum { PARAMS_MAX = 256 };
    if (count > PARAMS_MAX) return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "A lambda takes at most %d parameters", PARAMS_MAX);
    expr *n = FN_NEW(b->ctx, expr);
    expr_lambda *l = FN_NEW(b->ctx, expr_lambda);
    column_id *params = FN_NEW_ARRAY(b->ctx, column_id, count + 1);
    local *names = FN_NEW_ARRAY(b->ctx, local, count + 1);
    if (!n || !l || !params || !names) return b->ctx->error.code;
    const local *outer = s->locals;
    for (uint32_t i = 0; i < count; i++) {
        params[i] = BIND_LAMBDA_ID + s->lambda_depth * PARAMS_MAX + i;
        names[i] = (local){e->args.items[i]->parts[0], expr_column(b->ctx, params[i], types[i]), s->locals};
        FN_TRY_PTR(b->ctx, names[i].value);
        s->locals = &names[i];
    }
    s->lambda_depth++;
    const fn_status status = bind_expr(b, s, e->args2.items[0], &l->body);
    s->lambda_depth--;
    s->locals = outer;
    if (status != FN_OK) return status;
    l->param_count = count;
    l->params = params;
    l->param_types = types;
    n->kind = EXPR_LAMBDA;
    n->type = fn_type_simple(FN_T_FUNCTION);
    n->lambda = l;
    *out = n;
    return FN_OK;
}

/* A call of `WITH x -> ... AS f`: the body with the parameters' values in their place. */
static fn_status call_lambda_alias(binder *b, scope *s, const ast_expr *lambda, const ast_expr *call, expr **out)
{
    if (call->args.count != lambda->args.count)
        return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function " FN_STR_FMT " expects %u arguments, %u were passed", FN_STR_ARG(call->text),
                       lambda->args.count, call->args.count);
    local *names = FN_NEW_ARRAY(b->ctx, local, call->args.count + 1);
    FN_TRY_PTR(b->ctx, names);
    const local *outer = s->locals, *inner = s->locals;
    for (uint32_t i = 0; i < call->args.count; i++) {
        names[i].name = lambda->args.items[i]->parts[0];
        FN_TRY(bind_expr(b, s, call->args.items[i], &names[i].value));
        names[i].outer = inner;
        inner = &names[i];
    }
    s->locals = inner;
    const fn_status status = bind_expr(b, s, lambda->args2.items[0], out);
    s->locals = outer;
    return status;
}

/* arrayMap(plus, a, b): a function by its name stands for (x, y) -> plus(x, y). */
static fn_status lambda_of_name(binder *b, fn_str name, uint32_t count, const ast_expr **out)
{
    ast_expr *l = FN_NEW(b->ctx, ast_expr), *call = FN_NEW(b->ctx, ast_expr), *params = FN_NEW_ARRAY(b->ctx, ast_expr, count + 1);
    ast_expr **list = FN_NEW_ARRAY(b->ctx, ast_expr *, count + 1), **body = FN_NEW(b->ctx, ast_expr *);
    fn_str *names = FN_NEW_ARRAY(b->ctx, fn_str, count + 1);
    if (!l || !call || !params || !list || !body || !names) return b->ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        char *text = fn_arena_printf(b->ctx, b->ctx->arena, "__argument_%u", i);
        FN_TRY_PTR(b->ctx, text);
        names[i] = fn_cstr(text);
        params[i] = (ast_expr){.kind = AST_IDENTIFIER, .parts = &names[i], .part_count = 1};
        list[i] = &params[i];
    }
    *call = (ast_expr){.kind = AST_FUNCTION, .text = name, .args = {list, count}};
    body[0] = call;
    *l = (ast_expr){.kind = AST_LAMBDA, .args = {list, count}, .args2 = {body, 1}};
    *out = l;
    return FN_OK;
}

/* The lambda that argument e is, in whatever form; NULL if it is an ordinary value. */
static fn_status as_lambda(binder *b, scope *s, const func_def *def, const ast_expr *e, uint32_t index, uint32_t args, const ast_expr **out)
{
    *out = e->kind == AST_LAMBDA ? e : NULL;
    if (*out || !def->lambda || e->kind != AST_IDENTIFIER || e->part_count != 1) return FN_OK;
    *out = bind_find_lambda(s, e->parts[0]);
    if (*out || index != 0 || !func_find(e->parts[0]) || args < 2) return FN_OK;
    expr *value;
    FN_TRY(bind_lookup(b, s, e->parts, 1, &value));
    return value ? FN_OK : lambda_of_name(b, e->parts[0], args - 1, out);
}

static const fn_type *seen_type(const func_def *def, const fn_type *t)
{
    t = fn_type_strip_low_cardinality(t);
    return def->flags & FUNC_OWN_NULLS ? t : fn_type_strip_nullable(t);
}

static fn_status call_higher_order(binder *b, scope *s, const func_def *def, const ast_expr *e, const ast_expr **lambdas, expr **out)
{
    const uint32_t n = e->args.count;
    expr **args = FN_NEW_ARRAY(b->ctx, expr *, n + 1);
    const fn_type **types = FN_NEW_ARRAY(b->ctx, const fn_type *, n + 1);
    fn_column **consts = FN_NEW_ARRAY(b->ctx, fn_column *, n + 1);
    const expr_lambda **bound = FN_NEW_ARRAY(b->ctx, const expr_lambda *, n + 1);
    if (!args || !types || !consts || !bound) return b->ctx->error.code;
    for (uint32_t i = 0; i < n; i++) {
        types[i] = fn_type_simple(FN_T_FUNCTION);
        if (lambdas[i]) continue;
        FN_TRY(bind_expr(b, s, e->args.items[i], &args[i]));
        types[i] = seen_type(def, args[i]->type);
        consts[i] = args[i]->kind == EXPR_CONST ? args[i]->constant : NULL;
    }
    const func_call call = {.def = def, .arg_count = n, .arg_types = types, .consts = consts, .lambdas = bound};
    for (uint32_t i = 0; i < n; i++) {
        if (!lambdas[i]) continue;
        const uint32_t count = lambdas[i]->args.count;
        const fn_type **params = FN_NEW_ARRAY(b->ctx, const fn_type *, count + 1);
        FN_TRY_PTR(b->ctx, params);
        FN_TRY(def->lambda(b->ctx, &call, i, params, count));
        FN_TRY(bind_lambda(b, s, lambdas[i], params, count, &args[i]));
        bound[i] = args[i]->lambda;
    }
    return expr_call_def(b->ctx, def, args, n, out);
}

static fn_status call_function(binder *b, scope *s, const func_def *def, const ast_expr *e, expr **out)
{
    const ast_expr **lambdas = FN_NEW_ARRAY(b->ctx, const ast_expr *, e->args.count + 1);
    FN_TRY_PTR(b->ctx, lambdas);
    bool any = false;
    for (uint32_t i = 0; i < e->args.count; i++) {
        FN_TRY(as_lambda(b, s, def, e->args.items[i], i, e->args.count, &lambdas[i]));
        any |= lambdas[i] != NULL;
    }
    if (any && !def->lambda) return fn_fail(b->ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Function %s does not take lambdas as arguments", def->name);
    if (any) return call_higher_order(b, s, def, e, lambdas, out);
    expr **args;
    uint32_t count;
    FN_TRY(bind_arguments(b, s, &e->args, &args, &count));
    return expr_call_def(b->ctx, def, args, count, out);
}

/* ---- special forms ---- */

static fn_status form_exists(binder *b, scope *s, const ast_expr *e, expr **out)
{
    if (e->args.count != 1 || e->args.items[0]->kind != AST_SUBQUERY)
        return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function exists takes one subquery");
    return bind_exists(b, s, e->args.items[0]->subquery, out);
}

static const fn_type *element_type(const fn_type *t)
{
    t = fn_type_base(t);
    return t->id == FN_T_ARRAY || t->id == FN_T_MAP ? t->items : NULL;
}

/* arrayJoin(a) multiplies rows: a node below the stage that uses it; equal calls are one. */
static fn_status form_array_join(binder *b, scope *s, const ast_expr *e, expr **out)
{
    expr **args;
    uint32_t count;
    FN_TRY(bind_arguments(b, s, &e->args, &args, &count));
    if (count != 1) return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function arrayJoin takes one argument, %u were passed", count);
    const fn_type *type = element_type(args[0]->type);
    if (!type) return fn_fail(b->ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument for function arrayJoin must be Array or Map");
    if (s->lambda_depth) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "arrayJoin inside a lambda is not supported");
    if (s->in_aggregate && s->has_keys && s->no_aggregates) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "arrayJoin in this place is not supported");
    for (uint32_t i = 0; i < s->array_join_count; i++)
        if (expr_equal(s->array_joins[i].array, args[0])) {
            *out = expr_column(b->ctx, s->array_joins[i].id, type);
            FN_TRY_PTR(b->ctx, *out);
            return FN_OK;
        }
    pending_array_join *p = plan_grow(b->ctx, &s->array_joins, &s->array_join_count, sizeof *p);
    FN_TRY_PTR(b->ctx, p);
    p->array = args[0];
    FN_TRY(bind_late_id(b, s, &p->id));
    *out = expr_column(b->ctx, p->id, type);
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

/* CASE x WHEN a THEN b ... ELSE z END: multiIf(x = a, b, ..., z); NULL is equal to NULL here. */
static fn_status form_case(binder *b, scope *s, const ast_expr *e, expr **out)
{
    expr **args;
    uint32_t count, n = 0;
    FN_TRY(bind_arguments(b, s, &e->args, &args, &count));
    if (count < 4 || count % 2) return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function caseWithExpression takes a value, pairs and a default");
    expr **parts = FN_NEW_ARRAY(b->ctx, expr *, count + 1);
    FN_TRY_PTR(b->ctx, parts);
    for (uint32_t i = 1; i + 1 < count; i += 2) {
        expr *pair[2] = {args[0], args[i]};
        const bool nulls = fn_type_is_nullable(pair[0]->type) && fn_type_is_nullable(pair[1]->type);
        FN_TRY(expr_call(b->ctx, nulls ? "isNotDistinctFrom" : "equals", pair, 2, &parts[n++]));
        parts[n++] = args[i + 1];
    }
    parts[n++] = args[count - 1];
    return expr_call(b->ctx, "multiIf", parts, n, out);
}

typedef fn_status form_binder(binder *b, scope *s, const ast_expr *e, expr **out);
static const struct {
    const char *name;
    form_binder *bind;
} forms[] = {
    {"in", bind_in},         {"notIn", bind_in},        {"globalIn", bind_in},         {"globalNotIn", bind_in},         {"nullIn", bind_in},
    {"notNullIn", bind_in},  {"globalNullIn", bind_in}, {"globalNotNullIn", bind_in},  {"exists", form_exists},          {"arrayJoin", form_array_join},
    {"grouping", bind_grouping}, {"caseWithExpression", form_case},
    {"joinGet", bind_join_get},  {"joinGetOrNull", bind_join_get},
};

fn_status bind_function(binder *b, scope *s, const ast_expr *e, expr **out)
{
    if (e->over) return bind_window_function(b, s, e, out);
    for (size_t i = 0; i < FN_COUNT(forms); i++)
        if (fn_str_eq(e->text, fn_cstr(forms[i].name))) return forms[i].bind(b, s, e, out);
    const ast_expr *lambda = bind_find_lambda(s, e->text);
    if (lambda) return call_lambda_alias(b, s, lambda, e, out);
    const func_def *def = func_find(e->text);
    if (def && !e->distinct && !e->filter && !e->params.count) return call_function(b, s, def, e, out);
    fn_str base = e->text;
    if (fn_str_ends(base, FN_STR("Distinct"))) base.size -= 8;
    if (agg_is_name(e->text) || agg_is_name(base)) return bind_aggregate(b, s, e, out);
    return unknown_function(b, s, e->text);
}
