/* command_server.c - firn server: a data directory over HTTP until SIGTERM or SIGINT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "command_config.h"
#include <firn/net.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static fn_server *_Atomic running; /* for the signal handler */
static atomic_bool stop_asked;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stop_asked, true);
    fn_server *s = atomic_load(&running);
    if (s) fn_server_stop(s);
}

static void watch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigemptyset(&stop.sa_mask);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static void fill_defaults(server_config *c)
{
    const struct {
        const char **at, *value;
    } defaults[] = {
        {&c->path, "firn-data"},
        {&c->http_port, "8123"},
        {&c->listen_host, "127.0.0.1"},
        {&c->user, command_environment("CLICKHOUSE_USER")},
        {&c->password, command_environment("CLICKHOUSE_PASSWORD")},
        {&c->database, command_environment("CLICKHOUSE_DB")},
        {&c->threads, "0"},
        {&c->connections, "0"},
        {&c->requests, "0"},
        {&c->keep_alive, "0"},
        {&c->inserts, "0"},
        {&c->selects, "0"},
        {&c->tables, "0"},
        {&c->views, "0"},
        {&c->databases, "0"},
        {&c->memory, "0"},
        {&c->drop_delay, "480"},
        {&c->log_level, "info"},
    };
    for (size_t i = 0; i < FN_COUNT(defaults); i++)
        if (!*defaults[i].at) *defaults[i].at = defaults[i].value;
}

static bool set_log_level(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"}; /* fn_log_level */
    for (size_t i = 0; i < FN_COUNT(names); i++) {
        if (strcmp(names[i], name) != 0) continue;
        fn_log_set_level((fn_log_level)i);
        return true;
    }
    return false;
}

static fn_status serve(fn_ctx *ctx, fn_engine *engine, const fn_server_options *options, const char *path)
{
    fn_server *server;
    FN_TRY(fn_server_open(ctx, engine, options, &server));
    atomic_store(&running, server);
    if (atomic_load(&stop_asked)) fn_server_stop(server); /* the signal came while it was made */
    (void)printf("firn listens on http://%s:%u, data in %s\n", options->host, fn_server_port(server), path);
    (void)fflush(stdout);
    const fn_status status = fn_server_run(ctx, server);
    atomic_store(&running, NULL);
    fn_server_close(server);
    return status;
}

static bool read_limits(const server_config *c, fn_engine_limits *out)
{
    enum { MOST = 1 << 30 };
    return command_number("max_concurrent_insert_queries", c->inserts, MOST, &out->inserts) &&
           command_number("max_concurrent_select_queries", c->selects, MOST, &out->selects) && command_number("max_table_num_to_throw", c->tables, MOST, &out->tables) &&
           command_number("max_view_num_to_throw", c->views, MOST, &out->views) && command_number("max_database_num_to_throw", c->databases, MOST, &out->databases);
}

static fn_status run(fn_ctx *ctx, server_config *c, const char *file)
{
    enum { REQUESTS = 64 }; /* requests at work when nothing says more; statements above the limit must be heard to be refused */
    fn_engine_limits limits;
    unsigned port, threads, connections, queries, keep_alive, drop_delay;
    if (file) FN_TRY(server_config_load(ctx, file, c));
    fill_defaults(c);
    char *end;
    const long long memory = strtoll(c->memory, &end, 10);
    if (*end || memory < 0) return fn_fail(ctx, FN_INVALID_CONFIG_PARAMETER, "max_server_memory_usage must be a number of bytes, not '%s'", c->memory);
    if (!command_number("http-port", c->http_port, 65535, &port) || !command_number("threads", c->threads, 1024, &threads) ||
        !command_number("max_connections", c->connections, 1000000, &connections) ||
        !command_number("max_concurrent_queries", c->requests, 10000, &queries) || !command_number("keep_alive_timeout", c->keep_alive, 86400, &keep_alive) ||
        !command_number("database_atomic_delay_before_drop_table_sec", c->drop_delay, 1u << 30, &drop_delay) || !read_limits(c, &limits))
        return fn_fail(ctx, FN_INVALID_CONFIG_PARAMETER, "Bad option");
    if (!set_log_level(c->log_level)) return fn_fail(ctx, FN_INVALID_CONFIG_PARAMETER, "log_level must be debug, info, warn or error, not '%s'", c->log_level);
    limits.queries = queries;
    const fn_engine_options engine_options = {.path = c->path, .threads = threads, .memory_limit = memory, .user_files = c->user_files,
                                              .display_name = c->display_name, .user = c->user, .password = c->password, .database = c->database,
                                              .limits = limits, .drop_delay_s = drop_delay, .backups_path = c->backups_path, .backups_disk = c->backups_disk};
    const fn_server_options options = {.host = c->listen_host, .port = port, .connections_max = connections, .requests_max = queries > REQUESTS ? queries + REQUESTS : 0, .keep_alive_s = keep_alive};
    fn_engine *engine;
    watch_signals();
    fn_memory_begin();
    FN_TRY(fn_engine_open(ctx, &engine_options, &engine));
    const fn_status status = serve(ctx, engine, &options, c->path);
    fn_engine_close(engine);
    return status;
}

int command_server(int count, char **words)
{
    server_config c = {.path = NULL};
    const char *file = NULL;
    const command_option options[] = {
        {"--path", NULL, &c.path, NULL, "DIR", "data directory, made if absent (firn-data)"},
        {"--http-port", NULL, &c.http_port, NULL, "N", "port (8123); 0 takes any free one"},
        {"--listen", NULL, &c.listen_host, NULL, "HOST", "address (127.0.0.1)"},
        {"--config", NULL, &file, NULL, "FILE", "YAML file with the same options and more"},
        {"--threads", NULL, &c.threads, NULL, "N", "workers; all cores by default"},
    };
    int status;
    if (!command_options(count, words, options, FN_COUNT(options), NULL,
                         "Usage: firn server [OPTIONS]\n\nServes a data directory over HTTP. SIGTERM ends it cleanly. CLICKHOUSE_USER, "
                         "CLICKHOUSE_PASSWORD and\nCLICKHOUSE_DB of the environment set the user, its password and the first database.", &status))
        return status;
    fn_ctx ctx = {.arena = NULL};
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena || run(&ctx, &c, file) != FN_OK) command_report(&ctx.error);
    fn_arena_free(ctx.arena);
    return ctx.error.code ? 1 : 0;
}
