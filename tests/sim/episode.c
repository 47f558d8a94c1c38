/* episode.c - one seed: batches of statements, some side by side, under faults, crashes and restarts; after each the tables must be
 * those of a world that is possible.
 *
 * What is possible. A statement that was acknowledged has happened, once and whole. One that failed has not happened; but when the
 * disk failed beneath it or the machine stopped, it may have. Statements side by side have happened in some order. So a batch turns
 * every world that was possible into those of all orders and of all choices among the doubtful, and what is read afterwards picks one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "client.h"
#include "disk.h"
#include "sim.h"
#include <firn/part.h>
#include <firn/thread.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH_MAX = 3, WORLDS_MAX = 4096, STARTS_MAX = 4, SECONDS_MAX = 60, FLIP_RARITY = 60 };

typedef enum trouble { TROUBLE_NONE, TROUBLE_FAULT, TROUBLE_CRASH } trouble;

typedef struct episode {
    uint64_t seed;
    bool verbose, failed;
    bool flips;             /* now and then a bit of a part file is wrong */
    sim_random random;
    fn_engine *engine;
    uint32_t next_id;
    world *worlds;          /* what is possible */
    unsigned world_count;
    statement batch[BATCH_MAX];
    unsigned batch_count;
} episode;

static void fail(episode *e, const char *what)
{
    if (!e->failed) printf("seed %" PRIu64 ": %s\n", e->seed, what);
    e->failed = true;
}

static void say(const episode *e, const char *what)
{
    if (e->verbose) printf("  -- %s\n", what);
}

/* ---- possible worlds ---- */
static void add_world(episode *e, world *list, unsigned *count, world *w_take)
{
    for (unsigned i = 0; i < *count; i++) {
        if (!world_same(&list[i], w_take)) continue;
        world_release(w_take);
        return;
    }
    if (*count == WORLDS_MAX) {
        fail(e, "too many worlds are possible: the sim itself must look more often");
        world_release(w_take);
        return;
    }
    list[(*count)++] = *w_take;
}

static void keep_worlds(episode *e, world *list_take, unsigned count)
{
    for (unsigned i = 0; i < e->world_count; i++) world_release(&e->worlds[i]);
    free(e->worlds);
    e->worlds = list_take;
    e->world_count = count;
}

typedef struct expansion {
    episode *episode;
    trouble trouble;
    world *list;
    unsigned count;
} expansion;

/* Statements of `left` in every order from here on. */
static void expand(expansion *x, const world *from, unsigned left)
{
    episode *e = x->episode;
    if (!left) {
        world w = world_copy(from);
        add_world(e, x->list, &x->count, &w);
        return;
    }
    for (unsigned i = 0; i < e->batch_count; i++) {
        const statement *s = &e->batch[i];
        if (!(left >> i & 1)) continue;
        world next = world_copy(from);
        const bool can = statement_apply(s, &next);
        if (s->status == FN_OK ? can : can && x->trouble != TROUBLE_NONE) expand(x, &next, left & ~(1u << i));
        world_release(&next);
        next = world_copy(from);
        if (s->status != FN_OK && x->trouble != TROUBLE_NONE && statement_apply_half(s, &next)) expand(x, &next, left & ~(1u << i));
        world_release(&next);
        const bool overtaken = e->batch_count > 1 && (s->status == FN_TABLE_IS_DROPPED || (s->status == FN_TABLE_UUID_MISMATCH && (s->kind == STATEMENT_INSERT || s->kind == STATEMENT_INSERT_AGAIN)));
        const bool may_fail = !can || x->trouble != TROUBLE_NONE || overtaken;
        if (s->status != FN_OK && may_fail) expand(x, from, left & ~(1u << i));
    }
}

static void expand_batch(episode *e, trouble t)
{
    client_set_age(&e->worlds[0].shape);
    expansion x = {.episode = e, .trouble = t, .list = malloc(sizeof *x.list * WORLDS_MAX)};
    FN_ASSERT(x.list != NULL);
    for (unsigned i = 0; i < e->world_count; i++) expand(&x, &e->worlds[i], (1u << e->batch_count) - 1);
    if (x.count == 0) {
        fail(e, "no order of these statements explains their answers:");
        for (unsigned i = 0; i < e->batch_count; i++) printf("    %s: %.300s -> %d\n", statement_name(e->batch[i].kind), e->batch[i].sql, e->batch[i].status);
        free(x.list);
        return;
    }
    keep_worlds(e, x.list, x.count);
}

/* Reads everything; it must be one of the possible worlds. `choose`: from now on only that one (or those that look like it). */
static void look(episode *e, bool choose_one)
{
    world is;
    if (!client_read_world(e->engine, &e->worlds[0].shape, &is)) fail(e, "a table cannot be read");
    world *kept = malloc(sizeof *kept * (e->world_count + 1));
    unsigned count = 0;
    FN_ASSERT(kept != NULL);
    for (unsigned i = 0; i < e->world_count; i++)
        if (world_equal(&e->worlds[i], &is)) kept[count++] = world_copy(&e->worlds[i]);
    if (count == 0 && !e->failed) {
        enum { SHOWN = 3 };
        fail(e, "the tables are not as they must be");
        for (unsigned i = 0; i < FN_MIN(e->world_count, (unsigned)SHOWN); i++) {
            printf("    the difference from possible world %u of %u:\n", i + 1, e->world_count);
            world_print_difference(&is, &e->worlds[i]);
        }
    }
    world_release(&is);
    if (count && choose_one) {
        keep_worlds(e, kept, count);
        return;
    }
    for (unsigned i = 0; i < count; i++) world_release(&kept[i]);
    free(kept);
}

/* ---- statements ---- */
typedef struct runner {
    episode *episode;
    statement *statement;
} runner;

static void *run_one(void *arg)
{
    const runner *r = arg;
    client_run_statement(r->episode->engine, r->statement, &r->episode->worlds[0].shape, r->episode->verbose);
    return NULL;
}

static void run_batch(episode *e)
{
    runner runners[BATCH_MAX];
    pthread_t threads[BATCH_MAX];
    e->batch_count = sim_chance(&e->random, 70) || e->worlds[0].shape.family == FAMILY_COLLAPSING ? 1 : 2 + (unsigned)sim_draw(&e->random, BATCH_MAX - 1);
    for (unsigned i = 0; i < e->batch_count; i++) {
        statement_make(&e->batch[i], &e->worlds[0], &e->random, &e->next_id, e->batch_count == 1);
        runners[i] = (runner){e, &e->batch[i]};
    }
    if (e->batch_count > 1) say(e, "side by side:");
    sim_disk_flip(&e->random, e->flips ? FLIP_RARITY : 0);
    for (unsigned i = 0; i < e->batch_count; i++) FN_ASSERT(pthread_create(&threads[i], NULL, run_one, &runners[i]) == 0);
    for (unsigned i = 0; i < e->batch_count; i++) FN_ASSERT(pthread_join(threads[i], NULL) == 0);
    sim_disk_flip(&e->random, 0);
}

static void release_batch(episode *e)
{
    for (unsigned i = 0; i < e->batch_count; i++) statement_release(&e->batch[i]);
    e->batch_count = 0;
}

/* ---- faults ---- */
static const fn_fs_fault faults[] = {
    {.kinds = FN_FS_ANY, .code = FN_CANNOT_READ_FROM_FILE_DESCRIPTOR},
    {.kinds = FN_FS_WRITES, .code = FN_CANNOT_WRITE_TO_FILE_DESCRIPTOR},
    {.kinds = FN_FS_WRITES, .code = FN_NOT_ENOUGH_SPACE},
    {.kinds = FN_FS_WRITES | FN_FS_NAMES, .code = FN_NOT_ENOUGH_SPACE, .forever = true},
    {.kinds = FN_FS_SYNCS, .code = FN_CANNOT_FSYNC},
    {.kinds = FN_FS_SYNCS, .code = FN_CANNOT_FSYNC, .forever = true},
};

static trouble arm(episode *e)
{
    const uint64_t way = sim_draw(&e->random, 100);
    if (way < 75) return TROUBLE_NONE;
    fn_fs_fault f = faults[sim_draw(&e->random, FN_COUNT(faults))];
    const bool crash = way >= 88;
    if (crash) f = (fn_fs_fault){.kinds = FN_FS_ANY, .code = FN_CANNOT_WRITE_TO_FILE_DESCRIPTOR, .forever = true};
    f.nth = 1 + sim_draw(&e->random, crash ? 60 : f.kinds == FN_FS_SYNCS ? 4 : 25);
    fn_fs_memory_fault(sim_disk_below(), &f);
    return crash ? TROUBLE_CRASH : TROUBLE_FAULT;
}

static void disarm(void)
{
    const fn_fs_fault none = {.nth = 0};
    fn_fs_memory_fault(sim_disk_below(), &none);
}

/* ---- restarts ---- */
/* Opens; the machine may stop while it does. */
static void start(episode *e)
{
    for (int attempt = 0; attempt < STARTS_MAX; attempt++) {
        fn_error error;
        const bool armed = attempt + 1 < STARTS_MAX && sim_chance(&e->random, 25);
        if (armed) {
            const fn_fs_fault f = {.kinds = FN_FS_ANY, .nth = 1 + sim_draw(&e->random, 60), .code = FN_CANNOT_WRITE_TO_FILE_DESCRIPTOR, .forever = true};
            fn_fs_memory_fault(sim_disk_below(), &f);
        }
        e->engine = client_open(&error);
        const bool hit = armed && fn_fs_memory_failed(sim_disk_below());
        if (e->engine && !hit) {
            disarm();
            return;
        }
        if (!hit) {
            fail(e, "the engine does not start");
            printf("    %s\n", error.text);
            return;
        }
        say(e, "the machine stops while the engine starts");
        fn_engine_close(e->engine);
        e->engine = NULL;
        fn_fs_disk_crash(sim_disk_below());
        fn_part_cache_clear();
    }
}

/* What was not synced is lost even when the engine was closed in order. */
static void restart(episode *e, bool stopped)
{
    say(e, stopped ? "the machine stops" : "restart");
    fn_engine_close(e->engine);
    e->engine = NULL;
    fn_fs_disk_crash(sim_disk_below());
    fn_part_cache_clear();
    start(e);
    if (!e->engine) return;
    for (unsigned i = 0; i < e->world_count; i++) world_restart(&e->worlds[i]);
    look(e, true);
    if (!e->failed && !client_check_parts(e->engine, &e->worlds[0])) fail(e, "the parts are not in order");
}

static bool is_read_only(episode *e)
{
    const fn_status status = client_run(e->engine, "CREATE DATABASE probe", NULL, NULL);
    if (status == FN_OK) (void)client_run(e->engine, "DROP DATABASE probe", NULL, NULL);
    return status == FN_TABLE_IS_READ_ONLY;
}

static void after_batch(episode *e, trouble t, bool flipped)
{
    const bool hit = t != TROUBLE_NONE && fn_fs_memory_failed(sim_disk_below());
    expand_batch(e, hit ? t : flipped ? TROUBLE_FAULT : TROUBLE_NONE);
    if (t == TROUBLE_FAULT) disarm();
    if (hit && t == TROUBLE_CRASH) {
        if (!e->failed) restart(e, true);
        return;
    }
    disarm();
    if (e->failed || (!hit && !sim_chance(&e->random, 10))) return;
    const bool broken = hit && is_read_only(e);
    look(e, !broken); /* a commit that failed may be there after the restart */
    if (broken && !e->failed) restart(e, sim_chance(&e->random, 50));
}

static void end(episode *e)
{
    if (e->engine && !e->failed) {
        restart(e, false);
        if (e->engine && !e->failed && !client_drop_all(e->engine, &e->worlds[0])) fail(e, "files are left");
    }
    fn_engine_close(e->engine);
    keep_worlds(e, NULL, 0);
}

static world_shape draw_shape(sim_random *r)
{
    world_shape s = {.family = sim_chance(r, 45) ? FAMILY_PLAIN : (world_family)sim_draw(r, FAMILIES)};
    s.indexed = sim_chance(r, 30);
    s.projected = sim_chance(r, 35);
    s.remembers = sim_chance(r, 30);
    if (sim_chance(r, 25)) s.life = 1 + (uint32_t)sim_draw(r, 3);
    s.by_columns = sim_chance(r, 50);
    return s;
}

static int run_seed(uint64_t seed, unsigned verbose)
{
    episode e = {.seed = seed, .verbose = verbose > 0, .random = {seed * 2 + 1}};
    fn_ctx ctx = {.arena = NULL};
    sim_schedule_begin(seed);
    sim_disk_open(seed + 1);
    sim_disk_watch(verbose > 0, verbose > 1);
    e.worlds = calloc(1, sizeof *e.worlds);
    FN_ASSERT(e.worlds != NULL);
    e.world_count = 1;
    e.worlds[0].shape = draw_shape(&e.random);
    e.flips = sim_chance(&e.random, 20);
    FN_ASSERT(sim_disk_below()->make_dir(sim_disk_below(), &ctx, SIM_ROOT) == FN_OK);
    start(&e);
    const unsigned batches = 10 + (unsigned)sim_draw(&e.random, 60);
    for (unsigned i = 0; i < batches && !e.failed; i++) {
        if (e.worlds[0].shape.family == FAMILY_COLLAPSING && e.world_count > 1) look(&e, true); /* which rows there are to be cancelled */
        if (e.failed) break;
        const trouble t = arm(&e);
        const uint64_t flips = sim_disk_flips();
        run_batch(&e);
        if (sim_chance(&e.random, 20)) sim_sleep((int64_t)sim_draw(&e.random, 2000000000));
        after_batch(&e, t, sim_disk_flips() != flips);
        release_batch(&e);
        if (!e.failed && sim_chance(&e.random, 4)) restart(&e, sim_chance(&e.random, 50));
    }
    release_batch(&e);
    disarm();
    end(&e);
    fn_part_cache_clear();
    sim_disk_close();
    sim_schedule_end();
    return e.failed;
}

int sim_run_seed(uint64_t seed, unsigned verbose)
{
    int outcome = 0;
    const pid_t child = fork(); /* nothing of a seed is left for the next one, and its crash is only its own */
    FN_ASSERT(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {SECONDS_MAX, SECONDS_MAX + 1}; /* of CPU time: the machine may be busy */
        (void)setrlimit(RLIMIT_CPU, &limit);
        exit(run_seed(seed, verbose));
    }
    FN_ASSERT(waitpid(child, &outcome, 0) == child);
    if (outcome == 0) return 0;
    if (WIFSIGNALED(outcome)) printf("seed %" PRIu64 ": signal %d%s\n", seed, WTERMSIG(outcome), WTERMSIG(outcome) == SIGXCPU ? ": it does not end" : "");
    printf("  again with: sim --seed %" PRIu64 " --verbose\n", seed);
    return 1;
}
