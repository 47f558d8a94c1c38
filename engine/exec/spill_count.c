/* spill_count.c - what temporary files have been used for, under ClickHouse's names. SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill_file.h"

typedef struct event_row {
    const char *name, *about;
    spill_use use;
    size_t place;
} event_row;

#define USE(use, title)                                                                                                          \
    {"External" title "WritePart", "Times that state was written to temporary files.", use, offsetof(spill_events, parts)},      \
        {"External" title "Merge", "Times that state in temporary files was merged.", use, offsetof(spill_events, merges)},      \
        {"External" title "CompressedBytes", "Bytes written to temporary files.", use, offsetof(spill_events, stored)},          \
        {"External" title "UncompressedBytes", "Bytes written to temporary files, before compression.", use, offsetof(spill_events, plain)}
static const event_row rows[] = {USE(SPILL_SORT, "Sort"), USE(SPILL_GROUP, "Aggregation"), USE(SPILL_JOIN, "Join"), USE(SPILL_DISTINCT, "Distinct")};

static const event_row totals[] = { /* over all uses */
    {"ExternalProcessingCompressedBytesTotal", "Bytes written to temporary files.", SPILL_SORT, offsetof(spill_events, stored)},
    {"ExternalProcessingUncompressedBytesTotal", "Bytes written to temporary files, before compression.", SPILL_SORT, offsetof(spill_events, plain)},
};

static int64_t value_of(const spill_area *a, size_t use, size_t place)
{
    const _Atomic uint64_t *value = (const _Atomic uint64_t *)(const void *)((const char *)&a->events[use] + place);
    return (int64_t)atomic_load_explicit(value, memory_order_relaxed);
}

bool spill_event_at(const spill_area *a, size_t index, spill_counter *out)
{
    if (index < FN_COUNT(rows)) {
        const event_row *row = &rows[index];
        *out = (spill_counter){row->name, row->about, value_of(a, row->use, row->place)};
        return true;
    }
    index -= FN_COUNT(rows);
    if (index == FN_COUNT(totals)) {
        *out = (spill_counter){"ExternalProcessingFilesTotal", "Temporary files made.", (int64_t)atomic_load_explicit(&a->files_made, memory_order_relaxed)};
        return true;
    }
    if (index > FN_COUNT(totals)) return false;
    *out = (spill_counter){totals[index].name, totals[index].about, 0};
    for (size_t use = 0; use < SPILL_USES; use++) out->value += value_of(a, use, totals[index].place);
    return true;
}

bool spill_metric_at(const spill_area *a, size_t index, spill_counter *out)
{
    static const char *const names[] = {[SPILL_SORT] = "TemporaryFilesForSort", [SPILL_GROUP] = "TemporaryFilesForAggregation", [SPILL_JOIN] = "TemporaryFilesForJoin",
                                        [SPILL_DISTINCT] = "TemporaryFilesForDistinct", "TotalTemporaryFiles"};
    if (index >= FN_COUNT(names)) return false;
    *out = (spill_counter){names[index], "Temporary files there are.", 0};
    for (size_t use = 0; use < SPILL_USES; use++)
        if (index == SPILL_USES || index == use) out->value += atomic_load_explicit(&a->files[use], memory_order_relaxed);
    return true;
}
