/* func_conditional.c - if, multiIf, caseWithExpression, transform, and the functions about NULL. Evaluation only where
 * needed is expr/program.c's; what arrives here has all branches. SPDX-License-Identifier: Apache-2.0 */
#include "expr/node.h"
#include "function/choose.h"

/* ---- if and multiIf: conditions at 0, 2, ...; values at 1, 3, ... and last ---- */

static fn_status bind_multi_if(fn_ctx *ctx, func_call *call)
{
    const uint32_t n = call->arg_count;
    if (n % 2 == 0) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Invalid number of arguments for function %s", call->def->name);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, n / 2 + 1);
    FN_TRY_PTR(ctx, types);
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        const fn_type *t = fn_type_base(call->arg_types[i]);
        if (t->id != FN_T_NOTHING && t->id != FN_T_UINT8 && t->id != FN_T_BOOL && !fn_type_is_number(t))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument (condition) of function %s. Must be UInt8 or Nullable(UInt8).", call->arg_types[i]->name, call->def->name);
        types[count++] = call->arg_types[i + 1];
    }
    types[count++] = call->arg_types[n - 1];
    return fn_type_common_or_variant(ctx, types, count, &call->type);
}

static fn_status eval_multi_if(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t conditions = call->arg_count / 2;
    uint8_t *which = fn_alloc(ctx, (size_t)rows + 64), *mask = fn_alloc(ctx, (size_t)rows + 64);
    fn_column *parts[256];
    fn_status status = which && mask ? FN_OK : ctx->error.code;
    if (conditions > 254) status = fn_fail(ctx, FN_TOO_MANY_ARGUMENTS_FOR_FUNCTION, "Function %s takes at most 254 conditions", call->def->name);
    if (status == FN_OK) memset(which, (int)conditions, rows);
    parts[FN_MIN(conditions, 255u)] = args[call->arg_count - 1];
    for (uint32_t k = conditions; k-- > 0 && status == FN_OK;) { /* backwards: the first that holds wins */
        uint32_t ones;
        status = expr_mask_of(ctx, args[2 * k], rows, mask, &ones);
        parts[k] = args[2 * k + 1];
        for (uint32_t i = 0; status == FN_OK && i < rows; i++) which[i] = mask[i] ? (uint8_t)k : which[i];
    }
    if (status == FN_OK) status = choose_rows(ctx, parts, conditions + 1, which, call->type, rows, out);
    fn_free(which);
    fn_free(mask);
    return status;
}

/* ---- NULL ---- */

static fn_status null_mask(fn_ctx *ctx, const fn_column *c, uint32_t rows, const fn_type *type, uint8_t when_null, fn_column **out)
{
    if (c->shape == FN_CONST || !c->nulls || fn_type_base(c->type)->id == FN_T_NOTHING) {
        const bool one = rows && fn_column_is_null(c, 0);
        *out = fn_column_const_u64(ctx, type, one ? when_null : !when_null, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    uint8_t *mask;
    *out = func_new_fixed(ctx, type, rows, &mask);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < rows; i++) mask[i] = c->nulls[i] == when_null;
    return FN_OK;
}

static fn_status eval_is_null(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return null_mask(ctx, args[0], rows, call->type, 1, out);
}

static fn_status eval_is_not_null(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return null_mask(ctx, args[0], rows, call->type, 0, out);
}

static fn_status eval_is_nullable(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    *out = fn_column_const_u64(ctx, call->type, fn_type_is_nullable(args[0]->type), rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status bind_is_zero_or_null(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = fn_type_base(call->arg_types[0]);
    const bool number = fn_type_is_number(t) || t->id == FN_T_BOOL || t->id == FN_T_NOTHING;
    if (!number || t->id == FN_T_DECIMAL || t->width > 8)
        return fn_fail(ctx, number ? FN_ILLEGAL_COLUMN : FN_BAD_ARGUMENTS, "The argument of function %s must have simple numeric type, possibly Nullable or Null", call->def->name);
    return func_bind_u8(ctx, call);
}

static fn_status eval_is_zero_or_null(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *mask;
    uint32_t ones;
    *out = func_new_fixed(ctx, call->type, rows, &mask);
    FN_TRY_PTR(ctx, *out);
    const fn_status status = expr_mask_of(ctx, args[0], rows, mask, &ones);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) mask[i] ^= 1;
    return status;
}

static fn_status bind_coalesce(fn_ctx *ctx, func_call *call)
{
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, call->arg_count + 1);
    FN_TRY_PTR(ctx, types);
    uint32_t n = 0;
    bool closed = false; /* an argument that is never NULL ends the list */
    for (uint32_t i = 0; i < call->arg_count && !closed; i++) {
        const fn_type *t = call->arg_types[i];
        closed = !fn_type_is_nullable(t);
        if (fn_type_base(t)->id == FN_T_NOTHING && !closed) continue;
        types[n++] = fn_type_strip_nullable(t);
    }
    if (n == 0) {
        call->type = fn_type_nullable(fn_type_simple(FN_T_NOTHING));
        return FN_OK;
    }
    FN_TRY(fn_type_common_or_variant(ctx, types, n, &call->type));
    if (!closed) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

static fn_status eval_coalesce(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    if (call->type == fn_type_nullable(fn_type_simple(FN_T_NOTHING))) {
        *out = fn_column_null(ctx, call->type, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    uint8_t *which = fn_alloc(ctx, (size_t)rows + 64);
    fn_column *parts[256];
    uint32_t n = FN_MIN(call->arg_count, 255u);
    FN_TRY_PTR(ctx, which);
    for (uint32_t k = 0; k < n; k++)
        if (!fn_type_is_nullable(args[k]->type)) {
            n = k + 1;
            break;
        }
    memset(which, (int)(n - 1), rows);
    fn_status status = FN_OK;
    for (uint32_t k = n; k-- > 0 && status == FN_OK;) {
        for (uint32_t i = 0; i < rows; i++)
            if (!fn_column_is_null(args[k], i)) which[i] = (uint8_t)k;
        /* values under NULL are never chosen, so their null map may go when the result has none */
        parts[k] = fn_column_ref(args[k]);
        if (!fn_type_is_nullable(call->type) && fn_type_is_nullable(args[k]->type)) {
            fn_column_drop(parts[k]);
            parts[k] = NULL;
            status = expr_convert(ctx, args[k], fn_type_base(call->type), CONVERT_OR_ZERO, &parts[k]);
        }
        if (status != FN_OK) n = k;
    }
    if (status == FN_OK) status = choose_rows(ctx, parts, n, which, call->type, rows, out);
    for (uint32_t k = 0; status == FN_OK && k < n; k++) fn_column_drop(parts[k]);
    fn_free(which);
    return status;
}

static fn_status bind_null_if(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!fn_type_can_be_nullable(fn_type_base(t))) return func_illegal(ctx, call);
    func_call *eq = FN_NEW(ctx, func_call);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, 2);
    if (!eq || !types) return ctx->error.code;
    types[0] = fn_type_base(t);
    types[1] = fn_type_base(call->arg_types[1]);
    call->type = fn_type_nullable(t);
    if (types[0]->id == FN_T_NOTHING || types[1]->id == FN_T_NOTHING) return FN_OK;
    *eq = (func_call){.def = func_find(FN_STR("equals")), .arg_count = 2, .arg_types = types, .consts = call->consts};
    FN_TRY(eq->def->bind(ctx, eq));
    call->data = eq;
    return FN_OK;
}

static fn_status eval_null_if(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const func_call *eq = call->data;
    if (!eq) return expr_convert(ctx, args[0], call->type, CONVERT_CAST, out);
    fn_column *same = NULL, *value = NULL, *pair[3] = {args[0], args[1], NULL};
    FN_TRY(call_run(ctx, eq, fn_type_nullable(eq->type), pair, rows, &same));
    fn_status status = expr_convert(ctx, args[0], call->type, CONVERT_CAST, &value);
    fn_column *flat = status == FN_OK ? fn_column_flatten(ctx, value) : NULL;
    fn_buffer *nulls = flat ? fn_buffer_new(ctx, rows) : NULL;
    for (uint32_t i = 0; nulls && i < rows; i++) nulls->data[i] = fn_column_is_null(flat, i) || (!fn_column_is_null(same, i) && fn_column_u64_at(same, i));
    if (nulls) *out = fn_column_with_nulls(ctx, flat, call->type, nulls);
    if (!nulls || !*out) status = ctx->error.code;
    fn_column_drop(same);
    fn_column_drop(value);
    fn_column_drop(flat);
    return status;
}

static fn_status bind_assume_not_null(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_strip_nullable(call->arg_types[0]);
    return FN_OK;
}

static fn_status eval_assume_not_null(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    return expr_convert(ctx, args[0], call->type, CONVERT_OR_ZERO, out);
}

static fn_status bind_to_nullable(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    call->type = fn_type_nullable(t);
    if (fn_type_is_nullable(t) || fn_type_can_be_nullable(t)) return FN_OK;
    if (t->id == FN_T_TUPLE) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Nullable(%s) is not supported", t->name);
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Nested type %s cannot be inside Nullable type", t->name);
}

static fn_status eval_to_nullable(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)rows;
    *out = fn_column_retype(ctx, args[0], call->type);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- a IS [NOT] DISTINCT FROM b ---- */

static fn_status bind_distinct(fn_ctx *ctx, func_call *call)
{
    func_call *eq = FN_NEW(ctx, func_call);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, 2);
    if (!eq || !types) return ctx->error.code;
    call->type = fn_type_simple(FN_T_UINT8);
    types[0] = fn_type_base(call->arg_types[0]);
    types[1] = fn_type_base(call->arg_types[1]);
    if (types[0]->id == FN_T_NOTHING || types[1]->id == FN_T_NOTHING) return FN_OK;
    *eq = (func_call){.def = func_find(FN_STR("equals")), .arg_count = 2, .arg_types = types, .consts = call->consts};
    call->data = eq;
    return eq->def->bind(ctx, eq);
}

static fn_status eval_distinct(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const func_call *eq = call->data;
    const bool equal_gives = strcmp(call->def->name, "isNotDistinctFrom") == 0;
    fn_column *same = NULL, *pair[3] = {args[0], args[1], NULL};
    uint8_t *mask;
    if (eq) FN_TRY(call_run(ctx, eq, fn_type_nullable(eq->type), pair, rows, &same));
    *out = func_new_fixed(ctx, call->type, rows, &mask);
    for (uint32_t i = 0; *out && i < rows; i++) {
        const bool a = fn_column_is_null(args[0], i), b = fn_column_is_null(args[1], i);
        const bool equal = a || b ? a && b : same && fn_column_u64_at(same, i);
        mask[i] = equal == equal_gives;
    }
    fn_column_drop(same);
    return *out ? FN_OK : ctx->error.code;
}

#define ANY (FUNC_OWN_NULLS | FUNC_PER_ENTRY)
#define ROW(title, lo, hi, more, binder, evaluator, text, ex, res)                                 \
    {.name = title, .args_min = lo, .args_max = hi, .flags = more, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("if", 3, 3, ANY | FUNC_NO_LOW_CARDINALITY | FUNC_LAZY | FUNC_CASE_INSENSITIVE, bind_multi_if, eval_multi_if, "The second argument where the first is true, else the third.", "if(1, 'a', 'b')", "a"),
    {.name = "multiIf", .aliases = (const char *const[]){"caseWithoutExpression", "caseWithoutExpr", NULL}, .args_min = 3, .args_max = -1, .flags = ANY | FUNC_NO_LOW_CARDINALITY | FUNC_LAZY, .bind = bind_multi_if, .eval = eval_multi_if, .about = "The value behind the first condition that holds; the last argument if none does.", .example = "multiIf(0, 'a', 1, 'b', 'c')", .gives = "b"},
    ROW("isNull", 1, 1, ANY | FUNC_CASE_INSENSITIVE, func_bind_u8, eval_is_null, "1 if the value is NULL.", "isNull(NULL)", "1"),
    ROW("isNotNull", 1, 1, ANY | FUNC_CASE_INSENSITIVE, func_bind_u8, eval_is_not_null, "1 if the value is not NULL.", "isNotNull(1)", "1"),
    ROW("isNullable", 1, 1, ANY, func_bind_u8, eval_is_nullable, "1 if the type is Nullable.", "isNullable(toNullable(1))", "1"),
    ROW("isZeroOrNull", 1, 1, ANY, bind_is_zero_or_null, eval_is_zero_or_null, "1 if the value is 0 or NULL.", "isZeroOrNull(0)", "1"),
    ROW("coalesce", 1, -1, ANY | FUNC_CASE_INSENSITIVE, bind_coalesce, eval_coalesce, "The first argument that is not NULL.", "coalesce(NULL, 2)", "2"),
    ROW("ifNull", 2, 2, ANY | FUNC_CASE_INSENSITIVE, bind_coalesce, eval_coalesce, "The first argument, or the second where that is NULL.", "ifNull(NULL, 2)", "2"),
    ROW("nullIf", 2, 2, ANY | FUNC_CASE_INSENSITIVE, bind_null_if, eval_null_if, "The first argument, or NULL where it equals the second.", "nullIf(1, 1)", "NULL"),
    ROW("assumeNotNull", 1, 1, ANY, bind_assume_not_null, eval_assume_not_null, "The value without Nullable; the default where it is NULL.", "assumeNotNull(toNullable(1))", "1"),
    ROW("toNullable", 1, 1, ANY | FUNC_OWN_DICT, bind_to_nullable, eval_to_nullable, "The value as Nullable.", "toNullable(1)", "1"),
    ROW("isNotDistinctFrom", 2, 2, ANY, bind_distinct, eval_distinct, "1 if both are equal or both NULL.", "isNotDistinctFrom(NULL, NULL)", "1"),
    ROW("isDistinctFrom", 2, 2, ANY, bind_distinct, eval_distinct, "1 if the values differ, NULL being equal to NULL.", "isDistinctFrom(1, NULL)", "1"),
};
const func_family func_family_conditional = FUNC_FAMILY("conditional", rows_);
