/* session.c - sessions: settings, current database, parameters and temporary tables that live between requests.
 * The list's lock guards links and `busy`; everything else of a session is touched only by the request that holds it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/query.h"
#include <firn/time.h>

static void lock(session_list *list)
{
    FN_ASSERT(pthread_mutex_lock(&list->lock) == 0);
}

static void unlock(session_list *list)
{
    FN_ASSERT(pthread_mutex_unlock(&list->lock) == 0);
}

void session_list_init(session_list *list)
{
    list->first = NULL;
    FN_ASSERT(pthread_mutex_init(&list->lock, NULL) == 0);
}

/* Runs `call` with allocations going to the session's arena. */
static fn_ctx session_ctx(const fn_session *s)
{
    return (fn_ctx){.arena = s->arena};
}

static fn_status hand_up(fn_ctx *ctx, const fn_ctx *own, fn_status status)
{
    return status == FN_OK ? FN_OK : fn_fail(ctx, status, "%s", own->error.text);
}

fn_status session_begin(fn_ctx *ctx, fn_engine *engine, fn_str user, fn_session *out)
{
    *out = (fn_session){.engine = engine, .busy = true};
    fn_ctx own = {.arena = NULL};
    out->arena = own.arena = fn_arena_new(&own);
    if (!out->arena) return hand_up(ctx, &own, own.error.code);
    fn_status status = fn_arena_str(&own, out->arena, user.size ? user : FN_STR("default"), &out->user);
    if (status == FN_OK) status = fn_arena_str(&own, out->arena, fn_cstr(engine->database), &out->database);
    if (status == FN_OK) status = settings_default(&own, &out->settings);
    if (status != FN_OK) session_end(out);
    return hand_up(ctx, &own, status);
}

void session_end(fn_session *s)
{
    for (session_table *t = s->tables; t; t = t->next) table_drop(t->table);
    s->tables = NULL;
    fn_arena_free(s->arena);
    s->arena = NULL;
}

static void session_free(fn_session *s)
{
    session_end(s);
    fn_free(s);
}

void session_list_release(session_list *list)
{
    while (list->first) {
        fn_session *s = list->first;
        list->first = s->next;
        session_free(s);
    }
    (void)pthread_mutex_destroy(&list->lock);
}

/* Sessions whose time is over leave the list; with the lock held. Returns them linked. */
static fn_session *take_expired(session_list *list, int64_t now)
{
    fn_session *expired = NULL, **at = &list->first;
    while (*at) {
        fn_session *s = *at;
        if (s->busy || now - s->released_ns < (int64_t)s->timeout_s * 1000000000) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->next = expired;
        expired = s;
    }
    return expired;
}

static fn_session *find(session_list *list, fn_str user, fn_str id)
{
    for (fn_session *s = list->first; s; s = s->next)
        if (fn_str_eq(s->id, id) && fn_str_eq(s->user, user)) return s;
    return NULL;
}

static fn_status make(fn_ctx *ctx, fn_engine *engine, fn_str user, fn_str id, fn_session **out)
{
    fn_session *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    fn_status status = session_begin(ctx, engine, user, s);
    if (status == FN_OK) {
        fn_ctx own = session_ctx(s);
        status = hand_up(ctx, &own, fn_arena_str(&own, s->arena, id, &s->id));
        if (status != FN_OK) session_end(s);
    }
    if (status != FN_OK) {
        fn_free(s);
        return status;
    }
    *out = s;
    return FN_OK;
}

fn_status fn_session_acquire(fn_ctx *ctx, fn_engine *engine, fn_str user, fn_str id, unsigned timeout_s, bool check_exists, fn_session **out)
{
    session_list *list = &engine->sessions;
    fn_status status = FN_OK;
    if (!user.size) user = FN_STR("default");
    lock(list);
    fn_session *expired = take_expired(list, fn_clock_monotonic_ns());
    fn_session *s = find(list, user, id);
    if (!s && check_exists) {
        status = fn_fail(ctx, FN_SESSION_NOT_FOUND, "Session " FN_STR_FMT " not found", FN_STR_ARG(id));
    } else if (s && s->busy) {
        status = fn_fail(ctx, FN_SESSION_IS_LOCKED, "Session " FN_STR_FMT " is locked by a concurrent client", FN_STR_ARG(id));
    } else if (!s) {
        status = make(ctx, engine, user, id, &s);
        if (status == FN_OK) {
            s->next = list->first;
            list->first = s;
        }
    }
    if (status == FN_OK) {
        s->busy = true;
        s->timeout_s = timeout_s;
        *out = s;
    }
    unlock(list);
    while (expired) {
        fn_session *next = expired->next;
        session_free(expired);
        expired = next;
    }
    return status;
}

void fn_session_release(fn_session *session, bool close)
{
    session_list *list = &session->engine->sessions;
    lock(list);
    session->busy = false;
    session->released_ns = fn_clock_monotonic_ns();
    if (close) {
        fn_session **at = &list->first;
        while (*at != session) at = &(*at)->next;
        *at = session->next;
    }
    unlock(list);
    if (close) session_free(session);
}

/* ---- temporary tables ---- */
table *session_table_find(const fn_session *session, fn_str name)
{
    for (const session_table *t = session->tables; t; t = t->next)
        if (fn_str_eq(t->table->name, name)) return t->table;
    return NULL;
}

fn_status session_table_add(fn_ctx *ctx, fn_session *session, table *t_ref)
{
    fn_ctx own = session_ctx(session);
    session_table *t = fn_arena_alloc_zero(&own, session->arena, sizeof *t);
    if (!t) return hand_up(ctx, &own, own.error.code);
    t->table = table_ref(t_ref);
    t->next = session->tables;
    session->tables = t;
    return FN_OK;
}

bool session_table_remove(fn_session *session, fn_str name)
{
    for (session_table **at = &session->tables; *at; at = &(*at)->next) {
        table *t = (*at)->table;
        if (!fn_str_eq(t->name, name)) continue;
        *at = (*at)->next;
        table_drop(t);
        return true;
    }
    return false;
}

/* ---- settings and parameters ---- */
fn_status session_set(fn_ctx *ctx, fn_session *session, fn_str name, fn_str value, bool reset)
{
    fn_ctx own = session_ctx(session);
    const fn_status status = reset ? settings_reset(&own, &session->settings, name) : settings_set(&own, &session->settings, name, value);
    return hand_up(ctx, &own, status);
}

fn_status session_use(fn_ctx *ctx, fn_session *session, fn_str database)
{
    fn_ctx own = session_ctx(session);
    return hand_up(ctx, &own, fn_arena_str(&own, session->arena, database, &session->database));
}

fn_status session_set_param(fn_ctx *ctx, fn_session *session, fn_str name, fn_str value)
{
    fn_ctx own = session_ctx(session);
    fn_pair *slot = NULL;
    for (size_t i = 0; i < session->param_count; i++)
        if (fn_str_eq(session->params[i].name, name)) slot = &session->params[i];
    if (!slot) {
        fn_pair *grown = fn_arena_alloc_zero(&own, session->arena, sizeof *grown * (session->param_count + 1));
        if (!grown) return hand_up(ctx, &own, own.error.code);
        for (size_t i = 0; i < session->param_count; i++) grown[i] = session->params[i];
        session->params = grown;
        slot = &grown[session->param_count];
        fn_status status = fn_arena_str(&own, session->arena, name, &slot->name);
        if (status != FN_OK) return hand_up(ctx, &own, status);
        session->param_count++;
    }
    return hand_up(ctx, &own, fn_arena_str(&own, session->arena, value, &slot->value));
}
