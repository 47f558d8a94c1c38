/* set_ints.c - four ways to look for integers in a set, by its size and range: a few values are compared with one after the other; values
 * of up to two bytes and those that lie densely are bits; the others stand in an open-addressing table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/set_ints.h"
#include "kernel/kernel.h"
#include <firn/bits.h>

enum {
    FEW_BYTES = 128,         /* values times their width: so much is compared faster than looked up */
    BITS_MIN = 1 << 16,      /* a bitmap of 8 KiB is always worth it */
    BITS_PER_VALUE = 64      /* a larger one up to the size of the table */
};

typedef enum set_way { WAY_FEW, WAY_NARROW, WAY_BITS, WAY_TABLE } set_way;

struct set_ints {
    set_way way;
    unsigned width;
    uint32_t count, last;    /* WAY_BITS: of the highest bit */
    uint64_t base;           /* WAY_BITS: the value of bit 0 */
    uint64_t empty;          /* WAY_TABLE: a value that is not in the set */
    unsigned shift;          /* WAY_TABLE: 64 - log2 of the slots */
    union {
        uint8_t *few;        /* the values */
        uint32_t *bits;      /* one word more than needed, 0 */
        uint64_t *slots;     /* zero-extended */
        void *memory;
    };
};

static uint64_t load(const uint8_t *at, unsigned width)
{
    return width == 8 ? fn_load_u64(at) : width == 4 ? fn_load_u32(at) : width == 2 ? fn_load_u16(at) : *at;
}

static uint64_t value_mask(unsigned width)
{
    return width == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * width) - 1;
}

static uint64_t slot_of(const set_ints *s, uint64_t value)
{
    return value * UINT64_C(0x9E3779B97F4A7C15) >> s->shift;
}

static fn_status make_bits(fn_ctx *ctx, set_ints *s, const uint8_t *values, uint64_t highest)
{
    s->last = (uint32_t)highest;
    s->bits = fn_alloc_zero(ctx, ((size_t)highest / 32 + 2) * sizeof *s->bits);
    FN_TRY_PTR(ctx, s->bits);
    for (uint32_t i = 0; i < s->count; i++) {
        const uint64_t bit = (load(values + (size_t)i * s->width, s->width) - s->base) & value_mask(s->width);
        s->bits[bit / 32] |= 1u << bit % 32;
    }
    return FN_OK;
}

static fn_status make_table(fn_ctx *ctx, set_ints *s, const uint8_t *values)
{
    const uint64_t room = fn_next_pow2(2 * (uint64_t)s->count);
    s->slots = fn_alloc(ctx, room * sizeof *s->slots);
    FN_TRY_PTR(ctx, s->slots);
    s->shift = 64 - (unsigned)__builtin_ctzll(room);
    for (uint32_t i = 0; i < s->count; i++) s->empty += load(values + (size_t)i * s->width, s->width) == s->empty; /* they ascend */
    for (uint64_t i = 0; i < room; i++) s->slots[i] = s->empty;
    for (uint32_t i = 0; i < s->count; i++) {
        const uint64_t value = load(values + (size_t)i * s->width, s->width);
        uint64_t at = slot_of(s, value);
        while (s->slots[at] != s->empty && s->slots[at] != value) at = (at + 1) & (room - 1);
        s->slots[at] = value;
    }
    return FN_OK;
}

static fn_status make(fn_ctx *ctx, set_ints *s, const uint8_t *values)
{
    const size_t bytes = (size_t)s->count * s->width;
    const uint64_t mask = value_mask(s->width);
    const uint64_t low = load(values, s->width), high = load(values + bytes - s->width, s->width), range = (high - low) & mask;
    if (s->width <= 2) {
        s->way = WAY_NARROW;
        return make_bits(ctx, s, values, mask);
    }
    if (bytes <= FEW_BYTES) {
        s->way = WAY_FEW;
        s->few = fn_alloc(ctx, bytes);
        if (s->few) memcpy(s->few, values, bytes);
        return s->few ? FN_OK : ctx->error.code;
    }
    if (range < UINT32_MAX && range <= FN_MAX((uint64_t)BITS_MIN, (uint64_t)s->count * BITS_PER_VALUE)) {
        s->way = WAY_BITS;
        s->base = low;
        return make_bits(ctx, s, values, range);
    }
    s->way = WAY_TABLE;
    return make_table(ctx, s, values);
}

fn_status set_ints_new(fn_ctx *ctx, const fn_column *ascending, set_ints **out)
{
    const fn_type *t = fn_type_base(ascending->type);
    const int number = kern_type(t->phys);
    *out = NULL;
    if (number < 0 || number == KERN_F32 || number == KERN_F64) return FN_OK;
    set_ints *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    s->width = t->width;
    s->count = ascending->rows;
    const fn_status status = make(ctx, s, ascending->values);
    if (status == FN_OK) *out = s;
    else set_ints_free(s);
    return status;
}

void set_ints_free(set_ints *s)
{
    if (s) fn_free(s->memory);
    fn_free(s);
}

static void match_narrow(const set_ints *s, const uint8_t *values, uint32_t rows, uint8_t *mask)
{
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t v = s->width == 1 ? values[i] : fn_load_u16(values + 2 * (size_t)i);
        mask[i] = (uint8_t)(s->bits[v / 32] >> v % 32 & 1);
    }
}

static void match_table(const set_ints *s, const uint8_t *values, uint32_t rows, uint8_t *mask)
{
    const uint64_t last = ((uint64_t)1 << (64 - s->shift)) - 1;
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t v = s->width == 8 ? fn_load_u64(values + 8 * (size_t)i) : fn_load_u32(values + 4 * (size_t)i);
        uint64_t at = slot_of(s, v);
        while (s->slots[at] != v && s->slots[at] != s->empty) at = (at + 1) & last;
        mask[i] = s->slots[at] == v && v != s->empty;
    }
}

void set_ints_match(const set_ints *s, const void *values, uint32_t rows, uint8_t *mask)
{
    switch (s->way) {
    case WAY_FEW:
        if (s->width == 4) kern.among_32(values, rows, s->few, s->count, mask);
        else kern.among_64(values, rows, s->few, s->count, mask);
        break;
    case WAY_NARROW: match_narrow(s, values, rows, mask); break;
    case WAY_BITS:
        if (s->width == 4) kern.bits_32(values, rows, (uint32_t)s->base, s->last, s->bits, mask);
        else kern.bits_64(values, rows, s->base, s->last, s->bits, mask);
        break;
    case WAY_TABLE: match_table(s, values, rows, mask); break;
    }
}
