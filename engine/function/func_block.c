/* func_block.c - functions about the block of rows at hand rather than their values: blockSize, rowNumberInBlock,
 * rowNumberInAllBlocks. Their results depend on how the work is cut. SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"

static fn_status eval_size(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    *out = fn_column_const_u64(ctx, call->type, rows, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status numbers_from(fn_ctx *ctx, const func_call *call, uint64_t first, uint32_t rows, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) fn_store_u64(values + 8 * i, first + i);
    return FN_OK;
}
static fn_status eval_in_block(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    return numbers_from(ctx, call, 0, rows, out);
}
static fn_status bind_all(fn_ctx *ctx, func_call *call)
{
    _Atomic uint64_t *next = (_Atomic uint64_t *)fn_arena_alloc_zero(ctx, ctx->arena, sizeof *next); /* the one piece of data that changes: all blocks share it */
    FN_TRY_PTR(ctx, next);
    call->data = next;
    return func_bind_u64(ctx, call);
}
static fn_status eval_in_all(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    return numbers_from(ctx, call, atomic_fetch_add((_Atomic uint64_t *)call->data, rows), rows, out);
}

#define BLOCK(fn, b, e, what, res) {.name = fn, .args_min = 0, .args_max = 0, .flags = FUNC_NONDETERMINISTIC, .bind = b, .eval = e, .about = what, .example = fn "()", .gives = res}
static const func_def rows_[] = {
    BLOCK("blockSize", func_bind_u64, eval_size, "Rows of the block.", "1"),
    BLOCK("rowNumberInBlock", func_bind_u64, eval_in_block, "Number of the row within its block, from 0.", "0"),
    BLOCK("rowNumberInAllBlocks", bind_all, eval_in_all, "Number of the row within all blocks, from 0.", "0"),
};
const func_family func_family_block = FUNC_FAMILY("other", rows_);
