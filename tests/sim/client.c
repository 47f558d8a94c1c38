/* client.c - see client.h. SPDX-License-Identifier: Apache-2.0 */
#include "client.h"
#include "disk.h"
#include "memory_fault.h"
#include <firn/bits.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fn_engine *client_open(fn_error *error)
{
    fn_engine *e = NULL;
    fn_ctx ctx = {.arena = NULL};
    const fn_engine_options options = {.path = SIM_ROOT, .threads = 2, .memory_limit = (int64_t)1 << 30, .display_name = "sim", .drop_delay_s = 480, .files = sim_disk()};
    ctx.arena = fn_arena_new(&ctx);
    if (ctx.arena && fn_engine_open(&ctx, &options, &e) != FN_OK) e = NULL;
    fn_arena_free(ctx.arena);
    if (error) *error = ctx.error;
    return e;
}

typedef struct answer {
    fn_response base;
    fn_sink sink;
    fn_buf *out;
} answer;

static fn_status begin(fn_response *self, fn_ctx *ctx, const fn_result_head *head)
{
    (void)self, (void)ctx, (void)head;
    return FN_OK;
}

static fn_status write_out(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    answer *a = (answer *)(void *)((char *)self - offsetof(answer, sink));
    memory_fault_pause(true);
    const fn_status status = a->out ? fn_buf_append(ctx, a->out, bytes, size) : FN_OK;
    memory_fault_pause(false);
    return status;
}

fn_status client_run(fn_engine *e, const char *sql, fn_buf *out, fn_error *error)
{
    fn_ctx ctx = {.arena = NULL};
    answer a = {.base = {.begin = begin}, .sink = {write_out, NULL}, .out = out};
    fn_progress summary;
    a.base.body = &a.sink;
    ctx.arena = fn_arena_new(&ctx);
    const fn_request request = {.user = FN_STR("default"), .sql = {sql, strlen(sql)}, .interface = "LOCAL"};
    const fn_status status = ctx.arena ? fn_engine_query(&ctx, e, &request, &a.base, &summary) : ctx.error.code;
    fn_arena_free(ctx.arena);
    if (error) *error = ctx.error;
    return status;
}

static bool parse_row(const char **at, const char *end, world_row *out)
{
    if (end - *at < 14) return false;
    memcpy(&out->p, *at, 1);
    memcpy(&out->k, *at + 1, 4);
    memcpy(&out->v, *at + 5, 8);
    const unsigned char size = (unsigned char)(*at)[13]; /* texts are shorter than 128 bytes */
    const char *text = *at + 14;
    char must[128];
    if (size >= 128 || end - text < size || text[0] != 'r') return false;
    out->id = (uint32_t)strtoul(text + 1, NULL, 10);
    *at = text + size;
    return world_text(must, sizeof must, out->id) == size && memcmp(must, text, size) == 0;
}

bool client_parse_rows(fn_str bytes, bool replacing, world_rows **out)
{
    uint32_t count = 0;
    world_row *rows = malloc(sizeof *rows * (bytes.size / 14 + 1));
    const char *at = bytes.data, *const end = bytes.data + bytes.size;
    FN_ASSERT(rows != NULL);
    bool ok = true;
    while (ok && at < end) ok = parse_row(&at, end, &rows[count++]);
    *out = ok ? world_rows_new(rows, count, false) : NULL;
    free(rows);
    if (ok && replacing) { /* FINAL has made keys unique: doing it again must change nothing */
        world_rows *unique = world_rows_new((*out)->rows, (*out)->count, true);
        ok = unique->count == (*out)->count;
        world_rows_drop(unique);
    }
    return ok;
}

void client_run_statement(fn_engine *e, statement *s, bool verbose)
{
    fn_buf out = FN_BUF_INIT;
    fn_error error;
    s->status = client_run(e, s->sql, &out, &error);
    s->done = true;
    if (verbose) printf("  %.*s%s -> %d %.200s\n", 200, s->sql, strlen(s->sql) > 200 ? "..." : "", s->status, s->status ? error.text : "");
    if ((s->kind == STATEMENT_READ || s->kind == STATEMENT_READ_SOME) && s->status == FN_OK) {
        world_rows_drop(s->rows);
        if (!client_parse_rows(fn_buf_view(&out), false, &s->rows)) s->rows = NULL;
    }
    fn_buf_release(&out);
}

static bool view_exists(fn_engine *e)
{
    fn_buf out = FN_BUF_INIT;
    const bool yes = client_run(e, "EXISTS TABLE view", &out, NULL) == FN_OK && out.size && out.data[0] == '1';
    fn_buf_release(&out);
    return yes;
}

bool client_read_world(fn_engine *e, bool replacing, world *out)
{
    bool ok = true;
    *out = (world){.replacing = replacing, .view = view_exists(e)};
    for (int i = 0; i < WORLD_TABLES && ok; i++) {
        char sql[128];
        fn_buf bytes = FN_BUF_INIT;
        fn_error error;
        (void)snprintf(sql, sizeof sql, "SELECT p, k, v, s FROM t%d%s FORMAT RowBinary", i, replacing ? " FINAL" : "");
        const fn_status status = client_run(e, sql, &bytes, &error);
        out->tables[i].exists = status == FN_OK;
        if (status == FN_OK) ok = client_parse_rows(fn_buf_view(&bytes), replacing, &out->tables[i].rows);
        else ok = status == FN_UNKNOWN_TABLE;
        if (!ok) printf("    t%d cannot be read: %s\n", i, status ? error.text : "rows of no meaning");
        fn_buf_release(&bytes);
    }
    return ok;
}

static fn_status count_part(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    (void)ctx;
    const size_t size = strlen(name);
    *(size_t *)self += !is_dir && size > 5 && strcmp(name + size - 5, ".part") == 0;
    return FN_OK;
}

size_t client_count_files(void)
{
    size_t count = 0;
    fn_fs *fs = sim_disk_below();
    for (unsigned i = 0; i < 256; i++) {
        fn_ctx ctx = {.arena = NULL};
        fn_file_info info;
        char dir[64];
        (void)snprintf(dir, sizeof dir, SIM_ROOT "/store/%02x", i);
        FN_ASSERT(fs->stat(fs, &ctx, dir, &info) == FN_OK);
        if (info.exists) FN_ASSERT(fs->list(fs, &ctx, dir, count_part, &count) == FN_OK);
    }
    return count;
}

/* The number a statement answers; -1: none. */
static long long number_of(fn_engine *e, const char *sql)
{
    fn_buf out = FN_BUF_INIT;
    fn_error error;
    long long n = -1;
    if (client_run(e, sql, &out, &error) == FN_OK && fn_buf_byte(&(fn_ctx){.arena = NULL}, &out, 0) == FN_OK) n = strtoll(out.data, NULL, 10);
    else printf("    %s: %s\n", sql, error.text);
    fn_buf_release(&out);
    return n;
}

bool client_check_parts(fn_engine *e, const world *w)
{
    char sql[128];
    for (int i = 0; i < WORLD_TABLES; i++) {
        if (!w->tables[i].exists) continue;
        (void)snprintf(sql, sizeof sql, "CHECK TABLE t%d SETTINGS check_query_single_value_result = 1", i);
        const long long right = number_of(e, sql);
        (void)snprintf(sql, sizeof sql, "SELECT count() - (SELECT sum(rows) FROM system.parts WHERE table = 't%d' AND active) FROM t%d", i, i);
        const long long difference = number_of(e, sql);
        if (right != 1 || difference != 0) {
            printf("    t%d: CHECK TABLE says %lld, count() differs from system.parts by %lld\n", i, right, difference);
            return false;
        }
    }
    if (number_of(e, "SELECT count() FROM system.dropped_tables") != 0) return true; /* what they keep is in no list */
    for (int i = 0; i < WORLD_TABLES; i++)
        if (w->tables[i].away) return true; /* nor is that */
    const long long parts = number_of(e, "SELECT (SELECT count() FROM system.parts WHERE active) + (SELECT count() FROM system.detached_parts)");
    const size_t files = client_count_files();
    if (parts >= 0 && (long long)files <= parts) return true;
    printf("    %zu files for %lld parts\n", files, parts);
    return false;
}

bool client_drop_all(fn_engine *e, const world *w)
{
    char sql[64];
    bool ok = true;
    fn_error error;
    if (w->view) ok = client_run(e, "DROP TABLE view", NULL, &error) == FN_OK;
    for (int i = 0; i < WORLD_TABLES && ok; i++) {
        if (!w->tables[i].exists && !w->tables[i].away) continue;
        (void)snprintf(sql, sizeof sql, "ATTACH TABLE t%d", i);
        if (w->tables[i].away) ok = client_run(e, sql, NULL, &error) == FN_OK;
        if (!ok) break;
        (void)snprintf(sql, sizeof sql, "DROP TABLE t%d", i);
        ok = client_run(e, sql, NULL, &error) == FN_OK;
    }
    sim_sleep((int64_t)2000 * 1000000000); /* dropped tables wait for UNDROP */
    const size_t files = ok ? client_count_files() : 0;
    if (!ok) printf("    dropping all tables: %s\n", error.text);
    else if (files) printf("    %zu files are left when all tables are gone\n", files);
    return ok && files == 0;
}
