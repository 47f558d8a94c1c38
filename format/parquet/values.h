/* parquet/values.h - shared inside format/parquet: the values of one page, encoding by encoding.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_VALUES_H
#define FIRN_PARQUET_VALUES_H
#include "parquet/decode_kernel.h"
#include "parquet/parquet_file.h"

/* The RLE / bit-packed hybrid: runs of one value, and runs of groups of eight packed numbers. */
typedef struct pq_rle {
    const uint8_t *at, *end;
    unsigned width;
    uint32_t run, value;       /* repeats left of `value` */
    const uint8_t *packed;     /* the packed run */
    size_t packed_count, next; /* numbers in it, numbers taken */
} pq_rle;
void pq_rle_init(pq_rle *r, const uint8_t *at, const uint8_t *end, unsigned width);
bool pq_rle_skip(pq_rle *r, size_t n);                                     /* false: cut */
bool pq_rle_read(const pq_kernels *k, pq_rle *r, size_t n, uint32_t *out); /* false: cut */

typedef struct pq_values {
    const fn_parquet *file;
    const pq_leaf *leaf;
    uint64_t offset;          /* of the page, for messages */
    pq_encoding encoding;
    const uint8_t *at, *end;
    size_t next, count;       /* decoded or split values: taken, all; PLAIN booleans: bits taken */
    pq_rle rle;
    fn_buf decoded, ends;     /* delta encodings: values; strings with u32 ends, first 0 */
    fn_buf scratch;
} pq_values;

/* A growing run of strings: offsets[0..count], bytes. */
typedef struct pq_text {
    fn_buffer *bytes;
    size_t used;
} pq_text;

/* Makes room for `need` bytes, keeping the first `used`. */
fn_status pq_grow(fn_ctx *ctx, fn_buffer **b, size_t used, size_t need) FN_MUST_USE;
/* Begins a page's values, at most max_count of them. NOT_IMPLEMENTED for an encoding this type does not have. */
fn_status pq_values_open(fn_ctx *ctx, pq_values *v, pq_encoding e, const uint8_t *at, const uint8_t *end, size_t max_count) FN_MUST_USE;
/* n physical values of leaf->width bytes. */
fn_status pq_values_fixed(fn_ctx *ctx, pq_values *v, size_t n, uint8_t *out) FN_MUST_USE;
/* n strings behind `text`; ends[i] = end of string i. */
fn_status pq_values_text(fn_ctx *ctx, pq_values *v, size_t n, pq_text *text, uint32_t *ends) FN_MUST_USE;
/* n values go by undecoded. */
fn_status pq_values_skip(fn_ctx *ctx, pq_values *v, size_t n) FN_MUST_USE;
/* The next codes, up to n (> 0) of them: a long run of one (*run set, out[0]), or at most PQ_CODES_MAX in out; *got says how many.
 * Each is < limit. */
enum { PQ_CODES_MAX = 1024 };
fn_status pq_values_codes(fn_ctx *ctx, pq_values *v, size_t n, uint32_t limit, uint32_t *out, size_t *got, bool *run) FN_MUST_USE;
void pq_values_release(pq_values *v);
/* delta.c */
fn_status pq_delta_open(fn_ctx *ctx, pq_values *v, size_t max_count) FN_MUST_USE;
#endif
