/* spill_parts.c - see spill_parts.h. SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill_parts.h"

fn_status spill_parts_open(fn_ctx *ctx, spill_share *share, spill_use use, spill_parts **out)
{
    spill_parts *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    const fn_status status = spill_file_open(ctx, share, use, &p->file);
    if (status != FN_OK) fn_free(p);
    else *out = p;
    return status;
}

void spill_parts_close(spill_parts *p)
{
    if (!p) return;
    for (uint32_t i = 0; i < SPILL_PARTS; i++) fn_free(p->parts[i].frames);
    fn_buf_release(&p->scratch);
    fn_free(p->numbers);
    fn_free(p->order);
    spill_file_close(p->file);
    fn_free(p);
}

static fn_status add_rows(fn_ctx *ctx, spill_parts *p, spill_part *part, const fn_block *block, const uint32_t *rows, uint32_t count)
{
    if (part->count == part->room) {
        const uint32_t room = part->room ? part->room * 2 : 8;
        spill_frame *more = fn_realloc(ctx, part->frames, room * sizeof *more);
        FN_TRY_PTR(ctx, more);
        part->frames = more;
        part->room = room;
    }
    fn_block *taken = fn_block_take(ctx, block, rows, count);
    FN_TRY_PTR(ctx, taken);
    const uint64_t bytes = spill_block_bytes(taken);
    const fn_status status = spill_block_write(ctx, p->file, taken, &p->scratch, &part->frames[part->count]);
    fn_block_drop(taken);
    FN_TRY(status);
    part->count++;
    part->rows += count;
    part->bytes += bytes;
    return FN_OK;
}

static fn_status reserve(fn_ctx *ctx, spill_parts *p, uint32_t rows)
{
    if (rows <= p->room) return FN_OK;
    fn_free(p->numbers);
    fn_free(p->order);
    p->room = 0;
    p->numbers = fn_alloc(ctx, rows);
    p->order = fn_alloc(ctx, (size_t)rows * sizeof *p->order);
    if (!p->numbers || !p->order) return ctx->error.code;
    p->room = rows;
    return FN_OK;
}

/* Rows of a block sorted by partition, each partition's in order. */
static fn_status add_block(fn_ctx *ctx, spill_parts *p, const fn_block *block, spill_number_fn *number, void *arg)
{
    uint32_t ends[SPILL_PART_NONE + 1] = {0};
    FN_TRY(reserve(ctx, p, block->rows));
    uint8_t *const numbers = p->numbers;
    uint32_t *const rows = p->order;
    FN_TRY(number(arg, ctx, block, numbers));
    for (uint32_t i = 0; i < block->rows; i++) ends[numbers[i]]++;
    for (uint32_t n = 0, at = 0; n < FN_COUNT(ends); n++) {
        const uint32_t count = ends[n];
        ends[n] = at;
        at += count;
    }
    for (uint32_t i = 0; i < block->rows; i++) rows[ends[numbers[i]]++] = i;
    for (uint32_t n = 0, from = 0; n < SPILL_PARTS; from = ends[n++])
        if (ends[n] > from) FN_TRY(add_rows(ctx, p, &p->parts[n], block, rows + from, ends[n] - from));
    return FN_OK;
}

/* Several blocks as one. */
static fn_block *join_blocks(fn_ctx *ctx, fn_block *const *blocks, uint32_t count, uint32_t rows)
{
    if (count == 1) return fn_block_ref(blocks[0]);
    fn_block *out = fn_block_new(ctx, blocks[0]->count, rows);
    fn_column **parts = out ? fn_alloc(ctx, count * sizeof *parts) : NULL;
    bool whole = parts != NULL;
    for (uint32_t c = 0; whole && c < out->count; c++) {
        for (uint32_t i = 0; i < count; i++) parts[i] = blocks[i]->columns[c];
        out->columns[c] = fn_column_concat(ctx, parts, count);
        whole = out->columns[c] != NULL;
    }
    fn_free(parts);
    if (whole) return out;
    fn_block_drop(out);
    return NULL;
}

fn_status spill_parts_add(fn_ctx *ctx, spill_parts *p, row_list *list, spill_number_fn *number, void *arg)
{
    fn_status status = FN_OK;
    uint32_t from = 0;
    while (from < list->count && status == FN_OK) {
        uint32_t count = 0, rows = 0;
        do rows += list->blocks[from + count++]->rows;
        while (from + count < list->count && rows + list->blocks[from + count]->rows <= SPILL_PARTS_ROWS);
        status = fn_ctx_check(ctx);
        fn_block *block = status == FN_OK ? join_blocks(ctx, list->blocks + from, count, rows) : NULL;
        if (status == FN_OK) status = block ? add_block(ctx, p, block, number, arg) : ctx->error.code;
        fn_block_drop(block);
        for (uint32_t i = from; i < from + count; i++) fn_block_drop(list->blocks[i]);
        from += count;
    }
    if (!from) return FN_OK;
    memmove(list->blocks, list->blocks + from, (list->count - from) * sizeof *list->blocks);
    list->count -= from;
    list->rows = 0;
    for (uint32_t i = 0; i < list->count; i++) list->rows += list->blocks[i]->rows;
    atomic_fetch_add_explicit(&spill_file_events(p->file)->parts, 1, memory_order_relaxed);
    return status;
}
