/* exec/group_dict.h - one numbering for the strings of many dictionaries: what lets dictionary codes be GROUP BY keys across
 * blocks, parts and workers. Each dictionary entry is looked up by value once per worker, when a row first uses it; afterwards
 * a row costs one table read. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_GROUP_DICT_H
#define FIRN_EXEC_GROUP_DICT_H
#include <firn/column.h>
#include <pthread.h>

/* Shared by all workers; behind its lock. */
typedef struct group_dict {
    pthread_mutex_t lock;
    uint32_t *slots;      /* id + 1 */
    uint64_t slot_mask;
    fn_buffer *slot_memory, *hash_memory;
    uint64_t *hashes;     /* per id */
    uint32_t count, room;
    fn_builder values;    /* the strings by id */
    fn_column *finished;  /* made by group_dict_values */
} group_dict;

/* A worker's translation of the dictionaries it met. */
enum { GROUP_DICT_KNOWN = 8 };
typedef struct group_dict_map {
    struct {
        fn_column *dictionary; /* referenced */
        fn_buffer *ids;        /* u32 per entry; UINT32_MAX: not looked up yet */
    } known[GROUP_DICT_KNOWN];
    uint32_t next;             /* to be replaced */
} group_dict_map;

fn_status group_dict_init(fn_ctx *ctx, group_dict *d, const fn_type *type) FN_MUST_USE; /* type of the entries */
void group_dict_release(group_dict *d);
void group_dict_map_release(group_dict_map *m);
/* ids of rows [from, from + rows) of a String column of any shape; unspecified where the row is NULL. */
fn_status group_dict_ids(fn_ctx *ctx, group_dict *d, group_dict_map *m, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids) FN_MUST_USE;
uint32_t group_dict_count(group_dict *d);
/* All strings by id, a borrowed FLAT column; only when no more are added. */
fn_status group_dict_values(fn_ctx *ctx, group_dict *d, const fn_column **out) FN_MUST_USE;
#endif
