/* part_inner.c - parts within a part: the data of projections. An inner part is a whole part file at an offset of the outer one, which
 * names its id and the checksum of its footer; it is opened at its first use and lives as long as the outer part.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"

uint32_t fn_part_inner_count(const fn_part *p)
{
    return p->inner_count;
}

static const uint8_t *entry(const fn_part *p, uint32_t index)
{
    FN_ASSERT(index < p->inner_count);
    return p->inner_list + (size_t)index * INNER_SIZE;
}

static part_reference place(const fn_part *p, uint32_t index)
{
    return part_reference_at(entry(p, index) + (INNER_SIZE - REFERENCE_SIZE));
}

uint64_t fn_part_inner_at(const fn_part *p, uint32_t index, uint64_t *bytes)
{
    if (bytes) *bytes = place(p, index).size;
    return fn_load_u64(entry(p, index));
}

fn_status part_open_inner(fn_ctx *ctx, const fn_part *p, uint32_t index, fn_part **out)
{
    const uint8_t *e = entry(p, index);
    const part_reference at = place(p, index);
    const fn_part_id id = {fn_load_u64(e + 8), fn_load_u64(e + 16)};
    return part_open_at(ctx, p->fs, p->path, at.offset, at.size, id, &at.checksum, out);
}

fn_status fn_part_inner(fn_ctx *ctx, const fn_part *p, uint64_t number, const fn_part **out)
{
    uint32_t index = 0;
    *out = NULL;
    while (index < p->inner_count && fn_part_inner_at(p, index, NULL) != number) index++;
    if (index == p->inner_count) return FN_OK;
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&p->lock; /* opening changes nothing that others see */
    fn_status status = FN_OK;
    (void)pthread_mutex_lock(lock);
    if (!p->inner[index]) status = part_open_inner(ctx, p, index, &p->inner[index]);
    *out = p->inner[index];
    (void)pthread_mutex_unlock(lock);
    return status;
}
