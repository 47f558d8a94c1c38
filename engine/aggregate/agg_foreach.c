/* agg_foreach.c - -ForEach: the aggregate for every position of arrays; -Resample: for every interval of a last argument.
 *
 * -ForEach's state is a growing row of nested states in the arena, written as a UInt64 count and the states; -Resample's is a fixed
 * number of them inside the state itself, written one behind the other. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"

typedef struct each_state {
    uint8_t *states; /* in the arena */
    uint32_t count, capacity;
} each_state;
enum { POSITIONS_MAX = 0xFFFFFF, INTERVALS_MAX = 1 << 20 };

static size_t stride_of(const agg_call *c)
{
    return agg_align(c->nested->state_size, 16);
}
static fn_status ensure(fn_ctx *ctx, const agg_call *c, fn_arena *a, each_state *s, uint64_t count)
{
    const size_t stride = stride_of(c);
    if (count <= s->count) return FN_OK;
    if (count > POSITIONS_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Suspiciously large array size (%llu) in -ForEach aggregate function", (unsigned long long)count);
    if (count > s->capacity) {
        const uint32_t capacity = (uint32_t)fn_next_pow2(count);
        uint8_t *states = fn_arena_alloc_zero(ctx, a, capacity * stride);
        FN_TRY_PTR(ctx, states);
        if (s->count) memcpy(states, s->states, s->count * stride);
        s->states = states;
        s->capacity = capacity;
    }
    for (; s->count < count; s->count++) c->nested->def->init(c->nested, s->states + s->count * stride);
    return FN_OK;
}

static void each_init(const agg_call *c, void *s)
{
    (void)c;
    memset(s, 0, sizeof(each_state));
}
static fn_status each_run(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, void *one, fn_column *const *args, size_t from, uint32_t rows)
{
    const agg_call *n = c->nested;
    fn_column *items[AGG_ARGS_MAX];
    uint32_t made = 0;
    uint8_t **each = NULL;
    fn_column *base;
    uint32_t *ends = NULL;
    fn_status status = agg_array_items(ctx, args, c->arg_count, from, rows, &base, items, &made);
    if (status != FN_OK) goto out;
    ends = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *ends);
    each = fn_alloc(ctx, ((size_t)items[0]->rows + 1) * sizeof *each);
    status = ends && each ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) { /* first the room, as states move when it grows */
        each_state *s = states ? (each_state *)(void *)(states[i] + offset) : one;
        ends[i] = base->offsets[i + 1] - base->offsets[i];
        status = ensure(ctx, c, a, s, ends[i]);
    }
    if (status != FN_OK) goto out;
    for (uint32_t i = 0, k = 0; i < rows; i++) {
        const each_state *s = states ? (const each_state *)(const void *)(states[i] + offset) : one;
        for (uint32_t j = 0; j < ends[i]; j++) each[k++] = s->states + j * stride_of(c);
    }
    status = n->def->add(ctx, n, a, each, 0, items, items[0]->rows);
out:
    fn_free(each);
    fn_free(ends);
    while (made) fn_column_drop(items[--made]);
    fn_column_drop(base);
    return status;
}
static fn_status each_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    return each_run(ctx, c, a, states, offset, NULL, args, 0, rows);
}
static fn_status each_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    return each_run(ctx, c, a, NULL, 0, s, args, from, rows);
}
static fn_status each_merge(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *into, const void *from)
{
    const each_state *b = from;
    each_state *s = into;
    FN_TRY(ensure(ctx, c, a, s, b->count));
    for (uint32_t i = 0; i < b->count; i++) FN_TRY(c->nested->def->merge(ctx, c->nested, a, s->states + i * stride_of(c), b->states + i * stride_of(c)));
    return FN_OK;
}
static fn_status each_finish(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *state, fn_builder *out)
{
    const each_state *s = state;
    for (uint32_t i = 0; i < s->count; i++) FN_TRY(c->nested->def->finish(ctx, c->nested, a, s->states + i * stride_of(c), &out->kids[0]));
    return fn_builder_close_array(ctx, out);
}
static fn_status each_write(fn_ctx *ctx, const agg_call *c, const void *state, fn_buf *out)
{
    const each_state *s = state;
    const uint64_t count = s->count;
    FN_TRY(fn_buf_append(ctx, out, &count, sizeof count));
    for (uint32_t i = 0; i < s->count; i++) FN_TRY(c->nested->def->write(ctx, c->nested, s->states + i * stride_of(c), out));
    return FN_OK;
}
static fn_status each_read(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *state, const uint8_t **at, const uint8_t *end)
{
    each_state *s = state;
    uint64_t count = 0;
    FN_TRY(agg_take(ctx, &count, sizeof count, at, end));
    if (count > (uint64_t)(end - *at) + 16) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
    FN_TRY(ensure(ctx, c, a, s, count));
    for (uint32_t i = 0; i < count; i++) FN_TRY(c->nested->def->read(ctx, c->nested, a, s->states + i * stride_of(c), at, end));
    return FN_OK;
}
static void each_destroy(const agg_call *c, void *state)
{
    each_state *s = state;
    for (uint32_t i = 0; c->nested->def->destroy && i < s->count; i++) c->nested->def->destroy(c->nested, s->states + i * stride_of(c));
    s->count = 0;
}
static const agg_def def_each = {.name = "ForEach", .init = each_init, .add = each_add, .add_one = each_add_one, .merge = each_merge, .finish = each_finish,
                                 .write = each_write, .read = each_read, .destroy = each_destroy, .about = "The aggregate for every position of arrays.",
                                 .example = "sumForEach([number, 1])", .gives = "[45,10]"};

fn_status agg_bind_for_each(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    FN_TRY(agg_bind_over_items(ctx, inner, outer, "ForEach", &nested));
    *out = agg_wrap(ctx, &def_each, outer, nested);
    FN_TRY_PTR(ctx, *out);
    (*out)->type = fn_type_array(nested->type);
    (*out)->state_size = sizeof(each_state);
    (*out)->state_align = 8;
    return FN_OK;
}

/* ---- -Resample(start, end, step): the last argument picks the interval ---- */
typedef struct resample_bound {
    fn_i128 first, end, step;
    uint32_t count;
} resample_bound;

static uint8_t *interval_at(const agg_call *c, const void *state, uint32_t index)
{
    return (uint8_t *)(uintptr_t)state + index * stride_of(c);
}
static void resample_init(const agg_call *c, void *s)
{
    for (uint32_t i = 0; i < ((const resample_bound *)c->data)->count; i++) c->nested->def->init(c->nested, interval_at(c, s, i));
}
static fn_status resample_run(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, uint8_t *one, fn_column *const *args, size_t from,
                              uint32_t rows)
{
    const resample_bound *b = c->data;
    const fn_column *key = args[c->arg_count - 1];
    const bool is_signed = !fn_type_is_unsigned(key->type);
    uint8_t *mask = fn_alloc(ctx, (size_t)rows + 64), **each = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *each);
    fn_column *part[AGG_ARGS_MAX];
    agg_subset sub = {.arg_count = 0};
    uint32_t made = 0, kept = 0;
    fn_status status = mask && each ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const fn_i128 v = is_signed ? (fn_i128)fn_column_i64_at(key, from + i) : (fn_i128)fn_column_u64_at(key, from + i);
        mask[i] = v >= b->first && v < b->end;
        kept += mask[i];
        each[i] = mask[i] ? interval_at(c, states ? states[i] + offset : one, (uint32_t)((v - b->first) / b->step)) : NULL;
    }
    for (; made < c->arg_count - 1 && status == FN_OK; made++) {
        part[made] = fn_column_slice(ctx, args[made], from, rows);
        if (!part[made]) {
            status = ctx->error.code;
            break;
        }
    }
    if (status == FN_OK && kept) {
        status = agg_subset_make(ctx, mask, kept, rows, part, c->arg_count - 1, each, &sub);
        if (status == FN_OK) status = c->nested->def->add(ctx, c->nested, a, sub.states, 0, sub.args, kept);
        agg_subset_release(&sub);
    }
    while (made) fn_column_drop(part[--made]);
    fn_free(each);
    fn_free(mask);
    return status;
}
static fn_status resample_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    return resample_run(ctx, c, a, states, offset, NULL, args, 0, rows);
}
static fn_status resample_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    return resample_run(ctx, c, a, NULL, 0, s, args, from, rows);
}
static fn_status resample_merge(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *into, const void *from)
{
    for (uint32_t i = 0; i < ((const resample_bound *)c->data)->count; i++)
        FN_TRY(c->nested->def->merge(ctx, c->nested, a, interval_at(c, into, i), interval_at(c, from, i)));
    return FN_OK;
}
static fn_status resample_finish(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_builder *out)
{
    for (uint32_t i = 0; i < ((const resample_bound *)c->data)->count; i++) FN_TRY(c->nested->def->finish(ctx, c->nested, a, interval_at(c, s, i), &out->kids[0]));
    return fn_builder_close_array(ctx, out);
}
static fn_status resample_write(fn_ctx *ctx, const agg_call *c, const void *s, fn_buf *out)
{
    for (uint32_t i = 0; i < ((const resample_bound *)c->data)->count; i++) FN_TRY(c->nested->def->write(ctx, c->nested, interval_at(c, s, i), out));
    return FN_OK;
}
static fn_status resample_read(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, const uint8_t **at, const uint8_t *end)
{
    for (uint32_t i = 0; i < ((const resample_bound *)c->data)->count; i++) FN_TRY(c->nested->def->read(ctx, c->nested, a, interval_at(c, s, i), at, end));
    return FN_OK;
}
static void resample_destroy(const agg_call *c, void *s)
{
    for (uint32_t i = 0; c->nested->def->destroy && i < ((const resample_bound *)c->data)->count; i++) c->nested->def->destroy(c->nested, interval_at(c, s, i));
}
static const agg_def def_resample = {.name = "Resample", .init = resample_init, .add = resample_add, .add_one = resample_add_one, .merge = resample_merge,
                                     .finish = resample_finish, .write = resample_write, .read = resample_read, .destroy = resample_destroy,
                                     .about = "The aggregate for every interval of the last argument.", .example = "countResample(0, 10, 5)(number)", .gives = "[5,5]"};

static fn_status bound_at(fn_ctx *ctx, const agg_call *outer, uint32_t index, fn_i128 *out)
{
    const fn_column *p = outer->params[index];
    if (!fn_type_is_integer(p->type) || p->type->width > 8) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameters of aggregate function with Resample suffix must be integers");
    *out = fn_type_is_unsigned(p->type) ? (fn_i128)fn_column_u64_at(p, 0) : (fn_i128)fn_column_i64_at(p, 0);
    return FN_OK;
}
fn_status agg_bind_resample(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    const uint32_t params = outer->param_count;
    resample_bound *b = FN_NEW(ctx, resample_bound);
    FN_TRY_PTR(ctx, b);
    if (outer->arg_count == 0)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Incorrect number of arguments for aggregate function with Resample suffix");
    if (params < 3) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Incorrect number of parameters for aggregate function with Resample suffix");
    const fn_type *key = fn_type_base(outer->arg_types[outer->arg_count - 1]);
    if ((!fn_type_is_integer(key) && key->id != FN_T_DATE && key->id != FN_T_DATETIME) || key->width > 8)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal types of argument for aggregate function " FN_STR_FMT ", the type of the last argument should be native integer or integer-like",
                       FN_STR_ARG(outer->name));
    FN_TRY(bound_at(ctx, outer, params - 3, &b->first));
    FN_TRY(bound_at(ctx, outer, params - 2, &b->end));
    FN_TRY(bound_at(ctx, outer, params - 1, &b->step));
    if (b->step <= 0) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "The step used in function " FN_STR_FMT " cannot be zero", FN_STR_ARG(outer->name));
    const fn_i128 count = b->end > b->first ? (b->end - b->first + b->step - 1) / b->step : 0;
    if (count > INTERVALS_MAX)
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "The range given in function " FN_STR_FMT " contains too many elements", FN_STR_ARG(outer->name));
    b->count = (uint32_t)count;
    FN_TRY(agg_bind_inner(ctx, inner, outer->arg_types, outer->arg_count - 1, outer->params, params - 3, &nested));
    if ((uint64_t)b->count * agg_align(nested->state_size, 16) > UINT32_MAX / 2)
        return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "The range given in function " FN_STR_FMT " contains too many elements", FN_STR_ARG(outer->name));
    *out = agg_wrap(ctx, &def_resample, outer, nested);
    FN_TRY_PTR(ctx, *out);
    (*out)->data = b;
    (*out)->type = fn_type_array(nested->type);
    (*out)->state_size = FN_MAX(b->count * agg_align(nested->state_size, 16), 1u);
    (*out)->state_align = 16;
    if (fn_type_is_nullable(outer->arg_types[outer->arg_count - 1])) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Nullable keys of -Resample are not supported");
    return FN_OK;
}
