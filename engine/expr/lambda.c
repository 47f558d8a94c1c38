/* lambda.c - lambdas: what a body captures, its program, and its run over the items of arrays.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"

fn_status expr_lambda_finish(fn_ctx *ctx, expr_lambda *l)
{
    if (l->program) return FN_OK;
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(ctx, l->body, &ids);
    const size_t n = ids.size / sizeof(column_id);
    column_id *layout = status == FN_OK ? FN_NEW_ARRAY(ctx, column_id, n + l->param_count + 1) : NULL;
    if (layout) {
        uint32_t captures = 0;
        for (size_t i = 0; i < n; i++) {
            const column_id id = fn_load_u32(ids.data + i * sizeof id);
            bool own = false;
            for (uint32_t p = 0; p < l->param_count; p++) own |= l->params[p] == id;
            if (!own) layout[captures++] = id;
        }
        l->captures = layout;
        l->capture_count = captures;
        for (uint32_t p = 0; p < l->param_count; p++) layout[captures + p] = l->params[p];
        status = expr_compile(ctx, &l->body, 1, layout, captures + l->param_count, &l->program);
    } else if (status == FN_OK) {
        status = ctx->error.code;
    }
    fn_buf_release(&ids);
    return status;
}

fn_status expr_lambda_run(fn_ctx *ctx, const expr_closure *closure, fn_column *const *params, const uint32_t *outer_row, uint32_t items,
                          fn_column **out)
{
    const expr_lambda *l = closure->lambda;
    fn_block *block = fn_block_new(ctx, l->capture_count + l->param_count, items);
    FN_TRY_PTR(ctx, block);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < l->capture_count && status == FN_OK; i++) {
        block->columns[i] = fn_column_take(ctx, closure->captures[i], outer_row, items);
        if (!block->columns[i]) status = ctx->error.code;
    }
    for (uint32_t i = 0; i < l->param_count; i++) block->columns[l->capture_count + i] = fn_column_ref(params[i]);
    if (status == FN_OK) status = expr_run(ctx, l->program, block, out);
    fn_block_drop(block);
    return status;
}
