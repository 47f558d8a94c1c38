/* firn/counts.h - what threads have done, for the events of a statement (system.query_log.ProfileEvents, system.events).
 *
 * Each thread has numbers of its own that only grow: counting is one addition, and who wants to know of a stretch takes the difference of
 * two looks from that thread. fn_pool_run adds what its helpers did to the numbers of the thread that called it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_COUNTS_H
#define FIRN_COUNTS_H
#include <stdint.h>

/* X(kind, ClickHouse's event, about). The query log keeps them by position: only ever appended to. */
#define FN_COUNTS(X)                                                                                                    \
    X(REAL_US, "RealTimeMicroseconds", "Time of all threads that worked for statements.")                               \
    X(USER_US, "UserTimeMicroseconds", "CPU time of those threads in user mode.")                                       \
    X(SYSTEM_US, "SystemTimeMicroseconds", "CPU time of those threads in the kernel.")                                  \
    X(FILE_OPEN, "FileOpen", "Files opened.")                                                                           \
    X(FILE_READ_BYTES, "ReadBufferFromFileDescriptorReadBytes", "Bytes read from local files.")                         \
    X(FILE_WRITE_BYTES, "WriteBufferFromFileDescriptorWriteBytes", "Bytes written to local files.")                     \
    X(FILE_SYNC, "FileSync", "Syncs of local files.")                                                                   \
    X(NETWORK_RECEIVE_BYTES, "NetworkReceiveBytes", "Bytes received from clients.")                                     \
    X(NETWORK_SEND_BYTES, "NetworkSendBytes", "Bytes sent to clients.")                                                 \
    X(COMPRESSED_BYTES, "ReadCompressedBytes", "Bytes of part files read, as they are stored.")                         \
    X(SELECTED_PARTS, "SelectedParts", "Parts that had to be read.")                                                    \
    X(SELECTED_RANGES, "SelectedRanges", "Stretches of granules in them.")                                              \
    X(SELECTED_MARKS, "SelectedMarks", "Granules in them.")

typedef enum fn_count_kind {
#define X(kind, name, about) FN_COUNT_##kind,
    FN_COUNTS(X)
#undef X
    FN_COUNT_KINDS
} fn_count_kind;

typedef struct fn_counts {
    uint64_t n[FN_COUNT_KINDS];
} fn_counts;

extern _Thread_local fn_counts fn_thread_counts;
static inline void fn_count(fn_count_kind kind, uint64_t n)
{
    fn_thread_counts.n[kind] += n;
}

void fn_counts_now(fn_counts *out);                         /* this thread's, its times with them */
void fn_counts_since(const fn_counts *before, fn_counts *out); /* the difference to now */
void fn_counts_add(fn_counts *to, const fn_counts *more);
#endif
