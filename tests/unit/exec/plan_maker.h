/* plan_maker.h - for the tests of operators: random columns, constant inputs, plans by hand, and running them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEST_PLAN_MAKER_H
#define FIRN_TEST_PLAN_MAKER_H
#include "exec/exec.h"
#include <firn/time.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static fn_ctx ctx;
static fn_tracker tracker;
static fn_pool *pool;
static struct spill_share *maker_spill; /* NULL: nothing goes to disk */
static uint64_t random_state;
static int failures;
static column_id next_id = 1;

static inline uint64_t next_random(void)
{
    random_state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(random_state);
}

static inline void maker_open(int argc, char **argv)
{
    random_state = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)fn_clock_monotonic_ns();
    printf("seed %llu\n", (unsigned long long)random_state);
    fn_tracker_init(&tracker, "test", NULL, 0);
    ctx.arena = fn_arena_new(&ctx); /* before the tracker: plans are not what is checked for leaks */
    ctx.memory = &tracker;
    pool = fn_pool_new(&ctx, "test", 3);
}

static inline int maker_close(void)
{
    fn_pool_free(pool);
    fn_arena_free(ctx.arena);
    if (atomic_load(&tracker.used) != 0) {
        printf("%lld bytes still charged\n", (long long)atomic_load(&tracker.used));
        failures++;
    }
    printf("%s\n", failures ? "FAILED" : "ok");
    return failures != 0;
}

static inline void maker_die(const char *what)
{
    printf("%s: %s\n", what, ctx.error.text);
    exit(1);
}

static inline const fn_type *type_of(const char *name)
{
    const fn_type *type;
    if (fn_type_parse(&ctx, fn_cstr(name), &type) != FN_OK) maker_die(name);
    return type;
}

/* Small numbers or texts; one in eight NULL where allowed. */
static inline fn_column *random_values(const fn_type *type, uint32_t rows, uint64_t distinct)
{
    fn_builder b;
    fn_column *out = NULL;
    if (fn_builder_init(&ctx, &b, type) != FN_OK) maker_die("builder");
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint64_t v = next_random() % distinct;
        uint8_t bytes[32] = {0};
        char text[40];
        if (fn_type_is_nullable(type) && next_random() % 8 == 0) {
            status = fn_builder_null(&ctx, &b);
        } else if (type->phys == FN_PHYS_STRING || type->phys == FN_PHYS_FIXED) {
            (void)snprintf(text, sizeof text, type->phys == FN_PHYS_FIXED ? "%llu" : "row number %llu", (unsigned long long)(type->phys == FN_PHYS_FIXED ? v % 100000 : v));
            status = fn_builder_str(&ctx, &b, fn_cstr(text));
        } else {
            const double d = (double)v / 2;
            if (type->phys == FN_PHYS_F64) memcpy(bytes, &d, 8);
            else memcpy(bytes, &v, 8);
            status = fn_builder_fixed(&ctx, &b, bytes);
        }
    }
    if (status == FN_OK) status = fn_builder_finish(&ctx, &b, &out);
    fn_builder_release(&b);
    if (status != FN_OK) maker_die("random_values");
    return out;
}

static inline plan *plan_new(plan_kind kind, uint32_t inputs, plan *left, plan *right)
{
    plan *p = FN_NEW(&ctx, plan);
    p->kind = kind;
    p->input_count = inputs;
    p->inputs = FN_NEW_ARRAY(&ctx, plan *, 2);
    p->inputs[0] = left;
    p->inputs[1] = right;
    return p;
}

/* Outputs of both inputs, in order. */
static inline void plan_pass(plan *p)
{
    for (uint32_t k = 0; k < p->input_count; k++) p->column_count += p->inputs[k]->column_count;
    p->columns = FN_NEW_ARRAY(&ctx, plan_column, p->column_count + 4);
    uint32_t n = 0;
    for (uint32_t k = 0; k < p->input_count; k++)
        for (uint32_t i = 0; i < p->inputs[k]->column_count; i++) p->columns[n++] = p->inputs[k]->columns[i];
}

/* A VALUES node over columns (references kept by the caller), cut into blocks of random size. */
static inline plan *plan_of_columns(fn_column *const *columns, uint32_t count)
{
    plan *p = plan_new(PLAN_VALUES, 0, NULL, NULL);
    const uint32_t rows = columns[0]->rows;
    p->column_count = count;
    p->columns = FN_NEW_ARRAY(&ctx, plan_column, count);
    for (uint32_t i = 0; i < count; i++) p->columns[i] = (plan_column){next_id++, columns[i]->type, FN_STR("c")};
    p->values.blocks = FN_NEW_ARRAY(&ctx, fn_block *, rows + 1);
    for (uint32_t at = 0; at < rows;) {
        const uint32_t wanted = 1 + (uint32_t)(next_random() % (rows > 10000 ? 20000 : 300)), n = FN_MIN(rows - at, wanted);
        fn_block *b = fn_block_new(&ctx, count, n);
        for (uint32_t i = 0; i < count; i++) {
            fn_column *part = fn_column_slice(&ctx, columns[i], at, n);
            b->columns[i] = next_random() % 4 ? fn_column_ref(part) : fn_column_encode_dict(&ctx, part, 100);
            fn_column_drop(part);
        }
        p->values.blocks[p->values.block_count++] = b;
        at += n;
    }
    return p;
}

static inline void plan_values_free(plan *p)
{
    for (uint32_t i = 0; i < p->values.block_count; i++) fn_block_drop(p->values.blocks[i]);
    p->values.block_count = 0;
}

static inline expr *column_of(const plan *p, uint32_t index)
{
    return expr_column(&ctx, p->columns[index].id, p->columns[index].type);
}

typedef struct collected {
    exec_output head;
    fn_block **blocks;
    uint32_t count, room;
    uint64_t rows;
} collected;

static inline fn_status collect_block(exec_output *self, fn_ctx *c, const fn_block *block)
{
    collected *o = (collected *)self;
    if (block->rows > FN_BLOCK_ROWS_MAX) {
        printf("a block of %u rows\n", block->rows);
        failures++;
    }
    for (uint32_t i = 0; i < block->count; i++) FN_TRY(fn_column_check(c, block->columns[i]));
    if (o->count == o->room) {
        o->room = o->room ? o->room * 2 : 16;
        fn_block **more = fn_realloc(c, o->blocks, o->room * sizeof *more);
        FN_TRY_PTR(c, more);
        o->blocks = more;
    }
    o->blocks[o->count++] = fn_block_ref(block);
    o->rows += block->rows;
    return FN_OK;
}

/* Runs the plan; the rows as one column per output (NULL when it fails: ctx.error holds why). */
static inline fn_column **run_plan(plan *root, unsigned workers, uint32_t *rows)
{
    exec_progress progress = {0};
    exec_env env = {.pool = pool, .workers = workers, .progress = &progress, .spill = maker_spill};
    plan_query query = {.root = root};
    collected out = {.head.block = collect_block};
    const fn_status status = exec_run(&ctx, &query, &env, &out.head);
    fn_column **columns = NULL;
    atomic_store(&tracker.limit, 0);
    if (status == FN_OK) {
        columns = FN_NEW_ARRAY(&ctx, fn_column *, root->column_count + 1);
        fn_column **parts = FN_NEW_ARRAY(&ctx, fn_column *, out.count + 1);
        for (uint32_t c = 0; c < root->column_count; c++) {
            for (uint32_t i = 0; i < out.count; i++) parts[i] = out.blocks[i]->columns[c];
            fn_column *joined = out.count ? fn_column_concat(&ctx, parts, out.count) : fn_column_default(&ctx, root->columns[c].type, 0);
            columns[c] = fn_column_flatten(&ctx, joined);
            fn_column_drop(joined);
            if (columns[c]->type != root->columns[c].type) {
                printf("column %u is %s instead of %s\n", c, columns[c]->type->name, root->columns[c].type->name);
                failures++;
            }
        }
    }
    *rows = (uint32_t)out.rows;
    for (uint32_t i = 0; i < out.count; i++) fn_block_drop(out.blocks[i]);
    fn_free(out.blocks);
    return columns;
}

static inline void drop_columns(fn_column **columns, uint32_t count)
{
    for (uint32_t i = 0; columns && i < count; i++) fn_column_drop(columns[i]);
}

/* Runs the plan with ever more memory allowed until it fits; each failure must be MEMORY_LIMIT_EXCEEDED and leave nothing charged. */
static inline void run_under_limits(plan *root, unsigned workers)
{
    const int64_t before = atomic_load(&tracker.used);
    for (int64_t room = 20000; room < (int64_t)1 << 32; room += room / 3) {
        uint32_t rows;
        atomic_store(&tracker.limit, before + room);
        fn_column **columns = run_plan(root, workers, &rows);
        atomic_store(&tracker.limit, 0);
        const bool fits = columns != NULL;
        drop_columns(columns, root->column_count);
        if (!fits && ctx.error.code != FN_MEMORY_LIMIT_EXCEEDED) maker_die("another error");
        fn_error_clear(&ctx);
        if (atomic_load(&tracker.used) != before) {
            printf("%lld bytes left after %lld\n", (long long)(atomic_load(&tracker.used) - before), (long long)room);
            failures++;
            return;
        }
        if (fits) return;
    }
}
#endif
