/* family.c - small things that families of functions share. SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"
#include "expr/node.h"

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

fn_status func_over_elements(fn_ctx *ctx, const func_call *call, const fn_type *const *types, uint32_t count, const func_call **kid, const fn_type **type)
{
    func_call *made = FN_NEW(ctx, func_call);
    const fn_type **bare = FN_NEW_ARRAY(ctx, const fn_type *, count + 1);
    fn_column **consts = FN_NEW_ARRAY(ctx, fn_column *, count + 1);
    const struct expr_lambda **lambdas = FN_NEW_ARRAY(ctx, const struct expr_lambda *, count + 1);
    bool nullable = false;
    if (!made || !bare || !consts || !lambdas) return ctx->error.code;
    *kid = NULL;
    *type = fn_type_nullable(fn_type_simple(FN_T_NOTHING));
    for (uint32_t i = 0; i < count; i++) {
        const fn_type *t = fn_type_strip_low_cardinality(types[i]);
        if (t == *type) return FN_OK;
        nullable |= fn_type_is_nullable(t);
        bare[i] = fn_type_strip_nullable(t);
    }
    *made = (func_call){.def = call->def, .arg_count = count, .arg_types = bare, .consts = consts, .lambdas = lambdas};
    FN_TRY(call->def->bind(ctx, made));
    *kid = made;
    *type = nullable && fn_type_can_be_nullable(made->type) ? fn_type_nullable(made->type) : made->type;
    return FN_OK;
}

fn_status func_run_elements(fn_ctx *ctx, const func_call *kid, const fn_type *type, fn_column *const *args, uint32_t rows, fn_column **out)
{
    if (kid) return call_run(ctx, kid, type, args, rows, out);
    *out = fn_column_null(ctx, type, rows);
    return *out ? FN_OK : ctx->error.code;
}
