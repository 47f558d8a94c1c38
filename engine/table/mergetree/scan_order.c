/* scan_order.c - which of a scan's stages comes first: cheap ones that let little through. Columns' bytes on disk say what a stage costs;
 * what it lets through is counted while the scan runs, and each range is read by what is known then. Conditions that can fail on some
 * values come behind all others, which may keep such values away from them, in the order they are written in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/scan.h"
#include <stdlib.h>

static int compare_stages(const void *a, const void *b)
{
    const scan_stage *x = a, *y = b;
    if (x->total != y->total) return x->total ? -1 : 1;
    if (x->total && (x->cost < y->cost || x->cost > y->cost)) return x->cost < y->cost ? -1 : 1;
    return (x->conjunct > y->conjunct) - (x->conjunct < y->conjunct);
}

void scan_order_plan(mt_scan *s)
{
    const double look = 1; /* what any row costs, in bytes */
    if (s->part_count == 0) return;
    const mt_reader *r = &s->parts[0].reader;
    const double rows = (double)FN_MAX(fn_part_rows(r->data), 1);
    for (uint32_t i = 0; i < s->stage_count; i++) {
        scan_stage *stage = &s->stages[i];
        stage->cost = look + (stage->filter ? stage->filter->cost : 0);
        for (uint32_t k = 0; k < stage->column_count; k++) {
            const int place = r->places[s->slots[stage->slots[k]]];
            if (place >= 0) stage->cost += (double)fn_part_column_bytes(r->data, (uint32_t)place, NULL) / rows;
        }
    }
    qsort(s->stages, s->stage_count, sizeof *s->stages, compare_stages);
}

static double rank(const scan_stage *stage)
{
    const uint64_t tested = atomic_load_explicit(&stage->tested, memory_order_relaxed), passed = atomic_load_explicit(&stage->passed, memory_order_relaxed);
    const double passes = tested >= FN_GRANULE_ROWS ? (double)passed / (double)tested : 0.5;
    return stage->cost / (1.01 - FN_MIN(passes, 1.0));
}

void scan_order_now(const mt_scan *s, scan_worker *worker)
{
    for (uint32_t i = 0; i < s->stage_count; i++) {
        uint32_t at = i;
        const bool moves = s->stages[i].total; /* the others are the last ones */
        const double own = moves ? rank(&s->stages[i]) : 0;
        for (; moves && at && rank(&s->stages[worker->order[at - 1]]) > own; at--) worker->order[at] = worker->order[at - 1];
        worker->order[at] = i;
    }
}
