/* bitmap.c - sets of integers and their two forms as bytes. SPDX-License-Identifier: Apache-2.0 */
#include "expr/bitmap.h"
#include <firn/arena.h>
#include <stdlib.h>

enum { COOKIE_PLAIN = 12346, COOKIE_RUNS = 12347, ARRAY_MAX = 4096, BITSET_BYTES = 8192, OFFSETS_FROM = 4, VALUES_MAX = 1 << 30 };

void bitmap_release(bitmap *b)
{
    fn_free(b->values);
    *b = (bitmap){0};
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void bitmap_settle(bitmap *b)
{
    if (!b->loose) return;
    qsort(b->values, b->count, sizeof *b->values, compare);
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->count; i++)
        if (i == 0 || b->values[i] != b->values[n - 1]) b->values[n++] = b->values[i];
    b->count = n;
    b->loose = false;
}

bool bitmap_has(const bitmap *b, uint64_t value)
{
    if (b->large) return b->count && bsearch(&value, b->values, b->count, sizeof value, compare) != NULL;
    for (uint32_t i = 0; i < b->count; i++)
        if (b->values[i] == value) return true;
    return false;
}

static fn_status reserve(fn_ctx *ctx, bitmap *b, uint64_t count)
{
    if (count <= b->room) return FN_OK;
    if (count > VALUES_MAX) return fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "A bitmap of %llu numbers is too large: maximum %d", (unsigned long long)count, VALUES_MAX);
    const uint32_t room = (uint32_t)FN_MAX(count, FN_MAX((uint64_t)b->room * 2, (uint64_t)8));
    uint64_t *more = fn_realloc(ctx, b->values, (size_t)room * sizeof *more);
    FN_TRY_PTR(ctx, more);
    b->values = more;
    b->room = room;
    return FN_OK;
}

fn_status bitmap_add(fn_ctx *ctx, bitmap *b, uint64_t value)
{
    if (!b->large) {
        if (bitmap_has(b, value)) return FN_OK;
        b->large = b->loose = b->count == BITMAP_SMALL;
    } else if (b->count == b->room) { /* rather less than more memory: what is there twice goes first */
        bitmap_settle(b);
        if (b->count > b->room / 2) FN_TRY(reserve(ctx, b, (uint64_t)b->room * 2));
    }
    FN_TRY(reserve(ctx, b, (uint64_t)b->count + 1));
    b->values[b->count++] = value;
    b->loose = b->large;
    return FN_OK;
}

fn_status bitmap_combine(fn_ctx *ctx, bitmap *a, const bitmap *b, bitmap_op op)
{
    if (op == BITMAP_OR) {
        for (uint32_t i = 0; i < b->count; i++) FN_TRY(bitmap_add(ctx, a, b->values[i]));
        bitmap_settle(a);
        return FN_OK;
    }
    bitmap right = {0};
    fn_status status = FN_OK;
    for (uint32_t i = 0; op == BITMAP_XOR && i < b->count && status == FN_OK; i++)
        if (!bitmap_has(a, b->values[i])) status = bitmap_add(ctx, &right, b->values[i]);
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->count && status == FN_OK; i++)
        if (bitmap_has(b, a->values[i]) == (op == BITMAP_AND)) a->values[n++] = a->values[i];
    if (status == FN_OK) a->count = n;
    if (op == BITMAP_XOR) a->large = a->loose = true; /* in order from here on, as in ClickHouse */
    for (uint32_t i = 0; i < right.count && status == FN_OK; i++) status = bitmap_add(ctx, a, right.values[i]);
    bitmap_settle(a);
    bitmap_release(&right);
    return status;
}

/* ---- bytes ---- */

typedef struct reader {
    fn_ctx *ctx;
    const uint8_t *at, *end;
} reader;

static fn_status take(reader *r, size_t size, const uint8_t **out)
{
    if ((size_t)(r->end - r->at) < size) return fn_fail(r->ctx, FN_INCORRECT_DATA, "A bitmap ends within its bytes");
    *out = r->at;
    r->at += size;
    return FN_OK;
}

static fn_status take_number(reader *r, size_t size, uint64_t *out)
{
    const uint8_t *bytes = NULL;
    FN_TRY(take(r, size, &bytes));
    *out = 0;
    memcpy(out, bytes, size);
    return FN_OK;
}

static fn_status take_varint(reader *r, uint64_t *out)
{
    uint64_t byte = 0x80;
    *out = 0;
    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        if (shift > 63) return fn_fail(r->ctx, FN_INCORRECT_DATA, "A number of a bitmap does not end");
        FN_TRY(take_number(r, 1, &byte));
        *out |= (byte & 0x7f) << shift;
    }
    return FN_OK;
}

static fn_status put(reader *r, bitmap *b, uint64_t value)
{
    FN_TRY(reserve(r->ctx, b, (uint64_t)b->count + 1));
    b->values[b->count++] = value;
    return FN_OK;
}

/* The values of one container: runs, an array of 16-bit numbers, or 65,536 bits. */
static fn_status read_container(reader *r, bitmap *b, uint64_t high, uint32_t count, bool runs)
{
    const uint8_t *bytes = NULL;
    uint64_t n, start, length;
    if (runs) {
        FN_TRY(take_number(r, 2, &n));
        while (n--) {
            FN_TRY(take_number(r, 2, &start));
            FN_TRY(take_number(r, 2, &length));
            for (uint64_t k = 0; k <= length && start + k < 65536; k++) FN_TRY(put(r, b, high | (start + k)));
        }
        return FN_OK;
    }
    if (count <= ARRAY_MAX) {
        for (uint32_t i = 0; i < count; i++) {
            FN_TRY(take_number(r, 2, &n));
            FN_TRY(put(r, b, high | n));
        }
        return FN_OK;
    }
    FN_TRY(take(r, BITSET_BYTES, &bytes));
    for (uint32_t i = 0; i < 65536; i++)
        if (bytes[i / 8] >> (i % 8) & 1) FN_TRY(put(r, b, high | i));
    return FN_OK;
}

static fn_status read_roaring(reader *r, bitmap *b, uint64_t high)
{
    uint64_t cookie, containers, skip;
    const uint8_t *flags = NULL, *heads = NULL;
    FN_TRY(take_number(r, 4, &cookie));
    const bool runs = (cookie & 0xffff) == COOKIE_RUNS;
    containers = (cookie >> 16) + 1;
    if (!runs && cookie != COOKIE_PLAIN) return fn_fail(r->ctx, FN_INCORRECT_DATA, "The cookie of a bitmap is wrong");
    if (!runs) FN_TRY(take_number(r, 4, &containers));
    if (containers > 65536) return fn_fail(r->ctx, FN_INCORRECT_DATA, "A bitmap has too many containers");
    if (runs) FN_TRY(take(r, (containers + 7) / 8, &flags));
    FN_TRY(take(r, containers * 4, &heads));
    if (!runs || containers >= OFFSETS_FROM)
        for (uint64_t i = 0; i < containers; i++) FN_TRY(take_number(r, 4, &skip));
    for (uint64_t i = 0; i < containers; i++) {
        const uint64_t key = heads[i * 4] | (uint64_t)heads[i * 4 + 1] << 8;
        const uint32_t count = (heads[i * 4 + 2] | (uint32_t)heads[i * 4 + 3] << 8) + 1u;
        FN_TRY(read_container(r, b, high | key << 16, count, flags && flags[i / 8] >> (i % 8) & 1));
    }
    return FN_OK;
}

/* A value of the type's width, sign-extended. */
static uint64_t extended(const fn_type *item, uint64_t v)
{
    const unsigned unused = 64 - item->width * 8;
    return fn_type_is_unsigned(item) || !unused ? v : (uint64_t)((int64_t)(v << unused) >> unused);
}

static fn_status read_large(reader *r, const fn_type *item, bitmap *b)
{
    uint64_t size, maps, high;
    FN_TRY(take_varint(r, &size));
    b->large = b->loose = true;
    if (item->width < 8) {
        FN_TRY(read_roaring(r, b, 0));
        for (uint32_t i = 0; i < b->count; i++) b->values[i] = fn_type_is_unsigned(item) ? b->values[i] : (uint64_t)(int64_t)(int32_t)(uint32_t)b->values[i];
        return FN_OK;
    }
    FN_TRY(take_number(r, 8, &maps));
    while (maps--) {
        FN_TRY(take_number(r, 4, &high));
        FN_TRY(read_roaring(r, b, high << 32));
    }
    return FN_OK;
}

fn_status bitmap_read(fn_ctx *ctx, const fn_type *item, const uint8_t **at, const uint8_t *end, bitmap *b)
{
    reader r = {ctx, *at, end};
    uint64_t kind, count, v;
    FN_TRY(take_number(&r, 1, &kind));
    if (kind > 1) return fn_fail(ctx, FN_INCORRECT_DATA, "A bitmap is of the unknown kind %u", (unsigned)kind);
    if (kind == 0) {
        FN_TRY(take_varint(&r, &count));
        if (count > BITMAP_SMALL) return fn_fail(ctx, FN_INCORRECT_DATA, "A small bitmap has more than %d numbers", BITMAP_SMALL);
        for (uint64_t i = 0; i < count; i++) {
            FN_TRY(take_number(&r, item->width, &v));
            FN_TRY(bitmap_add(ctx, b, extended(item, v)));
        }
    } else {
        FN_TRY(read_large(&r, item, b));
        bitmap_settle(b);
    }
    *at = r.at;
    return FN_OK;
}

static fn_status put_number(fn_ctx *ctx, fn_buf *out, uint64_t v, size_t size)
{
    return fn_buf_append(ctx, out, &v, size);
}

static fn_status write_container(fn_ctx *ctx, const uint64_t *v, uint32_t n, fn_buf *out)
{
    if (n <= ARRAY_MAX) {
        for (uint32_t i = 0; i < n; i++) FN_TRY(put_number(ctx, out, v[i] & 0xffff, 2));
        return FN_OK;
    }
    uint8_t *bits = fn_alloc_zero(ctx, BITSET_BYTES);
    FN_TRY_PTR(ctx, bits);
    for (uint32_t i = 0; i < n; i++) bits[(v[i] & 0xffff) / 8] |= (uint8_t)(1u << (v[i] & 7));
    const fn_status status = fn_buf_append(ctx, out, bits, BITSET_BYTES);
    fn_free(bits);
    return status;
}

/* Values that differ in their lowest `bits` alone. */
static uint32_t alike(const uint64_t *v, uint32_t n, unsigned bits)
{
    uint32_t k = 1;
    while (k < n && v[k] >> bits == v[0] >> bits) k++;
    return k;
}

static fn_status write_roaring(fn_ctx *ctx, const uint64_t *v, uint32_t n, fn_buf *out)
{
    uint32_t containers = 0, at, k;
    for (at = 0; at < n; at += alike(v + at, n - at, 16)) containers++;
    FN_TRY(put_number(ctx, out, COOKIE_PLAIN, 4));
    FN_TRY(put_number(ctx, out, containers, 4));
    for (at = 0; at < n; at += k) {
        k = alike(v + at, n - at, 16);
        FN_TRY(put_number(ctx, out, v[at] >> 16 & 0xffff, 2));
        FN_TRY(put_number(ctx, out, k - 1, 2));
    }
    uint64_t offset = 8 + 8 * (uint64_t)containers;
    for (at = 0; at < n; at += k) {
        k = alike(v + at, n - at, 16);
        FN_TRY(put_number(ctx, out, offset, 4));
        offset += k <= ARRAY_MAX ? k * 2 : BITSET_BYTES;
    }
    for (at = 0; at < n; at += k) {
        k = alike(v + at, n - at, 16);
        FN_TRY(write_container(ctx, v + at, k, out));
    }
    return FN_OK;
}

static fn_status write_large(fn_ctx *ctx, const fn_type *item, const bitmap *b, fn_buf *out)
{
    if (item->width < 8) return write_roaring(ctx, b->values, b->count, out);
    uint32_t maps = 0, at, k;
    for (at = 0; at < b->count; at += alike(b->values + at, b->count - at, 32)) maps++;
    FN_TRY(put_number(ctx, out, maps, 8));
    for (at = 0; at < b->count; at += k) {
        k = alike(b->values + at, b->count - at, 32);
        FN_TRY(put_number(ctx, out, b->values[at] >> 32, 4));
        FN_TRY(write_roaring(ctx, b->values + at, k, out));
    }
    return FN_OK;
}

fn_status bitmap_write(fn_ctx *ctx, const fn_type *item, const bitmap *b, fn_buf *out)
{
    FN_TRY(fn_buf_byte(ctx, out, b->large ? 1 : 0));
    if (!b->large) {
        FN_TRY(fn_buf_leb(ctx, out, b->count));
        for (uint32_t i = 0; i < b->count; i++) FN_TRY(put_number(ctx, out, b->values[i], item->width));
        return FN_OK;
    }
    fn_buf bytes = FN_BUF_INIT;
    fn_status status = write_large(ctx, item, b, &bytes);
    if (status == FN_OK) status = fn_buf_leb(ctx, out, bytes.size);
    if (status == FN_OK) status = fn_buf_str(ctx, out, fn_buf_view(&bytes));
    fn_buf_release(&bytes);
    return status;
}
