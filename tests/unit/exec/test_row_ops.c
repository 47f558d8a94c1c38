/* test_row_ops.c - LIMIT BY, INTERSECT, EXCEPT and ARRAY JOIN against their definitions, over random rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan_maker.h"

static const char *const names[] = {"UInt8", "Int32", "String", "Nullable(UInt16)", "LowCardinality(String)", "Nullable(String)", "Float64"};

static bool same_row(fn_column *const *a, uint32_t x, fn_column *const *b, uint32_t y, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        if (!fn_column_equal_at(a[k], x, b[k], y)) return false;
    return true;
}

static void expect(const char *what, uint32_t got, uint32_t want)
{
    if (got == want) return;
    printf("%s: %u, want %u\n", what, got, want);
    failures++;
}

static void run_limit_by(uint32_t rows, unsigned workers)
{
    fn_column *in[2];
    for (uint32_t i = 0; i < 2; i++) in[i] = random_values(type_of(names[next_random() % FN_COUNT(names)]), rows, 5);
    plan *values = plan_of_columns(in, 2), *p = plan_new(PLAN_LIMIT_BY, 1, values, NULL);
    plan_pass(p);
    p->limit_by.keys = (expr *[]){column_of(values, 0), column_of(values, 1)};
    p->limit_by.key_count = 1 + (uint32_t)(next_random() % 2);
    p->limit_by.limit = next_random() % 4;
    p->limit_by.offset = next_random() % 3;
    uint32_t got_rows, want = 0;
    fn_column **got = run_plan(p, workers, &got_rows);
    if (!got) maker_die("limit by");
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t before = 0;
        for (uint32_t k = 0; k < i; k++) before += same_row(in, k, in, i, p->limit_by.key_count);
        if (before < p->limit_by.offset || before >= p->limit_by.offset + p->limit_by.limit) continue;
        if (workers == 1 && (want >= got_rows || !same_row(in, i, got, want, 2))) expect("LIMIT BY row", want, UINT32_MAX);
        want++;
    }
    expect("LIMIT BY rows", got_rows, want);
    drop_columns(got, 2);
    drop_columns(in, 2);
    plan_values_free(values);
}

static uint32_t count_of(fn_column *const *in, uint32_t rows, fn_column *const *row_of, uint32_t row)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows; i++) n += same_row(in, i, row_of, row, 2);
    return n;
}

static void run_set_op(uint32_t left_rows, uint32_t right_rows, unsigned workers)
{
    fn_column *l[2], *r[2];
    for (uint32_t i = 0; i < 2; i++) {
        const fn_type *type = type_of(names[next_random() % FN_COUNT(names)]);
        l[i] = random_values(type, left_rows, 4);
        r[i] = random_values(type, right_rows, 4);
    }
    plan *left = plan_of_columns(l, 2), *right = plan_of_columns(r, 2), *p = plan_new(PLAN_SET_OP, 2, left, right);
    plan_pass(p);
    p->column_count = 2;
    p->set_op.except = next_random() % 2;
    p->set_op.distinct = next_random() % 2;
    uint32_t got_rows;
    fn_column **got = run_plan(p, workers, &got_rows);
    if (!got) maker_die("set operation");
    uint32_t total = 0;
    for (uint32_t i = 0; i < left_rows; i++) {
        bool seen = false;
        for (uint32_t k = 0; k < i && !seen; k++) seen = same_row(l, k, l, i, 2);
        if (seen) continue;
        const uint32_t a = count_of(l, left_rows, l, i), b = count_of(r, right_rows, l, i), have = count_of(got, got_rows, l, i);
        const uint32_t want = !p->set_op.except ? FN_MIN(a, b) : p->set_op.distinct && b ? 0 : a > b ? a - b : 0;
        expect(p->set_op.except ? "EXCEPT" : "INTERSECT", have, want);
        total += want;
    }
    expect("set operation rows", got_rows, total);
    drop_columns(got, 2);
    drop_columns(l, 2);
    drop_columns(r, 2);
    plan_values_free(left);
    plan_values_free(right);
}

/* Column 0: row number; 1 and 2: arrays of the same lengths, elements row * 1000 + place. */
static void run_array_join(uint32_t rows, uint32_t longest, bool left, unsigned workers, bool uneven)
{
    fn_builder b[3];
    fn_column *in[3];
    const char *const types[] = {"UInt32", "Array(UInt64)", "Array(Nullable(String))"};
    uint32_t want = 0;
    for (uint32_t c = 0; c < 3; c++)
        if (fn_builder_init(&ctx, &b[c], type_of(types[c])) != FN_OK) maker_die("builder");
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t size = (uint32_t)(next_random() % (longest + 1));
        fn_status status = fn_builder_fixed(&ctx, &b[0], &i);
        for (uint32_t j = 0; j < size && status == FN_OK; j++) {
            const uint64_t v = (uint64_t)i * 1000 + j;
            status = fn_builder_fixed(&ctx, &b[1].kids[0], &v);
            if (status == FN_OK && !(uneven && i == rows / 2 && j == 0)) status = fn_builder_str(&ctx, &b[2].kids[0], (fn_str){(const char *)&v, 8});
        }
        if (status == FN_OK) status = fn_builder_close_array(&ctx, &b[1]);
        if (status == FN_OK) status = fn_builder_close_array(&ctx, &b[2]);
        if (status != FN_OK) maker_die("array");
        want += left && !size ? 1 : size;
    }
    for (uint32_t c = 0; c < 3; c++) {
        if (fn_builder_finish(&ctx, &b[c], &in[c]) != FN_OK) maker_die("array");
        fn_builder_release(&b[c]);
    }
    plan *values = plan_of_columns(in, 3), *p = plan_new(PLAN_ARRAY_JOIN, 1, values, NULL);
    plan_pass(p);
    p->array_join.left = left;
    p->array_join.array_count = 2;
    p->array_join.arrays = FN_NEW_ARRAY(&ctx, plan_item, 2);
    for (uint32_t k = 0; k < 2; k++) {
        p->array_join.arrays[k] = (plan_item){next_id++, column_of(values, k + 1)};
        p->columns[3 + k] = (plan_column){p->array_join.arrays[k].id, in[k + 1]->type->items, FN_STR("e")};
    }
    p->column_count = 5;
    uint32_t got_rows, wrong = 0;
    fn_column **got = run_plan(p, workers, &got_rows);
    if (!got) {
        expect("ARRAY JOIN code", (uint32_t)ctx.error.code, uneven ? FN_SIZES_OF_ARRAYS_DONT_MATCH : 0);
        fn_error_clear(&ctx);
    } else if (!uneven || longest < 2) {
        expect("ARRAY JOIN rows", got_rows, want);
    }
    for (uint32_t i = 0; got && !uneven && i < got_rows; i++) {
        const uint32_t row = (uint32_t)fn_column_u64_at(got[0], i);
        const uint64_t v = fn_column_u64_at(got[3], i);
        const bool empty = in[1]->offsets[row + 1] == in[1]->offsets[row];
        if (empty) wrong += v != 0 || !fn_column_is_null(got[4], i);
        else wrong += v / 1000 != row || memcmp(fn_column_str_at(got[4], i).data, &v, 8) != 0;
    }
    expect("ARRAY JOIN wrong rows", wrong, 0);
    drop_columns(got, 5);
    if (got && rows == 300) run_under_limits(p, workers);
    drop_columns(in, 3);
    plan_values_free(values);
}

int main(int argc, char **argv)
{
    maker_open(argc, argv);
    for (unsigned i = 0; i < 120; i++) {
        run_limit_by((uint32_t)(next_random() % 400), i % 2 ? 1 : 3);
        run_set_op((uint32_t)(next_random() % 200), (uint32_t)(next_random() % 200), i % 2 ? 1 : 3);
        run_array_join((uint32_t)(next_random() % 200), (uint32_t)(next_random() % 5), next_random() % 2, i % 2 ? 1 : 3, i % 16 == 0);
    }
    run_array_join(300, 999, true, 3, false);
    return maker_close();
}
