/* row_order.c - where each row of a merged part comes from, as the first half of a merge by columns notes it and the second half
 * goes through it once per column.
 *
 *   run = varint (part << 2 | skips << 1 | many), if skips: varint rows of the part left out in front of it, if many: varint rows - 2
 * Keys that are spread over all parts make runs of a row each: a byte where there are up to 32 parts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

enum { SKIPS = 2, MANY = 1, FLAG_BITS = 2, VARINT_MAX = 10, ORIGIN_SHIFT = 40 };

fn_status mt_row_order_init(fn_ctx *ctx, mt_row_order *o, uint32_t part_count)
{
    *o = (mt_row_order){.next = fn_alloc_zero(ctx, (part_count + 1u) * sizeof *o->next)};
    return o->next ? FN_OK : ctx->error.code;
}

void mt_row_order_release(mt_row_order *o)
{
    fn_buf_release(&o->codes);
    fn_free(o->next);
    *o = (mt_row_order){0};
}

static uint8_t *put_varint(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static fn_status close_run(fn_ctx *ctx, mt_row_order *o)
{
    const mt_row_run *r = &o->open;
    if (r->rows == 0) return FN_OK;
    FN_TRY(fn_buf_reserve(ctx, &o->codes, 3 * VARINT_MAX));
    uint8_t *const start = (uint8_t *)o->codes.data + o->codes.size, *to = start;
    const uint64_t skipped = r->row - o->next[r->part];
    to = put_varint(to, (uint64_t)r->part << FLAG_BITS | (skipped ? SKIPS : 0) | (r->rows > 1 ? MANY : 0));
    if (skipped) to = put_varint(to, skipped);
    if (r->rows > 1) to = put_varint(to, r->rows - 2);
    o->codes.size += (size_t)(to - start);
    o->next[r->part] = r->row + r->rows;
    o->rows += r->rows;
    o->open.rows = 0;
    return FN_OK;
}

fn_status mt_row_order_add(fn_ctx *ctx, mt_row_order *o, const fn_column *origins)
{
    FN_ASSERT(origins->shape == FN_FLAT);
    for (uint32_t i = 0; i < origins->rows; i++) {
        const uint64_t origin = fn_load_u64(origins->values + i * sizeof origin), row = origin & (((uint64_t)1 << ORIGIN_SHIFT) - 1);
        const uint32_t part = (uint32_t)(origin >> ORIGIN_SHIFT);
        mt_row_run *r = &o->open;
        if (r->rows && part == r->part && row == r->row + r->rows && r->rows < UINT32_MAX) {
            r->rows++;
            continue;
        }
        FN_TRY(close_run(ctx, o));
        FN_ASSERT(row >= o->next[part]);
        *r = (mt_row_run){part, 1, row};
    }
    return FN_OK;
}

fn_status mt_row_order_end(fn_ctx *ctx, mt_row_order *o)
{
    return close_run(ctx, o);
}

void mt_row_cursor_init(mt_row_cursor *c, const mt_row_order *order, uint64_t *next, uint32_t part_count)
{
    *c = (mt_row_cursor){.order = order, .next = next};
    memset(next, 0, part_count * sizeof *next);
}

static uint64_t take_varint(mt_row_cursor *c)
{
    const uint8_t *data = (const uint8_t *)c->order->codes.data;
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = data[c->at++];
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return v;
    }
}

bool mt_row_cursor_next(mt_row_cursor *c, mt_row_run *out)
{
    if (c->at == c->order->codes.size) return false;
    const uint64_t head = take_varint(c);
    out->part = (uint32_t)(head >> FLAG_BITS);
    out->row = c->next[out->part] + (head & SKIPS ? take_varint(c) : 0);
    out->rows = head & MANY ? (uint32_t)take_varint(c) + 2 : 1;
    c->next[out->part] = out->row + out->rows;
    return true;
}
