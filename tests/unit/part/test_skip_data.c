/* test_skip_data.c - the data of skip indexes: what is written is read back, a filter holds all that was put in and not much more, bounds
 * leave NULL and NaN out, sets stop at their limit; every cut and every flipped byte is an error or data that keeps its invariants.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/skip_data.h>
#include <stdio.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

static const fn_type *type_of(fn_ctx *ctx, const char *name)
{
    const fn_type *t = NULL;
    CHECK(fn_type_parse(ctx, fn_cstr(name), &t) == FN_OK);
    return t;
}

static fn_column *numbers(fn_ctx *ctx, const fn_type *type, uint32_t from, uint32_t rows)
{
    fn_builder b;
    fn_column *c = NULL;
    CHECK(fn_builder_init(ctx, &b, type) == FN_OK);
    for (uint32_t i = from; i < from + rows; i++) {
        if (i % 7 == 0) CHECK(fn_builder_null(ctx, &b) == FN_OK);
        else CHECK(fn_builder_fixed(ctx, &b, &i) == FN_OK);
    }
    CHECK(fn_builder_finish(ctx, &b, &c) == FN_OK);
    fn_builder_release(&b);
    return c;
}

static fn_buffer *finish(fn_ctx *ctx, fn_skip_writer *w)
{
    fn_buf bytes = FN_BUF_INIT;
    CHECK(fn_skip_writer_finish(ctx, w, &bytes) == FN_OK);
    fn_skip_writer_free(w);
    fn_buffer *out = fn_buffer_new(ctx, bytes.size);
    if (out) memcpy(out->data, bytes.data, bytes.size);
    fn_buf_release(&bytes);
    return out;
}

/* Any shorter piece is an error; with any byte changed the columns still keep their invariants. */
static void damage(fn_ctx *ctx, const fn_skip_shape *shape, const fn_buffer *bytes)
{
    for (size_t size = 0; size < bytes->size; size++) {
        fn_buffer *cut = fn_buffer_new(ctx, size);
        fn_skip_data d;
        if (size) memcpy(cut->data, bytes->data, size);
        CHECK(fn_skip_data_load(ctx, shape, cut, &d) == FN_CORRUPTED_DATA);
        fn_error_clear(ctx);
        fn_skip_data_release(&d);
        fn_buffer_drop(cut);
    }
    for (size_t at = 0; at < bytes->size; at++) {
        fn_buffer *bad = fn_buffer_new(ctx, bytes->size);
        fn_skip_data d;
        memcpy(bad->data, bytes->data, bytes->size);
        bad->data[at] ^= 0x81;
        const fn_status status = fn_skip_data_load(ctx, shape, bad, &d);
        for (uint32_t i = 0; i < d.value_count && status == FN_OK; i++) {
            if (d.values && d.values[i]) CHECK(fn_column_check(ctx, d.values[i]) == FN_OK);
            if (d.bounds && d.bounds[i].max) CHECK(fn_column_check(ctx, d.bounds[i].max) == FN_OK);
        }
        fn_error_clear(ctx);
        fn_skip_data_release(&d);
        fn_buffer_drop(bad);
    }
}

static void check_bounds(fn_ctx *ctx)
{
    const fn_type *plain = type_of(ctx, "UInt32"), *nullable = type_of(ctx, "Nullable(UInt32)");
    const fn_skip_shape shape = {.form = FN_SKIP_BOUNDS, .types = &plain, .value_count = 1};
    fn_skip_writer *w;
    CHECK(fn_skip_writer_new(ctx, &shape, &w) == FN_OK);
    fn_column *c = numbers(ctx, nullable, 14, 15), *none = fn_column_null(ctx, nullable, 3);
    CHECK(fn_skip_writer_values(ctx, w, &c, 15) == FN_OK);
    CHECK(fn_skip_writer_values(ctx, w, &none, 3) == FN_OK);
    fn_buffer *bytes = finish(ctx, w);
    fn_skip_data d;
    CHECK(fn_skip_data_load(ctx, &shape, bytes, &d) == FN_OK);
    CHECK(d.granules == 2 && d.bounds[0].valid[0] == 1 && d.bounds[0].valid[1] == 0);
    CHECK(fn_column_u64_at(d.bounds[0].min, 0) == 15 && fn_column_u64_at(d.bounds[0].max, 0) == 27);
    CHECK(fn_load_u32(d.bounds[0].nulls) == 3 && fn_load_u32(d.bounds[0].nulls + 4) == 3);
    fn_skip_data_release(&d);
    damage(ctx, &shape, bytes);
    fn_buffer_drop(bytes);
    fn_column_drop(c);
    fn_column_drop(none);
}

static void check_sets(fn_ctx *ctx)
{
    const fn_type *types[] = {type_of(ctx, "Nullable(UInt32)"), type_of(ctx, "String")};
    const fn_skip_shape shape = {.form = FN_SKIP_SETS, .types = types, .value_count = 2, .rows_max = 10};
    fn_skip_writer *w;
    CHECK(fn_skip_writer_new(ctx, &shape, &w) == FN_OK);
    fn_column *many[] = {numbers(ctx, types[0], 1, 30), fn_column_const_str(ctx, types[1], FN_STR("x"), 30)};
    fn_column *few[] = {numbers(ctx, types[0], 1, 10), fn_column_const_str(ctx, types[1], FN_STR("yy"), 10)};
    fn_column *same[] = {fn_column_default(ctx, types[0], 5), fn_column_const_str(ctx, types[1], FN_STR(""), 5)};
    CHECK(fn_skip_writer_values(ctx, w, many, 30) == FN_OK);
    CHECK(fn_skip_writer_values(ctx, w, few, 10) == FN_OK);
    CHECK(fn_skip_writer_values(ctx, w, same, 5) == FN_OK);
    fn_buffer *bytes = finish(ctx, w);
    fn_skip_data d;
    CHECK(fn_skip_data_load(ctx, &shape, bytes, &d) == FN_OK);
    CHECK(d.granules == 3 && !d.known[0] && d.known[1] && d.known[2]);
    CHECK(d.first[1] == 0 && d.first[2] == 10 && d.first[3] == 11);
    CHECK(fn_column_is_null(d.values[0], 6) && fn_column_is_null(d.values[0], 10) && fn_str_eq(fn_column_str_at(d.values[1], 3), FN_STR("yy")));
    fn_skip_data_release(&d);
    damage(ctx, &shape, bytes);
    fn_buffer_drop(bytes);
    for (int i = 0; i < 2; i++) {
        fn_column_drop(many[i]);
        fn_column_drop(few[i]);
        fn_column_drop(same[i]);
    }
}

static void check_filters(fn_ctx *ctx)
{
    enum { N = 5000 };
    static uint64_t hashes[N];
    const fn_skip_shape shape = {.form = FN_SKIP_FILTERS, .bits_per_hash = 9.585, .hashes = 7}; /* 1 % */
    fn_skip_writer *w;
    CHECK(fn_skip_writer_new(ctx, &shape, &w) == FN_OK);
    for (uint32_t i = 0; i < N; i++) hashes[i] = fn_hash_u64(i / 2); /* each twice */
    CHECK(fn_skip_writer_hashes(ctx, w, hashes, N) == FN_OK);
    CHECK(fn_skip_writer_hashes(ctx, w, hashes, 0) == FN_OK);
    fn_buffer *bytes = finish(ctx, w);
    fn_skip_data d;
    CHECK(fn_skip_data_load(ctx, &shape, bytes, &d) == FN_OK);
    CHECK(d.granules == 2 && bytes->size < N / 2 * 10 / 8 + 100);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < N / 2; i++) {
        const uint64_t in = fn_hash_u64(i), out = fn_hash_u64(i + 1000000);
        CHECK(fn_skip_filter_has(&d, &shape, 0, &in, 1));
        CHECK(!fn_skip_filter_has(&d, &shape, 1, &in, 1));
        wrong += fn_skip_filter_has(&d, &shape, 0, &out, 1);
    }
    CHECK(wrong < N / 2 / 40); /* 1 % expected */
    fn_skip_data_release(&d);
    fn_buffer_drop(bytes);
    const fn_skip_shape fixed = {.form = FN_SKIP_FILTERS, .bytes = 16, .hashes = 2};
    CHECK(fn_skip_writer_new(ctx, &fixed, &w) == FN_OK);
    CHECK(fn_skip_writer_hashes(ctx, w, hashes, 3) == FN_OK);
    bytes = finish(ctx, w);
    damage(ctx, &fixed, bytes);
    fn_buffer_drop(bytes);
}

int main(void)
{
    fn_tracker memory;
    fn_tracker_init(&memory, "test", NULL, 0);
    fn_ctx ctx = {.memory = &memory};
    ctx.arena = fn_arena_new(&ctx);
    check_bounds(&ctx);
    check_sets(&ctx);
    check_filters(&ctx);
    fn_arena_free(ctx.arena);
    return failures != 0;
}
