/* sql/ast.h - the syntax tree. Expressions are one node type; each statement has its own struct.
 * All nodes live in the arena of the parse; strings point into it, not into the query text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SQL_AST_H
#define FIRN_SQL_AST_H
#include <firn/arena.h>
#include <firn/bits.h>

typedef struct ast_expr ast_expr;
typedef struct ast_select ast_select;
typedef struct ast_query ast_query;

typedef struct ast_list {
    ast_expr **items;
    uint32_t count;
} ast_list;

typedef enum ast_kind {
    AST_LITERAL,    /* literal_kind, text / number */
    AST_IDENTIFIER, /* parts: a.b.c */
    AST_ASTERISK,   /* *, t.* (parts = qualifier), COLUMNS('re') (text), COLUMNS(a, b) (args); transformers in args2 */
    AST_FUNCTION,   /* name(args) ; params: quantile(0.5)(x); operators are functions: plus, equals, and, not, negate, like, in,
                       notIn, globalIn, isNull, isNotNull, tuple, array, arrayElement, tupleElement, if (?:), multiIf / caseWithExpression
                       (CASE), CAST, between is and(>=, <=), concat (||), exists */
    AST_LAMBDA,     /* args = parameters (identifiers), body = args2.items[0] */
    AST_SUBQUERY,   /* (SELECT ...) */
    AST_PARAMETER,  /* {name:Type}: text = name, type_text */
    AST_INTERVAL_UNIT, /* not used by itself: INTERVAL n unit is toInterval<Unit>(n) */
    AST_TRANSFORMER /* APPLY(f) / EXCEPT(..) / REPLACE(e AS n): name, args */
} ast_kind;

typedef enum ast_literal_kind {
    LITERAL_NULL, LITERAL_BOOL, LITERAL_UINT, LITERAL_INT, LITERAL_WIDE /* text: integer beyond 64 bits */, LITERAL_FLOAT,
    LITERAL_STRING, LITERAL_DECIMAL /* never made by default: numbers with a point are floats, as in ClickHouse */
} ast_literal_kind;

typedef struct ast_window_frame {
    bool present, rows, groups;         /* neither: RANGE */
    uint8_t start_kind, end_kind;       /* 0 UNBOUNDED PRECEDING, 1 n PRECEDING, 2 CURRENT ROW, 3 n FOLLOWING, 4 UNBOUNDED FOLLOWING */
    ast_expr *start, *end;
} ast_window_frame;

typedef struct ast_order_item {
    ast_expr *expr;
    bool descending, nulls_first, nulls_set; /* nulls_set: NULLS FIRST/LAST was written; default is NULLS LAST both ways */
    fn_str collate;
    bool bare;                            /* of a projection: printed without its direction */
    bool fill;                            /* WITH FILL */
    ast_expr *fill_from, *fill_to, *fill_step, *fill_staleness;
} ast_order_item;

typedef struct ast_order {
    ast_order_item *items;
    uint32_t count;
    bool all, all_descending, all_nulls_first; /* ORDER BY ALL */
    bool interpolate;                          /* INTERPOLATE [(a AS expr, ...)] */
    ast_list interpolate_exprs;                /* aliased expressions; empty list = all */
} ast_order;

typedef struct ast_window {
    fn_str name;   /* of a WINDOW clause entry */
    fn_str parent; /* OVER w or (w ...) */
    ast_list partition_by;
    ast_order order_by;
    ast_window_frame frame;
} ast_window;

struct ast_expr {
    ast_kind kind;
    uint8_t literal_kind;
    bool distinct;           /* count(DISTINCT x) */
    bool parenthesized;
    bool is_operator;        /* written as an operator: matters for printing */
    bool nulls_ignore, nulls_respect; /* IGNORE NULLS / RESPECT NULLS */
    fn_str alias;            /* AS alias; empty: none */
    fn_str text;             /* literal string bytes; function name as written; parameter name */
    fn_str type_text;        /* PARAMETER's type; CAST(x AS T) has T as a string literal argument */
    uint64_t u64;            /* UINT; INT as two's complement; BOOL 0/1 */
    double f64;
    fn_str *parts;           /* identifier parts, qualifier of an asterisk */
    uint32_t part_count;
    ast_list args, args2, params;
    ast_expr *filter;        /* agg(...) FILTER (WHERE ...) */
    ast_window *over;        /* window function */
    ast_query *subquery;
    uint32_t position;       /* byte offset in the statement */
};

typedef enum ast_join_kind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_CROSS, JOIN_COMMA, JOIN_PASTE } ast_join_kind;
typedef enum ast_join_strictness { STRICT_DEFAULT, STRICT_ALL, STRICT_ANY, STRICT_ASOF, STRICT_SEMI, STRICT_ANTI } ast_join_strictness;

typedef enum ast_from_kind { FROM_TABLE, FROM_FUNCTION, FROM_SUBQUERY, FROM_JOIN, FROM_ARRAY_JOIN } ast_from_kind;
typedef struct ast_from ast_from;
struct ast_from {
    ast_from_kind kind;
    fn_str database, table; /* FROM_TABLE; may be {p:Identifier}: then *_param is set */
    ast_expr *table_param, *database_param;
    ast_expr *function;     /* FROM_FUNCTION: numbers(10) */
    ast_query *subquery;    /* FROM_SUBQUERY */
    fn_str alias;
    fn_str *column_aliases; /* AS t(a, b) */
    uint32_t column_alias_count;
    bool final;
    bool final_where_known; /* FINAL unless the engine has none: tables behind a Merge or Buffer */
    bool as_set;            /* the table at the right of IN */
    ast_expr *sample, *sample_offset;
    ast_from *left, *right; /* FROM_JOIN; FROM_ARRAY_JOIN has left only */
    ast_join_kind join;
    ast_join_strictness strictness;
    bool global;
    ast_expr *on;
    ast_list using;
    ast_list array_join;    /* FROM_ARRAY_JOIN expressions (aliased) */
    bool array_join_left;
};

typedef struct ast_cte {
    fn_str name;
    ast_query *query; /* WITH name AS (SELECT ...) */
    ast_expr *expr;   /* WITH expr AS name */
    bool recursive, materialized;
    fn_str *column_aliases;
    uint32_t column_alias_count;
} ast_cte;

typedef struct ast_setting {
    fn_str name;
    ast_expr *value; /* literal; NULL: = DEFAULT or flag */
    bool is_default;
} ast_setting;

struct ast_select {
    ast_cte *with;
    uint32_t with_count;
    bool distinct;
    ast_list distinct_on;
    ast_list columns;
    ast_from *from;
    ast_expr *prewhere, *where, *having, *qualify;
    ast_list group_by;
    ast_list *grouping_sets; /* GROUPING SETS ((a), (a, b)) */
    uint32_t grouping_set_count;
    bool group_by_all, rollup, cube, totals;
    ast_window *windows;
    uint32_t window_count;
    ast_order order_by;
    ast_expr *limit, *offset;
    bool limit_with_ties;
    ast_expr *limit_by_limit, *limit_by_offset;
    ast_list limit_by;
    bool limit_by_all;
    ast_setting *settings;
    uint32_t setting_count;
};

typedef enum ast_set_op { SET_NONE /* a leaf: select */, SET_UNION_ALL, SET_UNION_DISTINCT, SET_UNION /* mode by setting */, SET_EXCEPT,
    SET_EXCEPT_DISTINCT, SET_INTERSECT, SET_INTERSECT_DISTINCT } ast_set_op;
struct ast_query {
    ast_set_op op;
    ast_select *select;      /* SET_NONE */
    ast_query *left, *right; /* else */
    ast_order order_by;      /* behind a parenthesized union */
    ast_expr *limit, *offset;
};

/* ---- statements ---- */
typedef enum ast_statement_kind {
    STATEMENT_SELECT, STATEMENT_INSERT, STATEMENT_CREATE_TABLE, STATEMENT_CREATE_VIEW, STATEMENT_CREATE_DATABASE, STATEMENT_DROP,
    STATEMENT_RENAME, STATEMENT_EXCHANGE, STATEMENT_ALTER, STATEMENT_TRUNCATE, STATEMENT_OPTIMIZE, STATEMENT_SET, STATEMENT_USE,
    STATEMENT_SHOW, STATEMENT_DESCRIBE, STATEMENT_EXISTS, STATEMENT_EXPLAIN, STATEMENT_KILL, STATEMENT_SYSTEM, STATEMENT_DELETE,
    STATEMENT_UPDATE, STATEMENT_CHECK, STATEMENT_ATTACH, STATEMENT_DETACH, STATEMENT_UNDROP, STATEMENT_BACKUP, STATEMENT_RESTORE,
    STATEMENT_UNSUPPORTED /* parsed enough to name it */
} ast_statement_kind;

typedef struct ast_column_def {
    fn_str name, type; /* type text; empty: from the default expression */
    uint8_t default_kind; /* table_default_kind */
    ast_expr *default_expr;
    fn_str default_text;
    fn_str comment, codec, ttl, statistics; /* statistics: what stands in STATISTICS(...) */
    bool null_set, null; /* NULL / NOT NULL modifier */
    bool primary_key;
    ast_setting *settings;
    uint32_t setting_count;
} ast_column_def;

typedef struct ast_index_def {
    fn_str name, expr_text, type_text;
    ast_expr *expr, *type;
    uint64_t granularity;
} ast_index_def;

/* Also projections and constraints: name + text. kind: 'i' index, 'p' projection, 'c' constraint check, 'a' constraint assume */
typedef struct ast_table_item {
    char kind;
    fn_str name, text;
    ast_index_def index;
    ast_query *projection;
    ast_expr *constraint;
} ast_table_item;

/* An element of TTL. */
typedef enum ast_ttl_action { TTL_DELETE, TTL_MOVE, TTL_RECOMPRESS, TTL_GROUP_BY } ast_ttl_action;
typedef struct ast_ttl {
    ast_ttl_action action;
    ast_expr *when, *where; /* where NULL: all rows */
    fn_str place;           /* TTL_MOVE: the disk or volume */
    bool is_volume, if_exists;
    ast_expr *codec;        /* TTL_RECOMPRESS: CODEC(...) */
    ast_list keys, set;     /* TTL_GROUP_BY; set: equals(column, value) */
} ast_ttl;

typedef struct ast_engine {
    fn_str name;
    ast_list args;
    bool has_args;
    ast_expr *partition_by, *order_by, *primary_key, *sample_by; /* order_by of tuple(): function tuple without args */
    fn_str partition_by_text, order_by_text, primary_key_text, sample_by_text, ttl_text; /* canonical print */
    ast_ttl *ttl;
    uint32_t ttl_count;
    bool order_descending;
    ast_setting *settings;
    uint32_t setting_count;
} ast_engine;

typedef struct ast_name {
    fn_str database, table;
    ast_expr *database_param, *table_param;
} ast_name;

typedef struct ast_create {
    bool if_not_exists, or_replace, replace, temporary, is_attach;
    ast_name name;
    fn_str uuid, on_cluster, comment;
    ast_column_def *columns;
    uint32_t column_count;
    bool has_columns;
    ast_table_item *items;
    uint32_t item_count;
    ast_engine engine;     /* name empty: none written */
    ast_name as_table;     /* CREATE TABLE a AS b; table empty: none */
    ast_expr *as_function; /* CREATE TABLE a AS numbers(10) */
    ast_query *as_select;
    bool empty, populate;  /* EMPTY AS SELECT; POPULATE */
    bool clone;
    bool materialized;     /* views */
    ast_name to_table;     /* materialized view TO t */
    bool is_live, is_window, refreshable; /* NOT_IMPLEMENTED by the interpreter */
} ast_create;

typedef enum ast_alter_kind {
    ALTER_ADD_COLUMN, ALTER_DROP_COLUMN, ALTER_MODIFY_COLUMN, ALTER_RENAME_COLUMN, ALTER_COMMENT_COLUMN, ALTER_CLEAR_COLUMN,
    ALTER_MATERIALIZE_COLUMN, ALTER_DROP_PARTITION, ALTER_DROP_PART, ALTER_DETACH_PARTITION, ALTER_ATTACH_PARTITION, ALTER_ATTACH_PARTITION_FROM,
    ALTER_REPLACE_PARTITION, ALTER_MOVE_PARTITION, ALTER_FREEZE, ALTER_UNFREEZE, ALTER_DELETE, ALTER_UPDATE, ALTER_MODIFY_ORDER_BY,
    ALTER_MODIFY_TTL, ALTER_REMOVE_TTL, ALTER_MODIFY_SETTING, ALTER_RESET_SETTING, ALTER_MODIFY_COMMENT, ALTER_ADD_INDEX, ALTER_DROP_INDEX,
    ALTER_MATERIALIZE_INDEX, ALTER_CLEAR_INDEX, ALTER_ADD_PROJECTION, ALTER_DROP_PROJECTION, ALTER_MATERIALIZE_PROJECTION, ALTER_CLEAR_PROJECTION,
    ALTER_ADD_CONSTRAINT, ALTER_DROP_CONSTRAINT, ALTER_MODIFY_QUERY,
    ALTER_STATISTICS, ALTER_STATISTICS_DATA, /* verb: of the definition; of the parts */
    ALTER_OTHER /* text names it */
} ast_alter_kind;

typedef struct ast_partition {
    bool present, all, is_part;
    fn_str id;       /* PARTITION ID '...' or part name */
    bool has_id;
    ast_expr *value; /* PARTITION expr or tuple */
} ast_partition;

typedef struct ast_alter_command {
    ast_alter_kind kind;
    bool if_exists, if_not_exists, first, detached;
    ast_column_def column;
    fn_str name, new_name, after, text;
    char remove;             /* MODIFY COLUMN c REMOVE x: 'd' default, 'm' materialized, 'a' alias, 'c' comment, 'o' codec, 't' ttl */
    ast_partition partition;
    ast_name from;           /* other table */
    ast_expr *where;         /* DELETE / UPDATE */
    ast_list assignments;    /* equals(identifier, expr) */
    ast_ttl *ttl;            /* MODIFY TTL */
    uint32_t ttl_count;
    ast_expr *expr;
    ast_table_item item;
    ast_setting *settings;
    uint32_t setting_count;
    ast_query *query;
    char verb;               /* STATISTICS: 'a' ADD, 'm' MODIFY, 'd' DROP, 'c' CLEAR, 'b' MATERIALIZE (build) */
    fn_str *names;           /* their columns; none with CLEAR and MATERIALIZE: ALL */
    uint32_t name_count;
    fn_str statistics;       /* their types, as in a column */
} ast_alter_command;

/* What BACKUP and RESTORE are about. */
typedef enum ast_backup_kind { BACKUP_TABLE, BACKUP_TEMPORARY, BACKUP_DATABASE, BACKUP_ALL } ast_backup_kind;
typedef struct ast_backup_element {
    ast_backup_kind kind;
    ast_name name, as;       /* as: empty: the same name */
    ast_partition *partitions;
    uint32_t partition_count;
    ast_name *except_tables; /* database empty: the element's, or the current one */
    uint32_t except_table_count;
    ast_name *except_databases; /* in .database */
    uint32_t except_database_count;
} ast_backup_element;

typedef struct ast_backup {
    ast_backup_element *elements;
    uint32_t count;
    ast_expr *place;         /* File('x'), S3(...): a call, or a bare name (Null) */
    ast_setting *settings;   /* of the backup, not of the session; base_backup = another place */
    uint32_t setting_count;
    bool async, sync;        /* written as words */
} ast_backup;

typedef struct ast_statement {
    ast_statement_kind kind;
    fn_str format;           /* FORMAT x */
    fn_str into_outfile;
    ast_setting *settings;   /* SETTINGS at the end of the statement */
    uint32_t setting_count;
    ast_query *query;        /* SELECT, EXPLAIN, INSERT ... SELECT, DESCRIBE (subquery) */
    ast_name name;           /* table (or database in .database) */
    ast_expr *function;      /* INSERT INTO FUNCTION f(...), DESCRIBE f(...) */
    fn_str on_cluster;
    bool if_exists, if_empty, sync, temporary, final, full;
    /* INSERT */
    ast_list insert_columns; /* identifiers, or one asterisk with EXCEPT */
    bool insert_values;      /* VALUES */
    size_t data_offset;      /* where inline data begins in the statement text (behind VALUES or FORMAT x + one newline) */
    bool has_data_offset;
    /* CREATE */
    ast_create *create;
    /* DROP, DETACH, TRUNCATE, EXISTS, SHOW: what: 't' table, 'v' view, 'd' database, 'D' dictionary, 'u' ... */
    char what;
    bool permanently;
    /* RENAME / EXCHANGE: pairs */
    struct {
        ast_name from, to;
    } *renames;
    uint32_t rename_count;
    bool rename_database;
    /* ALTER */
    ast_alter_command *commands;
    uint32_t command_count;
    /* OPTIMIZE */
    ast_partition partition;
    bool deduplicate, cleanup;
    ast_list deduplicate_by;
    /* SHOW: text = "TABLES", "DATABASES", "CREATE TABLE", "COLUMNS", "PROCESSLIST", "SETTINGS", "FUNCTIONS", ... */
    fn_str text;
    fn_str like;
    bool not_like, ilike;
    ast_expr *where, *limit;
    ast_list assignments;    /* UPDATE t SET a = 1: equals(identifier, expr) */
    struct ast_statement *inner; /* EXPLAIN of something that is no query (query is NULL then) */
    ast_backup *backup;      /* BACKUP, RESTORE */
    fn_str explain_kind;     /* "AST", "SYNTAX", "PLAN", "PIPELINE", "ESTIMATE", "QUERY TREE" */
} ast_statement;

/* Parses one statement. Errors: SYNTAX_ERROR (62) in ClickHouse's wording ("Syntax error: failed at position 8 (FROMM): ... .
 * Expected ..."), TOO_DEEP_RECURSION / TOO_BIG_AST. A trailing ';' is fine, more is 62 "Multi-statements are not allowed". */
fn_status sql_parse(fn_ctx *ctx, fn_str text, ast_statement **out) FN_MUST_USE;
/* A lone expression or list of expressions (defaults, keys, partition values). */
fn_status sql_parse_expr(fn_ctx *ctx, fn_str text, ast_expr **out) FN_MUST_USE;
/* A column list as in CREATE TABLE: "a Int32, b String DEFAULT 'x'" (structure arguments of table functions). */
fn_status sql_parse_columns(fn_ctx *ctx, fn_str text, ast_column_def **out, uint32_t *count) FN_MUST_USE;
/* Canonical text as ClickHouse formats it (column names of results, SHOW CREATE, EXPLAIN SYNTAX). multi_line: indented. */
fn_status sql_print_expr(fn_ctx *ctx, const ast_expr *e, fn_buf *out) FN_MUST_USE;
fn_status sql_expr_text(fn_ctx *ctx, const ast_expr *e, fn_str *out) FN_MUST_USE; /* the same text, in ctx->arena */
/* The result column's name of an expression without alias: ClickHouse's column name ("plus(a, 1)", not "a + 1"). */
fn_status sql_column_name(fn_ctx *ctx, const ast_expr *e, fn_buf *out) FN_MUST_USE;
fn_status sql_print_query(fn_ctx *ctx, const ast_query *q, bool multi_line, fn_buf *out) FN_MUST_USE;
fn_status sql_print_statement(fn_ctx *ctx, const ast_statement *s, bool multi_line, fn_buf *out) FN_MUST_USE;
/* Quotes an identifier with backticks if it needs them. */
fn_status sql_quote_identifier(fn_ctx *ctx, fn_str name, fn_buf *out) FN_MUST_USE;
/* The text with '[HIDDEN]' in place of secret keys and passwords; the text itself when there are none. In ctx->arena. */
fn_status sql_hide_secrets(fn_ctx *ctx, fn_str text, fn_str *out) FN_MUST_USE;
fn_status sql_quote_string(fn_ctx *ctx, fn_str text, fn_buf *out) FN_MUST_USE;
#endif
