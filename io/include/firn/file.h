/* firn/file.h - local files behind a table of functions: real (io_uring where the kernel allows it,
 * pread/pwrite otherwise), in memory for tests, or faulting. Every path of the engine goes through here.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FILE_H
#define FIRN_FILE_H
#include <firn/stream.h>

typedef struct fn_fs fn_fs;     /* a file system: the table of functions */
typedef struct fn_file fn_file; /* an open file */

enum { FN_OPEN_READ = 1, FN_OPEN_WRITE = 2, FN_OPEN_CREATE = 4, FN_OPEN_EXCLUSIVE = 8, FN_OPEN_DIRECT = 16,
       FN_OPEN_SYNCED = 32 /* what is written will be synced: the disk begins with it early */ };

typedef struct fn_file_info {
    uint64_t size;
    int64_t modified_ns;
    bool is_dir, exists;
} fn_file_info;

/* An entry of a folder; more than this costs a call of the system for each of them (stat). */
typedef fn_status fn_list_fn(void *self, fn_ctx *ctx, const char *name, bool is_dir);

/* Errors: FILE_DOESNT_EXIST (107), CANNOT_OPEN_FILE (76), CANNOT_READ_FROM_FILE_DESCRIPTOR (74),
 * CANNOT_WRITE_TO_FILE_DESCRIPTOR (75), CANNOT_FSYNC (204), NOT_ENOUGH_SPACE (243), FILE_ALREADY_EXISTS (504), CANNOT_READ_ALL_DATA (33: a range
 * beyond the end); each names the path. CREATE opens what exists without cutting it; EXCLUSIVE refuses it. DIRECT is a hint.
 * read: any thread; write and sync: one thread per file. */
struct fn_fs {
    fn_status (*open)(fn_fs *fs, fn_ctx *ctx, const char *path, unsigned flags, fn_file **out);
    void (*close)(fn_fs *fs, fn_file *file);
    /* All `count` ranges, deep queue; a short read is an error. */
    fn_status (*read)(fn_fs *fs, fn_ctx *ctx, fn_file *file, const fn_range *ranges, size_t count);
    /* These will be read soon: starts reading where the system can, does not wait, never fails. */
    void (*will_read)(fn_fs *fs, fn_file *file, const fn_range *ranges, size_t count);
    fn_status (*write)(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size);
    /* write and sync in one submission: the sync begins when the write is done. */
    fn_status (*write_sync)(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t offset, const void *bytes, size_t size);
    fn_status (*sync)(fn_fs *fs, fn_ctx *ctx, fn_file *file); /* fdatasync; after a failure the file must be discarded */
    fn_status (*stat)(fn_fs *fs, fn_ctx *ctx, const char *path, fn_file_info *out); /* missing: exists = false, OK */
    fn_status (*list)(fn_fs *fs, fn_ctx *ctx, const char *dir, fn_list_fn *each, void *self);
    fn_status (*make_dir)(fn_fs *fs, fn_ctx *ctx, const char *dir); /* with parents; existing is OK; what it makes is durable */
    fn_status (*sync_dir)(fn_fs *fs, fn_ctx *ctx, const char *dir);
    fn_status (*rename)(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to);
    fn_status (*remove)(fn_fs *fs, fn_ctx *ctx, const char *path);       /* file; missing is OK */
    fn_status (*remove_tree)(fn_fs *fs, fn_ctx *ctx, const char *dir);
    fn_status (*space)(fn_fs *fs, fn_ctx *ctx, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes);
    fn_status (*link)(fn_fs *fs, fn_ctx *ctx, const char *from, const char *to); /* a second name of a file; FILE_ALREADY_EXISTS */
};

fn_fs *fn_fs_local(void);                                /* the machine's files; one for the process */
/* Files in memory: where an engine without a data directory keeps its parts. */
fn_status fn_fs_memory(fn_ctx *ctx, fn_fs **out) FN_MUST_USE;
void fn_fs_memory_free(fn_fs *fs); /* every file is closed */

/* ---- for tests: a disk that loses, tears and refuses ---- */
fn_status fn_fs_disk(fn_ctx *ctx, fn_fs **out) FN_MUST_USE; /* like fn_fs_memory; what was not synced may be lost at a crash */
void fn_fs_disk_seed(fn_fs *fs, uint64_t seed);             /* what happens to un-synced changes; 0 (at first): nothing of them survives */
void fn_fs_disk_crash(fn_fs *fs);                           /* the power went and came again; faults are over. See memory_disk.c */
fn_status fn_fs_disk_copy(fn_fs *fs, fn_ctx *ctx, fn_fs **out) FN_MUST_USE; /* a disk with the same files, all of them durable */
enum { FN_FS_READS = 1, FN_FS_WRITES = 2, FN_FS_SYNCS = 4, FN_FS_NAMES = 8, FN_FS_ANY = 15 };
typedef struct fn_fs_fault {
    unsigned kinds;  /* which calls are counted */
    uint64_t nth;    /* the one that fails, 1 = the next; 0: none */
    fn_status code;  /* FN_NOT_ENOUGH_SPACE, FN_CANNOT_FSYNC ... */
    bool forever;    /* all calls from there on fail too */
    bool flip;       /* a read does not fail: one bit of it is wrong */
    bool hit;        /* out: it has come to pass */
} fn_fs_fault;
void fn_fs_memory_fault(fn_fs *fs, const fn_fs_fault *fault); /* in place of the one before */
bool fn_fs_memory_failed(const fn_fs *fs);                    /* the last fault set has come to pass */
void fn_fs_memory_fail(fn_fs *fs, uint64_t nth, fn_status code); /* of all kinds, once */
uint64_t fn_fs_memory_calls(const fn_fs *fs);                 /* so far, of all kinds */
void fn_fs_memory_limit(fn_fs *fs, uint64_t bytes_max);       /* size of the disk; 0: no limit */
const char *fn_fs_memory_path(const fn_file *file);           /* of an open file */
fn_status fn_fs_memory_cut(fn_fs *fs, fn_ctx *ctx, fn_file *file, uint64_t size) FN_MUST_USE; /* truncates */
fn_status fn_fs_blob(fn_fs *fs, fn_ctx *ctx, const char *path, fn_blob **out) FN_MUST_USE; /* for reading; close with blob->close */
fn_status fn_fs_read_all(fn_fs *fs, fn_ctx *ctx, const char *path, fn_buf *out) FN_MUST_USE;
fn_status fn_fs_source(fn_fs *fs, fn_ctx *ctx, const char *path, fn_source **out) FN_MUST_USE; /* sequential */
uint64_t fn_fs_file_size(const fn_file *file);
#endif
