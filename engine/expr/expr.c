/* expr.c - expression nodes: making, walking, comparing, replacing columns, printing.
 * Nodes live in ctx->arena and are read-only once made. A constant's column is referenced by its node for as long as the
 * arena lives.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"

expr *expr_new(fn_ctx *ctx, expr_kind kind, const fn_type *type)
{
    expr *e = FN_NEW(ctx, expr);
    if (!e) return NULL;
    e->kind = kind;
    e->type = type;
    return e;
}

expr *expr_column(fn_ctx *ctx, column_id id, const fn_type *type)
{
    expr *e = expr_new(ctx, EXPR_COLUMN, type);
    if (e) e->column = id;
    return e;
}

static void drop_held(void *c)
{
    fn_column_drop(c);
}

fn_status expr_hold(fn_ctx *ctx, fn_column *c_take)
{
    return fn_arena_defer(ctx, ctx->arena, drop_held, c_take);
}

expr *expr_const(fn_ctx *ctx, fn_column *value_take)
{
    if (!value_take || expr_hold(ctx, value_take) != FN_OK) return NULL;
    expr *e = expr_new(ctx, EXPR_CONST, value_take->type);
    if (e) e->constant = value_take;
    return e;
}

expr *expr_const_u64(fn_ctx *ctx, uint64_t value)
{
    const fn_type_id id = value <= UINT8_MAX ? FN_T_UINT8 : value <= UINT16_MAX ? FN_T_UINT16 : value <= UINT32_MAX ? FN_T_UINT32 : FN_T_UINT64;
    return expr_const(ctx, fn_column_const_u64(ctx, fn_type_simple(id), value, 1));
}

fn_status expr_cast(fn_ctx *ctx, expr *e, const fn_type *type, expr **out)
{
    if (e->type == type) {
        *out = e;
        return FN_OK;
    }
    expr *args[2] = {e, expr_const(ctx, fn_column_const_str(ctx, fn_type_simple(FN_T_STRING), fn_cstr(type->name), 1))};
    FN_TRY_PTR(ctx, args[1]);
    return expr_call(ctx, "_CAST", args, 2, out);
}

fn_status expr_and(fn_ctx *ctx, expr *a, expr *b, expr **out)
{
    expr *args[2] = {a, b};
    if (a && b) return expr_call(ctx, "and", args, 2, out);
    *out = a ? a : b;
    return FN_OK;
}

fn_status expr_walk(fn_ctx *ctx, expr *e, expr_visit_fn *visit, void *self)
{
    FN_TRY(visit(self, ctx, e));
    for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(expr_walk(ctx, e->args[i], visit, self));
    return e->kind == EXPR_LAMBDA ? expr_walk(ctx, e->lambda->body, visit, self) : FN_OK;
}

/* 0 and -0 are equal as values but not as constants. */
static bool same_constant(const fn_column *a, const fn_column *b)
{
    if (!fn_column_equal_at(a, 0, b, 0)) return false;
    if (!fn_type_is_float(fn_type_base(a->type)) || fn_column_is_null(a, 0)) return true;
    return memcmp(fn_column_fixed_at(a, 0), fn_column_fixed_at(b, 0), a->type->width) == 0;
}

/* IN over lists that are written out: their sets are there from the beginning. */
static bool same_list(const expr_cell *a, const expr_cell *b)
{
    return a->is_set && b->is_set && !a->plan && !b->plan && a->set && b->set && expr_set_equal(a->set, b->set);
}

bool expr_equal(const expr *a, const expr *b)
{
    if (a == b) return true;
    if (a->kind != b->kind || a->type != b->type || a->arg_count != b->arg_count) return false;
    switch (a->kind) {
    case EXPR_COLUMN: return a->column == b->column;
    case EXPR_CONST: return a->constant == b->constant || same_constant(a->constant, b->constant);
    case EXPR_CELL: return a->cell == b->cell || same_list(a->cell, b->cell);
    case EXPR_LAMBDA:
        if (a->lambda->param_count != b->lambda->param_count) return false;
        for (uint32_t i = 0; i < a->lambda->param_count; i++)
            if (a->lambda->params[i] != b->lambda->params[i]) return false;
        return expr_equal(a->lambda->body, b->lambda->body);
    case EXPR_CALL: break;
    }
    if (a->call->def != b->call->def || (a->call->def->flags & FUNC_NONDETERMINISTIC)) return false;
    for (uint32_t i = 0; i < a->arg_count; i++)
        if (!expr_equal(a->args[i], b->args[i])) return false;
    return true;
}

bool expr_is_deterministic(const expr *e)
{
    if (e->kind == EXPR_CALL && (e->call->def->flags & FUNC_NONDETERMINISTIC)) return false;
    if (e->kind == EXPR_LAMBDA) return expr_is_deterministic(e->lambda->body);
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (!expr_is_deterministic(e->args[i])) return false;
    return true;
}

static fn_status add_id(fn_ctx *ctx, fn_buf *ids, column_id id)
{
    const size_t n = ids->size / sizeof id;
    for (size_t i = 0; i < n; i++)
        if (fn_load_u32(ids->data + i * sizeof id) == id) return FN_OK;
    return fn_buf_append(ctx, ids, &id, sizeof id);
}

fn_status expr_columns(fn_ctx *ctx, const expr *e, fn_buf *ids)
{
    if (e->kind == EXPR_COLUMN) return add_id(ctx, ids, e->column);
    if (e->kind == EXPR_LAMBDA) {
        const expr_lambda *l = e->lambda;
        fn_buf inner = FN_BUF_INIT;
        fn_status status = expr_columns(ctx, l->body, &inner);
        for (size_t i = 0; status == FN_OK && i < inner.size / sizeof(column_id); i++) {
            const column_id id = fn_load_u32(inner.data + i * sizeof id);
            bool own = false;
            for (uint32_t p = 0; p < l->param_count; p++) own |= l->params[p] == id;
            if (!own) status = add_id(ctx, ids, id);
        }
        fn_buf_release(&inner);
        return status;
    }
    for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(expr_columns(ctx, e->args[i], ids));
    return FN_OK;
}

/* A lambda whose body has been replaced: captures and program are made anew. */
static fn_status replace_lambda(fn_ctx *ctx, const expr *e, expr_map_fn *map, void *self, expr **out)
{
    expr *n = expr_new(ctx, EXPR_LAMBDA, e->type);
    FN_TRY_PTR(ctx, n);
    n->lambda = FN_NEW(ctx, expr_lambda);
    FN_TRY_PTR(ctx, n->lambda);
    *n->lambda = (expr_lambda){.param_count = e->lambda->param_count, .params = e->lambda->params, .param_types = e->lambda->param_types};
    FN_TRY(expr_replace(ctx, e->lambda->body, map, self, &n->lambda->body));
    FN_TRY(expr_lambda_finish(ctx, n->lambda));
    *out = n;
    return FN_OK;
}

fn_status expr_replace(fn_ctx *ctx, const expr *e, expr_map_fn *map, void *self, expr **out)
{
    expr *same = (expr *)(uintptr_t)e; /* nodes are shared, never changed */
    if (e->kind == EXPR_LAMBDA) return replace_lambda(ctx, e, map, self, out);
    if (e->kind == EXPR_COLUMN) {
        expr *other = map(self, e->column);
        *out = other ? other : same;
        return FN_OK;
    }
    if (e->kind != EXPR_CALL) {
        *out = same;
        return FN_OK;
    }
    expr **args = FN_NEW_ARRAY(ctx, expr *, e->arg_count + 1);
    FN_TRY_PTR(ctx, args);
    bool changed = false, retyped = false;
    for (uint32_t i = 0; i < e->arg_count; i++) {
        FN_TRY(expr_replace(ctx, e->args[i], map, self, &args[i]));
        changed |= args[i] != e->args[i];
        retyped |= args[i]->type != e->args[i]->type || args[i]->kind == EXPR_CONST;
    }
    if (!changed) {
        *out = same;
        return FN_OK;
    }
    expr *bound;
    FN_TRY(expr_call_def(ctx, e->call->def, args, e->arg_count, &bound));
    if (retyped && bound->type != e->type) FN_TRY(expr_cast(ctx, bound, e->type, &bound));
    *out = bound;
    return FN_OK;
}

static fn_status text_lambda(fn_ctx *ctx, const expr_lambda *l, fn_buf *out)
{
    FN_TRY(fn_buf_byte(ctx, out, '('));
    for (uint32_t i = 0; i < l->param_count; i++) FN_TRY(fn_buf_printf(ctx, out, "%s_%u", i ? ", " : "", l->params[i]));
    FN_TRY(fn_buf_cstr(ctx, out, ") -> "));
    return expr_text(ctx, l->body, out);
}

fn_status expr_text(fn_ctx *ctx, const expr *e, fn_buf *out)
{
    fn_text_options options;
    fn_text_options_default(&options);
    switch (e->kind) {
    case EXPR_COLUMN: return fn_buf_printf(ctx, out, "_%u", e->column);
    case EXPR_CONST: return fn_text_write(ctx, e->constant, 0, FN_TEXT_QUOTED, &options, out);
    case EXPR_CELL: return fn_buf_cstr(ctx, out, e->cell->is_set ? "_set" : "_subquery");
    case EXPR_LAMBDA: return text_lambda(ctx, e->lambda, out);
    case EXPR_CALL: break;
    }
    FN_TRY(fn_buf_printf(ctx, out, "%s(", e->call->def->name));
    for (uint32_t i = 0; i < e->arg_count; i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(expr_text(ctx, e->args[i], out));
    }
    return fn_buf_byte(ctx, out, ')');
}
