/* mutate.c - ALTER TABLE DELETE / UPDATE and DELETE FROM: parts with matching rows are written anew beside the old ones, then all are
 * exchanged in one catalog transaction. Inserts go on meanwhile; other changes of the table wait. At the end inserts wait too, until
 * what they have added is treated in the same way and all is committed: a mutation is one of all the rows there are at one moment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/prune.h"

enum { STEP_GRANULES = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS };

typedef struct mutator {
    mt_rewrite base;
    const mt_mutation *mutation;
    uint32_t *columns, column_count; /* stored ones first, then virtual ones that the expressions use */
    uint32_t *where_columns, where_count;
    expr_program *where;             /* over where_columns; NULL: every row */
    expr_program **updates;          /* per stored column: new value over `columns`; NULL: unchanged */
    mt_conditions *conditions;
} mutator;

/* ---- preparing ---- */

static fn_status collect_virtual(fn_ctx *ctx, mutator *m, const expr *e)
{
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(ctx, e, &ids);
    for (size_t i = 0; i < ids.size / sizeof(column_id) && status == FN_OK; i++) {
        uint32_t id;
        memcpy(&id, ids.data + i * sizeof id, sizeof id);
        bool listed = false;
        for (uint32_t k = 0; k < m->column_count && !listed; k++) listed = m->columns[k] == id;
        if (!listed) m->columns[m->column_count++] = id;
    }
    fn_buf_release(&ids);
    return status;
}

/* if(where, value, column), in the column's type. */
static fn_status make_update(fn_ctx *ctx, mutator *m, uint32_t index)
{
    const uint32_t column = m->mutation->columns[index];
    const fn_type *type = m->base.shape->schema->columns[column].type;
    expr *value, *chosen;
    FN_TRY(expr_cast(ctx, m->mutation->values[index], type, &value));
    if (m->mutation->where) {
        expr *args[3] = {m->mutation->where, value, expr_column(ctx, column, type)};
        FN_TRY_PTR(ctx, args[2]);
        FN_TRY(expr_call(ctx, "if", args, 3, &chosen));
        FN_TRY(expr_cast(ctx, chosen, type, &value));
    }
    return expr_compile(ctx, &value, 1, m->columns, m->column_count, &m->updates[m->base.shape->stored_at[column]]);
}

static fn_status prepare(fn_ctx *ctx, mutator *m)
{
    const mt_shape *s = m->base.shape;
    const mt_mutation *mu = m->mutation;
    m->columns = FN_NEW_ARRAY(ctx, uint32_t, s->schema->count + 1);
    m->updates = FN_NEW_ARRAY(ctx, expr_program *, s->stored_count + 1);
    if (!m->columns || !m->updates) return ctx->error.code;
    for (uint32_t i = 0; i < s->stored_count; i++) m->columns[m->column_count++] = s->stored[i];
    if (mu->where) {
        fn_buf ids = FN_BUF_INIT;
        fn_status status = expr_columns(ctx, mu->where, &ids);
        m->where_count = (uint32_t)(ids.size / sizeof(uint32_t));
        m->where_columns = FN_NEW_ARRAY(ctx, uint32_t, m->where_count + 1);
        if (status == FN_OK && !m->where_columns) status = ctx->error.code;
        if (status == FN_OK && ids.size) memcpy(m->where_columns, ids.data, ids.size);
        fn_buf_release(&ids);
        FN_TRY(status);
        FN_TRY(expr_compile(ctx, &mu->where, 1, m->where_columns, m->where_count, &m->where));
        FN_TRY(collect_virtual(ctx, m, mu->where));
    }
    for (uint32_t i = 0; i < mu->count; i++) {
        if (s->stored_at[mu->columns[i]] < 0)
            return fn_fail(ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "There is no stored column " FN_STR_FMT " in the table", FN_STR_ARG(s->schema->columns[mu->columns[i]].name));
        FN_TRY(collect_virtual(ctx, m, mu->values[i]));
    }
    for (uint32_t i = 0; i < mu->count; i++) FN_TRY(make_update(ctx, m, i));
    expr *where = mu->where;
    return mt_conditions_make(ctx, s, &where, where ? 1 : 0, &m->conditions);
}

/* ---- one part ---- */

/* hits: per row of the step, 1 where the mutation applies. */
static fn_status find_hits(fn_ctx *ctx, const mutator *m, const mt_reader *r, uint32_t first, uint32_t granules, uint32_t rows, uint8_t *mask, uint32_t *ones)
{
    *ones = rows;
    memset(mask, 1, rows);
    if (!m->where) return FN_OK;
    fn_block *in;
    FN_TRY(mt_read(ctx, r, m->where_columns, m->where_count, first, granules, &in));
    const fn_status status = expr_run_mask(ctx, m->where, in, mask, ones);
    fn_block_drop(in);
    return status;
}

static fn_status update_block(fn_ctx *ctx, const mutator *m, const fn_block *in, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, m->base.shape->stored_count, in->rows);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < b->count && status == FN_OK; i++) {
        if (m->updates[i]) status = expr_run(ctx, m->updates[i], in, &b->columns[i]);
        else b->columns[i] = fn_column_ref(in->columns[i]);
    }
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

static fn_status write_step(fn_ctx *ctx, const mutator *m, const mt_reader *r, mt_part_out *out, uint32_t first, uint32_t granules, uint32_t rows, uint8_t *mask)
{
    uint32_t hits;
    fn_block *all, *changed = NULL;
    FN_TRY(find_hits(ctx, m, r, first, granules, rows, mask, &hits));
    if (m->mutation->is_delete && hits == rows) return FN_OK;
    const uint32_t columns = hits && !m->mutation->is_delete ? m->column_count : m->base.shape->stored_count;
    FN_TRY(mt_read(ctx, r, m->columns, columns, first, granules, &all));
    fn_status status = FN_OK;
    if (hits == 0) {
        changed = fn_block_ref(all);
    } else if (m->mutation->is_delete) {
        for (uint32_t i = 0; i < rows; i++) mask[i] ^= 1;
        changed = fn_block_filter(ctx, all, mask, rows - hits);
        if (!changed) status = ctx->error.code;
    } else {
        status = update_block(ctx, m, all, &changed);
    }
    if (status == FN_OK) status = mt_part_out_write(ctx, out, changed);
    fn_block_drop(changed);
    fn_block_drop(all);
    return status;
}

typedef fn_status each_step(fn_ctx *ctx, const mutator *m, const mt_reader *r, mt_part_out *out, uint32_t first, uint32_t granules, uint32_t rows, uint8_t *mask);

/* Calls `step` over the whole part; the arena is emptied in between. */
static fn_status for_steps(fn_ctx *ctx, const mutator *m, const mt_reader *r, mt_part_out *out, each_step *step)
{
    fn_arena *const outer = ctx->arena, *arena = fn_arena_new(ctx);
    uint8_t *mask = fn_alloc(ctx, FN_BLOCK_ROWS_MAX + FN_BUFFER_PAD);
    fn_status status = arena && mask ? FN_OK : ctx->error.code;
    const uint32_t granules = fn_part_granules(r->data);
    ctx->arena = arena;
    for (uint32_t g = 0; g < granules && status == FN_OK; g += STEP_GRANULES) {
        const uint32_t count = FN_MIN((uint32_t)STEP_GRANULES, granules - g);
        const uint64_t from = (uint64_t)g * FN_GRANULE_ROWS, to = FN_MIN(from + (uint64_t)count * FN_GRANULE_ROWS, fn_part_rows(r->data));
        status = step(ctx, m, r, out, g, count, (uint32_t)(to - from), mask);
        fn_arena_reset(arena);
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    ctx->arena = outer;
    fn_arena_free(arena);
    fn_free(mask);
    return status;
}

/* Counts the rows of a part that the mutation applies to, looking only at granules that may have some. */
static fn_status count_hits(fn_ctx *ctx, const mutator *m, const mt_reader *r, uint64_t *hits)
{
    mt_pruner *pruner;
    uint32_t first, end;
    uint8_t *mask = fn_alloc(ctx, FN_GRANULE_ROWS + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    *hits = 0;
    fn_status status = mt_pruner_make(ctx, m->conditions, r, &pruner);
    if (status == FN_OK) {
        mt_prune_index(pruner, &first, &end);
        for (uint32_t g = first; g < end && status == FN_OK; g++) {
            uint64_t need;
            uint32_t ones;
            const uint64_t rows = FN_MIN((uint64_t)FN_GRANULE_ROWS, fn_part_rows(r->data) - (uint64_t)g * FN_GRANULE_ROWS);
            const mt_truth t = mt_prune_granule(pruner, g, &need);
            if (t == MT_NEVER) continue;
            if (t == MT_ALWAYS) {
                *hits += rows;
                continue;
            }
            status = find_hits(ctx, m, r, g, 1, (uint32_t)rows, mask, &ones);
            *hits += ones;
        }
        mt_pruner_release(pruner);
    }
    fn_free(mask);
    return status;
}

static fn_status rewrite(fn_ctx *ctx, mutator *m, mt_part *part, const mt_reader *r)
{
    mt_part_out out;
    fn_status status = mt_part_out_open(ctx, m->base.table->store, m->base.shape, &part, 1, &out);
    const mt_definition *d = m->base.shape->definition;
    const bool without = m->mutation->lightweight && d->settings.lightweight_mutation_projection_mode == PROJECTION_DROP;
    for (uint32_t i = 0; i < d->projection_count && without && status == FN_OK; i++) status = mt_part_out_project(ctx, &out, i, false);
    if (status == FN_OK) status = for_steps(ctx, m, r, &out, write_step);
    return mt_rewrite_finish(ctx, &m->base, part, &out, status);
}

static fn_status mutate_part(fn_ctx *ctx, mutator *m, mt_part *part)
{
    mt_reader r;
    uint64_t hits = 0;
    FN_TRY(mt_rewrite_read(ctx, &m->base, part, &r));
    FN_TRY(count_hits(ctx, m, &r, &hits));
    if (hits == 0) return FN_OK;
    FN_TRY(mt_rewrite_number(ctx, &m->base));
    if (!(m->mutation->is_delete && hits == part->row.rows)) FN_TRY(rewrite(ctx, m, part, &r));
    m->base.removed[m->base.removed_count++] = part;
    return FN_OK;
}

static fn_status mutate_list(fn_ctx *ctx, mt_rewrite *r, const mt_list *list)
{
    mutator *m = (mutator *)r;
    if (r->shape->schema != m->mutation->schema) return fn_fail(ctx, FN_TABLE_UUID_MISMATCH, "The table has another structure meanwhile");
    if (!r->earlier) FN_TRY(prepare(ctx, m));
    for (uint32_t i = 0; i < list->count; i++)
        if (!mt_rewrite_is_done(r, list->parts[i])) FN_TRY(mutate_part(ctx, m, list->parts[i]));
    return FN_OK;
}

fn_status mt_mutation_number(fn_ctx *ctx, table *t, uint64_t *out)
{
    mt_catalog *catalog = ((mt_table *)t)->store->options.catalog;
    return catalog->block_numbers(catalog, ctx, t->uuid, 1, out);
}

fn_status mt_mutate(fn_ctx *ctx, table *t, const mt_mutation *mutation)
{
    mutator m = {.base = {.version = mutation->number}, .mutation = mutation};
    const fn_status status = mt_rewrite_parts(ctx, (mt_table *)t, &m.base, mutate_list);
    if (m.conditions) mt_conditions_release(m.conditions);
    return status;
}

/* ---- parts written anew ---- */
bool mt_rewrite_is_done(const mt_rewrite *r, const mt_part *part)
{
    for (uint32_t i = 0; r->earlier && i < r->earlier->count; i++)
        if (r->earlier->parts[i] == part) return true;
    return false;
}

static fn_status choose_parts(fn_ctx *ctx, mt_rewrite *r, const mt_list *list, mt_rewrite_fn *choose)
{
    mt_part **added = FN_NEW_ARRAY(ctx, mt_part *, list->count + 1), **removed = FN_NEW_ARRAY(ctx, mt_part *, list->count + 1);
    if (!added || !removed) return ctx->error.code;
    if (r->added_count) memcpy(added, r->added, sizeof *added * r->added_count);
    if (r->removed_count) memcpy(removed, r->removed, sizeof *removed * r->removed_count);
    r->added = added;
    r->removed = removed;
    return choose(ctx, r, list);
}

/* Nobody else removes parts (`change`) and for this moment nobody adds any. */
static fn_status choose_rest_and_apply(fn_ctx *ctx, mt_rewrite *r, const mt_list *earlier, mt_rewrite_fn *choose)
{
    mt_lock_adding(r->table, NULL);
    mt_list *list = mt_table_list(r->table);
    fn_status status = mt_check_shape(ctx, r->table, r->shape);
    r->earlier = earlier;
    if (status == FN_OK && list != earlier) status = choose_parts(ctx, r, list, choose);
    const mt_edit edit = {.table = r->table, .add = r->added, .add_count = r->added_count, .remove = r->removed, .remove_count = r->removed_count, .alone = true};
    if (status == FN_OK) status = mt_apply(ctx, r->table->store, &edit, 1);
    mt_unlock_adding(r->table, NULL);
    mt_list_drop(list);
    return status;
}

fn_status mt_rewrite_parts(fn_ctx *ctx, mt_table *t, mt_rewrite *r, mt_rewrite_fn *choose)
{
    r->table = t;
    mt_lock_change(t, NULL);
    mt_list *list = mt_table_list(t);
    r->shape = mt_table_shape(t);
    fn_status status = choose_parts(ctx, r, list, choose);
    if (status == FN_OK) status = choose_rest_and_apply(ctx, r, list, choose);
    for (uint32_t i = 0; i < r->added_count; i++) mt_part_drop(r->added[i]);
    mt_shape_drop(r->shape);
    mt_list_drop(list);
    mt_unlock_change(t, NULL);
    return status;
}

fn_status mt_rewrite_read(fn_ctx *ctx, const mt_rewrite *r, mt_part *part, mt_reader *out)
{
    FN_TRY(mt_reader_init(ctx, r->shape, part, out));
    return table_name(ctx, &r->table->base, &out->database, &out->table_name);
}

fn_status mt_rewrite_number(fn_ctx *ctx, mt_rewrite *r)
{
    mt_catalog *catalog = r->table->store->options.catalog;
    return r->version ? FN_OK : catalog->block_numbers(catalog, ctx, r->table->base.uuid, 1, &r->version);
}

fn_status mt_rewrite_finish(fn_ctx *ctx, mt_rewrite *r, const mt_part *part, mt_part_out *out, fn_status written)
{
    const mt_part_spec spec = {part->row.partition_id, part->row.partition, part->row.min_block, part->row.max_block, r->version, part->row.level};
    mt_part *fresh = NULL;
    fn_status status = written;
    if (status == FN_OK && out->rows) status = mt_part_out_finish(ctx, out, &spec, &fresh);
    mt_part_out_close(out);
    if (status == FN_OK && fresh) r->added[r->added_count++] = fresh;
    return status;
}
