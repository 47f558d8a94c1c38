/* test_op_sort.c - the ORDER BY operator: whole and first N rows with and without ties, one worker and many, over inputs cut into
 * blocks; against sorting by comparison. SPDX-License-Identifier: Apache-2.0 */
#include "exec/sort.h"
#include "plan_maker.h"

static const char *const names[] = {"UInt32", "Nullable(Int32)", "Float64", "Nullable(Float64)", "String", "Nullable(String)", "UInt64", "UInt8", "Date"};

static int compare_rows(const void *a, const void *b, void *arg)
{
    sort_column *const *keys = arg;
    const uint32_t x = fn_load_u32(a), y = fn_load_u32(b);
    const int order = sort_compare(keys[0], x, keys[0], y, (uint32_t)(keys[1] - keys[0]));
    return order ? order : (x > y) - (x < y);
}

static void check(fn_column *const *in, const sort_column *keys, uint32_t key_count, uint32_t rows, uint32_t wanted, bool ties, fn_column **got, uint32_t got_rows)
{
    uint32_t *order = fn_alloc(&ctx, (rows + 1) * sizeof *order);
    for (uint32_t i = 0; i < rows; i++) order[i] = i;
    sort_column *range[2] = {(sort_column *)(uintptr_t)keys, (sort_column *)(uintptr_t)(keys + key_count)};
    qsort_r(order, rows, sizeof *order, compare_rows, range);
    uint32_t expected = wanted ? FN_MIN(wanted, rows) : rows;
    while (ties && expected && expected < rows && sort_compare(keys, order[expected - 1], keys, order[expected], key_count) == 0) expected++;
    if (got_rows != expected) {
        printf("%u rows instead of %u (limit %u of %u, ties %d)\n", got_rows, expected, wanted, rows, ties);
        failures++;
    }
    sort_column out[4];
    for (uint32_t k = 0; k < key_count; k++) {
        out[k] = keys[k];
        out[k].column = got[k];
    }
    for (uint32_t i = 0; i < got_rows && i < expected; i++) {
        const uint32_t source = (uint32_t)fn_column_u64_at(got[3], i);
        const bool keys_match = sort_compare(out, i, keys, order[i], key_count) == 0;
        bool payload = source < rows;
        for (uint32_t c = 0; c < 3 && payload; c++) payload = fn_column_equal_at(got[c], i, in[c], source);
        if (keys_match && payload) continue;
        printf("row %u of %u differs (%s)\n", i, got_rows, keys_match ? "payload" : "keys");
        failures++;
        break;
    }
    fn_free(order);
}

static void run(uint32_t rows, uint64_t distinct, unsigned workers, uint32_t wanted, bool ties)
{
    fn_column *in[4];
    for (uint32_t i = 0; i < 3; i++) in[i] = random_values(type_of(names[next_random() % FN_COUNT(names)]), rows, distinct);
    fn_buffer *numbers = fn_buffer_new(&ctx, (size_t)rows * 8);
    for (uint32_t i = 0; i < rows; i++) fn_store_u64(numbers->data + 8 * (size_t)i, i);
    in[3] = fn_column_fixed(&ctx, fn_type_simple(FN_T_UINT64), rows, numbers, NULL);
    plan *values = plan_of_columns(in, 4), *sort = plan_new(PLAN_SORT, 1, values, NULL);
    plan_pass(sort);
    const uint32_t key_count = 1 + (uint32_t)(next_random() % 3);
    sort_column keys[4];
    sort->sort.keys = FN_NEW_ARRAY(&ctx, plan_sort_key, key_count);
    sort->sort.key_count = key_count;
    sort->sort.limit = wanted;
    sort->sort.with_ties = ties;
    for (uint32_t k = 0; k < key_count; k++) {
        keys[k] = (sort_column){in[k], next_random() % 2, next_random() % 2};
        sort->sort.keys[k] = (plan_sort_key){.value = column_of(values, k), .descending = keys[k].descending, .nulls_first = keys[k].nulls_first};
    }
    uint32_t got_rows;
    fn_column **got = run_plan(sort, workers, &got_rows);
    if (!got) maker_die("run");
    check(in, keys, key_count, rows, wanted, ties, got, got_rows);
    if (rows == 40000) run_under_limits(sort, workers);
    drop_columns(got, 4);
    drop_columns(in, 4);
    plan_values_free(values);
}

int main(int argc, char **argv)
{
    maker_open(argc, argv);
    static const uint32_t sizes[] = {0, 1, 3, 100, 2000, 40000}, limits[] = {0, 1, 10, 700, 100000};
    static const uint64_t spreads[] = {1, 3, 40, 1000, 100000000};
    for (unsigned i = 0; i < 200; i++)
        run(sizes[next_random() % FN_COUNT(sizes)], spreads[next_random() % FN_COUNT(spreads)], i % 2 ? 1 : 3, limits[next_random() % FN_COUNT(limits)],
            next_random() % 2);
    run(300000, 1000000, 3, 0, false);
    run(300000, 1000000, 3, 100, true);
    return maker_close();
}
