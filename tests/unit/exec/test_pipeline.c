/* test_pipeline.c - hand-made plans through exec_run: sources, streaming operators, GROUP BY in every key form and size,
 * DISTINCT, LIMIT in all its forms, UNION ALL, shared subqueries, with one and with several workers; limits and failures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/exec.h"
#include "settings/settings.h"
#include <stdio.h>

static int failures;
static fn_ctx ctx;
static fn_pool *pool;
static fn_settings settings;
static column_id next_id = 1;

#define CHECK(cond)                                                                                                        \
    do {                                                                                                                   \
        if (!(cond)) {                                                                                                     \
            printf("%s:%d: %s failed (%s)\n", __FILE__, __LINE__, #cond, ctx.error.text);                                  \
            failures++;                                                                                                    \
        }                                                                                                                  \
    } while (0)

/* ---- making plans ---- */

static plan *node(plan_kind kind, plan *input, uint32_t columns)
{
    plan *p = FN_NEW(&ctx, plan);
    p->kind = kind;
    p->columns = FN_NEW_ARRAY(&ctx, plan_column, columns + 1);
    p->column_count = columns;
    p->inputs = FN_NEW_ARRAY(&ctx, plan *, 2);
    p->inputs[0] = input;
    p->input_count = input != NULL;
    return p;
}

static plan *pass_through(plan_kind kind, plan *input)
{
    plan *p = node(kind, input, input->column_count);
    for (uint32_t i = 0; i < input->column_count; i++) p->columns[i] = input->columns[i];
    return p;
}

static plan *numbers(uint64_t count)
{
    plan *p = node(PLAN_NUMBERS, NULL, 1);
    p->numbers.count = count;
    p->numbers.step = 1;
    p->columns[0] = (plan_column){next_id++, fn_type_simple(FN_T_UINT64), FN_STR("number")};
    return p;
}

static expr *column(const plan *p, uint32_t i)
{
    return expr_column(&ctx, p->columns[i].id, p->columns[i].type);
}

static expr *call(const char *name, expr *a, expr *b)
{
    expr *args[2] = {a, b}, *out = NULL;
    CHECK(expr_call(&ctx, name, args, b ? 2 : 1, &out) == FN_OK);
    return out;
}

static plan *project(plan *input, expr *const *values, uint32_t count)
{
    plan *p = node(PLAN_PROJECT, input, count);
    p->project.items = FN_NEW_ARRAY(&ctx, plan_item, count);
    for (uint32_t i = 0; i < count; i++) {
        p->columns[i] = (plan_column){next_id++, values[i]->type, FN_STR("x")};
        p->project.items[i] = (plan_item){p->columns[i].id, values[i]};
    }
    return p;
}

static plan *modulo(plan *input, uint64_t n)
{
    expr *value = call("modulo", column(input, 0), expr_const_u64(&ctx, n));
    return project(input, &value, 1);
}

/* keys: all columns of the input; count() and sum(of) */
static plan *group(plan *input, uint32_t keys, expr *of, const char *second)
{
    plan *p = node(PLAN_AGGREGATE, input, keys + 2);
    p->aggregate.keys = FN_NEW_ARRAY(&ctx, plan_item, keys + 1);
    p->aggregate.key_count = keys;
    p->aggregate.item_count = 2;
    p->aggregate.items = FN_NEW_ARRAY(&ctx, plan_aggregate_item, 2);
    for (uint32_t i = 0; i < keys; i++) {
        p->columns[i] = input->columns[i];
        p->aggregate.keys[i] = (plan_item){input->columns[i].id, column(input, i)};
    }
    agg_call *count, *sum;
    expr **args = FN_NEW_ARRAY(&ctx, expr *, 1);
    args[0] = of;
    CHECK(agg_bind(&ctx, FN_STR("count"), NULL, 0, NULL, 0, &count) == FN_OK);
    CHECK(agg_bind(&ctx, fn_cstr(second), &of->type, 1, NULL, 0, &sum) == FN_OK);
    p->aggregate.items[0] = (plan_aggregate_item){.id = next_id++, .call = count};
    p->aggregate.items[1] = (plan_aggregate_item){.id = next_id++, .call = sum, .args = args, .arg_count = 1};
    p->columns[keys] = (plan_column){p->aggregate.items[0].id, count->type, FN_STR("count()")};
    p->columns[keys + 1] = (plan_column){p->aggregate.items[1].id, sum->type, FN_STR("sum()")};
    return p;
}

/* ---- running ---- */

typedef struct result {
    exec_output out;
    uint64_t rows, sums[4], last[4];
    bool ascending;
} result;

static fn_status take(exec_output *self, fn_ctx *c, const fn_block *block)
{
    result *r = (result *)self;
    (void)c;
    for (uint32_t i = 0; i < block->count && i < 4; i++) {
        CHECK(fn_column_check(c, block->columns[i]) == FN_OK);
        const fn_type *t = fn_type_base(block->columns[i]->type);
        for (uint32_t k = 0; k < block->rows; k++) {
            const uint64_t v = t->phys == FN_PHYS_STRING ? fn_column_str_at(block->columns[i], k).size
                               : fn_column_is_null(block->columns[i], k) ? 1000000007u
                                                                        : fn_column_u64_at(block->columns[i], k);
            if (i == 0 && r->rows + k && v < r->last[0]) r->ascending = false;
            r->sums[i] += v;
            r->last[i] = v;
        }
    }
    r->rows += block->rows;
    return FN_OK;
}

static fn_status run(plan *root, unsigned workers, result *r)
{
    exec_progress progress = {0};
    exec_env env = {.pool = pool, .workers = workers, .progress = &progress};
    plan_query q = {.root = root};
    *r = (result){.out.block = take, .ascending = true};
    fn_error_clear(&ctx);
    return exec_run(&ctx, &q, &env, &r->out);
}

static const unsigned worker_counts[] = {1, 2, 5};

static void test_streams(void)
{
    for (size_t i = 0; i < FN_COUNT(worker_counts); i++) {
        result r;
        CHECK(run(numbers(1000000), worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == 1000000 && r.sums[0] == 499999500000u);
        plan *n = numbers(1000000), *f = pass_through(PLAN_FILTER, n);
        f->filter.condition = call("less", column(n, 0), expr_const_u64(&ctx, 777));
        CHECK(run(f, worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == 777);
        plan *u = node(PLAN_UNION, NULL, 1);
        u->columns[0] = n->columns[0];
        u->inputs = FN_NEW_ARRAY(&ctx, plan *, 3);
        u->inputs[0] = numbers(10);
        u->inputs[1] = numbers(200000);
        u->inputs[2] = numbers(5);
        u->input_count = 3;
        expr *twice = call("plus", column(u, 0), column(u, 0));
        CHECK(run(project(u, &twice, 1), worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == 200015 && r.sums[0] == 2 * (45 + 19999900000u + 10));
        plan *l = pass_through(PLAN_LIMIT, u);
        l->limit.limit = 12;
        CHECK(run(l, worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == 12);
    }
}

static void limit_case(uint64_t limit, bool negative, uint64_t offset, bool negative_offset, uint64_t first, uint64_t rows)
{
    result r;
    plan *l = pass_through(PLAN_LIMIT, numbers(10));
    l->limit.limit = limit;
    l->limit.offset = offset;
    l->limit.negative_limit = negative;
    l->limit.negative_offset = negative_offset;
    CHECK(run(l, 2, &r) == FN_OK);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rows; i++) sum += first + i;
    CHECK(r.rows == rows && r.sums[0] == sum && r.ascending);
}

static void test_limit(void)
{
    limit_case(3, false, 0, false, 0, 3);
    limit_case(3, false, 8, false, 8, 2);
    limit_case(UINT64_MAX, false, 4, false, 4, 6);
    limit_case(0, false, 0, false, 0, 0);
    limit_case(3, true, 0, false, 7, 3);
    limit_case(3, true, 2, true, 5, 3);
    limit_case(3, false, 2, true, 0, 3);
    limit_case(3, true, 2, false, 7, 3);
    limit_case(30, true, 2, false, 2, 8);
    limit_case(UINT64_MAX, false, 3, true, 0, 7);
    result r;
    plan *n = numbers(10), *l = pass_through(PLAN_LIMIT, n);
    l->limit.limit_fraction = 0.25;
    l->limit.offset_fraction = 0.15;
    CHECK(run(l, 2, &r) == FN_OK);
    CHECK(r.rows == 3 && r.sums[0] == 2 + 3 + 4);
    plan_sort_key key = {.value = call("intDiv", column(n, 0), expr_const_u64(&ctx, 4))};
    l = pass_through(PLAN_LIMIT, n);
    l->limit.limit = 2;
    l->limit.offset = 1;
    l->limit.with_ties = true;
    l->limit.ties = &key;
    l->limit.tie_count = 1;
    CHECK(run(l, 2, &r) == FN_OK);
    CHECK(r.rows == 3 && r.sums[0] == 1 + 2 + 3);
    l->limit.offset = 0;
    l->limit.limit = 3;
    l->limit.negative_limit = true;
    CHECK(run(l, 2, &r) == FN_OK);
    CHECK(r.rows == 6 && r.sums[0] == 4 + 5 + 6 + 7 + 8 + 9);
}

/* GROUP BY number % groups over `rows`, the key put into another type by `cast`. */
static void group_case(uint64_t rows, uint64_t groups, const char *cast, bool distinct_too)
{
    for (size_t i = 0; i < FN_COUNT(worker_counts); i++) {
        result r;
        plan *n = numbers(rows);
        expr *values[2] = {call("modulo", column(n, 0), expr_const_u64(&ctx, groups)), column(n, 0)};
        if (cast) values[0] = call(cast, values[0], NULL);
        plan *p = project(n, values, 2);
        CHECK(run(group(p, 1, column(p, 1), "sum"), worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == FN_MIN(groups, rows));
        CHECK(r.sums[1] == rows && r.sums[2] == rows * (rows - 1) / 2);
        CHECK(run(group(p, 1, column(p, 1), "max"), worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == FN_MIN(groups, rows) && r.sums[1] == rows);
        CHECK(run(group(p, 1, column(p, 1), "uniqExact"), worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == FN_MIN(groups, rows) && r.sums[2] == rows);
        if (!distinct_too) continue;
        CHECK(run(pass_through(PLAN_DISTINCT, project(n, values, 1)), worker_counts[i], &r) == FN_OK);
        CHECK(r.rows == FN_MIN(groups, rows));
    }
}

static void test_group(void)
{
    result r;
    plan *n = numbers(1000);
    CHECK(run(group(n, 0, column(n, 0), "sum"), 2, &r) == FN_OK);
    CHECK(r.rows == 1 && r.sums[0] == 1000 && r.sums[1] == 499500);
    n = numbers(0);
    CHECK(run(group(n, 0, column(n, 0), "sum"), 2, &r) == FN_OK);
    CHECK(r.rows == 1 && r.sums[0] == 0);
    CHECK(run(group(n, 1, column(n, 0), "sum"), 2, &r) == FN_OK);
    CHECK(r.rows == 0);
    group_case(100000, 7, NULL, true);
    group_case(100000, 7, "toUInt8", true);
    group_case(300000, 70000, "toString", true);
    group_case(300000, 300000, "toFloat64", true);
    group_case(700000, 600000, NULL, true); /* through the partitions */
    group_case(300000, 1000, "toInt128", true);
    group_case(100000, 1000, "tuple", true);
}

/* Keys side by side: 16 bytes, then a byte image. */
static void test_wide_keys(void)
{
    static const uint32_t counts[] = {2, 3};
    for (size_t c = 0; c < FN_COUNT(counts); c++) {
        result r;
        plan *n = numbers(400000);
        expr *values[4] = {call("modulo", column(n, 0), expr_const_u64(&ctx, 1000)), call("toNullable", call("intDiv", column(n, 0), expr_const_u64(&ctx, 4000)), NULL),
                           call("toString", column(n, 0), NULL), column(n, 0)};
        if (counts[c] == 2) values[2] = values[3];
        plan *p = project(n, values, 4);
        CHECK(run(group(p, counts[c], column(p, 3), "sum"), 2, &r) == FN_OK);
        CHECK(r.rows == (counts[c] == 2 ? 100000 : 400000));
        CHECK(r.sums[counts[c]] == 400000);
    }
}

/* Dictionary codes as keys: another dictionary every three blocks, some entries in all of them, NULLs. */
static void test_codes(bool nullable)
{
    enum { BLOCKS = 12, ROWS = 5000, ENTRIES = 400 };
    const fn_type *text = fn_type_simple(FN_T_STRING), *type = nullable ? fn_type_nullable(text) : text;
    fn_block **blocks = FN_NEW_ARRAY(&ctx, fn_block *, BLOCKS);
    fn_column *entries = NULL;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        if (b % 3 == 0) { /* entries b*50 .. b*50+399 */
            fn_builder builder;
            CHECK(fn_builder_init(&ctx, &builder, text) == FN_OK);
            for (uint32_t i = 0; i < ENTRIES; i++) {
                char name[32];
                const int size = snprintf(name, sizeof name, "entry number %u", b * 50 + i);
                CHECK(fn_builder_str(&ctx, &builder, (fn_str){name, (size_t)size}) == FN_OK);
            }
            fn_column_drop(entries);
            CHECK(fn_builder_finish(&ctx, &builder, &entries) == FN_OK);
            fn_builder_release(&builder);
        }
        fn_buffer *codes = fn_buffer_new(&ctx, ROWS * 2), *nulls = nullable ? fn_buffer_new_zero(&ctx, ROWS) : NULL;
        for (uint32_t i = 0; i < ROWS; i++) fn_store_u16(codes->data + i * 2, (uint16_t)(i % ENTRIES));
        for (uint32_t i = 0; nullable && i < ROWS; i += 10) nulls->data[i] = 1;
        fn_buffer *ones = fn_buffer_new(&ctx, ROWS * 8);
        for (uint32_t i = 0; i < ROWS; i++) fn_store_u64(ones->data + i * 8, i);
        blocks[b] = fn_block_new(&ctx, 2, ROWS);
        blocks[b]->columns[0] = fn_column_dict(&ctx, type, ROWS, 2, codes, entries, nulls);
        blocks[b]->columns[1] = fn_column_fixed(&ctx, fn_type_simple(FN_T_UINT64), ROWS, ones, NULL);
    }
    fn_column_drop(entries);
    plan *v = node(PLAN_VALUES, NULL, 2);
    v->values.blocks = blocks;
    v->values.block_count = BLOCKS;
    v->columns[0] = (plan_column){next_id++, type, FN_STR("s")};
    v->columns[1] = (plan_column){next_id++, fn_type_simple(FN_T_UINT64), FN_STR("x")};
    static const char *const seconds[] = {"sum", "max", "uniqExact"};
    for (size_t i = 0; i < FN_COUNT(worker_counts) * FN_COUNT(seconds); i++) {
        result r;
        CHECK(run(group(v, 1, column(v, 1), seconds[i % 3]), worker_counts[i / 3], &r) == FN_OK);
        CHECK(r.rows == (nullable ? 765 + 1 : 850) && r.sums[1] == BLOCKS * ROWS);
        CHECK(i % 3 != 0 || r.sums[2] == BLOCKS * (uint64_t)ROWS * (ROWS - 1) / 2);
        CHECK(run(group(v, 2, column(v, 1), seconds[i % 3]), worker_counts[i / 3], &r) == FN_OK); /* with a number beside it */
        CHECK(r.sums[2] == BLOCKS * ROWS);
    }
    for (uint32_t b = 0; b < BLOCKS; b++) fn_block_drop(blocks[b]);
}

static void test_shared(void)
{
    plan_shared shared = {.plan = modulo(numbers(100000), 10)};
    plan *u = node(PLAN_UNION, NULL, 1);
    u->columns[0] = shared.plan->columns[0];
    u->inputs = FN_NEW_ARRAY(&ctx, plan *, 2);
    u->input_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        u->inputs[i] = pass_through(PLAN_SHARED, shared.plan);
        u->inputs[i]->shared.shared = &shared;
    }
    result r;
    CHECK(run(u, 2, &r) == FN_OK);
    CHECK(r.rows == 200000 && r.sums[0] == 900000);
    CHECK(!shared.done && !shared.blocks);
}

static void test_limits(void)
{
    result r;
    settings.max_rows_to_read = 10;
    CHECK(run(numbers(100), 2, &r) == FN_TOO_MANY_ROWS);
    CHECK(strcmp(ctx.error.text, "Limit for rows (controlled by 'max_rows_to_read' setting) exceeded, max rows: 10.00, current rows: 100.00") == 0);
    settings.max_rows_to_read = 0;
    settings.max_result_rows = 10;
    CHECK(run(numbers(100), 2, &r) == FN_TOO_MANY_ROWS_OR_BYTES);
    settings.max_result_rows = 0;
    fn_cancel cancel = {0};
    atomic_store(&cancel.reason, FN_QUERY_WAS_CANCELLED);
    ctx.cancel = &cancel;
    CHECK(run(numbers(100), 2, &r) == FN_QUERY_WAS_CANCELLED);
    ctx.cancel = NULL;
}

/* Every memory limit from almost nothing upwards: the right error, and everything given back. */
static void test_memory(void)
{
    fn_tracker tracker;
    plan *n = numbers(2000000);
    plan *g = group(n, 1, column(n, 0), "uniqExact");
    fn_error_clear(&ctx);
    for (int64_t limit = 1 << 16; limit < 1 << 27; limit *= 2) {
        result r;
        fn_tracker_init(&tracker, "query", NULL, limit);
        ctx.memory = &tracker;
        const fn_status status = run(g, 2, &r);
        ctx.memory = NULL;
        CHECK(status == FN_MEMORY_LIMIT_EXCEEDED);
        CHECK(atomic_load(&tracker.used) == 0);
    }
    fn_error_clear(&ctx);
}

int main(void)
{
    ctx.arena = fn_arena_new(&ctx);
    pool = fn_pool_new(&ctx, "test", 4);
    if (!ctx.arena || !pool || settings_default(&ctx, &settings) != FN_OK) return 1;
    ctx.settings = &settings;
    test_streams();
    test_limit();
    test_group();
    test_wide_keys();
    test_codes(false);
    test_codes(true);
    test_shared();
    test_limits();
    test_memory();
    fn_pool_free(pool);
    fn_arena_free(ctx.arena);
    if (failures) printf("%d failures\n", failures);
    return failures != 0;
}
