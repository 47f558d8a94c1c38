/* plan_node.c - making and looking at plan nodes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_node.h"

plan *plan_new(fn_ctx *ctx, plan_kind kind, uint32_t input_count)
{
    plan *p = FN_NEW(ctx, plan);
    if (!p) return NULL;
    p->kind = kind;
    p->input_count = input_count;
    p->inputs = FN_NEW_ARRAY(ctx, plan *, input_count + 1);
    return p->inputs ? p : NULL;
}

plan *plan_over(fn_ctx *ctx, plan_kind kind, plan *input)
{
    plan *p = plan_new(ctx, kind, 1);
    if (!p) return NULL;
    p->inputs[0] = input;
    p->columns = FN_NEW_ARRAY(ctx, plan_column, input->column_count + 1);
    if (!p->columns) return NULL;
    p->column_count = input->column_count;
    if (input->column_count) memcpy(p->columns, input->columns, input->column_count * sizeof *p->columns);
    return p;
}

fn_status plan_filter_over(fn_ctx *ctx, plan *input, expr *condition, plan **out)
{
    *out = plan_over(ctx, PLAN_FILTER, input);
    FN_TRY_PTR(ctx, *out);
    (*out)->filter.condition = condition;
    return FN_OK;
}

fn_status plan_project_over(fn_ctx *ctx, plan *input, const plan_item *items, const fn_str *names, uint32_t count, plan **out)
{
    plan *p = plan_new(ctx, PLAN_PROJECT, 1);
    FN_TRY_PTR(ctx, p);
    p->inputs[0] = input;
    p->columns = FN_NEW_ARRAY(ctx, plan_column, count + 1);
    p->project.items = FN_NEW_ARRAY(ctx, plan_item, count + 1);
    if (!p->columns || !p->project.items) return ctx->error.code;
    p->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        p->project.items[i] = items[i];
        p->columns[i] = (plan_column){items[i].id, items[i].value->type, names[i]};
    }
    *out = p;
    return FN_OK;
}

void *plan_grow(fn_ctx *ctx, void *items_pointer, uint32_t *count, size_t size)
{
    uint8_t **items = items_pointer;
    const uint32_t n = *count;
    if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
        uint8_t *more = fn_arena_alloc_zero(ctx, ctx->arena, (n ? (size_t)n * 2 : 4) * size);
        if (!more) return NULL;
        if (n) memcpy(more, *items, n * size);
        *items = more;
    }
    (*count)++;
    memset(*items + n * size, 0, size);
    return *items + n * size;
}

const plan_column *plan_find_column(const plan *p, column_id id)
{
    for (uint32_t i = 0; i < p->column_count; i++)
        if (p->columns[i].id == id) return &p->columns[i];
    return NULL;
}

bool plan_has_column(const plan *p, column_id id)
{
    return plan_find_column(p, id) != NULL;
}

bool plan_is_call(const expr *e, const char *name)
{
    return e->kind == EXPR_CALL && strcmp(e->call->def->name, name) == 0;
}

fn_status plan_split_and(fn_ctx *ctx, expr *e, expr ***items, uint32_t *count)
{
    if (!e) return FN_OK;
    if (plan_is_call(e, "and")) {
        for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(plan_split_and(ctx, e->args[i], items, count));
        return FN_OK;
    }
    expr **slot = plan_grow(ctx, items, count, sizeof *slot);
    FN_TRY_PTR(ctx, slot);
    *slot = e;
    return FN_OK;
}

fn_status plan_join_and(fn_ctx *ctx, expr *const *items, uint32_t count, expr **out)
{
    *out = count ? items[0] : NULL;
    return count > 1 ? expr_call(ctx, "and", items, count, out) : FN_OK;
}

/* ---- which columns ---- */

static bool uses(const plan *p, const expr *e, bool any)
{
    if (e->kind == EXPR_COLUMN) return plan_has_column(p, e->column);
    if (e->kind == EXPR_LAMBDA) {
        for (uint32_t i = 0; i < e->lambda->capture_count; i++)
            if (plan_has_column(p, e->lambda->captures[i]) == any) return any;
        return !any;
    }
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (uses(p, e->args[i], any) == any) return any;
    return !any;
}

bool plan_uses_any(const plan *p, const expr *e)
{
    return uses(p, e, true);
}

bool plan_uses_only(const plan *p, const expr *e)
{
    return uses(p, e, false);
}

fn_status plan_ids_add(fn_ctx *ctx, plan_ids *ids, column_id id)
{
    const uint32_t word = id / 64;
    if (word >= ids->words) {
        const uint32_t words = (uint32_t)fn_next_pow2((uint64_t)word + 8);
        uint64_t *bits = FN_NEW_ARRAY(ctx, uint64_t, words);
        FN_TRY_PTR(ctx, bits);
        if (ids->words) memcpy(bits, ids->bits, ids->words * sizeof *bits);
        ids->bits = bits;
        ids->words = words;
    }
    ids->bits[word] |= (uint64_t)1 << (id % 64);
    return FN_OK;
}

bool plan_ids_has(const plan_ids *ids, column_id id)
{
    return id / 64 < ids->words && (ids->bits[id / 64] >> (id % 64) & 1);
}

fn_status plan_ids_of(fn_ctx *ctx, plan_ids *ids, const expr *e)
{
    if (e->kind == EXPR_COLUMN) return e->column >= 0x80000000u ? FN_OK : plan_ids_add(ctx, ids, e->column);
    if (e->kind == EXPR_LAMBDA) return plan_ids_of(ctx, ids, e->lambda->body);
    for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(plan_ids_of(ctx, ids, e->args[i]));
    return FN_OK;
}

/* ---- rewriting ---- */

static fn_status rewrite_lambda(fn_ctx *ctx, expr *e, plan_change_fn *change, void *self, expr **out)
{
    expr *body;
    FN_TRY(plan_rewrite(ctx, e->lambda->body, change, self, &body));
    *out = e;
    if (body == e->lambda->body) return FN_OK;
    expr *n = FN_NEW(ctx, expr);
    expr_lambda *l = FN_NEW(ctx, expr_lambda);
    if (!n || !l) return ctx->error.code;
    *n = *e;
    n->lambda = l;
    *l = (expr_lambda){.param_count = e->lambda->param_count, .params = e->lambda->params, .param_types = e->lambda->param_types, .body = body};
    *out = n;
    return FN_OK;
}

fn_status plan_rewrite(fn_ctx *ctx, expr *e, plan_change_fn *change, void *self, expr **out)
{
    expr *other = NULL;
    FN_TRY(change(self, ctx, e, &other));
    *out = other ? other : e;
    if (other) return FN_OK;
    if (e->kind == EXPR_LAMBDA) return rewrite_lambda(ctx, e, change, self, out);
    if (e->kind != EXPR_CALL) return FN_OK;
    expr **args = FN_NEW_ARRAY(ctx, expr *, e->arg_count + 1);
    FN_TRY_PTR(ctx, args);
    bool changed = false;
    for (uint32_t i = 0; i < e->arg_count; i++) {
        FN_TRY(plan_rewrite(ctx, e->args[i], change, self, &args[i]));
        changed |= args[i] != e->args[i];
    }
    return changed ? expr_call_def(ctx, e->call->def, args, e->arg_count, out) : FN_OK;
}

static fn_status each_key(fn_ctx *ctx, plan_sort_key *keys, uint32_t count, plan_expr_fn *visit, void *self)
{
    for (uint32_t i = 0; i < count; i++) FN_TRY(visit(self, ctx, &keys[i].value));
    return FN_OK;
}

static fn_status each(fn_ctx *ctx, expr **items, uint32_t count, plan_expr_fn *visit, void *self)
{
    for (uint32_t i = 0; i < count; i++) FN_TRY(visit(self, ctx, &items[i]));
    return FN_OK;
}

static fn_status each_item(fn_ctx *ctx, plan_item *items, uint32_t count, plan_expr_fn *visit, void *self)
{
    for (uint32_t i = 0; i < count; i++) FN_TRY(visit(self, ctx, &items[i].value));
    return FN_OK;
}

static fn_status each_of_window(fn_ctx *ctx, plan *p, plan_expr_fn *visit, void *self)
{
    FN_TRY(each(ctx, p->window.partition_by, p->window.partition_count, visit, self));
    FN_TRY(each_key(ctx, p->window.order_by, p->window.order_count, visit, self));
    for (uint32_t i = 0; i < p->window.item_count; i++) FN_TRY(each(ctx, p->window.items[i].args, p->window.items[i].arg_count, visit, self));
    return FN_OK;
}

fn_status plan_each_expr(fn_ctx *ctx, plan *p, plan_expr_fn *visit, void *self)
{
    switch (p->kind) {
    case PLAN_SCAN:
        FN_TRY(each(ctx, p->scan.prewhere, p->scan.prewhere_count, visit, self));
        return each(ctx, p->scan.conjuncts, p->scan.conjunct_count, visit, self);
    case PLAN_VALUES:
    case PLAN_NUMBERS:
    case PLAN_UNION:
    case PLAN_SET_OP:
    case PLAN_SHARED: return FN_OK;
    case PLAN_FILTER: return visit(self, ctx, &p->filter.condition);
    case PLAN_PROJECT: return each_item(ctx, p->project.items, p->column_count, visit, self);
    case PLAN_AGGREGATE:
        FN_TRY(each_item(ctx, p->aggregate.keys, p->aggregate.key_count, visit, self));
        for (uint32_t i = 0; i < p->aggregate.item_count; i++)
            FN_TRY(each(ctx, p->aggregate.items[i].args, p->aggregate.items[i].arg_count, visit, self));
        return FN_OK;
    case PLAN_JOIN:
        FN_TRY(each(ctx, p->join.left_keys, p->join.key_count, visit, self));
        FN_TRY(each(ctx, p->join.right_keys, p->join.key_count, visit, self));
        return p->join.residual ? visit(self, ctx, &p->join.residual) : FN_OK;
    case PLAN_SORT: return each_key(ctx, p->sort.keys, p->sort.key_count, visit, self);
    case PLAN_LIMIT: return each_key(ctx, p->limit.ties, p->limit.tie_count, visit, self);
    case PLAN_LIMIT_BY: return each(ctx, p->limit_by.keys, p->limit_by.key_count, visit, self);
    case PLAN_DISTINCT: return each(ctx, p->distinct.keys, p->distinct.key_count, visit, self);
    case PLAN_WINDOW: return each_of_window(ctx, p, visit, self);
    case PLAN_ARRAY_JOIN: return each_item(ctx, p->array_join.arrays, p->array_join.array_count, visit, self);
    case PLAN_FILL:
        FN_TRY(each_key(ctx, p->fill.keys, p->fill.key_count, visit, self));
        return each_item(ctx, p->fill.interpolate, p->fill.interpolate_count, visit, self);
    }
    FN_IMPOSSIBLE("plan kind");
}

static void drop_block(void *what)
{
    fn_block_drop(what);
}

fn_status plan_values_own(fn_ctx *ctx, plan *p)
{
    for (uint32_t i = 0; i < p->values.block_count; i++) FN_TRY(fn_arena_defer(ctx, ctx->arena, drop_block, p->values.blocks[i]));
    return FN_OK;
}

typedef struct schema_map {
    fn_ctx *ctx;
    const plan *scan;
} schema_map;

static expr *to_schema(void *self, column_id id)
{
    const schema_map *m = self;
    for (uint32_t i = 0; i < m->scan->column_count; i++)
        if (m->scan->columns[i].id == id) return expr_column(m->ctx, m->scan->scan.indexes[i], m->scan->columns[i].type);
    return NULL;
}

fn_status plan_scan_to_schema(fn_ctx *ctx, const plan *scan, const expr *e, expr **out)
{
    schema_map map = {ctx, scan};
    return expr_replace(ctx, e, to_schema, &map, out);
}
