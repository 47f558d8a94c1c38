/* func_set.c - IN over sets: in, notIn, nullIn, notNullIn for one key, tupleIn, notTupleIn for several. The last argument is the set; its
 * cell is the call's data (expr/bind.c), filled before the plan runs. The set converts the keys to its types.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"

static fn_status bind_in(fn_ctx *ctx, func_call *call)
{
    const uint32_t last = call->arg_count - 1;
    if (call->arg_types[last]->id != FN_T_SET || !call->data)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The right side of function %s must be a set, a subquery or a table", call->def->name);
    return func_bind_u8(ctx, call);
}

static fn_status match(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, bool negated, fn_column **out)
{
    const expr_cell *cell = call->data;
    uint8_t *mask;
    if (!cell->set) return fn_fail(ctx, FN_LOGICAL_ERROR, "The set of function %s has not been computed", call->def->name);
    *out = func_new_fixed(ctx, call->type, rows, &mask);
    FN_TRY_PTR(ctx, *out);
    const fn_status status = expr_set_match(ctx, cell->set, args, rows, mask);
    if (status != FN_OK) {
        fn_column_drop(*out);
        *out = NULL;
        return status;
    }
    for (uint32_t i = 0; negated && i < rows; i++) mask[i] ^= 1;
    return FN_OK;
}

static fn_status eval_in(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return match(ctx, call, args, rows, false, out);
}

static fn_status eval_not_in(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return match(ctx, call, args, rows, true, out);
}

static const func_def rows_[] = {
    {.name = "in", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_in, .eval = eval_in, .about = "1 if the value is in the set.", .example = "1 IN (1, 2)", .gives = "1"},
    {.name = "notIn", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_in, .eval = eval_not_in, .about = "1 if the value is not in the set.", .example = "1 NOT IN (1, 2)", .gives = "0"},
    {.name = "nullIn", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY | FUNC_OWN_NULLS, .bind = bind_in, .eval = eval_in, .about = "1 if the value is in the set; NULL may be an element.", .example = "nullIn(1, (1, NULL))", .gives = "1"},
    {.name = "notNullIn", .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY | FUNC_OWN_NULLS, .bind = bind_in, .eval = eval_not_in, .about = "1 if the value is not in the set; NULL may be an element.", .example = "notNullIn(1, (1, NULL))", .gives = "0"},
    {.name = "tupleIn", .args_min = 2, .args_max = -1, .flags = FUNC_PER_ENTRY | FUNC_OWN_NULLS | FUNC_INTERNAL, .bind = bind_in, .eval = eval_in, .about = "1 if the values together are in the set: what IN over tuples runs as.", .example = "(1, 2) IN ((1, 2))", .gives = "1"},
    {.name = "notTupleIn", .args_min = 2, .args_max = -1, .flags = FUNC_PER_ENTRY | FUNC_OWN_NULLS | FUNC_INTERNAL, .bind = bind_in, .eval = eval_not_in, .about = "1 if the values together are not in the set: what NOT IN over tuples runs as.", .example = "(1, 2) NOT IN ((1, 2))", .gives = "0"},
};
const func_family func_family_set = FUNC_FAMILY("set", rows_);
