/* sort.c - sorts rows by their normalised keys (sort_key.h). Three forms of items, the smallest that holds code and row number:
 * one 64-bit word with the row in the low bits, 64-bit code beside the row, 128-bit code beside the row. Filling, partitioning
 * by the highest byte and sorting the 256 buckets run on the pool; everything is exact about ties: equal codes of inexact keys are
 * told apart by comparing the columns, then by row number, so the order is stable.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/sort.h"
#include "exec/sort_key.h"

typedef struct item_16 {
    uint64_t code;
    uint32_t row, unused;
} item_16;
typedef struct item_24 {
    uint64_t high, low;
    uint32_t row, unused;
} item_24;

enum { PIECES_MAX = 64, PIECE_ROWS = 32768 };

typedef struct sort_job {
    const sort_keys *keys;
    fn_pool *pool;
    fn_buffer *items, *other, *order;
    size_t *counts[PIECES_MAX]; /* of the top byte, per piece; then where the piece writes */
    size_t bucket_ends[256];
    uint32_t rows, pieces;
    unsigned low, bits;         /* where the code lies in the item's word */
    unsigned row_bits;          /* packed items */
    unsigned top_shift;
    unsigned form;              /* 0 packed, 1 item_16, 2 item_24 */
    bool exact;
} sort_job;

static size_t piece_start(const sort_job *job, uint32_t index)
{
    return (size_t)job->rows * index / job->pieces;
}

/* Turns counts per piece and byte into the places each piece writes to, in row order inside a byte. */
static void place_buckets(sort_job *job)
{
    size_t at = 0;
    for (unsigned v = 0; v < 256; v++) {
        for (uint32_t p = 0; p < job->pieces; p++) {
            const size_t count = job->counts[p][v];
            job->counts[p][v] = at;
            at += count;
        }
        job->bucket_ends[v] = at;
    }
}

static int compare_ties(const sort_job *job, uint32_t a, uint32_t b)
{
    const sort_keys *k = job->keys;
    const sort_column *columns = k->columns + k->tie_from;
    return sort_compare(columns, a, columns, b, k->column_count - k->tie_from);
}

static inline bool row_less(const sort_job *job, uint32_t a, uint32_t b)
{
    if (!job->exact) {
        const int order = compare_ties(job, a, b);
        if (order) return order < 0;
    }
    return a < b;
}

#define ITEM uint64_t
#define ITEM_NAME(x) x##_packed
#define ITEM_DIGIT(item, shift) ((uint8_t)((item) >> (shift)))
#define ITEM_LESS(job, a, b) ((a) < (b))
#include "exec/sort_items.inc"

static inline bool less_16(const sort_job *job, const item_16 *a, const item_16 *b)
{
    return a->code != b->code ? a->code < b->code : row_less(job, a->row, b->row);
}
#define ITEM item_16
#define ITEM_NAME(x) x##_16
#define ITEM_DIGIT(item, shift) ((uint8_t)((item).code >> (shift)))
#define ITEM_LESS(job, a, b) less_16((job), &(a), &(b))
#include "exec/sort_items.inc"

static inline bool less_24(const sort_job *job, const item_24 *a, const item_24 *b)
{
    if (a->high != b->high) return a->high < b->high;
    return a->low != b->low ? a->low < b->low : row_less(job, a->row, b->row);
}
static inline uint8_t digit_24(const item_24 *item, unsigned shift)
{
    if (shift >= 64) return (uint8_t)(item->high >> (shift - 64));
    return (uint8_t)(shift > 56 ? item->low >> shift | item->high << (64 - shift) : item->low >> shift);
}
#define ITEM item_24
#define ITEM_NAME(x) x##_24
#define ITEM_DIGIT(item, shift) digit_24(&(item), (shift))
#define ITEM_LESS(job, a, b) less_24((job), &(a), &(b))
#include "exec/sort_items.inc"

/* ---- filling and reading items ---- */

static void codes_of_chunk(const sort_keys *k, size_t from, uint32_t n, uint64_t *high, uint64_t *low)
{
    uint64_t part[KEY_CHUNK];
    memset(high, 0, n * sizeof *high);
    memset(low, 0, n * sizeof *low);
    for (unsigned p = 0; p < k->part_count; p++) {
        const unsigned bits = k->parts[p].bits;
        sort_keys_codes(&k->parts[p], from, n, part);
        if (k->bits > 64)
            for (uint32_t i = 0; i < n; i++) high[i] = bits == 64 ? low[i] : high[i] << bits | low[i] >> (64 - bits);
        if (bits == 64) memcpy(low, part, n * sizeof *low);
        else
            for (uint32_t i = 0; i < n; i++) low[i] = low[i] << bits | part[i];
    }
}

static fn_status fill_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    const sort_job *job = arg;
    const size_t end = piece_start(job, index + 1);
    uint64_t high[KEY_CHUNK], low[KEY_CHUNK];
    for (size_t from = piece_start(job, index); from < end; from += KEY_CHUNK) {
        const uint32_t n = (uint32_t)FN_MIN(end - from, (size_t)KEY_CHUNK);
        FN_TRY(fn_ctx_check(ctx));
        codes_of_chunk(job->keys, from, n, high, low);
        uint64_t *packed = (uint64_t *)(void *)job->items->data + from;
        item_16 *pairs = (item_16 *)(void *)job->items->data + from;
        item_24 *triples = (item_24 *)(void *)job->items->data + from;
        if (job->form == 0)
            for (uint32_t i = 0; i < n; i++) packed[i] = low[i] << job->row_bits | (from + i);
        else if (job->form == 1)
            for (uint32_t i = 0; i < n; i++) pairs[i] = (item_16){low[i], (uint32_t)(from + i), 0};
        else
            for (uint32_t i = 0; i < n; i++) triples[i] = (item_24){high[i], low[i], (uint32_t)(from + i), 0};
    }
    return FN_OK;
}

static fn_status order_piece(void *arg, fn_ctx *ctx, uint32_t index)
{
    (void)ctx;
    const sort_job *job = arg;
    const size_t from = piece_start(job, index), to = piece_start(job, index + 1);
    uint32_t *out = (uint32_t *)(void *)job->order->data;
    const uint64_t *packed = (const uint64_t *)(const void *)job->items->data;
    const item_16 *pairs = (const item_16 *)(const void *)job->items->data;
    const item_24 *triples = (const item_24 *)(const void *)job->items->data;
    const uint64_t row_mask = ((uint64_t)1 << job->row_bits) - 1;
    if (job->form == 0)
        for (size_t i = from; i < to; i++) out[i] = (uint32_t)(packed[i] & row_mask);
    else if (job->form == 1)
        for (size_t i = from; i < to; i++) out[i] = pairs[i].row;
    else
        for (size_t i = from; i < to; i++) out[i] = triples[i].row;
    return FN_OK;
}

static fn_status sort_items(fn_ctx *ctx, sort_job *job)
{
    static const size_t sizes[] = {sizeof(uint64_t), sizeof(item_16), sizeof(item_24)};
    job->items = fn_buffer_new(ctx, (size_t)job->rows * sizes[job->form]);
    job->other = job->items ? fn_buffer_new(ctx, (size_t)job->rows * sizes[job->form]) : NULL;
    FN_TRY_PTR(ctx, job->other);
    FN_TRY(parallel_run(ctx, job->pool, fill_piece, job, job->pieces));
    if (job->form == 0) FN_TRY(sort_packed(ctx, job));
    else if (job->form == 1) FN_TRY(sort_16(ctx, job));
    else FN_TRY(sort_24(ctx, job));
    return parallel_run(ctx, job->pool, order_piece, job, job->pieces);
}

static fn_status sort_by_keys(fn_ctx *ctx, sort_job *job)
{
    const sort_keys *k = job->keys;
    job->exact = k->tie_from == k->column_count;
    job->bits = k->bits;
    job->row_bits = job->rows > 1 ? 32 - (unsigned)__builtin_clz(job->rows - 1) : 0;
    job->form = k->bits > 64 ? 2 : job->exact && k->bits + job->row_bits <= 64 ? 0 : 1;
    job->low = job->form == 0 ? job->row_bits : 0;
    size_t *counts = NULL;
    if (job->pieces > 1) {
        counts = fn_alloc_zero(ctx, job->pieces * 256 * sizeof *counts);
        FN_TRY_PTR(ctx, counts);
        for (uint32_t i = 0; i < job->pieces; i++) job->counts[i] = counts + 256 * i;
    }
    const fn_status status = sort_items(ctx, job);
    fn_buffer_drop(job->items);
    fn_buffer_drop(job->other);
    fn_free(counts);
    return status;
}

fn_status sort_rows(fn_ctx *ctx, fn_pool *pool, unsigned workers, const sort_column *keys, uint32_t key_count, uint32_t rows, fn_buffer **order)
{
    sort_keys k;
    sort_job job = {.keys = &k, .rows = rows, .pool = workers > 1 && rows >= 2 * PIECE_ROWS ? pool : NULL};
    job.pieces = job.pool ? FN_MIN(FN_MIN(workers, rows / PIECE_ROWS), (unsigned)PIECES_MAX) : 1;
    job.order = fn_buffer_new(ctx, (size_t)rows * sizeof(uint32_t));
    FN_TRY_PTR(ctx, job.order);
    fn_status status = sort_keys_init(ctx, &k, job.pool, workers, keys, key_count, rows);
    if (status == FN_OK && (k.part_count || k.tie_from < k.column_count)) {
        status = sort_by_keys(ctx, &job);
    } else if (status == FN_OK) { /* nothing orders them */
        uint32_t *out = (uint32_t *)(void *)job.order->data;
        for (uint32_t i = 0; i < rows; i++) out[i] = i;
    }
    sort_keys_release(&k);
    if (status != FN_OK) fn_buffer_drop(job.order);
    else *order = job.order;
    return status;
}
