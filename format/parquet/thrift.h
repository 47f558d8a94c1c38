/* parquet/thrift.h - reads Thrift's compact protocol, as far as Parquet uses it.
 *
 * The error is sticky: after the first bad byte every call answers 0 or "end of struct", so a parser is straight-line
 * code and asks once at its end. Lengths are bounded by the bytes that are left, nesting by PQ_THRIFT_DEPTH.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_THRIFT_H
#define FIRN_PARQUET_THRIFT_H
#include <firn/bits.h>

enum { PQ_THRIFT_DEPTH = 32 };
typedef enum pq_thrift_type {
    PQ_STOP = 0, PQ_TRUE = 1, PQ_FALSE = 2, PQ_BYTE = 3, PQ_I16 = 4, PQ_I32 = 5, PQ_I64 = 6, PQ_DOUBLE = 7, PQ_BINARY = 8,
    PQ_LIST = 9, PQ_SET = 10, PQ_MAP = 11, PQ_STRUCT = 12
} pq_thrift_type;

typedef struct pq_thrift {
    const uint8_t *start, *at, *end;
    bool bad;
} pq_thrift;

/* The walk over one struct's fields: for (pq_field_head f = {0}; pq_thrift_field(t, &f);) switch (f.id) ... */
typedef struct pq_field_head {
    int id, type;
} pq_field_head;
bool pq_thrift_field(pq_thrift *t, pq_field_head *f);
/* Values; each takes the field's type and gives 0 and `bad` when it is another one. */
int64_t pq_thrift_int(pq_thrift *t, int type);
bool pq_thrift_bool(pq_thrift *t, int type);
fn_str pq_thrift_binary(pq_thrift *t, int type);
/* Number of items; *item is their type. */
uint32_t pq_thrift_list(pq_thrift *t, int type, int *item);
bool pq_thrift_enter(pq_thrift *t, int type); /* is it a struct? else bad */
void pq_thrift_skip(pq_thrift *t, int type);
#endif
