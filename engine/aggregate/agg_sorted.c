/* agg_sorted.c - groupArraySorted(n): the n smallest values in order; groupArrayLast(n): the last n, as a ring of n places holds them.
 * Values are appended to a builder and cut back to n whenever it has grown well beyond. States: a varint count and the values in binary
 * form; groupArrayLast with the UInt64 number of values seen behind. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_binary.h"

typedef struct kept {
    fn_builder *items; /* on the heap; NULL before the first row */
    uint64_t seen;
} kept;
enum { SLACK = 1024, LIMIT_MAX = 1 << 24 };

static bool is_last(const agg_call *call)
{
    return strcmp(call->def->name, "groupArrayLast") == 0;
}
static uint64_t limit_of(const agg_call *call)
{
    return *(const uint64_t *)call->data;
}
static fn_status kept_bind(fn_ctx *ctx, agg_call *call)
{
    uint64_t *limit = FN_NEW(ctx, uint64_t);
    FN_TRY_PTR(ctx, limit);
    if (!call->param_count && is_last(call)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "groupArrayLast make sense only with max_elems (groupArrayLast(max_elems)())");
    if (!call->param_count) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameter for aggregate function %s should have limit argument", call->def->name);
    FN_TRY(agg_param_u64(ctx, call, 0, limit));
    if (*limit == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameter for aggregate function %s should be a positive number", call->def->name);
    if (*limit > LIMIT_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Too large limit parameter for aggregate function %s", call->def->name);
    call->data = limit;
    call->type = fn_type_array(call->arg_types[0]);
    call->state_size = sizeof(kept);
    call->state_align = 8;
    return FN_OK;
}
static fn_status open_items(fn_ctx *ctx, const agg_call *call, kept *s)
{
    if (s->items) return FN_OK;
    fn_builder *b = fn_alloc_zero(ctx, sizeof *b);
    FN_TRY_PTR(ctx, b);
    const fn_status status = fn_builder_init(ctx, b, call->arg_types[0]);
    if (status == FN_OK) s->items = b;
    else fn_free(b);
    return status;
}
static void sort_numbers(const fn_column *c, uint32_t *v, uint32_t *scratch, uint32_t n)
{
    for (uint32_t run = 1; run < n; run *= 2) {
        for (uint32_t at = 0; at < n; at += 2 * run) {
            const uint32_t middle = FN_MIN(at + run, n), end = FN_MIN(at + 2 * run, n);
            uint32_t i = at, j = middle;
            for (uint32_t k = at; k < end; k++) scratch[k] = i < middle && (j >= end || fn_column_compare(c, v[i], c, v[j], true) <= 0) ? v[i++] : v[j++];
        }
        memcpy(v, scratch, n * sizeof *v);
    }
}
/* The values that count, in order, back into the builder: at most `limit`. */
static fn_status cut_back(fn_ctx *ctx, const agg_call *call, kept *s)
{
    fn_column *c;
    const uint32_t n = s->items->rows, left = (uint32_t)FN_MIN((uint64_t)n, limit_of(call));
    FN_TRY(fn_builder_finish(ctx, s->items, &c));
    fn_status status = FN_OK;
    if (is_last(call)) {
        status = fn_builder_copy_range(ctx, s->items, c, n - left, left);
    } else {
        uint32_t *order = fn_alloc(ctx, ((size_t)n * 2 + 1) * sizeof *order);
        status = order ? FN_OK : ctx->error.code;
        for (uint32_t i = 0; i < n && order; i++) order[i] = i;
        if (order) sort_numbers(c, order, order + n, n);
        for (uint32_t i = 0; i < left && status == FN_OK; i++) status = fn_builder_copy(ctx, s->items, c, order[i]);
        fn_free(order);
    }
    fn_column_drop(c);
    return status;
}
static fn_status keep(fn_ctx *ctx, const agg_call *call, kept *s, const fn_column *c, size_t row)
{
    FN_TRY(open_items(ctx, call, s));
    FN_TRY(fn_builder_copy(ctx, s->items, c, row));
    s->seen++;
    return s->items->rows >= 2 * limit_of(call) + SLACK ? cut_back(ctx, call, s) : FN_OK;
}
static fn_status kept_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)arena;
    return keep(ctx, call, state, args[0], row);
}
#define OP kept
#include "aggregate/agg_by_row.inc"
/* A copy of the values as a column; the state keeps its own. */
static fn_status values_of(fn_ctx *ctx, fn_builder *items, fn_column **out)
{
    FN_TRY(fn_builder_finish(ctx, items, out));
    const fn_status status = fn_builder_copy_range(ctx, items, *out, 0, (*out)->rows);
    if (status != FN_OK) fn_column_drop(*out);
    return status;
}
static fn_status kept_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)arena;
    const kept *b = from;
    kept *a = into;
    fn_column *c;
    if (!b->items) return FN_OK;
    FN_TRY(values_of(ctx, b->items, &c));
    a->seen += b->seen - c->rows;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < c->rows && status == FN_OK; i++) status = keep(ctx, call, a, c, i);
    fn_column_drop(c);
    return status;
}
/* The row of the value that lies at a place of the ring. */
static uint32_t row_at(const agg_call *call, const kept *s, uint32_t rows, uint32_t place)
{
    const uint64_t limit = limit_of(call), first = s->seen - rows; /* number of the first value held */
    return is_last(call) ? (uint32_t)((place + limit - first % limit) % limit) : place;
}
static fn_status kept_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    kept *s = state;
    fn_column *c;
    if (!s->items) return fn_builder_close_array(ctx, out);
    FN_TRY(cut_back(ctx, call, s));
    FN_TRY(values_of(ctx, s->items, &c));
    fn_status status = FN_OK;
    for (uint32_t place = 0; place < c->rows && status == FN_OK; place++) status = fn_builder_copy(ctx, &out->kids[0], c, row_at(call, s, c->rows, place));
    fn_column_drop(c);
    return status == FN_OK ? fn_builder_close_array(ctx, out) : status;
}
static fn_status kept_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    kept *s = (kept *)(uintptr_t)state; /* cutting back changes no value that counts */
    fn_column *c;
    if (!s->items) FN_TRY(open_items(ctx, call, s));
    FN_TRY(cut_back(ctx, call, s));
    FN_TRY(values_of(ctx, s->items, &c));
    fn_status status = fn_buf_leb(ctx, out, c->rows);
    for (uint32_t i = 0; i < c->rows && status == FN_OK; i++) status = agg_binary_write(ctx, c, row_at(call, s, c->rows, i), out);
    if (status == FN_OK && is_last(call)) status = fn_buf_append(ctx, out, &s->seen, 8);
    fn_column_drop(c);
    return status;
}
/* From the order of the ring to the order of arrival. */
static fn_status unring(fn_ctx *ctx, const agg_call *call, kept *s)
{
    fn_column *c;
    FN_TRY(fn_builder_finish(ctx, s->items, &c));
    fn_status status = FN_OK;
    const uint64_t first = s->seen - c->rows;
    for (uint32_t i = 0; i < c->rows && status == FN_OK; i++) status = fn_builder_copy(ctx, s->items, c, (size_t)((first + i) % limit_of(call)));
    fn_column_drop(c);
    return status;
}
static fn_status kept_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    kept *s = state;
    uint64_t n = 0;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    FN_TRY(open_items(ctx, call, s));
    if (n > limit_of(call) * 2 + SLACK) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function %s is too large", call->def->name);
    for (uint64_t i = 0; i < n; i++) FN_TRY(agg_binary_read(ctx, call->arg_types[0], s->items, at, end));
    s->seen = n;
    if (!is_last(call)) return FN_OK;
    FN_TRY(agg_take(ctx, &s->seen, 8, at, end));
    if (s->seen < n || n > limit_of(call) || (n < limit_of(call) && s->seen != n)) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function %s is broken", call->def->name);
    return unring(ctx, call, s);
}
static void kept_destroy(const agg_call *call, void *state)
{
    (void)call;
    kept *s = state;
    if (!s->items) return;
    fn_builder_release(s->items);
    fn_free(s->items);
    s->items = NULL;
}

#define KEPT_ROW .args_min = 1, .args_max = 1, .params_max = 1, .bind = kept_bind, .init = agg_zero_init, .add = kept_add, .add_one = kept_add_one, .merge = kept_merge, \
    .finish = kept_finish, .write = kept_write, .read = kept_read, .destroy = kept_destroy
static const agg_def rows_[] = {
    {.name = "groupArraySorted", .flags = AGG_NO_NULL_RESULT, KEPT_ROW, .about = "The n smallest values in ascending order.", .example = "groupArraySorted(3)(10 - number)",
     .gives = "[1,2,3]"},
    {.name = "groupArrayLast", .flags = AGG_NO_NULL_RESULT | AGG_ORDER_DEPENDENT, KEPT_ROW, .about = "The last n values, each at the place of a ring of n.",
     .example = "groupArrayLast(2)(number)", .gives = "[8,9]"},
};
const agg_family agg_family_sorted = AGG_FAMILY("sorted", rows_);
