/* exec/op_distinct.h - the parts of the DISTINCT operator: op_distinct.c gives the first row of each key on, distinct_disk.c takes over
 * when the keys do not fit into memory. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_OP_DISTINCT_H
#define FIRN_EXEC_OP_DISTINCT_H
#include "exec/group_key.h"
#include "exec/spill_parts.h"

enum { DISTINCT_SHARDS = 16 };

typedef struct distinct_shard {
    _Alignas(64) pthread_mutex_t lock;
    group_table table;
    fn_arena *arena;  /* long texts of keys */
    bool on_disk;     /* its keys are; rows with new ones are set aside */
} distinct_shard;

typedef struct op_distinct {
    op head;
    expr_program *program; /* NULL: all columns */
    uint32_t key_count;
    const fn_type **types;
    pthread_mutex_t lock;
    _Atomic bool ready;
    group_keys keys;
    fn_arena *arena;       /* of the keys */
    distinct_shard *shards;
    _Atomic uint64_t rows; /* given on */
    spill_watch watch;
    const fn_type **row_types; /* of rows set aside: the input's columns, computed keys behind them */
    _Atomic bool on_disk;
    bool written;          /* all rows set aside are in files; under the lock */
    _Atomic uint32_t next_part;
} op_distinct;

typedef struct distinct_worker {
    bool ready;
    group_packer packer;
    group_table local;     /* keys known to be in a shared table */
    fn_arena *arena;       /* of their long texts */
    uint64_t asked, answered;
    uint32_t *left;        /* rows that it does not know */
    uint8_t *picked;       /* keys of one shard */
    uint32_t *rows;        /* and their rows in the chunk */
    uint8_t *numbers;
    uint8_t **slots, **fresh;
    spill_parts *given;    /* keys whose row went on, as columns */
    spill_parts *later;    /* rows set aside */
    row_list list;         /* of them, still to be written */
} distinct_worker;

enum { DISTINCT_NEW = 1, DISTINCT_LATER = 2 }; /* marks of rows */

/* The worker's scratch memory; the form of the keys is known. */
fn_status distinct_ready(op_distinct *o, fn_ctx *ctx, distinct_worker *w) FN_MUST_USE;
/* max_rows_in_distinct, max_bytes_in_distinct. */
fn_status distinct_check(op_distinct *o, fn_ctx *ctx, uint64_t rows) FN_MUST_USE;
/* Writes the keys to disk when memory is short. */
fn_status distinct_watch(op_distinct *o, fn_ctx *ctx, distinct_worker *w) FN_MUST_USE;
/* Sets rows aside whose mark is LATER; `count` of them. */
fn_status distinct_set_aside(op_distinct *o, fn_ctx *ctx, distinct_worker *w, const fn_block *in, fn_column *const *keys, const uint8_t *marks, uint32_t count) FN_MUST_USE;
fn_status distinct_disk_drain(op_distinct *o, fn_ctx *ctx, unsigned worker) FN_MUST_USE;
#endif
