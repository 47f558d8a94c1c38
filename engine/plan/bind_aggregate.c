/* bind_aggregate.c - aggregate calls, GROUP BY with its variants, grouping(), and the rewrite of expressions over the keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

/* ---- calls ---- */

static fn_status text_of(binder *b, const ast_expr *e, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_print_expr(b->ctx, e, &text);
    if (status == FN_OK) status = fn_arena_str(b->ctx, b->ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

static fn_status add_suffix(binder *b, fn_str name, const char *suffix, fn_str *out)
{
    char *text = fn_arena_printf(b->ctx, b->ctx->arena, FN_STR_FMT "%s", FN_STR_ARG(name), suffix);
    FN_TRY_PTR(b->ctx, text);
    *out = fn_cstr(text);
    return FN_OK;
}

/* aggregate_functions_null_for_empty: f is fOrNull; counts have a value for no rows, arrays and maps cannot be NULL. */
static fn_status null_for_empty(binder *b, fn_str *name)
{
    static const char *const valued[] = {"count", "uniq", "groupArray", "groupUniqArray", "sumMap", "minMap", "maxMap", "topK", "histogram", "entropy"};
    static const char *const wrapped[] = {"State", "Merge", "SimpleState", "OrDefault", "OrNull", "ForEach", "Resample", "Array", "Map", "ArgMin", "ArgMax"};
    const agg_def *plain = agg_find(*name);
    for (size_t i = 0; i < FN_COUNT(valued); i++)
        if (fn_str_starts(*name, fn_cstr(valued[i])) || fn_str_eq_nocase(*name, fn_cstr(valued[i]))) return FN_OK;
    for (size_t i = 0; i < FN_COUNT(wrapped) && !plain; i++)
        if (fn_str_ends(*name, fn_cstr(wrapped[i])))
            return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Setting aggregate_functions_null_for_empty is not supported with " FN_STR_FMT, FN_STR_ARG(*name));
    return (plain && (plain->flags & AGG_WINDOW_ONLY)) ? FN_OK : add_suffix(b, *name, "OrNull", name);
}

/* The name with what modifiers make of it: FILTER is -If, RESPECT NULLS a function of its own, count(DISTINCT) uniqExact. */
static fn_status call_name(binder *b, const ast_expr *e, bool *distinct, fn_str *out)
{
    fn_str name = e->text, base = name;
    *distinct = e->distinct;
    if (fn_str_ends(base, FN_STR("Distinct")) && !agg_find(base)) {
        base.size -= 8;
        *distinct = true;
        name = base;
    }
    if (*distinct && fn_str_eq_nocase(name, FN_STR("count"))) { /* countDistinct, too: how it is written in a projection */
        const fn_str implementation = settings_of(b->ctx)->count_distinct_implementation;
        name = implementation.size ? implementation : FN_STR("uniqExact");
        *distinct = false;
    }
    if (e->distinct && fn_str_eq_nocase(name, FN_STR("countIf"))) {
        name = FN_STR("uniqExactIf");
        *distinct = false;
    }
    if (e->nulls_respect) FN_TRY(add_suffix(b, name, "_respect_nulls", &name));
    if (e->filter) FN_TRY(add_suffix(b, name, "If", &name));
    if (settings_of(b->ctx)->aggregate_functions_null_for_empty) FN_TRY(null_for_empty(b, &name));
    *out = name;
    return FN_OK;
}

static fn_status bind_params(binder *b, scope *s, const ast_list *list, fn_column ***out)
{
    *out = FN_NEW_ARRAY(b->ctx, fn_column *, list->count + 1);
    FN_TRY_PTR(b->ctx, *out);
    for (uint32_t i = 0; i < list->count; i++) {
        expr *value;
        FN_TRY(bind_expr(b, s, list->items[i], &value));
        if (value->kind != EXPR_CONST) return fn_fail(b->ctx, FN_PARAMETERS_TO_AGGREGATE_FUNCTIONS_MUST_BE_LITERALS, "Parameters to aggregate functions must be literals");
        (*out)[i] = value->constant;
    }
    return FN_OK;
}

/* The type as aggregates see it: tuples hold no LowCardinality. */
static const fn_type *full_type(fn_ctx *ctx, const fn_type *t)
{
    const fn_type *base = fn_type_base(t);
    if (base->id != FN_T_TUPLE) return fn_type_strip_low_cardinality(t);
    const fn_type **fields = FN_NEW_ARRAY(ctx, const fn_type *, base->arg_count + 1u);
    if (!fields) return NULL;
    for (uint32_t i = 0; i < base->arg_count; i++)
        if (!(fields[i] = full_type(ctx, base->args[i]))) return NULL;
    return fn_type_tuple(fields, base->arg_names, base->arg_count);
}

fn_status bind_aggregate_call(binder *b, scope *s, const ast_expr *e, expr ***args, uint32_t *count, const agg_call **call, bool *distinct)
{
    fn_str name;
    fn_column **params;
    agg_call *bound;
    FN_TRY(call_name(b, e, distinct, &name));
    const bool is_count = fn_str_eq_nocase(e->text, FN_STR("count"));
    if (is_count && e->args.count == 1 && e->args.items[0]->kind == AST_ASTERISK) {
        *args = NULL;
        *count = 0;
    } else {
        FN_TRY(bind_arguments(b, s, &e->args, args, count));
    }
    if (e->filter) {
        expr *condition, **slot = NULL;
        FN_TRY(bind_condition(b, s, e->filter, "FILTER", &condition));
        slot = plan_grow(b->ctx, args, count, sizeof *slot);
        FN_TRY_PTR(b->ctx, slot);
        *slot = condition;
    }
    FN_TRY(bind_params(b, s, &e->params, &params));
    const fn_type **types = FN_NEW_ARRAY(b->ctx, const fn_type *, *count + 1);
    FN_TRY_PTR(b->ctx, types);
    for (uint32_t i = 0; i < *count; i++) {
        types[i] = (*args)[i]->type;
        if (types[i]->id != FN_T_TUPLE) continue;
        types[i] = full_type(b->ctx, types[i]);
        FN_TRY_PTR(b->ctx, types[i]);
        FN_TRY(expr_cast(b->ctx, (*args)[i], types[i], &(*args)[i]));
    }
    FN_TRY(agg_bind(b->ctx, name, types, *count, params, e->params.count, &bound));
    *call = bound;
    return FN_OK;
}

static bool same_call(const plan_aggregate_item *x, const agg_call *call, expr *const *args, uint32_t count, bool distinct)
{
    if (!fn_str_eq(x->call->name, call->name) || x->arg_count != count || x->distinct != distinct || x->call->param_count != call->param_count) return false;
    for (uint32_t i = 0; i < call->param_count; i++)
        if (x->call->params[i]->type != call->params[i]->type || !fn_column_equal_at(x->call->params[i], 0, call->params[i], 0)) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!expr_equal(x->args[i], args[i])) return false;
    return true;
}

fn_status bind_aggregate(binder *b, scope *s, const ast_expr *e, expr **out)
{
    fn_str text;
    if (s->in_aggregate || s->no_aggregates || s->lambda_depth) {
        FN_TRY(text_of(b, e, &text));
        if (s->in_aggregate) return fn_fail(b->ctx, FN_ILLEGAL_AGGREGATION, "Aggregate function " FN_STR_FMT " is found inside another aggregate function in query", FN_STR_ARG(text));
        if (s->lambda_depth) return fn_fail(b->ctx, FN_ILLEGAL_AGGREGATION, "Aggregate function " FN_STR_FMT " is found inside a lambda in query", FN_STR_ARG(text));
        return fn_fail(b->ctx, FN_ILLEGAL_AGGREGATION, "Aggregate function " FN_STR_FMT " is found in %s in query", FN_STR_ARG(text), s->no_aggregates);
    }
    expr **args;
    uint32_t count;
    const agg_call *call;
    bool distinct;
    s->in_aggregate = true;
    const fn_status status = bind_aggregate_call(b, s, e, &args, &count, &call, &distinct);
    s->in_aggregate = false;
    FN_TRY(status);
    for (uint32_t i = 0; i < s->aggregate_count; i++)
        if (same_call(&s->aggregates[i], call, args, count, distinct)) {
            *out = expr_column(b->ctx, s->aggregates[i].id, s->aggregates[i].call->type);
            FN_TRY_PTR(b->ctx, *out);
            return FN_OK;
        }
    plan_aggregate_item item = {.call = call, .args = args, .arg_count = count, .distinct = distinct};
    FN_TRY(bind_late_id(b, s, &item.id));
    plan_aggregate_item *slot = plan_grow(b->ctx, &s->aggregates, &s->aggregate_count, sizeof *slot);
    FN_TRY_PTR(b->ctx, slot);
    *slot = item;
    *out = expr_column(b->ctx, item.id, call->type);
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

/* ---- GROUP BY ---- */

static bool has_late(const scope *s, const expr *e)
{
    if (e->kind == EXPR_COLUMN) {
        for (uint32_t i = 0; i < s->aggregate_count; i++)
            if (s->aggregates[i].id == e->column) return true;
        return false;
    }
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (has_late(s, e->args[i])) return true;
    return false;
}

static fn_status add_key(binder *b, scope *s, expr *value, uint32_t *index)
{
    for (uint32_t i = 0; i < s->key_count; i++)
        if (expr_equal(s->keys[i].value, value)) {
            *index = i;
            return FN_OK;
        }
    if (has_late(s, value)) return fn_fail(b->ctx, FN_ILLEGAL_AGGREGATION, "Aggregate function is found in GROUP BY in query");
    plan_item *key = plan_grow(b->ctx, &s->keys, &s->key_count, sizeof *key);
    FN_TRY_PTR(b->ctx, key);
    key->value = value;
    key->id = b->next_id++;
    *index = s->key_count - 1;
    return FN_OK;
}

/* A key: an expression, a position, or a tuple of keys. */
static fn_status bind_key(binder *b, scope *s, const ast_expr *e, const select_item *items, uint32_t item_count, uint64_t *mask)
{
    const select_item *item;
    uint32_t index;
    expr *value;
    if (e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("tuple")) && (e->is_operator || !e->args.count) && !e->alias.size) {
        for (uint32_t i = 0; i < e->args.count; i++) FN_TRY(bind_key(b, s, e->args.items[i], items, item_count, mask));
        return FN_OK;
    }
    FN_TRY(bind_position(b, e, items, item_count, "GROUP BY", &item));
    if (item) {
        value = item->value;
    } else {
        s->no_aggregates = "GROUP BY";
        const fn_status status = bind_expr(b, s, e, &value);
        s->no_aggregates = NULL;
        FN_TRY(status);
    }
    FN_TRY(add_key(b, s, value, &index));
    if (index >= 64 && (s->select->grouping_set_count || s->select->rollup || s->select->cube))
        return fn_fail(b->ctx, FN_TOO_MANY_COLUMNS, "At most 64 keys in GROUPING SETS, ROLLUP and CUBE are supported");
    *mask |= (uint64_t)1 << (index % 64);
    return FN_OK;
}

/* GROUP BY ALL: of each item the largest parts without aggregates. */
static fn_status add_all_keys(binder *b, scope *s, expr *e)
{
    uint32_t index;
    if (e->kind == EXPR_CONST || e->kind == EXPR_CELL) return FN_OK;
    if (!has_late(s, e)) return add_key(b, s, e, &index);
    for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(add_all_keys(b, s, e->args[i]));
    return FN_OK;
}

static fn_status add_set(binder *b, scope *s, uint64_t mask)
{
    uint64_t *set = plan_grow(b->ctx, &s->grouping_sets, &s->grouping_set_count, sizeof *set);
    FN_TRY_PTR(b->ctx, set);
    *set = mask;
    return FN_OK;
}

/* ROLLUP (a, b): (a, b), (a), (). CUBE: all subsets, largest first. */
static fn_status add_sets(binder *b, scope *s)
{
    const uint32_t n = s->key_count;
    if (n > 63) return fn_fail(b->ctx, FN_TOO_MANY_COLUMNS, "At most 63 keys in ROLLUP and CUBE are supported");
    const uint64_t all = ((uint64_t)1 << n) - 1;
    if (s->select->rollup) {
        for (uint32_t i = 0; i <= n; i++) FN_TRY(add_set(b, s, all >> i));
        return FN_OK;
    }
    if (n > 12) return fn_fail(b->ctx, FN_TOO_MANY_COLUMNS, "At most 12 keys in CUBE are supported");
    for (uint64_t m = 0; m <= all; m++) FN_TRY(add_set(b, s, all & ~m));
    return FN_OK;
}

fn_status bind_group_by(binder *b, scope *s, const select_item *items, uint32_t item_count)
{
    const ast_select *q = s->select;
    uint64_t mask = 0;
    for (uint32_t i = 0; i < q->group_by.count; i++) FN_TRY(bind_key(b, s, q->group_by.items[i], items, item_count, &mask));
    for (uint32_t i = 0; i < q->grouping_set_count; i++) {
        mask = 0;
        for (uint32_t k = 0; k < q->grouping_sets[i].count; k++) FN_TRY(bind_key(b, s, q->grouping_sets[i].items[k], items, item_count, &mask));
        FN_TRY(add_set(b, s, mask));
    }
    for (uint32_t i = 0; q->group_by_all && i < item_count; i++) FN_TRY(add_all_keys(b, s, items[i].value));
    if (q->rollup || q->cube) FN_TRY(add_sets(b, s));
    if (q->group_by.count && !s->key_count) { /* GROUP BY tuple(): one group, none without rows */
        uint32_t index;
        expr *one = expr_const_u64(b->ctx, 1);
        FN_TRY_PTR(b->ctx, one);
        FN_TRY(add_key(b, s, one, &index));
    }
    s->has_keys = q->group_by.count || q->grouping_set_count || (q->group_by_all && s->key_count);
    return FN_OK;
}

/* ---- grouping(a, b): bit i counts from the last argument; 1 = the key is not in the set of the row ---- */

static bool find_key(const scope *s, const expr *e, uint32_t *key)
{
    for (*key = 0; *key < s->key_count; (*key)++)
        if (expr_equal(s->keys[*key].value, e)) return true;
    return false;
}

/* The value for each grouping set, picked by the number of the row's set. */
static fn_status grouping_value(binder *b, scope *s, pending_grouping *g)
{
    const uint32_t sets = FN_MAX(s->grouping_set_count, 1u);
    expr **choices = FN_NEW_ARRAY(b->ctx, expr *, (size_t)sets + 1);
    FN_TRY_PTR(b->ctx, choices);
    for (uint32_t k = 0; k < sets; k++) {
        uint64_t bits = 0;
        for (uint32_t i = 0; i < g->arg_count; i++) {
            uint32_t key;
            if (!find_key(s, g->args[i], &key)) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "Argument of GROUPING function is not a part of GROUP BY clause");
            bits = bits << 1 | (s->grouping_set_count && !(s->grouping_sets[k] >> key & 1));
        }
        choices[k] = expr_const(b->ctx, fn_column_const_u64(b->ctx, fn_type_simple(FN_T_UINT64), bits, 1));
        FN_TRY_PTR(b->ctx, choices[k]);
    }
    if (!s->grouping_set_count) {
        g->value = choices[0];
        return FN_OK;
    }
    if (!s->grouping_id) {
        column_id id;
        FN_TRY(bind_late_id(b, s, &id));
        s->grouping_id = id + 1;
    }
    expr *plus[2] = {expr_column(b->ctx, s->grouping_id - 1, fn_type_simple(FN_T_UINT64)), expr_const_u64(b->ctx, 1)}, *at[2];
    if (!plus[0] || !plus[1]) return b->ctx->error.code;
    FN_TRY(expr_call(b->ctx, "array", choices, sets, &at[0]));
    FN_TRY(expr_call(b->ctx, "plus", plus, 2, &at[1]));
    return expr_call(b->ctx, "arrayElement", at, 2, &g->value);
}

fn_status bind_groupings(binder *b, scope *s)
{
    if (s->grouping_count && !s->has_keys) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "GROUPING function should be used only with GROUP BY");
    for (uint32_t i = 0; i < s->grouping_count; i++) FN_TRY(grouping_value(b, s, &s->groupings[i]));
    return FN_OK;
}

fn_status bind_grouping(binder *b, scope *s, const ast_expr *e, expr **out)
{
    if (e->args.count == 0) return fn_fail(b->ctx, FN_TOO_FEW_ARGUMENTS_FOR_FUNCTION, "Function GROUPING expects at least one argument");
    if (e->args.count > 64) return fn_fail(b->ctx, FN_TOO_MANY_ARGUMENTS_FOR_FUNCTION, "Function GROUPING can have up to 64 arguments");
    pending_grouping *g = plan_grow(b->ctx, &s->groupings, &s->grouping_count, sizeof *g);
    FN_TRY_PTR(b->ctx, g);
    FN_TRY(bind_late_id(b, s, &g->id));
    FN_TRY(bind_arguments(b, s, &e->args, &g->args, &g->arg_count));
    *out = expr_column(b->ctx, g->id, fn_type_simple(FN_T_UINT64));
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

/* ---- over the keys ---- */

typedef struct over_keys {
    binder *b;
    scope *s;
} over_keys;

const fn_type *bind_key_type(binder *b, const scope *s, const plan_item *key)
{
    const fn_type *t = key->value->type;
    const bool nulls = s->grouping_set_count && settings_of(b->ctx)->group_by_use_nulls && fn_type_can_be_nullable(fn_type_strip_low_cardinality(t));
    return nulls ? fn_type_nullable(t) : t;
}

static fn_status change(void *self, fn_ctx *ctx, expr *e, expr **out)
{
    const over_keys *o = self;
    const scope *s = o->s;
    for (uint32_t i = 0; i < s->key_count; i++) {
        if (!expr_equal(s->keys[i].value, e)) continue;
        if (e->kind == EXPR_CONST) return expr_cast(ctx, e, bind_key_type(o->b, s, &s->keys[i]), out); /* in every row, of totals and other sets too */
        *out = expr_column(ctx, s->keys[i].id, bind_key_type(o->b, s, &s->keys[i]));
        FN_TRY_PTR(ctx, *out);
        return FN_OK;
    }
    const source *src;
    if (e->kind != EXPR_COLUMN) return FN_OK;
    for (uint32_t i = 0; i < s->grouping_count; i++)
        if (s->groupings[i].id == e->column) *out = s->groupings[i].value;
    const source_column *c = bind_column_of(s, e->column, &src);
    if (!c) return FN_OK;
    fn_str text;
    FN_TRY(bind_scope_text(o->b, s, &text));
    const bool qualified = s->source_count > 1 && (src->alias.size || src->table.size);
    const fn_str name = src->alias.size ? src->alias : src->table;
    return fn_fail(ctx, FN_NOT_AN_AGGREGATE, "Column '" FN_STR_FMT "%s" FN_STR_FMT "' is not under aggregate function and not in GROUP BY keys. In query " FN_STR_FMT,
                   FN_STR_ARG(qualified ? name : FN_STR("")), qualified ? "." : "", FN_STR_ARG(c->name), FN_STR_ARG(text));
}

fn_status bind_over_keys(binder *b, scope *s, expr *e, expr **out)
{
    over_keys self = {b, s};
    return plan_rewrite(b->ctx, e, change, &self, out);
}
