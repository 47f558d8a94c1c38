/* counts.c - see firn/counts.h. SPDX-License-Identifier: Apache-2.0 */
#include <firn/base.h>
#include <firn/counts.h>
#include <firn/time.h>
#include <sys/resource.h>

_Thread_local fn_counts fn_thread_counts;

static uint64_t us_of(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

void fn_counts_now(fn_counts *out)
{
    struct rusage use;
    *out = fn_thread_counts; /* times in there are those of helpers */
    out->n[FN_COUNT_REAL_US] += (uint64_t)fn_clock_monotonic_ns() / 1000;
    if (getrusage(RUSAGE_THREAD, &use) != 0) return;
    out->n[FN_COUNT_USER_US] += us_of(&use.ru_utime);
    out->n[FN_COUNT_SYSTEM_US] += us_of(&use.ru_stime);
}

void fn_counts_since(const fn_counts *before, fn_counts *out)
{
    fn_counts_now(out);
    for (size_t i = 0; i < FN_COUNT_KINDS; i++) out->n[i] -= FN_MIN(before->n[i], out->n[i]);
}

void fn_counts_add(fn_counts *to, const fn_counts *more)
{
    for (size_t i = 0; i < FN_COUNT_KINDS; i++) to->n[i] += more->n[i];
}
