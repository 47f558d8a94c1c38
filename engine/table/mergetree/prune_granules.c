/* prune_granules.c - conditions asked about granules of one part: zone maps, then the sparse index. See prune.h.
 * NaN is outside the zones, so an interval over floats is never known to hold for all rows, and its negation not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/condition.h"

typedef struct operand_zones {
    const fn_column *min, *max; /* NULL: nothing is known */
    fn_column *own_min, *own_max;
    const uint8_t *valid;
    const uint32_t *nulls;
    bool exact, is_float;
} operand_zones;

struct mt_pruner {
    const mt_conditions *conditions;
    const fn_part *data;
    const fn_block *index;      /* NULL: the key columns are not usable */
    uint32_t key_count;
    uint64_t granule_rows;
    operand_zones zones[MT_OPERANDS_MAX];
};

static fn_column *run_over(fn_ctx *ctx, const expr_program *program, const fn_column *in)
{
    fn_column *out = NULL;
    fn_block *b = fn_block_new(ctx, 1, in->rows);
    if (!b) return NULL;
    b->columns[0] = fn_column_ref(in);
    if (expr_run(ctx, program, b, &out) != FN_OK) fn_error_clear(ctx); /* a value the function refuses: no pruning by it */
    fn_block_drop(b);
    return out;
}

/* Functions of dates rise with their argument only where the narrow types hold it: outside of 1970 .. 2106 toDate and toDateTime
 * of a Date32 or DateTime64 wrap around. */
static bool within_narrow_dates(const fn_column *c)
{
    if (c->type->id != FN_T_DATE32 && c->type->id != FN_T_DATETIME64) return true;
    int64_t most = c->type->id == FN_T_DATE32 ? UINT32_MAX / 86400 : UINT32_MAX;
    for (unsigned i = 0; i < c->type->scale && c->type->id == FN_T_DATETIME64; i++) most *= 10; /* 2^32 * 10^9 fits */
    for (uint32_t i = 0; i < c->rows; i++) {
        const int64_t v = fn_column_i64_at(c, i);
        if (v < 0 || v > most) return false;
    }
    return true;
}

/* Bounds of the column (or value) to bounds of the operand over it. */
static fn_status use_zones(fn_ctx *ctx, const mt_operand *o, const fn_column *min, const fn_column *max, bool nullable, operand_zones *out)
{
    if (!o->program) {
        out->min = min;
        out->max = max;
        return FN_OK;
    }
    if (nullable) return FN_OK; /* the program wants the column's own type */
    if (!min || !within_narrow_dates(min) || !within_narrow_dates(max)) return FN_OK;
    out->own_min = run_over(ctx, o->program, min);
    out->own_max = out->own_min ? run_over(ctx, o->program, max) : NULL;
    out->min = out->own_max ? out->own_min : NULL;
    out->max = out->own_max;
    return FN_OK;
}

static fn_status load_zones(fn_ctx *ctx, const mt_operand *o, const mt_reader *reader, operand_zones *out)
{
    const int place = reader->places[o->column];
    const fn_part_zones *z;
    if (place < 0 || (reader->casts && reader->casts[o->column])) return FN_OK;
    FN_TRY(fn_part_zones_of(ctx, reader->data, (uint32_t)place, &z));
    out->nulls = z->nulls;
    out->valid = z->valid;
    out->exact = z->exact;
    out->is_float = fn_type_is_float(o->type);
    if (!z->has_range) return FN_OK;
    return use_zones(ctx, o, z->min, z->max, fn_type_is_nullable(reader->shape->schema->columns[o->column].type), out);
}

/* The bounds of an index's value, whose type the zones have without Nullable and LowCardinality. */
static fn_status load_bounds(fn_ctx *ctx, const mt_operand *o, const mt_index *ix, const fn_skip_data *skip, operand_zones *out)
{
    const fn_skip_bounds *b = &skip->bounds[o->column];
    uint32_t *nulls = FN_NEW_ARRAY(ctx, uint32_t, skip->granules + 1u);
    FN_TRY_PTR(ctx, nulls);
    for (uint32_t i = 0; i < skip->granules; i++) nulls[i] = fn_load_u32(b->nulls + (size_t)i * sizeof *nulls);
    *out = (operand_zones){.nulls = nulls, .valid = b->valid, .exact = true, .is_float = fn_type_is_float(o->type)};
    return use_zones(ctx, o, b->min, b->max, fn_type_is_nullable(ix->values[o->column]->type), out);
}

fn_status mt_pruner_make(fn_ctx *ctx, const mt_conditions *c, const mt_reader *reader, mt_pruner **out)
{
    mt_pruner *p = FN_NEW(ctx, mt_pruner);
    FN_TRY_PTR(ctx, p);
    p->conditions = c;
    p->data = reader->data;
    p->granule_rows = FN_GRANULE_ROWS;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < c->operand_count && status == FN_OK; i++) status = load_zones(ctx, &c->operands[i], reader, &p->zones[i]);
    if (c->key_count && fn_part_index(reader->data)) {
        const fn_block *index = fn_part_index(reader->data);
        const mt_shape *s = reader->shape;
        while (p->key_count < c->key_count && p->key_count < index->count) {
            const uint32_t column = s->stored[s->part_keys[p->key_count]];
            if (fn_type_base(index->columns[p->key_count]->type) != fn_type_base(s->schema->columns[column].type)) break;
            p->key_count++;
        }
        p->index = p->key_count ? index : NULL;
    }
    *out = p;
    if (status != FN_OK) mt_pruner_release(p);
    return status;
}

fn_status mt_pruner_make_index(fn_ctx *ctx, const mt_conditions *c, const fn_part *data, const fn_skip_data *skip, mt_pruner **out)
{
    mt_pruner *p = FN_NEW(ctx, mt_pruner);
    FN_TRY_PTR(ctx, p);
    p->conditions = c;
    p->data = data;
    p->granule_rows = (uint64_t)c->index->granularity * FN_GRANULE_ROWS;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < c->operand_count && status == FN_OK; i++) status = load_bounds(ctx, &c->operands[i], c->index, skip, &p->zones[i]);
    if (status == FN_OK) *out = p;
    else mt_pruner_release(p);
    return status;
}

void mt_pruner_release(mt_pruner *p)
{
    for (uint32_t i = 0; i < MT_OPERANDS_MAX; i++) {
        fn_column_drop(p->zones[i].own_min);
        fn_column_drop(p->zones[i].own_max);
        p->zones[i].own_min = p->zones[i].own_max = NULL;
    }
}

/* ---- the sparse index ---- */

/* Order of index row `row` against the lower (or upper) ends of the key columns; 0 when nothing tells them apart. */
static int compare_ends(const mt_pruner *p, uint32_t row, bool high)
{
    for (uint32_t k = 0; k < p->key_count; k++) {
        const mt_key_bound *b = &p->conditions->keys[k];
        const mt_bound end = high ? b->high : b->low, other = high ? b->low : b->high;
        if (!end.column) return 0;
        const int order = fn_column_compare(p->index->columns[k], row, end.column, end.row, true);
        if (order) return order;
        if (!other.column || fn_column_compare(end.column, end.row, other.column, other.row, true) != 0) return 0; /* not a point: the next column is free */
    }
    return 0;
}

void mt_prune_index(const mt_pruner *p, uint32_t *first, uint32_t *end)
{
    const uint32_t granules = fn_part_granules(p->data);
    *first = 0;
    *end = granules;
    if (!p->index) return;
    uint32_t low = 0, high = granules; /* first granule whose first row is not below the lower end */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (compare_ends(p, middle, false) < 0) low = middle + 1;
        else high = middle;
    }
    *first = low ? low - 1 : 0; /* rows before its first row may be inside */
    if (low == granules && granules && compare_ends(p, granules, false) < 0) *first = granules; /* even the part's last row is below */
    low = *first, high = granules;  /* first granule whose first row is above the upper end */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (compare_ends(p, middle, true) <= 0) low = middle + 1;
        else high = middle;
    }
    *end = low;
}

/* ---- zones ---- */

static mt_truth range_truth(const mt_node *n, const operand_zones *z, uint32_t g)
{
    bool inside = !n->weak && z->exact && !z->is_float;
    if (n->min) {
        const int top = fn_column_compare(z->max, g, n->min, 0, true);
        if (top < 0 || (top == 0 && n->open)) return MT_NEVER;
        const int bottom = fn_column_compare(z->min, g, n->min, 0, true);
        inside = inside && (bottom > 0 || (bottom == 0 && !n->open));
    }
    if (n->max) {
        const bool open = n->open || n->open_max;
        const int bottom = fn_column_compare(z->min, g, n->max, 0, true);
        if (bottom > 0 || (bottom == 0 && open)) return MT_NEVER;
        const int top = fn_column_compare(z->max, g, n->max, 0, true);
        inside = inside && (top < 0 || (top == 0 && !open));
    }
    return inside ? MT_ALWAYS : MT_MAYBE;
}

static mt_truth set_truth(const mt_node *n, const operand_zones *z, uint32_t g)
{
    uint32_t low = 0, high = n->value_count; /* first value not below the zone */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (fn_column_compare(n->values, middle, z->min, g, true) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == n->value_count || fn_column_compare(n->values, low, z->max, g, true) > 0) return MT_NEVER;
    const bool point = z->exact && !z->is_float && fn_column_compare(z->min, g, z->max, g, true) == 0;
    return point && fn_column_compare(n->values, low, z->min, g, true) == 0 ? MT_ALWAYS : MT_MAYBE;
}

static mt_truth leaf_truth(const mt_pruner *p, const mt_node *n, uint32_t g)
{
    const operand_zones *z = &p->zones[n->operand];
    const uint64_t from = g * p->granule_rows, rows = FN_MIN(fn_part_rows(p->data) - from, p->granule_rows);
    if (!z->nulls) return MT_MAYBE;
    const uint32_t nulls = z->nulls[g];
    if (n->kind == MT_NODE_NULL) {
        const mt_truth t = nulls == 0 ? MT_NEVER : nulls == rows ? MT_ALWAYS : MT_MAYBE;
        return n->negated ? (mt_truth)(MT_ALWAYS - t) : t;
    }
    if (nulls == rows) return MT_NEVER;
    if (!z->min || !z->valid || !z->valid[g]) return MT_MAYBE;
    mt_truth t = n->kind == MT_NODE_SET ? set_truth(n, z, g) : range_truth(n, z, g);
    if (n->negated) {
        if (z->is_float || n->weak) return MT_MAYBE;
        t = (mt_truth)(MT_ALWAYS - t);
    }
    return t == MT_ALWAYS && nulls ? MT_MAYBE : t;
}

static mt_truth node_truth(const mt_pruner *p, const mt_node *n, uint32_t g)
{
    const bool is_and = n->kind == MT_NODE_AND;
    mt_truth all = is_and ? MT_ALWAYS : MT_NEVER;
    switch (n->kind) {
    case MT_NODE_UNKNOWN: return MT_MAYBE;
    case MT_NODE_AND: case MT_NODE_OR:
        for (uint32_t i = 0; i < n->kid_count && all != (is_and ? MT_NEVER : MT_ALWAYS); i++) {
            const mt_truth t = node_truth(p, n->kids[i], g);
            all = is_and ? FN_MIN(all, t) : FN_MAX(all, t);
        }
        return all;
    case MT_NODE_RANGE: case MT_NODE_SET: case MT_NODE_NULL: return leaf_truth(p, n, g);
    }
    FN_IMPOSSIBLE("kind of a condition");
}

mt_truth mt_prune_granule(const mt_pruner *p, uint32_t granule, uint64_t *need)
{
    mt_truth all = MT_ALWAYS;
    *need = 0;
    for (uint32_t i = 0; i < p->conditions->count; i++) {
        const mt_truth t = node_truth(p, p->conditions->roots[i], granule);
        if (t == MT_NEVER) return MT_NEVER;
        if (t == MT_MAYBE) *need |= (uint64_t)1 << i;
        all = FN_MIN(all, t);
    }
    return all;
}
