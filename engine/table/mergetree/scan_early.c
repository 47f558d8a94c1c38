/* scan_early.c - FINAL: what is asked of rows and parts before rows with equal keys meet.
 *
 * PREWHERE (ClickHouse applies it to the rows as they are read), SAMPLE and conditions over the sorting key, which rows with equal
 * keys pass or fail together: the last two may be asked at any time. Conditions on a part's name or partition id choose the parts that FINAL sees,
 * and those on the partition key do so when the setting defer_partition_pruning_after_final is off.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/scan.h"
#include "table/mergetree/skip_index.h"

/* ---- conditions on rows ---- */

/* Functions that fail on some values must not see rows that FINAL would have hidden. */
static fn_status visit_call(void *self, fn_ctx *ctx, expr *e)
{
    bool *total = self;
    (void)ctx;
    if (e->kind == EXPR_LAMBDA || (e->kind == EXPR_CALL && !(e->call->def->flags & FUNC_PER_ENTRY))) *total = false;
    return FN_OK;
}

typedef bool column_test(const mt_shape *shape, uint32_t column);

/* Does the condition look at columns of one sort alone, and at one at least? */
static fn_status looks_at(fn_ctx *ctx, const mt_shape *shape, expr *condition, column_test *is, bool *out)
{
    fn_buf ids = FN_BUF_INIT;
    const fn_status status = expr_columns(ctx, condition, &ids);
    const uint32_t *columns = (const uint32_t *)(const void *)ids.data, count = (uint32_t)(ids.size / sizeof *columns);
    *out = count != 0 && expr_is_deterministic(condition);
    for (uint32_t i = 0; i < count && *out; i++) *out = is(shape, columns[i]);
    fn_buf_release(&ids);
    return status;
}

static bool is_key(const mt_shape *shape, uint32_t column)
{
    for (uint32_t i = 0; i < shape->group_count; i++)
        if (shape->sort_columns[i] == (int)column) return true;
    return false;
}

fn_status mt_early_conditions(fn_ctx *ctx, const mt_table *t, const mt_shape *shape, uint64_t rows, const table_scan_request *r, expr ***out, uint32_t *count)
{
    uint32_t sampled;
    *out = FN_NEW_ARRAY(ctx, expr *, r->prewhere_count + r->conjunct_count + SCAN_SAMPLE_CONDITIONS);
    FN_TRY_PTR(ctx, *out);
    FN_TRY(mt_sample_conditions(ctx, t, shape, rows, r, *out, &sampled));
    *count = sampled;
    for (uint32_t i = 0; i < r->conjunct_count; i++) {
        bool early, total = true;
        FN_TRY(looks_at(ctx, shape, r->conjuncts[i], is_key, &early));
        if (early) FN_TRY(expr_walk(ctx, r->conjuncts[i], visit_call, &total));
        early = early && total && !(r->only_prunes && r->only_prunes[i]);
        if (early) (*out)[(*count)++] = r->conjuncts[i];
        if (r->applied) r->applied[i] = early;
    }
    for (uint32_t i = 0; i < r->prewhere_count; i++) (*out)[(*count)++] = r->prewhere[i];
    return FN_OK;
}

/* ---- granules ---- */

typedef struct granule_test {
    mt_conditions *conditions;
    mt_skip *skip;
} granule_test;

static fn_status ask_granules(fn_ctx *ctx, const granule_test *test, const mt_reader *reader, uint8_t *wanted, uint32_t *left)
{
    uint32_t first, end;
    mt_pruner *pruner;
    mt_skip_part *skip = NULL;
    FN_TRY(mt_pruner_make(ctx, test->conditions, reader, &pruner));
    fn_status status = mt_skip_part_make(ctx, test->skip, reader->data, &skip);
    if (status == FN_OK) {
        mt_prune_index(pruner, &first, &end);
        for (uint32_t g = first; g < end && status == FN_OK; g++) {
            uint64_t need;
            bool may = mt_prune_granule(pruner, g, &need) != MT_NEVER;
            if (may) status = mt_skip_granule(ctx, skip, g, &may);
            wanted[g] = may;
            *left += may;
        }
        mt_skip_part_release(skip);
    }
    mt_pruner_release(pruner);
    return status;
}

fn_status mt_early_granules(fn_ctx *ctx, const mt_shape *shape, expr *const *conditions, uint32_t count, const mt_reader *readers, uint32_t reader_count,
                            uint8_t **wanted, uint32_t *left)
{
    granule_test test;
    FN_TRY(mt_conditions_make(ctx, shape, conditions, count, &test.conditions));
    fn_status status = mt_skip_make(ctx, shape, conditions, count, true, &test.skip);
    if (status == FN_OK) {
        for (uint32_t i = 0; i < reader_count && status == FN_OK; i++) {
            wanted[i] = FN_NEW_ARRAY(ctx, uint8_t, fn_part_granules(readers[i].data) + 1);
            status = wanted[i] ? ask_granules(ctx, &test, &readers[i], wanted[i], &left[i]) : ctx->error.code;
        }
        mt_skip_release(test.skip);
    }
    mt_conditions_release(test.conditions);
    return status;
}

/* ---- parts ---- */

static bool is_of_part(const mt_shape *shape, uint32_t column)
{
    const table_column *c = &shape->schema->columns[column];
    return c->is_virtual && (fn_str_eq(c->name, FN_STR("_part")) || fn_str_eq(c->name, FN_STR("_partition_id")));
}

/* Asks the first row of the part, as all are alike. */
static fn_status ask_part(fn_ctx *ctx, const mt_shape *shape, mt_part *part, expr *condition, bool *passes)
{
    mt_reader reader;
    expr_program *program;
    fn_buf ids = FN_BUF_INIT;
    fn_block *values = NULL, *first = NULL;
    uint8_t mask[1 + FN_BUFFER_PAD];
    uint32_t ones = 0;
    fn_status status = expr_columns(ctx, condition, &ids);
    const uint32_t *columns = (const uint32_t *)(const void *)ids.data, count = (uint32_t)(ids.size / sizeof *columns);
    if (status == FN_OK) status = expr_compile(ctx, &condition, 1, columns, count, &program);
    if (status == FN_OK) status = mt_reader_init(ctx, shape, part, &reader);
    if (status == FN_OK) status = mt_read(ctx, &reader, columns, count, 0, 1, &values);
    if (status == FN_OK) {
        first = fn_block_slice(ctx, values, 0, 1);
        status = first ? expr_run_mask(ctx, program, first, mask, &ones) : ctx->error.code;
    }
    fn_block_drop(first);
    fn_block_drop(values);
    fn_buf_release(&ids);
    *passes = ones != 0;
    return status;
}

static bool is_of_partition_key(const mt_shape *shape, uint32_t column)
{
    fn_ctx ctx = {0};
    bool found = false;
    for (uint32_t i = 0; i < shape->definition->partition_count && !found; i++) {
        fn_buf ids = FN_BUF_INIT;
        if (expr_columns(&ctx, shape->definition->partition_key[i], &ids) == FN_OK) {
            const uint32_t *columns = (const uint32_t *)(const void *)ids.data;
            for (size_t k = 0; k < ids.size / sizeof *columns && !found; k++) found = columns[k] == column;
        }
        fn_buf_release(&ids);
    }
    return found;
}

/* Leaves the parts where rows may pass the conditions on the partition key. */
static fn_status prune_partitions(fn_ctx *ctx, const mt_shape *shape, const table_scan_request *r, mt_part **parts, uint32_t *count)
{
    expr **asked = FN_NEW_ARRAY(ctx, expr *, r->conjunct_count + 1);
    mt_reader *readers = FN_NEW_ARRAY(ctx, mt_reader, *count + 1);
    uint8_t **wanted = FN_NEW_ARRAY(ctx, uint8_t *, *count + 1);
    uint32_t *left = FN_NEW_ARRAY(ctx, uint32_t, *count + 1), asked_count = 0, kept = 0;
    if (!asked || !readers || !wanted || !left) return ctx->error.code;
    for (uint32_t i = 0; i < r->conjunct_count; i++) {
        bool of_key;
        FN_TRY(looks_at(ctx, shape, r->conjuncts[i], is_of_partition_key, &of_key));
        if (of_key) asked[asked_count++] = r->conjuncts[i];
    }
    if (!asked_count) return FN_OK;
    for (uint32_t i = 0; i < *count; i++) FN_TRY(mt_reader_init(ctx, shape, parts[i], &readers[i]));
    FN_TRY(mt_early_granules(ctx, shape, asked, asked_count, readers, *count, wanted, left));
    for (uint32_t i = 0; i < *count; i++)
        if (left[i]) parts[kept++] = parts[i];
    *count = kept;
    return FN_OK;
}

fn_status mt_early_parts(fn_ctx *ctx, const mt_shape *shape, const table_scan_request *r, mt_list *all, mt_list **out)
{
    mt_part **parts = FN_NEW_ARRAY(ctx, mt_part *, all->count + 1);
    expr **asked = FN_NEW_ARRAY(ctx, expr *, r->conjunct_count + 1);
    uint32_t count = 0, kept = 0;
    if (!parts || !asked) return ctx->error.code;
    for (uint32_t i = 0; i < r->conjunct_count; i++) {
        bool of_part;
        FN_TRY(looks_at(ctx, shape, r->conjuncts[i], is_of_part, &of_part));
        if (of_part) asked[count++] = r->conjuncts[i];
    }
    for (uint32_t i = 0; i < all->count; i++) {
        bool passes = true;
        for (uint32_t k = 0; k < count && passes; k++) FN_TRY(ask_part(ctx, shape, all->parts[i], asked[k], &passes));
        if (passes) parts[kept++] = all->parts[i];
    }
    if (!settings_of(ctx)->defer_partition_pruning_after_final) FN_TRY(prune_partitions(ctx, shape, r, parts, &kept));
    if (kept < all->count) return mt_list_new(ctx, parts, kept, out);
    *out = mt_list_ref(all);
    return FN_OK;
}
