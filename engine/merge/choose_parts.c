/* choose_parts.c - which parts to merge next.
 *
 * As ClickHouse's simple selector: among ranges of consecutive parts of a partition, those count whose sum of sizes is at least
 * `base` times the largest member, so that every row is rewritten a logarithmic number of times; of these the one with the
 * smallest size per part saved wins. Small parts weigh at least FIXED_BYTES; the base falls as a partition fills up with parts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"

enum { RANGE_MAX = 100, FIXED_BYTES = 5 << 20, PARTS_LOWER_FROM = 10, PARTS_LOWER_TO = 50 };
static const uint64_t merged_bytes_max = (uint64_t)150 << 30; /* max_bytes_to_merge_at_max_space_in_pool */

typedef struct best {
    uint32_t from, count;
    double score;
} best;

static double base_for(uint32_t parts, bool aggressive)
{
    if (aggressive) return 1;
    if (parts <= PARTS_LOWER_FROM) return 5;
    if (parts >= PARTS_LOWER_TO) return 2;
    return 5 - 3.0 * (parts - PARTS_LOWER_FROM) / (PARTS_LOWER_TO - PARTS_LOWER_FROM);
}

/* Ranges that begin at `from` within its partition [from, end). */
static void try_ranges(const mt_list *list, uint32_t from, uint32_t end, double base, best *b)
{
    double sum = 0, largest = 0;
    uint64_t bytes = 0;
    for (uint32_t i = from; i < end && i - from < RANGE_MAX && !list->parts[i]->busy && !list->parts[i]->damaged; i++) {
        const double size = (double)list->parts[i]->row.bytes + FIXED_BYTES;
        sum += size;
        largest = FN_MAX(largest, size);
        bytes += list->parts[i]->row.bytes;
        const uint32_t count = i - from + 1;
        if (bytes > merged_bytes_max) return;
        if (count < 2 || sum < base * largest) continue;
        const double score = sum / (count - 1.9);
        if (b->count == 0 || score < b->score) *b = (best){from, count, score};
    }
}

bool merge_choose(mt_table *t, bool aggressive, merge_choice *out)
{
    best b = {0, 0, 0};
    pthread_mutex_lock(&t->lock);
    const mt_list *list = t->list;
    for (uint32_t from = 0, end; from < list->count; from = end) {
        for (end = from + 1; end < list->count && fn_str_eq(list->parts[end]->row.partition_id, list->parts[from]->row.partition_id);) end++;
        const double base = base_for(end - from, aggressive);
        for (uint32_t i = from; i + 1 < end; i++) try_ranges(list, i, end, base, &b);
    }
    if (b.count) {
        *out = (merge_choice){mt_list_ref(t->list), b.from, b.count};
        for (uint32_t i = 0; i < b.count; i++) list->parts[b.from + i]->busy = true;
    }
    pthread_mutex_unlock(&t->lock);
    return b.count != 0;
}

void merge_choice_release(mt_table *t, merge_choice *c)
{
    pthread_mutex_lock(&t->lock);
    for (uint32_t i = 0; i < c->count; i++) c->list->parts[c->from + i]->busy = false;
    pthread_mutex_unlock(&t->lock);
    mt_list_drop(c->list);
}
