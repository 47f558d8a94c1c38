/* func_logical.c - and, or, xor, not with three-valued NULLs, over masks of 0/1 bytes.
 * Short-circuit evaluation is expr/program.c's; here all arguments are there. SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"
#include "function/family.h"
#include "kernel/kernel.h"

static fn_status bind_logic(fn_ctx *ctx, func_call *call)
{
    bool nullable = false, boolean = false; /* one Bool makes it a Bool */
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const fn_type *t = fn_type_base(call->arg_types[i]);
        nullable |= fn_type_is_nullable(call->arg_types[i]);
        boolean |= (call->def->name[0] == 'x' ? t : call->arg_types[i])->id == FN_T_BOOL; /* Nullable(Bool) is none to and, or: as in ClickHouse */
        if (t->id != FN_T_NOTHING && (!fn_type_is_number(t) || t->id == FN_T_DECIMAL))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type (%s) of %u argument of function %s", call->arg_types[i]->name, i + 1, call->def->name);
    }
    call->type = fn_type_simple(boolean ? FN_T_BOOL : FN_T_UINT8);
    if (nullable) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

/* Null bytes of any shape; NULL if none. */
static bool null_bytes(const fn_column *c, uint32_t rows, uint8_t *to)
{
    if (c->shape == FN_CONST || fn_type_base(c->type)->id == FN_T_NOTHING) {
        const bool one = fn_column_is_null(c, 0);
        if (one) memset(to, 1, rows);
        return one;
    }
    if (!c->nulls) return false;
    memcpy(to, c->nulls, rows);
    return true;
}

/* and: false wins, then NULL. or: true wins, then NULL. xor: NULL wins. */
static fn_status eval_logic(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool is_and = call->def->name[0] == 'a', is_or = call->def->name[0] == 'o', nullable = fn_type_is_nullable(call->type);
    uint8_t *value, *nulls = NULL, *mask = fn_alloc(ctx, (size_t)rows + 64), *null = fn_alloc(ctx, (size_t)rows + 64);
    *out = nullable ? func_new_nullable(ctx, call->type, rows, &value, &nulls) : func_new_fixed(ctx, call->type, rows, &value);
    fn_status status = mask && null && *out ? FN_OK : ctx->error.code;
    if (status == FN_OK) memset(value, is_and, rows);
    for (uint32_t k = 0; k < call->arg_count && status == FN_OK; k++) {
        uint32_t ones;
        status = expr_mask_of(ctx, args[k], rows, mask, &ones);
        if (status != FN_OK) break;
        const bool some = nullable && null_bytes(args[k], rows, null);
        if (!some && !nullable) {
            if (is_and) kern.mask_and(value, mask, rows);
            else if (is_or) kern.mask_or(value, mask, rows);
            else for (uint32_t i = 0; i < rows; i++) value[i] ^= mask[i];
            continue;
        }
        for (uint32_t i = 0; i < rows; i++) {
            const bool n = some && null[i];
            if (is_and || is_or) {
                const bool decided = value[i] != is_and; /* and: already false; or: already true */
                if (decided) continue;
                if (n) nulls[i] = 1;
                else if ((mask[i] != 0) != is_and) {
                    value[i] = !is_and;
                    nulls[i] = 0;
                }
            } else {
                nulls[i] |= n;
                value[i] ^= mask[i];
            }
        }
    }
    fn_free(mask);
    fn_free(null);
    if (status == FN_OK) return FN_OK;
    fn_column_drop(*out);
    *out = NULL;
    return status;
}

static fn_status bind_not(fn_ctx *ctx, func_call *call)
{
    return bind_logic(ctx, call);
}

static fn_status eval_not(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *value;
    uint32_t ones;
    *out = func_new_fixed(ctx, call->type, rows, &value);
    FN_TRY_PTR(ctx, *out);
    const fn_status status = expr_mask_of(ctx, args[0], rows, value, &ones);
    if (status != FN_OK) {
        fn_column_drop(*out);
        *out = NULL;
        return status;
    }
    for (uint32_t i = 0; i < rows; i++) value[i] ^= 1;
    return FN_OK;
}

static const func_def rows_[] = {
    {.name = "and", .args_min = 2, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_LAZY | FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_logic, .eval = eval_logic, .about = "1 if all arguments are not 0.", .example = "and(1, 0)", .gives = "0"},
    {.name = "or", .args_min = 2, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_LAZY | FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_logic, .eval = eval_logic, .about = "1 if some argument is not 0.", .example = "or(1, 0)", .gives = "1"},
    {.name = "xor", .args_min = 2, .args_max = -1, .flags = FUNC_OWN_NULLS | FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_logic, .eval = eval_logic, .about = "1 if an odd number of arguments is not 0.", .example = "xor(1, 1)", .gives = "0"},
    {.name = "not", .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE | FUNC_PER_ENTRY, .bind = bind_not, .eval = eval_not, .about = "1 if the argument is 0.", .example = "not(1)", .gives = "0"},
};
const func_family func_family_logical = FUNC_FAMILY("logical", rows_);
