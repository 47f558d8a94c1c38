/* schedule.h - threads, locks and clocks of the program under test as fibers of one thread, chosen by a seed.
 *
 * The sim is linked with --wrap for the pthread calls that block, so nothing in firn knows of it: pthread_create makes a fiber,
 * waiting for a lock, a condition, a thread or a moment lets another fiber run, and so may every call of the disk. Time stands
 * still but for what is asked of it: when no fiber can run, the clock jumps to the next moment somebody waits for. The same seed
 * gives the same order of everything. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_SCHEDULE_H
#define FIRN_SIM_SCHEDULE_H
#include <firn/base.h>

/* Numbers of a seed; streams of their own, so that a change of one part of the sim leaves the others alone. */
typedef struct sim_random {
    uint64_t state;
} sim_random;
uint64_t sim_draw(sim_random *r, uint64_t below); /* 0 <= x < below */
static inline bool sim_chance(sim_random *r, uint64_t percent)
{
    return sim_draw(r, 100) < percent;
}

void sim_schedule_begin(uint64_t seed); /* the calling thread is the first fiber */
void sim_schedule_end(void);            /* no other fiber is left; the calls are the real ones again */
void sim_yield(void);                   /* another fiber may run now */
void sim_sleep(int64_t ns);             /* everybody else runs meanwhile */
/* Fibers that may switch at every lock and call of the disk (true, at first), or only when they have to wait. */
void sim_schedule_mix(bool mix);
#endif
