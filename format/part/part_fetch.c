/* part_fetch.c - encoded segments from the cache or, all missing ones in one batch, from the file. The file is opened for each batch
 * (3 us against a read of hundreds), so that ten thousand parts need no ten thousand descriptors.
 * Every byte from the disk passes its checksum before anyone sees it. SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"
#include <firn/counts.h>
#include "part/segment_cache.h"

fn_status part_damaged(fn_ctx *ctx, const fn_part *p, const part_column *c, uint64_t offset, const char *what)
{
    return fn_fail(ctx, FN_CORRUPTED_DATA, "Part file %s, column %u, offset %llu: %s", p->path, c->info.id, (unsigned long long)offset, what);
}

static segment_key key_of(const fn_part *p, const part_want *w)
{
    return (segment_key){p->id, w->column->info.id, w->number};
}

/* Buffers for what is missing; charged to nobody: they may stay in the cache. */
static fn_status make_buffers(fn_ctx *ctx, const fn_part *p, part_want *wants, size_t count, fn_range *ranges, size_t *missing)
{
    fn_ctx own = {0};
    for (size_t i = 0; i < count; i++) {
        if (wants[i].bytes) continue;
        wants[i].bytes = fn_buffer_new(&own, (size_t)wants[i].at.size);
        if (!wants[i].bytes) return fn_fail(ctx, own.error.code, "%s", own.error.text);
        ranges[(*missing)++] = (fn_range){p->base + wants[i].at.offset, wants[i].at.size, wants[i].bytes->data};
    }
    return FN_OK;
}

static fn_status verify(fn_ctx *ctx, const fn_part *p, const part_want *w)
{
    const fn_hash128 found = part_checksum(w->bytes->data, w->bytes->size, p->id, w->column->info.id, w->number);
    if (found.low == w->at.checksum.low && found.high == w->at.checksum.high) return FN_OK;
    return fn_fail(ctx, FN_CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data in part file %s, column %u, %llu bytes at offset %llu", p->path,
                   w->column->info.id, (unsigned long long)w->at.size, (unsigned long long)w->at.offset);
}

/* A part that is gone through needs each segment for some blocks in a row. */
static void hold(const fn_part *p, const part_want *w)
{
    part_column *c = &p->columns[w->column - p->columns];
    if (w->number >= REF_ZONES) return;
    fn_buffer_drop(c->held);
    c->held = fn_buffer_ref(w->bytes);
    c->held_number = w->number;
}

static fn_buffer *fetch_kept(const fn_part *p, const part_want *w)
{
    const segment_key key = key_of(p, w);
    if (p->again && w->column->held && w->column->held_number == w->number) return fn_buffer_ref(w->column->held);
    return segment_cache_get(&key);
}

static fn_status read_missing(fn_ctx *ctx, const fn_part *p, part_want *wants, size_t count, const fn_range *ranges, size_t missing, bool cached)
{
    fn_file *file;
    FN_TRY(p->fs->open(p->fs, ctx, p->path, FN_OPEN_READ, &file));
    fn_status status = p->fs->read(p->fs, ctx, file, ranges, missing);
    p->fs->close(p->fs, file);
    for (size_t i = 0; i < missing && status == FN_OK; i++) fn_count(FN_COUNT_COMPRESSED_BYTES, ranges[i].size);
    for (size_t i = 0, r = 0; i < count && r < missing && status == FN_OK; i++) {
        if (wants[i].bytes->data != ranges[r].out) continue; /* from the cache */
        r++;
        status = verify(ctx, p, &wants[i]);
        const segment_key key = key_of(p, &wants[i]);
        if (status == FN_OK && cached && p->again) hold(p, &wants[i]);
        else if (status == FN_OK && cached) segment_cache_put(&key, wants[i].bytes);
    }
    return status;
}

void fn_part_forget(const fn_part *p)
{
    for (uint32_t i = 0; i < p->inner_count; i++)
        if (p->inner[i]) fn_part_forget(p->inner[i]); /* nobody reads any more */
    for (uint32_t i = 0; i < p->column_count; i++) {
        for (uint32_t s = 0; s < p->segments; s++) {
            const segment_key key = {p->id, p->columns[i].info.id, s};
            segment_cache_forget(&key);
        }
    }
    for (uint32_t i = 0; i < p->attachment_count; i++) {
        const uint64_t id = fn_part_attachment_at(p, i, NULL);
        const segment_key key = {p->id, (uint32_t)id, (uint32_t)(id >> 32)};
        segment_cache_forget(&key);
    }
}

fn_status part_fetch(fn_ctx *ctx, const fn_part *p, part_want *wants, size_t count, bool cached)
{
    enum { ON_STACK = 64 };
    fn_range few[ON_STACK], *ranges = few;
    size_t missing = 0;
    fn_status status = FN_OK;
    for (size_t i = 0; i < count; i++) wants[i].bytes = cached ? fetch_kept(p, &wants[i]) : NULL;
    if (count > ON_STACK) {
        ranges = fn_alloc(ctx, count * sizeof *ranges);
        if (!ranges) status = ctx->error.code;
    }
    if (status == FN_OK) status = make_buffers(ctx, p, wants, count, ranges, &missing);
    if (status == FN_OK && missing) status = read_missing(ctx, p, wants, count, ranges, missing, cached);
    if (ranges != few) fn_free(ranges);
    if (status == FN_OK) return FN_OK;
    for (size_t i = 0; i < count; i++) {
        fn_buffer_drop(wants[i].bytes);
        wants[i].bytes = NULL;
    }
    return status;
}
