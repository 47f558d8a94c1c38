/* fault_fs.c - the file system of fault_fs.h as a program: it speaks the kernel's FUSE protocol itself, so that it needs only
 * <linux/fuse.h>, /dev/fuse and the right to mount.
 *
 *   fault_fs MOUNTPOINT [-s MIB] [-m strict|journal]     stays in the foreground until it is unmounted; commands: fault_rules.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "fault_fs.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE_MAX = 1 << 20, NAME_MAX_SIZE = 255, DIRECTORY_BYTES = 65536 };
static int device;

/* ---- answers ---- */
static void reply(uint64_t unique, int error, const void *bytes, size_t size)
{
    struct fuse_out_header head = {.len = (uint32_t)(sizeof head + (error ? 0 : size)), .error = -error, .unique = unique};
    const struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)bytes, size}};
    if (writev(device, parts, error || !size ? 1 : 2) < 0 && errno != ENOENT && errno != ENODEV) perror("fault_fs: reply");
}

/* A rule's answer where only errno values make sense. */
static int error_of(int fault)
{
    return fault >= RULE_SHORT ? EIO : fault;
}

static void fill_attributes(const inode *i, struct fuse_attr *a)
{
    uint64_t used = 0;
    for (size_t k = 0; k < i->live.count; k++) used += i->live.list[k] != NULL;
    *a = (struct fuse_attr){.ino = i->id,
                            .size = i->target ? strlen(i->target) : i->live.size,
                            .blocks = used * (PAGE / SECTOR),
                            .mode = i->mode,
                            .nlink = S_ISDIR(i->mode) ? 2 : (uint32_t)i->live_links,
                            .uid = i->uid,
                            .gid = i->gid,
                            .blksize = PAGE,
                            .mtime = (uint64_t)i->modified.tv_sec,
                            .ctime = (uint64_t)i->modified.tv_sec,
                            .atime = (uint64_t)i->modified.tv_sec,
                            .mtimensec = (uint32_t)i->modified.tv_nsec,
                            .ctimensec = (uint32_t)i->modified.tv_nsec,
                            .atimensec = (uint32_t)i->modified.tv_nsec};
}

static struct fuse_entry_out entry_of(inode *i)
{
    struct fuse_entry_out out = {.nodeid = i->id};
    fill_attributes(i, &out.attr);
    i->lookups++;
    return out;
}

static bool has_room(uint64_t more)
{
    return the_disk.used_pages * PAGE + more <= the_disk.capacity_bytes;
}

/* ---- requests: i is the inode a request is about, in its argument ---- */
typedef void request_fn(const struct fuse_in_header *h, inode *i, void *in);

static const struct fuse_attr control_attributes = {.ino = CONTROL_INODE, .mode = S_IFREG | 0600, .nlink = 1};

static void do_control(const struct fuse_in_header *h, void *in)
{
    const struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
    const struct fuse_attr_out attributes = {.attr = control_attributes};
    static char command[600];
    switch (h->opcode) {
    case FUSE_WRITE: {
        const struct fuse_write_in *w = in;
        const size_t size = w->size < sizeof command - 1 ? w->size : sizeof command - 1;
        const struct fuse_write_out written = {.size = w->size};
        memcpy(command, w + 1, size);
        command[size] = '\0';
        fault_control(command);
        reply(h->unique, 0, &written, sizeof written);
        return;
    }
    case FUSE_READ: {
        const size_t size = strlen(fault_answer()), from = (size_t)((const struct fuse_read_in *)in)->offset;
        reply(h->unique, 0, fault_answer() + (from < size ? from : size), from < size ? size - from : 0);
        return;
    }
    case FUSE_OPEN:
        reply(h->unique, 0, &opened, sizeof opened);
        return;
    case FUSE_GETATTR:
    case FUSE_SETATTR:
        reply(h->unique, 0, &attributes, sizeof attributes);
        return;
    case FUSE_FORGET:
        return;
    case FUSE_RELEASE:
    case FUSE_FLUSH:
    case FUSE_FSYNC:
    case FUSE_ACCESS:
        reply(h->unique, 0, NULL, 0);
        return;
    }
    reply(h->unique, ENOSYS, NULL, 0);
}

static void do_lookup(const struct fuse_in_header *h, inode *i, void *in)
{
    if (i == the_disk.root && strcmp(in, ".ctl") == 0) {
        const struct fuse_entry_out out = {.nodeid = CONTROL_INODE, .attr = control_attributes};
        reply(h->unique, 0, &out, sizeof out);
        return;
    }
    const entry *e = name_find(&i->names, in);
    if (!e) {
        reply(h->unique, ENOENT, NULL, 0);
        return;
    }
    const struct fuse_entry_out out = entry_of(e->to);
    reply(h->unique, 0, &out, sizeof out);
}

static void do_getattr(const struct fuse_in_header *h, inode *i, void *in)
{
    struct fuse_attr_out out = {0};
    (void)in;
    fill_attributes(i, &out.attr);
    reply(h->unique, 0, &out, sizeof out);
}

static void do_setattr(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_setattr_in *s = in;
    if (s->valid & FATTR_SIZE) {
        const int fault = fault_check("truncate", i, NULL);
        if (fault) {
            reply(h->unique, error_of(fault), NULL, 0);
            return;
        }
        data_truncate(i, s->size);
    }
    if (s->valid & FATTR_MODE) i->mode = (i->mode & S_IFMT) | (s->mode & 07777);
    if (s->valid & FATTR_UID) i->uid = s->uid;
    if (s->valid & FATTR_GID) i->gid = s->gid;
    if (s->valid & FATTR_MTIME_NOW) clock_gettime(CLOCK_REALTIME, &i->modified);
    else if (s->valid & FATTR_MTIME) i->modified = (struct timespec){(time_t)s->mtime, s->mtimensec};
    do_getattr(h, i, NULL);
}

static int may_create(inode *dir, const char *name, const char *op)
{
    if (strlen(name) > NAME_MAX_SIZE) return ENAMETOOLONG;
    if (name_find(&dir->names, name)) return EEXIST;
    const int fault = fault_check(op, dir, name);
    return fault ? error_of(fault) : has_room(0) ? 0 : ENOSPC;
}

/* What MKNOD, MKDIR, CREATE and SYMLINK have in common: *out NULL when it failed and was answered. */
static struct fuse_entry_out make_inode(const struct fuse_in_header *h, inode *dir, const char *name, uint32_t mode, inode **out)
{
    const int error = may_create(dir, name, S_ISDIR(mode) ? "mkdir" : "create");
    *out = NULL;
    if (error) {
        reply(h->unique, error, NULL, 0);
        return (struct fuse_entry_out){0};
    }
    *out = name_create(dir, name, mode, h->uid, h->gid);
    return entry_of(*out);
}

static void do_mknod(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_mknod_in *m = in;
    inode *made;
    const struct fuse_entry_out out = make_inode(h, i, (const char *)(m + 1), m->mode & ~m->umask, &made);
    if (made) reply(h->unique, 0, &out, sizeof out);
}

static void do_mkdir(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_mkdir_in *m = in;
    inode *made;
    const struct fuse_entry_out out = make_inode(h, i, (const char *)(m + 1), S_IFDIR | (m->mode & ~m->umask & 07777), &made);
    if (made) reply(h->unique, 0, &out, sizeof out);
}

static void do_create(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_create_in *m = in;
    struct {
        struct fuse_entry_out entry;
        struct fuse_open_out opened;
    } out = {.opened = {.fh = 0}};
    inode *made;
    out.entry = make_inode(h, i, (const char *)(m + 1), S_IFREG | (m->mode & ~m->umask & 07777), &made);
    if (!made) return;
    made->opens++;
    reply(h->unique, 0, &out, sizeof out);
}

static void do_symlink(const struct fuse_in_header *h, inode *i, void *in)
{
    const char *name = in;
    inode *made;
    struct fuse_entry_out out = make_inode(h, i, name, S_IFLNK | 0777, &made);
    if (!made) return;
    made->target = strdup(name + strlen(name) + 1);
    fill_attributes(made, &out.attr);
    reply(h->unique, 0, &out, sizeof out);
}

static void do_readlink(const struct fuse_in_header *h, inode *i, void *in)
{
    (void)in;
    reply(h->unique, i->target ? 0 : EINVAL, i->target, i->target ? strlen(i->target) : 0);
}

static void do_unlink(const struct fuse_in_header *h, inode *i, void *in)
{
    const entry *e = name_find(&i->names, in);
    int error = e ? error_of(fault_check("unlink", i, in)) : ENOENT;
    if (!error && h->opcode == FUSE_RMDIR && names_alive(&e->to->names)) error = ENOTEMPTY;
    reply(h->unique, error ? error : name_unlink(i, in), NULL, 0);
}

static void rename_to(const struct fuse_in_header *h, inode *from, uint64_t to_id, const char *name, unsigned flags)
{
    inode *to = inode_find(to_id);
    const int error = to ? error_of(fault_check("rename", from, name)) : ESTALE;
    reply(h->unique, error ? error : name_rename(from, name, to, name + strlen(name) + 1, flags), NULL, 0);
}

static void do_rename(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_rename_in *r = in;
    rename_to(h, i, r->newdir, (const char *)(r + 1), 0);
}

static void do_rename2(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_rename2_in *r = in;
    rename_to(h, i, r->newdir, (const char *)(r + 1), r->flags);
}

static void do_link(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_link_in *l = in;
    const char *name = (const char *)(l + 1);
    inode *to = inode_find(l->oldnodeid);
    const int error = to ? may_create(i, name, "create") : ESTALE;
    if (error) {
        reply(h->unique, error, NULL, 0);
        return;
    }
    name_link(i, name, to);
    const struct fuse_entry_out out = entry_of(to);
    reply(h->unique, 0, &out, sizeof out);
}

static void do_open(const struct fuse_in_header *h, inode *i, void *in)
{
    const int fault = h->opcode == FUSE_OPEN ? fault_check("open", i, NULL) : 0;
    const struct fuse_open_out out = {.fh = 0};
    (void)in;
    if (h->opcode == FUSE_OPENDIR && !i->opens && i->names.dead) names_squeeze(&i->names);
    i->opens += !fault;
    reply(h->unique, error_of(fault), &out, sizeof out);
}

static void do_release(const struct fuse_in_header *h, inode *i, void *in)
{
    (void)in;
    if (i->opens) i->opens--;
    reply(h->unique, 0, NULL, 0);
}

static void do_nothing(const struct fuse_in_header *h, inode *i, void *in)
{
    (void)i;
    (void)in;
    reply(h->unique, 0, NULL, 0);
}

static void do_read(const struct fuse_in_header *h, inode *i, void *in)
{
    static uint8_t out[WRITE_MAX + PAGE];
    const struct fuse_read_in *r = in;
    const int fault = fault_check("read", i, NULL);
    if (fault && fault < RULE_SHORT) {
        reply(h->unique, fault, NULL, 0);
        return;
    }
    const uint64_t left = r->offset < i->live.size ? i->live.size - r->offset : 0;
    size_t size = (size_t)(left < r->size ? left : r->size);
    if (size > sizeof out) size = sizeof out;
    if (fault == RULE_SHORT) size /= 2;
    for (size_t done = 0, step; done < size; done += step) {
        const uint64_t at = r->offset + done;
        const page *p = at / PAGE < i->live.count ? i->live.list[at / PAGE] : NULL;
        step = PAGE - at % PAGE;
        if (step > size - done) step = size - done;
        if (p) memcpy(out + done, p->bytes + at % PAGE, step);
        else memset(out + done, 0, step);
    }
    if (fault == RULE_FLIP && size) {
        const uint64_t bit = fault_random() % (size * 8);
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    reply(h->unique, 0, out, size);
}

/* New pages that a write takes. */
static uint64_t bytes_needed(const inode *i, uint64_t offset, size_t size)
{
    uint64_t needed = 0;
    for (uint64_t k = offset / PAGE; k <= (offset + size - 1) / PAGE; k++)
        needed += k >= i->live.count || !i->live.list[k] || i->live.list[k]->refs > 1 ? PAGE : 0;
    return needed;
}

static void do_write(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_write_in *w = in;
    const uint8_t *bytes = (const uint8_t *)(w + 1);
    size_t size = w->size;
    counts.writes++;
    int fault = fault_check("write", i, NULL);
    if (fault == RULE_SHORT) size = size > 1 ? size / 2 : size;
    if (fault >= RULE_SHORT) fault = 0;
    if (!fault && size && !has_room(size)) {
        const uint64_t needed = bytes_needed(i, w->offset, size);
        if (needed && !has_room(needed)) fault = ENOSPC;
    }
    if (fault) {
        reply(h->unique, fault, NULL, 0);
        return;
    }
    for (size_t done = 0, step; done < size; done += step) {
        const uint64_t at = w->offset + done;
        step = PAGE - at % PAGE;
        if (step > size - done) step = size - done;
        memcpy(page_to_write(i, at / PAGE)->bytes + at % PAGE, bytes + done, step);
    }
    if (w->offset + size > i->live.size) i->live.size = w->offset + size;
    clock_gettime(CLOCK_REALTIME, &i->modified);
    if (w->flags & O_DSYNC) {
        counts.syncs++;
        data_save(i);
        if (the_disk.journal) names_commit(NULL);
    }
    const struct fuse_write_out out = {.size = (uint32_t)size};
    reply(h->unique, 0, &out, sizeof out);
}

static void do_fsync(const struct fuse_in_header *h, inode *i, void *in)
{
    const bool of_directory = h->opcode == FUSE_FSYNCDIR;
    (void)in;
    if (of_directory) counts.directory_syncs++;
    else counts.syncs++;
    const int fault = fault_check("fsync", i, NULL);
    if (fault == RULE_LOSE && !of_directory) data_lose(i);
    if (!fault) {
        if (!of_directory) data_save(i);
        if (the_disk.journal) names_commit(NULL);
        else if (of_directory) names_commit(i);
    }
    reply(h->unique, error_of(fault), NULL, 0);
}

static void zero_range(inode *i, uint64_t from, uint64_t end)
{
    if (end > i->live.size) end = i->live.size;
    for (uint64_t at = from; at < end;) {
        const uint64_t rest = PAGE - at % PAGE, step = rest < end - at ? rest : end - at;
        if (step == PAGE) page_punch(i, at / PAGE);
        else if (at / PAGE < i->live.count && i->live.list[at / PAGE]) memset(page_to_write(i, at / PAGE)->bytes + at % PAGE, 0, step);
        at += step;
    }
}

static void do_fallocate(const struct fuse_in_header *h, inode *i, void *in)
{
    const struct fuse_fallocate_in *f = in;
    const unsigned zeroing = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
    int error = error_of(fault_check("fallocate", i, NULL));
    if (!error && !(f->mode & zeroing) && f->mode & ~(unsigned)FALLOC_FL_KEEP_SIZE) error = EOPNOTSUPP;
    if (!error && !(f->mode & zeroing) && f->offset + f->length > the_disk.capacity_bytes) error = ENOSPC;
    if (!error && f->mode & zeroing) zero_range(i, f->offset, f->offset + f->length);
    else if (!error && !(f->mode & FALLOC_FL_KEEP_SIZE) && f->offset + f->length > i->live.size) i->live.size = f->offset + f->length;
    reply(h->unique, error, NULL, 0);
}

static void do_statfs(const struct fuse_in_header *h, inode *i, void *in)
{
    const uint64_t total = the_disk.capacity_bytes / PAGE, used = the_disk.used_pages, left = total > used ? total - used : 0;
    const struct fuse_statfs_out out = {.st = {.blocks = total, .bfree = left, .bavail = left, .files = 1 << 20, .ffree = (1 << 20) - the_disk.inodes,
                                               .bsize = PAGE, .frsize = PAGE, .namelen = NAME_MAX_SIZE}};
    (void)i;
    (void)in;
    reply(h->unique, 0, &out, sizeof out);
}

static void do_readdir(const struct fuse_in_header *h, inode *i, void *in)
{
    static char out[DIRECTORY_BYTES];
    const struct fuse_read_in *r = in;
    const size_t room = r->size < sizeof out ? r->size : sizeof out;
    size_t used = 0;
    for (size_t k = (size_t)r->offset; k < i->names.count; k++) {
        const entry *e = &i->names.entries[k];
        if (!e->to) continue;
        const size_t length = strlen(e->name), size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + length);
        if (used + size > room) break;
        memset(out + used, 0, size);
        struct fuse_dirent *d = (struct fuse_dirent *)(void *)(out + used);
        d->ino = e->to->id;
        d->off = k + 1;
        d->namelen = (uint32_t)length;
        d->type = (e->to->mode & S_IFMT) >> 12;
        memcpy(d->name, e->name, length);
        used += size;
    }
    reply(h->unique, 0, out, used);
}

static request_fn *const requests[] = {
    [FUSE_LOOKUP] = do_lookup,     [FUSE_GETATTR] = do_getattr,   [FUSE_SETATTR] = do_setattr, [FUSE_READLINK] = do_readlink, [FUSE_SYMLINK] = do_symlink,
    [FUSE_MKNOD] = do_mknod,       [FUSE_MKDIR] = do_mkdir,       [FUSE_UNLINK] = do_unlink,   [FUSE_RMDIR] = do_unlink,      [FUSE_RENAME] = do_rename,
    [FUSE_LINK] = do_link,         [FUSE_OPEN] = do_open,         [FUSE_READ] = do_read,       [FUSE_WRITE] = do_write,       [FUSE_STATFS] = do_statfs,
    [FUSE_RELEASE] = do_release,   [FUSE_FSYNC] = do_fsync,       [FUSE_FLUSH] = do_nothing,   [FUSE_OPENDIR] = do_open,      [FUSE_READDIR] = do_readdir,
    [FUSE_RELEASEDIR] = do_release, [FUSE_FSYNCDIR] = do_fsync,   [FUSE_ACCESS] = do_nothing,  [FUSE_CREATE] = do_create,     [FUSE_FALLOCATE] = do_fallocate,
    [FUSE_RENAME2] = do_rename2,
};

/* ---- the loop ---- */
static void do_init(const struct fuse_in_header *h, const struct fuse_init_in *in)
{
    const struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
                                      .minor = in->minor < 31 ? in->minor : 31,
                                      .max_readahead = in->max_readahead,
                                      .max_write = WRITE_MAX,
                                      .time_gran = 1,
                                      .max_pages = WRITE_MAX / PAGE,
                                      .max_background = 64,
                                      .congestion_threshold = 48,
                                      .flags = in->flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_DIO | FUSE_DONT_MASK)};
    reply(h->unique, 0, &out, sizeof out);
}

static void forget(uint64_t id, uint64_t lookups)
{
    inode *i = inode_find(id);
    if (!i) return;
    i->lookups = i->lookups > lookups ? i->lookups - lookups : 0;
    inode_release(i);
}

static void forget_many(const struct fuse_batch_forget_in *batch)
{
    const struct fuse_forget_one *list = (const struct fuse_forget_one *)(const void *)(batch + 1);
    for (uint32_t k = 0; k < batch->count; k++) forget(list[k].nodeid, list[k].nlookup);
}

/* False: the file system was unmounted. */
static bool serve(const struct fuse_in_header *h, void *in)
{
    if (h->opcode == FUSE_DESTROY) {
        reply(h->unique, 0, NULL, 0);
        return false;
    }
    if (h->opcode == FUSE_INIT) do_init(h, in);
    else if (h->opcode == FUSE_INTERRUPT) return true;
    else if (h->nodeid == CONTROL_INODE) do_control(h, in);
    else if (h->opcode == FUSE_BATCH_FORGET) forget_many(in);
    else if (h->opcode == FUSE_FORGET) forget(h->nodeid, ((const struct fuse_forget_in *)in)->nlookup);
    else {
        inode *i = inode_find(h->nodeid);
        request_fn *const run = h->opcode < sizeof requests / sizeof requests[0] ? requests[h->opcode] : NULL;
        if (!i || !run) reply(h->unique, i ? ENOSYS : ESTALE, NULL, 0);
        else run(h, i, in);
    }
    return true;
}

int main(int count, char **words)
{
    if (count < 2) {
        (void)fprintf(stderr, "usage: fault_fs MOUNTPOINT [-s MIB] [-m strict|journal]\n");
        return 2;
    }
    for (int k = 2; k + 1 < count; k += 2) {
        if (strcmp(words[k], "-s") == 0) the_disk.capacity_bytes = strtoull(words[k + 1], NULL, 10) << 20;
        if (strcmp(words[k], "-m") == 0) the_disk.journal = strcmp(words[k + 1], "journal") == 0;
    }
    char options[128];
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    (void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other,default_permissions", device, getuid(), getgid());
    if (device < 0 || mount("fault_fs", words[1], "fuse.fault_fs", MS_NOSUID | MS_NODEV, options) != 0) {
        perror("fault_fs: mount");
        return 1;
    }
    the_disk.root = inode_new(S_IFDIR | 0777, getuid(), getgid(), FUSE_ROOT_ID);
    the_disk.root->live_links = 2;
    const size_t size = WRITE_MAX + 8192;
    char *request = malloc(size);
    while (request) {
        const ssize_t got = read(device, request, size);
        if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
        if (got < 0 && errno != ENODEV) perror("fault_fs: read");
        if (got < (ssize_t)sizeof(struct fuse_in_header)) break;
        if (!serve((const struct fuse_in_header *)(void *)request, request + sizeof(struct fuse_in_header))) break;
    }
    free(request);
    return 0;
}
