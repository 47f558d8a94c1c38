/* skip_write.c - the data of a skip index while its part is written. The bytes are in skip_read.c's head.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/skip_layout.h"
#include <stdlib.h>

typedef struct value_writer {
    fn_builder min, max, values;
    fn_buf valid, nulls;
} value_writer;

struct fn_skip_writer {
    fn_skip_shape shape;
    fn_arena *arena;
    value_writer *values;
    uint32_t granules;
    fn_buf counts; /* SETS: u32 rows, SKIP_UNKNOWN; FILTERS: u32 words */
    fn_buf words;
};

static fn_status open_values(fn_ctx *ctx, fn_skip_writer *w)
{
    w->values = FN_NEW_ARRAY(ctx, value_writer, w->shape.value_count + 1u);
    FN_TRY_PTR(ctx, w->values);
    for (uint32_t i = 0; i < w->shape.value_count; i++) {
        const fn_type *type = w->shape.types[i];
        if (w->shape.form == FN_SKIP_SETS) FN_TRY(fn_builder_init(ctx, &w->values[i].values, type));
        if (w->shape.form != FN_SKIP_BOUNDS) continue;
        FN_TRY(fn_builder_init(ctx, &w->values[i].min, type));
        FN_TRY(fn_builder_init(ctx, &w->values[i].max, type));
    }
    return FN_OK;
}

fn_status fn_skip_writer_new(fn_ctx *ctx, const fn_skip_shape *shape, fn_skip_writer **out)
{
    FN_ASSERT(shape->value_count <= FN_SKIP_VALUES_MAX);
    fn_skip_writer *w = fn_alloc_zero(ctx, sizeof *w);
    FN_TRY_PTR(ctx, w);
    fn_arena *const outer = ctx->arena;
    w->shape = *shape;
    w->arena = ctx->arena = fn_arena_new(ctx);
    fn_status status = w->arena ? FN_OK : ctx->error.code;
    if (status == FN_OK) {
        const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, shape->value_count + 1u);
        for (uint32_t i = 0; types && i < shape->value_count; i++) types[i] = shape->types[i];
        w->shape.types = types;
        status = types ? open_values(ctx, w) : ctx->error.code;
    }
    ctx->arena = outer;
    if (status == FN_OK) *out = w;
    else fn_skip_writer_free(w);
    return status;
}

void fn_skip_writer_free(fn_skip_writer *w)
{
    if (!w) return;
    for (uint32_t i = 0; i < w->shape.value_count && w->values; i++) {
        value_writer *v = &w->values[i];
        fn_builder_release(&v->min);
        fn_builder_release(&v->max);
        fn_builder_release(&v->values);
        fn_buf_release(&v->valid);
        fn_buf_release(&v->nulls);
    }
    fn_buf_release(&w->counts);
    fn_buf_release(&w->words);
    fn_arena_free(w->arena);
    fn_free(w);
}

/* ---- bounds ---- */

static bool is_nan(const fn_column *c, uint32_t row)
{
    if (!fn_type_is_float(fn_type_base(c->type))) return false;
    const double v = fn_column_f64_at(c, row);
    return v != v;
}

static fn_status add_bounds(fn_ctx *ctx, value_writer *v, const fn_column *c, uint32_t rows)
{
    uint32_t low = 0, high = 0, nulls = 0;
    bool any = false;
    for (uint32_t i = 0; i < rows; i++) {
        if (fn_column_is_null(c, i)) {
            nulls++;
            continue;
        }
        if (is_nan(c, i)) continue;
        if (!any) low = high = i;
        else if (fn_column_compare(c, i, c, low, true) < 0) low = i;
        else if (fn_column_compare(c, i, c, high, true) > 0) high = i;
        any = true;
    }
    FN_TRY(fn_buf_byte(ctx, &v->valid, any));
    FN_TRY(fn_buf_append(ctx, &v->nulls, &nulls, sizeof nulls));
    FN_TRY(any ? fn_builder_copy(ctx, &v->min, c, low) : fn_builder_default(ctx, &v->min));
    return any ? fn_builder_copy(ctx, &v->max, c, high) : fn_builder_default(ctx, &v->max);
}

/* ---- sets ---- */

static bool same_row(fn_column *const *values, uint32_t count, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < count; i++)
        if (!fn_column_equal_at(values[i], a, values[i], b)) return false;
    return true;
}

/* First rows of the different values into `rows_of`; *kept SKIP_UNKNOWN: more than the limit. */
static void find_distinct(const fn_skip_writer *w, fn_column *const *values, uint32_t rows, const uint64_t *hashes, uint32_t *slots, uint64_t mask,
                          uint32_t *rows_of, uint32_t *kept)
{
    *kept = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t at = hashes[i] & mask;
        while (slots[at] && !(hashes[slots[at] - 1] == hashes[i] && same_row(values, w->shape.value_count, slots[at] - 1, i))) at = (at + 1) & mask;
        if (slots[at]) continue;
        if (w->shape.rows_max && *kept == w->shape.rows_max) {
            *kept = SKIP_UNKNOWN;
            return;
        }
        slots[at] = i + 1;
        rows_of[(*kept)++] = i;
    }
}

static fn_status add_set(fn_ctx *ctx, fn_skip_writer *w, fn_column *const *values, uint32_t rows)
{
    const uint64_t room = fn_next_pow2(2 * (uint64_t)rows + 16);
    uint64_t *hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *hashes);
    uint32_t *slots = fn_alloc_zero(ctx, room * sizeof *slots), *rows_of = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *rows_of), kept = 0;
    fn_status status = hashes && slots && rows_of ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < w->shape.value_count && status == FN_OK; i++) status = fn_column_hash(ctx, values[i], hashes, i == 0);
    if (status == FN_OK) {
        find_distinct(w, values, rows, hashes, slots, room - 1, rows_of, &kept);
        status = fn_buf_append(ctx, &w->counts, &kept, sizeof kept);
    }
    for (uint32_t i = 0; i < w->shape.value_count && kept != SKIP_UNKNOWN; i++)
        for (uint32_t k = 0; k < kept && status == FN_OK; k++) status = fn_builder_copy(ctx, &w->values[i].values, values[i], rows_of[k]);
    fn_free(hashes);
    fn_free(slots);
    fn_free(rows_of);
    return status;
}

fn_status fn_skip_writer_values(fn_ctx *ctx, fn_skip_writer *w, fn_column *const *values, uint32_t rows)
{
    w->granules++;
    if (w->shape.form == FN_SKIP_SETS) return add_set(ctx, w, values, rows);
    for (uint32_t i = 0; i < w->shape.value_count; i++) FN_TRY(add_bounds(ctx, &w->values[i], values[i], rows));
    return FN_OK;
}

/* ---- filters ---- */

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = fn_load_u64(a), y = fn_load_u64(b);
    return (x > y) - (x < y);
}

fn_status fn_skip_writer_hashes(fn_ctx *ctx, fn_skip_writer *w, uint64_t *hashes, size_t count)
{
    size_t different = count;
    if (!w->shape.bytes && count) {
        qsort(hashes, count, sizeof *hashes, compare_hashes);
        different = 1;
        for (size_t i = 1; i < count; i++)
            if (hashes[i] != hashes[different - 1]) hashes[different++] = hashes[i];
    }
    const double wanted = w->shape.bytes ? (double)w->shape.bytes * 8 : w->shape.bits_per_hash * (double)different;
    const uint64_t most = (uint64_t)SKIP_WORDS_MAX;
    const uint32_t count_of_words = (uint32_t)FN_MAX(1, FN_MIN((uint64_t)((wanted + 63) / 64), most));
    const size_t at = w->words.size;
    w->granules++;
    FN_TRY(fn_buf_reserve(ctx, &w->words, (size_t)count_of_words * 8));
    memset(w->words.data + at, 0, (size_t)count_of_words * 8);
    w->words.size = at + (size_t)count_of_words * 8;
    for (size_t i = 0; i < different; i++) {
        for (uint32_t k = 0; k < w->shape.hashes; k++) {
            const uint64_t bit = skip_bit(hashes[i], k, (uint64_t)count_of_words * 64);
            w->words.data[at + bit / 8] = (char)((uint8_t)w->words.data[at + bit / 8] | 1u << bit % 8);
        }
    }
    return fn_buf_append(ctx, &w->counts, &count_of_words, sizeof count_of_words);
}

/* ---- the bytes ---- */

static fn_status finish_column(fn_ctx *ctx, fn_builder *b, fn_buf *out)
{
    fn_column *column;
    FN_TRY(fn_builder_finish(ctx, b, &column));
    const fn_status status = column->rows ? part_column_save(ctx, column, out) : FN_OK;
    fn_column_drop(column);
    return status;
}

fn_status fn_skip_writer_finish(fn_ctx *ctx, fn_skip_writer *w, fn_buf *out)
{
    FN_TRY(fn_buf_byte(ctx, out, (char)w->shape.form));
    FN_TRY(fn_buf_append(ctx, out, &w->granules, sizeof w->granules));
    FN_TRY(fn_buf_append(ctx, out, w->counts.data, w->counts.size));
    for (uint32_t i = 0; i < w->shape.value_count; i++) {
        value_writer *v = &w->values[i];
        if (w->shape.form == FN_SKIP_SETS) {
            FN_TRY(finish_column(ctx, &v->values, out));
            continue;
        }
        FN_TRY(fn_buf_append(ctx, out, v->valid.data, v->valid.size));
        FN_TRY(fn_buf_append(ctx, out, v->nulls.data, v->nulls.size));
        FN_TRY(finish_column(ctx, &v->min, out));
        FN_TRY(finish_column(ctx, &v->max, out));
    }
    return fn_buf_append(ctx, out, w->words.data, w->words.size);
}
