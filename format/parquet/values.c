/* values.c - runs, plain values, dictionary codes and split streams of a page. See values.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/values.h"

static fn_status bad(fn_ctx *ctx, const pq_values *v, const char *why)
{
    return pq_bad(ctx, v->file, v->offset, why);
}

fn_status pq_grow(fn_ctx *ctx, fn_buffer **b, size_t used, size_t need)
{
    if (*b && (*b)->size >= need) return FN_OK;
    fn_buffer *bigger = fn_buffer_new(ctx, *b ? need + need / 2 : need);
    FN_TRY_PTR(ctx, bigger);
    if (*b && used) memcpy(bigger->data, (*b)->data, used);
    fn_buffer_drop(*b);
    *b = bigger;
    return FN_OK;
}

void pq_rle_init(pq_rle *r, const uint8_t *at, const uint8_t *end, unsigned width)
{
    *r = (pq_rle){.at = at, .end = end, .width = width};
}

static bool next_run(pq_rle *r)
{
    uint64_t head;
    if (!fn_leb_read(&r->at, r->end, &head)) return false;
    const size_t left = (size_t)(r->end - r->at);
    if (head & 1) {
        /* The last run of some writers is cut behind its last needed byte. */
        const uint64_t groups = FN_MIN(head >> 1, (uint64_t)1 << 28), size = groups * r->width;
        r->packed = r->at;
        r->packed_count = size <= left ? (size_t)groups * 8 : left * 8 / r->width;
        r->next = 0;
        r->at += FN_MIN(size, left);
        return r->packed_count > 0 || head > 1;
    }
    const unsigned bytes = (r->width + 7) / 8;
    if (left < bytes) return false;
    r->value = 0;
    memcpy(&r->value, r->at, bytes);
    if (r->width < 32) r->value &= ((uint32_t)1 << r->width) - 1;
    r->at += bytes;
    r->run = (uint32_t)FN_MIN(head >> 1, (uint64_t)UINT32_MAX);
    return true;
}

static size_t take_packed(const pq_kernels *k, pq_rle *r, size_t n, uint32_t *out)
{
    n = FN_MIN(n, r->packed_count - r->next);
    const size_t taken = n, inside = r->next % 8;
    uint32_t part[8];
    r->next += n;
    const uint8_t *in = r->packed + (r->next - n) / 8 * r->width;
    if (inside) {
        k->unpack(in, 1, r->width, part);
        const size_t m = FN_MIN(n, 8 - inside);
        memcpy(out, part + inside, m * sizeof *out);
        out += m;
        n -= m;
        in += r->width;
    }
    k->unpack(in, n / 8, r->width, out);
    if (n % 8) {
        k->unpack(in + n / 8 * r->width, 1, r->width, part);
        memcpy(out + n / 8 * 8, part, n % 8 * sizeof *out);
    }
    return taken;
}

static void fill_run(uint32_t *out, size_t n, uint32_t value)
{
    const uint32_t step[8] = {value, value, value, value, value, value, value, value};
    for (; n >= 8; n -= 8, out += 8) memcpy(out, step, sizeof step);
    for (size_t i = 0; i < n; i++) out[i] = value;
}

bool pq_rle_read(const pq_kernels *k, pq_rle *r, size_t n, uint32_t *out)
{
    while (n) {
        if (r->run) {
            const size_t m = FN_MIN(n, r->run);
            fill_run(out, m, r->value);
            r->run -= (uint32_t)m;
            out += m;
            n -= m;
        } else if (r->next < r->packed_count) {
            const size_t m = take_packed(k, r, n, out);
            out += m;
            n -= m;
        } else if (!next_run(r)) {
            return false;
        }
    }
    return true;
}

bool pq_rle_skip(pq_rle *r, size_t n)
{
    while (n) {
        size_t m = r->run ? FN_MIN(n, r->run) : FN_MIN(n, r->packed_count - r->next);
        if (r->run) r->run -= (uint32_t)m;
        else if (m) r->next += m;
        else if (!next_run(r)) return false;
        n -= m;
    }
    return true;
}

static fn_status open_dictionary(fn_ctx *ctx, pq_values *v)
{
    if (v->at == v->end) { /* a page of NULLs only */
        pq_rle_init(&v->rle, v->at, v->end, 0);
        return FN_OK;
    }
    const unsigned width = *v->at++;
    if (width > 32) return bad(ctx, v, "dictionary codes of more than 32 bits");
    pq_rle_init(&v->rle, v->at, v->end, width);
    return FN_OK;
}

static fn_status open_booleans(fn_ctx *ctx, pq_values *v)
{
    if (v->end - v->at < 4 || fn_load_u32(v->at) > (size_t)(v->end - v->at) - 4) return bad(ctx, v, "cut run of booleans");
    pq_rle_init(&v->rle, v->at + 4, v->at + 4 + fn_load_u32(v->at), 1);
    return FN_OK;
}

fn_status pq_values_open(fn_ctx *ctx, pq_values *v, pq_encoding e, const uint8_t *at, const uint8_t *end, size_t max_count)
{
    const pq_phys phys = v->leaf->element->phys;
    v->encoding = e;
    v->at = at;
    v->end = end;
    v->next = v->count = 0;
    switch (e) {
    case PQ_PLAIN: return FN_OK;
    case PQ_PLAIN_DICTIONARY:
    case PQ_RLE_DICTIONARY: return open_dictionary(ctx, v);
    case PQ_RLE:
        if (phys == PQ_BOOLEAN) return open_booleans(ctx, v);
        break;
    case PQ_DELTA_BINARY:
    case PQ_DELTA_LENGTH:
    case PQ_DELTA_BYTES: return pq_delta_open(ctx, v, max_count);
    case PQ_STREAM_SPLIT:
        if (phys == PQ_BOOLEAN || phys == PQ_BYTE_ARRAY || phys == PQ_INT96) break;
        v->count = (size_t)(end - at) / v->leaf->width;
        return FN_OK;
    case PQ_BIT_PACKED: break;
    }
    return bad(ctx, v, "the column's type does not have the page's encoding");
}

static fn_status plain_booleans(fn_ctx *ctx, pq_values *v, size_t n, uint8_t *out)
{
    if (v->next + n > (size_t)(v->end - v->at) * 8) return bad(ctx, v, "cut page of booleans");
    size_t i = 0;
    for (; i < n && (v->next + i) % 8; i++) out[i] = (v->at[(v->next + i) / 8] >> ((v->next + i) % 8)) & 1;
    const size_t groups = (n - i) / 8;
    pq_kernels_get()->bits(v->at + (v->next + i) / 8, groups, out + i);
    for (i += groups * 8; i < n; i++) out[i] = (v->at[(v->next + i) / 8] >> ((v->next + i) % 8)) & 1;
    v->next += n;
    return FN_OK;
}

static fn_status run_booleans(fn_ctx *ctx, pq_values *v, size_t n, uint8_t *out)
{
    uint32_t part[512];
    for (size_t m; n; n -= m, out += m) {
        m = FN_MIN(n, FN_COUNT(part));
        if (!pq_rle_read(pq_kernels_get(), &v->rle, m, part)) return bad(ctx, v, "cut run of booleans");
        pq_kernels_get()->narrow8(part, m, out);
    }
    return FN_OK;
}

fn_status pq_values_fixed(fn_ctx *ctx, pq_values *v, size_t n, uint8_t *out)
{
    const size_t width = v->leaf->width;
    if (n == 0) return FN_OK;
    if (v->encoding == PQ_PLAIN) {
        if (v->leaf->element->phys == PQ_BOOLEAN) return plain_booleans(ctx, v, n, out);
        if (n > (size_t)(v->end - v->at) / width) return bad(ctx, v, "the page has fewer values than it says");
        memcpy(out, v->at, n * width);
        v->at += n * width;
        return FN_OK;
    }
    if (v->encoding == PQ_RLE) return run_booleans(ctx, v, n, out);
    if (n > v->count - v->next) return bad(ctx, v, "the page has fewer values than it says");
    if (v->encoding == PQ_STREAM_SPLIT) pq_kernels_get()->join(v->at + v->next, v->count, n, (unsigned)width, out);
    else memcpy(out, v->decoded.data + v->next * width, n * width);
    v->next += n;
    return FN_OK;
}

/* Copies whole steps of 32 bytes: reads and writes up to 31 bytes further. */
static inline void copy_steps(uint8_t *to, const uint8_t *from, size_t size)
{
    size_t i = 0;
    do memcpy(to + i, from + i, 32);
    while ((i += 32) < size);
}

/* Makes room for the next n strings. They are counted only where all that is left of the page would be too much. */
static fn_status plain_text_room(fn_ctx *ctx, const pq_values *v, size_t n, pq_text *text)
{
    enum { STEP = 32 }; /* copies go in whole steps */
    const uint8_t *at = v->at;
    size_t size = (size_t)(v->end - at);
    if (text->bytes && text->bytes->size >= text->used + size + STEP) return FN_OK;
    size = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t left = (size_t)(v->end - at), one = left >= 4 ? fn_load_u32(at) : 0;
        if (left < 4 || one > left - 4) return bad(ctx, v, "a string is longer than its page");
        at += 4 + one;
        size += one;
    }
    if (text->used + size > UINT32_MAX - 64) return bad(ctx, v, "more than 4 GiB of strings in a block");
    return pq_grow(ctx, &text->bytes, text->used, text->used + size + STEP);
}

static fn_status plain_text(fn_ctx *ctx, pq_values *v, size_t n, pq_text *text, uint32_t *ends)
{
    enum { LONG_BYTES = 512 };
    const uint8_t *at = v->at;
    FN_TRY(plain_text_room(ctx, v, n, text));
    uint8_t *to = text->bytes->data + text->used;
    uint32_t end = (uint32_t)text->used;
    for (size_t i = 0; i < n; i++) {
        const size_t left = (size_t)(v->end - at), size = left >= 4 ? fn_load_u32(at) : 0;
        if (left < 4 || size > left - 4) return bad(ctx, v, "a string is longer than its page");
        if (FN_LIKELY(size <= LONG_BYTES)) copy_steps(to, at + 4, size); /* there is room on both sides */
        else memcpy(to, at + 4, size);
        to += size;
        at += 4 + size;
        ends[i] = end += (uint32_t)size;
    }
    v->at = at;
    text->used = end;
    return FN_OK;
}

fn_status pq_values_text(fn_ctx *ctx, pq_values *v, size_t n, pq_text *text, uint32_t *ends)
{
    if (n == 0) return FN_OK;
    if (v->encoding == PQ_PLAIN) return plain_text(ctx, v, n, text, ends);
    if (n > v->count - v->next) return bad(ctx, v, "the page has fewer values than it says");
    const char *from = v->ends.data + 4 * v->next;
    const uint32_t start = fn_load_u32(from), size = fn_load_u32(from + 4 * n) - start;
    if (text->used + size > UINT32_MAX - 64) return bad(ctx, v, "more than 4 GiB of strings in a block");
    FN_TRY(pq_grow(ctx, &text->bytes, text->used, text->used + size + 16));
    if (size) memcpy(text->bytes->data + text->used, v->decoded.data + start, size);
    for (size_t i = 0; i < n; i++) ends[i] = (uint32_t)text->used + fn_load_u32(from + 4 * (i + 1)) - start;
    text->used += size;
    v->next += n;
    return FN_OK;
}

fn_status pq_values_codes(fn_ctx *ctx, pq_values *v, size_t n, uint32_t limit, uint32_t *out, size_t *got, bool *run)
{
    const pq_kernels *k = pq_kernels_get();
    *run = v->rle.run >= PQ_CODES_MAX;
    *got = FN_MIN(n, *run ? (size_t)v->rle.run : (size_t)PQ_CODES_MAX);
    if (!pq_rle_read(k, &v->rle, *run ? 1 : *got, out)) return bad(ctx, v, "cut run of dictionary codes");
    if (*run) v->rle.run -= (uint32_t)(*got - 1);
    if ((*run ? out[0] : k->max(out, *got)) >= limit) return bad(ctx, v, "a dictionary code is beyond the dictionary");
    return FN_OK;
}

static fn_status skip_text(fn_ctx *ctx, pq_values *v, size_t n)
{
    const uint8_t *at = v->at;
    for (size_t i = 0; i < n; i++) {
        const size_t left = (size_t)(v->end - at), size = left >= 4 ? fn_load_u32(at) : 0;
        if (left < 4 || size > left - 4) return bad(ctx, v, "a string is longer than its page");
        at += 4 + size;
    }
    v->at = at;
    return FN_OK;
}

fn_status pq_values_skip(fn_ctx *ctx, pq_values *v, size_t n)
{
    const size_t width = v->leaf->width;
    if (n == 0) return FN_OK;
    switch (v->encoding) {
    case PQ_PLAIN:
        if (v->leaf->element->phys == PQ_BOOLEAN) {
            if (v->next + n > (size_t)(v->end - v->at) * 8) return bad(ctx, v, "cut page of booleans");
            v->next += n;
            return FN_OK;
        }
        if (width == 0) return skip_text(ctx, v, n);
        if (n > (size_t)(v->end - v->at) / width) return bad(ctx, v, "the page has fewer values than it says");
        v->at += n * width;
        return FN_OK;
    case PQ_PLAIN_DICTIONARY:
    case PQ_RLE_DICTIONARY:
    case PQ_RLE: return pq_rle_skip(&v->rle, n) ? FN_OK : bad(ctx, v, "cut run of values");
    case PQ_DELTA_BINARY:
    case PQ_DELTA_LENGTH:
    case PQ_DELTA_BYTES:
    case PQ_STREAM_SPLIT:
        if (n > v->count - v->next) return bad(ctx, v, "the page has fewer values than it says");
        v->next += n;
        return FN_OK;
    case PQ_BIT_PACKED: break;
    }
    return bad(ctx, v, "the column's type does not have the page's encoding");
}

void pq_values_release(pq_values *v)
{
    fn_buf_release(&v->decoded);
    fn_buf_release(&v->ends);
    fn_buf_release(&v->scratch);
}
