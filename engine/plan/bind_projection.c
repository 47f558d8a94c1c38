/* bind_projection.c - a PROJECTION clause, and what TTL ... GROUP BY makes of a group: a SELECT is bound as a statement's is, over a table that
 * has the schema and no rows, so that its expressions look as those of the statements that may use it; then it is read off the plan.
 * What ORDER BY names is bound as further items. SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

/* ---- a table of columns alone ---- */
static fn_status no_snapshot(table *t, fn_ctx *ctx, table_snapshot **out)
{
    (void)t;
    (void)ctx;
    *out = NULL;
    return FN_OK;
}

static void keep(table *t)
{
    (void)t; /* lies in the frame of plan_bind_projection */
}

static const table_ops columns_ops = {.engine = "MergeTree", .snapshot = no_snapshot, .destroy = keep};

typedef struct columns_world {
    plan_world base;
    table table;
} columns_world;

static fn_status find_columns(plan_world *w, fn_ctx *ctx, fn_str database, fn_str name, table **out)
{
    columns_world *c = (columns_world *)w;
    if (database.size || name.size) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A projection or TTL that reads table " FN_STR_FMT " is not supported", FN_STR_ARG(name));
    *out = table_ref(&c->table);
    return FN_OK;
}

static fn_status no_function(plan_world *w, fn_ctx *ctx, const ast_expr *call, table **out)
{
    (void)w;
    (void)out;
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A projection or TTL that reads table function " FN_STR_FMT " is not supported", FN_STR_ARG(call->text));
}

static fn_status no_parameter(plan_world *w, fn_ctx *ctx, fn_str name, fn_str *out)
{
    (void)w;
    (void)out;
    return fn_fail(ctx, FN_UNKNOWN_QUERY_PARAMETER, "Substitution `" FN_STR_FMT "` is not set", FN_STR_ARG(name));
}

/* ---- the statement ---- */
static fn_status check_clauses(fn_ctx *ctx, const ast_query *q)
{
    const ast_select *s = q->select;
    if (q->op != SET_NONE) return fn_fail(ctx, FN_SYNTAX_ERROR, "Syntax error: a projection is one SELECT");
    const struct {
        bool present;
        const char *name;
    } clauses[] = {
        {s->from != NULL, "FROM"}, {s->having != NULL, "HAVING"}, {s->qualify != NULL, "QUALIFY"}, {s->limit || s->offset, "LIMIT"}, {s->totals, "WITH TOTALS"},
        {s->rollup || s->cube, "WITH ROLLUP"}, {s->limit_by.count != 0, "LIMIT BY"}, {s->setting_count != 0, "SETTINGS"}, {s->distinct, "DISTINCT"},
        {s->window_count != 0, "WINDOW"}, {s->grouping_set_count != 0, "GROUPING SETS"}, {s->group_by_all, "GROUP BY ALL"}, {s->order_by.all, "ORDER BY ALL"},
    };
    for (size_t i = 0; i < FN_COUNT(clauses); i++)
        if (clauses[i].present) return fn_fail(ctx, FN_SYNTAX_ERROR, "Syntax error: %s cannot stand in a projection", clauses[i].name);
    for (uint32_t i = 0; i < s->order_by.count; i++)
        if (s->order_by.items[i].descending || s->order_by.items[i].nulls_set || s->order_by.items[i].fill || s->order_by.items[i].collate.size)
            return fn_fail(ctx, FN_SYNTAX_ERROR, "Syntax error: a projection is ordered by expressions alone");
    if (s->where || s->prewhere) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "WHERE in a projection is not supported");
    return FN_OK;
}

/* Items, then those of ORDER BY, none of which is ordered by any more. */
static fn_status widen(fn_ctx *ctx, const ast_select *from, ast_select *to, ast_from *nothing, uint32_t *sort_count)
{
    *sort_count = from->order_by.count;
    *to = *from;
    *nothing = (ast_from){.kind = FROM_TABLE};
    to->from = nothing;
    to->order_by = (ast_order){0};
    to->columns.items = FN_NEW_ARRAY(ctx, ast_expr *, from->columns.count + *sort_count + 1);
    FN_TRY_PTR(ctx, to->columns.items);
    memcpy(to->columns.items, from->columns.items, from->columns.count * sizeof(ast_expr *));
    for (uint32_t i = 0; i < *sort_count; i++) to->columns.items[to->columns.count++] = from->order_by.items[i].expr;
    return FN_OK;
}

/* ---- reading it off the plan ---- */
typedef struct below {
    const plan *node;
} below;

static expr *item_of(void *self, column_id id)
{
    const plan *p = ((below *)self)->node;
    for (uint32_t i = 0; i < p->column_count; i++)
        if (p->project.items[i].id == id) return p->project.items[i].value;
    return NULL;
}

/* e, over the outputs of p, over the schema. */
static fn_status to_schema(fn_ctx *ctx, const plan *p, expr *e, expr **out)
{
    for (; p->kind == PLAN_PROJECT; p = p->inputs[0]) {
        below b = {p};
        FN_TRY(expr_replace(ctx, e, item_of, &b, &e));
    }
    if (p->kind != PLAN_SCAN) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Window functions, subqueries and arrayJoin in a projection or TTL are not supported");
    return plan_scan_to_schema(ctx, p, e, out);
}

static void add_value(plan_projection *out, expr *value, uint32_t *at)
{
    for (*at = 0; *at < out->count; (*at)++)
        if (expr_equal(out->values[*at], value)) return;
    out->values[out->count++] = value;
}

static fn_status make_room(fn_ctx *ctx, plan_projection *out, uint32_t count)
{
    out->values = FN_NEW_ARRAY(ctx, expr *, count + 1);
    out->sort = FN_NEW_ARRAY(ctx, uint32_t, count + 1);
    return out->values && out->sort ? FN_OK : ctx->error.code;
}

static fn_status read_normal(fn_ctx *ctx, const plan *root, uint32_t sort_count, plan_projection *out)
{
    const uint32_t keys_at = root->column_count - sort_count;
    FN_TRY(make_room(ctx, out, root->column_count));
    for (uint32_t i = 0; i < root->column_count; i++) {
        uint32_t at;
        expr *value, *column = expr_column(ctx, root->columns[i].id, root->columns[i].type);
        FN_TRY_PTR(ctx, column);
        FN_TRY(to_schema(ctx, root, column, &value));
        if (value->kind == EXPR_CONST) continue;
        add_value(out, value, &at);
        if (i >= keys_at) out->sort[out->sort_count++] = at;
    }
    return FN_OK;
}

static fn_status read_aggregate(fn_ctx *ctx, const plan *n, plan_projection *out)
{
    const plan *in = n->inputs[0];
    FN_TRY(make_room(ctx, out, n->aggregate.key_count));
    out->items = FN_NEW_ARRAY(ctx, plan_aggregate_item, n->aggregate.item_count + 1);
    FN_TRY_PTR(ctx, out->items);
    for (uint32_t i = 0; i < n->aggregate.key_count; i++) {
        uint32_t at;
        expr *value;
        FN_TRY(to_schema(ctx, in, n->aggregate.keys[i].value, &value));
        if (value->kind == EXPR_CONST) continue;
        const uint32_t before = out->count;
        add_value(out, value, &at);
        if (out->count > before) out->sort[out->sort_count++] = at;
    }
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        plan_aggregate_item *item = &out->items[out->item_count++];
        *item = n->aggregate.items[i];
        item->args = FN_NEW_ARRAY(ctx, expr *, item->arg_count + 1);
        FN_TRY_PTR(ctx, item->args);
        for (uint32_t a = 0; a < item->arg_count; a++) FN_TRY(to_schema(ctx, in, n->aggregate.items[i].args[a], &item->args[a]));
    }
    return FN_OK;
}

static fn_status read_plan(fn_ctx *ctx, const ast_select *s, const plan *root, uint32_t sort_count, plan_projection *out)
{
    const plan *n = root;
    while (n->kind == PLAN_PROJECT) n = n->inputs[0];
    out->aggregate = n->kind == PLAN_AGGREGATE;
    if (out->aggregate && s->order_by.count)
        return fn_fail(ctx, FN_ILLEGAL_PROJECTION, "When aggregation is used in projection, ORDER BY cannot be specified");
    if (!out->aggregate && !s->order_by.count) return fn_fail(ctx, FN_BAD_ARGUMENTS, "ORDER BY cannot be empty");
    return out->aggregate ? read_aggregate(ctx, n, out) : read_normal(ctx, root, sort_count, out);
}

static fn_status bind_over_columns(fn_ctx *ctx, columns_world *world, ast_select *select, table_schema *schema, plan_query **q, plan **root)
{
    scope *inner;
    *world = (columns_world){.base = {find_columns, no_function, NULL, no_parameter, ""}, .table = {.ops = &columns_ops}};
    atomic_store(&world->table.schema, schema);
    atomic_store(&world->table.refs, 1);
    const ast_query query = {.op = SET_NONE, .select = select};
    binder b = {.ctx = ctx, .world = &world->base, .next_id = 1, .query = FN_NEW(ctx, plan_query)};
    FN_TRY_PTR(ctx, b.query);
    *q = b.query;
    fn_status status = bind_query(&b, NULL, false, &query, root, &inner);
    if (status == FN_OK && b.query->cell_count) status = fn_fail(ctx, FN_NOT_IMPLEMENTED, "Subqueries in a projection or TTL are not supported");
    return status;
}

fn_status plan_bind_projection(fn_ctx *ctx, const ast_query *ast, table_schema *schema, plan_projection *out)
{
    columns_world world;
    ast_select select;
    ast_from from;
    uint32_t sort_count;
    plan_query *q = NULL;
    plan *root;
    *out = (plan_projection){0};
    FN_TRY(check_clauses(ctx, ast));
    FN_TRY(widen(ctx, ast->select, &select, &from, &sort_count));
    fn_status status = bind_over_columns(ctx, &world, &select, schema, &q, &root);
    if (status == FN_OK) status = read_plan(ctx, ast->select, root, sort_count, out);
    if (q) plan_query_release(q);
    return status;
}

/* ---- groups ---- */
typedef struct group_map {
    const plan *node;      /* PLAN_AGGREGATE */
    expr **keys, **items;  /* what stands for its outputs */
} group_map;

static expr *output_of(void *self, column_id id)
{
    const group_map *m = self;
    for (uint32_t i = 0; i < m->node->aggregate.key_count; i++)
        if (m->node->aggregate.keys[i].id == id) return m->keys[i];
    for (uint32_t i = 0; i < m->node->aggregate.item_count; i++)
        if (m->node->aggregate.items[i].id == id) return m->items[i];
    return NULL;
}

static fn_status make_outputs(fn_ctx *ctx, group_map *m, const plan_projection *read, uint32_t first)
{
    const plan *n = m->node;
    m->keys = FN_NEW_ARRAY(ctx, expr *, n->aggregate.key_count + 1);
    m->items = FN_NEW_ARRAY(ctx, expr *, n->aggregate.item_count + 1);
    if (!m->keys || !m->items) return ctx->error.code;
    for (uint32_t i = 0; i < n->aggregate.key_count; i++) FN_TRY(to_schema(ctx, n->inputs[0], n->aggregate.keys[i].value, &m->keys[i]));
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        if (read->items[i].distinct && read->items[i].arg_count)
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, FN_STR_FMT "(DISTINCT ...) in TTL is not supported", FN_STR_ARG(read->items[i].call->name));
        m->items[i] = expr_column(ctx, first + i, read->items[i].call->type);
        FN_TRY_PTR(ctx, m->items[i]);
    }
    return FN_OK;
}

static fn_status read_group(fn_ctx *ctx, const plan *root, uint32_t count, uint32_t first, plan_group *out)
{
    group_map m = {.node = root};
    plan_projection read = {0};
    while (m.node->kind == PLAN_PROJECT) m.node = m.node->inputs[0];
    if (m.node->kind != PLAN_AGGREGATE || root->column_count < count) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Window functions and arrayJoin in TTL are not supported");
    FN_TRY(read_aggregate(ctx, m.node, &read));
    FN_TRY(make_outputs(ctx, &m, &read, first));
    *out = (plan_group){.items = read.items, .item_count = read.item_count, .values = FN_NEW_ARRAY(ctx, expr *, count + 1)};
    FN_TRY_PTR(ctx, out->values);
    for (uint32_t i = 0; i < count; i++) {
        expr *e = expr_column(ctx, root->columns[i].id, root->columns[i].type);
        FN_TRY_PTR(ctx, e);
        for (const plan *p = root; p->kind == PLAN_PROJECT; p = p->inputs[0]) {
            below b = {p};
            FN_TRY(expr_replace(ctx, e, item_of, &b, &e));
        }
        FN_TRY(expr_replace(ctx, e, output_of, &m, &out->values[i]));
    }
    return FN_OK;
}

fn_status plan_bind_group(fn_ctx *ctx, const ast_expr *const *values, uint32_t count, const ast_expr *const *keys, uint32_t key_count, table_schema *schema, plan_group *out)
{
    columns_world world;
    ast_from from = {.kind = FROM_TABLE};
    ast_select select = {.from = &from, .columns = {(ast_expr **)(uintptr_t)values, count}, .group_by = {(ast_expr **)(uintptr_t)keys, key_count}};
    plan_query *q = NULL;
    plan *root;
    fn_status status = bind_over_columns(ctx, &world, &select, schema, &q, &root);
    if (status == FN_OK) status = read_group(ctx, root, count, schema->count, out);
    if (q) plan_query_release(q);
    return status;
}
