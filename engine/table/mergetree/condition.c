/* condition.c - conjuncts as trees over intervals and sets of operands. See prune.h.
 *
 * A constant of another type than the column is used only when casting it changes nothing (equals(CAST(k, T), k) folds to 1), so
 * that the comparison means the same in the column's type. NOT is pushed to the leaves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/condition.h"

typedef struct maker {
    fn_ctx *ctx;
    mt_conditions *c;
    const mt_shape *shape; /* NULL: over an index's values */
} maker;

static fn_status make_node(maker *m, const expr *e, bool negated, mt_node **out);

static fn_status new_node(maker *m, mt_node_kind kind, mt_node **out)
{
    *out = FN_NEW(m->ctx, mt_node);
    FN_TRY_PTR(m->ctx, *out);
    (*out)->kind = kind;
    (*out)->next_made = m->c->made;
    m->c->made = *out;
    return FN_OK;
}

/* ---- operands ---- */

typedef struct monotonic {
    const char *name;
    bool of_time;    /* argument must be a date or time */
    int constant_at; /* index of a constant argument that must be a positive number; -1: constants are free */
} monotonic;
static const monotonic monotonic_functions[] = {
    {"toYYYYMM", true, -1}, {"toYYYYMMDD", true, -1}, {"toYYYYMMDDhhmmss", true, -1}, {"toYear", true, -1}, {"toDate", true, -1},
    {"toDate32", true, -1}, {"toDateTime", true, -1}, {"toUnixTimestamp", true, -1}, {"toStartOfYear", true, -1}, {"toStartOfQuarter", true, -1},
    {"toStartOfMonth", true, -1}, {"toStartOfWeek", true, -1}, {"toMonday", true, -1}, {"toStartOfDay", true, -1}, {"toStartOfHour", true, -1},
    {"toStartOfMinute", true, -1}, {"toStartOfSecond", true, -1}, {"toStartOfFiveMinutes", true, -1}, {"toStartOfTenMinutes", true, -1},
    {"toStartOfFifteenMinutes", true, -1}, {"toStartOfInterval", true, -1}, {"intDiv", false, 1},
};

static const monotonic *find_monotonic(const char *name)
{
    for (size_t i = 0; i < FN_COUNT(monotonic_functions); i++)
        if (strcmp(monotonic_functions[i].name, name) == 0) return &monotonic_functions[i];
    return NULL;
}

/* The one column below a chain of monotonic functions; -1 if e is no such chain. */
static int chain_column(const expr *e)
{
    if (e->kind == EXPR_COLUMN) return (int)e->column;
    if (e->kind != EXPR_CALL || e->arg_count == 0) return -1;
    const monotonic *m = find_monotonic(e->call->def->name);
    if (!m || (m->of_time && !fn_type_is_date_or_time(fn_type_base(e->args[0]->type)))) return -1;
    for (uint32_t i = 1; i < e->arg_count; i++)
        if (e->args[i]->kind != EXPR_CONST) return -1;
    if (m->constant_at >= 0) {
        if (e->arg_count <= (uint32_t)m->constant_at) return -1;
        const fn_type *t = fn_type_base(e->args[m->constant_at]->type);
        if (!fn_type_is_integer(t) || t->width > 8 || fn_column_i64_at(e->args[m->constant_at]->constant, 0) <= 0) return -1;
        if (!fn_type_is_integer(fn_type_base(e->args[0]->type))) return -1;
    }
    return chain_column(e->args[0]);
}

/* What of the table (schema index) or of the index (number of a value) the zones of e come from; -1: there are none. *direct: e is
 * that very thing, no function of it. */
static int zone_owner(const maker *m, const expr *e, bool *direct)
{
    const mt_index *ix = m->c->index;
    const int column = chain_column(e);
    *direct = e->kind == EXPR_COLUMN;
    for (uint32_t i = 0; ix && i < ix->value_count; i++) {
        *direct = expr_equal(ix->values[i], e);
        if (*direct || (column >= 0 && ix->values[i]->kind == EXPR_COLUMN && ix->values[i]->column == (column_id)column)) return (int)i;
    }
    if (ix || column < 0 || (uint32_t)column >= m->shape->schema->count || m->shape->stored_at[column] < 0) return -1;
    return column;
}

static fn_status find_operand(maker *m, const expr *e, int *out)
{
    bool direct;
    *out = -1;
    const int owner = zone_owner(m, e, &direct);
    if (owner < 0) return FN_OK;
    for (uint32_t i = 0; i < m->c->operand_count; i++) {
        if (expr_equal(m->c->operands[i].source, e)) {
            *out = (int)i;
            return FN_OK;
        }
    }
    if (m->c->operand_count == MT_OPERANDS_MAX) return FN_OK;
    mt_operand *o = &m->c->operands[m->c->operand_count];
    *o = (mt_operand){.source = e, .column = (uint32_t)owner, .type = fn_type_base(e->type)};
    if (o->type->phys == FN_PHYS_ARRAY || o->type->phys == FN_PHYS_TUPLE || o->type->phys == FN_PHYS_NOTHING) return FN_OK;
    if (!direct) {
        const column_id id = (column_id)chain_column(e);
        expr *copy = (expr *)(uintptr_t)e; /* expr_compile does not change it */
        FN_TRY(expr_compile(m->ctx, &copy, 1, &id, 1, &o->program));
    }
    *out = (int)m->c->operand_count++;
    return FN_OK;
}

/* ---- constants ---- */

static bool folds_to_one(fn_ctx *ctx, expr *a, expr *b)
{
    expr *pair[2] = {a, b}, *same;
    if (expr_call(ctx, "equals", pair, 2, &same) != FN_OK) {
        fn_error_clear(ctx);
        return false;
    }
    return same->kind == EXPR_CONST && !fn_column_is_null(same->constant, 0) && fn_column_u64_at(same->constant, 0) == 1;
}

static bool is_plain_integer(const fn_type *t)
{
    return fn_type_is_integer(t) && t->width <= sizeof(uint64_t) && t->id != FN_T_BOOL;
}

/* Integers compared with integers, which is what point queries ask, need no expressions. NULL without an error: not a value of the type. */
static fn_column *integer_as(fn_ctx *ctx, const fn_column *constant, const fn_type *have, const fn_type *type)
{
    const bool negative = !fn_type_is_unsigned(have) && fn_column_i64_at(constant, 0) < 0;
    const uint64_t value = fn_type_is_unsigned(have) ? fn_column_u64_at(constant, 0) : (uint64_t)fn_column_i64_at(constant, 0);
    const unsigned bits = 8 * type->width - !fn_type_is_unsigned(type);
    if (negative ? fn_type_is_unsigned(type) || ~value >> bits : bits < 64 && value >> bits) return NULL;
    fn_column *one = fn_column_const_u64(ctx, type, value, 1), *flat = one ? fn_column_flatten(ctx, one) : NULL;
    fn_column_drop(one);
    return flat;
}

fn_column *mt_constant_as(fn_ctx *ctx, expr *constant, const fn_type *type, bool equality)
{
    const fn_type *have = fn_type_base(constant->type);
    if (constant->kind != EXPR_CONST || fn_column_is_null(constant->constant, 0)) return NULL;
    if (is_plain_integer(have) && is_plain_integer(type)) return integer_as(ctx, constant->constant, have, type);
    const bool numbers = fn_type_is_number(have) && fn_type_is_number(type);
    const bool times = fn_type_is_date_or_time(have) && fn_type_is_date_or_time(type);
    const bool texts = have->id == FN_T_STRING && (fn_type_is_date_or_time(type) || type->id == FN_T_UUID || type->id == FN_T_IPV4 || type->id == FN_T_IPV6);
    const bool fixed = have->id == FN_T_STRING && equality && type->id == FN_T_FIXED_STRING && fn_column_str_at(constant->constant, 0).size <= type->width;
    const bool enums = have->id == FN_T_STRING && equality && (type->id == FN_T_ENUM8 || type->id == FN_T_ENUM16);
    if (have != type && !numbers && !times && !texts && !fixed && !enums) return NULL;
    expr *cast = constant;
    if (constant->type != type && expr_cast(ctx, constant, type, &cast) != FN_OK) {
        fn_error_clear(ctx); /* the comparison itself reports it, if it is an error */
        return NULL;
    }
    if (cast->kind != EXPR_CONST || fn_type_base(cast->type) != type || fn_column_is_null(cast->constant, 0)) return NULL;
    if (have != type && (numbers || times) && !folds_to_one(ctx, cast, constant)) return NULL;
    if (fn_type_is_float(type) && fn_column_f64_at(cast->constant, 0) != fn_column_f64_at(cast->constant, 0)) return NULL; /* NaN */
    return fn_column_flatten(ctx, cast->constant);
}

/* ---- leaves ---- */

typedef enum interval_side { SIDE_MIN = 1, SIDE_MAX = 2, SIDE_BOTH = 3 } interval_side;
static const struct comparison {
    const char *name;
    unsigned sides, swapped;
    bool open, negated;
} comparisons[] = {
    {"equals", SIDE_BOTH, SIDE_BOTH, false, false}, {"notEquals", SIDE_BOTH, SIDE_BOTH, false, true}, {"less", SIDE_MAX, SIDE_MIN, true, false},
    {"lessOrEquals", SIDE_MAX, SIDE_MIN, false, false}, {"greater", SIDE_MIN, SIDE_MAX, true, false}, {"greaterOrEquals", SIDE_MIN, SIDE_MAX, false, false},
};

static fn_status make_comparison(maker *m, const expr *e, const struct comparison *how, bool negated, mt_node **out)
{
    const bool swapped = e->args[0]->kind == EXPR_CONST;
    int operand;
    FN_TRY(find_operand(m, e->args[swapped], &operand));
    if (operand < 0) return FN_OK;
    fn_column *value = mt_constant_as(m->ctx, e->args[!swapped], m->c->operands[operand].type, how->sides == SIDE_BOTH);
    if (!value) return m->ctx->error.code;
    fn_status status = new_node(m, MT_NODE_RANGE, out);
    if (status == FN_OK) {
        const unsigned sides = swapped ? how->swapped : how->sides;
        (*out)->operand = (uint32_t)operand;
        (*out)->negated = negated != how->negated;
        (*out)->open = how->open;
        (*out)->min = sides & SIDE_MIN ? fn_column_ref(value) : NULL;
        (*out)->max = sides & SIDE_MAX ? fn_column_ref(value) : NULL;
    }
    fn_column_drop(value);
    return status;
}

/* The only value that is not equal to itself. IN finds it, zones and the order of the key do not know it. */
static bool has_nan(const fn_column *values, uint32_t count)
{
    for (uint32_t i = 0; fn_type_is_float(fn_type_base(values->type)) && i < count; i++) {
        const double v = fn_column_f64_at(values, i);
        if (v != v) return true;
    }
    return false;
}

static fn_status make_in(maker *m, const expr *e, bool negated, mt_node **out)
{
    const expr *set = e->args[1];
    const fn_column *values;
    uint32_t count;
    int operand;
    if (set->kind != EXPR_CELL || !set->cell->set || !expr_set_range(set->cell->set, &values, &count)) return FN_OK;
    FN_TRY(find_operand(m, e->args[0], &operand));
    if (operand < 0 || fn_type_base(values->type) != m->c->operands[operand].type || has_nan(values, count)) return FN_OK;
    FN_TRY(new_node(m, MT_NODE_SET, out));
    (*out)->operand = (uint32_t)operand;
    (*out)->negated = negated;
    (*out)->values = fn_column_ref(values);
    (*out)->value_count = count;
    return FN_OK;
}

static fn_status make_is_null(maker *m, const expr *e, bool negated, mt_node **out)
{
    int operand;
    FN_TRY(find_operand(m, e->args[0], &operand));
    if (operand < 0 || m->c->operands[operand].program) return FN_OK;
    FN_TRY(new_node(m, MT_NODE_NULL, out));
    (*out)->operand = (uint32_t)operand;
    (*out)->negated = negated;
    return FN_OK;
}

/* LIKE 'abc%' and startsWith(x, 'abc'): an interval that all matches lie in. */
static fn_status make_prefix(maker *m, const expr *e, bool is_like, mt_node **out)
{
    const expr *constant = e->args[1];
    int operand;
    if (constant->kind != EXPR_CONST || fn_type_base(constant->type)->id != FN_T_STRING || fn_column_is_null(constant->constant, 0)) return FN_OK;
    FN_TRY(find_operand(m, e->args[0], &operand));
    if (operand < 0 || m->c->operands[operand].type->id != FN_T_STRING) return FN_OK;
    const fn_str text = fn_column_str_at(constant->constant, 0);
    size_t size = 0;
    while (size < text.size && !(is_like && (text.data[size] == '%' || text.data[size] == '_' || text.data[size] == '\\'))) size++;
    char *after = size ? fn_arena_copy(m->ctx, m->ctx->arena, text.data, size) : NULL;
    if (!after) return size ? m->ctx->error.code : FN_OK;
    size_t end = size;
    while (end && (uint8_t)after[end - 1] == 0xff) end--;
    if (end) after[end - 1] = (char)((uint8_t)after[end - 1] + 1);
    FN_TRY(new_node(m, MT_NODE_RANGE, out));
    (*out)->operand = (uint32_t)operand;
    (*out)->weak = true;
    (*out)->open_max = true;
    (*out)->min = fn_column_const_str(m->ctx, fn_type_simple(FN_T_STRING), (fn_str){text.data, size}, 1);
    (*out)->max = end ? fn_column_const_str(m->ctx, fn_type_simple(FN_T_STRING), (fn_str){after, end}, 1) : NULL;
    return (*out)->min && (!end || (*out)->max) ? FN_OK : m->ctx->error.code;
}

/* ---- trees ---- */

static fn_status make_list(maker *m, const expr *e, bool is_and, bool negated, mt_node **out)
{
    FN_TRY(new_node(m, is_and != negated ? MT_NODE_AND : MT_NODE_OR, out));
    (*out)->kids = FN_NEW_ARRAY(m->ctx, mt_node *, FN_MAX(e->arg_count, 1));
    FN_TRY_PTR(m->ctx, (*out)->kids);
    for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(make_node(m, e->args[i], negated, &(*out)->kids[i]));
    (*out)->kid_count = e->arg_count;
    return FN_OK;
}

static fn_status make_call(maker *m, const expr *e, bool negated, mt_node **out)
{
    const char *name = e->call->def->name;
    if (strcmp(name, "and") == 0) return make_list(m, e, true, negated, out);
    if (strcmp(name, "or") == 0) return make_list(m, e, false, negated, out);
    if (strcmp(name, "not") == 0) return make_node(m, e->args[0], !negated, out);
    if (strcmp(name, "isNull") == 0) return make_is_null(m, e, negated, out);
    if (strcmp(name, "isNotNull") == 0) return make_is_null(m, e, !negated, out);
    if (e->arg_count != 2) return FN_OK;
    if (strcmp(name, "in") == 0 || strcmp(name, "globalIn") == 0) return make_in(m, e, negated, out);
    if (strcmp(name, "notIn") == 0 || strcmp(name, "globalNotIn") == 0) return make_in(m, e, !negated, out);
    if (!negated && strcmp(name, "like") == 0) return make_prefix(m, e, true, out);
    if (!negated && strcmp(name, "startsWith") == 0) return make_prefix(m, e, false, out);
    for (size_t i = 0; i < FN_COUNT(comparisons); i++)
        if (strcmp(name, comparisons[i].name) == 0) return make_comparison(m, e, &comparisons[i], negated, out);
    return FN_OK;
}

/* WHERE flag: not equal to zero. */
static fn_status make_flag(maker *m, const expr *e, bool negated, mt_node **out)
{
    int operand;
    FN_TRY(find_operand(m, e, &operand));
    if (operand < 0 || !(fn_type_is_integer(m->c->operands[operand].type) || m->c->operands[operand].type->id == FN_T_BOOL)) return FN_OK;
    fn_column *zero = fn_column_default(m->ctx, m->c->operands[operand].type, 1);
    FN_TRY_PTR(m->ctx, zero);
    const fn_status status = new_node(m, MT_NODE_RANGE, out);
    if (status == FN_OK) {
        (*out)->operand = (uint32_t)operand;
        (*out)->negated = !negated;
        (*out)->min = fn_column_ref(zero);
        (*out)->max = fn_column_ref(zero);
    }
    fn_column_drop(zero);
    return status;
}

static fn_status make_node(maker *m, const expr *e, bool negated, mt_node **out)
{
    *out = NULL;
    if (e->kind == EXPR_CALL) FN_TRY(make_call(m, e, negated, out));
    else if (e->kind == EXPR_COLUMN) FN_TRY(make_flag(m, e, negated, out));
    return *out ? FN_OK : new_node(m, MT_NODE_UNKNOWN, out);
}

/* Ends of key columns, out of the conjuncts that are plain leaves over them: what the sparse index is searched with. */
static void bound_keys(mt_conditions *c, const mt_shape *shape)
{
    for (uint32_t k = 0; k < shape->key_count && k < MT_KEYS_MAX; k++) {
        const uint32_t column = shape->stored[shape->part_keys[k]];
        for (uint32_t i = 0; i < c->count; i++) {
            const mt_node *n = c->roots[i];
            if ((n->kind != MT_NODE_RANGE && n->kind != MT_NODE_SET) || n->negated) continue;
            const mt_operand *o = &c->operands[n->operand];
            if (o->program || o->column != column) continue;
            const mt_bound low = n->kind == MT_NODE_SET ? (mt_bound){n->values, 0} : (mt_bound){n->min, 0};
            const mt_bound high = n->kind == MT_NODE_SET ? (mt_bound){n->values, n->value_count - 1} : (mt_bound){n->max, 0};
            mt_key_bound *b = &c->keys[k];
            if (low.column && (!b->low.column || fn_column_compare(low.column, low.row, b->low.column, b->low.row, true) > 0)) b->low = low;
            if (high.column && (!b->high.column || fn_column_compare(high.column, high.row, b->high.column, b->high.row, true) < 0)) b->high = high;
        }
        c->key_count = k + 1;
        if (!c->keys[k].low.column && !c->keys[k].high.column) return; /* what follows cannot be searched */
    }
}

static fn_status make(fn_ctx *ctx, const mt_shape *shape, const mt_index *index, expr *const *conjuncts, uint32_t count, mt_conditions **out)
{
    mt_conditions *c = FN_NEW(ctx, mt_conditions);
    FN_TRY_PTR(ctx, c);
    maker m = {ctx, c, shape};
    c->index = index;
    c->count = FN_MIN(count, (uint32_t)MT_CONJUNCTS_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
        if (make_node(&m, conjuncts[i], false, &c->roots[i]) != FN_OK) {
            mt_conditions_release(c);
            return ctx->error.code;
        }
    }
    if (shape) bound_keys(c, shape);
    *out = c;
    return FN_OK;
}

fn_status mt_conditions_make(fn_ctx *ctx, const mt_shape *shape, expr *const *conjuncts, uint32_t count, mt_conditions **out)
{
    return make(ctx, shape, NULL, conjuncts, count, out);
}

fn_status mt_conditions_make_index(fn_ctx *ctx, const mt_index *index, expr *const *conjuncts, uint32_t count, mt_conditions **out)
{
    return make(ctx, NULL, index, conjuncts, count, out);
}

static bool tells(const mt_node *n)
{
    switch (n->kind) {
    case MT_NODE_UNKNOWN: return false;
    case MT_NODE_AND:
        for (uint32_t i = 0; i < n->kid_count; i++)
            if (tells(n->kids[i])) return true;
        return false;
    case MT_NODE_OR:
        for (uint32_t i = 0; i < n->kid_count; i++)
            if (!tells(n->kids[i])) return false;
        return n->kid_count > 0;
    case MT_NODE_RANGE: case MT_NODE_SET: case MT_NODE_NULL: return true;
    }
    FN_IMPOSSIBLE("kind of a condition");
}

bool mt_conditions_tell(const mt_conditions *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (tells(c->roots[i])) return true;
    return false;
}

void mt_conditions_release(mt_conditions *c)
{
    for (mt_node *n = c ? c->made : NULL; n; n = n->next_made) {
        fn_column_drop(n->min);
        fn_column_drop(n->max);
        fn_column_drop(n->values);
        n->min = n->max = n->values = NULL;
    }
}
