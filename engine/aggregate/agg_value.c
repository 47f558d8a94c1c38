/* agg_value.c - a value of any type inside a state, and subsets of rows.
 * Written as ClickHouse's single value: a flag and the bytes, of arrays and tuples in binary form; strings as Int32 length with their
 * closing zero.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_binary.h"

fn_status agg_take(fn_ctx *ctx, void *to, size_t size, const uint8_t **at, const uint8_t *end)
{
    if ((size_t)(end - *at) < size) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
    memcpy(to, *at, size);
    *at += size;
    return FN_OK;
}

fn_status agg_take_leb(fn_ctx *ctx, uint64_t *to, const uint8_t **at, const uint8_t *end)
{
    if (!fn_leb_read(at, end, to)) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
    return FN_OK;
}

static bool is_fixed(const fn_type *t)
{
    return t->width > 0 && t->width <= 32 && t->phys != FN_PHYS_FIXED && t->phys != FN_PHYS_STRING;
}

static bool is_text(const fn_type *t)
{
    return t->phys == FN_PHYS_STRING || t->phys == FN_PHYS_FIXED;
}

static fn_status set_text(fn_ctx *ctx, fn_arena *arena, agg_value *v, fn_str s)
{
    if (s.size > INT32_MAX - 64) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "String is too long for the state of an aggregate function");
    if (!v->text || v->capacity < s.size) {
        const uint64_t capacity = fn_next_pow2(s.size | 15);
        char *p = fn_arena_alloc(ctx, arena, capacity);
        FN_TRY_PTR(ctx, p);
        v->text = p;
        v->capacity = (uint32_t)capacity;
    }
    if (s.size) memcpy(v->text, s.data, s.size);
    v->size = (uint32_t)s.size;
    v->has = 1;
    return FN_OK;
}

fn_status agg_value_set(fn_ctx *ctx, fn_arena *arena, agg_value *v, const fn_column *c, size_t row)
{
    if (is_text(c->type)) return set_text(ctx, arena, v, fn_column_str_at(c, row));
    if (is_fixed(c->type) && !fn_type_is_nullable(c->type)) {
        memcpy(v->fixed, fn_column_fixed_at(c, row), c->type->width);
    } else {
        fn_column *slice = fn_column_slice(ctx, c, row, 1), *one = slice ? fn_column_flatten(ctx, slice) : NULL;
        fn_column_drop(slice);
        FN_TRY_PTR(ctx, one);
        if (v->has) fn_column_drop(v->column);
        v->column = one;
    }
    v->has = 1;
    return FN_OK;
}

/* Holds columns: neither text nor fixed bytes. */
static bool is_boxed(const fn_type *t)
{
    return !is_text(t) && (!is_fixed(t) || fn_type_is_nullable(t));
}

uint32_t agg_value_size(const fn_type *type)
{
    const size_t held = is_text(type) || is_boxed(type) ? sizeof(void *) : fn_round_up(type->width, 8);
    return (uint32_t)(offsetof(agg_value, fixed) + held);
}

fn_status agg_value_copy(fn_ctx *ctx, fn_arena *arena, const fn_type *type, agg_value *v, const agg_value *from)
{
    if (is_text(type)) return set_text(ctx, arena, v, (fn_str){from->text, from->size});
    if (is_boxed(type)) {
        fn_column *mine = fn_column_ref(from->column);
        if (v->has) fn_column_drop(v->column);
        v->column = mine;
    } else {
        memcpy(v->fixed, from->fixed, type->width);
    }
    v->has = 1;
    return FN_OK;
}

static fn_column view_of(const fn_type *type, const agg_value *v, uint32_t *offsets)
{
    fn_column c;
    memset(&c, 0, sizeof c);
    c.type = type;
    c.rows = 1;
    c.shape = FN_FLAT;
    c.values = is_text(type) ? (const uint8_t *)v->text : v->fixed;
    offsets[0] = 0;
    offsets[1] = v->size;
    c.offsets = offsets;
    return c;
}

int agg_value_compare(const agg_value *v, const fn_column *c, size_t row)
{
    if (is_text(c->type)) return fn_str_compare((fn_str){v->text, v->size}, fn_column_str_at(c, row));
    if (is_boxed(c->type)) return fn_column_compare(v->column, 0, c, row, true);
    uint32_t offsets[2];
    const fn_column mine = view_of(c->type, v, offsets);
    return fn_column_compare(&mine, 0, c, row, true);
}

int agg_value_order(const fn_type *type, const agg_value *a, const agg_value *b)
{
    if (is_text(type)) return fn_str_compare((fn_str){a->text, a->size}, (fn_str){b->text, b->size});
    if (is_boxed(type)) return fn_column_compare(a->column, 0, b->column, 0, true);
    uint32_t offsets[2];
    const fn_column other = view_of(type, b, offsets);
    return agg_value_compare(a, &other, 0);
}

fn_status agg_value_put(fn_ctx *ctx, const fn_type *type, const agg_value *v, fn_builder *out)
{
    if (!v->has) return fn_builder_default(ctx, out);
    if (is_text(type)) return fn_builder_str(ctx, out, (fn_str){v->text, v->size});
    if (is_boxed(type)) return fn_builder_copy(ctx, out, v->column, 0);
    return fn_builder_fixed(ctx, out, v->fixed);
}

fn_status agg_value_write(fn_ctx *ctx, const fn_type *type, const agg_value *v, fn_buf *out)
{
    if (is_boxed(type)) {
        FN_TRY(fn_buf_byte(ctx, out, (char)v->has));
        return v->has ? agg_binary_write(ctx, v->column, 0, out) : FN_OK;
    }
    if (is_text(type)) {
        const int32_t size = v->has ? (int32_t)v->size + 1 : -1;
        FN_TRY(fn_buf_append(ctx, out, &size, sizeof size));
        if (!v->has) return FN_OK;
        FN_TRY(fn_buf_append(ctx, out, v->text, v->size));
        return fn_buf_byte(ctx, out, 0);
    }
    FN_TRY(fn_buf_byte(ctx, out, (char)v->has));
    return v->has ? fn_buf_append(ctx, out, v->fixed, type->width) : FN_OK;
}

static fn_status read_boxed(fn_ctx *ctx, const fn_type *type, agg_value *v, const uint8_t **at, const uint8_t *end)
{
    uint8_t has = 0;
    fn_builder one;
    FN_TRY(agg_take(ctx, &has, 1, at, end));
    agg_value_drop(type, v);
    if (!has) return FN_OK;
    FN_TRY(fn_builder_init(ctx, &one, type));
    fn_status status = agg_binary_read(ctx, type, &one, at, end);
    if (status == FN_OK) status = fn_builder_finish(ctx, &one, &v->column);
    fn_builder_release(&one);
    v->has = status == FN_OK;
    return status;
}

fn_status agg_value_read(fn_ctx *ctx, fn_arena *arena, const fn_type *type, agg_value *v, const uint8_t **at, const uint8_t *end)
{
    if (is_boxed(type)) return read_boxed(ctx, type, v, at, end);
    if (is_text(type)) {
        int32_t size = 0;
        FN_TRY(agg_take(ctx, &size, sizeof size, at, end));
        if (size < 0) return FN_OK;
        if (size == 0 || size > end - *at || (type->phys == FN_PHYS_FIXED && (uint32_t)size != type->width + 1))
            return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
        FN_TRY(set_text(ctx, arena, v, (fn_str){(const char *)*at, (size_t)size - 1}));
        *at += size;
        return FN_OK;
    }
    uint8_t has = 0;
    FN_TRY(agg_take(ctx, &has, 1, at, end));
    v->has = has != 0;
    return has ? agg_take(ctx, v->fixed, type->width, at, end) : FN_OK;
}

void agg_value_drop(const fn_type *type, agg_value *v)
{
    if (v->has && is_boxed(type)) fn_column_drop(v->column);
    v->has = 0;
}

fn_status agg_subset_make(fn_ctx *ctx, const uint8_t *mask, uint32_t kept, uint32_t rows, fn_column *const *args, uint32_t arg_count, uint8_t *const *states,
                          agg_subset *out)
{
    memset(out, 0, sizeof *out);
    out->rows = kept;
    for (; out->arg_count < arg_count; out->arg_count++) {
        out->args[out->arg_count] = fn_column_filter(ctx, args[out->arg_count], mask, kept);
        FN_TRY_PTR(ctx, out->args[out->arg_count]);
    }
    if (!states) return FN_OK;
    out->states = fn_alloc(ctx, ((size_t)kept + 1) * sizeof *out->states);
    FN_TRY_PTR(ctx, out->states);
    size_t n = 0;
    for (uint32_t i = 0; i < rows; i++) {
        out->states[n] = states[i];
        n += mask[i];
    }
    return FN_OK;
}

void agg_subset_release(agg_subset *s)
{
    for (uint32_t i = 0; i < s->arg_count; i++) fn_column_drop(s->args[i]);
    fn_free(s->states);
}
