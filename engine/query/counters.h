/* query/counters.h - what the engine has counted since it opened: system.events, system.errors.
 * One row per counter in counters.def order; adding is one atomic operation. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_COUNTERS_H
#define FIRN_QUERY_COUNTERS_H
#include "system/system.h"
#include <firn/counts.h>
#include <firn/engine.h>

/* X(field, name of ClickHouse's event, about) */
#define COUNTERS(X)                                                                                                \
    X(queries, "Query", "Statements begun.")                                                                       \
    X(selects, "SelectQuery", "SELECT statements begun.")                                                          \
    X(inserts, "InsertQuery", "INSERT statements begun.")                                                          \
    X(failed, "FailedQuery", "Statements that failed.")                                                            \
    X(failed_selects, "FailedSelectQuery", "SELECT statements that failed.")                                       \
    X(failed_inserts, "FailedInsertQuery", "INSERT statements that failed.")                                       \
    X(time_us, "QueryTimeMicroseconds", "Time of all statements.")                                                 \
    X(select_time_us, "SelectQueryTimeMicroseconds", "Time of SELECT statements.")                                 \
    X(insert_time_us, "InsertQueryTimeMicroseconds", "Time of INSERT statements.")                                 \
    X(selected_rows, "SelectedRows", "Rows read from tables.")                                                     \
    X(selected_bytes, "SelectedBytes", "Bytes read from tables, uncompressed.")                                    \
    X(inserted_rows, "InsertedRows", "Rows written to tables.")                                                    \
    X(inserted_bytes, "InsertedBytes", "Bytes written to tables, uncompressed.")

enum { COUNTED_CODES = 1200 };

typedef struct engine_counters {
#define X(field, name, about) _Atomic uint64_t field;
    COUNTERS(X)
#undef X
    _Atomic uint64_t counts[FN_COUNT_KINDS];  /* of the threads of all statements */
    _Atomic uint64_t errors[COUNTED_CODES];   /* by code */
    _Atomic int64_t error_s[COUNTED_CODES];   /* when it came last, since 1970 */
} engine_counters;

/* A statement of that kind ("Select") has ended. */
void counters_add(engine_counters *c, const char *kind, fn_status status, const fn_progress *summary, const fn_counts *counts);
size_t counters_event_count(void);
bool counters_event(const engine_counters *c, size_t index, system_counter *out); /* false behind the last */
bool counters_error(const engine_counters *c, size_t index, system_counter *out);
#endif
