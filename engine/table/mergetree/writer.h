/* mergetree/writer.h - an insert into one table on its way to parts; private to writer.c, write_lots.c and commit_writers.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_WRITER_H
#define FIRN_MT_WRITER_H
#include "table/mergetree/mt.h"

/* Rows of another writer among those of a joint one. */
typedef struct mt_writer_member {
    uint32_t first, rows;
    bool identified;
    fn_hash128 id;
} mt_writer_member;

enum { MT_LOT_BYTES = 256 << 20 }; /* as min_insert_block_size_bytes: wide rows do not pile up */
typedef struct mt_lot mt_lot;

typedef struct mt_writer {
    table_writer base;
    mt_table *table;
    mt_shape *shape;
    fn_block **blocks; /* waiting rows */
    uint32_t block_count, block_capacity;
    uint64_t rows, bytes;
    mt_part **parts;   /* written, not listed yet */
    uint32_t part_count, part_capacity;
    mt_insert_id *ids; /* of the parts */
    uint32_t id_count, id_capacity;
    fn_arena *arena;   /* of one flush */
    bool collapses;    /* blocks are collapsed before they are written */
    bool pressed;      /* back-pressure was asked about */
    bool identified;   /* `id` is set */
    fn_hash128 id;     /* of the rows so far */
    uint64_t flushes;
    bool unlimited;    /* max_partitions_per_insert_block was looked at before */
    const mt_writer_member *members; /* whose rows these are, in order; NULL: one statement's */
    uint32_t member_count;
    /* Several threads may write: while one makes a part of a full lot, the others bring the next rows. */
    pthread_mutex_t lock;
    pthread_cond_t flushed;
    unsigned lots; /* being written */
    mt_lot *ahead; /* one thread writes, and base.overlaps: the lot a worker makes parts of meanwhile */
} mt_writer;

fn_status mt_writer_new(fn_ctx *ctx, mt_table *t, mt_shape *shape_take, bool collapses, mt_writer **out) FN_MUST_USE;
fn_status mt_writer_keep(fn_ctx *ctx, mt_writer *w, const fn_block *block) FN_MUST_USE; /* referenced */
fn_status mt_writer_flush(fn_ctx *ctx, mt_writer *w) FN_MUST_USE;  /* waiting rows become parts, also those of a lot that is under way */
fn_status mt_writer_write_rows(fn_ctx *ctx, mt_writer *w) FN_MUST_USE; /* waiting rows become parts */
fn_status mt_writer_keep_part(fn_ctx *ctx, mt_writer *w, mt_part *part_take) FN_MUST_USE;
fn_status mt_writer_add_id(fn_ctx *ctx, mt_writer *w, fn_hash128 id) FN_MUST_USE; /* of the part kept next */
/* Under the writer's lock, which is given away while parts are written: makes parts of the waiting rows if they are a full lot. */
fn_status mt_lots_write(fn_ctx *ctx, mt_writer *w) FN_MUST_USE;
void mt_lots_drop(mt_writer *w); /* a lot that is under way */
fn_status mt_writer_number(fn_ctx *ctx, mt_writer *w) FN_MUST_USE; /* parts get their block numbers and names */
void mt_writer_forget(mt_writer *w);           /* rows and parts; what is listed stays */
/* The writers of one statement: one transaction lists the parts of all; small ones share parts with other statements. */
fn_status mt_writers_commit(table_writer *const *writers, uint32_t count, fn_ctx *ctx) FN_MUST_USE;
fn_hash128 mt_writer_id(const mt_writer *w);   /* of the rows that wait; `identified` is set */
#endif
