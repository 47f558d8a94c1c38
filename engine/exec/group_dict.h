/* exec/group_dict.h - one numbering for the strings of many dictionaries: what lets dictionary codes be GROUP BY keys across
 * blocks, parts and workers. Each dictionary entry is looked up by value once, when a row first uses it; afterwards a row costs
 * one table read. The numberings of parts' dictionaries (fn_column.lasting) are kept and shared by all queries: an entry is
 * looked up once as long as the part lives. Kept ones are bounded in bytes, and go when parts do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_GROUP_DICT_H
#define FIRN_EXEC_GROUP_DICT_H
#include <firn/column.h>

typedef struct group_dict group_dict; /* referenced; thread-safe */

/* A worker's translation of the dictionaries it met: ids per entry, 0: not looked up yet. */
enum { GROUP_DICT_KNOWN = 8 };
typedef struct group_dict_map {
    struct {
        fn_column *dictionary; /* referenced */
        fn_buffer *ids;        /* _Atomic u32 each; all workers', or this one's own */
    } known[GROUP_DICT_KNOWN];
    uint32_t next;             /* to be replaced */
} group_dict_map;

/* For columns like this DICT one: the kept numbering of its dictionary, or a new one. */
fn_status group_dict_open(fn_ctx *ctx, const fn_column *c, group_dict **out) FN_MUST_USE;
void group_dict_close(group_dict *d); /* NULL is fine */
void group_dict_map_release(group_dict_map *m);
/* Kept ones are charged to the server's tracker, the root of the statement's that made them, with what they have grown to when any is opened
 * or this is called; one it has no room for is forgotten. */
void group_dict_settle(void);
uint64_t group_dict_kept_bytes(uint64_t *most); /* charged, and the bound */
void group_dict_forget(const fn_tracker *memory); /* the tracker ends: those charged to it */
/* ids of rows [from, from + rows) of a String column of any shape; unspecified, but valid, where the row is NULL. */
fn_status group_dict_ids(fn_ctx *ctx, group_dict *d, group_dict_map *m, const fn_column *c, uint32_t from, uint32_t rows, uint32_t *ids) FN_MUST_USE;
uint32_t group_dict_count(group_dict *d); /* ids are 1 to count - 1, and 0, which stands for no string; grows while others add some */
fn_str group_dict_at(const group_dict *d, uint32_t id); /* borrowed */
/* The String column (or a like one) whose rows are these ids, as DICT if that is cheap. Takes the buffers, also on failure. */
fn_status group_dict_column(fn_ctx *ctx, group_dict *d, const fn_type *type, uint32_t rows, fn_buffer *ids_take, fn_buffer *nulls_take, fn_column **out) FN_MUST_USE;
#endif
