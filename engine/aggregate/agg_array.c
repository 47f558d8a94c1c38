/* agg_array.c - groupArray, with an optional limit. Each state owns a builder of the item type, made at its first row.
 * The state is written as a varint count and the items in ClickHouse's binary form (fixed width and strings).
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

typedef struct list_state {
    fn_builder *items;
    fn_tracker *memory; /* the builder's bytes are charged to */
    uint64_t charged;
} list_state;
typedef struct list_bound {
    uint64_t limit;
} list_bound;

static fn_status list_bind(fn_ctx *ctx, agg_call *call)
{
    list_bound *b = FN_NEW(ctx, list_bound);
    FN_TRY_PTR(ctx, b);
    b->limit = UINT32_MAX;
    if (call->param_count) {
        const fn_column *p = call->params[0];
        if (!fn_type_is_integer(p->type) || (!fn_type_is_unsigned(p->type) && fn_column_i64_at(p, 0) <= 0) || fn_column_u64_at(p, 0) == 0)
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameter for aggregate function %s should be a positive number", call->def->name);
        b->limit = FN_MIN(fn_column_u64_at(p, 0), (uint64_t)UINT32_MAX);
    }
    call->data = b;
    call->type = fn_type_array(call->arg_types[0]);
    call->state_size = sizeof(list_state);
    call->state_align = 8;
    return FN_OK;
}
static void list_init(const agg_call *call, void *state)
{
    memset(state, 0, call->state_size);
}
static fn_status list_open(fn_ctx *ctx, const agg_call *call, list_state *s)
{
    if (s->items) return FN_OK;
    fn_builder *b = fn_alloc_zero(ctx, sizeof *b);
    FN_TRY_PTR(ctx, b);
    const fn_status status = fn_builder_init(ctx, b, call->arg_types[0]);
    if (status != FN_OK) {
        fn_free(b);
        return status;
    }
    s->items = b;
    return FN_OK;
}
static uint64_t builder_bytes(const fn_builder *b)
{
    uint64_t bytes = sizeof *b + b->values.capacity + b->offsets.capacity + b->nulls.capacity;
    for (unsigned i = 0; i < b->kid_count; i++) bytes += builder_bytes(&b->kids[i]);
    return bytes;
}
/* Builders are not charged to anybody by themselves. To be called when the items have become more. */
static fn_status list_charge(fn_ctx *ctx, list_state *s)
{
    const uint64_t bytes = builder_bytes(s->items);
    if (FN_LIKELY(bytes <= s->charged)) return FN_OK;
    FN_TRY(fn_tracker_charge(ctx, ctx->memory, bytes - s->charged));
    s->memory = ctx->memory;
    s->charged = bytes;
    return FN_OK;
}
static uint32_t room(const agg_call *call, const list_state *s, uint32_t rows)
{
    const uint64_t limit = ((const list_bound *)call->data)->limit, have = s->items->rows;
    return have >= limit ? 0 : (uint32_t)FN_MIN((uint64_t)rows, limit - have);
}
/* The builder takes columns of exactly its type. */
static fn_status list_argument(fn_ctx *ctx, const agg_call *call, const fn_column *c, fn_column **out)
{
    fn_column *flat = fn_column_flatten(ctx, c);
    FN_TRY_PTR(ctx, flat);
    *out = flat->type == call->arg_types[0] ? fn_column_ref(flat) : fn_column_retype(ctx, flat, call->arg_types[0]);
    fn_column_drop(flat);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
static fn_status list_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    (void)arena;
    fn_column *c;
    FN_TRY(list_argument(ctx, call, args[0], &c));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        list_state *s = (list_state *)(void *)(states[i] + offset);
        status = list_open(ctx, call, s);
        if (status == FN_OK && room(call, s, 1)) status = fn_builder_copy(ctx, s->items, c, i);
        if (status == FN_OK) status = list_charge(ctx, s);
    }
    fn_column_drop(c);
    return status;
}
static fn_status list_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    (void)arena;
    fn_column *c;
    FN_TRY(list_open(ctx, call, state));
    FN_TRY(list_argument(ctx, call, args[0], &c));
    const fn_status status = fn_builder_copy_range(ctx, ((list_state *)state)->items, c, from, room(call, state, rows));
    fn_column_drop(c);
    return status == FN_OK ? list_charge(ctx, state) : status;
}
/* A copy of the items as a column; the state keeps its own. */
static fn_status list_column(fn_ctx *ctx, const agg_call *call, fn_builder *items, fn_column **out)
{
    fn_column *c = NULL;
    (void)call;
    FN_TRY(fn_builder_finish(ctx, items, &c));
    const fn_status status = fn_builder_copy_range(ctx, items, c, 0, c->rows);
    if (status != FN_OK) fn_column_drop(c);
    else *out = c;
    return status;
}
static fn_status list_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)arena;
    fn_builder *theirs = ((const list_state *)from)->items;
    if (!theirs) return FN_OK;
    fn_column *c = NULL;
    FN_TRY(list_open(ctx, call, into));
    FN_TRY(list_column(ctx, call, theirs, &c));
    const fn_status status = fn_builder_copy_range(ctx, ((list_state *)into)->items, c, 0, room(call, into, c->rows));
    fn_column_drop(c);
    return status == FN_OK ? list_charge(ctx, into) : status;
}
static fn_status list_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    fn_builder *items = ((list_state *)state)->items;
    fn_column *c = NULL;
    if (!items) return fn_builder_close_array(ctx, out);
    FN_TRY(list_column(ctx, call, items, &c));
    fn_status status = fn_builder_copy_range(ctx, &out->kids[0], c, 0, c->rows);
    if (status == FN_OK) status = fn_builder_close_array(ctx, out);
    fn_column_drop(c);
    return status;
}
static bool is_plain(const fn_type *t)
{
    return t->width > 0 || t->phys == FN_PHYS_STRING;
}
static fn_status list_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const fn_type *t = call->arg_types[0];
    if (!is_plain(t)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function groupArray of %s are not supported", t->name);
    const fn_builder *items = ((const list_state *)state)->items;
    const uint32_t rows = items ? items->rows : 0;
    FN_TRY(fn_buf_leb(ctx, out, rows));
    if (!rows) return FN_OK;
    if (t->width) return fn_buf_append(ctx, out, items->values.data, (size_t)rows * t->width);
    const char *offsets = items->offsets.data;
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t begin = fn_load_u32(offsets + 4 * (size_t)i), end = fn_load_u32(offsets + 4 * ((size_t)i + 1));
        FN_TRY(fn_buf_leb(ctx, out, end - begin));
        FN_TRY(fn_buf_append(ctx, out, items->values.data + begin, end - begin));
    }
    return FN_OK;
}
static fn_status list_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    const fn_type *t = call->arg_types[0];
    if (!is_plain(t)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function groupArray of %s are not supported", t->name);
    uint64_t n = 0;
    FN_TRY(list_open(ctx, call, state));
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    fn_builder *b = ((list_state *)state)->items;
    for (; n; n--) {
        uint64_t size = t->width;
        if (!size) FN_TRY(agg_take_leb(ctx, &size, at, end));
        if ((uint64_t)(end - *at) < size) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
        if (t->phys == FN_PHYS_STRING) FN_TRY(fn_builder_str(ctx, b, (fn_str){(const char *)*at, size}));
        else FN_TRY(fn_builder_fixed(ctx, b, *at));
        *at += size;
    }
    return list_charge(ctx, state);
}
static void list_destroy(const agg_call *call, void *state)
{
    (void)call;
    list_state *s = state;
    if (!s->items) return;
    fn_builder_release(s->items);
    fn_free(s->items);
    fn_tracker_release(s->memory, s->charged);
    *s = (list_state){NULL, NULL, 0};
}
static const char *const list_names[] = {"array_agg", NULL};
static const agg_def rows_[] = {
    {.name = "groupArray", .aliases = list_names, .args_min = 1, .args_max = 1, .params_max = 1, .flags = AGG_NO_NULL_RESULT | AGG_ORDER_DEPENDENT, .bind = list_bind,
     .init = list_init, .add = list_add, .add_one = list_add_one, .merge = list_merge, .finish = list_finish, .write = list_write, .read = list_read,
     .destroy = list_destroy, .about = "The values as an array; the parameter limits its size.", .example = "groupArray(3)(number)", .gives = "[0,1,2]"},
};
const agg_family agg_family_array = AGG_FAMILY("array", rows_);
