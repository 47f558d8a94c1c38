/* command_progress.c - see command_progress.h. SPDX-License-Identifier: Apache-2.0 */
#include "command_progress.h"
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 80, BAR_MOST = 40, BAR_LEAST = 8 };

void progress_line_init(progress_line *line, bool forced)
{
    *line = (progress_line){.wanted = forced || isatty(STDERR_FILENO)};
    FN_ASSERT(pthread_mutex_init(&line->lock, NULL) == 0);
}

void progress_line_release(progress_line *line)
{
    (void)pthread_mutex_destroy(&line->lock);
}

/* 1.23 billion */
static void put_number(char *out, size_t size, double value, const char *const *units, size_t unit_count)
{
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < unit_count; unit++) value /= 1000;
    (void)snprintf(out, size, unit ? "%.2f %s" : "%.0f%s", value, units[unit]);
}

static int terminal_width(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : WIDTH;
}

static void put_bar(char *out, size_t size, double share, int room)
{
    static const char full[] = "########################################";
    const int cells = FN_MIN(room, (int)BAR_MOST), done = (int)(share * cells);
    (void)snprintf(out, size, " [%.*s%*s] %3.0f%%", done, full, cells - done, "", share * 100);
}

void progress_line_show(progress_line *line, uint64_t rows, uint64_t bytes, uint64_t total, uint64_t elapsed_ns)
{
    static const char *const counts[] = {"", "thousand", "million", "billion", "trillion"};
    static const char *const sizes[] = {" B", "KB", "MB", "GB", "TB"};
    char row_text[32], byte_text[32], row_rate[32], byte_rate[32], text[160], bar[80] = "";
    const double seconds = (double)elapsed_ns / 1e9;
    if (!line->wanted || seconds <= 0) return;
    put_number(row_text, sizeof row_text, (double)rows, counts, FN_COUNT(counts));
    put_number(byte_text, sizeof byte_text, (double)bytes, sizes, FN_COUNT(sizes));
    put_number(row_rate, sizeof row_rate, (double)rows / seconds, counts, FN_COUNT(counts));
    put_number(byte_rate, sizeof byte_rate, (double)bytes / seconds, sizes, FN_COUNT(sizes));
    int n = snprintf(text, sizeof text, "%.1f s, %s rows, %s (%s rows/s, %s/s)", seconds, row_text, byte_text, row_rate, byte_rate);
    int room = terminal_width() - n - 10;
    if (total && room < BAR_LEAST) { /* the bar tells more than the bytes */
        n = snprintf(text, sizeof text, "%.1f s, %s rows (%s rows/s, %s/s)", seconds, row_text, row_rate, byte_rate);
        room = terminal_width() - n - 10;
    }
    if (total && room >= BAR_LEAST) put_bar(bar, sizeof bar, FN_MIN((double)rows / (double)total, 1.0), room);
    FN_ASSERT(pthread_mutex_lock(&line->lock) == 0);
    if (!line->ended) {
        (void)fprintf(stderr, "\r\033[K%s%s", text, bar);
        (void)fflush(stderr);
        line->shown = true;
    }
    FN_ASSERT(pthread_mutex_unlock(&line->lock) == 0);
}

void progress_line_clear(progress_line *line, bool ended)
{
    FN_ASSERT(pthread_mutex_lock(&line->lock) == 0);
    if (line->shown) (void)fprintf(stderr, "\r\033[K");
    line->shown = false;
    line->ended = ended;
    FN_ASSERT(pthread_mutex_unlock(&line->lock) == 0);
}
