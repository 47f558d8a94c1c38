/* memory/memory_table.h - tables without files: Memory keeps blocks, Null keeps nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MEMORY_TABLE_H
#define FIRN_MEMORY_TABLE_H
#include "table/table.h"

/* ENGINE = Memory. head: the common part, filled by the caller, its schema with one reference (taken on success); texts are copied.
 * A writer's blocks become visible together at commit; a snapshot sees the blocks of its moment. */
fn_status memory_table_new(fn_ctx *ctx, const table *head, table **out) FN_MUST_USE;
/* ENGINE = Null: takes every row and forgets it; reads are empty. */
fn_status null_table_new(fn_ctx *ctx, const table *head, table **out) FN_MUST_USE;
/* A read-only table of given blocks (referenced) whose columns follow `structure`: values(), inline data. `engine` is static text. */
fn_status memory_table_of(fn_ctx *ctx, const char *engine, const fn_schema *structure, fn_block *const *blocks, uint32_t count,
                          table **out) FN_MUST_USE;
#endif
