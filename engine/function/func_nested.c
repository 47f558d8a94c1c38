/* func_nested.c - nested(['a', 'b'], [1, 2], ['x', 'y']): arrays side by side as an array of named tuples.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

static fn_status bind_nested(fn_ctx *ctx, func_call *call)
{
    const uint32_t n = call->arg_count - 1;
    fn_column *names;
    uint32_t first, count;
    FN_TRY(func_need_const(ctx, call, 0, &names));
    if (names->type->id != FN_T_ARRAY || names->type->args[0]->id != FN_T_STRING)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument for function %s must be constant column with array of strings", call->def->name);
    const fn_column *items = fn_column_items_at(names, 0, &first, &count);
    if (count != n) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Size of nested names array for function %s does not match arrays arguments size. Actual %u. Expected %u", call->def->name, count, n);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, n + 1);
    const char **fields = FN_NEW_ARRAY(ctx, const char *, n + 1);
    FN_TRY_PTR(ctx, types);
    FN_TRY_PTR(ctx, fields);
    for (uint32_t i = 0; i < n; i++) {
        const fn_str name = fn_column_str_at(items, first + i);
        FN_TRY(array_need(ctx, call, i + 1));
        types[i] = call->arg_types[i + 1]->args[0];
        fields[i] = fn_arena_copy(ctx, ctx->arena, name.data, name.size);
        FN_TRY_PTR(ctx, fields[i]);
    }
    call->type = fn_type_array(fn_type_tuple(types, fields, n));
    return FN_OK;
}

static fn_status eval_nested(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    const uint32_t n = call->arg_count - 1;
    array_in *a = fn_alloc_zero(ctx, (n + 1) * sizeof *a);
    fn_column **items = fn_alloc_zero(ctx, (n + 1) * sizeof *items), *tuples = NULL;
    fn_status status = a && items ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        status = array_open(ctx, args[i + 1], &a[i]);
        items[i] = a[i].items;
    }
    if (status == FN_OK) status = array_same_sizes(ctx, call, a, n, 1);
    if (status == FN_OK && !(tuples = fn_column_tuple(ctx, call->type->args[0], a[0].total, items))) status = ctx->error.code;
    if (status == FN_OK) status = array_with_items(ctx, call->type, &a[0], tuples, out);
    for (uint32_t i = 0; a && i < n; i++) array_close(&a[i]);
    fn_free(items);
    fn_free(a);
    return status;
}

static const func_def rows_[] = {
    {.name = "nested", .args_min = 2, .args_max = -1, .bind = bind_nested, .eval = eval_nested,
     .about = "Arrays of equal sizes as one array of tuples with the given names.", .example = "nested(['a', 'b'], [1, 2], ['x', 'y'])", .gives = "[(1,'x'),(2,'y')]"},
};
const func_family func_family_nested = FUNC_FAMILY("tuples", rows_);
