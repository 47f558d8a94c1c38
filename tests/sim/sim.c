/* sim.c - the simulator's command line: seeds, sweeps. See CONTRIBUTING.md.
 *
 *   sim [--seeds N] [--first N]      N seeds from the given one on (1)
 *   sim --seed N [--verbose]         one, with its statements and the disk's errors; twice: with every call of the disk
 *   sim --disk | --memory [--step N] [--first N]   the script with each N-th call of the disk, allocation failing
 *   --without NAME                   no statement of that kind ("drop", "move partition" ...), may be repeated
 * SPDX-License-Identifier: Apache-2.0 */
#include "memory_fault.h"
#include "sim.h"
#include "statement.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

static bool show_log;

void __wrap_fn_log(fn_log_level level, const char *module, const char *fmt, ...) FN_PRINTF(3, 4);
void __wrap_fn_log(fn_log_level level, const char *module, const char *fmt, ...)
{
    va_list args;
    if (!show_log) return;
    (void)level;
    printf("    log %s: ", module);
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

/* Addresses decide the order of locks: the same ones each time, so that a seed replays. */
static void fix_addresses(char **argv)
{
    const int now = personality(0xffffffff);
    if (now == -1 || now & ADDR_NO_RANDOMIZE || personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1) return;
    (void)execv("/proc/self/exe", argv); /* on failure only replaying suffers */
}

typedef struct options {
    uint64_t first, count, step;
    unsigned verbose;
    bool disk, memory;
} options;

static bool parse(int argc, char **argv, options *o)
{
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (strcmp(argv[i], "--verbose") == 0) o->verbose++;
        else if (strcmp(argv[i], "--disk") == 0) o->disk = true;
        else if (strcmp(argv[i], "--memory") == 0) o->memory = true;
        else if (strcmp(argv[i], "--seeds") == 0 && more) o->count = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--first") == 0 && more) o->first = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--step") == 0 && more) o->step = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && more) *o = (options){.first = strtoull(argv[++i], NULL, 10), .count = 1, .step = 1, .verbose = o->verbose};
        else if (strcmp(argv[i], "--without") != 0 || !more || !statement_leave_out(argv[++i])) return false;
    }
    return o->step > 0;
}

int main(int argc, char **argv)
{
    options o = {.first = 1, .count = 20, .step = 1};
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: sim [--seed N | --seeds N | --disk | --memory] [--first N] [--step N] [--without NAME] [--verbose]\n");
        return 2;
    }
    fix_addresses(argv);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    show_log = o.verbose > 0;
    memory_fault_begin();
    int failures = 0;
    if (o.disk) failures = sim_sweep_disk(o.first, o.step, o.verbose);
    else if (o.memory) failures = sim_sweep_memory(o.first, o.step, o.verbose);
    else
        for (uint64_t i = 0; i < o.count; i++) failures += sim_run_seed(o.first + i, o.verbose);
    if (!o.disk && !o.memory) printf("%" PRIu64 " seeds, %d failed\n", o.count, failures);
    return failures != 0;
}
