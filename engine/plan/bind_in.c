/* bind_in.c - IN: a set of constants made now, a set computed from a subquery or table before the plan runs, or comparisons when the
 * elements are not constant. The left side is one value or a tuple, whose fields become the call's arguments in front of the set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
#include "plan/bind.h"

typedef struct in_job {
    binder *b;
    scope *s;
    const ast_expr *ast;
    bool negated;
    bool null_in;    /* the answer for NULL is 0 or 1 */
    bool with_nulls; /* NULL may be an element */
    expr *left;         /* as written */
    expr **keys;        /* the value, or the tuple's fields */
    uint32_t key_count;
    bool is_tuple;
} in_job;

/* ---- left side ---- */

static fn_status split_left(in_job *j)
{
    binder *b = j->b;
    const fn_type *t = j->left->type;
    j->is_tuple = t->id == FN_T_TUPLE;
    j->key_count = j->is_tuple ? t->arg_count : 1;
    j->keys = FN_NEW_ARRAY(b->ctx, expr *, j->key_count + 2);
    FN_TRY_PTR(b->ctx, j->keys);
    if (!j->is_tuple) {
        j->keys[0] = j->left;
        return FN_OK;
    }
    if (!j->key_count) return fn_fail(b->ctx, FN_NOT_IMPLEMENTED, "IN with an empty tuple at left is not supported");
    for (uint32_t i = 0; i < j->key_count; i++) {
        expr *args[2] = {j->left, expr_const_u64(b->ctx, i + 1)};
        FN_TRY_PTR(b->ctx, args[1]);
        if (plan_is_call(j->left, "tuple")) j->keys[i] = j->left->args[i];
        else FN_TRY(expr_call(b->ctx, "tupleElement", args, 2, &j->keys[i]));
    }
    return FN_OK;
}

/* The call over keys and set. */
static fn_status finish(in_job *j, expr *set, expr **out)
{
    static const char *const names[2][2] = {{"in", "notIn"}, {"nullIn", "notNullIn"}};
    static const char *const tuple_names[2] = {"tupleIn", "notTupleIn"};
    j->keys[j->key_count] = set;
    const char *name = j->is_tuple ? tuple_names[j->negated] : names[j->null_in][j->negated];
    return expr_call(j->b->ctx, name, j->keys, j->key_count + 1, out);
}

/* ---- constant sets ---- */

static void free_set(void *what)
{
    expr_set_free(what);
}

/* An element in the key's type; *out NULL: it can equal no value of that type. */
static fn_status convert_element(in_job *j, const fn_column *value, const fn_type *to, fn_column **out)
{
    fn_ctx *ctx = j->b->ctx;
    *out = NULL;
    if (fn_column_is_null(value, 0)) {
        if (!j->with_nulls || !fn_type_is_nullable(to)) return FN_OK;
        *out = fn_column_null(ctx, to, 1);
        return *out ? FN_OK : ctx->error.code;
    }
    const fn_type *target = fn_type_can_be_nullable(to) ? fn_type_nullable(to) : to;
    fn_column *c = NULL;
    fn_status status = expr_convert(ctx, value, target, CONVERT_OR_NULL, &c);
    if (status == FN_CANNOT_CONVERT_TYPE || status == FN_ILLEGAL_TYPE_OF_ARGUMENT) {
        fn_error_clear(ctx);
        return fn_fail(ctx, FN_TYPE_MISMATCH, "Cannot convert element of type %s in the set of IN to type %s", value->type->name, to->name);
    }
    FN_TRY(status);
    const bool lost = fn_column_is_null(c, 0);
    if (!lost) status = expr_convert(ctx, c, to, CONVERT_CAST, out);
    fn_column_drop(c);
    if (lost && fn_type_is_string(fn_type_base(value->type)) && !fn_type_is_string(fn_type_base(to))) {
        const fn_str text = fn_column_str_at(value, 0);
        return fn_fail(ctx, FN_TYPE_MISMATCH, "Cannot convert string '" FN_STR_FMT "' to type %s", FN_STR_ARG(text), to->name);
    }
    return status;
}

/* Keys of the set under construction: per key a list of 1-row columns. */
typedef struct set_parts {
    fn_column ***columns;
    uint32_t count, room;
} set_parts;

static void parts_release(set_parts *p, uint32_t keys)
{
    for (uint32_t k = 0; p->columns && k < keys; k++)
        for (uint32_t i = 0; p->columns[k] && i < p->count; i++) fn_column_drop(p->columns[k][i]);
}

static fn_status parts_init(in_job *j, set_parts *p, uint32_t room)
{
    p->columns = FN_NEW_ARRAY(j->b->ctx, fn_column **, j->key_count + 1);
    FN_TRY_PTR(j->b->ctx, p->columns);
    p->room = room;
    for (uint32_t k = 0; k < j->key_count; k++) {
        p->columns[k] = FN_NEW_ARRAY(j->b->ctx, fn_column *, room + 1);
        FN_TRY_PTR(j->b->ctx, p->columns[k]);
    }
    return FN_OK;
}

static const fn_type *key_type(const in_job *j, uint32_t k)
{
    const fn_type *t = fn_type_strip_low_cardinality(j->keys[k]->type);
    return j->with_nulls ? t : fn_type_strip_nullable(t);
}

static fn_status add_element(in_job *j, set_parts *p, const fn_column *value)
{
    fn_ctx *ctx = j->b->ctx;
    const fn_type *t = fn_type_base(value->type);
    if (!j->is_tuple) {
        FN_TRY(convert_element(j, value, key_type(j, 0), &p->columns[0][p->count]));
        p->count += p->columns[0][p->count] != NULL;
        return FN_OK;
    }
    if (t->id != FN_T_TUPLE) return fn_fail(ctx, FN_INCORRECT_ELEMENT_OF_SET, "Incorrect element of set: a tuple of %u is expected", j->key_count);
    if (t->arg_count != j->key_count) return fn_fail(ctx, FN_INCORRECT_ELEMENT_OF_SET, "Incorrect size of tuple in set: %u instead of %u", t->arg_count, j->key_count);
    size_t row = 0;
    const fn_column *flat = fn_column_at(value, &row);
    bool all = true;
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < j->key_count && status == FN_OK; k++) {
        fn_column *field = fn_column_repeat(ctx, flat->kids[k], row, 1);
        status = field ? convert_element(j, field, key_type(j, k), &p->columns[k][p->count]) : ctx->error.code;
        fn_column_drop(field);
        all &= p->columns[k][p->count] != NULL;
    }
    for (uint32_t k = 0; (!all || status != FN_OK) && k < j->key_count; k++) {
        fn_column_drop(p->columns[k][p->count]);
        p->columns[k][p->count] = NULL;
    }
    p->count += all && status == FN_OK;
    return status;
}

static fn_status seal_set(in_job *j, const set_parts *p, expr_cell *cell)
{
    fn_ctx *ctx = j->b->ctx;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, j->key_count + 1);
    fn_column **keys = FN_NEW_ARRAY(ctx, fn_column *, j->key_count + 1);
    if (!types || !keys) return ctx->error.code;
    for (uint32_t k = 0; k < j->key_count; k++) types[k] = key_type(j, k);
    FN_TRY(expr_set_new(ctx, types, j->key_count, &cell->set));
    FN_TRY(fn_arena_defer(ctx, ctx->arena, free_set, cell->set));
    fn_status status = FN_OK;
    for (uint32_t k = 0; p->count && k < j->key_count && status == FN_OK; k++) {
        keys[k] = fn_column_concat(ctx, p->columns[k], p->count);
        if (!keys[k]) status = ctx->error.code;
    }
    if (status == FN_OK) status = expr_set_add(ctx, cell->set, keys, p->count);
    for (uint32_t k = 0; k < j->key_count; k++) fn_column_drop(keys[k]);
    return status == FN_OK ? expr_set_seal(ctx, cell->set) : status;
}

static fn_status set_of(in_job *j, fn_column *const *values, uint32_t count, expr **out)
{
    fn_ctx *ctx = j->b->ctx;
    set_parts parts = {0};
    expr_cell *cell = FN_NEW(ctx, expr_cell);
    expr *set = FN_NEW(ctx, expr);
    if (!cell || !set) return ctx->error.code;
    *cell = (expr_cell){.type = fn_type_simple(FN_T_SET), .is_set = true};
    *set = (expr){.kind = EXPR_CELL, .type = cell->type, .cell = cell};
    FN_TRY(parts_init(j, &parts, count));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = add_element(j, &parts, values[i]);
    if (status == FN_OK) status = seal_set(j, &parts, cell);
    parts_release(&parts, j->key_count);
    return status == FN_OK ? finish(j, set, out) : status;
}

/* The items of a constant array as elements. */
static fn_status set_of_array(in_job *j, const fn_column *array, expr **out)
{
    uint32_t first, count;
    const fn_column *items = fn_column_items_at(array, 0, &first, &count);
    fn_column **values = FN_NEW_ARRAY(j->b->ctx, fn_column *, count + 1);
    FN_TRY_PTR(j->b->ctx, values);
    fn_status status = FN_OK;
    uint32_t made = 0;
    for (; made < count && status == FN_OK; made++) {
        values[made] = fn_column_repeat(j->b->ctx, items, first + made, 1);
        if (!values[made]) status = j->b->ctx->error.code;
    }
    if (status == FN_OK) status = set_of(j, values, count, out);
    for (uint32_t i = 0; i < made; i++) fn_column_drop(values[i]);
    return status;
}

/* The fields of a constant tuple as elements. */
static fn_status set_of_tuple(in_job *j, const fn_column *tuple, expr **out)
{
    size_t row = 0;
    const fn_column *flat = fn_column_at(tuple, &row);
    const uint32_t count = flat->kid_count;
    fn_column **values = FN_NEW_ARRAY(j->b->ctx, fn_column *, count + 1);
    FN_TRY_PTR(j->b->ctx, values);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        values[i] = fn_column_repeat(j->b->ctx, flat->kids[i], row, 1);
        if (!values[i]) status = j->b->ctx->error.code;
    }
    if (status == FN_OK) status = set_of(j, values, count, out);
    for (uint32_t i = 0; i < count; i++) fn_column_drop(values[i]);
    return status;
}

/* A constant at right: an array or tuple is a list of elements, unless it is itself an element for the left side. */
static fn_status set_of_constant(in_job *j, const expr *right, expr **out)
{
    fn_column *c = right->constant;
    const fn_type *t = fn_type_base(c->type);
    const bool nested = t->id == FN_T_TUPLE && t->arg_count && fn_type_base(t->args[0])->id == FN_T_TUPLE;
    const bool array_left = j->left->type->id == FN_T_ARRAY;
    if (t->id == FN_T_ARRAY && (!array_left || t->args[0]->id == FN_T_ARRAY || t->args[0]->id == FN_T_NOTHING)) return set_of_array(j, c, out);
    if (t->id == FN_T_TUPLE && (!j->is_tuple || nested)) return set_of_tuple(j, c, out);
    return set_of(j, &c, 1, out);
}

/* ---- elements written one by one ---- */

/* Membership in what is not constant is Nullable in ClickHouse. */
static fn_status finish_comparison(in_job *j, expr **out)
{
    if (j->negated) FN_TRY(expr_call(j->b->ctx, "not", out, 1, out));
    return fn_type_is_nullable((*out)->type) ? FN_OK : expr_cast(j->b->ctx, *out, fn_type_nullable((*out)->type), out);
}

static fn_status compare_each(in_job *j, expr *const *elements, uint32_t count, expr **out)
{
    expr **parts = FN_NEW_ARRAY(j->b->ctx, expr *, count + 1);
    FN_TRY_PTR(j->b->ctx, parts);
    for (uint32_t i = 0; i < count; i++) {
        expr *args[2] = {j->left, elements[i]};
        FN_TRY(expr_call(j->b->ctx, "equals", args, 2, &parts[i]));
    }
    *out = parts[0];
    if (count > 1) FN_TRY(expr_call(j->b->ctx, "or", parts, count, out));
    return finish_comparison(j, out);
}

/* (a, b, c) of constants in any mix of types, or with other expressions among them. */
static fn_status in_list(in_job *j, const ast_list *list, expr **out)
{
    expr **elements = FN_NEW_ARRAY(j->b->ctx, expr *, list->count + 1);
    fn_column **values = FN_NEW_ARRAY(j->b->ctx, fn_column *, list->count + 1);
    if (!elements || !values) return j->b->ctx->error.code;
    bool constant = true;
    for (uint32_t i = 0; i < list->count; i++) {
        FN_TRY(bind_expr(j->b, j->s, list->items[i], &elements[i]));
        constant &= elements[i]->kind == EXPR_CONST;
        values[i] = elements[i]->constant;
    }
    if (!constant) return compare_each(j, elements, list->count, out);
    const bool one_tuple = j->is_tuple && list->count && fn_type_base(values[0]->type)->id != FN_T_TUPLE;
    if (!one_tuple) return set_of(j, values, list->count, out);
    expr *tuple;
    FN_TRY(expr_call(j->b->ctx, "tuple", elements, list->count, &tuple));
    return set_of(j, &tuple->constant, 1, out);
}

/* ---- subqueries and tables ---- */

static fn_status check_columns(const in_job *j, const plan *p)
{
    if (p->column_count == j->key_count) return FN_OK;
    return fn_fail(j->b->ctx, FN_NUMBER_OF_COLUMNS_DOESNT_MATCH, "Number of columns in section IN doesn't match. %u at left, %u at right", j->key_count, p->column_count);
}

static fn_status in_subquery(in_job *j, const ast_query *q, expr **out)
{
    plan *p;
    scope *inner;
    expr *set;
    FN_TRY(bind_query(j->b, j->s, false, q, &p, &inner));
    if (inner->outer_count) return bind_in_correlated(j->b, j->s, inner, p, j->keys, j->key_count, j->negated, out);
    if (!j->is_tuple || p->column_count != 1 || p->columns[0].type->id != FN_T_TUPLE) {
        FN_TRY(check_columns(j, p));
    } else { /* a subquery of one tuple column: the tuple as a whole is the key */
        j->is_tuple = false;
        j->key_count = 1;
        j->keys[0] = j->left;
    }
    FN_TRY(bind_add_cell(j->b, p, true, false, fn_type_simple(FN_T_SET), &set));
    return finish(j, set, out);
}

static fn_status in_table(in_job *j, const ast_expr *name, expr **out)
{
    ast_expr star = {.kind = AST_ASTERISK}, *columns[1] = {&star};
    ast_from from = {.kind = FROM_TABLE, .as_set = true, .table = name->parts[name->part_count - 1]};
    if (name->part_count == 2) from.database = name->parts[0];
    ast_select *select = FN_NEW(j->b->ctx, ast_select);
    ast_from *copy = FN_NEW(j->b->ctx, ast_from);
    if (!select || !copy) return j->b->ctx->error.code;
    *copy = from;
    *select = (ast_select){.columns = {columns, 1}, .from = copy};
    const ast_query q = {.select = select};
    return in_subquery(j, &q, out);
}

fn_status bind_in(binder *b, scope *s, const ast_expr *e, expr **out)
{
    in_job j = {.b = b, .s = s, .ast = e};
    if (e->args.count != 2) return fn_fail(b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function '" FN_STR_FMT "' expects 2 arguments", FN_STR_ARG(e->text));
    j.negated = fn_str_starts(e->text, FN_STR("not")) || fn_str_starts(e->text, FN_STR("globalNot"));
    j.with_nulls = settings_of(b->ctx)->transform_null_in;
    j.null_in = j.with_nulls || fn_str_ends(e->text, FN_STR("ullIn"));
    FN_TRY(bind_expr(b, s, e->args.items[0], &j.left));
    FN_TRY(split_left(&j));
    if (fn_type_base(j.left->type)->id == FN_T_NOTHING && fn_type_is_nullable(j.left->type) && !j.with_nulls && e->args.items[1]->kind != AST_SUBQUERY) {
        *out = j.left; /* NULL IN (...) is NULL, nullIn(NULL, (...)) 0 */
        if (j.null_in) *out = expr_const_u64(b->ctx, j.negated);
        FN_TRY_PTR(b->ctx, *out);
        return FN_OK;
    }
    const ast_expr *right = e->args.items[1];
    if (right->kind == AST_SUBQUERY) return in_subquery(&j, right->subquery, out);
    if (right->kind == AST_FUNCTION && right->is_operator && (fn_str_eq(right->text, FN_STR("tuple")) || (fn_str_eq(right->text, FN_STR("array")) && j.left->type->id != FN_T_ARRAY)))
        return in_list(&j, &right->args, out);
    expr *value = NULL;
    if (right->kind == AST_IDENTIFIER) {
        FN_TRY(bind_lookup(b, s, right->parts, right->part_count, &value));
        if (!value) return in_table(&j, right, out);
    } else {
        FN_TRY(bind_expr(b, s, right, &value));
    }
    if (value->kind == EXPR_CONST) return set_of_constant(&j, value, out);
    if (value->type->id == FN_T_ARRAY) {
        expr *args[2] = {value, j.left};
        FN_TRY(expr_call(b->ctx, "has", args, 2, out));
        return finish_comparison(&j, out);
    }
    return compare_each(&j, &value, 1, out);
}
