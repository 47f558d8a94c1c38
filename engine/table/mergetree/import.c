/* import.c - part files that come from a backup.
 *
 * A part file is bound to its id by its checksums, so it keeps the id in every store. If a table of this store lists the file, the
 * import shares it, after reading it through: a damaged one must not come back with a RESTORE that reports success. If not, the bytes
 * are written beside under a name that the next start sweeps, checked from the first to the last, and take their name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

enum { PIECE = 4 << 20 };

static fn_status check_rows(fn_ctx *ctx, const fn_part *part, const mt_part_row *row)
{
    if (fn_part_rows(part) == row->rows) return FN_OK;
    return fn_fail(ctx, FN_INCORRECT_DATA, "Part " FN_STR_FMT " has %llu rows, not %llu", FN_STR_ARG(row->name), (unsigned long long)fn_part_rows(part),
                   (unsigned long long)row->rows);
}

fn_status mt_file_check(fn_ctx *ctx, mt_file *f)
{
    const fn_part *data;
    FN_TRY(mt_file_open(ctx, f, &data));
    return fn_part_check(ctx, data);
}

static bool is_listed(mt_file *f)
{
    pthread_mutex_lock(&f->store->lock);
    const bool listed = f->listed != 0;
    pthread_mutex_unlock(&f->store->lock);
    return listed;
}

static fn_status copy_bytes(fn_ctx *ctx, fn_fs *fs, fn_file *file, const mt_import_source *source)
{
    uint8_t *piece = fn_alloc(ctx, PIECE);
    FN_TRY_PTR(ctx, piece);
    fn_status status = FN_OK;
    for (uint64_t at = 0; at < source->size && status == FN_OK;) {
        const size_t size = (size_t)FN_MIN((uint64_t)PIECE, source->size - at);
        status = source->read(source->self, ctx, at, piece, size);
        if (status == FN_OK) status = fs->write(fs, ctx, file, at, piece, size);
        if (status == FN_OK) status = fn_ctx_check(ctx);
        at += size;
    }
    fn_free(piece);
    return status == FN_OK ? fs->sync(fs, ctx, file) : status;
}

static fn_status check_new(fn_ctx *ctx, fn_fs *fs, const char *path, const mt_part_row *row)
{
    fn_part *part;
    FN_TRY(fn_part_open(ctx, fs, path, row->file, &row->checksum, &part));
    fn_status status = fn_part_check(ctx, part);
    if (status == FN_OK) status = check_rows(ctx, part, row);
    fn_part_drop(part);
    return status;
}

static fn_status write_new(fn_ctx *ctx, mt_store *store, const mt_part_row *row, const mt_import_source *source)
{
    fn_fs *fs = store->options.fs;
    const char *path, *beside;
    fn_file *file;
    fn_part_id other = mt_new_id();
    other.high = (other.high & UINT64_MAX >> 8) | (row->file.high & 0xffull << 56); /* the same folder */
    FN_TRY(mt_store_make_dir(ctx, store, row->file));
    FN_TRY(mt_file_path(ctx, store, row->file, &path));
    FN_TRY(mt_file_path(ctx, store, other, &beside));
    FN_TRY(fs->open(fs, ctx, beside, FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE, &file));
    fn_status status = copy_bytes(ctx, fs, file, source);
    fs->close(fs, file);
    if (status == FN_OK) status = check_new(ctx, fs, beside, row);
    if (status == FN_OK) status = fs->rename(fs, ctx, beside, path);
    if (status == FN_OK) return mt_store_sync_dir(ctx, store, row->file);
    fn_ctx own = {.arena = ctx->arena};
    if (fs->remove(fs, &own, beside) != FN_OK) fn_log(FN_LOG_WARN, "mergetree", "cannot remove %s: %s", beside, own.error.text);
    return status;
}

static bool same_hash(fn_hash128 a, fn_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

fn_status mt_import_file(fn_ctx *ctx, mt_store *store, const mt_part_row *row, const mt_import_source *source, mt_file **out)
{
    mt_file *f;
    FN_TRY(mt_file_get(ctx, store, row->file, row->checksum, &f));
    fn_status status;
    if (!same_hash(f->checksum, row->checksum)) {
        status = fn_fail(ctx, FN_INCORRECT_DATA, "The file of part " FN_STR_FMT " is not the one of that name that this server has", FN_STR_ARG(row->name));
    } else if (is_listed(f)) {
        const fn_part *part;
        status = mt_file_check(ctx, f);
        if (status == FN_OK) status = mt_file_open(ctx, f, &part);
        if (status == FN_OK) status = check_rows(ctx, part, row);
        else
            status = fn_error_prefix(ctx, "A table of this server has the file of part " FN_STR_FMT ", damaged: drop that part first: ", FN_STR_ARG(row->name));
    } else {
        pthread_mutex_lock(&f->open_lock); /* two imports of one file */
        status = write_new(ctx, store, row, source);
        pthread_mutex_unlock(&f->open_lock);
    }
    if (status == FN_OK) *out = f;
    else mt_file_drop(f);
    return status;
}

static fn_status make_parts(fn_ctx *ctx, mt_store *store, const mt_import *item, mt_part **parts)
{
    mt_catalog *catalog = store->options.catalog;
    uint64_t first;
    FN_TRY(catalog->block_numbers(catalog, ctx, item->table->uuid, item->count, &first));
    for (uint32_t i = 0; i < item->count; i++) {
        mt_part_row row = item->rows[i];
        row.min_block = row.max_block = first + i;
        row.reason = (fn_str){NULL, 0};
        FN_TRY(mt_part_name(ctx, row.partition_id, row.min_block, row.max_block, row.level, 0, &row.name));
        FN_TRY(mt_part_new(ctx, store, &row, &parts[i]));
    }
    return FN_OK;
}

fn_status mt_import_parts(fn_ctx *ctx, mt_store *store, const mt_import *items, uint32_t count)
{
    mt_edit *edits = FN_NEW_ARRAY(ctx, mt_edit, count + 1);
    FN_TRY_PTR(ctx, edits);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        mt_part **parts = FN_NEW_ARRAY(ctx, mt_part *, items[i].count + 1);
        if (!parts) status = ctx->error.code;
        edits[i] = (mt_edit){.table = (mt_table *)items[i].table, .add = parts, .add_count = parts ? items[i].count : 0};
        if (status == FN_OK && items[i].count) status = make_parts(ctx, store, &items[i], parts);
    }
    if (status == FN_OK) status = mt_apply(ctx, store, edits, count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < edits[i].add_count; k++) mt_part_drop(edits[i].add[k]);
    for (uint32_t i = 0; i < count && status == FN_OK; i++) mt_merge_schedule(edits[i].table);
    return status;
}
