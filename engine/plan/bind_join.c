/* bind_join.c - JOIN: kinds and strictness, ON split into keys and the rest, USING, what `*` shows of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/bind.h"

enum { JOINS_MAX = 500 };

/* ---- keys ---- */

typedef enum comparison { COMPARE_NONE, COMPARE_EQUAL, COMPARE_NULL_SAFE, COMPARE_GE, COMPARE_GT, COMPARE_LE, COMPARE_LT } comparison;

static comparison comparison_of(const expr *e)
{
    static const struct {
        const char *name;
        comparison kind;
    } rows[] = {{"equals", COMPARE_EQUAL},        {"isNotDistinctFrom", COMPARE_NULL_SAFE}, {"greaterOrEquals", COMPARE_GE},
                {"greater", COMPARE_GT},          {"lessOrEquals", COMPARE_LE},             {"less", COMPARE_LT}};
    for (size_t i = 0; i < FN_COUNT(rows); i++)
        if (e->arg_count == 2 && plan_is_call(e, rows[i].name)) return rows[i].kind;
    return COMPARE_NONE;
}

fn_status bind_join_types(binder *b, expr **l, expr **r, bool equality)
{
    const fn_type *x = fn_type_base((*l)->type), *y = fn_type_base((*r)->type), *common;
    if (x == y) return FN_OK;
    const fn_type *const both[2] = {x, y};
    if (equality && fn_type_is_integer(x) && fn_type_is_integer(y) && x->width <= 8 && y->width <= 8 && (x->width == 8 || y->width == 8) &&
        fn_type_is_unsigned(x) != fn_type_is_unsigned(y)) {
        common = fn_type_simple(FN_T_INT128); /* UInt64 and signed numbers have no supertype, but are compared */
    } else if (fn_type_common(b->ctx, both, 2, &common) != FN_OK) {
        fn_error_clear(b->ctx);
        return fn_fail(b->ctx, FN_NO_COMMON_TYPE, "There is no supertype for types %s, %s: JOIN cannot infer common type in ON section for keys", (*l)->type->name, (*r)->type->name);
    }
    FN_TRY(expr_cast(b->ctx, *l, fn_type_is_nullable((*l)->type) ? fn_type_nullable(common) : common, l));
    return expr_cast(b->ctx, *r, fn_type_is_nullable((*r)->type) ? fn_type_nullable(common) : common, r);
}

static fn_status add_key(binder *b, plan *join, expr *l, expr *r, bool null_safe)
{
    uint32_t n = join->join.key_count, m = n;
    FN_TRY(bind_join_types(b, &l, &r, join->join.asof != (int)join->join.key_count));
    expr **left = plan_grow(b->ctx, &join->join.left_keys, &join->join.key_count, sizeof *left);
    expr **right = plan_grow(b->ctx, &join->join.right_keys, &n, sizeof *right);
    bool *safe = plan_grow(b->ctx, &join->join.null_safe, &m, sizeof *safe);
    if (!left || !right || !safe) return b->ctx->error.code;
    *left = l;
    *right = r;
    *safe = null_safe;
    return FN_OK;
}

/* The two sides of a comparison between the join's sides; *swapped: written right OP left. */
static bool sides(const plan *join, const expr *e, expr **l, expr **r, bool *swapped)
{
    expr *x = e->args[0], *y = e->args[1];
    const plan *left = join->inputs[0], *right = join->inputs[1];
    *swapped = plan_uses_any(right, x);
    *l = *swapped ? y : x;
    *r = *swapped ? x : y;
    return plan_uses_any(left, *l) && !plan_uses_any(right, *l) && plan_uses_any(right, *r) && !plan_uses_any(left, *r);
}

static fn_status asof_key(binder *b, plan *join, comparison kind, expr *l, expr *r, bool swapped)
{
    static const uint8_t straight[] = {[COMPARE_GE] = 0, [COMPARE_GT] = 1, [COMPARE_LE] = 2, [COMPARE_LT] = 3};
    static const uint8_t mirrored[] = {[COMPARE_GE] = 2, [COMPARE_GT] = 3, [COMPARE_LE] = 0, [COMPARE_LT] = 1};
    if (join->join.asof >= 0) return fn_fail(b->ctx, FN_INVALID_JOIN_ON_EXPRESSION, "ASOF JOIN does not support multiple inequality predicates in JOIN ON expression");
    join->join.asof = (int)join->join.key_count;
    join->join.asof_op = swapped ? mirrored[kind] : straight[kind];
    return add_key(b, join, l, r, false);
}

fn_status bind_join_keys(binder *b, plan *join, expr *condition)
{
    expr **parts = NULL, *l, *r;
    uint32_t count = 0;
    const bool asof = join->join.asof == -2;
    join->join.asof = -1;
    FN_TRY(plan_split_and(b->ctx, condition, &parts, &count));
    for (uint32_t i = 0; i < count; i++) {
        const comparison kind = comparison_of(parts[i]);
        bool swapped;
        const bool pair = kind != COMPARE_NONE && sides(join, parts[i], &l, &r, &swapped);
        if (pair && (kind == COMPARE_EQUAL || kind == COMPARE_NULL_SAFE)) FN_TRY(add_key(b, join, l, r, kind == COMPARE_NULL_SAFE));
        else if (pair && asof) FN_TRY(asof_key(b, join, kind, l, r, swapped));
        else FN_TRY(expr_and(b->ctx, join->join.residual, parts[i], &join->join.residual));
    }
    if (asof && join->join.asof < 0) return fn_fail(b->ctx, FN_INVALID_JOIN_ON_EXPRESSION, "ASOF JOIN requires one inequality predicate in JOIN ON expression");
    return FN_OK;
}

/* ---- kinds ---- */

static plan_join_kind kind_of(const ast_from *f)
{
    static const plan_join_kind plain[] = {[JOIN_INNER] = PLAN_JOIN_INNER, [JOIN_LEFT] = PLAN_JOIN_LEFT,   [JOIN_RIGHT] = PLAN_JOIN_RIGHT, [JOIN_FULL] = PLAN_JOIN_FULL,
                                           [JOIN_CROSS] = PLAN_JOIN_CROSS, [JOIN_COMMA] = PLAN_JOIN_CROSS, [JOIN_PASTE] = PLAN_JOIN_PASTE};
    if (f->strictness == STRICT_SEMI) return f->join == JOIN_RIGHT ? PLAN_JOIN_SEMI_RIGHT : PLAN_JOIN_SEMI_LEFT;
    if (f->strictness == STRICT_ANTI) return f->join == JOIN_RIGHT ? PLAN_JOIN_ANTI_RIGHT : PLAN_JOIN_ANTI_LEFT;
    return plain[f->join];
}

static fn_status check_kind(binder *b, const ast_from *f)
{
    const bool strict = f->strictness == STRICT_SEMI || f->strictness == STRICT_ANTI || f->strictness == STRICT_ASOF;
    if ((f->strictness == STRICT_SEMI || f->strictness == STRICT_ANTI) && f->join == JOIN_FULL)
        return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "SEMI|ANTI JOIN should be LEFT or RIGHT.");
    if (f->strictness == STRICT_ASOF && f->join != JOIN_INNER && f->join != JOIN_LEFT) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "ASOF %s JOIN is not supported", f->join == JOIN_RIGHT ? "RIGHT" : "FULL");
    if (strict && (f->join == JOIN_CROSS || f->join == JOIN_COMMA || f->join == JOIN_PASTE)) return fn_fail(b->ctx, FN_SYNTAX_ERROR, "CROSS and PASTE JOIN take no strictness");
    return FN_OK;
}

static fn_status join_columns(binder *b, plan *j)
{
    const plan *l = j->inputs[0], *r = j->inputs[1];
    j->columns = FN_NEW_ARRAY(b->ctx, plan_column, l->column_count + r->column_count + 1);
    FN_TRY_PTR(b->ctx, j->columns);
    if (l->column_count) memcpy(j->columns, l->columns, l->column_count * sizeof *j->columns);
    if (r->column_count) memcpy(j->columns + l->column_count, r->columns, r->column_count * sizeof *j->columns);
    j->column_count = l->column_count + r->column_count;
    return FN_OK;
}

/* Which sides may be missing a row, so that join_use_nulls makes them Nullable. */
static void missing_sides(plan_join_kind kind, bool *left, bool *right)
{
    *left = kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_FULL || kind == PLAN_JOIN_ANTI_RIGHT;
    *right = kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL || kind == PLAN_JOIN_ANTI_LEFT;
}

static void make_nullable(scope *s, plan *j, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const source *src;
        plan_column *c = &j->columns[i];
        if (!fn_type_can_be_nullable(fn_type_strip_low_cardinality(c->type)) && !fn_type_is_nullable(c->type)) continue;
        c->type = fn_type_nullable(c->type);
        source_column *named = (source_column *)(uintptr_t)bind_column_of(s, c->id, &src);
        if (named) named->type = c->type;
    }
}

/* ---- USING ---- */

static fn_status using_side(binder *b, scope *s, uint32_t from, uint32_t to, fn_str name, expr **out)
{
    *out = NULL;
    for (uint32_t i = s->merged_count; from == 0 && i-- > 0;)
        if (fn_str_eq(s->merged[i].name, name)) {
            *out = s->merged[i].value;
            return FN_OK;
        }
    for (uint32_t i = from; i < to && !*out; i++)
        for (uint32_t k = 0; k < s->sources[i].count; k++)
            if (fn_str_eq(s->sources[i].columns[k].name, name)) {
                s->sources[i].columns[k].merged = true;
                FN_TRY(bind_source_value(b, s, &s->sources[i], &s->sources[i].columns[k], out));
                break;
            }
    for (uint32_t i = 0; from == 0 && !*out && i < s->select->columns.count; i++) /* USING an alias of the list */
        if (fn_str_eq(s->select->columns.items[i]->alias, name)) return bind_expr(b, s, s->select->columns.items[i], out);
    if (*out) return FN_OK;
    return fn_fail(b->ctx, FN_UNKNOWN_IDENTIFIER, "JOIN using identifier '" FN_STR_FMT "' cannot be resolved from %s table expression", FN_STR_ARG(name), from ? "right" : "left");
}

typedef struct using_pair {
    fn_str name;
    expr *left, *right;
} using_pair;

/* The value of the one column that USING shows: of the side that has the row. */
static fn_status merged_value(binder *b, const plan *j, expr *l, expr *r, expr **out)
{
    const plan_join_kind kind = j->join.kind;
    if (kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_SEMI_RIGHT || kind == PLAN_JOIN_ANTI_RIGHT) {
        *out = r;
        return FN_OK;
    }
    *out = l;
    if (kind != PLAN_JOIN_FULL) return FN_OK;
    if (fn_type_is_nullable(l->type)) {
        expr *both[2] = {l, r};
        return expr_call(b->ctx, "coalesce", both, 2, out);
    }
    /* A default on the left is a real value or a missing row; in either case the right side's value is the answer. */
    expr *args[3], *compare[2] = {l, expr_const(b->ctx, fn_column_default(b->ctx, l->type, 1))};
    FN_TRY_PTR(b->ctx, compare[1]);
    FN_TRY(expr_call(b->ctx, "equals", compare, 2, &args[0]));
    args[1] = r;
    args[2] = l;
    return expr_call(b->ctx, "if", args, 3, out);
}

static fn_status common_type(binder *b, const expr *l, const expr *r, fn_str name, const fn_type **out)
{
    const fn_type *const both[2] = {l->type, r->type};
    if (fn_type_common(b->ctx, both, 2, out) == FN_OK) return FN_OK;
    fn_error_clear(b->ctx);
    return fn_fail(b->ctx, FN_NO_COMMON_TYPE, "JOIN cannot infer common type in USING for identifier '" FN_STR_FMT "': types %s and %s", FN_STR_ARG(name), l->type->name, r->type->name);
}

static fn_status refresh(binder *b, scope *s, expr *e, expr **out)
{
    const source *src;
    const source_column *c = e->kind == EXPR_COLUMN ? bind_column_of(s, e->column, &src) : NULL;
    *out = c ? expr_column(b->ctx, c->id, c->type) : e;
    FN_TRY_PTR(b->ctx, *out);
    return FN_OK;
}

static fn_status bind_using(binder *b, scope *s, const ast_from *f, plan *j, uint32_t middle, using_pair **pairs)
{
    const uint32_t n = f->using.count;
    *pairs = FN_NEW_ARRAY(b->ctx, using_pair, n + 1);
    FN_TRY_PTR(b->ctx, *pairs);
    for (uint32_t i = 0; i < n; i++) {
        using_pair *p = &(*pairs)[i];
        if (f->using.items[i]->kind != AST_IDENTIFIER) return fn_fail(b->ctx, FN_BAD_ARGUMENTS, "JOIN USING takes names of columns");
        p->name = f->using.items[i]->parts[f->using.items[i]->part_count - 1];
        FN_TRY(using_side(b, s, 0, middle, p->name, &p->left));
        FN_TRY(using_side(b, s, middle, s->source_count, p->name, &p->right));
        if (f->strictness == STRICT_ASOF && i + 1 == n) {
            j->join.asof = (int)j->join.key_count;
            j->join.asof_op = 0;
        }
        FN_TRY(add_key(b, j, p->left, p->right, false));
    }
    return FN_OK;
}

/* Also behind its table's name, a column of USING has the common type. */
static void show_as(scope *s, const expr *e, const fn_type *type)
{
    const source *src;
    source_column *c = e->kind == EXPR_COLUMN ? (source_column *)(uintptr_t)bind_column_of(s, e->column, &src) : NULL;
    if (c && c->type != type) c->cast_to = type;
}

static fn_status merge_using(binder *b, scope *s, const plan *j, using_pair *pairs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        expr *l, *r;
        const fn_type *type;
        FN_TRY(refresh(b, s, pairs[i].left, &l));
        FN_TRY(refresh(b, s, pairs[i].right, &r));
        FN_TRY(common_type(b, l, r, pairs[i].name, &type));
        show_as(s, l, type);
        show_as(s, r, type);
        FN_TRY(expr_cast(b->ctx, l, type, &l));
        FN_TRY(expr_cast(b->ctx, r, type, &r));
        merged_name *m = plan_grow(b->ctx, &s->merged, &s->merged_count, sizeof *m);
        FN_TRY_PTR(b->ctx, m);
        m->name = pairs[i].name;
        m->source_count = s->source_count;
        FN_TRY(merged_value(b, j, l, r, &m->value));
    }
    return FN_OK;
}

/* ---- ON ---- */

static const expr *strip_cast(const expr *e)
{
    while (plan_is_call(e, "_CAST")) e = e->args[0];
    return e;
}

static fn_status bind_on(binder *b, scope *s, const ast_from *f, plan *j)
{
    expr *condition;
    s->no_aggregates = "JOIN ON";
    const fn_status status = bind_condition(b, s, f->on, "JOIN ON", &condition);
    s->no_aggregates = NULL;
    FN_TRY(status);
    if (s->pending_count || s->array_join_count) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "Correlated subqueries and arrayJoin in JOIN ON are not supported");
    if (f->strictness == STRICT_ASOF) j->join.asof = -2;
    FN_TRY(bind_join_keys(b, j, condition));
    for (uint32_t i = 0; j->join.kind == PLAN_JOIN_INNER && i < j->join.key_count; i++) {
        const expr *l = strip_cast(j->join.left_keys[i]), *r = strip_cast(j->join.right_keys[i]);
        if (l->kind != EXPR_COLUMN || r->kind != EXPR_COLUMN || (int)i == j->join.asof) continue;
        equal_pair *pair = plan_grow(b->ctx, &s->equals, &s->equal_count, sizeof *pair);
        FN_TRY_PTR(b->ctx, pair);
        *pair = (equal_pair){l->column, r->column};
    }
    return FN_OK;
}

static fn_status check_alias(binder *b, const scope *s, const ast_from *f)
{
    if ((f->kind != FROM_SUBQUERY && f->kind != FROM_FUNCTION) || f->alias.size || !bind_setting(b, "joined_subquery_requires_alias")) return FN_OK;
    fn_str text;
    FN_TRY(bind_scope_text(b, s, &text));
    return fn_fail(b->ctx, FN_ALIAS_REQUIRED, "JOIN no alias for subquery or table function. In scope " FN_STR_FMT " (set joined_subquery_requires_alias = 0 to disable restriction)", FN_STR_ARG(text));
}

fn_status bind_join(binder *b, scope *s, const ast_from *f, plan **out)
{
    using_pair *pairs = NULL;
    bool left, right;
    plan *j = plan_new(b->ctx, PLAN_JOIN, 2);
    FN_TRY_PTR(b->ctx, j);
    FN_TRY(check_kind(b, f));
    FN_TRY(check_alias(b, s, f->left));
    FN_TRY(check_alias(b, s, f->right));
    FN_TRY(bind_from(b, s, f->left, &j->inputs[0]));
    const uint32_t middle = s->source_count;
    FN_TRY(bind_from(b, s, f->right, &j->inputs[1]));
    const table *stored = s->source_count == middle + 1 ? s->sources[middle].stored : NULL;
    const bool joined = stored && stored->join && f->right->kind == FROM_TABLE;
    if (joined) FN_TRY(bind_join_kind(b, stored, f));
    if (++s->joins > JOINS_MAX) return fn_fail(b->ctx, FN_TOO_DEEP_RECURSION, "Too many JOINs in one query. Maximum: %d", JOINS_MAX);
    j->join.kind = kind_of(f);
    j->join.asof = -1;
    const fn_str strictness = settings_of(b->ctx)->join_default_strictness;
    if (f->strictness == STRICT_DEFAULT && !strictness.size && f->join < JOIN_CROSS)
        return fn_fail(b->ctx, FN_EXPECTED_ALL_OR_ANY, "Expected ANY or ALL in JOIN section, because setting (join_default_strictness) is empty");
    j->join.any = f->strictness == STRICT_ANY || (f->strictness == STRICT_DEFAULT && f->join < JOIN_CROSS && fn_str_eq_nocase(strictness, FN_STR("ANY")));
    FN_TRY(join_columns(b, j));
    if (f->on) FN_TRY(bind_on(b, s, f, j));
    if (f->using.count) FN_TRY(bind_using(b, s, f, j, middle, &pairs));
    if (joined) FN_TRY(bind_join_with(b, &s->sources[middle], j));
    j->join.use_nulls = settings_of(b->ctx)->join_use_nulls;
    missing_sides(j->join.kind, &left, &right);
    const uint32_t border = j->inputs[0]->column_count;
    if (j->join.use_nulls && left) make_nullable(s, j, 0, border);
    if (j->join.use_nulls && right) make_nullable(s, j, border, j->column_count);
    if (f->using.count) FN_TRY(merge_using(b, s, j, pairs, f->using.count));
    *out = j;
    return FN_OK;
}
