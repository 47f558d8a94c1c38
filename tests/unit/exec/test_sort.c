/* test_sort.c - sort_rows against the definition of the order: random columns of every kind of key, several keys, NULLs, NaN,
 * both directions, few and many distinct values, presorted and reversed, one worker and many. The seed is printed; argv[1] sets it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/sort.h"
#include <firn/time.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static fn_ctx ctx;
static fn_pool *pool;
static uint64_t state;
static int failures;

static uint64_t next_random(void)
{
    state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(state);
}

static const char *const type_names[] = {
    "UInt8", "Int16", "UInt32", "Int64", "Nullable(UInt64)", "Nullable(Int32)", "Float64", "Nullable(Float32)", "String", "Nullable(String)",
    "FixedString(3)", "FixedString(11)", "Decimal(38, 3)", "Nullable(Int256)", "UInt128", "LowCardinality(String)", "LowCardinality(Nullable(String))",
    "Array(UInt8)", "Tuple(UInt8, Nullable(String))", "Date", "UUID", "Bool", "Enum8('b' = -1, 'a' = 5)", "Tuple(Float64, Array(Nullable(Int8)))",
};

static fn_status random_text(fn_builder *b, unsigned distinct)
{
    static const char *const prefixes[] = {"", "https://example.com/", "abcdefgh"};
    char text[64];
    const int n = snprintf(text, sizeof text, "%s%llu", prefixes[distinct % 3], (unsigned long long)(next_random() % distinct));
    size_t size = (size_t)n;
    if (next_random() % 5 == 0) text[size - 1] = 0;
    if (next_random() % 7 == 0) size = 0;
    if (b->type->phys == FN_PHYS_FIXED) size = FN_MIN(size, b->type->width);
    return fn_builder_str(&ctx, b, (fn_str){text, size});
}

static fn_status random_value(fn_builder *b, unsigned distinct)
{
    const fn_type *base = fn_type_base(b->type);
    uint8_t bytes[32] = {0};
    if (fn_type_is_nullable(b->type) && next_random() % 6 == 0) return fn_builder_null(&ctx, b);
    uint64_t v = next_random() % distinct;
    if (distinct > 1000) v = next_random() >> (next_random() % 64);
    switch (base->phys) {
    case FN_PHYS_STRING: case FN_PHYS_FIXED: return random_text(b, distinct);
    case FN_PHYS_ARRAY:
        for (uint64_t n = next_random() % 4; n > 0; n--) FN_TRY(random_value(&b->kids[0], 3));
        return fn_builder_close_array(&ctx, b);
    case FN_PHYS_TUPLE:
        for (unsigned i = 0; i < b->kid_count; i++) FN_TRY(random_value(&b->kids[i], distinct));
        return fn_builder_close_tuple(&ctx, b);
    case FN_PHYS_F32: case FN_PHYS_F64: {
        double d = next_random() % 9 == 0 ? (double)NAN : ((double)v - (double)distinct / 2) / 4;
        if (next_random() % 9 == 0) d = -0.0;
        const float f = (float)d;
        if (base->phys == FN_PHYS_F32) memcpy(bytes, &f, 4);
        else memcpy(bytes, &d, 8);
        break;
    }
    default:
        memcpy(bytes, &v, 8);
        if (base->id == FN_T_BOOL) bytes[0] &= 1;
        if (base->id == FN_T_ENUM8) bytes[0] = v & 1 ? 5 : 0xff;
        if (distinct > 1000 && base->width > 8) memcpy(bytes + base->width - 8, &v, 8);
        if (next_random() % 2 && base->id != FN_T_BOOL && base->id != FN_T_ENUM8) for (unsigned i = 0; i < base->width && distinct < 100; i++) bytes[i] = (uint8_t)~bytes[i];
    }
    return fn_builder_fixed(&ctx, b, bytes);
}

static fn_column *random_column(const char *name, uint32_t rows, unsigned distinct)
{
    const fn_type *type;
    fn_builder b;
    fn_column *out = NULL;
    if (fn_type_parse(&ctx, fn_cstr(name), &type) != FN_OK || fn_builder_init(&ctx, &b, type) != FN_OK) return NULL;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) status = random_value(&b, distinct);
    if (status == FN_OK) status = fn_builder_finish(&ctx, &b, &out);
    fn_builder_release(&b);
    if (status != FN_OK) printf("%s: %s\n", name, ctx.error.text);
    if (out && next_random() % 3 == 0) {
        fn_column *dict = fn_column_encode_dict(&ctx, out, 300);
        fn_column_drop(out);
        out = dict;
    }
    return out;
}

static void check_order(const sort_column *keys, uint32_t count, uint32_t rows, const fn_buffer *order, const char *what)
{
    const uint32_t *at = (const uint32_t *)(const void *)order->data;
    uint8_t *seen = fn_alloc_zero(&ctx, rows + 1);
    for (uint32_t i = 0; i < rows; i++) {
        int broken = at[i] >= rows || seen[at[i]];
        if (!broken) seen[at[i]] = 1;
        if (!broken && i) {
            const int c = sort_compare(keys, at[i - 1], keys, at[i], count);
            broken = c > 0 || (c == 0 && at[i - 1] > at[i]);
        }
        if (!broken) continue;
        printf("%s: wrong at place %u of %u (rows %u, %u; %s %s)\n", what, i, rows, i ? at[i - 1] : 0, at[i], keys[0].descending ? "desc" : "asc",
               keys[0].nulls_first ? "nulls first" : "nulls last");
        failures++;
        break;
    }
    fn_free(seen);
}

static void run(uint32_t rows, uint32_t count, unsigned distinct, unsigned workers)
{
    sort_column keys[4];
    fn_column *columns[4] = {NULL};
    char what[256];
    int used = 0;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = type_names[next_random() % FN_COUNT(type_names)];
        columns[i] = random_column(name, rows, distinct);
        if (!columns[i]) {
            failures++;
            return;
        }
        used += snprintf(what + used, sizeof what - (size_t)used, "%s%s%s", i ? ", " : "", name, columns[i]->shape == FN_DICT ? " (dict)" : "");
        keys[i] = (sort_column){columns[i], next_random() % 2 == 0, next_random() % 2 == 0};
    }
    fn_buffer *order = NULL;
    if (sort_rows(&ctx, workers > 1 ? pool : NULL, workers, keys, count, rows, &order) != FN_OK) {
        printf("%s: %s\n", what, ctx.error.text);
        failures++;
        return;
    }
    check_order(keys, count, rows, order, what);
    /* sorting what is sorted, and its reverse */
    sort_column again[4];
    fn_column *moved[4];
    for (uint32_t i = 0; i < count; i++) {
        moved[i] = fn_column_take(&ctx, columns[i], (const uint32_t *)(const void *)order->data, rows);
        again[i] = (sort_column){moved[i], keys[i].descending != (distinct % 2 == 0), keys[i].nulls_first};
    }
    fn_buffer_drop(order);
    if (sort_rows(&ctx, workers > 1 ? pool : NULL, workers, again, count, rows, &order) != FN_OK) return;
    check_order(again, count, rows, order, what);
    fn_buffer_drop(order);
    for (uint32_t i = 0; i < count; i++) {
        fn_column_drop(columns[i]);
        fn_column_drop(moved[i]);
    }
}

int main(int argc, char **argv)
{
    state = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)fn_clock_monotonic_ns();
    printf("seed %llu\n", (unsigned long long)state);
    fn_tracker tracker;
    fn_tracker_init(&tracker, "test", NULL, 0);
    ctx.arena = fn_arena_new(&ctx);
    ctx.memory = &tracker;
    pool = fn_pool_new(&ctx, "test", 3);
    static const uint32_t sizes[] = {0, 1, 2, 17, 300, 1500, 5000};
    static const unsigned spreads[] = {1, 2, 9, 50, 500, 1000000};
    for (unsigned i = 0; i < 600; i++)
        run(sizes[next_random() % FN_COUNT(sizes)], 1 + (uint32_t)(next_random() % 4), spreads[next_random() % FN_COUNT(spreads)], 1);
    for (unsigned i = 0; i < 12; i++) run(150000, 1 + (uint32_t)(next_random() % 3), spreads[next_random() % FN_COUNT(spreads)], 3);
    fn_pool_free(pool);
    fn_arena_free(ctx.arena);
    if (atomic_load(&tracker.used) != 0) {
        printf("%lld bytes still charged\n", (long long)atomic_load(&tracker.used));
        failures++;
    }
    printf("%s\n", failures ? "FAILED" : "ok");
    return failures != 0;
}
