/* estimate.c - rows and distinct values of plans. Base numbers come from the tables (rows and stats of the snapshot); where a table
 * knows nothing, the figures of Selinger's paper and what TPC-H and ClickBench queries turned out to need are used.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/estimate.h"
#include <math.h>

static const double unknown_rows = 10000, pass_equal = 0.02, pass_range = 0.3, pass_like = 0.1, pass_other = 0.3;

/* ---- where a column comes from ---- */

static const plan *scan_of(const plan *p, const expr *key, uint32_t *at)
{
    if (key->kind != EXPR_COLUMN) return NULL;
    for (;;) {
        if (p->kind == PLAN_SCAN) {
            for (*at = 0; *at < p->column_count; (*at)++)
                if (p->columns[*at].id == key->column) return p;
            return NULL;
        }
        if (p->kind == PLAN_PROJECT) {
            const expr *next = NULL;
            for (uint32_t i = 0; i < p->column_count; i++)
                if (p->project.items[i].id == key->column) next = p->project.items[i].value;
            if (!next || next->kind != EXPR_COLUMN) return NULL;
            key = next;
        }
        if (p->kind == PLAN_AGGREGATE) {
            const expr *next = NULL;
            for (uint32_t i = 0; i < p->aggregate.key_count; i++)
                if (p->aggregate.keys[i].id == key->column) next = p->aggregate.keys[i].value;
            if (!next || next->kind != EXPR_COLUMN) return NULL;
            key = next;
        }
        const plan *below = NULL;
        for (uint32_t i = 0; i < p->input_count && !below; i++)
            if (plan_has_column(p->inputs[i], key->column)) below = p->inputs[i];
        if (!below) return NULL;
        p = below;
    }
}

static bool stats_of(const plan *scan, uint32_t at, table_column_stats *out)
{
    const table_ops *ops = scan->scan.table->ops;
    *out = (table_column_stats){0};
    return ops->stats && ops->stats(scan->scan.snapshot, false, scan->scan.indexes[at], out);
}

static double table_rows(const plan *scan)
{
    uint64_t rows;
    const table_ops *ops = scan->scan.table->ops;
    return ops->rows && ops->rows(scan->scan.snapshot, scan->scan.final, &rows) ? (double)rows : unknown_rows;
}

static const expr *without_cast(const expr *e)
{
    while (plan_is_call(e, "_CAST") || plan_is_call(e, "CAST")) e = e->args[0];
    return e;
}

double plan_distinct(const plan *p, const expr *key)
{
    uint32_t at;
    table_column_stats stats;
    const double rows = p->rows_estimate > 0 ? p->rows_estimate : unknown_rows;
    const plan *scan = scan_of(p, without_cast(key), &at);
    if (!scan) return rows;
    double distinct = table_rows(scan);
    if (stats_of(scan, at, &stats)) {
        if (stats.distinct) distinct = (double)stats.distinct;
        const bool integers = stats.has_range && stats.min && stats.max && fn_type_is_integer(fn_type_base(stats.min->type)) && fn_type_base(stats.min->type)->width <= 8;
        if (integers) distinct = FN_MIN(distinct, (double)fn_column_i64_at(stats.max, 0) - (double)fn_column_i64_at(stats.min, 0) + 1);
    }
    return FN_MAX(1.0, FN_MIN(distinct, rows));
}

/* ---- how much of its rows a condition lets through ---- */

static const struct {
    const char *name;
    double pass;
} passes[] = {
    {"less", pass_range},  {"lessOrEquals", pass_range}, {"greater", pass_range}, {"greaterOrEquals", pass_range}, {"notEquals", 0.95}, {"like", pass_like},
    {"ilike", pass_like},  {"match", pass_like},         {"notLike", 0.9},        {"notIn", 0.9},                  {"isNull", 0.05},    {"isNotNull", 0.95},
    {"startsWith", pass_like},
};

/* Position of a constant between the column's least and greatest value: [0, 1]; < 0 unknown. */
static double position_in_range(const plan *p, const expr *column, const expr *constant)
{
    uint32_t at;
    table_column_stats stats;
    const plan *scan = scan_of(p, without_cast(column), &at);
    if (!scan || constant->kind != EXPR_CONST || !stats_of(scan, at, &stats) || !stats.has_range) return -1;
    const fn_type *t = fn_type_base(stats.min->type), *c = fn_type_base(constant->type);
    if (t != c && !(fn_type_is_integer(t) && fn_type_is_integer(c))) return -1;
    if (!(fn_type_is_integer(t) || fn_type_is_float(t) || t->id == FN_T_DATE || t->id == FN_T_DATE32 || t->id == FN_T_DATETIME) || t->width > 8 || c->width > 8) return -1;
    if (fn_column_is_null(constant->constant, 0)) return -1;
    const bool floating = fn_type_is_float(t);
    const double low = floating ? fn_column_f64_at(stats.min, 0) : (double)fn_column_i64_at(stats.min, 0);
    const double high = floating ? fn_column_f64_at(stats.max, 0) : (double)fn_column_i64_at(stats.max, 0);
    const double v = floating ? fn_column_f64_at(constant->constant, 0) : (double)fn_column_i64_at(constant->constant, 0);
    return high > low ? FN_MAX(0.0, FN_MIN(1.0, (v - low) / (high - low))) : -1;
}

static double pass_of(const plan *p, const expr *e)
{
    if (e->kind == EXPR_CONST) return 1;
    if (plan_is_call(e, "and") || plan_is_call(e, "or")) {
        const bool both = plan_is_call(e, "and");
        double pass = 1;
        for (uint32_t i = 0; i < e->arg_count; i++) pass *= both ? pass_of(p, e->args[i]) : 1 - pass_of(p, e->args[i]);
        return both ? pass : 1 - pass;
    }
    if (plan_is_call(e, "not")) return 1 - pass_of(p, e->args[0]);
    if (e->arg_count == 2 && plan_is_call(e, "equals")) {
        const expr *column = e->args[e->args[0]->kind == EXPR_CONST];
        const double d = plan_distinct(p, column);
        return column->kind == EXPR_COLUMN ? FN_MAX(1 / d, 1e-9) : pass_equal;
    }
    if (plan_is_call(e, "in")) {
        const expr_set *set = e->args[1]->kind == EXPR_CELL ? e->args[1]->cell->set : NULL;
        return set ? FN_MIN(0.5, (double)expr_set_rows(set) / plan_distinct(p, e->args[0])) : pass_other;
    }
    for (size_t i = 0; i < FN_COUNT(passes); i++) {
        if (!plan_is_call(e, passes[i].name)) continue;
        if (passes[i].pass != pass_range || e->arg_count != 2) return passes[i].pass;
        const bool swapped = e->args[0]->kind == EXPR_CONST, less = e->call->def->name[0] == 'l';
        const double at = position_in_range(p, e->args[swapped], e->args[!swapped]);
        return at < 0 ? pass_range : FN_MAX(1e-4, less != swapped ? at : 1 - at);
    }
    return pass_other;
}

/* ---- nodes ---- */

static double join_rows(const plan *p, double l, double r)
{
    double rows = l * r;
    for (uint32_t i = 0; i < p->join.key_count; i++) {
        if ((int)i == p->join.asof) continue;
        const double d = FN_MAX(plan_distinct(p->inputs[0], p->join.left_keys[i]), plan_distinct(p->inputs[1], p->join.right_keys[i]));
        rows /= i ? FN_MAX(1.0, sqrt(d)) : d; /* further keys are rarely independent */
    }
    if (p->join.residual) rows *= pass_other;
    switch (p->join.kind) {
    case PLAN_JOIN_INNER:
    case PLAN_JOIN_CROSS: return FN_MAX(1.0, p->join.any ? FN_MIN(rows, l) : rows);
    case PLAN_JOIN_SINGLE: return l;
    case PLAN_JOIN_LEFT: return p->join.any ? l : FN_MAX(rows, l);
    case PLAN_JOIN_RIGHT: return FN_MAX(rows, r);
    case PLAN_JOIN_FULL: return FN_MAX(rows, l + r);
    case PLAN_JOIN_SEMI_LEFT: return FN_MAX(1.0, FN_MIN(rows, l * 0.5));
    case PLAN_JOIN_SEMI_RIGHT: return FN_MAX(1.0, FN_MIN(rows, r * 0.5));
    case PLAN_JOIN_ANTI_LEFT: return FN_MAX(1.0, l * 0.5);
    case PLAN_JOIN_ANTI_RIGHT: return FN_MAX(1.0, r * 0.5);
    case PLAN_JOIN_MARK: return l;
    case PLAN_JOIN_PASTE: return FN_MIN(l, r);
    }
    FN_IMPOSSIBLE("join kind");
}

static double aggregate_rows(const plan *p, double in)
{
    double groups = 1;
    for (uint32_t i = 0; i < p->aggregate.key_count; i++) groups *= plan_distinct(p->inputs[0], p->aggregate.keys[i].value);
    return p->aggregate.key_count ? FN_MAX(1.0, FN_MIN(groups, in)) : 1;
}

static double scan_rows(plan *p)
{
    double rows = table_rows(p);
    p->rows_estimate = rows;
    for (uint32_t i = 0; i < p->scan.conjunct_count; i++) rows *= pass_of(p, p->scan.conjuncts[i]);
    for (uint32_t i = 0; i < p->scan.prewhere_count; i++) rows *= pass_of(p, p->scan.prewhere[i]);
    return p->scan.sample > 0 && p->scan.sample < 1 ? rows * p->scan.sample : rows;
}

static double node_rows(plan *p)
{
    double in = p->input_count ? plan_estimate(p->inputs[0]) : 0, sum = in;
    for (uint32_t i = 1; i < p->input_count; i++) sum += plan_estimate(p->inputs[i]);
    switch (p->kind) {
    case PLAN_SCAN: return scan_rows(p);
    case PLAN_VALUES:
        for (uint32_t i = 0; i < p->values.block_count; i++) sum += p->values.blocks[i]->rows;
        return sum;
    case PLAN_NUMBERS: return FN_MIN((double)p->numbers.count, 1e12);
    case PLAN_FILTER: return in * pass_of(p->inputs[0], p->filter.condition);
    case PLAN_AGGREGATE: return aggregate_rows(p, in);
    case PLAN_JOIN: return join_rows(p, in, p->inputs[1]->rows_estimate);
    case PLAN_LIMIT: return p->limit.limit_fraction > 0 ? in * p->limit.limit_fraction : FN_MIN(in, (double)p->limit.limit);
    case PLAN_LIMIT_BY:
    case PLAN_DISTINCT: return in * 0.5;
    case PLAN_UNION: return sum;
    case PLAN_ARRAY_JOIN: return in * 5;
    case PLAN_SHARED: return p->shared.shared->plan ? plan_estimate(p->shared.shared->plan) : unknown_rows;
    case PLAN_PROJECT:
    case PLAN_SORT:
    case PLAN_SET_OP:
    case PLAN_WINDOW:
    case PLAN_FILL: return in;
    }
    FN_IMPOSSIBLE("plan kind");
}

double plan_estimate(plan *p)
{
    p->rows_estimate = FN_MAX(1.0, node_rows(p));
    return p->rows_estimate;
}
