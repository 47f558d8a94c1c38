/* random_table.c - generateRandom(): rows of any structure, repeatable by seed.
 *
 * Every column of every block has a stream of its own (xoshiro256** seeded by seed, column and first row), so that the rows do not
 * depend on which thread makes them. The values are not ClickHouse's for the same seed; their shape is: printable strings up to
 * max_string_length, arrays up to max_array_length, NULL in one of 16 rows, valid dates, decimals within their precision.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/generate/generator.h"
#include <firn/wide.h>
#include <inttypes.h>

typedef struct stream {
    uint64_t s[4];
    const random_options *options;
} stream;

static uint64_t rotate(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t draw(stream *r)
{
    const uint64_t out = rotate(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotate(r->s[3], 45);
    return out;
}

/* Uniform in [0, bound); bound > 0. */
static uint64_t below(stream *r, uint64_t bound)
{
    return (uint64_t)(((fn_u128)draw(r) * bound) >> 64);
}

static void stream_init(stream *r, const random_options *options, uint32_t column, uint64_t first)
{
    uint64_t x = fn_hash_mix(fn_hash_mix(options->seed, column + 1), first);
    for (size_t i = 0; i < FN_COUNT(r->s); i++) r->s[i] = x = fn_hash_mix(x, i + 1);
    r->options = options;
}

static fn_status random_column(fn_ctx *ctx, stream *r, const fn_type *type, uint32_t rows, fn_column **out);

static void fill_bytes(stream *r, uint8_t *to, size_t size)
{
    size_t i = 0;
    for (; i + 8 <= size; i += 8) fn_store_u64(to + i, draw(r));
    for (; i < size; i++) to[i] = (uint8_t)draw(r);
}

static void fill_decimals(stream *r, const fn_type *type, uint8_t *to, uint32_t rows)
{
    const fn_i256 bound = fn_i256_pow10(type->precision);
    for (uint32_t i = 0; i < rows; i++) {
        fn_i256 v = {{draw(r), draw(r), draw(r), draw(r)}}, rest;
        (void)fn_i256_div(v, bound, false, &rest);
        if (draw(r) & 1) rest = fn_i256_neg(rest);
        memcpy(to + (size_t)i * type->width, &rest, type->width);
    }
}

/* Ranges of the types whose bytes are not all values: days 1900..2299 for Date32, and so on. */
static bool range_of(const fn_type *t, int64_t *low, int64_t *high)
{
    int64_t ticks = 1;
    for (unsigned i = 0; i < t->scale; i++) ticks *= 10;
    switch ((int)t->id) {
    case FN_T_BOOL: *low = 0, *high = 1; return true;
    case FN_T_DATE32: *low = -25567, *high = 120529; return true;
    case FN_T_DATETIME64: *low = t->scale > 8 ? 0 : -2208988800 * ticks, *high = t->scale > 8 ? INT64_MAX : 10413791999 * ticks; return true;
    case FN_T_TIME: *low = -3599999, *high = 3599999; return true;
    case FN_T_TIME64: *low = -3599999 * ticks, *high = 3599999 * ticks; return true;
    }
    return false;
}

static void fill_fixed(stream *r, const fn_type *t, uint8_t *to, uint32_t rows)
{
    int64_t low, high;
    if (t->id == FN_T_DECIMAL) {
        fill_decimals(r, t, to, rows);
    } else if (t->id == FN_T_ENUM8 || t->id == FN_T_ENUM16) {
        for (uint32_t i = 0; i < rows; i++) memcpy(to + (size_t)i * t->width, &t->enum_values[below(r, t->enum_count)].value, t->width);
    } else if (range_of(t, &low, &high)) {
        for (uint32_t i = 0; i < rows; i++) {
            const int64_t v = (int64_t)((uint64_t)low + below(r, (uint64_t)high - (uint64_t)low + 1));
            memcpy(to + (size_t)i * t->width, &v, t->width);
        }
    } else {
        fill_bytes(r, to, (size_t)rows * t->width);
    }
}

static fn_status random_fixed(fn_ctx *ctx, stream *r, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_buffer *values = fn_buffer_new(ctx, (size_t)rows * type->width);
    FN_TRY_PTR(ctx, values);
    fill_fixed(r, fn_type_base(type), values->data, rows);
    *out = fn_column_fixed(ctx, type, rows, values, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status random_string(fn_ctx *ctx, stream *r, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_buffer *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, offsets);
    uint32_t *ends = (uint32_t *)(void *)offsets->data;
    uint64_t at = 0;
    ends[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        at += below(r, r->options->max_string_length + 1);
        ends[i + 1] = (uint32_t)at;
    }
    if (at > UINT32_MAX) {
        fn_buffer_drop(offsets);
        return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "generateRandom: %" PRIu64 " bytes of strings in one block are too many", at);
    }
    fn_buffer *bytes = fn_buffer_new(ctx, at);
    if (!bytes) {
        fn_buffer_drop(offsets);
        return ctx->error.code;
    }
    for (uint64_t i = 0; i < at; i++) bytes->data[i] = (uint8_t)(' ' + below(r, 95));
    *out = fn_column_string(ctx, type, rows, bytes, offsets, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status random_array(fn_ctx *ctx, stream *r, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_buffer *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, offsets);
    uint32_t *ends = (uint32_t *)(void *)offsets->data;
    uint64_t at = 0;
    ends[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        at += below(r, r->options->max_array_length + 1);
        ends[i + 1] = (uint32_t)at;
    }
    fn_column *items;
    fn_status status = at > UINT32_MAX ? fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "generateRandom: too many array items in one block")
                                       : random_column(ctx, r, type->items, (uint32_t)at, &items);
    if (status != FN_OK) {
        fn_buffer_drop(offsets);
        return status;
    }
    *out = fn_column_array(ctx, type, rows, offsets, items);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status random_tuple(fn_ctx *ctx, stream *r, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_column **kids = FN_NEW_ARRAY(ctx, fn_column *, FN_MAX(type->arg_count, 1));
    FN_TRY_PTR(ctx, kids);
    fn_status status = FN_OK;
    for (uint16_t i = 0; i < type->arg_count && status == FN_OK; i++) status = random_column(ctx, r, type->args[i], rows, &kids[i]);
    if (status == FN_OK) *out = fn_column_tuple(ctx, type, rows, kids);
    if (status == FN_OK && !*out) status = ctx->error.code;
    for (uint16_t i = 0; i < type->arg_count; i++) fn_column_drop(kids[i]);
    return status;
}

/* One row of 16 becomes NULL. */
static fn_status add_nulls(fn_ctx *ctx, stream *r, const fn_type *type, uint32_t rows, fn_column **column)
{
    fn_buffer *nulls = fn_buffer_new(ctx, rows);
    fn_column *plain = *column;
    fn_status status = nulls ? FN_OK : ctx->error.code;
    *column = NULL;
    if (nulls) {
        for (uint32_t i = 0; i < rows; i++) nulls->data[i] = (draw(r) & 15) == 0;
        *column = fn_column_with_nulls(ctx, plain, type, nulls);
        if (!*column) status = ctx->error.code;
    }
    fn_column_drop(plain);
    return status;
}

static fn_status random_column(fn_ctx *ctx, stream *r, const fn_type *type, uint32_t rows, fn_column **out)
{
    if (fn_type_is_nullable(type)) {
        FN_TRY(random_column(ctx, r, fn_type_strip_nullable(type), rows, out));
        return add_nulls(ctx, r, type, rows, out);
    }
    switch ((int)type->phys) {
    case FN_PHYS_STRING: return random_string(ctx, r, type, rows, out);
    case FN_PHYS_ARRAY: return random_array(ctx, r, type, rows, out);
    case FN_PHYS_TUPLE: return random_tuple(ctx, r, type, rows, out);
    }
    return random_fixed(ctx, r, type, rows, out);
}

static fn_status column_of(const generator *g, fn_ctx *ctx, uint32_t column, uint64_t first, uint32_t rows, fn_column **out)
{
    stream r;
    stream_init(&r, &g->random, column, first);
    return random_column(ctx, &r, atomic_load(&g->base.schema)->columns[column].type, rows, out);
}

static fn_status check_type(fn_ctx *ctx, const fn_type *type)
{
    if (type->id == FN_T_AGGREGATE_FUNCTION || type->id == FN_T_OTHER || type->phys == FN_PHYS_NOTHING)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The 'GenerateRandom' is not implemented for type %s", type->name);
    for (uint16_t i = 0; i < type->arg_count; i++) FN_TRY(check_type(ctx, type->args[i]));
    return FN_OK;
}

fn_status random_table_new(fn_ctx *ctx, const fn_schema *structure, const random_options *options, table **out)
{
    for (uint32_t i = 0; i < structure->count; i++) FN_TRY(check_type(ctx, structure->fields[i].type));
    const generator model = {.rows = UINT64_MAX, .block_rows = FN_BLOCK_ROWS, .column = column_of, .random = *options};
    return generator_new(ctx, "GenerateRandom", structure, &model, out);
}
