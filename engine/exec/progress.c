/* progress.c - when to tell how far a statement is. SPDX-License-Identifier: Apache-2.0 */
#include "exec/exec.h"
#include <firn/time.h>

void exec_progress_tell(exec_progress *p)
{
    if (!p->report) return;
    const int64_t now = fn_clock_monotonic_ns();
    int64_t at = atomic_load_explicit(&p->report_at_ns, memory_order_relaxed);
    if (now < at || !atomic_compare_exchange_strong(&p->report_at_ns, &at, INT64_MAX)) return; /* INT64_MAX: somebody is at it */
    p->report(p);
    atomic_store(&p->report_at_ns, now + p->interval_ns);
}
