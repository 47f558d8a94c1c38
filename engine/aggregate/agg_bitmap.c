/* agg_bitmap.c - groupBitmap(x): the number of different integers, by a bitmap that functions look into; groupBitmapAnd, -Or and -Xor over
 * such states. The states are those of expr/bitmap.h, of one with the name groupBitmap whichever aggregate made it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"
#include "expr/bitmap.h"

typedef struct bitmap_state {
    bitmap set;
    bool begun; /* of And and Xor: a state has come */
} bitmap_state;

static fn_status bind_item(fn_ctx *ctx, agg_call *call, const fn_type *item)
{
    if (!fn_type_is_integer(item) || item->width > 8) return agg_illegal(ctx, call);
    call->data = (void *)(uintptr_t)item; /* types are interned and never change */
    call->type = item;
    call->state_size = sizeof(bitmap_state);
    call->state_align = 8;
    return FN_OK;
}
static fn_status numbers_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (fn_type_is_date_or_time(t))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The type %s of argument for aggregate function %s is illegal, because it cannot be used in Bitmap operations", t->name, call->def->name);
    return bind_item(ctx, call, t);
}
static fn_status states_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (t->id != FN_T_AGGREGATE_FUNCTION || strcmp(t->function_name, "groupBitmap") != 0 || t->arg_count != 1) return agg_illegal(ctx, call);
    return bind_item(ctx, call, fn_type_strip_nullable(t->args[0]));
}
static void bitmap_init(const agg_call *call, void *state)
{
    (void)call;
    *(bitmap_state *)state = (bitmap_state){0};
}
static void bitmap_destroy(const agg_call *call, void *state)
{
    (void)call;
    bitmap_release(&((bitmap_state *)state)->set);
}

static fn_status add_number(fn_ctx *ctx, const agg_call *call, bitmap_state *s, const fn_column *c, size_t row)
{
    (void)call;
    return bitmap_add(ctx, &s->set, fn_type_is_unsigned(c->type) ? fn_column_u64_at(c, row) : (uint64_t)fn_column_i64_at(c, row));
}
static bitmap_op op_of(const agg_call *call)
{
    const char kind = call->def->name[strlen("groupBitmap")];
    return kind == 'A' ? BITMAP_AND : kind == 'X' ? BITMAP_XOR : BITMAP_OR;
}
static fn_status combine(fn_ctx *ctx, const agg_call *call, bitmap_state *s, const bitmap *with)
{
    bitmap_settle(&s->set);
    const fn_status status = bitmap_combine(ctx, &s->set, with, s->begun ? op_of(call) : BITMAP_OR);
    s->begun = true;
    return status;
}
static fn_status add_state(fn_ctx *ctx, const agg_call *call, bitmap_state *s, const fn_column *c, size_t row)
{
    const fn_str bytes = fn_column_str_at(c, row);
    const uint8_t *at = (const uint8_t *)bytes.data;
    bitmap with = {0};
    fn_status status = bytes.size ? bitmap_read(ctx, call->data, &at, at + bytes.size, &with) : FN_OK;
    if (status == FN_OK) status = combine(ctx, call, s, &with);
    bitmap_release(&with);
    return status;
}

#define ADD(name, one)                                                                             \
    static fn_status name##_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows) \
    {                                                                                              \
        (void)arena;                                                                               \
        for (uint32_t i = 0; i < rows; i++) FN_TRY(one(ctx, call, (bitmap_state *)(void *)(states[i] + offset), args[0], i)); \
        return FN_OK;                                                                              \
    }                                                                                              \
    static fn_status name##_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows) \
    {                                                                                              \
        (void)arena;                                                                               \
        for (uint32_t i = 0; i < rows; i++) FN_TRY(one(ctx, call, state, args[0], from + i));      \
        return FN_OK;                                                                              \
    }
ADD(numbers, add_number)
ADD(states, add_state)

static fn_status numbers_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    (void)arena;
    const bitmap_state *f = from;
    bitmap_state *s = into;
    for (uint32_t i = 0; i < f->set.count; i++) FN_TRY(bitmap_add(ctx, &s->set, f->set.values[i]));
    return FN_OK;
}
static fn_status states_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const bitmap_state *f = from;
    (void)arena;
    return f->begun ? combine(ctx, call, into, &f->set) : FN_OK;
}
static fn_status bitmap_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    bitmap_state *s = state;
    bitmap_settle(&s->set);
    const uint64_t count = s->set.count;
    return fn_builder_fixed(ctx, out, &count);
}
static fn_status bitmap_put(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    bitmap_settle(&((bitmap_state *)(uintptr_t)state)->set);
    return bitmap_write(ctx, call->data, &((const bitmap_state *)state)->set, out);
}
static fn_status bitmap_take(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    bitmap_state *s = state;
    s->begun = true;
    return bitmap_read(ctx, call->data, at, end, &s->set);
}

#define ROW(title, kind, text, ex, res)                                                            \
    {.name = title, .args_min = 1, .args_max = 1, .bind = kind##_bind, .init = bitmap_init, .add = kind##_add, .add_one = kind##_add_one, .merge = kind##_merge,  \
     .finish = bitmap_finish, .write = bitmap_put, .read = bitmap_take, .destroy = bitmap_destroy, .about = text, .example = ex, .gives = res}
static const agg_def rows_[] = {
    ROW("groupBitmap", numbers, "The number of different integers; its state is a bitmap.", "groupBitmap(number % 3)", "3"),
    ROW("groupBitmapAnd", states, "The number of integers that are in all bitmaps.", "groupBitmapAnd(bitmapBuild([1, 2]))", "2"),
    ROW("groupBitmapOr", states, "The number of integers that are in any of the bitmaps.", "groupBitmapOr(bitmapBuild([1, 2]))", "2"),
    ROW("groupBitmapXor", states, "The number of integers that are in an odd number of the bitmaps.", "groupBitmapXor(bitmapBuild([1, 2]))", "2"),
};
const agg_family agg_family_bitmap = AGG_FAMILY("bitmap", rows_);
