/* bind.c - calls by name: argument counts, the default rules for Nullable, LowCardinality and constants, folding.
 *
 * The function's bind sees argument types without LowCardinality and (unless FUNC_OWN_NULLS) without Nullable; what it
 * sets as call->type is then made Nullable or LowCardinality again as ClickHouse does. When every argument is a constant
 * and the function is deterministic, the call is run once here and the node becomes EXPR_CONST.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"

fn_status expr_call(fn_ctx *ctx, const char *name, expr *const *args, uint32_t arg_count, expr **out)
{
    const func_def *def = func_find(fn_cstr(name));
    if (!def) {
        const char *other = func_suggest(fn_cstr(name));
        if (other) return fn_fail(ctx, FN_UNKNOWN_FUNCTION, "Function with name `%s` does not exist. Maybe you meant: ['%s']", name, other);
        return fn_fail(ctx, FN_UNKNOWN_FUNCTION, "Function with name `%s` does not exist", name);
    }
    return expr_call_def(ctx, def, args, arg_count, out);
}

static fn_status check_count(fn_ctx *ctx, const func_def *def, uint32_t count)
{
    if (count >= (uint32_t)def->args_min && (def->args_max < 0 || count <= (uint32_t)def->args_max)) return FN_OK;
    if (def->args_max < 0)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function %s doesn't match: passed %u, should be at least %d",
                       def->name, count, def->args_min);
    if (def->args_max != def->args_min)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function %s doesn't match: passed %u, should be from %d to %d",
                       def->name, count, def->args_min, def->args_max);
    return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function %s doesn't match: passed %u, should be %d", def->name,
                   count, def->args_min);
}

/* What the rules found out about the arguments. */
typedef struct seen_args {
    bool nullable, null_literal, all_const, low;
    uint32_t low_columns, other_columns; /* not constant */
} seen_args;

static fn_column *const_of(const expr *e)
{
    return e->kind == EXPR_CONST ? e->constant : NULL;
}

static bool lambda_is_closed(const expr_lambda *l)
{
    return l->capture_count == 0 && expr_is_deterministic(l->body);
}

/* A constant as the function sees it: without LowCardinality and Nullable. */
static fn_status strip_const(fn_ctx *ctx, fn_column *c, const fn_type *type, fn_column **out)
{
    *out = c;
    if (c->type == type || fn_column_is_null(c, 0)) return FN_OK;
    *out = fn_column_retype(ctx, c, type);
    FN_TRY_PTR(ctx, *out);
    return expr_hold(ctx, *out);
}

static fn_status look_at_args(fn_ctx *ctx, const func_def *def, expr *const *args, func_call *call, seen_args *seen)
{
    const uint32_t n = call->arg_count;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, n + 1);
    fn_column **consts = FN_NEW_ARRAY(ctx, fn_column *, n + 1);
    const expr_lambda **lambdas = FN_NEW_ARRAY(ctx, const expr_lambda *, n + 1);
    if (!types || !consts || !lambdas) return ctx->error.code;
    *seen = (seen_args){.all_const = true};
    for (uint32_t i = 0; i < n; i++) {
        const fn_type *t = def->flags & FUNC_OWN_NULLS ? args[i]->type : fn_type_value(args[i]->type); /* what takes NULLs gives types on as they are */
        if (args[i]->kind == EXPR_LAMBDA) {
            FN_TRY(expr_lambda_finish(ctx, args[i]->lambda));
            types[i] = t;
            lambdas[i] = args[i]->lambda;
            seen->all_const &= lambda_is_closed(args[i]->lambda);
            continue;
        }
        /* The right side of IN: a set known now is a constant; the call reaches its cell through data. */
        const bool is_set = args[i]->kind == EXPR_CELL && args[i]->cell->is_set;
        const bool constant = args[i]->kind == EXPR_CONST || (is_set && !args[i]->cell->plan);
        if (is_set) call->data = args[i]->cell;
        seen->all_const &= constant;
        if (t->id == FN_T_LOW_CARDINALITY) {
            seen->low = true;
            if (!constant) seen->low_columns++;
            if (!(def->flags & FUNC_OWN_LOW_CARDINALITY)) t = t->args[0];
        } else if (!constant && !is_set) {
            seen->other_columns++;
        }
        if (!(def->flags & FUNC_OWN_NULLS)) {
            if (fn_type_base(t)->id == FN_T_NOTHING) seen->null_literal |= fn_type_is_nullable(t);
            seen->nullable |= fn_type_is_nullable(t);
            t = fn_type_strip_nullable(t);
        }
        types[i] = t;
        consts[i] = const_of(args[i]);
        if (consts[i]) FN_TRY(strip_const(ctx, consts[i], t, &consts[i]));
    }
    call->arg_types = types;
    call->consts = consts;
    call->lambdas = lambdas;
    return FN_OK;
}

static bool can_be_low_cardinality(const fn_type *t)
{
    t = fn_type_strip_nullable(t);
    return fn_type_is_string(t) || fn_type_is_integer(t) || fn_type_is_float(t) || t->id == FN_T_BOOL || t->id == FN_T_DATE ||
           t->id == FN_T_DATE32 || t->id == FN_T_DATETIME || t->id == FN_T_UUID || t->id == FN_T_IPV4 || t->id == FN_T_IPV6;
}

static const fn_type *result_type(const func_def *def, const seen_args *seen, const fn_type *type)
{
    if (seen->nullable && fn_type_can_be_nullable(type)) type = fn_type_nullable(type);
    if (seen->low && seen->low_columns <= 1 && seen->other_columns == 0 && !(def->flags & FUNC_NO_LOW_CARDINALITY) &&
        type->id != FN_T_LOW_CARDINALITY && can_be_low_cardinality(type))
        type = fn_type_low_cardinality(type);
    return type;
}

static fn_status null_constant(fn_ctx *ctx, expr **out)
{
    *out = expr_const(ctx, fn_column_null(ctx, fn_type_nullable(fn_type_simple(FN_T_NOTHING)), 1));
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

fn_status expr_call_def(fn_ctx *ctx, const func_def *def, expr *const *args, uint32_t arg_count, expr **out)
{
    FN_TRY(check_count(ctx, def, arg_count));
    seen_args seen = {0};
    func_call *call = FN_NEW(ctx, func_call);
    expr *e = expr_new(ctx, EXPR_CALL, NULL);
    if (!call || !e) return ctx->error.code;
    call->def = def;
    call->arg_count = arg_count;
    FN_TRY(look_at_args(ctx, def, args, call, &seen));
    if (seen.null_literal) return null_constant(ctx, out);
    FN_TRY(def->bind(ctx, call));
    FN_ASSERT(call->type != NULL);
    e->type = result_type(def, &seen, call->type);
    e->call = call;
    e->arg_count = arg_count;
    e->args = FN_NEW_ARRAY(ctx, expr *, arg_count + 1);
    FN_TRY_PTR(ctx, e->args);
    if (arg_count) memcpy(e->args, args, arg_count * sizeof *args);
    *out = e;
    if (!seen.all_const || (def->flags & FUNC_NONDETERMINISTIC)) return FN_OK;
    fn_column *value;
    FN_TRY(expr_fold(ctx, e, &value));
    *out = expr_const(ctx, value);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
