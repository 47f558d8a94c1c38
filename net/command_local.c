/* command_local.c - firn local: statements on a data directory, or in memory, without a server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "command_progress.h"
#include <errno.h>
#include <firn/engine.h>
#include <string.h>
#include <unistd.h>

typedef struct local_options {
    const char *query, *path, *format, *queries_file, *threads;
    bool multiquery, time, progress;
} local_options;

/* The answer goes to standard output. */
typedef struct local_response {
    fn_response base;
    fn_sink out;
    progress_line line;
} local_response;

static fn_status begin(fn_response *self, fn_ctx *ctx, const fn_result_head *head)
{
    (void)self;
    (void)ctx;
    (void)head;
    return FN_OK;
}

static fn_status write_out(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    local_response *r = (local_response *)(void *)((char *)self - offsetof(local_response, out));
    progress_line_clear(&r->line, true);
    if (fwrite(bytes, 1, size, stdout) == size) return FN_OK;
    return fn_fail_errno(ctx, FN_CANNOT_WRITE_TO_FILE_DESCRIPTOR, errno, "Cannot write to standard output");
}

static void on_progress(fn_response *self, const fn_progress *p)
{
    local_response *r = (local_response *)self;
    progress_line_show(&r->line, p->read_rows, p->read_bytes, p->total_rows_to_read, p->elapsed_ns);
}

/* Standard input as the data of an INSERT. */
static fn_status read_in(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    (void)self;
    *got = fread(out, 1, capacity, stdin);
    if (*got || !ferror(stdin)) return FN_OK;
    return fn_fail_errno(ctx, FN_CANNOT_READ_FROM_FILE_DESCRIPTOR, errno, "Cannot read from standard input");
}

static fn_status read_text(fn_ctx *ctx, FILE *from, fn_buf *out)
{
    for (size_t got = 1; got;) {
        FN_TRY(fn_buf_reserve(ctx, out, 65536));
        got = fread(out->data + out->size, 1, 65536, from);
        out->size += got;
    }
    return ferror(from) ? fn_fail_errno(ctx, FN_CANNOT_READ_FROM_FILE_DESCRIPTOR, errno, "Cannot read the statements") : FN_OK;
}

static fn_status load_text(fn_ctx *ctx, const local_options *o, fn_buf *out)
{
    if (o->query) return fn_buf_cstr(ctx, out, o->query);
    if (!o->queries_file) return read_text(ctx, stdin, out);
    FILE *f = fopen(o->queries_file, "rb");
    if (!f) return fn_fail_errno(ctx, FN_CANNOT_OPEN_FILE, errno, "Cannot open file %s", o->queries_file);
    const fn_status status = read_text(ctx, f, out);
    (void)fclose(f);
    return status;
}

static fn_status run_one(fn_ctx *ctx, fn_engine *engine, fn_session *session, const local_options *o, fn_str sql, fn_source *input)
{
    local_response response = {.base = {.begin = begin}, .out = {write_out, NULL}};
    response.base.body = &response.out;
    progress_line_init(&response.line, o->progress);
    if (response.line.wanted) response.base.progress = on_progress;
    const fn_request request = {.user = FN_STR("default"),
                                .session = session,
                                .default_format = o->format ? (fn_str){o->format, strlen(o->format)} : FN_STR("TabSeparated"),
                                .sql = sql,
                                .body = input,
                                .interface = "LOCAL",
                                .native_revision = 0};
    fn_progress summary = {.read_rows = 0};
    const fn_status status = fn_engine_query(ctx, engine, &request, &response.base, &summary);
    progress_line_clear(&response.line, true);
    progress_line_release(&response.line);
    (void)fflush(stdout);
    if (o->time) (void)fprintf(stderr, "%.3f\n", (double)summary.elapsed_ns / 1e9);
    return status;
}

static fn_status run_all(fn_ctx *ctx, fn_engine *engine, fn_session *session, const local_options *o, fn_str text)
{
    fn_source input = {read_in, NULL};
    fn_source *data = o->query && !isatty(STDIN_FILENO) ? &input : NULL;
    if (!o->multiquery) return run_one(ctx, engine, session, o, text, data);
    while (text.size) {
        const size_t n = fn_engine_statement_end(text);
        const fn_str one = {text.data, n};
        if (fn_str_trim(one).size && !fn_str_eq(fn_str_trim(one), FN_STR(";"))) FN_TRY(run_one(ctx, engine, session, o, one, NULL));
        text = (fn_str){text.data + n, text.size - n};
    }
    return FN_OK;
}

static fn_status run(fn_ctx *ctx, const local_options *o)
{
    unsigned threads = 0;
    fn_buf text = FN_BUF_INIT;
    fn_engine *engine = NULL;
    fn_session *session = NULL;
    if (o->threads && !command_number("--threads", o->threads, 1024, &threads)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad option");
    const fn_engine_options options = {.path = o->path, .threads = threads, .user_files = "/"};
    fn_status status = load_text(ctx, o, &text);
    if (status == FN_OK) status = fn_engine_open(ctx, &options, &engine);
    if (status == FN_OK) status = fn_session_acquire(ctx, engine, FN_STR("default"), FN_STR("local"), 3600, false, &session);
    if (status == FN_OK) status = run_all(ctx, engine, session, o, fn_buf_view(&text));
    if (session) fn_session_release(session, true);
    fn_engine_close(engine);
    fn_buf_release(&text);
    return status;
}

int command_local(int count, char **words)
{
    local_options o = {.query = NULL};
    const command_option options[] = {
        {"--query", "-q", &o.query, NULL, "SQL", "statement to run; without it, statements are read from standard input"},
        {"--queries-file", NULL, &o.queries_file, NULL, "FILE", "file with statements"},
        {"--multiquery", "-n", NULL, &o.multiquery, "", "several statements separated by ';'"},
        {"--path", NULL, &o.path, NULL, "DIR", "data directory; without it, everything is in memory"},
        {"--format", "-f", &o.format, NULL, "FORMAT", "output format (TabSeparated)"},
        {"--threads", NULL, &o.threads, NULL, "N", "workers; all cores by default"},
        {"--progress", NULL, NULL, &o.progress, "", "show progress even if standard error is no terminal"},
        {"--time", "-t", NULL, &o.time, "", "print the seconds of each statement to standard error"},
    };
    int status;
    if (!command_options(count, words, options, FN_COUNT(options), NULL, "Usage: firn local [OPTIONS] -q SQL\n\nRuns statements without a server. "
                         "file() may read every file.", &status))
        return status;
    if (o.queries_file || !o.query) o.multiquery = true;
    fn_ctx ctx = {.arena = NULL};
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena || run(&ctx, &o) != FN_OK) command_report(&ctx.error);
    fn_arena_free(ctx.arena);
    return ctx.error.code ? 1 : 0;
}
