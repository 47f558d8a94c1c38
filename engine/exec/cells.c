/* cells.c - values that are computed before a plan runs: scalar subqueries, right sides of IN, EXISTS.
 * They are filled in the order the binder lists them (a later one may use an earlier one) and emptied after the run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/run.h"
#include "settings/settings.h"

/* The one row as a value: its only column, or all of them as a tuple. */
static fn_status row_value(fn_ctx *ctx, const expr_cell *cell, const fn_block *b, fn_column **out)
{
    const fn_type *bare = fn_type_strip_nullable(cell->type);
    fn_column *value = NULL;
    if (b->count == 1) {
        value = fn_column_repeat(ctx, b->columns[0], 0, 1);
    } else {
        fn_column **kids = FN_NEW_ARRAY(ctx, fn_column *, b->count + 1);
        FN_TRY_PTR(ctx, kids);
        uint32_t made = 0;
        for (; made < b->count; made++) {
            fn_column *one = fn_column_repeat(ctx, b->columns[made], 0, 1);
            kids[made] = one ? fn_column_flatten(ctx, one) : NULL;
            fn_column_drop(one);
            if (!kids[made]) break;
        }
        if (made == b->count) value = fn_column_tuple(ctx, bare, 1, kids);
        while (made) fn_column_drop(kids[--made]);
    }
    FN_TRY_PTR(ctx, value);
    fn_column *flat = fn_column_flatten(ctx, value);
    fn_column_drop(value);
    FN_TRY_PTR(ctx, flat);
    *out = flat->type == cell->type ? fn_column_ref(flat) : fn_column_retype(ctx, flat, cell->type);
    fn_column_drop(flat);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

static fn_status scalar_value(fn_ctx *ctx, expr_cell *cell, const block_list *rows)
{
    if (rows->rows > 1) return fn_fail(ctx, FN_INCORRECT_RESULT_OF_SCALAR_SUBQUERY, "Scalar subquery returned more than one row");
    if (rows->rows == 1) {
        for (uint32_t i = 0; i < rows->count; i++)
            if (rows->blocks[i]->rows) return row_value(ctx, cell, rows->blocks[i], &cell->value);
    }
    if (fn_type_is_nullable(cell->type)) cell->value = fn_column_null(ctx, cell->type, 1);
    else if (fn_type_base(cell->type)->id == FN_T_TUPLE) cell->value = fn_column_default(ctx, cell->type, 1);
    else return fn_fail(ctx, FN_INCORRECT_RESULT_OF_SCALAR_SUBQUERY, "Scalar subquery returned empty result of type %s which cannot be Nullable", cell->type->name);
    FN_TRY_PTR(ctx, cell->value);
    return FN_OK;
}

static fn_status set_value(fn_ctx *ctx, expr_cell *cell, const block_list *rows)
{
    const plan *p = cell->plan;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, p->column_count + 1);
    FN_TRY_PTR(ctx, types);
    const fn_settings *s = settings_of(ctx);
    for (uint32_t i = 0; i < p->column_count; i++) { /* a NULL is in no set */
        const fn_type *t = fn_type_strip_low_cardinality(p->columns[i].type);
        types[i] = s->transform_null_in ? t : fn_type_strip_nullable(t);
    }
    FN_TRY(expr_set_new(ctx, types, p->column_count, &cell->set));
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < rows->count && s->max_bytes_in_set; i++) bytes += fn_block_bytes(rows->blocks[i]);
    FN_TRY(run_check_size(ctx, FN_SET_SIZE_LIMIT_EXCEEDED, "IN-set", rows->rows, s->max_rows_in_set, bytes, s->max_bytes_in_set));
    for (uint32_t i = 0; i < rows->count; i++) FN_TRY(expr_set_add(ctx, cell->set, rows->blocks[i]->columns, rows->blocks[i]->rows));
    return expr_set_seal(ctx, cell->set);
}

static fn_status fill(fn_ctx *ctx, exec_run_state *s, expr_cell *cell)
{
    enum { SCALAR_ROWS = 2 }; /* a second row is an error */
    block_list rows;
    block_list_init(&rows);
    fn_status status = run_collect(ctx, s, cell->plan, cell->is_exists ? 1 : cell->is_set ? 0 : SCALAR_ROWS, &rows);
    if (status == FN_OK && cell->is_set) {
        status = set_value(ctx, cell, &rows);
    } else if (status == FN_OK && cell->is_exists) {
        cell->value = fn_column_const_u64(ctx, cell->type, rows.rows > 0, 1);
        status = cell->value ? FN_OK : ctx->error.code;
    } else if (status == FN_OK) {
        status = scalar_value(ctx, cell, &rows);
    }
    block_list_release(&rows);
    return status;
}

fn_status run_fill_cells(fn_ctx *ctx, exec_run_state *s, plan_query *query)
{
    for (uint32_t i = 0; i < query->cell_count; i++)
        if (query->cells[i]->plan && !query->cells[i]->value && !query->cells[i]->set) FN_TRY(fill(ctx, s, query->cells[i]));
    return FN_OK;
}

void run_empty_cells(plan_query *query)
{
    for (uint32_t i = 0; i < query->cell_count; i++) {
        expr_cell *c = query->cells[i];
        if (!c->plan) continue;
        fn_column_drop(c->value);
        expr_set_free(c->set);
        c->value = NULL;
        c->set = NULL;
    }
}
