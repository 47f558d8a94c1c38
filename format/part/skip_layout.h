/* part/skip_layout.h - the bytes of a skip index, shared by skip_write.c and skip_read.c.
 *
 *   index   = u8 form, u32 granules, then
 *   BOUNDS  per value: u8 valid[granules], u32 nulls[granules], saved column of minima, of maxima (a default where not valid)
 *   SETS    u32 rows[granules] (SKIP_UNKNOWN: too many, none kept), per value: saved column of all rows
 *   FILTERS u32 words[granules], u64 word[sum]; bit b of a filter is bit b % 8 of its byte b / 8
 * Columns without rows are left out. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SKIP_LAYOUT_H
#define FIRN_SKIP_LAYOUT_H
#include "part/part_layout.h"
#include <firn/skip_data.h>

#define SKIP_UNKNOWN UINT32_MAX
enum { SKIP_WORDS_MAX = 32 << 20 }; /* 256 MiB in one filter */

/* Bit k of a hash: double hashing, the second step odd. */
static inline uint64_t skip_bit(uint64_t hash, uint32_t k, uint64_t bits)
{
    const uint64_t step = (hash >> 32 | hash << 32) | 1;
    return (uint64_t)(((unsigned __int128)(hash + k * step * 0x9e3779b97f4a7c15u) * bits) >> 64);
}
#endif
