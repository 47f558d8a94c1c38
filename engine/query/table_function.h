/* query/table_function.h - table functions: one row each in table_function_list.c, constructors in table_function_<family>.c.
 * numbers(10), values(...), file(...): each makes a read-only table from its evaluated arguments.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_TABLE_FUNCTION_H
#define FIRN_QUERY_TABLE_FUNCTION_H
#include "query/query.h"

/* A call being made into a table. */
typedef struct table_call {
    query *query;
    fn_ctx *ctx;
    const struct table_function *function;
    const ast_expr *ast;
} table_call;

typedef fn_status table_function_fn(const table_call *call, table **out);
typedef struct table_function {
    const char *name;
    int8_t args_min, args_max;  /* args_max -1: no bound */
    table_function_fn *make;
    const char *signature;      /* text of the error for a wrong number of arguments */
    const char *about;
} table_function;
const table_function *table_function_find(fn_str name); /* NULL if unknown; names are compared without case where ClickHouse does */
const table_function *table_function_at(size_t index);  /* for system.table_functions; NULL behind the last */
/* UNKNOWN_FUNCTION (46), NUMBER_OF_ARGUMENTS_DOESNT_MATCH (42). */
fn_status table_function_make(query *q, const ast_expr *call, table **out) FN_MUST_USE;

/* ---- arguments ---- */
/* Any constant expression, as a 1-row column (one reference). */
fn_status call_value(const table_call *call, uint32_t index, fn_column **out) FN_MUST_USE;
/* A string; a bare name counts as one (format names). */
fn_status call_text(const table_call *call, uint32_t index, fn_str *out) FN_MUST_USE;
fn_status call_u64(const table_call *call, uint32_t index, uint64_t *out) FN_MUST_USE;
/* "a UInt8, b String" */
fn_status call_structure(fn_ctx *ctx, fn_str text, fn_schema *out) FN_MUST_USE;
/* A local path: with the whole machine open (firn local) a relative one begins at the working directory. */
fn_status call_local_path(const table_call *call, fn_str path, fn_str *out) FN_MUST_USE;
/* url [, NOSIGN | key, secret [, token]] [, format ...]: whether argument 1 is a key is told by its not being a format's name.
 * *next: the argument behind. What is missing comes from the environment. */
fn_status call_s3_auth(const table_call *call, fn_object_auth *auth, uint32_t *next) FN_MUST_USE;
/* A call of url() without its headers('name'='value', ...), which may stand anywhere; *out: those alone are filled. NUMBER_OF_ARGUMENTS_DOESNT_MATCH if 1 to 4 arguments are not left. */
fn_status call_url_headers(const table_call *call, table_call *plain, fn_object_url *out) FN_MUST_USE;
static inline uint32_t call_count(const table_call *call)
{
    return call->ast->args.count;
}

/* One per row of the list. */
table_function_fn table_function_remote, table_function_numbers, table_function_series, table_function_zeros, table_function_random, table_function_null,
    table_function_values, table_function_file, table_function_url, table_function_s3, table_function_format, table_function_iceberg, table_function_iceberg_local,
    table_function_merge;
/* A view of the current database called with its parameters (view_function.c); *out NULL: there is no such view. */
fn_status view_function_make(query *q, const ast_expr *call, table **out) FN_MUST_USE;
#endif
