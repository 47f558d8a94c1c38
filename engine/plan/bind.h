/* plan/bind.h - what the files of the binder share: scopes, names, stages of a SELECT.
 *
 * How a SELECT is bound. FROM gives a plan and the sources whose columns have ids. Every expression is then bound over those ids,
 * whatever clause it stands in; what is computed later than the rows of FROM (aggregates, window functions, arrayJoin, subqueries
 * that become joins) is noted in the scope and stands in the expression as a column with an id of its own ("late" ids). When all
 * clauses are bound and there is an aggregation, expressions are rewritten over its keys (bind_over_keys). At last the nodes are
 * put on one another in the order of execution (bind_select.c).
 *
 * Aliases are bound where they are used, as ClickHouse does: an alias may be used before and after its definition; inside its own
 * definition its name means the column. All structures lie in the arena of the statement.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PLAN_BIND_H
#define FIRN_PLAN_BIND_H
#include "plan/plan_node.h"
#include "settings/settings.h"
#include "sql/ast.h"

#define BIND_LAMBDA_ID 0x80000000u /* ids of lambda parameters begin here; above what an enum may hold */

enum { BIND_DEPTH_MAX = 1000, BIND_SUBQUERY_DEPTH_MAX = 100 };

typedef struct scope scope;

typedef struct source_column {
    fn_str name;
    column_id id;
    const fn_type *type;
    const fn_type *cast_to; /* joined by USING with another type: the common one, NULL otherwise */
    fn_str alias_sql; /* ALIAS column: its expression */
    bool hidden;      /* not in `*`: MATERIALIZED, ALIAS, virtual */
    bool merged;      /* joined by USING and shown once already */
    bool resolving;   /* ALIAS column being bound */
} source_column;

/* A table, table function or subquery in FROM. */
typedef struct source {
    fn_str alias, database, table;
    const char *engine; /* of a table; NULL for subqueries */
    const table *stored; /* the table of a plain scan; NULL otherwise */
    bool is_facade;      /* a Merge or Buffer table */
    source_column *columns;
    uint32_t count;
} source;

/* A column of USING: its unqualified name means `value`. */
typedef struct merged_name {
    fn_str name;
    expr *value;
    uint32_t source_count; /* the sources before this one are the sides */
} merged_name;

typedef struct alias_entry {
    fn_str name;
    const ast_expr *ast;
    bool resolving;
    expr *bound;
    uint32_t size; /* nodes it stands for */
} alias_entry;

/* Columns that an inner join makes equal. */
typedef struct equal_pair {
    column_id left, right;
} equal_pair;

/* Parameters of lambdas and arguments of lambda aliases, innermost first. */
typedef struct local {
    fn_str name;
    expr *value;
    const struct local *outer;
} local;

typedef struct cte_entry {
    const ast_cte *ast;
    plan *first;  /* node of the first use; becomes PLAN_SHARED with the second */
    bool binding; /* refers to itself */
    plan_shared *working; /* recursive: the store that a reference inside reads, with these columns */
    const plan_column *working_columns;
    uint32_t working_count, working_uses;
} cte_entry;

/* A subquery that becomes a join before the stage that uses it. */
typedef struct pending_join {
    column_id id; /* the column it gives */
    plan *join;   /* inputs[0] still NULL */
    bool done;
} pending_join;

typedef struct pending_array_join {
    column_id id;
    expr *array;
    bool done;
} pending_array_join;

/* grouping(a, b) before the keys are known: a column that is replaced by its value. */
typedef struct pending_grouping {
    column_id id;
    expr **args;
    uint32_t arg_count;
    expr *value;
} pending_grouping;

typedef struct bound_window {
    expr **partition_by;
    uint32_t partition_count;
    plan_sort_key *order_by;
    uint32_t order_count;
    plan_window_item *items;
    uint32_t item_count;
} bound_window;

struct scope {
    scope *parent;
    const ast_select *select;
    bool hide_parent_columns; /* CTE bodies and FROM subqueries see names of WITH, not the rows outside */
    source *sources;
    uint32_t source_count;
    merged_name *merged;
    uint32_t merged_count;
    equal_pair *equals;
    uint32_t equal_count;
    alias_entry *aliases;
    uint32_t alias_count;
    cte_entry *ctes;
    uint32_t cte_count;
    const local *locals;
    uint32_t lambda_depth;
    uint32_t joins;           /* JOINs in FROM */
    uint32_t fallbacks;       /* times a name meant the column because its alias was being bound */
    const char *no_aggregates; /* clause in which aggregates are not allowed; NULL: allowed */
    bool in_aggregate, in_window;
    plan_aggregate_item *aggregates;
    uint32_t aggregate_count;
    bound_window *windows;
    uint32_t window_count;
    pending_array_join *array_joins;
    uint32_t array_join_count;
    pending_join *pending;
    uint32_t pending_count;
    column_id *late;          /* ids made above FROM */
    uint32_t late_count;
    column_id *outer;         /* ids of outer scopes used in here or deeper */
    uint32_t outer_count;
    column_id grouping_id;    /* id + 1 of the aggregate's grouping set number when grouping() is used; 0: not used */
    uint64_t *grouping_sets;
    uint32_t grouping_set_count;
    pending_grouping *groupings;
    uint32_t grouping_count;
    plan_item *keys;          /* bound GROUP BY */
    uint32_t key_count;
    bool has_keys;
};

typedef struct binder {
    fn_ctx *ctx;
    plan_world *world;
    plan_query *query;
    column_id next_id;
    uint32_t depth, query_depth;
    uint32_t expanded;       /* nodes bound so far, aliases counted wherever they are used */
    uint32_t subquery_names; /* subqueries named in results so far: _subquery_1, ... */
    table_snapshot *fresh;   /* of fresh_of, taken while its name meant it; see find_with_snapshot */
    table *fresh_of;
    table_schema *fresh_schema; /* what it is of; one reference as long as `fresh` waits */
} binder;

/* ---- queries (bind_query.c, bind_setop.c, bind_select.c) ---- */
/* Binds a query; `parent` may be NULL. outer: the scope that gets to know which of its columns are used inside. */
fn_status bind_query(binder *b, scope *parent, bool hide_parent_columns, const ast_query *q, plan **out, scope **inner) FN_MUST_USE;
fn_status bind_select(binder *b, scope *s, const ast_select *ast, plan **out) FN_MUST_USE;
fn_status bind_set_operation(binder *b, scope *parent, bool hide_parent_columns, const ast_query *q, plan **out, scope **inner) FN_MUST_USE;
/* Casts the outputs to the given types. */
fn_status bind_cast_columns(binder *b, plan *p, const fn_type *const *types, plan **out) FN_MUST_USE;

/* ---- FROM (bind_from.c, bind_join.c) ---- */
fn_status bind_from(binder *b, scope *s, const ast_from *f, plan **out) FN_MUST_USE;
fn_status bind_join(binder *b, scope *s, const ast_from *f, plan **out) FN_MUST_USE;
/* A recursive WITH entry: *done false if it is an ordinary one after all. */
fn_status bind_recursive(binder *b, scope *owner, cte_entry *cte, plan **out, bool *done) FN_MUST_USE;
fn_status bind_working(binder *b, cte_entry *cte, plan **out) FN_MUST_USE; /* a reference to it inside itself */
fn_status bind_array_join(binder *b, scope *s, const ast_from *f, plan **out) FN_MUST_USE;
fn_status bind_table(binder *b, scope *s, table *t, const ast_from *f, plan **out) FN_MUST_USE; /* takes the reference */
/* Splits ANDed conditions into equality keys between the two sides and the rest. */
/* Both sides of a key cast to the type they are compared in; equality: signed and unsigned numbers of 64 bits have one, too. NO_COMMON_TYPE. */
fn_status bind_join_types(binder *b, expr **l, expr **r, bool equality) FN_MUST_USE;
fn_status bind_join_keys(binder *b, plan *join, expr *condition) FN_MUST_USE;

/* ---- names (bind_scope.c, bind_name.c) ---- */
scope *bind_scope_new(binder *b, scope *parent, const ast_select *select);
fn_status bind_collect_aliases(binder *b, scope *s, const ast_expr *e) FN_MUST_USE;
fn_status bind_collect_all(binder *b, scope *s) FN_MUST_USE;
cte_entry *bind_find_cte(scope *s, fn_str name, scope **owner);
fn_status bind_identifier(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
/* Looks without failing: *out NULL if there is no such name. */
/* bind_join_table.c: a table of engine Join as it is read, a JOIN with it, and joinGet over it. */
fn_status bind_join_rows(binder *b, const source *src, plan **p) FN_MUST_USE;
fn_status bind_join_kind(binder *b, const table *t, const ast_from *f) FN_MUST_USE; /* INCOMPATIBLE_TYPE_OF_JOIN (264) */
fn_status bind_join_with(binder *b, const source *src, const plan *join) FN_MUST_USE;
fn_status bind_join_get(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_lookup(binder *b, scope *s, const fn_str *parts, uint32_t count, expr **out) FN_MUST_USE;
/* An expression that an alias names is bound as the alias is, so that its own name means the column inside it. */
fn_status bind_aliased(binder *b, scope *s, const ast_expr *e, bool *done, expr **out) FN_MUST_USE;
const ast_expr *bind_find_lambda(scope *s, fn_str name); /* alias of a lambda */
fn_status bind_source_value(binder *b, scope *s, source *src, source_column *c, expr **out) FN_MUST_USE;
const source_column *bind_column_of(const scope *s, column_id id, const source **src);
/* The result's name of a column or expression, with qualified names as ClickHouse shows them. */
fn_status bind_name_of(binder *b, scope *s, const ast_expr *e, fn_str *out) FN_MUST_USE;
/* The name with the identifier `replaced` shown as `by`. */
fn_status bind_name_with(binder *b, const ast_expr *e, fn_str replaced, fn_str by, fn_str *out) FN_MUST_USE;
fn_status bind_scope_text(binder *b, const scope *s, fn_str *out) FN_MUST_USE; /* for messages */

/* ---- expressions (bind_expr.c, bind_literal.c, bind_call.c) ---- */
fn_status bind_expr(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_count(binder *b, uint32_t nodes) FN_MUST_USE; /* TOO_BIG_AST (168) when aliases expand too far */
fn_status bind_condition(binder *b, scope *s, const ast_expr *e, const char *clause, expr **out) FN_MUST_USE;
fn_status bind_literal(binder *b, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_parameter(binder *b, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_parameter_name(binder *b, const ast_expr *e, fn_str *out) FN_MUST_USE; /* {x:Identifier} */
fn_status bind_function(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_constant(binder *b, scope *s, const ast_expr *e, const char *what, fn_column **out) FN_MUST_USE; /* borrowed, 1 row */
/* Arguments with asterisks and untuple expanded. */
fn_status bind_arguments(binder *b, scope *s, const ast_list *list, expr ***out, uint32_t *count) FN_MUST_USE;
fn_status bind_string_const(binder *b, fn_str text, expr **out) FN_MUST_USE;
fn_status bind_text_const(binder *b, fn_str text, const fn_type *type, fn_text_style style, expr **out) FN_MUST_USE; /* BAD_QUERY_PARAMETER: something is left */

/* ---- asterisks (bind_star.c) ---- */
typedef struct select_item {
    expr *value;
    fn_str name;
    const ast_expr *ast; /* NULL: made by an asterisk */
} select_item;
fn_status bind_star(binder *b, scope *s, const ast_expr *e, select_item **items, uint32_t *count) FN_MUST_USE; /* appends */
fn_status bind_select_list(binder *b, scope *s, const ast_list *list, select_item **items, uint32_t *count) FN_MUST_USE;

/* ---- aggregates and windows ---- */
fn_status bind_aggregate(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_aggregate_call(binder *b, scope *s, const ast_expr *e, expr ***args, uint32_t *count, const agg_call **call, bool *distinct) FN_MUST_USE;
fn_status bind_grouping(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_group_by(binder *b, scope *s, const select_item *items, uint32_t item_count) FN_MUST_USE; /* sets keys and sets */
const fn_type *bind_key_type(binder *b, const scope *s, const plan_item *key); /* Nullable with grouping sets and group_by_use_nulls */
fn_status bind_groupings(binder *b, scope *s) FN_MUST_USE; /* values of grouping(), once the keys are known */
/* The expression over the keys and aggregates: NOT_AN_AGGREGATE if it needs anything else of FROM. */
fn_status bind_over_keys(binder *b, scope *s, expr *e, expr **out) FN_MUST_USE;
fn_status bind_window_function(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_late_id(binder *b, scope *s, column_id *out) FN_MUST_USE;

/* ---- subqueries (bind_subquery.c, bind_unnest.c, bind_in.c) ---- */
fn_status bind_scalar_subquery(binder *b, scope *s, const ast_query *q, expr **out) FN_MUST_USE;
fn_status bind_exists(binder *b, scope *s, const ast_query *q, expr **out) FN_MUST_USE;
fn_status bind_in(binder *b, scope *s, const ast_expr *e, expr **out) FN_MUST_USE;
fn_status bind_in_correlated(binder *b, scope *s, scope *inner, plan *p, expr *const *keys, uint32_t count, bool negated, expr **out) FN_MUST_USE;
/* Takes conditions over outer columns out of the plan, up to its top: their AND, over its outputs (which grow) and outer ids.
 * exists: only whether there is a row matters. NOT_IMPLEMENTED where that cannot be done. */
fn_status bind_unnest(binder *b, scope *inner, plan **p, bool exists, expr **condition) FN_MUST_USE;
fn_status bind_add_cell(binder *b, plan *p, bool is_set, bool is_exists, const fn_type *type, expr **out) FN_MUST_USE;
/* Puts the joins and array joins that `exprs` need below a stage. */
fn_status bind_flush(binder *b, scope *s, expr *const *exprs, uint32_t count, plan **p) FN_MUST_USE;
fn_status bind_filter_stage(binder *b, scope *s, expr *condition, plan **p) FN_MUST_USE;

/* ---- order (bind_order.c) ---- */
typedef struct bound_order {
    plan_sort_key *keys;
    plan_fill *fills;
    uint32_t count;
    bool has_fill;
} bound_order;
fn_status bind_order(binder *b, scope *s, const ast_order *o, const select_item *items, uint32_t item_count, bool positions, bound_order *out) FN_MUST_USE;
fn_status bind_limit(binder *b, scope *s, const ast_expr *limit, const ast_expr *offset, bool with_ties, const plan_sort_key *ties,
                     uint32_t tie_count, plan **p) FN_MUST_USE;
fn_status bind_limit_number(binder *b, scope *s, const ast_expr *e, const char *clause, uint64_t *number, double *fraction, bool *negative) FN_MUST_USE;
/* A select item meant by position (1-based literal); NULL if e is none. ILLEGAL position: BAD_ARGUMENTS (36). */
fn_status bind_position(binder *b, const ast_expr *e, const select_item *items, uint32_t count, const char *clause, const select_item **out) FN_MUST_USE;
bool bind_setting(binder *b, const char *name); /* a boolean setting that is only known by name */

/* ---- bind_additional.c: filters of settings ---- */
fn_status bind_table_filter(binder *b, const source *src, plan **p) FN_MUST_USE;      /* p: the scan of src */
fn_status bind_refuse_table_filter(binder *b, const source *src) FN_MUST_USE;         /* NOT_IMPLEMENTED if there is one */
fn_status bind_result_filter(binder *b, const ast_query *q, plan **p) FN_MUST_USE;
#endif
