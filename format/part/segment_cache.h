/* part/segment_cache.h - the process-wide cache of encoded segments: checked bytes by (part, column, number), least recently used
 * ones go first; sharded, so that threads rarely meet. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SEGMENT_CACHE_H
#define FIRN_SEGMENT_CACHE_H
#include <firn/part.h>

typedef struct segment_key {
    fn_part_id part;
    uint32_t column_id, number;
} segment_key;
fn_buffer *segment_cache_get(const segment_key *key);                 /* one reference, NULL if absent */
void segment_cache_put(const segment_key *key, fn_buffer *bytes);     /* adds its own reference; may decline */
void segment_cache_forget(const segment_key *key);                    /* absent is fine */
#endif
