/* agg_funnel.c - retention and windowFunnel: which of several conditions were met, at all or in order within a window of time.
 * windowFunnel's state is the list of (time, condition), written as ClickHouse's: sorted flag, UInt64 count, time and UInt8 each.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"

enum { CONDITIONS_MAX = 15 };

static fn_status need_conditions(fn_ctx *ctx, const agg_call *call, uint32_t from)
{
    for (uint32_t i = from; i < call->arg_count; i++)
        if (call->arg_types[i]->id != FN_T_UINT8 && call->arg_types[i]->id != FN_T_BOOL)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument %u of aggregate function %s, must be UInt8", call->arg_types[i]->name, i + 1,
                           call->def->name);
    return FN_OK;
}
static bool is_met(const fn_column *c, size_t row)
{
    return c->values[fn_column_stored(c, row)] != 0;
}

/* ---- retention ---- */
static fn_status retention_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(need_conditions(ctx, call, 0));
    call->type = fn_type_array(fn_type_simple(FN_T_UINT8));
    call->state_size = sizeof(uint32_t);
    call->state_align = 4;
    return FN_OK;
}
static fn_status retention_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    for (uint32_t i = 0; i < call->arg_count; i++) *(uint32_t *)state |= (uint32_t)is_met(args[i], row) << i;
    return FN_OK;
}
#define OP retention
#include "aggregate/agg_by_row.inc"
static fn_status retention_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)call;
    (void)arena;
    *(uint32_t *)into |= *(const uint32_t *)from;
    return FN_OK;
}
static fn_status retention_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const uint32_t met = *(const uint32_t *)state;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const uint8_t v = (met & 1) && (met >> i & 1);
        FN_TRY(fn_builder_fixed(ctx, &out->kids[0], &v));
    }
    return fn_builder_close_array(ctx, out);
}

/* ---- windowFunnel ---- */
typedef struct step {
    uint64_t time;
    uint32_t condition; /* from 1; 0: none was met (strict_order) */
} step;
typedef struct funnel {
    agg_items steps;
    bool unsorted;
} funnel;
typedef struct funnel_bound {
    uint64_t window;
    bool order, deduplication, increase, reentry;
} funnel_bound;

static fn_status funnel_modes(fn_ctx *ctx, const agg_call *call, funnel_bound *b)
{
    for (uint32_t i = 1; i < call->param_count; i++) {
        const fn_str mode = fn_type_is_string(call->params[i]->type) ? fn_column_str_at(call->params[i], 0) : FN_STR("");
        if (fn_str_eq(mode, FN_STR("strict_order"))) b->order = true;
        else if (fn_str_eq(mode, FN_STR("strict_deduplication")) || fn_str_eq(mode, FN_STR("strict"))) b->deduplication = true;
        else if (fn_str_eq(mode, FN_STR("strict_increase"))) b->increase = true;
        else if (fn_str_eq(mode, FN_STR("allow_reentry"))) b->reentry = true;
        else if (fn_str_eq(mode, FN_STR("strict_once")))
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Mode " FN_STR_FMT " of aggregate function windowFunnel is not supported", FN_STR_ARG(mode));
        else return fn_fail(ctx, FN_BAD_ARGUMENTS, "Aggregate function %s doesn't support a parameter: " FN_STR_FMT, call->def->name, FN_STR_ARG(mode));
    }
    if (b->reentry && !b->order) return fn_fail(ctx, FN_BAD_ARGUMENTS, "allow_reentry option requires strict_order to be enabled in Aggregate function %s", call->def->name);
    return FN_OK;
}
static fn_status funnel_bind(fn_ctx *ctx, agg_call *call)
{
    funnel_bound *b = FN_NEW(ctx, funnel_bound);
    const fn_type *t = call->arg_types[0];
    FN_TRY_PTR(ctx, b);
    if (!(fn_type_is_integer(t) && fn_type_is_unsigned(t) && t->width <= 8) && t->id != FN_T_DATE && t->id != FN_T_DATETIME)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of aggregate function %s, must be Unsigned Number, Date, DateTime", t->name,
                       call->def->name);
    FN_TRY(need_conditions(ctx, call, 1));
    FN_TRY(agg_param_u64(ctx, call, 0, &b->window));
    FN_TRY(funnel_modes(ctx, call, b));
    call->data = b;
    call->type = fn_type_simple(FN_T_UINT8);
    call->state_size = sizeof(funnel);
    call->state_align = 8;
    return FN_OK;
}
static fn_status add_step(fn_ctx *ctx, fn_arena *arena, funnel *s, step e)
{
    const step *last = s->steps.count ? (const step *)(const void *)s->steps.data + s->steps.count - 1 : NULL;
    if (last && last->time > e.time) s->unsorted = true;
    return agg_items_push(ctx, arena, &s->steps, &e, sizeof e);
}
/* Later conditions first: one row never counts as two steps of the chain. */
static fn_status funnel_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    const uint64_t time = agg_u64(args[0], row);
    bool any = false;
    for (uint32_t i = call->arg_count - 1; i > 0; i--) {
        if (!is_met(args[i], row)) continue;
        FN_TRY(add_step(ctx, arena, state, (step){time, i}));
        any = true;
    }
    if (any || !((const funnel_bound *)call->data)->order) return FN_OK;
    return add_step(ctx, arena, state, (step){time, 0});
}
#define OP funnel
#include "aggregate/agg_by_row.inc"
static fn_status funnel_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    const funnel *b = from;
    for (uint32_t i = 0; i < b->steps.count; i++) FN_TRY(add_step(ctx, arena, into, ((const step *)(const void *)b->steps.data)[i]));
    ((funnel *)into)->unsorted |= b->unsorted;
    return FN_OK;
}
#define ITEM step
#define SORT sort_steps
#include "aggregate/agg_sort_time.inc"

typedef struct reached {
    bool has;
    uint64_t first, last; /* of the chain; of this step */
} reached;
/* Steps reached without a gap from the first. */
static uint32_t gapless(const reached *at, uint32_t count)
{
    uint32_t n = 0;
    while (n < count && at[n].has) n++;
    return n;
}
static uint32_t level_of(const funnel_bound *b, const funnel *s, uint32_t count)
{
    reached at[CONDITIONS_MAX * 4] = {{0}};
    const step *v = (const step *)(const void *)s->steps.data;
    bool begun = false;
    for (uint32_t i = 0; i < s->steps.count; i++) {
        const uint32_t k = v[i].condition - 1;
        if (v[i].condition == 0) {
            if (begun) break;
            continue;
        }
        if (k == 0) {
            at[0] = (reached){true, v[i].time, v[i].time};
            begun = true;
        } else if (b->deduplication && at[k].has) {
            return v[i - 1].condition;
        } else if (b->order && begun && !at[k - 1].has) {
            if (!b->reentry) return gapless(at, count); /* else the step out of order is passed over */
        } else if (at[k - 1].has && v[i].time <= at[k - 1].first + b->window && !(b->increase && at[k - 1].last >= v[i].time)) {
            at[k] = (reached){true, at[k - 1].first, v[i].time};
            if (k + 1 == count) return count;
        }
    }
    for (uint32_t k = count; k > 0; k--)
        if (at[k - 1].has) return k;
    return 0;
}
static fn_status funnel_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const funnel_bound *b = call->data;
    funnel *s = state;
    FN_TRY(sort_steps(ctx, (step *)(void *)s->steps.data, s->steps.count, &s->unsorted));
    const bool trivial = !b->order && call->arg_count == 2 && ((funnel *)state)->steps.count;
    const uint8_t level = trivial ? 1 : (uint8_t)level_of(b, state, call->arg_count - 1);
    return fn_builder_fixed(ctx, out, &level);
}
static uint32_t time_width(const agg_call *call)
{
    return call->arg_types[0]->width;
}
static fn_status funnel_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const funnel *s = state;
    const uint64_t n = s->steps.count;
    FN_TRY(fn_buf_byte(ctx, out, !s->unsorted));
    FN_TRY(fn_buf_append(ctx, out, &n, 8));
    for (uint32_t i = 0; i < n; i++) {
        const step *e = (const step *)(const void *)s->steps.data + i;
        FN_TRY(fn_buf_append(ctx, out, &e->time, time_width(call)));
        FN_TRY(fn_buf_byte(ctx, out, (char)e->condition));
    }
    return FN_OK;
}
static fn_status funnel_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    uint8_t sorted = 0, condition = 0;
    uint64_t n = 0;
    FN_TRY(agg_take(ctx, &sorted, 1, at, end));
    FN_TRY(agg_take(ctx, &n, 8, at, end));
    for (; n; n--) {
        uint64_t time = 0;
        FN_TRY(agg_take(ctx, &time, time_width(call), at, end));
        FN_TRY(agg_take(ctx, &condition, 1, at, end));
        if (condition >= call->arg_count) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function windowFunnel is broken");
        FN_TRY(add_step(ctx, arena, state, (step){time, condition}));
    }
    return FN_OK;
}

#define OPS(op) .bind = op##_bind, .init = agg_zero_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, .finish = op##_finish
static const agg_def rows_[] = {
    {.name = "retention", .args_min = 2, .args_max = CONDITIONS_MAX, .flags = AGG_NO_NULL_RESULT, OPS(retention), .write = agg_plain_write, .read = agg_plain_read,
     .about = "For each condition whether it and the first were met by some row.", .example = "retention(number = 1, number = 2)", .gives = "[1,1]"},
    {.name = "windowFunnel", .args_min = 2, .args_max = CONDITIONS_MAX, .params_min = 1, .params_max = -1, .flags = AGG_ORDER_DEPENDENT, OPS(funnel), .write = funnel_write,
     .read = funnel_read, .about = "How many conditions were met in order within a window of time.", .example = "windowFunnel(5)(number, number = 1, number = 3)", .gives = "2"},
};
const agg_family agg_family_funnel = AGG_FAMILY("funnel", rows_);
