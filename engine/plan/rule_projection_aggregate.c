/* rule_projection_aggregate.c - GROUP BY over a table whose aggregate projection has its groups, or finer ones: the states of the projection are
 * merged instead of rows being read. Keys and conditions have to be over the projection's keys, and every aggregate has to be one of
 * its states. Parts without the projection are grouped by its keys, into states, first.
 *
 * Runs before the rules that take aggregates apart, so that they look as they were written. SPDX-License-Identifier: Apache-2.0 */
#include "plan/projection_source.h"
#include "plan/rule.h"
#include "settings/settings.h"

enum { ROWS_PER_STATE_MIN = 2 }; /* merging a state costs more than adding a row */

typedef struct grouping {
    const plan *node, *scan;
    expr **keys;             /* over the schema */
    plan_aggregate_item *items; /* arguments over the schema */
} grouping;

/* What a projection makes of it. */
typedef struct grouping_choice {
    projection_source source;
    expr **conjuncts, **keys; /* over PROJECTION_ID + i */
    uint32_t *states;        /* per item: the projection's state */
    const agg_call **merges; /* per item: f-Merge */
} grouping_choice;

/* ---- the node over the schema ---- */
static expr *item_of(void *self, column_id id)
{
    const plan *p = self;
    for (uint32_t i = 0; i < p->column_count; i++)
        if (p->project.items[i].id == id) return p->project.items[i].value;
    return NULL;
}

static fn_status to_schema(fn_ctx *ctx, const plan *p, expr *e, expr **out)
{
    for (; p->kind == PLAN_PROJECT; p = p->inputs[0]) FN_TRY(expr_replace(ctx, e, item_of, (plan *)(uintptr_t)p, &e));
    return plan_scan_to_schema(ctx, p, e, out);
}

static fn_status read_node(fn_ctx *ctx, const plan *n, const plan *scan, grouping *g)
{
    *g = (grouping){.node = n, .scan = scan};
    g->keys = FN_NEW_ARRAY(ctx, expr *, n->aggregate.key_count + 1u);
    g->items = FN_NEW_ARRAY(ctx, plan_aggregate_item, n->aggregate.item_count + 1u);
    if (!g->keys || !g->items) return ctx->error.code;
    for (uint32_t i = 0; i < n->aggregate.key_count; i++) FN_TRY(to_schema(ctx, n->inputs[0], n->aggregate.keys[i].value, &g->keys[i]));
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        plan_aggregate_item *item = &g->items[i];
        *item = n->aggregate.items[i];
        item->args = FN_NEW_ARRAY(ctx, expr *, item->arg_count + 1u);
        FN_TRY_PTR(ctx, item->args);
        for (uint32_t a = 0; a < item->arg_count; a++) FN_TRY(to_schema(ctx, n->inputs[0], n->aggregate.items[i].args[a], &item->args[a]));
    }
    return FN_OK;
}

/* ---- matching ---- */
static fn_status bind_combined(fn_ctx *ctx, const agg_call *call, const char *suffix, const fn_type *const *types, uint32_t count, agg_call **out)
{
    const char *name = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "%s", FN_STR_ARG(call->name), suffix);
    FN_TRY_PTR(ctx, name);
    return agg_bind(ctx, fn_cstr(name), types, count, call->params, call->param_count, out);
}

static bool same_args(const mt_projection_state *s, const plan_aggregate_item *item)
{
    if (s->arg_count != item->arg_count) return false;
    for (uint32_t i = 0; i < s->arg_count; i++)
        if (!expr_equal(s->args[i], item->args[i]) || !expr_is_deterministic(item->args[i])) return false;
    return true;
}

/* *merge NULL: the projection has no such state. A function whose states cannot be merged is none either. */
static fn_status match_item(fn_ctx *ctx, const mt_projection *p, const plan_aggregate_item *item, uint32_t *at, const agg_call **merge)
{
    agg_call *state, *merged;
    *merge = NULL;
    if (item->distinct && item->arg_count) return FN_OK;
    for (*at = 0; *at < p->state_count && !same_args(&p->states[*at], item); (*at)++) {}
    if (*at == p->state_count) return FN_OK;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, item->arg_count + 1u);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < item->arg_count; i++) types[i] = item->args[i]->type;
    FN_TRY(bind_combined(ctx, item->call, "State", types, item->arg_count, &state));
    for (*at = 0; *at < p->state_count; (*at)++)
        if (same_args(&p->states[*at], item) && p->states[*at].state->type == state->type) break;
    if (*at == p->state_count) return FN_OK;
    const char *suffix = fn_str_ends(item->call->name, FN_STR("Merge")) ? "" : "Merge"; /* the states of f-Merge are those of f */
    FN_TRY(bind_combined(ctx, item->call, suffix, &state->type, 1, &merged));
    if (merged->type == item->call->type) *merge = merged;
    return FN_OK;
}

static fn_status match_all(fn_ctx *ctx, const grouping *g, const mt_projection *p, grouping_choice *c, bool *matches)
{
    const uint32_t keys = g->node->aggregate.key_count, items = g->node->aggregate.item_count;
    *matches = false;
    c->keys = FN_NEW_ARRAY(ctx, expr *, keys + 1);
    c->states = FN_NEW_ARRAY(ctx, uint32_t, items + 1);
    c->merges = FN_NEW_ARRAY(ctx, const agg_call *, items + 1);
    if (!c->keys || !c->states || !c->merges) return ctx->error.code;
    for (uint32_t i = 0; i < keys; i++) {
        FN_TRY(projection_match(ctx, p, g->keys[i], &c->keys[i]));
        if (!c->keys[i]) return FN_OK;
    }
    for (uint32_t i = 0; i < items; i++) {
        FN_TRY(match_item(ctx, p, &g->items[i], &c->states[i], &c->merges[i]));
        if (!c->merges[i]) return FN_OK;
    }
    FN_TRY(projection_match_conjuncts(ctx, p, g->scan, &c->conjuncts));
    *matches = c->conjuncts != NULL;
    return FN_OK;
}

static fn_status try_projection(fn_ctx *ctx, const grouping *g, uint32_t index, grouping_choice *best, uint64_t *rows)
{
    const mt_projection *p = &mt_snapshot_definition(g->scan->scan.snapshot)->projections[index];
    const bool preferred = fn_str_eq(p->name, settings_of(ctx)->preferred_optimize_projection_name);
    grouping_choice c = {0};
    bool matches;
    if (!p->aggregate) return FN_OK;
    FN_TRY(match_all(ctx, g, p, &c, &matches));
    if (!matches) return FN_OK;
    FN_TRY(projection_open(ctx, g->scan, index, c.conjuncts, &c.source));
    if (!c.source.table) return FN_OK;
    if (c.source.rows > *rows && !preferred) {
        projection_close(&c.source);
        return FN_OK;
    }
    projection_close(&best->source);
    *best = c;
    *rows = preferred ? 0 : c.source.rows;
    return FN_OK;
}

static fn_status choose(fn_ctx *ctx, const grouping *g, grouping_choice *best)
{
    const mt_definition *d = mt_snapshot_definition(g->scan->scan.snapshot);
    uint64_t rows;
    FN_TRY(projection_rows_without(ctx, g->scan, &rows));
    rows = settings_of(ctx)->force_optimize_projection ? UINT64_MAX : rows / ROWS_PER_STATE_MIN;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < d->projection_count && status == FN_OK; i++) status = try_projection(ctx, g, i, best, &rows);
    if (status != FN_OK) projection_close(&best->source);
    return status;
}

/* ---- the rewrite ---- */
typedef struct renumber {
    fn_ctx *ctx;
    const mt_projection *p;
    const column_id *ids;
    const plan *scan;
} renumber;

static expr *to_ids(void *self, column_id id)
{
    const renumber *r = self;
    if (id < PROJECTION_ID || id >= PROJECTION_ID + r->p->value_count) return NULL;
    return expr_column(r->ctx, r->ids[id - PROJECTION_ID], r->p->values[id - PROJECTION_ID]->type);
}

static expr *to_scan(void *self, column_id index)
{
    const renumber *r = self;
    for (uint32_t i = 0; i < r->scan->column_count; i++)
        if (r->scan->scan.indexes[i] == index) return expr_column(r->ctx, r->scan->columns[i].id, r->scan->columns[i].type);
    return NULL;
}

/* The rows of the other parts as groups of the projection: columns for all i with ids[i] != 0. */
static fn_status group_rest(fn_ctx *ctx, plan *scan, const mt_projection *p, const column_id *ids, plan **out)
{
    const uint32_t all = p->value_count + p->state_count;
    renumber r = {.ctx = ctx, .p = p, .scan = scan};
    plan *n = plan_new(ctx, PLAN_AGGREGATE, 1);
    FN_TRY_PTR(ctx, n);
    n->inputs[0] = scan;
    n->columns = FN_NEW_ARRAY(ctx, plan_column, all + 1);
    n->aggregate.keys = FN_NEW_ARRAY(ctx, plan_item, p->value_count + 1);
    n->aggregate.items = FN_NEW_ARRAY(ctx, plan_aggregate_item, p->state_count + 1);
    if (!n->columns || !n->aggregate.keys || !n->aggregate.items) return ctx->error.code;
    for (uint32_t i = 0; i < p->value_count; i++) {
        plan_item *key = &n->aggregate.keys[n->aggregate.key_count];
        if (!ids[i]) continue;
        key->id = ids[i];
        FN_TRY(expr_replace(ctx, p->values[i], to_scan, &r, &key->value));
        n->columns[n->column_count++] = (plan_column){ids[i], p->values[i]->type, p->names[i]};
        n->aggregate.key_count++;
    }
    for (uint32_t i = 0; i < p->state_count; i++) {
        const mt_projection_state *s = &p->states[i];
        plan_aggregate_item *item = &n->aggregate.items[n->aggregate.item_count];
        if (!ids[p->value_count + i]) continue;
        *item = (plan_aggregate_item){.id = ids[p->value_count + i], .call = s->state, .arg_count = s->arg_count, .args = FN_NEW_ARRAY(ctx, expr *, s->arg_count + 1)};
        FN_TRY_PTR(ctx, item->args);
        for (uint32_t a = 0; a < s->arg_count; a++) FN_TRY(expr_replace(ctx, s->args[a], to_scan, &r, &item->args[a]));
        n->columns[n->column_count++] = (plan_column){item->id, s->state->type, p->names[p->value_count + i]};
        n->aggregate.item_count++;
    }
    *out = n;
    return ctx->error.code;
}

/* Groups of both kinds of parts; those of the projection keep their ids. */
static fn_status unite(fn_ctx *ctx, plan_query *q, plan *scan, const mt_projection *p, const column_id *ids, plan *with, plan **out)
{
    const uint32_t all = p->value_count + p->state_count;
    column_id *outputs = FN_NEW_ARRAY(ctx, column_id, all + 1);
    plan *u = plan_new(ctx, PLAN_UNION, 2);
    if (!outputs || !u) return ctx->error.code;
    for (uint32_t i = 0; i < all; i++)
        if (ids[i]) outputs[i] = q->next_id++;
    FN_TRY(group_rest(ctx, scan, p, outputs, &u->inputs[1]));
    u->inputs[0] = with;
    u->column_count = with->column_count;
    u->columns = FN_NEW_ARRAY(ctx, plan_column, with->column_count + 1u);
    FN_TRY_PTR(ctx, u->columns);
    memcpy(u->columns, with->columns, with->column_count * sizeof *u->columns);
    *out = u;
    return FN_OK;
}

static fn_status rewrite(fn_ctx *ctx, plan_query *q, plan *n, plan *scan, grouping_choice *c)
{
    const mt_projection *p = c->source.projection;
    const bool both = c->source.without != NULL;
    const uint32_t keys = n->aggregate.key_count;
    column_id *ids = FN_NEW_ARRAY(ctx, column_id, p->value_count + p->state_count + 1u);
    plan *input;
    FN_TRY_PTR(ctx, ids);
    FN_TRY(projection_ids(ctx, q, p, c->keys, keys, ids));
    FN_TRY(projection_ids(ctx, q, p, c->conjuncts, scan->scan.conjunct_count, ids));
    for (uint32_t i = 0; i < n->aggregate.item_count; i++)
        if (!ids[p->value_count + c->states[i]]) ids[p->value_count + c->states[i]] = q->next_id++;
    FN_TRY(projection_note(ctx, q, scan, p));
    FN_TRY(projection_scan(ctx, q, scan, &c->source, c->conjuncts, ids, &input));
    if (both) FN_TRY(unite(ctx, q, scan, p, ids, input, &input));
    projection_narrow(scan, &c->source);
    renumber r = {.ctx = ctx, .p = p, .ids = ids};
    for (uint32_t i = 0; i < keys; i++) FN_TRY(expr_replace(ctx, c->keys[i], to_ids, &r, &n->aggregate.keys[i].value));
    for (uint32_t i = 0; i < n->aggregate.item_count; i++) {
        plan_aggregate_item *item = &n->aggregate.items[i];
        *item = (plan_aggregate_item){.id = item->id, .call = c->merges[i], .arg_count = 1, .args = FN_NEW_ARRAY(ctx, expr *, 2)};
        FN_TRY_PTR(ctx, item->args);
        item->args[0] = expr_column(ctx, ids[p->value_count + c->states[i]], p->states[c->states[i]].state->type);
        FN_TRY_PTR(ctx, item->args[0]);
    }
    n->inputs[0] = input;
    return ctx->error.code;
}

static fn_status try_node(fn_ctx *ctx, plan_query *q, plan *n)
{
    plan *scan = n->inputs[0];
    grouping g;
    grouping_choice best = {0};
    while (scan->kind == PLAN_PROJECT) scan = scan->inputs[0];
    if (!projection_allowed(ctx, scan)) return FN_OK;
    FN_TRY(read_node(ctx, n, scan, &g));
    FN_TRY(choose(ctx, &g, &best));
    if (!best.source.table) return FN_OK;
    const fn_status status = rewrite(ctx, q, n, scan, &best);
    projection_close(&best.source);
    return status;
}

fn_status rule_projection_aggregate(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_projection_aggregate(ctx, q, &n->inputs[i]));
    return n->kind == PLAN_AGGREGATE && !n->aggregate.overflow_row ? try_node(ctx, q, n) : FN_OK;
}
