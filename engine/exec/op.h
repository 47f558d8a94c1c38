/* exec/op.h - what an operator is. A plan is run as pipelines: source -> streaming operators -> sink, pushed by workers, each
 * taking morsels (blocks) from the source. A sink (aggregate, sort, join build ...) ends a pipeline and, once finished, is the
 * source of the next one. One file per operator: op_<name>.c, with its op_class and its builder.
 *
 * State. op (a struct that begins with it) is shared by all workers and read-only while they push, except through atomics or
 * locks of its own; everything written per row lies in the worker's own state (op_worker). Plan nodes are read-only.
 *
 * Memory. A worker's ctx->arena is emptied after each morsel: what must live longer comes from exec->arena (only in build and
 * open, which are single-threaded), from an arena of the operator's own, or is a reference-counted column. Everything is
 * charged to ctx->memory. Every loop over data calls fn_ctx_check at block boundaries (the pipeline does so per morsel).
 *
 * End of a pipeline, in this order: all workers have no more morsels; for each operator from the source on: drain by every worker
 * (in parallel; it may emit), then a barrier; then the sink's finish, once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_OP_H
#define FIRN_EXEC_OP_H
#include "exec/exec.h"

typedef struct op op;
typedef struct op_class op_class;
typedef struct pipeline pipeline;

/* One run of a plan. */
typedef struct exec {
    exec_env *env;
    fn_arena *arena;         /* for plans' run state: only from the building thread */
    unsigned workers;
    pipeline *first, *last;  /* in the order they must run */
    op *all;                 /* every operator made, for close */
    struct exec_run_state *state; /* of the statement: shared subplans, counters */
    struct exec_worker *worker;   /* contexts of the workers; run.c */
    struct runtime_filter *filters; /* of joins, for scans; runtime_filter.h */
    op *totals;              /* the aggregate that makes the WITH TOTALS row; NULL: none */
    _Atomic bool failed;     /* a worker has failed: the others stop */
    _Atomic bool enough;     /* read or time limits in mode `break`: sources dry up */
} exec;

struct op_class {
    const char *name;        /* for EXPLAIN PIPELINE and the profile */
    size_t size;             /* of the struct that begins with op */
    size_t worker_size;      /* zeroed memory per worker; op_worker() */
    fn_status (*open)(op *self, fn_ctx *ctx);                                 /* before the pipeline's first morsel; may be NULL */
    /* Takes a block (borrowed; reference it to keep it) and hands its results on with op_emit. Sinks keep them. */
    fn_status (*push)(op *self, fn_ctx *ctx, unsigned worker, fn_block *in);
    fn_status (*drain)(op *self, fn_ctx *ctx, unsigned worker);               /* see above; may be NULL */
    fn_status (*finish)(op *self, fn_ctx *ctx);                               /* sinks; may use exec->env->pool for parallel work */
    /* Sources, and sinks once finished: the next block for this worker (a reference for the caller), NULL = no more. */
    fn_status (*next)(op *self, fn_ctx *ctx, unsigned worker, fn_block **out);
    void (*close)(op *self); /* gives everything back; called once, whatever happened; may be NULL */
};

struct op {
    const op_class *class;
    exec *exec;
    const plan *node;
    op *next;                /* consumer in the same pipeline; NULL for the last one */
    pipeline *pipeline;      /* that pushes into it */
    uint32_t place;          /* in that pipeline, behind the source: 1, 2, ... */
    uint8_t *worker_state;
    size_t worker_stride;
    op *next_made;
    unsigned width;          /* sources, set in open or finish: workers worth using; 0 = all */
    bool opened;
};

struct pipeline {
    exec *exec;
    op *source, *tail;       /* tail: last operator appended so far */
    bool serial;             /* one worker only: the order of blocks matters (behind a sort) or the source cannot be shared */
    uint32_t length;         /* operators behind the source */
    _Atomic uint32_t done;   /* place of the last operator that needs no more input (LIMIT as an example), 0: none. What stands behind it still drains. */
    pipeline *into;          /* UNION ALL: the sink hands its blocks on inside this pipeline; NULL else */
    pipeline *next;
};

/* Makes an operator (class->size zeroed bytes in exec->arena) and registers it for close. */
fn_status op_new(fn_ctx *ctx, exec *e, const op_class *class, const plan *node, op **out) FN_MUST_USE;
static inline void *op_worker(const op *self, unsigned worker)
{
    return self->worker_state + self->worker_stride * worker;
}
/* Hands a block on to the consumer; skips empty ones. The block is borrowed by it. */
fn_status op_emit(op *self, fn_ctx *ctx, unsigned worker, fn_block *block) FN_MUST_USE;

/* Building. A builder makes `p` deliver the node's rows: streaming operators append themselves to what exec_build made of the
 * input; sinks build their input into a pipeline of its own, end it, and become p's source. */
typedef fn_status op_builder(fn_ctx *ctx, exec *e, const plan *node, pipeline *p);
fn_status exec_build(fn_ctx *ctx, exec *e, const plan *node, pipeline *p) FN_MUST_USE;
fn_status pipeline_new(fn_ctx *ctx, exec *e, pipeline **out) FN_MUST_USE;
void pipeline_source(pipeline *p, op *source, bool serial);
void pipeline_append(pipeline *p, op *o);
bool pipeline_is_done(const pipeline *p); /* some operator has enough, the run has failed, or reads are over; sources ask */
void op_enough(op *self);                 /* the operator needs no more input */
bool op_is_done(const op *self);          /* it, or one behind it, has enough: operators that drain ask */
void pipeline_end(pipeline *p, op *sink); /* appends the sink and schedules p: pipelines run in the order they are ended */

/* One per plan_kind, each in its file. */
op_builder op_build_scan, op_build_values, op_build_numbers, op_build_filter, op_build_project, op_build_aggregate, op_build_join,
    op_build_sort, op_build_limit, op_build_limit_by, op_build_distinct, op_build_union, op_build_set_op, op_build_window,
    op_build_array_join, op_build_fill, op_build_shared;

/* Runs fn once for every worker, in parallel, each with its own context; the first failure becomes ctx's. Only from the
 * controlling thread (finish, open). More tasks than workers: let fn take them from an atomic counter. */
typedef fn_status exec_task_fn(void *arg, fn_ctx *ctx, unsigned worker);
fn_status exec_parallel(fn_ctx *ctx, exec *e, exec_task_fn *fn, void *arg) FN_MUST_USE;
/* Rows that LIMIT would have given without its limit (rows_before_limit_at_least): added by op_limit, or by a top-N sort. */
void exec_rows_before_limit(exec *e, uint64_t rows);
/* For sources: counts what was read, and checks max_rows_to_read and max_bytes_to_read. */
fn_status exec_count_read(fn_ctx *ctx, exec *e, uint64_t rows, uint64_t bytes) FN_MUST_USE;
/* A list of blocks that threads append to (references). */
typedef struct block_list {
    pthread_mutex_t lock;
    fn_block **blocks;
    uint32_t count, room;
    _Atomic uint32_t cursor; /* for block_list_next */
    uint64_t rows;
} block_list;
void block_list_init(block_list *l);
void block_list_release(block_list *l);
fn_status block_list_add(fn_ctx *ctx, block_list *l, const fn_block *block) FN_MUST_USE;
fn_block *block_list_next(block_list *l); /* a reference to the next one; NULL behind the last */

/* Compiles expressions against a node's outputs (layout = ids of node->columns). */
fn_status exec_compile(fn_ctx *ctx, const plan *input, expr *const *exprs, uint32_t count, expr_program **out) FN_MUST_USE;
#endif
