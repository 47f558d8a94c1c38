/* process.c - the list of running statements. See process.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/process.h"
#include <firn/time.h>
#include <string.h>
#include <time.h>

static void lock(process_list *list)
{
    FN_ASSERT(pthread_mutex_lock(&list->lock) == 0);
}

static void unlock(process_list *list)
{
    FN_ASSERT(pthread_mutex_unlock(&list->lock) == 0);
}

void process_list_init(process_list *list)
{
    *list = (process_list){.first = NULL};
    FN_ASSERT(pthread_mutex_init(&list->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&list->left, NULL) == 0);
}

void process_list_release(process_list *list)
{
    lock(list);
    while (list->first) FN_ASSERT(pthread_cond_wait(&list->left, &list->lock) == 0);
    unlock(list);
    for (process_user *u = list->users, *next; u; u = next) {
        next = u->next;
        fn_free(u->name);
        fn_free(u);
    }
    (void)pthread_cond_destroy(&list->left);
    (void)pthread_mutex_destroy(&list->lock);
}

/* With the lock held. */
static process *find(const process_list *list, fn_str id)
{
    for (process *p = list->first; p; p = p->next)
        if (fn_str_eq(fn_cstr(p->id), id)) return p;
    return NULL;
}

static void stop(process *p)
{
    atomic_store(&p->killed, true);
    atomic_store(&p->cancel->reason, FN_QUERY_WAS_CANCELLED);
}

fn_status process_begin(fn_ctx *ctx, process_list *list, process *p, bool replace)
{
    lock(list);
    for (process *other = find(list, fn_cstr(p->id)); other; other = find(list, fn_cstr(p->id))) {
        if (!replace) {
            unlock(list);
            return fn_fail(ctx, FN_QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, "Query with id = %s is already running", p->id);
        }
        stop(other);
        FN_ASSERT(pthread_cond_wait(&list->left, &list->lock) == 0);
    }
    p->next = list->first;
    p->previous = &list->first;
    if (p->next) p->next->previous = &p->next;
    list->first = p;
    list->count++;
    if (p->of) p->of->running++;
    unlock(list);
    return FN_OK;
}

/* With the lock held. */
static fn_status add_user(fn_ctx *ctx, process_list *list, fn_str name, fn_tracker *server, process_user **out)
{
    process_user *u = fn_alloc_zero(ctx, sizeof *u);
    char *copy = u ? fn_alloc(ctx, name.size + 1) : NULL;
    if (!copy) {
        fn_free(u);
        return ctx->error.code;
    }
    if (name.size) memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    fn_tracker_init(&u->memory, "User", server, 0);
    u->name = copy;
    u->next = list->users;
    list->users = *out = u;
    return FN_OK;
}

fn_status process_user_memory(fn_ctx *ctx, process_list *list, fn_str user, fn_tracker *server, process_user **out)
{
    fn_status status = FN_OK;
    lock(list);
    process_user *u = list->users;
    while (u && !fn_str_eq(fn_cstr(u->name), user)) u = u->next;
    if (!u) status = add_user(ctx, list, user, server, &u);
    unlock(list);
    *out = u;
    return status;
}

void process_user_limit(process_user *user, uint64_t bytes)
{
    const int64_t wanted = (int64_t)FN_MIN(bytes, (uint64_t)INT64_MAX);
    int64_t limit = atomic_load(&user->memory.limit);
    while (limit < wanted && !atomic_compare_exchange_weak(&user->memory.limit, &limit, wanted)) {
    }
}

/* With the lock held: the others' statements. kind, user NULL: any. */
static uint64_t count_others(const process_list *list, const process *p, const char *kind, const fn_str *user)
{
    uint64_t n = 0;
    for (const process *o = list->first; o; o = o->next)
        n += o != p && o->admitted && (!kind || (o->kind && strcmp(o->kind, kind) == 0)) && (!user || fn_str_eq(o->user, *user));
    return n;
}

/* With the lock held: which limit stands in the way. */
static fn_status admit(fn_ctx *ctx, const process_list *list, process *p, const process_limits *l)
{
    const bool insert = strcmp(p->kind, "Insert") == 0, select = strcmp(p->kind, "Select") == 0;
    const uint64_t all = count_others(list, p, NULL, NULL), own = count_others(list, p, NULL, &p->user), same = count_others(list, p, p->kind, NULL);
    if (l->queries && all >= l->queries) return fn_fail(ctx, FN_TOO_MANY_SIMULTANEOUS_QUERIES, "Too many simultaneous queries. Maximum: %llu", (unsigned long long)l->queries);
    if (l->all && all >= l->all)
        return fn_fail(ctx, FN_TOO_MANY_SIMULTANEOUS_QUERIES, "Too many simultaneous queries for all users. Current: %llu, maximum: %llu", (unsigned long long)all,
                       (unsigned long long)l->all);
    if (l->user && own >= l->user)
        return fn_fail(ctx, FN_TOO_MANY_SIMULTANEOUS_QUERIES, "Too many simultaneous queries for user " FN_STR_FMT ". Current: %llu, maximum: %llu", FN_STR_ARG(p->user),
                       (unsigned long long)own, (unsigned long long)l->user);
    const uint64_t most = insert ? l->inserts : select ? l->selects : 0;
    if (!most || same < most) return FN_OK;
    return fn_fail(ctx, FN_TOO_MANY_SIMULTANEOUS_QUERIES, "Too many simultaneous %s queries. Maximum: %llu, current: %llu", insert ? "insert" : "select",
                   (unsigned long long)most, (unsigned long long)same);
}

fn_status process_check(fn_ctx *ctx, process_list *list, process *p, const process_limits *l)
{
    struct timespec until;
    FN_ASSERT(clock_gettime(CLOCK_REALTIME, &until) == 0);
    const uint64_t wait_ms = FN_MIN(l->wait_ms, (uint64_t)86400000), ns = (uint64_t)until.tv_nsec + wait_ms % 1000 * 1000000;
    until.tv_sec += (time_t)(wait_ms / 1000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    lock(list);
    fn_status status = admit(ctx, list, p, l);
    for (bool late = !wait_ms; status != FN_OK && !late && !atomic_load(&p->killed);) {
        late = pthread_cond_timedwait(&list->left, &list->lock, &until) != 0;
        fn_error_clear(ctx);
        status = admit(ctx, list, p, l);
    }
    p->admitted = status == FN_OK;
    unlock(list);
    if (status == FN_OK || !atomic_load(&p->killed)) return status;
    fn_error_clear(ctx);
    return fn_ctx_check(ctx);
}

void process_describe(process_list *list, process *p, const char *kind, fn_str sql)
{
    lock(list);
    p->kind = kind;
    p->sql = sql;
    unlock(list);
}

void process_end(process_list *list, process *p)
{
    lock(list);
    *p->previous = p->next;
    if (p->next) p->next->previous = p->previous;
    list->count--;
    if (p->of && --p->of->running == 0) atomic_store(&p->of->memory.limit, 0);
    FN_ASSERT(pthread_cond_broadcast(&list->left) == 0);
    unlock(list);
}

bool process_kill(process_list *list, fn_str id, bool wait)
{
    lock(list);
    process *p = find(list, id);
    const bool found = p != NULL;
    if (found) {
        stop(p);
        FN_ASSERT(pthread_cond_broadcast(&list->left) == 0); /* it may wait to be admitted */
    }
    while (wait && p && find(list, id) == p) FN_ASSERT(pthread_cond_wait(&list->left, &list->lock) == 0);
    unlock(list);
    return found;
}

static fn_status copy_row(fn_ctx *ctx, const process *p, process_row *row)
{
    *row = (process_row){.kind = p->kind,
                         .elapsed_s = (double)(fn_clock_monotonic_ns() - p->started_ns) / 1e9,
                         .memory = atomic_load(&p->memory.used),
                         .peak_memory = atomic_load(&p->memory.peak),
                         .cancelled = atomic_load(&p->killed)};
    if (p->progress) {
        row->rows_read = atomic_load(&p->progress->rows_read);
        row->bytes_read = atomic_load(&p->progress->bytes_read);
        row->total_rows = atomic_load(&p->progress->total_rows);
        row->written_rows = atomic_load(&p->progress->written_rows);
        row->written_bytes = atomic_load(&p->progress->written_bytes);
    }
    const fn_str from[] = {fn_cstr(p->id), p->sql, p->user, p->database, p->address, p->user_agent, p->interface};
    fn_str *const to[] = {&row->id, &row->sql, &row->user, &row->database, &row->address, &row->user_agent, &row->interface};
    for (size_t i = 0; i < FN_COUNT(from); i++) FN_TRY(fn_arena_str(ctx, ctx->arena, from[i], to[i]));
    return FN_OK;
}

fn_status process_rows(fn_ctx *ctx, process_list *list, process_row **out, size_t *count)
{
    fn_status status = FN_OK;
    lock(list);
    *count = 0;
    *out = FN_NEW_ARRAY(ctx, process_row, FN_MAX(list->count, 1u));
    if (!*out) status = ctx->error.code;
    for (const process *p = list->first; p && status == FN_OK; p = p->next) status = copy_row(ctx, p, &(*out)[(*count)++]);
    unlock(list);
    return status;
}

unsigned process_list_count(process_list *list)
{
    FN_ASSERT(pthread_mutex_lock(&list->lock) == 0);
    const unsigned count = list->count;
    FN_ASSERT(pthread_mutex_unlock(&list->lock) == 0);
    return count;
}
