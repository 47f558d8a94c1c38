/* agg_quantile.c - see agg_quantile.h. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_quantile.h"
#include <math.h>

static fn_status level_at(fn_ctx *ctx, const agg_call *call, uint32_t index, double *out)
{
    const fn_column *p = call->params[index];
    if (!fn_type_is_number(p->type)) return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Cannot convert %s to double", p->type->name);
    *out = agg_f64(p, 0);
    if (!(*out >= 0 && *out <= 1)) return fn_fail(ctx, FN_PARAMETER_OUT_OF_BOUND, "Quantile level is out of range [0..1]");
    return FN_OK;
}

fn_status quantile_bind(fn_ctx *ctx, agg_call *call, uint32_t first, const fn_type *value, uint32_t state_size)
{
    quantile_bound *b = FN_NEW(ctx, quantile_bound);
    FN_TRY_PTR(ctx, b);
    b->many = strncmp(call->def->name, "quantiles", 9) == 0;
    b->value = value;
    b->count = call->param_count > first ? call->param_count - first : 0;
    if (b->many && b->count == 0)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Aggregate function for calculation of multiple quantiles require at least one parameter");
    if (!b->many && b->count > 1)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Aggregate function %s requires one level parameter or less", call->def->name);
    double *levels = FN_NEW_ARRAY(ctx, double, b->count + 1);
    FN_TRY_PTR(ctx, levels);
    levels[0] = 0.5;
    for (uint32_t i = 0; i < b->count; i++) FN_TRY(level_at(ctx, call, first + i, &levels[i]));
    if (b->count == 0) b->count = 1;
    b->levels = levels;
    call->data = b;
    call->type = b->many ? fn_type_array(value) : value;
    call->state_size = state_size;
    call->state_align = 16;
    return FN_OK;
}

fn_status quantile_finish(fn_ctx *ctx, const agg_call *call, void *state, fn_builder *out, quantile_level *level)
{
    const quantile_bound *b = QUANTILE(call);
    if (!b->many) return level(ctx, call, state, b->levels[0], out);
    for (uint32_t i = 0; i < b->count; i++) FN_TRY(level(ctx, call, state, b->levels[i], &out->kids[0]));
    return fn_builder_close_array(ctx, out);
}

fn_status quantile_put(fn_ctx *ctx, double v, fn_builder *out)
{
    const fn_type *t = out->type;
    const float narrow = (float)v;
    const int64_t whole = isfinite(v) ? (int64_t)v : 0;
    if (t->phys == FN_PHYS_F64) return fn_builder_fixed(ctx, out, &v);
    if (t->phys == FN_PHYS_F32) return fn_builder_fixed(ctx, out, &narrow);
    return fn_builder_fixed(ctx, out, &whole); /* little endian: the low bytes are the value */
}

fn_status quantile_put_empty(fn_ctx *ctx, fn_builder *out)
{
    static const uint8_t zero[32] = {0};
    const double nan = (double)NAN;
    if (fn_type_is_float(out->type)) return quantile_put(ctx, nan, out);
    return fn_builder_fixed(ctx, out, zero);
}

bool quantile_is_nan(const fn_column *c, size_t row)
{
    return (c->type->phys == FN_PHYS_F32 || c->type->phys == FN_PHYS_F64) && isnan(agg_f64(c, row));
}

fn_status quantile_need_weight(fn_ctx *ctx, const agg_call *call)
{
    const fn_type *t = call->arg_types[1];
    if (!((fn_type_is_integer(t) && fn_type_is_unsigned(t)) || t->id == FN_T_BOOL) || t->width > 8)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Second argument (weight) for function %s must be unsigned integer, but it has type %s.", call->def->name, t->name);
    return FN_OK;
}
