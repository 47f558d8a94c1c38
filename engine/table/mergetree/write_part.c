/* write_part.c - one new part file: open, sorted blocks in, finish. Unlisted until mt_apply: dropping it removes the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/projection.h"
#include "table/mergetree/skip_index.h"
#include "table/mergetree/part_ttl.h"

/* The new column's dictionary begins as the union of its sources'. Where those are mostly entries without rows they are no good beginning:
 * such a dictionary grew with each merge. */
fn_status mt_take_dictionaries(fn_ctx *ctx, const mt_shape *shape, uint32_t stored, const fn_part *const *sources, uint32_t count, fn_part_dictionaries *out)
{
    fn_column **list = FN_NEW_ARRAY(ctx, fn_column *, FN_MAX(count, 1));
    uint64_t distinct = 0, entries = 0; /* distinct: that rows have */
    fn_status status = list ? FN_OK : ctx->error.code;
    *out = (fn_part_dictionaries){.list = list};
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        bool sorted;
        const int place = fn_part_find(sources[i], shape->part_columns[stored].id);
        if (place < 0 || fn_part_column_at(sources[i], (uint32_t)place)->type != shape->part_columns[stored].type) continue;
        status = fn_part_dictionary(ctx, sources[i], (uint32_t)place, &list[out->count], &sorted);
        if (status != FN_OK || !list[out->count]) continue;
        entries += list[out->count++]->rows;
        distinct += fn_part_distinct(sources[i], (uint32_t)place);
    }
    out->mostly_unused = entries > 2 * distinct;
    return status;
}

void mt_drop_dictionaries(const fn_part_dictionaries *d)
{
    for (uint32_t i = 0; i < d->count; i++) fn_column_drop(d->list[i]);
}

/* Of all columns. */
static fn_status take_dictionaries(fn_ctx *ctx, const mt_shape *shape, mt_part *const *sources, uint32_t count, fn_part_dictionaries **out)
{
    const fn_part **data = FN_NEW_ARRAY(ctx, const fn_part *, count);
    fn_part_dictionaries *all = FN_NEW_ARRAY(ctx, fn_part_dictionaries, FN_MAX(shape->stored_count, 1));
    if (!data || !all) return ctx->error.code;
    *out = all;
    for (uint32_t i = 0; i < count; i++) FN_TRY(mt_file_open(ctx, sources[i]->file, &data[i]));
    for (uint32_t c = 0; c < shape->stored_count; c++) FN_TRY(mt_take_dictionaries(ctx, shape, c, data, count, &all[c]));
    return FN_OK;
}

static void drop_dictionaries(const mt_shape *shape, const fn_part_dictionaries *all)
{
    for (uint32_t c = 0; all && c < shape->stored_count; c++) mt_drop_dictionaries(&all[c]);
}

static fn_status open_indexes(fn_ctx *ctx, mt_part_out *out, bool insert)
{
    const mt_definition *d = out->shape->definition;
    out->indexes = FN_NEW_ARRAY(ctx, mt_index_out *, d->index_count + 1);
    FN_TRY_PTR(ctx, out->indexes);
    if (out->scratch) return FN_OK;
    if (insert && !settings_of(ctx)->materialize_skip_indexes_on_insert) return FN_OK;
    for (uint32_t i = 0; i < d->index_count; i++) {
        if (insert && mt_skip_names(settings_of(ctx)->exclude_materialize_skip_indexes_on_insert, d->indexes[i].name)) continue;
        FN_TRY(mt_index_out_new(ctx, out->shape, i, &out->indexes[i]));
    }
    return FN_OK;
}

void mt_part_out_without(mt_part_out *out, uint32_t index)
{
    mt_index_out_free(out->indexes[index]);
    out->indexes[index] = NULL;
}

fn_status mt_part_out_project(fn_ctx *ctx, mt_part_out *out, uint32_t projection, bool build)
{
    if (build == (out->projections[projection] != NULL)) return FN_OK;
    if (build) return mt_projection_out_new(ctx, out->store, out->shape, projection, &out->projections[projection]);
    mt_projection_out_free(out->projections[projection]);
    out->projections[projection] = NULL;
    return FN_OK;
}

static fn_status count_having(fn_ctx *ctx, mt_part *const *sources, uint32_t count, uint64_t id, uint32_t *having)
{
    *having = 0;
    for (uint32_t i = 0; i < count; i++) {
        const fn_part *data;
        FN_TRY(mt_file_open(ctx, sources[i]->file, &data));
        *having += mt_projection_has(data, id, NULL);
    }
    return FN_OK;
}

static fn_status open_projections(fn_ctx *ctx, mt_part_out *out, mt_part *const *sources, uint32_t count)
{
    const mt_definition *d = out->shape->definition;
    out->projections = FN_NEW_ARRAY(ctx, mt_projection_out *, d->projection_count + 1);
    FN_TRY_PTR(ctx, out->projections);
    for (uint32_t i = 0; i < d->projection_count && !out->scratch; i++) {
        uint32_t having;
        FN_TRY(count_having(ctx, sources, count, d->projections[i].id, &having));
        FN_TRY(mt_part_out_project(ctx, out, i, count ? having != 0 : d->settings.materialize_projections_on_insert));
    }
    return FN_OK;
}

fn_status mt_part_out_merge_projections(fn_ctx *ctx, mt_part_out *out, mt_part *const *sources, uint32_t count)
{
    const mt_definition *d = out->shape->definition;
    for (uint32_t i = 0; i < d->projection_count; i++) {
        uint32_t having;
        if (!out->projections[i]) continue;
        FN_TRY(count_having(ctx, sources, count, d->projections[i].id, &having));
        if (having == count) FN_TRY(mt_projection_out_merge(ctx, out->projections[i], sources, count));
    }
    return FN_OK;
}

/* The columns as the part has them: those without a codec get the part's. */
static fn_status columns_of(fn_ctx *ctx, const mt_part_out *out, const fn_part_column **columns)
{
    const mt_shape *shape = out->shape;
    *columns = shape->part_columns;
    if (!out->codec.size) return FN_OK;
    fn_part_column *own = FN_NEW_ARRAY(ctx, fn_part_column, shape->stored_count + 1);
    FN_TRY_PTR(ctx, own);
    for (uint32_t i = 0; i < shape->stored_count; i++) {
        own[i] = shape->part_columns[i];
        if (!own[i].codec.size || fn_str_eq(own[i].codec, FN_STR("Default"))) own[i].codec = out->codec;
    }
    *columns = own;
    return FN_OK;
}

static fn_status open_part(fn_ctx *ctx, mt_part *const *sources, uint32_t source_count, mt_part_out *out)
{
    mt_store *store = out->store;
    const mt_shape *shape = out->shape;
    const char *path;
    const fn_part_column *columns;
    FN_TRY(columns_of(ctx, out, &columns));
    FN_TRY(mt_ttl_begin(ctx, out));
    FN_TRY(mt_store_make_dir(ctx, store, out->id));
    FN_TRY(mt_file_path(ctx, store, out->id, &path));
    fn_part_dictionaries *dictionaries = NULL;
    fn_status status = source_count && !out->order ? take_dictionaries(ctx, shape, sources, source_count, &dictionaries) : FN_OK;
    const fn_part_writer_options options = {
        .fs = store->options.fs, .path = path, .id = out->id, .columns = columns, .column_count = shape->stored_count,
        .key_columns = shape->part_keys, .key_count = shape->key_count, .merged = source_count != 0, .dictionaries = dictionaries,
        .scratch = out->scratch, .workers = store->options.workers,
    };
    if (status == FN_OK) status = fn_part_writer_open(ctx, &options, &out->writer);
    drop_dictionaries(shape, dictionaries);
    FN_TRY(status);
    FN_TRY(open_indexes(ctx, out, source_count == 0));
    return open_projections(ctx, out, sources, source_count);
}

fn_status mt_part_out_open_packed(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part *const *sources, uint32_t source_count, fn_str codec, mt_part_out *out)
{
    *out = (mt_part_out){.store = store, .shape = shape, .id = mt_new_id(), .codec = codec};
    return open_part(ctx, sources, source_count, out);
}

fn_status mt_part_out_open_ordered(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part *const *sources, uint32_t source_count, fn_str codec,
                                   mt_row_order *order, mt_part_out *out)
{
    *out = (mt_part_out){.store = store, .shape = shape, .id = mt_new_id(), .codec = codec, .order = order};
    return open_part(ctx, sources, source_count, out);
}

fn_status mt_part_out_open(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part *const *sources, uint32_t source_count, mt_part_out *out)
{
    fn_str codec = {NULL, 0};
    *out = (mt_part_out){.store = store, .shape = shape};
    if (source_count == 1 && shape->definition->ttl_count) { /* a mutation packs the part as it was */
        const mt_ttl_infos *infos;
        FN_TRY(mt_part_ttl(ctx, sources[0], &infos));
        codec = infos->codec;
    }
    return mt_part_out_open_packed(ctx, store, shape, sources, source_count, codec, out);
}

fn_status mt_part_out_open_scratch(fn_ctx *ctx, mt_store *store, const mt_shape *shape, mt_part_out *out)
{
    *out = (mt_part_out){.store = store, .shape = shape, .id = mt_new_id(), .scratch = true};
    return open_part(ctx, NULL, 0, out);
}

fn_status mt_part_out_write(fn_ctx *ctx, mt_part_out *out, const fn_block *sorted)
{
    FN_DEBUG_ASSERT(sorted->count == out->shape->stored_count + (out->order ? 1 : 0));
    out->rows += sorted->rows;
    for (uint32_t i = 0; i < out->shape->definition->index_count; i++)
        if (out->indexes[i]) FN_TRY(mt_index_out_write(ctx, out->indexes[i], sorted));
    for (uint32_t i = 0; i < out->shape->definition->projection_count; i++)
        if (out->projections[i]) FN_TRY(mt_projection_out_write(ctx, out->projections[i], sorted));
    FN_TRY(mt_ttl_note(ctx, out, sorted));
    return out->order ? mt_row_order_add(ctx, out->order, sorted->columns[out->shape->stored_count]) : fn_part_writer_write(ctx, out->writer, sorted);
}

fn_status mt_part_out_write_rows(fn_ctx *ctx, mt_part_out *out, const fn_part_pieces *rows)
{
    FN_ASSERT(out->shape->definition->index_count == 0 && out->shape->definition->projection_count == 0);
    out->rows += rows->rows;
    for (uint32_t i = 0; i < rows->piece_count; i++) FN_TRY(mt_ttl_note(ctx, out, rows->pieces[i]));
    return fn_part_writer_write_rows(ctx, out->writer, rows);
}

fn_status mt_part_out_finish(fn_ctx *ctx, mt_part_out *out, const mt_part_spec *spec, mt_part **part)
{
    fn_part_summary summary;
    for (uint32_t i = 0; i < out->shape->definition->index_count; i++)
        if (out->indexes[i]) FN_TRY(mt_index_out_finish(ctx, out->indexes[i], out->writer));
    for (uint32_t i = 0; i < out->shape->definition->projection_count; i++)
        if (out->projections[i]) FN_TRY(mt_projection_out_finish(ctx, out->projections[i], out->writer));
    FN_TRY(mt_ttl_attach(ctx, out));
    FN_TRY(fn_part_writer_finish(ctx, out->writer, &summary));
    fn_part_writer_close(out->writer);
    out->writer = NULL;
    mt_part_row row = {
        .partition_id = spec->partition_id, .partition = spec->partition, .file = out->id, .checksum = summary.checksum,
        .min_block = spec->min_block, .max_block = spec->max_block, .level = spec->level,
        .rows = summary.rows, .bytes = summary.file_bytes, .raw_bytes = summary.raw_bytes, .created_s = fn_clock_realtime_ns() / 1000000000,
    };
    FN_TRY(mt_part_name(ctx, spec->partition_id, spec->min_block, spec->max_block, spec->level, spec->mutation, &row.name));
    FN_TRY(mt_part_new(ctx, out->store, &row, part)); /* from here on the part owns the file */
    (*part)->bytes = summary.bytes;
    const fn_status status = out->scratch ? FN_OK : mt_store_sync_dir(ctx, out->store, out->id);
    if (status != FN_OK) {
        mt_part_drop(*part);
        *part = NULL;
    }
    return status;
}

void mt_part_out_close(mt_part_out *out)
{
    if (out->writer) fn_part_writer_close(out->writer);
    out->writer = NULL;
    for (uint32_t i = 0; i < out->shape->definition->index_count && out->indexes; i++) mt_part_out_without(out, i);
    for (uint32_t i = 0; i < out->shape->definition->projection_count && out->projections; i++) mt_projection_out_free(out->projections[i]);
    out->indexes = NULL;
    out->projections = NULL;
}
