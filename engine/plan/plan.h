/* plan/plan.h - the logical plan: a tree of nodes; each node's outputs are numbered columns.
 * Made by the binder, rewritten by the rules (plan/rule_*.c in the order of rule_list.c), run by exec. Read-only at run time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PLAN_PLAN_H
#define FIRN_PLAN_PLAN_H
#include "expr/expr.h"
#include "table/table.h"

struct ast_query;
struct ast_expr;

typedef enum plan_kind {
    PLAN_SCAN, PLAN_VALUES, PLAN_NUMBERS, PLAN_FILTER, PLAN_PROJECT, PLAN_AGGREGATE, PLAN_JOIN, PLAN_SORT, PLAN_LIMIT, PLAN_LIMIT_BY,
    PLAN_DISTINCT, PLAN_UNION, PLAN_SET_OP, PLAN_WINDOW, PLAN_ARRAY_JOIN, PLAN_FILL, PLAN_SHARED
} plan_kind;

typedef struct plan_column {
    column_id id;
    const fn_type *type;
    fn_str name; /* for EXPLAIN and for the result's header */
} plan_column;

typedef struct plan_item { /* a computed output */
    column_id id;
    expr *value;
} plan_item;

typedef struct plan_aggregate_item {
    column_id id;
    const agg_call *call;
    expr **args;        /* call's arguments as written (FILTER and -If conditions included as the last argument) */
    uint32_t arg_count;
    bool distinct;
} plan_aggregate_item;

typedef struct plan_sort_key {
    expr *value;
    bool descending, nulls_first;
    fn_str collate;
} plan_sort_key;

typedef struct plan_fill { /* WITH FILL of sort key i */
    bool present;
    expr *from, *to, *step, *staleness; /* constants or NULL */
    int64_t step_interval;              /* step given as INTERVAL: unit in step_unit */
    int step_unit;                      /* fn_interval_unit or -1 */
} plan_fill;

typedef enum plan_join_kind { PLAN_JOIN_INNER, PLAN_JOIN_LEFT, PLAN_JOIN_RIGHT, PLAN_JOIN_FULL, PLAN_JOIN_CROSS, PLAN_JOIN_SEMI_LEFT,
    PLAN_JOIN_SEMI_RIGHT, PLAN_JOIN_ANTI_LEFT, PLAN_JOIN_ANTI_RIGHT, PLAN_JOIN_MARK /* adds a Bool column: row has a match */,
    PLAN_JOIN_SINGLE /* LEFT with any one of the matches: scalar subqueries */, PLAN_JOIN_PASTE } plan_join_kind;

typedef enum plan_frame_bound { FRAME_UNBOUNDED_PRECEDING, FRAME_PRECEDING, FRAME_CURRENT, FRAME_FOLLOWING, FRAME_UNBOUNDED_FOLLOWING } plan_frame_bound;
typedef struct plan_window_item {
    column_id id;
    const agg_call *call; /* aggregates and AGG_WINDOW_ONLY functions */
    expr **args;
    uint32_t arg_count;
    bool rows, groups;    /* frame unit; neither: RANGE */
    plan_frame_bound start, end;
    expr *start_offset, *end_offset; /* constants */
    bool ignore_nulls;
} plan_window_item;

typedef struct plan_top_groups {
    uint64_t rows;     /* 0: all groups are wanted */
    column_id id;      /* of the aggregate */
    bool descending;
    bool only_key;     /* no further keys: of equal ones any will do */
} plan_top_groups;

typedef struct plan plan;
struct plan {
    plan_kind kind;
    plan_column *columns; /* outputs in order */
    uint32_t column_count;
    plan **inputs;
    uint32_t input_count;
    double rows_estimate; /* 0 = unknown */
    union {
        struct { /* columns[i] = column scan.indexes[i] of the table */
            table *table;
            table_snapshot *snapshot;
            bool by_metadata; /* count, min and max of the whole table took its place: nothing is read */
            uint32_t *indexes;
            expr **conjuncts;      /* over the table's output ids; pushed down */
            uint32_t conjunct_count;
            bool final;
            expr **prewhere;       /* final: hold for rows before those with equal keys meet; NULL: none */
            uint32_t prewhere_count;
            double sample, sample_offset;
            uint64_t limit;
            struct plan_top_n *top_n; /* set when a top-N above shares its bound */
            bool *codes;           /* per column: what is above takes dictionary codes of numbers; NULL: of none */
        } scan;
        struct {
            fn_block **blocks; /* constant rows */
            uint32_t block_count;
        } values;
        struct {
            uint64_t start, count, step; /* count UINT64_MAX: endless */
        } numbers;
        struct {
            expr *condition;
        } filter;
        struct {
            plan_item *items; /* items[i].id = columns[i].id; plain EXPR_COLUMN items pass through */
        } project;
        struct {
            plan_item *keys; /* outputs: keys first, then aggregates, then grouping id if grouping sets */
            uint32_t key_count;
            plan_aggregate_item *items;
            uint32_t item_count;
            uint64_t *grouping_sets; /* bit i = key i is in the set; NULL: one set of all keys */
            uint32_t grouping_set_count;
            bool sets_as_written;    /* GROUPING SETS, not ROLLUP or CUBE: a set without keys is a row even of no rows */
            column_id grouping_id;   /* UInt64 column: index of the grouping set; only with grouping_sets */
            bool totals;             /* WITH TOTALS: the extra row goes to the run's totals */
            uint64_t limit;          /* rows enough for what follows (LIMIT without ORDER BY), 0 = all */
            bool overflow_row;
            plan_top_groups top;     /* ORDER BY an aggregate LIMIT n right above: the others need not be given out */
        } aggregate;
        struct {
            plan_join_kind kind;
            bool any;              /* ANY strictness: at most one match per left row */
            expr **left_keys, **right_keys; /* equality pairs */
            bool *null_safe;       /* <=> : NULL equals NULL */
            uint32_t key_count;
            expr *residual;        /* further ON condition over both sides; NULL = none */
            int asof;              /* -1 none; else index of the key pair compared by asof_op */
            uint8_t asof_op;       /* 0 >=, 1 >, 2 <=, 3 <  (left OP right) */
            column_id mark;        /* MARK joins */
            bool use_nulls;        /* unmatched side gives NULL (types are already Nullable) instead of defaults */
            bool build_left;       /* chosen by the planner: hash table over inputs[0] */
        } join;
        struct {
            plan_sort_key *keys;
            uint32_t key_count;
            uint64_t limit;  /* top-N: offset + limit; 0 = all */
            bool with_ties;
        } sort;
        struct {
            uint64_t limit, offset; /* limit UINT64_MAX: only OFFSET */
            double limit_fraction, offset_fraction; /* LIMIT 0.1; 0: not used */
            bool with_ties;         /* sort keys are in ties */
            plan_sort_key *ties;
            uint32_t tie_count;
            bool negative_limit, negative_offset; /* LIMIT -n: last rows */
        } limit;
        struct {
            expr **keys;
            uint32_t key_count;
            uint64_t limit, offset;
        } limit_by;
        struct {
            expr **keys; /* NULL: all columns */
            uint32_t key_count;
            uint64_t limit; /* rows enough; 0 = all */
        } distinct;
        struct {
            bool except; /* EXCEPT, else INTERSECT (PLAN_SET_OP); DISTINCT is a node of its own above */
            bool distinct; /* EXCEPT DISTINCT: no row the right side has, however often */
        } set_op;
        struct { /* input is partitioned and sorted by the operator itself */
            expr **partition_by;
            uint32_t partition_count;
            plan_sort_key *order_by;
            uint32_t order_count;
            plan_window_item *items;
            uint32_t item_count;
        } window;
        struct {
            plan_item *arrays; /* array expressions; outputs: input columns, then elements */
            uint32_t array_count;
            bool left;
        } array_join;
        struct { /* input sorted by keys */
            plan_sort_key *keys;
            plan_fill *fills;
            uint32_t key_count;
            plan_item *interpolate; /* id: column to set; value over the previous row's columns */
            uint32_t interpolate_count;
        } fill;
        struct { /* a CTE used more than once: run once, read by all; the same shared pointer in each */
            struct plan_shared *shared;
        } shared;
    };
};

typedef struct plan_shared {
    plan *plan;        /* NULL: a store that is filled from outside (the last level of a recursion) */
    fn_block **blocks; /* filled by exec */
    uint32_t block_count;
    bool done;
    plan *step;        /* WITH RECURSIVE: run again and again over `working`, the rows it or `plan` gave last; NULL: none */
    struct plan_shared *working;
    uint64_t depth_max;
} plan_shared;

typedef struct plan_top_n {
    scan_threshold threshold;
} plan_top_n;

/* A statement ready to run. */
typedef struct plan_query {
    plan *root;
    fn_schema schema;      /* result header: root->columns */
    expr_cell **cells;     /* to fill first, in this order */
    uint32_t cell_count;
    table **tables;        /* referenced for the run */
    uint32_t table_count;
    plan **scans;          /* PLAN_SCAN nodes: their snapshots are given back by plan_query_release */
    uint32_t scan_count;
    uint64_t applied_limit_rows;
    bool has_totals;
    fn_str *projections;   /* read instead of tables: database.table.name */
    uint32_t projection_count;
    bool projection_used;  /* one of them, or what tables know by themselves */
    column_id next_id;     /* first id not used yet, for the rules */
} plan_query;

/* ---- what the binder asks of the world (implemented by engine/query; tables of functions go downwards) ---- */
typedef struct plan_world plan_world;
struct plan_world {
    /* A table by name; database may be empty (current one; temporary tables first). UNKNOWN_TABLE (60) / UNKNOWN_DATABASE (81). */
    fn_status (*find_table)(plan_world *w, fn_ctx *ctx, fn_str database, fn_str name, table **out);
    /* A table function: numbers(10), s3(...). args are ASTs. UNKNOWN_FUNCTION (46). */
    fn_status (*table_function)(plan_world *w, fn_ctx *ctx, const struct ast_expr *call, table **out);
    /* The SELECT behind a view; NULL if the table is not one. */
    fn_status (*view_query)(plan_world *w, fn_ctx *ctx, table *t, struct ast_query **out);
    /* {name:Type}: the raw value; UNKNOWN_QUERY_PARAMETER (456). */
    fn_status (*parameter)(plan_world *w, fn_ctx *ctx, fn_str name, fn_str *out);
    const char *current_database;
    /* A number that changes with every change of what names mean; NULL: they never change. */
    uint64_t (*moment)(plan_world *w);
};

/* Binds and optimises. ctx->settings hold. Everything lives in ctx->arena. */
fn_status plan_bind(fn_ctx *ctx, plan_world *world, const struct ast_query *ast, plan_query **out) FN_MUST_USE;
/* Binds an expression over the columns of a table schema (column_id = column index): defaults, keys, TTL, mutations. */
fn_status plan_bind_expr(fn_ctx *ctx, plan_world *world, const struct ast_expr *ast, const table_schema *schema, expr **out) FN_MUST_USE;
/* Like it, but subqueries are allowed (mutations): their cells are in *query, to be filled by exec_cells before the expression
 * runs; release it with plan_query_release afterwards. */
fn_status plan_bind_condition(fn_ctx *ctx, plan_world *world, const struct ast_expr *ast, const table_schema *schema, expr **out, plan_query **query) FN_MUST_USE;
/* A PROJECTION clause over a table's schema (column_id = schema index). */
typedef struct plan_projection {
    bool aggregate;
    uint32_t count;             /* stored columns; aggregate: the keys alone, all of them sorted by */
    expr **values;
    uint32_t *sort, sort_count; /* which of them, in the order of ORDER BY */
    plan_aggregate_item *items; /* aggregate: arguments over the schema */
    uint32_t item_count;
} plan_projection;
/* Errors: those of a SELECT, ILLEGAL_PROJECTION (583), NOT_IMPLEMENTED. */
fn_status plan_bind_projection(fn_ctx *ctx, const struct ast_query *ast, table_schema *schema, plan_projection *out) FN_MUST_USE;
/* What TTL ... GROUP BY makes of the rows of a group: `count` expressions with aggregates in them. values[i]: over the schema (columns the
 * groups are made by) and, from the schema's count on, the aggregates: column_id schema->count + k is the result of items[k]. */
typedef struct plan_group {
    plan_aggregate_item *items; /* arguments over the schema */
    uint32_t item_count;
    expr **values;
} plan_group;
/* Errors: those of a SELECT with that GROUP BY, NOT_IMPLEMENTED. */
fn_status plan_bind_group(fn_ctx *ctx, const struct ast_expr *const *values, uint32_t count, const struct ast_expr *const *keys, uint32_t key_count, table_schema *schema,
                          plan_group *out) FN_MUST_USE;
fn_status plan_optimize(fn_ctx *ctx, plan_query *q) FN_MUST_USE; /* the rules, in order */
fn_status plan_explain(fn_ctx *ctx, const plan_query *q, fn_buf *out) FN_MUST_USE;
void plan_query_release(plan_query *q); /* references to tables, snapshots, constants */
#endif
