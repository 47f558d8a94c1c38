/* skip_index_match.c - what conditions ask of Bloom filters (bloom_filter, tokenbf_v1, ngrambf_v1): trees over leaves "one of these
 * groups of hashes is in it". A condition that says nothing about the values is UNKNOWN; so is every negation, because a filter
 * never knows that a value is there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/condition.h"
#include "table/mergetree/skip_index.h"

typedef enum match_kind { MATCH_UNKNOWN, MATCH_AND, MATCH_OR, MATCH_ANY } match_kind;
typedef struct match_group { /* all of them */
    const uint64_t *hashes;
    size_t count;
} match_group;
typedef struct match_node match_node;
struct match_node {
    match_kind kind;
    match_node **kids;
    uint32_t kid_count;
    match_group *groups; /* ANY: none is never true */
    uint32_t group_count;
};
struct skip_match {
    const mt_index *ix;
    uint32_t count;
    match_node **roots;
};

typedef struct maker {
    fn_ctx *ctx;
    const mt_index *ix;
    bool known; /* some condition is of a kind the index knows, even if this one says nothing */
} maker;

static fn_status make_node(maker *m, const expr *e, match_node **out);

static fn_status new_node(maker *m, match_kind kind, uint32_t room, match_node **out)
{
    *out = FN_NEW(m->ctx, match_node);
    FN_TRY_PTR(m->ctx, *out);
    (*out)->kind = kind;
    if (kind == MATCH_ANY) (*out)->groups = FN_NEW_ARRAY(m->ctx, match_group, room + 1u);
    else (*out)->kids = FN_NEW_ARRAY(m->ctx, match_node *, room + 1u);
    return (*out)->groups || (*out)->kids ? FN_OK : m->ctx->error.code;
}

/* ---- what an expression is to the index ---- */

static int find_value(const maker *m, const expr *e)
{
    for (uint32_t i = 0; i < m->ix->value_count; i++)
        if (expr_equal(m->ix->values[i], e)) return (int)i;
    return -1;
}

static bool is_call(const expr *e, const char *name, uint32_t args)
{
    return e->kind == EXPR_CALL && e->arg_count == args && strcmp(e->call->def->name, name) == 0;
}

/* The value that is function(of): mapKeys(m), lower(s). */
static int find_value_of(const maker *m, const char *function, const expr *of)
{
    for (uint32_t i = 0; i < m->ix->value_count; i++)
        if (is_call(m->ix->values[i], function, 1) && expr_equal(m->ix->values[i]->args[0], of)) return (int)i;
    return -1;
}

static const fn_type *item_type(const maker *m, int value)
{
    const fn_type *t = fn_type_base(m->ix->values[value]->type);
    return t->phys == FN_PHYS_ARRAY ? fn_type_base(t->items) : t;
}

static bool is_array(const maker *m, int value)
{
    return fn_type_base(m->ix->values[value]->type)->phys == FN_PHYS_ARRAY;
}

/* ---- groups ---- */

static fn_status close_group(maker *m, match_node *n, fn_buf *hashes)
{
    uint64_t *copy = FN_NEW_ARRAY(m->ctx, uint64_t, hashes->size / sizeof(uint64_t) + 1);
    FN_TRY_PTR(m->ctx, copy);
    if (hashes->size) memcpy(copy, hashes->data, hashes->size);
    n->groups[n->group_count++] = (match_group){copy, hashes->size / sizeof(uint64_t)};
    return FN_OK;
}

static fn_status add_text(maker *m, match_node *n, int value, fn_str text, skip_ends ends)
{
    fn_buf hashes = FN_BUF_INIT;
    fn_status status = skip_hash_text(m->ctx, m->ix, (uint32_t)value, text, ends, &hashes);
    if (status == FN_OK) status = close_group(m, n, &hashes);
    fn_buf_release(&hashes);
    return status;
}

/* A group for each row (all false), or one for all rows together. `values` has the item's type. */
static fn_status add_values(maker *m, match_node *n, int value, const fn_column *values, bool all)
{
    fn_buf hashes = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < values->rows && status == FN_OK; i++) {
        fn_column *one = fn_column_slice(m->ctx, values, i, 1);
        if (!all) hashes.size = 0;
        status = one ? skip_hash_column(m->ctx, m->ix, (uint32_t)value, one, &hashes) : m->ctx->error.code;
        fn_column_drop(one);
        if (!all && status == FN_OK) status = close_group(m, n, &hashes);
    }
    if (all && status == FN_OK) status = close_group(m, n, &hashes);
    fn_buf_release(&hashes);
    return status;
}

/* A constant of another type than the values: cast, if that changes nothing. *out NULL: it does. One reference. */
static fn_status constant_as(maker *m, const expr *constant, const fn_type *type, fn_column **out)
{
    *out = NULL;
    if (constant->kind != EXPR_CONST || fn_column_is_null(constant->constant, 0)) return FN_OK;
    *out = mt_constant_as(m->ctx, (expr *)(uintptr_t)constant, type, true); /* not changed */
    return *out ? FN_OK : m->ctx->error.code;
}

static fn_status make_constant(maker *m, int value, const expr *constant, match_node **out)
{
    fn_column *c;
    FN_TRY(constant_as(m, constant, item_type(m, value), &c));
    if (!c) return FN_OK;
    fn_status status = new_node(m, MATCH_ANY, 1, out);
    if (status == FN_OK) status = add_values(m, *out, value, c, true);
    fn_column_drop(c);
    return status;
}

/* The items of a constant array, in the type of the index's items; *out NULL: there is no such. One reference. */
static fn_status constant_items(maker *m, const expr *constant, const fn_type *type, fn_column **out)
{
    *out = NULL;
    if (constant->kind != EXPR_CONST || fn_type_base(constant->type)->phys != FN_PHYS_ARRAY || constant->type->id == FN_T_MAP) return FN_OK;
    uint32_t first, count;
    const fn_column *items = fn_column_items_at(constant->constant, 0, &first, &count);
    fn_builder b;
    FN_TRY(fn_builder_init(m->ctx, &b, type));
    fn_status status = FN_OK;
    bool fits = true;
    for (uint32_t i = 0; i < count && fits && status == FN_OK; i++) {
        fn_column *one = fn_column_slice(m->ctx, items, first + i, 1), *cast = NULL;
        expr *e = one ? expr_const(m->ctx, one) : NULL;
        status = e ? constant_as(m, e, type, &cast) : m->ctx->error.code;
        fits = cast != NULL;
        if (cast) status = fn_builder_copy(m->ctx, &b, cast, 0);
        fn_column_drop(cast);
    }
    if (status == FN_OK && fits) status = fn_builder_finish(m->ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

static fn_status make_items(maker *m, int value, const expr *constant, bool all, match_node **out)
{
    fn_column *items;
    FN_TRY(constant_items(m, constant, item_type(m, value), &items));
    if (!items) return FN_OK;
    fn_status status = new_node(m, MATCH_ANY, items->rows, out);
    if (status == FN_OK) status = add_values(m, *out, value, items, all);
    fn_column_drop(items);
    return status;
}

/* ---- leaves ---- */

/* m['k'] = v: the key is there, and the value, unless it is what a missing key gives. */
static fn_status make_element(maker *m, const expr *element, const expr *constant, match_node **out)
{
    const expr *map = element->args[0];
    if (fn_type_base(map->type)->id != FN_T_MAP || constant->kind != EXPR_CONST || element->args[1]->kind != EXPR_CONST) return FN_OK;
    fn_column *missing = fn_column_default(m->ctx, element->type, 1), *c;
    FN_TRY_PTR(m->ctx, missing);
    fn_status status = constant_as(m, constant, fn_type_base(element->type), &c);
    const bool says = c && (fn_column_is_null(missing, 0) || fn_column_compare(c, 0, missing, 0, true) != 0);
    fn_column_drop(missing);
    fn_column_drop(c);
    if (status != FN_OK || !says) return status;
    const int keys = find_value_of(m, "mapKeys", map), values = find_value_of(m, "mapValues", map);
    if (keys >= 0) return make_constant(m, keys, element->args[1], out);
    return values >= 0 ? make_constant(m, values, constant, out) : FN_OK;
}

static fn_status make_equals(maker *m, const expr *e, match_node **out)
{
    const bool swapped = e->args[0]->kind == EXPR_CONST;
    const expr *left = e->args[swapped], *right = e->args[!swapped];
    const int value = find_value(m, left);
    if (value < 0) return is_call(left, "arrayElement", 2) ? make_element(m, left, right, out) : FN_OK;
    return is_array(m, value) ? make_items(m, value, right, true, out) : make_constant(m, value, right, out);
}

/* m['k'] IN (...): the values' index, unless a missing key's value is among them. *out -1: none. */
static fn_status element_values(maker *m, const expr *e, const fn_column *values, int *out)
{
    *out = -1;
    if (!is_call(e, "arrayElement", 2) || fn_type_base(e->args[0]->type)->id != FN_T_MAP || fn_type_base(values->type) != fn_type_base(e->type)) return FN_OK;
    fn_column *missing = fn_column_default(m->ctx, e->type, 1);
    FN_TRY_PTR(m->ctx, missing);
    bool among = false;
    for (uint32_t i = 0; i < values->rows && !among; i++) among = fn_column_compare(values, i, missing, 0, true) == 0;
    fn_column_drop(missing);
    if (!among) *out = find_value_of(m, "mapValues", e->args[0]);
    return FN_OK;
}

static fn_status make_in(maker *m, const expr *e, match_node **out)
{
    enum { GROUPS_MAX = 10000 }; /* more values are asked in vain, granule by granule */
    const expr *set = e->args[1];
    const fn_column *values;
    uint32_t count;
    if (set->kind != EXPR_CELL || !set->cell->set || !expr_set_range(set->cell->set, &values, &count) || count > GROUPS_MAX) return FN_OK;
    int value = find_value(m, e->args[0]);
    const bool plain = value >= 0 && !is_array(m, value);
    if (!plain) FN_TRY(element_values(m, e->args[0], values, &value));
    if (value < 0 || fn_type_base(values->type) != item_type(m, value)) return FN_OK;
    FN_TRY(new_node(m, MATCH_ANY, count, out));
    return add_values(m, *out, value, values, false);
}

static fn_status make_has(maker *m, const expr *e, match_node **out)
{
    const expr *left = e->args[0], *right = e->args[1];
    int value = find_value(m, left);
    if (value >= 0 && is_array(m, value)) return make_constant(m, value, right, out);
    if (fn_type_base(left->type)->id == FN_T_MAP && (value = find_value_of(m, "mapKeys", left)) >= 0) return make_constant(m, value, right, out);
    value = find_value(m, right); /* has(['a', 'b'], column) */
    return value >= 0 && !is_array(m, value) ? make_items(m, value, left, false, out) : FN_OK;
}

static fn_status make_has_any(maker *m, const expr *e, match_node **out)
{
    const int value = find_value(m, e->args[0]);
    return value >= 0 && is_array(m, value) ? make_items(m, value, e->args[1], false, out) : FN_OK;
}

static fn_status make_has_all(maker *m, const expr *e, match_node **out)
{
    const int value = find_value(m, e->args[0]);
    return value >= 0 && is_array(m, value) ? make_items(m, value, e->args[1], true, out) : FN_OK;
}

static fn_status make_map_key(maker *m, const expr *e, match_node **out)
{
    const int value = find_value_of(m, "mapKeys", e->args[0]);
    return value >= 0 ? make_constant(m, value, e->args[1], out) : FN_OK;
}

static fn_status make_map_value(maker *m, const expr *e, match_node **out)
{
    const int value = find_value_of(m, "mapValues", e->args[0]);
    return value >= 0 ? make_constant(m, value, e->args[1], out) : FN_OK;
}

/* ---- leaves of texts ---- */

/* The constant text beside an indexed one; false: not of that kind. */
static bool text_pair(const maker *m, const expr *e, int *value, fn_str *text)
{
    if (!skip_is_text(m->ix)) return false;
    *value = find_value(m, e->args[0]);
    if (*value < 0 || is_array(m, *value) || e->args[1]->kind != EXPR_CONST || fn_column_is_null(e->args[1]->constant, 0)) return false;
    if (fn_type_base(e->args[1]->type)->id != FN_T_STRING) return false;
    *text = fn_column_str_at(e->args[1]->constant, 0);
    return true;
}

static fn_status make_text(maker *m, int value, fn_str text, skip_ends ends, match_node **out)
{
    FN_TRY(new_node(m, MATCH_ANY, 1, out));
    return add_text(m, *out, value, text, ends);
}

static fn_status make_starts(maker *m, const expr *e, match_node **out)
{
    int value;
    fn_str text;
    return text_pair(m, e, &value, &text) ? make_text(m, value, text, SKIP_OPEN_RIGHT, out) : FN_OK;
}

static fn_status make_ends(maker *m, const expr *e, match_node **out)
{
    int value;
    fn_str text;
    return text_pair(m, e, &value, &text) ? make_text(m, value, text, SKIP_OPEN_LEFT, out) : FN_OK;
}

static fn_status make_token(maker *m, const expr *e, match_node **out)
{
    int value;
    fn_str text;
    return text_pair(m, e, &value, &text) ? make_text(m, value, text, SKIP_WHOLE, out) : FN_OK;
}

/* hasTokenCaseInsensitive(s, 'X') over an index of lower(s). */
static fn_status make_folded_token(maker *m, const expr *e, match_node **out)
{
    const int value = skip_is_text(m->ix) ? find_value_of(m, "lower", e->args[0]) : -1;
    if (value < 0 || e->args[1]->kind != EXPR_CONST || fn_column_is_null(e->args[1]->constant, 0)) return FN_OK;
    const fn_str text = fn_column_str_at(e->args[1]->constant, 0);
    char *folded = fn_arena_copy(m->ctx, m->ctx->arena, text.data, text.size);
    FN_TRY_PTR(m->ctx, folded);
    for (size_t i = 0; i < text.size; i++)
        if (folded[i] >= 'A' && folded[i] <= 'Z') folded[i] = (char)(folded[i] + ('a' - 'A'));
    return make_text(m, value, (fn_str){folded, text.size}, SKIP_WHOLE, out);
}

/* LIKE: the runs between wildcards, each without its escapes; all of them are in the text. */
static fn_status make_like(maker *m, const expr *e, match_node **out)
{
    int value;
    fn_str pattern;
    fn_buf hashes = FN_BUF_INIT, run = FN_BUF_INIT;
    fn_status status = FN_OK;
    if (!text_pair(m, e, &value, &pattern)) return FN_OK;
    FN_TRY(new_node(m, MATCH_ANY, 1, out));
    unsigned ends = SKIP_WHOLE;
    for (size_t i = 0; i <= pattern.size && status == FN_OK; i++) {
        const char c = i < pattern.size ? pattern.data[i] : '%';
        if (c != '%' && c != '_') {
            const char next = i + 1 < pattern.size ? pattern.data[i + 1] : 0;
            const bool escape = c == '\\' && (next == '%' || next == '_' || next == '\\');
            status = fn_buf_byte(m->ctx, &run, escape ? next : c);
            i += escape;
            continue;
        }
        if (i < pattern.size) ends |= SKIP_OPEN_RIGHT;
        status = skip_hash_text(m->ctx, m->ix, (uint32_t)value, fn_buf_view(&run), (skip_ends)ends, &hashes);
        run.size = 0;
        ends = SKIP_OPEN_LEFT;
    }
    if (status == FN_OK) status = close_group(m, *out, &hashes);
    fn_buf_release(&hashes);
    fn_buf_release(&run);
    return status;
}

static fn_status make_search_any(maker *m, const expr *e, match_node **out)
{
    const int value = skip_is_text(m->ix) ? find_value(m, e->args[0]) : -1;
    const expr *needles = e->args[1];
    if (value < 0 || is_array(m, value) || needles->kind != EXPR_CONST || fn_type_base(needles->type)->id != FN_T_ARRAY) return FN_OK;
    uint32_t first, count;
    const fn_column *items = fn_column_items_at(needles->constant, 0, &first, &count);
    if (fn_type_base(items->type)->id != FN_T_STRING) return FN_OK;
    FN_TRY(new_node(m, MATCH_ANY, count, out));
    for (uint32_t i = 0; i < count; i++) FN_TRY(add_text(m, *out, value, fn_column_str_at(items, first + i), SKIP_OPEN));
    return FN_OK;
}

/* ---- trees ---- */

static fn_status make_list(maker *m, const expr *e, match_kind kind, match_node **out)
{
    FN_TRY(new_node(m, kind, e->arg_count, out));
    for (uint32_t i = 0; i < e->arg_count; i++) {
        match_node *kid;
        FN_TRY(make_node(m, e->args[i], &kid));
        if (kid->kind == MATCH_UNKNOWN && kind == MATCH_AND) continue; /* the others still hold */
        if (kid->kind == MATCH_UNKNOWN) (*out)->kind = MATCH_UNKNOWN;
        (*out)->kids[(*out)->kid_count++] = kid;
    }
    if ((*out)->kid_count == 0) (*out)->kind = MATCH_UNKNOWN;
    return FN_OK;
}

/* Over the index's texts, but never a reason to leave granules out. */
static fn_status make_vague(maker *m, const expr *e, match_node **out)
{
    (void)out;
    m->known |= skip_is_text(m->ix) && find_value(m, e->args[0]) >= 0;
    return FN_OK;
}

typedef fn_status make_leaf(maker *m, const expr *e, match_node **out);
static const struct {
    const char *name;
    make_leaf *make;
} leaves[] = {
    {"equals", make_equals}, {"in", make_in}, {"globalIn", make_in}, {"has", make_has}, {"hasAny", make_has_any}, {"hasAll", make_has_all},
    {"mapContainsKey", make_map_key}, {"mapContainsValue", make_map_value}, {"like", make_like}, {"startsWith", make_starts}, {"endsWith", make_ends},
    {"hasToken", make_token}, {"hasTokenOrNull", make_token}, {"hasTokenCaseInsensitive", make_folded_token},
    {"hasTokenCaseInsensitiveOrNull", make_folded_token}, {"multiSearchAny", make_search_any},
    {"notEquals", make_vague}, {"notIn", make_vague}, {"globalNotIn", make_vague}, {"notLike", make_vague}, {"match", make_vague},
};

/* A group without hashes is in every filter: the leaf says nothing. */
static bool is_vague(const match_node *n)
{
    for (uint32_t i = 0; i < n->group_count; i++)
        if (n->groups[i].count == 0) return true;
    return false;
}

static fn_status make_node(maker *m, const expr *e, match_node **out)
{
    *out = NULL;
    if (e->kind == EXPR_CALL && strcmp(e->call->def->name, "and") == 0) return make_list(m, e, MATCH_AND, out);
    if (e->kind == EXPR_CALL && strcmp(e->call->def->name, "or") == 0) return make_list(m, e, MATCH_OR, out);
    for (size_t i = 0; i < FN_COUNT(leaves) && e->kind == EXPR_CALL && e->arg_count == 2; i++) {
        if (strcmp(e->call->def->name, leaves[i].name) != 0) continue;
        FN_TRY(leaves[i].make(m, e, out));
        m->known |= *out != NULL;
        if (*out && !is_vague(*out)) return FN_OK;
    }
    if (e->kind == EXPR_CALL && strcmp(e->call->def->name, "not") == 0) FN_TRY(make_node(m, e->args[0], out)); /* known, perhaps */
    return new_node(m, MATCH_UNKNOWN, 0, out);
}

fn_status skip_match_make(fn_ctx *ctx, const mt_index *ix, expr *const *conjuncts, uint32_t count, skip_match **out)
{
    maker m = {.ctx = ctx, .ix = ix};
    skip_match *s = FN_NEW(ctx, skip_match);
    FN_TRY_PTR(ctx, s);
    *out = NULL;
    s->ix = ix;
    s->roots = FN_NEW_ARRAY(ctx, match_node *, count + 1u);
    FN_TRY_PTR(ctx, s->roots);
    for (uint32_t i = 0; i < count; i++) {
        match_node *root;
        FN_TRY(make_node(&m, conjuncts[i], &root));
        if (root->kind != MATCH_UNKNOWN) s->roots[s->count++] = root;
    }
    if (m.known) *out = s;
    return FN_OK;
}

static bool may(const skip_match *m, const match_node *n, const fn_skip_data *data, uint32_t granule)
{
    switch (n->kind) {
    case MATCH_UNKNOWN: return true;
    case MATCH_AND:
        for (uint32_t i = 0; i < n->kid_count; i++)
            if (!may(m, n->kids[i], data, granule)) return false;
        return true;
    case MATCH_OR:
        for (uint32_t i = 0; i < n->kid_count; i++)
            if (may(m, n->kids[i], data, granule)) return true;
        return false;
    case MATCH_ANY:
        for (uint32_t i = 0; i < n->group_count; i++)
            if (fn_skip_filter_has(data, &m->ix->shape, granule, n->groups[i].hashes, n->groups[i].count)) return true;
        return false;
    }
    FN_IMPOSSIBLE("kind of a condition");
}

bool skip_match_may(const skip_match *m, const fn_skip_data *data, uint32_t granule)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (!may(m, m->roots[i], data, granule)) return false;
    return true;
}
