/* fs_local.c - the machine's files. Many ranges and large pieces go through this thread's io_uring; what the page cache
 * holds, and everything where the kernel forbids rings, through pread and pwrite (ring/ring.h decides).
 *
 * Reads: each range is first tried with RWF_NOWAIT, which copies what is cached without a ring (a hit through a ring costs
 * more CPU); what is left is read with a deep queue. Short transfers are continued, EINTR is repeated.
 * Of a file that will be synced the disk gets each 8 MiB as they are written (sync_file_range), so that the sync waits for the last of them
 * only; an error of theirs is the sync's.
 * Every failure names the path; a full disk is NOT_ENOUGH_SPACE (243), a failed fdatasync CANNOT_FSYNC (204).
 * SPDX-License-Identifier: Apache-2.0 */
#include "file/open_file.h"
#include "ring/ring.h"
#include <firn/counts.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    TREE_DEPTH_MAX = 64,
    PATH_SIZE = 4096,
    BEHIND_BYTES = 8 << 20,
    RING_BYTES = 256 << 10, /* from here on a single read or write is worth a ring: it is split and overlapped */
};

typedef struct local_file {
    fn_file base;
    int fd;
    uint64_t begun; /* SYNCED: written before, and on its way to the disk */
} local_file;

static int64_t nanoseconds(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static fn_status local_open(fn_fs *fs, fn_ctx *ctx, const char *path, unsigned flags, fn_file **out)
{
    (void)fs;
    int mode = O_CLOEXEC;
    mode |= flags & FN_OPEN_WRITE ? (flags & FN_OPEN_READ ? O_RDWR : O_WRONLY) : O_RDONLY;
    if (flags & FN_OPEN_CREATE) mode |= O_CREAT;
    if (flags & FN_OPEN_EXCLUSIVE) mode |= O_EXCL;
    int fd;
    do fd = open(path, mode, 0640);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        const fn_status code = errno == ENOENT ? FN_FILE_DOESNT_EXIST : errno == EEXIST ? FN_FILE_ALREADY_EXISTS : FN_CANNOT_OPEN_FILE;
        return fn_fail_errno(ctx, code, errno, "Cannot open file %s", path);
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        const int err = S_ISDIR(st.st_mode) ? EISDIR : errno;
        (void)close(fd);
        return fn_fail_errno(ctx, FN_CANNOT_OPEN_FILE, err, "Cannot open file %s", path);
    }
    const size_t length = strlen(path);
    local_file *f = fn_alloc_zero(ctx, sizeof *f + length + 1);
    if (!f) {
        (void)close(fd);
        return ctx->error.code;
    }
    f->base = (fn_file){.size = st.st_size < 0 ? 0 : (uint64_t)st.st_size, .path = (char *)(f + 1), .flags = flags};
    f->begun = f->base.size;
    memcpy(f->base.path, path, length + 1);
    f->fd = fd;
    f->base.stamped = !(flags & FN_OPEN_WRITE);
    f->base.stamp = (file_stamp){(uint64_t)st.st_dev, (uint64_t)st.st_ino, nanoseconds(&st.st_mtim), nanoseconds(&st.st_ctim)};
    fn_count(FN_COUNT_FILE_OPEN, 1);
    *out = &f->base;
    return FN_OK;
}

static void local_close(fn_fs *fs, fn_file *file)
{
    (void)fs;
    if (!file) return;
    (void)close(((local_file *)file)->fd); /* what had to be durable was synced before */
    fn_free(file);
}

static fn_status read_failed(fn_ctx *ctx, const ring_op *op, int err)
{
    const fn_file *file = op->owner;
    if (err == 0)
        return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "Cannot read all data of file %s: it ends at offset %llu, %zu bytes are missing", file->path,
                       (unsigned long long)op->offset, op->size);
    return fn_fail_errno(ctx, FN_CANNOT_READ_FROM_FILE_DESCRIPTOR, err, "Cannot read %zu bytes at offset %llu of file %s", op->size,
                         (unsigned long long)op->offset, file->path);
}

static fn_status write_failed(fn_ctx *ctx, const ring_op *op, int err)
{
    const fn_file *file = op->owner;
    if (op->kind == RING_SYNC) return fn_fail_errno(ctx, FN_CANNOT_FSYNC, err, "Cannot fsync file %s", file->path);
    return fn_fail_errno(ctx, FN_CANNOT_WRITE_TO_FILE_DESCRIPTOR, err ? err : EIO, "Cannot write %zu bytes at offset %llu of file %s", op->size,
                         (unsigned long long)op->offset, file->path);
}

/* Takes what the page cache has of one range; `op` is left with the rest. */
static void read_cached(ring_op *op)
{
    const struct iovec where = {op->bytes, op->size};
    const ssize_t got = preadv2(op->fd, &where, 1, (off_t)op->offset, RWF_NOWAIT);
    if (got <= 0) return;
    op->bytes += got;
    op->offset += (uint64_t)got;
    op->size -= (size_t)got;
}

static fn_status local_read(fn_fs *fs, fn_ctx *ctx, fn_file *file, const fn_range *ranges, size_t count)
{
    enum { BATCH = 64 };
    (void)fs;
    const int fd = ((local_file *)file)->fd;
    ring_op ops[BATCH];
    for (size_t i = 0; i < count;) {
        size_t n = 0;
        uint64_t bytes = 0;
        for (; i < count && n < BATCH; i++) {
            FN_TRY(file_check_range(ctx, file, &ranges[i]));
            fn_count(FN_COUNT_FILE_READ_BYTES, ranges[i].size);
            ring_op op = {.kind = RING_READ, .fd = fd, .offset = ranges[i].offset, .bytes = ranges[i].out, .size = ranges[i].size, .owner = file};
            if (op.size) read_cached(&op);
            if (op.size) ops[n++] = op;
            bytes += op.size;
        }
        size_t failed = 0;
        const int err = ring_run(ops, n, n > 1 || bytes >= RING_BYTES, &failed);
        if (err != RING_DONE) return read_failed(ctx, &ops[failed], err);
    }
    return FN_OK;
}

static void local_will_read(fn_fs *fs, fn_file *file, const fn_range *ranges, size_t count)
{
    (void)fs;
    for (size_t i = 0; i < count; i++) (void)posix_fadvise(((local_file *)file)->fd, (off_t)ranges[i].offset, (off_t)ranges[i].size, POSIX_FADV_WILLNEED);
}

static fn_status write_ops(fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size, bool sync)
{
    const int fd = ((local_file *)file)->fd;
    ring_op ops[2];
    size_t n = 0, failed = 0;
    if (size) ops[n++] = (ring_op){.kind = RING_WRITE, .fd = fd, .offset = offset, .bytes = (uint8_t *)(uintptr_t)bytes, .size = size, .owner = file};
    if (sync) ops[n++] = (ring_op){.kind = RING_SYNC, .fd = fd, .owner = file};
    const int err = ring_run(ops, n, n > 1 || size >= RING_BYTES, &failed);
    if (err != RING_DONE) return write_failed(ctx, &ops[failed], err);
    fn_count(FN_COUNT_FILE_WRITE_BYTES, size);
    fn_count(FN_COUNT_FILE_SYNC, sync);
    file->size = FN_MAX(file->size, offset + size);
    return FN_OK;
}

/* Files are written from the front; what is written again goes with the sync. */
static void write_behind(local_file *f)
{
    const uint64_t size = f->base.size;
    if (!(f->base.flags & FN_OPEN_SYNCED) || size < f->begun + BEHIND_BYTES) return;
    (void)sync_file_range(f->fd, (off_t)f->begun, (off_t)(size - f->begun), SYNC_FILE_RANGE_WRITE);
    f->begun = size;
}

static fn_status local_write(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    (void)fs;
    FN_TRY(write_ops(ctx, file, offset, bytes, size, false));
    write_behind((local_file *)file);
    return FN_OK;
}

static fn_status local_write_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size)
{
    (void)fs;
    return write_ops(ctx, file, offset, bytes, size, true);
}

static fn_status local_sync(fn_fs *fs, fn_ctx *ctx, fn_file *file)
{
    (void)fs;
    return write_ops(ctx, file, 0, NULL, 0, true);
}

static fn_file_info info_of(const struct stat *st)
{
    return (fn_file_info){.size = st->st_size < 0 ? 0 : (uint64_t)st->st_size,
                          .modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
                          .is_dir = S_ISDIR(st->st_mode),
                          .exists = true};
}

static fn_status local_stat(fn_fs *fs, fn_ctx *ctx, const char *path, fn_file_info *out)
{
    (void)fs;
    struct stat st;
    *out = (fn_file_info){0};
    if (stat(path, &st) == 0) *out = info_of(&st);
    else if (errno != ENOENT && errno != ENOTDIR) return fn_fail_errno(ctx, FN_CANNOT_STAT, errno, "Cannot stat file %s", path);
    return FN_OK;
}

static int skip_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A link counts as what it leads to. there: the name is not gone again. `fd`: of the directory, opened when it is first needed (-1). */
static fn_status kind_of(fn_ctx *ctx, const char *dir, int *fd, const struct dirent *entry, bool *there, bool *is_dir)
{
    struct stat st;
    *is_dir = entry->d_type == DT_DIR;
    *there = true;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) return FN_OK; /* not every file system tells */
    if (*fd < 0) *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) return fn_fail_errno(ctx, FN_CANNOT_OPEN_FILE, errno, "Cannot open directory %s", dir);
    *there = fstatat(*fd, entry->d_name, &st, 0) == 0 || fstatat(*fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    *is_dir = *there && S_ISDIR(st.st_mode);
    return FN_OK;
}

/* In byte order of the names, so that what depends on it is repeatable. */
static fn_status local_list(fn_fs *fs, fn_ctx *ctx, const char *dir, fn_list_fn *each, void *self)
{
    (void)fs;
    struct dirent **names;
    int fd = -1;
    const int count = scandir(dir, &names, skip_dots, by_bytes);
    if (count < 0) return fn_fail_errno(ctx, errno == ENOENT ? FN_FILE_DOESNT_EXIST : FN_CANNOT_OPEN_FILE, errno, "Cannot list directory %s", dir);
    fn_status status = FN_OK;
    for (int i = 0; i < count; i++) {
        bool there = false, is_dir;
        if (status == FN_OK) status = kind_of(ctx, dir, &fd, names[i], &there, &is_dir);
        if (status == FN_OK && there) status = each(self, ctx, names[i]->d_name, is_dir);
        fn_free(names[i]);
    }
    fn_free(names);
    if (fd >= 0) (void)close(fd);
    return status;
}

static fn_status local_sync_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    (void)fs;
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fn_fail_errno(ctx, FN_CANNOT_OPEN_FILE, errno, "Cannot open directory %s", dir);
    const int err = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return err ? fn_fail_errno(ctx, FN_CANNOT_FSYNC, err, "Cannot fsync directory %s", dir) : FN_OK;
}

/* The folder that got the new entry `path`. */
static fn_status sync_parent(fn_fs *fs, fn_ctx *ctx, const char *path)
{
    char parent[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    const size_t size = slash ? (size_t)(slash - path) : 0;
    memcpy(parent, path, size);
    parent[size] = 0;
    return local_sync_dir(fs, ctx, size ? parent : slash ? "/" : ".");
}

static fn_status local_make_dir(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    (void)fs;
    char path[PATH_SIZE];
    const size_t length = strlen(dir);
    if (length == 0 || length >= sizeof path) return fn_fail(ctx, FN_CANNOT_CREATE_DIRECTORY, "Cannot create directory: path of %zu bytes", length);
    memcpy(path, dir, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        path[i] = 0;
        if (mkdir(path, 0750) == 0) FN_TRY(sync_parent(fs, ctx, path));
        else if (errno != EEXIST) return fn_fail_errno(ctx, FN_CANNOT_CREATE_DIRECTORY, errno, "Cannot create directory %s", path);
        path[i] = i < length ? '/' : 0;
    }
    fn_file_info info;
    FN_TRY(local_stat(fs, ctx, dir, &info));
    return info.is_dir ? FN_OK : fn_fail(ctx, FN_CANNOT_CREATE_DIRECTORY, "Cannot create directory %s: a file is in its place", dir);
}

static fn_status local_rename(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to)
{
    (void)fs;
    if (rename(from, to) == 0) return FN_OK;
    return fn_fail_errno(ctx, errno == ENOENT ? FN_FILE_DOESNT_EXIST : FN_SYSTEM_ERROR, errno, "Cannot rename %s to %s", from, to);
}

static fn_status local_link(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to)
{
    (void)fs;
    if (link(from, to) == 0) return FN_OK;
    const fn_status code = errno == ENOENT ? FN_FILE_DOESNT_EXIST : errno == EEXIST ? FN_FILE_ALREADY_EXISTS : errno == ENOSPC ? FN_NOT_ENOUGH_SPACE : FN_CANNOT_LINK;
    return fn_fail_errno(ctx, code, errno, "Cannot link %s to %s", from, to);
}

static fn_status local_remove(fn_fs *fs, fn_ctx *ctx, const char *path)
{
    (void)fs;
    if (unlink(path) == 0 || errno == ENOENT) return FN_OK;
    return fn_fail_errno(ctx, FN_CANNOT_UNLINK, errno, "Cannot remove file %s", path);
}

static fn_status remove_below(fn_ctx *ctx, const char *dir, unsigned depth)
{
    if (depth > TREE_DEPTH_MAX) return fn_fail(ctx, FN_CANNOT_UNLINK, "Cannot remove %s: more than %d levels of directories", dir, TREE_DEPTH_MAX);
    DIR *stream = opendir(dir);
    if (!stream) return errno == ENOENT ? FN_OK : fn_fail_errno(ctx, FN_CANNOT_OPEN_FILE, errno, "Cannot open directory %s", dir);
    fn_buf path = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (const struct dirent *e = readdir(stream); e && status == FN_OK; e = readdir(stream)) {
        struct stat st;
        if (!skip_dots(e)) continue;
        path.size = 0;
        status = fn_buf_printf(ctx, &path, "%s/%s", dir, e->d_name);
        if (status != FN_OK || lstat(path.data, &st) != 0) continue;
        status = S_ISDIR(st.st_mode) ? remove_below(ctx, path.data, depth + 1) : local_remove(NULL, ctx, path.data);
    }
    fn_buf_release(&path);
    (void)closedir(stream);
    if (status == FN_OK && rmdir(dir) != 0 && errno != ENOENT) status = fn_fail_errno(ctx, FN_CANNOT_RMDIR, errno, "Cannot remove directory %s", dir);
    return status;
}

static fn_status local_remove_tree(fn_fs *fs, fn_ctx *ctx, const char *dir)
{
    (void)fs;
    return remove_below(ctx, dir, 0);
}

static fn_status local_space(fn_fs *fs, fn_ctx *ctx, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes)
{
    (void)fs;
    struct statvfs st;
    if (statvfs(dir, &st) != 0) return fn_fail_errno(ctx, FN_CANNOT_STATVFS, errno, "Cannot look up the free space of %s", dir);
    *free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    *total_bytes = (uint64_t)st.f_blocks * st.f_frsize;
    return FN_OK;
}

fn_fs *fn_fs_local(void)
{
    static fn_fs local = {
        .open = local_open,
        .close = local_close,
        .read = local_read,
        .will_read = local_will_read,
        .write = local_write,
        .write_sync = local_write_sync,
        .sync = local_sync,
        .stat = local_stat,
        .list = local_list,
        .make_dir = local_make_dir,
        .sync_dir = local_sync_dir,
        .rename = local_rename,
        .link = local_link,
        .remove = local_remove,
        .remove_tree = local_remove_tree,
        .space = local_space,
    };
    return &local;
}
