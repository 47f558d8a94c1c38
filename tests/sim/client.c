/* client.c - see client.h. SPDX-License-Identifier: Apache-2.0 */
#include "client.h"
#include "disk.h"
#include "memory_fault.h"
#include <firn/bits.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DROP_DELAY_S = 1000 }; /* more than a script takes */

fn_engine *client_open(fn_error *error)
{
    fn_engine *e = NULL;
    fn_ctx ctx = {.arena = NULL};
    const fn_engine_options options = {.path = SIM_ROOT, .threads = 2, .memory_limit = (int64_t)1 << 30, .display_name = "sim", .drop_delay_s = DROP_DELAY_S, .files = sim_disk()};
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

static bool parse_number_row(const char **at, const char *end, world_row *out)
{
    if (end - *at < 17) return false;
    memcpy(&out->p, *at, 1);
    memcpy(&out->k, *at + 1, 4);
    memcpy(&out->v, *at + 5, 8);
    memcpy(&out->id, *at + 13, 4);
    *at += 17;
    return true;
}

/* The rows of a RowBinary answer; false: it is none. Where the engine leaves one row of a key, two are no answer. */
static bool parse_rows(fn_str bytes, bool has_text, world_family family, world_rows **out)
{
    uint32_t count = 0;
    world_row *rows = malloc(sizeof *rows * (bytes.size / 14 + 1));
    const char *at = bytes.data, *const end = bytes.data + bytes.size;
    FN_ASSERT(rows != NULL);
    bool ok = true;
    while (ok && at < end) ok = has_text ? parse_row(&at, end, &rows[count++]) : parse_number_row(&at, end, &rows[count++]);
    *out = ok ? world_rows_new(rows, count, FAMILY_PLAIN) : NULL;
    if (ok) {
        world_rows *unique = world_rows_new(rows, count, family);
        ok = unique->count == count;
        world_rows_drop(unique);
    }
    free(rows);
    return ok;
}

static uint32_t age_now(const world_shape *shape, bool surely)
{
    struct timespec now;
    FN_ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return shape->life ? (uint32_t)(now.tv_sec - WORLD_BEGIN) / shape->life + !surely : 0;
}

void client_set_age(const world_shape *shape)
{
    world_set_age(age_now(shape, false));
}

/* OPTIMIZE FINAL has taken away the rows that had ended before. */
static void count_aged(fn_engine *e, statement *s, uint32_t age)
{
    char sql[128];
    fn_buf out = FN_BUF_INIT;
    (void)snprintf(sql, sizeof sql, "SELECT count() FROM t%u WHERE k < %" PRIu32, s->a, age);
    if (client_run(e, sql, &out, NULL) == FN_OK && fn_buf_byte(&(fn_ctx){.arena = NULL}, &out, 0) == FN_OK) s->number = (uint32_t)strtoul(out.data, NULL, 10);
    if (s->number) printf("    %" PRIu32 " rows of t%u with k < %" PRIu32 " are left by OPTIMIZE FINAL\n", s->number, s->a, age);
    fn_buf_release(&out);
}

void client_run_statement(fn_engine *e, statement *s, const world_shape *shape, bool verbose)
{
    fn_buf out = FN_BUF_INIT;
    fn_error error;
    const uint32_t age = age_now(shape, true);
    s->status = client_run(e, s->sql, &out, &error);
    s->done = true;
    memory_fault_pause(true); /* looking at the answer is not the program's */
    if (verbose) printf("  %.*s%s -> %d %.200s\n", 200, s->sql, strlen(s->sql) > 200 ? "..." : "", s->status, s->status ? error.text : "");
    if (statement_is_read(s->kind) && s->status == FN_OK) {
        world_rows_drop(s->rows);
        if (!parse_rows(fn_buf_view(&out), statement_gives_text(s->kind, shape->family), FAMILY_PLAIN, &s->rows)) s->rows = NULL;
    }
    if (s->kind == STATEMENT_AGE && s->status == FN_OK) count_aged(e, s, age);
    memory_fault_pause(false);
    fn_buf_release(&out);
}

static bool view_exists(fn_engine *e)
{
    fn_buf out = FN_BUF_INIT;
    const bool yes = client_run(e, "EXISTS TABLE view", &out, NULL) == FN_OK && out.size && out.data[0] == '1';
    fn_buf_release(&out);
    return yes;
}

static bool read_table(fn_engine *e, world_family family, int table, bool grouped, world_table *out)
{
    bool ok = true;
    fn_buf bytes = FN_BUF_INIT;
    fn_error error;
    char *sql = statement_read_sql(family, (uint8_t)table, grouped);
    const fn_status status = client_run(e, sql, &bytes, &error);
    out->exists = status == FN_OK;
    if (status == FN_OK) ok = parse_rows(fn_buf_view(&bytes), statement_gives_text(STATEMENT_READ, family), family, &out->rows);
    else ok = status == FN_UNKNOWN_TABLE;
    if (!ok) printf("    t%d cannot be read: %s\n", table, status ? error.text : "rows of no meaning");
    fn_buf_release(&bytes);
    free(sql);
    return ok;
}

/* The same by GROUP BY. */
static bool read_grouped(fn_engine *e, const world *w, int table)
{
    world_table grouped = {.exists = false};
    bool ok = read_table(e, w->shape.family, table, true, &grouped);
    client_set_age(&w->shape);
    if (ok && !world_rows_equal(grouped.rows, w->tables[table].rows)) {
        printf("    t%d: FINAL gives %" PRIu32 " rows, GROUP BY %" PRIu32 "\n", table, world_rows_count(w->tables[table].rows), world_rows_count(grouped.rows));
        ok = false;
    }
    world_rows_drop(grouped.rows);
    return ok;
}

/* Answers from projections, which must be those that the rows give. */
static bool read_projections(fn_engine *e, world *w, int table)
{
    static const statement_kind of[] = {STATEMENT_READ_GROUPS, STATEMENT_READ_VALUES};
    fn_error error;
    bool ok = true;
    for (size_t i = 0; i < FN_COUNT(of) && ok; i++) {
        statement s;
        statement_make_read(&s, of[i], (uint8_t)table, 0, 60);
        client_run_statement(e, &s, &w->shape, false);
        client_set_age(&w->shape);
        ok = s.status == FN_OK && statement_apply(&s, w);
        if (s.status != FN_OK) (void)client_run(e, s.sql, NULL, &error);
        if (!ok) printf("    %s: %" PRIu32 " rows, not what the rows of the table give; %.300s\n", s.sql, world_rows_count(s.rows), s.status ? error.text : "");
        statement_release(&s);
    }
    return ok;
}

static bool read_side(fn_engine *e, const char *sql, world_side *out)
{
    fn_buf bytes = FN_BUF_INIT;
    fn_error error;
    const fn_status status = client_run(e, sql, &bytes, &error);
    *out = (world_side){.exists = status == FN_OK};
    if (out->exists && fn_buf_byte(&(fn_ctx){.arena = NULL}, &bytes, 0) == FN_OK) out->keys = strtoull(bytes.data, NULL, 10);
    fn_buf_release(&bytes);
    if (status != FN_OK && status != FN_UNKNOWN_TABLE) printf("    %s: %s\n", sql, error.text);
    return status == FN_OK || status == FN_UNKNOWN_TABLE;
}

bool client_read_world(fn_engine *e, const world_shape *shape, world *out)
{
    static const char *const sides[WORLD_SIDES] = {
        "SELECT groupBitOr(bitShiftLeft(toUInt64(1), number)) FROM numbers(64) WHERE number IN chosen",
        "SELECT if(count() = uniqExact(k), groupBitOr(bitShiftLeft(toUInt64(1), k)), 0) FROM joined WHERE v = k * 3"};
    bool ok = true;
    *out = (world){.shape = *shape, .view = view_exists(e)};
    for (int i = 0; i < WORLD_TABLES && ok; i++) {
        ok = read_table(e, shape->family, i, false, &out->tables[i]);
        if (ok && out->tables[i].exists) ok = shape->family == FAMILY_PLAIN ? !shape->projected || read_projections(e, out, i) : read_grouped(e, out, i);
    }
    for (int i = 0; i < WORLD_SIDES && ok; i++) ok = read_side(e, sides[i], &out->sides[i]);
    client_set_age(shape);
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
        if (right != 1 || (difference != 0 && !w->shape.life)) { /* rows may go meanwhile */
            printf("    t%d: CHECK TABLE says %lld, count() differs from system.parts by %lld\n", i, right, difference);
            return false;
        }
    }
    if (number_of(e, "SELECT count() FROM system.dropped_tables") != 0) return true; /* what they keep is in no list */
    for (int i = 0; i < WORLD_SIDES; i++)
        if (w->sides[i].exists) return true; /* nor is that */
    for (int i = 0; i < WORLD_TABLES; i++)
        if (w->tables[i].away) return true;
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
    for (int i = 0; i < WORLD_SIDES && ok; i++)
        if (w->sides[i].exists) ok = client_run(e, i ? "DROP TABLE joined" : "DROP TABLE chosen", NULL, &error) == FN_OK;
    sim_sleep((int64_t)2 * DROP_DELAY_S * 1000000000); /* dropped tables wait for UNDROP */
    const size_t files = ok ? client_count_files() : 0;
    if (!ok) printf("    dropping all tables: %s\n", error.text);
    else if (files) printf("    %zu files are left when all tables are gone\n", files);
    return ok && files == 0;
}
