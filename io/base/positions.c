/* positions.c - positions of the ones in a mask of 0/1 bytes: eight bytes at a time become a number, whose positions are in a table.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/bits.h>

typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));

static uint32_t places[256][8]; /* of the ones, ascending; what is behind them does not matter */

__attribute__((constructor)) static void fill(void)
{
    for (unsigned bits = 0; bits < 256; bits++)
        for (unsigned k = 0, n = 0; k < 8; k++)
            if (bits >> k & 1) places[bits][n++] = k;
}

size_t fn_mask_positions(const uint8_t *mask, size_t n, uint32_t *out)
{
    size_t count = 0, i = 0;
    for (; i + 8 <= n; i += 8) {
        const uint64_t word = fn_load_u64(mask + i);
        if (!word) continue;
        const unsigned bits = (unsigned)(word * 0x0102040810204080u >> 56); /* byte k becomes bit k */
        const four *found = (const four *)(const void *)places[bits];
        four *to = (four *)(void *)(out + count);
        to[0] = found[0] + (uint32_t)i;
        to[1] = found[1] + (uint32_t)i;
        count += word * 0x0101010101010101u >> 56;
    }
    for (; i < n; i++) {
        out[count] = (uint32_t)i;
        count += mask[i];
    }
    return count;
}
