/* exec/op_join.h - what the files of the hash join share: the build sink, the probe, the runtime filter.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_OP_JOIN_H
#define FIRN_EXEC_OP_JOIN_H
#include "exec/join_table.h"
#include "exec/key_set.h"
#include "exec/row_store.h"
#include "exec/runtime_filter.h"
#include "exec/spill_parts.h"

/* What a join kind and strictness mean, seen from the probe side (the one that streams) and the build side. */
typedef struct join_role {
    bool pairs;        /* matching pairs are given */
    bool first_probe;  /* at most one per probe row */
    bool first_build;  /* at most one per build row */
    bool keep_probe;   /* probe rows without match are given, with defaults or NULL beside them */
    bool keep_build;   /* build rows without match likewise, at the end */
    bool mark;         /* all rows of the marked side are given with a column telling whether they match */
} join_role;

typedef enum join_side { JOIN_PROBE, JOIN_BUILD, JOIN_MARKED } join_side;
typedef struct join_output {
    join_side side;
    uint32_t index;          /* of the side's columns */
    const fn_type *type;
} join_output;

enum { JOIN_FILTERS_MAX = 4 };

typedef struct op_join_build {
    op head;                 /* node: the join */
    unsigned side;           /* index of the build input */
    key_set keys;
    join_role role;
    join_keys coding;         /* of the equality keys */
    row_store store;
    join_table table;
    _Atomic uint8_t *matched; /* per build row; NULL: nobody asks */
    fn_buffer *matched_bytes;
    /* ASOF: the build side's values to compare, and the order they have */
    fn_column *asof;
    uint8_t asof_op;          /* as in the plan */
    _Atomic uint64_t rows_seen, bytes_seen; /* for max_rows_in_join, max_bytes_in_join */
    runtime_filter *filters[JOIN_FILTERS_MAX]; /* for the probe side's scans */
    uint32_t filter_keys[JOIN_FILTERS_MAX];    /* of which key */
    uint32_t filter_count;
    spill_watch watch;
    bool soft_limits;         /* max_rows_in_join and max_bytes_in_join send rows to disk */
    uint64_t rows_max;        /* then; 0: none */
    _Atomic uint64_t held;    /* bytes of the store's blocks */
    _Atomic bool on_disk;     /* rows of some worker are, in the end all: join_disk.c */
    uint64_t part_rows[SPILL_PARTS], part_bytes[SPILL_PARTS]; /* known when it is finished */
} op_join_build;

typedef struct join_build_worker {
    uint64_t held;            /* bytes of its blocks */
    spill_parts *parts;       /* NULL before the first */
} join_build_worker;

/* Makes the sink and its pipeline. */
fn_status op_join_build_new(fn_ctx *ctx, exec *e, const plan *node, unsigned side, join_role role, op_join_build **out) FN_MUST_USE;
/* The table over the rows of the sealed store, and what goes with it. Scratch memory from ctx->arena. */
fn_status join_build_table(op_join_build *b, fn_ctx *ctx, fn_pool *pool) FN_MUST_USE;
/* join_disk.c: the worker's rows go to its file; all rows are there. */
fn_status join_disk_build(op_join_build *b, fn_ctx *ctx, unsigned worker) FN_MUST_USE;
fn_status join_disk_finish(op_join_build *b, fn_ctx *ctx) FN_MUST_USE;
/* PASTE JOIN: rows side by side. */
fn_status op_build_paste(fn_ctx *ctx, exec *e, const plan *node, pipeline *p) FN_MUST_USE;
/* Where each output comes from; all in ctx->arena. */
fn_status join_outputs(fn_ctx *ctx, const plan *node, unsigned build_side, join_output **out) FN_MUST_USE;
/* A side's column under the type of the output (Nullable added): takes the reference. */
fn_column *join_retype(fn_ctx *ctx, fn_column *take, const fn_type *type) FN_MUST_USE;
/* The expressions of the equality keys of a side, the ASOF pair left out; its value last when it is there. */
expr **join_side_keys(fn_ctx *ctx, const plan *node, unsigned side) FN_MUST_USE;
#endif
