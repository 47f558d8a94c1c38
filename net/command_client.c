/* command_client.c - firn client: statements to a server over HTTP. The answer goes to standard output as it arrives; while a
 * long statement runs, a line on the terminal tells for how long.
 * SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include <curl/curl.h>
#include <firn/arena.h>
#include <firn/bits.h>
#include <firn/time.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_AFTER_MS = 500 };

typedef struct client_options {
    const char *url, *query, *user, *password, *database, *format;
} client_options;

typedef struct client_run {
    int64_t started_ns;
    bool failed;       /* the server answered with an exception */
    bool line_shown;   /* a progress line stands on the terminal */
    bool answered;
} client_run;

static void clear_line(client_run *run)
{
    if (run->line_shown) (void)fprintf(stderr, "\r\033[K");
    run->line_shown = false;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *arg)
{
    client_run *run = arg;
    (void)one;
    clear_line(run);
    run->answered = true;
    return fwrite(bytes, 1, size, run->failed ? stderr : stdout);
}

static size_t on_header(char *bytes, size_t one, size_t size, void *arg)
{
    static const char name[] = "X-ClickHouse-Exception-Code:";
    client_run *run = arg;
    (void)one;
    if (size > sizeof name - 1 && strncasecmp(bytes, name, sizeof name - 1) == 0) run->failed = true;
    return size;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    client_run *run = arg;
    const int64_t ms = (fn_clock_monotonic_ns() - run->started_ns) / 1000000;
    (void)total;
    (void)now;
    (void)up_total;
    (void)up;
    if (run->answered || ms < PROGRESS_AFTER_MS || !isatty(STDERR_FILENO)) return 0;
    (void)fprintf(stderr, "\rRunning for %lld.%lld s ...", (long long)(ms / 1000), (long long)(ms / 100 % 10));
    run->line_shown = true;
    return 0;
}

static size_t on_read(char *out, size_t one, size_t capacity, void *arg)
{
    return fread(out, one, capacity, arg);
}

static fn_status add_parameter(fn_ctx *ctx, CURL *curl, fn_buf *url, const char *name, const char *value)
{
    if (!value) return FN_OK;
    char *escaped = curl_easy_escape(curl, value, 0);
    if (!escaped) return fn_fail_memory(ctx, strlen(value));
    const fn_status status = fn_buf_printf(ctx, url, "%c%s=%s", memchr(url->data, '?', url->size) ? '&' : '?', name, escaped);
    curl_free(escaped);
    return status;
}

/* The statement goes into the URL when standard input holds its data, else it is the body. */
static fn_status make_url(fn_ctx *ctx, CURL *curl, const client_options *o, bool data, fn_buf *url)
{
    FN_TRY(fn_buf_cstr(ctx, url, o->url));
    const char *path = strstr(o->url, "://");
    if (path && !strchr(path + 3, '/')) FN_TRY(fn_buf_byte(ctx, url, '/'));
    FN_TRY(add_parameter(ctx, curl, url, "database", o->database));
    FN_TRY(add_parameter(ctx, curl, url, "default_format", o->format));
    if (data) FN_TRY(add_parameter(ctx, curl, url, "query", o->query));
    return fn_buf_byte(ctx, url, '\0');
}

/* Only INSERT looks at standard input: another statement must not wait for a pipe nobody closes. */
static bool takes_data(const char *query)
{
    while (query && (*query == ' ' || *query == '\n' || *query == '\t' || *query == '(')) query++;
    return query && (strncasecmp(query, "INSERT", 6) == 0 || strncasecmp(query, "WITH", 4) == 0);
}

static fn_status perform(fn_ctx *ctx, CURL *curl, const client_options *o, client_run *run)
{
    const bool data = takes_data(o->query) && !isatty(STDIN_FILENO);
    fn_buf url = FN_BUF_INIT;
    struct curl_slist *headers = NULL;
    FN_TRY(make_url(ctx, curl, o, data, &url));
    (void)curl_easy_setopt(curl, CURLOPT_URL, url.data);
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    if (data || !o->query) {
        (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
        (void)curl_easy_setopt(curl, CURLOPT_READDATA, stdin);
        headers = curl_slist_append(headers, "Transfer-Encoding: chunked");
        headers = curl_slist_append(headers, "Expect:");
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, o->query);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(o->query));
    }
    (void)curl_easy_setopt(curl, CURLOPT_USERNAME, o->user);
    (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, o->password);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, run);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, run);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, run);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    run->started_ns = fn_clock_monotonic_ns();
    const CURLcode code = curl_easy_perform(curl);
    clear_line(run);
    (void)fflush(stdout);
    curl_slist_free_all(headers);
    fn_buf_release(&url);
    if (code != CURLE_OK) return fn_fail(ctx, FN_NETWORK_ERROR, "%s: %s", o->url, curl_easy_strerror(code));
    return FN_OK;
}

int command_client(int count, char **words)
{
    client_options o = {.url = "http://127.0.0.1:8123", .user = "default", .password = "", .format = "TabSeparated"};
    const command_option options[] = {
        {"--query", "-q", &o.query, NULL, "SQL", "statement; its data may come from standard input. Without it, standard input is the statement"},
        {"--url", NULL, &o.url, NULL, "URL", "server (http://127.0.0.1:8123)"},
        {"--user", "-u", &o.user, NULL, "NAME", "user (default)"},
        {"--password", NULL, &o.password, NULL, "TEXT", "password"},
        {"--database", "-d", &o.database, NULL, "NAME", "current database"},
        {"--format", "-f", &o.format, NULL, "FORMAT", "output format (TabSeparated)"},
    };
    int status;
    if (!command_options(count, words, options, FN_COUNT(options), NULL, "Usage: firn client [OPTIONS] -q SQL\n\nRuns a statement on a server.", &status))
        return status;
    fn_ctx ctx = {.arena = NULL};
    client_run run = {.failed = false};
    CURL *curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    if (!curl) {
        (void)fprintf(stderr, "firn client: libcurl does not start\n");
        return 1;
    }
    if (perform(&ctx, curl, &o, &run) != FN_OK) command_report(&ctx.error);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return ctx.error.code || run.failed ? 1 : 0;
}
