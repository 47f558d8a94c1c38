/* agg_distinct.c - f(DISTINCT x), fDistinct(x): every different row of arguments once. The state keeps the rows, known by 128-bit
 * hashes of their values; the wrapped aggregate sees them all at the end, in the order they were met.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

typedef struct distinct_rows {
    fn_hash128 *slots;  /* in the arena; an all-zero slot is empty */
    uint32_t capacity, rows;
    fn_builder *values; /* per argument; on the heap, NULL before the first row */
} distinct_rows;

enum { FIRST_CAPACITY = 16 };

static bool same_hash(fn_hash128 a, fn_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}
static bool is_free(fn_hash128 h)
{
    return (h.low | h.high) == 0;
}

static fn_hash128 *place(fn_hash128 *slots, uint32_t capacity, fn_hash128 h)
{
    uint64_t i = h.low & (capacity - 1);
    while (!is_free(slots[i]) && !same_hash(slots[i], h)) i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static fn_status grow(fn_ctx *ctx, fn_arena *arena, distinct_rows *s)
{
    const uint32_t capacity = s->capacity ? s->capacity * 2 : FIRST_CAPACITY;
    fn_hash128 *slots = fn_arena_alloc_zero(ctx, arena, capacity * sizeof *slots);
    FN_TRY_PTR(ctx, slots);
    for (uint32_t i = 0; i < s->capacity; i++)
        if (!is_free(s->slots[i])) *place(slots, capacity, s->slots[i]) = s->slots[i];
    s->slots = slots;
    s->capacity = capacity;
    return FN_OK;
}

static fn_hash128 hash_row(fn_column *const *args, uint32_t count, size_t row)
{
    fn_hash128 all = {1, 1};
    for (uint32_t a = 0; a < count; a++) {
        fn_hash128 h = {2, 2}; /* NULL */
        if (!fn_column_is_null(args[a], row)) {
            const bool text = args[a]->type->phys == FN_PHYS_STRING || args[a]->type->phys == FN_PHYS_FIXED;
            const fn_str s = text ? fn_column_str_at(args[a], row) : (fn_str){(const char *)fn_column_fixed_at(args[a], row), args[a]->type->width};
            h = fn_hash_bytes128(s.data, s.size);
        }
        all = (fn_hash128){fn_hash_mix(h.low, all.low), fn_hash_mix(h.high, all.high)};
    }
    if (is_free(all)) all.low = 1;
    return all;
}

static fn_status start_values(fn_ctx *ctx, distinct_rows *s, fn_column *const *args, uint32_t count)
{
    s->values = fn_alloc_zero(ctx, count * sizeof *s->values);
    FN_TRY_PTR(ctx, s->values);
    for (uint32_t a = 0; a < count; a++) FN_TRY(fn_builder_init(ctx, &s->values[a], args[a]->type));
    return FN_OK;
}

static fn_status insert(fn_ctx *ctx, const agg_call *call, fn_arena *arena, distinct_rows *s, fn_column *const *args, size_t row)
{
    if (!s->values) FN_TRY(start_values(ctx, s, args, call->arg_count));
    if (2 * (s->rows + 1) > s->capacity) FN_TRY(grow(ctx, arena, s));
    const fn_hash128 h = hash_row(args, call->arg_count, row);
    fn_hash128 *slot = place(s->slots, s->capacity, h);
    if (!is_free(*slot)) return FN_OK;
    for (uint32_t a = 0; a < call->arg_count; a++) FN_TRY(fn_builder_copy(ctx, &s->values[a], args[a], row));
    *slot = h;
    s->rows++;
    return FN_OK;
}

/* The kept rows as columns that borrow the builders' memory. */
static void view(const agg_call *call, const distinct_rows *s, fn_column *columns, fn_column **out)
{
    for (uint32_t a = 0; a < call->arg_count; a++) {
        const fn_builder *b = &s->values[a];
        columns[a] = (fn_column){.type = b->type,
                                 .rows = s->rows,
                                 .shape = FN_FLAT,
                                 .values = (const uint8_t *)b->values.data,
                                 .offsets = (const uint32_t *)(const void *)b->offsets.data,
                                 .nulls = b->any_null ? (const uint8_t *)b->nulls.data : NULL,
                                 .refs = 1};
        out[a] = &columns[a];
    }
}

static void distinct_init(const agg_call *call, void *state)
{
    (void)call;
    memset(state, 0, sizeof(distinct_rows));
}
static fn_status distinct_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) FN_TRY(insert(ctx, call, arena, (distinct_rows *)(void *)(states[i] + offset), args, i));
    return FN_OK;
}
static fn_status distinct_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) FN_TRY(insert(ctx, call, arena, state, args, from + i));
    return FN_OK;
}
static fn_status distinct_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    fn_column columns[AGG_ARGS_MAX], *args[AGG_ARGS_MAX];
    const distinct_rows *s = from;
    if (s->rows == 0) return FN_OK;
    view(call, s, columns, args);
    return distinct_add_one(ctx, call, arena, into, args, 0, s->rows);
}
static fn_status distinct_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    fn_column columns[AGG_ARGS_MAX], *args[AGG_ARGS_MAX];
    const agg_call *n = call->nested;
    const distinct_rows *s = state;
    void *inner = fn_arena_alloc_zero(ctx, arena, (size_t)n->state_size + 16);
    FN_TRY_PTR(ctx, inner);
    n->def->init(n, inner);
    fn_status status = FN_OK;
    if (s->rows) {
        view(call, s, columns, args);
        status = n->def->add_one(ctx, n, arena, inner, args, 0, s->rows);
    }
    if (status == FN_OK) status = n->def->finish(ctx, n, arena, inner, out);
    if (n->def->destroy) n->def->destroy(n, inner);
    return status;
}
static fn_status distinct_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)state;
    (void)out;
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The state of aggregate function " FN_STR_FMT " with DISTINCT cannot be written", FN_STR_ARG(call->nested->name));
}
static fn_status distinct_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    (void)at;
    (void)end;
    return distinct_write(ctx, call, state, NULL);
}
static void distinct_destroy(const agg_call *call, void *state)
{
    distinct_rows *s = state;
    for (uint32_t a = 0; s->values && a < call->arg_count; a++) fn_builder_release(&s->values[a]);
    fn_free(s->values);
    s->values = NULL;
}

static const agg_def def_distinct = {.name = "Distinct", .init = distinct_init, .add = distinct_add, .add_one = distinct_add_one, .merge = distinct_merge,
                                     .finish = distinct_finish, .write = distinct_write, .read = distinct_read, .destroy = distinct_destroy,
                                     .about = "The aggregate over every different row of arguments once.", .example = "sumDistinct(number % 3)", .gives = "3"};

fn_status agg_bind_distinct(fn_ctx *ctx, const agg_call *call, agg_call **out)
{
    if (agg_is_nothing(call)) return agg_bind_nothing(ctx, call, call->type, out);
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (call->arg_types[i]->phys > FN_PHYS_STRING)
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "DISTINCT over arguments of type %s is not supported in aggregate functions", call->arg_types[i]->name);
    *out = agg_wrap(ctx, &def_distinct, call, (agg_call *)(uintptr_t)call);
    FN_TRY_PTR(ctx, *out);
    (*out)->state_size = sizeof(distinct_rows);
    (*out)->state_align = 8;
    return FN_OK;
}
