/* command_progress.h - how far a long statement is, as one line on the terminal that rewrites itself.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_COMMAND_PROGRESS_H
#define FIRN_COMMAND_PROGRESS_H
#include <firn/base.h>
#include <pthread.h>

typedef struct progress_line {
    pthread_mutex_t lock;
    bool wanted; /* standard error is a terminal, or --progress */
    bool ended;  /* rows of the answer have come: no line any more */
    bool shown;
} progress_line;

void progress_line_init(progress_line *line, bool forced);
/* Any thread. total 0: unknown, no bar. */
void progress_line_show(progress_line *line, uint64_t rows, uint64_t bytes, uint64_t total, uint64_t elapsed_ns);
/* Takes the line away before something else is printed; `ended`: for good. */
void progress_line_clear(progress_line *line, bool ended);
void progress_line_release(progress_line *line);
#endif
