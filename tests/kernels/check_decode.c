/* check_decode.c - Parquet's decoding kernels: AVX2 against the scalar reference, random data, every width and odd lengths.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/decode_kernel.h"
#include <firn/time.h>
#include <stdio.h>

enum { N = 1024 };
static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

int main(void)
{
    const pq_kernels *a = &pq_kernels_scalar, *b = pq_kernels_get();
    static uint8_t in[N * 8 + 64], x[N * 8], y[N * 8];
    static uint32_t u[N], v[N];
    static uint64_t dict[256];
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof in; i += 8) fn_store_u64(in + i, fn_random_u64());
        for (unsigned width = 0; width <= 32; width++) {
            const size_t groups = fn_random_u64() % (N / 8);
            a->unpack(in + 1, groups, width, u);
            b->unpack(in + 1, groups, width, v);
            CHECK(memcmp(u, v, groups * 32) == 0);
            CHECK(a->max(u, groups * 8) == b->max(u, groups * 8));
        }
        const size_t n = fn_random_u64() % N;
        a->unpack(in, N / 8, 8, u);
        for (unsigned i = 0; i < 256; i++) dict[i] = fn_random_u64();
        a->bits(in, N / 8, x), b->bits(in, N / 8, y);
        CHECK(memcmp(x, y, N) == 0 && x[9] == (in[1] >> 1 & 1));
        a->narrow8(u, n, x), b->narrow8(u, n, y);
        CHECK(memcmp(x, y, n) == 0);
        a->narrow16(u, n, (uint16_t *)(void *)x), b->narrow16(u, n, (uint16_t *)(void *)y);
        CHECK(memcmp(x, y, 2 * n) == 0);
        a->gather32((const uint32_t *)(const void *)dict, u, n, (uint32_t *)(void *)x), b->gather32((const uint32_t *)(const void *)dict, u, n, (uint32_t *)(void *)y);
        CHECK(memcmp(x, y, 4 * n) == 0);
        a->gather64(dict, u, n, (uint64_t *)(void *)x), b->gather64(dict, u, n, (uint64_t *)(void *)y);
        CHECK(memcmp(x, y, 8 * n) == 0);
        CHECK(a->nulls(in, n, in[0], x) == b->nulls(in, n, in[0], y) && memcmp(x, y, n) == 0);
        for (unsigned width = 2; width <= 8; width += 2) {
            a->join(in, n, n, width, x), b->join(in, n, n, width, y);
            CHECK(memcmp(x, y, n * width) == 0);
        }
    }
    printf("%d failures\n", failures);
    return failures != 0;
}
