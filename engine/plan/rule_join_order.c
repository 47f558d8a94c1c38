/* rule_join_order.c - the order of inner joins, and which side of a join the hash table is built over.
 *
 * A group of INNER and CROSS joins is taken apart into its inputs and conditions. The cheapest tree over them is found by dynamic
 * programming over subsets (at most 10 inputs; larger groups join greedily): cost is the sum of the rows all joins give plus the rows
 * hash tables are built over. Subsets without a condition between them are joined only when the whole cannot be joined otherwise. In the tree the
 * larger side is probed (left), the smaller one built (right).
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/estimate.h"
#include "plan/rule.h"
#include <math.h>

enum { INPUTS_DP = 10, INPUTS_MAX = 40 };

/* An equality between two sets of inputs, or another condition over a set. */
typedef struct link {
    expr *left, *right; /* right NULL: a condition by itself */
    uint64_t left_set, right_set;
    bool null_safe;
    double distinct;    /* of the larger side */
} link;

typedef struct group {
    fn_ctx *ctx;
    plan **inputs;
    uint32_t input_count;
    link *links;
    uint32_t link_count;
} group;

static bool joins_freely(const plan *p)
{
    return p->kind == PLAN_JOIN && (p->join.kind == PLAN_JOIN_INNER || p->join.kind == PLAN_JOIN_CROSS) && !p->join.any && p->join.asof < 0;
}

/* ---- taking apart ---- */

static fn_status add_input(group *g, plan *p)
{
    plan **slot = plan_grow(g->ctx, &g->inputs, &g->input_count, sizeof *slot);
    FN_TRY_PTR(g->ctx, slot);
    *slot = p;
    return FN_OK;
}

static fn_status add_link(group *g, expr *l, expr *r, bool null_safe)
{
    link *slot = plan_grow(g->ctx, &g->links, &g->link_count, sizeof *slot);
    FN_TRY_PTR(g->ctx, slot);
    slot->left = l;
    slot->right = r;
    slot->null_safe = null_safe;
    return FN_OK;
}

static fn_status take_apart(group *g, plan *p)
{
    if (!joins_freely(p)) return add_input(g, p);
    FN_TRY(take_apart(g, p->inputs[0]));
    FN_TRY(take_apart(g, p->inputs[1]));
    for (uint32_t i = 0; i < p->join.key_count; i++) FN_TRY(add_link(g, p->join.left_keys[i], p->join.right_keys[i], p->join.null_safe[i]));
    expr **parts = NULL;
    uint32_t count = 0;
    FN_TRY(plan_split_and(g->ctx, p->join.residual, &parts, &count));
    for (uint32_t i = 0; i < count; i++) FN_TRY(add_link(g, parts[i], NULL, false));
    return FN_OK;
}

static uint64_t set_of(const group *g, const expr *e)
{
    uint64_t set = 0;
    for (uint32_t i = 0; i < g->input_count; i++)
        if (plan_uses_any(g->inputs[i], e)) set |= (uint64_t)1 << i;
    return set;
}

static void measure(group *g)
{
    for (uint32_t i = 0; i < g->input_count; i++) (void)plan_estimate(g->inputs[i]);
    for (uint32_t i = 0; i < g->link_count; i++) {
        link *l = &g->links[i];
        l->left_set = set_of(g, l->left);
        l->right_set = l->right ? set_of(g, l->right) : 0;
        l->distinct = 1;
        for (uint32_t k = 0; l->right && k < g->input_count; k++) {
            if (l->left_set == (uint64_t)1 << k) l->distinct = FN_MAX(l->distinct, plan_distinct(g->inputs[k], l->left));
            if (l->right_set == (uint64_t)1 << k) l->distinct = FN_MAX(l->distinct, plan_distinct(g->inputs[k], l->right));
        }
    }
}

/* ---- rows of a subset ---- */

static bool connects(const link *l, uint64_t x, uint64_t y)
{
    if (!l->right || !l->left_set || !l->right_set) return false;
    return ((l->left_set & ~x) == 0 && (l->right_set & ~y) == 0) || ((l->left_set & ~y) == 0 && (l->right_set & ~x) == 0);
}

static bool linked(const group *g, uint64_t x, uint64_t y)
{
    for (uint32_t i = 0; i < g->link_count; i++)
        if (connects(&g->links[i], x, y)) return true;
    return false;
}

/* Rows of joining x and y. Several equalities between the same sides are rarely independent: the strongest counts in full. */
static double rows_of(const group *g, uint64_t x, uint64_t y, double rows_x, double rows_y)
{
    double rows = rows_x * rows_y, strongest = 1, others = 1;
    for (uint32_t i = 0; i < g->link_count; i++) {
        const link *l = &g->links[i];
        if (connects(l, x, y)) {
            others *= sqrt(FN_MIN(l->distinct, strongest));
            strongest = FN_MAX(strongest, l->distinct);
        } else if (!l->right && (l->left_set & ~(x | y)) == 0 && (l->left_set & x) && (l->left_set & y)) {
            rows *= 0.3;
        }
    }
    return FN_MAX(1.0, rows / strongest / others);
}

/* ---- search ---- */

typedef struct best {
    double cost, rows;
    uint64_t left; /* the probe side's subset; 0: a single input */
    bool known;
} best;

static void try_pair(const group *g, best *found, uint64_t x, uint64_t y)
{
    const best *l = &found[x], *r = &found[y];
    best *to = &found[x | y];
    const double rows = rows_of(g, x, y, l->rows, r->rows);
    const double cost = l->cost + r->cost + rows + 2 * FN_MIN(l->rows, r->rows) + 0.2 * FN_MAX(l->rows, r->rows);
    if (to->known && cost >= to->cost) return;
    *to = (best){cost, rows, l->rows >= r->rows ? x : y, true};
}

/* crosses: subsets without a condition between their parts are joined as well. */
static void search(const group *g, best *found, bool crosses)
{
    const uint64_t all = ((uint64_t)1 << g->input_count) - 1;
    for (uint32_t i = 0; i < g->input_count; i++) found[(uint64_t)1 << i] = (best){0, g->inputs[i]->rows_estimate, 0, true};
    for (uint64_t set = 1; set <= all; set++) {
        if ((set & (set - 1)) == 0) continue;
        for (uint64_t x = (set - 1) & set; x; x = (x - 1) & set) {
            const uint64_t y = set & ~x;
            if (x > y && found[x].known && found[y].known && (linked(g, x, y) || crosses)) try_pair(g, found, x, y);
        }
    }
}

/* ---- building ---- */

static fn_status attach(group *g, plan *j, uint64_t x, uint64_t y, bool *used)
{
    for (uint32_t i = 0; i < g->link_count; i++) {
        const link *l = &g->links[i];
        const uint64_t both = l->left_set | l->right_set;
        if (used[i] || (both & ~(x | y))) continue;
        used[i] = true;
        if (!connects(l, x, y)) {
            expr *e = l->left, *pair[2] = {l->left, l->right};
            if (l->right) FN_TRY(expr_call(g->ctx, l->null_safe ? "isNotDistinctFrom" : "equals", pair, 2, &e));
            FN_TRY(expr_and(g->ctx, j->join.residual, e, &j->join.residual));
            continue;
        }
        uint32_t n = j->join.key_count, m = n;
        const bool straight = (l->left_set & ~x) == 0;
        expr **left = plan_grow(g->ctx, &j->join.left_keys, &j->join.key_count, sizeof *left);
        expr **right = plan_grow(g->ctx, &j->join.right_keys, &n, sizeof *right);
        bool *safe = plan_grow(g->ctx, &j->join.null_safe, &m, sizeof *safe);
        if (!left || !right || !safe) return g->ctx->error.code;
        *left = straight ? l->left : l->right;
        *right = straight ? l->right : l->left;
        *safe = l->null_safe;
    }
    j->join.kind = j->join.key_count || j->join.residual ? PLAN_JOIN_INNER : PLAN_JOIN_CROSS;
    return FN_OK;
}

static fn_status join_of(group *g, plan *l, plan *r, uint64_t x, uint64_t y, bool *used, plan **out)
{
    plan *j = plan_new(g->ctx, PLAN_JOIN, 2);
    FN_TRY_PTR(g->ctx, j);
    j->inputs[0] = l;
    j->inputs[1] = r;
    j->join.asof = -1;
    j->columns = FN_NEW_ARRAY(g->ctx, plan_column, l->column_count + r->column_count + 1);
    FN_TRY_PTR(g->ctx, j->columns);
    if (l->column_count) memcpy(j->columns, l->columns, l->column_count * sizeof *j->columns);
    if (r->column_count) memcpy(j->columns + l->column_count, r->columns, r->column_count * sizeof *j->columns);
    j->column_count = l->column_count + r->column_count;
    *out = j;
    return attach(g, j, x, y, used);
}

static fn_status build(group *g, const best *found, uint64_t set, bool *used, plan **out)
{
    if ((set & (set - 1)) == 0) {
        *out = g->inputs[__builtin_ctzll(set)];
        return FN_OK;
    }
    plan *l, *r;
    const uint64_t x = found[set].left, y = set & ~x;
    FN_TRY(build(g, found, x, used, &l));
    FN_TRY(build(g, found, y, used, &r));
    FN_TRY(join_of(g, l, r, x, y, used, out));
    (*out)->rows_estimate = found[set].rows;
    return FN_OK;
}

/* Larger groups: again and again the pair that gives the fewest rows. */
static fn_status greedy(group *g, bool *used, plan **out)
{
    uint64_t sets[INPUTS_MAX];
    plan *trees[INPUTS_MAX];
    uint32_t n = g->input_count;
    for (uint32_t i = 0; i < n; i++) {
        sets[i] = (uint64_t)1 << i;
        trees[i] = g->inputs[i];
    }
    while (n > 1) {
        uint32_t x = 0, y = 1;
        double fewest = -1;
        bool found = false;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t k = i + 1; k < n; k++) {
                const bool link_there = linked(g, sets[i], sets[k]);
                const double rows = rows_of(g, sets[i], sets[k], trees[i]->rows_estimate, trees[k]->rows_estimate);
                if ((found && !link_there) || (found == link_there && fewest >= 0 && rows >= fewest)) continue;
                x = i;
                y = k;
                fewest = rows;
                found = link_there;
            }
        const bool swap = trees[x]->rows_estimate < trees[y]->rows_estimate;
        const uint32_t l = swap ? y : x, r = swap ? x : y;
        plan *j;
        FN_TRY(join_of(g, trees[l], trees[r], sets[l], sets[r], used, &j));
        j->rows_estimate = fewest;
        trees[x] = j;
        sets[x] |= sets[y];
        trees[y] = trees[n - 1];
        sets[y] = sets[--n];
    }
    *out = trees[0];
    return FN_OK;
}

/* Links over no input at all (constants) hold or fail for every row: a filter above. */
static fn_status rest_above(group *g, const bool *used, plan **p)
{
    expr *rest = NULL;
    for (uint32_t i = 0; i < g->link_count; i++) {
        expr *e = g->links[i].left, *pair[2] = {g->links[i].left, g->links[i].right};
        if (used[i]) continue;
        if (g->links[i].right) FN_TRY(expr_call(g->ctx, g->links[i].null_safe ? "isNotDistinctFrom" : "equals", pair, 2, &e));
        FN_TRY(expr_and(g->ctx, rest, e, &rest));
    }
    return rest ? plan_filter_over(g->ctx, *p, rest, p) : FN_OK;
}

static fn_status reorder(fn_ctx *ctx, plan_query *q, plan **p)
{
    group g = {.ctx = ctx};
    FN_TRY(take_apart(&g, *p));
    for (uint32_t i = 0; i < g.input_count; i++) FN_TRY(rule_join_order(ctx, q, &g.inputs[i]));
    if (g.input_count > INPUTS_MAX) return FN_OK;
    measure(&g);
    bool *used = FN_NEW_ARRAY(ctx, bool, g.link_count + 1);
    FN_TRY_PTR(ctx, used);
    if (g.input_count > INPUTS_DP) {
        FN_TRY(greedy(&g, used, p));
    } else {
        best *found = FN_NEW_ARRAY(ctx, best, (size_t)1 << g.input_count);
        FN_TRY_PTR(ctx, found);
        const uint64_t all = ((uint64_t)1 << g.input_count) - 1;
        search(&g, found, false);
        if (!found[all].known) search(&g, found, true);
        FN_TRY(build(&g, found, all, used, p));
    }
    return rest_above(&g, used, p);
}

/* Joins whose order is given: the hash table is built over the left side when it is clearly the smaller one. Then the scans of the
 * right side can drop what matches no key: the groups of an unnested subquery, say, that nobody asks for. */
static void choose_side(plan *p)
{
    const plan_join_kind k = p->join.kind;
    const bool may = k == PLAN_JOIN_LEFT || k == PLAN_JOIN_RIGHT || k == PLAN_JOIN_FULL || k == PLAN_JOIN_SEMI_LEFT || k == PLAN_JOIN_ANTI_LEFT ||
                     k == PLAN_JOIN_SEMI_RIGHT || k == PLAN_JOIN_ANTI_RIGHT || k == PLAN_JOIN_SINGLE;
    (void)plan_estimate(p);
    p->join.build_left = may && !p->join.any && p->join.asof < 0 && p->join.key_count && p->inputs[0]->rows_estimate * 2 < p->inputs[1]->rows_estimate;
}

fn_status rule_join_order(fn_ctx *ctx, plan_query *q, plan **p)
{
    plan *n = *p;
    if (joins_freely(n)) return reorder(ctx, q, p);
    for (uint32_t i = 0; i < n->input_count; i++) FN_TRY(rule_join_order(ctx, q, &n->inputs[i]));
    if (n->kind == PLAN_JOIN) choose_side(n);
    return FN_OK;
}
