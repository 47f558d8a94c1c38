/* query/facade.h - tables that have a name and columns but keep no rows: Merge, Buffer, File over a path, URL, S3, GenerateRandom, and
 * CREATE TABLE ... AS a table function.
 *
 * A facade is a definition in the catalog like any other, so that DROP, RENAME, EXCHANGE, DETACH and SHOW CREATE need not know of it.
 * What is behind it is looked up by each statement anew: a table function called with the arguments of ENGINE, or a SELECT made up over
 * other tables, which the binder puts in its place like a view. One engine, one file: engine_<name>.c, and its row in facade.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_FACADE_H
#define FIRN_QUERY_FACADE_H
#include "query/definition.h"

/* A facade that a statement uses, with its definition as it is now. */
typedef struct facade_use {
    query *query;
    fn_ctx *ctx;
    table *table;             /* borrowed */
    const ast_create *create;
} facade_use;

typedef struct facade_engine {
    const char *name;
    uint8_t args_min, args_max;
    const char *arguments;    /* text of NUMBER_OF_ARGUMENTS_DOESNT_MATCH (42) */
    /* What CREATE TABLE checks besides; `args` are literals already. NULL: nothing. */
    fn_status (*check)(query *q, const ast_engine *e);
    /* The table that is read instead, one reference. */
    fn_status (*source)(const facade_use *use, table **out);
    /* The table that rows are written to, one reference, and the columns of it that are given: *columns comes with those written in the
     * INSERT. NULL: it is not written. */
    fn_status (*target)(const facade_use *use, const ast_list **columns, table **out);
    bool alters;              /* ALTER of columns */
    bool optimizes;           /* OPTIMIZE: there is nothing to do */
} facade_engine;
extern const facade_engine facade_merge, facade_buffer, facade_file, facade_url, facade_s3, facade_random, facade_function;

/* By the words of a definition; NULL: its engine is another one. */
const facade_engine *facade_of(const ast_create *c);
const char *facade_engine_at(size_t index); /* NULL behind the last */
bool facade_is(const table *t);
bool facade_alters(const table *t);
/* Arguments become literals and, without columns written, the columns are those of what is behind. The errors of CREATE TABLE. */
fn_status facade_complete(query *q, ast_create *c, fn_str database, fn_str name) FN_MUST_USE;
/* head's schema reference is taken on success. `engine`: of facade_of. */
fn_status facade_new(fn_ctx *ctx, const facade_engine *engine, const table *head, table **out) FN_MUST_USE;
/* If t is a facade: what is read instead (t's reference is given back). */
fn_status facade_source(query *q, table **t) FN_MUST_USE;
/* If t is one that can be written: what rows go to instead; the others stay and refuse. */
fn_status facade_target(query *q, table **t, const ast_list **columns) FN_MUST_USE;
/* The view for one statement that `sql` ("CREATE VIEW ... AS SELECT ...") says; name: static. The reference of the schema is taken. */
fn_status facade_view(query *q, fn_str database, const char *name, fn_str sql, table_schema *schema_take, table **out) FN_MUST_USE;
/* "`a` UInt8, `b` String": columns as the structure argument of table functions. Into ctx->arena. */
fn_status facade_structure(fn_ctx *ctx, const ast_create *c, fn_str *out) FN_MUST_USE;
#endif
