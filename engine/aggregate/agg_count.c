/* agg_count.c - count(), count(x): rows, or rows where x is not NULL. The state is one UInt64, written as a varint.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

static fn_status count_bind(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = fn_type_simple(FN_T_UINT64);
    call->state_size = sizeof(uint64_t);
    call->state_align = 8;
    return FN_OK;
}
static void count_init(const agg_call *call, void *state)
{
    (void)call;
    *(uint64_t *)state = 0;
}
static fn_status count_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    (void)ctx;
    (void)arena;
    const uint8_t *nulls = call->arg_count ? args[0]->nulls : NULL;
    if (!nulls) {
        for (uint32_t i = 0; i < rows; i++) ++*(uint64_t *)(void *)(states[i] + offset);
        return FN_OK;
    }
    const size_t step = agg_step(args[0]);
    for (uint32_t i = 0; i < rows; i++) *(uint64_t *)(void *)(states[i] + offset) += !nulls[i * step];
    return FN_OK;
}
static bool count_add_few(const agg_call *call, uint8_t *const *states, size_t offset, const agg_few *few, fn_column *const *args, uint32_t rows)
{
    (void)rows;
    if (call->arg_count && args[0]->nulls) return false;
    for (uint32_t p = 0; p < few->place_count; p++)
        if (few->counts[p]) *(uint64_t *)(void *)(states[p] + offset) += few->counts[p];
    return true;
}
static fn_status count_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    (void)ctx;
    (void)arena;
    uint64_t n = rows;
    const uint8_t *nulls = call->arg_count ? args[0]->nulls : NULL;
    if (nulls) {
        const size_t step = agg_step(args[0]);
        for (uint32_t i = 0; i < rows; i++) n -= nulls[(from + i) * step];
    }
    *(uint64_t *)state += n;
    return FN_OK;
}
static fn_status count_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)call;
    (void)arena;
    *(uint64_t *)into += *(const uint64_t *)from;
    return FN_OK;
}
static fn_status count_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    return fn_builder_fixed(ctx, out, state);
}
static fn_status count_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    return fn_buf_leb(ctx, out, *(const uint64_t *)state);
}
static fn_status count_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    (void)arena;
    return agg_take_leb(ctx, state, at, end);
}
static const agg_def rows_[] = {
    {.name = "count", .args_max = 1, .flags = AGG_OWN_NULLS | AGG_NO_NULL_RESULT | AGG_CASE_INSENSITIVE, .bind = count_bind, .init = count_init, .add = count_add,
     .add_one = count_add_one, .add_few = count_add_few, .merge = count_merge, .finish = count_finish, .write = count_write, .read = count_read,
     .about = "Number of rows, or of rows where the argument is not NULL.", .example = "count(number)", .gives = "10"},
};
const agg_family agg_family_count = AGG_FAMILY("count", rows_);
