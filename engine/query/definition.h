/* query/definition.h - from CREATE TABLE to a table, in two steps.
 *
 * complete: the statement as written (AS other, AS SELECT, missing types, default engine, NULL modifiers) becomes the full one that
 * SHOW CREATE prints: definition.sql. build: that text becomes a table. The catalog stores the text, so that a table after a start
 * is made by the same code from the same words as on the day it was created.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_DEFINITION_H
#define FIRN_QUERY_DEFINITION_H
#include "catalog/catalog.h"
#include "query/query.h"

typedef struct definition {
    ast_statement *statement;
    fn_str sql;          /* canonical, on one line */
    fn_str column_ids;   /* "1,2,3" */
    uint32_t next_column_id;
} definition;

/* Errors: those of CREATE TABLE. Everything in ctx->arena. */
fn_status definition_complete(query *q, const ast_statement *s, fn_str database, fn_str name, definition *out) FN_MUST_USE;
/* A world without tables, for expressions over columns. */
plan_world definition_bare_world(void);
/* Canonical text of a complete statement. */
fn_status definition_print(fn_ctx *ctx, const ast_statement *s, fn_str *out) FN_MUST_USE;
/* Column types canonical, defaults bound, no name twice: what CREATE and ALTER have in common. `written`: engine and keys were
 * given by the user (their checks apply). */
fn_status definition_check_columns(query *q, ast_create *c) FN_MUST_USE;
/* Parses "1,2,5" into `count` numbers. CORRUPTED_DATA if there are others. */
fn_status definition_ids(fn_ctx *ctx, fn_str text, uint32_t *ids, uint32_t count) FN_MUST_USE;
fn_status definition_ids_text(fn_ctx *ctx, const uint32_t *ids, uint32_t count, fn_str *out) FN_MUST_USE;

/* A catalog_build_fn; self is the fn_engine. Checks keys and engine arguments: the errors of CREATE TABLE. */
fn_status definition_build(void *engine, fn_ctx *ctx, const catalog_table_row *row, table **out) FN_MUST_USE;
/* Schema and (MergeTree) definition of a row anew, for mt_table_alter. mt NULL: not wanted. */
fn_status definition_shape(fn_engine *engine, fn_ctx *ctx, const catalog_table_row *row, table_schema **schema, mt_definition *mt, table *head) FN_MUST_USE;
/* A copy of the table's CREATE statement as it is now; empty for tables without one. */
fn_status definition_text(fn_ctx *ctx, fn_engine *engine, table *t, fn_str *out) FN_MUST_USE;
fn_status definition_set_sql(fn_ctx *ctx, fn_engine *engine, table *t, fn_str sql) FN_MUST_USE; /* copied */
/* The texts of a table (create_sql, engine_full, comment, keys) become those of `head`, copied. */
fn_status definition_retext(fn_ctx *ctx, fn_engine *engine, table *t, const table *head) FN_MUST_USE;
/* Names a table for readers that look without a lock: see definition_build.c. */
fn_status definition_name(fn_ctx *ctx, fn_engine *engine, table *t, fn_str database, fn_str name) FN_MUST_USE;

/* The column's CODEC clause with its parameters written out. UNKNOWN_CODEC (432), ILLEGAL_CODEC_PARAMETER (433), BAD_ARGUMENTS. */
fn_status definition_codec(query *q, ast_column_def *def) FN_MUST_USE;
/* CODEC(...) for values of a type: what stands in it, with parameters written out. suspicious: combinations without sense are taken, too. */
fn_status definition_codec_text(fn_ctx *ctx, const ast_expr *codec, const fn_type *type, bool suspicious, fn_str *out) FN_MUST_USE;
/* definition_ttl.c: the TTL clauses bound over the schema, in ctx->arena, which is the definition's; keys are bound already. What cannot be bound
 * is left out. */
fn_status definition_ttls(fn_ctx *ctx, plan_world *world, const ast_create *c, const table_schema *schema, mt_definition *mt) FN_MUST_USE;
/* The column's STATISTICS clause in its canonical order. INCORRECT_QUERY, ILLEGAL_STATISTICS (708). */
fn_status definition_statistics(fn_ctx *ctx, ast_column_def *def) FN_MUST_USE;
bool definition_has_setting(fn_str name); /* is it a setting of the MergeTree family (merge_tree_settings.def)? */
/* The engines CREATE TABLE takes, without the Replicated and Shared spellings; NULL behind the last. */
const char *definition_engine_at(size_t index);
/* The arguments and settings of ENGINE = Join, in ctx->arena (definition_join.c). The errors of CREATE TABLE. */
fn_status definition_join(fn_ctx *ctx, const ast_engine *e, const table_schema *schema, table_join **out) FN_MUST_USE;
bool definition_join_has_setting(fn_str engine, fn_str name); /* of Set and Join */
fn_status definition_join_settings(fn_ctx *ctx, const ast_engine *e) FN_MUST_USE; /* NOT_IMPLEMENTED */
/* definition_check.c */
fn_status definition_check_settings(fn_ctx *ctx, const ast_engine *e) FN_MUST_USE; /* UNKNOWN_POLICY (478), NOT_IMPLEMENTED */
fn_status definition_check_items(fn_ctx *ctx, const ast_create *c) FN_MUST_USE;    /* ILLEGAL_INDEX (127), ILLEGAL_PROJECTION (583) */
fn_status definition_check_defaults(fn_ctx *ctx, const ast_create *c) FN_MUST_USE; /* CYCLIC_ALIASES (174) */
/* definition_family.c: tables of the MergeTree family, of a statement that gives the definition. BAD_ARGUMENTS, ILLEGAL_COLUMN, DATA_TYPE_CANNOT_BE_USED_IN_KEY
 * (549), NO_SUCH_COLUMN_IN_TABLE, ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER (59), and those of building it. */
fn_status definition_check_family(query *q, const ast_create *c) FN_MUST_USE;
/* definition_type.c: columns of a type that no statement may make. */
fn_status definition_check_type(query *q, const fn_type *type) FN_MUST_USE;
fn_status definition_check_storable(fn_ctx *ctx, const ast_create *c) FN_MUST_USE; /* DATA_TYPE_CANNOT_BE_USED_IN_TABLES (370) */
/* definition_index.c: INDEX ... TYPE of a kind that there is: INCORRECT_QUERY (80), NOT_IMPLEMENTED. */
fn_status definition_check_index(fn_ctx *ctx, const ast_table_item *item) FN_MUST_USE;
/* The INDEX clauses bound over the schema, in ctx->arena, which is the definition's. Kinds that firn has not are left out. */
fn_status definition_indexes(fn_ctx *ctx, plan_world *world, const ast_create *c, const table_schema *schema, mt_definition *mt) FN_MUST_USE;

/* A hash of what an expression is, by column numbers instead of names: goes on from *hash. */
fn_status definition_hash_expr(fn_ctx *ctx, const table_schema *schema, const expr *e, uint64_t *hash) FN_MUST_USE;

/* definition_projection.c: the PROJECTION clauses bound over the schema, in ctx->arena, which is the definition's. What cannot be bound is left
 * out: a text that an earlier version took must not keep its table from being opened. */
fn_status definition_projections(fn_ctx *ctx, const ast_create *c, const table_schema *schema, mt_definition *mt) FN_MUST_USE;
/* The errors of CREATE (added NULL) and ALTER: of a command that adds this item, or (kind 0) one that does not. */
fn_status definition_check_projections(fn_ctx *ctx, const ast_create *c, const ast_table_item *added) FN_MUST_USE;
/* definition_build.c: the settings of an engine clause; the columns of a statement, numbered from 1, with virtual ones. */
fn_status definition_table_settings(fn_ctx *ctx, const ast_engine *e, table_settings *out) FN_MUST_USE;
fn_status definition_merge_tree(fn_ctx *ctx, const ast_create *c, const table_schema *schema, mt_definition *out) FN_MUST_USE; /* out->arena is the caller's */
fn_status definition_plain_schema(fn_ctx *ctx, const ast_create *c, table_schema **out) FN_MUST_USE;

/* Adds `database` to the names of tables in a view's query that have none (names of its CTEs excepted). */
fn_status definition_qualify(fn_ctx *ctx, fn_str database, ast_query *tree) FN_MUST_USE;

/* Tables named by a view's definition get the names they have now; names without a database stay. */
typedef struct definition_rename {
    fn_str from_database, from_name, to_database, to_name;
} definition_rename;
fn_status definition_rename_tables(fn_ctx *ctx, const definition_rename *renames, uint32_t count, ast_create *create) FN_MUST_USE;

/* A view as a table: columns without rows. head's schema reference is taken on success. */
fn_status view_table_new(fn_ctx *ctx, const table *head, table **out) FN_MUST_USE;
#endif
