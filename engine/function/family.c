/* family.c - small things that families of functions share. SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"

fn_status func_illegal(fn_ctx *ctx, const func_call *call)
{
    if (call->arg_count == 1)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s", call->arg_types[0]->name, call->def->name);
    fn_buf list = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < call->arg_count && i < 10 && status == FN_OK; i++)
        status = fn_buf_printf(ctx, &list, "%s%s", i == 0 ? "" : i + 1 == call->arg_count ? " and " : ", ", call->arg_types[i]->name);
    if (status == FN_OK)
        status = fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal types %.*s of arguments of function %s", (int)list.size, list.data ? list.data : "", call->def->name);
    fn_buf_release(&list);
    return status;
}

fn_status func_need_const(fn_ctx *ctx, const func_call *call, uint32_t i, fn_column **out)
{
    if (!call->consts[i]) return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Argument %u of function %s must be a constant", i + 1, call->def->name);
    *out = call->consts[i];
    return FN_OK;
}

fn_status func_const_str(fn_ctx *ctx, const func_call *call, uint32_t i, fn_str *out)
{
    fn_column *c;
    FN_TRY(func_need_const(ctx, call, i, &c));
    if (!fn_type_is_string(fn_type_base(c->type)) || fn_column_is_null(c, 0))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument %u of function %s must be a constant string", i + 1, call->def->name);
    *out = fn_column_str_at(c, 0);
    return FN_OK;
}

fn_column *func_new_fixed(fn_ctx *ctx, const fn_type *type, uint32_t rows, uint8_t **values)
{
    fn_buffer *b = fn_buffer_new(ctx, (size_t)rows * type->width);
    if (!b) return NULL;
    *values = b->data;
    return fn_column_fixed(ctx, type, rows, b, NULL);
}

fn_column *func_new_nullable(fn_ctx *ctx, const fn_type *type, uint32_t rows, uint8_t **values, uint8_t **nulls)
{
    fn_buffer *b = fn_buffer_new(ctx, (size_t)rows * type->width), *n = fn_buffer_new_zero(ctx, rows);
    if (!b || !n) {
        fn_buffer_drop(b);
        fn_buffer_drop(n);
        return NULL;
    }
    *values = b->data;
    *nulls = n->data;
    return fn_column_fixed(ctx, type, rows, b, n);
}

fn_status func_bind_u8(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_UINT8);
    return FN_OK;
}

fn_status func_bind_u64(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_UINT64);
    return FN_OK;
}

fn_status func_bind_f64(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_FLOAT64);
    return FN_OK;
}

fn_status func_bind_string(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_STRING);
    return FN_OK;
}
