/* delta.c - the delta encodings, decoded a page at a time into plain values.
 *
 * DELTA_BINARY_PACKED: blocks of a least delta and miniblocks of packed differences to it. DELTA_LENGTH_BYTE_ARRAY: such
 * lengths, then all bytes. DELTA_BYTE_ARRAY: lengths of prefixes shared with the string before, then the suffixes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/values.h"

enum { BLOCK_MAX = 1 << 16 };

static fn_status bad(fn_ctx *ctx, const pq_values *v, const char *why)
{
    return pq_bad(ctx, v->file, v->offset, why);
}

static uint64_t unzigzag(uint64_t v)
{
    return (v >> 1) ^ (~(v & 1) + 1);
}

/* Differences of one miniblock added up; `needed` <= its size. */
static void add_up(const uint8_t *in, unsigned width, size_t needed, uint64_t least, uint64_t *last, uint64_t *out)
{
    const pq_kernels *k = pq_kernels_get();
    uint64_t sum = *last;
    if (width <= 32) {
        uint32_t part[256];
        for (size_t done = 0; done < needed; done += 256) {
            const size_t n = FN_MIN(needed - done, 256);
            k->unpack(in + done / 8 * width, (n + 7) / 8, width, part);
            for (size_t i = 0; i < n; i++) out[done + i] = sum += least + part[i];
        }
    } else {
        const uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
        for (size_t i = 0; i < needed; i++) {
            const size_t bit = i * width;
            const unsigned shift = bit % 8;
            uint64_t d = fn_load_u64(in + bit / 8) >> shift;
            if (shift) d |= (uint64_t)in[bit / 8 + 8] << (64 - shift);
            out[i] = sum += least + (d & mask);
        }
    }
    *last = sum;
}

/* Appends all numbers to out as u64; advances v->at behind them. */
static fn_status numbers(fn_ctx *ctx, pq_values *v, size_t max_count, fn_buf *out, size_t *count)
{
    uint64_t block, minis, total, first;
    if (!fn_leb_read(&v->at, v->end, &block) || !fn_leb_read(&v->at, v->end, &minis) || !fn_leb_read(&v->at, v->end, &total) ||
        !fn_leb_read(&v->at, v->end, &first))
        return bad(ctx, v, "cut delta header");
    if (block == 0 || block > BLOCK_MAX || minis == 0 || block % minis || (block / minis) % 8 || total > max_count)
        return bad(ctx, v, "malformed delta header");
    const size_t per = (size_t)(block / minis);
    uint64_t last = unzigzag(first);
    *count = (size_t)total;
    FN_TRY(fn_buf_reserve(ctx, out, (*count + 8) * 8));
    uint64_t *to = (uint64_t *)(void *)(out->data + out->size);
    out->size += *count * 8;
    size_t done = 0;
    if (total) to[done++] = last;
    while (done < total) {
        uint64_t least;
        if (!fn_leb_read(&v->at, v->end, &least) || (size_t)(v->end - v->at) < minis) return bad(ctx, v, "cut delta block");
        least = unzigzag(least);
        const uint8_t *widths = v->at;
        v->at += minis;
        for (uint64_t m = 0; m < minis && done < total; m++) {
            const size_t needed = FN_MIN(per, (size_t)total - done), left = (size_t)(v->end - v->at);
            if (widths[m] > 64 || (needed + 7) / 8 * widths[m] > left) return bad(ctx, v, "cut delta miniblock");
            add_up(v->at, widths[m], needed, least, &last, to + done);
            v->at += FN_MIN(per / 8 * widths[m], left);
            done += needed;
        }
    }
    return FN_OK;
}

static fn_status open_numbers(fn_ctx *ctx, pq_values *v, size_t max_count)
{
    v->decoded.size = 0;
    FN_TRY(numbers(ctx, v, max_count, &v->decoded, &v->count));
    if (v->leaf->width == 4) {
        const char *in = v->decoded.data;
        for (size_t i = 0; i < v->count; i++) fn_store_u32(v->decoded.data + 4 * i, (uint32_t)fn_load_u64(in + 8 * i));
    }
    return FN_OK;
}

static fn_status open_lengths(fn_ctx *ctx, pq_values *v, size_t max_count)
{
    v->scratch.size = 0;
    FN_TRY(numbers(ctx, v, max_count, &v->scratch, &v->count));
    v->ends.size = v->decoded.size = 0;
    FN_TRY(fn_buf_reserve(ctx, &v->ends, (v->count + 1) * 4));
    const size_t left = (size_t)(v->end - v->at);
    size_t sum = 0;
    fn_store_u32(v->ends.data, 0);
    for (size_t i = 0; i < v->count; i++) {
        const uint64_t length = fn_load_u64(v->scratch.data + 8 * i);
        if (length > left - sum) return bad(ctx, v, "strings are longer than their page");
        sum += (size_t)length;
        fn_store_u32(v->ends.data + 4 * (i + 1), (uint32_t)sum);
    }
    FN_TRY(fn_buf_append(ctx, &v->decoded, v->at, sum));
    v->at += sum;
    return FN_OK;
}

static fn_status open_prefixes(fn_ctx *ctx, pq_values *v, size_t max_count)
{
    size_t prefixes = 0;
    fn_buf lengths = FN_BUF_INIT, whole = FN_BUF_INIT;
    fn_status status = numbers(ctx, v, max_count, &lengths, &prefixes);
    if (status == FN_OK) status = open_lengths(ctx, v, max_count);
    if (status == FN_OK && prefixes != v->count) status = bad(ctx, v, "prefixes and suffixes differ in number");
    size_t before = 0, start = 0; /* length and place of the string before */
    for (size_t i = 0; status == FN_OK && i < prefixes; i++) {
        const uint64_t shared = fn_load_u64(lengths.data + 8 * i);
        const uint32_t from = fn_load_u32(v->ends.data + 4 * i), to = fn_load_u32(v->ends.data + 4 * (i + 1));
        if (shared > before || whole.size + shared + (to - from) > PQ_PAGE_MAX) {
            status = bad(ctx, v, "a prefix is longer than the string before");
            break;
        }
        const size_t at = whole.size;
        status = fn_buf_reserve(ctx, &whole, (size_t)shared + (to - from));
        if (status != FN_OK) break;
        if (shared) memcpy(whole.data + at, whole.data + start, (size_t)shared);
        if (to > from) memcpy(whole.data + at + shared, v->decoded.data + from, to - from);
        before = (size_t)shared + (to - from);
        start = at;
        whole.size += before;
        if (i) fn_store_u32(v->ends.data + 4 * i, (uint32_t)at); /* ends[i] is read no more */
        if (v->leaf->width && before != v->leaf->width) status = bad(ctx, v, "a value has the wrong length");
    }
    if (status == FN_OK && prefixes) fn_store_u32(v->ends.data + 4 * prefixes, (uint32_t)whole.size);
    fn_buf_release(&lengths);
    fn_buf_release(&v->decoded);
    v->decoded = whole;
    return status;
}

fn_status pq_delta_open(fn_ctx *ctx, pq_values *v, size_t max_count)
{
    const pq_phys phys = v->leaf->element->phys;
    if (v->encoding == PQ_DELTA_BINARY && (phys == PQ_INT32 || phys == PQ_INT64)) return open_numbers(ctx, v, max_count);
    if (v->encoding == PQ_DELTA_LENGTH && phys == PQ_BYTE_ARRAY) return open_lengths(ctx, v, max_count);
    if (v->encoding == PQ_DELTA_BYTES && (phys == PQ_BYTE_ARRAY || phys == PQ_FIXED)) return open_prefixes(ctx, v, max_count);
    return bad(ctx, v, "a delta encoding on a column of another type");
}
