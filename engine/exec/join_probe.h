/* exec/join_probe.h - the streaming side of a hash join. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_JOIN_PROBE_H
#define FIRN_EXEC_JOIN_PROBE_H
#include "exec/op_join.h"

typedef struct op_join_probe {
    op head;
    op_join_build *build;
    key_set keys;
    join_role role;
    join_output *outputs;
    expr_program *residual;       /* over residual_count columns: probe's or build's */
    join_output *residual_inputs;
    uint32_t residual_count;
    _Atomic uint32_t cursor;      /* drain: of build rows, or partitions */
    pthread_mutex_t lock;         /* of written */
    bool written;                 /* on disk: all probe rows are in the files */
} op_join_probe;

typedef struct join_probe_worker {
    fn_buffer *pairs;             /* 2 x PAIRS_MAX u32 */
    row_list list;                /* on disk: rows still to be written */
    spill_parts *parts;
} join_probe_worker;

/* Probe rows (widened) past a build side. hits: build sides to come know by it which rows have matched; NULL: this is the only one. */
fn_status join_probe_rows(op_join_probe *o, fn_ctx *ctx, unsigned worker, const op_join_build *build, const fn_block *wide, uint8_t *hits, bool last) FN_MUST_USE;
/* Build rows nobody has matched, from the common cursor. */
fn_status join_probe_leftover(op_join_probe *o, fn_ctx *ctx, unsigned worker, const op_join_build *build, _Atomic uint32_t *cursor) FN_MUST_USE;
/* join_disk.c: rows are set aside; those still in memory are written; everything is joined. */
fn_status join_disk_probe(op_join_probe *o, fn_ctx *ctx, unsigned worker, const fn_block *wide) FN_MUST_USE;
fn_status join_disk_probe_rest(op_join_probe *o, fn_ctx *ctx, unsigned worker) FN_MUST_USE;
fn_status join_disk_drain(op_join_probe *o, fn_ctx *ctx, unsigned worker) FN_MUST_USE;

/* Appends the probe operator to the pipeline that delivers the other input. */
fn_status op_join_probe_append(fn_ctx *ctx, exec *e, const plan *node, op_join_build *build, pipeline *p) FN_MUST_USE;
#endif
