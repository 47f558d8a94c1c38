/* write_part.c - one new part file: open, sorted blocks in, finish. Unlisted until mt_apply: dropping it removes the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

fn_status mt_part_out_open(fn_ctx *ctx, mt_store *store, const mt_shape *shape, bool merged, mt_part_out *out)
{
    *out = (mt_part_out){.store = store, .shape = shape, .id = mt_new_id()};
    const char *path;
    FN_TRY(mt_store_make_dir(ctx, store, out->id));
    FN_TRY(mt_file_path(ctx, store, out->id, &path));
    const fn_part_writer_options options = {
        .fs = store->options.fs, .path = path, .id = out->id, .columns = shape->part_columns, .column_count = shape->stored_count,
        .key_columns = shape->part_keys, .key_count = shape->key_count, .merged = merged,
    };
    return fn_part_writer_open(ctx, &options, &out->writer);
}

fn_status mt_part_out_write(fn_ctx *ctx, mt_part_out *out, const fn_block *sorted)
{
    FN_DEBUG_ASSERT(sorted->count == out->shape->stored_count);
    out->rows += sorted->rows;
    return fn_part_writer_write(ctx, out->writer, sorted);
}

fn_status mt_part_out_finish(fn_ctx *ctx, mt_part_out *out, const mt_part_spec *spec, mt_part **part)
{
    fn_part_summary summary;
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
    const fn_status status = mt_store_sync_dir(ctx, out->store, out->id);
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
}
