/* test_memory.c - tables without files: Memory's snapshots and commits, Null, numbers, zeros, random rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/generate/generate.h"
#include "table/memory/memory_table.h"
#include <pthread.h>
#include <stdio.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))
#define MUST(ctx, call)                                                                                                        \
    do {                                                                                                                       \
        if ((call) != FN_OK) {                                                                                                 \
            failures++;                                                                                                        \
            printf("%s:%d: %s: %s\n", __FILE_NAME__, __LINE__, #call, (ctx)->error.text);                                      \
            fn_error_clear(ctx);                                                                                               \
        }                                                                                                                      \
    } while (0)

static fn_block *numbers_block(fn_ctx *ctx, uint64_t from, uint32_t rows)
{
    fn_buffer *b = fn_buffer_new(ctx, rows * sizeof(uint64_t));
    for (uint32_t i = 0; i < rows; i++) fn_store_u64(b->data + 8 * i, from + i);
    fn_block *block = fn_block_new(ctx, 1, rows);
    block->columns[0] = fn_column_fixed(ctx, fn_type_simple(FN_T_UINT64), rows, b, NULL);
    return block;
}

static void insert(fn_ctx *ctx, table *t, uint64_t from, uint32_t rows, bool commit)
{
    table_writer *w = NULL;
    fn_block *b = numbers_block(ctx, from, rows);
    MUST(ctx, t->ops->write(t, ctx, &w));
    MUST(ctx, w->write(w, ctx, b));
    if (commit) MUST(ctx, w->commit(w, ctx));
    w->close(w);
    fn_block_drop(b);
}

typedef struct totals {
    uint64_t rows, sum;
} totals;

static totals read_all(fn_ctx *ctx, table *t, table_snapshot *s, uint64_t limit)
{
    totals out = {0, 0};
    const uint32_t column = 0;
    const table_scan_request request = {.columns = &column, .column_count = 1, .workers = 1, .limit = limit};
    table_scan *scan = NULL;
    MUST(ctx, t->ops->scan(s, ctx, &request, &scan));
    for (fn_block *b = NULL; scan; fn_block_drop(b)) {
        MUST(ctx, scan->next(scan, ctx, 0, &b));
        if (!b) break;
        MUST(ctx, fn_column_check(ctx, b->columns[0]));
        out.rows += b->rows;
        for (uint32_t i = 0; i < b->rows; i++) out.sum += fn_column_u64_at(b->columns[0], i);
    }
    if (scan) scan->close(scan);
    return out;
}

static totals read_now(fn_ctx *ctx, table *t, uint64_t limit)
{
    table_snapshot *s = NULL;
    MUST(ctx, t->ops->snapshot(t, ctx, &s));
    const totals out = read_all(ctx, t, s, limit);
    t->ops->snapshot_drop(s);
    return out;
}

static table *new_memory(fn_ctx *ctx)
{
    fn_field field = {FN_STR("n"), fn_type_simple(FN_T_UINT64)};
    table head = {.name = FN_STR("m"), .database = FN_STR("d")};
    table_schema *schema = NULL;
    table *t = NULL;
    MUST(ctx, table_schema_make(ctx, &(fn_schema){&field, 1}, &schema));
    atomic_store(&head.schema, schema);
    MUST(ctx, memory_table_new(ctx, &head, &t));
    return t;
}

static void test_snapshots(fn_ctx *ctx)
{
    table *t = new_memory(ctx);
    table_snapshot *old = NULL;
    uint64_t rows;
    insert(ctx, t, 0, 100, true);
    insert(ctx, t, 0, 100, false); /* not committed: undone */
    MUST(ctx, t->ops->snapshot(t, ctx, &old));
    for (uint64_t i = 0; i < 50; i++) insert(ctx, t, 100, 100000, true); /* several blocks, the list grows */
    const totals before = read_all(ctx, t, old, 0), after = read_now(ctx, t, 0);
    CHECK(before.rows == 100 && before.sum == 4950);
    CHECK(after.rows == 5000100);
    MUST(ctx, t->ops->truncate(t, ctx));
    CHECK(read_all(ctx, t, old, 0).rows == 100);
    CHECK(read_now(ctx, t, 0).rows == 0);
    CHECK(t->ops->rows(old, false, &rows) && rows == 100);
    t->ops->snapshot_drop(old);
    table_drop(t);
}

/* A block charged to a query's tracker outlives the query. */
static void test_charge(fn_ctx *ctx)
{
    table *t = new_memory(ctx);
    fn_tracker query;
    fn_tracker_init(&query, "query", NULL, 0);
    ctx->memory = &query;
    insert(ctx, t, 0, 1000, true);
    ctx->memory = NULL;
    CHECK(atomic_load(&query.used) == 0);
    CHECK(read_now(ctx, t, 0).sum == 499500);
    table_drop(t);
}

typedef struct race {
    table *t;
    _Atomic bool stop;
    _Atomic int bad;
} race;

/* Every insert is 2 blocks of one commit: a reader must never see an odd number. */
static void *reader(void *arg)
{
    race *r = arg;
    fn_ctx ctx = {0};
    ctx.arena = fn_arena_new(&ctx);
    while (!atomic_load(&r->stop)) {
        if (read_now(&ctx, r->t, 0).rows % 20 != 0) atomic_fetch_add(&r->bad, 1);
        fn_arena_reset(ctx.arena);
    }
    fn_arena_free(ctx.arena);
    return NULL;
}

static void test_race(fn_ctx *ctx)
{
    race r = {.t = new_memory(ctx)};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, reader, &r) == 0);
    for (int i = 0; i < 300; i++) {
        table_writer *w = NULL;
        fn_block *b = numbers_block(ctx, 0, 10);
        MUST(ctx, r.t->ops->write(r.t, ctx, &w));
        MUST(ctx, w->write(w, ctx, b));
        MUST(ctx, w->write(w, ctx, b));
        MUST(ctx, w->commit(w, ctx));
        w->close(w);
        fn_block_drop(b);
        if (i % 100 == 99) MUST(ctx, r.t->ops->truncate(r.t, ctx));
    }
    atomic_store(&r.stop, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CHECK(atomic_load(&r.bad) == 0);
    table_drop(r.t);
}

static void test_null(fn_ctx *ctx)
{
    fn_field field = {FN_STR("n"), fn_type_simple(FN_T_UINT64)};
    table head = {.name = FN_STR("m")};
    table_schema *schema = NULL;
    table *t = NULL;
    MUST(ctx, table_schema_make(ctx, &(fn_schema){&field, 1}, &schema));
    atomic_store(&head.schema, schema);
    MUST(ctx, null_table_new(ctx, &head, &t));
    insert(ctx, t, 0, 10, true);
    CHECK(read_now(ctx, t, 0).rows == 0);
    table_drop(t);
}

static void test_numbers(fn_ctx *ctx)
{
    table *t = NULL;
    uint64_t count = 0;
    totals got;
    MUST(ctx, numbers_table_new(ctx, "numbers", "number", 5, 200000, 3, &t));
    got = read_now(ctx, t, 0);
    CHECK(got.rows == 200000 && got.sum == 200000ull * 5 + 3 * (199999ull * 200000 / 2));
    table_drop(t);
    MUST(ctx, numbers_table_new(ctx, "numbers", "number", 0, UINT64_MAX, 1, &t));
    got = read_now(ctx, t, 10);
    CHECK(got.rows == 10 && got.sum == 45);
    table_drop(t);
    MUST(ctx, series_count(ctx, 1, 10, 4, &count));
    CHECK(count == 3);
    MUST(ctx, series_count(ctx, 10, 1, 1, &count));
    CHECK(count == 0);
    CHECK(series_count(ctx, 1, 2, 0, &count) == FN_BAD_ARGUMENTS);
    fn_error_clear(ctx);
    MUST(ctx, zeros_table_new(ctx, "zeros", 70000, &t));
    got = read_now(ctx, t, 0);
    CHECK(got.rows == 70000 && got.sum == 0);
    table_drop(t);
}

static fn_block *random_rows(fn_ctx *ctx, const fn_schema *schema, uint64_t seed)
{
    const random_options options = {seed, 10, 10};
    const uint32_t columns[2] = {0, 1};
    const table_scan_request request = {.columns = columns, .column_count = 2, .workers = 1, .limit = 20000};
    table *t = NULL;
    table_snapshot *s = NULL;
    table_scan *scan = NULL;
    fn_block *b = NULL;
    MUST(ctx, random_table_new(ctx, schema, &options, &t));
    MUST(ctx, t->ops->snapshot(t, ctx, &s));
    MUST(ctx, t->ops->scan(s, ctx, &request, &scan));
    MUST(ctx, scan->next(scan, ctx, 0, &b));
    scan->close(scan);
    t->ops->snapshot_drop(s);
    table_drop(t);
    return b;
}

static void test_random(fn_ctx *ctx)
{
    static const char *const types[] = {"UInt8", "String", "Nullable(Int64)", "Array(LowCardinality(String))", "Decimal(9, 2)", "Decimal(76, 5)",
                                        "Map(String, UInt8)", "Tuple(a Date, b DateTime64(3))", "Enum8('x' = 1, 'y' = 2)", "Bool", "FixedString(3)",
                                        "UUID", "Date32", "LowCardinality(Nullable(String))", "Float32", "IPv6"};
    for (size_t i = 0; i < FN_COUNT(types); i++) {
        fn_field fields[2] = {{FN_STR("a"), NULL}, {FN_STR("b"), fn_type_simple(FN_T_UINT64)}};
        MUST(ctx, fn_type_parse(ctx, fn_cstr(types[i]), &fields[0].type));
        const fn_schema schema = {fields, 2};
        fn_block *one = random_rows(ctx, &schema, 7), *two = random_rows(ctx, &schema, 7), *other = random_rows(ctx, &schema, 8);
        MUST(ctx, fn_column_check(ctx, one->columns[0]));
        bool differs = false;
        for (uint32_t row = 0; row < one->rows; row++) {
            CHECK(fn_column_equal_at(one->columns[0], row, two->columns[0], row) || fields[0].type->id == FN_T_FLOAT32);
            differs |= fn_column_u64_at(one->columns[1], row) != fn_column_u64_at(other->columns[1], row);
        }
        CHECK(differs);
        fn_block_drop(one);
        fn_block_drop(two);
        fn_block_drop(other);
    }
    fn_field field = {FN_STR("a"), NULL};
    const random_options options = {0, 10, 10};
    table *t = NULL;
    MUST(ctx, fn_type_parse(ctx, FN_STR("AggregateFunction(sum, UInt8)"), &field.type));
    CHECK(random_table_new(ctx, &(fn_schema){&field, 1}, &options, &t) == FN_NOT_IMPLEMENTED);
    fn_error_clear(ctx);
}

int main(void)
{
    fn_ctx ctx = {0};
    ctx.arena = fn_arena_new(&ctx);
    test_snapshots(&ctx);
    test_charge(&ctx);
    test_race(&ctx);
    test_null(&ctx);
    test_numbers(&ctx);
    test_random(&ctx);
    fn_arena_free(ctx.arena);
    printf("%d failures\n", failures);
    return failures != 0;
}
