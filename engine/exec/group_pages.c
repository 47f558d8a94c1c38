/* group_pages.c - see group_pages.h. Pages grow from 4 to 64 KiB, so that few rows in many partitions stay cheap.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_pages.h"

enum { PAGE_FIRST = 4096, PAGE_LARGEST = 65536 };

void group_pages_init(group_pages *s, uint32_t stride)
{
    memset(s, 0, sizeof *s);
    s->stride = stride;
}

/* Until now only the end of the free space says how full the newest page is. */
static void close_page(group_pages *s, uint32_t partition)
{
    group_page *page = s->pages[partition];
    if (page) page->rows = (uint32_t)((size_t)(s->at[partition] - group_page_row(page, 0, s->stride)) / s->stride);
}

group_page *group_pages_take(group_pages *s, uint32_t partition)
{
    close_page(s, partition);
    group_page *oldest = NULL;
    for (group_page *page = s->pages[partition], *older; page; page = older) {
        older = page->next;
        page->next = oldest;
        oldest = page;
    }
    s->pages[partition] = NULL;
    s->at[partition] = s->end[partition] = NULL;
    return oldest;
}

void group_page_drop(group_pages *s, group_page *page)
{
    atomic_fetch_sub_explicit(&s->bytes, page->memory->size, memory_order_relaxed);
    fn_buffer_drop(page->memory);
}

uint8_t *group_pages_grow(fn_ctx *ctx, group_pages *s, uint32_t partition)
{
    const size_t head = fn_round_up(sizeof(group_page), 64);
    const size_t last = s->pages[partition] ? s->pages[partition]->memory->size : PAGE_FIRST / 2;
    const size_t size = FN_MAX(FN_MIN(last * 2, (size_t)PAGE_LARGEST), head + s->stride);
    fn_buffer *memory = fn_buffer_new(ctx, size);
    if (!memory) return NULL;
    close_page(s, partition);
    group_page *page = (group_page *)(void *)memory->data;
    *page = (group_page){.next = s->pages[partition], .memory = memory};
    s->pages[partition] = page;
    atomic_fetch_add_explicit(&s->bytes, size, memory_order_relaxed);
    uint8_t *row = group_page_row(page, 0, s->stride);
    s->at[partition] = row + s->stride;
    s->end[partition] = row + (size - head) / s->stride * s->stride;
    return row;
}
