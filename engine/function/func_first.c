/* func_first.c - firstNonDefault: the first argument that is neither NULL nor the default of its type.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/choose.h"

static fn_status bind_first(fn_ctx *ctx, func_call *call)
{
    return fn_type_common(ctx, call->arg_types, call->arg_count, &call->type);
}

static bool is_default(const fn_column *c, size_t row, const fn_column *zero)
{
    return fn_column_is_null(c, row) || fn_column_equal_at(c, row, zero, 0);
}

static fn_status eval_first(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->arg_count;
    fn_column *same[255] = {0};
    if (n > FN_COUNT(same)) return fn_fail(ctx, FN_TOO_MANY_ARGUMENTS_FOR_FUNCTION, "Function %s takes at most 255 arguments", call->def->name);
    uint8_t *which = fn_alloc(ctx, (size_t)rows + 64);
    fn_column *zero = fn_column_default(ctx, fn_type_strip_nullable(call->type), 1);
    fn_status status = which && zero ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < n && status == FN_OK; k++) status = expr_convert(ctx, args[k], call->type, CONVERT_CAST, &same[k]);
    if (status == FN_OK) memset(which, (int)(n - 1), rows); /* all are defaults: the last stands */
    for (uint32_t k = n; k-- > 0 && status == FN_OK;)
        for (size_t i = 0; i < rows; i++)
            if (!is_default(same[k], i, zero)) which[i] = (uint8_t)k;
    if (status == FN_OK) status = choose_rows(ctx, same, n, which, call->type, rows, out);
    for (uint32_t k = 0; k < n; k++) fn_column_drop(same[k]);
    fn_column_drop(zero);
    fn_free(which);
    return status;
}

static const func_def rows_[] = {
    {.name = "firstNonDefault", .args_min = 1, .args_max = -1, .flags = FUNC_OWN_NULLS, .bind = bind_first, .eval = eval_first,
     .about = "The first argument that is neither NULL nor the default of its type.", .example = "firstNonDefault(0, 5)", .gives = "5"},
};
const func_family func_family_first = FUNC_FAMILY("conditional", rows_);
