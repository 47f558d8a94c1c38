/* file/fs_memory.h - inside the memory file system: files, names, and what a crash may do to them. Shared by fs_memory.c (the
 * calls) and memory_disk.c (durability and faults).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FS_MEMORY_H
#define FIRN_FS_MEMORY_H
#include "file/open_file.h"
#include <firn/thread.h>

enum { MEMORY_SECTOR = 512 };

/* A change of a file that no sync has covered yet. */
typedef struct memory_change {
    struct memory_change *next; /* later */
    uint64_t offset;            /* a cut: the new size */
    size_t size;
    bool is_cut;
    uint8_t bytes[];
} memory_change;

/* The bytes behind one or more names; goes with the last name (of now or of the durable state) and the last handle. */
typedef struct memory_node {
    struct memory_node *next, **previous;
    fn_buf now, durable;               /* durable: of a disk alone */
    memory_change *changes, **changes_end; /* between the two */
    uint32_t refs;
} memory_node;

typedef struct memory_name {
    struct memory_name *next;
    memory_node *now, *durable; /* NULL: no such file in this state */
    bool is_dir, was_dir;       /* now; in the durable state */
    char path[];
} memory_name;

typedef struct memory_file {
    fn_file base;
    memory_node *node;
} memory_file;

typedef struct memory_fs {
    fn_fs base;
    pthread_mutex_t lock;
    memory_name *names; /* sorted by path */
    memory_node *nodes;
    unsigned listing;   /* calls of list under way: entries stay */
    bool is_disk;       /* what is not synced is lost at a crash */
    uint64_t random;    /* state; 0: a crash keeps nothing that was not synced */
    uint64_t calls, bytes, bytes_max;
    fn_fs_fault fault;
} memory_fs;

static inline memory_fs *memory_of(fn_fs *fs)
{
    return (memory_fs *)(void *)fs;
}

memory_node *memory_node_ref(memory_node *n);
void memory_node_drop(memory_fs *m, memory_node *n);
fn_status memory_put(fn_ctx *ctx, fn_buf *b, uint64_t offset, const void *bytes, size_t size) FN_MUST_USE;

/* ---- memory_disk.c ---- */
/* Notes a change that sync has to make durable; nothing on plain memory. Before the change itself. */
fn_status memory_note(memory_fs *m, fn_ctx *ctx, memory_node *n, uint64_t offset, const void *bytes, size_t size, bool is_cut) FN_MUST_USE;
fn_status memory_sync_node(memory_fs *m, fn_ctx *ctx, memory_node *n) FN_MUST_USE;
void memory_lose_changes(memory_fs *m, memory_node *n); /* a sync failed: of each change nobody knows; later syncs do not cover it */
void memory_free_changes(memory_node *n);
uint64_t memory_draw(memory_fs *m, uint64_t below);
#endif
