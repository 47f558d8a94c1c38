/* group_state.c - see group_state.h. count and plain sums are merged and finished by loops of their own; everything else goes
 * through the function's table. SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_state.h"
#include "exec/group_table.h"

/* What a state really needs: a struct's size is a multiple of its alignment. */
static uint32_t alignment(const agg_call *call)
{
    const uint32_t of_size = call->state_size ? call->state_size & (0u - call->state_size) : 1;
    return FN_MIN(FN_MIN(FN_MAX(call->state_align, 1u), of_size), 16u);
}

static group_kind kind_of(const agg_call *call)
{
    if (call->nested || call->state_size != 8 || call->type->width != 8) return GROUP_ANY;
    if (strcmp(call->def->name, "count") == 0) return GROUP_ADD_U64;
    if (strcmp(call->def->name, "sum") != 0) return GROUP_ANY;
    return fn_type_is_float(call->arg_types[0]) ? GROUP_ADD_F64 : GROUP_ADD_U64;
}

static bool is_small(const agg_call *call)
{
    static const char *const names[] = {"count", "sum", "avg", "min", "max"};
    const agg_call *base = call;
    for (; base->nested; base = base->nested)
        if (strcmp(base->def->name, "Null") != 0 && strcmp(base->def->name, "If") != 0) return false;
    if (base->arg_count && (base->arg_types[0]->phys == FN_PHYS_STRING || base->arg_types[0]->width == 0)) return false;
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (strcmp(base->def->name, names[i]) == 0) return call->state_size <= 64;
    return false;
}

static bool owns_outside(const agg_call *call)
{
    return call->def->destroy && !is_small(call);
}

static fn_status starts_zero(fn_ctx *ctx, const agg_call *call, bool *out)
{
    uint8_t *probe = fn_arena_alloc_zero(ctx, ctx->arena, (size_t)call->state_size + 16);
    FN_TRY_PTR(ctx, probe);
    call->def->init(call, probe);
    *out = true;
    for (uint32_t i = 0; i < call->state_size; i++) *out &= probe[i] == 0;
    if (call->def->destroy) call->def->destroy(call, probe);
    return FN_OK;
}

fn_status group_states_plan(fn_ctx *ctx, const plan_aggregate_item *items, uint32_t count, group_states *out)
{
    *out = (group_states){.count = count, .align = 1, .zero_init = true, .small = true};
    out->aggs = FN_NEW_ARRAY(ctx, group_agg, count + 1);
    FN_TRY_PTR(ctx, out->aggs);
    for (uint32_t i = 0; i < count; i++) {
        const agg_call *call = items[i].call;
        group_agg *g = &out->aggs[i];
        if (items[i].distinct && items[i].arg_count) {
            agg_call *once;
            FN_TRY(agg_bind_distinct(ctx, call, &once));
            call = once;
        }
        if (call->def->flags & AGG_WINDOW_ONLY)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Function " FN_STR_FMT " can only be used as a window function, not as an aggregate function", FN_STR_ARG(call->name));
        const uint32_t align = alignment(call);
        *g = (group_agg){.call = call, .offset = (out->size + align - 1) & ~(align - 1), .first_arg = out->arg_count, .kind = kind_of(call)};
        g->plain = g->kind != GROUP_ANY || is_small(call);
        FN_TRY(starts_zero(ctx, call, &g->zero_init));
        out->arg_count += items[i].arg_count;
        out->size = g->offset + call->state_size;
        out->align = FN_MAX(out->align, align);
        out->zero_init &= g->zero_init;
        out->destroys |= owns_outside(call);
        out->small &= is_small(call);
    }
    return FN_OK;
}

void group_states_init(const group_states *g, uint8_t *state)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (!g->aggs[i].zero_init) g->aggs[i].call->def->init(g->aggs[i].call, state + g->aggs[i].offset);
}

static uint32_t args_of(const group_states *g, uint32_t index)
{
    return index + 1 < g->count ? g->aggs[index + 1].first_arg - g->aggs[index].first_arg : g->arg_count - g->aggs[index].first_arg;
}

static fn_status add_rows(fn_ctx *ctx, const group_states *g, uint32_t index, fn_arena *arena, uint8_t *const *states, size_t base, fn_column *const *args,
                          uint32_t from, uint32_t rows)
{
    enum { ARGS_MAX = 32 };
    fn_column *part[ARGS_MAX];
    const group_agg *a = &g->aggs[index];
    fn_column *const *own = args + a->first_arg;
    const uint32_t count = args_of(g, index);
    const bool whole = count == 0 || (from == 0 && own[0]->rows == rows);
    if (count > ARGS_MAX) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Too many arguments for aggregate function " FN_STR_FMT, FN_STR_ARG(a->call->name));
    uint32_t made = 0;
    for (; !whole && made < count; made++) {
        part[made] = fn_column_slice(ctx, own[made], from, rows);
        if (!part[made]) break;
    }
    fn_status status = whole || made == count ? FN_OK : ctx->error.code;
    if (status == FN_OK) status = a->call->def->add(ctx, a->call, arena, states, base + a->offset, whole ? own : part, rows);
    while (made) fn_column_drop(part[--made]);
    return status;
}

fn_status group_states_add(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *const *states, size_t base, fn_column *const *args, uint32_t from,
                           uint32_t rows)
{
    for (uint32_t i = 0; i < g->count; i++) FN_TRY(add_rows(ctx, g, i, arena, states, base, args, from, rows));
    return FN_OK;
}

fn_status group_states_add_few(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *const *states, const agg_few *few, fn_column *const *args,
                               uint32_t rows, uint8_t **slots)
{
    uint32_t rest = 0, *left = fn_arena_alloc(ctx, ctx->arena, (g->count + 1) * sizeof *left);
    FN_TRY_PTR(ctx, left);
    for (uint32_t i = 0; i < g->count; i++) {
        const group_agg *a = &g->aggs[i];
        const agg_def *def = a->call->def;
        if (!def->add_few || !def->add_few(a->call, states, a->offset, few, args + a->first_arg, rows)) left[rest++] = i;
    }
    for (uint32_t from = 0; rest && from < rows; from += GROUP_CHUNK) {
        const uint32_t n = FN_MIN(rows - from, (uint32_t)GROUP_CHUNK);
        for (uint32_t i = 0; i < n; i++) slots[i] = states[few->places[from + i]];
        for (uint32_t i = 0; i < rest; i++) FN_TRY(add_rows(ctx, g, left[i], arena, slots, 0, args, from, n));
    }
    return FN_OK;
}

fn_status group_states_add_one(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *state, fn_column *const *args, uint32_t from, uint32_t rows)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const group_agg *a = &g->aggs[i];
        FN_TRY(a->call->def->add_one(ctx, a->call, arena, state + a->offset, args + a->first_arg, from, rows));
    }
    return FN_OK;
}

bool group_states_in_any_order(const group_states *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const agg_call *call = g->aggs[i].call;
        for (uint32_t k = 0; k < call->arg_count; k++)
            if (fn_type_is_float(fn_type_base(call->arg_types[k]))) return false;
    }
    return g->small;
}

fn_status group_states_merge_kept(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *into, const uint8_t *from)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const group_agg *a = &g->aggs[i];
        uint8_t *to = into + a->offset;
        const uint8_t *it = from + a->offset;
        switch (a->kind) {
        case GROUP_ADD_U64: fn_store_u64(to, fn_load_u64(to) + fn_load_u64(it)); break;
        case GROUP_ADD_F64: fn_store_f64(to, fn_load_f64(to) + fn_load_f64(it)); break;
        case GROUP_ANY: FN_TRY(a->call->def->merge(ctx, a->call, arena, to, it)); break;
        }
    }
    return FN_OK;
}

fn_status group_states_merge(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *into, uint8_t *from)
{
    const fn_status status = group_states_merge_kept(ctx, g, arena, into, from);
    group_states_destroy(g, from);
    return status;
}

fn_status group_states_write(fn_ctx *ctx, const group_states *g, const uint8_t *state, fn_buf *out)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const group_agg *a = &g->aggs[i];
        if (a->plain) FN_TRY(fn_buf_append(ctx, out, state + a->offset, a->call->state_size));
        else FN_TRY(a->call->def->write(ctx, a->call, state + a->offset, out));
    }
    return FN_OK;
}

fn_status group_states_read(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *state, const uint8_t **at, const uint8_t *end)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const group_agg *a = &g->aggs[i];
        const size_t size = a->call->state_size;
        if (!a->plain) {
            FN_TRY(a->call->def->read(ctx, a->call, arena, state + a->offset, at, end));
            continue;
        }
        if (size > (size_t)(end - *at)) return fn_fail(ctx, FN_INCORRECT_DATA, "A state of aggregate function " FN_STR_FMT " is cut", FN_STR_ARG(a->call->name));
        memcpy(state + a->offset, *at, size);
        *at += size;
    }
    return FN_OK;
}

static fn_status finish_plain(fn_ctx *ctx, const group_agg *a, uint8_t *const *states, uint32_t rows, fn_column **out)
{
    fn_buffer *values = fn_buffer_new(ctx, (size_t)rows * 8);
    FN_TRY_PTR(ctx, values);
    for (uint32_t i = 0; i < rows; i++) memcpy(values->data + (size_t)i * 8, states[i] + a->offset, 8);
    *out = fn_column_fixed(ctx, a->call->type, rows, values, NULL);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

static fn_status finish_any(fn_ctx *ctx, const group_agg *a, fn_arena *arena, uint8_t *const *states, uint32_t rows, fn_column **out)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, a->call->type));
    fn_status status = fn_builder_reserve(ctx, &b, rows);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) status = a->call->def->finish(ctx, a->call, arena, states[i] + a->offset, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

fn_status group_states_finish(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *const *states, uint32_t rows, fn_column **out)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const group_agg *a = &g->aggs[i];
        FN_TRY(a->kind == GROUP_ANY ? finish_any(ctx, a, arena, states, rows, &out[i]) : finish_plain(ctx, a, states, rows, &out[i]));
    }
    return FN_OK;
}

void group_states_destroy(const group_states *g, uint8_t *state)
{
    if (!g->destroys) return;
    for (uint32_t i = 0; i < g->count; i++)
        if (g->aggs[i].call->def->destroy) g->aggs[i].call->def->destroy(g->aggs[i].call, state + g->aggs[i].offset);
}
