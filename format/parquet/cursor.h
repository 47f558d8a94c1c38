/* parquet/cursor.h - shared inside format/parquet: one leaf column of one row group, read front to back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_CURSOR_H
#define FIRN_PARQUET_CURSOR_H
#include "parquet/leaf_convert.h"
#include "parquet/values.h"

typedef struct pq_page {
    int kind;              /* 0 data v1, 2 dictionary, 3 data v2 */
    uint64_t offset;       /* in the file */
    const uint8_t *body;
    size_t packed, raw;    /* sizes */
    uint32_t entries, at;  /* at: entries taken */
    uint32_t rows;         /* v2 only */
    size_t def_size, rep_size;
    pq_encoding encoding, def_encoding, rep_encoding;
    bool is_compressed, opened, no_nulls;
} pq_page;

/* What was read of a leaf for the present block. Slots are rows, or items of the innermost list. */
typedef struct pq_batch {
    fn_buffer *values, *offsets, *nulls;
    pq_text text;
    size_t slots;
    bool any_null;
    bool is_dict;
    fn_buf def, rep;   /* levels of all entries; nested leaves only */
    fn_column *pieces[8];
    unsigned piece_count;
} pq_batch;

typedef struct pq_cursor {
    const fn_parquet *file;
    uint32_t leaf_index;
    const pq_leaf *leaf;
    const fn_type *target, *base;
    pq_convert convert;
    /* the chunk */
    fn_buffer *bytes;
    const pq_chunk *chunk;
    size_t at;
    uint64_t entries_left;
    bool keeps_codes;     /* numbers stay codes, too */
    /* the dictionary: values of the target; as a column for strings and where codes are kept */
    fn_column *dictionary;
    fn_buffer *dict;
    uint32_t dict_rows;
    unsigned code_width;
    pq_page page;
    fn_buffer *raw, *scratch, *codes;
    fn_buf def, rep;      /* levels of the page */
    pq_values values;
    uint64_t rows_wanted; /* by the read at hand, besides those in the batch's pieces */
    uint64_t text_rows, text_bytes; /* strings of the last piece */
    pq_batch batch;
} pq_cursor;

static inline bool pq_page_has_codes(const pq_cursor *c)
{
    return c->page.encoding == PQ_PLAIN_DICTIONARY || c->page.encoding == PQ_RLE_DICTIONARY;
}
/* The wanted type is leaf->type made over; CANNOT_CONVERT_TYPE when pq_convert_find says no. */
fn_status pq_cursor_init(fn_ctx *ctx, pq_cursor *c, const fn_parquet *p, uint32_t leaf, const fn_type *target) FN_MUST_USE;
void pq_cursor_release(pq_cursor *c);
void pq_cursor_begin(pq_cursor *c, const pq_chunk *chunk); /* its bytes are in c->bytes, which is kept for the next chunk */
/* Reads the entries of the next `rows` rows into c->batch. */
fn_status pq_cursor_read(fn_ctx *ctx, pq_cursor *c, uint64_t rows) FN_MUST_USE;
fn_status pq_cursor_skip(fn_ctx *ctx, pq_cursor *c, uint64_t rows) FN_MUST_USE;
/* The batch's slots as a column of the target type; the batch is empty afterwards (levels stay until the next read). */
fn_status pq_cursor_column(fn_ctx *ctx, pq_cursor *c, fn_column **out) FN_MUST_USE;
/* page.c */
fn_status pq_page_next(fn_ctx *ctx, pq_cursor *c) FN_MUST_USE;  /* header of the next data page; loads the dictionary */
fn_status pq_page_open(fn_ctx *ctx, pq_cursor *c) FN_MUST_USE;  /* decompresses, decodes levels, begins the values */
/* batch.c */
fn_status pq_batch_add(fn_ctx *ctx, pq_cursor *c, size_t entries) FN_MUST_USE; /* of the page, from page.at */
void pq_batch_clear(pq_batch *b);
#endif
