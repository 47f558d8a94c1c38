/* formula.c - functions that are formulas over other functions. SPDX-License-Identifier: Apache-2.0 */
#include "function/formula.h"

expr *formula_column(fn_ctx *ctx, uint32_t n, const fn_type *type)
{
    return expr_column(ctx, n, type);
}

expr *formula_call(fn_ctx *ctx, const char *name, expr *a, expr *b)
{
    expr *args[2] = {a, b}, *made = NULL;
    if (ctx->error.code != FN_OK || !a) return NULL;
    return expr_call(ctx, name, args, b ? 2 : 1, &made) == FN_OK ? made : NULL;
}

fn_status formula_bind(fn_ctx *ctx, func_call *call, expr *root, uint32_t columns)
{
    FN_TRY_PTR(ctx, root);
    column_id *layout = FN_NEW_ARRAY(ctx, column_id, columns + 1);
    expr_program *program;
    FN_TRY_PTR(ctx, layout);
    for (uint32_t i = 0; i < columns; i++) layout[i] = i;
    FN_TRY(expr_compile(ctx, &root, 1, layout, columns, &program));
    call->type = root->type;
    call->data = program;
    return FN_OK;
}

fn_status formula_run(fn_ctx *ctx, const func_call *call, fn_column *const *columns, uint32_t count, uint32_t rows, fn_column **out)
{
    fn_block *block = fn_block_new(ctx, count, rows);
    FN_TRY_PTR(ctx, block);
    for (uint32_t i = 0; i < count; i++) block->columns[i] = fn_column_ref(columns[i]);
    const fn_status status = expr_run(ctx, call->data, block, out);
    fn_block_drop(block);
    return status;
}

