/* part/part_layout.h - the bytes of a part file, and what writer and reader share. All numbers little endian, nothing aligned.
 *
 *   magic           8   "FIRNPRT1"
 *   segments            in any order; merges write segment 0 of each column, segment 1 of each ..., inserts all of a column together
 *   sections            per column: its dictionaries, its zones
 *   footer
 *   trailer        32   u32 footer size, u32 version, u128 footer checksum, "FIRNPRT1"
 *
 * A segment spans the same granules in all columns (up to 32; fewer where strings are very long). A column is taken apart into
 * streams of plain values in depth-first order (part_node): nulls (u8 per row), values, lengths of arrays (u32 per row) followed by
 * the streams of their items, the fields of a tuple one after another.
 *   segment  = u32 rows, u32 streams, u32 size[streams], chunk[streams]
 *   chunk    = u32 values, u32 blocks, u8 form (chunk_form), u32 end[blocks], (CHUNK_LENGTHS: u32 items_before[blocks]), block[blocks]
 *   block    = 8,192 values, strings 4,096 (the last one fewer), see encoding.h: what has to be unpacked for one row
 * CHUNK_CODES: numbers of entries of the stream's dictionary, which is one chunk of form CHUNK_TEXT in a section of its own.
 *
 *   zones    = u8 valid[granules], u32 nulls[granules], u32 defaults[granules], u8 exact,
 *              (if has_range: saved column of minima, of maxima), (if has_sum: i128 sums[granules])
 *   saved column = u8 has_nulls, (u8 nulls[rows]), then by type: values | u32 lengths[rows], bytes | u32 lengths[rows], u32 items,
 *              saved items | saved fields
 *
 *   footer   = u64 part id high, low, u64 rows, u64 raw bytes, u32 granules, u32 segments, u32 types, u32 columns, u32 key columns,
 *              text type[types], u32 granules of segment[segments], column[columns], key[key columns],
 *              (if there are any: u32 attachments, attachment[attachments]), (if there are any: u32 inner parts, inner[inner parts];
 *              the attachments are counted then even if there are none)
 *   column   = u32 id, u32 type, text codec, u64 disk bytes, u64 raw bytes, u64 distinct, u8 flags (COLUMN_...), u32 streams,
 *              dictionary[streams], reference of the zones, reference of segment[segments]
 *   dictionary = reference (size 0: none), u32 entries, u8 flags (DICTIONARY_...)
 *   reference  = u64 offset, u64 size, u128 checksum
 *   attachment = u64 number, reference; the bytes are the caller's (skip_data.c has those of skip indices,
 *              engine/table/mergetree/ttl_info.c when rows are due)
 *   inner    = u64 number, u64 part id high, low, reference: a whole part file (of a projection) from that offset on. Its own references
 *              count from its first byte. The reference's checksum is the one of the inner part's footer.
 *   key      = u32 column index, saved column of granules + 1 rows
 *   text     = u32 size, bytes
 *
 * A checksum is XXH3-128 over {XXH3-128 of the bytes, part id, column id, number}; number is the segment's, or REF_ZONES, or
 * REF_DICTIONARY + stream; an attachment's column id and number are the halves of its number; the footer's has column id UINT32_MAX.
 * So bytes in the wrong place do not pass. Version 2 has the encodings from ENC_REPEATS on, version 3 inner parts (a file without them says
 * 2); older ones are read as well.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PART_LAYOUT_H
#define FIRN_PART_LAYOUT_H
#include "part/encoding.h"
#include <firn/part.h>

#define PART_MAGIC "FIRNPRT1"
enum { MAGIC_SIZE = 8, TRAILER_SIZE = 32, PART_VERSION = 3, PART_VERSION_PLAIN = 2, PART_VERSION_OLDEST = 1,
       REFERENCE_SIZE = 32, ATTACHMENT_SIZE = 8 + REFERENCE_SIZE, INNER_SIZE = 24 + REFERENCE_SIZE,
       FOOTER_MAX = 1 << 30 };
enum { SEGMENT_ROWS = FN_GRANULE_ROWS * FN_SEGMENT_GRANULES };
#define REF_ZONES      0x80000000u
#define REF_DICTIONARY 0x80000001u
enum { COLUMN_HAS_RANGE = 1, COLUMN_HAS_SUM = 2 };
enum { DICTIONARY_COMPLETE = 1, DICTIONARY_SORTED = 2 }; /* complete: every chunk of the stream is CHUNK_CODES */
typedef enum chunk_form { CHUNK_FIXED, CHUNK_LENGTHS, CHUNK_TEXT, CHUNK_CODES } chunk_form;

/* Strings: one row costs a whole block to unpack, but LZ4 unpacks blocks of 8,192 / 2,048 / 1,024 URLs at 6.3 / 4.8 / 3.6 GB/s. */
enum { TEXT_BLOCK_ROWS = 4096 };
static inline uint32_t chunk_block_rows(chunk_form form)
{
    return form == CHUNK_TEXT ? TEXT_BLOCK_ROWS : BLOCK_ROWS;
}

typedef struct part_reference {
    uint64_t offset, size;
    fn_hash128 checksum;
} part_reference;
fn_hash128 part_checksum(const void *bytes, size_t size, fn_part_id id, uint32_t column_id, uint32_t number);

/* ---- columns as trees of streams ---- */
typedef enum node_kind { NODE_FIXED, NODE_TEXT, NODE_ARRAY, NODE_TUPLE, NODE_NOTHING } node_kind;
typedef struct part_node part_node;
struct part_node {
    const fn_type *type, *base; /* base: without LowCardinality and Nullable */
    node_kind kind;
    bool nullable;
    uint32_t null_stream, value_stream; /* value: values, strings or lengths */
    uint32_t kid_count;
    part_node *kids;
};
/* In ctx->arena; numbers streams from *streams on. */
fn_status part_node_build(fn_ctx *ctx, const fn_type *type, part_node *out, uint32_t *streams) FN_MUST_USE;
enc_kind part_enc_kind(const fn_type *base); /* of NODE_FIXED */
bool part_has_range(const fn_type *base);
bool part_has_sum(const fn_type *base);

/* ---- saved columns ---- */
fn_status part_column_save(fn_ctx *ctx, const fn_column *flat, fn_buf *out) FN_MUST_USE;
/* CORRUPTED_DATA when the bytes do not fit. One reference. */
fn_status part_column_load(fn_ctx *ctx, enc_in *in, const fn_type *type, uint32_t rows, fn_column **out) FN_MUST_USE;
#endif
