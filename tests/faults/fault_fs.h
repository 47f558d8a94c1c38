/* faults/fault_fs.h - a small file system in memory that forgets what was not synced and fails on demand: the parts of one program.
 *
 * Every inode has a live state (what programs see) and a durable state (what the "disk" has). fsync, fdatasync and O_DSYNC writes copy
 * live data to durable. Names become durable
 *   strict : when their directory itself is synced (all that POSIX promises)
 *   journal: at any fsync, all names changed so far at once, in order (as ext4 and XFS do)
 * A rename is atomic in both. Pages are shared between the two states until one of them changes.
 * Being a file system it sees every write however it was issued: pwrite, mmap, O_DIRECT, io_uring. It keeps everything in memory and
 * runs in one thread; xattrs, O_TMPFILE and reflinks are not there, syncfs does not count as a sync.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_FS_H
#define FAULT_FS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { PAGE = 4096, SECTOR = 512, CONTROL_INODE = 2, INODE_BUCKETS = 65536 };

typedef struct page {
    uint32_t refs;
    uint8_t bytes[PAGE];
} page;

typedef struct pages { /* NULL: a hole */
    page **list;
    size_t count;
    uint64_t size;     /* of the file, in bytes */
} pages;

typedef struct inode inode;
typedef struct entry {
    char *name; /* NULL: the entry was removed */
    uint32_t hash;
    inode *to;
} entry;
typedef struct directory {
    entry *entries;
    size_t count, capacity, dead;
} directory;

struct inode {
    uint64_t id, lookups; /* lookups: what the kernel holds */
    inode *next;          /* in the table */
    uint32_t mode, uid, gid, opens;
    int live_links, durable_links, logged; /* logged: changes under way that name it */
    struct timespec modified;
    pages live, durable;
    uint8_t *lost;        /* per live page: an fsync failed and forgot it */
    directory names, durable_names;
    inode *parent;
    char *target;         /* of a symbolic link */
};

/* ---- fault_disk.c: inodes, pages, names, power cuts ---- */
typedef struct disk {
    inode *root, *table[INODE_BUCKETS];
    uint64_t next_id, inodes, used_pages, capacity_bytes, cuts, pending;
    bool journal;
} disk;
extern disk the_disk;

uint64_t fault_random(void);
inode *inode_find(uint64_t id);
inode *inode_new(uint32_t mode, uint32_t uid, uint32_t gid, uint64_t id); /* id 0: the next one */
void inode_release(inode *i); /* frees it when neither names nor the kernel hold it */
page *page_to_write(inode *i, size_t index);
void page_punch(inode *i, size_t index);
void data_truncate(inode *i, uint64_t size);
void data_save(inode *i);          /* live becomes durable, but for lost pages */
void data_lose(inode *i);          /* what is unsynced counts as synced and is not */
size_t data_unsynced(const inode *i);
entry *name_find(directory *d, const char *name);
size_t names_alive(const directory *d);
void names_squeeze(directory *d);
/* Changes of names, logged until they are durable. Errors are errno values. */
inode *name_create(inode *dir, const char *name, uint32_t mode, uint32_t uid, uint32_t gid);
void name_link(inode *dir, const char *name, inode *to);
int name_unlink(inode *dir, const char *name);
int name_rename(inode *from, const char *from_name, inode *to, const char *to_name, unsigned flags);
void names_commit(inode *only); /* of one directory; NULL: of all */
void fault_cut(const char *how, uint64_t seed, char *answer, size_t size);

/* ---- fault_rules.c: the control file ---- */
enum { RULE_SHORT = 1001, RULE_FLIP, RULE_LOSE }; /* beside errno values */
int fault_check(const char *op, inode *i, const char *leaf); /* 0, an errno value or RULE_... */
void fault_control(char *command);
const char *fault_answer(void);
typedef struct fault_counts {
    uint64_t writes, syncs, directory_syncs, fired;
} fault_counts;
extern fault_counts counts;
#endif
