/* array.c - what the families over arrays and maps share. SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

fn_status array_open(fn_ctx *ctx, const fn_column *c, array_in *out)
{
    *out = (array_in){.rows = c->rows};
    fn_column *flat = fn_column_flatten(ctx, c);
    FN_TRY_PTR(ctx, flat);
    const uint32_t first = flat->offsets[0];
    out->total = flat->offsets[flat->rows] - first;
    out->bounds = fn_buffer_new(ctx, ((size_t)flat->rows + 1) * 4);
    out->items = out->bounds ? fn_column_slice(ctx, flat->kids[0], first, out->total) : NULL;
    if (!out->items) {
        fn_buffer_drop(out->bounds);
        out->bounds = NULL;
        fn_column_drop(flat);
        return ctx->error.code;
    }
    uint32_t *to = (uint32_t *)(void *)out->bounds->data;
    for (uint32_t i = 0; i <= flat->rows; i++) to[i] = flat->offsets[i] - first;
    out->offsets = to;
    fn_column_drop(flat);
    return FN_OK;
}

void array_close(array_in *a)
{
    fn_column_drop(a->items);
    fn_buffer_drop(a->bounds);
    *a = (array_in){0};
}

uint32_t *array_row_numbers(fn_ctx *ctx, const array_in *a)
{
    uint32_t *row = fn_alloc(ctx, ((size_t)a->total + 16) * sizeof *row);
    if (!row) return NULL;
    for (uint32_t i = 0; i < a->rows; i++)
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) row[k] = i;
    return row;
}

fn_status array_with_items(fn_ctx *ctx, const fn_type *type, const array_in *a, fn_column *items_take, fn_column **out)
{
    fn_column *flat = items_take ? fn_column_flatten(ctx, items_take) : NULL, *named = NULL;
    fn_column_drop(items_take);
    if (!flat) return ctx->error.code;
    const fn_type *element = type->items ? type->items : type->args[0];
    named = flat->type == element ? fn_column_ref(flat) : fn_column_retype(ctx, flat, element);
    fn_column_drop(flat);
    if (!named) return ctx->error.code;
    *out = fn_column_array(ctx, type, a->rows, fn_buffer_ref(a->bounds), named);
    return *out ? FN_OK : ctx->error.code;
}

fn_status array_same_sizes(fn_ctx *ctx, const func_call *call, const array_in *a, uint32_t count, uint32_t first_index)
{
    for (uint32_t k = 1; k < count; k++) {
        if (a[k].total == a[0].total && memcmp(a[k].offsets, a[0].offsets, ((size_t)a[0].rows + 1) * 4) == 0) continue;
        for (uint32_t i = 0; i < a[0].rows; i++) {
            const uint32_t n = a[k].offsets[i + 1] - a[k].offsets[i], first = a[0].offsets[i + 1] - a[0].offsets[i];
            if (n != first)
                return fn_fail(ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "Arrays passed to %s must have equal size. Argument %u has size %u which differs with the size of another argument, %u",
                               call->def->name, k + first_index + 1, n, first);
        }
    }
    return FN_OK;
}

fn_status array_pick_open(fn_ctx *ctx, array_pick *p, uint32_t rows, size_t room)
{
    *p = (array_pick){.room = room + 16};
    p->index = fn_alloc(ctx, p->room * sizeof *p->index);
    p->bounds = p->index ? fn_buffer_new(ctx, ((size_t)rows + 1) * 4) : NULL;
    if (!p->bounds) {
        array_pick_release(p);
        return ctx->error.code;
    }
    fn_store_u32(p->bounds->data, 0);
    return FN_OK;
}

fn_status array_pick_reserve(fn_ctx *ctx, array_pick *p, size_t more)
{
    if (p->count + more <= p->room) return FN_OK;
    if (p->count + more > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Arrays of a block would hold more than 4294967295 items");
    const size_t room = FN_MAX(p->count + more, p->room * 2);
    uint32_t *index = fn_realloc(ctx, p->index, room * sizeof *index);
    FN_TRY_PTR(ctx, index);
    p->index = index;
    p->room = room;
    return FN_OK;
}

void array_pick_close_row(array_pick *p)
{
    p->rows++;
    fn_store_u32(p->bounds->data + (size_t)p->rows * 4, (uint32_t)p->count);
}

fn_status array_pick_finish(fn_ctx *ctx, array_pick *p, const fn_type *type, const fn_column *items, fn_column **out)
{
    fn_column *some = fn_column_take(ctx, items, p->index, (uint32_t)p->count);
    const array_in shape = {.bounds = p->bounds, .rows = p->rows};
    const fn_status status = some ? array_with_items(ctx, type, &shape, some, out) : ctx->error.code;
    array_pick_release(p);
    return status;
}

void array_pick_release(array_pick *p)
{
    fn_free(p->index);
    fn_buffer_drop(p->bounds);
    *p = (array_pick){0};
}

fn_status array_need(fn_ctx *ctx, const func_call *call, uint32_t i)
{
    if (call->arg_types[i]->id == FN_T_ARRAY) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument %u of function %s must be Array. Found %s instead", i + 1, call->def->name, call->arg_types[i]->name);
}

fn_status array_convert_items(fn_ctx *ctx, array_in *a, const fn_type *type)
{
    if (a->items->type == type) return FN_OK;
    fn_column *same, *flat;
    FN_TRY(expr_convert(ctx, a->items, type, CONVERT_CAST, &same));
    flat = fn_column_flatten(ctx, same);
    fn_column_drop(same);
    FN_TRY_PTR(ctx, flat);
    fn_column_drop(a->items);
    a->items = flat;
    return FN_OK;
}
