/* exec/spill.h - when an operator's state must go to disk.
 *
 * A statement may take what its own limit (max_memory_usage) and the server's leave it. An operator writes state out once the
 * statement holds more than its share of that (max_bytes_ratio_before_external_...), more than max_bytes_before_external_..., or so
 * much that the operator's next step would not fit. Both settings 0: never.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SPILL_H
#define FIRN_EXEC_SPILL_H
#include "exec/op.h"
#include "exec/spill_block.h"

typedef struct spill_watch {
    const fn_tracker *memory; /* the statement's */
    uint64_t threshold;       /* bytes; 0: state stays in memory whatever happens */
    uint64_t least;           /* an operator with less has nothing worth writing */
} spill_watch;

/* Errors: BAD_ARGUMENTS for a ratio outside [0, 1). While building. */
fn_status spill_watch_init(fn_ctx *ctx, const exec *e, spill_use use, spill_watch *out) FN_MUST_USE;
/* Bytes the statement may still take. */
uint64_t spill_watch_room(const spill_watch *w);
/* own: bytes of the operator's state, whoever they are charged to; extra: what its next step needs besides. */
bool spill_watch_exceeded(const spill_watch *w, uint64_t own, uint64_t extra);
static inline bool spill_watch_due(const spill_watch *w, uint64_t own, uint64_t extra)
{
    return w->threshold && own >= w->least && spill_watch_exceeded(w, own, extra);
}
#endif
