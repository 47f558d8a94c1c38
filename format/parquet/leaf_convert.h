/* parquet/leaf_convert.h - shared inside format/parquet: physical values to the values of a firn type.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_CONVERT_H
#define FIRN_PARQUET_CONVERT_H
#include "parquet/parquet_file.h"

typedef struct pq_convert pq_convert;
typedef void pq_convert_fn(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out);
struct pq_convert {
    pq_convert_fn *run;       /* NULL: the bytes are the values already */
    uint32_t in_width, width; /* of a value; width 0: strings */
    uint64_t mul, div;        /* integers: value * mul / div, rounded down */
    bool from_text;           /* BYTE_ARRAY decimals: values come as strings */
};
/* How `leaf` becomes `type` (without Nullable and LowCardinality); false: not here. */
bool pq_convert_find(const pq_leaf *leaf, const fn_type *type, pq_convert *out);
/* One big-endian two's complement number into `width` bytes; false when it does not fit. */
bool pq_decimal_bytes(fn_str in, uint32_t width, uint8_t *out);
#endif
