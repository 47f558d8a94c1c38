/* collapse.c - what each mode of the family makes of rows with equal keys. The rules are ClickHouse's merging algorithms':
 *
 * Replacing            the row with the greatest version, the last of equal ones; `cleanup` drops it when is_deleted is set
 * Collapsing           the last +1 row if there are more of them, the first -1 row if there are more of those; with equal numbers both
 *                      when the last row is +1, none otherwise. FINAL (cleanup) never shows a -1 row. Rows that an
 *                      insert or merge has left of a key are not looked at together again: where such a part's rows begin a group, each
 *                      of them but the last is a group of its own (seen in 26.9 by random sequences: tests/differential/family.py)
 * VersionedCollapsing  within one version, each row cancels the last kept row of the opposite sign
 * Summing              sums in the column's own type; other columns from the first row; a row of zeros goes. A sum that may be NULL
 *                      counts as zero when it is NULL
 * Aggregating          states merged, SimpleAggregateFunction applied; other columns from the first row
 * Coalescing           per column the last value that is not NULL
 * Insert, merge and FINAL all come through here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/aggregate_rows.h"

bool mt_chooses_rows(mt_mode mode)
{
    return mode == MT_REPLACING || mode == MT_COLLAPSING || mode == MT_VERSIONED_COLLAPSING;
}

static void choose_replacing(const mt_choice *c, size_t from, size_t to, uint8_t *keep)
{
    size_t best = from;
    for (size_t i = from; i < to; i++) {
        keep[i] = 0;
        if (!c->version || fn_column_compare(c->version, i, c->version, best, true) >= 0) best = i;
    }
    keep[best] = !(c->cleanup && c->is_deleted && fn_column_u64_at(c->is_deleted, best) != 0);
}

static bool is_positive(const mt_choice *c, size_t row)
{
    return fn_column_i64_at(c->sign, row) > 0;
}

static void choose_signs(const mt_choice *c, size_t from, size_t to, uint8_t *keep)
{
    size_t positive = 0, negative = 0, first_negative = from, last_positive = from;
    for (size_t i = from; i < to; i++) {
        keep[i] = 0;
        if (is_positive(c, i)) {
            positive++;
            last_positive = i;
        } else if (negative++ == 0) {
            first_negative = i;
        }
    }
    if (positive == negative && !is_positive(c, to - 1)) return;
    if (positive <= negative && !c->cleanup) keep[first_negative] = 1;
    if (positive >= negative) keep[last_positive] = 1;
}

/* Is the row behind the group's first one of the same collapsed part? */
static bool begins_alone(const mt_choice *c, size_t from, size_t to)
{
    return c->origins && to - from > 1 && c->origins[from] >> 40 == c->origins[from + 1] >> 40 && c->parts[c->origins[from] >> 40]->row.level > 0;
}

static void choose_collapsing(const mt_choice *c, size_t from, size_t to, uint8_t *keep)
{
    for (; begins_alone(c, from, to); from++) choose_signs(c, from, from + 1, keep);
    choose_signs(c, from, to, keep);
}

/* keep[] itself is the stack: the last kept row of this version is looked for backwards. */
static void choose_versioned(const mt_choice *c, size_t from, size_t to, uint8_t *keep)
{
    size_t version_from = from;
    for (size_t i = from; i < to; i++) {
        if (fn_column_compare(c->version, i, c->version, version_from, true) != 0) version_from = i;
        size_t last = i;
        while (last > version_from && !keep[last - 1]) last--;
        keep[i] = 1;
        if (last > version_from && is_positive(c, last - 1) != is_positive(c, i)) keep[i] = keep[last - 1] = 0;
    }
}

void mt_choose(const mt_choice *choice, size_t from, size_t to, uint8_t *keep)
{
    switch (choice->shape->definition->mode) {
    case MT_REPLACING: choose_replacing(choice, from, to, keep); return;
    case MT_COLLAPSING: choose_collapsing(choice, from, to, keep); return;
    case MT_VERSIONED_COLLAPSING: choose_versioned(choice, from, to, keep); return;
    case MT_PLAIN: case MT_SUMMING: case MT_AGGREGATING: case MT_COALESCING: break;
    }
    memset(keep + from, 1, to - from);
}

static const fn_column *column_of(const mt_shape *shape, const fn_block *stored, int schema_index)
{
    if (schema_index < 0) return NULL;
    FN_ASSERT(shape->stored_at[schema_index] >= 0);
    return stored->columns[shape->stored_at[schema_index]];
}

static fn_status check_signs(fn_ctx *ctx, const mt_choice *c, uint32_t rows)
{
    for (uint32_t i = 0; c->sign && i < rows; i++) {
        const int64_t v = fn_column_i64_at(c->sign, i);
        if (v != 1 && v != -1) return fn_fail(ctx, FN_INCORRECT_DATA, "Incorrect data: Sign = %lld (must be 1 or -1).", (long long)v);
    }
    for (uint32_t i = 0; c->is_deleted && i < rows; i++) {
        const uint64_t v = fn_column_u64_at(c->is_deleted, i);
        if (v > 1) return fn_fail(ctx, FN_INCORRECT_DATA, "Incorrect data: is_deleted = %llu (must be 1 or 0).", (unsigned long long)v);
    }
    return FN_OK;
}

static fn_status choose_rows(fn_ctx *ctx, const mt_shape *shape, const uint32_t *starts, uint32_t groups, const fn_block *sorted, bool cleanup, const uint64_t *origins,
                             mt_part *const *parts, fn_block **out)
{
    const mt_definition *d = shape->definition;
    const mt_choice choice = {shape, column_of(shape, sorted, d->version_column), column_of(shape, sorted, d->is_deleted_column),
                              column_of(shape, sorted, d->sign_column), cleanup, origins, parts};
    FN_TRY(check_signs(ctx, &choice, sorted->rows));
    uint8_t *keep = fn_alloc(ctx, (size_t)sorted->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, keep);
    uint32_t kept = 0;
    for (uint32_t g = 0; g < groups; g++) mt_choose(&choice, starts[g], starts[g + 1], keep);
    for (uint32_t i = 0; i < sorted->rows; i++) kept += keep[i];
    *out = kept == sorted->rows ? fn_block_ref(sorted) : fn_block_filter(ctx, sorted, keep, kept);
    fn_free(keep);
    return *out ? FN_OK : ctx->error.code;
}

/* starts[g]: first row of group g; one entry more than groups. */
static fn_status find_groups(fn_ctx *ctx, const mt_key *key, uint32_t rows, uint32_t **starts, uint32_t *groups)
{
    *starts = fn_alloc(ctx, ((size_t)rows + 1) * sizeof **starts);
    FN_TRY_PTR(ctx, *starts);
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows; i++)
        if (i == 0 || mt_key_compare(key, i - 1, key, i) != 0) (*starts)[n++] = i;
    (*starts)[n] = rows;
    *groups = n;
    return FN_OK;
}

fn_status mt_collapse_columns(fn_ctx *ctx, const mt_shape *shape, const uint32_t *columns, const mt_key *key, const fn_block *sorted, fn_block **out)
{
    uint32_t *starts, groups = 0;
    FN_TRY(find_groups(ctx, key, sorted->rows, &starts, &groups));
    const fn_status status = mt_aggregate_rows(ctx, shape, columns, starts, groups, sorted, out);
    fn_free(starts);
    return status;
}

static fn_status collapse(fn_ctx *ctx, const mt_shape *shape, const mt_key *key, const fn_block *sorted, bool cleanup, const uint64_t *origins, mt_part *const *parts,
                          fn_block **out)
{
    const mt_mode mode = shape->definition->mode;
    if (mode == MT_PLAIN || sorted->rows == 0) {
        *out = fn_block_ref(sorted);
        return FN_OK;
    }
    if (!mt_chooses_rows(mode)) return mt_collapse_columns(ctx, shape, shape->stored, key, sorted, out);
    uint32_t *starts, groups = 0;
    mt_key by_group = *key;
    if (mode == MT_VERSIONED_COLLAPSING) by_group.count = shape->group_count; /* versions are told apart inside a group */
    FN_TRY(find_groups(ctx, &by_group, sorted->rows, &starts, &groups));
    const fn_status status = choose_rows(ctx, shape, starts, groups, sorted, cleanup, origins, parts, out);
    fn_free(starts);
    return status;
}

fn_status mt_collapse(fn_ctx *ctx, const mt_shape *shape, const mt_key *key, const fn_block *sorted, bool cleanup, fn_block **out)
{
    return collapse(ctx, shape, key, sorted, cleanup, NULL, NULL, out);
}

fn_status mt_collapse_batch(fn_ctx *ctx, const mt_shape *shape, const mt_batch *batch, mt_part *const *parts, bool cleanup, fn_block **out)
{
    return collapse(ctx, shape, &batch->key, batch->block, cleanup, batch->origins, parts, out);
}

bool mt_wants_origins(mt_mode mode)
{
    return mode == MT_COLLAPSING;
}
