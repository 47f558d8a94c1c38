/* base/pages.h - large blocks of memory, kept for reuse. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_BASE_PAGES_H
#define FIRN_BASE_PAGES_H
#include <firn/base.h>

enum { PAGES_FROM = 32 << 10, PAGES_TO = 256 << 20 }; /* bytes of blocks worth pooling */

/* A 64-byte aligned block of at least `bytes` (within the bounds above), contents undefined; NULL when the system has none. */
void *pages_get(size_t bytes);
void pages_put(void *block, size_t bytes); /* the same number as was asked for */
void pages_age(void); /* blocks that were not needed since the last call go back to the system */

/* Memory of the heap is charged by who keeps it, in the end. Until then limits only refuse large pieces that they could not hold by now
 * (MEMORY_LIMIT_EXCEEDED). */
fn_status memory_check(fn_ctx *ctx, size_t bytes) FN_MUST_USE;

/* Memory that grows and whose owner knows its size: of the heap while it is small, a block from above when it is large (memory.c).
 * The first `used` bytes of `old` (NULL: none, of 0 bytes) stay; `old` is gone unless NULL comes back. */
void *room_grow(fn_ctx *ctx, void *old, size_t old_bytes, size_t used, size_t bytes);
void room_free(void *room, size_t bytes);
#endif
