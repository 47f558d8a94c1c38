/* parquet/parquet_file.h - shared inside format/parquet: what the footer says, in memory.
 * Everything lives in the file's own arena, or in that of the kept footer, and never changes after the opening.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_FILE_H
#define FIRN_PARQUET_FILE_H
#include <firn/codec.h>
#include <firn/parquet.h>
#include <stdatomic.h>

typedef enum pq_phys { PQ_BOOLEAN, PQ_INT32, PQ_INT64, PQ_INT96, PQ_FLOAT, PQ_DOUBLE_, PQ_BYTE_ARRAY, PQ_FIXED, PQ_GROUP } pq_phys;
typedef enum pq_encoding {
    PQ_PLAIN = 0, PQ_PLAIN_DICTIONARY = 2, PQ_RLE = 3, PQ_BIT_PACKED = 4, PQ_DELTA_BINARY = 5, PQ_DELTA_LENGTH = 6,
    PQ_DELTA_BYTES = 7, PQ_RLE_DICTIONARY = 8, PQ_STREAM_SPLIT = 9
} pq_encoding;
/* What a leaf's values mean, from the logical type or the older converted type. */
typedef enum pq_meaning {
    PQ_M_NONE, PQ_M_INT, PQ_M_STRING, PQ_M_DECIMAL, PQ_M_DATE, PQ_M_TIME, PQ_M_TIMESTAMP, PQ_M_UUID, PQ_M_FLOAT16,
    PQ_M_LIST, PQ_M_MAP
} pq_meaning;

/* One element of the footer's flattened schema tree. */
typedef struct pq_element {
    fn_str name;
    pq_phys phys;
    uint32_t length;     /* PQ_FIXED */
    uint8_t repetition;  /* 0 required, 1 optional, 2 repeated */
    uint32_t kids;
    int32_t field_id;
    pq_meaning meaning;
    uint8_t bits;        /* PQ_M_INT */
    bool is_signed;
    uint8_t precision, scale; /* decimal; scale: digits of a second for times (3, 6, 9) */
} pq_element;

typedef struct pq_leaf {
    const pq_element *element;
    const fn_type *type;      /* ClickHouse's type, Nullable when max_def > slot_def */
    uint8_t max_def, max_rep; /* levels of a present value */
    uint8_t slot_def;         /* from this definition level on there is a slot (an item of the enclosing list, or a row) */
    uint32_t width;           /* bytes of a physical value; 0: BYTE_ARRAY */
} pq_leaf;

typedef enum pq_kind { PQ_LEAF, PQ_TUPLE, PQ_ARRAY_, PQ_MAP_ } pq_kind;
/* The logical tree: lists without their helper groups. */
typedef struct pq_field pq_field;
struct pq_field {
    pq_kind kind;
    fn_str name;
    int32_t field_id;
    const fn_type *type;
    uint32_t first_leaf, leaf_count;
    uint8_t slot_def, slot_rep; /* entries with def >= slot_def and rep <= slot_rep begin a slot */
    uint8_t item_def, item_rep; /* ARRAY, MAP: entries with def >= item_def and rep <= item_rep are items */
    uint32_t kid_count;         /* ARRAY: 1, MAP: 1 (a TUPLE of two) */
    pq_field **kids;
};

typedef struct pq_extent {
    uint64_t offset, size; /* size 0: absent */
} pq_extent;

typedef struct pq_chunk {
    fn_codec codec;
    bool only_codes;        /* all its data pages hold dictionary codes; false: not known */
    uint64_t values;        /* entries, NULLs included */
    pq_extent data;         /* dictionary page and data pages */
    bool has_min, has_max, has_nulls, min_exact, max_exact;
    fn_str min, max;        /* PLAIN form without length */
    uint64_t nulls;
    pq_extent bloom, column_index, offset_index; /* bloom.size may be 0 with an offset: unknown */
} pq_chunk;

typedef struct pq_group {
    uint64_t rows, first_row;
    pq_chunk *chunks; /* one per leaf */
} pq_group;

struct fn_parquet {
    fn_arena *arena;     /* NULL: of `kept` */
    fn_parquet *kept;    /* a reference to the footer shared with others, which this is a copy of */
    _Atomic uint32_t refs; /* of a footer that is shared, which has no blob */
    fn_blob *blob;
    uint32_t element_count, leaf_count, group_count, field_count;
    pq_element *elements;
    pq_leaf *leaves;
    pq_field **fields; /* top level */
    fn_schema schema;
    pq_group *groups;
    uint64_t rows;
};

enum { PQ_LEVEL_MAX = 64, PQ_PAGE_MAX = 1 << 30 };

/* INCORRECT_DATA "Cannot read Parquet file 'X' at offset N: why". */
fn_status pq_bad(fn_ctx *ctx, const fn_parquet *p, uint64_t offset, const char *why);
/* footer.c: elements, groups. schema.c: leaves, fields, types. */
fn_status pq_footer_parse(fn_ctx *ctx, fn_parquet *p, fn_str bytes, uint64_t offset) FN_MUST_USE;
fn_status pq_schema_build(fn_ctx *ctx, fn_parquet *p) FN_MUST_USE;
#endif
