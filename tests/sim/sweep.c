/* sweep.c - a script of statements of all kinds; in each of them every call of the disk, or every allocation, fails once.
 *
 * A process of its own for every few of them runs the ones before, then each of these with its first, second ... call failing, until
 * one round has met no failure and has done what the model says, whatever the others have left. After each: an error or the right
 * answer; the tables are as before or as after the statement, never between; the engine goes on; a restart shows the same; nothing
 * leaks (under LeakSanitizer). Where the statement has happened in spite of the failure, or may have, unseen, the disk of before is
 * put in place, so that the next call meets the same state.
 * SPDX-License-Identifier: Apache-2.0 */
#include "client.h"
#include "disk.h"
#include "memory_fault.h"
#include "sim.h"
#include <firn/bits.h>
#include <firn/part.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

enum { SCRIPT = 200, HALF = 100, BLOCK = 20, SCRIPT_SEED = 5, RESTART_EVERY = 16, FAULTS_MAX = 100000, QUESTION_EVERY = 7 };

/* The tables of the two halves of the script: with skip indexes, projections and known inserts; with rows that end. */
static const world_shape shapes[] = {{.family = FAMILY_PLAIN, .indexed = true, .projected = true, .remembers = true, .by_columns = true},
                                     {.family = FAMILY_SUMMING, .projected = true, .life = 40}};

typedef enum sweep_kind { SWEEP_READS, SWEEP_SPACE, SWEEP_SYNCS, SWEEP_MEMORY } sweep_kind;
static const char *const kind_names[] = {"EIO", "ENOSPC", "fsync", "memory"};

/* Statements without a model: the answer must be the one they give undisturbed. */
static const char *const questions[] = {
    "SELECT p, count(), sum(v), uniqExact(s), max(s) FROM %s GROUP BY p ORDER BY p",
    "SELECT a.k, count() FROM %s AS a JOIN %s AS b ON a.k = b.k GROUP BY a.k ORDER BY a.k LIMIT 10",
    "SELECT k, v, s FROM %s WHERE s LIKE '%%quick%%' AND k > 10 ORDER BY v DESC, k, s LIMIT 20",
    "SELECT name, engine, total_rows FROM system.tables WHERE database = 'default' ORDER BY name",
    "SELECT sum(rows), count() > 0 FROM system.parts WHERE active",
    "SELECT k, row_number() OVER (PARTITION BY p ORDER BY k, v, s) FROM %s ORDER BY p, k, v, s LIMIT 30",
    "SELECT count() FROM %s WHERE k IN (SELECT k FROM %s WHERE p = 1)",
    "WITH groupArray(v) AS g SELECT length(g), arraySort(g)[1] FROM %s",
    "SELECT DISTINCT p, k % 3 FROM %s ORDER BY ALL",
    "SHOW TABLES",
    "EXPLAIN SELECT count() FROM %s WHERE k = 3",
};

typedef struct shared { /* counted by all processes */
    uint64_t faults;
} shared;

typedef struct sweep {
    sweep_kind kind;
    uint64_t first, step;
    bool verbose, failed;
    unsigned index;
    sim_random random;
    uint32_t next_id;
    fn_engine *engine;
    world before, after;
    bool can;               /* the model makes `after` of it; else it is refused */
    statement statement;
    char question[512];
    fn_buf answer;          /* of the question, undisturbed */
    shared *shared;
} sweep;

static void fail(sweep *s, uint64_t nth, const char *what)
{
    printf("%s, statement %u, failure %" PRIu64 ": %s\n    %.300s\n", kind_names[s->kind], s->index, nth, what, s->question[0] ? s->question : s->statement.sql);
    s->failed = true;
}

static bool start(sweep *s)
{
    fn_error error;
    s->engine = client_open(&error);
    if (!s->engine) printf("    the engine does not start: %s\n", error.text);
    return s->engine != NULL;
}

/* ... in the state `before`, also as to what ends with the engine. */
static bool start_before(sweep *s)
{
    bool ok = start(s);
    for (int i = 0; i < WORLD_TABLES && ok; i++) {
        char sql[32];
        (void)snprintf(sql, sizeof sql, "DETACH TABLE t%d", i);
        if (s->before.tables[i].away && !s->before.tables[i].permanently) ok = client_run(s->engine, sql, NULL, NULL) == FN_OK;
    }
    return ok;
}

static void stop(sweep *s)
{
    fn_engine_close(s->engine);
    s->engine = NULL;
    fn_part_cache_clear();
}

/* ---- the script ---- */
/* Statements without a model get tables that are there. */
static void make_question(sweep *s)
{
    char names[2][16] = {"", ""};
    unsigned found = 0;
    s->question[0] = 0;
    for (int i = 0; i < WORLD_TABLES && found < 2; i++)
        if (s->before.tables[i].exists) (void)snprintf(names[found++], sizeof names[0], "t%d", i);
    if (s->index % QUESTION_EVERY != 3 || found == 0 || s->before.shape.life) return; /* rows that end may be counted or not */
    if (found == 1) memcpy(names[1], names[0], sizeof names[1]);
    const char *from = questions[s->index / QUESTION_EVERY % FN_COUNT(questions)];
    size_t size = 0;
    unsigned used = 0;
    for (; *from && size + 8 < sizeof s->question; from++) {
        if (*from == '%' && from[1] == 's') {
            size += (size_t)snprintf(s->question + size, sizeof s->question - size, "%s", names[used++ % 2]);
            from++;
        } else {
            if (*from == '%' && from[1] == '%') from++;
            s->question[size++] = *from;
        }
    }
    s->question[size] = 0;
}

static void next_statement(sweep *s)
{
    statement_release(&s->statement);
    statement_make(&s->statement, &s->before, &s->random, &s->next_id, true);
    s->after = world_copy(&s->before);
    make_question(s);
    s->can = s->question[0] || statement_is_read(s->statement.kind) || statement_apply(&s->statement, &s->after);
}

static void advance(sweep *s)
{
    world_release(&s->before);
    s->before = s->after;
    s->after = (world){.view = false};
}

/* The statements of its half in front of number `index`, undisturbed. */
static void run_prefix(sweep *s, unsigned index)
{
    for (s->index = index - index % HALF; s->index < index; s->index++) {
        next_statement(s);
        if (!s->question[0]) client_run_statement(s->engine, &s->statement, &s->before.shape, false);
        advance(s);
    }
}

/* The next statement, and the answer if it is a question. */
static bool prepare(sweep *s)
{
    fn_error error;
    sim_sleep((int64_t)5 * 1000000000); /* merges end */
    next_statement(s);
    s->answer.size = 0;
    if (!s->question[0] || client_run(s->engine, s->question, &s->answer, &error) == FN_OK) return true;
    fail(s, 0, "it fails undisturbed");
    printf("    %s\n", error.text);
    return false;
}

/* ---- one failure ---- */
static void arm(const sweep *s, uint64_t nth)
{
    static const fn_fs_fault faults[] = {
        [SWEEP_READS] = {.kinds = FN_FS_ANY, .code = FN_CANNOT_READ_FROM_FILE_DESCRIPTOR},
        [SWEEP_SPACE] = {.kinds = FN_FS_WRITES | FN_FS_NAMES, .code = FN_NOT_ENOUGH_SPACE},
        [SWEEP_SYNCS] = {.kinds = FN_FS_SYNCS, .code = FN_CANNOT_FSYNC},
    };
    if (s->kind == SWEEP_MEMORY) {
        memory_fault_set(nth);
        return;
    }
    fn_fs_fault f = faults[s->kind];
    f.nth = nth;
    fn_fs_memory_fault(sim_disk_below(), &f);
}

/* True: the failure has come to pass. */
static bool disarm(const sweep *s)
{
    const fn_fs_fault none = {.nth = 0};
    const bool hit = s->kind == SWEEP_MEMORY ? memory_fault_hit() : fn_fs_memory_failed(sim_disk_below());
    memory_fault_set(0);
    fn_fs_memory_fault(sim_disk_below(), &none);
    return hit;
}

/* Is it what the statement may have made? `restarted`: and a start behind it. happened: what was before has to be put back. */
static bool matches(sweep *s, const world *is, fn_status status, bool restarted, bool *happened)
{
    world before = world_copy(&s->before), after = world_copy(&s->after), half = world_copy(&s->before);
    const bool halves = status != FN_OK && !s->question[0] && statement_apply_half(&s->statement, &half);
    if (restarted) {
        world_restart(&before);
        world_restart(&after);
        world_restart(&half);
    }
    const bool is_after = world_equal(is, &after), is_before = world_equal(is, &before), is_half = halves && world_equal(is, &half);
    /* a backup cannot be seen here, and is gone when the disk has failed; without memory for the answer it is there */
    const bool differ = !world_same(&s->before, &s->after), leaves_nothing = s->statement.kind == STATEMENT_BACKUP_FILE && s->kind != SWEEP_MEMORY;
    *happened = is_half || (differ && (status == FN_OK || (is_after && !(is_before && leaves_nothing))));
    world_release(&before);
    world_release(&after);
    world_release(&half);
    return is_after || is_half || (status != FN_OK && is_before);
}

/* The tables, now and after a restart. */
static bool look(sweep *s, fn_status status, uint64_t nth, bool again, bool *happened)
{
    world is, later = {.view = false};
    bool ok = client_read_world(s->engine, &s->before.shape, &is);
    if (ok) ok = matches(s, &is, status, false, happened);
    if (!ok) {
        fail(s, nth, "the tables are neither as before nor as after it");
        world_print_difference(&is, &s->before);
    }
    const bool read_only = client_run(s->engine, "CREATE DATABASE IF NOT EXISTS default2", NULL, NULL) != FN_OK, was = *happened;
    if (ok && (again || read_only)) {
        stop(s);
        fn_fs_disk_crash(sim_disk_below());
        ok = start(s) && client_read_world(s->engine, &s->before.shape, &later) && matches(s, &later, status, true, happened);
        if (ok && !read_only && world_outlives(&s->before) && world_outlives(&s->after)) ok = world_equal(&is, &later);
        if (!ok) {
            fail(s, nth, "a restart shows something else");
            world_print_difference(&later, &is);
        }
        *happened |= was || !world_outlives(&s->before);
    }
    world_release(&is);
    world_release(&later);
    return ok;
}

static fn_status run_statement(sweep *s, fn_buf *answer, fn_error *error)
{
    if (s->question[0]) return client_run(s->engine, s->question, answer, error);
    if (!statement_is_read(s->statement.kind)) return client_run(s->engine, s->statement.sql, answer, error);
    error->text[0] = 0;
    client_run_statement(s->engine, &s->statement, &s->before.shape, false);
    return s->statement.status;
}

/* Puts the disk of before in the place of this one. */
static bool put_back(sweep *s, fn_fs *saved)
{
    fn_ctx ctx = {.arena = NULL};
    fn_fs *copy;
    stop(s);
    FN_ASSERT(fn_fs_disk_copy(saved, &ctx, &copy) == FN_OK);
    sim_disk_replace(copy);
    return start_before(s);
}

/* Without a failure it does what the model says: what the failures before have left (files, names) is not in its way. */
static void check_undisturbed(sweep *s, uint64_t nth, fn_status status, const fn_error *error)
{
    world is;
    if ((status == FN_OK) != s->can) {
        fail(s, nth, s->can ? "it fails undisturbed" : "it is not refused");
        printf("    %s\n", status ? error->text : "");
    } else if (!s->failed) {
        const bool read = client_read_world(s->engine, &s->before.shape, &is);
        if (!read || !world_equal(&is, &s->after)) {
            fail(s, nth, "undisturbed, the tables are not as after it");
            world_print_difference(&is, &s->after);
        }
        world_release(&is);
    }
}

/* False: no failure was met, or something is wrong. */
static bool run_once(sweep *s, uint64_t nth, fn_fs *saved)
{
    fn_buf answer = FN_BUF_INIT;
    fn_error error;
    bool happened = false;
    arm(s, nth);
    const fn_status status = run_statement(s, &answer, &error);
    const bool hit = disarm(s);
    if (s->verbose) printf("  %u %s %" PRIu64 " -> %d %.200s\n", s->index, kind_names[s->kind], nth, status, status ? error.text : "");
    if (hit && s->question[0] && status == FN_OK && (answer.size != s->answer.size || memcmp(answer.data, s->answer.data, answer.size) != 0))
        fail(s, nth, "the answer is wrong");
    client_set_age(&s->before.shape);
    if (!s->question[0] && status == FN_OK && statement_is_read(s->statement.kind) && !statement_apply(&s->statement, &s->before)) fail(s, nth, "the rows are wrong");
    fn_buf_release(&answer);
    if (!hit) {
        check_undisturbed(s, nth, status, &error);
        return false;
    }
    s->shared->faults++;
    const bool again = s->kind != SWEEP_MEMORY || nth % RESTART_EVERY == 0;
    if (!look(s, status, nth, again, &happened)) return false;
    return !happened || put_back(s, saved);
}

static void check_leaks(sweep *s)
{
#if defined(__SANITIZE_ADDRESS__)
    if (__lsan_do_recoverable_leak_check()) fail(s, 0, "something leaks");
#else
    (void)s;
#endif
}

/* All its failures; at the end it has happened, undisturbed. */
static void sweep_statement(sweep *s)
{
    fn_ctx ctx = {.arena = NULL};
    fn_fs *saved;
    FN_ASSERT(fn_fs_disk_copy(sim_disk_below(), &ctx, &saved) == FN_OK);
    for (uint64_t nth = 1 + (s->first + s->index) % s->step; nth < FAULTS_MAX && !s->failed; nth += s->step)
        if (!run_once(s, nth, saved)) break;
    fn_fs_memory_free(saved);
}

static int sweep_block(sweep *s, unsigned first)
{
    fn_ctx ctx = {.arena = NULL};
    sim_schedule_begin(SCRIPT_SEED);
    sim_schedule_mix(false);
    sim_disk_open(SCRIPT_SEED);
    FN_ASSERT(sim_disk_below()->make_dir(sim_disk_below(), &ctx, SIM_ROOT) == FN_OK);
    s->random.state = SCRIPT_SEED + first / HALF;
    s->before.shape = shapes[first / HALF];
    statement_make_evenly();
    if (!start(s)) return 1;
    run_prefix(s, first);
    for (; s->index < first + BLOCK && !s->failed; s->index++) {
        if (prepare(s)) sweep_statement(s);
        advance(s);
    }
    stop(s);
    statement_release(&s->statement);
    world_release(&s->before);
    fn_buf_release(&s->answer);
    sim_disk_close();
    sim_schedule_end();
    check_leaks(s);
    return s->failed;
}

static int run_all(sweep_kind kind, const sweep *options)
{
    int failures = 0;
    for (unsigned i = 0; i < SCRIPT; i += BLOCK) {
        int outcome = 0;
        const pid_t child = fork();
        FN_ASSERT(child >= 0);
        if (child == 0) {
            sweep s = *options;
            s.kind = kind;
            exit(sweep_block(&s, i));
        }
        FN_ASSERT(waitpid(child, &outcome, 0) == child);
        if (WIFSIGNALED(outcome)) printf("%s, statements from %u on: signal %d\n", kind_names[kind], i, WTERMSIG(outcome));
        failures += outcome != 0;
    }
    printf("%s: %d statements, %" PRIu64 " failures, %d of them wrong\n", kind_names[kind], SCRIPT, options->shared->faults, failures);
    return failures;
}

static int sweep_kinds(sweep_kind from, sweep_kind to, uint64_t first, uint64_t step, unsigned verbose)
{
    shared *counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FN_ASSERT(counts != MAP_FAILED);
    const sweep options = {.first = first, .step = step, .verbose = verbose > 0, .shared = counts};
    int failures = 0;
    FN_ASSERT(statement_leave_out("backup")); /* in memory: it ends with the engine, which is started anew for every failure */
    for (sweep_kind kind = from; kind <= to; kind++) {
        counts->faults = 0;
        failures += run_all(kind, &options);
    }
    (void)munmap(counts, sizeof *counts);
    return failures;
}

int sim_sweep_disk(uint64_t first, uint64_t step, unsigned verbose)
{
    return sweep_kinds(SWEEP_READS, SWEEP_SYNCS, first, step, verbose);
}

int sim_sweep_memory(uint64_t first, uint64_t step, unsigned verbose)
{
    return sweep_kinds(SWEEP_MEMORY, SWEEP_MEMORY, first, step, verbose);
}
