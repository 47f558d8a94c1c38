/* sqlite_vfs.c - see sqlite_vfs.h. SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_vfs.h"
#include "disk.h"
#include <firn/bits.h>
#include <firn/time.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 512, TEMPORARY_MAX = 1000000 };

typedef struct vfs_file {
    sqlite3_file base;
    fn_file *file;
    bool sync_folder, delete_at_end;
    char path[PATH_BYTES];
} vfs_file;

static fn_fs *files;
static unsigned temporaries;

static vfs_file *of(sqlite3_file *f)
{
    return (vfs_file *)f;
}

static int code_of(fn_status status, int otherwise)
{
    return status == FN_OK ? SQLITE_OK : status == FN_NOT_ENOUGH_SPACE ? SQLITE_FULL : otherwise;
}

static fn_status sync_folder(fn_ctx *ctx, const char *path)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    FN_ASSERT(slash && slash > path);
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    return files->sync_dir(files, ctx, folder);
}

static int file_close(sqlite3_file *f)
{
    fn_ctx ctx = {.arena = NULL};
    files->close(files, of(f)->file);
    if (of(f)->delete_at_end) (void)files->remove(files, &ctx, of(f)->path);
    return SQLITE_OK;
}

static sqlite3_int64 size_of(vfs_file *f)
{
    fn_ctx ctx = {.arena = NULL};
    fn_file_info info;
    return files->stat(files, &ctx, f->path, &info) == FN_OK ? (sqlite3_int64)info.size : -1;
}

static int file_read(sqlite3_file *f, void *out, int size, sqlite3_int64 at)
{
    fn_ctx ctx = {.arena = NULL};
    const sqlite3_int64 end = size_of(of(f)), there = FN_MAX((sqlite3_int64)0, FN_MIN(end - at, (sqlite3_int64)size));
    if (end < 0) return SQLITE_IOERR_READ;
    const fn_range range = {(uint64_t)at, (uint64_t)there, out};
    if (there && files->read(files, &ctx, of(f)->file, &range, 1) != FN_OK) return SQLITE_IOERR_READ;
    if (there == size) return SQLITE_OK;
    memset((char *)out + there, 0, (size_t)(size - there));
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *bytes, int size, sqlite3_int64 at)
{
    fn_ctx ctx = {.arena = NULL};
    return code_of(files->write(files, &ctx, of(f)->file, (uint64_t)at, bytes, (size_t)size), SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    fn_ctx ctx = {.arena = NULL};
    return fn_fs_memory_cut(sim_disk_below(), &ctx, of(f)->file, (uint64_t)size) == FN_OK ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_sync(sqlite3_file *f, int flags)
{
    fn_ctx ctx = {.arena = NULL};
    (void)flags;
    if (files->sync(files, &ctx, of(f)->file) != FN_OK) return SQLITE_IOERR_FSYNC;
    if (of(f)->sync_folder && sync_folder(&ctx, of(f)->path) != FN_OK) return SQLITE_IOERR_DIR_FSYNC;
    of(f)->sync_folder = false;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out)
{
    *out = size_of(of(f));
    return *out < 0 ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int level)
{
    (void)f, (void)level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *out)
{
    (void)f;
    *out = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    (void)f, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f)
{
    (void)f;
    return 4096;
}

static int file_traits(sqlite3_file *f)
{
    (void)f;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {.iVersion = 1, .xClose = file_close, .xRead = file_read, .xWrite = file_write, .xTruncate = file_truncate,
                                           .xSync = file_sync, .xFileSize = file_size, .xLock = file_lock, .xUnlock = file_lock,
                                           .xCheckReservedLock = file_reserved, .xFileControl = file_control, .xSectorSize = file_sector,
                                           .xDeviceCharacteristics = file_traits};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    fn_ctx ctx = {.arena = NULL};
    vfs_file *f = of(out);
    (void)vfs;
    *f = (vfs_file){.delete_at_end = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
    if (name) (void)snprintf(f->path, sizeof f->path, "%s", name);
    else (void)snprintf(f->path, sizeof f->path, "/tmp/sqlite-%u", temporaries++ % TEMPORARY_MAX);
    const bool create = (flags & SQLITE_OPEN_CREATE) != 0;
    f->sync_folder = create && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL));
    const unsigned how = FN_OPEN_READ | (flags & SQLITE_OPEN_READWRITE ? FN_OPEN_WRITE : 0u) | (create ? FN_OPEN_CREATE : 0u);
    if (files->open(files, &ctx, f->path, how, &f->file) != FN_OK) return SQLITE_CANTOPEN;
    f->base.pMethods = &methods;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    fn_ctx ctx = {.arena = NULL};
    fn_file_info info;
    (void)vfs;
    if (files->stat(files, &ctx, name, &info) != FN_OK) return SQLITE_IOERR_DELETE;
    if (!info.exists) return SQLITE_IOERR_DELETE_NOENT;
    if (files->remove(files, &ctx, name) != FN_OK) return SQLITE_IOERR_DELETE;
    return sync && sync_folder(&ctx, name) != FN_OK ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    fn_ctx ctx = {.arena = NULL};
    fn_file_info info;
    (void)vfs;
    if (files->stat(files, &ctx, name, &info) != FN_OK) return SQLITE_IOERR_ACCESS;
    *out = info.exists && (flags != SQLITE_ACCESS_EXISTS || info.size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)room, "%s", name) < room ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    for (int i = 0; i < size; i++) out[i] = (char)fn_random_u64();
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    sim_sleep((int64_t)us * 1000);
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *days)
{
    (void)vfs;
    *days = (double)fn_clock_realtime_ns() / 86400e9 + 2440587.5;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs, (void)size, (void)out;
    return 0;
}

static sqlite3_vfs vfs = {.iVersion = 1, .szOsFile = sizeof(vfs_file), .mxPathname = PATH_BYTES, .zName = "sim", .xOpen = vfs_open, .xDelete = vfs_delete,
                          .xAccess = vfs_access, .xFullPathname = vfs_full_path, .xRandomness = vfs_random, .xSleep = vfs_sleep,
                          .xCurrentTime = vfs_time, .xGetLastError = vfs_last_error};

void sqlite_vfs_open(fn_fs *fs)
{
    files = fs;
    temporaries = 0;
    FN_ASSERT(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
    sqlite3_randomness(0, NULL); /* begins again from vfs_random */
}

void sqlite_vfs_close(void)
{
    FN_ASSERT(sqlite3_vfs_unregister(&vfs) == SQLITE_OK);
}
