/* test_mergetree.c - MergeTree over files and a catalog in memory: inserts, scans against brute force, FINAL of every mode, merges,
 * mutations, partition changes, failed commits, restart, readers against writers. FIRN_SEED repeats a run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "mt_fixture.h"
#include <stdlib.h>

static uint64_t state;
static uint64_t draw(uint64_t bound)
{
    state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(state) % bound;
}

static test_row random_row(uint32_t keys)
{
    test_row r = {.k = (uint32_t)draw(keys), .v = (int64_t)draw(1000) - 500, .p = (uint8_t)draw(3), .ver = (uint32_t)draw(5), .sign = draw(3) ? 1 : -1,
                  .del = draw(8) == 0, .has_n = draw(5) != 0};
    if (r.has_n) r.n = (int32_t)draw(100) - 50;
    snprintf(r.s, sizeof r.s, "s%llu", (unsigned long long)draw(50));
    return r;
}

static test_row *random_rows(fn_ctx *ctx, uint32_t count, uint32_t keys)
{
    test_row *rows = fn_alloc(ctx, sizeof *rows * (count + 1));
    for (uint32_t i = 0; i < count; i++) rows[i] = random_row(keys);
    return rows;
}

/* ---- names ---- */

static void check_id(fn_ctx *ctx, table *t, const char *type, const char *text, const char *expected)
{
    const fn_type *parsed;
    fn_builder b;
    fn_column *c = NULL;
    fn_str id = {NULL, 0};
    fn_text_options options;
    fn_text_in in = {text, text + strlen(text), text};
    fn_text_options_default(&options);
    MUST(ctx, fn_type_parse(ctx, fn_cstr(type), &parsed));
    MUST(ctx, fn_builder_init(ctx, &b, parsed));
    MUST(ctx, fn_text_read(ctx, &in, parsed, FN_TEXT_PLAIN, &options, &b));
    MUST(ctx, fn_builder_finish(ctx, &b, &c));
    MUST(ctx, mt_partition_id(ctx, t, &c, 1, &id));
    if (!fn_str_eq(id, fn_cstr(expected))) printf("%s %s: " FN_STR_FMT "\n", type, text, FN_STR_ARG(id));
    CHECK(fn_str_eq(id, fn_cstr(expected)));
    fn_column_drop(c);
    fn_builder_release(&b);
}

/* ClickHouse 26.9's _partition_id. */
static void test_partition_ids(void)
{
    world w;
    world_open(&w, false);
    table *t = make_table(&w, "u", MT_PLAIN, false, true);
    fn_ctx *ctx = &w.ctx;
    check_id(ctx, t, "UInt8", "5", "5");
    check_id(ctx, t, "Int64", "-5", "-5");
    check_id(ctx, t, "String", "abc", "f815b3f19bae3563399d3c6214a8ed43");
    check_id(ctx, t, "FixedString(3)", "abc", "f815b3f19bae3563399d3c6214a8ed43");
    check_id(ctx, t, "LowCardinality(String)", "abc", "f815b3f19bae3563399d3c6214a8ed43");
    check_id(ctx, t, "Date", "2024-01-05", "20240105");
    check_id(ctx, t, "DateTime", "2024-01-05 01:02:03", "1704416523");
    check_id(ctx, t, "DateTime64(3)", "2024-01-05 01:02:03.5", "028b85eddbeb56c508b1c15402023307");
    check_id(ctx, t, "Date32", "2024-01-05", "19727");
    check_id(ctx, t, "UUID", "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "48406fdb38e23228b776558b4edfa795");
    check_id(ctx, t, "Enum8('a' = 1)", "a", "1");
    check_id(ctx, t, "Bool", "true", "1");
    check_id(ctx, t, "IPv4", "1.2.3.4", "16909060");
    check_id(ctx, t, "IPv6", "::1", "1ebc31932a947b7ca9e898a271e7f028");
    check_id(ctx, t, "UInt256", "12345", "4c2be296fe1921a1a5719ef1d37267a2");
    check_id(ctx, t, "Int128", "-7", "ba7cee8087a695e4c38b71b8c0160f71");
    check_id(ctx, t, "UInt128", "12", "3d7de5848249966a5aa6628cccc2add4");
    check_id(ctx, t, "Decimal(9, 2)", "1.25", "ef4f1cf591db9967dbc042e1e11dfc6e");
    check_id(ctx, t, "Float32", "1.5", "11876ff8640afac37203e8651c527cea");
    check_id(ctx, t, "Nullable(UInt8)", "5", "5");
    table_drop(t);
    world_close(&w);
}

/* ---- scans ---- */

static expr *compare(fn_ctx *ctx, const table_schema *s, const char *name, uint32_t col, int64_t value)
{
    fn_builder b;
    fn_column *c = NULL;
    expr *e = NULL;
    MUST(ctx, fn_builder_init(ctx, &b, fn_type_simple(FN_T_INT64)));
    MUST(ctx, fn_builder_fixed(ctx, &b, &value));
    MUST(ctx, fn_builder_finish(ctx, &b, &c));
    fn_builder_release(&b);
    expr *args[2] = {column(ctx, s, col), expr_const(ctx, c)};
    MUST(ctx, expr_call(ctx, name, args, 2, &e));
    return e;
}

static expr *either(fn_ctx *ctx, const char *name, expr *a, expr *b)
{
    expr *args[2] = {a, b}, *e = NULL;
    MUST(ctx, expr_call(ctx, name, args, 2, &e));
    return e;
}

typedef struct probe { /* a condition in both worlds */
    uint32_t col;
    int op; /* 0 =, 1 <, 2 >=, 3 <> */
    int64_t value;
} probe;
static const char *const op_names[] = {"equals", "less", "greaterOrEquals", "notEquals"};

static bool holds(const probe *p, const test_row *r)
{
    const int64_t values[COL_REAL] = {r->k, r->v, 0, r->p, r->ver, r->sign, r->del, r->n};
    const int64_t x = values[p->col];
    if (p->col == COL_N && !r->has_n) return false;
    return p->op == 0 ? x == p->value : p->op == 1 ? x < p->value : p->op == 2 ? x >= p->value : x != p->value;
}

static probe random_probe(uint32_t keys)
{
    static const uint32_t cols[] = {COL_K, COL_K, COL_V, COL_P, COL_N};
    probe p = {cols[draw(FN_COUNT(cols))], (int)draw(4), 0};
    p.value = p.col == COL_K ? (int64_t)draw(keys) : p.col == COL_P ? (int64_t)draw(4) : (int64_t)draw(1000) - 500;
    return p;
}

/* (a OR b) AND c, and the like, against a loop over all rows. */
static void check_scan(world *w, table *t, const test_row *rows, uint32_t count, uint32_t keys)
{
    fn_ctx *ctx = &w->ctx;
    const table_schema *s = atomic_load(&t->schema);
    const probe p[3] = {random_probe(keys), random_probe(keys), random_probe(keys)};
    expr *e[3];
    for (int i = 0; i < 3; i++) e[i] = compare(ctx, s, op_names[p[i].op], p[i].col, p[i].value);
    const bool negate = draw(4) == 0;
    expr *conjuncts[2] = {either(ctx, "or", e[0], e[1]), e[2]};
    if (negate) MUST(ctx, expr_call(ctx, "not", &conjuncts[0], 1, &conjuncts[0]));
    uint64_t hash = 0;
    uint32_t hits = 0;
    for (uint32_t i = 0; i < count; i++) {
        const test_row *r = &rows[i];
        bool first = holds(&p[0], r) || holds(&p[1], r);
        if (negate) { /* NOT of an unknown is not true */
            const bool unknown = !r->has_n && ((p[0].col == COL_N && !holds(&p[1], r)) || (p[1].col == COL_N && !holds(&p[0], r)));
            first = !first && !unknown;
        }
        if (!first || !holds(&p[2], r)) continue;
        hits++;
        hash += row_hash(r);
    }
    found f = read_rows(ctx, t, NULL, false, conjuncts, 2);
    CHECK(f.count == hits && rows_hash(f.rows, f.count) == hash);
    fn_free(f.rows);
}

/* LIKE is decided by dictionary entry where a part has a dictionary. */
static void check_like(world *w, table *t, const test_row *rows, uint32_t count)
{
    fn_ctx *ctx = &w->ctx;
    const table_schema *schema = atomic_load(&t->schema);
    expr *args[2] = {column(ctx, schema, COL_S), expr_const(ctx, fn_column_const_str(ctx, fn_type_simple(FN_T_STRING), FN_STR("%7"), 1))}, *like = NULL;
    uint32_t hits = 0;
    MUST(ctx, expr_call(ctx, "like", args, 2, &like));
    for (uint32_t i = 0; i < count; i++) hits += rows[i].s[strlen(rows[i].s) - 1] == '7';
    found f = read_rows(ctx, t, NULL, false, &like, 1);
    CHECK(f.count == hits);
    for (uint32_t i = 0; i < f.count; i++) CHECK(f.rows[i].s[strlen(f.rows[i].s) - 1] == '7');
    fn_free(f.rows);
}

typedef struct reading {
    uint64_t rows, rows_read;
    int64_t least;
} reading;

static reading read_v(fn_ctx *ctx, table *t, const table_scan_request *request)
{
    table_snapshot *s = NULL;
    table_scan *scan = NULL;
    reading out = {0, 0, INT64_MAX};
    MUST(ctx, t->ops->snapshot(t, ctx, &s));
    MUST(ctx, t->ops->scan(s, ctx, request, &scan));
    for (fn_block *b = NULL; scan; fn_block_drop(b)) {
        b = NULL;
        MUST(ctx, scan->next(scan, ctx, 0, &b));
        if (!b) break;
        out.rows += b->rows;
        for (uint32_t i = 0; i < b->rows; i++) out.least = FN_MIN(out.least, fn_column_i64_at(b->columns[0], i));
    }
    if (scan) out.rows_read = atomic_load(&scan->rows_read);
    if (scan) scan->close(scan);
    t->ops->snapshot_drop(s);
    return out;
}

/* A bound leaves every row that is better or equal, and no worse one; on the key it leaves granules unread. */
static void check_threshold(world *w, table *t, const test_row *rows, uint32_t count, uint32_t keys)
{
    fn_ctx *ctx = &w->ctx;
    const uint32_t v = COL_V, k = COL_K;
    const int64_t edge = 450;
    scan_threshold threshold = {.column = COL_V, .descending = true};
    fn_builder b;
    fn_column *bound = NULL;
    uint64_t expected = 0;
    MUST(ctx, fn_builder_init(ctx, &b, fn_type_simple(FN_T_INT64)));
    MUST(ctx, fn_builder_fixed(ctx, &b, &edge));
    MUST(ctx, fn_builder_finish(ctx, &b, &bound));
    fn_builder_release(&b);
    atomic_store(&threshold.bound, bound);
    for (uint32_t i = 0; i < count; i++) expected += rows[i].v >= edge;
    table_scan_request request = {.columns = &v, .column_count = 1, .threshold = &threshold, .workers = 1};
    reading r = read_v(ctx, t, &request);
    CHECK(r.rows == expected && r.least == edge);
    fn_column_drop(bound);
    bound = fn_column_const_u64(ctx, fn_type_simple(FN_T_UINT32), keys / 10, 1);
    threshold = (scan_threshold){.column = COL_K};
    atomic_store(&threshold.bound, bound);
    expected = 0;
    for (uint32_t i = 0; i < count; i++) expected += rows[i].k <= keys / 10;
    request.columns = &k;
    r = read_v(ctx, t, &request);
    CHECK(r.rows == expected && r.rows_read < count / 2);
    fn_column_drop(bound);
}

static void check_sample(world *w, table *t, const test_row *rows, uint32_t count)
{
    fn_ctx *ctx = &w->ctx;
    const uint32_t k = COL_K;
    uint64_t expected = 0;
    for (uint32_t i = 0; i < count; i++) expected += rows[i].k < (uint32_t)(4294967296.0 * 0.000002);
    const table_scan_request first = {.columns = &k, .column_count = 1, .sample = 0.000002, .workers = 1};
    const table_scan_request rest = {.columns = &k, .column_count = 1, .sample = 0.999998, .sample_offset = 0.000002, .workers = 1};
    const reading a = read_v(ctx, t, &first), b = read_v(ctx, t, &rest);
    CHECK(a.rows == expected && a.rows + b.rows == count);
}

static void test_scans(void)
{
    enum { ROWS = 100000, KEYS = 20000 };
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_PLAIN, true, true);
    test_row *rows = random_rows(ctx, ROWS, KEYS);
    insert(ctx, t, rows, ROWS / 2);
    insert(ctx, t, rows + ROWS / 2, ROWS / 4);
    insert(ctx, t, rows + 3 * ROWS / 4, ROWS / 4);
    CHECK(w.catalog.count == 9);
    found f = read_all(ctx, t, false);
    CHECK(f.count == ROWS && rows_hash(f.rows, f.count) == rows_hash(rows, ROWS));
    for (uint32_t i = 1; i < f.count && i < ROWS / 6 - 2000; i++) CHECK(f.rows[i - 1].p != f.rows[i].p || f.rows[i - 1].k <= f.rows[i].k);
    fn_free(f.rows);
    for (int i = 0; i < 60; i++) check_scan(&w, t, rows, ROWS, KEYS);
    expr *point = compare(ctx, atomic_load(&t->schema), "equals", COL_K, rows[0].k); /* a point reads a granule or two per part */
    f = read_rows(ctx, t, NULL, false, &point, 1);
    CHECK(f.count > 0 && f.rows_read <= 9 * 2 * FN_GRANULE_ROWS && f.rows_read < ROWS);
    fn_free(f.rows);
    MUST(ctx, t->ops->optimize(t, ctx, (fn_str){NULL, 0}, true, false, false));
    CHECK(w.catalog.count == 3 && world_files(&w) == 3);
    for (int i = 0; i < 60; i++) check_scan(&w, t, rows, ROWS, KEYS);
    check_like(&w, t, rows, ROWS);
    check_threshold(&w, t, rows, ROWS, KEYS);
    check_sample(&w, t, rows, ROWS);
    table_snapshot *s = NULL;
    table_column_stats stats;
    int64_t sum = 0;
    for (uint32_t i = 0; i < ROWS; i++) sum += rows[i].v;
    MUST(ctx, t->ops->snapshot(t, ctx, &s));
    CHECK(t->ops->stats(s, false, COL_V, &stats) && stats.exact && stats.has_range && fn_column_i64_at(stats.min, 0) == -500 && fn_column_i64_at(stats.max, 0) == 499);
    CHECK(stats.has_sum && stats.sum == (fn_i128)sum);
    t->ops->snapshot_drop(s);
    fn_free(rows);
    table_drop(t);
    world_close(&w);
}

/* ALTER: a new column has its default in old parts, a column of another type is cast, a dropped and added one does not meet old bytes. */
static void test_alter(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_PLAIN, false, false);
    test_row *rows = random_rows(ctx, 20000, 1000);
    insert(ctx, t, rows, 20000);
    fn_arena *const outer = ctx->arena;
    table_schema *schema = make_schema(ctx);
    mt_definition d = *mt_table_definition(t);
    ctx->arena = d.arena = fn_arena_new(ctx);
    schema->columns[COL_N].id = 100; /* dropped and added again, DEFAULT k + 7 */
    schema->columns[COL_V].type = fn_type_simple(FN_T_INT32);
    d.sort_key = FN_NEW_ARRAY(ctx, expr *, 1);
    d.sort_key[0] = column(ctx, schema, COL_K);
    d.partition_key = NULL;
    d.defaults = FN_NEW_ARRAY(ctx, expr *, schema->count);
    expr *pair[2] = {column(ctx, schema, COL_K), expr_const_u64(ctx, 7)};
    MUST(ctx, expr_call(ctx, "plus", pair, 2, &d.defaults[COL_N]));
    ctx->arena = outer;
    MUST(ctx, mt_table_alter(ctx, t, schema, &d));
    for (uint32_t i = 0; i < 20000; i++) {
        rows[i].n = (int32_t)(rows[i].k + 7);
        rows[i].has_n = true;
    }
    found f = read_all(ctx, t, false);
    CHECK(f.count == 20000 && rows_hash(f.rows, f.count) == rows_hash(rows, 20000));
    fn_free(f.rows);
    expr *where = compare(ctx, schema, "equals", COL_N, 107);
    uint32_t hits = 0;
    for (uint32_t i = 0; i < 20000; i++) hits += rows[i].k == 100;
    f = read_rows(ctx, t, NULL, false, &where, 1);
    CHECK(f.count == hits);
    fn_free(f.rows);
    MUST(ctx, t->ops->optimize(t, ctx, (fn_str){NULL, 0}, true, false, false)); /* written in the new shape */
    f = read_all(ctx, t, false);
    CHECK(f.count == 20000 && rows_hash(f.rows, f.count) == rows_hash(rows, 20000));
    fn_free(f.rows);
    fn_free(rows);
    table_drop(t);
    world_close(&w);
}

/* ---- modes ---- */

static int compare_keys(const void *a, const void *b)
{
    const test_row *x = a, *y = b;
    return (x->k > y->k) - (x->k < y->k);
}

/* The rows FINAL must show, by the book, from all rows in insertion order. Groups are by k. */
static uint32_t model(mt_mode mode, const test_row *all, uint32_t count, test_row *out)
{
    uint32_t n = 0, max_key = 0;
    for (uint32_t i = 0; i < count; i++) max_key = FN_MAX(max_key, all[i].k);
    for (uint32_t k = 0; k <= max_key; k++) {
        test_row best = {0}, first = {0}, last_positive = {0};
        uint32_t rows = 0, positive = 0, negative = 0;
        bool ends_positive = false;
        int64_t v = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (all[i].k != k) continue;
            if (rows++ == 0) first = best = all[i];
            if (all[i].ver >= best.ver) best = all[i];
            positive += all[i].sign > 0;
            negative += all[i].sign < 0;
            ends_positive = all[i].sign > 0;
            if (ends_positive) last_positive = all[i];
            v += all[i].v;
        }
        if (!rows) continue;
        if (mode == MT_REPLACING && !best.del) out[n++] = best;
        if (mode == MT_COLLAPSING && (positive > negative || (positive == negative && ends_positive))) out[n++] = last_positive;
        if (mode == MT_SUMMING) {
            first.v = v;
            out[n++] = first;
        }
    }
    return n;
}

static void check_final(world *w, table *t, mt_mode mode, const test_row *rows, uint32_t count)
{
    test_row *expected = fn_alloc(&w->ctx, sizeof *expected * (count + 1));
    const uint32_t n = model(mode, rows, count, expected);
    found f = read_all(&w->ctx, t, true);
    if (mode == MT_SUMMING) { /* of the summed columns only v is compared */
        qsort(f.rows, f.count, sizeof *f.rows, compare_keys);
        CHECK(f.count == n);
        for (uint32_t i = 0; i < n && i < f.count; i++) CHECK(f.rows[i].k == expected[i].k && f.rows[i].v == expected[i].v && strcmp(f.rows[i].s, expected[i].s) == 0);
    } else {
        CHECK(f.count == n && rows_hash(f.rows, f.count) == rows_hash(expected, n));
    }
    fn_free(f.rows);
    fn_free(expected);
}

static void test_mode(mt_mode mode, bool partitioned)
{
    enum { ROWS = 3000, KEYS = 700 };
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", mode, false, partitioned);
    test_row *rows = random_rows(ctx, ROWS, KEYS);
    for (uint32_t i = 0; i < ROWS; i++) {
        if (mode == MT_SUMMING && rows[i].v == 0) rows[i].v = 1;
        if (partitioned) rows[i].p = (uint8_t)(rows[i].k % 3);
        if (mode == MT_COLLAPSING) rows[i].sign = draw(4) ? 1 : -1;
    }
    /* What Collapsing makes of unbalanced signs depends on how rows fall into inserts: one insert is compared. */
    for (uint32_t at = 0, step; at < ROWS; at += step) {
        step = mode == MT_COLLAPSING ? ROWS : 500 + (uint32_t)draw(500);
        step = FN_MIN(step, ROWS - at);
        insert(ctx, t, rows + at, step);
        check_final(&w, t, mode, rows, at + step);
        if (draw(2)) MUST(ctx, t->ops->optimize(t, ctx, (fn_str){NULL, 0}, false, false, false)); /* some parts become one: masks go on from the last ones */
        if (draw(2)) check_final(&w, t, mode, rows, at + step);
    }
    MUST(ctx, t->ops->optimize(t, ctx, (fn_str){NULL, 0}, true, false, false));
    check_final(&w, t, mode, rows, ROWS);
    table_drop(t);
    t = make_table(&w, "u", mode, false, partitioned); /* as after a restart */
    MUST(ctx, mt_store_sweep(ctx, w.store));
    check_final(&w, t, mode, rows, ROWS);
    fn_free(rows);
    table_drop(t);
    world_close(&w);
}

static void test_collapsing(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_VERSIONED_COLLAPSING, false, false);
    const test_row a[] = {{.k = 1, .v = 1, .sign = 1, .ver = 1}, {.k = 1, .v = 2, .sign = 1, .ver = 1}, {.k = 1, .v = 3, .sign = -1, .ver = 1}, {.k = 1, .v = 4, .sign = -1, .ver = 2}};
    insert(ctx, t, a, 4);
    found f = read_all(ctx, t, true);
    CHECK(f.count == 2 && f.rows[0].v == 1 && f.rows[1].v == 4);
    fn_free(f.rows);
    const test_row b = {.k = 1, .v = 5, .sign = 1, .ver = 2};
    insert(ctx, t, &b, 1);
    f = read_all(ctx, t, true);
    CHECK(f.count == 1 && f.rows[0].v == 1);
    fn_free(f.rows);
    const test_row wrong = {.k = 1, .sign = 2};
    CHECK(try_insert(ctx, t, &wrong, 1) == FN_INCORRECT_DATA);
    fn_error_clear(ctx);
    table_drop(t);
    world_close(&w);
}

static void test_coalescing(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_COALESCING, false, false);
    const test_row a = {.k = 1, .v = 1, .s = "a", .has_n = true, .n = 5}, b = {.k = 1, .v = 2, .s = "b"}, c = {.k = 2, .v = 3};
    insert(ctx, t, &a, 1);
    insert(ctx, t, &b, 1);
    insert(ctx, t, &c, 1);
    for (int merged = 0; merged < 2; merged++) {
        found f = read_all(ctx, t, true);
        CHECK(f.count == 2 && f.rows[0].v == 2 && strcmp(f.rows[0].s, "b") == 0 && f.rows[0].has_n && f.rows[0].n == 5 && !f.rows[1].has_n);
        fn_free(f.rows);
        MUST(ctx, t->ops->optimize(t, ctx, (fn_str){NULL, 0}, true, false, false));
    }
    table_drop(t);
    world_close(&w);
}

/* Rows of a version cancel across inserts: masks that go on from the last ones must see all versions of a key. */
static void test_versions(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_VERSIONED_COLLAPSING, false, false);
    int open[50][5] = {{0}};
    for (int step = 0; step < 40; step++) {
        test_row rows[40];
        uint32_t n = 0;
        for (; n < 40; n++) {
            rows[n] = random_row(50);
            rows[n].sign = open[rows[n].k][rows[n].ver] ? -1 : 1; /* +1 and -1 by turns */
            open[rows[n].k][rows[n].ver] ^= 1;
        }
        insert(ctx, t, rows, n);
        uint32_t expected = 0;
        for (int k = 0; k < 50; k++)
            for (int v = 0; v < 5; v++) expected += (uint32_t)open[k][v];
        found f = read_all(ctx, t, true);
        CHECK(f.count == expected);
        for (uint32_t i = 0; i < f.count; i++) CHECK(f.rows[i].sign == 1 && open[f.rows[i].k][f.rows[i].ver]);
        fn_free(f.rows);
    }
    table_drop(t);
    world_close(&w);
}

/* ---- changes ---- */

static void test_partitions(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *a = make_table(&w, "a", MT_PLAIN, false, true), *b = make_table(&w, "b", MT_PLAIN, false, true);
    test_row *rows = random_rows(ctx, 300, 100);
    for (uint32_t i = 0; i < 300; i++) rows[i].p = (uint8_t)(i % 3);
    insert(ctx, a, rows, 300);
    CHECK(w.catalog.count == 3 && world_files(&w) == 3);
    table_snapshot *old = NULL;
    MUST(ctx, a->ops->snapshot(a, ctx, &old));
    MUST(ctx, mt_drop_partition(ctx, a, FN_STR("1")));
    CHECK(world_files(&w) == 3); /* a reader still has it */
    found f = read_rows(ctx, a, old, false, NULL, 0);
    CHECK(f.count == 300);
    fn_free(f.rows);
    a->ops->snapshot_drop(old);
    CHECK(world_files(&w) == 2);
    MUST(ctx, mt_copy_partition(ctx, a, b, FN_STR("2"), true));
    CHECK(world_files(&w) == 2 && w.catalog.count == 3); /* shared */
    MUST(ctx, mt_copy_partition(ctx, a, b, FN_STR("2"), true));
    f = read_all(ctx, b, false);
    CHECK(f.count == 100);
    fn_free(f.rows);
    MUST(ctx, mt_copy_partition(ctx, a, b, FN_STR("2"), false));
    f = read_all(ctx, b, false);
    CHECK(f.count == 200);
    fn_free(f.rows);
    MUST(ctx, mt_move_partition(ctx, a, b, FN_STR("0")));
    f = read_all(ctx, a, false);
    CHECK(f.count == 100);
    fn_free(f.rows);
    MUST(ctx, a->ops->truncate(a, ctx));
    f = read_all(ctx, b, false);
    CHECK(f.count == 300 && world_files(&w) == 2);
    fn_free(f.rows);
    mt_definition d = *mt_table_definition(a);
    table_schema *other = make_schema(ctx); /* numbers its columns differently: rows are copied */
    fn_arena *const outer = ctx->arena;
    ctx->arena = d.arena = fn_arena_new(ctx);
    for (uint32_t i = 0; i < COL_REAL; i++) other->columns[i].id = 50 + i;
    d.sort_key = FN_NEW_ARRAY(ctx, expr *, 1);
    d.sort_key[0] = column(ctx, other, COL_K);
    d.partition_key = FN_NEW_ARRAY(ctx, expr *, 1);
    d.partition_key[0] = column(ctx, other, COL_P);
    ctx->arena = outer;
    MUST(ctx, mt_table_alter(ctx, a, other, &d));
    MUST(ctx, mt_copy_partition(ctx, b, a, FN_STR("2"), true));
    f = read_all(ctx, a, false);
    CHECK(f.count == 200 && world_files(&w) == 4);
    fn_free(f.rows);
    MUST(ctx, a->ops->truncate(a, ctx));
    CHECK(mt_drop_part(ctx, a, FN_STR("no_1_1_0")) == FN_NO_SUCH_DATA_PART);
    fn_error_clear(ctx);
    mt_table_forget(b);
    table_drop(b);
    CHECK(world_files(&w) == 0);
    fn_free(rows);
    table_drop(a);
    w.catalog.count = 0;
    world_close(&w);
}

static void test_mutations(void)
{
    enum { ROWS = 30000, KEYS = 5000 };
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_PLAIN, false, true);
    const table_schema *s = atomic_load(&t->schema);
    test_row *rows = random_rows(ctx, ROWS, KEYS);
    insert(ctx, t, rows, ROWS);
    expr *where = compare(ctx, s, "less", COL_V, -100), *value = NULL;
    mt_mutation m = {.schema = atomic_load(&t->schema), .where = where, .is_delete = true};
    MUST(ctx, mt_mutate(ctx, t, &m));
    uint32_t n = 0;
    for (uint32_t i = 0; i < ROWS; i++)
        if (rows[i].v >= -100) rows[n++] = rows[i];
    found f = read_all(ctx, t, false);
    CHECK(f.count == n && rows_hash(f.rows, f.count) == rows_hash(rows, n) && world_files(&w) == 3);
    fn_free(f.rows);
    const uint64_t commits = w.catalog.commits;
    MUST(ctx, mt_mutate(ctx, t, &m)); /* nothing left to do */
    CHECK(w.catalog.commits == commits);
    expr *pair[2] = {column(ctx, s, COL_V), column(ctx, s, COL_K)};
    MUST(ctx, expr_call(ctx, "plus", pair, 2, &value));
    const uint32_t col = COL_V;
    m = (mt_mutation){.schema = atomic_load(&t->schema), .where = compare(ctx, s, "equals", COL_P, 1), .columns = &col, .values = &value, .count = 1};
    MUST(ctx, mt_mutate(ctx, t, &m));
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].p == 1) rows[i].v += rows[i].k;
    f = read_all(ctx, t, false);
    CHECK(f.count == n && rows_hash(f.rows, f.count) == rows_hash(rows, n) && world_files(&w) == 3);
    fn_free(f.rows);
    fn_free(rows);
    table_drop(t);
    world_close(&w);
}

static void test_deduplicate(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_PLAIN, false, false);
    const test_row rows[] = {{.k = 1, .v = 1}, {.k = 1, .v = 1}, {.k = 1, .v = 2}, {.k = 2, .v = 1}};
    insert(ctx, t, rows, 4);
    insert(ctx, t, rows, 2);
    MUST(ctx, t->ops->optimize(t, ctx, (fn_str){NULL, 0}, true, true, false));
    found f = read_all(ctx, t, false);
    CHECK(f.count == 3);
    fn_free(f.rows);
    const uint32_t by = COL_K;
    MUST(ctx, mt_deduplicate(ctx, t, (fn_str){NULL, 0}, atomic_load(&t->schema), &by, 1));
    f = read_all(ctx, t, false);
    CHECK(f.count == 2 && f.rows[0].v == 1);
    fn_free(f.rows);
    table_drop(t);
    world_close(&w);
}

/* A failed write, sync or commit leaves neither rows nor files. */
static void test_failures(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    table *t = make_table(&w, "u", MT_PLAIN, false, true);
    test_row *rows = random_rows(ctx, 100, 100);
    insert(ctx, t, rows, 100);
    const size_t files = world_files(&w);
    w.catalog.fail = true;
    CHECK(try_insert(ctx, t, rows, 100) == FN_NOT_ENOUGH_SPACE);
    fn_error_clear(ctx);
    CHECK(world_files(&w) == files);
    for (uint64_t nth = 1; nth < 200; nth++) {
        fn_fs_memory_fail(w.fs, nth, FN_NOT_ENOUGH_SPACE);
        const fn_status status = try_insert(ctx, t, rows, 100);
        fn_fs_memory_fail(w.fs, 0, FN_OK);
        fn_error_clear(ctx);
        found f = read_all(ctx, t, false);
        if (status == FN_OK) {
            CHECK(f.count == 200);
            fn_free(f.rows);
            break;
        }
        CHECK(f.count == 100 && world_files(&w) == files);
        fn_free(f.rows);
    }
    fn_free(rows);
    table_drop(t);
    world_close(&w);
}

static unsigned folders_synced;
static fn_status (*sync_below)(fn_fs *fs, fn_ctx *ctx, const char *dir);

static fn_status count_sync(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    folders_synced++;
    return sync_below(fs, ctx, dir);
}

/* An insert syncs the folder its file is in, and nothing above it: that was done once. */
static void test_folder_syncs(void)
{
    enum { INSERTS = 40 };
    world w;
    world_open(&w, false);
    table *t = make_table(&w, "u", MT_PLAIN, false, false);
    const test_row row = {.k = 1, .v = 1};
    sync_below = w.fs->sync_dir;
    w.fs->sync_dir = count_sync;
    folders_synced = 0;
    for (unsigned i = 0; i < INSERTS; i++) insert(&w.ctx, t, &row, 1);
    CHECK(folders_synced == INSERTS + 2);
    w.fs->sync_dir = sync_below;
    table_drop(t);
    world_close(&w);
}

/* What was acknowledged is there after a crash, and nothing else: unlisted files are swept. */
static void test_crash(void)
{
    world w;
    world_open(&w, false);
    fn_ctx *ctx = &w.ctx;
    test_row *rows = random_rows(ctx, 3000, 500);
    uint32_t count = 0;
    for (int round = 0; round < 10; round++) {
        table *t = make_table(&w, "u", MT_PLAIN, false, true);
        MUST(ctx, mt_store_sweep(ctx, w.store));
        found f = read_all(ctx, t, false);
        CHECK(f.count == count && rows_hash(f.rows, f.count) == rows_hash(rows, count) && world_files(&w) == w.catalog.count);
        fn_free(f.rows);
        insert(ctx, t, rows + count, 100);
        insert(ctx, t, rows + count + 100, 200);
        count += 300;
        if (draw(2)) MUST(ctx, t->ops->optimize(t, ctx, (fn_str){NULL, 0}, true, false, false));
        table_writer *open = NULL; /* an insert that has written its parts but does not commit */
        fn_block *b = rows_block(ctx, atomic_load(&t->schema), rows, 50);
        MUST(ctx, t->ops->write(t, ctx, &open));
        MUST(ctx, open->write(open, ctx, b));
        fn_block_drop(b);
        fn_fs_disk_crash(w.fs);
        open->close(open);
        table_drop(t);
        mt_store_close(w.store);
        fn_part_cache_clear();
        const mt_store_options options = {.fs = w.fs, .root = "/data", .catalog = &w.catalog.base};
        MUST(ctx, mt_store_open(ctx, &options, &w.store));
    }
    fn_free(rows);
    world_close(&w);
}

/* ---- readers against everything else ---- */

typedef struct race {
    world *w;
    table *t;
    _Atomic bool stop;
    _Atomic int bad;
} race;

/* Every insert has 30 rows over 3 partitions; merges never change the count. */
static void *race_reader(void *arg)
{
    race *r = arg;
    fn_ctx ctx = {0};
    ctx.arena = fn_arena_new(&ctx);
    while (!atomic_load(&r->stop)) {
        found f = read_all(&ctx, r->t, false);
        if (f.count % 30 != 0) atomic_fetch_add(&r->bad, 1);
        fn_free(f.rows);
        fn_arena_reset(ctx.arena);
    }
    fn_arena_free(ctx.arena);
    return NULL;
}

static void *race_optimizer(void *arg)
{
    race *r = arg;
    fn_ctx ctx = {0};
    ctx.arena = fn_arena_new(&ctx);
    while (!atomic_load(&r->stop)) {
        MUST(&ctx, r->t->ops->optimize(r->t, &ctx, (fn_str){NULL, 0}, true, false, false));
        fn_arena_reset(ctx.arena);
    }
    fn_arena_free(ctx.arena);
    return NULL;
}

static void test_race(void)
{
    world w;
    world_open(&w, true);
    fn_ctx *ctx = &w.ctx;
    race r = {.w = &w, .t = make_table(&w, "u", MT_PLAIN, false, true)};
    pthread_t threads[3];
    CHECK(pthread_create(&threads[0], NULL, race_reader, &r) == 0);
    CHECK(pthread_create(&threads[1], NULL, race_reader, &r) == 0);
    CHECK(pthread_create(&threads[2], NULL, race_optimizer, &r) == 0);
    test_row rows[30];
    uint32_t expected = 0;
    for (int i = 0; i < 120; i++) {
        for (uint32_t k = 0; k < 30; k++) {
            rows[k] = random_row(1000);
            rows[k].p = (uint8_t)(k % 3);
        }
        insert(ctx, r.t, rows, 30);
        expected += 30;
        if (i % 40 == 39) {
            MUST(ctx, r.t->ops->truncate(r.t, ctx));
            expected = 0;
        }
        fn_arena_reset(ctx->arena);
    }
    insert(ctx, r.t, rows, 30);
    expected += 30;
    atomic_store(&r.stop, true);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    found f = read_all(ctx, r.t, false);
    CHECK(f.count == expected && atomic_load(&r.bad) == 0);
    fn_free(f.rows);
    table_drop(r.t);
    world_close(&w);
}

int main(void)
{
    const char *seed = getenv("FIRN_SEED");
    state = seed ? strtoull(seed, NULL, 10) : 12345;
    test_partition_ids();
    test_scans();
    test_alter();
    test_mode(MT_REPLACING, false);
    test_mode(MT_REPLACING, true);
    test_mode(MT_COLLAPSING, false);
    test_mode(MT_SUMMING, false);
    test_collapsing();
    test_versions();
    test_coalescing();
    test_partitions();
    test_mutations();
    test_deduplicate();
    test_failures();
    test_folder_syncs();
    test_crash();
    test_race();
    printf("%d failures\n", failures);
    return failures != 0;
}
