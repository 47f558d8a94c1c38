/* run_merge.c - one merge: rows of the parts in key order, collapsed as the table's mode says and treated as its TTL says, into a new part;
 * then the exchange. Whole rows at once, or the columns that decide about rows first and then one column after the other (merge_columns.c).
 * Nobody waits for the reading and writing. The exchange looks whether all sources are still live; if one was dropped or replaced
 * meanwhile the result is thrown away.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"

/* Rows that repeat an earlier one of the batch in the chosen columns go. Equal rows have equal keys: they are in one batch. */
static fn_status deduplicate(fn_ctx *ctx, const mt_shape *shape, const mt_merge_how *how, const fn_block *in, fn_block **out)
{
    const uint32_t count = how->count ? how->count : in->count, rows = in->rows;
    const uint64_t room = fn_next_pow2(2 * (uint64_t)rows + 16);
    uint64_t *hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *hashes);
    uint32_t *slots = fn_alloc_zero(ctx, room * sizeof *slots), kept = 0;
    uint8_t *keep = fn_alloc(ctx, (size_t)rows + FN_BUFFER_PAD);
    fn_column **columns = fn_alloc_zero(ctx, sizeof *columns * (count + 1));
    fn_status status = hashes && slots && keep && columns ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        columns[i] = in->columns[how->count ? (uint32_t)shape->stored_at[how->columns[i]] : i];
        status = fn_column_hash(ctx, columns[i], hashes, i == 0);
    }
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        uint64_t at = hashes[i] & (room - 1);
        for (; slots[at]; at = (at + 1) & (room - 1)) {
            const uint32_t other = slots[at] - 1;
            bool same = hashes[other] == hashes[i];
            for (uint32_t c = 0; c < count && same; c++) same = fn_column_equal_at(columns[c], other, columns[c], i);
            if (same) break;
        }
        keep[i] = slots[at] == 0;
        kept += keep[i];
        if (keep[i]) slots[at] = i + 1;
    }
    if (status == FN_OK) {
        *out = kept == rows ? fn_block_ref(in) : fn_block_filter(ctx, in, keep, kept);
        if (!*out) status = ctx->error.code;
    }
    fn_free(hashes);
    fn_free(slots);
    fn_free(keep);
    fn_free(columns);
    return status;
}

fn_status merge_write_rows(fn_ctx *ctx, const merge_job *m, const mt_batch *b)
{
    fn_block *rows = NULL, *unique = NULL;
    if (mt_merges_stopped(m->table)) return fn_fail(ctx, FN_ABORTED, "Cancelled merging parts");
    fn_status status = mt_collapse_batch(ctx, m->shape, b, m->running->parts, m->how->cleanup, &rows);
    if (status == FN_OK && m->how->deduplicate) status = deduplicate(ctx, m->shape, m->how, rows, &unique);
    else if (status == FN_OK) unique = fn_block_ref(rows);
    if (status == FN_OK && unique->rows) status = m->ttl ? mt_ttl_rows_write(ctx, m->ttl, unique) : mt_part_out_write(ctx, m->out, unique);
    fn_block_drop(rows);
    fn_block_drop(unique);
    return status;
}

static fn_status write_batch(void *self, fn_ctx *ctx, const mt_batch *b)
{
    const merge_job *m = self;
    FN_TRY(merge_write_rows(ctx, m, b));
    atomic_store_explicit(&m->running->rows_written, m->out->rows, memory_order_relaxed);
    return FN_OK;
}

static fn_status merge_whole_rows(fn_ctx *ctx, merge_job *m)
{
    const mt_shape *shape = m->shape;
    const mt_merge_options options = {.shape = shape, .parts = m->running->parts, .part_count = m->running->count,
                                      .columns = shape->stored, .column_count = shape->stored_count,
                                      .whole_groups = m->how->deduplicate || shape->definition->mode != MT_PLAIN, .origins = mt_wants_origins(shape->definition->mode)};
    return mt_merge_each(ctx, m->table->store, &options, write_batch, m);
}

static fn_status merge_rows(fn_ctx *ctx, merge_job *m, const merge_columns *by)
{
    m->ttl = NULL;
    if (m->apply_ttl) FN_TRY(mt_ttl_rows_open(ctx, m->out, fn_clock_realtime_ns() / 1000000000, &m->ttl));
    fn_status status = by->chosen ? merge_columns_order(ctx, m, by) : merge_whole_rows(ctx, m);
    if (status == FN_OK && m->ttl) status = mt_ttl_rows_finish(ctx, m->ttl);
    mt_ttl_rows_close(m->ttl);
    return status;
}

/* Where no row can go, what the sources have is merged. Otherwise the table says whether projections are built anew or left out. */
static fn_status choose_projections(fn_ctx *ctx, const mt_shape *shape, mt_part *const *parts, uint32_t count, const mt_merge_how *how, bool apply_ttl, mt_part_out *out)
{
    const mt_definition *d = shape->definition;
    const bool unites_rows = d->mode != MT_PLAIN || how->deduplicate;
    for (uint32_t i = 0; i < d->projection_count; i++) {
        if (d->settings.materialize_projections_on_merge) FN_TRY(mt_part_out_project(ctx, out, i, true));
        if (unites_rows && d->settings.deduplicate_merge_projection_mode == PROJECTION_DROP) FN_TRY(mt_part_out_project(ctx, out, i, false));
    }
    return !unites_rows && !apply_ttl ? mt_part_out_merge_projections(ctx, out, parts, count) : FN_OK;
}

/* Are all sources live? Under the change lock. */
static bool all_live(mt_table *t, mt_part *const *parts, uint32_t count)
{
    bool live = true;
    pthread_mutex_lock(&t->lock);
    for (uint32_t i = 0; i < count && live; i++) {
        bool found = false;
        for (uint32_t k = 0; k < t->list->count && !found; k++) found = t->list->parts[k] == parts[i];
        live = found;
    }
    pthread_mutex_unlock(&t->lock);
    return live;
}

static fn_status exchange(fn_ctx *ctx, mt_table *t, mt_part *const *parts, uint32_t count, mt_part *fresh, bool locked, merge_outcome *out)
{
    fn_status status = FN_OK;
    if (!locked) mt_lock_change(t, NULL);
    *out = all_live(t, parts, count) && !atomic_load(&t->forgotten) ? MERGE_DONE : MERGE_OVERTAKEN;
    if (*out == MERGE_DONE) {
        const mt_edit edit = {.table = t, .add = &fresh, .add_count = fresh ? 1 : 0, .remove = parts, .remove_count = count};
        status = mt_apply(ctx, t->store, &edit, 1);
    }
    if (!locked) mt_unlock_change(t, NULL);
    return status;
}

static mt_part_spec spec_of(mt_part *const *parts, uint32_t count)
{
    mt_part_spec spec = {.partition_id = parts[0]->row.partition_id, .partition = parts[0]->row.partition, .min_block = parts[0]->row.min_block};
    for (uint32_t i = 0; i < count; i++) {
        spec.min_block = FN_MIN(spec.min_block, parts[i]->row.min_block);
        spec.max_block = FN_MAX(spec.max_block, parts[i]->row.max_block);
        spec.level = FN_MAX(spec.level, parts[i]->row.level + 1);
    }
    return spec;
}

/* *fits false: not in this way. */
static fn_status write_part(fn_ctx *ctx, merge_job *m, fn_str codec, const merge_columns *by, bool *fits, mt_part **fresh)
{
    mt_part *const *parts = m->running->parts;
    const uint32_t count = m->running->count;
    mt_store *store = m->table->store;
    mt_row_order order = {0};
    mt_part_out writer;
    *fits = true;
    if (by->chosen) FN_TRY(mt_row_order_init(ctx, &order, count));
    m->out = &writer;
    atomic_store_explicit(&m->running->vertical, by->chosen, memory_order_relaxed);
    fn_status status = by->chosen ? mt_part_out_open_ordered(ctx, store, m->shape, parts, count, codec, &order, &writer)
                                  : mt_part_out_open_packed(ctx, store, m->shape, parts, count, codec, &writer);
    if (status == FN_OK) status = choose_projections(ctx, m->shape, parts, count, m->how, m->apply_ttl, &writer);
    if (status == FN_OK) status = merge_rows(ctx, m, by);
    if (status == FN_OK && by->chosen && writer.rows) status = merge_columns_gather(ctx, m, fits);
    if (status == FN_OK && *fits && writer.rows) status = mt_part_out_finish(ctx, &writer, m->running->spec, fresh);
    mt_part_out_close(&writer);
    mt_row_order_release(&order);
    return status;
}

/* *fresh NULL: no row is left. */
static fn_status write_merged(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_running *running, const mt_merge_how *how, mt_part **fresh)
{
    mt_part *const *parts = running->parts;
    const uint32_t count = running->count;
    mt_ttl_plan plan;
    merge_columns by;
    bool fits;
    *fresh = NULL;
    FN_TRY(mt_ttl_plan_of(ctx, shape, parts, count, fn_clock_realtime_ns() / 1000000000, &plan));
    const bool apply_ttl = plan.apply && !mt_ttl_stopped(t);
    if (apply_ttl && plan.all_gone) return FN_OK;
    merge_job m = {.table = t, .shape = shape, .how = how, .running = running, .apply_ttl = apply_ttl};
    FN_TRY(merge_columns_choose(ctx, &m, &by));
    FN_TRY(write_part(ctx, &m, plan.codec, &by, &fits, fresh));
    if (!fits) {
        by.chosen = false;
        FN_TRY(write_part(ctx, &m, plan.codec, &by, &fits, fresh));
    }
    if (*fresh) (*fresh)->keeps_keys = shape->definition->mode == MT_REPLACING && !how->cleanup && !how->deduplicate && !apply_ttl;
    return FN_OK;
}

fn_status merge_run(fn_ctx *ctx, mt_table *t, mt_part *const *parts, uint32_t count, const mt_merge_how *how, bool locked, merge_outcome *out)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += parts[i]->row.bytes;
    if (mt_merges_stopped(t)) return fn_fail(ctx, FN_ABORTED, "Cancelled merging parts");
    FN_TRY(mt_check_room(ctx, t->store, bytes));
    const mt_part_spec spec = spec_of(parts, count);
    mt_shape *shape = mt_table_shape(t);
    if (how->schema && how->schema != shape->schema) {
        mt_shape_drop(shape);
        return fn_fail(ctx, FN_TABLE_UUID_MISMATCH, "The table has another structure meanwhile");
    }
    mt_part *fresh = NULL;
    mt_running running = {.table = t, .parts = parts, .count = count, .spec = &spec};
    mt_running_begin(t->store, &running);
    fn_status status = write_merged(ctx, t, shape, &running, how, &fresh);
    if (status == FN_OK) status = exchange(ctx, t, parts, count, fresh, locked, out);
    mt_running_end(t->store, &running);
    mt_part_drop(fresh); /* the list has its own reference; an overtaken one goes with its file */
    mt_shape_drop(shape);
    return status;
}
