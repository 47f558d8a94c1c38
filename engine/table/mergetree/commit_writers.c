/* commit_writers.c - the end of an insert: the parts of a statement's tables are listed in one catalog transaction, and small inserts
 * of many statements share parts.
 *
 * A small insert costs three waits for the disk (the part, its folder, the catalog). While one statement writes its part, those that
 * come behind it wait in the table's queue; when it goes on to the catalog the next leader writes the rows of all of them as one part
 * per partition and commits once. So the number of parts a second is bounded by the disk, not by the number of inserts, and a lone
 * insert waits for nobody.
 *
 * Statements share the fate of a joint commit only when it succeeds: after any failure each of them goes on alone, with its own
 * limits, so that a row that cannot be sorted or a block that was inserted before is its own statement's matter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/writer.h"
#include <time.h>

enum { SMALL_ROWS = 65536, SMALL_BYTES = 1 << 20, JOINT_BYTES = 16 << 20, JOINT_ROWS = 1 << 20, JOINT_MEMBERS = 256 };

/* A statement at its end; lies in its frame. */
struct mt_waiting {
    mt_waiting *next;
    mt_writer **writers;
    uint32_t count;
    uint64_t rows, bytes;
    const table_claim *claims; /* of the statement */
    bool taken, finished, alone; /* group.lock. taken: a leader has it */
};

/* ---- one transaction ---- */

static fn_status fill_edit(fn_ctx *ctx, mt_writer *w, bool may_skip, mt_edit *out)
{
    bool *skipped = FN_NEW_ARRAY(ctx, bool, w->part_count);
    FN_TRY_PTR(ctx, skipped);
    *out = (mt_edit){.table = w->table, .add = w->parts, .add_count = w->part_count, .ids = w->ids, .id_count = w->id_count,
                     .definition = w->shape->definition, .skipped = may_skip ? skipped : NULL};
    return FN_OK;
}

static fn_status write_parts(fn_ctx *ctx, mt_writer *const *writers, uint32_t count, bool joint, mt_edit *edits, uint32_t *edit_count)
{
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(mt_writer_flush(ctx, writers[i]));
        if (writers[i]->part_count == 0) continue;
        FN_TRY(mt_writer_number(ctx, writers[i]));
        FN_TRY(fill_edit(ctx, writers[i], !joint, &edits[(*edit_count)++]));
    }
    return FN_OK;
}

static void stop_leading(mt_group *g)
{
    pthread_mutex_lock(&g->lock);
    g->leading = false;
    pthread_cond_broadcast(&g->done);
    pthread_mutex_unlock(&g->lock);
}

/* joint: a part holds the rows of several statements, none of which may be left out. led: the caller leads there, until the parts are
 * written; NULL: nowhere. */
static fn_status commit_now(fn_ctx *ctx, mt_writer *const *writers, uint32_t count, bool joint, mt_group *led)
{
    mt_edit *edits = FN_NEW_ARRAY(ctx, mt_edit, FN_MAX(count, 1u));
    uint32_t n = 0;
    const fn_status status = edits ? write_parts(ctx, writers, count, joint, edits, &n) : ctx->error.code;
    if (led) stop_leading(led);
    if (status != FN_OK || n == 0) return status;
    FN_TRY(mt_apply(ctx, writers[0]->table->store, edits, n));
    for (uint32_t i = 0; i < count; i++) {
        mt_writer_forget(writers[i]);
        mt_merge_schedule(writers[i]->table);
    }
    return FN_OK;
}

/* ---- several statements ---- */

typedef struct joint {
    mt_writer **writers; /* one per table and shape */
    mt_writer_member **members;
    uint32_t count, room;
} joint;

static fn_status find_writer(fn_ctx *ctx, joint *j, const mt_writer *like, uint32_t *out)
{
    for (uint32_t i = 0; i < j->count; i++) {
        const mt_writer *w = j->writers[i];
        *out = i;
        if (w->table == like->table && w->shape == like->shape && w->collapses == like->collapses) return FN_OK;
    }
    *out = j->count;
    j->members[j->count] = FN_NEW_ARRAY(ctx, mt_writer_member, j->room);
    FN_TRY_PTR(ctx, j->members[j->count]);
    FN_TRY(mt_writer_new(ctx, like->table, mt_shape_ref(like->shape), like->collapses, &j->writers[j->count]));
    j->writers[j->count]->members = j->members[j->count];
    j->writers[j->count]->unlimited = true;
    j->count++;
    return FN_OK;
}

static fn_status join_writer(fn_ctx *ctx, joint *j, const mt_writer *w)
{
    uint32_t at;
    if (w->rows == 0) return FN_OK;
    FN_TRY(find_writer(ctx, j, w, &at));
    mt_writer *to = j->writers[at];
    mt_writer_member *m = &j->members[at][to->member_count++];
    *m = (mt_writer_member){.first = (uint32_t)to->rows, .rows = (uint32_t)w->rows, .identified = w->identified};
    if (w->identified) m->id = mt_writer_id(w);
    for (uint32_t i = 0; i < to->member_count - 1 && m->identified; i++) {
        const mt_writer_member *other = &j->members[at][i];
        if (other->identified && other->id.low == m->id.low && other->id.high == m->id.high)
            return fn_fail(ctx, FN_INSERT_WAS_DEDUPLICATED, "The block is inserted twice");
    }
    for (uint32_t i = 0; i < w->block_count; i++) FN_TRY(mt_writer_keep(ctx, to, w->blocks[i]));
    return FN_OK;
}

/* What all of them rely on. */
static fn_status join_claims(fn_ctx *ctx, const mt_waiting *first)
{
    for (const mt_waiting *w = first; w; w = w->next) {
        for (const table_claim *c = w->claims; c; c = c->next) {
            table_claim *copy = FN_NEW(ctx, table_claim);
            FN_TRY_PTR(ctx, copy);
            *copy = *c;
            copy->next = ctx->claims;
            ctx->claims = copy;
        }
    }
    return FN_OK;
}

/* led: where the caller leads, *leads as long as it does; NULL: nowhere. */
static fn_status commit_joint(fn_ctx *ctx, const mt_waiting *first, bool *leads, mt_group *led)
{
    joint j = {.room = 0};
    for (const mt_waiting *w = first; w; w = w->next) j.room += w->count;
    j.writers = FN_NEW_ARRAY(ctx, mt_writer *, j.room);
    j.members = FN_NEW_ARRAY(ctx, mt_writer_member *, j.room);
    if (!j.writers || !j.members) return ctx->error.code;
    fn_status status = join_claims(ctx, first);
    for (const mt_waiting *w = first; w && status == FN_OK; w = w->next)
        for (uint32_t i = 0; i < w->count && status == FN_OK; i++) status = join_writer(ctx, &j, w->writers[i]);
    if (status == FN_OK) {
        *leads = false;
        status = commit_now(ctx, j.writers, j.count, true, led);
    }
    for (uint32_t i = 0; i < j.count; i++) j.writers[i]->base.close(&j.writers[i]->base);
    return status;
}

/* With nobody's limits: what is too much for one of them is done by each alone. */
static bool commit_together(const fn_ctx *leader, const mt_waiting *first)
{
    fn_ctx ctx = {.settings = leader->settings};
    mt_group *const led = &first->writers[0]->table->group;
    bool leads = true;
    ctx.arena = fn_arena_new(&ctx);
    const bool done = ctx.arena && commit_joint(&ctx, first, &leads, led) == FN_OK;
    fn_arena_free(ctx.arena);
    if (leads) stop_leading(led);
    return done;
}

/* ---- the queue of a table ---- */

/* What the next joint commit takes from the queue. Under group.lock. */
static mt_waiting *take_some(mt_group *g, uint32_t *count)
{
    mt_waiting *first = g->first, *last = NULL;
    uint64_t rows = 0, bytes = 0;
    *count = 0;
    for (mt_waiting *w = first; w && *count < JOINT_MEMBERS; w = w->next) {
        rows += w->rows;
        bytes += w->bytes;
        if (last && (rows > JOINT_ROWS || bytes > JOINT_BYTES)) break;
        last = w;
        w->taken = true;
        ++*count;
    }
    g->first = last->next;
    if (!g->first) g->last = &g->first;
    last->next = NULL;
    return first;
}

/* When merges are behind, more statements share a part: far before inserts are delayed one by one, which needs 1,000 parts. Under
 * group.lock, which is given up meanwhile. */
static void gather_longer(mt_table *t)
{
    enum { FROM = 100, STEP = 10, MS_MAX = 50 };
    mt_list *list = mt_table_list(t);
    const uint32_t most = list->most;
    mt_list_drop(list);
    if (most < FROM || !t->store->options.background || mt_merges_stopped(t)) return;
    pthread_mutex_unlock(&t->group.lock);
    const struct timespec pause = {0, (long)FN_MIN((most - FROM) / STEP + 1, (uint32_t)MS_MAX) * 1000000};
    (void)nanosleep(&pause, NULL);
    pthread_mutex_lock(&t->group.lock);
}

/* Under group.lock, which is given up meanwhile. True: `mine` is to commit alone and leads until it has. */
static bool lead(fn_ctx *ctx, mt_group *g, const mt_waiting *mine)
{
    uint32_t count;
    g->leading = true;
    gather_longer(mine->writers[0]->table);
    mt_waiting *list = take_some(g, &count);
    if (count == 1 && list == mine) return true;
    pthread_mutex_unlock(&g->lock);
    const bool done = count > 1 && commit_together(ctx, list);
    pthread_mutex_lock(&g->lock);
    if (count == 1) g->leading = false; /* the one goes on alone, and is not this thread's */
    for (mt_waiting *w = list, *next; w; w = next) {
        next = w->next; /* w may be gone once it is finished and the lock is free */
        w->alone = !done;
        w->finished = true;
    }
    pthread_cond_broadcast(&g->done);
    return false;
}

static bool is_small(const fn_ctx *ctx, mt_waiting *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const mt_writer *one = w->writers[i];
        const uint64_t partitions = settings_of(ctx)->max_partitions_per_insert_block;
        if (one->part_count || one->flushes) return false;
        if (one->shape->definition->partition_count && partitions && one->rows > partitions) return false; /* the limit holds for each statement */
        w->rows += one->rows;
        w->bytes += one->bytes;
    }
    return w->rows <= SMALL_ROWS && w->bytes <= SMALL_BYTES;
}

static fn_status commit_small(fn_ctx *ctx, mt_waiting *w)
{
    mt_group *g = &w->writers[0]->table->group;
    bool leads = false;
    pthread_mutex_lock(&g->lock);
    *g->last = w;
    g->last = &w->next;
    while (!w->finished && !leads) {
        if (g->leading || w->taken) pthread_cond_wait(&g->done, &g->lock);
        else leads = lead(ctx, g, w);
    }
    pthread_mutex_unlock(&g->lock);
    if (!leads && !w->alone) {
        for (uint32_t i = 0; i < w->count; i++) mt_writer_forget(w->writers[i]); /* they are in the joint part */
        return FN_OK;
    }
    return commit_now(ctx, w->writers, w->count, false, leads ? g : NULL);
}

fn_status mt_writers_commit(table_writer *const *writers, uint32_t count, fn_ctx *ctx)
{
    mt_waiting w = {.writers = FN_NEW_ARRAY(ctx, mt_writer *, FN_MAX(count, 1u)), .count = count, .claims = ctx->claims};
    FN_TRY_PTR(ctx, w.writers);
    for (uint32_t i = 0; i < count; i++) w.writers[i] = (mt_writer *)writers[i];
    if (count == 0) return FN_OK;
    fn_thread_waits();
    return is_small(ctx, &w) && w.rows ? commit_small(ctx, &w) : commit_now(ctx, w.writers, count, false, NULL);
}

/* ---- later ---- */

struct mt_parked {
    mt_writer **writers; /* the statement's rows in writers of their own, charged to nobody */
    uint32_t count;
    uint64_t bytes;
};

static fn_status park_writer(fn_ctx *ctx, mt_parked *p, const mt_writer *from)
{
    mt_writer *w;
    FN_TRY(mt_writer_new(ctx, from->table, mt_shape_ref(from->shape), from->collapses, &w));
    p->writers[p->count++] = w;
    w->unlimited = true;
    w->identified = from->identified;
    w->id = from->id;
    for (uint32_t i = 0; i < from->block_count; i++) {
        table_block_adopt(from->blocks[i]);
        FN_TRY(mt_writer_keep(ctx, w, from->blocks[i]));
    }
    p->bytes += from->bytes;
    return FN_OK;
}

fn_status mt_park(table_writer *const *writers, uint32_t count, fn_ctx *ctx, mt_parked **out)
{
    mt_waiting w = {.writers = FN_NEW_ARRAY(ctx, mt_writer *, FN_MAX(count, 1u)), .count = count};
    FN_TRY_PTR(ctx, w.writers);
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (writers[i]->commit_together != mt_writers_commit) return FN_OK;
        w.writers[i] = (mt_writer *)writers[i];
    }
    if (!is_small(ctx, &w) || !w.rows) return FN_OK;
    fn_ctx own = {.settings = NULL}; /* outlives the statement */
    mt_parked *p = fn_alloc_zero(&own, sizeof *p);
    if (p) p->writers = fn_alloc_zero(&own, sizeof *p->writers * count);
    fn_status status = p && p->writers ? FN_OK : own.error.code;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = park_writer(&own, p, w.writers[i]);
    if (status != FN_OK) {
        mt_parked_free(p);
        return fn_fail(ctx, status, "%s", own.error.text);
    }
    *out = p;
    return FN_OK;
}

uint64_t mt_parked_bytes(const mt_parked *p)
{
    return p->bytes;
}

const table *mt_parked_table(const mt_parked *p)
{
    return &p->writers[0]->table->base;
}

/* Together; each alone if that fails. */
void mt_parked_commit(mt_parked *const *parked, uint32_t count, mt_parked_failed *failed, void *self)
{
    fn_ctx ctx = {.settings = NULL};
    ctx.arena = fn_arena_new(&ctx);
    mt_waiting *list = ctx.arena ? FN_NEW_ARRAY(&ctx, mt_waiting, FN_MAX(count, 1u)) : NULL;
    for (uint32_t i = 0; list && i < count; i++)
        list[i] = (mt_waiting){.next = i + 1 < count ? &list[i + 1] : NULL, .writers = parked[i]->writers, .count = parked[i]->count};
    bool nobody = false;
    const bool together = list && count > 1 && commit_joint(&ctx, list, &nobody, NULL) == FN_OK;
    for (uint32_t i = 0; !together && i < count; i++) {
        fn_error_clear(&ctx);
        if (ctx.arena && commit_now(&ctx, parked[i]->writers, parked[i]->count, false, NULL) == FN_OK) continue;
        failed(self, parked[i], &ctx.error);
    }
    fn_arena_free(ctx.arena);
}

void mt_parked_free(mt_parked *p)
{
    if (!p) return;
    for (uint32_t i = 0; i < p->count; i++) p->writers[i]->base.close(&p->writers[i]->base);
    fn_free(p->writers);
    fn_free(p);
}

void mt_group_init(mt_group *g)
{
    *g = (mt_group){.last = &g->first};
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->done, NULL);
}

void mt_group_release(mt_group *g)
{
    pthread_cond_destroy(&g->done);
    pthread_mutex_destroy(&g->lock);
}
