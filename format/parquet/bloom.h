/* parquet/bloom.h - shared inside format/parquet: split block Bloom filters.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_BLOOM_H
#define FIRN_PARQUET_BLOOM_H
#include "parquet/parquet_file.h"

uint64_t pq_xxh64(const void *data, size_t size); /* seed 0 */
/* *keep = false when the chunk's filter says that the value is not there; left alone otherwise. */
fn_status pq_bloom_may_have(fn_ctx *ctx, const fn_parquet *p, const pq_chunk *c, const pq_leaf *leaf, const fn_column *value, bool *keep) FN_MUST_USE;
#endif
