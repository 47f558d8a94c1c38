/* part/part_reader.h - an opened part, and the pieces of reading. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PART_READER_H
#define FIRN_PART_READER_H
#include "part/part_layout.h"
#include <firn/thread.h>

typedef struct part_column {
    fn_part_column info;
    part_node root;
    uint32_t streams;
    uint64_t disk_bytes, raw_bytes, distinct;
    bool has_range, has_sum;
    const uint8_t *dictionaries; /* in the footer: DICTIONARY_SIZE bytes per stream */
    const uint8_t *segments;     /* in the footer: REFERENCE_SIZE bytes per segment */
    part_reference zones_at;
    fn_part_zones *zones;        /* under the part's lock; made at first use */
    fn_column **loaded;          /* dictionaries per stream; likewise */
    fn_buffer *held;             /* of a part opened again: the segment read last */
    uint32_t held_number;
} part_column;
enum { DICTIONARY_SIZE = REFERENCE_SIZE + 5 };

struct fn_part {
    fn_fs *fs;
    fn_arena *arena;
    const char *path;
    fn_part_id id;
    fn_hash128 checksum;
    uint64_t rows, raw_bytes, file_bytes, footer_at;
    uint32_t granules, segments, column_count;
    uint32_t *first_granule; /* segments + 1 */
    part_column *columns;
    fn_buf footer;
    const uint8_t *attachments; /* in the footer: ATTACHMENT_SIZE bytes each */
    uint32_t attachment_count;
    uint64_t base;              /* where in the file it begins: 0, but for a part within another */
    const uint8_t *inner_list;  /* in the footer: INNER_SIZE bytes each */
    uint32_t inner_count;
    fn_part **inner;            /* under the lock; NULL until opened */
    fn_block *index;
    bool again;                 /* one thread goes through it: the cache is left alone */
    _Atomic uint32_t refs;
    pthread_mutex_t lock;
};

/* ---- bytes ---- */
typedef struct part_want {
    const part_column *column;
    uint32_t number; /* segment, REF_ZONES, REF_DICTIONARY + stream */
    part_reference at;
    fn_buffer *bytes; /* out: one reference */
} part_want;
/* All of them, from the cache or by one batch of reads; checked. cached false: from the disk, cache left alone. On failure nothing
 * is held. */
fn_status part_fetch(fn_ctx *ctx, const fn_part *p, part_want *wants, size_t count, bool cached) FN_MUST_USE;
part_reference part_reference_at(const uint8_t *bytes);
part_reference part_segment_at(const part_column *c, uint32_t segment);
fn_status part_damaged(fn_ctx *ctx, const fn_part *p, const part_column *c, uint64_t offset, const char *what);

/* ---- a segment and its chunks ---- */
typedef struct segment_view {
    const uint8_t *data;
    size_t size;
    uint64_t offset; /* in the file, for messages */
    uint32_t number;
} segment_view;
typedef struct chunk_view {
    uint32_t values, blocks;
    chunk_form form;
    const uint8_t *ends, *items_before, *payload;
    size_t payload_size;
} chunk_view;
typedef struct chunk_reader {
    fn_ctx *ctx;
    const fn_part *part;
    const part_column *column;
    fn_buf scratch, block; /* unpacked block; decoded block of which a piece is wanted */
} chunk_reader;
void chunk_reader_release(chunk_reader *r);
bool chunk_open(const uint8_t *data, size_t size, chunk_view *out) FN_MUST_USE;
fn_status chunk_of_stream(chunk_reader *r, const segment_view *s, uint32_t stream, chunk_view *out) FN_MUST_USE;
/* Values [from, from + count) of fixed width. */
fn_status chunk_read_fixed(chunk_reader *r, const segment_view *s, const chunk_view *c, uint32_t from, uint32_t count, unsigned width, uint8_t *out)
    FN_MUST_USE;
/* True if all of them are one stored constant; *value: its bytes. */
bool chunk_constant(const chunk_view *c, uint32_t from, uint32_t count, fn_str *value);

/* Strings collected into a buffer. */
typedef struct text_out {
    fn_buffer *bytes;
    size_t used;
    uint32_t *offsets; /* rows + 1 */
    uint32_t rows;     /* so far */
} text_out;
fn_status chunk_read_text(chunk_reader *r, const segment_view *s, const chunk_view *c, uint32_t from, uint32_t count, const fn_column *dictionary,
                          text_out *out) FN_MUST_USE;

fn_status part_attachment_check(fn_ctx *ctx, const fn_part *p, uint32_t index) FN_MUST_USE; /* read anew, past the cache */

/* A part of `size` bytes from `base` on in the file at path. */
fn_status part_open_at(fn_ctx *ctx, fn_fs *fs, const char *path, uint64_t base, uint64_t size, fn_part_id id, const fn_hash128 *expected, fn_part **out)
    FN_MUST_USE;
fn_status part_open_inner(fn_ctx *ctx, const fn_part *p, uint32_t index, fn_part **out) FN_MUST_USE; /* one reference */

/* ---- columns ---- */
/* The dictionary of a stream, NULL if it has none. Borrowed from the part. */
fn_status part_dictionary(fn_ctx *ctx, const fn_part *p, uint32_t column, uint32_t stream, const fn_column **out, uint8_t *flags) FN_MUST_USE;
/* Some rows instead of all: ascending, counted from the first granule read. */
typedef struct row_pick {
    const uint32_t *rows;
    uint32_t count;
} row_pick;
/* Granules of one column (pick NULL: all their `rows` rows), whose segments (all that they touch) are given. One reference. */
fn_status part_column_read(fn_ctx *ctx, const fn_part *p, uint32_t column, const segment_view *segments, uint32_t first, uint32_t granules,
                           uint32_t rows, const row_pick *pick, fn_column **out) FN_MUST_USE;
#endif
