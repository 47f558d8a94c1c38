/* scan_sample.c - SAMPLE as conditions: the sampling key's share of its type's range, as ClickHouse takes it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/scan.h"

static fn_status sample_end(fn_ctx *ctx, const fn_type *type, double share, fn_column **out)
{
    const double whole = type->width == 8 ? 18446744073709551616.0 : (double)((uint64_t)1 << (8 * type->width));
    const double end = share * whole;
    const uint64_t value = end >= whole ? UINT64_MAX : (uint64_t)end;
    *out = fn_column_const_u64(ctx, fn_type_simple(FN_T_UINT64), value, 1);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status sample_side(fn_ctx *ctx, const char *function, expr *key, double share, expr **out)
{
    fn_column *end;
    FN_TRY(sample_end(ctx, fn_type_base(key->type), share, &end));
    expr *pair[2] = {key, expr_const(ctx, end)};
    FN_TRY_PTR(ctx, pair[1]);
    return expr_call(ctx, function, pair, 2, out);
}

fn_status mt_sample_conditions(fn_ctx *ctx, const mt_table *t, const mt_shape *shape, uint64_t rows, const table_scan_request *r, expr **out, uint32_t *count)
{
    expr *const key = shape->definition->sampling;
    *count = 0;
    if (r->sample == 0) return FN_OK;
    if (!key) {
        fn_str database, name;
        FN_TRY(table_name(ctx, &t->base, &database, &name));
        return fn_fail(ctx, FN_SAMPLING_NOT_SUPPORTED, "Storage " FN_STR_FMT "." FN_STR_FMT " doesn't support sampling", FN_STR_ARG(database), FN_STR_ARG(name));
    }
    if (!fn_type_is_unsigned(fn_type_base(key->type)) || key->type->width > 8)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, "Invalid sampling column type in storage parameters: %s. Must be one unsigned integer type",
                       key->type->name);
    double share = r->sample, offset = r->sample_offset;
    if (share > 1) share = FN_MIN(1, share / (double)FN_MAX(rows, 1)); /* SAMPLE n: about n rows */
    if (offset > 1) offset = FN_MIN(1, offset / (double)FN_MAX(rows, 1));
    if (offset > 0) FN_TRY(sample_side(ctx, "greaterOrEquals", key, offset, &out[(*count)++]));
    return offset + share < 1 ? sample_side(ctx, "less", key, offset + share, &out[(*count)++]) : FN_OK;
}
