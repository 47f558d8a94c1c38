/* agg_bit.c - groupBitAnd, groupBitOr, groupBitXor over integers. The state is the value itself, little endian.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"

static fn_status bit_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!fn_type_is_integer(t) && t->id != FN_T_BOOL) return agg_illegal(ctx, call);
    call->type = t->id == FN_T_BOOL ? fn_type_simple(FN_T_UINT8) : t;
    call->state_size = t->width;
    call->state_align = 1;
    return FN_OK;
}
static void and_init(const agg_call *call, void *state)
{
    memset(state, 0xff, call->state_size);
}
static void and_bytes(uint8_t *s, const uint8_t *v, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) s[i] &= v[i];
}
static void or_bytes(uint8_t *s, const uint8_t *v, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) s[i] |= v[i];
}
static void xor_bytes(uint8_t *s, const uint8_t *v, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) s[i] ^= v[i];
}
#define BIT_ROW(op)                                                                                                                           \
    static inline fn_status op##_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)     \
    {                                                                                                                                         \
        (void)ctx, (void)arena;                                                                                                               \
        op##_bytes(state, args[0]->values + fn_column_stored(args[0], row) * call->state_size, call->state_size);                             \
        return FN_OK;                                                                                                                         \
    }                                                                                                                                         \
    static fn_status op##_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)                             \
    {                                                                                                                                         \
        (void)ctx, (void)arena;                                                                                                               \
        op##_bytes(into, from, call->state_size);                                                                                             \
        return FN_OK;                                                                                                                         \
    }
BIT_ROW(and)
BIT_ROW(or)
BIT_ROW(xor)
#define OP and
#include "aggregate/agg_by_row.inc"
#define OP or
#include "aggregate/agg_by_row.inc"
#define OP xor
#include "aggregate/agg_by_row.inc"
static fn_status bit_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    return fn_builder_fixed(ctx, out, state);
}

#define BIT_DEF(op) .flags = AGG_CASE_INSENSITIVE, .args_min = 1, .args_max = 1, .bind = bit_bind, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, .finish = bit_finish, \
    .write = agg_plain_write, .read = agg_plain_read
static const char *const and_names[] = {"BIT_AND", NULL};
static const char *const or_names[] = {"BIT_OR", NULL};
static const char *const xor_names[] = {"BIT_XOR", NULL};
static const agg_def rows_[] = {
    {.name = "groupBitAnd", .aliases = and_names, BIT_DEF(and), .init = and_init, .about = "Bits that all values have; all ones for no rows.",
     .example = "groupBitAnd(number + 6)", .gives = "0"},
    {.name = "groupBitOr", .aliases = or_names, BIT_DEF(or), .init = agg_zero_init, .about = "Bits that some value has.", .example = "groupBitOr(number)", .gives = "15"},
    {.name = "groupBitXor", .aliases = xor_names, BIT_DEF(xor), .init = agg_zero_init, .about = "Exclusive or of all values.", .example = "groupBitXor(number)", .gives = "1"},
};
const agg_family agg_family_bit = AGG_FAMILY("bit", rows_);
