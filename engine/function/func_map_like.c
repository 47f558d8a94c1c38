/* func_map_like.c - maps by a LIKE pattern over their keys or values: mapContainsKeyLike, mapContainsValueLike, mapExtractKeyLike,
 * mapExtractValueLike. The pattern is a constant; LIKE itself is the function `like` over all items at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"
#include "function/formula.h"

/* 0: keys, 1: values */
static uint32_t side_of(const func_call *call)
{
    return strstr(call->def->name, "Value") != NULL;
}

static fn_status bind_like(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    fn_column *pattern;
    if (t->id != FN_T_MAP || !fn_type_is_string(fn_type_base(t->args[side_of(call)])) || !fn_type_is_string(call->arg_types[1])) return func_illegal(ctx, call);
    FN_TRY(func_need_const(ctx, call, 1, &pattern));
    expr *constant = expr_const(ctx, fn_column_ref(pattern));
    FN_TRY_PTR(ctx, constant);
    FN_TRY(formula_bind(ctx, call, formula_call(ctx, "like", formula_column(ctx, 0, t->args[side_of(call)]), constant), 1));
    call->type = strncmp(call->def->name, "mapExtract", 10) == 0 ? t : fn_type_simple(FN_T_UINT8);
    return FN_OK;
}

static fn_status eval_like(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool extract = call->type->id == FN_T_MAP;
    array_in a;
    array_pick p = {0};
    fn_column *found = NULL;
    uint8_t *values = NULL;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = formula_run(ctx, call, (fn_column *const[]){a.items->kids[side_of(call)]}, 1, a.total, &found);
    if (status == FN_OK && extract) status = array_pick_open(ctx, &p, rows, a.total);
    if (status == FN_OK && !extract && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        uint8_t any = 0;
        for (uint32_t k = a.offsets[i]; k < a.offsets[i + 1]; k++) {
            const bool hit = !fn_column_is_null(found, k) && fn_column_u64_at(found, k);
            any |= hit;
            if (hit && extract) array_pick_put(&p, k);
        }
        if (extract) array_pick_close_row(&p);
        else values[i] = any;
    }
    if (status == FN_OK && extract) status = array_pick_finish(ctx, &p, call->type, a.items, out);
    fn_column_drop(found);
    array_close(&a);
    return status;
}

#define ROW(title, text, ex, res)                                                                  \
    {.name = title, .aliases = NULL, .args_min = 2, .args_max = 2, .bind = bind_like, .eval = eval_like, .about = text, .example = title ex, .gives = res}
static const func_def rows_[] = {
    ROW("mapContainsKeyLike", "1 if some key matches the LIKE pattern.", "(map('abc', 1), 'a%')", "1"),
    ROW("mapContainsValueLike", "1 if some value matches the LIKE pattern.", "(map('a', 'xyz'), '%y%')", "1"),
    ROW("mapExtractKeyLike", "The pairs whose key matches the LIKE pattern.", "(map('abc', 1, 'b', 2), 'a%')", "{'abc':1}"),
    ROW("mapExtractValueLike", "The pairs whose value matches the LIKE pattern.", "(map('a', 'xyz', 'b', 'q'), '%y%')", "{'a':'xyz'}"),
};
const func_family func_family_map_like = FUNC_FAMILY("maps", rows_);
