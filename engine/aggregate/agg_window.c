/* agg_window.c - functions that make sense in windows only: their names, argument checks and documentation. They are evaluated by
 * exec/window_function.c; as plain aggregates they are refused. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

static fn_status bind_number(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_UINT64);
    call->state_align = 1;
    return FN_OK;
}
static fn_status bind_share(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_FLOAT64);
    call->state_align = 1;
    return FN_OK;
}
static fn_status bind_ntile(fn_ctx *ctx, agg_call *call)
{
    if (call->arg_count != 1) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s takes exactly one argument", call->def->name);
    const fn_type *t = call->arg_types[0];
    if (!fn_type_is_integer(t) || !fn_type_is_unsigned(t) || t->width > 8)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "'ntile' argument type must be an unsigned integer (not larger than 64-bit), got %s", t->name);
    return bind_number(ctx, call);
}

static fn_status check_offset(fn_ctx *ctx, const agg_call *call)
{
    const fn_type *t = fn_type_base(call->arg_types[1]);
    if (fn_type_is_integer(t) && t->width <= 8) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Offset must be an integer, '%s' given", call->arg_types[1]->name);
}

/* The default must fit the value's type without widening it. */
static fn_status check_default(fn_ctx *ctx, const agg_call *call)
{
    const fn_type *common, *const both[2] = {call->arg_types[0], call->arg_types[2]};
    if (both[0] == both[1]) return FN_OK;
    if (fn_type_common(ctx, both, 2, &common) != FN_OK) {
        fn_error_clear(ctx);
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "There is no supertype for the argument type '%s' and the default value type '%s'", both[0]->name, both[1]->name);
    }
    if (common == both[0] || fn_type_strip_low_cardinality(common) == fn_type_strip_low_cardinality(both[0])) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "The supertype '%s' for the argument type '%s' and the default value type '%s' is not the same as the argument type",
                   common->name, both[0]->name, both[1]->name);
}

static fn_status bind_neighbour(fn_ctx *ctx, agg_call *call)
{
    if (!call->arg_count) return fn_fail(ctx, FN_TOO_FEW_ARGUMENTS_FOR_FUNCTION, "Function %s takes at least one argument", call->def->name);
    if (call->arg_count > 3)
        return fn_fail(ctx, FN_TOO_MANY_ARGUMENTS_FOR_FUNCTION, "Function '%s' accepts at most 3 arguments, %u given", call->def->name, call->arg_count);
    if (call->arg_count > 1) FN_TRY(check_offset(ctx, call));
    if (call->arg_count > 2) FN_TRY(check_default(ctx, call));
    call->type = call->arg_types[0];
    call->state_align = 1;
    return FN_OK;
}
static fn_status bind_nth(fn_ctx *ctx, agg_call *call)
{
    if (call->arg_count != 2) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Function %s takes exactly two arguments", call->def->name);
    FN_TRY(check_offset(ctx, call));
    call->type = call->arg_types[0];
    call->state_align = 1;
    return FN_OK;
}

enum { WINDOW = AGG_WINDOW_ONLY | AGG_OWN_NULLS | AGG_NO_NULL_RESULT };
#define ALIAS(name) ((const char *const[]){(name), NULL})
static const agg_def rows_[] = {
    {.name = "row_number", .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_number, .about = "Number of the row in its partition, from 1.",
     .example = "row_number() OVER (ORDER BY number)", .gives = "1"},
    {.name = "rank", .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_number,
     .about = "Rank of the row in its partition: rows that are equal in order share one, the next rank skips them.", .example = "rank() OVER (ORDER BY number)", .gives = "1"},
    {.name = "dense_rank", .aliases = ALIAS("denseRank"), .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_number,
     .about = "Rank of the row in its partition without gaps behind equal rows.", .example = "dense_rank() OVER (ORDER BY number)", .gives = "1"},
    {.name = "percent_rank", .aliases = ALIAS("percentRank"), .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_share,
     .about = "Rank as a share: (rank - 1) / (rows of the partition - 1), 0 for a single row.", .example = "percent_rank() OVER (ORDER BY number)", .gives = "0"},
    {.name = "cume_dist", .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_share,
     .about = "Share of the partition's rows that do not come behind the current one.", .example = "cume_dist() OVER (ORDER BY number)", .gives = "1"},
    {.name = "ntile", .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_ntile,
     .about = "Number of the bucket, from 1, when the partition's rows are dealt in order into the given number of buckets.",
     .example = "ntile(2) OVER (ORDER BY number)", .gives = "1"},
    {.name = "lag", .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_neighbour,
     .about = "Value of the row the given number of rows (1) before in the partition; the default where there is none.",
     .example = "lag(number, 1, 7) OVER (ORDER BY number)", .gives = "7"},
    {.name = "lead", .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_neighbour,
     .about = "Value of the row the given number of rows (1) behind in the partition; the default where there is none.",
     .example = "lead(number, 1, 7) OVER (ORDER BY number DESC)", .gives = "7"},
    {.name = "lagInFrame", .args_max = -1, .flags = WINDOW, .bind = bind_neighbour,
     .about = "Value of the row the given number of rows (1) before, if it lies in the frame; else the default.",
     .example = "lagInFrame(number, 1, 7) OVER (ORDER BY number)", .gives = "7"},
    {.name = "leadInFrame", .args_max = -1, .flags = WINDOW, .bind = bind_neighbour,
     .about = "Value of the row the given number of rows (1) behind, if it lies in the frame; else the default.",
     .example = "leadInFrame(number, 1, 7) OVER (ORDER BY number)", .gives = "7"},
    {.name = "nth_value", .args_max = -1, .flags = WINDOW | AGG_CASE_INSENSITIVE, .bind = bind_nth,
     .about = "Value of the n-th row of the frame, from 1; the type's default when the frame is shorter.", .example = "nth_value(number, 1) OVER (ORDER BY number)", .gives = "0"},
};
const agg_family agg_family_window = AGG_FAMILY("window", rows_);
