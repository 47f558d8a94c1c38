/* command_client.c - firn client: statements to a server over HTTP. The answer goes to standard output as it arrives; while a
 * long statement runs, a line on the terminal tells how far it is, by the server's progress headers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "command_progress.h"
#include <curl/curl.h>
#include <firn/arena.h>
#include <firn/bits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct client_options {
    const char *url, *query, *user, *password, *database, *format;
    bool progress;
} client_options;

typedef struct client_run {
    bool failed; /* the server answered with an exception */
    progress_line line;
} client_run;

static size_t on_body(char *bytes, size_t one, size_t size, void *arg)
{
    client_run *run = arg;
    (void)one;
    progress_line_clear(&run->line, true);
    return fwrite(bytes, 1, size, run->failed ? stderr : stdout);
}

/* The number behind "name":" in a header's value, 0 without. */
static uint64_t progress_field(fn_str line, const char *name)
{
    const char *at = memmem(line.data, line.size, name, strlen(name));
    uint64_t value = 0;
    for (at = at ? at + strlen(name) : NULL; at && at < line.data + line.size && *at >= '0' && *at <= '9'; at++) value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

static size_t on_header(char *bytes, size_t one, size_t size, void *arg)
{
    static const fn_str exception = {"X-ClickHouse-Exception-Code:", 28}, progress = {"X-ClickHouse-Progress:", 22};
    client_run *run = arg;
    const fn_str line = {bytes, size};
    (void)one;
    if (size > exception.size && strncasecmp(bytes, exception.data, exception.size) == 0) run->failed = true;
    if (size > progress.size && strncasecmp(bytes, progress.data, progress.size) == 0)
        progress_line_show(&run->line, progress_field(line, "\"read_rows\":\""), progress_field(line, "\"read_bytes\":\""),
                           progress_field(line, "\"total_rows_to_read\":\""), progress_field(line, "\"elapsed_ns\":\""));
    return size;
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
static fn_status make_url(fn_ctx *ctx, CURL *curl, const client_options *o, bool data, bool progress, fn_buf *url)
{
    FN_TRY(fn_buf_cstr(ctx, url, o->url));
    const char *path = strstr(o->url, "://");
    if (path && !strchr(path + 3, '/')) FN_TRY(fn_buf_byte(ctx, url, '/'));
    FN_TRY(add_parameter(ctx, curl, url, "database", o->database));
    FN_TRY(add_parameter(ctx, curl, url, "default_format", o->format));
    if (data) FN_TRY(add_parameter(ctx, curl, url, "query", o->query));
    if (progress) FN_TRY(add_parameter(ctx, curl, url, "send_progress_in_http_headers", "1"));
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
    FN_TRY(make_url(ctx, curl, o, data, run->line.wanted, &url));
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
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    const CURLcode code = curl_easy_perform(curl);
    progress_line_clear(&run->line, true);
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
        {"--progress", NULL, NULL, &o.progress, "", "show progress even if standard error is no terminal"},
    };
    int status;
    if (!command_options(count, words, options, FN_COUNT(options), NULL, "Usage: firn client [OPTIONS] -q SQL\n\nRuns a statement on a server.", &status))
        return status;
    fn_ctx ctx = {.arena = NULL};
    client_run run = {.failed = false};
    progress_line_init(&run.line, o.progress);
    CURL *curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    if (!curl) {
        (void)fprintf(stderr, "firn client: libcurl does not start\n");
        return 1;
    }
    if (perform(&ctx, curl, &o, &run) != FN_OK) command_report(&ctx.error);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    progress_line_release(&run.line);
    return ctx.error.code || run.failed ? 1 : 0;
}
