/* exec/group_spill.h - groups of one worker set aside by partition: rows of {key, states} as in a table's slots, in pages.
 * Partitions of all workers are later merged one by one, each in a table that fits the cache.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_GROUP_SPILL_H
#define FIRN_EXEC_GROUP_SPILL_H
#include "exec/group_table.h"

typedef struct group_page group_page;
struct group_page {
    group_page *next;
    fn_buffer *memory;
    uint32_t rows, from; /* rows before `from` have been moved away */
};
typedef struct group_partition {
    group_page *pages;   /* newest first */
    uint8_t *at, *end;   /* free space of the newest */
    uint64_t rows;
} group_partition;
typedef struct group_spill {
    group_partition partitions[GROUP_PARTITIONS];
    uint32_t stride;
    uint64_t rows;
} group_spill;

static inline uint8_t *group_page_row(group_page *page, uint32_t row, uint32_t stride)
{
    return (uint8_t *)page + fn_round_up(sizeof *page, 64) + (size_t)row * stride;
}
void group_spill_init(group_spill *s, uint32_t stride);
void group_spill_release(group_spill *s);
void group_partition_release(group_partition *p);
/* Room for one row more; contents undefined. NULL + error. */
uint8_t *group_spill_grow(fn_ctx *ctx, group_spill *s, group_partition *p) FN_MUST_USE;
static inline uint8_t *group_spill_row(fn_ctx *ctx, group_spill *s, uint32_t partition)
{
    group_partition *p = &s->partitions[partition];
    if (FN_UNLIKELY(p->at == p->end)) return group_spill_grow(ctx, s, p);
    uint8_t *row = p->at;
    p->at += s->stride;
    p->pages->rows++;
    p->rows++;
    s->rows++;
    return row;
}
#endif
