/* memory_fault.c - see memory_fault.h. SPDX-License-Identifier: Apache-2.0 */
#include "memory_fault.h"
#include <firn/base.h>
#include <sqlite3.h>
#include <stddef.h>

static struct {
    uint64_t count, nth;
    unsigned paused;
    bool hit;
} faults;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_pages_get(size_t bytes);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_pages_get(size_t bytes);

static bool fails(void)
{
    if (faults.paused) return false;
    faults.count++;
    if (faults.nth == 0 || --faults.nth) return false;
    return faults.hit = true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_pages_get(size_t bytes)
{
    return fails() ? NULL : __real_pages_get(bytes);
}

static sqlite3_mem_methods own;

static void *sqlite_malloc(int size)
{
    return fails() ? NULL : own.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return fails() ? NULL : own.xRealloc(old, size);
}

void memory_fault_begin(void)
{
    FN_ASSERT(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
    FN_ASSERT(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &own) == SQLITE_OK);
    sqlite3_mem_methods counting = own;
    counting.xMalloc = sqlite_malloc;
    counting.xRealloc = sqlite_realloc;
    FN_ASSERT(sqlite3_config(SQLITE_CONFIG_MALLOC, &counting) == SQLITE_OK);
    FN_ASSERT(sqlite3_initialize() == SQLITE_OK);
}

void memory_fault_set(uint64_t nth)
{
    faults.nth = nth;
    faults.hit = false;
}

bool memory_fault_hit(void)
{
    return faults.hit;
}

void memory_fault_pause(bool pause)
{
    faults.paused = pause ? faults.paused + 1 : faults.paused - 1;
}

uint64_t memory_fault_count(void)
{
    return faults.count;
}
