/* func_time_window.c - windows of time: tumble, tumbleStart, tumbleEnd, hop, hopStart, hopEnd. A tumbling window begins where
 * toStartOfInterval says; a hopping one is the last that holds the time. All are formulas over other functions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/formula.h"

static fn_status need_interval(fn_ctx *ctx, const func_call *call, uint32_t i)
{
    fn_column *c;
    if (call->arg_types[i]->id != FN_T_INTERVAL)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s. Should be interval", call->arg_types[i]->name, call->def->name);
    FN_TRY(func_need_const(ctx, call, i, &c));
    return fn_column_i64_at(c, 0) > 0 ? FN_OK : fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Interval value must be positive in function %s", call->def->name);
}

static fn_status constant(fn_ctx *ctx, const func_call *call, uint32_t i, expr **out)
{
    *out = expr_const(ctx, fn_column_ref(call->consts[i]));
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

static fn_status bind_window(fn_ctx *ctx, func_call *call)
{
    const char *name = call->def->name;
    const bool hops = name[0] == 'h', start = strstr(name, "Start") != NULL, end = strstr(name, "End") != NULL;
    const uint32_t intervals = hops ? 2 : 1;
    expr *args[3], *begin, *close, *step, *width, *both;
    if (!fn_type_is_date_or_time(call->arg_types[0]) || call->arg_types[0]->id == FN_T_DATE || call->arg_types[0]->id == FN_T_DATE32)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of function %s. Should be a date with time", call->arg_types[0]->name, name);
    for (uint32_t i = 1; i <= intervals; i++) FN_TRY(need_interval(ctx, call, i));
    if (hops && call->arg_types[1] != call->arg_types[2])
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type of window and hop column of function %s, must be same", name);
    if (hops && fn_column_i64_at(call->consts[1], 0) > fn_column_i64_at(call->consts[2], 0))
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Value for hop interval of function %s must not exceed window interval", name);
    args[0] = formula_column(ctx, 0, call->arg_types[0]);
    FN_TRY_PTR(ctx, args[0]);
    FN_TRY(constant(ctx, call, 1, &args[1]));
    const bool zoned = call->arg_count > intervals + 1;
    if (zoned) {
        fn_str zone;
        FN_TRY(func_const_str(ctx, call, intervals + 1, &zone));
        FN_TRY(constant(ctx, call, intervals + 1, &args[2]));
    }
    FN_TRY(expr_call(ctx, "toStartOfInterval", args, zoned ? 3 : 2, &begin));
    FN_TRY(constant(ctx, call, 1, &step));
    close = formula_call(ctx, "plus", begin, step);
    if (hops) {
        FN_TRY(constant(ctx, call, 2, &width));
        begin = formula_call(ctx, "minus", close, width);
    }
    both = start ? begin : end ? close : formula_call(ctx, "tuple", begin, close);
    return formula_bind(ctx, call, both, 1);
}

static fn_status eval_window(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return formula_run(ctx, call, args, 1, rows, out);
}

#define T                        "toDateTime('2024-01-01 00:07:00', 'UTC')"
#define TUMBLE(fn, what, res)    {.name = fn, .args_min = 2, .args_max = 3, .bind = bind_window, .eval = eval_window, .about = what, .example = fn "(" T ", INTERVAL 5 MINUTE)", .gives = res}
#define HOP(fn, what, res)       {.name = fn, .args_min = 3, .args_max = 4, .bind = bind_window, .eval = eval_window, .about = what, .example = fn "(" T ", INTERVAL 5 MINUTE, INTERVAL 10 MINUTE)", .gives = res}
static const func_def rows_[] = {
    TUMBLE("tumble", "Begin and end of the window of fixed size that holds the time.", "('2024-01-01 00:05:00','2024-01-01 00:10:00')"),
    TUMBLE("tumbleStart", "Begin of the window of fixed size that holds the time.", "2024-01-01 00:05:00"),
    TUMBLE("tumbleEnd", "End of the window of fixed size that holds the time.", "2024-01-01 00:10:00"),
    HOP("hop", "Begin and end of the last hopping window that holds the time.", "('2024-01-01 00:00:00','2024-01-01 00:10:00')"),
    HOP("hopStart", "Begin of the last hopping window that holds the time.", "2024-01-01 00:00:00"),
    HOP("hopEnd", "End of the last hopping window that holds the time.", "2024-01-01 00:10:00"),
};
const func_family func_family_time_window = FUNC_FAMILY("dates", rows_);
