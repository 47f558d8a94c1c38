/* firn/block.h - a schema (names and types) and blocks of rows that follow it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_BLOCK_H
#define FIRN_BLOCK_H
#include <firn/column.h>

typedef struct fn_field {
    fn_str name;
    const fn_type *type;
} fn_field;

/* Borrowed arrays; lives in the arena of who made it. */
typedef struct fn_schema {
    fn_field *fields;
    uint32_t count;
} fn_schema;
int fn_schema_find(const fn_schema *s, fn_str name); /* -1 if absent */

enum { FN_BLOCK_ROWS_MAX = 65536, FN_BLOCK_ROWS = 8192 }; /* operators take up to MAX, sources aim at 8,192 .. MAX */

/* Reference-counted like columns; frozen once handed on. rows counts even without columns. */
typedef struct fn_block {
    fn_column **columns; /* referenced; count of them */
    uint32_t count;
    uint32_t rows;
    _Atomic uint32_t refs;
} fn_block;
fn_block *fn_block_new(fn_ctx *ctx, uint32_t count, uint32_t rows) FN_MUST_USE; /* columns NULL, to be filled by the maker */
fn_block *fn_block_ref(const fn_block *b);
void fn_block_drop(fn_block *b);
fn_block *fn_block_slice(fn_ctx *ctx, const fn_block *b, size_t from, uint32_t rows) FN_MUST_USE;
fn_block *fn_block_filter(fn_ctx *ctx, const fn_block *b, const uint8_t *mask, uint32_t kept) FN_MUST_USE;
fn_block *fn_block_take(fn_ctx *ctx, const fn_block *b, const uint32_t *rows, uint32_t count) FN_MUST_USE;
size_t fn_block_bytes(const fn_block *b);
#endif
