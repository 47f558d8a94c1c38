/* test_join.c - the hash join against nested loops: every kind and strictness, one to three keys of many types, NULL-safe ones,
 * residual conditions, either side built, both unmatched forms, one worker and many; ASOF; PASTE; joins that explode.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan_maker.h"

enum { COLUMNS = 4 }; /* per side: up to three keys, and the row number */
static const char *const key_types[] = {"UInt8", "Int32", "Int64", "UInt16", "Nullable(Int32)", "String", "Nullable(String)", "UUID",
                                        "Nullable(UInt64)", "Float64", "FixedString(6)", "Date", "Int16", "UInt128", "LowCardinality(String)"};

typedef struct test_case {
    plan_join_kind kind;
    bool any, use_nulls, build_left, residual;
    uint32_t key_count;
    bool null_safe[3];
    uint32_t rows[2];
    fn_column *columns[2][COLUMNS];
} test_case;

static bool matches(const test_case *t, uint32_t l, uint32_t r)
{
    for (uint32_t k = 0; k < t->key_count; k++) {
        const bool null_l = fn_column_is_null(t->columns[0][k], l), null_r = fn_column_is_null(t->columns[1][k], r);
        if ((null_l || null_r) && !t->null_safe[k]) return false;
        if (null_l != null_r) return false;
        if (!null_l && !fn_column_equal_at(t->columns[0][k], l, t->columns[1][k], r)) return false;
    }
    return !t->residual || l % 7 < r % 7 + 2;
}

typedef struct expected {
    uint32_t pairs;             /* given, NO row as UINT32_MAX */
    uint64_t sum;               /* of hash over pairs; not for strictness that leaves a choice */
} expected;

static void add_pair(expected *e, uint32_t l, uint32_t r)
{
    e->pairs++;
    e->sum += fn_hash_mix(l, r);
}

/* What the join must give. For kinds that may choose, rows are checked one by one instead (see check_choice). */
static expected nested_loops(const test_case *t)
{
    expected e = {0};
    uint8_t *right_hit = fn_alloc_zero(&ctx, t->rows[1] + 1);
    const bool pairs = t->kind == PLAN_JOIN_INNER || t->kind == PLAN_JOIN_CROSS || t->kind == PLAN_JOIN_LEFT || t->kind == PLAN_JOIN_RIGHT || t->kind == PLAN_JOIN_FULL;
    for (uint32_t l = 0; l < t->rows[0]; l++) {
        bool hit = false;
        for (uint32_t r = 0; r < t->rows[1]; r++) {
            if (!matches(t, l, r)) continue;
            hit = true;
            right_hit[r] = 1;
            if (pairs) add_pair(&e, l, r);
        }
        if (t->kind == PLAN_JOIN_SEMI_LEFT && hit) e.pairs++;
        if (t->kind == PLAN_JOIN_SINGLE) e.pairs++;
        if (t->kind == PLAN_JOIN_MARK) add_pair(&e, l, hit);
        if (!hit && (t->kind == PLAN_JOIN_LEFT || t->kind == PLAN_JOIN_FULL || t->kind == PLAN_JOIN_ANTI_LEFT)) add_pair(&e, l, UINT32_MAX);
    }
    for (uint32_t r = 0; r < t->rows[1]; r++) {
        if (t->kind == PLAN_JOIN_SEMI_RIGHT && right_hit[r]) e.pairs++;
        if (!right_hit[r] && (t->kind == PLAN_JOIN_RIGHT || t->kind == PLAN_JOIN_FULL || t->kind == PLAN_JOIN_ANTI_RIGHT)) add_pair(&e, UINT32_MAX, r);
    }
    fn_free(right_hit);
    return e;
}

/* Row numbers are 1-based in the data, so that a default 0 or NULL means "no row". */
static uint32_t row_number(const fn_column *c, size_t row)
{
    if (fn_column_is_null(c, row)) return UINT32_MAX;
    return (uint32_t)fn_column_u64_at(c, row) - 1;
}

static bool same_value(const fn_column *got, size_t row, const fn_column *source, uint32_t from)
{
    if (from != UINT32_MAX) return fn_column_equal_at(got, row, source, from);
    if (fn_type_is_nullable(got->type)) return fn_column_is_null(got, row);
    fn_column *none = fn_column_default(&ctx, got->type, 1);
    const bool same = fn_column_equal_at(got, row, none, 0);
    fn_column_drop(none);
    return same;
}

static void check(const test_case *t, fn_column **got, uint32_t rows, unsigned workers)
{
    const expected want = nested_loops(t);
    expected have = {.pairs = rows};
    const bool mark = t->kind == PLAN_JOIN_MARK;
    bool wrong = false;
    for (uint32_t i = 0; i < rows && !wrong; i++) {
        const uint32_t l = row_number(got[COLUMNS - 1], i), r = mark ? 0 : row_number(got[2 * COLUMNS - 1], i);
        have.sum += fn_hash_mix(l, mark ? (uint32_t)fn_column_u64_at(got[COLUMNS], i) : r);
        for (uint32_t c = 0; c < COLUMNS; c++) {
            wrong |= !same_value(got[c], i, t->columns[0][c], l);
            if (!mark) wrong |= !same_value(got[COLUMNS + c], i, t->columns[1][c], r);
        }
        if (!mark && l != UINT32_MAX && r != UINT32_MAX) wrong |= !matches(t, l, r);
    }
    const bool choice = t->kind == PLAN_JOIN_SEMI_LEFT || t->kind == PLAN_JOIN_SEMI_RIGHT || t->kind == PLAN_JOIN_SINGLE;
    if (!wrong && have.pairs == want.pairs && (choice || have.sum == want.sum)) return;
    failures++;
    printf("kind %d, %u keys (%s), null safe %d, residual %d, use_nulls %d, build_left %d, %u x %u rows, %u workers: %u rows, want %u%s\n", (int)t->kind,
           t->key_count, t->key_count ? t->columns[0][0]->type->name : "", t->null_safe[0], t->residual, t->use_nulls, t->build_left, t->rows[0], t->rows[1],
           workers, have.pairs, want.pairs, wrong ? ", wrong values" : "");
}

static fn_column *numbers_from_one(uint32_t rows)
{
    fn_buffer *b = fn_buffer_new(&ctx, (size_t)rows * 4);
    for (uint32_t i = 0; i < rows; i++) fn_store_u32(b->data + 4 * (size_t)i, i + 1);
    return fn_column_fixed(&ctx, fn_type_simple(FN_T_UINT32), rows, b, NULL);
}

/* l % 7 < r % 7 + 2 over the row numbers */
static expr *residual_of(const plan *left, const plan *right)
{
    expr *l, *r, *args[2], *out;
    const expr *seven = expr_const_u64(&ctx, 7);
    expr *one = expr_const_u64(&ctx, 1), *two = expr_const_u64(&ctx, 2);
    if (expr_call(&ctx, "minus", (expr *[]){column_of(left, COLUMNS - 1), one}, 2, &l) != FN_OK) maker_die("minus");
    if (expr_call(&ctx, "minus", (expr *[]){column_of(right, COLUMNS - 1), one}, 2, &r) != FN_OK) maker_die("minus");
    if (expr_call(&ctx, "modulo", (expr *[]){l, (expr *)(uintptr_t)seven}, 2, &args[0]) != FN_OK) maker_die("modulo");
    if (expr_call(&ctx, "modulo", (expr *[]){r, (expr *)(uintptr_t)seven}, 2, &r) != FN_OK) maker_die("modulo");
    if (expr_call(&ctx, "plus", (expr *[]){r, two}, 2, &args[1]) != FN_OK) maker_die("plus");
    if (expr_call(&ctx, "less", args, 2, &out) != FN_OK) maker_die("less");
    return out;
}

static plan *make_plan(const test_case *t, plan *left, plan *right)
{
    plan *j = plan_new(PLAN_JOIN, 2, left, right);
    plan_pass(j);
    j->join.kind = t->kind;
    j->join.any = t->any;
    j->join.asof = -1;
    j->join.use_nulls = t->use_nulls;
    j->join.build_left = t->build_left;
    j->join.key_count = t->key_count;
    j->join.left_keys = FN_NEW_ARRAY(&ctx, expr *, 4);
    j->join.right_keys = FN_NEW_ARRAY(&ctx, expr *, 4);
    j->join.null_safe = FN_NEW_ARRAY(&ctx, bool, 4);
    for (uint32_t k = 0; k < t->key_count; k++) {
        j->join.left_keys[k] = column_of(left, k);
        j->join.right_keys[k] = column_of(right, k);
        j->join.null_safe[k] = t->null_safe[k];
    }
    if (t->residual) j->join.residual = residual_of(left, right);
    if (t->kind == PLAN_JOIN_MARK) {
        j->column_count = COLUMNS + 1;
        j->join.mark = next_id++;
        j->columns[COLUMNS] = (plan_column){j->join.mark, fn_type_simple(FN_T_BOOL), FN_STR("mark")};
    }
    const bool null_right = t->kind == PLAN_JOIN_LEFT || t->kind == PLAN_JOIN_FULL || t->kind == PLAN_JOIN_SINGLE || t->kind == PLAN_JOIN_ANTI_LEFT;
    const bool null_left = t->kind == PLAN_JOIN_RIGHT || t->kind == PLAN_JOIN_FULL || t->kind == PLAN_JOIN_ANTI_RIGHT;
    for (uint32_t c = 0; c < COLUMNS && t->use_nulls; c++) {
        if (null_left) j->columns[c].type = fn_type_nullable(j->columns[c].type);
        if (null_right) j->columns[COLUMNS + c].type = fn_type_nullable(j->columns[COLUMNS + c].type);
    }
    return j;
}

static void make_sides(test_case *t, uint32_t left, uint32_t right, uint64_t distinct)
{
    t->rows[0] = left;
    t->rows[1] = right;
    for (uint32_t k = 0; k + 1 < COLUMNS; k++) {
        const fn_type *type = type_of(key_types[next_random() % FN_COUNT(key_types)]);
        t->null_safe[k] = next_random() % 3 == 0;
        for (unsigned side = 0; side < 2; side++) t->columns[side][k] = random_values(type, t->rows[side], distinct);
    }
    for (unsigned side = 0; side < 2; side++) t->columns[side][COLUMNS - 1] = numbers_from_one(t->rows[side]);
}

static void drop_sides(test_case *t)
{
    for (unsigned side = 0; side < 2; side++)
        for (uint32_t c = 0; c < COLUMNS; c++) fn_column_drop(t->columns[side][c]);
}

static void run(uint32_t left_rows, uint32_t right_rows, uint64_t distinct, unsigned workers, bool limits)
{
    test_case t = {.key_count = 1 + (uint32_t)(next_random() % 3)};
    t.kind = (plan_join_kind)(next_random() % PLAN_JOIN_PASTE);
    if (t.kind == PLAN_JOIN_CROSS) t.key_count = 0;
    t.use_nulls = next_random() % 2;
    t.build_left = next_random() % 2;
    t.residual = next_random() % 3 == 0;
    make_sides(&t, left_rows, right_rows, distinct);
    plan *left = plan_of_columns(t.columns[0], COLUMNS), *right = plan_of_columns(t.columns[1], COLUMNS), *join = make_plan(&t, left, right);
    uint32_t rows;
    fn_column **got = run_plan(join, workers, &rows);
    if (!got) maker_die("run");
    check(&t, got, rows, workers);
    drop_columns(got, join->column_count);
    if (limits) run_under_limits(join, workers);
    plan_values_free(left);
    plan_values_free(right);
    drop_sides(&t);
}

/* ---- strictness that chooses: counts per definition ---- */

static void run_any(uint32_t left_rows, uint32_t right_rows, uint64_t distinct, unsigned workers)
{
    static const plan_join_kind kinds[] = {PLAN_JOIN_INNER, PLAN_JOIN_LEFT, PLAN_JOIN_RIGHT};
    test_case t = {.key_count = 1, .any = true, .kind = kinds[next_random() % 3], .build_left = next_random() % 2};
    make_sides(&t, left_rows, right_rows, distinct);
    t.null_safe[0] = false;
    plan *left = plan_of_columns(t.columns[0], COLUMNS), *right = plan_of_columns(t.columns[1], COLUMNS), *join = make_plan(&t, left, right);
    uint32_t rows, want = 0;
    fn_column **got = run_plan(join, workers, &rows);
    if (!got) maker_die("any");
    if (t.kind == PLAN_JOIN_LEFT) want = left_rows;
    else if (t.kind == PLAN_JOIN_RIGHT) want = right_rows;
    else
        for (uint32_t l = 0; l < left_rows; l++) { /* keys both sides have, counted at their first left row */
            bool seen = false, hit = false;
            for (uint32_t i = 0; i < l && !seen; i++) seen = fn_column_equal_at(t.columns[0][0], i, t.columns[0][0], l);
            for (uint32_t r = 0; r < right_rows && !hit; r++) hit = matches(&t, l, r);
            want += !seen && hit;
        }
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t l = row_number(got[COLUMNS - 1], i), r = row_number(got[2 * COLUMNS - 1], i);
        if (l != UINT32_MAX && r != UINT32_MAX && matches(&t, l, r)) continue;
        if ((t.kind == PLAN_JOIN_LEFT && r == UINT32_MAX) || (t.kind == PLAN_JOIN_RIGHT && l == UINT32_MAX)) continue;
        want = UINT32_MAX;
    }
    if (rows != want) {
        printf("ANY kind %d, %s, build_left %d: %u rows, want %u\n", (int)t.kind, t.columns[0][0]->type->name, t.build_left, rows, want);
        failures++;
    }
    drop_columns(got, join->column_count);
    plan_values_free(left);
    plan_values_free(right);
    drop_sides(&t);
}

/* ---- ASOF ---- */

static bool asof_holds(uint8_t kind, int order)
{
    return kind == 0 ? order >= 0 : kind == 1 ? order > 0 : kind == 2 ? order <= 0 : order < 0;
}

static void run_asof(uint32_t left_rows, uint32_t right_rows, unsigned workers)
{
    static const char *const values[] = {"UInt32", "Nullable(Int64)", "Float64", "Date"};
    test_case t = {.key_count = 2, .kind = next_random() % 2 ? PLAN_JOIN_INNER : PLAN_JOIN_LEFT};
    make_sides(&t, left_rows, right_rows, 5);
    const fn_type *type = type_of(values[next_random() % 4]);
    for (unsigned side = 0; side < 2; side++) {
        fn_column_drop(t.columns[side][1]);
        t.columns[side][1] = random_values(type, t.rows[side], 50);
    }
    t.null_safe[0] = t.null_safe[1] = false;
    plan *left = plan_of_columns(t.columns[0], COLUMNS), *right = plan_of_columns(t.columns[1], COLUMNS), *join = make_plan(&t, left, right);
    const uint8_t kind = (uint8_t)(next_random() % 4);
    join->join.asof = 1;
    join->join.asof_op = kind;
    uint32_t rows, want = 0, wrong = 0;
    fn_column **got = run_plan(join, workers, &rows);
    if (!got) maker_die("asof");
    t.key_count = 1;
    uint32_t *best = fn_alloc(&ctx, (left_rows + 1) * sizeof *best);
    for (uint32_t l = 0; l < left_rows; l++) {
        best[l] = UINT32_MAX;
        for (uint32_t r = 0; r < right_rows; r++) {
            if (!matches(&t, l, r) || fn_column_is_null(t.columns[0][1], l) || fn_column_is_null(t.columns[1][1], r)) continue;
            if (!asof_holds(kind, fn_column_compare(t.columns[0][1], l, t.columns[1][1], r, true))) continue;
            const int order = best[l] == UINT32_MAX ? 0 : fn_column_compare(t.columns[1][1], r, t.columns[1][1], best[l], true);
            if (best[l] == UINT32_MAX || (kind < 2 ? order > 0 : order < 0)) best[l] = r;
        }
        want += best[l] != UINT32_MAX || t.kind == PLAN_JOIN_LEFT;
    }
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t l = row_number(got[COLUMNS - 1], i), r = row_number(got[2 * COLUMNS - 1], i);
        if (l == UINT32_MAX || (r == UINT32_MAX) != (best[l] == UINT32_MAX)) wrong++;
        else if (r != UINT32_MAX && !fn_column_equal_at(t.columns[1][1], r, t.columns[1][1], best[l])) wrong++;
    }
    if (rows != want || wrong) {
        printf("ASOF %d kind %d over %s: %u rows, want %u, %u wrong\n", kind, (int)t.kind, type->name, rows, want, wrong);
        failures++;
    }
    fn_free(best);
    drop_columns(got, join->column_count);
    plan_values_free(left);
    plan_values_free(right);
    drop_sides(&t);
}

/* ---- sizes that nested loops cannot check: keys 0..n-1, each row matches a known number of times ---- */

static void run_large(uint32_t left_rows, uint32_t right_rows, uint32_t span, const char *type_name, unsigned workers, plan_join_kind kind)
{
    test_case t = {.key_count = 1, .kind = kind, .use_nulls = true};
    const fn_type *type = type_of(type_name);
    t.rows[0] = left_rows;
    t.rows[1] = right_rows;
    uint64_t want = 0;
    for (unsigned side = 0; side < 2; side++) {
        fn_builder b;
        if (fn_builder_init(&ctx, &b, type) != FN_OK) maker_die("builder");
        for (uint32_t i = 0; i < t.rows[side]; i++) {
            const uint64_t v = i % span;
            char text[40];
            (void)snprintf(text, sizeof text, "key %llu", (unsigned long long)v);
            uint8_t bytes[16] = {0};
            memcpy(bytes, &v, 8);
            if ((type->phys == FN_PHYS_STRING ? fn_builder_str(&ctx, &b, fn_cstr(text)) : fn_builder_fixed(&ctx, &b, bytes)) != FN_OK) maker_die("key");
        }
        for (uint32_t c = 0; c < COLUMNS; c++) t.columns[side][c] = numbers_from_one(t.rows[side]);
        fn_column_drop(t.columns[side][0]);
        if (fn_builder_finish(&ctx, &b, &t.columns[side][0]) != FN_OK) maker_die("key");
        fn_builder_release(&b);
    }
    for (uint32_t v = 0; v < span; v++) {
        const uint64_t l = left_rows / span + (v < left_rows % span), r = right_rows / span + (v < right_rows % span);
        want += l && r ? l * r : kind == PLAN_JOIN_FULL ? l + r : 0;
    }
    plan *left = plan_of_columns(t.columns[0], COLUMNS), *right = plan_of_columns(t.columns[1], COLUMNS), *join = make_plan(&t, left, right);
    uint32_t rows;
    fn_column **got = run_plan(join, workers, &rows);
    if (!got) maker_die("large");
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t l = row_number(got[COLUMNS - 1], i), r = row_number(got[2 * COLUMNS - 1], i);
        wrong += l != UINT32_MAX && r != UINT32_MAX && l % span != r % span;
    }
    if (rows != want || wrong) {
        printf("%s, %u x %u over %u: %u rows, want %llu, %u wrong\n", type_name, left_rows, right_rows, span, rows, (unsigned long long)want, wrong);
        failures++;
    }
    drop_columns(got, join->column_count);
    plan_values_free(left);
    plan_values_free(right);
    drop_sides(&t);
}

static void run_paste(uint32_t left_rows, uint32_t right_rows)
{
    test_case t = {.kind = PLAN_JOIN_PASTE};
    make_sides(&t, left_rows, right_rows, 10);
    plan *left = plan_of_columns(t.columns[0], COLUMNS), *right = plan_of_columns(t.columns[1], COLUMNS), *join = make_plan(&t, left, right);
    uint32_t rows;
    fn_column **got = run_plan(join, 3, &rows);
    if (!got) maker_die("paste");
    bool wrong = rows != FN_MIN(left_rows, right_rows);
    for (uint32_t i = 0; i < rows; i++) wrong |= row_number(got[COLUMNS - 1], i) != i || row_number(got[2 * COLUMNS - 1], i) != i;
    if (wrong) {
        printf("PASTE %u x %u: %u rows\n", left_rows, right_rows, rows);
        failures++;
    }
    drop_columns(got, join->column_count);
    plan_values_free(left);
    plan_values_free(right);
    drop_sides(&t);
}

int main(int argc, char **argv)
{
    maker_open(argc, argv);
    static const uint32_t sizes[] = {0, 1, 5, 60, 400};
    static const uint64_t spreads[] = {1, 4, 50, 3000, 1000000000};
    for (unsigned i = 0; i < 700; i++) {
        const uint32_t l = sizes[next_random() % FN_COUNT(sizes)], r = sizes[next_random() % FN_COUNT(sizes)];
        const uint64_t distinct = spreads[next_random() % FN_COUNT(spreads)];
        run(l, r, distinct, i % 2 ? 1 : 3, i % 40 == 0);
        if (i % 4 == 0) run_any(l, r, distinct, i % 8 ? 1 : 3);
        if (i % 4 == 1) run_asof(l, r, i % 8 == 1 ? 1 : 3);
        if (i % 40 == 2) run_paste(l, r);
    }
    static const char *const types[] = {"UInt32", "UUID", "String", "Int64"};
    for (unsigned i = 0; i < FN_COUNT(types); i++) {
        run_large(100000, 200000, 150000, types[i], 3, PLAN_JOIN_INNER);
        run_large(50000, 200000, 70000, types[i], 3, PLAN_JOIN_FULL);
        run_large(3000, 2500, 5, types[i], i % 2 ? 1 : 3, PLAN_JOIN_INNER);
    }
    return maker_close();
}
