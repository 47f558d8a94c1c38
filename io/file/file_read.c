/* file_read.c - files of any file system as blobs, sources and whole buffers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "file/open_file.h"
#include <firn/time.h>
#include <stdio.h>

uint64_t fn_fs_file_size(const fn_file *file)
{
    return file->size;
}

fn_status file_check_range(fn_ctx *ctx, const fn_file *file, const fn_range *range)
{
    if (range->offset <= file->size && range->size <= file->size - range->offset) return FN_OK;
    return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "Cannot read %llu bytes at offset %llu of file %s: it has %llu bytes", (unsigned long long)range->size,
                   (unsigned long long)range->offset, file->path, (unsigned long long)file->size);
}

/* ---- blob ---- */
typedef struct file_blob {
    fn_blob base;
    fn_fs *fs;
    fn_file *file;
    char version[96];
} file_blob;

/* The clocks of file systems tick in milliseconds, some in seconds: what has just been changed may be changed again without their showing it. */
static const int64_t SETTLE_NS = 2000000000;

static void note_version(file_blob *b)
{
    const file_stamp *s = &b->file->stamp;
    if (!b->file->stamped || FN_MAX(s->modified_ns, s->changed_ns) > fn_clock_realtime_ns() - SETTLE_NS) return;
    (void)snprintf(b->version, sizeof b->version, "%llx.%llx.%llx.%llx.%llx", (unsigned long long)s->device, (unsigned long long)s->inode,
                   (unsigned long long)b->file->size, (unsigned long long)s->modified_ns, (unsigned long long)s->changed_ns);
    b->base.version = b->version;
}

static fn_status blob_read(fn_blob *self, fn_ctx *ctx, const fn_range *ranges, size_t count)
{
    const file_blob *b = (const file_blob *)self;
    return b->fs->read(b->fs, ctx, b->file, ranges, count);
}

static void blob_close(fn_blob *self)
{
    file_blob *b = (file_blob *)self;
    b->fs->close(b->fs, b->file);
    fn_free(b);
}

fn_status fn_fs_blob(fn_fs *fs, fn_ctx *ctx, const char *path, fn_blob **out)
{
    file_blob *b = fn_alloc_zero(ctx, sizeof *b);
    FN_TRY_PTR(ctx, b);
    const fn_status status = fs->open(fs, ctx, path, FN_OPEN_READ, &b->file);
    if (status != FN_OK) {
        fn_free(b);
        return status;
    }
    b->base = (fn_blob){.name = b->file->path, .size = b->file->size, .read = blob_read, .close = blob_close};
    b->fs = fs;
    note_version(b);
    *out = &b->base;
    return FN_OK;
}

fn_status fn_fs_read_all(fn_fs *fs, fn_ctx *ctx, const char *path, fn_buf *out)
{
    fn_file *file;
    FN_TRY(fs->open(fs, ctx, path, FN_OPEN_READ, &file));
    const size_t size = (size_t)file->size;
    fn_status status = fn_buf_reserve(ctx, out, size);
    if (status == FN_OK) {
        const fn_range range = {0, size, out->data + out->size};
        status = fs->read(fs, ctx, file, &range, 1);
    }
    if (status == FN_OK) out->size += size;
    fs->close(fs, file);
    return status;
}

/* ---- source ---- */
typedef struct file_source {
    fn_source base;
    fn_fs *fs;
    fn_file *file;
    uint64_t at;
} file_source;

static fn_status source_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    file_source *s = (file_source *)self;
    const fn_range range = {s->at, FN_MIN((uint64_t)capacity, s->file->size - s->at), out};
    FN_TRY(s->fs->read(s->fs, ctx, s->file, &range, 1));
    s->at += range.size;
    *got = (size_t)range.size;
    return FN_OK;
}

static void source_close(fn_source *self)
{
    file_source *s = (file_source *)self;
    s->fs->close(s->fs, s->file);
    fn_free(s);
}

fn_status fn_fs_source(fn_fs *fs, fn_ctx *ctx, const char *path, fn_source **out)
{
    file_source *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    const fn_status status = fs->open(fs, ctx, path, FN_OPEN_READ, &s->file);
    if (status != FN_OK) {
        fn_free(s);
        return status;
    }
    s->base = (fn_source){.read = source_read, .close = source_close};
    s->fs = fs;
    *out = &s->base;
    return FN_OK;
}
