/* parquet/footer_cache.h - shared inside format/parquet: parsed footers kept for later statements.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_PARQUET_FOOTER_CACHE_H
#define FIRN_PARQUET_FOOTER_CACHE_H
#include "parquet/parquet_file.h"

/* The footer of what the blob is now, for statements whose memory ends in `root`; a reference, or NULL. */
fn_parquet *pq_footer_cached(const fn_blob *blob, const fn_tracker *root);
/* Keeps it, if there is room, with a reference of its own; p->arena is charged to the root then. */
void pq_footer_keep(fn_parquet *p, fn_tracker *root);
#endif
