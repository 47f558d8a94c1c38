/* check_pack.c - the part encodings' kernels (part/pack_kernel.h): AVX2 against the scalar reference and both against the
 * definition; every width, odd lengths, unaligned data, extreme values, guard bytes. --bench prints rates; FIRN_SEED repeats a run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/pack_kernel.h"
#include <firn/time.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = PACK_ROWS, GUARD = 64 };
static int failures;
static uint64_t state;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

static uint64_t next(void)
{
    state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(state);
}

static bool guarded(const uint8_t *end)
{
    for (unsigned i = 0; i < GUARD; i++)
        if (end[i] != 0xa5) return false;
    return true;
}

static void fill(int64_t *v, unsigned kind, unsigned width)
{
    const uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    for (size_t i = 0; i < N; i++) {
        const uint64_t r = next();
        v[i] = (int64_t)((kind == 0 ? r : kind == 1 ? (r & 1 ? UINT64_MAX : 0) : kind == 2 ? i : 0) & mask);
    }
}

static void check_packing(const pack_kernels *k, unsigned width, unsigned kind)
{
    static uint8_t packed[N * 8 + GUARD + 1], out[N * 8 + GUARD + 1];
    int64_t v[N];
    const int64_t base = (int64_t)next();
    fill(v, kind, width);
    for (size_t i = 0; i < N; i++) v[i] = (int64_t)((uint64_t)v[i] + (uint64_t)base);
    memset(packed, 0xa5, sizeof packed);
    k->pack(v, base, width, packed + 1);
    CHECK(guarded(packed + 1 + width * PACK_BYTES_PER_BIT));
    for (unsigned w = 1; w <= 8; w *= 2) {
        memset(out, 0xa5, sizeof out);
        k->unpack(packed + 1, width, base, w, out + 1);
        CHECK(guarded(out + 1 + N * w));
        bool same = true;
        for (size_t i = 0; i < N; i++) same &= memcmp(out + 1 + i * w, &v[i], w) == 0;
        CHECK(same);
    }
}

static void check_rest(const pack_kernels *a, const pack_kernels *b)
{
    static uint8_t in[N * 8 + 1], x[N * 8 + GUARD], y[N * 8 + GUARD];
    int64_t v[N], p[N], q[N], min[2], max[2];
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(next() % 3 ? next() : 0);
    const size_t n = next() % N;
    for (unsigned w = 1; w <= 8; w *= 2) {
        for (int sign = 0; sign < 2; sign++) {
            a->widen(in + 1, n, w, sign, p), b->widen(in + 1, n, w, sign, q);
            CHECK(memcmp(p, q, n * 8) == 0);
            memset(x, 0xa5, sizeof x), memset(y, 0xa5, sizeof y);
            a->narrow(p, n, w, x), b->narrow(p, n, w, y);
            CHECK(memcmp(x, y, sizeof x) == 0 && memcmp(x, in + 1, n * w) == 0);
            a->prefix(p, n, -5, w, x), b->prefix(p, n, -5, w, y);
            CHECK(memcmp(x, y, sizeof x) == 0);
        }
        if (w < 8) CHECK(a->max_code(in + 1, n, w) == b->max_code(in + 1, n, w));
        if (w >= 4) {
            a->divide(p, n, 1000.0, w, x), b->divide(p, n, 1000.0, w, y);
            CHECK(memcmp(x, y, sizeof x) == 0);
        }
    }
    memcpy(v, in, sizeof v);
    a->range(v, n + 1, &min[0], &max[0]), b->range(v, n + 1, &min[1], &max[1]);
    CHECK(min[0] == min[1] && max[0] == max[1]);
    a->deltas(v, n, p), b->deltas(v, n, q);
    CHECK(memcmp(p, q, n * 8) == 0);
}

/* The definition, over the same numbers as 64-bit ones. */
static pack_look look_slowly(const int64_t *v, size_t n)
{
    pack_look l = {v[0], v[0], 0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        l.min = v[i] < l.min ? v[i] : l.min;
        l.max = v[i] > l.max ? v[i] : l.max;
        l.sum = (int64_t)((uint64_t)l.sum + (uint64_t)v[i]);
        l.changes += i && v[i] != v[i - 1];
        l.zeros += v[i] == 0;
    }
    return l;
}

static bool same_look(pack_look a, pack_look b)
{
    return a.min == b.min && a.max == b.max && a.sum == b.sum && a.changes == b.changes && a.zeros == b.zeros;
}

/* Numbers of all kinds: any, few, one, all ones, extremes in turn. */
static void check_look(const pack_kernels *k)
{
    static uint8_t in[N * 8 + 1];
    int64_t v[N];
    const size_t n = 1 + next() % N;
    const uint64_t kind = next() % 5;
    for (unsigned w = 1; w <= 8; w *= 2) {
        for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(kind == 0 ? next() : kind == 1 ? (i % w == 1 % w ? next() % 3 : 0) : kind == 2 ? 0 : 0xff);
        for (size_t i = 0; kind == 4 && i < n; i++) memset(in + 1 + i * w, i % 2 ? 0xff : 0, w - 1), in[i * w + w] = i % 2 ? 0x7f : 0x80;
        for (int sign = 0; sign < 2; sign++) {
            pack_look found;
            k->widen(in + 1, n, w, sign, v);
            k->look(in + 1, n, w, sign, &found);
            CHECK(same_look(found, look_slowly(v, n)));
            uint32_t marks = 0;
            for (size_t i = 0; i < n; i++) marks |= (uint32_t)1 << ((uint64_t)v[i] - (uint64_t)found.min) % 32;
            if ((uint64_t)found.max - (uint64_t)found.min < 32) CHECK(k->marks(in + 1, n, w, sign, found.min) == marks);
        }
    }
}

/* Values under bits of every density: the reference against the definition, the other against the reference. */
static void check_repeat(const pack_kernels *a, const pack_kernels *b)
{
    static uint8_t bits[N / 8], values[(N + 1) * 8 + REPEAT_PAD + 1], x[N * 8 + GUARD + 1], y[N * 8 + GUARD + 1];
    const size_t n = next() % (N + 1);
    const uint64_t kind = next() % 4;
    for (size_t i = 0; i < sizeof bits; i++) bits[i] = (uint8_t)(kind == 0 ? next() : kind == 1 ? 0xff : kind == 2 ? next() & next() & next() : next() % 9 ? 0xff : 0);
    for (size_t i = 0; i < sizeof values; i++) values[i] = (uint8_t)next();
    for (unsigned w = 1; w <= 8; w *= 2) {
        memset(x, 0xa5, sizeof x), memset(y, 0xa5, sizeof y);
        a->repeat(bits, n, values + 1, w, x + 1), b->repeat(bits, n, values + 1, w, y + 1);
        CHECK(memcmp(x, y, sizeof x) == 0 && guarded(x + 1 + n * w));
        size_t at = 0, wrong = 0;
        for (size_t i = 0; i < n; i++) {
            at += bits[i / 8] >> i % 8 & 1;
            wrong += memcmp(x + 1 + i * w, values + 1 + at * w, w) != 0;
        }
        CHECK(wrong == 0);
    }
}

static void bench(const pack_kernels *k, const char *level)
{
    static uint8_t packed[N * 8], out[N * 8];
    for (unsigned width = 1; width <= 64; width += width < 32 ? 5 : 10) {
        printf("%s width %2u:", level, width);
        for (unsigned w = 1; w <= 8; w *= 2) {
            enum { ROUNDS = 100000 };
            const int64_t begin = fn_clock_monotonic_ns();
            for (unsigned i = 0; i < ROUNDS; i++) k->unpack(packed, width, i, w, out);
            printf("  to %u bytes %5.1f G/s", w, (double)ROUNDS * N / (double)(fn_clock_monotonic_ns() - begin));
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    const char *seed = getenv("FIRN_SEED");
    state = seed ? strtoull(seed, NULL, 10) : fn_random_u64();
    printf("seed %llu\n", (unsigned long long)state);
    const pack_kernels *best = pack_kernels_get();
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) {
        bench(&pack_kernels_scalar, "scalar");
        bench(best, "best");
        return 0;
    }
    for (unsigned width = 0; width <= 64; width++)
        for (unsigned kind = 0; kind < 4; kind++) {
            check_packing(&pack_kernels_scalar, width, kind);
            check_packing(best, width, kind);
        }
    for (unsigned i = 0; i < 50; i++) check_rest(&pack_kernels_scalar, best);
    for (unsigned i = 0; i < 200; i++) check_repeat(&pack_kernels_scalar, best);
    for (unsigned i = 0; i < 200; i++) {
        check_look(&pack_kernels_scalar);
        check_look(best);
    }
    printf("%d failures\n", failures);
    return failures != 0;
}
