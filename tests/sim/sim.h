/* sim.h - the ways to run the sim. Each returns the number of failures. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_SIM_H
#define FIRN_SIM_SIM_H
#include "schedule.h"

/* One seed: an engine, random statements, faults and crashes against the model. verbose: 1 statements and errors, 2 every call of the disk. */
int sim_run_seed(uint64_t seed, unsigned verbose);
/* The script with every `step`-th call of the disk, or allocation, failing in turn, beginning at `first`. */
int sim_sweep_disk(uint64_t first, uint64_t step, unsigned verbose);
int sim_sweep_memory(uint64_t first, uint64_t step, unsigned verbose);
#endif
