/* skip_index_set.c - conditions run over the sets of values that set(n) keeps: a conjunct, or what of it is over the index's values
 * alone, is computed for all values of a part at once; a granule stays where one of its values passes. What a condition says besides is
 * left out in the direction that keeps granules. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/skip_index.h"

struct skip_set {
    const mt_index *ix;
    expr_program *program; /* of columns 0, 1, ...: the values */
};

typedef struct relax {
    fn_ctx *ctx;
    const mt_index *ix;
} relax;

/* e with the index's values as columns 0, 1, ...; *out NULL: it is over other things as well. */
static fn_status over_values(relax *r, const expr *e, expr **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < r->ix->value_count; i++) {
        if (!expr_equal(r->ix->values[i], e)) continue;
        *out = expr_column(r->ctx, i, e->type);
        return *out ? FN_OK : r->ctx->error.code;
    }
    if (e->kind == EXPR_COLUMN || e->kind == EXPR_LAMBDA) return FN_OK;
    expr *copy = FN_NEW(r->ctx, expr);
    FN_TRY_PTR(r->ctx, copy);
    *copy = *e;
    copy->args = FN_NEW_ARRAY(r->ctx, expr *, e->arg_count + 1u);
    FN_TRY_PTR(r->ctx, copy->args);
    for (uint32_t i = 0; i < e->arg_count; i++) {
        FN_TRY(over_values(r, e->args[i], &copy->args[i]));
        if (!copy->args[i]) return FN_OK;
    }
    *out = copy;
    return FN_OK;
}

/* A condition over the values that holds wherever e holds; *out NULL: none is known. */
static fn_status relaxed(relax *r, const expr *e, expr **out)
{
    const char *name = e->kind == EXPR_CALL ? e->call->def->name : "";
    const bool is_and = strcmp(name, "and") == 0, is_or = strcmp(name, "or") == 0;
    *out = NULL;
    if (!is_and && !is_or) return over_values(r, e, out);
    expr **kids = FN_NEW_ARRAY(r->ctx, expr *, e->arg_count + 1u);
    uint32_t count = 0;
    FN_TRY_PTR(r->ctx, kids);
    for (uint32_t i = 0; i < e->arg_count; i++) {
        expr *kid;
        FN_TRY(relaxed(r, e->args[i], &kid));
        if (kid) kids[count++] = kid;
        else if (is_or) return FN_OK;
    }
    if (count < 2) {
        *out = count ? kids[0] : NULL;
        return FN_OK;
    }
    return expr_call(r->ctx, name, kids, count, out);
}

static fn_status uses_value(void *self, fn_ctx *ctx, expr *e)
{
    (void)ctx;
    if (e->kind == EXPR_COLUMN) *(bool *)self = true;
    return FN_OK;
}

fn_status skip_set_make(fn_ctx *ctx, const mt_index *ix, expr *const *conjuncts, uint32_t count, skip_set **out)
{
    relax r = {ctx, ix};
    column_id layout[FN_SKIP_VALUES_MAX];
    expr *all = NULL;
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        expr *one;
        bool used = false;
        if (!expr_is_deterministic(conjuncts[i])) continue;
        FN_TRY(relaxed(&r, conjuncts[i], &one));
        if (!one) continue;
        FN_TRY(expr_walk(ctx, one, uses_value, &used));
        if (used) FN_TRY(expr_and(ctx, all, one, &all));
    }
    if (!all) return FN_OK;
    skip_set *s = FN_NEW(ctx, skip_set);
    FN_TRY_PTR(ctx, s);
    s->ix = ix;
    for (uint32_t i = 0; i < ix->value_count; i++) layout[i] = i;
    FN_TRY(expr_compile(ctx, &all, 1, layout, ix->value_count, &s->program));
    *out = s;
    return FN_OK;
}

/* mask of the values [from, from + rows). */
static fn_status run_piece(fn_ctx *ctx, const skip_set *s, const fn_skip_data *data, uint32_t from, uint32_t rows, uint8_t *mask)
{
    uint32_t ones;
    fn_block *b = fn_block_new(ctx, s->ix->value_count, rows);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < b->count && status == FN_OK; i++) {
        b->columns[i] = fn_column_slice(ctx, data->values[i], from, rows);
        if (!b->columns[i]) status = ctx->error.code;
    }
    if (status == FN_OK && expr_run_mask(ctx, s->program, b, mask, &ones) != FN_OK) {
        status = fn_ctx_check(ctx);
        if (ctx->error.code == FN_MEMORY_LIMIT_EXCEEDED) status = ctx->error.code;
        if (status == FN_OK) fn_error_clear(ctx); /* a value the condition refuses: rows are asked, maybe others refuse them first */
        memset(mask, 1, rows);
    }
    fn_block_drop(b);
    return status;
}

fn_status skip_set_run(fn_ctx *ctx, const skip_set *s, const fn_skip_data *data, uint8_t *may)
{
    const uint32_t rows = data->granules ? data->first[data->granules] : 0;
    uint8_t *mask = fn_alloc(ctx, FN_BLOCK_ROWS_MAX + FN_BUFFER_PAD);
    fn_status status = mask ? FN_OK : ctx->error.code;
    for (uint32_t g = 0; g < data->granules; g++) may[g] = !data->known[g];
    uint32_t g = 0;
    for (uint32_t at = 0; at < rows && status == FN_OK; at += FN_BLOCK_ROWS_MAX) {
        const uint32_t n = FN_MIN(rows - at, (uint32_t)FN_BLOCK_ROWS_MAX);
        status = run_piece(ctx, s, data, at, n, mask);
        for (uint32_t i = 0; i < n && status == FN_OK; i++) {
            while (at + i >= data->first[g + 1]) g++;
            may[g] |= mask[i];
        }
    }
    fn_free(mask);
    return status;
}
