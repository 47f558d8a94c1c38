/* check_kernel.c - every slot of kernel/kernel.h at every CPU level of this machine against the scalar reference.
 *
 *   check_kernel [--seed N] [--bench]
 *
 * Data: random, few distinct, extremes (with NaN, infinities, -0.0), starts off alignment, lengths 0..39 and random; 64 guard
 * bytes behind each output must stay. The reference itself is checked against plain C on the compares. --bench prints values per
 * nanosecond of each level. SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel.h"
#include <firn/time.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 5000, GUARD = 64, BYTES = ROWS * 8 + GUARD + 16 };
static const unsigned widths[KERN_TYPES] = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
static const char *const names[KERN_TYPES] = {"u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64"};
static int failures;
static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static bool is_float(unsigned type)
{
    return type >= KERN_F32;
}

static void put_float(uint8_t *at, unsigned type, double v)
{
    const float single = (float)v;
    if (type == KERN_F32) memcpy(at, &single, sizeof single);
    else memcpy(at, &v, sizeof v);
}

/* kind 0: random, 1: few distinct, 2: extremes. */
static void fill(uint8_t *at, unsigned type, size_t n, unsigned kind)
{
    static const double floats[] = {0.0, -0.0, 1.5, -1e300, 1e300, 3.4e38, 9.3e18, -9.3e18, 1e-310};
    static const uint64_t integers[] = {0, 1, UINT64_MAX, (uint64_t)1 << 63, ((uint64_t)1 << 63) - 1, 0x80, 0x7f, 0x8000, 0x7fff, 0x80000000, 0x7fffffff};
    for (size_t i = 0; i < n; i++, at += widths[type]) {
        const uint64_t r = next();
        if (!is_float(type)) {
            const uint64_t v = kind == 0 ? r : kind == 1 ? r % 3 : integers[r % FN_COUNT(integers)];
            memcpy(at, &v, widths[type]);
        } else if (kind == 2 && r % 4 == 0) {
            put_float(at, type, r % 8 == 0 ? (double)NAN : r % 16 == 4 ? (double)INFINITY : -(double)INFINITY);
        } else {
            put_float(at, type, kind == 0 ? (double)(int64_t)r / 1e3 : kind == 1 ? (double)(r % 3) : floats[r % FN_COUNT(floats)]);
        }
    }
}

static void report(const char *what, const char *level, unsigned type, size_t n, unsigned kind)
{
    if (failures++ < 20) printf("%s differs: level %s, type %s, %zu rows, data %u\n", what, level, names[type], n, kind);
}

static uint8_t a[BYTES], b[BYTES], x[BYTES], y[BYTES];

static void clear(void)
{
    memset(x, 0xa5, sizeof x);
    memset(y, 0xa5, sizeof y);
}

/* Both outputs equal up to the guards' end: what lies behind n values is untouched in both. */
static bool same(size_t bytes)
{
    return memcmp(x, y, bytes + GUARD) == 0;
}

/* Floats: NaN for NaN. */
static bool same_values(unsigned type, size_t n)
{
    if (same(n * widths[type])) return true;
    if (!is_float(type)) return false;
    for (size_t i = 0; i < n; i++) {
        const double p = type == KERN_F32 ? (double)fn_load_f32(x + 4 * i) : fn_load_f64(x + 8 * i);
        const double q = type == KERN_F32 ? (double)fn_load_f32(y + 4 * i) : fn_load_f64(y + 8 * i);
        if (!(isnan(p) && isnan(q)) && p != q) return false;
    }
    return memcmp(x + n * widths[type], y + n * widths[type], GUARD) == 0;
}

static void check_pairs(const kern_table *r, const kern_table *t, unsigned type, size_t n, unsigned kind)
{
    const uint8_t *in = a + (next() & 1) * widths[type], *other = b + (next() & 1);
    for (unsigned shape = 0; shape < KERN_SHAPES; shape++) {
        for (unsigned op = 0; op < KERN_COMPARES; op++) {
            clear();
            r->compare[op][type][shape](in, other, x, n);
            t->compare[op][type][shape](in, other, y, n);
            if (!same(n)) report("compare", t->level, type, n, kind);
        }
        for (unsigned op = 0; op < KERN_ARITHS; op++) {
            if (!r->arith[op][type][shape]) continue;
            clear();
            r->arith[op][type][shape](in, other, x, n);
            t->arith[op][type][shape](in, other, y, n);
            if (!same_values(type, n)) report("arith", t->level, type, n, kind);
        }
    }
    clear();
    r->sub_cv[type](in, other, x, n);
    t->sub_cv[type](in, other, y, n);
    if (!same_values(type, n)) report("sub_cv", t->level, type, n, kind);
    for (unsigned to = 0; to < KERN_TYPES; to++) {
        clear();
        r->convert[type][to](in, x, n);
        t->convert[type][to](in, y, n);
        if (!same_values(to, n)) report("convert", t->level, type, n, kind);
    }
}

static void check_folds(const kern_table *r, const kern_table *t, unsigned type, size_t n, unsigned kind)
{
    if (r->sum_int[type] && r->sum_int[type](a, n) != t->sum_int[type](a, n)) report("sum_int", t->level, type, n, kind);
    if (type == KERN_F64) {
        double p = 1, q = 1;
        r->sum_f64(a, n, &p);
        t->sum_f64(a, n, &q);
        if (!(isnan(p) && isnan(q)) && p != q) report("sum_f64", t->level, type, n, kind);
    }
    if (!n) return;
    clear();
    r->min_max[type](a, n, x, x + 8);
    t->min_max[type](a, n, y, y + 8);
    const bool first = same_values(type, 1);
    memmove(x, x + 8, 8);
    memmove(y, y + 8, 8);
    if (!first || !same_values(type, 1)) report("min_max", t->level, type, n, kind);
}

static void check_masks(const kern_table *r, const kern_table *t, size_t n)
{
    static uint32_t places[ROWS + 8 + GUARD];
    void (*const reference[])(uint8_t *, const uint8_t *, size_t) = {r->mask_and, r->mask_or, r->mask_and_not};
    void (*const tested[])(uint8_t *, const uint8_t *, size_t) = {t->mask_and, t->mask_or, t->mask_and_not};
    for (size_t i = 0; i < ROWS; i++) {
        a[i] = next() & 1;
        b[i] = next() % 5 == 0;
    }
    for (unsigned i = 0; i < 3; i++) {
        memcpy(x, a, sizeof a);
        memcpy(y, a, sizeof a);
        reference[i](x, b, n);
        tested[i](y, b, n);
        if (!same(n)) report("mask", t->level, KERN_U8, n, i);
    }
    if (r->mask_count(a, n) != t->mask_count(a, n)) report("mask_count", t->level, KERN_U8, n, 0);
    static uint32_t bits[ROWS / 32 + 2];
    const uint32_t last = (uint32_t)(next() % ROWS), base = (uint32_t)next();
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) bits[i] = (uint32_t)next();
    bits[(last + 1) / 32] &= ~(1u << ((last + 1) % 32));
    static uint32_t narrow[ROWS];
    static uint64_t wide[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        narrow[i] = base + (uint32_t)(next() % (ROWS + ROWS / 4)) - ROWS / 8;
        wide[i] = (uint64_t)base + (next() % 16 ? next() % (ROWS + 20) : next());
    }
    memset(x, 0, sizeof x);
    memset(y, 0, sizeof y);
    r->bits_32(narrow, n, base, last, bits, x);
    t->bits_32(narrow, n, base, last, bits, y);
    if (!same(n)) report("bits_32", t->level, KERN_U32, n, 0);
    for (size_t i = 0; i < n; i++) {
        const uint32_t away = narrow[i] - base;
        if (x[i] != (away <= last && (bits[away / 32] >> (away % 32) & 1))) report("bits_32 as told", t->level, KERN_U32, n, 0);
    }
    r->bits_64(wide, n, base, last, bits, x);
    t->bits_64(wide, n, base, last, bits, y);
    if (!same(n)) report("bits_64", t->level, KERN_U64, n, 0);
    const size_t few = 1 + next() % 20;
    memset(x, 0, sizeof x);
    memset(y, 0, sizeof y);
    r->among_32(narrow, n, narrow + n / 2, FN_MIN(few, n - n / 2), x);
    t->among_32(narrow, n, narrow + n / 2, FN_MIN(few, n - n / 2), y);
    if (!same(n)) report("among_32", t->level, KERN_U32, n, 0);
    r->among_64(wide, n, wide + n / 2, FN_MIN(few, n - n / 2), x);
    t->among_64(wide, n, wide + n / 2, FN_MIN(few, n - n / 2), y);
    if (!same(n)) report("among_64", t->level, KERN_U64, n, 0);
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t k = n / 2; k < n / 2 + FN_MIN(few, n - n / 2); k++) found |= wide[i] == wide[k];
        if (x[i] != found) report("among_64 as told", t->level, KERN_U64, n, 0);
    }
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) all |= wide[i] + last;
    if (r->or_biased(wide, n, last) != all || t->or_biased(wide, n, last) != all) report("or_biased", t->level, KERN_U64, n, 0);
    const size_t ones = fn_mask_positions(b, n, places);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (b[i] && (at >= ones || places[at++] != i)) report("mask positions", t->level, KERN_U8, n, 0);
    if (at != ones) report("mask positions", t->level, KERN_U8, n, 1);
}

static void check_find(const kern_table *r, const kern_table *t)
{
    static char text[3000], needle[40];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + next() % 2);
    const size_t size = next() % (sizeof text - 64), length = 1 + next() % (next() & 1 ? 3 : sizeof needle);
    if (next() & 1 && size > length) memcpy(needle, text + next() % (size - length), length);
    else for (size_t i = 0; i < length; i++) needle[i] = (char)('a' + next() % 2);
    const size_t found = t->find(text, size, needle, length);
    if (found != r->find(text, size, needle, length)) report("find", t->level, KERN_U8, size, (unsigned)length);
    const char *plain = memmem(text, size, needle, length);
    if (found != (plain ? (size_t)(plain - text) : size)) report("find against memmem", t->level, KERN_U8, size, (unsigned)length);
}

static void check_level(const kern_table *r, const kern_table *t)
{
    for (unsigned round = 0; round < 60; round++) {
        const size_t n = round < 40 ? round : next() % (ROWS - 1);
        for (unsigned kind = 0; kind < 3; kind++) {
            for (unsigned type = 0; type < KERN_TYPES; type++) {
                fill(a, type, ROWS, kind);
                fill(b, type, ROWS, kind);
                check_pairs(r, t, type, n, kind);
                check_folds(r, t, type, n, kind);
            }
        }
        check_masks(r, t, n);
        for (unsigned i = 0; i < 20; i++) check_find(r, t);
    }
}

/* The reference against the language's own operators. */
static void check_reference(const kern_table *r)
{
    fill(a, KERN_F64, ROWS, 2);
    fill(b, KERN_F64, ROWS, 2);
    r->compare[KERN_LE][KERN_F64][KERN_VV](a, b, x, ROWS);
    r->compare[KERN_NE][KERN_F64][KERN_VV](a, b, y, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        const double p = fn_load_f64(a + 8 * i), q = fn_load_f64(b + 8 * i);
        if (x[i] != (p <= q) || y[i] != (p != q)) report("reference", r->level, KERN_F64, ROWS, 2);
    }
}

static void bench(const kern_table *t)
{
    printf("%s:", t->level);
    for (unsigned type = 0; type < KERN_TYPES; type++) {
        fill(a, type, ROWS, 1);
        fill(b, type, ROWS, 1);
        const int64_t begun = fn_clock_monotonic_ns();
        for (unsigned i = 0; i < 2000; i++) t->compare[KERN_LT][type][KERN_VC](a, b, x, ROWS);
        printf(" %s %.1f/ns", names[type], 2000.0 * ROWS / (double)(fn_clock_monotonic_ns() - begun));
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    kern_table reference, tested;
    bool benching = false;
    state = fn_random_u64() | 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bench") == 0) benching = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) state = strtoull(argv[++i], NULL, 10) | 1;
    }
    printf("seed %llu\n", (unsigned long long)state);
    if (!kern_level(KERN_SCALAR, &reference)) return 1;
    check_reference(&reference);
    for (unsigned level = KERN_SCALAR; level < KERN_LEVELS; level++) {
        if (!kern_level(level, &tested)) continue;
        check_level(&reference, &tested);
        if (benching) bench(&tested);
    }
    printf("%d failures\n", failures);
    return failures != 0;
}
