/* group_spill.c - see group_spill.h. Pages grow from 4 to 64 KiB, so that few rows in many partitions stay cheap.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_spill.h"

enum { PAGE_FIRST = 4096, PAGE_LARGEST = 65536 };

void group_spill_init(group_spill *s, uint32_t stride)
{
    memset(s, 0, sizeof *s);
    s->stride = stride;
}

void group_partition_release(group_partition *p)
{
    while (p->pages) {
        group_page *page = p->pages;
        p->pages = page->next;
        fn_buffer_drop(page->memory);
    }
    memset(p, 0, sizeof *p);
}

void group_spill_release(group_spill *s)
{
    for (uint32_t i = 0; i < GROUP_PARTITIONS; i++) group_partition_release(&s->partitions[i]);
    s->rows = 0;
}

uint8_t *group_spill_grow(fn_ctx *ctx, group_spill *s, group_partition *p)
{
    const size_t head = fn_round_up(sizeof(group_page), 64);
    const size_t last = p->pages ? p->pages->memory->size : PAGE_FIRST / 2;
    const size_t size = FN_MAX(FN_MIN(last * 2, (size_t)PAGE_LARGEST), head + s->stride);
    fn_buffer *memory = fn_buffer_new(ctx, size);
    if (!memory) return NULL;
    group_page *page = (group_page *)(void *)memory->data;
    *page = (group_page){.next = p->pages, .memory = memory, .rows = 1};
    p->pages = page;
    uint8_t *row = group_page_row(page, 0, s->stride);
    p->at = row + s->stride;
    p->end = row + (size - head) / s->stride * s->stride;
    p->rows++;
    s->rows++;
    return row;
}
