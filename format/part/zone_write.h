/* part/zone_write.h - zone maps and statistics of a column being written: per granule min, max, NULLs, defaults, sum; over the part
 * an estimate of distinct values. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ZONE_WRITE_H
#define FIRN_ZONE_WRITE_H
#include "part/stream_write.h"

enum { SKETCH_BITS = 11, SKETCH_SIZE = 1 << SKETCH_BITS }; /* HyperLogLog: error 1.04 / sqrt(2048) = 2.3 % */

typedef struct zone_writer {
    bool has_range, has_sum, exact;
    fn_builder min, max; /* of the base type */
    fn_buf valid, nulls, defaults, sums;
    uint8_t sketch[SKETCH_SIZE];
    uint64_t text_at; /* position in the kept strings */
    fn_buf there;     /* scratch: a mark per entry of the dictionary */
} zone_writer;
fn_status zones_init(fn_ctx *ctx, zone_writer *z, const part_node *root) FN_MUST_USE;
void zones_release(zone_writer *z);
/* The granule made of the kept values [first, first + rows); in order from 0 on within a segment. What was found out about numbers stays
 * in their stream until it is encoded. */
fn_status zones_add(fn_ctx *ctx, zone_writer *z, const column_streams *c, uint32_t first, uint32_t rows) FN_MUST_USE;
fn_status zones_finish(fn_ctx *ctx, zone_writer *z, fn_buf *out) FN_MUST_USE; /* the zones section */
uint64_t zones_distinct(zone_writer *z, const column_streams *c);
#endif
