/* counters.c - see counters.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/counters.h"
#include <firn/time.h>

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    (void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void add_error(engine_counters *c, fn_status status)
{
    if (status <= 0 || status >= COUNTED_CODES) return;
    add(&c->errors[status], 1);
    atomic_store_explicit(&c->error_s[status], fn_clock_realtime_ns() / 1000000000, memory_order_relaxed);
}

void counters_add(engine_counters *c, const char *kind, fn_status status, const fn_progress *summary, const fn_counts *counts)
{
    const bool select = strcmp(kind, "Select") == 0, insert = strcmp(kind, "Insert") == 0;
    const uint64_t us = summary->elapsed_ns / 1000, failed = status != FN_OK;
    add(&c->queries, 1);
    add(&c->failed, failed);
    add(&c->time_us, us);
    add(&c->selected_rows, summary->read_rows);
    add(&c->selected_bytes, summary->read_bytes);
    add(&c->inserted_rows, summary->written_rows);
    add(&c->inserted_bytes, summary->written_bytes);
    if (select) {
        add(&c->selects, 1);
        add(&c->failed_selects, failed);
        add(&c->select_time_us, us);
    } else if (insert) {
        add(&c->inserts, 1);
        add(&c->failed_inserts, failed);
        add(&c->insert_time_us, us);
    }
    for (size_t i = 0; i < FN_COUNT_KINDS; i++)
        if (counts->n[i]) add(&c->counts[i], counts->n[i]);
    add_error(c, status);
}

size_t counters_event_count(void)
{
#define X(field, name, about) +1
    return FN_COUNT_KINDS COUNTERS(X);
#undef X
}

bool counters_event(const engine_counters *c, size_t index, system_counter *out)
{
    static const struct {
        const char *name, *about;
        size_t place;
    } rows[] = {
#define X(field, name, about) {name, about, offsetof(engine_counters, field)},
        COUNTERS(X)
#undef X
#define X(kind, name, about) {name, about, offsetof(engine_counters, counts) + sizeof(uint64_t) * FN_COUNT_##kind},
        FN_COUNTS(X)
#undef X
    };
    if (index >= FN_COUNT(rows)) return false;
    const _Atomic uint64_t *value = (const _Atomic uint64_t *)(const void *)((const char *)c + rows[index].place);
    *out = (system_counter){.name = rows[index].name, .about = rows[index].about, .value = (int64_t)atomic_load_explicit(value, memory_order_relaxed)};
    return true;
}

bool counters_error(const engine_counters *c, size_t index, system_counter *out)
{
    if (index >= COUNTED_CODES) return false;
    *out = (system_counter){.name = fn_error_name((fn_status)index), .about = "", .code = (int32_t)index,
                            .value = (int64_t)atomic_load_explicit(&c->errors[index], memory_order_relaxed),
                            .last_s = atomic_load_explicit(&c->error_s[index], memory_order_relaxed)};
    return true;
}
