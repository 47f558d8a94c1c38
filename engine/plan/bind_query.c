/* bind_query.c - the door of the binder: statements, queries with their settings and nesting, cells, what must be given back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"
#include "plan/rule.h"

static fn_status bind_with_settings(binder *b, scope *s, const ast_select *ast, plan **out)
{
    const fn_settings *outer = settings_of(b->ctx);
    if (!ast->setting_count) return bind_select(b, s, ast, out);
    fn_settings *own = FN_NEW(b->ctx, fn_settings);
    FN_TRY_PTR(b->ctx, own);
    FN_TRY(settings_copy(b->ctx, outer, own));
    for (uint32_t i = 0; i < ast->setting_count; i++) {
        const ast_setting *given = &ast->settings[i];
        if (given->is_default) {
            FN_TRY(settings_reset(b->ctx, own, given->name));
            continue;
        }
        expr *value = NULL;
        fn_buf text = FN_BUF_INIT;
        fn_text_options options;
        fn_text_options_default(&options);
        if (given->value) FN_TRY(bind_expr(b, s, given->value, &value));
        fn_status status = FN_OK;
        if (value && value->kind == EXPR_CONST) status = fn_text_write(b->ctx, value->constant, 0, FN_TEXT_PLAIN, &options, &text);
        if (status == FN_OK) status = settings_set(b->ctx, own, given->name, value ? fn_buf_view(&text) : FN_STR("1"));
        fn_buf_release(&text);
        FN_TRY(status);
    }
    const struct fn_settings *before = b->ctx->settings;
    FN_TRY(settings_check(b->ctx, own));
    b->ctx->settings = own;
    const fn_status status = bind_select(b, s, ast, out);
    b->ctx->settings = before;
    return status;
}

fn_status bind_query(binder *b, scope *parent, bool hide_parent_columns, const ast_query *q, plan **out, scope **inner)
{
    const uint64_t given = settings_of(b->ctx)->max_subquery_depth, deepest = given ? FN_MIN(given, (uint64_t)BIND_SUBQUERY_DEPTH_MAX) : BIND_SUBQUERY_DEPTH_MAX;
    if (b->query_depth > deepest) return fn_fail(b->ctx, FN_TOO_DEEP_SUBQUERIES, "Too deep subqueries. Maximum: %llu", (unsigned long long)deepest);
    b->query_depth++;
    fn_status status;
    if (q->op == SET_NONE) {
        *inner = bind_scope_new(b, parent, q->select);
        if (*inner) {
            (*inner)->hide_parent_columns = hide_parent_columns;
            status = bind_with_settings(b, *inner, q->select, out);
        } else {
            status = b->ctx->error.code;
        }
    } else {
        status = bind_set_operation(b, parent, hide_parent_columns, q, out, inner);
    }
    b->query_depth--;
    return status;
}

fn_status bind_add_cell(binder *b, plan *p, bool is_set, bool is_exists, const fn_type *type, expr **out)
{
    expr_cell *cell = FN_NEW(b->ctx, expr_cell);
    expr *e = FN_NEW(b->ctx, expr);
    if (!cell || !e) return b->ctx->error.code;
    *cell = (expr_cell){.type = type, .plan = p, .is_set = is_set, .is_exists = is_exists};
    *e = (expr){.kind = EXPR_CELL, .type = type, .cell = cell};
    expr_cell **slot = plan_grow(b->ctx, &b->query->cells, &b->query->cell_count, sizeof *slot);
    FN_TRY_PTR(b->ctx, slot);
    *slot = cell;
    *out = e;
    return FN_OK;
}

/* The settings `limit` and `offset` cut the result of the whole statement. */
static fn_status limit_by_settings(binder *b, plan **p)
{
    const fn_settings *s = settings_of(b->ctx);
    if (!s->limit && !s->offset) return FN_OK;
    plan *n = plan_over(b->ctx, PLAN_LIMIT, *p);
    FN_TRY_PTR(b->ctx, n);
    n->limit.limit = s->limit ? s->limit : UINT64_MAX;
    n->limit.offset = s->offset;
    *p = n;
    return FN_OK;
}

static fn_status result_schema(fn_ctx *ctx, plan_query *q)
{
    q->schema.count = q->root->column_count;
    q->schema.fields = FN_NEW_ARRAY(ctx, fn_field, q->root->column_count + 1);
    FN_TRY_PTR(ctx, q->schema.fields);
    for (uint32_t i = 0; i < q->root->column_count; i++) {
        const fn_type *t = q->root->columns[i].type;
        if (t->id == FN_T_FUNCTION || t->id == FN_T_SET) return fn_fail(ctx, FN_UNSUPPORTED_METHOD, "A column of the result cannot be of type %s", t->name);
        q->schema.fields[i] = (fn_field){q->root->columns[i].name, t};
    }
    return FN_OK;
}

static fn_status bind_statement(binder *b, const ast_query *ast)
{
    scope *inner;
    FN_TRY(bind_query(b, NULL, false, ast, &b->query->root, &inner));
    FN_TRY(bind_result_filter(b, ast, &b->query->root));
    FN_TRY(limit_by_settings(b, &b->query->root));
    FN_TRY(result_schema(b->ctx, b->query));
    b->query->next_id = b->next_id;
    FN_TRY(plan_optimize(b->ctx, b->query));
    return plan_check_scans(b->ctx, b->query);
}

fn_status plan_bind(fn_ctx *ctx, plan_world *world, const ast_query *ast, plan_query **out)
{
    binder b = {.ctx = ctx, .world = world, .next_id = 1};
    b.query = FN_NEW(ctx, plan_query);
    FN_TRY_PTR(ctx, b.query);
    const fn_status status = bind_statement(&b, ast);
    *out = status == FN_OK ? b.query : NULL;
    if (status != FN_OK) plan_query_release(b.query);
    return status;
}

/* cells: whether subqueries may stand in the expression. */
static fn_status bind_over_schema(binder *b, const ast_expr *ast, const table_schema *schema, bool cells, expr **out)
{
    source src = {.count = schema ? schema->count : 0};
    scope s = {.sources = &src, .source_count = 1, .no_aggregates = "expression"};
    src.columns = FN_NEW_ARRAY(b->ctx, source_column, src.count + 1);
    FN_TRY_PTR(b->ctx, src.columns);
    for (uint32_t i = 0; i < src.count; i++) {
        const table_column *c = &schema->columns[i];
        src.columns[i] = (source_column){.name = c->name, .id = i, .type = c->type};
        if (c->default_kind == DEFAULT_ALIAS) src.columns[i].alias_sql = c->default_sql;
    }
    FN_TRY(bind_collect_aliases(b, &s, ast));
    FN_TRY(bind_expr(b, &s, ast, out));
    if ((b->query->cell_count && !cells) || s.array_join_count || s.pending_count)
        return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Subqueries and arrayJoin are not supported in this expression");
    return FN_OK;
}

fn_status plan_bind_condition(fn_ctx *ctx, plan_world *world, const ast_expr *ast, const table_schema *schema, expr **out, plan_query **query)
{
    binder b = {.ctx = ctx, .world = world, .next_id = schema ? schema->count + 1 : 1};
    *query = b.query = FN_NEW(ctx, plan_query);
    FN_TRY_PTR(ctx, b.query);
    const fn_status status = bind_over_schema(&b, ast, schema, true, out);
    b.query->next_id = b.next_id;
    if (status != FN_OK) plan_query_release(b.query);
    return status;
}

fn_status plan_bind_expr(fn_ctx *ctx, plan_world *world, const ast_expr *ast, const table_schema *schema, expr **out)
{
    binder b = {.ctx = ctx, .world = world, .next_id = schema ? schema->count + 1 : 1};
    b.query = FN_NEW(ctx, plan_query);
    FN_TRY_PTR(ctx, b.query);
    const fn_status status = bind_over_schema(&b, ast, schema, false, out);
    if (status != FN_OK || b.query->table_count) plan_query_release(b.query);
    return status;
}

/* ---- giving back ---- */

static void release_plan(plan *p)
{
    if (!p) return;
    if (p->kind == PLAN_SCAN && p->scan.snapshot) {
        p->scan.table->ops->snapshot_drop(p->scan.snapshot);
        p->scan.snapshot = NULL;
    }
}

void plan_query_release(plan_query *q)
{
    if (!q) return;
    for (uint32_t i = 0; i < q->scan_count; i++) release_plan(q->scans[i]);
    for (uint32_t i = 0; i < q->table_count; i++) table_drop(q->tables[i]);
    for (uint32_t i = 0; i < q->cell_count; i++) {
        fn_column_drop(q->cells[i]->value);
        expr_set_free(q->cells[i]->set);
        q->cells[i]->value = NULL;
        q->cells[i]->set = NULL;
    }
    q->scan_count = q->table_count = 0;
}
