/* test_file.c - the two file systems behind one door: what is written is read, errors name the path and carry ClickHouse's codes,
 * un-synced data is lost or torn at a crash of the memory disk, and its n-th call fails when asked.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/file.h>
#include <firn/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

static fn_status count_name(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    (void)ctx;
    (void)strncat(self, name, 20);
    (void)strncat(self, is_dir ? "/ " : " ", 20);
    return FN_OK;
}

static void check_errors(fn_ctx *ctx, fn_fs *fs, const char *dir)
{
    char path[512];
    fn_file *f;
    (void)snprintf(path, sizeof path, "%s/absent", dir);
    CHECK(fs->open(fs, ctx, path, FN_OPEN_READ, &f) == FN_FILE_DOESNT_EXIST && strstr(ctx->error.text, path));
    fn_error_clear(ctx);
    CHECK(fs->open(fs, ctx, dir, FN_OPEN_READ, &f) == FN_CANNOT_OPEN_FILE && strstr(ctx->error.text, dir));
    fn_error_clear(ctx);
    CHECK(fs->remove(fs, ctx, path) == FN_OK);
    fn_file_info info;
    CHECK(fs->stat(fs, ctx, path, &info) == FN_OK && !info.exists);
    (void)snprintf(path, sizeof path, "%s/big", dir);
    CHECK(fs->open(fs, ctx, path, FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE, &f) == FN_FILE_ALREADY_EXISTS);
    fn_error_clear(ctx);
    CHECK(fs->open(fs, ctx, path, FN_OPEN_READ, &f) == FN_OK);
    char bytes[16];
    const fn_range beyond = {fn_fs_file_size(f) - 4, 5, bytes};
    CHECK(fs->read(fs, ctx, f, &beyond, 1) == FN_CANNOT_READ_ALL_DATA && strstr(ctx->error.text, path));
    fn_error_clear(ctx);
    fs->close(fs, f);
}

static void check_bytes(fn_ctx *ctx, fn_fs *fs, const char *dir)
{
    enum { SIZE = 3000001, RANGES = 200 };
    char path[512], deep[512], names[256] = "";
    fn_file *f;
    uint8_t *data = fn_alloc(ctx, SIZE), *got = fn_alloc(ctx, SIZE);
    for (size_t i = 0; i < SIZE; i++) data[i] = (uint8_t)(i * 7 + i / 251);
    (void)snprintf(deep, sizeof deep, "%s/a/b/c", dir);
    CHECK(fs->make_dir(fs, ctx, deep) == FN_OK && fs->make_dir(fs, ctx, deep) == FN_OK);
    (void)snprintf(path, sizeof path, "%s/new", dir);
    CHECK(fs->open(fs, ctx, path, FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE, &f) == FN_OK);
    CHECK(fs->write(fs, ctx, f, 0, data, 1000000) == FN_OK);
    CHECK(fs->write(fs, ctx, f, 1000000, data + 1000000, 5) == FN_OK);
    CHECK(fs->write_sync(fs, ctx, f, 1000005, data + 1000005, SIZE - 1000005) == FN_OK);
    CHECK(fs->sync(fs, ctx, f) == FN_OK && fn_fs_file_size(f) == SIZE);
    fs->close(fs, f);
    (void)snprintf(deep, sizeof deep, "%s/big", dir);
    CHECK(fs->rename(fs, ctx, path, deep) == FN_OK && fs->sync_dir(fs, ctx, dir) == FN_OK);
    CHECK(fs->list(fs, ctx, dir, count_name, names) == FN_OK && strcmp(names, "a/ big ") == 0);
    fn_blob *b;
    CHECK(fn_fs_blob(fs, ctx, deep, &b) == FN_OK && b->size == SIZE);
    fn_range ranges[RANGES];
    size_t at = 0;
    for (size_t i = 0; i < RANGES; i++) {
        const size_t from = fn_random_u64() % SIZE, wish = i == 7 ? 0 : fn_random_u64() % 14000, size = FN_MIN(wish, SIZE - from);
        ranges[i] = (fn_range){from, size, got + at};
        at += size;
    }
    CHECK(b->read(b, ctx, ranges, RANGES) == FN_OK);
    for (size_t i = 0; i < RANGES; i++) CHECK(ranges[i].size == 0 || memcmp(ranges[i].out, data + ranges[i].offset, ranges[i].size) == 0);
    b->close(b);
    fn_buf all = FN_BUF_INIT;
    CHECK(fn_fs_read_all(fs, ctx, deep, &all) == FN_OK && all.size == SIZE && memcmp(all.data, data, SIZE) == 0);
    fn_buf_release(&all);
    fn_source *s;
    CHECK(fn_fs_source(fs, ctx, deep, &s) == FN_OK);
    size_t n, total = 0;
    while (s->read(s, ctx, got, 70000, &n) == FN_OK && n) {
        CHECK(memcmp(got, data + total, n) == 0);
        total += n;
    }
    CHECK(total == SIZE);
    s->close(s);
    uint64_t free_bytes, total_bytes;
    CHECK(fs->space(fs, ctx, dir, &free_bytes, &total_bytes) == FN_OK && free_bytes <= total_bytes);
    fn_free(data);
    fn_free(got);
}

static void check_crash(fn_ctx *ctx, fn_fs *fs)
{
    fn_file *f;
    fn_file_info info;
    CHECK(fs->make_dir(fs, ctx, "/d") == FN_OK);
    CHECK(fs->open(fs, ctx, "/d/x", FN_OPEN_WRITE | FN_OPEN_CREATE, &f) == FN_OK);
    CHECK(fs->write_sync(fs, ctx, f, 0, "one", 3) == FN_OK && fs->sync_dir(fs, ctx, "/d") == FN_OK);
    CHECK(fs->write(fs, ctx, f, 3, "two", 3) == FN_OK);
    fs->close(fs, f);
    CHECK(fs->open(fs, ctx, "/d/y", FN_OPEN_WRITE | FN_OPEN_CREATE, &f) == FN_OK);
    CHECK(fs->write_sync(fs, ctx, f, 0, "lost name", 9) == FN_OK);
    fs->close(fs, f);
    fn_fs_disk_crash(fs);
    CHECK(fs->stat(fs, ctx, "/d/x", &info) == FN_OK && info.exists && info.size == 3);
    CHECK(fs->stat(fs, ctx, "/d/y", &info) == FN_OK && !info.exists);
    CHECK(fs->remove(fs, ctx, "/d/x") == FN_OK);
    fn_fs_disk_crash(fs);
    CHECK(fs->stat(fs, ctx, "/d/x", &info) == FN_OK && info.exists);
    fn_fs_memory_fail(fs, 2, FN_NOT_ENOUGH_SPACE);
    CHECK(fs->stat(fs, ctx, "/d/x", &info) == FN_OK);
    CHECK(fs->remove(fs, ctx, "/d/x") == FN_NOT_ENOUGH_SPACE && strstr(ctx->error.text, "/d/x"));
    fn_error_clear(ctx);
    CHECK(fs->remove(fs, ctx, "/d/x") == FN_OK);
}

/* What a crash may leave of a write that was not synced: nothing, all, its first sectors, some of them; bytes beside it never change. */
static void check_torn(fn_ctx *ctx)
{
    enum { SIZE = 4 * 512 };
    bool nothing = false, all = false, some = false;
    for (uint64_t seed = 1; seed < 200; seed++) {
        char before[SIZE], after[SIZE], got[SIZE];
        fn_fs *fs;
        fn_file *f;
        memset(before, 'a', SIZE);
        memset(after, 'b', SIZE);
        CHECK(fn_fs_disk(ctx, &fs) == FN_OK);
        fn_fs_disk_seed(fs, seed);
        CHECK(fs->open(fs, ctx, "/x", FN_OPEN_WRITE | FN_OPEN_CREATE, &f) == FN_OK && fs->write_sync(fs, ctx, f, 0, before, SIZE) == FN_OK);
        CHECK(fs->sync_dir(fs, ctx, "/") == FN_OK && fs->write(fs, ctx, f, 100, after, SIZE - 200) == FN_OK);
        fs->close(fs, f);
        fn_fs_disk_crash(fs);
        const fn_range range = {0, SIZE, got};
        CHECK(fs->open(fs, ctx, "/x", FN_OPEN_READ, &f) == FN_OK && fs->read(fs, ctx, f, &range, 1) == FN_OK);
        fs->close(fs, f);
        size_t changed = 0;
        for (size_t i = 0; i < SIZE; i++) {
            changed += got[i] == 'b';
            CHECK(i % 512 == 0 || i == 100 || i == SIZE - 100 || got[i] == got[i - 1]);
        }
        CHECK(memcmp(got, before, 100) == 0 && memcmp(got + SIZE - 100, before, 100) == 0);
        nothing |= changed == 0;
        all |= changed == SIZE - 200;
        some |= changed != 0 && changed != SIZE - 200;
        fn_fs_memory_free(fs);
    }
    CHECK(nothing && all && some);
}

/* A sync that failed has lost what it was to save, whatever a second one says; a full disk; a wrong bit; a copy. */
static void check_disk(fn_ctx *ctx)
{
    fn_fs *fs, *copy;
    fn_file *f;
    char got[4];
    const fn_range range = {0, 4, got};
    const fn_fs_fault lost = {.kinds = FN_FS_SYNCS, .nth = 1, .code = FN_CANNOT_FSYNC}, wrong = {.kinds = FN_FS_READS, .nth = 1, .flip = true};
    CHECK(fn_fs_disk(ctx, &fs) == FN_OK && fs->open(fs, ctx, "/x", FN_OPEN_WRITE | FN_OPEN_CREATE, &f) == FN_OK);
    CHECK(fs->write_sync(fs, ctx, f, 0, "abcd", 4) == FN_OK && fs->sync_dir(fs, ctx, "/") == FN_OK);
    fn_fs_memory_fault(fs, &lost);
    CHECK(fs->write_sync(fs, ctx, f, 0, "efgh", 4) == FN_CANNOT_FSYNC && fn_fs_memory_failed(fs));
    fn_error_clear(ctx);
    CHECK(fs->sync(fs, ctx, f) == FN_OK && fs->read(fs, ctx, f, &range, 1) == FN_OK && memcmp(got, "efgh", 4) == 0);
    fn_fs_disk_crash(fs);
    CHECK(fs->read(fs, ctx, f, &range, 1) == FN_OK && memcmp(got, "abcd", 4) == 0);
    fn_fs_memory_fault(fs, &wrong);
    CHECK(fs->read(fs, ctx, f, &range, 1) == FN_OK && memcmp(got, "abcd", 4) != 0);
    fn_fs_memory_limit(fs, 6);
    CHECK(fs->write(fs, ctx, f, 4, "xyz", 3) == FN_NOT_ENOUGH_SPACE);
    fn_error_clear(ctx);
    CHECK(fs->write(fs, ctx, f, 4, "xy", 2) == FN_OK && fn_fs_memory_cut(fs, ctx, f, 3) == FN_OK && fn_fs_file_size(f) == 3);
    fs->close(fs, f);
    CHECK(fn_fs_disk_copy(fs, ctx, &copy) == FN_OK);
    fn_fs_disk_crash(copy);
    fn_buf all = FN_BUF_INIT;
    CHECK(fn_fs_read_all(copy, ctx, "/x", &all) == FN_OK && all.size == 3 && memcmp(all.data, "abc", 3) == 0);
    fn_buf_release(&all);
    fn_fs_memory_free(copy);
    fn_fs_memory_free(fs);
}

/* In a child whose kernel refuses rings, as containers often do: everything works by plain system calls. */
static void check_without_ring(fn_ctx *ctx)
{
    char dir[] = "/tmp/firn_file_XXXXXX";
    fn_fs *local = fn_fs_local();
    int outcome = 1;
    const pid_t child = fork();
    if (child == 0) {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog filter = {FN_COUNT(code), code};
        CHECK(mkdtemp(dir) != NULL);
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
        check_bytes(ctx, local, dir);
        CHECK(local->remove_tree(local, ctx, dir) == FN_OK);
        _exit(failures != 0);
    }
    CHECK(child > 0 && waitpid(child, &outcome, 0) == child && WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
}

int main(void)
{
    fn_ctx ctx = {0};
    check_without_ring(&ctx); /* before this process has a ring */
    char dir[] = "/tmp/firn_file_XXXXXX";
    fn_fs *memory, *local = fn_fs_local();
    CHECK(mkdtemp(dir) != NULL);
    check_bytes(&ctx, local, dir);
    check_errors(&ctx, local, dir);
    CHECK(local->remove_tree(local, &ctx, dir) == FN_OK && access(dir, F_OK) != 0);
    CHECK(fn_fs_disk(&ctx, &memory) == FN_OK && memory->make_dir(memory, &ctx, "/m") == FN_OK);
    check_bytes(&ctx, memory, "/m");
    check_errors(&ctx, memory, "/m");
    check_crash(&ctx, memory);
    fn_fs_memory_free(memory);
    check_torn(&ctx);
    check_disk(&ctx);
    if (ctx.error.code) printf("left over: %s\n", ctx.error.text);
    printf("%d failures\n", failures);
    return failures != 0;
}
