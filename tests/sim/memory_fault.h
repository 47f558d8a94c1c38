/* memory_fault.h - every allocation of the program, counted; the n-th one can fail. The sim is linked with --wrap for the
 * allocator's functions, and SQLite is given ones that count as well: nothing of it is in firn itself.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_MEMORY_FAULT_H
#define FIRN_SIM_MEMORY_FAULT_H
#include <stdbool.h>
#include <stdint.h>

void memory_fault_begin(void);         /* once, before SQLite is used */
void memory_fault_set(uint64_t nth);   /* 1 = the next one fails; 0: none */
bool memory_fault_hit(void);           /* the last one set has come to pass */
void memory_fault_pause(bool pause);   /* not counted meanwhile; calls nest */
uint64_t memory_fault_count(void);     /* allocations so far */
#endif
