/* sort_rows.c - keys of rows and the sort of one block by them.
 *
 * Keys are put into 16 bytes per row whose unsigned order is the key's order (sign bits flipped, NULL behind, NaN behind, descending
 * columns inverted, dictionary codes replaced by their rank). The leading bits that differ at all, as many as fit beside the row's
 * number into 64, are sorted by a stable radix sort; rows that are equal so far are compared by their 16 bytes, and value by value
 * where the key is longer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <stdlib.h>

enum { PREFIX_BYTES = 16 };

int mt_key_compare(const mt_key *a, size_t row_a, const mt_key *b, size_t row_b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const int order = fn_column_compare(a->columns[i], row_a, b->columns[i], row_b, true);
        if (order) return a->descending && a->descending[i] ? -order : order;
    }
    return 0;
}

/* Where in the 16 bytes the next field goes. */
typedef struct cursor {
    unsigned used;
    bool exact;
} cursor;

static void put_bytes(mt_prefix *to, unsigned at, unsigned bytes, fn_u128 value)
{
    const fn_u128 whole = value << (8 * (PREFIX_BYTES - at - bytes));
    to->high |= (uint64_t)(whole >> 64);
    to->low |= (uint64_t)whole;
}

/* A field of `bytes` bytes; cut at the end of the prefix. */
static unsigned put_field(mt_prefix *to, unsigned at, unsigned bytes, fn_u128 value, bool invert)
{
    const unsigned room = PREFIX_BYTES - at, kept = FN_MIN(bytes, room);
    if (invert) value = ~value;
    if (bytes < PREFIX_BYTES) value &= ((fn_u128)1 << (8 * bytes)) - 1;
    if (kept < bytes) value >>= 8 * (bytes - kept);
    put_bytes(to, at, kept, value);
    return kept;
}

static uint64_t float_order(double v)
{
    uint64_t bits;
    if (v != v) return UINT64_MAX;
    if (v == 0) v = 0; /* -0.0 equals 0.0 */
    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

/* The order-preserving number of a fixed-width value. */
static fn_u128 fixed_order(const fn_type *t, const uint8_t *p)
{
    switch (t->phys) {
    case FN_PHYS_U8: return *p;
    case FN_PHYS_U16: return fn_load_u16(p);
    case FN_PHYS_U32: return fn_load_u32(p);
    case FN_PHYS_U64: return fn_load_u64(p);
    case FN_PHYS_U128: return fn_load_u128(p);
    case FN_PHYS_I8: return (uint8_t)(*p ^ 0x80);
    case FN_PHYS_I16: return (uint16_t)(fn_load_u16(p) ^ 0x8000);
    case FN_PHYS_I32: return fn_load_u32(p) ^ 0x80000000u;
    case FN_PHYS_I64: return fn_load_u64(p) ^ (uint64_t)1 << 63;
    case FN_PHYS_I128: return fn_load_u128(p) ^ (fn_u128)1 << 127;
    case FN_PHYS_F32: return float_order((double)fn_load_f32(p));
    case FN_PHYS_F64: return float_order(fn_load_f64(p));
    case FN_PHYS_U256: case FN_PHYS_I256: case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return 0;
}

/* Bytes of a fixed-width field in the prefix; 0: the type is not encoded (strings apart). */
static unsigned field_bytes(const fn_type *t)
{
    if (t->phys == FN_PHYS_F32) return 8;
    if (t->phys == FN_PHYS_FIXED || t->phys == FN_PHYS_U256 || t->phys == FN_PHYS_I256) return 0;
    return t->width;
}

static fn_u128 text_order(fn_str s, unsigned bytes)
{
    fn_u128 v = 0;
    for (unsigned i = 0; i < bytes; i++) v = v << 8 | (i < s.size ? (uint8_t)s.data[i] : 0u);
    return v;
}

static int compare_entries(const void *a, const void *b, void *column)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return fn_column_compare(column, x, column, y, true);
}

/* rank[code]: position of the dictionary's entry in order; equal entries share one. */
static fn_status dictionary_ranks(fn_ctx *ctx, const fn_column *dictionary, uint32_t **out)
{
    const uint32_t n = dictionary->rows;
    uint32_t *order = fn_alloc(ctx, ((size_t)n + 1) * sizeof *order), *rank = fn_alloc(ctx, ((size_t)n + 1) * sizeof *rank);
    if (!order || !rank) {
        fn_free(order);
        fn_free(rank);
        return ctx->error.code;
    }
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    qsort_r(order, n, sizeof *order, compare_entries, (void *)(uintptr_t)dictionary);
    for (uint32_t i = 0, r = 0; i < n; i++) {
        if (i && fn_column_compare(dictionary, order[i - 1], dictionary, order[i], true) != 0) r = i;
        rank[order[i]] = r;
    }
    fn_free(order);
    *out = rank;
    return FN_OK;
}

typedef struct source { /* one key column */
    const fn_column *column;
    const fn_type *type;   /* base */
    const uint32_t *rank;  /* DICT, local sort only */
    bool invert;
} source;

/* Where a field of up to 8 bytes lies in the two words. */
typedef struct placing {
    unsigned cut, high_right, high_left, low_left; /* shifts; 64: nothing of it is in that word */
} placing;

static placing place_field(unsigned at, unsigned bytes)
{
    const unsigned kept = FN_MIN(bytes, PREFIX_BYTES - at), end = at + kept;
    placing p = {8 * (bytes - kept), 64, 64, 64};
    if (end <= 8) p.high_left = 8 * (8 - end);
    else if (at < 8) p.high_right = 8 * (end - 8);
    if (end > 8) p.low_left = 8 * (PREFIX_BYTES - end);
    return p;
}

static inline void put_word(mt_prefix *to, const placing *p, uint64_t v)
{
    v >>= p->cut;
    if (p->high_left < 64) to->high |= v << p->high_left;
    if (p->high_right < 64) to->high |= v >> p->high_right;
    if (p->low_left < 64) to->low |= v << p->low_left;
}

#define PUT(T, flip)                                                                               \
    for (uint32_t i = 0; i < rows; i++) {                                                          \
        T v;                                                                                       \
        memcpy(&v, s->column->values + (size_t)i * sizeof v, sizeof v);                            \
        put_word(&out[i], &p, (uint64_t)(T)(v ^ (T)(flip) ^ invert));                              \
    }                                                                                              \
    return true

/* The common case: integers of a flat column without NULLs. */
static bool put_integers(const source *s, uint32_t rows, unsigned at, unsigned bytes, mt_prefix *out)
{
    if (s->column->shape != FN_FLAT || s->column->nulls || s->rank || s->type->width > 8) return false;
    const placing p = place_field(at, bytes);
    switch (s->type->phys) {
    case FN_PHYS_U8: { const uint8_t invert = s->invert ? UINT8_MAX : 0; PUT(uint8_t, 0); }
    case FN_PHYS_U16: { const uint16_t invert = s->invert ? UINT16_MAX : 0; PUT(uint16_t, 0); }
    case FN_PHYS_U32: { const uint32_t invert = s->invert ? UINT32_MAX : 0; PUT(uint32_t, 0); }
    case FN_PHYS_U64: { const uint64_t invert = s->invert ? UINT64_MAX : 0; PUT(uint64_t, 0); }
    case FN_PHYS_I8: { const uint8_t invert = s->invert ? UINT8_MAX : 0; PUT(uint8_t, 0x80); }
    case FN_PHYS_I16: { const uint16_t invert = s->invert ? UINT16_MAX : 0; PUT(uint16_t, 0x8000); }
    case FN_PHYS_I32: { const uint32_t invert = s->invert ? UINT32_MAX : 0; PUT(uint32_t, 0x80000000u); }
    case FN_PHYS_I64: { const uint64_t invert = s->invert ? UINT64_MAX : 0; PUT(uint64_t, (uint64_t)1 << 63); }
    case FN_PHYS_F32: case FN_PHYS_F64: case FN_PHYS_U128: case FN_PHYS_U256: case FN_PHYS_I128: case FN_PHYS_I256: case FN_PHYS_FIXED:
    case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    return false;
}

static void put_values(const source *s, uint32_t rows, unsigned at, unsigned bytes, mt_prefix *out)
{
    const fn_column *c = s->column;
    if (put_integers(s, rows, at, bytes, out)) return;
    const bool text = s->type->phys == FN_PHYS_STRING || s->type->phys == FN_PHYS_FIXED;
    for (uint32_t i = 0; i < rows; i++) {
        fn_u128 v = 0;
        if (fn_column_is_null(c, i)) v = 0; /* all NULLs are equal */
        else if (s->rank) v = s->rank[fn_column_code(c, i)];
        else if (text) v = text_order(fn_column_str_at(c, i), bytes);
        else v = fixed_order(s->type, fn_column_fixed_at(c, i));
        (void)put_field(&out[i], at, bytes, v, s->invert);
    }
}

static void put_column(const source *s, uint32_t rows, cursor *at, mt_prefix *out)
{
    const fn_type *t = s->type;
    if (fn_type_is_nullable(s->column->type)) {
        for (uint32_t i = 0; i < rows; i++) (void)put_field(&out[i], at->used, 1, fn_column_is_null(s->column, i), s->invert);
        if (++at->used == PREFIX_BYTES) at->exact = false;
    }
    const unsigned room = PREFIX_BYTES - at->used;
    unsigned bytes;
    if (s->rank) {
        bytes = 4;
    } else if (t->phys == FN_PHYS_STRING || t->phys == FN_PHYS_FIXED) {
        bytes = room; /* a text fills the prefix: what follows cannot be told apart from its end */
        at->exact = at->exact && t->phys == FN_PHYS_FIXED && t->width <= room;
        if (at->exact) bytes = t->width;
    } else {
        bytes = field_bytes(t);
    }
    if (bytes == 0 || bytes > room) at->exact = false;
    if (bytes && room) put_values(s, rows, at->used, bytes, out);
    at->used += FN_MIN(bytes, room);
    if (!at->exact) at->used = PREFIX_BYTES;
}

/* local: ranks of dictionary codes may be used (the prefixes are compared within this block alone). *whole: how many columns are in them
 * altogether. */
static fn_status fill_prefixes(fn_ctx *ctx, const mt_key *key, uint32_t rows, bool local, mt_prefix *out, uint32_t *whole)
{
    cursor at = {0, true};
    *whole = 0;
    memset(out, 0, (size_t)rows * sizeof *out);
    for (uint32_t k = 0; k < key->count && at.exact && at.used < PREFIX_BYTES; k++) {
        const fn_column *c = key->columns[k];
        source s = {c, fn_type_base(c->type), NULL, key->descending && key->descending[k]};
        uint32_t *rank = NULL;
        if (local && c->shape == FN_DICT && c->kids[0]->rows <= 2 * (uint64_t)rows + 64) FN_TRY(dictionary_ranks(ctx, c->kids[0], &rank));
        s.rank = rank;
        put_column(&s, rows, &at, out);
        fn_free(rank);
        *whole += at.exact;
    }
    return FN_OK;
}

fn_status mt_key_prefixes(fn_ctx *ctx, const mt_key *key, uint32_t rows, mt_prefix *out, bool *exact)
{
    uint32_t whole;
    FN_TRY(fill_prefixes(ctx, key, rows, false, out, &whole));
    *exact = whole == key->count;
    return FN_OK;
}

static unsigned byte_of(mt_prefix p, unsigned index) /* 0 = least significant */
{
    return (unsigned)((index < 8 ? p.low >> (8 * index) : p.high >> (8 * (index - 8))) & 0xff);
}

/* Which bits of a prefix go into an entry: of each byte from the front the low `bits[byte]`. */
typedef struct packing {
    unsigned bits[PREFIX_BYTES];
    unsigned used;  /* of the entry, above row_bits */
    unsigned row_bits;
    bool complete;  /* no bit that differs was left out */
} packing;

static packing plan_packing(const mt_prefix *p, uint32_t rows)
{
    packing k = {.row_bits = 32u - (unsigned)__builtin_clz(rows), .complete = true};
    mt_prefix differ = {0, 0};
    for (uint32_t i = 1; i < rows; i++) {
        differ.high |= p[i].high ^ p[0].high;
        differ.low |= p[i].low ^ p[0].low;
    }
    for (unsigned b = PREFIX_BYTES; b-- > 0;) {
        const unsigned byte = byte_of(differ, b), bits = byte ? 32u - (unsigned)__builtin_clz(byte) : 0;
        if (bits && k.used + bits + k.row_bits > 64) {
            k.complete = false;
            break;
        }
        k.bits[b] = bits;
        k.used += bits;
    }
    return k;
}

static void pack_entries(const packing *k, const mt_prefix *p, uint32_t rows, uint64_t *out)
{
    for (uint32_t i = 0; i < rows; i++) out[i] = 0;
    for (unsigned b = PREFIX_BYTES; b-- > 0;) {
        const unsigned bits = k->bits[b], shift = 8 * (b % 8);
        const uint64_t mask = ((uint64_t)1 << bits) - 1;
        if (bits == 0) continue;
        if (b < 8)
            for (uint32_t i = 0; i < rows; i++) out[i] = out[i] << bits | (p[i].low >> shift & mask);
        else
            for (uint32_t i = 0; i < rows; i++) out[i] = out[i] << bits | (p[i].high >> shift & mask);
    }
    for (uint32_t i = 0; i < rows; i++) out[i] = out[i] << k->row_bits | i;
}

/* Stable, least significant digit first, over the bits above the row's number. Returns where the result is. */
static uint64_t *radix_sort(const packing *k, uint64_t *from, uint64_t *to, uint32_t rows)
{
    enum { DIGIT = 11, DIGITS = 1 << DIGIT };
    for (unsigned at = 0; at < k->used; at += DIGIT) {
        const unsigned shift = k->row_bits + at;
        uint32_t count[DIGITS + 1] = {0};
        for (uint32_t i = 0; i < rows; i++) count[(from[i] >> shift & (DIGITS - 1)) + 1]++;
        for (unsigned i = 1; i <= DIGITS; i++) count[i] += count[i - 1];
        for (uint32_t i = 0; i < rows; i++) to[count[from[i] >> shift & (DIGITS - 1)]++] = from[i];
        uint64_t *const swap = from;
        from = to;
        to = swap;
    }
    return from;
}

/* Rows that the entries could not tell apart. */
typedef struct tie {
    const mt_key *rest; /* the columns that are not altogether in the prefixes */
    const mt_prefix *prefixes;
} tie;

static int compare_tied(const void *a, const void *b, void *self)
{
    const tie *t = self;
    const uint32_t x = fn_load_u32(a), y = fn_load_u32(b);
    int order = mt_prefix_compare(t->prefixes[x], t->prefixes[y]);
    if (order == 0) order = mt_key_compare(t->rest, x, t->rest, y);
    return order ? order : (x > y) - (x < y);
}

static void sort_tied(const tie *t, uint32_t *rows, uint32_t count)
{
    enum { FEW = 12 };
    if (count > FEW) {
        qsort_r(rows, count, sizeof *rows, compare_tied, (void *)(uintptr_t)t);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        const uint32_t row = rows[i];
        uint32_t at = i;
        for (; at > 0 && compare_tied(&rows[at - 1], &row, (void *)(uintptr_t)t) > 0; at--) rows[at] = rows[at - 1];
        rows[at] = row;
    }
}

static bool is_sorted(const mt_key *rest, const mt_prefix *p, uint32_t rows)
{
    for (uint32_t i = 1; i < rows; i++) {
        const int order = mt_prefix_compare(p[i - 1], p[i]);
        if (order > 0 || (order == 0 && mt_key_compare(rest, i - 1, rest, i) > 0)) return false;
    }
    return true;
}

static fn_status sort_entries(fn_ctx *ctx, const mt_key *rest, const mt_prefix *p, uint32_t rows, uint32_t *order)
{
    const packing k = plan_packing(p, rows);
    const tie t = {rest, p};
    fn_buffer *memory = fn_buffer_new(ctx, (size_t)rows * 2 * sizeof(uint64_t)); /* of the page pool when there are many rows */
    FN_TRY_PTR(ctx, memory);
    uint64_t *entries = (uint64_t *)(void *)memory->data;
    pack_entries(&k, p, rows, entries);
    const uint64_t *sorted = radix_sort(&k, entries, entries + rows, rows);
    const uint64_t mask = ((uint64_t)1 << k.row_bits) - 1;
    for (uint32_t i = 0; i < rows; i++) order[i] = (uint32_t)(sorted[i] & mask);
    for (uint32_t from = 0, to; !(rest->count == 0 && k.complete) && from < rows; from = to) {
        for (to = from + 1; to < rows && sorted[from] >> k.row_bits == sorted[to] >> k.row_bits;) to++;
        if (to - from > 1) sort_tied(&t, order + from, to - from);
    }
    fn_buffer_drop(memory);
    return FN_OK;
}

fn_status mt_sort_rows(fn_ctx *ctx, const mt_key *key, uint32_t rows, uint32_t *order, bool *sorted)
{
    uint32_t whole;
    *sorted = true;
    if (rows < 2 || key->count == 0) return FN_OK;
    fn_buffer *memory = fn_buffer_new(ctx, (size_t)rows * sizeof(mt_prefix));
    FN_TRY_PTR(ctx, memory);
    mt_prefix *p = (mt_prefix *)(void *)memory->data;
    fn_status status = fill_prefixes(ctx, key, rows, true, p, &whole);
    if (status == FN_OK) {
        const mt_key rest = {key->columns + whole, key->count - whole, key->descending ? key->descending + whole : NULL};
        *sorted = is_sorted(&rest, p, rows);
        if (!*sorted) status = sort_entries(ctx, &rest, p, rows, order);
    }
    fn_buffer_drop(memory);
    return status;
}

fn_status mt_key_of(fn_ctx *ctx, const mt_shape *shape, const fn_block *stored, mt_key *out)
{
    const mt_definition *d = shape->definition;
    *out = (mt_key){.count = d->sort_count, .descending = d->sort_descending};
    out->columns = FN_NEW_ARRAY(ctx, fn_column *, FN_MAX(d->sort_count, 1));
    FN_TRY_PTR(ctx, out->columns);
    if (!shape->sort_program) return FN_OK;
    const fn_status status = expr_run(ctx, shape->sort_program, stored, out->columns);
    if (status != FN_OK) mt_key_release(out);
    return status;
}

void mt_key_release(mt_key *key)
{
    for (uint32_t i = 0; i < key->count && key->columns; i++) {
        fn_column_drop(key->columns[i]);
        key->columns[i] = NULL;
    }
}
