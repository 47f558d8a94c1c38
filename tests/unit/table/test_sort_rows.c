/* test_sort_rows.c - the sort of a block by its key, against comparisons: types, directions, NULLs, NaN, dictionaries, stability; and the
 * prefixes, which may never contradict the key. FIRN_SEED repeats a run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <stdio.h>
#include <stdlib.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))
static uint64_t state;
static uint64_t draw(uint64_t bound)
{
    state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(state) % bound;
}

static const char *const types[] = {"UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64", "UInt128", "Int128", "Int256", "Float32",
                                    "Float64", "String", "FixedString(3)", "FixedString(20)", "Nullable(Int32)", "Nullable(String)", "Nullable(Float64)",
                                    "Date", "LowCardinality(String)", "Array(UInt8)", "UUID"};

static void add_value(fn_ctx *ctx, fn_builder *b, const fn_type *base)
{
    uint8_t bytes[32] = {0};
    char text[32];
    if (base->phys == FN_PHYS_STRING) {
        const int n = snprintf(text, sizeof text, "%.*s%llu", (int)draw(20), "abcdefghijklmnopqrst", (unsigned long long)draw(30));
        CHECK(fn_builder_str(ctx, b, (fn_str){text, (size_t)n}) == FN_OK);
        return;
    }
    if (base->phys == FN_PHYS_ARRAY) {
        for (uint64_t n = draw(3); n > 0; n--) {
            bytes[0] = (uint8_t)draw(3);
            CHECK(fn_builder_fixed(ctx, &b->kids[0], bytes) == FN_OK);
        }
        CHECK(fn_builder_close_array(ctx, b) == FN_OK);
        return;
    }
    const bool wide = draw(2);
    for (uint32_t i = 0; i < base->width; i++) bytes[i] = (uint8_t)(wide ? draw(256) : i == 0 ? draw(4) : 0);
    if (base->phys == FN_PHYS_F64) fn_store_f64(bytes, draw(9) == 0 ? (double)__builtin_nanf("") : (double)(int64_t)draw(20) - 10);
    if (base->phys == FN_PHYS_F32) fn_store_f32(bytes, draw(9) == 0 ? __builtin_nanf("") : (float)(int64_t)draw(20) - 10);
    CHECK(fn_builder_fixed(ctx, b, bytes) == FN_OK);
}

static fn_column *random_column(fn_ctx *ctx, const char *name, uint32_t rows)
{
    const fn_type *type;
    fn_builder b;
    fn_column *c = NULL, *coded;
    CHECK(fn_type_parse(ctx, fn_cstr(name), &type) == FN_OK);
    CHECK(fn_builder_init(ctx, &b, type) == FN_OK);
    for (uint32_t i = 0; i < rows; i++) {
        if (fn_type_is_nullable(type) && draw(5) == 0) CHECK(fn_builder_null(ctx, &b) == FN_OK);
        else add_value(ctx, &b, fn_type_base(type));
    }
    CHECK(fn_builder_finish(ctx, &b, &c) == FN_OK);
    fn_builder_release(&b);
    if (fn_type_base(type)->phys != FN_PHYS_STRING || draw(2)) return c;
    coded = fn_column_encode_dict(ctx, c, 10000);
    fn_column_drop(c);
    return coded;
}

static void check_key(fn_ctx *ctx, const mt_key *key, uint32_t rows)
{
    uint32_t *order = FN_NEW_ARRAY(ctx, uint32_t, rows + 1);
    mt_prefix *prefixes = FN_NEW_ARRAY(ctx, mt_prefix, rows + 1);
    bool sorted, exact, wrong = false;
    CHECK(mt_sort_rows(ctx, key, rows, order, &sorted) == FN_OK);
    for (uint32_t i = 0; i < rows && sorted; i++) order[i] = i;
    for (uint32_t i = 1; i < rows; i++) {
        const int c = mt_key_compare(key, order[i - 1], key, order[i]);
        wrong |= c > 0 || (c == 0 && order[i - 1] >= order[i]);
    }
    CHECK(mt_key_prefixes(ctx, key, rows, prefixes, &exact) == FN_OK);
    for (uint32_t i = 1; i < rows; i++) {
        const int by_prefix = mt_prefix_compare(prefixes[i - 1], prefixes[i]), by_key = mt_key_compare(key, i - 1, key, i);
        wrong |= by_prefix != 0 && (by_prefix < 0) != (by_key < 0);
        wrong |= by_prefix == 0 && exact && by_key != 0;
    }
    CHECK(!wrong);
    for (uint32_t k = 0; wrong && k < key->count; k++) printf("  %s%s\n", key->columns[k]->type->name, key->descending[k] ? " DESC" : "");
}

int main(void)
{
    const char *seed = getenv("FIRN_SEED");
    fn_ctx ctx = {0};
    state = seed ? strtoull(seed, NULL, 10) : 2024;
    ctx.arena = fn_arena_new(&ctx);
    for (int round = 0; round < 400; round++) {
        fn_column *columns[4];
        bool descending[4];
        const uint32_t rows = 1 + (uint32_t)draw(300), count = 1 + (uint32_t)draw(4);
        for (uint32_t i = 0; i < count; i++) {
            columns[i] = random_column(&ctx, types[draw(FN_COUNT(types))], rows);
            descending[i] = draw(3) == 0;
        }
        const mt_key key = {columns, count, descending};
        check_key(&ctx, &key, rows);
        for (uint32_t i = 0; i < count; i++) fn_column_drop(columns[i]);
        fn_arena_reset(ctx.arena);
    }
    fn_arena_free(ctx.arena);
    printf("%d failures\n", failures);
    return failures != 0;
}
