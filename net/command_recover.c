/* command_recover.c - firn recover: a data directory whose catalog is lost or damaged gets one again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include <firn/engine.h>

int command_recover(int count, char **words)
{
    const char *path = NULL;
    const command_option options[] = {{"--path", NULL, &path, NULL, "DIR", "data directory"}};
    int status;
    if (!command_options(count, words, options, FN_COUNT(options), NULL,
                         "Usage: firn recover --path DIR\n\nMakes the catalog of a data directory again from store/catalog.log and the part files. No server may run on it.\n"
                         "Nothing is removed: a damaged catalog is renamed, part files that no table names are moved to DIR/unlisted.", &status))
        return status;
    if (!path) {
        (void)fprintf(stderr, "firn recover: --path is missing\n");
        return 2;
    }
    fn_ctx ctx = {.arena = NULL};
    fn_engine_recovered r;
    ctx.arena = fn_arena_new(&ctx);
    fn_status done = ctx.arena ? fn_engine_recover(&ctx, path, &r) : ctx.error.code;
    if (done == FN_OK) {
        (void)printf("%llu tables, %llu parts, %llu rows from %llu commits\n", (unsigned long long)r.tables, (unsigned long long)r.parts, (unsigned long long)r.rows,
                     (unsigned long long)r.commits);
        if (r.broken) (void)printf("%llu parts are missing or damaged: queries that touch them fail\n", (unsigned long long)r.broken);
        if (r.unlisted) (void)printf("%llu part files belong to no table: they are in %s/unlisted\n", (unsigned long long)r.unlisted, path);
        if (r.bytes_left) (void)printf("%llu bytes at the end of the log are damaged: commits may be missing\n", (unsigned long long)r.bytes_left);
        if (r.set_aside) (void)printf("the damaged catalog is kept as %s/catalog.sqlite.damaged.*\n", path);
    } else {
        command_report(&ctx.error);
    }
    fn_arena_free(ctx.arena);
    return done == FN_OK ? 0 : 1;
}
