/* expr/expr.h - bound expressions: trees of typed nodes over numbered columns, and programs that run them.
 *
 * A column id is a number unique within the query: every output of every plan node has one. Before running, a
 * list of expressions is compiled against the layout (ids in order) of the blocks it will see.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXPR_EXPR_H
#define FIRN_EXPR_EXPR_H
#include "expr/aggregate.h"
#include "expr/function.h"

typedef uint32_t column_id;
typedef struct expr expr;

/* A value that is computed before the plan that uses it runs: scalar subquery, IN (subquery) set. Filled by exec. */
typedef struct expr_cell {
    const fn_type *type;    /* scalar: Nullable(T) or Tuple; set: FN_T_SET with `key_types` */
    fn_column *value;       /* scalar: 1 row, referenced; NULL until filled */
    struct expr_set *set;   /* set: NULL until filled */
    struct plan *plan;      /* what to run */
    bool is_set, is_exists; /* exists: value = UInt8 1 if the plan gives a row */
} expr_cell;

typedef enum expr_kind {
    EXPR_COLUMN, /* column */
    EXPR_CONST,  /* constant: 1 row */
    EXPR_CALL,   /* call over args */
    EXPR_LAMBDA, /* lambda; type FN_T_FUNCTION */
    EXPR_CELL    /* cell */
} expr_kind;

typedef struct expr_lambda {
    uint32_t param_count;
    const column_id *params;          /* ids of the parameters inside body */
    const fn_type *const *param_types;
    expr *body;
    uint32_t capture_count;           /* columns of the enclosing row the body uses */
    const column_id *captures;
    struct expr_program *program;     /* compiled body; layout: captures, then params */
} expr_lambda;

struct expr {
    expr_kind kind;
    const fn_type *type;
    column_id column;
    fn_column *constant;
    const func_call *call;
    uint32_t arg_count;
    expr **args;
    expr_lambda *lambda;
    expr_cell *cell;
};

/* ---- making (all in ctx->arena; constants are referenced for the life of the arena via expr_hold) ---- */
expr *expr_column(fn_ctx *ctx, column_id id, const fn_type *type) FN_MUST_USE;
expr *expr_const(fn_ctx *ctx, fn_column *value_take) FN_MUST_USE;
expr *expr_const_u64(fn_ctx *ctx, uint64_t value) FN_MUST_USE; /* smallest UIntN */
/* Binds a call by name: finds the function, applies null / constant / LowCardinality rules, folds constants (the
 * result may be EXPR_CONST). Errors: UNKNOWN_FUNCTION (46), 42, 43 ... naming the function. */
fn_status expr_call(fn_ctx *ctx, const char *name, expr *const *args, uint32_t arg_count, expr **out) FN_MUST_USE;
fn_status expr_call_def(fn_ctx *ctx, const func_def *def, expr *const *args, uint32_t arg_count, expr **out) FN_MUST_USE;
fn_status expr_cast(fn_ctx *ctx, expr *e, const fn_type *type, expr **out) FN_MUST_USE; /* CAST; a no-op when equal */
fn_status expr_and(fn_ctx *ctx, expr *a, expr *b, expr **out) FN_MUST_USE;              /* either may be NULL */
/* Tree walk: visit(node) before children; returns early on failure. */
typedef fn_status expr_visit_fn(void *self, fn_ctx *ctx, expr *e);
fn_status expr_walk(fn_ctx *ctx, expr *e, expr_visit_fn *visit, void *self) FN_MUST_USE;
bool expr_equal(const expr *a, const expr *b);
bool expr_is_deterministic(const expr *e);
/* Ids used, without duplicates, appended to ids (arena array grown by the caller's fn_buf of column_id). */
fn_status expr_columns(fn_ctx *ctx, const expr *e, fn_buf *ids) FN_MUST_USE;
/* A copy with columns replaced: map(id) gives the expression to put there, or NULL to keep. */
typedef expr *expr_map_fn(void *self, column_id id);
fn_status expr_replace(fn_ctx *ctx, const expr *e, expr_map_fn *map, void *self, expr **out) FN_MUST_USE;
fn_status expr_text(fn_ctx *ctx, const expr *e, fn_buf *out) FN_MUST_USE; /* for EXPLAIN */

/* ---- running ---- */
typedef struct expr_program expr_program; /* immutable, any number of threads */
fn_status expr_compile(fn_ctx *ctx, expr *const *exprs, uint32_t count, const column_id *layout, uint32_t layout_count,
                       expr_program **out) FN_MUST_USE;
/* out[i]: one new reference each, in->rows rows, any shape. Shared subexpressions are computed once. */
fn_status expr_run(fn_ctx *ctx, const expr_program *program, const fn_block *in, fn_column **out) FN_MUST_USE;
/* A condition as mask bytes (0/1; NULL counts as 0) and the number of ones. mask has in->rows bytes (+64 pad).
 * Boolean program with one expression. Uses dictionary and constant shortcuts. */
fn_status expr_run_mask(fn_ctx *ctx, const expr_program *program, const fn_block *in, uint8_t *mask, uint32_t *ones) FN_MUST_USE;
/* Of a condition over one column alone: over its values. The column is taken, also on failure; NULL: an earlier failure. */
fn_status expr_run_mask_one(fn_ctx *ctx, const expr_program *program, fn_column *column_take, uint8_t *mask, uint32_t *ones) FN_MUST_USE;
/* Evaluates a constant expression (no columns) to a 1-row column. */
fn_status expr_fold(fn_ctx *ctx, const expr *e, fn_column **out) FN_MUST_USE;
/* Runs a lambda: params as columns of `rows` rows; captures are taken from the enclosing block by the caller's closure. */
typedef struct expr_closure {
    const expr_lambda *lambda;
    fn_column *const *captures; /* capture_count columns of the outer block's rows */
} expr_closure;
/* params: param_count columns of n items; outer_row[i] < outer rows says to which outer row item i belongs (gathers captures). */
fn_status expr_lambda_run(fn_ctx *ctx, const expr_closure *closure, fn_column *const *params, const uint32_t *outer_row,
                          uint32_t items, fn_column **out) FN_MUST_USE;
/* How a higher-order function's eval reaches its lambdas: args[i] is NULL there and the closure is this. */
const expr_closure *func_closure(const func_call *call, fn_column *const *args, uint32_t index);

/* ---- sets: right side of IN ---- */
typedef struct expr_set expr_set;
/* Key columns of the given types (nulls are dropped unless transform_null_in). */
fn_status expr_set_new(fn_ctx *ctx, const fn_type *const *types, uint32_t count, expr_set **out) FN_MUST_USE;
fn_status expr_set_add(fn_ctx *ctx, expr_set *set, fn_column *const *keys, uint32_t rows) FN_MUST_USE;
fn_status expr_set_seal(fn_ctx *ctx, expr_set *set) FN_MUST_USE; /* afterwards read-only and shared */
void expr_set_free(expr_set *set);
bool expr_set_equal(const expr_set *a, const expr_set *b); /* sealed ones of one key known to hold the same list */
uint64_t expr_set_rows(const expr_set *set);
/* mask[i] = 1 if row i of keys is in the set; keys are converted to the set's types first (accurate: no match on loss). */
fn_status expr_set_match(fn_ctx *ctx, const expr_set *set, fn_column *const *keys, uint32_t rows, uint8_t *mask) FN_MUST_USE;
/* Smallest and largest key of a one-column set (for pruning); false when empty or of a type without order. */
bool expr_set_range(const expr_set *set, const fn_column **values, uint32_t *count); /* sorted values, FLAT */
#endif
