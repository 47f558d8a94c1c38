/* part/stream_write.h - the streams of a column being written: rows are taken apart and kept until a segment is full, then each
 * stream becomes one chunk. One thread per column. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_STREAM_WRITE_H
#define FIRN_STREAM_WRITE_H
#include "part/encoding.h"
#include "part/part_layout.h"
#include "part/text_dict.h"
#include <firn/part.h>

typedef struct stream {
    chunk_form form;   /* CHUNK_TEXT: a string stream, with or without dictionary */
    unsigned width;    /* FIXED, LENGTHS */
    enc_kind kind;
    uint64_t dict_bytes_max;
    bool keep_dict;    /* LowCardinality: worth more patience */
    uint32_t count;    /* values kept */
    fn_buf values;     /* values; strings without dictionary: their bytes */
    fn_buf lengths;    /* u32 per string without dictionary */
    fn_buf codes;      /* u32 per string with dictionary */
    fn_buf looks;      /* enc_look per granule of the values, where the zones made them */
    text_dict *dict;   /* strings; entries stay after it was given up, while chunks refer to them */
    bool dict_alive;
    bool dict_used;    /* a chunk of codes was written */
    bool dict_partial; /* a chunk without was written */
    uint32_t dict_sorted; /* the first so many entries are in byte order */
    uint64_t strings;  /* all so far */
    uint64_t judged_strings, judge_at; /* when the dictionary was judged last, and will be next */
    uint32_t judged_entries;
} stream;

typedef struct column_streams {
    part_node root;
    stream *streams; /* root's numbering */
    uint32_t count;
    enc_outer outer; /* from CODEC(...) */
    bool thorough;   /* worth encodings that are slow to find */
    uint64_t raw_bytes;
} column_streams;

/* Streams of `type`; memory of the tree from ctx->arena. */
fn_status streams_init(fn_ctx *ctx, column_streams *c, const fn_type *type, fn_str codec, bool thorough) FN_MUST_USE;
void streams_release(column_streams *c);
fn_status streams_append(fn_ctx *ctx, column_streams *c, const fn_column *column, size_t from, uint32_t rows) FN_MUST_USE;
/* Before the first rows: the dictionary begins as the sorted union of these. */
fn_status streams_seed(fn_ctx *ctx, column_streams *c, const fn_part_dictionaries *from) FN_MUST_USE;
uint64_t streams_bytes(const column_streams *c); /* kept */
/* Before the last segment: a dictionary of which nothing was written yet is given up if it did not pay, or sorted. */
fn_status streams_settle(fn_ctx *ctx, column_streams *c, bool sort) FN_MUST_USE;
/* Appends the segment of what is kept. Streams are empty afterwards. */
fn_status streams_encode(fn_ctx *ctx, column_streams *c, uint32_t rows, fn_buf *out) FN_MUST_USE;
fn_status stream_forget_unused(fn_ctx *ctx, stream *s) FN_MUST_USE; /* behind the last row: entries that no row has lose their strings */
fn_status stream_ensure_entry(fn_ctx *ctx, stream *s) FN_MUST_USE; /* all rows so far are NULL: their code 0 needs an entry */
/* The dictionary as a chunk. */
fn_status streams_dictionary(fn_ctx *ctx, const column_streams *c, const stream *s, fn_buf *out) FN_MUST_USE;
/* CODEC(...) as text. UNKNOWN_CODEC (432), ILLEGAL_CODEC_PARAMETER (433). */
fn_status part_codec_parse(fn_ctx *ctx, fn_str codec, enc_outer *out) FN_MUST_USE;

/* ---- a column whose rows are all there, in pieces and out of order (stream_rows.c) ---- */
typedef struct column_rows {
    const fn_part_pieces *rows;
    fn_column *column; /* the rows as the pieces have them; NULL: */
    fn_buffer *codes;  /* their numbers in the stream's dictionary (u32) */
} column_rows;
/* Streams of a part to which nothing was appended yet. Decides about a dictionary of strings. */
fn_status column_rows_open(fn_ctx *ctx, column_streams *c, const fn_part_pieces *rows, uint32_t index, column_rows *out) FN_MUST_USE;
/* The next rows of a column that comes bit by bit: numbers if the dictionary is alive. */
fn_status column_rows_next(fn_ctx *ctx, column_streams *c, const fn_part_pieces *rows, column_rows *out) FN_MUST_USE;
/* Rows [from, from + count) of those, as the part has them. */
fn_status column_rows_append(fn_ctx *ctx, column_streams *c, const column_rows *r, uint32_t from, uint32_t count) FN_MUST_USE;
void column_rows_close(column_rows *r);
/* String stream without NULLs: appends the numbers of a whole column's values to `out`; *alive: the dictionary promises to pay. */
fn_status stream_codes(fn_ctx *ctx, column_streams *c, stream *s, const fn_column *col, uint32_t *out, bool *alive) FN_MUST_USE;
/* The same of more rows, which are appended: *alive false: as strings from now on, these are to be appended yet. */
fn_status stream_append_codes(fn_ctx *ctx, column_streams *c, stream *s, const fn_part_pieces *rows, uint32_t index, uint32_t *out, bool *alive) FN_MUST_USE;
bool stream_paid(const stream *s); /* the dictionary of all strings so far */
fn_status stream_without_dictionary(fn_ctx *ctx, column_streams *c, stream *s) FN_MUST_USE; /* before anything was appended */
void streams_discard(column_streams *c); /* after the last byte was encoded: the memory goes, what the footer says of them stays */
#endif
