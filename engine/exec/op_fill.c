/* op_fill.c - ORDER BY ... WITH FILL: rows that are missing between the input's, before the first (FROM) and behind the last (TO,
 * STALENESS). Keys without fill in front of the first fill key divide the input into groups that are filled one by one
 * (use_with_fill_by_sorting_prefix); their values stand in generated rows. Other columns get defaults, or what INTERPOLATE computes
 * from the row before. One worker, in order; keeps one row. SPDX-License-Identifier: Apache-2.0 */
#include "exec/fill.h"
#include "settings/settings.h"

typedef struct op_fill {
    op head;
    fill_row row;
    fill_value *next;            /* the input row being reached, cut at TO nowhere: limits do that */
    bool any_row, stale;         /* a row of the group was seen; some column has STALENESS */
    uint32_t prefix_count;
    uint32_t *prefix;            /* columns of the block */
    fn_column **prefix_values;   /* 1 row each: of the group at hand */
    uint32_t column_count;
    uint8_t *origin;             /* per column: 0 default, 1 fill, 2 prefix, 3 interpolated */
    uint32_t *origin_index;
    fn_builder *out;
    expr_program *interpolate;
    uint32_t interpolate_count;
    fn_block *last;              /* INTERPOLATE: the row before, 1 row */
} op_fill;

enum { ORIGIN_DEFAULT, ORIGIN_FILL, ORIGIN_PREFIX, ORIGIN_INTERPOLATED };

/* ---- output ---- */

static fn_status flush(op_fill *o, fn_ctx *ctx, unsigned worker)
{
    const uint32_t rows = o->out[0].rows;
    if (!rows) return FN_OK;
    FN_TRY(fn_ctx_check(ctx));
    fn_block *b = fn_block_new(ctx, o->column_count, rows);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < o->column_count && status == FN_OK; i++) status = fn_builder_finish(ctx, &o->out[i], &b->columns[i]);
    if (status == FN_OK) status = op_emit(&o->head, ctx, worker, b);
    fn_block_drop(b);
    return status;
}

static fn_status flush_full(op_fill *o, fn_ctx *ctx, unsigned worker)
{
    return o->out[0].rows >= FN_BLOCK_ROWS ? flush(o, ctx, worker) : FN_OK;
}

static fn_status keep_last(op_fill *o, fn_ctx *ctx, fn_block *row)
{
    FN_TRY_PTR(ctx, row);
    fn_block_drop(o->last);
    o->last = row;
    return FN_OK;
}

/* What INTERPOLATE makes of the row before. */
static fn_status interpolate(op_fill *o, fn_ctx *ctx, fn_column **values)
{
    if (!o->last) { /* nothing before: defaults */
        fn_block *none = fn_block_new(ctx, o->column_count, 1);
        FN_TRY_PTR(ctx, none);
        for (uint32_t i = 0; i < o->column_count; i++) {
            none->columns[i] = fn_column_default(ctx, o->out[i].type, 1);
            if (none->columns[i]) continue;
            fn_block_drop(none);
            return ctx->error.code;
        }
        FN_TRY(keep_last(o, ctx, none));
    }
    return expr_run(ctx, o->interpolate, o->last, values);
}

static fn_status put_generated(op_fill *o, fn_ctx *ctx, uint32_t column, fn_column *const *values, fn_builder *out)
{
    const uint32_t index = o->origin_index[column];
    switch (o->origin[column]) {
    case ORIGIN_FILL: return fill_value_put(ctx, &o->row.columns[index], &o->row.values[index], out);
    case ORIGIN_PREFIX: return o->prefix_values[index] ? fn_builder_copy(ctx, out, o->prefix_values[index], 0) : fn_builder_default(ctx, out);
    case ORIGIN_INTERPOLATED: return fn_builder_copy(ctx, out, values[index], 0);
    default: return fn_builder_default(ctx, out);
    }
}

/* The generated row as a block of its own, for the next one to be computed from. */
static fn_status remember_generated(op_fill *o, fn_ctx *ctx, fn_column *const *values)
{
    fn_block *row = fn_block_new(ctx, o->column_count, 1);
    FN_TRY_PTR(ctx, row);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < o->column_count && status == FN_OK; i++) {
        fn_builder b;
        status = fn_builder_init(ctx, &b, o->out[i].type);
        if (status != FN_OK) break;
        status = put_generated(o, ctx, i, values, &b);
        if (status == FN_OK) status = fn_builder_finish(ctx, &b, &row->columns[i]);
        fn_builder_release(&b);
    }
    if (status == FN_OK) return keep_last(o, ctx, row);
    fn_block_drop(row);
    return status;
}

static fn_status generate(op_fill *o, fn_ctx *ctx, unsigned worker)
{
    fn_column **values = fn_alloc_zero(ctx, (o->interpolate_count + 1) * sizeof *values);
    FN_TRY_PTR(ctx, values);
    fn_status status = o->interpolate ? interpolate(o, ctx, values) : FN_OK;
    for (uint32_t i = 0; i < o->column_count && status == FN_OK; i++) status = put_generated(o, ctx, i, values, &o->out[i]);
    if (status == FN_OK && o->interpolate) status = remember_generated(o, ctx, values);
    for (uint32_t i = 0; i < o->interpolate_count; i++) fn_column_drop(values[i]);
    fn_free(values);
    o->row.given = true;
    return status == FN_OK ? flush_full(o, ctx, worker) : status;
}

/* ---- groups ---- */

static fn_status end_group(op_fill *o, fn_ctx *ctx, unsigned worker)
{
    fill_row *r = &o->row;
    const bool first = !o->any_row || (fill_row_before(r, o->next, r->values) && !o->row.given);
    if (!o->any_row) {
        fill_row_from(r, 0);
        fill_row_limit(r, NULL);
    }
    for (uint32_t i = 0; i < r->count; i++) o->next[i] = r->columns[i].to;
    if (first && fill_row_before(r, r->values, o->next)) FN_TRY(generate(o, ctx, worker));
    while (!op_is_done(&o->head) && fill_row_next(r, o->next)) FN_TRY(generate(o, ctx, worker));
    return FN_OK;
}

static fn_status begin_group(op_fill *o, fn_ctx *ctx, unsigned worker, const fn_block *in, uint32_t row)
{
    fill_row *r = &o->row;
    o->any_row = true;
    for (uint32_t i = 0; i < o->prefix_count; i++) {
        fn_column_drop(o->prefix_values[i]);
        o->prefix_values[i] = fn_column_repeat(ctx, in->columns[o->prefix[i]], row, 1);
        FN_TRY_PTR(ctx, o->prefix_values[i]);
    }
    r->given = false;
    for (uint32_t i = 0; i < r->count; i++) o->next[i] = (fill_value){0};
    fill_row_limit(r, NULL);
    for (uint32_t i = 0; i < r->count; i++) {
        const fill_column *c = &r->columns[i];
        const fill_value current = fill_value_at(c, in->columns[c->column], row);
        if (!c->from.known || fill_equal(c, &c->from, &current)) {
            r->values[i] = current;
            continue;
        }
        fill_row_from(r, i);
        if (current.known && fill_less(c, &c->from, &current)) FN_TRY(generate(o, ctx, worker));
        break;
    }
    return FN_OK;
}

static bool same_group(const op_fill *o, const fn_block *in, uint32_t row)
{
    for (uint32_t i = 0; i < o->prefix_count; i++)
        if (!fn_column_equal_at(o->prefix_values[i], 0, in->columns[o->prefix[i]], row)) return false;
    return true;
}

/* Generates what comes before an input row. */
static fn_status reach_row(op_fill *o, fn_ctx *ctx, unsigned worker, const fn_block *in, uint32_t row)
{
    fill_row *r = &o->row;
    if (!o->any_row) {
        FN_TRY(begin_group(o, ctx, worker, in, row));
    } else if (!same_group(o, in, row)) {
        FN_TRY(end_group(o, ctx, worker));
        FN_TRY(begin_group(o, ctx, worker, in, row));
    }
    const bool behind = fill_row_before(r, o->next, r->values) && !o->row.given; /* FROM lies behind the rows so far */
    for (uint32_t i = 0; i < r->count; i++) o->next[i] = fill_value_at(&r->columns[i], in->columns[r->columns[i].column], row);
    if (behind && fill_row_before(r, r->values, o->next)) FN_TRY(generate(o, ctx, worker));
    while (!op_is_done(&o->head) && fill_row_next(r, o->next)) FN_TRY(generate(o, ctx, worker));
    if (!o->stale) return FN_OK;
    fill_row_limit(r, o->next);
    while (!op_is_done(&o->head) && fill_row_skip(r, o->next)) FN_TRY(generate(o, ctx, worker));
    return FN_OK;
}

static fn_status copy_rows(op_fill *o, fn_ctx *ctx, unsigned worker, const fn_block *in, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < o->column_count && from < to; i++) FN_TRY(fn_builder_copy_range(ctx, &o->out[i], in->columns[i], from, to - from));
    return from < to ? flush_full(o, ctx, worker) : FN_OK;
}

static fn_status fill_push(op *self, fn_ctx *ctx, unsigned worker, fn_block *in)
{
    op_fill *o = (op_fill *)self;
    for (uint32_t row = 0; row < in->rows && !op_is_done(self); row++) {
        FN_TRY(reach_row(o, ctx, worker, in, row));
        FN_TRY(copy_rows(o, ctx, worker, in, row, row + 1));
        if (o->interpolate) FN_TRY(keep_last(o, ctx, fn_block_slice(ctx, in, row, 1)));
    }
    return FN_OK;
}

static fn_status fill_drain(op *self, fn_ctx *ctx, unsigned worker)
{
    op_fill *o = (op_fill *)self;
    if (worker || op_is_done(self)) return FN_OK;
    FN_TRY(end_group(o, ctx, worker));
    return flush(o, ctx, worker);
}

static void fill_close(op *self)
{
    op_fill *o = (op_fill *)self;
    for (uint32_t i = 0; o->out && i < o->column_count; i++) fn_builder_release(&o->out[i]);
    for (uint32_t i = 0; o->prefix_values && i < o->prefix_count; i++) fn_column_drop(o->prefix_values[i]);
    fn_block_drop(o->last);
}

static const op_class class_fill = {.name = "Fill", .size = sizeof(op_fill), .push = fill_push, .drain = fill_drain, .close = fill_close};

/* ---- building ---- */

/* The input's column a key is: itself, or the one computed as the same expression (a constant, say). */
static int input_column(const plan *input, const expr *e)
{
    for (uint32_t i = 0; e->kind == EXPR_COLUMN && i < input->column_count; i++)
        if (input->columns[i].id == e->column) return (int)i;
    const plan *computed = input;
    while (computed->kind == PLAN_SORT || computed->kind == PLAN_LIMIT) computed = computed->inputs[0];
    if (computed->kind != PLAN_PROJECT) return -1;
    for (uint32_t k = 0; k < computed->column_count; k++)
        for (uint32_t i = 0; expr_equal(computed->project.items[k].value, e) && i < input->column_count; i++)
            if (input->columns[i].id == computed->project.items[k].id) return (int)i;
    return -1;
}

static bool by_prefix(const fn_ctx *ctx)
{
    fn_ctx own = *ctx; /* an unknown name is no failure of the query */
    fn_str value = FN_STR("1");
    if (settings_get(&own, settings_of(ctx), FN_STR("use_with_fill_by_sorting_prefix"), &value) != FN_OK) return true;
    return !value.size || (value.data[0] != '0' && value.data[0] != 'f');
}

static fn_status init_keys(op_fill *o, fn_ctx *ctx, const plan *node)
{
    const uint32_t count = node->fill.key_count;
    fill_column *columns = FN_NEW_ARRAY(ctx, fill_column, count + 1);
    o->prefix = FN_NEW_ARRAY(ctx, uint32_t, count + 1);
    o->prefix_values = FN_NEW_ARRAY(ctx, fn_column *, count + 1);
    if (!columns || !o->prefix || !o->prefix_values) return ctx->error.code;
    o->row.columns = columns;
    const bool groups = by_prefix(ctx);
    for (uint32_t i = 0; i < count; i++) {
        const bool fills = node->fill.fills[i].present;
        if (!fills && (o->row.count || !groups)) continue;
        const int place = input_column(node->inputs[0], node->fill.keys[i].value);
        if (place < 0) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "WITH FILL over an expression that is not a column of the result is not supported");
        o->origin[place] = fills ? ORIGIN_FILL : ORIGIN_PREFIX;
        o->origin_index[place] = fills ? o->row.count : o->prefix_count;
        if (fills) {
            FN_TRY(fill_column_init(ctx, &columns[o->row.count], &node->fill.keys[i], &node->fill.fills[i], (uint32_t)place));
            o->stale |= columns[o->row.count++].has_staleness;
        } else {
            o->prefix[o->prefix_count++] = (uint32_t)place;
        }
    }
    o->row.values = FN_NEW_ARRAY(ctx, fill_value, o->row.count + 1);
    o->row.limits = FN_NEW_ARRAY(ctx, fill_value, o->row.count + 1);
    o->next = FN_NEW_ARRAY(ctx, fill_value, o->row.count + 1);
    return o->row.values && o->row.limits && o->next ? FN_OK : ctx->error.code;
}

static fn_status init_interpolate(op_fill *o, fn_ctx *ctx, const plan *node)
{
    const plan *input = node->inputs[0];
    expr **values = FN_NEW_ARRAY(ctx, expr *, node->fill.interpolate_count + 1);
    FN_TRY_PTR(ctx, values);
    for (uint32_t i = 0; i < node->fill.interpolate_count; i++) {
        const plan_item *item = &node->fill.interpolate[i];
        for (uint32_t c = 0; c < input->column_count; c++) {
            if (input->columns[c].id != item->id || o->origin[c] != ORIGIN_DEFAULT) continue;
            o->origin[c] = ORIGIN_INTERPOLATED;
            o->origin_index[c] = o->interpolate_count;
            FN_TRY(expr_cast(ctx, item->value, input->columns[c].type, &values[o->interpolate_count++]));
        }
    }
    return o->interpolate_count ? exec_compile(ctx, input, values, o->interpolate_count, &o->interpolate) : FN_OK;
}

fn_status op_build_fill(fn_ctx *ctx, exec *e, const plan *node, pipeline *p)
{
    op *made;
    const plan *input = node->inputs[0];
    FN_TRY(exec_build(ctx, e, input, p));
    FN_TRY(op_new(ctx, e, &class_fill, node, &made));
    op_fill *o = (op_fill *)made;
    o->origin = FN_NEW_ARRAY(ctx, uint8_t, input->column_count + 1);
    o->origin_index = FN_NEW_ARRAY(ctx, uint32_t, input->column_count + 1);
    o->out = FN_NEW_ARRAY(ctx, fn_builder, input->column_count + 1);
    if (!o->origin || !o->origin_index || !o->out) return ctx->error.code;
    for (uint32_t i = 0; i < input->column_count; i++) {
        FN_TRY(fn_builder_init(ctx, &o->out[i], input->columns[i].type));
        o->column_count = i + 1;
    }
    FN_TRY(init_keys(o, ctx, node));
    FN_TRY(init_interpolate(o, ctx, node));
    p->serial = true;
    pipeline_append(p, made);
    return FN_OK;
}
