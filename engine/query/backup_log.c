/* backup_log.c - what a BACKUP or RESTORE was asked for, its answer, its row of system.backups, and ASYNC.
 *
 * An entry lives in the log's arena until the engine closes. With ASYNC the statement answers with its id and runs once more, on a
 * thread of its own, as a statement of its own; closing the engine ends those threads. SPDX-License-Identifier: Apache-2.0 */
#include "query/backup.h"
#include "query/result.h"
#include <firn/time.h>
#include <stdio.h>
#include <time.h>

struct backup_entry {
    backup_entry *next;
    fn_str id, name, base, query_id, error;
    backup_status status;
    int64_t start_us, end_us;
    backup_numbers numbers;
    bool waits;               /* ASYNC: answered, the thread has not taken it yet */
};

struct backup_log {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    fn_arena *arena;          /* under the lock */
    backup_entry *first, **last;
    unsigned apart;           /* threads */
    bool closing;
};

fn_status backup_log_open(fn_ctx *ctx, fn_engine *engine)
{
    struct backup_log *l = fn_alloc_zero(ctx, sizeof *l);
    FN_TRY_PTR(ctx, l);
    l->arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    if (!l->arena) {
        fn_free(l);
        return fn_fail_memory(ctx, sizeof *l);
    }
    l->last = &l->first;
    FN_ASSERT(pthread_mutex_init(&l->lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&l->ended, NULL) == 0);
    engine->backups = l;
    return FN_OK;
}

void backup_log_close(fn_engine *engine)
{
    struct backup_log *l = engine->backups;
    if (!l) return;
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    l->closing = true;
    while (l->apart) {
        struct timespec until;
        for (const backup_entry *e = l->first; e; e = e->next)
            if (e->status == BACKUP_CREATING || e->status == BACKUP_RESTORING) (void)process_kill(&engine->processes, e->query_id, false);
        FN_ASSERT(clock_gettime(CLOCK_REALTIME, &until) == 0);
        until.tv_sec++; /* one that was just beginning is asked again */
        (void)pthread_cond_timedwait(&l->ended, &l->lock, &until);
    }
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    (void)pthread_cond_destroy(&l->ended);
    (void)pthread_mutex_destroy(&l->lock);
    fn_arena_free(l->arena);
    fn_free(l);
    engine->backups = NULL;
}

/* ---- settings ---- */
static fn_status read_flag(query *q, const ast_setting *s, bool *out)
{
    fn_str text;
    FN_TRY(query_setting_text(q->ctx, s, &text));
    *out = fn_str_eq(text, FN_STR("1")) || fn_str_eq_nocase(text, FN_STR("true")) || fn_str_eq_nocase(text, FN_STR("if-not-exists"));
    if (*out || fn_str_eq(text, FN_STR("0")) || fn_str_eq_nocase(text, FN_STR("false"))) return FN_OK;
    return fn_fail(q->ctx, FN_CANNOT_PARSE_BACKUP_SETTINGS, "Cannot parse the setting " FN_STR_FMT " of a backup: " FN_STR_FMT, FN_STR_ARG(s->name), FN_STR_ARG(text));
}

/* Known to ClickHouse, not done here. */
static bool is_known(fn_str name)
{
    static const char *const names[] = {
        "password", "compression_method", "compression_level", "s3_storage_class", "allow_s3_native_copy", "allow_azure_native_copy", "use_same_s3_credentials_for_base_backup",
        "use_same_password_for_base_backup", "read_from_filesystem_cache", "azure_attempt_to_create_container", "experimental_lightweight_snapshot",
        "allow_backup_broken_projections", "decrypt_files_from_encrypted_disks", "check_projection_parts", "allow_checksums_from_remote_paths", "shard_num", "replica_num",
        "host_id", "storage_policy", "restore_broken_parts_as_detached", "create_access", "skip_unresolved_access_dependencies", "update_access_entities_dependents",
        "create_function", "allow_unresolved_access_dependencies", "write_access_entities_dependents", "data_file_name_generator", "data_file_name_prefix_length",
        "allow_different_table_def", "allow_different_database_def", "deduplicate_files", "restore_table_data", "cluster_host_ids", "core_settings", "internal"};
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (fn_str_eq(name, fn_cstr(names[i]))) return true;
    return false;
}

static fn_status read_setting(query *q, const ast_setting *s, bool restore, backup_options *o)
{
    const struct {
        const char *name;
        bool *at;
        int when; /* 0: both, 1: BACKUP, 2: RESTORE */
    } flags[] = {{"structure_only", &o->structure_only, 0}, {"async", &o->async, 0}, {"check_parts", &o->check_parts, 1},
                 {"allow_non_empty_tables", &o->allow_non_empty, 2}, {"create_table", &o->create_table, 2}, {"create_database", &o->create_database, 2}};
    if (fn_str_eq(s->name, FN_STR("base_backup"))) {
        o->base = s->value;
        return s->value ? FN_OK : fn_fail(q->ctx, FN_CANNOT_PARSE_BACKUP_SETTINGS, "base_backup must be the place of a backup");
    }
    if (fn_str_eq(s->name, FN_STR("id"))) return query_setting_text(q->ctx, s, &o->id);
    for (size_t i = 0; i < FN_COUNT(flags); i++) {
        if (!fn_str_eq(s->name, fn_cstr(flags[i].name)) || flags[i].when == (restore ? 1 : 2)) continue;
        return read_flag(q, s, flags[i].at);
    }
    if (is_known(s->name)) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "The setting " FN_STR_FMT " of a backup is not supported", FN_STR_ARG(s->name));
    return fn_fail(q->ctx, FN_UNKNOWN_SETTING, "Unknown setting '" FN_STR_FMT "'", FN_STR_ARG(s->name));
}

fn_status backup_options_read(query *q, const ast_statement *s, backup_options *out)
{
    const ast_backup *b = s->backup;
    *out = (backup_options){.check_parts = true, .create_table = true, .create_database = true};
    if (s->on_cluster.size) return fn_fail(q->ctx, FN_CLUSTER_DOESNT_EXIST, "Requested cluster '" FN_STR_FMT "' not found", FN_STR_ARG(s->on_cluster));
    for (uint32_t i = 0; i < b->setting_count; i++) FN_TRY(read_setting(q, &b->settings[i], s->kind == STATEMENT_RESTORE, out));
    if (b->async) out->async = true;
    if (b->sync) out->async = false;
    if (out->id.size) return FN_OK;
    char *uuid = fn_arena_alloc(q->ctx, q->ctx->arena, 37);
    FN_TRY_PTR(q->ctx, uuid);
    catalog_make_uuid(uuid);
    out->id = fn_cstr(uuid);
    return FN_OK;
}

/* ---- entries ---- */
static backup_entry *find_entry(const struct backup_log *l, fn_str id)
{
    backup_entry *e = l->first;
    while (e && !fn_str_eq(e->id, id)) e = e->next;
    return e;
}

static fn_status add_entry(fn_ctx *ctx, struct backup_log *l, const backup_entry *values, backup_entry **out)
{
    backup_entry *e = fn_arena_alloc_zero(ctx, l->arena, sizeof *e);
    FN_TRY_PTR(ctx, e);
    *e = *values;
    fn_str *const texts[] = {&e->id, &e->name, &e->base, &e->query_id};
    for (size_t i = 0; i < FN_COUNT(texts); i++) FN_TRY(fn_arena_str(ctx, l->arena, *texts[i], texts[i]));
    *l->last = e;
    l->last = &e->next;
    *out = e;
    return FN_OK;
}

fn_status backup_begin(query *q, const backup_options *o, fn_str place, fn_str base, bool restore, backup_entry **out)
{
    struct backup_log *l = q->engine->backups;
    const backup_entry fresh = {.id = o->id, .name = place, .base = base, .query_id = fn_cstr(q->process->id), .status = restore ? BACKUP_RESTORING : BACKUP_CREATING,
                                .start_us = fn_clock_realtime_ns() / 1000, .waits = o->async};
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    backup_entry *e = find_entry(l, o->id);
    if (e && e->waits) {
        e->waits = false;
        *out = e;
    } else if (e) {
        status = fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Cannot start %s with ID '" FN_STR_FMT "' because there is another %s with the same ID", restore ? "restore" : "backup",
                         FN_STR_ARG(o->id), e->status >= BACKUP_RESTORING ? "restore" : "backup");
    } else {
        status = add_entry(q->ctx, l, &fresh, out);
    }
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    return status;
}

void backup_end(fn_engine *engine, backup_entry *e, fn_ctx *ctx, fn_status status, const backup_numbers *numbers)
{
    struct backup_log *l = engine->backups;
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    const bool restore = e->status == BACKUP_RESTORING;
    e->numbers = *numbers;
    e->end_us = fn_clock_realtime_ns() / 1000;
    e->status = status == FN_OK ? (restore ? BACKUP_RESTORED : BACKUP_CREATED) : restore ? BACKUP_RESTORE_FAILED : BACKUP_FAILED;
    fn_ctx own = {.arena = l->arena};
    const char *error = status == FN_OK ? "" : fn_arena_printf(&own, l->arena, "Code: %d. DB::Exception: %s. (%s)", status, ctx->error.text, fn_error_name(status));
    if (error) e->error = fn_cstr(error);
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
}

bool backup_is_written(fn_engine *engine, const backup_entry *e, fn_str place)
{
    struct backup_log *l = engine->backups;
    bool found = false;
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    for (const backup_entry *x = l->first; x; x = x->next) found = found || (x != e && x->status == BACKUP_CREATING && fn_str_eq(x->name, place));
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    return found;
}

#define STATUS_TYPE                                                                                                                         \
    "Enum8('CREATING_BACKUP' = 0, 'BACKUP_CREATED' = 1, 'BACKUP_FAILED' = 2, 'RESTORING' = 3, 'RESTORED' = 4, 'RESTORE_FAILED' = 5, "           \
    "'BACKUP_CANCELLED' = 6, 'RESTORE_CANCELLED' = 7)"

fn_status backup_answer(query *q, const ast_statement *s, fn_str id, backup_status answer)
{
    static const result_field fields[] = {{"id", "String"}, {"status", STATUS_TYPE}};
    result_rows rows;
    const int8_t value = (int8_t)answer;
    fn_status status = result_rows_init(q, fields, FN_COUNT(fields), &rows);
    if (status == FN_OK) status = result_rows_text(&rows, 0, id);
    if (status == FN_OK) status = fn_builder_fixed(q->ctx, &rows.builders[1], &value);
    if (status == FN_OK) return result_rows_send(&rows, s);
    result_rows_release(&rows);
    return status;
}

fn_status backup_log_each(fn_ctx *ctx, fn_engine *engine, system_each_backup *each, void *self)
{
    struct backup_log *l = engine->backups;
    fn_status status = FN_OK;
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0); /* `each` makes rows of what is in memory */
    for (const backup_entry *e = l->first; e && status == FN_OK; e = e->next) {
        const backup_numbers *n = &e->numbers;
        const system_backup row = {.id = e->id, .name = e->name, .base = e->base, .query_id = e->query_id, .error = e->error, .status = (uint8_t)e->status,
                                   .start_us = e->start_us, .end_us = e->end_us, .files = n->files, .total_size = n->total_size, .entries = n->entries,
                                   .size = n->size, .files_read = n->files_read, .bytes_read = n->bytes_read};
        status = each(self, ctx, &row);
    }
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    return status;
}

/* ---- ASYNC ---- */
typedef struct apart {
    fn_engine *engine;
    backup_entry *entry;
    fn_arena *arena;
    fn_str sql, database, user;
} apart;

static fn_status no_head(fn_response *self, fn_ctx *ctx, const fn_result_head *head)
{
    (void)self;
    (void)ctx;
    (void)head;
    return FN_OK;
}

static fn_status no_body(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    (void)self;
    (void)ctx;
    (void)bytes;
    (void)size;
    return FN_OK;
}

static void *run_apart(void *argument)
{
    apart *a = argument;
    struct backup_log *l = a->engine->backups;
    fn_ctx ctx = {.arena = a->arena};
    fn_sink body = {.write = no_body};
    fn_response response = {.begin = no_head, .body = &body};
    fn_progress summary;
    const fn_request request = {.user = a->user, .database = a->database, .query_id = a->entry->query_id, .sql = a->sql, .interface = "LOCAL"};
    const fn_status status = fn_engine_query(&ctx, a->engine, &request, &response, &summary);
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    const bool taken = !a->entry->waits;
    a->entry->waits = false;
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    if (!taken) backup_end(a->engine, a->entry, &ctx, status, &(backup_numbers){0}); /* it ended before it could begin */
    fn_arena_free(a->arena);
    FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
    l->apart--;
    FN_ASSERT(pthread_cond_broadcast(&l->ended) == 0);
    FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    return NULL;
}

/* The statement without ASYNC and with the id. */
static fn_status text_apart(fn_ctx *ctx, const ast_statement *s, const backup_options *o, fn_arena *arena, fn_str *out)
{
    ast_statement copy = *s;
    ast_backup b = *s->backup;
    fn_buf text = FN_BUF_INIT;
    copy.backup = &b;
    b.async = b.sync = false;
    b.setting_count = 0;
    b.settings = FN_NEW_ARRAY(ctx, ast_setting, s->backup->setting_count + 1);
    FN_TRY_PTR(ctx, b.settings);
    for (uint32_t i = 0; i < s->backup->setting_count; i++) {
        const ast_setting *from = &s->backup->settings[i];
        if (!fn_str_eq(from->name, FN_STR("async")) && !fn_str_eq(from->name, FN_STR("id"))) b.settings[b.setting_count++] = *from;
    }
    fn_status status = sql_print_statement(ctx, &copy, false, &text);
    if (status == FN_OK) status = fn_buf_cstr(ctx, &text, b.setting_count ? ", id = " : " SETTINGS id = ");
    if (status == FN_OK) status = sql_quote_string(ctx, o->id, &text);
    if (status == FN_OK) status = fn_arena_str(ctx, arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

static fn_status fill_apart(query *q, const ast_statement *s, const backup_options *o, apart *a)
{
    FN_TRY(text_apart(q->ctx, s, o, a->arena, &a->sql));
    FN_TRY(fn_arena_str(q->ctx, a->arena, q->database, &a->database));
    return fn_arena_str(q->ctx, a->arena, q->session->user, &a->user);
}

fn_status backup_run_apart(query *q, const ast_statement *s, const backup_options *o, backup_entry *e)
{
    struct backup_log *l = q->engine->backups;
    char *uuid = fn_arena_alloc(q->ctx, q->ctx->arena, 37);
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    apart *a = arena ? fn_arena_alloc_zero(q->ctx, arena, sizeof *a) : NULL;
    fn_status status = uuid && a ? FN_OK : fn_fail_memory(q->ctx, sizeof *a);
    if (status == FN_OK) {
        *a = (apart){.engine = q->engine, .entry = e, .arena = arena};
        catalog_make_uuid(uuid);
        status = fill_apart(q, s, o, a);
    }
    if (status == FN_OK) {
        pthread_t thread;
        FN_ASSERT(pthread_mutex_lock(&l->lock) == 0);
        status = l->closing ? fn_fail(q->ctx, FN_ABORTED, "The server is shutting down") : fn_arena_str(q->ctx, l->arena, fn_cstr(uuid), &e->query_id);
        if (status == FN_OK && pthread_create(&thread, NULL, run_apart, a) != 0) status = fn_fail(q->ctx, FN_CANNOT_SCHEDULE_TASK, "A thread cannot be started");
        if (status == FN_OK) {
            FN_ASSERT(pthread_detach(thread) == 0);
            l->apart++;
        }
        FN_ASSERT(pthread_mutex_unlock(&l->lock) == 0);
    }
    if (status != FN_OK) fn_arena_free(arena);
    return status;
}
