/* part_attachment.c - reading what hangs on a part beside its columns: whole, checked, through the cache of segments.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"

uint32_t fn_part_attachment_count(const fn_part *p)
{
    return p->attachment_count;
}

uint64_t fn_part_attachment_at(const fn_part *p, uint32_t index, uint64_t *bytes)
{
    FN_ASSERT(index < p->attachment_count);
    const uint8_t *at = p->attachments + (size_t)index * ATTACHMENT_SIZE;
    if (bytes) *bytes = part_reference_at(at + sizeof(uint64_t)).size;
    return fn_load_u64(at);
}

static fn_status fetch(fn_ctx *ctx, const fn_part *p, uint32_t index, bool cached, fn_buffer **out)
{
    const uint8_t *at = p->attachments + (size_t)index * ATTACHMENT_SIZE;
    const uint64_t id = fn_load_u64(at);
    const part_column owner = {.info.id = (uint32_t)id};
    part_want want = {.column = &owner, .number = (uint32_t)(id >> 32), .at = part_reference_at(at + sizeof id)};
    FN_TRY(part_fetch(ctx, p, &want, 1, cached));
    *out = want.bytes;
    return FN_OK;
}

fn_status fn_part_attachment(fn_ctx *ctx, const fn_part *p, uint64_t id, fn_buffer **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < p->attachment_count; i++)
        if (fn_part_attachment_at(p, i, NULL) == id) return fetch(ctx, p, i, true, out);
    return FN_OK;
}

fn_status part_attachment_check(fn_ctx *ctx, const fn_part *p, uint32_t index)
{
    fn_buffer *bytes;
    FN_TRY(fetch(ctx, p, index, false, &bytes));
    fn_buffer_drop(bytes);
    return FN_OK;
}
