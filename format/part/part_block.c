/* part_block.c - blocks of granules out of a part, hints, and the full check. SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"

static uint32_t segment_of(const fn_part *p, uint32_t granule)
{
    uint32_t low = 0, high = p->segments; /* first_granule[low] <= granule < first_granule[high] */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (p->first_granule[middle] <= granule) low = middle;
        else high = middle;
    }
    return low;
}

static uint32_t rows_in(const fn_part *p, uint32_t first, uint32_t granules)
{
    const uint64_t from = (uint64_t)first * FN_GRANULE_ROWS, to = FN_MIN(p->rows, (uint64_t)(first + granules) * FN_GRANULE_ROWS);
    return (uint32_t)(to - from);
}

/* The columns of a block whose segments are there: wants[i * per_column ..]. */
static fn_status build_block(fn_ctx *ctx, const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first, uint32_t granules,
                             const row_pick *pick, const part_want *wants, uint32_t per_column, fn_block *block)
{
    segment_view views[FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS + 1];
    const uint32_t rows = granules ? rows_in(p, first, granules) : 0;
    for (uint32_t i = 0; i < column_count; i++) {
        for (uint32_t k = 0; k < per_column; k++) {
            const part_want *w = &wants[(size_t)i * per_column + k];
            views[k] = (segment_view){w->bytes->data, w->bytes->size, w->at.offset, w->number};
        }
        FN_TRY(part_column_read(ctx, p, columns[i], views, first, granules, rows, pick, &block->columns[i]));
    }
    return FN_OK;
}

static fn_status read_block(fn_ctx *ctx, const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first, uint32_t granules,
                            const row_pick *pick, bool cached, fn_block **out)
{
    enum { ON_STACK = 32 };
    FN_ASSERT(granules <= FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS && first <= p->granules && granules <= p->granules - first);
    part_want few[ON_STACK], *wants = few;
    const uint32_t rows = pick ? pick->count : granules ? rows_in(p, first, granules) : 0;
    const uint32_t segment = granules ? segment_of(p, first) : 0, per_column = granules ? segment_of(p, first + granules - 1) - segment + 1 : 0;
    const size_t count = (size_t)column_count * per_column;
    if (count > ON_STACK) {
        wants = fn_alloc(ctx, count * sizeof *wants);
        FN_TRY_PTR(ctx, wants);
    }
    for (size_t i = 0; i < count; i++) {
        const part_column *c = &p->columns[columns[i / per_column]];
        const uint32_t number = segment + (uint32_t)(i % per_column);
        wants[i] = (part_want){.column = c, .number = number, .at = part_segment_at(c, number)};
    }
    fn_block *block = fn_block_new(ctx, column_count, rows);
    fn_status status = block ? part_fetch(ctx, p, wants, count, cached) : ctx->error.code;
    if (status == FN_OK) {
        status = build_block(ctx, p, columns, column_count, first, granules, pick, wants, per_column, block);
        for (size_t i = 0; i < count; i++) fn_buffer_drop(wants[i].bytes);
    }
    if (wants != few) fn_free(wants);
    if (status == FN_OK) *out = block;
    else fn_block_drop(block);
    return status;
}

fn_status fn_part_read(fn_ctx *ctx, const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first, uint32_t granules, fn_block **out)
{
    for (uint32_t i = 0; i < column_count; i++) FN_ASSERT(columns[i] < p->column_count);
    return read_block(ctx, p, columns, column_count, first, granules, NULL, true, out);
}

fn_status fn_part_read_rows(fn_ctx *ctx, const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first, uint32_t granules,
                            const uint32_t *rows, uint32_t count, fn_block **out)
{
    for (uint32_t i = 0; i < column_count; i++) FN_ASSERT(columns[i] < p->column_count);
    FN_ASSERT(count == 0 || (granules && first < p->granules && rows[count - 1] < rows_in(p, first, granules)));
    const row_pick pick = {rows, count};
    return read_block(ctx, p, columns, column_count, first, granules, &pick, true, out);
}

void fn_part_prefetch(const fn_part *p, const uint32_t *columns, uint32_t column_count, uint32_t first, uint32_t granules)
{
    enum { BATCH = 64 };
    if (granules == 0 || first >= p->granules) return;
    const uint32_t from = segment_of(p, first), to = segment_of(p, FN_MIN(first + granules, p->granules) - 1);
    fn_range ranges[BATCH];
    size_t count = 0;
    fn_ctx ctx = {0}; /* a hint: failures show when the bytes are read */
    fn_file *file;
    if (p->fs->open(p->fs, &ctx, p->path, FN_OPEN_READ, &file) != FN_OK) return;
    for (uint32_t i = 0; i < column_count; i++) {
        for (uint32_t s = from; s <= to; s++) {
            const part_reference at = part_segment_at(&p->columns[columns[i]], s);
            ranges[count++] = (fn_range){p->base + at.offset, at.size, NULL};
            if (count < BATCH) continue;
            p->fs->will_read(p->fs, file, ranges, count);
            count = 0;
        }
    }
    p->fs->will_read(p->fs, file, ranges, count);
    p->fs->close(p->fs, file);
}

static fn_status check_column(fn_ctx *ctx, const fn_part *p, uint32_t index)
{
    enum { STEP = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS };
    const part_column *c = &p->columns[index];
    const fn_part_zones *zones;
    FN_TRY(fn_part_zones_of(ctx, p, index, &zones));
    for (uint32_t i = 0; i < c->streams; i++) {
        const fn_column *dictionary;
        uint8_t flags;
        FN_TRY(part_dictionary(ctx, p, index, i, &dictionary, &flags));
        if (dictionary) FN_TRY(fn_column_check(ctx, dictionary));
    }
    for (uint32_t g = 0; g < p->granules; g += STEP) {
        fn_block *block;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(read_block(ctx, p, &index, 1, g, FN_MIN(p->granules - g, (uint32_t)STEP), NULL, false, &block));
        const fn_status status = fn_column_check(ctx, block->columns[0]);
        fn_block_drop(block);
        FN_TRY(status);
    }
    return FN_OK;
}

static fn_status check_opened(fn_ctx *ctx, const fn_part *fresh)
{
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < fresh->column_count && status == FN_OK; i++) status = check_column(ctx, fresh, i);
    for (uint32_t i = 0; i < fresh->attachment_count && status == FN_OK; i++) status = part_attachment_check(ctx, fresh, i);
    for (uint32_t i = 0; i < fresh->inner_count && status == FN_OK; i++) {
        fn_part *inner;
        FN_TRY(part_open_inner(ctx, fresh, i, &inner));
        status = check_opened(ctx, inner);
        fn_part_drop(inner);
    }
    return status;
}

/* The part is opened anew, so that footer, zones and dictionaries come from the disk as well. */
fn_status fn_part_check(fn_ctx *ctx, const fn_part *p)
{
    fn_part *fresh;
    FN_TRY(part_open_at(ctx, p->fs, p->path, p->base, p->base ? p->file_bytes : 0, p->id, &p->checksum, &fresh));
    const fn_status status = check_opened(ctx, fresh);
    fn_part_drop(fresh);
    return status;
}
