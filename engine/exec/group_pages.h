/* exec/group_pages.h - groups of one worker set aside by partition: rows of {key, states} as in a table's slots, in pages.
 * Partitions of all workers are later merged one by one, each in a table that fits the cache.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_GROUP_PAGES_H
#define FIRN_EXEC_GROUP_PAGES_H
#include "exec/group_table.h"

typedef struct group_page group_page;
struct group_page {
    group_page *next;
    fn_buffer *memory;
    uint32_t rows, from; /* rows before `from` have been moved away; rows: set by group_pages_close */
};
typedef struct group_pages group_pages;
struct group_pages {
    uint8_t *at[GROUP_PARTITIONS], *end[GROUP_PARTITIONS]; /* free space of the newest page: all that the hot loop touches */
    group_page *pages[GROUP_PARTITIONS];                   /* newest first */
    uint32_t stride;
    _Atomic uint64_t bytes; /* of all pages; several workers give pages back */
};

static inline uint8_t *group_page_row(group_page *page, uint32_t row, uint32_t stride)
{
    return (uint8_t *)page + fn_round_up(sizeof *page, 64) + (size_t)row * stride;
}
void group_pages_init(group_pages *s, uint32_t stride);
/* The partition's pages with their numbers of rows, oldest first; they are the caller's. */
group_page *group_pages_take(group_pages *s, uint32_t partition);
void group_page_drop(group_pages *s, group_page *page);
/* Room for one row more; contents undefined. NULL + error. */
uint8_t *group_pages_grow(fn_ctx *ctx, group_pages *s, uint32_t partition) FN_MUST_USE;
static inline uint8_t *group_pages_row(fn_ctx *ctx, group_pages *s, uint32_t partition)
{
    uint8_t *row = s->at[partition];
    if (FN_UNLIKELY(row == s->end[partition])) return group_pages_grow(ctx, s, partition);
    s->at[partition] = row + s->stride;
    return row;
}
#endif
