/* higher.c - what functions with a lambda share. SPDX-License-Identifier: Apache-2.0 */
#include "function/higher.h"
#include "expr/node.h"

fn_status higher_params(fn_ctx *ctx, const func_call *call, const fn_type *const *elements, uint32_t count, const fn_type **params,
                        uint32_t param_count)
{
    const bool fields = param_count != count && count == 1 && elements[0]->id == FN_T_TUPLE && elements[0]->arg_count == param_count;
    if (param_count != count && !fields)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument for this overload of %s must be a function with %u arguments, found one with %u instead", call->def->name, count, param_count);
    for (uint32_t i = 0; i < param_count; i++) params[i] = fields ? elements[0]->args[i] : elements[i];
    return FN_OK;
}

fn_status higher_lambda(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_type **params, uint32_t param_count)
{
    const fn_type *elements[16];
    const uint32_t count = call->arg_count - 1;
    if (index != 0 || count == 0) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s needs at least 1 argument with data", call->def->name);
    if (count > FN_COUNT(elements)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s takes at most 16 arrays", call->def->name);
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(array_need(ctx, call, i + 1));
        elements[i] = call->arg_types[i + 1]->args[0];
    }
    return higher_params(ctx, call, elements, count, params, param_count);
}

fn_status higher_lambda_map(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_type **params, uint32_t param_count)
{
    const fn_type *t = call->arg_types[call->arg_count - 1];
    if (index != 0 || t->id != FN_T_MAP) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument %u of function %s must be Map. Found %s instead", call->arg_count, call->def->name, t->name);
    return higher_params(ctx, call, &t->items, 1, params, param_count);
}

const fn_type *higher_result(const func_call *call)
{
    return higher_first(call) ? call->lambdas[0]->body->type : call->arg_types[0]->args[0];
}

fn_status higher_bind(fn_ctx *ctx, const func_call *call)
{
    const uint32_t first = higher_first(call);
    if (call->arg_count <= first) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s needs at least 1 argument with data", call->def->name);
    if (!first && call->arg_count > 1)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument of function %s must be a function. Found %s instead", call->def->name, call->arg_types[0]->name);
    for (uint32_t i = first; i < call->arg_count; i++) FN_TRY(array_need(ctx, call, i));
    return FN_OK;
}

fn_status higher_bind_condition(fn_ctx *ctx, const func_call *call)
{
    FN_TRY(higher_bind(ctx, call));
    const fn_type *t = fn_type_base(higher_result(call));
    if (t->id == FN_T_UINT8 || t->id == FN_T_BOOL || (t->id == FN_T_NOTHING && (higher_first(call) || fn_type_is_nullable(higher_result(call))))) return FN_OK;
    if (!higher_first(call))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The 1st and only argument for function %s must be array of UInt8. Found %s instead", call->def->name, call->arg_types[0]->name);
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Expression for function %s must return UInt8 or Nullable(UInt8), found %s", call->def->name, higher_result(call)->name);
}

fn_status higher_run(fn_ctx *ctx, const func_call *call, fn_column *const *args, fn_column *const *items, uint32_t count, const uint32_t *row,
                     uint32_t total, fn_column **out)
{
    const expr_closure *closure = func_closure(call, args, 0);
    fn_column *any = NULL;
    fn_column *const *params = closure->lambda->param_count == count ? items : items[0]->kids;
    FN_TRY(expr_lambda_run(ctx, closure, params, row, total, &any));
    *out = fn_column_flatten(ctx, any);
    fn_column_drop(any);
    return *out ? FN_OK : ctx->error.code;
}

fn_status higher_open(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t first, higher_in *out)
{
    *out = (higher_in){.count = call->arg_count - first};
    out->arrays = fn_alloc_zero(ctx, (out->count + 1) * sizeof *out->arrays);
    fn_column *items[16];
    uint32_t *row = NULL;
    fn_status status = out->arrays ? FN_OK : ctx->error.code;
    FN_ASSERT(out->count <= FN_COUNT(items));
    for (uint32_t i = 0; i < out->count && status == FN_OK; i++) {
        status = array_open(ctx, args[first + i], &out->arrays[i]);
        items[i] = out->arrays[i].items;
    }
    if (status == FN_OK) status = array_same_sizes(ctx, call, out->arrays, out->count, first);
    if (status == FN_OK && higher_first(call)) {
        row = array_row_numbers(ctx, &out->arrays[0]);
        status = row ? higher_run(ctx, call, args, items, out->count, row, out->arrays[0].total, &out->result) : ctx->error.code;
    } else if (status == FN_OK) {
        out->result = fn_column_ref(items[0]);
    }
    fn_free(row);
    if (status != FN_OK) higher_close(out);
    return status;
}

void higher_close(higher_in *h)
{
    for (uint32_t i = 0; h->arrays && i < h->count; i++) array_close(&h->arrays[i]);
    fn_free(h->arrays);
    fn_column_drop(h->result);
    *h = (higher_in){0};
}

uint8_t *higher_mask(fn_ctx *ctx, const fn_column *condition)
{
    uint32_t ones;
    uint8_t *mask = fn_alloc(ctx, (size_t)condition->rows + 64);
    if (!mask) return NULL;
    if (fn_type_base(condition->type)->id == FN_T_NOTHING) {
        memset(mask, 0, condition->rows);
        return mask;
    }
    if (expr_mask_of(ctx, condition, condition->rows, mask, &ones) == FN_OK) return mask;
    fn_free(mask);
    return NULL;
}
