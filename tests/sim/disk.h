/* disk.h - the disk of the sim: a memory disk (firn/file.h) behind a door at which fibers may switch, and SQLite on it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_DISK_H
#define FIRN_SIM_DISK_H
#include "schedule.h"
#include <firn/file.h>

/* Makes an empty disk and registers SQLite's default VFS upon it. One at a time. */
void sim_disk_open(uint64_t seed);
void sim_disk_close(void);
fn_fs *sim_disk(void);                         /* what the engine is given */
fn_fs *sim_disk_below(void);                   /* the memory disk itself: faults, crashes */
void sim_disk_replace(fn_fs *below_take);      /* another disk in its place; nothing is open */
/* One read in `rarity` of part files has a wrong bit; 0: none. */
void sim_disk_flip(sim_random *r, uint64_t rarity);
uint64_t sim_disk_flips(void);                 /* so far */
void sim_disk_watch(bool watch, bool trace);   /* prints every call that fails; every call */
#endif
